"""What the decision table needs of an episode, from its last weeks alone: for the state of another day, and for many patients at once."""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from models import day_number, week_number
from rehab.days import Columns, Days, coverage_until, day_numbers, floats
from rehab.decision_inputs import COURSE_DAYS, LONGEST_DAYS, WIDE_WINDOW_DAYS, DecisionInputs, decision_inputs
from rehab.episode_facts import PAIN_BREAKS, EpisodeFacts, break_days
from rehab.limits import Limits
from rehab.pain import Trend, pain_trend
from rehab.plan import PlanWeek, plan_weeks
from rehab.response import responses_alone
from rehab.screen import ScreenStanding, screen_standing
from rehab.session_ratio import longest_runs_before

# What decides lies in these days: the runs of four weeks with the 30 days before each, the scores of five weeks; the rest is in reserve.
RECENT_DAYS = 75
# Blocks and longest run count back from the last covered day or the last run, however long ago these are: 4 blocks or 30 days.
BEFORE_LAST_DAYS = max(4 * 7, LONGEST_DAYS) + 1

RUN_COLUMNS_USED = ("run_id", "run_date", "started_at_utc", "distance_m")
SCORE_COLUMNS_USED = ("moment", "side", "nprs", "for_date", "run_id")


@dataclass(frozen=True)
class RecentLook:
    """
    An episode as of a day, from its last weeks.

    Attributes
    ----------
    as_of : date
    inputs : DecisionInputs
        As a summary of the whole history gives them, except that only the newest blocks of seven days hold distances.
    runs : dict of Series
        RUN_COLUMNS_USED, the runs that decide, in no particular order.
    scores : dict of Series
        SCORE_COLUMNS_USED, of the episode's side, likewise.
    trend : Trend
        Its direction; without a sentence.
    plan, plan_a_week_ago : PlanWeek or None
        The versions that count in the week of the day and in the one before.
    """

    as_of: date
    inputs: DecisionInputs
    runs: Columns
    scores: Columns
    trend: Trend
    plan: PlanWeek | None
    plan_a_week_ago: PlanWeek | None


def recent_look(facts: EpisodeFacts, *, as_of: date) -> RecentLook:
    """
    Work out what decides about an episode on a day, without summarising its whole history.

    Parameters
    ----------
    facts : EpisodeFacts
        The patient's history, in any order; what is later than `as_of` is ignored.
    as_of : date
        The patient's local day.

    Returns
    -------
    RecentLook
        The same state, and the same numbers behind it, as `rehab.episode.summarise_episode` gives.
    """
    runs, scores = _recent_runs(facts, as_of), _recent_scores(facts, as_of)
    response = responses_alone(runs, scores, side=facts.side, settled_max=facts.limits.settled_max)
    runs["response"] = pd.Series(response, dtype=object)
    runs["longest_30_days_m"] = pd.Series(longest_runs_before(runs))
    trend = pain_trend(
        scores,
        side=facts.side,
        as_of=as_of,
        week_start=facts.week_start,
        breaks=break_days((mark for mark in facts.marks if mark.day <= as_of), PAIN_BREAKS),
        direction_only=True,
    )
    week = week_number(as_of, facts.week_start)
    ended_on = facts.ended_on if facts.ended_on is not None and facts.ended_on <= as_of else None
    before, plan = plan_weeks(facts.plans, np.array([week - 7, week], dtype=np.int64), ended_on=ended_on)
    inputs = inputs_of(
        facts,
        runs=runs,
        scores=scores,
        trend=trend,
        screen=screen_standing(facts.screen, as_of=as_of, diagnosis_class=facts.diagnosis_class, rest_pain_days=facts.rest_pain_days),
        limits=facts.limits.on(as_of, facts.birth_date),
        plan=plan,
        as_of=as_of,
    )
    return RecentLook(as_of, inputs, runs, scores, trend, plan, before)


def inputs_of(
    facts: EpisodeFacts,
    *,
    runs: Columns,
    scores: Columns,
    trend: Trend,
    screen: ScreenStanding,
    limits: Limits,
    plan: PlanWeek | None,
    as_of: date,
) -> DecisionInputs:
    """
    Hand an episode's facts to `rehab.decision_inputs.decision_inputs`, which says what the runs and scores must hold.

    Parameters
    ----------
    facts : EpisodeFacts
        For all that is not handed in beside it.
    runs, scores, trend, screen, limits, plan
        As they hold on the day.
    as_of : date
        The day.
    """
    prescribed = None if plan is None else plan.strength_sessions_per_week
    return decision_inputs(
        runs=runs,
        scores=scores,
        side=facts.side,
        coverage=facts.coverage,
        screen=screen,
        trend=trend,
        as_of=as_of,
        started_on=facts.started_on,
        limits=limits,
        distance_unit=facts.distance_unit,
        strength_days=facts.strength["done_on"],
        strength_sessions_per_week=math.nan if prescribed is None else prescribed,
        limping_days=facts.limping_days,
    )


def _recent_runs(facts: EpisodeFacts, as_of: date) -> dict[str, pd.Series]:
    age = day_number(as_of) - day_numbers(facts.runs["run_date"])
    known = age >= 0
    keep = known & (age < RECENT_DAYS)
    if known.any():
        keep |= known & (age < age[known].min() + BEFORE_LAST_DAYS)
        keep[np.where(known, age, -1).argmax()] = True  # since when there are runs
    covered = coverage_until(facts.coverage, as_of)
    if covered is not None:
        keep |= known & (age < (as_of - covered.last_day).days + BEFORE_LAST_DAYS)
    return _taken(facts.runs, RUN_COLUMNS_USED, np.flatnonzero(keep))


def _recent_scores(facts: EpisodeFacts, as_of: date) -> dict[str, pd.Series]:
    felt = day_numbers(facts.scores["for_date"])
    age = day_number(as_of) - felt
    start = day_number(facts.started_on)
    keep = (age < RECENT_DAYS) | ((felt >= start) & (felt < start + COURSE_DAYS))
    # What names a run counts for it whenever it was felt.
    run_age = day_number(as_of) - day_numbers(facts.runs["run_date"])
    lately = facts.runs["run_id"].to_numpy(dtype=np.int64)[(run_age >= 0) & (run_age < WIDE_WINDOW_DAYS)]
    keep |= np.isin(floats(facts.scores["run_id"]), lately)
    rows = np.flatnonzero(keep & (age >= 0))
    sides = facts.scores["side"].array.take(rows).to_numpy(dtype=object)
    return _taken(facts.scores, SCORE_COLUMNS_USED, rows[sides == facts.side.value])


def _taken(frame: pd.DataFrame, columns: tuple[str, ...], rows: Days) -> dict[str, pd.Series]:
    return {name: _plain(frame[name].array.take(rows)) for name in columns}


def _plain(values: ExtensionArray) -> pd.Series:
    """Words as objects: arrays of text are slow to compare when they are short."""
    return pd.Series(values.to_numpy(dtype=object), dtype=object) if isinstance(values.dtype, pd.StringDtype) else pd.Series(values)
