"""Reads: documented frames and rows. Each takes the viewer and gives only what that viewer may see."""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import col

from data import permissions, series
from data.database import reading
from data.frames import frame
from data.importers.base import MinuteSeries
from data.permissions import Act, Thing
from models import (
    CHANGE_COLUMNS,
    PAIN_AT_REST,
    PAIN_COLUMNS,
    PAIN_WEEK_COLUMNS,
    PLAN_COLUMNS,
    RUN_COLUMNS,
    RUN_WEEK_COLUMNS,
    VISIT_COLUMNS,
    Change,
    Clinic,
    DiagnosisClass,
    DistanceUnit,
    EpisodeOfCare,
    EpisodeStatus,
    ImportBatch,
    ImportFile,
    LogCoverage,
    PainMoment,
    PainScore,
    PainWeek,
    Patient,
    PatientWeek,
    Person,
    PersonRole,
    PersonSite,
    Plan,
    RestAnswer,
    Role,
    Run,
    RunFile,
    RunSeries,
    Side,
    Site,
    Viewer,
    Visit,
    day_of,
    week_number,
)

RUN = Run.metadata.tables["run"]
SCORE = PainScore.metadata.tables["pain_score"]


@dataclass(frozen=True)
class ClinicRow:
    name: str
    time_zone: str
    week_start: int
    is_demo: bool
    therapists_see_site: bool = False
    idle_minutes: int = 15
    session_hours: int = 12
    require_second_factor: bool = False


@dataclass(frozen=True)
class ClinicCounts:
    """How much the clinic has to do, without a patient in it."""

    patients: int
    active_episodes: int
    discharged_episodes: int


@dataclass(frozen=True)
class PatientRow:
    """One patient as the register shows them. `episodes` counts their episodes of care."""

    key: str
    code: str
    name: str
    birth_date: date | None
    time_zone: str
    distance_unit: DistanceUnit
    episodes: int


@dataclass(frozen=True)
class EpisodeRow:
    """One episode with what a page needs of its patient."""

    key: str
    patient_key: str
    patient_code: str
    patient_name: str
    birth_date: date | None
    time_zone: str
    distance_unit: DistanceUnit
    pain_comfortable_max: int
    pain_acceptable_max: int
    settled_max: int
    max_step_ratio: float
    no_suggestions: bool
    no_suggestions_reason: str
    changed_seq: int
    problem: str
    diagnosis_label: str
    diagnosis_class: DiagnosisClass
    icd10_code: str | None
    side: Side
    onset_date: date | None
    started_on: date
    ended_on: date | None
    status: EpisodeStatus
    goal: str
    site: str
    therapist: str


@dataclass(frozen=True)
class CaseloadRow:
    """
    One active episode on the list of the day.

    `today` is the day where the patient lives. `last_pain` is the newest next-morning score of the episode's side, or of no side, else
    the newest one of another moment. `week_distance_m` is None when this week was not logged up to today and has no run: not known,
    not 0. `rest_pain_on` is the newest day with a yes about pain at rest, whenever that was.
    """

    today: date
    started_on: date
    episode_key: str
    patient_name: str
    patient_code: str
    birth_date: date | None
    time_zone: str
    distance_unit: DistanceUnit
    side: Side
    problem: str
    site: str
    therapist: str
    last_pain: int | None
    last_pain_moment: PainMoment | None
    last_pain_on: date | None
    last_pain_side: Side | None
    week_distance_m: int | None
    week_runs: int
    last_log_on: date | None
    rest_pain_on: date | None


def _name() -> sa.ColumnElement[str]:
    whole = sa.func.trim(col(Patient.given_name) + " " + col(Patient.family_name))
    return sa.case((whole == "", col(Patient.code)), else_=whole)


# Statements that each rerun of a page asks are built once: building one costs more than running it.
_CLINIC = sa.select(*(Clinic.metadata.tables["clinic"].c[field.name] for field in fields(ClinicRow)))


