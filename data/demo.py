"""
The synthetic demo clinic: filled in one transaction, the same each time for the same last day.

Everybody in it is made up. Runs, scores and links obey the same entry classes and functions that real ones go through; only the
inserts are in bulk.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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
from data.outcomes import outcome_details
from data.plans import plan_row
from models import (
    PAIN_ACCEPTABLE_MAX,
    PAIN_COMFORTABLE_MAX,
    AuditEvent,
    Change,
    ChangeKind,
    Clinic,
    DayWithoutRun,
    EpisodeEntry,
    EpisodeOfCare,
    EpisodeStatus,
    LimitChange,
    LimitName,
    OutcomeScore,
    PainScore,
    Patient,
    PatientEntry,
    Person,
    PersonRole,
    PersonSite,
    Plan,
    PlanWeek,
    RedFlagAnswer,
    RestAnswer,
    ReviewMark,
    Run,
    RunSeries,
    ScreenAnswer,
    Side,
    Site,
    SiteKind,
    StrengthGiven,
    StrengthSession,
    Table,
    Visit,
    VisitNote,
)

CLINIC_NAME = "Still Running Demo Clinic"
TIME_ZONE = "America/Chicago"
WEEK_START = 0
SEED = 20_240_513
CLINIC_AGE_DAYS = 600  # it was there before its first patient
# The patient that pictures show: a spike, a flare, a plan cut, a cadence cue, recovery.
HERO_CODE = "SR-001"
MEND_AFTER = timedelta(minutes=2)  # a slip is corrected at once


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
        opened = _noon(day - timedelta(days=CLINIC_AGE_DAYS))
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


def _key(*what: int) -> str:
    """Give a key like models.new_key, but the same each time. Only for people who do not exist."""
    return base64.urlsafe_b64encode(np.random.default_rng([SEED, 2, *what]).bytes(12)).decode("ascii")


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), ZoneInfo(TIME_ZONE)).astimezone(UTC)


def _course_of(part: Part, number: int, as_of: date) -> History:
    kind = dict(demo_cast.SITES)[part.place]
    return history(np.random.default_rng([SEED, 0, number]), part.runner, part.course, side=part.side, kind=kind, as_of=as_of)


def _care_of(part: Part, course: History, number: int, as_of: date) -> Care:
    rng = np.random.default_rng([SEED, 4, number])
    name, of_class = part.family_name, part.diagnosis.diagnosis_class
    return demo_care.care(rng, name, part.runner, part.course, course, diagnosis_class=of_class, as_of=as_of)


def _ids(connection: sa.Connection, table: Any, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows and give their ids in the same order."""
    if not rows:
        return []
    return list(connection.execute(sa.insert(table).returning(table.id, sort_by_parameter_order=True), rows).scalars())


def _insert(connection: sa.Connection, table: type[Table], rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)


def _add_staff(connection: sa.Connection, opened: datetime) -> _Staff:
    site_ids = _ids(connection, Site, [{"name": name, "kind": kind} for name, kind in demo_cast.SITES])
    sites = dict(zip((name for name, _ in demo_cast.SITES), site_ids, strict=True))
    rows = [{"key": _key(0, number), "name": name, "created_at_utc": opened} for number, (name, *_) in enumerate(demo_cast.STAFF)]
    person_ids = _ids(connection, Person, rows)
    working = list(zip(person_ids, demo_cast.STAFF, strict=True))
    _insert(connection, PersonRole, [{"person_id": person, "role": role} for person, (_, role, _) in working])
    places = [{"person_id": person, "site_id": sites[place]} for person, (_, _, at) in working for place in at]
    _insert(connection, PersonSite, places)
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
        registered = {"created_at_utc": _noon(course.started_on), "created_by_id": staff.people[part.therapist]}
        rows.append({**entry.model_dump(exclude={"today"}), "key": _key(1, number), **registered})
    return _ids(connection, Patient, rows)


