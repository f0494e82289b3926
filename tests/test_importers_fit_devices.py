"""FIT as different makers write it: watches, phone apps, foot pods, and watches whose clock was wrong."""

import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from data.importers.base import FileRefused, ReadFile, ReadRun
from data.importers.fit import read
from models import CadenceRule, ImportOutcome, Surface
from tests import fit_bytes as fb
from tests.fit_bytes import FitBytes
from tests.run_files import (
    START,
    START_TIMER,
    STOP_TIMER,
    FitRun,
    Message,
    activity_message,
    file_id,
    fit_file,
    fit_run,
    fit_time,
    timer_event,
)

STOP_ALL = 4


def only_run(content: bytes) -> ReadRun:
    (run,) = read(content).runs
    return run


# -- makers ----------------------------------------------------------------------------------------------------------


def made_by(manufacturer: int, product: int | None = None, product_name: bytes = b"", *, name_ends: bool = True) -> bytes:
    """A steady 60 s with a file_id as makers write it, product and its name each where there is one; 180 m at 170 steps per minute."""
    name = product_name + (b"\0" if name_ends and product_name else b"")
    fields = [(0, 1, fb.ENUM), (1, 2, fb.UINT16)] + ([(2, 2, fb.UINT16)] if product is not None else [])
    values = struct.pack("<BH", 4, manufacturer) + (b"" if product is None else struct.pack("<H", product))
    content = FitBytes().define(0, fb.FILE_ID, fields + ([(8, len(name), fb.STRING)] if name else [])).data(0, values + name)
    content.define(1, fb.RECORD, [(fb.TIMESTAMP, 4, fb.UINT32), (5, 4, fb.UINT32), (4, 1, fb.UINT8)])
    start = fit_time(START)
    for second in range(61):
        content.packed(1, "<IIB", start + second, 300 * second, 85)
    session = [(fb.TIMESTAMP, 4, fb.UINT32), (2, 4, fb.UINT32), (5, 1, fb.ENUM), (7, 4, fb.UINT32), (8, 4, fb.UINT32), (9, 4, fb.UINT32)]
    content.define(2, fb.SESSION, session).packed(2, "<IIBIII", start + 60, start, 1, 60_000, 60_000, 18_000)
    return content.whole()


@pytest.mark.parametrize(
    ("content", "device"),
    [
        (made_by(1, 4024), "garmin fr955"),
        (made_by(294, 841, b"COROS PACE 3"), "coros COROS PACE 3"),
        (made_by(23, 34, b"Suunto 9 Baro"), "suunto Suunto 9 Baro"),
        (made_by(123, None, b"Polar Vantage V2"), "polar_electro Polar Vantage V2"),
        (made_by(32, 37, b"ELEMNT RIVAL", name_ends=False), "wahoo_fitness ELEMNT RIVAL"),  # Wahoo writes names without their end
        (made_by(255, None, b"HealthFit"), "development HealthFit"),
        (made_by(255, 0, b"WorkOutDoors"), "development WorkOutDoors"),
        (made_by(95, 100), "stryd 100"),
        (made_by(265, 102), "strava 102"),
        (made_by(0xFFFF), ""),
    ],
)
def test_a_run_of_any_maker_is_read_and_names_its_device(content: bytes, device: str) -> None:
    run = only_run(content)
    assert (run.distance_m, run.moving_time_s, run.cadence_spm, run.device) == (180.0, 60.0, 170.0, device)
    assert run.cadence_rule is CadenceRule.FIT_STRIDES_DOUBLED


@pytest.mark.parametrize(
    ("sub_sport", "surface"),
    [(0, Surface.UNKNOWN), (1, Surface.TREADMILL), (2, Surface.ROAD), (3, Surface.TRAIL), (4, Surface.TRACK), (45, Surface.TREADMILL), (58, Surface.TREADMILL)],
)  # fmt: skip
def test_the_kind_of_running_names_the_surface(sub_sport: int, surface: Surface) -> None:
    assert only_run(fit_run(sub_sport=sub_sport)).surface is surface


@pytest.mark.parametrize("stop", [STOP_TIMER, STOP_ALL])
def test_a_pause_of_an_app_is_no_moving_time(stop: int) -> None:
    # Apple Watch apps end the timer with "stop all" and may state no timer time
    run = FitRun(seconds=720, session={"total_timer_time": None, "total_distance": None, "avg_cadence": None})
    pause = [timer_event(START + timedelta(seconds=300), stop), timer_event(START + timedelta(seconds=420), START_TIMER)]
    records = [run.record(second) for second in range(721) if not 300 < second < 420]
    found = only_run(fit_file([file_id(), timer_event(START, START_TIMER), *pause, *records, run.summary()]))
    assert (found.moving_time_s, found.elapsed_time_s) == (600, 720)


