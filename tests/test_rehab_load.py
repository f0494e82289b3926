"""Distance over rolling days."""

import math
import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehab.days import Coverage
from rehab.load import rolling_7_day_distance, week_change_percent
from tests.rehab_scenes import METRES_PER_MILE, MONDAY, days, random_runs, runs_frame

# evidence 11, vector 1: miles of days 1 to 14
VECTOR_1_MILES = [3, 0, 4, 0, 3, 0, 6, 3, 0, 4, 0, 3.5, 0, 7]


def vector_1() -> list[dict[str, object]]:
    # one mile is taken as 1000 m here, so that the totals stay whole
    return [
        {"run_date": MONDAY + timedelta(days=day), "distance_m": int(miles * 1000)} for day, miles in enumerate(VECTOR_1_MILES) if miles
    ]


def test_seven_days_total_as_in_the_worked_example() -> None:
    last = MONDAY + timedelta(days=13)
    rolling = rolling_7_day_distance(runs_frame(vector_1()), coverage=Coverage(MONDAY, last), as_of=last)
    assert rolling.iloc[6] == 16_000
    assert rolling.iloc[8:].tolist() == [16_000, 16_000, 16_000, 16_500, 16_500, 17_500]
    assert week_change_percent(rolling.iloc[13], rolling.iloc[6]) == 9.375


def test_the_first_six_days_of_a_log_are_not_known() -> None:
    last = MONDAY + timedelta(days=13)
    rolling = rolling_7_day_distance(runs_frame(vector_1()), coverage=Coverage(MONDAY, last), as_of=last)
    assert rolling.iloc[:6].isna().all()
    assert rolling.iloc[6:].notna().all()


def test_seven_days_up_to_a_tuesday_take_four_runs_over_two_calendar_weeks() -> None:
    # evidence 11, vector 2: Sat 8, Sun 5, Mon 6, Tue 6
    runs = runs_frame([{"run_date": date(2025, 3, day), "distance_m": km * 1000} for day, km in ((1, 8), (2, 5), (3, 6), (4, 6))])
    rolling = rolling_7_day_distance(runs, coverage=Coverage(date(2025, 2, 20), date(2025, 3, 4)), as_of=date(2025, 3, 4))
    assert rolling.loc["2025-03-04"] == 25_000


def test_days_after_the_last_log_are_not_known_and_no_drop() -> None:
    runs = runs_frame([{"run_date": MONDAY}])
    covered = Coverage(MONDAY - timedelta(days=10), MONDAY + timedelta(days=2))
    rolling = rolling_7_day_distance(runs, coverage=covered, as_of=MONDAY + timedelta(days=5))
    assert rolling.loc[str(MONDAY + timedelta(days=2))] == 5000
    assert rolling.loc[str(MONDAY + timedelta(days=3)) :].isna().all()


def test_a_logged_week_without_runs_is_zero() -> None:
    rolling = rolling_7_day_distance(
        runs_frame([]), coverage=Coverage(MONDAY, MONDAY + timedelta(days=6)), as_of=MONDAY + timedelta(days=6)
    )
    assert rolling.iloc[-1] == 0


def test_nothing_logged_gives_nothing() -> None:
    assert rolling_7_day_distance(runs_frame([]), coverage=None, as_of=MONDAY).empty
    assert rolling_7_day_distance(
        runs_frame([]), coverage=Coverage(MONDAY + timedelta(days=1), MONDAY + timedelta(days=9)), as_of=MONDAY
    ).empty


@pytest.mark.parametrize(
    ("before_mi", "percent"), [(2.99, None), (3.0, 100.0), (3.01, pytest.approx(99.33555)), (math.nan, None), (0.0, None)]
)
def test_a_percentage_is_told_from_three_miles_on(before_mi: float, percent: float | None) -> None:
    assert week_change_percent(6 * METRES_PER_MILE, before_mi * METRES_PER_MILE) == percent


def test_a_change_to_something_unknown_is_unknown() -> None:
    assert week_change_percent(math.nan, 20_000) is None


@given(random_runs, days, st.integers(0, 40), days, st.randoms(use_true_random=False))
def test_every_day_is_the_sum_of_its_seven_or_unknown(
    runs: list[dict[str, object]], first: date, length: int, as_of: date, shuffle: random.Random
) -> None:
    covered = Coverage(first, first + timedelta(days=length))
    rolling = rolling_7_day_distance(runs_frame(runs), coverage=covered, as_of=as_of)
    assert len(rolling) == max(0, (as_of - first).days + 1)
    for day, shown in rolling.items():
        window = [day.date() - timedelta(days=back) for back in range(7)]
        if all(covered.first_day <= each <= covered.last_day for each in window):
            assert shown == sum(run["distance_m"] for run in runs if run["run_date"] in window)
        else:
            assert math.isnan(shown)
    shuffled = runs_frame(runs).sample(frac=1, random_state=shuffle.randrange(2**32))
    assert rolling_7_day_distance(shuffled, coverage=covered, as_of=as_of).equals(rolling)
