"""Run days with a known answer of the hip, and what drifts along with distance and pain."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models import PainMoment, Side, day_number, week_number
from rehab.days import Days, Floats, day_numbers, floats, week_numbers
from rehab.pain import daily_worst, scores_of
from rehab.response import run_responses

# Half a year: drift over longer is no straight line, and how the hip answers is meant to change. It also bounds what is computed.
WINDOW_WEEKS = 26


@dataclass(frozen=True)
class ScoredRunDays:
    """
    Run days whose R24 is known, in order of time: arrays of one length.

    Attributes
    ----------
    day, week : ndarray of int64
        Day numbers, and those of the weeks' first days.
    distance_m, distance_before_m : ndarray of float64
        Of the day, and of the run day before it, scored or not (NaN for the first of all).
    pain_before : ndarray of float64
        The reference of R24, 0-10.
    r24 : ndarray of float64
    second, second_before : ndarray of float64
        A second exposure, NaN where it is not known.
    """

    day: Days
    week: Days
    distance_m: Floats
    distance_before_m: Floats
    pain_before: Floats
    r24: Floats
    second: Floats
    second_before: Floats


def scored_run_days(
    runs: pd.DataFrame, scores: pd.DataFrame, *, side: Side, as_of: date, week_start: int, second: pd.Series | None = None
) -> ScoredRunDays:
    """
    Gather the run days of the last 26 weeks whose R24 is known.

    Runs of one day share one next morning, so they are one run day: their distances are added; where they have two references the higher R24
    counts.

    Parameters
    ----------
    runs, scores : DataFrame
        RUN_COLUMNS and PAIN_COLUMNS, in any order; scores of any side and moment.
    side : Side
        The episode's side.
    as_of : date
        What is later is not known yet. The window ends with the week of this day.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    second : Series or None
        A second exposure by `run_id`; of several runs on one day the highest counts.
    """
    last = day_number(as_of)
    known = runs[day_numbers(runs["run_date"]) <= last]
    felt = scores[day_numbers(scores["for_date"]) <= last]
    day, at = np.unique(day_numbers(known["run_date"]), return_inverse=True)
    distance: Floats = np.bincount(at, weights=floats(known["distance_m"]), minlength=day.size).astype(np.float64)
    r24 = _highest(floats(run_responses(known, felt, side=side)["r24"]), at, day.size)
    other = np.full(day.size, np.nan) if second is None else _highest(floats(known["run_id"].map(second)), at, day.size)
    week = week_numbers(day, week_start)
    keep = ~np.isnan(r24) & (week > week_number(as_of, week_start) - 7 * WINDOW_WEEKS)
    next_morning = value_on(daily_worst(scores_of(felt, PainMoment.NEXT_MORNING, side)), day[keep] + 1)
    return ScoredRunDays(
        day=day[keep],
        week=week[keep],
        distance_m=distance[keep],
        distance_before_m=_one_before(distance)[keep],
        pain_before=next_morning - r24[keep],
        r24=r24[keep],
        second=other[keep],
        second_before=_one_before(other)[keep],
    )


def value_on(series: tuple[Days, Floats], wanted: Days) -> Floats:
    """
    Look up days in a series of days and values.

    Examples
    --------
    >>> value_on((np.array([3, 5]), np.array([2.0, 4.0])), np.array([5, 4])).tolist()
    [4.0, nan]
    """
    days, values = series
    if not days.size:
        return np.full(wanted.size, np.nan)
    place = np.minimum(np.searchsorted(days, wanted), days.size - 1)
    return np.where(days[place] == wanted, values[place], np.nan)


def _highest(values: Floats, at: Days, size: int) -> Floats:
    highest = np.full(size, -np.inf)
    np.fmax.at(highest, at, values)
    return np.where(np.isfinite(highest), highest, np.nan)


def _one_before(values: Floats) -> Floats:
    return np.concatenate([np.full(min(1, values.size), np.nan), values[:-1]])
