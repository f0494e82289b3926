"""The audit in words: exact, in the clinic's time, and no further than the reader may know."""

import ast
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from clinic import NotFound, audit_words, register
from clinic.audit_words import AuditWanted, chart_openings, checked, done_words, page_of, told_words
from data import audit, audit_check, audit_search, records
from data.audit_search import NOBODY
from data.database import engine as process_engine
from data.database import writing
from data.permissions import COMMAND_LINE
from models import AuditAction, Role, Viewer
from tests.clinic_scene import Scene, new_scene
from tests.serving import ROOT

NOON = datetime(2025, 3, 31, 17, 0, 5, tzinfo=UTC)  # 12:00:05 in Chicago
NOBODY_SIGNED_IN = Viewer(person_id=None, name="", roles=frozenset(), source="10.0.0.7")
COLUMNS = ("When", "Who", "What", "Patient", "Old and new", "From where")


@pytest.fixture
def scene(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Give the clinic as the process's own database, as pages have it."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    process_engine.cache_clear()
    yield new_scene(process_engine())
    process_engine().dispose()
    process_engine.cache_clear()


def told(scene: Scene, viewer: Viewer, action: AuditAction, *, at: datetime = NOON, count: int = 1, **what: object) -> None:
    with writing(scene.engine) as connection:
        for number in range(count):
            audit.record(connection, viewer, action, now=at + timedelta(seconds=number), **what)  # type: ignore[arg-type]


def ids(scene: Scene) -> dict[str, int]:
    return {row["code"]: row["id"] for row in scene.rows("patient")}


def rows(viewer: Viewer, **wanted: object) -> list[tuple[object, ...]]:
    """Give the lines without the row that asking leaves."""
    shown = page_of(viewer, AuditWanted(**wanted)).lines  # type: ignore[arg-type]
    return [tuple(line[name] for name in COLUMNS) for line in shown if line["What"] != "Looked at the audit"]


def an_owner_who_treats(scene: Scene) -> Viewer:
    return scene.tess.model_copy(update={"roles": frozenset({Role.OWNER, Role.THERAPIST})})


def test_each_row_says_in_words_who_when_what_of_whom_and_from_where(scene: Scene) -> None:
    key = scene.patient("ADA", given_name="Ada", family_name="Steady")
    of_ada = {"patient_id": ids(scene)["ADA"]}
    episode = scene.episode(key)
    told(scene, NOBODY_SIGNED_IN, AuditAction.SIGN_IN_FAILED)
    told(scene, scene.tess, AuditAction.VIEW, kind="episode", key=episode, **of_ada)
    told(scene, scene.tess, AuditAction.CHANGE, kind="pain_score", key=17, old={"nprs": 3}, new={"nprs": 5}, **of_ada)
    told(scene, scene.tess, AuditAction.RETIRE, kind="day_without_run", key=date(2025, 3, 6), old={"day": date(2025, 3, 6)}, **of_ada)
    told(scene, COMMAND_LINE, AuditAction.EXPORT, kind="weeks", key=key, new={"rows": 4}, **of_ada)
    told(scene, scene.theo, AuditAction.REFUSED, kind="patient", key=key, **of_ada)
    records.set_week_start(scene.engine, scene.olga, 6)
    when = "2025-03-31 12:00:05"
    seen = rows(an_owner_who_treats(scene))
    assert seen[0][1:] == ("Olga", "Changed the settings", "", "week start: 0 → 6", "in the app")
    assert seen[1:7] == [
        (when, "Theo", "Asked for what is not theirs or not there: a patient", "Ada Steady · ADA", "", "in the app"),
        (when, "command line", "Took away the table of weeks", "Ada Steady · ADA", "rows: 4", "at the command line"),
        (when, "Tess", "Took back a day without a run (2025-03-06)", "Ada Steady · ADA", "day: 2025-03-06 → taken back", "in the app"),
        (when, "Tess", "Changed a pain score (17)", "Ada Steady · ADA", "nprs: 3 → 5", "in the app"),
        (when, "Tess", "Looked at the patient page", "Ada Steady · ADA", "", "in the app"),
        (when, "nobody signed in", "Tried to sign in; it failed", "", "", "10.0.0.7"),
    ]
    assert [row[2] for row in seen[7:]] == ["Added an episode of care", "Added a patient"]


def test_the_owner_alone_knows_a_patient_by_the_random_key_and_searches_by_it(scene: Scene) -> None:
    key = scene.patient("ADA", given_name="Ada", family_name="Steady")
    scene.patient("BEN", scene.theo, given_name="Ben", family_name="Jumps")
    assert {row[3] for row in rows(scene.olga, patient=key)} == {key}
    everything = json.dumps(page_of(scene.olga, AuditWanted()).lines) + str(audit_search.search(scene.engine, scene.olga))
    assert not [name for name in ("Ada", "Steady", "ADA", "Ben") if name in everything]
    assert [rows(scene.olga, patient=wanted) for wanted in ("Ada", "ADA", "steady")] == [[], [], []]
    treats = an_owner_who_treats(scene)
    for wanted in ("ádA", "ADA", "steady", key):
        assert [row[3] for row in rows(treats, patient=wanted)] == ["Ada Steady · ADA"]
    assert rows(treats, patient="Ben") == []  # not theirs: not by name
    at_the_desk = scene.fred.model_copy(update={"roles": frozenset({Role.OWNER, Role.FRONT_DESK})})
    assert [(row[3], row[4]) for row in rows(at_the_desk, patient="jumps")] == [("Ben Jumps · BEN", "")]  # the name, and no more
    assert (audit_words.may_know_names(scene.olga), audit_words.may_know_names(treats)) == (False, True)


def test_it_is_searched_by_person_and_action(scene: Scene) -> None:
    told(scene, scene.tess, AuditAction.SIGN_IN)
    told(scene, scene.theo, AuditAction.SIGN_IN)
    told(scene, scene.theo, AuditAction.SIGN_OUT)
    told(scene, NOBODY_SIGNED_IN, AuditAction.SIGN_IN_FAILED)
    assert [row[1:3] for row in rows(scene.olga, person_id=scene.theo.person_id)] == [("Theo", "Signed out"), ("Theo", "Signed in")]
    assert [row[1:3] for row in rows(scene.olga, action=AuditAction.SIGN_IN)] == [("Theo", "Signed in"), ("Tess", "Signed in")]
    assert [row[2] for row in rows(scene.olga, person_id=NOBODY)] == ["Tried to sign in; it failed"]
    assert rows(scene.olga, person_id=scene.tess.person_id, action=AuditAction.SIGN_OUT) == []
    with writing(scene.engine) as connection:
        connection.exec_driver_sql("UPDATE person SET is_active = false WHERE name = 'Theo'")
    assert list(audit_words.people(scene.olga).values()) == ["Fred", "Olga", "Tess", "Theo (switched off)", "Nobody signed in"]


def test_a_day_begins_and_ends_where_the_clinic_is(scene: Scene) -> None:
    midnight = datetime(2025, 3, 9, 6, 0, tzinfo=UTC)  # of March 9 in Chicago, the day with 23 hours
    for at in (midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=23, seconds=-1), midnight + timedelta(hours=23)):
        told(scene, scene.tess, AuditAction.SIGN_IN, at=at)
    day, before, after = date(2025, 3, 9), date(2025, 3, 8), date(2025, 3, 10)
    times = ["2025-03-10 00:00:00", "2025-03-09 23:59:59", "2025-03-09 00:00:00", "2025-03-08 23:59:59"]
    assert [row[0] for row in rows(scene.olga, first_day=before, last_day=after)] == times
    assert [row[0] for row in rows(scene.olga, first_day=day, last_day=day)] == times[1:3]
    assert [row[0] for row in rows(scene.olga, last_day=day)] == times[1:]
    assert [row[0] for row in rows(scene.olga, first_day=day, action=AuditAction.SIGN_IN)] == times[:3]


