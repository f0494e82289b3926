"""Days without a run that a run took back: kept, so that they are back when the run is gone."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from models import DayWithoutRun, DroppedDay, Run

_DAY = DayWithoutRun.metadata.tables["day_without_run"]
_DROPPED = DroppedDay.metadata.tables["dropped_day"]
_KEPT = ("patient_id", "day", "recorded_at_utc", "recorded_by_id", "import_file_id")


def settle_days(connection: sa.Connection, patient_id: int, days: Iterable[date]) -> list[dict[str, Any]]:
    """
    Take "did not run" back for the days on which a run counts now, and let it stand again on those on which none does any more.

    Returns
    -------
    list of dict
        What was taken back now, for the audit: day, who told it and when.
    """
    wanted = sorted(set(days))
    if not wanted:
        return []
    ran = sa.select(col(Run.run_date)).where(
        col(Run.patient_id) == patient_id, col(Run.run_date).in_(wanted), col(Run.retired_at_utc).is_(None)
    )
    with_run = sorted(set(connection.execute(ran).scalars()))
    without = [day for day in wanted if day not in with_run]
    taken_back = _moved(connection, _DAY, _DROPPED, patient_id, with_run) if with_run else []
    if without:
        _moved(connection, _DROPPED, _DAY, patient_id, without)
    return [{name: row[name] for name in ("day", "recorded_by_id", "recorded_at_utc")} for row in taken_back]


def _moved(connection: sa.Connection, source: sa.Table, target: sa.Table, patient_id: int, days: list[date]) -> list[dict[str, Any]]:
    """Move days from one table to the other; a day that stands in the other already is only taken out here."""
    theirs = sa.and_(source.c.patient_id == patient_id, source.c.day.in_(days))
    rows = [
        dict(row._mapping)
        for row in connection.execute(sa.select(*(source.c[name] for name in _KEPT)).where(theirs).order_by(source.c.day))
    ]
    if rows:
        found = [row["day"] for row in rows]
        there = set(connection.execute(sa.select(target.c.day).where(target.c.patient_id == patient_id, target.c.day.in_(found))).scalars())
        connection.execute(sa.delete(source).where(theirs))
        if new := [row for row in rows if row["day"] not in there]:
            connection.execute(sa.insert(target), new)
    return rows
