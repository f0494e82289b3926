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
from rehab.cadence_change import cadence_change, shift
from tests.rehab_scenes import MONDAY, random_runs, runs_frame
from tests.test_rehab_cadence import WIDE, ada

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
    assert shown.sentence.startswith("Not enough runs to compare cadence at equal speed: 4 before and 3 after March 7, 2025.")


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
    assert "with one device" in shown.sentence


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


def test_the_interval_holds_the_planted_change_as_often_as_it_says() -> None:
    share = found(SCENES[0], series=200, seed=11)
    assert 0.90 <= share.covered <= 0.98
    assert share.median_percent == pytest.approx(5, abs=0.3)
