"""
What the therapists of the demo clinic wrote beside the courses: plans in full, screens, visits, outcomes, strength, reviews.

Pure: no database, no clock. It has a random state of its own, so a course stays as it is whatever is added here.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from data.demo_courses import KNOWN_UNTIL_HOUR, on_weekday
from data.demo_history import Course, HeldVisit, History, MadePlan
from data.demo_runs import METRES_IN, Runner
from models import (
    ChangeKind,
    DiagnosisClass,
    Instrument,
    OutcomeActivity,
    OutcomeEntry,
    PlanEntry,
    PlanWeekEntry,
    ScreenAnswer,
    ScreenEntry,
    ScreenItem,
    StrengthEntry,
    StrengthGivenEntry,
    SuggestionShown,
    Surface,
    VisitEntry,
    VisitStatus,
)

SESSIONS_A_WEEK = 3
STRENGTH_WEEKDAYS = (0, 2, 4)
OUTCOME_EVERY_DAYS = 28
NOTES_EDITED = 0.02
# Who has a yes: family name, what, days before the last day (None: at the first visit), and the note with which it was closed.
OPEN_YES = ("Acharya", ScreenItem.REST_OR_NIGHT_PAIN, 1)
CLOSED_YES = ("Arneson", ScreenItem.FRAGILE_BONE, 9, "Bone density scan of last autumn normal, letter from his doctor seen. Load as usual.")

# In the order in which they are given: lying and standing first, then heavier.
EXERCISES = (
    StrengthGivenEntry(exercise="Hip abduction lying, isometric", sets=2, reps=5, hold_s=10),
    StrengthGivenEntry(exercise="Bridge on both legs", sets=2, reps=8),
    StrengthGivenEntry(exercise="Offset bridge", sets=2, reps=8),
    StrengthGivenEntry(exercise="Squat, slow", sets=2, reps=10),
    StrengthGivenEntry(exercise="Side step with band", sets=2, reps=10),
    StrengthGivenEntry(exercise="Single-leg squat to a chair", sets=3, reps=8),
)
HANDS_ON = ("Gluteal muscles, 5 min", "Front of the hip, 5 min", "Lower back and pelvis, 5 min", "")
EDUCATION = (
    "What the hip answers by next morning, and how to log it.",
    "No hanging on one hip, no crossed legs, a pillow between the knees at night.",
    "One thing more at a time: longer, or faster, or hillier.",
    "Some ache while running is OK if it settles by next morning.",
)
ACTIVITIES = ("Run 5 miles", "Stairs at work", "Sleep on that side", "Sit through a film", "Long walk downhill")


@dataclass(frozen=True)
class CareAtVisit:
    """What was done at one held visit. `first_note` is what its note said before it was changed; empty if it never was."""

    entry: VisitEntry
    screen: ScreenEntry
    outcomes: tuple[OutcomeEntry, ...]
    first_note: str = ""


@dataclass(frozen=True)
class ClosedYes:
    """A yes of the first visit that was closed some days later."""

    item: ScreenItem
    closed_on: date
    note: str


@dataclass(frozen=True)
class LoggedStrength:
    entry: StrengthEntry
    recorded_at_utc: datetime


@dataclass(frozen=True)
class Reviewed:
    marked_at_utc: datetime
    undone_at_utc: datetime | None = None


@dataclass(frozen=True)
class Care:
    """All that was written about one episode, in the order of the course's visits and plans. `visits` has None for one that was not held."""

    plans: tuple[PlanEntry, ...]
    visits: tuple[CareAtVisit | None, ...]
    screen_by_phone: ScreenEntry | None
    closed_yes: ClosedYes | None
    strength: tuple[LoggedStrength, ...]
    reviews: tuple[Reviewed, ...]


def care(
    rng: np.random.Generator,
    family_name: str,
    runner: Runner,
    course: Course,
    happened: History,
    *,
    diagnosis_class: DiagnosisClass,
    as_of: date,
) -> Care:
    """
    Let the therapists write.

    Parameters
    ----------
    rng : Generator
        The same state gives the same care.
    happened : History
        The course that they saw.
    as_of : date
        Last day of which anything is known.
    """
    yes_at_start = CLOSED_YES[1] if family_name == CLOSED_YES[0] else None
    visits: list[CareAtVisit | None] = []
    last_outcome: date | None = None
    for number, visit in enumerate(happened.visits):
        if visit.status is not VisitStatus.ARRIVED:
            visits.append(None)
            continue
        is_due = last_outcome is None or (visit.day - last_outcome).days >= OUTCOME_EVERY_DAYS
        outcomes = _outcomes(rng, course, happened, visit.day, diagnosis_class, first=last_outcome is None) if is_due else ()
        last_outcome = visit.day if is_due else last_outcome
        visits.append(_at_visit(rng, number, visit, happened, outcomes, yes_at_start if number == 0 else None))
    closed = None
    if yes_at_start is not None:
        closed = ClosedYes(yes_at_start, happened.started_on + timedelta(days=CLOSED_YES[2]), CLOSED_YES[3])
    phone = None
    if family_name == OPEN_YES[0]:
        day = as_of - timedelta(days=OPEN_YES[2])
        answers = {item: ScreenAnswer.YES if item is OPEN_YES[1] else ScreenAnswer.NO for item in ScreenItem}
        phone = ScreenEntry(today=day, asked_on=day, answers=answers)
    return Care(
        plans=_plans(rng, runner, course, happened),
        visits=tuple(visits),
        screen_by_phone=phone,
        closed_yes=closed,
        strength=_strength(rng, runner, course, happened, as_of),
        reviews=_reviews(rng, runner, happened, as_of),
    )


