"""
What the columns of a table mean that no importer knows: suggested from its words and values, said by a person, remembered by its header.

A suggestion is never read before a person has agreed. What it leaves open (the unit of a distance, the feet of a cadence) is asked.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from data.importers.base import FileRefused, ReadFile
from data.importers.local_forms import DateOrder
from data.importers.table import Line, Table, column_name, table_of
from models import ImportOutcome, PainMoment, RestMoment, Side

RUNS, PAIN = "runs", "pain"
BOTH_FEET, ONE_FOOT = "both_feet", "one_foot"
DISTANCE_UNITS = ("km", "mi", "m")
TIME_UNITS = ("clock", "seconds", "minutes", "hours")
_LOOKED_AT = 50


@dataclass(frozen=True)
class ScoreColumn:
    """A column of scores: the moment it asks for, and the side if its words name one. Rest moments are answered yes or no."""

    column: str
    moment: PainMoment | RestMoment
    side: Side | None = None


@dataclass(frozen=True)
class Mapping:
    """
    Which column is what. Columns are named as `Table.columns` names them; None is a column that the table does not have.

    Attributes
    ----------
    gives : str
        `runs` or `pain`.
    date : str
        The day, with or without a time of day.
    date_order : DateOrder or None
        Only asked if the dates do not tell it themselves.
    distance_unit : str or None
        `km`, `mi` or `m`.
    time_unit : str or None
        `clock` for 45:10 and 1:02:03; else what a plain number counts.
    cadence_counts : str or None
        `both_feet` or `one_foot`.
    ran, did_not_run : str or None
        A yes/no column; “did you run?” answered with no, or “did not run” with yes, is a day without a run.
    date_is_of_run : bool
        True if `date` is the day of the run: a next-morning score was then felt on the day after.
    """

    gives: str
    date: str
    date_order: DateOrder | None = None
    start_time: str | None = None
    sport: str | None = None
    distance: str | None = None
    distance_unit: str | None = None
    moving_time: str | None = None
    time_unit: str | None = None
    elapsed_time: str | None = None
    pace: str | None = None
    cadence: str | None = None
    cadence_counts: str | None = None
    ground_contact_time: str | None = None
    ran: str | None = None
    did_not_run: str | None = None
    side: str | None = None
    moment: str | None = None
    score: str | None = None
    scores: tuple[ScoreColumn, ...] = ()
    date_is_of_run: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All the columns that are read, each once."""
        single = (
            self.date, self.start_time, self.sport, self.distance, self.moving_time, self.elapsed_time, self.pace, self.cadence,
            self.ground_contact_time, self.ran, self.did_not_run, self.side, self.moment, self.score,
        )  # fmt: skip
        return tuple(dict.fromkeys(name for name in (*single, *(item.column for item in self.scores)) if name))

    @property
    def questions(self) -> tuple[str, ...]:
        """What is still open, as questions; empty if the table can be read."""
        open_ones = []
        if not self.date:
            open_ones.append("Which column is the date?")
        if self.gives == RUNS:
            if not self.distance:
                open_ones.append("Which column is the distance?")
            elif self.distance_unit not in DISTANCE_UNITS:
                open_ones.append("Are the distances kilometres, miles or metres?")
            if not self.moving_time:
                open_ones.append("Which column is the time of the run?")
            elif self.time_unit not in TIME_UNITS:
                open_ones.append("Does the time count seconds, minutes or hours?")
            if self.cadence and self.cadence_counts not in {BOTH_FEET, ONE_FOOT}:
                open_ones.append("Does the cadence count the steps of both feet or of one?")
        elif not self.scores and not (self.moment and self.score):
            open_ones.append("Which columns are pain scores, and for which moment?")
        return tuple(open_ones)

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, to be stored as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """
        Take back what `as_dict` gave.

        >>> Mapping.from_dict(Mapping("runs", "day", DateOrder.DAY_FIRST).as_dict()) == Mapping("runs", "day", DateOrder.DAY_FIRST)
        True
        """
        known = {item.name: stored[item.name] for item in fields(cls) if item.name in stored}
        moments = {str(moment): moment for moment in (*PainMoment, *RestMoment)}
        known["scores"] = tuple(
            ScoreColumn(item["column"], moments[item["moment"]], None if item.get("side") is None else Side(item["side"]))
            for item in known.get("scores") or ()
        )
        known["date_order"] = None if known.get("date_order") is None else DateOrder(known["date_order"])
        return cls(**known)


