"""Ratios that others ask for, for export alone: no page, flag or suggestion may use them."""

from datetime import date

import numpy as np
import pandas as pd

from rehab.days import Coverage, Floats, day_numbers, floats
from rehab.load import WINDOW_DAYS, daily_distance
from rehab.rules import Rule, Source, Strength
from rehab.session_load import session_load_au

ACUTE_DAYS, CHRONIC_DAYS = WINDOW_DAYS, 28

CAVEAT = (
    "Acute:chronic ratio, monotony and strain are exported because others ask for them. They do not tell what will happen to a runner, nor why: "
    "no advice, flag or limit may rest on them. Standard deviations have n − 1 in the divisor."
)
LOAD_EXPORT_COLUMNS = (
    "distance_7_days_m",  # float, NaN until 7 covered days
    "distance_28_days_m",  # float, NaN until 28 covered days
    "acute_chronic_ratio",  # float, coupled: the 28 days hold the 7
    "acute_chronic_ratio_uncoupled",  # float, 7 days against the mean week of the 21 before
    "session_load_7_days_au",  # float, NaN if a run of the 7 days did not tell its effort
    "monotony",  # float, NaN if not known or all 7 daily loads are equal
    "strain_au",  # float, NaN likewise
)

RULE = Rule(
    name="load_for_export",
    title="Acute:chronic ratio, monotony and strain",
    says=CAVEAT,
    strength=Strength.LABORATORY,
    sources=(
        Source(
            "Lolli 2019, Br J Sports Med 53:921",
            "The coupling of the two parts of the ratio inflates their correlation.",
            Strength.LABORATORY,
        ),
        Source(
            "Impellizzeri 2021, doi 10.1007/s40279-020-01378-6",
            "Contrived and random denominators gave comparable odds ratios; c-statistic .574 against .5.",
            Strength.LABORATORY,
        ),
        Source(
            "Schuster Brandt Frandsen 2025, Br J Sports Med 59:1203, doi 10.1136/bjsports-2024-109380",
            "In 5,205 runners a higher acute:chronic ratio went with fewer injuries, not with more.",
            Strength.COHORT,
        ),
    ),
    criticism="A sweet spot of 0.8 to 1.3 lacks support. Monotony explodes when all days are alike.",
    may_say="Nothing: for export alone.",
    may_not_say="Injury risk, a sweet spot, overtraining.",
)


def acute_chronic_ratio(weeks_m: tuple[float, float, float, float], *, coupled: bool) -> float | None:
    """
    Divide the newest week by the mean week of the last four, or of the three before it.

    Parameters
    ----------
    weeks_m : tuple of 4 floats
        Metres of four stretches of seven days, oldest first.
    coupled : bool
        Whether the mean holds the newest week itself.

    Returns
    -------
    float or None
        None if a week is not known (NaN) or the mean is 0.

    Examples
    --------
    >>> round(acute_chronic_ratio((20, 20, 20, 30), coupled=True), 3), acute_chronic_ratio((20, 20, 20, 30), coupled=False)
    (1.333, 1.5)
    """
    weeks = weeks_m if coupled else weeks_m[:-1]
    mean = sum(weeks) / len(weeks)
    return weeks_m[-1] / mean if mean > 0 and not np.isnan(weeks_m[-1]) else None


def monotony(daily_loads: Floats) -> float | None:
    """
    Divide the mean of daily loads by their standard deviation (n − 1 in its divisor), rest days in as 0.

    Parameters
    ----------
    daily_loads : ndarray of float64
        Loads of seven days.

    Returns
    -------
    float or None
        None if a load is not known (NaN), there are fewer than two, or all are equal.

    Examples
    --------
    >>> round(monotony(np.array([225.0, 0, 150, 0, 180, 0, 420])), 4)
    0.8925
    """
    if daily_loads.size < 2 or np.isnan(daily_loads).any() or np.ptp(daily_loads) == 0:
        return None
    return float(daily_loads.mean() / daily_loads.std(ddof=1))


def strain_au(daily_loads: Floats) -> float | None:
    """
    Multiply the load of the days by their monotony.

    See `monotony` for parameters and edges.

    Examples
    --------
    >>> round(strain_au(np.array([225.0, 0, 150, 0, 180, 0, 420])), 2)
    870.22
    """
    ratio = monotony(daily_loads)
    return None if ratio is None else float(daily_loads.sum()) * ratio


def load_export(runs: pd.DataFrame, *, coverage: Coverage | None, as_of: date) -> pd.DataFrame:
    """
    Give the ratios of each covered day, for a file. `CAVEAT` goes with it.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order. Runs after `as_of` are ignored.
    coverage : Coverage or None
        First and last day of logging.
    as_of : date
        Last day of the frame.

    Returns
    -------
    DataFrame
        LOAD_EXPORT_COLUMNS, indexed by `day` (datetime64) from the first covered day to `as_of`. NaN where not every day that
        enters is known, or where the formula has no value. Empty without coverage.
    """
    by_day = daily_distance(runs, coverage=coverage, as_of=as_of)
    load = _daily_session_load(runs, by_day)
    acute, chronic = _sums(floats(by_day), ACUTE_DAYS), _sums(floats(by_day), CHRONIC_DAYS)
    loads = np.full((by_day.size, ACUTE_DAYS), np.nan)
    if by_day.size >= ACUTE_DAYS:
        loads[ACUTE_DAYS - 1 :] = np.lib.stride_tricks.sliding_window_view(load, ACUTE_DAYS)
    monotonies = np.array([_or_nan(monotony(days)) for days in loads], dtype=np.float64)
    total = loads.sum(axis=1)
    mean_week, mean_before = chronic / 4, (chronic - acute) / 3
    columns = [
        acute,
        chronic,
        np.where(mean_week > 0, acute / np.where(mean_week > 0, mean_week, 1), np.nan),
        np.where(mean_before > 0, acute / np.where(mean_before > 0, mean_before, 1), np.nan),
        total,
        monotonies,
        total * monotonies,
    ]
    return pd.DataFrame(dict(zip(LOAD_EXPORT_COLUMNS, columns, strict=True)), index=by_day.index)


def _daily_session_load(runs: pd.DataFrame, by_day: pd.Series) -> Floats:
    """Load of each day: 0 on a covered day of rest, NaN where a run of the day did not tell its effort."""
    daily = np.where(np.isnan(floats(by_day)), np.nan, 0.0)
    if not by_day.size:
        return daily
    place = day_numbers(runs["run_date"]) - int(day_numbers(by_day.index[:1].to_series())[0])
    inside = (place >= 0) & (place < by_day.size)
    np.add.at(daily, place[inside], session_load_au(runs)[inside])
    return daily


def _sums(daily: Floats, days: int) -> Floats:
    sums = np.full(daily.size, np.nan)
    if daily.size >= days:
        sums[days - 1 :] = np.lib.stride_tricks.sliding_window_view(daily, days).sum(axis=1)
    return sums


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
