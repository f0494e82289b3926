"""
What makes somebody look at a run: each doubt is a sentence with its number and its limit.

A doubtful run is kept as it was read; one that would falsify a total if the doubt is right does not count before a person accepts it
(`holds_back`). Below is said what no runner does; what is impossible is refused in recording.py.
"""

from datetime import UTC, datetime

# From this distance on the speed of the men's world record over it (World Athletics and, above the marathon, IAU lists, 2025: 56:42,
# 2:00:35, 2:38:43, 6:05:35); below the half marathon 6.5 m/s, the pace of 25:38 for 10 km. Faster is a ride, as far as a clinic is concerned.
FASTEST_KM_H = ((0.0, 23.4), (21_097.5, 22.3), (42_195.0, 21.0), (50_000.0, 18.9), (100_000.0, 16.4))
SHORT_RUN_M, SHORT_RUN_S = 100.0, 60.0  # below: started by mistake, or stopped at once
STOOD_FROM_S, STOOD_SHARE_FROM = 600.0, 1 / 3  # both: nobody waits that long at lights; the watch was not stopped
CLOCK_SET_FROM = datetime(
    2000, 1, 1, tzinfo=UTC
)  # no GPS watch is older; clocks that were never set begin in 1970, 1980 or at the end of 1989


def doubts_about(*, distance_m: float, moving_time_s: float, stood_s: float, started_at_utc: datetime) -> list[str]:
    """
    Say what is doubtful about a run.

    Parameters
    ----------
    distance_m, moving_time_s : float
        Of the run; the time is above 0.
    stood_s : float
        For how long of the moving time the runner stood.
    started_at_utc : datetime
        Aware.

    Returns
    -------
    list of str
        Empty if nothing is.
    """
    found = [ride_like(distance_m, moving_time_s)]
    if distance_m < SHORT_RUN_M or moving_time_s < SHORT_RUN_S:
        found.append(f"Only {distance_m:.0f} m in {moving_time_s:.0f} s: perhaps started by mistake.")
    if stood_s >= STOOD_FROM_S and stood_s >= STOOD_SHARE_FROM * moving_time_s:
        found.append(
            f"For {stood_s / 60:.0f} of {moving_time_s / 60:.0f} min the runner stood while the clock ran ({STOOD_FROM_S / 60:.0f} min and a "
            "third of the time are looked at): perhaps the watch was not stopped. Time and mean speed are those of the whole."
        )
    if started_at_utc < CLOCK_SET_FROM:
        found.append(
            f"It is dated {started_at_utc:%Y-%m-%d}, before {CLOCK_SET_FROM.year}: the clock of the device was not set. Its day has to be set by hand."
        )
    return [sentence for sentence in found if sentence]


def holds_back(*, distance_m: float, moving_time_s: float, started_at_utc: datetime) -> bool:
    """
    Say whether a run would falsify a total if its doubts are right: it may be a ride, or belong to another day.

    >>> holds_back(distance_m=50.0, moving_time_s=30.0, started_at_utc=CLOCK_SET_FROM)
    False
    """
    return bool(ride_like(distance_m, moving_time_s)) or started_at_utc < CLOCK_SET_FROM


def ride_like(distance_m: float, moving_time_s: float) -> str:
    """
    Say that a run is faster than anyone runs so far; empty if it is not.

    >>> ride_like(55_000, 55_000 / 20 * 3.6)
    'The mean speed of 20.0 km/h is above 18.9 km/h, the world record over 50 km: this may be a ride.'
    >>> ride_like(10_000, 1600)
    ''
    """
    speed_km_h = round(distance_m / moving_time_s * 3.6, 1)
    from_m, limit_km_h = next((from_m, limit) for from_m, limit in reversed(FASTEST_KM_H) if distance_m >= from_m)
    if speed_km_h <= limit_km_h:
        return ""
    record = f", the world record over {from_m / 1000:.0f} km" if from_m else ""
    return f"The mean speed of {speed_km_h} km/h is above {limit_km_h} km/h{record}: this may be a ride."


def no_such_cadence(cadence_spm: float) -> str:
    """Say that a cadence was left out."""
    return (
        f"Cadence was left out: read as its format says it would be {cadence_spm:.0f} steps per minute. The app that wrote the file may "
        "count steps where strides belong."
    )
