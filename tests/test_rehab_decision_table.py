"""The decision table: which state, which band, and what it never does."""

import dataclasses
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import DistanceUnit
from rehab.bands import Band, band_words, rounded_band, rounded_cap
from rehab.blocks import blocks_of
from rehab.decision import Decision, decide
from rehab.decision_inputs import DecisionInputs
from rehab.limits import Limits
from rehab.red_flags import ITEMS
from rehab.screen import NEVER_ASKED, OPEN, ScreenStanding
from rehab.states import STATES, Choice, state_of
from tests.decision_scenes import any_inputs, calm_inputs, inputs, metres, miles, scored
from tests.rehab_scenes import METRES_PER_MILE

ORDER = ["S0", "S3", "S1", "S2", "S4", "S5", "S6", "S7", "S8"]


def code(**other: Any) -> str:
    return state_of(inputs(**other)).code


def band_of(decision: Decision) -> tuple[float, float]:
    assert decision.band is not None
    return round(decision.band.low_m / METRES_PER_MILE, 6), round(decision.band.high_m / METRES_PER_MILE, 6)


def cap_of(decision: Decision) -> float:
    assert decision.cap_m is not None
    return round(decision.cap_m / METRES_PER_MILE, 6)


# Which state


def test_the_rows_stand_in_the_order_in_which_they_are_tried() -> None:
    assert [state.code for state in STATES] == ORDER


def test_ada_is_green() -> None:
    assert code() == "S8"


@pytest.mark.parametrize("screen", [NEVER_ASKED, ScreenStanding(OPEN, ITEMS[:1]), ScreenStanding(OPEN, bone=True)])
def test_a_flag_open_or_unanswered_goes_before_all_else(screen: ScreenStanding) -> None:
    assert code(screen=screen, limping_days=1, scored_runs=scored((9, 9, 9))) == "S0"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"scored_runs": scored((5, 5, 5))}, "S6"),
        ({"scored_runs": scored((6, 6, 5))}, "S3"),  # median 6
        ({"scored_runs": scored((6, 5, 5))}, "S6"),  # median 5, none of them 7
        ({"scored_runs": scored((7, 1, 1))}, "S3"),  # any 7
        ({"scored_runs": scored((1, 1, 7))}, "S3"),
        ({"scored_runs": scored((6, 1, 1))}, "S8"),
        ({"slow_runs": 1}, "S3"),
        ({"limping_days": 1}, "S3"),
        ({"scored_runs": (), "morning_scores": 0, "limping_days": 1}, "S3"),  # whatever little is recorded
        ({"scored_runs": scored((7,), ("unknown",))}, "S3"),
        ({"days_without_run": 12, "limping_days": 1}, "S3"),  # a flare goes before a gap
    ],
)
def test_a_flare_is_too_much_pain_or_slow_or_a_limp(change: dict[str, Any], expected: str) -> None:
    assert code(**change) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"days_without_run": 9}, "S8"),
        ({"days_without_run": 10}, "S1"),
        ({"days_without_run": 11}, "S1"),
        ({"days_without_run": 10, "scored_runs": (), "morning_scores": 0}, "S1"),  # a gap goes before too little data
        ({"days_without_run": 10, "days_without_log": 6}, "S1"),
        ({"days_without_run": 10, "days_without_log": 7}, "S2"),  # nobody logged: it may be no gap at all
        ({"days_without_run": 8, "blocks": miles(0, 12, 0)}, "S1"),  # W7 and B3 both 0
        ({"days_without_run": 8, "blocks": miles(0, 12, 0), "before_gap": miles(12, 0)}, "S2"),  # the volume before is not known
        ({"days_without_run": 10, "before_gap": miles(12, 12)}, "S8"),
        ({"days_without_run": None}, "S2"),  # never a run
    ],
)
def test_a_gap_is_ten_logged_days_without_a_run(change: dict[str, Any], expected: str) -> None:
    assert code(**change) == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scored_runs": scored((2, 2), ("settled", "settled"))}, "2 of 3 runs scored in 14 days"),
        ({"morning_scores": 1}, "1 of 2 scores in 14 days"),
        ({"days_without_log": 7}, "none for 7 days, so ask"),
        ({"days_without_log": None}, "a first log"),
        ({"blocks": miles(17.5, 17.5)}, "three weeks logged without a break"),
        ({"days_without_run": None}, "a first run"),
    ],
)
def test_too_little_data_says_what_is_missing(change: dict[str, Any], said: str) -> None:
    decision = decide(inputs(**change))
    assert decision.state.code == "S2"
    assert said in decision.sentences[0]
    assert any(said in missing for missing in decision.missing)


