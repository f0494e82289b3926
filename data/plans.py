"""Plans: each change of an episode's plan is a new version, with who, when and why. What was, stays as it was."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions, weeks
from data.database import reading
from data.frames import frame
from data.permissions import Act
from data.records import AlreadyThere, week_start
from models import (
    PLAN_WEEK_COLUMNS,
    AuditAction,
    EntryRefused,
    Patient,
    Person,
    Plan,
    PlanEntry,
    PlanWeek,
    Viewer,
    utc_now,
)

PLAN = Plan.metadata.tables["plan"]
WEEK = PlanWeek.metadata.tables["plan_week"]


class PlanSuperseded(AlreadyThere):
    """
    Somebody saved a version of the plan while this one was being written. Nothing of either is lost.

    Attributes
    ----------
    version : int
        The number of theirs.
    author : str
        Who saved it; empty if that is not known any more.
    created_at_utc : datetime
        When.
    """

    def __init__(self, version: int, author: str, created_at_utc: datetime, time_zone: str) -> None:
        self.version, self.author, self.created_at_utc = version, author, created_at_utc
        at = f"{created_at_utc.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}"
        super().__init__(
            f"{author or 'Somebody'} saved version {version} of this plan at {at}, while you were writing. "
            "Yours is not stored yet: look at theirs, then save yours as the next one."
        )


def plan_row(entry: PlanEntry) -> dict[str, Any]:
    """Make the columns of a plan's version, without whose and which it is."""
    suggestion = entry.suggestion
    return {
        **entry.model_dump(exclude={"today", "weeks", "suggestion", "surface_limit", "weekly_distance_m"}),
        "weekly_distance_m": entry.weeks[0].distance_m if entry.weeks else entry.weekly_distance_m,
        "surface_limit": entry.surface_limit or "",
        "suggestion_state": suggestion.state if suggestion else "",
        "band_low_m": suggestion.band_low_m if suggestion else None,
        "band_high_m": suggestion.band_high_m if suggestion else None,
        "suggested_ceiling_m": suggestion.ceiling_m if suggestion else None,
    }


def add_plan_version(
    engine: sa.Engine, viewer: Viewer, episode_key: str, entry: PlanEntry, *, based_on_version: int, now: datetime | None = None
) -> int:
    """
    Store the next version of an episode's plan.

    Parameters
    ----------
    based_on_version : int
        The newest version that its author saw while writing; 0 where there was none.

    Returns
    -------
    int
        Its number, from 1.

    Raises
    ------
    PlanSuperseded
        If there is a newer version than that.
    EntryRefused
        If the plan does not begin on the first day of a week.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "episode_of_care", episode_key) as connection:
        episode = permissions.episode_row(connection, viewer, episode_key, act=Act.WRITE)
        starts_on = week_start(connection)
        if (entry.valid_from.weekday() - starts_on) % 7:
            raise EntryRefused([f"A plan begins on the first day of a week, a {_DAYS[starts_on]}, not on {entry.valid_from.isoformat()}."])
        newest = connection.execute(
            sa.select(PLAN, sa.func.coalesce(col(Person.name), "").label("author"))
            .outerjoin(Person, col(Person.id) == PLAN.c.author_id)
            .where(PLAN.c.episode_id == episode.id)
            .order_by(PLAN.c.version.desc())
            .limit(1)
        ).one_or_none()
        if newest is not None and newest.version != based_on_version:
            time_zone = connection.execute(sa.select(col(Patient.time_zone)).where(col(Patient.id) == episode.patient_id)).scalar_one()
            raise PlanSuperseded(newest.version, newest.author, newest.created_at_utc, time_zone)
        version: int = newest.version + 1 if newest else 1
        row = plan_row(entry)
        whose = {"episode_id": episode.id, "version": version, "author_id": viewer.person_id, "created_at_utc": moment}
        plan_id = connection.execute(sa.insert(Plan).values(**whose, **row).returning(PLAN.c.id)).scalar_one()
        listed = [{"number": number, **week.model_dump()} for number, week in enumerate(entry.weeks)]
        if listed:
            connection.execute(sa.insert(PlanWeek), [{"plan_id": plan_id, **week} for week in listed])
        weeks.mark_changed(connection, episode.patient_id)
        old = None if newest is None else {name: newest._mapping[name] for name in ("version", *row)}
        new = {"version": version, **row, **({"weeks": listed} if listed else {})}
        action = AuditAction.CREATE if newest is None else AuditAction.CHANGE
        told = {"kind": "plan", "key": episode_key, "patient_id": episode.patient_id}
        audit.record(connection, viewer, action, **told, old=old, new=new, now=moment)
    return version


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def plan_weeks(engine: sa.Engine, viewer: Viewer, episode_key: str) -> pd.DataFrame:
    """
    Read the listed weeks of each version of an episode's plan, oldest version and week first.

    Returns
    -------
    DataFrame
        Columns `PLAN_WEEK_COLUMNS`; a version that lists no weeks has none.
    """
    with reading(engine) as connection:
        found = permissions.episode_row(connection, viewer, episode_key)
        statement = (
            sa.select(PLAN.c.version, PLAN.c.valid_from, WEEK.c.number, WEEK.c.distance_m, WEEK.c.runs, WEEK.c.longest_run_m)
            .join(PLAN, PLAN.c.id == WEEK.c.plan_id)
            .where(PLAN.c.episode_id == found.id)
            .order_by(PLAN.c.version, WEEK.c.number)
        )
        rows = connection.execute(statement).all()
    listed = [(row.version, row.valid_from + timedelta(days=7 * row.number), *row[3:]) for row in rows]
    return frame(listed, PLAN_WEEK_COLUMNS, days=["week_start"], floats=["runs", "longest_run_m"])
