"""What may be no run is kept and does not count until a person accepts it; what is only odd counts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from data import imports, mappings, queries, run_sources
from data.importers.base import Importer, ReadFile, read_bytes
from data.imports import FileReport, Source
from data.runs import accept_run, retire_run, undo_act
from models import EntryRefused, ImportOutcome, RunStanding
from tests.clinic_scene import Scene, new_scene
from tests.test_data_merging import at, counted, is_fresh, total_m

RIDE = at(km=40, seconds=5_000)


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def ada(scene: Scene) -> str:
    return scene.patient("ADA")


def reading(**changes: Any) -> Callable[[bytes, str], tuple[Importer, ReadFile]]:
    """Read as a reader does that says more of each run."""

    def reader(content: bytes, name: str) -> tuple[Importer, ReadFile]:
        importer, read = read_bytes(content, name)
        return importer, replace(read, runs=tuple(replace(run, **changes) for run in read.runs))

    return reader


def import_one(scene: Scene, patient: str, content: bytes, **changes: Any) -> FileReport:
    source = Source("file.csv", lambda: content)
    return imports.import_files(scene.engine, scene.tess, patient, [source], via="app", reader=reading(**changes)).files[0]


HELD: dict[str, Any] = {"held_back": True, "doubtful": True, "notes": ("The mean speed is above 6.5 m/s: this may be a ride.",)}


def test_a_run_that_is_held_back_is_stored_and_counts_nowhere(scene: Scene, ada: str) -> None:
    file = import_one(scene, ada, RIDE, **HELD)
    assert (file.outcome, file.runs_added, file.complete) == (ImportOutcome.DOUBTFUL, 0, True)
    assert file.reason == (
        "The run of March 2, 2025, 40.00 km, does not count until somebody accepts it. The mean speed is above 6.5 m/s: this may be a ride."
    )
    assert (counted(scene), scene.rows("patient_week"), scene.rows("log_coverage")) == ([], [], [])
    assert len(queries.runs(scene.engine, scene.tess, ada)) == 0
    (waiting,) = run_sources.waiting_runs(scene.engine, scene.tess, ada)
    assert (waiting.standing, waiting.reason) == (RunStanding.HELD_BACK, HELD["notes"][0])
    assert import_one(scene, ada, RIDE, **HELD).outcome == ImportOutcome.DUPLICATE


def test_accepted_it_counts_and_that_can_be_undone(scene: Scene, ada: str) -> None:
    import_one(scene, ada, RIDE, **HELD)
    (run,) = scene.rows("run")
    act = accept_run(scene.engine, scene.tess, run["id"])
    assert (total_m(scene), run_sources.waiting_runs(scene.engine, scene.tess, ada)) == (40_000, [])
    with pytest.raises(EntryRefused, match="not held back any more"):
        accept_run(scene.engine, scene.tess, run["id"])
    undo_act(scene.engine, scene.tess, act)
    assert (counted(scene), scene.rows("patient_week")) == ([], [])
    is_fresh(scene)


def test_left_out_it_stays_out_also_with_its_file(scene: Scene, ada: str) -> None:
    import_one(scene, ada, RIDE, **HELD)
    retire_run(scene.engine, scene.tess, scene.rows("run")[0]["id"])
    assert run_sources.waiting_runs(scene.engine, scene.tess, ada) == []
    again = import_one(scene, ada, RIDE, **HELD)
    assert (again.outcome, counted(scene)) == (ImportOutcome.DUPLICATE, [])
    assert "was taken back" in again.reason


def test_a_run_that_is_only_odd_counts_with_its_note(scene: Scene, ada: str) -> None:
    file = import_one(scene, ada, at(), doubtful=True, notes=("Only 90 m in 50 s: perhaps started by mistake.",))
    assert (file.outcome, file.runs_added) == (ImportOutcome.DOUBTFUL, 1)
    assert "perhaps started by mistake" in file.reason
    assert total_m(scene) == 7_000


def test_a_better_source_that_is_not_held_back_lets_the_run_count(scene: Scene, ada: str) -> None:
    import_one(scene, ada, at(1), **HELD)
    assert counted(scene) == []
    import_one(scene, ada, at(), distance_rule="device_total")
    assert [row["distance_m"] for row in counted(scene)] == [7_000]


def test_what_columns_mean_is_remembered_with_who_and_when_and_said_anew(scene: Scene) -> None:
    assert mappings.mapping(scene.engine, scene.tess, "key") is None
    mappings.remember(scene.engine, scene.tess, "key", {"date": "Tag", "distance": "Strecke"})
    mappings.remember(scene.engine, scene.theo, "key", {"date": "Tag", "distance": "Weg"})
    before = len(scene.rows("audit_event"))
    mappings.remember(scene.engine, scene.tess, "key", {"distance": "Weg", "date": "Tag"})  # the same again
    assert mappings.mapping(scene.engine, scene.tess, "key") == {"date": "Tag", "distance": "Weg"}
    (row,) = scene.rows("column_mapping")
    assert (row["person_id"], len(scene.rows("audit_event"))) == (scene.theo.person_id, before)
    with pytest.raises(LookupError):
        mappings.mapping(scene.engine, scene.fred, "key")