def numbers(viewer: Viewer, **wanted: object) -> tuple[list[int], int | None, int | None]:
    shown = page_of(viewer, AuditWanted(**wanted))  # type: ignore[arg-type]
    return [line["Row"] for line in shown.lines], shown.older_than, shown.newer_than


@pytest.mark.parametrize(("count", "older_than"), [(49, None), (50, None), (51, 2)])
def test_a_page_holds_fifty_rows(scene: Scene, count: int, older_than: int | None) -> None:
    told(scene, scene.tess, AuditAction.SIGN_IN, count=count)
    page = numbers(scene.olga, action=AuditAction.SIGN_IN)
    assert page == (list(range(count, max(0, count - 50), -1)), older_than, None)


def test_one_turns_to_older_rows_and_back(scene: Scene) -> None:
    told(scene, scene.tess, AuditAction.SIGN_IN, count=120)
    signed_in = {"action": AuditAction.SIGN_IN}
    assert numbers(scene.olga, **signed_in) == (list(range(120, 70, -1)), 71, None)
    assert numbers(scene.olga, **signed_in, older_than=71) == (list(range(70, 20, -1)), 21, 70)
    assert numbers(scene.olga, **signed_in, older_than=21) == (list(range(20, 0, -1)), None, 20)
    assert numbers(scene.olga, **signed_in, newer_than=20) == (list(range(70, 20, -1)), 21, 70)
    assert numbers(scene.olga, **signed_in, newer_than=70) == (list(range(120, 70, -1)), 71, None)
    assert numbers(scene.olga, **signed_in, newer_than=95) == (list(range(120, 70, -1)), 71, None)  # a whole page, not a rest


