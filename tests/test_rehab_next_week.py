"""The decision in words: what is suggested with its inputs and its evidence, and nothing of what is withheld."""

from dataclasses import replace

from hypothesis import given

from models import DistanceUnit
from rehab.decision import BEING_CHECKED, decide
from rehab.decision_inputs import DecisionInputs
from rehab.limits import Limits
from rehab.next_week import next_week
from rehab.red_flags import ITEMS
from rehab.screen import OPEN, ScreenStanding
from tests.decision_scenes import any_inputs, inputs, miles, scored


def test_green_tells_distance_longest_run_cue_and_strength() -> None:
    told = next_week(decide(inputs()))
    assert told.title == "Green (S8)"
    assert told.withheld == ""
    assert told.suggested == (
        ("Distance", "18.5 to 19.0 mi"),
        ("Longest run", "up to 6.8 mi"),
        ("How to run", "More distance or a cadence step, not both in one week."),
        ("Strength", "Progress."),
    )
    assert told.options[-1] == "No change: the confirmed plan stays"
    assert len(told.options) == 3


def test_each_input_is_told_with_its_unit() -> None:
    told = dict(next_week(decide(inputs())).inputs)
    assert told["Red-flag screen"] == "clear"
    assert told["Last block of 7 days"] == told["Middle of three blocks"] == "17.5 mi"
    assert told["Longest run of 30 days"] == "6.2 mi"
    assert told["Last scored runs"].startswith("2025-03-01: 2 of 10 during, settled; 2025-02-27: 2 of 10 during, settled; ")
    assert told["Mornings scored"] == "10 in 14 days"
    assert told["Strength sessions"] == "6 of 6 in 14 days"
    assert told["Since the last run"] == "2 days"
    assert told["Since the last log"] == "today"
    assert told["Distance before rounding"] == "18.38 to 19.25 mi"  # 1.05 and 1.10 times 17.5
    assert told["This runner's limits"] == (
        "comfortable to 3, OK if it settles to 5, settled to +1, one run to 1.10 times the longest of 30 days"
    )


def test_what_is_not_known_is_said_and_no_run_is_not_0_miles() -> None:
    told = next_week(decide(DecisionInputs(as_of=inputs().as_of, screen=inputs().screen)))
    known = dict(told.inputs)
    assert told.title == "Not enough data (S2)"
    assert known["Last block of 7 days"] == known["Longest run of 30 days"] == known["Since the last run"] == "not known"
    assert known["Last scored runs"] == "none in 14 days"
    assert known["Mornings scored"] == "none in 14 days"
    assert known["Strength sessions"] == "none prescribed"
    assert told.missing
    rested = dict(next_week(decide(inputs(blocks=miles(0, 12, 12)))).inputs)
    assert rested["Last block of 7 days"] == "no run"
    assert dict(next_week(decide(inputs(longest_m=80))).inputs)["Longest run of 30 days"] == "under 0.1 mi"  # 0.0497 mi
    assert dict(next_week(decide(inputs(longest_m=81))).inputs)["Longest run of 30 days"] == "0.1 mi"  # 0.0503 mi


def test_the_evidence_is_told_with_its_sources_and_strength() -> None:
    told = next_week(decide(inputs(scored_runs=scored((7, 2, 2)))))
    assert told.title == "Flare (S3)"
    rule = decide(inputs(scored_runs=scored((7, 2, 2)))).rule
    assert told.evidence.endswith(f"({rule.strength})")
    assert len(told.sources) == len(rule.sources)
    assert all(source.citation in words for source, words in zip(rule.sources, told.sources, strict=True))


def test_while_a_red_flag_is_open_nothing_suggested_is_there_at_all() -> None:
    told = next_week(decide(inputs(screen=ScreenStanding(OPEN, ITEMS[:1]))))
    assert told.withheld == BEING_CHECKED
    assert (told.suggested, told.options, told.missing) == ((), (), ())
    assert dict(told.inputs)["Red-flag screen"] == f"open: {ITEMS[0].title}"
    assert "Distance before rounding" not in dict(told.inputs)
    assert ITEMS[0].title in told.why


def test_whom_nothing_is_suggested_by_their_limits_is_told_why() -> None:
    told = next_week(decide(inputs(limits=Limits(no_suggestions=True, no_suggestions_reason="under 18 years"))))
    assert told.withheld == "Nothing is suggested for this patient: under 18 years."
    assert (told.suggested, told.options) == ((), ())


def test_kilometres_are_told_to_those_who_run_in_them() -> None:
    told = next_week(decide(replace(inputs(), distance_unit=DistanceUnit.KILOMETRE)))
    assert dict(told.inputs)["Last block of 7 days"] == "28.2 km"


@given(any_inputs)
def test_every_decision_can_be_told_and_never_as_0_miles(given_inputs: DecisionInputs) -> None:
    told = next_week(decide(given_inputs))
    said = [told.title, told.why, told.evidence, told.rule, *(words for pair in (*told.suggested, *told.inputs) for words in pair)]
    assert all(said)
    assert not any(words.startswith(("0.0 ", "nan")) for _, words in (*told.suggested, *told.inputs))
    assert bool(told.withheld) != bool(told.options)
