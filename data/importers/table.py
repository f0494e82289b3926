"""
Tables as people save them: any of the usual encodings and separators, one header line, and line numbers that an editor shows.
"""

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from data.importers.base import FileRefused
from models import ImportOutcome

SEPARATORS = (",", ";", "\t")
LINE_MAX_CHARS = 100_000
LINES_MAX = 200_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Line:
    """One line of a table: its number (the header is in line 1) and its written values by column name."""

    number: int
    values: dict[str, str]
    separator: str

    def text(self, column: str) -> str:
        """Give the value of a column, empty if nothing is written."""
        return self.values.get(column, "")


def header_of(content: bytes) -> tuple[str, ...] | None:
    """
    Name the columns of a table.

    Parameters
    ----------
    content : bytes
        Any file.

    Returns
    -------
    tuple of str or None
        Lower case, words joined by underscores; None if the file is no text or has fewer than two columns.

    Examples
    --------
    >>> header_of("Date;Distance km".encode("utf-16")), header_of(bytes([0, 1, 2, 255]))
    (('date', 'distance_km'), None)
    """
    text = _decoded(content[:LINE_MAX_CHARS])
    if text is None:
        return None
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = _separator(first)
    if separator not in first:
        return None
    try:
        return _names(next(csv.reader([first], delimiter=separator), []))
    except csv.Error:
        return None


def lines_of(content: bytes) -> Iterator[Line | tuple[int, str]]:
    """
    Read a table line by line.

    Parameters
    ----------
    content : bytes
        A file for which `header_of` found columns.

    Yields
    ------
    Line or tuple of int and str
        A line; or the number of a line that cannot be read, with the reason. Empty lines are passed over.

    Raises
    ------
    FileRefused
        If it is no text, too long, or names a column twice.
    """
    text = _decoded(content)
    header = header_of(content)
    if text is None or header is None:
        raise FileRefused(ImportOutcome.UNREADABLE, "The table is not readable as text. Save it as CSV in UTF-8.")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise FileRefused(ImportOutcome.NEEDS_MAPPING, f"The header names a column twice: {', '.join(twice)[:100]}. Keep one of them.")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    separator = _separator(next(line for line in text.split("\n") if line.strip()))
    rows = csv.reader(StringIO(text), delimiter=separator)
    seen_header, begins = False, 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            yield begins, "it is too long or its quotes are not closed."
            return
        if row is None:
            return
        number, begins = begins, rows.line_num + 1
        values = [unicodedata.normalize("NFC", value).strip() for value in row]
        if not any(values):
            continue
        if not seen_header:
            seen_header = True
        elif number > LINES_MAX:
            raise FileRefused(ImportOutcome.UNREADABLE, f"The table has more than {LINES_MAX:,} lines. Send a shorter one.")
        elif len(values) > len(header) and any(values[len(header) :]):
            yield (
                number,
                f"it has {len(values)} values, the header has {len(header)} columns. A decimal comma needs ; between the columns, or quotes.",
            )
        else:
            yield Line(number, {name: value for name, value in zip(header, values, strict=False) if name}, separator)


def _decoded(content: bytes) -> str | None:
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), None)
    if encoding is None and b"\0" in content[:4]:  # UTF-16 without its mark: every other byte of plain letters is 0
        encoding = "utf-16-be" if content[0] == 0 else "utf-16-le"
    for candidate in [encoding] if encoding else ["utf-8", "cp1252"]:
        try:
            text = codecs.decode(_whole(content, candidate), candidate)
        except (UnicodeDecodeError, LookupError):
            continue
        if _is_text(text[:4096]):
            return text
    return None


def _whole(content: bytes, encoding: str) -> bytes:
    """Leave out half a character at the end, where a head was cut off a longer file."""
    if encoding.startswith("utf-16"):
        return content[: len(content) // 2 * 2]
    if encoding.startswith("utf-8") and len(content) == LINE_MAX_CHARS:
        return content.rstrip(bytes(range(0x80, 0x100)))
    return content


def _is_text(head: str) -> bool:
    odd = sum(1 for char in head if not char.isprintable() and char not in "\r\n\t\0\ufeff")
    return odd * 50 <= len(head) and "�" not in head


def _separator(first: str) -> str:
    return max(SEPARATORS, key=first.count)


def _names(cells: list[str]) -> tuple[str, ...]:
    return tuple(re.sub(r"[\s\-]+", "_", unicodedata.normalize("NFC", cell).strip().strip("\ufeff").casefold()) for cell in cells)
