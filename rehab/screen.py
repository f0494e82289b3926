"""Where the red-flag screen stands on a day: open, unanswered or clear."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from models import DiagnosisClass, day_number
from rehab.days import Days, day_numbers
from rehab.red_flags import ITEMS, VALID_DAYS, RedFlagItem

YES, NO, NOT_ASKED = "yes", "no", "not_asked"
OPEN, UNANSWERED, CLEAR = "open", "unanswered", "clear"
REST_ITEM = "rest_or_night_pain"
CLOSING_NOTE_MIN_LETTERS = 10  # a full stop is no note

PATIENT_SENTENCE = "Please talk with your therapist before your next run. We are checking one of your answers."
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class ScreenStanding:
    """
    The screen as of a day.

    Attributes
    ----------
    standing : str
        open, unanswered or clear. Open goes before unanswered.
    open_items, unanswered_items : tuple of RedFlagItem
        In the order of the screen.
    bone : bool
        True with a diagnosis of the class bone: open for the whole episode.
    valid_until : date or None
        Last day on which the screen is clear if nothing else is said; None if it is not clear.
    """

    standing: str
    open_items: tuple[RedFlagItem, ...] = ()
    unanswered_items: tuple[RedFlagItem, ...] = ()
    bone: bool = False
    valid_until: date | None = None

    @property
    def withholds(self) -> bool:
        """True while nothing may be suggested."""
        return self.standing != CLEAR

    @property
    def sentence(self) -> str:
        """Say it to the therapist."""
        if self.standing == CLEAR:
            return "The red-flag screen is clear."
        said = []
        if self.bone:
            said.append("The diagnosis is a bone stress injury: nothing is suggested in this episode, a physician leads the loading.")
        said += [f"Red flag open: {item.title}. Think of {item.thinks_of}. {item.action}" for item in self.open_items]
        missing = len(self.unanswered_items)
        if missing == len(ITEMS):
            said.append(f"The red-flag screen was not asked in the last {VALID_DAYS} days.")
        elif missing:
            titles = "; ".join(item.title for item in self.unanswered_items)
            said.append(f"{missing} of {len(ITEMS)} items of the red-flag screen not answered in the last {VALID_DAYS} days: {titles}.")
        return " ".join(said)

    @property
    def patient_sentence(self) -> str:
        """Say it to the patient; "" if the screen is clear."""
        return PATIENT_SENTENCE if self.withholds else ""


NEVER_ASKED = ScreenStanding(UNANSWERED, (), ITEMS)


def screen_standing(
    answers: pd.DataFrame,
    *,
    as_of: date,
    diagnosis_class: DiagnosisClass | None = None,
    rest_pain_days: Sequence[date] = (),
) -> ScreenStanding:
    """
    Tell where the screen stands.

    A yes is open until it is closed, however old it is and whatever was answered later. An item is answered if yes or no was said to it
    within 28 days; "not asked" is no answer.

    Parameters
    ----------
    answers : DataFrame
        SCREEN_COLUMNS, in any order: `item`, `answer` (yes, no, not_asked), `asked_on` (datetime64), `closed_on` (datetime64, NaT while open).
        What was asked or closed after `as_of` is not known yet.
    as_of : date
        The day.
    diagnosis_class : DiagnosisClass or None
        The episode's. The class bone withholds for the whole episode.
    rest_pain_days : sequence of date
        Days on which the runner's diary says yes to pain at rest or at night: later than the item was last asked or closed, they open it.

    Returns
    -------
    ScreenStanding
        Without any answer: unanswered.
    """
    today = day_number(as_of)
    asked_on = day_numbers(answers["asked_on"])
    closed_on = _closed(answers["closed_on"])
    answer = answers["answer"].to_numpy(dtype=object)
    item_of_row = answers["item"].to_numpy(dtype=object)
    known = asked_on <= today
    still_open = known & (answer == YES) & (closed_on > today)
    answered = known & ((answer == YES) | (answer == NO))

    last_asked = {item.name: _NEVER for item in ITEMS}
    for name, day in zip(item_of_row[answered].tolist(), asked_on[answered].tolist(), strict=True):
        if name in last_asked:
            last_asked[name] = max(day, last_asked[name])
    is_open = set(item_of_row[still_open].tolist())
    rest_pain = max((day_number(day) for day in rest_pain_days if day <= as_of), default=_NEVER)
    closed_rest = closed_on[known & (item_of_row == REST_ITEM) & (closed_on <= today)]
    if rest_pain > max(last_asked[REST_ITEM], int(np.max(closed_rest, initial=_NEVER))):
        is_open.add(REST_ITEM)

    bone = diagnosis_class is DiagnosisClass.BONE
    open_items = tuple(item for item in ITEMS if item.name in is_open)
    unanswered = tuple(item for item in ITEMS if item.name not in is_open and last_asked[item.name] < today - VALID_DAYS)
    standing = OPEN if bone or open_items else UNANSWERED if unanswered else CLEAR
    oldest = min(last_asked.values())
    valid_until = as_of + timedelta(days=oldest + VALID_DAYS - today) if standing == CLEAR else None
    return ScreenStanding(standing, open_items, unanswered, bone, valid_until)


def closing_lacks(*, asked_on: date, closed_on: date, therapist: str, note: str) -> tuple[str, ...]:
    """
    Say what a closing of an open item lacks.

    Parameters
    ----------
    asked_on, closed_on : date
        Day of the yes, and of the closing.
    therapist : str
        Who closes.
    note : str
        Why.

    Returns
    -------
    tuple of str
        A sentence for each thing that is missing; empty if the closing is complete.

    Examples
    --------
    >>> day = date(2025, 3, 4)
    >>> closing_lacks(asked_on=day, closed_on=day, therapist="Thea", note=" . ")
    ('Write in a note why the item is closed.',)
    """
    lacks = []
    if not therapist.strip():
        lacks.append("Only a therapist closes an item: say who.")
    if sum(letter.isalnum() for letter in note) < CLOSING_NOTE_MIN_LETTERS:
        lacks.append("Write in a note why the item is closed.")
    if closed_on < asked_on:
        lacks.append("An item cannot be closed before it was asked.")
    return tuple(lacks)


def _closed(column: pd.Series) -> Days:
    """Day numbers, and the end of time while not closed."""
    days = column.to_numpy(dtype="datetime64[D]")
    return np.where(np.isnat(days), np.iinfo(np.int64).max, days.astype(np.int64))
