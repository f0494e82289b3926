"""How the hip answered each run: that evening, over the next day, on the second morning, and whether it flared."""

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
from rehab.response import BEFORE_RUN, NO_REFERENCE, RULES, RUN_DAY_MORNING, WEEK_BEFORE, response_latencies, run_flares, run_responses
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


# --------------------------------------------------------------------------------------------------------------------
# That evening and the second morning
# --------------------------------------------------------------------------------------------------------------------


def latencies(scores: list[dict[str, Any]], run_days: Sequence[int] = (0,)) -> list[float | None]:
    """Evening, next morning and second morning of the first run; None where nothing is known."""
    runs = runs_frame([{"run_date": MONDAY + timedelta(days=day)} for day in run_days])
    shown = response_latencies(runs, scores_frame(scores), side=Side.LEFT).loc[1]
    return [None if math.isnan(value) else value for value in shown[["same_evening", "r24", "second_morning"]].tolist()]


def test_evening_and_both_mornings_stand_beside_each_other_against_one_reference() -> None:
    assert latencies([on(0, 2), on(0, 5, PainMoment.AFTER), on(1, 4), on(2, 1)]) == [3, 2, -1]


def test_what_was_not_told_stays_empty_and_is_never_filled_from_beside() -> None:
    assert latencies([on(0, 2), on(2, 4)]) == [None, None, 2]
    assert latencies([on(0, 2), on(0, 3, PainMoment.AFTER)]) == [1, None, None]
    assert latencies([on(0, 3, PainMoment.AFTER), on(1, 4)]) == [None, None, None]


def test_the_second_morning_is_told_only_without_a_run_on_the_day_between() -> None:
    scores = [on(0, 2), on(1, 4), on(2, 5)]
    assert latencies(scores, run_days=(0, 1)) == [None, 2, None]
    assert latencies(scores, run_days=(0, 2)) == [None, 2, 3]


def test_of_two_evenings_a_run_takes_its_own_and_else_the_worst_that_names_none() -> None:
    runs = runs_frame([{"run_date": MONDAY}, {"run_date": MONDAY}])
    scores = scores_frame(
        [
            on(0, 1),
            on(0, 3, PainMoment.AFTER, run_id=1),
            on(0, 2, PainMoment.AFTER, run_id=1),
            on(0, 5, PainMoment.AFTER),
            on(0, 4, PainMoment.AFTER),
        ]
    )
    assert response_latencies(runs, scores, side=Side.LEFT)["same_evening"].tolist() == [2, 4]


def test_an_evening_of_the_day_after_or_of_the_other_side_is_not_that_evening() -> None:
    late = on(1, 5, PainMoment.AFTER, run_id=1, counted_date=MONDAY)
    assert latencies([on(0, 2), late, on(0, 6, PainMoment.AFTER, side="right")]) == [None, None, None]


@given(random_runs, random_scores, st.randoms(use_true_random=False))
def test_latencies_agree_with_the_responses_in_any_order(runs: list[Any], scores: list[Any], shuffle: random.Random) -> None:
    shown = response_latencies(runs_frame(runs), scores_frame(scores), side=Side.LEFT)
    responses = run_responses(runs_frame(runs), scores_frame(scores), side=Side.LEFT)
    pd.testing.assert_series_equal(shown["r24"], responses["r24"])
    slow = (shown["r24"] >= 2) & (shown["second_morning"] >= 2)
    assert slow.tolist() == (responses["response"] == "slow").tolist()
    seed = shuffle.randrange(2**32)
    mixed = runs_frame(runs).sample(frac=1, random_state=seed), scores_frame(scores).sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(response_latencies(*mixed, side=Side.LEFT).sort_index(), shown.sort_index())


# --------------------------------------------------------------------------------------------------------------------
# Flare
# --------------------------------------------------------------------------------------------------------------------


def flare(scores: list[dict[str, Any]], run_days: Sequence[int] = (0,), limping: Sequence[int] = ()) -> tuple[str, str]:
    runs = runs_frame([{"run_date": MONDAY + timedelta(days=day)} for day in run_days])
    limped = pd.Series(pd.to_datetime([MONDAY + timedelta(days=day) for day in limping]))
    shown = run_flares(runs, scores_frame(scores), side=Side.LEFT, limping_days=limped).loc[1]
    return shown["flare"], shown["flare_because"]


CALM = [on(0, 2), on(0, 2, PainMoment.DURING), on(1, 2)]


