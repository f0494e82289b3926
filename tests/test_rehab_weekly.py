"""Calendar weeks: what is known of each."""

import math
import random
import statistics
from collections import Counter
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import NPRS_COUNT_COLUMNS, PAIN_WEEK_COLUMNS, RUN_WEEK_COLUMNS, Side, day_number, week_number
from rehab.days import Coverage, week_numbers
from rehab.pain import weekly_pain
from rehab.weekly import WEEK_COLUMNS, week_table, week_table_from_rows, weekly_distance, weekly_runs
from tests.rehab_scenes import (
    MONDAY,
    coverage_of,
    days,
    mornings,
    number_of,
    plans_frame,
    random_runs,
    random_scores,
    runs_frame,
    scores_frame,
    week_of,
    week_starts,
)

SUNDAY = MONDAY + timedelta(days=6)
TWO_WEEKS = Coverage(MONDAY, MONDAY + timedelta(days=13))


def table(
    runs: list[Any] | None = None, scores: list[Any] | None = None, *, as_of: date, coverage: Coverage | None, **more: Any
) -> pd.DataFrame:
    given_frames = runs_frame(runs or []), scores_frame(scores or [])
    return week_table(*given_frames, **{"side": Side.LEFT, "week_start": 0, "as_of": as_of, "coverage": coverage, **more})


# Which week


def test_the_same_four_runs_fall_into_weeks_by_the_clinics_first_day() -> None:
    # evidence 11, vector 2: Sat 2025-03-01 8, Sun 5, Mon 6, Tue 03-04 6
    runs = runs_frame([{"run_date": date(2025, 3, day), "distance_m": km * 1000} for day, km in ((1, 8), (2, 5), (3, 6), (4, 6))])
    covered = Coverage(date(2025, 3, 1), date(2025, 3, 4))
    from_monday = weekly_distance(runs, week_start=0, as_of=date(2025, 3, 4), coverage=covered)
    from_sunday = weekly_distance(runs, week_start=6, as_of=date(2025, 3, 4), coverage=covered)
    assert from_monday.to_dict() == {pd.Timestamp("2025-02-24"): 13_000, pd.Timestamp("2025-03-03"): 12_000}
    assert from_sunday.to_dict() == {pd.Timestamp("2025-02-23"): 8_000, pd.Timestamp("2025-03-02"): 17_000}


def test_the_last_monday_of_2024_begins_the_first_week_of_2025() -> None:
    assert week_number(date(2024, 12, 30), 0) == day_number(date(2024, 12, 30))
    assert date(2024, 12, 30).isocalendar()[:2] == (2025, 1)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), week_starts)
def test_weeks_of_many_days_are_those_of_each_day(day: date, week_start: int) -> None:
    assert week_numbers(np.array([number_of(day)]), week_start).tolist() == [week_number(day, week_start)]
    assert week_number(day, week_start) == number_of(week_of(day, week_start))


def test_a_run_late_on_sunday_at_utc_plus_13_belongs_to_that_sundays_week() -> None:
    # 23:30 in Tonga is 10:30 UTC of the same day; 00:30 on Monday is 11:30 UTC of the Sunday
    late = {"run_date": SUNDAY, "started_at_utc": pd.Timestamp("2025-03-09T10:30Z"), "utc_offset_s": 13 * 3600, "distance_m": 8_050}
    early = {"run_date": SUNDAY + timedelta(days=1), "started_at_utc": pd.Timestamp("2025-03-09T11:30Z"), "utc_offset_s": 13 * 3600}
    assert table([late, early], as_of=SUNDAY + timedelta(days=7), coverage=TWO_WEEKS)["distance_m"].tolist() == [8_050, 5_000]


# What is known


def test_a_logged_week_without_runs_is_zero_and_an_unlogged_one_is_unknown() -> None:
    weeks = table([{"run_date": MONDAY}], as_of=MONDAY + timedelta(days=20), coverage=TWO_WEEKS)
    assert weeks["distance_m"].iloc[:2].tolist() == [5_000, 0]
    assert math.isnan(weeks["distance_m"].iloc[2])
    assert weeks["logged"].tolist() == [True, True, False]
    assert weeks["days_logged"].tolist() == [7, 7, 0]
    assert weeks["runs"].iloc[:2].tolist() == [1, 0]
    assert math.isnan(weeks["runs"].iloc[2])
    assert weeks["longest_run_m"].isna().tolist() == [False, True, True]


