"""The audit: every write and view leaves its row, nobody can change one unseen, and nothing is shown without it."""

import json
import random
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks import audit_tampering
from clinic.episodes import episode
from data import audit, audit_check, audit_key, audit_search, imports, queries, records
from data.database import DatabaseUnusable, make_engine, writing
from data.permissions import COMMAND_LINE, GRANTS, Act, NotFound, Thing
from data.runs import add_run, retire_run
from models import AuditAction, PainMoment, PatientEntry, RestEntry, RestMoment, Side, Viewer
from tests.clinic_scene import CHICAGO, TODAY, Scene, new_scene, run_on, score_on
from tests.serving import ROOT, environment_for
from tests.test_data_permissions import GRANT_OF, MISSING, REFUSED, RESTED, WHOLE_CLINIC, Whose, a_patient, rested, with_imports

NOON = datetime(2025, 3, 31, 17, 0, tzinfo=UTC)
TUESDAY = date(2025, 3, 4)
TRIALS = 120

# What each write leaves behind: action, what it was done to.
LEFT = {
    "records.add_patient": ("create", "patient"),
    "records.add_episode": ("create", "episode_of_care"),
    "runs.add_run": ("create", "run"),
    "runs.retire_run": ("retire", "run"),
    "runs.merge_runs": ("change", "run"),
    "runs.split_run": ("change", "run"),
    "runs.call_two_runs": ("change", "run"),
    "runs.accept_run": ("change", "run"),
    "runs.undo_act": ("change", "run_decision"),
    "import_undo.undo_import": ("retire", "import_batch"),
    "reread.reread": ("change", "run_copy"),
    "mappings.remember": ("create", "column_mapping"),
    "records.add_pain_scores": ("create", "diary"),
    "records.add_diary_day": ("create", "diary"),
    "records.correct_pain_score": ("change", "pain_score"),
    "records.add_rest_answer": ("create", "diary"),
    "records.add_day_without_run": ("create", "diary"),
    "records.retire_day_without_run": ("retire", "day_without_run"),
    "plans.add_plan_version": ("create", "plan"),
    "visits.record_visit": ("create", "visit"),
    "visits.write_note": ("change", "visit"),
    "visits.set_visit_status": ("change", "visit"),
    "screens.add_screen": ("create", "screen"),
    "screens.correct_screen_answer": ("change", "red_flag_answer"),
    "screens.close_screen_answer": ("change", "red_flag_answer"),
    "outcomes.add_outcome": ("create", "outcome_score"),
    "outcomes.correct_outcome": ("retire", "outcome_score"),
    "strength.set_strength_sessions": ("create", "strength_session"),
    "limits.set_limits": ("change", "limits"),
    "reviews.mark_reviewed": ("create", "review_mark"),
    "reviews.undo_review": ("retire", "review_mark"),
    "records.add_change": ("create", "change"),
    "records.add_visit": ("create", "visit"),
    "records.set_week_start": ("settings_change", "clinic"),
    "records.set_therapists_see_site": ("settings_change", "clinic"),
    "records.set_sign_in_rules": ("settings_change", "clinic"),
    "records.add_site": ("settings_change", "site"),
    "people.add_person": ("create", "person"),
    "people.set_roles": ("permission_change", "person"),
    "people.set_sites": ("permission_change", "person"),
    "people.set_active": ("permission_change", "person"),
    "people.set_account": ("permission_change", "person"),
    "people.changing": ("permission_change", "person"),
    "imports.import_files": ("import", "import_file"),
}


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def ada(scene: Scene) -> Whose:
    return a_patient(scene, "ADA", scene.tess)


def events(scene: Scene) -> list[dict[str, Any]]:
    return scene.rows("audit_event")


# --------------------------------------------------------------------------------------------------------------------
# What is written
# --------------------------------------------------------------------------------------------------------------------


def test_every_write_of_the_table_of_roles_is_tried_here() -> None:
    asked_alone = {"imports.may_import"}  # changes nothing: an upload asks it before its first byte is kept
    assert set(LEFT) == {name for grant in GRANTS if grant.act is Act.WRITE for name in grant.functions} - asked_alone


