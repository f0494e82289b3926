"""A real browser for the tests: an installed Chromium or Chrome, else Debian's; `python -m tests.browser` makes sure of one."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

COMMANDS = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
MACOS_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
HOW_TO_INSTALL = """The tests need a real browser and found none. Any one of these is enough:
  Debian          sudo apt-get install chromium
  Ubuntu          Google Chrome's .deb from https://www.google.com/chrome/
  macOS           brew install --cask google-chrome
  anywhere else   a Chromium or Chrome, with CHROMIUM=/path/to/its/program"""
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
PATIENCE_MS = 20_000  # the first chart loads 5 MB of script


class BrowserMissing(Exception):
    """No browser is installed; the text says what to install."""


def find_browser() -> str:
    """
    Give the program of an installed Chromium or Chrome.

    Raises
    ------
    BrowserMissing
        If there is none, or `CHROMIUM` names a program that is not there.
    """
    named = os.environ.get("CHROMIUM", "").strip()
    if named:
        found = shutil.which(named)
        if found is None:
            raise BrowserMissing(f"CHROMIUM is set to {named}, and there is no such program.\n{HOW_TO_INSTALL}")
        return found
    places = (shutil.which(place) for place in (*COMMANDS, *MACOS_PLACES))
    found = next((place for place in places if place), None)
    if found is None:
        raise BrowserMissing(HOW_TO_INSTALL)
    return found


def can_install() -> bool:
    """Say whether this is Debian itself, as root: only there `apt-get install chromium` gives a browser that runs everywhere."""
    if platform.system() != "Linux" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    return platform.freedesktop_os_release().get("ID") == "debian"


def install_browser() -> None:
    """Install Debian's Chromium."""
    apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]):
        subprocess.run([*apt, *step], check=True, env=environment, stdout=sys.stderr)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start the installed browser, headless, and close it at the end."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def settle(page: Page) -> None:
    """Wait until the app has drawn what it was asked for: Streamlit marks its own state."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=PATIENCE_MS)
    expect(page.locator('[data-stale="true"], [data-testid="stSkeleton"]')).to_have_count(0)


def drop(page: Page, target: Locator, *paths: Path) -> None:
    """Drop files and folders onto something, as a hand does: a folder stays one."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box is not None
    dropped = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        browser.send("Input.dispatchDragEvent", {"type": kind, "data": dropped, **at})
    browser.detach()


def sign_in(page: Page, address: str, name: str, path: str = "") -> None:
    """Open a page of the demo clinic without a session, choose a name where the gate asks for one, and arrive at that page."""
    page.goto(f"{address}/{path}")
    page.get_by_role("button", name=re.compile(f"^{re.escape(name)}")).first.click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
    settle(page)


def main() -> int:
    """Make sure that there is a browser, and print where it is."""
    try:
        if not os.environ.get("CHROMIUM") and can_install():
            try:
                find_browser()
            except BrowserMissing:
                print("Installing Debian's Chromium for the tests.", file=sys.stderr)
                install_browser()
        print(f"Browser for the tests: {Path(find_browser())}")
    except BrowserMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
