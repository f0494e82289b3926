"""What changed since the last visit: seven numbers, each with its change in words."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from models import PainMoment, day_number, day_of
from rehab.adherence import MISSED, ON_TIME, OVER_CEILING, SHIFTED
from rehab.days import Days, Floats, day_numbers, day_words, floats
from rehab.episode import EpisodeSummary
from rehab.pain import scores_of
from rehab.units import NOT_KNOWN, cadence_text, distance_in, distance_text, round_half_up

FIRST_DAYS = 14  # without an earlier visit the last days are held against so many first ones
NO_RUN = "no run"


@dataclass(frozen=True)
class SinceFact:
    """One number with its unit, how it changed in words, and what exactly it is."""

    label: str
    value: str
    change: str
    help: str


@dataclass(frozen=True)
class _Stretch:
    """Days from `first` to `last`, both inside, as day numbers."""

    first: int
    last: int

    @property
    def days(self) -> int:
        return self.last - self.first + 1

    def holds(self, days: Days) -> npt.NDArray[np.bool_]:
        return (days >= self.first) & (days <= self.last)


@dataclass(frozen=True)
class _Compared:
    """
    The days looked at and those they are held against; None where there are none.

    `before_words` names the latter, `gap_words` says why nothing is compared, `alike` tells that both are equally long and wholly logged.
    """

    now: _Stretch | None
    before: _Stretch | None
    before_words: str
    gap_words: str
    alike: bool


def last_visit_of(summary: EpisodeSummary) -> date | None:
    """Give the day of the newest visit that was held before the day of the summary: today's visit is the one that asks."""
    return max((mark.day for mark in summary.facts.marks if mark.kind == "visit" and mark.day < summary.as_of), default=None)


def since_visit(summary: EpisodeSummary, *, last_visit: date | None) -> tuple[SinceFact, ...]:
    """
    Hold the days since a visit against as many days up to it.

    The day of the visit itself still belongs to the days before. The days end with the last one logged. Without a visit the last 14 logged
    days are held against the first 14. A next-morning score belongs to the day of its run. What is not known is said, never shown as 0.

    Parameters
    ----------
    summary : EpisodeSummary
        One episode.
    last_visit : date or None
        Day of the newest visit held before the day of the summary, such as `last_visit_of` gives; None if there was none.

    Returns
    -------
    tuple of SinceFact
        Always the same seven, in the same order: runs, distance, longest run, pain during, pain next morning, cadence, plan kept.

    Raises
    ------
    ValueError
        If the visit is not before the day of the summary.
    """
    compared = _compared(summary, last_visit)
    return (
        _runs(summary, compared),
        _distance(summary, compared),
        _longest_run(summary, compared),
        _pain(summary, compared, PainMoment.DURING, "Pain during runs"),
        _pain(summary, compared, PainMoment.NEXT_MORNING, "Pain next morning"),
        _cadence(summary, compared),
        _plan_kept(summary, compared),
    )


def since_sentence(summary: EpisodeSummary, *, last_visit: date | None) -> str:
    """
    Say which days the facts of `since_visit` hold against which.

    Returns
    -------
    str
        Such as "Since the visit of March 31, 2025: 14 days, held against the 14 days before."
    """
    compared = _compared(summary, last_visit)
    if compared.now is None:
        return "Nothing logged yet." if last_visit is None else f"Since the visit of {day_words(last_visit)}: {compared.gap_words}."
    days, ends = _days(compared.now.days), _ends(summary, compared.now)
    if last_visit is not None:
        return f"Since the visit of {day_words(last_visit)}: {days}{ends}, held against {compared.before_words}."
    if compared.before is None:
        return f"No earlier visit, and {compared.gap_words}: {days}{ends}, held against nothing."
    return f"No earlier visit: the last {days}{ends}, held against {compared.before_words}."


# --------------------------------------------------------------------------------------------------------------------
# Which days
# --------------------------------------------------------------------------------------------------------------------


def _compared(summary: EpisodeSummary, last_visit: date | None) -> _Compared:
    if last_visit is not None and last_visit >= summary.as_of:
        raise ValueError(f"The last visit must lie before the day looked from, {summary.as_of}; it is {last_visit}.")
    logged = summary.facts.coverage
    if logged is None:
        return _Compared(None, None, "", "nothing logged yet", alike=False)
    first, last = day_number(logged.first_day), day_number(logged.last_day)
    if last_visit is not None:
        visit = day_number(last_visit)
        if last <= visit:
            return _Compared(None, None, "", "nothing logged since", alike=False)
        now = _Stretch(max(first, visit + 1), last)
        before = _Stretch(visit - now.days + 1, visit)
        words = f"the {_days(now.days)} before" if now.days > 1 else "the day before"
        return _Compared(now, before, words, f"not all of {words} logged", alike=before.first >= first)
    now = _Stretch(max(first + FIRST_DAYS, last - FIRST_DAYS + 1), last)
    if now.days < 1:
        return _Compared(_Stretch(first, last), None, "", f"the first {FIRST_DAYS} days are not over", alike=False)
    before = _Stretch(first, first + FIRST_DAYS - 1)
    words = f"the first {FIRST_DAYS} days"
    return _Compared(now, before, words, f"only {_days(now.days)} since {words}", alike=now.days == FIRST_DAYS)


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


