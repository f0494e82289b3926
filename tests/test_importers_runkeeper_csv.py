"""Runkeeper's list: the header names the unit, the clock is local, there is no cadence."""

from datetime import UTC, datetime

import pytest

from data.importers.base import FileRefused, ReadFile, read_bytes
from data.importers.runkeeper_csv import RUNKEEPER_CSV
from models import CadenceRule, ImportOutcome
from tests.table_files import table

HEADER = ["Date", "Type", "Route Name", "Distance (mi)", "Duration", "Average Pace", "Average Speed (mph)", "Climb (ft)", "GPX File"]


def row(
    date: str = "2013-12-29 11:36:13", sport: str = "Running", distance: str = "3.02", duration: str = "26:42", pace: str = "8:50"
) -> list[str]:
    return [date, sport, "", distance, duration, pace, "6.79", "71.14", "2013-12-29-1136.gpx"]


def read(*rows: list[str], unit: str = "mi") -> ReadFile:
    importer, found = read_bytes(table([name.replace("(mi)", f"({unit})") for name in HEADER], *rows), "cardioActivities.csv")
    assert importer is RUNKEEPER_CSV
    return found


@pytest.mark.parametrize(("unit", "metres"), [("mi", 3.02 * 1609.344), ("km", 3020)])
def test_the_header_names_the_unit(unit: str, metres: float) -> None:
    (run,) = read(row(), unit=unit).runs
    assert run.distance_m == pytest.approx(metres)
    assert (run.moving_time_s, run.elapsed_time_s, run.cadence_spm, run.cadence_rule) == (1602, 1602, None, CadenceRule.NONE)
    assert (run.started_at_utc, run.clock_is_local) == (datetime(2013, 12, 29, 11, 36, 13, tzinfo=UTC), True)


@pytest.mark.parametrize(("duration", "seconds"), [("26:42", 1602), ("1:06:06", 3966), ("59", None), ("26:60", None)])
def test_durations_with_and_without_hours(duration: str, seconds: int | None) -> None:
    found = read(row(), row(duration=duration, distance="7.16"))
    assert [run.moving_time_s for run in found.runs[1:]] == ([] if seconds is None else [seconds])
    assert len(found.refused_lines) == (seconds is None)


def test_hours_that_a_spreadsheet_made_of_minutes_are_minutes_again() -> None:
    (run,) = read(row(duration="26:42:00", pace="8:50:00")).runs
    assert run.moving_time_s == 1602
    assert "minutes and seconds" in run.notes[0]


def test_other_activities_are_left_out() -> None:
    found = read(row(), row(sport="Cycling"), row(sport="Walking"))
    assert len(found.runs) == 1
    assert found.notes == ("Other sports in the list were left out: cycling (1), walking (1).",)


def test_dates_that_can_be_two_days_are_asked_about() -> None:
    with pytest.raises(FileRefused) as refusal:
        read(row(date="3/4/2013 11:36"))
    assert refusal.value.outcome is ImportOutcome.NEEDS_MAPPING
    assert read(row(date="3/4/2013 11:36"), row(date="3/14/2013 11:36")).runs[0].started_at_utc.month == 3
