"""Kendall's tau with drift removed, its block permutation and its interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehab.rank_correlation import PERMUTATIONS, RankCorrelation, holm_adjusted, kendall_tau_b, rank_correlation, residuals

NOTHING = np.zeros((16, 1))
BLOCKS = np.arange(16) // 2


def correlated(x: list[float], y: list[float], covariates: np.ndarray = NOTHING, blocks: np.ndarray = BLOCKS) -> RankCorrelation:
    found = rank_correlation(np.array(x, float), np.array(y, float), covariates, blocks)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("x", "y", "tau"),
    [
        ([1, 2, 3, 4], [1, 3, 2, 4], 4 / 6),  # 5 pairs agree, 1 does not
        ([1, 2, 3, 4], [4, 3, 2, 1], -1),
        ([1, 2, 2, 3], [1, 1, 2, 3], 4 / 5),  # 4 agree, 1 tie in each: 4 / sqrt(5 * 5)
        ([1, 1, 2, 2], [0, 1, 0, 1], 0),  # 1 agrees, 1 does not, 4 are tied in one of them
    ],
)
def test_tau_of_a_few_pairs_is_as_counted_by_hand(x: list[float], y: list[float], tau: float) -> None:
    assert kendall_tau_b(np.array(x, float), np.array(y, float)) == pytest.approx(tau)


def test_a_constant_series_has_no_tau() -> None:
    assert np.isnan(kendall_tau_b(np.ones(4), np.arange(4.0)))


def test_a_straight_line_in_time_is_taken_out_whole() -> None:
    time = np.arange(6.0)[:, None]
    assert residuals(3 - 2 * time[:, 0], time) == pytest.approx(np.zeros(6))
    assert residuals(np.array([0.0, 1, 0, 1, 0, 1]), np.column_stack([time, time, np.ones(6)])).sum() == pytest.approx(0)


def test_two_series_that_only_share_a_drift_are_not_linked() -> None:
    time = np.arange(16.0)
    wiggle, other = np.tile([1.0, -1.0], 8), np.tile([1.0, 1.0, -1.0, -1.0], 4)
    assert correlated(list(time + wiggle), list(time + other)).p < 0.01
    apart = correlated(list(time + wiggle), list(time + other), covariates=time[:, None])
    assert apart.sign == 0
    assert apart.p > 0.3


def test_what_does_not_vary_beside_its_drift_gives_nothing() -> None:
    time = np.arange(16.0)
    assert rank_correlation(time, np.tile([0.0, 1.0], 8), time[:, None], BLOCKS) is None


def test_a_perfect_link_over_eight_weeks_is_found_and_its_p_is_never_0() -> None:
    found = correlated(list(range(16)), list(range(16)))
    assert (found.tau, found.sign) == (1.0, 1)
    assert found.p == 1 / (PERMUTATIONS + 1)
    assert correlated(list(range(16)), list(range(16, 0, -1))).sign == -1


def test_a_block_moves_whole_so_that_runs_of_one_week_are_not_many_weeks() -> None:
    # Two weeks of eight runs each: only two places, so half of all rearrangements are as strong.
    x = [0.0] * 8 + [1.0] * 8
    assert correlated(x, x, blocks=np.arange(16) // 8).p > 0.9
    assert correlated(x, x, blocks=np.arange(16)).p < 0.01


series = st.lists(st.integers(0, 6).map(float), min_size=16, max_size=16)


@given(series, series)
def test_the_interval_leaves_out_0_exactly_where_the_test_does_and_holds_tau(x: list[float], y: list[float]) -> None:
    found = rank_correlation(np.array(x), np.array(y), np.arange(16.0)[:, None], BLOCKS)
    if found is None:
        return
    assert -1 <= found.low <= found.tau <= found.high <= 1
    assert 1 / (PERMUTATIONS + 1) <= found.p <= 1
    assert (found.sign != 0) == (found.p <= 0.05)
    assert found.sign in {0, np.sign(found.tau)}


@given(series, series)
def test_swapping_more_and_less_turns_the_sign_only(x: list[float], y: list[float]) -> None:
    one, other = (rank_correlation(np.array(x), np.array(values), NOTHING, BLOCKS) for values in (y, [6 - value for value in y]))
    if one is None or other is None:
        assert one is other
    else:
        assert (one.tau, one.low, one.high, one.p) == pytest.approx((-other.tau, -other.high, -other.low, other.p), abs=1e-6)


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    # 6 × 0.01; 5 × 0.011 is less, so it stays at 0.06; 4 × 0.02; 3 × 0.2; 1 at most
    assert holm_adjusted([0.9, 0.02, 0.01, 0.2, 0.011, 0.5]) == pytest.approx([1, 0.08, 0.06, 0.6, 0.06, 1])
    assert holm_adjusted([]) == []
