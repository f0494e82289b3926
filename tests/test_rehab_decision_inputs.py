"""From the frames of an episode to the inputs of the decision table, and through it."""

import dataclasses
import random
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import PainMoment, Side
from rehab.decision import decide
from rehab.decision_inputs import DecisionInputs, decision_inputs
from rehab.limits import Limits
from rehab.pain import Trend, pain_trend
from rehab.response import run_responses
from rehab.screen import NEVER_ASKED, ScreenStanding
from rehab.states import state_of
from tests.decision_scenes import CLEAR_SCREEN
from tests.rehab_scenes import MONDAY, Coverage, coverage_of, mornings, random_runs, random_scores, runs_frame, scores_frame

AS_OF = MONDAY + timedelta(days=27)
NO_TREND = Trend("not enough entries", None, None, None, False, 0, 0, 28, "")


def day(offset: int) -> date:
    return MONDAY + timedelta(days=offset)


def with_longest(runs: pd.DataFrame) -> pd.DataFrame:
    """Add the longest run of the 30 days before each, run by run: deliberately not the way the code of the ratio does it."""
    longest = []
    for _, run in runs.iterrows():
        back = (run["run_date"] - runs["run_date"]).dt.days
        before = runs[(back >= 1) & (back <= 30)]
        longest.append(float(before["distance_m"].max()) if len(before) else np.nan)
    return runs.assign(longest_30_days_m=np.array(longest, dtype=float))


def known(
    runs: Sequence[Mapping[str, Any]],
    scores: Sequence[Mapping[str, Any]] = (),
    *,
    as_of: date = AS_OF,
    coverage: Coverage | None = None,
    screen: ScreenStanding = CLEAR_SCREEN,
    trend: Trend = NO_TREND,
    **more: Any,
) -> DecisionInputs:
    run_table, score_table = runs_frame(runs), scores_frame(scores)
    felt = score_table[score_table["for_date"] <= pd.Timestamp(as_of)]
    responses = run_responses(run_table, felt, side=Side.LEFT)
    return decision_inputs(
        runs=with_longest(run_table).assign(response=responses["response"].to_numpy()),
        scores=score_table,
        side=Side.LEFT,
        coverage=coverage or Coverage(MONDAY - timedelta(days=28), as_of),
        screen=screen,
        trend=trend,
        as_of=as_of,
        started_on=more.pop("started_on", MONDAY),
        **more,
    )


def during(offset: int, nprs: int, run_id: int | None = None, **more: Any) -> dict[str, Any]:
    return {"for_date": day(offset), "nprs": nprs, "moment": PainMoment.DURING.value, "run_id": run_id, **more}


# Ada runs 5 km every second day, pain 2 during, morning 1: all of it logged
EVERY_OTHER = list(range(-28, 27, 2))
ADA_RUNS = [{"run_date": day(offset)} for offset in EVERY_OTHER]
ADA_DURING = [during(offset, 2, number) for number, offset in enumerate(EVERY_OTHER, start=1)]
ADA_SCORES = [*mornings(day(-28), [1] * 56), *ADA_DURING]


def test_ada_is_green_from_her_frames() -> None:
    ada = known(ADA_RUNS, ADA_SCORES, strength_sessions_per_week=3.0, strength_days=[day(26 - 2 * back) for back in range(5)])
    assert [(run.day, run.during, run.response) for run in ada.scored_runs] == [(day(offset), 2, "settled") for offset in (26, 24, 22)]
    assert (ada.days_without_run, ada.days_without_log, ada.morning_scores, ada.window_days) == (1, 0, 14, 14)
    assert (ada.longest_m, ada.longest_kept_m, ada.spike_m, ada.spike_longest_m) == (5000, 5000, 5000, 5000)
    assert ada.green_days == 28  # the most that is looked at: none of those runs was anything else
    assert (ada.strength_done, ada.strength_prescribed) == (5, 6)
    assert ada.blocks.newest_first_m[:4] == (15_000, 20_000, 15_000, 20_000)
    assert state_of(ada).code == "S8"


def test_the_newest_run_without_its_next_morning_holds() -> None:
    ada = known([*ADA_RUNS, {"run_date": day(27)}], [*ADA_SCORES, during(27, 2, len(ADA_RUNS) + 1)])
    assert ada.scored_runs[0].response == "unknown"
    assert (ada.green_days, state_of(ada).code) == (0, "S7")


def test_a_run_without_a_score_is_no_scored_run_and_is_not_green() -> None:
    scores = [score for score in ADA_SCORES if score["for_date"] != day(26) or score.get("moment") is None]
    ada = known(ADA_RUNS, scores)
    assert ada.scored_runs[0].day == day(24)
    assert ada.green_days == 1


def test_scores_of_another_side_or_moment_do_not_count() -> None:
    other = [{**score, "side": "right"} for score in ADA_SCORES]
    shown = known(ADA_RUNS, other)
    assert (shown.scored_runs, shown.morning_scores) == ((), 0)
    after = [{**score, "moment": "after"} for score in ADA_DURING]
    assert known(ADA_RUNS, after).scored_runs == ()


