"""How cadence at equal speed changed since a day: what a cue did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from models import day_number
from rehab.cadence import STANDARD_SLOPE, own_slope, usable_runs
from rehab.days import Days, Floats, day_numbers, day_words, floats
from rehab.rules import Limit, Rule, Source, Strength
from rehab.units import signed_text

# On the limit there are enough runs.
CHANGE_MIN_RUNS, CHANGE_MIN_RUNS_A_SIDE = 8, 3
CHANGE_INTERVAL = 0.95
NEIGHBOURS_MAX = 0.6  # more in common would be a trend

RULE = Rule(
    name="cadence_change",
    title="Cadence change at equal speed",
    says=(
        "Runs before and after a day are compared as they would be at one speed, within one device and one pair of shoes. "
        "The change is the middle of all differences between a run after and a run before."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit("runs in all", CHANGE_MIN_RUNS, "runs", "≥ 8; fewer: not enough runs"),
        Limit("runs on either side", CHANGE_MIN_RUNS_A_SIDE, "runs", "≥ 3; fewer: not enough runs"),
        Limit("how fast cadence rises with speed, if the runner's own runs cannot tell", STANDARD_SLOPE, "steps/min per m/s", "± 4"),
    ),
    sources=(
        Source(
            "Burns GT et al. (2019), J Appl Physiol 10.1152/japplphysiol.00374.2018",
            "At a 100 km world championship (20 runners) cadence rose by 5.6 steps a minute for each m/s.",
            Strength.LABORATORY,
        ),
    ),
    criticism="The standard adjustment comes from few, fast runners. A change of surface or of mood at the same time is not seen.",
    may_say="At equal speed, cadence changed by this much since that day.",
    may_not_say="That the change lowered the load on the hip, or the pain.",
)


@dataclass(frozen=True)
class CadenceChange:
    """
    Change of cadence at equal speed since a day. All figures are None when there are not enough runs.

    Attributes
    ----------
    change_spm, low_spm, high_spm : float or None
        Steps per minute, and its 95 % interval.
    change_percent, low_percent, high_percent : float or None
        The same in percent of the cadence before.
    runs_before, runs_after : int
        Runs compared.
    sentence : str
        All of it in words.
    """

    change_spm: float | None
    low_spm: float | None
    high_spm: float | None
    change_percent: float | None
    low_percent: float | None
    high_percent: float | None
    runs_before: int
    runs_after: int
    sentence: str


def cadence_change(runs: pd.DataFrame, *, since: date, break_days: Sequence[date] = ()) -> CadenceChange:
    """
    Tell how cadence at equal speed changed since a day, such as that of a cadence cue.

    With `c = α + β·(v − v_ref) + γ·[since the day]`: β as in `cadence_at_equal_speed`, γ the median of the differences between every adjusted
    cadence after and every one before (Hodges-Lehmann). Only runs of one device are compared, the one with the most runs on its thinner
    side, and only those between the last break before the day and the first one after it: what else changed is not taken for the cue.

    The 95 % interval is that of the rank sum, widened by what runs in a row have in common (lag-1 autocorrelation) and by how
    uncertain β is times how much faster the runs after were.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order.
    since : date
        First day of "after".
    break_days : sequence of date
        First days of whatever else may change cadence at the same speed: other cues, shoes, a device. One on `since` itself cuts nothing.

    Returns
    -------
    CadenceChange
        Figures are None with fewer than 8 usable runs or fewer than 3 on either side.

    References
    ----------
    Hodges JL, Lehmann EL (1963), Ann Math Statist 34:598.
    """
    usable = runs[usable_runs(runs)]
    usable = usable[_stretch(day_numbers(usable["run_date"]), since, break_days)]
    after = day_numbers(usable["run_date"]) >= day_number(since)
    device = usable["device"].to_numpy(dtype=object)
    compared = usable[device == device_to_compare(device, after)].sort_values(["run_date", "run_id"])
    after = day_numbers(compared["run_date"]) >= day_number(since)
    runs_before, runs_after = int((~after).sum()), int(after.sum())
    counted = f"{runs_before} before and {runs_after} after {day_words(since)}"
    if len(compared) < CHANGE_MIN_RUNS or min(runs_before, runs_after) < CHANGE_MIN_RUNS_A_SIDE:
        one_device = " with one device" if len(set(device)) > 1 else ""
        sentence = (
            f"Not enough runs to compare cadence at equal speed{one_device}: {counted}. "
            f"It takes {CHANGE_MIN_RUNS} in all and {CHANGE_MIN_RUNS_A_SIDE} on each side."
        )
        return CadenceChange(None, None, None, None, None, None, runs_before, runs_after, sentence)
    slope, slope_sd, _ = own_slope(compared, (since,))
    cadence, speed = floats(compared["running_cadence_spm"]), floats(compared["running_speed_m_s"])
    faster = speed - np.median(speed)
    adjusted = cadence - slope * faster
    before_spm = float(np.median(adjusted[~after]))
    change, half = shift(adjusted[after], adjusted[~after])
    alike = _runs_for_one(adjusted - before_spm - np.where(after, change, 0.0))
    of_slope = norm.ppf((1 + CHANGE_INTERVAL) / 2) * slope_sd * float(faster[after].mean() - faster[~after].mean())
    half_low, half_high = float(np.hypot(alike * half[0], of_slope)), float(np.hypot(alike * half[1], of_slope))
    low, high = change - half_low, change + half_high
    percent, low_percent, high_percent = (100 * spm / before_spm for spm in (change, low, high))
    sentence = (
        f"At equal speed, cadence changed by {signed_text(change, 0)} steps/min ({signed_text(percent, 1)} %, plausible {signed_text(low_percent, 1)} to "
        f"{signed_text(high_percent, 1)} %): {counted}."
    )
    return CadenceChange(change, low, high, percent, low_percent, high_percent, runs_before, runs_after, sentence)


def shift(after: Floats, before: Floats) -> tuple[float, tuple[float, float]]:
    """
    Tell how much one set of values lies above another.

    Parameters
    ----------
    after, before : ndarray of float64
        At least three values each.

    Returns
    -------
    (float, (float, float))
        Median of all differences after less before, and how far its 95 % interval reaches below and above it.

    Examples
    --------
    >>> shift(np.array([11.0, 12, 13]), np.array([1.0, 2, 3]))[0]
    10.0
    """
    differences = np.sort((after[:, None] - before[None, :]).ravel())
    count = differences.size
    middle = float(np.median(differences))
    spread = np.sqrt(count * (after.size + before.size + 1) / 12)
    outside = max(0, int(np.floor(count / 2 - norm.ppf((1 + CHANGE_INTERVAL) / 2) * spread - 0.5)))
    return middle, (middle - float(differences[outside]), float(differences[count - 1 - outside]) - middle)


def device_to_compare(device: npt.NDArray[np.object_], after: npt.NDArray[np.bool_]) -> str:
    """
    Choose the device whose runs are compared: the one with the most runs on its thinner side.

    Parameters
    ----------
    device : ndarray of str
        Of each run.
    after : ndarray of bool
        Whether the run is from after the day.

    Returns
    -------
    str
        Of several alike the first by name; "" without a run.

    Examples
    --------
    >>> device_to_compare(np.array(["pod", "pod", "pod", "watch", "watch"], dtype=object), np.array([False, False, False, True, False]))
    'watch'
    """
    thinner = {name: min(int((after & (device == name)).sum()), int((~after & (device == name)).sum())) for name in sorted(set(device))}
    return max(thinner, key=thinner.__getitem__, default="")


def _runs_for_one(left_over: Floats) -> float:
    """Tell how much wider an interval must be because runs in a row are alike: √((1 + r) / (1 − r)) of what neighbours have in common."""
    about = left_over - left_over.mean()
    squares = float(np.sum(about**2))
    if squares == 0:
        return 1.0
    in_common = float(np.sum(about[1:] * about[:-1])) / squares + 1 / about.size  # the estimate is too low by about 1/n
    in_common = min(max(in_common, 0.0), NEIGHBOURS_MAX)
    return float(np.sqrt((1 + in_common) / (1 - in_common)))


def _stretch(days: Days, since: date, break_days: Sequence[date]) -> npt.NDArray[np.bool_]:
    """Tell which days lie between the last break before a day and the first one after it."""
    of_cue = day_number(since)
    breaks = [day_number(day) for day in break_days]
    first = max((day for day in breaks if day < of_cue), default=-np.inf)
    end = min((day for day in breaks if day > of_cue), default=np.inf)
    return (days >= first) & (days < end)