# -- plans ---------------------------------------------------------------------------------------------------------------


def _band(before: float, after: float, *, is_cue: bool) -> tuple[str, float, float]:
    """Give state and band, in the runner's unit, that a plan step answers to: half units, the lower end up, the upper end down."""
    if after < before:
        state, low, high = "S3", 0.70 * before, 0.80 * before
    elif is_cue or after == before:
        state, low, high = "S6", 0.95 * before, 1.05 * before
    elif before < 10:
        state, low, high = "S8", before + 0.5, before + 1.0
    else:
        state, low, high = "S8", 1.05 * before, 1.10 * before
    halves = np.ceil(low * 2 - 1e-9) / 2, np.floor(high * 2 + 1e-9) / 2
    if halves[0] > halves[1]:  # no half unit lies in it: the nearest one
        nearest = round(low + high) / 2
        return state, nearest, nearest
    return state, float(halves[0]), float(halves[1])


def _plans(rng: np.random.Generator, runner: Runner, course: Course, happened: History) -> tuple[PlanEntry, ...]:
    unit_m = METRES_IN[runner.unit]
    entries = []
    for version, plan in enumerate(happened.plans):
        earlier = happened.plans[version - 1] if version else None
        is_cut = earlier is not None and plan.weekly_distance_m < earlier.weekly_distance_m
        is_newest = version == len(happened.plans) - 1 and happened.ended_on is None
        low, high = plan.cadence_target_spm or (None, None)
        suggestion, outside, why = None, False, ""
        if earlier is not None:
            is_cue = plan.cadence_target_spm is not None and earlier.cadence_target_spm is None
            before, after = (round(2 * item.weekly_distance_m / unit_m) / 2 for item in (earlier, plan))
            state, band_low, band_high = _band(before, after, is_cue=is_cue)
            if after > before and rng.random() < 0.05:  # the engine said hold, the therapist saw more
                state, band_low, band_high = "S7", before, before
                why = " More than suggested: few answers, but strong and at ease at the visit."
            low_m, high_m = round(band_low * unit_m), round(band_high * unit_m)
            outside = not low_m <= plan.weekly_distance_m <= high_m
            suggestion = SuggestionShown(state=state, band_low_m=low_m, band_high_m=high_m, ceiling_m=plan.run_ceiling_m)
        walks = version == 0 and course.run_walk_days > 0
        runs = len(runner.run_weekdays)
        entries.append(
            PlanEntry.checked(
                today=plan.day,
                valid_from=plan.valid_from,
                weekly_distance_m=plan.weekly_distance_m,
                runs_per_week=runs,
                run_ceiling_m=plan.run_ceiling_m,
                run_part_s=240 if walks else None,
                walk_part_s=60 if walks else None,
                cadence_target_low_spm=low,
                cadence_target_high_spm=high,
                surface_limit=Surface.TREADMILL if runner.surface is Surface.TREADMILL else None,
                speed_limit_m_s=round(1.05 * runner.easy_speed_m_s, 2) if is_cut else None,
                strength_sessions_per_week=SESSIONS_A_WEEK,
                reason=plan.reason + (why if outside else ""),
                outside_band=outside,
                suggestion=suggestion,
                weeks=_weeks(plan, runs) if is_newest else (),
            )
        )
    return tuple(entries)


def _weeks(plan: MadePlan, runs: int) -> tuple[PlanWeekEntry, ...]:
    """List the next two weeks: the second is as the first."""
    reaches = runs * plan.run_ceiling_m >= plan.weekly_distance_m
    week = PlanWeekEntry.checked(
        distance_m=plan.weekly_distance_m, runs=runs, longest_run_m=min(plan.run_ceiling_m, plan.weekly_distance_m) if reaches else None
    )
    return (week, week)


# -- visits --------------------------------------------------------------------------------------------------------------


