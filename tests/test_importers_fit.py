"""FIT: what a watch writes becomes a run, whole or in part, and nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest

from data.importers.base import FileRefused, ReadRun
from data.importers.fit import read
from models import CadenceRule, DistanceRule, ImportOutcome, Surface
from tests.run_files import (
    CYCLING,
    FITNESS,
    GENERIC,
    RUNNING,
    START,
    START_TIMER,
    STOP_TIMER,
    SWIMMING,
    TRANSITION,
    TREADMILL,
    WALKING,
    FitRun,
    activity_message,
    file_id,
    fit_file,
    fit_run,
    fit_time,
    fit_wrapped,
    timer_event,
)


def only_run(content: bytes) -> ReadRun:
    runs = read(content).runs
    assert len(runs) == 1
    return runs[0]


def refusal(content: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        read(content)
    return refused.value


def test_a_steady_run_is_read_as_the_watch_saw_it() -> None:
    run = only_run(fit_run())
    assert run.started_at_utc == START
    assert (run.distance_m, run.distance_rule) == (1800.0, DistanceRule.DEVICE_TOTAL)
    assert (run.moving_time_s, run.elapsed_time_s) == (600.0, 600.0)
    assert run.has_gps
    assert run.device == "garmin fr955"
    assert not run.doubtful
    assert run.minutes is not None
    assert len(run.minutes.speed_m_s) == 11  # the last record is the first of an eleventh minute
    assert run.minutes.speed_m_s[0] == pytest.approx(3.0)


def test_strides_and_their_fraction_are_doubled_because_it_is_fit() -> None:
    run = only_run(fit_run(strides_per_min=85.5))
    assert run.cadence_spm == pytest.approx(171.0)
    assert run.running_cadence_spm == pytest.approx(171.0)
    assert run.device_cadence_spm == 170.0  # the session states 85 whole strides
    assert run.cadence_rule is CadenceRule.FIT_STRIDES_DOUBLED


def test_a_slow_cadence_is_doubled_once_and_never_again() -> None:
    run = only_run(fit_run(strides_per_min=44, speed_m_s=0.9))
    assert run.cadence_spm == pytest.approx(88.0)
    assert run.running_cadence_spm is None
    assert any("walked" in note for note in run.notes)


def test_a_treadmill_run_counts_without_coordinates() -> None:
    run = only_run(fit_run(gps=False, sub_sport=TREADMILL))
    assert (run.distance_m, run.moving_time_s, run.has_gps, run.surface) == (1800.0, 600.0, False, Surface.TREADMILL)
    assert run.running_cadence_spm == pytest.approx(171.0)
    assert run.grade_abs_mean is None


def test_a_treadmill_without_a_sensor_still_has_its_cadence() -> None:
    messages = [FitRun(gps=False).record(second, speed=0.0, distance=0.0) for second in range(601)]
    run = only_run(fit_file([file_id(), *messages, FitRun(session={"total_distance": 2000.0}).summary()]))
    assert run.running_cadence_spm == pytest.approx(171.0)
    assert run.running_speed_m_s is None


def test_a_treadmill_filed_as_fitness_equipment_is_a_run() -> None:
    assert only_run(fit_run(sport=FITNESS, sub_sport=TREADMILL, gps=False)).distance_m == 1800.0


@pytest.mark.parametrize(
    ("sport", "word"), [(CYCLING, "cycling"), (WALKING, "walking"), (SWIMMING, "swimming"), (TRANSITION, "transition"), (99, "99")]
)
def test_another_sport_is_refused_by_its_name(sport: int, word: str) -> None:
    refused = refusal(fit_run(sport=sport))
    assert refused.outcome is ImportOutcome.NOT_A_RUN
    assert word in refused.reason


def test_a_file_that_does_not_say_it_is_a_run_is_not_one() -> None:
    refused = refusal(fit_run(sport=GENERIC))
    assert refused.outcome is ImportOutcome.NOT_A_RUN
    assert "does not say that this is a run" in refused.reason


# -- distance --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated_m", "distance_m", "rule"),
    [
        (1894.0, 1894.0, DistanceRule.DEVICE_TOTAL),  # 94 m off; 5 % of 1,894 m are 94.7 m
        (1896.0, 1800.0, DistanceRule.RECORDS),  # 96 m off; 5 % of 1,896 m are 94.8 m
        (9000.0, 1800.0, DistanceRule.RECORDS),
        (None, 1800.0, DistanceRule.RECORDS),
    ],
)
def test_the_watch_s_own_distance_counts_if_its_records_agree(stated_m: float | None, distance_m: float, rule: DistanceRule) -> None:
    run = only_run(fit_run(session={"total_distance": stated_m}))
    assert run.distance_m == pytest.approx(distance_m)
    assert run.distance_rule is rule


def test_gps_answers_where_neither_total_nor_records_do() -> None:
    run = FitRun(session={"total_distance": None})
    read_run = only_run(fit_file([file_id(), *[run.record(second, distance=None) for second in range(601)], run.summary()]))
    assert read_run.distance_rule is DistanceRule.GPS
    assert read_run.distance_m == pytest.approx(1800, abs=2)


def test_a_jump_in_the_records_adds_nothing() -> None:
    run = FitRun(session={"total_distance": None})
    records = [run.record(second, distance=90_000.0) if second == 300 else run.record(second) for second in range(601)]
    read_run = only_run(fit_file([file_id(), *records, run.summary()]))
    assert read_run.distance_m == pytest.approx(1800, abs=6)  # two steps of 3 m are lost with the jump


def test_what_nobody_can_run_is_not_a_run() -> None:
    assert refusal(fit_run(speed_m_s=12.5)).outcome is ImportOutcome.NOT_A_RUN


def test_a_session_of_seconds_is_kept_and_shown_as_doubtful() -> None:
    run = only_run(fit_run(seconds=24, speed_m_s=0.0, strides_per_min=0, gps=False))
    assert (run.distance_m, run.moving_time_s, run.cadence_spm, run.running_time_s) == (0.0, 24.0, None, None)
    assert run.doubtful
    assert any("by mistake" in note for note in run.notes)


# -- time ------------------------------------------------------------------------------------------------------------


def test_moving_time_is_timer_time_and_a_pause_is_no_cadence() -> None:
    # 300 s, 120 s pause with the watch still counting arm swings, 300 s
    run = FitRun(seconds=720, session={"total_timer_time": 600, "total_distance": 1800})
    before = [run.record(second) for second in range(301)]
    paused = [run.record(second, distance=900.0, speed=0.0, cadence=20) for second in range(301, 420)]
    after = [run.record(second, distance=900.0 + 3 * (second - 420)) for second in range(420, 721)]
    events = [
        timer_event(START, START_TIMER),
        timer_event(START + timedelta(seconds=300), STOP_TIMER),
        timer_event(START + timedelta(seconds=420), START_TIMER),
    ]
    read_run = only_run(fit_file([file_id(), *events, *before, *paused, *after, run.summary()]))
    assert (read_run.moving_time_s, read_run.elapsed_time_s) == (600, 720)
    assert read_run.cadence_spm == pytest.approx(171.0, abs=0.1)
    assert read_run.minutes is not None
    assert read_run.minutes.cadence_spm[5] != read_run.minutes.cadence_spm[5]  # minute 300 s … 360 s is a pause: not known, not 0


def test_without_a_timer_total_the_pauses_are_taken_off() -> None:
    run = FitRun(seconds=720, session={"total_timer_time": None, "total_distance": None})
    events = [timer_event(START + timedelta(seconds=300), STOP_TIMER), timer_event(START + timedelta(seconds=420), START_TIMER)]
    read_run = only_run(fit_file([file_id(), *events, *run.records(), run.summary()]))
    assert (read_run.moving_time_s, read_run.elapsed_time_s) == (600, 720)


def test_pauses_that_contradict_the_timer_are_not_believed() -> None:
    # a watch that wrote "stop" and never "start": by its timer it ran on
    content = fit_file([file_id(), timer_event(START + timedelta(seconds=10), STOP_TIMER), *FitRun().records(), FitRun().summary()])
    assert only_run(content).running_time_s == 600.0


def test_a_gap_in_the_records_stays_unknown() -> None:
    records = [FitRun().record(second) for second in range(601) if not 120 < second < 300]
    run = only_run(fit_file([file_id(), *records, FitRun().summary()]))
    assert run.minutes is not None
    assert run.minutes.speed_m_s[4] != run.minutes.speed_m_s[4]  # 240 s … 300 s
    assert run.distance_m == 1800.0


def test_records_written_in_halves_are_joined() -> None:
    # Strava's app writes place and distance as two records of the same second
    halves = []
    for second in range(601):
        name, values = FitRun().record(second)
        halves.append((name, {key: value for key, value in values.items() if key != "distance"}))
        halves.append((name, {key: values[key] for key in ("timestamp", "distance")}))
    run = only_run(fit_file([file_id(), *halves, FitRun(session={"total_distance": None}).summary()]))
    assert (run.distance_m, run.distance_rule) == (1800.0, DistanceRule.RECORDS)
    assert run.cadence_spm == pytest.approx(171.0)


def test_time_weights_the_cadence_not_the_number_of_records() -> None:
    # smart recording: 60 records of one second at 190 steps, then 20 of ten seconds at 160: (60*190 + 200*160) / 260 = 166.9
    run = FitRun(seconds=260, session={"avg_cadence": None})
    fast = [run.record(second, cadence=95, fractional_cadence=None) for second in range(60)]
    slow = [run.record(second, cadence=80, fractional_cadence=None) for second in range(60, 261, 10)]
    read_run = only_run(fit_file([file_id(), *fast, *slow, run.summary()]))
    assert read_run.cadence_spm == pytest.approx((60 * 190 + 200 * 160) / 260)
    assert read_run.device_cadence_spm is None


def test_walk_breaks_are_in_the_cadence_and_not_in_the_running_cadence() -> None:
    # five minutes at 3 m/s and 170, five at 1.4 m/s and 110
    run = FitRun(strides_per_min=85, session={"total_distance": None, "avg_cadence": None})
    walk = [run.record(second, speed=1.4, cadence=55, distance=900 + 1.4 * (second - 300)) for second in range(300, 601)]
    read_run = only_run(fit_file([file_id(), *run.records()[:300], *walk, run.summary()]))
    assert read_run.cadence_spm == pytest.approx(140.0)
    assert read_run.running_cadence_spm == pytest.approx(170.0)
    assert (read_run.running_time_s, read_run.running_speed_m_s) == (300.0, pytest.approx(3.0))


# -- clock -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "offset_s"), [(-6, -21600), (5.75, 20700), (14, 50400)])
def test_the_file_s_own_offset_is_kept(hours: float, offset_s: int) -> None:
    assert only_run(fit_run(None, activity_message(START, timedelta(hours=hours)))).utc_offset_s == offset_s


@pytest.mark.parametrize(("longitude_deg", "offset_s"), [(-87.6, None), (-0.1, 0)])
def test_an_offset_of_nothing_is_believed_only_near_greenwich(longitude_deg: float, offset_s: int | None) -> None:
    assert only_run(fit_run(FitRun(longitude_deg=longitude_deg), activity_message(START, timedelta(0)))).utc_offset_s == offset_s


@pytest.mark.parametrize("more", [[], [activity_message(START, timedelta(hours=15))]])
def test_no_offset_is_made_up(more: list[tuple[str, dict[str, int]]]) -> None:
    assert only_run(fit_run(None, *more)).utc_offset_s is None


def test_a_watch_without_the_world_s_time_keeps_its_own_day() -> None:
    # its clock counts from power-on (20,000 s); the closing message knows the local time
    powered_on = datetime(1989, 12, 31, tzinfo=UTC)
    run = FitRun(start=powered_on + timedelta(seconds=20_000), gps=False)
    closing = ("activity", {"timestamp": 20_600, "local_timestamp": fit_time(datetime(2012, 2, 13, 11, 26, tzinfo=UTC))})
    read_run = only_run(fit_run(run, closing))
    assert read_run.started_at_utc == datetime(2012, 2, 13, 11, 16, tzinfo=UTC)
    assert (read_run.clock_is_local, read_run.utc_offset_s, read_run.doubtful) == (True, 0, True)


def test_a_watch_without_any_date_gives_no_run() -> None:
    run = FitRun(start=datetime(1989, 12, 31, 6, tzinfo=UTC))
    assert refusal(fit_run(run)).outcome is ImportOutcome.NO_DATA


# -- several in one file ---------------------------------------------------------------------------------------------


def triathlon() -> bytes:
    ride = FitRun(seconds=1200, speed_m_s=8.0, sport=CYCLING)
    change = FitRun(start=START + timedelta(seconds=1200), seconds=60, speed_m_s=1.0, sport=TRANSITION, distance_from_m=9600.0)
    run = FitRun(start=START + timedelta(seconds=1260), distance_from_m=9660.0)
    parts = (ride, change, run)
    records = [record for part in parts for record in part.records()[:-1]] + [run.records()[-1]]
    return fit_file([file_id(), *records, *(part.summary() for part in parts)])


def test_a_triathlon_gives_its_run_only() -> None:
    found = read(triathlon())
    assert [(run.distance_m, run.moving_time_s) for run in found.runs] == [(1800.0, 600.0)]
    assert found.runs[0].started_at_utc == START + timedelta(seconds=1260)
    assert found.runs[0].distance_rule is DistanceRule.DEVICE_TOTAL
    assert "cycling, transition" in found.notes[0]


def test_a_record_on_the_border_belongs_to_the_session_that_begins() -> None:
    # two runs back to back; the second one's first record, at its very start, is at 200 steps per minute
    first, second = FitRun(session={"avg_cadence": None}), FitRun(start=START + timedelta(seconds=600), distance_from_m=1800.0)
    border = second.record(0, cadence=100, fractional_cadence=0.0)
    content = fit_file([file_id(), *first.records()[:-1], border, *second.records()[1:], first.summary(), second.summary()])
    earlier, later = read(content).runs
    assert earlier.cadence_spm == pytest.approx(171.0)
    assert later.cadence_spm is not None
    assert later.cadence_spm > 171.0


def test_chained_files_are_all_read() -> None:
    found = read(fit_run() + fit_run(start=START + timedelta(days=1), seconds=900))
    assert [run.distance_m for run in found.runs] == [1800.0, 2700.0]
    assert not found.partial


# -- damage ----------------------------------------------------------------------------------------------------------


def test_a_wrong_checksum_keeps_everything_and_says_so() -> None:
    content = fit_run()
    found = read(content[:-2] + bytes([content[-2] ^ 1, content[-1]]))
    assert found.partial
    assert "checksum" in found.notes[0]
    assert found.runs[0].distance_m == 1800.0


def test_a_header_without_a_checksum_is_no_damage() -> None:
    assert not read(fit_file([file_id(), *FitRun().records(), FitRun().summary()], header_size=12)).partial


def test_a_file_cut_before_its_summary_keeps_the_records_before_the_break() -> None:
    sport = ("sport", {"sport": RUNNING, "sub_sport": 0})
    whole = fit_file([file_id(), sport, *FitRun().records(), FitRun().summary()])
    per_record = (len(whole) - len(fit_file([file_id(), sport, *FitRun().records()[:1], FitRun().summary()]))) / 600
    found = read(whole[: len(whole) - round(per_record * 300) - 80])
    assert found.partial
    assert 800 < found.runs[0].distance_m < 900
    assert found.runs[0].distance_rule is DistanceRule.RECORDS
    assert found.runs[0].cadence_spm == pytest.approx(171.0)


def test_a_total_that_came_before_the_break_is_kept() -> None:
    # Strava's app writes the session first
    whole = fit_file([file_id(), FitRun().summary(), *FitRun().records()])
    found = read(whole[: len(whole) // 2])
    assert found.partial
    assert (found.runs[0].distance_m, found.runs[0].moving_time_s) == (1800.0, 600.0)
    assert any("break off" in note for note in found.runs[0].notes)


def test_a_ride_cut_before_its_summary_is_still_a_ride() -> None:
    content = fit_file([file_id(), ("sport", {"sport": CYCLING, "sub_sport": 0}), *FitRun().records()])
    assert refusal(content[:-300]).outcome is ImportOutcome.NOT_A_RUN


def test_a_file_cut_before_it_names_a_sport_is_unreadable() -> None:
    assert refusal(fit_run()[:5000]).outcome is ImportOutcome.UNREADABLE


def test_a_watch_that_died_before_it_wrote_the_size_is_read() -> None:
    content = fit_run()
    found = read(content[:4] + bytes(4) + content[8:])
    assert found.partial
    assert found.runs[0].distance_m == 1800.0


def test_garbage_in_the_middle_ends_the_reading_there() -> None:
    first = fit_run()
    found = read(first + b"\x0e\x20\x00\x00\xff\xff\x00\x00.FIT\x00\x00" + b"\xff" * 500)
    assert found.partial
    assert len(found.runs) == 1


def test_compressed_timestamps_are_read() -> None:
    run = FitRun()
    first = ("event", {"timestamp": fit_time(START), "event": TIMER_EVENT, "event_type": START_TIMER})
    content = fit_file([file_id(), first, *run.records(), run.summary()], compressed_timestamps=True)
    read_run = only_run(content)
    assert read_run.cadence_spm == pytest.approx(171.0)
    assert read_run.minutes is not None
    assert len(read_run.minutes.speed_m_s) == 11


TIMER_EVENT = 0


@pytest.mark.parametrize(("kind", "word"), [(2, "settings"), (5, "planned workout"), (6, "planned course")])
def test_a_file_without_an_activity_says_what_it_holds(kind: int, word: str) -> None:
    refused = refusal(fit_file([file_id(kind)]))
    assert refused.outcome is ImportOutcome.NO_DATA
    assert word in refused.reason


def test_an_empty_activity_gives_nothing() -> None:
    assert refusal(fit_file([file_id()])).outcome is ImportOutcome.NO_DATA
    assert refusal(fit_wrapped(b"")).outcome is ImportOutcome.NO_DATA


# -- contact time ----------------------------------------------------------------------------------------------------


def test_ground_contact_is_the_watch_s_own_average_else_that_of_its_records() -> None:
    records = [FitRun().record(second, stance_time=250.0) for second in range(601)]
    stated = fit_file([file_id(), *records, FitRun(session={"avg_stance_time": 252.0}).summary()])
    unstated = fit_file([file_id(), *records, FitRun().summary()])
    assert only_run(stated).ground_contact_time_ms == pytest.approx(252.0)
    assert only_run(unstated).ground_contact_time_ms == pytest.approx(250.0)
    assert only_run(fit_run()).ground_contact_time_ms is None
