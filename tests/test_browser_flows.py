"""What people do, in a real browser on the served app: sign in, open a runner, import, write the diary, see the chart follow."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from data import queries, records
from data.database import make_engine
from data.permissions import COMMAND_LINE
from models import EpisodeEntry, PatientEntry, Role, Viewer
from tests.browser import settle, sign_in
from tests.run_files import START, fit_run, tcx_run

PAGES = ("", "patient", "plan", "visit", "pain-diary", "import-runs", "patients")
CHICAGO = ZoneInfo("America/Chicago")


@pytest.fixture
def clinic(demo_url: str, serve: Callable[..., str]) -> "ServedClinic":
    """Serve this test's own copy of the demo clinic, with a new runner who has nothing recorded yet."""
    return ServedClinic(demo_url, serve(demo_url))


class ServedClinic:
    """The demo clinic as served, and a look into its database beside it."""

    def __init__(self, url: str, address: str) -> None:
        self.engine, self.address = make_engine(url), address
        therapists = [person for person in queries.people(self.engine) if Role.THERAPIST in person.roles]
        self.therapist: Viewer = therapists[0]
        self.today = datetime.now(CHICAGO).date()
        self.patient_key = records.add_patient(
            self.engine,
            self.therapist,
            PatientEntry.checked(today=self.today, code="ADA", given_name="Ada", family_name="Aardvark", time_zone="America/Chicago"),
        )
        entry = EpisodeEntry.checked(
            today=self.today,
            problem="Outer hip pain",
            side="left",
            diagnosis_class="tendon",
            started_on=self.today - timedelta(days=30),
            therapist_id=self.therapist.person_id,
        )
        self.episode_key = records.add_episode(self.engine, self.therapist, self.patient_key, entry)

    def open(self, page: Page, path: str = "") -> None:
        sign_in(page, self.address, self.therapist.name, path)


def _go(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    if name != "Patient":  # that page is headed by the runner's name
        expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    settle(page)


def _chart(page: Page) -> None:
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()


def test_a_therapist_signs_in_opens_a_runner_from_the_list_and_sees_the_chart(clinic: ServedClinic, page: Page) -> None:
    clinic.open(page)
    grid = page.get_by_test_id("stDataFrame").locator(".dvn-scroller")
    expect(grid).to_be_visible()
    grid.click(position={"x": 60, "y": 55})  # the first runner's name: Ada Aardvark comes first
    page.wait_for_url(f"**/patient?episode={clinic.episode_key}**")
    settle(page)
    expect(page.get_by_role("heading", name="Ada Aardvark")).to_be_visible()
    _chart(page)


def test_what_is_imported_and_told_stands_on_the_chart(clinic: ServedClinic, page: Page, tmp_path: Path) -> None:
    """Two runs on one day of last week and a next-morning score; a damaged file beside them stops nothing."""
    start = datetime.combine(clinic.today - timedelta(days=8), datetime.min.time(), CHICAGO).replace(hour=7)
    (tmp_path / "treadmill.tcx").write_bytes(tcx_run(start=start, gps=False))
    (tmp_path / "evening.fit").write_bytes(fit_run(start=start + timedelta(hours=10, minutes=20)))
    (tmp_path / "broken.fit").write_bytes(b"no FIT file")
    morning = (clinic.today - timedelta(days=7)).isoformat()
    (tmp_path / "pain.csv").write_text(f"date,moment,nprs\n{morning},next_morning,4\n")

    clinic.open(page, f"patient?episode={clinic.episode_key}")
    _go(page, "Import runs")
    page.get_by_test_id("stFileUploader").locator("input").set_input_files(
        sorted(path for path in tmp_path.glob("*.*") if path.suffix != ".log")
    )
    expect(page.get_by_text("evening.fit")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("4 files: 2 runs and 1 diary entry added. 1 of them needs a look.")).to_be_visible()

    _go(page, "Patient")
    _chart(page)
    # 1,800 m and 1,800 m are 2.24 mi in 2 runs
    expect(page.get_by_test_id("stMain")).to_contain_text(re.compile(r"2\.2 ?4? mi"))
    with_scores = queries.scores(clinic.engine, COMMAND_LINE, clinic.patient_key)
    assert with_scores["counted_date"].dt.date.tolist() == [clinic.today - timedelta(days=8)]
    runs = queries.runs(clinic.engine, COMMAND_LINE, clinic.patient_key)
    assert sorted(runs["distance_m"]) == [1800, 1800]
    page.get_by_role("tab", name="Runs and how each number was obtained").click()
    settle(page)
    expect(page.get_by_test_id("stDataFrame").last).to_be_visible()


def test_the_same_bytes_again_add_nothing(clinic: ServedClinic, page: Page, tmp_path: Path) -> None:
    clinic.open(page, f"patient?episode={clinic.episode_key}")
    _go(page, "Import runs")
    for name, sentence in (
        ("run.fit", "1 file: 1 run and 0 diary entries added."),
        ("copy.fit", "1 file: 0 runs and 0 diary entries added."),
    ):
        (tmp_path / name).write_bytes(fit_run())
        page.get_by_test_id("stFileUploader").locator("input").set_input_files(tmp_path / name)
        expect(page.get_by_test_id("stFileUploader").get_by_text(name)).to_be_visible()
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_text(sentence)).to_be_visible()
        settle(page)
    assert len(queries.runs(clinic.engine, COMMAND_LINE, clinic.patient_key)) == 1


