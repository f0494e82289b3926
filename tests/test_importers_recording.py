"""From samples to a run: what holds, what moves, what is walking, worked by hand at the limits."""

import math

import numpy as np
import pytest

from data.importers.base import FileRefused
from data.importers.recording import Recording, Stated, is_walking, run_of
from data.importers.samples import SAMPLES_MAX, Samples, holding_time, samples_from, travelled
from models import CadenceRule, DistanceRule, ImportOutcome, Surface
from tests.run_files import METRE_NORTH_DEG, START


def samples(**columns: list[float | None]) -> Samples:
    return samples_from(list(zip(*columns.values(), strict=True)), list(columns))


def recording(taken: Samples, **more: object) -> Recording:
    return Recording(started_at_utc=START, samples=taken, cadence_rule=CadenceRule.FIT_STRIDES_DOUBLED, **more)  # type: ignore[arg-type]


def steady(minutes: list[tuple[float, float | None]]) -> Samples:
    """A sample a second; each minute has a speed and a cadence."""
    speeds = [speed for speed, _ in minutes for _ in range(60)] + [minutes[-1][0]]
    cadences = [cadence for _, cadence in minutes for _ in range(60)] + [minutes[-1][1]]
    way = np.concatenate([[0.0], np.cumsum(speeds[:-1])]).tolist()
    return samples(time_s=[float(second) for second in range(len(speeds))], distance_m=way, speed_m_s=speeds, cadence_spm=cadences)


# -- samples ---------------------------------------------------------------------------------------------------------


def test_impossible_values_are_not_written() -> None:
    taken = samples(
        time_s=[0, 1, 2],
        latitude_deg=[91.0, 0.0, 41.9],
        longitude_deg=[0.0, 0.0, math.inf],
        cadence_spm=[301.0, 300.0, math.nan],
        speed_m_s=[-1.0, 12.0, 12.1],
    )
    assert np.isnan(taken.latitude_deg).all()  # out of range, the null island, and no longitude
    assert np.isnan(taken.cadence_spm).tolist() == [True, False, True]
    assert np.isnan(taken.speed_m_s).tolist() == [True, False, True]


def test_samples_out_of_order_are_ordered_and_those_of_one_second_joined() -> None:
    taken = samples(time_s=[2, 1, 1, None, 1], distance_m=[6, None, 3, 99, 4], cadence_spm=[172, 170, None, 1, 168])
    assert taken.time_s.tolist() == [1, 2]
    assert taken.distance_m.tolist() == [3, 6]  # the first one written counts
    assert taken.cadence_spm.tolist() == [170, 172]


def test_more_points_than_any_run_are_refused() -> None:
    with pytest.raises(FileRefused) as refused:
        samples_from([[0.0]] * (SAMPLES_MAX + 1), ["time_s"])
    assert refused.value.outcome is ImportOutcome.UNREADABLE


@pytest.mark.parametrize(
    ("totals", "way"),
    [
        ([0, 3, 6], [0, 3, 6]),
        ([4, 7, 10], [4, 7, 10]),  # the first record already counts
        ([5000, 5003, 5006], [0, 3, 6]),  # a total that was never set back
        ([0, 3, None, 9], [0, 3, 6, 9]),
        ([100, 103, 1, 4], [0, 3, 4, 7]),  # begins anew
        ([0, 10, 9, 12], [0, 10, 10, 13]),  # a small step back is standing
        ([0, 25, 51], [0, 25, 25]),  # 25 m/s is believed, 26 is not
    ],
)
def test_the_running_total_is_followed(totals: list[float | None], way: list[float]) -> None:
    followed = travelled(samples(time_s=list(range(len(totals))), distance_m=totals))
    assert followed is not None
    assert followed[0].tolist() == pytest.approx(way)


@pytest.mark.parametrize(
    ("gap_s", "way_m", "hold_s"),
    [
        (8, 0, 8.0),  # smart recording
        (10, 4, 10.0),
        (11, 5, 1.0),  # 0.45 m/s over a gap: stood
        (11, 6, 11.0),
        (30, 90, 30.0),
        (31, 93, 30.0),  # no longer than 30 s
    ],
)
def test_a_sample_holds_until_the_next_within_limits(gap_s: float, way_m: float, hold_s: float) -> None:
    taken = samples(time_s=[0, gap_s], distance_m=[0, way_m])
    assert holding_time(taken, np.array([0.0, max(way_m, 0.001)]), ()).tolist() == pytest.approx([hold_s, 0.0])


def test_a_pause_cuts_what_a_sample_holds() -> None:
    taken = samples(time_s=[0, 10, 20, 30])
    assert holding_time(taken, None, [(5, 12), (25, math.inf)]).tolist() == pytest.approx([5.0, 8.0, 5.0, 0.0])


# -- walking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("speed_m_s", "cadence_spm", "walking"),
    [
        (1.89, 139.9, True),
        (1.9, 139.9, False),  # on the limit is running
        (1.89, 140.0, False),
        (3.0, 110.0, False),
        (1.2, 165.0, False),
        (None, 110.0, True),
        (None, 140.0, False),
        (1.2, None, True),
        (3.0, None, False),
    ],
)
def test_walking_is_slow_and_few_steps(speed_m_s: float | None, cadence_spm: float | None, walking: bool) -> None:
    assert is_walking(speed_m_s, cadence_spm) is walking


