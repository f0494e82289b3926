"""One episode of care as facts for the eye: what was logged, how the hip answered, what the clinic changed."""

import functools
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from models import ChangeKind, PainMoment, day_number
from rehab.adherence import Adherence, adherence
from rehab.association import Association, Exposure, run_association
from rehab.cadence import EqualSpeedCadence, cadence_at_equal_speed
from rehab.cadence_change import CadenceChange, cadence_change
from rehab.comfortable_weeks import comfortable_weeks
from rehab.days import Coverage, day_numbers, floats, timestamps, week_numbers
from rehab.decision import SECOND_LOOK_STATES, Decision, decide
from rehab.decision_inputs import DecisionInputs
from rehab.episode_facts import CADENCE_BREAKS, PAIN_BREAKS, EpisodeFacts, Mark, PainZones, break_days, facts_until
from rehab.limits import Limits
from rehab.load import rolling_7_day_distance
from rehab.pain import LevelShift, Trend, level_shift, pain_trend, scores_of
from rehab.plan import PlanWeek, plan_on
from rehab.recent_look import inputs_of, recent_look
from rehab.response import run_answers
from rehab.screen import ScreenStanding, screen_standing
from rehab.session_ratio import session_ratios
from rehab.states import state_of
from rehab.tolerance import Tolerance, run_tolerance, week_tolerance
from rehab.weekly import WEEK_COLUMNS, week_table

__all__ = [
    "CADENCE_BREAKS",
    "PAIN_BREAKS",
    "WEEK_COLUMNS",
    "Coverage",
    "EpisodeFacts",
    "EpisodeSummary",
    "Mark",
    "PainZones",
    "answered_sentence",
    "break_days",
    "summarise_episode",
]


@dataclass(frozen=True)
class EpisodeSummary:
    """
    One episode, summarised as of a day.

    Attributes
    ----------
    as_of : date
        The last day of which anything is known here.
    facts : EpisodeFacts
        What was handed in, without what is later than `as_of`.
    weeks : DataFrame
        One row per calendar week from the first covered week to the week of `as_of`, columns WEEK_COLUMNS.
    runs : DataFrame
        RUN_COLUMNS plus `week_start` (datetime64), `speed_m_s` (float), `cadence_at_equal_speed_spm` (float, NaN where it cannot be
        told), the columns of `rehab.response.run_answers` and those of `rehab.session_ratio.session_ratios`. Ordered by start.
    scores : DataFrame
        PAIN_COLUMNS, of the episode's side only, ordered by counted day.
    rolling_7_day_distance : Series
        Metres of each day and the six before it, NaN where the seven days do not all lie inside the coverage.
    equal_speed : EqualSpeedCadence
        How cadence was adjusted.
    trend : Trend
        Where pain goes over the last four weeks.
    level_shift : LevelShift or None
        The last week's next-morning pain against the three before; None without enough entries.
    """

    as_of: date
    facts: EpisodeFacts
    weeks: pd.DataFrame
    runs: pd.DataFrame
    scores: pd.DataFrame
    rolling_7_day_distance: pd.Series
    equal_speed: EqualSpeedCadence
    trend: Trend
    level_shift: LevelShift | None = None

    @functools.cached_property
    def limits(self) -> Limits:
        """The patient's limits as they hold on the day."""
        return self.facts.limits.on(self.as_of, self.facts.birth_date)

    @functools.cached_property
    def screen(self) -> ScreenStanding:
        """Where the red-flag screen stands."""
        facts = self.facts
        return screen_standing(facts.screen, as_of=self.as_of, diagnosis_class=facts.diagnosis_class, rest_pain_days=facts.rest_pain_days)

    @functools.cached_property
    def plan(self) -> PlanWeek | None:
        """The version of the plan that counts in the week of the day."""
        return plan_on(self.facts.plans, self.as_of, week_start=self.facts.week_start, ended_on=self.facts.ended_on)

    @functools.cached_property
    def decision(self) -> Decision:
        """The state of the decision table and what follows for next week; of flare and unsettled runs also whether it was so a week ago."""
        now = decide(self._inputs)
        if now.state.code not in SECOND_LOOK_STATES:
            return now
        a_week_ago = recent_look(self.facts, as_of=self.as_of - timedelta(days=7))
        return decide(replace(now.inputs, previous_state=state_of(a_week_ago.inputs).code))

    @functools.cached_property
    def adherence(self) -> Adherence:
        """Whether the plan was kept, run by run."""
        facts = self.facts
        return adherence(
            self.runs, facts.plans, week_start=facts.week_start, as_of=self.as_of, coverage=facts.coverage, ended_on=facts.ended_on
        )

    @functools.cached_property
    def comfortable_weeks(self) -> pd.DataFrame:
        """Each whole week judged, as `rehab.comfortable_weeks` gives it."""
        facts = self.facts
        return comfortable_weeks(
            self.runs,
            self.scores,
            side=facts.side,
            week_start=facts.week_start,
            as_of=self.as_of,
            comfortable_max=facts.limits.comfortable_max,
            limping_days=facts.limping_days,
        )

    @functools.cached_property
    def week_tolerance(self) -> Tolerance:
        """Up to which weekly distance weeks were comfortable so far."""
        facts = self.facts
        return week_tolerance(
            self.comfortable_weeks,
            as_of=self.as_of,
            week_start=facts.week_start,
            comfortable_max=facts.limits.comfortable_max,
            distance_unit=facts.distance_unit,
        )

    @functools.cached_property
    def run_tolerance(self) -> Tolerance:
        """Up to which distance single runs settled so far."""
        facts = self.facts
        return run_tolerance(self.runs, as_of=self.as_of, week_start=facts.week_start, distance_unit=facts.distance_unit)

    @functools.cached_property
    def association(self) -> Association:
        """Whether sorer mornings follow longer runs, as far as this runner's own runs can tell."""
        facts = self.facts
        return run_association(
            self.runs,
            self.scores,
            side=facts.side,
            as_of=self.as_of,
            week_start=facts.week_start,
            distance_unit=facts.distance_unit,
            second_exposure=(Exposure.SESSION_RATIO, self.runs.set_index("run_id")["session_ratio"]),
        )

    @functools.cached_property
    def cue_change(self) -> CadenceChange | None:
        """What the newest cadence cue did at equal speed; None without a cue."""
        cues = break_days(self.facts.marks, frozenset({ChangeKind.CADENCE_CUE.value}))
        return None if not cues else cadence_change(self.runs, since=max(cues), break_days=break_days(self.facts.marks, CADENCE_BREAKS))

    @property
    def _inputs(self) -> DecisionInputs:
        return inputs_of(
            self.facts,
            runs=self.runs,
            scores=self.scores,
            trend=self.trend,
            screen=self.screen,
            limits=self.limits,
            plan=self.plan,
            as_of=self.as_of,
        )


