"""A patient's own limits, and the history of their changes. The limits as they are stand in `queries.EpisodeRow`."""

from datetime import datetime

import pandas as pd
import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions, weeks
from data.database import reading
from data.frames import frame
from data.permissions import Act
from models import LIMIT_CHANGE_COLUMNS, AuditAction, LimitChange, LimitName, LimitsEntry, Patient, Person, Viewer, utc_now

CHANGE = LimitChange.metadata.tables["limit_change"]
COLUMN_OF = {LimitName.COMFORTABLE_MAX: "pain_comfortable_max", LimitName.ACCEPTABLE_MAX: "pain_acceptable_max"}


def limit_history(engine: sa.Engine, viewer: Viewer, patient_key: str) -> pd.DataFrame:
    """
    Read which limits of a patient were changed by whom, newest first.

    Returns
    -------
    DataFrame
        Columns `LIMIT_CHANGE_COLUMNS`; values as text.
    """
    with reading(engine) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key)
        columns = (CHANGE.c[name] for name in LIMIT_CHANGE_COLUMNS[:-1])
        statement = (
            sa.select(*columns, sa.func.coalesce(col(Person.name), ""))
            .select_from(CHANGE)
            .outerjoin(Person, col(Person.id) == CHANGE.c.changed_by_id)
            .where(CHANGE.c.patient_id == patient.id)
            .order_by(CHANGE.c.id.desc())
        )
        rows = connection.execute(statement).all()
    return frame(rows, LIMIT_CHANGE_COLUMNS)


def set_limits(engine: sa.Engine, viewer: Viewer, patient_key: str, entry: LimitsEntry, *, now: datetime | None = None) -> None:
    """
    Give a patient these limits. Each one that changes is kept with its old value, who and when; the same ones again change nothing.

    Raises
    ------
    NotFound
        If there is no such patient for this viewer.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "patient", patient_key) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key, act=Act.WRITE)
        wanted = {name: getattr(entry, name.value) for name in LimitName}
        before = {name: patient._mapping[COLUMN_OF.get(name, name.value)] for name in LimitName}
        changed = [name for name in LimitName if before[name] != wanted[name]]
        if not changed:
            return
        values = {COLUMN_OF.get(name, name.value): wanted[name] for name in changed}
        connection.execute(sa.update(Patient).where(col(Patient.id) == patient.id).values(values))
        by = {"patient_id": patient.id, "changed_at_utc": moment, "changed_by_id": viewer.person_id}
        rows = [{**by, "limit_name": name, "old_value": _text(before[name]), "new_value": _text(wanted[name])} for name in changed]
        connection.execute(sa.insert(LimitChange), rows)
        weeks.mark_changed(connection, patient.id)
        old, new = ({name.value: values_of[name] for name in changed} for values_of in (before, wanted))
        told = {"kind": "limits", "key": patient_key, "patient_id": patient.id}
        audit.record(connection, viewer, AuditAction.CHANGE, **told, old=old, new=new, now=moment)


def _text(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
