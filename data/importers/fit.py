"""
Garmin's FIT: what most watches and pods write (Garmin, Coros, Suunto, Polar, Wahoo, Stryd, Strava's apps).

fitdecode reads the bytes. It raises outside its own class on damaged files, so every exception of its iterator ends the reading in one
place, and what was read before stays. Cadence is stored as strides of one leg and is doubled because the format says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import fitdecode
import numpy as np

from data.importers import sports
from data.importers.base import FileRefused, Importer, ReadFile, ReadRun
from data.importers.recording import Recording, Stated, run_of
from data.importers.samples import SAMPLES_MAX, Samples, between, samples_from, travelled
from models import ELAPSED_MAX_S, CadenceRule, ImportOutcome, Surface

FIT_EPOCH_S = 631_065_600  # 1989-12-31 UTC
POWER_ON_BELOW = 0x10000000  # a smaller time counts from when the watch was switched on
DEGREES_PER_SEMICIRCLE = 180 / 2**31
OFFSET_MAX_S, OFFSET_STEP_S = 14 * 3600, 900
GREENWICH_WITHIN_DEG = 30.0
SAVING_S = 5.0  # a session is stamped up to a few seconds after its last record
HEADER_MIN_BYTES = 14

_SURFACES = {
    "treadmill": Surface.TREADMILL,
    "indoor_running": Surface.TREADMILL,
    "virtual_activity": Surface.TREADMILL,
    "trail": Surface.TRAIL,
    "track": Surface.TRACK,
    "street": Surface.ROAD,
    "road": Surface.ROAD,
}
_OTHER_FILES = {
    "workout": "a planned workout",
    "settings": "the settings of a device",
    "course": "a planned course",
    "device": "a description of a device",
    "sport": "the settings of a sport",
    "goals": "goals",
    "totals": "totals",
    "schedules": "a schedule",
    "weight": "body weights",
    "monitoring_a": "steps of a day",
    "monitoring_b": "steps of a day",
    "monitoring_daily": "steps of a day",
    "segment": "a segment",
}
_KEPT_MESSAGES = frozenset({"file_id", "session", "sport", "activity", "event"})
# Field of a record message -> place in the row below; two names for one place: the first one that is written counts.
_COLUMNS = (
    "time_s", "latitude_deg", "longitude_deg", "altitude_m", "distance_m", "speed_m_s", "cadence_spm", "ground_contact_time_ms",
    "vertical_oscillation_mm",
)  # fmt: skip
_FIELDS = {
    "timestamp": 0, "position_lat": 1, "position_long": 2, "enhanced_altitude": 3, "altitude": 3, "distance": 4, "enhanced_speed": 5,
    "speed": 5, "cadence": 6, "stance_time": 7, "vertical_oscillation": 8,
}  # fmt: skip
_FRACTION = 9  # of a stride per minute, beside `cadence`
_POD_CONTACT, _POD_OSCILLATION = 10, 11  # Stryd's developer fields, for watches without their own
_POD_FIELDS = {("Ground Time", "Milliseconds"): _POD_CONTACT, ("Vertical Oscillation", "Centimeters"): _POD_OSCILLATION}

Message = dict[str, Any]
Row = list[float | None]


@dataclass
class _Part:
    """One FIT file; several may be chained in one."""

    header: Message = field(default_factory=dict)
    sessions: list[Message] = field(default_factory=list)
    sports: list[Message] = field(default_factory=list)
    activity: Message = field(default_factory=dict)
    timer_events: list[tuple[float, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    record_sports: dict[str, int] = field(default_factory=dict)
    watch_dynamics: bool = False  # the watch measures ground contact itself


def recognises(content: bytes) -> bool:
    """Tell by the mark that stands in the header of each FIT file."""
    return content[8:12] == b".FIT"


def read(content: bytes) -> ReadFile:
    """
    Read the running sessions of a FIT file.

    Parameters
    ----------
    content : bytes
        One or several chained FIT files.

    Returns
    -------
    ReadFile
        One run a running session; `partial` if the checksum is wrong or the file breaks off.

    Raises
    ------
    FileRefused
        If no session is a run, or nothing can be read.
    """
    parts, broken = _decoded(content)
    runs: list[ReadRun] = []
    others: list[str | None] = []
    refusals: list[FileRefused] = []
    for part in parts:
        sessions = _sessions(part, broken=bool(broken))
        for index, session in enumerate(sessions):
            if not _is_run(session):
                others.append(session.get("sport") or None)
                continue
            try:
                runs.append(run_of(_recording(part, sessions, index, broken=bool(broken))))
            except FileRefused as refusal:
                refusals.append(refusal)
    if not runs:
        raise refusals[0] if refusals else _nothing(parts, others, broken)
    notes = [f"{broken} What could be read is kept."] if broken else []
    if others:
        left_out = ", ".join(dict.fromkeys(sports.named(word) for word in others))
        notes.append(f"Sessions of other sports were left out: {left_out}.")
    notes += [f"One run was left out: {refusal.reason}" for refusal in refusals]
    return ReadFile(runs=tuple(runs), partial=bool(broken), notes=tuple(notes))


def _nothing(parts: list[_Part], others: list[str | None], broken: str) -> FileRefused:
    kinds = [str(part.header.get("type")) for part in parts]
    if any(word and word != "generic" for word in others):
        return FileRefused(ImportOutcome.NOT_A_RUN, sports.not_a_run(others))
    if others:
        return FileRefused(
            ImportOutcome.NOT_A_RUN,
            "The file does not say that this is a run: its sport is generic or missing. "
            "If it was a run, set the sport in the app that saved it and export it again, or enter the run by hand.",
        )
    if broken:
        return FileRefused(ImportOutcome.UNREADABLE, f"{broken} No run could be read before. Copy the file from the watch again.")
    for kind in kinds:
        if kind in _OTHER_FILES:
            return FileRefused(ImportOutcome.NO_DATA, f"This file holds {_OTHER_FILES[kind]}, not a recorded activity.")
    return FileRefused(ImportOutcome.NO_DATA, "The file holds no activity with times.")


def _is_run(session: Message) -> bool:
    if session.get("sport") in {"fitness_equipment", "generic", None}:
        return session.get("sub_sport") in {"treadmill", "indoor_running"}
    return session.get("sport") == "running"


# -- from bytes to messages ------------------------------------------------------------------------------------------


def _decoded(content: bytes) -> tuple[list[_Part], str]:
    """Read messages until the end or the break; the second value says in a sentence what is broken."""
    parts: list[_Part] = []
    broken = ""
    if content[4:8] == b"\0\0\0\0" and len(content) > HEADER_MIN_BYTES:  # a watch that died writes its size last
        content = content[:4] + max(len(content) - content[0] - 2, 0).to_bytes(4, "little") + content[8:]
        broken = "The watch did not finish writing this file."
    samples = 0
    try:
        for frame in _frames(content):
            if frame.frame_type == fitdecode.FIT_FRAME_HEADER:
                parts.append(_Part())
                if frame.crc_matched is False:
                    broken = broken or "The checksum of the file's header is wrong: it was changed or damaged."
            elif frame.frame_type == fitdecode.FIT_FRAME_CRC:
                if not frame.matched:
                    broken = broken or "The checksum of the file is wrong: it was changed or damaged."
            elif frame.name == "record":
                samples += 1
                if samples > SAMPLES_MAX:
                    raise FileRefused(ImportOutcome.UNREADABLE, f"The recording has more than {SAMPLES_MAX:,} points. No run is that long.")
                _keep_record(parts[-1], frame)
            elif frame.name in _KEPT_MESSAGES:
                _keep_message(parts[-1], frame.name, _values(frame))
    except _Broken:
        broken = "The file is damaged or cut off."
    return parts, broken


class _Broken(Exception):
    pass


def _frames(content: bytes) -> Iterator[Any]:
    reader = fitdecode.FitReader(
        content, processor=None, check_crc=fitdecode.CrcCheck.READONLY, error_handling=fitdecode.ErrorHandling.IGNORE
    )
    frames = iter(reader)
    while True:
        try:
            frame = next(frames, None)
        except Exception as error:  # of 2,000 damaged files 78 raised outside fitdecode's own class
            raise _Broken from error
        if frame is None:
            return
        if frame.frame_type == fitdecode.FIT_FRAME_DEFINITION:
            continue
        yield frame


def _number(value: Any) -> float | None:
    if isinstance(value, tuple):
        value = next((item for item in value if item is not None), None)
    return float(value) if isinstance(value, int | float) else None


def _values(frame: Any) -> Message:
    """The written fields of a message; of two with one name the first counts. Developer fields are somebody else's words."""
    values: Message = {}
    for item in frame.fields:
        if item.value is not None and item.field is not None and item.field.field_type != "devfield":
            values.setdefault(item.field.name, item.value)
    return values


