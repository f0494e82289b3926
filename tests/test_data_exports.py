"""Text to take away: nothing that a spreadsheet would run, nothing made up, numbers as they are."""

import csv
import io
import itertools
import json
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

from data import queries
from data.excel import workbook
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


STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r")  # the last but two are full-width
BLANKS = ("", " ", "   ", "\u00a0", "\u3000", "\u200b", "\ufeff", "\x00", "\x0b", "\u202e")
FORMULAS = ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://evil.example","x")')


def hostile_texts() -> list[str]:
    """Give 300 texts that want to be a formula: each beginning, hidden behind each blank, before each formula."""
    return [blank + start + formula for start, blank, formula in itertools.product(STARTS, BLANKS, FORMULAS)]


def seen(text: str) -> str:
    kept = "".join(char for char in text if char.isprintable() or char in "\t\r\n")
    return "\n".join(kept.replace("\r\n", "\n").split("\r"))


def sheet_of(content: bytes) -> Worksheet:
    book = load_workbook(io.BytesIO(content))
    (name,) = book.sheetnames
    sheet = book[name]
    assert isinstance(sheet, Worksheet)
    return sheet


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


@pytest.mark.parametrize("start", [*STARTS, "\n"])
@pytest.mark.parametrize("before", ["", " ", "   ", "\u00a0", "\u202e", "\x00"])
def test_a_text_that_would_be_a_formula_is_guarded(start: str, before: str) -> None:
    assert guarded(f"{before}{start}1+1").startswith("'")


@pytest.mark.parametrize("text", ["", "Garmin 55", "a=1", "O'Neil", "3-4 km", "José", " x"])
def test_other_text_is_left_alone(text: str) -> None:
    assert guarded(text) == text


def test_a_bare_carriage_return_begins_no_row_of_its_own() -> None:
    frame = pd.DataFrame({"note": ["a\r=1+1", "b\r\n=1+1"]})
    assert csv_text(frame) == 'note\n"a\n=1+1"\n"b\n=1+1"\n'


@given(st.text())
def test_no_cell_begins_a_formula_and_each_reads_back(text: str) -> None:
    frame = pd.DataFrame({"note": pd.Series([text], dtype=object), "number": [-1]})
    header, row = csv.reader(io.StringIO(csv_text(frame), newline=""))
    assert header == ["note", "number"]
    assert row[1] == "-1"
    cell = row[0]
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert cell.removeprefix("'") == seen(text).removeprefix("'")


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


# --------------------------------------------------------------------------------------------------------------------
# Excel
# --------------------------------------------------------------------------------------------------------------------


def test_300_hostile_texts_are_text_in_a_workbook_and_guarded_in_csv() -> None:
    texts = hostile_texts()
    assert len(texts) == len(set(texts)) == 300
    frame = pd.DataFrame({"note": texts})
    cells = [row[0] for row in sheet_of(workbook(frame, title="Notes")).iter_rows(min_row=2)]
    assert len(cells) == 300
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix for cell in cells)
    assert not [cell.value for cell in cells if any(char != " " and not char.isprintable() and char not in "\t\r\n" for char in cell.value)]
    for text, cell in zip(texts, cells, strict=True):
        assert seen(text) == cell.value
    lines = list(csv.reader(io.StringIO(csv_text(frame), newline="")))[1:]
    assert [line for (line,) in lines] == [f"'{seen(text)}" for text in texts]
    assert not [line for (line,) in lines if line.lstrip().startswith(STARTS) or line.lstrip(" ").startswith(STARTS)]


@pytest.mark.parametrize("text", ["#N/A", "#REF!", "TRUE", "1", "2026-11-24", "_x003D_1+1", "a" * 500, "José 痛 🏃", "<b>", "'=1+1"])
def test_text_stays_the_text_that_it_is_in_a_workbook(text: str) -> None:
    cell = sheet_of(workbook(pd.DataFrame({"note": [text]}), title="Notes")).cell(2, 1)
    assert (cell.value, cell.data_type, bool(cell.quotePrefix)) == (text, "s", False)


def test_in_a_workbook_numbers_are_numbers_days_are_days_and_what_is_missing_is_empty() -> None:
    sheet = sheet_of(workbook(FRAME, title="Runs"))
    assert sheet.title == "Runs"
    assert sheet.freeze_panes == "A2"
    header, first, second = ([*row] for row in sheet.iter_rows())
    assert [cell.value for cell in header] == list(FRAME.columns)
    assert all(isinstance(cell, Cell) and cell.font.b for cell in header)
    assert not any(cell.font.b for cell in first)
    midnight = datetime(2025, 3, 2)
    assert [cell.value for cell in first] == [
        1, midnight, datetime(2025, 3, 2, 13), 8_000, 171.25, 4, True, "=cmd|' /C calc'!A0", None,
    ]  # fmt: skip
    assert [cell.value for cell in second] == [
        2, datetime(2025, 3, 4), datetime(2025, 3, 4, 13), 0, None, None, False, 'Garmin "55", red', datetime(2025, 3, 2, 13),
    ]  # fmt: skip
    assert [cell.data_type for cell in first] == ["n", "d", "d", "n", "n", "n", "b", "s", "n"]
    assert (first[1].number_format, first[2].number_format) == ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")


@given(st.lists(st.text(max_size=40), min_size=1, max_size=20))
def test_no_text_at_all_becomes_anything_but_text_or_stops_a_workbook(texts: list[str]) -> None:
    sheet = sheet_of(workbook(pd.DataFrame({"note": pd.Series(texts, dtype=object)}), title="Notes"))
    cells = [sheet.cell(row, 1) for row in range(2, len(texts) + 2)]
    assert all(cell.data_type == "s" or cell.value is None for cell in cells)
    assert [bool(cell.value) for cell in cells] == [bool(seen(text)) for text in texts]


def test_no_rows_are_a_workbook_with_its_header() -> None:
    assert [[cell.value for cell in row] for row in sheet_of(workbook(FRAME.iloc[:0], title="Runs")).iter_rows()] == [list(FRAME.columns)]
