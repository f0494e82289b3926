"""Who reaches whom at the served app: every page and key by address, by the raw WebSocket, and by widgets that a browser would not send."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import InvalidStatus

from data.database import make_engine, writing
from models import Person, Role, Viewer
from pages.shared.shell import PAGES
from tests.canaries import FACTS, REGISTER, Canary, add_person, new_clinic, signed_in
from tests.clinic_scene import Scene
from tests.conftest import _copy_of
from tests.serving import served
from tests.visiting import FROM_OUR_PAGE, HTML, Visitor

URLS = ("", *(page.url for page in PAGES), "no-such-page")
# Both are as long as a real key: what differs between a foreign and a missing one is not its length.
MISSING, GARBAGE = "nosuchkey0123456", "' OR 1=1 --"
# Whom everybody reaches, by the words of tests/canaries.py; "register": name, code and birth date only.
REACH: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "therapist": {"all": ("own", "site")},
    "owner": {},
    "front desk": {"register": ("own", "site", "foreign", "discharged", "owens")},
    "owner and therapist": {"all": ("own", "site", "owens")},
    "nobody": {},
}


@dataclass
class Clinic:
    """The clinic of tests/canaries.py as served."""

    address: str
    scene: Scene
    canaries: dict[str, Canary]
    people: dict[str, Viewer]
    tried: int = 0
    leaks: list[str] = field(default_factory=list)

    def visitor(self, who: str) -> Visitor:
        return signed_in(self.scene.engine, self.address, self.people[who])

    def not_theirs(self, who: str) -> list[str]:
        """Give every text that must never come to somebody."""
        reach = REACH[who]
        hidden: list[str] = []
        for word, canary in self.canaries.items():
            fields = set(REGISTER) | set(FACTS)
            if word in reach.get("all", ()):
                fields = set()
            elif word in reach.get("register", ()):
                fields = set(FACTS)
            hidden += canary.of(*sorted(fields))
        return hidden

    def look(self, who: str, seen: bytes, where: str) -> None:
        """Count a try; note what was seen and must not be."""
        self.tried += 1
        text = seen.decode("utf-8", "replace").casefold()
        self.leaks += [
            f"{who} saw {text_of_others} at {where}" for text_of_others in self.not_theirs(who) if text_of_others.casefold() in text
        ]

    def keys(self) -> dict[str, str]:
        return {word: canary.episode for word, canary in self.canaries.items()} | {"missing": MISSING, "garbage": GARBAGE}


@pytest.fixture(scope="module")
def clinic(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder = tmp_path_factory.mktemp("reach")
    url = _copy_of(sqlite_template, folder)
    engine = make_engine(url)
    scene, canaries = new_clinic(engine)
    people = {
        "therapist": scene.tess,
        "owner": scene.olga,
        "front desk": scene.fred,
        "owner and therapist": next(who for who in _people(engine) if who.name == "Owen"),
        "nobody": add_person(engine, "Nora", [], [scene.lakeside, scene.harbour]),
    }
    with served(url, folder / "server.log") as address:
        yield Clinic(address, scene, canaries, people)
    engine.dispose()


def _people(engine: sa.Engine) -> list[Viewer]:
    from data import queries

    return queries.people(engine)


@pytest.mark.parametrize("who", REACH)
def test_every_page_by_address_and_websocket_shows_only_who_is_in_reach(clinic: Clinic, who: str) -> None:
    visitor, before = clinic.visitor(who), clinic.tried
    asked = list(itertools.product(URLS, clinic.keys().items()))
    for url, (word, key) in asked:
        one = quote(key, safe="")
        for path in (f"/{url}?episode={one}", f"/{url}/{one}", f"/{url}?patient={one}&key={one}&id={one}"):
            answer = visitor.ask("GET", path, headers=HTML)
            clinic.look(who, answer.text.encode() + str(answer.headers).encode(), f"GET {path} ({word})")
    for url, (word, key) in asked:
        one = quote(key, safe="")
        with visitor.window() as window:  # a new one each time: nothing is remembered from the last
            window.ask(url, f"episode={one}")
            clinic.look(who, window.take_in(), f"{url}?episode= ({word})")
            window.ask(f"{url}/{one}", f"patient={one}&key={one}&range={one}")
            clinic.look(who, window.take_in(), f"{url}/… ({word})")
    assert clinic.leaks == []
    assert clinic.tried - before == 5 * len(asked)
    print(f"{who}: {clinic.tried - before} tries by address and WebSocket, {len(clinic.leaks)} leaks")


def test_who_is_in_reach_is_shown_so_that_the_search_can_find_something(clinic: Clinic) -> None:
    own = clinic.canaries["own"]
    with clinic.visitor("therapist").window() as window:
        window.ask("patient", f"episode={own.episode}")
        seen = window.take_in().decode("utf-8", "replace")
        for name in ("given", "family", "problem", "change", "summary", "reason"):
            assert own.texts[name] in seen, name
        window.ask("patients")
        assert own.texts["code"] in window.take_in().decode("utf-8", "replace")
    with clinic.visitor("front desk").window() as window:
        window.ask("patients")
        seen = window.take_in().decode("utf-8", "replace")
    assert [clinic.canaries[word].texts["code"] in seen for word in clinic.canaries] == [True] * 5
    before = list(clinic.leaks)
    clinic.look("owner", own.texts["code"].lower().encode(), "a control")
    assert len(clinic.leaks) == len(before) + 1
    clinic.leaks[:] = before


# --------------------------------------------------------------------------------------------------------------------
# Foreign and missing look alike
# --------------------------------------------------------------------------------------------------------------------


def _masked(text: str, key: str) -> str:
    """Give what a page sent, without what is random in every page."""
    text = text.replace(key, "KEY")
    text = re.sub(r"[0-9a-f]{32,}", "HASH", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    return re.sub(r"\b1\d{9,18}\b|(?<=timestamp: )\S+", "TIME", text)


@pytest.mark.parametrize("who", REACH)
@pytest.mark.parametrize("url", [page.url for page in PAGES if page.url != "audit"])  # that page takes no key, and lists the asking itself
def test_a_foreign_key_and_a_missing_one_look_exactly_alike(clinic: Clinic, who: str, url: str) -> None:
    foreign = [word for word in clinic.canaries if word not in REACH[who].get("all", ())]
    said = {}
    for word in (*foreign, "missing"):
        key = clinic.keys()[word]
        assert len(key) == len(MISSING)
        with clinic.visitor(who).window() as window:
            said[word] = _masked(window.show(url, f"episode={key}"), key)
    assert len(set(said.values())) == 1, {word: len(text) for word, text in said.items()}


def test_the_comparison_can_tell_pages_apart(clinic: Clinic) -> None:
    said = []
    for word in ("own", "missing"):
        key = clinic.keys()[word]
        with clinic.visitor("therapist").window() as window:
            said.append(_masked(window.show("patient", f"episode={key}"), key))
    assert said[0] != said[1]


# --------------------------------------------------------------------------------------------------------------------
# Widgets that a browser would not send
# --------------------------------------------------------------------------------------------------------------------


def forged(widget_id: str, value: str) -> Iterator[WidgetState]:
    """Give one value in every shape that a widget can be told."""
    yield WidgetState(id=widget_id, string_value=value)
    strings = WidgetState(id=widget_id)
    strings.string_array_value.data.append(value)
    yield strings
    if value.isdecimal():
        yield WidgetState(id=widget_id, int_value=int(value))
        yield WidgetState(id=widget_id, json_value=f'{{"selection": {{"rows": [{value}], "columns": [], "cells": [[{value}, "Runner"]]}}}}')


def numbers_of(canary: Canary) -> tuple[str, ...]:
    """Give what a patient is reached by: keys and numbers."""
    return (canary.patient, canary.episode, str(canary.run), str(canary.score))


def names_of(canary: Canary) -> tuple[str, ...]:
    """Give the words by which lists offer a patient."""
    return (f"{canary.name} · {canary.texts['problem']}", f"{canary.name} · {canary.texts['code']}")


def is_button(widget_id: str) -> bool:
    return any(f"-{word}" in widget_id or f"_{word}" in widget_id for word in ("save", "add", "import_now", "submit", "confirm", "export"))


@pytest.mark.parametrize("who", ["therapist", "front desk", "owner", "nobody"])
def test_forged_widgets_reach_nobody_else_and_change_nothing(clinic: Clinic, who: str) -> None:
    visitor, before, rows_before = clinic.visitor(who), clinic.tried, _rows_of_others(clinic)
    foreign, query = clinic.canaries["foreign"], f"episode={clinic.canaries['own'].episode}"
    # the names only without a button: stored, they would be ours
    values = [(value, False) for value in names_of(foreign)] + [(value, True) for value in numbers_of(foreign)]
    if who == "therapist":
        values += [(value, True) for value in (*numbers_of(clinic.canaries["discharged"]), GARBAGE)]
    shown_whole = 0
    for page in PAGES:
        with visitor.window() as window:
            window.ask(page.url, query)
            window.take_in()
            widgets = window.widget_ids()
        for one, (value, press) in itertools.product(widgets, values):
            for state in forged(one, value):
                buttons = [WidgetState(id=other, trigger_value=True) for other in widgets if press and other != one and is_button(other)]
                with visitor.window() as window:  # a window that was told nonsense stays broken: each one gets its own
                    window.ask(page.url, query, widgets=[state, *buttons])
                    seen = window.take_in()
                shown_whole += b"fault of the program" not in seen
                clinic.look(who, seen.replace(value.encode(), b""), f"{page.url}, {one[36:]} forged with {value!r}")
    assert clinic.leaks == []
    assert _rows_of_others(clinic) == rows_before
    tried = clinic.tried - before
    assert who == "nobody" or shown_whole > tried / 3  # else nothing but broken windows were tried
    print(f"{who}: {tried} forged widget values, {shown_whole} of them taken by the page, 0 leaks")


def _rows_of_others(clinic: Clinic) -> dict[str, object]:
    """Read all that is stored of the patients whom Tess does not reach."""
    scene = clinic.scene
    foreign = [clinic.canaries[word] for word in ("foreign", "discharged", "owens")]
    ids = [scene.rows("patient", key=canary.patient)[0]["id"] for canary in foreign]
    episodes = [scene.rows("episode_of_care", key=canary.episode)[0]["id"] for canary in foreign]
    tables = (
        "patient",
        "episode_of_care",
        "run",
        "pain_score",
        "rest_answer",
        "day_without_run",
        "log_coverage",
        "import_file",
        "pain_week",
    )
    rows: dict[str, object] = {}
    for table, number in itertools.product(tables, ids):
        named = "id" if table == "patient" else "patient_id"
        rows[f"{table} {number}"] = scene.rows(table, **{named: number})
    for table, number in itertools.product(("visit", "plan", "change"), episodes):
        rows[f"{table} {number}"] = scene.rows(table, episode_id=number)
    return rows


def test_a_correction_of_a_foreign_score_is_refused_by_its_number(clinic: Clinic) -> None:
    """The select box is forged to say a foreign score's number, its place and its words, with a value and the button beside it."""
    own, foreign = clinic.canaries["own"], clinic.canaries["foreign"]
    before = _rows_of_others(clinic)
    with clinic.visitor("therapist").window() as window:
        window.ask("pain-diary", f"episode={own.episode}")
        window.take_in()
        ids = {
            name: next(one for one in window.widget_ids() if f"-{name}_" in one)
            for name in ("correct_which", "correct_value", "correct_save")
        }
        for said in (str(foreign.score), "9", "Mon 3 Mar 2025 · Next morning, on rising · 3", f" {foreign.score}"):
            for which in forged(ids["correct_which"], said):
                value = WidgetState(id=ids["correct_value"])
                value.string_array_value.data.append("9")
                window.ask(
                    "pain-diary",
                    f"episode={own.episode}",
                    widgets=[which, value, WidgetState(id=ids["correct_save"], trigger_value=True)],
                )
                clinic.look("therapist", window.take_in(), f"a correction of {said!r}")
    assert clinic.leaks == []
    assert _rows_of_others(clinic) == before


