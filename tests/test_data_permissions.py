"""Who may see and write whose facts; what is not there and what is not theirs look alike."""

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from data import imports, queries, records
from data.database import writing
from data.permissions import COMMAND_LINE, NotFound
from models import (
    ChangeKind,
    DiagnosisClass,
    EpisodeEntry,
    NoRunEntry,
    PainMoment,
    PatientEntry,
    PersonSite,
    RestEntry,
    RestMoment,
    Role,
    Side,
    SiteKind,
    Viewer,
    VisitStatus,
)
from tests.clinic_scene import CHICAGO, TODAY, Scene, new_scene, run_on, score_on
from tests.serving import ROOT

MONDAY, TUESDAY = date(2025, 3, 3), date(2025, 3, 4)


@dataclass(frozen=True)
class Whose:
    """What a patient's facts are reached by."""

    code: str
    patient: str
    episode: str
    run: int
    score: int


MISSING = Whose(code="NOBODY", patient="no-such-key", episode="no-such-key", run=4711, score=4711)

# Reads and writes that must be refused for who may not see the patient: name, and how it is called.
REFUSED: dict[str, Callable[[sa.Engine, Viewer, Whose], object]] = {
    "queries.patient": lambda engine, who, whose: queries.patient(engine, who, whose.patient),
    "queries.patient_key": lambda engine, who, whose: queries.patient_key(engine, who, whose.code),
    "queries.episode": lambda engine, who, whose: queries.episode(engine, who, whose.episode),
    "queries.runs": lambda engine, who, whose: queries.runs(engine, who, whose.patient),
    "queries.scores": lambda engine, who, whose: queries.scores(engine, who, whose.patient),
    "queries.score_history": lambda engine, who, whose: queries.score_history(engine, who, whose.patient, since=MONDAY),
    "queries.rest_answers": lambda engine, who, whose: queries.rest_answers(engine, who, whose.patient),
    "queries.coverage": lambda engine, who, whose: queries.coverage(engine, who, whose.patient),
    "queries.weeks": lambda engine, who, whose: queries.weeks(engine, who, whose.patient, low=0, high=99_999),
    "queries.plans": lambda engine, who, whose: queries.plans(engine, who, whose.episode),
    "queries.visits": lambda engine, who, whose: queries.visits(engine, who, whose.episode),
    "queries.changes": lambda engine, who, whose: queries.changes(engine, who, whose.episode),
    "queries.run_minutes": lambda engine, who, whose: queries.run_minutes(engine, who, whose.run),
    "queries.run_files": lambda engine, who, whose: queries.run_files(engine, who, whose.run),
    "records.add_episode": lambda engine, who, whose: records.add_episode(
        engine,
        who,
        whose.patient,
        EpisodeEntry.checked(
            today=TODAY, problem="Hip", side=Side.LEFT, diagnosis_class=DiagnosisClass.TENDON, started_on=MONDAY, therapist_id=who.person_id
        ),
    ),
    "records.add_pain_scores": lambda engine, who, whose: records.add_pain_scores(engine, who, whose.patient, [score_on(TUESDAY, 3)]),
    "records.add_diary_day": lambda engine, who, whose: records.add_diary_day(engine, who, whose.patient, scores=[score_on(TUESDAY, 3)]),
    "records.correct_pain_score": lambda engine, who, whose: records.correct_pain_score(engine, who, whose.score, 9),
    "records.add_rest_answer": lambda engine, who, whose: records.add_rest_answer(
        engine,
        who,
        whose.patient,
        RestEntry.checked(today=TODAY, moment=RestMoment.REST, side=Side.LEFT, answer=True, for_date=TUESDAY),
    ),
    "records.add_day_without_run": lambda engine, who, whose: records.add_day_without_run(
        engine, who, whose.patient, NoRunEntry.checked(today=TODAY, day=TUESDAY)
    ),
    "records.retire_day_without_run": lambda engine, who, whose: records.retire_day_without_run(engine, who, whose.patient, TUESDAY),
    "records.add_run": lambda engine, who, whose: records.add_run(engine, who, whose.patient, run_on(TUESDAY)),
    "records.retire_run": lambda engine, who, whose: records.retire_run(engine, who, whose.run),
    "records.add_visit": lambda engine, who, whose: records.add_visit(
        engine, who, whose.episode, visit_date=TUESDAY, kind=SiteKind.VIRTUAL, status=VisitStatus.ARRIVED
    ),
    "records.add_plan": lambda engine, who, whose: records.add_plan(engine, who, whose.episode, valid_from=TUESDAY, reason=""),
    "records.add_change": lambda engine, who, whose: records.add_change(
        engine, who, whose.episode, day=TUESDAY, kind=ChangeKind.SHOE, label="New shoes"
    ),
    "imports.import_files": lambda engine, who, whose: imports.import_files(
        engine, who, whose.patient, [imports.Source("pain.csv", "date,moment,nprs\n2025-03-05,after,3\n".encode)], via="app"
    ),
}
# Lists, in which others' patients do not stand: name, and how to get the codes or keys in them.
LISTS: dict[str, Callable[[sa.Engine, Viewer, Whose], list[str]]] = {
    "queries.patients": lambda engine, who, _: [row.code for row in queries.patients(engine, who)],
    "queries.episodes": lambda engine, who, whose: [row.patient_code for row in queries.episodes(engine, who)],
    "queries.episodes(patient_key)": lambda engine, who, whose: [
        row.patient_code for row in queries.episodes(engine, who, patient_key=whose.patient)
    ],
    "queries.caseload": lambda engine, who, _: [row.patient_code for row in queries.caseload(engine, who, today=TODAY)],
}
# The clinic's own facts, and who may register or set: no patient in them.
OF_THE_CLINIC = {"queries.clinic", "queries.people", "queries.sites", "queries.time_zones", "records.add_patient", "records.set_week_start"}
# Steps inside a transaction whose caller has asked the lock, and plain makers of rows.
INNER = {
    "queries.trend_rows",
    "queries.caseload_statement",
    "records.week_start",
    "records.local_today",
    "records.pain_row",
    "records.same_scores",
    "records.open_sides",
    "records.only_side",
    "records.run_identity",
    "records.run_row",
    "records.same_run",
    "records.lookalike_run",
    "records.run_taken_back",
    "records.score_taken_back",
    "records.insert_run",
    "records.insert_day_without_run",
    "records.drop_day_without_run",
    "records.touch_runs",
    "imports.run_entry",
    "imports.sources_in",
}


