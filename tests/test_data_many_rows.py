"""Many rows in one go are the rows that SQLAlchemy would have written one by one, on both databases."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from data.database import reading, writing
from data.many_rows import insert_rows, update_rows
from data.merging import COPY, RUN
from models import CadenceRule, DistanceRule, RunStanding, Surface
from tests.clinic_scene import Scene, new_scene

NOW = datetime(2025, 3, 4, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    made = new_scene(engine)
    made.patient("ADA")
    return made


def run(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "patient_id": 1, "run_date": date(2025, 3, number), "week": 20_148, "started_at_utc": NOW.replace(day=number),
        "utc_offset_s": -21_600, "surface": Surface.TRAIL, "distance_m": 8_000, "distance_rule": DistanceRule.GPS, "moving_time_s": 2_900,
        "elapsed_time_s": 2_950, "cadence_spm": 170, "running_cadence_spm": 170.25, "device_cadence_spm": None,
        "cadence_rule": CadenceRule.FIT_STRIDES_DOUBLED, "running_time_s": 2_800, "running_speed_m_s": 2.75, "grade_abs_mean": 0.01,
        "ground_contact_time_ms": None, "vertical_oscillation_mm": None, "session_rpe": None, "has_gps": True, "device": "Wátch",
        "identity_sha256": f"{number:064x}", "import_file_id": None, "recorded_at_utc": NOW, "recorded_by_id": None,
        "retired_at_utc": None, "retired_by_id": None, "standing": RunStanding.COUNTED, "standing_reason": "", "other_run_id": None, **more,
    }  # fmt: skip


def stored(scene: Scene, table: sa.Table) -> list[tuple[Any, ...]]:
    with reading(scene.engine) as connection:
        return [tuple(row) for row in connection.execute(sa.select(table).order_by(table.c.id))]


def test_rows_of_every_type_are_those_that_sqlalchemy_writes(scene: Scene) -> None:
    rows = [run(1), run(2, has_gps=False, retired_at_utc=NOW, device_cadence_spm=171.5), run(3, import_file_id=None, session_rpe=7)]
    with writing(scene.engine) as connection:
        connection.execute(sa.insert(RUN), rows)
    expected = stored(scene, RUN)
    with writing(scene.engine) as connection:
        connection.execute(sa.delete(RUN))
        insert_rows(connection, RUN, tuple(reversed(rows[0])), [tuple(row[name] for name in reversed(row)) for row in rows])
    assert stored(scene, RUN) == expected
    assert len(expected) == 3


def test_bytes_texts_and_defaults_of_the_schema_come_out_as_they_went_in(scene: Scene) -> None:
    with writing(scene.engine) as connection:
        insert_rows(connection, RUN, tuple(run(1)), [tuple(run(1).values())])
        names = ("id", "patient_id", "run_id", "home_run_id", "number", "told", "minutes", "recorded_at_utc")
        insert_rows(connection, COPY, names, [(1, 1, 1, 1, 0, "{“ü”}", b"\x01\x00\xff", NOW), (2, 1, 1, None, 1, "", None, NOW)])
    first, second = stored(scene, COPY)
    assert (first.index(b"\x01\x00\xff"), second[-1]) == (list(COPY.c.keys()).index("minutes"), None)
    assert "{“ü”}" in first
    assert NOW in first


def test_rows_change_by_their_number_and_others_stay(scene: Scene) -> None:
    with writing(scene.engine) as connection:
        insert_rows(connection, RUN, tuple(run(1)), [tuple(run(number).values()) for number in (1, 2, 3)])
        update_rows(connection, RUN, ("device", "retired_at_utc", "distance_m"), [("new", NOW, 9_000, 1), ("newer", None, 9_001, 3)])
    found = [dict(zip(RUN.c.keys(), row, strict=True)) for row in stored(scene, RUN)]
    assert [(row["id"], row["device"], row["retired_at_utc"], row["distance_m"]) for row in found] == [
        (1, "new", NOW, 9_000),
        (2, "Wátch", None, 8_000),
        (3, "newer", None, 9_001),
    ]


def test_no_rows_are_nothing_and_what_the_schema_refuses_stays_refused(scene: Scene) -> None:
    with writing(scene.engine) as connection:
        insert_rows(connection, RUN, tuple(run(1)), [])
    assert stored(scene, RUN) == []
    wrong = [run(1), run(2, distance_m=-1)]
    with pytest.raises(sa.exc.IntegrityError) as refused, writing(scene.engine) as connection:
        insert_rows(connection, RUN, tuple(run(1)), [tuple(row.values()) for row in wrong])
    assert stored(scene, RUN) == []
    assert "Wátch" not in str(refused.value)  # no value of a patient in an error
