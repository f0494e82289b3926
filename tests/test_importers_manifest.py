"""
Real recordings from public repositories, where they lie beside the project, against the values that other readers found in them.

They are not part of the project (their licences differ), so these tests run where `../shared/runs` exists and say so where it does
not. Every behaviour they show is also tested on files that the tests make themselves.
"""

import csv
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from data.importers.base import FileRefused, ReadFile, read_bytes, unpacked
from data.importers.strava_csv import rows as rows_of_strava
from models import CadenceRule, ImportOutcome, Surface

RUNS = Path(__file__).resolve().parents[2] / "shared" / "runs"
FOLDERS = ("fit", "tcx", "gpx", "malformed", "nonrun")
CADENCE_WITHIN_SPM = 1.5

# What is refused, and why that is right although the manifest has numbers for some.
REFUSED = {
    "fit/FR55-CoreTemp-Walk.fit": ImportOutcome.NOT_A_RUN,
    "fit/FR55-loaded-and-saved-via-GC.fit": ImportOutcome.NOT_A_RUN,  # the same walk, its sport lost on the way
    "malformed/DeveloperData.fit": ImportOutcome.NO_DATA,
    "malformed/MetadataOnly.gpx": ImportOutcome.NO_DATA,
    "malformed/Settings.fit": ImportOutcome.NO_DATA,
    "malformed/WorkoutRepeatSteps.fit": ImportOutcome.NO_DATA,
    "malformed/cerknicko-without-times.gpx": ImportOutcome.NO_DATA,  # a route; 4.6 km in the 57 s between the few times would be no run
    "malformed/gpx_timezone.gpx": ImportOutcome.NO_DATA,  # one point
    "malformed/nick.fit": ImportOutcome.NOT_A_RUN,
    "malformed/unicode_with_bom.gpx": ImportOutcome.NO_DATA,  # a waypoint
    "malformed/unterminated-strings.fit": ImportOutcome.NOT_A_RUN,
    "nonrun/apple_watch.fit": ImportOutcome.NOT_A_RUN,
    "nonrun/event_timestamp.fit": ImportOutcome.NOT_A_RUN,
    "nonrun/garmin-edge-820-bike.fit": ImportOutcome.NOT_A_RUN,
}
PARTIAL = {
    "fit/strava-android-app.fit",
    "malformed/activity-filecrc.fit",
    "malformed/activity-settings-nodata.fit",
    "malformed/activity-unexpected-eof.fit",
}
# The row counts rides as well; its note lists the sessions, whose runs are these.
RUNS_ONLY = {"tcx/activity_165850259_multi-session.tcx": {"distance_m": "17056.06", "duration_s": "7225.43"}}
# The manifest has the plain mean of points; the points of its walk breaks are far apart, so time weighting gives less (see below).
UNWEIGHTED = "gpx/20171008_run_2067489619.gpx"

Row = Mapping[str, str]


def rows() -> list[Row]:
    manifest = RUNS / "MANIFEST.csv"
    if not manifest.exists():
        print(f"No recordings at {RUNS}: the manifest is not compared here.")
        return []
    with manifest.open(encoding="utf-8", newline="") as file:
        found = [row for row in csv.DictReader(file) if row["file"].split("/")[0] in FOLDERS or row["file"].endswith(".fit.gz")]
    return [{**row, **RUNS_ONLY.get(row["file"], {})} for row in found]


def outcome_of(row: Row) -> ReadFile | ImportOutcome:
    try:
        return read_bytes(unpacked((RUNS / row["file"]).read_bytes()), row["file"])[1]
    except FileRefused as refused:
        return refused.outcome


