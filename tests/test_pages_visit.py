"""The page Visit, as a script without a browser: arrive, ask, say what was done, measure, write, copy."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from access import accounts
from clinic import register
from data import outcomes, queries, records, screens, visits
from data.database import engine
from models import Instrument, Role, ScreenAnswer, ScreenItem, SiteKind, Viewer, VisitStatus
from rehab.note import NOTE_MAX_CHARACTERS
from tests.test_pages import _new_episode, _signed_in, _texts, _therapist


@pytest.fixture
def person(dashboard: AppTest) -> Viewer:
    return _therapist()


@pytest.fixture
def episode(person: Viewer) -> str:
    return _new_episode(person)


def opened(dashboard: AppTest, person: Viewer, episode: str) -> AppTest:
    dashboard.session_state["episode"] = episode
    _signed_in(dashboard, person).run().switch_page("pages/visit.py").run()
    assert not dashboard.exception
    return dashboard


def arrived(dashboard: AppTest, person: Viewer, episode: str) -> str:
    """Begin a new visit of today; gives its key."""
    opened(dashboard, person, episode)
    dashboard.button_group(key=f"visit_kind_{episode}_").set_value(SiteKind.VIRTUAL)
    dashboard.button(key=f"visit_arrived_{episode}_").click().run()
    assert not dashboard.exception
    return str(visits_of(person, episode)["visit_key"].iloc[-1])


def visits_of(person: Viewer, episode: str) -> pd.DataFrame:
    return queries.visits(engine(), person, episode)


def answer(dashboard: AppTest, visit: str, given: dict[ScreenItem, ScreenAnswer], turn: int = 0) -> None:
    for item, said in given.items():
        dashboard.button_group(key=f"screen_{visit}_{item}_{turn}").set_value(said)
    dashboard.button(key=f"save_screen_{visit}").click().run()
    assert not dashboard.exception


def test_a_new_visit_asks_how_the_patient_came_before_anything_is_stored(dashboard: AppTest, person: Viewer, episode: str) -> None:
    opened(dashboard, person, episode)
    assert "The red-flag screen was not asked in the last 28 days" in _texts(dashboard).replace("\\", "")
    dashboard.button(key=f"visit_arrived_{episode}_").click().run()
    assert "in person or virtual" in dashboard.error[0].value
    assert visits_of(person, episode).empty
    assert not dashboard.tabs


def test_an_arrival_is_stored_and_opens_the_rest_of_the_page(dashboard: AppTest, person: Viewer, episode: str) -> None:
    key = arrived(dashboard, person, episode)
    (row,) = visits_of(person, episode).to_dict("records")
    assert (row["visit_date"].date(), row["kind"], row["status"]) == (register.today(), "virtual", "arrived")
    assert [tab.label for tab in dashboard.tabs] == ["Red-flag screen", "What was done", "Outcome measures", "Note and text to copy"]
    assert dashboard.selectbox(key=f"which_visit_{episode}").value == key


def test_a_booked_visit_of_today_stands_first_and_becomes_the_one_that_is_held(dashboard: AppTest, person: Viewer, episode: str) -> None:
    booked = records.add_visit(engine(), person, episode, visit_date=register.today(), kind=SiteKind.IN_PERSON, status=VisitStatus.BOOKED)
    opened(dashboard, person, episode)
    assert dashboard.selectbox(key=f"which_visit_{episode}").value == booked
    dashboard.button(key=f"visit_arrived_{episode}_{booked}").click().run()
    assert not dashboard.exception
    assert visits_of(person, episode)[["visit_key", "status"]].values.tolist() == [[booked, "arrived"]]


def test_a_booked_visit_that_is_called_off_can_still_be_held(dashboard: AppTest, person: Viewer, episode: str) -> None:
    booked = records.add_visit(engine(), person, episode, visit_date=register.today(), kind=SiteKind.IN_PERSON, status=VisitStatus.BOOKED)
    opened(dashboard, person, episode)
    dashboard.button(key=f"no_show_{booked}").click().run()
    assert not dashboard.exception
    assert visits.visit(engine(), person, booked).status is VisitStatus.NO_SHOW
    assert dashboard.button(key=f"no_show_{booked}").disabled
    dashboard.button(key=f"visit_arrived_{episode}_{booked}").click().run()
    assert visits.visit(engine(), person, booked).status is VisitStatus.ARRIVED


def test_no_question_has_an_answer_beforehand_and_the_screen_says_what_is_unanswered(
    dashboard: AppTest, person: Viewer, episode: str
) -> None:
    visit = arrived(dashboard, person, episode)
    groups = [dashboard.button_group(key=f"screen_{visit}_{item}_0") for item in ScreenItem]
    assert [group.value for group in groups] == [None] * 12
    assert [group.options for group in groups] == [["yes", "no", "not asked"]] * 12
    assert "12 of 12 questions are unanswered so far." in _texts(dashboard)
    dashboard.button(key=f"save_screen_{visit}").click().run()
    assert "None of the questions was answered" in dashboard.error[0].value
    answer(dashboard, visit, {ScreenItem.NERVE_SIGNS: ScreenAnswer.NO})
    assert "11 of 12 items of the red-flag screen not answered" in dashboard.warning[0].value.replace("\\", "")
    stored = screens.screen_answers(engine(), person, episode)
    assert stored["answer"].value_counts().to_dict() == {"not_asked": 11, "no": 1}


def test_twelve_times_no_makes_the_screen_clear(dashboard: AppTest, person: Viewer, episode: str) -> None:
    visit = arrived(dashboard, person, episode)
    answer(dashboard, visit, dict.fromkeys(ScreenItem, ScreenAnswer.NO))
    assert not dashboard.warning
    assert "The red-flag screen is clear. Its answers hold until" in dashboard.success[0].value


def test_a_yes_says_at_once_what_to_think_of_and_is_closed_with_a_note_only(dashboard: AppTest, person: Viewer, episode: str) -> None:
    visit = arrived(dashboard, person, episode)
    dashboard.button_group(key=f"screen_{visit}_clot_signs_0").set_value(ScreenAnswer.YES).run()
    assert "Think of thrombo-embolism. Emergency: send to hospital now. How soon: emergency." in _texts(dashboard).replace("\\", "")
    answer(dashboard, visit, {item: ScreenAnswer.NO for item in ScreenItem if item != ScreenItem.CLOT_SIGNS})
    assert "Red flag open: Swollen calf or chest symptoms" in dashboard.warning[0].value.replace("\\", "")
    stored = screens.screen_answers(engine(), person, episode)
    number = int(stored.loc[stored["answer"] == "yes", "answer_id"].item())
    dashboard.button(key=f"close_save_{number}").click().run()
    assert "Write in a note why the item is closed" in dashboard.error[0].value
    assert screens.screen_answers(engine(), person, episode)["closed_on"].isna().all()
    dashboard.text_area(key=f"closing_note_{number}").set_value("Ultrasound at the hospital today: no clot.")
    dashboard.button(key=f"close_save_{number}").click().run()
    assert not dashboard.exception
    assert not dashboard.warning
    history = screens.screen_history(engine(), person, episode)
    assert history["closing_note"].max() == "Ultrasound at the hospital today: no clot."


def fill_done(dashboard: AppTest, visit: str, turn: int = 0) -> str:
    one = f"done_{visit}_{turn}"
    dashboard.text_area(key=f"hands_on_{one}").set_value("Gluteal muscles, 5 min")
    dashboard.text_input(key=f"gait_cue_{one}").set_value("Quicker, shorter steps: 168 a minute")
    dashboard.text_input(key=f"exercise_0_{one}").set_value("Bridge")
    dashboard.number_input(key=f"sets_0_{one}").set_value(2)
    dashboard.number_input(key=f"reps_0_{one}").set_value(8)
    return one


def test_what_was_done_is_stored_and_the_cue_becomes_a_change(dashboard: AppTest, person: Viewer, episode: str) -> None:
    visit = arrived(dashboard, person, episode)
    one = fill_done(dashboard, visit)
    dashboard.button(key=f"save_{one}").click().run()
    assert not dashboard.exception
    row = visits.visit(engine(), person, visit)
    assert (row.hands_on, [(given.exercise, given.sets, given.reps) for given in row.strength]) == (
        "Gluteal muscles, 5 min",
        [("Bridge", 2, 8)],
    )
    assert queries.changes(engine(), person, episode)[["kind", "label"]].values.tolist() == [
        ["cadence_cue", "Quicker, shorter steps: 168 a minute"]
    ]


def test_one_line_that_cannot_be_right_keeps_all_of_it_from_being_stored(dashboard: AppTest, person: Viewer, episode: str) -> None:
    visit = arrived(dashboard, person, episode)
    one = fill_done(dashboard, visit)
    dashboard.number_input(key=f"reps_1_{one}").set_value(10)
    dashboard.button(key=f"save_{one}").click().run()
    assert "Say which exercise it was" in dashboard.error[0].value
    row = visits.visit(engine(), person, visit)
    assert (row.hands_on, row.strength, row.gait_cue) == ("", (), "")


def test_one_more_exercise_keeps_what_was_typed(dashboard: AppTest, person: Viewer, episode: str) -> None:
    visit = arrived(dashboard, person, episode)
    one = fill_done(dashboard, visit)
    dashboard.button(key=f"more_{one}").click().run()
    assert dashboard.text_input(key=f"exercise_0_{one}").value == "Bridge"
    assert dashboard.text_input(key=f"exercise_3_{one}").value == ""


def test_what_somebody_else_stored_meanwhile_is_not_written_over(dashboard: AppTest, person: Viewer, episode: str) -> None:
    visit = arrived(dashboard, person, episode)
    visits.write_note(engine(), person, visit, "Theirs.")
    dashboard.text_area(key=f"text_note_{visit}_0").set_value("Mine.")
    dashboard.button(key=f"save_note_{visit}_0").click().run()
    assert "Somebody has changed this note meanwhile" in dashboard.error[0].value
    assert visits.visit(engine(), person, visit).note == "Theirs."
    assert dashboard.text_area(key=f"text_note_{visit}_0").value == "Mine."
    assert "Theirs." in [code.value for code in dashboard.code]


def test_outcomes_are_stored_and_an_unfinished_form_stays_incomplete(dashboard: AppTest, person: Viewer, episode: str) -> None:
    visit = arrived(dashboard, person, episode)
    dashboard.button_group(key=f"value_nprs_{visit}_0").set_value(4)
    dashboard.button(key=f"save_nprs_{visit}_0").click().run()
    dashboard.selectbox(key=f"value_groc_{visit}_0").set_value(-2)
    dashboard.button(key=f"save_groc_{visit}_0").click().run()
    dashboard.text_input(key=f"activity_0_psfs_{visit}_0").set_value("Run 5 miles")
    dashboard.button_group(key=f"ability_0_psfs_{visit}_0").set_value(6)
    dashboard.text_input(key=f"activity_1_psfs_{visit}_0").set_value("Stairs")
    dashboard.button(key=f"save_psfs_{visit}_0").click().run()
    dashboard.selectbox(key=f"instrument_{visit}").set_value(Instrument.TSK_11).run()
    number = dashboard.number_input(key=f"value_tsk_11_{visit}_0")
    assert (number.label, number.min, number.max) == ("Total of the TSK-11: 11 to 44, less is better", 11, 44)
    number.set_value(30)
    dashboard.button(key=f"save_tsk_11_{visit}_0").click().run()
    assert not dashboard.exception
    stored = outcomes.outcomes(engine(), person, episode)
    assert dict(zip(stored["instrument"], stored["total"].fillna(-1), strict=True)) == {"nprs": 4, "groc": -2, "psfs": -1, "tsk_11": 30}
    assert dashboard.text_input(key=f"activity_0_psfs_{visit}_1").value == "Run 5 miles"  # named again, without its value
    assert dashboard.button_group(key=f"ability_0_psfs_{visit}_1").value is None
    table = next(frame.value for frame in dashboard.dataframe if "Total" in frame.value.columns)
    assert table["Total"].tolist() == ["30", "incomplete", "−2, somewhat worse", "4"]


def test_the_note_keeps_its_versions_and_stands_in_the_text(dashboard: AppTest, person: Viewer, episode: str) -> None:
    visit = arrived(dashboard, person, episode)
    for turn, said in enumerate(("Calm hip.", "Calm hip, left.")):
        dashboard.text_area(key=f"text_note_{visit}_{turn}").set_value(said)
        dashboard.button(key=f"save_note_{visit}_{turn}").click().run()
        assert not dashboard.exception
    assert visits.visit(engine(), person, visit).note == "Calm hip, left."
    before = next(frame.value for frame in dashboard.dataframe if "Replaced" in frame.value.columns)
    assert before["Note"].tolist() == ["Calm hip."]
    (text,) = [code.value for code in dashboard.code]
    assert "Note: Calm hip, left." in text
    assert len(text) <= NOTE_MAX_CHARACTERS
    assert "Nodata" not in text


def test_the_front_desk_says_who_arrived_and_reads_nothing_of_a_visit(dashboard: AppTest, person: Viewer, episode: str) -> None:
    booked = records.add_visit(engine(), person, episode, visit_date=register.today(), kind=SiteKind.IN_PERSON, status=VisitStatus.BOOKED)
    desk = next(each for each in accounts.demo_people() if each.roles == {Role.FRONT_DESK})
    opened(dashboard, desk, episode)
    assert not dashboard.tabs
    assert "Dev Nodata" in _texts(dashboard)
    dashboard.button(key=f"arrived_{booked}").click().run()
    assert not dashboard.exception
    assert visits.visit(engine(), person, booked).status is VisitStatus.ARRIVED
    assert dashboard.button(key=f"arrived_{booked}").disabled
