"""More was run than planned: one run over its ceiling, or a week over its distance."""

import numpy as np

from rehab.flags.base import Bools, CaseloadColumns, CaseloadRow, FlagRule, FlagSettings, joined
from rehab.rules import Limit, Rule, Strength
from rehab.units import distance_text

WEEK_OVER_PERCENT = 110


def holds(columns: CaseloadColumns, settings: FlagSettings) -> Bools:
    """A run over its ceiling, or a week more than 10 % over its plan."""
    over_ceiling = columns.run_m > columns.run_ceiling_m
    return np.asarray(over_ceiling | (100 * columns.week_m > WEEK_OVER_PERCENT * columns.week_planned_m))


def words(row: CaseloadRow, settings: FlagSettings) -> str:
    """Give the run and its ceiling, the week and its plan."""
    said, unit = [], row.distance_unit
    if row.run_m is not None and row.run_ceiling_m is not None and row.run_m > row.run_ceiling_m:
        said.append(f"a run of {distance_text(row.run_m, unit)}, ceiling {distance_text(row.run_ceiling_m, unit)}")
    if row.week_m is not None and row.week_planned_m is not None and 100 * row.week_m > WEEK_OVER_PERCENT * row.week_planned_m:
        said.append(f"{distance_text(row.week_m, unit, places=1)} in the week, planned {distance_text(row.week_planned_m, unit, places=1)}")
    return joined(said or ["more than planned"])


FLAG_RULE = FlagRule(
    "over_plan",
    "Over plan",
    holds,
    words,
    Rule(
        name="flag_over_plan",
        title="Over plan",
        says="A run of the last 7 days is longer than the plan's ceiling for one run, or a week is more than 10 % over the plan's distance.",
        strength=Strength.CLINIC,
        limits=(
            Limit("one run", 1.0, "of the plan's ceiling", "> 1.0; on the ceiling is silent"),
            Limit("a week", WEEK_OVER_PERCENT / 100, "of the plan's distance", "> 1.10; on the limit is silent"),
        ),
        criticism="The 10 % are a convention; a plan may have been changed in talk and not in the app.",
        may_say="a bit more than planned",
        may_not_say="that the runner failed the plan",
    ),
)
