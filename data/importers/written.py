"""
Dates, times and numbers as people write them, read only where they have one meaning.

03/04/2025 is refused, 1,234 in a comma file is refused: a wrong guess would move a run by a month or make a mile of a thousand.
"""

import re
from datetime import date, datetime, time

_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"no", "n", "false", "0"})


class LineRefused(ValueError):
    """A line that cannot be right; the text is a sentence for the person who wrote it."""


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