def _keep_message(part: _Part, name: str, values: Message) -> None:
    if name == "file_id":
        part.header = part.header or values
    elif name == "session":
        part.sessions.append(values)
    elif name == "sport":
        part.sports.append(values)
    elif name == "activity":
        part.activity = values
    elif values.get("event") == "timer":
        at, kind = _number(values.get("timestamp")), str(values.get("event_type"))
        if at is not None and (kind == "start" or kind.startswith("stop")):
            part.timer_events.append((at, kind))


def _keep_record(part: _Part, frame: Any) -> None:
    row: Row = [None] * (_POD_OSCILLATION + 1)
    for item in frame.fields:
        described = item.field
        if item.value is None or described is None:
            continue
        if described.field_type == "devfield":
            place = _POD_FIELDS.get((described.name, described.units))
        elif described.name == "fractional_cadence":
            place = _FRACTION
        elif described.name == "activity_type":
            sport = str(item.value)
            part.record_sports[sport] = part.record_sports.get(sport, 0) + 1
            continue
        else:
            place = _FIELDS.get(described.name)
        if place is not None and row[place] is None:
            row[place] = _number(item.value)
    if row[1] is not None:
        row[1] *= DEGREES_PER_SEMICIRCLE
    if row[2] is not None:
        row[2] *= DEGREES_PER_SEMICIRCLE
    if row[6] is not None:
        row[6] = 2 * (row[6] + (row[_FRACTION] or 0.0))
    part.watch_dynamics |= row[7] is not None
    part.rows.append(row)


