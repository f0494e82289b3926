"""Signing in, staying in, and being locked out, in a real browser on the served app."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pyotp
import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlmodel import col

from access import accounts
from data import queries
from data.database import make_engine, writing
from models import Clinic, Person, Role, SignInSession, Viewer, utc_now
from tests.browser import settle, sign_in
from tests.clinic_scene import add_account, new_link, new_scene
from tests.serving import served

PAGES = ("Today", "Patient", "Pain diary", "Import runs", "Patients")
# Its numbers try WebAssembly for 64 bits and do without where it is refused: no reason to allow it.
TRIED_BY_PROTOBUF = "VIOLATION script-src wasm-eval"
GOOD = "orange kettle morning"
LOOKS_WITHIN_MS = 40_000  # a window looks every 15 seconds whether its session holds


@dataclass(frozen=True)
class Served:
    """A copy of the demo clinic as served, a therapist of it, and one of their runners."""

    engine: sa.Engine
    address: str
    therapist: Viewer
    runner: queries.EpisodeRow

    def open(self, page: Page, path: str = "") -> None:
        sign_in(page, self.address, self.therapist.name, path)

    def open_chart(self, page: Page) -> None:
        self.open(page, f"patient?episode={self.runner.key}")
        expect(page.get_by_role("heading", name=self.runner.patient_name)).to_be_visible()
        expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()

    def let_time_pass(self, idle: timedelta) -> None:
        """Set the clock of every session back, as if nobody had clicked for so long."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(SignInSession).values(last_seen_at_utc=utc_now() - idle))


@pytest.fixture
def clinic(demo_url: str, serve: Callable[..., str]) -> Served:
    engine = make_engine(demo_url)
    therapist = next(person for person in queries.people(engine) if person.roles == {Role.THERAPIST})
    runner = next(row for row in queries.episodes(engine, therapist) if row.status == "active")
    return Served(engine, serve(demo_url), therapist, runner)


def _locked(page: Page, clinic: Served) -> None:
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible(timeout=LOOKS_WITHIN_MS)
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    settle(page)
    expect(page.locator('[data-testid="stApp"][data-test-connection-state="CONNECTING"]')).to_have_count(1)  # closed, and it waits
    expect(page.get_by_role("dialog")).to_have_count(0)
    shown = page.content()
    assert clinic.runner.patient_name not in shown
    assert clinic.therapist.name not in shown