def clinic(engine: sa.Engine) -> ClinicRow:
    """Read the clinic's settings."""
    with reading(engine) as connection:
        row = connection.execute(_CLINIC).one_or_none()
    return ClinicRow(*row) if row else ClinicRow("", "UTC", 0, False)


@functools.cache
def _people(*, one: bool) -> sa.Select[*tuple[Any, ...]]:
    statement = (
        sa.select(col(Person.id), col(Person.name), col(PersonRole.role), col(PersonSite.site_id))
        .outerjoin(PersonRole, col(PersonRole.person_id) == col(Person.id))
        .outerjoin(PersonSite, col(PersonSite.person_id) == col(Person.id))
        .where(col(Person.is_active).is_(True))
        .order_by(col(Person.name), col(Person.id))
    )
    if one:
        statement = statement.where(col(Person.id) == sa.bindparam("wanted", type_=sa.Integer))
    return statement


def people(engine: sa.Engine, *, person_id: int | None = None) -> list[Viewer]:
    """Read who works here and is active, ordered by name; only one of them if an id is given."""
    wanted = {} if person_id is None else {"wanted": person_id}
    with reading(engine) as connection:
        rows = connection.execute(_people(one=person_id is not None), wanted).all()
    return [
        Viewer(
            person_id=owner,
            name=name,
            roles=frozenset(Role(row.role) for row in given if row.role is not None),
            site_ids=frozenset(row.site_id for row in given if row.site_id is not None),
        )
        for (owner, name), given in ((key, list(group)) for key, group in itertools.groupby(rows, key=lambda row: (row.id, row.name)))
    ]


def sites(engine: sa.Engine) -> list[tuple[int, str, str]]:
    """Read the clinic's sites: id, name, kind."""
    with reading(engine) as connection:
        table = Site.metadata.tables["site"].c
        rows = connection.execute(sa.select(table.id, table.name, table.kind).order_by(table.id)).all()
    return [(row[0], row[1], row[2]) for row in rows]


def counts(engine: sa.Engine, viewer: Viewer) -> ClinicCounts:
    """
    Count the clinic's patients and episodes.

    Raises
    ------
    NotFound
        If the viewer is not the owner.
    """
    permissions.require(viewer, Thing.COUNTS, Act.SEE)
    of_status = sa.select(sa.func.count()).select_from(EpisodeOfCare).where(col(EpisodeOfCare.status) == sa.bindparam("status"))
    with reading(engine) as connection:
        patients = connection.execute(sa.select(sa.func.count()).select_from(Patient)).scalar_one()
        active, discharged = (connection.execute(of_status, {"status": status}).scalar_one() for status in EpisodeStatus)
    return ClinicCounts(patients, active, discharged)


def _patients() -> sa.Select[*tuple[Any, ...]]:
    episodes = (
        sa.select(sa.func.count())
        .select_from(EpisodeOfCare)
        .where(col(EpisodeOfCare.patient_id) == col(Patient.id))
        .correlate(Patient)
        .scalar_subquery()
    )
    return sa.select(
        col(Patient.key),
        col(Patient.code),
        _name(),
        col(Patient.birth_date),
        col(Patient.time_zone),
        col(Patient.distance_unit),
        episodes,
    )


def _patient_of(row: sa.Row[*tuple[Any, ...]]) -> PatientRow:
    fields = list(row)
    fields[5] = DistanceUnit(fields[5])
    return PatientRow(*fields)


def patients(engine: sa.Engine, viewer: Viewer) -> list[PatientRow]:
    """Read the register: every patient that the viewer may see, ordered by name."""
    statement = _patients().where(permissions.reachable(viewer, Thing.REGISTER))
    with reading(engine) as connection:
        ordered = statement.order_by(col(Patient.family_name), col(Patient.given_name), col(Patient.code))
        return [_patient_of(row) for row in connection.execute(ordered)]


def patient(engine: sa.Engine, viewer: Viewer, key: str) -> PatientRow:
    """
    Read one patient.

    Raises
    ------
    NotFound
        If there is none for this viewer.
    """
    with reading(engine) as connection:
        row = connection.execute(_patients().where(col(Patient.key) == key, permissions.reachable(viewer, Thing.REGISTER))).one_or_none()
    if row is None:
        raise permissions.NotFound()
    return _patient_of(row)


