"""Outcome measures: totals by instrument. A form that was not finished is kept without a total; nothing is filled up with 0."""

import json
from datetime import datetime

import pandas as pd
import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions, weeks
from data.database import reading
from data.frames import frame
from data.permissions import Act
from data.records import AlreadyThere
from data.screens import visit_of
from models import OUTCOME_COLUMNS, AuditAction, EntryRefused, OutcomeEntry, OutcomeScore, Person, Viewer, utc_now

OUTCOME = OutcomeScore.metadata.tables["outcome_score"]


def outcomes(engine: sa.Engine, viewer: Viewer, episode_key: str) -> pd.DataFrame:
    """
    Read the current outcomes of an episode, oldest first.

    Returns
    -------
    DataFrame
        Columns `OUTCOME_COLUMNS`; `total` is NaN for a form that was not finished.
    """
    with reading(engine) as connection:
        found = permissions.episode_row(connection, viewer, episode_key)
        statement = (
            sa.select(OUTCOME.c.id, *(OUTCOME.c[name] for name in OUTCOME_COLUMNS[1:-1]), sa.func.coalesce(col(Person.name), ""))
            .select_from(OUTCOME)
            .outerjoin(Person, col(Person.id) == OUTCOME.c.recorded_by_id)
            .where(OUTCOME.c.episode_id == found.id, OUTCOME.c.retired_at_utc.is_(None))
            .order_by(OUTCOME.c.taken_on, OUTCOME.c.id)
        )
        rows = connection.execute(statement).all()
    return frame(rows, OUTCOME_COLUMNS, days=["taken_on"], floats=["total"])


def outcome_details(entry: OutcomeEntry) -> str:
    """
    Write what is known beside the total as JSON; empty if nothing is.

    >>> from datetime import date
    >>> day = date(2025, 3, 3)
    >>> outcome_details(OutcomeEntry(today=day, taken_on=day, instrument="uwri", items_answered=7))
    '{"items_answered": 7}'
    """
    told: dict[str, object] = {}
    if entry.activities:
        told["activities"] = [activity.model_dump() for activity in entry.activities]
    if entry.items_answered is not None:
        told["items_answered"] = entry.items_answered
    return json.dumps(told, ensure_ascii=False) if told else ""


def add_outcome(
    engine: sa.Engine, viewer: Viewer, episode_key: str, entry: OutcomeEntry, *, visit_key: str | None = None, now: datetime | None = None
) -> int:
    """
    Store an outcome; the same told again adds nothing.

    Returns
    -------
    int
        Its number.

    Raises
    ------
    AlreadyThere
        If another value of this instrument is stored for that day: it is corrected, not overwritten.
    NotFound
        If there is no such episode for this viewer, or no such visit of it.
    """
    moment = now or utc_now()
    new = {"instrument": entry.instrument, "taken_on": entry.taken_on, "total": entry.kept_total, "details": outcome_details(entry)}
    with audit.changing(engine, viewer, "episode_of_care", episode_key) as connection:
        episode = permissions.episode_row(connection, viewer, episode_key, act=Act.WRITE)
        visit_id = visit_of(connection, episode.id, visit_key)
        same = (OUTCOME.c.episode_id == episode.id, OUTCOME.c.instrument == entry.instrument, OUTCOME.c.taken_on == entry.taken_on)
        known = connection.execute(sa.select(OUTCOME).where(*same, OUTCOME.c.retired_at_utc.is_(None))).one_or_none()
        if known is not None:
            if (known.total, known.details) == (new["total"], new["details"]):
                return int(known.id)
            raise AlreadyThere(f"For {entry.taken_on.isoformat()} another value is stored. Correct that one instead of adding a second.")
        whose = {"episode_id": episode.id, "visit_id": visit_id, "recorded_at_utc": moment, "recorded_by_id": viewer.person_id}
        outcome_id = int(connection.execute(sa.insert(OutcomeScore).values(**whose, **new).returning(OUTCOME.c.id)).scalar_one())
        weeks.mark_changed(connection, episode.patient_id)
        told = {"kind": "outcome_score", "key": outcome_id, "patient_id": episode.patient_id}
        audit.record(connection, viewer, AuditAction.CREATE, **told, new=new, now=moment)
    return outcome_id


def correct_outcome(
    engine: sa.Engine, viewer: Viewer, outcome_id: int, entry: OutcomeEntry | None, *, now: datetime | None = None
) -> int | None:
    """
    Put a right outcome in the place of a wrong one; the old one stays, with who and when.

    Parameters
    ----------
    entry : OutcomeEntry or None
        Of the same instrument and day; None takes the outcome back.

    Returns
    -------
    int or None
        The number of the new one; None if it was taken back. The same value again changes nothing.

    Raises
    ------
    AlreadyThere
        If somebody has corrected it meanwhile.
    EntryRefused
        If the entry is of another instrument or day.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "outcome_score", outcome_id) as connection:
        row = permissions.part_row(connection, viewer, OutcomeScore, OUTCOME.c.id == outcome_id, "outcome", act=Act.WRITE)
        if row.retired_at_utc is not None:
            raise AlreadyThere("Somebody has corrected this value meanwhile. Look at the new one first.")
        if entry is not None and (entry.instrument, entry.taken_on) != (row.instrument, row.taken_on):
            raise EntryRefused(["A correction is of the same instrument and day. Take this one back and enter another one instead."])
        right = None if entry is None else {"total": entry.kept_total, "details": outcome_details(entry)}
        old = {"instrument": row.instrument, "total": row.total, "details": row.details}
        if right is not None and all(old[name] == value for name, value in right.items()):
            return outcome_id
        retired = {"retired_at_utc": moment, "retired_by_id": viewer.person_id}
        connection.execute(sa.update(OutcomeScore).where(OUTCOME.c.id == outcome_id).values(retired))
        new_id: int | None = None
        if right is not None:
            kept = {name: row._mapping[name] for name in ("episode_id", "visit_id", "instrument", "taken_on")}
            given = {"recorded_at_utc": moment, "recorded_by_id": viewer.person_id, "corrects_id": outcome_id}
            inserted = sa.insert(OutcomeScore).values(**kept, **given, **right)
            new_id = int(connection.execute(inserted.returning(OUTCOME.c.id)).scalar_one())
        weeks.mark_changed(connection, row.patient_id)
        action = AuditAction.RETIRE if right is None else AuditAction.CHANGE
        new = None if right is None else {"id": new_id, "instrument": row.instrument, **right}
        told = {"kind": "outcome_score", "key": outcome_id, "patient_id": row.patient_id}
        audit.record(connection, viewer, action, **told, old=old, new=new, now=moment)
    return new_id
