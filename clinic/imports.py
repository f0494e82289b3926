"""Import what a patient sent, for who asks; what became of it, now and later."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

import pandas as pd

from data import audit, exports, import_reports, import_undo, imports
from data.database import engine
from data.importers import IMPORTERS
from models import DistanceUnit, ImportOutcome, RunStanding, Viewer
from rehab.run_list import duration_text
from rehab.units import cadence_text, distance_text

Report = imports.ImportReport
OUTCOME_WORDS = {
    ImportOutcome.ADDED: "Added",
    ImportOutcome.MERGED: "Merged",
    ImportOutcome.PROPOSED: "Please decide",
    ImportOutcome.DUPLICATE: "Was here already",
    ImportOutcome.PARTIAL: "Partly added",
    ImportOutcome.DOUBTFUL: "Doubtful",
    ImportOutcome.NEEDS_MAPPING: "Columns unknown",
    ImportOutcome.NOT_A_RUN: "Not a run",
    ImportOutcome.UNREADABLE: "Could not be read",
    ImportOutcome.NO_DATA: "Nothing in it",
}
# What a person should look at.
NEEDS_A_LOOK = frozenset(
    {
        ImportOutcome.PROPOSED,
        ImportOutcome.PARTIAL,
        ImportOutcome.DOUBTFUL,
        ImportOutcome.NEEDS_MAPPING,
        ImportOutcome.NOT_A_RUN,
        ImportOutcome.UNREADABLE,
        ImportOutcome.NO_DATA,
    }
)
STANDING_WORDS = {
    RunStanding.COUNTED: "yes",
    RunStanding.PROPOSED: "not before you decide",
    RunStanding.HELD_BACK: "not before you accept it",
    RunStanding.MERGED: "as a part of another run",
}
REPORT_COLUMNS = (
    "file",
    "outcome",
    "reason",
    "day",
    "distance_m",
    "moving_time_s",
    "run",
    "why",
    "distance_from",
    "cadence_from",
    "day_from",
)


@dataclass
class Progress:
    """
    How far an import is, and how long it will take: by the time that the files until now took.

    `stored` files stay whatever happens; those that were only read are lost if the program ends now.
    """

    started_s: float = field(default_factory=time.monotonic)
    stored: int = 0

    def words(self, done: int, total: int, name: str, *, now_s: float | None = None) -> str:
        """Say how many files are read and stored, how long the others will take, and which one is next."""
        spent_s = (time.monotonic() if now_s is None else now_s) - self.started_s
        left = ""
        if 0 < done < total and spent_s >= 1:
            left_s = spent_s / done * (total - done)
            left = f" About {max(round(left_s), 1)} s left." if left_s < 90 else f" About {round(left_s / 60)} min left."
        return f"{done} of {total} files read, {self.stored} stored.{left} {name}".strip()


@dataclass(frozen=True)
class Batch:
    """One import in the list of earlier ones."""

    id: int
    label: str
    is_undone: bool


def opened_for(viewer: Viewer, patient_key: str) -> None:
    """Write down that somebody has the import page open for a patient; raises NotFound if the patient's facts are not theirs."""
    audit.viewed(engine(), viewer, "import", patient_key=patient_key)


def import_uploads(
    viewer: Viewer,
    patient_key: str,
    files: Sequence[tuple[str, bytes]],
    *,
    progress: Progress,
    on_progress: Callable[[int, int, str], None],
) -> imports.ImportReport:
    """
    Import files given as (name, bytes); see `data.imports.import_files`.

    `progress` is told what is stored. What `on_progress` raises stops the import between two files: those before it are stored.
    """

    return _import(viewer, patient_key, imports.sources_of(files), progress, on_progress)


def import_archives(
    viewer: Viewer,
    patient_key: str,
    files: Sequence[tuple[str, BinaryIO]],
    *,
    progress: Progress,
    on_progress: Callable[[int, int, str], None],
) -> imports.ImportReport:
    """Import archives given as (name, open file), which are read where they lie; else as `import_uploads`."""
    return _import(viewer, patient_key, imports.sources_of_open(files), progress, on_progress)


def _import(
    viewer: Viewer,
    patient_key: str,
    sources: Sequence[imports.Source],
    progress: Progress,
    on_progress: Callable[[int, int, str], None],
) -> imports.ImportReport:
    def note_stored(files: int) -> None:
        progress.stored = files

    return imports.import_files(engine(), viewer, patient_key, sources, via="app", on_progress=on_progress, on_stored=note_stored)


def batches(viewer: Viewer, patient_key: str, time_zone: str) -> list[Batch]:
    """List the imports of a patient, newest first, in words."""
    return [
        Batch(row.id, _batch_words(row, time_zone), row.undone_at_utc is not None)
        for row in import_reports.batches(engine(), viewer, patient_key)
    ]


def cut_off_words(viewer: Viewer, patient_key: str, time_zone: str) -> str:
    """Say of a patient's newest import, if it has not reached its end, what is stored and how to go on; empty if there is nothing to say."""
    newest = next(iter(import_reports.batches(engine(), viewer, patient_key)), None)
    if newest is None or newest.finished or newest.undone_at_utc is not None:
        return ""
    begun = f"{newest.at_utc.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M} by {newest.by or 'the command line'}"
    stored = {0: "None of its files was stored", 1: "1 file was stored and stays"}.get(
        newest.files, f"{newest.files} files were stored and stay"
    )
    return (
        f"The import that was begun on {begun} did not reach its end. {stored}. If it is not running in another window right now, "
        "it was cut off: send the same files again to complete it. Nothing is added twice."
    )


