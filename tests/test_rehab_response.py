"""How the hip answered each run over the next day."""

import math
import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import PainMoment, Side
from rehab.response import BEFORE_RUN, NO_REFERENCE, RUN_DAY_MORNING, WEEK_BEFORE, run_responses
from tests.rehab_scenes import MONDAY, mornings, random_runs, random_scores, runs_frame, scores_frame


def answer(scores: list[dict[str, Any]], run_days: Sequence[int] = (0,)) -> dict[str, Any]:
    """Response of the first run, run on MONDAY."""
    runs = runs_frame([{"run_date": MONDAY + timedelta(days=day)} for day in run_days])
    return dict(run_responses(runs, scores_frame(scores), side=Side.LEFT).loc[1])


def on(day: int, nprs: int, moment: PainMoment = PainMoment.NEXT_MORNING, **more: Any) -> dict[str, Any]:
    return {"for_date": MONDAY + timedelta(days=day), "nprs": nprs, "moment": moment.value, **more}


@pytest.mark.parametrize(
    ("next_morning", "r24", "response"),
    [(1, -1, "settled"), (2, 0, "settled"), (3, 1, "settled"), (4, 2, "unsettled"), (5, 3, "unsettled")],
)
def test_one_point_more_is_settled_and_two_are_not(next_morning: int, r24: int, response: str) -> None:
    # evidence 11, vector 15: reference 2
    shown = answer([on(0, 2), on(1, next_morning)])
    assert (shown["r24"], shown["response"], shown["r24_reference"]) == (r24, response, RUN_DAY_MORNING)


def test_no_answer_the_next_morning_is_unknown_and_never_settled() -> None:
    # evidence 11, vector 15
    shown = answer([on(0, 2)])
    assert math.isnan(shown["r24"])
    assert shown["response"] == "unknown"


def test_no_reference_is_unknown_even_with_an_answer_of_zero() -> None:
    shown = answer([on(1, 0)])
    assert (shown["response"], shown["r24_reference"]) == ("unknown", NO_REFERENCE)


def test_the_morning_of_the_run_day_goes_before_the_score_before_the_run() -> None:
    shown = answer([on(0, 2), on(0, 5, PainMoment.BEFORE), on(-1, 7), on(1, 4)])
    assert (shown["r24"], shown["r24_reference"]) == (2, RUN_DAY_MORNING)


def test_without_that_morning_the_score_before_the_run_is_the_reference() -> None:
    shown = answer([on(0, 3, PainMoment.BEFORE), on(-1, 7), on(1, 4)])
    assert (shown["r24"], shown["r24_reference"]) == (1, BEFORE_RUN)


def test_without_both_the_median_of_seven_mornings_is_the_reference() -> None:
    # 1, 2, 6 on days -7, -3, -1; day -8 with its 9 is too long ago
    shown = answer([on(-8, 9), on(-7, 1), on(-3, 2), on(-1, 6), on(1, 4)])
    assert (shown["r24"], shown["r24_reference"], shown["response"]) == (2, WEEK_BEFORE, "unsettled")


def test_an_eighth_morning_back_is_no_reference() -> None:
    assert answer([on(-8, 2), on(1, 2)])["response"] == "unknown"


@pytest.mark.parametrize(("next_morning", "response"), [(3, "settled"), (4, "unknown"), (5, "unsettled")])
def test_between_one_and_two_points_the_rule_says_nothing(next_morning: int, response: str) -> None:
    # median of 2 and 3 is 2.5: +0.5, +1.5, +2.5
    assert answer([on(-2, 2), on(-1, 3), on(1, next_morning)])["response"] == response


@pytest.mark.parametrize(("second_morning", "response"), [(3, "unsettled"), (4, "slow"), (5, "slow")])
def test_still_two_points_up_on_the_second_morning_is_slow(second_morning: int, response: str) -> None:
    assert answer([on(0, 2), on(1, 4), on(2, second_morning)])["response"] == response


def test_a_run_on_the_day_between_makes_the_second_morning_say_nothing() -> None:
    assert answer([on(0, 2), on(1, 4), on(2, 5)], run_days=(0, 1))["response"] == "unsettled"


