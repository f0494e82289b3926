"""Cadence compared fairly: at equal speed, within one runner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from models import Surface, day_number
from rehab.days import Days, day_numbers, floats

# How cadence rises with speed when a runner's own runs cannot tell: 8 ± 4 steps/min per m/s. A choice of this project; Burns
# 2019 found 5.6 among elite runners over a narrow range.
STANDARD_SLOPE, STANDARD_SLOPE_SD = 8.0, 4.0
# On the limit the own slope is used.
OWN_SLOPE_MIN_RUNS, OWN_SLOPE_MIN_SPEED_RANGE_M_S = 8, 0.4
OWN_SLOPE_MAX_RUNS = 300  # the latest; keeps the pairs few over many years
# What makes a run comparable: on the limit it is.
USABLE_MIN_RUNNING_TIME_S, USABLE_MAX_GRADE = 600.0, 0.02

OWN, STANDARD = "own", "standard"


@dataclass(frozen=True)
class EqualSpeedCadence:
    """
    Cadence of each run as it would be at the runner's usual easy speed.

    Attributes
    ----------
    slope_spm_per_m_s : float
        Steps per minute that go with one m/s more.
    reference_speed_m_s : float or None
        Median running speed of the usable runs; None without one.
    basis : str
        "own" slope or the "standard" one.
    runs_used : int
        Usable runs.
    adjusted : Series
        Steps per minute at the reference speed, indexed by `run_id`, NaN for a run that cannot be compared.
    sentence : str
        What was done, in words.
    """

    slope_spm_per_m_s: float
    reference_speed_m_s: float | None
    basis: str
    runs_used: int
    adjusted: pd.Series
    sentence: str


def at_reference_speed(cadence_spm: float, speed_m_s: float, *, reference_speed_m_s: float, slope_spm_per_m_s: float) -> float:
    """
    Move one cadence to another speed.

    Examples
    --------
    >>> round(at_reference_speed(166, 3.1, reference_speed_m_s=2.7, slope_spm_per_m_s=8), 3)
    162.8
    """
    return cadence_spm - slope_spm_per_m_s * (speed_m_s - reference_speed_m_s)


def usable_runs(runs: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """
    Tell which runs can be compared at equal speed.

    Those with a running cadence, a running speed and at least 10 minutes of running, not on a trail and not steeper than 2 % on average. A run
    whose slope is not known (treadmill, no altitude) counts as level.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS.

    Returns
    -------
    ndarray of bool
        One a row.
    """
    trail = (runs["surface"] == Surface.TRAIL.value).to_numpy(dtype=bool)
    return (
        ~np.isnan(floats(runs["running_cadence_spm"]))
        & (floats(runs["running_speed_m_s"]) > 0)
        & (floats(runs["running_time_s"]) >= USABLE_MIN_RUNNING_TIME_S)
        & ~(floats(runs["grade_abs_mean"]) > USABLE_MAX_GRADE)
        & ~trail
    )


def cadence_at_equal_speed(runs: pd.DataFrame, *, break_days: Sequence[date] = ()) -> EqualSpeedCadence:
    """
    Adjust the cadence of each run to the runner's usual easy speed.

    `c_adj = c − β · (v − v_ref)`, with `v_ref` the median running speed. With 8 usable runs or more over a range of 0.4 m/s or more,
    β is the runner's own: the median of the slopes between pairs of runs (Theil-Sen), drawn towards the standard 8 ± 4 by as much as
    it is uncertain. Otherwise β is the standard 8. Pairs are made only within one device and between two breaks, so that a new watch or
    a cadence cue is not taken for an effect of speed.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order.
    break_days : sequence of date
        Days from which cadence may differ at the same speed: a cadence cue, shoes, a device.

    Returns
    -------
    EqualSpeedCadence
        With no usable run, `adjusted` is all NaN and `reference_speed_m_s` None.

    References
    ----------
    Sen PK (1968), J Am Stat Assoc 63:1379. Burns GT et al. (2019), J Appl Physiol 10.1152/japplphysiol.00374.2018.
    """
    usable = usable_runs(runs)
    cadence, speed = floats(runs["running_cadence_spm"]), floats(runs["running_speed_m_s"])
    count = int(usable.sum())
    adjusted = pd.Series(np.nan, index=pd.Index(runs["run_id"], name="run_id"), name="cadence_at_equal_speed_spm")
    if not count:
        sentence = "No run can be compared at equal speed yet. It takes a level run of 10 minutes or more with running cadence and speed."
        return EqualSpeedCadence(STANDARD_SLOPE, None, STANDARD, 0, adjusted, sentence)
    reference = float(np.median(speed[usable]))
    slope, _, lacking = own_slope(runs[usable], break_days)
    adjusted[usable] = cadence[usable] - slope * (speed[usable] - reference)
    if lacking is None:
        how, basis = f"by this runner's own {slope:.1f} steps/min per m/s, from {min(count, OWN_SLOPE_MAX_RUNS)} runs.", OWN
    else:
        how, basis = f"with the standard adjustment of {slope:.0f} steps/min per m/s: {lacking}.", STANDARD
    return EqualSpeedCadence(slope, reference, basis, count, adjusted, f"Cadence is adjusted to the usual easy speed {how}")


def own_slope(usable: pd.DataFrame, break_days: Sequence[date]) -> tuple[float, float, str | None]:
    """
    Work out how one runner's cadence rises with speed.

    Parameters
    ----------
    usable : DataFrame
        RUN_COLUMNS of runs that can be compared, in any order; the latest 300 enter.
    break_days : sequence of date
        Days from which cadence may differ at the same speed.

    Returns
    -------
    (float, float, str or None)
        Steps per minute for one m/s, its standard deviation, and what is lacking for an own slope: None if it is the runner's own, else it is the
        standard one.
    """
    days, run_id = day_numbers(usable["run_date"]), usable["run_id"].to_numpy(dtype=np.int64)
    latest = np.lexsort((run_id, days))[-OWN_SLOPE_MAX_RUNS:]
    cadence, speed = floats(usable["running_cadence_spm"])[latest], floats(usable["running_speed_m_s"])[latest]
    if cadence.size < OWN_SLOPE_MIN_RUNS:
        return STANDARD_SLOPE, STANDARD_SLOPE_SD, f"only {cadence.size} {'run' if cadence.size == 1 else 'runs'} so far"
    spread = round(float(np.ptp(speed)), 2)
    if spread < OWN_SLOPE_MIN_SPEED_RANGE_M_S:
        return STANDARD_SLOPE, STANDARD_SLOPE_SD, f"speeds differ by only {spread:.2f} m/s so far"
    group = _groups(days[latest], usable["device"].to_numpy(dtype=object)[latest], break_days)
    first, second = np.triu_indices(cadence.size, 1)
    faster = speed[second] - speed[first]
    pairs = (group[first] == group[second]) & (faster != 0)
    members = np.bincount(group)
    freedom = cadence.size - members.size - 1
    centred = speed - (np.bincount(group, weights=speed) / members)[group]
    spread_squares = float(np.sum(centred**2))
    if freedom < 1 or not pairs.any() or spread_squares == 0:
        return STANDARD_SLOPE, STANDARD_SLOPE_SD, "too few runs between changes of device or cue"
    own = float(np.median((cadence[second] - cadence[first])[pairs] / faster[pairs]))
    level = cadence - own * speed
    scatter = level - np.array([np.median(level[group == name]) for name in range(members.size)])[group]
    variance = (1.4826 * float(np.median(np.abs(scatter)))) ** 2 * cadence.size / freedom / spread_squares
    trust = STANDARD_SLOPE_SD**2 / (STANDARD_SLOPE_SD**2 + variance)
    return trust * own + (1 - trust) * STANDARD_SLOPE, float(np.sqrt(trust * variance)), None


def _groups(days: Days, device: npt.NDArray[np.object_], break_days: Sequence[date]) -> Days:
    """Number the stretches with one device and no break inside."""
    breaks = np.sort(np.array([day_number(day) for day in break_days], dtype=np.int64))
    _, device_number = np.unique(device.astype(str), return_inverse=True)
    stretch = np.searchsorted(breaks, days, side="right")
    group: Days = np.unique(device_number * (breaks.size + 1) + stretch, return_inverse=True)[1].astype(np.int64)
    return group
