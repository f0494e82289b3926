"""From files to rows: one outcome a file, whole files only, nothing twice."""

import gzip
import itertools
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from data import imports, queries, records, weeks
from data.import_rows import run_entry
from data.importers.base import FILE_MAX_BYTES, ReadRun, read_bytes
from data.imports import FileReport, ImportReport, Source, sources_in
from data.runs import retire_run
from models import (
    CadenceRule,
    DistanceRule,
    EntryRefused,
    EpisodeOfCare,
    ImportOutcome,
    PainMoment,
    RestMoment,
    Side,
    Surface,
    day_of,
)
from tests.clinic_scene import CHICAGO, TODAY, WRITTEN_AT, Scene, new_scene, run_on, score_on
from tests.run_files import START, activity_message, fit_run, gpx_file, gpx_track, steady_points, tcx_file, tcx_lap, tcx_point, tcx_run

SUNDAY, MONDAY = date(2025, 3, 2), date(2025, 3, 3)
PAIN = b"date,moment,side,nprs\n2025-03-02,during,left,3\n2025-03-03,next_morning,left,0\n"
RUNS = b"date,start_time,distance_km,moving_time,device\n2025-03-02,07:15,5,30:00,Watch\n2025-03-04,18:40,8,50:00,Watch\n"


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def ada(scene: Scene) -> str:
    patient = scene.patient("ADA")
    scene.episode(patient, site_id=scene.lakeside)
    return patient


def imported(scene: Scene, patient: str, **files: bytes) -> ImportReport:
    """Import files given as name=content; a double underscore in a name is a dot."""
    sources = [Source(name.replace("__", "."), lambda content=content: content) for name, content in files.items()]
    return imports.import_files(scene.engine, scene.tess, patient, sources, via="app", reader=read_bytes)


def import_one(scene: Scene, patient: str, content: bytes, name: str = "file") -> FileReport:
    (file,) = imported(scene, patient, **{name: content}).files
    return file


def facts(scene: Scene) -> dict[str, list[dict[str, Any]]]:
    """Read what an import may change about the patient, without the list of files and the counter of changes."""
    everything = scene.everything()
    return {name: rows for name, rows in everything.items() if name not in ("import_batch", "import_file", "run_file", "patient")}


# --------------------------------------------------------------------------------------------------------------------
# What a file gives
# --------------------------------------------------------------------------------------------------------------------


def test_a_run_file_becomes_a_run_with_its_minutes_weeks_and_coverage(scene: Scene, ada: str) -> None:
    file = import_one(scene, ada, fit_with(timedelta(hours=-6), seconds=1_200), "sunday.fit")
    assert (file.outcome, file.runs_added, file.complete) == (ImportOutcome.ADDED, 1, True)
    (run,) = file.runs
    assert (run.started_at_utc, run.run_date, run.distance_m, run.moving_time_s) == (START, SUNDAY, 3_600, 1_200)
    assert (run.running_cadence_spm, run.cadence_rule, run.has_gps) == (pytest.approx(171, abs=0.5), "fit_strides_doubled", True)
    (row,) = scene.rows("run")
    assert (row["id"], row["utc_offset_s"], row["week"]) == (run.id, -21_600, (date(2025, 2, 24) - date(1970, 1, 1)).days)
    assert [(day_of(week["week"]), week["runs"], week["distance_m"]) for week in scene.rows("patient_week")] == [
        (date(2025, 2, 24), 1, 3_600)
    ]
    minutes = queries.run_minutes(scene.engine, scene.tess, run.id)
    assert minutes is not None
    assert len(minutes.speed_m_s) in (20, 21)
    assert np.nanmedian(minutes.speed_m_s) == pytest.approx(3.0, abs=0.01)
    assert queries.coverage(scene.engine, scene.tess, ada) == (SUNDAY, SUNDAY)  # an old file says nothing about today
    ((name, file_format, at),) = queries.run_files(scene.engine, scene.tess, run.id)
    assert (name, file_format) == ("sunday.fit", "fit")
    assert at.tzinfo is not None


def fit_with(offset: timedelta | None, **changes: Any) -> bytes:
    return fit_run(None, activity_message(START, offset), **changes)


@pytest.mark.parametrize(
    ("zone", "offset", "day"),
    [
        (CHICAGO, None, SUNDAY),  # 08:00
        ("Pacific/Auckland", None, MONDAY),  # 03:00
        ("Pacific/Auckland", timedelta(hours=-6), SUNDAY),  # the file's own word counts: she ran in Chicago
        (CHICAGO, timedelta(hours=13), MONDAY),
    ],
)
def test_the_day_is_the_files_own_else_the_one_where_the_patient_lives(
    scene: Scene, zone: str, offset: timedelta | None, day: date
) -> None:
    file = import_one(scene, scene.patient("KIRI", time_zone=zone), fit_with(offset, seconds=120))
    assert [run.run_date for run in file.runs] == [day]


def test_late_on_sunday_at_utc_plus_13_is_sunday(scene: Scene) -> None:
    start = datetime(2025, 3, 2, 10, 30, tzinfo=UTC)  # Sunday 23:30 in Auckland
    kiri = scene.patient("KIRI", time_zone="Pacific/Auckland")
    import_one(scene, kiri, gpx_file(gpx_track(steady_points(start=start))))
    (week,) = scene.rows("patient_week")
    (run,) = scene.rows("run")
    assert (day_of(week["week"]), week["distance_m"], run["run_date"]) == (date(2025, 2, 24), run["distance_m"], SUNDAY)


