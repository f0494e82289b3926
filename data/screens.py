"""
Red-flag screens: what was asked and answered, and how a yes was closed.

A yes is open until a therapist closes it with a note. It is neither corrected nor taken back: what was a slip is closed with a note that
says so.
"""

from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions, weeks
from data.database import reading
from data.frames import frame
from data.permissions import Act, NotFound, Thing
from data.records import AlreadyThere, local_today
from models import (
    SCREEN_COLUMNS,
    SCREEN_HISTORY_COLUMNS,
    TEXT_MAX_CHARACTERS,
    AuditAction,
    EntryRefused,
    Person,
    RedFlagAnswer,
    ScreenAnswer,
    ScreenEntry,
    ScreenItem,
    Viewer,
    Visit,
    plain_text,
    utc_now,
)

ANSWER = RedFlagAnswer.metadata.tables["red_flag_answer"]


def screen_answers(engine: sa.Engine, viewer: Viewer, episode_key: str) -> pd.DataFrame:
    """
    Read the current answers to red-flag questions of an episode, oldest first.

    Returns
    -------
    DataFrame
        Columns `SCREEN_COLUMNS`, one row an answer. A yes without `closed_on` is open, whatever was answered later.
    """
    with reading(engine) as connection:
        found = permissions.episode_row(connection, viewer, episode_key)
        statement = (
            sa.select(ANSWER.c.id, *(ANSWER.c[name] for name in SCREEN_COLUMNS[1:]))
            .where(ANSWER.c.episode_id == found.id, ANSWER.c.retired_at_utc.is_(None))
            .order_by(ANSWER.c.asked_on, ANSWER.c.id)
        )
        rows = connection.execute(statement).all()
    return frame(rows, SCREEN_COLUMNS, days=["asked_on", "closed_on"], texts=["answer"])


def screen_history(engine: sa.Engine, viewer: Viewer, episode_key: str) -> pd.DataFrame:
    """Read all answers of an episode with who gave, corrected and closed them, newest first, columns `SCREEN_HISTORY_COLUMNS`."""
    people = {name: Person.metadata.tables["person"].alias(name) for name in ("recorded_by", "closed_by", "retired_by")}
    columns: list[Any] = [ANSWER.c.id]
    for name in SCREEN_HISTORY_COLUMNS[1:]:
        columns.append(sa.func.coalesce(people[name].c.name, "") if name in people else ANSWER.c[name])
    with reading(engine) as connection:
        found = permissions.episode_row(connection, viewer, episode_key)
        statement = sa.select(*columns).select_from(ANSWER)
        for name, person in people.items():
            statement = statement.outerjoin(person, person.c.id == ANSWER.c[f"{name}_id"])
        rows = connection.execute(
            statement.where(ANSWER.c.episode_id == found.id).order_by(ANSWER.c.asked_on.desc(), ANSWER.c.id.desc())
        ).all()
    return frame(rows, SCREEN_HISTORY_COLUMNS, days=["asked_on", "closed_on"], floats=["corrects_id"], texts=["answer"])


def add_screen(
    engine: sa.Engine, viewer: Viewer, episode_key: str, entry: ScreenEntry, *, visit_key: str | None = None, now: datetime | None = None
) -> int:
    """
    Store the answers to a screen. Items that are missing in the entry stand as not asked.

    Asked again on the same day, the later answer corrects the earlier one; a yes stays beside it, open until it is closed.

    Parameters
    ----------
    visit_key : str, optional
        The visit at which it was asked.

    Returns
    -------
    int
        How many answers are new or changed.

    Raises
    ------
    NotFound
        If there is no such episode for this viewer, or no such visit of it.
    """
    moment = now or utc_now()
    told_by = {"recorded_at_utc": moment, "recorded_by_id": viewer.person_id}
    with audit.changing(engine, viewer, "episode_of_care", episode_key) as connection:
        episode = permissions.episode_row(connection, viewer, episode_key, act=Act.WRITE)
        visit_id = visit_of(connection, episode.id, visit_key)
        of_day = sa.select(ANSWER.c.id, ANSWER.c.item, ANSWER.c.answer, ANSWER.c.closed_on).where(
            ANSWER.c.episode_id == episode.id, ANSWER.c.asked_on == entry.asked_on, ANSWER.c.retired_at_utc.is_(None)
        )
        before = {row.item: row for row in connection.execute(of_day.order_by(ANSWER.c.id))}
        old: dict[str, str] = {}
        rows = []
        for item in ScreenItem:
            answer, known = entry.answers.get(item, ScreenAnswer.NOT_ASKED), before.get(item)
            same = known is not None and known.answer == answer and known.closed_on is None
            if same or (known is not None and answer is ScreenAnswer.NOT_ASKED):  # what was answered that day is not unasked again
                continue
            corrects = None
            if known is not None and known.answer != ScreenAnswer.YES:
                corrects, old[item.value] = known.id, known.answer
                _retire(connection, known.id, viewer, moment)
            rows.append({"item": item, "answer": answer, "corrects_id": corrects})
        if rows:
            whose = {"episode_id": episode.id, "visit_id": visit_id, "asked_on": entry.asked_on, **told_by}
            connection.execute(sa.insert(RedFlagAnswer), [{**whose, **row} for row in rows])
            weeks.mark_changed(connection, episode.patient_id)
            new = {"asked_on": entry.asked_on, **{str(row["item"]): row["answer"] for row in rows}}
            action = AuditAction.CHANGE if old else AuditAction.CREATE
            told = {"kind": "screen", "key": visit_key or episode_key, "patient_id": episode.patient_id}
            audit.record(connection, viewer, action, **told, old=old or None, new=new, now=moment)
    return len(rows)


