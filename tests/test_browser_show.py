"""Visit mode in a real browser: the keys turn the screens, the frame is gone, leaving takes two steps, nothing grave for axe."""

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from data import queries
from data.database import make_engine
from data.permissions import COMMAND_LINE
from tests.browser import settle, sign_in


def test_the_keys_turn_the_screens_and_closing_asks_first(demo_url: str, serve: Callable[..., str], page: Page) -> None:
    address, engine = serve(demo_url), make_engine(demo_url)
    row = next(row for row in queries.episodes(engine, COMMAND_LINE) if row.status == "active")
    sign_in(page, address, row.therapist, f"patient?episode={row.key}")  # visit mode itself has nothing that says who is signed in
    page.goto(f"{address}/show?episode={row.key}")
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("Where you were")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(page.get_by_role("link", name="Patients", exact=True)).to_be_hidden()
    for key, wanted in (("ArrowRight", "What we changed"), ("ArrowRight", "The next two weeks"), ("ArrowLeft", "What we changed")):
        page.keyboard.press(key)
        expect(title).to_have_text(wanted)
        settle(page)
    found = Axe().run(page).response["violations"]
    assert [violation["id"] for violation in found if violation["impact"] in {"serious", "critical"}] == []
    page.get_by_role("button", name="Close", exact=False).last.click()
    expect(page.get_by_role("dialog")).to_contain_text("Close the visit screens?")
    assert "/show" in page.url
    page.get_by_role("button", name="Close and open the patient page").click()
    page.wait_for_url(f"**/patient?*episode={row.key}*")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