def test_a_treadmill_run_counts(scene: Scene, ada: str) -> None:
    for content in (fit_run(gps=False), tcx_run(gps=False, start=START + timedelta(days=1))):
        (run,) = import_one(scene, ada, content).runs
        assert (run.has_gps, run.distance_m, run.moving_time_s) == (False, 1_800, 600)
        assert run.running_cadence_spm == pytest.approx(170.5, abs=0.6)
    assert sum(week["distance_m"] for week in scene.rows("patient_week")) == 3_600


def test_a_table_of_pain_becomes_scores_answers_and_days(scene: Scene, ada: str) -> None:
    content = (
        b"date,moment,side,nprs\n2025-03-02,during,,3\n2025-03-03,next_morning,,0\n2025-03-03,night_rest,,yes\n2025-03-05,did_not_run,,\n"
    )
    import_one(scene, ada, RUNS)
    file = import_one(scene, ada, content)
    assert (file.outcome, file.runs_added, file.entries_added, file.runs) == (ImportOutcome.ADDED, 0, 4, ())
    scores = queries.scores(scene.engine, scene.tess, ada)
    assert scores[["moment", "side", "nprs"]].to_numpy().tolist() == [["during", "left", 3], ["next_morning", "left", 0]]
    assert scores["counted_date"].dt.date.tolist() == [SUNDAY, SUNDAY]  # the morning after belongs to Sunday's run
    assert queries.rest_answers(scene.engine, scene.tess, ada)["answer"].tolist() == [True]
    assert [row["day"] for row in scene.rows("day_without_run")] == [date(2025, 3, 5)]


def test_scores_without_a_side_and_without_an_episode_have_none(scene: Scene) -> None:
    patient = scene.patient("NEW")
    import_one(scene, patient, PAIN.replace(b"left", b""))
    assert {row["side"] for row in scene.rows("pain_score")} == {Side.UNSPECIFIED.value}


def test_a_run_takes_back_that_its_day_had_none(scene: Scene, ada: str) -> None:
    import_one(scene, ada, b"date,moment,nprs\n2025-03-02,did_not_run,\n2025-03-03,did_not_run,\n")
    file = import_one(scene, ada, tcx_of())
    assert file.reason.startswith("1 run added. “Did not run” was taken back for 2025-03-02: there is a run.")
    assert [row["day"] for row in scene.rows("day_without_run")] == [MONDAY]


def test_a_table_that_says_no_run_on_the_day_of_one_is_not_believed(scene: Scene, ada: str) -> None:
    import_one(scene, ada, RUNS)
    file = import_one(scene, ada, b"date,moment,side,nprs\n2025-03-02,did_not_run,,\n2025-03-03,during,left,2\n2025-03-03,did_not_run,,\n")
    assert (file.outcome, file.entries_added, scene.rows("day_without_run")) == (ImportOutcome.PARTIAL, 1, [])
    assert "does not fit 2025-03-02: a run of that day is stored" in file.reason
    assert "does not fit 2025-03-03: that day has a pain score during a run" in file.reason


def sides_after(scene: Scene, patient: str, *days: str) -> tuple[list[str], str]:
    """Import one sideless score a day; gives the sides that they got, and the report."""
    file = import_one(scene, patient, "\n".join(["date,moment,nprs", *(f"{day},after,3" for day in days)]).encode())
    return [row["side"] for row in scene.rows("pain_score")], file.reason


def test_a_score_without_a_side_belongs_to_the_episode_of_its_day(scene: Scene) -> None:
    patient = scene.patient("NEW")
    scene.episode(patient, side=Side.LEFT, started_on=date(2025, 1, 31))
    with scene.engine.begin() as connection:
        connection.execute(sa.update(EpisodeOfCare).values(status="discharged", ended_on=date(2025, 2, 2)))
    scene.episode(patient, side=Side.RIGHT, started_on=date(2025, 3, 5))
    # left from January 3 (28 days before it started) to February 2, right from February 5
    days = ("2025-01-02", "2025-01-03", "2025-02-02", "2025-02-03", "2025-02-04", "2025-02-05", "2025-03-30")
    sides, reason = sides_after(scene, patient, *days)
    assert sides == ["unspecified", "left", "left", "unspecified", "unspecified", "right", "right"]
    assert reason == (
        "7 diary entries added. 3 scores have no side and belong to no episode: they stand on no chart. "
        "Write left or right under side and import the table again."
    )


def test_a_score_without_a_side_is_nobodys_where_both_sides_are_treated(scene: Scene, ada: str) -> None:
    scene.episode(ada, side=Side.RIGHT, started_on=date(2025, 3, 5))
    sides, reason = sides_after(scene, ada, "2025-02-04", "2025-02-05")
    assert sides == ["left", "unspecified"]
    assert "1 score has no side and belongs to no episode: it stands on no chart" in reason


def test_two_episodes_of_one_side_and_one_without_a_side_take_scores_without_one(scene: Scene, ada: str) -> None:
    scene.episode(ada, side=Side.LEFT, started_on=date(2025, 3, 5))
    assert sides_after(scene, ada, "2025-03-06") == (["left"], "1 diary entry added.")
    ben = scene.patient("BEN")
    scene.episode(ben, side=Side.UNSPECIFIED)
    assert sides_after(scene, ben, "2025-03-06") == (["left", "unspecified"], "1 diary entry added.")


