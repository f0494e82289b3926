"""Pain scores over time: counts by week, the trend of four weeks, and the shift of the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import theilslopes

from models import NPRS_MAX, PAIN_WEEK_COLUMNS, PainMoment, Side, day_number, day_of
from rehab.days import Columns, Days, Floats, day_numbers, day_words, floats, week_numbers
from rehab.limits import Limits
from rehab.rules import Limit, Rule, Strength
from rehab.sources import NUMERIC_SCALE, NUMERIC_SCALE_IN_THERAPY, PAIN_MONITORING
from rehab.units import signed_text

# The window and the least that a trend takes (evidence 1.3): on the limit is enough.
TREND_DAYS = 28
TREND_MIN_SCORES = 6
TREND_MIN_SPAN_DAYS = 14  # from the first score to the last
TREND_MIN_WEEKS = 3
# On the limit it is a trend. Compared as shown, with two decimals.
TREND_SLOPE_PER_WEEK = 0.5
INTERVAL = 0.90
BOOTSTRAP_FROM_SCORES = 12
BOOTSTRAP_DRAWS = 2000
BOOTSTRAP_SEED = 20250301
BLOCK_DAYS = 7
_DRAWS_AT_ONCE = 250  # keeps one batch within a processor's cache

SHIFT_RECENT_DAYS, SHIFT_RECENT_MIN_SCORES, SHIFT_EARLIER_MIN_SCORES = 7, 2, 4
# A change that people usually notice (evidence 1.2, MCID): on the limit counts.
MEANINGFUL_POINTS = 2.0
MEANINGFUL_LOW_BASELINE_MAX, MEANINGFUL_LOW_POINTS, MEANINGFUL_LOW_SHARE = 4.0, 1.0, 0.30

ZONES_RULE = Rule(
    name="pain_zones",
    title="Pain during a run",
    says=(
        "Comfortable up to and including 3 of 10, OK if it settles up to 5, above that ease back. Both limits are each patient's own. A missing score is not 0 "
        "and is in no zone."
    ),
    strength=Strength.CONSENSUS,
    limits=(
        Limit("comfortable", Limits.comfortable_max, "of 10", "≤ 3, or the patient's own"),
        Limit("acceptable if it settles", Limits.acceptable_max, "of 10", "≤ 5, or the patient's own"),
    ),
    sources=(PAIN_MONITORING,),
    criticism="Equivalence was not proven (n = 38); the cut at 5 is convention; not tested in gluteal tendinopathy and not for bone stress injury.",
    may_say="within the agreed pain range",
    may_not_say="safe, or no damage",
)
TREND_RULE = Rule(
    name="pain_trend",
    title="Pain trend of four weeks",
    says=(
        "Median of the slopes between all pairs of days (Theil-Sen) over 28 days of one moment and side, with a 90 % interval. Improving or worsening only if the slope "
        "reaches half a point a week and the interval leaves out 0; else steady. Nothing is filled in; no trend crosses an injection or a new diagnosis."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit("window", TREND_DAYS, "days", "the last 28"),
        Limit("scores", TREND_MIN_SCORES, "days with a score", "≥ 6"),
        Limit("from the first score to the last", TREND_MIN_SPAN_DAYS, "days", "≥ 14"),
        Limit("calendar weeks with a score", TREND_MIN_WEEKS, "weeks", "≥ 3"),
        Limit("slope", TREND_SLOPE_PER_WEEK, "points a week", "≥ 0.5 up or down, as shown with two decimals"),
        Limit("interval", INTERVAL, "of draws", "leaves out 0"),
    ),
    criticism="Scores are not missing at random: people skip good days or bad days. Pain falls by itself from a bad spell.",
    may_say="easing, rising, no clear change, or not enough entries; always with the log rate beside it",
    may_not_say="why",
)
MEANINGFUL_RULE = Rule(
    name="meaningful_change",
    title="A change people usually notice",
    says="Two points or more on the 0-10 scale; from a start of 4 or less also one point, if that is 30 % or more. The last 7 days are compared with the three weeks before.",
    strength=Strength.COHORT,
    limits=(
        Limit("change", MEANINGFUL_POINTS, "points", "≥ 2"),
        Limit("low start", MEANINGFUL_LOW_BASELINE_MAX, "of 10", "≤ 4"),
        Limit("change from a low start", MEANINGFUL_LOW_POINTS, "points", "≥ 1"),
        Limit("share of a low start", MEANINGFUL_LOW_SHARE, "of the start", "≥ 0.30"),
        Limit("scores of the last 7 days", SHIFT_RECENT_MIN_SCORES, "days with a score", "≥ 2"),
        Limit("scores of the 21 days before", SHIFT_EARLIER_MIN_SCORES, "days with a score", "≥ 4"),
    ),
    sources=(NUMERIC_SCALE, NUMERIC_SCALE_IN_THERAPY),
    criticism="Not from runners; depends on where a patient starts and on the question asked; a value of a group, used on one person.",
    may_say="more than the change people usually notice",
    may_not_say="cured, or so many per cent worse",
)
RULES = (ZONES_RULE, TREND_RULE, MEANINGFUL_RULE)

_MOMENT_WORDS = {PainMoment.NEXT_MORNING: "Pain next morning", PainMoment.DURING: "Pain during runs"}


@dataclass(frozen=True)
class Trend:
    """
    Direction of one patient's pain over the last four weeks.

    Attributes
    ----------
    direction : str
        improving, worsening, steady or "not enough entries".
    slope_per_week : float or None
        Points a week, negative when pain falls; None without enough entries.
    low, high : float or None
        90 % interval of the slope.
    approximate : bool
        True if the interval comes from a formula and not from resampling (fewer than 12 scores).
    scores_used : int
        Days with a score that entered, one value a day.
    days_with_score, days_due : int
        The log rate of the window.
    sentence : str
        All of it in words.
    moment : PainMoment
        The series that was used: never a mixture.
    """

    direction: str
    slope_per_week: float | None
    low: float | None
    high: float | None
    approximate: bool
    scores_used: int
    days_with_score: int
    days_due: int
    sentence: str
    moment: PainMoment = PainMoment.NEXT_MORNING


@dataclass(frozen=True)
class LevelShift:
    """
    Change of the last 7 days against the three weeks before.

    Attributes
    ----------
    change : float
        Points on the 0-10 scale, negative when pain fell.
    baseline : float
        Median of the three weeks before.
    meaningful : bool
        As much as people usually notice.
    """

    change: float
    baseline: float
    meaningful: bool


def scores_of(scores: pd.DataFrame, moment: PainMoment, side: Side) -> pd.DataFrame:
    """Keep the rows of one moment and one side. Nothing mixes moments or sides, "unspecified" included."""
    of_moment = (scores["moment"] == moment.value).to_numpy(dtype=bool)
    of_side = (scores["side"] == side.value).to_numpy(dtype=bool)
    return scores[of_moment & of_side]


def daily_worst(scores: pd.DataFrame) -> tuple[Days, Floats]:
    """
    Reduce scores of one moment and side to one value a day, the worst of the day on which it was felt.

    Parameters
    ----------
    scores : DataFrame
        PAIN_COLUMNS, of one moment and one side, in any order.

    Returns
    -------
    (ndarray of int64, ndarray of float64)
        Day numbers, ascending, and the score of each.
    """
    return _worst_of_days(day_numbers(scores["for_date"]), floats(scores["nprs"]))


def weekly_pain(scores: pd.DataFrame, *, week_start: int) -> pd.DataFrame:
    """
    Count how often each score was given, by week, moment and side.

    The week is that of `counted_date`: a next-morning score belongs to the run it follows.

    Parameters
    ----------
    scores : DataFrame
        PAIN_COLUMNS, in any order.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.

    Returns
    -------
    DataFrame
        PAIN_WEEK_COLUMNS, one row a week, moment and side that has a score, ordered by them. These are the rows that the table
        `pain_week` holds.
    """
    weeks = week_numbers(day_numbers(scores["counted_date"]), week_start)
    moments, moment_names = pd.factorize(scores["moment"], sort=True)
    sides, side_names = pd.factorize(scores["side"], sort=True)
    keys, group = np.unique(np.stack([weeks, moments, sides], axis=1), axis=0, return_inverse=True)
    cells = group.reshape(-1) * (NPRS_MAX + 1) + scores["nprs"].to_numpy(dtype=np.int64)
    counts = np.bincount(cells, minlength=len(keys) * (NPRS_MAX + 1)).reshape(-1, NPRS_MAX + 1)
    columns = [keys[:, 0], np.asarray(moment_names, dtype=object)[keys[:, 1]], np.asarray(side_names, dtype=object)[keys[:, 2]], *counts.T]
    return pd.DataFrame(dict(zip(PAIN_WEEK_COLUMNS, columns, strict=True)))


def median_of_counts(counts: npt.NDArray[np.int64]) -> Floats:
    """
    Median of scores given as counts.

    Parameters
    ----------
    counts : ndarray of int64, shape (rows, 11)
        How often 0 … 10 was given.

    Returns
    -------
    ndarray of float64, shape (rows,)
        NaN for a row without a score.

    Examples
    --------
    >>> median_of_counts(np.array([[0, 1, 0, 1] + [0] * 7, [0] * 11])).tolist()  # 1 and 3; nothing
    [2.0, nan]
    """
    upto = np.cumsum(counts, axis=1)
    given = upto[:, -1:]
    middle = (np.argmax(upto > (given - 1) // 2, axis=1) + np.argmax(upto > given // 2, axis=1)) / 2
    return np.where(given[:, 0] > 0, middle, np.nan)


def worst_of_counts(counts: npt.NDArray[np.int64]) -> Floats:
    """
    Worst of scores given as counts; NaN for a row without a score.

    Examples
    --------
    >>> worst_of_counts(np.array([[0, 1, 0, 1] + [0] * 7, [0] * 11])).tolist()
    [3.0, nan]
    """
    worst = NPRS_MAX - np.argmax(counts[:, ::-1] > 0, axis=1).astype(np.float64)
    return np.where(counts.any(axis=1), worst, np.nan)


def pain_trend(
    scores: Columns,
    *,
    side: Side,
    as_of: date,
    week_start: int = 0,
    first_day: date | None = None,
    run_dates: pd.Series | None = None,
    breaks: Sequence[date] = (),
    direction_only: bool = False,
) -> Trend:
    """
    Tell where pain is going over the last 28 days.

    Next-morning scores are used; if they are too few, those given during runs, never both. One value a day, the worst. The
    slope is the median of the slopes between all pairs of days (Theil-Sen); nothing is filled in or carried forward.

    The 90 % interval is the formula's with fewer than 12 scores. From 12 on it comes from a moving-block bootstrap of the
    residuals, 2000 draws with a fixed seed, a block being as many scores in a row as fall on 7 days on average. (Resampling
    whole blocks of day and score instead gave intervals so wide, in simulated courses, that most real trends were missed.) Each
    drawn residual is moved at random by up to half a point: a whole number stands for all that rounds to it, and without this
    many equal scores would look like certainty. Where all scores are equal the interval is of this rounding alone; the sentence then
    says that nothing changed and leaves it out.

    Parameters
    ----------
    scores : DataFrame
        PAIN_COLUMNS, in any order, of any side and moment; those felt after `as_of` are ignored.
    side : Side
        The episode's side.
    as_of : date
        Last day of the window.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday: scores must lie in three calendar weeks (by the day they were felt).
    first_day : date or None
        First day of logging: before it no score was due.
    run_dates : Series or None
        datetime64 days of the runs: a score during a run is due on them. A morning score is due every day.
    breaks : sequence of date
        Days on which the meaning of a score may have changed (injection, diagnosis). Only scores felt later than the last of them count.
    direction_only : bool
        Leave out the sentence, and the interval where no direction depends on it: the resampling is most of the work.

    Returns
    -------
    Trend
        "not enough entries" below 6 scores, 14 days from the first to the last, or 3 calendar weeks.

    References
    ----------
    Sen PK (1968), J Am Stat Assoc 63:1379. Künsch HR (1989), Ann Statist 17:1217. The limits are a choice of this project on rule (c) of
    the pain-monitoring model (Silbernagel 2007, Am J Sports Med 35:897).
    """
    last = day_number(as_of)
    first = _first_day_that_counts(as_of, breaks)
    candidates = []
    for moment in (PainMoment.NEXT_MORNING, PainMoment.DURING):
        days, nprs = _daily_worst_of(scores, moment, side)
        inside = (days >= first) & (days <= last)
        days, nprs = days[inside], nprs[inside]
        enough = (
            days.size >= TREND_MIN_SCORES
            and days[-1] - days[0] >= TREND_MIN_SPAN_DAYS
            and np.unique(week_numbers(days, week_start)).size >= TREND_MIN_WEEKS
        )
        candidates.append((moment, days, nprs))
        if enough:
            return _trend(moment, days, nprs, _days_due(moment, days, run_dates, (first, last), first_day), direction_only=direction_only)
    moment, days, _ = candidates[0]
    due = _days_due(moment, days, run_dates, (first, last), first_day)
    if direction_only:
        return Trend("not enough entries", None, None, None, False, days.size, days.size, due, "", moment)
    sentence = (
        f"Not enough entries for a pain trend yet: {_answered(moment, days.size, due)} "
        f"It takes {TREND_MIN_SCORES} entries in the last {TREND_DAYS} days, over two weeks or more and in {TREND_MIN_WEEKS} calendar weeks."
    )
    if first > last - TREND_DAYS + 1:
        sentence += f" Only those after {day_words(day_of(first - 1))} count, when something else changed."
    return Trend("not enough entries", None, None, None, False, days.size, days.size, due, sentence, moment)


def level_shift(scores: Columns, *, side: Side, as_of: date, breaks: Sequence[date] = ()) -> LevelShift | None:
    """
    Compare next-morning pain of the last 7 days with that of days 8 to 28.

    Parameters
    ----------
    scores : DataFrame
        PAIN_COLUMNS, in any order.
    side : Side
        The episode's side.
    as_of : date
        Last day of the recent week.
    breaks : sequence of date
        As for `pain_trend`: only scores felt later than the last of them count.

    Returns
    -------
    LevelShift or None
        None with fewer than 2 days scored in the last 7 or fewer than 4 in the 21 before.

    References
    ----------
    Salaffi F et al. (2004), Eur J Pain 8:283; Abbott JH, Schmitt J (2014), JOSPT 44:560. Group values, used on one person.
    """
    days, nprs = _daily_worst_of(scores, PainMoment.NEXT_MORNING, side)
    last = day_number(as_of)
    first = _first_day_that_counts(as_of, breaks)
    days, nprs = days[days >= first], nprs[days >= first]
    age = last - days
    recent = nprs[(age >= 0) & (age < SHIFT_RECENT_DAYS)]
    earlier = nprs[(age >= SHIFT_RECENT_DAYS) & (age < TREND_DAYS)]
    if recent.size < SHIFT_RECENT_MIN_SCORES or earlier.size < SHIFT_EARLIER_MIN_SCORES:
        return None
    baseline = float(np.median(earlier))
    change = float(np.median(recent)) - baseline
    return LevelShift(change, baseline, is_meaningful_change(change, baseline))


def is_meaningful_change(change: float, baseline: float) -> bool:
    """
    Tell whether people usually notice a change of this size, up or down.

    Examples
    --------
    >>> is_meaningful_change(-2, 6), is_meaningful_change(-1, 3), is_meaningful_change(-1, 4), is_meaningful_change(-1.5, 5)
    (True, True, False, False)
    """
    size = abs(change)
    if size >= MEANINGFUL_POINTS:
        return True
    low_baseline = baseline <= MEANINGFUL_LOW_BASELINE_MAX
    return low_baseline and size >= MEANINGFUL_LOW_POINTS and size >= MEANINGFUL_LOW_SHARE * baseline


def _daily_worst_of(scores: Columns, moment: PainMoment, side: Side) -> tuple[Days, Floats]:
    """Do what `daily_worst` does with `scores_of`, without a frame between."""
    of = (scores["moment"].to_numpy(dtype=object) == moment.value) & (scores["side"].to_numpy(dtype=object) == side.value)
    return _worst_of_days(day_numbers(scores["for_date"])[of], floats(scores["nprs"])[of])


def _worst_of_days(days: Days, nprs: Floats) -> tuple[Days, Floats]:
    order = np.lexsort((nprs, days))
    days, nprs = days[order], nprs[order]
    last_of_day = np.ones(days.size, dtype=bool)
    last_of_day[:-1] = days[1:] != days[:-1]
    return days[last_of_day], nprs[last_of_day]


def _trend(moment: PainMoment, days: Days, nprs: Floats, due: int, *, direction_only: bool) -> Trend:
    approximate = days.size < BOOTSTRAP_FROM_SCORES
    per_day = _median_slope(days, nprs)
    slope = 7 * per_day
    if direction_only and abs(round(slope, 2)) < TREND_SLOPE_PER_WEEK:
        return Trend("steady", slope, None, None, approximate, days.size, days.size, due, "", moment)
    if approximate:
        fit = theilslopes(nprs, days, INTERVAL, method="separate")
        low, high = 7 * float(fit.low_slope), 7 * float(fit.high_slope)
    else:
        low, high = (7 * bound for bound in _bootstrap_interval(days, nprs, per_day))
    shown, shown_low, shown_high = (round(value, 2) + 0.0 for value in (slope, low, high))
    if shown <= -TREND_SLOPE_PER_WEEK and shown_high < 0:
        direction = "improving"
    elif shown >= TREND_SLOPE_PER_WEEK and shown_low > 0:
        direction = "worsening"
    else:
        direction = "steady"
    if direction_only:
        return Trend(direction, slope, low, high, approximate, days.size, days.size, due, "", moment)
    if np.ptp(nprs) == 0:
        # The interval is then of rounding to whole numbers alone: beside a course without any change it would only puzzle.
        told = f"has not changed: {nprs[0]:g} of 10 each time."
    else:
        words = {"improving": "is easing", "worsening": "is rising", "steady": "shows no clear change"}[direction]
        interval = f"{'about ' if approximate else ''}{signed_text(low, 2)} to {signed_text(high, 2)}"
        told = f"{words}: {signed_text(slope, 2)} points a week (plausible {interval})."
    sentence = f"{_MOMENT_WORDS[moment]} {told} {_answered(moment, days.size, due)}"
    return Trend(direction, slope, low, high, approximate, days.size, days.size, due, sentence, moment)


def _median_slope(days: Days, nprs: Floats) -> float:
    """Points a day, as `theilslopes` gives them, without what else it works out."""
    early, late = np.triu_indices(days.size, 1)
    return float(np.median((nprs[late] - nprs[early]) / (days[late] - days[early])))


def _bootstrap_interval(days: Days, nprs: Floats, slope_per_day: float) -> tuple[float, float]:
    count = days.size
    day = (days - days[0]).astype(np.float64)
    residuals = nprs - slope_per_day * day
    residuals = (residuals - residuals.mean()) * np.sqrt(count / (count - 2))
    block = max(1, round(count * BLOCK_DAYS / float(day[-1] + 1)))
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    starts = rng.integers(0, count - block + 1, (BOOTSTRAP_DRAWS, -(-count // block)))
    picked = (starts[:, :, None] + np.arange(block)).reshape(BOOTSTRAP_DRAWS, -1)[:, :count]
    drawn = (residuals[picked] + rng.uniform(-0.5, 0.5, picked.shape)).astype(np.float32)
    early, late = np.triu_indices(count, 1)
    per_day = (1 / (day[late] - day[early])).astype(np.float32)
    low_middle, high_middle = (early.size - 1) // 2, early.size // 2
    shifts = np.empty(BOOTSTRAP_DRAWS)
    for batch in range(0, BOOTSTRAP_DRAWS, _DRAWS_AT_ONCE):
        scores = np.ascontiguousarray(drawn[batch : batch + _DRAWS_AT_ONCE].T)  # whole rows are picked faster than columns
        pair_slopes = np.ascontiguousarray(((scores[late] - scores[early]) * per_day[:, None]).T)
        pair_slopes.sort(axis=1)
        shifts[batch : batch + _DRAWS_AT_ONCE] = (pair_slopes[:, low_middle].astype(np.float64) + pair_slopes[:, high_middle]) / 2
    low, high = np.quantile(shifts, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    return slope_per_day + float(low), slope_per_day + float(high)


def _first_day_that_counts(as_of: date, breaks: Sequence[date]) -> int:
    return max([day_number(as_of) - TREND_DAYS + 1, *(day_number(day) + 1 for day in breaks if day <= as_of)])


def _days_due(moment: PainMoment, scored: Days, run_dates: pd.Series | None, window: tuple[int, int], first_day: date | None) -> int:
    first, last = window
    start = first if first_day is None else max(first, day_number(first_day))
    if scored.size:
        start = min(start, int(scored[0]))
    if moment is PainMoment.NEXT_MORNING or run_dates is None:
        return max(0, last - start + 1)
    runs = day_numbers(run_dates)
    return int(np.union1d(runs[(runs >= first) & (runs <= last)], scored).size)


def _answered(moment: PainMoment, answered: int, due: int) -> str:
    return f"{_MOMENT_WORDS[moment]} answered on {answered} of {due} {'run days' if moment is PainMoment.DURING else 'days'}."
