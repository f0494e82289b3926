"""The real server killed in the middle of an import: whole files only, all that was acknowledged, nothing twice. 200 kills are `make proof`'s."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from benchmarks.sent_runs import Sent, sent_runs
from benchmarks.server_kills import Kills, killed
from benchmarks.whole_imports import Faults, after_again, after_kill, settled
from data import imports
from data.database import writing
from data.imports import import_files, sources_of
from tests.clinic_scene import Scene, new_scene, score_on


def test_six_kills_of_the_server_leave_whole_files_and_the_same_files_complete_them() -> None:
    result = killed(6, large=12, small=12, a_clinic=6)
    assert result.faults.all == []
    assert (result.done, result.untold) == (6, 0)
    assert result.hit > 0
    print(*result.lines, sep="\n")


# --------------------------------------------------------------------------------------------------------------------
# What looks after a kill would see it
# --------------------------------------------------------------------------------------------------------------------

SENT = sent_runs(0, large=0, small=6)  # ten files in all: the four special ones come last
STOPPED_AFTER = 4


@pytest.fixture
def scene(sqlite_engine: sa.Engine) -> Scene:
    return new_scene(sqlite_engine)


@pytest.fixture
def ada(scene: Scene) -> str:
    key = scene.patient("ADA")
    scene.score(key, *(score_on(day, 2) for day in SENT.earlier_scores))
    return key


@pytest.fixture(autouse=True)
def _no_chunk_ends_because_the_computer_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CHUNK_SECONDS", 3_600.0)


def imported(scene: Scene, patient: str, sent: Sent = SENT, *, files: int | None = None) -> None:
    """Import an archive through the product, up to a number of files if one is given."""
    asked: list[int] = []

    def is_enough() -> bool:
        asked.append(1)
        return files is not None and len(asked) > files

    import_files(scene.engine, scene.tess, patient, sources_of([("sent.zip", sent.archive)]), via="app", cancelled=is_enough)


def broken_by(scene: Scene, statement: str) -> None:
    with writing(scene.engine) as connection:
        connection.exec_driver_sql(statement)


def test_whole_files_are_no_fault(scene: Scene, ada: str) -> None:
    assert after_kill(scene, ada, SENT, acknowledged=0) == (Faults(), 0)
    imported(scene, ada, files=STOPPED_AFTER)
    assert after_kill(scene, ada, SENT, acknowledged=STOPPED_AFTER) == (Faults(), STOPPED_AFTER)
    imported(scene, ada)
    assert after_again(scene, ada, SENT, stored_before=STOPPED_AFTER) == Faults()
    assert settled(scene, {ada: SENT}) == Faults()
    assert sum(week["distance_m"] for week in scene.rows("patient_week")) == 3 * (120 + 121 + 122 + 123 + 124 + 125) == SENT.distance_m


def test_a_file_that_was_said_to_be_stored_and_is_not_is_lost(scene: Scene, ada: str) -> None:
    imported(scene, ada, files=STOPPED_AFTER)
    found, stored = after_kill(scene, ada, SENT, acknowledged=STOPPED_AFTER + 1)
    assert (found, stored) == (Faults(lost=["5 files were said to be stored, 4 are"]), STOPPED_AFTER)


LAST_RUN, LAST_FILE = "(SELECT max(id) FROM run)", "(SELECT max(id) FROM import_file)"


@pytest.mark.parametrize(
    ("statement", "kind", "said"),
    [
        (f"DELETE FROM run_series WHERE run_id = {LAST_RUN}", "half_written", "run without its minutes"),
        (f"DELETE FROM run_copy WHERE run_id = {LAST_RUN}", "half_written", "run without its copy"),
        (f"DELETE FROM run_file WHERE run_id = {LAST_RUN}", "half_written", "run without the link to its file"),
        ("DELETE FROM import_original WHERE rowid = 1", "half_written", "file without its original"),
        ("UPDATE import_original SET packed = (SELECT packed FROM import_original WHERE rowid = 2)", "half_written", "is not what came"),
        ("UPDATE import_file SET content_sha256 = 'x'", "half_written", "original without a file"),
        (f"UPDATE import_file SET outcome = 'no_data', reason = '' WHERE id = {LAST_FILE}", "half_written", "file without a reason"),
        ("UPDATE import_file SET runs_added = 2 WHERE id = 1", "half_written", "runs are not those of its report"),
        ("UPDATE import_file SET entries_added = 2 WHERE id = 1", "half_written", "entries are not those of its report"),
        ("UPDATE patient_week SET distance_m = distance_m + 1", "half_written", "maintained weeks"),
        ("DELETE FROM pain_week", "half_written", "maintained weeks"),
        ("DELETE FROM log_coverage", "half_written", "time in which patients logged"),
        (f"DELETE FROM import_file WHERE id = {LAST_FILE}", "half_written", "line in the audit of a file that is not there"),
        (
            "INSERT INTO import_file SELECT 99, batch_id, patient_id, file_name, size_bytes, stored_sha256, content_sha256, file_format, outcome, reason, runs_added, entries_added, complete, detail FROM import_file WHERE id = 7",
            "half_written",
            "another number of lines in the audit",
        ),
        ("DROP TRIGGER audit_event_no_delete", "half_written", "no trigger audit_event_no_delete"),
        ("DELETE FROM run WHERE id = 1", "lost", "run of 2025-03-02 with 360 m"),
        ("DELETE FROM pain_score WHERE id = 1", "lost", "4 scores and not 5"),
        ("UPDATE run SET distance_m = 361 WHERE id = 1", "doubled", "run of 2025-03-02 with 361 m"),
        ("UPDATE run SET started_at_utc = (SELECT started_at_utc FROM run WHERE id = 1) WHERE id = 2", "doubled", "run twice"),
    ],
)
def test_what_is_not_as_it_was_written_is_found(scene: Scene, ada: str, statement: str, kind: str, said: str) -> None:
    imported(scene, ada)
    broken_by(scene, statement)
    found, _ = after_kill(scene, ada, SENT, acknowledged=0)
    assert any(said in words for words in getattr(found, kind)), found


def test_an_import_that_did_not_begin_again_is_not_whole(scene: Scene, ada: str) -> None:
    imported(scene, ada, files=STOPPED_AFTER)
    broken_by(scene, "UPDATE import_batch SET finished_at_utc = NULL")
    found = after_again(scene, ada, SENT, stored_before=STOPPED_AFTER)
    assert found.half_written[:1] == ["the second import is not finished"]
    assert "714 m" not in str(found.lost)
    assert found.lost[-1] == f"{3 * (120 + 121 + 122 + 123)} m in the weeks and not {SENT.distance_m}"


@pytest.mark.parametrize(
    ("change", "is_clean"),
    [
        (lambda kills: None, True),
        (lambda kills: setattr(kills, "before", 3), True),  # 7 of 10: on the limit
        (lambda kills: setattr(kills, "before", 4), False),
        (lambda kills: setattr(kills, "done", 9), False),
        (lambda kills: setattr(kills, "untold", 1), False),
        (lambda kills: kills.faults.add(Faults(lost=["a run"])), False),
        (lambda kills: kills.faults.add(Faults(half_written=["a run"])), False),
        (lambda kills: kills.faults.add(Faults(doubled=["a run"])), False),
    ],
)
def test_kills_hold_if_nothing_is_wrong_and_most_hit_an_import(change: Callable[[Kills], object], is_clean: bool) -> None:
    kills = Kills(10, done=10)
    change(kills)
    assert kills.is_clean is is_clean
