"""
Garmin's Training Center XML. `RunCadence` and `Cadence` are strides of one leg in a run and are doubled because the format says so.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from xml.etree.ElementTree import Element  # nosec - only the type; the parser is defusedxml's

from data.importers import sports
from data.importers.base import FileRefused, Importer, ReadFile
from data.importers.gathering import Activity, file_of
from data.importers.recording import Recording, Stated
from data.importers.samples import samples_from
from data.importers.xml_stream import XmlStream, local_name, number_in, root_name, time_in, utc_seconds
from models import CadenceRule, ImportOutcome

_COLUMNS = ("time_s", "latitude_deg", "longitude_deg", "altitude_m", "distance_m", "speed_m_s", "cadence_spm")
_FIELDS = {"LatitudeDegrees": 1, "LongitudeDegrees": 2, "AltitudeMeters": 3, "DistanceMeters": 4, "Speed": 5}
LAPS_COVER_MIN = 0.9  # of the time must lie in laps that state a cadence, before their mean is the device's


@dataclass
class _Lap:
    start: datetime | None
    time_s: float | None = None
    distance_m: float | None = None
    strides_per_min: float | None = None
    first_s: float | None = None
    last_s: float | None = None

    def timer_s(self) -> float:
        """Timer time; for a lap that was never closed, from its first point to its last."""
        if self.time_s is not None:
            return self.time_s
        return self.last_s - self.first_s if self.first_s is not None and self.last_s is not None else 0.0


@dataclass
class _Parsed:
    sport: str | None
    laps: list[_Lap] = field(default_factory=list)
    rows: list[list[float | None]] = field(default_factory=list)
    device: str = ""
    offset_s: int | None = None
    has_zone: bool = True


def recognises(content: bytes) -> bool:
    """Tell by the name of the first element."""
    return root_name(content) in {"TrainingCenterDatabase", "Activities", "Activity"}


def read(content: bytes) -> ReadFile:
    """
    Read the running activities of a TCX file.

    Returns
    -------
    ReadFile
        One run an activity; `partial` if the XML breaks off.

    Raises
    ------
    FileRefused
        If no activity is a run, or nothing can be read.
    """
    activities, broken = _parsed(content)
    found = (Activity(item.sport, _is_run(item.sport), partial(_recording, item, broken=bool(broken))) for item in activities)
    return file_of(found, broken=broken, nothing=lambda others: _nothing(others, broken))


def _is_run(sport: str | None) -> bool:
    return not sport or sports.is_run(sport) is True


def _nothing(others: list[str | None], broken: str) -> FileRefused:
    if others:
        return FileRefused(ImportOutcome.NOT_A_RUN, sports.not_a_run(others))
    if broken:
        return FileRefused(ImportOutcome.UNREADABLE, f"{broken} No run could be read before. Export the run again.")
    return FileRefused(ImportOutcome.NO_DATA, "The file holds no activity (perhaps a course or a planned workout).")


def _parsed(content: bytes) -> tuple[list[_Parsed], str]:
    stream = XmlStream(content, forgotten=frozenset({"Trackpoint"}))
    activities: list[_Parsed] = []
    for event, path, element in stream:
        name = path[-1]
        if event == "start":
            if name == "Activity":
                activities.append(_Parsed(element.get("Sport")))
            elif name == "Lap" and activities:
                activities[-1].laps.append(_Lap(time_in(element.get("StartTime"))))
        elif activities:
            _keep(activities[-1], path, element)
    return activities, stream.broken


def _keep(activity: _Parsed, path: list[str], element: Element) -> None:
    name, parent = path[-1], path[-2] if len(path) > 1 else ""
    if name == "Trackpoint":
        _keep_point(activity, element)
    elif name == "Name" and parent == "Creator":
        activity.device = (element.text or "").strip()
    elif activity.laps and "Lap" in path and "Trackpoint" not in path:
        lap, value = activity.laps[-1], number_in(element.text)
        if parent == "Lap" and name == "TotalTimeSeconds":
            lap.time_s = value
        elif parent == "Lap" and name == "DistanceMeters":
            lap.distance_m = value
        elif name == "AvgRunCadence" or (parent == "Lap" and name == "Cadence"):
            lap.strides_per_min = value


def _keep_point(activity: _Parsed, point: Element) -> None:
    row: list[float | None] = [None] * len(_COLUMNS)
    run_strides = strides = None
    for item in point.iter():
        name = local_name(item)
        if name == "Time":
            at = time_in(item.text)
            if at is not None:
                row[0] = utc_seconds(at)
                _note_zone(activity, at)
        elif name == "RunCadence":
            run_strides = number_in(item.text)
        elif name == "Cadence":
            strides = number_in(item.text)
        elif name in _FIELDS:
            row[_FIELDS[name]] = number_in(item.text)
    given = run_strides if run_strides is not None else strides
    row[6] = 2 * given if given is not None else None
    activity.rows.append(row)
    if row[0] is not None and activity.laps:
        lap = activity.laps[-1]
        lap.first_s = row[0] if lap.first_s is None else lap.first_s
        lap.last_s = row[0]


def _note_zone(activity: _Parsed, at: datetime) -> None:
    zone = at.utcoffset()
    activity.has_zone = zone is not None
    if zone:
        activity.offset_s = int(zone.total_seconds())


def _recording(activity: _Parsed, *, broken: bool) -> Recording:
    times = [row[0] for row in activity.rows if row[0] is not None]
    starts = [utc_seconds(lap.start) for lap in activity.laps if lap.start is not None]
    begun = min([*starts[:1], *times[:1]], default=None)
    if begun is None:
        raise FileRefused(ImportOutcome.NO_DATA, "The activity has neither a start nor points with a time.")
    timer_s = sum(lap.timer_s() for lap in activity.laps)
    ends = [utc_seconds(lap.start) + lap.timer_s() for lap in activity.laps if lap.start is not None]
    distances = [lap.distance_m for lap in activity.laps if lap.distance_m is not None]
    rows = [[None if row[0] is None else row[0] - begun, *row[1:]] for row in activity.rows]
    notes = [] if activity.has_zone else ["The file's times name no time zone; they are taken as the patient's local time."]
    doubts = [] if activity.sport else ["The file names no sport; it is taken as a run."]
    unclosed = [lap for lap in activity.laps if lap.time_s is None]
    if unclosed:
        notes.append("A lap was never closed; its time is the one between its points.")
    return Recording(
        started_at_utc=datetime.fromtimestamp(begun, UTC),
        samples=samples_from(rows, _COLUMNS),
        cadence_rule=CadenceRule.TCX_STRIDES_DOUBLED,
        stated=Stated(
            distance_m=sum(distances) if distances and len(distances) == len(activity.laps) else None,
            timer_time_s=timer_s or None,
            elapsed_time_s=max(ends, default=begun) - begun or None,
            cadence_spm=_lap_cadence(activity.laps),
            broken=broken,
        ),
        device=activity.device,
        utc_offset_s=activity.offset_s,
        clock_is_local=not activity.has_zone,
        notes=tuple(notes),
        doubts=tuple(doubts),
    )


def _lap_cadence(laps: list[_Lap]) -> float | None:
    """Steps per minute by the laps' own means, weighted by their time."""
    stated = [(lap.strides_per_min, lap.timer_s()) for lap in laps if lap.strides_per_min]
    covered, whole = sum(time_s for _, time_s in stated), sum(lap.timer_s() for lap in laps)
    if covered <= 0 or covered < LAPS_COVER_MIN * whole:
        return None
    return 2 * sum(strides * time_s for strides, time_s in stated) / covered


TCX = Importer(name="tcx", label="TCX (Training Center)", suffixes=(".tcx", ".xml"), recognises=recognises, read=read)
