"""The gate as served: who has no session gets nothing, who has one gets only what is theirs."""

import itertools
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from access import accounts, sessions, sign_in, web
from access.cookies import COOKIE, SECURE_COOKIE
from data import queries
from data.database import make_engine
from data.permissions import COMMAND_LINE
from models import Role, Viewer
from tests.clinic_scene import add_account, new_link, new_scene
from tests.conftest import _copy_of
from tests.serving import ROOT, served
from tests.visiting import FROM_OUR_PAGE, HTML, Visitor

PAGES = ("", "today", "patient", "pain-diary", "import-runs", "patients", "people", "audit")
INNER = (
    "/_stcore/metrics",
    "/_stcore/host-config",
    "/_stcore/script-health-check",
    "/_stcore/agent/openapi.json",
    "/_stcore/stream",
    "/_stcore/upload_file/a/b",
    "/import/a",
    "/import/a/b",
    "/media/a.png",
    "/component/a/b.js",
    "/app/static/a.txt",
    "/favicon.png",
    "/static/../patient",
    "/static//patient",
    "/anything",
)
GOOD = "orange kettle morning"


@dataclass(frozen=True)
class Demo:
    """The demo clinic as served, and two of its therapists."""

    address: str
    url: str
    alice: Viewer
    bob: Viewer
    alices_runner: queries.EpisodeRow
    names: tuple[str, ...]  # of patients and people, whole

    def visitor(self, who: Viewer | None = None) -> Visitor:
        visitor = Visitor(self.address)
        if who is not None:
            assert who.person_id is not None
            assert visitor.sign_in(person=who.person_id).status == 303
        return visitor


