"""Run files made for tests: FIT bytes by a small encoder of our own, TCX and GPX as text. Nobody's recording is among them."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

FIT_EPOCH = datetime(1989, 12, 31, tzinfo=UTC)
START = datetime(2025, 3, 2, 14, 0, tzinfo=UTC)  # a Sunday, 08:00 in Chicago
METRE_NORTH_DEG = 1 / 111_195.08  # on a sphere of 6,371,008.8 m
SEMICIRCLES_PER_DEGREE = 2**31 / 180

# -- FIT -------------------------------------------------------------------------------------------------------------

_FORMATS = {0x00: "B", 0x02: "B", 0x84: "H", 0x86: "I", 0x85: "i", 0x88: "f"}
ENUM, UINT8, UINT16, UINT32, SINT32, FLOAT32 = _FORMATS
# message -> (global number, {field: (number, base type, scale, offset)})
_PROFILE: dict[str, tuple[int, dict[str, tuple[int, int, float, float]]]] = {
    "file_id": (0, {"type": (0, ENUM, 1, 0), "manufacturer": (1, UINT16, 1, 0), "product": (2, UINT16, 1, 0), "time_created": (4, UINT32, 1, 0)}),
    "sport": (12, {"sport": (0, ENUM, 1, 0), "sub_sport": (1, ENUM, 1, 0)}),
    "session": (
        18,
        {
            "timestamp": (253, UINT32, 1, 0), "start_time": (2, UINT32, 1, 0), "sport": (5, ENUM, 1, 0), "sub_sport": (6, ENUM, 1, 0),
            "total_elapsed_time": (7, UINT32, 1000, 0), "total_timer_time": (8, UINT32, 1000, 0), "total_distance": (9, UINT32, 100, 0),
            "avg_cadence": (18, UINT8, 1, 0), "avg_fractional_cadence": (92, UINT8, 128, 0), "avg_stance_time": (91, UINT16, 10, 0),
        },
    ),
    "record": (
        20,
        {
            "timestamp": (253, UINT32, 1, 0), "position_lat": (0, SINT32, SEMICIRCLES_PER_DEGREE, 0),
            "position_long": (1, SINT32, SEMICIRCLES_PER_DEGREE, 0), "altitude": (2, UINT16, 5, 500), "cadence": (4, UINT8, 1, 0),
            "distance": (5, UINT32, 100, 0), "speed": (6, UINT16, 1000, 0), "stance_time": (41, UINT16, 10, 0),
            "fractional_cadence": (53, UINT8, 128, 0), "heart_rate": (3, UINT8, 1, 0), "vertical_oscillation": (39, UINT16, 10, 0),
        },
    ),
    "event": (21, {"timestamp": (253, UINT32, 1, 0), "event": (0, ENUM, 1, 0), "event_type": (1, ENUM, 1, 0)}),
    "activity": (
        34,
        {"timestamp": (253, UINT32, 1, 0), "total_timer_time": (0, UINT32, 1000, 0), "local_timestamp": (5, UINT32, 1, 0)},
    ),
}  # fmt: skip
RUNNING, CYCLING, TRANSITION, FITNESS, GENERIC, WALKING, SWIMMING = 1, 2, 3, 4, 0, 11, 5
TREADMILL = 1
TIMER, START_TIMER, STOP_TIMER = 0, 0, 1

Message = tuple[str, dict[str, Any]]


def fit_time(moment: datetime) -> int:
    """Seconds since the FIT epoch."""
    return int((moment - FIT_EPOCH).total_seconds())


def crc16(content: bytes) -> int:
    """The checksum of the FIT protocol, nibble by nibble."""
    table = (0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400)
    crc = 0
    for byte in content:
        for nibble in (byte & 0xF, byte >> 4):
            crc = (crc >> 4) & 0x0FFF ^ table[crc & 0xF] ^ table[nibble]
    return crc


def fit_file(
    messages: Iterable[Message],
    *,
    compressed_timestamps: bool = False,
    header_size: int = 14,
    big_endian: bool = False,
    always_define: bool = False,
) -> bytes:
    """
    Encode messages as a FIT file.

    `compressed_timestamps` leaves the timestamp field out of records and puts its last five bits into the record header; `always_define`
    writes a definition before each message, as some apps do.
    """
    order = ">" if big_endian else "<"
    body = bytearray()
    shapes: dict[tuple[str, tuple[str, ...]], int] = {}
    for name, values in messages:
        packed = compressed_timestamps and name == "record"
        written = {key: value for key, value in values.items() if not (packed and key == "timestamp")}
        shape = name, tuple(written)
        number, fields = _PROFILE[name]
        if always_define or shape not in shapes:
            local = shapes[shape] = len(shapes) % (4 if compressed_timestamps else 16)
            shapes = {key: kept for key, kept in shapes.items() if kept != local or key == shape}
            body += struct.pack(order + "BBBHB", 0x40 | local, 0, big_endian, number, len(written))
            for key in written:
                field_number, base_type, *_ = fields[key]
                body += bytes([field_number, struct.calcsize(_FORMATS[base_type]), base_type])
        local = shapes[shape]
        body.append(0x80 | local << 5 | int(values["timestamp"]) & 0x1F if packed else local)
        for key, value in written.items():
            _, base_type, scale, offset = fields[key]
            coded = (value + offset) * scale
            body += struct.pack(order + _FORMATS[base_type], coded if base_type == FLOAT32 else round(coded))
    return fit_wrapped(bytes(body), header_size=header_size)


def fit_wrapped(body: bytes, *, header_size: int = 14) -> bytes:
    """Put header and checksum around the body of a FIT file."""
    header = struct.pack("<BBHI4s", header_size, 0x20, 2132, len(body), b".FIT")
    if header_size == 14:
        header += struct.pack("<H", crc16(header))
    return header + body + struct.pack("<H", crc16(header + body))


@dataclass(frozen=True)
class FitRun:
    """
    A steady session with one record a second: 3 m/s, 85.5 strides per minute, on level ground northwards from Chicago.

    By default 600 s, so 1,800 m at 171 steps per minute.
    """

    start: datetime = START
    seconds: int = 600
    speed_m_s: float = 3.0
    strides_per_min: float = 85.5
    sport: int = RUNNING
    sub_sport: int = 0
    gps: bool = True
    longitude_deg: float = -87.6
    session: dict[str, Any] = field(default_factory=dict)  # changes to the session message; None leaves a field out
    distance_from_m: float = 0.0

    def records(self) -> list[Message]:
        """One record a second, the last one at the end."""
        return [self.record(second) for second in range(self.seconds + 1)]

    def record(self, second: int, **changes: Any) -> Message:
        """The record of one second."""
        way_m = self.speed_m_s * second
        whole = int(self.strides_per_min)
        values: dict[str, Any] = {"timestamp": fit_time(self.start) + second}
        if self.gps:
            values |= {"position_lat": 41.9 + way_m * METRE_NORTH_DEG, "position_long": self.longitude_deg}
        values |= {
            "distance": self.distance_from_m + way_m,
            "speed": self.speed_m_s,
            "cadence": whole,
            "fractional_cadence": self.strides_per_min - whole,
        }
        return "record", {key: value for key, value in (values | changes).items() if value is not None}

    def summary(self) -> Message:
        """The session message."""
        values = {
            "timestamp": fit_time(self.start) + self.seconds, "start_time": fit_time(self.start), "sport": self.sport, "sub_sport": self.sub_sport,
            "total_elapsed_time": self.seconds, "total_timer_time": self.seconds, "total_distance": self.speed_m_s * self.seconds,
            "avg_cadence": int(self.strides_per_min),
        }  # fmt: skip
        return "session", {key: value for key, value in (values | self.session).items() if value is not None}

    def changed(self, **changes: Any) -> "FitRun":
        return replace(self, **changes)


def file_id(kind: int = 4) -> Message:
    """What begins each FIT file; kind 4 is an activity. Garmin's Forerunner 955."""
    return "file_id", {"type": kind, "manufacturer": 1, "product": 4024, "time_created": fit_time(START)}


