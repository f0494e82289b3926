"""What changed since the last visit: seven numbers, each against as many days before, and never 0 for what is not known."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given

from models import DistanceUnit
from rehab.episode import Coverage, EpisodeSummary, Mark, summarise_episode
from rehab.since_visit import NO_RUN, SinceFact, last_visit_of, since_sentence, since_visit
from rehab.units import METRES_PER_MILE, NOT_KNOWN
from tests.rehab_scenes import MONDAY, coverage_of, facts_of, random_runs, random_scores

VISIT = MONDAY + timedelta(days=27)  # Sunday, March 30, 2025
TODAY = MONDAY + timedelta(days=41)  # Sunday, April 13, 2025: 14 days since
LABELS = ["Runs", "Distance", "Longest run", "Pain during runs", "Pain next morning", "Cadence at equal speed", "Plan kept"]
RUNS, DISTANCE, LONGEST, DURING, MORNING, CADENCE, PLAN = range(7)
BEFORE = "the 14 days before"


def on(day: int, miles: float = 3.0, **more: Any) -> dict[str, Any]:
    """A run so many days after the first Monday."""
    return {"run_date": MONDAY + timedelta(days=day), "distance_m": round(miles * METRES_PER_MILE), **more}


def score(day: int, nprs: int, **more: Any) -> dict[str, Any]:
    return {"for_date": MONDAY + timedelta(days=day), "nprs": nprs, **more}


def summary(
    runs: list[dict[str, Any]] | None = None,
    scores: list[dict[str, Any]] | None = None,
    *,
    first: int | None = 0,
    last: int = 41,
    **more: Any,
) -> EpisodeSummary:
    coverage = None if first is None else Coverage(MONDAY + timedelta(days=first), MONDAY + timedelta(days=last))
    return summarise_episode(facts_of(runs or [], scores or [], coverage=coverage, **more), as_of=TODAY)


def told(which: int, *args: Any, visit: date | None = VISIT, **more: Any) -> tuple[str, str]:
    fact = since_visit(summary(*args, **more), last_visit=visit)[which]
    return fact.value, fact.change


def test_there_are_always_the_same_seven_and_nothing_known_is_not_0() -> None:
    facts = since_visit(summary(first=None), last_visit=None)
    assert [fact.label for fact in facts] == LABELS
    assert {(fact.value, fact.change) for fact in facts} == {(NOT_KNOWN, "nothing logged yet")}
    assert all(isinstance(fact, SinceFact) and fact.help for fact in facts)


def test_nothing_logged_since_the_visit_is_not_known() -> None:
    facts = since_visit(summary([on(20)], last=27), last_visit=VISIT)
    assert {(fact.value, fact.change) for fact in facts} == {(NOT_KNOWN, "nothing logged since")}


def test_the_day_of_the_visit_belongs_to_the_days_before() -> None:
    assert told(RUNS, [on(27)]) == (NO_RUN, f"1 fewer than in {BEFORE} (1)")
    assert told(RUNS, [on(28)]) == ("1 run", f"1 more than in {BEFORE} ({NO_RUN})")


@pytest.mark.parametrize(("day", "counted"), [(13, False), (14, True)])
def test_as_many_days_are_looked_at_before_as_after(day: int, counted: bool) -> None:
    change = f"as many as in {BEFORE}" if counted else f"1 more than in {BEFORE} ({NO_RUN})"
    assert told(RUNS, [on(day), on(30)]) == ("1 run", change)


def test_runs_and_miles_and_the_longest_run_are_told_with_their_change() -> None:
    runs = [on(15, 3.0), on(20, 4.5), on(29, 3.0), on(33, 5.2), on(40, 4.0)]
    assert told(RUNS, runs) == ("3 runs", f"1 more than in {BEFORE} (2)")
    assert told(DISTANCE, runs) == ("12.2 mi", f"4.7 mi more than in {BEFORE} (7.5 mi)")
    assert told(LONGEST, runs) == ("5.2 mi", f"0.7 mi more than in {BEFORE} (4.5 mi)")


def test_a_change_is_that_of_what_is_shown() -> None:
    # 3.04 and 2.96 mi: shown as 3.0 and 3.0
    assert told(DISTANCE, [on(20, 2.96), on(30, 3.04)]) == ("3.0 mi", f"the same as in {BEFORE}")
    # 3.06 and 3.04 mi: shown as 3.1 and 3.0
    assert told(DISTANCE, [on(20, 3.06), on(30, 3.04)]) == ("3.0 mi", f"0.1 mi less than in {BEFORE} (3.1 mi)")


def test_kilometres_are_told_to_those_who_run_in_them() -> None:
    facts = facts_of([on(20), on(30)], coverage=Coverage(MONDAY, TODAY))
    in_km = summarise_episode(replace(facts, distance_unit=DistanceUnit.KILOMETRE), as_of=TODAY)
    assert since_visit(in_km, last_visit=VISIT)[DISTANCE].value == "4.8 km"


def test_logged_days_without_a_run_say_so_in_words() -> None:
    assert told(DISTANCE) == (NO_RUN, f"{NO_RUN} in {BEFORE} either")
    assert told(LONGEST, [on(20)]) == (NO_RUN, f"3.0 mi less than in {BEFORE} (3.0 mi)")


@pytest.mark.parametrize(("first", "compared"), [(14, True), (15, False)])
def test_sums_are_compared_only_with_days_that_were_all_logged(first: int, compared: bool) -> None:
    change = f"{NO_RUN} in {BEFORE}" if compared else f"not all of {BEFORE} logged"
    assert told(DISTANCE, [on(30)], first=first) == ("3.0 mi", change)


def test_the_days_end_with_the_last_one_logged() -> None:
    # logged up to day 37: ten days since the visit, so ten before it, from day 18
    scene = summary([on(17), on(18), on(30)], last=37)
    assert since_visit(scene, last_visit=VISIT)[RUNS].change == "as many as in the 10 days before"
    sentence = "Since the visit of March 30, 2025: 10 days, logged up to April 9, 2025, held against the 10 days before."
    assert since_sentence(scene, last_visit=VISIT) == sentence


def test_pain_is_the_middle_score_with_its_change_in_points() -> None:
    scores = [score(20, 5), score(21, 4), score(22, 3), score(30, 2), score(31, 3)]
    assert told(MORNING, [], scores) == ("2.5 of 10", f"1.5 points lower than in {BEFORE} (4 of 10)")
    assert told(DURING, [], scores) == (NOT_KNOWN, "no score in 14 days")
    during = [{**each, "moment": "during"} for each in scores]
    assert told(DURING, [], during) == ("2.5 of 10", f"1.5 points lower than in {BEFORE} (4 of 10)")


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([score(30, 0)], ("0 of 10", f"no score in {BEFORE}")),
        ([score(20, 3), score(30, 4)], ("4 of 10", f"1 point higher than in {BEFORE} (3 of 10)")),
        ([score(20, 3), score(30, 3)], ("3 of 10", f"the same as in {BEFORE}")),
        ([score(20, 3)], (NOT_KNOWN, f"no score in 14 days; 3 of 10 in {BEFORE}")),
    ],
)
def test_pain_on_one_side_of_the_visit_alone_is_no_change(scores: list[dict[str, Any]], expected: tuple[str, str]) -> None:
    assert told(MORNING, [], scores) == expected


def test_the_morning_after_a_run_before_the_visit_belongs_before_it() -> None:
    after = score(28, 6, counted_date=VISIT, run_id=1)
    assert told(MORNING, [on(27)], [after, score(30, 2)]) == ("2 of 10", f"4 points lower than in {BEFORE} (6 of 10)")


def test_pain_of_the_other_side_does_not_enter() -> None:
    assert told(MORNING, [], [score(30, 2), score(31, 9, side="right")])[0] == "2 of 10"


def cadence(day: int, spm: float, device: str = "watch") -> dict[str, Any]:
    """A run that can be compared, at the speed of all others."""
    return on(day, running_cadence_spm=spm, running_time_s=1800, running_speed_m_s=2.7, device=device)


def test_cadence_is_told_at_equal_speed_with_its_change() -> None:
    assert told(CADENCE, [cadence(20, 164), cadence(30, 168)]) == ("168 steps/min", f"4 more than in {BEFORE} (164 steps/min)")
    assert told(CADENCE, [cadence(20, 168), cadence(30, 164)]) == ("164 steps/min", f"4 fewer than in {BEFORE} (168 steps/min)")
    assert told(CADENCE, [cadence(20, 164.4), cadence(30, 164)]) == ("164 steps/min", f"the same as in {BEFORE}")
    assert told(CADENCE, [cadence(30, 168)]) == ("168 steps/min", f"no run to compare in {BEFORE}")
    assert told(CADENCE, [cadence(20, 164)]) == (NOT_KNOWN, "no run to compare in 14 days")


def test_cadence_of_another_device_is_not_compared() -> None:
    runs = [cadence(20, 164), cadence(30, 168, "phone")]
    assert told(CADENCE, runs) == ("168 steps/min", f"another device than in {BEFORE}: not compared")


def plan(runs_per_week: float | None, ceiling_miles: float | None = None) -> dict[str, Any]:
    ceiling = None if ceiling_miles is None else ceiling_miles * METRES_PER_MILE
    return {"version": 1, "valid_from": MONDAY, "reason": "", "author": "", "runs_per_week": runs_per_week, "run_ceiling_m": ceiling}


def test_the_plan_is_kept_run_by_run_in_the_weeks_that_ended_since() -> None:
    # Two planned runs a week. Weeks from day 14 and 21 (before): 2 + 1 runs; from day 28 and 35 (since): 2 + 2. What the newest week
    # lacks may still come tomorrow, shifted by a day: it is neither kept nor missed.
    runs = [on(15), on(18), on(23), on(29), on(32), on(36), on(39)]
    assert told(PLAN, runs, plans=[plan(2)]) == ("4 of 4 planned runs", f"3 of 4 in {BEFORE}")
    assert told(PLAN, runs[:-2], plans=[plan(2)]) == ("2 of 2 planned runs", f"3 of 4 in {BEFORE}")


def test_a_run_over_the_ceiling_is_told_beside_it() -> None:
    runs = [on(15), on(18), on(22), on(23), on(29), on(32, 6.0), on(36), on(39)]
    assert told(PLAN, runs, plans=[plan(2, 5.0)]) == ("4 of 4 planned runs", f"4 of 4 in {BEFORE}; 1 run over the plan's ceiling")


def test_without_a_planned_number_of_runs_nothing_is_said_to_be_kept() -> None:
    assert told(PLAN, [on(30)]) == (NOT_KNOWN, "no whole week with a number of planned runs")


def test_without_an_earlier_visit_the_last_14_days_are_held_against_the_first() -> None:
    runs = [on(0), on(13), on(14), on(27), on(28)]
    assert told(RUNS, runs, visit=None) == ("1 run", "1 fewer than in the first 14 days (2)")
    sentence = "No earlier visit: the last 14 days, held against the first 14 days."
    assert since_sentence(summary(runs), last_visit=None) == sentence


def test_sums_of_fewer_days_than_the_first_14_are_not_compared_but_pain_is() -> None:
    # logged from day 15: the first 14 days end with day 28, 13 are left
    assert told(RUNS, [on(30)], first=15, visit=None) == ("1 run", "only 13 days since the first 14 days")
    scores = [score(20, 5), score(35, 3)]
    assert told(MORNING, [], scores, first=15, visit=None) == ("3 of 10", "2 points lower than in the first 14 days (5 of 10)")


def test_within_the_first_14_days_there_is_nothing_to_compare_with() -> None:
    scene = summary([on(30)], [score(31, 2)], first=28)
    facts = since_visit(scene, last_visit=None)
    assert (facts[RUNS].value, facts[MORNING].value) == ("1 run", "2 of 10")
    assert {facts[which].change for which in (RUNS, DISTANCE, MORNING)} == {"the first 14 days are not over"}
    assert since_sentence(scene, last_visit=None) == "No earlier visit, and the first 14 days are not over: 14 days, held against nothing."


def test_the_last_visit_is_the_newest_one_before_today() -> None:
    marks = [Mark(VISIT - timedelta(days=7), "visit", ""), Mark(VISIT, "visit", ""), Mark(TODAY, "visit", "")]
    assert last_visit_of(summary(marks=marks)) == VISIT
    assert last_visit_of(summary(marks=[Mark(VISIT, "shoe", "")])) is None


def test_a_visit_that_is_not_over_cannot_be_looked_back_to() -> None:
    with pytest.raises(ValueError, match="must lie before"):
        since_visit(summary(), last_visit=TODAY)


@given(runs=random_runs, scores=random_scores)
def test_whatever_was_logged_all_seven_are_told_in_words(runs: list[dict[str, Any]], scores: list[dict[str, Any]]) -> None:
    scene = summarise_episode(facts_of(runs, scores, coverage=coverage_of(runs, scores)), as_of=TODAY)
    for visit in (None, VISIT):
        facts = since_visit(scene, last_visit=visit)
        assert [fact.label for fact in facts] == LABELS
        assert all(fact.value and fact.change and "nan" not in fact.value + fact.change for fact in facts)
        assert since_sentence(scene, last_visit=visit)
