"""Calendar weeks: what is known of each, from runs and scores or from the rows kept for them."""

from datetime import date

import numpy as np
import pandas as pd

from models import NPRS_COUNT_COLUMNS, RUN_WEEK_COLUMNS, PainMoment, Side, day_number, week_number
from rehab.days import Coverage, Days, Floats, coverage_until, day_numbers, floats, timestamps, week_numbers
from rehab.pain import median_of_counts, scores_of, weekly_pain, worst_of_counts

WEEK_COLUMNS = (
    "week_start",  # datetime64, first day
    "logged",  # bool: the whole week (up to as_of) lies inside the coverage, or it has a run
    "days_logged",  # int 0-7: days of the week inside the coverage
    "so_far",  # bool: the week of as_of, not yet over
    "distance_m",  # float, NaN if not logged
    "runs",  # float, NaN if not logged
    "longest_run_m",  # float, NaN if not logged or no run
    "planned_distance_m",  # float, NaN without a plan
    "running_cadence_spm",  # float, time-weighted mean, NaN if no run has it
    "cadence_at_equal_speed_spm",  # float, median of the runs, NaN if none
    "pain_next_morning_median",  # float, NaN without a score
    "pain_next_morning_max",  # float, NaN without a score
    "pain_scores",  # int, next-morning scores of the episode's side
)


def weekly_runs(runs: pd.DataFrame, *, week_start: int) -> pd.DataFrame:
    """
    Total the runs of each week that has one.

    Cadence is summed over the runs that have both a running cadence and a running time: `running_steps` is cadence × minutes, in whole
    steps a run.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday. The week is that of `run_date`, the patient's local day.

    Returns
    -------
    DataFrame
        RUN_WEEK_COLUMNS, ordered by week: the rows that the table `patient_week` holds for a patient.
    """
    weeks = week_numbers(day_numbers(runs["run_date"]), week_start)
    order = np.lexsort((runs["run_id"].to_numpy(dtype=np.int64), weeks))
    weeks = weeks[order]
    first = np.flatnonzero(np.concatenate(([True], weeks[1:] != weeks[:-1]))) if weeks.size else np.empty(0, np.int64)
    if not first.size:
        return pd.DataFrame({name: pd.Series([], dtype=float if name == "running_steps" else np.int64) for name in RUN_WEEK_COLUMNS})
    distance = runs["distance_m"].to_numpy(dtype=np.int64)[order]
    moving = runs["moving_time_s"].to_numpy(dtype=np.int64)[order]
    cadence, running_time = floats(runs["running_cadence_spm"])[order], floats(runs["running_time_s"])[order]
    has_cadence = ~np.isnan(cadence) & ~np.isnan(running_time)
    columns = [
        weeks[first],
        np.diff(np.append(first, weeks.size)),
        np.add.reduceat(distance, first),
        np.maximum.reduceat(distance, first),
        np.add.reduceat(moving, first),
        np.add.reduceat(has_cadence.astype(np.int64), first),
        np.add.reduceat(np.where(has_cadence, running_time, 0.0), first).astype(np.int64),
        np.add.reduceat(np.where(has_cadence, np.floor(cadence * running_time / 60 + 0.5), 0.0), first),
    ]
    return pd.DataFrame(dict(zip(RUN_WEEK_COLUMNS, columns, strict=True)))


def week_table(
    runs: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    side: Side,
    week_start: int,
    as_of: date,
    coverage: Coverage | None,
    plans: pd.DataFrame | None = None,
    ended_on: date | None = None,
    equal_speed: pd.Series | None = None,
) -> pd.DataFrame:
    """
    Make the table of weeks from runs and scores; those after `as_of` are ignored.

    The same as `week_table_from_rows` on `weekly_runs` and `weekly_pain`, which see for the other parameters and the result.

    Parameters
    ----------
    runs, scores : DataFrame
        RUN_COLUMNS and PAIN_COLUMNS, in any order; scores of every moment and side.
    """
    last = day_number(as_of)
    known_runs = runs[day_numbers(runs["run_date"]) <= last]
    mornings = scores_of(scores, PainMoment.NEXT_MORNING, side)
    return week_table_from_rows(
        weekly_runs(known_runs, week_start=week_start),
        weekly_pain(mornings[day_numbers(mornings["for_date"]) <= last], week_start=week_start),
        side=side,
        week_start=week_start,
        as_of=as_of,
        coverage=coverage,
        plans=plans,
        ended_on=ended_on,
        equal_speed=equal_speed,
    )