# --------------------------------------------------------------------------------------------------------------------
# Nothing twice
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [fit_run(), tcx_run(), gpx_file(gpx_track(steady_points())), RUNS, PAIN], ids=["fit", "tcx", "gpx", "runs", "pain"]
)
def test_the_same_bytes_again_add_nothing(scene: Scene, ada: str, content: bytes) -> None:
    first = import_one(scene, ada, content)
    assert first.runs_added + first.entries_added > 0
    before, files = facts(scene), len(scene.rows("import_file"))
    for again in (content, gzip.compress(content)):
        report = imported(scene, ada, renamed=again)
        assert (report.runs_added, report.entries_added) == (0, 0)
        assert (report.files[0].outcome, report.files[0].runs) == (ImportOutcome.DUPLICATE, first.runs)
        assert "was imported on" in report.files[0].reason
    assert facts(scene) == before
    assert len(scene.rows("import_file")) == files + 2


def test_the_same_run_from_two_files_is_one_run_with_both_files(scene: Scene, ada: str) -> None:
    original, saved_again = fit_run(), fit_run(None, activity_message(START))
    assert original != saved_again
    first, second = import_one(scene, ada, original, "watch.fit"), import_one(scene, ada, saved_again, "app.fit")
    assert (first.outcome, second.outcome) == (ImportOutcome.ADDED, ImportOutcome.DUPLICATE)
    assert first.runs == second.runs
    assert "1 run was here already" in second.reason
    assert len(scene.rows("run")) == 1
    assert [name for name, _, _ in queries.run_files(scene.engine, scene.tess, first.runs[0].id)] == ["watch.fit", "app.fit"]
    assert scene.rows("patient_week")[0]["distance_m"] == 1_800


def tcx_of(minutes_late: float = 0, *, distance_m: float = 7_000, seconds: float = 2_400) -> bytes:
    """Seven kilometres in forty minutes on Sunday at 08:00, as the points and the one lap of another program tell it."""
    start = START + timedelta(minutes=minutes_late)
    points = [tcx_point(start + timedelta(seconds=at * seconds), distance_m=at * distance_m) for at in (0, 0.25, 0.5, 0.75, 1)]
    return tcx_file(("Running", [tcx_lap(start, points, time_s=seconds, distance_m=distance_m)]))


def test_one_run_from_two_sources_is_counted_once_and_it_is_said(scene: Scene, ada: str) -> None:
    first = import_one(scene, ada, tcx_of(), "monday.tcx")
    second = import_one(scene, ada, tcx_of(1, distance_m=7_040, seconds=2_410), "strava.tcx")
    assert (first.outcome, second.outcome, second.runs_added, second.complete) == (ImportOutcome.ADDED, ImportOutcome.MERGED, 0, True)
    assert second.reason == (
        "This is the run of March 2, 2025, 7.00 km, that is here already (from monday.tcx): it is counted once. "
        "Nothing is taken over from this file."
    )
    assert second.runs == first.runs
    assert [name for name, _, _ in queries.run_files(scene.engine, scene.tess, first.runs[0].id)] == ["monday.tcx", "strava.tcx"]
    assert [week["distance_m"] for week in scene.rows("patient_week")] == [7_000]
    assert "was imported on" in import_one(scene, ada, tcx_of(1, distance_m=7_040, seconds=2_410), "strava.tcx").reason


@pytest.mark.parametrize(
    ("other", "runs"),
    [
        ({"minutes_late": 1.9}, 1),
        ({"minutes_late": 2}, 1),
        ({"minutes_late": -2}, 1),
        ({"minutes_late": 2.1}, 1),  # proposed: stored, and not counted before somebody decides
        ({"minutes_late": -2.1}, 1),
        ({"minutes_late": 20}, 2),  # two real ones
        ({"distance_m": 7_777}, 1),  # 777 m are 9.99 % of it
        ({"distance_m": 7_778}, 2),  # 778 m are 10.003 % of it
        ({"distance_m": 6_300}, 1),  # 700 m are 10 % of 7,000
        ({"distance_m": 6_299}, 2),
        ({"seconds": 2_666}, 1),  # 266 s are 9.98 %
        ({"seconds": 2_667}, 2),  # 267 s are 10.01 %
        ({"seconds": 2_160}, 1),  # 240 s are 10 % of 2,400
        ({"seconds": 2_159}, 2),
    ],
)
def test_one_run_from_two_sources_agrees_within_limits(scene: Scene, ada: str, other: dict[str, float], runs: int) -> None:
    import_one(scene, ada, tcx_of())
    file = import_one(scene, ada, tcx_of(**other))
    assert (len(scene.rows("run", retired_at_utc=None)), file.runs_added) == (runs, runs - 1)
    assert scene.rows("patient_week")[0]["runs"] == runs


@pytest.mark.parametrize(("distance_m", "runs"), [(2_299, 1), (2_300, 1), (2_301, 2)])
def test_a_short_run_from_two_sources_agrees_within_300_metres(scene: Scene, ada: str, distance_m: int, runs: int) -> None:
    import_one(scene, ada, tcx_of(distance_m=2_000, seconds=900))
    import_one(scene, ada, tcx_of(distance_m=distance_m, seconds=900))
    assert len(scene.rows("run")) == runs


@pytest.mark.parametrize(
    ("moving_s", "elapsed_s", "runs"),
    [(1_800, 2_666, 1), (2_400, 3_600, 1), (2_159, 2_667, 2)],  # beside 2,400 s of both: one agrees, the other one, neither
)
def test_moving_or_elapsed_time_is_enough(scene: Scene, ada: str, moving_s: int, elapsed_s: int, runs: int) -> None:
    table = "started_at,distance_km,moving_time_s,elapsed_time_s\n2025-03-02T08:00,7,{},{}\n"
    import_one(scene, ada, table.format(2_400, 2_400).encode())
    import_one(scene, ada, table.format(moving_s, elapsed_s).encode())
    assert len(scene.rows("run")) == runs


