"""What the therapists of the demo clinic wrote, as rows: visits, plans, screens, outcomes, strength sessions, reviews, limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa

from data import demo_care
from data.demo_care import Care
from data.demo_cast import Part
from data.demo_history import History
from data.demo_rows import MEND_AFTER, insert_rows, inserted_ids, made_key, noon
from data.outcomes import outcome_details
from data.plans import plan_row
from models import (
    PAIN_ACCEPTABLE_MAX,
    PAIN_COMFORTABLE_MAX,
    Change,
    ChangeKind,
    LimitChange,
    LimitName,
    OutcomeScore,
    Plan,
    PlanWeek,
    RedFlagAnswer,
    ReviewMark,
    ScreenAnswer,
    SiteKind,
    StrengthGiven,
    StrengthSession,
    Visit,
    VisitNote,
)


@dataclass(frozen=True)
class Treated:
    """An episode with the ids that its rows need."""

    number: int
    part: Part
    course: History
    care: Care
    patient_id: int
    episode_id: int
    therapist: int


# The visits of an episode in their order: id, and what was done; None for one that was not held.
Visits: TypeAlias = list[tuple[int, demo_care.CareAtVisit | None]]


def add_written(connection: sa.Connection, treated: Sequence[Treated], sites: Mapping[str, int]) -> None:
    """
    Store all that therapists decided, did and wrote.

    Parameters
    ----------
    treated : sequence of Treated
        The episodes, stored already.
    sites : mapping
        Ids of sites by name.
    """
    visit_rows = [row for one in treated for row in _visit_rows(one, sites)]
    visit_ids = iter(inserted_ids(connection, Visit, visit_rows))
    visits_of = [[(next(visit_ids), told) for told in one.care.visits] for one in treated]
    _add_visits(connection, treated, visits_of)
    _add_plans(connection, treated)
    _add_screens(connection, treated, visits_of)
    insert_rows(connection, StrengthSession, [row for one in treated for row in _strength_rows(one)])
    insert_rows(connection, ReviewMark, [row for one in treated for row in _review_rows(one)])
    insert_rows(connection, LimitChange, [row for one in treated for row in _limit_rows(one)])


def _visit_rows(one: Treated, sites: Mapping[str, int]) -> list[dict[str, Any]]:
    rows = []
    for order, (visit, told) in enumerate(zip(one.course.visits, one.care.visits, strict=True)):
        site = "Virtual" if visit.kind is SiteKind.VIRTUAL else one.part.place
        rows.append(
            {
                "key": made_key(3, one.number, order),
                "episode_id": one.episode_id,
                "visit_date": visit.day,
                "site_id": sites[site],
                "kind": visit.kind,
                "status": visit.status,
                "therapist_id": one.therapist,
                "summary": visit.summary,
                "hands_on": told.entry.hands_on if told else "",
                "education": told.entry.education if told else "",
                "note": told.entry.note if told else "",
                "note_written_at_utc": noon(visit.day) + (MEND_AFTER if told.first_note else timedelta(0)) if told else None,
                "note_written_by_id": one.therapist if told else None,
                "created_at_utc": noon(max(one.course.started_on, visit.day - timedelta(days=21))),
            }
        )
    return rows


def _add_visits(connection: sa.Connection, treated: Sequence[Treated], visits_of: list[Visits]) -> None:
    """Store what was done at visits, and the dated changes: a cue belongs to the visit at which it was given."""
    notes, given, changes, outcomes = [], [], [], []
    for one, visits in zip(treated, visits_of, strict=True):
        cued_at = {}
        for visit_id, told in visits:
            if told is None:
                continue
            day, entry = told.entry.visit_date, told.entry
            by = {"recorded_at_utc": noon(day), "recorded_by_id": one.therapist}
            if entry.gait_cue:
                cued_at[day] = visit_id
            if told.first_note:
                first = {"note": told.first_note, "written_at_utc": noon(day), "written_by_id": one.therapist}
                notes.append({"visit_id": visit_id, **first, "replaced_at_utc": noon(day) + MEND_AFTER, "replaced_by_id": one.therapist})
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
                "created_at_utc": noon(change.day),
                "visit_id": cued_at.get(change.day) if change.kind is ChangeKind.CADENCE_CUE else None,
            }
            for change in one.course.changes
        ]
    for table, rows in ((VisitNote, notes), (StrengthGiven, given), (Change, changes), (OutcomeScore, outcomes)):
        insert_rows(connection, table, rows)


def _add_plans(connection: sa.Connection, treated: Sequence[Treated]) -> None:
    rows, weeks_of = [], []
    for one in treated:
        for version, entry in enumerate(one.care.plans, start=1):
            whose = {"episode_id": one.episode_id, "version": version, "author_id": one.therapist}
            rows.append({**whose, **plan_row(entry), "created_at_utc": noon(entry.today)})
            weeks_of.append(entry.weeks)
    listed = [
        {"plan_id": plan_id, "number": number, **week.model_dump()}
        for plan_id, plan_weeks in zip(inserted_ids(connection, Plan, rows), weeks_of, strict=True)
        for number, week in enumerate(plan_weeks)
    ]
    insert_rows(connection, PlanWeek, listed)


def _add_screens(connection: sa.Connection, treated: Sequence[Treated], visits_of: list[Visits]) -> None:
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
                    "recorded_at_utc": noon(screen.asked_on),
                    "recorded_by_id": one.therapist,
                    "closed_on": None,
                    "closed_at_utc": None,
                    "closed_by_id": None,
                    "closing_note": "",
                }
                if closed is not None and answer is ScreenAnswer.YES and item is closed.item:
                    row |= {"closed_on": closed.closed_on, "closed_at_utc": noon(closed.closed_on)}
                    row |= {"closed_by_id": one.therapist, "closing_note": closed.note}
                rows.append(row)
    insert_rows(connection, RedFlagAnswer, rows)


def _strength_rows(one: Treated) -> list[dict[str, Any]]:
    return [
        {"episode_id": one.episode_id, "done_on": logged.entry.done_on, "number": 1, "recorded_at_utc": logged.recorded_at_utc}
        for logged in one.care.strength
    ]


def _review_rows(one: Treated) -> list[dict[str, Any]]:
    whose = {"episode_id": one.episode_id, "person_id": one.therapist}
    return [{**whose, "marked_at_utc": mark.marked_at_utc, "undone_at_utc": mark.undone_at_utc} for mark in one.care.reviews]


def _limit_rows(one: Treated) -> list[dict[str, Any]]:
    """Give the history of the pain zones that are not the usual ones: set at the first visit."""
    usual, own = (PAIN_COMFORTABLE_MAX, PAIN_ACCEPTABLE_MAX), one.part.pain_zones
    by = {"patient_id": one.patient_id, "changed_at_utc": noon(one.course.started_on), "changed_by_id": one.therapist}
    names = (LimitName.COMFORTABLE_MAX, LimitName.ACCEPTABLE_MAX)
    return [
        {**by, "limit_name": name, "old_value": str(before), "new_value": str(now)}
        for name, before, now in zip(names, usual, own, strict=True)
        if before != now
    ]
