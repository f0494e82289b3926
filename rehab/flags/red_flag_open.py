"""A red flag is open or unanswered: state S0."""

import numpy as np

from rehab.flags.base import Bools, CaseloadColumns, CaseloadRow, FlagRule, FlagSettings, joined
from rehab.red_flags import ITEMS, VALID_DAYS
from rehab.rules import Limit, Rule, Strength
from rehab.state_rules import RED_FLAG_RULE


def holds(columns: CaseloadColumns, settings: FlagSettings) -> Bools:
    """State S0."""
    return np.asarray(columns.state == "S0", dtype=np.bool_)


def words(row: CaseloadRow, settings: FlagSettings) -> str:
    """Name the first open item, and count the rest."""
    said = []
    if row.bone:
        said.append("bone stress injury: a physician leads the loading")
    if row.open_items:
        more = f" and {row.open_items - 1} more" if row.open_items > 1 else ""
        said.append(f"{row.first_open_item or 'an item'}{more} open")
    if row.unanswered_items:
        said.append(f"{row.unanswered_items} of {len(ITEMS)} items not answered in {VALID_DAYS} days")
    return joined(said or ["the red-flag screen is not clear"])


FLAG_RULE = FlagRule(
    "red_flag_open",
    "Red flag open",
    holds,
    words,
    Rule(
        name="flag_red_flag_open",
        title="Red flag open",
        says="State S0: an item of the red-flag screen is open or unanswered, or the diagnosis is a bone stress injury. Nothing else is told of such a row.",
        strength=Strength.CONSENSUS,
        limits=(Limit("age of an answer", VALID_DAYS, "days", "> 28 is unanswered; on the limit it still counts"),),
        sources=RED_FLAG_RULE.sources,
        criticism=RED_FLAG_RULE.criticism,
        may_say="which item is open, or how many are unanswered",
        may_not_say="a number for next week, however small",
    ),
)
