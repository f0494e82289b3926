"""How much was run: distance over rolling days and calendar weeks, and by how much it changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

import numpy as np
import pandas as pd

from models import DistanceUnit, day_number
from rehab.days import Coverage, coverage_until, day_numbers, floats, timestamps
from rehab.rules import Limit, Rule, Source, Strength
from rehab.units import METRES_PER_MILE, distance_in, distance_text, signed_text

WINDOW_DAYS = 7
# Below three miles a percentage says little: show the miles instead (evidence 2.1; a choice of this project).
PERCENT_FROM_M = 3 * METRES_PER_MILE
# More than 10 % is noted (on 10 it is not), 30 % and more is flagged. Whole metres are compared.
CHANGE_NOTE_PERCENT, CHANGE_FLAG_PERCENT = 10, 30
NOTHING, NOTE, FLAG = "", "note", "flag"

EARLIER_BLOCKS = 3
BLOCK_RATIO_FLAG_PERCENT = 130  # of the mean of the three blocks before; on the limit is a flag

RULES = (
    Rule(
        name="week_change",
        title="Change of seven days against the seven before",
        says="The distance of seven days less that of the seven days before, in the runner's unit and, from 3 miles on, in percent.",
        strength=Strength.CLINIC,
        limits=(
            Limit("percent is told", 3.0, "mi before", "≥ 3; below it the distance alone is shown"),
            Limit("noted", CHANGE_NOTE_PERCENT, "%", "> 10; on the limit is silent"),
            Limit("flagged", CHANGE_FLAG_PERCENT, "%", "≥ 30; on the limit is a flag"),
        ),
        sources=(
            Source(
                "Buist 2008, Am J Sports Med 36:33, doi 10.1177/0363546507307505",
                "Trial of 532 novices: 20.8 % injured with steps of 10 % a week, 20.3 % without. The 10 % rule showed no benefit.",
                Strength.TRIAL,
            ),
            Source(
                "Nielsen 2014, J Orthop Sports Phys Ther",
                "874 novices: no difference overall with more than 30 % in two weeks; distance-related injuries 1.59 times (0.96–2.66, p = .07).",
                Strength.COHORT,
            ),
        ),
        criticism="Noisy when little is run. That week-to-week change matters was not seen in the large studies.",
        may_say="By how much the week differs from the one before; that 10 % is a common convention.",
        may_not_say="That a rise over 10 % injures, or that one under it is safe.",
    ),
    Rule(
        name="three_week_change",
        title="Latest seven days against the three blocks before",
        says="The latest block of seven days, divided by the mean of the three blocks before it, of which it is no part.",
        strength=Strength.CLINIC,
        limits=(Limit("flagged", BLOCK_RATIO_FLAG_PERCENT / 100, "", "≥ 1.30; on the limit is a flag"),),
        sources=(
            Source(
                "Lolli 2019, Br J Sports Med 53:921",
                "A ratio whose lower part holds its upper part is correlated by arithmetic alone; hence the week is left out of the mean here.",
                Strength.LABORATORY,
            ),
        ),
        criticism="In the largest study of runners no such ratio went with more injuries. It may only ask for a look.",
        may_say="By how much the latest seven days exceed the three weeks before.",
        may_not_say="That a ratio is dangerous, or a sweet spot.",
    ),
)


@dataclass(frozen=True)
class DistanceChange:
    """
    Two stretches of seven days compared.

    Attributes
    ----------
    latest_m, previous_m : float or None
        Metres; None if not every day of the stretch is known.
    percent : float or None
        Change in percent; None if either is not known or the earlier one is under 3 miles.
    mark : str
        "" (nothing), "note" above 10 % or "flag" from 30 % on.
    """

    latest_m: float | None
    previous_m: float | None
    percent: float | None
    mark: str

    @property
    def change_m(self) -> float | None:
        """Metres more (or less, then negative); None if either stretch is not known."""
        return None if self.latest_m is None or self.previous_m is None else self.latest_m - self.previous_m

    def words(self, unit: DistanceUnit) -> str:
        """
        Write the change in the patient's unit, with its percentage where there is one.

        Examples
        --------
        >>> distance_change(17_500, 16_000).words(DistanceUnit.KILOMETRE), distance_change(9_000, 0).words(DistanceUnit.KILOMETRE)
        ('+1.5 km (+9.4 %)', '+9.0 km')
        """
        if self.change_m is None:
            return distance_text(None, unit)
        change = f"{signed_text(distance_in(self.change_m, unit), 1)} {unit.value}"
        return change if self.percent is None else f"{change} ({signed_text(self.percent, 1)} %)"


def daily_distance(runs: pd.DataFrame, *, coverage: Coverage | None, as_of: date) -> pd.Series:
    """
    Total the distance of each day.

    A day counts 0 m where the runner logged and did not run.

    Parameters
    ----------
    runs : DataFrame
        `run_date` (datetime64, local day) and `distance_m` (none missing), in any order. Runs after `as_of` are ignored.
    coverage : Coverage or None
        First and last day of logging; None if nothing was ever logged.
    as_of : date
        Last day to cover.

    Returns
    -------
    Series
        Metres, float, indexed by `day` (datetime64) from the first covered day to `as_of`; NaN after the last covered day. Empty without
        coverage.
    """
    known = coverage_until(coverage, as_of)
    if known is None:
        return pd.Series([], index=timestamps(np.empty(0, np.int64)).rename("day"), name="distance_m", dtype=float)
    first, days = day_number(known.first_day), (as_of - known.first_day).days + 1
    offset = day_numbers(runs["run_date"]) - first
    inside = (offset >= 0) & (offset < days)
    by_day = np.bincount(offset[inside], weights=floats(runs["distance_m"])[inside], minlength=days).astype(np.float64)
    by_day[(known.last_day - known.first_day).days + 1 :] = np.nan
    return pd.Series(by_day, index=timestamps(first + np.arange(days)).rename("day"), name="distance_m")


def rolling_7_day_distance(runs: pd.DataFrame, *, coverage: Coverage | None, as_of: date) -> pd.Series:
    """
    Total the distance of each day and the six days before it.

    A day whose seven days do not all lie inside the coverage is NaN. See `daily_distance` for the parameters.

    Returns
    -------
    Series
        Metres, float, indexed by `day` (datetime64) from the first covered day to `as_of`. Empty without coverage.
    """
    by_day = daily_distance(runs, coverage=coverage, as_of=as_of)
    total = np.concatenate(([0.0], np.cumsum(by_day.to_numpy())))
    distance = np.full(by_day.size, np.nan)
    if by_day.size >= WINDOW_DAYS:
        distance[WINDOW_DAYS - 1 :] = total[WINDOW_DAYS:] - total[:-WINDOW_DAYS]
    return pd.Series(distance, index=by_day.index, name="distance_m")


def week_change_percent(latest_m: float, previous_m: float) -> float | None:
    """
    Compare seven days with the seven days before.

    Parameters
    ----------
    latest_m, previous_m : float
        Metres of the two stretches of seven days; NaN if not known.

    Returns
    -------
    float or None
        Percent; None if either is not known or the earlier one is under 3 miles (on 3 miles it is told).

    Examples
    --------
    >>> week_change_percent(28_000, 25_600)
    9.375
    """
    if np.isnan(latest_m) or np.isnan(previous_m) or previous_m < PERCENT_FROM_M:
        return None
    return 100 * (latest_m - previous_m) / previous_m


def distance_change(latest_m: float, previous_m: float) -> DistanceChange:
    """
    Compare seven days with the seven days before, and say whether the change is to be noted or flagged.

    Parameters
    ----------
    latest_m, previous_m : float
        Whole metres of the two stretches of seven days; NaN if not known.

    Examples
    --------
    >>> distance_change(17_600, 16_000).mark, distance_change(17_601, 16_000).mark, distance_change(20_800, 16_000).mark
    ('', 'note', 'flag')
    """
    percent = week_change_percent(latest_m, previous_m)
    mark = NOTHING
    if percent is not None:
        # of whole metres these products are exact
        if 100 * latest_m >= (100 + CHANGE_FLAG_PERCENT) * previous_m:
            mark = FLAG
        elif 100 * latest_m > (100 + CHANGE_NOTE_PERCENT) * previous_m:
            mark = NOTE
    return DistanceChange(_known(latest_m), _known(previous_m), percent, mark)


def rolling_change(rolling: pd.Series, *, day: date) -> DistanceChange:
    """
    Compare the seven days that end with a day with the seven before them.

    Parameters
    ----------
    rolling : Series
        As `rolling_7_day_distance` gives it.
    day : date
        Last day of the later stretch.
    """
    latest, previous = (float(rolling.get(pd.Timestamp(end), np.nan)) for end in (day, day - timedelta(days=WINDOW_DAYS)))
    return distance_change(latest, previous)


def calendar_change(weeks: pd.DataFrame, *, week_start: date) -> DistanceChange:
    """
    Compare a calendar week with the week before.

    A week counts only if it is over and all of its seven days were logged: neither the week that is still running nor one that was logged in
    part is ever a drop, and none of them makes the next one a rise.

    Parameters
    ----------
    weeks : DataFrame
        WEEK_COLUMNS.
    week_start : date
        First day of the later week.
    """
    whole = weeks[((weeks["days_logged"] == WINDOW_DAYS) & ~weeks["so_far"].astype(bool)).to_numpy(dtype=bool)]
    metres = dict(zip(day_numbers(whole["week_start"]).tolist(), floats(whole["distance_m"]).tolist(), strict=True))
    latest = day_number(week_start)
    return distance_change(metres.get(latest, np.nan), metres.get(latest - WINDOW_DAYS, np.nan))


def three_week_ratio(blocks_m: Sequence[float | None]) -> float | None:
    """
    Divide the latest block of seven days by the mean of the three before it.

    Parameters
    ----------
    blocks_m : sequence of float
        Metres of blocks of seven days, newest first, one directly before the other, each whole inside the coverage; None or NaN for one that is
        not. Only the first four are looked at.

    Returns
    -------
    float or None
        None with fewer than four known blocks, or if nothing was run in the three before.

    Examples
    --------
    >>> three_week_ratio([30, 20, 20, 20]), three_week_ratio([30, 20, 20]), three_week_ratio([30, 0, 0, 0])
    (1.5, None, None)
    """
    known = _latest_and_before(blocks_m)
    return EARLIER_BLOCKS * known[0] / known[1] if known and known[1] > 0 else None


def is_three_week_rise(blocks_m: Sequence[float | None]) -> bool:
    """
    Tell whether the latest block is 1.30 times the mean of the three before it, or more.

    What is not known, and three blocks without a run, are no rise here.

    Examples
    --------
    >>> is_three_week_rise([26_000, 20_000, 20_000, 20_000]), is_three_week_rise([25_999, 20_000, 20_000, 20_000])
    (True, False)
    """
    known = _latest_and_before(blocks_m)
    return bool(known and known[1] > 0 and 100 * EARLIER_BLOCKS * known[0] >= BLOCK_RATIO_FLAG_PERCENT * known[1])


def smoothed_daily_load(daily: pd.Series, *, days: int) -> pd.Series:
    """
    Smooth a daily load for a line: an exponentially weighted mean. It decides nothing.

    `E = λ · load + (1 − λ) · E of the day before`, with λ = 2 / (days + 1) and the first day as the seed, which dominates for about `days` days.

    Parameters
    ----------
    daily : Series
        One value for each day, rest days as 0, without a gap, as `daily_distance` gives it. From the first unknown day (NaN) on nothing is known.
    days : int
        Span N, such as 7 or 28.

    Returns
    -------
    Series
        In the unit of `daily`, with its index.

    Raises
    ------
    ValueError
        If `days` is below 1.

    References
    ----------
    Williams S et al. (2017), Br J Sports Med 51:209.

    Examples
    --------
    >>> smoothed_daily_load(pd.Series([300.0, 0, 0, 400]), days=7).tolist()
    [300.0, 225.0, 168.75, 226.5625]
    """
    if days < 1:
        raise ValueError(f"A mean over {days} days cannot be made. Take 1 day or more.")
    weight = 2 / (days + 1)
    smooth = accumulate(daily.to_numpy(dtype=np.float64).tolist(), lambda before, load: weight * load + (1 - weight) * before)
    return pd.Series(list(smooth), index=daily.index, name=daily.name, dtype=float)


def _known(metres: float) -> float | None:
    return None if np.isnan(metres) else float(metres)


def _latest_and_before(blocks_m: Sequence[float | None]) -> tuple[float, float] | None:
    """Latest block and the sum of the three before it."""
    blocks = [float("nan") if block is None else float(block) for block in blocks_m[: EARLIER_BLOCKS + 1]]
    if len(blocks) <= EARLIER_BLOCKS or np.isnan(blocks).any():
        return None
    return blocks[0], sum(blocks[1:])
