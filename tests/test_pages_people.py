"""The page of people: the owner adds, changes and switches off; others find nothing there; and the same in a real browser."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Literal

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col
from streamlit.testing.v1 import AppTest

import data.database
from access import accounts, people, sessions
from data import queries
from data.database import engine, make_engine, writing
from data.people import everybody
from data.permissions import COMMAND_LINE
from models import Account, Role, SignInSession, Viewer, utc_now
from tests.browser import PATIENCE_MS, settle
from tests.clinic_scene import Scene, key_of, new_scene
from tests.conftest import _forget
from tests.serving import ROOT

GOOD, ALSO_GOOD = "orange kettle morning", "seven quiet harbours"
LOOKS_WITHIN_MS = 60_000  # a window that nobody clicks in looks every 15 seconds


def _signed_in(app: AppTest, person: Viewer) -> AppTest:
    assert person.person_id is not None
    app.user = {"session": sessions.key_of(sessions.start(engine(), person.person_id))}
    return app


def _open(app: AppTest, person: Viewer) -> AppTest:
    _signed_in(app, person).run()
    return app.switch_page(str(ROOT / "pages" / "people.py")).run()


def _names() -> set[str]:
    return {row.name for row in everybody(engine(), COMMAND_LINE) if row.is_active}


def _lines(app: AppTest) -> dict[str, dict[str, str]]:
    return {line["Name"]: line for line in app.dataframe[0].value.to_dict("records")}


@pytest.fixture
def real(dashboard_first: None, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[AppTest, Scene]]:
    """Give dashboard.py in AppTest on a small real clinic."""
    import streamlit

    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    _forget(streamlit, data.database)
    yield AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=20), new_scene(make_engine(sqlite_url))
    _forget(streamlit, data.database)


# --------------------------------------------------------------------------------------------------------------------
# Without a browser
# --------------------------------------------------------------------------------------------------------------------


def test_the_owner_sees_everybody_and_how_they_sign_in(real: tuple[AppTest, Scene]) -> None:
    app, scene = real
    _open(app, scene.olga)
    assert not app.exception
    assert app.title[0].value == "People"
    lines = _lines(app)
    assert list(lines) == ["Fred", "Olga", "Tess", "Theo"]
    assert (lines["Tess"]["Roles"], lines["Tess"]["Sites"], lines["Olga"]["Login name"]) == ("therapist", "Lakeside", "olga")


def test_a_new_person_gets_a_link_that_is_shown_once_and_whole(real: tuple[AppTest, Scene]) -> None:
    app, scene = real
    _open(app, scene.olga)
    app.text_input(key="new_name_0").set_value("Nia *New*")
    app.text_input(key="new_login_0").set_value("Nia")
    app.button_group(key="new_roles_0").set_value([Role.THERAPIST])
    app.button_group(key="new_sites_0").set_value([scene.lakeside])
    app.button(key="add_person").click().run()
    assert not app.exception
    (code,) = app.code
    token = code.value.split("/set-passphrase/")[1]
    assert accounts.link_holds(engine(), token)
    said = " ".join(str(element.value) for kind in (app.success, app.markdown) for element in kind)
    assert r"Nia \*New\* works here now." in said
    for words in ("works once", "48 hours", "no mail is sent", "not shown again"):
        assert words in said
    assert _lines(app)["Nia *New*"]["State"] == "passphrase not set yet"
    assert app.text_input(key="new_name_1").value == ""
    app.run()
    assert not app.code
    assert not app.success


def test_what_is_refused_is_said_in_words_and_what_was_typed_stays(real: tuple[AppTest, Scene]) -> None:
    app, scene = real
    _open(app, scene.olga)
    app.text_input(key="new_name_0").set_value("Nia")
    app.text_input(key="new_login_0").set_value("olga")
    app.button(key="add_person").click().run()
    assert [error.value for error in app.error] == [r"Choose at least one role\. Who works here no more is switched off\."]
    app.button_group(key="new_roles_0").set_value([Role.THERAPIST])
    app.button(key="add_person").click().run()
    assert [error.value for error in app.error] == [r"The login name olga is taken\. Choose another one\."]
    assert app.text_input(key="new_name_0").value == "Nia"
    assert not app.code
    assert "Nia" not in _names()


def test_roles_and_sites_are_changed_and_the_last_owner_stays(real: tuple[AppTest, Scene]) -> None:
    app, scene = real
    tess, olga = key_of(scene.engine, scene.tess.person_id), key_of(scene.engine, scene.olga.person_id)
    _open(app, scene.olga)
    app.selectbox(key="chosen_person").set_value(tess).run()
    app.button_group(key=f"roles_{tess}").set_value([Role.THERAPIST, Role.FRONT_DESK])
    app.button_group(key=f"sites_{tess}").set_value([scene.lakeside, scene.harbour])
    app.button(key="save_roles").click().run()
    assert not app.exception
    assert (_lines(app)["Tess"]["Roles"], _lines(app)["Tess"]["Sites"]) == ("therapist, front desk", "Lakeside, Harbour")
    app.selectbox(key="chosen_person").set_value(olga).run()
    assert "These are your own roles: changing them signs you out." in [caption.value for caption in app.caption]
    app.button_group(key=f"roles_{olga}").set_value([Role.THERAPIST])
    app.button(key="save_roles").click().run()
    assert "no owner who can sign in" in app.error[0].value
    assert _lines(app)["Olga"]["Roles"] == "owner"


def test_an_account_a_link_a_lock_a_second_factor_and_the_switch(real: tuple[AppTest, Scene]) -> None:
    app, scene = real
    tess, person_id = key_of(scene.engine, scene.tess.person_id), scene.tess.person_id
    _open(app, scene.olga)
    app.selectbox(key="chosen_person").set_value(tess).run()
    app.text_input(key=f"login_{tess}").set_value("tess")
    app.button(key="save_account").click().run()
    assert _lines(app)["Tess"]["Login name"] == "tess"
    app.button(key="New link").click().run()
    assert accounts.link_holds(engine(), app.code[0].value.split("/set-passphrase/")[1])
    for _ in range(5):
        with pytest.raises(accounts.SignInRefused):
            accounts.sign_in(engine(), "tess", "wrong", address="192.0.2.7")
    app.run()
    assert _lines(app)["Tess"]["State"] == "locked: too many tries"
    app.button(key="unlock").click().run()
    assert _lines(app)["Tess"]["State"] == "passphrase not set yet"
    with writing(engine()) as connection:
        connection.execute(sa.update(Account).where(col(Account.person_id) == person_id).values(totp_secret="SECRET"))
    app.run()
    app.button(key="Reset the second factor").click().run()
    assert _lines(app)["Tess"]["Second factor"] == "no"
    app.button(key="Switch off").click().run()
    assert _lines(app)["Tess"]["State"] == "switched off"
    app.button(key="switch_on").click().run()
    assert _lines(app)["Tess"]["State"] == "passphrase not set, link ended"
    assert not app.exception


def test_the_rules_and_the_sites_of_the_clinic(real: tuple[AppTest, Scene]) -> None:
    app, scene = real
    _open(app, scene.olga)
    app.slider(key="idle_minutes").set_value(5)
    app.slider(key="session_hours").set_value(8)
    app.toggle(key="require_second_factor").set_value(True)
    app.toggle(key="therapists_see_site").set_value(False)
    app.button(key="save_rules").click().run()
    assert not app.exception
    clinic = queries.clinic(engine())
    assert (clinic.idle_minutes, clinic.session_hours, clinic.require_second_factor, clinic.therapists_see_site) == (5, 8, True, False)
    app.text_input(key="site_name").set_value("Video")
    app.button(key="add_site").click().run()
    assert "Video" in people.sites().values()
    app.text_input(key="site_name").set_value("Video")
    app.button(key="add_site").click().run()
    assert app.error[0].value == r"There is a site called Video already\."


def test_in_the_demo_clinic_people_are_added_without_an_account(dashboard: AppTest) -> None:
    owner = next(person for person in accounts.demo_people() if Role.OWNER in person.roles)
    _open(dashboard, owner)
    assert not dashboard.exception
    assert any("by choosing a name" in caption.value for caption in dashboard.caption)
    assert not [field for field in dashboard.text_input if field.label == "Login name"]
    dashboard.text_input(key="new_name_0").set_value("Nia New")
    dashboard.button_group(key="new_roles_0").set_value([Role.THERAPIST])
    dashboard.button(key="add_person").click().run()
    assert not dashboard.code
    assert dashboard.success[0].value == "Nia New works here now."
    assert "Nia New" in {person.name for person in accounts.demo_people()}
    assert dashboard.toggle(key="require_second_factor").disabled


@pytest.mark.parametrize("roles", [{Role.THERAPIST}, {Role.FRONT_DESK}, {Role.THERAPIST, Role.FRONT_DESK}, set()])
def test_who_is_no_owner_sees_nothing_of_the_page(real: tuple[AppTest, Scene], roles: set[Role]) -> None:
    app, scene = real
    with writing(scene.engine) as connection:
        connection.exec_driver_sql(f"DELETE FROM person_role WHERE person_id = {scene.tess.person_id}")
        for role in roles:
            connection.exec_driver_sql(f"INSERT INTO person_role (person_id, role) VALUES ({scene.tess.person_id}, '{role}')")
    _signed_in(app, scene.tess).run()
    alone = AppTest.from_file(str(ROOT / "pages" / "people.py"), default_timeout=20)
    alone.user = app.user
    alone.run()  # as if it were not left out of their list
    assert not alone.exception
    assert [caption.value for caption in alone.caption] == ["This page is for the owners of the clinic."]
    assert not alone.dataframe
    assert not alone.button
    assert not [name for name in ("Olga", "Theo", "Fred") if name in str(alone)]


def test_who_proved_themselves_too_long_ago_is_asked_for_the_passphrase_again(real: tuple[AppTest, Scene]) -> None:
    app, scene = real
    _signed_in(app, scene.olga).run()
    with writing(scene.engine) as connection:
        connection.execute(sa.update(SignInSession).values(proved_at_utc=utc_now() - timedelta(minutes=10)))
    app.switch_page(str(ROOT / "pages" / "people.py")).run()
    assert not app.dataframe
    assert "asks for your passphrase again" in app.markdown[0].value


# --------------------------------------------------------------------------------------------------------------------
# In a real browser
# --------------------------------------------------------------------------------------------------------------------


def _sign_in(page: Page, address: str, name: str, passphrase: str, path: str = "") -> None:
    page.goto(f"{address}/login?next=/{path}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Passphrase").fill(passphrase)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
    settle(page)


def _tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    settle(page)


@pytest.fixture
def clinic(sqlite_url: str) -> tuple[Scene, str]:
    """Give a real clinic whose owner can sign in, with a patient of Theo's at Harbour; and that patient's episode."""
    scene = new_scene(make_engine(sqlite_url))
    accounts.set_passphrase(scene.engine, scene.account(scene.olga, "olga"), GOOD)
    patient = scene.patient("THEO", scene.theo, given_name="Petra", family_name="Pace")
    return scene, scene.episode(patient, scene.theo, site_id=scene.harbour)


def test_the_owner_adds_a_therapist_who_sees_what_is_theirs_until_they_are_switched_off(
    clinic: tuple[Scene, str], serve: Callable[..., str], page: Page, browser: Browser
) -> None:
    scene, episode = clinic
    address = serve(scene.engine.url.render_as_string(hide_password=False))

    # the owner adds Nia at Lakeside and reads the link
    _sign_in(page, address, "olga", GOOD, "people")
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    _tab(page, "New person")
    form = page.get_by_test_id("stForm").filter(has=page.get_by_role("button", name="Add the person"))
    form.get_by_role("textbox", name="Name", exact=True).fill("Nia New")
    form.get_by_role("textbox", name="Login name").fill("nia")
    form.get_by_role("button", name="therapist").click()
    form.get_by_role("button", name="Lakeside").click()
    form.get_by_role("button", name="Add the person").click()
    expect(page.get_by_text("Nia New works here now.")).to_be_visible(timeout=PATIENCE_MS)
    link = page.get_by_test_id("stCode").inner_text().strip()
    assert re.fullmatch(rf"{re.escape(address)}/set-passphrase/[\w-]{{43}}", link)

    # Nia sets her passphrase in a browser of her own and signs in
    hers = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    window = hers.new_page()
    window.goto(link)
    window.get_by_label("New passphrase").fill(ALSO_GOOD)
    window.get_by_label("The same again").fill(ALSO_GOOD)
    window.get_by_role("button", name="Set passphrase").click()
    window.wait_for_url("**/login")
    _sign_in(window, address, "nia", ALSO_GOOD)
    expect(window.get_by_role("link", name="People", exact=True)).to_have_count(0)

    # what is not hers is not there, by any address
    for path in (f"patient?episode={episode}", f"pain-diary?episode={episode}", f"import-runs?episode={episode}", "patients", "today"):
        window.goto(f"{address}/{path}")
        expect(window.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
        settle(window)
        assert "Petra" not in window.content()
    window.goto(f"{address}/patient?episode={episode}")
    expect(window.get_by_text("There is no such runner here.")).to_be_visible(timeout=PATIENCE_MS)
    window.goto(f"{address}/people")
    expect(window.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
    settle(window)
    assert "Olga" not in window.content()
    idle = hers.new_page()
    idle.goto(f"{address}/today")
    expect(idle.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
    settle(idle)
    window.goto(f"{address}/patients")
    expect(window.get_by_role("tab", name="New patient")).to_be_visible(timeout=PATIENCE_MS)
    settle(window)

    # switched off: the next action finds the door, and a window without one finds it by itself
    _tab(page, "Change a person")
    page.get_by_test_id("stSelectbox").get_by_role("combobox").click()
    page.get_by_role("option", name="Nia New").click()
    settle(page)
    page.get_by_role("button", name="Switch off").click()
    page.get_by_role("button", name="Yes: switch off").click()
    expect(page.get_by_text("Nia New is switched off.")).to_be_visible(timeout=PATIENCE_MS)
    window.get_by_role("link", name="Today", exact=True).click()
    expect(window.get_by_role("heading", name="Signed out")).to_be_visible(timeout=PATIENCE_MS)
    expect(idle.get_by_role("heading", name="Signed out")).to_be_visible(timeout=LOOKS_WITHIN_MS)
    window.goto(f"{address}/login")
    window.get_by_label("Name").fill("nia")
    window.get_by_label("Passphrase").fill(ALSO_GOOD)
    window.get_by_role("button", name="Sign in").click()
    expect(window.get_by_text("This name and passphrase do not fit together.")).to_be_visible()
    hers.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_serious_fault_for_people_who_use_it_otherwise_and_fits_a_phone(
    clinic: tuple[Scene, str], serve: Callable[..., str], page: Page, scheme: Literal["light", "dark"]
) -> None:
    """Checked by axe, on each tab and with a link shown."""
    scene, _ = clinic
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    _sign_in(page, serve(scene.engine.url.render_as_string(hide_password=False)), "olga", GOOD, "people")

    def without_fault() -> None:
        found = Axe().run(page).response["violations"]
        assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found if fault["impact"] in {"serious", "critical"}] == []

    for tab in ("Everybody", "New person", "Sites", "Rules of sign-in", "Change a person"):
        _tab(page, tab)
        without_fault()
    page.get_by_test_id("stSelectbox").get_by_role("combobox").click()
    page.get_by_role("option", name="Olga").click()
    settle(page)
    without_fault()
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="New link").click()
    page.get_by_role("button", name="Yes: new link").click()
    expect(page.get_by_test_id("stCode")).to_be_visible(timeout=PATIENCE_MS)
    settle(page)
    expect(page.get_by_role("tab", name="Change a person")).to_have_attribute("aria-selected", "true")
    without_fault()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
