"""Apple Health's export: running workouts, cut out of a file of any size."""

import io
from datetime import UTC, datetime

import pytest

from data.importers import apple_health
from data.importers.apple_health import APPLE_HEALTH, read, read_stream
from data.importers.base import FileRefused, ReadFile, ReadRun
from models import CadenceRule, ImportOutcome, Surface

PROLOG = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 11 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Workout)*)>
]>
"""
WATCH, PHONE = "Watch", "Phone"


def workout(
    inside: str = "",
    *,
    start: str = "2025-03-03 07:00:00 -0600",
    end: str = "2025-03-03 07:30:00 -0600",
    kind: str = "Running",
    attributes: str = 'duration="30" durationUnit="min" totalDistance="3.1" totalDistanceUnit="mi"',
    source: str = WATCH,
) -> str:
    return (
        f'<Workout workoutActivityType="HKWorkoutActivityType{kind}" {attributes} sourceName="{source}" '
        f'startDate="{start}" endDate="{end}">{inside}</Workout>'
    )


def statistics(kind: str, **values: str) -> str:
    told = " ".join(f'{name}="{value}"' for name, value in values.items())
    return f'<WorkoutStatistics type="HKQuantityTypeIdentifier{kind}" {told}/>'


def steps(start: str, end: str, count: int, source: str = WATCH) -> str:
    return (
        f'<Record type="HKQuantityTypeIdentifierStepCount" sourceName="{source}" unit="count" '
        f'startDate="2025-03-03 {start} -0600" endDate="2025-03-03 {end} -0600" value="{count}"/>'
    )


def export(*elements: str, prolog: str = PROLOG, end: str = "</HealthData>") -> bytes:
    return f'{prolog}<HealthData locale="en_US"><ExportDate value="2025-07-01 10:00:00 -0500"/>{"".join(elements)}{end}'.encode()


def only_run(*elements: str, **options: str) -> ReadRun:
    (run,) = read(export(*elements, **options)).runs
    return run


def test_a_recent_export_states_distance_steps_and_dynamics_for_each_workout() -> None:
    inside = (
        '<MetadataEntry key="HKTimeZone" value="America/Chicago"/>'
        + statistics("StepCount", sum="5100", unit="count")
        + statistics("DistanceWalkingRunning", sum="5.02", unit="km")
        + statistics("RunningGroundContactTime", average="248", unit="ms")
        + statistics("RunningVerticalOscillation", average="9.1", unit="cm")
        + '<WorkoutRoute><FileReference path="/workout-routes/r.gpx"/></WorkoutRoute>'
    )
    run = only_run(workout(inside, attributes='duration="30" durationUnit="min"'))
    assert run.started_at_utc == datetime(2025, 3, 3, 13, 0, tzinfo=UTC)
    assert (run.distance_m, run.moving_time_s, run.elapsed_time_s) == (5_020, 1_800, 1_800)
    assert run.cadence_spm == 5_100 / 30
    assert run.cadence_rule is CadenceRule.STEPS_COUNTED
    assert (run.ground_contact_time_ms, run.vertical_oscillation_mm) == (248, 91)
    assert (run.utc_offset_s, run.has_gps, run.device, run.surface) == (-6 * 3600, True, WATCH, Surface.UNKNOWN)


def test_an_older_export_states_miles_and_minutes_in_attributes() -> None:
    run = only_run(workout(attributes='duration="28.5" durationUnit="min" totalDistance="3.1" totalDistanceUnit="mi"'))
    assert run.distance_m == pytest.approx(3.1 * 1609.344)
    assert (run.moving_time_s, run.elapsed_time_s) == (28.5 * 60, 1_800)
    assert (run.cadence_spm, run.cadence_rule) == (None, CadenceRule.NONE)


def test_the_day_follows_the_zone_of_the_workout_and_not_the_offset_at_the_time_of_the_export() -> None:
    """Exported in summer, a winter run stands at 23:30 -0700 where it was 22:30 -0800."""
    zone = '<MetadataEntry key="HKTimeZone" value="America/Los_Angeles"/>'
    run = only_run(workout(zone, start="2025-01-05 23:30:00 -0700", end="2025-01-06 00:00:00 -0700"))
    assert (run.started_at_utc, run.utc_offset_s) == (datetime(2025, 1, 6, 6, 30, tzinfo=UTC), -8 * 3600)
    unknown = only_run(workout())
    assert unknown.utc_offset_s is None
    assert "The day is the one in the patient's time zone." in unknown.notes


def test_steps_of_watch_and_telephone_are_not_added_up() -> None:
    counted = [steps("07:00:00", "07:30:00", 4_800), steps("07:00:00", "07:30:00", 4_500, PHONE)]
    assert only_run(*counted, workout()).cadence_spm == 160
    assert only_run(*counted, workout(source=PHONE)).cadence_spm == 150
    other = only_run(*counted, workout(source="Strava"))
    assert other.cadence_spm == 160
    assert any("other sources were not added" in note for note in other.notes)


def test_a_record_of_steps_that_lies_half_inside_counts_by_half() -> None:
    counted = [steps("06:50:00", "07:10:00", 1_000), steps("07:10:00", "07:30:00", 3_000), steps("07:30:00", "07:40:00", 900)]
    assert only_run(*counted, workout()).cadence_spm == (500 + 3_000) / 30


@pytest.mark.parametrize(
    ("count", "cadence"), [(599, None), (600, 20.0), (9_000, 300.0), (9_001, None)], ids=["below", "on", "on the upper", "above"]
)
def test_a_cadence_that_cannot_be_right_is_left_out(count: int, cadence: float | None) -> None:
    assert only_run(workout(statistics("StepCount", sum=str(count), unit="count"))).cadence_spm == cadence


@pytest.mark.parametrize(("km", "doubtful"), [("11.7", False), ("11.75", True)], ids=["on the limit", "above"])
def test_a_speed_that_nobody_keeps_up_is_doubted_with_its_number(km: str, doubtful: bool) -> None:
    run = only_run(workout(attributes=f'duration="30" durationUnit="min" totalDistance="{km}" totalDistanceUnit="km"'))
    assert run.doubtful is run.held_back is doubtful
    assert any("23.5 km/h is above 23.4 km/h" in note for note in run.notes) is doubtful


def test_a_treadmill_counts_and_other_workouts_are_named() -> None:
    indoor = workout('<MetadataEntry key="HKIndoorWorkout" value="1"/>')
    file = read(export(workout(kind="Cycling"), indoor))
    assert [run.surface for run in file.runs] == [Surface.TREADMILL]
    assert file.notes == ("Other workouts in it were left out: cycling.",)


def test_of_a_triathlon_the_run_counts() -> None:
    part = (
        '<WorkoutActivity workoutActivityType="HKWorkoutActivityTypeRunning" startDate="2025-03-03 07:20:00 -0600" '
        f'endDate="2025-03-03 07:30:00 -0600" duration="10" durationUnit="min">{statistics("DistanceWalkingRunning", sum="2", unit="km")}</WorkoutActivity>'
    )
    run = only_run(workout(part, kind="SwimBikeRun", attributes=""))
    assert (run.started_at_utc, run.distance_m, run.moving_time_s) == (datetime(2025, 3, 3, 13, 20, tzinfo=UTC), 2_000, 600)


@pytest.mark.parametrize("window", [7, 64, 1_000])
def test_a_workout_is_found_wherever_the_windows_cut_it(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = [steps("07:00:00", "07:10:00", 1_600), steps("07:10:00", "07:30:00", 3_200)]
    content = export(*counted, workout(), "<Record/>" * 9_000, workout(start="2025-03-05 07:00:00 -0600", end="2025-03-05 07:30:00 -0600"))
    whole = read(content)
    monkeypatch.setattr(apple_health, "WINDOW_BYTES", window)
    assert read(content) == whole
    assert [run.cadence_spm for run in whole.runs] == [160, None]


@pytest.mark.parametrize("hiding", ["<!-- <Workout broken -->", "<Me><![CDATA[<Workout broken]]></Me>"])
def test_text_that_could_hide_a_tag_is_parsed_whole_and_gives_the_same(hiding: str) -> None:
    plain = read(export(workout(), workout(kind="Walking")))
    assert read(export(hiding, workout(), workout(kind="Walking"))) == plain


def test_a_file_that_somebody_wrote_anew_may_put_other_attributes_first() -> None:
    other = workout().replace(
        '<Workout workoutActivityType="HKWorkoutActivityTypeRunning" ',
        '<Workout device="" workoutActivityType="HKWorkoutActivityTypeRunning" ',
    )
    assert read(export(other)).runs == read(export(workout())).runs


def test_what_came_before_a_break_is_kept_and_said() -> None:
    content = export(workout(), workout(start="2025-03-05 07:00:00 -0600", end="2025-03-05 07:30:00 -0600"))
    file = read(content[:-60])
    assert (len(file.runs), file.partial) == (1, True)
    assert file.notes[0] == "The export breaks off before its end; what came before is kept."


def test_a_damaged_workout_does_not_stop_the_others() -> None:
    file = read(export(workout("<MetadataEntry key=broken/>"), workout()))
    assert (len(file.runs), file.partial, file.notes[0]) == (1, True, "A workout in the export is damaged and was left out.")


@pytest.mark.parametrize(
    ("content", "outcome", "said"),
    [
        (export(), ImportOutcome.NO_DATA, "holds no running workout"),
        (export(workout(kind="Cycling")), ImportOutcome.NOT_A_RUN, "left out: cycling"),
        (export(workout(attributes="")), ImportOutcome.UNREADABLE, "it states no distance"),
        (
            export(workout(), prolog='<!DOCTYPE HealthData [<!ENTITY a "b">]>'),
            ImportOutcome.UNREADABLE,
            "declares entities",
        ),
        (b"\xff\xfe" + export(workout()).decode().encode("utf-16-le"), ImportOutcome.UNREADABLE, "UTF-16"),
        (export(workout(attributes='duration="1" durationUnit="min" totalDistance="30" totalDistanceUnit="km"')), ImportOutcome.UNREADABLE, "faster than anyone runs"),
    ],
    ids=["empty", "other sports", "no distance", "entities", "utf-16", "a drive"],
)  # fmt: skip
def test_what_gives_no_run_is_refused_in_words(content: bytes, outcome: ImportOutcome, said: str) -> None:
    with pytest.raises(FileRefused) as refused:
        read(content)
    assert refused.value.outcome == outcome
    assert said in refused.value.reason


def test_a_workout_without_an_end_is_refused_at_four_megabytes() -> None:
    content = export(workout()[: -len("</Workout>")] + "<WorkoutEvent/>" * 300_000)
    with pytest.raises(FileRefused, match="larger than 4 MB"):
        read(content)


def test_entities_in_a_workout_are_not_followed() -> None:
    file = read(export(workout('<MetadataEntry key="a" value="&unknown;"/>'), workout()))
    assert (len(file.runs), file.partial) == (1, True)


def test_it_is_recognised_by_its_root_and_read_from_a_stream_as_from_bytes() -> None:
    content = export(workout())
    assert APPLE_HEALTH.recognises(content)
    assert not APPLE_HEALTH.recognises(b"<gpx/>")
    streamed: ReadFile = read_stream(lambda: io.BytesIO(content))
    assert streamed == read(content)


@pytest.mark.parametrize("duration", ["NaN", "inf", "-30", "0"])
def test_a_duration_that_cannot_be_is_not_known(duration: str) -> None:
    """Then the time from start to end stands for it."""
    told = f'duration="{duration}" durationUnit="min" totalDistance="3.1" totalDistanceUnit="mi"'
    assert only_run(workout(attributes=told)).moving_time_s == 1_800


@pytest.mark.parametrize("number", ["NaN", "inf", "1e999"])
def test_endless_distances_and_steps_are_not_known(number: str) -> None:
    told = f'totalDistance="{number}" totalDistanceUnit="mi"'
    with pytest.raises(FileRefused, match="states no distance"):
        read(export(workout(attributes=told)))
    assert only_run(workout(statistics("StepCount", sum=number))).cadence_spm is None


@pytest.mark.parametrize(("most", "is_read"), [(6, True), (5, False)], ids=["on the limit", "above"])
def test_workouts_upon_each_other_are_not_compared_with_steps_for_hours(most: int, is_read: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three workouts at one time, two records: six comparisons."""
    monkeypatch.setattr(apple_health, "COMPARED_MAX", most)
    content = export(steps("07:00:00", "07:15:00", 2_400), steps("07:15:00", "07:30:00", 2_400), *[workout()] * 3)
    if is_read:
        assert len(read(content).runs) == 3
    else:
        with pytest.raises(FileRefused, match="lie upon each other by the thousand"):
            read(content)


def test_a_workout_and_a_record_of_more_than_a_week_are_not_compared() -> None:
    long = '<Record type="HKQuantityTypeIdentifierStepCount" sourceName="Watch" startDate="2025-01-01 00:00:00 -0600" endDate="2025-06-01 00:00:00 -0600" value="1000000000"/>'
    found = read(export(long, steps("07:00:00", "07:30:00", 4_800), workout(), workout(end="2025-06-03 07:00:00 -0600")))
    assert [run.cadence_spm for run in found.runs] == [160]
    assert "lasts more than a week" in found.notes[0]
