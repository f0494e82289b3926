"""
The minutes of a run as bytes, one row a run.

Layout: byte 0 is the version (1); the rest is zlib-compressed: a little-endian uint32 n, then four arrays of n int16 each, in the
order of `CHANNELS`, as `round(value × scale)`. -32768 stands for "not known". An hour of running takes about 300 bytes.
"""

import struct
import zlib

import numpy as np

from data.importers.base import MinuteSeries

VERSION = 1
MISSING = -32768
MINUTES_MAX = 7 * 24 * 60 + 1  # a week, and the last minute begun
# name, stored steps per unit: 1 mm/s, 0.1 steps/min, 0.1 ms, 0.0001
CHANNELS = (("speed_m_s", 1000.0), ("cadence_spm", 10.0), ("ground_contact_time_ms", 10.0), ("grade", 10_000.0))


def packed(minutes: MinuteSeries) -> bytes:
    """
    Pack the minutes of a run.

    Parameters
    ----------
    minutes : MinuteSeries
        Arrays of one length n <= 10,081 (a week); NaN where not known.

    Returns
    -------
    bytes
        See the module's docstring. Values are kept to the channel's step; out of range ones become "not known".

    Raises
    ------
    ValueError
        If the arrays are longer than that, or not of one length.
    """
    length = len(minutes.speed_m_s)
    if length > MINUTES_MAX:
        raise ValueError(f"A run has at most {MINUTES_MAX} minutes, not {length}.")
    if any(len(getattr(minutes, name)) != length for name, _ in CHANNELS):
        raise ValueError("The minutes of a run are arrays of one length.")
    scaled = np.array([np.asarray(getattr(minutes, name), dtype=np.float64) * scale for name, scale in CHANNELS])
    np.round(scaled, out=scaled)
    scaled[~(np.abs(scaled) <= 32767)] = MISSING  # NaN is in no range either
    return bytes([VERSION]) + zlib.compress(struct.pack("<I", length) + scaled.astype("<i2").tobytes(), 6)


def unpacked_minutes(content: bytes) -> MinuteSeries:
    """
    Unpack the minutes of a run.

    Raises
    ------
    ValueError
        If the bytes are of another version or cut off.
    """
    if not content or content[0] != VERSION:
        raise ValueError("The minutes of this run were stored by another version.")
    try:
        raw = zlib.decompress(content[1:])
        (length,) = struct.unpack_from("<I", raw)
    except (zlib.error, struct.error) as error:
        raise ValueError("The minutes of this run are incomplete.") from error
    if len(raw) != 4 + length * 2 * len(CHANNELS):
        raise ValueError("The minutes of this run are incomplete.")
    arrays = {}
    for index, (name, scale) in enumerate(CHANNELS):
        stored = np.frombuffer(raw, dtype="<i2", count=length, offset=4 + index * length * 2).astype(np.float64)
        arrays[name] = np.where(stored == MISSING, np.nan, stored / scale)
    return MinuteSeries(**arrays)
