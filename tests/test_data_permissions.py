"""Who may see and write whose facts; what is not there and what is not theirs look alike."""

import ast
import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import data
from data import (
    audit,
    audit_check,
    audit_search,
    import_reports,
    import_undo,
    imports,
    limits,
    mappings,
    outcomes,
    people,
    permissions,
    plans,
    queries,
    records,
    reread,
    reviews,
    run_sources,
    runs,
    screens,
    strength,
    visits,
)
from data.database import writing
from data.importers.base import Importer, ReadFile, read_bytes
from data.permissions import COMMAND_LINE, GRANTS, Act, NotFound, Reach, Thing
from models import (
    ChangeKind,
    DiagnosisClass,
    EpisodeEntry,
    Instrument,
    LimitsEntry,
    NoRunEntry,
    OutcomeEntry,
    PainMoment,
    PatientEntry,
    PersonSite,
    PlanEntry,
    RestEntry,
    RestMoment,
    ReviewMark,
    Role,
    ScreenAnswer,
    ScreenEntry,
    ScreenItem,
    Side,
    SiteKind,
    StrengthEntry,
    Viewer,
    VisitEntry,
    VisitStatus,
)
from tests.clinic_scene import CHICAGO, TODAY, Scene, new_scene, noon, run_on, score_on
from tests.serving import ROOT

MONDAY, TUESDAY, RESTED = date(2025, 3, 3), date(2025, 3, 4), date(2025, 3, 6)


@dataclass(frozen=True)
class Whose:
    """What a patient's facts are reached by."""

    code: str
    patient: str
    episode: str
    run: int
    score: int
    # of what was imported: see `with_imports`
    batch: int = 4711
    other_run: int = 4711
    merged: int = 4711
    copy: int = 4711
    proposed: int = 4711
    held_back: int = 4711
    act: str = "no-such-key"
    # of what was done at a visit: see `with_care`
    visit: str = "no-such-key"
    open_yes: int = 4711
    answered: int = 4711
    outcome: int = 4711


MISSING = Whose(code="NOBODY", patient="no-such-key", episode="no-such-key", run=4711, score=4711)

LISTED = "started_at,distance_km,moving_time\n"


def longer(content: bytes, name: str) -> tuple[Importer, ReadFile]:
    """Read a file as another reader may: each run is a metre longer."""
    importer, read = read_bytes(content, name)
    return importer, replace(read, runs=tuple(replace(run, distance_m=run.distance_m + 1) for run in read.runs))


def doubting(content: bytes, name: str) -> tuple[Importer, ReadFile]:
    """Read a file as a reader does that holds back what is long."""
    importer, read = read_bytes(content, name)
    runs_read = tuple(replace(run, held_back=run.distance_m > 50_000, notes=("This may be a ride.",)) for run in read.runs)
    return importer, replace(read, runs=runs_read)


def with_imports(scene: "Scene", whose: "Whose") -> "Whose":
    """Import for a patient: a run of two files, one that is proposed, one that is held back; and let one act be decided."""
    first = date(2023, 1, 2) + timedelta(days=8 * (next(_NEW) % 90))  # days of their own each time

    def listed(*told: tuple[int, str, float, str]) -> str:
        lines = (f"{first + timedelta(days=days)}T{at},{km},{moving}" for days, at, km, moving in told)
        return LISTED + "\n".join(lines) + "\n"

    contents = [
        listed((0, "07:00", 7, "40:00")),
        listed((0, "07:01", 7.1, "40:00")),
        listed((0, "09:00", 7, "40:00")),
        listed((2, "07:00", 55, "3:00:00")),
        listed((4, "07:00", 5, "30:00"), (4, "12:00", 3, "20:00")),
    ]
    sources = [imports.Source(f"{number}.csv", text.encode) for number, text in enumerate(contents)]
    report = imports.import_files(scene.engine, COMMAND_LINE, whose.patient, sources, via="app", reader=doubting)
    patient_id = scene.rows("patient", key=whose.patient)[0]["id"]
    one, other_one = (run.id for run in report.files[4].runs)
    act = runs.merge_runs(scene.engine, COMMAND_LINE, one, other_one)
    merged = report.files[0].runs[0].id
    other = runs.add_run(scene.engine, COMMAND_LINE, whose.patient, run_on(first + timedelta(days=6)))
    return replace(
        with_care(scene, whose),
        batch=report.batch_id,
        merged=merged,
        copy=scene.rows("run_copy", run_id=merged)[1]["id"],
        proposed=scene.rows("run", patient_id=patient_id, standing="proposed")[-1]["id"],
        held_back=scene.rows("run", patient_id=patient_id, standing="held_back")[-1]["id"],
        other_run=other,
        act=act,
    )


