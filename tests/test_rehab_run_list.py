"""The runs in words: every number with its unit, what is not known said so, and where each comes from."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from models import CadenceRule, DistanceRule, DistanceUnit
from rehab.episode import Coverage, summarise_episode
from rehab.run_list import CADENCE_RULE_WORDS, DISTANCE_RULE_WORDS, duration_text, run_list
from tests.rehab_scenes import MONDAY, facts_of, mornings

SUNDAY = MONDAY + timedelta(days=6)


def listed(
    runs: list[dict[str, Any]], scores: list[dict[str, Any]] | None = None, *, unit: DistanceUnit = DistanceUnit.MILE
) -> pd.DataFrame:
    facts = replace(facts_of(runs, scores or [], coverage=Coverage(MONDAY, SUNDAY)), distance_unit=unit)
    return run_list(summarise_episode(facts, as_of=SUNDAY))


def run(day: int, **more: Any) -> dict[str, Any]:
    return {"run_date": MONDAY + timedelta(days=day), **more}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([3], 3, "settled (0 points)"),
        ([5], 3, "settled (−2 points)"),
        ([3], 4, "settled (+1 point)"),
        ([3], 2, "settled (−1 point)"),
        ([2, 3], 4, "unclear (+1.5 points)"),  # the run day has no score: the median before it, 2.5
        ([2, 3], 5, "not settled (+2.5 points)"),
        ([3], 5, "not settled (+2 points)"),
    ],
)
def test_the_change_of_the_next_morning_is_told_to_the_half_point(before: list[int], after: int, words: str) -> None:
    scores = mornings(MONDAY, [*before, None, after] if len(before) > 1 else [*before, after])
    assert listed([run(len(before) if len(before) > 1 else 0)], scores)["Next morning"].tolist() == [words]


def test_a_run_without_scores_around_it_is_not_known_and_has_no_points() -> None:
    assert listed([run(0)])["Next morning"].tolist() == ["not known"]


def test_newest_runs_come_first_and_older_ones_than_asked_for_are_left_out() -> None:
    facts = facts_of([run(0), run(3), run(2)], coverage=Coverage(MONDAY, SUNDAY))
    summary = summarise_episode(facts, as_of=SUNDAY)
    assert [day.day for day in run_list(summary)["Day"]] == [6, 5, 3]
    assert [day.day for day in run_list(summary, first=pd.Timestamp(MONDAY + timedelta(days=2)))["Day"]] == [6, 5]


@pytest.mark.parametrize(
    ("unit", "distance", "pace"), [(DistanceUnit.MILE, "5.00 mi", "10:00 /mi"), (DistanceUnit.KILOMETRE, "8.05 km", "6:13 /km")]
)
def test_a_run_is_told_in_the_patients_unit(unit: DistanceUnit, distance: str, pace: str) -> None:
    # 5 mi are 8046.72 m; 50 minutes make 600 s a mile, or 600 / 1.609344 = 372.8 s a kilometre
    row = listed([run(0, distance_m=8047, moving_time_s=3000)], unit=unit).iloc[0]
    assert (row["Distance"], row["Moving time"], row["Pace"]) == (distance, "50:00", pace)


def test_what_a_run_does_not_have_is_not_known_and_not_0() -> None:
    row = listed([run(0, distance_m=0, moving_time_s=0, cadence_rule="none")]).iloc[0]
    assert (row["Pace"], row["Running cadence"], row["At equal speed"]) == ("not known", "not known", "not known")
    assert row["Cadence from"] == "no cadence in the file"


def test_a_run_that_cannot_be_compared_keeps_its_own_cadence() -> None:
    given = {"running_cadence_spm": 167.6, "running_speed_m_s": 2.7}
    short, long = run(0, running_time_s=599, **given), run(1, running_time_s=600, **given)
    assert listed([short, long])[["Running cadence", "At equal speed"]].to_numpy().tolist() == [
        ["168 steps/min", "168 steps/min"],
        ["168 steps/min", "not known"],
    ]


def test_every_rule_has_its_words() -> None:
    assert set(CADENCE_RULE_WORDS) == set(CadenceRule)
    assert set(DISTANCE_RULE_WORDS) == set(DistanceRule)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00"), (3725, "1:02:05")]
)
def test_a_duration_is_rounded_once_and_then_split(seconds: float, words: str) -> None:
    assert duration_text(seconds) == words


def test_a_list_of_nothing_has_its_columns() -> None:
    empty = run_list(summarise_episode(facts_of(), as_of=date(2025, 3, 9)))
    assert empty.empty
    assert list(empty.columns)[:2] == ["Day", "Distance"]
