"""
Tables as people save them: any of the usual encodings and separators, one header line, and line numbers that an editor shows.

A sheet of a workbook becomes the same `Table` (xlsx.py), so that each kind of table is read in one way wherever it comes from.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from data.importers.base import FileRefused, Importer, ReadFile
from data.importers.text_lines import HEAD_BYTES, LINE_MAX_CHARS, encoding_of, physical_lines
from models import ImportOutcome

SEPARATORS = (",", ";", "\t")
TABLE_MAX_BYTES = 20_000_000  # ten thousand activities of a bulk export take about 8 MB
LINES_MAX = 100_000  # ten lines a day for 27 years
COLUMNS_MAX = 500
_TOO_LONG = "it is too long or its quotes are not closed."

Cells = tuple[int, list[str]]  # the number of a line and its values
Bad = tuple[int, str]  # the number of a line that cannot be read, and why


@dataclass(frozen=True)
class Line:
    """One line of a table: its number (the header is in line 1) and its written values by column name."""

    number: int
    values: dict[str, str]
    separator: str

    def text(self, column: str | None) -> str:
        """Give the value of a column, empty if nothing is written or there is no such column."""
        return self.values.get(column, "") if column else ""


@dataclass(frozen=True)
class Table:
    """
    A header and the lines under it.

    Attributes
    ----------
    written : tuple of str
        The header as it is written.
    separator : str
        Of the file; a tab for a sheet.
    records : callable
        Begins again at the first line under the header each time it is called.
    """

    written: tuple[str, ...]
    separator: str
    records: Callable[[], Iterator[Cells | Bad]]

    @property
    def header(self) -> tuple[str, ...]:
        """Lower case, words joined by underscores."""
        return tuple(column_name(cell) for cell in self.written)

    @property
    def columns(self) -> tuple[str, ...]:
        """
        The header with each name once: the second `distance` is `distance_2`, the third `distance_3`.

        A column without a name stays without one.
        """
        seen: dict[str, int] = {}
        numbered = []
        for name in self.header:
            seen[name] = seen.get(name, 0) + 1
            numbered.append(f"{name}_{seen[name]}" if name and seen[name] > 1 else name)
        return tuple(numbered)

    def refuse_repeats(self) -> None:
        """
        Refuse a header that names a column twice.

        Raises
        ------
        FileRefused
            It names the columns.
        """
        twice = sorted({name for name in self.header if name and self.header.count(name) > 1})
        if twice:
            raise FileRefused(ImportOutcome.NEEDS_MAPPING, f"The header names a column twice: {', '.join(twice)[:100]}. Keep one of them.")

    def lines(self, only: Iterable[str] | None = None) -> Iterator[Line | Bad]:
        """
        Read line by line.

        Parameters
        ----------
        only : iterable of str, optional
            The columns to keep; all of them if not given.

        Yields
        ------
        Line or tuple of int and str
            A line; or the number of a line that cannot be read, with the reason. Empty lines are passed over.

        Raises
        ------
        FileRefused
            If there are too many lines.
        """
        wanted = None if only is None else set(only)
        columns = self.columns
        kept = [(index, name) for index, name in enumerate(columns) if name and (wanted is None or name in wanted)]
        for record in self.records():
            number, values = record
            if number > LINES_MAX:
                raise FileRefused(ImportOutcome.UNREADABLE, f"The table has more than {LINES_MAX:,} lines. Send a shorter one.")
            if isinstance(values, str):
                yield number, values
            elif len(values) > len(columns) and any(values[len(columns) :]):
                yield (
                    number,
                    f"it has {len(values)} values, the header has {len(columns)} columns. "
                    "A decimal comma needs ; between the columns, or quotes.",
                )
            elif any(values):
                yield Line(number, {name: values[index] for index, name in kept if index < len(values)}, self.separator)


def column_name(cell: str) -> str:
    """
    Name a column as the importers know it.

    >>> column_name(" Distance (km)"), column_name('<span class="translation_missing">Start Time</span>')
    ('distance_(km)', 'start_time')
    """
    return re.sub(r"[\s\-]+", "_", re.sub(r"<[^<>]{0,300}>", "", cell).strip().casefold())


def table_of(content: bytes) -> Table | None:
    """
    Find the table in a text file.

    Parameters
    ----------
    content : bytes
        Any file.

    Returns
    -------
    Table or None
        None if the file is no text or has fewer than two columns.
    """
    encoding = encoding_of(content)
    if encoding is None:
        return None
    first = next((line for _, line in physical_lines(content[:HEAD_BYTES], encoding) if line.strip()), "")
    named = re.fullmatch(r'"?sep=([,;\t])"?\s*', first.strip("\ufeff"))  # how Excel writes its separator down
    separator = named[1] if named else _separator(first)
    if not named and separator not in first:
        return None
    records = partial(_records, content, encoding, separator, skip_first=named is not None)
    header = next(iter(_records(content[:HEAD_BYTES], encoding, separator, skip_first=named is not None)), None)
    if header is None or isinstance(header[1], str) or not 2 <= len(header[1]) <= COLUMNS_MAX:
        return None
    return Table(tuple(header[1]), separator, partial(_under_the_header, records))


def header_of(content: bytes) -> tuple[str, ...] | None:
    """
    Name the columns of a table.

    Returns
    -------
    tuple of str or None
        Lower case, words joined by underscores; None if the file is no text or has fewer than two columns.

    Examples
    --------
    >>> header_of("Date;Distance km".encode("utf-16")), header_of(bytes([0, 1, 2, 255]))
    (('date', 'distance_km'), None)
    """
    table = table_of(content)
    return None if table is None else table.header


@dataclass(frozen=True)
class TableImporter(Importer):
    """A source that writes tables: `knows` looks at the columns, `read_table` reads what is under them, from text or from a sheet."""

    knows: Callable[[Table], bool]
    read_table: Callable[[Table], ReadFile]


def table_importer(name: str, label: str, knows: Callable[[Table], bool], read_table: Callable[[Table], ReadFile]) -> TableImporter:
    """Make the importer of a kind of table from the two things that are its own."""

    def recognises(content: bytes) -> bool:
        table = table_of(content)
        return table is not None and knows(table)

    def read(content: bytes) -> ReadFile:
        if len(content) > TABLE_MAX_BYTES:
            raise FileRefused(
                ImportOutcome.UNREADABLE,
                f"The table is larger than {TABLE_MAX_BYTES // 1_000_000} MB. Send it in parts, with the header in each.",
            )
        table = table_of(content)
        if table is None:
            raise FileRefused(ImportOutcome.UNREADABLE, "The table is not readable as text. Save it as CSV in UTF-8.")
        if not knows(table):
            raise FileRefused(ImportOutcome.NEEDS_MAPPING, f"The columns are not those of this source: {', '.join(table.header)[:200]}.")
        return read_table(table)

    return TableImporter(name, label, (".csv", ".tsv", ".txt"), recognises, read, knows, read_table)


def _under_the_header(records: Callable[[], Iterator[Cells | Bad]]) -> Iterator[Cells | Bad]:
    under = records()
    next(under, None)
    return under


def _records(content: bytes, encoding: str, separator: str, *, skip_first: bool) -> Iterator[Cells | Bad]:
    """Give each record with the number of the line in which it begins; the first one is the header. Empty lines are passed over."""
    too_long: list[int] = []

    def lines() -> Iterator[str]:
        for number, line in physical_lines(content, encoding):
            if len(line) > LINE_MAX_CHARS:
                too_long.append(number)
                yield "\n"
            else:
                yield "\n" if skip_first and number == 1 else line

    rows = csv.reader(lines(), delimiter=separator)
    begins = 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            yield begins, _TOO_LONG
            return
        yield from ((number, _TOO_LONG) for number in too_long)
        too_long.clear()
        if row is None:
            return
        values = [unicodedata.normalize("NFC", value).strip().strip("\ufeff") for value in row]
        if any(values):
            yield begins, values
        begins = rows.line_num + 1


def _separator(first: str) -> str:
    bare = re.sub(r'"[^"]*"', "", first)
    return max(SEPARATORS, key=bare.count if any(separator in bare for separator in SEPARATORS) else first.count)