def patient_key(engine: sa.Engine, viewer: Viewer, code: str) -> str:
    """Find a patient's key by their code; raises NotFound."""
    with reading(engine) as connection:
        return str(permissions.patient_row(connection, viewer, code=code, thing=Thing.REGISTER).key)


def _episodes(*more: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            col(EpisodeOfCare.key),
            col(Patient.key),
            col(Patient.code),
            _name(),
            col(Patient.birth_date),
            col(Patient.time_zone),
            col(Patient.distance_unit),
            col(Patient.pain_comfortable_max),
            col(Patient.pain_acceptable_max),
            col(Patient.settled_max),
            col(Patient.max_step_ratio),
            col(Patient.no_suggestions),
            col(Patient.no_suggestions_reason),
            col(Patient.changed_seq),
            col(EpisodeOfCare.problem),
            col(EpisodeOfCare.diagnosis_label),
            col(EpisodeOfCare.diagnosis_class),
            col(EpisodeOfCare.icd10_code),
            col(EpisodeOfCare.side),
            col(EpisodeOfCare.onset_date),
            col(EpisodeOfCare.started_on),
            col(EpisodeOfCare.ended_on),
            col(EpisodeOfCare.status),
            col(EpisodeOfCare.goal),
            sa.func.coalesce(col(Site.name), ""),
            sa.func.coalesce(col(Person.name), ""),
        )
        .join(Patient, col(Patient.id) == col(EpisodeOfCare.patient_id))
        .outerjoin(Site, col(Site.id) == col(EpisodeOfCare.site_id))
        .outerjoin(Person, col(Person.id) == col(EpisodeOfCare.therapist_id))
        .where(*more)
    )


def _episode_of(row: sa.Row[*tuple[Any, ...]]) -> EpisodeRow:
    fields = list(row)
    for index, word in ((6, DistanceUnit), (16, DiagnosisClass), (18, Side), (22, EpisodeStatus)):
        fields[index] = word(fields[index])
    return EpisodeRow(*fields)


@functools.lru_cache(maxsize=1024)
def _one_episode(viewer: Viewer) -> sa.Select[*tuple[Any, ...]]:
    return _episodes(col(EpisodeOfCare.key) == sa.bindparam("wanted", type_=sa.String), permissions.reachable(viewer))


def episode(engine: sa.Engine, viewer: Viewer, key: str) -> EpisodeRow:
    """
    Read one episode.

    Raises
    ------
    NotFound
        If there is none for this viewer.
    """
    with reading(engine) as connection:
        row = connection.execute(_one_episode(viewer), {"wanted": key}).one_or_none()
    if row is None:
        raise permissions.NotFound("episode")
    return _episode_of(row)


def episodes(engine: sa.Engine, viewer: Viewer, *, patient_key: str | None = None) -> list[EpisodeRow]:
    """Read the episodes that the viewer may see, active ones first, by name; of one patient if a key is given."""
    of_patient = [] if patient_key is None else [col(Patient.key) == patient_key]
    statement = _episodes(permissions.reachable(viewer), *of_patient).order_by(
        col(EpisodeOfCare.status), col(Patient.family_name), col(Patient.given_name), col(EpisodeOfCare.started_on)
    )
    with reading(engine) as connection:
        return [_episode_of(row) for row in connection.execute(statement)]


def _own_id(connection: sa.Connection, viewer: Viewer, key: str) -> int:
    return int(permissions.patient_row(connection, viewer, key=key).id)


