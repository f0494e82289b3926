"""The simulation of runners: made the same each time, read by what is shown, and hard enough for the naive look."""

from datetime import date

import numpy as np
import pytest

from benchmarks.association import FULL_SERIES, Cell, Rates, ar1, cells, direction_told, one_run_a_week, rates, three_runs_a_week
from rehab.association import Association, Level
from rehab.wording import LESS_AFTER_LONGER, MORE_AFTER_LONGER, NOT_CLEAR, PATIENT_MORE_AFTER_LONGER, Template


def cell(part: str) -> Cell:
    (found,) = [one for one in cells() if part in one.name]
    return found


def shown(template: Template, patient: str | None = None) -> Association:
    return Association(Level.FULL, 0.1, 0.0, 0.2, 0.5, 0, 20, 16, template.filled(**template.example), patient)


def test_the_situations_are_named_apart_and_those_without_effect_are_judged() -> None:
    names = [one.name for one in cells()]
    assert len(set(names)) == len(names)
    assert all(one.name.startswith("no effect") for one in cells() if one.judged)
    assert {12, 20, 30} == {int(one.name.split()[-2]) for one in cells() if "AR(1)" in one.name}


def test_the_same_runners_are_made_each_time() -> None:
    for make in (one_run_a_week, three_runs_a_week):
        one, again = (make(12, 0.3, np.random.default_rng(7)) for _ in range(2))
        assert one.runs.equals(again.runs)
        assert one.scores.equals(again.scores)
        assert one.last_day > date(2025, 3, 3)


def test_a_runner_of_twelve_weeks_has_as_many_runs_and_scores_as_the_set_up_says() -> None:
    weekly = one_run_a_week(12, 0.3, np.random.default_rng(1))
    assert (len(weekly.runs), len(weekly.scores), weekly.weekly_pain.size) == (12, 24, 12)
    often = three_runs_a_week(12, 0.3, np.random.default_rng(1))
    assert len(often.runs) == 36
    assert len(often.scores) == pytest.approx(0.85 * 86, abs=12)
    assert often.scores["nprs"].between(0, 10).all()


def test_a_series_depends_on_itself_as_told() -> None:
    series = ar1(20_000, 0.6, np.random.default_rng(3))
    assert np.corrcoef(series[1:], series[:-1])[0, 1] == pytest.approx(0.6, abs=0.02)
    assert series.std() == pytest.approx(1.25, abs=0.03)  # 1 / √(1 − 0.36)


def test_a_direction_is_read_from_the_sentence_or_from_anything_said_to_the_patient() -> None:
    assert [direction_told(shown(template)) for template in (MORE_AFTER_LONGER, LESS_AFTER_LONGER, NOT_CLEAR)] == [1, -1, 0]
    assert direction_told(shown(NOT_CLEAR, PATIENT_MORE_AFTER_LONGER.text)) == 1


def test_recovery_misleads_the_naive_look_in_most_runners_and_what_is_shown_in_few() -> None:
    found = rates(cell("recovery drift, 12 wk"), 20)
    assert found.naive_less > 0.6
    assert found.told <= 0.2
    assert found.levels == "direction"


def test_true_harm_is_told_though_miles_were_cut_and_the_naive_look_has_the_wrong_sign() -> None:
    found = rates(cell("harm +0.60 a mile, miles cut, 16 wk"), 10)
    assert found.more > 0.8
    assert found.less == 0


def test_too_little_is_never_told_anything() -> None:
    found = rates(cell("too little"), 5)
    assert (found.levels, found.told, found.exploratory) == ("charts only", 0, 0)
    assert found.line == rates(cell("too little"), 5).line


@pytest.mark.parametrize(("told", "holds"), [(0.029, False), (0.031, True), (0.05, True), (0.069, True), (0.071, False)])
def test_a_judged_rate_holds_within_two_points_of_five(told: float, holds: bool) -> None:
    one = Rates(cell("recovery drift, 12 wk"), FULL_SERIES, 30, "direction", 0.8, 0.8, told, 0.0, 0.0)
    assert one.holds is holds
    assert ("NOT WITHIN" in one.line) is not holds
