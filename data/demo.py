"""
The synthetic demo clinic: filled in one transaction, the same each time for the same last day.

Everybody in it is made up. Runs, scores and links obey the same entry classes and functions that real ones go through; only the
inserts are in bulk.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlmodel import col

from data import demo_care, demo_cast, records, series, weeks
from data import runs as run_records
from data.database import DatabaseUnusable, writing
from data.demo_care import Care
from data.demo_cast import Part
from data.demo_courses import history
from data.demo_history import History
from data.demo_rows import MEND_AFTER, SEED, TIME_ZONE, insert_rows, inserted_ids, made_key, noon
from data.demo_written import Treated, add_written
from models import (
    AuditEvent,
    Clinic,
    DayWithoutRun,
    EpisodeEntry,
    EpisodeOfCare,
    EpisodeStatus,
    PainScore,
    Patient,
    PatientEntry,
    Person,
    PersonRole,
    PersonSite,
    RestAnswer,
    Run,
    RunSeries,
    Side,
    Site,
    Table,
)

CLINIC_NAME = "Still Running Demo Clinic"
WEEK_START = 0
CLINIC_AGE_DAYS = 600  # it was there before its first patient
# The patient that pictures show: a spike, a flare, a plan cut, a cadence cue, recovery.
HERO_CODE = "SR-001"


@dataclass(frozen=True)
class Made:
    """How much the demo clinic holds."""

    patients: int
    runs: int
    scores: int


@dataclass(frozen=True)
class _Staff:
    """Ids of people and sites by name."""

    people: dict[str, int]
    sites: dict[str, int]


def codes() -> list[str]:
    """Give the patients' codes, in the order of the cast."""
    return [f"SR-{number:03d}" for number in range(1, len(demo_cast.cast(SEED)) + 1)]


def fill(engine: sa.Engine, *, as_of: date | None = None) -> Made:
    """
    Fill an empty, migrated database with the demo clinic.

    Parameters
    ----------
    as_of : date, optional
        Last day of the clinic's history; default today in the clinic's time zone. Nothing was logged later than that morning.

    Returns
    -------
    Made
        What was stored.

    Raises
    ------
    DatabaseUnusable
        If there is a clinic in this database already.
    """
    day = as_of or records.local_today(TIME_ZONE)
    with writing(engine) as connection:
        if connection.execute(sa.select(col(Clinic.id))).first() is not None:
            raise DatabaseUnusable("There is a clinic in this database already; it was not touched.")
        opened = noon(day - timedelta(days=CLINIC_AGE_DAYS))
        connection.execute(
            sa.insert(Clinic).values(
                id=1,
                name=CLINIC_NAME,
                time_zone=TIME_ZONE,
                week_start=WEEK_START,
                is_demo=True,
                therapists_see_site=True,
                created_at_utc=opened,
            )
        )
        staff = _add_staff(connection, opened)
        parts = demo_cast.cast(SEED)
        courses = [_course_of(part, number, day) for number, part in enumerate(parts)]
        patient_ids = _add_patients(connection, parts, courses, staff)
        cares = [_care_of(part, course, number, day) for number, (part, course) in enumerate(zip(parts, courses, strict=True))]
        _add_care(connection, parts, courses, cares, patient_ids, staff)
        scores = _add_logs(connection, parts, courses, patient_ids)
    return Made(len(parts), sum(len(course.runs) for course in courses), scores)


def remove(engine: sa.Engine) -> None:
    """
    Empty every table of a demo clinic, in one transaction. The audit stays: it is append-only, for a demo clinic too.

    Raises
    ------
    DatabaseUnusable
        If this is not a demo clinic; nothing is touched then.
    """
    with writing(engine) as connection:
        if connection.execute(sa.select(col(Clinic.is_demo))).scalar() is not True:
            raise DatabaseUnusable("This is not a demo clinic; nothing was removed.")
        for table in reversed(Table.metadata.sorted_tables):
            if table.name != AuditEvent.__tablename__:
                connection.execute(sa.delete(table))


def _course_of(part: Part, number: int, as_of: date) -> History:
    kind = dict(demo_cast.SITES)[part.place]
    return history(np.random.default_rng([SEED, 0, number]), part.runner, part.course, side=part.side, kind=kind, as_of=as_of)


def _care_of(part: Part, course: History, number: int, as_of: date) -> Care:
    rng = np.random.default_rng([SEED, 4, number])
    name, of_class = part.family_name, part.diagnosis.diagnosis_class
    return demo_care.care(rng, name, part.runner, part.course, course, diagnosis_class=of_class, as_of=as_of)


def _add_staff(connection: sa.Connection, opened: datetime) -> _Staff:
    site_ids = inserted_ids(connection, Site, [{"name": name, "kind": kind} for name, kind in demo_cast.SITES])
    sites = dict(zip((name for name, _ in demo_cast.SITES), site_ids, strict=True))
    rows = [{"key": made_key(0, number), "name": name, "created_at_utc": opened} for number, (name, *_) in enumerate(demo_cast.STAFF)]
    person_ids = inserted_ids(connection, Person, rows)
    working = list(zip(person_ids, demo_cast.STAFF, strict=True))
    insert_rows(connection, PersonRole, [{"person_id": person, "role": role} for person, (_, role, _) in working])
    places = [{"person_id": person, "site_id": sites[place]} for person, (_, _, at) in working for place in at]
    insert_rows(connection, PersonSite, places)
    return _Staff({name: person for person, (name, *_) in working}, sites)


