"""A better reader reads the kept originals again: it shows what would change, and then does it."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from data import imports, originals, queries
from data.database import reading
from data.importers.base import FileRefused, Importer, ReadFile, read_bytes
from data.imports import Source
from data.reread import reread
from data.runs import retire_run
from models import ImportOutcome
from tests.clinic_scene import Scene, new_scene
from tests.run_files import fit_run, tcx_run
from tests.test_data_merging import at, counted, is_fresh, total_m


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def ada(scene: Scene) -> str:
    patient = scene.patient("ADA")
    scene.episode(patient)
    return patient


def imported(scene: Scene, patient: str, **files: bytes) -> None:
    sources = [Source(name, lambda content=content: content) for name, content in files.items()]  # type: ignore[misc]
    imports.import_files(scene.engine, scene.tess, patient, sources, via="app", reader=read_bytes)


def changed_by(**changes: Any) -> Callable[[bytes, str], tuple[Importer, ReadFile]]:
    """Give a reader that reads all runs otherwise."""

    def reader(content: bytes, name: str) -> tuple[Importer, ReadFile]:
        importer, read = read_bytes(content, name)
        return importer, replace(read, runs=tuple(replace(run, **changes) for run in read.runs))

    return reader


def test_the_bytes_of_a_file_are_kept_once_as_they_were(scene: Scene, ada: str) -> None:
    content = fit_run()
    imported(scene, ada, plain=content, packed=gzip.compress(content), nothing=b"", ride=fit_run(sport=2), runs=at())
    rows = scene.rows("import_original")
    assert sorted(row["size_bytes"] for row in rows) == sorted([len(content), len(at())])
    with reading(scene.engine) as connection:
        assert {originals.kept_bytes(connection, row["content_sha256"]) for row in rows} == {content, at()}
        assert originals.kept_bytes(connection, "0" * 64) is None
    assert all(len(row["packed"]) < row["size_bytes"] for row in rows if row["size_bytes"] > 1_000)
    assert {row["packing"] for row in rows} == {"zlib"}


def test_a_file_that_came_packed_stays_packed_as_it_came(scene: Scene, ada: str) -> None:
    packed = gzip.compress(fit_run(), mtime=0)
    imported(scene, ada, packed=packed)
    (row,) = scene.rows("import_original")
    assert (row["packing"], row["packed"]) == ("gzip", packed)
    with reading(scene.engine) as connection:
        assert originals.kept_bytes(connection, row["content_sha256"]) == fit_run()


def test_the_same_reader_changes_nothing(scene: Scene, ada: str) -> None:
    imported(scene, ada, fit=fit_run(), tcx=tcx_run(), table=at(300, km=3, seconds=1_000))
    before = scene.everything(), len(scene.rows("audit_event"))
    assert reread(scene.engine, scene.tess, ada) == reread(scene.engine, scene.tess, ada, apply=True) == []
    assert (scene.everything(), len(scene.rows("audit_event"))) == before


def test_what_would_change_is_shown_and_then_done(scene: Scene, ada: str) -> None:
    imported(scene, ada, run=fit_run())
    better = changed_by(distance_m=1_850.0, cadence_spm=172.0)
    before = scene.everything()
    shown = reread(scene.engine, scene.tess, ada, reader=better)
    (difference,) = shown
    assert difference.changes == {"distance_m": (1_800, 1_850), "cadence_spm": (pytest.approx(171, abs=0.5), 172.0)}
    assert difference.lines[0] == "run, 2025-03-02: distance_m 1800 → 1850"
    assert scene.everything() == before
    assert reread(scene.engine, scene.tess, ada, reader=better, apply=True) == shown
    assert [row["distance_m"] for row in counted(scene)] == [1_850]
    assert total_m(scene) == 1_850
    assert reread(scene.engine, scene.tess, ada, reader=better) == []
    told = scene.rows("audit_event")[-1]
    assert (told["action"], told["object_kind"]) == ("change", "run_copy")
    assert '"distance_m": 1850' in told["detail"].split('"old"')[0]
    assert '"distance_m": 1800' in told["detail"].split('"old"')[1]
    is_fresh(scene)


def test_a_run_that_is_read_otherwise_may_be_another_run_then(scene: Scene, ada: str) -> None:
    imported(scene, ada, one=fit_run(), other=tcx_run())
    assert len(counted(scene)) == 1
    only_tcx = changed_by(distance_m=4_000.0)

    def reader(content: bytes, name: str) -> tuple[Importer, ReadFile]:
        return only_tcx(content, name) if name == "other" else read_bytes(content, name)

    reread(scene.engine, scene.tess, ada, reader=reader, apply=True)
    assert sorted(row["distance_m"] for row in counted(scene)) == [1_800, 4_000]
    is_fresh(scene)


def test_what_cannot_be_read_any_more_stays_and_is_said(scene: Scene, ada: str) -> None:
    imported(scene, ada, run=fit_run(), empty=at(300, km=3, seconds=1_000))
    before = scene.everything()

    def reader(content: bytes, name: str) -> tuple[Importer, ReadFile]:
        if name == "run":
            raise FileRefused(ImportOutcome.UNREADABLE, "No.")
        importer, read = read_bytes(content, name)
        return importer, replace(read, runs=())

    said = [difference.said for difference in reread(scene.engine, scene.tess, ada, reader=reader, apply=True)]
    assert said == [
        "It cannot be read any more, and stays as it was read. No.",
        "This run is not in the file any more, and stays as it was read.",
    ]
    assert scene.everything() == before


def test_a_run_that_was_taken_out_is_left_alone(scene: Scene, ada: str) -> None:
    imported(scene, ada, run=fit_run())
    retire_run(scene.engine, scene.tess, counted(scene)[0]["id"])
    assert reread(scene.engine, scene.tess, ada, reader=changed_by(distance_m=1.0), apply=True) == []


def test_a_reader_that_holds_a_run_back_takes_it_out_of_the_weeks(scene: Scene, ada: str) -> None:
    imported(scene, ada, run=fit_run())
    reread(scene.engine, scene.tess, ada, reader=changed_by(held_back=True, doubtful=True, notes=("A ride.",)), apply=True)
    (run,) = scene.rows("run")
    assert (run["standing"], run["standing_reason"], scene.rows("patient_week")) == ("held_back", "A ride.", [])
    assert len(queries.runs(scene.engine, scene.tess, ada)) == 0
    assert zlib.decompress(scene.rows("import_original")[0]["packed"]) == fit_run()
