"""What a file says about pain, rest and days without a run, as rows."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from data import records
from data.import_rows import TAKEN_BACK, stays_away
from data.importers.base import ReadFile
from models import (
    DayWithoutRun,
    EntryRefused,
    ImportBatch,
    ImportFile,
    ImportOutcome,
    NoRunEntry,
    PainEntry,
    PainScore,
    RestAnswer,
    RestEntry,
    Side,
    Viewer,
)


@dataclass
class StoredEntries:
    """How many entries were new, on which days; what was refused, and what is to be said."""

    added: int = 0
    days: set[date] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def store_entries(
    connection: sa.Connection, patient: Any, viewer: Viewer, read: ReadFile, file_id: int, *, starts_on: int, now: datetime
) -> StoredEntries:
    """Store what a file says about pain and days without a run, after its runs, inside a writing transaction."""
    today = records.local_today(patient.time_zone, now)
    sides_on = records.open_sides(connection, patient.id)
    without_episode = {PainScore: 0, RestAnswer: 0}
    kept = {"patient_id": patient.id, "recorded_at_utc": now, "recorded_by_id": viewer.person_id, "import_file_id": file_id}
    added, days, refused, said = 0, set[date](), list[str](), list[str]()
    seen_before = _stored_before(connection, patient.id, file_id) if read.days_without_run else False
    for score in read.scores:
        try:
            entry = PainEntry.checked(
                today=today,
                moment=score.moment,
                side=score.side or records.only_side(sides_on(score.for_date)),
                nprs=score.nprs,
                for_date=score.for_date,
            )
        except EntryRefused as refusal:
            refused.append(f"Line {score.line}: {refusal}")
            continue
        known = records.same_scores(connection, patient.id, entry)
        if known is not None and known.nprs != entry.nprs:
            refused.append(
                f"Line {score.line}: for {entry.for_date.isoformat()} ({entry.moment.value.replace('_', ' ')}) the score {known.nprs} is stored, "
                f"the file says {entry.nprs}. Correct it in the pain diary if the file is right."
            )
        taken_back = records.score_taken_back(connection, patient.id, entry) if known is None else None
        if taken_back is not None:
            words = f"Line {score.line}: the score {entry.nprs} of {entry.for_date.isoformat()} ({entry.moment.value.replace('_', ' ')})"
            said.append(stays_away(words, taken_back, patient.time_zone))
        elif known is None:
            more = {"import_file_id": file_id, "recorded_at_utc": now, "recorded_by_id": viewer.person_id}
            connection.execute(sa.insert(PainScore).values(records.pain_row(entry, patient.id, starts_on, **more)))
            added += 1
            days.add(entry.for_date)
            without_episode[PainScore] += entry.side == Side.UNSPECIFIED and Side.UNSPECIFIED not in sides_on(entry.for_date)
    for answer in read.rest_answers:
        try:
            rest = RestEntry.checked(
                today=today,
                moment=answer.moment,
                side=answer.side or records.only_side(sides_on(answer.for_date)),
                answer=answer.answer,
                for_date=answer.for_date,
            )
        except EntryRefused as refusal:
            refused.append(f"Line {answer.line}: {refusal}")
            continue
        same = {
            "patient_id": patient.id,
            "moment": rest.moment,
            "side": rest.side,
            "for_date": rest.for_date,
            "retired_at_utc": None,
        }
        known_answer = connection.execute(sa.select(col(RestAnswer.answer)).filter_by(**same).limit(1)).scalar()
        if known_answer is None:
            connection.execute(
                sa.insert(RestAnswer).values(moment=rest.moment, side=rest.side, answer=rest.answer, for_date=rest.for_date, **kept)
            )
            added += 1
            days.add(rest.for_date)
            without_episode[RestAnswer] += rest.side == Side.UNSPECIFIED and Side.UNSPECIFIED not in sides_on(rest.for_date)
        elif known_answer != rest.answer:
            refused.append(
                f"Line {answer.line}: another answer is stored for {rest.for_date.isoformat()}. Correct it in the pain diary if the file is right."
            )
    for day in read.days_without_run:
        there = sa.select(col(DayWithoutRun.id)).where(col(DayWithoutRun.patient_id) == patient.id, col(DayWithoutRun.day) == day)
        if connection.execute(there).first() is not None:
            continue
        if seen_before:
            said.append(f"“Did not run” on {day.isoformat()} {TAKEN_BACK} and is not added again.")
            continue
        try:
            without = NoRunEntry.checked(today=today, day=day)
            given = {"recorded_at_utc": now, "recorded_by_id": viewer.person_id, "import_file_id": file_id}
            new = records.insert_day_without_run(connection, patient.id, without, given)
        except EntryRefused as refusal:
            refused.append(str(refusal))
            continue
        if new:
            added += 1
            days.add(without.day)
    return StoredEntries(added, days, refused, [*said, *_on_no_chart(*without_episode.values())])


def _stored_before(connection: sa.Connection, patient_id: int, file_id: int) -> bool:
    """Say whether something of the same bytes was stored by an earlier import."""
    file = ImportFile.metadata.tables["import_file"]
    this = sa.select(file.c.content_sha256).where(file.c.id == file_id).scalar_subquery()
    kept = (ImportOutcome.ADDED, ImportOutcome.PARTIAL, ImportOutcome.DOUBTFUL)
    earlier = (
        sa.select(file.c.id)
        .join(ImportBatch, col(ImportBatch.id) == file.c.batch_id)
        .where(
            file.c.patient_id == patient_id,
            file.c.id < file_id,
            file.c.content_sha256 == this,
            file.c.outcome.in_(kept),
            col(ImportBatch.undone_at_utc).is_(None),
        )
    )
    return connection.execute(earlier.limit(1)).first() is not None


def _on_no_chart(scores: int, answers: int) -> list[str]:
    """Say that entries are kept but belong to no side that is treated."""
    parts = [f"{scores} score{'s' if scores != 1 else ''}"] if scores else []
    parts += [f"{answers} answer{'s' if answers != 1 else ''} about rest"] if answers else []
    one = scores + answers == 1
    words = f"{' and '.join(parts)} {'has' if one else 'have'} no side and {'belongs' if one else 'belong'} to no episode: "
    return (
        [f"{words}{'it stands' if one else 'they stand'} on no chart. Write left or right under side and import the table again."]
        if parts
        else []
    )
