"""
Our own table of pain scores: one line a score, or one line a day with a column a moment. See docs/importing.md.

An empty score is no score. It is never 0.
"""

import re
from datetime import date

from data.importers.base import FileRefused, ReadFile, ReadRest, ReadScore, RefusedLine
from data.importers.table import Line, Table, table_importer
from data.importers.written import LineRefused, iso_date, yes_or_no
from models import NPRS_MAX, NPRS_MIN, ImportOutcome, PainMoment, RestMoment, Side

DID_NOT_RUN = "did_not_run"
PAIN_MOMENTS, REST_MOMENTS = frozenset(PainMoment), frozenset(RestMoment)
MOMENTS = frozenset({*PAIN_MOMENTS, *REST_MOMENTS, DID_NOT_RUN})
_SIDES = {"left": Side.LEFT, "l": Side.LEFT, "right": Side.RIGHT, "r": Side.RIGHT, "unspecified": Side.UNSPECIFIED}


def knows(table: Table) -> bool:
    """Tell by the header: `date` with `moment` and `nprs`, or with at least one column named like a moment."""
    header = set(table.header)
    return "date" in header and ({"moment", "nprs"} <= header or bool(header & MOMENTS))


def read_table(table: Table) -> ReadFile:
    """
    Read a table of pain scores.

    Returns
    -------
    ReadFile
        Scores, yes/no answers about rest, days without a run, and the lines that were refused. Two values for the same day, moment
        and side: the first stands, the second is refused.

    Raises
    ------
    FileRefused
        If no line gives anything.
    """
    table.refuse_repeats()
    header = table.header
    diary = Diary()
    for line in table.lines():
        if not isinstance(line, Line):
            diary.refused.append(RefusedLine(*line))
        elif "moment" in header and "nprs" in header:
            diary.take(line, line.text("moment"), line.text("nprs"))
        else:
            for moment in header:
                if moment in MOMENTS:
                    diary.take(line, moment, line.text(moment))
    return diary.read_file(*_ignored(header))


class Diary:
    """What was read of a pain diary so far. Two values for the same day, moment and side: the first stands, the second is refused."""

    def __init__(self) -> None:
        self.scores: list[ReadScore] = []
        self.rests: list[ReadRest] = []
        self.days: list[date] = []
        self.refused: list[RefusedLine] = []
        self._lines: dict[tuple[date, str, Side | None], int] = {}

    def take(self, line: Line, moment: str, value: str) -> None:
        """Keep one value of a line of our table, or why it is refused; an empty value is nothing."""
        try:
            self._take(line, re.sub(r"[\s\-]+", "_", moment.casefold()), value)
        except LineRefused as refusal:
            self.refused.append(RefusedLine(line.number, str(refusal)))

    def _take(self, line: Line, moment: str, value: str) -> None:
        if moment not in MOMENTS:
            raise LineRefused(f"“{moment[:30]}” is no moment. Write one of {', '.join(sorted(MOMENTS))}.")
        if not value and not (moment == DID_NOT_RUN and "moment" in line.values):
            return
        day, side = iso_date(line.text("date")), _side(line.text("side"))
        if moment == DID_NOT_RUN:
            if not value or yes_or_no(value, moment):
                self.days.append(day)
        elif moment in REST_MOMENTS:
            self.keep_answer(line.number, day, RestMoment(moment), side, answer=yes_or_no(value, moment))
        else:
            self.keep_score(line.number, day, PainMoment(moment), side, _score(value))

    def keep_score(self, line: int, day: date, moment: PainMoment, side: Side | None, nprs: int) -> None:
        """Keep a score; raises `LineRefused` if there is one already."""
        self._only_once(line, day, moment, side)
        self.scores.append(ReadScore(day, moment, side, nprs, line))

    def keep_answer(self, line: int, day: date, moment: RestMoment, side: Side | None, *, answer: bool) -> None:
        """Keep an answer; raises `LineRefused` if there is one already."""
        self._only_once(line, day, moment, side)
        self.rests.append(ReadRest(day, moment, side, answer, line))

    def _only_once(self, line: int, day: date, moment: str, side: Side | None) -> None:
        known = self._lines.setdefault((day, moment, side), line)
        if known != line:
            raise LineRefused(f"{moment} of {day.isoformat()} stands in line {known} already. Keep one of them.")

    def read_file(self, *notes: str) -> ReadFile:
        """
        Close the diary.

        Raises
        ------
        FileRefused
            If it holds nothing.
        """
        if not (self.scores or self.rests or self.days):
            if self.refused:
                raise FileRefused(ImportOutcome.UNREADABLE, f"No line could be read. Line {self.refused[0].line}: {self.refused[0].reason}")
            raise FileRefused(ImportOutcome.NO_DATA, "The table holds no score: every value is empty.")
        return ReadFile(
            scores=tuple(self.scores),
            rest_answers=tuple(self.rests),
            days_without_run=tuple(dict.fromkeys(self.days)),
            refused_lines=tuple(self.refused),
            notes=notes,
        )


def _ignored(header: tuple[str, ...]) -> tuple[str, ...]:
    read_columns = {"date", "side", *(("moment", "nprs") if {"moment", "nprs"} <= set(header) else MOMENTS)}
    ignored = [name for name in header if name and name not in read_columns]
    return (f"Columns that were not read: {', '.join(ignored)[:200]}.",) if ignored else ()


def _side(text: str) -> Side | None:
    if not text:
        return None
    if text.casefold() not in _SIDES:
        raise LineRefused(f"“{text[:30]}” is no side. Write left or right, and one line for each; leave it empty if it was not asked.")
    return _SIDES[text.casefold()]


def _score(text: str) -> int:
    whole = re.fullmatch(r"(\d{1,3})(?:[.,]0+)?", text, re.ASCII)  # 3.0 is how some programs save a 3
    if whole is None or not NPRS_MIN <= int(whole[1]) <= NPRS_MAX:
        raise LineRefused(f"a pain score is a whole number from 0 to 10, not “{text[:30]}”. Leave it empty if there was no answer.")
    return int(whole[1])


PAIN_CSV = table_importer("pain_csv", "Table of pain scores (CSV)", knows, read_table)
read, recognises = PAIN_CSV.read, PAIN_CSV.recognises
