"""What is known about one episode of care, as it is handed in, and what of it was known on a day."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pandas as pd

from models import SCREEN_COLUMNS, STRENGTH_COLUMNS, ChangeKind, DiagnosisClass, DistanceUnit, Side, day_number
from rehab.days import Coverage, coverage_until, day_numbers
from rehab.limits import Limits

# What may change the meaning of a pain score, and what may change cadence at the same speed.
PAIN_BREAKS = frozenset({ChangeKind.INJECTION.value, ChangeKind.DIAGNOSIS.value})
CADENCE_BREAKS = frozenset({ChangeKind.CADENCE_CUE.value, ChangeKind.SHOE.value, ChangeKind.DEVICE.value})


@dataclass(frozen=True)
class PainZones:
    """The patient's own zones: comfortable up to and including the first, OK if it settles up to and including the second."""

    comfortable_max: int
    acceptable_max: int


@dataclass(frozen=True)
class Mark:
    """Something the clinic or the runner changed, for a vertical mark. `kind` is 'visit', 'plan' or a ChangeKind."""

    day: date
    kind: str
    label: str


def break_days(marks: Iterable[Mark], kinds: frozenset[str]) -> list[date]:
    """
    Give the days of the marks that break a series.

    Parameters
    ----------
    marks : iterable of Mark
        Visits, plans and changes of an episode.
    kinds : frozenset of str
        `PAIN_BREAKS` or `CADENCE_BREAKS`.

    Examples
    --------
    >>> break_days([Mark(date(2025, 3, 4), "shoe", ""), Mark(date(2025, 3, 6), "visit", "")], CADENCE_BREAKS)
    [datetime.date(2025, 3, 4)]
    """
    return [mark.day for mark in marks if mark.kind in kinds]


def _nothing(columns: tuple[str, ...], *days: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="datetime64[us]" if name in days else "str") for name in columns})


@dataclass(frozen=True)
class EpisodeFacts:
    """
    What is known about one episode, as `clinic/` hands it in.

    The frames have the columns that models.py names (RUN_COLUMNS, PAIN_COLUMNS, PLAN_COLUMNS, SCREEN_COLUMNS, STRENGTH_COLUMNS); `runs` and
    `scores` hold the whole history of the patient, of all sides, in any order. `limping_days` are the days of which the runner said that
    they limped on the episode's side (datetime64), `rest_pain_days` those with a yes to pain at rest or at night.
    """

    side: Side
    started_on: date
    ended_on: date | None
    distance_unit: DistanceUnit
    week_start: int
    zones: PainZones
    coverage: Coverage | None
    runs: pd.DataFrame
    scores: pd.DataFrame
    plans: pd.DataFrame
    marks: tuple[Mark, ...]
    screen: pd.DataFrame = field(default_factory=lambda: _nothing(SCREEN_COLUMNS, "asked_on", "closed_on"))
    strength: pd.DataFrame = field(default_factory=lambda: _nothing(STRENGTH_COLUMNS, "done_on"))
    limping_days: pd.Series = field(default_factory=lambda: pd.Series(dtype="datetime64[us]"))
    diagnosis_class: DiagnosisClass | None = None
    limits: Limits = field(default_factory=Limits)
    birth_date: date | None = None
    rest_pain_days: tuple[date, ...] = ()


def facts_until(facts: EpisodeFacts, as_of: date) -> EpisodeFacts:
    """
    Leave out what was not known on a day.

    Runs dated, scores felt, marks set and answers given later go; so do plans for a week that begins later. What was closed later was
    open then.
    """
    last = day_number(as_of)
    week_end = as_of + timedelta(days=6 - (as_of.weekday() - facts.week_start) % 7)
    return replace(
        facts,
        ended_on=facts.ended_on if facts.ended_on is not None and facts.ended_on <= as_of else None,
        coverage=coverage_until(facts.coverage, as_of),
        runs=facts.runs[day_numbers(facts.runs["run_date"]) <= last],
        scores=facts.scores[day_numbers(facts.scores["for_date"]) <= last],
        plans=facts.plans[day_numbers(facts.plans["valid_from"]) <= day_number(week_end)],
        marks=tuple(mark for mark in facts.marks if mark.day <= as_of),
        screen=_screen_until(facts.screen, as_of),
        strength=facts.strength[day_numbers(facts.strength["done_on"]) <= last],
        limping_days=facts.limping_days[day_numbers(facts.limping_days) <= last],
        rest_pain_days=tuple(day for day in facts.rest_pain_days if day <= as_of),
    )


def _screen_until(screen: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Give the screen as it stood on a day: what was closed later was open then."""
    asked = screen[day_numbers(screen["asked_on"]) <= day_number(as_of)]
    return asked.assign(closed_on=asked["closed_on"].where(asked["closed_on"] <= pd.Timestamp(as_of)))
