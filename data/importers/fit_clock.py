"""
A watch whose clock is set while it records: by satellites after years in a drawer, by a phone, by hand.

Its records then jump, by years or back by hours, while its stopwatch runs on and knows better.
"""

from dataclasses import replace

import numpy as np

from data.importers.base import Floats
from data.importers.fit_parts import FitPart, number_in, seconds_in
from models import ELAPSED_MAX_S

BACK_FROM_S = 120.0  # records are not written two minutes late
FORTH_FROM_S = 12 * 3600.0  # a shorter jump forth looks like a pause, and is taken for one
AGREES_WITHIN_S = 60.0  # the jump, and what the records last longer than the stopwatch says


def with_one_clock(part: FitPart) -> tuple[FitPart, str]:
    """
    Move the times before a jump of the clock so that they fit to those after it.

    Parameters
    ----------
    part : FitPart
        With one session; with another number nothing is done.

    Returns
    -------
    tuple of FitPart and str
        The same part and an empty text if the clock did not jump; else one whose records, timer events and start follow the clock as it
        was at the end, and a sentence about it.
    """
    moved_s, row = _jump(part) if len(part.sessions) == 1 else (0.0, 0)
    if not moved_s:
        return part, ""
    times, session = part.columns["time_s"].copy(), dict(part.sessions[0])
    before, after = _span(times[:row]), _span(times[row:])
    times[:row] += moved_s
    start = seconds_in(session.get("start_time"))
    if start is not None and before[0] - AGREES_WITHIN_S <= start <= before[1]:
        session["start_time"] = start + moved_s
    events = [
        (at + moved_s if before[0] - AGREES_WITHIN_S <= at <= before[1] and not after[0] <= at <= after[1] else at, kind)
        for at, kind in part.timer_events
    ]
    by = f"{abs(moved_s) / 86_400:,.0f} days" if abs(moved_s) >= 2 * 86_400 else f"{abs(moved_s) / 60:,.0f} minutes"
    said = f"The watch's clock was set {'forth' if moved_s > 0 else 'back'} by {by} during the run. The times before are moved to fit."
    return replace(part, columns=part.columns | {"time_s": times}, sessions=[session], timer_events=events), said


def _span(times: Floats) -> tuple[float, float]:
    return float(np.nanmin(times)), float(np.nanmax(times))


def _jump(part: FitPart) -> tuple[float, int]:
    """By how many seconds the clock was moved, and the row of the first record after; 0 if it was not."""
    if "time_s" not in part.columns:
        return 0.0, 0
    session, column = part.sessions[0], part.columns["time_s"]
    lasted = number_in(session.get("total_elapsed_time"))
    if lasted is None or lasted > ELAPSED_MAX_S:
        lasted = number_in(session.get("total_timer_time"))
    if lasted is None:
        return 0.0, 0
    steps = column[1:] - column[:-1]
    if not len(steps) or (steps.min() > -BACK_FROM_S and steps.max() < FORTH_FROM_S):  # nearly always; NaN is neither
        return 0.0, 0
    rows = np.flatnonzero((column >= 0) & (column < 2**32))
    times = column if len(rows) == len(column) else column[rows]
    steps = times[1:] - times[:-1]
    if not len(steps) or (steps.min() > -BACK_FROM_S and steps.max() < FORTH_FROM_S):
        return 0.0, 0
    at = int(np.argmax(np.abs(steps)))
    jump, excess = float(steps[at]), float(times[-1] - times[0]) - lasted
    if abs(excess - jump) > AGREES_WITHIN_S:
        return 0.0, 0
    return round(excess), int(rows[at + 1])
