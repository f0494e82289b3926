"""
From the samples of one recording, and what the file says about it as a whole, to a run. FIT, TCX and GPX share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from data.importers.base import FileRefused, Flags, Floats, MinuteSeries, ReadRun
from data.importers.doubts import SHORT_RUN_M, STOOD_FROM_S, doubts_about, holds_back, no_such_cadence
from data.importers.minutes import Means, Minutes
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
    minutes = Minutes(samples.time_s, elapsed_time_s)
    speed, contact, oscillation = (
        minutes.means(column, moving_s) for column in (speed_m_s, samples.ground_contact_time_ms, samples.vertical_oscillation_mm)
    )
    cadence = minutes.means(samples.cadence_spm, np.where(stepping, moving_s, 0.0))
    if not _cadence_possible(cadence.whole) or not _cadence_possible(stated.cadence_spm):
        wrong = stated.cadence_spm if _cadence_possible(cadence.whole) else cadence.whole
        doubts.append(no_such_cadence(wrong or 0.0))
        cadence, stated = Means(np.full(minutes.length, np.nan), None), replace(stated, cadence_spm=None)
    series = MinuteSeries(
        speed_m_s=speed.by_minute,
        cadence_spm=cadence.by_minute,
        ground_contact_time_ms=contact.by_minute,
        grade=np.full(minutes.length, np.nan)
        if way_m is None or recording.surface is Surface.TREADMILL
        else minutes.grades(samples, way_m),
    )
    known = np.isfinite(series.speed_m_s) | np.isfinite(series.cadence_spm)
    running_s = np.where(known & _running(series), minutes.sums(moving_s), 0.0)
    if cadence.whole is not None:  # the same minutes for cadence, time and speed
        running_s = np.where(np.isfinite(series.cadence_spm), running_s, 0.0)
        if running_s.sum() == 0:
            notes.append("All of it was walked (below 1.9 m/s and below 140 steps per minute): there is no running cadence.")
    has_cadence = cadence.whole is not None or stated.cadence_spm is not None
    return ReadRun(
        started_at_utc=recording.started_at_utc,
        utc_offset_s=0 if recording.clock_is_local else recording.utc_offset_s,
        surface=recording.surface,
        distance_m=distance_m,
        distance_rule=rule,
        moving_time_s=moving_time_s,
        elapsed_time_s=elapsed_time_s,
        cadence_spm=cadence.whole,
        running_cadence_spm=_mean(series.cadence_spm, running_s),
        device_cadence_spm=stated.cadence_spm,
        cadence_rule=recording.cadence_rule if has_cadence else CadenceRule.NONE,
        running_time_s=min(float(running_s.sum()), moving_time_s) or None,
        running_speed_m_s=_mean(series.speed_m_s, running_s),
        grade_abs_mean=_mean(np.abs(series.grade), running_s),
        ground_contact_time_ms=stated.ground_contact_time_ms or contact.whole,
        vertical_oscillation_mm=stated.vertical_oscillation_mm or oscillation.whole,
        has_gps=has_gps(samples),
        device=_one_line(recording.device),
        session_rpe=recording.session_rpe,
        minutes=series if len(samples) else None,
        notes=tuple(notes + doubts),
        doubtful=bool(doubts),
        held_back=holds_back(distance_m=distance_m, moving_time_s=moving_time_s, started_at_utc=recording.started_at_utc),
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


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:120]
