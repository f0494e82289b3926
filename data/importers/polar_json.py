"""
Polar's JSON: exercises of the AccessLink service, and the training sessions of the archive that Polar Flow sends on request.

Cadence counts strides of one leg and is doubled because the format says so. Distances are metres, speeds km/h, durations ISO 8601.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from data.importers import sports
from data.importers.base import FileRefused, Importer, ReadFile
from data.importers.gathering import Activity, file_of
from data.importers.json_text import Json, is_json, number_of, parsed_json
from data.importers.recording import Recording, Stated
from data.importers.samples import SAMPLES_MAX, Samples, samples_from
from data.importers.xml_stream import time_in, utc_seconds
from models import UTC_OFFSET_MAX_S, CadenceRule, ImportOutcome

SERIES_MAX = 100
_COLUMNS = ("time_s", "latitude_deg", "longitude_deg", "altitude_m", "distance_m", "speed_m_s", "cadence_spm")
# AccessLink's numbers of sample types; Flow has names.
_TYPES = {"1": "speed", "2": "cadence", "3": "altitude", "10": "distance"}
_FLOW_TYPES = {"SPEED": "speed", "CADENCE": "cadence", "ALTITUDE": "altitude", "DISTANCE": "distance"}
_INTO = {"speed": (5, 1 / 3.6), "cadence": (6, 2.0), "altitude": (3, 1.0), "distance": (4, 1.0)}  # column, and factor to our unit
_DURATION = re.compile(r"P(?:(\d{1,3})D)?T?(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8}(?:[.,]\d{1,9})?)S)?", re.ASCII)


def recognises(content: bytes) -> bool:
    """Tell by the names at the top of a JSON file: Polar's own, or a list of exercises that begin like Polar's."""
    if not is_json(content):
        return False
    head = content[:4096]
    polar = re.search(
        rb'"(polar[_-]user|upload[_-]time|exportVersion|detailed[_-]sport[_-]info|physicalInformationSnapshot|running[_-]index)"', head
    )
    started = re.search(rb'"(start[_-]time|startTime|exercises)"\s*:', head)
    return bool(polar and started)


def read(content: bytes) -> ReadFile:
    """
    Read the running exercises of a Polar file.

    Returns
    -------
    ReadFile
        One run an exercise.

    Raises
    ------
    FileRefused
        If it is no JSON of Polar's, or holds no run.
    """
    found = (
        Activity(sport, bool(sports.is_run(sport)), partial(_recording, exercise, top)) for sport, exercise, top in _exercises(content)
    )
    return file_of(found, broken="", nothing=_nothing)


def _nothing(others: list[str | None]) -> FileRefused:
    if others:
        return FileRefused(ImportOutcome.NOT_A_RUN, sports.not_a_run(others))
    return FileRefused(ImportOutcome.NO_DATA, "The file holds no exercise of Polar's.")


def _exercises(content: bytes) -> Iterator[tuple[str, Json, Json]]:
    """Give the sport, the exercise, and the session around it, which states what the exercise leaves out."""
    top = parsed_json(content)
    for session in top if isinstance(top, list) else [top]:
        if isinstance(session, Mapping):
            inner = session.get("exercises")
            for exercise in inner if isinstance(inner, list) else [session]:
                if isinstance(exercise, Mapping) and _get(exercise, "start_time"):
                    yield _sport(exercise), exercise, session


def _get(item: Json, name: str) -> Any:
    """Look a value up under its name in each of Polar's spellings: start_time, start-time, startTime."""
    first, *rest = name.split("_")
    for spelling in (name, name.replace("_", "-"), first + "".join(word.capitalize() for word in rest)):
        if item.get(spelling) is not None:
            return item[spelling]
    return None


def _sport(exercise: Json) -> str:
    """Prefer the detailed word (TREADMILL_RUNNING beside RUNNING)."""
    sport = _get(exercise, "sport")
    name = sport.get("name") if isinstance(sport, Mapping) else sport
    words = [str(word) for word in (_get(exercise, "detailed_sport_info"), name) if isinstance(word, str)]
    return next((word for word in words if sports.is_run(word) is not None), words[0] if words else "")


