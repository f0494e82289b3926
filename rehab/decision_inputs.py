"""What the decision table looks at: an episode reduced to a few numbers, each None where it is not known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median

import numpy as np
import pandas as pd

from models import DistanceUnit, PainMoment, Side, day_number
from rehab.blocks import Blocks, blocks_of_days
from rehab.days import Columns, Coverage, Days, Floats, coverage_until, day_numbers, floats
from rehab.limits import Limits
from rehab.pain import Trend
from rehab.response import SETTLED, SLOW, UNSETTLED
from rehab.screen import NEVER_ASKED, ScreenStanding

SCORED_RUNS = 3
WINDOW_DAYS, WIDE_WINDOW_DAYS = 14, 28
WIDE_UP_TO_RUNS = 4  # of the last 28 days: once a week or less, so the wide window counts
SPIKE_DAYS, LONGEST_DAYS, STRENGTH_DAYS, LIMPING_DAYS = 7, 30, 14, 7
# A run that is still among the last 30 days on each day of the next 7.
KEPT_DAYS = LONGEST_DAYS - 6
COURSE_DAYS, COURSE_MIN_SCORES = 14, 4  # start and present of an episode: two weeks each, four mornings or more


@dataclass(frozen=True)
class ScoredRun:
    """A run with a score given for it: the day, the worst pain during it, how the hip answered."""

    day: date
    during: int
    response: str


@dataclass(frozen=True)
class DecisionInputs:
    """
    All that the decision table needs to know about an episode on a day.

    Attributes
    ----------
    as_of : date
    screen : ScreenStanding
        The red-flag screen.
    limits : Limits
        The patient's own.
    distance_unit : DistanceUnit
    blocks : Blocks
        Seven-day blocks up to the last covered day.
    before_gap : Blocks
        The same up to the day of the last run.
    days_without_log : int or None
        Days since the last sign of logging; None if nothing was ever logged.
    days_without_run : int or None
        Days since the last run as far as they were logged; None if there was never a run.
    scored_runs : tuple of ScoredRun
        The newest three at most, the newest first.
    morning_scores : int
        Mornings scored within the window.
    window_days : int
        14, or 28 for who runs once a week or less.
    slow_runs : int
        Runs that were slow to settle since the oldest of the scored ones.
    limping_days : int
        Of the last 7 days.
    trend : str
        Direction of pain: improving, worsening, steady or "not enough entries".
    spike_m, spike_longest_m : int or None
        Of the last 7 days, the run that is longest against the longest of the 30 days before it, and that one.
    longest_m, longest_before_spike_m, longest_before_gap_m : int or None
        Longest run of the last 30 days; of the 30 days before the first run over the step; of the 30 days up to the last run.
    longest_kept_m : int or None
        The longest run that still counts on each day of the next week.
    green_days : int or None
        Days since the last run that was not comfortable, not settled or not known, 28 at most; None without a run in them.
    strength_done, strength_prescribed : int or None
        Sessions of the last 14 days; None if none are prescribed.
    previous_state : str or None
        State of a week ago, such as "S4".
    weeks_in_care : int or None
    pain_at_start, pain_change : float or None
        Median next-morning pain of the first two weeks, and the last two weeks less that.
    """

    as_of: date
    screen: ScreenStanding = NEVER_ASKED
    limits: Limits = field(default_factory=Limits)
    distance_unit: DistanceUnit = DistanceUnit.MILE
    blocks: Blocks = field(default_factory=Blocks)
    before_gap: Blocks = field(default_factory=Blocks)
    days_without_log: int | None = None
    days_without_run: int | None = None
    scored_runs: tuple[ScoredRun, ...] = ()
    morning_scores: int = 0
    window_days: int = WINDOW_DAYS
    slow_runs: int = 0
    limping_days: int = 0
    trend: str = "not enough entries"
    spike_m: int | None = None
    spike_longest_m: int | None = None
    longest_m: int | None = None
    longest_before_spike_m: int | None = None
    longest_before_gap_m: int | None = None
    longest_kept_m: int | None = None
    green_days: int | None = None
    strength_done: int | None = None
    strength_prescribed: int | None = None
    previous_state: str | None = None
    weeks_in_care: int | None = None
    pain_at_start: float | None = None
    pain_change: float | None = None

    @property
    def median_during(self) -> float | None:
        """Median pain during the scored runs; None without one."""
        return float(median(run.during for run in self.scored_runs)) if self.scored_runs else None

    @property
    def unsettled_runs(self) -> int:
        """How many of the scored runs were unsettled or slow."""
        return sum(run.response in {UNSETTLED, SLOW} for run in self.scored_runs)

    @property
    def settled_runs(self) -> int:
        """How many of the scored runs settled: the unknown ones do not count."""
        return sum(run.response == SETTLED for run in self.scored_runs)


def decision_inputs(
    *,
    runs: Columns,
    scores: Columns,
    side: Side,
    coverage: Coverage | None,
    screen: ScreenStanding,
    trend: Trend,
    as_of: date,
    started_on: date,
    limits: Limits | None = None,
    distance_unit: DistanceUnit = DistanceUnit.MILE,
    strength_days: Sequence[date] | pd.Series = (),
    strength_sessions_per_week: float = math.nan,
    limping_days: Sequence[date] | pd.Series = (),
    previous_state: str | None = None,
) -> DecisionInputs:
    """
    Reduce the facts of an episode to what the decision table looks at.

    What happened after `as_of` is ignored, except that `runs` must carry responses that were worked out as of that day.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS with `response` (rehab.response.run_responses) and `longest_30_days_m` (float, NaN where no run was in the 30 days before),
        in any order: the runs of the patient.
    scores : DataFrame
        PAIN_COLUMNS, in any order, of any side and moment.
    side : Side
        The episode's: scores of no other enter.
    coverage : Coverage or None
        First and last day of logging.
    screen : ScreenStanding
        The red-flag screen as of the day.
    trend : Trend
        Of pain, as of the day.
    as_of : date
        The day.
    started_on : date
        First day of the episode.
    limits : Limits or None
        The patient's own; None for the defaults.
    distance_unit : DistanceUnit
        The patient's: bands are rounded in it.
    strength_days : sequence of date, or datetime64 Series
        Days of strength sessions, one entry a session.
    strength_sessions_per_week : float
        As the plan prescribes; NaN if it does not.
    limping_days : sequence of date, or datetime64 Series
        Days on which the runner said that they limped, of the episode's side.
    previous_state : str or None
        Code of the state a week ago, if known.

    Returns
    -------
    DecisionInputs
    """
    limits = limits or Limits()
    today = day_number(as_of)
    run_days = day_numbers(runs["run_date"])
    started_at = runs["started_at_utc"].to_numpy(dtype="datetime64[us]")
    order = np.lexsort((runs["run_id"].to_numpy(dtype=np.int64), started_at, run_days))[::-1]
    age = today - run_days[order]
    order, age = order[age >= 0], age[age >= 0]
    distance = floats(runs["distance_m"])[order]
    recent = int(np.searchsorted(age, WIDE_WINDOW_DAYS))  # the rows are newest first
    response = runs["response"].to_numpy(dtype=object)[order[:recent]]
    run_ids = runs["run_id"].to_numpy(dtype=np.int64)[order[:recent]]

    told = _told(scores, side, day_number(started_on), today)
    during = _during(told, run_ids, today - age[:recent])
    window = WIDE_WINDOW_DAYS if recent <= WIDE_UP_TO_RUNS else WINDOW_DAYS
    scored = np.flatnonzero(~np.isnan(during) & (age[:recent] < window))[:SCORED_RUNS]
    since = int(scored[-1]) + 1 if scored.size == SCORED_RUNS else int(np.searchsorted(age[:recent], window))

    green = (during <= limits.comfortable_max) & (response == SETTLED)  # NaN is not green
    not_green = age[:recent][~green]
    green_days = int(not_green[0]) if not_green.size else min(int(age[-1]), WIDE_WINDOW_DAYS) if recent else None

    longest_before = floats(runs["longest_30_days_m"])[order[:recent]]
    week = (age[:recent] < SPIKE_DAYS) & ~np.isnan(longest_before)
    over = [row for row in np.flatnonzero(week).tolist() if limits.is_over_step(distance[row], longest_before[row])]
    worst = max(np.flatnonzero(week).tolist(), key=lambda row: distance[row] / longest_before[row], default=None)

    known = coverage_until(coverage, as_of)
    without_run = None
    if age.size:
        without_run = max(0, int(age[0]) - ((as_of - known.last_day).days if known else int(age[0])))
    last_run = date.fromordinal(as_of.toordinal() - int(age[0])) if age.size else None
    prescribed = None
    if strength_sessions_per_week > 0:  # NaN is not
        prescribed = round(strength_sessions_per_week * STRENGTH_DAYS / 7)
    pain_at_start, pain_change = _course(told.mornings, day_number(started_on), today)
    return DecisionInputs(
        as_of=as_of,
        screen=screen,
        limits=limits,
        distance_unit=distance_unit,
        blocks=blocks_of_days(today - age, distance, coverage=coverage, as_of=as_of),
        before_gap=blocks_of_days(today - age, distance, coverage=coverage, as_of=last_run) if last_run else Blocks(),
        days_without_log=(as_of - known.last_day).days if known else None,
        days_without_run=without_run,
        scored_runs=tuple(
            ScoredRun(date.fromordinal(as_of.toordinal() - int(age[row])), int(during[row]), str(response[row])) for row in scored.tolist()
        ),
        morning_scores=sum(day > today - window for day in told.mornings),
        window_days=window,
        slow_runs=int(np.count_nonzero(response[:since] == SLOW)),
        limping_days=_days_within(limping_days, today, LIMPING_DAYS),
        trend=trend.direction,
        spike_m=None if worst is None else int(distance[worst]),
        spike_longest_m=None if worst is None else int(longest_before[worst]),
        longest_m=_longest(distance, age, 0, LONGEST_DAYS),
        longest_before_spike_m=int(longest_before[over].min()) if over else None,
        longest_before_gap_m=_longest(distance, age, int(age[0]), LONGEST_DAYS) if age.size else None,
        longest_kept_m=_longest(distance, age, 0, KEPT_DAYS),
        green_days=green_days,
        strength_done=None if prescribed is None else _sessions(strength_days, today),
        strength_prescribed=prescribed,
        previous_state=previous_state,
        weeks_in_care=max(0, (as_of - started_on).days) // 7,
        pain_at_start=pain_at_start,
        pain_change=pain_change,
    )


@dataclass(frozen=True)
class _Told:
    """Scores of one side that matter here: worst pain during by run and, where it names none, by day; worst of each morning by day."""

    during_of_run: dict[int, float]
    during_of_day: dict[int, float]
    mornings: dict[int, float]


def _told(scores: Columns, side: Side, start: int, today: int) -> _Told:
    felt = day_numbers(scores["for_date"])
    lately = felt > today - WIDE_WINDOW_DAYS
    at_start = (felt >= start) & (felt < start + COURSE_DAYS)
    # Few rows are needed of what may be years of them: they become plain values at once.
    rows = np.flatnonzero((lately | at_start) & (felt <= today))
    moments, sides = (np.asarray(scores[name].array.take(rows), dtype=object).tolist() for name in ("moment", "side"))
    nprs_of_row, run_of_row = (floats(scores[name])[rows].tolist() for name in ("nprs", "run_id"))
    told = _Told({}, {}, {})
    for day, moment, of_side, nprs, run in zip(felt[rows].tolist(), moments, sides, nprs_of_row, run_of_row, strict=True):
        if of_side != side:
            continue
        if moment == PainMoment.NEXT_MORNING:
            told.mornings[day] = max(nprs, told.mornings.get(day, nprs))
        elif moment == PainMoment.DURING and math.isnan(run):
            told.during_of_day[day] = max(nprs, told.during_of_day.get(day, nprs))
        elif moment == PainMoment.DURING:
            told.during_of_run[int(run)] = max(nprs, told.during_of_run.get(int(run), nprs))
    return told


def _during(told: _Told, run_ids: Days, run_days: Days) -> Floats:
    """Worst score of each run: those that name it, else those of its day that name none."""
    runs = zip(run_ids.tolist(), run_days.tolist(), strict=True)
    return np.array([told.during_of_run.get(run, told.during_of_day.get(day, math.nan)) for run, day in runs], dtype=np.float64)


def _longest(distance: Floats, age: Days, newest: int, days: int) -> int | None:
    inside = distance[(age >= newest) & (age < newest + days)]
    return int(inside.max()) if inside.size else None


def _day_numbers_of(days: Sequence[date] | pd.Series) -> Days:
    return day_numbers(days) if isinstance(days, pd.Series) else np.array([day_number(day) for day in days], dtype=np.int64)


def _days_within(days: Sequence[date] | pd.Series, today: int, window: int) -> int:
    age = today - _day_numbers_of(days)
    return int(np.unique(age[(age >= 0) & (age < window)]).size)


def _sessions(days: Sequence[date] | pd.Series, today: int) -> int:
    age = today - _day_numbers_of(days)
    return int(np.count_nonzero((age >= 0) & (age < STRENGTH_DAYS)))


def _course(mornings: dict[int, float], start: int, today: int) -> tuple[float | None, float | None]:
    """Median of the first two weeks, and that of the last two weeks less it; they may not overlap."""
    if today - start < 2 * COURSE_DAYS - 1:
        return None, None
    at_start, now = (_median_from(mornings, first) for first in (start, today - COURSE_DAYS + 1))
    return at_start, None if at_start is None or now is None else now - at_start


def _median_from(mornings: dict[int, float], first: int) -> float | None:
    nprs = [score for day, score in mornings.items() if first <= day < first + COURSE_DAYS]
    return median(nprs) if len(nprs) >= COURSE_MIN_SCORES else None
