"""Every page in its four states, as a script without a browser: nothing chosen, nothing recorded, normal, could not be read."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col
from streamlit.testing.v1 import AppTest

from access import accounts, sessions
from clinic import register
from data import queries, records, screens, strength
from data.database import engine
from data.imports import import_files, sources_of
from data.permissions import COMMAND_LINE
from models import (
    EpisodeEntry,
    EpisodeOfCare,
    PainEntry,
    PainScore,
    Patient,
    PatientEntry,
    Person,
    Role,
    ScreenAnswer,
    ScreenEntry,
    ScreenItem,
    Viewer,
)
from tests.serving import ROOT

PAGES = ("today", "patient", "plan", "visit", "show", "pain_diary", "import_runs", "patients", "people")


def _therapist() -> Viewer:
    """Give the therapist with the most active episodes."""
    therapists = [person for person in accounts.demo_people() if Role.THERAPIST in person.roles]
    return max(therapists, key=lambda person: len(queries.episodes(engine(), person)))


def _signed_in(dashboard: AppTest, person: Viewer) -> AppTest:
    """Say what the gate says of somebody who has a session; AppTest has no gate. Who they are is read from the session's row as ever."""
    assert person.person_id is not None
    dashboard.user = {"session": sessions.key_of(sessions.start(engine(), person.person_id))}
    return dashboard


def _texts(app: AppTest) -> str:
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def _episode_of(person: Viewer, *, with_runs: bool = True) -> queries.EpisodeRow:
    rows = [row for row in queries.episodes(engine(), person) if row.status == "active"]
    return next(row for row in rows if (len(queries.runs(engine(), person, row.patient_key)) > 30) == with_runs)


def _new_episode(person: Viewer) -> str:
    today = register.today()
    patient = records.add_patient(
        engine(), person, PatientEntry.checked(today=today, code="dev", given_name="Dev", family_name="Nodata", time_zone="America/Chicago")
    )
    entry = EpisodeEntry.checked(
        today=today,
        problem="Outer hip pain",
        side="left",
        diagnosis_class="tendon",
        started_on=today - timedelta(days=3),
        therapist_id=person.person_id,
    )
    return records.add_episode(engine(), person, patient, entry)


def _diary_key(name: str, episode_key: str) -> str:
    return f"{name}_{episode_key}_{register.today().isoformat()}"


@pytest.mark.parametrize("said", [{}, {"session": ""}, {"session": "0" * 64}, {"session": None}])
def test_without_a_session_the_frame_is_locked_and_shows_nothing_of_the_clinic(dashboard: AppTest, said: dict[str, str | None]) -> None:
    dashboard.user = said
    dashboard.run()
    assert not dashboard.exception
    assert dashboard.title[0].value == "Signed out"
    assert not dashboard.button
    patients = {row.name for row in queries.patients(engine(), COMMAND_LINE)}
    assert len(patients) == 80
    people = {person.name for person in accounts.demo_people()}
    assert not [name for name in patients | people if name in _texts(dashboard)]


@pytest.mark.parametrize("name", [*PAGES, "audit"])
def test_a_page_that_runs_by_itself_shows_nothing(name: str, demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", demo_url)
    engine.cache_clear()
    app = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=20).run()
    assert not app.exception
    assert [info.value for info in app.info] == ["Please sign in first."]
    assert not app.title
    assert not app.dataframe
    engine.cache_clear()


def test_a_session_that_ended_locks_the_frame_and_forgets_everything(dashboard: AppTest) -> None:
    _signed_in(dashboard, _therapist()).run()
    assert dashboard.title[0].value == "Today"
    dashboard.session_state["episode"] = "a-key"
    assert sessions.end(engine(), str(dashboard.user["session"]))
    dashboard.run()
    assert dashboard.title[0].value == "Signed out"
    assert "episode" not in dashboard.session_state


def test_a_person_who_was_switched_off_is_out_at_the_next_action(dashboard: AppTest) -> None:
    person = _therapist()
    _signed_in(dashboard, person).run()
    assert dashboard.title[0].value == "Today"
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(Person).where(col(Person.id) == person.person_id).values(is_active=False))
    dashboard.run()
    assert dashboard.title[0].value == "Signed out"