def runs(engine: sa.Engine, viewer: Viewer, patient_key: str) -> pd.DataFrame:
    """
    Read all current runs of a patient, ordered by start.

    Returns
    -------
    DataFrame
        One row per run, columns `RUN_COLUMNS`.
    """
    columns = [RUN.c.id, *(RUN.c[name] for name in RUN_COLUMNS[1:])]
    with reading(engine) as connection:
        patient_id = _own_id(connection, viewer, patient_key)
        statement = sa.select(*columns).where(RUN.c.patient_id == patient_id, RUN.c.retired_at_utc.is_(None))
        rows = connection.execute(statement.order_by(RUN.c.started_at_utc, RUN.c.id)).all()
    unknown = [name for name in RUN_COLUMNS if RUN.c.get(name) is not None and RUN.c[name].nullable]
    return frame(rows, RUN_COLUMNS, days=["run_date"], floats=unknown)


def scores(engine: sa.Engine, viewer: Viewer, patient_key: str) -> pd.DataFrame:
    """
    Read all current pain scores of a patient, of every moment and side, ordered by day.

    Returns
    -------
    DataFrame
        One row per score, columns `PAIN_COLUMNS`.
    """
    columns = [SCORE.c.id, *(SCORE.c[name] for name in PAIN_COLUMNS[1:])]
    with reading(engine) as connection:
        patient_id = _own_id(connection, viewer, patient_key)
        statement = sa.select(*columns).where(SCORE.c.patient_id == patient_id, SCORE.c.retired_at_utc.is_(None))
        rows = connection.execute(statement.order_by(SCORE.c.for_date, SCORE.c.id)).all()
    return frame(rows, PAIN_COLUMNS, days=["for_date", "counted_date"], floats=["run_id"])


def score_history(engine: sa.Engine, viewer: Viewer, patient_key: str, *, since: date) -> pd.DataFrame:
    """
    Read pain scores with what they were before, newest day first.

    Returns
    -------
    DataFrame
        `score_id`, `for_date`, `moment`, `side`, `nprs`, `recorded_at_utc`, `recorded_by`, `corrects_id`, `retired_at_utc`,
        `retired_by`; retired ones included.
    """
    teller, retirer = Person.metadata.tables["person"].alias("teller"), Person.metadata.tables["person"].alias("retirer")
    names = ("for_date", "moment", "side", "nprs", "recorded_at_utc")
    with reading(engine) as connection:
        patient_id = _own_id(connection, viewer, patient_key)
        statement = (
            sa.select(
                SCORE.c.id,
                *(SCORE.c[name] for name in names),
                sa.func.coalesce(teller.c.name, ""),
                SCORE.c.corrects_id,
                SCORE.c.retired_at_utc,
                sa.func.coalesce(retirer.c.name, ""),
            )
            .outerjoin(teller, teller.c.id == SCORE.c.recorded_by_id)
            .outerjoin(retirer, retirer.c.id == SCORE.c.retired_by_id)
            .where(SCORE.c.patient_id == patient_id, SCORE.c.for_date >= since)
            .order_by(SCORE.c.for_date.desc(), SCORE.c.moment, SCORE.c.id.desc())
        )
        rows = connection.execute(statement).all()
    columns = ("score_id", *names, "recorded_by", "corrects_id", "retired_at_utc", "retired_by")
    return frame(rows, columns, days=["for_date"], floats=["corrects_id"])


def rest_answers(engine: sa.Engine, viewer: Viewer, patient_key: str) -> pd.DataFrame:
    """Read the current answers about pain at rest and limping: `for_date`, `moment`, `side`, `answer`, newest first."""
    table = RestAnswer.metadata.tables["rest_answer"]
    names = ("for_date", "moment", "side", "answer")
    with reading(engine) as connection:
        patient_id = _own_id(connection, viewer, patient_key)
        statement = sa.select(*(table.c[name] for name in names)).where(table.c.patient_id == patient_id, table.c.retired_at_utc.is_(None))
        rows = connection.execute(statement.order_by(table.c.for_date.desc(), table.c.id.desc())).all()
    return frame(rows, names, days=["for_date"])


