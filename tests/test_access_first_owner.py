"""How a real clinic begins, as served: until there is an owner who can sign in, nothing answers but the way to make one."""

import asyncio
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from sqlmodel import col
from websockets.exceptions import InvalidStatus

from access import first_owner, people, sessions
from data import database, queries
from data.database import make_engine, writing
from data.people import everybody
from data.permissions import COMMAND_LINE
from models import Account, Clinic, ExternalIdentity, Role, SignInStep
from tests.clinic_scene import CHICAGO, new_scene
from tests.serving import served
from tests.visiting import FROM_OUR_PAGE, HTML, Answer, Visitor

GOOD = "orange kettle morning"
FILLED = {"name": "Fay First", "login_name": "Fay", "passphrase": GOOD, "again": GOOD}
_COUNT = itertools.count()
PRINTED = re.compile(r"^ +(/set-up/[\w-]{43})$", re.MULTILINE)


@pytest.fixture
def clinic(sqlite_url: str) -> sa.Engine:
    """Give a real clinic as `python -m data init` leaves it, but not encrypted: nobody works there."""
    engine = make_engine(sqlite_url)
    with writing(engine) as connection:
        connection.execute(sa.insert(Clinic).values(id=1, name="Two Rivers", time_zone=CHICAGO, week_start=0, is_demo=False))
    return engine


class Started:
    """A server of a clinic, and what it printed."""

    def __init__(self, address: str, log: Path) -> None:
        self.address, self.log = address, log

    @property
    def links(self) -> list[str]:
        return PRINTED.findall(self.log.read_text())

    def ask(self, path: str, form: dict[str, str] | None = None, **options: dict[str, str]) -> Answer:
        headers = {**HTML, **(FROM_OUR_PAGE if form is not None else {}), **options.get("headers", {})}
        return Visitor(self.address).ask("GET" if form is None else "POST", path, form=form, headers=headers)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[sa.Engine], Started]]:
    """Give a function that starts a server on a clinic; all of them end with the test."""
    with ExitStack() as running:

        def started(engine: sa.Engine) -> Started:
            log = tmp_path / f"server-{next(_COUNT)}.log"
            return Started(running.enter_context(served(engine.url.render_as_string(hide_password=False), log)), log)

        yield started


def owners(engine: sa.Engine) -> list[str]:
    return [row.name for row in everybody(engine, COMMAND_LINE) if Role.OWNER in row.roles]


# --------------------------------------------------------------------------------------------------------------------
# Before there is an owner
# --------------------------------------------------------------------------------------------------------------------


def test_before_there_is_an_owner_nothing_answers_but_the_way_to_make_one(clinic: sa.Engine, start: Callable[[sa.Engine], Started]) -> None:
    server = start(clinic)
    visitor = Visitor(server.address)
    for path in ("/", "/login", "/today", "/people", "/patient?episode=a", "/_stcore/host-config", "/anything", "/set-upx"):
        for method in ("GET", "POST"):
            answer = visitor.ask(method, path, headers={**HTML, **FROM_OUR_PAGE})
            assert (answer.status, "<h1>Not set up yet</h1>" in answer.text) == (503, True), (method, path)
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-frame-options"] == "DENY"
    with pytest.raises(InvalidStatus) as refused, visitor.window():
        pass
    assert refused.value.response.status_code == 403
    assert visitor.ask("GET", "/healthz").status == 200
    assert visitor.ask("GET", "/_stcore/health").status == 200
    assert visitor.ask("GET", "/set-passphrase/made-up").status == 404
    assert server.links[0] not in visitor.ask("GET", "/").text


def test_a_session_that_somebody_has_is_worth_nothing_while_there_is_no_owner(
    sqlite_url: str, start: Callable[[sa.Engine], Started]
) -> None:
    scene = new_scene(make_engine(sqlite_url))
    token = sessions.start(scene.engine, scene.tess.person_id or 0)
    with writing(scene.engine) as connection:
        connection.execute(sa.delete(Account))
    answer = Visitor(start(scene.engine).address, {"still_running": token}).ask("GET", "/", headers=HTML)
    assert answer.status == 503