@pytest.fixture(scope="module")
def demo(demo_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("gate")
    url = _copy_of(demo_template, folder)
    engine = make_engine(url)
    people = queries.people(engine)
    therapists = [person for person in people if person.roles == {Role.THERAPIST}]
    reached = {who.person_id: {row.key: row for row in queries.episodes(engine, who)} for who in therapists}
    alice, bob, runner = next(
        (one, other, row)
        for one, other in itertools.permutations(therapists, 2)
        for key, row in reached[one.person_id].items()
        if row.status == "active" and key not in reached[other.person_id]
    )
    names = tuple({row.name for row in queries.patients(engine, COMMAND_LINE)} | {person.name for person in people})
    engine.dispose()
    with served(url, folder / "server.log") as address:
        yield Demo(address, url, alice, bob, runner, names)


# --------------------------------------------------------------------------------------------------------------------
# Without a session
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_on_a_cold_server_a_page_by_its_address_leads_to_the_sign_in_and_shows_nothing(demo: Demo, page: str) -> None:
    answer = demo.visitor().ask("GET", f"/{page}?episode={demo.alices_runner.key}", headers=HTML)
    assert answer.status == 303
    assert answer.location == f"/login?next=%2F{page}%3Fepisode%3D{demo.alices_runner.key}"
    assert answer.text == ""


@pytest.mark.parametrize("path", INNER)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_of_streamlit_answers_without_a_session(demo: Demo, path: str, method: str) -> None:
    for cookies in ({}, {COOKIE: "made-up"}, {SECURE_COOKIE: "made-up"}):
        answer = Visitor(demo.address, dict(cookies)).ask(method, path)
        assert (answer.status, answer.text) == (401, "Please sign in first.")


@pytest.mark.parametrize("cookies", [{}, {COOKIE: "made-up"}, {COOKIE: ""}])
def test_a_websocket_without_a_session_is_refused_before_it_opens(demo: Demo, cookies: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused, Visitor(demo.address, dict(cookies)).window():
        pass
    assert refused.value.response.status_code == 403


def test_the_public_pages_name_no_patient(demo: Demo) -> None:
    patients = set(demo.names) - {person.name for person in queries.people(make_engine(demo.url))}
    for path in ("/login", "/healthz", "/_stcore/health", "/static/no-such-file"):
        text = demo.visitor().ask("GET", path, headers=HTML).text
        assert not [name for name in patients if name in text]
    assert json.loads(demo.visitor().ask("GET", "/healthz").text) == {"ok": True}


# --------------------------------------------------------------------------------------------------------------------
# With one
# --------------------------------------------------------------------------------------------------------------------


def test_who_signed_in_sees_their_own_page_and_the_cookie_says_nothing(demo: Demo) -> None:
    visitor = demo.visitor()
    answer = visitor.sign_in(person=demo.alice.person_id, wanted=f"/patient?episode={demo.alices_runner.key}")
    assert (answer.status, answer.location) == (303, f"/patient?episode={demo.alices_runner.key}")
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(r"still_running=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", cookie)
    assert visitor.ask("GET", "/patient", headers=HTML).status == 200
    with visitor.window() as window:
        seen = window.show("patient", f"episode={demo.alices_runner.key}")
    assert demo.alices_runner.patient_name in seen
    assert demo.alice.name in seen


def test_behind_tls_the_cookie_is_bound_to_it(demo: Demo) -> None:
    behind_tls = {"X-Forwarded-Proto": "https"}  # as a proxy on this machine says it
    visitor = demo.visitor()
    form = {"person": str(demo.alice.person_id), "next": "/"}
    answer = visitor.ask("POST", "/login", form=form, headers={**FROM_OUR_PAGE, **behind_tls})
    assert re.fullmatch(r"__Host-still_running=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", answer.headers["set-cookie"])
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert visitor.ask("GET", "/_stcore/host-config", headers=behind_tls).status == 200
    assert visitor.ask("GET", "/_stcore/host-config").status == 401


def test_the_identity_that_a_client_sends_is_thrown_away(demo: Demo) -> None:
    alices = demo.visitor(demo.alice).cookies[COOKIE]
    forged = {"X-Still-Running-Session": sessions.key_of(alices)}
    with pytest.raises(InvalidStatus), demo.visitor().window(headers=forged):
        pass
    assert demo.visitor().ask("GET", "/_stcore/host-config", headers=forged).status == 401
    with demo.visitor(demo.bob).window(headers=forged) as window:
        seen = window.show("patient", f"episode={demo.alices_runner.key}")
    assert demo.bob.name in seen
    assert demo.alice.name not in seen
    assert demo.alices_runner.patient_name not in seen


@pytest.mark.parametrize("page", ["patient", "pain-diary"])
def test_a_page_about_one_patient_sends_the_name_of_no_other(demo: Demo, page: str) -> None:
    """A screen may be turned to the patient: what is not sent cannot be seen, whatever is clicked in the browser."""
    with demo.visitor(demo.alice).window() as window:
        window.ask(page, f"episode={demo.alices_runner.key}")
        seen = window.take_in().decode("utf-8", "replace")
    assert demo.alices_runner.patient_name in seen
    engine = make_engine(demo.url)
    others = {row.name for row in queries.patients(engine, COMMAND_LINE)} - {demo.alices_runner.patient_name}
    engine.dispose()
    assert len(others) > 70
    assert sorted(name for name in others if name in seen) == []


@pytest.mark.parametrize("alice_has_left", [False, True])
def test_nobody_takes_over_the_window_of_another(demo: Demo, alice_has_left: bool) -> None:
    """Streamlit lets a client go on with a session by its id, which stands in addresses. The identity that the gate gives must bind it."""
    alice, bob = demo.visitor(demo.alice), demo.visitor(demo.bob)
    with alice.window() as hers:
        assert demo.alices_runner.patient_name in hers.show("patient", f"episode={demo.alices_runner.key}")
        if not alice_has_left:
            with bob.window(streamlit_session=hers.streamlit_session) as his:
                seen = his.show("patient")
            assert demo.alices_runner.patient_name in hers.show("patient")
    if alice_has_left:
        with bob.window(streamlit_session=hers.streamlit_session) as his:
            seen = his.show("patient")
        with alice.window(streamlit_session=hers.streamlit_session) as again:  # she herself may go on: the try was a real one
            assert demo.alices_runner.patient_name in again.show("patient")
            assert again.streamlit_session == hers.streamlit_session
    assert his.streamlit_session != hers.streamlit_session
    assert demo.bob.name in seen
    assert demo.alice.name not in seen
    assert demo.alices_runner.patient_name not in seen


def test_the_next_person_at_the_same_browser_does_not_get_the_window_of_the_last_one(demo: Demo) -> None:
    visitor = demo.visitor(demo.alice)
    with visitor.window() as before:
        before.show("patient", f"episode={demo.alices_runner.key}")
    visitor.ask("POST", "/logout", headers=FROM_OUR_PAGE)
    visitor.sign_in(person=demo.bob.person_id)
    with visitor.window(streamlit_session=before.streamlit_session) as after:
        seen = after.show("patient")
    assert after.streamlit_session != before.streamlit_session
    assert demo.alices_runner.patient_name not in seen


def test_after_signing_out_a_stolen_cookie_and_an_open_window_are_dead(demo: Demo) -> None:
    visitor = demo.visitor(demo.alice)
    thief = Visitor(demo.address, dict(visitor.cookies))
    with thief.window() as window:
        assert demo.alice.name in window.show()
        answer = visitor.ask("POST", "/logout", headers=FROM_OUR_PAGE)
        assert (answer.status, answer.location, visitor.cookies) == (303, "/login", {})
        code, seen = window.until_closed()
        assert code == 1008
        assert "Signed out" in seen
        assert not [name for name in demo.names if name in seen]
    assert thief.ask("GET", "/_stcore/host-config").status == 401
    with pytest.raises(InvalidStatus), thief.window():
        pass


def test_signing_in_makes_a_new_session_and_ends_the_one_the_browser_had(demo: Demo) -> None:
    visitor = Visitor(demo.address, {COOKIE: "planted-by-somebody"})
    visitor.sign_in(person=demo.alice.person_id)
    first = dict(visitor.cookies)
    assert first[COOKIE] != "planted-by-somebody"
    visitor.sign_in(person=demo.bob.person_id)
    assert visitor.cookies != first
    assert Visitor(demo.address, first).ask("GET", "/_stcore/host-config").status == 401


def test_a_neighbours_cookie_that_no_standard_knows_hides_no_session(demo: Demo) -> None:
    token = demo.visitor(demo.alice).cookies[COOKIE]
    for other in ('x={"a": 1}', "bad name=1", '{"k":"v"}=1', "x"):
        sent = {"Cookie": f"{other}; {COOKIE}={token}"}
        assert Visitor(demo.address).ask("GET", "/_stcore/host-config", headers=sent).status == 200


@pytest.mark.parametrize("name", ["origin", "referer"])
def test_a_header_that_is_no_address_is_no_fault_of_the_program(demo: Demo, name: str) -> None:
    for method, path in (("POST", "/login"), ("POST", "/logout"), ("GET", f"/export/{demo.alices_runner.patient_key}/runs.csv")):
        assert demo.visitor(demo.alice).ask(method, path, headers={name: "http://["}).status == 403


@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_is_refused(demo: Demo, path: str, headers: dict[str, str]) -> None:
    visitor = demo.visitor(demo.alice)
    before = dict(visitor.cookies)
    answer = visitor.ask("POST", path, form={"person": str(demo.bob.person_id)}, headers=headers)
    assert (answer.status, visitor.cookies) == (403, before)
    assert visitor.ask("GET", "/_stcore/host-config").status == 200


def test_a_browser_that_only_says_its_origin_can_sign_in(demo: Demo) -> None:
    visitor = demo.visitor()
    form = {"person": str(demo.alice.person_id), "next": "/"}
    assert visitor.ask("POST", "/login", form=form, headers={"Origin": demo.address}).status == 303


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "evil.example",
        "",
        "/patient//evil",
        "/login?next=/login",
        "/logout",
        "/_stcore/health",
    ],
)
def test_signing_in_leads_nowhere_else(demo: Demo, wanted: str) -> None:
    assert sign_in.safe_next(wanted) == "/"
    assert demo.visitor().sign_in(person=demo.alice.person_id, wanted=wanted).location == "/"


