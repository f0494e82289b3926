"""One episode of care as facts for the eye: what was logged, how the hip answered, what the clinic changed."""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from models import SCREEN_COLUMNS, STRENGTH_COLUMNS, ChangeKind, DiagnosisClass, DistanceUnit, PainMoment, Side, day_number
from rehab.adherence import Adherence, adherence
from rehab.association import Association, Exposure, run_association
from rehab.cadence import EqualSpeedCadence, cadence_at_equal_speed
from rehab.cadence_change import CadenceChange, cadence_change
from rehab.comfortable_weeks import comfortable_weeks
from rehab.days import Coverage, coverage_until, day_numbers, floats, timestamps, week_numbers
from rehab.decision import SECOND_LOOK_STATES, Decision, decide
from rehab.decision_inputs import DecisionInputs, decision_inputs
from rehab.limits import Limits
from rehab.load import rolling_7_day_distance
from rehab.pain import LevelShift, Trend, level_shift, pain_trend, scores_of
from rehab.plan import PlanWeek, plan_on
from rehab.response import run_answers
from rehab.screen import ScreenStanding, screen_standing
from rehab.session_ratio import session_ratios
from rehab.states import state_of
from rehab.tolerance import Tolerance, run_tolerance, week_tolerance
from rehab.weekly import WEEK_COLUMNS, week_table

__all__ = ["WEEK_COLUMNS", "Coverage", "EpisodeFacts", "EpisodeSummary", "Mark", "PainZones", "answered_sentence", "summarise_episode"]

# What may change the meaning of a pain score, and what may change cadence at the same speed.
PAIN_BREAKS = frozenset({ChangeKind.INJECTION.value, ChangeKind.DIAGNOSIS.value})
CADENCE_BREAKS = frozenset({ChangeKind.CADENCE_CUE.value, ChangeKind.SHOE.value, ChangeKind.DEVICE.value})


@dataclass(frozen=True)
class PainZones:
    """The patient's own zones: comfortable up to and including the first, OK if it settles up to and including the second."""

    comfortable_max: int
    acceptable_max: int


@dataclass(frozen=True)
class Mark:
    """Something the clinic or the runner changed, for a vertical mark. `kind` is 'visit', 'plan' or a ChangeKind."""

    day: date
    kind: str
    label: str


def break_days(marks: Iterable[Mark], kinds: frozenset[str]) -> list[date]:
    """
    Give the days of the marks that break a series.

    Parameters
    ----------
    marks : iterable of Mark
        Visits, plans and changes of an episode.
    kinds : frozenset of str
        `PAIN_BREAKS` or `CADENCE_BREAKS`.

    Examples
    --------
    >>> break_days([Mark(date(2025, 3, 4), "shoe", ""), Mark(date(2025, 3, 6), "visit", "")], CADENCE_BREAKS)
    [datetime.date(2025, 3, 4)]
    """
    return [mark.day for mark in marks if mark.kind in kinds]


def _nothing(columns: tuple[str, ...], *days: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="datetime64[us]" if name in days else "str") for name in columns})


@dataclass(frozen=True)
class EpisodeFacts:
    """
    What is known about one episode, as `clinic/` hands it in.

    The frames have the columns that models.py names (RUN_COLUMNS, PAIN_COLUMNS, PLAN_COLUMNS, SCREEN_COLUMNS, STRENGTH_COLUMNS); `runs` and
    `scores` hold the whole history of the patient, of all sides, in any order. `limping_days` are the days of which the runner said that
    they limped on the episode's side (datetime64), `rest_pain_days` those with a yes to pain at rest or at night.
    """

    side: Side
    started_on: date
    ended_on: date | None
    distance_unit: DistanceUnit
    week_start: int
    zones: PainZones
    coverage: Coverage | None
    runs: pd.DataFrame
    scores: pd.DataFrame
    plans: pd.DataFrame
    marks: tuple[Mark, ...]
    screen: pd.DataFrame = field(default_factory=lambda: _nothing(SCREEN_COLUMNS, "asked_on", "closed_on"))
    strength: pd.DataFrame = field(default_factory=lambda: _nothing(STRENGTH_COLUMNS, "done_on"))
    limping_days: pd.Series = field(default_factory=lambda: pd.Series(dtype="datetime64[us]"))
    diagnosis_class: DiagnosisClass | None = None
    limits: Limits = field(default_factory=Limits)
    birth_date: date | None = None
    rest_pain_days: tuple[date, ...] = ()


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
        now = decide(self._inputs(None))
        if now.state.code not in SECOND_LOOK_STATES:
            return now
        a_week_ago = summarise_episode(self.facts, as_of=self.as_of - timedelta(days=7))
        return decide(self._inputs(state_of(a_week_ago._inputs(None)).code))

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

    def _inputs(self, previous_state: str | None) -> DecisionInputs:
        facts = self.facts
        prescribed = None if self.plan is None else self.plan.strength_sessions_per_week
        return decision_inputs(
            runs=self.runs,
            scores=self.scores,
            side=facts.side,
            coverage=facts.coverage,
            screen=self.screen,
            trend=self.trend,
            as_of=self.as_of,
            started_on=facts.started_on,
            limits=self.limits,
            distance_unit=facts.distance_unit,
            strength_days=facts.strength["done_on"],
            strength_sessions_per_week=math.nan if prescribed is None else prescribed,
            limping_days=facts.limping_days,
            previous_state=previous_state,
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
    known = _facts_until(facts, as_of)
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


def _facts_until(facts: EpisodeFacts, as_of: date) -> EpisodeFacts:
    last = day_number(as_of)
    week_end = as_of + timedelta(days=6 - (as_of.weekday() - facts.week_start) % 7)
    return replace(
        facts,
        ended_on=facts.ended_on if facts.ended_on is not None and facts.ended_on <= as_of else None,
        coverage=coverage_until(facts.coverage, as_of),
        runs=facts.runs[day_numbers(facts.runs["run_date"]) <= last],
        scores=facts.scores[day_numbers(facts.scores["for_date"]) <= last],
        plans=facts.plans[day_numbers(facts.plans["valid_from"]) <= day_number(week_end)],
        marks=tuple(mark for mark in facts.marks if mark.day <= as_of),
        screen=_screen_until(facts.screen, as_of),
        strength=facts.strength[day_numbers(facts.strength["done_on"]) <= last],
        limping_days=facts.limping_days[day_numbers(facts.limping_days) <= last],
        rest_pain_days=tuple(day for day in facts.rest_pain_days if day <= as_of),
    )


def _screen_until(screen: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Give the screen as it stood on a day: what was closed later was open then."""
    asked = screen[day_numbers(screen["asked_on"]) <= day_number(as_of)]
    return asked.assign(closed_on=asked["closed_on"].where(asked["closed_on"] <= pd.Timestamp(as_of)))
