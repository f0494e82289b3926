"""Distance over rolling days and calendar weeks, and by how much it changed."""

import math
import random
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import DistanceUnit, Side
from rehab.days import Coverage
from rehab.load import (
    RULES,
    calendar_change,
    daily_distance,
    distance_change,
    is_three_week_rise,
    rolling_7_day_distance,
    rolling_change,
    smoothed_daily_load,
    three_week_ratio,
    week_change_percent,
)
from rehab.weekly import week_table
from tests.rehab_scenes import METRES_PER_MILE, MONDAY, days, random_runs, runs_frame, scores_frame, week_starts

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


# --------------------------------------------------------------------------------------------------------------------
# Change
# --------------------------------------------------------------------------------------------------------------------


def test_the_change_of_seven_days_is_told_in_the_runners_unit_and_in_percent() -> None:
    # evidence 11, vector 1
    last = MONDAY + timedelta(days=13)
    rolling = rolling_7_day_distance(runs_frame(vector_1()), coverage=Coverage(MONDAY, last), as_of=last)
    shown = rolling_change(rolling, day=last)
    assert (shown.latest_m, shown.previous_m, shown.change_m, shown.percent, shown.mark) == (17_500, 16_000, 1_500, 9.375, "")
    assert shown.words(DistanceUnit.KILOMETRE) == "+1.5 km (+9.4 %)"
    assert shown.words(DistanceUnit.MILE) == "+0.9 mi (+9.4 %)"


def test_from_a_small_week_the_distance_alone_is_told() -> None:
    assert distance_change(9_656, 4_828).words(DistanceUnit.MILE) == "+3.0 mi"  # 4,828.03 m are three miles
    assert distance_change(9_656, 4_829).words(DistanceUnit.MILE) == "+3.0 mi (+100.0 %)"
    assert distance_change(8_000, 16_000).words(DistanceUnit.KILOMETRE) == "−8.0 km (−50.0 %)"
    assert distance_change(16_000, 16_000).words(DistanceUnit.KILOMETRE) == "0.0 km (0.0 %)"


@pytest.mark.parametrize(
    ("latest_m", "mark"),
    [(10_000, ""), (21_999, ""), (22_000, ""), (22_001, "note"), (25_999, "note"), (26_000, "flag"), (26_001, "flag"), (90_000, "flag")],
)
def test_more_than_ten_percent_is_noted_and_thirty_are_flagged(latest_m: int, mark: str) -> None:
    assert distance_change(latest_m, 20_000).mark == mark


def test_a_rise_from_a_small_week_or_from_nothing_is_no_percentage_and_no_flag() -> None:
    for previous_m in (0, 4_828, math.nan):
        shown = distance_change(40_000, previous_m)
        assert (shown.percent, shown.mark) == (None, "")


def test_what_is_not_known_changes_by_something_not_known() -> None:
    shown = distance_change(math.nan, 20_000)
    assert (shown.latest_m, shown.change_m, shown.mark, shown.words(DistanceUnit.MILE)) == (None, None, "", "not known")


def weeks_of(runs: list[dict[str, object]], covered: Coverage, as_of: date, week_start: int = 0) -> pd.DataFrame:
    return week_table(runs_frame(runs), scores_frame([]), side=Side.LEFT, week_start=week_start, as_of=as_of, coverage=covered)


def test_calendar_weeks_are_compared_by_the_clinics_first_day_of_the_week() -> None:
    # evidence 11, vector 2: Sat 8, Sun 5, Mon 6, Tue 6; weeks from Monday 13 and 12, weeks from Sunday 8 and 17
    runs = [{"run_date": date(2025, 3, day), "distance_m": km * 1000} for day, km in ((1, 8), (2, 5), (3, 6), (4, 6))]
    covered = Coverage(date(2025, 2, 20), date(2025, 3, 10))
    monday = calendar_change(weeks_of(runs, covered, date(2025, 3, 10)), week_start=date(2025, 3, 3))
    sunday = calendar_change(weeks_of(runs, covered, date(2025, 3, 10), week_start=6), week_start=date(2025, 3, 2))
    assert (monday.latest_m, monday.previous_m, monday.change_m) == (12_000, 13_000, -1_000)
    assert (sunday.latest_m, sunday.previous_m, sunday.mark) == (17_000, 8_000, "flag")


def test_the_week_still_running_and_a_week_logged_in_part_are_not_compared() -> None:
    runs = [{"run_date": MONDAY + timedelta(days=day), "distance_m": 10_000} for day in (2, 7, 14)]
    covered = Coverage(MONDAY + timedelta(days=1), MONDAY + timedelta(days=15))
    weeks = weeks_of(runs, covered, MONDAY + timedelta(days=15))
    assert calendar_change(weeks, week_start=MONDAY + timedelta(days=14)).latest_m is None
    assert calendar_change(weeks, week_start=MONDAY + timedelta(days=7)).previous_m is None
    assert calendar_change(weeks, week_start=MONDAY + timedelta(days=7)).latest_m == 10_000


