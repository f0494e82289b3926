"""Pain over time: trend, level shift."""

import random
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import PainMoment, Side
from rehab.pain import RULES, Trend, is_meaningful_change, level_shift, pain_trend
from tests.rehab_scenes import MONDAY, days, mornings, random_scores, runs_frame, scores_frame

LAST = MONDAY + timedelta(days=27)


def trend(scores: list[Any], **more: Any) -> Trend:
    return pain_trend(scores_frame(scores), **{"side": Side.LEFT, "as_of": LAST, **more})


def on(days_and_scores: dict[int, int], **more: Any) -> list[dict[str, Any]]:
    return [{"for_date": MONDAY + timedelta(days=day), "nprs": nprs, **more} for day, nprs in days_and_scores.items()]


VECTOR_11 = dict(zip([0, 2, 3, 7, 9, 14, 15, 21, 27], [5, 5, 4, 5, 4, 3, 4, 3, 2], strict=True))


def test_a_slow_fall_over_four_weeks_is_improving() -> None:
    # evidence 11, vector 11
    shown = trend(on(VECTOR_11))
    assert shown.direction == "improving"
    assert shown.slope_per_week == pytest.approx(-0.7573, abs=1e-3)
    assert shown.low == pytest.approx(-1.050, abs=1e-3)
    assert shown.high == pytest.approx(-0.3889, abs=1e-3)
    assert (shown.approximate, shown.scores_used, shown.days_with_score, shown.days_due) == (True, 9, 9, 28)
    assert shown.sentence == (
        "Pain next morning is easing: −0.76 points a week (plausible about −1.05 to −0.39). Pain next morning answered on 9 of 28 days."
    )


def test_the_same_course_upwards_is_worsening() -> None:
    shown = trend(on({day: 7 - nprs for day, nprs in VECTOR_11.items()}))
    assert shown.direction == "worsening"
    assert shown.slope_per_week == pytest.approx(0.7573, abs=1e-3)
    assert "is rising: +0.76 points a week" in shown.sentence


# Enough entries


@pytest.mark.parametrize(("count", "enough"), [(5, False), (6, True), (7, True)])
def test_six_scores_are_enough(count: int, enough: bool) -> None:
    shown = trend(on(dict.fromkeys([0, 27, 10, 14, 20, 5, 6][:count], 3)))
    assert (shown.direction != "not enough entries") is enough
    assert shown.scores_used == count


@pytest.mark.parametrize(("first", "enough"), [(14, False), (13, True), (12, True)])
def test_the_scores_must_span_two_weeks(first: int, enough: bool) -> None:
    shown = trend(on(dict.fromkeys([first, 16, 18, 20, 24, 27], 3)))
    assert (shown.direction != "not enough entries") is enough


@pytest.mark.parametrize(("middle", "enough"), [(13, False), (14, True)])
def test_the_scores_must_lie_in_three_calendar_weeks(middle: int, enough: bool) -> None:
    # Monday to Sunday: days 7-13, 14-20, 21-27
    shown = trend(on(dict.fromkeys([7, 8, 9, middle, 21, 22], 3)))
    assert (shown.direction != "not enough entries") is enough


def test_too_few_entries_say_how_many_and_what_it_takes() -> None:
    shown = trend(on({24: 3, 27: 2}), first_day=MONDAY + timedelta(days=20))
    assert (shown.slope_per_week, shown.low, shown.high) == (None, None, None)
    assert (shown.scores_used, shown.days_due) == (2, 8)
    assert shown.sentence == (
        "Not enough entries for a pain trend yet: Pain next morning answered on 2 of 8 days. "
        "It takes 6 entries in the last 28 days, over two weeks or more and in 3 calendar weeks."
    )


def test_a_score_of_29_days_ago_does_not_count() -> None:
    kept = dict.fromkeys([1, 5, 10, 15, 20], 3)
    assert trend(on({**kept, -1: 9})).scores_used == 5
    assert trend(on({**kept, 0: 9})).scores_used == 6


def test_what_was_felt_later_is_not_known_yet() -> None:
    assert trend(on({**VECTOR_11, 28: 10})) == trend(on(VECTOR_11))


# What enters


def test_the_worst_of_a_morning_is_its_one_value() -> None:
    assert trend(on(VECTOR_11) + on(dict.fromkeys(VECTOR_11, 0))) == trend(on(VECTOR_11))


def test_other_sides_never_enter() -> None:
    assert trend(on(VECTOR_11) + on(dict.fromkeys(range(28), 9), side="right")) == trend(on(VECTOR_11))


def test_pain_during_runs_stands_in_only_if_mornings_are_too_few_and_is_never_mixed_in() -> None:
    during = on(dict.fromkeys([0, 4, 9, 15, 20, 26], 4), moment="during")
    assert trend([*during, *on(VECTOR_11)]) == trend(on(VECTOR_11))
    run_days = runs_frame([{"run_date": MONDAY + timedelta(days=day)} for day in (0, 4, 8, 9, 15, 20, 26, 26)])["run_date"]
    shown = trend([*during, *on({3: 9, 8: 9})], run_dates=run_days)
    assert (shown.moment, shown.direction, shown.scores_used, shown.days_due) == (PainMoment.DURING, "steady", 6, 7)
    assert shown.sentence.endswith("Pain during runs answered on 6 of 7 run days.")