def test_two_mornings_and_six_days_without_a_log_are_enough() -> None:
    assert code(morning_scores=2, days_without_log=6) == "S8"


@pytest.mark.parametrize(
    ("during", "responses", "trend", "expected"),
    [
        ((2, 2, 2), ("unsettled", "unsettled", "settled"), "steady", "S4"),
        ((2, 2, 2), ("unsettled", "settled", "settled"), "steady", "S7"),  # low pain with exactly one
        ((2, 2, 2), ("settled", "settled", "settled"), "worsening", "S4"),
        ((4, 4, 4), ("unsettled", "settled", "settled"), "steady", "S4"),  # amber with one
        ((3, 3, 3), ("unsettled", "settled", "settled"), "steady", "S7"),
        ((4, 4, 4), ("settled", "settled", "settled"), "worsening", "S4"),
        ((4, 4, 4), ("settled", "settled", "settled"), "not enough entries", "S6"),
        ((5, 5, 5), ("settled", "settled", "settled"), "steady", "S6"),
        ((4, 4, 4), ("settled", "settled", "unknown"), "steady", "S7"),  # S6 needs all three known
        ((3, 3, 3), ("settled", "settled", "unknown"), "steady", "S7"),
        ((3, 3, 3), ("settled", "settled", "settled"), "not enough entries", "S8"),
    ],
)
def test_pain_and_responses_tell_unsettled_amber_hold_and_green_apart(
    during: tuple[int, ...], responses: tuple[str, ...], trend: str, expected: str
) -> None:
    assert code(scored_runs=scored(during, responses), trend=trend) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"spike_m": 6820, "spike_longest_m": 6200}, "S8"),  # evidence 11, vector 3: 1.10 is no spike
        ({"spike_m": 6821, "spike_longest_m": 6200}, "S5"),
        ({"spike_m": 6820, "spike_longest_m": 6200, "limits": Limits(max_step_ratio=1.09)}, "S5"),
        ({"spike_m": None, "spike_longest_m": None}, "S8"),  # no run in 30 days is no spike
        ({"blocks": miles(12, 0, 0)}, "S5"),
        ({"blocks": miles(22.75, 17.5, 17.5, 17.5)}, "S5"),  # 1.30
        ({"blocks": miles(22.7, 17.5, 17.5, 17.5)}, "S8"),
        ({"spike_m": 7000, "spike_longest_m": 6200, "scored_runs": scored((4, 4, 4))}, "S5"),  # before amber
        ({"spike_m": 7000, "spike_longest_m": 6200, "trend": "worsening"}, "S4"),  # after unsettled
    ],
)
def test_a_spike_is_a_run_over_the_step_or_a_much_larger_week(change: dict[str, Any], expected: str) -> None:
    assert code(**change) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"green_days": 6}, "S7"),
        ({"green_days": 7}, "S8"),
        ({"green_days": None}, "S7"),
        ({"strength_done": 4}, "S7"),  # 4 of 6: 67 %
        ({"strength_done": 5}, "S8"),
        ({"strength_done": 7, "strength_prescribed": 10}, "S8"),  # on 70 %
        ({"strength_done": 0, "strength_prescribed": 10}, "S7"),
        ({"strength_done": None, "strength_prescribed": None}, "S8"),  # not prescribed counts as kept
    ],
)
def test_green_takes_a_week_of_it_and_strength_kept(change: dict[str, Any], expected: str) -> None:
    assert code(**change) == expected