@pytest.mark.parametrize("name", LEFT)
def test_a_write_leaves_exactly_one_row_with_who_what_and_whom(scene: Scene, ada: Whose, name: str) -> None:
    rested(scene, ada)
    ada = with_imports(scene, ada)
    before = len(events(scene))
    of_the_clinic = GRANT_OF[name].thing in (Thing.SETTINGS, Thing.PEOPLE)  # what the owner writes is about no patient
    who = scene.olga if of_the_clinic else scene.tess
    if name == "records.set_week_start":
        records.set_week_start(scene.engine, who, 6)
    elif name == "records.set_therapists_see_site":
        records.set_therapists_see_site(scene.engine, who, False)
    elif name in WHOLE_CLINIC:
        WHOLE_CLINIC[name](scene.engine, who)
    else:
        REFUSED[name](scene.engine, who, ada)
    (row,) = events(scene)[before:]
    assert (row["action"], row["object_kind"]) == LEFT[name]
    assert (row["person_id"], row["actor"], row["source"]) == (who.person_id, who.name, "app")
    assert (row["patient_id"] is None) == (of_the_clinic or name.startswith("mappings."))
    assert set(json.loads(row["detail"])) <= {"old", "new"}
    assert row["detail"]


def test_old_and_new_values_stand_in_the_row(scene: Scene, ada: Whose) -> None:
    records.correct_pain_score(scene.engine, scene.tess, ada.score, 9)
    told = json.loads(events(scene)[-1]["detail"])
    assert (told["old"]["nprs"], told["new"]["nprs"]) == (3, 9)
    answers = [
        RestEntry.checked(today=TODAY, moment=RestMoment.REST, side=Side.LEFT, answer=answer, for_date=TUESDAY) for answer in (True, False)
    ]
    for answer in answers:
        records.add_rest_answer(scene.engine, scene.tess, ada.patient, answer)
    told = json.loads(events(scene)[-1]["detail"])
    assert (told["old"]["rest"][0]["answer"], told["new"]["rest"][0]["answer"]) == (True, False)
    records.set_week_start(scene.engine, scene.olga, 6)
    assert json.loads(events(scene)[-1]["detail"]) == {"old": {"week_start": 0}, "new": {"week_start": 6}}


def test_a_day_without_a_run_that_is_taken_back_stands_in_the_row_of_what_took_it_back(scene: Scene, ada: Whose) -> None:
    def taken_back(act: Callable[[], object]) -> tuple[str, str]:
        rested(scene, ada)
        (was,) = scene.rows("day_without_run")
        before = len(events(scene))
        act()
        assert scene.rows("day_without_run") == []
        (row,) = events(scene)[before:]
        old = json.loads(row["detail"])["old"]
        told = old.get("day_without_run") or old.get("days_without_run", [old])[0]
        assert told == {name: audit._plain(was[name]) if was[name] is not None else None for name in told}
        assert told["day"] == RESTED.isoformat()
        return row["action"], row["object_kind"]

    table = f"date,start_time,distance_km,moving_time\n{RESTED.isoformat()},07:15,5,30:00\n".encode()
    source = imports.Source("runs.csv", lambda: table)
    assert taken_back(lambda: records.retire_day_without_run(scene.engine, scene.tess, ada.patient, RESTED)) == (
        "retire",
        "day_without_run",
    )
    assert taken_back(lambda: imports.import_files(scene.engine, scene.tess, ada.patient, [source], via="app")) == ("import", "import_file")
    retire_run(scene.engine, scene.tess, scene.rows("run")[-1]["id"])
    assert taken_back(lambda: add_run(scene.engine, scene.tess, ada.patient, run_on(RESTED))) == ("create", "run")


def test_a_run_that_is_named_later_stands_in_the_row(scene: Scene, ada: Whose) -> None:
    of_day = score_on(TUESDAY, 4, PainMoment.DURING)
    first = scene.run(ada.patient, run_on(TUESDAY))
    scene.run(ada.patient, run_on(TUESDAY, "18:00"))
    scene.score(ada.patient, of_day)
    before = len(events(scene))
    scene.score(ada.patient, of_day.model_copy(update={"run_id": first}))
    rows = events(scene)[before:]
    told = [json.loads(row["detail"]) for row in rows]
    assert [(row["action"], row["object_kind"]) for row in rows] == [("change", "diary")]
    assert [run["run_id"] for run in told[0]["new"]["runs_named"]] == [first]
    assert [run["run_id"] for run in told[0]["old"]["runs_named"]] == [None]


