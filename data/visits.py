"""Visits: what was done at them, and what was written about them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions, weeks
from data.database import reading
from data.frames import frame
from data.permissions import Act, NotFound, Thing
from data.records import AlreadyThere
from models import (
    NOTE_COLUMNS,
    STRENGTH_GIVEN_COLUMNS,
    TEXT_MAX_CHARACTERS,
    AuditAction,
    Change,
    ChangeKind,
    EntryRefused,
    EpisodeOfCare,
    Patient,
    Person,
    Site,
    SiteKind,
    StrengthGiven,
    StrengthGivenEntry,
    Viewer,
    Visit,
    VisitEntry,
    VisitNote,
    VisitStatus,
    new_key,
    plain_text,
    utc_now,
)

VISIT = Visit.metadata.tables["visit"]
NOTE = VisitNote.metadata.tables["visit_note"]
GIVEN = StrengthGiven.metadata.tables["strength_given"]
CHANGE = Change.metadata.tables["change"]


@dataclass(frozen=True)
class VisitRow:
    """One visit with all that was done and written. `gait_cue` is the change on the chart that it made; empty: none."""

    key: str
    visit_date: date
    kind: SiteKind
    status: VisitStatus
    site_id: int | None
    site: str
    therapist: str
    summary: str
    hands_on: str
    strength: tuple[StrengthGivenEntry, ...]
    gait_cue: str
    education: str
    note: str
    note_written_at_utc: datetime | None
    note_written_by: str


def visit(engine: sa.Engine, viewer: Viewer, visit_key: str) -> VisitRow:
    """
    Read one visit.

    Raises
    ------
    NotFound
        If there is none for this viewer.
    """
    with reading(engine) as connection:
        row = permissions.part_row(connection, viewer, Visit, VISIT.c.key == visit_key, "visit")
        name_of = sa.select(sa.func.coalesce(sa.func.max(col(Person.name)), ""))
        therapist, writer = (
            connection.execute(name_of.where(col(Person.id) == person_id)).scalar_one()
            for person_id in (row.therapist_id, row.note_written_by_id)
        )
        site = connection.execute(
            sa.select(sa.func.coalesce(sa.func.max(col(Site.name)), "")).where(col(Site.id) == row.site_id)
        ).scalar_one()
        return VisitRow(
            key=row.key,
            visit_date=row.visit_date,
            kind=SiteKind(row.kind),
            status=VisitStatus(row.status),
            site_id=row.site_id,
            site=site,
            therapist=therapist,
            summary=row.summary,
            hands_on=row.hands_on,
            strength=tuple(StrengthGivenEntry(**told) for told in _strength_of(connection, row.id)),
            gait_cue=_cue_of(connection, row.id),
            education=row.education,
            note=row.note,
            note_written_at_utc=row.note_written_at_utc,
            note_written_by=writer,
        )


@dataclass(frozen=True)
class AppointmentRow:
    """One visit as the front desk has it: who comes when and where, and nothing of what was said or done."""

    key: str
    visit_date: date
    kind: SiteKind
    status: VisitStatus
    site: str
    therapist: str
    patient_name: str
    patient_code: str


def appointments(engine: sa.Engine, viewer: Viewer, *, day: date) -> list[AppointmentRow]:
    """Read the visits of a day that the viewer may know of, by name of the patient."""
    names = (col(Patient.given_name), col(Patient.family_name))
    statement = (
        sa.select(
            col(Visit.key),
            col(Visit.visit_date),
            col(Visit.kind),
            col(Visit.status),
            sa.func.coalesce(col(Site.name), "").label("site"),
            sa.func.coalesce(col(Person.name), "").label("therapist"),
            *names,
            col(Patient.code),
        )
        .join(EpisodeOfCare, col(EpisodeOfCare.id) == col(Visit.episode_id))
        .join(Patient, col(Patient.id) == col(EpisodeOfCare.patient_id))
        .outerjoin(Site, col(Site.id) == col(Visit.site_id))
        .outerjoin(Person, col(Person.id) == col(Visit.therapist_id))
        .where(col(Visit.visit_date) == day, permissions.reachable(viewer, Thing.BOOKING, Act.SEE))
        .order_by(col(Patient.family_name), col(Patient.given_name), col(Visit.id))
    )
    with reading(engine) as connection:
        return [
            AppointmentRow(
                key=row.key,
                visit_date=row.visit_date,
                kind=SiteKind(row.kind),
                status=VisitStatus(row.status),
                site=row.site,
                therapist=row.therapist,
                patient_name=f"{row.given_name} {row.family_name}".strip() or row.code,
                patient_code=row.code,
            )
            for row in connection.execute(statement)
        ]


def earlier_notes(engine: sa.Engine, viewer: Viewer, visit_key: str) -> pd.DataFrame:
    """
    Read what the note of a visit said before it was changed, newest first.

    Returns
    -------
    DataFrame
        Columns `NOTE_COLUMNS`.
    """
    writer, replacer = (Person.metadata.tables["person"].alias(name) for name in ("writer", "replacer"))
    with reading(engine) as connection:
        row = permissions.part_row(connection, viewer, Visit, VISIT.c.key == visit_key, "visit")
        names = (sa.func.coalesce(person.c.name, "") for person in (writer, replacer))
        statement = (
            sa.select(NOTE.c.note, NOTE.c.written_at_utc, next(names), NOTE.c.replaced_at_utc, next(names))
            .select_from(NOTE)
            .outerjoin(writer, writer.c.id == NOTE.c.written_by_id)
            .outerjoin(replacer, replacer.c.id == NOTE.c.replaced_by_id)
            .where(NOTE.c.visit_id == row.id)
            .order_by(NOTE.c.id.desc())
        )
        return frame(connection.execute(statement).all(), NOTE_COLUMNS)


def strength_given(engine: sa.Engine, viewer: Viewer, episode_key: str) -> pd.DataFrame:
    """Read the exercises of all visits of an episode, oldest first, columns `STRENGTH_GIVEN_COLUMNS`."""
    with reading(engine) as connection:
        found = permissions.episode_row(connection, viewer, episode_key)
        statement = (
            sa.select(VISIT.c.key, VISIT.c.visit_date, *(GIVEN.c[name] for name in STRENGTH_GIVEN_COLUMNS[2:]))
            .join(VISIT, VISIT.c.id == GIVEN.c.visit_id)
            .where(VISIT.c.episode_id == found.id)
            .order_by(VISIT.c.visit_date, VISIT.c.id, GIVEN.c.number)
        )
        rows = connection.execute(statement).all()
    return frame(rows, STRENGTH_GIVEN_COLUMNS, days=["visit_date"], floats=["sets", "reps", "hold_s"])


def record_visit(
    engine: sa.Engine, viewer: Viewer, episode_key: str, entry: VisitEntry, *, visit_key: str | None = None, now: datetime | None = None
) -> str:
    """
    Store what was done at a visit: at one that was booked, or at a new one.

    Recorded again, it stands as it was told last; the audit keeps what was there. A note that says something else is a new version of
    the note. A gait cue becomes a change of the episode on the day of the visit.

    Parameters
    ----------
    visit_key : str, optional
        The visit, if there is one already.

    Returns
    -------
    str
        The visit's key.

    Raises
    ------
    NotFound
        If there is no such episode for this viewer, or no such visit of it.
    EntryRefused
        If its site is not one of the clinic's.
    """
    moment, key = now or utc_now(), visit_key or new_key()
    with audit.changing(engine, viewer, "episode_of_care", episode_key) as connection:
        episode = permissions.episode_row(connection, viewer, episode_key, act=Act.WRITE)
        if entry.site_id is not None and connection.execute(sa.select(col(Site.id)).where(col(Site.id) == entry.site_id)).first() is None:
            raise EntryRefused(["That site is not one of the clinic's any more. Choose the site again."])
        of_episode = sa.select(VISIT).where(VISIT.c.key == key, VISIT.c.episode_id == episode.id)
        row = connection.execute(of_episode).one_or_none()
        if row is None and visit_key is not None:
            raise NotFound("visit")
        done = {
            "visit_date": entry.visit_date,
            "kind": entry.kind,
            "status": entry.status,
            "site_id": entry.site_id,
            "therapist_id": viewer.person_id,
            "summary": entry.summary,
            "hands_on": entry.hands_on,
            "education": entry.education,
        }
        before = {} if row is None else {name: row._mapping[name] for name in done}
        if row is None:
            inserted = sa.insert(Visit).values(key=key, episode_id=episode.id, created_at_utc=moment, **done)
            visit_id = int(connection.execute(inserted.returning(VISIT.c.id)).scalar_one())
        else:
            visit_id = row.id
            connection.execute(sa.update(Visit).where(VISIT.c.id == visit_id).values(done))
        strength = [told.model_dump() for told in entry.strength]
        old_strength, old_cue = _strength_of(connection, visit_id), _cue_of(connection, visit_id)
        _set_strength(connection, visit_id, strength, old_strength)
        _set_cue(connection, viewer, episode.id, visit_id, entry, moment)
        changed_note = _set_note(connection, viewer, visit_id, entry.note, moment)
        if changed_note:
            before["note"], done["note"] = "as before", "changed"
        before |= {"strength": old_strength, "gait_cue": old_cue}
        done |= {"strength": strength, "gait_cue": entry.gait_cue}
        if row is not None and all(before[name] == value for name, value in done.items()):
            return key
        weeks.mark_changed(connection, episode.patient_id)
        told = {"kind": "visit", "key": key, "patient_id": episode.patient_id}
        action = AuditAction.CREATE if row is None else AuditAction.CHANGE
        audit.record(connection, viewer, action, **told, old=None if row is None else before, new=done, now=moment)
    return key


def _strength_of(connection: sa.Connection, visit_id: int) -> list[dict[str, Any]]:
    columns = (GIVEN.c[name] for name in ("exercise", "sets", "reps", "hold_s"))
    rows = connection.execute(sa.select(*columns).where(GIVEN.c.visit_id == visit_id).order_by(GIVEN.c.number))
    return [dict(row._mapping) for row in rows]


def _set_strength(connection: sa.Connection, visit_id: int, strength: list[dict[str, Any]], old: list[dict[str, Any]]) -> None:
    if strength == old:
        return
    connection.execute(sa.delete(StrengthGiven).where(GIVEN.c.visit_id == visit_id))
    if strength:
        rows = [{"visit_id": visit_id, "number": number, **told} for number, told in enumerate(strength, start=1)]
        connection.execute(sa.insert(StrengthGiven), rows)


def _cue_of(connection: sa.Connection, visit_id: int) -> str:
    cue = sa.select(CHANGE.c.label).where(CHANGE.c.visit_id == visit_id, CHANGE.c.kind == ChangeKind.CADENCE_CUE.value)
    return connection.execute(cue.order_by(CHANGE.c.id).limit(1)).scalar() or ""


def _set_cue(connection: sa.Connection, viewer: Viewer, episode_id: int, visit_id: int, entry: VisitEntry, moment: datetime) -> None:
    theirs = sa.and_(CHANGE.c.visit_id == visit_id, CHANGE.c.kind == ChangeKind.CADENCE_CUE.value)
    cue = {"day": entry.visit_date, "label": entry.gait_cue}
    known = connection.execute(sa.select(CHANGE.c.id).where(theirs)).first() is not None
    if known and not entry.gait_cue:
        connection.execute(sa.delete(Change).where(theirs))
    elif known:
        connection.execute(sa.update(Change).where(theirs).values(cue))
    elif entry.gait_cue:
        whose = {"episode_id": episode_id, "visit_id": visit_id, "author_id": viewer.person_id, "created_at_utc": moment}
        connection.execute(sa.insert(Change).values(**whose, **cue, kind=ChangeKind.CADENCE_CUE))


def _set_note(connection: sa.Connection, viewer: Viewer, visit_id: int, note: str, moment: datetime) -> bool:
    """Let a visit have this note; one that was there and said something else is kept. Says whether anything changed."""
    old = connection.execute(
        sa.select(VISIT.c.note, VISIT.c.note_written_at_utc, VISIT.c.note_written_by_id).where(VISIT.c.id == visit_id)
    ).one()
    if old.note == note:
        return False
    if old.note:
        written = {"note": old.note, "written_at_utc": old.note_written_at_utc, "written_by_id": old.note_written_by_id}
        replaced = {"replaced_at_utc": moment, "replaced_by_id": viewer.person_id}
        connection.execute(sa.insert(VisitNote).values(visit_id=visit_id, **written, **replaced))
    new = {"note": note, "note_written_at_utc": moment, "note_written_by_id": viewer.person_id}
    connection.execute(sa.update(Visit).where(VISIT.c.id == visit_id).values(new))
    return True


def write_note(
    engine: sa.Engine, viewer: Viewer, visit_key: str, note: str, *, instead_of: str | None = None, now: datetime | None = None
) -> None:
    """
    Write the note of a visit. What it said before stays, with who and when.

    Parameters
    ----------
    instead_of : str, optional
        The note that its writer saw; if it says something else by now, theirs is not overwritten.

    Raises
    ------
    AlreadyThere
        If somebody has changed it meanwhile.
    EntryRefused
        If it is too long.
    """
    moment, said = now or utc_now(), plain_text(note)
    if len(said) > TEXT_MAX_CHARACTERS:
        raise EntryRefused([f"A note has at most {TEXT_MAX_CHARACTERS:,} characters; this one has {len(said):,}."])
    with audit.changing(engine, viewer, "visit", visit_key) as connection:
        row = permissions.part_row(connection, viewer, Visit, VISIT.c.key == visit_key, "visit", act=Act.WRITE)
        if instead_of is not None and row.note != plain_text(instead_of):
            raise AlreadyThere("Somebody has changed this note meanwhile. Look at theirs first; yours is not stored yet.")
        if not _set_note(connection, viewer, row.id, said, moment):
            return
        weeks.mark_changed(connection, row.patient_id)
        told = {"kind": "visit", "key": visit_key, "patient_id": row.patient_id}
        audit.record(connection, viewer, AuditAction.CHANGE, **told, old={"note": "as before"}, new={"note": "changed"}, now=moment)


def set_visit_status(engine: sa.Engine, viewer: Viewer, visit_key: str, status: VisitStatus, *, now: datetime | None = None) -> None:
    """
    Say that somebody arrived, did not come, or cancelled. The front desk may: it says nothing of what was done.

    Raises
    ------
    NotFound
        If there is no such visit for this viewer.
    """
    with audit.changing(engine, viewer, "visit", visit_key) as connection:
        which = VISIT.c.key == visit_key
        row = permissions.part_row(connection, viewer, Visit, which, "visit", thing=Thing.BOOKING, act=Act.WRITE)
        if row.status == status:
            return
        connection.execute(sa.update(Visit).where(VISIT.c.id == row.id).values(status=status))
        weeks.mark_changed(connection, row.patient_id)
        told = {"kind": "visit", "key": visit_key, "patient_id": row.patient_id}
        audit.record(connection, viewer, AuditAction.CHANGE, **told, old={"status": row.status}, new={"status": status}, now=now)
