"""
Apple Health's export.xml: every workout of years in one file of gigabytes, of which only the running workouts are wanted.

It is read as a stream, and the workouts are cut out of it by their tags; only those are parsed. A file whose text could hide a tag
(comments, CDATA) is parsed whole instead, slowly. Distances are in the unit that stands beside them.

Steps: recent exports state them for each workout. Older ones have records of steps, from watch and telephone at the same time: they are
never added up; the workout's own source counts, else the one that counted most.
"""

import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError  # nosec - only the types; the parser is defusedxml's
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse

from data.importers import sports
from data.importers.base import FileRefused, Importer, ReadFile, ReadRun
from data.importers.doubts import doubts_about, holds_back
from data.importers.xml_stream import number_in, root_name
from models import (
    CADENCE_MAX_SPM,
    CADENCE_MIN_SPM,
    ELAPSED_MAX_S,
    SPEED_MAX_M_S,
    CadenceRule,
    DistanceRule,
    ImportOutcome,
    Surface,
)

WINDOW_BYTES = 256 * 1024  # larger ones are slower: each is new memory
SPAN_MAX_BYTES = 4 * 1024 * 1024  # one workout; real ones with all their events take some 100 KB
HEAD_BYTES = 65_536
COMPARED_MAX = 10_000_000  # records of steps with workouts at their time: ten years of them lie near a million times; takes some 5 s
METRES_IN = {"mi": 1609.344, "km": 1000.0, "m": 1.0, "yd": 0.9144, "ft": 0.3048}
SECONDS_IN = {"min": 60.0, "s": 1.0, "sec": 1.0, "hr": 3600.0, "h": 3600.0}
MILLISECONDS_IN = {"ms": 1.0, "s": 1000.0}
MILLIMETRES_IN = {"cm": 10.0, "mm": 1.0, "m": 1000.0, "in": 25.4}
RUNNING = "HKWorkoutActivityTypeRunning"
# How Apple begins a workout: a longer text is found faster. A file that someone wrote anew may put other attributes first.
_BEGINS, _BEGINS_OTHERWISE = b'<Workout workoutActivityType="', b"<Workout "
_QUANTITY = "HKQuantityTypeIdentifier"
_STEPS_RECORD = b'<Record type="HKQuantityTypeIdentifierStepCount"'
_ATTRIBUTE = re.compile(rb'\b(sourceName|startDate|endDate|value)="([^"]*)"')
_WHEN = "%Y-%m-%d %H:%M:%S %z"

Opened = Callable[[], BinaryIO]


def recognises(content: bytes) -> bool:
    """Tell by the root element."""
    return root_name(content[:HEAD_BYTES]) == "HealthData"


def read(content: bytes) -> ReadFile:
    """Read an export.xml that was handed in by itself; see `read_stream`."""
    return read_stream(lambda: BytesIO(content))


@dataclass
class _Workout:
    """A running workout as the file states it."""

    start: datetime
    end: datetime
    source: str
    distance_m: float | None
    moving_time_s: float
    steps: float | None
    ground_contact_time_ms: float | None
    vertical_oscillation_mm: float | None
    is_indoor: bool
    zone: str
    has_route: bool
    steps_by: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def read_stream(opened: Opened) -> ReadFile:
    """
    Read the running workouts of an export, in memory that does not grow with the file.

    Parameters
    ----------
    opened : callable
        Opens the file from its start. It is called a second time if steps must be counted from their records.

    Returns
    -------
    ReadFile
        `partial` if the file breaks off or a workout could not be read.

    Raises
    ------
    FileRefused
        If it is no such file, declares entities, or holds no running workout.
    """
    found = _Found()
    found.look_through(opened)
    if not found.workouts:
        if found.broken:
            raise FileRefused(ImportOutcome.UNREADABLE, f"{found.broken[0]} No running workout came before that.")
        raise FileRefused(
            ImportOutcome.NO_DATA if not found.others else ImportOutcome.NOT_A_RUN,
            "The export of Apple Health holds no running workout." + _others_words(found.others),
        )
    if any(workout.steps is None for workout in found.workouts):
        with opened() as stream:
            _count_steps(stream, found.workouts)
    runs, notes = [], []
    for workout in sorted(found.workouts, key=lambda one: one.start):
        try:
            runs.append(_run(workout))
        except FileRefused as refusal:
            notes.append(f"The workout of {workout.start.date().isoformat()} was left out: {refusal.reason}")
    if not runs:
        raise FileRefused(ImportOutcome.UNREADABLE, notes[0])
    notes = [*dict.fromkeys(found.broken), *notes]
    if found.others:
        notes.append(_others_words(found.others).strip())
    return ReadFile(runs=tuple(runs), partial=bool(found.broken), notes=tuple(notes))