def test_the_same_run_twice_in_one_file_is_counted_once(scene: Scene, ada: str) -> None:
    twice = b"started_at,distance_km,moving_time\n2025-03-02T08:00,7,40:00\n2025-03-02T08:01,7.04,40:10\n"
    file = import_one(scene, ada, twice, "log.csv")
    assert (file.outcome, file.runs_added, len(file.runs)) == (ImportOutcome.ADDED, 1, 1)
    assert "1 run added. This is the run of March 2, 2025, 7.00 km, that is here already (from log.csv): it is counted once." in file.reason


def test_a_run_entered_by_hand_is_not_counted_again_by_its_file(scene: Scene, ada: str) -> None:
    by_hand = scene.run(ada, run_on(SUNDAY, "08:00", distance_m=7_000, moving_time_s=2_400))
    file = import_one(scene, ada, tcx_of(1))
    assert [run.id for run in file.runs] == [by_hand]
    assert "that is here already (entered by hand)" in file.reason
    assert "This file gives: start, distance and time" in file.reason  # the recording knows better when it began
    assert scene.rows("run")[0]["started_at_utc"] == START + timedelta(minutes=1)


def test_runs_whose_time_of_day_nobody_wrote_are_not_taken_for_one(scene: Scene, ada: str) -> None:
    file = import_one(scene, ada, b"date,distance_km,moving_time\n2025-03-02,5,30:00\n2025-03-02,5.1,30:30\n")
    assert (file.outcome, file.runs_added) == (ImportOutcome.ADDED, 2)


def test_two_equal_lines_without_a_time_of_day_are_two_runs_also_when_they_come_again(scene: Scene, ada: str) -> None:
    line = "2025-03-02,5,30:00\n"
    header = "date,distance_km,moving_time\n"
    assert import_one(scene, ada, (header + line).encode()).runs_added == 1
    file = import_one(scene, ada, (header + line * 2).encode())
    assert (file.runs_added, len(file.runs)) == (1, 2)
    again = import_one(scene, ada, (header + line * 2 + "2025-03-04,5,30:00\n").encode())
    assert (again.runs_added, len(again.runs)) == (1, 3)
    assert [week["distance_m"] for week in scene.rows("patient_week")] == [10_000, 5_000]


def test_overlapping_tables_add_what_is_new(scene: Scene, ada: str) -> None:
    import_one(scene, ada, RUNS)
    file = import_one(scene, ada, RUNS + b"2025-03-06,06:00,4,24:00,Watch\n")
    assert (file.outcome, file.runs_added, len(file.runs)) == (ImportOutcome.ADDED, 1, 3)
    assert "1 run added. 2 runs were here already" in file.reason


def test_the_order_of_files_does_not_matter(scene: Scene) -> None:
    contents = {"a": fit_run(), "b": fit_run(start=START + timedelta(hours=9)), "c": RUNS, "d": PAIN}
    seen = []
    for number, order in enumerate(itertools.permutations(contents)):
        if number % 6:
            continue
        patient = scene.patient(f"P{number}")
        imported(scene, patient, **{name: contents[name] for name in order})
        runs, scores = queries.runs(scene.engine, scene.tess, patient), queries.scores(scene.engine, scene.tess, patient)
        starts = dict(zip(runs["run_id"], runs["started_at_utc"], strict=True))
        linked = {(score.for_date, score.nprs, starts.get(score.run_id), score.counted_date) for score in scores.itertuples()}
        seen.append((runs.drop(columns="run_id").to_dict("records"), linked))
    assert len(seen) == 4
    assert all(repr(one) == repr(seen[0]) for one in seen)


def test_a_run_that_was_taken_out_is_not_brought_back_by_its_file(scene: Scene, ada: str) -> None:
    (run,) = import_one(scene, ada, tcx_of()).runs
    retire_run(scene.engine, scene.tess, run.id, now=datetime(2025, 4, 2, 3, 0, tzinfo=UTC))  # April 1 in Chicago
    for content in (tcx_of(), gzip.compress(tcx_of())):
        file = import_one(scene, ada, content)
        assert (file.outcome, file.runs_added, file.runs, file.complete) == (ImportOutcome.DUPLICATE, 0, (), True)
        assert file.reason == "The run of March 2, 2025, 7.00 km, was taken back on April 1, 2025 and is not added again."
    assert scene.rows("patient_week") == []
    by_hand = scene.run(ada, run_on(SUNDAY, "08:00", distance_m=7_000, moving_time_s=2_400))  # who means it enters it
    assert [row["id"] for row in scene.rows("run", retired_at_utc=None)] == [by_hand]


def test_a_run_that_was_taken_out_does_not_keep_the_others_of_its_file_out(scene: Scene, ada: str) -> None:
    (first, _) = import_one(scene, ada, RUNS).runs
    retire_run(scene.engine, scene.tess, first.id)
    file = import_one(scene, ada, RUNS + b"2025-03-06,06:00,4,24:00,Watch\n")
    assert (file.outcome, file.runs_added, len(file.runs)) == (ImportOutcome.ADDED, 1, 2)
    assert "The run of March 2, 2025, 5.00 km, was taken back on" in file.reason


