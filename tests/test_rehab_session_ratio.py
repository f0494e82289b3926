"""One run against the longest run of the 30 days before it."""

import math
import random
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehab.session_ratio import RULE, longest_run_before, ratio_band, session_ratios
from tests.rehab_scenes import MONDAY, days, random_runs, runs_frame


def run(day: int, distance_m: int, hour: int = 12) -> dict[str, Any]:
    started = pd.Timestamp(MONDAY + timedelta(days=day), tz="UTC") + pd.Timedelta(hours=hour)
    return {"run_date": MONDAY + timedelta(days=day), "distance_m": distance_m, "started_at_utc": started}


def last(*runs: dict[str, Any]) -> dict[str, Any]:
    return dict(session_ratios(runs_frame(runs)).iloc[-1])


# evidence 11, vector 3; a mile is taken as 1000 m, so that the limits fall on whole metres
@pytest.mark.parametrize(
    ("distance_m", "ratio", "band"),
    [
        (7_000, 1.1290, "small"),
        (6_819, 1.0998, "reference"),
        (6_820, 1.10, "reference"),
        (6_821, 1.1002, "small"),
        (8_060, 1.30, "small"),
        (8_061, 1.3002, "moderate"),
        (12_400, 2.00, "moderate"),
        (12_401, 2.0002, "large"),
        (12_500, 2.0161, "large"),
    ],
)
def test_a_run_is_compared_with_the_longest_of_30_days_and_not_of_31(distance_m: int, ratio: float, band: str) -> None:
    shown = last(run(-31, 9_000), run(-30, 6_200), run(-3, 5_000), run(0, distance_m))
    assert shown["longest_30_days_m"] == 6_200
    assert shown["session_ratio"] == pytest.approx(ratio, abs=1e-4)
    assert shown["session_ratio_band"] == band


def test_on_every_limit_in_whole_metres_no_fraction_decides() -> None:
    for longest in range(10, 42_200, 10):
        assert ratio_band(longest * 11 // 10, longest) == "reference"
        assert ratio_band(longest * 11 // 10 + 1, longest) == "small"
        assert ratio_band(longest * 13 // 10, longest) == "small"
        assert ratio_band(longest * 13 // 10 + 1, longest) == "moderate"
        assert ratio_band(longest * 2, longest) == "moderate"
        assert ratio_band(longest * 2 + 1, longest) == "large"


def test_after_a_gap_there_is_no_ratio_and_no_division() -> None:
    shown = last(run(-31, 9_000), run(0, 5_000))
    assert math.isnan(shown["session_ratio"])
    assert math.isnan(shown["longest_30_days_m"])
    assert shown["session_ratio_band"] == "no run in 30 days"


def test_the_run_itself_and_what_comes_later_are_no_history() -> None:
    shown = session_ratios(runs_frame([run(0, 5_000), run(1, 20_000)]))
    assert shown["session_ratio_band"].tolist() == ["no run in 30 days", "large"]


def test_an_earlier_run_of_the_same_day_is_history_and_a_later_one_is_not() -> None:
    shown = session_ratios(runs_frame([run(0, 9_000, hour=18), run(-5, 5_000), run(0, 8_000, hour=7)]))
    assert shown["longest_30_days_m"].tolist()[::2] == [8_000, 5_000]
    assert shown["session_ratio_band"].tolist() == ["small", "no run in 30 days", "moderate"]


def test_of_two_runs_that_start_together_neither_is_history_for_the_other() -> None:
    shown = session_ratios(runs_frame([run(-5, 5_000), run(0, 8_000), run(0, 9_000)]))
    assert shown["longest_30_days_m"].tolist()[1:] == [5_000, 5_000]


def test_a_run_of_no_distance_is_no_history() -> None:
    assert last(run(-2, 0), run(0, 5_000))["session_ratio_band"] == "no run in 30 days"
    assert last(run(-2, 0), run(-1, 5_000), run(0, 0))["session_ratio"] == 0


def test_no_runs_give_an_empty_frame() -> None:
    assert session_ratios(runs_frame([])).empty


def test_the_run_to_come_has_the_30_days_before_it_and_its_own_day_as_history() -> None:
    runs = runs_frame([run(-31, 20_000), run(-30, 10_000), run(0, 4_000), run(1, 30_000)])
    assert longest_run_before(runs, MONDAY) == 10_000
    assert longest_run_before(runs, MONDAY - timedelta(days=32)) is None
    assert longest_run_before(runs, MONDAY - timedelta(days=31)) == 20_000
    assert longest_run_before(runs, MONDAY + timedelta(days=32)) is None
    assert longest_run_before(runs_frame([run(0, 0)]), MONDAY) is None


def test_the_rule_holds_the_limits_that_are_compared() -> None:
    assert [limit.value for limit in RULE.limits] == [1.10, 1.30, 2.00, 30]
    assert RULE.strength == "B"


def expected_longest(runs: list[Any], this: Any) -> int:
    """The rule told plainly; runs of one day start together here, so none is another's history."""
    window = [this["run_date"] - timedelta(days=back) for back in range(1, 31)]
    return max((each["distance_m"] for each in runs if each["run_date"] in window), default=0)


@given(random_runs, st.randoms(use_true_random=False))
def test_every_ratio_is_what_the_rule_says_in_any_order(runs: list[Any], shuffle: random.Random) -> None:
    shown = session_ratios(runs_frame(runs))
    assert shown["longest_30_days_m"].fillna(0).tolist() == [expected_longest(runs, each) for each in runs]
    again = session_ratios(runs_frame(runs).sample(frac=1, random_state=shuffle.randrange(2**32)))
    pd.testing.assert_frame_equal(again.sort_index(), shown.sort_index())


def highest_of_seven_days(runs: list[Any], as_of: date) -> float:
    shown = session_ratios(runs_frame([each for each in runs if each["run_date"] <= as_of]))
    recent = [each["run_date"] > as_of - timedelta(days=7) for each in runs if each["run_date"] <= as_of]
    return float(shown["session_ratio"][recent].max()) if any(recent) else math.nan


@given(random_runs, days)
def test_a_day_of_rest_never_raises_the_ratio(runs: list[Any], rest_day: date) -> None:
    runs = [each for each in runs if each["run_date"] != rest_day]
    before, after = highest_of_seven_days(runs, rest_day - timedelta(days=1)), highest_of_seven_days(runs, rest_day)
    assert not after > before
    assert not (math.isnan(before) and not math.isnan(after))
    # written down as a run of 0 m, it changes no ratio either
    marked = session_ratios(runs_frame([*runs, {"run_date": rest_day, "distance_m": 0}]))
    unmarked = session_ratios(runs_frame(runs))
    assert marked.iloc[:-1].fillna(-1).to_dict("list") == unmarked.fillna(-1).to_dict("list")
    assert not marked["session_ratio"].iloc[-1] > 0


@given(random_runs, st.integers(-12, 12))
def test_neither_the_hour_nor_the_zone_of_a_run_changes_its_ratio_from_day_to_day(runs: list[Any], hours: int) -> None:
    one_a_day = list({each["run_date"]: each for each in runs}.values())
    frame = runs_frame(one_a_day)
    moved = frame.assign(started_at_utc=frame["started_at_utc"] + pd.Timedelta(hours=hours), utc_offset_s=-3600 * hours)
    pd.testing.assert_frame_equal(session_ratios(moved), session_ratios(frame))
