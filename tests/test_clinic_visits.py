"""A visit for who asks: chosen, held, written down whole or not at all, and told as text."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

import data.database
from clinic import diary, outcomes, register, screening, visits
from clinic.visits import VisitPage
from data import plans, queries, records
from data.permissions import NotFound
from data.records import AlreadyThere, local_today
from models import EntryRefused, Instrument, PlanEntry, RestEntry, RestMoment, ScreenAnswer, ScreenItem, Side, SiteKind, VisitStatus
from rehab.note import WITHHELD
from tests.clinic_scene import CHICAGO, Scene, new_scene, run_on, score_on

ALL_NO = dict.fromkeys(ScreenItem, ScreenAnswer.NO)


@pytest.fixture
def scene(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A small clinic in the process's own database."""
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    data.database.engine.cache_clear()
    yield new_scene(data.database.engine())
    data.database.engine().dispose()
    data.database.engine.cache_clear()


@pytest.fixture
def episode(scene: Scene) -> str:
    """Ada, in care for eight weeks, with a run each Monday and a visit four weeks ago."""
    patient = scene.patient(given_name="Ada", family_name="Steady")
    key = scene.episode(patient, today=today(), started_on=today() - timedelta(days=56))
    for weeks in range(1, 8):
        day = today() - timedelta(days=7 * weeks)
        scene.run(patient, run_on(day, distance_m=8_047))
        scene.score(patient, score_on(day + timedelta(days=1), 2))
    records.add_visit(
        scene.engine, scene.tess, key, visit_date=today() - timedelta(days=28), kind=SiteKind.VIRTUAL, status=VisitStatus.ARRIVED
    )
    return key


def today() -> date:
    return local_today(CHICAGO)


def page(scene: Scene, episode: str) -> VisitPage:
    return visits.visit_page(scene.tess, episode)


def held(scene: Scene, episode: str) -> str:
    return visits.arrive(scene.tess, page(scene, episode), "", day=today(), kind=SiteKind.IN_PERSON, site_id=scene.lakeside)


def done(scene: Scene, episode: str, key: str, **told: object) -> None:
    given: dict[str, object] = {"seen": visits.done_at(visits.visit(scene.tess, key)), "strength": [], **told}
    visits.record_done(scene.tess, page(scene, episode), key, **given)  # type: ignore[arg-type]


def asked(scene: Scene, episode: str, key: str, answers: dict[ScreenItem, ScreenAnswer | None]) -> int:
    return screening.save_screen(scene.tess, page(scene, episode), key, today(), answers)


def confirmed(scene: Scene, episode: str, distance_m: int) -> None:
    week = today() - timedelta(days=today().weekday())
    known = queries.plans(scene.engine, scene.tess, episode)["version"]
    entry = PlanEntry.checked(today=today(), valid_from=week, weekly_distance_m=distance_m, reason="Ready for more")
    plans.add_plan_version(scene.engine, scene.tess, episode, entry, based_on_version=int(known.max()) if len(known) else 0)


def test_the_visits_to_choose_from_are_those_of_eight_weeks_newest_first(scene: Scene, episode: str) -> None:
    for days in (56, 57, -1):
        records.add_visit(
            scene.engine, scene.tess, episode, visit_date=today() - timedelta(days=days), kind=SiteKind.IN_PERSON, status=VisitStatus.BOOKED
        )
    before = page(scene, episode)
    assert before.todays_key == ""
    assert [words.split(", ")[-2:] for words in before.choices.values()] == [["arrived", "virtual"], ["booked", "in person"]]
    key = held(scene, episode)
    shown = page(scene, episode)
    assert shown.todays_key == key
    assert next(iter(shown.choices.values())) == "Today, arrived, in person, Lakeside"


def test_arriving_again_changes_day_and_place_and_keeps_what_was_written(scene: Scene, episode: str) -> None:
    key = held(scene, episode)
    done(scene, episode, key, hands_on="Gluteal muscles", strength=[("Bridge", 2, 8, None)])
    visits.write_note(scene.tess, key, "Calm.", seen="")
    assert visits.arrive(scene.tess, page(scene, episode), key, day=today(), kind=SiteKind.VIRTUAL, site_id=None) == key
    row = visits.visit(scene.tess, key)
    assert (row.kind, row.site, row.hands_on, row.note) == (SiteKind.VIRTUAL, "", "Gluteal muscles", "Calm.")
    assert [visits.exercise_words(each) for each in row.strength] == ["Bridge 2 × 8"]


def test_a_day_to_come_is_refused(scene: Scene, episode: str) -> None:
    with pytest.raises(EntryRefused, match="is in the future"):
        visits.arrive(scene.tess, page(scene, episode), "", day=today() + timedelta(days=1), kind=SiteKind.VIRTUAL, site_id=None)