def plans(engine: sa.Engine, viewer: Viewer, episode_key: str) -> pd.DataFrame:
    """Read the versions of an episode's plan, oldest first, columns `PLAN_COLUMNS`."""
    table = Plan.metadata.tables["plan"]
    with reading(engine) as connection:
        found = permissions.episode_row(connection, viewer, episode_key)
        statement = (
            sa.select(*(sa.func.coalesce(Person.name, "") if name == "author" else table.c[name] for name in PLAN_COLUMNS))
            .select_from(table)
            .outerjoin(Person, col(Person.id) == table.c.author_id)
            .where(table.c.episode_id == found.id)
            .order_by(table.c.version)
        )
        rows = connection.execute(statement).all()
    floats = [name for name in PLAN_COLUMNS if name in table.c and table.c[name].nullable]
    return frame(rows, PLAN_COLUMNS, days=["valid_from"], floats=floats)


def visits(engine: sa.Engine, viewer: Viewer, episode_key: str) -> pd.DataFrame:
    """Read the visits of an episode, oldest first, columns `VISIT_COLUMNS`. What else is known of one: data/visits.py."""
    with reading(engine) as connection:
        found = permissions.episode_row(connection, viewer, episode_key)
        statement = (
            sa.select(
                col(Visit.key),
                col(Visit.visit_date),
                sa.func.coalesce(col(Site.name), ""),
                col(Visit.kind),
                col(Visit.status),
                sa.func.coalesce(col(Person.name), ""),
                col(Visit.summary),
                col(Visit.hands_on),
                col(Visit.education),
            )
            .outerjoin(Site, col(Site.id) == col(Visit.site_id))
            .outerjoin(Person, col(Person.id) == col(Visit.therapist_id))
            .where(col(Visit.episode_id) == found.id)
            .order_by(col(Visit.visit_date), col(Visit.id))
        )
        rows = connection.execute(statement).all()
    return frame(rows, VISIT_COLUMNS, days=["visit_date"])


def changes(engine: sa.Engine, viewer: Viewer, episode_key: str) -> pd.DataFrame:
    """Read the dated changes of an episode, oldest first, columns `CHANGE_COLUMNS`."""
    with reading(engine) as connection:
        found = permissions.episode_row(connection, viewer, episode_key)
        statement = (
            sa.select(col(Change.day), col(Change.kind), col(Change.label), sa.func.coalesce(col(Person.name), ""))
            .outerjoin(Person, col(Person.id) == col(Change.author_id))
            .where(col(Change.episode_id) == found.id)
            .order_by(col(Change.day), col(Change.id))
        )
        rows = connection.execute(statement).all()
    return frame(rows, CHANGE_COLUMNS, days=["day"])


def coverage(engine: sa.Engine, viewer: Viewer, patient_key: str) -> tuple[date, date] | None:
    """Read the first and the last day of a patient's log coverage; None if nothing was ever logged."""
    with reading(engine) as connection:
        patient_id = _own_id(connection, viewer, patient_key)
        statement = sa.select(col(LogCoverage.first_day), col(LogCoverage.last_day)).where(col(LogCoverage.patient_id) == patient_id)
        row = connection.execute(statement).one_or_none()
    return (row[0], row[1]) if row else None


def trend_rows(connection: sa.Connection, patient_id: int, low: int, high: int) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """
    Read a patient's maintained run weeks from week `low` to week `high` (week numbers, both included), oldest first.

    This is the read behind every weekly chart and export: one range of one primary key, however long the history.
    """
    table = PatientWeek.metadata.tables["patient_week"]
    statement = sa.select(*(table.c[name] for name in RUN_WEEK_COLUMNS)).where(
        table.c.patient_id == patient_id, table.c.week >= low, table.c.week <= high
    )
    return connection.execute(statement.order_by(table.c.week)).all()


