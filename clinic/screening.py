"""The red-flag screen at a visit: what is asked, what a yes asks for, and how it is closed."""

from dataclasses import dataclass
from datetime import date

from clinic.visits import VisitPage
from data import screens
from data.database import engine
from models import EntryRefused, ScreenAnswer, ScreenEntry, ScreenItem, Viewer
from rehab.days import day_words
from rehab.red_flags import ITEM_OF, ITEMS, RedFlagItem
from rehab.screen import REST_ITEM, closing_lacks

ANSWERS = (ScreenAnswer.YES, ScreenAnswer.NO, ScreenAnswer.NOT_ASKED)
ANSWER_WORDS = {ScreenAnswer.YES: "yes", ScreenAnswer.NO: "no", ScreenAnswer.NOT_ASKED: "not asked"}


@dataclass(frozen=True)
class Question:
    """One item of the screen as it is asked. `last` says what was answered last, "" if nothing was."""

    item: ScreenItem
    asked: RedFlagItem
    last: str


@dataclass(frozen=True)
class OpenYes:
    """A yes that nobody has closed yet. `answer_id` is None for one that the diary told: it is asked first."""

    answer_id: int | None
    asked: RedFlagItem
    asked_on: date | None


def yes_words(asked: RedFlagItem) -> str:
    """
    Say what a yes makes one think of, what to do and how soon.

    >>> yes_words(ITEM_OF["clot_signs"])
    'Think of thrombo-embolism. Emergency: send to hospital now. How soon: emergency.'
    """
    return f"Think of {asked.thinks_of}. {asked.action} How soon: {asked.urgency}."


def valid_words(page: VisitPage) -> str:
    """Say until when the screen is clear if nothing else is said; empty if it is not."""
    until = page.screen.valid_until
    return "" if until is None else f"Its answers hold until {day_words(until)}."


def unanswered_words(answers: dict[ScreenItem, ScreenAnswer | None]) -> str:
    """
    Say how many questions have no yes and no no yet; empty if each has one.

    >>> unanswered_words(dict.fromkeys(ScreenItem))
    '12 of 12 questions are unanswered so far.'
    """
    left = sum(answer in {None, ScreenAnswer.NOT_ASKED} for answer in answers.values())
    return f"{left} of {len(answers)} questions {'is' if left == 1 else 'are'} unanswered so far." if left else ""


def questions(viewer: Viewer, page: VisitPage) -> tuple[Question, ...]:
    """Give the twelve items in their order, each with its last answer in words."""
    answers = screens.screen_answers(engine(), viewer, page.row.key)
    last: dict[str, str] = {}
    for row in answers[answers["answer"] != ScreenAnswer.NOT_ASKED].to_dict("records"):
        last[row["item"]] = f"{ANSWER_WORDS[ScreenAnswer(row['answer'])]} on {day_words(row['asked_on'].date())}"
    return tuple(Question(ScreenItem(item.name), item, last.get(item.name, "")) for item in ITEMS)


def in_pairs(asked: tuple[Question, ...]) -> list[tuple[Question, Question]]:
    """Give the twelve questions two by two, in their order."""
    return list(zip(asked[::2], asked[1::2], strict=True))


def save_screen(viewer: Viewer, page: VisitPage, visit_key: str, asked_on: date, answers: dict[ScreenItem, ScreenAnswer | None]) -> int:
    """
    Store a screen, all of it or nothing. What has no answer stands as not asked.

    Returns
    -------
    int
        How many answers are new or changed.
    """
    given = {item: answer for item, answer in answers.items() if answer is not None}
    entry = ScreenEntry.checked(today=page.today, asked_on=asked_on, answers=given)
    return screens.add_screen(engine(), viewer, page.row.key, entry, visit_key=visit_key)


def open_yes(viewer: Viewer, page: VisitPage) -> tuple[OpenYes, ...]:
    """List what is open, in the order of the screen."""
    answers = screens.screen_answers(engine(), viewer, page.row.key)
    still = answers[(answers["answer"] == ScreenAnswer.YES) & answers["closed_on"].isna()]
    found = [OpenYes(int(row["answer_id"]), ITEM_OF[row["item"]], row["asked_on"].date()) for row in still.to_dict("records")]
    order = [item.name for item in ITEMS]
    found.sort(key=lambda each: order.index(each.asked.name))
    told = {each.asked.name for each in found}
    of_diary = [OpenYes(None, item, None) for item in page.screen.open_items if item.name == REST_ITEM and item.name not in told]
    return (*found, *of_diary)


def open_words(each: OpenYes) -> str:
    """Name an open yes with the day on which it was asked."""
    return f"{each.asked.title}, " + (f"yes on {day_words(each.asked_on)}" if each.asked_on else "told in the diary")


def close(viewer: Viewer, page: VisitPage, each: OpenYes, note: str) -> None:
    """
    Close a yes with a note.

    Raises
    ------
    EntryRefused
        If the note does not say enough, or if it was the diary that told it: then the question is asked first.
    AlreadyThere
        If somebody has closed it meanwhile.
    """
    if each.answer_id is None or each.asked_on is None:
        raise EntryRefused(["The diary told this one. Ask the question above first; a no answers it, a yes is then closed here."])
    lacks = closing_lacks(asked_on=each.asked_on, closed_on=max(page.today, each.asked_on), therapist=viewer.name, note=note)
    if lacks:
        raise EntryRefused(list(lacks))
    screens.close_screen_answer(engine(), viewer, each.answer_id, note)


def closed_lines(viewer: Viewer, page: VisitPage) -> list[dict[str, str]]:
    """List what was closed, newest first, with who closed it and the note."""
    history = screens.screen_history(engine(), viewer, page.row.key)
    return [
        {
            "Item": ITEM_OF[row["item"]].title,
            "Yes on": row["asked_on"].date().isoformat(),
            "Closed on": row["closed_on"].date().isoformat(),
            "By": row["closed_by"],
            "Note": row["closing_note"],
        }
        for row in history[history["closed_on"].notna()].to_dict("records")
    ]
