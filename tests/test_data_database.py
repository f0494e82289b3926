"""How the database is opened: the rules of each connection, and the key without which nothing can be read."""

import contextlib
import os
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlcipher3 import dbapi2 as sqlcipher
from sqlmodel import col

from data.database import (
    BUSY_TIMEOUT_MS,
    WAL_SAFE_SINCE,
    DatabaseUnusable,
    configured_key,
    database_url,
    key_file,
    make_engine,
    migrate,
    new_key_file,
    reading,
    ready_engine,
    schema_revision,
    writing,
)
from models import Clinic, Patient, Person
from tests.clinic_scene import new_scene

KEY, OTHER_KEY = "0f" * 32, "f0" * 32
CANARY = "canary-Xk3f9-note"


@contextlib.contextmanager
def opened(url: str, key: str | None = None) -> Iterator[sa.Engine]:
    engine = make_engine(url, key)
    try:
        yield engine
    finally:
        engine.dispose()


def named(engine: sa.Engine, name: str) -> None:
    with writing(engine) as connection:
        connection.execute(sa.insert(Person).values(name=name))


def names(engine: sa.Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(sa.select(col(Person.name)).order_by(col(Person.id))).scalars())


# --------------------------------------------------------------------------------------------------------------------
# Connection rules
# --------------------------------------------------------------------------------------------------------------------


def test_every_sqlite_connection_follows_the_rules(sqlite_engine: sa.Engine) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(3):  # three at once, so that the pool makes three
            connection = held.enter_context(reading(sqlite_engine))
            asked = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("foreign_keys", "journal_mode", "synchronous")
            }
            assert asked == {"foreign_keys": 1, "journal_mode": "wal", "synchronous": 2}
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == BUSY_TIMEOUT_MS == 30_000


def test_the_sqlite_engine_is_past_the_corruption_bug_of_wal(sqlite_engine: sa.Engine) -> None:
    with reading(sqlite_engine) as connection:
        version = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar())
    assert tuple(map(int, version.split("."))) >= WAL_SAFE_SINCE == (3, 51, 3)


def test_an_older_engine_would_not_use_wal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlcipher, "sqlite_version_info", (3, 51, 2))
    with opened(f"sqlite:///{tmp_path / 'old.db'}") as engine, reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"


def test_what_has_no_parent_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign key"), writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO person_role (person_id, role) VALUES (4711, 'owner')")


def test_a_write_is_whole_or_absent(engine: sa.Engine) -> None:
    half = [sa.insert(Person).values(name="Half"), sa.text("SELECT what_is_not_there")]
    with pytest.raises(sa.exc.DBAPIError), writing(engine) as connection:
        [connection.execute(statement) for statement in half]
    assert names(engine) == []
    named(engine, "Whole")
    assert names(engine) == ["Whole"]


def test_a_writer_takes_its_place_at_once_and_a_second_one_is_told(sqlite_engine: sa.Engine) -> None:
    named(sqlite_engine, "Ada")
    with writing(sqlite_engine):  # nothing written yet: BEGIN IMMEDIATE is enough
        with reading(sqlite_engine) as reader:
            assert reader.execute(sa.select(col(Person.name))).scalars().all() == ["Ada"]
            reader.exec_driver_sql("PRAGMA busy_timeout = 0")
        # the pool hands the same connection out again, now without patience
        with pytest.raises(sa.exc.OperationalError, match="database is locked"), writing(sqlite_engine):
            pass
    with reading(sqlite_engine) as reader:
        reader.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    named(sqlite_engine, "Ben")
    assert names(sqlite_engine) == ["Ada", "Ben"]


