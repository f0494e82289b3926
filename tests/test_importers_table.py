"""Tables from strangers: any encoding, separator and end of line is read; what is too long is named by its line and spoils no other."""

import pytest

from data.importers.base import FileRefused, read_bytes
from data.importers.runs_csv import RUNS_CSV
from data.importers.table import LINES_MAX, TABLE_MAX_BYTES, Line, table_of
from data.importers.text_lines import LINE_MAX_CHARS
from models import ImportOutcome

HEADER = "date;distance_km;moving_time;device"
LINES = ("2026-03-04;5,25;25:00;Müller", "2026-03-05;6;30:00;")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_encoding_and_end_of_line(encoding: str, newline: str) -> None:
    found = RUNS_CSV.read(newline.join([HEADER, *LINES, ""]).encode(encoding))
    assert [(run.distance_m, run.device) for run in found.runs] == [(5250, "Müller"), (6000, "")]


def test_mixed_ends_of_line_and_nul_are_taken_as_they_are_meant() -> None:
    text = f"{HEADER}\r\n{LINES[0]}\r2026-03-06;7\0;35:00;\n\n{LINES[1]}"
    found = RUNS_CSV.read(text.encode())
    assert [run.distance_m for run in found.runs] == [5250, 7000, 6000]


def test_a_letter_of_windows_late_in_a_long_table_does_not_spoil_it() -> None:
    many = "\n".join([HEADER, *["2026-03-05;6;30:00;"] * 8000, LINES[0]]).encode("cp1252")
    assert len(RUNS_CSV.read(many).runs) == 8001


def test_the_line_with_which_excel_names_its_separator_is_no_header() -> None:
    found = RUNS_CSV.read(f"sep=;\n{HEADER}\n{LINES[0]}\nsoon;5;25:00;\n".encode())
    assert [run.distance_m for run in found.runs] == [5250]
    assert found.refused_lines[0].line == 4


def test_a_header_may_have_line_breaks_in_its_quotes() -> None:
    table = table_of(b'Timestamp,"How bad was it,\nfrom 0 to 10?",Side\n2026-03-04,3,left\n')
    assert table is not None
    assert table.columns == ("timestamp", "how_bad_was_it,_from_0_to_10?", "side")
    assert [line.number for line in table.lines() if isinstance(line, Line)] == [3]


def test_names_that_come_twice_are_numbered() -> None:
    table = table_of(b"Distance,Elapsed Time,,Distance,,Distance\n1,2,3,4,5,6\n")
    assert table is not None
    assert table.columns == ("distance", "elapsed_time", "", "distance_2", "", "distance_3")
    (line,) = table.lines(["distance_2", "distance"])
    assert isinstance(line, Line)
    assert line.values == {"distance": "1", "distance_2": "4"}


@pytest.mark.parametrize(
    ("length", "kept"), [(LINE_MAX_CHARS - 1, True), (LINE_MAX_CHARS, True), (LINE_MAX_CHARS + 1, False), (1_000_000, False)]
)
def test_a_line_up_to_100000_characters_is_read_and_a_longer_one_is_named(length: int, kept: bool) -> None:
    beginning = "2026-03-04;5;25:00;"
    text = "\n".join([HEADER, LINES[1], beginning + "x" * (length - len(beginning) - 1), LINES[1]])
    found = RUNS_CSV.read(text.encode())
    assert len(found.runs) == 2 + kept
    assert [(line.line, "too long" in line.reason) for line in found.refused_lines] == ([] if kept else [(3, True)])


def test_an_open_quote_refuses_what_follows_and_keeps_what_was_before() -> None:
    found = RUNS_CSV.read(f'{HEADER}\n{LINES[1]}\n2026-03-06;5;25:00;"open\n'.encode() + b"x\n" * 90_000)
    assert len(found.runs) == 1
    assert [line.line for line in found.refused_lines] == [3]


@pytest.mark.parametrize(("lines", "refused"), [(LINES_MAX - 1, False), (LINES_MAX, False), (LINES_MAX + 1, True)])
def test_more_than_100000_lines_are_refused(lines: int, refused: bool) -> None:
    table = table_of(b"a,b\n" + b"1,2\n" * (lines - 1))
    assert table is not None
    if refused:
        with pytest.raises(FileRefused, match="more than 100,000 lines"):
            list(table.lines(["a"]))
    else:
        assert sum(1 for _ in table.lines(["a"])) == lines - 1


def test_a_table_of_more_than_20_mb_is_refused() -> None:
    with pytest.raises(FileRefused) as refusal:
        read_bytes(f"{HEADER}\n{LINES[1]}\n".encode() + b"\n" * TABLE_MAX_BYTES, "runs.csv")
    assert (refusal.value.outcome, "20 MB" in refusal.value.reason) == (ImportOutcome.UNREADABLE, True)


def test_columns_of_another_source_are_not_read() -> None:
    with pytest.raises(FileRefused) as refusal:
        RUNS_CSV.read(b"name,price\nshoes,120\n")
    assert (refusal.value.outcome, "name, price" in refusal.value.reason) == (ImportOutcome.NEEDS_MAPPING, True)
