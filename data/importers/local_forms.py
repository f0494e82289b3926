"""
Numbers, dates and times as programs write them in English, German, Spanish, French, Polish, Italian, Portuguese and Dutch.

One value often leaves open what it means (3/4/26, 1,234). Its column mostly tells; where it does not, nothing is guessed.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum

from data.importers.written import LineRefused

MISSING = re.compile(r"[-–—\s]*(?:[:.,][-–—\s]*)*|n/?a|null|none", re.IGNORECASE)  # "--", "--:--:--", "n/a"
# The first letters of the months in the eight languages, without accents. Longer ones are compared first.
_MONTHS = {
    1: "jan ene gen sty", 2: "feb fev lut", 3: "mar mrt maa mrz", 4: "apr abr avr kwi", 5: "may mai mag maj mei", 6: "jun juin giu cze",
    7: "jul juil lug lip", 8: "aug ago aou sie", 9: "sep set wrz", 10: "oct okt ott out paz", 11: "nov lis", 12: "dec dez dic gru",
}  # fmt: skip
_MONTH_OF = {letters: month for month, words in _MONTHS.items() for letters in words.split()}
_PLAIN_NUMBER = re.compile(r"\d{1,12}(?:\.(?:\d{1,2}|\d{4,15}))?", re.ASCII)  # means one thing unless its column has decimal commas
_YEARS = (1970, 2100)
_HALF_DAY = r"(?:\s*([ap])\.?\s?m\b\.?)?"
_CLOCK = re.compile(rf"(?<![\d:.,])(\d{{1,2}})[:h](\d{{2}})(?:[:m](\d{{2}})(?:[.,]\d{{1,9}})?s?)?{_HALF_DAY}", re.IGNORECASE | re.ASCII)
_ZONE = re.compile(r"\s*(?:(?:GMT|UTC|Z)?\s*([+-])(\d{1,2}):?(\d{2})?|GMT|UTC|Z)\s*$", re.ASCII)
_NUMBERS = re.compile(r"(\d{1,4})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{1,4})", re.ASCII)


class DateOrder(StrEnum):
    """Which part of a date such as 03/04/2026 comes first."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


def plain(text: str) -> str:
    """
    Give the words of a text in small letters, without accents and signs; ø is how German writes an average.

    >>> plain("Ø Schrittlänge"), plain("Frecuencia cardíaca (máx.)"), plain("Długość")
    ('avg schrittlange', 'frecuencia cardiaca max', 'dlugosc')
    """
    folded = text.replace("Ø", "avg ").casefold().replace("ł", "l")
    letters = (char for char in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^0-9a-z%]+", " ", "".join(letters)).split())


def is_missing(text: str) -> bool:
    """
    Tell whether a cell says that there is no value.

    >>> is_missing("--"), is_missing("--:--:--"), is_missing(""), is_missing("0"), is_missing("-12")
    (True, True, True, False, False)
    """
    return MISSING.fullmatch(text.strip("'")) is not None


def decimal_mark(texts: Iterable[str]) -> str | None:
    """
    Tell by a column's values which sign is before the decimals.

    Returns
    -------
    str or None
        "." or ","; None if no value tells it, or they disagree.

    Examples
    --------
    >>> decimal_mark(["3,40", "2.932"]), decimal_mark(["3.01", "12"]), decimal_mark(["1,234.5"]), decimal_mark(["1,234"])
    (',', '.', '.', None)
    """
    marks = set()
    for text in texts:
        told = re.fullmatch(r"[+-]?\d{1,9}(?:([.,])\d{3})*([.,])\d+", text.strip("'"), re.ASCII)
        if told and (told[1] not in {None, told[2]} or len(text) - text.rindex(told[2]) != 4):
            marks.add(told[2])
    return marks.pop() if len(marks) == 1 else None