def test_the_patients_own_pain_limits_count() -> None:
    assert code(scored_runs=scored((3, 3, 3)), limits=Limits(comfortable_max=2, acceptable_max=4)) == "S6"
    assert code(scored_runs=scored((5, 5, 5)), limits=Limits(comfortable_max=2, acceptable_max=4)) == "S3"
    assert code(scored_runs=scored((4, 4, 4)), limits=Limits(comfortable_max=4)) == "S8"
    assert code(scored_runs=scored((7, 7, 7)), limits=Limits(comfortable_max=4, acceptable_max=8)) == "S3"  # 7 always is


@pytest.mark.parametrize(
    "wrong",
    [
        {"comfortable_max": 6},
        {"comfortable_max": -1},
        {"acceptable_max": 11},
        {"settled_max": -1},
        {"max_step_ratio": 0.99},
        {"max_step_ratio": 2.01},
        {"no_suggestions": True},
        {"no_suggestions": True, "no_suggestions_reason": " "},
    ],
)
def test_limits_that_contradict_each_other_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Limits(**wrong)


# Bands, as evidence 11, vector 10, has them (longest run 6.2)

UNSETTLED = scored((2, 2, 2), ("unsettled", "unsettled", "settled"))


@pytest.mark.parametrize(
    ("state", "change", "band", "cap"),
    [
        ("S8", {}, (18.5, 19.0), 6.8),  # 18.375 to 19.25
        ("S3", {"slow_runs": 1, "blocks": miles(17.5, 18, 18)}, (12.5, 14.0), 4.3),  # 12.25 to 14.0
        ("S3", {"slow_runs": 1, "blocks": miles(10, 20, 20)}, (7.0, 8.0), 4.3),
        ("S8", {"blocks": miles(4, 4, 4)}, (4.5, 5.0), 6.8),
        ("S6", {"scored_runs": scored((4, 4, 4)), "blocks": miles(14, 20, 20)}, (13.5, 14.5), 6.2),  # base 14, not 20: 13.3 to 14.7
        ("S6", {"scored_runs": scored((4, 4, 4)), "blocks": miles(0, 20, 20)}, (13.5, 14.5), 6.2),
        ("S4", {"scored_runs": UNSETTLED}, (14.0, 15.5), 4.9),  # 14.0 to 15.75; 4.96
        ("S4", {"scored_runs": UNSETTLED, "blocks": miles(0, 12, 12)}, (5.0, 5.0), 4.9),  # half of 12: 4.8 to 5.4
        ("S7", {"green_days": 3}, (17.0, 18.0), 6.2),  # 16.625 to 18.375
        ("S5", {"blocks": miles(12, 0, 0)}, (11.5, 12.5), 6.2),  # hold at 12
        ("S1", {"days_without_run": 14, "before_gap": miles(17.5, 17.5, 17.5)}, (9.0, 12.0), 3.1),  # 8.75 to 12.25
        ("S8", {"blocks": miles(9.9, 9.9, 9.9)}, (10.5, 10.5), 6.8),  # under 10: 10.4 to 10.9
        ("S8", {"blocks": miles(10, 10, 10)}, (10.5, 11.0), 6.8),  # on 10 the shares count: 10.5 to 11.0
    ],
)
def test_the_band_and_the_cap_of_each_state(state: str, change: dict[str, Any], band: tuple[float, float], cap: float) -> None:
    decision = decide(inputs(**change))
    assert decision.state.code == state
    assert band_of(decision) == band
    assert cap_of(decision) == cap


def test_after_a_spike_the_cap_is_the_longest_run_before_it() -> None:
    decision = decide(inputs(spike_m=metres(8), spike_longest_m=metres(6.2), longest_m=metres(8), longest_before_spike_m=metres(6.2)))
    assert decision.state.code == "S5"
    assert cap_of(decision) == 6.2


def test_a_long_run_that_leaves_the_thirty_days_next_week_does_not_raise_the_cap() -> None:
    assert cap_of(decide(inputs(longest_m=metres(10), longest_kept_m=metres(5)))) == 5.5
    assert cap_of(decide(inputs(longest_m=metres(10), longest_kept_m=None))) == 10.0


