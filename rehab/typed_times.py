"""Times and paces that a person typed."""

import re

from models import DistanceUnit
from rehab.units import metres_per, round_half_up

_TIME = re.compile(r"(?:(?P<minutes>\d{1,3}):(?P<seconds>[0-5]\d)|(?P<whole>\d{1,3}))\s*(?:min)?")
_PACE_UNIT = re.compile(r"\s*/\s*(?:mi|km)\s*$")


def typed_time_s(text: str) -> int:
    """
    Read minutes and seconds.

    Returns
    -------
    int
        Seconds.

    Raises
    ------
    ValueError
        If it cannot be read; the text says how to mend it.

    Examples
    --------
    >>> typed_time_s("4:30"), typed_time_s("4"), typed_time_s("4:00 min")
    (270, 240, 240)
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text.strip()!r} is not a time. Write minutes and seconds, such as 4:30.")
    return 60 * int(match["whole"]) if match["whole"] else 60 * int(match["minutes"]) + int(match["seconds"])


def typed_pace_m_s(text: str, unit: DistanceUnit) -> float:
    """
    Read a pace, minutes and seconds for one mile or kilometre, as a speed.

    Returns
    -------
    float
        Metres per second.

    Raises
    ------
    ValueError
        If it cannot be read, or is 0.

    Examples
    --------
    >>> typed_pace_m_s("5:00", DistanceUnit.KILOMETRE), round(typed_pace_m_s("10:00 /mi", DistanceUnit.MILE), 4)
    (3.3333333333333335, 2.6822)
    """
    ended = _PACE_UNIT.search(text)
    if ended and unit.value not in ended.group():
        raise ValueError(f"This runner's pace is for one {unit.value}. Write minutes and seconds for that, such as 9:30.")
    seconds = typed_time_s(_PACE_UNIT.sub("", text))
    if not seconds:
        raise ValueError("A pace of 0:00 cannot be run. Write minutes and seconds, such as 9:30.")
    return metres_per(unit) / seconds


def time_text(seconds: float) -> str:
    """
    Write minutes and seconds as they are typed.

    >>> time_text(270)
    '4:30'
    """
    minutes, rest = divmod(round_half_up(seconds), 60)
    return f"{minutes}:{rest:02d}"