def test_the_sentence_counts_the_rows_and_names_the_time_zone(scene: Scene) -> None:
    told(scene, scene.tess, AuditAction.SIGN_IN, count=1_200)
    page_of(scene.olga, AuditWanted())  # leaves row 1,201
    sentences = [
        page_of(scene.olga, wanted).sentence
        for wanted in (
            AuditWanted(action=AuditAction.SIGN_IN),
            AuditWanted(action=AuditAction.VIEW),
            AuditWanted(action=AuditAction.PRINT),
        )
    ]
    assert sentences == [
        "50 rows, from 1,200 back to 1,151, of 1,201 in all. Times are those of America/Chicago.",
        "Row 1,201, of 1,201 in all. Times are those of America/Chicago.",
        "No row fits. The audit has 1,201 rows in all.",
    ]


def test_reading_the_audit_leaves_one_row_for_five_minutes(scene: Scene) -> None:
    for _ in range(3):
        page_of(scene.olga, AuditWanted(person_id=1))
    views = [(row["actor"], row["object_kind"], row["patient_id"]) for row in scene.rows("audit_event", action="view")]
    assert views == [("Olga", "audit", None)]


@pytest.mark.parametrize(
    ("read", "screen"), [(register.patients, "register"), (register.register_lines, "register"), (register.episodes, "today")]
)
def test_a_list_to_choose_from_leaves_one_row_for_five_minutes(scene: Scene, read: Callable[[Viewer], list[object]], screen: str) -> None:
    scene.episode(scene.patient("ADA"))
    for _ in range(3):
        assert len(read(scene.tess)) == 1
    views = [(row["actor"], row["object_kind"], row["patient_id"]) for row in scene.rows("audit_event", action="view")]
    assert views == [("Tess", screen, None)]


@pytest.mark.parametrize("name", ["tess", "fred"])
def test_who_is_not_the_owner_reads_nothing_and_it_stands_in_the_audit(scene: Scene, name: str) -> None:
    viewer: Viewer = getattr(scene, name)
    for asked in (
        lambda: page_of(viewer, AuditWanted()),
        lambda: audit_words.people(viewer),
        lambda: checked(viewer, on_progress=lambda *_: None),
    ):
        with pytest.raises(NotFound):
            asked()
    assert [(row["action"], row["actor"], row["object_kind"]) for row in scene.rows("audit_event")] == [
        ("refused", viewer.name, "audit_event")
    ]


