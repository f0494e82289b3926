"""Undoing an import: everything is as if it had never been, but for its report."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import import_reports, imports, queries, records
from data.database import make_engine
from data.import_undo import undo_import
from data.importers.base import read_bytes
from data.imports import ImportReport, Source
from data.runs import call_two_runs, merge_runs, retire_run
from models import EntryRefused, ImportOutcome, NoRunEntry, PainMoment
from tests.clinic_scene import TODAY, Scene, new_scene, score_on
from tests.run_files import START, fit_run, tcx_run
from tests.test_data_merging import COPIES, MORE, SUNDAY, a_patient, at, counted, facts, is_fresh, total_m, waiting

PAIN = b"date,moment,side,nprs\n2025-03-02,during,left,3\n2025-03-03,next_morning,left,2\n2025-03-03,night_rest,left,yes\n2025-03-05,did_not_run,,\n"
# What an import may leave behind when it is undone, and what counts how often something changed.
STAYS = ("import_batch", "import_file", "patient")


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def ada(scene: Scene) -> str:
    patient = scene.patient("ADA")
    scene.episode(patient, site_id=scene.lakeside)
    return patient


def imported(scene: Scene, patient: str, *files: tuple[str, bytes]) -> ImportReport:
    sources = [Source(name, lambda content=content: content) for name, content in files]  # type: ignore[misc]
    return imports.import_files(scene.engine, scene.tess, patient, sources, via="app", reader=read_bytes)


def undone(scene: Scene, patient: str, report: ImportReport) -> None:
    undo_import(scene.engine, scene.tess, patient, report.batch_id)


def state(scene: Scene) -> dict[str, list[dict[str, Any]]]:
    """Everything but the reports, the links that only copies need, and when something was stored last."""
    return {name: rows for name, rows in scene.everything().items() if name not in STAYS}


def test_undoing_an_import_leaves_everything_as_it_was_and_its_report(scene: Scene, ada: str) -> None:
    imported(scene, ada, ("old.csv", at(km=5, seconds=1_800)))
    before = state(scene)
    report = imported(
        scene, ada, ("run.fit", fit_run(start=START + timedelta(days=2))), ("pain.csv", PAIN), ("copy.csv", at(1, km=5.1, seconds=1_800))
    )
    assert (report.runs_added, report.entries_added, len(scene.rows("import_original"))) == (1, 4, 4)
    done = undo_import(scene.engine, scene.tess, ada, report.batch_id)
    assert (done.runs, done.entries) == (1, 4)
    assert state(scene) == before
    (newest, oldest) = import_reports.batches(scene.engine, scene.tess, ada)
    assert (newest.undone_by, newest.undone_at_utc is None, oldest.undone_at_utc) == ("Tess", False, None)
    kept = import_reports.batch_report(scene.engine, scene.tess, ada, report.batch_id)
    assert [(file.file, file.outcome, file.reason) for file in kept.files] == [
        (file.file, file.outcome, file.reason) for file in report.files
    ]
    assert [file.details for file in kept.files] == [file.details for file in report.files]
    assert kept.files[0].runs == ()
    is_fresh(scene)


def test_an_undone_import_can_be_made_again(scene: Scene, ada: str) -> None:
    files = [("run.fit", fit_run()), ("pain.csv", PAIN)]
    first = imported(scene, ada, *files)
    runs, scores = queries.runs(scene.engine, scene.tess, ada), queries.scores(scene.engine, scene.tess, ada)
    undone(scene, ada, first)
    assert (counted(scene), scene.rows("pain_score"), scene.rows("rest_answer"), scene.rows("day_without_run")) == ([], [], [], [])
    second = imported(scene, ada, *files)
    assert [file.outcome for file in second.files] == [file.outcome for file in first.files]
    assert (second.runs_added, second.entries_added) == (first.runs_added, first.entries_added)
    again, scores_again = queries.runs(scene.engine, scene.tess, ada), queries.scores(scene.engine, scene.tess, ada)
    assert again.drop(columns="run_id").equals(runs.drop(columns="run_id"))
    assert scores_again.drop(columns=["score_id", "run_id"]).equals(scores.drop(columns=["score_id", "run_id"]))


def test_what_it_was_merged_into_is_as_before_whichever_came_first(scene: Scene, ada: str) -> None:
    listed = imported(scene, ada, ("list.csv", at(1, km=7.1)))
    only_list = facts(scene, 1)
    recording = tcx_run(seconds=2_400, speed_m_s=7_000 / 2_400)
    recorded = imported(scene, ada, ("watch.tcx", recording))
    undone(scene, ada, recorded)
    assert facts(scene, 1) == only_list
    imported(scene, ada, ("watch.tcx", recording))
    (merged,) = counted(scene)
    undone(scene, ada, listed)
    (left,) = counted(scene)
    assert (left["id"], left["distance_m"], left["device"]) == (
        merged["id"],
        7_000,
        "Ada's watch",
    )  # the run stays, as the other file tells it
    assert len(queries.run_files(scene.engine, scene.tess, left["id"])) == 1
    is_fresh(scene)


def test_what_the_same_file_in_another_import_handed_in_too_stays(scene: Scene, ada: str) -> None:
    first = imported(scene, ada, ("a.csv", at()), ("pain.csv", PAIN))
    before = facts(scene, 1)
    second = imported(scene, ada, ("again.csv", at()), ("pain-again.csv", PAIN))
    undone(scene, ada, first)
    assert (facts(scene, 1), len(scene.rows("pain_score")), len(scene.rows("import_original"))) == (before, 2, 2)
    undone(scene, ada, second)
    assert (counted(scene), scene.rows("pain_score"), scene.rows("import_original")) == ([], [], [])


def test_a_score_that_went_with_an_import_comes_back_with_another_file_that_tells_it(scene: Scene, ada: str) -> None:
    one, more = b"date,moment,nprs\n2025-03-02,during,3\n", b"date,moment,nprs\n2025-03-02,during,3\n2025-03-04,during,4\n"
    first = imported(scene, ada, ("one.csv", one))
    imported(scene, ada, ("more.csv", more))
    undone(scene, ada, first)
    assert [row["nprs"] for row in scene.rows("pain_score")] == [4]
    assert imported(scene, ada, ("more.csv", more)).entries_added == 1


def test_its_proposals_go_and_what_waited_for_its_runs_counts(scene: Scene, ada: str) -> None:
    first = imported(scene, ada, ("a.csv", at()))
    second = imported(scene, ada, ("b.csv", at(60)))
    undone(scene, ada, second)
    assert (waiting(scene), total_m(scene)) == ([], 7_000)
    third = imported(scene, ada, ("b.csv", at(60)))
    assert third.files[0].outcome == ImportOutcome.PROPOSED
    undone(scene, ada, first)
    assert (waiting(scene), [run["started_at_utc"] for run in counted(scene)]) == ([], [START + timedelta(hours=1)])


def test_a_copy_that_joined_two_runs_goes_and_they_are_two_again(scene: Scene, ada: str) -> None:
    imported(scene, ada, ("a.csv", at()))
    imported(scene, ada, ("b.csv", at(3, km=7.2)))
    call_two_runs(scene.engine, scene.tess, waiting(scene)[0]["id"])
    before = facts(scene, 1)
    assert len(counted(scene)) == 2
    between = imported(scene, ada, ("c.csv", at(1.5, km=7.1)))
    undone(scene, ada, between)
    assert facts(scene, 1) == before


def test_a_day_without_a_run_that_it_took_back_is_back_when_the_last_run_of_that_day_goes(scene: Scene, ada: str) -> None:
    records.add_day_without_run(scene.engine, scene.tess, ada, NoRunEntry.checked(today=TODAY, day=SUNDAY))
    before = scene.rows("day_without_run")
    first = imported(scene, ada, ("a.csv", at()))
    second = imported(scene, ada, ("b.csv", at(300, km=3, seconds=1_000)))
    undone(scene, ada, first)
    assert scene.rows("day_without_run") == []
    undone(scene, ada, second)
    assert [{**row, "id": 0} for row in scene.rows("day_without_run")] == [{**row, "id": 0} for row in before]
    told = imported(scene, ada, ("days.csv", b"date,moment,nprs\n2025-03-03,did_not_run,\n"))
    imported(scene, ada, ("c.csv", at(24 * 60, km=3, seconds=1_000)))
    undone(scene, ada, told)  # who told the day is gone: it does not come back
    undone(scene, ada, ImportReport((), batch_id=told.batch_id + 1))
    assert [row["day"] for row in scene.rows("day_without_run")] == [SUNDAY]
    is_fresh(scene)


def test_it_is_refused_in_words_where_somebody_built_on_it(scene: Scene, ada: str) -> None:
    report = imported(scene, ada, ("run.csv", at()), ("pain.csv", PAIN))
    (run,) = counted(scene)
    scene.score(ada, score_on(SUNDAY, 4, PainMoment.AFTER, run_id=run["id"]))
    during = scene.rows("pain_score", moment="during")[0]["id"]
    corrected = records.correct_pain_score(scene.engine, scene.tess, during, 5)
    before = scene.everything()
    with pytest.raises(EntryRefused) as refused:
        undone(scene, ada, report)
    assert refused.value.reasons == (
        "The score 4 of March 2, 2025 (after) was told of a run that would go. Take that score back in the pain diary first.",
        "The score of March 2, 2025 (during) was corrected to 5 since. Take it back in the pain diary first.",
    )
    assert scene.everything() == before
    assert corrected is not None
    records.correct_pain_score(scene.engine, scene.tess, corrected, None)
    records.correct_pain_score(scene.engine, scene.tess, scene.rows("pain_score", moment="after")[0]["id"], None)
    undone(scene, ada, report)
    assert (counted(scene), scene.rows("pain_score", retired_at_utc=None)) == ([], [])
    with pytest.raises(EntryRefused, match="was undone already"):
        undone(scene, ada, report)


def test_a_run_that_a_later_word_of_a_person_merged_is_as_if_it_had_not_been(scene: Scene, ada: str) -> None:
    imported(scene, ada, ("a.csv", at()))
    before = facts(scene, 1)
    second = imported(scene, ada, ("b.csv", at(300, km=3, seconds=1_000)))
    first_id, second_id = (run["id"] for run in counted(scene))
    merge_runs(scene.engine, scene.tess, first_id, second_id)
    undone(scene, ada, second)
    assert facts(scene, 1) == before
    is_fresh(scene)


def test_a_run_that_a_person_took_out_stays_out_and_is_remembered(scene: Scene, ada: str) -> None:
    report = imported(scene, ada, ("a.csv", at()))
    retire_run(scene.engine, scene.tess, counted(scene)[0]["id"])
    undone(scene, ada, report)
    again = imported(scene, ada, ("a.csv", at()))
    assert (again.files[0].outcome, counted(scene)) == (ImportOutcome.DUPLICATE, [])


def test_an_import_of_another_patient_is_not_there(scene: Scene, ada: str) -> None:
    report = imported(scene, ada, ("a.csv", at()))
    ben = scene.patient("BEN")
    with pytest.raises(LookupError):
        undone(scene, ben, report)
    with pytest.raises(LookupError):
        import_reports.batch_report(scene.engine, scene.tess, ben, report.batch_id)


def test_the_audit_keeps_what_was_taken_out(scene: Scene, ada: str) -> None:
    report = imported(scene, ada, ("run.csv", at()), ("pain.csv", PAIN))
    undone(scene, ada, report)
    row = scene.rows("audit_event")[-1]
    told = json.loads(row["detail"])["old"]
    assert (row["action"], row["object_kind"], row["object_key"]) == ("retire", "import_batch", str(report.batch_id))
    assert [copy["distance_m"] for copy in told["copies"]] == [7_000]
    assert [score["nprs"] for score in told["pain_score"]] == [3, 2]


def test_an_import_that_is_undone_while_it_runs_stores_no_more(scene: Scene, ada: str) -> None:
    def meddled() -> bytes:
        (batch,) = scene.rows("import_batch")
        undo_import(scene.engine, scene.tess, ada, batch["id"])
        return at()

    report = imports.import_files(scene.engine, scene.tess, ada, [Source("a.csv", meddled)], via="app")
    assert (report.files, report.left_out, counted(scene), scene.rows("import_file")) == ((), 1, [], [])


# --------------------------------------------------------------------------------------------------------------------
# Any imports, any undos
# --------------------------------------------------------------------------------------------------------------------

SCORES = [
    ("pain.csv", b"date,moment,nprs\n2025-03-02,during,3\n2025-03-03,next_morning,2\n"),
    ("pain-2.csv", b"date,moment,nprs\n2025-03-03,next_morning,2\n2025-03-04,next_morning,5\n"),
]


@pytest.fixture(scope="module")
def emptied(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    path = tmp_path_factory.mktemp("undoing") / "clinic.db"
    path.write_bytes(sqlite_template.read_bytes())
    return new_scene(make_engine(f"sqlite:///{path}"))


def pain(scene: Scene, patient_id: int) -> list[tuple[Any, ...]]:
    runs = {row["id"]: row["started_at_utc"] for row in scene.rows("run", patient_id=patient_id)}
    rows = scene.rows("pain_score", patient_id=patient_id, retired_at_utc=None)
    return sorted((row["for_date"], row["moment"], row["nprs"], row["counted_date"], str(runs.get(row["run_id"]))) for row in rows)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.lists(st.sampled_from(COPIES + MORE), min_size=1, max_size=4, unique_by=lambda file: file[0]), min_size=1, max_size=4
    ),
    scored=st.lists(st.sampled_from(SCORES), max_size=1),
    chance=st.randoms(use_true_random=False),
)
def test_after_any_imports_and_undos_all_is_as_if_only_the_others_had_been(
    emptied: Scene, parts: list[list[tuple[str, bytes]]], scored: Sequence[tuple[str, bytes]], chance: Any
) -> None:
    patient, patient_id = a_patient(emptied)
    batches = [imported(emptied, patient, *part, *scored[: chance.randint(0, 1)]) for part in parts]
    stored = [[(row["file_name"], row["batch_id"]) for row in emptied.rows("import_file", batch_id=report.batch_id)] for report in batches]
    gone = chance.sample(range(len(parts)), chance.randint(0, len(parts)))
    for number in gone:
        undone(emptied, patient, batches[number])
    contents = dict(COPIES + MORE + SCORES)
    fresh, fresh_id = a_patient(emptied)
    kept = [name for number, names in enumerate(stored) if number not in gone for name, _ in names]
    for name in dict.fromkeys(kept):
        imported(emptied, fresh, (name, contents[name]))
    assert facts(emptied, patient_id) == facts(emptied, fresh_id)
    assert pain(emptied, patient_id) == pain(emptied, fresh_id)
    is_fresh(emptied)


def test_copies_of_one_import_that_a_person_merged_go_together(scene: Scene, ada: str) -> None:
    report = imported(scene, ada, ("watch.fit", fit_run()), ("zone-wrong.tcx", tcx_run(start=START + timedelta(hours=2))))
    merge_runs(scene.engine, scene.tess, waiting(scene)[0]["id"], counted(scene)[0]["id"])
    undone(scene, ada, report)
    assert (scene.rows("run"), scene.rows("run_copy"), scene.rows("run_decision")) == ([], [], [])
