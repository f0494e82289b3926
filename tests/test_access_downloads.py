"""Taking a patient's tables away, as served: only what is theirs, asked for by themselves, proved, and never without its row."""

import csv
import hashlib
import io
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook
from sqlmodel import col

from access import accounts, downloads, sessions
from access.cookies import COOKIE
from data import queries
from data.database import make_engine, writing
from data.exports import ExportFormat, ExportTable
from data.permissions import COMMAND_LINE
from models import PersonRole, Role, SignInSession, utc_now
from tests.clinic_scene import Scene, new_scene, run_on, score_on
from tests.conftest import _copy_of
from tests.serving import served
from tests.test_data_permissions import MISSING, Whose, a_patient
from tests.visiting import FROM_OUR_PAGE, HTML, Answer, Visitor

BY_THEMSELVES = {"Sec-Fetch-Site": "none"}
FILES = [(table, written_as) for table in ExportTable for written_as in downloads.OFFERED]
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PEOPLE = ("Tess", "Theo", "Olga", "Fred")


@dataclass(frozen=True)
class Served:
    """A real clinic as served, with a patient of Tess, one of her site, and one of Theo."""

    scene: Scene
    address: str
    own: Whose
    of_site: Whose
    foreign: Whose

    def visitor(self, name: str) -> Visitor:
        """Give somebody who has just signed in (by a session in the database: the passphrase is another test's)."""
        person = next(person for person in queries.people(self.scene.engine) if person.name == name)
        assert person.person_id is not None
        return Visitor(self.address, {COOKIE: sessions.start(self.scene.engine, person.person_id)})

    def taken(self) -> list[dict[str, object]]:
        return self.scene.rows("audit_event", action="export")

    def refused(self) -> list[dict[str, object]]:
        return self.scene.rows("audit_event", action="refused")

    def let_the_proof_grow_old(self, age: timedelta) -> None:
        with writing(self.scene.engine) as connection:
            connection.execute(sa.update(SignInSession).values(proved_at_utc=utc_now() - age))


