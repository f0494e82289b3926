"""The weeks a chart shows, and each of them in words: one wording for the hover, the table and the sentence."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from models import ChangeKind, DistanceUnit, day_number, day_of
from rehab.days import Days, Floats, day_numbers, floats
from rehab.episode import EpisodeSummary, Mark
from rehab.units import cadence_text, distance_in, distance_text, round_half_up

MARK_WORDS = {
    "visit": "Visit",
    "plan": "Plan",
    "red_flag": "Red flag",
    ChangeKind.CADENCE_CUE: "Cadence cue",
    ChangeKind.SHOE: "Shoes",
    ChangeKind.DEVICE: "Device",
    ChangeKind.INJECTION: "Injection",
    ChangeKind.DIAGNOSIS: "Diagnosis",
}
NOT_LOGGED = "not logged"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Week(NamedTuple):
    """One shown week; floats are NaN where nothing is known."""

    first_days: int
    logged: bool
    so_far: bool
    days_logged: float
    distance_m: float
    runs: float
    longest_run_m: float
    planned_distance_m: float
    running_cadence_spm: float
    cadence_at_equal_speed_spm: float
    pain_median: float
    pain_max: float
    pain_scores: float


@dataclass(frozen=True)
class ShownWeeks:
    """
    Every week of the time shown, in order, whether or not anything is known of it.

    Each array has one value a week. Floats are NaN where nothing is known; `logged` is False there. `unfinished_words` say how far
    the week goes that is marked `so_far`.
    """

    first_days: Days
    logged: npt.NDArray[np.bool_]
    so_far: npt.NDArray[np.bool_]
    days_logged: Floats
    distance_m: Floats
    runs: Floats
    longest_run_m: Floats
    planned_distance_m: Floats
    running_cadence_spm: Floats
    cadence_at_equal_speed_spm: Floats
    pain_median: Floats
    pain_max: Floats
    pain_scores: Floats
    unfinished_words: str

    def each(self) -> Iterator[Week]:
        """Give the weeks one by one."""
        return map(Week._make, zip(*(getattr(self, name).tolist() for name in Week._fields), strict=True))


@dataclass(frozen=True)
class WeekWords:
    """One week in words, without markup. `plan` is empty without one."""

    title: str
    load: str
    plan: str
    pain: str
    cadence: str
    marks: tuple[str, ...]


def shown_weeks(weeks: pd.DataFrame, first: date, last: date, *, has_ended: bool = False) -> ShownWeeks:
    """
    Lay the summary's weeks on the time shown.

    Parameters
    ----------
    weeks : DataFrame
        Columns WEEK_COLUMNS, one row a week.
    first, last : date
        First day of the first week and last day of the last week.
    has_ended : bool
        Whether the weeks end with the last day of the episode: then no more will come in the last of them.
    """
    first_days = np.arange(day_number(first), day_number(last) + 1, 7)
    place = (day_numbers(weeks["week_start"]) - first_days[0]) // 7
    inside = (place >= 0) & (place < len(first_days))

    def laid(column: str) -> Floats:
        values = np.full(len(first_days), np.nan)
        values[place[inside]] = floats(weeks[column])[inside]
        return values

    return ShownWeeks(
        first_days=first_days,
        logged=laid("logged") == 1,
        so_far=laid("so_far") == 1,
        days_logged=np.nan_to_num(laid("days_logged")),
        distance_m=laid("distance_m"),
        runs=laid("runs"),
        longest_run_m=laid("longest_run_m"),
        planned_distance_m=laid("planned_distance_m"),
        running_cadence_spm=laid("running_cadence_spm"),
        cadence_at_equal_speed_spm=laid("cadence_at_equal_speed_spm"),
        pain_median=laid("pain_next_morning_median"),
        pain_max=laid("pain_next_morning_max"),
        pain_scores=np.nan_to_num(laid("pain_scores")),
        unfinished_words="to discharge" if has_ended else "so far",
    )


def day_label(day: date) -> str:
    """
    Write a day short, the American way.

    Examples
    --------
    >>> day_label(date(2025, 3, 4))
    'Mar 4'
    """
    return f"{MONTHS[day.month - 1]} {day.day}"


def mark_words(mark: Mark) -> str:
    """
    Say what a mark is; its kind comes first unless its own text says it already.

    Examples
    --------
    >>> mark_words(Mark(date(2025, 3, 4), "visit", "hip strength tested")), mark_words(Mark(date(2025, 3, 4), "visit", ""))
    ('Visit: hip strength tested', 'Visit')
    """
    kind, label = MARK_WORDS.get(mark.kind, "Change"), " ".join(mark.label.split())
    if not label:
        return kind
    return label if label.casefold().startswith(kind.casefold()) else f"{kind}: {label}"


def marks_by_week(marks: Sequence[Mark], first_days: Days) -> dict[int, list[Mark]]:
    """Sort the marks inside the time shown into its weeks, by the week's place in `first_days`."""
    sorted_in: dict[int, list[Mark]] = {}
    for mark in sorted(marks, key=lambda mark: mark.day):
        place = (day_number(mark.day) - int(first_days[0])) // 7
        if 0 <= place < len(first_days):
            sorted_in.setdefault(place, []).append(mark)
    return sorted_in


