"""Workbooks are read like the CSV of their table, and small claims of large sheets are refused before they are believed."""

import io
import re
import struct
import tracemalloc
import zipfile
import zlib
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from openpyxl.utils import get_column_letter

from data.importers import xlsx
from data.importers.base import FileRefused, ReadFile, read_bytes
from models import ImportOutcome
from tests.table_files import GARMIN_HEADER, GARMIN_RUN, garmin_list, rewritten, saved, strava_list, strava_row, workbook

OURS = ["date", "start_time", "distance_km", "moving_time", "cadence_spm"]
SHEET = "xl/worksheets/sheet1.xml"


def read(content: bytes) -> ReadFile:
    importer, found = read_bytes(content, "runs.xlsx")
    assert importer is xlsx.XLSX
    return found


def refused(content: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refusal:
        read_bytes(content, "runs.xlsx")
    return refusal.value


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_dates_times_and_lengths_are_cells(epoch_1904: bool) -> None:
    rows = (
        [date(2026, 3, 13), time(7, 15), 5.25, time(0, 26, 42), 170],
        [datetime(2026, 3, 14), time(18, 5), 10, timedelta(hours=1, minutes=6, seconds=6), 171.5],
        [date(2026, 3, 15), None, 110.5, timedelta(hours=26, minutes=42), None],
    )
    found = read(workbook(OURS, *rows, epoch_1904=epoch_1904))
    assert [run.started_at_utc.isoformat()[:16] for run in found.runs] == ["2026-03-13T07:15", "2026-03-14T18:05", "2026-03-15T12:00"]
    assert [(run.distance_m, run.moving_time_s, run.cadence_spm) for run in found.runs] == [
        (5250, 1602, 170),
        (10_000, 3966, 171.5),
        (110_500, 96_120, None),
    ]
    assert found.refused_lines == ()


def test_each_known_table_is_read_from_a_sheet_as_from_text() -> None:
    text = read_bytes(garmin_list({}, {"Distance": "--"}), "a.csv")[1]
    sheet = read(workbook(GARMIN_HEADER, GARMIN_RUN.values(), {**GARMIN_RUN, "Distance": "--"}.values()))
    assert (sheet.runs, sheet.refused_lines) == (text.runs, text.refused_lines)
    assert sheet.notes == ("The sheet “Runs” was read.", *text.notes)
    strava = strava_list(strava_row()).decode().splitlines()[0].split(",")
    assert read(workbook(strava, strava_row())).runs == read_bytes(strava_list(strava_row()), "a.csv")[1].runs
    diary = read(
        workbook(["date", "moment", "side", "nprs"], [date(2026, 3, 13), "during", "left", 3], [date(2026, 3, 14), "after", "left", None])
    )
    assert [(score.for_date, score.nprs, score.line) for score in diary.scores] == [(date(2026, 3, 13), 3, 2)]


def test_the_first_sheet_that_is_known_is_read_and_titles_above_it_are_passed_over() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Dear Cleo,", "this is my training."])
    runs = book.create_sheet("2026")
    for row in (
        ["My runs"],
        [],
        [None, *OURS],
        [None, date(2026, 3, 13), None, 5, time(0, 25), None],
        [None, "soon", None, 5, time(0, 25), None],
    ):
        runs.append(row)
    found = read(saved(book))
    assert found.notes == ("The sheet “2026” was read.",)
    assert [run.distance_m for run in found.runs] == [5000]
    assert [line.line for line in found.refused_lines] == [5]  # as Excel numbers its rows


def test_a_number_with_three_decimals_is_not_a_thousand() -> None:
    assert [xlsx.written(value) for value in (1.234, 5, 5.0, 0.1 + 0.2, True, None, "#N/A", " a ")] == [
        "1.2340",
        "5",
        "5",
        "0.3",
        "true",
        "",
        "",
        "a",
    ]


def test_a_formula_counts_by_the_value_that_excel_computed_last() -> None:
    book = workbook(OURS, [date(2026, 3, 13), None, "=2+3", time(0, 25), None])
    assert "distance is missing" in refused(book).reason  # nothing computed it
    computed = rewritten(book, SHEET, rb"<f>2\+3</f><v\s*/>|<f>2\+3</f><v></v>", b"<f>2+3</f><v>5</v>")
    assert read(computed).runs[0].distance_m == 5000


def test_a_cell_at_the_far_corner_is_refused() -> None:
    book = openpyxl.Workbook()
    book.active["XFD1048576"] = 1
    content = saved(book)
    assert len(content) < 6000
    assert "2,000,000 cells" in refused(content).reason


@pytest.mark.parametrize(("rows", "refuses"), [(19_999, False), (20_000, False), (20_001, True)])
def test_two_million_cells_are_the_limit(rows: int, refuses: bool) -> None:
    content = workbook(OURS, [date(2026, 3, 13), None, 5, time(0, 25), None])
    claims = rewritten(content, SHEET, rb'<dimension ref="[^"]*"', f'<dimension ref="A1:{get_column_letter(100)}{rows}"'.encode())
    if refuses:
        assert "cells" in refused(claims).reason
    else:
        assert len(read(claims).runs) == 1


def test_a_sheet_that_claims_to_be_small_is_read_within_bounds() -> None:
    book = openpyxl.Workbook()
    book.active.append(OURS)
    book.active.append([date(2026, 3, 13), None, 5, time(0, 25), None])
    book.active["A1048576"] = date(2026, 3, 14)
    claims = rewritten(saved(book), SHEET, rb'<dimension ref="[^"]*"', b'<dimension ref="A1:E2"')
    assert "more than 100,000 lines" in refused(claims).reason


def test_a_workbook_that_unpacks_to_much_is_refused_before_it_is_opened() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr(SHEET, bytes(xlsx.UNPACKED_MAX_BYTES))
    assert "15 MB unpacked" in refused(packed.getvalue()).reason


def test_entities_in_a_sheet_are_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet'
    content = rewritten(workbook(OURS, [date(2026, 3, 13), None, 5, time(0, 25), None]), SHEET, rb"^(<\?xml[^>]*>)?\s*<worksheet", bomb)
    assert refused(content).outcome is ImportOutcome.UNREADABLE


def test_a_table_with_unknown_columns_asks_for_them() -> None:
    refusal = refused(workbook(["When", "How far"], [date(2026, 3, 13), 5]))
    assert (refusal.outcome, "when, how_far" in refusal.reason) == (ImportOutcome.NEEDS_MAPPING, True)


def test_an_empty_workbook_holds_no_table() -> None:
    assert refused(saved(openpyxl.Workbook())).outcome is ImportOutcome.NO_DATA


def test_an_old_or_locked_workbook_says_how_to_save_it() -> None:
    assert "Save it as .xlsx" in refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)).reason


def test_a_member_that_is_larger_than_it_says_is_cut_off_there_before_it_is_unpacked() -> None:
    """80 MB of blanks behind a part, packed into 80 KB, of which the directory claims the first ones only, with their checksum."""
    book = "xl/workbook.xml"
    content = workbook(OURS, [date(2026, 3, 13), None, 5, time(0, 25), None])
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        part = old.read(book)
    blown = bytearray(rewritten(content, book, rb"$", b" " * 80_000_000))
    entry = max(found.start() for found in re.finditer(b"PK\x01\x02", blown) if blown[found.start() + 46 :].startswith(book.encode()))
    struct.pack_into("<I", blown, entry + 16, zlib.crc32(part))
    struct.pack_into("<I", blown, entry + 24, len(part))
    tracemalloc.start()
    try:
        assert len(xlsx.XLSX.read(bytes(blown)).runs) == 1
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_workbook_that_is_packed_otherwise_than_excel_does_is_refused() -> None:
    content = workbook(OURS, [date(2026, 3, 13), None, 5, time(0, 25), None])
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(FileRefused, match="The workbook is damaged"):
        xlsx.XLSX.read(packed.getvalue())
