"""
What is taken out of a FIT file, whichever of the two readers reads its bytes, and how much of it is too much.

fit_columns.py reads plain files in blocks; fit_messages.py lets fitdecode read all others. Both fill a `FitPart` with the values as the
format's profile defines them; what they mean for a run is worked out here, once.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data.importers.base import FileRefused, Floats
from data.importers.samples import SAMPLES_MAX, Samples, samples_of_columns
from models import ImportOutcome

DEGREES_PER_SEMICIRCLE = 180 / 2**31

# How much one file may hold. A day of records and heartbeats, one a second, is a quarter of the messages.
LIMITS = {
    "messages": (1_000_000, "The file holds more than {:,} messages. No recording of a run does: it may be damaged. Export it again."),
    "points": (SAMPLES_MAX, "The recording has more than {:,} points. No run is that long."),
    "sessions": (100, "The file names more than {:,} sessions. No device writes that."),
    "timer_events": (20_000, "The file stops and starts its clock more than {:,} times. No device writes that."),
    "kinds_of_record": (1_000, "The file defines its points in more than {:,} ways. No device writes that."),
    "files": (1_000, "More than {:,} FIT files are joined in this one. Import them one by one."),
    "bytes_read_slowly": (
        8_000_000,
        "The file is larger than {:,} bytes and is not written as watches write them. Export the run again, as TCX or GPX if it stays so.",
    ),
    "values_read_slowly": (
        600_000,
        "The file holds more than {:,} values and is not written as watches write them. Export the run again, as TCX or GPX if it stays so.",
    ),
}

# Fields of a record, by their names in the profile -> column; of two for one column the one that is written first counts.
RECORD_FIELDS = {
    "timestamp": "time_s", "position_lat": "latitude_semicircles", "position_long": "longitude_semicircles", "enhanced_altitude": "altitude_m",
    "altitude": "altitude_m", "distance": "distance_m", "enhanced_speed": "speed_m_s", "speed": "speed_m_s", "cadence": "strides_per_min",
    "fractional_cadence": "stride_fraction_per_min", "stance_time": "ground_contact_time_ms", "vertical_oscillation": "vertical_oscillation_mm",
}  # fmt: skip
# Developer fields of foot pods, by name and unit. RunScribe's are those of its data field (ScribeLabs/garmin-connect-iq-runscribe-light,
# source/RunScribeDataField.mc): `GCT` for one pod or for the mean of two, else one a foot, 0 where the pod said nothing.
POD_FIELDS = {
    ("Ground Time", "Milliseconds"): "stryd_contact_ms",
    ("Vertical Oscillation", "Centimeters"): "stryd_oscillation_cm",
    ("GCT", "ms"): "runscribe_contact_ms",
    ("GCT_L", "ms"): "runscribe_left_ms",
    ("GCT_R", "ms"): "runscribe_right_ms",
}
RECORD_COLUMNS = tuple(dict.fromkeys((*RECORD_FIELDS.values(), *POD_FIELDS.values())))
# Fields of the other messages that are kept, by their names in the profile.
SUMMARY_FIELDS = {
    "file_id": frozenset({"type", "manufacturer", "product", "garmin_product", "product_name"}),
    "session": frozenset({
        "timestamp", "start_time", "sport", "sub_sport", "total_elapsed_time", "total_timer_time", "total_distance", "avg_cadence",
        "avg_running_cadence", "avg_fractional_cadence", "avg_stance_time", "avg_vertical_oscillation",
    }),
    "sport": frozenset({"sport", "sub_sport"}),
    "activity": frozenset({"timestamp", "local_timestamp", "total_timer_time"}),
    "event": frozenset({"timestamp", "event", "event_type"}),
}  # fmt: skip

Message = dict[str, Any]


class Counted:
    """Counts what a file holds, and refuses it above a limit. One for a file, all that is chained in it included."""

    def __init__(self) -> None:
        self.held: Counter[str] = Counter()

    def add(self, what: str, count: int = 1) -> None:
        """
        Count.

        Raises
        ------
        FileRefused
            Above the limit of `LIMITS`; on it is allowed.
        """
        self.held[what] += count
        limit, sentence = LIMITS[what]
        if self.held[what] > limit:
            raise FileRefused(ImportOutcome.UNREADABLE, sentence.format(limit))


@dataclass
class FitPart:
    """
    What one FIT file says; several may be chained in one.

    Attributes
    ----------
    sport : dict or None
        The sport that was announced last.
    timer_events : list of (time, kind)
        Seconds since the FIT epoch; kind is "start" or begins with "stop".
    columns : dict of ndarray
        Values of the records in the order of the file, by the names of `RECORD_COLUMNS`, NaN where one has none. A column without any
        value is left out; the others are equally long.
    record_sports : dict
        How many records name each sport.
    """

    header: Message = field(default_factory=dict)
    sessions: list[Message] = field(default_factory=list)
    sport: Message | None = None
    activity: Message = field(default_factory=dict)
    timer_events: list[tuple[float, str]] = field(default_factory=list)
    columns: dict[str, Floats] = field(default_factory=dict)
    record_sports: dict[str, int] = field(default_factory=dict)

    def keep(self, name: str, values: Message, counted: Counted) -> None:
        """Keep what a message other than a record says."""
        if name == "file_id":
            self.header = self.header or values
        elif name == "session":
            counted.add("sessions")
            self.sessions.append(values)
        elif name == "sport":
            self.sport = values
        elif name == "activity":
            self.activity = values
        elif values.get("event") == "timer":
            at, kind = seconds_in(values.get("timestamp")), str(values.get("event_type"))
            if at is not None and (kind == "start" or kind.startswith("stop")):
                counted.add("timer_events")
                self.timer_events.append((at, kind))

    @property
    def times(self) -> Floats:
        """Times of the records that have one, as seconds since the FIT epoch or since power-on, in the order of the file."""
        times = self.columns.get("time_s", np.zeros(0))
        return times[(times >= 0) & (times < 2**32)]

    @property
    def pod(self) -> str:
        """Which pod measured ground contact, empty if the watch did or nobody."""
        if "ground_contact_time_ms" in self.columns:
            return ""
        if np.any(self.columns.get("stryd_contact_ms", np.zeros(0)) > 0):
            return "Stryd"
        feet = [np.any(self.columns.get(f"runscribe_{which}_ms", np.zeros(0)) > 0) for which in ("contact", "left", "right")]
        if not any(feet):
            return ""
        return "RunScribe, of one foot only" if not feet[0] and not all(feet[1:]) else "RunScribe"


def number_in(value: Any) -> float | None:
    """Take a number out of a field; of an array the first one. None for text, nothing, or what is no finite number."""
    if isinstance(value, tuple):
        value = next((item for item in value if item is not None), None)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def seconds_in(value: Any) -> float | None:
    """Take a time out of a field: whole seconds since the FIT epoch or since power-on, as 32 bits hold them."""
    number = number_in(value)
    return number if number is not None and 0 <= number < 2**32 else None


def samples_of(part: FitPart) -> Samples:
    """
    Turn the records of a file into samples; `time_s` counts from the FIT epoch.

    Strides become steps. A pod's ground contact stands in where the watch has none: the two are never mixed in one file.
    """
    columns = dict(part.columns)
    for name in ("latitude", "longitude"):
        if (semicircles := columns.pop(f"{name}_semicircles", None)) is not None:
            columns[f"{name}_deg"] = semicircles * DEGREES_PER_SEMICIRCLE
    fraction = columns.pop("stride_fraction_per_min", None)
    if (strides := columns.pop("strides_per_min", None)) is not None:
        if fraction is not None:
            strides = strides + np.nan_to_num(fraction)
        columns["cadence_spm"] = 2 * strides
    pod = {name: columns.pop(name) for name in POD_FIELDS.values() if name in columns}
    if pod and "ground_contact_time_ms" not in columns:
        columns.pop("vertical_oscillation_mm", None)
        columns |= _by_pod(pod)
    return samples_of_columns(columns)


def _by_pod(pod: dict[str, Floats]) -> dict[str, Floats]:
    length = len(next(iter(pod.values())))
    stryd, both, left, right = (
        _written(pod.get(name), length) for name in ("stryd_contact_ms", "runscribe_contact_ms", "runscribe_left_ms", "runscribe_right_ms")
    )
    feet = np.where(np.isnan(left), right, np.where(np.isnan(right), left, (left + right) / 2))
    runscribe = np.where(np.isnan(both), feet, both)
    dynamics = {"ground_contact_time_ms": np.where(np.isnan(stryd), runscribe, stryd)}
    if "stryd_oscillation_cm" in pod:
        dynamics["vertical_oscillation_mm"] = 10 * pod["stryd_oscillation_cm"]
    return dynamics


def _written(column: Floats | None, length: int) -> Floats:
    """A pod writes 0 where it has nothing to say."""
    return np.full(length, np.nan) if column is None else np.where(column == 0, np.nan, column)