# --------------------------------------------------------------------------------------------------------------------
# Who opened this chart
# --------------------------------------------------------------------------------------------------------------------


def test_a_therapist_reads_who_opened_took_away_or_was_refused_one_chart(scene: Scene) -> None:
    key = scene.patient("ADA")
    of_ada = {"patient_id": ids(scene)["ADA"]}
    scene.episode(key)
    scene.patient("BEN")
    of_ben = {"patient_id": ids(scene)["BEN"]}
    told(scene, scene.tess, AuditAction.VIEW, kind="episode", **of_ben)
    told(scene, scene.tess, AuditAction.VIEW, kind="pain diary", **of_ada)
    told(scene, scene.theo, AuditAction.REFUSED, kind="episode_of_care", **of_ada)
    told(scene, COMMAND_LINE, AuditAction.EXPORT, kind="runs", key=key, **of_ada)
    lines, said = chart_openings(scene.tess, key)
    assert [tuple(line.values())[1:] for line in lines] == [
        ("Tess", "Looked at who opened this chart", "in the app"),
        ("command line", "Took away the table of runs", "at the command line"),
        ("Theo", "Asked for what is not theirs or not there: an episode of care", "in the app"),
        ("Tess", "Looked at the pain diary", "in the app"),
    ]
    assert [list(line) for line in lines] == [["When", "Who", "What", "From where"]] * 4
    assert lines[1]["When"] == "2025-03-31 12:00"
    assert said == "All there are: one for each person, screen and five minutes. Times are those of America/Chicago."


def test_of_many_openings_the_newest_are_shown_and_it_is_said(scene: Scene) -> None:
    key = scene.patient("ADA")
    told(scene, scene.tess, AuditAction.VIEW, kind="episode", count=198, patient_id=ids(scene)["ADA"])
    audit.viewed(scene.engine, scene.tess, "who opened", patient_key=key)
    assert chart_openings(scene.tess, key)[1].startswith("All there are:")
    told(scene, scene.theo, AuditAction.VIEW, kind="episode", count=2, patient_id=ids(scene)["ADA"])
    lines, said = chart_openings(scene.tess, key)
    assert (len(lines), said.split(":")[0]) == (200, "The newest 200 rows")


@pytest.mark.parametrize("name", ["theo", "olga", "fred"])
def test_who_opened_a_chart_is_told_to_those_who_treat_the_patient(scene: Scene, name: str) -> None:
    key = scene.patient("ADA")
    scene.episode(key)
    for asked in (key, "no-such-key"):
        with pytest.raises(NotFound):
            chart_openings(getattr(scene, name), asked)


# --------------------------------------------------------------------------------------------------------------------
# The check
# --------------------------------------------------------------------------------------------------------------------


def test_the_check_says_that_all_is_as_it_was_or_what_is_not(scene: Scene) -> None:
    told(scene, scene.tess, AuditAction.SIGN_IN, count=1_234)
    shown: list[tuple[float, str]] = []
    sentence = "The audit is as it was written: 1,234 rows checked, none changed, removed or moved."
    assert checked(scene.olga, on_progress=lambda *told: shown.append(told)) == (True, [sentence])
    assert shown == []
    with writing(scene.engine) as connection:
        for guard in audit_check.GUARDS["sqlite"] if scene.engine.dialect.name == "sqlite" else ():
            connection.exec_driver_sql(f"DROP TRIGGER {guard}")
        if scene.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE audit_event DISABLE TRIGGER USER")
        connection.exec_driver_sql("UPDATE audit_event SET actor = 'Theo' WHERE seq = 7")
    whole, said = checked(scene.olga, on_progress=lambda *_: None)
    assert (whole, said[-1]) == (False, "Row 7 was changed.")


