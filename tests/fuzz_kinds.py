"""
What the fuzz programs try: for each kind of file some small whole ones, and how they are changed; and the way of a file up to the database.

`benchmarks/fuzz_readers.py` takes 100,000 of them, tests/test_importers_fuzz.py some hundred, tests/fuzz_readers.py as long as it is let.
"""

import functools
import itertools
import math
import random
import warnings
from dataclasses import dataclass, replace

import numpy as np
import orjson

from data.importers.apple_health import APPLE_HEALTH, read_stream
from data.importers.archive import STREAMED_MAX_BYTES, members
from data.importers.base import FileRefused, ReadFile, unpacked
from data.importers.child import LOOK, MINUTES, READ, READ_MAPPED, Request, _answer
from data.importers.mapping import RUNS, Mapping
from data.reading import _file_of, _read_of, _tables_of
from data.sources import Source, sources_of
from models import ImportOutcome
from tests import table_files
from tests.fuzz_mutations import (
    HOSTILE_NAMES,
    Mutation,
    bytes_changed,
    gzipped,
    json_changed,
    plain_zip,
    repacked,
    text_changed,
    zip_changed,
    zipped,
)
from tests.run_files import FitRun, activity_message, apple_health_run, file_id, fit_file, gpx_file, gpx_track, steady_points, tcx_run

_RUN = FitRun(seconds=40)
FIT_SEEDS = (
    fit_file([file_id(), *_RUN.records(), _RUN.summary(), activity_message(_RUN.start)]),
    fit_file([file_id(), _RUN.summary(), *_RUN.records()], compressed_timestamps=True),
)
TCX_SEEDS = (tcx_run(seconds=30),)
GPX_SEEDS = (gpx_file(gpx_track(steady_points(60)), gpx_track(steady_points(60), sport=None)),)
TABLE_SEEDS = (
    b"date,start_time,distance_km,moving_time,cadence_spm,session_rpe\n2025-03-02,07:15,5.2,25:00,168,4\n2025-03-03,,5,26:00,,\n",
    b"date;side;during;next_morning;rest;did_not_run\n2025-03-02;left;3;;no;\n2025-03-03;;;2;;yes\n",
)
STEPS = "".join(
    f'<Record type="HKQuantityTypeIdentifierStepCount" sourceName="{source}" startDate="2025-03-04 07:{minute:02d}:00 +0100" '
    f'endDate="2025-03-04 07:{minute + 5:02d}:00 +0100" value="{800 + minute}"/>'
    for minute in range(0, 30, 5)
    for source in ("Watch", "Phone")
).encode()
MEASURES = (
    b'<WorkoutStatistics type="HKQuantityTypeIdentifierDistanceWalkingRunning" sum="5" unit="km"/>'
    b'<WorkoutStatistics type="HKQuantityTypeIdentifierStepCount" sum="5000" unit="count"/>'
    b'<WorkoutStatistics type="HKQuantityTypeIdentifierRunningGroundContactTime" average="250" unit="ms"/>'
    b'<MetadataEntry key="HKTimeZone" value="Europe/Berlin"/>'
)


def apple_seeds() -> tuple[bytes, ...]:
    plain = apple_health_run()
    stepped = plain.replace(b"<Workout ", STEPS + b"<Workout ")
    told = plain.replace(b'"/></HealthData>', b'">' + MEASURES + b"</Workout></HealthData>")
    return plain, stepped, told, told.replace(b"<Workout ", b"<!-- x --><Workout ")


