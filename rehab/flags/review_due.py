"""Nobody looked at the episode for some days."""

import numpy as np

from rehab.flags.base import Bools, CaseloadColumns, CaseloadRow, FlagRule, FlagSettings, counted
from rehab.rules import Limit, Rule, Strength


def holds(columns: CaseloadColumns, settings: FlagSettings) -> Bools:
    """Days since the last review; since the start where there never was one."""
    since = np.where(np.isnan(columns.days_since_review), columns.days_since_start, columns.days_since_review)
    return since >= settings.review_due_days


def words(row: CaseloadRow, settings: FlagSettings) -> str:
    """Say when it was looked at last."""
    if row.days_since_review is None:
        return f"Never reviewed since the start {counted(row.days_since_start or 0, 'day')} ago."
    return f"Last reviewed {counted(row.days_since_review, 'day')} ago."


FLAG_RULE = FlagRule(
    "review_due",
    "Review due",
    holds,
    words,
    Rule(
        name="flag_review_due",
        title="Review due",
        says="Not reviewed for some days (a setting); before the first review the days since the start of the episode count.",
        strength=Strength.CLINIC,
        limits=(Limit("days without a review", FlagSettings.review_due_days, "days", "≥ 7, or the clinic's own number"),),
    ),
)