@pytest.mark.parametrize(
    ("during", "shown"),
    [
        (6, ("no flare", "")),
        (7, ("flare", "pain of 7 during the run")),
        (8, ("flare", "pain of 8 during the run")),
    ],
)
def test_pain_of_seven_during_the_run_is_a_flare(during: int, shown: tuple[str, str]) -> None:
    assert flare([on(0, 2), on(1, 2), on(0, during, PainMoment.DURING)]) == shown


def test_a_slow_response_is_a_flare() -> None:
    assert flare([*CALM[:2], on(1, 4), on(2, 4)]) == ("flare", "slow to settle")
    assert flare([*CALM[:2], on(1, 4), on(2, 3)]) == ("no flare", "")


@pytest.mark.parametrize(
    ("day", "shown"), [(-1, ("no flare", "")), (0, ("flare", "limping")), (1, ("flare", "limping")), (2, ("no flare", ""))]
)
def test_limping_on_the_day_or_the_next_is_a_flare(day: int, shown: tuple[str, str]) -> None:
    assert flare(CALM, limping=[day]) == shown


def test_every_sign_of_a_flare_is_named() -> None:
    scores = [on(0, 2), on(0, 9, PainMoment.DURING), on(1, 5), on(2, 5)]
    assert flare(scores, limping=[1]) == ("flare", "pain of 9 during the run; slow to settle; limping")


@pytest.mark.parametrize(
    ("scores", "because"),
    [
        ([on(0, 2), on(1, 2)], "no score during the run"),
        ([on(0, 2), on(0, 3, PainMoment.DURING)], "settling by the second morning not known"),
        ([on(0, 2), on(0, 3, PainMoment.DURING), on(1, 4)], "settling by the second morning not known"),
        ([], "no score during the run; settling by the second morning not known"),
    ],
)
def test_what_was_not_told_is_neither_a_flare_nor_free_of_one(scores: list[dict[str, Any]], because: str) -> None:
    assert flare(scores) == ("not known", because)


def test_a_run_on_the_day_between_leaves_open_whether_it_was_slow() -> None:
    assert flare([*CALM[:2], on(1, 4), on(2, 5)], run_days=(0, 1)) == ("not known", "settling by the second morning not known")


def test_a_sign_of_a_flare_counts_whatever_else_is_not_known() -> None:
    assert flare([on(0, 7, PainMoment.DURING)]) == ("flare", "pain of 7 during the run")
    assert flare([], limping=[0]) == ("flare", "limping")


def test_pain_during_one_run_is_no_flare_of_the_other_run_of_the_day() -> None:
    runs = runs_frame([{"run_date": MONDAY}, {"run_date": MONDAY}, {"run_date": MONDAY}])
    during = [on(0, 8, PainMoment.DURING, run_id=1), on(0, 2, PainMoment.DURING, run_id=2)]
    shown = run_flares(runs, scores_frame([on(0, 2), on(1, 2), *during]), side=Side.LEFT)
    assert shown["flare"].tolist() == ["flare", "no flare", "not known"]
    unnamed = run_flares(runs, scores_frame([on(0, 2), on(1, 2), on(0, 8, PainMoment.DURING)]), side=Side.LEFT)
    assert unnamed["flare"].tolist() == ["flare"] * 3


def test_pain_of_the_other_side_is_no_flare() -> None:
    assert flare([*CALM, on(0, 9, PainMoment.DURING, side="right")]) == ("no flare", "")


def test_the_rules_hold_the_limits_that_are_compared() -> None:
    assert [[limit.value for limit in rule.limits] for rule in RULES] == [[1, 2, 2], [], [7]]


@given(random_runs, random_scores, st.lists(st.integers(-21, 49), max_size=5), st.randoms(use_true_random=False))
def test_missing_answers_never_count_as_free_of_a_flare(
    runs: list[Any], scores: list[Any], limping: list[int], shuffle: random.Random
) -> None:
    limped = pd.Series(pd.to_datetime([MONDAY + timedelta(days=day) for day in limping]))
    shown = run_flares(runs_frame(runs), scores_frame(scores), side=Side.LEFT, limping_days=limped)
    responses = run_responses(runs_frame(runs), scores_frame(scores), side=Side.LEFT)
    during = {each["for_date"] for each in scores if each["moment"] == "during" and each["side"] == "left"}
    for run, told, r24 in zip(runs, shown["flare"], responses["r24"], strict=True):
        if run["run_date"] not in during or math.isnan(r24):
            assert told != "no flare"
    seed = shuffle.randrange(2**32)
    mixed = runs_frame(runs).sample(frac=1, random_state=seed), scores_frame(scores).sample(frac=1, random_state=seed)
    again = run_flares(*mixed, side=Side.LEFT, limping_days=limped.sample(frac=1, random_state=seed))
    pd.testing.assert_frame_equal(again.sort_index(), shown.sort_index())