def test_every_public_function_of_the_data_layer_is_tried_here() -> None:
    public = {
        f"{module.__name__.removeprefix('data.')}.{name}"
        for module in (queries, records, imports)
        for name, item in vars(module).items()
        if inspect.isfunction(item) and item.__module__ == module.__name__ and not name.startswith("_")
    }
    assert public == {*REFUSED, *(name.split("(")[0] for name in LISTS), *OF_THE_CLINIC, *INNER}


def test_what_does_not_ask_the_lock_is_used_inside_the_data_layer_only() -> None:
    names = {name.split(".")[1] for name in INNER - {"imports.sources_in", "records.local_today"}}
    outside = [*(ROOT / "clinic").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), *(ROOT / "access").rglob("*.py"), ROOT / "dashboard.py"]
    used = {
        f"{path.name}:{node.lineno} {node.attr if isinstance(node, ast.Attribute) else node.id}"
        for path in outside
        if path.exists()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) in ("queries", "records", "imports"))
        or (isinstance(node, ast.Name) and node.id in names and node.id not in ("week_start",))
    }
    assert used == set()


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


def a_patient(scene: Scene, code: str, by: Viewer, **of_episode: Any) -> Whose:
    patient = scene.patient(code, by)
    run = scene.run(patient, run_on(MONDAY), viewer=by)
    scene.score(patient, score_on(MONDAY, 3), viewer=by)
    episode = scene.episode(patient, by, **of_episode)
    patient_id = scene.rows("patient", key=patient)[0]["id"]
    return Whose(code, patient, episode, run, scene.rows("pain_score", patient_id=patient_id)[0]["id"])


def sees(engine: sa.Engine, viewer: Viewer, whose: Whose) -> bool:
    """Say if a viewer sees a patient, and that all reads agree on it."""
    answers = set()
    for name, call in REFUSED.items():
        if name.startswith("queries."):
            try:
                call(engine, viewer, whose)
                answers.add(True)
            except NotFound:
                answers.add(False)
    for call in LISTS.values():
        answers.add(whose.code in call(engine, viewer, whose))
    (answer,) = answers
    return answer


def test_a_therapist_sees_their_own_episodes_and_those_of_their_sites(scene: Scene) -> None:
    own = a_patient(scene, "OWN", scene.tess, site_id=scene.harbour)  # Theo's site
    of_site = a_patient(scene, "SITE", scene.theo, site_id=scene.lakeside)  # Tess's site
    of_theo = a_patient(scene, "THEO", scene.theo)
    nobodys = a_patient(scene, "FREE", scene.tess, therapist_id=None)
    reach = {
        whose.code: (sees(scene.engine, scene.tess, whose), sees(scene.engine, scene.theo, whose)) for whose in (own, of_site, of_theo)
    }
    assert reach == {"OWN": (True, True), "SITE": (True, True), "THEO": (False, True)}
    assert not sees(scene.engine, scene.tess, nobodys)  # she registered the patient, but there is an episode now, and it is not hers
    assert all(sees(scene.engine, COMMAND_LINE, whose) for whose in (own, of_site, of_theo, nobodys))


def test_a_therapist_sees_whom_they_registered_until_there_is_an_episode(scene: Scene) -> None:
    scene.patient("NEW", scene.theo)
    assert [row.code for row in queries.patients(scene.engine, scene.theo)] == ["NEW"]
    assert queries.patients(scene.engine, scene.tess) == []