@pytest.mark.parametrize("score", [0, 3, 10])
@pytest.mark.parametrize("count", [11, 12])  # the interval is the formula's, and the one drawn
def test_equal_scores_have_not_changed_and_get_no_interval_in_words(count: int, score: int) -> None:
    shown = trend(on(dict.fromkeys(range(0, 2 * count, 2), score)))
    assert (shown.direction, shown.slope_per_week) == ("steady", 0)
    told, answered = shown.sentence.split(". ")
    assert told == f"Pain next morning has not changed: {score} of 10 each time"
    assert answered == f"Pain next morning answered on {count} of 28 days."


def test_one_score_that_differs_is_a_course_with_an_interval() -> None:
    shown = trend(on({**dict.fromkeys(range(0, 24, 2), 3), 10: 4}))
    assert shown.sentence.startswith("Pain next morning shows no clear change: 0.00 points a week (plausible −")


def test_a_trend_never_crosses_an_injection() -> None:
    scores = on({**dict.fromkeys(range(12), 8), **dict.fromkeys(range(12, 28), 2)})
    assert trend(scores).direction == "improving"
    shown = trend(scores, breaks=[MONDAY + timedelta(days=11)])
    assert (shown.direction, shown.slope_per_week, shown.scores_used, shown.days_due) == ("steady", 0, 16, 16)


def test_too_few_entries_since_an_injection_say_since_when_they_count() -> None:
    shown = trend(on(dict.fromkeys(range(28), 4)), breaks=[MONDAY + timedelta(days=20)])
    assert shown.direction == "not enough entries"
    assert shown.sentence.startswith("Not enough entries for a pain trend yet: Pain next morning answered on 7 of 7 days.")
    assert shown.sentence.endswith("Only those after March 23, 2025 count, when something else changed.")


def test_an_injection_to_come_changes_nothing() -> None:
    assert trend(on(VECTOR_11), breaks=[LAST + timedelta(days=1)]) == trend(on(VECTOR_11))


def test_days_before_the_first_log_were_not_due() -> None:
    scores = on(dict.fromkeys(range(10, 28, 2), 3))
    assert trend(scores, first_day=MONDAY + timedelta(days=10)).days_due == 18


# The interval


def test_twelve_scores_are_resampled_and_eleven_are_not() -> None:
    twelve = dict.fromkeys(range(0, 24, 2), 3)
    assert not trend(on(twelve)).approximate
    assert trend(on({day: nprs for day, nprs in twelve.items() if day})).approximate


@pytest.mark.parametrize(
    ("course", "per_week", "direction"),
    [
        ({0: 6, 2: 6, 7: 6, 14: 5, 16: 5, 21: 5, 26: 4, 27: 4}, -0.528, "improving"),
        ({0: 7, 1: 6, 2: 6, 4: 6, 16: 5, 18: 5, 20: 4, 27: 5}, -0.5, "improving"),  # on the limit
        ({0: 6, 2: 6, 9: 5, 11: 5, 22: 5, 24: 4, 26: 4, 27: 4}, -0.493, "steady"),  # surely falling, but less than half a point
        ({6: 6, 9: 5, 13: 6, 16: 5, 18: 5, 21: 4, 23: 4}, -0.824, "steady"),  # steeper, but the interval ends at 0
    ],
)
def test_half_a_point_a_week_is_the_limit_and_the_interval_must_agree(course: dict[int, int], per_week: float, direction: str) -> None:
    assert trend(on(course)).slope_per_week == pytest.approx(per_week, abs=0.001)
    assert trend(on(course)).direction == direction
    turned = trend(on({day: 10 - nprs for day, nprs in course.items()}))
    assert turned.direction == {"improving": "worsening"}.get(direction, direction)


def test_a_clear_daily_fall_keeps_its_interval_below_zero() -> None:
    shown = trend(mornings(MONDAY, [6, 6, 5, 6, 5, 6, 5, 5, 5, 4, 5, 5, 4, 4, 4, 5, 4, 3, 4, 4, 3, 3, 4, 3, 3, 2, 3, 2]))
    assert shown.direction == "improving"
    assert shown.slope_per_week == pytest.approx(-1.0, abs=0.15)
    assert shown.low is not None
    assert shown.high is not None
    assert -1.5 < shown.low < shown.slope_per_week < shown.high < -0.5


def test_scores_up_and_down_around_one_level_are_steady() -> None:
    scatter = np.random.default_rng(3).integers(2, 6, 28).tolist()
    shown = trend(mornings(MONDAY, scatter))
    assert shown.direction == "steady"
    assert "shows no clear change" in shown.sentence


