"""What stands in the fields of the plan page, and what is read from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from models import DistanceUnit, Surface
from rehab.plan import PlanWeek
from rehab.plan_draft import DraftWeek
from rehab.typed_times import time_text, typed_pace_m_s, typed_time_s
from rehab.units import distance_in, pace_text, typed_distance_m

Value = TypeVar("Value")


@dataclass(frozen=True)
class TypedWeek:
    """One listed week as it was typed."""

    distance: str = ""
    runs: int | None = None
    longest: str = ""


@dataclass(frozen=True)
class TypedPlan:
    """A plan as it was typed, in the patient's unit. What is empty or None is not set."""

    weeks: tuple[TypedWeek, ...] = (TypedWeek(),)
    ceiling: str = ""
    run_part: str = ""
    walk_part: str = ""
    cadence_low_spm: float | None = None
    cadence_high_spm: float | None = None
    surface: str = ""
    fastest_pace: str = ""
    strength_sessions: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Draft:
    """
    What was read from the fields.

    Attributes
    ----------
    plan : PlanWeek
        As the next version; a field that could not be read is not set in it.
    weeks : tuple of DraftWeek
        The listed weeks.
    unreadable : dict of str to str
        What could not be read, by the name of its field: a sentence that says how to mend it. The fields of a week are named `distance_0`.
    """

    plan: PlanWeek
    weeks: tuple[DraftWeek, ...]
    unreadable: dict[str, str] = field(default_factory=dict)


def typed_distance(distance_m: float | None, unit: DistanceUnit) -> str:
    """
    Write a distance as it is typed: two decimals at most, without its unit; "" for None.

    >>> typed_distance(16093, DistanceUnit.MILE), typed_distance(12_500, DistanceUnit.KILOMETRE), typed_distance(None, DistanceUnit.MILE)
    ('10', '12.5', '')
    """
    if distance_m is None:
        return ""
    return f"{distance_in(distance_m, unit):.2f}".rstrip("0").rstrip(".")


def typed_plan(plan: PlanWeek | None, weeks: Sequence[DraftWeek], unit: DistanceUnit) -> TypedPlan:
    """Write a version of a plan into the fields, without its reason."""
    if plan is None:
        return TypedPlan()
    listed = tuple(TypedWeek(typed_distance(week.distance_m, unit), week.runs, typed_distance(week.longest_run_m, unit)) for week in weeks)
    runs = None if plan.runs_per_week is None else int(plan.runs_per_week)
    return TypedPlan(
        weeks=listed or (TypedWeek(typed_distance(plan.weekly_distance_m, unit), runs),),
        ceiling=typed_distance(plan.run_ceiling_m, unit),
        run_part="" if plan.run_part_s is None else time_text(plan.run_part_s),
        walk_part="" if plan.walk_part_s is None else time_text(plan.walk_part_s),
        cadence_low_spm=plan.cadence_target_low_spm,
        cadence_high_spm=plan.cadence_target_high_spm,
        surface=plan.surface_limit,
        fastest_pace="" if plan.speed_limit_m_s is None else pace_text(plan.speed_limit_m_s, unit).split(" ")[0],
        strength_sessions=None if plan.strength_sessions_per_week is None else int(plan.strength_sessions_per_week),
    )


def read_plan(
    typed: TypedPlan,
    *,
    valid_from: date,
    unit: DistanceUnit,
    before: PlanWeek | None,
    weeks_before: Sequence[DraftWeek],
) -> Draft:
    """
    Read the fields.

    A field that still shows what the version before had keeps its exact value: what is shown with two decimals is not changed by being shown.

    Parameters
    ----------
    typed : TypedPlan
        The fields as they stand.
    valid_from : date
        First day of the first week.
    unit : DistanceUnit
        The patient's, for numbers typed without one.
    before : PlanWeek or None
        The version that the fields were filled from.
    weeks_before : sequence of DraftWeek
        The weeks that it lists.

    Returns
    -------
    Draft
        With a sentence for each field that cannot be read.
    """
    unreadable: dict[str, str] = {}
    shown = typed_plan(before, weeks_before, unit)

    def read(name: str, text: str, text_before: str, value_before: Value | None, reader: Callable[[str], Value]) -> Value | None:
        if not text.strip():
            return None
        if text.strip() == text_before and value_before is not None:
            return value_before
        try:
            return reader(text)
        except ValueError as refusal:
            unreadable[name] = str(refusal)
            return None

    def distance(name: str, text: str, text_before: str, value_before: int | None) -> int | None:
        return read(name, text, text_before, value_before, lambda told: typed_distance_m(told, unit))

    exact = list(weeks_before) or ([DraftWeek(before.valid_from, before.weekly_distance_m)] if before else [])
    weeks = []
    for number, week in enumerate(typed.weeks):
        known, known_text = (exact[number], shown.weeks[number]) if number < len(exact) else (DraftWeek(valid_from), TypedWeek())
        weeks.append(
            DraftWeek(
                valid_from + timedelta(days=7 * number),
                distance(f"distance_{number}", week.distance, known_text.distance, known.distance_m),
                week.runs,
                distance(f"longest_{number}", week.longest, known_text.longest, known.longest_run_m),
            )
        )
    plan = PlanWeek(
        version=0 if before is None else before.version,
        valid_from=valid_from,
        weekly_distance_m=weeks[0].distance_m if weeks else None,
        runs_per_week=weeks[0].runs if weeks else None,
        run_ceiling_m=distance("ceiling", typed.ceiling, shown.ceiling, before.run_ceiling_m if before else None),
        run_part_s=read("run_part", typed.run_part, shown.run_part, before.run_part_s if before else None, typed_time_s),
        walk_part_s=read("walk_part", typed.walk_part, shown.walk_part, before.walk_part_s if before else None, typed_time_s),
        cadence_target_low_spm=typed.cadence_low_spm,
        cadence_target_high_spm=typed.cadence_high_spm,
        speed_limit_m_s=read(
            "fastest_pace",
            typed.fastest_pace,
            shown.fastest_pace,
            before.speed_limit_m_s if before else None,
            lambda told: typed_pace_m_s(told, unit),
        ),
        surface_limit=typed.surface,
        strength_sessions_per_week=typed.strength_sessions,
        reason=typed.reason.strip(),
    )
    return Draft(plan, tuple(weeks), unreadable)


SURFACES = ("", *(surface.value for surface in Surface if surface is not Surface.UNKNOWN))
SURFACE_WORDS = {"": "any", **{surface: f"{surface} only" for surface in SURFACES[1:]}}