def timer_event(at: datetime, kind: int) -> Message:
    return "event", {"timestamp": fit_time(at), "event": TIMER, "event_type": kind}


def activity_message(at: datetime, offset: timedelta | None = None) -> Message:
    """The closing message, with the local time if an offset is given."""
    values: dict[str, Any] = {"timestamp": fit_time(at)}
    if offset is not None:
        values["local_timestamp"] = fit_time(at + offset)
    return "activity", values


def fit_run(run: FitRun | None = None, *more: Message, **changes: Any) -> bytes:
    """A whole file with one session; `more` messages follow the session."""
    run = (run or FitRun()).changed(**changes)
    return fit_file([file_id(), *run.records(), run.summary(), *more])


# -- TCX -------------------------------------------------------------------------------------------------------------


def xml_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def tcx_point(
    moment: datetime,
    *,
    distance_m: float | None = None,
    run_cadence: int | None = None,
    cadence: int | None = None,
    north_m: float | None = None,
) -> str:
    """One Trackpoint; what is None is not written."""
    position = "" if north_m is None else (
        f"<Position><LatitudeDegrees>{41.9 + north_m * METRE_NORTH_DEG:.9f}</LatitudeDegrees>"
        "<LongitudeDegrees>-87.6</LongitudeDegrees></Position>"
    )  # fmt: skip
    distance = "" if distance_m is None else f"<DistanceMeters>{distance_m}</DistanceMeters>"
    plain = "" if cadence is None else f"<Cadence>{cadence}</Cadence>"
    extended = "" if run_cadence is None else f"<Extensions><x:TPX><x:RunCadence>{run_cadence}</x:RunCadence></x:TPX></Extensions>"
    return f"<Trackpoint><Time>{xml_time(moment)}</Time>{position}{distance}{plain}{extended}</Trackpoint>"


