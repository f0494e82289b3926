"""TCX: laps and points become a run; cadence counts strides; what breaks off is kept up to the break."""

from datetime import timedelta

import pytest

from data.importers.base import FileRefused, ReadRun
from data.importers.tcx import read
from models import CadenceRule, DistanceRule, ImportOutcome
from tests.run_files import START, tcx_file, tcx_lap, tcx_point, tcx_run


def only_run(content: bytes) -> ReadRun:
    runs = read(content).runs
    assert len(runs) == 1
    return runs[0]


def refusal(content: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        read(content)
    return refused.value


def points(first: int, last: int, *, speed_m_s: float = 3.0, strides: int | None = None, step: int = 1) -> list[str]:
    return [
        tcx_point(START + timedelta(seconds=second), distance_m=speed_m_s * second, run_cadence=strides)
        for second in range(first, last + 1, step)
    ]


def test_a_steady_run_is_read() -> None:
    run = only_run(tcx_run())
    assert run.started_at_utc == START
    assert (run.distance_m, run.distance_rule) == (1800.0, DistanceRule.DEVICE_TOTAL)
    assert (run.moving_time_s, run.elapsed_time_s) == (600.0, 600.0)
    assert (run.cadence_spm, run.running_cadence_spm, run.device_cadence_spm) == (170.0, 170.0, None)
    assert run.cadence_rule is CadenceRule.TCX_STRIDES_DOUBLED
    assert run.has_gps
    assert run.device == "Ada's watch"
    assert run.utc_offset_s is None


def test_a_treadmill_run_counts_without_coordinates() -> None:
    run = only_run(tcx_run(gps=False))
    assert (run.distance_m, run.moving_time_s, run.cadence_spm, run.has_gps) == (1800.0, 600.0, 170.0, False)


def test_a_plain_cadence_element_counts_strides_as_well() -> None:
    # Polar and Suunto write <Cadence>
    written = [tcx_point(START + timedelta(seconds=second), distance_m=3.0 * second, cadence=66) for second in range(601)]
    run = only_run(tcx_file(("Running", [tcx_lap(START, written, time_s=600, distance_m=1800)])))
    assert run.cadence_spm == 132.0


def test_the_laps_own_cadence_is_the_device_s_weighted_by_their_time() -> None:
    # 400 s at 90 strides and 200 s at 60: (400*180 + 200*120) / 600 = 160
    def average(strides: int) -> str:
        return f"<Extensions><x:LX><x:AvgRunCadence>{strides}</x:AvgRunCadence></x:LX></Extensions>"

    laps = [
        tcx_lap(START, points(0, 399), time_s=400, distance_m=1200, more=average(90)),
        tcx_lap(START + timedelta(seconds=400), points(400, 600), time_s=200, distance_m=600, more=average(60)),
    ]
    assert only_run(tcx_file(("Running", laps))).device_cadence_spm == pytest.approx(160.0)


def test_distance_and_time_are_the_sums_over_the_laps() -> None:
    laps = [
        tcx_lap(START, points(0, 300), time_s=300, distance_m=900),
        tcx_lap(START + timedelta(seconds=420), [tcx_point(START + timedelta(seconds=720), distance_m=1800)], time_s=300, distance_m=905),
    ]
    run = only_run(tcx_file(("Running", laps)))
    assert (run.distance_m, run.moving_time_s, run.elapsed_time_s) == (1805.0, 600.0, 720.0)


def test_laps_that_contradict_their_points_give_way_to_the_points() -> None:
    run = only_run(tcx_file(("Running", [tcx_lap(START, points(0, 600), time_s=600, distance_m=5000)])))
    assert (run.distance_m, run.distance_rule) == (1800.0, DistanceRule.RECORDS)
    assert any("states 5.00 km" in note for note in run.notes)


def test_a_lap_that_was_never_closed_lasts_as_long_as_its_points() -> None:
    laps = [
        tcx_lap(START, points(0, 299), time_s=300, distance_m=900),
        tcx_lap(START + timedelta(seconds=300), points(300, 600)),
    ]
    run = only_run(tcx_file(("Running", laps)))
    assert (run.moving_time_s, run.distance_m, run.distance_rule) == (600.0, 1800.0, DistanceRule.RECORDS)
    assert any("never closed" in note for note in run.notes)


def test_a_distance_that_begins_anew_in_each_lap_adds_up() -> None:
    second_lap = [tcx_point(START + timedelta(seconds=300 + second), distance_m=3.0 * second) for second in range(1, 301)]
    laps = [tcx_lap(START, points(0, 300), time_s=300), tcx_lap(START + timedelta(seconds=300), second_lap, time_s=300)]
    assert only_run(tcx_file(("Running", laps))).distance_m == pytest.approx(1800, abs=3)


def test_points_without_distance_or_place_are_no_reason_to_stop() -> None:
    written = [*points(0, 300), tcx_point(START + timedelta(seconds=301)), *points(302, 600)]
    assert only_run(tcx_file(("Running", [tcx_lap(START, written, time_s=600)]))).distance_m == 1800.0


def test_a_lap_without_points_still_counts() -> None:
    run = only_run(tcx_file(("Running", [tcx_lap(START, [], time_s=1500, distance_m=5000)])))
    assert (run.distance_m, run.moving_time_s, run.minutes) == (5000.0, 1500.0, None)


def test_one_file_with_runs_and_rides_gives_its_runs() -> None:
    lap = [tcx_lap(START, points(0, 600), time_s=600, distance_m=1800)]
    found = read(tcx_file(("Running", lap), ("Biking", lap), ("Running", lap), ("Biking", lap)))
    assert [run.distance_m for run in found.runs] == [1800.0, 1800.0]
    assert found.notes == ("Other sports in the file were left out: biking.",)


@pytest.mark.parametrize(("sport", "word"), [("Biking", "biking"), ("Other", "other"), ("Walking", "walking"), ("Kayaking", "kayaking")])
def test_another_sport_is_refused_by_its_name(sport: str, word: str) -> None:
    refused = refusal(tcx_run(sport=sport))
    assert refused.outcome is ImportOutcome.NOT_A_RUN
    assert word in refused.reason


def test_an_activity_without_a_sport_is_taken_as_a_run_with_a_doubt() -> None:
    run = only_run(tcx_run(sport=""))
    assert run.doubtful
    assert any("names no sport" in note for note in run.notes)


def test_a_stated_zone_is_kept_and_a_missing_one_is_the_patient_s() -> None:
    shifted = only_run(tcx_run().replace(b".000Z</Time>", b".000+02:00</Time>"))
    assert shifted.utc_offset_s == 7200
    local = only_run(tcx_run().replace(b".000Z</Time>", b"</Time>").replace(b'.000Z"', b'"'))
    assert (local.clock_is_local, local.utc_offset_s, local.started_at_utc) == (True, 0, START)


# -- damage ----------------------------------------------------------------------------------------------------------


def test_an_undeclared_prefix_does_not_lose_the_run() -> None:
    content = tcx_run().replace(b"<Creator>", b'<Creator xsi:type="Device_t">')
    found = read(content)
    assert not found.partial
    assert found.runs[0].device == "Ada's watch"


def test_a_cut_file_keeps_what_came_before_and_drops_the_half_point() -> None:
    content = tcx_run()
    cut = content.index(b"<DistanceMeters>1500.0<") + len(b"<DistanceMeters>15")  # the point would say 15 m
    found = read(content[:cut])
    assert found.partial
    assert "line" in found.notes[0]
    run = found.runs[0]
    assert (run.distance_m, run.moving_time_s) == (1800.0, 600.0)  # what the lap stated before the break
    assert run.minutes is not None
    assert run.minutes.speed_m_s[7] == pytest.approx(3.0, rel=0.05)
    assert run.minutes.speed_m_s[9] != run.minutes.speed_m_s[9]  # nothing is known of the tenth minute


def test_a_document_type_is_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><TrainingCenterDatabase>&b;</TrainingCenterDatabase>'
    refused = refusal(bomb)
    assert refused.outcome is ImportOutcome.UNREADABLE
    assert "DTD" in refused.reason


def test_elements_without_end_are_refused() -> None:
    assert "nests more than 100" in refusal(b"<TrainingCenterDatabase>" + b"<a>" * 100).reason


def test_a_course_holds_no_run() -> None:
    assert refusal(b"<TrainingCenterDatabase><Courses/></TrainingCenterDatabase>").outcome is ImportOutcome.NO_DATA


def test_numbers_that_are_none_are_left_out() -> None:
    content = (
        tcx_run().replace(b"<DistanceMeters>300.0<", b"<DistanceMeters>1e999<").replace(b"<DistanceMeters>600.0<", b"<DistanceMeters>x<")
    )
    assert only_run(content).distance_m == 1800.0


def test_many_pieces_before_the_root_are_looked_through_once() -> None:
    """With a second way through each of them, 400 would take for ever: the time doubles with each piece."""
    from data.importers.xml_stream import root_name

    for piece in (b'<?xml version="1.0"?>', b"<!-- x -->", b"<!DOCTYPE x [<!ELEMENT x (y)>]>"):
        assert root_name(piece * 400 + b"<gpx>") == "gpx"
        assert root_name(piece * 400 + b"no root") is None
