"""What the clinic planned for a week: the version that counts, what changed between two, and what was more than planned."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from models import DistanceUnit, week_number
from rehab.days import Days
from rehab.rules import Limit, Rule, Strength
from rehab.units import distance_text, pace_text, round_half_up
from rehab.weekly import plan_of_weeks

WEEK_OVER_PERCENT = 10  # more than that over the week's distance is over plan; on the limit it is not. Whole metres are compared

RULE = Rule(
    name="over_plan",
    title="More than planned",
    says="A run longer than the plan's ceiling for one run, or a week more than 10 % over the plan's distance.",
    strength=Strength.CLINIC,
    limits=(
        Limit("run against its ceiling", 1.0, "", "> the ceiling, in whole metres; on the ceiling is kept"),
        Limit("week against the plan", 1 + WEEK_OVER_PERCENT / 100, "", "> 1.10; on the limit is silent"),
    ),
    criticism="A watch measures a run to about 1 %, so a run on the ceiling may be told as over it.",
    may_say="By how much a run or a week was longer than agreed.",
    may_not_say="That it did harm.",
)


@dataclass(frozen=True)
class PlanWeek:
    """
    One version of a plan, as it counts for a week. What it does not set is None (or "" for a text).

    Attributes
    ----------
    version : int
        1 for the first.
    valid_from : date
        First day of the first week that it is for.
    weekly_distance_m, run_ceiling_m : int or None
        Metres of the week, and the longest single run.
    runs_per_week, strength_sessions_per_week : float or None
        How many.
    run_part_s, walk_part_s : float or None
        Run-walk split: seconds of running, then of walking.
    cadence_target_low_spm, cadence_target_high_spm : float or None
        Band of cadence aimed at, steps per minute of both feet.
    speed_limit_m_s : float or None
        No faster than this.
    surface_limit : str
        In words, such as "flat, no trail".
    reason, author : str
        Why, and by whom.
    """

    version: int
    valid_from: date
    weekly_distance_m: int | None = None
    runs_per_week: float | None = None
    run_ceiling_m: int | None = None
    run_part_s: float | None = None
    walk_part_s: float | None = None
    cadence_target_low_spm: float | None = None
    cadence_target_high_spm: float | None = None
    speed_limit_m_s: float | None = None
    surface_limit: str = ""
    strength_sessions_per_week: float | None = None
    reason: str = ""
    author: str = ""


# What a plan can set, in the order in which it is read out: words, and how the value of a version is written ("" if not set).
_SET: tuple[tuple[str, Callable[[PlanWeek, DistanceUnit], str]], ...] = (
    ("week's distance", lambda plan, unit: "" if plan.weekly_distance_m is None else distance_text(plan.weekly_distance_m, unit, places=1)),
    ("runs a week", lambda plan, _unit: "" if plan.runs_per_week is None else f"{plan.runs_per_week:g}"),
    ("longest run", lambda plan, unit: "" if plan.run_ceiling_m is None else distance_text(plan.run_ceiling_m, unit, places=1)),
    ("run-walk", lambda plan, _unit: _run_walk(plan)),
    ("cadence", lambda plan, _unit: _cadence(plan)),
    ("no faster than", lambda plan, unit: "" if plan.speed_limit_m_s is None else pace_text(plan.speed_limit_m_s, unit)),
    ("surface", lambda plan, _unit: plan.surface_limit),
    (
        "strength sessions a week",
        lambda plan, _unit: "" if plan.strength_sessions_per_week is None else f"{plan.strength_sessions_per_week:g}",
    ),
)


def plan_weeks(plans: pd.DataFrame, weeks: Days, *, ended_on: date | None) -> tuple[PlanWeek | None, ...]:
    """
    Give the version of the plan that counts in each week.

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
    tuple of PlanWeek or None
        For each week the highest version that is valid from the week's last day or earlier (`rehab.weekly.plan_of_weeks`); None without one.
    """
    rows = plan_of_weeks(plans, weeks, ended_on=ended_on).tolist()
    versions = {row: _plan_week(plans.iloc[row].to_dict()) for row in set(rows) if row >= 0}
    return tuple(versions.get(row) for row in rows)


def plan_versions(plans: pd.DataFrame) -> tuple[PlanWeek, ...]:
    """Give each version of a plan, in the order of the rows (PLAN_COLUMNS)."""
    return tuple(_plan_week({str(name): value for name, value in row.items()}) for row in plans.to_dict("records"))


def plan_on(plans: pd.DataFrame, day: date, *, week_start: int, ended_on: date | None) -> PlanWeek | None:
    """
    Give the version of the plan that counts in the week of a day.

    See `plan_weeks`. `week_start` is the first day of the week, 0 Monday … 6 Sunday.
    """
    return plan_weeks(plans, np.array([week_number(day, week_start)], dtype=np.int64), ended_on=ended_on)[0]


def plan_words(plan: PlanWeek, unit: DistanceUnit) -> tuple[str, ...]:
    """
    Say what a version sets, one thing a line, in the patient's unit.

    Examples
    --------
    >>> plan_words(PlanWeek(1, date(2025, 3, 3), 20_000, 3, walk_part_s=60, run_part_s=240), DistanceUnit.KILOMETRE)
    ("week's distance 20.0 km", 'runs a week 3', 'run-walk 4:00 min and 1:00 min')
    """
    return tuple(f"{words} {value(plan, unit)}" for words, value in _SET if value(plan, unit))


def plan_difference(old: PlanWeek | None, new: PlanWeek, unit: DistanceUnit) -> tuple[str, ...]:
    """
    Say what a version changes, one thing a line, for a mark on the chart and for a note.

    Parameters
    ----------
    old : PlanWeek or None
        The version before; None for a first one.
    new : PlanWeek
        The version after.
    unit : DistanceUnit
        The patient's unit.

    Returns
    -------
    tuple of str
        Empty if nothing is different as it is shown. Version, dates, reason and author are not compared.

    Examples
    --------
    >>> old, new = (PlanWeek(version, date(2025, 3, 3), distance) for version, distance in ((1, 20_000), (2, 22_000)))
    >>> plan_difference(old, new, DistanceUnit.KILOMETRE)
    ("week's distance 20.0 km → 22.0 km",)
    """
    changes = []
    for words, value in _SET:
        before, after = "" if old is None else value(old, unit), value(new, unit)
        if before != after:
            changes.append(
                f"{words} {before} → {after}" if before and after else f"{words} {after}" if after else f"{words}: no longer set"
            )
    return tuple(changes)


def is_over_ceiling(distance_m: int, plan: PlanWeek | None) -> bool:
    """
    Tell whether a run is longer than the plan's ceiling for one run. Without a ceiling none is.

    Examples
    --------
    >>> plan = PlanWeek(1, date(2025, 3, 3), run_ceiling_m=10_000)
    >>> is_over_ceiling(10_000, plan), is_over_ceiling(10_001, plan), is_over_ceiling(10_001, None)
    (False, True, False)
    """
    return plan is not None and plan.run_ceiling_m is not None and distance_m > plan.run_ceiling_m


def is_week_over(distance_m: float | None, plan: PlanWeek | None) -> bool:
    """
    Tell whether a week is more than 10 % over the plan's distance. An unknown week and one without a planned distance are not.

    A week that is still running can be over already, never under.

    Examples
    --------
    >>> plan = PlanWeek(1, date(2025, 3, 3), 20_000)
    >>> is_week_over(22_000, plan), is_week_over(22_001, plan), is_week_over(None, plan)
    (False, True, False)
    """
    if distance_m is None or math.isnan(distance_m) or plan is None or plan.weekly_distance_m is None:
        return False
    return 100 * distance_m > (100 + WEEK_OVER_PERCENT) * plan.weekly_distance_m


def over_plan_words(distances_m: tuple[int, ...], plan: PlanWeek | None, unit: DistanceUnit) -> tuple[str, ...]:
    """
    Say what of a week's runs was over plan, one thing a line.

    Parameters
    ----------
    distances_m : tuple of int
        Metres of the runs of the week, as far as they are known.
    plan : PlanWeek or None
        The version that counts in the week.
    unit : DistanceUnit
        The patient's unit.

    Returns
    -------
    tuple of str
        Empty if nothing was.

    Examples
    --------
    >>> over_plan_words((9_000, 4_000), PlanWeek(1, date(2025, 3, 3), 11_000, None, 8_000), DistanceUnit.KILOMETRE)
    ('9.0 km in one run, 8.0 km agreed', '13.0 km in the week, 11.0 km planned')
    """
    if plan is None:
        return ()

    def pair(distance_m: int, agreed_m: int) -> tuple[str, str]:
        # with two decimals where one would show the same number twice
        places = 1 if distance_text(distance_m, unit, places=1) != distance_text(agreed_m, unit, places=1) else 2
        return distance_text(distance_m, unit, places=places), distance_text(agreed_m, unit, places=places)

    told = []
    for distance in sorted((each for each in distances_m if is_over_ceiling(each, plan)), reverse=True):
        ran, agreed = pair(distance, plan.run_ceiling_m or 0)
        told.append(f"{ran} in one run, {agreed} agreed")
    if is_week_over(sum(distances_m), plan):
        ran, agreed = pair(sum(distances_m), plan.weekly_distance_m or 0)
        told.append(f"{ran} in the week, {agreed} planned")
    return tuple(told)


def _plan_week(row: dict[str, Any]) -> PlanWeek:
    values: dict[str, Any] = {}
    for field in fields(PlanWeek):
        value = row[field.name]
        if field.name in {"surface_limit", "reason", "author"}:
            values[field.name] = "" if pd.isna(value) else str(value)
        elif field.name == "valid_from":
            values[field.name] = pd.Timestamp(value).date()
        elif pd.isna(value):
            values[field.name] = None
        else:
            values[field.name] = int(value) if field.name in {"version", "weekly_distance_m", "run_ceiling_m"} else float(value)
    return PlanWeek(**values)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round_half_up(seconds), 60)
    return f"{minutes}:{rest:02d} min"


def _run_walk(plan: PlanWeek) -> str:
    if plan.run_part_s is None or plan.walk_part_s is None:
        return ""
    return f"{_minutes(plan.run_part_s)} and {_minutes(plan.walk_part_s)}"


def _cadence(plan: PlanWeek) -> str:
    low, high = plan.cadence_target_low_spm, plan.cadence_target_high_spm
    if low is None or high is None:
        one = low if high is None else high
        return "" if one is None else f"{'from' if high is None else 'up to'} {round_half_up(one)} steps/min"
    low, high = round_half_up(low), round_half_up(high)
    return f"{low} steps/min" if low == high else f"{low}–{high} steps/min"
