"""Where a cadence target starts and when the next step is offered."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehab.cadence import cadence_at_equal_speed
from rehab.cadence_ladder import CadenceBaseline, cadence_baseline, ladder, next_step, share_on_target
from tests.rehab_scenes import MONDAY, runs_frame
from tests.test_rehab_cadence import run

START = CadenceBaseline(163.0, 3, "")
READY: dict[str, Any] = {
    "current": 1, "days_on_step": 14, "share": 0.7, "rpe_rise": 1.0, "pain_is_green": True, "new_pain": False, "volume_rises": False,
}  # fmt: skip


def test_the_steps_are_rounded_half_up_and_never_above_ten_percent() -> None:
    # evidence 11, vector 9: 163 × 1.05 = 171.15; 163 × 1.10 = 179.3, at most 179
    assert [(step.number, step.factor, step.target_spm) for step in ladder(163)] == [(1, 1.05, 171), (2, 1.075, 175), (3, 1.10, 179)]
    assert [step.target_spm for step in ladder(160)] == [168, 172, 176]  # 176 exactly, not 175.99999
    assert (ladder(163)[0].low_spm, ladder(163)[0].high_spm) == (168, 174)


@given(st.floats(120, 184))
def test_no_target_is_above_ten_percent_and_none_below_the_start(baseline: float) -> None:
    targets = [step.target_spm for step in ladder(baseline)]
    assert targets == sorted(targets)
    assert baseline < targets[0]
    assert targets[-1] <= baseline * 1.10 + 1e-6


def base(runs: list[dict[str, Any]], day: int = 13) -> CadenceBaseline:
    frame = runs_frame(runs)
    return cadence_baseline(frame, cadence_at_equal_speed(frame), as_of=MONDAY + timedelta(days=day))


def test_the_start_is_the_middle_of_three_easy_runs_at_equal_speed() -> None:
    # reference speed 2.7: adjusted 160, 163, 165.2 − 8 × 0.1
    shown = base([run(0, 2.7, 160), run(5, 2.7, 163), run(13, 2.8, 165.2)])
    assert shown.cadence_spm == pytest.approx(163)
    assert shown.sentence == "163 steps/min at the usual easy speed, from 3 easy level runs."


@pytest.mark.parametrize(
    ("third", "used"),
    [
        (run(13, 2.7, 163), 3),
        (run(14, 2.7, 163), 2),  # after the day
        (run(-1, 2.7, 163), 2),  # 15 days back
        (run(6, 3.0, 163), 3),  # 0.3 above the usual speed is easy
        (run(6, 3.01, 163), 2),
        (run(6, 2.7, 163, surface="trail"), 2),
        (run(6, 2.7, 163, running_time_s=599), 2),
        (run(6, 2.7, None), 2),
    ],
)
def test_only_easy_level_runs_of_the_last_14_days_make_the_start(third: dict[str, Any], used: int) -> None:
    shown = base([run(0, 2.7, 160), run(5, 2.7, 163), third])
    assert shown.runs_used == used
    assert (shown.cadence_spm is not None) is (used == 3)


def test_no_run_is_no_start() -> None:
    assert base([]).sentence == "No cadence to start from yet: 0 easy level runs in 14 days; it takes 3."


@pytest.mark.parametrize(("cadence", "on_target"), [(168, 1.0), (167.9, 0.0), (174, 1.0), (174.1, 0.0)])
def test_three_steps_off_is_on_target(cadence: float, on_target: float) -> None:
    assert share_on_target(np.array([cadence, np.nan]), target_spm=171) == on_target


def test_without_a_measured_minute_the_share_is_not_known() -> None:
    assert share_on_target(np.array([np.nan]), target_spm=171) is None
    assert share_on_target(np.array([]), target_spm=171) is None


def test_the_next_step_is_offered_on_the_limits() -> None:
    shown = next_step(START, **READY)
    assert shown.offered is not None
    assert shown.offered.target_spm == 175
    assert shown.sentence == "Step 2: 175 steps/min at easy pace, 7.5 % above this runner's own 163 steps/min."


def test_the_first_step_needs_neither_share_nor_days() -> None:
    shown = next_step(START, **{**READY, "current": 0, "days_on_step": None, "share": None, "rpe_rise": None})
    assert shown.offered is not None
    assert shown.sentence == "Step 1: 171 steps/min at easy pace, 5 % above this runner's own 163 steps/min."


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({"days_on_step": 13}, "A step takes 14 days or more."),
        ({"days_on_step": None}, "A step takes 14 days or more."),
        ({"share": 0.694}, "69 % of running minutes were on target; it takes 70 %."),
        ({"share": None}, "No running minutes with cadence on this step yet."),
        ({"rpe_rise": 1.5}, "Runs feel harder by 1.5 points."),
        ({"pain_is_green": False}, "The pain rules are not all green."),
        ({"pain_is_green": None}, "It is not known how the hip answered the last runs."),
        ({"new_pain": True}, "There is new pain in calf, foot or hip flexor: go back one step."),
        ({"new_pain": None}, "Ask for new pain in calf, foot or hip flexor."),
        ({"volume_rises": True}, "The distance rises this week: one change at a time."),
        ({"current": 3}, "The last step, 10 % above the start, is reached."),
        ({"elsewhere": ("A red flag is open.",)}, "A red flag is open."),
    ],
)
def test_what_holds_a_step_is_said(what: dict[str, Any], why: str) -> None:
    shown = next_step(START, **{**READY, **what})
    assert shown.offered is None
    assert shown.holding == (why,)
    assert shown.sentence == f"No cadence step is offered. {why}"


def test_unknown_effort_is_said_and_does_not_hold() -> None:
    shown = next_step(START, **{**READY, "rpe_rise": None})
    assert shown.offered is not None
    assert shown.sentence.endswith("Session RPE is not known.")


@pytest.mark.parametrize(("start", "offered"), [(184.9, True), (185.0, False), (190.0, False)])
def test_a_runner_at_185_is_offered_none(start: float, offered: bool) -> None:
    shown = next_step(CadenceBaseline(start, 3, ""), **{**READY, "current": 0})
    assert (shown.offered is not None) is offered


def test_without_a_start_nothing_is_offered() -> None:
    shown = next_step(CadenceBaseline(None, 1, "No cadence to start from yet."), **READY)
    assert shown.offered is None
    assert shown.sentence == "No cadence step is offered. No cadence to start from yet."
    assert shown.holding == ("No cadence to start from yet.",)
    both = next_step(CadenceBaseline(None, 1, "No start yet."), **READY, elsewhere=["A red flag is open."])
    assert both.sentence == "No cadence step is offered. A red flag is open. No start yet."


def test_one_run_is_said_in_the_singular_and_ids_find_their_cadence() -> None:
    assert base([run(0, 2.7, 160)]).sentence == "No cadence to start from yet: 1 easy level run in 14 days; it takes 3."
    assert base([run(0, 2.7, 160, run_id=12), run(5, 2.7, 164, run_id=3), run(13, 2.7, 170, run_id=7)]).cadence_spm == 164


def test_all_that_holds_is_said_in_a_row() -> None:
    shown = next_step(CadenceBaseline(186.0, 3, ""), **{**READY, "volume_rises": True})
    assert shown.sentence == (
        "No cadence step is offered. The runner already takes 186 steps/min. The distance rises this week: one change at a time."
    )
    assert next_step(START, **READY).holding == ()


def test_a_target_that_falls_on_a_half_is_rounded_up() -> None:
    # 170 × 1.05 = 178.5; 1.075 × 170 = 182.75
    assert [step.target_spm for step in ladder(170)] == [179, 183, 187]


@pytest.mark.parametrize(("share", "offered"), [(0.6949, False), (0.695, True), (0.70, True)])
def test_a_share_counts_as_it_is_shown(share: float, offered: bool) -> None:
    assert (next_step(START, **{**READY, "share": share}).offered is not None) is offered
