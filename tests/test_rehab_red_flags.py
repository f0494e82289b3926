"""The red-flag screen: what is asked, what stays open, what counts as answered."""

import random
import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import DiagnosisClass, ScreenItem
from rehab import red_flags
from rehab.red_flags import ITEM_OF, ITEMS, Urgency
from rehab.screen import CLEAR, NEVER_ASKED, OPEN, UNANSWERED, ScreenStanding, closing_lacks, screen_standing
from tests.rehab_scenes import MONDAY

NAMES = [
    "groin_pain_with_running", "cannot_bear_weight", "rest_or_night_pain", "buttock_or_pubic_pain", "low_energy", "fragile_bone",
    "infection_signs", "cancer_signs", "nerve_signs", "clot_signs", "under_18_limp", "locking_or_trauma",
]  # fmt: skip


def day(offset: int) -> date:
    return MONDAY + timedelta(days=offset)


def screen_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Answers with the columns of a screen, one row each; days as offsets from MONDAY."""
    frame = pd.DataFrame(
        [
            {
                "answer_id": number,
                "item": row["item"],
                "answer": row["answer"],
                "asked_on": day(row["asked"]),
                "closed_on": None if row.get("closed") is None else day(row["closed"]),
            }
            for number, row in enumerate(rows, start=1)
        ],
        columns=["answer_id", "item", "answer", "asked_on", "closed_on"],
    )
    return frame.assign(asked_on=pd.to_datetime(frame["asked_on"]), closed_on=pd.to_datetime(frame["closed_on"]))


def all_no(asked: int = 0, **other: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"item": name, "answer": "no", "asked": asked, **other.get(name, {})} for name in NAMES]


def standing(rows: Sequence[dict[str, Any]], as_of: int = 0, **more: Any) -> ScreenStanding:
    return screen_standing(screen_frame(rows), as_of=day(as_of), **more)


# The items


def test_there_are_twelve_items_in_the_order_of_the_screen() -> None:
    assert [item.name for item in ITEMS] == NAMES


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.name)
def test_an_item_asks_one_plain_question_and_says_what_to_do(item: red_flags.RedFlagItem) -> None:
    assert "?" in item.question
    assert len(item.question.split()) <= 36
    assert item.thinks_of
    assert item.action.endswith(".")


def test_nobody_is_asked_to_hop_or_to_test_the_leg() -> None:
    texts = [text for item in ITEMS for text in (item.title, item.question, item.thinks_of, item.action)]
    texts += [NEVER_ASKED.sentence, NEVER_ASKED.patient_sentence]
    assert not [text for text in texts if re.search(r"\bhop|\bjump|single[- ]leg|stand on (one|the) leg|\btry to\b|\btest\b", text, re.I)]


def test_soreness_from_lying_on_the_side_is_told_apart_from_pain_at_rest() -> None:
    (item,) = [item for item in ITEMS if item.name == "rest_or_night_pain"]
    assert "only while you lie on that side does not count" in item.question


def test_what_cannot_wait_is_marked_so() -> None:
    urgent = {item.name: item.urgency for item in ITEMS}
    assert [name for name, urgency in urgent.items() if urgency is Urgency.EMERGENCY] == ["nerve_signs", "clot_signs"]
    same_day = ["groin_pain_with_running", "cannot_bear_weight", "infection_signs", "under_18_limp"]
    assert [name for name, urgency in urgent.items() if urgency is Urgency.SAME_DAY] == same_day


# Answers


def test_twelve_times_no_is_clear_and_says_until_when() -> None:
    shown = standing(all_no())
    assert (shown.standing, shown.withholds, shown.patient_sentence) == (CLEAR, False, "")
    assert shown.valid_until == day(28)


def test_a_screen_never_asked_is_unanswered_and_withholds() -> None:
    shown = standing([])
    assert shown == NEVER_ASKED
    assert shown.withholds
    assert shown.sentence == "The red-flag screen was not asked in the last 28 days."


@pytest.mark.parametrize(("as_of", "expected"), [(27, CLEAR), (28, CLEAR), (29, UNANSWERED)])
def test_an_answer_counts_for_28_days(as_of: int, expected: str) -> None:
    assert standing(all_no(), as_of).standing == expected


def test_one_item_not_asked_is_enough_to_withhold() -> None:
    shown = standing(all_no(clot_signs={"answer": "not_asked"}))
    assert shown.standing == UNANSWERED
    assert [item.name for item in shown.unanswered_items] == ["clot_signs"]
    assert shown.sentence.startswith("1 of 12 items of the red-flag screen not answered")


def test_not_asked_at_a_later_visit_leaves_an_earlier_answer_standing() -> None:
    later = [{"item": "clot_signs", "answer": "not_asked", "asked": 7}]
    assert standing(all_no() + later, 7).standing == CLEAR


def test_a_yes_is_open_and_says_what_to_do() -> None:
    shown = standing(all_no(groin_pain_with_running={"answer": "yes"}))
    assert shown.standing == OPEN
    assert "Groin or front-of-hip pain with running" in shown.sentence
    assert "Stop and assess today" in shown.sentence
    assert shown.patient_sentence == "Please talk with your therapist before your next run. We are checking one of your answers."


def test_a_yes_stays_open_however_old_it_is_and_whatever_is_said_later() -> None:
    first = all_no(low_energy={"answer": "yes"})
    shown = standing(first + all_no(40), 40)
    assert [item.name for item in shown.open_items] == ["low_energy"]
    assert shown.unanswered_items == ()


@pytest.mark.parametrize(("as_of", "expected"), [(4, OPEN), (5, CLEAR), (6, CLEAR)])
def test_only_closing_closes_from_its_day_on(as_of: int, expected: str) -> None:
    assert standing(all_no(low_energy={"answer": "yes", "closed": 5}), as_of).standing == expected


def test_a_closed_item_is_asked_again_after_28_days() -> None:
    rows = [*all_no(20), {"item": "low_energy", "answer": "yes", "asked": 0, "closed": 25}]
    del rows[NAMES.index("low_energy")]
    assert standing(rows, 28).standing == CLEAR
    assert [item.name for item in standing(rows, 29).unanswered_items] == ["low_energy"]


def test_what_is_asked_later_is_not_known_yet() -> None:
    rows = [*all_no(), {"item": "clot_signs", "answer": "yes", "asked": 5}]
    assert standing(rows, 4).standing == CLEAR
    assert standing(rows, 5).standing == OPEN


def test_two_yes_to_one_item_need_two_closings() -> None:
    rows = [
        *all_no(),
        {"item": "clot_signs", "answer": "yes", "asked": 0, "closed": 3},
        {"item": "clot_signs", "answer": "yes", "asked": 2},
    ]
    assert standing(rows, 4).standing == OPEN


def test_a_bone_diagnosis_withholds_for_the_whole_episode() -> None:
    shown = standing(all_no(), diagnosis_class=DiagnosisClass.BONE)
    assert (shown.standing, shown.bone, shown.valid_until) == (OPEN, True, None)
    assert "bone stress injury" in shown.sentence
    assert standing(all_no(), diagnosis_class=DiagnosisClass.TENDON).standing == CLEAR


@pytest.mark.parametrize(("rest_pain", "expected"), [(-1, CLEAR), (0, CLEAR), (1, OPEN), (3, CLEAR)])
def test_pain_at_rest_in_the_diary_opens_its_item_until_it_is_asked_again(rest_pain: int, expected: str) -> None:
    # asked on day 0; looked at on day 2, so that day 3 is not known yet
    shown = standing(all_no(), 2, rest_pain_days=[day(rest_pain)])
    assert shown.standing == expected
    if expected == OPEN:
        assert [item.name for item in shown.open_items] == ["rest_or_night_pain"]
        assert standing(all_no() + all_no(2), 2, rest_pain_days=[day(rest_pain)]).standing == CLEAR


# Closing


def test_a_closing_needs_a_therapist_a_note_and_a_possible_day() -> None:
    whole = {"asked_on": day(0), "closed_on": day(2), "therapist": "Thea", "note": "MRI of the hip shows no stress injury."}
    assert closing_lacks(**whole) == ()
    assert len(closing_lacks(**whole | {"therapist": " "})) == 1
    assert len(closing_lacks(**whole | {"note": ""})) == 1
    assert len(closing_lacks(**whole | {"note": "........."})) == 1
    assert len(closing_lacks(**whole | {"closed_on": day(-1)})) == 1
    assert closing_lacks(**whole | {"note": "MRI normal"[:9]}) != ()


answers = st.lists(
    st.fixed_dictionaries(
        {
            "item": st.sampled_from(NAMES),
            "answer": st.sampled_from(["yes", "no", "not_asked"]),
            "asked": st.integers(-60, 40),
            "closed": st.none() | st.integers(-60, 60),
        }
    ),
    max_size=30,
)


@given(rows=answers, base=st.booleans(), as_of=st.integers(-10, 40), seed=st.integers(0, 100))
def test_a_screen_is_clear_only_if_each_item_was_answered_and_no_yes_is_open(
    rows: list[dict[str, Any]], base: bool, as_of: int, seed: int
) -> None:
    rows = rows + (all_no(as_of) if base else [])
    shown = standing(rows, as_of)
    assert standing(random.Random(seed).sample(rows, len(rows)), as_of) == shown
    known = [row for row in rows if row["asked"] <= as_of]
    still_open = {row["item"] for row in known if row["answer"] == "yes" and (row["closed"] is None or row["closed"] > as_of)}
    answered = {row["item"] for row in known if row["answer"] != "not_asked" and as_of - row["asked"] <= 28}
    assert {item.name for item in shown.open_items} == still_open
    assert {item.name for item in shown.unanswered_items} == set(NAMES) - answered - still_open
    assert shown.withholds == bool(still_open or set(NAMES) - answered)
    assert bool(shown.patient_sentence) == shown.withholds


def test_the_items_are_those_that_are_stored() -> None:
    assert list(ITEM_OF) == [item.value for item in ScreenItem]
