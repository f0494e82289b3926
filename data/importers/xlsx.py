"""
Excel workbooks: the first sheet with a table that one of the table importers knows is read like the CSV of that table.

What a cell holds counts, and of a formula the value that Excel computed last. A workbook is small by its sizes in the archive and by the
place of its last cell, or it is not opened: five kilobytes can claim seventeen thousand million cells.
"""

import io
import itertools
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from defusedxml.common import DefusedXmlException

from data.importers.archive import METHODS, directory_of
from data.importers.base import FileRefused, Importer, ReadFile
from data.importers.table import COLUMNS_MAX, Bad, Cells, Table, TableImporter
from models import ImportOutcome

CELLS_MAX = 2_000_000
UNPACKED_MAX_BYTES = 15_000_000  # about 400,000 cells; a list of three thousand activities takes about 4 MB
MEMBERS_MAX = 500
SHEETS_MAX = 50
ROWS_OF_A_SHEET = 1_048_576
_ROWS_AT_ONCE = 500
_UNPACKED_AT_ONCE_BYTES = 65_536
HEADER_WITHIN_ROWS = 20  # people write titles above their tables
_EARLIEST = datetime(1904, 1, 3)  # noqa: DTZ001 - an earlier cell is a length of time that Excel shows as a date
_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001
# What openpyxl, zipfile and the XML parser raise at damaged or hostile workbooks.
_DAMAGED = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, RuntimeError, SyntaxError, TypeError,
    ValueError, zipfile.BadZipFile, zlib.error, struct.error, DefusedXmlException,
)  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """A sheet's name and its tables: its first rows may each be the header."""

    name: str
    tables: tuple[Table, ...]


def is_workbook(content: bytes) -> bool:
    """Tell by the member that each workbook has."""
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        return "xl/workbook.xml" in directory_of(io.BytesIO(content)).NameToInfo
    except FileRefused:
        return False


def sheets_of(content: bytes) -> Iterator[Sheet]:
    """
    Open a workbook.

    Parameters
    ----------
    content : bytes
        For which `is_workbook` is true.

    Yields
    ------
    Sheet
        In the order of the workbook; sheets without two cells in a row are passed over.

    Raises
    ------
    FileRefused
        If it is too large, or damaged.
    """
    try:
        import openpyxl  # takes as long as reading a hundred recordings, in a process that mostly reads those

        with warnings.catch_warnings(action="ignore"):
            book = openpyxl.load_workbook(_unpacked(content), read_only=True, data_only=True, keep_links=False)
        for sheet in book.worksheets[:SHEETS_MAX]:
            if (sheet.max_row or 0) * (sheet.max_column or 0) > CELLS_MAX:
                raise _too_large()
            found = _tables(sheet)
            if found:
                yield Sheet(str(sheet.title), tuple(found))
    except _DAMAGED:
        raise _damaged() from None


def _unpacked(content: bytes) -> io.BytesIO:
    """
    Write a workbook anew with all its members unpacked.

    What opens it then meets no member that is larger than its directory says: zipfile unpacks the whole of it before it cuts it off there.
    """
    archive = directory_of(io.BytesIO(content))
    members = archive.infolist()
    if len(members) > MEMBERS_MAX or sum(member.file_size for member in members) > UNPACKED_MAX_BYTES:
        raise _too_large()
    if any(member.flag_bits & 1 for member in members):
        raise FileRefused(ImportOutcome.UNREADABLE, "The workbook is encrypted. Save it without a password.")
    if any(member.compress_type not in METHODS for member in members):
        raise _damaged()
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as made:
        for member in members:
            with archive.open(member) as packed, made.open(member.filename, "w") as out:
                while piece := packed.read(_UNPACKED_AT_ONCE_BYTES):
                    out.write(piece)
    return plain


def _too_large() -> FileRefused:
    return FileRefused(
        ImportOutcome.UNREADABLE,
        f"The workbook is larger than {CELLS_MAX:,} cells or {UNPACKED_MAX_BYTES // 1_000_000} MB unpacked; a cell far below or far to the "
        "right is enough. Copy the table into a new workbook, or save it as CSV.",
    )


