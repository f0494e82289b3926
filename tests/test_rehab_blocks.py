"""Seven-day blocks inside what was logged, and what a suggestion starts from."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehab.blocks import Blocks, blocks_of, seven_day_blocks
from rehab.days import Coverage
from tests.rehab_scenes import METRES_PER_MILE, MONDAY, coverage_of, days, random_runs, runs_frame

FIRST, LAST = MONDAY, MONDAY + timedelta(days=20)
LOGGED = Coverage(FIRST, LAST)


def on(offset: int, distance_m: int = 5000) -> dict[str, Any]:
    return {"run_date": MONDAY + timedelta(days=offset), "distance_m": distance_m}


def blocks(runs: Sequence[dict[str, Any]], coverage: Coverage | None = LOGGED, as_of: date = LAST) -> Blocks:
    return seven_day_blocks(runs_frame(runs), coverage=coverage, as_of=as_of)


def miles(*newest_first: float) -> Blocks:
    return blocks_of([mile * METRES_PER_MILE for mile in newest_first])


def in_miles(distance_m: float | None) -> float:
    assert distance_m is not None
    return round(distance_m / METRES_PER_MILE, 6)


# Where the blocks lie


def test_the_newest_block_ends_with_the_day_and_days_without_a_run_count_zero() -> None:
    shown = blocks([on(0, 1000), on(6, 2000), on(14, 3000), on(20, 4000)])
    assert shown.newest_first_m == (7000, 0, 3000)
    assert shown.last_day == LAST


def test_a_day_too_few_logged_is_a_block_too_few() -> None:
    assert len(blocks([on(20)], Coverage(FIRST + timedelta(days=1), LAST)).newest_first_m) == 2
    assert len(blocks([on(20)], Coverage(FIRST - timedelta(days=1), LAST)).newest_first_m) == 3


def test_where_logging_stopped_the_newest_block_ends_with_the_last_logged_day() -> None:
    shown = blocks([on(0, 1000), on(20, 4000)], as_of=LAST + timedelta(days=5))
    assert shown.newest_first_m == (4000, 0, 1000)
    assert shown.last_day == LAST


def test_what_was_run_or_logged_after_the_day_is_not_known_yet() -> None:
    shown = blocks([on(0, 1000), on(20, 4000)], as_of=LAST - timedelta(days=1))
    assert shown.newest_first_m == (0, 0)


def test_nothing_logged_gives_nothing() -> None:
    assert blocks([on(0)], coverage=None) == Blocks()
    assert blocks([on(0)], as_of=FIRST - timedelta(days=1)) == Blocks()
    assert blocks([on(0)], Coverage(FIRST, FIRST)).newest_first_m == ()


# W7, B3, Base, Low


@pytest.mark.parametrize(
    ("newest_first", "b3", "base", "low"),
    [
        ((17.5, 17.5, 17.5), 17.5, 17.5, 17.5),
        ((17.5, 18, 18), 18, 17.5, 17.5),  # evidence 11, vector 10, S3
        ((10, 20, 20), 20, 14, 10),  # S3: 0.70 x 20; a reduction starts from what was run
        ((14, 20, 20), 20, 14, 14),  # S6: 14, not 20
        ((0, 20, 20), 20, 14, 10),  # S6 with a missed week; Low is half of B3
        ((12, 0, 0), 12, 12, 12),  # the median is 0, so the newest block stands in
        ((0, 12, 12), 12, 8.4, 6),
        ((30, 20, 20), 20, 20, 20),  # a large week does not raise the base above the median
    ],
)
def test_base_and_low_follow_from_three_blocks(newest_first: tuple[float, ...], b3: float, base: float, low: float) -> None:
    shown = miles(*newest_first)
    assert in_miles(shown.w7_m) == newest_first[0]
    assert (in_miles(shown.b3_m), in_miles(shown.base_m), in_miles(shown.low_m)) == (b3, base, low)


def test_two_blocks_say_nothing() -> None:
    shown = miles(12, 12)
    assert (shown.w7_m, shown.b3_m, shown.base_m, shown.low_m) == (None, None, None, None)


def test_no_run_in_two_of_three_blocks_gives_no_base_and_never_zero() -> None:
    shown = miles(0, 12, 0)
    assert (shown.w7_m, shown.b3_m) == (0, 0)
    assert (shown.base_m, shown.low_m) == (None, None)


# A block that is much more


@pytest.mark.parametrize(
    ("newest_first", "spike"),
    [
        ((6.49, 5, 5, 5), False),
        ((6.5, 5, 5, 5), True),  # on 1.30 times it is one
        ((6.5, 5, 5, 4.97), False),  # a mean under 5: 1.51 more
        ((6.99, 4.99, 4.99, 4.99), False),  # exactly 2 more
        ((7.0, 4.99, 4.99, 4.99), True),
        ((2, 0, 0, 0), False),
        ((2.01, 0, 0, 0), True),
        ((12, 0, 0), True),  # two blocks before are enough to tell
        ((12, 0), False),  # fewer are not
    ],
)
def test_a_block_is_a_spike_by_ratio_from_five_miles_and_by_difference_below(newest_first: tuple[float, ...], spike: bool) -> None:
    assert miles(*newest_first).is_spike is spike


block_lists = st.lists(st.integers(0, 120_000), min_size=3, max_size=6)


@given(newest_first=block_lists)
def test_base_and_low_are_positive_and_low_is_no_more_than_was_run(newest_first: list[int]) -> None:
    shown = blocks_of(newest_first)
    assert shown.w7_m == newest_first[0]
    if shown.base_m is None:
        assert shown.low_m is None
        assert newest_first[0] == 0
        return
    assert shown.low_m is not None
    assert shown.b3_m is not None
    assert 0 < shown.low_m <= shown.base_m <= shown.b3_m
    if newest_first[0]:
        assert shown.low_m <= newest_first[0]


@given(newest_first=block_lists)
def test_a_next_week_under_the_spike_is_none(newest_first: list[int]) -> None:
    below = blocks_of(newest_first).next_week_below_spike_m
    assert below is not None
    assert not blocks_of([int(below), *newest_first]).is_spike
    assert blocks_of([int(below) + 3, *newest_first]).is_spike


@given(runs=random_runs, as_of=days, seed=st.integers(0, 100))
def test_blocks_do_not_depend_on_the_order_of_rows_and_sum_to_what_was_run(runs: list[dict[str, Any]], as_of: date, seed: int) -> None:
    coverage = coverage_of(runs, [])
    shown = blocks(runs, coverage, as_of)
    assert blocks(random.Random(seed).sample(runs, len(runs)), coverage, as_of) == shown
    if shown.last_day is None:
        return
    first = shown.last_day - timedelta(days=7 * len(shown.newest_first_m) - 1)
    assert sum(shown.newest_first_m) == sum(run["distance_m"] for run in runs if first <= run["run_date"] <= shown.last_day)


@given(runs=random_runs, extra=st.integers(1, 60))
def test_a_week_nobody_logged_is_never_a_drop(runs: list[dict[str, Any]], extra: int) -> None:
    coverage = coverage_of(runs, [])
    if coverage is None:
        return
    later = blocks(runs, coverage, coverage.last_day + timedelta(days=extra))
    assert later == blocks(runs, coverage, coverage.last_day)
