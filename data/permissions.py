"""
The lock: who may see or write which patient. Every function of data/ that touches a patient asks here.

`GRANTS` is the whole of it as data: for each thing and act how far each role reaches, and which functions ask for it. docs/roles.md is
this table, and the tests try each role at each function.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from models import Clinic, EpisodeOfCare, Patient, PersonRole, PersonSite, Role, Viewer

COMMAND_LINE = Viewer(person_id=None, name="command line", roles=frozenset(Role), source="command line", reaches_all=True)


class Thing(StrEnum):
    """What is asked for."""

    REGISTER = "the register: names and birth dates of patients"
    FACTS = "what is known of a patient: episodes, runs, pain, plans, visits"
    BOOKING = "appointments, without what was said at them"
    CLOSING = "a yes to a red-flag question, closed with a note"
    EXPORT = "a patient's facts as a file or on paper"
    COUNTS = "how many patients and episodes the clinic has"
    SETTINGS = "the clinic's settings"
    PEOPLE = "who works here, their roles and accounts"
    MAPPINGS = "what the columns of strangers' tables mean"
    AUDIT = "who saw or changed what"


class Act(StrEnum):
    SEE = "see"
    WRITE = "write"


class Reach(StrEnum):
    """How far a role reaches; a person with several roles reaches as far as the furthest."""

    NONE = "no"
    THEIRS = "theirs"  # own patients, and those of their sites if the clinic has it so
    ALL = "all"


@dataclass(frozen=True)
class Grant:
    """How far each role reaches at one thing, and the functions that ask for it."""

    thing: Thing
    act: Act
    owner: Reach
    therapist: Reach
    front_desk: Reach
    functions: tuple[str, ...]

    def reach(self, viewer: Viewer) -> Reach:
        """Say how far somebody with these roles reaches."""
        if viewer.reaches_all:
            return Reach.ALL
        of_role = {Role.OWNER: self.owner, Role.THERAPIST: self.therapist, Role.FRONT_DESK: self.front_desk}
        given = {of_role[role] for role in viewer.roles} if viewer.person_id is not None else set()
        return next((reach for reach in (Reach.ALL, Reach.THEIRS) if reach in given), Reach.NONE)


GRANTS = (
    Grant(
        Thing.REGISTER,
        Act.SEE,
        owner=Reach.NONE,
        therapist=Reach.THEIRS,
        front_desk=Reach.ALL,
        functions=("queries.patients", "queries.patient", "queries.patient_key"),
    ),
    Grant(Thing.REGISTER, Act.WRITE, owner=Reach.NONE, therapist=Reach.ALL, front_desk=Reach.ALL, functions=("records.add_patient",)),
    Grant(
        Thing.FACTS,
        Act.SEE,
        owner=Reach.NONE,
        therapist=Reach.THEIRS,
        front_desk=Reach.NONE,
        functions=(
            "audit.viewed",
            "queries.episode",
            "queries.episodes",
            "queries.caseload",
            "queries.time_zones",
            "queries.runs",
            "queries.run_minutes",
            "queries.run_files",
            "queries.scores",
            "queries.score_history",
            "queries.rest_answers",
            "queries.coverage",
            "queries.weeks",
            "queries.plans",
            "queries.visits",
            "queries.changes",
            "plans.plan_weeks",
            "visits.visit",
            "visits.earlier_notes",
            "visits.strength_given",
            "screens.screen_answers",
            "screens.screen_history",
            "outcomes.outcomes",
            "strength.strength_sessions",
            "limits.limit_history",
            "reviews.reviews",
            "reviews.newest_reviews",
            "run_sources.run_sources",
            "run_sources.waiting_runs",
            "run_sources.decisions",
            "import_reports.batches",
            "import_reports.batch_report",
            "mappings.tables_waiting",
        ),
    ),
    Grant(
        Thing.FACTS,
        Act.WRITE,
        owner=Reach.NONE,
        therapist=Reach.THEIRS,
        front_desk=Reach.NONE,
        functions=(
            "imports.may_import",
            "imports.import_files",
            "import_undo.undo_import",
            "reread.reread",
            "records.add_episode",
            "runs.add_run",
            "runs.retire_run",
            "runs.merge_runs",
            "runs.split_run",
            "runs.call_two_runs",
            "runs.accept_run",
            "runs.undo_act",
            "records.add_pain_scores",
            "records.add_diary_day",
            "records.correct_pain_score",
            "records.add_rest_answer",
            "records.add_day_without_run",
            "records.retire_day_without_run",
            "records.add_change",
            "plans.add_plan_version",
            "visits.record_visit",
            "visits.write_note",
            "screens.add_screen",
            "screens.correct_screen_answer",
            "outcomes.add_outcome",
            "outcomes.correct_outcome",
            "strength.set_strength_sessions",
            "limits.set_limits",
            "reviews.mark_reviewed",
            "reviews.undo_review",
        ),
    ),
    Grant(
        Thing.CLOSING,
        Act.WRITE,
        owner=Reach.NONE,
        therapist=Reach.THEIRS,
        front_desk=Reach.NONE,
        functions=("screens.close_screen_answer",),
    ),
    Grant(
        Thing.BOOKING,
        Act.SEE,
        owner=Reach.NONE,
        therapist=Reach.THEIRS,
        front_desk=Reach.ALL,
        functions=("visits.appointments",),
    ),
    Grant(
        Thing.BOOKING,
        Act.WRITE,
        owner=Reach.NONE,
        therapist=Reach.THEIRS,
        front_desk=Reach.ALL,
        functions=("records.add_visit", "visits.set_visit_status"),
    ),
    Grant(
        Thing.EXPORT,
        Act.SEE,
        owner=Reach.NONE,
        therapist=Reach.THEIRS,
        front_desk=Reach.NONE,
        functions=("audit.may_take_away", "audit.taken_away"),
    ),
    Grant(Thing.COUNTS, Act.SEE, owner=Reach.ALL, therapist=Reach.NONE, front_desk=Reach.NONE, functions=("queries.counts",)),
    Grant(
        Thing.SETTINGS,
        Act.WRITE,
        owner=Reach.ALL,
        therapist=Reach.NONE,
        front_desk=Reach.NONE,
        functions=("records.set_week_start", "records.set_therapists_see_site", "records.set_sign_in_rules", "records.add_site"),
    ),
    Grant(Thing.PEOPLE, Act.SEE, owner=Reach.ALL, therapist=Reach.NONE, front_desk=Reach.NONE, functions=("people.everybody",)),
    Grant(
        Thing.PEOPLE,
        Act.WRITE,
        owner=Reach.ALL,
        therapist=Reach.NONE,
        front_desk=Reach.NONE,
        functions=(
            "people.add_person",
            "people.set_roles",
            "people.set_sites",
            "people.set_active",
            "people.set_account",
            "people.changing",
        ),
    ),
    Grant(
        Thing.AUDIT,
        Act.SEE,
        owner=Reach.ALL,
        therapist=Reach.THEIRS,
        front_desk=Reach.NONE,
        functions=("audit_search.search", "audit_search.newest_number", "audit_search.people", "audit_check.check"),
    ),
    Grant(Thing.MAPPINGS, Act.SEE, owner=Reach.NONE, therapist=Reach.ALL, front_desk=Reach.NONE, functions=("mappings.mapping",)),
    Grant(Thing.MAPPINGS, Act.WRITE, owner=Reach.NONE, therapist=Reach.ALL, front_desk=Reach.NONE, functions=("mappings.remember",)),
)
_GRANTED = {(grant.thing, grant.act): grant for grant in GRANTS}


class NotFound(LookupError):
    """There is no such thing for this viewer. What is not there and what is not theirs look alike."""

    def __init__(self, what: str = "patient") -> None:
        super().__init__(f"There is no such {what} here.")


def reach(viewer: Viewer, thing: Thing, act: Act) -> Reach:
    """Say how far a viewer reaches at a thing."""
    return _GRANTED[thing, act].reach(viewer)


def require(viewer: Viewer, thing: Thing, act: Act, what: str = "patient") -> None:
    """
    Refuse who does not reach all of a thing. `what` is what they then do not find.

    Raises
    ------
    NotFound
    """
    if reach(viewer, thing, act) is not Reach.ALL:
        raise NotFound(what)


def reachable(viewer: Viewer, thing: Thing = Thing.FACTS, act: Act = Act.SEE) -> sa.ColumnElement[bool]:
    """
    Say which patients a viewer may see, as a condition on `patient`.

    Theirs are the patients of their own episodes; those of episodes at their sites, if the clinic has it so; those without an episode
    whom they registered, or the front desk of one of their sites, so that a therapist can open the first.
    """
    reaches = reach(viewer, thing, act)
    if reaches is Reach.ALL:
        return sa.true()
    if reaches is Reach.NONE:
        return sa.false()
    episode = sa.select(col(EpisodeOfCare.id)).where(col(EpisodeOfCare.patient_id) == col(Patient.id)).correlate(Patient)
    site_ids = sorted(viewer.site_ids)
    by_site = sa.exists(sa.select(col(Clinic.id)).where(col(Clinic.therapists_see_site).is_(True)).correlate(None))
    at_site = sa.and_(col(EpisodeOfCare.site_id).in_(site_ids), by_site)
    desk = (
        sa.select(col(PersonRole.person_id))
        .join(PersonSite, col(PersonSite.person_id) == col(PersonRole.person_id))
        .where(col(PersonRole.role) == Role.FRONT_DESK, col(PersonSite.site_id).in_(site_ids))
        .correlate(None)
    )
    registered = sa.or_(col(Patient.created_by_id) == viewer.person_id, col(Patient.created_by_id).in_(desk))
    return sa.or_(
        sa.exists(episode.where(sa.or_(col(EpisodeOfCare.therapist_id) == viewer.person_id, at_site))),
        sa.and_(registered, ~sa.exists(episode)),
    )


def held(statement: sa.Select[*tuple[Any, ...]], connection: sa.Connection) -> sa.Select[*tuple[Any, ...]]:
    """
    Hold the patients that a statement reads until the transaction ends, if it writes.

    So two writers of one patient come one after the other, and neither counts weeks without the other's rows. (SQLite has one writer
    at a time anyway and leaves this out.)
    """
    return statement.with_for_update(of=Patient) if connection.get_execution_options().get("writes") else statement


def patient_row(
    connection: sa.Connection,
    viewer: Viewer,
    *,
    key: str | None = None,
    code: str | None = None,
    thing: Thing = Thing.FACTS,
    act: Act = Act.SEE,
) -> sa.Row[*tuple[Any, ...]]:
    """
    Find one patient by key or code, if the viewer may see (or write) that thing of them. A writing transaction holds the patient until its end.

    Raises
    ------
    NotFound
        If there is none for this viewer.
    """
    wanted = col(Patient.key) == key if key is not None else col(Patient.code) == code
    statement = sa.select(*Patient.metadata.tables["patient"].columns).where(wanted, reachable(viewer, thing, act))
    row = connection.execute(held(statement, connection)).one_or_none()
    if row is None:
        raise NotFound()
    return row


def episode_row(
    connection: sa.Connection, viewer: Viewer, key: str, *, thing: Thing = Thing.FACTS, act: Act = Act.SEE
) -> sa.Row[*tuple[Any, ...]]:
    """
    Find one episode by key, if the viewer may see (or write) that thing of its patient. A writing transaction holds the patient until its end.

    Raises
    ------
    NotFound
        If there is none for this viewer.
    """
    statement = (
        sa.select(*EpisodeOfCare.metadata.tables["episode_of_care"].columns)
        .join(Patient, col(Patient.id) == col(EpisodeOfCare.patient_id))
        .where(col(EpisodeOfCare.key) == key, reachable(viewer, thing, act))
    )
    row = connection.execute(held(statement, connection)).one_or_none()
    if row is None:
        raise NotFound("episode")
    return row


def part_row(
    connection: sa.Connection,
    viewer: Viewer,
    table: type[Any],
    wanted: sa.ColumnElement[bool],
    what: str,
    *,
    thing: Thing = Thing.FACTS,
    act: Act = Act.SEE,
) -> sa.Row[*tuple[Any, ...]]:
    """
    Find one row of a table whose rows belong to an episode, if the viewer may see (or write) that thing of its patient.

    A writing transaction holds the patient until its end, and gets the row as it is once it holds them.

    Parameters
    ----------
    table : type
        With an `episode_id`, such as a visit.
    wanted : condition
        Which row: at most one.
    what : str
        How it is called where there is none.

    Returns
    -------
    Row
        The table's columns, `patient_id` and the patient's `time_zone`.

    Raises
    ------
    NotFound
        If there is none for this viewer.
    """
    columns = table.metadata.tables[table.__tablename__].columns
    statement = (
        sa.select(*columns, col(EpisodeOfCare.patient_id), col(Patient.time_zone))
        .join(EpisodeOfCare, col(EpisodeOfCare.id) == columns["episode_id"])
        .join(Patient, col(Patient.id) == col(EpisodeOfCare.patient_id))
        .where(wanted, reachable(viewer, thing, act))
    )
    row = connection.execute(held(statement, connection)).one_or_none()
    if row is not None and connection.get_execution_options().get("writes"):  # it may have changed while we waited for the patient
        row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(what)
    return row


def roles_table() -> str:
    """Write `GRANTS` as the table of docs/roles.md."""
    lines = ["| what | act | owner | therapist | front desk | asked by |", "| --- | --- | --- | --- | --- | --- |"]
    for grant in GRANTS:
        asked = ", ".join(f"`{name}`" for name in grant.functions)
        cells = (grant.thing.value, grant.act.value, grant.owner.value, grant.therapist.value, grant.front_desk.value, asked)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
