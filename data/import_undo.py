"""Undo an import: gone is what it brought, and what it was merged into is as before. Its report stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from data import audit, originals, permissions
from data.dropped_days import settle_days
from data.import_rows import day_written
from data.merging import COPY, RUN, Ledger, read_ledger
from data.permissions import Act
from data.records import touch_runs, week_start
from data.run_copies import Copy
from data.runs import changes_told
from models import (
    AuditAction,
    DayWithoutRun,
    DroppedDay,
    EntryRefused,
    ImportBatch,
    ImportFile,
    PainScore,
    RestAnswer,
    RunFile,
    Viewer,
    utc_now,
)

FILE = ImportFile.metadata.tables["import_file"]
SCORE = PainScore.metadata.tables["pain_score"]
ANSWER = RestAnswer.metadata.tables["rest_answer"]
DAY = DayWithoutRun.metadata.tables["day_without_run"]
DROPPED = DroppedDay.metadata.tables["dropped_day"]
# What an import brought beside runs: table, and what the audit keeps of a row.
_ENTRIES = (
    (SCORE, ("for_date", "moment", "side", "nprs")),
    (ANSWER, ("for_date", "moment", "side", "answer")),
    (DAY, ("day",)),
)


@dataclass(frozen=True)
class Undone:
    """How many runs and diary entries an import had brought, and are gone with it."""

    runs: int
    entries: int


def undo_import(engine: sa.Engine, viewer: Viewer, patient_key: str, batch_id: int, *, now: datetime | None = None) -> Undone:
    """
    Take out all that an import brought: runs, what its files told of other runs, proposals, scores, answers and days without a run.

    A run that other files tell of too stays as those tell it; decisions about the copies that go, go with them. What a person took
    out or corrected before stays as that person left it. What the very same file in another import handed in too, stays. A day without a run that it took back is back.

    Raises
    ------
    NotFound
        If the patient, or that import of theirs, is not there for this viewer.
    EntryRefused
        If it was undone already, or somebody built on it since: what and where.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "patient", patient_key) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key, act=Act.WRITE)
        batch = connection.execute(
            sa.select(col(ImportBatch.id), col(ImportBatch.undone_at_utc)).where(
                col(ImportBatch.id) == batch_id, col(ImportBatch.patient_id) == patient.id
            )
        ).one_or_none()
        if batch is None:
            raise permissions.NotFound("import")
        if batch.undone_at_utc is not None:
            raise EntryRefused(["This import was undone already."])
        files = list(connection.execute(sa.select(FILE.c.id).where(FILE.c.batch_id == batch_id)).scalars())
        _hand_over(connection, patient.id, batch_id)
        ledger = read_ledger(connection, patient.id)
        theirs = set(files)
        copies = [copy for copy in ledger.copies.values() if copy.file_id in theirs and not ledger.is_taken_out(copy.run_id)]
        _refuse_what_was_built_on(connection, ledger, copies, files)
        connection.execute(
            sa.update(ImportBatch).where(col(ImportBatch.id) == batch_id).values(undone_at_utc=moment, undone_by_id=viewer.person_id)
        )
        entries, days = _take_entries_out(connection, files)
        removed = [
            {"run_id": copy.run_id, "run_date": copy.fields["run_date"], "distance_m": copy.fields["distance_m"], "copy": copy.told}
            for copy in copies
        ]
        runs_before = _counted(ledger)
        seeds = {other.id: other for copy in copies for other in ledger.around([copy])}
        ledger.remove(copies)
        ledger.settle([copy for copy_id, copy in seeds.items() if copy_id in ledger.copies])
        starts_on = week_start(connection)
        written = ledger.write(connection, starts_on, now=moment)
        days |= written.days | {copy.fields["run_date"] for copy in copies}
        settle_days(connection, patient.id, days)
        touch_runs(connection, patient.id, days, starts_on)
        originals.forget(connection, files)
        old = {"copies": removed, **entries, **changes_told(written.changed)}
        new = {"undone": True, **changes_told(written.changed, after=True)}
        what = {"kind": "import_batch", "key": batch_id, "patient_id": patient.id}
        audit.record(connection, viewer, AuditAction.RETIRE, **what, old=old, new=new)
        return Undone(max(runs_before - _counted(ledger), 0), sum(len(rows) for rows in entries.values()))


