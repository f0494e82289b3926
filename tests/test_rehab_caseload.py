"""The caseload's rows: many episodes from their last weeks, each exactly as a summary of its whole history gives it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.episodes import episode
from data import queries
from data.database import make_engine
from data.permissions import COMMAND_LINE
from models import DiagnosisClass, ScreenItem, Side
from rehab.caseload import OverPlan, caseload_rows, over_plan, summary_row
from rehab.decision_inputs import DecisionInputs
from rehab.episode import Coverage, EpisodeFacts, Mark, summarise_episode
from rehab.limits import Limits
from rehab.recent_look import recent_look
from tests.rehab_scenes import MONDAY, coverage_of, days, facts_of, mornings, plans_frame, random_runs, random_scores, runs_frame


def day(offset: int) -> date:
    return MONDAY + timedelta(days=offset)


def screened(*asked: date, answer: str = "no") -> pd.DataFrame:
    """Every item of the screen, asked on these days."""
    rows = [(number, item.value, answer, on, pd.NaT) for number, (on, item) in enumerate((on, item) for on in asked for item in ScreenItem)]
    frame = pd.DataFrame(rows, columns=["answer_id", "item", "answer", "asked_on", "closed_on"])
    return frame.astype({"asked_on": "datetime64[us]", "closed_on": "datetime64[us]"})


def strength_on(sessions: Sequence[date]) -> pd.DataFrame:
    return pd.DataFrame({"session_id": range(len(sessions)), "done_on": pd.to_datetime(pd.Series(sessions, dtype="datetime64[us]"))})


# --------------------------------------------------------------------------------------------------------------------
# Courses: a patient who runs and answers as most do, so that every state and the trend's resampling are reached
# --------------------------------------------------------------------------------------------------------------------


def course(seed: int, *, weeks: int = 24, slope: float = 0.0, pain: float = 2.0, answered: float = 0.9) -> EpisodeFacts:
    """Runs every second day and a morning score for most; pain rises by `slope` a week over the last six, and a week may be left out."""
    rng = np.random.default_rng(seed)
    first = day(-7 * weeks)
    runs: list[Mapping[str, Any]] = []
    scores: list[Mapping[str, Any]] = []
    left_out = int(rng.integers(0, 2 * weeks))
    for offset in range(7 * weeks):
        felt = pain + slope * max(0.0, (offset - 7 * (weeks - 6)) / 7) + rng.normal(0, 0.6)
        nprs, on = int(np.clip(round(felt), 0, 10)), first + timedelta(days=offset)
        if rng.random() < answered:
            scores.append({"for_date": on, "nprs": nprs})
        if offset % 2 == 0 and offset // 7 != left_out:
            longer = 6000 if offset == 7 * weeks - 4 and rng.random() < 0.2 else 0
            runs.append({"run_date": on, "distance_m": longer + int(rng.integers(4000, 8000))})
            scores.append({"for_date": on, "nprs": nprs, "moment": "during", "run_id": len(runs)})
    plans = [
        {"version": 1, "valid_from": first, "weekly_distance_m": 21_000, "run_ceiling_m": 7800, "strength_sessions_per_week": 2.0},
        {"version": 2, "valid_from": day(-7), "weekly_distance_m": 20_000, "run_ceiling_m": 7500, "strength_sessions_per_week": 3.0},
    ]
    facts = facts_of(runs, scores, coverage=Coverage(first, day(-1)), plans=plans)
    sessions = [day(-1 - int(back)) for back in rng.integers(0, 30, 8)]
    return replace(facts, started_on=first, screen=screened(day(-10)), strength=strength_on(sessions))


courses = st.builds(
    course,
    st.integers(0, 2**32 - 1),
    slope=st.sampled_from([-0.8, -0.5, 0.0, 0.0, 0.6, 1.0]),
    pain=st.sampled_from([0.5, 1.0, 2.0, 4.0, 5.5]),
    answered=st.sampled_from([0.3, 0.6, 0.9]),
)


# --------------------------------------------------------------------------------------------------------------------
# Anything at all
# --------------------------------------------------------------------------------------------------------------------


@st.composite
def any_facts(draw: st.DrawFn) -> EpisodeFacts:
    """Draw anything at all, part of it moved far back so that it is older than what is looked at."""
    runs, scores = draw(random_runs), draw(random_scores)
    back = timedelta(days=draw(st.sampled_from([0, 0, 60, 300])))
    runs = [{**run, "run_date": run["run_date"] - back} if draw(st.booleans()) else run for run in runs]
    named = st.none() | st.integers(1, max(1, len(runs)))
    scores = [{**score, "run_id": draw(named)} for score in scores]
    scores = [{**score, "for_date": score["for_date"] - back} if draw(st.booleans()) else score for score in scores]
    covered = coverage_of(runs, scores, draw(st.integers(0, 60)))
    plans = [
        {
            "version": number,
            "valid_from": draw(days),
            "weekly_distance_m": draw(st.sampled_from([np.nan, 20_000, 40_000])),
            "run_ceiling_m": draw(st.sampled_from([np.nan, 8000, 15_000])),
            "strength_sessions_per_week": draw(st.sampled_from([np.nan, 0.0, 2.0])),
        }
        for number in range(1, draw(st.integers(0, 3)) + 1)
    ]
    facts = facts_of(
        runs,
        scores,
        coverage=covered if draw(st.integers(0, 9)) else None,
        plans=plans,
        marks=[Mark(on, kind, kind) for on, kind in draw(st.lists(st.tuples(days, st.sampled_from(["injection", "visit"])), max_size=2))],
        week_start=draw(st.integers(0, 6)),
        ended_on=draw(st.none() | days),
    )
    return replace(
        facts,
        side=draw(st.sampled_from(list(Side))),
        started_on=draw(days),
        screen=screened(*draw(st.lists(days, max_size=2)), answer=draw(st.sampled_from(["no", "no", "no", "yes", "not_asked"]))),
        strength=strength_on(draw(st.lists(days, max_size=5))),
        limping_days=pd.to_datetime(pd.Series(draw(st.lists(days, max_size=1)), dtype="datetime64[us]")),
        diagnosis_class=draw(st.sampled_from([None, None, None, DiagnosisClass.BONE, DiagnosisClass.TENDON])),
        limits=draw(st.sampled_from([Limits(), Limits(settled_max=2, max_step_ratio=1.3), Limits(1, 3)])),
        birth_date=draw(st.sampled_from([None, date(1990, 1, 1), date(2010, 1, 1)])),
        rest_pain_days=tuple(draw(st.lists(days, max_size=1))),
    )


def inputs_of_summary(facts: EpisodeFacts, as_of: date) -> DecisionInputs:
    """Inputs out of a whole summary, with as many blocks as both paths promise."""
    return with_few_blocks(replace(summarise_episode(facts, as_of=as_of).decision.inputs, previous_state=None))


def with_few_blocks(inputs: DecisionInputs) -> DecisionInputs:
    few = {
        name: replace(getattr(inputs, name), newest_first_m=getattr(inputs, name).newest_first_m[:3]) for name in ("blocks", "before_gap")
    }
    return replace(inputs, **few)


@given(any_facts(), days)
def test_a_row_is_the_one_that_a_summary_of_the_whole_history_gives(facts: EpisodeFacts, as_of: date) -> None:
    reviewed = as_of - timedelta(days=3)
    expected = summary_row(summarise_episode(facts, as_of=as_of), reviewed_on=reviewed)
    assert caseload_rows([facts], as_of=as_of, reviewed_on=[reviewed]) == (expected,)


@given(any_facts(), days)
def test_the_last_weeks_give_the_very_inputs_of_the_decision(facts: EpisodeFacts, as_of: date) -> None:
    assert with_few_blocks(recent_look(facts, as_of=as_of).inputs) == inputs_of_summary(facts, as_of)


@given(courses, st.integers(-40, 20))
def test_a_row_of_a_usual_course_is_the_one_of_its_summary_on_any_day(facts: EpisodeFacts, offset: int) -> None:
    as_of = day(offset)
    assert caseload_rows([facts], as_of=as_of) == (summary_row(summarise_episode(facts, as_of=as_of)),)
    assert with_few_blocks(recent_look(facts, as_of=as_of).inputs) == inputs_of_summary(facts, as_of)


def test_the_usual_courses_reach_the_states_that_matter_and_the_trend_both_ways() -> None:
    rows = caseload_rows(
        [
            course(seed, slope=slope, pain=pain)
            for seed in range(8)
            for slope, pain in ((0, 2.0), (0.6, 0.5), (1.0, 1.0), (-0.8, 5.5), (0, 4.0))
        ],
        as_of=day(-1),
    )
    assert {"S3", "S4", "S5", "S6", "S7", "S8"} <= {row.state for row in rows}
    assert {row.trend for row in rows} >= {"worsening", "improving", "steady"}


@given(courses, st.integers(-20, 10))
def test_the_second_look_sees_the_state_that_a_summary_of_a_week_ago_has(facts: EpisodeFacts, offset: int) -> None:
    decision = summarise_episode(facts, as_of=day(offset)).decision
    earlier = summarise_episode(facts, as_of=day(offset - 7)).decision.state.code
    assert decision.inputs.previous_state == (earlier if decision.state.code in {"S3", "S4"} else None)


@given(any_facts(), days, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(facts: EpisodeFacts, as_of: date, shuffle: random.Random) -> None:
    seed = shuffle.randrange(2**32)
    names = ("runs", "scores", "plans", "screen", "strength", "limping_days")
    shuffled = replace(facts, **{name: getattr(facts, name).sample(frac=1, random_state=seed) for name in names})
    assert caseload_rows([shuffled], as_of=as_of) == caseload_rows([facts], as_of=as_of)


def test_the_demo_clinics_rows_are_those_of_its_summaries_today_and_in_the_weeks_before(demo_url: str) -> None:
    engine = make_engine(demo_url)
    shown = [episode(COMMAND_LINE, row.key, database=engine).summary for row in queries.episodes(engine, COMMAND_LINE)]
    engine.dispose()
    assert len(shown) >= 10
    states = set()
    for back in (0, 9, 30):
        on = [summary.as_of - timedelta(days=back) for summary in shown]
        expected = tuple(summary_row(summarise_episode(summary.facts, as_of=as_of)) for summary, as_of in zip(shown, on, strict=True))
        assert caseload_rows([summary.facts for summary in shown], as_of=on) == expected
        states |= {row.state for row in expected}
    assert len(states) >= 3


def test_many_rows_stand_in_the_order_of_their_episodes_and_do_not_touch_each_other() -> None:
    episodes = [course(seed, slope=seed % 3 - 1.0) for seed in range(6)]
    on = [day(-1 - seed) for seed in range(6)]
    together = caseload_rows(episodes, as_of=on, reviewed_on=[None, *on[1:]])
    alone = [caseload_rows([facts], as_of=as_of)[0] for facts, as_of in zip(episodes, on, strict=True)]
    assert [replace(row, days_since_review=None) for row in together] == alone
    assert [row.days_since_review for row in together] == [None, 0, 0, 0, 0, 0]
    assert caseload_rows(episodes[::-1], as_of=on[::-1]) == tuple(alone[::-1])
    assert caseload_rows([], as_of=MONDAY) == ()


def test_days_or_reviews_that_do_not_fit_the_episodes_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        caseload_rows([facts_of()], as_of=[MONDAY, MONDAY])
    with pytest.raises(ValueError, match="zip"):
        caseload_rows([facts_of()], as_of=MONDAY, reviewed_on=[None, None])


def test_what_is_later_than_the_day_changes_no_row() -> None:
    facts = course(1, slope=1.0)
    as_of = day(-30)
    last = pd.Timestamp(as_of)
    known = replace(facts, runs=facts.runs[facts.runs["run_date"] <= last], scores=facts.scores[facts.scores["for_date"] <= last])
    assert caseload_rows([facts], as_of=as_of) == caseload_rows([known], as_of=as_of)


def test_a_patient_with_nothing_recorded_has_a_row_without_numbers() -> None:
    (row,) = caseload_rows([facts_of()], as_of=day(4))
    assert (row.state, row.days_since_log, row.days_since_score, row.days_since_start) == ("S0", None, None, 4)
    assert (row.spike_m, row.run_m, row.week_m, row.median_during, row.trend) == (None, None, None, None, "not enough entries")


def test_a_last_score_of_long_ago_is_still_found() -> None:
    facts = facts_of([], mornings(day(-200), [3, 3]) + mornings(day(-1), [3], side="right"), coverage=Coverage(day(-200), day(-1)))
    assert caseload_rows([facts], as_of=MONDAY)[0].days_since_score == 199


# --------------------------------------------------------------------------------------------------------------------
# Over plan
# --------------------------------------------------------------------------------------------------------------------

PLAN = {"version": 1, "valid_from": day(-14), "weekly_distance_m": 20_000, "run_ceiling_m": 8000}


def over(runs: Mapping[int, int], *plans: Mapping[str, Any], as_of: int = 6, ended_on: date | None = None) -> OverPlan:
    """Runs by day and metres; MONDAY is day 0."""
    frame = runs_frame([{"run_date": day(offset), "distance_m": distance} for offset, distance in runs.items()])
    return over_plan(frame, plans_frame(plans or (PLAN,)), week_start=0, as_of=day(as_of), ended_on=ended_on)


@pytest.mark.parametrize(("distance", "run"), [(7999, None), (8000, None), (8001, 8001)])
def test_a_run_is_over_plan_from_a_metre_above_its_ceiling_on(distance: int, run: int | None) -> None:
    assert over({2: distance}) == OverPlan(run, None if run is None else 8000)


def test_the_run_furthest_over_counts_and_one_of_seven_days_ago_does_not() -> None:
    assert over({-1: 15_000, 0: 9000, 2: 9500, 4: 8500}) == OverPlan(9500, 8000, 27_000, 20_000)
    assert over({-1: 15_000}, as_of=5).run_m == 15_000
    assert over({-1: 15_000}, as_of=6).run_m is None


def test_each_run_goes_by_the_ceiling_of_its_own_week() -> None:
    higher = {"version": 2, "valid_from": MONDAY, "weekly_distance_m": 20_000, "run_ceiling_m": 12_000}
    assert over({-1: 9000, 1: 11_000}, PLAN, higher, as_of=2) == OverPlan(9000, 8000)


@pytest.mark.parametrize(("last_m", "week"), [(5999, None), (6000, None), (6001, 22_001)])
def test_a_week_is_over_plan_above_ten_percent_and_on_the_limit_is_silent(last_m: int, week: int | None) -> None:
    assert over({0: 8000, 2: 8000, 6: last_m}) == OverPlan(None, None, week, None if week is None else 20_000)


def test_the_newest_week_that_is_over_counts_and_none_before_the_last() -> None:
    thrice = {-14 + offset: 8000 for offset in (0, 2, 4)}
    assert over(thrice, as_of=-8).week_m == 24_000
    assert over(thrice, as_of=-1).week_m == 24_000
    assert over(thrice, as_of=0).week_m is None
    assert over({-7: 8000, -5: 8000, -3: 8000, 0: 8000, 1: 8000, 2: 7000}, as_of=2).week_m == 23_000


def test_without_a_plan_nothing_is_over_it() -> None:
    bare = {"version": 1, "valid_from": day(-14)}
    assert over({2: 30_000}, bare) == OverPlan()
    assert over({2: 30_000}, {**PLAN, "valid_from": day(7)}) == OverPlan()
    assert over({2: 30_000}, ended_on=day(-1)) == OverPlan()
    assert over({}) == OverPlan()
