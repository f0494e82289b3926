"""A plan that is being written: what would follow from it, and where it leaves what was suggested."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models import DistanceUnit
from rehab.bands import CAP_STEP, Band, band_words
from rehab.cadence_ladder import cadence_baseline
from rehab.comfortable_weeks import NOT_COUNTED, OK
from rehab.days import day_words, floats
from rehab.decision import Decision
from rehab.episode import EpisodeSummary
from rehab.load import WINDOW_DAYS, distance_change
from rehab.plan import PlanWeek, plan_difference
from rehab.plan_refusals import plan_refusals
from rehab.units import cadence_text, distance_text, metres_per, round_half_up, signed_text
from rehab.what_if import what_if_run, what_if_week


@dataclass(frozen=True)
class DraftWeek:
    """One of the next weeks: its first day, metres of the week and of its longest run, how many runs. None is not set."""

    week_start: date
    distance_m: int | None = None
    runs: int | None = None
    longest_run_m: int | None = None


@dataclass(frozen=True)
class Consequence:
    """One thing that follows: what it is about, and what follows, both in words."""

    label: str
    value: str


def what_follows(
    summary: EpisodeSummary, plan: PlanWeek, weeks: Sequence[DraftWeek], *, previous: PlanWeek | None
) -> tuple[Consequence, ...]:
    """
    Say what follows from a plan before it is saved.

    Parameters
    ----------
    summary : EpisodeSummary
        The runner's own past.
    plan : PlanWeek
        What was typed.
    weeks : sequence of DraftWeek
        The weeks that it lists, the first one from its first day on.
    previous : PlanWeek or None
        The version that it replaces.

    Returns
    -------
    tuple of Consequence
        While suggestions are withheld only the totals and what is different from the plan as it is: no comparison, cadence, steps or tolerance.
    """
    unit = summary.facts.distance_unit
    said = [Consequence("Different from now", "; ".join(plan_difference(previous, plan, unit)) or "nothing")]
    withheld = bool(summary.decision.withheld)
    said += _week_totals(summary, weeks, unit, compared=not withheld)
    if withheld:
        return tuple(said)
    said += _longest_run(summary, plan, weeks)
    said += _cadence_step(summary, plan)
    said += _what_if_weeks(summary, plan, weeks)
    said.append(Consequence("Weeks tolerated so far", summary.week_tolerance.therapist))
    return tuple(said)


def week_refusals(weeks: Sequence[DraftWeek], *, as_of: date, week_start: int, ended_on: date | None) -> tuple[str, ...]:
    """
    Say what is wrong with the weeks that a plan lists, each sentence with its week.

    Every week but a lone first one needs a distance, and each keeps the rules of `rehab.plan_refusals`.
    """
    wrong: list[str] = []
    for week in weeks:
        if week.distance_m is None:
            if len(weeks) > 1:
                wrong.append(f"Week of {day_words(week.week_start)}: write its distance, or list fewer weeks.")
            elif week.longest_run_m is not None:
                wrong.append(
                    f"Week of {day_words(week.week_start)}: a longest run needs the week's distance. For a limit alone use the ceiling."
                )
            continue
        as_plan = PlanWeek(0, week.week_start, week.distance_m, week.runs, week.longest_run_m, reason="checked alone")
        refused = plan_refusals(as_plan, previous=None, as_of=as_of, week_start=week_start, ended_on=None)
        wrong += [f"Week of {day_words(week.week_start)}: {sentence}" for sentence in refused]
        if ended_on is not None and week.week_start > ended_on:
            wrong.append(f"Week of {day_words(week.week_start)}: the episode ended before it.")
    return tuple(wrong)


def ceiling_refusals(plan: PlanWeek, weeks: Sequence[DraftWeek]) -> tuple[str, ...]:
    """Say which weeks list a run that is longer than the plan's own ceiling; on the ceiling it is allowed."""
    if plan.run_ceiling_m is None:
        return ()
    return tuple(
        f"Week of {day_words(week.week_start)}: its longest run is over the ceiling. Change one of the two."
        for week in weeks
        if week.longest_run_m is not None and week.longest_run_m > plan.run_ceiling_m
    )


def outside_words(decision: Decision, plan: PlanWeek, weeks: Sequence[DraftWeek]) -> tuple[str, ...]:
    """
    Say where a plan leaves what was suggested for next week, one thing a line.

    The first listed week is compared with the band, its longest run and the plan's ceiling with the suggested cap. On an end of the band and on
    the cap it is inside; whole metres are compared.

    Returns
    -------
    tuple of str
        Empty if it is inside, if no distance is planned, or if nothing is suggested.
    """
    unit, said = decision.inputs.distance_unit, []
    distance = weeks[0].distance_m if weeks else plan.weekly_distance_m
    if decision.band is not None and distance is not None and not is_inside(distance, decision.band, unit):
        said.append(f"{distance_text(distance, unit, places=1)} is outside the suggested {band_words(decision.band, unit)}.")
    longest = max((each for each in (plan.run_ceiling_m, weeks[0].longest_run_m if weeks else None) if each is not None), default=None)
    if decision.cap_m is not None and longest is not None and longest > round_half_up(decision.cap_m):
        cap = distance_text(decision.cap_m, unit, places=1)
        said.append(f"A run of {distance_text(longest, unit, places=1)} is over the suggested {cap} for one run.")
    return tuple(said)