# -- from messages to runs -------------------------------------------------------------------------------------------


def _sessions(part: _Part, *, broken: bool) -> list[Message]:
    """
    The sessions of a file, each with `start`, in order of time.

    Records that no session covers, as in a file that breaks off before its summary, make one more; its sport is the one that was
    announced last.
    """
    times = [row[0] for row in part.rows if row[0] is not None]
    sessions = []
    for session in part.sessions:
        stamp, elapsed = _number(session.get("timestamp")), _number(session.get("total_elapsed_time")) or 0.0
        start = _number(session.get("start_time"))
        if start is None:
            start = stamp - elapsed if stamp is not None else min(times, default=None)
        sessions.append({**session, "start": start})
    dated = [session for session in sessions if session["start"] is not None]
    dated.sort(key=lambda session: float(session["start"]))
    covered = max((_end_of(session) for session in dated), default=0.0)
    rest = [time for time in times if time > covered + SAVING_S]
    if rest and (broken or not part.sessions) and (not dated or _covers_by_stamp(dated[-1])):
        dated.append({**_announced_sport(part), "start": min(rest), "open": True})
    return dated


def _covers_by_stamp(session: Message) -> bool:
    return "timestamp" in session


def _end_of(session: Message) -> float:
    length = _number(session.get("total_elapsed_time")) or _number(session.get("total_timer_time")) or 0.0
    return max(float(session["start"]) + length, _number(session.get("timestamp")) or 0.0)


def _announced_sport(part: _Part) -> Message:
    if part.sports:
        return {name: part.sports[-1][name] for name in ("sport", "sub_sport") if name in part.sports[-1]}
    if part.record_sports:
        return {"sport": max(part.record_sports, key=lambda sport: part.record_sports[sport])}
    return {}


