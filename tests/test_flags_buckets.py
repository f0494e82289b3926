"""The caseload's buckets: each episode in exactly one, the most serious that fits, with its own numbers."""

import dataclasses
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import DistanceUnit
from rehab.decision import decide
from rehab.flags import RULES, CaseloadRow, FlagSettings, buckets, caseload_row, columns_of, flags
from rehab.limits import Limits
from rehab.pain import LevelShift, Trend, is_meaningful_change
from rehab.screen import NEVER_ASKED
from tests.decision_scenes import inputs, scored

IN_ORDER = ["red_flag_open", "flare", "pain_rising", "run_spike", "over_plan", "no_data", "review_due", "on_track"]


def bucket(settings: FlagSettings | None = None, **row: Any) -> str:
    (flag,) = flags([CaseloadRow(**row)], settings or FlagSettings())
    return flag.rule.name


def words(**row: Any) -> str:
    (flag,) = flags([CaseloadRow(**row)])
    return flag.words


def test_the_buckets_stand_in_their_order() -> None:
    assert [rule.name for rule in RULES] == IN_ORDER


# One row that fits every rule; taking away the top one each time gives the next
EVERYTHING: dict[str, Any] = {
    "state": "S4",
    "spike_m": 7000,
    "spike_longest_m": 6200,
    "run_m": 9000,
    "run_ceiling_m": 8000,
    "days_since_log": 8,
    "days_since_score": 9,
    "days_since_review": 10,
    "days_since_start": 60,
}


def test_the_most_serious_bucket_that_fits_counts() -> None:
    taken_away: list[tuple[str, dict[str, Any]]] = [
        ("red_flag_open", {"state": "S0"}),
        ("flare", {"state": "S3"}),
        ("pain_rising", {"state": "S4"}),
        ("run_spike", {"state": "S5"}),
        ("over_plan", {"state": "S5", "spike_m": None}),
        ("no_data", {"state": "S2", "spike_m": None, "run_m": None}),
        ("review_due", {"state": "S2", "spike_m": None, "run_m": None, "days_since_log": 6}),
        ("on_track", {"state": "S8", "spike_m": None, "run_m": None, "days_since_log": 6, "days_since_review": 6}),
    ]
    assert [bucket(**EVERYTHING | change) for _, change in taken_away] == [name for name, _ in taken_away]


def test_nobody_gives_no_flags() -> None:
    assert flags([]) == ()


@pytest.mark.parametrize(
    ("shift", "shift_from", "expected"),
    [
        (1.5, 5.0, "on_track"),
        (2.0, 5.0, "pain_rising"),  # on the limit it is meaningful
        (-2.0, 5.0, "on_track"),  # a fall is good news
        (1.0, 3.0, "pain_rising"),
        (1.0, 4.0, "on_track"),  # 25 %
        (0.5, 1.0, "on_track"),
        (None, None, "on_track"),
        (2.0, None, "on_track"),
    ],
)
def test_a_week_worse_by_what_people_notice_is_pain_rising(shift: float | None, shift_from: float | None, expected: str) -> None:
    assert bucket(state="S8", shift=shift, shift_from=shift_from) == expected


