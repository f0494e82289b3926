"""A chosen run or week beside the runner's own past."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import DistanceUnit, Side
from rehab.days import Coverage
from rehab.plan import PlanWeek
from rehab.weekly import week_table
from rehab.what_if import RULE, StepUp, WhatIfRun, WhatIfWeek, steps_of, what_if_run, what_if_week
from tests.rehab_scenes import METRES_PER_MILE, MONDAY, random_runs, runs_frame, scores_frame

SUNDAY = MONDAY + timedelta(days=6)
MILE, KILOMETRE = DistanceUnit.MILE, DistanceUnit.KILOMETRE


def run(day: int, distance_m: int) -> dict[str, Any]:
    return {"run_date": MONDAY + timedelta(days=day), "distance_m": distance_m}


def sundays_run(distance_m: int, *runs: dict[str, Any], unit: DistanceUnit = KILOMETRE, **more: Any) -> WhatIfRun:
    return what_if_run(runs_frame(runs), on=SUNDAY, distance_m=distance_m, unit=unit, as_of=MONDAY + timedelta(days=3), **more)


# --------------------------------------------------------------------------------------------------------------------
# The next run
# --------------------------------------------------------------------------------------------------------------------


def test_twelve_kilometres_after_ten_are_twenty_percent_over_the_longest_of_thirty_days() -> None:
    history = (run(-24, 10_000), run(-25, 16_000), run(2, 8_000))  # day -24 is 30 days before day 6
    shown = sundays_run(12_000, *history)
    assert shown.sentences == ("12.0 km: +20 % over the longest run of the last 30 days (10.0 km on February 7, 2025).",)
    assert (shown.longest_30_days_m, shown.ratio, shown.percent, shown.band) == (10_000, 1.2, 20, "small")
    assert sundays_run(8_000, *history).sentences[0].startswith("8.0 km: 20 % under the longest run of the last 30 days")
    assert "+20 % over the longest run of the last 30 days (6.2 mi" in sundays_run(12_000, *history, unit=MILE).sentences[0]


@pytest.mark.parametrize(
    ("distance_m", "words", "band"),
    [
        (10_000, "as long as the longest run", "reference"),
        (11_000, "+10 % over the longest run", "reference"),
        (11_001, "+10.01 % over the longest run", "small"),
        (11_290, "+12.9 % over the longest run", "small"),
        (13_000, "+30 % over the longest run", "small"),
        (20_000, "+100 % over the longest run", "moderate"),
        (20_001, "+100.01 % over the longest run", "large"),
    ],
)
def test_the_band_and_the_words_agree_at_each_limit(distance_m: int, words: str, band: str) -> None:
    shown = sundays_run(distance_m, run(0, 10_000))
    assert words in shown.sentences[0]
    assert shown.band == band


def test_a_metre_over_the_limit_of_a_long_run_is_never_shown_as_on_it() -> None:
    assert "+10.003 % over" in sundays_run(33_001, run(0, 30_000)).sentences[0]
    assert "+10 % over" in sundays_run(33_000, run(0, 30_000)).sentences[0]


def test_on_the_day_itself_only_the_days_before_it_need_to_be_logged() -> None:
    runs = runs_frame([run(0, 8_000)])
    for first, last, told in (
        (-24, 5, ()),
        (-24, 4, ("Only 29 of these days were logged.",)),
        (-23, 9, ("Only 29 of these days were logged.",)),
    ):
        covered = Coverage(MONDAY + timedelta(days=first), MONDAY + timedelta(days=last))
        shown = what_if_run(runs, on=SUNDAY, distance_m=8_000, unit=KILOMETRE, as_of=SUNDAY, coverage=covered)
        assert shown.sentences[1:] == told


def test_after_thirty_days_without_a_run_there_is_nothing_to_divide_by() -> None:
    shown = sundays_run(5_000, run(-25, 10_000), run(-3, 0))
    assert shown.sentences == ("5.0 km: no run in 30 days to compare with.",)
    assert (shown.longest_30_days_m, shown.ratio, shown.percent, shown.band) == (None, None, None, "no run in 30 days")


def test_what_was_run_on_the_day_itself_is_history_and_what_comes_later_is_not_known() -> None:
    runs = runs_frame([run(0, 5_000), run(6, 9_000), run(7, 20_000)])
    on_the_day = what_if_run(runs, on=SUNDAY, distance_m=9_000, unit=KILOMETRE, as_of=SUNDAY)
    assert on_the_day.longest_30_days_m == 9_000
    assert what_if_run(runs, on=SUNDAY, distance_m=9_000, unit=KILOMETRE, as_of=MONDAY).longest_30_days_m == 5_000


def test_of_equal_longest_runs_the_latest_is_named() -> None:
    assert sundays_run(9_000, run(-3, 8_000), run(1, 8_000)).longest_on == MONDAY + timedelta(days=1)


def test_days_that_were_not_logged_are_said() -> None:
    history = run(0, 8_000)
    # the 30 days before Sunday are days -24 to 5; days up to Thursday (3) are past: 28 of them
    told = [
        sundays_run(8_000, history, coverage=Coverage(MONDAY + timedelta(days=first), MONDAY + timedelta(days=last))).sentences[1:]
        for first, last in ((-24, 3), (-60, 40), (-10, 3), (-60, 1), (-90, -60))
    ]
    assert told == [
        (),
        (),
        ("Only 14 of these days were logged.",),
        ("Only 26 of these days were logged.",),
        ("Only 0 of these days were logged.",),
    ]


def test_pace_minutes_and_steps_stand_beside_the_distance() -> None:
    mile_in_ten_minutes = METRES_PER_MILE / 600
    shown = sundays_run(9_656, run(0, 8_047), unit=MILE, easy_speed_m_s=mile_in_ten_minutes, cadence_spm=168)
    assert shown.sentences[1:] == ("About 60 minutes at the usual easy pace of 10:00 /mi.", "About 10,100 steps at 168 steps/min.")
    assert shown.steps == pytest.approx(10_080, abs=1)
    unknown = sundays_run(9_656, run(0, 8_047), unit=MILE, cadence_spm=168)
    assert (unknown.steps, unknown.duration_s, len(unknown.sentences)) == (None, None, 1)


@pytest.mark.parametrize(("distance_m", "over"), [(8_000, False), (8_001, True)])
def test_a_run_over_the_plans_ceiling_is_said(distance_m: int, over: bool) -> None:
    shown = sundays_run(distance_m, run(0, 10_000), plan=PlanWeek(1, MONDAY, run_ceiling_m=8_000))
    assert shown.over_ceiling is over
    assert ("Over the plan's longest run of 8.0 km." in shown.sentences) is over


# evidence 11, vector 8
@pytest.mark.parametrize(("cadence_spm", "steps"), [(160, 1589.48), (168, 1668.95), (176, 1748.42)])
def test_steps_of_a_mile_are_those_of_the_worked_example(cadence_spm: float, steps: float) -> None:
    assert steps_of(METRES_PER_MILE, cadence_spm, 2.7) == pytest.approx(steps, abs=5e-3)


@pytest.mark.parametrize(
    ("cadence_spm", "speed_m_s"), [(None, 2.7), (160, None), (float("nan"), 2.7), (160, float("nan")), (160, 0.0), (0, 2.7)]
)
def test_steps_are_unknown_without_cadence_or_speed(cadence_spm: float | None, speed_m_s: float | None) -> None:
    assert steps_of(1_000, cadence_spm, speed_m_s) is None


# --------------------------------------------------------------------------------------------------------------------
# The next week
# --------------------------------------------------------------------------------------------------------------------


def weeks_of(*distances_m: int, so_far_m: int = 3_000) -> pd.DataFrame:
    """Whole weeks from MONDAY on, one run each on its Wednesday, and the week after them, still running."""
    runs = [run(7 * week + 2, distance) for week, distance in enumerate([*distances_m, so_far_m]) if distance]
    as_of = MONDAY + timedelta(days=7 * len(distances_m) + 3)
    return week_table(runs_frame(runs), scores_frame([]), side=Side.LEFT, week_start=0, as_of=as_of, coverage=Coverage(MONDAY, as_of))


def ok(flags: Mapping[int, bool | None]) -> pd.Series:
    index = pd.to_datetime([MONDAY + timedelta(days=7 * week) for week in flags])
    return pd.Series(list(flags.values()), index=index, dtype=object)


def chosen(
    distance_m: int, weeks: pd.DataFrame, flags: Mapping[int, bool | None], unit: DistanceUnit = KILOMETRE, **more: Any
) -> WhatIfWeek:
    return what_if_week(weeks, ok(flags), distance_m=distance_m, unit=unit, **more)


FIVE = weeks_of(10_000, 15_000, 20_000, 18_000, 21_000)
FLAGS: dict[int, bool | None] = {0: True, 1: True, 2: False, 3: True, 4: True}


def test_a_week_is_told_beside_the_counted_weeks_the_last_one_and_the_steps_up() -> None:
    shown = chosen(20_000, FIVE, FLAGS)
    assert (shown.counted_weeks, shown.weeks_as_far, shown.ok_weeks_as_far, shown.farthest_m) == (5, 2, 1, 21_000)
    assert shown.sentences == (
        "20.0 km: of 5 counted weeks 2 were as far or farther, 1 of them OK.",
        "−1.0 km (−4.8 %) against the last whole week, 21.0 km in that of March 31, 2025.",
        "Last step up: +3.0 km to 21.0 km in the week of March 31, 2025, an OK week.",
        "Largest step up: +5.0 km to 20.0 km in the week of March 17, 2025, not an OK week.",
    )
    assert shown.last_step == StepUp(MONDAY + timedelta(days=28), 18_000, 21_000, True)
    assert shown.largest_step == StepUp(MONDAY + timedelta(days=14), 15_000, 20_000, False)  # of two of 5 km the later one


@pytest.mark.parametrize(("distance_m", "as_far", "ok_as_far"), [(19_999, 2, 1), (20_000, 2, 1), (20_001, 1, 1), (21_001, 0, 0)])
def test_a_week_at_the_choice_is_as_far(distance_m: int, as_far: int, ok_as_far: int) -> None:
    shown = chosen(distance_m, FIVE, FLAGS)
    assert (shown.weeks_as_far, shown.ok_weeks_as_far) == (as_far, ok_as_far)


def test_farther_than_ever_is_said_and_so_is_a_step_larger_than_any() -> None:
    shown = chosen(26_001, FIVE, FLAGS)
    assert shown.sentences[0] == "26.0 km: none of 5 counted weeks was as far, the farthest 21.0 km."
    assert shown.sentences[-1] == "More than the largest step up so far."
    assert shown.change.mark == "note"
    assert "More than the largest step up so far." not in chosen(26_000, FIVE, FLAGS).sentences


def test_a_week_with_too_few_scores_is_not_counted_and_makes_no_step() -> None:
    shown = chosen(15_000, FIVE, {0: True, 1: None, 2: False, 4: True})
    assert (shown.counted_weeks, shown.weeks_as_far, shown.ok_weeks_as_far) == (3, 2, 1)
    assert shown.last_step is None
    assert "No step up between two counted weeks yet." in shown.sentences


def test_the_week_still_running_and_one_logged_in_part_are_never_compared() -> None:
    weeks = weeks_of(20_000, 20_000, so_far_m=50_000)
    weeks.loc[0, "days_logged"] = 6
    shown = chosen(30_000, weeks, {0: True, 1: True, 2: True})
    assert (shown.counted_weeks, shown.farthest_m, shown.change.previous_m) == (1, 20_000, 20_000)


def test_without_any_week_everything_is_said_to_be_unknown() -> None:
    shown = chosen(30_000, weeks_of(), {})
    assert shown.sentences == (
        "30.0 km: no counted week to compare with yet.",
        "No whole week was logged yet to compare with.",
        "No step up between two counted weeks yet.",
    )
    assert (shown.counted_weeks, shown.farthest_m, shown.change.percent, shown.steps) == (0, None, None, None)


def test_after_a_small_week_no_percentage_is_told() -> None:
    assert chosen(8_000, weeks_of(4_000), {0: True}).sentences[1] == "+4.0 km against the last whole week, 4.0 km in that of March 3, 2025."
    assert chosen(8_000, weeks_of(0), {0: True}).sentences[1].startswith("+8.0 km against")


def test_steps_of_the_week_are_told_at_the_chosen_and_the_present_cadence() -> None:
    fifteen_miles = round(15 * METRES_PER_MILE)
    weeks = weeks_of(fifteen_miles)
    shown = chosen(fifteen_miles, weeks, {}, MILE, cadence_spm=176, cadence_now_spm=160, easy_speed_m_s=METRES_PER_MILE / 600)
    assert (
        shown.sentences[-1]
        == "About 26,400 steps at 176 steps/min and the usual easy pace of 10:00 /mi; 24,000 at the present 160 steps/min."
    )
    assert (shown.steps, shown.steps_now) == (pytest.approx(26_400, rel=1e-4), pytest.approx(24_000, rel=1e-4))
    alone = chosen(fifteen_miles, weeks, {}, MILE, cadence_spm=176, easy_speed_m_s=METRES_PER_MILE / 600)
    assert alone.sentences[-1] == "About 26,400 steps at 176 steps/min and the usual easy pace of 10:00 /mi."


@pytest.mark.parametrize(("distance_m", "over"), [(22_000, False), (22_001, True)])
def test_a_week_over_the_plan_is_said(distance_m: int, over: bool) -> None:
    shown = chosen(distance_m, FIVE, FLAGS, plan=PlanWeek(1, MONDAY, 20_000))
    assert shown.over_plan is over
    assert ("More than 10 % over the plan's 20.0 km." in shown.sentences) is over


# --------------------------------------------------------------------------------------------------------------------
# Both
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance_m", [0, -1])
def test_nothing_is_never_chosen(distance_m: int) -> None:
    with pytest.raises(ValueError, match="above 0"):
        sundays_run(distance_m)
    with pytest.raises(ValueError, match="above 0"):
        chosen(distance_m, FIVE, FLAGS)


def test_no_word_says_how_the_hip_will_answer() -> None:
    told = " ".join([*sundays_run(12_000, run(0, 8_000)).sentences, *chosen(30_000, FIVE, FLAGS).sentences]).lower()
    for word in ("pain", "risk", "safe", "predict", "injur", "cause", "damage", "danger", "will "):
        assert word not in told
    assert "How the hip will answer" in RULE.may_not_say


@given(random_runs, st.integers(1, 42_195), st.randoms(use_true_random=False), st.integers(0, 20))
def test_order_unit_and_days_of_rest_change_no_fact(runs: list[Any], distance_m: int, shuffle: Any, rest: int) -> None:
    def told(rows: list[Any], unit: DistanceUnit) -> WhatIfRun:
        return what_if_run(runs_frame(rows), on=SUNDAY, distance_m=distance_m, unit=unit, as_of=MONDAY)

    miles, kilometres = told(runs, MILE), told(shuffle.sample(runs, len(runs)), KILOMETRE)
    assert (miles.longest_30_days_m, miles.longest_on, miles.ratio, miles.band) == (
        kilometres.longest_30_days_m,
        kilometres.longest_on,
        kilometres.ratio,
        kilometres.band,
    )
    percent = re.compile(r"[+−]?[\d.]+ %")
    assert percent.findall(miles.sentences[0]) == percent.findall(kilometres.sentences[0])
    marked = told([*runs, run(-rest, 0)], MILE)
    assert marked == miles


@given(
    st.lists(st.integers(0, 60_000), max_size=6),
    st.lists(st.none() | st.booleans(), max_size=6),
    st.integers(1, 80_000),
    st.integers(0, 60),
)
def test_weeks_in_any_order_tell_the_same(distances_m: list[int], flags: list[bool | None], distance_m: int, seed: int) -> None:
    weeks, told = weeks_of(*distances_m), dict(enumerate(flags))
    shown = chosen(distance_m, weeks, told)
    assert chosen(distance_m, weeks.sample(frac=1, random_state=seed), dict(reversed(told.items()))) == shown
    counted = [(distance, flag) for distance, flag in zip(distances_m, flags, strict=False) if flag is not None]
    assert shown.counted_weeks == len(counted)
    assert shown.weeks_as_far == sum(distance >= distance_m for distance, _ in counted)
    assert shown.ok_weeks_as_far == sum(distance >= distance_m and bool(flag) for distance, flag in counted)


def test_a_choice_of_today_is_compared_as_of_today() -> None:
    today: date = MONDAY
    shown = what_if_run(runs_frame([run(-30, 10_000), run(-31, 12_000)]), on=today, distance_m=10_000, unit=KILOMETRE, as_of=today)
    assert shown.ratio == 1
