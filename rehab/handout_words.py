"""What the patient reads on the visit's screens and on paper: where they were, what changed, what comes, when to ease back."""

from dataclasses import dataclass
from datetime import date

from models import NPRS_MAX, NPRS_MIN, ChangeKind, DistanceUnit
from rehab.days import day_words
from rehab.episode import EpisodeSummary
from rehab.handout_weeks import PlannedWeek
from rehab.limits import Limits
from rehab.plan import PlanWeek, plan_on
from rehab.screen import OPEN, PATIENT_SENTENCE
from rehab.since_visit import NO_RUN, SinceFact
from rehab.units import NOT_KNOWN, distance_text, pace_text, round_half_up

BEING_CHECKED = "Your next two weeks are being checked."
QUESTIONS_FIRST = "We will go through a few questions with you first."
CHANGE_WAITS = "Your plan waits until we have checked it."


@dataclass(frozen=True)
class Part:
    """One screen: its title, the days it speaks of, one plain sentence, and what may stand below it, one thing a line."""

    title: str
    beside: str
    sentence: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class WeekAhead:
    """One week of the plan in words."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Zone:
    """One zone of pain by the patient's own limits, such as 0–3, and what to do in it."""

    name: str
    scores: str
    says: str


@dataclass(frozen=True)
class Story:
    """All that the patient is shown. `weeks` is empty while the red-flag screen withholds, `zones` while an answer to it is open."""

    where: Part
    changed: Part
    ahead: Part
    weeks: tuple[WeekAhead, ...]
    zones: tuple[Zone, ...]
    settled: str


def story(summary: EpisodeSummary, *, facts: tuple[SinceFact, ...], last_visit: date | None, planned: tuple[PlannedWeek, ...]) -> Story:
    """
    Tell a patient's two weeks back and two weeks on.

    No word of it comes from a note, a flag or a reason: what people typed for each other is left out.

    Parameters
    ----------
    summary : EpisodeSummary
        One episode.
    facts : tuple of SinceFact
        As `rehab.since_visit.since_visit` gives them.
    last_visit : date or None
        The newest visit before the day of the summary.
    planned : tuple of PlannedWeek
        The next weeks of the confirmed plan. Left out, with all that follows from them, while the red-flag screen is open or unanswered.
    """
    standing = summary.screen
    shown = () if standing.withholds else planned
    unit = summary.facts.distance_unit
    since = "In your care here so far" if last_visit is None else f"Since your visit on {day_words(last_visit)}"
    return Story(
        where=Part("Where you were", since, _where(facts)),
        changed=_changed(summary, last_visit, shown, since),
        ahead=_withheld(standing.standing == OPEN) if standing.withholds else _ahead(shown, unit),
        weeks=tuple(_week(week, unit) for week in shown if week.plan is not None),
        zones=() if standing.standing == OPEN else zones(summary.limits),
        settled="" if standing.standing == OPEN else _settled(summary.limits),
    )


def zones(limits: Limits) -> tuple[Zone, ...]:
    """
    Give the zones of pain by the patient's own limits; one that holds no score is left out.

    Examples
    --------
    >>> [(zone.name, zone.scores) for zone in zones(Limits())]
    [('Comfortable', '0–3'), ('OK if it settles', '4–5'), ('Ease back', '6–10')]
    >>> [zone.scores for zone in zones(Limits(comfortable_max=2, acceptable_max=2))]
    ['0–2', '3–10']
    """
    low, high = limits.comfortable_max, limits.acceptable_max
    spans = (
        ("Comfortable", NPRS_MIN, low, "Keep to your plan."),
        ("OK if it settles", low + 1, high, "Some ache while running is OK if it settles by next morning."),
        ("Ease back", high + 1, NPRS_MAX, "Let's ease back this week and keep you running."),
    )
    return tuple(Zone(name, f"{first}" if first == last else f"{first}–{last}", says) for name, first, last, says in spans if first <= last)


def _settled(limits: Limits) -> str:
    if not limits.settled_max:
        return "It has settled when pain is no higher than the morning before."
    points = f"{limits.settled_max:g} point{'' if limits.settled_max == 1 else 's'}"
    return f"It has settled when pain is at most {points} above the morning before."


def _where(facts: tuple[SinceFact, ...]) -> str:
    value = {fact.label: fact.value for fact in facts}
    runs, distance, morning = (value.get(label, NOT_KNOWN) for label in ("Runs", "Distance", "Pain next morning"))
    known = morning.endswith("of 10")
    if runs == NOT_KNOWN:
        return "We have no runs from you for this time yet."
    if runs == NO_RUN:
        return f"You logged no run, and morning pain was mostly {morning}." if known else "You logged no run in this time."
    ran = f"You ran {distance} in {runs}"
    return f"{ran}, and morning pain was mostly {morning}." if known else f"{ran}."


# --------------------------------------------------------------------------------------------------------------------
# What changed
# --------------------------------------------------------------------------------------------------------------------