def _others_words(others: dict[str, int]) -> str:
    if not others:
        return ""
    named = ", ".join(sorted({sports.named(kind.removeprefix("HKWorkoutActivityType").lower()) for kind in others}))
    return f" Other workouts in it were left out: {named}."


class _Found:
    """What came out of the file."""

    def __init__(self) -> None:
        self.workouts: list[_Workout] = []
        self.others: dict[str, int] = defaultdict(int)
        self.broken: list[str] = []

    def look_through(self, opened: Opened) -> None:
        with opened() as stream:
            prolog, begun = _beginning(stream.read(HEAD_BYTES))
            cut = self._cut(stream, begun, _BEGINS)
        if cut.could_hide_tags:
            self.workouts, self.others = [], defaultdict(int)
            with opened() as stream:
                self._parse(stream)
            return
        if not (self.workouts or self.others or self.broken):
            with opened() as stream:
                stream.read(len(prolog))
                self._cut(stream, b"", _BEGINS_OTHERWISE)
        if not cut.is_whole:
            self.broken.append("The export breaks off before its end; what came before is kept.")

    def _cut(self, stream: BinaryIO, begun: bytes, begins: bytes) -> "_Cut":
        cut = _Cut(stream, begun, begins)
        for span in cut.spans():
            self._keep(span)
        return cut

    def _keep(self, span: bytes) -> None:
        try:
            self._take(fromstring(span.decode("utf-8", "replace")))
        except (ParseError, DefusedXmlException, ValueError):
            self.broken.append("A workout in the export is damaged and was left out.")

    def _parse(self, stream: BinaryIO) -> None:
        try:
            events = iterparse(stream, events=("start", "end"), forbid_dtd=False, forbid_entities=True, forbid_external=True)
            root: Element | None = None
            for event, element in events:
                if root is None:
                    root = element
                elif event == "end" and element.tag == "Workout":
                    self._take(element)
                if event == "end" and element.tag in {"Workout", "Record", "ActivitySummary", "Correlation"}:
                    root.clear()
        except DefusedXmlException:
            raise FileRefused(ImportOutcome.UNREADABLE, "The file declares entities, which can be used for attacks.") from None
        except (ParseError, LookupError, ValueError):
            self.broken.append("The export breaks off before its end; what came before is kept.")

    def _take(self, element: Element) -> None:
        kind = element.get("workoutActivityType", "")
        if kind == RUNNING:
            self._add(element, element)
            return
        parts = [part for part in element.iter("WorkoutActivity") if part.get("workoutActivityType") == RUNNING]
        for part in parts:  # of a triathlon
            self._add(part, element)
        if not parts:
            self.others[kind or "HKWorkoutActivityTypeOther"] += 1

    def _add(self, element: Element, whole: Element) -> None:
        start, end = _when(element.get("startDate")), _when(element.get("endDate"))
        if start is None or end is None or end <= start:
            self.broken.append("A running workout has no start and end that can be read, and was left out.")
            return
        stated = {item.get("type", "").removeprefix(_QUANTITY): item for item in element.iter("WorkoutStatistics")}
        told = {item.get("key"): item.get("value", "") for item in (*whole.findall("MetadataEntry"), *element.findall("MetadataEntry"))}
        distance = _measure(element.get("totalDistance"), element.get("totalDistanceUnit"), METRES_IN)
        if distance is None and "DistanceWalkingRunning" in stated:
            distance = _measure(stated["DistanceWalkingRunning"].get("sum"), stated["DistanceWalkingRunning"].get("unit"), METRES_IN)
        elapsed = (end - start).total_seconds()
        moving = _measure(element.get("duration"), element.get("durationUnit"), SECONDS_IN)
        self.workouts.append(
            _Workout(
                start=start,
                end=end,
                source=whole.get("sourceName", ""),
                distance_m=distance,
                moving_time_s=min(moving, elapsed) if moving and moving > 0 else elapsed,
                steps=_finite(stated["StepCount"].get("sum")) if "StepCount" in stated else None,
                ground_contact_time_ms=_average(stated.get("RunningGroundContactTime"), MILLISECONDS_IN),
                vertical_oscillation_mm=_average(stated.get("RunningVerticalOscillation"), MILLIMETRES_IN),
                is_indoor=told.get("HKIndoorWorkout") == "1",
                zone=told.get("HKTimeZone", ""),
                has_route=whole.find("WorkoutRoute") is not None,
            )
        )


