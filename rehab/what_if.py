"""What a chosen next run or week would be, beside the runner's own past. Nothing here says how the hip will answer."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from models import DistanceUnit, day_number, day_of
from rehab.days import Coverage, coverage_until, day_numbers, day_words, floats
from rehab.load import WINDOW_DAYS, DistanceChange, distance_change
from rehab.plan import PlanWeek, is_over_ceiling, is_week_over
from rehab.rules import Rule, Strength
from rehab.session_ratio import LONGEST_RUN_DAYS, NO_RUN, ratio_band
from rehab.units import cadence_text, distance_text, pace_text, round_half_up, signed_text

RULE = Rule(
    name="what_if",
    title="What if",
    says=(
        "A chosen run is compared with the longest run of the 30 days before it, a chosen week with the runner's own counted weeks, with the last week and with "
        "steps up that were made before. Steps are distance by the usual easy speed, times cadence."
    ),
    strength=Strength.CLINIC,
    criticism="High weeks were run when the hip was calm, so that the past looks better than it may turn out.",
    may_say="What this runner has done before, how often, and how it went then.",
    may_not_say="How the hip will answer; that a distance is safe.",
)


@dataclass(frozen=True)
class WhatIfRun:
    """
    A chosen run beside the runner's past.

    Attributes
    ----------
    distance_m : int
        The choice.
    longest_30_days_m, longest_on : int or None, date or None
        Longest run of the 30 days before, and its day (the latest one); None without a run.
    ratio, percent : float or None
        The choice by that run, and by how many percent it is over it (under it: negative). None without a run.
    band : str
        As `rehab.session_ratio.ratio_band` names it.
    steps, duration_s : float or None
        At the usual easy speed; None if speed (for steps: speed or cadence) is not known.
    over_ceiling : bool
        Longer than the plan's ceiling for one run.
    sentences : tuple of str
        All of it in words.
    """

    distance_m: int
    longest_30_days_m: int | None
    longest_on: date | None
    ratio: float | None
    percent: float | None
    band: str
    steps: float | None
    duration_s: float | None
    over_ceiling: bool
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class StepUp:
    """A rise from one counted week to the next. `is_ok` says whether the later one was an OK week."""

    week_start: date
    from_m: float
    to_m: float
    is_ok: bool

    @property
    def metres(self) -> float:
        """How much was added."""
        return self.to_m - self.from_m


@dataclass(frozen=True)
class WhatIfWeek:
    """
    A chosen week beside the runner's past.

    Attributes
    ----------
    distance_m : int
        The choice.
    counted_weeks, weeks_as_far, ok_weeks_as_far : int
        Weeks that count, those of them at or above the choice, and how many of these were OK weeks.
    farthest_m : float or None
        Farthest counted week; None without one.
    change : DistanceChange
        The choice against the last whole week that was logged.
    last_step, largest_step : StepUp or None
        Latest and largest rise between two counted weeks that follow each other; of equal ones the later.
    steps, steps_now : float or None
        Steps of the choice at the chosen and at the present cadence, at the usual easy speed; None if not known.
    over_plan : bool
        More than 10 % over the plan.
    sentences : tuple of str
        All of it in words.
    """

    distance_m: int
    counted_weeks: int
    weeks_as_far: int
    ok_weeks_as_far: int
    farthest_m: float | None
    change: DistanceChange
    last_step: StepUp | None
    largest_step: StepUp | None
    steps: float | None
    steps_now: float | None
    over_plan: bool
    sentences: tuple[str, ...]


def steps_of(distance_m: float, cadence_spm: float | None, speed_m_s: float | None) -> float | None:
    """
    Count the steps of a distance.

    Parameters
    ----------
    distance_m : float
        Metres.
    cadence_spm : float or None
        Steps per minute of both feet.
    speed_m_s : float or None
        Metres per second.

    Returns
    -------
    float or None
        None if cadence or speed is not known.

    Examples
    --------
    >>> round(steps_of(1609.344, 168, 2.7), 2), steps_of(1609.344, None, 2.7)
    (1668.95, None)
    """
    if cadence_spm is None or not cadence_spm > 0 or speed_m_s is None or not speed_m_s > 0:
        return None
    return distance_m / speed_m_s / 60 * cadence_spm


def what_if_run(
    runs: pd.DataFrame,
    *,
    on: date,
    distance_m: int,
    unit: DistanceUnit,
    as_of: date,
    coverage: Coverage | None = None,
    plan: PlanWeek | None = None,
    cadence_spm: float | None = None,
    easy_speed_m_s: float | None = None,
) -> WhatIfRun:
    """
    Compare a chosen run with what the runner has run.

    Withheld, like all that the app suggests, while a red flag is open: that is for who shows it.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order; those after `as_of` are ignored.
    on : date
        Day of the run. The 30 days before it count, and what was run on the day itself.
    distance_m : int
        Whole metres, above 0.
    unit : DistanceUnit
        The patient's unit, for the words.
    as_of : date
        The patient's local day.
    coverage : Coverage or None
        If given, days up to `as_of` that were not logged are said.
    plan : PlanWeek or None
        The version that counts in the week of the run, for its ceiling.
    cadence_spm : float or None
        Chosen cadence, steps per minute of both feet.
    easy_speed_m_s : float or None
        Usual easy speed: `EqualSpeedCadence.reference_speed_m_s`.

    Returns
    -------
    WhatIfRun

    Raises
    ------
    ValueError
        If the distance is not above 0.

    Examples
    --------
    >>> runs = pd.DataFrame({"run_date": pd.to_datetime(["2025-03-04"]), "distance_m": [10_000]})
    >>> chosen = what_if_run(runs, on=date(2025, 3, 9), distance_m=12_000, unit=DistanceUnit.KILOMETRE, as_of=date(2025, 3, 6))
    >>> chosen.sentences
    ('12.0 km: +20 % over the longest run of the last 30 days (10.0 km on March 4, 2025).',)
    """
    _refuse_nothing(distance_m)
    days, distances = day_numbers(runs["run_date"]), runs["distance_m"].to_numpy(dtype=np.int64)
    last = min(day_number(on), day_number(as_of))
    history = (days >= day_number(on) - LONGEST_RUN_DAYS) & (days <= last) & (distances > 0)
    longest: int | None = None
    longest_on: date | None = None
    if history.any():
        longest = int(distances[history].max())
        longest_on = day_of(int(days[history & (distances == longest)].max()))
    percent = None if longest is None else 100 * (distance_m - longest) / longest
    steps = steps_of(distance_m, cadence_spm, easy_speed_m_s)
    duration = distance_m / easy_speed_m_s if easy_speed_m_s is not None and easy_speed_m_s > 0 else None
    over = is_over_ceiling(distance_m, plan)

    sentences = [f"{distance_text(distance_m, unit, places=1)}: {_against_longest(distance_m, longest, longest_on, unit)}."]
    if coverage is not None:
        sentences += _days_not_logged(coverage, on, as_of)
    if over and plan is not None:
        sentences.append(f"Over the plan's longest run of {distance_text(plan.run_ceiling_m, unit, places=1)}.")
    if duration is not None:
        sentences.append(f"About {round_half_up(duration / 60)} minutes at the usual easy pace of {pace_text(easy_speed_m_s, unit)}.")
    if steps is not None:
        sentences.append(f"About {_counted(steps)} steps at {cadence_text(cadence_spm)}.")
    ratio = None if longest is None else distance_m / longest
    band = ratio_band(distance_m, longest)
    return WhatIfRun(distance_m, longest, longest_on, ratio, percent, band, steps, duration, over, tuple(sentences))


def what_if_week(
    weeks: pd.DataFrame,
    ok_weeks: pd.Series,
    *,
    distance_m: int,
    unit: DistanceUnit,
    plan: PlanWeek | None = None,
    cadence_spm: float | None = None,
    cadence_now_spm: float | None = None,
    easy_speed_m_s: float | None = None,
) -> WhatIfWeek:
    """
    Compare a chosen week with the weeks that the runner has run.

    Only whole weeks are compared: those that are over and were logged on all seven days. Withheld, like all that the app suggests,
    while a red flag is open: that is for who shows it.

    Parameters
    ----------
    weeks : DataFrame
        WEEK_COLUMNS, in any order.
    ok_weeks : Series
        For each week that counts whether it was an OK week (bool), indexed by `week_start` (datetime64). A week that is not in it, or is None
        or NaN in it, had too few scores and is not counted.
    distance_m : int
        Whole metres, above 0.
    unit : DistanceUnit
        The patient's unit, for the words.
    plan : PlanWeek or None
        The version that counts in the week.
    cadence_spm, cadence_now_spm : float or None
        Chosen and present cadence at equal speed, steps per minute of both feet.
    easy_speed_m_s : float or None
        Usual easy speed: `EqualSpeedCadence.reference_speed_m_s`.

    Returns
    -------
    WhatIfWeek

    Raises
    ------
    ValueError
        If the distance is not above 0.
    """
    _refuse_nothing(distance_m)
    whole = (floats(weeks["days_logged"]) == WINDOW_DAYS) & ~weeks["so_far"].to_numpy(dtype=bool)
    starts, metres = day_numbers(weeks["week_start"])[whole].tolist(), floats(weeks["distance_m"])[whole].tolist()
    by_week = dict(zip(starts, metres, strict=True))
    told = ok_weeks[ok_weeks.notna().to_numpy(dtype=bool)]
    flags = {week: bool(is_ok) for week, is_ok in zip(day_numbers(told.index.to_series()).tolist(), told.tolist(), strict=True)}
    counted = {week: (by_week[week], is_ok) for week, is_ok in sorted(flags.items()) if week in by_week}

    as_far = [is_ok for distance, is_ok in counted.values() if distance >= distance_m]
    farthest = max((distance for distance, _ in counted.values()), default=None)
    change = distance_change(distance_m, by_week[max(by_week)] if by_week else np.nan)
    ups = [
        StepUp(day_of(week), counted[week - 7][0], distance, is_ok)
        for week, (distance, is_ok) in counted.items()
        if week - 7 in counted and distance > counted[week - 7][0]
    ]
    last, largest = (ups[-1] if ups else None), max(ups, key=lambda step: (step.metres, step.week_start), default=None)
    steps, steps_now = steps_of(distance_m, cadence_spm, easy_speed_m_s), steps_of(distance_m, cadence_now_spm, easy_speed_m_s)
    over = is_week_over(distance_m, plan)

    sentences = [f"{distance_text(distance_m, unit, places=1)}: {_against_weeks(len(counted), as_far, farthest, unit)}."]
    if change.previous_m is not None:
        before = distance_text(change.previous_m, unit, places=1)
        sentences.append(f"{change.words(unit)} against the last whole week, {before} in that of {day_words(day_of(max(by_week)))}.")
    else:
        sentences.append("No whole week was logged yet to compare with.")
    sentences += _steps_up(last, largest, change, unit)
    if over and plan is not None:
        sentences.append(f"More than 10 % over the plan's {distance_text(plan.weekly_distance_m, unit, places=1)}.")
    if steps is not None:
        now = "" if steps_now is None else f"; {_counted(steps_now)} at the present {cadence_text(cadence_now_spm)}"
        pace = pace_text(easy_speed_m_s, unit)
        sentences.append(f"About {_counted(steps)} steps at {cadence_text(cadence_spm)} and the usual easy pace of {pace}{now}.")
    return WhatIfWeek(
        distance_m, len(counted), len(as_far), sum(as_far), farthest, change, last, largest, steps, steps_now, over, tuple(sentences)
    )


def _refuse_nothing(distance_m: int) -> None:
    if not distance_m > 0:
        raise ValueError("Choose a distance above 0: nothing is never planned.")


def _against_longest(distance_m: int, longest_m: int | None, longest_on: date | None, unit: DistanceUnit) -> str:
    if longest_m is None or longest_on is None:
        return f"{NO_RUN} to compare with"
    percent = 100 * (distance_m - longest_m) / longest_m
    band = ratio_band(distance_m, longest_m)
    # as many decimals as it takes not to say the limit where it is passed by a few metres
    roundings = (round(percent, places) for places in range(1, 5))
    shown = next((each for each in roundings if ratio_band(round(longest_m * (100 + each) / 100), longest_m) == band), percent)
    longest = f"the longest run of the last {LONGEST_RUN_DAYS} days ({distance_text(longest_m, unit, places=1)} on {day_words(longest_on)})"
    if shown == 0:
        return f"as long as {longest}"
    return f"{signed_text(shown)} % over {longest}" if shown > 0 else f"{signed_text(-shown)[1:]} % under {longest}"


def _days_not_logged(coverage: Coverage, on: date, as_of: date) -> list[str]:
    """Say how many of the 30 days before, as far as they are past, were not logged."""
    first, last = on - timedelta(days=LONGEST_RUN_DAYS), min(on - timedelta(days=1), as_of)
    past = (last - first).days + 1
    known = coverage_until(coverage, last)
    logged = max(0, (known.last_day - max(first, known.first_day)).days + 1) if known else 0
    return [] if logged >= past else [f"Only {logged} of these days were logged."]


def _against_weeks(counted: int, as_far: list[bool], farthest_m: float | None, unit: DistanceUnit) -> str:
    if farthest_m is None:
        return "no counted week to compare with yet"
    weeks = f"{counted} counted {'week' if counted == 1 else 'weeks'}"
    if not as_far:
        return f"none of {weeks} was as far, the farthest {distance_text(farthest_m, unit, places=1)}"
    return f"of {weeks} {len(as_far)} {'was' if len(as_far) == 1 else 'were'} as far or farther, {sum(as_far)} of them OK"


def _steps_up(last: StepUp | None, largest: StepUp | None, change: DistanceChange, unit: DistanceUnit) -> list[str]:
    if last is None or largest is None:
        return ["No step up between two counted weeks yet."]

    def told(step: StepUp) -> str:
        added, after = distance_text(step.metres, unit, places=1), distance_text(step.to_m, unit, places=1)
        return f"+{added} to {after} in the week of {day_words(step.week_start)}, {'an OK week' if step.is_ok else 'not an OK week'}"

    sentences = [f"Last step up: {told(last)}."]
    if largest != last:
        sentences.append(f"Largest step up: {told(largest)}.")
    if change.change_m is not None and change.change_m > largest.metres:
        sentences.append("More than the largest step up so far.")
    return sentences


def _counted(steps: float) -> str:
    return f"{100 * round_half_up(steps / 100):,}"