def test_a_discharged_episode_still_is_in_reach_and_not_in_the_caseload(scene: Scene) -> None:
    whose = a_patient(scene, "DONE", scene.tess)
    with writing(scene.engine) as connection:
        connection.exec_driver_sql("UPDATE episode_of_care SET status = 'discharged'")
    assert queries.episode(scene.engine, scene.tess, whose.episode).status == "discharged"
    assert queries.caseload(scene.engine, scene.tess, today=TODAY) == []


def test_leaving_a_site_ends_the_reach_at_the_next_question(scene: Scene) -> None:
    whose = a_patient(scene, "SITE", scene.theo, site_id=scene.lakeside)
    with writing(scene.engine) as connection:
        connection.execute(sa.delete(PersonSite))
    moved = next(person for person in queries.people(scene.engine) if person.name == "Tess")
    assert sees(scene.engine, scene.tess, whose)  # as she was when she signed in
    assert not sees(scene.engine, moved, whose)


def viewers_without_reach(scene: Scene) -> dict[str, Viewer]:
    """Theo's patient is none of theirs."""
    everywhere = frozenset({scene.lakeside, scene.harbour})
    return {
        "another therapist": scene.tess,
        "the owner": scene.olga.model_copy(update={"site_ids": everywhere, "person_id": scene.theo.person_id}),
        "the front desk": scene.fred.model_copy(update={"site_ids": everywhere}),
        "owner and front desk": scene.olga.model_copy(update={"roles": frozenset({Role.OWNER, Role.FRONT_DESK}), "site_ids": everywhere}),
        "nobody": Viewer(person_id=None, name="", roles=frozenset()),
        "a therapist who is no person": Viewer(person_id=None, name="", roles=frozenset({Role.THERAPIST}), site_ids=everywhere),
    }


def test_others_find_nothing_and_change_nothing_and_cannot_tell_it_from_what_is_not_there(scene: Scene) -> None:
    theirs = a_patient(scene, "THEO", scene.theo, site_id=scene.harbour)
    before = scene.everything()
    for who, viewer in viewers_without_reach(scene).items():
        if who == "another therapist":
            assert viewer.site_ids == {scene.lakeside}
        for name, call in REFUSED.items():
            said = []
            for whose in (theirs, MISSING):
                with pytest.raises(NotFound) as caught:
                    call(scene.engine, viewer, whose)
                said.append((type(caught.value), str(caught.value)))
            assert said[0] == said[1], (who, name)
            assert theirs.code not in said[0][1]
        for name, call_list in LISTS.items():
            assert call_list(scene.engine, viewer, theirs) == call_list(scene.engine, viewer, MISSING) == [], (who, name)
    assert scene.everything() == before


def test_who_has_reach_may_do_all_of_it(scene: Scene) -> None:
    theirs = a_patient(scene, "THEO", scene.theo, site_id=scene.harbour)
    for name, call in REFUSED.items():
        if name != "records.add_episode":  # comes last: a second one
            call(scene.engine, scene.theo, theirs)
    REFUSED["records.add_episode"](scene.engine, scene.theo, theirs)
    for call_list in LISTS.values():
        assert set(call_list(scene.engine, scene.theo, theirs)) == {"THEO"}


def test_owner_and_front_desk_register_nobody_and_set_no_week(scene: Scene) -> None:
    entry = PatientEntry.checked(today=TODAY, code="ADA", time_zone=CHICAGO)
    for viewer in (scene.olga, scene.fred):
        with pytest.raises(NotFound):
            records.add_patient(scene.engine, viewer, entry)
        with pytest.raises(NotFound):
            records.set_week_start(scene.engine, viewer, 6)
    assert scene.rows("patient") == []
    assert queries.clinic(scene.engine).week_start == 0


def test_a_run_of_another_patient_cannot_be_named_nor_told_from_a_missing_one(scene: Scene) -> None:
    theirs, own = a_patient(scene, "THEO", scene.theo), scene.patient("ADA")
    said = set()
    for run in (theirs.run, 4711):
        with pytest.raises(ValueError, match="Choose the run again") as caught:
            scene.score(own, score_on(MONDAY, 3, moment=PainMoment.DURING, run_id=run))
        said.add(str(caught.value))
    assert len(said) == 1


def test_only_who_works_here_is_named(scene: Scene) -> None:
    with writing(scene.engine) as connection:
        connection.exec_driver_sql("UPDATE person SET is_active = false WHERE name = 'Fred'")
    people = {person.name: person for person in queries.people(scene.engine)}
    assert set(people) == {"Tess", "Theo", "Olga"}
    assert people["Tess"] == scene.tess


def test_a_therapist_with_the_owners_role_too_reaches_what_a_therapist_does(scene: Scene) -> None:
    theirs = a_patient(scene, "THEO", scene.theo, site_id=scene.harbour)
    both = scene.olga.model_copy(update={"roles": frozenset({Role.OWNER, Role.THERAPIST}), "site_ids": frozenset({scene.harbour})})
    assert sees(scene.engine, both, theirs)