@pytest.fixture(scope="module")
def clinic(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("downloads")
    url = _copy_of(sqlite_template, folder)
    scene = new_scene(make_engine(url))
    own = a_patient(scene, "CANARY-OWN", scene.tess, site_id=scene.harbour)
    of_site = a_patient(scene, "CANARY-SITE", scene.theo, site_id=scene.lakeside)
    foreign = a_patient(scene, "CANARY-THEO", scene.theo, site_id=scene.harbour)
    with served(url, folder / "server.log") as address:
        yield Served(scene, address, own, of_site, foreign)
    assert "CANARY" not in (folder / "server.log").read_text()
    scene.engine.dispose()


def ask(visitor: Visitor, patient: str, name: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
    return visitor.ask(method, f"/export/{patient}/{name}", headers={**HTML, **(FROM_OUR_PAGE if headers is None else headers)})


def nothing_given(answer: Answer) -> bool:
    return "content-disposition" not in answer.headers and "distance_m" not in answer.text and "nprs" not in answer.text


@pytest.mark.parametrize(("table", "written_as"), FILES)
def test_who_treats_a_patient_gets_the_file_and_one_row_says_so(clinic: Served, table: ExportTable, written_as: ExportFormat) -> None:
    visitor, before = clinic.visitor("Tess"), len(clinic.taken())
    answer = ask(visitor, clinic.own.patient, f"{table}.{written_as}")
    assert answer.status == 200
    assert re.fullmatch(rf'attachment; filename="{table}-\d{{4}}-\d\d-\d\d\.{written_as}"', answer.headers["content-disposition"])
    assert answer.headers["content-type"] == (EXCEL if written_as == "xlsx" else "text/csv; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    if written_as == "xlsx":
        rows = [[cell.value for cell in row] for row in load_workbook(io.BytesIO(answer.content)).active.iter_rows()]
    else:
        rows = list(csv.reader(io.StringIO(answer.text)))
    assert len(set(rows[0]) & {"run_date", "nprs", "week_start"}) == 1
    (row,) = clinic.taken()[before:]
    assert (row["object_kind"], row["object_key"], row["source"]) == (table, clinic.own.patient, "127.0.0.1")
    assert (row["actor"], row["person_id"]) == ("Tess", clinic.scene.tess.person_id)
    assert json.loads(str(row["detail"]))["new"] == {"rows": len(rows) - 1, "sha256": hashlib.sha256(answer.content).hexdigest()}


def test_each_role_at_each_table_and_patient(clinic: Served) -> None:
    """Theirs is given; all else is answered like what is not there, and stands in the audit as refused."""
    reached = {("Tess", "own"), ("Tess", "site"), ("Theo", "own"), ("Theo", "site"), ("Theo", "foreign")}
    patients = {"own": clinic.own.patient, "site": clinic.of_site.patient, "foreign": clinic.foreign.patient, "missing": MISSING.patient}
    tried, wrong = 0, []
    for name in PEOPLE:
        visitor = clinic.visitor(name)
        not_there = ask(visitor, "made-up", "runs.csv")
        assert not_there.status == 404
        for (which, patient), (table, written_as) in itertools.product(patients.items(), FILES):
            answer, tried = ask(visitor, patient, f"{table}.{written_as}"), tried + 1
            if (name, which) in reached:
                fine = answer.status == 200
            else:
                fine = (answer.status, answer.text, dict(answer.headers) | {"date": ""}) == (
                    404,
                    not_there.text,
                    dict(not_there.headers) | {"date": ""},
                )
            wrong += [] if fine else [(name, which, table, written_as, answer.status)]
    assert wrong == []
    assert tried == 4 * 4 * 6
    with_patient = {(row["actor"], row["object_key"]) for row in clinic.refused() if row["patient_id"] is not None}
    assert {("Tess", clinic.foreign.patient), ("Olga", clinic.own.patient), ("Fred", clinic.own.patient)} <= with_patient


@pytest.mark.parametrize(
    "name", ["runs.json", "runs", "runs.", ".csv", "run.csv", "RUNS.CSV", "patient.csv", "runs.csv.gz", "..%2fruns.csv"]
)
def test_what_is_not_offered_is_not_found_and_leaves_no_row(clinic: Served, name: str) -> None:
    before = len(clinic.taken())
    answer = ask(clinic.visitor("Tess"), clinic.own.patient, name)
    assert answer.status == (400 if ".." in name else 404)  # Streamlit refuses the first one by itself
    assert nothing_given(answer)
    assert len(clinic.taken()) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "cross-site", "Referer": "{address}/patient"},
        {"Referer": "https://evil.example/"},
        {"Referer": "https://evil.example/{host}"},
        {"Sec-Fetch-Site": "none", "Sec-Purpose": "prefetch;prerender"},
        {},
    ],
)
def test_another_site_makes_nobody_take_anything_away(clinic: Served, headers: dict[str, str]) -> None:
    host = clinic.address.removeprefix("http://")
    sent = {name: value.format(address=clinic.address, host=host) for name, value in headers.items()}
    before = len(clinic.taken())
    answer = ask(clinic.visitor("Tess"), clinic.own.patient, "runs.csv", sent)
    assert answer.status == 403
    assert nothing_given(answer)
    assert len(clinic.taken()) == before


@pytest.mark.parametrize("headers", [FROM_OUR_PAGE, BY_THEMSELVES, {"Referer": "{address}/patient?episode=abc"}])
def test_our_own_page_and_the_person_themselves_may_ask(clinic: Served, headers: dict[str, str]) -> None:
    sent = {name: value.format(address=clinic.address) for name, value in headers.items()}
    assert ask(clinic.visitor("Tess"), clinic.own.patient, "runs.csv", sent).status == 200


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_but_reading_is_answered(clinic: Served, method: str) -> None:
    before = len(clinic.taken())
    assert ask(clinic.visitor("Tess"), clinic.own.patient, "runs.csv", method=method).status == 405
    assert len(clinic.taken()) == before


