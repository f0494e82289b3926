"""
The canary run: a clinic in which every text is found nowhere else is driven through everything, a hundred faults among it; then every
byte of what is left behind is searched for one of those texts: logs, temporary files, addresses, titles, the browser's storage, the audit.
"""

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect
from streamlit.proto.WidgetStates_pb2 import WidgetState

from access import accounts
from data.database import make_engine
from pages.shared.shell import PAGES
from tests.browser import settle
from tests.canaries import FACTS, REGISTER, Canary, add_canary, signed_in
from tests.clinic_scene import CHICAGO, Scene, add_account, new_link, new_scene
from tests.conftest import _copy_of
from tests.run_files import fit_run, tcx_run
from tests.serving import ROOT, served
from tests.test_security_reach import forged, is_button
from tests.visiting import FROM_OUR_PAGE, HTML, Visitor

FAULTS_MIN = 100
NUMBER = re.compile(r"\[([0-9a-f]{8})\] at ")
# A value that cannot be read, in the place of one that is: table, column, and which rows.
OF_PATIENT, OF_EPISODE, ALL = "patient_id = 1", "episode_id = 1", "1 = 1"
UNREADABLE = (
    ("patient", "time_zone", "id = 1"),
    ("patient", "distance_unit", "id = 1"),
    ("patient", "birth_date", "id = 1"),
    ("patient", "pain_comfortable_max", "id = 1"),
    ("episode_of_care", "side", "id = 1"),
    ("episode_of_care", "started_on", "id = 1"),
    ("episode_of_care", "status", "id = 1"),
    ("run", "run_date", OF_PATIENT),
    ("run", "started_at_utc", OF_PATIENT),
    ("run", "distance_m", OF_PATIENT),
    ("run", "cadence_rule", OF_PATIENT),
    ("pain_score", "moment", OF_PATIENT),
    ("pain_score", "for_date", OF_PATIENT),
    ("pain_score", "nprs", OF_PATIENT),
    ("visit", "visit_date", OF_EPISODE),
    ("plan", "valid_from", OF_EPISODE),
    ("plan", "weekly_distance_m", OF_EPISODE),
    ("change", "day", OF_EPISODE),
    ("log_coverage", "first_day", OF_PATIENT),
    ("patient_week", "distance_m", OF_PATIENT),
    ("person_role", "role", ALL),
    ("clinic", "time_zone", ALL),
    ("clinic", "week_start", ALL),
    ("clinic", "idle_minutes", ALL),
    ("sign_in_session", "last_seen_at_utc", ALL),
)
TABLES_GONE = ("run", "pain_score", "episode_of_care", "visit", "audit_event", "person_role")


@dataclass
class Hunt:
    """The clinic as served in a place of its own, and what must be found nowhere."""

    address: str
    place: Path
    scene: Scene
    patient: Canary
    names: list[str]  # of patients: not even in the audit
    texts: list[str]  # all that people wrote or typed
    started: float
    seen: dict[str, str] = field(default_factory=dict)  # what the browser kept or asked for, by what it was

    @property
    def log(self) -> str:
        return (self.place / "server.log").read_text(encoding="utf-8", errors="replace")

    @property
    def faults(self) -> set[str]:
        return set(NUMBER.findall(self.log))

    @property
    def query(self) -> str:
        return f"episode={self.patient.episode}"


def found_in(texts: Iterable[str], content: bytes) -> list[str]:
    """Give the texts that stand in some bytes, whatever their case."""
    folded = content.decode("utf-8", "replace").casefold()
    return [text for text in texts if text.casefold() in folded]


