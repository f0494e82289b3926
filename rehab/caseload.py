"""The rows of the caseload: many episodes in one go, each from what decides about it alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models import day_number, week_number
from rehab.days import Columns, Days, day_numbers, floats
from rehab.decision import Decision, decide
from rehab.episode import EpisodeSummary
from rehab.episode_facts import PAIN_BREAKS, EpisodeFacts, break_days
from rehab.flags import CaseloadRow, caseload_row
from rehab.pain import LevelShift, Trend, level_shift
from rehab.plan import PlanWeek, is_over_ceiling, is_week_over, plan_weeks
from rehab.recent_look import RECENT_DAYS, RecentLook, recent_look

OVER_CEILING_DAYS = 7


@dataclass(frozen=True)
class OverPlan:
    """
    What was more than planned lately; None where nothing was.

    Attributes
    ----------
    run_m, run_ceiling_m : float or None
        Of the runs of the last 7 days that were over the ceiling of their own week's plan, the one that is furthest over it.
    week_m, week_planned_m : float or None
        The newest week that is over its plan, of the week of the day and the one before it.
    """

    run_m: float | None = None
    run_ceiling_m: float | None = None
    week_m: float | None = None
    week_planned_m: float | None = None


def caseload_rows(
    episodes: Sequence[EpisodeFacts], *, as_of: date | Sequence[date], reviewed_on: Sequence[date | None] = ()
) -> tuple[CaseloadRow, ...]:
    """
    Give the row of each of many episodes.

    Parameters
    ----------
    episodes : sequence of EpisodeFacts
        The history of each, in any order; what is older than decides costs next to nothing and changes nothing.
    as_of : date or sequence of date
        The day to look from, or each patient's own local day.
    reviewed_on : sequence of date or None
        When each was last marked as reviewed, None if never; empty if that is not asked for.

    Returns
    -------
    tuple of CaseloadRow
        One an episode, in their order: the very row that `summary_row` gives of a summary as of that day.

    Raises
    ------
    ValueError
        If there are not as many days, or reviews, as episodes.
    """
    days = [as_of] * len(episodes) if isinstance(as_of, date) else as_of
    reviews = reviewed_on or [None] * len(episodes)
    return tuple(_looked_at(facts, day, reviewed) for facts, day, reviewed in zip(episodes, days, reviews, strict=True))


def summary_row(summary: EpisodeSummary, *, reviewed_on: date | None = None) -> CaseloadRow:
    """
    Give the row of one episode that is summarised already.

    Parameters
    ----------
    summary : EpisodeSummary
        As of the day of the caseload.
    reviewed_on : date or None
        When it was last marked as reviewed.
    """
    facts = summary.facts
    over = over_plan(summary.runs, facts.plans, week_start=facts.week_start, as_of=summary.as_of, ended_on=facts.ended_on)
    felt = day_numbers(summary.scores["for_date"])
    return _row(facts, summary.as_of, summary.decision, summary.trend, summary.level_shift, over, felt, reviewed_on)


def over_plan(runs: Columns, plans: pd.DataFrame, *, week_start: int, as_of: date, ended_on: date | None) -> OverPlan:
    """
    Look for what was more than planned in the last days.

    Parameters
    ----------
    runs : DataFrame
        `run_date` (datetime64, local day) and `distance_m` (none missing), in any order; those after `as_of` are ignored.
    plans : DataFrame
        PLAN_COLUMNS, in any order; which version counts in a week is for `rehab.weekly.plan_of_weeks` to say.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    as_of : date
        The day.
    ended_on : date or None
        Last day of the episode: weeks that begin later have no plan.

    Returns
    -------
    OverPlan
        Runs go by `rehab.plan.is_over_ceiling`, weeks by `rehab.plan.is_week_over`. The week of `as_of` counts as it stands: it can be over
        already, never under.
    """
    week = week_number(as_of, week_start)
    before, plan = plan_weeks(plans, np.array([week - 7, week], dtype=np.int64), ended_on=ended_on)
    return _over_plan(runs, week, as_of, plan, before)


def _looked_at(facts: EpisodeFacts, as_of: date, reviewed_on: date | None) -> CaseloadRow:
    look = recent_look(facts, as_of=as_of)
    breaks = break_days((mark for mark in facts.marks if mark.day <= as_of), PAIN_BREAKS)
    return _row(
        facts,
        as_of,
        decide(look.inputs),
        look.trend,
        level_shift(look.scores, side=facts.side, as_of=as_of, breaks=breaks),
        _over_plan(look.runs, week_number(as_of, facts.week_start), as_of, look.plan, look.plan_a_week_ago),
        _felt(look, facts),
        reviewed_on,
    )


def _felt(look: RecentLook, facts: EpisodeFacts) -> Days:
    """Days of the scores that were looked at; of all there are if none of those is recent, since there may be a newer one then."""
    felt = day_numbers(look.scores["for_date"])
    if felt.size and felt.max() > day_number(look.as_of) - RECENT_DAYS:
        return felt
    ever = day_numbers(facts.scores["for_date"])
    of_side = np.asarray(facts.scores["side"].to_numpy(dtype=object) == facts.side.value, dtype=bool)
    return ever[of_side & (ever <= day_number(look.as_of))]


def _row(
    facts: EpisodeFacts,
    as_of: date,
    decision: Decision,
    trend: Trend,
    shift: LevelShift | None,
    over: OverPlan,
    felt: Days,
    reviewed_on: date | None,
) -> CaseloadRow:
    return caseload_row(
        decision,
        trend=trend,
        level_shift=shift,
        run_m=over.run_m,
        run_ceiling_m=over.run_ceiling_m,
        week_m=over.week_m,
        week_planned_m=over.week_planned_m,
        days_since_score=day_number(as_of) - int(felt.max()) if felt.size else None,
        days_since_review=None if reviewed_on is None else max(0, (as_of - reviewed_on).days),
        days_since_start=max(0, (as_of - facts.started_on).days),
    )


def _over_plan(runs: Columns, week: int, as_of: date, plan: PlanWeek | None, before: PlanWeek | None) -> OverPlan:
    """Of plain values: `plan` is that of the week, `before` that of the week before it."""
    today = day_number(as_of)
    days = day_numbers(runs["run_date"])
    rows = np.flatnonzero((days >= week - 7) & (days <= today))
    ran = list(zip(days[rows].tolist(), floats(runs["distance_m"])[rows].tolist(), strict=True))
    furthest, run_m, ceiling_m = 0.0, None, None
    for day, distance in ran:
        its_plan = plan if day >= week else before
        if day <= today - OVER_CEILING_DAYS or its_plan is None or its_plan.run_ceiling_m is None:
            continue
        over = distance - its_plan.run_ceiling_m
        # of two equally far over, the longer one: the order of the rows decides nothing
        if is_over_ceiling(int(distance), its_plan) and (over, distance) > (furthest, run_m or 0.0):
            furthest, run_m, ceiling_m = over, distance, float(its_plan.run_ceiling_m)
    for first, its_plan in ((week, plan), (week - 7, before)):
        total = sum(distance for day, distance in ran if first <= day < first + 7)
        if its_plan is not None and its_plan.weekly_distance_m is not None and is_week_over(total, its_plan):
            return OverPlan(run_m, ceiling_m, total, float(its_plan.weekly_distance_m))
    return OverPlan(run_m, ceiling_m)
