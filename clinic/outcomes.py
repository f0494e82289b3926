"""Outcome measures at a visit: NPRS, PSFS and GROC in our own words, of the others the total."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from clinic.visits import VisitPage
from data import outcomes
from data.database import engine
from models import INSTRUMENT_RANGES, WHOLE_TOTALS, Instrument, OutcomeActivity, OutcomeEntry, Viewer
from rehab.units import signed_text

NAMES = {
    Instrument.NPRS: "Pain over the last 7 days (NPRS)",
    Instrument.PSFS: "Own activities (PSFS)",
    Instrument.GROC: "Change since the start (GROC)",
    Instrument.UWRI: "UWRI",
    Instrument.VISA_G: "VISA-G",
    Instrument.IHOT_12: "iHOT-12",
    Instrument.HOOS_12: "HOOS-12",
    Instrument.LEFS: "LEFS",
    Instrument.OSTRC: "OSTRC",
    Instrument.TSK_11: "TSK-11",
    Instrument.PSEQ: "PSEQ",
    Instrument.PSEQ_2: "PSEQ-2",
}
# Those that are entered as a number: their questions are their owners'.
BY_NUMBER = tuple(instrument for instrument in Instrument if instrument not in {Instrument.NPRS, Instrument.PSFS, Instrument.GROC})
# Whether more of it is better, as evidence has it.
LESS_IS_BETTER = frozenset({Instrument.NPRS, Instrument.OSTRC, Instrument.TSK_11})
GROC_WORDS = {
    -5: "very much worse",
    -4: "much worse",
    -3: "clearly worse",
    -2: "somewhat worse",
    -1: "slightly worse",
    0: "no change",
    1: "slightly better",
    2: "somewhat better",
    3: "clearly better",
    4: "much better",
    5: "very much better",
}
PROMPTS = {
    Instrument.NPRS: "How strong was the hip pain on average over the last 7 days? 0 is none, 10 the worst you can imagine.",
    Instrument.PSFS: "Which three to five activities are hard because of the hip? How well does each go: 0 not at all, 10 as before.",
    Instrument.GROC: "Compared with the day on which care began, how is the hip now?",
}


def range_words(instrument: Instrument) -> str:
    """
    Say from where to where a total goes and which way is better.

    >>> range_words(Instrument.TSK_11)
    '11 to 44, less is better'
    >>> range_words(Instrument.GROC)
    '−5 to 5, more is better'
    """
    low, high = INSTRUMENT_RANGES[instrument]
    return f"{low:g} to {high:g}, ".replace("-", "−") + f"{'less' if instrument in LESS_IS_BETTER else 'more'} is better"


def signed_groc(value: int) -> str:
    """
    Write a GROC value with its sign and words.

    >>> signed_groc(-2), signed_groc(0), signed_groc(3)
    ('−2, somewhat worse', '0, no change', '+3, clearly better')
    """
    return f"{signed_text(float(value))}, {GROC_WORDS[value]}"


def number_range(instrument: Instrument) -> tuple[float, float, float]:
    """Give the lowest and highest total, and the step in which it is entered."""
    low, high = INSTRUMENT_RANGES[instrument]
    return float(low), float(high), 1.0 if instrument in WHOLE_TOTALS else 0.1


def own_activities(viewer: Viewer, page: VisitPage) -> list[str]:
    """Give the activities that the patient named last."""
    frame = outcomes.outcomes(engine(), viewer, page.row.key)
    of_psfs = frame[(frame["instrument"] == Instrument.PSFS) & (frame["details"] != "")]
    if of_psfs.empty:
        return []
    return [told["activity"] for told in json.loads(of_psfs["details"].iloc[-1]).get("activities", [])]


def save_outcome(viewer: Viewer, page: VisitPage, visit_key: str, taken_on: date, instrument: Instrument, **told: Any) -> bool:
    """
    Store an outcome. Without a total it is kept as incomplete.

    Parameters
    ----------
    **told
        `total`; for the PSFS `activities`, pairs of an activity and a value or None, of which those without words and value are left out;
        `items_answered` of a form that was not finished.

    Returns
    -------
    bool
        True if it is complete.

    Raises
    ------
    EntryRefused, AlreadyThere
        With sentences to show.
    """
    pairs = told.pop("activities", ())
    told["activities"] = tuple(
        OutcomeActivity.checked(activity=words, ability=ability) for words, ability in pairs if words.strip() or ability is not None
    )
    entry = OutcomeEntry.checked(today=page.today, taken_on=taken_on, instrument=instrument, **told)
    outcomes.add_outcome(engine(), viewer, page.row.key, entry, visit_key=visit_key)
    return entry.kept_total is not None


def outcome_lines(viewer: Viewer, page: VisitPage) -> dict[int, dict[str, str]]:
    """List the outcomes of the episode, newest first, by number."""
    frame = outcomes.outcomes(engine(), viewer, page.row.key).iloc[::-1]
    return {int(row["outcome_id"]): _line(row) for row in frame.to_dict("records")}


def _line(row: Mapping[Any, Any]) -> dict[str, str]:
    instrument = Instrument(row["instrument"])
    told = json.loads(row["details"]) if row["details"] else {}
    if pd.isna(row["total"]):
        total = "incomplete"
    elif instrument is Instrument.GROC:
        total = signed_groc(int(row["total"]))
    else:
        total = f"{row['total']:.1f}".removesuffix(".0")
    values = [f"{each['activity']}: {'not told' if each['ability'] is None else each['ability']}" for each in told.get("activities", [])]
    if told.get("items_answered") is not None:
        values.append(f"{told['items_answered']} items answered")
    return {
        "Day": row["taken_on"].date().isoformat(),
        "What": NAMES[instrument],
        "Total": total,
        "Goes from": range_words(instrument),
        "Told": "; ".join(values),
        "By": row["recorded_by"],
    }


def take_back(viewer: Viewer, outcome_id: int) -> None:
    """Take back an outcome that was wrong; it stays, with who and when."""
    outcomes.correct_outcome(engine(), viewer, outcome_id, None)
