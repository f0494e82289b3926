"""
Take the pictures of the docs from the real app: `make screenshots`.

`python -m docs.screenshots --all FOLDER` takes every page, wide and narrow, light and dark, to look at.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect

from data import demo, queries
from data.database import make_engine, migrate
from data.permissions import COMMAND_LINE
from models import Role
from pages.shared.shell import OWNER, PAGES
from tests.browser import PATIENCE_MS, running_browser, settle, sign_in
from tests.serving import served

IMAGES = Path(__file__).parent / "images"
WIDE, NARROW = (1440, 900), (390, 844)
PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36"
TALL_PX = 2_600  # Streamlit scrolls inside the page: only a tall window shows a whole page
PATIENT_PAGE, VISIT_MODE = "pages/patient.py", "pages/show.py"
CHART = ".js-plotly-plot .main-svg"


@dataclass(frozen=True)
class Subject:
    """Whom the pictures show, and who is signed in."""

    patient_name: str
    therapist: str
    owner: str


def subject(database_url: str, patient_code: str | None) -> Subject:
    """Choose the patient with that code; else the first active one whose pain is known."""
    engine = make_engine(database_url)
    rows = queries.caseload(engine, COMMAND_LINE, today=datetime.now(UTC).date())
    owner = next(person.name for person in queries.people(engine) if Role.OWNER in person.roles)
    engine.dispose()
    for row in sorted(rows, key=lambda row: row.patient_code):
        if row.patient_code == patient_code or (patient_code is None and row.last_pain is not None):
            return Subject(row.patient_name, row.therapist, owner)
    raise SystemExit(f"No active episode to show{f' for {patient_code}' if patient_code else ''}.")


@contextmanager
def signed_in(
    browser: Browser, address: str, who: Subject, *, size: tuple[int, int] = WIDE, colours: Literal["light", "dark"] = "light"
) -> Iterator[Page]:
    """Open the patient page in a new window: sign in by choosing the therapist's name, then choose the patient."""
    with window(browser, address, who.therapist, size=size, colours=colours) as page:
        open_page(page, PATIENT_PAGE)
        page.get_by_role("combobox").first.fill(who.patient_name)
        page.get_by_role("option").first.click()
        page.locator(CHART).first.wait_for()
        settle(page)
        yield page


@contextmanager
def window(browser: Browser, address: str, name: str, *, size: tuple[int, int], colours: Literal["light", "dark"]) -> Iterator[Page]:
    """Open a new window and sign in by choosing a name."""
    on_phone = size[0] == NARROW[0]
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=colours,
        reduced_motion="reduce",
        locale="en-US",
        user_agent=PHONE if on_phone else None,
        is_mobile=on_phone,
        has_touch=on_phone,
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    sign_in(page, address, name)
    yield page
    context.close()


def take(page: Page, path: Path) -> None:
    """Take a picture of what the window shows, without a pointer over it."""
    page.mouse.move(0, 0)
    page.evaluate("document.fonts.ready.then(() => true)")
    settle(page)
    page.screenshot(path=path, animations="disabled")
    print(path)


def picture_for_readme(browser: Browser, address: str, who: Subject) -> None:
    with signed_in(browser, address, who) as page:
        take(page, IMAGES / "patient.png")


def every_page(browser: Browser, address: str, who: Subject, folder: Path) -> None:
    for width, _ in (WIDE, NARROW):
        for colours in ("light", "dark"):
            with signed_in(browser, address, who, size=(width, TALL_PX), colours=colours) as page:
                for path in sorted(
                    (one.path for one in PAGES if one.roles != OWNER), key=VISIT_MODE.__eq__
                ):  # it has no way to another page
                    open_page(page, path)
                    if path == PATIENT_PAGE:
                        page.locator(CHART).first.wait_for()
                    take(page, folder / f"{Path(path).stem}-{width}-{colours}.png")
            with window(browser, address, who.owner, size=(width, TALL_PX), colours=colours) as page:
                for path in (one.path for one in PAGES if one.roles == OWNER):
                    open_page(page, path)
                    take(page, folder / f"{Path(path).stem}-{width}-{colours}.png")


def open_page(page: Page, path: str) -> None:
    """Go to a page as a person does, by its link in the menu."""
    title = next(one.title for one in PAGES if one.path == path)
    link = page.get_by_role("link", name=title, exact=True).first
    folded = page.get_by_test_id("stExpandSidebarButton")
    link.or_(folded).first.wait_for()
    settle(page)
    if folded.is_visible():  # on a phone the menu is folded away
        folded.click()
        page.locator('[data-testid="stSidebar"][data-collapsed="false"]').wait_for()
    link.click()
    expect(page).to_have_url(re.compile("/([?].*)?$" if path == PAGES[0].path else f"/{Path(path).stem.replace('_', '-')}([?].*)?$"))
    settle(page)
    # and lies over the page once it is open; in one step, because it may be closing by itself at this moment
    page.evaluate(
        """document.querySelector('[data-testid="stSidebar"][data-collapsed="false"] [data-testid="stSidebarCollapseButton"] button')?.click()"""
    )
    expect(page.locator('[data-testid="stSidebar"][data-collapsed="false"]')).to_have_count(0)


def main() -> None:
    """Serve a new demo clinic on a free port and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patient", metavar="CODE", help="whom to show; default: the first one whose pain is known")
    parser.add_argument("--all", metavar="FOLDER", type=Path, help="take every page, wide and narrow, light and dark, into this folder")
    chosen = parser.parse_args()
    (chosen.all or IMAGES).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="still-running-") as folder:
        database_url = f"sqlite:///{folder}/clinic.db"
        engine = make_engine(database_url)
        migrate(engine)
        demo.fill(engine, as_of=None)
        engine.dispose()
        who = subject(database_url, chosen.patient)
        with served(database_url, Path(folder) / "server.log") as address, running_browser() as browser:
            if chosen.all:
                every_page(browser, address, who, chosen.all)
            else:
                picture_for_readme(browser, address, who)


if __name__ == "__main__":
    main()