def test_a_second_writer_waits_for_the_first(engine: sa.Engine) -> None:
    scene = new_scene(engine)
    scene.patient("ADA")
    second_is_done = threading.Event()

    def second() -> None:
        with writing(engine) as connection:
            connection.execute(sa.update(Patient).values(changed_seq=col(Patient.changed_seq) + 1))
        second_is_done.set()

    with writing(engine) as first:
        first.execute(sa.update(Patient).values(changed_seq=col(Patient.changed_seq) + 1))
        other = threading.Thread(target=second)
        other.start()
        assert not second_is_done.wait(timeout=0.2)
        with reading(engine) as reader:
            assert reader.execute(sa.select(col(Patient.changed_seq))).scalar() == 0
    other.join(timeout=10)
    assert second_is_done.is_set()
    assert scene.rows("patient")[0]["changed_seq"] == 2


def test_a_reader_keeps_one_view_while_others_write(engine: sa.Engine) -> None:
    named(engine, "Ada")
    with reading(engine) as reader:
        assert len(reader.execute(sa.select(col(Person.name))).all()) == 1
        named(engine, "Ben")
        assert len(reader.execute(sa.select(col(Person.name))).all()) == 1
    assert names(engine) == ["Ada", "Ben"]
    with writing(engine) as connection:  # and a writer sees what is there now
        assert connection.execute(sa.text("SELECT count(*) FROM person")).scalar() == 2


@pytest.mark.parametrize("broken", ["unique", "check", "missing", "unknown_column"])
def test_no_value_stands_in_an_error(engine: sa.Engine, broken: str) -> None:
    named(engine, CANARY)
    (key,) = [row["key"] for row in new_scene(engine).rows("person") if row["name"] == CANARY]
    faults = {
        "unique": sa.insert(Person).values(name=CANARY, key=key),
        "check": sa.insert(Clinic).values(id=2, name=CANARY, time_zone=CANARY),
        "missing": sa.insert(Person).values(name=None, key=CANARY),
        "unknown_column": sa.text("SELECT nothing FROM person WHERE name = :name").bindparams(name=CANARY),
    }
    with pytest.raises(sa.exc.DBAPIError) as caught, writing(engine) as connection:
        connection.execute(faults[broken])
    said = "".join([str(caught.value), repr(caught.value), str(caught.value.orig), repr(caught.value.orig)])
    assert CANARY not in said
    assert key not in said


def test_the_database_is_a_file_under_var_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    assert re.fullmatch(r"sqlite:///.*/var/clinic\.db", database_url())
    monkeypatch.setenv("DATABASE_URL", "postgres://tess@db/clinic")
    assert database_url() == "postgresql+psycopg://tess@db/clinic"
    monkeypatch.setenv("DATABASE_URL", "postgresql://tess@db/clinic")
    assert database_url() == "postgresql+psycopg://tess@db/clinic"


@pytest.mark.parametrize("url", ["sqlite://", "mysql://tess@db/clinic"])
def test_a_database_that_is_neither_a_file_nor_postgresql_is_refused(url: str) -> None:
    with pytest.raises(DatabaseUnusable, match="must name a SQLite file"):
        make_engine(url)