def test_what_is_not_certain_waits_and_an_import_can_be_undone(clinic: ServedClinic, page: Page, tmp_path: Path) -> None:
    """A copy two hours off waits for a word; undone, the runs of its import are gone and the report stays."""
    (tmp_path / "watch.fit").write_bytes(fit_run())
    (tmp_path / "zone-wrong.tcx").write_bytes(tcx_run(start=START + timedelta(hours=2)))
    clinic.open(page, f"patient?episode={clinic.episode_key}")
    _go(page, "Import runs")
    page.get_by_test_id("stFileUploader").locator("input").set_input_files(
        sorted(path for path in tmp_path.glob("*.*") if path.suffix != ".log")
    )
    expect(page.get_by_test_id("stFileUploader").get_by_text("watch.fit")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Same distance and time, 2 hours apart: a clock may have been wrong.").first).to_be_visible()
    settle(page)
    assert len(queries.runs(clinic.engine, COMMAND_LINE, clinic.patient_key)) == 1
    page.get_by_role("button", name="The same run", exact=True).click()
    expect(page.get_by_role("heading", name="Please decide")).to_have_count(0)
    settle(page)
    assert len(queries.runs(clinic.engine, COMMAND_LINE, clinic.patient_key)) == 1
    page.get_by_role("button", name="Undo this import").click()
    page.get_by_role("button", name="Undo it", exact=True).click()
    expect(page.get_by_role("combobox", name="Earlier imports")).to_have_value(re.compile("undone by"))
    settle(page)
    assert len(queries.runs(clinic.engine, COMMAND_LINE, clinic.patient_key)) == 0
    expect(page.get_by_text("2 files: 1 run and 0 diary entries added.")).to_be_visible()


def test_a_diary_answer_takes_two_clicks_and_is_stored(clinic: ServedClinic, page: Page) -> None:
    clinic.open(page, f"pain-diary?episode={clinic.episode_key}")
    page.get_by_role("radiogroup", name="Next morning, on rising").or_(page.get_by_test_id("stButtonGroup").first).get_by_text(
        "3", exact=True
    ).first.click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(f"Saved: 1 answer for {clinic.today.isoformat()}.")).to_be_visible()
    scores = queries.scores(clinic.engine, COMMAND_LINE, clinic.patient_key)
    assert scores[["moment", "side", "nprs"]].to_numpy().tolist() == [["next_morning", "left", 3]]


def test_the_time_shown_stands_in_the_address_and_no_name_does(clinic: ServedClinic, page: Page) -> None:
    clinic.open(page, f"patient?episode={clinic.episode_key}")
    page.get_by_text("3 months", exact=True).click()
    page.wait_for_url("**range=3m**")
    settle(page)
    assert f"episode={clinic.episode_key}" in page.url
    assert "Ada" not in page.url
    assert "Ada" not in page.title()


def test_no_page_asks_anything_of_another_machine(clinic: ServedClinic, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    clinic.open(page, f"patient?episode={clinic.episode_key}")
    for name in ("Today", "Patient", "Pain diary", "Import runs", "Patients"):
        _go(page, name)
    own = urlsplit(clinic.address).netloc
    outside = [url for url in asked if urlsplit(url).scheme in {"http", "https", "ws", "wss"} and urlsplit(url).netloc != own]
    assert len(asked) > 20
    assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_serious_fault_for_people_who_use_it_otherwise(
    clinic: ServedClinic, page: Page, path: str, scheme: Literal["light", "dark"]
) -> None:
    """Checked by axe, on a full course of the demo clinic."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    hero = next(
        row for row in queries.episodes(clinic.engine, clinic.therapist) if row.status == "active" and row.key != clinic.episode_key
    )
    clinic.open(page, f"{path}?episode={hero.key}")
    found = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found if fault["impact"] in {"serious", "critical"}] == []


@pytest.mark.parametrize("path", PAGES)
def test_on_a_phone_no_page_is_wider_than_the_screen(clinic: ServedClinic, page: Page, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    clinic.open(page, f"{path}?episode={clinic.episode_key}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
