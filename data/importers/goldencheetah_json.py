"""
GoldenCheetah's JSON: one activity a file, mostly a ride. Its strings end in blanks, its times name UTC.

The format does not say whether the cadence of a run counts strides or steps, so that cadence is left out rather than guessed.
"""

import re
from datetime import UTC
from functools import partial
from typing import Any

from data.importers import sports
from data.importers.base import FileRefused, Importer, ReadFile
from data.importers.gathering import Activity, file_of
from data.importers.json_text import Json, is_json, number_of, parsed_json
from data.importers.local_forms import local_moment
from data.importers.recording import Recording
from data.importers.samples import SAMPLES_MAX, samples_from
from data.importers.written import LineRefused
from models import CadenceRule, ImportOutcome

_COLUMNS = ("time_s", "latitude_deg", "longitude_deg", "altitude_m", "distance_m", "speed_m_s")
_FIELDS = (("SECS", 1.0), ("LAT", 1.0), ("LON", 1.0), ("ALT", 1.0), ("KM", 1000.0), ("KPH", 1 / 3.6))


def recognises(content: bytes) -> bool:
    """Tell by the name of the only value at the top."""
    return is_json(content) and re.search(rb'^\W*"RIDE"\s*:', content[:4096].removeprefix(b"\xef\xbb\xbf")) is not None


def read(content: bytes) -> ReadFile:
    """
    Read the activity if it is a run.

    Raises
    ------
    FileRefused
        If it is a ride or another sport, or damaged.
    """
    top = parsed_json(content)
    ride = top.get("RIDE") if isinstance(top, dict) else None
    if not isinstance(ride, dict):
        raise FileRefused(ImportOutcome.NO_DATA, "The file holds no activity of GoldenCheetah's.")
    tags = ride.get("TAGS")
    sport = str(tags.get("Sport") or "").strip() if isinstance(tags, dict) else ""
    found = [Activity(sport, bool(sports.is_run(sport)), partial(_recording, ride))]
    return file_of(found, broken="", nothing=lambda others: FileRefused(ImportOutcome.NOT_A_RUN, sports.not_a_run(others)))


def _recording(ride: Json) -> Recording:
    try:
        started, _ = local_moment(str(ride.get("STARTTIME") or "").strip(), None)
    except LineRefused as refusal:
        raise FileRefused(ImportOutcome.NO_DATA, f"The start of the activity cannot be read: {refusal}") from None
    given: Any = ride.get("SAMPLES")
    points = [point for point in given[: SAMPLES_MAX + 1] if isinstance(point, dict)] if isinstance(given, list) else []
    rows = [[None if (value := number_of(point.get(name))) is None else value * factor for name, factor in _FIELDS] for point in points]
    has_cadence = any(number_of(point.get("CAD")) for point in points[:1000])
    return Recording(
        started_at_utc=(started if started.tzinfo else started.replace(tzinfo=UTC)).astimezone(UTC),
        samples=samples_from(rows, _COLUMNS),
        cadence_rule=CadenceRule.NONE,
        device=str(ride.get("DEVICETYPE") or "").strip(),
        clock_is_local=started.tzinfo is None,
        notes=("Cadence was left out: GoldenCheetah does not say whether it counts strides or steps.",) if has_cadence else (),
    )


GOLDENCHEETAH_JSON = Importer("goldencheetah_json", "GoldenCheetah (JSON)", (".json",), recognises, read)
