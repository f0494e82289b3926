"""Polar's JSON, of the service and of the archive: strides are doubled, the local clock stands beside its offset."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data.importers import goldencheetah_json, json_text, polar_json
from data.importers.base import FileRefused, ReadFile, ReadRun, read_bytes
from models import CadenceRule, DistanceRule, ImportOutcome, Surface

START = datetime(2026, 2, 22, 7, 50, 17)  # on the runner's clock, two hours before Greenwich


def served(**changes: Any) -> dict[str, Any]:
    """Ten minutes at 3 m/s (10.8 km/h) and 85 strides a minute, a value a second, as the service gives it."""
    values = {
        "upload_time": "2026-02-22T10:25:50Z", "polar_user": "https://www.polaraccesslink.com/v3/users/1", "device": "Polar Pacer Pro",
        "start_time": START.isoformat(), "start_time_utc_offset": 120, "duration": "PT10M0.5S", "distance": 1800.0, "sport": "RUNNING",
        "detailed_sport_info": "TREADMILL_RUNNING",
        "samples": [
            {"recording_rate": 1, "sample_type": 0, "data": ",".join(["150"] * 600)},
            {"recording_rate": 1, "sample_type": 1, "data": ",".join(["10.8"] * 600)},
            {"recording_rate": 1, "sample_type": 2, "data": ",".join(["85"] * 600)},
        ],
    }  # fmt: skip
    return {**values, **changes}


def archived(**changes: Any) -> dict[str, Any]:
    """The same as Polar Flow writes it into its archive."""

    def timed(value: float) -> list[dict[str, Any]]:
        return [{"dateTime": (START + timedelta(seconds=second)).isoformat(), "value": value} for second in range(600)]

    exercise = {
        "startTime": START.isoformat(), "stopTime": (START + timedelta(seconds=700)).isoformat(), "timezoneOffset": 120, "duration": "PT600S",
        "distance": 1800.0, "sport": "TRAIL_RUNNING", "samples": {"speed": timed(10.8), "cadence": timed(85)},
    }  # fmt: skip
    return {"exportVersion": "1.6", "startTime": START.isoformat(), "deviceId": "0BA9", "exercises": [{**exercise, **changes}]}


def read(value: Any) -> ReadFile:
    importer, found = read_bytes(json.dumps(value).encode(), "training.json")
    assert importer is polar_json.POLAR_JSON
    return found


def only_run(value: Any) -> ReadRun:
    (run,) = read(value).runs
    return run


def refused(content: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refusal:
        read_bytes(content, "training.json")
    return refusal.value


def test_an_exercise_of_the_service_is_a_run() -> None:
    run = only_run(served())
    assert (run.started_at_utc, run.utc_offset_s, run.clock_is_local) == (datetime(2026, 2, 22, 5, 50, 17, tzinfo=UTC), 7200, False)
    assert (run.distance_m, run.distance_rule, run.moving_time_s) == (1800, DistanceRule.DEVICE_TOTAL, 600.5)
    assert (run.cadence_spm, run.cadence_rule) == (170, CadenceRule.POLAR_STRIDES_DOUBLED)
    assert (run.surface, run.device) == (Surface.TREADMILL, "Polar Pacer Pro")
    assert run.minutes is not None
    assert run.minutes.speed_m_s[0] == pytest.approx(3.0)


def test_a_session_of_the_archive_is_a_run_with_its_pause() -> None:
    run = only_run(archived())
    assert (run.started_at_utc, run.utc_offset_s) == (datetime(2026, 2, 22, 5, 50, 17, tzinfo=UTC), 7200)
    assert (run.moving_time_s, run.elapsed_time_s) == (600, 700)
    assert (run.cadence_spm, run.surface) == (170, Surface.TRAIL)


def test_the_newer_form_of_samples_is_read() -> None:
    series = {"type": "CADENCE", "intervalMillis": 1000, "values": [84.0] * 600}
    assert only_run(archived(samples={"samples": [series]})).cadence_spm == 168


def test_a_stated_mean_is_doubled_and_a_missing_cadence_is_missing() -> None:
    assert only_run(archived(cadence={"avg": 83, "max": 90})).device_cadence_spm == 166
    run = only_run(served(samples=[]))
    assert (run.cadence_spm, run.device_cadence_spm, run.cadence_rule) == (None, None, CadenceRule.NONE)


def test_the_way_between_positions_stands_in_for_a_missing_distance() -> None:
    route = [
        {"dateTime": (START + timedelta(seconds=second)).isoformat(), "latitude": 60 + second * 3 / 111_195.08, "longitude": 25.0}
        for second in range(601)
    ]
    run = only_run(archived(distance=None, samples={"recordedRoute": route}))
    assert run.distance_m == pytest.approx(1800, abs=1)
    assert run.distance_rule is DistanceRule.GPS


def test_a_list_of_exercises_gives_its_runs_and_names_the_rest() -> None:
    ride = served(sport="CYCLING", detailed_sport_info="ROAD_BIKING")
    later = served(start_time="2026-02-23T07:50:17")
    found = read([served(), ride, later])
    assert len(found.runs) == 2
    assert "road biking" in found.notes[0]
    assert refused(json.dumps([ride]).encode()).outcome is ImportOutcome.NOT_A_RUN


def test_a_clock_without_an_offset_is_the_patients_own() -> None:
    run = only_run({name: value for name, value in served().items() if name != "start_time_utc_offset"})
    assert (run.clock_is_local, run.utc_offset_s, run.started_at_utc) == (True, 0, START.replace(tzinfo=UTC))


@pytest.mark.parametrize("duration", ["PT", "10:00", None, 600, "PT10"])
def test_without_a_duration_that_can_be_read_the_samples_tell_it(duration: object) -> None:
    assert only_run(served(duration=duration)).moving_time_s == pytest.approx(599, abs=1)


def test_json_of_other_kinds_is_named_and_not_taken_for_a_table() -> None:
    fitbit = refused(b'[{"logId": 26555895608, "activityName": "Run", "steps": 1139}]')
    assert (fitbit.outcome, "JSON" in fitbit.reason) == (ImportOutcome.UNREADABLE, True)


def test_damaged_deep_and_large_json_is_refused_in_words() -> None:
    whole = json.dumps(served()).encode()
    for content, said in (
        (whole[:-100], "damaged or cut off"),
        (whole.replace(b'"samples": [', b'"samples": [' + b"[" * 9000 + b"]" * 9000 + b","), "nests too deep"),
        (whole + b" " * json_text.JSON_MAX_BYTES, "larger than 12 MB"),
        (whole[:-1] + b', "x": [' + b"{}," * 500_000 + b"1]}", "more than 500,000 parts"),
    ):
        with pytest.raises(FileRefused) as refusal:
            polar_json.read(content)
        assert said in refusal.value.reason


def goldencheetah(sport: str) -> bytes:
    samples = [{"SECS": second, "KM": second * 0.003, "CAD": 85, "KPH": 10.8} for second in range(601)]
    ride = {"STARTTIME": "2017/04/24 16:18:45 UTC ", "DEVICETYPE": "Garmin ", "TAGS": {"Sport": f"{sport} "}, "SAMPLES": samples}
    return b"\xef\xbb\xbf" + json.dumps({"RIDE": ride}).encode()


def test_a_ride_of_goldencheetah_is_not_a_run() -> None:
    refusal = refused(goldencheetah("Bike"))
    assert (refusal.outcome, "bike" in refusal.reason) == (ImportOutcome.NOT_A_RUN, True)


def test_a_run_of_goldencheetah_has_no_cadence_because_its_meaning_is_not_known() -> None:
    importer, found = read_bytes(goldencheetah("Run"), "run.json")
    assert importer is goldencheetah_json.GOLDENCHEETAH_JSON
    (run,) = found.runs
    assert (run.started_at_utc, run.distance_m) == (datetime(2017, 4, 24, 16, 18, 45, tzinfo=UTC), 1800)
    assert (run.cadence_spm, run.cadence_rule) == (None, CadenceRule.NONE)
    assert "strides or steps" in run.notes[0]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb'"\ud83c\udfc3"', "\U0001f3c3"),  # a runner, as JSON writes what takes two
        (rb'"\ud83c"', "\ufffd"),
        (rb'"\udfc3"', "\ufffd"),
        (rb'"\ud83c\ud83c\udfc3\udfc3"', "\ufffd\U0001f3c3\ufffd"),
    ],
)
def test_half_a_character_is_read_as_unknown_so_that_it_can_be_stored(written: bytes, read: str) -> None:
    assert json_text.parsed_json(written) == read
    assert read.encode()