def week_table_from_rows(
    run_weeks: pd.DataFrame,
    pain_weeks: pd.DataFrame,
    *,
    side: Side,
    week_start: int,
    as_of: date,
    coverage: Coverage | None,
    plans: pd.DataFrame | None = None,
    ended_on: date | None = None,
    equal_speed: pd.Series | None = None,
) -> pd.DataFrame:
    """
    Make the table of weeks from one row a week.

    A week is logged if all its days up to `as_of` lie inside the coverage, or if it has a run. A logged week without a run is
    0 m; one that is not logged is NaN, never 0.

    Parameters
    ----------
    run_weeks : DataFrame
        RUN_WEEK_COLUMNS of one patient, one row a week with a run.
    pain_weeks : DataFrame
        PAIN_WEEK_COLUMNS of one patient, any moments and sides. Weeks after that of `as_of` are ignored in both; the week of
        `as_of` is taken as it stands.
    side : Side
        The episode's side: scores of no other enter.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday; the rows must have been made with it.
    as_of : date
        The table ends with the week of this day.
    coverage : Coverage or None
        First and last day of logging.
    plans : DataFrame or None
        PLAN_COLUMNS. For each week the version that `plan_of_weeks` names counts, even if it names no distance.
    ended_on : date or None
        Last day of the episode: weeks that begin later have no plan.
    equal_speed : Series or None
        Steps per minute at equal speed, one value a run (NaN allowed), indexed by the run's local day (datetime64).

    Returns
    -------
    DataFrame
        WEEK_COLUMNS, one row for every calendar week from the first that has coverage, a run or a score to that of `as_of`. Empty if
        nothing is known.
    """
    known = coverage_until(coverage, as_of)
    last_day, last_week = day_number(as_of), week_number(as_of, week_start)
    run_week = run_weeks["week"].to_numpy(dtype=np.int64)
    mornings = scores_of(pain_weeks, PainMoment.NEXT_MORNING, side)
    pain_week = mornings["week"].to_numpy(dtype=np.int64)
    starts = np.concatenate([run_week, pain_week, [week_number(known.first_day, week_start)] if known else []]).astype(np.int64)
    starts = starts[starts <= last_week]
    weeks = np.arange(starts.min(), last_week + 1, 7) if starts.size else np.empty(0, np.int64)
    ends = weeks + 6

    run_rows, run_at = _rows_at(run_week, weeks)
    pain_rows, pain_at = _rows_at(pain_week, weeks)
    runs = _placed(run_weeks["runs"], run_rows, run_at, weeks.size)
    distance = _placed(run_weeks["distance_m"], run_rows, run_at, weeks.size)
    longest = _placed(run_weeks["longest_run_m"], run_rows, run_at, weeks.size)
    running_time = _placed(run_weeks["running_time_s"], run_rows, run_at, weeks.size)
    running_steps = _placed(run_weeks["running_steps"], run_rows, run_at, weeks.size)
    counts = np.zeros((weeks.size, len(NPRS_COUNT_COLUMNS)), np.int64)
    counts[pain_at] = mornings[list(NPRS_COUNT_COLUMNS)].to_numpy(dtype=np.int64)[pain_rows]

    until = np.minimum(ends, last_day)
    days_logged = np.zeros(weeks.size, np.int64)
    if known:
        inside = np.minimum(until, day_number(known.last_day)) - np.maximum(weeks, day_number(known.first_day)) + 1
        days_logged = np.maximum(inside, 0)
    logged = (days_logged == until - weeks + 1) | (runs > 0)
    has_cadence = running_time > 0
    columns = [
        timestamps(weeks),
        logged,
        days_logged,
        ends > last_day,
        np.where(logged, distance, np.nan),
        np.where(logged, runs, np.nan),
        np.where(runs > 0, longest, np.nan),
        _planned(plans, weeks, ended_on),
        np.where(has_cadence, 60 * running_steps / np.where(has_cadence, running_time, 1), np.nan),
        _weekly_median(equal_speed, weeks, week_start),
        median_of_counts(counts),
        worst_of_counts(counts),
        counts.sum(axis=1),
    ]
    return pd.DataFrame(dict(zip(WEEK_COLUMNS, columns, strict=True)))


