"""How much is run in a week at present: blocks of seven days that lie whole inside what was logged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models import day_number
from rehab.days import Coverage, Days, Floats, coverage_until, day_numbers, floats
from rehab.rules import Limit, Rule, Strength
from rehab.units import METRES_PER_MILE

BLOCK_DAYS = 7
BLOCKS_FOR_MEDIAN = 3  # fewer than three whole blocks: nothing is known
BASE_SHARE = 0.70  # a missed week does not pull the base under this share of the median
LOW_SHARE_AFTER_REST = 0.50  # of the median, where the newest block is 0

# The volume of a block is a spike: on the first limit it is one, on the second it is not.
SPIKE_MEAN_FROM_M = 5 * METRES_PER_MILE  # from this mean on the ratio counts, below it the difference
SPIKE_RATIO = 1.30
SPIKE_MORE_M = 2 * METRES_PER_MILE


@dataclass(frozen=True)
class Blocks:
    """
    Distance of the newest whole blocks, and what follows from it.

    Attributes
    ----------
    newest_first_m : tuple of float
        Metres of each block of seven days, the newest first; 0 where the runner logged and did not run.
    last_day : date or None
        On which the newest block ends.
    w7_m : float or None
        The newest block.
    b3_m : float or None
        Median of the newest three; if that is 0, the newest one stands in.
    base_m : float or None
        min(B3, max(W7, 0.70 B3)): a reduced week is not undone by an older, larger median, and a missed week does not collapse the plan.
    low_m : float or None
        min(Base, W7), or half of B3 if W7 is 0: what a reduction starts from.

    All four are None with fewer than three blocks; `base_m` and `low_m` also where nothing was run in them. They are never 0.
    """

    newest_first_m: tuple[float, ...] = ()
    last_day: date | None = None
    w7_m: float | None = None
    b3_m: float | None = None
    base_m: float | None = None
    low_m: float | None = None

    @property
    def before_m(self) -> float | None:
        """Mean of the blocks before the newest, three at most; None with fewer than two."""
        return _mean(self.newest_first_m[1 : 1 + BLOCKS_FOR_MEDIAN])

    @property
    def is_spike(self) -> bool:
        """
        Tell whether the newest block is much more than the ones before; unknown is no spike.

        Examples
        --------
        >>> blocks_of([6.5 * 1609.344, 8046.72, 8046.72, 8046.72]).is_spike, blocks_of([5000, 4000, 4000, 4000]).is_spike
        (True, False)
        """
        if self.w7_m is None or self.before_m is None:
            return False
        if self.before_m >= SPIKE_MEAN_FROM_M:
            return round(100 * self.w7_m) >= round(100 * SPIKE_RATIO * self.before_m)
        return self.w7_m > self.before_m + SPIKE_MORE_M

    @property
    def next_week_below_spike_m(self) -> float | None:
        """
        Give what the next block may be without being a spike against these; a metre is left for rounding.

        Examples
        --------
        >>> round(blocks_of([10_000, 10_000, 10_000]).next_week_below_spike_m)
        12999
        """
        mean = _mean(self.newest_first_m[:BLOCKS_FOR_MEDIAN])
        if mean is None:
            return None
        return (SPIKE_RATIO * mean if mean >= SPIKE_MEAN_FROM_M else mean + SPIKE_MORE_M) - 1


def seven_day_blocks(runs: pd.DataFrame, *, coverage: Coverage | None, as_of: date) -> Blocks:
    """
    Total the distance of seven-day blocks, counted back from the last covered day.

    The newest block ends with `as_of` or, where logging stopped earlier, with the last covered day: a day nobody logged is not a day
    without a run. How long ago that may be is for who uses the blocks to say.

    Parameters
    ----------
    runs : DataFrame
        `run_date` (datetime64, local day) and `distance_m` (none missing), in any order; those after `as_of` are ignored.
    coverage : Coverage or None
        First and last day of logging; None if nothing was ever logged.
    as_of : date
        Last day to look at.

    Returns
    -------
    Blocks
        Only blocks of which all seven days are covered; empty without one.
    """
    return blocks_of_days(day_numbers(runs["run_date"]), floats(runs["distance_m"]), coverage=coverage, as_of=as_of)


def blocks_of_days(days: Days, distance_m: Floats, *, coverage: Coverage | None, as_of: date) -> Blocks:
    """Do the same from day numbers and metres, one of each a run."""
    known = coverage_until(coverage, as_of)
    if known is None:
        return Blocks()
    count = ((known.last_day - known.first_day).days + 1) // BLOCK_DAYS
    age = day_number(known.last_day) - days
    inside = (age >= 0) & (age < count * BLOCK_DAYS)
    totals = np.bincount(age[inside] // BLOCK_DAYS, weights=distance_m[inside], minlength=count)
    return blocks_of(totals.tolist() if count else (), known.last_day)


def blocks_of(newest_first_m: Sequence[float], last_day: date | None = None) -> Blocks:
    """
    Work out W7, B3, Base and Low of blocks.

    Parameters
    ----------
    newest_first_m : sequence of float
        Metres of whole blocks, the newest first.
    last_day : date or None
        On which the newest ends.

    Examples
    --------
    >>> blocks_of([0, 12_000, 12_000]).base_m, blocks_of([12_000, 0, 0]).base_m, blocks_of([0, 12_000, 12_000]).low_m
    (8400.0, 12000.0, 6000.0)
    """
    metres = tuple(float(block) for block in newest_first_m)
    if len(metres) < BLOCKS_FOR_MEDIAN:
        return Blocks(metres, last_day)
    w7 = metres[0]
    b3 = sorted(metres[:BLOCKS_FOR_MEDIAN])[BLOCKS_FOR_MEDIAN // 2] or w7
    if not b3:
        return Blocks(metres, last_day, w7, b3)
    base = min(b3, max(w7, BASE_SHARE * b3))
    return Blocks(metres, last_day, w7, b3, base, min(base, w7) if w7 else LOW_SHARE_AFTER_REST * b3)


def _mean(blocks_m: Sequence[float]) -> float | None:
    return sum(blocks_m) / len(blocks_m) if len(blocks_m) >= BLOCKS_FOR_MEDIAN - 1 else None


RULE = Rule(
    name="base_volume",
    title="What a suggestion starts from",
    says=(
        "W7 is the newest block of 7 days that was logged whole, B3 the median of the newest three (W7 itself where that is 0). "
        "Base = min(B3, max(W7, 0.70 × B3)). A reduction starts from Low = min(Base, W7), or half of B3 after a block without a run. "
        "A week nobody logged is not known and never counts as 0."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit("whole logged blocks needed", BLOCKS_FOR_MEDIAN, "blocks", "fewer: not enough data"),
        Limit("lowest base after a missed week", BASE_SHARE, "of B3", "a floor"),
        Limit("start of a reduction after a block without a run", LOW_SHARE_AFTER_REST, "of B3", "exactly"),
    ),
    criticism="Total distance hides the order of the days, speed, hills and surface.",
    may_say="what was run in the newest logged weeks",
    may_not_say="that this volume is safe",
)
