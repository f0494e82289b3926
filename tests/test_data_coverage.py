"""From when to when a patient logged: what lies outside is unknown, and not 0."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from data import queries, records
from data.runs import retire_run
from models import NoRunEntry, PainMoment, RestEntry, RestMoment, Side
from tests.clinic_scene import Scene, new_scene, noon, run_on, score_on

FIRST, TENTH = date(2025, 3, 1), date(2025, 3, 10)
BEFORE, DURING, AFTER = PainMoment.BEFORE, PainMoment.DURING, PainMoment.AFTER


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def ada(scene: Scene) -> str:
    return scene.patient("ADA")


def covered(scene: Scene, patient: str) -> tuple[date, date] | None:
    return queries.coverage(scene.engine, scene.tess, patient)


def march(day: int) -> date:
    return date(2025, 3, day)


def test_nothing_logged_covers_nothing(scene: Scene, ada: str) -> None:
    assert covered(scene, ada) is None


@pytest.mark.parametrize(
    ("given_on", "last_day"),
    [(1, 1), (2, 2), (7, 7), (8, 8), (9, 1), (31, 1)],  # the 8th is 7 days after the 1st
)
@pytest.mark.parametrize("sign", ["run", "score", "rest", "no run"])
def test_a_sign_reaches_the_day_it_was_given_if_it_tells_of_the_last_seven_days(
    scene: Scene, ada: str, sign: str, given_on: int, last_day: int
) -> None:
    now = noon(march(given_on))
    if sign == "run":
        scene.run(ada, run_on(FIRST), now=now)
    elif sign == "score":
        scene.score(ada, score_on(FIRST, 3, DURING), now=now)
    elif sign == "rest":
        entry = RestEntry.checked(today=march(given_on), moment=RestMoment.REST, side=Side.LEFT, answer=False, for_date=FIRST)
        records.add_rest_answer(scene.engine, scene.tess, ada, entry, now=now)
    else:
        no_run = NoRunEntry.checked(today=march(given_on), day=FIRST)
        records.add_day_without_run(scene.engine, scene.tess, ada, no_run, now=now)
    assert covered(scene, ada) == (FIRST, march(last_day))


def test_a_day_without_a_run_makes_a_week_of_0_and_no_week_of_its_own(scene: Scene, ada: str) -> None:
    scene.run(ada, run_on(FIRST), now=noon(FIRST))
    records.add_day_without_run(scene.engine, scene.tess, ada, NoRunEntry.checked(today=TENTH, day=TENTH), now=noon(TENTH))
    assert covered(scene, ada) == (FIRST, TENTH)
    assert len(scene.rows("patient_week")) == 1


def test_an_old_run_imported_today_says_nothing_about_today(scene: Scene, ada: str) -> None:
    scene.run(ada, run_on(date(2019, 5, 4)), now=noon(TENTH))
    assert covered(scene, ada) == (date(2019, 5, 4), date(2019, 5, 4))


def test_an_older_log_moves_the_first_day_only(scene: Scene, ada: str) -> None:
    scene.run(ada, run_on(TENTH), now=noon(march(12)))
    scene.run(ada, run_on(FIRST), now=noon(march(14)))
    assert covered(scene, ada) == (FIRST, march(12))


def test_a_log_of_a_day_that_was_told_late_takes_nothing_away(scene: Scene, ada: str) -> None:
    scene.run(ada, run_on(FIRST), now=noon(march(3)))
    scene.run(ada, run_on(FIRST, "18:00"), now=noon(march(20)))  # of the same day, imported weeks later
    assert covered(scene, ada) == (FIRST, march(3))


@pytest.mark.parametrize(("apart", "opens"), [(59, True), (60, True), (61, False), (365, False)])
@pytest.mark.parametrize("sign", ["run", "score", "rest", "no run"])
def test_a_first_day_that_stands_alone_does_not_open_it(scene: Scene, ada: str, sign: str, apart: int, opens: bool) -> None:
    lone = FIRST - timedelta(days=apart)
    if sign == "run":
        scene.run(ada, run_on(lone))
    elif sign == "score":
        scene.score(ada, score_on(lone, 3, DURING))
    elif sign == "rest":
        entry = RestEntry.checked(today=FIRST, moment=RestMoment.REST, side=Side.LEFT, answer=False, for_date=lone)
        records.add_rest_answer(scene.engine, scene.tess, ada, entry)
    else:
        records.add_day_without_run(scene.engine, scene.tess, ada, NoRunEntry.checked(today=FIRST, day=lone))
    assert covered(scene, ada) is not None  # as long as there is no other
    scene.run(ada, run_on(FIRST), now=noon(FIRST))
    assert covered(scene, ada) == (lone if opens else FIRST, FIRST)


def test_the_week_of_a_first_run_that_stands_alone_keeps_it(scene: Scene, ada: str) -> None:
    scene.run(ada, run_on(date(2024, 3, 1), distance_m=5_000))  # meant was 2025
    scene.run(ada, run_on(TENTH, distance_m=8_000), now=noon(TENTH))
    assert covered(scene, ada) == (TENTH, TENTH)
    assert [week["distance_m"] for week in scene.rows("patient_week")] == [5_000, 8_000]


def test_two_first_days_near_each_other_open_it_however_late_the_third_is(scene: Scene, ada: str) -> None:
    for day in (date(2024, 3, 1), date(2024, 4, 30), TENTH):  # the second is 60 days after the first
        scene.run(ada, run_on(day), now=noon(day))
    assert covered(scene, ada) == (date(2024, 3, 1), TENTH)


def test_taking_a_run_out_shrinks_it(scene: Scene, ada: str) -> None:
    scene.run(ada, run_on(FIRST), now=noon(FIRST))
    last = scene.run(ada, run_on(TENTH), now=noon(march(12)))
    assert covered(scene, ada) == (FIRST, march(12))
    retire_run(scene.engine, scene.tess, last)
    assert covered(scene, ada) == (FIRST, FIRST)


def test_taking_everything_back_leaves_nothing(scene: Scene, ada: str) -> None:
    scene.score(ada, score_on(FIRST, 3), now=noon(FIRST))
    records.correct_pain_score(scene.engine, scene.tess, scene.only_score_id(ada), None, now=noon(march(2)))
    assert covered(scene, ada) is None


def test_a_correction_long_after_takes_nothing_away(scene: Scene, ada: str) -> None:
    scene.score(ada, score_on(FIRST, 3), now=noon(march(4)))
    corrected = records.correct_pain_score(scene.engine, scene.tess, scene.only_score_id(ada), 5, now=noon(march(20)))
    assert covered(scene, ada) == (FIRST, march(4))
    assert corrected is not None
    again = records.correct_pain_score(scene.engine, scene.tess, corrected, 6, now=noon(march(21)))
    assert covered(scene, ada) == (FIRST, march(4))
    assert again is not None
    records.correct_pain_score(scene.engine, scene.tess, again, None, now=noon(march(22)))
    assert covered(scene, ada) is None


def test_the_day_a_sign_was_given_is_the_day_where_the_patient_lives(scene: Scene) -> None:
    kiri = scene.patient("KIRI", time_zone="Pacific/Auckland")
    monday_there = datetime(2025, 3, 2, 11, 0, tzinfo=UTC)  # Sunday in UTC and in Chicago
    scene.score(kiri, score_on(FIRST, 3, BEFORE), now=monday_there)
    assert covered(scene, kiri) == (FIRST, march(3))


def test_a_run_dated_a_day_ahead_counts_to_its_day(scene: Scene, ada: str) -> None:
    scene.run(ada, run_on(march(2)), now=noon(FIRST))
    assert covered(scene, ada) == (march(2), march(2))


def test_coverages_of_patients_are_apart(scene: Scene, ada: str) -> None:
    ben = scene.patient("BEN")
    scene.run(ada, run_on(FIRST), now=noon(FIRST))
    scene.score(ben, score_on(TENTH, 3, AFTER), now=noon(TENTH))
    assert (covered(scene, ada), covered(scene, ben)) == ((FIRST, FIRST), (TENTH, TENTH))
