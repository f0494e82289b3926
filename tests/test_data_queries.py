"""Reads: documented frames, the same for nothing as for something."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from data import queries, records
from data.queries import CaseloadRow
from models import (
    CHANGE_COLUMNS,
    PAIN_COLUMNS,
    PAIN_WEEK_COLUMNS,
    PLAN_COLUMNS,
    RUN_COLUMNS,
    RUN_WEEK_COLUMNS,
    VISIT_COLUMNS,
    ChangeKind,
    DistanceUnit,
    PainMoment,
    RestEntry,
    RestMoment,
    Side,
    SiteKind,
    VisitStatus,
)
from tests.clinic_scene import TODAY, Scene, new_scene, noon, run_on, score_on

SATURDAY, SUNDAY, MONDAY, TUESDAY = date(2025, 3, 1), date(2025, 3, 2), date(2025, 3, 3), date(2025, 3, 4)


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


def fill(scene: Scene, patient: str, episode: str) -> None:
    """Store two runs, scores, an answer, a visit, a plan and a change, out of order."""
    scene.run(patient, run_on(TUESDAY, distance_m=6_000))
    scene.run(patient, run_on(SUNDAY, running_cadence_spm=170.0, running_time_s=600, session_rpe=4))
    scene.score(patient, score_on(TUESDAY, 0, PainMoment.AFTER), score_on(MONDAY, 3))
    rest = RestEntry.checked(today=TODAY, moment=RestMoment.NIGHT_REST, side=Side.LEFT, answer=True, for_date=MONDAY)
    records.add_rest_answer(scene.engine, scene.tess, patient, rest)
    records.add_visit(
        scene.engine, scene.tess, episode, visit_date=MONDAY, kind=SiteKind.VIRTUAL, status=VisitStatus.ARRIVED, summary="First"
    )
    scene.plan(episode, MONDAY, cadence_target_low_spm=170.0)
    records.add_change(scene.engine, scene.tess, episode, day=MONDAY, kind=ChangeKind.SHOE, label="New shoes")


FRAMES: dict[str, tuple[Callable[[Scene, str, str], pd.DataFrame], tuple[str, ...]]] = {
    "runs": (lambda scene, patient, _: queries.runs(scene.engine, scene.tess, patient), RUN_COLUMNS),
    "scores": (lambda scene, patient, _: queries.scores(scene.engine, scene.tess, patient), PAIN_COLUMNS),
    "run weeks": (lambda scene, patient, _: queries.weeks(scene.engine, scene.tess, patient, low=0, high=99_999)[0], RUN_WEEK_COLUMNS),
    "pain weeks": (lambda scene, patient, _: queries.weeks(scene.engine, scene.tess, patient, low=0, high=99_999)[1], PAIN_WEEK_COLUMNS),
    "rest answers": (
        lambda scene, patient, _: queries.rest_answers(scene.engine, scene.tess, patient),
        ("for_date", "moment", "side", "answer"),
    ),
    "plans": (lambda scene, _, episode: queries.plans(scene.engine, scene.tess, episode), PLAN_COLUMNS),
    "visits": (lambda scene, _, episode: queries.visits(scene.engine, scene.tess, episode), VISIT_COLUMNS),
    "changes": (lambda scene, _, episode: queries.changes(scene.engine, scene.tess, episode), CHANGE_COLUMNS),
    "history": (
        lambda scene, patient, _: queries.score_history(scene.engine, scene.tess, patient, since=SATURDAY),
        ("score_id", "for_date", "moment", "side", "nprs", "recorded_at_utc", "recorded_by", "corrects_id", "retired_at_utc", "retired_by"),
    ),
}


@pytest.fixture
def filled(scene: Scene) -> tuple[str, str]:
    patient = scene.patient("ADA")
    episode = scene.episode(patient)
    fill(scene, patient, episode)
    return patient, episode


def test_a_frame_has_its_columns_and_kinds_with_and_without_rows(scene: Scene, filled: tuple[str, str]) -> None:
    empty = scene.patient("EVE")
    nothing = (empty, scene.episode(empty))
    for name, (read, columns) in FRAMES.items():
        full, bare = read(scene, *filled), read(scene, *nothing)
        assert tuple(full.columns) == tuple(bare.columns) == columns, name
        assert len(full) > 0 == len(bare), name
        assert {column: str(kind) for column, kind in full.dtypes.items()} == {column: str(kind) for column, kind in bare.dtypes.items()}, (
            name
        )


def test_runs_are_ordered_by_start_and_say_what_is_unknown(scene: Scene, filled: tuple[str, str]) -> None:
    runs = queries.runs(scene.engine, scene.tess, filled[0])
    assert runs["run_date"].dt.date.tolist() == [SUNDAY, TUESDAY]
    assert runs["started_at_utc"].tolist() == [pd.Timestamp("2025-03-02 13:00", tz="UTC"), pd.Timestamp("2025-03-04 13:00", tz="UTC")]
    assert runs["running_cadence_spm"].isna().tolist() == [False, True]
    assert runs["session_rpe"].tolist()[0] == 4.0
    assert str(runs["distance_m"].dtype) == "int64"


def test_scores_say_what_they_follow(scene: Scene, filled: tuple[str, str]) -> None:
    scores = queries.scores(scene.engine, scene.tess, filled[0])
    assert scores["for_date"].dt.date.tolist() == [MONDAY, TUESDAY]
    assert scores["counted_date"].dt.date.tolist() == [SUNDAY, TUESDAY]
    assert scores["nprs"].tolist() == [3, 0]
    assert scores["run_id"].notna().all()


def test_weeks_are_read_between_two_weeks_both_included(scene: Scene) -> None:
    patient = scene.patient("ADA")
    for week in range(4):
        scene.run(patient, run_on(date(2025, 3, 3 + 7 * week)))
    low = queries.week_number(date(2025, 3, 10), 0)
    runs, _ = queries.weeks(scene.engine, scene.tess, patient, low=low, high=low + 7)
    assert runs["week"].tolist() == [low, low + 7]


# --------------------------------------------------------------------------------------------------------------------
# The list of the day
# --------------------------------------------------------------------------------------------------------------------


def row_of(scene: Scene, today: date) -> CaseloadRow:
    (row,) = queries.caseload(scene.engine, scene.tess, today=today)
    return row


def test_the_list_of_the_day_says_the_newest_pain_and_the_miles_of_this_week(scene: Scene) -> None:
    patient = scene.patient("ADA", given_name="Ada", family_name="Byron")
    episode = scene.episode(patient, site_id=scene.lakeside)
    scene.run(patient, run_on(SATURDAY, distance_m=4_000), now=noon(SATURDAY))
    scene.run(patient, run_on(MONDAY, distance_m=5_000), now=noon(MONDAY))
    scene.run(patient, run_on(TUESDAY, distance_m=3_000), now=noon(TUESDAY))
    scene.score(
        patient, score_on(SATURDAY, 7, PainMoment.DURING), score_on(TUESDAY, 2), score_on(TUESDAY, 6, PainMoment.AFTER), now=noon(TUESDAY)
    )
    scene.score(patient, score_on(TUESDAY, 9, side=Side.RIGHT), now=noon(TUESDAY))  # the other hip
    row = row_of(scene, TUESDAY)
    assert (row.episode_key, row.patient_name, row.patient_code, row.site, row.therapist) == (
        episode,
        "Ada Byron",
        "ADA",
        "Lakeside",
        "Tess",
    )
    assert (row.last_pain, row.last_pain_moment, row.last_pain_on) == (2, PainMoment.NEXT_MORNING, TUESDAY)
    assert (row.week_distance_m, row.week_runs, row.last_log_on) == (8_000, 2, TUESDAY)
    assert isinstance(row.side, Side)
    assert isinstance(row.distance_unit, DistanceUnit)
    assert isinstance(row.last_pain_moment, PainMoment)


@pytest.mark.parametrize(
    ("today", "distance_m"),
    [
        (date(2025, 3, 9), 8_000),  # the last day of the run's week
        (date(2025, 3, 10), None),  # a new week, of which nothing was told
    ],
)
def test_a_week_that_nobody_told_of_is_unknown_and_not_0(scene: Scene, today: date, distance_m: int | None) -> None:
    patient = scene.patient("ADA")
    scene.episode(patient)
    scene.run(patient, run_on(TUESDAY), now=noon(TUESDAY))
    assert row_of(scene, today).week_distance_m == distance_m


def test_a_week_that_was_logged_up_to_today_without_a_run_is_0_and_later_not_known(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.episode(patient)
    scene.run(patient, run_on(SUNDAY), now=noon(SUNDAY))
    scene.score(patient, score_on(MONDAY, 1), now=noon(MONDAY))
    assert [(row.week_distance_m, row.week_runs) for row in (row_of(scene, MONDAY), row_of(scene, TUESDAY))] == [(0, 0), (None, 0)]


def test_a_patient_of_whom_nothing_is_known_is_on_the_list(scene: Scene) -> None:
    scene.episode(scene.patient("DEV"))
    row = row_of(scene, TUESDAY)
    assert (row.patient_name, row.last_pain, row.last_pain_moment, row.last_pain_on) == ("DEV", None, None, None)
    assert (row.week_distance_m, row.week_runs, row.last_log_on, row.rest_pain_on) == (None, 0, None, None)


def test_the_newest_yes_about_pain_at_rest_is_on_the_list(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.episode(patient, started_on=MONDAY)

    def told(day: date, *, answer: bool) -> None:
        entry = RestEntry.checked(today=TODAY, moment=RestMoment.NIGHT_REST, side=Side.LEFT, answer=answer, for_date=day)
        records.add_rest_answer(scene.engine, scene.tess, patient, entry)

    told(SUNDAY, answer=True)
    assert row_of(scene, TODAY).rest_pain_on == SUNDAY
    told(MONDAY, answer=True)
    told(TUESDAY, answer=False)
    assert row_of(scene, TODAY).rest_pain_on == MONDAY
    told(MONDAY, answer=False)  # corrected
    assert row_of(scene, TODAY).rest_pain_on == SUNDAY


def test_a_corrected_score_is_not_the_newest_pain(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.episode(patient)
    scene.score(patient, score_on(MONDAY, 8))
    records.correct_pain_score(scene.engine, scene.tess, scene.only_score_id(patient), 3, now=datetime(2025, 3, 31, 20, tzinfo=UTC))
    assert row_of(scene, TODAY).last_pain == 3


def test_the_register_is_ordered_by_name_and_counts_episodes(scene: Scene) -> None:
    for code, family_name in (("C", "Zeta"), ("A", "Alpha"), ("B", "")):
        scene.patient(code, family_name=family_name)
    scene.episode(queries.patient_key(scene.engine, scene.tess, "A"))
    rows = queries.patients(scene.engine, scene.tess)
    assert [(row.code, row.name, row.episodes) for row in rows] == [("B", "B", 0), ("A", "Alpha", 1), ("C", "Zeta", 0)]
    assert queries.patient(scene.engine, scene.tess, rows[1].key) == rows[1]
    assert [row.patient_code for row in queries.episodes(scene.engine, scene.tess)] == ["A"]