def with_care(scene: "Scene", whose: "Whose") -> "Whose":
    """Have a visit recorded, a red-flag question answered yes and one no, an outcome taken, and the episode reviewed by both therapists."""
    engine, day = scene.engine, TUESDAY - timedelta(days=next(_TOLD) % 700)
    visit = visits.record_visit(engine, COMMAND_LINE, whose.episode, visit_told("Looked at"))
    answers = {ScreenItem.LOW_ENERGY: ScreenAnswer.YES, ScreenItem.FRAGILE_BONE: ScreenAnswer.NO}
    screens.add_screen(engine, COMMAND_LINE, whose.episode, ScreenEntry.checked(today=TODAY, asked_on=MONDAY, answers=answers))
    asked = screens.screen_answers(engine, COMMAND_LINE, whose.episode)
    open_yes = asked.loc[(asked["answer"] == "yes") & asked["closed_on"].isna(), "answer_id"]
    told = OutcomeEntry.checked(today=TODAY, instrument=Instrument.UWRI, taken_on=day, total=20)
    outcome = outcomes.add_outcome(engine, COMMAND_LINE, whose.episode, told)
    episode_id = scene.rows("episode_of_care", key=whose.episode)[0]["id"]
    with writing(engine) as connection:
        marks = [{"episode_id": episode_id, "person_id": who.person_id} for who in (scene.tess, scene.theo)]
        connection.execute(sa.insert(ReviewMark), marks)
    return replace(
        whose,
        visit=visit,
        open_yes=int(open_yes.iloc[-1]),
        answered=int(asked.loc[asked["item"] == ScreenItem.FRAGILE_BONE, "answer_id"].iloc[-1]),
        outcome=outcome,
    )


def visit_told(said: str) -> VisitEntry:
    return VisitEntry.checked(today=TODAY, visit_date=TUESDAY, kind=SiteKind.IN_PERSON, summary=said)