def _ends(summary: EpisodeSummary, now: _Stretch) -> str:
    last = day_of(now.last)
    return "" if last == summary.as_of else f", logged up to {day_words(last)}"


# --------------------------------------------------------------------------------------------------------------------
# The seven
# --------------------------------------------------------------------------------------------------------------------


def _distances(summary: EpisodeSummary, stretch: _Stretch) -> Floats:
    return floats(summary.runs["distance_m"])[stretch.holds(day_numbers(summary.runs["run_date"]))]


def _runs(summary: EpisodeSummary, compared: _Compared) -> SinceFact:
    label, help_text = "Runs", "Runs of these days, wherever they were run."
    if compared.now is None:
        return SinceFact(label, NOT_KNOWN, compared.gap_words, help_text)
    now = _distances(summary, compared.now).size
    value = NO_RUN if not now else f"{now} run{'' if now == 1 else 's'}"
    if compared.before is None or not compared.alike:
        return SinceFact(label, value, compared.gap_words, help_text)
    before = _distances(summary, compared.before).size
    if now == before:
        return SinceFact(label, value, f"as many as in {compared.before_words}", help_text)
    change = f"{abs(now - before)} {'more' if now > before else 'fewer'} than in {compared.before_words} ({before or NO_RUN})"
    return SinceFact(label, value, change, help_text)


def _distance(summary: EpisodeSummary, compared: _Compared) -> SinceFact:
    label, help_text = "Distance", "Sum of the runs of these days."
    if compared.now is None:
        return SinceFact(label, NOT_KNOWN, compared.gap_words, help_text)
    now = _distances(summary, compared.now)
    value = _metres_words(summary, float(now.sum()))
    if compared.before is None or not compared.alike:
        return SinceFact(label, value, compared.gap_words, help_text)
    return SinceFact(label, value, _metres_change(summary, now.sum(), _distances(summary, compared.before).sum(), compared), help_text)


def _longest_run(summary: EpisodeSummary, compared: _Compared) -> SinceFact:
    label, help_text = "Longest run", "The longest single run of these days."
    if compared.now is None:
        return SinceFact(label, NOT_KNOWN, compared.gap_words, help_text)
    now = _distances(summary, compared.now).max(initial=0.0)
    value = _metres_words(summary, now)
    if compared.before is None or not compared.alike:
        return SinceFact(label, value, compared.gap_words, help_text)
    return SinceFact(label, value, _metres_change(summary, now, _distances(summary, compared.before).max(initial=0.0), compared), help_text)


def _metres_words(summary: EpisodeSummary, metres: float) -> str:
    return distance_text(metres, summary.facts.distance_unit, places=1) if metres else NO_RUN


def _metres_change(summary: EpisodeSummary, now_m: float, before_m: float, compared: _Compared) -> str:
    """Take the difference of what is shown, so that nobody finds that it does not add up."""
    unit = summary.facts.distance_unit
    tenths = round_half_up(10 * distance_in(now_m, unit)) - round_half_up(10 * distance_in(before_m, unit))
    if not now_m and not before_m:
        return f"{NO_RUN} in {compared.before_words} either"
    if not before_m:
        return f"{NO_RUN} in {compared.before_words}"
    if not tenths:
        return f"the same as in {compared.before_words}"
    more = "more" if tenths > 0 else "less"
    return f"{abs(tenths) / 10:.1f} {unit.value} {more} than in {compared.before_words} ({_metres_words(summary, before_m)})"


