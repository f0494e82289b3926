"""
Texts of people and files are never read as anything but text, in a real browser, with the policy that would stop a script and without.

`HOSTILE=1` opens the pages of every single one, `HOSTILE=8` of every eighth; without it a smaller share. All of them stand in the lists and on one chart in any case.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from access.cookies import COOKIE
from data import records
from data.database import make_engine
from models import ChangeKind, SiteKind, VisitStatus, plain_text
from pages.shared.shell import PAGES
from tests.browser import settle
from tests.clinic_scene import Scene, new_scene, run_on, score_on
from tests.conftest import _copy_of
from tests.hostile_texts import OUTSIDE, hostile_texts
from tests.serving import served
from tests.visiting import Visitor

TEXTS = list(hostile_texts())
SHARE = int(os.environ.get("HOSTILE", "62"))  # every so many-th one has its own pages opened
# Those that name an address become links last of all, after everything else was taken for text.
ALONE = [number for number, text in enumerate(TEXTS) if number % SHARE == 0 or text.startswith(("www.", "http://"))]
FILES_AT_ONCE = 40
FIRST_DAY = date(2024, 1, 8)
COUNTING = "window.ranCount = 0; window.ran = () => { window.ranCount += 1; };"
# What stands on no page of ours unless a text became it.
BECOME = (
    f'[data-h], a[href*="{OUTSIDE}"], a[href^="javascript:" i], [src*="{OUTSIDE}"], .katex, iframe, '
    '[data-testid="stMarkdownContainer"] :is(img, table, blockquote, pre, h6)'
)


@dataclass
class Hostile:
    """The served clinic, its therapist's cookie, and the episodes by the number of the text that they bear."""

    address: str
    token: str
    episodes: dict[int, str]
    chart: str  # the key of the episode with all texts on its chart


@dataclass
class Watched:
    """A browser's page and everything that a text could have done on it."""

    page: Page
    address: str
    outside: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def harm(self) -> dict[str, object]:
        """Give what was done; empty if nothing was."""
        done = {
            "scripts run": self.page.evaluate("window.ranCount"),
            "elements made": self.page.locator(BECOME).count(),
            "asked outside": list(self.outside),
            "dialogs": list(self.dialogs),
        }
        return {what: count for what, count in done.items() if count}

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}/{path}")
        settle(self.page)


@contextmanager
def watched(browser: Browser, clinic: Hostile, *, with_policy: bool) -> Iterator[Watched]:
    context: BrowserContext = browser.new_context(
        bypass_csp=not with_policy, viewport={"width": 1440, "height": 1000}, reduced_motion="reduce"
    )
    context.add_cookies([{"name": COOKIE, "value": clinic.token, "url": clinic.address}])
    context.add_init_script(COUNTING)
    page = context.new_page()
    seen = Watched(page, clinic.address)

    def note(url: str) -> None:
        if not url.startswith((clinic.address, clinic.address.replace("http", "ws"), "data:", "blob:", "about:")):
            seen.outside.append(url)

    page.on("request", lambda request: note(request.url))
    page.on("websocket", lambda socket: note(socket.url))
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    context.on("page", lambda opened: seen.outside.append(f"a window of its own: {opened.url}") if opened is not page else None)
    yield seen
    context.close()


def write_everywhere(scene: Scene) -> tuple[dict[int, str], str]:
    """Put each text into every field of a patient of its own, and all of them onto one chart."""
    episodes = {}
    for number, text in enumerate(TEXTS):
        patient = scene.patient(f"H{number:03d}", given_name=text, family_name="" if number % 2 else text)
        episodes[number] = scene.episode(patient, problem=text, goal=text, diagnosis_label=text)
        if number in ALONE:
            scene.run(patient, run_on(date(2025, 3, 3), device=text))
            scene.score(patient, score_on(date(2025, 3, 3), 3))
            note_all(scene, episodes[number], text, date(2025, 3, 3))
    charted = scene.patient("CHART", given_name="Chart", family_name="Ofall")
    chart = scene.episode(charted, started_on=FIRST_DAY)
    for number, text in enumerate(TEXTS):
        day = FIRST_DAY + timedelta(days=number)
        if number % 10 == 0:
            scene.run(charted, run_on(day, device=text, distance_m=5_000))
        note_all(scene, chart, text, day, kinds=(0, 1, 2) if SHARE == 1 else (number % 3,))
    return episodes, chart