def test_a_score_that_was_taken_back_is_not_brought_back_by_its_file(scene: Scene, ada: str) -> None:
    only = b"date,moment,side,nprs\n2025-03-02,during,left,3\n"
    import_one(scene, ada, only)
    at = datetime(2025, 4, 1, 18, 0, tzinfo=UTC)
    records.correct_pain_score(scene.engine, scene.tess, scene.only_score_id(ada), None, now=at)
    file = import_one(scene, ada, only)
    assert (file.outcome, file.entries_added, file.complete) == (ImportOutcome.DUPLICATE, 0, True)
    assert file.reason == "Line 2: the score 3 of 2025-03-02 (during) was taken back on April 1, 2025 and is not added again."
    assert import_one(scene, ada, only.replace(b"left,3", b"left,4")).entries_added == 1  # another value is news


def test_a_day_without_a_run_that_was_taken_back_is_not_brought_back_by_its_file(scene: Scene, ada: str) -> None:
    rested = b"date,moment,nprs\n2025-03-05,did_not_run,\n"
    import_one(scene, ada, rested)
    records.retire_day_without_run(scene.engine, scene.tess, ada, date(2025, 3, 5))
    file = import_one(scene, ada, rested)
    assert (file.outcome, file.entries_added, scene.rows("day_without_run")) == (ImportOutcome.DUPLICATE, 0, [])
    assert file.reason == "“Did not run” on 2025-03-05 was taken back and is not added again."


def test_a_corrected_score_is_not_brought_back_by_its_file(scene: Scene, ada: str) -> None:
    import_one(scene, ada, PAIN)
    wrong = scene.rows("pain_score", nprs=3)[0]["id"]
    records.correct_pain_score(scene.engine, scene.tess, wrong, 6)
    assert import_one(scene, ada, PAIN).outcome == ImportOutcome.DUPLICATE
    records.correct_pain_score(scene.engine, scene.tess, scene.rows("pain_score", nprs=0)[0]["id"], 1)
    assert import_one(scene, ada, PAIN).outcome == ImportOutcome.DUPLICATE  # though none of its values stands any more
    longer = import_one(scene, ada, PAIN + b"2025-03-05,after,left,1\n")
    assert (longer.outcome, longer.entries_added, longer.complete) == (ImportOutcome.PARTIAL, 1, False)
    assert "Line 2: for 2025-03-02 (during) the score 6 is stored, the file says 3" in longer.reason
    assert sorted(queries.scores(scene.engine, scene.tess, ada)["nprs"]) == [1, 1, 6]


def test_a_table_that_disagrees_with_all_that_is_stored_is_doubtful(scene: Scene, ada: str) -> None:
    scene.score(ada, score_on(SUNDAY, 9, PainMoment.DURING), score_on(MONDAY, 9))
    file = import_one(scene, ada, PAIN)
    assert (file.outcome, file.entries_added, file.complete) == (ImportOutcome.DOUBTFUL, 0, False)
    assert file.reason.count("the score 9 is stored") == 2


def test_another_answer_about_rest_is_reported_and_not_taken(scene: Scene, ada: str) -> None:
    rest = records.RestEntry.checked(today=TODAY, moment=RestMoment.NIGHT_REST, side=Side.LEFT, answer=True, for_date=MONDAY)
    records.add_rest_answer(scene.engine, scene.tess, ada, rest)
    file = import_one(scene, ada, PAIN + b"2025-03-03,night_rest,left,no\n")
    assert (file.outcome, file.entries_added) == (ImportOutcome.PARTIAL, 2)
    assert "Line 4: another answer is stored for 2025-03-03" in file.reason
    assert queries.rest_answers(scene.engine, scene.tess, ada)["answer"].tolist() == [True]


# --------------------------------------------------------------------------------------------------------------------
# One outcome a file
# --------------------------------------------------------------------------------------------------------------------


