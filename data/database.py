"""The database: which one, with which key, by which rules each connection lives."""

import functools
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlcipher3 import dbapi2 as sqlcipher

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var"
MIGRATIONS = Path(__file__).resolve().parent / "migrations"
# SQLite lets waiting writers in by chance: among eight at work one may be passed over for more than ten seconds.
BUSY_TIMEOUT_MS = 30_000
# SQLite below this may corrupt a database in WAL mode (https://www.sqlite.org/changes.html, 3.51.3).
WAL_SAFE_SINCE = (3, 51, 3)


class DatabaseUnusable(Exception):
    """The database cannot be used as it is; the text says what to do."""


def database_url() -> str:
    """
    Say which database is used: `DATABASE_URL`, else a SQLite file under `var/`.

    Returns
    -------
    str
        An SQLAlchemy URL; PostgreSQL ones use the psycopg driver.
    """
    url = os.environ.get("DATABASE_URL", "").strip() or f"sqlite:///{VAR / 'clinic.db'}"
    return re.sub(r"^postgres(?:ql)?://", "postgresql+psycopg://", url)


def sqlite_path(url: str) -> Path | None:
    """Give the file of a SQLite URL; None for another database."""
    parsed = sa.make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def key_file() -> Path:
    """Say where the key lies: `STILL_RUNNING_KEY_FILE`, else `clinic.key` beside the database file."""
    named = os.environ.get("STILL_RUNNING_KEY_FILE", "").strip()
    if named:
        return Path(named)
    path = sqlite_path(database_url())
    return (path.parent if path else VAR) / "clinic.key"


def configured_key() -> str | None:
    """
    Read the encryption key, if one is configured.

    Returns
    -------
    str or None
        64 hexadecimal digits (256 bits) from `STILL_RUNNING_KEY` or the key file; None if neither is there.

    Raises
    ------
    DatabaseUnusable
        If the key is malformed, or its file can be read by others.
    """
    key = os.environ.get("STILL_RUNNING_KEY", "").strip()
    path = key_file()
    if not key:
        if not path.exists():
            return None
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise DatabaseUnusable(f"The key file {path} can be read by others (mode {mode:04o}). Run: chmod 600 {path}")
        key = path.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(r"[0-9a-fA-F]{64}", key):
        raise DatabaseUnusable("The encryption key must be 64 hexadecimal digits. Restore it from the recovery sheet.")
    return key.lower()


def audit_folder(engine: sa.Engine) -> Path:
    """
    Say where `audit.key` and `audit.head` lie: beside the database file; for a PostgreSQL database in `STILL_RUNNING_AUDIT_FOLDER`, else in `var/`.
    """
    path = sqlite_path(engine.url.render_as_string(hide_password=False))
    if path is not None:
        return path.parent
    named = os.environ.get("STILL_RUNNING_AUDIT_FOLDER", "").strip()
    return Path(named) if named else VAR


def uploads_folder(engine: sa.Engine) -> Path:
    """Say where archives lie that are on their way in: beside the database file, for a PostgreSQL database beside the audit's key."""
    return audit_folder(engine) / "uploads"


