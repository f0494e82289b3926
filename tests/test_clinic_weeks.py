"""The weeks for export: what the chart shows, on whatever day one asks."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.episodes import episode
from clinic.weeks import EXPORT_COLUMNS, patient_weeks
from data import queries, records
from data.database import make_engine
from data.permissions import COMMAND_LINE
from models import ChangeKind
from tests.clinic_scene import Scene, new_scene, run_on, score_on

MONDAY = date(2025, 3, 3)


@pytest.fixture
def scene(sqlite_engine: sa.Engine) -> Scene:
    return new_scene(sqlite_engine)


def weeks_of(scene: Scene, patient: str, as_of: date) -> pd.DataFrame:
    return patient_weeks(scene.tess, patient, as_of=as_of, database=scene.engine)


def test_a_cue_keeps_the_slope_apart_in_the_export_as_in_the_chart(scene: Scene) -> None:
    patient = scene.patient()
    episode = scene.episode(patient)
    # Six fast runs before the cue, six slow ones after it; cadence is 140 (then 150) + 8 steps/min per m/s.
    fast, slow = [2.8 + step / 20 for step in range(6)], [2.4 + step / 20 for step in range(6)]
    for number, speed in enumerate([*fast, *slow]):
        cadence = (140 if number < 6 else 150) + 8 * speed
        given = {"running_speed_m_s": speed, "running_cadence_spm": cadence, "running_time_s": 1800, "moving_time_s": 1800}
        scene.run(patient, run_on(MONDAY + timedelta(days=number), distance_m=round(1800 * speed), **given))
    records.add_change(
        scene.engine, scene.tess, episode, day=MONDAY + timedelta(days=6), kind=ChangeKind.CADENCE_CUE, label="metronome at 168"
    )
    shown = weeks_of(scene, patient, MONDAY + timedelta(days=11))["cadence_at_equal_speed_spm"].tolist()
    # At the median speed of 2.725 m/s the slope of 8 gives 161.8 before the cue and 171.8 after it. Week 1 has six of the first and one of
    # the second.
    assert shown == pytest.approx([161.8, 171.8])


def test_the_week_of_the_day_asked_for_ends_with_that_day(scene: Scene) -> None:
    patient = scene.patient()
    scene.episode(patient)
    tuesday, wednesday, thursday = (MONDAY + timedelta(days=days) for days in (1, 2, 3))
    scene.run(patient, run_on(tuesday, distance_m=5_000))
    scene.run(patient, run_on(thursday, distance_m=9_000))
    # Wednesday's score follows Tuesday's run; Friday's follows Thursday's. The one of Thursday follows no run.
    scene.score(patient, score_on(wednesday, 2), score_on(thursday, 4), score_on(thursday + timedelta(days=1), 8))
    told = {}
    for day in (tuesday, wednesday, thursday, MONDAY + timedelta(days=6)):
        (week,) = weeks_of(scene, patient, day).to_dict("records")
        told[day] = tuple(week[name] for name in ("distance_m", "runs", "longest_run_m", "pain_next_morning_max", "pain_scores"))
    assert told[tuesday][:3] == (5_000, 1, 5_000)
    assert told[tuesday][4] == 0
    assert told[wednesday] == (5_000, 1, 5_000, 2, 1)
    assert told[thursday] == (14_000, 2, 9_000, 4, 2)
    assert told[MONDAY + timedelta(days=6)] == (14_000, 2, 9_000, 8, 3)


def test_mondays_score_of_sundays_run_is_not_known_on_sunday(scene: Scene) -> None:
    patient = scene.patient()
    scene.episode(patient)
    sunday = MONDAY + timedelta(days=6)
    scene.run(patient, run_on(sunday))
    scene.score(patient, score_on(sunday + timedelta(days=1), 3))
    assert weeks_of(scene, patient, sunday)["pain_scores"].tolist() == [0]
    assert weeks_of(scene, patient, sunday + timedelta(days=1))["pain_scores"].tolist() == [1, 0]


@pytest.fixture
def demo(demo_url: str) -> Iterator[sa.Engine]:
    made = make_engine(demo_url)
    yield made
    made.dispose()


def test_the_export_of_any_day_is_what_the_chart_showed_on_that_day(demo: sa.Engine) -> None:
    chance = np.random.default_rng(20250306)
    newest = {
        row.patient_key: row
        for row in sorted(queries.episodes(demo, COMMAND_LINE), key=lambda row: (row.status == "active", row.started_on))
    }
    compared = 0
    for patient, row in list(newest.items())[::4]:
        covered = queries.coverage(demo, COMMAND_LINE, patient)
        if covered is None:
            continue
        last = min(covered[1], row.ended_on or covered[1])
        for day in (last - timedelta(days=int(back)) for back in chance.integers(0, 120, 4)):
            shown = episode(COMMAND_LINE, row.key, as_of=day, database=demo).summary.weeks
            exported = patient_weeks(COMMAND_LINE, patient, as_of=day, database=demo)
            columns = list(EXPORT_COLUMNS)
            pd.testing.assert_frame_equal(exported[columns], shown[columns], check_exact=True, check_dtype=False)
            compared += len(exported)
    assert compared > 1_000  # weeks