def _damaged() -> FileRefused:
    return FileRefused(ImportOutcome.UNREADABLE, "The workbook is damaged, or no program that we know wrote it. Save the sheet as CSV.")


def _tables(sheet: Any) -> list[Table]:
    tables = []
    for number, cells in _rows(sheet, HEADER_WITHIN_ROWS):
        if isinstance(cells, list) and sum(1 for cell in cells if cell) >= 2 and len(cells) <= COLUMNS_MAX:
            tables.append(Table(tuple(cells), "\t", partial(_below, sheet, number)))
    return tables


def _below(sheet: Any, header: int) -> Iterator[Cells | Bad]:
    return (row for row in _rows(sheet, ROWS_OF_A_SHEET) if row[0] > header)


def _rows(sheet: Any, last: int) -> Iterator[Cells | Bad]:
    """Give the rows that hold something, with their numbers; the size that the sheet claims is not relied on."""
    rows = sheet.iter_rows(min_row=1, max_row=last, min_col=1, max_col=COLUMNS_MAX + 1, values_only=True)
    number = 0
    while True:
        try:
            with warnings.catch_warnings(action="ignore"):  # on styles and extensions, which are not read
                some = list(itertools.islice(rows, _ROWS_AT_ONCE))
        except _DAMAGED:
            raise _damaged() from None
        if not some:
            return
        for row in some:
            number += 1
            if row.count(None) == len(row):
                continue
            cells = [written(value) for value in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                yield number, cells


def written(value: object) -> str:
    """
    Write a cell as the CSV of its table would have it, so that it can mean one thing only.

    >>> written(datetime(2026, 3, 13, 17, 39)), written(time(0, 23, 19)), written(timedelta(hours=26, minutes=42)), written(1.234)
    ('2026-03-13 17:39:00', '00:23:19', '26:42:00', '1.2340')
    """
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, datetime):
        if value < _EARLIEST:
            return _clock(value - _ZERO)
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _clock(timedelta(hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond))
    if isinstance(value, timedelta):
        return _clock(value)
    if isinstance(value, int | float):
        return _number(float(value))
    text = str(value).strip()
    return "" if text.startswith("#") and text.endswith(("!", "?", "/A", "/0!")) else text


def _clock(length: timedelta) -> str:
    tenths = round(length.total_seconds() * 10)  # Excel's fractions of a day are off by microseconds
    minutes, tenths = divmod(abs(tenths), 600)
    seconds = f"{tenths // 10:02d}" + (f".{tenths % 10}" if tenths % 10 else "")
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds}"


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = f"{value:.10f}".rstrip("0")
    return f"{text}0" if len(text) - text.index(".") == 4 else text  # three decimals could be read as thousands


def read(content: bytes) -> ReadFile:
    """
    Read the first table of a workbook that is known.

    Raises
    ------
    FileRefused
        If there is none (`needs_mapping`, with the columns of the first), or it gives nothing.
    """
    from data.importers import IMPORTERS

    if not is_workbook(content):
        raise FileRefused(ImportOutcome.UNREADABLE, "This is no Excel workbook (.xlsx).")
    headers: list[str] = []
    for sheet in sheets_of(content):
        for table in sheet.tables:
            known = next((importer for importer in _table_importers(IMPORTERS) if importer.knows(table)), None)
            if known is not None:
                found = known.read_table(table)
                return replace(found, notes=(f"The sheet “{sheet.name[:60]}” was read.", *found.notes))
        headers.append(", ".join(cell for cell in sheet.tables[0].header if cell))
    if headers:
        raise FileRefused(
            ImportOutcome.NEEDS_MAPPING,
            f"The workbook holds a table, but its columns are not known here: {headers[0][:200]}. Say what they are.",
        )
    raise FileRefused(ImportOutcome.NO_DATA, "The workbook holds no table.")


def _table_importers(importers: Iterable[Importer]) -> Iterator[TableImporter]:
    return (importer for importer in importers if isinstance(importer, TableImporter))


XLSX = Importer("xlsx", "Excel workbook", (".xlsx", ".xlsm"), is_workbook, read)