def _batch_words(row: import_reports.BatchRow, time_zone: str) -> str:
    def local(moment: datetime) -> str:
        return f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}"

    files = f"{row.files} file{'' if row.files == 1 else 's'}"
    runs = f"{row.runs_added} run{'' if row.runs_added == 1 else 's'}"
    entries = f"{row.entries_added} diary entr{'y' if row.entries_added == 1 else 'ies'}"
    ended = "" if row.finished else ", did not reach its end"
    undone = f", undone by {row.undone_by or 'the command line'} on {local(row.undone_at_utc)}" if row.undone_at_utc else ""
    return f"{local(row.at_utc)}, {row.by or 'command line'}: {files}, {runs} and {entries} added{ended}{undone}"


def batch_report(viewer: Viewer, patient_key: str, batch_id: int) -> imports.ImportReport:
    """Read the report of an earlier import."""
    return import_reports.batch_report(engine(), viewer, patient_key, batch_id)


def undo(viewer: Viewer, patient_key: str, batch_id: int) -> str:
    """Undo an import; gives a sentence on what went. Raises EntryRefused, with what stands in the way."""
    gone = import_undo.undo_import(engine(), viewer, patient_key, batch_id)
    runs = f"{gone.runs} run{'' if gone.runs == 1 else 's'}"
    return f"Undone: {runs} and {gone.entries} diary entr{'y' if gone.entries == 1 else 'ies'} are gone. The report stays."


def file_lines(report: imports.ImportReport, *, only_problems: bool = False) -> list[dict[str, str]]:
    """Give the report as a table: one row a file, in words; only those that need a look if asked."""
    return [
        {"File": file.file, "What became of it": OUTCOME_WORDS[file.outcome], "Why": file.reason}
        for file in report.files
        if not only_problems or needs_a_look(file)
    ]


def asks_for_columns(report: imports.ImportReport) -> bool:
    """Say whether a report has a table whose columns nobody has explained."""
    return any(file.outcome is ImportOutcome.NEEDS_MAPPING for file in report.files)


def needs_a_look(file: imports.FileReport) -> bool:
    """Say whether a person should look at what became of a file."""
    belongs_to_archive = file.outcome is ImportOutcome.NO_DATA and file.complete  # named in the report, and nothing to mend
    return not belongs_to_archive and (file.outcome in NEEDS_A_LOOK or not file.complete)


def detail_lines(report: imports.ImportReport, unit: DistanceUnit, *, only_problems: bool = False) -> list[dict[str, str]]:
    """Give each run of each file with what became of it, why, and by which rules it was read."""
    return [
        {
            "File": file.file,
            "Day": run.day.isoformat(),
            "Distance": distance_text(run.distance_m, unit),
            "What became of it": OUTCOME_WORDS[run.became],
            "Why": run.why,
            "Distance from": run.distance_rule,
            "Cadence": run.cadence_rule,
            "Day by": run.day_rule,
        }
        for file in report.files
        if not only_problems or needs_a_look(file)
        for run in file.details
    ]


def report_csv(report: imports.ImportReport) -> str:
    """Write the report as CSV, one row a run, one for a file without any: text is guarded against formulas."""
    rows: list[tuple[object, ...]] = []
    for file in report.files:
        of_file = (file.file, file.outcome.value, file.reason)
        if not file.details:
            rows.append((*of_file, *[None] * (len(REPORT_COLUMNS) - len(of_file))))
        for run in file.details:
            told = (run.day.isoformat(), run.distance_m, run.moving_time_s, run.became.value, run.why)
            rows.append((*of_file, *told, run.distance_rule, run.cadence_rule, run.day_rule))
    return exports.csv_text(pd.DataFrame(rows, columns=list(REPORT_COLUMNS), dtype=object))


def run_lines(report: imports.ImportReport, unit: DistanceUnit) -> list[dict[str, str]]:
    """Give the runs of a report as a table, in the patient's unit, as they stand now with all of their sources."""
    runs = {run.id: run for file in report.files for run in file.runs}
    return [
        {
            "Day": run.run_date.isoformat(),
            "Distance": distance_text(run.distance_m, unit),
            "Moving time": duration_text(run.moving_time_s),
            "Cadence": cadence_text(run.running_cadence_spm) if run.running_cadence_spm else "not known",
            "Where": "outdoors, with GPS" if run.has_gps else "no GPS",
            "Counts": STANDING_WORDS[RunStanding(run.standing)],
        }
        for run in sorted(runs.values(), key=lambda run: run.started_at_utc)
    ]


def accepted_formats() -> str:
    """Say which files can be read."""
    return ", ".join(importer.label for importer in IMPORTERS)


def summary_sentence(report: imports.ImportReport) -> str:
    """Say in one sentence what became of everything."""
    if not report.files:
        return "None of its files was stored."
    problems = sum(map(needs_a_look, report.files))
    files = f"{len(report.files)} file{'' if len(report.files) == 1 else 's'}"
    runs = f"{report.runs_added} run{'' if report.runs_added == 1 else 's'}"
    entries = f"{report.entries_added} diary entr{'y' if report.entries_added == 1 else 'ies'}"
    trouble = "All files were read whole." if not problems else f"{problems} of them need{'s' if problems == 1 else ''} a look."
    left_out = f" It was stopped: {report.left_out} were not read." if report.left_out else ""
    return f"{files}: {runs} and {entries} added. {trouble}{left_out}"