def test_what_changes_nothing_leaves_no_row(scene: Scene, ada: Whose) -> None:
    before = events(scene)
    records.correct_pain_score(scene.engine, scene.tess, ada.score, 3)
    scene.score(ada.patient, score_on(date(2025, 3, 3), 3))
    records.set_week_start(scene.engine, scene.olga, 0)
    assert events(scene) == before


def test_a_write_without_its_row_does_not_happen(scene: Scene, ada: Whose, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    rested(scene, ada)
    ada = with_imports(scene, ada)
    before = scene.everything()
    monkeypatch.setattr(audit, "record_each", full)  # what `record` appends with
    for name in LEFT:
        if name in REFUSED:
            with pytest.raises(OSError, match="the disk is full"):
                REFUSED[name](scene.engine, scene.tess, ada)
    after = scene.everything()
    assert {**after, "import_batch": before["import_batch"]} == before  # a batch without a file says nothing of a patient


def test_no_name_of_a_patient_and_of_a_file_stands_in_it(scene: Scene) -> None:
    given = {"code": "CANARY1", "given_name": "Canary2", "family_name": "Canary3", "birth_date": date(1971, 7, 17)}
    key = records.add_patient(scene.engine, scene.tess, PatientEntry.checked(today=TODAY, time_zone=CHICAGO, **given))
    scene.episode(key)
    source = imports.Source("Canary4.csv", lambda: b"date,moment,nprs\n2025-03-05,after,3\n")
    imports.import_files(scene.engine, scene.tess, key, [source], via="app")
    written = json.dumps(events(scene), default=str).lower()
    assert "canary" not in written
    assert "1971" not in written


# --------------------------------------------------------------------------------------------------------------------
# Looking
# --------------------------------------------------------------------------------------------------------------------


def views(scene: Scene) -> list[tuple[Any, ...]]:
    return [(row["actor"], row["object_kind"], row["at_utc"]) for row in events(scene) if row["action"] == "view"]


def test_one_row_for_each_viewer_patient_screen_and_five_minutes(scene: Scene, ada: Whose, monkeypatch: pytest.MonkeyPatch) -> None:
    both = scene.theo.model_copy(update={"site_ids": frozenset({scene.lakeside})})
    scene.episode(ada.patient, scene.tess, site_id=scene.lakeside)

    def look(viewer: Viewer, screen: str, seconds: int) -> None:
        audit.viewed(scene.engine, viewer, screen, patient_key=ada.patient, now=NOON + timedelta(seconds=seconds))

    for seconds in (0, 1, 299):
        look(scene.tess, "episode", seconds)
        monkeypatch.setattr(audit, "_RECENT", audit._Recent())  # as another process, which asks the database
    look(scene.tess, "episode", 299)
    assert len(views(scene)) == 1
    look(scene.tess, "episode", 300)
    look(scene.tess, "pain diary", 301)
    look(both, "episode", 301)
    assert [view[:2] for view in views(scene)] == [
        ("Tess", "episode"),
        ("Tess", "episode"),
        ("Tess", "pain diary"),
        ("Theo", "episode"),
    ]


def test_an_episode_is_given_only_after_the_look_was_written_down(scene: Scene, ada: Whose, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:

        def full(*_: Any, **__: Any) -> None:
            raise OSError("the disk is full")

        broken.setattr(audit, "record", full)
        with pytest.raises(OSError, match="the disk is full"):
            episode(scene.tess, ada.episode, database=scene.engine)
    assert views(scene) == []
    episode(scene.tess, ada.episode, database=scene.engine)
    assert [view[:2] for view in views(scene)] == [("Tess", "episode")]


def test_a_refusal_is_written_down_alike_for_what_is_not_theirs_and_what_is_not_there(scene: Scene) -> None:
    theirs = a_patient(scene, "THEO", scene.theo, site_id=scene.harbour)
    for whose in (theirs, MISSING):
        with pytest.raises(NotFound):
            episode(scene.tess, whose.episode, database=scene.engine)
        with pytest.raises(NotFound):
            add_run(scene.engine, scene.tess, whose.patient, run_on(TUESDAY))
    rows = [row for row in events(scene) if row["action"] == "refused"]
    assert [(row["object_kind"], row["object_key"], row["patient_id"] is None) for row in rows] == [
        ("episode_of_care", theirs.episode, False),
        ("patient", theirs.patient, False),
        ("episode_of_care", MISSING.episode, True),
        ("patient", MISSING.patient, True),
    ]


def test_the_owner_reads_who_and_when_and_no_clinical_values(scene: Scene, ada: Whose) -> None:
    records.correct_pain_score(scene.engine, scene.tess, ada.score, 9)
    (newest, *_) = audit_search.search(scene.engine, scene.olga)
    assert (newest.actor, newest.action, newest.patient_key, newest.detail) == ("Tess", AuditAction.CHANGE, ada.patient, "")
    assert (newest.patient_name, newest.patient_code) == ("", "")
    (own, *_) = audit_search.search(scene.engine, scene.tess, patient_key=ada.patient)
    assert (own.patient_name, own.patient_code) == ("", "ADA")
    assert json.loads(own.detail)["new"]["nprs"] == 9
    assert {line.patient_key for line in audit_search.search(scene.engine, scene.tess, patient_key=ada.patient)} == {ada.patient}
    assert audit_search.search(scene.engine, scene.olga, actions={AuditAction.SIGN_IN}) == []
    assert len(audit_search.search(scene.engine, scene.olga, person_id=scene.tess.person_id, limit=2)) == 2
    assert audit_search.search(scene.engine, scene.olga, before=newest.at_utc - timedelta(days=900)) == []


# --------------------------------------------------------------------------------------------------------------------
# Tampering
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET actor = 'nobody'",
        "DELETE FROM audit_event",
        "INSERT INTO audit_event SELECT seq + 7, at_utc, person_id, actor, source, action, object_kind, object_key, patient_id, detail, "
        "previous_mac, mac FROM audit_event WHERE seq = 1",
    ],
)
def test_the_database_refuses_to_change_it(scene: Scene, ada: Whose, statement: str) -> None:
    before = events(scene)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(scene.engine) as connection:
        connection.exec_driver_sql(statement)
    assert events(scene) == before


