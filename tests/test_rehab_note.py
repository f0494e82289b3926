"""The text of a visit: what stands in it, what is withheld, and how it is made to fit."""

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import DistanceUnit
from rehab.bands import Band
from rehab.note import CUE_WITHHELD, NOTE_MAX_CHARACTERS, WITHHELD, ConfirmedPlan, VisitDone, note_text
from rehab.plan import PlanWeek
from rehab.red_flags import ITEMS
from rehab.screen import NEVER_ASKED, ScreenStanding
from rehab.since_visit import SinceFact
from tests.rehab_scenes import METRES_PER_MILE, MONDAY

CLEAR = ScreenStanding("clear", valid_until=date(2025, 3, 31))
OPEN = ScreenStanding("open", open_items=(ITEMS[2],))
FACTS = (
    SinceFact("Runs", "6", "2 more", ""),
    SinceFact("Distance", "24.0 mi", "3.0 mi more", ""),
    SinceFact("Longest run", "6.0 mi", "the same", ""),
    SinceFact("Pain during runs", "2 of 10", "1 lower", ""),
    SinceFact("Pain next morning", "1 of 10", "", ""),
    SinceFact("Cadence at equal speed", "168 steps/min", "4 steps/min higher", ""),
    SinceFact("Plan kept", "5 of 6 runs", "not known before", ""),
)
DONE = VisitDone(
    "Gluteal muscles, 5 min", ("Bridge 2 × 8", "Plank 20 s"), "Quicker, shorter steps: about 170 a minute", "Pillow at night", "Calm."
)


def miles(number: float) -> int:
    return round(number * METRES_PER_MILE)


PLAN = ConfirmedPlan(
    new=PlanWeek(2, MONDAY, miles(22), reason="Ready for more"),
    old=PlanWeek(1, MONDAY, miles(20)),
    state="S8",
    band=Band(miles(21), miles(22)),
)


def text(**more: Any) -> str:
    told: dict[str, Any] = {
        "visit": "Visit of March 3, 2025, in person, Lakeside",
        "since": "Since the visit of February 17, 2025: 14 days, held against the 14 days before.",
        "facts": FACTS,
        "screen": CLEAR,
        "plan": PLAN,
        "done": DONE,
        "unit": DistanceUnit.MILE,
    }
    return note_text(**{**told, **more})


def test_the_text_has_the_numbers_the_plan_change_the_decision_and_what_was_done() -> None:
    assert text() == (
        "Visit of March 3, 2025, in person, Lakeside\n"
        "The red-flag screen is clear.\n"
        "Since the visit of February 17, 2025: 14 days, held against the 14 days before.\n"
        "- Runs: 6; 2 more\n"
        "- Distance: 24.0 mi; 3.0 mi more\n"
        "- Longest run: 6.0 mi; the same\n"
        "- Pain during runs: 2 of 10; 1 lower\n"
        "- Pain next morning: 1 of 10\n"
        "- Cadence at equal speed: 168 steps/min; 4 steps/min higher\n"
        "- Plan kept: 5 of 6 runs; not known before\n"
        "Plan 2: week's distance 20.0 mi → 22.0 mi.\n"
        "Reason: Ready for more.\n"
        "Decision: rule S8 suggested 21.0 to 22.0 mi a week; confirmed by the therapist.\n"
        "Hands-on care: Gluteal muscles, 5 min.\n"
        "Strength: Bridge 2 × 8; Plank 20 s.\n"
        "Gait cue: Quicker, shorter steps: about 170 a minute.\n"
        "Education: Pillow at night.\n"
        "Note: Calm."
    )


def test_without_a_confirmed_plan_no_decision_is_told() -> None:
    said = text(plan=None)
    assert "Plan: not changed at this visit." in said
    assert "Decision" not in said


def test_a_plan_to_which_nothing_was_suggested_tells_no_decision() -> None:
    assert "Decision" not in text(plan=ConfirmedPlan(new=PLAN.new, old=PLAN.old))


def test_a_plan_outside_the_band_says_so() -> None:
    outside = ConfirmedPlan(PLAN.new, PLAN.old, "S7", Band(miles(19), miles(21)), outside_band=True)
    assert "Decision: rule S7 suggested 19.0 to 21.0 mi a week; outside it, decided by the therapist." in text(plan=outside)


