"""One run against the longest run of the 30 days before it: the first number to look at for load."""

from datetime import date

import numpy as np
import pandas as pd

from models import day_number
from rehab.days import Columns, Days, Floats, day_numbers
from rehab.rules import Limit, Rule, Source, Strength

LONGEST_RUN_DAYS = 30  # the days before the run's own; the run itself never counts
# Percent of the longest run. On the limit the lower band counts; whole metres are compared, so that 1.10 is 1.10.
REFERENCE_MAX_PERCENT, SMALL_MAX_PERCENT, MODERATE_MAX_PERCENT = 110, 130, 200

REFERENCE, SMALL, MODERATE, LARGE, NO_RUN = "reference", "small", "moderate", "large", "no run in 30 days"

RULE = Rule(
    name="single_session_ratio",
    title="One run against the longest of the last 30 days",
    says=(
        "The distance of a run, divided by the longest single run of the 30 days before its day. Earlier runs of the same day count as history. "
        "Without a run in that time there is no ratio."
    ),
    strength=Strength.COHORT,
    limits=(
        Limit("reference band", REFERENCE_MAX_PERCENT / 100, "", "≤ 1.10; on the limit is reference"),
        Limit("small spike", SMALL_MAX_PERCENT / 100, "", "> 1.10 and ≤ 1.30"),
        Limit("moderate spike", MODERATE_MAX_PERCENT / 100, "", "> 1.30 and ≤ 2.00; above it the spike is large"),
        Limit("days looked back", LONGEST_RUN_DAYS, "days", "from 30 days before the run's day to the day before it, both inside"),
    ),
    sources=(
        Source(
            "Schuster Brandt Frandsen 2025, Br J Sports Med 59:1203, doi 10.1136/bjsports-2024-109380",
            "5,205 runners, 588,071 sessions, 18 months: runs over the reference went with more injuries, rate ratio 1.64 (1.31–2.05) for a "
            "small, 1.52 (1.16–2.00) for a moderate and 2.28 (1.50–3.48) for a large spike; no link for the week-to-week ratio.",
            Strength.COHORT,
        ),
    ),
    criticism=(
        "Observed, not tried out; injuries told by the runners themselves, who were uninjured at the start, 78 % men, on average 45.8 years old. "
        "The figures do not rise steadily from band to band. It says nothing about pain in rehabilitation."
    ),
    may_say="Longer than anything in the last 30 days, by so much; in a large study of uninjured runners such runs went with more injuries.",
    may_not_say="That this patient's injury risk is higher by any percentage; that a run within the band is safe.",
)


def ratio_band(distance_m: int, longest_m: int | None) -> str:
    """
    Name the band of one run.

    Parameters
    ----------
    distance_m : int
        Metres of the run.
    longest_m : int or None
        Metres of the longest run of the 30 days before; None or 0 if there was none.

    Returns
    -------
    str
        "reference", "small", "moderate", "large" or "no run in 30 days".

    Examples
    --------
    >>> ratio_band(11_000, 10_000), ratio_band(11_001, 10_000), ratio_band(11_000, None)
    ('reference', 'small', 'no run in 30 days')
    """
    if not longest_m:
        return NO_RUN
    limits = ((REFERENCE_MAX_PERCENT, REFERENCE), (SMALL_MAX_PERCENT, SMALL), (MODERATE_MAX_PERCENT, MODERATE))
    return next((band for percent, band in limits if 100 * distance_m <= percent * longest_m), LARGE)


def longest_run_before(runs: pd.DataFrame, day: date) -> int | None:
    """
    Find the longest run of the 30 days before a day on which the next run is to be, and of that day itself.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order. Runs after `day` are ignored; those of the day itself came before the next run.
    day : date
        The patient's local day of the run to come.

    Returns
    -------
    int or None
        Metres; None without a run (of more than 0 m) in that time.
    """
    age = day_number(day) - day_numbers(runs["run_date"])
    distance = runs["distance_m"].to_numpy(dtype=np.int64)[(age >= 0) & (age <= LONGEST_RUN_DAYS)]
    return int(distance.max()) or None if distance.size else None