def new_key_file(path: Path) -> str:
    """
    Make a new 256-bit key and store it in a file that only its owner can read.

    Raises
    ------
    FileExistsError
        If the file is there already: a key is never replaced.
    """
    key = secrets.token_hex(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def _sqlite_connection(path: str, key: str | None, *, foreign_keys: bool) -> Any:
    connection = sqlcipher.connect(path, isolation_level=None, check_same_thread=False)
    try:
        if key is not None:
            connection.execute(f"PRAGMA key = \"x'{key}'\"")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        wal_safe = sqlcipher.sqlite_version_info >= WAL_SAFE_SINCE
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute(f"PRAGMA journal_mode = {'WAL' if wal_safe else 'DELETE'}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
    except sqlcipher.DatabaseError as error:
        connection.close()
        if "not a database" not in str(error):
            raise
        said = "The key does not fit this database, or" if key else "This database is encrypted and no key is configured, or"
        raise DatabaseUnusable(
            f"{said} the file {path} is damaged or no database at all. NO KEY, NO DATA: nothing can be read. Put the key of the recovery sheet into {key_file()} (chmod 600) or STILL_RUNNING_KEY."
        ) from None
    return connection


def _postgresql_engine(url: str) -> sa.Engine:
    if sa.make_url(url).get_backend_name() != "postgresql":
        raise DatabaseUnusable("DATABASE_URL must name a SQLite file (sqlite:///path) or a PostgreSQL database (postgresql://…).")
    engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)

    @sa.event.listens_for(engine, "handle_error")
    def _hide_values(context: sa.ExceptionContext) -> None:
        # the server's DETAIL line repeats the whole row: keep what it says first
        for error in (context.original_exception, context.sqlalchemy_exception):
            if isinstance(error, Exception) and error.args:
                error.args = (str(error.args[0]).splitlines()[0], *error.args[1:])

    return engine


def make_engine(url: str | None = None, key: str | None = None, *, foreign_keys: bool = True) -> sa.Engine:
    """
    Make an engine whose connections follow the rules of the house.

    SQLite (through SQLCipher's current engine): foreign keys on, WAL, `synchronous=FULL`, a busy timeout, `BEGIN IMMEDIATE` for what
    writes. Values never stand in error messages.

    Parameters
    ----------
    url : str, optional
        SQLAlchemy URL; default `database_url()`.
    key : str, optional
        64 hexadecimal digits; default none for a given URL, `configured_key()` for the default one.
    foreign_keys : bool
        Off only for migrations: SQLite empties the children of a rebuilt parent table otherwise.
    """
    if url is None:
        url, key = database_url(), configured_key()
    path = sqlite_path(url)
    if path is None:
        return _postgresql_engine(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url,
        module=sqlcipher,
        creator=functools.partial(_sqlite_connection, str(path), key, foreign_keys=foreign_keys),
        poolclass=sa.QueuePool,
        pool_size=10,
        max_overflow=30,
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@functools.cache
def engine() -> sa.Engine:
    """Give the process's engine on the configured database, made once and checked (see `ready_engine`)."""
    return ready_engine()


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open one consistent view of the database."""
    whole = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**whole) as connection:
        yield connection
        connection.rollback()


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """
    Open one writing transaction: whole at the end, or nothing of it.

    What stands in its execution option `after_commit`, a list, is called when all is stored.
    """
    after_commit: list[Callable[[], None]] = []
    with engine.execution_options(writes=True, after_commit=after_commit).begin() as connection:
        yield connection
    for call in after_commit:
        call()


def next_ids(connection: sa.Connection, table: sa.Table, count: int) -> list[int]:
    """
    Take numbers for new rows of a table inside a writing transaction, so that many rows can be inserted in one go.

    On SQLite nobody else writes until it ends; PostgreSQL's own counter gives them.
    """
    if connection.dialect.name == "postgresql":
        counter = sa.func.nextval(sa.func.pg_get_serial_sequence(table.name, "id"))
        return sorted(connection.execute(sa.select(counter).select_from(sa.func.generate_series(1, count))).scalars())
    newest = connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
    return list(range(newest + 1, newest + 1 + count))


# --------------------------------------------------------------------------------------------------------------------
# Migrations
# --------------------------------------------------------------------------------------------------------------------


def migrations_config(scripts: Path = MIGRATIONS) -> Config:
    """Give Alembic's configuration for the folder of migrations."""
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config


def schema_revision(engine: sa.Engine) -> str | None:
    """Read which migration the database is at; None before the first."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: sa.Engine, *, scripts: Path = MIGRATIONS) -> str:
    """
    Bring the schema to the newest version, in one transaction: whole, or as it was.

    Returns
    -------
    str
        The revision that the database now has.

    Raises
    ------
    DatabaseUnusable
        If the database is newer than this program.
    """
    config = migrations_config(scripts)
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head() or ""
    current = schema_revision(engine)
    if current == head:
        return head
    if current is not None and current not in {item.revision for item in script.walk_revisions()}:
        raise DatabaseUnusable("This database was made by a newer version of Still Running. Update the program; nothing was changed.")
    path = sqlite_path(engine.url.render_as_string(hide_password=False))
    own = engine
    if path is not None:  # foreign keys off: see the docstring of make_engine
        own = sa.create_engine(
            "sqlite://",
            module=sqlcipher,
            creator=functools.partial(_sqlite_connection, str(path), engine_key(engine), foreign_keys=False),
            poolclass=sa.NullPool,
            hide_parameters=True,
        )
        sa.event.listen(own, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with own.begin() as connection:
        if path is None:  # one migration at a time, as BEGIN IMMEDIATE has it on SQLite
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20180610)")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if path is not None and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
            raise DatabaseUnusable(f"The migration would leave {len(broken)} rows without their parent; nothing was changed.")
    return head


def engine_key(engine: sa.Engine) -> str | None:
    """Give the encryption key that an engine of `make_engine` was made with."""
    creator = getattr(engine.pool, "_creator", None)
    return creator.args[1] if isinstance(creator, functools.partial) else None


def ready_engine(url: str | None = None, key: str | None = None) -> sa.Engine:
    """
    Give an engine on a database whose schema is current.

    Raises
    ------
    DatabaseUnusable
        If there is no database yet, or its schema is older or newer than this program.
    """
    made = make_engine(url, key)
    path = sqlite_path(made.url.render_as_string(hide_password=False))
    if path is not None and not path.exists():
        raise DatabaseUnusable(
            "There is no database yet. Run `python -m data demo` for the demo clinic or `python -m data init` for a real one."
        )
    current = schema_revision(made)
    head = ScriptDirectory.from_config(migrations_config()).get_current_head()
    if current != head:
        made.dispose()
        raise DatabaseUnusable("The database has another version than this program. Run `python -m data migrate`.")
    return made
