"""Miles, kilometres, pace and steps as people read them. Storage is SI; these are labels."""

import math
import re

from models import DistanceUnit

METRES_PER_MILE = 1609.344  # exact: international mile
METRES_PER_KILOMETRE = 1000.0
NOT_KNOWN = "not known"

_TYPED = re.compile(r"(?P<number>\d+(?:[.,]\d+)?|[.,]\d+)\s*(?P<unit>[A-Za-z]*)\.?")
_UNIT_WORDS = {
    "mi": METRES_PER_MILE,
    "mile": METRES_PER_MILE,
    "miles": METRES_PER_MILE,
    "km": METRES_PER_KILOMETRE,
    "k": METRES_PER_KILOMETRE,
    "kms": METRES_PER_KILOMETRE,
    "kilometre": METRES_PER_KILOMETRE,
    "kilometres": METRES_PER_KILOMETRE,
    "kilometer": METRES_PER_KILOMETRE,
    "kilometers": METRES_PER_KILOMETRE,
}


def metres_per(unit: DistanceUnit) -> float:
    """
    Metres in one mile or one kilometre.

    Examples
    --------
    >>> metres_per(DistanceUnit.MILE)
    1609.344
    """
    return METRES_PER_MILE if unit is DistanceUnit.MILE else METRES_PER_KILOMETRE


def distance_in(distance_m: float, unit: DistanceUnit) -> float:
    """
    Convert metres; NaN stays NaN.

    Examples
    --------
    >>> distance_in(1609.344, DistanceUnit.MILE)
    1.0
    """
    return distance_m / metres_per(unit)


def round_half_up(number: float) -> int:
    """
    Round to the nearest whole number, a half upwards (Python's own `round` takes halves to the even number).

    Examples
    --------
    >>> round_half_up(168.5), round(168.5)
    (169, 168)
    """
    return math.floor(number + 0.5)


def distance_text(distance_m: float | None, unit: DistanceUnit, *, places: int = 2) -> str:
    """
    Write a distance with its unit.

    Parameters
    ----------
    distance_m : float or None
        Metres; None or NaN is "not known", never 0.
    unit : DistanceUnit
        The patient's unit.
    places : int
        Decimals, two unless told.

    Examples
    --------
    >>> distance_text(10_000, DistanceUnit.KILOMETRE), distance_text(10_000, DistanceUnit.MILE)
    ('10.00 km', '6.21 mi')
    """
    if distance_m is None or math.isnan(distance_m):
        return NOT_KNOWN
    return f"{distance_in(distance_m, unit):.{places}f} {unit.value}"


def pace_text(speed_m_s: float | None, unit: DistanceUnit) -> str:
    """
    Write a speed as minutes and seconds for one mile or kilometre.

    The seconds are rounded once and only then split, so that 599.95 s reads 10:00 and never 9:60.

    Parameters
    ----------
    speed_m_s : float or None
        Metres per second; None, NaN or a speed not above 0 is "not known".
    unit : DistanceUnit
        The patient's unit.

    Examples
    --------
    >>> pace_text(3.1 * METRES_PER_MILE / 1800, DistanceUnit.MILE)
    '9:41 /mi'
    """
    if speed_m_s is None or not speed_m_s > 0:
        return NOT_KNOWN
    minutes, seconds = divmod(round_half_up(metres_per(unit) / speed_m_s), 60)
    return f"{minutes}:{seconds:02d} /{unit.value}"


def cadence_text(cadence_spm: float | None) -> str:
    """
    Write a cadence, steps of both feet, always with the word "steps".

    Examples
    --------
    >>> cadence_text(167.6)
    '168 steps/min'
    """
    if cadence_spm is None or math.isnan(cadence_spm):
        return NOT_KNOWN
    return f"{round_half_up(cadence_spm)} steps/min"


def signed_text(number: float, places: int | None = None) -> str:
    """
    Write a change with its sign: a true minus, and none at 0.

    Parameters
    ----------
    number : float
        Not NaN.
    places : int or None
        Decimals; None for as many as the number has.

    Examples
    --------
    >>> signed_text(2.5), signed_text(-1.0), signed_text(-0.0), signed_text(-0.04, 1)
    ('+2.5', '−1', '0', '0.0')
    """
    written = f"{number:+g}" if places is None else f"{round(number, places):+.{places}f}"
    return written.replace("-", "−") if float(written) else written[1:]


def typed_distance_m(text: str, unit: DistanceUnit) -> int:
    """
    Read a distance that a person typed.

    Parameters
    ----------
    text : str
        A number, with "mi" or "km" after it or without: "6.2", "6,2", "10 km".
    unit : DistanceUnit
        What a number without a unit is in.

    Returns
    -------
    int
        Whole metres.

    Raises
    ------
    ValueError
        If it cannot be read; the text says how to mend it. "6,200" is refused: it may be 6.2 or 6200.

    Examples
    --------
    >>> typed_distance_m("6.2", DistanceUnit.MILE), typed_distance_m("10 km", DistanceUnit.MILE)
    (9978, 10000)
    """
    match = _TYPED.fullmatch(text.strip())
    factor = metres_per(unit) if match and not match["unit"] else _UNIT_WORDS.get(match["unit"].lower()) if match else None
    if match is None or factor is None:
        raise ValueError(f"{text.strip()!r} is not a distance. Write a number such as 6.2, with mi or km after it if need be.")
    if re.search(r",\d{3}$", match["number"]):
        raise ValueError(f"{text.strip()!r} can be read in two ways. Write the decimals after a point, such as 6.2.")
    return round_half_up(float(match["number"].replace(",", ".")) * factor)
