"""What no version of a plan may say: checked before it is saved."""

import math
from dataclasses import fields
from datetime import date, timedelta

from models import CADENCE_MAX_SPM, CADENCE_MIN_SPM, DISTANCE_MAX_M, SPEED_MAX_M_S, day_number, week_number
from rehab.days import day_words
from rehab.plan import PlanWeek

# What would read 0.0 mi is no plan either: the least that is planned, on the limit it is one.
PLANNED_MIN_M = 81
# In all, so that a slip of the finger is noticed.
RUNS_PER_WEEK_MAX, STRENGTH_SESSIONS_MAX, DAYS_AHEAD_MAX = 21, 21, 366
PART_MAX_S = 4 * 3600

_ABOUT_THE_VERSION = frozenset({"version", "valid_from", "reason", "author"})


def plan_refusals(new: PlanWeek, *, previous: PlanWeek | None, as_of: date, week_start: int, ended_on: date | None) -> tuple[str, ...]:
    """
    Say what is wrong with a new version of a plan.

    No version plans 0: neither a distance, nor a ceiling, nor a number of runs. It begins with a week that is not over yet: what was planned
    for the weeks before stays as it was. Its numbers must go together: a run is never longer than the week, and the runs of the week, each at
    its ceiling, reach the week's distance.

    Parameters
    ----------
    new : PlanWeek
        What is to be saved.
    previous : PlanWeek or None
        The version that it replaces.
    as_of : date
        The patient's local day.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    ended_on : date or None
        Last day of the episode.

    Returns
    -------
    tuple of str
        One plain sentence for each thing to mend; empty if it can be saved.
    """
    return (*_wrong_dates(new, as_of, week_start, ended_on), *_wrong_distances(new), *_wrong_rest(new), *_nothing_said(new, previous))


def _wrong_dates(new: PlanWeek, as_of: date, week_start: int, ended_on: date | None) -> list[str]:
    wrong = []
    if new.valid_from.weekday() != week_start:
        wrong.append(f"A plan begins with a week. {day_words(new.valid_from)} is not the first day of one.")
    if day_number(new.valid_from) < week_number(as_of, week_start):
        wrong.append("That week is over. A new version begins with this week or a later one; what was planned before stays.")
    if new.valid_from > as_of + timedelta(days=DAYS_AHEAD_MAX):
        wrong.append(f"{day_words(new.valid_from)} is more than a year ahead. Check the year.")
    if ended_on is not None and new.valid_from > ended_on:
        wrong.append(f"The episode ended on {day_words(ended_on)}.")
    return wrong


def _wrong_distances(new: PlanWeek) -> list[str]:
    wrong = []
    week, ceiling, runs = new.weekly_distance_m, new.run_ceiling_m, new.runs_per_week
    for words, distance in (("The week's distance", week), ("The longest run", ceiling)):
        if distance is not None and not PLANNED_MIN_M <= distance <= DISTANCE_MAX_M:
            wrong.append(f"{words} is above 0 and at most {DISTANCE_MAX_M // 1000} km. Leave it empty to plan none; 0 is never planned.")
    if runs is not None and not _is_whole(runs, 1, RUNS_PER_WEEK_MAX):
        wrong.append(f"Runs a week are a whole number from 1 to {RUNS_PER_WEEK_MAX}. Leave it empty to plan none.")
    elif week and ceiling and runs and runs * ceiling < week:
        wrong.append("The runs of the week, each as long as allowed, do not reach the week's distance. Change one of the three.")
    if week and ceiling and ceiling > week:
        wrong.append("The longest run is longer than the week. Lower it, or raise the week's distance.")
    return wrong


def _wrong_rest(new: PlanWeek) -> list[str]:
    wrong = []
    parts = (new.run_part_s, new.walk_part_s)
    if any(part is not None for part in parts) and not all(part is not None and 0 < part <= PART_MAX_S for part in parts):
        wrong.append("A run-walk split has a time to run and a time to walk, both above 0. Leave both empty for running without walking.")
    low, high = new.cadence_target_low_spm, new.cadence_target_high_spm
    if low is not None or high is not None:
        if low is None or high is None:
            wrong.append("A cadence target has a lower and an upper end, in steps a minute.")
        elif not CADENCE_MIN_SPM <= low <= high <= CADENCE_MAX_SPM:
            wrong.append(f"A cadence target lies between {CADENCE_MIN_SPM:g} and {CADENCE_MAX_SPM:g} steps a minute, the lower end first.")
    if new.speed_limit_m_s is not None and not 0 < new.speed_limit_m_s <= SPEED_MAX_M_S:
        wrong.append("The fastest pace allowed cannot be right.")
    strength = new.strength_sessions_per_week
    if strength is not None and not _is_whole(strength, 0, STRENGTH_SESSIONS_MAX):
        wrong.append(f"Strength sessions a week are a whole number from 0 to {STRENGTH_SESSIONS_MAX}.")
    return wrong


def _nothing_said(new: PlanWeek, previous: PlanWeek | None) -> list[str]:
    wrong = []
    about_running = [field.name for field in fields(PlanWeek) if field.name not in _ABOUT_THE_VERSION]
    if all(getattr(new, name) in {None, ""} for name in about_running):
        wrong.append("The plan says nothing yet. Set at least one thing.")
    elif previous is not None and all(getattr(new, name) == getattr(previous, name) for name in about_running):
        wrong.append("Nothing is different from the plan as it is.")
    if not new.reason.strip():
        wrong.append("Say in a few words why.")
    return wrong


def _is_whole(number: float, low: int, high: int) -> bool:
    return low <= number <= high and number == math.floor(number)
