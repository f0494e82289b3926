"""What became of the files of an import, now and later: the report stays when the import is undone."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from data import permissions
from data.database import reading
from models import ImportBatch, ImportFile, ImportOutcome, Person, Run, RunFile, RunStanding, Viewer

RUN = Run.metadata.tables["run"]
FILE = ImportFile.metadata.tables["import_file"]


@dataclass(frozen=True)
class ImportedRun:
    """A run as the import report shows it, as it stands with all of its sources."""

    id: int
    started_at_utc: datetime
    run_date: date
    distance_m: int
    moving_time_s: int
    elapsed_time_s: int
    cadence_spm: float | None
    running_cadence_spm: float | None
    device_cadence_spm: float | None
    cadence_rule: str
    ground_contact_time_ms: float | None
    has_gps: bool
    standing: str = RunStanding.COUNTED


RUN_FIELDS = tuple(ImportedRun.__dataclass_fields__)


@dataclass(frozen=True)
class RunReport:
    """
    What became of one run of a file, and by which rules it was read.

    Attributes
    ----------
    became : ImportOutcome
        `added`, `merged`, `proposed`, `duplicate`, `doubtful` (it does not count until somebody accepts it) or `unreadable`.
    why : str
        Plain sentences.
    distance_rule, cadence_rule, day_rule : str
        Where distance, cadence and the day come from, in words.
    """

    day: date
    distance_m: int
    moving_time_s: int
    became: ImportOutcome
    why: str
    distance_rule: str
    cadence_rule: str
    day_rule: str
    run_id: int | None = None


@dataclass(frozen=True)
class FileReport:
    """
    What became of one file.

    Attributes
    ----------
    reason : str
        Plain sentences: what was done, or what is wrong, where, and how to mend it.
    runs : tuple of ImportedRun
        The runs that the file stands for, new ones and ones that were here.
    runs_added, entries_added : int
        How many more runs count; new scores, answers and days without a run.
    complete : bool
        False if a part of the file was refused.
    details : tuple of RunReport
        One for each run of a file that was read.
    """

    file: str
    outcome: ImportOutcome
    reason: str
    runs: tuple[ImportedRun, ...] = ()
    runs_added: int = 0
    entries_added: int = 0
    complete: bool = True
    details: tuple[RunReport, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """The files of one import. `left_out`: how many were not read because it was cancelled."""

    files: tuple[FileReport, ...]
    runs_added: int = field(init=False)
    entries_added: int = field(init=False)
    batch_id: int = 0
    left_out: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs_added", sum(file.runs_added for file in self.files))
        object.__setattr__(self, "entries_added", sum(file.entries_added for file in self.files))


@dataclass(frozen=True)
class BatchRow:
    """One import of a patient. `finished` is False if it was cut off; what it had stored by then is stored."""

    id: int
    at_utc: datetime
    by: str
    via: str
    files: int
    runs_added: int
    entries_added: int
    finished: bool
    undone_at_utc: datetime | None
    undone_by: str


def stored_report(report: FileReport) -> dict[str, Any]:
    """Give what a row of `import_file` keeps of a report."""
    details = [{**vars(run), "day": run.day.isoformat()} for run in report.details]
    return {
        "outcome": report.outcome.value,
        "reason": report.reason,
        "runs_added": report.runs_added,
        "entries_added": report.entries_added,
        "complete": report.complete,
        "detail": json.dumps(details, ensure_ascii=False) if details else "",
    }


def _details(text: str) -> tuple[RunReport, ...]:
    rows = json.loads(text) if text else []
    return tuple(RunReport(**{**row, "day": date.fromisoformat(row["day"]), "became": ImportOutcome(row["became"])}) for row in rows)


def runs_of_files(connection: sa.Connection, patient_id: int, file_ids: Iterable[int]) -> dict[int, list[ImportedRun]]:
    """Read the runs that some files told of and that nobody took out, by file, inside a transaction whose caller asked the lock."""
    found: dict[int, list[ImportedRun]] = {}
    ids = sorted(file_ids)
    # "+ 0" keeps SQLite from going through all runs of the patient instead of those of the files
    for start in range(0, len(ids), 400):
        statement = (
            sa.select(col(RunFile.import_file_id), *(RUN.c[name] for name in RUN_FIELDS))
            .join(RunFile, col(RunFile.run_id) == RUN.c.id)
            .where(col(RunFile.import_file_id).in_(ids[start : start + 400]), RUN.c.patient_id + 0 == patient_id)
            .where(sa.or_(RUN.c.retired_at_utc.is_(None), RUN.c.standing != RunStanding.COUNTED))
            .order_by(RUN.c.started_at_utc, RUN.c.id)
        )
        for file_id, *values in connection.execute(statement):
            found.setdefault(file_id, []).append(ImportedRun(*values))
    return found


def batches(engine: sa.Engine, viewer: Viewer, patient_key: str) -> list[BatchRow]:
    """Read the imports of a patient, newest first; undone ones stay in the list."""
    doer, undoer = Person.metadata.tables["person"].alias("doer"), Person.metadata.tables["person"].alias("undoer")
    batch = ImportBatch.metadata.tables["import_batch"]
    with reading(engine) as connection:
        patient_id = permissions.patient_row(connection, viewer, key=patient_key).id
        statement = (
            sa.select(
                batch.c.id,
                batch.c.started_at_utc,
                sa.func.coalesce(doer.c.name, ""),
                batch.c.via,
                sa.func.count(FILE.c.id),
                sa.func.coalesce(sa.func.sum(FILE.c.runs_added), 0),
                sa.func.coalesce(sa.func.sum(FILE.c.entries_added), 0),
                batch.c.finished_at_utc.is_not(None),
                batch.c.undone_at_utc,
                sa.func.coalesce(undoer.c.name, ""),
            )
            .outerjoin(FILE, FILE.c.batch_id == batch.c.id)
            .outerjoin(doer, doer.c.id == batch.c.person_id)
            .outerjoin(undoer, undoer.c.id == batch.c.undone_by_id)
            .where(batch.c.patient_id == patient_id)
            .group_by(batch.c.id, doer.c.name, undoer.c.name)
            .order_by(batch.c.id.desc())
        )
        return [BatchRow(*row) for row in connection.execute(statement)]


def batch_report(engine: sa.Engine, viewer: Viewer, patient_key: str, batch_id: int) -> ImportReport:
    """
    Read the report of one import again, as it was written; its runs as they stand now.

    Raises
    ------
    NotFound
        If the patient, or that import of theirs, is not there for this viewer.
    """
    with reading(engine) as connection:
        patient_id = permissions.patient_row(connection, viewer, key=patient_key).id
        rows = connection.execute(
            sa.select(FILE).where(FILE.c.batch_id == batch_id, FILE.c.patient_id == patient_id).order_by(FILE.c.id)
        ).all()
        if (
            not rows
            and connection.execute(
                sa.select(col(ImportBatch.id)).where(col(ImportBatch.id) == batch_id, col(ImportBatch.patient_id) == patient_id)
            ).first()
            is None
        ):
            raise permissions.NotFound("import")
        runs = runs_of_files(connection, patient_id, [row.id for row in rows])
    return ImportReport(
        tuple(
            FileReport(
                row.file_name,
                ImportOutcome(row.outcome),
                row.reason,
                tuple(runs.get(row.id, ())),
                row.runs_added,
                row.entries_added,
                row.complete,
                _details(row.detail),
            )
            for row in rows
        ),
        batch_id=batch_id,
    )
