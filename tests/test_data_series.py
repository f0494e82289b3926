"""The minutes of a run as bytes: what goes in comes out, to the step of each channel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data.importers.base import MinuteSeries
from data.series import CHANNELS, MINUTES_MAX, packed, unpacked_minutes

NAMES = tuple(name for name, _ in CHANNELS)


def minutes_of(**given: list[float]) -> MinuteSeries:
    length = max(len(values) for values in given.values())
    return MinuteSeries(**{name: np.array(given.get(name, [np.nan] * length)) for name in NAMES})


def test_known_minutes_come_back_and_unknown_ones_stay_unknown() -> None:
    minutes = minutes_of(
        speed_m_s=[2.8476, np.nan, 0.0],
        cadence_spm=[171.26, np.nan, 0.0],
        ground_contact_time_ms=[251.34, np.nan, np.nan],
        grade=[-0.02346, 0.0, np.nan],
    )
    back = unpacked_minutes(packed(minutes))
    np.testing.assert_allclose(back.speed_m_s, [2.848, np.nan, 0.0])
    np.testing.assert_allclose(back.cadence_spm, [171.3, np.nan, 0.0])
    np.testing.assert_allclose(back.ground_contact_time_ms, [251.3, np.nan, np.nan])
    np.testing.assert_allclose(back.grade, [-0.0235, 0.0, np.nan])


@given(arrays(np.float64, st.tuples(st.just(4), st.integers(0, 50)), elements=st.floats(-3, 30) | st.just(np.nan)))
def test_every_value_in_range_comes_back_to_half_a_step(values: np.ndarray) -> None:  # type: ignore[type-arg]
    back = unpacked_minutes(packed(MinuteSeries(*values)))
    for index, (name, scale) in enumerate(CHANNELS):
        kept = getattr(back, name)
        in_range = np.abs(np.round(values[index] * scale)) <= 32_767
        assert np.array_equal(np.isnan(kept), ~in_range)
        np.testing.assert_allclose(kept[in_range], values[index][in_range], rtol=0, atol=0.5 / scale + 1e-9)


@pytest.mark.parametrize(("value", "kept"), [(32.767, 32.767), (32.768, np.nan), (np.inf, np.nan), (-np.inf, np.nan), (-32.768, np.nan)])
def test_what_does_not_fit_is_not_known(value: float, kept: float) -> None:
    np.testing.assert_allclose(unpacked_minutes(packed(minutes_of(speed_m_s=[value]))).speed_m_s, [kept])


def test_no_minutes_are_no_minutes() -> None:
    assert len(unpacked_minutes(packed(MinuteSeries(*(np.array([]) for _ in NAMES)))).grade) == 0


def test_an_hour_takes_a_few_hundred_bytes() -> None:
    chance = np.random.default_rng(1)
    hour = MinuteSeries(chance.normal(2.8, 0.1, 60), chance.normal(170, 2, 60), chance.normal(250, 5, 60), chance.normal(0, 0.01, 60))
    assert len(packed(hour)) < 500


def test_a_week_is_the_longest_run() -> None:
    assert MINUTES_MAX == 10_081  # 7 × 24 × 60 whole minutes, and the one that was begun
    packed(MinuteSeries(*(np.ones(10_081) for _ in NAMES)))
    with pytest.raises(ValueError, match="at most 10081 minutes"):
        packed(MinuteSeries(*(np.ones(10_082) for _ in NAMES)))


def test_arrays_of_several_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        packed(MinuteSeries(np.ones(3), np.ones(3), np.ones(2), np.ones(3)))


def test_damaged_bytes_are_refused() -> None:
    whole = packed(minutes_of(speed_m_s=[3.0] * 30))
    for damaged in (b"", b"\x02" + whole[1:], whole[:1], whole[:-3], whole[:10] + b"\x00" + whole[11:]):
        with pytest.raises(ValueError, match="The minutes of this run"):
            unpacked_minutes(damaged)