def test_the_link_makes_the_owner_who_then_signs_in_and_sees_the_clinic(clinic: sa.Engine, start: Callable[[sa.Engine], Started]) -> None:
    server = start(clinic)
    (link,) = server.links
    form = server.ask(link)
    assert (form.status, "Set up Two Rivers" in form.text) == (200, True)
    assert "script-src" not in form.headers["content-security-policy"]
    made = server.ask(link, FILLED)
    assert (made.status, made.location) == (303, "/login")
    (row,) = everybody(clinic, COMMAND_LINE)
    assert (row.name, row.login_name, row.roles, row.has_passphrase) == ("Fay First", "fay", {Role.OWNER}, True)
    visitor = Visitor(server.address)
    assert visitor.sign_in(name="fay", passphrase=GOOD).status == 303
    with visitor.window() as window:
        assert "Fay First" in window.show("people")
    # used up, and there is an owner now: it looks like one that never was
    gone = [server.ask(path, form) for path in (link, "/set-up/made-up", "/set-up/", "/set-up/a/b") for form in (None, FILLED)]
    assert {(answer.status, answer.text) for answer in gone} == {(404, gone[0].text)}
    assert owners(clinic) == ["Fay First"]


def test_an_owner_who_also_treats_is_a_therapist_too(clinic: sa.Engine, start: Callable[[sa.Engine], Started]) -> None:
    server = start(clinic)
    assert server.ask(server.links[0], {**FILLED, "also_treats": "yes"}).status == 303
    assert everybody(clinic, COMMAND_LINE)[0].roles == {Role.OWNER, Role.THERAPIST}


@pytest.mark.parametrize("why", ["made up", "expired", "of another kind"])
def test_a_link_that_does_not_hold_answers_as_one_that_never_was(
    clinic: sa.Engine, start: Callable[[sa.Engine], Started], why: str
) -> None:
    server = start(clinic)
    link = server.links[0]
    never = server.ask("/set-up/never-was")
    if why == "made up":
        link = f"{link[:-1]}{'a' if link[-1] != 'a' else 'b'}"
    with writing(clinic) as connection:
        if why == "expired":
            created = sa.select(col(SignInStep.created_at_utc)).scalar_subquery()
            connection.execute(sa.update(SignInStep).values(expires_at_utc=created))
        if why == "of another kind":
            connection.execute(sa.update(SignInStep).values(kind="second_factor"))
    for form in (None, FILLED):
        answer = server.ask(link, form)
        assert (answer.status, answer.text) == (404, never.text)
    assert owners(clinic) == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": " "}, "A name has 1 to 200 characters"),
        ({"login_name": ""}, "A login name has 1 to 100 characters"),
        ({"login_name": "x" * 101}, "A login name has 1 to 100 characters"),
        ({"again": "orange kettle evening"}, "The two passphrases are not the same"),
        ({"passphrase": "short", "again": "short"}, "at least 12 characters"),
        ({"login_name": "kettlewright", "passphrase": "kettlewrightx", "again": "kettlewrightx"}, "easy to guess"),
    ],
)
def test_what_cannot_be_right_is_said_and_the_link_still_holds(
    clinic: sa.Engine, start: Callable[[sa.Engine], Started], typed: dict[str, str], said: str
) -> None:
    server = start(clinic)
    answer = server.ask(server.links[0], {**FILLED, **typed})
    assert (answer.status, said in answer.text) == (422, True)
    assert owners(clinic) == []
    assert GOOD not in answer.text
    assert server.ask(server.links[0], FILLED).status == 303


def test_what_was_typed_stands_there_again_as_text(clinic: sa.Engine, start: Callable[[sa.Engine], Started]) -> None:
    server = start(clinic)
    hostile = '"><img src=x onerror=alert(1)>'
    answer = server.ask(server.links[0], {**FILLED, "name": hostile, "again": "", "also_treats": "yes"})
    assert "<img" not in answer.text
    assert "&quot;&gt;&lt;img src=x" in answer.text
    assert "checked" in answer.text


def test_a_form_of_another_site_makes_nobody(clinic: sa.Engine, start: Callable[[sa.Engine], Started]) -> None:
    server = start(clinic)
    for site in ("cross-site", "same-site", "none"):
        assert server.ask(server.links[0], FILLED, headers={"Sec-Fetch-Site": site}).status == 403
    assert owners(clinic) == []


