"""What a flag is: one rule that puts an episode into one bucket of the caseload, with its reason in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from models import DistanceUnit
from rehab.limits import Limits
from rehab.rules import Rule

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FlagSettings:
    """What a clinic may change: after how many days without data, or without a review, a row asks for attention."""

    no_data_days: int = 7
    review_due_days: int = 7

    def __post_init__(self) -> None:
        if min(self.no_data_days, self.review_due_days) < 1:
            raise ValueError("A flag waits for one day at least.")


@dataclass(frozen=True)
class CaseloadRow:
    """
    One active episode as the flags see it; None (or "") where something is not known.

    Attributes
    ----------
    state : str
        Code of the decision table's state.
    open_items, unanswered_items : int or None
        Of the red-flag screen.
    first_open_item : str
        Title of the first open item.
    bone : bool
        A diagnosis of the class bone.
    median_during, worst_during : float or None
        Pain during the last scored runs.
    slow_runs, limping_days, unsettled_runs, scored_runs : int or None
        As the decision table counts them.
    trend : str
    trend_per_week : float or None
        Direction of pain, and points a week.
    shift, shift_from : float or None
        Next-morning pain: the last week less the three before, and those three.
    spike_m, spike_longest_m : int or None
        Of the last 7 days the run that is longest against the longest of the 30 days before it, and that one.
    max_step_ratio : float
        The patient's own step.
    run_m, run_ceiling_m : float or None
        The run of the last 7 days that is furthest over its plan's ceiling, and the ceiling.
    week_m, week_planned_m : float or None
        The newest week that is furthest over its plan, and the plan.
    days_since_log, days_since_score, days_since_review : int or None
        None if there never was one.
    days_since_start : int or None
        Of the episode.
    distance_unit : DistanceUnit
        Of the words.
    """

    state: str = ""
    open_items: int | None = None
    unanswered_items: int | None = None
    first_open_item: str = ""
    bone: bool = False
    median_during: float | None = None
    worst_during: float | None = None
    slow_runs: int | None = None
    limping_days: int | None = None
    unsettled_runs: int | None = None
    scored_runs: int | None = None
    trend: str = ""
    trend_per_week: float | None = None
    shift: float | None = None
    shift_from: float | None = None
    spike_m: int | None = None
    spike_longest_m: int | None = None
    max_step_ratio: float = Limits.max_step_ratio
    run_m: float | None = None
    run_ceiling_m: float | None = None
    week_m: float | None = None
    week_planned_m: float | None = None
    days_since_log: int | None = None
    days_since_score: int | None = None
    days_since_review: int | None = None
    days_since_start: int | None = None
    distance_unit: DistanceUnit = DistanceUnit.MILE


@dataclass(frozen=True)
class CaseloadColumns:
    """What the rules decide from, a whole clinic at once: arrays of one length, NaN where a number is not known."""

    state: npt.NDArray[np.str_]
    shift: Floats
    shift_from: Floats
    spike_m: Floats
    spike_longest_m: Floats
    max_step_ratio: Floats
    run_m: Floats
    run_ceiling_m: Floats
    week_m: Floats
    week_planned_m: Floats
    days_since_log: Floats
    days_since_score: Floats
    days_since_review: Floats
    days_since_start: Floats


def columns_of(rows: Sequence[CaseloadRow]) -> CaseloadColumns:
    """
    Turn rows into columns.

    Examples
    --------
    >>> columns_of([CaseloadRow(state="S4"), CaseloadRow(shift=2.0)]).shift.tolist()
    [nan, 2.0]
    """
    numbers = {
        column.name: np.array([getattr(row, column.name) for row in rows], dtype=np.float64)  # None becomes NaN
        for column in fields(CaseloadColumns)
        if column.name != "state"
    }
    return CaseloadColumns(state=np.array([row.state for row in rows], dtype="U2"), **numbers)


@dataclass(frozen=True)
class FlagRule:
    """
    One rule of the caseload.

    Attributes
    ----------
    name, title : str
        In code and addresses, and for people.
    holds : callable
        For each episode of the columns, whether the rule fits: False wherever something is not known.
    words : callable
        Says of one row that fits why it does, with its own numbers.
    rule : Rule
        Limits, source and strength.
    """

    name: str
    title: str
    holds: Callable[[CaseloadColumns, FlagSettings], Bools]
    words: Callable[[CaseloadRow, FlagSettings], str]
    rule: Rule


@dataclass(frozen=True)
class Flag:
    """The bucket of an episode, and why it is in it."""

    rule: FlagRule
    words: str


def joined(said: Sequence[str]) -> str:
    """
    Make one sentence of several reasons.

    Examples
    --------
    >>> joined(["pain 7 of 10", "limping"])
    'Pain 7 of 10; limping.'
    """
    whole = "; ".join(said)
    return f"{whole[:1].upper()}{whole[1:]}."


def counted(count: int, word: str) -> str:
    """
    Write a number with its word.

    Examples
    --------
    >>> counted(1, "day"), counted(2, "day")
    ('1 day', '2 days')
    """
    return f"{count} {word}{'' if count == 1 else 's'}"
