"""
The messages of a FIT file that a run is made of.

fitdecode reads the bytes. It raises outside its own class on damaged files, so every exception of its iterator ends the reading in one
place, and what was read before stays.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import fitdecode

from data.importers.base import FileRefused
from data.importers.samples import SAMPLES_MAX, Samples, samples_from
from models import ImportOutcome

DEGREES_PER_SEMICIRCLE = 180 / 2**31
CHECKSUM_BYTES = 2
SESSIONS_MAX = 200

_KEPT_MESSAGES = frozenset({"file_id", "session", "sport", "activity", "event"})
# Field of a record message -> place in the row below; two names for one place: the first one that is written counts.
COLUMNS = (
    "time_s", "latitude_deg", "longitude_deg", "altitude_m", "distance_m", "speed_m_s", "cadence_spm", "ground_contact_time_ms",
    "vertical_oscillation_mm",
)  # fmt: skip
_FIELDS = {
    "timestamp": 0, "position_lat": 1, "position_long": 2, "enhanced_altitude": 3, "altitude": 3, "distance": 4, "enhanced_speed": 5,
    "speed": 5, "cadence": 6, "stance_time": 7, "vertical_oscillation": 8,
}  # fmt: skip
_FRACTION = 9  # of a stride per minute, beside `cadence`
_POD_CONTACT, _POD_OSCILLATION = 10, 11  # Stryd's developer fields, for watches without their own
_POD_FIELDS = {("Ground Time", "Milliseconds"): _POD_CONTACT, ("Vertical Oscillation", "Centimeters"): _POD_OSCILLATION}

Message = dict[str, Any]
Row = list[float | None]


@dataclass
class FitPart:
    """The messages of one FIT file that matter here; several files may be chained in one."""

    header: Message = field(default_factory=dict)
    sessions: list[Message] = field(default_factory=list)
    sports: list[Message] = field(default_factory=list)
    activity: Message = field(default_factory=dict)
    timer_events: list[tuple[float, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    record_sports: dict[str, int] = field(default_factory=dict)
    watch_dynamics: bool = False  # the watch measures ground contact itself


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
        If there are more than 200,000 samples or 200 sessions.
    """
    parts: list[FitPart] = []
    broken = ""
    if content[4:8] == b"\0\0\0\0" and len(content) > content[0] + CHECKSUM_BYTES:  # a watch that died writes its size last
        content = content[:4] + (len(content) - content[0] - CHECKSUM_BYTES).to_bytes(4, "little") + content[8:]
        broken = "The watch did not finish writing this file."
    samples = 0
    try:
        for frame in _frames(content):
            if frame.frame_type == fitdecode.FIT_FRAME_HEADER:
                parts.append(FitPart())
                if frame.crc_matched is False:
                    broken = broken or "The checksum of the file's header is wrong: it was changed or damaged."
            elif frame.frame_type == fitdecode.FIT_FRAME_CRC:
                if not frame.matched:
                    broken = broken or "The checksum of the file is wrong: it was changed or damaged."
            elif frame.name == "record":
                samples += 1
                if samples > SAMPLES_MAX:
                    raise FileRefused(ImportOutcome.UNREADABLE, f"The recording has more than {SAMPLES_MAX:,} points. No run is that long.")
                _keep_record(parts[-1], frame)
            elif frame.name in _KEPT_MESSAGES:
                _keep_message(parts[-1], frame.name, _values(frame))
    except _Broken:
        broken = "The file is damaged or cut off."
    return parts, broken


class _Broken(Exception):
    pass


def _frames(content: bytes) -> Iterator[Any]:
    reader = fitdecode.FitReader(
        content, processor=None, check_crc=fitdecode.CrcCheck.READONLY, error_handling=fitdecode.ErrorHandling.IGNORE
    )
    frames = iter(reader)
    while True:
        try:
            frame = next(frames, None)
        except Exception as error:  # of 2,000 damaged files 78 raised outside fitdecode's own class
            raise _Broken from error
        if frame is None:
            return
        if frame.frame_type == fitdecode.FIT_FRAME_DEFINITION:
            continue
        yield frame


def number_in(value: Any) -> float | None:
    """Take a number out of a field; of an array the first one. None for text, nothing, or what is no finite number."""
    if isinstance(value, tuple):
        value = next((item for item in value if item is not None), None)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def seconds_in(value: Any) -> float | None:
    """Take a time out of a field: whole seconds since the FIT epoch or since power-on, as 32 bits hold them."""
    number = number_in(value)
    return number if number is not None and 0 <= number < 2**32 else None


def samples_of(part: FitPart) -> Samples:
    """
    Turn the records of a file into columns; `time_s` counts from the FIT epoch.

    The pod's ground contact stands in where the watch has none: the two are never mixed in one file.
    """
    if part.watch_dynamics:
        return samples_from([row[: len(COLUMNS)] for row in part.rows], COLUMNS)
    pod = ((row[_POD_CONTACT], row[_POD_OSCILLATION]) for row in part.rows)
    dynamics = [[contact or None, None if height is None else 10 * height] for contact, height in pod]  # cm to mm
    return samples_from([row[:7] + more for row, more in zip(part.rows, dynamics, strict=True)], COLUMNS)


def _values(frame: Any) -> Message:
    """The written fields of a message; of two with one name the first counts. Developer fields are somebody else's words."""
    values: Message = {}
    for item in frame.fields:
        if item.value is not None and item.field is not None and item.field.field_type != "devfield":
            values.setdefault(item.field.name, item.value)
    return values


def _keep_message(part: FitPart, name: str, values: Message) -> None:
    if name == "file_id":
        part.header = part.header or values
    elif name == "session":
        part.sessions.append(values)
        if len(part.sessions) > SESSIONS_MAX:
            raise FileRefused(ImportOutcome.UNREADABLE, f"The file names more than {SESSIONS_MAX} sessions. No device writes that.")
    elif name == "sport":
        part.sports.append(values)
    elif name == "activity":
        part.activity = values
    elif values.get("event") == "timer":
        at, kind = seconds_in(values.get("timestamp")), str(values.get("event_type"))
        if at is not None and (kind == "start" or kind.startswith("stop")):
            part.timer_events.append((at, kind))


def _keep_record(part: FitPart, frame: Any) -> None:
    row: Row = [None] * (_POD_OSCILLATION + 1)
    for item in frame.fields:
        described = item.field
        if item.value is None or described is None:
            continue
        if described.field_type == "devfield":
            place = _POD_FIELDS.get((described.name, described.units))
        elif described.name == "fractional_cadence":
            place = _FRACTION
        elif described.name == "activity_type":
            sport = str(item.value)
            part.record_sports[sport] = part.record_sports.get(sport, 0) + 1
            continue
        else:
            place = _FIELDS.get(described.name)
        if place is not None and row[place] is None:
            row[place] = number_in(item.value)
    if row[1] is not None:
        row[1] *= DEGREES_PER_SEMICIRCLE
    if row[2] is not None:
        row[2] *= DEGREES_PER_SEMICIRCLE
    if row[6] is not None:
        row[6] = 2 * (row[6] + (row[_FRACTION] or 0.0))
    part.watch_dynamics |= row[7] is not None
    part.rows.append(row)