def a_day() -> date:
    """Give a day on which nothing was told yet."""
    return MONDAY - timedelta(days=1 + next(_TOLD) % 2_000)


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
    "records.retire_day_without_run": lambda engine, who, whose: records.retire_day_without_run(engine, who, whose.patient, RESTED),
    "runs.add_run": lambda engine, who, whose: runs.add_run(engine, who, whose.patient, run_on(TUESDAY)),
    "runs.retire_run": lambda engine, who, whose: runs.retire_run(engine, who, whose.run),
    "records.add_visit": lambda engine, who, whose: records.add_visit(
        engine, who, whose.episode, visit_date=TUESDAY, kind=SiteKind.VIRTUAL, status=VisitStatus.ARRIVED
    ),
    "plans.add_plan_version": lambda engine, who, whose: plans.add_plan_version(
        engine, who, whose.episode, PlanEntry.checked(today=MONDAY, valid_from=MONDAY, runs_per_week=3), based_on_version=0
    ),
    "plans.plan_weeks": lambda engine, who, whose: plans.plan_weeks(engine, who, whose.episode),
    "visits.visit": lambda engine, who, whose: visits.visit(engine, who, whose.visit),
    "visits.earlier_notes": lambda engine, who, whose: visits.earlier_notes(engine, who, whose.visit),
    "visits.strength_given": lambda engine, who, whose: visits.strength_given(engine, who, whose.episode),
    "visits.record_visit": lambda engine, who, whose: visits.record_visit(engine, who, whose.episode, visit_told("First visit")),
    "visits.write_note": lambda engine, who, whose: visits.write_note(engine, who, whose.visit, f"Note {next(_TOLD)}"),
    "visits.set_visit_status": lambda engine, who, whose: visits.set_visit_status(engine, who, whose.visit, VisitStatus.CANCELLED),
    "screens.screen_answers": lambda engine, who, whose: screens.screen_answers(engine, who, whose.episode),
    "screens.screen_history": lambda engine, who, whose: screens.screen_history(engine, who, whose.episode),
    "screens.add_screen": lambda engine, who, whose: screens.add_screen(
        engine,
        who,
        whose.episode,
        ScreenEntry.checked(today=TODAY, asked_on=a_day(), answers={ScreenItem.NERVE_SIGNS: ScreenAnswer.NO}),
    ),
    "screens.correct_screen_answer": lambda engine, who, whose: screens.correct_screen_answer(
        engine, who, whose.answered, ScreenAnswer.NOT_ASKED
    ),
    "screens.close_screen_answer": lambda engine, who, whose: screens.close_screen_answer(engine, who, whose.open_yes, "Seen by the GP"),
    "outcomes.outcomes": lambda engine, who, whose: outcomes.outcomes(engine, who, whose.episode),
    "outcomes.add_outcome": lambda engine, who, whose: outcomes.add_outcome(
        engine, who, whose.episode, OutcomeEntry.checked(today=TODAY, instrument=Instrument.LEFS, taken_on=a_day(), total=60)
    ),
    "outcomes.correct_outcome": lambda engine, who, whose: outcomes.correct_outcome(engine, who, whose.outcome, None),
    "strength.strength_sessions": lambda engine, who, whose: strength.strength_sessions(engine, who, whose.episode),
    "strength.set_strength_sessions": lambda engine, who, whose: strength.set_strength_sessions(
        engine, who, whose.episode, StrengthEntry.checked(today=TODAY, done_on=a_day())
    ),
    "limits.limit_history": lambda engine, who, whose: limits.limit_history(engine, who, whose.patient),
    "limits.set_limits": lambda engine, who, whose: limits.set_limits(
        engine, who, whose.patient, LimitsEntry.checked(max_step_ratio=1.2 + next(_TOLD) / 100_000)
    ),
    "reviews.reviews": lambda engine, who, whose: reviews.reviews(engine, who, whose.episode),
    "reviews.mark_reviewed": lambda engine, who, whose: reviews.mark_reviewed(engine, who, whose.episode, now=noon(a_day())),
    "reviews.undo_review": lambda engine, who, whose: reviews.undo_review(engine, who, whose.episode),
    "records.add_change": lambda engine, who, whose: records.add_change(
        engine, who, whose.episode, day=TUESDAY, kind=ChangeKind.SHOE, label="New shoes"
    ),
    "runs.merge_runs": lambda engine, who, whose: runs.merge_runs(engine, who, whose.merged, whose.other_run),
    "runs.split_run": lambda engine, who, whose: runs.split_run(engine, who, whose.merged, whose.copy),
    "runs.call_two_runs": lambda engine, who, whose: runs.call_two_runs(engine, who, whose.proposed),
    "runs.accept_run": lambda engine, who, whose: runs.accept_run(engine, who, whose.held_back),
    "runs.undo_act": lambda engine, who, whose: runs.undo_act(engine, who, whose.act),
    "run_sources.run_sources": lambda engine, who, whose: run_sources.run_sources(engine, who, whose.run),
    "run_sources.waiting_runs": lambda engine, who, whose: run_sources.waiting_runs(engine, who, whose.patient),
    "run_sources.decisions": lambda engine, who, whose: run_sources.decisions(engine, who, whose.patient),
    "import_reports.batches": lambda engine, who, whose: import_reports.batches(engine, who, whose.patient),
    "import_reports.batch_report": lambda engine, who, whose: import_reports.batch_report(engine, who, whose.patient, whose.batch),
    "mappings.tables_waiting": lambda engine, who, whose: mappings.tables_waiting(engine, who, whose.patient, whose.batch),
    "import_undo.undo_import": lambda engine, who, whose: import_undo.undo_import(engine, who, whose.patient, whose.batch),
    "reread.reread": lambda engine, who, whose: reread.reread(engine, who, whose.patient, apply=True, reader=longer),
    "audit.viewed": lambda engine, who, whose: audit.viewed(engine, who, "episode", episode_key=whose.episode),
    "audit.may_take_away": lambda engine, who, whose: audit.may_take_away(engine, who, whose.patient),
    "audit.taken_away": lambda engine, who, whose: audit.taken_away(engine, who, whose.patient, "runs", rows=1, sha256=""),
    "imports.may_import": lambda engine, who, whose: imports.may_import(engine, who, whose.patient),
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
# No patient is named: who may is all there is to it.
WHOLE_CLINIC: dict[str, Callable[[sa.Engine, Viewer], object]] = {
    "records.add_patient": lambda engine, who: records.add_patient(
        engine, who, PatientEntry.checked(today=TODAY, code=f"NEW-{next(_NEW)}", time_zone=CHICAGO)
    ),
    "records.set_week_start": lambda engine, who: records.set_week_start(engine, who, 0),
    "records.set_therapists_see_site": lambda engine, who: records.set_therapists_see_site(
        engine, who, queries.clinic(engine).therapists_see_site
    ),
    "records.set_sign_in_rules": lambda engine, who: records.set_sign_in_rules(
        engine, who, idle_minutes=10 + next(_NEW) % 2, session_hours=12, require_second_factor=False
    ),
    "records.add_site": lambda engine, who: records.add_site(engine, who, f"Site {next(_NEW)}", SiteKind.VIRTUAL),
    "people.everybody": people.everybody,
    "people.add_person": lambda engine, who: people.add_person(engine, who, name="Nia", roles=[Role.THERAPIST]),
    "people.set_roles": lambda engine, who: people.set_roles(engine, who, freds_key(engine), other_roles(engine)),
    "people.set_sites": lambda engine, who: people.set_sites(engine, who, freds_key(engine), other_sites(engine)),
    "people.set_active": lambda engine, who: people.set_active(engine, who, freds_key(engine), not fred_of(engine).is_active),
    "people.set_account": lambda engine, who: people.set_account(engine, who, freds_key(engine), f"fred-{next(_NEW)}"),
    "people.changing": lambda engine, who: told_something(engine, who, freds_key(engine)),
    "mappings.remember": lambda engine, who: mappings.remember(engine, who, "key", {"date": f"Day {next(_NEW)}"}),
    "mappings.mapping": lambda engine, who: mappings.mapping(engine, who, "key"),
    "queries.counts": queries.counts,
    "audit_search.search": lambda engine, who: audit_search.search(engine, who, limit=1),
    "audit_search.newest_number": audit_search.newest_number,
    "audit_search.people": audit_search.people,
    "audit_check.check": audit_check.check,
}
_NEW, _TOLD = itertools.count(), itertools.count()


