"""The plan page as a script without a browser: what follows is shown before saving, a second author is told, nothing is suggested unasked."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from access import accounts
from clinic import register
from data import plans, queries, records, runs, screens
from data.database import engine
from data.permissions import COMMAND_LINE
from models import (
    EpisodeEntry,
    PatientEntry,
    PlanEntry,
    PlanWeekEntry,
    Role,
    RunEntry,
    ScreenAnswer,
    ScreenEntry,
    ScreenItem,
    Viewer,
)
from tests.serving import ROOT
from tests.test_pages import _episode_of, _signed_in, _texts, _therapist

RUNS_M = (7_000, 10_000, 6_000, 8_000, 7_000, 9_000)  # every third day, the newest first


def _first_days() -> tuple[date, date]:
    """Give the first days of this week and of the next one; the demo clinic's weeks begin on Monday."""
    today = register.today()
    this_week = today - timedelta(days=(today.weekday() - register.clinic().week_start) % 7)
    return this_week, this_week + timedelta(days=7)


def _runner(person: Viewer, *, screened: bool = True) -> str:
    """Open an episode of a runner who thinks in kilometres: the longest run of 30 days is 10 km, the plan's longest 8 km."""
    today = register.today()
    patient = records.add_patient(
        engine(),
        person,
        PatientEntry.checked(
            today=today, code="kim", given_name="Kim", family_name="Steady", time_zone="America/Chicago", distance_unit="km"
        ),
    )
    entry = EpisodeEntry.checked(
        today=today,
        problem="Outer hip pain",
        side="left",
        diagnosis_class="tendon",
        started_on=today - timedelta(days=60),
        therapist_id=person.person_id,
    )
    key = records.add_episode(engine(), person, patient, entry)
    for number, distance_m in enumerate(RUNS_M):
        day = today - timedelta(days=1 + 3 * number)
        minutes = distance_m * 360 // 1000
        run = RunEntry.checked(
            today=today,
            run_date=day,
            started_at_utc=datetime.combine(day, time(13), UTC),
            utc_offset_s=-6 * 3600,
            distance_m=distance_m,
            moving_time_s=minutes,
            elapsed_time_s=minutes,
        )
        runs.add_run(engine(), person, patient, run)
    if screened:
        answers = dict.fromkeys(ScreenItem, ScreenAnswer.NO)
        screens.add_screen(engine(), person, key, ScreenEntry.checked(today=today, asked_on=today, answers=answers))
    _version(person, key, 1)
    return key


def _version(person: Viewer, key: str, number: int, **fields: Any) -> int:
    this_week, _ = _first_days()
    given = {
        "today": register.today(),
        "valid_from": this_week,
        "weeks": (PlanWeekEntry.checked(distance_m=20_000, runs=3, longest_run_m=8_000),),
        "runs_per_week": 3,
        "run_ceiling_m": 8_000,
        "reason": "Begin",
    }
    entry = PlanEntry.checked(**{**given, **fields})
    return plans.add_plan_version(engine(), person, key, entry, based_on_version=number - 1)


def _open(dashboard: AppTest, person: Viewer, key: str) -> AppTest:
    dashboard.session_state["episode"] = key
    _signed_in(dashboard, person).run().switch_page("pages/plan.py").run()
    assert not dashboard.exception
    return dashboard


def _set(app: AppTest, key: str, **texts: str) -> None:
    for name, text in texts.items():
        app.text_input(key=f"plan_{name}_{key}").set_value(text)
    app.run()
    assert not app.exception


def _plain(app: AppTest) -> str:
    """Give the page's texts without the backslashes that keep them from being Markdown."""
    return _texts(app).replace("\\", "")


def _versions(person: Viewer, key: str) -> list[tuple[Any, ...]]:
    frame = queries.plans(engine(), person, key)
    return frame[["version", "weekly_distance_m", "run_ceiling_m", "reason"]].values.tolist()  # type: ignore[no-any-return]


