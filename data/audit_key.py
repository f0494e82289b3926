"""
The key of the audit, what each row's keyed hash is made of, and the newest row as remembered outside the database.

The key lies outside the database (`STILL_RUNNING_AUDIT_KEY`, else `audit.key` beside it), and so does `audit.head`.
"""

import fcntl
import functools
import hmac
import logging
import os
import re
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from data.database import DatabaseUnusable, audit_folder, reading, sqlite_path
from models import AuditEvent

EVENT = AuditEvent.metadata.tables["audit_event"]
NOTHING_BEFORE = "0" * 64  # what the first row follows


def make_key(engine: sa.Engine) -> Path | None:
    """
    Make the key of the audit if there is none; gives its file, None if it comes from the environment.

    Raises
    ------
    DatabaseUnusable
        If there are rows but no key: a new one could not check them.
    """
    if os.environ.get("STILL_RUNNING_AUDIT_KEY", "").strip():
        return None
    path = audit_folder(engine) / "audit.key"
    if not path.exists():
        with reading(engine) as connection:
            _begin_chain(connection, path)
    return path


def _begin_chain(connection: sa.Connection, path: Path) -> None:
    if connection.execute(sa.select(EVENT.c.seq).limit(1)).first() is not None:
        raise DatabaseUnusable(
            f"The key of the audit is not there, and nothing is shown or written without an audit. Put it back into {path} (chmod 600) "
            "or STILL_RUNNING_AUDIT_KEY."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=".audit-key-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(made, path)  # whole at once, and never in the place of another one
    except FileExistsError:
        return  # another process made it in this very moment
    finally:
        Path(made).unlink()


def secret_of(connection: sa.Connection) -> bytes:
    """Give the key; a new one begins an audit that has no row yet. Raises DatabaseUnusable if it is lost or cannot be one."""
    given = os.environ.get("STILL_RUNNING_AUDIT_KEY", "").strip()
    if given:
        return _key_of(given)
    path = audit_folder(connection.engine) / "audit.key"
    if not path.exists():
        _begin_chain(connection, path)
    return _key_in(path)


@functools.lru_cache(maxsize=64)
def _key_in(path: Path) -> bytes:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise DatabaseUnusable(f"The key file {path} can be read by others (mode {mode:04o}). Run: chmod 600 {path}")
    return _key_of(path.read_text(encoding="ascii", errors="replace").strip())


def _key_of(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise DatabaseUnusable("The key of the audit must be 64 hexadecimal digits. Restore it from where it was kept.")
    return bytes.fromhex(text)


@dataclass(frozen=True)
class Head:
    """The newest row that was stored for certain."""

    seq: int
    mac: str


def head_file(engine: sa.Engine) -> Path:
    """Say where the newest row is remembered."""
    of_file = sqlite_path(engine.url.render_as_string(hide_password=False)) is not None
    return audit_folder(engine) / ("audit.head" if of_file else f"audit-{engine.url.database}.head")


def _head_line(key: bytes, head: Head) -> str:
    return f"{head.seq:012d} {head.mac} {_digest(key, ['head', head.seq, head.mac])}\n"


def read_head(text: str, key: bytes) -> Head | None:
    """Read what was remembered; None if it is not as it was written."""
    parts = text.split()
    if len(parts) != 3 or not re.fullmatch(r"[0-9]{12}", parts[0]):
        return None
    head = Head(int(parts[0]), parts[1])
    return head if hmac.compare_digest(_head_line(key, head).encode(), text.encode()) else None


def remember_head(engine: sa.Engine, key: bytes, head: Head, *, even_if_older: bool = False) -> None:
    """Write the newest row down beside the key; one line of one length, so that a crash leaves the old or the new one."""
    try:
        descriptor = os.open(head_file(engine), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read()
            known = read_head(text, key)
            if text and known is None and not even_if_older:
                return  # somebody wrote into it: `verify` says so, and this must not wipe it away
            if known is None or known.seq < head.seq or even_if_older:
                file.seek(0)
                file.write(_head_line(key, head))
                file.truncate()
    except OSError as error:  # the row itself is stored: only a cut-off end is harder to find
        logging.getLogger("still_running").warning("audit.head could not be written: errno %(errno)s", {"errno": error.errno})


def _digest(key: bytes, parts: Sequence[object]) -> str:
    """Give the keyed hash of parts, each with its length before it, so that no two lists of parts are one text."""
    said = [None if part is None else str(part) for part in parts]
    whole = "".join(["-" if text is None else f"{len(text)}:{text}" for text in said])
    if whole.isascii():  # nearly always: as many bytes as characters
        return hmac.digest(key, whole.encode("ascii"), "sha256").hex()
    texts = [None if text is None else text.encode("utf-8", "surrogatepass") for text in said]
    message = b"".join(b"-" if text is None else b"%d:%s" % (len(text), text) for text in texts)
    return hmac.digest(key, message, "sha256").hex()


def row_mac(key: bytes, row: Mapping[str, Any], *, seq: object = None, previous_mac: object = None) -> str:
    """Give the hash that a row must have; or that it would have in another place."""
    at = row["at_utc"]
    moment = at.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(at, datetime) else at
    what = [row[name] for name in ("person_id", "actor", "source", "action", "object_kind", "object_key", "patient_id", "detail")]
    return _digest(key, [row["seq"] if seq is None else seq, moment, *what, previous_mac or row["previous_mac"]])
