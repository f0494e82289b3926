"""Nothing was logged and nothing was answered for some days."""

import numpy as np

from rehab.flags.base import Bools, CaseloadColumns, CaseloadRow, FlagRule, FlagSettings, counted, joined
from rehab.rules import Limit, Rule, Strength


def holds(columns: CaseloadColumns, settings: FlagSettings) -> Bools:
    """Days since the newer of log and score; since the start where there never was one."""
    newest = np.fmin(columns.days_since_log, columns.days_since_score)
    return np.where(np.isnan(newest), columns.days_since_start, newest) >= settings.no_data_days


def words(row: CaseloadRow, settings: FlagSettings) -> str:
    """Say for how long, and when the last of each came."""
    known = [days for days in (row.days_since_log, row.days_since_score) if days is not None]
    if not known:
        return f"Nothing logged since the start {counted(row.days_since_start or 0, 'day')} ago."
    log = "no log ever" if row.days_since_log is None else f"last log {counted(row.days_since_log, 'day')} ago"
    score = "no pain score ever" if row.days_since_score is None else f"last pain score {counted(row.days_since_score, 'day')} ago"
    return joined([log, score])


FLAG_RULE = FlagRule(
    "no_data",
    "No data",
    holds,
    words,
    Rule(
        name="flag_no_data",
        title="No data",
        says="No log and no pain score for some days (a setting); before the first one the days since the start of the episode count.",
        strength=Strength.CLINIC,
        limits=(Limit("days without a log and without a score", FlagSettings.no_data_days, "days", "≥ 7, or the clinic's own number"),),
        criticism="People skip good days or bad days: silence says neither.",
        may_say="no logs for so many days: ask",
        may_not_say="that nothing was run, or that the runner does not comply",
    ),
)