def test_a_new_start_prints_a_new_link_and_ends_the_one_before(clinic: sa.Engine, start: Callable[[sa.Engine], Started]) -> None:
    first = start(clinic)
    second = start(clinic)
    assert first.links != second.links
    assert second.ask(first.links[0]).status == 404
    assert second.ask(second.links[0]).status == 200
    with clinic.connect() as connection:
        (step,) = connection.execute(sa.select(SignInStep.metadata.tables["sign_in_step"])).all()
    assert step.expires_at_utc - step.created_at_utc == timedelta(hours=24)
    assert second.links[0].removeprefix("/set-up/") not in str(step)


# --------------------------------------------------------------------------------------------------------------------
# With one
# --------------------------------------------------------------------------------------------------------------------


def test_with_an_owner_and_in_the_demo_nothing_is_printed_and_nothing_is_there(
    sqlite_url: str, demo_url: str, start: Callable[[sa.Engine], Started]
) -> None:
    scene = new_scene(make_engine(sqlite_url))
    for engine in (scene.engine, make_engine(demo_url)):
        server = start(engine)
        assert server.ask("/login").status == 200
        assert server.ask("/set-up/anything").status == 404
        assert "set-up" not in server.log.read_text()


def test_an_owner_of_the_command_line_comes_in_by_their_own_link(clinic: sa.Engine, start: Callable[[sa.Engine], Started]) -> None:
    link = people.add(COMMAND_LINE, name="Olga", roles=[Role.OWNER], login_name="olga", database=clinic)
    assert link is not None
    server = start(clinic)
    assert server.ask("/login").status == 503  # nobody could sign in yet
    assert server.ask(link.path, {"passphrase": GOOD, "again": GOOD}).status == 303
    assert server.ask("/login").status == 200
    assert server.ask(server.links[0]).status == 404
    assert Visitor(server.address).sign_in(name="olga", passphrase=GOOD).status == 303


def test_an_owner_who_is_linked_by_single_sign_on_is_one(clinic: sa.Engine, start: Callable[[sa.Engine], Started]) -> None:
    people.add(COMMAND_LINE, name="Olga", roles=[Role.OWNER], login_name="olga", email="olga@clinic.example", database=clinic)
    with writing(clinic) as connection:
        person_id = everybody(clinic, COMMAND_LINE)[0].person_id
        connection.execute(sa.insert(ExternalIdentity).values(issuer="https://id.example", subject="1", person_id=person_id))
    assert start(clinic).ask("/login").status == 200


def test_once_an_owner_was_seen_the_database_is_not_asked_again_and_another_one_is(
    sqlite_url: str, clinic: sa.Engine, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    has_owner = first_owner.people.has_owner

    def counted(engine: sa.Engine) -> bool:
        asked.append(str(engine.url))
        return has_owner(engine)

    monkeypatch.setattr(first_owner.people, "has_owner", counted)

    def missing(url: str) -> list[bool]:
        monkeypatch.setenv("DATABASE_URL", url)
        database.engine.cache_clear()
        return [asyncio.run(first_owner.is_missing()) for _ in range(3)]

    assert missing(demo_url) == [False] * 3
    assert len(asked) == 1
    assert missing(sqlite_url) == [True] * 3
    assert len(asked) == 4
    assert missing(demo_url) == [False] * 3
    assert len(asked) == 5
    database.engine.cache_clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_serious_fault_for_people_who_use_it_otherwise(
    clinic: sa.Engine, start: Callable[[sa.Engine], Started], page: Page, scheme: Literal["light", "dark"]
) -> None:
    """Checked by axe, filled in by a browser."""
    server = start(clinic)
    page.emulate_media(color_scheme=scheme)
    page.goto(server.address)
    assert Axe().run(page).response["violations"] == []
    page.goto(f"{server.address}{server.links[0]}")
    assert Axe().run(page).response["violations"] == []
    page.get_by_label("Your name").fill("Fay First")
    page.get_by_label("Login name").fill("fay")
    page.get_by_label("Passphrase").fill(GOOD)
    page.get_by_label("The same again").fill(GOOD)
    page.get_by_label("I also treat patients").check()
    page.get_by_role("button", name="Make me the owner").click()
    page.wait_for_url("**/login")
    assert [person.roles for person in queries.people(clinic)] == [{Role.OWNER, Role.THERAPIST}]
