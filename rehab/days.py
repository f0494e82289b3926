"""Days and weeks as whole numbers, and the days of which something is known."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

EPOCH_WEEKDAY = 3  # 1970-01-01, day number 0, was a Thursday

Days = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Columns(Protocol):
    """Named columns of one length: a DataFrame, or a dict of Series where a frame for each of many patients would cost too much."""

    def __getitem__(self, name: str, /) -> pd.Series: ...


@dataclass(frozen=True)
class Coverage:
    """First and last day of logging, both inside. Outside it nothing is known."""

    first_day: date
    last_day: date


def coverage_until(coverage: Coverage | None, as_of: date) -> Coverage | None:
    """
    Cut the coverage at a day: what was logged later is not known yet.

    Examples
    --------
    >>> coverage_until(Coverage(date(2025, 3, 1), date(2025, 3, 31)), date(2025, 3, 10)).last_day
    datetime.date(2025, 3, 10)
    """
    if coverage is None or coverage.first_day > as_of:
        return None
    return Coverage(coverage.first_day, min(coverage.last_day, as_of))


def day_numbers(days: pd.Series) -> Days:
    """
    Count the days since 1970-01-01, as `models.day_number` does for one day.

    Parameters
    ----------
    days : Series
        datetime64 (or dates) without a zone: the patient's local days, none missing.

    Returns
    -------
    ndarray of int64
        One number a row, in the order of the rows.
    """
    return days.to_numpy().astype("datetime64[D]").astype(np.int64)


def week_numbers(days: Days, week_start: int) -> Days:
    """
    Name the week of each day by the number of its first day, as `models.week_number` does for one day.

    Parameters
    ----------
    days : ndarray of int64
        Day numbers.
    week_start : int
        First day of the week as in `date.weekday()`: 0 Monday … 6 Sunday.

    Examples
    --------
    >>> week_numbers(np.array([0, 3, 4, 5]), 0).tolist()  # Thursday, Sunday, Monday, Tuesday
    [-3, -3, 4, 4]
    """
    return days - (days + EPOCH_WEEKDAY - week_start) % 7


def timestamps(days: Days) -> pd.DatetimeIndex:
    """
    Turn day numbers into an index of datetime64 without a zone.

    Examples
    --------
    >>> timestamps(np.array([0, 31])).strftime("%Y-%m-%d").tolist()
    ['1970-01-01', '1970-02-01']
    """
    return pd.DatetimeIndex(days.astype("datetime64[D]").astype("datetime64[s]"))


def floats(column: pd.Series) -> Floats:
    """Take a numeric column as float64, NaN where nothing is known."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiu":
        return column.to_numpy().astype(np.float64)  # nothing to translate: pandas would look for it first
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def day_words(day: date) -> str:
    """
    Write a day out, the American way.

    Examples
    --------
    >>> day_words(date(2025, 3, 4))
    'March 4, 2025'
    """
    return f"{day:%B} {day.day}, {day.year}"