def differences(row: Row, found: ReadFile) -> list[str]:
    """Say where a file's runs are not what the manifest says."""
    several = row["file"] in RUNS_ONLY
    runs = found.runs if several else found.runs[:1]  # the manifest's columns are for the first running session
    is_gpx = row["format"].startswith("GPX")
    said = []
    distance_m = sum(run.distance_m for run in runs)
    if row["distance_m"]:
        expected = float(row["distance_m"])
        if abs(distance_m - expected) > max(10.0, (0.01 if is_gpx else 0.005) * expected):
            said.append(f"distance {distance_m:.1f} m, manifest {expected:.1f} m")
    time_s = sum(run.elapsed_time_s if is_gpx else run.moving_time_s for run in runs)
    stated_time = row["elapsed_s"] if is_gpx else row["duration_s"]
    if stated_time and abs(time_s - float(stated_time)) > 2:
        said.append(f"time {time_s:.1f} s, manifest {stated_time} s")
    stated = [float(row[name]) for name in ("avg_cadence_spm", "rec_cadence_spm_nonzero") if row[name]]
    ours = [cadence for cadence in (runs[0].cadence_spm, runs[0].device_cadence_spm) if cadence is not None]
    if stated and not any(abs(cadence - other) <= CADENCE_WITHIN_SPM for cadence in ours for other in stated):
        said.append(f"cadence {ours}, manifest {stated}")
    if not stated and ours:
        said.append(f"cadence {ours}, manifest has none")
    if row["avg_gct_ms"] and abs((runs[0].ground_contact_time_ms or 0) - float(row["avg_gct_ms"])) > 1:
        said.append(f"ground contact {runs[0].ground_contact_time_ms} ms, manifest {row['avg_gct_ms']} ms")
    return said


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[Row, ReadFile | ImportOutcome]]:
    return {row["file"]: (row, outcome_of(row)) for row in rows()}


Outcomes = dict[str, tuple[Row, ReadFile | ImportOutcome]]


def test_every_file_has_the_outcome_that_it_should_have(outcomes: Outcomes) -> None:
    refused = {name: found for name, (_, found) in outcomes.items() if isinstance(found, ImportOutcome)}
    assert refused == (REFUSED if outcomes else {})
    partial = {name for name, (_, found) in outcomes.items() if isinstance(found, ReadFile) and found.partial}
    assert partial == (PARTIAL if outcomes else set())


def test_every_run_is_what_the_manifest_says(outcomes: Outcomes) -> None:
    wrong = {name: differences(row, found) for name, (row, found) in outcomes.items() if isinstance(found, ReadFile)}
    wrong = {name: said for name, said in wrong.items() if said}
    print(f"{len(outcomes)} files, {len(outcomes) - len(REFUSED) if outcomes else 0} with runs, {len(wrong)} differences: {wrong}")
    assert set(wrong) == ({UNWEIGHTED} if outcomes else set())
    assert all(len(said) == 1 and said[0].startswith("cadence") for said in wrong.values())


def test_the_one_cadence_that_differs_is_the_weight_of_time(outcomes: Outcomes) -> None:
    # computed here from the text of the file: plain mean of the points above 0, and the mean weighted by the time to the next point
    if not outcomes:
        return
    row, found = outcomes[UNWEIGHTED]
    text = (RUNS / UNWEIGHTED).read_text(encoding="utf-8")
    points = re.findall(r"<trkpt.*?<time>(.*?)</time>.*?<ns3:cad>(\d+)<", text, re.DOTALL)
    times = np.array([datetime.fromisoformat(time).timestamp() for time, _ in points])
    steps = 2.0 * np.array([int(cadence) for _, cadence in points])
    lasting = np.minimum(np.append(np.diff(times), 0), 30) * (steps > 0)
    assert steps[steps > 0].mean() == pytest.approx(float(row["rec_cadence_spm_nonzero"]), abs=0.1)
    assert isinstance(found, ReadFile)
    assert found.runs[0].cadence_spm == pytest.approx((steps * lasting).sum() / lasting.sum(), abs=0.5)


def test_files_with_several_sports_give_all_of_their_runs(outcomes: Outcomes) -> None:
    counted = {name: len(found.runs) for name, (_, found) in outcomes.items() if isinstance(found, ReadFile) and len(found.runs) > 1}
    several = {"fit/activity-large-fenxi2-multisport.fit": 2, "tcx/activity_165850259_multi-session.tcx": 2}
    assert counted == (several if outcomes else {})


# -- tables: the manifest has the sums over the runs of a list, and the plain mean of the cadences that it states ---------

