"""Archives, files read apart, and tables that are read as somebody said before: through the whole import."""

import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from data import imports, mappings, reread
from data.importers import mapping as columns
from data.importers.base import read_bytes
from data.imports import ImportReport, Source, sources_in, sources_of, sources_of_open
from models import ImportOutcome
from tests.clinic_scene import Scene, new_scene
from tests.run_files import apple_health_run, fit_run
from tests.test_data_merging import counted, total_m
from tests.test_importers_archive import zipped

RUNS = Path(__file__).resolve().parents[2] / "shared" / "runs"
STRANGE = b"When,How far,How long\n2025-03-02,5,30:00\n2025-03-04,8,50:00\n"
SAID = columns.Mapping("runs", "when", distance="how_far", distance_unit="km", moving_time="how_long", time_unit="clock")
APPLE = zipped(
    ("apple_health_export/export.xml", apple_health_run()),
    ("apple_health_export/workout-routes/r.gpx", b"G"),
    ("apple_health_export/export_cda.xml", b"C"),
)


@pytest.fixture
def scene(sqlite_engine: sa.Engine) -> Scene:
    return new_scene(sqlite_engine)


@pytest.fixture
def ada(scene: Scene) -> str:
    return scene.patient("ADA")


def brought(scene: Scene, patient: str, *files: tuple[str, bytes]) -> ImportReport:
    return imports.import_files(scene.engine, scene.tess, patient, sources_of(files), via="app")


def told(report: ImportReport) -> list[tuple[str, str, bool]]:
    return [(file.file.rpartition(" › ")[2], file.outcome.value, file.complete) for file in report.files]


# -- archives --------------------------------------------------------------------------------------------------------


def test_apple_healths_export_is_read_as_a_stream_and_known_again_by_its_archive(scene: Scene, ada: str, tmp_path: Path) -> None:
    archive = tmp_path / "export.zip"
    archive.write_bytes(APPLE)
    reports = []
    for _ in range(2):
        with ExitStack() as held:
            sources = sources_in([archive], held)
            reports.append(imports.import_files(scene.engine, scene.tess, ada, sources, via="command line"))
    reports.append(brought(scene, ada, ("again.zip", APPLE)))  # in memory, as from the app
    workouts = [next(file for file in report.files if file.file.endswith("export.xml")) for report in reports]
    assert [(file.outcome.value, file.runs_added) for file in workouts] == [("added", 1), ("duplicate", 0), ("duplicate", 0)]
    assert all(file.reason.startswith("This very file was imported on") for file in workouts[1:])
    assert total_m(scene) == 5_000
    assert {row["size_bytes"] for row in scene.rows("import_file", file_format="apple_health")} == {len(APPLE)}
    assert scene.rows("import_original") == []


def test_an_export_of_apple_health_from_the_app_is_read_in_memory(scene: Scene, ada: str) -> None:
    assert brought(scene, ada, ("export.zip", APPLE)).runs_added == 1


def test_a_large_archive_from_the_app_is_read_where_it_lies_and_known_again_in_memory(scene: Scene, ada: str, tmp_path: Path) -> None:
    with tempfile.TemporaryFile(dir=tmp_path, buffering=0) as arrived:
        arrived.write(APPLE)
        sources = sources_of_open([("export.zip", arrived)])
        report = imports.import_files(scene.engine, scene.tess, ada, sources, via="app")
    assert [file.outcome.value for file in report.files if file.file.endswith("export.xml")] == ["added"]
    assert brought(scene, ada, ("again.zip", APPLE)).runs_added == 0
    assert total_m(scene) == 5_000


def test_what_belongs_to_an_archive_and_holds_no_run_is_named_and_not_read(scene: Scene, ada: str) -> None:
    content = zipped(("activities/1.fit", fit_run()), ("activities.csv", b"x"), ("media/1.jpg", b"J"))
    report = brought(scene, ada, ("export.zip", content))
    assert told(report)[0] == ("activities/1.fit", "added", True)
    assert told(report)[2] == ("media/1.jpg", "no_data", True)
    assert report.files[2].reason == "It belongs to Strava's archive and holds no run."


def test_a_source_that_refuses_is_reported_with_its_own_reason(scene: Scene, ada: str) -> None:
    report = brought(scene, ada, ("broken.zip", b"PK\x03\x04..."), ("a.fit", fit_run()))
    assert told(report) == [("a.fit", "added", True), ("broken.zip", "unreadable", False)]
    assert report.files[1].reason == "The archive is damaged or cut off. Download or copy it again."