@pytest.mark.parametrize(("first", "logged", "days_logged"), [(-1, True, 7), (0, True, 7), (1, False, 6)])
def test_a_week_counts_as_logged_when_logging_began_on_its_first_day_or_before(first: int, logged: bool, days_logged: int) -> None:
    covered = Coverage(MONDAY + timedelta(days=first), SUNDAY + timedelta(days=7))
    week = table(as_of=SUNDAY, coverage=covered).iloc[-1]
    assert (week["logged"], week["days_logged"]) == (logged, days_logged)
    assert math.isnan(week["distance_m"]) is not logged


@pytest.mark.parametrize(("last", "logged"), [(4, False), (5, True), (6, True)])
def test_a_running_week_is_logged_when_all_its_days_so_far_are(last: int, logged: bool) -> None:
    covered = Coverage(MONDAY, MONDAY + timedelta(days=last))
    week = table(as_of=MONDAY + timedelta(days=5), coverage=covered).iloc[0]
    assert (week["logged"], week["so_far"]) == (logged, True)


def test_a_partly_covered_week_with_a_run_shows_the_run() -> None:
    covered = Coverage(MONDAY + timedelta(days=3), MONDAY + timedelta(days=3))
    week = table([{"run_date": MONDAY + timedelta(days=3)}], as_of=SUNDAY, coverage=covered).iloc[0]
    assert (week["logged"], week["days_logged"], week["distance_m"]) == (True, 1, 5_000)


@pytest.mark.parametrize(("as_of", "so_far"), [(SUNDAY - timedelta(days=1), True), (SUNDAY, False)])
def test_a_week_is_so_far_until_its_last_day(as_of: date, so_far: bool) -> None:
    assert table(as_of=as_of, coverage=TWO_WEEKS)["so_far"].tolist() == [so_far]


def test_nothing_recorded_is_an_empty_table_with_its_columns() -> None:
    weeks = table(as_of=SUNDAY, coverage=None)
    assert weeks.empty
    assert tuple(weeks.columns) == WEEK_COLUMNS


# Pain


def test_a_next_morning_score_counts_in_the_week_of_the_run_it_follows() -> None:
    after_sunday = {"for_date": SUNDAY + timedelta(days=1), "counted_date": SUNDAY, "run_id": 1, "nprs": 4}
    weeks = table([{"run_date": SUNDAY}], [after_sunday], as_of=SUNDAY + timedelta(days=3), coverage=TWO_WEEKS)
    assert weeks["pain_scores"].tolist() == [1, 0]
    assert weeks["pain_next_morning_median"].iloc[0] == 4
    assert math.isnan(weeks["pain_next_morning_median"].iloc[1])


def test_pain_of_a_week_is_the_median_the_worst_and_how_many() -> None:
    week = table(scores=mornings(MONDAY, [1, None, 4, 2, 7]), as_of=SUNDAY, coverage=TWO_WEEKS).iloc[0]
    assert (week["pain_next_morning_median"], week["pain_next_morning_max"], week["pain_scores"]) == (3, 7, 4)


def test_zero_pain_is_a_score_and_no_answer_is_none() -> None:
    weeks = table(scores=mornings(MONDAY, [0]), as_of=SUNDAY + timedelta(days=1), coverage=TWO_WEEKS)
    assert weeks["pain_next_morning_median"].iloc[0] == 0
    assert weeks["pain_next_morning_median"].isna().tolist() == [False, True]


def test_other_sides_and_moments_never_enter() -> None:
    others = mornings(MONDAY, [9], side="right") + mornings(MONDAY, [9], side="unspecified") + mornings(MONDAY, [9], moment="during")
    week = table(scores=[*others, *mornings(MONDAY, [2])], as_of=SUNDAY, coverage=TWO_WEEKS).iloc[0]
    assert (week["pain_next_morning_max"], week["pain_scores"]) == (2, 1)


# Plan and cadence


def test_the_highest_version_that_is_valid_by_the_weeks_last_day_is_the_plan() -> None:
    plans = [
        {"version": 3, "valid_from": SUNDAY + timedelta(days=1), "weekly_distance_m": 30_000},
        {"version": 1, "valid_from": MONDAY - timedelta(days=7), "weekly_distance_m": 10_000},
        {"version": 2, "valid_from": SUNDAY, "weekly_distance_m": 20_000},
        {"version": 4, "valid_from": SUNDAY + timedelta(days=8), "weekly_distance_m": None},
    ]
    covered = Coverage(MONDAY - timedelta(days=14), SUNDAY)
    weeks = table(as_of=SUNDAY + timedelta(days=14), coverage=covered, plans=plans_frame(plans))
    assert weeks["planned_distance_m"].fillna(-1).tolist() == [-1, 10_000, 20_000, 30_000, -1]