def summarise_episode(facts: EpisodeFacts, *, as_of: date) -> EpisodeSummary:
    """
    Work out what an episode's numbers mean, as far as they are known on a day.

    Runs dated, scores felt, marks set and plans valid after `as_of` are ignored, so a summary of an earlier day shows what the chart showed
    then. (A plan for a week that begins later is not part of it.)

    Parameters
    ----------
    facts : EpisodeFacts
        The patient's history, in any order.
    as_of : date
        The patient's local day to look from.

    Returns
    -------
    EpisodeSummary
        With empty frames and "not enough entries" where nothing was recorded.
    """
    known = facts_until(facts, as_of)
    order = np.lexsort((known.runs["run_id"].to_numpy(dtype=np.int64), known.runs["started_at_utc"].to_numpy(dtype="datetime64[us]")))
    runs = known.runs.iloc[order].reset_index(drop=True)
    of_side = known.scores[(known.scores["side"] == known.side.value).to_numpy(dtype=bool)]
    order = np.lexsort(
        (of_side["score_id"].to_numpy(dtype=np.int64), day_numbers(of_side["for_date"]), day_numbers(of_side["counted_date"]))
    )
    scores = of_side.iloc[order].reset_index(drop=True)

    equal_speed = cadence_at_equal_speed(runs, break_days=break_days(known.marks, CADENCE_BREAKS))
    answers = run_answers(runs, scores, side=known.side, limping_days=known.limping_days, settled_max=known.limits.settled_max)
    answers = answers.join(session_ratios(runs))
    moving_time = floats(runs["moving_time_s"])
    moving = moving_time > 0
    runs = runs.assign(
        week_start=timestamps(week_numbers(day_numbers(runs["run_date"]), known.week_start)),
        speed_m_s=np.where(moving, floats(runs["distance_m"]) / np.where(moving, moving_time, 1), np.nan),
        cadence_at_equal_speed_spm=equal_speed.adjusted.to_numpy(),
        **{name: answers[name].to_numpy() for name in answers.columns},
    )
    weeks = week_table(
        runs,
        scores,
        side=known.side,
        week_start=known.week_start,
        as_of=as_of,
        coverage=known.coverage,
        plans=known.plans,
        ended_on=known.ended_on,
        equal_speed=pd.Series(equal_speed.adjusted.to_numpy(), index=runs["run_date"].to_numpy()),
    )
    trend = pain_trend(
        scores,
        side=known.side,
        as_of=as_of,
        week_start=known.week_start,
        first_day=known.coverage.first_day if known.coverage else None,
        run_dates=runs["run_date"],
        breaks=break_days(known.marks, PAIN_BREAKS),
    )
    return EpisodeSummary(
        as_of=as_of,
        facts=known,
        weeks=weeks,
        runs=runs,
        scores=scores,
        rolling_7_day_distance=rolling_7_day_distance(runs, coverage=known.coverage, as_of=as_of),
        equal_speed=equal_speed,
        trend=trend,
        level_shift=level_shift(scores, side=known.side, as_of=as_of, breaks=break_days(known.marks, PAIN_BREAKS)),
    )


def answered_sentence(summary: EpisodeSummary, *, days: int = 14) -> str:
    """
    Say in words how much was answered lately: it stands under the chart.

    Parameters
    ----------
    summary : EpisodeSummary
        One episode.
    days : int
        Length of the stretch that ends with `as_of`; days before the first log are not asked for.

    Returns
    -------
    str
        Such as "Pain next morning answered on 9 of the last 14 days. 2 of 6 runs without running cadence."
    """
    if summary.facts.coverage is None:
        return "Nothing recorded yet."
    last = day_number(summary.as_of)
    first = last - days + 1
    asked = min(days, (summary.as_of - summary.facts.coverage.first_day).days + 1)
    felt = day_numbers(scores_of(summary.scores, PainMoment.NEXT_MORNING, summary.facts.side)["for_date"])
    answered = np.unique(felt[felt >= max(first, last - asked + 1)]).size
    stretch = f"the last {asked} days" if asked > 1 else "1 day"
    recent = floats(summary.runs["running_cadence_spm"])[day_numbers(summary.runs["run_date"]) >= first]
    without = int(np.isnan(recent).sum())
    if not recent.size:
        cadence = "No runs in that time."
    elif not without:
        cadence = f"{'The run has' if recent.size == 1 else f'All {recent.size} runs have'} a running cadence."
    else:
        cadence = f"{without} of {recent.size} {'run' if recent.size == 1 else 'runs'} without running cadence."
    return f"Pain next morning answered on {answered} of {stretch}. {cadence}"
