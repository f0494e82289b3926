"""
The messages of a FIT file that a run is made of.

fit_columns.py reads what is written plainly; fitdecode reads the rest and is the authority. It raises outside its own class on damaged
files, so every exception of its iterator ends the reading in one place, and what was read before stays.
"""

from collections.abc import Iterator
from typing import Any

import fitdecode
import numpy as np

from data.importers import fit_columns
from data.importers.fit_columns import CHECKSUM_BYTES, DAMAGED, FILE_CHANGED, HEADER_CHANGED, checksum
from data.importers.fit_parts import POD_FIELDS, RECORD_COLUMNS, RECORD_FIELDS, SUMMARY_FIELDS, Counted, FitPart, Message, number_in

UNFINISHED = "The watch did not finish writing this file."

Row = list[float | None]
_PLACES = {column: place for place, column in enumerate(RECORD_COLUMNS)}


def decoded(content: bytes) -> tuple[list[FitPart], str]:
    """
    Read messages until the end or the break.

    Parameters
    ----------
    content : bytes
        One or several chained FIT files.

    Returns
    -------
    tuple of list and str
        The files in the chain, and a sentence on what is broken (empty if nothing is).

    Raises
    ------
    FileRefused
        If the file holds more than `fit_parts.LIMITS` allows.
    """
    content, broken = with_its_size(content)
    return fit_columns.parts_of(content, broken) or parts_by_fitdecode(content, broken)


def with_its_size(content: bytes) -> tuple[bytes, str]:
    """A watch that died had not yet written the size of its file, which it does last."""
    if content[4:8] != b"\0\0\0\0" or len(content) <= content[0] + CHECKSUM_BYTES:
        return content, ""
    return content[:4] + (len(content) - content[0] - CHECKSUM_BYTES).to_bytes(4, "little") + content[8:], UNFINISHED


def parts_by_fitdecode(content: bytes, broken: str = "") -> tuple[list[FitPart], str]:
    """Read a FIT file of any kind; see `decoded`."""
    parts: list[FitPart] = []
    rows: list[list[Row]] = []
    counted = Counted()
    counted.add("bytes_read_slowly", len(content))
    start = end = 0  # of the file in the chain that is being read
    try:
        for frame in _frames(content, counted):
            if frame.frame_type == fitdecode.FIT_FRAME_HEADER:
                counted.add("files")
                parts.append(FitPart())
                rows.append([])
                start, end = end and end + CHECKSUM_BYTES, (end and end + CHECKSUM_BYTES) + frame.header_size + frame.body_size
                if frame.crc_matched is False:
                    broken = broken or HEADER_CHANGED
            elif frame.frame_type == fitdecode.FIT_FRAME_CRC:
                if frame.crc != checksum(content[start:end]):
                    broken = broken or FILE_CHANGED
            elif frame.name == "record":
                counted.add("points")
                rows[-1].append(_row(parts[-1], frame))
            elif frame.name in SUMMARY_FIELDS:
                parts[-1].keep(frame.name, _values(frame), counted)
    except _Broken:
        broken = DAMAGED
    for part, written in zip(parts, rows, strict=True):
        table = np.array(written, dtype=np.float64).reshape(len(written), len(RECORD_COLUMNS))
        part.columns = {name: table[:, place].copy() for name, place in _PLACES.items() if np.isfinite(table[:, place]).any()}
    return parts, broken


class _Broken(Exception):
    pass


def _frames(content: bytes, counted: Counted) -> Iterator[Any]:
    reader = fitdecode.FitReader(
        content, processor=None, check_crc=fitdecode.CrcCheck.DISABLED, error_handling=fitdecode.ErrorHandling.IGNORE
    )  # its checksum is right and slow
    frames = iter(reader)
    while True:
        try:
            frame = next(frames, None)
        except Exception as error:  # of 2,000 damaged files 78 raised outside fitdecode's own class
            raise _Broken from error
        if frame is None:
            return
        counted.add("messages")
        if frame.frame_type == fitdecode.FIT_FRAME_DEFINITION:
            counted.add("values_read_slowly", 1 + len(frame.field_defs) + len(frame.dev_field_defs))
            continue
        if frame.frame_type == fitdecode.FIT_FRAME_DATA:
            counted.add("values_read_slowly", 1 + len(frame.fields))
        yield frame


def _values(frame: Any) -> Message:
    """The written fields of a message; of two with one name the first counts. Developer fields are somebody else's words."""
    values: Message = {}
    wanted = SUMMARY_FIELDS[frame.name]
    for item in frame.fields:
        if item.value is not None and item.field is not None and item.field.field_type != "devfield" and item.field.name in wanted:
            values.setdefault(item.field.name, item.value)
    return values


def _row(part: FitPart, frame: Any) -> Row:
    row: Row = [None] * len(RECORD_COLUMNS)
    for item in frame.fields:
        described = item.field
        if item.value is None or described is None:
            continue
        if described.field_type == "devfield":
            column = POD_FIELDS.get((described.name, described.units))
        elif described.name == "activity_type":
            sport = str(item.value)
            part.record_sports[sport] = part.record_sports.get(sport, 0) + 1
            continue
        else:
            column = RECORD_FIELDS.get(described.name)
        if column is not None and row[_PLACES[column]] is None:
            row[_PLACES[column]] = number_in(item.value)
    return row