def _changed(summary: EpisodeSummary, last_visit: date | None, shown: tuple[PlannedWeek, ...], since: str) -> Part:
    facts = summary.facts
    first_day = last_visit or facts.started_on
    held_back = summary.screen.withholds
    new = None if held_back else next((week.plan for week in shown if week.plan is not None), summary.plan)
    old = None if last_visit is None else plan_on(facts.plans, last_visit, week_start=facts.week_start, ended_on=facts.ended_on)
    told = [] if new is None else list(_plan_changes(old, new, facts.distance_unit))
    kinds = [mark.kind for mark in facts.marks if mark.day >= first_day]
    for kind, words in _KIND_WORDS.items():
        if kind in kinds and not (kind == ChangeKind.CADENCE_CUE and held_back):
            told.append(words)
    if held_back:
        return Part("What we changed", since, CHANGE_WAITS, tuple(told))
    if not told:
        return Part("What we changed", since, "There is no plan yet." if new is None else "We kept your plan as it was.")
    return Part("What we changed", since, told[0], tuple(told[1:]))


# What was typed beside a change stays out: it is written for the clinic.
_KIND_WORDS = {
    ChangeKind.CADENCE_CUE: "We tried slightly quicker, shorter steps.",
    ChangeKind.SHOE: "You have other shoes.",
    ChangeKind.DEVICE: "You have another watch.",
    ChangeKind.INJECTION: "You had a shot.",
}


def _plan_changes(old: PlanWeek | None, new: PlanWeek, unit: DistanceUnit) -> tuple[str, ...]:
    before = {} if old is None else dict(_plan_lines(old, unit))
    told = []
    for name, line in _plan_lines(new, unit):
        if before.get(name) == line:
            continue
        if name == "week" and old is not None and old.weekly_distance_m and new.weekly_distance_m:
            was, now = _distance(old.weekly_distance_m, unit), _distance(new.weekly_distance_m, unit)
            told.append(f"Your week goes from {was} to {now}.")
        else:
            told.append(f"{line}.")
    return tuple(told)


def _plan_lines(plan: PlanWeek, unit: DistanceUnit) -> list[tuple[str, str]]:
    """Say what a version sets, each by a name to compare versions by."""
    lines = []
    if plan.weekly_distance_m is not None:
        lines.append(
            ("week", f"{_distance(plan.weekly_distance_m, unit)} in the week" if plan.weekly_distance_m else "No running this week")
        )
    if plan.runs_per_week:
        lines.append(("runs", f"{plan.runs_per_week:g} run{'' if plan.runs_per_week == 1 else 's'} in the week"))
    if plan.run_ceiling_m:
        lines.append(("longest", f"Longest run {_distance(plan.run_ceiling_m, unit)}"))
    if plan.run_part_s is not None and plan.walk_part_s is not None:
        lines.append(("run-walk", f"Run {_time(plan.run_part_s)}, then walk {_time(plan.walk_part_s)}"))
    if cadence := _cadence(plan):
        lines.append(("cadence", f"Quick, short steps: {cadence} steps a minute"))
    if plan.speed_limit_m_s is not None:
        lines.append(("speed", f"No faster than {pace_text(plan.speed_limit_m_s, unit)}"))
    if plan.surface_limit:
        lines.append(("surface", f"Run on {_SURFACES.get(plan.surface_limit, plan.surface_limit)}"))
    if plan.strength_sessions_per_week:
        lines.append(("strength", f"Strength work {_times(plan.strength_sessions_per_week)}"))
    return lines


_SURFACES = {"road": "the road", "trail": "a trail", "track": "a track", "treadmill": "a treadmill", "unknown": "any ground"}


def _distance(distance_m: float, unit: DistanceUnit) -> str:
    return distance_text(distance_m, unit, places=1)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round_half_up(seconds), 60)
    return f"{minutes} min" if not rest else f"{rest} s" if not minutes else f"{minutes}:{rest:02d} min"


def _times(number: float) -> str:
    return {1.0: "once", 2.0: "twice"}.get(number, f"{number:g} times")


def _cadence(plan: PlanWeek) -> str:
    low, high = (None if value is None else round_half_up(value) for value in (plan.cadence_target_low_spm, plan.cadence_target_high_spm))
    if low is None and high is None:
        return ""
    if low is None or high is None or low == high:
        return f"about {high if low is None else low}"
    return f"{low} to {high}"


# --------------------------------------------------------------------------------------------------------------------
# What comes
# --------------------------------------------------------------------------------------------------------------------


def _withheld(is_open: bool) -> Part:
    return Part("The next two weeks", "", BEING_CHECKED, (PATIENT_SENTENCE if is_open else QUESTIONS_FIRST,))


def _ahead(planned: tuple[PlannedWeek, ...], unit: DistanceUnit) -> Part:
    title = "The next two weeks"
    plans = [week.plan for week in planned if week.plan is not None]
    beside = f"From {day_words(planned[0].first_day)}" if plans else ""
    if not plans:
        return Part(title, beside, "No plan is set for the next two weeks yet.")
    distances = [_distance(plan.weekly_distance_m, unit) for plan in plans if plan.weekly_distance_m]
    if len(distances) < len(plans):
        return Part(title, beside, "Here is your plan for these weeks.")
    if len(set(distances)) == 1:
        return Part(title, beside, f"Aim for {distances[0]} {'each week' if len(plans) > 1 else 'in the first week'}.")
    return Part(title, beside, f"Aim for {distances[0]} first, then {distances[1]} the week after.")


def _week(week: PlannedWeek, unit: DistanceUnit) -> WeekAhead:
    day = week.first_day
    lines = () if week.plan is None else tuple(line for _, line in _plan_lines(week.plan, unit))
    return WeekAhead(f"Week of {day:%B} {day.day}", lines or ("Nothing is set",))