def tcx_lap(start: datetime, points: Iterable[str], *, time_s: float | None = None, distance_m: float | None = None, more: str = "") -> str:
    time_text = "" if time_s is None else f"<TotalTimeSeconds>{time_s}</TotalTimeSeconds>"
    distance = "" if distance_m is None else f"<DistanceMeters>{distance_m}</DistanceMeters>"
    return f'<Lap StartTime="{xml_time(start)}">{time_text}{distance}<Track>{"".join(points)}</Track>{more}</Lap>'


def tcx_file(*activities: tuple[str, Sequence[str]]) -> bytes:
    """A file of activities, each a sport and its laps."""
    inner = "".join(
        f'<Activity Sport="{sport}"><Id>{xml_time(START)}</Id>{"".join(laps)}<Creator><Name>Ada&apos;s watch</Name></Creator></Activity>'
        for sport, laps in activities
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2" '
        f'xmlns:x="http://www.garmin.com/xmlschemas/ActivityExtension/v2"><Activities>{inner}</Activities></TrainingCenterDatabase>'
    ).encode()


def tcx_run(
    *, seconds: int = 600, speed_m_s: float = 3.0, strides: int = 85, gps: bool = True, sport: str = "Running", start: datetime = START
) -> bytes:
    """A steady run in one lap with a point a second: by default 1,800 m in 600 s at 170 steps per minute."""
    points = [
        tcx_point(
            start + timedelta(seconds=second),
            distance_m=speed_m_s * second,
            run_cadence=strides,
            north_m=speed_m_s * second if gps else None,
        )
        for second in range(seconds + 1)
    ]
    return tcx_file((sport, [tcx_lap(start, points, time_s=seconds, distance_m=speed_m_s * seconds)]))


# -- GPX -------------------------------------------------------------------------------------------------------------


def gpx_point(north_m: float, moment: datetime | str | None, *, extension: str = "", altitude_m: float | None = None) -> str:
    written = xml_time(moment) if isinstance(moment, datetime) else moment
    time_text = "" if written is None else f"<time>{written}</time>"
    altitude = "" if altitude_m is None else f"<ele>{altitude_m}</ele>"
    more = f"<extensions>{extension}</extensions>" if extension else ""
    return f'<trkpt lat="{41.9 + north_m * METRE_NORTH_DEG:.9f}" lon="-87.6">{altitude}{time_text}{more}</trkpt>'


def gpx_track(*segments: Iterable[str], sport: str | None = "running") -> str:
    kind = "" if sport is None else f"<type>{sport}</type>"
    joined = "".join("<trkseg>" + "".join(points) + "</trkseg>" for points in segments)
    return f"<trk><name>x</name>{kind}{joined}</trk>"


def gpx_file(*tracks: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="Ben\'s app" xmlns="http://www.topografix.com/GPX/1/1" '
        f'xmlns:g="http://www.garmin.com/xmlschemas/TrackPointExtension/v1">{"".join(tracks)}</gpx>'
    ).encode()


def steady_points(
    seconds: int = 600, *, speed_m_s: float = 3.0, start: datetime = START, from_m: float = 0.0, strides: int | None = 85, step_s: int = 5
) -> list[str]:
    """Points of a steady run northwards, one every `step_s`."""
    extension = "" if strides is None else f"<g:TrackPointExtension><g:cad>{strides}</g:cad></g:TrackPointExtension>"
    return [
        gpx_point(from_m + speed_m_s * second, start + timedelta(seconds=second), extension=extension)
        for second in range(0, seconds + 1, step_s)
    ]


# --------------------------------------------------------------------------------------------------------------------
# Apple Health
# --------------------------------------------------------------------------------------------------------------------


def apple_health_run() -> bytes:
    """Write an export with one running workout: 5 km in 30 minutes from 2025-03-04 07:00 in Berlin, no steps."""
    workout = (
        '<Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="30" durationUnit="min" totalDistance="5" '
        'totalDistanceUnit="km" sourceName="Watch" startDate="2025-03-04 07:00:00 +0100" endDate="2025-03-04 07:30:00 +0100"/>'
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><HealthData locale="en_US">{workout}</HealthData>'.encode()