def _pain(summary: EpisodeSummary, compared: _Compared, moment: PainMoment, label: str) -> SinceFact:
    of_moment = scores_of(summary.scores, moment, summary.facts.side)
    days, nprs = day_numbers(of_moment["counted_date"]), floats(of_moment["nprs"])
    help_text = "Middle value (median) of the scores of these days, from 0 to 10; a next-morning score counts on the day of its run."
    if compared.now is None:
        return SinceFact(label, NOT_KNOWN, compared.gap_words, help_text)
    now = nprs[compared.now.holds(days)]
    before = np.empty(0) if compared.before is None else nprs[compared.before.holds(days)]
    if not now.size:
        was = f"; {np.median(before):g} of 10 in {compared.before_words}" if before.size else ""
        return SinceFact(label, NOT_KNOWN, f"no score in {_days(compared.now.days)}{was}", help_text)
    value = f"{np.median(now):g} of 10"
    if not before.size:
        change = compared.gap_words if compared.before is None else f"no score in {compared.before_words}"
        return SinceFact(label, value, change, help_text)
    return SinceFact(label, value, _points_change(float(np.median(now)), float(np.median(before)), compared), help_text)


def _points_change(now: float, before: float, compared: _Compared) -> str:
    if now == before:
        return f"the same as in {compared.before_words}"
    points = abs(now - before)
    lower = "lower" if now < before else "higher"
    return f"{points:g} point{'' if points == 1 else 's'} {lower} than in {compared.before_words} ({before:g} of 10)"


def _cadence(summary: EpisodeSummary, compared: _Compared) -> SinceFact:
    label = "Cadence at equal speed"
    help_text = "Middle value (median) of the runs of these days, steps of both feet, at the runner's usual easy speed."
    if compared.now is None:
        return SinceFact(label, NOT_KNOWN, compared.gap_words, help_text)
    usable = summary.runs[summary.runs["cadence_at_equal_speed_spm"].notna()]
    days = day_numbers(usable["run_date"])
    now = usable[compared.now.holds(days)]
    if now.empty:
        return SinceFact(label, NOT_KNOWN, f"no run to compare in {_days(compared.now.days)}", help_text)
    now_spm = round_half_up(float(now["cadence_at_equal_speed_spm"].median()))
    value = cadence_text(now_spm)
    if compared.before is None:
        return SinceFact(label, value, compared.gap_words, help_text)
    before = usable[compared.before.holds(days)]
    if before.empty:
        return SinceFact(label, value, f"no run to compare in {compared.before_words}", help_text)
    if not set(now["device"]) & set(before["device"]):
        return SinceFact(label, value, f"another device than in {compared.before_words}: not compared", help_text)
    before_spm = round_half_up(float(before["cadence_at_equal_speed_spm"].median()))
    if now_spm == before_spm:
        return SinceFact(label, value, f"the same as in {compared.before_words}", help_text)
    more = "more" if now_spm > before_spm else "fewer"
    change = f"{abs(now_spm - before_spm)} {more} than in {compared.before_words} ({cadence_text(before_spm)})"
    return SinceFact(label, value, change, help_text)


def _plan_kept(summary: EpisodeSummary, compared: _Compared) -> SinceFact:
    label = "Plan kept"
    help_text = (
        "Planned runs that were run, of the calendar weeks that ended in these days; runs over the plan's ceiling are told beside it."
    )
    if compared.now is None:
        return SinceFact(label, NOT_KNOWN, compared.gap_words, help_text)
    over = _over_ceiling(summary, compared.now)
    beside = f"; {over} run{'' if over == 1 else 's'} over the plan's ceiling" if over else ""
    now = _kept(summary, compared.now)
    if now is None:
        return SinceFact(label, NOT_KNOWN, f"no whole week with a number of planned runs{beside}", help_text)
    value = f"{now[0]} of {now[1]} planned runs"
    before = None if compared.before is None else _kept(summary, compared.before)
    if before is None:
        words = compared.gap_words if compared.before is None else f"no planned runs in {compared.before_words}"
        return SinceFact(label, value, f"{words}{beside}", help_text)
    return SinceFact(label, value, f"{before[0]} of {before[1]} in {compared.before_words}{beside}", help_text)


def _kept(summary: EpisodeSummary, stretch: _Stretch) -> tuple[int, int] | None:
    """Count planned runs kept and planned, of the weeks whose last day lies in a stretch; None if none was planned or it is not known."""
    places = summary.adherence.places
    ended = stretch.holds(day_numbers(places["week_start"]) + 6)
    fits: pd.Series = places.loc[ended, "fit"]
    kept, missed = int(fits.isin((ON_TIME, SHIFTED)).sum()), int((fits == MISSED).sum())
    return (kept, kept + missed) if kept + missed else None


def _over_ceiling(summary: EpisodeSummary, stretch: _Stretch) -> int:
    kept = summary.adherence.runs
    of_run = summary.runs.set_index("run_id")["run_date"].loc[kept.index]
    return int(((kept["fit"] == OVER_CEILING).to_numpy() & stretch.holds(day_numbers(of_run))).sum())