def header_key(header: Iterable[str]) -> str:
    """
    Give the key under which a mapping is remembered: the same for the same columns, however their names are spaced and capitalised.

    >>> header_key(["Date", "Distance (km)"]) == header_key(["date ", "distance (KM)"]), len(header_key(["Date"]))
    (True, 64)
    """
    names = [re.sub(r"_+", "_", column_name(cell)).encode() for cell in header]
    return hashlib.sha256(b"".join(b"%d:%b" % (len(name), name) for name in names)).hexdigest()


def tables_in(content: bytes) -> list[Table]:
    """
    Find the tables of a text file or a workbook.

    Returns
    -------
    list of Table
        Of a workbook one a sheet, with the fullest of the first rows as its header; empty if there is none.

    Raises
    ------
    FileRefused
        If a workbook is too large or damaged.
    """
    from data.importers.xlsx import is_workbook, sheets_of

    if is_workbook(content):
        return [max(sheet.tables[:5], key=lambda table: sum(1 for cell in table.written if cell)) for sheet in sheets_of(content)]
    table = table_of(content)
    return [] if table is None else [table]


def first_lines(table: Table) -> list[list[str]]:
    """Give the first lines of a table as lists, for `suggested`."""
    lines = (line for line in table.lines() if isinstance(line, Line))
    return [[line.text(name) for name in table.columns] for _, line in zip(range(_LOOKED_AT), lines, strict=False)]


def suggested(header: Sequence[str], first_lines: Sequence[Sequence[str]]) -> Mapping | None:
    """
    Suggest what the columns of a table are, by their words in eight languages and by the values under them.

    Parameters
    ----------
    header : sequence of str
        As it is written (`Table.written`).
    first_lines : sequence of sequences of str
        Some lines under it; the more, the better the suggestion.

    Returns
    -------
    Mapping or None
        To be confirmed by a person; it may leave questions open. None if the columns name no date, or neither runs nor pain.
    """
    from data.importers.suggesting import suggested_pain, suggested_runs

    names = Table(tuple(header), "\t", lambda: iter(())).columns
    values = {name: [line[index] for line in first_lines if index < len(line)] for index, name in enumerate(names) if name}
    return suggested_pain(header, names, values) or suggested_runs(header, names, values)


def read_with(content: bytes, mapping: Mapping) -> ReadFile:
    """
    Read a table as a person said.

    Parameters
    ----------
    content : bytes
        A text file or a workbook.
    mapping : Mapping
        Without open questions.

    Returns
    -------
    ReadFile
        What was assumed stands in its notes.

    Raises
    ------
    FileRefused
        `needs_mapping` if a question is open or no table has the columns; else if no line gives anything.
    """
    from data.importers.mapped_runs import read_runs
    from data.importers.pain_form import read_pain

    if mapping.questions:
        raise FileRefused(ImportOutcome.NEEDS_MAPPING, f"{' '.join(mapping.questions)} This has to be said before the table is read.")
    for table in tables_in(content):
        if set(mapping.columns) <= set(table.columns):
            return read_pain(table, mapping) if mapping.gives == PAIN else read_runs(table, mapping)
    raise FileRefused(ImportOutcome.NEEDS_MAPPING, f"The file has no table with the columns {', '.join(mapping.columns)[:200]}.")


def with_order(mapping: Mapping, order: DateOrder) -> Mapping:
    """Answer the question which comes first in a date."""
    return replace(mapping, date_order=order)