TABLE_FOLDERS = ("csv", "json", "strava_bulk")
# The manifest counts the rows called “Carrera”; “Trail running” and “Entrenamiento en cinta” are runs as well.
ONLY_CALLED_CARRERA = {"csv/garmin_es_activities_2025-11-13.csv": 9, "csv/garmin_es_activities_2025-11-30.csv": 9}
REFUSED_TABLES = {
    "csv/garmin_laps_en_decimalcomma.csv": ImportOutcome.NO_DATA,  # the laps of one run, without its day
    "json/goldencheetah_ride_bom.json": ImportOutcome.NOT_A_RUN,
}
SOURCES = {
    "CSV Garmin Connect": ("garmin_csv", CadenceRule.STEPS_AS_GIVEN),
    "CSV Strava activities.csv": ("strava_csv", CadenceRule.STRAVA_STRIDES_DOUBLED),
    "CSV Runkeeper": ("runkeeper_csv", CadenceRule.NONE),
    "JSON Polar AccessLink": ("polar_json", CadenceRule.POLAR_STRIDES_DOUBLED),
}


def table_rows() -> list[Row]:
    manifest = RUNS / "MANIFEST.csv"
    if not manifest.exists():
        print(f"No lists at {RUNS}: the manifest is not compared here.")
        return []
    with manifest.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["file"].split("/")[0] in TABLE_FOLDERS and not row["file"].endswith(".gz")]


def differences_of_table(row: Row, found: ReadFile) -> list[str]:
    runs = found.runs
    said = []
    if row["file"] in ONLY_CALLED_CARRERA:
        runs = tuple(run for run in runs if run.surface is Surface.UNKNOWN)
        if len(found.runs) - len(runs) != ONLY_CALLED_CARRERA[row["file"]]:
            said.append(f"{len(found.runs) - len(runs)} runs on trails and treadmills")
    counted = re.search(r"(\d+) runs?\b", row["notes"])
    if counted is None or len(runs) != int(counted[1]):
        said.append(f"{len(runs)} runs")
    for name, ours in (("distance_m", sum(run.distance_m for run in runs)), ("duration_s", sum(run.moving_time_s for run in runs))):
        if abs(ours - float(row[name])) > 0.001 * float(row[name]):
            said.append(f"{name} {ours:.1f}, manifest {row[name]}")
    for name, known in (
        ("avg_cadence_spm", [run.cadence_spm for run in runs if run.cadence_spm is not None]),
        ("avg_gct_ms", [run.ground_contact_time_ms for run in runs if run.ground_contact_time_ms is not None]),
    ):
        mean = float(np.mean(known)) if known else None
        if (mean is None) != (not row[name]) or (mean is not None and abs(mean - float(row[name])) > 0.5):
            said.append(f"{name} {mean}, manifest {row[name]}")
    return [*said, *(f"line {line.line}: {line.reason}" for line in found.refused_lines)]


def test_every_list_gives_the_runs_that_the_manifest_says() -> None:
    refused, wrong = {}, {}
    for row in table_rows():
        try:
            importer, found = read_bytes((RUNS / row["file"]).read_bytes(), row["file"])
        except FileRefused as refusal:
            refused[row["file"]] = refusal.outcome
            continue
        name, rule = SOURCES[row["format"]]
        wrong[row["file"]] = differences_of_table(row, found)
        if importer.name != name or {run.cadence_rule for run in found.runs} - {rule, CadenceRule.NONE}:
            wrong[row["file"]].append(f"read as {importer.name}")
    print(f"{len(wrong)} lists, {len(refused)} refused: {wrong}")
    assert refused == (REFUSED_TABLES if wrong else {})
    assert not any(wrong.values())


def test_the_list_of_an_archive_names_the_files_that_hold_its_runs() -> None:
    listed = RUNS / "strava_bulk" / "activities.csv"
    for row in rows_of_strava(listed.read_bytes()) if listed.exists() else []:
        _, found = read_bytes(unpacked((listed.parent / row.file_name).read_bytes()), row.file_name)
        (recorded,) = found.runs
        assert abs((recorded.started_at_utc - row.run.started_at_utc).total_seconds()) <= 1  # so Strava's dates are UTC
        assert recorded.distance_m == pytest.approx(row.run.distance_m, abs=1)
