"""Import what a patient sent, for who asks."""

from collections.abc import Callable, Sequence

from data import audit, imports
from data.database import engine
from data.importers import IMPORTERS
from models import DistanceUnit, ImportOutcome, Viewer
from rehab.run_list import duration_text
from rehab.units import cadence_text, distance_text

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


def opened_for(viewer: Viewer, patient_key: str) -> None:
    """Write down that somebody has the import page open for a patient; raises NotFound if the patient's facts are not theirs."""
    audit.viewed(engine(), viewer, "import", patient_key=patient_key)


def import_uploads(
    viewer: Viewer, patient_key: str, files: Sequence[tuple[str, bytes]], *, on_progress: Callable[[int, int, str], None]
) -> imports.ImportReport:
    """Import files given as (name, bytes); see `data.imports.import_files`."""
    sources = [imports.Source(name, lambda content=content: content) for name, content in files]  # type: ignore[misc]
    return imports.import_files(engine(), viewer, patient_key, sources, via="app", on_progress=on_progress)


def file_lines(report: imports.ImportReport) -> list[dict[str, str]]:
    """Give the report as a table: one row a file, in words."""
    return [{"File": file.file, "What became of it": OUTCOME_WORDS[file.outcome], "Why": file.reason} for file in report.files]


def run_lines(report: imports.ImportReport, unit: DistanceUnit) -> list[dict[str, str]]:
    """Give the runs of a report as a table, in the patient's unit."""
    runs = {run.id: run for file in report.files for run in file.runs}
    return [
        {
            "Day": run.run_date.isoformat(),
            "Distance": distance_text(run.distance_m, unit),
            "Moving time": duration_text(run.moving_time_s),
            "Cadence": cadence_text(run.running_cadence_spm) if run.running_cadence_spm else "not known",
            "Where": "outdoors, with GPS" if run.has_gps else "no GPS",
        }
        for run in sorted(runs.values(), key=lambda run: run.started_at_utc)
    ]


def accepted_formats() -> str:
    """Say which files can be read."""
    return ", ".join(importer.label for importer in IMPORTERS)


def accepted_suffixes() -> list[str]:
    """List the endings of files that can be read, .gz included."""
    return sorted({suffix.lstrip(".") for importer in IMPORTERS for suffix in importer.suffixes} | {"gz"})


def summary_sentence(report: imports.ImportReport) -> str:
    """Say in one sentence what became of everything."""
    problems = sum(not file.complete for file in report.files)
    files = f"{len(report.files)} file{'' if len(report.files) == 1 else 's'}"
    runs = f"{report.runs_added} run{'' if report.runs_added == 1 else 's'}"
    entries = f"{report.entries_added} diary entr{'y' if report.entries_added == 1 else 'ies'}"
    trouble = "All files were read whole." if not problems else f"{problems} of them need{'s' if problems == 1 else ''} a look."
    return f"{files}: {runs} and {entries} added. {trouble}"
