"""Strength sessions done against those prescribed."""

from datetime import date, timedelta

import pandas as pd
import pytest

from rehab.strength import RULE, StrengthKept, strength_kept
from tests.rehab_scenes import MONDAY
from tests.test_rehab_plan import plans

LAST = MONDAY + timedelta(days=13)  # a Sunday; the 14 days are two whole weeks


def done(*days: int) -> pd.DataFrame:
    return pd.DataFrame({"done_on": pd.to_datetime([MONDAY + timedelta(days=day) for day in days])})


def kept(days: tuple[int, ...], plan: pd.DataFrame, *, as_of: date = LAST, ended_on: date | None = None) -> StrengthKept:
    return strength_kept(done(*days), plan, week_start=0, as_of=as_of, ended_on=ended_on)


@pytest.mark.parametrize(("sessions", "is_kept"), [(6, False), (7, True), (8, True), (12, True)])
def test_seventy_percent_of_what_was_prescribed_is_kept(sessions: int, is_kept: bool) -> None:
    shown = kept(tuple(range(sessions)), plans({"strength_sessions_per_week": 5.0}))
    assert shown == StrengthKept(sessions, 10, pytest.approx(sessions / 10), is_kept)


def test_two_sessions_of_one_day_are_two() -> None:
    assert kept((1, 1), plans({"strength_sessions_per_week": 1.0})).share == 1


def test_nothing_prescribed_counts_as_kept_and_has_no_share() -> None:
    for plan in (plans(), plans({}), plans({"strength_sessions_per_week": 0.0})):
        assert kept((1, 2), plan) == StrengthKept(0, 0, None, True)


def test_nothing_done_of_what_was_prescribed_is_nothing() -> None:
    assert kept((), plans({"strength_sessions_per_week": 3.0})) == StrengthKept(0, 6, 0, False)


def test_fourteen_days_count_and_no_more() -> None:
    assert kept((-1, 0, 13, 14), plans({"strength_sessions_per_week": 1.0, "valid_from": MONDAY - timedelta(days=70)})).done == 2


def test_a_change_of_the_plan_asks_for_each_week_what_it_says() -> None:
    plan = plans({"strength_sessions_per_week": 2.0}, {"strength_sessions_per_week": 4.0, "valid_from": MONDAY + timedelta(days=7)})
    assert kept((), plan).prescribed == 6
    assert kept((), plan.iloc[::-1]).prescribed == 6


def test_only_days_that_ask_for_something_count() -> None:
    plan = plans({"strength_sessions_per_week": 7.0, "valid_from": MONDAY + timedelta(days=7)})
    assert kept((5, 8), plan) == StrengthKept(1, 7, pytest.approx(1 / 7), False)
    assert kept((1, 8), plans({"strength_sessions_per_week": 7.0}), ended_on=MONDAY + timedelta(days=6)) == StrengthKept(
        1, 7, pytest.approx(1 / 7), False
    )


def test_the_rule_names_its_limit() -> None:
    assert [limit.value for limit in RULE.limits] == [0.7]
