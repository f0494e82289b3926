"""Cadence compared at equal speed."""

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehab.cadence import OWN_SLOPE_MAX_RUNS, at_reference_speed, cadence_at_equal_speed, usable_runs
from tests.rehab_scenes import MONDAY, random_runs, runs_frame


def run(day: int, speed: float, cadence: float | None, **more: Any) -> dict[str, Any]:
    return {
        "run_date": MONDAY + timedelta(days=day),
        "running_speed_m_s": speed,
        "running_cadence_spm": cadence,
        "running_time_s": 1800,
        "grade_abs_mean": 0.01,
        **more,
    }


def ada(speeds: list[float], *, slope: float = 8.0, raised_from: int | None = None) -> list[dict[str, Any]]:
    """One run a day, cadence = 140 + slope × speed, 5 % more from a day on."""
    factors = [1.05 if raised_from is not None and day >= raised_from else 1.0 for day in range(len(speeds))]
    return [run(day, speed, factor * (140 + slope * speed)) for day, (speed, factor) in enumerate(zip(speeds, factors, strict=True))]


WIDE = [2.5, 2.9, 2.6, 2.8, 2.7, 2.55, 2.75, 2.9]


def test_166_at_3_1_is_162_8_at_2_7_with_the_standard_slope() -> None:
    # evidence 11, vector 9
    assert at_reference_speed(166, 3.1, reference_speed_m_s=2.7, slope_spm_per_m_s=8) == pytest.approx(162.8)
    assert at_reference_speed(166, 3.1, reference_speed_m_s=2.7, slope_spm_per_m_s=5.6) == pytest.approx(163.76)


# Which runs


@pytest.mark.parametrize(
    ("what", "usable"),
    [
        ({}, True),
        ({"running_time_s": 600}, True),
        ({"running_time_s": 599}, False),
        ({"running_time_s": None}, False),
        ({"grade_abs_mean": 0.02}, True),
        ({"grade_abs_mean": 0.0201}, False),
        ({"grade_abs_mean": None, "surface": "treadmill"}, True),
        ({"surface": "trail"}, False),
        ({"running_cadence_spm": None}, False),
        ({"running_speed_m_s": None}, False),
        ({"running_speed_m_s": 0}, False),
    ],
)
def test_a_run_is_comparable_if_it_is_level_long_enough_and_measured(what: dict[str, Any], usable: bool) -> None:
    assert usable_runs(runs_frame([{**run(0, 2.7, 165), **what}])).tolist() == [usable]


def test_a_run_that_cannot_be_compared_has_no_cadence_at_equal_speed() -> None:
    shown = cadence_at_equal_speed(runs_frame([run(0, 2.7, 165), run(1, 2.7, 165, surface="trail")]))
    assert shown.adjusted.isna().tolist() == [False, True]


# Which slope


def test_eight_runs_over_a_range_of_speeds_give_the_runners_own_slope() -> None:
    shown = cadence_at_equal_speed(runs_frame(ada(WIDE, slope=5.5)))
    assert (shown.basis, shown.runs_used) == ("own", 8)
    assert shown.slope_spm_per_m_s == pytest.approx(5.5)
    # median speed 2.725, so every run is 140 + 5.5 × 2.725
    assert shown.reference_speed_m_s == pytest.approx(2.725)
    assert shown.adjusted.to_numpy() == pytest.approx(np.full(8, 154.9875))
    assert shown.sentence == "Cadence is adjusted to the usual easy speed by this runner's own 5.5 steps/min per m/s, from 8 runs."


def test_seven_runs_take_the_standard_adjustment_and_say_so() -> None:
    shown = cadence_at_equal_speed(runs_frame(ada(WIDE[:7], slope=5.5)))
    assert (shown.basis, shown.slope_spm_per_m_s, shown.runs_used) == ("standard", 8, 7)
    expected = "Cadence is adjusted to the usual easy speed with the standard adjustment of 8 steps/min per m/s: only 7 runs so far."
    assert shown.sentence == expected


@pytest.mark.parametrize(("fastest", "basis"), [(2.88, "standard"), (2.9, "own"), (2.95, "own")])
def test_a_speed_range_of_0_4_is_wide_enough(fastest: float, basis: str) -> None:
    shown = cadence_at_equal_speed(runs_frame(ada([2.5, *[2.7] * 3, *[2.6] * 3, fastest])))
    assert shown.basis == basis
    if basis == "standard":
        assert shown.sentence.endswith("speeds differ by only 0.38 m/s so far.")


def test_a_noisy_slope_is_drawn_towards_the_standard_one() -> None:
    noise = [6, -6, -5, 5, -6, 6, 6, -5]  # with this, the slopes between pairs have the median −10
    runs = [{**each, "running_cadence_spm": each["running_cadence_spm"] + off} for each, off in zip(ada(WIDE, slope=0), noise, strict=True)]
    shown = cadence_at_equal_speed(runs_frame(runs))
    assert shown.basis == "own"
    assert 6 < shown.slope_spm_per_m_s < 10


