"""Unknown columns: a suggestion from words and values, questions where they leave something open, and reading as a person said."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from data.importers.base import FileRefused, ReadFile, read_bytes
from data.importers.local_forms import DateOrder
from data.importers.mapping import Mapping, ScoreColumn, first_lines, header_key, read_with, suggested, tables_in, with_order
from models import ImportOutcome, PainMoment, RestMoment, Side, Surface
from tests.table_files import garmin_list, table, workbook


def mapping_of(content: bytes) -> Mapping | None:
    (found,) = tables_in(content)
    return suggested(found.written, first_lines(found))


def agreed(content: bytes) -> ReadFile:
    """Read with the suggestion, as a person does who agrees."""
    mapping = mapping_of(content)
    assert mapping is not None
    assert mapping.questions == ()
    return read_with(content, mapping)


def refused(content: bytes, mapping: Mapping) -> FileRefused:
    with pytest.raises(FileRefused) as refusal:
        read_with(content, mapping)
    return refusal.value


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (["Day", "Distance (km)", "Duration", "Cadence"], ["4 March 2026", "5.25", "31:02", "170"]),
        (["Tag", "Strecke (km)", "Dauer", "Schrittfrequenz"], ["04.03.2026", "5,25", "31:02", "170"]),
        (["Día", "Distancia (km)", "Duración", "Cadencia"], ["4 mar 2026", "5,25", "31:02", "170"]),
        (["Jour", "Distance (km)", "Durée", "Cadence"], ["4 mars 2026", "5,25", "31:02", "170"]),
        (["Dzień", "Dystans (km)", "Czas", "Kadencja"], ["4 marca 2026", "5,25", "31:02", "170"]),
        (["Giorno", "Distanza (km)", "Durata", "Cadenza"], ["4 marzo 2026", "5,25", "31:02", "170"]),
        (["Dia", "Distância (km)", "Duração", "Cadência"], ["4 março 2026", "5,25", "31:02", "170"]),
        (["Dag", "Afstand (km)", "Duur", "Cadans"], ["4 mrt 2026", "5,25", "31:02", "170"]),
    ],
)
def test_a_table_of_runs_is_suggested_in_each_language(header: list[str], row: list[str]) -> None:
    (run,) = agreed(table(header, row, separator=";")).runs
    assert (run.started_at_utc, run.start_is_known) == (datetime(2026, 3, 4, 12, tzinfo=UTC), False)
    assert (run.distance_m, run.moving_time_s, run.cadence_spm) == (5250, 1862, 170)


def test_a_suggestion_looks_at_the_values() -> None:
    one_foot = mapping_of(table(["Date", "Miles", "Minutes", "Cadence"], ["2026-03-04", "3.1", "31", "85"]))
    assert one_foot is not None
    assert (one_foot.distance_unit, one_foot.time_unit, one_foot.cadence_counts) == ("mi", "minutes", "one_foot")
    between = mapping_of(table(["Date", "Miles", "Minutes", "Cadence"], ["2026-03-04", "3.1", "31", "120"]))
    assert between is not None
    assert between.questions == ("Does the cadence count the steps of both feet or of one?",)


def test_one_foot_is_doubled_because_a_person_said_so_and_the_report_says_it() -> None:
    found = agreed(table(["Date", "Miles", "Minutes", "Cadence"], ["2026-03-04", "3.1", "31", "85"]))
    assert found.runs[0].cadence_spm == 170
    assert found.notes == ("Cadence was said to count one foot: it was doubled.",)


def test_what_nothing_tells_is_asked_and_not_read() -> None:
    content = table(["Date", "Distance", "Time"], ["2026-03-04", "5.2", "30"])
    mapping = mapping_of(content)
    assert mapping is not None
    assert mapping.questions == ("Are the distances kilometres, miles or metres?", "Does the time count seconds, minutes or hours?")
    assert refused(content, mapping).outcome is ImportOutcome.NEEDS_MAPPING
    (run,) = read_with(content, replace(mapping, distance_unit="mi", time_unit="minutes")).runs
    assert (run.distance_m, run.moving_time_s) == (pytest.approx(5.2 * 1609.344), 1800)


def test_a_unit_in_the_cell_counts_before_the_one_that_was_said() -> None:
    content = table(
        ["Date", "Distance", "Time"], ["2026-03-04", "5.2 km", "30:00"], ["2026-03-05", "3 miles", "30:00"], ["2026-03-06", "4 x", "30:00"]
    )
    mapping = mapping_of(content)
    assert mapping is not None
    found = read_with(content, replace(mapping, distance_unit="km"))
    assert [run.distance_m for run in found.runs] == [5200, pytest.approx(3 * 1609.344)]
    assert [line.line for line in found.refused_lines] == [4]


def test_garmins_list_is_read_once_its_unit_or_its_dates_are_said() -> None:
    unknown_unit = garmin_list(
        {"Avg Stride Length": "--"}, {"Activity Type": "Cycling"}, {"Activity Type": "Treadmill Running", "Avg Stride Length": "--"}
    )
    with pytest.raises(FileRefused) as refusal:
        read_bytes(unknown_unit, "Activities.csv")
    assert refusal.value.outcome is ImportOutcome.NEEDS_MAPPING
    mapping = mapping_of(unknown_unit)
    assert mapping is not None
    assert mapping.questions == ("Are the distances kilometres, miles or metres?",)
    found = read_with(unknown_unit, replace(mapping, distance_unit="km"))
    assert [(run.distance_m, run.moving_time_s, run.elapsed_time_s, run.cadence_spm) for run in found.runs] == [(5000, 1500, 1560, 170)] * 2
    assert [run.surface for run in found.runs] == [Surface.UNKNOWN, Surface.TREADMILL]
    unknown_day = garmin_list({"Date": "3/4/26 7:15"})
    mapping = mapping_of(unknown_day)
    assert mapping is not None
    mapping = replace(mapping, distance_unit="km")
    assert "the day or the month" in refused(unknown_day, mapping).reason
    (run,) = read_with(unknown_day, with_order(mapping, DateOrder.DAY_FIRST)).runs
    assert run.started_at_utc == datetime(2026, 4, 3, 7, 15, tzinfo=UTC)


def test_a_column_of_starts_gives_the_time_of_day_and_two_alike_without_one_are_two_runs() -> None:
    header = ["Date", "Start time", "Distance km", "Duration"]
    rows = (["2026-03-04", "7:15 PM", "5", "25:00"], ["2026-03-05", "", "5", "25:00"], ["2026-03-05", "", "5", "25:00"])
    found = agreed(table(header, *rows)).runs
    assert found[0].started_at_utc == datetime(2026, 3, 4, 19, 15, tzinfo=UTC)
    assert len({run.started_at_utc for run in found}) == 3


def test_a_workbook_is_mapped_like_text() -> None:
    content = workbook(["When", "How many km", "Duration"], [datetime(2026, 3, 4, 7, 15), 5.25, "31:02"])
    with pytest.raises(FileRefused):
        read_bytes(content, "a.xlsx")
    (run,) = agreed(content).runs
    assert (run.started_at_utc, run.distance_m, run.start_is_known) == (datetime(2026, 3, 4, 7, 15, tzinfo=UTC), 5250, True)


@pytest.mark.parametrize(
    "content", [b"name,price\nshoes,120\n", b"Date,Price\n2026-03-04,120\n", b"Dear Cleo, my hip\nis better, thanks\n"]
)
def test_a_table_of_something_else_has_no_suggestion(content: bytes) -> None:
    assert mapping_of(content) is None


def test_a_mapping_is_remembered_by_its_header_and_stored_as_json() -> None:
    assert header_key(["Date", "Distance (km)"]) == header_key([" date", "DISTANCE  (km) "])
    keys = {header_key(header) for header in (["a", "b"], ["b", "a"], ["ab"], ["a", "b", ""], ["a,b"])}
    assert len(keys) == 5
    scores = (ScoreColumn("during", PainMoment.DURING, Side.LEFT), ScoreColumn("night", RestMoment.NIGHT_REST))
    mapping = Mapping("pain", "timestamp", DateOrder.MONTH_FIRST, side="which_hip?", scores=scores, date_is_of_run=True)
    assert Mapping.from_dict(json.loads(json.dumps(mapping.as_dict()))) == mapping


def test_a_mapping_of_another_table_is_not_used() -> None:
    mapping = Mapping("runs", "date", distance="miles", distance_unit="mi", moving_time="time", time_unit="clock")
    refusal = refused(table(["Date", "Kilometres", "Time"], ["2026-03-04", "5", "25:00"]), mapping)
    assert (refusal.outcome, "miles" in refusal.reason) == (ImportOutcome.NEEDS_MAPPING, True)


def test_a_day_without_a_run_is_kept_from_either_question() -> None:
    content = table(["Date", "Distance km", "Duration", "Did you run?"], ["2026-03-04", "5", "25:00", "Yes"], ["2026-03-05", "", "", "No"])
    mapping = mapping_of(content)
    assert mapping is not None
    found = read_with(content, replace(mapping, ran="did_you_run?"))
    assert (len(found.runs), found.days_without_run, found.refused_lines) == (1, (date(2026, 3, 5),), ())