@pytest.mark.parametrize(
    ("spike", "longest", "ratio", "expected"),
    [
        (6820, 6200, 1.10, "on_track"),  # exactly 1.10
        (6821, 6200, 1.10, "run_spike"),
        (6820, 6200, 1.09, "run_spike"),
        (6820, None, 1.10, "on_track"),  # no run in 30 days: nothing to compare
    ],
)
def test_a_run_over_the_patients_own_step_is_a_spike(spike: int, longest: int | None, ratio: float, expected: str) -> None:
    assert bucket(spike_m=spike, spike_longest_m=longest, max_step_ratio=ratio) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"run_m": 8000, "run_ceiling_m": 8000}, "on_track"),
        ({"run_m": 8001, "run_ceiling_m": 8000}, "over_plan"),
        ({"run_m": 8001}, "on_track"),  # no ceiling in the plan
        ({"week_m": 22_000, "week_planned_m": 20_000}, "on_track"),
        ({"week_m": 22_001, "week_planned_m": 20_000}, "over_plan"),
        ({"week_m": 22_001}, "on_track"),
    ],
)
def test_more_than_planned_is_a_run_over_its_ceiling_or_a_week_over_ten_percent(row: dict[str, Any], expected: str) -> None:
    assert bucket(**row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"days_since_log": 6, "days_since_score": 30}, "on_track"),
        ({"days_since_log": 30, "days_since_score": 6}, "on_track"),
        ({"days_since_log": 7, "days_since_score": 7}, "no_data"),
        ({"days_since_log": 7}, "no_data"),
        ({"days_since_start": 6}, "on_track"),
        ({"days_since_start": 7, "days_since_review": 0}, "no_data"),  # never a log: the start counts
        ({"days_since_log": 0, "days_since_start": 70, "days_since_review": 0}, "on_track"),
    ],
)
def test_no_data_is_neither_log_nor_score_for_seven_days(row: dict[str, Any], expected: str) -> None:
    assert bucket(**row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"days_since_review": 6, "days_since_start": 60}, "on_track"),
        ({"days_since_review": 7, "days_since_start": 60}, "review_due"),
        ({"days_since_start": 7}, "review_due"),
        ({"days_since_start": 6}, "on_track"),
    ],
)
def test_a_review_is_due_after_seven_days(row: dict[str, Any], expected: str) -> None:
    assert bucket(days_since_log=0, **row) == expected


def test_the_clinic_sets_the_days() -> None:
    longer = FlagSettings(no_data_days=14, review_due_days=21)
    row = {"days_since_log": 13, "days_since_score": 20, "days_since_review": 20}
    assert bucket(longer, **row) == "on_track"
    assert bucket(longer, **row | {"days_since_log": 14}) == "no_data"
    assert bucket(longer, **row | {"days_since_review": 21}) == "review_due"
    with pytest.raises(ValueError, match="one day"):
        FlagSettings(no_data_days=0)


# Words


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"state": "S0", "open_items": 2, "first_open_item": "Groin pain", "unanswered_items": 1},
            "Groin pain and 1 more open; 1 of 12 items not answered in 28 days.",
        ),
        ({"state": "S0", "bone": True}, "Bone stress injury: a physician leads the loading."),
        ({"state": "S0"}, "The red-flag screen is not clear."),
        (
            {"state": "S3", "worst_during": 7, "slow_runs": 1, "limping_days": 2},
            "Pain during runs up to 7 of 10; 1 run still sore on the second morning; limping on 2 days of the last 7.",
        ),
        (
            {"state": "S4", "unsettled_runs": 2, "scored_runs": 3, "trend": "worsening", "trend_per_week": 0.74},
            "2 of the last 3 runs not settled the next morning; pain rising by +0.7 points a week.",
        ),
        ({"state": "S8", "shift": 2.5, "shift_from": 2.0}, "Next-morning pain +2.5 against the three weeks before (2 of 10)."),
        ({"spike_m": 12_000, "spike_longest_m": 10_000}, "A run of 7.5 mi, 20 % over the longest of the 30 days before (6.2 mi)."),
        (
            {"spike_m": 12_000, "spike_longest_m": 10_000, "distance_unit": DistanceUnit.KILOMETRE},
            "A run of 12.0 km, 20 % over the longest of the 30 days before (10.0 km).",
        ),
        ({"run_m": 8001, "run_ceiling_m": 7000, "distance_unit": DistanceUnit.KILOMETRE}, "A run of 8.00 km, ceiling 7.00 km."),
        (
            {"run_m": 8001, "run_ceiling_m": 8000, "week_m": 22_000, "week_planned_m": 20_000, "distance_unit": DistanceUnit.KILOMETRE},
            "A run of 8.00 km, ceiling 8.00 km.",
        ),
        (
            {"run_m": 8000, "run_ceiling_m": 8000, "week_m": 22_001, "week_planned_m": 20_000, "distance_unit": DistanceUnit.KILOMETRE},
            "22.0 km in the week, planned 20.0 km.",
        ),
        ({"week_m": 24_000, "week_planned_m": 20_000, "distance_unit": DistanceUnit.KILOMETRE}, "24.0 km in the week, planned 20.0 km."),
        ({"days_since_log": 9}, "Last log 9 days ago; no pain score ever."),
        ({"days_since_start": 8, "days_since_review": 1}, "Nothing logged since the start 8 days ago."),
        ({"days_since_review": 9}, "Last reviewed 9 days ago."),
        ({"days_since_log": 1, "days_since_start": 8}, "Never reviewed since the start 8 days ago."),
        ({"scored_runs": 3, "median_during": 2.0}, "No rule asks for attention; pain during the last 3 runs 2 of 10."),
    ],
)
def test_a_row_says_its_rule_with_its_own_numbers(row: dict[str, Any], said: str) -> None:
    assert words(**row) == said


