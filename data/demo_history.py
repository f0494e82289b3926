"""What a course of the demo clinic is made of: what happens, and what is known of it in the end."""

from dataclasses import dataclass
from datetime import date, datetime

from data.demo_runs import MadeRun
from models import ChangeKind, NoRunEntry, PainEntry, RestEntry, SiteKind, VisitStatus


@dataclass(frozen=True)
class Course:
    """
    What happens to somebody. Days count back from the course's end, which is the last day of the history or the discharge.

    Attributes
    ----------
    care_days : int
        From the first visit to the end.
    discharged_days_ago : int or None
        None: still in care.
    pain_from, pain_to : float
        Next-morning pain on the 0-10 scale that a hip tends to by itself, at the first visit and at the end.
    weekly, weekly_goal : float
        Distance of the first plan and where the therapist stops adding, in the runner's unit.
    history_days : int
        Days before the first visit of which the watch still had the runs.
    spike_days, spike_ratio, spike_points
        Runs of so many times the longest of 30 days, and how much pain they bring.
    cue_day, cue_gain, cue_relief
        When a cadence cue was given, what it did to cadence at equal speed (0.055 is 5.5 % more), and how much pain it took away.
    rising_days : int
        Pain has been rising for so long.
    plan_kept : float
        Distance run for each one planned.
    run_walk_days : int
        Runs have walking breaks for so long after the first visit.
    answers : float
        Chance that a question about pain is answered.
    misses_runs, misses_visits : float
        Chance that a planned run, or a visit that is nothing special, does not happen.
    logs_runs : float
        Chance that a run is logged at all.
    weekly_log : bool
        Everything is logged on Sunday evening.
    silent_days : int
        Nothing was logged in the last so many days.
    night_rest_day : int or None
        When pain at rest at night was answered with yes.
    """

    care_days: int
    discharged_days_ago: int | None = None
    pain_from: float = 4.5
    pain_to: float = 1.5
    weekly: float = 12.0
    weekly_goal: float = 26.0
    history_days: int = 28
    spike_days: tuple[int, ...] = ()
    spike_ratio: float = 1.65
    spike_points: float = 3.2
    cue_day: int | None = None
    cue_gain: float = 0.055
    cue_relief: float = 1.4
    rising_days: int = 0
    injection_day: int | None = None
    shoe_day: int | None = None
    device_day: int | None = None
    away_week_day: int | None = None
    plan_kept: float = 1.0
    run_walk_days: int = 0
    answers: float = 0.85
    logs_runs: float = 1.0
    weekly_log: bool = False
    silent_days: int = 0
    night_rest_day: int | None = None
    visit_gaps_days: tuple[int, ...] = (7, 7, 14, 14, 14, 21)
    next_visit_in_days: int | None = 9
    misses_runs: float = 0.05
    misses_visits: float = 0.1
    may_run: bool = True
    logs: bool = True


@dataclass(frozen=True)
class LoggedRun:
    run: MadeRun
    recorded_at_utc: datetime


@dataclass(frozen=True)
class LoggedScore:
    """A pain score; `first_told` is the wrong value that it corrects, if there was one."""

    entry: PainEntry
    recorded_at_utc: datetime
    first_told: int | None = None


@dataclass(frozen=True)
class LoggedRest:
    entry: RestEntry
    recorded_at_utc: datetime


@dataclass(frozen=True)
class LoggedNoRun:
    entry: NoRunEntry
    recorded_at_utc: datetime


@dataclass(frozen=True)
class HeldVisit:
    day: date
    status: VisitStatus
    kind: SiteKind
    summary: str = ""


@dataclass(frozen=True)
class MadePlan:
    day: date
    valid_from: date
    weekly_distance_m: int
    run_ceiling_m: int
    cadence_target_spm: tuple[float, float] | None
    reason: str


@dataclass(frozen=True)
class MadeChange:
    day: date
    kind: ChangeKind
    label: str


@dataclass(frozen=True)
class History:
    """All that is known of one course on the last day."""

    started_on: date
    ended_on: date | None
    runs: tuple[LoggedRun, ...]
    scores: tuple[LoggedScore, ...]
    rest_answers: tuple[LoggedRest, ...]
    days_without_run: tuple[LoggedNoRun, ...]
    visits: tuple[HeldVisit, ...]
    plans: tuple[MadePlan, ...]
    changes: tuple[MadeChange, ...]
