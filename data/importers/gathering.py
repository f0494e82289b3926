"""From the activities of one file to what the file gave: runs are kept, other sports are named, a bad one does not spoil the rest."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from data.importers import sports
from data.importers.base import FileRefused, ReadFile, ReadRun
from data.importers.recording import Recording, run_of


@dataclass(frozen=True)
class Activity:
    """One activity of a file: its sport as written, whether that is a run, and how to get its recording."""

    sport: str | None
    is_run: bool
    recording: Callable[[], Recording]


def file_of(activities: Iterable[Activity], *, broken: str, nothing: Callable[[list[str | None]], FileRefused]) -> ReadFile:
    """
    Work out the runs among the activities of a file.

    Parameters
    ----------
    activities : iterable of Activity
        In the order of the file.
    broken : str
        A sentence on what is damaged, empty if nothing is.
    nothing : callable
        Gives the refusal if there is no run; it is called with the sports that were found.

    Returns
    -------
    ReadFile
        `partial` if `broken`.

    Raises
    ------
    FileRefused
        If no activity is a run that can be kept.
    """
    runs: list[ReadRun] = []
    others: list[str | None] = []
    refusals: list[FileRefused] = []
    for activity in activities:
        if not activity.is_run:
            others.append(activity.sport)
            continue
        try:
            runs.append(run_of(activity.recording()))
        except FileRefused as refusal:
            refusals.append(refusal)
    if not runs:
        raise refusals[0] if refusals else nothing(others)
    notes = [f"{broken} What could be read is kept."] if broken else []
    if others:
        notes.append(f"Other sports in the file were left out: {', '.join(dict.fromkeys(sports.named(word) for word in others))}.")
    notes += [f"A run was left out: {refusal.reason}" for refusal in refusals]
    return ReadFile(runs=tuple(runs), partial=bool(broken), notes=tuple(notes))
