"""A band of distance for next week and a cap for one run, rounded as people plan them."""

import math
from dataclasses import dataclass

from models import DistanceUnit
from rehab.rules import Limit, Rule, Strength
from rehab.units import distance_in, distance_text, metres_per

# In the patient's own unit: half a mile, or half a kilometre (finer than half a mile, so a band of 5 % is seldom a single number).
BAND_STEP = 0.5
CAP_STEP = 0.1
# The least that is put in numbers: a mile, or the half kilometre next to it.
LEAST = {DistanceUnit.MILE: 1.0, DistanceUnit.KILOMETRE: 1.5}
# Runs are stored in whole metres: four runs of 2.5 miles add up to 10 miles less 1.4 m, and that is 10 miles.
WHOLE_METRES_M = 2.0
_HAIR = 1e-9  # a number on a step is on it, whatever its last bit


@dataclass(frozen=True)
class Band:
    """
    From how much to how much next week, in metres; both above 0.

    With `keep_current` the sum is too small for numbers: both ends are the present distance, and the words say to keep it as run-walk.
    """

    low_m: float
    high_m: float
    keep_current: bool = False


def rounded_band(low_m: float, high_m: float, *, unit: DistanceUnit, current_m: float, not_above_m: float | None = None) -> Band:
    """
    Round a band: its lower end up and its upper end down to half a mile (or half a kilometre, for who thinks in them).

    If no such step lies between the ends, the nearest one stands for both. The lower end is at least one mile, or what is run now if that is
    less. If even the upper end is under a mile, what is run now is kept as run-walk.

    Parameters
    ----------
    low_m, high_m : float
        Metres, above 0, low before high.
    unit : DistanceUnit
        The patient's. The ends before rounding do not depend on it.
    current_m : float
        What is run now, above 0.
    not_above_m : float or None
        No end may be above this, whatever the rounding.

    Returns
    -------
    Band
        Never 0.

    Examples
    --------
    >>> mile = 1609.344
    >>> band = rounded_band(12.25 * mile, 14 * mile, unit=DistanceUnit.MILE, current_m=17.5 * mile)
    >>> band_words(band, DistanceUnit.MILE)
    '12.5 to 14.0 mi'
    """
    step_m, least_m = BAND_STEP * metres_per(unit), LEAST[unit] * metres_per(unit)
    most = None if not_above_m is None else _down(not_above_m, step_m)
    high = _down(high_m + WHOLE_METRES_M, step_m)
    high = high if most is None else min(high, most)
    if high * step_m < least_m - _HAIR:
        return Band(current_m, current_m, keep_current=True)
    low = _up(max(low_m, min(least_m, current_m)) - WHOLE_METRES_M, step_m)
    if low > high:
        nearest = math.floor((low_m + high_m) / 2 / step_m + 0.5 + _HAIR)
        low = high = nearest if most is None else min(nearest, most)
    return Band(low * step_m, high * step_m)


def rounded_cap(cap_m: float | None, unit: DistanceUnit) -> float | None:
    """
    Round a cap for one run down to a tenth of the patient's unit; None instead of a cap of 0.

    Examples
    --------
    >>> round(rounded_cap(6.2 * 1.10 * 1609.344, DistanceUnit.MILE) / 1609.344, 6)
    6.8
    """
    if cap_m is None:
        return None
    step_m = CAP_STEP * metres_per(unit)
    # Half a metre is rounding (10 miles are stored as 16,093 m), as long as a run of whole metres up to the cap stays within it.
    slack_m = min(0.5, math.floor(cap_m) + 1 - 1e-6 - cap_m)
    return _down(max(cap_m, cap_m + slack_m), step_m) * step_m or None


def band_words(band: Band, unit: DistanceUnit) -> str:
    """
    Write a band with its unit.

    Examples
    --------
    >>> band_words(Band(500, 500, keep_current=True), DistanceUnit.MILE)
    'keep current miles as run-walk'
    """
    if band.keep_current:
        return f"keep current {'miles' if unit is DistanceUnit.MILE else 'kilometres'} as run-walk"
    high = distance_text(band.high_m, unit, places=1)
    return high if band.low_m == band.high_m else f"{distance_in(band.low_m, unit):.1f} to {high}"


def _down(distance_m: float, step_m: float) -> int:
    return math.floor(distance_m / step_m + _HAIR)


def _up(distance_m: float, step_m: float) -> int:
    return math.ceil(distance_m / step_m - _HAIR)


RULE = Rule(
    name="band_rounding",
    title="How a band is rounded",
    says=(
        "The lower end goes up and the upper end down to half a mile (half a kilometre for who thinks in kilometres); if no step lies "
        "between, the nearest one stands alone. A cap goes down to a tenth. The lower end is at least 1 mile (1.5 km), or what is run now if that is "
        "less; under that the words are “keep current miles as run-walk”. 0 is never suggested."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit("step of a band", BAND_STEP, "mi or km", "lower end up, upper end down"),
        Limit("step of a cap", CAP_STEP, "mi or km", "down"),
        Limit("least in numbers", LEAST[DistanceUnit.MILE], "mi", "below: keep current miles as run-walk"),
        Limit("least in numbers", LEAST[DistanceUnit.KILOMETRE], "km", "below: keep current kilometres as run-walk"),
    ),
    criticism="Rounding moves a band by up to a quarter of a mile; the numbers before rounding are in the inputs.",
)
