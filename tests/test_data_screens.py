"""Red-flag screens: what was asked stays; a yes is open until a therapist closes it with a note."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from data import screens, visits
from data.permissions import COMMAND_LINE, NotFound
from data.records import AlreadyThere
from models import SCREEN_COLUMNS, EntryRefused, Role, ScreenAnswer, ScreenEntry, ScreenItem, SiteKind, VisitEntry
from tests.clinic_scene import TODAY, Scene, new_scene

MONDAY, TUESDAY = date(2025, 3, 3), date(2025, 3, 4)
NOON = datetime(2025, 3, 4, 18, 0, tzinfo=UTC)
YES, NO, NOT_ASKED = ScreenAnswer.YES, ScreenAnswer.NO, ScreenAnswer.NOT_ASKED
GROIN, NIGHT, ENERGY = ScreenItem.GROIN_PAIN_WITH_RUNNING, ScreenItem.REST_OR_NIGHT_PAIN, ScreenItem.LOW_ENERGY
OTHERS = {item: NO for item in ScreenItem if item not in (GROIN, NIGHT, ENERGY)}


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def episode(scene: Scene) -> str:
    return scene.episode(scene.patient())


def ask(scene: Scene, episode: str, answers: dict[ScreenItem, ScreenAnswer], on: date = MONDAY) -> int:
    entry = ScreenEntry.checked(today=TODAY, asked_on=on, answers=answers)
    return screens.add_screen(scene.engine, scene.tess, episode, entry, now=NOON)


def stood(scene: Scene, episode: str, item: ScreenItem) -> list[tuple[str, date, date | None]]:
    """Give the current answers to an item: what, when, closed when."""
    frame = screens.screen_answers(scene.engine, scene.tess, episode)
    rows = frame[frame["item"] == item].to_dict("records")
    return [(row["answer"], row["asked_on"].date(), None if pd.isna(row["closed_on"]) else row["closed_on"].date()) for row in rows]


def id_of(scene: Scene, episode: str, item: ScreenItem) -> int:
    frame = screens.screen_answers(scene.engine, scene.tess, episode)
    return int(frame.loc[frame["item"] == item, "answer_id"].iloc[-1])


def test_an_item_that_was_not_asked_stands_as_not_asked_and_never_as_no(scene: Scene, episode: str) -> None:
    assert ask(scene, episode, {GROIN: NO, NIGHT: YES}) == 12
    frame = screens.screen_answers(scene.engine, scene.tess, episode)
    assert tuple(frame.columns) == SCREEN_COLUMNS
    assert dict(zip(frame["item"], frame["answer"], strict=True)) == {
        **{item.value: "not_asked" for item in ScreenItem},
        GROIN: "no",
        NIGHT: "yes",
    }
    assert frame["item"].tolist() == list(ScreenItem)
    assert frame["closed_on"].isna().all()


def test_the_same_answers_again_add_nothing(scene: Scene, episode: str) -> None:
    ask(scene, episode, {GROIN: NO, NIGHT: YES})
    before = scene.everything()
    assert ask(scene, episode, {GROIN: NO, NIGHT: YES}) == 0
    assert ask(scene, episode, {GROIN: NO}) == 0  # what was answered that day is not unasked again
    assert scene.everything() == before


def test_a_later_answer_of_the_day_corrects_and_one_of_another_day_stands_beside(scene: Scene, episode: str) -> None:
    ask(scene, episode, {GROIN: NO, **OTHERS})
    ask(scene, episode, {GROIN: NO, ENERGY: NO, **OTHERS})
    assert stood(scene, episode, ENERGY) == [("no", MONDAY, None)]
    retired = [row for row in scene.rows("red_flag_answer") if row["retired_at_utc"] is not None]
    assert [(row["item"], row["answer"], row["retired_by_id"]) for row in retired] == [("low_energy", "not_asked", scene.tess.person_id)]
    ask(scene, episode, {ENERGY: NOT_ASKED, **OTHERS}, on=TUESDAY)
    assert stood(scene, episode, ENERGY) == [("no", MONDAY, None), ("not_asked", TUESDAY, None)]


def test_a_yes_is_not_made_undone_by_a_no(scene: Scene, episode: str) -> None:
    ask(scene, episode, {NIGHT: YES})
    ask(scene, episode, {NIGHT: NO})
    ask(scene, episode, {NIGHT: NO}, on=TUESDAY)
    assert stood(scene, episode, NIGHT) == [("yes", MONDAY, None), ("no", MONDAY, None), ("no", TUESDAY, None)]
    yes = next(row["id"] for row in scene.rows("red_flag_answer", answer="yes"))
    for answer in (NO, NOT_ASKED):
        with pytest.raises(EntryRefused, match="Close it with a note that says what was found"):
            screens.correct_screen_answer(scene.engine, scene.tess, yes, answer)
    assert stood(scene, episode, NIGHT)[0] == ("yes", MONDAY, None)


def test_a_wrong_no_is_corrected_and_stays_with_who_and_when(scene: Scene, episode: str) -> None:
    ask(scene, episode, {NIGHT: NO})
    wrong = id_of(scene, episode, NIGHT)
    right = screens.correct_screen_answer(scene.engine, scene.tess, wrong, YES, now=NOON)
    assert stood(scene, episode, NIGHT) == [("yes", MONDAY, None)]
    history = screens.screen_history(scene.engine, scene.tess, episode)
    of_item = history[history["item"] == NIGHT].to_dict("records")
    assert [(row["answer_id"], row["answer"], row["retired_by"]) for row in of_item] == [(right, "yes", ""), (wrong, "no", "Tess")]
    assert of_item[0]["corrects_id"] == wrong
    with pytest.raises(AlreadyThere, match="corrected this answer meanwhile"):
        screens.correct_screen_answer(scene.engine, scene.tess, wrong, NOT_ASKED)


def test_a_yes_is_closed_with_a_note_on_the_patients_day(scene: Scene) -> None:
    episode = scene.episode(scene.patient(time_zone="Pacific/Apia"))
    ask(scene, episode, {NIGHT: YES})
    yes = id_of(scene, episode, NIGHT)
    for nothing in ("", "  ", "\u202e"):
        with pytest.raises(EntryRefused, match="Say in a note what was found and done"):
            screens.close_screen_answer(scene.engine, scene.tess, yes, nothing)
    screens.close_screen_answer(scene.engine, scene.tess, yes, "MRI clear, seen by Dr Osei", now=NOON)
    assert stood(scene, episode, NIGHT) == [("yes", MONDAY, date(2025, 3, 5))]  # 18:00 UTC is the next day in Apia
    (row,) = scene.rows("red_flag_answer", answer="yes")
    assert (row["closing_note"], row["closed_by_id"], row["closed_at_utc"]) == ("MRI clear, seen by Dr Osei", scene.tess.person_id, NOON)
    told = scene.rows("audit_event")[-1]
    assert (told["action"], told["object_kind"], told["object_key"]) == ("change", "red_flag_answer", str(yes))
    assert "MRI clear" in told["detail"]
    with pytest.raises(AlreadyThere, match="closed on 2025-03-05"):
        screens.close_screen_answer(scene.engine, scene.tess, yes, "Again")


def test_only_a_yes_is_closed_and_only_by_a_therapist(scene: Scene, episode: str) -> None:
    ask(scene, episode, {NIGHT: YES, GROIN: NO})
    with pytest.raises(EntryRefused, match="Only a yes"):
        screens.close_screen_answer(scene.engine, scene.tess, id_of(scene, episode, GROIN), "Nothing")
    for roles in ({Role.OWNER}, {Role.FRONT_DESK}, {Role.OWNER, Role.FRONT_DESK}, set()):
        who = scene.tess.model_copy(update={"roles": frozenset(roles)})
        with pytest.raises(NotFound):
            screens.close_screen_answer(scene.engine, who, id_of(scene, episode, NIGHT), "Fine")
    assert stood(scene, episode, NIGHT) == [("yes", MONDAY, None)]


def test_a_yes_after_a_closed_one_is_open_anew(scene: Scene, episode: str) -> None:
    ask(scene, episode, {NIGHT: YES})
    screens.close_screen_answer(scene.engine, scene.tess, id_of(scene, episode, NIGHT), "Clear", now=NOON)
    ask(scene, episode, {NIGHT: YES})
    assert stood(scene, episode, NIGHT) == [("yes", MONDAY, TUESDAY), ("yes", MONDAY, None)]


def test_a_screen_may_belong_to_a_visit_of_the_same_episode_only(scene: Scene, episode: str) -> None:
    visit = VisitEntry.checked(today=TODAY, visit_date=MONDAY, kind=SiteKind.IN_PERSON)
    mine = visits.record_visit(scene.engine, scene.tess, episode, visit)
    other = scene.episode(scene.patient("BEN"))
    entry = ScreenEntry.checked(today=TODAY, asked_on=MONDAY, answers={NIGHT: NO})
    with pytest.raises(NotFound, match="visit"):
        screens.add_screen(scene.engine, scene.tess, other, entry, visit_key=mine)
    screens.add_screen(scene.engine, scene.tess, episode, entry, visit_key=mine)
    assert {row["visit_id"] for row in scene.rows("red_flag_answer")} == {scene.rows("visit")[0]["id"]}


def test_a_refusal_says_in_the_audit_whose_answer_was_asked_for(scene: Scene, episode: str) -> None:
    ask(scene, episode, {NIGHT: YES})
    with pytest.raises(NotFound):
        screens.close_screen_answer(scene.engine, scene.olga, id_of(scene, episode, NIGHT), "Fine")
    refused = scene.rows("audit_event")[-1]
    assert (refused["action"], refused["patient_id"]) == ("refused", scene.rows("patient")[0]["id"])


def test_a_screen_of_the_future_or_without_an_answer_is_refused() -> None:
    with pytest.raises(EntryRefused, match="is in the future"):
        ScreenEntry.checked(today=MONDAY, asked_on=TUESDAY, answers={NIGHT: NO})
    for answers in ({}, {NIGHT: NOT_ASKED}):
        with pytest.raises(EntryRefused, match="None of the questions was answered"):
            ScreenEntry.checked(today=MONDAY, asked_on=MONDAY, answers=answers)
    assert ScreenEntry.checked(today=MONDAY, asked_on=MONDAY, answers={"low_energy": "no"}).answers == {ENERGY: NO}


def test_the_command_line_reads_them_too(scene: Scene, episode: str) -> None:
    ask(scene, episode, {NIGHT: NO})
    assert len(screens.screen_answers(scene.engine, COMMAND_LINE, episode)) == 12