# --------------------------------------------------------------------------------------------------------------------
# Files, and who is switched off
# --------------------------------------------------------------------------------------------------------------------


def test_uploads_and_media_of_others_answer_nobody(clinic: Clinic) -> None:
    theo = signed_in(clinic.scene.engine, clinic.address, clinic.scene.theo)
    with theo.window() as his:
        his.show("import-runs", f"episode={clinic.canaries['foreign'].episode}")
        for who in REACH:
            visitor = clinic.visitor(who)
            for method, path in itertools.product(
                ("GET", "PUT", "POST", "DELETE"),
                (f"/_stcore/upload_file/{his.streamlit_session}/x", "/media/" + "0" * 56 + ".csv", f"/_stcore/upload_file/{MISSING}/x"),
            ):
                answer = visitor.ask(method, path)
                clinic.look(who, answer.text.encode(), f"{method} {path}")
                if method == "GET" and answer.status == 200:  # the empty page that every unknown address gets
                    assert answer.text == visitor.ask("GET", "/", headers=HTML).text
                else:
                    assert answer.status >= 400, (method, path, answer.status)
    assert clinic.leaks == []


def test_who_is_switched_off_is_out_at_once_by_every_way(clinic: Clinic) -> None:
    engine = clinic.scene.engine
    sid = add_person(engine, "Sid", {Role.THERAPIST}, [clinic.scene.lakeside])
    visitor, key = signed_in(engine, clinic.address, sid), clinic.canaries["own"].episode
    with visitor.window() as window:
        assert clinic.canaries["own"].name in window.show("patient", f"episode={key}")
        with writing(engine) as connection:
            connection.execute(sa.update(Person).where(sa.column("id") == sid.person_id).values(is_active=False))
        for url, (word, one) in itertools.product(URLS, clinic.keys().items()):
            window.ask(url, f"episode={quote(one, safe='')}")
            clinic.look("nobody", window.take_in(), f"{url} of somebody switched off ({word})")
            answer = visitor.ask("GET", f"/{url}?episode={quote(one, safe='')}", headers=HTML)
            assert answer.status == 303
            clinic.look("nobody", answer.text.encode(), f"/{url} of somebody switched off ({word})")
    with pytest.raises(InvalidStatus), visitor.window():
        pass
    assert visitor.ask("POST", "/logout", headers=FROM_OUR_PAGE).status == 303
    assert clinic.leaks == []


def test_all_in_all_at_least_500_tries(clinic: Clinic) -> None:
    """Counts what the tests above tried; alone it tries them first."""
    if clinic.tried < 500:
        for who in REACH:
            test_every_page_by_address_and_websocket_shows_only_who_is_in_reach(clinic, who)
    print(f"{clinic.tried} tries to reach others at the served app, {len(clinic.leaks)} leaks")
    assert clinic.tried >= 500
    assert clinic.leaks == []
