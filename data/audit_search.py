"""The audit as its readers see it: the owner all of it, a therapist what was done to the charts of their patients."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from data import permissions
from data.audit import noting_refusals
from data.audit_key import EVENT
from data.database import reading
from data.permissions import Act, Reach, Thing
from models import AuditAction, Patient, Viewer


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
