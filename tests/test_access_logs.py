"""What stands in the log: kind and place of a fault, never what it said."""

import io
import logging
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from access import logs
from tests.serving import ROOT

NAME = "Ada Aardvark"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Make records as the served app does, and give what a library's own handler writes."""
    before, said = logging.getLogRecordFactory(), io.StringIO()
    logging.setLogRecordFactory(logs._record)
    handler = logging.StreamHandler(said)
    names = ("still_running", "streamlit.x", "sqlalchemy.y", "uvicorn.error", "asyncio", "alembic.z", "any.other")
    for name in names:
        logging.getLogger(name).addHandler(handler)
    yield said
    logging.setLogRecordFactory(before)
    for name in names:
        logging.getLogger(name).removeHandler(handler)


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001
        return caught


@pytest.mark.parametrize("name", ["streamlit.x", "sqlalchemy.y", "uvicorn.error", "asyncio", "alembic.z", "any.other"])
def test_of_a_librarys_record_only_the_place_stays(written: io.StringIO, name: str) -> None:
    logger = logging.getLogger(name)
    logger.error(f"no zone {NAME}")
    logger.error("no zone %s", NAME)
    logger.error("%(who)s", {"who": NAME})
    logger.error(ValueError(NAME))
    logger.error("x", exc_info=raised(KeyError(NAME)), stack_info=True, extra={"patient": NAME})
    try:
        raise TypeError(NAME)
    except TypeError:
        logger.exception(NAME)
    lines = written.getvalue().splitlines()
    assert len(lines) == 6
    assert NAME not in written.getvalue()
    assert all(line.startswith("(left out) at tests/test_access_logs.py:") for line in lines)
    assert [line.split(" [")[0].split()[-1] for line in lines[3:]] == ["ValueError", "KeyError", "TypeError"]


def test_a_fault_is_told_with_all_it_came_from_and_where(written: io.StringIO) -> None:
    try:
        try:
            int(NAME)
        except ValueError as error:
            raise RuntimeError(NAME) from error
    except RuntimeError as error:
        number = logs.broke(error)
    (line,) = written.getvalue().splitlines()
    assert NAME not in line
    assert f"RuntimeError [{number}] at tests/test_access_logs.py:" in line
    assert "; from ValueError [" in line
    assert "in test_a_fault_is_told_with_all_it_came_from_and_where" in line


def test_a_fault_has_one_number_for_the_log_and_the_person() -> None:
    error = raised(ValueError(NAME))
    assert logs.number_of(error) == logs.number_of(error)
    assert logs.number_of(error) != logs.number_of(raised(ValueError(NAME)))
    assert logs.number_of(error) in logs.told(error)


def test_groups_of_faults_and_faults_that_go_in_a_circle_come_to_an_end() -> None:
    first, second = raised(ValueError(NAME)), raised(KeyError(NAME))
    first.__cause__, second.__cause__ = second, first
    group = raised(ExceptionGroup(NAME, [first, second]))  # type: ignore[list-item]
    said = logs.told(group)
    assert NAME not in said
    assert [said.count(kind) for kind in ("ExceptionGroup", "ValueError", "KeyError")] == [1, 1, 1]


def test_the_word_that_the_system_has_for_a_fault_is_kept() -> None:
    try:
        open(f"/nowhere/{NAME}")  # noqa: PTH123, SIM115
    except OSError as error:
        said = logs.told(error)
    assert "FileNotFoundError (ENOENT)" in said
    assert NAME not in said


def test_a_database_fault_says_neither_statement_nor_values(engine: sa.Engine, written: io.StringIO) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught, engine.connect() as connection:
        connection.execute(sa.text("SELECT :name FROM no_such_table"), {"name": NAME})
    logs.broke(caught.value)
    said = written.getvalue()
    assert "no_such_table" not in said
    assert NAME not in said
    assert "Error (" in said


def test_our_own_words_take_allowed_keys_with_plain_values_only(written: io.StringIO) -> None:
    own = logging.getLogger("still_running")
    own.warning("Took %(milliseconds)s ms for %(name)s", {"milliseconds": 12, "name": NAME})
    own.warning("errno %(errno)s", {"errno": NAME})
    own.warning("%s", NAME)
    own.warning("%d %d", NAME)
    assert written.getvalue().splitlines() == ["Took 12 ms for (left out)", "errno (left out)", "{}", "(left out)"]


def test_what_python_itself_would_print_goes_through_the_log_too() -> None:
    """A thread that ends in a fault, a warning, a fault at the very end, a handler that fails, and a printed traceback."""
    program = f"""
    import logging, sys, threading, traceback, warnings
    from access import logs
    logs.install()
    logs.install()
    def fall(): raise ValueError({NAME!r})
    thread = threading.Thread(target=fall); thread.start(); thread.join()
    warnings.warn({NAME!r})
    class Dying:
        def __del__(self): raise KeyError({NAME!r})
    Dying()
    try:
        fall()
    except ValueError:
        traceback.print_exc()
    class Failing(logging.Handler):
        def emit(self, record):
            try: raise TypeError({NAME!r})
            except TypeError: self.handleError(record)
    logging.getLogger("streamlit").addHandler(Failing())
    logging.getLogger("streamlit").error({NAME!r})
    logging.getLogger("nobody.listens").warning({NAME!r})
    raise RuntimeError({NAME!r})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert NAME not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert [done.stderr.count(kind) for kind in ("ValueError", "UserWarning", "KeyError", "RuntimeError")] == [2, 1, 1, 1]
