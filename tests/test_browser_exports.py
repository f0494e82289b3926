"""Taking away and the audit, in a real browser on the served app."""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from data import queries
from data.database import make_engine
from models import AuditEvent, Role, Viewer
from tests.browser import settle, sign_in

EVENT = AuditEvent.metadata.tables["audit_event"]


@dataclass(frozen=True)
class Clinic:
    """The demo clinic as served, its owner, a therapist and one of their runners."""

    engine: sa.Engine
    address: str
    owner: Viewer
    therapist: Viewer
    runner: queries.EpisodeRow

    def open_chart(self, page: Page) -> None:
        sign_in(page, self.address, self.therapist.name, f"patient?episode={self.runner.key}")
        expect(page.get_by_role("heading", name=self.runner.patient_name)).to_be_visible()
        settle(page)

    def open_audit(self, page: Page) -> None:
        sign_in(page, self.address, self.owner.name, "audit")
        expect(page.get_by_test_id("stDataFrame")).to_be_visible()
        settle(page)

    def rows(self, action: str) -> list[str]:
        with self.engine.connect() as connection:
            statement = sa.select(EVENT.c.object_kind).where(EVENT.c.action == action).order_by(EVENT.c.seq)
            found = list(connection.execute(statement).scalars())
            connection.rollback()
        return found


@pytest.fixture
def clinic(demo_url: str, serve: Callable[..., str]) -> Clinic:
    engine = make_engine(demo_url)
    people = queries.people(engine)
    therapist = next(person for person in people if person.roles == {Role.THERAPIST})
    runner = next(row for row in queries.episodes(engine, therapist) if len(queries.runs(engine, therapist, row.patient_key)) > 5)
    return Clinic(engine, serve(demo_url), next(person for person in people if Role.OWNER in person.roles), therapist, runner)


def test_six_files_are_taken_away_under_the_policy_and_the_page_stays(clinic: Clinic, page: Page, tmp_path: Path) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', event => console.log('VIOLATION', event.violatedDirective, event.blockedURI))"
    )
    clinic.open_chart(page)
    assert page.locator('a[href^="/export/"]').count() == 0  # drawn when it is opened
    page.get_by_role("button", name="Take away").click()
    names = []
    for table in ("Runs", "Pain scores", "Weeks"):
        for called in ("CSV", "Excel"):
            with page.expect_download() as download:
                page.get_by_role("link", name=f"{table} as {called}").click()
            names.append(download.value.suggested_filename)
            download.value.save_as(tmp_path / names[-1])
    assert [re.sub(r"\d{4}-\d\d-\d\d", "DAY", name) for name in names] == [
        "runs-DAY.csv",
        "runs-DAY.xlsx",
        "pain-DAY.csv",
        "pain-DAY.xlsx",
        "weeks-DAY.csv",
        "weeks-DAY.xlsx",
    ]
    assert clinic.rows("export") == ["runs", "runs", "pain", "pain", "weeks", "weeks"]
    runs = queries.runs(clinic.engine, clinic.therapist, clinic.runner.patient_key)
    with (tmp_path / names[0]).open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(runs)
    assert load_workbook(tmp_path / names[1]).active.max_row == len(runs) + 1
    assert clinic.runner.patient_name not in "".join(path.read_text("latin-1") for path in tmp_path.glob("*.csv"))
    assert not [line for line in said if "VIOLATION" in line and "wasm-eval" not in line]

    page.keyboard.press("Escape")  # the page is as it was, and still answers
    page.get_by_role("tab", name="Who opened this chart").click()
    expect(page.get_by_text("one for each person, screen and five minutes")).to_be_visible()
    assert clinic.rows("view")[-1] == "who opened"


def test_a_link_on_another_site_takes_nothing_away(clinic: Clinic, page: Page) -> None:
    clinic.open_chart(page)
    link = f"{clinic.address}/export/{clinic.runner.patient_key}/runs.csv"
    page.route("http://evil.example/", lambda route: route.fulfill(content_type="text/html", body=f'<a href="{link}">Win</a>'))
    page.goto("http://evil.example/")
    page.get_by_role("link", name="Win").click()
    expect(page.get_by_text("This file was asked for by another site.")).to_be_visible()
    assert clinic.rows("export") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_new_parts_have_no_serious_fault_for_people_who_use_it_otherwise(
    clinic: Clinic, page: Page, scheme: Literal["light", "dark"]
) -> None:
    """Checked by axe: the audit, and the patient page with what can be taken away."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    clinic.open_audit(page)
    assert _faults(page) == []
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Who are you today?")).to_be_visible()
    clinic.open_chart(page)
    page.get_by_role("button", name="Take away").click()
    expect(page.get_by_role("link", name="Weeks as Excel")).to_be_visible()
    settle(page)
    assert _faults(page) == []


def _faults(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page).response["violations"]
    return [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found if fault["impact"] in {"serious", "critical"}]


def test_on_a_phone_the_new_parts_are_no_wider_than_the_screen(clinic: Clinic, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    clinic.open_audit(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Sign out").click()
    clinic.open_chart(page)
    page.get_by_role("button", name="Take away").click()
    expect(page.get_by_role("link", name="Weeks as Excel")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_no_name_of_a_patient_stands_on_the_page_of_an_owner_who_treats_nobody(clinic: Clinic, page: Page) -> None:
    clinic.open_chart(page)
    page.get_by_role("button", name="Sign out").click()
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(str(data))))
    clinic.open_audit(page)
    everything = "".join(frames) + page.content()
    patients = {row.patient_name for row in queries.episodes(clinic.engine, clinic.therapist)}
    assert clinic.runner.patient_key in everything
    assert not [name for name in patients if name in everything]
