"""Ratios that are exported because others ask for them."""

import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rehab.days import Coverage
from rehab.load_export import CAVEAT, LOAD_EXPORT_COLUMNS, RULE, acute_chronic_ratio, load_export, monotony, strain_au
from tests.rehab_scenes import MONDAY, runs_frame

DAILY = [225.0, 0, 150, 0, 180, 0, 420]


def test_monotony_and_strain_are_those_of_the_worked_example() -> None:
    # evidence 11, vector 4; n − 1 in the divisor (with n, the deviation would be 144.480)
    loads = np.array(DAILY)
    assert (loads.sum(), loads.mean(), loads.std(ddof=1)) == (975, pytest.approx(139.286, abs=1e-3), pytest.approx(156.056, abs=1e-3))
    assert monotony(loads) == pytest.approx(0.8925, abs=1e-4)
    assert strain_au(loads) == pytest.approx(870.22, abs=1e-2)


@pytest.mark.parametrize("loads", [[0.0] * 7, [100.0] * 7, [100.0, math.nan, 0, 0, 0, 0, 0], [100.0], []])
def test_equal_days_and_unknown_ones_have_no_monotony(loads: list[float]) -> None:
    assert monotony(np.array(loads)) is None
    assert strain_au(np.array(loads)) is None


def test_the_coupled_ratio_is_smaller_than_the_uncoupled_one() -> None:
    # evidence 11, vector 16
    assert acute_chronic_ratio((20, 20, 20, 30), coupled=True) == pytest.approx(1.333, abs=1e-3)
    assert acute_chronic_ratio((20, 20, 20, 30), coupled=False) == 1.5


@pytest.mark.parametrize("weeks", [(0, 0, 0, 0), (20, math.nan, 20, 30), (20, 20, 20, math.nan)])
@pytest.mark.parametrize("coupled", [True, False])
def test_there_is_no_ratio_to_nothing_or_to_the_unknown(weeks: tuple[float, float, float, float], coupled: bool) -> None:
    assert acute_chronic_ratio(weeks, coupled=coupled) is None


def test_the_caveat_says_what_they_must_not_be_used_for() -> None:
    assert "no advice, flag or limit may rest on them" in CAVEAT
    assert "n − 1" in CAVEAT
    assert RULE.says == CAVEAT


def exported(runs: list[dict[str, Any]], last_day: int, as_of: int | None = None) -> Any:
    covered = Coverage(MONDAY, MONDAY + timedelta(days=last_day))
    return load_export(runs_frame(runs), coverage=covered, as_of=MONDAY + timedelta(days=last_day if as_of is None else as_of))


def on(day: int, distance_m: int, minutes: float = 30, session_rpe: int | None = 5) -> dict[str, Any]:
    return {"run_date": MONDAY + timedelta(days=day), "distance_m": distance_m, "moving_time_s": 60 * minutes, "session_rpe": session_rpe}


def test_each_covered_day_has_a_row_and_what_is_not_known_yet_is_empty() -> None:
    runs = [on(week * 7 + 1, distance_m) for week, distance_m in enumerate((20_000, 20_000, 20_000, 30_000))]
    shown = exported(runs, 27, as_of=29)
    assert list(shown.columns) == list(LOAD_EXPORT_COLUMNS)
    assert len(shown) == 30
    assert shown["distance_7_days_m"].iloc[:6].isna().all()
    assert shown["acute_chronic_ratio"].iloc[:27].isna().all()
    last = shown.iloc[27]
    assert (last["distance_7_days_m"], last["distance_28_days_m"]) == (30_000, 90_000)
    assert last["acute_chronic_ratio"] == pytest.approx(4 / 3)
    assert last["acute_chronic_ratio_uncoupled"] == 1.5
    assert shown.iloc[28:].isna().all(axis=None)


def test_monotony_is_known_only_when_each_run_of_the_seven_days_told_its_effort() -> None:
    runs = [on(day, 5_000, load / 5) for day, load in enumerate(DAILY) if load]
    assert exported(runs, 6)[["session_load_7_days_au", "monotony", "strain_au"]].iloc[-1].tolist() == [
        975,
        pytest.approx(0.8925, abs=1e-4),
        pytest.approx(870.22, abs=1e-2),
    ]
    silent = exported([*runs, on(3, 5_000, session_rpe=None)], 6).iloc[-1]
    assert silent[["session_load_7_days_au", "monotony", "strain_au"]].isna().all()
    assert silent["distance_7_days_m"] == 25_000


def test_weeks_of_rest_have_no_ratio() -> None:
    shown = exported([], 40)
    assert (shown["distance_7_days_m"].iloc[6:] == 0).all()
    assert shown[["acute_chronic_ratio", "acute_chronic_ratio_uncoupled", "monotony"]].isna().all(axis=None)


def test_nothing_logged_gives_nothing() -> None:
    assert load_export(runs_frame([]), coverage=None, as_of=date(2025, 3, 3)).empty


def test_nothing_but_an_export_may_use_them() -> None:
    root = Path(__file__).parent.parent
    uses = [
        path.relative_to(root).as_posix()
        for room in ("rehab", "pages", "clinic")
        for path in (root / room).rglob("*.py")
        if "load_export" in path.read_text(encoding="utf-8") and "export" not in path.name
    ]
    assert [use for use in uses if use != "rehab/rule_book.py"] == []