def session_ratios(runs: pd.DataFrame) -> pd.DataFrame:
    """
    Compare each run with the longest run of the 30 days before it.

    Of the same day only runs that started earlier count as history: of two that start at the same instant (typed in without a time)
    neither is the other's. A run of 0 m is no history, as nothing can be divided by it.

    Parameters
    ----------
    runs : DataFrame
        `run_id`, `run_date`, `started_at_utc` and `distance_m` (whole metres, none missing), in any order. Give the whole history of the
        patient: what is not in it was not run.

    Returns
    -------
    DataFrame
        Indexed by `run_id` in the order of `runs`: `longest_30_days_m` (float, NaN without a run in 30 days), `session_ratio` (float, NaN
        likewise), `session_ratio_band` (str: reference, small, moderate, large, "no run in 30 days"). The band is told from whole
        metres, not from the ratio.

    References
    ----------
    Schuster Brandt Frandsen (2025), Br J Sports Med 59:1203.

    Examples
    --------
    >>> days = pd.to_datetime(["2025-03-01", "2025-03-04"])
    >>> runs = pd.DataFrame({"run_id": [1, 2], "run_date": days, "started_at_utc": days, "distance_m": [10_000, 12_000]})
    >>> session_ratios(runs)["session_ratio_band"].tolist()
    ['no run in 30 days', 'small']
    """
    distance = runs["distance_m"].to_numpy(dtype=np.int64)
    longest = _longest_before(runs)
    known = longest > 0
    bands = np.select(
        [~known, *(100 * distance <= percent * longest for percent in (REFERENCE_MAX_PERCENT, SMALL_MAX_PERCENT, MODERATE_MAX_PERCENT))],
        [NO_RUN, REFERENCE, SMALL, MODERATE],
        LARGE,
    )
    return pd.DataFrame(
        {
            "longest_30_days_m": np.where(known, longest, np.nan),
            "session_ratio": np.where(known, distance / np.where(known, longest, 1), np.nan),
            "session_ratio_band": bands.astype(object),
        },
        index=pd.Index(runs["run_id"], name="run_id"),
    )


def longest_runs_before(runs: Columns) -> Floats:
    """
    Give the column `longest_30_days_m` of `session_ratios` and nothing else, for who looks at many patients.

    Returns
    -------
    ndarray of float64
        In the order of `runs`; NaN without a run in the 30 days before.
    """
    longest = _longest_before(runs)
    return np.where(longest > 0, longest, np.nan)


def _longest_before(runs: Columns) -> Days:
    """Longest run before each, those that started earlier on its day included; 0 without one."""
    days = day_numbers(runs["run_date"])
    distance = runs["distance_m"].to_numpy(dtype=np.int64)
    longest = _longest_of_days_before(days, distance)
    started = runs["started_at_utc"].to_numpy(dtype="datetime64[us]").astype(np.int64)
    for rows in _rows_of_days_with_several(days):
        for row in rows:
            earlier = rows[started[rows] < started[row]]
            longest[row] = max(longest[row], *distance[earlier]) if earlier.size else longest[row]
    return longest


def _longest_of_days_before(days: Days, distance: Days) -> Days:
    """Longest run of the 30 days before the day of each run, 0 without one."""
    if not days.size:
        return np.empty(0, np.int64)
    order = np.argsort(days, kind="stable")
    run_days, first = np.unique(days[order], return_index=True)
    of_day = np.maximum.reduceat(distance[order], first)
    from_place = np.searchsorted(run_days, run_days - LONGEST_RUN_DAYS)
    # At most 30 days with a run lie in a window: look at the one before, the one before that, …
    longest = np.zeros(run_days.size, np.int64)
    place = np.arange(run_days.size)
    for back in range(1, int((place - from_place).max()) + 1):
        inside = place - back >= from_place
        longest[inside] = np.maximum(longest[inside], of_day[place[inside] - back])
    return longest[np.searchsorted(run_days, days)]


def _rows_of_days_with_several(days: Days) -> list[Days]:
    order = np.argsort(days, kind="stable")
    _, first, count = np.unique(days[order], return_index=True, return_counts=True)
    return [order[start : start + number] for start, number in zip(first[count > 1], count[count > 1], strict=True)]
