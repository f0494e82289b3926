"""A flare: state S3."""

import numpy as np

from rehab.flags.base import Bools, CaseloadColumns, CaseloadRow, FlagRule, FlagSettings, counted, joined
from rehab.rules import Limit, Rule, Strength
from rehab.state_rules import FLARE_DURING_MIN, FLARE_RULE


def holds(columns: CaseloadColumns, settings: FlagSettings) -> Bools:
    """State S3."""
    return np.asarray(columns.state == "S3", dtype=np.bool_)


def words(row: CaseloadRow, settings: FlagSettings) -> str:
    """Give the worst pain during runs, the runs slow to settle, the limp."""
    said = []
    if row.worst_during is not None:
        said.append(f"pain during runs up to {row.worst_during:g} of 10")
    if row.slow_runs:
        said.append(f"{counted(row.slow_runs, 'run')} still sore on the second morning")
    if row.limping_days:
        said.append(f"limping on {counted(row.limping_days, 'day')} of the last 7")
    return joined(said or ["a flare"])


FLAG_RULE = FlagRule(
    "flare",
    "Flare",
    holds,
    words,
    Rule(
        name="flag_flare",
        title="Flare",
        says="State S3: too much pain during runs, a run slow to settle, or limping. Get in touch within 7 days.",
        strength=Strength.CONSENSUS,
        limits=(Limit("pain during one run", FLARE_DURING_MIN, "of 10", "≥ 7; the other signs as in S3"),),
        sources=FLARE_RULE.sources,
        criticism=FLARE_RULE.criticism,
        may_say=FLARE_RULE.may_say,
        may_not_say=FLARE_RULE.may_not_say,
    ),
)