def plan_of_weeks(plans: pd.DataFrame, weeks: Days, *, ended_on: date | None) -> Days:
    """
    Tell which version of a plan counts in each week, for distance and cadence alike.

    Parameters
    ----------
    plans : DataFrame
        PLAN_COLUMNS, in any order.
    weeks : ndarray of int64
        Day numbers of the weeks' first days.
    ended_on : date or None
        Last day of the episode: weeks that begin later have no plan.

    Returns
    -------
    ndarray of int64
        For each week the row, by place, of the highest version that is valid from the week's last day or earlier; -1 without one.
    """
    rows = np.full(weeks.size, -1, np.int64)
    valid_from = day_numbers(plans["valid_from"])
    for row in np.argsort(plans["version"].to_numpy(dtype=np.int64)):
        rows[weeks + 6 >= valid_from[row]] = row
    if ended_on is not None:
        rows[weeks > day_number(ended_on)] = -1
    return rows


def weekly_distance(runs: pd.DataFrame, *, week_start: int, as_of: date, coverage: Coverage | None) -> pd.Series:
    """
    Total the distance of each calendar week.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order; those after `as_of` are ignored.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    as_of : date
        The last week is that of this day.
    coverage : Coverage or None
        First and last day of logging: a week outside it is NaN, one inside it without a run 0.

    Returns
    -------
    Series
        Metres a week, indexed by `week_start` (datetime64).
    """
    known = runs[day_numbers(runs["run_date"]) <= day_number(as_of)]
    no_scores = pd.DataFrame({name: [] for name in ("week", "moment", "side", *NPRS_COUNT_COLUMNS)})
    weeks = week_table_from_rows(
        weekly_runs(known, week_start=week_start), no_scores, side=Side.UNSPECIFIED, week_start=week_start, as_of=as_of, coverage=coverage
    )
    return weeks.set_index("week_start")["distance_m"]


def _rows_at(row_weeks: Days, weeks: Days) -> tuple[Days, Days]:
    """Rows that fall into the table, and their place in it."""
    if not weeks.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rows = np.flatnonzero((row_weeks >= weeks[0]) & (row_weeks <= weeks[-1]))
    return rows, (row_weeks[rows] - weeks[0]) // 7


def _placed(column: pd.Series, rows: Days, at: Days, size: int) -> Floats:
    placed = np.zeros(size)
    placed[at] = floats(column)[rows]
    return placed


def _planned(plans: pd.DataFrame | None, weeks: Days, ended_on: date | None) -> Floats:
    if plans is None or plans.empty:
        return np.full(weeks.size, np.nan)
    rows = plan_of_weeks(plans, weeks, ended_on=ended_on)
    return np.where(rows >= 0, floats(plans["weekly_distance_m"])[rows], np.nan)


def _weekly_median(values: pd.Series | None, weeks: Days, week_start: int) -> Floats:
    medians = np.full(weeks.size, np.nan)
    if values is None or not weeks.size:
        return medians
    known = values[values.notna()]
    value = floats(known)
    rows, at = _rows_at(week_numbers(day_numbers(known.index.to_series()), week_start), weeks)
    order = np.lexsort((value[rows], at))
    value, at = value[rows][order], at[order]
    place, first, count = np.unique(at, return_index=True, return_counts=True)
    medians[place] = (value[first + (count - 1) // 2] + value[first + count // 2]) / 2
    return medians