def test_each_file_has_one_outcome_and_a_bad_one_stops_nobody(scene: Scene, ada: str) -> None:
    broken_off = tcx_run(seconds=900, start=START + timedelta(days=2))
    files = {
        "run__fit": fit_run(),
        "garbage__fit": bytes(range(256)) * 4,
        "empty__csv": b"",
        "ride__fit": fit_run(sport=2, start=START + timedelta(days=1)),
        "other__csv": b"name,colour\nAda,red\n",
        "broken__tcx": broken_off[: len(broken_off) * 2 // 3],
        "again__fit": fit_run(),
        "pain__csv": PAIN + b"2025-03-04,after,left,11\n",
    }
    report = imported(scene, ada, **files)
    assert {file.file: file.outcome.value for file in report.files} == {
        "run.fit": "added",
        "garbage.fit": "unreadable",
        "empty.csv": "no_data",
        "ride.fit": "not_a_run",
        "other.csv": "needs_mapping",
        "broken.tcx": "partial",
        "again.fit": "duplicate",
        "pain.csv": "partial",
    }
    assert [file.complete for file in report.files] == [True, False, False, False, False, False, True, False]
    assert all(file.reason for file in report.files)
    assert (report.runs_added, report.entries_added) == (2, 2)
    assert report.runs_added == sum(file.runs_added for file in report.files) == len(scene.rows("run"))
    assert report.entries_added == sum(file.entries_added for file in report.files) == len(scene.rows("pain_score"))
    stored = scene.rows("import_file")
    assert [(row["file_name"], row["outcome"], row["reason"]) for row in stored] == [
        (file.file, file.outcome.value, file.reason) for file in report.files
    ]
    assert [row["size_bytes"] for row in stored] == [len(content) for content in files.values()]
    (batch,) = scene.rows("import_batch")
    assert (batch["via"], batch["person_id"]) == ("app", scene.tess.person_id)
    assert batch["finished_at_utc"] is not None


def test_a_run_that_somebody_should_look_at_is_doubtful(scene: Scene, ada: str) -> None:
    file = import_one(scene, ada, fit_run(seconds=59))
    assert (file.outcome, file.runs_added, file.complete) == (ImportOutcome.DOUBTFUL, 1, True)
    assert "perhaps started by mistake" in file.reason


def test_what_may_be_a_ride_does_not_count_before_somebody_accepts_it(scene: Scene, ada: str) -> None:
    file = import_one(scene, ada, fit_run(speed_m_s=7.0))
    assert (file.outcome, file.runs_added, file.complete) == (ImportOutcome.DOUBTFUL, 0, True)
    assert "this may be a ride" in file.reason
    assert [run["standing"] for run in scene.rows("run")] == ["held_back"]


def test_a_packed_file_is_kept_by_the_sum_of_its_bytes_and_of_its_inside(scene: Scene, ada: str) -> None:
    packed = gzip.compress(RUNS)
    import_one(scene, ada, RUNS)
    import_one(scene, ada, packed)
    plain, zipped = scene.rows("import_file")
    assert plain["stored_sha256"] == plain["content_sha256"] == zipped["content_sha256"] != zipped["stored_sha256"]
    assert (plain["size_bytes"], zipped["size_bytes"]) == (len(RUNS), len(packed))


def test_a_file_that_cannot_be_opened_or_is_far_too_large_is_unreadable(scene: Scene, ada: str) -> None:
    def locked() -> bytes:
        raise PermissionError(13, "Permission denied")

    sources = [Source("locked.fit", locked), Source("large.fit", lambda: bytes(FILE_MAX_BYTES + 1)), Source("run.fit", fit_run)]
    report = imports.import_files(scene.engine, scene.tess, ada, sources, via="app")
    assert [file.outcome.value for file in report.files] == ["unreadable", "unreadable", "added"]
    assert "could not be opened: Permission denied" in report.files[0].reason
    assert "larger than" in report.files[1].reason


def test_progress_is_told_before_each_file_and_at_the_end(scene: Scene, ada: str) -> None:
    told: list[tuple[int, int, str]] = []
    sources = [Source("a.csv", lambda: RUNS), Source("b.csv", lambda: PAIN)]
    imports.import_files(scene.engine, scene.tess, ada, sources, via="app", on_progress=lambda *step: told.append(step))
    assert told == [(0, 2, "a.csv"), (1, 2, "b.csv"), (2, 2, "")]


def test_a_name_that_is_no_text_is_shown_as_well_as_can_be(scene: Scene, ada: str, tmp_path: Path) -> None:
    folder = tmp_path / "sent"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/l\xe4ufe.csv")).write_bytes(RUNS)
    with ExitStack() as held:
        report = imports.import_files(scene.engine, scene.tess, ada, sources_in([folder], held), via="command line")
    assert [(file.file, file.runs_added) for file in report.files] == [("sent/lufe.csv", 2)]
    report.files[0].file.encode()


@pytest.mark.parametrize("last_step", ["link_scores", "refresh_weeks", "refresh_coverage", "mark_changed"])
def test_a_file_is_never_half_stored(scene: Scene, ada: str, last_step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, files_before = facts(scene), scene.rows("run_file")
    done = getattr(weeks, last_step)

    def breaks_off(*given: Any) -> object:
        done(*given)
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as broken:
        broken.setattr(weeks, last_step, breaks_off)
        with pytest.raises(RuntimeError, match="the power is gone"):
            imported(scene, ada, runs=RUNS, pain=PAIN)
    assert (facts(scene), scene.rows("run_file"), scene.rows("import_file")) == (before, files_before, [])
    report = imported(scene, ada, runs=RUNS, pain=PAIN)  # run again, it completes
    assert (report.runs_added, report.entries_added) == (2, 2)


def test_what_came_before_a_break_stays(scene: Scene, ada: str) -> None:
    def gone() -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        imports.import_files(scene.engine, scene.tess, ada, [Source("runs.csv", lambda: RUNS), Source("x", gone)], via="app")
    assert len(scene.rows("run")) == 2
    assert scene.rows("import_batch")[0]["finished_at_utc"] is None


def test_who_loses_the_patient_meanwhile_imports_no_more(scene: Scene, ada: str) -> None:
    def moved() -> bytes:
        with scene.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE episode_of_care SET therapist_id = NULL, site_id = NULL")
        return PAIN

    with pytest.raises(LookupError):
        imports.import_files(scene.engine, scene.tess, ada, [Source("pain.csv", moved)], via="app")
    assert scene.rows("pain_score") == []


# --------------------------------------------------------------------------------------------------------------------
# From what a file says to what is stored
# --------------------------------------------------------------------------------------------------------------------


def a_run(**changes: Any) -> ReadRun:
    said = ReadRun(
        started_at_utc=START,
        utc_offset_s=None,
        surface=Surface.UNKNOWN,
        distance_m=1_800.4,
        distance_rule=DistanceRule.RECORDS,
        moving_time_s=600.4,
        elapsed_time_s=600.4,
        cadence_spm=171.0,
        running_cadence_spm=171.0,
        device_cadence_spm=170.0,
        cadence_rule=CadenceRule.FIT_STRIDES_DOUBLED,
        running_time_s=599.6,
        running_speed_m_s=3.0,
        grade_abs_mean=0.01,
        ground_contact_time_ms=250.0,
        vertical_oscillation_mm=90.0,
        has_gps=True,
        device="Watch",
        session_rpe=None,
        minutes=None,
        notes=(),
    )
    return replace(said, **changes)


def test_metres_and_seconds_are_whole() -> None:
    entry, left_out = run_entry(a_run(), now=WRITTEN_AT, time_zone=CHICAGO)
    assert (entry.distance_m, entry.moving_time_s, entry.elapsed_time_s, entry.running_time_s) == (1_800, 600, 600, 600)
    assert left_out == []


def test_rounding_never_makes_a_run_that_moves_longer_than_it_lasts() -> None:
    entry, _ = run_entry(a_run(moving_time_s=600.6, elapsed_time_s=600.4), now=WRITTEN_AT, time_zone=CHICAGO)
    assert (entry.moving_time_s, entry.elapsed_time_s) == (601, 601)


@pytest.mark.parametrize(
    ("measure", "right", "wrong"),
    [
        ("cadence_spm", 300.0, 300.1),
        ("running_cadence_spm", 20.0, 19.9),
        ("device_cadence_spm", 20.0, 0.0),
        ("running_time_s", 0.0, -1.0),
        ("running_speed_m_s", 12.0, 12.1),
        ("grade_abs_mean", 1.0, 1.1),
        ("ground_contact_time_ms", 80.0, 79.9),
        ("ground_contact_time_ms", 600.0, float("nan")),
        ("vertical_oscillation_mm", 300.0, float("inf")),
        ("session_rpe", 10, 11),
    ],
)
def test_a_measure_that_cannot_be_right_is_left_out_and_the_run_is_kept(measure: str, right: float, wrong: float) -> None:
    entry, left_out = run_entry(a_run(**{measure: right}), now=WRITTEN_AT, time_zone=CHICAGO)
    assert (getattr(entry, measure), left_out) == (right, [])
    entry, left_out = run_entry(a_run(**{measure: wrong}), now=WRITTEN_AT, time_zone=CHICAGO)
    assert (getattr(entry, measure), entry.distance_m) == (None, 1_800)
    assert len(left_out) == 1
    assert "was left out" in left_out[0]


@pytest.mark.parametrize("field", ["distance_m", "moving_time_s", "elapsed_time_s"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_run_without_a_distance_or_time_is_refused(field: str, value: float) -> None:
    with pytest.raises(EntryRefused):
        run_entry(a_run(**{field: value}), now=WRITTEN_AT, time_zone=CHICAGO)


@pytest.mark.parametrize(
    ("started_at", "offset_h", "day"),
    [
        # it is March 31, 18:00 in UTC: 13:00 in Chicago, 07:00 of April 1 in Auckland
        (datetime(2025, 4, 1, 4, 59, tzinfo=UTC), None, 31),  # 23:59 in Chicago, later today
        (datetime(2025, 4, 1, 5, 0, tzinfo=UTC), None, None),  # 00:00 in Chicago, tomorrow
        (datetime(2025, 3, 31, 17, 0, tzinfo=UTC), 13, 1),  # an hour ago in Auckland, where it is tomorrow
        (datetime(2025, 3, 31, 18, 15, tzinfo=UTC), 13, 1),  # the watch is fast
        (datetime(2025, 3, 31, 18, 16, tzinfo=UTC), 13, None),
        (datetime(2025, 4, 1, 14, 0, tzinfo=UTC), -5, None),
        (datetime(2026, 3, 1, 14, 0, tzinfo=UTC), None, None),
    ],
)
def test_a_run_in_the_future_is_refused(started_at: datetime, offset_h: int | None, day: int | None) -> None:
    run = a_run(started_at_utc=started_at, utc_offset_s=None if offset_h is None else offset_h * 3_600)
    if day is None:
        with pytest.raises(EntryRefused, match="is in the future"):
            run_entry(run, now=WRITTEN_AT, time_zone=CHICAGO)
    else:
        assert run_entry(run, now=WRITTEN_AT, time_zone=CHICAGO)[0].run_date.day == day


def test_a_line_of_a_table_that_is_dated_tomorrow_is_refused() -> None:
    run = a_run(started_at_utc=datetime(2025, 4, 1, 12, tzinfo=UTC), utc_offset_s=0, clock_is_local=True)
    with pytest.raises(EntryRefused, match="2025-04-01, is in the future"):
        run_entry(run, now=WRITTEN_AT, time_zone=CHICAGO)


@pytest.mark.parametrize(
    ("zone", "clock", "utc"),
    [
        (CHICAGO, datetime(2025, 3, 2, 23, 30, tzinfo=UTC), datetime(2025, 3, 3, 5, 30, tzinfo=UTC)),
        (CHICAGO, datetime(2025, 3, 9, 12, 0, tzinfo=UTC), datetime(2025, 3, 9, 17, 0, tzinfo=UTC)),  # summer time began that morning
        ("Pacific/Auckland", datetime(2025, 3, 2, 23, 30, tzinfo=UTC), datetime(2025, 3, 2, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_clock_without_a_zone_is_the_patients(zone: str, clock: datetime, utc: datetime) -> None:
    entry, _ = run_entry(a_run(started_at_utc=clock, utc_offset_s=0, clock_is_local=True), now=WRITTEN_AT, time_zone=zone)
    assert (entry.started_at_utc, entry.run_date) == (utc, clock.date())
    assert entry.started_at_utc + timedelta(seconds=entry.utc_offset_s) == clock


@pytest.mark.parametrize(
    ("start", "offset_s"),
    [
        (datetime(2025, 3, 9, 7, 59, tzinfo=UTC), -21_600),  # 01:59, a minute before the clock is put forward
        (datetime(2025, 3, 9, 8, 0, tzinfo=UTC), -18_000),
        (datetime(2024, 11, 3, 6, 30, tzinfo=UTC), -18_000),  # 01:30, the first time
        (datetime(2024, 11, 3, 7, 30, tzinfo=UTC), -21_600),  # 01:30 again
    ],
)
def test_the_offset_follows_summer_time(start: datetime, offset_s: int) -> None:
    entry, _ = run_entry(a_run(started_at_utc=start), now=WRITTEN_AT, time_zone=CHICAGO)
    assert entry.utc_offset_s == offset_s


def test_a_long_name_of_a_device_is_cut() -> None:
    entry, _ = run_entry(a_run(device="\u202eWatch\n" + "x" * 500), now=WRITTEN_AT, time_zone=CHICAGO)
    assert entry.device.startswith("Watch x")
    assert len(entry.device) == 200


# --------------------------------------------------------------------------------------------------------------------
# Which files
# --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.fit", "a.fit", "deeper/c.fit", ".hidden", "deeper/.DS_Store", ".git/d.fit"):
        path = tmp_path / "sent" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "sent"


def test_folders_are_looked_through_in_a_stable_order_without_hidden_files(folder: Path) -> None:
    with ExitStack() as held:
        names = [source.name for source in sources_in([folder, folder / "b.fit"], held)]
        assert names == ["sent/a.fit", "sent/b.fit", "sent/deeper/c.fit", "b.fit"]
        read: list[Callable[[], bytes]] = [source.read for source in sources_in([folder], held)]
        assert [content() for content in read] == [b"a.fit", b"b.fit", b"deeper/c.fit"]


def test_a_path_that_is_not_there_is_said(folder: Path) -> None:
    with ExitStack() as held, pytest.raises(FileNotFoundError, match="There is no file or folder"):
        sources_in([folder, folder / "none"], held)


# --------------------------------------------------------------------------------------------------------------------
# Chunks, stopping, being killed
# --------------------------------------------------------------------------------------------------------------------

DAILY = [(f"{number}.csv", f"started_at,distance_km,moving_time\n2025-02-{number + 1:02}T07:00,5,30:00\n".encode()) for number in range(7)]


def daily(scene: Scene, patient: str, **more: Any) -> ImportReport:
    sources = [Source(name, lambda content=content: content) for name, content in DAILY]  # type: ignore[misc]
    return imports.import_files(scene.engine, scene.tess, patient, sources, via="app", **more)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100])
def test_the_size_of_a_chunk_changes_nothing(scene: Scene, ada: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CHUNK_FILES", chunk)
    before = len(scene.rows("audit_event"))
    report = daily(scene, ada)
    assert [(file.file, file.outcome, file.runs_added) for file in report.files] == [(name, ImportOutcome.ADDED, 1) for name, _ in DAILY]
    assert sum(week["distance_m"] for week in scene.rows("patient_week")) == 35_000
    assert len(scene.rows("audit_event")) == before + 7  # one a file


def test_a_stopped_import_keeps_what_was_read_and_is_completed_by_the_same_files(
    scene: Scene, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK_SECONDS", 3_600.0)  # a chunk that ends because the computer is slow asks once more
    asked: list[int] = []

    def after_three() -> bool:
        asked.append(1)
        return len(asked) > 3

    report = daily(scene, ada, cancelled=after_three)
    assert (len(report.files), report.left_out, len(scene.rows("run"))) == (3, 4, 3)
    again = daily(scene, ada)
    assert (again.runs_added, [file.outcome.value for file in again.files]) == (4, ["duplicate"] * 3 + ["added"] * 4)


def test_what_is_stored_is_told_after_each_chunk_and_is_there_by_then(scene: Scene, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CHUNK_FILES", 3)
    told: list[tuple[int, int]] = []
    daily(scene, ada, on_stored=lambda files: told.append((files, len(scene.rows("run")))))
    assert told == [(3, 3), (6, 6), (7, 7)]


def test_what_progress_raises_stops_between_two_files(scene: Scene, ada: str) -> None:
    def clicked(done: int, total: int, name: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        daily(scene, ada, on_progress=clicked)
    assert (len(scene.rows("run")), len(scene.rows("import_file"))) == (2, 2)


def test_a_chunk_that_breaks_off_stores_none_of_its_files(scene: Scene, ada: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CHUNK_FILES", 3)
    done, calls = weeks.mark_changed, []

    def breaks_off(*given: Any) -> object:
        done(*given)
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("the power is gone")
        return None

    with monkeypatch.context() as broken:
        broken.setattr(weeks, "mark_changed", breaks_off)
        with pytest.raises(RuntimeError, match="the power is gone"):
            daily(scene, ada)
    assert (len(scene.rows("run")), len(scene.rows("import_file")), len(scene.rows("run_copy"))) == (3, 3, 3)
    assert daily(scene, ada).runs_added == 4


def test_the_same_bytes_twice_in_one_import_add_nothing_the_second_time(scene: Scene, ada: str) -> None:
    report = imported(scene, ada, first=RUNS, second=RUNS, packed=gzip.compress(RUNS), garbage=b"no file", rubbish=b"no file")
    assert [file.outcome.value for file in report.files] == ["added", "duplicate", "duplicate", "unreadable", "unreadable"]
    assert (report.runs_added, report.files[1].runs, report.files[3].reason) == (2, report.files[0].runs, report.files[4].reason)
    assert "This very file was imported on" in report.files[2].reason
    assert len(scene.rows("run_copy")) == 2