def fred_of(engine: sa.Engine) -> people.PersonRow:
    """Give Fred of the front desk as he is now: whom the functions of data/people.py are tried on."""
    return next(row for row in people.everybody(engine, COMMAND_LINE) if row.name == "Fred")


def freds_key(engine: sa.Engine) -> str:
    return fred_of(engine).key


def other_roles(engine: sa.Engine) -> set[Role]:
    return {Role.FRONT_DESK, Role.THERAPIST} ^ (fred_of(engine).roles - {Role.FRONT_DESK})


def other_sites(engine: sa.Engine) -> set[int]:
    return {site_id for site_id, _, _ in queries.sites(engine)} - fred_of(engine).site_ids


def told_something(engine: sa.Engine, who: Viewer, key: str) -> None:
    with people.changing(engine, who, key) as change:
        change.tell("something", "before", "after")


# Lists without codes in them: tests of their own try them.
TRIED_APART = {"queries.time_zones", "reviews.newest_reviews", "visits.appointments"}
GRANT_OF = {name: grant for grant in GRANTS for name in grant.functions}
# Who works where, and what the clinic is called: asked before anybody is known. The first owner is made by nobody, once.
OPEN = {"queries.clinic", "queries.people", "queries.sites", "people.has_owner", "people.add_first_owner"}
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
    "records.score_taken_back",
    "records.insert_day_without_run",
    "records.drop_day_without_run",
    "records.touch_runs",
    "audit.record_each",
    "plans.plan_row",
    "screens.visit_of",
    "outcomes.outcome_details",
    "runs.told_of",
    "runs.run_row",
    "runs.changes_told",
    "merging.identity_of",
    "merging.read_copies",
    "merging.read_ledger",
    "dropped_days.settle_days",
    "originals.is_worth_keeping",
    "originals.packed_original",
    "originals.keep",
    "originals.kept_bytes",
    "originals.forget",
    "import_rows.run_entry",
    "import_rows.zone_words",
    "import_rows.day_written",
    "import_rows.stays_away",
    "import_entries.store_entries",
    "import_reports.stored_report",
    "import_reports.runs_of_files",
    "mappings.read_as_said",
    "audit.record",
    "audit.changing",
    "audit.noting_refusals",
    "audit_key.make_key",
    "audit_key.secret_of",
    "audit_key.head_file",
    "audit_key.read_head",
    "audit_key.remember_head",
    "audit_key.row_mac",
    "audit_check.verify",
}
INNER_FILES = {name.split(".")[0] for name in INNER}
# Files of data/ whose functions know no viewer: below the lock, the lock itself, or with made-up people only.
BELOW_THE_LOCK = {
    "database",
    "demo",
    "demo_care",
    "demo_cast",
    "demo_courses",
    "demo_history",
    "demo_rows",
    "demo_runs",
    "demo_written",
    "excel",
    "exports",
    "frames",
    "many_rows",
    "matching",
    "permissions",
    "reading",
    "run_copies",
    "series",
    "sources",
    "weeks",
}
# Of those, what others may use: the rest stays inside data/.
FOR_OTHERS = {"database", "excel", "exports", "permissions"}