# --------------------------------------------------------------------------------------------------------------------
# Three weeks before, and the line
# --------------------------------------------------------------------------------------------------------------------


def test_the_latest_block_is_divided_by_the_three_before_it_and_is_no_part_of_them() -> None:
    assert three_week_ratio([30, 20, 20, 20, 500]) == 1.5  # evidence 11, vector 16


@pytest.mark.parametrize(("latest_m", "rise"), [(25_999, False), (26_000, True), (26_001, True)])
def test_thirty_percent_over_three_weeks_is_a_rise(latest_m: int, rise: bool) -> None:
    assert is_three_week_rise([latest_m, 10_000, 20_000, 30_000]) is rise


def test_on_the_limit_no_fraction_decides() -> None:
    for mean in range(10, 60_000, 10):
        assert is_three_week_rise([mean * 13 // 10, mean, mean, mean])
        assert not is_three_week_rise([mean * 13 // 10 - 1, mean, mean, mean])


@pytest.mark.parametrize(
    "blocks", [(), (30, 20, 20), (30, 20, None, 20), (math.nan, 20, 20, 20), (30, 20, 20, math.nan), (30, 0, 0, 0), (0, 0, 0, 0)]
)
def test_without_four_known_blocks_or_without_a_run_before_there_is_no_ratio(blocks: tuple[float | None, ...]) -> None:
    assert three_week_ratio(blocks) is None
    assert not is_three_week_rise(blocks)


def test_the_line_is_smoothed_as_in_the_worked_example() -> None:
    # evidence 11, vector 5
    daily = pd.Series([300.0, 0, 0, 400, 0, 0, 250])
    seven = [300, 225, 168.75, 226.5625, 169.9219, 127.4414, 158.0811]
    assert smoothed_daily_load(daily, days=7).tolist() == pytest.approx(seven, abs=1e-4)
    assert smoothed_daily_load(daily, days=28).iloc[-1] == pytest.approx(234.9007, abs=1e-4)
    assert smoothed_daily_load(daily, days=1).equals(daily)
    assert smoothed_daily_load(daily[:0], days=7).empty


def test_the_line_falls_on_rest_days_and_ends_with_the_log() -> None:
    covered = Coverage(MONDAY, MONDAY + timedelta(days=2))
    daily = daily_distance(runs_frame([{"run_date": MONDAY, "distance_m": 8_000}]), coverage=covered, as_of=MONDAY + timedelta(days=4))
    assert daily.iloc[:3].tolist() == [8_000, 0, 0]
    line = smoothed_daily_load(daily, days=7)
    assert line.iloc[:3].tolist() == [8_000, 6_000, 4_500]
    assert line.iloc[3:].isna().all()


def test_a_line_over_no_day_is_refused() -> None:
    with pytest.raises(ValueError, match="1 day or more"):
        smoothed_daily_load(pd.Series([1.0]), days=0)


def test_the_rules_hold_the_limits_that_are_compared() -> None:
    assert [[limit.value for limit in rule.limits] for rule in RULES] == [[3, 10, 30], [1.3]]


@given(random_runs, days, st.integers(0, 60), week_starts, st.randoms(use_true_random=False))
def test_an_unlogged_week_is_never_a_drop_or_a_rise(
    runs: list[dict[str, object]], first: date, length: int, week_start: int, shuffle: random.Random
) -> None:
    covered = Coverage(first, first + timedelta(days=length))
    as_of = first + timedelta(days=length + 21)
    inside = [run for run in runs if covered.first_day <= run["run_date"] <= covered.last_day]
    weeks = weeks_of(inside, covered, as_of, week_start)
    for start in weeks["week_start"]:
        shown = calendar_change(weeks, week_start=start.date())
        for stretch, monday in ((shown.latest_m, start.date()), (shown.previous_m, start.date() - timedelta(days=7))):
            whole = covered.first_day <= monday and monday + timedelta(days=6) <= covered.last_day
            assert (stretch is not None) == whole
        if shown.latest_m is None or shown.previous_m is None:
            assert (shown.change_m, shown.percent, shown.mark) == (None, None, "")
    rolling = rolling_7_day_distance(runs_frame(inside), coverage=covered, as_of=as_of)
    for day in (covered.last_day + timedelta(days=1), as_of):
        assert rolling_change(rolling, day=day).mark == ""
        assert rolling_change(rolling, day=day).change_m is None
    shuffled = shuffle.sample(inside, len(inside))
    pd.testing.assert_frame_equal(weeks_of(shuffled, covered, as_of, week_start), weeks)
