"""Review marks: somebody looked at an episode today and says so; the same person may take that back on the same day."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions, weeks
from data.database import reading
from data.frames import frame
from data.permissions import Act
from models import REVIEW_COLUMNS, AuditAction, Clinic, EntryRefused, EpisodeOfCare, Patient, Person, ReviewMark, Viewer, utc_now

MARK = ReviewMark.metadata.tables["review_mark"]


@dataclass(frozen=True)
class NewestReview:
    """The newest review of an episode that was not taken back."""

    episode_key: str
    person_id: int | None
    person: str
    marked_at_utc: datetime


def reviews(engine: sa.Engine, viewer: Viewer, episode_key: str) -> pd.DataFrame:
    """Read the review marks of an episode, also those that were taken back, newest first, columns `REVIEW_COLUMNS`."""
    with reading(engine) as connection:
        found = permissions.episode_row(connection, viewer, episode_key)
        statement = (
            sa.select(MARK.c.marked_at_utc, sa.func.coalesce(col(Person.name), ""), MARK.c.undone_at_utc)
            .select_from(MARK)
            .outerjoin(Person, col(Person.id) == MARK.c.person_id)
            .where(MARK.c.episode_id == found.id)
            .order_by(MARK.c.marked_at_utc.desc(), MARK.c.id.desc())
        )
        rows = connection.execute(statement).all()
    return frame(rows, REVIEW_COLUMNS)


def newest_reviews(engine: sa.Engine, viewer: Viewer) -> dict[str, NewestReview]:
    """Read the newest review of each episode that the viewer may see, by the episode's key; one that was never reviewed has none."""
    newest = (
        sa.select(sa.func.max(MARK.c.marked_at_utc).label("at"), MARK.c.episode_id)
        .where(MARK.c.undone_at_utc.is_(None))
        .group_by(MARK.c.episode_id)
        .subquery()
    )
    statement = (
        sa.select(col(EpisodeOfCare.key), MARK.c.person_id, sa.func.coalesce(col(Person.name), ""), MARK.c.marked_at_utc)
        .select_from(MARK)
        .join(newest, sa.and_(newest.c.episode_id == MARK.c.episode_id, newest.c.at == MARK.c.marked_at_utc))
        .join(EpisodeOfCare, col(EpisodeOfCare.id) == MARK.c.episode_id)
        .join(Patient, col(Patient.id) == col(EpisodeOfCare.patient_id))
        .outerjoin(Person, col(Person.id) == MARK.c.person_id)
        .where(MARK.c.undone_at_utc.is_(None), permissions.reachable(viewer))
        .order_by(MARK.c.id)
    )
    with reading(engine) as connection:
        return {row[0]: NewestReview(*row) for row in connection.execute(statement)}


def _day_here(connection: sa.Connection, moment: datetime) -> date:
    """Say which day it is where the clinic is."""
    zone = connection.execute(sa.select(col(Clinic.time_zone))).scalar_one()
    return moment.astimezone(ZoneInfo(zone)).date()


def _own_of_today(connection: sa.Connection, viewer: Viewer, episode_id: int, moment: datetime) -> int | None:
    mine = sa.select(MARK.c.id, MARK.c.marked_at_utc).where(
        MARK.c.episode_id == episode_id, MARK.c.person_id.is_not_distinct_from(viewer.person_id), MARK.c.undone_at_utc.is_(None)
    )
    newest = connection.execute(mine.order_by(MARK.c.marked_at_utc.desc()).limit(1)).one_or_none()
    same_day = newest is not None and _day_here(connection, newest.marked_at_utc) == _day_here(connection, moment)
    return int(newest.id) if newest is not None and same_day else None


def mark_reviewed(engine: sa.Engine, viewer: Viewer, episode_key: str, *, now: datetime | None = None) -> None:
    """
    Mark an episode reviewed. Marked again by the same person on the same day, nothing changes.

    Raises
    ------
    NotFound
        If there is no such episode for this viewer.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "episode_of_care", episode_key) as connection:
        episode = permissions.episode_row(connection, viewer, episode_key, act=Act.WRITE)
        if _own_of_today(connection, viewer, episode.id, moment) is not None:
            return
        connection.execute(sa.insert(ReviewMark).values(episode_id=episode.id, person_id=viewer.person_id, marked_at_utc=moment))
        weeks.mark_changed(connection, episode.patient_id)
        told = {"kind": "review_mark", "key": episode_key, "patient_id": episode.patient_id}
        audit.record(connection, viewer, AuditAction.CREATE, **told, new={"marked_at_utc": moment}, now=moment)


def undo_review(engine: sa.Engine, viewer: Viewer, episode_key: str, *, now: datetime | None = None) -> None:
    """
    Take one's own mark of today back. Today is the day where the clinic is.

    Raises
    ------
    EntryRefused
        If there is none: somebody else's mark, or one of an earlier day, stays.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "episode_of_care", episode_key) as connection:
        episode = permissions.episode_row(connection, viewer, episode_key, act=Act.WRITE)
        mark_id = _own_of_today(connection, viewer, episode.id, moment)
        if mark_id is None:
            raise EntryRefused(["Only who marked it reviewed can take that back, and only on the same day."])
        marked_at = connection.execute(sa.select(MARK.c.marked_at_utc).where(MARK.c.id == mark_id)).scalar_one()
        connection.execute(sa.update(ReviewMark).where(MARK.c.id == mark_id).values(undone_at_utc=moment))
        weeks.mark_changed(connection, episode.patient_id)
        told = {"kind": "review_mark", "key": episode_key, "patient_id": episode.patient_id}
        audit.record(connection, viewer, AuditAction.RETIRE, **told, old={"marked_at_utc": marked_at}, now=moment)
