"""What makes somebody look at a run before it counts, at its limits."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data.importers.base import ReadRun
from data.importers.doubts import (
    CLOCK_SET_FROM,
    FASTEST_KM_H,
    SHORT_RUN_M,
    SHORT_RUN_S,
    STOOD_FROM_S,
    STOOD_SHARE_FROM,
    doubts_about,
    holds_back,
    ride_like,
)
from data.importers.fit import read
from data.importers.fit_clock import BACK_FROM_S, FORTH_FROM_S
from data.importers.fit_parts import LIMITS
from data.importers.gpx import read as read_gpx
from data.importers.listed import Listed, run_of
from data.importers.recording import CADENCE_PLAUSIBLE_MAX_SPM
from tests.run_files import START, FitRun, file_id, fit_file, fit_run, gpx_file, gpx_track, steady_points


def only_run(content: bytes) -> ReadRun:
    (run,) = read(content).runs
    return run


def doubts(**changes: object) -> list[str]:
    plain = {"distance_m": 5_000.0, "moving_time_s": 1_800.0, "stood_s": 0.0, "started_at_utc": START}
    return doubts_about(**(plain | changes))  # type: ignore[arg-type]


def test_a_plain_run_raises_no_doubt() -> None:
    assert doubts() == []


@pytest.mark.parametrize(
    ("distance_m", "speed_km_h", "limit_km_h"),
    [
        (10_000, 23.44, None),  # shown as 23.4, which is the limit
        (10_000, 23.46, 23.4),
        (21_097, 23.0, None),
        (21_097.5, 22.3, None),
        (21_097.5, 22.4, 22.3),
        (42_195, 21.0, None),
        (42_195, 21.1, 21.0),
        (49_999, 20.0, None),
        (55_000, 20.0, 18.9),  # the ride that was filed as a run
        (55_000, 18.9, None),
        (100_000, 16.4, None),
        (100_000, 16.5, 16.4),
    ],
)
def test_faster_than_the_world_record_is_a_ride(distance_m: float, speed_km_h: float, limit_km_h: float | None) -> None:
    sentence = ride_like(distance_m, distance_m / speed_km_h * 3.6)
    assert bool(sentence) is (limit_km_h is not None)
    assert f"above {limit_km_h} km/h" in sentence or limit_km_h is None


@pytest.mark.parametrize(
    ("distance_m", "moving_time_s", "doubtful"), [(100, 60, False), (99.4, 60, True), (100, 59, True), (99.9, 3_600, True)]
)
def test_a_very_short_run_may_be_a_mistake(distance_m: float, moving_time_s: float, doubtful: bool) -> None:
    assert bool(doubts(distance_m=distance_m, moving_time_s=moving_time_s)) is doubtful


@pytest.mark.parametrize(
    ("stood_s", "moving_time_s", "doubtful"),
    [(599, 1_200, False), (600, 1_200, True), (600, 1_800, True), (600, 1_801, False), (1_800, 2_520, True)],
)
def test_standing_is_doubtful_from_ten_minutes_and_a_third(stood_s: float, moving_time_s: float, doubtful: bool) -> None:
    assert bool(doubts(stood_s=stood_s, moving_time_s=moving_time_s)) is doubtful


@pytest.mark.parametrize(
    ("started", "doubtful"), [(datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), True), (datetime(2000, 1, 1, tzinfo=UTC), False)]
)
def test_a_clock_that_was_never_set_is_doubtful(started: datetime, doubtful: bool) -> None:
    assert bool(doubts(started_at_utc=started)) is doubtful


@pytest.mark.parametrize(
    ("changes", "held_back"),
    [
        ({"distance_m": 10_000.0, "moving_time_s": 10_000 / 23.3 * 3.6}, False),
        ({"distance_m": 10_000.0, "moving_time_s": 10_000 / 23.4 * 3.6}, False),
        ({"distance_m": 10_000.0, "moving_time_s": 10_000 / 23.5 * 3.6}, True),
        ({"started_at_utc": CLOCK_SET_FROM - timedelta(seconds=1)}, True),
        ({"started_at_utc": CLOCK_SET_FROM}, False),
        ({"started_at_utc": CLOCK_SET_FROM + timedelta(seconds=1)}, False),
        ({"distance_m": 99.0}, False),  # short: it hardly changes a total
    ],
)
def test_what_would_falsify_a_total_is_held_back(changes: dict[str, Any], held_back: bool) -> None:
    told = {"distance_m": 5_000.0, "moving_time_s": 1_800.0, "started_at_utc": START} | changes
    assert holds_back(**told) is held_back
    assert (
        run_of(Listed(started_at=told["started_at_utc"], **{name: told[name] for name in ("distance_m", "moving_time_s")})).held_back
        is held_back
    )


def test_the_page_on_importing_has_the_limits() -> None:
    page = " ".join((Path(__file__).parent.parent / "docs" / "importing.md").read_text(encoding="utf-8").split())
    (least, below), *records = FASTEST_KM_H
    assert (least, f"{below} km/h over less" in page) == (0, True)
    assert [limit for _, limit in records if f"{limit}" not in page] == []
    assert f"Less than {SHORT_RUN_M:.0f} m or less than {SHORT_RUN_S:.0f} s." in page
    assert (f"at least {STOOD_FROM_S / 60:.0f} min *and* a third" in page, STOOD_SHARE_FROM) == (True, 1 / 3)
    assert f"Dated before {CLOCK_SET_FROM.year}." in page
    assert f"above {CADENCE_PLAUSIBLE_MAX_SPM:.0f};" in page
    assert (f"back by {BACK_FROM_S / 60:.0f} min or more" in page, f"forth by {FORTH_FROM_S / 3600:.0f} h or more" in page) == (True, True)
    assert [limit for limit, _ in LIMITS.values() if f"{limit:,}" not in page] == []


# -- as files tell it ------------------------------------------------------------------------------------------------


def test_two_kilometres_and_half_an_hour_of_nothing_are_kept_with_a_doubt() -> None:
    # 2,001 m in 667 s, then 30 min with the watch running
    run = FitRun(seconds=667, session={"total_distance": 2_001.0, "total_timer_time": 2_467, "total_elapsed_time": 2_467})
    idle = [run.record(second, distance=2_001.0, speed=0.0, cadence=0, fractional_cadence=0.0) for second in range(668, 2_468)]
    found = only_run(fit_file([file_id(), *run.records(), *idle, ("session", summary_of(run, 2_467))]))
    assert (found.distance_m, found.moving_time_s, found.doubtful, found.held_back) == (2_001.0, 2_467.0, True, False)
    assert any(note.startswith("For 30 of 41 min the runner stood") for note in found.notes)
    assert found.running_cadence_spm == pytest.approx(171.0)
    assert found.running_speed_m_s == pytest.approx(3.0)


def summary_of(run: FitRun, seconds: int) -> dict[str, object]:
    return run.summary()[1] | {"timestamp": run.summary()[1]["timestamp"] + seconds - run.seconds}


def test_the_same_half_hour_as_a_pause_is_no_doubt() -> None:
    run = FitRun(seconds=667, session={"total_distance": 2_001.0, "total_timer_time": 667, "total_elapsed_time": 2_467})
    idle = [run.record(second, distance=2_001.0, speed=0.0, cadence=0, fractional_cadence=0.0) for second in range(668, 2_468)]
    assert not only_run(fit_file([file_id(), *run.records(), *idle, ("session", summary_of(run, 2_467))])).doubtful


def test_who_climbs_slower_than_half_a_metre_a_second_does_not_stand() -> None:
    assert not only_run(fit_run(seconds=2_400, speed_m_s=0.4, strides_per_min=50)).doubtful


def test_a_fast_ride_filed_as_a_run_is_kept_with_a_doubt() -> None:
    # 20 km/h for 55 km, a record every 10 s
    speed = 55_000 / 9_900
    run = FitRun(seconds=9_900, speed_m_s=speed)
    found = only_run(fit_file([file_id(), *[run.record(second) for second in range(0, 9_901, 10)], run.summary()]))
    assert (found.doubtful, found.held_back) == (True, True)
    assert "The mean speed of 20.0 km/h is above 18.9 km/h, the world record over 50 km: this may be a ride." in found.notes


def test_a_track_of_1989_is_kept_with_a_doubt() -> None:
    begun = datetime(1989, 12, 31, 1, tzinfo=UTC)
    (run,) = read_gpx(gpx_file(gpx_track(steady_points(start=begun)))).runs
    assert (run.started_at_utc, run.doubtful, run.held_back) == (begun, True, True)
    assert any("dated 1989-12-31, before 2000" in note for note in run.notes)
    (later,) = read_gpx(gpx_file(gpx_track(steady_points(start=START + timedelta(days=1))))).runs
    assert not later.doubtful
