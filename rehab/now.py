"""The few numbers that say where a runner stands now."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd

from models import PainMoment
from rehab.days import day_words
from rehab.episode import EpisodeSummary
from rehab.pain import scores_of
from rehab.units import cadence_text, distance_text

NOT_KNOWN = "not known"
LAST_DAYS, LONGEST_RUN_DAYS, CADENCE_DAYS = 7, 30, 28


@dataclass(frozen=True)
class Fact:
    """One number with its unit, what it is compared with in words, and what exactly it is."""

    label: str
    value: str
    beside: str
    help: str


def facts_now(summary: EpisodeSummary) -> tuple[Fact, ...]:
    """
    Give pain, distance, longest run and cadence as they stand on the day of the summary.

    What is not known is said, never shown as 0.

    Returns
    -------
    tuple of Fact
        Always the same four, in the same order. Of an episode that has ended each says as of which day it is told.
    """
    facts = _pain(summary), _distance(summary), _longest_run(summary), _cadence(summary)
    if summary.facts.ended_on is None:
        return facts
    return tuple(replace(fact, beside=f"{fact.beside}; as of {day_words(summary.as_of)}") for fact in facts)


def now_sentence(facts: tuple[Fact, ...]) -> str:
    """
    Say the facts in one line.

    Examples
    --------
    >>> now_sentence((Fact("Longest run", "6.2 mi", "on March 4, 2025", ""), Fact("Last 7 days", "9.0 mi", "", "")))
    'Now: longest run 6.2 mi (on March 4, 2025); last 7 days 9.0 mi.'
    """
    said = [f"{fact.label[:1].lower()}{fact.label[1:]} {fact.value}" + (f" ({fact.beside})" if fact.beside else "") for fact in facts]
    return f"Now: {'; '.join(said)}."


def _pain(summary: EpisodeSummary) -> Fact:
    mornings = scores_of(summary.scores, PainMoment.NEXT_MORNING, summary.facts.side)
    since = np.datetime64(summary.as_of - timedelta(days=LAST_DAYS - 1))
    recent = mornings.loc[mornings["for_date"] >= since, "nprs"].to_numpy()
    help_text = "Middle value (median) of the next-morning scores of the last 7 days, from 0 to 10; the highest one beside it."
    if not recent.size:
        return Fact("Pain next morning", NOT_KNOWN, "no score in 7 days", help_text)
    answers = f"{recent.size} answer{'' if recent.size == 1 else 's'}"
    return Fact("Pain next morning", f"{np.median(recent):g} of 10", f"worst {recent.max()} in 7 days, {answers}", help_text)


def _distance(summary: EpisodeSummary) -> Fact:
    known = summary.rolling_7_day_distance.dropna()
    unit = summary.facts.distance_unit
    help_text = "Sum of the newest 7 days that were all logged; they end with today or, at most 6 days ago, with the last logged day."
    label = "Last 7 days"
    oldest_end = pd.Timestamp(summary.as_of - timedelta(days=LAST_DAYS - 1))
    if not len(known) or known.index[-1] < oldest_end:
        logged = summary.facts.coverage
        beside = "nothing logged yet" if logged is None else f"logged up to {day_words(logged.last_day)}"
        return Fact(label, NOT_KNOWN, beside, help_text)
    last_day = known.index[-1]
    before = known.get(last_day - timedelta(days=LAST_DAYS))
    beside = "the 7 days before: not known" if before is None else f"the 7 days before: {distance_text(float(before), unit, places=1)}"
    if last_day.date() != summary.as_of:
        beside = f"logged up to {day_words(last_day.date())}; {beside}"
    return Fact(label, distance_text(float(known.iloc[-1]), unit, places=1), beside, help_text)


def _longest_run(summary: EpisodeSummary) -> Fact:
    since = np.datetime64(summary.as_of - timedelta(days=LONGEST_RUN_DAYS - 1))
    recent = summary.runs[summary.runs["run_date"] >= since]
    help_text = "The longest single run of the last 30 days."
    if not len(recent):
        return Fact("Longest run", NOT_KNOWN, "no run logged in 30 days", help_text)
    at = int(recent["distance_m"].to_numpy().argmax())
    value = distance_text(float(recent["distance_m"].iloc[at]), summary.facts.distance_unit, places=1)
    return Fact("Longest run", value, f"on {day_words(recent['run_date'].iloc[at].date())}", help_text)


def _cadence(summary: EpisodeSummary) -> Fact:
    since = np.datetime64(summary.as_of - timedelta(days=CADENCE_DAYS - 1))
    recent = summary.runs.loc[summary.runs["run_date"] >= since, "cadence_at_equal_speed_spm"].dropna()
    help_text = "Middle value (median) of the runs of the last 4 weeks, steps of both feet, compared at the runner's usual easy speed."
    if not len(recent):
        return Fact("Cadence at equal speed", NOT_KNOWN, "no run to compare in 4 weeks", help_text)
    runs = f"{len(recent)} run{'' if len(recent) == 1 else 's'} in 4 weeks"
    return Fact("Cadence at equal speed", cadence_text(float(recent.median())), runs, help_text)