def is_inside(distance_m: int, band: Band, unit: DistanceUnit) -> bool:
    """
    Tell whether a week lies within a band; on its ends it does.

    A band that says to keep the present distance has no typed number: half a tenth of the unit is within it.

    Examples
    --------
    >>> band = Band(16093.44, 17702.784)
    >>> is_inside(16093, band, DistanceUnit.MILE), is_inside(17703, band, DistanceUnit.MILE), is_inside(17704, band, DistanceUnit.MILE)
    (True, True, False)
    """
    slack = round_half_up(CAP_STEP * metres_per(unit) / 2) if band.keep_current else 0
    return round_half_up(band.low_m) - slack <= distance_m <= round_half_up(band.high_m) + slack


def _week_totals(summary: EpisodeSummary, weeks: Sequence[DraftWeek], unit: DistanceUnit, *, compared: bool) -> list[Consequence]:
    said = []
    before, against = _last_whole_week(summary), "the last whole week"
    for week in weeks:
        if week.distance_m is None:
            continue
        total = distance_text(week.distance_m, unit, places=1)
        change = distance_change(week.distance_m, before)
        if compared and change.change_m is not None:
            total += f", {change.words(unit)} against {against} ({distance_text(before, unit, places=1)})"
        elif compared:
            total += ", no whole week logged to compare with"
        said.append(Consequence(f"Week of {day_words(week.week_start)}", total))
        before, against = float(week.distance_m), "the week before"
    return said


def _last_whole_week(summary: EpisodeSummary) -> float:
    weeks = summary.weeks
    whole = (floats(weeks["days_logged"]) == WINDOW_DAYS) & ~weeks["so_far"].to_numpy(dtype=bool)
    metres = floats(weeks["distance_m"])[whole]
    return float(metres[-1]) if metres.size else np.nan


def _longest_run(summary: EpisodeSummary, plan: PlanWeek, weeks: Sequence[DraftWeek]) -> list[Consequence]:
    """Compare the first longest run alone: later ones would be compared with runs that are not run yet."""
    facts = summary.facts
    listed = [(week.longest_run_m, week.week_start) for week in weeks if week.longest_run_m is not None]
    longest, first_day = listed[0] if listed else (plan.run_ceiling_m, plan.valid_from)
    if not longest:
        return []
    on = max(first_day, summary.as_of)
    chosen = what_if_run(summary.runs, on=on, distance_m=longest, unit=facts.distance_unit, as_of=summary.as_of, coverage=facts.coverage)
    return [Consequence("Longest run", " ".join(chosen.sentences))]


def _cadence_step(summary: EpisodeSummary, plan: PlanWeek) -> list[Consequence]:
    target = _target_spm(plan)
    if target is None:
        return []
    now = _cadence_now(summary)
    if now is None:
        return [Consequence("Cadence", f"{cadence_text(target)} aimed at; the present cadence at equal speed is not known")]
    percent = 100 * (target - now) / now
    words = f"from {cadence_text(now)} at equal speed to {cadence_text(target)}, {signed_text(target - now, 0)} steps/min ({signed_text(percent, 1)} %)"
    return [Consequence("Cadence step", words)]


def _what_if_weeks(summary: EpisodeSummary, plan: PlanWeek, weeks: Sequence[DraftWeek]) -> list[Consequence]:
    planned = next((week.distance_m for week in weeks if week.distance_m), None)
    if planned is None:
        return []
    told = summary.comfortable_weeks
    told = told[told["verdict"] != NOT_COUNTED]
    now = _cadence_now(summary)
    chosen = what_if_week(
        summary.weeks,
        pd.Series((told["verdict"] == OK).to_numpy(dtype=bool), index=pd.DatetimeIndex(told["week_start"])),
        distance_m=planned,
        unit=summary.facts.distance_unit,
        cadence_spm=_target_spm(plan) or now,
        cadence_now_spm=now if _target_spm(plan) else None,
        easy_speed_m_s=summary.equal_speed.reference_speed_m_s,
    )
    steps = [sentence for sentence in chosen.sentences if " steps at " in sentence]
    past = [sentence for sentence in chosen.sentences if sentence not in steps and "against the last whole week" not in sentence]
    said = [Consequence("Steps a week", steps[0] if steps else "not known: cadence or usual easy speed is missing")]
    return [*said, Consequence("What if", " ".join(past))]


def _target_spm(plan: PlanWeek) -> float | None:
    ends = [end for end in (plan.cadence_target_low_spm, plan.cadence_target_high_spm) if end is not None]
    return sum(ends) / len(ends) if ends else None


def _cadence_now(summary: EpisodeSummary) -> float | None:
    return cadence_baseline(summary.runs, summary.equal_speed, as_of=summary.as_of).cadence_spm