def test_a_longer_run_is_compared_with_the_longest_of_thirty_days_before_it_is_saved(dashboard: AppTest) -> None:
    person = _therapist()
    key = _runner(person)
    app = _open(dashboard, person, key)
    assert app.text_input(key=f"plan_ceiling_{key}").value == "8"
    assert "+20 %" not in _plain(app)
    before = _versions(person, key)
    _set(app, key, distance_0="24", longest_0="12", ceiling="12")
    assert "12.0 km: +20 % over the longest run of the last 30 days (10.0 km on" in _plain(app)
    assert "longest run 8.0 km → 12.0 km" in _plain(app)
    assert _versions(person, key) == before  # nothing is saved by looking
    _set(app, key, reason="Ready for the lake loop")
    app.button(key=f"plan_save_{key}").click().run()
    assert not app.exception
    assert "Version 2 is saved" in app.success[0].value
    assert _versions(person, key) == [*before, [2, 24_000.0, 12_000.0, "Ready for the lake loop"]]
    newest = queries.plans(engine(), person, key).iloc[-1]
    assert newest["author"] == person.name
    assert "longest run 8.0 km → 12.0 km" in str(app.dataframe[0].value["Different from the one before"].iloc[0])


def test_a_plan_of_this_week_leaves_its_mark_on_the_chart(dashboard: AppTest) -> None:
    person = _therapist()
    key = _runner(person)
    app = _open(dashboard, person, key)
    app.selectbox(key=f"plan_from_{key}").set_value(_first_days()[0])
    _set(app, key, distance_0="18", reason="A calmer week")
    app.button(key=f"plan_save_{key}").click().run()
    assert not app.exception
    assert app.success[0].value.replace("\\", "") == "Version 2 is saved. Its mark stands on the chart."
    (chart,) = app.get("plotly_chart")
    assert "A calmer week" in chart.proto.spec


def test_who_saves_second_is_told_by_whom_and_what_and_loses_nothing(dashboard: AppTest) -> None:
    person = _therapist()
    key = _runner(person)
    app = _open(dashboard, person, key)
    _set(app, key, distance_0="21", reason="Mine")
    other = COMMAND_LINE
    _version(other, key, 2, weeks=(PlanWeekEntry.checked(distance_m=15_000, runs=3, longest_run_m=8_000),), reason="Theirs")
    app.button(key=f"plan_save_{key}").click().run()
    assert not app.exception
    assert [row[3] for row in _versions(person, key)] == ["Begin", "Theirs"]  # mine was not written over it
    told = _plain(app)
    assert "Version 2 of this plan was saved while you were writing" in told
    assert "week's distance 20.0 km → 15.0 km" in told
    assert app.text_input(key=f"plan_distance_0_{key}").value == "21"
    app.button(key=f"plan_save_on_2_{key}").click().run()
    assert not app.exception
    assert _versions(person, key)[-1] == [3, 21_000.0, 8_000.0, "Mine"]


def test_theirs_can_be_taken_instead_of_mine(dashboard: AppTest) -> None:
    person = _therapist()
    key = _runner(person)
    app = _open(dashboard, person, key)
    _set(app, key, ceiling="9")
    _version(COMMAND_LINE, key, 2, run_ceiling_m=8_500, reason="Theirs")
    app.run()
    app.button(key=f"plan_begin_from_2_{key}").click().run()
    assert not app.exception
    assert app.text_input(key=f"plan_ceiling_{key}").value == "8.5"
    assert "while you were writing" not in _plain(app)


@pytest.mark.parametrize("screened", [True, False])
def test_nothing_is_suggested_or_compared_while_the_screen_is_unanswered(dashboard: AppTest, screened: bool) -> None:
    person = _therapist()
    key = _runner(person, screened=screened)
    app = _open(dashboard, person, key)
    _set(app, key, distance_0="24", longest_0="12", ceiling="12")
    app.number_input(key=f"plan_cadence_low_{key}").set_value(170.0).run()
    told = _plain(app)
    assert bool(app.radio) is screened
    for words in ("over the longest run", "Cadence step", "Cadence aimed", "Steps a week", "What if", "tolerated so far", "Rule "):
        assert (words in told) is screened or words.startswith("Cadence"), words
    assert ("Being checked" in told) is not screened
    assert ("The confirmed plan is being checked: week's distance 20.0 km" in told) is not screened
    assert "week's distance 20.0 km → 24.0 km" in told  # what was typed may be read back


