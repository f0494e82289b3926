"""What a cadence cue did, at equal speed."""

import math
import random
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cadence_change import SCENES, found
from rehab.cadence_change import _runs_for_one, cadence_change, device_to_compare, shift
from tests.rehab_scenes import MONDAY, random_runs, runs_frame
from tests.test_rehab_cadence import WIDE, ada, run

# Change since a cue


def test_a_planted_rise_of_5_percent_is_found_at_equal_speed() -> None:
    # made with cadence = 140 + 8 × speed; the runner is also faster afterwards, which alone would add 4 steps/min
    speeds = [*WIDE, *WIDE, *(speed + 0.5 for speed in WIDE)]
    shown = cadence_change(runs_frame(ada(speeds, raised_from=16)), since=MONDAY + timedelta(days=16))
    assert shown.change_percent == pytest.approx(5, abs=1)
    assert shown.low_percent is not None
    assert shown.high_percent is not None
    assert shown.low_percent <= shown.change_percent <= shown.high_percent
    assert (shown.runs_before, shown.runs_after) == (16, 8)
    assert "16 before and 8 after March 19, 2025" in shown.sentence


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_rise_is_found_through_the_scatter_of_real_runs(seed: int) -> None:
    scatter = np.random.default_rng(seed)
    speeds = list(scatter.normal(2.7, 0.2, 60))
    runs = ada(speeds, raised_from=30)
    for each in runs:
        each["running_cadence_spm"] += scatter.normal(0, 1.5)
    shown = cadence_change(runs_frame(runs), since=MONDAY + timedelta(days=30))
    assert shown.change_percent == pytest.approx(5, abs=1)
    assert shown.low_percent is not None
    assert shown.high_percent is not None
    assert 3 < shown.low_percent < shown.high_percent < 7


def test_no_change_is_not_told_as_one() -> None:
    scatter = np.random.default_rng(1)
    runs = ada(list(scatter.normal(2.7, 0.2, 40)))
    for each in runs:
        each["running_cadence_spm"] += scatter.normal(0, 2)
    shown = cadence_change(runs_frame(runs), since=MONDAY + timedelta(days=20))
    assert shown.low_spm is not None
    assert shown.high_spm is not None
    assert shown.low_spm < 0 < shown.high_spm


def test_seven_usable_runs_are_not_enough() -> None:
    shown = cadence_change(runs_frame(ada(WIDE[:7], raised_from=4)), since=MONDAY + timedelta(days=4))
    assert shown.change_percent is None
    assert shown.sentence == (
        "Not enough runs to compare cadence at equal speed: 4 before and 3 after March 7, 2025. It takes 8 in all and 3 on each side."
    )


@pytest.mark.parametrize(("since", "enough"), [(2, False), (3, True), (5, True), (6, False)])
def test_each_side_takes_three_runs(since: int, enough: bool) -> None:
    shown = cadence_change(runs_frame(ada(WIDE, raised_from=since)), since=MONDAY + timedelta(days=since))
    assert (shown.change_spm is not None) is enough


def test_a_watch_changed_on_the_same_day_leaves_it_untold() -> None:
    runs = ada([*WIDE, *WIDE], raised_from=8)
    for each in runs[8:]:
        each["device"] = "other watch"
    shown = cadence_change(runs_frame(runs), since=MONDAY + timedelta(days=8))
    assert shown.change_spm is None
    assert shown.sentence.startswith("Not enough runs to compare cadence at equal speed with one device: 0 before and 8 after")


def test_no_runs_at_all_are_not_enough() -> None:
    shown = cadence_change(runs_frame([]), since=date(2025, 3, 3))
    assert (shown.change_spm, shown.runs_before, shown.runs_after) == (None, 0, 0)


@given(random_runs, st.integers(-10, 30), st.randoms(use_true_random=False))
def test_the_change_is_the_same_in_any_order(runs: list[Any], since: int, shuffle: random.Random) -> None:
    frame, day = runs_frame(runs), MONDAY + timedelta(days=since)
    shown = cadence_change(frame, since=day)
    assert cadence_change(frame.sample(frac=1, random_state=shuffle.randrange(2**32)), since=day) == shown
    assert shown.change_spm is None or math.isfinite(shown.change_spm)


@pytest.mark.parametrize(("brk", "runs_before", "runs_after"), [(5, 11, 14), (16, 16, 14), (25, 16, 9), (26, 16, 10)])
def test_new_shoes_end_the_stretch_that_is_compared(brk: int, runs_before: int, runs_after: int) -> None:
    # one run a day, the cue on day 16; what lies beyond the shoes' day is not compared, and shoes on the cue's own day cut nothing
    frame = runs_frame(ada([2.5 + day % 5 / 10 for day in range(30)], raised_from=16))
    shown = cadence_change(frame, since=MONDAY + timedelta(days=16), break_days=[MONDAY + timedelta(days=brk)])
    assert (shown.runs_before, shown.runs_after) == (runs_before, runs_after)
    assert shown.change_percent == pytest.approx(5, abs=0.2)


def test_shoes_before_the_cue_are_not_taken_for_it() -> None:
    runs = ada([2.5 + day % 5 / 10 for day in range(30)], raised_from=16)
    for each in runs[:8]:
        each["running_cadence_spm"] -= 12  # the old shoes
    since, shoes = MONDAY + timedelta(days=16), MONDAY + timedelta(days=8)
    pooled = cadence_change(runs_frame(runs), since=since).change_percent
    assert pooled is not None
    assert pooled > 7
    assert cadence_change(runs_frame(runs), since=since, break_days=[shoes]).change_percent == pytest.approx(5, abs=0.2)


