"""The audit as its readers see it: the owner all of it, a therapist what was done to the charts of their patients."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from data import permissions
from data.audit import noting_refusals
from data.audit_key import EVENT
from data.database import reading
from data.permissions import Act, Reach, Thing
from models import AuditAction, Patient, Person, Viewer

NOBODY = 0  # asks for what was done without anybody signed in: sign-ins that failed, the command line


@dataclass(frozen=True)
class AuditLine:
    """
    One row of the audit as its readers see it.

    `detail` is empty where it tells of a patient who is not theirs, name and code where they may not know the register of that patient.
    """

    seq: int
    at_utc: datetime
    person_id: int | None
    actor: str
    source: str
    action: AuditAction
    object_kind: str
    object_key: str
    patient_id: int | None
    patient_key: str
    patient_code: str
    patient_name: str
    detail: str


def search(
    engine: sa.Engine,
    viewer: Viewer,
    *,
    patient_key: str | None = None,
    patient_keys: Collection[str] | None = None,
    person_id: int | None = None,
    actions: Collection[AuditAction] = (),
    since: datetime | None = None,
    before: datetime | None = None,
    before_seq: int | None = None,
    after_seq: int | None = None,
    limit: int = 200,
) -> list[AuditLine]:
    """
    Read the audit, newest first.

    The owner reads all of it, but old and new values only of patients who are theirs as a therapist. A therapist reads who opened the
    chart of one of their patients.

    Parameters
    ----------
    patient_key : str, optional
        Of one patient: what a therapist may ask.
    patient_keys : collection of str, optional
        Of some patients: for the owner.
    person_id : int, optional
        What one person did; `NOBODY` for what was done without one.
    actions : collection of AuditAction
        Only these; none named: all.
    since, before : datetime, optional
        From this moment on; before this one.
    before_seq, after_seq : int, optional
        Rows with a smaller number; those with a greater one, the nearest.

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
        statement = _lines(viewer)
        if patient_key is not None:
            statement = statement.where(_WHOM.c.key == patient_key)
        if patient_keys is not None:
            statement = statement.where(_WHOM.c.key.in_(list(patient_keys)))
        if person_id is not None:
            statement = statement.where(EVENT.c.person_id.is_(None) if person_id == NOBODY else EVENT.c.person_id == person_id)
        if actions:
            statement = statement.where(EVENT.c.action.in_([action.value for action in actions]))
        if since is not None:
            statement = statement.where(EVENT.c.at_utc >= since)
        if before is not None:
            statement = statement.where(EVENT.c.at_utc < before)
        if before_seq is not None:
            statement = statement.where(EVENT.c.seq < before_seq)
        if after_seq is not None:
            statement = statement.where(EVENT.c.seq > after_seq)
        order = EVENT.c.seq.desc() if after_seq is None else EVENT.c.seq.asc()
        rows = connection.execute(statement.order_by(order).limit(limit)).all()
    lines = [AuditLine(**{**row._mapping, "action": AuditAction(row.action)}) for row in rows]
    return lines if after_seq is None else lines[::-1]


_WHOM = Patient.metadata.tables["patient"].alias("whom")


def _lines(viewer: Viewer) -> sa.Select[*tuple[Any, ...]]:
    def if_theirs(thing: Thing, shown: sa.ColumnElement[str], *, nobodys: bool) -> sa.ColumnElement[str]:
        reached = sa.exists(sa.select(col(Patient.id)).where(permissions.reachable(viewer, thing), col(Patient.id) == EVENT.c.patient_id))
        return sa.case((sa.or_(EVENT.c.patient_id.is_(None), reached) if nobodys else reached, sa.func.coalesce(shown, "")), else_="")

    names = ("seq", "at_utc", "person_id", "actor", "source", "action", "object_kind", "object_key", "patient_id")
    whole_name = sa.func.trim(_WHOM.c.given_name + " " + _WHOM.c.family_name)
    return sa.select(
        *(EVENT.c[name] for name in names),
        sa.func.coalesce(_WHOM.c.key, "").label("patient_key"),
        if_theirs(Thing.REGISTER, _WHOM.c.code, nobodys=False).label("patient_code"),
        if_theirs(Thing.REGISTER, whole_name, nobodys=False).label("patient_name"),
        if_theirs(Thing.FACTS, EVENT.c.detail, nobodys=True).label("detail"),
    ).outerjoin(_WHOM, _WHOM.c.id == EVENT.c.patient_id)


def newest_number(engine: sa.Engine, viewer: Viewer) -> int:
    """
    Give the number of the newest row: as rows are numbered without a gap, how many there are.

    Raises
    ------
    NotFound
        If this viewer may not read all of it.
    """
    with noting_refusals(engine, viewer, "audit_event", None), reading(engine) as connection:
        permissions.require(viewer, Thing.AUDIT, Act.SEE)
        return int(connection.execute(sa.select(sa.func.max(EVENT.c.seq))).scalar() or 0)


def people(engine: sa.Engine, viewer: Viewer) -> list[tuple[int, str, bool]]:
    """
    Read whose doings can be asked for: id, name, and whether they still work here, by name.

    Raises
    ------
    NotFound
        If this viewer may not read all of it.
    """
    with noting_refusals(engine, viewer, "audit_event", None), reading(engine) as connection:
        permissions.require(viewer, Thing.AUDIT, Act.SEE)
        statement = sa.select(col(Person.id), col(Person.name), col(Person.is_active)).order_by(col(Person.name), col(Person.id))
        return [(int(row[0] or 0), row[1], bool(row[2])) for row in connection.execute(statement)]
