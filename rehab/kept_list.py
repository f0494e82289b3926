"""Whether the plan was kept, as a table in words: each run, and each planned run that was missed."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from rehab.adherence import MISSED, ON_TIME, OPEN, OVER_CEILING, SHIFTED, TOLERANCE_DAYS, UNPLANNED
from rehab.episode import EpisodeSummary
from rehab.units import distance_text

WEEKS_SHOWN = 6
_ORDER = (ON_TIME, SHIFTED, MISSED, UNPLANNED, OVER_CEILING)


def kept_since(summary: EpisodeSummary) -> date:
    """Give the first day of the weeks that the table shows: six, with that of `as_of`."""
    back = (summary.as_of.weekday() - summary.facts.week_start) % 7
    return summary.as_of - timedelta(days=back + 7 * (WEEKS_SHOWN - 1))


def kept_sentence(summary: EpisodeSummary) -> str:
    """
    Say how often the plan was kept in the weeks of the table, and how far from its day a run still keeps it.

    Nothing is counted as missed that was not logged.
    """
    counts = summary.adherence.counts(since=kept_since(summary))
    told = ", ".join(f"{counts[fit]} {fit}" for fit in _ORDER)
    days = f"{TOLERANCE_DAYS} {'day' if TOLERANCE_DAYS == 1 else 'days'}"
    return f"Last {WEEKS_SHOWN} weeks: {told}. A run up to {days} before or after its day or week counts as shifted, later as missed."


def kept_list(summary: EpisodeSummary) -> pd.DataFrame:
    """
    Write runs and missed runs of the last six weeks as a table, newest first.

    Returns
    -------
    DataFrame
        `Week` and `Day` (str, ISO days; a missed run has no day unless one was planned), `Run` (str, in the patient's unit), `Was it planned`
        (str: on time, shifted, missed, unplanned, over the ceiling, open, not known, no plan) and `Shifted by` (str).
    """
    kept, unit = summary.adherence, summary.facts.distance_unit
    first = pd.Timestamp(kept_since(summary))
    runs = kept.runs[kept.runs["week_start"] >= first]
    known = summary.runs.set_index("run_id").loc[runs.index]
    rows = [
        (week, day, distance_text(distance, unit, places=1), fit, _shift(shift))
        for week, day, distance, fit, shift in zip(
            runs["week_start"], known["run_date"], known["distance_m"], runs["fit"], runs["shift_days"], strict=True
        )
    ]
    places = kept.places[(kept.places["week_start"] >= first) & kept.places["run_id"].isna()]
    rows += [
        (row["week_start"], row["planned_on"], "", "not run yet" if row["fit"] == OPEN else row["fit"], "")
        for row in places.to_dict("records")
    ]
    rows.sort(key=lambda row: (row[0], pd.Timestamp.min if pd.isna(row[1]) else row[1]), reverse=True)
    written = [(_iso(week), _iso(day), run, fit, shift) for week, day, run, fit, shift in rows]
    return pd.DataFrame(written, columns=["Week", "Day", "Run", "Was it planned", "Shifted by"], dtype=str)


def _iso(day: pd.Timestamp) -> str:
    return "" if pd.isna(day) else str(day.date().isoformat())


def _shift(days: float) -> str:
    if np.isnan(days) or not days:
        return ""
    number = abs(int(days))
    return f"{number} {'day' if number == 1 else 'days'} {'later' if days > 0 else 'earlier'}"
