"""
The audit: who did what, when, from where, to which patient.

Each row is written in the transaction of what it tells of, and carries a keyed hash over itself and the row before. The key lies outside
the database (`STILL_RUNNING_AUDIT_KEY`, else `audit.key` beside it), and so does `audit.head`, which remembers the newest row. What this
finds and what it cannot find is said in docs/audit.md.
"""

import fcntl
import functools
import hmac
import json
import logging
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from data import permissions
from data.database import DatabaseUnusable, audit_folder, reading, sqlite_path, writing
from data.permissions import Act, Reach, Thing
from models import AuditAction, AuditEvent, EpisodeOfCare, PainScore, Patient, Run, Viewer, plain_text, utc_now

EVENT = AuditEvent.metadata.tables["audit_event"]
SAME_VIEW_FOR = timedelta(minutes=5)  # one row for each viewer, patient, screen and this long
NOTHING_BEFORE = "0" * 64  # what the first row follows
KEY_CHARACTERS_MAX = 80  # of an object's key, which may come from an address that somebody made up
RECENT_KEPT = 10_000
_APPENDING = 20_180_611  # PostgreSQL's lock: one append at a time (SQLite has one writer anyway)

# --------------------------------------------------------------------------------------------------------------------
# The key, and the newest row as remembered outside the database
# --------------------------------------------------------------------------------------------------------------------


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


def _key(connection: sa.Connection) -> bytes:
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
class _Head:
    """The newest row that was stored for certain."""

    seq: int
    mac: str


def _head_file(engine: sa.Engine) -> Path:
    of_file = sqlite_path(engine.url.render_as_string(hide_password=False)) is not None
    return audit_folder(engine) / ("audit.head" if of_file else f"audit-{engine.url.database}.head")


def _head_line(key: bytes, head: _Head) -> str:
    return f"{head.seq:012d} {head.mac} {_digest(key, ['head', head.seq, head.mac])}\n"


def _read_head(text: str, key: bytes) -> _Head | None:
    parts = text.split()
    if len(parts) != 3 or not re.fullmatch(r"[0-9]{12}", parts[0]):
        return None
    head = _Head(int(parts[0]), parts[1])
    return head if hmac.compare_digest(_head_line(key, head).encode(), text.encode()) else None


