"""Strava's activities.csv: known by its shape in any language, the second distance is metres, one foot is counted, times are UTC."""

from datetime import UTC, datetime

import pytest

from data.importers import strava_csv
from data.importers.base import FileRefused, read_bytes
from data.importers.strava_csv import STRAVA_CSV, rows
from models import CadenceRule, ImportOutcome, Surface
from tests.table_files import STRAVA_FIRST, strava_list, strava_row, table

GERMAN = {
    "Activity ID": "Aktivitäts-ID", "Activity Date": "Aktivitätsdatum", "Activity Name": "Name der Aktivität", "Activity Type": "Aktivitätsart",
    "Elapsed Time": "Verstrichene Zeit", "Distance": "Distanz", "Filename": "Dateiname", "Moving Time": "Bewegungszeit",
    "Average Cadence": "Durchschnittliche Trittfrequenz",
}  # fmt: skip
DUTCH = {
    "Activity ID": "Activiteits-ID", "Activity Date": "Datum van activiteit", "Activity Type": "Activiteitstype", "Elapsed Time": "Verstreken tijd",
    "Distance": "Afstand", "Filename": "Bestandsnaam", "Moving Time": "Beweegtijd", "Average Cadence": "Gemiddelde cadans",
}  # fmt: skip


def broken(name: str) -> str:
    """One version of the export has HTML where a translation was missing."""
    spoilt = name in {"Elapsed Time", "Moving Time", "Average Cadence"}
    return f'<span class="translation_missing" title="translation missing: en-US.lib.export">{name}</span>' if spoilt else name


def test_a_row_is_a_run_by_its_second_distance_and_time() -> None:
    importer, found = read_bytes(strava_list(strava_row()), "activities.csv")
    assert importer is STRAVA_CSV
    (run,) = found.runs
    assert (run.started_at_utc, run.clock_is_local, run.utc_offset_s) == (datetime(2026, 3, 4, 7, 15, tzinfo=UTC), False, None)
    assert (run.distance_m, run.moving_time_s, run.elapsed_time_s) == (7001.5, 2400, 2700)
    assert (run.cadence_spm, run.running_cadence_spm, run.cadence_rule) == (170.5, 170.5, CadenceRule.STRAVA_STRIDES_DOUBLED)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("renamed", "date", "sport", "surface"),
    [
        (GERMAN.get, "04.03.2026, 07:15:00", "Lauf", Surface.UNKNOWN),
        (DUTCH.get, "4 mrt 2026, 07:15:00", "Hardloopsessie", Surface.UNKNOWN),
        ({"Activity ID": "ID de actividad"}.get, "4 mar. 2026 7:15:00", "Carrera", Surface.UNKNOWN),
        ({"Activity ID": "ID de l’activité"}.get, "4 mars 2026 à 07:15:00", "Course à pied", Surface.UNKNOWN),
        ({"Activity ID": "ID da atividade"}.get, "4 de mar. de 2026, 07:15:00", "Corrida", Surface.UNKNOWN),
        ({"Activity ID": "ID attività"}.get, "4 mar 2026, 07:15:00", "Corsa", Surface.UNKNOWN),
        ({"Activity ID": "Activity ID"}.get, "4 Mar 2026, 07:15:00", "Virtual Run", Surface.TREADMILL),
    ],
)
def test_each_language_is_read_alike(renamed: object, date: str, sport: str, surface: Surface) -> None:
    content = strava_list(strava_row(date=date, sport=sport), renamed=lambda name: renamed(name) or f"{name} °")  # type: ignore[operator]
    (run,) = read_bytes(content, "activities.csv")[1].runs
    assert run.started_at_utc == datetime(2026, 3, 4, 7, 15, tzinfo=UTC)
    assert (run.distance_m, run.moving_time_s, run.cadence_spm, run.surface) == (7001.5, 2400, 170.5, surface)


def test_a_header_with_html_in_it_is_read() -> None:
    (run,) = read_bytes(strava_list(strava_row(), renamed=broken), "activities.csv")[1].runs
    assert (run.distance_m, run.moving_time_s, run.cadence_spm) == (7001.5, 2400, 170.5)


def test_a_small_cadence_is_doubled_and_a_missing_one_is_missing() -> None:
    found = read_bytes(strava_list(strava_row(cadence="45"), strava_row(cadence=""), strava_row(cadence="0")), "a.csv")[1]
    assert [run.cadence_spm for run in found.runs] == [90, None, None]
    assert found.runs[1].cadence_rule is CadenceRule.NONE


def test_the_first_version_of_the_list_has_kilometres_and_says_so() -> None:
    row = ["176543", "2018-03-04 07:15:00", "Run", "Run", "", "2700", "7.25", "false", "", "activities/176543.gpx"]
    found = read_bytes(table([*STRAVA_FIRST, "Commute", "Activity Gear", "Filename"], row), "activities.csv")[1]
    assert (found.runs[0].distance_m, found.runs[0].moving_time_s, found.runs[0].elapsed_time_s) == (7250, 2700, 2700)
    assert "taken as kilometres" in found.notes[0]


def test_other_sports_are_left_out_and_counted() -> None:
    found = read_bytes(strava_list(strava_row(), strava_row(sport="Ride"), strava_row(sport="Ride"), strava_row(sport="Walk")), "a.csv")[1]
    assert len(found.runs) == 1
    assert found.notes == ("Other sports in the list were left out: ride (2), walk (1).",)


def test_the_rows_name_the_files_of_the_archive() -> None:
    by_hand = strava_row(file="", date="Mar 6, 2026, 7:15:00 AM")
    found = rows(strava_list(strava_row(file="activities/9.fit.gz"), strava_row(sport="Ride", file="activities/2.gpx"), by_hand))
    assert [(row.file_name, row.run.started_at_utc.day) for row in found] == [("activities/9.fit.gz", 4), ("", 6)]


def test_rows_that_cannot_be_read_spoil_no_other() -> None:
    content = strava_list(strava_row(date="soon"), strava_row())
    assert len(rows(content)) == 1
    (line,) = read_bytes(content, "a.csv")[1].refused_lines
    assert (line.line, "soon" in line.reason) == (2, True)


def test_a_list_of_something_else_has_no_rows() -> None:
    with pytest.raises(FileRefused) as refusal:
        rows(b"id,name\n1,Ada\n")
    assert refusal.value.outcome is ImportOutcome.UNREADABLE
    assert not strava_csv.STRAVA_CSV.recognises(b"id,date,name,type,a,b,c,d\n1,2,3,4,5,6,7,8\n")


def test_a_description_with_line_breaks_stays_in_its_row() -> None:
    row = strava_row()
    row[4] = "5 x 400\n1:30\n\nwith “Cleo”, fine"
    found = read_bytes(strava_list(row, strava_row(date="soon")), "a.csv")[1]
    assert len(found.runs) == 1
    assert found.refused_lines[0].line == 6  # as an editor shows it
