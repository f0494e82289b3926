"""Miles, kilometres, pace and steps: what people read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import DistanceUnit
from rehab.units import METRES_PER_MILE, cadence_text, distance_in, distance_text, pace_text, round_half_up, typed_distance_m

MILE, KILOMETRE = DistanceUnit.MILE, DistanceUnit.KILOMETRE


def test_six_miles_in_3599_7_seconds_are_ten_minutes_a_mile_and_not_9_60() -> None:
    # evidence 11, vector 13: 3599.7 / 6 = 599.95 s
    assert pace_text(6.0 * METRES_PER_MILE / 3599.7, MILE) == "10:00 /mi"


def test_3_1_miles_in_half_an_hour_are_9_41_a_mile() -> None:
    # evidence 11, vector 13: 1800 / 3.1 = 580.6 s
    assert pace_text(3.1 * METRES_PER_MILE / 1800, MILE) == "9:41 /mi"


@pytest.mark.parametrize(("seconds", "text"), [(599.49, "9:59 /km"), (599.51, "10:00 /km"), (600.49, "10:00 /km")])
def test_a_pace_rounds_to_the_nearest_second(seconds: float, text: str) -> None:
    assert pace_text(1000 / seconds, KILOMETRE) == text


@given(st.floats(0.3, 12))
def test_seconds_of_a_pace_are_always_below_sixty(speed_m_s: float) -> None:
    minutes, seconds = pace_text(speed_m_s, MILE).removesuffix(" /mi").split(":")
    assert len(seconds) == 2
    assert int(seconds) < 60
    assert abs(60 * int(minutes) + int(seconds) - METRES_PER_MILE / speed_m_s) <= 0.5 + 1e-9


@pytest.mark.parametrize("speed", [None, math.nan, 0.0, -1.0])
def test_a_pace_without_a_speed_is_not_known(speed: float | None) -> None:
    assert pace_text(speed, MILE) == "not known"


def test_ten_kilometres_are_6_21_miles() -> None:
    assert distance_text(10_000, MILE) == "6.21 mi"
    assert distance_text(10_000, KILOMETRE) == "10.00 km"


@pytest.mark.parametrize("distance", [None, math.nan])
def test_an_unknown_distance_is_not_zero(distance: float | None) -> None:
    assert distance_text(distance, MILE) == "not known"


def test_a_mile_is_1609_344_metres_exactly() -> None:
    assert distance_in(1609.344, MILE) == 1.0


@pytest.mark.parametrize(
    ("cadence", "text"), [(168.49, "168 steps/min"), (168.5, "169 steps/min"), (None, "not known"), (math.nan, "not known")]
)
def test_cadence_always_says_steps(cadence: float | None, text: str) -> None:
    assert cadence_text(cadence) == text


def test_halves_round_upwards() -> None:
    assert [round_half_up(value) for value in (0.5, 1.5, 2.5, -0.5)] == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("text", "metres"),
    [("6.2", 9978), ("6,2", 9978), (" 10 km ", 10_000), ("10km", 10_000), ("1 mile", 1609), ("3 Miles", 4828), (".5 km", 500), ("0", 0)],
)
def test_a_typed_distance_is_read_in_the_patients_unit_unless_it_names_one(text: str, metres: int) -> None:
    assert typed_distance_m(text, MILE) == metres


@pytest.mark.parametrize("text", ["", "ten", "-3", "5 m", "1 2", "1.2.3", "5 parsecs", "nan", "inf", "1e3"])
def test_what_is_no_distance_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"Write a number such as 6\.2"):
        typed_distance_m(text, MILE)


def test_a_comma_before_three_digits_is_refused_because_it_has_two_readings() -> None:
    with pytest.raises(ValueError, match="two ways"):
        typed_distance_m("6,200", KILOMETRE)


@given(st.integers(0, 200_000), st.sampled_from(DistanceUnit))
def test_a_shown_distance_reads_back_within_its_last_decimal(metres: int, unit: DistanceUnit) -> None:
    assert abs(typed_distance_m(distance_text(metres, unit), unit) - metres) <= 0.005 * METRES_PER_MILE + 1