# -- apart -----------------------------------------------------------------------------------------------------------


def test_one_process_reads_a_whole_batch_and_none_is_started_for_known_files(
    scene: Scene, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Counted(subprocess.Popen[bytes]):
        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Counted)
    files = [("a.fit", fit_run()), ("b.csv", b"a,b\n1,2\n"), ("c.fit", b"no file of a device")]
    brought(scene, ada, *files)
    assert [process.returncode is not None for process in started] == [True]
    brought(scene, ada, files[0])
    assert len(started) == 1


# -- columns ---------------------------------------------------------------------------------------------------------


def test_a_table_is_read_as_it_was_said_before_and_not_without(scene: Scene, ada: str) -> None:
    assert told(brought(scene, ada, ("a.csv", STRANGE))) == [("a.csv", "needs_mapping", False)]
    assert counted(scene) == []
    (table,) = columns.tables_in(STRANGE)
    mappings.remember(scene.engine, scene.tess, columns.header_key(table.written), SAID.as_dict())
    report = brought(scene, ada, ("a.csv", STRANGE))
    assert (told(report), report.runs_added, total_m(scene)) == ([("a.csv", "added", True)], 2, 13_000)
    assert "read as it was said here before" in report.files[0].reason
    assert brought(scene, ada, ("b.csv", STRANGE)).runs_added == 0
    assert reread.reread(scene.engine, scene.tess, ada) == []


def test_a_table_that_waits_is_shown_with_what_was_said_since(scene: Scene, ada: str) -> None:
    other = STRANGE.replace(b",5,", b",6,")
    report = brought(scene, ada, ("a.csv", STRANGE), ("b.csv", other), ("c.csv", b"a,b\n1,2\n"))
    first, second = mappings.tables_waiting(scene.engine, scene.tess, ada, report.batch_id)
    assert [name for name, _ in first.files] == ["a.csv", "b.csv"]
    assert first.seen.columns == (("when", "When"), ("how_far", "How far"), ("how_long", "How long"))
    assert first.seen.lines == (("2025-03-02", "5", "30:00"), ("2025-03-04", "8", "50:00"))
    assert (first.said, second.seen.suggested) == (None, None)
    mappings.remember(scene.engine, scene.tess, first.seen.key, SAID.as_dict())
    assert mappings.tables_waiting(scene.engine, scene.tess, ada, report.batch_id)[0].said == SAID


# -- everything at once ----------------------------------------------------------------------------------------------


def test_all_real_files_at_once_have_one_outcome_each_and_nothing_is_added_twice(scene: Scene, ada: str) -> None:
    paths = sorted(path for path in RUNS.glob("*") if path.is_dir() and path.name != "injury")
    if not paths:
        print(f"No recordings at {RUNS}: nothing is imported here.")
    files = sum(path.is_file() for folder in paths for path in folder.rglob("*") if not path.name.startswith("."))
    reports = []
    for _ in range(2):
        with ExitStack() as held:
            sources: list[Source] = sources_in(paths, held)
            reports.append(imports.import_files(scene.engine, scene.tess, ada, sources, via="command line"))
        assert [file.file for file in reports[-1].files] == [source.name for source in sources]
    first, second = reports
    assert len(first.files) >= files
    assert all(isinstance(file.outcome, ImportOutcome) and file.reason for file in first.files)
    assert (second.runs_added, second.entries_added) == (0, 0)
    added = {file.file for file in second.files if file.outcome in {ImportOutcome.ADDED, ImportOutcome.MERGED, ImportOutcome.PROPOSED}}
    assert added == set()
    in_weeks = sum(run["distance_m"] for run in counted(scene))
    assert total_m(scene) == in_weeks
    print(f"{len(first.files)} files, {first.runs_added} runs, {len(counted(scene))} count.")


def test_a_reader_that_is_given_is_the_one_that_reads(scene: Scene, ada: str) -> None:
    read: list[str] = []

    def reader(content: bytes, name: str) -> Any:
        read.append(name)
        return read_bytes(content, name)

    imports.import_files(scene.engine, scene.tess, ada, sources_of([("a.fit", fit_run())]), via="app", reader=reader)
    assert read == ["a.fit"]