def test_one_mistaken_cadence_hardly_moves_the_slope() -> None:
    runs = ada([*WIDE, *WIDE])
    runs[3]["running_cadence_spm"] = 84.0
    assert cadence_at_equal_speed(runs_frame(runs)).slope_spm_per_m_s == pytest.approx(8, abs=0.5)


def test_a_cue_is_not_taken_for_an_effect_of_speed() -> None:
    # the cue came as the runner got slower: pooled, the slope would look negative
    before, after = [2.8 + step / 20 for step in range(6)], [2.4 + step / 20 for step in range(6)]
    runs = ada(before) + [run(6 + day, speed, 150 + 8 * speed) for day, speed in enumerate(after)]
    assert cadence_at_equal_speed(runs_frame(runs)).slope_spm_per_m_s < 4
    told = cadence_at_equal_speed(runs_frame(runs), break_days=[MONDAY + timedelta(days=6)])
    assert told.slope_spm_per_m_s == pytest.approx(8)
    assert told.adjusted.iloc[6:].mean() - told.adjusted.iloc[:6].mean() == pytest.approx(10)


def test_a_run_on_the_day_of_a_cue_is_made_with_the_cue() -> None:
    before = [run(0, 2.8 + step / 20, 140 + 8 * (2.8 + step / 20)) for step in range(6)]
    with_cue = [run(1, 2.4 + step / 20, 150 + 8 * (2.4 + step / 20)) for step in range(6)]
    shown = cadence_at_equal_speed(runs_frame(before + with_cue), break_days=[MONDAY + timedelta(days=1)])
    assert shown.slope_spm_per_m_s == pytest.approx(8)


def test_a_new_watch_is_not_taken_for_an_effect_of_speed() -> None:
    before, after = [2.8 + step / 20 for step in range(6)], [2.4 + step / 20 for step in range(6)]
    runs = ada(before) + [run(6 + day, speed, 150 + 8 * speed, device="other watch") for day, speed in enumerate(after)]
    assert cadence_at_equal_speed(runs_frame(runs)).slope_spm_per_m_s == pytest.approx(8)


def test_eight_runs_each_with_another_device_take_the_standard_adjustment() -> None:
    runs = [{**each, "device": f"watch {number}"} for number, each in enumerate(ada(WIDE))]
    shown = cadence_at_equal_speed(runs_frame(runs))
    assert shown.basis == "standard"
    assert shown.sentence.endswith("too few runs between changes of device or cue.")


def test_nothing_to_compare_says_what_it_takes() -> None:
    shown = cadence_at_equal_speed(runs_frame([{"run_date": MONDAY}]))
    assert (shown.reference_speed_m_s, shown.runs_used) == (None, 0)
    assert shown.adjusted.isna().all()
    assert "level run of 10 minutes or more" in shown.sentence
    assert cadence_at_equal_speed(runs_frame([])).adjusted.empty


def test_only_the_latest_runs_make_the_slope() -> None:
    old = [run(day - 1000, 2.5 + day % 5 / 10, 100 + 30 * (2.5 + day % 5 / 10)) for day in range(OWN_SLOPE_MAX_RUNS)]
    new = [run(day, 2.5 + day % 5 / 10, 140 + 8 * (2.5 + day % 5 / 10)) for day in range(OWN_SLOPE_MAX_RUNS)]
    shown = cadence_at_equal_speed(runs_frame(old + new))
    assert shown.slope_spm_per_m_s == pytest.approx(8)
    assert shown.runs_used == 2 * OWN_SLOPE_MAX_RUNS
    assert shown.sentence.endswith(f"from {OWN_SLOPE_MAX_RUNS} runs.")


@given(random_runs, st.lists(st.integers(-10, 30), max_size=3), st.randoms(use_true_random=False))
def test_the_order_of_runs_changes_nothing_and_unknown_stays_unknown(runs: list[Any], breaks: list[int], shuffle: random.Random) -> None:
    break_days = [MONDAY + timedelta(days=day) for day in breaks]
    frame = runs_frame(runs)
    shown = cadence_at_equal_speed(frame, break_days=break_days)
    again = cadence_at_equal_speed(frame.sample(frac=1, random_state=shuffle.randrange(2**32)), break_days=break_days[::-1])
    pd.testing.assert_series_equal(again.adjusted.sort_index(), shown.adjusted.sort_index(), check_exact=True)
    assert (again.sentence, again.slope_spm_per_m_s) == (shown.sentence, shown.slope_spm_per_m_s)
    assert shown.adjusted.notna().tolist() == usable_runs(frame).tolist()
    if shown.basis == "standard":
        assert shown.slope_spm_per_m_s == 8