def test_a_score_that_names_no_run_counts_for_the_runs_of_its_day_and_the_worst_counts() -> None:
    shown = known([{"run_date": day(20)}], [during(20, 3), during(20, 5)])
    assert [run.during for run in shown.scored_runs] == [5]
    named = known([{"run_date": day(20)}], [during(20, 3, 1), during(20, 5)])
    assert [run.during for run in named.scored_runs] == [3]
    twice = known([{"run_date": day(20)}], [during(20, 5, 1), during(20, 3, 1)])
    assert [run.during for run in twice.scored_runs] == [5]


def test_who_runs_once_a_week_is_looked_at_over_four_weeks() -> None:
    weekly = [{"run_date": day(offset)} for offset in (5, 12, 19, 26)]
    scores = [during(offset, 2, number) for number, offset in enumerate((5, 12, 19, 26), start=1)]
    assert (known(weekly, scores).window_days, len(known(weekly, scores).scored_runs)) == (28, 3)
    five = [*weekly, {"run_date": day(20)}]
    assert (known(five, scores).window_days, len(known(five, scores).scored_runs)) == (14, 2)


@pytest.mark.parametrize(("last_run", "without"), [(27, 0), (18, 9), (17, 10)])
def test_days_without_a_run_are_counted_up_to_the_day(last_run: int, without: int) -> None:
    assert known([{"run_date": day(last_run)}]).days_without_run == without


def test_days_nobody_logged_are_not_days_without_a_run() -> None:
    shown = known([{"run_date": day(10)}], coverage=Coverage(MONDAY, day(12)))
    assert (shown.days_without_run, shown.days_without_log) == (2, 15)
    assert state_of(shown).code == "S2"


def test_a_logged_gap_restarts_from_what_was_run_before_it() -> None:
    runs = [{"run_date": day(offset), "distance_m": 8000} for offset in range(-28, 14, 3)]
    shown = known(runs)
    assert state_of(shown).code == "S1"
    assert shown.before_gap.last_day == day(11)
    assert shown.longest_before_gap_m == 8000


def test_a_long_run_of_the_last_week_is_the_spike_and_the_longest_before_it_is_kept() -> None:
    runs = [*ADA_RUNS[:-1], {"run_date": day(26), "distance_m": 7000}]
    shown = known(runs, ADA_SCORES)
    assert (shown.spike_m, shown.spike_longest_m, shown.longest_m, shown.longest_before_spike_m) == (7000, 5000, 7000, 5000)
    assert state_of(shown).code == "S5"


@pytest.mark.parametrize(("offset", "spike"), [(20, None), (21, 7000)])
def test_a_long_run_counts_as_a_spike_for_seven_days(offset: int, spike: int | None) -> None:
    shown = known([{"run_date": day(-5), "distance_m": 5000}, {"run_date": day(offset), "distance_m": 7000}])
    assert shown.spike_m == spike


@pytest.mark.parametrize(("offset", "longest", "kept"), [(-3, None, None), (-2, 9000, None), (3, 9000, None), (4, 9000, 9000)])
def test_the_longest_run_counts_for_30_days_and_for_the_cap_only_if_it_still_does_in_a_week(
    offset: int, longest: int | None, kept: int | None
) -> None:
    shown = known([{"run_date": day(offset), "distance_m": 9000}])
    assert (shown.longest_m, shown.longest_kept_m) == (longest, kept)


@pytest.mark.parametrize(("offset", "days"), [(20, 0), (21, 1), (27, 1), (28, 0)])
def test_a_limp_counts_for_seven_days(offset: int, days: int) -> None:
    assert known(ADA_RUNS, ADA_SCORES, limping_days=[day(offset)]).limping_days == days
    assert known(ADA_RUNS, ADA_SCORES, limping_days=pd.Series(pd.to_datetime([day(offset)] * 2))).limping_days == days


@pytest.mark.parametrize(("sessions", "prescribed"), [(float("nan"), None), (0.0, None), (1.0, 2), (2.5, 5)])
def test_strength_is_counted_over_two_weeks(sessions: float, prescribed: int | None) -> None:
    shown = known(ADA_RUNS, strength_sessions_per_week=sessions, strength_days=[day(13), day(14), day(14), day(27), day(28)])
    assert shown.strength_prescribed == prescribed
    assert shown.strength_done == (None if prescribed is None else 3)


def test_a_slow_run_counts_until_three_runs_were_scored_after_it() -> None:
    # the run on day 14: +3 on the two mornings after it, and no run on the day between
    slow = {day(15): 4, day(16): 4}
    scores = [{**score, "nprs": slow.get(score["for_date"], 1)} for score in mornings(day(-28), [1] * 56)] + ADA_DURING
    counted = {offset: known(ADA_RUNS, scores, as_of=day(offset)).slow_runs for offset in range(15, 21)}
    assert counted == {15: 0, 16: 1, 17: 1, 18: 1, 19: 1, 20: 0}