def test_a_run_on_the_second_day_itself_comes_after_its_morning() -> None:
    assert answer([on(0, 2), on(1, 4), on(2, 5)], run_days=(0, 2))["response"] == "slow"


def test_a_settled_run_is_not_slow_whatever_the_second_morning_brings() -> None:
    assert answer([on(0, 2), on(1, 3), on(2, 8)])["response"] == "settled"


def test_only_the_second_morning_answered_is_unknown() -> None:
    assert answer([on(0, 2), on(2, 6)])["response"] == "unknown"


@pytest.mark.parametrize("side", ["right", "unspecified"])
def test_the_other_side_or_no_side_says_nothing(side: str) -> None:
    assert answer([on(0, 2), on(1, 3, side=side)])["response"] == "unknown"
    assert answer([on(0, 2, side=side), on(1, 3)])["response"] == "unknown"


@pytest.mark.parametrize("moment", [PainMoment.DURING, PainMoment.AFTER, PainMoment.NIGHT_LYING])
def test_no_other_moment_stands_in_for_the_next_morning(moment: PainMoment) -> None:
    assert answer([on(0, 2), on(1, 3, moment)])["response"] == "unknown"


def test_the_worst_of_two_answers_on_one_morning_counts() -> None:
    assert answer([on(0, 2), on(1, 2), on(1, 4, run_id=1)])["r24"] == 2


def test_of_scores_before_two_runs_of_a_day_each_run_takes_its_own() -> None:
    runs = runs_frame([{"run_date": MONDAY}, {"run_date": MONDAY}, {"run_date": MONDAY}])
    scores = scores_frame([on(0, 1, PainMoment.BEFORE, run_id=1), on(0, 4, PainMoment.BEFORE, run_id=2), on(1, 4)])
    assert run_responses(runs, scores, side=Side.LEFT)["r24"].tolist() == [3, 0, 3]  # the third takes the lowest


def test_both_runs_of_a_day_share_its_morning_after() -> None:
    runs = runs_frame([{"run_date": MONDAY}, {"run_date": MONDAY}])
    shown = run_responses(runs, scores_frame(mornings(MONDAY, [1, 3])), side=Side.LEFT)
    assert shown["response"].tolist() == ["unsettled", "unsettled"]


def test_no_runs_give_an_empty_frame() -> None:
    assert run_responses(runs_frame([]), scores_frame([on(0, 1)]), side=Side.LEFT).empty


def expected(run: dict[str, Any], run_days: set[date], scores: list[dict[str, Any]]) -> str:
    """The rule told plainly, for scores that name no run."""
    of_side = [score for score in scores if score["side"] == "left"]

    def felt(day: date) -> int | None:
        return max((score["nprs"] for score in of_side if score["moment"] == "next_morning" and score["for_date"] == day), default=None)

    day = run["run_date"]
    before = min((score["nprs"] for score in of_side if score["moment"] == "before" and score["for_date"] == day), default=None)
    week = [value for back in range(1, 8) if (value := felt(day - timedelta(days=back))) is not None]
    reference: float | None = felt(day)
    if reference is None:
        reference = before
    if reference is None and week:
        reference = pd.Series(week).median()
    morning, second = felt(day + timedelta(days=1)), felt(day + timedelta(days=2))
    if reference is None or morning is None or 1 < morning - reference < 2:
        return "unknown"
    if morning - reference <= 1:
        return "settled"
    free = day + timedelta(days=1) not in run_days
    return "slow" if free and second is not None and second - reference >= 2 else "unsettled"


@given(random_runs, random_scores, st.randoms(use_true_random=False))
def test_every_response_is_what_the_rule_says_in_any_order(runs: list[Any], scores: list[Any], shuffle: random.Random) -> None:
    shown = run_responses(runs_frame(runs), scores_frame(scores), side=Side.LEFT)
    run_days = {run["run_date"] for run in runs}
    assert shown["response"].tolist() == [expected(run, run_days, scores) for run in runs]
    assert (shown["r24"].isna() <= (shown["response"] == "unknown")).all()
    seed = shuffle.randrange(2**32)
    again = run_responses(
        runs_frame(runs).sample(frac=1, random_state=seed), scores_frame(scores).sample(frac=1, random_state=seed), side=Side.LEFT
    )
    pd.testing.assert_frame_equal(again.sort_index(), shown.sort_index())