@contextlib.contextmanager
def hunt(template: Path, place: Path, command: Sequence[str] | None = None) -> Iterator[Hunt]:
    """Serve a clinic of canaries with a home, a temporary folder and a log of its own; the words of each run are new ones."""
    word = secrets.token_hex(4)
    for name in ("data", "home", "tmp"):
        (place / name).mkdir(parents=True)
    engine = make_engine(_copy_of(template, place / "data"))
    scene = new_scene(engine)
    patient = add_canary(scene, word, 1, scene.tess, scene.lakeside)
    tess = scene.tess.person_id or 0
    with contextlib.closing(engine.raw_connection()) as raw:
        raw.cursor().execute("UPDATE person SET name = ? WHERE id = ?", (f"Qxperson{word}", tess))
        raw.commit()
    add_account(engine, tess, f"qxlogin{word}")
    passphrase = f"Qxsecret {word} orange kettle"
    accounts.set_passphrase(engine, new_link(engine, tess), passphrase)
    names = [*patient.of(*REGISTER, "file"), f"Qxwrong{word}", f"Qxtyped{word}", f"qxlogin{word}", f"Qxsecret {word}", f"Qxupload{word}"]
    texts = names + patient.of(*FACTS) + [f"Qxperson{word}", f"Qxbroken{word}", f"Qxsearch{word}", f"Qxsaid{word}"]
    environment = {"HOME": str(place / "home"), "TMPDIR": str(place / "tmp"), "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none"}
    otherwise = {} if command is None else {"command": command}
    with served(str(engine.url), place / "server.log", environment=environment, **otherwise) as address:  # type: ignore[arg-type]
        yield Hunt(address, place, scene, patient, names, texts, time.time())
    engine.dispose()


def word_of(hunted: Hunt) -> str:
    return hunted.patient.texts["given"].removeprefix("Qxgiven")


# --------------------------------------------------------------------------------------------------------------------
# Driving
# --------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def broken(hunted: Hunt, statement: str, *mending: str, kept: str = "") -> Iterator[None]:
    """Do something to the database that no page expects, past every check of its own; then undo it, or put the kept table's rows back."""
    connection = sa.create_engine(str(hunted.scene.engine.url), module=_driver(), poolclass=sa.NullPool).raw_connection()
    try:
        raw: Any = connection.driver_connection
        raw.isolation_level = None
        for pragma in ("ignore_check_constraints = ON", "foreign_keys = OFF", "legacy_alter_table = ON", "busy_timeout = 10000"):
            raw.execute(f"PRAGMA {pragma}")
        rows = raw.execute(f"SELECT * FROM {kept}").fetchall() if kept else []
        guards = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (kept,)).fetchall()
        for name, _ in guards:
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute(statement)
        try:
            yield
        finally:
            if kept:
                raw.execute("BEGIN IMMEDIATE")
                raw.execute(f"DELETE FROM {kept}")
                raw.executemany(f"INSERT INTO {kept} VALUES ({', '.join('?' * len(rows[0]))})", rows)
                raw.execute("COMMIT")
            for one in (*mending, *(sql for _, sql in guards)):
                raw.execute(one)
    finally:
        connection.close()


def _driver() -> Any:
    from data.database import sqlcipher

    return sqlcipher


def every_page(hunted: Hunt, visitor: Visitor) -> None:
    for page in PAGES:
        with contextlib.suppress(Exception), visitor.window() as window:  # the gate itself may break
            window.ask(page.url, hunted.query)
            window.take_in()
    for path in ("/", "/login", "/healthz", f"/patient?{hunted.query}"):
        assert not found_in(hunted.texts, visitor.ask("GET", path, headers=HTML).text.encode())


def drive_faults(hunted: Hunt) -> None:
    """Make rows unreadable, take tables away, and tell widgets what they cannot take."""
    visitor, word = signed_in(hunted.scene.engine, hunted.address, hunted.scene.tess), word_of(hunted)
    for number, (table, column, rows) in enumerate(UNREADABLE):
        with (
            broken(hunted, f"UPDATE OR IGNORE {table} SET {column} = 'Qxbroken{word}' WHERE {rows}", kept=table),
            broken(hunted, f"UPDATE patient SET changed_seq = changed_seq + {number + 1}"),  # nothing from what was read before
        ):
            every_page(hunted, visitor)
    for table in TABLES_GONE:
        with broken(hunted, f"ALTER TABLE {table} RENAME TO gone", f"ALTER TABLE gone RENAME TO {table}"):
            every_page(hunted, visitor)
    for page in PAGES:
        with visitor.window() as window:
            window.ask(page.url, hunted.query)
            window.take_in()
            widgets = window.widget_ids()
        for one in widgets:
            for state in (*forged(one, f"Qxtyped{word}"), *forged(one, "4711")):
                with visitor.window() as window:
                    window.ask(page.url, hunted.query, widgets=[state, *_pressed(widgets, one)])
                    window.take_in()


def _pressed(widgets: list[str], but: str) -> list[WidgetState]:
    return [WidgetState(id=one, trigger_value=True) for one in widgets if one != but and is_button(one)]


