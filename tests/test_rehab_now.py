"""Where the runner stands now: four numbers, each of its own stretch of days, and never 0 for what is not known."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from models import DistanceUnit
from rehab.episode import Coverage, summarise_episode
from rehab.now import NOT_KNOWN, Fact, facts_now
from tests.rehab_scenes import METRES_PER_MILE, MONDAY, facts_of

TODAY = MONDAY + timedelta(days=60)  # Friday, May 2, 2025
LOGGED = Coverage(MONDAY, TODAY)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def run(days_ago: int, distance_m: int = 5_000, **more: Any) -> dict[str, Any]:
    return {"run_date": ago(days_ago), "distance_m": distance_m, **more}


def with_cadence(days_ago: int, cadence_spm: float) -> dict[str, Any]:
    """A run that can be compared, at the speed of all others."""
    return run(days_ago, running_cadence_spm=cadence_spm, running_time_s=1800, running_speed_m_s=2.7)


def morning(days_ago: int, nprs: int, **more: Any) -> dict[str, Any]:
    return {"for_date": ago(days_ago), "nprs": nprs, **more}


def told(
    runs: list[dict[str, Any]],
    scores: list[dict[str, Any]] | None = None,
    *,
    coverage: Coverage | None = LOGGED,
    unit: DistanceUnit = DistanceUnit.MILE,
    ended_on: date | None = None,
) -> tuple[Fact, ...]:
    facts = replace(facts_of(runs, scores or [], coverage=coverage, ended_on=ended_on), distance_unit=unit)
    return facts_now(summarise_episode(facts, as_of=TODAY))


def said(fact: Fact) -> tuple[str, str]:
    return fact.value, fact.beside


def test_of_nothing_nothing_is_known_and_nothing_is_0() -> None:
    facts = told([], coverage=None)
    assert [fact.label for fact in facts] == ["Pain next morning", "Last 7 days", "Longest run", "Cadence at equal speed"]
    assert [fact.value for fact in facts] == [NOT_KNOWN] * 4
    assert [fact.beside for fact in facts] == [
        "no score in 7 days",
        "nothing logged yet",
        "no run logged in 30 days",
        "no run to compare in 4 weeks",
    ]


@pytest.mark.parametrize(("days_ago", "known"), [(0, True), (5, True), (6, True), (7, False)])
def test_pain_is_that_of_seven_days_today_among_them(days_ago: int, known: bool) -> None:
    expected = ("4 of 10", "worst 4 in 7 days, 1 answer") if known else (NOT_KNOWN, "no score in 7 days")
    assert said(told([], [morning(days_ago, 4)])[0]) == expected


def test_pain_is_the_middle_score_with_the_worst_beside_it() -> None:
    assert said(told([], [morning(0, 2), morning(1, 3), morning(2, 3), morning(3, 8), morning(7, 10)])[0]) == (
        "3 of 10",
        "worst 8 in 7 days, 4 answers",
    )
    assert said(told([], [morning(0, 2), morning(1, 3)])[0]) == ("2.5 of 10", "worst 3 in 7 days, 2 answers")


def test_a_score_of_0_is_an_answer() -> None:
    assert said(told([], [morning(0, 0)])[0]) == ("0 of 10", "worst 0 in 7 days, 1 answer")


@pytest.mark.parametrize("other", [{"moment": "during"}, {"side": "right"}, {"side": "unspecified"}])
def test_pain_of_another_moment_or_side_does_not_enter(other: dict[str, str]) -> None:
    assert said(told([], [morning(0, 2), morning(0, 9, **other)])[0]) == ("2 of 10", "worst 2 in 7 days, 1 answer")


@pytest.mark.parametrize(
    ("days_ago", "last", "before"),
    [(0, "3.1 mi", "0.0 mi"), (6, "3.1 mi", "0.0 mi"), (7, "0.0 mi", "3.1 mi"), (13, "0.0 mi", "3.1 mi"), (14, "0.0 mi", "0.0 mi")],
)
def test_the_last_7_days_stand_beside_the_7_before(days_ago: int, last: str, before: str) -> None:
    assert said(told([run(days_ago)])[1]) == (last, f"the 7 days before: {before}")  # 5 km are 3.1 mi


@pytest.mark.parametrize(
    ("unit", "last", "before"),
    [(DistanceUnit.MILE, "7.5 mi", "10.0 mi"), (DistanceUnit.KILOMETRE, "12.1 km", "16.1 km")],
)
def test_distance_is_told_in_the_patients_unit(unit: DistanceUnit, last: str, before: str) -> None:
    runs = [run(0, round(4.5 * METRES_PER_MILE)), run(6, round(3 * METRES_PER_MILE)), run(7, round(10 * METRES_PER_MILE))]
    facts = told(runs, unit=unit)
    assert said(facts[1]) == (last, f"the 7 days before: {before}")
    assert said(facts[2]) == (before, "on April 25, 2025")


@pytest.mark.parametrize(
    ("logged_days", "expected"),
    [
        (6, (NOT_KNOWN, "logged up to May 2, 2025")),
        (7, ("3.1 mi", "the 7 days before: not known")),
        (13, ("3.1 mi", "the 7 days before: not known")),
        (14, ("3.1 mi", "the 7 days before: 0.0 mi")),
    ],
)
def test_the_last_7_days_are_known_only_if_all_were_logged(logged_days: int, expected: tuple[str, str]) -> None:
    assert said(told([run(0)], coverage=Coverage(ago(logged_days - 1), TODAY))[1]) == expected


@pytest.mark.parametrize(
    ("ended_days_ago", "expected"),
    [
        (1, ("3.1 mi", "logged up to May 1, 2025; the 7 days before: 0.0 mi")),
        (6, ("3.1 mi", "logged up to April 26, 2025; the 7 days before: 0.0 mi")),
        (7, (NOT_KNOWN, "logged up to April 25, 2025")),
    ],
)
def test_a_log_that_ended_lately_tells_the_7_days_before_its_end_and_says_so(ended_days_ago: int, expected: tuple[str, str]) -> None:
    fact = told([run(ended_days_ago)], coverage=Coverage(ago(60), ago(ended_days_ago)))[1]
    assert said(fact) == expected


@pytest.mark.parametrize(("days_ago", "known"), [(0, True), (28, True), (29, True), (30, False)])
def test_the_longest_run_is_that_of_30_days_today_among_them(days_ago: int, known: bool) -> None:
    runs = [run(days_ago, 16_093), run(31, 42_195)]
    day = {0: "May 2", 28: "April 4", 29: "April 3"}.get(days_ago)
    assert said(told(runs)[2]) == (("10.0 mi", f"on {day}, 2025") if known else (NOT_KNOWN, "no run logged in 30 days"))


def test_the_longest_of_several_runs_is_told_with_its_day() -> None:
    assert said(told([run(3, 5_000), run(2, 8_047), run(1, 8_046)])[2]) == ("5.0 mi", "on April 30, 2025")


@pytest.mark.parametrize(("days_ago", "known"), [(0, True), (26, True), (27, True), (28, False)])
def test_cadence_is_that_of_28_days_today_among_them(days_ago: int, known: bool) -> None:
    expected = ("166 steps/min", "1 run in 4 weeks") if known else (NOT_KNOWN, "no run to compare in 4 weeks")
    assert said(told([with_cadence(days_ago, 166)])[3]) == expected


def test_cadence_is_the_median_of_the_runs_that_can_be_compared() -> None:
    walked = run(0, cadence_spm=110)
    short = {**with_cadence(0, 190), "running_time_s": 599}
    runs = [with_cadence(0, 160), with_cadence(1, 166), with_cadence(27, 169), with_cadence(28, 200), walked, short]
    assert said(told(runs)[3]) == ("166 steps/min", "3 runs in 4 weeks")
    assert said(told([walked, short])[3]) == (NOT_KNOWN, "no run to compare in 4 weeks")


def test_what_comes_after_today_is_not_told() -> None:
    later = [run(-1, 42_195, running_cadence_spm=200, running_time_s=1800, running_speed_m_s=2.7)]
    assert [fact.value for fact in told(later, [morning(-1, 10)])] == [NOT_KNOWN, "0.0 mi", NOT_KNOWN, NOT_KNOWN]


def test_an_ended_episode_says_as_of_which_day() -> None:
    assert [fact.beside for fact in told([run(0)], [morning(0, 1)], ended_on=TODAY)] == [
        "worst 1 in 7 days, 1 answer; as of May 2, 2025",
        "the 7 days before: 0.0 mi; as of May 2, 2025",
        "on May 2, 2025; as of May 2, 2025",
        "no run to compare in 4 weeks; as of May 2, 2025",
    ]