def _polar() -> tuple[bytes, ...]:
    strides = ",".join(["85"] * 300)
    access_link = {
        "upload_time": "2025-03-04T08:00:00Z", "start_time": "2025-03-04T07:00:00", "start_time_utc_offset": 60, "duration": "PT5M", "distance": 900.0,
        "sport": "RUNNING", "samples": [{"recording_rate": 1, "sample_type": 2, "data": strides}, {"recording_rate": 5, "sample_type": "1", "data": "3.0,3.1"}],
    }  # fmt: skip
    flow = {
        "exportVersion": "1.6", "name": "x", "startTime": "2025-03-04T07:00:00.000", "stopTime": "2025-03-04T07:05:00.000", "timeZoneOffset": "60",
        "distance": 900.0, "duration": "PT300S",
        "exercises": [{
            "startTime": "2025-03-04T07:00:00.000", "stopTime": "2025-03-04T07:05:00.000", "timezoneOffset": 60, "duration": "PT300.000S", "distance": 900.0,
            "sport": "RUNNING", "samples": {
                "cadence": [{"dateTime": f"2025-03-04T07:00:{second:02d}.000", "value": 85} for second in range(60)],
                "distance": [{"dateTime": f"2025-03-04T07:00:{second:02d}.000", "value": 3.0 * second} for second in range(60)],
                "recordedRoute": [{"dateTime": f"2025-03-04T07:00:{second:02d}.000", "longitude": 13.0, "latitude": 52.0, "altitude": 34} for second in range(3)],
            },
        }],
    }  # fmt: skip
    return orjson.dumps(access_link), orjson.dumps(flow)


def _golden_cheetah() -> tuple[bytes, ...]:
    samples = [{"SECS": second, "KM": 0.003 * second, "CAD": 85, "KPH": 10.8, "ALT": 30, "LAT": 52.0, "LON": 13.0} for second in range(60)]
    return (
        orjson.dumps({"RIDE": {"STARTTIME": "2025/03/04 07:00:00 UTC ", "RECINTSECS": 1, "TAGS": {"Sport": "Run "}, "SAMPLES": samples}}),
    )


def _lists() -> tuple[bytes, ...]:
    garmin = [table_files.garmin_list({}, {"Distance": "8.00", "Time": "00:45:00", "Elapsed Time": "00:46:00"})]
    german = table_files.garmin_list({}).split(b"\n", 1)[1]
    runkeeper = "Date,Type,Route Name,Distance (km),Duration,Average Pace,Average Speed (km/h),Calories Burned,Climb (m),GPX File\n"
    return (
        *TABLE_SEEDS,
        *garmin,
        table_files.GARMIN_HEADERS["de"].encode() + b"\n" + german,
        table_files.strava_list(table_files.strava_row(), table_files.strava_row(cadence="")),
        f"{runkeeper}2025-03-04 07:00:00,Running,,5.00,30:00,6:00,10.00,300,0,2025-03-04.gpx\n".encode(),
    )


FORMS = (
    b"Timestamp,How much did your hip hurt during the run? (left),And the next morning?,Which hip?,Pain at rest?,Did you run?,Remarks\n"
    b"2026/03/04 8:12:33 PM GMT+1,8 - very bad,3/10,Left,no,yes,rain\n2026/03/05 7:02:00 AM GMT+1,2,,both,yes,no,\n",
    "Datum;Schmerz vor dem Lauf;Schmerz während des Laufs;Am nächsten Morgen;Seite\n04.03.2026;2;8 von 10;1;links\n13.03.2026;0;;3-4;\n".encode(),
    b"When,Distance (km),Duration,Cadence\n2025-03-02,5,30:00,168\n2025-03-04,8,50:00,85\n",
    b"Date,Moment,Pain,Side\n2026-03-04,before,2,left\n2026-03-04,next morning,3,\n",
)


@functools.cache
def _workbooks() -> tuple[bytes, ...]:
    return (
        table_files.workbook(["date", "start_time", "distance_km", "moving_time"], ["2025-03-02", "07:15", 5.2, "25:00"]),
        table_files.workbook(["My runs"], ["When", "Distance (km)", "Duration"], ["2025-03-02", 5, "30:00"], ["2025-03-04", 8, "50:00"]),
        table_files.workbook(["date", "side", "during"], ["2025-03-02", "left", 3], title="Pain"),
    )


def _fit_changed(sure: random.Random, content: bytes) -> bytes:
    from tests.test_importers_fit_columns import any_fit  # it makes FIT files of any messages

    return any_fit(sure, odd=sure.choice((0.0, 0.02, 0.3))) if sure.random() < 0.4 else bytes_changed(sure, content)


