"""
From the samples of one recording, and what the file says about it as a whole, to a run. FIT, TCX and GPX share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from data.importers.base import FileRefused, Flags, Floats, MinuteSeries, ReadRun
from data.importers.doubts import SHORT_RUN_M, STOOD_FROM_S, doubts_about, no_such_cadence
from data.importers.samples import (
    STANDING_BELOW_M_S,
    Samples,
    from_zero,
    has_gps,
    holding_time,
    in_standing_spell,
    speed_of,
    standing_time,
    stood_time,
    travelled,
    travelled_by_gps,
)
from models import CADENCE_MIN_SPM, ELAPSED_MAX_S, SPEED_MAX_M_S, CadenceRule, DistanceRule, ImportOutcome, Surface

# Walking: slower AND fewer steps than this, in one minute (evidence: walk breaks make a run look like "low cadence").
WALKING_BELOW_M_S = 1.9
WALKING_BELOW_SPM = 140.0
CADENCE_PLAUSIBLE_MAX_SPM = 250.0  # no run has this mean; a file that comes out above it does not hold what its format says
AGREES_WITHIN_M, AGREES_WITHIN = 50.0, 0.05  # device's total against its records: the larger of the two counts
CLIMB_WAY_MIN_M = 30.0  # over a shorter way a slope is noise
PAUSES_AGREE_WITHIN_S, PAUSES_AGREE_WITHIN = 60.0, 0.1


@dataclass(frozen=True)
class Stated:
    """What a file says about a run as a whole; None where it says nothing. `broken`: its end is missing, so its samples are too few."""

    distance_m: float | None = None
    timer_time_s: float | None = None
    elapsed_time_s: float | None = None
    cadence_spm: float | None = None
    ground_contact_time_ms: float | None = None
    vertical_oscillation_mm: float | None = None
    broken: bool = False


@dataclass(frozen=True)
class Recording:
    """One run as read: its samples and what the file says around them."""

    started_at_utc: datetime
    samples: Samples
    cadence_rule: CadenceRule
    stated: Stated = Stated()
    pauses: Sequence[tuple[float, float]] = ()
    surface: Surface = Surface.UNKNOWN
    device: str = ""
    utc_offset_s: int | None = None
    clock_is_local: bool = False
    session_rpe: int | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = field(default=())


def run_of(recording: Recording) -> ReadRun:
    """
    Work out a run from its recording.

    Parameters
    ----------
    recording : Recording
        Samples count from the start of the run.

    Returns
    -------
    ReadRun
        See docs/importing.md for the definition of each value.

    Raises
    ------
    FileRefused
        If it lasts no time or more than a week, or is faster than anyone runs.
    """
    samples = from_zero(recording.samples)
    stated = _believable(recording.stated)
    notes, doubts = list(recording.notes), list(recording.doubts)
    by_device = travelled(samples)
    by_gps = None if by_device else travelled_by_gps(samples)  # the device's total has the last word
    followed = by_device or by_gps
    way_m = followed[0] if followed else None
    distance_m, rule = _distance(stated, _end(by_device), _end(by_gps), notes, doubts)
    if followed and followed[1] and rule is not DistanceRule.DEVICE_TOTAL:
        notes.append(f"{followed[1]} jumps in distance that nobody can run were left out.")

    moving_time_s, elapsed_time_s, pauses, timed = _times(samples, way_m, stated, recording.pauses)
    if moving_time_s <= 0:
        raise FileRefused(ImportOutcome.NO_DATA, "The recording lasts no time at all: it has fewer than two points with a time.")
    if distance_m > SPEED_MAX_M_S * moving_time_s:
        raise FileRefused(
            ImportOutcome.NOT_A_RUN,
            f"{distance_m / 1000:.1f} km in {moving_time_s / 60:.1f} min is faster than anyone runs. It may be a ride or a drive.",
        )
    stepping = samples.cadence_spm > 0
    stood_s = 0.0  # with the clock running
    if way_m is not None and way_m[-1] > 0:
        stood_s = stood_time(samples, way_m, stepping, at_least_s=STOOD_FROM_S) - (elapsed_time_s - moving_time_s)
    doubts += doubts_about(distance_m=distance_m, moving_time_s=moving_time_s, stood_s=stood_s, started_at_utc=recording.started_at_utc)

    hold_s, speed_m_s = holding_time(samples, way_m, pauses), speed_of(samples, way_m)
    standing = (speed_m_s < STANDING_BELOW_M_S) & ~stepping  # who climbs steeply is slow, and steps
    if not timed and way_m is not None:
        standing |= in_standing_spell(samples, way_m)
    moving_s = np.where(standing, 0.0, hold_s)
    stepping_s = np.where(stepping, moving_s, 0.0)
    cadence_spm = _mean(samples.cadence_spm, stepping_s)
    if not _cadence_possible(cadence_spm) or not _cadence_possible(stated.cadence_spm):
        wrong = stated.cadence_spm if _cadence_possible(cadence_spm) else cadence_spm
        doubts.append(no_such_cadence(wrong or 0.0))
        cadence_spm, stated = None, replace(stated, cadence_spm=None)
        samples = replace(samples, cadence_spm=np.full(len(samples), np.nan))
    minutes, minute_s = _minutes(
        samples, way_m, speed_m_s, moving_s, stepping_s, elapsed_time_s, flat=recording.surface is Surface.TREADMILL
    )
    known = np.isfinite(minutes.speed_m_s) | np.isfinite(minutes.cadence_spm)
    running_s = np.where(known & _running(minutes), minute_s, 0.0)
    if cadence_spm is not None:  # the same minutes for cadence, time and speed
        running_s = np.where(np.isfinite(minutes.cadence_spm), running_s, 0.0)
        if running_s.sum() == 0:
            notes.append("All of it was walked (below 1.9 m/s and below 140 steps per minute): there is no running cadence.")
    has_cadence = cadence_spm is not None or stated.cadence_spm is not None
    return ReadRun(
        started_at_utc=recording.started_at_utc,
        utc_offset_s=0 if recording.clock_is_local else recording.utc_offset_s,
        surface=recording.surface,
        distance_m=distance_m,
        distance_rule=rule,
        moving_time_s=moving_time_s,
        elapsed_time_s=elapsed_time_s,
        cadence_spm=cadence_spm,
        running_cadence_spm=_mean(minutes.cadence_spm, running_s),
        device_cadence_spm=stated.cadence_spm,
        cadence_rule=recording.cadence_rule if has_cadence else CadenceRule.NONE,
        running_time_s=min(float(running_s.sum()), moving_time_s) or None,
        running_speed_m_s=_mean(minutes.speed_m_s, running_s),
        grade_abs_mean=_mean(np.abs(minutes.grade), running_s),
        ground_contact_time_ms=stated.ground_contact_time_ms or _mean(samples.ground_contact_time_ms, moving_s),
        vertical_oscillation_mm=stated.vertical_oscillation_mm or _mean(samples.vertical_oscillation_mm, moving_s),
        has_gps=has_gps(samples),
        device=_one_line(recording.device),
        session_rpe=recording.session_rpe,
        minutes=minutes if len(samples) else None,
        notes=tuple(notes + doubts),
        doubtful=bool(doubts),
        clock_is_local=recording.clock_is_local,
    )


def is_walking(speed_m_s: float | None, cadence_spm: float | None) -> bool:
    """
    Tell walking from running, for one minute or for a run that has no minutes.

    Both tests must hold (speed < 1.9 m/s and cadence < 140 steps/min, on the limit is running); if only one of the two is known, that
    one decides; if none is, it is running.

    >>> is_walking(1.8, 110.0), is_walking(1.8, 140.0), is_walking(1.9, 110.0), is_walking(None, 110.0), is_walking(None, None)
    (True, False, False, True, False)
    """
    known = [value < limit for value, limit in ((speed_m_s, WALKING_BELOW_M_S), (cadence_spm, WALKING_BELOW_SPM)) if value is not None]
    return bool(known) and all(known)


def _running(minutes: MinuteSeries) -> Flags:
    """Tell of each minute what `is_walking` tells of one: a value that is not known has no say."""
    slow = ~(minutes.speed_m_s >= WALKING_BELOW_M_S)
    few = ~(minutes.cadence_spm >= WALKING_BELOW_SPM)
    nothing_known = np.isnan(minutes.speed_m_s) & np.isnan(minutes.cadence_spm)
    running: Flags = ~(slow & few) | nothing_known
    return running


def _end(followed: tuple[Floats, int] | None) -> float | None:
    return float(followed[0][-1]) if followed else None


def _believable(stated: Stated) -> Stated:
    """Leave out what cannot be true; the samples then answer."""

    def kept(value: float | None, low: float, high: float) -> float | None:
        return value if value is not None and low <= value <= high else None

    return replace(
        stated,
        distance_m=kept(stated.distance_m, 0.0, 2e6),
        timer_time_s=kept(stated.timer_time_s, 1e-3, ELAPSED_MAX_S),
        elapsed_time_s=kept(stated.elapsed_time_s, 1e-3, ELAPSED_MAX_S),
        cadence_spm=kept(stated.cadence_spm, 1e-3, 1e4),
        ground_contact_time_ms=kept(stated.ground_contact_time_ms, 80.0, 600.0),
        vertical_oscillation_mm=kept(stated.vertical_oscillation_mm, 10.0, 300.0),
    )


def _distance(
    stated: Stated, recorded_m: float | None, gps_m: float | None, notes: list[str], doubts: list[str]
) -> tuple[float, DistanceRule]:
    """Choose: the device's own if its records agree, else the records', else GPS."""
    device_m = stated.distance_m
    if device_m is None:
        if recorded_m is not None:
            return recorded_m, DistanceRule.RECORDS
        if gps_m is None:
            doubts.append("The file holds no distance. Enter it by hand if it is known.")
        return gps_m or 0.0, DistanceRule.GPS if gps_m is not None else DistanceRule.DEVICE_TOTAL
    if recorded_m is None:
        if device_m == 0 and gps_m is not None and gps_m > SHORT_RUN_M:
            notes.append("The device states 0 m; the distance is the one between the GPS positions.")
            return gps_m, DistanceRule.GPS
        return device_m, DistanceRule.DEVICE_TOTAL
    if abs(device_m - recorded_m) <= max(AGREES_WITHIN_M, AGREES_WITHIN * device_m):
        return device_m, DistanceRule.DEVICE_TOTAL
    if stated.broken and recorded_m < device_m:
        notes.append(f"The points break off after {recorded_m / 1000:.2f} km; the total that the device states is kept.")
        return device_m, DistanceRule.DEVICE_TOTAL
    notes.append(f"The device states {device_m / 1000:.2f} km, its points add up to {recorded_m / 1000:.2f} km. The points count.")
    return recorded_m, DistanceRule.RECORDS


def _times(
    samples: Samples, way_m: Floats | None, stated: Stated, pauses: Sequence[tuple[float, float]]
) -> tuple[float, float, Sequence[tuple[float, float]], bool]:
    """Moving time, elapsed time, the pauses if they fit to both, and whether the file has a timer."""
    span_s = float(samples.time_s[-1]) if len(samples) else 0.0
    elapsed_s = max(stated.elapsed_time_s or 0.0, span_s)
    paused_s = sum(min(end, elapsed_s) - min(start, elapsed_s) for start, end in pauses)
    if stated.timer_time_s is not None:
        elapsed_s = max(elapsed_s, stated.timer_time_s)
        off = abs(elapsed_s - paused_s - stated.timer_time_s)
        fits = stated.broken or off <= max(PAUSES_AGREE_WITHIN_S, PAUSES_AGREE_WITHIN * stated.timer_time_s)
        return stated.timer_time_s, elapsed_s, pauses if fits else (), True
    if pauses and paused_s < elapsed_s:
        return elapsed_s - paused_s, elapsed_s, pauses, True
    standing_s = standing_time(samples, way_m) if way_m is not None and way_m[-1] > 0 else 0.0
    return max(elapsed_s - standing_s, 0.0), elapsed_s, (), False


def _cadence_possible(cadence_spm: float | None) -> bool:
    return cadence_spm is None or CADENCE_MIN_SPM <= cadence_spm <= CADENCE_PLAUSIBLE_MAX_SPM


def _mean(values: Floats, weights: Floats) -> float | None:
    """Weighted mean of the known values; None if their weights add up to nothing."""
    used = np.flatnonzero(np.isfinite(values) & (weights > 0))
    if not len(used):
        return None
    taken = weights[used]
    return float((values[used] * taken).sum() / float(taken.sum()))


def _minutes(
    samples: Samples, way_m: Floats | None, speed_m_s: Floats, moving_s: Floats, stepping_s: Floats, elapsed_s: float, *, flat: bool
) -> tuple[MinuteSeries, Floats]:
    """One value a minute, and how many seconds of each minute were moving."""
    last = int(samples.time_s[-1] // 60) if len(samples) else -1
    length = min(max(int(np.ceil(elapsed_s / 60)), last + 1), ELAPSED_MAX_S // 60)
    begins = np.empty(length + 1, dtype=np.intp)
    begins[0], begins[-1] = 0, len(samples)
    begins[1:-1] = np.searchsorted(samples.time_s, np.arange(60.0, 60.0 * length, 60.0))
    minute = np.repeat(np.arange(length), begins[1:] - begins[:-1])

    moving_in_s: Floats = np.bincount(minute, weights=moving_s, minlength=length).astype(np.float64)

    def means(values: Floats, weights: Floats) -> Floats:
        known = np.isfinite(values)
        count = np.count_nonzero(known)
        if not count:
            return np.full(length, np.nan)
        total = moving_in_s
        if count < len(known):
            values, weights = np.where(known, values, 0.0), np.where(known, weights, 0.0)
        if weights is not moving_s:
            total = np.bincount(minute, weights=weights, minlength=length).astype(np.float64)
        summed = np.bincount(minute, weights=values * weights, minlength=length)
        divided: Floats = np.divide(summed, total, out=np.full(length, np.nan), where=total > 0)
        return divided

    series = MinuteSeries(
        speed_m_s=means(speed_m_s, moving_s),
        cadence_spm=means(samples.cadence_spm, stepping_s),
        ground_contact_time_ms=means(samples.ground_contact_time_ms, moving_s),
        grade=np.full(length, np.nan) if flat or way_m is None else _grade(samples, way_m, length),
    )
    return series, moving_in_s


def _grade(samples: Samples, way_m: Floats, length: int) -> Floats:
    """Rise over run of each minute, NaN where less than 30 m were covered or the altitude is not known at both ends."""
    known = np.isfinite(samples.altitude_m)
    if np.count_nonzero(known) < 2:
        return np.full(length, np.nan)
    edges = np.arange(length + 1, dtype=np.float64) * 60
    altitude = np.interp(edges, samples.time_s[known], samples.altitude_m[known], left=np.nan, right=np.nan)
    altitude[-1] = samples.altitude_m[known][-1]  # the last minute is cut short
    covered = np.diff(np.interp(edges, samples.time_s, way_m))
    grade: Floats = np.divide(np.diff(altitude), covered, out=np.full(length, np.nan), where=covered >= CLIMB_WAY_MIN_M)
    return grade


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:120]