def visit_of(connection: sa.Connection, episode_id: int, visit_key: str | None) -> int | None:
    """Find the visit of an episode that is named, inside a transaction; raises NotFound if it is none of that episode's."""
    if visit_key is None:
        return None
    columns = Visit.metadata.tables["visit"].c
    found = connection.execute(sa.select(columns.id).where(columns.key == visit_key, columns.episode_id == episode_id)).scalar()
    if found is None:
        raise NotFound("visit")
    return int(found)


def _retire(connection: sa.Connection, answer_id: int, viewer: Viewer, moment: datetime) -> None:
    retired = {"retired_at_utc": moment, "retired_by_id": viewer.person_id}
    connection.execute(sa.update(RedFlagAnswer).where(col(RedFlagAnswer.id) == answer_id).values(retired))


def correct_screen_answer(engine: sa.Engine, viewer: Viewer, answer_id: int, answer: ScreenAnswer, *, now: datetime | None = None) -> int:
    """
    Put a right answer in the place of a wrong one; the old one stays, with who and when.

    Returns
    -------
    int
        The number of the current answer; the same answer again changes nothing.

    Raises
    ------
    EntryRefused
        If it is a yes: that is closed with a note.
    AlreadyThere
        If somebody has corrected it meanwhile.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "red_flag_answer", answer_id) as connection:
        row = permissions.part_row(connection, viewer, RedFlagAnswer, ANSWER.c.id == answer_id, "answer", act=Act.WRITE)
        if row.retired_at_utc is not None:
            raise AlreadyThere("Somebody has corrected this answer meanwhile. Look at the new one first.")
        if row.answer == answer:
            return answer_id
        if row.answer == ScreenAnswer.YES:
            raise EntryRefused(["A yes is not changed into another answer. Close it with a note that says what was found."])
        _retire(connection, answer_id, viewer, moment)
        kept = {name: row._mapping[name] for name in ("episode_id", "visit_id", "item", "asked_on")}
        told_by = {"recorded_at_utc": moment, "recorded_by_id": viewer.person_id}
        inserted = sa.insert(RedFlagAnswer).values(**kept, **told_by, answer=answer, corrects_id=answer_id)
        new_id = int(connection.execute(inserted.returning(ANSWER.c.id)).scalar_one())
        weeks.mark_changed(connection, row.patient_id)
        old = {"item": row.item, "answer": row.answer}
        new = {"id": new_id, "item": row.item, "answer": answer}
        told = {"kind": "red_flag_answer", "key": answer_id, "patient_id": row.patient_id}
        audit.record(connection, viewer, AuditAction.CHANGE, **told, old=old, new=new, now=moment)
    return new_id


def close_screen_answer(engine: sa.Engine, viewer: Viewer, answer_id: int, note: str, *, now: datetime | None = None) -> None:
    """
    Close a yes with a note: on the day that it is now where the patient lives. Only a therapist may.

    Raises
    ------
    EntryRefused
        Without a note, or if it is not a yes.
    AlreadyThere
        If somebody has closed it meanwhile.
    """
    moment, said = now or utc_now(), plain_text(note)
    with audit.changing(engine, viewer, "red_flag_answer", answer_id) as connection:
        which = ANSWER.c.id == answer_id
        row = permissions.part_row(connection, viewer, RedFlagAnswer, which, "answer", thing=Thing.CLOSING, act=Act.WRITE)
        if not 1 <= len(said) <= TEXT_MAX_CHARACTERS:
            raise EntryRefused([f"Say in a note what was found and done: 1 to {TEXT_MAX_CHARACTERS:,} characters."])
        if row.answer != ScreenAnswer.YES:
            raise EntryRefused(["Only a yes is closed."])
        if row.closed_on is not None:
            raise AlreadyThere(f"This answer was closed on {row.closed_on.isoformat()}.")
        closed_on = max(local_today(row.time_zone, moment), row.asked_on)
        closed = {"closed_on": closed_on, "closed_at_utc": moment, "closed_by_id": viewer.person_id, "closing_note": said}
        connection.execute(sa.update(RedFlagAnswer).where(col(RedFlagAnswer.id) == answer_id).values(closed))
        weeks.mark_changed(connection, row.patient_id)
        old = {"item": row.item, "closed_on": None}
        new = {"item": row.item, "closed_on": closed_on, "closing_note": said}
        told = {"kind": "red_flag_answer", "key": answer_id, "patient_id": row.patient_id}
        audit.record(connection, viewer, AuditAction.CHANGE, **told, old=old, new=new, now=moment)
