"""Once: one run however many copies of it arrive, in whatever order; what is not certain waits for a person."""

import gzip
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import imports, queries, records, run_sources, weeks
from data.database import make_engine, writing
from data.importers.base import read_bytes
from data.imports import FileReport, ImportReport, Source
from data.runs import add_run, call_two_runs, merge_runs, retire_run, split_run, undo_act
from models import EntryRefused, ImportOutcome, NoRunEntry, PainMoment
from tests.clinic_scene import TODAY, Scene, new_scene, run_on, score_on
from tests.run_files import START, FitRun, activity_message, fit_run, gpx_file, gpx_track, steady_points, tcx_run

SUNDAY = date(2025, 3, 2)
HOUR = timedelta(hours=1)
EVENING = START + timedelta(hours=9, minutes=30)


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def ada(scene: Scene) -> str:
    patient = scene.patient("ADA")
    scene.episode(patient, site_id=scene.lakeside)
    return patient


def imported(scene: Scene, patient: str, files: Sequence[tuple[str, bytes]]) -> ImportReport:
    sources = [Source(name, lambda content=content: content) for name, content in files]  # type: ignore[misc]
    return imports.import_files(scene.engine, scene.tess, patient, sources, via="app", reader=read_bytes)


def import_one(scene: Scene, patient: str, content: bytes, name: str = "file") -> FileReport:
    (file,) = imported(scene, patient, [(name, content)]).files
    return file


def counted(scene: Scene) -> list[dict[str, Any]]:
    return scene.rows("run", retired_at_utc=None)


def waiting(scene: Scene) -> list[dict[str, Any]]:
    return scene.rows("run", standing="proposed")


def total_m(scene: Scene) -> int:
    return sum(week["distance_m"] for week in scene.rows("patient_week"))


def table(*lines: str, columns: str = "started_at,distance_km,moving_time_s") -> bytes:
    return "\n".join([columns, *lines, ""]).encode()


def at(minutes: float = 0, *, km: float = 7, seconds: int = 2_400) -> bytes:
    """A table with one run: Sunday at 08:00 in Chicago, so many minutes later."""
    start = START - timedelta(hours=6) + timedelta(minutes=minutes)
    return table(f"{start:%Y-%m-%dT%H:%M:%S},{km},{seconds}")


# --------------------------------------------------------------------------------------------------------------------
# Four copies of two runs
# --------------------------------------------------------------------------------------------------------------------

MORNING_RUN, EVENING_RUN = FitRun(), FitRun(start=EVENING, seconds=900)  # 1,800 m and 2,700 m
COPIES = [
    ("morning.fit", fit_run(MORNING_RUN)),
    ("evening.fit", fit_run(EVENING_RUN)),
    ("morning.tcx", tcx_run(start=START + timedelta(seconds=20), speed_m_s=3.01)),
    ("evening.tcx", tcx_run(start=EVENING, seconds=890)),
    ("morning-saved-again.fit.gz", gzip.compress(fit_run(MORNING_RUN, activity_message(START)), mtime=0)),
    ("evening-saved-again.fit", fit_run(EVENING_RUN, activity_message(EVENING))),
    ("morning-shifted.tcx", tcx_run(start=START + 2 * HOUR)),
    ("evening-shifted.tcx", tcx_run(start=EVENING + 2 * HOUR, seconds=900)),
]


def test_four_copies_of_two_runs_are_two_runs_and_two_proposals(scene: Scene, ada: str) -> None:
    report = imported(scene, ada, COPIES)
    assert [file.outcome.value for file in report.files] == [
        "added",
        "added",
        "merged",
        "merged",
        "duplicate",
        "duplicate",
        "proposed",
        "proposed",
    ]
    assert report.runs_added == 2
    assert sorted(run["distance_m"] for run in counted(scene)) == [1_800, 2_700]
    assert total_m(scene) == 4_500
    assert len(waiting(scene)) == 2
    assert {run["standing_reason"] for run in waiting(scene)} == {"Same distance and time, 2 hours apart: a clock may have been wrong."}
    first, second = (run["id"] for run in counted(scene))
    assert sorted(run["other_run_id"] for run in waiting(scene)) == [first, second]
    files = {name for name, _, _ in queries.run_files(scene.engine, scene.tess, first)}
    assert files == {"morning.fit", "morning.tcx", "morning-saved-again.fit.gz"}
    assert len(queries.runs(scene.engine, scene.tess, ada)) == 2
    again = imported(scene, ada, COPIES)
    assert (again.runs_added, {file.outcome for file in again.files}) == (0, {ImportOutcome.DUPLICATE})
    assert (len(counted(scene)), len(waiting(scene)), total_m(scene)) == (2, 2, 4_500)