def note_all(scene: Scene, episode: str, text: str, day: date, kinds: Iterable[int] = (0, 1, 2)) -> None:
    """Put a text onto a chart: as the words of a change, of a plan, of a visit."""
    engine, tess, said = scene.engine, scene.tess, plain_text(text)
    for kind in kinds:
        if kind == 0:
            records.add_change(engine, tess, episode, day=day, kind=ChangeKind.SHOE, label=said)
        elif kind == 1:
            scene.plan(episode, day - timedelta(days=day.weekday()), reason=said, weekly_distance_m=20_000)
        else:
            arrived = {"kind": SiteKind.IN_PERSON, "status": VisitStatus.ARRIVED}
            records.add_visit(engine, tess, episode, visit_date=day, summary=said, **arrived)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def clinic(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    from access import sessions

    folder = tmp_path_factory.mktemp("hostile")
    url = _copy_of(sqlite_template, folder)
    scene = new_scene(make_engine(url))
    episodes, chart = write_everywhere(scene)
    with served(url, folder / "server.log") as address:
        yield Hostile(address, sessions.start(scene.engine, scene.tess.person_id or 0), episodes, chart)
    scene.engine.dispose()


def written(text: str) -> str:
    """Give a text as it must be shown: in one line, without what is invisible and turns it."""
    return " ".join(plain_text(text).split())


def shown(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").replace("\u2060", "").split())


@pytest.fixture(params=[True, False], ids=["with the policy", "without it"])
def seen(request: pytest.FixtureRequest, browser: Browser, clinic: Hostile) -> Iterator[Watched]:
    with watched(browser, clinic, with_policy=request.param) as started:
        yield started


def test_all_texts_at_once_in_every_list_and_on_one_chart_do_nothing(clinic: Hostile, seen: Watched) -> None:
    for page in PAGES:
        first = page is PAGES[0]  # it has no address of its own
        seen.open(f"{'' if first else page.url}?episode={clinic.chart}")
        assert seen.harm() == {}, page.url
    seen.open(f"patient?episode={clinic.chart}&range=all")
    expect(seen.page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    plot = seen.page.locator(".js-plotly-plot").first.bounding_box()
    assert plot is not None
    for part in range(30):  # the marks and what they say when one points at them
        seen.page.mouse.move(plot["x"] + plot["width"] * (0.1 + 0.8 * part / 30), plot["y"] + plot["height"] * (0.04 if part % 2 else 0.3))
    assert seen.harm() == {}
    for tab in seen.page.get_by_role("tab").all():
        tab.click()
        settle(seen.page)
        assert seen.harm() == {}
    seen.page.get_by_role("button", name="Other runner").click()
    seen.page.get_by_role("combobox", name=re.compile("Choose a runner")).click()
    expect(seen.page.get_by_role("option").first).to_be_visible()
    assert seen.harm() == {}


def test_one_at_a_time_each_is_the_title_as_it_was_written(clinic: Hostile, seen: Watched) -> None:
    for number in ALONE:
        name = written(TEXTS[number] if number % 2 else f"{TEXTS[number]} {TEXTS[number]}")
        seen.open(f"patient?episode={clinic.episodes[number]}")
        heading = seen.page.get_by_role("heading", level=1)
        expect(heading).to_be_visible()
        assert shown(heading.inner_text()) == name
        assert written(TEXTS[number]) in shown(seen.page.get_by_test_id("stMain").inner_text())  # the problem, under the name
        assert seen.page.title() == "Still Running"
        assert seen.harm() == {}, TEXTS[number]
        seen.open(f"pain-diary?episode={clinic.episodes[number]}")
        assert shown(seen.page.get_by_role("heading", level=1).inner_text()) == f"Pain diary: {name}"
        assert seen.harm() == {}, TEXTS[number]
        _go_to_import(seen)
        assert name in shown(seen.page.get_by_test_id("stFileUploader").inner_text())
        assert seen.harm() == {}, TEXTS[number]
    print(f"{len(ALONE)} hostile texts, each on 3 pages of its own: nothing run, nothing asked outside, all shown as written")


def _go_to_import(seen: Watched) -> None:
    seen.page.get_by_role("link", name="Import runs", exact=True).click()  # it keeps the runner of the page before
    expect(seen.page.get_by_role("heading", name="Import runs")).to_be_visible()
    expect(seen.page.get_by_test_id("stFileUploader")).to_be_visible()
    settle(seen.page)


def test_files_with_such_names_and_contents_are_reported_as_text(clinic: Hostile, seen: Watched) -> None:
    seen.open(f"patient?episode={clinic.chart}")
    _go_to_import(seen)
    of_every_kind = TEXTS if SHARE == 1 else TEXTS[::8]
    for start in range(0, len(of_every_kind), FILES_AT_ONCE):
        some = of_every_kind[start : start + FILES_AT_ONCE]
        files = [
            {"name": f"{plain_text(text).replace('/', '∕')}.csv", "mimeType": "text/csv", "buffer": f'"{text}",nprs\n{number},3\n'.encode()}
            for number, text in enumerate(some)
        ]
        seen.page.get_by_test_id("stFileUploader").locator("input").set_input_files(files)  # type: ignore[arg-type]
        expect(seen.page.get_by_role("button", name=re.compile("^Remove"))).to_have_count(len(some))
        assert seen.harm() == {}
        seen.page.get_by_role("button", name="Import", exact=True).click()
        expect(seen.page.get_by_text(re.compile(rf"^{len(some)} files: 0 runs"))).to_be_visible()
        settle(seen.page)
        assert seen.harm() == {}


def test_what_is_typed_comes_back_as_it_was_typed(clinic: Hostile, seen: Watched) -> None:
    seen.open("")
    for text in TEXTS[:: SHARE * 4 if SHARE == 1 else 60]:
        search = seen.page.get_by_label("Find a runner")
        search.fill(f"nobody {plain_text(text)}")
        search.press("Enter")
        said = seen.page.get_by_text("Nobody fits")
        expect(said).to_contain_text(written(text)[-3:])
        settle(seen.page)
        assert f"nobody {written(text)}" in shown(said.inner_text())
        assert seen.harm() == {}


def test_the_server_sends_every_text_as_it_was_written_in_lists(clinic: Hostile) -> None:
    """Tables are drawn on a canvas: what they are given is looked at."""
    with Visitor(clinic.address, {COOKIE: clinic.token}).window() as window:
        window.ask("today")
        listed = window.take_in().decode("utf-8", "replace")
    assert [text for text in TEXTS if plain_text(text) not in listed] == []


def test_the_door_repeats_nothing_of_what_was_typed_but_as_text(clinic: Hostile, seen: Watched) -> None:
    seen.page.context.clear_cookies()
    for text in TEXTS[:: SHARE * 4 if SHARE == 1 else 60]:
        seen.page.goto(f"{clinic.address}/login?next={quote('/patient?x=' + text, safe='')}")
        seen.page.get_by_label("Name").fill(plain_text(text)[:90])
        seen.page.get_by_label("Passphrase").fill("wrong")
        seen.page.get_by_role("button", name="Sign in").click()
        expect(seen.page.get_by_role("alert")).to_be_visible()
        assert seen.harm() == {}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("<img src=x onerror=ran()>", "scripts run"),
        ("<b data-h>x</b>", "elements made"),
        (f"<img src=http://{OUTSIDE}/x>", "asked outside"),
        ("<script>alert(1)</script>", "dialogs"),
    ],
)
def test_harm_would_be_seen(clinic: Hostile, browser: Browser, content: str, found: str) -> None:
    with watched(browser, clinic, with_policy=False) as seen:
        seen.page.goto(f"{clinic.address}/healthz")
        seen.page.set_content(content, wait_until="load")
        seen.page.wait_for_function("window.ranCount > 0") if found == "scripts run" else None
        assert found in seen.harm()
