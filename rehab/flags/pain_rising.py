"""Pain is rising: state S4, or a week that is worse by as much as people usually notice."""

import numpy as np

from rehab.flags.base import Bools, CaseloadColumns, CaseloadRow, FlagRule, FlagSettings, joined
from rehab.pain import (
    MEANINGFUL_LOW_BASELINE_MAX,
    MEANINGFUL_LOW_POINTS,
    MEANINGFUL_LOW_SHARE,
    MEANINGFUL_POINTS,
    MEANINGFUL_RULE,
    is_meaningful_change,
)
from rehab.rules import Limit, Rule, Strength
from rehab.units import signed_text


def holds(columns: CaseloadColumns, settings: FlagSettings) -> Bools:
    """State S4, or a rise of next-morning pain past the meaningful change."""
    low_start = (
        (columns.shift_from <= MEANINGFUL_LOW_BASELINE_MAX)
        & (columns.shift >= MEANINGFUL_LOW_POINTS)
        & (columns.shift >= MEANINGFUL_LOW_SHARE * columns.shift_from)
    )
    rise = ((columns.shift >= MEANINGFUL_POINTS) & (columns.shift_from >= 0)) | low_start
    return np.asarray((columns.state == "S4") | rise)


def words(row: CaseloadRow, settings: FlagSettings) -> str:
    """Give the runs that did not settle, the trend, the shift of the last week."""
    said = []
    if row.unsettled_runs:
        said.append(f"{row.unsettled_runs} of the last {row.scored_runs or row.unsettled_runs} runs not settled the next morning")
    if row.trend == "worsening":
        slope = "" if row.trend_per_week is None else f" by {signed_text(row.trend_per_week, 1)} points a week"
        said.append(f"pain rising{slope}")
    if row.shift is not None and row.shift_from is not None and row.shift > 0 and is_meaningful_change(row.shift, row.shift_from):
        said.append(f"next-morning pain {signed_text(row.shift)} against the three weeks before ({row.shift_from:g} of 10)")
    return joined(said or ["runs do not settle"])


FLAG_RULE = FlagRule(
    "pain_rising",
    "Pain rising",
    holds,
    words,
    Rule(
        name="flag_pain_rising",
        title="Pain rising",
        says="State S4 (unsettled), or next-morning pain of the last 7 days above the three weeks before by a change that people usually notice.",
        strength=Strength.CLINIC,
        limits=(Limit("rise of the last week", MEANINGFUL_POINTS, "points", "≥ 2; from 4 of 10 or less ≥ 1 and ≥ 30 %"),),
        sources=MEANINGFUL_RULE.sources,
        criticism=MEANINGFUL_RULE.criticism,
        may_say="a change people usually notice",
        may_not_say="that mileage caused it",
    ),
)