def test_a_row_is_not_replaced_on_sqlite_nor_the_table_emptied_on_postgresql(scene: Scene, ada: Whose) -> None:
    on_sqlite = scene.engine.dialect.name == "sqlite"
    statement = "INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event WHERE seq = 1" if on_sqlite else "TRUNCATE audit_event"
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), writing(scene.engine) as connection:
        connection.exec_driver_sql(statement)
    assert audit_check.verify(scene.engine) == []


def unguarded(scene: Scene, statement: str) -> list[str]:
    """Tamper as who may change the schema can; gives what is said, the missing guards apart."""
    with writing(scene.engine) as connection:
        if connection.dialect.name == "sqlite":
            for guard in audit_check.GUARDS["sqlite"]:
                connection.exec_driver_sql(f"DROP TRIGGER {guard}")
        else:
            connection.exec_driver_sql("ALTER TABLE audit_event DISABLE TRIGGER USER")
        connection.exec_driver_sql(statement)
    faults = audit_check.verify(scene.engine)
    assert sum(fault.kind is audit_check.FaultKind.UNGUARDED for fault in faults) == 3
    return [fault.sentence for fault in faults if fault.kind is not audit_check.FaultKind.UNGUARDED]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit_event SET detail = '' WHERE seq = 2", ["Row 2 was changed."]),
        ("UPDATE audit_event SET patient_id = NULL WHERE seq = 1", ["Row 1 was changed."]),
        ("DELETE FROM audit_event WHERE seq = 2", ["Row 2 was removed."]),
        ("UPDATE audit_event SET seq = 9 WHERE seq = 4", ["Row 4 was cut off: row 4 had been stored, and the audit ends before it."]),
        ("DELETE FROM audit_event WHERE seq > 2", ["Rows 3 to 4 were cut off: row 4 had been stored, and the audit ends before it."]),
        ("DELETE FROM audit_event", ["Rows 1 to 4 were cut off: row 4 had been stored, and the audit ends before it."]),
    ],
)
def test_what_was_done_is_said_with_the_row(scene: Scene, ada: Whose, statement: str, said: list[str]) -> None:
    assert len(events(scene)) == 4  # patient, run, score, episode
    assert audit_check.verify(scene.engine) == []
    if "seq = 9" in statement:
        assert any("Row 9" in sentence or "row 4" in sentence for sentence in unguarded(scene, statement))
    else:
        assert unguarded(scene, statement) == said


