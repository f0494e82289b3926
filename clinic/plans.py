"""The plan of an episode: what is suggested, what would follow, the next version saved, what was kept."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import pandas as pd

from clinic.plan_desk import Desk, Version
from clinic.plan_fields import Draft, TypedPlan, read_plan, typed_plan
from clinic.suggested import SuggestionWords, suggestion_words
from data import plans
from data.database import engine
from models import DistanceUnit, EntryRefused, PlanEntry, PlanWeekEntry, SuggestionShown, Surface, Viewer
from rehab.days import day_words
from rehab.decision import Decision
from rehab.kept_list import kept_list, kept_sentence
from rehab.plan import plan_difference, plan_words
from rehab.plan_draft import Consequence, DraftWeek, ceiling_refusals, outside_words, week_refusals, what_follows
from rehab.plan_refusals import plan_refusals
from rehab.units import distance_text, round_half_up


@dataclass(frozen=True)
class Meanwhile:
    """What somebody else saved while this plan was being written: who and when, and what it changes, in words."""

    number: int
    sentence: str
    difference: tuple[str, ...]


def suggestion(shown: Desk) -> SuggestionWords:
    """Say what is suggested for next week, or why nothing is: then nothing of a suggestion is in it."""
    return suggestion_words(shown.decision, shown.unit)


def fields(shown: Desk, number: int) -> TypedPlan:
    """Give what stands in the fields when a new version is begun from a version; empty ones if there is none."""
    found = shown.version(number)
    return TypedPlan() if found is None else typed_plan(found.plan, _weeks_left(shown, found), shown.unit)


def read(shown: Desk, typed: TypedPlan, *, valid_from: date, based_on: int) -> Draft:
    """Read what stands in the fields, begun from the version `based_on`."""
    found = shown.version(based_on)
    weeks = () if found is None else _weeks_left(shown, found)
    return read_plan(typed, valid_from=valid_from, unit=shown.unit, before=found.plan if found else None, weeks_before=weeks)


def _weeks_left(shown: Desk, version: Version) -> tuple[DraftWeek, ...]:
    """Give the weeks that a version lists from the next week on; what came before them is over."""
    return tuple(week for week in version.weeks if week.week_start >= shown.first_days[1])


def follows(shown: Desk, draft: Draft) -> tuple[Consequence, ...]:
    """Say what follows from a plan before it is saved."""
    newest = shown.newest
    return what_follows(shown.episode.summary, draft.plan, draft.weeks, previous=newest.plan if newest else None)


def outside(shown: Desk, draft: Draft) -> tuple[str, ...]:
    """Say where a plan leaves what is suggested; empty while nothing is suggested."""
    return outside_words(shown.decision, draft.plan, draft.weeks)


def refusals(shown: Desk, draft: Draft, *, finished: bool) -> tuple[str, ...]:
    """
    Say what has to be mended before a plan can be saved.

    Parameters
    ----------
    finished : bool
        False while it is still being written: that nothing is set or different yet and that no reason is given is not said then.
    """
    if not finished and not draft.unreadable and not plan_words(draft.plan, shown.unit):
        return ()
    newest, ended_on = shown.newest, shown.episode.row.ended_on
    plan = draft.plan if finished else replace(draft.plan, reason=draft.plan.reason or "being written")
    previous = newest.plan if finished and newest is not None and _is_listed_alike(newest, draft) else None
    wrong = [*draft.unreadable.values()]
    wrong += plan_refusals(plan, previous=previous, as_of=shown.today, week_start=shown.week_start, ended_on=ended_on)
    wrong += week_refusals(draft.weeks, as_of=shown.today, week_start=shown.week_start, ended_on=ended_on)
    return tuple(dict.fromkeys((*wrong, *ceiling_refusals(plan, draft.weeks))))


def _is_listed_alike(newest: Version, draft: Draft) -> bool:
    """Tell whether the two list the same weeks and neither begins earlier than the other counts: then only the numbers can differ."""
    longest = [weeks[0].longest_run_m if weeks else None for weeks in (newest.weeks, draft.weeks)]
    return newest.plan.valid_from <= draft.plan.valid_from and newest.weeks[1:] == draft.weeks[1:] and longest[0] == longest[1]


def save(viewer: Viewer, shown: Desk, draft: Draft, *, based_on: int) -> int:
    """
    Save the next version, with the suggestion as it stood on the screen and whether the plan leaves it.

    Parameters
    ----------
    based_on : int
        The newest version that its author saw; 0 where there was none.

    Returns
    -------
    int
        Its number.

    Raises
    ------
    EntryRefused
        With a sentence for each thing to mend.
    AlreadyThere
        `data.plans.PlanSuperseded`: somebody saved a newer version. Nothing is stored.
    """
    wrong = refusals(shown, draft, finished=True)
    if wrong:
        raise EntryRefused(list(wrong))
    plan, decision = draft.plan, shown.decision
    weeks = [
        PlanWeekEntry.checked(distance_m=week.distance_m, runs=week.runs, longest_run_m=week.longest_run_m)
        for week in draft.weeks
        if week.distance_m is not None
    ]
    entry = PlanEntry.checked(
        today=shown.today,
        valid_from=plan.valid_from,
        weekly_distance_m=plan.weekly_distance_m,
        runs_per_week=_number(plan.runs_per_week),
        run_ceiling_m=plan.run_ceiling_m,
        run_part_s=_number(plan.run_part_s),
        walk_part_s=_number(plan.walk_part_s),
        cadence_target_low_spm=plan.cadence_target_low_spm,
        cadence_target_high_spm=plan.cadence_target_high_spm,
        surface_limit=Surface(plan.surface_limit) if plan.surface_limit else None,
        speed_limit_m_s=plan.speed_limit_m_s,
        strength_sessions_per_week=_number(plan.strength_sessions_per_week),
        reason=plan.reason,
        outside_band=bool(outside(shown, draft)),
        suggestion=_as_shown(decision),
        weeks=tuple(weeks),
    )
    return plans.add_plan_version(engine(), viewer, shown.episode.row.key, entry, based_on_version=based_on)


def _number(value: float | None) -> int | None:
    return None if value is None else round_half_up(value)


def _as_shown(decision: Decision) -> SuggestionShown:
    band, cap_m = decision.band, decision.cap_m
    return SuggestionShown.checked(
        state=decision.state.code,
        band_low_m=None if band is None else round_half_up(band.low_m),
        band_high_m=None if band is None else round_half_up(band.high_m),
        ceiling_m=None if cap_m is None else round_half_up(cap_m),
    )


def go_back(viewer: Viewer, shown: Desk, number: int, *, based_on: int) -> int:
    """
    Undo: save a new version that is equal to an older one. None is taken away.

    It begins with the week with which the newest one begins, or with this week if that is past. See `save` for the rest.
    """
    old, newest = shown.version(number), shown.newest
    if old is None or newest is None:
        raise EntryRefused(["There is no such version of this plan."])
    valid_from = max(newest.plan.valid_from, shown.first_days[0])
    weeks = tuple(replace(week, week_start=valid_from + timedelta(days=7 * place)) for place, week in enumerate(old.weeks))
    plan = replace(old.plan, valid_from=valid_from, reason=f"Back to version {number}", author="")
    return save(viewer, shown, Draft(plan, weeks), based_on=based_on)


def meanwhile(shown: Desk, based_on: int) -> Meanwhile | None:
    """Say what was saved since a version was read; None if it is still the newest."""
    newest, before = shown.newest, shown.version(based_on)
    if newest is None or newest.number <= based_on:
        return None
    sentence = f"Version {newest.number} of this plan was saved while you were writing: {newest.saved_words}."
    if newest.plan.reason:
        sentence += f" Why: {newest.plan.reason.rstrip('.')}."
    return Meanwhile(newest.number, sentence, version_difference(before, newest, shown.unit))


def version_difference(before: Version | None, after: Version, unit: DistanceUnit) -> tuple[str, ...]:
    """Say what a version changes, the weeks after the first that it lists among them."""
    said = list(plan_difference(before.plan if before else None, after.plan, unit))
    if before is None or before.weeks[1:] != after.weeks[1:]:
        said += [f"week of {day_words(week.week_start)} {distance_text(week.distance_m, unit, places=1)}" for week in after.weeks[1:]]
    if before is not None and before.plan.valid_from != after.plan.valid_from:
        said.append(f"begins on {day_words(after.plan.valid_from)}")
    return tuple(said)


def version_list(shown: Desk) -> list[dict[str, str]]:
    """Give the versions in words, newest first."""
    older = (*shown.versions[1:], None)
    return [
        {
            "Version": str(version.number),
            "From": version.plan.valid_from.isoformat(),
            "Saved by, at": version.saved_words,
            "Why": version.plan.reason + (" (outside what was suggested)" if version.outside_band else ""),
            "Different from the one before": "; ".join(version_difference(before, version, shown.unit)) or "nothing",
        }
        for version, before in zip(shown.versions, older, strict=True)
    ]


def confirmed(shown: Desk) -> tuple[str, ...]:
    """Say what the newest version sets; empty without one."""
    return plan_words(shown.newest.plan, shown.unit) if shown.newest else ()


def kept(shown: Desk) -> tuple[pd.DataFrame, str]:
    """Give runs and missed runs of the last weeks in words, and a sentence on them."""
    return kept_list(shown.episode.summary), kept_sentence(shown.episode.summary)


def first_day_words(day: date) -> str:
    """Write the first day of a week, as it stands in a list to choose from."""
    return f"{day:%a} {day_words(day)}"


def week_labels(valid_from: date, count: int) -> tuple[str, ...]:
    """Name the listed weeks by their first days."""
    days = (valid_from + timedelta(days=7 * number) for number in range(count))
    return tuple(f"{day:%b} {day.day}" for day in days)


def back_words(shown: Desk, number: int) -> tuple[str, ...]:
    """Say what going back to a version would change."""
    old, newest = shown.version(number), shown.newest
    if old is None or newest is None:
        return ()
    return plan_difference(newest.plan, old.plan, shown.unit) or ("Nothing is different from the newest one.",)


def saved_words(shown: Desk, number: int, draft: Draft) -> str:
    """Say that a version is saved, and from when on its mark stands on the chart."""
    later = draft.plan.valid_from > shown.today
    mark = (
        f"Its mark stands on the chart from {day_words(draft.plan.valid_from)} on, when it begins."
        if later
        else "Its mark stands on the chart."
    )
    return f"Version {number} is saved. {mark}"