@pytest.mark.parametrize("wanted", ["/", "/patient?episode=a-b_c&range=3m", "/pain-diary"])
def test_signing_in_leads_back_to_the_page_that_was_asked_for(wanted: str) -> None:
    assert sign_in.safe_next(wanted) == wanted


@pytest.mark.parametrize("form", [{"person": "4711"}, {"person": "x"}, {"person": ""}, {"name": "Alice", "passphrase": "x"}, {}])
def test_in_the_demo_only_a_person_who_is_there_can_be_chosen(demo: Demo, form: dict[str, str]) -> None:
    answer = demo.visitor().ask("POST", "/login", form=form, headers=FROM_OUR_PAGE)
    assert answer.status == 401
    assert "set-cookie" not in answer.headers


def test_a_form_that_is_far_too_large_is_refused(demo: Demo) -> None:
    assert demo.visitor().ask("POST", "/login", form={"name": "x" * 30_000}, headers=FROM_OUR_PAGE).status == 403


@pytest.mark.parametrize("path", ["/", "/login", "/healthz", "/_stcore/health", "/_stcore/host-config", "/patient"])
@pytest.mark.parametrize("signed_in", [False, True])
def test_every_answer_says_what_a_browser_may_do_with_it(demo: Demo, path: str, signed_in: bool) -> None:
    headers = demo.visitor(demo.alice if signed_in else None).ask("GET", path, headers=HTML).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in policy.get("script-src", policy["default-src"])
    assert "http" not in headers["content-security-policy"]


def test_what_never_changes_may_be_kept_by_the_browser(demo: Demo) -> None:
    script = re.search(r'src="\.(/static/js/[^"]+)"', demo.visitor(demo.alice).ask("GET", "/", headers=HTML).text)
    assert script
    assert "no-store" not in demo.visitor().ask("GET", script[1]).headers.get("cache-control", "")


def test_streamlit_is_told_of_the_header_that_the_gate_sets() -> None:
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]["trustedUserHeaders"]
    assert json.loads(told) == {web.IDENTITY_HEADER: "session"}


