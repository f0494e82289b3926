"""Text to take away: nothing that a spreadsheet would run, nothing made up, numbers as they are."""

import csv
import io
import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from data import queries
from data.exports import csv_text, guarded, json_text
from models import PainMoment
from tests.clinic_scene import new_scene, run_on, score_on

FRAME = pd.DataFrame(
    {
        "run_id": [1, 2],
        "run_date": pd.to_datetime([date(2025, 3, 2), date(2025, 3, 4)]),
        "started_at_utc": pd.to_datetime(["2025-03-02T13:00:00Z", "2025-03-04T13:00:00.5Z"], format="ISO8601"),
        "distance_m": [8_000, 0],
        "cadence_spm": [171.25, np.nan],
        "session_rpe": [4.0, np.nan],
        "has_gps": [True, False],
        "device": ["=cmd|' /C calc'!A0", 'Garmin "55", red'],
        "answered_at_utc": [pd.NaT, pd.Timestamp("2025-03-02T13:00:00Z")],
    }
)


def test_what_is_missing_is_null_or_empty_and_whole_numbers_stay_whole() -> None:
    first, second = json.loads(json_text(FRAME))
    assert first == {
        "run_id": 1,
        "run_date": "2025-03-02",
        "started_at_utc": "2025-03-02T13:00:00+00:00",
        "distance_m": 8_000,
        "cadence_spm": 171.25,
        "session_rpe": 4,
        "has_gps": True,
        "device": "=cmd|' /C calc'!A0",  # JSON is no spreadsheet
        "answered_at_utc": None,
    }
    assert (second["cadence_spm"], second["session_rpe"], second["distance_m"]) == (None, None, 0)
    assert csv_text(FRAME).splitlines() == [
        "run_id,run_date,started_at_utc,distance_m,cadence_spm,session_rpe,has_gps,device,answered_at_utc",
        "1,2025-03-02,2025-03-02T13:00:00+00:00,8000,171.25,4,true,'=cmd|' /C calc'!A0,",
        '2,2025-03-04,2025-03-04T13:00:00.500000+00:00,0,,,false,"Garmin ""55"", red",2025-03-02T13:00:00+00:00',
    ]


@pytest.mark.parametrize("missing", [None, float("nan"), np.float32("nan"), np.float64("nan"), pd.NaT, pd.NA, float("inf"), -np.inf])
def test_whatever_is_not_known_is_null(missing: object) -> None:
    frame = pd.DataFrame({"value": pd.Series([missing], dtype=object)})
    assert json_text(frame) == '[\n {\n  "value": null\n }\n]'
    assert csv_text(frame) == 'value\n""\n'


@pytest.mark.parametrize(
    ("value", "written"),
    [(7, "7"), (np.int64(7), "7"), (7.0, "7"), (7.5, "7.5"), (np.float32(0.5), "0.5"), (-3, "-3"), (-0.0, "0"), (0.1 + 0.2, "0.3"), (True, "true"), (np.False_, "false")],
)  # fmt: skip
def test_numbers_are_written_as_numbers(value: object, written: str) -> None:
    frame = pd.DataFrame({"value": pd.Series([value], dtype=object)})
    assert csv_text(frame) == f"value\n{written}\n"
    assert json.loads(json_text(frame)) == [{"value": json.loads(written)}]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
@pytest.mark.parametrize("before", ["", " ", "   ", "\u00a0", "\u202e", "\x00"])
def test_a_text_that_would_be_a_formula_is_guarded(start: str, before: str) -> None:
    assert guarded(f"{before}{start}1+1").startswith("'")


@pytest.mark.parametrize("text", ["", "Garmin 55", "a=1", "O'Neil", "3-4 km", "José", " x"])
def test_other_text_is_left_alone(text: str) -> None:
    assert guarded(text) == text


@given(st.text())
def test_no_cell_begins_a_formula_and_each_reads_back(text: str) -> None:
    frame = pd.DataFrame({"note": pd.Series([text], dtype=object), "number": [-1]})
    header, row = csv.reader(io.StringIO(csv_text(frame), newline=""))
    assert header == ["note", "number"]
    assert row[1] == "-1"
    cell = row[0]
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert cell.removeprefix("'") == "".join(char for char in text if char.isprintable() or char in "\t\r\n").removeprefix("'")


def test_no_rows_are_a_header_and_an_empty_list() -> None:
    assert csv_text(FRAME.iloc[:0]).splitlines() == [",".join(FRAME.columns)]
    assert json_text(FRAME.iloc[:0]) == "[]"


def test_a_patients_runs_and_scores_go_out_as_they_are(engine: sa.Engine) -> None:
    scene = new_scene(engine)
    patient = scene.patient("ADA")
    run = scene.run(patient, run_on(date(2025, 3, 2), device="=Watch", running_cadence_spm=170.5))
    scene.score(patient, score_on(date(2025, 3, 3), 0), score_on(date(2025, 3, 5), 4, PainMoment.AFTER))
    (row,) = csv.DictReader(io.StringIO(csv_text(queries.runs(engine, scene.tess, patient))))
    assert (row["run_id"], row["run_date"], row["distance_m"]) == (str(run), "2025-03-02", "8000")
    assert (row["device"], row["running_cadence_spm"], row["cadence_spm"]) == ("'=Watch", "170.5", "")
    first, second = json.loads(json_text(queries.scores(engine, scene.tess, patient)))
    assert (first["nprs"], first["for_date"], first["counted_date"], first["run_id"]) == (0, "2025-03-03", "2025-03-02", run)
    assert (second["nprs"], second["run_id"], second["recalled"]) == (4, None, True)
