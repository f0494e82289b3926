"""Shares of a few yes-or-no observations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehab.shares import falling_share, logistic_band, share


@pytest.mark.parametrize(
    ("ok", "counted", "low", "high"),
    [(7, 8, 0.529, 0.978), (4, 4, 0.510, 1.0), (3, 4, 0.301, 0.954), (10, 12, 0.552, 0.953)],
)
def test_wilson_intervals_are_those_of_the_specification(ok: int, counted: int, low: float, high: float) -> None:
    # evidence 11, vector 12
    found = share(ok, counted)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)


def test_nothing_of_nothing_has_no_interval() -> None:
    assert math.isnan(share(0, 0).low)
    assert share(0, 4).low == 0


def test_a_share_that_would_rise_is_pooled_with_its_neighbours() -> None:
    levels, shares, above = falling_share(np.array([6.0, 1, 2, 3, 4, 5]), np.array([False, True, True, False, True, False]))
    assert levels.tolist() == [1, 2, 3, 4, 5, 6]
    assert shares.tolist() == [1, 1, 0.5, 0.5, 0, 0]
    assert above.tolist() == [6, 5, 4, 3, 2, 1]


def test_equal_distances_are_one_level_with_their_mean() -> None:
    levels, shares, above = falling_share(np.array([2.0, 2, 2, 2, 5]), np.array([True, True, True, False, True]))
    assert levels.tolist() == [2, 5]
    assert shares == pytest.approx([0.8, 0.8])  # 3 of 4, then 1 of 1: pooled to 4 of 5
    assert above.tolist() == [5, 1]


def test_nothing_observed_gives_nothing() -> None:
    assert [values.size for values in falling_share(np.empty(0), np.empty(0, dtype=bool))] == [0, 0, 0]


observed = st.lists(st.tuples(st.integers(1, 40).map(float), st.booleans()), min_size=1, max_size=20)


@given(observed)
def test_the_estimate_never_rises_keeps_the_total_and_does_not_hang_on_the_order(rows: list[tuple[float, bool]]) -> None:
    distance, ok = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    levels, shares, above = falling_share(distance, ok)
    assert np.all(np.diff(shares) <= 1e-12)
    counted = -np.diff(np.append(above, 0))
    assert shares @ counted == pytest.approx(ok.sum())
    again = falling_share(distance[::-1], ok[::-1])
    assert np.array_equal(levels, again[0])
    assert shares == pytest.approx(again[1])


@given(observed)
def test_the_band_stays_within_what_was_observed(rows: list[tuple[float, bool]]) -> None:
    distance, ok = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    low, high = logistic_band(distance, ok, wanted=0.8)
    assert distance.min() <= low <= high <= distance.max()
    assert logistic_band(distance[::-1], ok[::-1], wanted=0.8) == pytest.approx((low, high))


def test_the_band_lies_about_the_fall_and_narrows_with_more_weeks() -> None:
    distance = np.arange(10.0, 30.0)
    few = logistic_band(distance[::2], distance[::2] < 20, wanted=0.8)
    many = logistic_band(np.repeat(distance, 4), np.repeat(distance, 4) < 20, wanted=0.8)
    assert few[0] < 17 < few[1]
    assert many[0] < 17 < many[1]
    assert many[1] - many[0] < few[1] - few[0]


def test_all_fine_may_reach_the_longest_and_none_fine_stays_at_the_shortest() -> None:
    distance = np.arange(10.0, 22.0)
    assert logistic_band(distance, np.ones(12, dtype=bool), wanted=0.8)[1] == 21
    assert logistic_band(distance, np.zeros(12, dtype=bool), wanted=0.8) == (10, 10)
    assert logistic_band(np.full(3, 5.0), np.array([True, False, True]), wanted=0.8) == (5, 5)