def test_false_alarms_are_rare_when_pain_only_wanders() -> None:
    # 20 answers in 28 days around a level, each day leaning on the day before (0.3): neither way in nine of ten
    wander = np.random.default_rng(7)
    directions = []
    for _ in range(100):
        level = 0.0
        course = []
        for _day in range(28):
            level = 0.3 * level + wander.normal(0, 1)
            course.append(int(np.clip(round(4 + level), 0, 10)))
        asked = set(wander.choice(28, 20, replace=False).tolist())
        directions.append(trend(mornings(MONDAY, [nprs if day in asked else None for day, nprs in enumerate(course)])).direction)
    assert directions.count("steady") >= 90


@given(random_scores, days, st.randoms(use_true_random=False))
def test_the_order_of_scores_changes_nothing_and_silence_never_is_a_trend(scores: list[Any], as_of: date, shuffle: random.Random) -> None:
    frame = scores_frame(scores)
    shown = pain_trend(frame, side=Side.LEFT, as_of=as_of)
    assert pain_trend(frame.sample(frac=1, random_state=shuffle.randrange(2**32)), side=Side.LEFT, as_of=as_of) == shown
    assert shown.days_with_score <= shown.days_due
    if shown.scores_used < 6:
        assert shown.direction == "not enough entries"


@given(st.lists(st.none() | st.integers(0, 10), min_size=28, max_size=28))
def test_turning_the_scale_round_turns_the_trend_round(nprs: list[int | None]) -> None:
    shown = trend(mornings(MONDAY, nprs))
    turned = trend(mornings(MONDAY, [None if value is None else 10 - value for value in nprs]))
    opposite = {"improving": "worsening", "worsening": "improving"}
    if shown.slope_per_week is not None:
        assert turned.slope_per_week == pytest.approx(-shown.slope_per_week, abs=1e-9)
        assert shown.low is not None
        assert shown.high is not None
        assert shown.low - 1e-9 <= shown.slope_per_week <= shown.high + 1e-9 or not shown.approximate
    if shown.approximate:
        assert turned.direction == opposite.get(shown.direction, shown.direction)


# Level shift


def test_the_last_week_is_compared_with_the_three_before() -> None:
    shift = level_shift(scores_frame(mornings(MONDAY, [5] * 21 + [3] * 7)), side=Side.LEFT, as_of=LAST)
    assert shift is not None
    assert (shift.change, shift.baseline, shift.meaningful) == (-2, 5, True)


@pytest.mark.parametrize(("recent", "earlier", "told"), [(2, 4, True), (1, 4, False), (2, 3, False), (7, 21, True)])
def test_a_shift_takes_two_mornings_now_and_four_before(recent: int, earlier: int, told: bool) -> None:
    scores = mornings(MONDAY, [5] * earlier + [None] * (21 - earlier) + [3] * recent)
    assert (level_shift(scores_frame(scores), side=Side.LEFT, as_of=LAST) is not None) is told


def test_the_seventh_day_back_belongs_to_the_weeks_before() -> None:
    scores = mornings(MONDAY, [None, 5, 5, 5, *[None] * 16, 9, 3, None, None, None, None, None, 4])  # days 1-3, 20, 21 and 27
    shift = level_shift(scores_frame(scores), side=Side.LEFT, as_of=LAST)
    assert shift is not None
    assert (shift.change, shift.baseline) == (-1.5, 5)


@pytest.mark.parametrize(("day", "told"), [(16, True), (17, False), (27, False), (28, True), (-1, True)])
def test_a_shift_never_crosses_an_injection(day: int, told: bool) -> None:
    # after day 16 four mornings (17 to 20) lie before the last week; an injection to come says nothing
    scores = scores_frame(mornings(MONDAY, [8] * 17 + [5] * 4 + [3] * 7))
    shift = level_shift(scores, side=Side.LEFT, as_of=LAST, breaks=[MONDAY + timedelta(days=day)])
    assert (shift is not None) is told
    if day == 16:
        assert shift is not None
        assert (shift.change, shift.baseline) == (-2, 5)


def test_the_rules_hold_the_limits_that_are_compared() -> None:
    assert [[limit.value for limit in rule.limits] for rule in RULES] == [[3, 5], [28, 6, 14, 3, 0.5, 0.9], [2, 4, 1, 0.3, 2, 4]]


@pytest.mark.parametrize(
    ("change", "baseline", "meaningful"),
    [
        (-2, 8, True),
        (-1.5, 8, False),
        (2, 8, True),
        (-1, 4, False),
        (-1.2, 4, True),
        (-1, 3, True),
        (-1, 5, False),
        (-0.5, 1, False),
        (1, 0, True),
    ],
)
def test_two_points_or_one_and_a_third_of_little_pain_is_noticed(change: float, baseline: float, meaningful: bool) -> None:
    # evidence 1.2: ≥ 2 points, or ≥ 1 point and ≥ 30 % when the baseline is ≤ 4
    assert is_meaningful_change(change, baseline) is meaningful