def _workbook_changed(sure: random.Random, content: bytes) -> bytes:
    return zip_changed(sure, content) if sure.random() < 0.3 else repacked(sure, content, text_changed)


def _plain() -> dict[str, tuple[bytes, ...]]:
    """The files that others pack, by the ending of their names."""
    return {".fit": FIT_SEEDS, ".tcx": TCX_SEEDS, ".gpx": GPX_SEEDS, ".csv": _lists(), ".json": _polar(), ".xml": apple_seeds()}


def _gzip_changed(sure: random.Random, content: bytes) -> bytes:
    """Pack a changed file; or change one that is packed already."""
    if content.startswith(b"\x1f\x8b"):
        return bytes_changed(sure, content)
    return gzipped(sure, text_changed(sure, content) if sure.random() < 0.3 else content)


def _gzip_seeds() -> tuple[bytes, ...]:
    return tuple(content for some in _plain().values() for content in some)


def _zip_seeds() -> tuple[bytes, ...]:
    plain = [(f"activities/{number}{ending}", some[0]) for number, (ending, some) in enumerate(_plain().items())]
    strava = [*plain[:3], ("activities.csv", _lists()[4]), ("media/1.jpg", b"J")]
    apple = [("apple_health_export/export.xml", apple_seeds()[1]), ("apple_health_export/workout-routes/r.gpx", GPX_SEEDS[0])]
    made = [plain_zip(*files) for files in (plain, strava, apple, [("a.csv", TABLE_SEEDS[0])], [])]
    return (*made, plain_zip(("inside.zip", made[3]), ("twice.zip", plain_zip(("inside.zip", made[3]))), ("b.csv", TABLE_SEEDS[1])))


def _archive_changed(sure: random.Random, content: bytes) -> bytes:
    """Change an archive, change what is in it, put it into another one, or write a new one under names that nobody would give."""
    match sure.randrange(6):
        case 0:
            return repacked(sure, content, zip_changed if b".zip" in content else text_changed)
        case 1:
            some = sure.choices([one for kind in _plain().values() for one in kind], k=sure.randrange(1, 5))
            return zipped(sure, [(sure.choice(HOSTILE_NAMES) + sure.choice(("", ".fit", ".zip")), one) for one in some])
        case 2:
            around = zipped(sure, [("a.zip", content), (sure.choice(("a.zip", "b.csv")), TABLE_SEEDS[0])])
            return sure.choice((around, zipped(sure, [("b.zip", around)]), zip_changed(sure, around)))
        case _:
            return zip_changed(sure, content)


@dataclass(frozen=True)
class Kind:
    """Files of one kind: whole ones, how they are changed, and how such a file is named."""

    file_name: str
    seeds: tuple[bytes, ...]
    changed: Mutation

    def made(self, sure: random.Random, seeds: tuple[bytes, ...] | list[bytes] | None = None) -> bytes:
        """Change one of the seeds."""
        return self.changed(sure, sure.choice(seeds or self.seeds))


@functools.cache
def kinds() -> dict[str, Kind]:
    """Give all kinds by name."""
    return {
        "fit": Kind("a.fit", FIT_SEEDS, _fit_changed),
        "tcx": Kind("a.tcx", TCX_SEEDS, text_changed),
        "gpx": Kind("a.gpx", GPX_SEEDS, text_changed),
        "apple_health": Kind("export.xml", apple_seeds(), text_changed),
        "polar_json": Kind("a.json", _polar(), json_changed),
        "goldencheetah_json": Kind("b.json", _golden_cheetah(), json_changed),
        "csv": Kind("a.csv", _lists(), text_changed),
        "form": Kind("form.csv", FORMS, text_changed),
        "xlsx": Kind("a.xlsx", _workbooks(), _workbook_changed),
        "gz": Kind("a.gz", _gzip_seeds(), _gzip_changed),
        "zip": Kind("a.zip", _zip_seeds(), _archive_changed),
    }


# -- the way of a file up to the database -----------------------------------------------------------------------------


class TooMuchMemory(AssertionError):
    """A file took more memory than the limit."""