def _at_visit(
    rng: np.random.Generator,
    number: int,
    visit: HeldVisit,
    happened: History,
    outcomes: tuple[OutcomeEntry, ...],
    yes: ScreenItem | None,
) -> CareAtVisit:
    cue = next((change.label for change in happened.changes if change.kind is ChangeKind.CADENCE_CUE and change.day == visit.day), "")
    stage = min(number // 2, len(EXERCISES) - 2)
    chances = rng.random(3)
    in_person = visit.kind.value == "in_person"
    note = f"{visit.summary}. {EDUCATION[number % len(EDUCATION)]}"
    entry = VisitEntry.checked(
        today=visit.day,
        visit_date=visit.day,
        kind=visit.kind,
        summary=visit.summary,
        hands_on=HANDS_ON[int(chances[0] * len(HANDS_ON))] if in_person else "",
        strength=EXERCISES[stage : stage + 2],
        gait_cue=cue,
        education=EDUCATION[number % len(EDUCATION)],
        note=note,
    )
    answers = dict.fromkeys(ScreenItem, ScreenAnswer.NO)
    if chances[1] < 0.06:  # time ran out: the last ones were not asked
        answers |= dict.fromkeys(list(ScreenItem)[-3:], ScreenAnswer.NOT_ASKED)
    if yes is not None:
        answers[yes] = ScreenAnswer.YES
    screen = ScreenEntry(today=visit.day, asked_on=visit.day, answers=answers)
    return CareAtVisit(entry, screen, outcomes, f"{visit.summary}." if chances[2] < NOTES_EDITED else "")


def _outcomes(
    rng: np.random.Generator, course: Course, happened: History, day: date, diagnosis_class: DiagnosisClass, *, first: bool
) -> tuple[OutcomeEntry, ...]:
    """Give the forms of a day: all of them better the more of the course's pain is gone."""
    gone = min((day - happened.started_on).days / max(course.care_days, 1), 1.0)
    better = gone * (course.pain_from - course.pain_to) / 10
    noise = rng.normal(0, 0.03, 6)
    asked = {"today": day, "taken_on": day}

    def share(number: int, start: float) -> float:
        return float(np.clip(start + 1.6 * better + noise[number], 0, 1))

    told = [OutcomeEntry.checked(**asked, instrument=Instrument.NPRS, total=round(10 * (1 - share(0, 0.45))))]
    unfinished = rng.random() < 0.04
    told.append(
        OutcomeEntry.checked(**asked, instrument=Instrument.UWRI, items_answered=6)
        if unfinished
        else OutcomeEntry.checked(**asked, instrument=Instrument.UWRI, total=round(36 * share(1, 0.4)))
    )
    begun = happened.started_on.toordinal() % len(ACTIVITIES)
    own = [ACTIVITIES[(begun + number) % len(ACTIVITIES)] for number in range(3)]
    abilities = [
        OutcomeActivity(activity=activity, ability=round(10 * share(number, 0.35))) for number, activity in enumerate(own, start=2)
    ]
    told.append(OutcomeEntry.checked(**asked, instrument=Instrument.PSFS, activities=tuple(abilities)))
    if diagnosis_class in {DiagnosisClass.TENDON, DiagnosisClass.BURSA, DiagnosisClass.LATERAL_UNCLEAR}:
        told.append(OutcomeEntry.checked(**asked, instrument=Instrument.VISA_G, total=round(100 * share(5, 0.5))))
    elif diagnosis_class is DiagnosisClass.INTRA_ARTICULAR:
        told.append(OutcomeEntry.checked(**asked, instrument=Instrument.IHOT_12, total=round(100 * share(5, 0.45), 1)))
    if not first:
        told.append(OutcomeEntry.checked(**asked, instrument=Instrument.GROC, total=min(max(round(12 * better), -5), 5)))
    return tuple(told)


# -- between visits ------------------------------------------------------------------------------------------------------


def _moment(day: date, hour: float, zone: str) -> datetime:
    return (datetime.combine(day, time(0), ZoneInfo(zone)) + timedelta(minutes=round(60 * hour))).astimezone(UTC)


def _strength(rng: np.random.Generator, runner: Runner, course: Course, happened: History, as_of: date) -> tuple[LoggedStrength, ...]:
    if not course.logs or not happened.plans:
        return ()
    kept = float(rng.uniform(0.35, 0.98))
    last = (happened.ended_on or as_of) - timedelta(days=course.silent_days)
    first = happened.plans[0].day
    days = [first + timedelta(days=number) for number in range(max((last - first).days, 0))]
    chances = rng.random(len(days))
    until = _moment(as_of, KNOWN_UNTIL_HOUR, runner.time_zone)
    logged = []
    for day, chance in zip(days, chances, strict=True):
        recorded = _moment(day, 20.5, runner.time_zone)
        if day.weekday() in STRENGTH_WEEKDAYS and chance < kept and recorded <= until:
            logged.append(LoggedStrength(StrengthEntry(today=day, done_on=day), recorded))
    return tuple(logged)


def _reviews(rng: np.random.Generator, runner: Runner, happened: History, as_of: date) -> tuple[Reviewed, ...]:
    """Mark the episodes that are open reviewed: some this week, some longer ago, a few never; one in fifteen marks was a slip."""
    if happened.ended_on is not None:
        return ()
    ago, slip = int(rng.integers(0, 16)), rng.random() < 0.07
    days = sorted({on_weekday(as_of - timedelta(days=days)) for days in (ago, ago + 7, ago + 14) if ago < 14})
    marks = [Reviewed(_moment(day, 8.25, "America/Chicago")) for day in days if day > happened.started_on]
    if slip and marks:
        marks[-1] = Reviewed(marks[-1].marked_at_utc, marks[-1].marked_at_utc + timedelta(minutes=2))
    return tuple(marks)
