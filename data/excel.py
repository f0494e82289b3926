"""Frames as a workbook to take away: text is always text, never a formula; numbers are numbers, days are days."""

import io
from datetime import date, datetime
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from data.exports import is_formula, plain_value, printable

COLUMN_WIDTH_MIN = 12
_BOLD = Font(bold=True)


def workbook(frame: pd.DataFrame, *, title: str) -> bytes:
    """
    Write a frame as an Excel workbook of one sheet, its first row bold and frozen.

    What is missing is an empty cell. A moment is written in UTC, as its column's name says: Excel knows no time zones.

    Parameters
    ----------
    title : str
        Name of the sheet.
    """
    book = Workbook(write_only=True)
    book.properties.creator = "Still Running"
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    names = [str(name) for name in frame.columns]
    for number, name in enumerate(names, start=1):
        sheet.column_dimensions[_letters(number)].width = max(COLUMN_WIDTH_MIN, len(name) + 2)
    header = [_text(sheet, name) for name in names]
    for cell in header:
        cell.font = _BOLD
    sheet.append(header)
    for row in frame.itertuples(index=False, name=None):
        sheet.append([_cell(sheet, value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _letters(number: int) -> str:
    """
    Name a column as Excel does.

    >>> _letters(1), _letters(26), _letters(27)
    ('A', 'Z', 'AA')
    """
    before, last = divmod(number - 1, 26)
    return (_letters(before) if before else "") + chr(ord("A") + last)


def _cell(sheet: Any, value: Any) -> Any:
    plain = plain_value(value)
    if plain is None:
        return None
    if isinstance(value, pd.Timestamp | datetime):
        stamp = pd.Timestamp(value)
        if stamp.tzinfo is None:
            return _dated(sheet, stamp.date(), "yyyy-mm-dd")
        return _dated(sheet, stamp.tz_convert("UTC").tz_localize(None).floor("s").to_pydatetime(), "yyyy-mm-dd hh:mm:ss")
    if isinstance(value, date):
        return _dated(sheet, value, "yyyy-mm-dd")
    return _text(sheet, plain) if isinstance(plain, str) else plain


def _dated(sheet: Any, value: date, shown_as: str) -> Any:
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = shown_as
    return cell


def _text(sheet: Any, text: str) -> Any:
    shown = printable(text)
    if not shown:
        return None
    cell = WriteOnlyCell(sheet, shown)
    cell.data_type = "s"  # whatever it begins with; openpyxl would make a formula of "=1+1" and an error of "#N/A"
    if is_formula(shown):
        cell.quotePrefix = True  # stays text also when somebody edits the cell
    return cell