def test_nothing_that_was_not_done_has_a_line() -> None:
    said = text(done=VisitDone())
    assert not re.search("Hands-on|Strength|Gait cue|Education|Note", said)


bone = ScreenStanding("open", bone=True)


@pytest.mark.parametrize("screen", [OPEN, NEVER_ASKED, bone, ScreenStanding("unanswered", (), ITEMS[:1])])
def test_with_an_open_or_unanswered_screen_no_number_cue_or_band_for_next_week_is_told(screen: ScreenStanding) -> None:
    said = text(screen=screen)
    assert WITHHELD in said
    assert CUE_WITHHELD in said
    assert screen.sentence in said
    assert not re.search("22.0 mi|21.0|S8|170|Quicker|Ready for more|Decision", said)
    assert "- Distance: 24.0 mi; 3.0 mi more" in said  # what was stays


def long_note(characters: int) -> VisitDone:
    return VisitDone(DONE.hands_on, DONE.strength, DONE.gait_cue, DONE.education, "x" * (characters - 1) + ".")


def test_on_the_limit_nothing_is_shortened_and_one_character_more_is() -> None:
    room = NOTE_MAX_CHARACTERS - len(text(done=long_note(1))) + 1
    fits = text(done=long_note(room))
    assert len(fits) == NOTE_MAX_CHARACTERS == 1_199
    assert "Shortened" not in fits
    over = text(done=long_note(room + 1))
    assert len(over) <= NOTE_MAX_CHARACTERS
    assert over.endswith("x…\nShortened to fit: note.")


def test_the_note_goes_first_then_education_then_hands_on_care() -> None:
    done = VisitDone("h" * 200, DONE.strength, "", "e" * 200, "n" * 2_000)
    assert text(done=done).endswith("Shortened to fit: note.")
    done = VisitDone("h" * 300, DONE.strength, "", "e" * 400, "n" * 2_000)
    said = text(done=done)
    assert said.endswith("Shortened to fit: note, education.")
    assert "h" * 300 in said
    assert "Note:" not in said
    done = VisitDone("h" * 2_000, DONE.strength, "", "e" * 2_000, "n" * 2_000)
    said = text(done=done)
    assert said.endswith("Shortened to fit: note, education, hands-on care.")
    assert "Strength: Bridge 2 × 8; Plank 20 s." in said


def test_many_exercises_are_counted_and_a_long_screen_too() -> None:
    said = text(done=VisitDone(strength=("y" * 90,) * 12))
    assert "Strength: 12 exercises." in said
    assert "Shortened to fit: reason, exercises." in said
    said = text(screen=ScreenStanding("open", open_items=ITEMS), done=DONE)
    assert "Red-flag screen: 12 open." in said
    assert said.endswith("red flags.")
    assert WITHHELD in said


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=2_000)
short = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200)


@given(
    done=st.builds(VisitDone, words, st.lists(short.filter(bool), max_size=20).map(tuple), short, words, words),
    changes=st.lists(short, min_size=7, max_size=7),
    reason=words,
    open_items=st.sets(st.sampled_from(ITEMS)),
)
def test_however_much_was_written_it_fits_and_says_if_it_was_shortened(
    done: VisitDone, changes: list[str], reason: str, open_items: set[Any]
) -> None:
    facts = tuple(SinceFact(fact.label, fact.value, change, "") for fact, change in zip(FACTS, changes, strict=True))
    screen = ScreenStanding("open", tuple(open_items)) if open_items else CLEAR
    plan = ConfirmedPlan(PlanWeek(2, MONDAY, miles(22), reason=reason), PLAN.old, "S8", PLAN.band)
    said = text(done=done, facts=facts, plan=plan, screen=screen)
    assert len(said) <= NOTE_MAX_CHARACTERS
    assert all(f"- {fact.label}: {fact.value}" in said for fact in FACTS)
    whole = all(each in said for each in (done.hands_on, done.education, done.note, *done.strength))
    assert whole or "Shortened to fit:" in said or said.endswith("… The end is cut off.")
    if open_items:
        assert [line for line in said.splitlines() if line.startswith(("Plan", "Decision:", "Reason:"))] == [WITHHELD]
