"""Run distance and the next morning: how much may be said, and what is never said."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import DistanceUnit, Side
from rehab.association import RULE, Association, Exposure, Level, run_association
from rehab.wording import MORE_AFTER_LONGER, PATIENT_MORE_AFTER_LONGER
from tests.rehab_scenes import METRES_PER_MILE, MONDAY, random_runs, random_scores, runs_frame, scores_frame

RUN_DAYS = (1, 3, 6)  # Tuesday, Thursday, Sunday


def association(runs: list[dict[str, Any]], scores: list[dict[str, Any]], **more: Any) -> Association:
    last = max([MONDAY, *(score["for_date"] for score in scores)])
    options: dict[str, Any] = {"side": Side.LEFT, "as_of": last, "week_start": 0, "distance_unit": DistanceUnit.MILE, **more}
    return run_association(runs_frame(runs), scores_frame(scores), **options)


def run_and_mornings(day: date, miles: float, r24: int, reference: int = 3) -> tuple[list[Any], list[Any]]:
    runs = [{"run_date": day, "distance_m": round(miles * METRES_PER_MILE)}]
    return runs, [{"for_date": day, "nprs": reference}, {"for_date": day + timedelta(days=1), "nprs": reference + r24}]


def course(weeks: int, miles: Callable[[int], float], r24: Callable[[int, float], int], count: int | None = None) -> tuple[Any, Any]:
    """Three scored runs a week; `count` cuts the first ones short of `weeks` weeks by leaving out Thursdays, then Tuesdays."""
    days = [(week, weekday) for weekday in (6, 1, 3) for week in range(weeks)][:count]
    runs: list[Any] = []
    scores: list[Any] = []
    for number, (week, weekday) in enumerate(sorted(days)):
        distance = miles(number)
        run, pair = run_and_mornings(MONDAY + timedelta(days=7 * week + weekday), distance, r24(number, distance))
        runs += run
        scores += pair
    return runs, scores


def scattered(number: int) -> float:
    """2.0 to 8.5 miles, in an order that no trend follows."""
    return 2.0 + 0.5 * ((number * 37) % 14)


def sorer_after_long(number: int, miles: float) -> int:
    return int(miles > 5) + int(miles > 7)


def unrelated(number: int, miles: float) -> int:
    return (number * 29 + 5) % 7 % 3 - 1


# How much may be said


@pytest.mark.parametrize(("weeks", "level"), [(7, Level.CHARTS_ONLY), (8, Level.DIRECTION), (9, Level.DIRECTION)])
def test_words_on_direction_take_eight_weeks(weeks: int, level: Level) -> None:
    shown = association(*course(weeks, scattered, sorer_after_long, count=15))
    assert (shown.level, shown.n_weeks, shown.n_runs) == (level, weeks, 15)


@pytest.mark.parametrize(("count", "level"), [(9, Level.CHARTS_ONLY), (10, Level.DIRECTION), (11, Level.DIRECTION)])
def test_words_on_direction_take_ten_scored_runs(count: int, level: Level) -> None:
    shown = association(*course(8, scattered, sorer_after_long, count=count))
    assert (shown.level, shown.n_weeks, shown.n_runs) == (level, 8, count)


@pytest.mark.parametrize(("weeks", "level"), [(15, Level.DIRECTION), (16, Level.FULL), (17, Level.FULL)])
def test_the_full_reading_takes_sixteen_weeks(weeks: int, level: Level) -> None:
    assert association(*course(weeks, scattered, sorer_after_long)).level is level


@pytest.mark.parametrize(("count", "level"), [(19, Level.DIRECTION), (20, Level.FULL), (21, Level.FULL)])
def test_the_full_reading_takes_twenty_scored_runs(count: int, level: Level) -> None:
    shown = association(*course(16, scattered, sorer_after_long, count=count))
    assert (shown.level, shown.n_runs) == (level, count)


@pytest.mark.parametrize(("levels", "level"), [(2, Level.DIRECTION), (3, Level.FULL), (4, Level.FULL)])
def test_the_full_reading_takes_three_distances(levels: int, level: Level) -> None:
    # tenths of a mile are no further distance: 4.1 and 3.9 are both 4
    runs = course(18, lambda number: 4 + (number * 5) % 7 % levels + (0.1 if number % 2 else -0.1), unrelated)
    assert association(*runs).level is level


@pytest.mark.parametrize(("off_m", "level"), [(1499, Level.CANNOT_TELL), (1500, Level.DIRECTION), (1501, Level.DIRECTION)])
def test_a_distance_that_varies_by_less_than_a_tenth_of_its_mean_cannot_tell(off_m: int, level: Level) -> None:
    # ten runs about 10,000 m; ± 1,500 four times: √(4 × 1,500² / 9) = 1,000 m
    runs, scores = course(8, lambda _: 5, unrelated, count=10)
    for number, off in enumerate([off_m, 0, -off_m, 0, 0, off_m, 0, -off_m, 0, 0]):
        runs[number]["distance_m"] = 10_000 + off
    assert association(runs, scores).level is level


def test_charts_only_says_what_is_there_and_what_it_takes() -> None:
    shown = association(*course(5, scattered, sorer_after_long, count=7))
    assert shown.therapist == "Charts only: 7 scored runs in 5 weeks. Words on direction take 10 scored runs in 8 weeks."
    assert (shown.tau, shown.low, shown.high, shown.p, shown.direction, shown.patient) == (None, None, None, None, 0, None)


def test_nothing_at_all_is_charts_only_too() -> None:
    assert association([], []).therapist.startswith("Charts only: 0 scored runs in 0 weeks.")
    assert association(*course(1, scattered, unrelated, count=1)).therapist.startswith("Charts only: 1 scored run in 1 week.")


def test_hardly_varied_mileage_says_so_with_its_figures() -> None:
    shown = association(*course(10, lambda number: 5 + 0.2 * (number % 2), sorer_after_long))
    assert (shown.level, shown.tau, shown.patient) == (Level.CANNOT_TELL, None, None)
    assert shown.therapist == (
        "Mileage hardly varied, so this cannot tell whether longer runs are followed by sorer mornings: 30 scored runs in 10 weeks, "
        "run distance 5.1 mi ± 0.1 mi."
    )


def test_a_distance_that_only_rises_steadily_cannot_tell() -> None:
    runs, scores = course(12, lambda number: 2 + 0.2 * number, unrelated, count=12)
    shown = association(runs, scores)
    assert shown.level is Level.CANNOT_TELL
    assert "hardly varied beside its steady change over time and with the pain before runs" in shown.therapist


def test_the_same_answer_to_every_run_leaves_nothing_to_compare() -> None:
    shown = association(*course(12, scattered, lambda *_: 0))
    assert (shown.level, shown.tau) == (Level.CANNOT_TELL, None)
    assert "the same change, 0, so there is nothing to compare" in shown.therapist


def test_the_same_next_morning_each_time_leaves_nothing_to_compare_either() -> None:
    runs, scores = course(12, scattered, lambda *_: 0)
    for number, pair in enumerate(zip(scores[::2], scores[1::2], strict=True)):
        pair[0]["nprs"], pair[1]["nprs"] = number % 3, 1
    shown = association(runs, scores)
    assert shown.level is Level.CANNOT_TELL
    assert "the same next morning, 1 of 10, so" in shown.therapist


# What is said


def test_sorer_mornings_after_longer_runs_are_told_to_both() -> None:
    shown = association(*course(20, scattered, sorer_after_long))
    assert (shown.level, shown.direction) == (Level.FULL, 1)
    assert shown.tau is not None
    assert shown.low is not None
    assert shown.tau > shown.low > 0
    assert shown.p == 1 / 1000  # as small as 999 rearrangements can make it
    assert shown.therapist.startswith("Sorer mornings often followed longer runs: Kendall τ +0.")
    assert "60 scored runs in 20 weeks" in shown.therapist
    assert "p = 0.001, block permutation. Observational" in shown.therapist
    assert shown.patient == "On your chart, sorer mornings often followed longer runs. It may not be the only reason."


def test_a_direction_of_few_weeks_carries_its_interval_and_no_p_and_says_what_is_lacking() -> None:
    shown = association(*course(9, scattered, sorer_after_long))
    assert (shown.level, shown.direction, shown.p) == (Level.DIRECTION, 1, None)
    assert " p = " not in shown.therapist
    assert "(plausible +0." in shown.therapist
    assert shown.therapist.endswith(
        "Direction only; the full reading takes 20 scored runs in 16 weeks at 3 distances, here 27 scored runs in 9 weeks at 7."
    )


def test_easier_mornings_after_longer_runs_are_for_the_therapist_alone_and_no_advice() -> None:
    shown = association(*course(20, scattered, lambda number, miles: -sorer_after_long(number, miles)))
    assert (shown.direction, shown.patient) == (-1, None)
    assert shown.therapist.startswith("Easier mornings often followed longer runs")
    assert "no case for more miles" in shown.therapist


def test_no_clear_direction_is_not_told_as_no_difference_and_not_to_the_patient() -> None:
    shown = association(*course(20, scattered, unrelated))
    assert (shown.level, shown.direction, shown.patient) == (Level.FULL, 0, None)
    assert shown.low is not None
    assert shown.high is not None
    assert shown.low <= 0 <= shown.high
    assert "does not show that distance makes no difference" in shown.therapist


def test_recovery_alone_is_not_taken_for_more_miles_less_pain() -> None:
    # pain falls from 6 to 2 while runs grow from 3 to 8 miles; the answer to a run hangs on neither
    runs: list[Any] = []
    scores: list[Any] = []
    for number in range(60):
        day = MONDAY + timedelta(days=7 * (number // 3) + RUN_DAYS[number % 3])
        wobble = ((number * 17) % 5 - 2) / 2
        run, pair = run_and_mornings(day, 3 + number / 12 + wobble, unrelated(number, 0), reference=round(6 - number / 15))
        runs += run
        scores += pair
    assert association(runs, scores).direction == 0


def test_long_runs_on_calm_days_are_not_taken_for_the_reason_of_sorer_mornings() -> None:
    # 1, 3 or 5 before the run, longer by a mile for each point less; the next morning is 3 or 2 or 4 whatever was run
    runs: list[Any] = []
    scores: list[Any] = []
    for number in range(60):
        day = MONDAY + timedelta(days=7 * (number // 3) + RUN_DAYS[number % 3])
        before, after = 1 + 2 * ((number * 7 + number // 3) % 3), 2 + (number * 11 + number // 5) % 3
        run, pair = run_and_mornings(day, 8 - before + scattered(number) / 4, after - before, reference=before)
        runs += run
        scores += pair
    shown = association(runs, scores)
    assert (shown.level, shown.direction) == (Level.FULL, 0)


# What enters


def test_runs_of_one_day_are_one_run_day_with_their_distances_added() -> None:
    runs, scores = course(10, scattered, sorer_after_long)
    halves = [{**run, "distance_m": part} for run in runs for part in (run["distance_m"] // 2, run["distance_m"] - run["distance_m"] // 2)]
    assert association(halves, scores) == association(runs, scores)


def test_a_run_without_a_known_response_is_not_scored() -> None:
    runs, scores = course(10, scattered, sorer_after_long)
    more = [{"run_date": MONDAY + timedelta(days=7 * week + 4), "distance_m": 9000} for week in range(10)]
    shown = association(runs + more, scores[:-1])
    assert shown.n_runs == 29


def test_the_last_26_weeks_count() -> None:
    runs, scores = course(30, scattered, sorer_after_long)
    shown = association(runs, scores, as_of=MONDAY + timedelta(days=7 * 30 - 1))
    assert shown.n_weeks == 26


def test_other_sides_and_later_days_never_enter() -> None:
    runs, scores = course(16, scattered, sorer_after_long)
    known = association(runs, scores, as_of=MONDAY + timedelta(weeks=10))
    cut = MONDAY + timedelta(weeks=10)
    until = [run for run in runs if run["run_date"] <= cut], [score for score in scores if score["for_date"] <= cut]
    assert known == association(*until, as_of=cut)
    other = [{"for_date": MONDAY + timedelta(days=day), "nprs": 9, "side": "right"} for day in range(70)]
    assert association(until[0], until[1] + other, as_of=cut) == known


def test_the_unit_changes_words_only() -> None:
    rows = course(20, scattered, unrelated)
    miles, kilometres = (association(*rows, distance_unit=unit) for unit in DistanceUnit)
    assert (miles.tau, miles.low, miles.high, miles.p) == (kilometres.tau, kilometres.low, kilometres.high, kilometres.p)


@settings(max_examples=15)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rng: random.Random) -> None:
    runs, scores = course(16, scattered, unrelated)
    frames = runs_frame(runs), scores_frame(scores)
    shuffled = (frame.sample(frac=1, random_state=rng.randrange(1000)) for frame in frames)
    options: dict[str, Any] = {
        "side": Side.LEFT,
        "as_of": MONDAY + timedelta(weeks=16),
        "week_start": 0,
        "distance_unit": DistanceUnit.MILE,
    }
    assert run_association(*shuffled, **options) == run_association(*frames, **options)


@given(random_runs, random_scores, st.integers(0, 6))
def test_any_log_gets_a_level_and_a_sentence(runs: Any, scores: Any, week_start: int) -> None:
    shown = association(runs, scores, week_start=week_start, as_of=MONDAY + timedelta(days=49))
    assert shown.level in Level
    assert shown.therapist.endswith(".")
    assert (shown.tau is None) == (shown.level in {Level.CHARTS_ONLY, Level.CANNOT_TELL})
    assert (shown.p is None) == (shown.level is not Level.FULL)
    assert (shown.patient is not None) == (shown.direction == 1)


# The exploratory part


def explored(**more: Any) -> Association:
    """Twenty weeks with an answer on each morning and evening, and a second exposure without any link."""
    runs, scores = course(20, scattered, sorer_after_long)
    answered = {score["for_date"] for score in scores}
    days = [MONDAY + timedelta(days=day) for day in range(142)]
    scores += [{"for_date": day, "nprs": 2 + day.toordinal() * 7 % 3} for day in days if day not in answered]
    scores += [{"for_date": day, "nprs": 1 + day.toordinal() * 11 % 5 % 4, "moment": "after"} for day in days]
    ratio = pd.Series([0.7 + ((number * 23) % 11) / 20 for number in range(len(runs))], index=range(1, len(runs) + 1))
    return association(runs, scores, second_exposure=(Exposure.SESSION_RATIO, ratio), **more)


def test_all_but_the_pre_set_link_is_exploratory_and_adjusted_over_six() -> None:
    shown = explored()
    assert [(one.exposure, one.lag_days) for one in shown.exploratory] == [
        (Exposure.DISTANCE, 0),
        (Exposure.DISTANCE, 2),
        (Exposure.SESSION_RATIO, 0),
        (Exposure.SESSION_RATIO, 1),
        (Exposure.SESSION_RATIO, 2),
    ]
    assert all(one.sentence.startswith("Exploratory: ") and one.sentence.endswith("after Holm over 6.") for one in shown.exploratory)
    assert shown.direction == 1


def test_the_second_morning_counts_only_if_the_next_run_has_not_come() -> None:
    shown = explored()
    # after Sunday's and Tuesday's and Thursday's run the next day is free: all 60
    assert [one.n_runs for one in shown.exploratory if one.lag_days == 2] == [60, 60]
    runs, scores = course(20, scattered, sorer_after_long)
    days = [MONDAY + timedelta(days=day) for day in range(142)]
    scores += [{"for_date": day, "nprs": 2} for day in days if day not in {score["for_date"] for score in scores}]
    mondays = [{"run_date": MONDAY + timedelta(weeks=week), "distance_m": 3000 + 900 * (week % 5)} for week in range(1, 20)]
    shown = association(runs + mondays, scores)
    # 60 + 19 runs; Monday's have Tuesday's run after them, and Sunday's (but the last) Monday's
    assert shown.n_runs == 79
    assert [one.n_runs for one in shown.exploratory] == [41]


def test_without_a_second_exposure_or_evenings_the_family_is_smaller() -> None:
    shown = association(*course(20, scattered, unrelated))
    assert shown.exploratory == ()


def test_an_adjusted_p_is_never_below_the_plain_one_of_the_pre_set_link_over_its_place() -> None:
    shown = explored()
    assert shown.p is not None
    assert all(shown.p <= one.p <= 1 for one in shown.exploratory)
    assert all(-1 <= one.low <= one.tau <= one.high <= 1 for one in shown.exploratory)


def test_nothing_exploratory_below_the_full_reading() -> None:
    assert explored(as_of=MONDAY + timedelta(weeks=15)).exploratory == ()


def test_the_rule_names_the_limits_that_the_code_uses() -> None:
    assert [limit.value for limit in RULE.limits] == [8, 10, 16, 20, 3, 0.10, 0.05, 0.05, 26]
    assert RULE.strength.words == "a choice of this project; no evidence claimed"


def test_the_words_for_the_patient_go_with_those_for_the_therapist() -> None:
    assert MORE_AFTER_LONGER.text.split(":")[0].lower() in PATIENT_MORE_AFTER_LONGER.text.lower()
