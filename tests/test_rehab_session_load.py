"""Effort and steps of a week, and how many of its runs they come from."""

import math
import random
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehab.days import Coverage
from rehab.session_load import RULES, session_load_au, weekly_load
from tests.rehab_scenes import MONDAY, days, random_runs, runs_frame, week_starts

SUNDAY = MONDAY + timedelta(days=6)


def run(day: int, **more: Any) -> dict[str, Any]:
    return {"run_date": MONDAY + timedelta(days=day), **more}


def week(*runs: dict[str, Any]) -> dict[str, Any]:
    shown = weekly_load(runs_frame(runs), week_start=0, as_of=SUNDAY, coverage=Coverage(MONDAY, SUNDAY))
    return dict(shown.iloc[-1])


def test_effort_is_multiplied_by_minutes() -> None:
    # evidence 11, vector 4: 45 min × RPE 5
    assert session_load_au(runs_frame([run(0, session_rpe=5, moving_time_s=2700)])).tolist() == [225]


def test_an_effort_of_zero_is_a_load_of_zero_and_none_is_not() -> None:
    loads = session_load_au(runs_frame([run(0, session_rpe=0), run(0, session_rpe=None), run(0, session_rpe=5, moving_time_s=0)])).tolist()
    assert loads[0] == 0
    assert all(math.isnan(load) for load in loads[1:])


def test_a_week_says_how_many_of_its_runs_told_effort_and_cadence() -> None:
    shown = week(
        run(0, session_rpe=5, moving_time_s=2700, running_cadence_spm=160.0, running_time_s=2400.0),
        run(2, session_rpe=None, running_cadence_spm=170.0, running_time_s=600.0),
        run(6, session_rpe=3, moving_time_s=1800),
    )
    assert (shown["runs"], shown["session_load_au"], shown["runs_with_session_load"]) == (3, 315, 2)
    assert (shown["running_steps"], shown["runs_with_cadence"]) == (160 * 40 + 170 * 10, 2)


def test_steps_of_15_miles_at_ten_minutes_a_mile() -> None:
    assert week(run(0, running_cadence_spm=160.0, running_time_s=9000.0))["running_steps"] == 24_000
    assert week(run(0, running_cadence_spm=176.0, running_time_s=9000.0))["running_steps"] == 26_400


def test_runs_that_told_nothing_are_unknown_and_a_week_of_rest_is_zero() -> None:
    silent, rest = week(run(1)), week()
    assert math.isnan(silent["session_load_au"])
    assert math.isnan(silent["running_steps"])
    assert (silent["runs"], silent["runs_with_session_load"], silent["runs_with_cadence"]) == (1, 0, 0)
    assert (rest["runs"], rest["session_load_au"], rest["running_steps"]) == (0, 0, 0)


def test_a_week_that_was_not_logged_is_unknown() -> None:
    shown = weekly_load(
        runs_frame([run(0, session_rpe=5)]), week_start=0, as_of=SUNDAY + timedelta(days=7), coverage=Coverage(MONDAY, SUNDAY)
    ).iloc[-1]
    assert shown[["runs", "session_load_au", "running_steps"]].isna().all()


def test_nothing_logged_gives_nothing() -> None:
    assert weekly_load(runs_frame([]), week_start=0, as_of=MONDAY, coverage=None).empty
    assert weekly_load(runs_frame([run(3)]), week_start=0, as_of=MONDAY, coverage=None).empty


def test_the_rules_name_their_sources() -> None:
    assert [(rule.name, rule.strength, len(rule.sources)) for rule in RULES] == [("session_load", "C", 3), ("weekly_steps", "E", 0)]


@given(
    random_runs, st.lists(st.none() | st.integers(0, 10), min_size=25, max_size=25), week_starts, days, st.randoms(use_true_random=False)
)
def test_sums_of_a_week_are_those_of_its_runs_in_any_order(
    runs: list[Any], efforts: list[int | None], week_start: int, as_of: date, shuffle: random.Random
) -> None:
    runs = [{**each, "session_rpe": effort} for each, effort in zip(runs, efforts, strict=False)]
    covered = Coverage(MONDAY - timedelta(days=30), MONDAY + timedelta(days=60))
    shown = weekly_load(runs_frame(runs), week_start=week_start, as_of=as_of, coverage=covered)
    for start, row in shown.iterrows():
        of_week = [each for each in runs if start.date() <= each["run_date"] <= min(as_of, start.date() + timedelta(days=6))]
        told = [each["session_rpe"] * each["moving_time_s"] / 60 for each in of_week if each["session_rpe"] is not None]
        assert row["runs_with_session_load"] == len(told)
        if row["runs"] > 0 and not told:
            assert math.isnan(row["session_load_au"])
        elif not math.isnan(row["runs"]):
            assert row["session_load_au"] == pytest.approx(sum(told))
    again = weekly_load(
        runs_frame(runs).sample(frac=1, random_state=shuffle.randrange(2**32)), week_start=week_start, as_of=as_of, coverage=covered
    )
    pd.testing.assert_frame_equal(again, shown)