def _add_patients(connection: sa.Connection, parts: tuple[Part, ...], courses: list[History], staff: _Staff) -> list[int]:
    rows = []
    for number, (code, part, course) in enumerate(zip(codes(), parts, courses, strict=True)):
        comfortable, acceptable = part.pain_zones
        entry = PatientEntry.checked(
            today=course.started_on,
            code=code,
            given_name=part.given_name,
            family_name=part.family_name,
            birth_date=part.birth_date,
            height_m=part.height_m,
            time_zone=part.runner.time_zone,
            distance_unit=part.runner.unit,
            pain_comfortable_max=comfortable,
            pain_acceptable_max=acceptable,
        )
        registered = {"created_at_utc": noon(course.started_on), "created_by_id": staff.people[part.therapist]}
        rows.append({**entry.model_dump(exclude={"today"}), "key": made_key(1, number), **registered})
    return inserted_ids(connection, Patient, rows)


def _add_care(
    connection: sa.Connection,
    parts: tuple[Part, ...],
    courses: list[History],
    cares: list[Care],
    patient_ids: list[int],
    staff: _Staff,
) -> None:
    """Store episodes, and with them all that therapists decided, did and wrote."""
    episode_ids = inserted_ids(
        connection,
        EpisodeOfCare,
        [
            _episode_row(part, number, course, patient_id, staff)
            for number, (part, course, patient_id) in enumerate(zip(parts, courses, patient_ids, strict=True))
        ],
    )
    whose = zip(parts, courses, cares, patient_ids, episode_ids, strict=True)
    treated = [
        Treated(number, part, course, care, patient_id, episode_id, staff.people[part.therapist])
        for number, (part, course, care, patient_id, episode_id) in enumerate(whose)
    ]
    add_written(connection, treated, staff.sites)


def _episode_row(part: Part, number: int, course: History, patient_id: int, staff: _Staff) -> dict[str, Any]:
    diagnosis = part.diagnosis
    entry = EpisodeEntry.checked(
        today=course.started_on,
        problem=diagnosis.problem,
        side=part.side,
        diagnosis_class=diagnosis.diagnosis_class,
        diagnosis_label=diagnosis.label,
        icd10_code=diagnosis.icd10_left if part.side is Side.LEFT else diagnosis.icd10_right,
        onset_date=course.started_on - timedelta(days=20 + number * 13 % 140),
        started_on=course.started_on,
        goal=part.goal,
        site_id=staff.sites[part.place],
        therapist_id=staff.people[part.therapist],
    )
    return {
        **entry.model_dump(exclude={"today"}),
        "key": made_key(2, number),
        "patient_id": patient_id,
        "status": EpisodeStatus.ACTIVE if course.ended_on is None else EpisodeStatus.DISCHARGED,
        "ended_on": course.ended_on,
        "created_at_utc": noon(course.started_on),
        "created_by_id": staff.people[part.therapist],
    }


def _add_logs(connection: sa.Connection, parts: tuple[Part, ...], courses: list[History], patient_ids: list[int]) -> int:
    """Store what the patients logged, linked and counted; returns how many scores are current."""
    known = list(zip(courses, patient_ids, strict=True))
    runs = [(patient_id, logged) for course, patient_id in known for logged in course.runs]
    run_rows = [
        run_records.run_row(logged.run.entry, patient_id, WEEK_START, recorded_at_utc=logged.recorded_at_utc) for patient_id, logged in runs
    ]
    run_ids = inserted_ids(connection, Run, run_rows)
    minutes = [
        {"run_id": run_id, "minutes": series.packed(logged.run.minutes)}
        for run_id, (_, logged) in zip(run_ids, runs, strict=True)
        if logged.run.minutes is not None
    ]
    insert_rows(connection, RunSeries, minutes)
    _add_scores(connection, known)
    rest = [
        {**logged.entry.model_dump(exclude={"today"}), "patient_id": patient_id, "recorded_at_utc": logged.recorded_at_utc}
        for course, patient_id in known
        for logged in course.rest_answers
    ]
    insert_rows(connection, RestAnswer, rest)
    no_runs = [
        {"day": logged.entry.day, "patient_id": patient_id, "recorded_at_utc": logged.recorded_at_utc}
        for course, patient_id in known
        for logged in course.days_without_run
    ]
    insert_rows(connection, DayWithoutRun, no_runs)
    for course, patient_id in known:
        days = {logged.run.entry.run_date for logged in course.runs} | {logged.entry.for_date for logged in course.scores}
        weeks.link_scores(connection, patient_id, days, WEEK_START)
        weeks.refresh_coverage(connection, patient_id)
    weeks.rebuild_weeks(connection)
    return sum(len(course.scores) for course in courses)


def _add_scores(connection: sa.Connection, known: list[tuple[History, int]]) -> None:
    """Store pain scores; one that corrects a wrong value comes after it."""
    scores = [(patient_id, logged) for course, patient_id in known for logged in course.scores]
    wrong = [(number, logged.first_told) for number, (_, logged) in enumerate(scores) if logged.first_told is not None]
    rows = [
        {
            **records.pain_row(logged.entry, patient_id, WEEK_START, recorded_at_utc=logged.recorded_at_utc),
            "corrects_id": None,
            "retired_at_utc": None,
        }
        for patient_id, logged in scores
    ]
    for number, _ in wrong:
        rows[number]["recorded_at_utc"] += MEND_AFTER
    told = [
        {
            **rows[number],
            "nprs": nprs,
            "recorded_at_utc": rows[number]["recorded_at_utc"] - MEND_AFTER,
            "retired_at_utc": rows[number]["recorded_at_utc"],
        }
        for number, nprs in wrong
    ]
    for (number, _), wrong_id in zip(wrong, inserted_ids(connection, PainScore, told), strict=True):
        rows[number]["corrects_id"] = wrong_id
    insert_rows(connection, PainScore, rows)