def facts(scene: Scene, patient_id: int) -> tuple[Any, ...]:
    """What is known of a patient's runs, without numbers and moments of storing."""
    numbers = ("id", "import_file_id", "recorded_at_utc", "retired_at_utc", "other_run_id", "patient_id")
    runs = [
        ({name: value for name, value in row.items() if name not in numbers}, len(scene.rows("run_file", run_id=row["id"])))
        for row in scene.rows("run", patient_id=patient_id)
        if row["standing"] != "merged"
    ]
    sums = [{**row, "patient_id": 0} for row in scene.rows("patient_week", patient_id=patient_id)]
    return sorted(runs, key=repr), sums


def is_fresh(scene: Scene) -> None:
    """Assert that weeks and coverage are what a fresh computation gives."""
    names = ("patient_week", "pain_week", "log_coverage")
    kept = {name: scene.rows(name) for name in names}
    with writing(scene.engine) as connection:
        weeks.rebuild_weeks(connection)
        for patient in scene.rows("patient"):
            weeks.refresh_coverage(connection, patient["id"])
    assert {name: scene.rows(name) for name in names} == kept


MORE = [
    ("list.csv", table("2025-03-02T08:01,1.82,605", "2025-03-02T17:30,2.7,900", columns="started_at,distance_km,moving_time_s")),
    ("day-only.csv", b"date,distance_km,moving_time,session_rpe\n2025-03-02,1.8,10:00,4\n"),
    ("track.gpx", gpx_file(gpx_track(steady_points(start=START + timedelta(seconds=65))))),
    ("between.tcx", tcx_run(start=START + timedelta(seconds=150))),
    ("other.fit", fit_run(start=START + timedelta(days=1), seconds=1_200)),
]