def drive_the_door(hunted: Hunt) -> None:
    """Sign in wrongly and rightly, with forms that are none and addresses that are not there."""
    word, visitor = word_of(hunted), Visitor(hunted.address)
    for name, passphrase in ((f"Qxwrong{word}", f"Qxtyped{word}"), (f"qxlogin{word}", f"Qxtyped{word}"), (f"Qxtyped{word}", "")):
        assert visitor.sign_in(name=name, passphrase=passphrase).status == 401
    assert visitor.sign_in(name=f"qxlogin{word}", passphrase=f"Qxsecret {word} orange kettle").status == 303
    link = new_link(hunted.scene.engine, hunted.scene.tess.person_id or 0)
    for form in (
        {"passphrase": f"Qxtyped{word}", "again": f"Qxwrong{word}"},
        {"passphrase": "Qx", "again": "Qx"},
        {"x": f"Qxtyped{word}" * 3000},
    ):
        visitor.ask("POST", f"/set-passphrase/{link}", form=form, headers=FROM_OUR_PAGE)
    visitor.ask("POST", "/logout", headers=FROM_OUR_PAGE)


def drive_the_browser(hunted: Hunt, page: Page, folder: Path) -> None:
    """Do what people do, in a real browser, and keep every address, title and what the browser stores."""
    word, addresses, titles = word_of(hunted), list[str](), list[str]()
    page.on("request", lambda request: addresses.append(f"{request.url} {request.headers.get('referer', '')}"))
    page.on("websocket", lambda socket: addresses.append(socket.url))
    page.on("framenavigated", lambda frame: addresses.append(frame.url))

    def look() -> None:
        settle(page)
        titles.append(page.title())
        addresses.append(page.url)

    page.goto(f"{hunted.address}/patient?{hunted.query}")
    page.get_by_label("Name").fill(f"qxlogin{word}")
    page.get_by_label("Passphrase").fill(f"Qxsecret {word} orange kettle")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name=hunted.patient.name)).to_be_visible()
    look()
    page.get_by_role("tab", name="Weeks as a table").click()
    look()

    page.get_by_role("link", name="Today", exact=True).click()
    search = page.get_by_label("Find a runner")
    search.fill(f"Qxsearch{word}")
    search.press("Enter")
    expect(page.get_by_text("Nobody fits")).to_be_visible()
    look()

    page.get_by_role("link", name="Import runs", exact=True).click()
    look()
    start = datetime.now(ZoneInfo(CHICAGO)).replace(hour=7, minute=0) - timedelta(days=8)
    (folder / f"Qxupload{word}.tcx").write_bytes(tcx_run(start=start, gps=False))
    (folder / f"Qxupload{word}-broken.fit").write_bytes(fit_run()[:-200] + f"Qxsaid{word}".encode())
    (folder / f"Qxupload{word}-torn.gpx").write_text(f"<gpx><trk><name>Qxsaid{word}</name><trkseg><trkpt lat='Qxsaid{word}'")
    (folder / f"Qxupload{word}.csv").write_text(f"Qxsaid{word},moment,nprs\n2025-03-05,Qxsaid{word},3\n")
    page.get_by_test_id("stFileUploader").locator("input").set_input_files(sorted(folder.glob("Qx*")))
    expect(page.get_by_text(f"Qxupload{word}.tcx").first).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("4 files:")).to_be_visible()
    look()

    page.get_by_role("link", name="Pain diary", exact=True).click()
    look()
    page.get_by_role("button", name="Correct a score").click()
    look()
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Patients", exact=True).click()
    look()
    page.get_by_role("tab", name="New patient").click()
    page.get_by_role("textbox", name="First name").fill(f"Qxtyped{word}")
    page.get_by_role("textbox", name="Patient code").fill(f"Qxtyped{word} is no code")
    page.get_by_role("button", name="Add the patient").click()
    expect(page.get_by_text("A patient code is 1 to 40 letters")).to_be_visible()
    look()

    with broken(
        hunted,
        f"UPDATE patient SET time_zone = 'Qxbroken{word}'",
        f"UPDATE patient SET time_zone = '{CHICAGO}'",
    ):
        page.goto(f"{hunted.address}/pain-diary?{hunted.query}")
        fault = page.get_by_text("Its number in the log is")
        expect(fault).to_be_visible()
        number = re.search(r"log is ([0-9a-f]{8})", fault.inner_text())
        assert number is not None
        assert number[1] in hunted.faults
        look()
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.length, window.name])")
    databases = page.evaluate("indexedDB.databases().then(all => JSON.stringify(all))")
    caches = page.evaluate("caches.keys().then(keys => JSON.stringify(keys))")
    entries = page.evaluate("JSON.stringify(performance.getEntries().map(entry => entry.name))")
    cookies = str(page.context.cookies()) + str(page.context.storage_state())
    assert all(title.strip() for title in titles)
    assert databases == caches == "[]"
    hunted.seen = {
        "addresses": "\n".join(addresses),
        "titles": "\n".join(titles),
        "storage": stored + databases + caches,
        "entries": entries,
        "cookies": cookies,
    }