def test_a_flare_without_three_logged_weeks_has_no_band_and_says_why() -> None:
    decision = decide(inputs(slow_runs=1, blocks=miles(12)))
    assert (decision.state.code, decision.band) == ("S3", None)
    assert "three weeks logged without a break" in decision.missing
    assert [option.choice for option in decision.options] == [Choice.ASK_FOR_LOGS, Choice.NO_CHANGE]


def test_a_band_from_logs_that_stopped_a_week_ago_is_not_shown() -> None:
    decision = decide(inputs(slow_runs=1, days_without_log=7))
    assert (decision.state.code, decision.band) == ("S3", None)


def test_a_green_week_after_a_rest_week_stays_under_what_would_be_a_spike() -> None:
    # 15, 0, 15 with 45 before: the mean of the last three is 10, so 13 would be a spike; 1.05 to 1.10 of 15 would be 15.75 to 16.5
    decision = decide(inputs(blocks=miles(15, 0, 15, 45)))
    assert decision.state.code == "S8"
    assert band_of(decision) == (12.5, 12.5)
    assert "The band is kept under 13.0 mi: more would be a spike against the last three weeks." in decision.sentences


# Rounding

MILE, KILOMETRE = DistanceUnit.MILE, DistanceUnit.KILOMETRE


@pytest.mark.parametrize(
    ("low", "high", "current", "expected"),
    [
        (12.0, 14.0, 17, (12.0, 14.0)),  # on a step
        (12.01, 13.99, 17, (12.5, 13.5)),
        (4.8, 5.4, 12, (5.0, 5.0)),
        (4.6, 4.9, 12, (5.0, 5.0)),  # inverted: the middle 4.75 is nearest to 5.0 (a half goes up)
        (4.55, 4.85, 12, (4.5, 4.5)),
        (0.7, 1.4, 2, (1.0, 1.0)),  # never under a mile
        (0.2, 1.6, 0.3, (0.5, 1.5)),  # or what is run now if that is less
    ],
)
def test_a_band_goes_to_half_miles(low: float, high: float, current: float, expected: tuple[float, float]) -> None:
    band = rounded_band(low * METRES_PER_MILE, high * METRES_PER_MILE, unit=MILE, current_m=current * METRES_PER_MILE)
    assert (round(band.low_m / METRES_PER_MILE, 6), round(band.high_m / METRES_PER_MILE, 6)) == expected
    assert not band.keep_current


def test_under_a_mile_the_current_miles_are_kept_as_run_walk() -> None:
    band = rounded_band(500, 1607, unit=MILE, current_m=1900)
    assert band == Band(1900, 1900, keep_current=True)
    assert band_words(band, MILE) == "keep current miles as run-walk"
    assert rounded_band(500, 1608, unit=MILE, current_m=1900) == Band(METRES_PER_MILE, METRES_PER_MILE)


@pytest.mark.parametrize(
    ("low_m", "high_m", "words"),
    [
        (29_400, 30_800, "29.5 to 30.5 km"),
        (28_000, 28_500, "28.0 to 28.5 km"),
        (900, 1_497, "keep current kilometres as run-walk"),
        (900, 1_498, "1.5 km"),
    ],
)
def test_who_thinks_in_kilometres_gets_half_kilometres(low_m: float, high_m: float, words: str) -> None:
    assert band_words(rounded_band(low_m, high_m, unit=KILOMETRE, current_m=28_000), KILOMETRE) == words


def test_whole_metres_cost_no_half_mile() -> None:
    # four runs of 2.5 miles are stored as 4,023 m each, 1.4 m short of ten miles: 10.5 to 11.0 all the same
    ten = blocks_of([4 * 4023] * 3)
    assert band_of(decide(inputs(blocks=ten))) == (10.5, 11.0)


def test_rounding_never_lifts_a_reduction_above_what_was_run() -> None:
    # 1.49 miles: 0.80 to 0.90 is 1.19 to 1.34, and the nearest half mile would be 1.5
    assert band_of(decide(inputs(scored_runs=UNSETTLED, blocks=miles(1.49, 3, 3)))) == (1.0, 1.0)


