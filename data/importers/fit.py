"""
Garmin's FIT: what most watches and pods write (Garmin, Coros, Suunto, Polar, Wahoo, Stryd, Strava's apps).

Cadence is stored as strides of one leg and is doubled because the format says so. See fit_messages.py for the bytes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import numpy as np

from data.importers import sports
from data.importers.base import FileRefused, Floats, Importer, ReadFile
from data.importers.doubts import no_such_cadence
from data.importers.fit_clock import with_one_clock
from data.importers.fit_columns import HEADER_SIZES
from data.importers.fit_messages import decoded
from data.importers.fit_parts import FitPart, Message, number_in, samples_of, seconds_in
from data.importers.gathering import Activity, file_of
from data.importers.recording import Recording, Stated
from data.importers.samples import Samples, between
from models import ELAPSED_MAX_S, CadenceRule, ImportOutcome, Surface

FIT_EPOCH_S = 631_065_600  # 1989-12-31 UTC
POWER_ON_BELOW = 0x10000000  # a smaller time counts from when the watch was switched on
OFFSET_MAX_S, OFFSET_STEP_S = 14 * 3600, 900
GREENWICH_WITHIN_DEG = 30.0
SAVING_S = 5.0  # a session is stamped up to a few seconds after its last record

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


def recognises(content: bytes) -> bool:
    """Tell by the mark that stands in the header of each FIT file."""
    return content[8:12] == b".FIT"


def is_sure(content: bytes) -> bool:
    """Tell by the mark, and by a size of the header that no text begins with."""
    return recognises(content) and content[0] in HEADER_SIZES


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
    parts, broken = decoded(content)
    return file_of(_activities(parts, broken), broken=broken, nothing=lambda others: _nothing(parts, others, broken))


def _activities(parts: list[FitPart], broken: str) -> Iterator[Activity]:
    for whole in parts:
        part, about_clock = with_one_clock(whole)
        sessions, samples = _sessions(part, broken=bool(broken)), samples_of(part)
        for index, session in enumerate(sessions):
            yield Activity(
                sport=str(session["sport"]) if "sport" in session else None,
                is_run=_is_run(session),
                recording=partial(_recording, part, sessions, index, samples, about_clock, broken=bool(broken)),
            )


def _nothing(parts: list[FitPart], others: list[str | None], broken: str) -> FileRefused:
    kinds = [str(part.header.get("type")) for part in parts]
    if any(word not in {None, "generic"} for word in others):
        return FileRefused(ImportOutcome.NOT_A_RUN, sports.not_a_run(others))
    if others and broken:
        return FileRefused(ImportOutcome.UNREADABLE, f"{broken} It ends before it says which sport it is. Copy it from the watch again.")
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


def _sessions(part: FitPart, *, broken: bool) -> list[Message]:
    """
    The sessions of a file, each with `start`, in order of time.

    Records that no session covers, as in a file that breaks off before its summary, make one more; its sport is the one that was
    announced last.
    """
    times = part.times
    sessions = []
    for session in part.sessions:
        stamp, elapsed = seconds_in(session.get("timestamp")), number_in(session.get("total_elapsed_time")) or 0.0
        start = seconds_in(session.get("start_time"))
        if start is None:
            start = seconds_in(stamp - elapsed) if stamp is not None else _first(times)
        sessions.append({**session, "start": start})
    dated = [session for session in sessions if session["start"] is not None]
    dated.sort(key=lambda session: float(session["start"]))
    covered = max((_end_of(session) for session in dated), default=0.0)
    rest = _first(times[times > covered + SAVING_S])
    if rest is not None and (broken or not part.sessions) and (not dated or "timestamp" in dated[-1]):
        dated.append({**_announced_sport(part), "start": rest, "open": True})
    return dated


def _first(times: Floats) -> float | None:
    return float(times.min()) if len(times) else None


def _end_of(session: Message) -> float:
    length = number_in(session.get("total_elapsed_time")) or number_in(session.get("total_timer_time")) or 0.0
    return max(float(session["start"]) + length, seconds_in(session.get("timestamp")) or 0.0)


def _announced_sport(part: FitPart) -> Message:
    if part.sport is not None:
        return part.sport
    if part.record_sports:
        return {"sport": max(part.record_sports, key=lambda sport: part.record_sports[sport])}
    return {}


def _recording(part: FitPart, sessions: list[Message], index: int, whole: Samples, about_clock: str, *, broken: bool) -> Recording:
    session = sessions[index]
    start = float(session["start"])
    following = float(sessions[index + 1]["start"]) if index + 1 < len(sessions) else start + ELAPSED_MAX_S
    last = _end_of(session) + SAVING_S if "timestamp" in session and not session.get("open") else start + ELAPSED_MAX_S
    first = start if index else start - 60
    inside = between(whole, first, min(following, last))
    samples = Samples(**{**vars(inside), "time_s": inside.time_s - (start - first)})
    begun, offset, local_clock = _clock(part, session, start, samples)
    strides = number_in(session.get("avg_running_cadence", session.get("avg_cadence")))
    timer = number_in(session.get("total_timer_time"))
    if timer is None and len(sessions) == 1:
        timer = number_in(part.activity.get("total_timer_time"))
    notes, doubts = [about_clock] if about_clock else [], []
    if local_clock:
        doubts.append("The watch did not know the world's time; the run's day is the one its own clock showed.")
    strides_taken = part.columns.get("strides_per_min")
    if (
        not strides and strides_taken is not None and np.any(strides_taken > 0) and not np.any(whole.cadence_spm > 0)
    ):  # all of them impossible
        doubts.append(no_such_cadence(2 * float(np.median(strides_taken[strides_taken > 0]))))
    if part.pod and bool(np.any(np.isfinite(samples.ground_contact_time_ms))):
        notes.append(f"Ground contact time comes from a foot pod ({part.pod}).")
    return Recording(
        started_at_utc=begun,
        samples=samples,
        cadence_rule=CadenceRule.FIT_STRIDES_DOUBLED,
        stated=Stated(
            distance_m=number_in(session.get("total_distance")),
            timer_time_s=timer,
            elapsed_time_s=number_in(session.get("total_elapsed_time")),
            cadence_spm=2 * (strides + (number_in(session.get("avg_fractional_cadence")) or 0.0)) if strides else None,
            ground_contact_time_ms=number_in(session.get("avg_stance_time")),
            vertical_oscillation_mm=number_in(session.get("avg_vertical_oscillation")),
            broken=broken,
        ),
        pauses=_pauses(part.timer_events, start),
        surface=_SURFACES.get(str(session.get("sub_sport")), Surface.UNKNOWN),
        device=_device(part.header),
        utc_offset_s=offset,
        clock_is_local=local_clock,
        notes=tuple(notes),
        doubts=tuple(doubts),
    )


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


def _clock(part: FitPart, session: Message, start: float, samples: Samples) -> tuple[datetime, int | None, bool]:
    """When the run began, its offset from UTC if the file states one, and whether the time is a local one."""
    stamp, local = seconds_in(part.activity.get("timestamp")), seconds_in(part.activity.get("local_timestamp"))
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


FIT = Importer(name="fit", label="FIT (watch or pod)", suffixes=(".fit",), recognises=recognises, read=read, is_sure=is_sure)