def test_what_was_done_is_stored_whole_or_not_at_all(scene: Scene, episode: str) -> None:
    key = held(scene, episode)
    with pytest.raises(EntryRefused) as refused:
        done(
            scene, episode, key, hands_on="Gluteal muscles", strength=[("", 2, None, None), ("Bridge", 21, 8, None), ("", None, None, None)]
        )
    assert len(refused.value.reasons) == 2
    assert visits.done_at(visits.visit(scene.tess, key)) == ("", "", (), "", "")


def test_what_somebody_else_wrote_meanwhile_is_not_written_over(scene: Scene, episode: str) -> None:
    key = held(scene, episode)
    seen = visits.done_at(visits.visit(scene.tess, key))
    done(scene, episode, key, hands_on="Theirs")
    with pytest.raises(AlreadyThere, match="meanwhile"):
        done(scene, episode, key, hands_on="Mine", seen=seen)
    assert visits.visit(scene.tess, key).hands_on == "Theirs"


def test_a_visit_of_another_therapist_is_not_found(scene: Scene, episode: str) -> None:
    key = held(scene, episode)
    with pytest.raises(NotFound):
        visits.visit_page(scene.theo, episode)
    with pytest.raises(NotFound):
        visits.visit(scene.theo, key)


def test_the_questions_stand_in_their_order_with_their_last_answers(scene: Scene, episode: str) -> None:
    key = held(scene, episode)
    assert [question.last for question in screening.questions(scene.tess, page(scene, episode))] == [""] * 12
    assert asked(scene, episode, key, {ScreenItem.LOW_ENERGY: ScreenAnswer.NO, ScreenItem.NERVE_SIGNS: None}) == 12
    by_item = {question.item: question.last for question in screening.questions(scene.tess, page(scene, episode))}
    assert list(by_item) == list(ScreenItem)
    assert by_item[ScreenItem.LOW_ENERGY].startswith("no on ")
    assert by_item[ScreenItem.NERVE_SIGNS] == ""


def test_a_yes_is_closed_with_a_note_that_says_something(scene: Scene, episode: str) -> None:
    key = held(scene, episode)
    asked(scene, episode, key, {**ALL_NO, ScreenItem.FRAGILE_BONE: ScreenAnswer.YES})
    (each,) = screening.open_yes(scene.tess, page(scene, episode))
    assert screening.open_words(each).startswith("Reasons for fragile bone, yes on ")
    for note in ("", " . ", "123456789"):  # nine letters; ten are enough
        with pytest.raises(EntryRefused, match="Write in a note"):
            screening.close(scene.tess, page(scene, episode), each, note)
    screening.close(scene.tess, page(scene, episode), each, "1234567890")
    assert page(scene, episode).screen.standing == "clear"
    assert [line["Note"] for line in screening.closed_lines(scene.tess, page(scene, episode))] == ["1234567890"]
    with pytest.raises(AlreadyThere):
        screening.close(scene.tess, page(scene, episode), each, "Once more, by somebody else")


def test_pain_at_rest_that_the_diary_told_is_asked_before_it_is_closed(scene: Scene, episode: str) -> None:
    key = held(scene, episode)
    asked(scene, episode, key, dict(ALL_NO))
    row = page(scene, episode).row
    told = RestEntry.checked(today=today(), moment=RestMoment.REST, side=Side.LEFT, answer=True, for_date=today())
    records.add_rest_answer(scene.engine, scene.tess, row.patient_key, told)
    assert page(scene, episode).screen.standing == "clear"  # asked on the same day: that answer counts
    with_yes = {**ALL_NO, ScreenItem.REST_OR_NIGHT_PAIN: ScreenAnswer.NOT_ASKED}
    other = scene.episode(row.patient_key, side=Side.RIGHT, today=today(), started_on=today() - timedelta(days=2))
    asked(scene, other, visits.arrive(scene.tess, page(scene, other), "", day=today(), kind=SiteKind.VIRTUAL, site_id=None), with_yes)
    (each,) = screening.open_yes(scene.tess, page(scene, other))
    assert each.answer_id is None
    with pytest.raises(EntryRefused, match="Ask the question above first"):
        screening.close(scene.tess, page(scene, other), each, "A note long enough to count")


def test_a_form_that_was_not_finished_is_incomplete_and_never_zero(scene: Scene, episode: str) -> None:
    key = held(scene, episode)
    save = outcomes.save_outcome
    assert not save(scene.tess, page(scene, episode), key, today(), Instrument.UWRI, items_answered=7)
    assert not save(
        scene.tess, page(scene, episode), key, today(), Instrument.PSFS, activities=[("Run 5 miles", 6), ("Stairs", None), ("", None)]
    )
    assert save(scene.tess, page(scene, episode), key, today(), Instrument.NPRS, total=0)
    lines = outcomes.outcome_lines(scene.tess, page(scene, episode))
    assert [(line["Total"], line["Told"]) for line in lines.values()] == [
        ("0", ""),
        ("incomplete", "Run 5 miles: 6; Stairs: not told"),
        ("incomplete", "7 items answered"),
    ]
    with pytest.raises(AlreadyThere):
        save(scene.tess, page(scene, episode), key, today(), Instrument.NPRS, total=3)
    outcomes.take_back(scene.tess, next(iter(lines)))
    assert save(scene.tess, page(scene, episode), key, today(), Instrument.NPRS, total=3)


