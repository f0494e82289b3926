"""
GPX tracks. The format has no sport that can be relied on, no timer and no device total: the way and the time come from the points.
A cadence in the extensions, in whichever namespace, counts strides of one leg and is doubled because the format says so.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from xml.etree.ElementTree import Element  # nosec - only the type; the parser is defusedxml's

from data.importers import sports
from data.importers.base import FileRefused, Importer, ReadFile
from data.importers.gathering import Activity, file_of
from data.importers.recording import Recording
from data.importers.samples import samples_from
from data.importers.xml_stream import XmlStream, local_name, number_in, root_name, time_in, utc_seconds
from models import CadenceRule, ImportOutcome

_COLUMNS = ("time_s", "latitude_deg", "longitude_deg", "altitude_m", "cadence_spm", "segment")
_CADENCE_NAMES = frozenset({"cad", "cadence", "runcadence", "run_cadence"})
SAME_RUN_WITHIN_S = 1800.0  # some apps begin a new track after a pause
TIMED_MIN = 0.5  # of the points must have a time


@dataclass
class _Track:
    sport: str | None = None
    rows: list[list[float | None]] = field(default_factory=list)
    untimed: int = 0
    segment: int = 0
    offset_s: int | None = None
    has_zone: bool = True
    last_s: float | None = None


def recognises(content: bytes) -> bool:
    """Tell by the name of the first element."""
    return root_name(content) == "gpx"


def read(content: bytes) -> ReadFile:
    """
    Read the tracks of a GPX file.

    Tracks that follow each other within half an hour are one run.

    Returns
    -------
    ReadFile
        `partial` if the XML breaks off.

    Raises
    ------
    FileRefused
        If no track is a run, or none has times.
    """
    tracks, device, broken = _parsed(content)
    found = (
        Activity(track.sport, sports.is_run(track.sport) is not False, partial(_recording, track, device))
        for track in _joined([track for track in tracks if track.rows or track.untimed])
    )
    return file_of(found, broken=broken, nothing=lambda others: _nothing(others, broken))


def _nothing(others: list[str | None], broken: str) -> FileRefused:
    if others:
        return FileRefused(ImportOutcome.NOT_A_RUN, sports.not_a_run(others))
    if broken:
        return FileRefused(ImportOutcome.UNREADABLE, f"{broken} No track could be read before. Export the run again.")
    return FileRefused(ImportOutcome.NO_DATA, "The file holds no track with points (perhaps only waypoints, a route or a description).")


def _parsed(content: bytes) -> tuple[list[_Track], str, str]:
    stream = XmlStream(content, forgotten=frozenset({"trkpt"}))
    tracks: list[_Track] = []
    device = ""
    for event, path, element in stream:
        name = path[-1]
        if event == "start":
            if name == "gpx":
                device = element.get("creator") or ""
            elif name == "trk":
                tracks.append(_Track())
            elif name == "trkseg" and tracks:
                tracks[-1].segment += 1
        elif tracks and name == "trkpt":
            _keep_point(tracks[-1], element)
        elif tracks and name == "type" and path[-2:-1] == ["trk"]:
            tracks[-1].sport = (element.text or "").strip() or None
    return tracks, device, stream.broken


def _keep_point(track: _Track, point: Element) -> None:
    at, altitude, strides = None, None, None
    for item in point.iter():
        name = local_name(item)
        if name == "time":
            at = time_in(item.text)
        elif name == "ele":
            altitude = number_in(item.text)
        elif name.casefold() in _CADENCE_NAMES and strides is None:
            strides = number_in(item.text)
    if at is None:
        track.untimed += 1
        return
    zone = at.utcoffset()
    track.has_zone = zone is not None
    if zone:
        track.offset_s = int(zone.total_seconds())
    track.last_s = utc_seconds(at)
    cadence_spm = 2 * strides if strides is not None else None
    track.rows.append([track.last_s, number_in(point.get("lat")), number_in(point.get("lon")), altitude, cadence_spm, float(track.segment)])


def _joined(tracks: list[_Track]) -> list[_Track]:
    joined: list[_Track] = []
    for track in tracks:
        before = joined[-1] if joined else None
        starts = track.rows[0][0] if track.rows else None
        follows = (
            before is not None
            and before.last_s is not None
            and starts is not None
            and 0 <= starts - before.last_s <= SAME_RUN_WITHIN_S
            and (track.sport or before.sport) == (before.sport or track.sport)
        )
        if before is None or not follows:
            joined.append(track)
            continue
        for row in track.rows:
            row[5] = (row[5] or 0.0) + before.segment
        before.rows += track.rows
        before.segment += track.segment
        before.untimed += track.untimed
        before.last_s, before.sport = track.last_s, before.sport or track.sport
    return joined


def _recording(track: _Track, device: str) -> Recording:
    if len(track.rows) < TIMED_MIN * (len(track.rows) + track.untimed) or not track.rows:
        raise FileRefused(
            ImportOutcome.NO_DATA,
            f"{track.untimed} of {track.untimed + len(track.rows)} points of the track have no time, so it may be a planned route. "
            "Export the recorded run with times, or enter it by hand.",
        )
    begun = min(row[0] for row in track.rows if row[0] is not None)
    rows = [[(row[0] or begun) - begun, *row[1:]] for row in track.rows]
    notes, doubts = [], []
    if track.untimed:
        notes.append(f"{track.untimed} points without a time were left out.")
    if not track.has_zone:
        notes.append("The file's times name no time zone; they are taken as the patient's local time.")
    if track.sport is None:
        notes.append("The file names no sport; it is taken as a run.")
    elif sports.is_run(track.sport) is None:
        doubts.append(f"The file calls this “{track.sport[:40]}”; it is taken as a run.")
    return Recording(
        started_at_utc=datetime.fromtimestamp(begun, UTC),
        samples=samples_from(rows, _COLUMNS),
        cadence_rule=CadenceRule.GPX_STRIDES_DOUBLED,
        device=device,
        utc_offset_s=track.offset_s,
        clock_is_local=not track.has_zone,
        notes=tuple(notes),
        doubts=tuple(doubts),
    )


GPX = Importer(name="gpx", label="GPX (track)", suffixes=(".gpx", ".xml"), recognises=recognises, read=read)