def test_a_cap_goes_down_to_a_tenth_and_never_to_zero() -> None:
    assert rounded_cap(6.29 * METRES_PER_MILE, MILE) == pytest.approx(6.2 * METRES_PER_MILE)
    assert rounded_cap(6.2 * METRES_PER_MILE, MILE) == pytest.approx(6.2 * METRES_PER_MILE)
    assert rounded_cap(16_093, MILE) == pytest.approx(10 * METRES_PER_MILE)  # ten miles in whole metres
    assert rounded_cap(10_099, KILOMETRE) == pytest.approx(10_000)
    assert rounded_cap(99, KILOMETRE) is None
    assert rounded_cap(None, KILOMETRE) is None


# What the result carries


def test_a_decision_carries_its_reason_its_inputs_and_how_well_it_is_known() -> None:
    ada = inputs()
    decision = decide(ada)
    assert decision.inputs is ada
    assert decision.before_rounding_m == pytest.approx((18.375 * METRES_PER_MILE, 19.25 * METRES_PER_MILE))
    assert decision.rule.name == "s8_green"
    assert decision.rule.strength.words == "a choice of this project; no evidence claimed"
    assert decision.rule.sources
    assert decision.sentences == (
        "Median pain during runs is 2 of 10; three of three runs settled; green for 21 days.",
        "Suggested for next week: 18.5 to 19.0 mi in all.",
        "No single run over 6.8 mi.",
    )
    assert (decision.withheld, decision.missing, decision.patient_sentence) == ("", (), "")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"screen": NEVER_ASKED}, "The red-flag screen was not asked in the last 28 days."),
        (
            {"slow_runs": 1, "limping_days": 2, "scored_runs": scored((7, 6, 6))},
            "Median pain during runs is 6 of 10; pain during a run reached 7 of 10; 1 run still sore on the second morning; "
            "limping on 2 days of the last 7.",
        ),
        ({"slow_runs": 2}, "2 runs still sore on the second morning."),
        ({"days_without_run": 12}, "No run on the last 12 logged days."),
        ({"morning_scores": 1}, "Not enough data for a suggestion. Missing: pain next morning: 1 of 2 scores in 14 days."),
        (
            {"trend": "worsening", "scored_runs": scored((4, 4, 4), ("unsettled", "settled", "settled"))},
            "1 of the last 3 runs had not settled the next morning; pain is rising over the last 28 days; median pain during runs is 4 of 10.",
        ),
        ({"trend": "worsening"}, "Pain is rising over the last 28 days."),
        (
            {"spike_m": 12_000, "spike_longest_m": 10_000},
            "A run of 7.5 mi, 20 % over the longest of the 30 days before (6.2 mi); pain is within the agreed range.",
        ),
        ({"blocks": miles(12, 6, 6, 6)}, "12.0 mi in 7 days after a mean of 6.0 mi in the blocks before; pain is within the agreed range."),
        ({"scored_runs": scored((4, 4, 4))}, "Median pain during runs is 4 of 10; all three runs settled by the next morning."),
        (
            {"green_days": 2, "strength_done": 1, "scored_runs": scored((2, 2, 2), ("unknown", "settled", "unsettled"))},
            "The response to 1 of the last 3 runs is not known; 1 of the last 3 runs had not settled the next morning; "
            "green for 2 of 7 days, since the last run that was amber, not settled or not known; 1 of 6 strength sessions done in 14 days.",
        ),
        (
            {"green_days": None, "scored_runs": scored((4, 4, 4), ("unknown", "settled", "settled"))},
            "Median pain during runs is 4 of 10; the response to 1 of the last 3 runs is not known; "
            "no run in the last four weeks tells for how long it has been green.",
        ),
        (
            {"trend": "not enough entries", "green_days": 7},
            "Median pain during runs is 2 of 10; three of three runs settled; green for 7 days; the pain trend is not known yet.",
        ),
    ],
)
def test_each_state_says_why_with_the_patients_own_numbers(change: dict[str, Any], why: str) -> None:
    assert decide(inputs(**change)).sentences[0] == why


def test_green_offers_distance_or_a_cadence_step_or_no_change() -> None:
    options = decide(inputs()).options
    assert [option.words for option in options] == [
        "Next week: 18.5 to 19.0 mi",
        "The next cadence step; distance: 17.0 to 18.0 mi",
        "No change: the confirmed plan stays",
    ]


