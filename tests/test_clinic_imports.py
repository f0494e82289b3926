"""The import report in words: what became of each file and run, how far it is, and as CSV."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from clinic import imports, run_decisions
from clinic.imports import REPORT_COLUMNS, Progress, detail_lines, file_lines, report_csv, summary_sentence
from data.import_reports import FileReport, ImportReport, RunReport
from data.imports import Source, import_files
from models import DistanceUnit, ImportOutcome
from tests.clinic_scene import CHICAGO, Scene, new_scene
from tests.test_data_merging import at

RUN = RunReport(
    date(2025, 3, 2),
    7_000,
    2_400,
    ImportOutcome.MERGED,
    "This is the run that is here.",
    "the device's own total",
    "FIT counts one foot: doubled",
    "the file's own offset",
    run_id=7,
)
REPORT = ImportReport(
    (
        FileReport("good.fit", ImportOutcome.ADDED, "1 run added.", runs_added=1, details=(RUN,)),
        FileReport("=bad()", ImportOutcome.UNREADABLE, "No FIT file.", complete=False),
    ),
    left_out=3,
)


def test_only_what_needs_a_look_is_left_if_asked() -> None:
    assert [line["File"] for line in file_lines(REPORT)] == ["good.fit", "=bad()"]
    assert [line["What became of it"] for line in file_lines(REPORT, only_problems=True)] == ["Could not be read"]
    assert detail_lines(REPORT, DistanceUnit.KILOMETRE, only_problems=True) == []


def test_each_run_says_what_became_of_it_and_by_which_rules() -> None:
    (line,) = detail_lines(REPORT, DistanceUnit.KILOMETRE)
    assert line == {
        "File": "good.fit",
        "Day": "2025-03-02",
        "Distance": "7.00 km",
        "What became of it": "Merged",
        "Why": "This is the run that is here.",
        "Distance from": "the device's own total",
        "Cadence": "FIT counts one foot: doubled",
        "Day by": "the file's own offset",
    }


def test_the_report_as_csv_has_a_row_for_each_run_and_no_formula() -> None:
    header, first, second = report_csv(REPORT).splitlines()
    assert header == ",".join(REPORT_COLUMNS)
    assert first.startswith("good.fit,added,1 run added.,2025-03-02,7000,2400,merged,")
    assert second == "'=bad(),unreadable,No FIT file.,,,,,,,,"


def test_the_summary_says_what_was_not_read() -> None:
    assert summary_sentence(REPORT) == (
        "2 files: 1 run and 0 diary entries added. 1 of them needs a look. It was stopped: 3 were not read."
    )


@pytest.mark.parametrize(
    ("done", "spent_s", "words"),
    [
        (0, 5.0, "0 of 100 files read, 7 stored. next.fit"),
        (10, 0.9, "10 of 100 files read, 7 stored. next.fit"),  # too early to tell
        (10, 1.0, "10 of 100 files read, 7 stored. About 9 s left. next.fit"),
        (10, 9.9, "10 of 100 files read, 7 stored. About 89 s left. next.fit"),
        (10, 10.0, "10 of 100 files read, 7 stored. About 2 min left. next.fit"),
        (99, 1.0, "99 of 100 files read, 7 stored. About 1 s left. next.fit"),
        (100, 60.0, "100 of 100 files read, 7 stored. next.fit"),
    ],
)
def test_progress_counts_and_says_how_long_it_will_take(done: int, spent_s: float, words: str) -> None:
    assert Progress(started_s=0.0, stored=7).words(done, 100, "next.fit", now_s=spent_s) == words


DAILY = [Source(f"{day}.csv", f"date,distance_km,moving_time\n2025-03-0{day},5,30:00\n".encode) for day in (1, 2, 3)]


def cut_off(scene: Scene, patient: str, *, after: int) -> None:
    """Begin an import that breaks off before the file of that number."""

    def breaks_off(done: int, total: int, name: str) -> None:
        if done == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_files(scene.engine, scene.tess, patient, DAILY, via="app", on_progress=breaks_off)


@pytest.mark.parametrize(
    ("after", "stored"),
    [(0, "None of its files was stored"), (1, "1 file was stored and stays"), (2, "2 files were stored and stay")],
)
def test_an_import_that_was_cut_off_says_what_is_stored_and_how_to_go_on(
    sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, after: int, stored: str
) -> None:
    scene = new_scene(sqlite_engine)
    monkeypatch.setattr(imports, "engine", lambda: sqlite_engine)
    ada = scene.patient("ADA")
    assert imports.cut_off_words(scene.tess, ada, CHICAGO) == ""
    cut_off(scene, ada, after=after)
    begun = scene.rows("import_batch")[0]["started_at_utc"].astimezone(ZoneInfo(CHICAGO))
    assert imports.cut_off_words(scene.tess, ada, CHICAGO) == (
        f"The import that was begun on {begun:%Y-%m-%d %H:%M} by Tess did not reach its end. {stored}. If it is not running in another "
        "window right now, it was cut off: send the same files again to complete it. Nothing is added twice."
    )
    (batch,) = imports.batches(scene.tess, ada, CHICAGO)
    assert batch.label.endswith("added, did not reach its end")
    import_files(sqlite_engine, scene.tess, ada, DAILY, via="app")  # the same files again
    assert imports.cut_off_words(scene.tess, ada, CHICAGO) == ""
    assert len(scene.rows("run")) == 3


def test_an_import_that_was_cut_off_and_undone_needs_nothing_more(sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = new_scene(sqlite_engine)
    monkeypatch.setattr(imports, "engine", lambda: sqlite_engine)
    ada = scene.patient("ADA")
    cut_off(scene, ada, after=2)
    imports.undo(scene.tess, ada, scene.rows("import_batch")[0]["id"])
    assert imports.cut_off_words(scene.tess, ada, CHICAGO) == ""


def test_a_report_without_files_says_that_nothing_was_stored() -> None:
    assert summary_sentence(ImportReport(())) == "None of its files was stored."


def test_what_waits_and_what_counts_is_listed_in_words(sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = new_scene(sqlite_engine)
    monkeypatch.setattr(run_decisions, "engine", lambda: sqlite_engine)
    ada = scene.patient("ADA")
    who, unit = scene.tess, DistanceUnit.KILOMETRE
    assert (run_decisions.waiting(who, ada, unit), run_decisions.current_runs(who, ada, unit), run_decisions.decided(who, ada)) == (
        [],
        {},
        [],
    )
    listed = b"date,distance_km,moving_time\n2025-03-02,7,40:00\n"
    sources = [Source("watch.csv", at), Source("list.csv", lambda: listed)]
    import_files(sqlite_engine, who, ada, sources, via="app")
    (waiting,) = run_decisions.waiting(who, ada, unit)
    assert waiting.words == "2025-03-02, 7.00 km in 40:00, from list.csv"
    assert waiting.other_words == "2025-03-02 08:00, 7.00 km in 40:00, from watch.csv"
    (run_id,) = run_decisions.current_runs(who, ada, unit)
    assert run_decisions.current_runs(who, ada, unit) == {run_id: "2025-03-02 08:00, 7.00 km in 40:00"}
    run_decisions.same_run(who, waiting.run_id, run_id)
    (act,) = run_decisions.decided(who, ada)
    assert act.label == "2025-03-02: called one run by Tess"
    assert list(run_decisions.sources(who, run_id, unit).values()) == [
        "watch.csv: 7.00 km in 40:00. Gives: start, distance and time.",
        "list.csv: 7.00 km in 40:00. Gives: nothing that another one does not know better.",
    ]
    run_decisions.undo(who, act.act_key)
    assert len(run_decisions.waiting(who, ada, unit)) == 1