def test_cadence_in_half_of_the_records_is_the_mean_of_those() -> None:
    # Suunto writes GPS and cadence in turns
    run = FitRun(strides_per_min=86, session={"avg_cadence": None})
    turns = [
        run.record(second, **({"cadence": None, "fractional_cadence": None} if second % 2 else {"position_lat": None}))
        for second in range(601)
    ]
    found = only_run(fit_file([file_id(), *turns, run.summary()]))
    assert (found.cadence_spm, found.distance_m) == (172.0, 1800.0)


def test_an_app_that_counts_steps_where_strides_belong_gives_no_cadence() -> None:
    found = only_run(fit_run(strides_per_min=170, session={"avg_cadence": None}))
    assert (found.cadence_spm, found.cadence_rule, found.doubtful) == (None, CadenceRule.NONE, True)
    assert any("read as its format says it would be 340 steps per minute" in note for note in found.notes)


def test_compressed_times_and_both_byte_orders_give_the_same_run() -> None:
    messages: list[Message] = [file_id(), timer_event(START, START_TIMER), *FitRun().records(), FitRun().summary()]
    plain = only_run(fit_file(messages))
    for other in (
        fit_file(messages, compressed_timestamps=True),
        fit_file(messages, big_endian=True),
        fit_file(messages, always_define=True),
    ):
        run = only_run(other)
        assert run.minutes is not None
        assert plain.minutes is not None
        assert np.array_equal(run.minutes.speed_m_s, plain.minutes.speed_m_s, equal_nan=True)
        assert replace(run, minutes=None) == replace(plain, minutes=None)


def test_a_watch_that_wrote_two_files_into_one_gives_both_runs_and_what_came_before_a_break() -> None:
    first, second = fit_run(), fit_run(start=START + timedelta(days=1), seconds=900)
    assert [run.distance_m for run in read(first + second).runs] == [1800.0, 2700.0]
    cut = read(first + second[:2_000])
    assert ([run.distance_m for run in cut.runs], cut.partial) == ([1800.0], True)
    assert cut.notes[0] == "The file is damaged or cut off. What could be read is kept."


# -- foot pods -------------------------------------------------------------------------------------------------------


def pod_run(described: list[tuple[str, str, int]], values: list[float], *, watch_ms: float | None = None) -> ReadRun:
    """Two minutes with a pod's fields in each record, and the watch's own contact time if given."""
    content = FitBytes().define(0, fb.FILE_ID, [(0, 1, fb.ENUM)]).data(0, b"\4").developer(3, 0)
    for number, (name, units, base_type) in enumerate(described):
        content.describe(4, 0, number, base_type, name, units)
    watch = [] if watch_ms is None else [(41, 2, fb.UINT16)]
    content.define(
        1,
        fb.RECORD,
        [(fb.TIMESTAMP, 4, fb.UINT32), (5, 4, fb.UINT32), *watch],
        [(n, fb.SIZES[one[2]], 0) for n, one in enumerate(described)],
    )
    pod = b"".join(struct.pack("<f" if one[2] == fb.FLOAT32 else "<H", value) for one, value in zip(described, values, strict=True))
    start = fit_time(START)
    for second in range(121):
        own = b"" if watch_ms is None else struct.pack("<H", round(watch_ms * 10))
        content.data(1, struct.pack("<II", start + second, 300 * second) + own + pod)
    content.define(2, fb.SESSION, [(fb.TIMESTAMP, 4, fb.UINT32), (2, 4, fb.UINT32), (5, 1, fb.ENUM), (8, 4, fb.UINT32)])
    return only_run(content.packed(2, "<IIBI", start + 120, start, 1, 120_000).whole())


GCT, GCT_L, GCT_R = ("GCT", "ms", fb.SINT16), ("GCT_L", "ms", fb.SINT16), ("GCT_R", "ms", fb.SINT16)
STRYD = ("Ground Time", "Milliseconds", fb.UINT16)