def test_what_is_missing_is_named() -> None:
    decision = decide(inputs(scored_runs=scored((2, 2, 2), ("unknown", "settled", "settled")), trend="not enough entries", longest_m=None))
    assert decision.missing == ("the response to the run of March 1, 2025", "enough entries for a pain trend", "a run in the last 30 days")
    assert decision.cap_m is None
    unprescribed = decide(inputs(strength_done=None, strength_prescribed=None))
    assert unprescribed.missing == ("a number of strength sessions in the plan",)


def test_a_tiny_week_is_kept_as_run_walk_in_each_choice() -> None:
    decision = decide(inputs(blocks=miles(0.8, 0.8, 0.8), scored_runs=scored((4, 4, 4))))
    assert [option.words for option in decision.options] == [
        "Next week: keep current miles as run-walk",
        "The next cadence step; distance: keep current miles as run-walk",
        "No change: the confirmed plan stays",
    ]
    assert decision.sentences[1] == "Suggested for next week: keep current miles as run-walk."


@pytest.mark.parametrize("screen", [NEVER_ASKED, ScreenStanding(OPEN, ITEMS[:1]), ScreenStanding(OPEN, bone=True)])
def test_a_red_flag_withholds_everything_and_tells_the_patient_calmly(screen: ScreenStanding) -> None:
    decision = decide(inputs(screen=screen))
    assert_withheld(decision)
    assert decision.patient_sentence == "Please talk with your therapist before your next run. We are checking one of your answers."


def assert_withheld(decision: Decision) -> None:
    assert decision.withheld
    assert (decision.band, decision.before_rounding_m, decision.cap_m) == (None, None, None)
    assert (decision.cue, decision.strength_line, decision.options) == ("", "", ())
    assert not re.search(r"\b(mi|km|miles|steps)\b", " ".join(decision.sentences))


def test_who_is_excluded_gets_no_suggestion_and_the_reason() -> None:
    decision = decide(inputs(limits=Limits(no_suggestions=True, no_suggestions_reason="Pregnancy.")))
    assert_withheld(decision)
    assert decision.withheld == "Nothing is suggested for this patient: Pregnancy."
    assert decision.patient_sentence == ""


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [("S3", "S4", True), ("S4", "S3", True), ("S4", "S4", True), ("S8", "S4", False), (None, "S3", False), ("S4", "S8", False)],
)
def test_two_weeks_of_flare_or_unsettled_runs_ask_for_a_second_look(before: str | None, now: str, said: bool) -> None:
    change = {"S3": {"slow_runs": 1}, "S4": {"trend": "worsening"}, "S8": {}}[now]
    decision = decide(inputs(previous_state=before, **change))
    assert decision.state.code == now
    assert any("re-assess" in sentence for sentence in decision.second_look) is said


@pytest.mark.parametrize(
    ("weeks", "start", "change", "said"),
    [
        (8, 5.0, -1.5, True),
        (7, 5.0, -1.5, False),
        (8, 5.0, -2.0, False),
        (8, 3.0, -1.0, False),  # a point of three is noticed
        (12, 3.0, 0.0, True),
        (12, 5.0, 3.0, True),  # a meaningful rise is no improvement
        (12, None, None, False),
    ],
)
def test_no_change_that_people_notice_after_eight_weeks_asks_for_a_review(
    weeks: int, start: float | None, change: float | None, said: bool
) -> None:
    decision = decide(inputs(weeks_in_care=weeks, pain_at_start=start, pain_change=change))
    assert any("review" in sentence for sentence in decision.second_look) is said


def test_no_text_of_the_table_asks_for_a_test_or_uses_a_frightening_word() -> None:
    texts = [text for state in STATES for text in (state.title, state.cue, state.strength_line, state.rule.may_say)]
    assert not [text for text in texts if re.search(r"\bhop|jump|damage|tear|danger|fail|risk|weak", text, re.I)]


# --------------------------------------------------------------------------------------------------------------------
# Properties
# --------------------------------------------------------------------------------------------------------------------


