"""
What the list of the day and the trends cost does not grow with the history.

Counted in steps of SQLite's virtual machine: the same on every machine, so a test needs no clock.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from data import queries, weeks
from data.database import make_engine, writing
from data.permissions import COMMAND_LINE
from models import Table, Viewer, week_number
from tests.clinic_scene import TODAY, Scene, new_scene

PATIENTS, SHORT_YEARS, LONG_YEARS = 30, 1, 12
STEPS_MAX_RATIO = 1.03
TABLES = Table.metadata.tables


def fill(scene: Scene, years: int) -> None:
    """
    Give each of 30 patients years of three runs, three scores and two answers a week.

    Every third one is hard: only scores of the other hip (a second problem after years of the first), or each score corrected once, or
    never pain at rest.
    """
    first = TODAY - timedelta(days=365 * years)
    days = [first + timedelta(days=number) for number in range((TODAY - first).days + 1)]
    noon = {day: datetime.combine(day, time(12), UTC) for day in days}
    runs, scores, answers = [], [], []
    with writing(scene.engine) as connection:
        for number in range(1, PATIENTS + 1):
            who = {"key": f"p{number}", "code": f"P{number:02}", "given_name": f"N{number}", "family_name": "", "time_zone": "UTC"}
            zones = {
                "distance_unit": "mi",
                "pain_comfortable_max": 3,
                "pain_acceptable_max": 5,
                "changed_seq": 0,
                "created_at_utc": noon[TODAY],
            }
            patient = int(
                connection.execute(sa.insert(TABLES["patient"]).values(**who, **zones).returning(TABLES["patient"].c.id)).scalar_one()
            )
            care = {"diagnosis_class": "tendon", "diagnosis_label": "", "goal": "", "status": "active", "created_at_utc": noon[TODAY]}
            connection.execute(
                sa.insert(TABLES["episode_of_care"]).values(
                    key=f"e{number}",
                    patient_id=patient,
                    problem="Hip",
                    side="left",
                    started_on=first,
                    therapist_id=scene.tess.person_id,
                    **care,
                )
            )
            other_hip, corrected, never_at_rest = number % 3 == 0, number % 3 == 1, number % 3 == 2
            for day in days:
                told = {"patient_id": patient, "recorded_at_utc": noon[day]}
                week = week_number(day, 0)
                if day.weekday() in (1, 3, 6):
                    runs.append(
                        {
                            **told,
                            "run_date": day,
                            "week": week,
                            "started_at_utc": noon[day],
                            "utc_offset_s": 0,
                            "surface": "road",
                            "distance_m": 8_000,
                            "distance_rule": "records",
                            "moving_time_s": 2_880,
                            "elapsed_time_s": 2_900,
                            "cadence_rule": "none",
                            "has_gps": True,
                            "device": "",
                            "identity_sha256": f"{patient} {day}",
                        }
                    )
                if day.weekday() in (0, 2, 4):
                    score = {
                        **told,
                        "side": "right" if other_hip else "left",
                        "moment": "next_morning",
                        "nprs": day.day % 6,
                        "for_date": day,
                        "run_named": False,
                        "counted_date": day,
                        "week": week,
                        "recalled": False,
                        "retired_at_utc": None,
                    }
                    scores.append(score)
                    if corrected:
                        scores.append({**score, "nprs": 9, "retired_at_utc": noon[day]})
                if day.weekday() in (0, 4):
                    answer = not never_at_rest and day.day % 9 == 0
                    answers.append({**told, "side": "left", "moment": "rest", "answer": answer, "for_date": day})
        for name, rows in (("run", runs), ("pain_score", scores), ("rest_answer", answers)):
            connection.execute(sa.insert(TABLES[name]), rows)
        connection.execute(
            sa.insert(TABLES["log_coverage"]),
            [{"patient_id": patient, "first_day": first, "last_day": TODAY} for patient in range(1, PATIENTS + 1)],
        )
        weeks.rebuild_weeks(connection)


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[dict[int, tuple[sa.Engine, Viewer]]]:
    """Give the same clinic with a year and with twelve years of history, by years."""
    made: dict[int, tuple[sa.Engine, Viewer]] = {}
    for years in (SHORT_YEARS, LONG_YEARS):
        path = tmp_path_factory.mktemp("history") / f"{years}.db"
        path.write_bytes(sqlite_template.read_bytes())
        engine = make_engine(f"sqlite:///{path}")
        scene = new_scene(engine)
        fill(scene, years)
        made[years] = (engine, scene.tess)
    yield made
    for engine, _ in made.values():
        engine.dispose()


@contextmanager
def counted(connection: sa.Connection) -> Iterator[list[int]]:
    """Count the steps taken meanwhile; the count is the list's only item."""
    steps = [0]
    raw: Any = connection.connection.driver_connection

    def step() -> int:
        steps[0] += 1
        return 0

    raw.set_progress_handler(step, 1)
    try:
        yield steps
    finally:
        raw.set_progress_handler(None, 1)


