"""The runs of the demo clinic: a made-up runner with a watch, minute by minute. Pure: no database, no clock."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from data.importers.base import Floats, MinuteSeries
from models import CadenceRule, DistanceRule, DistanceUnit, RunEntry, Surface

METRES_IN = {DistanceUnit.MILE: 1609.344, DistanceUnit.KILOMETRE: 1000.0}
CADENCE_PER_SPEED = 8.0  # steps/min that go with one m/s more
# A minute is walking when it is both slower and has fewer steps than this.
WALKING_BELOW_M_S, WALKING_BELOW_SPM = 1.9, 140.0
WALK_SPEED_M_S, WALK_CADENCE_SPM = 1.5, 112.0
PACE = {"easy": 1.0, "long": 0.96, "tempo": 1.17}
EFFORT = {"easy": 3, "long": 4, "tempo": 6}


@dataclass(frozen=True)
class Watch:
    """What records the runs, and what it cannot tell."""

    device: str
    distance_rule: DistanceRule = DistanceRule.DEVICE_TOTAL
    cadence_rule: CadenceRule = CadenceRule.FIT_STRIDES_DOUBLED
    has_gps: bool = True
    has_contact_time: bool = False
    has_minutes: bool = True

    @property
    def has_cadence(self) -> bool:
        return self.cadence_rule is not CadenceRule.NONE


@dataclass(frozen=True)
class Runner:
    """
    How somebody runs.

    Attributes
    ----------
    zero_speed_cadence_spm : float
        Cadence is this, plus 8 steps/min for each m/s, plus noise.
    run_weekdays : tuple of int
        Days of the week, 0 Monday; the long run is on the last of them, a faster one on the first once the hip is calm.
    start_hour : float
        Local hour at which runs begin.
    grade : float
        Mean absolute slope where this runner runs; the treadmill has none.
    """

    easy_speed_m_s: float
    zero_speed_cadence_spm: float
    watch: Watch
    run_weekdays: tuple[int, ...]
    start_hour: float
    time_zone: str = "America/Chicago"
    unit: DistanceUnit = DistanceUnit.MILE
    surface: Surface = Surface.ROAD
    grade: float = 0.008


@dataclass(frozen=True)
class MadeRun:
    entry: RunEntry
    minutes: MinuteSeries | None


def made_run(
    rng: np.random.Generator,
    runner: Runner,
    watch: Watch,
    *,
    start: datetime,
    today: date,
    distance_m: float,
    kind: str,
    cadence_factor: float = 1.0,
    walk_every: tuple[int, int] | None = None,
) -> MadeRun:
    """
    Make one run. What stands on the run follows from its minutes, as it does for an imported file.

    Parameters
    ----------
    start : datetime
        Aware, local.
    today : date
        The patient's day on which it is logged.
    distance_m : float
    kind : str
        easy, long or tempo.
    cadence_factor : float
        What a cadence cue does to cadence at the same speed: 1.055 is 5.5 % more.
    walk_every : tuple of int, optional
        Minutes of running and of walking by turns.
    """
    speed, cadence, seconds = _moving_minutes(rng, runner, distance_m, kind, cadence_factor, walk_every)
    walking = (speed < WALKING_BELOW_M_S) & (cadence < WALKING_BELOW_SPM)
    contact_ms = np.where(walking, np.nan, 2 * 60_000 / cadence * (0.385 - 0.03 * (speed - 2.7) + rng.normal(0, 0.003, speed.size)))
    uneven = runner.surface is Surface.TREADMILL
    grade = np.full(speed.size, np.nan) if uneven else rng.normal(0, runner.grade * 1.25, speed.size)
    running = seconds * ~walking
    moving_time_s, running_time_s = round(seconds.sum()), round(running.sum())
    pauses = int(rng.integers(1, 4)) if rng.random() < 0.3 else 0

    def mean(values: Floats, weights: Floats, digits: int) -> float:
        return round(float((values * weights).sum() / weights.sum()), digits)

    moving_cadence = mean(cadence, seconds, 1)
    has_contact_time = watch.has_contact_time and watch.has_cadence
    offset = start.utcoffset()
    entry = RunEntry(
        today=today,
        run_date=start.date(),
        started_at_utc=start.astimezone(UTC),
        utc_offset_s=round(offset.total_seconds()) if offset is not None else 0,
        surface=runner.surface if watch.has_minutes else Surface.UNKNOWN,
        distance_m=round(distance_m),
        distance_rule=watch.distance_rule,
        moving_time_s=moving_time_s,
        elapsed_time_s=moving_time_s + 60 * pauses,
        cadence_spm=moving_cadence if watch.has_cadence else None,
        running_cadence_spm=mean(cadence, running, 1) if watch.has_cadence else None,
        device_cadence_spm=2.0 * round(moving_cadence / 2) if watch.cadence_rule is CadenceRule.FIT_STRIDES_DOUBLED else None,
        cadence_rule=watch.cadence_rule,
        running_time_s=running_time_s if watch.has_cadence else None,
        running_speed_m_s=mean(speed, running, 3) if watch.has_cadence else None,
        grade_abs_mean=None if uneven or not watch.has_minutes else mean(np.abs(grade), running, 4),
        ground_contact_time_ms=mean(np.nan_to_num(contact_ms), running, 1) if has_contact_time else None,
        vertical_oscillation_mm=round(float(rng.normal(88, 3)), 1) if has_contact_time else None,
        session_rpe=min(10, max(1, EFFORT[kind] + int(rng.integers(-1, 2)))) if rng.random() < 0.7 else None,
        has_gps=watch.has_gps and runner.surface is not Surface.TREADMILL,
        device=watch.device,
    )
    if not watch.has_minutes:
        return MadeRun(entry, None)
    unknown = np.full(speed.size, np.nan)
    channels = (speed, cadence if watch.has_cadence else unknown, contact_ms if has_contact_time else unknown, grade)
    stops = np.sort(rng.integers(1, max(2, speed.size), pauses))
    return MadeRun(entry, MinuteSeries(*(np.insert(channel, stops, np.nan) for channel in channels)))


def _moving_minutes(
    rng: np.random.Generator, runner: Runner, distance_m: float, kind: str, cadence_factor: float, walk_every: tuple[int, int] | None
) -> tuple[Floats, Floats, Floats]:
    """Speed, cadence and seconds of each moving minute; the last one is as short as the distance wants."""
    pace = runner.easy_speed_m_s * PACE[kind] * (1 + rng.normal(0, 0.03))
    count = int(distance_m / (WALK_SPEED_M_S * 60)) + 2
    speed = np.maximum(pace * (1 + rng.normal(0, 0.03, count)), WALKING_BELOW_M_S + 0.1)
    if kind == "tempo":
        speed[:8] *= 0.86
    cadence = runner.zero_speed_cadence_spm + CADENCE_PER_SPEED * speed + rng.normal(0, 1.0) + rng.normal(0, 1.2, count)
    cadence *= cadence_factor
    if walk_every:
        walks = np.arange(count) % sum(walk_every) >= walk_every[0]
        speed[walks] = WALK_SPEED_M_S + rng.normal(0, 0.05, count)[walks]
        cadence[walks] = WALK_CADENCE_SPM + rng.normal(0, 2.0, count)[walks]
    way = np.cumsum(speed * 60)
    last = int(np.searchsorted(way, distance_m))
    seconds = np.full(last + 1, 60.0)
    seconds[last] = (distance_m - (way[last - 1] if last else 0.0)) / speed[last]
    return speed[: last + 1], cadence[: last + 1], seconds