@pytest.mark.parametrize(
    ("described", "values", "contact_ms", "pod"),
    [
        ([STRYD], [241], 241.0, "Stryd"),
        ([GCT], [250], 250.0, "RunScribe"),
        ([GCT_L, GCT_R], [240, 260], 250.0, "RunScribe"),
        ([GCT_L, GCT_R], [0, 260], 260.0, "RunScribe, of one foot only"),  # a pod without a signal writes 0
        ([GCT_L, GCT_R], [240, 0], 240.0, "RunScribe, of one foot only"),
        ([GCT_L, GCT_R], [0, 0], None, ""),
        ([STRYD, GCT], [241, 250], 241.0, "Stryd"),
        ([("GCT", "%", fb.SINT16)], [250], None, ""),  # a field of the same name and another unit is another thing
        ([("Power", "Watts", fb.UINT16)], [250], None, ""),
    ],
)
def test_ground_contact_of_a_pod_is_read_and_said(
    described: list[tuple[str, str, int]], values: list[float], contact_ms: float | None, pod: str
) -> None:
    run = pod_run(described, values)
    assert run.ground_contact_time_ms == contact_ms
    assert [note for note in run.notes if "pod" in note] == ([f"Ground contact time comes from a foot pod ({pod})."] if pod else [])


def test_the_watch_s_own_contact_time_goes_before_a_pod_s() -> None:
    run = pod_run([GCT], [250], watch_ms=233.0)
    assert run.ground_contact_time_ms == 233.0
    assert not any("pod" in note for note in run.notes)


def test_stryd_s_oscillation_is_centimetres() -> None:
    run = pod_run([STRYD, ("Vertical Oscillation", "Centimeters", fb.FLOAT32)], [241, 7.5])
    assert run.vertical_oscillation_mm == 75.0


# -- the clock -------------------------------------------------------------------------------------------------------


def with_clock_set(by_s: int, *, at_second: int = 200, lasted: float = 600.0) -> ReadFile:
    """A run of 600 s whose first seconds are on a clock that is `by_s` slow; the session starts on that clock and ends on the right one."""
    run = FitRun(session={"total_elapsed_time": lasted, "total_timer_time": 600.0, "start_time": fit_time(START) - by_s})
    records = [
        run.record(second, timestamp=fit_time(START) + second - (by_s if second < at_second else 0)) for second in range(601)
    ]  # fmt: skip
    return read(fit_file([file_id(), timer_event(START - timedelta(seconds=by_s), START_TIMER), *records, run.summary()]))


@pytest.mark.parametrize(
    ("by_s", "words"),
    [
        (-120, None),  # a step of -119 s: so late a record may be written
        (-121, "back by 2 minutes"),
        (-3_600, "back by 60 minutes"),
        (12 * 3_600 - 1, "forth by 720 minutes"),
        (9_000 * 86_400, "forth by 9,000 days"),
    ],
)
def test_a_clock_set_during_the_run_moves_what_came_before(by_s: int, words: str | None) -> None:
    (run,) = with_clock_set(by_s).runs
    said = [note for note in run.notes if "clock was set" in note]
    assert said == ([f"The watch's clock was set {words} during the run. The times before are moved to fit."] if words else [])
    if words:
        assert (run.started_at_utc, run.distance_m, run.moving_time_s, run.elapsed_time_s) == (START, 1800.0, 600.0, 600.0)
        assert run.cadence_spm == pytest.approx(171.0)
        assert run.minutes is not None
        assert len(run.minutes.speed_m_s) == 11
        assert run.minutes.speed_m_s[:10].tolist() == pytest.approx([3.0] * 10)  # those before the jump too


def test_a_jump_forth_of_less_than_half_a_day_is_a_pause() -> None:
    (run,) = with_clock_set(12 * 3_600 - 2).runs
    assert not any("clock was set" in note for note in run.notes)
    assert run.moving_time_s == 600.0


def test_a_night_between_two_halves_is_a_pause_if_the_watch_counts_it_as_time() -> None:
    (run,) = with_clock_set(13 * 3_600, lasted=600.0 + 13 * 3_600).runs
    assert not any("clock was set" in note for note in run.notes)
    assert (run.moving_time_s, run.elapsed_time_s) == (600.0, 600.0 + 13 * 3_600)


def test_a_watch_that_never_knew_the_day_gives_no_run_and_says_why() -> None:
    with pytest.raises(FileRefused) as refused:
        read(fit_run(start=datetime(1989, 12, 31, 6, tzinfo=UTC)))
    assert refused.value.outcome is ImportOutcome.NO_DATA
    assert "clock of the watch was not set" in refused.value.reason


def test_the_offset_at_the_end_counts_for_a_run_whose_clock_was_set() -> None:
    run = FitRun(session={"start_time": fit_time(START) - 9_000 * 86_400})
    records = [run.record(second, timestamp=fit_time(START) + second - (9_000 * 86_400 if second < 99 else 0)) for second in range(601)]
    found = only_run(fit_file([file_id(), *records, run.summary(), activity_message(START + timedelta(minutes=10), timedelta(hours=-6))]))
    assert (found.started_at_utc, found.utc_offset_s) == (START, -6 * 3600)