def test_today_lists_each_active_episode_of_the_therapist_once(dashboard: AppTest) -> None:
    person = _therapist()
    _signed_in(dashboard, person).run()
    with engine().connect() as connection:
        mine = sa.or_(col(EpisodeOfCare.therapist_id) == person.person_id, col(EpisodeOfCare.site_id).in_(person.site_ids))
        patients = sa.select(col(EpisodeOfCare.patient_id)).where(mine)
        counted = connection.execute(
            sa.select(sa.func.count())
            .select_from(EpisodeOfCare)
            .where(col(EpisodeOfCare.status) == "active", col(EpisodeOfCare.patient_id).in_(patients))
        ).scalar_one()
    assert len(dashboard.dataframe[0].value) == counted
    assert counted > 5


def test_the_search_on_today_finds_without_accents_and_says_when_nobody_fits(dashboard: AppTest) -> None:
    person = _therapist()
    _signed_in(dashboard, person).run()
    first = dashboard.dataframe[0].value["Runner"].iloc[0]
    dashboard.text_input(key="find_runner").set_value(first.split(",")[0].upper()).run()
    assert first in list(dashboard.dataframe[0].value["Runner"])
    dashboard.text_input(key="find_runner").set_value("zzzzz").run()
    assert not dashboard.dataframe
    assert "Nobody fits" in dashboard.info[0].value


def test_the_owner_who_treats_nobody_sees_no_runner(dashboard: AppTest) -> None:
    owner = next(person for person in accounts.demo_people() if person.roles == {Role.OWNER})
    _signed_in(dashboard, owner).run()
    assert not dashboard.dataframe
    assert "No runner is in your care" in dashboard.info[0].value


def test_the_patient_page_offers_a_choice_when_nobody_is_chosen(dashboard: AppTest) -> None:
    _signed_in(dashboard, _therapist()).run().switch_page("pages/patient.py").run()
    assert dashboard.selectbox(key="offered_episode").label == "Choose a runner to look at"
    assert not dashboard.get("plotly_chart")


def test_the_patient_page_shows_the_chart_with_its_sentence_as_text_alternative(dashboard: AppTest) -> None:
    person = _therapist()
    row = _episode_of(person)
    dashboard.session_state["episode"] = row.key
    _signed_in(dashboard, person).run().switch_page("pages/patient.py").run()
    assert not dashboard.exception
    assert dashboard.title[0].value == row.patient_name
    (chart,) = dashboard.get("plotly_chart")
    assert chart.proto.alt
    assert chart.proto.alt in _texts(dashboard)
    assert [metric.label for metric in dashboard.metric] == [
        "Runs",
        "Distance",
        "Longest run",
        "Pain during runs",
        "Pain next morning",
        "Cadence at equal speed",
        "Plan kept",
    ]
    assert any(caption.value.startswith("Since the visit of ") for caption in dashboard.caption)
    assert any(caption.value.startswith("Now: pain next morning ") for caption in dashboard.caption)


@pytest.mark.parametrize(
    ("view", "key"), [("Run and response", "run_response"), ("Cadence and pain", "cadence_pain"), ("Tolerance so far", "tolerance")]
)
def test_a_view_of_the_patient_page_shows_its_chart_with_sentence_and_table(dashboard: AppTest, view: str, key: str) -> None:
    person = _therapist()
    dashboard.session_state["episode"] = _episode_of(person).key
    dashboard.session_state["tables"] = view
    _signed_in(dashboard, person).run().switch_page("pages/patient.py").run()
    assert not dashboard.exception
    main, small = dashboard.get("plotly_chart")
    assert main.proto.alt != small.proto.alt
    assert len(dashboard.dataframe[0].value)
    assert small.proto.alt


def test_next_week_is_on_the_patient_page_only_once_the_screen_is_clear(dashboard: AppTest) -> None:
    person = _therapist()
    row = _episode_of(person)
    dashboard.session_state["episode"] = row.key
    _signed_in(dashboard, person).run().switch_page("pages/patient.py").run()
    texts = _texts(dashboard)
    assert "**Next week: Red flag" in texts
    assert "Being checked" in texts
    assert "Suggested, for you to decide" not in texts
    today = register.today() - timedelta(days=1)
    answers = dict.fromkeys(ScreenItem, ScreenAnswer.NO)
    screens.add_screen(engine(), person, row.key, ScreenEntry.checked(today=today, asked_on=today, answers=answers))
    dashboard.run()
    assert not dashboard.exception
    texts = _texts(dashboard)
    assert "**Next week: " in texts
    assert "Suggested, for you to decide" in texts
    assert "Evidence: " in texts
    assert "Being checked" not in texts