def week_words(weeks: ShownWeeks, marks: Sequence[Mark], *, unit: DistanceUnit, as_of: date) -> list[WeekWords]:
    """Put every shown week into words, in order. What is not known is said so and is never 0."""
    of_week = marks_by_week(marks, weeks.first_days)
    today = day_number(as_of)
    return [
        WeekWords(
            title=_day_and_year(day_of(week.first_days)),
            load=_load(week, unit, days_due=min(7, today - week.first_days + 1), unfinished_words=weeks.unfinished_words),
            plan="" if math.isnan(week.planned_distance_m) else f"Plan {distance_text(week.planned_distance_m, unit, places=1)}",
            pain=_pain(week),
            cadence=_cadence(week),
            marks=tuple(f"{day_label(mark.day)} {mark_words(mark)}" for mark in of_week.get(place, ())),
        )
        for place, week in enumerate(weeks.each())
    ]


def _distance(week: Week, unit: DistanceUnit, unfinished_words: str) -> str:
    return distance_text(week.distance_m, unit) + (f" {unfinished_words}" if week.so_far else "") if week.logged else NOT_LOGGED


def _longest_run(week: Week, unit: DistanceUnit) -> str:
    if not week.logged:
        return NOT_LOGGED
    return "no run" if math.isnan(week.longest_run_m) else distance_text(week.longest_run_m, unit)


def _load(week: Week, unit: DistanceUnit, *, days_due: int, unfinished_words: str) -> str:
    days = int(week.days_logged)
    if not week.logged:
        words = f"Not logged, but for {counted(days, 'day')} without a run" if days else "Not logged"
    elif not week.runs:
        words = f"{distance_text(0, unit, places=0)}, no run"
    else:
        words = f"{distance_text(week.distance_m, unit, places=1)} in {counted(int(week.runs), 'run')}"
        if week.runs > 1:
            words += f", longest {distance_text(week.longest_run_m, unit, places=1)}"
    if week.logged and week.so_far:
        words += f", {unfinished_words}"
    if week.logged and days < days_due:
        words += f" ({days} of {days_due} days logged)"
    return words


def _pain(week: Week) -> str:
    if not week.pain_scores or math.isnan(week.pain_median):
        return "no answer"
    if week.pain_scores == 1:
        return f"{week.pain_median:g} (1 answer)"
    return f"median {week.pain_median:g}, worst {week.pain_max:g} ({week.pain_scores:.0f} answers)"


def _cadence(week: Week) -> str:
    if not math.isnan(week.cadence_at_equal_speed_spm):
        return f"{cadence_text(week.cadence_at_equal_speed_spm)} at equal speed"
    if not math.isnan(week.running_cadence_spm):
        return f"{cadence_text(week.running_cadence_spm)} as run, not at equal speed"
    return "no run" if week.runs == 0 else "not known"


