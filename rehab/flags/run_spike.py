"""One run was longer than the step allows, against the longest of the 30 days before it."""

from rehab.flags.base import Bools, CaseloadColumns, CaseloadRow, FlagRule, FlagSettings
from rehab.limits import Limits
from rehab.rules import Limit, Rule, Strength
from rehab.sources import SINGLE_SESSION
from rehab.units import distance_text


def holds(columns: CaseloadColumns, settings: FlagSettings) -> Bools:
    """More than the patient's step, in hundredths as `Limits.is_over_step` compares; also where too little is scored for a state."""
    return 100 * columns.spike_m > (100 * columns.max_step_ratio).round() * columns.spike_longest_m


def words(row: CaseloadRow, settings: FlagSettings) -> str:
    """Give the run, by how much, and what it is compared with."""
    if row.spike_m is None or not row.spike_longest_m:
        return "A run longer than the step allows."
    more = 100 * row.spike_m / row.spike_longest_m - 100
    unit = row.distance_unit
    longest = distance_text(row.spike_longest_m, unit, places=1)
    return f"A run of {distance_text(row.spike_m, unit, places=1)}, {more:.0f} % over the longest of the 30 days before ({longest})."


FLAG_RULE = FlagRule(
    "run_spike",
    "Single-run spike",
    holds,
    words,
    Rule(
        name="flag_run_spike",
        title="Single-run spike",
        says="A run of the last 7 days is longer than the step allows against the longest of the 30 days before it. With no run in them there is nothing to compare.",
        strength=Strength.COHORT,
        limits=(
            Limit(
                "one run", Limits.max_step_ratio, "of the longest of 30 days", "> 1.10, or the patient's own step; on the limit is silent"
            ),
        ),
        sources=(SINGLE_SESSION,),
        criticism="Observational, in uninjured runners, mostly men; says nothing about pain in rehabilitation.",
        may_say="longer than anything in the last 30 days by so many per cent",
        may_not_say="an injury risk in per cent, or that the runner did wrong",
    ),
)