def test_the_address_holds_the_random_key_and_the_range_and_no_name(dashboard: AppTest) -> None:
    person = _therapist()
    row = _episode_of(person)
    dashboard.session_state["episode"] = row.key
    _signed_in(dashboard, person).run().switch_page("pages/patient.py").run()
    assert dashboard.query_params["episode"] == row.key
    assert row.patient_name not in str(dashboard.query_params)


def test_a_runner_of_another_therapist_looks_like_one_that_does_not_exist(dashboard: AppTest) -> None:
    person = _therapist()
    own = {row.key for row in queries.episodes(engine(), person)}
    foreign = next(row for row in queries.episodes(engine(), COMMAND_LINE) if row.key not in own)
    _signed_in(dashboard, person).run().switch_page("pages/patient.py").run()
    seen = []
    for key in (foreign.key, "no-such-episode"):
        dashboard.session_state["episode"] = key
        dashboard.run()
        seen.append([warning.value for warning in dashboard.warning])
        assert foreign.patient_name not in _texts(dashboard)
    assert seen[0] == seen[1] == ["There is no such runner here. The link may be old, or the runner is in another therapist's care."]


def test_a_runner_without_any_log_has_a_page_that_says_so(dashboard: AppTest) -> None:
    person = _therapist()
    dashboard.session_state["episode"] = _new_episode(person)
    _signed_in(dashboard, person).run().switch_page("pages/patient.py").run()
    assert not dashboard.exception
    assert [metric.value for metric in dashboard.metric] == ["not known"] * 7
    assert "0" not in [metric.value for metric in dashboard.metric]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_in_words_that_the_database_cannot_be_read(dashboard: AppTest, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = next(person for person in accounts.demo_people() if Role.OWNER in person.roles)
    _signed_in(dashboard, owner if name == "people" else _therapist()).run().switch_page(f"pages/{name}.py").run()
    path = Path(str(engine().url.database))
    engine().dispose()
    path.write_bytes(b"this is no database" * 1000)
    for beside in path.parent.glob("*-wal"):
        beside.unlink()
    dashboard.run()
    assert not dashboard.exception
    assert any("could not be read" in error.value or "NO KEY" in error.value for error in dashboard.error)


def test_what_is_entered_in_the_diary_is_stored_and_what_is_left_open_is_not(dashboard: AppTest) -> None:
    person = _therapist()
    key = _new_episode(person)
    dashboard.session_state["episode"] = key
    _signed_in(dashboard, person).run().switch_page("pages/pain_diary.py").run()
    dashboard.button_group(key=_diary_key("score_next_morning", key)).set_value(3)
    dashboard.button_group(key=_diary_key("rest_night_rest", key)).set_value("no")
    dashboard.button(key=_diary_key("diary_save", key)).click().run()
    assert not dashboard.exception
    assert "2 answers" in dashboard.success[0].value
    row = queries.episode(engine(), person, key)
    scores = queries.scores(engine(), person, row.patient_key)
    assert scores[["moment", "side", "nprs"]].values.tolist() == [["next_morning", "left", 3]]
    assert queries.rest_answers(engine(), person, row.patient_key)["answer"].tolist() == [False]


def test_a_second_score_for_the_same_morning_is_refused_in_words(dashboard: AppTest) -> None:
    person = _therapist()
    key = _new_episode(person)
    row = queries.episode(engine(), person, key)
    today = register.today()
    records.add_pain_scores(
        engine(), person, row.patient_key, [PainEntry.checked(today=today, moment="next_morning", side="left", nprs=2, for_date=today)]
    )
    dashboard.session_state["episode"] = key
    _signed_in(dashboard, person).run().switch_page("pages/pain_diary.py").run()
    dashboard.button_group(key=_diary_key("score_next_morning", key)).set_value(5)
    dashboard.button(key=_diary_key("diary_save", key)).click().run()
    assert "the score 2 is stored" in dashboard.error[0].value
    assert queries.scores(engine(), person, row.patient_key)["nprs"].tolist() == [2]


def test_a_new_patient_is_in_the_register_and_a_taken_code_is_refused(dashboard: AppTest) -> None:
    person = _therapist()
    _signed_in(dashboard, person).run().switch_page("pages/patients.py").run()
    for _ in range(2):
        dashboard.text_input(key="given_name").set_value("Ada")
        dashboard.text_input(key="family_name").set_value("Steady")
        dashboard.text_input(key="code").set_value("ADA-1")
        dashboard.button(key="add_patient").click().run()
    assert "The patient code ADA\\-1 is taken" in dashboard.error[0].value
    with engine().connect() as connection:
        found = connection.execute(sa.select(col(Patient.given_name), col(Patient.created_by_id)).where(col(Patient.code) == "ADA-1")).all()
    assert found == [("Ada", person.person_id)]


def test_a_correction_keeps_the_old_value_with_who_and_when(dashboard: AppTest) -> None:
    person = _therapist()
    row = queries.episode(engine(), person, _new_episode(person))
    today = register.today()
    entry = PainEntry.checked(today=today, moment="during", side="left", nprs=7, for_date=today)
    records.add_pain_scores(engine(), person, row.patient_key, [entry])
    score_id = int(queries.scores(engine(), person, row.patient_key)["score_id"].iloc[0])
    dashboard.session_state["episode"] = row.key
    _signed_in(dashboard, person).run().switch_page("pages/pain_diary.py").run()
    dashboard.selectbox(key=f"correct_which_{row.key}").set_value(score_id).run()
    dashboard.button_group(key=f"correct_value_{row.key}").set_value(4).run()
    dashboard.button(key=f"correct_save_{row.key}").click().run()
    assert not dashboard.exception
    with engine().connect() as connection:
        kept = connection.execute(
            sa.select(col(PainScore.nprs), col(PainScore.retired_by_id), col(PainScore.corrects_id))
            .order_by(col(PainScore.id).desc())
            .limit(2)
        ).all()
    assert [tuple(found) for found in kept] == [(4, None, score_id), (7, person.person_id, None)]


def test_a_corrected_score_shows_what_it_was_before_it_is_corrected_again(dashboard: AppTest) -> None:
    person = _therapist()
    row = queries.episode(engine(), person, _new_episode(person))
    entry = PainEntry.checked(today=register.today(), moment="during", side="left", nprs=7, for_date=register.today())
    records.add_pain_scores(engine(), person, row.patient_key, [entry])
    score_id = int(queries.scores(engine(), person, row.patient_key)["score_id"].item())
    corrected = records.correct_pain_score(engine(), person, score_id, 4)
    assert corrected is not None
    dashboard.session_state["episode"] = row.key
    _signed_in(dashboard, person).run().switch_page("pages/pain_diary.py").run()
    dashboard.selectbox(key=f"correct_which_{row.key}").set_value(corrected).run()
    before = next(frame.value for frame in dashboard.dataframe if "It was" in frame.value.columns)
    assert before["It was"].tolist() == [7]
    assert person.name in before["Replaced"].item()


def test_strength_sessions_are_logged_for_a_day_and_taken_back(dashboard: AppTest) -> None:
    person = _therapist()
    key = _new_episode(person)
    dashboard.session_state["episode"] = key
    _signed_in(dashboard, person).run().switch_page("pages/pain_diary.py").run()
    for known, told in ((0, 2), (2, 0)):
        group = dashboard.button_group(key=f"{_diary_key('sessions', key)}_{known}")
        assert group.value == (known or None)  # nothing told is not 0
        group.set_value(told)
        dashboard.button(key=_diary_key("strength_save", key)).click().run()
        assert not dashboard.exception
        assert f": {told}." in dashboard.success[0].value
        assert len(strength.strength_sessions(engine(), person, key)) == told


def test_what_was_chosen_for_one_runner_never_stands_in_the_diary_of_another(dashboard: AppTest) -> None:
    person = _therapist()
    first, second = [row for row in queries.episodes(engine(), person) if row.status == "active"][:2]
    dashboard.session_state["episode"] = first.key
    _signed_in(dashboard, person).run().switch_page("pages/pain_diary.py").run()
    dashboard.button_group(key=_diary_key("score_during", first.key)).set_value(9).run()
    dashboard.query_params["episode"] = second.key
    dashboard.run()
    assert second.patient_name in dashboard.title[0].value
    assert dashboard.button_group(key=_diary_key("score_during", second.key)).value is None


def test_files_that_were_picked_for_one_patient_are_gone_when_another_is_chosen(dashboard: AppTest) -> None:
    person = _therapist()
    first, second = queries.patients(engine(), person)[:2]
    _signed_in(dashboard, person).run().switch_page("pages/import_runs.py").run()
    dashboard.selectbox(key="chosen_patient").set_value(first.key).run()
    dashboard.file_uploader(key=f"run_files_{first.key}").upload("run.fit", b"x")
    dashboard.selectbox(key="chosen_patient").set_value(second.key).run()
    assert not dashboard.file_uploader(key=f"run_files_{second.key}").value


def test_an_import_that_was_cut_off_is_told_until_the_same_files_came_again(dashboard: AppTest) -> None:
    person = _therapist()
    patient = queries.patients(engine(), person)[0]
    files = [(f"{day}.csv", f"date,distance_km,moving_time\n2019-03-0{day},5,30:00\n".encode()) for day in (1, 2)]

    def breaks_off(done: int, total: int, name: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_files(engine(), person, patient.key, sources_of(files), via="app", on_progress=breaks_off)
    _signed_in(dashboard, person).run().switch_page("pages/import_runs.py").run()
    dashboard.selectbox(key="chosen_patient").set_value(patient.key).run()
    (told,) = [warning.value for warning in dashboard.warning if "did not reach its end" in warning.value]
    assert "1 file was stored and stays" in told
    assert "send the same files again to complete it" in told
    for name, content in files:
        dashboard.file_uploader(key=f"run_files_{patient.key}").upload(name, content)
    next(button for button in dashboard.button if button.label == "Import").click().run()
    assert not dashboard.exception
    assert any("2 files: 1 run and 0 diary entries added." in text.value for text in dashboard.markdown)
    assert not [warning.value for warning in dashboard.warning if "did not reach its end" in warning.value]


def test_a_table_of_unknown_columns_is_read_once_somebody_has_said_what_they_mean(dashboard: AppTest) -> None:
    person = _therapist()
    patient = queries.patients(engine(), person)[0]
    strange = b"Date,Miles,Minutes,Cadence\n2019-03-02,3.1,31,120\n"
    import_files(engine(), person, patient.key, sources_of([("list.csv", strange)]), via="app")
    _signed_in(dashboard, person).run().switch_page("pages/import_runs.py").run()
    dashboard.selectbox(key="chosen_patient").set_value(patient.key).run()
    remember = next(button for button in dashboard.button if button.label == "Remember and read")
    remember.click().run()
    assert any("Say what the column “Cadence” means" in error.value for error in dashboard.error)
    next(box for box in dashboard.selectbox if box.label == "Cadence").set_value("cadence/both_feet")
    next(button for button in dashboard.button if button.label == "Remember and read").click().run()
    assert not dashboard.exception
    assert any("1 file: 1 run and 0 diary entries added." in text.value for text in dashboard.markdown)


def test_a_problem_is_shown_as_it_was_written_and_not_as_markdown(dashboard: AppTest) -> None:
    person = _therapist()
    key = _new_episode(person)
    with engine().execution_options(writes=True).begin() as connection:
        written = "5*10 min, 3*5 min ![x](http://example.invalid/x.png)"
        connection.execute(sa.update(EpisodeOfCare).where(col(EpisodeOfCare.key) == key).values(problem=written))
    dashboard.session_state["episode"] = key
    _signed_in(dashboard, person).run().switch_page("pages/patient.py").run()
    header = next(caption.value for caption in dashboard.caption if "5" in caption.value and "min" in caption.value)
    assert r"5\*10 min, 3\*5 min \!\[x\]\(http\://example\.invalid/x\.png\)" in header.replace("\u2060", "")
    assert "http\\:\u2060//" in header  # kept apart: else it would become a link after all