def counted(number: int, noun: str) -> str:
    """
    Count something.

    Examples
    --------
    >>> counted(1, "run"), counted(3, "run")
    ('1 run', '3 runs')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def week_table(weeks: ShownWeeks, said: Sequence[WeekWords], *, unit: DistanceUnit) -> pd.DataFrame:
    """Tell the shown weeks as a table of words with their units, newest first; all columns are str."""
    newest_first = list(reversed(list(zip(weeks.each(), said, strict=True))))
    return pd.DataFrame(
        {
            "Week of": [words.title for _, words in newest_first],
            "Miles" if unit is DistanceUnit.MILE else "Kilometers": [
                _distance(week, unit, weeks.unfinished_words) for week, _ in newest_first
            ],
            "Runs": [f"{week.runs:.0f}" if week.logged else NOT_LOGGED for week, _ in newest_first],
            "Longest run": [_longest_run(week, unit) for week, _ in newest_first],
            "Plan": [_plan(week, unit) for week, _ in newest_first],
            "Next-morning pain, 0–10": [words.pain for _, words in newest_first],
            "Cadence": [words.cadence for _, words in newest_first],
            "Visits and changes": ["; ".join(words.marks) for _, words in newest_first],
        },
        dtype="str",
    )


def _plan(week: Week, unit: DistanceUnit) -> str:
    return "no plan" if math.isnan(week.planned_distance_m) else distance_text(week.planned_distance_m, unit)


def chart_sentence(summary: EpisodeSummary, weeks: ShownWeeks, *, first: date, last: date) -> str:
    """
    Say in short plain sentences what the chart shows: pain, distance and cadence, each with its change, then what is missing.

    Parameters
    ----------
    summary : EpisodeSummary
    weeks : ShownWeeks
    first, last : date
        The time shown.

    Returns
    -------
    str
        The first three sentences are of pain, distance and cadence. The last finished week with a value is compared with the first one.
        Differences are those of the numbers as shown.
    """
    distance, *running_week = _distance_sentences(weeks, summary.facts.distance_unit)
    parts = [
        _pain_sentence(weeks),
        distance,
        _cadence_sentence(weeks),
        *running_week,
        *_missing_sentences(summary, weeks, first, last),
        f"Shown: {counted(len(weeks.first_days), 'week')}, {_day_and_year(first)} to {_day_and_year(min(last, summary.as_of))}.",
    ]
    return " ".join(parts)


def _first_and_last(known: npt.NDArray[np.bool_]) -> tuple[int, int] | None:
    places = np.flatnonzero(known)
    return (int(places[0]), int(places[-1])) if len(places) else None


def _day_and_year(day: date) -> str:
    return f"{day_label(day)}, {day.year}"


def _week_of(weeks: ShownWeeks, place: int) -> str:
    first, day = day_of(int(weeks.first_days[0])), day_of(int(weeks.first_days[place]))
    one_year = first.year == day_of(int(weeks.first_days[-1])).year
    return f"the week of {day_label(day) if one_year else _day_and_year(day)}"


def _with_change(weeks: ShownWeeks, ends: tuple[int, int], value: str, difference: float, difference_words: str) -> str:
    start, end = ends
    change = f"{'up' if difference > 0 else 'down'} {difference_words}" if difference else "unchanged"
    return f"{value} in {_week_of(weeks, end)}" + ("." if start == end else f", {change} since {_week_of(weeks, start)}.")


def _pain_sentence(weeks: ShownWeeks) -> str:
    ends = _first_and_last(~np.isnan(weeks.pain_median))
    if ends is None:
        return "There is no next-morning pain score."
    then, now = (float(weeks.pain_median[place]) for place in ends)
    return _with_change(weeks, ends, f"Middle next-morning pain was {now:g} of 10", now - then, f"{abs(now - then):g}")


def _distance_sentences(weeks: ShownWeeks, unit: DistanceUnit) -> list[str]:
    parts = []
    ends = _first_and_last(weeks.logged & ~weeks.so_far)
    if ends is not None:
        then, now = (round(distance_in(float(weeks.distance_m[place]), unit), 1) for place in ends)
        difference = round(now - then, 1)
        words = f"{abs(difference):.1f} {unit.value}"
        parts.append(_with_change(weeks, ends, f"Distance was {now:.1f} {unit.value}", difference, words))
    running = np.flatnonzero(weeks.logged & weeks.so_far)
    if len(running):
        so_far = distance_text(float(weeks.distance_m[running[-1]]), unit, places=1)
        parts.append(f"Distance in the last week, {weeks.unfinished_words}, is {so_far}.")
    return parts or ["No week is logged."]


def _cadence_sentence(weeks: ShownWeeks) -> str:
    ends = _first_and_last(~np.isnan(weeks.cadence_at_equal_speed_spm))
    if ends is None:
        return "Cadence at equal speed is not known."
    then, now = (round_half_up(float(weeks.cadence_at_equal_speed_spm[place])) for place in ends)
    return _with_change(weeks, ends, f"Cadence at equal speed was {now} steps/min", now - then, f"{abs(now - then)}")


def _missing_sentences(summary: EpisodeSummary, weeks: ShownWeeks, first: date, last: date) -> list[str]:
    parts = []
    low, high = day_number(first), day_number(min(last, summary.as_of))
    days = int(weeks.days_logged.sum())
    if days:
        morning = (summary.scores["moment"] == "next_morning").to_numpy(dtype=bool)
        felt = day_numbers(summary.scores["for_date"])[morning]
        answered = len(np.unique(felt[(felt >= low) & (felt <= high)]))
        parts.append(f"Next-morning pain was answered on {answered} of {counted(days, 'logged day')}.")
    ran = day_numbers(summary.runs["run_date"])
    shown = (ran >= low) & (ran <= high)
    silent = int(
        (shown & np.isnan(floats(summary.runs["running_cadence_spm"])) & np.isnan(floats(summary.runs["cadence_at_equal_speed_spm"]))).sum()
    )
    if silent:
        parts.append(f"{counted(silent, 'run')} without running cadence.")
    past = weeks.first_days <= day_number(summary.as_of)
    unlogged = int((past & ~weeks.logged).sum())
    if unlogged:
        parts.append(f"{counted(unlogged, 'week')} not logged.")
    return parts
