"""Garmin's list in any of eight languages: the unit and the order of dates are found in it, or asked for, and never guessed."""

from datetime import UTC, datetime

import pytest

from data.importers import garmin_csv
from data.importers.base import FileRefused, ReadFile, ReadRun, read_bytes
from models import CadenceRule, ImportOutcome, Surface
from tests.table_files import GARMIN_HEADER, GARMIN_HEADERS, GARMIN_RUN, garmin_list, table

MILE_M = 1609.344


def read(content: bytes) -> ReadFile:
    importer, found = read_bytes(content, "Activities.csv")
    assert importer is garmin_csv.GARMIN_CSV
    return found


def only_run(content: bytes) -> ReadRun:
    (run,) = read(content).runs
    return run


def refused(content: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refusal:
        garmin_csv.GARMIN_CSV.read(content)
    return refusal.value


def without(*names: str) -> list[str]:
    return [name for name in GARMIN_HEADER if name not in names]


def test_a_row_is_a_run_on_the_local_clock_with_steps_as_given() -> None:
    run = only_run(garmin_list({}))
    assert (run.started_at_utc, run.clock_is_local, run.utc_offset_s) == (datetime(2026, 3, 4, 7, 15, tzinfo=UTC), True, 0)
    assert (run.distance_m, run.moving_time_s, run.elapsed_time_s) == (5000, 1500, 1560)
    assert (run.cadence_spm, run.running_cadence_spm, run.cadence_rule) == (170, 170, CadenceRule.STEPS_AS_GIVEN)
    assert run.minutes is None
    assert not run.doubtful


RUNNING = {
    "en": ("Running", "Treadmill Running", "Trail Running", "Track Running", "Indoor Running", "Virtual Running"),
    "de": ("Laufen", "Laufbandtraining", "Trail-Lauf", "Bahnlauf", "Indoor-Laufen", "Virtuelles Laufen"),
    "es": ("Carrera", "Entrenamiento en cinta", "Trail running", "Carrera en pista", "Carrera en interior", "Carrera virtual"),
    "fr": ("Course à pied", "Course à pied sur tapis roulant", "Trail", "Course sur piste", "Course à pied en salle", "Course à pied virtuelle"),
    "pl": ("Bieganie", "Bieganie na bieżni", "Bieg przełajowy", "Bieg na stadionie", "Bieganie w hali", "Bieganie wirtualne"),
    "it": ("Corsa", "Tapis roulant", "Trail running", "Corsa su pista", "Corsa indoor", "Corsa virtuale"),
    "pt": ("Corrida", "Corrida em esteira", "Corrida em trilha", "Corrida em pista", "Corrida indoor", "Corrida virtual"),
    "nl": ("Hardlopen", "Hardlopen op loopband", "Trailrunnen", "Hardlopen op de baan", "Indoor hardlopen", "Virtueel hardlopen"),
}  # fmt: skip
OTHERS = {
    "en": ("Cycling", "Walking", "Cross Country Classic Skiing"),
    "de": ("Radfahren", "Skilanglauf", "Eislaufen"),
    "es": ("Ciclismo de carretera", "Caminata en cinta", "Natación en piscina"),
    "fr": ("Vélo de course", "Marche à pied", "Musculation"),
    "pl": ("Kolarstwo", "Biegi narciarskie", "Chodzenie"),
    "it": ("Bici da corsa", "Camminata", "Nuoto in piscina"),
    "pt": ("Ciclismo", "Caminhada", "Natação"),
    "nl": ("Fietsen", "Langlaufen", "Wandelen op loopband"),
}  # fmt: skip


@pytest.mark.parametrize("language", GARMIN_HEADERS)
def test_each_language_has_its_headers_and_its_words_for_running(language: str) -> None:
    header = GARMIN_HEADERS[language].split(",")
    values = list(GARMIN_RUN.values())[1:]
    found = read(table(header, *([sport, *values] for sport in (*RUNNING[language], *OTHERS[language]))))
    assert [run.surface for run in found.runs] == [
        Surface.UNKNOWN, Surface.TREADMILL, Surface.TRAIL, Surface.TRACK, Surface.TREADMILL, Surface.TREADMILL,
    ]  # fmt: skip
    assert {(run.distance_m, run.moving_time_s, run.elapsed_time_s, run.cadence_spm) for run in found.runs} == {(5000, 1500, 1560, 170)}
    left_out = ", ".join(f"{sport.casefold()} (1)" for sport in OTHERS[language])
    assert found.notes[1] == f"Other sports in the list were left out: {left_out}."


def test_stride_length_times_steps_tells_miles_from_kilometres() -> None:
    # 3.01 in 23:19 at 157 steps a minute of 1.32 m: 4,832 m, which are 3.00 miles
    found = read(garmin_list({"Distance": "3.01", "Time": "00:23:19", "Avg Run Cadence": "157", "Avg Stride Length": "1.32"}))
    assert found.runs[0].distance_m == pytest.approx(3.01 * MILE_M)
    assert found.notes == ("The list does not name its unit: by stride length, cadence and time its distances are miles.",)
    assert "kilometres" in read(garmin_list({})).notes[0]


def test_a_stride_in_feet_tells_the_unit_as_well() -> None:
    assert only_run(garmin_list({"Avg Stride Length": "3.87"})).distance_m == 5000  # 1.18 m
    assert only_run(garmin_list({"Distance": "3.107", "Avg Stride Length": "3.87"})).distance_m == pytest.approx(5000, abs=1)


def test_one_row_that_tells_the_unit_tells_it_for_the_list() -> None:
    found = read(garmin_list({"Avg Stride Length": "--"}, {"Date": "2026-03-05 07:15:00"}))
    assert [run.distance_m for run in found.runs] == [5000, 5000]


def test_the_majority_of_the_runs_decides_and_a_tie_is_asked_about() -> None:
    like_miles = {"Avg Stride Length": "1.89"}  # 170 steps a minute for 25 minutes: 8,033 m for 5.00
    assert refused(garmin_list({}, like_miles)).outcome is ImportOutcome.NEEDS_MAPPING
    assert {run.distance_m for run in read(garmin_list({}, like_miles, {})).runs} == {5000}


def test_a_unit_in_the_header_needs_no_stride() -> None:
    header = ["Distance (mi)" if name == "Distance" else name for name in without("Avg Stride Length")]
    row = [GARMIN_RUN[name.removesuffix(" (mi)")] for name in header]
    found = read(table(header, row))
    assert found.runs[0].distance_m == pytest.approx(5 * MILE_M)
    assert found.notes == ()


def test_a_list_in_which_nothing_tells_the_unit_is_not_read_but_asked_about() -> None:
    for content in (
        garmin_list({}, header=without("Avg Stride Length")),
        garmin_list({"Avg Stride Length": "--"}),
        garmin_list({"Avg Stride Length": "0.50"}),
    ):
        refusal = refused(content)
        assert refusal.outcome is ImportOutcome.NEEDS_MAPPING
        assert "miles or kilometres" in refusal.reason


def test_a_distance_in_metres_among_kilometres_is_seen_by_its_stride() -> None:
    track = {"Activity Type": "Track Running", "Distance": "5,000"}
    found = read(garmin_list({}, {}, track))
    assert [run.distance_m for run in found.runs] == [5000, 5000, 5000]
    assert found.runs[2].notes == ("The distance of 2026-03-04 is in metres, by its stride length.",)


def test_a_decimal_comma_and_thousands_are_told_apart_by_their_columns() -> None:
    german = {"Distance": "5,00", "Avg Stride Length": "1,18", "Time": "00:24:59,6"}
    assert only_run(garmin_list(german)).moving_time_s == 1499.6
    assert only_run(garmin_list(german, separator=";")).distance_m == 5000
    ultra = {"Distance": "1,234.50", "Time": "130:00:00", "Elapsed Time": "131:00:00"}
    assert "1234 km cannot be right" in read(garmin_list({}, ultra)).refused_lines[0].reason


def test_what_is_missing_is_not_zero() -> None:
    missing = {"Avg Run Cadence": "--", "Elapsed Time": "--:--:--", "Avg Pace": "--"}
    run = read(garmin_list({}, missing)).runs[1]
    assert (run.cadence_spm, run.device_cadence_spm, run.cadence_rule) == (None, None, CadenceRule.NONE)
    assert run.elapsed_time_s == run.moving_time_s == 1500
    assert read(garmin_list({}, {"Avg Run Cadence": "0"})).runs[1].cadence_spm is None


def test_a_row_without_distance_or_time_is_named_by_its_line() -> None:
    found = read(garmin_list({}, {"Distance": "--"}, {"Time": "--"}))
    assert [(line.line, line.reason) for line in found.refused_lines] == [(3, "the distance is missing."), (4, "the time is missing.")]


@pytest.mark.parametrize(
    ("written", "started"),
    [
        ("3/13/26 17:39", datetime(2026, 3, 13, 17, 39, tzinfo=UTC)),
        ("13/03/2026 17:39", datetime(2026, 3, 13, 17, 39, tzinfo=UTC)),
        ("13.03.2026 17:39", datetime(2026, 3, 13, 17, 39, tzinfo=UTC)),
        ("2026-03-13 05:39 PM", datetime(2026, 3, 13, 17, 39, tzinfo=UTC)),
        ("3/13/2026 12:05:09 AM", datetime(2026, 3, 13, 0, 5, 9, tzinfo=UTC)),
        ("13/3/2026 5:39 p. m.", datetime(2026, 3, 13, 17, 39, tzinfo=UTC)),
    ],
)
def test_dates_that_excel_or_a_12_hour_clock_wrote_are_read(written: str, started: datetime) -> None:
    assert only_run(garmin_list({"Date": written})).started_at_utc == started


def test_another_row_of_the_list_tells_which_comes_first() -> None:
    found = read(garmin_list({"Date": "3/4/26 7:15"}, {"Date": "3/13/26 7:15"}))
    assert [run.started_at_utc.date().isoformat() for run in found.runs] == ["2026-03-04", "2026-03-13"]
    found = read(garmin_list({"Date": "3/4/26 7:15"}, {"Date": "13/3/26 7:15"}))
    assert [run.started_at_utc.date().isoformat() for run in found.runs] == ["2026-04-03", "2026-03-13"]


def test_dates_that_can_be_two_days_are_asked_about() -> None:
    for dates in (["3/4/26 7:15", "5/6/26 7:15"], ["3/4/26 7:15", "13/3/26 7:15", "3/13/26 7:15"]):
        refusal = refused(garmin_list(*({"Date": date} for date in dates)))
        assert refusal.outcome is ImportOutcome.NEEDS_MAPPING
        assert "3/4/26" in refusal.reason


@pytest.mark.parametrize(
    ("time", "pace", "seconds"),
    [
        ("0:25:00", "5:00", 1500),
        ("25:00.4", "5:00", 1500.4),
        ("12:25:00 AM", "5:00", 1500),
        ("25:00:00", "5:00", 1500),  # Excel took minutes for hours
        ("25:00:00", "5:00:00", 1500),  # and did so with the pace
        ("25:00:00", "--", 1500),  # 5 hours for a kilometre is no pace
    ],
)
def test_times_that_a_spreadsheet_changed_are_settled_by_the_pace(time: str, pace: str, seconds: float) -> None:
    run = read(garmin_list({}, {"Time": time, "Avg Pace": pace})).runs[1]
    assert run.moving_time_s == pytest.approx(seconds)
    assert bool(run.notes) == (time == "25:00:00")


def test_a_long_race_of_whole_minutes_stays_in_hours() -> None:
    race = {"Distance": "110.00", "Time": "15:33:00", "Avg Pace": "8:29", "Avg Stride Length": "0.69", "Elapsed Time": "15:33:00"}
    run = read(garmin_list({}, race)).runs[1]
    assert (run.moving_time_s, run.notes) == (15 * 3600 + 33 * 60, ())


def test_ground_contact_and_oscillation_are_kept_and_zeros_are_not() -> None:
    header = [*GARMIN_HEADER, "Avg Vertical Oscillation", "Avg Ground Contact Time"]
    rows = [[*GARMIN_RUN.values(), *measured] for measured in (["9.0", "254"], ["0.0", "--"])]
    first, second = read(table(header, *rows)).runs
    assert (first.vertical_oscillation_mm, first.ground_contact_time_ms) == (90, 254)
    assert (second.vertical_oscillation_mm, second.ground_contact_time_ms) == (None, None)


def test_the_laps_of_one_run_are_refused_because_they_name_no_day() -> None:
    laps = table(
        ["Laps", "Time", "Cumulative Time", "Distancekm", "Avg Pacemin/km", "Avg Run Cadencespm"],
        ["1", "5:58,1", "5:58,1", "1,00", "5:58", "171"],
        ["Summary", "36:37", "36:37", "5,89", "6:13", "170"],
    )
    assert garmin_csv.GARMIN_CSV.recognises(laps)
    refusal = refused(laps)
    assert refusal.outcome is ImportOutcome.NO_DATA
    assert "which day" in refusal.reason


def test_a_list_of_other_sports_is_not_a_run() -> None:
    refusal = refused(garmin_list({"Activity Type": "Cycling"}, {"Activity Type": "Cycling"}))
    assert refusal.outcome is ImportOutcome.NOT_A_RUN
    assert "cycling (2)" in refusal.reason


def test_a_walk_has_no_running_cadence() -> None:
    slow = {"Time": "01:00:00", "Avg Run Cadence": "110", "Avg Stride Length": "0.76", "Elapsed Time": "01:00:00"}  # 1.4 m/s
    run = read(garmin_list({}, slow)).runs[1]
    assert (run.cadence_spm, run.running_cadence_spm, run.running_time_s) == (110, None, None)