def test_a_check_that_takes_long_tells_how_far_it_is(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_words, "PROGRESS_AFTER_S", 0.0)
    monkeypatch.setattr(audit_check, "TOLD_EVERY_ROWS", 500)
    told(scene, scene.tess, AuditAction.SIGN_IN, count=1_250)
    shown: list[tuple[float, str]] = []
    checked(scene.olga, on_progress=lambda *told: shown.append(told))
    assert shown == [(0.4, "500 of 1,250 rows checked"), (0.8, "1,000 of 1,250 rows checked")]


# --------------------------------------------------------------------------------------------------------------------
# Words
# --------------------------------------------------------------------------------------------------------------------


def test_every_action_has_words() -> None:
    assert set(audit_words.ACTION_WORDS) == set(audit_words._DONE) == set(AuditAction)


def kinds_in_the_source() -> set[str]:
    """Give what is written into the audit as a kind: where it stands in the source as it is."""
    found = set()
    for path in [path for room in ("data", "clinic", "access") for path in (ROOT / room).glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "audit":
                place = {"viewed": 2, "changing": 2, "taken_away": 3}.get(node.func.attr)
                given = [keyword.value for keyword in node.keywords if keyword.arg == "kind"]
                given += node.args[place : place + 1] if place else []
                found |= {str(value.value) for value in given if isinstance(value, ast.Constant)}
            elif isinstance(node, ast.Dict):
                found |= {
                    str(value.value)
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and key.value == "kind" and isinstance(value, ast.Constant)
                }
    return found


def test_everything_that_the_audit_tells_of_has_words() -> None:
    """A new screen or table that leaves rows needs a line in KIND_WORDS."""
    kinds = kinds_in_the_source()
    assert {"episode", "pain diary", "run", "diary", "import_file"} <= kinds
    assert kinds - set(audit_words.KIND_WORDS) == set()


@pytest.mark.parametrize(
    ("action", "kind", "key", "words"),
    [
        (AuditAction.SIGN_IN, "", "", "Signed in"),
        (AuditAction.PRINT, "runs", "k3y", "Printed the table of runs"),
        (AuditAction.IMPORT, "import_file", "12", "Imported a file (12)"),
        (AuditAction.PERMISSION_CHANGE, "person", "3", "Changed who may do what: a person who works here (3)"),
        (AuditAction.SETTINGS_CHANGE, "clinic", "", "Changed the settings"),
        (AuditAction.VIEW, "some_screen", "<b>", "Looked at some screen"),
        (AuditAction.REFUSED, "run", "4711", "Asked for what is not theirs or not there: a run (4711)"),
    ],
)
def test_what_was_done_in_words(action: AuditAction, kind: str, key: str, words: str) -> None:
    assert done_words(action, kind, key) == words


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, ""),
        ({"new": {"nprs": 0}}, "nprs: 0"),
        ({"old": {"a": 1, "b": 2}, "new": {"a": 1, "b": 3}}, "b: 2 → 3"),
        ({"old": {"answer": True}, "new": {"answer": False}}, "answer: yes → no"),
        ({"old": {"goal": None}, "new": {"goal": "Marathon"}}, "goal: nothing → Marathon"),
        ({"old": {"run_id": 7}}, "run id: 7 → taken back"),
        ({"new": {"scores": [{"nprs": 3, "for_date": "2025-03-04"}, {"nprs": 4}]}}, "scores: nprs 3, for date 2025-03-04; nprs 4"),
        ({"new": {"runs_added": []}}, "runs added: none"),
    ],
)
def test_old_and_new_in_words(told: dict[str, object], words: str) -> None:
    assert told_words(json.dumps(told) if told else "") == words


def test_a_patient_who_is_gone_is_a_number(scene: Scene) -> None:
    told(scene, scene.tess, AuditAction.VIEW, kind="episode", patient_id=4711)
    assert [row[3] for row in rows(an_owner_who_treats(scene))] == ["no. 4711, no longer here"]