def test_the_shift_of_two_small_sets_by_hand() -> None:
    # 4−1, 4−2, 4−9, 6−1, 6−2, 6−9, 8−1, 8−2, 8−9: sorted −5, −3, −1, 2, 3, 4, 5, 6, 7
    middle, (below, above) = shift(np.array([4.0, 6, 8]), np.array([1.0, 2, 9]))
    # nine differences; 9/2 − 1.96 × √(9 × 7 / 12) − 0.5 is below 0, so the interval is all of them
    assert (middle, below, above) == (3, 8, 4)


def test_a_shift_of_ten_against_ten_leaves_out_the_outermost_pairs() -> None:
    # before 0 … 9, after the same plus 20: 100 differences from 11 to 29, 10 − |d − 20| of each.
    # left out on each side: 100/2 − 1.95996 × √(100 × 21 / 12) − 0.5 = 23.57, so 23; from below 1 + 2 + … + 6 = 21 differences reach 16, 28 reach 17
    before = np.arange(10.0)
    assert shift(before + 20, before) == (20, (3, 3))


@pytest.mark.parametrize(
    ("left_over", "wider"),
    [
        # products of neighbours 1 − 1 + 1 = 1, squares 4: 1/4 + 1/4 = 1/2, √(1.5 / 0.5)
        ([1.0, 1, -1, -1], 3**0.5),
        # always to the other side: −3/4 + 1/4 is below 0
        ([1.0, -1, 1, -1], 1.0),
        ([0.0, 0, 0], 1.0),
        # −6 … 6: products 2 × (30 + 20 + 12 + 6 + 2) = 140 of 182, and 1/13: 0.846, at most 0.6
        (list(range(-6, 7)), 2.0),
        # a level does not matter
        ([6.0, 6, 4, 4], 3**0.5),
    ],
)
def test_runs_that_are_like_their_neighbours_widen_the_interval(left_over: list[float], wider: float) -> None:
    assert _runs_for_one(np.array(left_over, dtype=float)) == pytest.approx(wider)


@pytest.mark.parametrize(
    ("device", "after", "chosen"),
    [
        (["a", "a", "b", "b", "b"], [False, True, False, True, True], "a"),  # one each on the thinner side: the first by name
        (["b", "b", "b", "b", "a"], [False, True, False, True, True], "b"),
        (["a", "a", "a", "b", "b"], [True, True, True, True, False], "b"),
        (["a", "a", "a", "b", "b"], [False, False, False, True, False], "b"),
        ([], [], ""),
    ],
)
def test_the_device_with_most_runs_on_its_thinner_side_is_compared(device: list[str], after: list[bool], chosen: str) -> None:
    assert device_to_compare(np.array(device, dtype=object), np.array(after, dtype=bool)) == chosen


def test_all_of_a_change_by_hand() -> None:
    # One speed, so nothing is adjusted. Before 160 and 164 in turns, median 162; after 6 and 10 more in turns, differences 2, 6, 6, 10 …
    # 16 differences 2 (4 of them), 6 (8), 10 (4): the middle is 6. Left out on each side: 8 − 1.96 × √(16 × 9 / 12) − 0.5 = 0.71, so none.
    runs = [run(day, 2.7, (160.0, 164.0)[day % 2]) for day in range(4)] + [run(4 + day, 2.7, (166.0, 170.0)[day % 2]) for day in range(4)]
    shown = cadence_change(runs_frame(runs), since=MONDAY + timedelta(days=4))
    # what is left over goes to the other side each time, so the interval is no wider; the slope does not enter at one speed
    assert (shown.change_spm, shown.low_spm, shown.high_spm) == pytest.approx((6, 2, 10))
    assert (shown.change_percent, shown.low_percent, shown.high_percent) == pytest.approx((600 / 162, 200 / 162, 1000 / 162))
    assert (
        shown.sentence
        == "At equal speed, cadence changed by +6 steps/min (+3.7 %, plausible +1.2 to +6.2 %): 4 before and 4 after March 7, 2025."
    )


def test_a_lopsided_interval_keeps_its_sides() -> None:
    runs = [run(day, 2.7, 160) for day in range(4)] + [run(4 + day, 2.7, cadence) for day, cadence in enumerate([161, 166, 161, 162, 161])]
    shown = cadence_change(runs_frame(runs), since=MONDAY + timedelta(days=4))
    # differences 1 (12), 2 (4), 6 (4): the middle is 1, from 1 to 6 (10 − 1.96 × √(20 × 10 / 12) − 0.5 = 1.5: one left out on each side)
    assert (shown.change_spm, shown.low_spm, shown.high_spm) == pytest.approx((1, 1, 6))


def test_faster_runs_after_a_cue_make_the_interval_wider() -> None:
    # all adjusted cadences are alike, so what is left is the standard slope's own doubt: 1.96 × 4 × 0.3 m/s
    slow = [run(day, 2.6, 160) for day in range(4)]
    fast = [run(4 + day, 2.9, 170.4) for day in range(4)]
    shown = cadence_change(runs_frame(slow + fast), since=MONDAY + timedelta(days=4))
    # + 10.4 − 8 × 0.3 = 8
    assert (shown.change_spm, shown.low_spm, shown.high_spm) == pytest.approx((8, 8 - 2.3519, 8 + 2.3519), abs=1e-3)


def test_the_interval_holds_the_planted_change_as_often_as_it_says() -> None:
    share = found(SCENES[0], series=200, seed=11)
    assert 0.90 <= share.covered <= 0.98
    assert share.median_percent == pytest.approx(5, abs=0.3)