def test_every_public_function_of_the_data_layer_is_tried_here() -> None:
    public = set()
    for module in pkgutil.iter_modules(data.__path__):
        if module.name in BELOW_THE_LOCK | {"__main__", "importers", "migrations"}:
            continue
        functions = vars(importlib.import_module(f"data.{module.name}"))
        public |= {
            f"{module.name}.{name}"
            for name, item in functions.items()
            if inspect.isfunction(item) and item.__module__ == f"data.{module.name}" and not name.startswith("_")
        }
    tried = {*REFUSED, *(name.split("(")[0] for name in LISTS), *WHOLE_CLINIC, *TRIED_APART}
    assert public == tried | OPEN | INNER
    assert tried == set(GRANT_OF)


def test_the_page_on_roles_is_the_table() -> None:
    assert permissions.roles_table() in (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")


def test_what_does_not_ask_the_lock_is_used_inside_the_data_layer_only() -> None:
    names = {name.split(".")[1] for name in INNER - {"records.local_today", "audit.record"}}
    outside = [*(ROOT / "clinic").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), *(ROOT / "access").rglob("*.py"), ROOT / "dashboard.py"]
    used = {
        f"{path.name}:{node.lineno} {node.attr if isinstance(node, ast.Attribute) else node.id}"
        for path in outside
        if path.exists()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) in INNER_FILES)
        or (isinstance(node, ast.Name) and node.id in names and node.id not in ("week_start",))
    }
    assert used == set()
    imported = {
        f"{path.name} imports {alias.name}"
        for path in outside
        if path.exists()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "data"
        for alias in node.names
        if alias.name in BELOW_THE_LOCK - FOR_OTHERS
    }
    assert imported == set()


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


def rested(scene: Scene, whose: Whose) -> None:
    """Have it told that the patient did not run on a day, so that it can be taken back."""
    records.add_day_without_run(scene.engine, COMMAND_LINE, whose.patient, NoRunEntry.checked(today=TODAY, day=RESTED))


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
    rested(scene, theirs)
    theirs = with_imports(scene, theirs)
    before = scene.everything()
    for who, viewer in viewers_without_reach(scene).items():
        if who == "another therapist":
            assert viewer.site_ids == {scene.lakeside}
        for name, call in REFUSED.items():
            if GRANT_OF[name].reach(viewer) is Reach.ALL:
                continue
            said = []
            for whose in (theirs, MISSING):
                with pytest.raises(NotFound) as caught:
                    call(scene.engine, viewer, whose)
                said.append((type(caught.value), str(caught.value)))
            assert said[0] == said[1], (who, name)
            assert theirs.code not in said[0][1]
        for name, call_list in LISTS.items():
            if GRANT_OF[name.split("(")[0]].reach(viewer) is Reach.ALL:
                continue
            assert call_list(scene.engine, viewer, theirs) == call_list(scene.engine, viewer, MISSING) == [], (who, name)
    assert scene.everything() == before


