"""
Tables as people save them: any of the usual encodings and separators, one header line, and line numbers that an editor shows.

Dates and numbers are read only where they have one meaning. 03/04/2025 is refused, 1,234 in a comma file is refused: a wrong guess
would move a run by a month or make a mile of a thousand.
"""

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
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
_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"no", "n", "false", "0"})


class LineRefused(ValueError):
    """A line that cannot be right; the text is a sentence for the person who wrote it."""


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


# -- values ----------------------------------------------------------------------------------------------------------


def iso_date(text: str) -> date:
    """
    Read a day.

    Raises
    ------
    LineRefused
        Unless it is written year-month-day.

    Examples
    --------
    >>> iso_date("2025-03-02")
    datetime.date(2025, 3, 2)
    """
    if not text:
        raise LineRefused("the date is missing.")
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise LineRefused(f"there is no day {text}.") from None
    raise LineRefused(f"“{text[:30]}” is not clear as a date: day and month could be swapped. Write 2025-03-02 for the second of March.")


def clock_time(text: str) -> time:
    """
    Read a time of day, 07:15 or 07:15:30.

    Raises
    ------
    LineRefused
        If it is none.
    """
    try:
        return time.fromisoformat(text.zfill(5) if re.fullmatch(r"\d:\d\d", text) else text).replace(tzinfo=None)
    except ValueError:
        raise LineRefused(f"“{text[:30]}” is no time of day. Write 07:15 or 19:05.") from None


def iso_moment(text: str) -> datetime:
    """
    Read a start, 2025-03-02T07:15 with or without a zone (-06:00, Z).

    Raises
    ------
    LineRefused
        Unless it is written in that order.
    """
    if re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text, re.ASCII):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise LineRefused(f"“{text[:40]}” is no time. Write 2025-03-02T07:15 or 2025-03-02T07:15-06:00.") from None
    iso_date(text[:10])
    raise LineRefused(f"“{text[:40]}” has no time of day. Write 2025-03-02T07:15, or put the day under “date”.")


def number(text: str, separator: str, what: str) -> float:
    """
    Read a number with a decimal point, or a decimal comma where that has one meaning.

    Parameters
    ----------
    text : str
        Without thousands separators.
    separator : str
        Of the file: with `,` a comma before exactly three digits could separate thousands and is refused.
    what : str
        The value's name, for the sentence.

    Raises
    ------
    LineRefused
        If it is no number, or could be two.

    Examples
    --------
    >>> number("5,25", ";", "distance"), number("5.25", ",", "distance")
    (5.25, 5.25)
    """
    if not re.fullmatch(r"[+-]?\d{1,12}(?:[.,]\d{1,12})?", text, re.ASCII):
        raise LineRefused(f"“{text[:30]}” is no {what}. Write a plain number such as 5.2, without a unit.")
    if separator == "," and re.fullmatch(r"[+-]?\d{1,3},\d{3}", text, re.ASCII):
        raise LineRefused(
            f"“{text}” as {what} can mean {text.replace(',', '.')} or {text.replace(',', '')}. Use a decimal point and no thousands separator."
        )
    return float(text.replace(",", "."))


def duration_s(text: str, separator: str, what: str) -> float:
    """
    Read a length of time: 45:10 (minutes and seconds), 1:02:03 (hours), or a number of seconds.

    Raises
    ------
    LineRefused
        If it is none.

    Examples
    --------
    >>> duration_s("45:10", ",", "moving time"), duration_s("1:02:03", ",", "moving time"), duration_s("90", ",", "moving time")
    (2710.0, 3723.0, 90.0)
    """
    parts = re.fullmatch(r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]\d(?:[.,]\d+)?)", text, re.ASCII)
    if parts is None:
        if ":" in text:
            raise LineRefused(f"“{text[:30]}” is no {what}. Write 45:10 for minutes and seconds, or 1:02:03 with hours.")
        return number(text, separator, what)
    hours, minutes, seconds = int(parts[1] or 0), int(parts[2]), float(parts[3].replace(",", "."))
    if parts[1] and minutes > 59:
        raise LineRefused(f"“{text[:30]}” is no {what}: it has more than 59 minutes beside its hours.")
    return hours * 3600 + minutes * 60 + seconds


def yes_or_no(text: str, what: str) -> bool:
    """
    Read an answer.

    Raises
    ------
    LineRefused
        If it is neither yes nor no.
    """
    if text.casefold() in _YES:
        return True
    if text.casefold() in _NO:
        return False
    raise LineRefused(f"“{text[:30]}” under {what} is neither yes nor no.")
