"""
What one cell of a list leaves open and its neighbours settle: the order of a date, hours that were minutes before a spreadsheet read them.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from data.importers.base import FileRefused
from data.importers.local_forms import DateOrder, date_order, is_missing, is_two_days, local_duration_s
from data.importers.written import LineRefused
from models import ImportOutcome

PACE_MAX_S = 3600.0  # an hour for a kilometre or a mile is slower than anyone walks
PACE_AGREES_WITHIN = 0.05


def settled_order(dates: Iterable[str]) -> DateOrder | None:
    """
    Tell whether the day or the month comes first in a column of dates.

    Returns
    -------
    DateOrder or None
        None if the dates need no order (2026-03-04, 4 March 2026).

    Raises
    ------
    FileRefused
        `needs_mapping`, with the question, if a date can be two days and no other one tells which.
    """
    written = list(dates)
    order, open_date = date_order(written), next((text for text in written if is_two_days(text)), None)
    if order is None and open_date is not None:
        raise FileRefused(
            ImportOutcome.NEEDS_MAPPING,
            f"A date such as {open_date[:20]} can be two days. Say which comes first in this table, the day or the month.",
        )
    return order


def utc_reading(clock: datetime) -> datetime:
    """Write a local clock's reading as if it were UTC, as `ReadRun` wants it; a zone that is named is left out."""
    return clock.replace(tzinfo=UTC)


def settled_time_s(text: str, pace_text: str, distance: float) -> tuple[float, str]:
    """
    Read the time of a run that a spreadsheet may have changed: 26:42 becomes 26:42:00, hours instead of minutes.

    Parameters
    ----------
    text : str
        The time.
    pace_text : str
        The mean pace as it is written, which went through the same hands; may be missing.
    distance : float
        In the unit of the pace.

    Returns
    -------
    tuple of float and str
        Seconds, and a sentence if it was not read as it is written.

    Raises
    ------
    LineRefused
        If it is no time.
    """
    if is_missing(text):
        raise LineRefused("the time is missing.")
    time_s = local_duration_s(text, "time")
    if not re.fullmatch(r"\d+:\d\d:00", text.strip()) or distance <= 0:
        return time_s, ""
    pace_s = time_s / distance if is_missing(pace_text) else local_duration_s(pace_text, "pace")
    expected_s = distance * (pace_s / 60 if pace_s > PACE_MAX_S else pace_s)
    if abs(time_s / 60 - expected_s) > PACE_AGREES_WITHIN * expected_s:
        return time_s, ""
    return time_s / 60, f"The time {text} was read as minutes and seconds: as hours it would be slower than anyone walks."
