"""How much was run: distance over rolling days."""

from datetime import date

import numpy as np
import pandas as pd

from models import day_number
from rehab.days import Coverage, coverage_until, day_numbers, floats, timestamps
from rehab.units import METRES_PER_MILE

WINDOW_DAYS = 7
# Below three miles a percentage says little: show the miles instead (evidence 2.1; a choice of this project).
PERCENT_FROM_M = 3 * METRES_PER_MILE


def rolling_7_day_distance(runs: pd.DataFrame, *, coverage: Coverage | None, as_of: date) -> pd.Series:
    """
    Total the distance of each day and the six days before it.

    A day counts 0 m where the runner logged and did not run. A day whose seven days do not all lie inside the coverage is NaN.

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
        Metres, float, indexed by `day` (datetime64) from the first covered day to `as_of`. Empty without coverage.
    """
    known = coverage_until(coverage, as_of)
    if known is None:
        return pd.Series([], index=timestamps(np.empty(0, np.int64)).rename("day"), name="distance_m", dtype=float)
    first, days = day_number(known.first_day), (as_of - known.first_day).days + 1
    offset = day_numbers(runs["run_date"]) - first
    inside = (offset >= 0) & (offset < days)
    by_day = np.bincount(offset[inside], weights=floats(runs["distance_m"])[inside], minlength=days)
    total = np.concatenate(([0.0], np.cumsum(by_day)))
    distance = np.full(days, np.nan)
    if days >= WINDOW_DAYS:
        distance[WINDOW_DAYS - 1 :] = total[WINDOW_DAYS:] - total[:-WINDOW_DAYS]
    distance[(known.last_day - known.first_day).days + 1 :] = np.nan
    return pd.Series(distance, index=timestamps(first + np.arange(days)).rename("day"), name="distance_m")


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