def weeks(engine: sa.Engine, viewer: Viewer, patient_key: str, *, low: int, high: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Read a patient's maintained weeks.

    Parameters
    ----------
    low, high : int
        Week numbers, both included.

    Returns
    -------
    tuple of DataFrame
        Runs (`RUN_WEEK_COLUMNS`) and pain counts (`PAIN_WEEK_COLUMNS`), oldest first.
    """
    table = PainWeek.metadata.tables["pain_week"]
    with reading(engine) as connection:
        patient_id = _own_id(connection, viewer, patient_key)
        run_rows = trend_rows(connection, patient_id, low, high)
        statement = sa.select(*(table.c[name] for name in PAIN_WEEK_COLUMNS)).where(
            table.c.patient_id == patient_id, table.c.week >= low, table.c.week <= high
        )
        pain_rows = connection.execute(statement.order_by(table.c.week, table.c.moment, table.c.side)).all()
    return frame(run_rows, RUN_WEEK_COLUMNS), frame(pain_rows, PAIN_WEEK_COLUMNS)


def run_minutes(engine: sa.Engine, viewer: Viewer, run_id: int) -> MinuteSeries | None:
    """Read the minutes of a run; None if it has none. Raises NotFound if the run is not the viewer's to see."""
    with reading(engine) as connection:
        found = _visible_run(connection, viewer, run_id)
        content = connection.execute(sa.select(col(RunSeries.minutes)).where(col(RunSeries.run_id) == found)).scalar()
    return None if content is None else series.unpacked_minutes(content)


def run_files(engine: sa.Engine, viewer: Viewer, run_id: int) -> list[tuple[str, str, datetime]]:
    """Read the files that a run came from: name, format, when they came."""
    with reading(engine) as connection:
        found = _visible_run(connection, viewer, run_id)
        statement = (
            sa.select(col(ImportFile.file_name), col(ImportFile.file_format), col(ImportBatch.started_at_utc))
            .join(RunFile, col(RunFile.import_file_id) == col(ImportFile.id))
            .join(ImportBatch, col(ImportBatch.id) == col(ImportFile.batch_id))
            .where(col(RunFile.run_id) == found)
            .order_by(col(ImportFile.id))
        )
        return [(row[0], row[1], row[2]) for row in connection.execute(statement)]


def _visible_run(connection: sa.Connection, viewer: Viewer, run_id: int) -> int:
    statement = (
        sa.select(col(Run.id))
        .join(Patient, col(Patient.id) == col(Run.patient_id))
        .where(col(Run.id) == run_id, permissions.reachable(viewer))
    )
    found = connection.execute(statement).scalar()
    if found is None:
        raise permissions.NotFound("run")
    return int(found)


def time_zones(engine: sa.Engine, viewer: Viewer) -> list[str]:
    """Read in which time zones the patients live whom the viewer may see."""
    with reading(engine) as connection:
        return list(connection.execute(sa.select(col(Patient.time_zone)).where(permissions.reachable(viewer)).distinct()).scalars())


def caseload(engine: sa.Engine, viewer: Viewer, *, today: date, local_days: Mapping[str, date] | None = None) -> list[CaseloadRow]:
    """
    Read the active episodes that the viewer may see, by name.

    The cost does not grow with the history: this week comes from `patient_week`, the newest scores by index.

    Parameters
    ----------
    today : date
        The day for everybody whose time zone is not in `local_days`.
    local_days : mapping of str to date, optional
        Which day it is now, by time zone: a patient's week, score and log are seen from where they live.
    """
    with reading(engine) as connection:
        statement = caseload_statement(connection, viewer, today, local_days)
        return [_caseload_row_of(row) for row in connection.execute(statement)]


def _caseload_row_of(row: sa.Row[*tuple[Any, ...]]) -> CaseloadRow:
    found = CaseloadRow(*row)
    return replace(
        found,
        distance_unit=DistanceUnit(found.distance_unit),
        side=Side(found.side),
        last_pain_moment=None if found.last_pain_moment is None else PainMoment(found.last_pain_moment),
        last_pain_side=None if found.last_pain_side is None else Side(found.last_pain_side),
    )


def caseload_statement(
    connection: sa.Connection, viewer: Viewer, today: date, local_days: Mapping[str, date] | None = None
) -> sa.Select[*tuple[Any, ...]]:
    """Build the statement behind `caseload`."""
    starts_on = connection.execute(sa.select(col(Clinic.week_start))).scalar() or 0
    days = dict(local_days or {})

    def there(of_day: Callable[[date], Any], kind: Any) -> Any:
        """Give a value that follows from the day, for the day where the patient lives."""
        usual = sa.literal(of_day(today), kind)
        others = [(col(Patient.time_zone) == zone, sa.literal(of_day(day), kind)) for zone, day in sorted(days.items()) if day != today]
        return sa.case(*others, else_=usual) if others else usual

    local_today = there(lambda day: day, sa.Date())
    week_first_day = there(lambda day: day_of(week_number(day, starts_on)), sa.Date())
    week = PatientWeek.metadata.tables["patient_week"]
    newest = (
        sa.select(SCORE.c.id)
        .where(
            SCORE.c.patient_id == col(Patient.id),
            SCORE.c.side.in_([col(EpisodeOfCare.side), Side.UNSPECIFIED.value]),
            SCORE.c.retired_at_utc.is_(None),
            # one look into the index a side: without it, years of the other side's scores would be read
            SCORE.c.for_date.in_(
                [_newest_day(col(EpisodeOfCare.side), local_today), _newest_day(sa.literal(Side.UNSPECIFIED.value), local_today)]
            ),
        )
        .order_by(SCORE.c.for_date.desc(), sa.case((SCORE.c.moment == PainMoment.NEXT_MORNING.value, 0), else_=1), SCORE.c.id.desc())
        .limit(1)
        .correlate(Patient, EpisodeOfCare)
        .scalar_subquery()
    )
    rest = RestAnswer.metadata.tables["rest_answer"]
    rest_pain_on = (
        sa.select(sa.func.max(rest.c.for_date))
        .where(
            rest.c.patient_id == col(Patient.id),
            rest.c.retired_at_utc.is_(None),
            rest.c.answer.is_(True),
            rest.c.moment.in_(PAIN_AT_REST),
        )
        .correlate(Patient)
        .scalar_subquery()
    )
    logged = sa.and_(col(LogCoverage.first_day) <= week_first_day, col(LogCoverage.last_day) >= local_today)
    return (
        sa.select(
            local_today,
            col(EpisodeOfCare.started_on),
            col(EpisodeOfCare.key),
            _name(),
            col(Patient.code),
            col(Patient.birth_date),
            col(Patient.time_zone),
            col(Patient.distance_unit),
            col(EpisodeOfCare.side),
            col(EpisodeOfCare.problem),
            sa.func.coalesce(col(Site.name), ""),
            sa.func.coalesce(col(Person.name), ""),
            SCORE.c.nprs,
            SCORE.c.moment,
            SCORE.c.for_date,
            SCORE.c.side,
            sa.case((logged, sa.func.coalesce(week.c.distance_m, 0)), else_=week.c.distance_m),
            sa.func.coalesce(week.c.runs, 0),
            col(LogCoverage.last_day),
            rest_pain_on,
        )
        .select_from(EpisodeOfCare)
        .join(Patient, col(Patient.id) == col(EpisodeOfCare.patient_id))
        .outerjoin(Site, col(Site.id) == col(EpisodeOfCare.site_id))
        .outerjoin(Person, col(Person.id) == col(EpisodeOfCare.therapist_id))
        .outerjoin(
            week,
            sa.and_(week.c.patient_id == col(Patient.id), week.c.week == there(lambda day: week_number(day, starts_on), sa.Integer())),
        )
        .outerjoin(LogCoverage, col(LogCoverage.patient_id) == col(Patient.id))
        .outerjoin(SCORE, SCORE.c.id == newest)
        .where(col(EpisodeOfCare.status) == EpisodeStatus.ACTIVE, permissions.reachable(viewer))
        .order_by(col(Patient.family_name), col(Patient.given_name), col(EpisodeOfCare.id))
    )


def _newest_day(side: Any, today: Any) -> sa.ScalarSelect[Any]:
    of_side = SCORE.alias()
    return (
        sa.select(sa.func.max(of_side.c.for_date))
        .where(
            of_side.c.patient_id == col(Patient.id), of_side.c.side == side, of_side.c.retired_at_utc.is_(None), of_side.c.for_date <= today
        )
        .correlate(Patient, EpisodeOfCare)
        .scalar_subquery()
    )
