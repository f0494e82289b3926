"""
The audit: who did what, when, from where, to which patient.

Each row is written in the transaction of what it tells of, and carries a keyed hash over itself and the row before (`audit_key`). It is
read by `audit_search` and checked by `audit_check`. What this finds and what it cannot find is said in docs/audit.md.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from data import permissions
from data.audit_key import EVENT, NOTHING_BEFORE, Head, make_key, remember_head, row_mac, secret_of
from data.database import reading, writing
from data.many_rows import insert_rows
from data.permissions import Thing
from models import AuditAction, EpisodeOfCare, OutcomeScore, PainScore, Patient, RedFlagAnswer, Run, Viewer, Visit, plain_text, utc_now

__all__ = ["Told", "changing", "make_key", "may_take_away", "noting_refusals", "record", "record_each", "taken_away", "viewed"]

SAME_VIEW_FOR = timedelta(minutes=5)  # one row for each viewer, patient, screen and this long
KEY_CHARACTERS_MAX = 80  # of an object's key, which may come from an address that somebody made up
RECENT_KEPT = 10_000
_COLUMNS = tuple(EVENT.c.keys())
_ROW = itemgetter(*_COLUMNS)
_APPENDING = 20_180_611  # PostgreSQL's lock: one append at a time (SQLite has one writer anyway)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


_DETAIL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=_plain)


@dataclass(frozen=True)
class Told:
    """What one row of `record_each` tells; see `record`."""

    kind: str = ""
    key: object = ""
    patient_id: int | None = None
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None


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
    secret = secret_of(connection)
    last = connection.execute(sa.select(EVENT.c.seq, EVENT.c.mac).order_by(EVENT.c.seq.desc()).limit(1)).one_or_none()
    seq, mac = (last.seq, last.mac) if last else (0, NOTHING_BEFORE)
    moment = now or utc_now()
    rows = []
    same = {"at_utc": moment, "person_id": viewer.person_id, "actor": viewer.name, "source": viewer.source, "action": action.value}
    for event in events:
        told = {name: values for name, values in (("old", event.old), ("new", event.new)) if values is not None}
        row: dict[str, Any] = {
            "seq": seq + 1,
            **same,
            "object_kind": event.kind,
            "object_key": plain_text(str(event.key))[:KEY_CHARACTERS_MAX],
            "patient_id": event.patient_id,
            "detail": _DETAIL.encode(told) if told else "",
            "previous_mac": mac,
        }
        row["mac"] = row_mac(secret, row)
        seq, mac = row["seq"], row["mac"]
        rows.append(row)
    insert_rows(connection, EVENT, _COLUMNS, [_ROW(row) for row in rows])
    engine, head = connection.engine, Head(seq, mac)
    connection.get_execution_options()["after_commit"].append(lambda: remember_head(engine, secret, head))
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


def may_take_away(engine: sa.Engine, viewer: Viewer, patient_key: str) -> None:
    """
    Ask whether somebody may take a patient's facts away, before they are read for it; a refusal is written down.

    Raises
    ------
    NotFound
        If there is no such patient for this viewer.
    """
    with noting_refusals(engine, viewer, "patient", patient_key), reading(engine) as connection:
        permissions.patient_row(connection, viewer, key=patient_key, thing=Thing.EXPORT)


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
    of_episodes: dict[str, tuple[Any, Any]] = {
        "visit": (Visit.key, Visit.episode_id),
        "red_flag_answer": (RedFlagAnswer.id, RedFlagAnswer.episode_id),
        "outcome_score": (OutcomeScore.id, OutcomeScore.episode_id),
    }
    if kind in of_episodes and key is not None:
        named, episode = of_episodes[kind]
        asked = sa.select(col(EpisodeOfCare.patient_id)).join_from(EpisodeOfCare, named.class_, col(EpisodeOfCare.id) == col(episode))
        return connection.execute(asked.where(col(named) == key)).scalar()
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