@pytest.fixture(scope="module")
def emptied(sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Give one SQLite clinic for all examples: each brings patients of its own."""
    path = tmp_path_factory.mktemp("merging") / "clinic.db"
    path.write_bytes(sqlite_template.read_bytes())
    return new_scene(make_engine(f"sqlite:///{path}"))


_COUNT = iter(range(1, 1_000_000))


def a_patient(scene: Scene) -> tuple[str, int]:
    key = scene.patient(f"P{next(_COUNT)}")
    return key, scene.rows("patient", key=key)[0]["id"]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=st.lists(st.sampled_from(COPIES + MORE), min_size=1, max_size=8, unique_by=lambda file: file[0]),
    chance=st.randoms(use_true_random=False),
)
def test_any_order_and_any_parting_of_the_files_gives_the_same_runs(emptied: Scene, chosen: list[tuple[str, bytes]], chance: Any) -> None:
    at_once, at_once_id = a_patient(emptied)
    imported(emptied, at_once, chosen)
    mixed = list(chosen)
    chance.shuffle(mixed)
    parted, parted_id = a_patient(emptied)
    cut = chance.randint(0, len(mixed))
    for files in (mixed[:cut], mixed[cut:], mixed[: chance.randint(0, len(mixed))]):  # the last ones come twice
        imported(emptied, parted, files)
    assert facts(emptied, parted_id) == facts(emptied, at_once_id)
    assert len(emptied.rows("run_copy", patient_id=parted_id)) == len(emptied.rows("run_copy", patient_id=at_once_id))


# --------------------------------------------------------------------------------------------------------------------
# Limits of what is proposed
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "runs", "proposed"),
    [
        ({"minutes": 2}, 1, 0),  # the same
        ({"minutes": 2.1}, 1, 1),
        ({"minutes": 14.9}, 1, 1),
        ({"minutes": 15}, 1, 1),
        ({"minutes": 15.1}, 2, 0),
        ({"minutes": -15}, 1, 1),
        ({"minutes": 20}, 2, 0),  # two real ones
        ({"minutes": 10, "km": 7.368}, 1, 1),  # 368 m are 4.99 % of it
        ({"minutes": 10, "km": 7.369}, 2, 0),  # 369 m are 5.01 %
        ({"minutes": 10, "km": 6.65}, 1, 1),  # 350 m are 5 % of 7,000
        ({"minutes": 10, "km": 6.649}, 2, 0),
        ({"minutes": 10, "seconds": 2_526}, 1, 1),  # 126 s are 4.99 %
        ({"minutes": 10, "seconds": 2_527}, 2, 0),  # 127 s are 5.03 %
        ({"minutes": 10, "seconds": 2_280}, 1, 1),  # 120 s are 5 % of 2,400
        ({"minutes": 10, "seconds": 2_279}, 2, 0),
        ({"minutes": 58}, 1, 1),  # an hour less two minutes
        ({"minutes": 57.9}, 2, 0),
        ({"minutes": 60}, 1, 1),
        ({"minutes": 62}, 1, 1),
        ({"minutes": 62.1}, 2, 0),
        ({"minutes": -120}, 1, 1),
        ({"minutes": 14 * 60}, 1, 1),
        ({"minutes": 14 * 60 + 2}, 1, 1),
        ({"minutes": 14 * 60 + 2.1}, 2, 0),
        ({"minutes": 15 * 60}, 2, 0),
        ({"minutes": 120, "km": 7.777}, 1, 1),  # shifted by hours, the limits are those of the same run
        ({"minutes": 120, "km": 7.778}, 2, 0),
        ({"minutes": 120, "seconds": 2_666}, 1, 1),
        ({"minutes": 120, "seconds": 2_667}, 2, 0),
    ],
)
def test_what_is_proposed_and_what_is_two_runs(scene: Scene, ada: str, other: dict[str, Any], runs: int, proposed: int) -> None:
    import_one(scene, ada, at())
    file = import_one(scene, ada, at(**other))
    assert (len(counted(scene)), len(waiting(scene))) == (runs, proposed)
    assert (file.outcome is ImportOutcome.PROPOSED) == bool(proposed)


@pytest.mark.parametrize(("seconds_later", "proposed"), [(299, 1), (300, 0), (301, 0)])
def test_a_run_that_began_when_the_other_one_was_over_is_another_run(scene: Scene, ada: str, seconds_later: int, proposed: int) -> None:
    import_one(scene, ada, at(km=1, seconds=300))
    import_one(scene, ada, at(seconds_later / 60, km=1, seconds=300))
    assert len(waiting(scene)) == proposed


def test_a_list_that_names_the_day_alone_proposes_and_its_own_lines_are_runs(scene: Scene, ada: str) -> None:
    import_one(scene, ada, at())
    file = import_one(scene, ada, b"date,distance_km,moving_time\n2025-03-02,7.1,40:30\n2025-03-02,3,20:00\n2025-03-03,7,40:00\n")
    assert (file.outcome, file.runs_added) == (ImportOutcome.PROPOSED, 2)
    assert "Same day, distance and time, but one of the two does not say when it started." in file.reason
    assert "It does not count until you decide: the same run, or two runs." in file.reason
    assert total_m(scene) == 17_000


def test_two_runs_that_one_file_tells_are_two_however_alike(scene: Scene, ada: str) -> None:
    file = import_one(scene, ada, table("2025-03-02T08:00,5,1800", "2025-03-02T17:00,5,1800"))
    assert (file.runs_added, waiting(scene)) == (2, [])
    copies = import_one(scene, ada, table("2025-03-02T08:00:30,5,1800", "2025-03-02T17:00:30,5,1800"))
    assert (copies.outcome, len(counted(scene)), waiting(scene)) == (
        ImportOutcome.DUPLICATE,
        2,
        [],
    ) or copies.outcome == ImportOutcome.MERGED


def test_a_copy_between_two_runs_joins_them(scene: Scene, ada: str) -> None:
    import_one(scene, ada, at(0))
    import_one(scene, ada, at(3))
    assert (len(counted(scene)), len(waiting(scene))) == (1, 1)
    assert import_one(scene, ada, at(1.5)).outcome == ImportOutcome.MERGED
    assert (len(counted(scene)), waiting(scene), total_m(scene)) == (1, [], 7_000)


# --------------------------------------------------------------------------------------------------------------------
# Which source gives which field
# --------------------------------------------------------------------------------------------------------------------


def test_each_field_comes_from_whoever_knows_it_best_and_that_is_shown(scene: Scene, ada: str) -> None:
    listed = b"started_at,distance_km,moving_time,cadence_spm,session_rpe,surface,ground_contact_time_ms\n2025-03-02T08:01,1.85,10:10,165,6,trail,250\n"
    import_one(scene, ada, listed, "list.csv")
    report = import_one(scene, ada, fit_run(), "watch.fit")
    (run,) = counted(scene)
    assert (run["distance_m"], run["moving_time_s"], run["started_at_utc"]) == (1_800, 600, START)
    assert (run["distance_rule"], run["cadence_rule"]) == ("device_total", "fit_strides_doubled")
    assert run["running_cadence_spm"] == pytest.approx(171, abs=0.5)
    assert (run["session_rpe"], run["surface"], run["ground_contact_time_ms"], run["has_gps"]) == (6, "trail", 250.0, True)
    assert queries.run_minutes(scene.engine, scene.tess, run["id"]) is not None
    assert "This file gives: start, distance and time; cadence; the device's own cadence; GPS; device." in report.reason
    sources = run_sources.run_sources(scene.engine, scene.tess, run["id"])
    assert [(source.file, source.gives) for source in sources] == [
        ("list.csv", ("ground contact", "effort", "surface")),
        ("watch.fit", ("start, distance and time", "cadence", "the device's own cadence", "GPS", "device")),
    ]


def test_a_merge_leaves_old_and_new_values_in_the_audit(scene: Scene, ada: str) -> None:
    import_one(scene, ada, at(1, km=7.1), "list.csv")
    import_one(scene, ada, tcx_run(seconds=2_400, speed_m_s=7_000 / 2_400))
    told = scene.rows("audit_event")[-1]["detail"]
    assert '"distance_m": 7100' in told.split('"old"')[1]
    assert '"distance_m": 7000' in told.split('"old"')[0]


# --------------------------------------------------------------------------------------------------------------------
# What a person says
# --------------------------------------------------------------------------------------------------------------------


def test_two_runs_by_a_persons_word_count_both_and_are_not_asked_again(scene: Scene, ada: str) -> None:
    import_one(scene, ada, at())
    import_one(scene, ada, at(60))
    (proposed,) = waiting(scene)
    act = call_two_runs(scene.engine, scene.tess, proposed["id"])
    assert (len(counted(scene)), waiting(scene), total_m(scene)) == (2, [], 14_000)
    import_one(scene, ada, at(60.5))  # a third copy goes where it belongs, and asks nothing
    assert (len(counted(scene)), waiting(scene)) == (2, [])
    undo_act(scene.engine, scene.tess, act)
    assert (len(counted(scene)), len(waiting(scene)), total_m(scene)) == (1, 1, 7_000)
    is_fresh(scene)
    with pytest.raises(LookupError):
        undo_act(scene.engine, scene.tess, act)


def test_the_same_run_by_a_persons_word_is_one_run_and_can_be_undone(scene: Scene, ada: str) -> None:
    import_one(scene, ada, at(), "list.csv")
    import_one(scene, ada, tcx_run(start=START + 2 * HOUR, seconds=2_400, speed_m_s=7_000 / 2_400), "utc.tcx")
    before = facts(scene, 1)
    (first,), (second,) = counted(scene), waiting(scene)
    act = merge_runs(scene.engine, scene.tess, second["id"], first["id"])
    (run,) = counted(scene)
    assert run["started_at_utc"] == START + 2 * HOUR  # the recording's
    assert (waiting(scene), total_m(scene)) == ([], 7_000)
    assert len(queries.run_files(scene.engine, scene.tess, run["id"])) == 2
    undo_act(scene.engine, scene.tess, act)
    assert facts(scene, 1) == before
    is_fresh(scene)


def test_a_merged_run_can_be_split_and_the_split_undone(scene: Scene, ada: str) -> None:
    import_one(scene, ada, at(), "list.csv")
    import_one(scene, ada, at(1, km=7.2), "other.csv")
    before = facts(scene, 1)
    (run,) = counted(scene)
    sources = run_sources.run_sources(scene.engine, scene.tess, run["id"])
    act = split_run(scene.engine, scene.tess, run["id"], sources[1].copy_id)
    assert sorted(row["distance_m"] for row in counted(scene)) == [7_000, 7_200]
    assert total_m(scene) == 14_200
    undo_act(scene.engine, scene.tess, act)
    assert facts(scene, 1) == before
    is_fresh(scene)
    with pytest.raises(EntryRefused, match="only one source"):
        split_run(scene.engine, scene.tess, run["id"], 4711)


def test_two_runs_far_from_alike_can_be_merged_and_parted_again(scene: Scene, ada: str) -> None:
    import_one(scene, ada, at())
    import_one(scene, ada, at(300, km=3, seconds=1_000))
    before = facts(scene, 1)
    first, second = counted(scene)
    act = merge_runs(scene.engine, scene.tess, first["id"], second["id"])
    assert (len(counted(scene)), total_m(scene)) == (1, 3_000) or total_m(scene) == 7_000
    with pytest.raises(EntryRefused, match="two different runs"):
        merge_runs(scene.engine, scene.tess, first["id"], first["id"])
    undo_act(scene.engine, scene.tess, act)
    assert facts(scene, 1) == before


def test_what_two_patients_ran_is_not_merged(scene: Scene, ada: str) -> None:
    ben = scene.patient("BEN")
    one, other = scene.run(ada, run_on(SUNDAY)), scene.run(ben, run_on(SUNDAY))
    with pytest.raises(EntryRefused, match="of one patient"):
        merge_runs(scene.engine, scene.tess, one, other)


def test_a_score_told_of_a_run_goes_with_it_and_comes_back(scene: Scene, ada: str) -> None:
    first = scene.run(ada, run_on(SUNDAY, "08:00", distance_m=7_000, moving_time_s=2_400))
    second = scene.run(ada, run_on(SUNDAY, "18:00", distance_m=7_000, moving_time_s=2_400))
    scene.score(ada, score_on(SUNDAY, 4, PainMoment.DURING, run_id=second))
    act = merge_runs(scene.engine, scene.tess, first, second)
    (kept,) = counted(scene)
    assert scene.rows("pain_score")[0]["run_id"] == kept["id"]
    undo_act(scene.engine, scene.tess, act)
    (score,) = scene.rows("pain_score")
    assert (score["run_id"], score["run_named"], score["named_run_id"]) == (second, True, None)
    is_fresh(scene)


def test_a_run_by_hand_is_a_run_of_its_own_however_alike(scene: Scene, ada: str) -> None:
    import_one(scene, ada, at())
    add_run(scene.engine, scene.tess, ada, run_on(SUNDAY, "08:01", distance_m=7_050, moving_time_s=2_400))
    assert len(counted(scene)) == 2
    import_one(scene, ada, at(0.2))
    assert (len(counted(scene)), waiting(scene)) == (2, [])


def test_a_copy_of_a_run_that_was_taken_out_waits_and_does_not_come_back_by_itself(scene: Scene, ada: str) -> None:
    (run,) = import_one(scene, ada, at()).runs
    retire_run(scene.engine, scene.tess, run.id)
    file = import_one(scene, ada, at(1, km=7.05))
    assert (file.outcome, counted(scene)) == (ImportOutcome.PROPOSED, [])
    assert "that was taken out" in file.reason
    call_two_runs(scene.engine, scene.tess, waiting(scene)[0]["id"])
    assert [row["distance_m"] for row in counted(scene)] == [7_050]


def test_a_proposed_run_that_is_turned_down_stays_out(scene: Scene, ada: str) -> None:
    import_one(scene, ada, at())
    import_one(scene, ada, at(60))
    retire_run(scene.engine, scene.tess, waiting(scene)[0]["id"])
    assert (waiting(scene), total_m(scene)) == ([], 7_000)
    assert import_one(scene, ada, at(60) + b"\n").outcome == ImportOutcome.DUPLICATE
    assert (len(counted(scene)), waiting(scene)) == (1, [])


def test_a_day_without_a_run_stands_while_its_run_waits(scene: Scene, ada: str) -> None:
    monday = SUNDAY + timedelta(days=1)
    import_one(scene, ada, at(15 * 60))  # Sunday 23:00
    records.add_day_without_run(scene.engine, scene.tess, ada, NoRunEntry.checked(today=TODAY, day=monday))
    import_one(scene, ada, at(23 * 60))  # Monday 07:00, eight hours later
    assert [row["day"] for row in scene.rows("day_without_run")] == [monday]
    act = call_two_runs(scene.engine, scene.tess, waiting(scene)[0]["id"])
    assert scene.rows("day_without_run") == []
    undo_act(scene.engine, scene.tess, act)
    assert [row["day"] for row in scene.rows("day_without_run")] == [monday]
    is_fresh(scene)
