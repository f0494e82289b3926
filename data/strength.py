"""The strength log: which sessions the runner did, on which day."""

from datetime import datetime

import pandas as pd
import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions, weeks
from data.database import reading
from data.frames import frame
from data.permissions import Act
from models import STRENGTH_COLUMNS, AuditAction, Person, StrengthEntry, StrengthSession, Viewer, utc_now

SESSION = StrengthSession.metadata.tables["strength_session"]


def strength_sessions(engine: sa.Engine, viewer: Viewer, episode_key: str) -> pd.DataFrame:
    """
    Read the strength sessions that the runner did in an episode, oldest first.

    Returns
    -------
    DataFrame
        Columns `STRENGTH_COLUMNS`, one row a session.
    """
    with reading(engine) as connection:
        found = permissions.episode_row(connection, viewer, episode_key)
        statement = (
            sa.select(SESSION.c.id, SESSION.c.done_on, SESSION.c.recorded_at_utc, sa.func.coalesce(col(Person.name), ""))
            .select_from(SESSION)
            .outerjoin(Person, col(Person.id) == SESSION.c.recorded_by_id)
            .where(SESSION.c.episode_id == found.id, SESSION.c.retired_at_utc.is_(None))
            .order_by(SESSION.c.done_on, SESSION.c.number)
        )
        rows = connection.execute(statement).all()
    return frame(rows, STRENGTH_COLUMNS, days=["done_on"])


def set_strength_sessions(
    engine: sa.Engine, viewer: Viewer, episode_key: str, entry: StrengthEntry, *, now: datetime | None = None
) -> None:
    """
    Say how many strength sessions the runner did on a day. Told again, it adds nothing; what was told too many is retired and stays.

    Raises
    ------
    NotFound
        If there is no such episode for this viewer.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "episode_of_care", episode_key) as connection:
        episode = permissions.episode_row(connection, viewer, episode_key, act=Act.WRITE)
        of_day = (SESSION.c.episode_id == episode.id, SESSION.c.done_on == entry.done_on, SESSION.c.retired_at_utc.is_(None))
        known = connection.execute(sa.select(sa.func.count()).select_from(SESSION).where(*of_day)).scalar_one()
        if known == entry.sessions:
            return
        given = {"recorded_at_utc": moment, "recorded_by_id": viewer.person_id}
        day = {"episode_id": episode.id, "done_on": entry.done_on}
        more = [{**day, **given, "number": number} for number in range(known + 1, entry.sessions + 1)]
        if more:
            connection.execute(sa.insert(StrengthSession), more)
        retired = {"retired_at_utc": moment, "retired_by_id": viewer.person_id}
        connection.execute(sa.update(StrengthSession).where(*of_day, SESSION.c.number > entry.sessions).values(retired))
        weeks.mark_changed(connection, episode.patient_id)
        old, new = ({"done_on": entry.done_on, "sessions": sessions} for sessions in (known, entry.sessions))
        action = AuditAction.CREATE if not known else AuditAction.CHANGE if entry.sessions else AuditAction.RETIRE
        told = {"kind": "strength_session", "key": entry.done_on, "patient_id": episode.patient_id}
        audit.record(connection, viewer, action, **told, old=old if known else None, new=new if entry.sessions else None, now=moment)