def local_number(text: str, mark: str | None, what: str) -> float:
    """
    Read a number whose thousands may be separated.

    Parameters
    ----------
    text : str
    mark : str or None
        The decimal sign of its column, None if the column does not tell.
    what : str
        The value's name, for the sentence.

    Raises
    ------
    LineRefused
        If it is no number, or could be two.

    Examples
    --------
    >>> local_number("2.932", ",", "steps"), local_number("1,234.5", None, "distance"), local_number("3,4", None, "distance")
    (2932.0, 1234.5, 3.4)
    """
    if mark != "," and _PLAIN_NUMBER.fullmatch(text):
        return float(text)
    bare = re.sub(r"(?<=\d)['’\s\u202f\xa0](?=\d{3})", "", text.strip("'"))
    mark = decimal_mark([bare]) or mark
    if mark is None and re.fullmatch(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", bare, re.ASCII):
        raise LineRefused(f"“{text[:30]}” as {what} can be a thousand or a part of one. Write it without a separator of thousands.")
    thousands = {".": ",", ",": "."}.get(mark or ".", "")
    if not re.fullmatch(r"[+-]?\d{1,12}(?:[.,]\d{3})*(?:[.,]\d{1,15})?", bare, re.ASCII):
        raise LineRefused(f"“{text[:30]}” is no {what}.")
    if mark is None:
        return float(bare.replace(",", "."))
    bare = bare.replace(thousands, "")
    if bare.count(mark) > 1:
        raise LineRefused(f"“{text[:30]}” is no {what}.")
    return float(bare.replace(mark, "."))


def date_order(texts: Iterable[str]) -> DateOrder | None:
    """
    Tell by a column's dates whether the day or the month comes first.

    Returns
    -------
    DateOrder or None
        None if no date tells it (03/04/2026), or they contradict each other.

    Examples
    --------
    >>> date_order(["03/04/2026", "3/13/26 17:39"]), date_order(["03/04/2026"]), date_order(["04.03.2026"])
    (<DateOrder.MONTH_FIRST: 'month_first'>, None, <DateOrder.DAY_FIRST: 'day_first'>)
    """
    orders = set()
    for text in texts:
        found = _NUMBERS.match(text.strip())
        if found is None or len(found[1]) == 4:
            continue
        if "." in found[0] or int(found[1]) > 12:  # with dots nobody writes the month first
            orders.add(DateOrder.DAY_FIRST)
        elif int(found[2]) > 12:
            orders.add(DateOrder.MONTH_FIRST)
    return orders.pop() if len(orders) == 1 else None


def is_two_days(text: str) -> bool:
    """
    Tell whether a date could be two days by itself.

    >>> is_two_days("03/04/2026 8:15"), is_two_days("13/04/2026"), is_two_days("03/03/2026"), is_two_days("2026-03-04")
    (True, False, False, False)
    """
    found = _NUMBERS.match(text.strip())
    return bool(
        found and len(found[1]) < 4 and "." not in found[0] and int(found[1]) != int(found[2]) and max(int(found[1]), int(found[2])) <= 12
    )


def local_moment(text: str, order: DateOrder | None) -> tuple[datetime, bool]:
    """
    Read a day, with a time of day if there is one.

    Parameters
    ----------
    text : str
        2026-03-13 17:39, 3/13/26 5:39 PM, 13.03.2026, "Jul 14, 2020, 10:36:55 PM", "14 juil. 2020 à 22:36:55", …
    order : DateOrder or None
        Of its column.

    Returns
    -------
    tuple of datetime and bool
        Aware if the text names a zone; and whether it has a time of day (noon stands for it if not).

    Raises
    ------
    LineRefused
        If it is none, or could be two days.
    """
    clock = _CLOCK.search(text)
    if clock is None:
        return datetime.combine(_day(text, order), time(12)), False
    zone = _ZONE.match(text[clock.end() :])
    before, after = text[: clock.start()].rstrip(" T"), "" if zone else text[clock.end() :]
    day = _day(f"{before} {after}".strip(), order)
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    if clock[4]:
        if not 1 <= hour <= 12:
            raise LineRefused(f"“{text[:40]}” has no hour of a 12-hour clock.")
        hour = hour % 12 + (12 if clock[4] in "pP" else 0)
    try:
        at = datetime.combine(day, time(hour, minute, second))
        return (at.replace(tzinfo=_zone(zone)) if zone else at), True
    except ValueError:
        raise LineRefused(f"“{text[:40]}” has no time of day.") from None


def _zone(found: re.Match[str]) -> timezone:
    offset = timedelta(hours=int(found[2] or 0), minutes=int(found[3] or 0))
    return timezone(-offset if found[1] == "-" else offset)


def _day(text: str, order: DateOrder | None) -> date:
    numbers = _NUMBERS.match(text.strip())
    try:
        if numbers is None:
            return _day_in_words(text)
        first, second, third = (int(part) for part in numbers.groups())
        if len(numbers[1]) == 4:
            return _in_our_time(first, second, third)
        year = third + 2000 if len(numbers[3]) <= 2 else third
        if order is None and is_two_days(text):
            raise LineRefused(
                f"“{text[:30]}” can be two days: which comes first, the day or the month? Write 2026-03-04 for the fourth of March."
            )
        month_first = second > 12 if order is None else order is DateOrder.MONTH_FIRST and "." not in numbers[0]
        return _in_our_time(year, first, second) if month_first else _in_our_time(year, second, first)
    except LineRefused:
        raise
    except ValueError:
        raise LineRefused(f"“{text[:40]}” is no date. Write 2026-03-04 for the fourth of March.") from None


def _in_our_time(year: int, month: int, day: int) -> date:
    """Make a date that cannot leave the calendar when a zone is taken off it."""
    if not _YEARS[0] <= year <= _YEARS[1]:
        raise ValueError
    return date(year, month, day)


def _day_in_words(text: str) -> date:
    words = plain(text).split()
    months = [found for word in words if (found := _month(word)) is not None]  # "mar. 4 août": Tuesday stands before August
    numbers = [int(word) for word in words if word.isdigit()]
    if not months or len(numbers) != 2:
        raise ValueError
    year, day = sorted(numbers, reverse=True)
    return _in_our_time(year, months[-1], day)


def _month(word: str) -> int | None:
    return next((_MONTH_OF[word[:length]] for length in (4, 3) if word[:length] in _MONTH_OF and not word.isdigit()), None)


def local_duration_s(text: str, what: str) -> float:
    """
    Read a length of time: 26:42 (minutes and seconds), 1:06:06, 00:08:02.2, 1h 06m 06s, or 12:26:42 AM as Excel makes it of 0:26:42.

    Raises
    ------
    LineRefused
        If it is none. A plain number is none: it does not say of what.

    Examples
    --------
    >>> local_duration_s("26:42", "time"), local_duration_s("00:08:02,2", "time"), local_duration_s("1h 06m 06s", "time")
    (1602.0, 482.2, 3966.0)
    """
    bare = text.strip().strip("'")
    clock = re.fullmatch(r"12(:\d\d:\d\d)\s*AM|(\d{1,2}:\d\d:\d\d)\s*AM", bare, re.ASCII | re.IGNORECASE)
    if clock:
        bare = f"0{clock[1]}" if clock[1] else clock[2]
    parts = re.fullmatch(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d{1,6})?)", bare, re.ASCII)
    if parts is None:
        parts = re.fullmatch(
            r"(?:(\d{1,3})\s*h(?:rs?|ours?)?)?\s*(?:(\d{1,4})\s*m(?:in(?:utes?)?)?\.?)?\s*(?:(\d{1,5}(?:[.,]\d+)?)\s*s(?:ec)?\.?)?", bare
        )
    if parts is None or not any(parts.groups()):
        raise LineRefused(f"“{text[:30]}” is no {what}. Write 45:10 for minutes and seconds, or 1:02:03 with hours.")
    hours, minutes, seconds = int(parts[1] or 0), int(parts[2] or 0), float((parts[3] or "0").replace(",", "."))
    if (seconds >= 60 and (parts[1] or parts[2])) or (minutes > 59 and parts[1]):
        raise LineRefused(f"“{text[:30]}” is no {what}: minutes or seconds are above 59.")
    return hours * 3600 + minutes * 60 + seconds