def tried(file_name: str, content: bytes) -> list[str]:
    """
    Go the way of an import up to the database, the packing of the answer included; gives what became of each file inside.

    Raises
    ------
    AssertionError
        If what was read cannot be.
    Exception
        Whatever else the readers raise: none of it may happen.
    """
    with warnings.catch_warnings(action="ignore"):  # some versions of zipfile warn of odd fields; an import lets them
        return [_outcome_of(source) for source in sources_of([(file_name, content)])]


def _outcome_of(source: Source) -> str:
    if source.set_aside:
        return "set aside"
    try:
        if source.large is not None:
            return _read_as_stream(source)
        inner = unpacked(source.read())
    except FileRefused as refusal:
        return _refused(refusal.outcome, refusal.reason)
    answer = _asked(READ, source.name, inner)
    if "reason" not in answer:
        return believable(_file_of(answer)[1])
    outcome = _refused(ImportOutcome(answer["outcome"]), answer["reason"])
    return _read_as_suggested(inner) if outcome == ImportOutcome.NEEDS_MAPPING else outcome


def _asked(asked: int, name: str, content: bytes, mapping: bytes = b"") -> dict[str, object]:
    """Ask as data/reading.py asks the process that reads files, in this one."""
    said, minutes = _answer(Request(asked, name, content, mapping, None))
    numbers = {"numbers": np.frombuffer(minutes, MINUTES)} if minutes else {}
    return dict(orjson.loads(orjson.dumps(said, option=orjson.OPT_SERIALIZE_NUMPY))) | numbers


def _read_as_stream(source: Source) -> str:
    assert source.large is not None
    archive, place = source.large
    member = next(itertools.islice(members(archive, ""), place, None))
    if isinstance(member, FileRefused):
        raise member
    found = read_stream(lambda: member.open(STREAMED_MAX_BYTES))
    believable(found)
    assert APPLE_HEALTH.read(member.read()) == found  # in one piece as in windows
    return "read"


def _read_as_suggested(content: bytes) -> str:
    """Agree to what is suggested, and answer what it leaves open."""
    answer = _asked(LOOK, "", content)
    if "reason" in answer:
        return _refused(ImportOutcome(str(answer["outcome"])), str(answer["reason"]))
    suggested = [table.suggested for table in _tables_of(answer) if table.suggested is not None]
    if not suggested:
        return str(ImportOutcome.NEEDS_MAPPING)
    mapping: Mapping = suggested[0]
    if mapping.gives == RUNS:
        mapping = replace(
            mapping,
            distance_unit=mapping.distance_unit or "km",
            time_unit=mapping.time_unit or "clock",
            cadence_counts=mapping.cadence_counts or "one_foot",
        )
    if mapping.questions:
        return str(ImportOutcome.NEEDS_MAPPING)
    answer = _asked(READ_MAPPED, "", content, orjson.dumps(mapping.as_dict()))
    if "reason" in answer:
        return _refused(ImportOutcome(str(answer["outcome"])), str(answer["reason"]))
    return believable(_read_of(answer))


def _refused(outcome: ImportOutcome, reason: str) -> str:
    if "memory" in reason:
        raise TooMuchMemory(reason)
    assert len(reason) >= 12, reason
    assert "Traceback" not in reason
    return str(outcome)


def believable(found: ReadFile) -> str:
    """Hold what was read against what can be; gives "read"."""
    assert found.runs or found.scores or found.rest_answers or found.days_without_run
    for run in found.runs:
        assert 0 <= run.distance_m <= 12 * run.moving_time_s
        assert 0 < run.moving_time_s <= run.elapsed_time_s <= 7 * 24 * 3600
        assert run.started_at_utc.tzinfo is not None
        for cadence in (run.cadence_spm, run.running_cadence_spm, run.device_cadence_spm):
            assert cadence is None or 20 <= cadence <= 300
        numbers = (run.running_time_s, run.running_speed_m_s, run.grade_abs_mean, run.ground_contact_time_ms, run.vertical_oscillation_mm)
        assert all(number is None or math.isfinite(number) for number in numbers)
        assert run.running_speed_m_s is None or run.running_speed_m_s <= 12
    assert all(0 <= score.nprs <= 10 for score in found.scores)
    return "read"
