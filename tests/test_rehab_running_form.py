"""Step length, contact time, and the arithmetic of the half sine wave. Numbers: evidence 11, vectors 6, 7, 8."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehab.running_form import (
    GRAVITY_M_S2,
    contact_time_change,
    duty_factor,
    flight_time_s,
    impulse_per_step_n_s,
    sine_wave_peak_n,
    sine_wave_stiffness_n_m,
    step_length_m,
    steps_per_mile,
)
from tests.rehab_scenes import MONDAY, runs_frame


@pytest.mark.parametrize(
    ("cadence_spm", "length_m", "a_mile", "impulse"),
    [(160, 1.0125, 1589.48, 220.73), (168, 0.96429, 1668.95, 210.21), (176, 0.92045, 1748.42, 200.66)],
)
def test_shorter_steps_are_more_steps_and_a_smaller_impulse_each(
    cadence_spm: float, length_m: float, a_mile: float, impulse: float
) -> None:
    assert step_length_m(2.7, cadence_spm) == pytest.approx(length_m, abs=1e-5)
    assert steps_per_mile(2.7, cadence_spm) == pytest.approx(a_mile, abs=0.005)
    assert impulse_per_step_n_s(60, cadence_spm) == pytest.approx(impulse, abs=0.005)


@given(st.floats(120, 220), st.floats(1.5, 6))
def test_by_the_mile_the_impulse_is_the_same_at_any_cadence(cadence_spm: float, speed_m_s: float) -> None:
    of_a_kilometre = impulse_per_step_n_s(60, cadence_spm) * 1000 / step_length_m(speed_m_s, cadence_spm)
    assert of_a_kilometre == pytest.approx(60 * GRAVITY_M_S2 * 1000 / speed_m_s)
    if speed_m_s == 2.7:
        assert of_a_kilometre == pytest.approx(218_000)


@pytest.mark.parametrize(("contact_s", "flight_s", "peak_n"), [(0.25, 0.11, 1331.38), (0.27, 0.09, 1232.76), (0.23, 0.13, 1447.15)])
def test_a_longer_contact_gives_a_lower_peak(contact_s: float, flight_s: float, peak_n: float) -> None:
    cadence_spm = 60 / (contact_s + flight_s)
    assert cadence_spm == pytest.approx(166.667, abs=1e-3)
    assert flight_time_s(cadence_spm, contact_s) == pytest.approx(flight_s)
    assert sine_wave_peak_n(60, cadence_spm, contact_s) == pytest.approx(peak_n, abs=0.005)


def test_vector_6_and_7() -> None:
    assert duty_factor(60 / 0.36, 0.25) == pytest.approx(0.34722, abs=1e-5)
    assert sine_wave_peak_n(60, 60 / 0.36, 0.25) == pytest.approx(2.2619 * 60 * GRAVITY_M_S2, rel=1e-4)
    assert impulse_per_step_n_s(60, 60 / 0.36) == pytest.approx(211.896)
    stiffness = sine_wave_stiffness_n_m(60, 60 / 0.36, 0.25, speed_m_s=2.8, height_m=1.70)
    assert stiffness == pytest.approx((20_843, 9_889), abs=1)


@pytest.mark.parametrize(("contact_s", "valid"), [(0.374, True), (0.375, True), (0.376, False)])
def test_with_both_feet_down_nothing_is_told(contact_s: float, valid: bool) -> None:
    # 160 steps a minute: 0.375 s a step
    assert (flight_time_s(160, contact_s) is not None) is valid
    assert (duty_factor(160, contact_s) is not None) is valid
    assert (sine_wave_peak_n(60, 160, contact_s) is not None) is valid
    assert (sine_wave_stiffness_n_m(60, 160, contact_s, speed_m_s=2.7, height_m=1.7) is not None) is valid


def test_a_leg_that_would_be_too_short_for_the_stride_gives_no_stiffness() -> None:
    assert sine_wave_stiffness_n_m(60, 160, 0.25, speed_m_s=8, height_m=1.7) is None


def contact(day: int, ms: float | None, device: str = "watch") -> dict[str, Any]:
    return {"run_date": MONDAY + timedelta(days=day), "ground_contact_time_ms": ms, "device": device}


def test_contact_time_is_compared_within_one_device() -> None:
    runs = [contact(day, 260) for day in range(3)] + [contact(day, 250) for day in range(5, 8)]
    runs += [contact(day, 190, "pod") for day in range(5, 9)] + [contact(4, None)]
    shown = contact_time_change(runs_frame(runs), since=MONDAY + timedelta(days=5))
    assert (shown.change_ms, shown.runs_before, shown.runs_after) == (-10, 3, 3)
    assert shown.sentence == (
        "Time on the ground with the same device: −10 ms (3 runs before, 3 after). It is a sign that the step changed, not the goal."
    )


@pytest.mark.parametrize(("before", "after"), [(2, 3), (3, 2), (0, 0)])
def test_two_runs_on_a_side_are_too_few_to_compare_contact_time(before: int, after: int) -> None:
    runs = [contact(day, 260) for day in range(before)] + [contact(10 + day, 250) for day in range(after)]
    shown = contact_time_change(runs_frame(runs), since=MONDAY + timedelta(days=10))
    assert shown.change_ms is None
    assert "it takes 3 runs of one device before and after" in shown.sentence