Read = Callable[[sa.Connection, Viewer], Sequence[Any]]


def caseload(connection: sa.Connection, viewer: Viewer) -> Sequence[Any]:
    return connection.execute(queries.caseload_statement(connection, viewer, TODAY)).all()


def trends(connection: sa.Connection, viewer: Viewer) -> Sequence[Any]:
    high = week_number(TODAY, 0)
    return [row for patient in range(1, PATIENTS + 1) for row in queries.trend_rows(connection, patient, high - 25 * 7, high)]


@pytest.mark.parametrize("analysed", [False, True], ids=["no ANALYZE", "after ANALYZE"])
@pytest.mark.parametrize(("read", "rows"), [(caseload, PATIENTS), (trends, PATIENTS * 25)], ids=["caseload", "trends"])
@pytest.mark.parametrize("who", ["therapist", "command line"])
def test_the_cost_of_a_read_does_not_grow_with_the_history(
    histories: dict[int, tuple[sa.Engine, Viewer]], read: Read, rows: int, analysed: bool, who: str
) -> None:
    steps = {}
    for years, (engine, tess) in histories.items():
        with engine.connect().execution_options(writes=True) as connection:
            if analysed:
                connection.exec_driver_sql("ANALYZE")
            viewer = tess if who == "therapist" else COMMAND_LINE
            read(connection, viewer)
            with counted(connection) as count:
                assert len(read(connection, viewer)) == rows
            steps[years] = count[0]
            connection.rollback()
    print(f"steps: {steps}")
    assert steps[SHORT_YEARS] > rows  # it was counted
    assert steps[LONG_YEARS] <= STEPS_MAX_RATIO * steps[SHORT_YEARS], steps


def test_the_answer_is_the_one_that_a_look_at_all_scores_gives(histories: dict[int, tuple[sa.Engine, Viewer]]) -> None:
    engine, tess = histories[LONG_YEARS]
    shown = {row.patient_code: row for row in queries.caseload(engine, tess, today=TODAY)}
    score, answer = TABLES["pain_score"].c, TABLES["rest_answer"].c
    with engine.connect() as connection:
        for patient in range(1, PATIENTS + 1):
            row = shown[f"P{patient:02}"]
            told = connection.execute(
                sa.select(score.for_date, score.nprs).where(
                    score.patient_id == patient, score.retired_at_utc.is_(None), score.side == "left"
                )
            ).all()
            newest = max(told, default=(None, None))
            assert (row.last_pain_on, row.last_pain) == tuple(newest)
            rest = connection.execute(sa.select(sa.func.max(answer.for_date)).where(answer.patient_id == patient, answer.answer.is_(True)))
            assert row.rest_pain_on == rest.scalar()
            assert (row.week_distance_m, row.last_log_on) == (0, date(2025, 3, 31))


def test_postgresql_gives_the_same_list(postgresql_url: str, histories: dict[int, tuple[sa.Engine, Viewer]]) -> None:
    engine = make_engine(postgresql_url)
    scene = new_scene(engine)
    fill(scene, SHORT_YEARS)
    sqlite, tess = histories[SHORT_YEARS]
    assert queries.caseload(engine, scene.tess, today=TODAY) == queries.caseload(sqlite, tess, today=TODAY)
    engine.dispose()
