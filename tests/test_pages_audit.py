"""The page Audit, and what every page leaves behind when it is looked at."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
import streamlit
from streamlit.testing.v1 import AppTest

import data.database
from access import accounts
from data import audit, queries
from data.database import engine, writing
from models import AuditAction, AuditEvent, Role, SignInSession, Viewer, utc_now
from tests.clinic_scene import new_scene
from tests.conftest import _forget
from tests.serving import ROOT
from tests.test_pages import _episode_of, _signed_in, _texts, _therapist

EVENT = AuditEvent.metadata.tables["audit_event"]


def _owner() -> Viewer:
    return next(person for person in accounts.demo_people() if person.roles == {Role.OWNER})


def _rows(action: AuditAction | None = None) -> list[tuple[str, str, bool]]:
    """Give who did what, and whether it is about a patient, without signing in."""
    statement = sa.select(EVENT.c.actor, EVENT.c.object_kind, EVENT.c.patient_id.is_not(None)).order_by(EVENT.c.seq)
    wanted = EVENT.c.action != AuditAction.SIGN_IN.value if action is None else EVENT.c.action == action.value
    with engine().connect() as connection:
        found = connection.execute(statement.where(wanted)).all()
        connection.rollback()
    return [(row[0], row[1], bool(row[2])) for row in found]


def _filled(person: Viewer, count: int) -> None:
    with writing(engine()) as connection:
        for _ in range(count):
            audit.record(connection, person, AuditAction.SIGN_OUT)


def _open(dashboard: AppTest) -> AppTest:
    _signed_in(dashboard, _owner()).run().switch_page("pages/audit.py").run()
    assert not dashboard.exception
    return dashboard


def test_the_owner_sees_the_newest_rows_in_words_and_opening_is_one_row(dashboard: AppTest) -> None:
    _open(dashboard)
    dashboard.run()
    table = dashboard.dataframe[0].value
    assert list(table.columns) == ["Row", "When", "Who", "What", "Patient", "Old and new", "From where"]
    assert table["What"].iloc[0] == "Looked at the audit"
    assert table["Row"].tolist() == sorted(table["Row"], reverse=True)
    assert "Times are those of America/Chicago." in _texts(dashboard)
    owner = _owner().name
    assert _rows(AuditAction.VIEW).count((owner, "audit", False)) == 1


def test_the_page_turns_and_a_new_question_begins_at_its_newest_row(dashboard: AppTest) -> None:
    _filled(_therapist(), 60)
    _open(dashboard)
    first = dashboard.dataframe[0].value["Row"].tolist()
    assert (len(first), dashboard.button(key="audit_newer").disabled) == (50, True)
    dashboard.button(key="audit_older").click().run()
    second = dashboard.dataframe[0].value["Row"].tolist()
    assert second == list(range(first[-1] - 1, 0, -1))
    assert dashboard.button(key="audit_older").disabled
    dashboard.button(key="audit_newer").click().run()
    assert dashboard.dataframe[0].value["Row"].tolist() == first
    dashboard.button(key="audit_older").click().run()
    dashboard.selectbox(key="audit_action").set_value(AuditAction.SIGN_OUT).run()
    assert not dashboard.exception
    assert set(dashboard.dataframe[0].value["What"]) == {"Signed out"}
    assert len(dashboard.dataframe[0].value) == 50


def test_it_is_searched_by_person_patient_and_day(dashboard: AppTest) -> None:
    therapist = _therapist()
    row = _episode_of(therapist)
    audit.viewed(engine(), therapist, "episode", episode_key=row.key)
    _open(dashboard)
    dashboard.text_input(key="audit_patient").set_value(row.patient_key).run()
    (line,) = dashboard.dataframe[0].value.to_dict("records")
    assert (line["Who"], line["What"], line["Patient"]) == (therapist.name, "Looked at the patient page", row.patient_key)
    assert row.patient_name not in _texts(dashboard) + str(line)
    dashboard.text_input(key="audit_patient").set_value(row.patient_name).run()
    assert not dashboard.dataframe
    assert "No row fits." in _texts(dashboard)
    dashboard.text_input(key="audit_patient").set_value("").run()
    dashboard.selectbox(key="audit_person").set_value(therapist.person_id).run()
    assert set(dashboard.dataframe[0].value["Who"]) == {therapist.name}
    dashboard.date_input(key="audit_until").set_value(date.today() - timedelta(days=3)).run()
    assert not dashboard.dataframe


def test_the_check_says_its_result_in_words(dashboard: AppTest) -> None:
    _open(dashboard)
    dashboard.button(key="audit_check").click().run()
    assert "The audit is as it was written" in dashboard.success[0].value
    with writing(engine()) as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_event_no_update")
        connection.exec_driver_sql("UPDATE audit_event SET actor = 'nobody' WHERE seq = 1")
    dashboard.button(key="audit_check").click().run()
    assert not dashboard.exception
    assert not dashboard.success
    assert r"Row 1 was changed\." in dashboard.error[0].value
    assert "no trigger" in dashboard.error[0].value


def test_who_is_not_the_owner_has_no_such_page(dashboard: AppTest) -> None:
    _signed_in(dashboard, _therapist()).run()
    with pytest.raises(ValueError, match="navigation page"):
        dashboard.switch_page("pages/audit.py")


def test_the_page_run_for_somebody_else_shows_nothing_and_it_stands_in_the_audit(dashboard: AppTest, demo_url: str) -> None:
    page = AppTest.from_file(str(ROOT / "pages" / "audit.py"), default_timeout=20)
    therapist = _therapist()
    _signed_in(page, therapist).run()
    assert not page.exception
    assert [info.value for info in page.info] == ["There is nothing here for you."]
    assert not page.dataframe
    assert _rows(AuditAction.REFUSED) == [(therapist.name, "audit_event", False)]


# --------------------------------------------------------------------------------------------------------------------
# A real clinic: the proof grows old
# --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def real_clinic(dashboard_first: None, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    _forget(streamlit, data.database)
    yield AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=20)
    _forget(streamlit, data.database)


def _prove_ago(age: timedelta) -> None:
    with writing(engine()) as connection:
        connection.execute(sa.update(SignInSession).values(proved_at_utc=utc_now() - age))


def test_the_audit_asks_for_the_passphrase_again_after_ten_minutes(real_clinic: AppTest) -> None:
    scene = new_scene(engine())
    _signed_in(real_clinic, scene.olga).run().switch_page("pages/audit.py").run()
    assert real_clinic.title[0].value == "Audit"
    _prove_ago(timedelta(minutes=10))
    real_clinic.run()
    assert "asks for your passphrase again" in _texts(real_clinic)
    assert not real_clinic.title
    assert not real_clinic.dataframe
    (form,) = [element.proto.body for element in real_clinic.get("html") if "/confirm" in element.proto.body]
    assert 'action="/confirm"' in form


def test_taking_away_asks_for_the_passphrase_again_after_ten_minutes(real_clinic: AppTest) -> None:
    scene = new_scene(engine())
    patient = scene.patient("ADA")
    real_clinic.session_state["episode"] = scene.episode(patient)
    real_clinic.session_state["take_away"] = True  # opened
    _signed_in(real_clinic, scene.tess).run().switch_page("pages/patient.py").run()
    assert not real_clinic.exception

    def written() -> str:
        return "".join(element.proto.body for element in real_clinic.get("html"))

    assert written().count(f'href="/export/{patient}/') == 6
    _prove_ago(timedelta(minutes=10))
    real_clinic.run()
    assert "/export/" not in written()
    assert "/confirm" in written()


# --------------------------------------------------------------------------------------------------------------------
# Every look leaves its row
# --------------------------------------------------------------------------------------------------------------------

# Page, and what is written down when it is looked at with a runner chosen: screen, and whether it is about a patient.
LEFT = {
    "today": [("today", False)],
    "patient": [("episode", True)],
    "visit": [("visit page", True), ("episode", True)],
    "show": [("visit mode", True), ("episode", True)],
    "plan": [("plan page", True), ("episode", True)],
    "pain_diary": [("pain diary", True)],
    "import_runs": [("register", False), ("import", True)],
    "patients": [("register", False)],
}


@pytest.mark.parametrize("name", LEFT)
def test_a_page_that_shows_facts_leaves_its_row_once_in_five_minutes(dashboard: AppTest, name: str) -> None:
    person = _therapist()
    dashboard.session_state["episode"] = _episode_of(person).key
    _signed_in(dashboard, person).run()
    here = _rows()
    for _ in range(2):
        dashboard.switch_page(f"pages/{name}.py").run()
        assert not dashboard.exception
    left = [(kind, of_patient) for _, kind, of_patient in _rows()[len(here) :]]
    assert left == [row for row in LEFT[name] if row != ("today", False)]  # the first page left that one
    assert here == [(person.name, "today", False)]


def test_every_page_is_looked_at_here() -> None:
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} - {"__init__", "audit", "people"} == set(LEFT)  # those two are the owner's


def test_the_front_desk_chooses_a_patient_and_imports_nothing(dashboard: AppTest) -> None:
    desk = next(person for person in accounts.demo_people() if person.roles == {Role.FRONT_DESK})
    _signed_in(dashboard, desk).run().switch_page("pages/import_runs.py").run()
    dashboard.selectbox(key="chosen_patient").set_value(queries.patients(engine(), desk)[0].key).run()
    assert not dashboard.exception
    assert not dashboard.get("file_uploader")
    assert [info.value for info in dashboard.info] == ["Runs are imported by those who treat this patient."]


def test_who_opened_a_chart_is_read_only_when_it_is_opened(dashboard: AppTest) -> None:
    person = _therapist()
    dashboard.session_state["episode"] = _episode_of(person).key
    _signed_in(dashboard, person).run().switch_page("pages/patient.py").run()
    assert "who opened" not in [row[1] for row in _rows()]
    before = len(dashboard.dataframe)
    dashboard.session_state["tables"] = "Who opened this chart"
    dashboard.run()
    assert not dashboard.exception
    assert _rows(AuditAction.VIEW)[-1] == (person.name, "who opened", True)
    assert len(dashboard.dataframe) <= before + 1
    assert dashboard.dataframe[-1].value["What"].tolist()[:2] == ["Looked at who opened this chart", "Looked at the patient page"]
