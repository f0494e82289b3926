"""
The samples of a recording as columns: cleaned, in order of time, with distance, speed and how long each one holds.

What a device writes once a second or every few seconds is kept as arrays of one length, NaN where it wrote nothing. Values that
cannot be true are treated as not written: a number here never comes from a broken byte.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.importers.base import FileRefused, Flags, Floats
from models import ELAPSED_MAX_S, SPEED_MAX_M_S, ImportOutcome

SAMPLES_MAX = 200_000
EARTH_RADIUS_M = 6_371_008.8  # mean radius (IUGG)
HOLD_MAX_S = 30.0  # smart recording writes every few seconds; after 30 s a value is old
GAP_S = 10.0  # a longer gap is looked at by the distance covered in it
STANDING_BELOW_M_S = 0.5
SPELL_MIN_S = 10.0
JUMP_ABOVE_M_S = 25.0  # a step in distance or place that is faster is an error of the recording
SMOOTHING_S = 5.0

# Column, lowest and highest value that can be true.
RANGES = {
    "time_s": (-1e10, 1e10),
    "latitude_deg": (-90.0, 90.0),
    "longitude_deg": (-180.0, 180.0),
    "altitude_m": (-500.0, 9_000.0),
    "distance_m": (0.0, 2e6),
    "speed_m_s": (0.0, SPEED_MAX_M_S),
    "cadence_spm": (0.0, 300.0),
    "ground_contact_time_ms": (80.0, 600.0),
    "vertical_oscillation_mm": (10.0, 300.0),
    "segment": (0.0, 1e9),
}
COLUMNS = tuple(RANGES)


@dataclass(frozen=True)
class Samples:
    """
    Columns of one recording, all of length n, in order of time, no time twice.

    `time_s` counts from the start of the run; `distance_m` is the device's running total; `cadence_spm` counts both feet, 0 is
    standing; `segment` goes up where the recording was interrupted on purpose.
    """

    time_s: Floats
    latitude_deg: Floats
    longitude_deg: Floats
    altitude_m: Floats
    distance_m: Floats
    speed_m_s: Floats
    cadence_spm: Floats
    ground_contact_time_ms: Floats
    vertical_oscillation_mm: Floats
    segment: Floats

    def __len__(self) -> int:
        return len(self.time_s)


def samples_from(rows: Sequence[Sequence[float | None]], columns: Sequence[str]) -> Samples:
    """
    Build samples from rows as they were read.

    Parameters
    ----------
    rows : sequence of sequences
        One row a sample, in the order of the file; None where nothing was written.
    columns : sequence of str
        Names of the row's values, from `COLUMNS`; `time_s` must be one of them. Columns not named are unknown.

    Returns
    -------
    Samples
        Impossible values removed, samples without a time dropped, those at the same time joined (the first value written counts).

    Raises
    ------
    FileRefused
        If there are more than 200,000 samples.
    """
    _not_too_many(len(rows))
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(columns))
    return samples_of_columns({name: table[:, index] for index, name in enumerate(columns)})


def samples_of_columns(columns: Mapping[str, Floats]) -> Samples:
    """
    Build samples from columns as they were read.

    Parameters
    ----------
    columns : mapping of str to ndarray
        By names of `COLUMNS`, all equally long, in the order of the file; NaN where nothing was written. A column that is missing is
        unknown; without `time_s` there are no samples.

    Returns
    -------
    Samples
        As `samples_from` gives them.

    Raises
    ------
    FileRefused
        If there are more than 200,000 samples.
    """
    length = len(columns["time_s"]) if "time_s" in columns else 0
    _not_too_many(length)
    unknown = np.full(length, np.nan)
    values = dict.fromkeys(COLUMNS, unknown)
    for name, column in columns.items() if length else ():
        low, high = RANGES[name]
        possible = (column >= low) & (column <= high)
        values[name] = column if _all(possible) else np.where(possible, column, np.nan)
    if "latitude_deg" in columns or "longitude_deg" in columns:
        latitude, longitude = values["latitude_deg"], values["longitude_deg"]
        nowhere = (latitude == 0) & (longitude == 0)  # how some devices write "no position"
        nowhere |= np.isnan(latitude) | np.isnan(longitude)
        if np.count_nonzero(nowhere):
            values["latitude_deg"], values["longitude_deg"] = np.where(nowhere, np.nan, latitude), np.where(nowhere, np.nan, longitude)
    values["segment"] = np.nan_to_num(values["segment"]) if "segment" in columns else np.zeros(length)
    timed = np.isfinite(values["time_s"])
    if not _all(timed):
        values = {name: column[timed] for name, column in values.items()}
    return _ordered(Samples(**values))


def _all(flags: Flags) -> bool:
    return bool(np.count_nonzero(flags) == len(flags))  # twice as fast as all()


def _not_too_many(points: int) -> None:
    if points > SAMPLES_MAX:
        raise FileRefused(ImportOutcome.UNREADABLE, f"The recording has more than {SAMPLES_MAX:,} points. No run is that long.")


def _ordered(samples: Samples) -> Samples:
    if not len(samples) or _all(samples.time_s[1:] > samples.time_s[:-1]):
        return samples
    times, group = np.unique(samples.time_s, return_inverse=True)
    joined = {}
    for name in COLUMNS[1:]:
        column = getattr(samples, name)
        known = np.flatnonzero(np.isfinite(column))[::-1]
        joined[name] = np.full(len(times), np.nan)
        joined[name][group[known]] = column[known]  # written last to first, so that the first one stays
    return Samples(time_s=times, **joined)


def between(samples: Samples, start_s: float, end_s: float) -> Samples:
    """
    Cut out the samples of one session.

    Parameters
    ----------
    samples : Samples
        Of the whole file.
    start_s, end_s : float
        Half-open: a sample at `end_s` belongs to what follows.

    Returns
    -------
    Samples
        With `time_s` counted from `start_s` (never below 0).
    """
    first, last = np.searchsorted(samples.time_s, (start_s, end_s))
    inside = _cut(samples, int(first), int(last))
    return replace(inside, time_s=inside.time_s - start_s)


def _cut(samples: Samples, first: int, last: int) -> Samples:
    """The samples from one to before another, as views: nothing is copied."""
    return Samples(**{name: getattr(samples, name)[first:last] for name in COLUMNS})


def from_zero(samples: Samples, *, longest_s: float = ELAPSED_MAX_S) -> Samples:
    """Set times before 0 to 0, join what then falls together, and drop what comes later than `longest_s`."""
    if not len(samples) or (samples.time_s[0] >= 0 and samples.time_s[-1] <= longest_s):
        return samples
    clipped = _cut(samples, 0, int(np.searchsorted(samples.time_s, longest_s, side="right")))
    return _ordered(replace(clipped, time_s=np.maximum(clipped.time_s, 0.0)))


def travelled(samples: Samples) -> tuple[Floats, int] | None:
    """
    Follow the device's running total.

    A total that begins higher than anyone can have run by then is carried on from something earlier, and counts from there. One that falls to less than half begins anew (some devices count from 0 in each lap); a smaller step back counts as standing;
    a step that is faster than 25 m/s is left out.

    Parameters
    ----------
    samples : Samples
        Of one run.

    Returns
    -------
    tuple of ndarray and int, or None
        Metres since the start at each sample (float64, length n, interpolated where the device wrote none) and how many steps were left
        out. None if fewer than two samples carry a total.
    """
    known = np.isfinite(samples.distance_m)
    whole = _all(known)
    if np.count_nonzero(known) < 2:
        return None
    time_s, total = (samples.time_s, samples.distance_m) if whole else (samples.time_s[known], samples.distance_m[known])
    carried_on = total[0] > JUMP_ABOVE_M_S * max(float(time_s[0]), 1.0)  # from an earlier session of the file
    way_m = np.empty(len(total))
    way_m[0] = 0.0 if carried_on else total[0]
    steps = np.subtract(total[1:], total[:-1], out=way_m[1:])
    np.maximum(steps, 0.0, out=steps)
    anew = total[1:] < total[:-1] / 2
    if np.count_nonzero(anew):
        steps[anew] = total[1:][anew]
    too_fast = steps > JUMP_ABOVE_M_S * np.maximum(time_s[1:] - time_s[:-1], 1.0)
    left_out = int(np.count_nonzero(too_fast))
    if left_out:
        steps[too_fast] = 0.0
    np.cumsum(way_m, out=way_m)
    return way_m if whole else np.interp(samples.time_s, time_s, way_m), left_out


def has_gps(samples: Samples) -> bool:
    """Tell whether there are at least two positions."""
    return bool(np.count_nonzero(np.isfinite(samples.latitude_deg) & np.isfinite(samples.longitude_deg)) > 1)


def travelled_by_gps(samples: Samples) -> tuple[Floats, int] | None:
    """
    Add up the way between positions, within segments.

    Returns
    -------
    tuple of ndarray and int, or None
        Metres since the start at each sample (float64, length n), and how many jumps (faster than 25 m/s) were left out. None with
        fewer than two positions.

    References
    ----------
    Sinnott, R. W. (1984). Virtues of the haversine. Sky and Telescope 68(2):159.
    """
    if not has_gps(samples):
        return None
    known = np.isfinite(samples.latitude_deg) & np.isfinite(samples.longitude_deg)
    latitude, longitude = np.radians(samples.latitude_deg[known]), np.radians(samples.longitude_deg[known])
    half = np.sin(np.diff(latitude) / 2) ** 2 + np.cos(latitude[:-1]) * np.cos(latitude[1:]) * np.sin(np.diff(longitude) / 2) ** 2
    steps = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    steps[np.diff(samples.segment[known]) != 0] = 0.0
    jump = steps > JUMP_ABOVE_M_S * np.maximum(np.diff(samples.time_s[known]), 1.0)
    steps[jump] = 0.0
    return np.interp(samples.time_s, samples.time_s[known], np.concatenate([[0.0], np.cumsum(steps)])), int(np.count_nonzero(jump))


def standing_time(samples: Samples, way_m: Floats) -> float:
    """
    Add up the spells of at least 10 s below 0.5 m/s and the breaks between segments.

    Parameters
    ----------
    samples : Samples
        Of one run.
    way_m : ndarray
        Metres since the start at each sample.

    Returns
    -------
    float
        Seconds; what is left of the elapsed time is moving time, for a format without a timer.
    """
    lasting = np.diff(samples.time_s)
    broken = np.diff(samples.segment) != 0
    return float(lasting[broken | in_standing_spell(samples, way_m)[:-1]].sum())


def stood_time(samples: Samples, way_m: Floats, stepping: Flags, *, at_least_s: float) -> float:
    """
    Add up the spells of standing in which no step was counted, pauses included; 0 if they are shorter than `at_least_s` in all.

    Parameters
    ----------
    samples : Samples
        Of one run.
    way_m : ndarray
        Metres since the start at each sample.
    stepping : ndarray of bool
        Where the runner makes steps: who climbs steeply is slow, and steps.
    """
    lasting = samples.time_s[1:] - samples.time_s[:-1]
    idle = (way_m[1:] - way_m[:-1] < STANDING_BELOW_M_S * lasting) & ~stepping[:-1]
    if float(lasting[idle].sum()) < at_least_s:  # nearly always
        return 0.0
    stood = float(lasting[idle & in_standing_spell(samples, way_m)[:-1]].sum())
    return stood if stood >= at_least_s else 0.0


def in_standing_spell(samples: Samples, way_m: Floats) -> Flags:
    """
    Mark the samples from which on the runner stood for at least 10 s (below 0.5 m/s to each next sample), within a segment.

    Returns
    -------
    ndarray of bool
        Length n; the last one is never marked.
    """
    if len(samples) < 2:
        return np.zeros(len(samples), dtype=np.bool_)
    lasting = np.diff(samples.time_s)
    slow = (np.diff(way_m) < STANDING_BELOW_M_S * lasting) & (np.diff(samples.segment) == 0)
    spell = np.cumsum(np.concatenate([[0], np.diff(slow.astype(np.int64)) != 0]))  # neighbours of one kind share a number
    lengths = np.bincount(spell, weights=np.where(slow, lasting, 0.0))
    return np.append(slow & (lengths >= SPELL_MIN_S)[spell], False)


def speed_of(samples: Samples, way_m: Floats | None) -> Floats:
    """
    Say how fast the runner was at each sample.

    Parameters
    ----------
    samples : Samples
        Of one run.
    way_m : ndarray or None
        Metres since the start at each sample, None if the file has no distance.

    Returns
    -------
    ndarray of float64
        The device's own speed where it wrote one for at least half of the samples, else the way over ±5 s. NaN where not known; all NaN
        if every value would be 0, as on a treadmill without a sensor.
    """
    speed = samples.speed_m_s
    if np.count_nonzero(np.isfinite(speed)) * 2 < len(samples) or not len(samples):
        if way_m is None or len(samples) < 2:
            return np.full(len(samples), np.nan)
        ends = samples.time_s[0], samples.time_s[-1]
        before, after = np.clip(samples.time_s - SMOOTHING_S, *ends), np.clip(samples.time_s + SMOOTHING_S, *ends)
        speed = (np.interp(after, samples.time_s, way_m) - np.interp(before, samples.time_s, way_m)) / (after - before)
    if not np.any(speed > 0):
        return np.full(len(samples), np.nan)
    return speed


def holding_time(samples: Samples, way_m: Floats | None, pauses: Sequence[tuple[float, float]]) -> Floats:
    """
    Say for how long each sample stands: until the next, at most 30 s, without pauses.

    Parameters
    ----------
    samples : Samples
        Of one run.
    way_m : ndarray or None
        Metres since the start at each sample. A gap of more than 10 s in which less than 0.5 m/s was covered counts as 1 s.
    pauses : sequence of (start, end)
        Seconds since the start, in order, without overlap; an end may be infinite.

    Returns
    -------
    ndarray of float64
        Seconds, length n; 0 for the last sample and for the last one of a segment.
    """
    if not len(samples):
        return np.zeros(0)
    time_s = samples.time_s
    lasting = time_s[1:] - time_s[:-1]
    hold = np.zeros(len(samples))
    np.minimum(lasting, HOLD_MAX_S, out=hold[:-1])
    if way_m is not None and way_m[-1] > 0:
        stood = (lasting > GAP_S) & (way_m[1:] - way_m[:-1] < STANDING_BELOW_M_S * lasting)
        hold[:-1][stood] = 1.0
    hold[:-1][samples.segment[1:] != samples.segment[:-1]] = 0.0
    if pauses:
        far = float(time_s[-1]) + HOLD_MAX_S + 1
        edges = np.clip(np.array(pauses, dtype=np.float64).ravel(), 0.0, far)
        paused = np.repeat(np.cumsum(edges[1::2] - edges[::2]), 2)
        paused[::2] -= edges[1::2] - edges[::2]
        first = np.searchsorted(time_s, edges[0] - HOLD_MAX_S)  # what ends before the first pause is not cut
        begin, end = time_s[first:], time_s[first:] + hold[first:]
        hold[first:] -= np.interp(end, edges, paused, left=0.0) - np.interp(begin, edges, paused, left=0.0)
    return np.maximum(hold, 0.0, out=hold)