def test_without_a_session_the_way_leads_to_the_door(clinic: Served) -> None:
    answer = ask(Visitor(clinic.address), clinic.own.patient, "runs.csv")
    assert (answer.status, answer.location) == (303, f"/login?next=%2Fexport%2F{clinic.own.patient}%2Fruns.csv")
    answer = Visitor(clinic.address).ask("GET", f"/export/{clinic.own.patient}/runs.csv", headers=FROM_OUR_PAGE)
    assert (answer.status, answer.text) == (401, "Please sign in first.")


def test_who_proved_themselves_ten_minutes_ago_is_asked_for_the_passphrase_again(clinic: Served) -> None:
    visitor, before = clinic.visitor("Tess"), len(clinic.taken())
    clinic.let_the_proof_grow_old(sessions.PROOF_HOLDS - timedelta(minutes=1))
    assert ask(visitor, clinic.own.patient, "runs.csv").status == 200
    clinic.let_the_proof_grow_old(sessions.PROOF_HOLDS)
    for patient in (clinic.own.patient, clinic.foreign.patient, MISSING.patient):
        answer = ask(visitor, patient, "pain.xlsx")
        assert (answer.status, answer.location, answer.text) == (303, f"/confirm?next=%2Fexport%2F{patient}%2Fpain.xlsx", "")
    assert len(clinic.taken()) == before + 1
    sessions.prove(clinic.scene.engine, sessions.key_of(visitor.cookies[COOKIE]))
    assert ask(visitor, clinic.own.patient, "pain.xlsx").status == 200


def test_a_role_that_was_taken_away_takes_nothing_away_any_more(clinic: Served) -> None:
    visitor = clinic.visitor("Theo")
    assert ask(visitor, clinic.foreign.patient, "runs.csv").status == 200
    theo = clinic.scene.theo.person_id
    with writing(clinic.scene.engine) as connection:
        connection.execute(sa.update(PersonRole).where(col(PersonRole.person_id) == theo).values(role=Role.FRONT_DESK))
    try:
        assert ask(visitor, clinic.foreign.patient, "runs.csv").status == 404
    finally:
        with writing(clinic.scene.engine) as connection:
            connection.execute(sa.update(PersonRole).where(col(PersonRole.person_id) == theo).values(role=Role.THERAPIST))


@pytest.mark.parametrize("written_as", ["csv", "xlsx"])
def test_without_its_row_in_the_audit_not_a_byte_is_given(clinic: Served, written_as: str) -> None:
    visitor, before = clinic.visitor("Tess"), len(clinic.taken())
    with writing(clinic.scene.engine) as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON audit_event WHEN NEW.action = 'export' BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    try:
        answer = ask(visitor, clinic.own.patient, f"runs.{written_as}")
    finally:
        with writing(clinic.scene.engine) as connection:
            connection.exec_driver_sql("DROP TRIGGER full")
    assert answer.status == 503
    assert "Nothing was changed" in answer.text
    assert nothing_given(answer)
    assert len(clinic.taken()) == before
    assert ask(visitor, clinic.own.patient, f"runs.{written_as}").status == 200


def test_after_a_score_was_corrected_the_next_file_has_the_new_one(clinic: Served) -> None:
    """Streamlit's own download gave the old bytes (security F14)."""
    scene, visitor = clinic.scene, clinic.visitor("Theo")
    patient = scene.patient("CANARY-LONG", scene.theo)
    for number in range(120):
        scene.score(patient, score_on(date(2024, 1, 1) + timedelta(days=number), number % 5), viewer=scene.theo)
    scene.run(patient, run_on(date(2025, 3, 3)), viewer=scene.theo)
    first = ask(visitor, patient, "pain.csv")
    scene.score(patient, score_on(date(2025, 3, 7), 9), viewer=scene.theo)
    second = ask(visitor, patient, "pain.csv")
    assert (first.text.count("\n"), second.text.count("\n")) == (121, 122)


def test_no_code_of_a_patient_stands_in_a_file(clinic: Served) -> None:
    visitor = clinic.visitor("Tess")
    codes = {row.code for row in queries.patients(clinic.scene.engine, COMMAND_LINE)}
    for table, written_as in FILES:
        answer = ask(visitor, clinic.own.patient, f"{table}.{written_as}")
        assert not [code for code in codes if code in answer.text or code in str(answer.headers)]