def test_the_time_zones_are_those_of_the_patients_in_reach(scene: Scene) -> None:
    entry = PatientEntry.checked(today=TODAY, code="FAR", time_zone="Asia/Tokyo")
    patient = records.add_patient(scene.engine, scene.theo, entry)
    scene.episode(patient, scene.theo, site_id=scene.harbour)
    for who, viewer in viewers_without_reach(scene).items():
        assert queries.time_zones(scene.engine, viewer) == [], who
    a_patient(scene, "OWN", scene.tess)
    assert queries.time_zones(scene.engine, scene.tess) == [CHICAGO]
    assert queries.time_zones(scene.engine, scene.theo) == ["Asia/Tokyo"]
    assert set(queries.time_zones(scene.engine, COMMAND_LINE)) == {CHICAGO, "Asia/Tokyo"}


def test_the_newest_reviews_are_those_of_the_episodes_in_reach(scene: Scene) -> None:
    theirs = with_care(scene, a_patient(scene, "THEO", scene.theo, site_id=scene.harbour))
    for who, viewer in viewers_without_reach(scene).items():
        assert reviews.newest_reviews(scene.engine, viewer) == {}, who
    own = with_care(scene, a_patient(scene, "OWN", scene.tess))
    assert set(reviews.newest_reviews(scene.engine, scene.tess)) == {own.episode}
    assert set(reviews.newest_reviews(scene.engine, COMMAND_LINE)) == {own.episode, theirs.episode}


def test_the_appointments_of_a_day_are_those_in_reach_and_the_front_desk_knows_all_and_nothing_of_what_was_done(scene: Scene) -> None:
    with_care(scene, a_patient(scene, "THEO", scene.theo, site_id=scene.harbour))
    for who, viewer in viewers_without_reach(scene).items():
        if "front desk" not in who:
            assert visits.appointments(scene.engine, viewer, day=TUESDAY) == [], who
    (row,) = visits.appointments(scene.engine, scene.fred, day=TUESDAY)
    assert (row.patient_code, row.status) == ("THEO", VisitStatus.ARRIVED)
    assert "Looked at" not in repr(row)
    assert [row.patient_code for row in visits.appointments(scene.engine, scene.theo, day=TUESDAY)] == ["THEO"]
    assert visits.appointments(scene.engine, scene.fred, day=MONDAY) == []


def test_who_has_reach_may_do_all_of_it(scene: Scene) -> None:
    theirs = a_patient(scene, "THEO", scene.theo, site_id=scene.harbour)
    rested(scene, theirs)
    theirs = with_imports(scene, theirs)
    for name, call in REFUSED.items():
        if name != "records.add_episode":  # comes last: a second one
            call(scene.engine, scene.theo, theirs)
    REFUSED["records.add_episode"](scene.engine, scene.theo, theirs)
    for call_list in LISTS.values():
        assert set(call_list(scene.engine, scene.theo, theirs)) == {"THEO"}


def reached(call: Callable[[], object]) -> bool:
    """Say if a call was let in. What is stored already, or was meanwhile, is said to those who are in."""
    try:
        call()
    except NotFound:
        return False
    except ValueError:  # AlreadyThere
        return True
    return True


def expected(grant: permissions.Grant, who: Viewer, whose: str, *, see_site: bool) -> bool:
    if whose == "missing":
        return False
    theirs = whose == "own" or (whose == "site" and see_site)
    return {Reach.NONE: False, Reach.THEIRS: theirs, Reach.ALL: True}[grant.reach(who)]