def _hand_over(connection: sa.Connection, patient_id: int, batch_id: int) -> None:
    """What another import handed in too, as the very same file, is that one's from now on: it stays."""
    heir, heirs_batch = FILE.alias(), ImportBatch.metadata.tables["import_batch"]
    theirs = (
        sa.select(FILE.c.id, sa.func.min(heir.c.id).label("heir"))
        .join(heir, sa.and_(heir.c.content_sha256 == FILE.c.content_sha256, heir.c.patient_id == patient_id, heir.c.batch_id != batch_id))
        .join(heirs_batch, heirs_batch.c.id == heir.c.batch_id)
        .where(FILE.c.batch_id == batch_id, heirs_batch.c.undone_at_utc.is_(None))
        .where(~sa.exists(sa.select(COPY.c.id).where(COPY.c.import_file_id == heir.c.id)))
        .group_by(FILE.c.id)
    )
    for file_id, heir_id in connection.execute(theirs).all():
        for table in (COPY, RUN, SCORE, ANSWER, DAY, DROPPED, RunFile.metadata.tables["run_file"]):
            connection.execute(sa.update(table).where(table.c.import_file_id == file_id).values(import_file_id=heir_id))


def _counted(ledger: Ledger) -> int:
    return sum(ledger.counts(row) for row in ledger.runs.values())


def _refuse_what_was_built_on(connection: sa.Connection, ledger: Ledger, copies: Sequence[Copy], files: Sequence[int]) -> None:
    """Refuse in words if somebody told a score of a run that would go, or corrected a score that came with this import."""
    going = {copy.id for copy in copies}
    run_ids = [run_id for run_id in {copy.run_id for copy in copies} if all(copy.id in going for copy in ledger.copies_of(run_id))]
    homes = {copy.home_run_id for copy in copies if copy.run_id in run_ids} - {None}
    current = SCORE.c.retired_at_utc.is_(None)
    reasons = []
    for some in _some([*run_ids, *(home for home in homes if home is not None)]):
        named = sa.or_(sa.and_(SCORE.c.run_id.in_(some), SCORE.c.run_named.is_(True)), SCORE.c.named_run_id.in_(some))
        by_others = sa.or_(SCORE.c.import_file_id.is_(None), SCORE.c.import_file_id.not_in(files))
        reasons += [
            f"The score {row.nprs} {_when(row)} was told of a run that would go. Take that score back in the pain diary first."
            for row in connection.execute(sa.select(SCORE).where(current, named, by_others).order_by(SCORE.c.for_date, SCORE.c.id))
        ]
    for some in _some(files):
        corrected = sa.and_(SCORE.c.import_file_id.in_(some), SCORE.c.corrects_id.is_not(None))
        reasons += [
            f"The score {_when(row)} was corrected to {row.nprs} since. Take it back in the pain diary first."
            for row in connection.execute(sa.select(SCORE).where(current, corrected).order_by(SCORE.c.for_date, SCORE.c.id))
        ]
    if reasons:
        raise EntryRefused(list(dict.fromkeys(reasons)))


def _when(row: Any) -> str:
    return f"of {day_written(row.for_date)} ({row.moment.replace('_', ' ')})"


def _take_entries_out(connection: sa.Connection, files: Sequence[int]) -> tuple[dict[str, list[dict[str, Any]]], set[date]]:
    """Delete the entries that came with some files and still stand; gives them, and the days that they touch."""
    taken: dict[str, list[dict[str, Any]]] = {}
    days: set[date] = set()
    for some in _some(files):
        connection.execute(sa.delete(DROPPED).where(DROPPED.c.import_file_id.in_(some)))
        for table, kept in _ENTRIES:
            current = [table.c.retired_at_utc.is_(None)] if "retired_at_utc" in table.c else []
            theirs = sa.and_(table.c.import_file_id.in_(some), *current)
            for row in connection.execute(sa.select(table).where(theirs).order_by(table.c.id)):
                taken.setdefault(table.name, []).append({name: row._mapping[name] for name in kept})
                days |= {row._mapping[name] for name in ("for_date", "counted_date", "day") if name in row._mapping}
            connection.execute(sa.delete(table).where(theirs))
    return taken, days


def _some(ids: Sequence[int], size: int = 400) -> list[Sequence[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]