def test_the_gate_stands_there_too_when_streamlit_starts_the_app(demo: Demo, serve: Callable[..., str]) -> None:
    address = serve(demo.url, command=("-m", "streamlit", "run", "dashboard.py", "--server.port", "{port}"))
    visitor = Visitor(address)
    assert visitor.ask("GET", "/patient", headers=HTML).status == 303
    with pytest.raises(InvalidStatus), visitor.window():
        pass
    visitor.sign_in(person=demo.bob.person_id)
    with visitor.window() as window:
        assert demo.bob.name in window.show()


def test_without_a_database_the_app_says_so_and_nothing_else(tmp_path: Path, serve: Callable[..., str]) -> None:
    visitor = Visitor(serve(f"sqlite:///{tmp_path / 'none' / 'clinic.db'}"))
    answer = visitor.ask("GET", "/login", headers=HTML)
    assert answer.status == 503
    assert "python -m data demo" in answer.text
    assert visitor.ask("GET", "/healthz").status == 503


# --------------------------------------------------------------------------------------------------------------------
# A real clinic
# --------------------------------------------------------------------------------------------------------------------


def test_in_a_real_clinic_one_signs_in_by_a_passphrase_that_one_set_by_a_link(sqlite_url: str, serve: Callable[..., str]) -> None:
    scene = new_scene(make_engine(sqlite_url))
    tess = scene.tess.person_id or 0
    add_account(scene.engine, tess, "tess")
    link = new_link(scene.engine, tess)
    address = serve(sqlite_url)
    visitor = Visitor(address)

    assert "Tess" not in visitor.ask("GET", "/login", headers=HTML).text
    assert visitor.sign_in(person=tess).status == 401  # nobody is chosen from a list here

    def set_passphrase(first: str, second: str) -> int:
        form = {"passphrase": first, "again": second}
        return visitor.ask("POST", f"/set-passphrase/{link}", form=form, headers=FROM_OUR_PAGE).status

    assert visitor.ask("GET", f"/set-passphrase/{link}", headers=HTML).status == 200
    assert visitor.ask("GET", "/set-passphrase/made-up", headers=HTML).status == 404
    assert [set_passphrase("short", "short"), set_passphrase(GOOD, "other"), set_passphrase(GOOD, GOOD)] == [422, 422, 303]
    assert set_passphrase(GOOD, GOOD) == 404

    assert visitor.sign_in(name="tess", passphrase="wrong").status == 401
    assert visitor.sign_in(name="tess", passphrase=GOOD).status == 303
    with visitor.window() as window:
        seen = window.show()
    assert scene.tess.name in seen
    assert "Demo clinic" not in seen


def test_choosing_a_person_in_a_real_clinic_is_a_try_like_any_other(sqlite_url: str, serve: Callable[..., str]) -> None:
    scene = new_scene(make_engine(sqlite_url))
    visitor = Visitor(serve(sqlite_url))
    assert [visitor.sign_in(person=scene.tess.person_id).status for _ in range(6)] == [401] * 5 + [429]
    assert len([row for row in scene.rows("audit_event") if row["action"] == "sign_in_failed"]) == 5


def test_five_wrong_passphrases_throttle_also_after_a_restart(sqlite_url: str, serve: Callable[..., str]) -> None:
    scene = new_scene(make_engine(sqlite_url))
    tess = scene.tess.person_id or 0
    add_account(scene.engine, tess, "tess")
    accounts.set_passphrase(scene.engine, new_link(scene.engine, tess), GOOD)
    visitor = Visitor(serve(sqlite_url))
    assert [visitor.sign_in(name="tess", passphrase="wrong").status for _ in range(6)] == [401] * 5 + [429]
    restarted = Visitor(serve(sqlite_url))
    answer = restarted.sign_in(name="tess", passphrase=GOOD)
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 15 * 60 + 1
    assert "set-cookie" not in answer.headers


def test_signing_in_failing_to_and_signing_out_stand_in_the_audit_without_what_was_typed(
    sqlite_url: str, serve: Callable[..., str]
) -> None:
    scene = new_scene(make_engine(sqlite_url))
    tess = scene.tess.person_id or 0
    add_account(scene.engine, tess, "tess")
    accounts.set_passphrase(scene.engine, new_link(scene.engine, tess), GOOD)
    visitor = Visitor(serve(sqlite_url))
    visitor.sign_in(name="typed-by-mistake", passphrase="wrong")
    visitor.sign_in(name="tess", passphrase=GOOD)
    visitor.ask("POST", "/logout", headers=FROM_OUR_PAGE)
    rows = [row for row in scene.rows("audit_event") if row["action"].startswith("sign_")]
    assert [(row["action"], row["person_id"], row["source"]) for row in rows] == [
        ("sign_in_failed", None, "127.0.0.1"),
        ("sign_in", tess, "127.0.0.1"),
        ("sign_out", tess, "127.0.0.1"),
    ]
    assert "typed-by-mistake" not in str(rows)