def _beginning(head: bytes) -> tuple[bytes, bytes]:
    """Split what comes before the root from the rest, and refuse what is no export or declares entities."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise FileRefused(
            ImportOutcome.UNREADABLE, "The file is written in UTF-16. Export it from Apple Health again and send it as it is."
        )
    if root_name(head) != "HealthData":
        raise FileRefused(ImportOutcome.UNREADABLE, "This is no export of Apple Health: it does not begin with <HealthData>.")
    prolog, root, rest = head.partition(b"<HealthData")
    if b"<!ENTITY" in prolog:
        raise FileRefused(
            ImportOutcome.UNREADABLE, "The file declares entities, which can be used for attacks. Export it from Apple Health again."
        )
    return prolog, root + rest


class _Cut:
    """The workouts of a stream as pieces of text, cut out by their tags."""

    def __init__(self, stream: BinaryIO, begun: bytes, begins: bytes) -> None:
        self._stream, self._begun, self._begins = stream, begun, begins
        self.could_hide_tags = False
        self.is_whole = False

    def spans(self) -> Iterator[bytes]:
        data, last = self._begun, b""
        while True:
            if b"!" in data and (b"<!--" in data or b"<![CDATA[" in data):  # one character is found ten times as fast
                self.could_hide_tags = True
                return
            at = 0
            while (start := data.find(self._begins, at)) >= 0:
                end = _end_of(data, start)
                if end < 0:
                    break
                yield data[start:end]
                at = end
            rest = data[start:] if start >= 0 else data[-len(self._begins) :]
            if len(rest) > SPAN_MAX_BYTES:
                raise FileRefused(ImportOutcome.UNREADABLE, "A workout in the export is larger than 4 MB. No watch writes that.")
            window = self._stream.read(WINDOW_BYTES)
            if not window:
                self.is_whole = b"</HealthData>" in last[-64:] + data[-64:]
                return
            last, data = data[-64:], rest + window


def _end_of(data: bytes, start: int) -> int:
    """Find where an element ends that begins at `start`; -1 if its end is not here yet."""
    opened = data.find(b">", start)
    if opened < 0:
        return -1
    if data[opened - 1 : opened] == b"/":
        return opened + 1
    closed = data.find(b"</Workout>", opened)
    return closed + len(b"</Workout>") if closed >= 0 else -1


def _count_steps(stream: BinaryIO, workouts: list[_Workout]) -> None:
    """Add up the steps of each workout, apart for each source that counted; a record that lies half inside counts by half."""
    too_long = timedelta(seconds=ELAPSED_MAX_S)  # such a workout is left out afterwards, and such a record says nothing
    wanted = sorted((one for one in workouts if one.steps is None and one.end - one.start <= too_long), key=lambda one: one.start)
    starts = [workout.start for workout in wanted]
    longest = max((workout.end - workout.start for workout in wanted), default=timedelta(0))
    compared = 0
    for begun, ended, source, steps in _step_records(stream):
        if ended - begun > too_long:
            continue
        near = wanted[max(0, bisect_left(starts, begun - longest)) : bisect_left(starts, ended)]
        compared += len(near)
        if compared > COMPARED_MAX:
            raise FileRefused(
                ImportOutcome.UNREADABLE, "The workouts of the export lie upon each other by the thousand. No watch writes that."
            )
        for workout in near:
            inside = (min(ended, workout.end) - max(begun, workout.start)).total_seconds()
            if inside > 0:
                workout.steps_by[source] += steps * inside / (ended - begun).total_seconds()


def _step_records(stream: BinaryIO) -> Iterator[tuple[datetime, datetime, str, float]]:
    for tag in _tags(stream):
        told = {name: value.decode("utf-8", "replace") for name, value in _ATTRIBUTE.findall(tag)}
        begun, ended = _when(told.get(b"startDate")), _when(told.get(b"endDate"))
        steps = _finite(told.get(b"value"))
        if begun and ended and steps is not None and ended > begun:
            yield begun, ended, told.get(b"sourceName", ""), steps


def _tags(stream: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while window := stream.read(WINDOW_BYTES):
        data, at = rest + window, 0
        while (start := data.find(_STEPS_RECORD, at)) >= 0:
            end = data.find(b">", start)
            if end < 0:
                break
            yield data[start:end]
            at = end
        rest = (data[start:] if start >= 0 else data[-len(_STEPS_RECORD) :])[:SPAN_MAX_BYTES]


def _when(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text, _WHEN).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


def _measure(text: str | None, unit: str | None, factors: dict[str, float]) -> float | None:
    number = _finite(text)
    return number * factors[unit] if number is not None and unit in factors else None


def _finite(text: str | None) -> float | None:
    """Read a number; one that is none, or endless, is not known."""
    number = number_in(text)
    return number if number is not None and math.isfinite(number) else None


def _average(item: Element | None, factors: dict[str, float]) -> float | None:
    return None if item is None else _measure(item.get("average"), item.get("unit"), factors)


def _run(workout: _Workout) -> ReadRun:
    if workout.distance_m is None or workout.distance_m <= 0:
        raise FileRefused(ImportOutcome.NO_DATA, "it states no distance.")
    if workout.distance_m > SPEED_MAX_M_S * workout.moving_time_s:
        raise FileRefused(
            ImportOutcome.NOT_A_RUN,
            f"{workout.distance_m / 1000:.1f} km in {workout.moving_time_s / 60:.1f} min is faster than anyone runs.",
        )
    elapsed = (workout.end - workout.start).total_seconds()
    if elapsed > ELAPSED_MAX_S:
        raise FileRefused(ImportOutcome.UNREADABLE, "it lasts more than a week.")
    offset = _offset_s(workout)
    cadence, notes = _cadence(workout)
    doubts = doubts_about(distance_m=workout.distance_m, moving_time_s=workout.moving_time_s, stood_s=0.0, started_at_utc=workout.start)
    run = ReadRun(
        started_at_utc=workout.start,
        utc_offset_s=offset,
        surface=Surface.TREADMILL if workout.is_indoor else Surface.UNKNOWN,
        distance_m=workout.distance_m,
        distance_rule=DistanceRule.DEVICE_TOTAL,
        moving_time_s=workout.moving_time_s,
        elapsed_time_s=elapsed,
        cadence_spm=cadence,
        running_cadence_spm=None,
        device_cadence_spm=None,
        cadence_rule=CadenceRule.NONE if cadence is None else CadenceRule.STEPS_COUNTED,
        running_time_s=None,
        running_speed_m_s=None,
        grade_abs_mean=None,
        ground_contact_time_ms=workout.ground_contact_time_ms,
        vertical_oscillation_mm=workout.vertical_oscillation_mm,
        has_gps=workout.has_route,
        device=workout.source,
        session_rpe=None,
        minutes=None,
        notes=(*notes, *doubts),
        doubtful=bool(doubts),
        held_back=holds_back(distance_m=workout.distance_m, moving_time_s=workout.moving_time_s, started_at_utc=workout.start),
    )
    return run if offset is not None else replace(run, notes=(*run.notes, "The day is the one in the patient's time zone."))


def _cadence(workout: _Workout) -> tuple[float | None, list[str]]:
    steps, notes = workout.steps, []
    if steps is None and workout.steps_by:
        by = workout.steps_by
        source = workout.source if by.get(workout.source) else max(by, key=by.__getitem__)
        steps = by[source]
        notes.append(f"Steps as counted by {source}." if len(by) == 1 else f"Steps as counted by {source}; other sources were not added.")
    if not steps:
        return None, notes
    cadence = 60 * steps / workout.moving_time_s
    if not CADENCE_MIN_SPM <= cadence <= CADENCE_MAX_SPM:
        return None, [*notes, f"Cadence was left out: {steps:.0f} steps in {workout.moving_time_s / 60:.0f} min cannot be right."]
    return cadence, [*notes, "Cadence is the steps over the time of the run, walking and standing included."]


def _offset_s(workout: _Workout) -> int | None:
    """Take the zone of the workout: the offset written beside its times is the one at the time of the export."""
    try:
        offset = workout.start.astimezone(ZoneInfo(workout.zone)).utcoffset() if workout.zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return None if offset is None else int(offset.total_seconds())


APPLE_HEALTH = Importer(name="apple_health", label="Apple Health (export.xml)", suffixes=(".xml",), recognises=recognises, read=read)
