"""The weeks that lie ahead, as the confirmed plan has them: for the patient's screens and paper."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from models import day_number, day_of
from rehab.days import day_numbers
from rehab.plan import PlanWeek, plan_weeks

WEEKS_SHOWN = 2


@dataclass(frozen=True)
class PlannedWeek:
    """One week ahead by its first day, and what is planned for it; None without a plan."""

    first_day: date
    plan: PlanWeek | None


def next_weeks(
    plans: pd.DataFrame, listed: pd.DataFrame, *, as_of: date, week_start: int, ended_on: date | None, count: int = WEEKS_SHOWN
) -> tuple[PlannedWeek, ...]:
    """
    Give the weeks that begin on a day or after it, with the plan that counts in each.

    A version may list weeks of its own: their distance, runs and longest run go before the version's.

    Parameters
    ----------
    plans : DataFrame
        PLAN_COLUMNS, in any order, also versions that are valid later.
    listed : DataFrame
        PLAN_WEEK_COLUMNS.
    as_of : date
        The patient's day. If it begins a week, that week is the first.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    ended_on : date or None
        Last day of the episode: no plan after it.

    Returns
    -------
    tuple of PlannedWeek
        `count` weeks, oldest first.
    """
    first = day_number(as_of) + (week_start - as_of.weekday()) % 7
    weeks = np.arange(first, first + 7 * count, 7, dtype=np.int64)
    versions = plan_weeks(plans, weeks, ended_on=ended_on)
    return tuple(_planned(int(week), plan, listed) for week, plan in zip(weeks, versions, strict=True))


def _planned(week: int, plan: PlanWeek | None, listed: pd.DataFrame) -> PlannedWeek:
    if plan is None:
        return PlannedWeek(day_of(week), None)
    here = listed[(listed["version"] == plan.version).to_numpy(dtype=bool) & (day_numbers(listed["week_start"]) == week)]
    for row in _rows(here):
        plan = replace(
            plan,
            weekly_distance_m=_whole(row["distance_m"], plan.weekly_distance_m),
            runs_per_week=plan.runs_per_week if math.isnan(row["runs"]) else row["runs"],
            run_ceiling_m=_whole(row["longest_run_m"], plan.run_ceiling_m),
        )
    return PlannedWeek(day_of(week), plan)


def _rows(listed: pd.DataFrame) -> Sequence[dict[str, float]]:
    names = ["distance_m", "runs", "longest_run_m"]
    return [dict(zip(names, (float(value) for value in row), strict=True)) for row in listed[names].itertuples(index=False, name=None)]


def _whole(metres: float, otherwise: int | None) -> int | None:
    return otherwise if math.isnan(metres) else int(metres)