def test_the_demo_clinic_is_always_proved_and_accounts_are_not_needed(demo_url: str, tmp_path: Path) -> None:
    engine = make_engine(demo_url)
    therapist = next(person for person in queries.people(engine) if person.roles == {Role.THERAPIST})
    patient = queries.episodes(engine, therapist)[0].patient_key
    engine.dispose()
    with served(demo_url, tmp_path / "server.log") as address:
        visitor = Visitor(address)
        visitor.sign_in(person=therapist.person_id)
        engine = make_engine(demo_url)
        with writing(engine) as connection:
            connection.execute(sa.update(SignInSession).values(proved_at_utc=utc_now() - timedelta(days=1), created_at_utc=utc_now()))
        assert ask(visitor, patient, "weeks.csv").status == 200
        assert accounts.ROLE_WORDS[Role.THERAPIST] == "therapist"
    engine.dispose()


# --------------------------------------------------------------------------------------------------------------------
# The hand-out: the same rules
# --------------------------------------------------------------------------------------------------------------------


def ask_for_paper(visitor: Visitor, episode: str, name: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
    return visitor.ask(method, f"/handout/{episode}/{name}", headers={**HTML, **(FROM_OUR_PAGE if headers is None else headers)})


@pytest.mark.parametrize("paper", ["letter", "a4"])
def test_who_treats_a_patient_gets_the_hand_out_and_one_row_says_that_it_was_printed(clinic: Served, paper: str) -> None:
    visitor, before = clinic.visitor("Tess"), len(clinic.scene.rows("audit_event", action="print"))
    answer = ask_for_paper(visitor, clinic.own.episode, f"{paper}.pdf")
    assert (answer.status, answer.headers["content-type"], answer.headers["cache-control"]) == (200, "application/pdf", "no-store")
    assert re.fullmatch(rf'attachment; filename="handout-\d{{4}}-\d\d-\d\d-{paper}.pdf"', answer.headers["content-disposition"])
    assert answer.content.startswith(b"%PDF-")
    (row,) = clinic.scene.rows("audit_event", action="print")[before:]
    assert (row["object_kind"], row["object_key"], row["actor"]) == ("handout", clinic.own.patient, "Tess")
    assert json.loads(str(row["detail"]))["new"] == {"rows": 1, "sha256": hashlib.sha256(answer.content).hexdigest()}


def test_the_hand_out_of_somebody_elses_patient_is_not_there(clinic: Served) -> None:
    before = len(clinic.scene.rows("audit_event", action="print"))
    for name, episode in (
        ("Tess", clinic.foreign.episode),
        ("Olga", clinic.own.episode),
        ("Fred", clinic.own.episode),
        ("Tess", "made-up"),
    ):
        answer = ask_for_paper(clinic.visitor(name), episode, "a4.pdf")
        assert (answer.status, b"%PDF" in answer.content) == (404, False)
    for name in ("a5.pdf", "a4", ".pdf", "a4.png", "A4.pdf"):
        assert ask_for_paper(clinic.visitor("Tess"), clinic.own.episode, name).status == 404
    assert len(clinic.scene.rows("audit_event", action="print")) == before


def test_the_hand_out_has_the_rules_of_all_that_is_taken_away(clinic: Served) -> None:
    visitor, before = clinic.visitor("Tess"), len(clinic.scene.rows("audit_event", action="print"))
    assert ask_for_paper(visitor, clinic.own.episode, "a4.pdf", {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert ask_for_paper(visitor, clinic.own.episode, "a4.pdf", method="POST").status == 405
    answer = ask_for_paper(Visitor(clinic.address), clinic.own.episode, "a4.pdf")
    assert (answer.status, answer.location) == (303, f"/login?next=%2Fhandout%2F{clinic.own.episode}%2Fa4.pdf")
    clinic.let_the_proof_grow_old(sessions.PROOF_HOLDS)
    answer = ask_for_paper(visitor, clinic.own.episode, "a4.pdf")
    assert (answer.status, answer.location) == (303, f"/confirm?next=%2Fhandout%2F{clinic.own.episode}%2Fa4.pdf")
    assert len(clinic.scene.rows("audit_event", action="print")) == before