def test_at_least_two_options_stand_there_and_none_is_picked(dashboard: AppTest) -> None:
    person = _therapist()
    app = _open(dashboard, person, _runner(person))
    (choice,) = app.radio
    assert len(choice.options) >= 2
    assert choice.options[-1].replace("\\", "") == "No change: the confirmed plan stays"
    assert choice.value is None


def test_what_cannot_be_read_is_said_and_not_saved(dashboard: AppTest) -> None:
    person = _therapist()
    key = _runner(person)
    app = _open(dashboard, person, key)
    _set(app, key, distance_0="far", reason="Try")
    assert "'far' is not a distance" in _plain(app)
    app.button(key=f"plan_save_{key}").click().run()
    assert len(_versions(person, key)) == 1
    _set(app, key, distance_0="0")
    assert "0 is never planned" in _plain(app)


def test_a_plan_without_a_reason_or_without_a_change_is_not_saved(dashboard: AppTest) -> None:
    person = _therapist()
    key = _runner(person)
    app = _open(dashboard, person, key)
    assert not app.error  # nobody is told off before they began
    app.button(key=f"plan_save_{key}").click().run()
    assert "Say in a few words why." in _plain(app)
    assert len(_versions(person, key)) == 1


def test_going_back_saves_a_new_version_that_is_equal_to_the_old_one(dashboard: AppTest) -> None:
    person = _therapist()
    key = _runner(person)
    _version(
        person, key, 2, weeks=(PlanWeekEntry.checked(distance_m=26_000, runs=4, longest_run_m=9_000),), runs_per_week=4, run_ceiling_m=9_000
    )
    app = _open(dashboard, person, key)
    app.selectbox(key=f"plan_back_to_{key}").set_value(1).run()
    assert "week's distance 26.0 km → 20.0 km" in _plain(app)
    app.button(key=f"plan_go_back_{key}").click().run()
    assert not app.exception
    frame = queries.plans(engine(), person, key)
    same = ["weekly_distance_m", "run_ceiling_m", "runs_per_week"]
    assert frame[same].iloc[2].tolist() == frame[same].iloc[0].tolist()
    assert frame["reason"].tolist()[2] == "Back to version 1"


def test_what_is_shown_with_two_decimals_is_not_changed_by_being_shown(dashboard: AppTest) -> None:
    person = _therapist()
    key = _runner(person)
    _version(person, key, 2, weeks=(PlanWeekEntry.checked(distance_m=20_004, runs=3, longest_run_m=8_000),), reason="Four metres")
    app = _open(dashboard, person, key)
    assert app.text_input(key=f"plan_distance_0_{key}").value == "20"
    _set(app, key, ceiling="8.2", reason="Only the ceiling")
    app.button(key=f"plan_save_{key}").click().run()
    assert _versions(person, key)[-1] == [3, 20_004.0, 8_200.0, "Only the ceiling"]


def test_the_runs_and_what_was_planned_stand_below_with_the_tolerance(dashboard: AppTest) -> None:
    person = _therapist()
    app = _open(dashboard, person, _episode_of(person).key)
    table = app.dataframe[-1].value
    assert list(table.columns) == ["Week", "Day", "Run", "Was it planned", "Shifted by"]
    assert "A run up to 1 day before or after its day or week counts as shifted" in _plain(app)


def test_neither_the_front_desk_nor_an_owner_who_treats_nobody_has_the_page(dashboard: AppTest) -> None:
    for role in (Role.FRONT_DESK, Role.OWNER):
        person = next(one for one in accounts.demo_people() if one.roles == {role})
        _signed_in(dashboard, person).run()
        with pytest.raises(ValueError, match="navigation page"):
            dashboard.switch_page("pages/plan.py")


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.OWNER])
def test_the_page_run_by_itself_for_who_does_not_treat_shows_no_plan(dashboard: AppTest, role: Role) -> None:
    person = next(one for one in accounts.demo_people() if one.roles == {role})
    row = _episode_of(_therapist())
    page = AppTest.from_file(str(ROOT / "pages" / "plan.py"), default_timeout=20)
    page.session_state["episode"] = row.key
    _signed_in(page, person).run()
    assert not page.exception
    assert "There is no such runner here" in page.warning[0].value
    assert not page.text_input
    assert row.patient_name not in _texts(page)
