"""
Which copies are one run: by numbers alone, and by what persons said.

Everything here is a function of a set of copies, so that any order of files gives the same runs. The limits count as inside.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations
from typing import Any

from data.run_copies import Composed, Copy, composed, recording_first
from models import RunStanding, RunVerdict

# One run from two sources: both recordings start within the first, and agree in length within the larger of the next two and in time
# within the last one. Shares are of the longer one, so that it does not matter which came first.
SAME_START_WITHIN = timedelta(minutes=2)
SAME_DISTANCE_WITHIN_M, SAME_DISTANCE_WITHIN, SAME_TIME_WITHIN = 300, 0.1, 0.1
# As good as the same, but for a clock that is wrong by whole hours (a zone that was not known): a person decides.
SHIFTED_HOURS = range(1, 15)
FAR_S = max(SHIFTED_HOURS) * 3600 + SAME_START_WITHIN.total_seconds()
# Weaker: on one day, while the other one was still under way (or one of the two starts is not known), and nearer in length and time.
ALIKE_START_WITHIN = timedelta(minutes=15)
ALIKE_DISTANCE_WITHIN, ALIKE_TIME_WITHIN = 0.05, 0.05

Verdicts = Mapping[frozenset[int], RunVerdict]


def _agrees(one: Copy, other: Copy, name: str, share: float, at_least: float = 0) -> bool:
    first, second = one.fields[name], other.fields[name]
    return bool(abs(first - second) <= max(share * max(first, second), at_least))


def _time_agrees(one: Copy, other: Copy, share: float) -> bool:
    return _agrees(one, other, "elapsed_time_s", share) or _agrees(one, other, "moving_time_s", share)


def _length_is_the_same(one: Copy, other: Copy) -> bool:
    return _agrees(one, other, "distance_m", SAME_DISTANCE_WITHIN, SAME_DISTANCE_WITHIN_M) and _time_agrees(one, other, SAME_TIME_WITHIN)


def is_same(one: Copy, other: Copy) -> bool:
    """Say whether two copies must be one run: same start second, distance and time, or within the limits above."""
    if one.identity == other.identity:
        return True
    if not (one.start_is_known and other.start_is_known):
        return False
    return abs(one.start_s - other.start_s) <= SAME_START_WITHIN.total_seconds() and _length_is_the_same(one, other)


def too_far_apart(one: Copy, other: Copy) -> bool:
    """Say whether neither `is_same` nor `likeness` can hold, without a closer look: on other days, and no clock is that wrong."""
    return (
        abs(one.start_s - other.start_s) > FAR_S and one.fields["run_date"] != other.fields["run_date"] and one.identity != other.identity
    )


def likeness(one: Copy, other: Copy) -> str:
    """
    Say in words why two copies that are not the same by numbers may still be one run.

    Returns
    -------
    str
        Empty if nothing speaks for it. Two runs that one file tells are two: its source would know.
    """
    if one.file_id is not None and one.file_id == other.file_id:
        return ""
    apart_s = abs(one.start_s - other.start_s)
    if one.start_is_known and other.start_is_known:
        hours = round(apart_s / 3600)
        is_shift = hours in SHIFTED_HOURS and abs(apart_s - hours * 3600) <= SAME_START_WITHIN.total_seconds()
        if is_shift and _length_is_the_same(one, other):
            return f"Same distance and time, {hours} hour{'s' if hours != 1 else ''} apart: a clock may have been wrong."
        first = min(one, other, key=lambda copy: copy.start_s)
        if apart_s > ALIKE_START_WITHIN.total_seconds() or apart_s >= first.fields["elapsed_time_s"]:
            return ""
    if one.fields["run_date"] != other.fields["run_date"]:
        return ""
    if not (_agrees(one, other, "distance_m", ALIKE_DISTANCE_WITHIN) and _time_agrees(one, other, ALIKE_TIME_WITHIN)):
        return ""
    if not (one.start_is_known and other.start_is_known):
        return "Same day, distance and time, but one of the two does not say when it started."
    minutes = apart_s / 60
    return f"Same day, distance and time, started {minutes:.0f} minutes apart."


# --------------------------------------------------------------------------------------------------------------------
# Groups
# --------------------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Group:
    """The copies of one run, and whether it counts. `other` is the group, or the run taken back, that it may be."""

    copies: list[Copy]
    standing: RunStanding = RunStanding.COUNTED
    reason: str = ""
    other: "Group | int | None" = None
    made: Composed = field(init=False)

    def __post_init__(self) -> None:
        self.made = composed(self.copies)


def grouped(copies: Sequence[Copy], verdicts: Verdicts) -> list[Group]:
    """
    Put the copies of one run together: whatever is the same as one of them, unless a person said that two of them are two runs.

    What a person called one run comes first, then the nearest pairs; so the result does not depend on the order of the copies.
    """
    part = {copy.id: {copy.id} for copy in copies}
    by_id = {copy.id: copy for copy in copies}
    pairs = []
    for one, other in combinations(copies, 2):
        verdict = verdicts.get(frozenset({one.id, other.id}))
        if verdict is RunVerdict.SAME_RUN or (verdict is None and is_same(one, other)):
            nearness = abs(one.start_s - other.start_s), abs(one.fields["distance_m"] - other.fields["distance_m"])
            pairs.append(((verdict is None, one.identity != other.identity, *nearness, *sorted((one.told, other.told))), one.id, other.id))
    two_runs = [tuple(pair) for pair, verdict in verdicts.items() if verdict is RunVerdict.TWO_RUNS and pair <= by_id.keys()]
    for _, one_id, other_id in sorted(pairs):
        together = part[one_id] | part[other_id]
        if part[one_id] is part[other_id] or any(pair[0] in together and pair[1] in together for pair in two_runs):
            continue
        for copy_id in together:
            part[copy_id] = together
    whole = {min(ids): ids for ids in part.values()}
    return [Group([by_id[copy_id] for copy_id in sorted(ids)]) for ids in whole.values()]


def group_likeness(one: Sequence[Copy], other: Sequence[Copy], verdicts: Verdicts, *, also_same: bool = False) -> str:
    """Say in words why two groups may be one run; empty if not, if one file tells both, or if a person said that they are two."""
    files = [{copy.file_id for copy in copies if copy.file_id is not None} for copies in (one, other)]
    pairs = [(first, second) for first in one for second in other]
    if files[0] & files[1] or any(verdicts.get(frozenset({a.id, b.id})) is RunVerdict.TWO_RUNS for a, b in pairs):
        return ""
    said = [likeness(a, b) or ("Same start, distance and time." if also_same and is_same(a, b) else "") for a, b in pairs]
    return min((words for words in said if words), default="")


def _best_first(group: Group) -> tuple[Any, ...]:
    lead = group.made.lead
    return (*recording_first(lead)[:5], -len({copy.told for copy in group.copies}), lead.start_s, *recording_first(lead)[5:])


def settle(
    groups: Iterable[Group],
    verdicts: Verdicts,
    accepted: frozenset[int],
    taken_back: Mapping[int, Sequence[Copy]],
    counts_already: Callable[[Group], bool],
) -> list[Group]:
    """
    Say of each group whether it counts. Of two that may be one run, the better source counts and the other one waits.

    Parameters
    ----------
    groups : iterable of Group
        All groups that have to do with each other.
    accepted : frozenset of int
        Copies that were held back and that a person accepted.
    taken_back : mapping
        Copies of runs that a person took out, by the run's id.
    counts_already : callable
        Says whether a group counted before; such a one does not wait for a run that was taken out.

    Returns
    -------
    list of Group
        The same groups, best first.
    """
    ordered = list(groups)
    if len(ordered) > 1:
        ordered.sort(key=_best_first)
    counted: list[Group] = []
    for group in ordered:
        group.standing, group.reason, group.other = RunStanding.COUNTED, "", None
        held_back = group.made.lead.held_back
        if held_back and not any(copy.id in accepted for copy in group.copies):
            group.standing, group.reason = RunStanding.HELD_BACK, held_back
            continue
        for better in counted:
            if words := group_likeness(group.copies, better.copies, verdicts):
                group.standing, group.reason, group.other = RunStanding.PROPOSED, words, better
                break
        else:
            if not counts_already(group):
                for run_id, copies in taken_back.items():
                    if words := group_likeness(group.copies, copies, verdicts, also_same=True):
                        group.standing, group.reason, group.other = RunStanding.PROPOSED, words, run_id
                        break
        if group.standing is RunStanding.COUNTED:
            counted.append(group)
    return ordered