def test_a_small_share_of_the_tampering_trials_is_found_row_by_row(tmp_path: Path) -> None:
    chance = random.Random(7)
    (tmp_path / "template").mkdir()
    template = audit_tampering.filled(tmp_path / "template")
    missed = []
    for number in range(TRIALS):
        kind = audit_tampering.TAMPERINGS[number % len(audit_tampering.TAMPERINGS)]
        trial, is_found, said = audit_tampering.tried(template, tmp_path / str(number), chance, kind)
        missed += [] if is_found else [(trial, said)]
    assert missed == []


@pytest.fixture
def beside(sqlite_engine: sa.Engine) -> tuple[Scene, Path]:
    """Give a SQLite clinic with some rows, and the folder of its key and head."""
    scene = new_scene(sqlite_engine)
    a_patient(scene, "ADA", scene.tess)
    return scene, Path(str(sqlite_engine.url.database)).parent


def test_a_head_that_is_gone_or_was_written_into_is_said_until_it_is_renewed(beside: tuple[Scene, Path]) -> None:
    scene, folder = beside
    head = folder / "audit.head"
    told = head.read_text()
    for spoil, said in (
        (lambda: head.write_text(told.replace("000000000004", "000000000003")), "audit.head was changed"),
        (head.unlink, "audit.head is not there"),
    ):
        spoil()
        (fault,) = audit_check.verify(scene.engine)
        assert fault.kind is audit_check.FaultKind.HEAD
        assert said in fault.sentence
    assert audit_check.verify(scene.engine, renew_head=True) == []
    assert audit_check.verify(scene.engine) == []


def test_key_and_head_are_for_their_owner_only_and_the_key_is_not_in_the_database(beside: tuple[Scene, Path]) -> None:
    _, folder = beside
    key = (folder / "audit.key").read_text().strip()
    assert len(key) == 64
    for name in ("audit.key", "audit.head"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    for path in folder.glob("clinic.db*"):
        assert key.encode() not in path.read_bytes()
        assert bytes.fromhex(key) not in path.read_bytes()


def test_with_rows_and_without_the_key_nothing_is_written_and_nothing_shown(beside: tuple[Scene, Path]) -> None:
    scene, folder = beside
    (folder / "audit.key").unlink()
    audit_key._key_in.cache_clear()
    (key,) = [row.key for row in queries.episodes(scene.engine, scene.tess)]
    before = scene.everything()
    with pytest.raises(DatabaseUnusable, match="The key of the audit is not there"):
        episode(scene.tess, key, database=scene.engine)
    with pytest.raises(DatabaseUnusable, match="The key of the audit is not there"):
        scene.patient("BEN")
    with pytest.raises(DatabaseUnusable, match="The key of the audit is not there"):
        audit_check.verify(scene.engine)
    assert scene.everything() == before


def test_many_at_once_append_one_after_the_other(scene: Scene, ada: Whose) -> None:
    def save(number: int) -> None:
        scene.score(ada.patient, score_on(date(2025, 1, 6) + timedelta(days=number), number % 11))

    before = len(events(scene))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(save, range(40)))
    assert len(events(scene)) == before + 40
    assert audit_check.verify(scene.engine) == []


# --------------------------------------------------------------------------------------------------------------------
# From the command line
# --------------------------------------------------------------------------------------------------------------------


def test_the_command_line_audits_imports_and_exports_and_checks_the_audit(sqlite_url: str, tmp_path: Path) -> None:
    engine = make_engine(sqlite_url)
    scene = new_scene(engine)

    def said(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "data", *arguments],
            cwd=ROOT,
            env=environment_for(sqlite_url),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    pain = tmp_path / "pain.csv"
    pain.write_text("date,moment,nprs\n2025-03-05,after,3\n")
    assert said("import", "--patient", "ADA", "--create", str(pain))[0] == 0
    assert said("export", "--patient", "ADA", "--table", "pain")[0] == 0
    assert [(row["action"], row["source"]) for row in events(scene)] == [
        ("create", "command line"),
        ("import", "command line"),
        ("export", "command line"),
    ]
    assert json.loads(events(scene)[-1]["detail"])["new"]["rows"] == 1
    assert said("audit", "verify") == (0, "The audit is as it was written.\n")
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_event_no_update")
        connection.exec_driver_sql("UPDATE audit_event SET actor = 'nobody' WHERE seq = 2")
    code, text = said("audit", "verify")
    assert code == 1
    assert text.splitlines() == ["The database does not guard the audit: no trigger audit_event_no_update.", "Row 2 was changed."]
    assert COMMAND_LINE.source == "command line"
    engine.dispose()