def _recording(exercise: Json, session: Json) -> Recording:
    begun = time_in(str(_get(exercise, "start_time")))
    if begun is None:
        raise FileRefused(ImportOutcome.NO_DATA, "The exercise has no start time.")
    offset_s = next((found for item in (exercise, session) if (found := _offset_s(item)) is not None), None)
    zone = begun.utcoffset()
    if zone is not None:
        offset_s = int(zone.total_seconds()) if offset_s is None else offset_s
        started = begun.astimezone(UTC)
    else:  # the local clock beside the minutes to UTC
        started = begun.replace(tzinfo=UTC) - timedelta(seconds=offset_s or 0)
    duration_s = duration_in(_get(exercise, "duration")) or duration_in(_get(session, "duration"))
    stopped = time_in(str(_get(exercise, "stop_time") or ""))
    elapsed_s = None if stopped is None else utc_seconds(stopped) - utc_seconds(begun)
    cadence = _get(exercise, "cadence")
    strides = number_of(cadence.get("avg")) if isinstance(cadence, Mapping) else None
    return Recording(
        started_at_utc=started,
        samples=_samples(exercise, begun),
        cadence_rule=CadenceRule.POLAR_STRIDES_DOUBLED,
        stated=Stated(
            distance_m=number_of(_get(exercise, "distance")),
            timer_time_s=duration_s,
            elapsed_time_s=elapsed_s if elapsed_s and elapsed_s > 0 else None,
            cadence_spm=None if strides is None else 2 * strides,
        ),
        surface=sports.surface_of(_sport(exercise)),
        device=str(_get(exercise, "device") or _get(session, "device_id") or ""),
        utc_offset_s=offset_s,
        clock_is_local=zone is None and offset_s is None,
    )


def _offset_s(item: Json) -> int | None:
    """Give the offset from UTC, which Polar states in minutes."""
    minutes = next(
        (
            number_of(_get(item, name))
            for name in ("start_time_utc_offset", "timezone_offset", "time_zone_offset")
            if _get(item, name) is not None
        ),
        None,
    )
    return int(minutes * 60) if minutes is not None and abs(minutes * 60) <= UTC_OFFSET_MAX_S else None


def duration_in(value: Any) -> float | None:
    """
    Read a length of time as ISO 8601 writes it, in seconds.

    >>> duration_in("PT8239.604S"), duration_in("PT1H2M3S"), duration_in("1:02"), duration_in("PT")
    (8239.604, 3723.0, None, None)
    """
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def _samples(exercise: Json, begun: datetime) -> Samples:
    """Bring the series of one exercise together, one row a second or a point."""
    given = _get(exercise, "samples")
    rows: dict[float, list[float | None]] = {}
    for name, time_s, value in _values(given, begun):
        column, factor = _INTO[name]
        if len(rows) <= SAMPLES_MAX:
            rows.setdefault(time_s, [time_s, *[None] * (len(_COLUMNS) - 1)])[column] = factor * value
    route = given.get("recordedRoute") if isinstance(given, Mapping) else None
    for point in route if isinstance(route, list) else []:
        at = time_in(str(point.get("dateTime"))) if isinstance(point, Mapping) else None
        if at is not None and len(rows) <= SAMPLES_MAX:
            time_s = utc_seconds(at) - utc_seconds(begun)
            row = rows.setdefault(time_s, [time_s, *[None] * (len(_COLUMNS) - 1)])
            row[1], row[2] = number_of(point.get("latitude")), number_of(point.get("longitude"))
    return samples_from([rows[time_s] for time_s in sorted(rows)], _COLUMNS)


def _values(given: Any, begun: datetime) -> Iterator[tuple[str, float, float]]:
    """Give name, time and value of each sample in any of the forms: comma strings, lists of values, lists of timed values."""
    named = given.get("samples") if isinstance(given, Mapping) else given
    for series in named[:SERIES_MAX] if isinstance(named, list) else []:
        if isinstance(series, Mapping):
            kind = str(_get(series, "sample_type") if _get(series, "sample_type") is not None else series.get("type"))
            every_s = number_of(_get(series, "recording_rate")) or (number_of(series.get("intervalMillis")) or 1000.0) / 1000
            name, data = _TYPES.get(kind) or _FLOW_TYPES.get(kind), series.get("data", series.get("values"))
            values: Iterable[Any] = data.split(",") if isinstance(data, str) else data if isinstance(data, list) else []
            for index, value in enumerate(values if name else []):
                number = number_of(value)
                if name and number is not None and index <= SAMPLES_MAX:
                    yield name, index * every_s, number
    for name in _INTO:
        timed = given.get(name) if isinstance(given, Mapping) else None
        for sample in timed if isinstance(timed, list) else []:
            at = time_in(str(sample.get("dateTime"))) if isinstance(sample, Mapping) else None
            number = number_of(sample.get("value")) if at is not None else None
            if at is not None and number is not None:
                yield name, utc_seconds(at) - utc_seconds(begun), number


POLAR_JSON = Importer("polar_json", "Polar (JSON)", (".json",), recognises, read)
