"""Shares of a few yes-or-no observations: their interval, and how they fall as an exposure grows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from rehab.days import Floats

NORMAL_95 = 1.959964  # two-sided
INTERVAL = 0.95
# Weak prior of the logistic curve: its slope is N(0, 1) per standard deviation of the exposure, its height N(0, 2.5) on the logit scale.
SLOPE_PRIOR_SD, HEIGHT_PRIOR_SD = 1.0, 2.5
_SLOPES, _HEIGHTS = np.linspace(-4, 4, 81), np.linspace(-8, 8, 81)

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Share:
    """
    So many of so many, with the 95 % Wilson interval.

    Attributes
    ----------
    ok, counted : int
    low, high : float
        Between 0 and 1; NaN if nothing is counted.
    """

    ok: int
    counted: int
    low: float
    high: float


def share(ok: int, counted: int) -> Share:
    """
    Give a share with its interval (Wilson's, which stays within 0 and 1 and is never of no width).

    References
    ----------
    Wilson EB (1927), J Am Stat Assoc 22:209.

    Examples
    --------
    >>> seven = share(7, 8)
    >>> round(seven.low, 3), round(seven.high, 3)
    (0.529, 0.978)
    """
    if not counted:
        return Share(0, 0, float("nan"), float("nan"))
    part, z2 = ok / counted, NORMAL_95**2
    centre = (part + z2 / (2 * counted)) / (1 + z2 / counted)
    half = NORMAL_95 / (1 + z2 / counted) * float(np.sqrt(part * (1 - part) / counted + z2 / (4 * counted**2)))
    return Share(ok, counted, max(0.0, centre - half), min(1.0, centre + half))


def falling_share(exposure: Floats, ok: Bools) -> tuple[Floats, Floats, Floats]:
    """
    Estimate the share at each exposure, given only that it does not rise with it (isotonic regression).

    Parameters
    ----------
    exposure : ndarray of float64, shape (n,)
        In any order, none missing.
    ok : ndarray of bool, shape (n,)

    Returns
    -------
    (levels, shares, at_or_above) : ndarrays of float64
        Each exposure once, ascending; its estimate; how many observations lie at it or above.

    References
    ----------
    Barlow RE, Brunk HD (1972), J Am Stat Assoc 67:140.

    Examples
    --------
    >>> levels, shares, above = falling_share(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
    >>> shares.tolist(), above.tolist()  # 2 and 3 are pooled
    ([1.0, 0.5, 0.5], [3.0, 2.0, 1.0])
    """
    levels, place = np.unique(exposure, return_inverse=True)
    counted = np.bincount(place, minlength=levels.size).astype(np.float64)
    if not levels.size:
        return levels, counted, counted
    shares = np.bincount(place, weights=ok.astype(np.float64), minlength=levels.size) / counted
    fitted = np.asarray(isotonic_regression(shares, weights=counted, increasing=False).x, dtype=np.float64)
    return levels, fitted, np.cumsum(counted[::-1])[::-1]


def logistic_band(exposure: Floats, ok: Bools, *, wanted: float) -> tuple[float, float]:
    """
    Give the 95 % band of the largest exposure at which a logistic curve is at least `wanted`.

    The curve has a weak prior and is summed over a grid. Only exposures from the smallest to the largest observed are looked at, so the band
    never reaches beyond them; a curve below `wanted` throughout counts as the smallest.

    Parameters
    ----------
    exposure : ndarray of float64, shape (n,)
        Not empty, in any order, none missing.
    ok : ndarray of bool, shape (n,)
    wanted : float
        Between 0 and 1.

    Returns
    -------
    (low, high) : floats
        In the unit of the exposure.
    """
    smallest, largest, centre, spread = float(exposure.min()), float(exposure.max()), float(exposure.mean()), float(exposure.std())
    if spread == 0:
        return smallest, largest
    levels, place = np.unique((exposure - centre) / spread, return_inverse=True)
    yes = np.bincount(place, weights=ok.astype(np.float64), minlength=levels.size)
    no = np.bincount(place, minlength=levels.size) - yes
    height, slope = (grid.reshape(-1) for grid in np.meshgrid(_HEIGHTS, _SLOPES, indexing="ij"))
    logit = height[:, None] + slope[:, None] * levels
    likelihood = -(np.logaddexp(0, -logit) @ yes) - (np.logaddexp(0, logit) @ no)
    likelihood -= (slope / SLOPE_PRIOR_SD) ** 2 / 2 + (height / HEIGHT_PRIOR_SD) ** 2 / 2
    weight = np.exp(likelihood - likelihood.max())
    wanted_logit = float(np.log(wanted / (1 - wanted)))
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.clip(centre + spread * (wanted_logit - height) / slope, smallest, largest)
    at_smallest, at_largest = (height + slope * (end - centre) / spread >= wanted_logit for end in (smallest, largest))
    reached = np.where(at_largest, largest, np.where(at_smallest, crossing, smallest))
    return _weighted_quantiles(reached, weight, ((1 - INTERVAL) / 2, (1 + INTERVAL) / 2))


def _weighted_quantiles(values: Floats, weights: Floats, wanted: Sequence[float]) -> tuple[float, float]:
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weights[order]) / weights.sum()
    low, high = (float(values[order][min(values.size - 1, int(np.searchsorted(upto, part)))]) for part in wanted)
    return low, high