def _add_care(
    connection: sa.Connection,
    parts: tuple[Part, ...],
    courses: list[History],
    cares: list[Care],
    patient_ids: list[int],
    staff: _Staff,
) -> None:
    """Store episodes, and with them all that therapists decided, did and wrote."""
    episode_ids = _ids(
        connection,
        EpisodeOfCare,
        [
            _episode_row(part, number, course, patient_id, staff)
            for number, (part, course, patient_id) in enumerate(zip(parts, courses, patient_ids, strict=True))
        ],
    )
    treated = [
        _Treated(number, part, course, care, episode_id, staff.people[part.therapist])
        for number, (part, course, care, episode_id) in enumerate(zip(parts, courses, cares, episode_ids, strict=True))
    ]
    visit_rows = [row for one in treated for row in _visit_rows(one, staff)]
    visit_ids = iter(_ids(connection, Visit, visit_rows))
    visits_of = [[(next(visit_ids), told) for told in one.care.visits] for one in treated]
    _add_visits(connection, treated, visits_of)
    _add_plans(connection, treated)
    _add_screens(connection, treated, visits_of)
    _insert(connection, StrengthSession, [row for one in treated for row in _strength_rows(one)])
    _insert(connection, ReviewMark, [row for one in treated for row in _review_rows(one)])
    _insert(
        connection, LimitChange, [row for one, patient_id in zip(treated, patient_ids, strict=True) for row in _limit_rows(one, patient_id)]
    )


@dataclass(frozen=True)
class _Treated:
    """An episode with the ids that its rows need."""

    number: int
    part: Part
    course: History
    care: Care
    episode_id: int
    therapist: int


# The visits of an episode in their order: id, and what was done; None for one that was not held.
_Visits = list[tuple[int, demo_care.CareAtVisit | None]]


def _visit_rows(one: _Treated, staff: _Staff) -> list[dict[str, Any]]:
    rows = []
    for order, (visit, told) in enumerate(zip(one.course.visits, one.care.visits, strict=True)):
        site = "Virtual" if visit.kind is SiteKind.VIRTUAL else one.part.place
        rows.append(
            {
                "key": _key(3, one.number, order),
                "episode_id": one.episode_id,
                "visit_date": visit.day,
                "site_id": staff.sites[site],
                "kind": visit.kind,
                "status": visit.status,
                "therapist_id": one.therapist,
                "summary": visit.summary,
                "hands_on": told.entry.hands_on if told else "",
                "education": told.entry.education if told else "",
                "note": told.entry.note if told else "",
                "note_written_at_utc": _noon(visit.day) + (MEND_AFTER if told.first_note else timedelta(0)) if told else None,
                "note_written_by_id": one.therapist if told else None,
                "created_at_utc": _noon(max(one.course.started_on, visit.day - timedelta(days=21))),
            }
        )
    return rows


def _add_visits(connection: sa.Connection, treated: list[_Treated], visits_of: list[_Visits]) -> None:
    """Store what was done at visits, and the dated changes: a cue belongs to the visit at which it was given."""
    notes, given, changes, outcomes = [], [], [], []
    for one, visits in zip(treated, visits_of, strict=True):
        cued_at = {}
        for visit_id, told in visits:
            if told is None:
                continue
            day, entry = told.entry.visit_date, told.entry
            by = {"recorded_at_utc": _noon(day), "recorded_by_id": one.therapist}
            if entry.gait_cue:
                cued_at[day] = visit_id
            if told.first_note:
                first = {"note": told.first_note, "written_at_utc": _noon(day), "written_by_id": one.therapist}
                notes.append({"visit_id": visit_id, **first, "replaced_at_utc": _noon(day) + MEND_AFTER, "replaced_by_id": one.therapist})
            given += [{"visit_id": visit_id, "number": number, **item.model_dump()} for number, item in enumerate(entry.strength, start=1)]
            outcomes += [
                {
                    "episode_id": one.episode_id,
                    "visit_id": visit_id,
                    "instrument": outcome.instrument,
                    "taken_on": outcome.taken_on,
                    "total": outcome.kept_total,
                    "details": outcome_details(outcome),
                    **by,
                }
                for outcome in told.outcomes
            ]
        changes += [
            {
                "episode_id": one.episode_id,
                "day": change.day,
                "kind": change.kind,
                "label": change.label,
                "author_id": one.therapist,
                "created_at_utc": _noon(change.day),
                "visit_id": cued_at.get(change.day) if change.kind is ChangeKind.CADENCE_CUE else None,
            }
            for change in one.course.changes
        ]
    for table, rows in ((VisitNote, notes), (StrengthGiven, given), (Change, changes), (OutcomeScore, outcomes)):
        _insert(connection, table, rows)


def _add_plans(connection: sa.Connection, treated: list[_Treated]) -> None:
    rows, weeks_of = [], []
    for one in treated:
        for version, entry in enumerate(one.care.plans, start=1):
            whose = {"episode_id": one.episode_id, "version": version, "author_id": one.therapist}
            rows.append({**whose, **plan_row(entry), "created_at_utc": _noon(entry.today)})
            weeks_of.append(entry.weeks)
    listed = [
        {"plan_id": plan_id, "number": number, **week.model_dump()}
        for plan_id, plan_weeks in zip(_ids(connection, Plan, rows), weeks_of, strict=True)
        for number, week in enumerate(plan_weeks)
    ]
    _insert(connection, PlanWeek, listed)