# --------------------------------------------------------------------------------------------------------------------
# Searching
# --------------------------------------------------------------------------------------------------------------------

NOT_THE_SERVERS = {".git", ".venv", "__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", "var"}


def files_left(hunted: Hunt) -> Iterator[Path]:
    """Give all files that the server may have written: its log, its home, its temporary folder, and what is new where it ran."""
    yield hunted.place / "server.log"
    for folder in ("home", "tmp"):
        yield from (path for path in (hunted.place / folder).rglob("*") if path.is_file())
    for folder, inside, names in os.walk(ROOT):
        inside[:] = [name for name in inside if name not in NOT_THE_SERVERS]
        yield from (path for name in names if (path := Path(folder) / name).stat().st_mtime >= hunted.started)


def hits(hunted: Hunt) -> list[str]:
    """Search every byte of what is left."""
    found = [f"{text} in {path}" for path in files_left(hunted) for text in found_in(hunted.texts, path.read_bytes())]
    found += [
        f"{text} in the browser's {what}" for what, content in hunted.seen.items() for text in found_in(hunted.texts, content.encode())
    ]
    for row in hunted.scene.rows("audit_event"):
        told = {name: value for name, value in row.items() if name != "actor"}  # who did it is what an audit is for
        found += [f"{text} in the audit, row {row['seq']}: {row['action']}" for text in found_in(hunted.names, str(told).encode())]
    return found


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


def test_after_everything_was_done_and_broken_no_text_of_anybody_is_left_where_it_does_not_belong(
    sqlite_template: Path, tmp_path: Path, uploads: Path, page: Page
) -> None:
    with hunt(sqlite_template, tmp_path / "place") as hunted:
        drive_the_door(hunted)
        drive_the_browser(hunted, page, uploads)
        drive_faults(hunted)
        faults, found = len(hunted.faults), hits(hunted)
    print(f"{faults} faults forced, {len(hunted.texts)} canaries, {len(found)} hits")
    assert found == []
    assert faults >= FAULTS_MIN
    assert b"Traceback" not in hunted.log.encode()


def test_the_search_finds_what_libraries_would_have_written(sqlite_template: Path, tmp_path: Path) -> None:
    """The control: the same app without its own way of logging."""
    command = (
        "-m",
        "uvicorn",
        "tests.unredacted:app",
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--no-access-log",
        "--log-level",
        "warning",
    )
    with hunt(sqlite_template, tmp_path / "place", command) as hunted:
        word = word_of(hunted)
        with broken(hunted, f"UPDATE patient SET time_zone = 'Qxbroken{word}'", f"UPDATE patient SET time_zone = '{CHICAGO}'"):
            every_page(hunted, signed_in(hunted.scene.engine, hunted.address, hunted.scene.tess))
        assert any(f"Qxbroken{word} in " in hit and "server.log" in hit for hit in hits(hunted))


@pytest.mark.parametrize("where", ["home/x/state.json", "tmp/upload.bin"])
def test_the_search_finds_a_text_that_was_left_in_a_folder(sqlite_template: Path, tmp_path: Path, where: str) -> None:
    with hunt(sqlite_template, tmp_path / "place") as hunted:
        planted = hunted.place / where
        planted.parent.mkdir(exist_ok=True)
        planted.write_bytes(b"\x00\xff" + hunted.patient.texts["summary"].lower().encode() + b"\xfe")
        assert hits(hunted) == [f"{hunted.patient.texts['summary']} in {planted}"]


def test_the_search_looks_at_addresses_titles_and_the_audit(sqlite_template: Path, tmp_path: Path) -> None:
    with hunt(sqlite_template, tmp_path / "place") as hunted:
        hunted.seen = {"addresses": f"http://127.0.0.1/patient?name={hunted.patient.texts['family']}"}
        assert hits(hunted) == [f"{hunted.patient.texts['family']} in the browser's addresses"]
        hunted.seen = {}
        assert hits(hunted) == []
