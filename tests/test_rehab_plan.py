"""The version of a plan that counts, what changed, what was more than planned, and what no version may say."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import PLAN_COLUMNS, DistanceUnit, day_number
from rehab.plan import RULE, PlanWeek, is_over_ceiling, is_week_over, over_plan_words, plan_difference, plan_on, plan_weeks, plan_words
from rehab.plan_refusals import plan_refusals
from tests.rehab_scenes import MONDAY

MILE, KILOMETRE = DistanceUnit.MILE, DistanceUnit.KILOMETRE
NEW_COLUMNS = ("runs_per_week", "run_part_s", "walk_part_s", "surface_limit", "speed_limit_m_s", "strength_sessions_per_week")


def plans(*versions: dict[str, Any]) -> pd.DataFrame:
    texts = {"surface_limit": "", "reason": "", "author": ""}
    rows = [{"version": number, "valid_from": MONDAY, **texts, **version} for number, version in enumerate(versions, start=1)]
    frame = pd.DataFrame(rows, columns=list(dict.fromkeys([*PLAN_COLUMNS, *NEW_COLUMNS])))
    frame["valid_from"] = pd.to_datetime(frame["valid_from"])
    return frame


def counted(frame: pd.DataFrame, week: int = 0, ended_on: date | None = None) -> PlanWeek | None:
    return plan_on(frame, MONDAY + timedelta(days=7 * week + 3), week_start=0, ended_on=ended_on)


# --------------------------------------------------------------------------------------------------------------------
# Which version counts
# --------------------------------------------------------------------------------------------------------------------


def test_a_version_carries_all_that_was_set_and_nothing_that_was_not() -> None:
    whole = {
        "weekly_distance_m": 20_000.0,
        "runs_per_week": 3.0,
        "run_ceiling_m": 8_000.0,
        "run_part_s": 240.0,
        "walk_part_s": 60.0,
        "cadence_target_low_spm": 166.0,
        "cadence_target_high_spm": 172.0,
        "speed_limit_m_s": 2.5,
        "surface_limit": "flat, no trail",
        "strength_sessions_per_week": 4.0,
        "reason": "calmer mornings",
        "author": "Ines Roth",
    }
    assert counted(plans(whole)) == PlanWeek(version=1, valid_from=MONDAY, **whole)
    assert counted(plans({})) == PlanWeek(1, MONDAY)


def test_the_newest_version_counts_from_its_week_on_and_no_plan_before() -> None:
    later = MONDAY + timedelta(days=14)
    frame = plans(
        {"weekly_distance_m": 10_000},
        {"weekly_distance_m": 12_000, "valid_from": later},
        {"weekly_distance_m": 13_000, "valid_from": later},
    )
    assert counted(frame, -1) is None
    assert [counted(frame, week).version for week in (0, 1, 2, 3)] == [1, 1, 3, 3]
    assert [counted(frame.iloc[::-1], week).weekly_distance_m for week in (0, 2)] == [10_000, 13_000]


def test_after_the_end_of_an_episode_there_is_no_plan() -> None:
    frame = plans({"weekly_distance_m": 10_000})
    assert counted(frame, 1, ended_on=MONDAY + timedelta(days=7)) is not None
    assert counted(frame, 2, ended_on=MONDAY + timedelta(days=7)) is None
    assert plan_weeks(plans(), np.array([day_number(MONDAY)]), ended_on=None) == (None,)


# --------------------------------------------------------------------------------------------------------------------
# In words
# --------------------------------------------------------------------------------------------------------------------

OLD = PlanWeek(
    1, MONDAY, weekly_distance_m=24_140, runs_per_week=3, run_ceiling_m=8_047, cadence_target_low_spm=165, cadence_target_high_spm=170
)


def test_a_difference_names_what_was_raised_set_and_lifted_in_the_patients_unit() -> None:
    new = replace(
        OLD,
        version=2,
        weekly_distance_m=27_359,
        run_part_s=240,
        walk_part_s=90,
        cadence_target_low_spm=None,
        cadence_target_high_spm=None,
        speed_limit_m_s=1609.344 / 570,
        surface_limit="flat",
        strength_sessions_per_week=3,
        reason="settled",
    )
    assert plan_difference(OLD, new, MILE) == (
        "week's distance 15.0 mi → 17.0 mi",
        "run-walk 4:00 min and 1:30 min",
        "cadence: no longer set",
        "no faster than 9:30 /mi",
        "surface flat",
        "strength sessions a week 3",
    )
    assert plan_difference(OLD, new, KILOMETRE)[0] == "week's distance 24.1 km → 27.4 km"
    assert plan_difference(new, OLD, MILE)[2] == "cadence 165–170 steps/min"


def test_a_first_version_is_told_whole_and_an_equal_one_is_no_difference() -> None:
    assert plan_difference(None, OLD, MILE) == plan_words(OLD, MILE)
    assert plan_words(OLD, MILE) == ("week's distance 15.0 mi", "runs a week 3", "longest run 5.0 mi", "cadence 165–170 steps/min")
    assert plan_difference(OLD, replace(OLD, version=2, reason="talked about it", valid_from=MONDAY + timedelta(days=7)), MILE) == ()


def test_half_a_cadence_target_and_one_of_one_number_are_told_as_they_are() -> None:
    assert plan_words(PlanWeek(1, MONDAY, cadence_target_low_spm=165), MILE) == ("cadence from 165 steps/min",)
    assert plan_words(PlanWeek(1, MONDAY, cadence_target_high_spm=170), MILE) == ("cadence up to 170 steps/min",)
    assert plan_words(PlanWeek(1, MONDAY, cadence_target_low_spm=168, cadence_target_high_spm=168.2), MILE) == ("cadence 168 steps/min",)


# --------------------------------------------------------------------------------------------------------------------
# Over plan
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("distance_m", "over"), [(9_999, False), (10_000, False), (10_001, True)])
def test_a_run_over_its_ceiling_is_over_plan(distance_m: int, over: bool) -> None:
    assert is_over_ceiling(distance_m, PlanWeek(1, MONDAY, run_ceiling_m=10_000)) is over
    assert not is_over_ceiling(distance_m, PlanWeek(1, MONDAY))


def test_a_week_more_than_ten_percent_over_is_over_plan_and_no_fraction_decides() -> None:
    for planned in range(10, 80_000, 10):
        plan = PlanWeek(1, MONDAY, planned)
        assert not is_week_over(planned * 11 // 10, plan)
        assert is_week_over(planned * 11 // 10 + 1, plan)


def test_an_unknown_week_or_one_without_a_planned_distance_is_not_over() -> None:
    assert not is_week_over(None, OLD)
    assert not is_week_over(float("nan"), OLD)
    assert not is_week_over(500_000, PlanWeek(1, MONDAY))
    assert not is_week_over(500_000, None)


def test_what_was_over_plan_is_told_with_both_numbers() -> None:
    assert over_plan_words((4_000, 8_100, 16_093), OLD, MILE) == (
        "10.0 mi in one run, 5.0 mi agreed",
        "5.03 mi in one run, 5.00 mi agreed",
        "17.5 mi in the week, 15.0 mi planned",
    )
    assert over_plan_words((8_047, 8_047, 8_047), OLD, MILE) == ()
    assert over_plan_words((90_000,), None, MILE) == ()
    assert [limit.value for limit in RULE.limits] == [1.0, 1.1]


# --------------------------------------------------------------------------------------------------------------------
# What no version may say
# --------------------------------------------------------------------------------------------------------------------

NEXT = replace(OLD, version=2, weekly_distance_m=20_000, reason="sore mornings")


def refused(
    new: PlanWeek, *, as_of: date = MONDAY + timedelta(days=3), previous: PlanWeek | None = OLD, ended_on: date | None = None
) -> str:
    return " ".join(plan_refusals(new, previous=previous, as_of=as_of, week_start=0, ended_on=ended_on))


def test_a_sound_version_is_not_refused() -> None:
    assert refused(NEXT) == ""
    assert refused(NEXT, previous=None) == ""


@pytest.mark.parametrize("distance_m", [0, -1, 80, 500_001])
@pytest.mark.parametrize("field", ["weekly_distance_m", "run_ceiling_m"])
def test_no_plan_is_of_nothing(field: str, distance_m: int) -> None:
    assert "0 is never planned" in refused(replace(NEXT, **{field: distance_m}))


def test_the_least_that_can_be_planned_does_not_read_as_nothing() -> None:
    least = PlanWeek(2, MONDAY, 81, reason="first steps")
    assert refused(least) == ""
    assert plan_words(least, MILE) == ("week's distance 0.1 mi",)


@pytest.mark.parametrize(("runs", "wrong"), [(0, True), (1, False), (2.5, True), (21, False), (22, True), (float("nan"), True)])
def test_runs_a_week_are_a_whole_number_from_one_on(runs: float, wrong: bool) -> None:
    assert ("Runs a week are a whole number" in refused(replace(NEXT, runs_per_week=runs, run_ceiling_m=None))) is wrong


@pytest.mark.parametrize(("ceiling_m", "words"), [(20_000, ""), (20_001, "longer than the week"), (6_667, ""), (6_666, "do not reach")])
def test_ceiling_runs_and_week_go_together(ceiling_m: int, words: str) -> None:
    told = refused(replace(NEXT, run_ceiling_m=ceiling_m))
    assert words in told
    assert bool(told) == bool(words)


def test_a_ceiling_over_the_week_is_refused_without_a_number_of_runs_too() -> None:
    assert "longer than the week" in refused(replace(NEXT, run_ceiling_m=20_001, runs_per_week=None))


@pytest.mark.parametrize(
    ("days", "words"),
    [(-7, "That week is over"), (0, ""), (7, ""), (1, "not the first day"), (364, ""), (371, "more than a year ahead")],
)
def test_a_version_begins_with_this_week_or_a_later_one(days: int, words: str) -> None:
    told = refused(replace(NEXT, valid_from=MONDAY + timedelta(days=days)))
    assert words in told
    assert bool(told) == bool(words)


def test_the_week_of_a_plan_begins_on_the_clinics_first_day() -> None:
    sunday = replace(NEXT, valid_from=MONDAY - timedelta(days=1))
    assert plan_refusals(sunday, previous=OLD, as_of=MONDAY, week_start=6, ended_on=None) == ()


def test_an_episode_that_has_ended_gets_no_later_plan() -> None:
    later = replace(NEXT, valid_from=MONDAY + timedelta(days=7))
    assert "The episode ended on March 9, 2025." in refused(later, ended_on=MONDAY + timedelta(days=6))
    assert refused(later, ended_on=MONDAY + timedelta(days=7)) == ""


@pytest.mark.parametrize(
    ("run_part_s", "walk_part_s", "wrong"),
    [(240, 60, False), (240, None, True), (None, 60, True), (0, 60, True), (240, 0, True), (14_401, 60, True)],
)
def test_a_run_walk_split_has_two_parts(run_part_s: float | None, walk_part_s: float | None, wrong: bool) -> None:
    assert ("run-walk split" in refused(replace(NEXT, run_part_s=run_part_s, walk_part_s=walk_part_s))) is wrong


@pytest.mark.parametrize(
    ("low", "high", "wrong"), [(165, 170, False), (170, 170, False), (171, 170, True), (165, None, True), (10, 20, True)]
)
def test_a_cadence_target_has_two_ends_in_order(low: float, high: float | None, wrong: bool) -> None:
    told = refused(replace(NEXT, cadence_target_low_spm=low, cadence_target_high_spm=high))
    assert ("cadence target" in told) is wrong


@pytest.mark.parametrize(("speed", "wrong"), [(0.0, True), (2.5, False), (12.1, True)])
def test_a_speed_limit_is_one_that_can_be_run(speed: float, wrong: bool) -> None:
    assert bool(refused(replace(NEXT, speed_limit_m_s=speed))) is wrong


@pytest.mark.parametrize(("sessions", "wrong"), [(0, False), (3, False), (-1, True), (2.5, True), (22, True)])
def test_strength_sessions_are_a_whole_number_and_none_may_be_prescribed(sessions: float, wrong: bool) -> None:
    assert bool(refused(replace(NEXT, strength_sessions_per_week=sessions))) is wrong


def test_a_version_says_something_new_and_why() -> None:
    assert refused(replace(OLD, reason="as before")) == "Nothing is different from the plan as it is."
    assert refused(PlanWeek(2, MONDAY, reason="because")) == "The plan says nothing yet. Set at least one thing."
    assert refused(replace(NEXT, reason=" ")) == "Say in a few words why."


@given(st.integers(-5, 100_000), st.none() | st.integers(-5, 100_000), st.none() | st.integers(-1, 30))
def test_no_version_that_passes_plans_nothing_or_contradicts_itself(week: int, ceiling: int | None, runs: int | None) -> None:
    new = PlanWeek(2, MONDAY, weekly_distance_m=week, run_ceiling_m=ceiling, runs_per_week=runs, reason="drawn at random")
    if not plan_refusals(new, previous=None, as_of=MONDAY, week_start=0, ended_on=None):
        assert not any(" 0.0 " in words for words in plan_words(new, MILE))
        assert week > 0
        assert ceiling is None or 0 < ceiling <= week
        assert runs is None or runs >= 1
        assert ceiling is None or runs is None or runs * ceiling >= week