def test_a_row_is_made_from_a_decision_and_what_stands_beside_it() -> None:
    ada = inputs(scored_runs=scored((4, 2, 2), ("unsettled", "unsettled", "settled")), limping_days=0)
    rising = Trend("worsening", 0.7, 0.1, 1.2, False, 12, 12, 28, "")
    row = caseload_row(
        decide(ada), trend=rising, level_shift=LevelShift(2.0, 1.0, True), days_since_review=3, run_m=9000, run_ceiling_m=8000
    )
    assert (row.state, row.unsettled_runs, row.scored_runs, row.worst_during, row.median_during) == ("S4", 2, 3, 4, 2)
    assert (row.shift, row.shift_from, row.trend_per_week, row.days_since_log, row.days_since_review) == (2.0, 1.0, 0.7, 0, 3)
    assert flags([row])[0].words == (
        "2 of the last 3 runs not settled the next morning; pain rising by +0.7 points a week; "
        "next-morning pain +2 against the three weeks before (1 of 10)."
    )
    withheld = caseload_row(decide(inputs(screen=NEVER_ASKED)), trend=rising)
    assert flags([withheld])[0].words == "12 of 12 items not answered in 28 days."


# Properties

none_or = st.none()
metres, some_days = none_or | st.integers(1, 60_000), none_or | st.integers(0, 60)
any_row = st.builds(
    CaseloadRow,
    state=st.sampled_from(["", *(f"S{number}" for number in range(9))]),
    shift=none_or | st.integers(-20, 20).map(lambda halves: halves / 2),
    shift_from=none_or | st.integers(0, 20).map(lambda halves: halves / 2),
    spike_m=metres,
    spike_longest_m=metres,
    max_step_ratio=st.integers(100, 200).map(lambda hundredths: hundredths / 100),
    run_m=metres,
    run_ceiling_m=metres,
    week_m=metres,
    week_planned_m=metres,
    days_since_log=some_days,
    days_since_score=some_days,
    days_since_review=some_days,
    days_since_start=some_days,
)


@given(rows=st.lists(any_row, min_size=1, max_size=12), seed=st.integers(0, 100))
def test_each_row_is_in_one_bucket_whoever_else_is_in_the_clinic(rows: list[CaseloadRow], seed: int) -> None:
    places = buckets(columns_of(rows))
    assert len(places) == len(rows)
    assert np.bincount(places, minlength=len(RULES)).sum() == len(rows)
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    assert buckets(columns_of([rows[at] for at in order])).tolist() == places[order].tolist()
    assert [flag.rule for flag in flags(rows)] == [RULES[place] for place in places]


@given(row=any_row)
def test_the_columns_decide_as_the_single_rules_do(row: CaseloadRow) -> None:
    name = flags([row])[0].rule.name
    if row.state == "S0":
        assert name == "red_flag_open"
        return
    known_shift = row.shift is not None and row.shift_from is not None
    rising = known_shift and row.shift > 0 and is_meaningful_change(row.shift, row.shift_from)
    spike = row.spike_m is not None and row.spike_longest_m is not None
    spike = spike and Limits(max_step_ratio=row.max_step_ratio).is_over_step(row.spike_m, row.spike_longest_m)
    if row.state == "S3":
        assert name == "flare"
    elif row.state == "S4" or rising:
        assert name == "pain_rising"
    else:
        assert (name == "run_spike") == spike


@given(row=any_row)
def test_what_is_not_known_never_raises_a_flag(row: CaseloadRow) -> None:
    """Forgetting numbers can only move a row towards no data, review due (by the start) or on track."""
    unknown = dataclasses.replace(row, shift=None, spike_m=None, run_m=None, week_m=None)
    assert flags([unknown])[0].rule.name in {"red_flag_open", "flare", "pain_rising", "no_data", "review_due", "on_track"}
    assert (flags([unknown])[0].rule.name == "pain_rising") == (row.state == "S4")