def test_each_minute_is_judged_by_itself() -> None:
    # 4 minutes: run, walk, slow shuffle at 150, run without cadence
    run = run_of(recording(steady([(3.0, 170.0), (1.4, 110.0), (1.6, 150.0), (3.0, None)])))
    assert run.cadence_spm == pytest.approx((170 + 110 + 150) / 3)
    assert run.running_cadence_spm == pytest.approx(160.0)
    assert run.running_time_s == pytest.approx(120.0)  # the same two minutes
    assert run.running_speed_m_s == pytest.approx(2.3)
    assert run.minutes is not None
    assert np.isnan(run.minutes.cadence_spm).tolist() == [False, False, False, True, True]


def test_standing_lowers_neither_cadence_nor_speed() -> None:
    # the second minute stands at a light for half of it, the timer runs on
    taken = steady([(3.0, 170.0), (3.0, 170.0)])
    speed, cadence = taken.speed_m_s.copy(), taken.cadence_spm.copy()
    speed[60:90], cadence[60:90] = 0.0, 0.0
    run = run_of(recording(Samples(**{**vars(taken), "speed_m_s": speed, "cadence_spm": cadence}), stated=Stated(timer_time_s=120)))
    assert run.cadence_spm == pytest.approx(170.0)
    assert run.running_time_s == pytest.approx(90.0)
    assert run.running_speed_m_s == pytest.approx(3.0)
    assert run.moving_time_s == 120


def test_running_time_is_never_longer_than_moving_time() -> None:
    assert run_of(recording(steady([(3.0, 170.0)] * 5), stated=Stated(timer_time_s=295))).running_time_s == 295


def test_who_climbs_slower_than_standing_still_steps() -> None:
    run = run_of(recording(steady([(0.4, 100.0)] * 5), stated=Stated(timer_time_s=300)))
    assert run.cadence_spm == pytest.approx(100.0)


def test_without_samples_the_file_s_word_is_all_there_is() -> None:
    stated = Stated(distance_m=5000, timer_time_s=1500, elapsed_time_s=1600, cadence_spm=168)
    run = run_of(recording(samples(time_s=[]), stated=stated))
    assert (run.distance_m, run.moving_time_s, run.elapsed_time_s) == (5000, 1500, 1600)
    assert (run.cadence_spm, run.running_cadence_spm, run.device_cadence_spm) == (None, None, 168)
    assert (run.minutes, run.running_time_s) == (None, None)
    assert run.cadence_rule is CadenceRule.FIT_STRIDES_DOUBLED


@pytest.mark.parametrize(("cadence_spm", "kept"), [(19.0, False), (20.0, True), (250.0, True), (251.0, False)])
def test_a_cadence_that_cannot_be_is_left_out_with_a_doubt(cadence_spm: float, kept: bool) -> None:
    run = run_of(recording(steady([(3.0, cadence_spm)] * 3)))
    assert (run.cadence_spm is not None) is kept
    assert (run.cadence_rule is CadenceRule.NONE) is not kept
    assert any("would be" in note for note in run.notes) is not kept


@pytest.mark.parametrize(
    ("stated_m", "distance_m", "rule"),
    [
        (650.0, 650.0, DistanceRule.DEVICE_TOTAL),  # 50 m off are within 50 m
        (651.0, 600.0, DistanceRule.RECORDS),
        (0.0, 600.0, DistanceRule.RECORDS),
        (None, 600.0, DistanceRule.RECORDS),
    ],
)
def test_small_distances_agree_within_fifty_metres(stated_m: float | None, distance_m: float, rule: DistanceRule) -> None:
    run = run_of(recording(steady([(2.0, 160.0)] * 5), stated=Stated(distance_m=stated_m)))
    assert (run.distance_m, run.distance_rule) == (distance_m, rule)


def test_a_device_that_states_0_gives_way_to_gps() -> None:
    taken = samples(
        time_s=list(range(601)), latitude_deg=[41.9 + 3 * second * METRE_NORTH_DEG for second in range(601)], longitude_deg=[-87.6] * 601
    )
    run = run_of(recording(taken, stated=Stated(distance_m=0.0, timer_time_s=600)))
    assert run.distance_rule is DistanceRule.GPS
    assert run.distance_m == pytest.approx(1800, abs=1)


def test_no_distance_at_all_is_0_with_a_doubt() -> None:
    run = run_of(recording(samples(time_s=list(range(601)), cadence_spm=[170.0] * 601)))
    assert (run.distance_m, run.doubtful) == (0.0, True)
    assert run.running_cadence_spm == pytest.approx(170.0)


@pytest.mark.parametrize(("seconds", "doubtful"), [(59, True), (60, False)])
def test_less_than_a_minute_is_doubtful(seconds: int, doubtful: bool) -> None:
    way = [3.0 * second for second in range(seconds + 1)]
    assert run_of(recording(samples(time_s=list(range(seconds + 1)), distance_m=way))).doubtful is doubtful


def test_a_treadmill_has_no_slope() -> None:
    taken = samples(time_s=list(range(601)), distance_m=[3.0 * s for s in range(601)], altitude_m=[100 + s / 10 for s in range(601)])
    assert run_of(recording(taken)).grade_abs_mean == pytest.approx(1 / 30)
    assert run_of(recording(taken, surface=Surface.TREADMILL)).grade_abs_mean is None


def test_a_device_s_name_is_one_line() -> None:
    assert run_of(recording(steady([(3.0, 170.0)] * 2), device="A\n\x00b " + "c" * 300)).device == "A b " + "c" * 116
