"""The weeks for export: what the chart shows, on whatever day one asks."""

from datetime import date, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.weeks import patient_weeks
from data import records
from models import ChangeKind
from tests.clinic_scene import Scene, new_scene, run_on

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
