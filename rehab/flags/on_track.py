"""Nothing asks for attention: the rest, so that nobody is invisible."""

import numpy as np

from rehab.flags.base import Bools, CaseloadColumns, CaseloadRow, FlagRule, FlagSettings
from rehab.rules import Rule, Strength


def holds(columns: CaseloadColumns, settings: FlagSettings) -> Bools:
    """Everyone; it is tried last."""
    return np.ones(columns.state.size, dtype=np.bool_)


def words(row: CaseloadRow, settings: FlagSettings) -> str:
    """Say that no rule fits, and how well pain is known."""
    if row.scored_runs and row.median_during is not None:
        return f"No rule asks for attention; pain during the last {row.scored_runs} runs {row.median_during:g} of 10."
    return "No rule asks for attention."


FLAG_RULE = FlagRule(
    "on_track",
    "On track",
    holds,
    words,
    Rule(
        name="flag_on_track",
        title="On track",
        says="None of the rules above fits.",
        strength=Strength.CLINIC,
        criticism="It says that nothing known asks for attention, not that all is well.",
        may_not_say="that the hip is healthy",
    ),
)