def _add_screens(connection: sa.Connection, treated: list[_Treated], visits_of: list[_Visits]) -> None:
    rows = []
    for one, visits in zip(treated, visits_of, strict=True):
        screens = [(visit_id, told.screen) for visit_id, told in visits if told is not None]
        phone, closed = one.care.screen_by_phone, one.care.closed_yes
        for visit_id, screen in [*screens, *([] if phone is None else [(None, phone)])]:
            for item, answer in screen.answers.items():
                row = {
                    "episode_id": one.episode_id,
                    "visit_id": visit_id,
                    "item": item,
                    "answer": answer,
                    "asked_on": screen.asked_on,
                    "recorded_at_utc": _noon(screen.asked_on),
                    "recorded_by_id": one.therapist,
                    "closed_on": None,
                    "closed_at_utc": None,
                    "closed_by_id": None,
                    "closing_note": "",
                }
                if closed is not None and answer is ScreenAnswer.YES and item is closed.item:
                    row |= {"closed_on": closed.closed_on, "closed_at_utc": _noon(closed.closed_on)}
                    row |= {"closed_by_id": one.therapist, "closing_note": closed.note}
                rows.append(row)
    _insert(connection, RedFlagAnswer, rows)


def _strength_rows(one: _Treated) -> list[dict[str, Any]]:
    return [
        {"episode_id": one.episode_id, "done_on": logged.entry.done_on, "number": 1, "recorded_at_utc": logged.recorded_at_utc}
        for logged in one.care.strength
    ]


def _review_rows(one: _Treated) -> list[dict[str, Any]]:
    whose = {"episode_id": one.episode_id, "person_id": one.therapist}
    return [{**whose, "marked_at_utc": mark.marked_at_utc, "undone_at_utc": mark.undone_at_utc} for mark in one.care.reviews]


def _limit_rows(one: _Treated, patient_id: int) -> list[dict[str, Any]]:
    """Give the history of the pain zones that are not the usual ones: set at the first visit."""
    usual, own = (PAIN_COMFORTABLE_MAX, PAIN_ACCEPTABLE_MAX), one.part.pain_zones
    by = {"patient_id": patient_id, "changed_at_utc": _noon(one.course.started_on), "changed_by_id": one.therapist}
    names = (LimitName.COMFORTABLE_MAX, LimitName.ACCEPTABLE_MAX)
    return [
        {**by, "limit_name": name, "old_value": str(before), "new_value": str(now)}
        for name, before, now in zip(names, usual, own, strict=True)
        if before != now
    ]


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
        "key": _key(2, number),
        "patient_id": patient_id,
        "status": EpisodeStatus.ACTIVE if course.ended_on is None else EpisodeStatus.DISCHARGED,
        "ended_on": course.ended_on,
        "created_at_utc": _noon(course.started_on),
        "created_by_id": staff.people[part.therapist],
    }


def _add_logs(connection: sa.Connection, parts: tuple[Part, ...], courses: list[History], patient_ids: list[int]) -> int:
    """Store what the patients logged, linked and counted; returns how many scores are current."""
    known = list(zip(courses, patient_ids, strict=True))
    runs = [(patient_id, logged) for course, patient_id in known for logged in course.runs]
    run_rows = [
        run_records.run_row(logged.run.entry, patient_id, WEEK_START, recorded_at_utc=logged.recorded_at_utc) for patient_id, logged in runs
    ]
    run_ids = _ids(connection, Run, run_rows)
    minutes = [
        {"run_id": run_id, "minutes": series.packed(logged.run.minutes)}
        for run_id, (_, logged) in zip(run_ids, runs, strict=True)
        if logged.run.minutes is not None
    ]
    _insert(connection, RunSeries, minutes)
    _add_scores(connection, known)
    rest = [
        {**logged.entry.model_dump(exclude={"today"}), "patient_id": patient_id, "recorded_at_utc": logged.recorded_at_utc}
        for course, patient_id in known
        for logged in course.rest_answers
    ]
    _insert(connection, RestAnswer, rest)
    no_runs = [
        {"day": logged.entry.day, "patient_id": patient_id, "recorded_at_utc": logged.recorded_at_utc}
        for course, patient_id in known
        for logged in course.days_without_run
    ]
    _insert(connection, DayWithoutRun, no_runs)
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
    for (number, _), wrong_id in zip(wrong, _ids(connection, PainScore, told), strict=True):
        rows[number]["corrects_id"] = wrong_id
    _insert(connection, PainScore, rows)