def test_a_later_version_that_begins_earlier_replaces_what_was_planned_before_it() -> None:
    plans = [
        {"version": 1, "valid_from": SUNDAY + timedelta(days=1), "weekly_distance_m": 30_000},
        {"version": 2, "valid_from": MONDAY, "weekly_distance_m": 20_000},
    ]
    weeks = table(as_of=SUNDAY + timedelta(days=7), coverage=TWO_WEEKS, plans=plans_frame(plans))
    assert weeks["planned_distance_m"].tolist() == [20_000, 20_000]


def test_no_plan_outlives_the_episode() -> None:
    plans = plans_frame([{"version": 1, "valid_from": MONDAY, "weekly_distance_m": 20_000}])
    weeks = table(as_of=SUNDAY + timedelta(days=7), coverage=TWO_WEEKS, plans=plans, ended_on=SUNDAY)
    assert weeks["planned_distance_m"].fillna(-1).tolist() == [20_000, -1]


def test_weekly_cadence_is_weighted_by_time() -> None:
    runs = [
        {"run_date": MONDAY, "running_cadence_spm": 160, "running_time_s": 1200},
        {"run_date": MONDAY, "running_cadence_spm": 172, "running_time_s": 3600},
        {"run_date": MONDAY},
    ]
    # (160 × 20 min + 172 × 60 min) / 80 min
    assert table(runs, as_of=SUNDAY, coverage=TWO_WEEKS)["running_cadence_spm"].tolist() == [169.0]
    assert weekly_runs(runs_frame(runs), week_start=0)["runs_with_cadence"].tolist() == [2]


def test_cadence_at_equal_speed_is_the_median_of_the_weeks_runs() -> None:
    run_days = [MONDAY, MONDAY, MONDAY + timedelta(days=2), SUNDAY, SUNDAY + timedelta(days=1)]
    equal_speed = pd.Series([170.0, 162.0, math.nan, 165.0, math.nan], index=pd.to_datetime(run_days))
    weeks = table(as_of=SUNDAY + timedelta(days=7), coverage=TWO_WEEKS, equal_speed=equal_speed)
    assert weeks["cadence_at_equal_speed_spm"].iloc[0] == 165
    assert math.isnan(weeks["cadence_at_equal_speed_spm"].iloc[1])


# The table against the rule told plainly


def plain_week(runs: list[Any], scores: list[Any], first: date, as_of: date, covered: Coverage | None) -> dict[str, Any]:
    week = [first + timedelta(days=day) for day in range(7)]
    ran = [run for run in runs if run["run_date"] in week and run["run_date"] <= as_of]
    felt = [score["nprs"] for score in scores if score["counted_date"] in week and score["for_date"] <= as_of]
    inside = [covered is not None and covered.first_day <= day <= min(covered.last_day, as_of) for day in week]
    logged = all(known for known, day in zip(inside, week, strict=True) if day <= as_of) or bool(ran)
    paced = [run for run in ran if run["running_cadence_spm"] is not None and run["running_time_s"] is not None]
    running_time = sum(run["running_time_s"] for run in paced)
    steps = sum(math.floor(run["running_cadence_spm"] * run["running_time_s"] / 60 + 0.5) for run in paced)
    return {
        "week_start": pd.Timestamp(first),
        "logged": logged,
        "days_logged": sum(inside),
        "so_far": week[-1] > as_of,
        "distance_m": sum(run["distance_m"] for run in ran) if logged else math.nan,
        "runs": len(ran) if logged else math.nan,
        "longest_run_m": max((run["distance_m"] for run in ran), default=math.nan),
        "planned_distance_m": math.nan,
        "running_cadence_spm": 60 * steps / running_time if running_time else math.nan,
        "cadence_at_equal_speed_spm": math.nan,
        "pain_next_morning_median": statistics.median(felt) if felt else math.nan,
        "pain_next_morning_max": max(felt, default=math.nan),
        "pain_scores": len(felt),
    }