def test_a_link_to_a_runner_survives_signing_in_and_a_reload(clinic: Served, page: Page) -> None:
    clinic.open_chart(page)
    assert page.url.startswith(f"{clinic.address}/patient?episode={clinic.runner.key}")
    page.reload()
    expect(page.get_by_role("heading", name=clinic.runner.patient_name)).to_be_visible()
    assert "still_running" not in page.evaluate("document.cookie")
    (cookie,) = [cookie for cookie in page.context.cookies() if cookie["name"] == "still_running"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (True, "Lax", -1)


def test_signing_out_leads_to_the_door_and_locks_the_other_window(clinic: Served, page: Page) -> None:
    clinic.open(page)
    other = page.context.new_page()
    other.goto(f"{clinic.address}/patient?episode={clinic.runner.key}")
    expect(other.get_by_role("heading", name=clinic.runner.patient_name)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Who are you today?")).to_be_visible()
    _locked(other, clinic)
    page.go_back()
    expect(page.get_by_role("heading", name="Who are you today?")).to_be_visible()
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", name="Who are you today?")).to_be_visible()


def test_an_idle_window_blanks_and_locks_itself_while_a_chart_is_open(clinic: Served, page: Page) -> None:
    clinic.open_chart(page)
    clinic.let_time_pass(timedelta(minutes=15))
    _locked(page, clinic)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=re.compile(f"^{re.escape(clinic.therapist.name)}")).click()
    expect(page.get_by_role("heading", name=clinic.runner.patient_name)).to_be_visible()


def test_a_window_warns_before_it_locks_and_a_click_keeps_it(clinic: Served, page: Page) -> None:
    clinic.open_chart(page)
    clinic.let_time_pass(timedelta(minutes=14, seconds=5))
    stay = page.get_by_role("button", name="Stay signed in")
    stay.click(timeout=LOOKS_WITHIN_MS)
    expect(stay).to_have_count(0)
    settle(page)
    with clinic.engine.connect() as connection:
        seen = connection.execute(sa.select(sa.func.max(col(SignInSession.last_seen_at_utc)))).scalar_one()
    assert utc_now().replace(tzinfo=None) - seen.replace(tzinfo=None) < timedelta(minutes=1)
    expect(page.get_by_role("heading", name=clinic.runner.patient_name)).to_be_visible()


def test_the_window_of_a_person_who_was_switched_off_locks_itself(clinic: Served, page: Page) -> None:
    clinic.open_chart(page)
    with writing(clinic.engine) as connection:
        connection.execute(sa.update(Person).where(col(Person.id) == clinic.therapist.person_id).values(is_active=False))
    _locked(page, clinic)


def test_a_window_that_lost_the_server_blanks_after_a_minute(demo_url: str, tmp_path: Path, page: Page) -> None:
    """Nobody can tell it to lock itself, so it must do so alone; the minute is turned forward."""
    opacity = "[getComputedStyle(document.body).opacity, getComputedStyle(document.documentElement, '::before').opacity]"
    with served(demo_url, tmp_path / "server.log") as address:
        sign_in(page, address, next(iter(queries.people(make_engine(demo_url)))).name)
        assert page.evaluate(opacity) == ["1", "0"]
    expect(page.locator('[data-testid="stApp"][data-test-connection-state="CONNECTED"]')).to_have_count(0)
    delays = page.evaluate("document.getAnimations().filter(a => a.transitionProperty === 'opacity').map(a => a.effect.getTiming().delay)")
    assert delays == [60_000, 60_000]
    assert page.evaluate(opacity) == ["1", "0"]
    page.evaluate("document.getAnimations().forEach(animation => animation.finish())")
    assert page.evaluate(opacity) == ["0", "1"]


def test_no_page_breaks_the_policy_that_it_runs_under(clinic: Served, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', event => console.log('VIOLATION', event.violatedDirective, event.blockedURI))"
    )
    clinic.open_chart(page)
    for name in PAGES:
        page.get_by_role("link", name=name, exact=True).click()
        settle(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Who are you today?")).to_be_visible()
    broken = {line for line in said if "VIOLATION" in line or "Content Security Policy" in line}
    assert broken <= {TRIED_BY_PROTOBUF}
    with page.expect_console_message(lambda message: "VIOLATION img-src https://evil.example" in message.text):
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=https://evil.example/a.png>')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_door_has_no_serious_fault_for_people_who_use_it_otherwise(
    clinic: Served, sqlite_url: str, serve: Callable[..., str], page: Page, scheme: Literal["light", "dark"]
) -> None:
    """Checked by axe: the door of the demo clinic and of a real one."""
    new_scene(make_engine(sqlite_url))
    page.emulate_media(color_scheme=scheme)
    grounds = set()
    for address in (clinic.address, serve(sqlite_url)):
        page.goto(f"{address}/login")
        assert Axe().run(page).response["violations"] == []
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == {"rgb(253, 252, 250)" if scheme == "light" else "rgb(20, 24, 28)"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_that_ask_for_a_secret_have_no_fault_and_keep_to_their_policy(
    sqlite_url: str, serve: Callable[..., str], page: Page, scheme: Literal["light", "dark"]
) -> None:
    """From the door to one's own account, through setting up the second factor that the clinic asks for: checked by axe at each stop."""
    scene = new_scene(make_engine(sqlite_url))
    tess = scene.tess.person_id or 0
    add_account(scene.engine, tess, "tess")
    accounts.set_passphrase(scene.engine, new_link(scene.engine, tess), GOOD)
    _set(scene.engine, sa.update(Clinic).values(require_second_factor=True))
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    def stop(heading: str) -> None:
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") == 390

    def go_on(**fields: str) -> None:
        for name, value in fields.items():
            page.locator(f"input[name={name}]").first.fill(value)
        page.locator("button.first").click()

    page.goto(serve(sqlite_url))
    go_on(name="tess", passphrase=GOOD)
    stop("Set up your second factor")
    expect(page.get_by_role("img", name="QR code for the app on your telephone")).to_be_visible()
    secret = page.locator(".secret").inner_text().replace(" ", "")
    go_on(code=pyotp.TOTP(secret).now())
    stop("Your recovery codes")
    code = page.locator(".codes li").first.inner_text()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("link", name="Tess, therapist").click()
    stop("Second factor: on")
    _set(scene.engine, sa.update(SignInSession).values(proved_at_utc=None))
    page.get_by_role("button", name="Make new recovery codes").click()
    stop("Your passphrase again")
    go_on(passphrase="wrong")
    stop("Your passphrase again")
    go_on(passphrase=GOOD)
    stop("Second factor: on")
    page.get_by_role("link", name="Back to the first page").click()
    page.get_by_role("button", name="Sign out").click()
    go_on(name="tess", passphrase=GOOD)
    stop("Your code")
    page.get_by_text("I do not have my telephone").click()
    page.locator("#recovery").fill(code.lower())
    page.get_by_role("button", name="Use it up and go on").click()
    expect(page.get_by_role("link", name="Tess, therapist")).to_be_visible()
    assert not [line for line in said if "Content Security Policy" in line]


def _set(engine: sa.Engine, statement: sa.Executable) -> None:
    with writing(engine) as connection:
        connection.execute(statement)


def test_the_door_of_the_demo_says_loudly_that_it_is_one_and_so_does_every_page(clinic: Served, page: Page) -> None:
    page.goto(clinic.address)
    expect(page.get_by_text("Demo clinic: all people are made up.")).to_be_visible()
    clinic.open(page)
    for name in PAGES:
        page.get_by_role("link", name=name, exact=True).click()
        settle(page)
        expect(page.get_by_text("Demo clinic: all people are made up")).to_be_visible()
