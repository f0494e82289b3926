"""Frames as text to take away: CSV that no spreadsheet runs as a formula, and JSON. What Excel opens is made by `data.excel`."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

# A cell that starts with one of these is read as a formula by spreadsheets; the full-width ones by those of East Asia.
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class ExportTable(StrEnum):
    """What of a patient can be taken away."""

    RUNS = "runs"
    PAIN = "pain"
    WEEKS = "weeks"


class ExportFormat(StrEnum):
    """How it is written."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportFormat.JSON: "application/json",
}


@dataclass(frozen=True)
class Taken:
    """A file to take away: a name that says nothing of the patient, and its bytes."""

    name: str
    media_type: str
    content: bytes


def printable(text: str) -> str:
    r"""
    Take out what cannot be seen and no file format likes; tabs stay, and every end of a line is a line feed.

    XML knows no other one, and a bare carriage return would end a row of CSV: the writer does not quote it.

    >>> printable("a\x00b\r\nc\r=1+1")
    'ab\nc\n=1+1'
    """
    seen = "".join(char for char in text if char.isprintable() or char in "\t\r\n")
    return seen.replace("\r\n", "\n").replace("\r", "\n")


def is_formula(text: str) -> bool:
    """Say whether a spreadsheet may read a printable text as a formula."""
    return text.lstrip().startswith(FORMULA_STARTS) or text.lstrip(" ").startswith(("\t", "\n"))


def guarded(text: str) -> str:
    """
    Keep a spreadsheet from reading a text as a formula.

    >>> guarded("=1+1"), guarded("Garmin 55")
    ("'=1+1", 'Garmin 55')
    """
    shown = printable(text)
    return f"'{shown}" if is_formula(shown) else shown


def plain_value(value: Any) -> Any:
    """Give a value of a frame as Python's own: None for what is missing, ISO text for days and moments, numbers as numbers."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return None
    if isinstance(value, pd.Timestamp | datetime):
        stamp = pd.Timestamp(value)
        return stamp.isoformat() if stamp.tzinfo else stamp.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = round(float(value), 6)
        return int(number) if number.is_integer() else number
    return str(value)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    columns = [str(name) for name in frame.columns]
    return [
        {name: plain_value(value) for name, value in zip(columns, row, strict=True)} for row in frame.itertuples(index=False, name=None)
    ]


def json_text(frame: pd.DataFrame) -> str:
    """Write a frame as a JSON list of objects; what is missing is null, a day is an ISO date."""
    return json.dumps(_records(frame), ensure_ascii=False, indent=1)


def csv_text(frame: pd.DataFrame) -> str:
    """Write a frame as CSV; what is missing is an empty cell, text is guarded against formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(frame.columns)
    for record in _records(frame):
        writer.writerow(
            [
                "" if cell is None else guarded(cell) if isinstance(cell, str) else str(cell).lower() if isinstance(cell, bool) else cell
                for cell in record.values()
            ]
        )
    return out.getvalue()