@pytest.mark.parametrize("see_site", [True, False], ids=["sites are seen", "own only"])
def test_each_role_at_each_function_and_patient(scene: Scene, see_site: bool) -> None:
    whose = {
        "own": a_patient(scene, "OWN", scene.tess, site_id=scene.harbour),
        "site": a_patient(scene, "SITE", scene.theo, site_id=scene.lakeside),
        "foreign": a_patient(scene, "FOREIGN", scene.theo, site_id=scene.harbour),
        "missing": MISSING,
    }
    records.set_therapists_see_site(scene.engine, scene.olga, see_site)
    pairs, wrong = 0, []
    roles = [frozenset(some) for count in range(len(Role) + 1) for some in itertools.combinations(Role, count)]
    for given, (which, patient) in itertools.product(roles, whose.items()):
        who = scene.tess.model_copy(update={"roles": given})
        if patient is not MISSING:
            rested(scene, patient)
            patient = with_imports(scene, patient)  # noqa: PLW2901 - the same one, with what was imported for them now
        tried: dict[str, bool] = {}
        for name, call in REFUSED.items():
            if name != "records.add_episode" or Role.THERAPIST not in given or which != "site":  # it would become an own one
                tried[name] = reached(lambda call=call, who=who, patient=patient: call(scene.engine, who, patient))  # type: ignore[misc]
        for name, call_list in LISTS.items():
            tried[name] = patient.code in call_list(scene.engine, who, patient)
        for name, answer in tried.items():
            pairs += 1
            if answer != expected(GRANT_OF[name.split("(")[0]], who, which, see_site=see_site):
                wrong.append((sorted(given), which, name, answer))
    for given, (name, call_clinic) in itertools.product(roles, WHOLE_CLINIC.items()):
        who = scene.tess.model_copy(update={"roles": given})
        pairs += 1
        if reached(lambda call=call_clinic, who=who: call(scene.engine, who)) != (GRANT_OF[name].reach(who) is Reach.ALL):  # type: ignore[misc]
            wrong.append((sorted(given), "the clinic", name, None))
    print(f"{pairs} pairs of role and object tried, {len(wrong)} wrong")
    assert wrong == []
    assert pairs > 1_000  # on either database, with and without the sites: over 4,000 in all


def test_the_command_line_reaches_everything(scene: Scene) -> None:
    whose = a_patient(scene, "OWN", scene.tess)
    rested(scene, whose)
    whose = with_imports(scene, whose)
    assert all(reached(lambda call=call: call(scene.engine, COMMAND_LINE, whose)) for call in REFUSED.values())  # type: ignore[misc]
    assert all(reached(lambda call=call: call(scene.engine, COMMAND_LINE)) for call in WHOLE_CLINIC.values())  # type: ignore[misc]


def test_the_owner_counts_without_a_patient_in_it(scene: Scene) -> None:
    a_patient(scene, "ONE", scene.tess)
    scene.patient("TWO")
    assert queries.counts(scene.engine, scene.olga) == queries.ClinicCounts(patients=2, active_episodes=1, discharged_episodes=0)


def test_the_front_desk_registers_and_a_therapist_of_the_site_takes_over(scene: Scene) -> None:
    patient = scene.patient("ADA", scene.fred)
    assert [row.code for row in queries.patients(scene.engine, scene.fred)] == ["ADA"]
    assert [row.code for row in queries.patients(scene.engine, scene.tess)] == ["ADA"]  # of Lakeside, as Fred
    assert queries.patients(scene.engine, scene.theo) == []
    scene.episode(patient, scene.tess)
    assert queries.episodes(scene.engine, scene.fred) == []


def test_the_front_desk_books_and_writes_nothing_of_what_was_said(scene: Scene) -> None:
    whose = a_patient(scene, "ADA", scene.tess)
    booking = {"visit_date": TUESDAY, "kind": SiteKind.VIRTUAL, "status": VisitStatus.BOOKED}
    records.add_visit(scene.engine, scene.fred, whose.episode, **booking)  # type: ignore[arg-type]
    assert [row["therapist_id"] for row in scene.rows("visit")] == [scene.tess.person_id]
    with pytest.raises(NotFound):
        records.add_visit(scene.engine, scene.fred, whose.episode, summary="Hip still sore", **booking)  # type: ignore[arg-type]
    assert permissions.reach(scene.fred, Thing.FACTS, Act.WRITE) is Reach.NONE


def test_the_owner_registers_nobody_and_sets_the_week_and_a_therapist_does_not(scene: Scene) -> None:
    with pytest.raises(NotFound):
        scene.patient("ADA", scene.olga)
    for viewer in (scene.tess, scene.fred):
        with pytest.raises(NotFound):
            records.set_week_start(scene.engine, viewer, 6)
    assert queries.clinic(scene.engine).week_start == 0
    records.set_week_start(scene.engine, scene.olga, 6)
    assert queries.clinic(scene.engine).week_start == 6
    assert scene.rows("patient") == []


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
