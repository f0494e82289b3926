"""Changed files through a whole import into a database: each has one outcome, and nothing is half-written."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.import_speed import new_clinic
from data import audit_check, imports, records, weeks
from data.database import reading, writing
from data.import_reports import ImportReport
from data.permissions import COMMAND_LINE
from models import REFUSED_OUTCOMES, ImportOutcome, PatientEntry, Table
from tests.fuzz_kinds import kinds

FILES_AT_ONCE = 100
TABLES = Table.metadata.tables
MAINTAINED = ("patient_week", "pain_week", "log_coverage")
# rows that may not be there without another one, each a query that must give none
ORPHANS = {
    "a run without a file": "SELECT id FROM run WHERE id NOT IN (SELECT run_id FROM run_file) AND standing <> 'merged'",
    "a run without a copy": "SELECT id FROM run WHERE id NOT IN (SELECT run_id FROM run_copy) AND standing <> 'merged'",
    "a copy without a file": "SELECT id FROM run_copy WHERE import_file_id IS NULL OR import_file_id NOT IN (SELECT id FROM import_file)",
    "minutes without a run": "SELECT run_id FROM run_series WHERE run_id NOT IN (SELECT id FROM run)",
    "a score without a file": "SELECT id FROM pain_score WHERE import_file_id IS NULL",
    "an answer without a file": "SELECT id FROM rest_answer WHERE import_file_id IS NULL",
    "an original without a file": "SELECT content_sha256 FROM import_original WHERE content_sha256 NOT IN (SELECT content_sha256 FROM import_file)",
    "an import that is not over": "SELECT id FROM import_batch WHERE finished_at_utc IS NULL",
    "a file that is not in the audit": "SELECT id FROM import_file WHERE CAST(id AS TEXT) NOT IN (SELECT object_key FROM audit_event WHERE object_kind = 'import_file')",
}


@dataclass
class Brought:
    """What came of imports, and what was wrong in the database."""

    files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    entries: int = 0
    cpu_s: float = 0.0
    complaints: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """Give the figures as a line."""
        words = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.most_common())
        return (
            f"{self.files:,} changed files imported into a database: {len(self.complaints)} half-written or otherwise wrong; "
            f"{self.runs} runs, {self.entries} entries; {words}; {self.cpu_s:.0f} s CPU"
        )


def imported(count: int, seed: int, root: Path) -> Brought:
    """
    Import so many changed files of all kinds, a hundred at once, and look at the whole database after each import.

    Parameters
    ----------
    root : Path
        An empty folder for the database.
    """
    engine, _ = new_clinic(root, 0)
    brought, begun = Brought(), time.process_time()
    names = list(kinds())
    for first in range(0, count, FILES_AT_ONCE):
        files = []
        for number in range(first, min(first + FILES_AT_ONCE, count)):
            sure, kind = random.Random(f"{seed}/import/{number}"), kinds()[names[number % len(names)]]
            files.append((f"{number}-{kind.file_name}", kind.made(sure) if sure.random() < 0.95 else sure.choice(kind.seeds)))
        if first % (2 * FILES_AT_ONCE) == 0:  # each patient gets two imports, the second one beside what the first one brought
            entry = PatientEntry.checked(today=datetime.now(UTC).date(), code=f"P{first}", time_zone="Europe/Berlin")
            patient = records.add_patient(engine, COMMAND_LINE, entry)
        try:
            report = brought_in(engine, patient, files)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            brought.complaints.append(f"the import of files {first} and on raised {error!r}")
            continue
        brought.files += len(files)
        brought.outcomes.update(file.outcome.value for file in report.files)
        brought.runs, brought.entries = brought.runs + report.runs_added, brought.entries + report.entries_added
        brought.complaints += [f"files {first} and on: {one}" for one in wrong(engine, report, len(imports.sources_of(files)))]
    brought.complaints += [f"audit: {fault.sentence}" for fault in audit_check.verify(engine)]
    engine.dispose()
    brought.cpu_s = time.process_time() - begun
    return brought


def brought_in(engine: sa.Engine, patient: str, files: Sequence[tuple[str, bytes]]) -> ImportReport:
    """Import some files as the command line does, reading them in a process of its own."""
    return imports.import_files(engine, COMMAND_LINE, patient, imports.sources_of(files), via="command line")


def wrong(engine: sa.Engine, report: ImportReport, sources: int) -> list[str]:
    """Say what is half-written in a database after an import; nothing if it is whole."""
    found = []
    if len(report.files) != sources or report.left_out:
        found.append(f"{sources} files gave {len(report.files)} outcomes")
    found += [f"{file.file} has no reason" for file in report.files if file.outcome in REFUSED_OUTCOMES and not file.reason]
    files = _rows(engine, "import_file", batch_id=report.batch_id)
    told = [(file.outcome, file.runs_added, file.entries_added) for file in report.files]
    if [(ImportOutcome(row["outcome"]), row["runs_added"], row["entries_added"]) for row in files] != told:
        found.append("the stored report is another one than was given")
    with reading(engine) as connection:
        for what, statement in ORPHANS.items():
            found += [f"{what}: {row[0]}" for row in connection.exec_driver_sql(statement).fetchmany(3)]
        refused = [row["id"] for row in files if row["outcome"] in REFUSED_OUTCOMES]
        for table in ("run_file", "run_copy", "pain_score", "rest_answer"):
            column = TABLES[table].c.import_file_id
            of_refused = connection.execute(sa.select(column).where(column.in_(refused))).scalars()
            found += [f"a file that was refused has rows in {table}: {number}" for number in of_refused]
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            checked = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
            found += [f"foreign keys: {broken[:3]}"] if broken else []
            found += [f"integrity: {checked}"] if checked != "ok" else []
    kept = {name: _rows(engine, name) for name in MAINTAINED}
    with writing(engine) as connection:
        weeks.rebuild_weeks(connection)
        for row in connection.execute(sa.select(TABLES["patient"].c.id)).all():
            weeks.refresh_coverage(connection, row.id)
    found += [f"{name} is not what a fresh computation gives" for name in MAINTAINED if _rows(engine, name) != kept[name]]
    return found


def _rows(engine: sa.Engine, table: str, **equal: Any) -> list[dict[str, Any]]:
    columns = TABLES[table]
    with reading(engine) as connection:
        statement = sa.select(columns).filter_by(**equal).order_by(*columns.primary_key.columns)
        return [dict(row._mapping) for row in connection.execute(statement)]