@given(random_runs, random_scores, week_starts, days, st.integers(0, 20), st.booleans())
def test_every_week_is_what_the_rule_says(
    runs: list[Any], scores: list[Any], week_start: int, as_of: date, more_days: int, forgotten: bool
) -> None:
    covered = None if forgotten else coverage_of(runs, scores, more_days)
    shown = table(runs, scores, as_of=as_of, coverage=covered, week_start=week_start)
    of_side = [score for score in scores if score["side"] == "left" and score["moment"] == "next_morning" and score["for_date"] <= as_of]
    known_days = [run["run_date"] for run in runs if run["run_date"] <= as_of] + [score["counted_date"] for score in of_side]
    known_days += [covered.first_day] if covered and covered.first_day <= as_of else []
    first = week_of(min(known_days, default=as_of + timedelta(days=7)), week_start)
    count = max(0, (week_of(as_of, week_start) - first).days // 7 + 1)
    expected = [plain_week(runs, of_side, first + timedelta(days=7 * number), as_of, covered) for number in range(count)]
    pd.testing.assert_frame_equal(shown, pd.DataFrame(expected, columns=list(WEEK_COLUMNS)), check_dtype=False, rtol=1e-12)
    assert shown.loc[~shown["logged"], ["distance_m", "runs", "longest_run_m"]].isna().all(axis=None)
    assert shown.loc[shown["logged"], ["distance_m", "runs"]].notna().all(axis=None)


def kept_rows(runs: list[Any], scores: list[Any], week_start: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that the tables keep, counted one by one."""
    run_weeks: dict[int, Counter[str]] = {}
    for run in runs:
        row = run_weeks.setdefault(number_of(week_of(run["run_date"], week_start)), Counter())
        row.update(runs=1, distance_m=run["distance_m"], moving_time_s=run["moving_time_s"])
        row["longest_run_m"] = max(row["longest_run_m"], run["distance_m"])
        if run["running_cadence_spm"] is not None and run["running_time_s"] is not None:
            steps = math.floor(run["running_cadence_spm"] * run["running_time_s"] / 60 + 0.5)
            row.update(runs_with_cadence=1, running_time_s=run["running_time_s"], running_steps=steps)
    counts = Counter(
        (number_of(week_of(score["counted_date"], week_start)), score["moment"], score["side"], score["nprs"]) for score in scores
    )
    pain_weeks = [(*key, *(counts[*key, nprs] for nprs in range(11))) for key in {each[:3] for each in counts}]
    return (
        pd.DataFrame([{"week": week, **row} for week, row in run_weeks.items()], columns=list(RUN_WEEK_COLUMNS)).fillna(0),
        pd.DataFrame(pain_weeks, columns=list(PAIN_WEEK_COLUMNS)),
    )


@given(random_runs, random_scores, week_starts, st.integers(0, 20))
def test_the_kept_rows_give_the_same_table_as_the_whole_history(
    runs: list[Any], scores: list[Any], week_start: int, more_days: int
) -> None:
    asked = {
        "side": Side.LEFT,
        "week_start": week_start,
        "as_of": MONDAY + timedelta(days=56),
        "coverage": coverage_of(runs, scores, more_days),
    }
    from_history = week_table(runs_frame(runs), scores_frame(scores), **asked)
    run_weeks, pain_weeks = kept_rows(runs, scores, week_start)
    pd.testing.assert_frame_equal(week_table_from_rows(run_weeks, pain_weeks, **asked), from_history)
    fresh = weekly_runs(runs_frame(runs), week_start=week_start)
    pd.testing.assert_frame_equal(fresh, run_weeks.sort_values("week", ignore_index=True), check_dtype=False)
    fresh = weekly_pain(scores_frame(scores), week_start=week_start)
    pd.testing.assert_frame_equal(fresh, pain_weeks.sort_values(["week", "moment", "side"], ignore_index=True), check_dtype=False)
    assert fresh[list(NPRS_COUNT_COLUMNS)].to_numpy().sum() == len(scores)


@given(random_runs, random_scores, week_starts, days, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    runs: list[Any], scores: list[Any], week_start: int, as_of: date, shuffle: random.Random
) -> None:
    asked = {"side": Side.LEFT, "week_start": week_start, "as_of": as_of, "coverage": coverage_of(runs, scores)}
    seed = shuffle.randrange(2**32)
    shuffled = runs_frame(runs).sample(frac=1, random_state=seed), scores_frame(scores).sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(
        week_table(*shuffled, **asked), week_table(runs_frame(runs), scores_frame(scores), **asked), check_exact=True
    )


@given(random_runs, week_starts)
def test_weekly_totals_add_up_to_the_runs(runs: list[Any], week_start: int) -> None:
    weeks = weekly_distance(runs_frame(runs), week_start=week_start, as_of=MONDAY + timedelta(days=56), coverage=coverage_of(runs, []))
    assert weeks.sum() == sum(run["distance_m"] for run in runs)
