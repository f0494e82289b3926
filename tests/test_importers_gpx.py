"""GPX: points become a run; moving time comes from the points; nothing is made up where times or sport are missing."""

from datetime import timedelta

import pytest

from data.importers.base import FileRefused, ReadRun
from data.importers.gpx import read
from models import CadenceRule, DistanceRule, ImportOutcome
from tests.run_files import START, gpx_file, gpx_point, gpx_track, steady_points


def only_run(content: bytes) -> ReadRun:
    runs = read(content).runs
    assert len(runs) == 1
    return runs[0]


def refusal(content: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        read(content)
    return refused.value


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def test_a_steady_run_is_read() -> None:
    run = only_run(gpx_file(gpx_track(steady_points())))
    assert run.started_at_utc == START
    assert run.distance_m == pytest.approx(1800, abs=1)
    assert run.distance_rule is DistanceRule.GPS
    assert (run.moving_time_s, run.elapsed_time_s) == (600.0, 600.0)
    assert (run.cadence_spm, run.running_cadence_spm, run.device_cadence_spm) == (170.0, 170.0, None)
    assert run.cadence_rule is CadenceRule.GPX_STRIDES_DOUBLED
    assert run.device == "Ben's app"
    assert run.notes == ()


@pytest.mark.parametrize(
    "extension",
    [
        '<h:TrackPointExtension xmlns:h="urn:any"><h:cad>82</h:cad></h:TrackPointExtension>',
        '<gpxdata:cadence xmlns:gpxdata="http://www.cluetrust.com/XML/GPXDATA/1/0">82</gpxdata:cadence>',
        "<cadence>82</cadence>",
        "<gpxtpx:TrackPointExtension><gpxtpx:cad>82</gpxtpx:cad></gpxtpx:TrackPointExtension>",  # never declared
        "<TrackPointExtension><Cad>82</Cad></TrackPointExtension>",
    ],
)
def test_cadence_is_found_in_any_namespace_and_doubled(extension: str) -> None:
    points = [gpx_point(15 * i, START + timedelta(seconds=5 * i), extension=extension) for i in range(61)]
    assert only_run(gpx_file(gpx_track(points))).cadence_spm == 164.0


def test_cadence_that_would_be_impossible_is_left_out_not_halved() -> None:
    # an app that writes steps where the format has strides: 165 would become 330
    run = only_run(gpx_file(gpx_track(steady_points(strides=165))))
    assert (run.cadence_spm, run.running_cadence_spm, run.cadence_rule) == (None, None, CadenceRule.NONE)
    run = only_run(gpx_file(gpx_track(steady_points(strides=130))))
    assert run.cadence_spm is None
    assert run.doubtful
    assert any("260 steps per minute" in note for note in run.notes)


@pytest.mark.parametrize(
    ("standing_s", "moving_time_s"),
    [(9, 609.0), (10, 600.0), (60, 600.0)],  # a spell counts from 10 s on
)
def test_standing_is_taken_off_from_ten_seconds_on(standing_s: int, moving_time_s: float) -> None:
    first = [gpx_point(3.0 * second, at(second)) for second in range(301)]
    later = [gpx_point(900 + 3.0 * second, at(300 + standing_s + second)) for second in range(301)]
    run = only_run(gpx_file(gpx_track([*first, *later])))
    assert (run.moving_time_s, run.elapsed_time_s) == (moving_time_s, 600.0 + standing_s)


@pytest.mark.parametrize(("speed_m_s", "moving_time_s"), [(0.49, 600.0), (0.51, 640.0)])
def test_standing_is_below_half_a_metre_a_second(speed_m_s: float, moving_time_s: float) -> None:
    first = [gpx_point(3.0 * second, at(second)) for second in range(301)]
    slow = [gpx_point(900 + speed_m_s * second, at(300 + second)) for second in range(1, 41)]
    later = [gpx_point(900 + 40 * speed_m_s + 3.0 * second, at(340 + second)) for second in range(1, 301)]
    assert only_run(gpx_file(gpx_track([*first, *slow, *later]))).moving_time_s == pytest.approx(moving_time_s)


def test_a_break_between_segments_is_neither_way_nor_moving_time() -> None:
    later = steady_points(300, start=START + timedelta(seconds=500), from_m=1400)
    run = only_run(gpx_file(gpx_track(steady_points(300), [], later)))
    assert run.distance_m == pytest.approx(1800, abs=1)
    assert (run.moving_time_s, run.elapsed_time_s) == (600.0, 800.0)


def test_a_break_does_not_make_a_spell_of_a_short_stand() -> None:
    # 5 s of standing, then a break of 100 s in the same place: only the break is taken off
    first = [gpx_point(min(3.0 * second, 900.0), at(second)) for second in range(306)]
    later = [gpx_point(900 + 3.0 * second, at(405 + second)) for second in range(301)]
    run = only_run(gpx_file(gpx_track(first, later)))
    assert (run.moving_time_s, run.elapsed_time_s) == (605.0, 705.0)


def test_steps_on_the_spot_are_no_cadence_of_the_run() -> None:
    def point(way_m: float, second: int, strides: int) -> str:
        return gpx_point(way_m, at(second), extension=f"<g:cad>{strides}</g:cad>")

    first = [point(3.0 * second, second, 85) for second in range(301)]
    waiting = [point(900.0, second, 30) for second in range(300, 360)]
    later = [point(900 + 3.0 * (second - 360), second, 85) for second in range(360, 661)]
    assert only_run(gpx_file(gpx_track([*first[:-1], *waiting, *later]))).cadence_spm == pytest.approx(170.0)


def test_tracks_within_half_an_hour_are_one_run_and_later_ones_another() -> None:
    def track(minutes: float) -> str:
        return gpx_track(steady_points(600, start=START + timedelta(minutes=minutes)))

    found = read(gpx_file(track(0), track(40), track(81)))  # breaks of 30 and 31 minutes
    assert [run.elapsed_time_s for run in found.runs] == [3000.0, 600.0]
    assert found.runs[0].distance_m == pytest.approx(3600, abs=2)


@pytest.mark.parametrize("sport", ["running", "9", "Run", "Trail Running", "Laufen"])
def test_a_sport_that_means_running_is_a_run(sport: str) -> None:
    assert not only_run(gpx_file(gpx_track(steady_points(), sport=sport))).doubtful


@pytest.mark.parametrize(("sport", "word"), [("cycling", "cycling"), ("1", "ride"), ("10", "walk"), ("hiking", "hiking"), ("77", "77")])
def test_a_sport_that_means_something_else_is_not_a_run(sport: str, word: str) -> None:
    refused = refusal(gpx_file(gpx_track(steady_points(), sport=sport)))
    assert refused.outcome is ImportOutcome.NOT_A_RUN
    assert word in refused.reason


def test_no_sport_is_taken_as_a_run_and_said() -> None:
    run = only_run(gpx_file(gpx_track(steady_points(), sport=None)))
    assert run.notes == ("The file names no sport; it is taken as a run.",)
    assert not run.doubtful


def test_an_unknown_word_is_taken_as_a_run_with_a_doubt() -> None:
    assert only_run(gpx_file(gpx_track(steady_points(), sport="Sunday"))).doubtful


def test_a_speed_of_a_bicycle_is_a_doubt() -> None:
    run = only_run(gpx_file(gpx_track(steady_points(speed_m_s=7.0), sport=None)))
    assert any("may be a ride" in note for note in run.notes)
    assert run.doubtful


def test_points_without_times_give_no_run() -> None:
    refused = refusal(gpx_file(gpx_track([gpx_point(10.0 * i, None) for i in range(100)])))
    assert refused.outcome is ImportOutcome.NO_DATA
    assert "100 of 100 points" in refused.reason


def test_a_few_points_without_times_are_left_out_and_said() -> None:
    points = steady_points()
    points.insert(3, gpx_point(40.0, None))
    run = only_run(gpx_file(gpx_track(points)))
    assert run.distance_m == pytest.approx(1800, abs=1)
    assert "1 points without a time were left out." in run.notes


def test_one_point_is_no_run() -> None:
    assert refusal(gpx_file(gpx_track([gpx_point(0, START)]))).outcome is ImportOutcome.NO_DATA


def test_a_file_without_tracks_is_no_run() -> None:
    assert refusal(gpx_file('<wpt lat="1" lon="2"><time>2020-01-01T00:00:00Z</time></wpt>')).outcome is ImportOutcome.NO_DATA


def test_a_stated_zone_is_kept() -> None:
    points = [gpx_point(3.0 * second, f"2025-03-02T08:{second // 60:02d}:{second % 60:02d}.5-06:00") for second in range(301)]
    run = only_run(gpx_file(gpx_track(points)))
    assert run.utc_offset_s == -21600
    assert run.started_at_utc == START + timedelta(seconds=0.5)


def test_a_leap_in_place_is_left_out_and_said() -> None:
    points = [gpx_point(3.0 * second + (5000 if second == 300 else 0), at(second)) for second in range(601)]
    run = only_run(gpx_file(gpx_track(points)))
    assert run.distance_m == pytest.approx(1800 - 6, abs=2)
    assert any("jumps" in note for note in run.notes)


def test_slope_is_rise_over_run() -> None:
    points = [gpx_point(3.0 * second, at(second), altitude_m=100 + 0.09 * second) for second in range(601)]  # 9 cm up for 3 m
    run = only_run(gpx_file(gpx_track(points)))
    assert run.grade_abs_mean == pytest.approx(0.03, abs=0.001)


def test_a_cut_file_keeps_what_came_before() -> None:
    content = gpx_file(gpx_track(steady_points()))
    found = read(content[: content.index(at(400).encode()[:19])])
    assert found.partial
    assert found.runs[0].elapsed_time_s == 395.0


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_obstacle(encoding: str) -> None:
    text = gpx_file(gpx_track(steady_points())).decode().replace(' encoding="UTF-8"', "")
    assert only_run(text.encode(encoding)).elapsed_time_s == 600.0


def test_a_document_type_is_refused() -> None:
    content = gpx_file(gpx_track(steady_points())).replace(b"<gpx ", b'<!DOCTYPE gpx SYSTEM "file:///etc/passwd"><gpx ', 1)
    refused = refusal(content)
    assert refused.outcome is ImportOutcome.UNREADABLE
    assert "DTD" in refused.reason