def test_pain_is_compared_with_the_first_two_weeks() -> None:
    scores = [*mornings(MONDAY, [6] * 14), *mornings(day(14), [4] * 14)]
    shown = known([], scores)
    assert (shown.pain_at_start, shown.pain_change, shown.weeks_in_care) == (6, -2, 3)
    assert known([], scores, as_of=day(26)).pain_change is None  # the two stretches would overlap
    few = [*mornings(MONDAY, [6] * 3), *mornings(day(14), [4] * 14)]
    assert (known([], few).pain_at_start, known([], few).pain_change) == (None, None)


def test_nothing_known_is_too_little_data_and_not_zero() -> None:
    shown = known([], coverage=Coverage(AS_OF, AS_OF))
    assert (shown.longest_m, shown.spike_m, shown.green_days, shown.days_without_run, shown.median_during) == (None,) * 5
    assert state_of(shown).code == "S2"


# T13, T14


def test_with_an_unanswered_screen_no_text_holds_a_number_for_next_week() -> None:
    decision = decide(known(ADA_RUNS, ADA_SCORES, screen=NEVER_ASKED))
    texts = [*decision.sentences, decision.withheld, decision.patient_sentence, decision.cue, decision.strength_line]
    assert not re.search(r"\d+(\.\d+)? ?(mi|km|steps)", " ".join(texts))
    assert (decision.band, decision.cap_m, decision.options) == (None, None, ())


def test_with_a_clear_screen_the_band_comes_with_rule_inputs_source_and_strength() -> None:
    decision = decide(known(ADA_RUNS, ADA_SCORES))
    assert decision.band is not None
    assert decision.state.code == "S8"
    assert decision.inputs.blocks.base_m == 15_000
    assert decision.rule.sources[0].citation
    assert decision.rule.strength.words
    assert len(decision.options) == 3


# Properties


@given(
    runs=random_runs,
    scores=random_scores,
    offset=st.integers(0, 49),
    seed=st.integers(0, 1000),
    limping=st.lists(st.integers(-10, 49).map(day), max_size=2),
)
def test_neither_order_of_rows_nor_what_comes_later_changes_the_inputs(
    runs: list[dict[str, Any]], scores: list[dict[str, Any]], offset: int, seed: int, limping: list[date]
) -> None:
    as_of = day(offset)
    numbered = [{"run_id": number, **run} for number, run in enumerate(runs, start=1)]
    shuffle = random.Random(seed).sample
    coverage = coverage_of(runs, scores)
    first = known(numbered, scores, as_of=as_of, coverage=coverage, limping_days=limping)
    second = known(shuffle(numbered, len(runs)), shuffle(scores, len(scores)), as_of=as_of, coverage=coverage, limping_days=limping[::-1])
    assert first == second
    until = [run for run in numbered if run["run_date"] <= as_of]
    felt = [score for score in scores if score["for_date"] <= as_of]
    assert known(until, felt, as_of=as_of, coverage=coverage, limping_days=limping) == first
    decision = decide(first)
    assert decision.band is None or decision.band.low_m > 0


@given(runs=random_runs, scores=random_scores, offset=st.integers(0, 49))
def test_no_run_counts_as_scored_or_settled_without_the_answers_it_takes(
    runs: list[dict[str, Any]], scores: list[dict[str, Any]], offset: int
) -> None:
    numbered = [{"run_id": number, **run} for number, run in enumerate(runs, start=1)]
    mine = [{"run_id": None, **score} for score in scores if score.get("side", "left") == "left"]
    shown = known(numbered, mine, as_of=day(offset), coverage=coverage_of(runs, scores))
    during_days = {score["for_date"] for score in mine if score["moment"] == "during" and score["for_date"] <= day(offset)}
    morning_days = {score["for_date"] for score in mine if score["moment"] == "next_morning" and score["for_date"] <= day(offset)}
    for run in shown.scored_runs:
        assert run.day in during_days
        if run.response == "settled":
            assert run.day + timedelta(days=1) in morning_days
    assert shown.morning_scores == len([felt for felt in morning_days if (day(offset) - felt).days < shown.window_days])


def test_a_week_nobody_logged_does_not_change_the_base() -> None:
    logged = known(ADA_RUNS, ADA_SCORES)
    later = known(ADA_RUNS, ADA_SCORES, as_of=day(33), coverage=Coverage(day(-28), AS_OF))
    assert later.blocks == logged.blocks
    assert later.days_without_run == logged.days_without_run


def test_the_patients_own_limits_reach_the_table() -> None:
    strict = Limits(comfortable_max=1)
    shown = known(ADA_RUNS, ADA_SCORES, limits=strict)
    assert (shown.limits, shown.green_days, state_of(shown).code) == (strict, 1, "S6")


def test_the_trend_is_handed_on() -> None:
    rising = pain_trend(scores_frame(mornings(MONDAY, [1 + number // 4 for number in range(28)])), side=Side.LEFT, as_of=AS_OF)
    assert rising.direction == "worsening"
    shown = known(ADA_RUNS, ADA_SCORES, trend=rising)
    assert state_of(shown).code == "S4"
    assert dataclasses.replace(shown, trend="steady") != shown