@pytest.mark.parametrize(("instrument", "low", "high"), [(Instrument.UWRI, 0, 36), (Instrument.TSK_11, 11, 44), (Instrument.PSEQ_2, 0, 12)])
def test_a_total_outside_the_range_of_its_instrument_is_refused(
    scene: Scene, episode: str, instrument: Instrument, low: int, high: int
) -> None:
    key = held(scene, episode)
    for total in (low - 1, high + 1):
        with pytest.raises(EntryRefused, match="The total of the"):
            outcomes.save_outcome(scene.tess, page(scene, episode), key, today(), instrument, total=total)
    assert outcomes.save_outcome(scene.tess, page(scene, episode), key, today(), instrument, total=high)


def test_the_text_tells_the_plan_that_was_confirmed_today_once_the_screen_is_clear(scene: Scene, episode: str) -> None:
    key = held(scene, episode)
    confirmed(scene, episode, 16_093)
    done(scene, episode, key, gait_cue="About 170 a minute", strength=[("Bridge", 2, 8, None)])
    text = visits.text_of(scene.tess, page(scene, episode), visits.visit(scene.tess, key))
    assert WITHHELD in text
    assert "10.0 mi" not in text
    assert "170" not in text
    asked(scene, episode, key, dict(ALL_NO))
    text = visits.text_of(scene.tess, page(scene, episode), visits.visit(scene.tess, key))
    assert "The red-flag screen is clear." in text
    assert "Plan 1: week's distance 10.0 mi.\nReason: Ready for more.\nStrength: Bridge 2 × 8.\nGait cue: About 170 a minute." in text
    assert "Decision" not in text  # nothing was suggested to who wrote it
    assert f"- Runs: {3}" in text
    assert "Since the visit of" in text
    assert "Ada" not in text


def test_a_text_made_later_says_no_more_than_may_be_said_now(scene: Scene, episode: str) -> None:
    key = held(scene, episode)
    old = records.add_visit(
        scene.engine, scene.tess, episode, visit_date=today() - timedelta(days=7), kind=SiteKind.VIRTUAL, status=VisitStatus.ARRIVED
    )
    asked(scene, episode, key, {**ALL_NO, ScreenItem.CLOT_SIGNS: ScreenAnswer.YES})
    text = visits.text_of(scene.tess, page(scene, episode), visits.visit(scene.tess, old))
    assert "Red flag open: Swollen calf or chest symptoms." in text
    assert WITHHELD in text


def test_who_comes_today_is_known_without_what_was_said(scene: Scene, episode: str) -> None:
    on = local_today(register.clinic().time_zone)
    key = records.add_visit(scene.engine, scene.fred, episode, visit_date=on, kind=SiteKind.IN_PERSON, status=VisitStatus.BOOKED)
    (row,) = visits.appointments(scene.fred)
    assert visits.appointment_words(row) == "Ada Steady · ADA · Tess · in person"
    visits.set_status(scene.fred, key, VisitStatus.NO_SHOW)
    assert [row.status for row in visits.appointments(scene.fred)] == [VisitStatus.NO_SHOW]


def test_a_corrected_score_shows_what_it_was_each_time(scene: Scene, episode: str) -> None:
    row = page(scene, episode).row
    score = diary.history(scene.tess, row)[0].score_id
    for value in (5, 4):
        diary.correct(scene.tess, score, value)
        score = max(line.score_id for line in diary.history(scene.tess, row))
    before = diary.earlier_values(diary.history(scene.tess, row), score)
    assert [line["It was"] for line in before] == [5, 2]
    assert all("by Tess" in str(line["Replaced"]) for line in before)


def test_strength_sessions_are_told_by_day_and_taken_back_with_none(scene: Scene, episode: str) -> None:
    row = page(scene, episode).row
    diary.set_sessions(scene.tess, row, today(), 2)
    diary.set_sessions(scene.tess, row, today() - timedelta(days=2), 1)
    assert diary.sessions_on(scene.tess, row, today()) == 2
    assert [line["Sessions"] for line in diary.strength_days(scene.tess, row)] == [2, 1]
    diary.set_sessions(scene.tess, row, today(), 0)
    assert [line["Sessions"] for line in diary.strength_days(scene.tess, row)] == [1]
    with pytest.raises(EntryRefused, match="The strength sessions of a day"):
        diary.set_sessions(scene.tess, row, today(), 5)