def test_there_is_no_database_until_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="no database yet"):
        ready_engine(f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()


# --------------------------------------------------------------------------------------------------------------------
# The key
# --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def encrypted_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'encrypted' / 'clinic.db'}"
    with opened(url, KEY) as engine:
        migrate(engine)
        named(engine, CANARY)
    return url


def files_beside(url: str) -> dict[str, bytes]:
    folder = Path(url.removeprefix("sqlite:///")).parent
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_neither_the_file_nor_its_log_holds_plain_text(encrypted_url: str) -> None:
    with opened(encrypted_url, KEY) as engine:
        named(engine, f"{CANARY} again")
        written = files_beside(encrypted_url)  # while open: the newest row lies in the log
        assert len(written["clinic.db-wal"]) > 0
        assert names(engine) == [CANARY, f"{CANARY} again"]
    for name, content in {**written, "closed": files_beside(encrypted_url)["clinic.db"]}.items():
        assert CANARY.encode() not in content, name
        assert b"SQLite format 3" not in content, name
        assert b"CREATE TABLE" not in content, name


def test_without_a_key_the_file_is_plain_and_the_search_would_find_it(sqlite_engine: sa.Engine, sqlite_url: str) -> None:
    named(sqlite_engine, CANARY)
    assert any(CANARY.encode() in content for content in files_beside(sqlite_url).values())


@pytest.mark.parametrize(("key", "said"), [(None, "encrypted and no key is configured"), (OTHER_KEY, "The key does not fit this database")])
def test_without_the_right_key_there_is_no_data_and_that_is_said_loudly(encrypted_url: str, key: str | None, said: str) -> None:
    before = files_beside(encrypted_url)["clinic.db"]
    for attempt in (lambda: ready_engine(encrypted_url, key), lambda: migrate(make_engine(encrypted_url, key))):
        with pytest.raises(DatabaseUnusable, match=said) as caught:
            attempt()
        assert "NO KEY, NO DATA" in str(caught.value)
        assert "recovery sheet" in str(caught.value)
    assert files_beside(encrypted_url)["clinic.db"] == before


def test_a_plain_file_is_not_opened_with_a_key(sqlite_url: str) -> None:
    with pytest.raises(DatabaseUnusable, match="does not fit"):
        ready_engine(sqlite_url, KEY)


def test_an_encrypted_database_can_be_migrated_and_is_ready(encrypted_url: str) -> None:
    engine = ready_engine(encrypted_url, KEY)
    assert names(engine) == [CANARY]
    assert migrate(engine) == schema_revision(engine)
    engine.dispose()


@pytest.fixture
def key_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys" / "clinic.key"
    monkeypatch.setenv("STILL_RUNNING_KEY_FILE", str(path))
    return path


def test_a_new_key_is_256_bits_in_a_file_for_its_owner_alone(key_path: Path) -> None:
    assert configured_key() is None
    old_mask = os.umask(0)
    try:
        key = new_key_file(key_path)
    finally:
        os.umask(old_mask)
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600
    assert configured_key() == key


def test_a_key_is_never_replaced(key_path: Path) -> None:
    key = new_key_file(key_path)
    with pytest.raises(FileExistsError):
        new_key_file(key_path)
    assert configured_key() == key


@pytest.mark.parametrize(("mode", "accepted"), [(0o600, True), (0o400, True), (0o640, False), (0o644, False), (0o601, False)])
def test_a_key_file_that_others_can_read_is_refused(key_path: Path, mode: int, accepted: bool) -> None:
    key = new_key_file(key_path)
    key_path.chmod(mode)
    if accepted:
        assert configured_key() == key
        return
    with pytest.raises(DatabaseUnusable, match=rf"can be read by others \(mode 0{mode:o}\). Run: chmod 600"):
        configured_key()


@pytest.mark.parametrize("text", ["", "0f" * 31, "0f" * 33, "0g" * 32, "0f" * 32 + "é", "'; ATTACH 'x' AS y; --"])
def test_a_malformed_key_is_refused(key_path: Path, text: str) -> None:
    new_key_file(key_path)
    key_path.write_text(text, encoding="utf-8")
    with pytest.raises(DatabaseUnusable, match="64 hexadecimal digits"):
        configured_key()


def test_the_key_of_the_environment_comes_first(key_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_key_file(key_path)
    monkeypatch.setenv("STILL_RUNNING_KEY", f" {KEY.upper()}\n")
    assert configured_key() == KEY
    monkeypatch.setenv("STILL_RUNNING_KEY", "short")
    with pytest.raises(DatabaseUnusable):
        configured_key()


def test_the_key_lies_beside_the_database_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STILL_RUNNING_KEY_FILE", raising=False)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'clinic.db'}")
    assert key_file() == tmp_path / "clinic.key"


def test_the_configured_key_opens_the_configured_database(key_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'clinic.db'}")
    key = new_key_file(key_path)
    engine = make_engine()
    migrate(engine)
    engine.dispose()
    ready = ready_engine()
    ready.dispose()
    key_path.unlink()
    with pytest.raises(DatabaseUnusable, match="NO KEY, NO DATA"):
        ready_engine()
    ready_engine(database_url(), key).dispose()