def _remember(engine: sa.Engine, key: bytes, head: _Head, *, even_if_older: bool = False) -> None:
    """Write the newest row down beside the key; one line of one length, so that a crash leaves the old or the new one."""
    try:
        descriptor = os.open(_head_file(engine), os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read()
            known = _read_head(text, key)
            if text and known is None and not even_if_older:
                return  # somebody wrote into it: `verify` says so, and this must not wipe it away
            if known is None or known.seq < head.seq or even_if_older:
                file.seek(0)
                file.write(_head_line(key, head))
                file.truncate()
    except OSError as error:  # the row itself is stored: only a cut-off end is harder to find
        logging.getLogger("still_running").warning("audit.head could not be written: %s", error.strerror)


# --------------------------------------------------------------------------------------------------------------------
# Writing
# --------------------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _digest(key: bytes, parts: Sequence[object]) -> str:
    """Give the keyed hash of parts, each with its length before it, so that no two lists of parts are one text."""
    texts = [None if part is None else str(part).encode("utf-8", "surrogatepass") for part in parts]
    message = b"".join(b"-" if text is None else b"%d:%s" % (len(text), text) for text in texts)
    return hmac.digest(key, message, "sha256").hex()


def _mac(key: bytes, row: Mapping[str, Any], *, seq: object = None, previous_mac: object = None) -> str:
    """Give the hash that a row must have; or that it would have in another place."""
    at = row["at_utc"]
    moment = at.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(at, datetime) else at
    what = [row[name] for name in ("person_id", "actor", "source", "action", "object_kind", "object_key", "patient_id", "detail")]
    return _digest(key, [row["seq"] if seq is None else seq, moment, *what, previous_mac or row["previous_mac"]])


def record(
    connection: sa.Connection,
    viewer: Viewer,
    action: AuditAction,
    *,
    kind: str = "",
    key: object = "",
    patient_id: int | None = None,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> int:
    """
    Append one row, inside the transaction of what it tells of: both are stored, or neither.

    Call it last: on PostgreSQL it waits for whoever appends at this moment.

    Parameters
    ----------
    connection : Connection
        Of `data.database.writing`.
    viewer : Viewer
        Who did it, and from where.
    action : AuditAction
    kind, key : str
        What it was done to: a table (or a screen) and a random key or number. Never a name.
    patient_id : int, optional
        Whom it is about.
    old, new : mapping, optional
        Values before and after. Clinical values may stand here, as the database holds them anyway; names may not.
    now : datetime, optional

    Returns
    -------
    int
        The row's number.
    """
    told = Told(kind=kind, key=key, patient_id=patient_id, old=old, new=new)
    return record_each(connection, viewer, action, [told], now=now)


@dataclass(frozen=True)
class Told:
    """What one row of `record_each` tells; see `record`."""

    kind: str = ""
    key: object = ""
    patient_id: int | None = None
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None


def record_each(
    connection: sa.Connection, viewer: Viewer, action: AuditAction, events: Sequence[Told], *, now: datetime | None = None
) -> int:
    """
    Append a row for each of some events of one kind, in their order, inside their transaction; as `record`, but many at once.

    Returns
    -------
    int
        The last row's number.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_APPENDING)))
    secret = _key(connection)
    last = connection.execute(sa.select(EVENT.c.seq, EVENT.c.mac).order_by(EVENT.c.seq.desc()).limit(1)).one_or_none()
    seq, mac = (last.seq, last.mac) if last else (0, NOTHING_BEFORE)
    moment = now or utc_now()
    rows = []
    for event in events:
        told = {name: values for name, values in (("old", event.old), ("new", event.new)) if values is not None}
        row: dict[str, Any] = {
            "seq": seq + 1,
            "at_utc": moment,
            "person_id": viewer.person_id,
            "actor": viewer.name,
            "source": viewer.source,
            "action": action.value,
            "object_kind": event.kind,
            "object_key": plain_text(str(event.key))[:KEY_CHARACTERS_MAX],
            "patient_id": event.patient_id,
            "detail": json.dumps(told, ensure_ascii=False, sort_keys=True, default=_plain) if told else "",
            "previous_mac": mac,
        }
        row["mac"] = _mac(secret, row)
        seq, mac = row["seq"], row["mac"]
        rows.append(row)
    connection.execute(sa.insert(EVENT), rows)
    engine, head = connection.engine, _Head(seq, mac)
    connection.get_execution_options()["after_commit"].append(lambda: _remember(engine, secret, head))
    return seq


class _Recent:
    """What this process wrote a moment ago, so that looking again costs nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: dict[tuple[object, ...], datetime] = {}

    def has(self, what: tuple[object, ...], now: datetime) -> bool:
        with self._lock:
            written = self._written.get(what)
        return written is not None and timedelta(0) <= now - written < SAME_VIEW_FOR

    def add(self, what: tuple[object, ...], now: datetime) -> None:
        with self._lock:
            if len(self._written) >= RECENT_KEPT:
                self._written = {item: at for item, at in self._written.items() if now - at < SAME_VIEW_FOR}
            self._written[what] = now


_RECENT = _Recent()


def viewed(
    engine: sa.Engine,
    viewer: Viewer,
    screen: str,
    *,
    patient_key: str | None = None,
    episode_key: str | None = None,
    now: datetime | None = None,
) -> None:
    """
    Write down that somebody looks, before they are given anything: no audit, no data.

    One row for each viewer, patient, screen and 5 minutes.

    Parameters
    ----------
    screen : str
        What they look at.
    patient_key, episode_key : str, optional
        Whose facts; neither for a list.

    Raises
    ------
    NotFound
        If there is no such patient or episode for this viewer; that is written down too.
    """
    moment = now or utc_now()
    what = (str(engine.url), viewer.person_id, viewer.roles, viewer.site_ids, viewer.source, screen, patient_key, episode_key)
    if _RECENT.has(what, moment):
        return
    kind, key = ("episode_of_care", episode_key) if episode_key is not None else ("patient", patient_key)
    patient_id: int | None = None
    with noting_refusals(engine, viewer, kind, key, now=moment):
        with reading(engine) as connection:
            if episode_key is not None:
                patient_id = permissions.episode_row(connection, viewer, episode_key).patient_id
            elif patient_key is not None:
                patient_id = permissions.patient_row(connection, viewer, key=patient_key).id
        with writing(engine) as connection:
            newest = sa.select(EVENT.c.at_utc).where(
                EVENT.c.person_id.is_not_distinct_from(viewer.person_id),
                EVENT.c.patient_id.is_not_distinct_from(patient_id),
                EVENT.c.action == AuditAction.VIEW.value,
                EVENT.c.object_kind == screen,
            )
            before = connection.execute(newest.order_by(EVENT.c.seq.desc()).limit(1)).scalar()
            if before is None or not timedelta(0) <= moment - before < SAME_VIEW_FOR:
                record(connection, viewer, AuditAction.VIEW, kind=screen, key=key or "", patient_id=patient_id, now=moment)
                before = moment
    _RECENT.add(what, before)


def taken_away(
    engine: sa.Engine,
    viewer: Viewer,
    patient_key: str,
    what: str,
    *,
    rows: int,
    sha256: str,
    action: AuditAction = AuditAction.EXPORT,
    now: datetime | None = None,
) -> None:
    """
    Write down that a patient's facts leave as a file or on paper, before they are given.

    Parameters
    ----------
    what : str
        Which table or paper.
    rows : int
        How many rows it has.
    sha256 : str
        Of its bytes, to tell later whether a file is this one.
    action : AuditAction
        `export` or `print`.

    Raises
    ------
    NotFound
        If there is no such patient for this viewer.
    """
    with changing(engine, viewer, "patient", patient_key) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key, thing=Thing.EXPORT)
        record(connection, viewer, action, kind=what, key=patient_key, patient_id=patient.id, new={"rows": rows, "sha256": sha256}, now=now)


@contextmanager
def changing(engine: sa.Engine, viewer: Viewer, kind: str, key: object) -> Iterator[sa.Connection]:
    """Open a writing transaction on behalf of somebody; a refusal is written down after it."""
    with noting_refusals(engine, viewer, kind, key), writing(engine) as connection:
        yield connection


@contextmanager
def noting_refusals(engine: sa.Engine, viewer: Viewer, kind: str, key: object, *, now: datetime | None = None) -> Iterator[None]:
    """
    Write down that somebody asked for what is not theirs or not there, and refuse as before.

    Both leave the same row after the same questions; only the patient's number, where there is one, is known to the audit.
    """
    try:
        yield
    except permissions.NotFound:
        moment = now or utc_now()
        what = (str(engine.url), viewer.person_id, viewer.source, "refused", kind, str(key))
        if not _RECENT.has(what, moment):
            with writing(engine) as connection:
                asked = _asked_patient(connection, kind, key)
                record(connection, viewer, AuditAction.REFUSED, kind=kind, key="" if key is None else key, patient_id=asked, now=moment)
            _RECENT.add(what, moment)
        raise


def _asked_patient(connection: sa.Connection, kind: str, key: object) -> int | None:
    columns: dict[str, tuple[Any, Any]] = {
        "patient": (Patient.key, Patient.id),
        "episode_of_care": (EpisodeOfCare.key, EpisodeOfCare.patient_id),
        "run": (Run.id, Run.patient_id),
        "pain_score": (PainScore.id, PainScore.patient_id),
    }
    if kind not in columns or key is None:
        return None
    named, patient = columns[kind]
    return connection.execute(sa.select(col(patient)).where(col(named) == key)).scalar()


# --------------------------------------------------------------------------------------------------------------------
# Reading
# --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AuditLine:
    """One row of the audit as its readers see it. `detail` is empty where it tells of a patient who is not theirs."""

    seq: int
    at_utc: datetime
    person_id: int | None
    actor: str
    source: str
    action: AuditAction
    object_kind: str
    object_key: str
    patient_key: str
    detail: str


def search(
    engine: sa.Engine,
    viewer: Viewer,
    *,
    patient_key: str | None = None,
    person_id: int | None = None,
    action: AuditAction | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    limit: int = 200,
) -> list[AuditLine]:
    """
    Read the audit, newest first.

    The owner reads all of it, but old and new values only of patients who are theirs as a therapist. A therapist reads who opened the
    chart of one of their patients.

    Raises
    ------
    NotFound
        If this viewer may not read it.
    """
    with noting_refusals(engine, viewer, "audit_event", patient_key), reading(engine) as connection:
        if permissions.reach(viewer, Thing.AUDIT, Act.SEE) is not Reach.ALL:
            if patient_key is None:
                raise permissions.NotFound()
            permissions.patient_row(connection, viewer, key=patient_key, thing=Thing.AUDIT)
        theirs = sa.exists(sa.select(col(Patient.id)).where(permissions.reachable(viewer), col(Patient.id) == EVENT.c.patient_id))
        shown = sa.case((sa.or_(EVENT.c.patient_id.is_(None), theirs), EVENT.c.detail), else_="")
        names = ("seq", "at_utc", "person_id", "actor", "source", "action", "object_kind", "object_key")
        whom = Patient.metadata.tables["patient"].alias("whom")
        statement = sa.select(*(EVENT.c[name] for name in names), sa.func.coalesce(whom.c.key, ""), shown).outerjoin(
            whom, whom.c.id == EVENT.c.patient_id
        )
        if patient_key is not None:
            statement = statement.where(whom.c.key == patient_key)
        if person_id is not None:
            statement = statement.where(EVENT.c.person_id == person_id)
        if action is not None:
            statement = statement.where(EVENT.c.action == action.value)
        if since is not None:
            statement = statement.where(EVENT.c.at_utc >= since)
        if before is not None:
            statement = statement.where(EVENT.c.at_utc < before)
        rows = connection.execute(statement.order_by(EVENT.c.seq.desc()).limit(limit)).all()
    return [AuditLine(*row[:5], AuditAction(row[5]), *row[6:10]) for row in rows]


# --------------------------------------------------------------------------------------------------------------------
# Checking
# --------------------------------------------------------------------------------------------------------------------


class FaultKind(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    INSERTED = "inserted"
    CUT_OFF = "cut off"
    HEAD = "head"
    UNGUARDED = "unguarded"


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it was written: rows `first` to `last`, and what happened to them."""

    kind: FaultKind
    first: int | None
    last: int | None
    sentence: str


GUARDS = {
    "sqlite": {"audit_event_no_update", "audit_event_no_delete", "audit_event_in_order"},
    "postgresql": {"audit_event_no_change", "audit_event_no_truncate", "audit_event_in_order"},
}
LOOKED_AT_CLOSELY = 1_000  # bad rows whose place is searched for among each other


def verify(engine: sa.Engine, *, renew_head: bool = False) -> list[Fault]:
    """
    Check every row, their order and their end.

    Parameters
    ----------
    renew_head : bool
        Accept the newest row as the end, after a backup was restored on purpose: `audit.head` is written anew.

    Returns
    -------
    list of Fault
        Empty if all is as it was written.

    Raises
    ------
    DatabaseUnusable
        If there are rows but no key.
    """
    path = _head_file(engine)
    text = path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table("audit_event"):
            return [Fault(FaultKind.REMOVED, None, None, "The table of the audit is not there.")]
        faults = _guards_missing(connection)
        secret = _key(connection)
        head = _read_head(text, secret)
        chain = _Chain(secret, head)
        for row in _raw_rows(connection):
            chain.add(row)
        faults += chain.faults()
        newest = chain.newest
    if renew_head and newest is not None:
        _remember(engine, secret, newest, even_if_older=True)
    elif head is None and text:
        faults.append(Fault(FaultKind.HEAD, None, None, f"{path} was changed: whether the end was cut off cannot be said."))
    elif head is None and newest is not None:
        faults.append(Fault(FaultKind.HEAD, None, None, f"{path} is not there: whether the end was cut off cannot be said."))
    else:
        faults += chain.end_faults()
        if not faults and newest is not None:
            _remember(engine, secret, newest)
    return faults


def _guards_missing(connection: sa.Connection) -> list[Fault]:
    name = connection.dialect.name
    asked = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_event'"
        if name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_event'::regclass AND tgenabled <> 'D'"
    )
    missing = sorted(GUARDS[name] - set(connection.exec_driver_sql(asked).scalars()))
    return [Fault(FaultKind.UNGUARDED, None, None, f"The database does not guard the audit: no trigger {guard}.") for guard in missing]


def _raw_rows(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    """Give the rows as they are stored, also where a value is of no kind that the program would write."""
    on_sqlite = connection.dialect.name == "sqlite"
    columns = [sa.type_coerce(column, sa.types.NullType()).label(column.name) if on_sqlite else column for column in EVENT.columns]
    order = [EVENT.c.seq, sa.literal_column("rowid")] if on_sqlite else [EVENT.c.seq]
    found = connection.execution_options(yield_per=2_000).execute(sa.select(*columns).select_from(EVENT).order_by(*order))
    for row in found:
        values = dict(row._mapping)
        at = values["at_utc"]
        if isinstance(at, str):
            try:
                moment = datetime.fromisoformat(at)
                values["at_utc"] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            except ValueError:
                pass  # it stays what it is, and the hash will not fit
        yield values


class _Chain:
    """The rows one after the other: what fits, and what became of what does not."""

    def __init__(self, key: bytes, head: _Head | None) -> None:
        self.newest: _Head | None = None
        self._key, self._head = key, head
        self._expected = 1
        self._previous: dict[str, Any] | None = None
        self._previous_fits = True
        self._shift = 0
        self._gaps: list[tuple[int, int]] = []
        self._moved: list[tuple[int, int]] = []  # stands at, belongs at
        self._bad: list[tuple[dict[str, Any], str | None]] = []  # the row, and the hash of the one before it
        self._follows: dict[int, object] = {}  # bad row: what the next one says its predecessor's hash is
        self._unlinked: list[int] = []
        self._more_bad: list[int] = []
        self._head_seen = False

    def add(self, row: dict[str, Any]) -> None:
        seq, mac = row["seq"], row["mac"]
        before = self._previous["mac"] if self._previous else NOTHING_BEFORE
        if self._bad and self._previous is self._bad[-1][0]:
            self._follows[len(self._bad) - 1] = row["previous_mac"]
        if not isinstance(seq, int) or seq < self._expected:
            self._bad.append((row, before))
            self._previous, self._previous_fits = row, False
            return
        gap = seq > self._expected
        if gap:
            self._gaps.append((self._expected, seq - 1))
        fits = self._fits(row)
        if fits and not gap and self._previous_fits and row["previous_mac"] != before:
            self._unlinked.append(seq)
        if not fits:
            self._set_aside(row, before)
        self._head_seen |= self._head is not None and (seq, mac) == (self._head.seq, self._head.mac)
        self._expected, self._previous, self._previous_fits = seq + 1, row, fits
        self.newest = _Head(seq, str(mac))

    def _fits(self, row: dict[str, Any], **elsewhere: object) -> bool:
        try:
            return isinstance(row["mac"], str) and hmac.compare_digest(_mac(self._key, row, **elsewhere), row["mac"])
        except (TypeError, ValueError):
            return False

    def _set_aside(self, row: dict[str, Any], before: str | None) -> None:
        seq = row["seq"]
        for shift in dict.fromkeys((self._shift, -1, 1)):
            if shift and self._fits(row, seq=seq + shift):
                self._shift = shift
                self._moved.append((seq, seq + shift))
                return
        if len(self._bad) < LOOKED_AT_CLOSELY:
            self._bad.append((row, before))
        else:
            self._more_bad.append(seq)

    def faults(self) -> list[Fault]:
        """Say what became of the rows that do not fit."""
        changed, inserted = list(self._more_bad), []
        places = [(row["seq"], row["previous_mac"], row["mac"]) for row, _ in self._bad]
        for number, (row, before) in enumerate(self._bad):
            belongs = self._belongs(row, places)
            if belongs is not None:
                self._moved.append((row["seq"], belongs))
            elif self._is_inserted(number, row, before):
                inserted.append(row["seq"])
            else:
                changed.append(row["seq"])
        found = [
            *(Fault(FaultKind.CHANGED, first, last, f"{_rows(first, last)} changed.") for first, last in _ranges(changed)),
            *(Fault(FaultKind.INSERTED, first, last, f"{_rows(first, last)} inserted.") for first, last in _ranges(inserted)),
            *(
                Fault(FaultKind.CHANGED, seq, seq, f"Row {seq} does not follow the row before it: one of the two was replaced.")
                for seq in self._unlinked
            ),
        ]
        found += self._moves()
        there = {belongs for _, belongs in self._moved}
        # a place is empty if its row stands elsewhere and no other one belongs there; after the last that moved nothing is missing
        empty = ({at for at, _ in self._moved} | {seq for seq in inserted if isinstance(seq, int)}) - there - set(changed)
        missing = [seq for seq in empty if seq <= max(there, default=0)]
        for first, last in self._gaps:
            whole = last - first > LOOKED_AT_CLOSELY
            missing += [first, last] if whole else [seq for seq in range(first, last + 1) if seq not in there]
        found += [Fault(FaultKind.REMOVED, first, last, f"{_rows(first, last)} removed.") for first, last in _ranges(missing)]
        return sorted(found, key=lambda fault: fault.first or 0)

    def _belongs(self, row: dict[str, Any], places: list[tuple[Any, Any, Any]]) -> int | None:
        """Find the place at which a row fits: as a whole, or only what it tells."""
        for seq, previous_mac, mac in places:
            if seq == row["seq"] or not isinstance(seq, int):
                continue
            if self._fits(row, seq=seq) or self._fits({**row, "mac": mac}, seq=seq, previous_mac=previous_mac):
                return seq
        return None

    def _is_inserted(self, number: int, row: dict[str, Any], before: str | None) -> bool:
        seq = row["seq"]
        if not isinstance(seq, int) or any(seq == other["seq"] for index, (other, _) in enumerate(self._bad) if index < number):
            return True
        if number in self._follows:
            return self._follows[number] == before
        return self._head is not None and seq > self._head.seq

    def _moves(self) -> list[Fault]:
        runs: list[list[int]] = []  # from, to, shift
        for at, belongs in sorted(self._moved):
            if runs and at == runs[-1][1] + 1 and belongs - at == runs[-1][2]:
                runs[-1][1] = at
            else:
                runs.append([at, at, belongs - at])
        return [
            Fault(FaultKind.MOVED, first, last, f"{_rows(first, last)} moved: in truth {_rows(first + shift, last + shift, noun=False)}.")
            for first, last, shift in runs
        ]

    def end_faults(self) -> list[Fault]:
        """Compare the newest row with what was remembered outside the database."""
        if self._head is None or self._head_seen or self._head.seq in {belongs for _, belongs in self._moved}:
            return []
        first = self._expected
        if first <= self._head.seq:
            return [
                Fault(
                    FaultKind.CUT_OFF,
                    first,
                    self._head.seq,
                    f"{_rows(first, self._head.seq)} cut off: row {self._head.seq} had been stored, and the audit ends before it.",
                )
            ]
        return [Fault(FaultKind.HEAD, self._head.seq, self._head.seq, f"Row {self._head.seq} is not the one that had been stored.")]


def _ranges(numbers: Sequence[Any]) -> list[tuple[int, int]]:
    """
    Write numbers as ranges.

    >>> _ranges([3, 1, 2, 7])
    [(1, 3), (7, 7)]
    """
    found: list[tuple[int, int]] = []
    for number in sorted({number for number in numbers if isinstance(number, int)}):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _rows(first: int, last: int, *, noun: bool = True) -> str:
    if first == last:
        return f"Row {first} was" if noun else f"row {first}"
    return f"Rows {first} to {last} were" if noun else f"rows {first} to {last}"
