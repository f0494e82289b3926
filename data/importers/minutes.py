"""The samples of a run, minute by minute: weighted means of each minute and of the whole."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.importers.base import Flags, Floats
from data.importers.samples import Samples
from models import ELAPSED_MAX_S

CLIMB_WAY_MIN_M = 30.0  # over a shorter way a slope is noise


@dataclass(frozen=True)
class Means:
    """Weighted means of known values: one a minute (NaN where none is known or has a weight), and of all (None likewise)."""

    by_minute: Floats
    whole: float | None


class Minutes:
    """
    The minutes of elapsed time of a run, and which samples lie in each.

    Parameters
    ----------
    time_s : ndarray
        Seconds since the start, in order; samples after a week count in the last minute.
    elapsed_s : float
        The minutes go on until here, or until the last sample if that is later.
    """

    def __init__(self, time_s: Floats, elapsed_s: float) -> None:
        last = int(time_s[-1] // 60) if len(time_s) else -1
        self.length = min(max(int(np.ceil(elapsed_s / 60)), last + 1), ELAPSED_MAX_S // 60)
        self._count = len(time_s)
        begins: NDArray[np.intp] = np.zeros(self.length + 1, dtype=np.intp)
        begins[1:-1] = np.searchsorted(time_s, np.arange(60.0, 60.0 * self.length, 60.0))
        begins[-1] = self._count
        empty: Flags = begins[1:] == begins[:-1]
        self._begins = np.minimum(begins[:-1], self._count - 1)
        self._empty = empty if np.count_nonzero(empty) else None
        self._last_weights: tuple[Floats, Floats] = (np.zeros(0), np.zeros(0))

    def sums(self, values: Floats) -> Floats:
        """Add up the values of each minute, 0 where there are none."""
        if not self._count:
            return np.zeros(self.length)
        added = np.add.reduceat(values, self._begins)
        if self._empty is not None:
            added[self._empty] = 0.0  # reduceat gives the next value there
        return added

    def means(self, values: Floats, weights: Floats) -> Means:
        """Take the weighted means of the values that are known."""
        known = np.isfinite(values)
        count = np.count_nonzero(known)
        if count < len(known):
            if not count:
                return Means(np.full(self.length, np.nan), None)
            values, weights = np.where(known, values, 0.0), np.where(known, weights, 0.0)
        if weights is not self._last_weights[0]:  # several columns have the same ones
            self._last_weights = weights, self.sums(weights)
        weight, weighted = self._last_weights[1], self.sums(values * weights)
        total = float(weight.sum())
        by_minute: Floats = np.divide(weighted, weight, out=np.full(self.length, np.nan), where=weight > 0)
        return Means(by_minute, float(weighted.sum()) / total if total > 0 else None)

    def grades(self, samples: Samples, way_m: Floats) -> Floats:
        """Rise over run of each minute, NaN where less than 30 m were covered or the altitude is not known at both ends."""
        known = np.isfinite(samples.altitude_m)
        count = np.count_nonzero(known)
        if count < 2:
            return np.full(self.length, np.nan)
        time_s, altitude_m = samples.time_s, samples.altitude_m
        if count < len(known):
            time_s, altitude_m = time_s[known], altitude_m[known]
        edges = np.arange(self.length + 1, dtype=np.float64) * 60
        altitude = np.interp(edges, time_s, altitude_m, left=np.nan, right=np.nan)
        altitude[-1] = altitude_m[-1]  # the last minute is cut short
        way = np.interp(edges, samples.time_s, way_m)
        covered = way[1:] - way[:-1]
        grade: Floats = np.divide(altitude[1:] - altitude[:-1], covered, out=np.full(self.length, np.nan), where=covered >= CLIMB_WAY_MIN_M)
        return grade
