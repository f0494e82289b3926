"""One run or two, right or wrong: what waits for a person, and what persons decided."""

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from data import queries, run_sources, runs
from data.database import engine
from models import DistanceUnit, RunStanding, RunVerdict, Viewer
from rehab.run_list import duration_text
from rehab.units import distance_text

VERDICT_WORDS = {
    RunVerdict.SAME_RUN: "called one run",
    RunVerdict.TWO_RUNS: "called two runs",
    RunVerdict.ACCEPTED: "accepted as it stands",
}


@dataclass(frozen=True)
class Waiting:
    """A run that waits: in words, with the run that it may be, and why it waits."""

    run_id: int
    other_run_id: int | None
    is_proposed: bool
    words: str
    other_words: str
    reason: str


@dataclass(frozen=True)
class Decided:
    """A decision that can be undone."""

    act_key: str
    label: str


def _words(run: run_sources.WaitingRun, unit: DistanceUnit) -> str:
    local = run.started_at_utc + timedelta(seconds=run.utc_offset_s)
    files = f", from {', '.join(run.files)}" if run.files else ", entered by hand"
    at = f" {local:%H:%M}" if run.start_is_known else ""
    return f"{run.run_date.isoformat()}{at}, {distance_text(run.distance_m, unit)} in {duration_text(run.moving_time_s)}{files}"


def waiting(viewer: Viewer, patient_key: str, unit: DistanceUnit) -> list[Waiting]:
    """List the runs that do not count before somebody decides, newest first."""
    return [
        Waiting(
            run.run_id,
            run.other_run_id,
            run.standing is RunStanding.PROPOSED,
            _words(run, unit),
            _words(run.other, unit) if run.other else "",
            run.reason,
        )
        for run in run_sources.waiting_runs(engine(), viewer, patient_key)
    ]


def decided(viewer: Viewer, patient_key: str) -> list[Decided]:
    """List what was decided and not undone, newest first."""
    return [
        Decided(
            act.act_key,
            f"{', '.join(day.isoformat() for day in act.run_dates)}: {VERDICT_WORDS[act.verdict]} by {act.by or 'the command line'}",
        )
        for act in run_sources.decisions(engine(), viewer, patient_key)
    ]


def same_run(viewer: Viewer, run_id: int, other_run_id: int) -> None:
    """Let two runs be one; raises EntryRefused."""
    runs.merge_runs(engine(), viewer, run_id, other_run_id)


def two_runs(viewer: Viewer, run_id: int) -> None:
    """Let a proposed run count as one of its own; raises EntryRefused."""
    runs.call_two_runs(engine(), viewer, run_id)


def accept(viewer: Viewer, run_id: int) -> None:
    """Let a run that was held back count; raises EntryRefused."""
    runs.accept_run(engine(), viewer, run_id)


def take_out(viewer: Viewer, run_id: int) -> None:
    """Take a run out that waits."""
    runs.retire_run(engine(), viewer, run_id)


def split(viewer: Viewer, run_id: int, copy_id: int) -> None:
    """Let what one source told be a run of its own; raises EntryRefused."""
    runs.split_run(engine(), viewer, run_id, copy_id)


def undo(viewer: Viewer, act_key: str) -> None:
    """Undo a decision."""
    runs.undo_act(engine(), viewer, act_key)


def current_runs(viewer: Viewer, patient_key: str, unit: DistanceUnit) -> dict[int, str]:
    """Give the runs that count, newest first: number and words."""
    frame = queries.runs(engine(), viewer, patient_key).iloc[::-1]
    local = frame["started_at_utc"] + pd.to_timedelta(frame["utc_offset_s"], unit="s")
    texts = zip(frame["run_id"], frame["run_date"], local, frame["distance_m"], frame["moving_time_s"], strict=True)
    return {
        int(run_id): f"{day.date().isoformat()} {at:%H:%M}, {distance_text(distance_m, unit)} in {duration_text(moving_time_s)}"
        for run_id, day, at, distance_m, moving_time_s in texts
    }


def sources(viewer: Viewer, run_id: int, unit: DistanceUnit) -> dict[int, str]:
    """Give what each source of a run told, and which fields of the run it gives: number of the copy and words."""
    return {
        source.copy_id: (
            f"{source.file or 'Entered by hand'}: {distance_text(source.distance_m, unit)} in {duration_text(source.moving_time_s)}. "
            f"Gives: {', '.join(source.gives) or 'nothing that another one does not know better'}."
        )
        for source in run_sources.run_sources(engine(), viewer, run_id)
    }