@given(given_inputs=st.one_of(any_inputs, calm_inputs()))
def test_every_input_gives_exactly_one_state(given_inputs: DecisionInputs) -> None:
    fitting = [state for state in STATES if state.test(given_inputs)]
    assert state_of(given_inputs) is fitting[0]
    assert len([state for state in fitting if state.code in {"S7", "S8"}]) == 1


@given(given_inputs=st.one_of(any_inputs, calm_inputs()))
def test_no_path_emits_zero_or_a_number_that_is_none(given_inputs: DecisionInputs) -> None:
    decision = decide(given_inputs)
    bands = [decision.band, *(option.band for option in decision.options)]
    for band in bands:
        if band is not None:
            assert 0 < band.low_m <= band.high_m
            assert math.isfinite(band.high_m)
    assert decision.cap_m is None or decision.cap_m > 0
    said = " ".join([*decision.sentences[1:], *(option.words for option in decision.options)])
    assert not re.search(r"(?<![\d.])0(\.0+)? (mi|km)|\bnan\b|None", said)


@given(given_inputs=any_inputs)
def test_an_open_or_unanswered_flag_lets_nothing_through(given_inputs: DecisionInputs) -> None:
    decision = decide(given_inputs)
    assert (decision.state.code == "S0") == given_inputs.screen.withholds
    if given_inputs.screen.withholds or given_inputs.limits.no_suggestions:
        assert decision.withheld
        assert (decision.band, decision.cap_m, decision.cue, decision.strength_line, decision.options) == (None, None, "", "", ())


@given(given_inputs=st.one_of(any_inputs, calm_inputs()))
def test_too_little_data_emits_no_band_and_each_suggestion_has_a_choice(given_inputs: DecisionInputs) -> None:
    decision = decide(given_inputs)
    if decision.state.code == "S2":
        assert decision.band is None
    if not decision.withheld:
        assert len(decision.options) >= 2
        assert decision.options[-1].choice is Choice.NO_CHANGE
        assert decision.options[-1].band is None


@given(given_inputs=calm_inputs(), share=st.floats(0, 1))
def test_a_week_within_the_apps_green_band_is_no_spike_the_week_after(given_inputs: DecisionInputs, share: float) -> None:
    decision = decide(given_inputs)
    if decision.state.code != "S8":
        return
    for band in [decision.band, *(option.band for option in decision.options)]:
        if band is not None:
            next_week = round(band.low_m + share * (band.high_m - band.low_m))
            assert not blocks_of([next_week, *given_inputs.blocks.newest_first_m]).is_spike
    if decision.cap_m is not None and given_inputs.longest_kept_m is not None:
        assert not given_inputs.limits.is_over_step(math.floor(decision.cap_m), given_inputs.longest_kept_m)


@given(given_inputs=any_inputs)
def test_a_reduction_is_never_more_than_was_run(given_inputs: DecisionInputs) -> None:
    decision = decide(given_inputs)
    if decision.state.code in {"S3", "S4"} and decision.band is not None:
        run = given_inputs.blocks.w7_m or given_inputs.blocks.low_m
        assert run is not None
        assert decision.band.high_m <= run + 1e-6


@given(given_inputs=st.one_of(any_inputs, calm_inputs()), unit=st.sampled_from(list(DistanceUnit)))
def test_the_unit_changes_neither_the_state_nor_the_band_before_rounding(given_inputs: DecisionInputs, unit: DistanceUnit) -> None:
    first, second = decide(given_inputs), decide(dataclasses.replace(given_inputs, distance_unit=unit))
    assert first.state is second.state
    assert first.before_rounding_m == second.before_rounding_m


@given(given_inputs=calm_inputs(), at=st.integers(0, 2))
def test_a_missing_response_never_counts_as_settled(given_inputs: DecisionInputs, at: int) -> None:
    runs = list(given_inputs.scored_runs)
    runs[at] = dataclasses.replace(runs[at], response="unknown")
    state = state_of(dataclasses.replace(given_inputs, scored_runs=tuple(runs)))
    assert state.code not in {"S6", "S8"}