def _recording(part: _Part, sessions: list[Message], index: int, *, broken: bool) -> Recording:
    session = sessions[index]
    start = float(session["start"])
    following = float(sessions[index + 1]["start"]) if index + 1 < len(sessions) else start + ELAPSED_MAX_S
    last = _end_of(session) + SAVING_S if "timestamp" in session and not session.get("open") else start + ELAPSED_MAX_S
    whole = samples_from(_columns(part), _COLUMNS)
    first = start if index else start - 60
    inside = between(whole, first, min(following, last))
    samples = Samples(**{**vars(inside), "time_s": inside.time_s - (start - first)})
    begun, offset, local_clock = _clock(part, session, start, samples)
    strides = _number(session.get("avg_running_cadence", session.get("avg_cadence")))
    timer = _number(session.get("total_timer_time"))
    if timer is None and len(sessions) == 1:
        timer = _number(part.activity.get("total_timer_time"))
    notes, doubts = [], []
    if local_clock:
        doubts.append("The watch did not know the world's time; the run's day is the one its own clock showed.")
    if not part.watch_dynamics and bool(np.any(np.isfinite(samples.ground_contact_time_ms))):
        notes.append("Ground contact time comes from a foot pod (Stryd).")
    return Recording(
        started_at_utc=begun,
        samples=samples,
        cadence_rule=CadenceRule.FIT_STRIDES_DOUBLED,
        stated=Stated(
            distance_m=_number(session.get("total_distance")),
            timer_time_s=timer,
            elapsed_time_s=_number(session.get("total_elapsed_time")),
            cadence_spm=2 * (strides + (_number(session.get("avg_fractional_cadence")) or 0.0)) if strides else None,
            ground_contact_time_ms=_number(session.get("avg_stance_time")),
            vertical_oscillation_mm=_number(session.get("avg_vertical_oscillation")),
            broken=broken,
        ),
        pauses=_pauses(part.timer_events, start),
        distance_before_m=_distance_before(whole, start) if index else 0.0,
        surface=_SURFACES.get(str(session.get("sub_sport")), Surface.UNKNOWN),
        device=_device(part.header),
        utc_offset_s=offset,
        clock_is_local=local_clock,
        notes=tuple(notes),
        doubts=tuple(doubts),
    )


def _columns(part: _Part) -> list[Row]:
    """The rows of `_COLUMNS`, with the pod's ground contact where the watch has none: the two are never mixed in one run."""
    if part.watch_dynamics:
        return [row[: len(_COLUMNS)] for row in part.rows]
    pod = ((row[_POD_CONTACT], row[_POD_OSCILLATION]) for row in part.rows)
    dynamics = [[contact or None, None if height is None else 10 * height] for contact, height in pod]  # cm to mm
    return [row[:7] + more for row, more in zip(part.rows, dynamics, strict=True)]


def _distance_before(whole: Samples, start: float) -> float:
    """The running total when an earlier session of the same file ended."""
    earlier = between(whole, -1e10, start)
    known = earlier.distance_m[np.isfinite(earlier.distance_m)]
    return float(known[-1]) if len(known) and travelled(earlier) else 0.0


def _pauses(events: list[tuple[float, str]], start: float) -> list[tuple[float, float]]:
    pauses: list[tuple[float, float]] = []
    stopped: float | None = None
    for at, kind in sorted(events, key=lambda event: event[0]):
        if kind == "start":
            if stopped is not None and at > stopped:
                pauses.append((max(stopped - start, 0.0), max(at - start, 0.0)))
            stopped = None
        elif stopped is None:
            stopped = at
    if stopped is not None:
        pauses.append((max(stopped - start, 0.0), float("inf")))
    return [(begin, end) for begin, end in pauses if end > begin]


def _clock(part: _Part, session: Message, start: float, samples: Samples) -> tuple[datetime, int | None, bool]:
    """When the run began, its offset from UTC if the file states one, and whether the time is a local one."""
    stamp, local = _number(part.activity.get("timestamp")), _number(part.activity.get("local_timestamp"))
    if start < POWER_ON_BELOW:
        if stamp is None or local is None or local < POWER_ON_BELOW:
            raise FileRefused(
                ImportOutcome.NO_DATA,
                "The clock of the watch was not set: the file does not say on which day this was. Enter the run by hand.",
            )
        return datetime.fromtimestamp(FIT_EPOCH_S + start + local - stamp, UTC), 0, True
    begun = datetime.fromtimestamp(FIT_EPOCH_S + start, UTC)
    if stamp is None or local is None or abs(local - stamp) > OFFSET_MAX_S:
        return begun, None, False
    offset = round((local - stamp) / OFFSET_STEP_S) * OFFSET_STEP_S
    if offset == 0 and not _near_greenwich(samples):  # what some watches write when they do not know
        return begun, None, False
    return begun, offset, False


def _near_greenwich(samples: Samples) -> bool:
    known = samples.longitude_deg[abs(samples.longitude_deg) <= 180]
    return len(known) > 0 and abs(float(known[0])) <= GREENWICH_WITHIN_DEG


def _device(header: Message) -> str:
    product = header.get("product_name") or header.get("garmin_product") or header.get("product")
    return " ".join(str(word) for word in (header.get("manufacturer"), product) if word not in {None, 0, ""})


FIT = Importer(name="fit", label="FIT (watch or pod)", suffixes=(".fit",), recognises=recognises, read=read)
