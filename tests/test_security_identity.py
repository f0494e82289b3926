"""Nobody is taken for another: at once, by forged headers, by another name of the host, by going on with a window that was somebody's."""

import asyncio
import http.client
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send
from websockets.exceptions import InvalidStatus

from access import sessions, web
from access.cookies import COOKIE
from benchmarks import fifty_people
from benchmarks.serving import running
from data.database import make_engine
from tests.canaries import Canary, new_clinic, signed_in
from tests.clinic_scene import Scene
from tests.conftest import _copy_of
from tests.serving import served
from tests.visiting import FROM_OUR_PAGE, HTML, Visitor

OTHER_NAMES = (
    "evil.example",
    "evil.example:80",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "clinic.example",
    "",
    "a b",
    "127.0.0.1@evil.example",
    "[::1].evil.example",
)
OUR_NAMES = ("localhost", "127.0.0.1", "[::1]", "LOCALHOST:8501", "192.168.7.7:8501", "app.localhost")


@dataclass(frozen=True)
class Clinic:
    """The clinic of tests/canaries.py as served; Tess does not reach the patient `foreign` of Theo."""

    address: str
    scene: Scene
    canaries: dict[str, Canary]

    def tess(self) -> Visitor:
        return signed_in(self.scene.engine, self.address, self.scene.tess)

    def theo(self) -> Visitor:
        return signed_in(self.scene.engine, self.address, self.scene.theo)

    @property
    def his_page(self) -> tuple[str, str]:
        return "patient", f"episode={self.canaries['foreign'].episode}"

    @property
    def his_patient(self) -> str:
        return self.canaries["foreign"].name


@pytest.fixture(scope="module")
def clinic(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder = tmp_path_factory.mktemp("identity")
    url = _copy_of(sqlite_template, folder)
    engine = make_engine(url)
    scene, canaries = new_clinic(engine)
    with served(url, folder / "server.log") as address:
        yield Clinic(address, scene, canaries)
    engine.dispose()


def test_sixty_people_at_once_each_see_themselves_and_nobody_else(tmp_path: Path) -> None:
    url, members = fifty_people.crowd(tmp_path, 60, years=1)
    with running(url) as (address, _):
        load = fifty_people.at_work(address, members, clicks=4, think_s=(0.0, 0.0))
    assert load.is_clean, load.lines
    assert load.saw_themselves == set(range(1, 61))
    print(f"{len(load.saw_themselves)} of 60 saw themselves, {len(load.wrong)} somebody else, {load.interactions} pages")


# --------------------------------------------------------------------------------------------------------------------
# Headers
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["X-Still-Running-Session", "x-still-running-session", "X-STILL-RUNNING-SESSION", "X-Still-Running-Session "]
)
def test_an_identity_that_a_client_sends_opens_nothing_and_changes_nobody(clinic: Clinic, name: str) -> None:
    his = clinic.theo().cookies[COOKIE]
    for value in (sessions.key_of(his), his, "1", ""):
        nobody = Visitor(clinic.address)
        try:
            assert nobody.ask("GET", "/_stcore/host-config", headers={name: value}).status in {400, 401}
        except http.client.HTTPException:
            pass
        except ValueError:
            continue  # such a name cannot even be sent
        with pytest.raises(InvalidStatus), nobody.window(headers={name: value}):
            pass
        try:
            with clinic.tess().window(headers={name: value}) as window:
                assert clinic.his_patient not in window.show(*clinic.his_page)
        except InvalidStatus:
            continue


@pytest.mark.parametrize(
    "name", ["X_Still_Running_Session", "X-Forwarded-User", "X-Viewer", "Remote-User", "Authorization", "X-Streamlit-User"]
)
def test_other_headers_that_look_like_an_identity_say_nothing(clinic: Clinic, name: str) -> None:
    key = sessions.key_of(clinic.theo().cookies[COOKIE])
    assert Visitor(clinic.address).ask("GET", "/_stcore/host-config", headers={name: key}).status == 401
    with clinic.tess().window(headers={name: key}) as window:
        assert clinic.his_patient not in window.show(*clinic.his_page)


def test_the_identity_twice_in_one_request_is_thrown_away_twice(clinic: Clinic) -> None:
    key = sessions.key_of(clinic.theo().cookies[COOKIE])
    connection = http.client.HTTPConnection(urlsplit(clinic.address).netloc)
    connection.putrequest("GET", "/_stcore/host-config")
    for value in (key, key):
        connection.putheader("X-Still-Running-Session", value)
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


def test_a_cookie_that_is_the_sessions_name_and_not_its_token_opens_nothing(clinic: Clinic) -> None:
    """The name is what Streamlit, the database and a log of ours could know. It is no key."""
    key = sessions.key_of(clinic.theo().cookies[COOKIE])
    assert Visitor(clinic.address, {COOKIE: key}).ask("GET", "/_stcore/host-config").status == 401


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null", "http://localhost.evil.example:8501", "file://"]
)
def test_a_page_of_another_site_opens_no_websocket_with_the_cookie_of_somebody(clinic: Clinic, origin: str) -> None:
    with pytest.raises(InvalidStatus), clinic.theo().window(headers={"Origin": origin}) as window:
        window.show(*clinic.his_page)


# --------------------------------------------------------------------------------------------------------------------
# Hosts
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", OTHER_NAMES)
@pytest.mark.parametrize("path", ["/", "/login", "/healthz", "/_stcore/health", "/static/x.js", "/patient"])
def test_asked_for_by_a_name_that_is_not_ours_the_app_answers_nothing(clinic: Clinic, host: str, path: str) -> None:
    """Another site may point its name at this computer; its page would count as one of ours then."""
    answer = clinic.theo().ask("GET", path, headers={**HTML, "Host": host})
    assert answer.status in ({400, 421} if " " in host else {421})
    assert clinic.his_patient not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_a_form_and_a_websocket_under_a_name_that_is_not_ours_are_refused(clinic: Clinic, host: str) -> None:
    visitor = clinic.theo()
    answer = visitor.ask("POST", "/login", form={"person": "1"}, headers={**FROM_OUR_PAGE, "Host": host})
    assert (answer.status, "set-cookie" in answer.headers) == (421, False)
    with pytest.raises(InvalidStatus), visitor.window(headers={"Host": host, "Origin": f"http://{host}"}):
        pass


@pytest.mark.parametrize("host", OUR_NAMES)
def test_numbers_and_this_computers_own_names_are_ours(clinic: Clinic, host: str) -> None:
    assert Visitor(clinic.address).ask("GET", "/healthz", headers={"Host": host}).status == 200


def test_a_name_that_the_clinic_set_is_let_in() -> None:
    async def whole_app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await PlainTextResponse("inside")(_scope, _receive, send)

    gate = web.Gate(whole_app, allowed_hosts=lambda: ["clinic.example", "*.sites.example"])

    def status(host: str) -> int:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request"}

        scope = {"type": "http", "path": "/healthz", "method": "GET", "query_string": b"", "headers": [(b"host", host.encode())]}
        asyncio.run(gate(scope, receive, send))
        return int(sent[0]["status"])

    ours = ("clinic.example", "Clinic.Example:443", "clinic.example.", "north.sites.example", "localhost")
    others = ("evil.example", "sites.example", "clinic.example.evil.example", "xclinic.example")
    assert [[status(host) for host in hosts] for hosts in (ours, others)] == [[200] * 5, [421] * 4]


# --------------------------------------------------------------------------------------------------------------------
# Windows of others
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("his_window_is", ["open", "closed", "signed out"])
def test_nobody_goes_on_with_the_window_of_another(clinic: Clinic, his_window_is: str) -> None:
    theo, tess = clinic.theo(), clinic.tess()
    with theo.window() as his:
        assert clinic.his_patient in his.show(*clinic.his_page)
        if his_window_is == "signed out":
            theo.ask("POST", "/logout", headers=FROM_OUR_PAGE)
        if his_window_is != "closed":
            with tess.window(streamlit_session=his.streamlit_session) as hers:
                seen = hers.show("patient")
    if his_window_is == "closed":
        with tess.window(streamlit_session=his.streamlit_session) as hers:
            seen = hers.show("patient")
    assert hers.streamlit_session != his.streamlit_session
    assert clinic.his_patient not in seen
    assert "Tess" in seen


def test_after_signing_out_even_the_same_person_begins_a_new_window(clinic: Clinic) -> None:
    theo = clinic.theo()
    with theo.window() as before:
        before.show(*clinic.his_page)
    theo.ask("POST", "/logout", headers=FROM_OUR_PAGE)
    with clinic.theo().window(streamlit_session=before.streamlit_session) as after:
        assert clinic.canaries["foreign"].texts["change"] not in after.show("patient")  # whom he looked at is forgotten
    assert after.streamlit_session != before.streamlit_session


def _put(visitor: Visitor, window: str, method: str = "PUT") -> int:
    """Send a file to a window as a browser does: with the token that Streamlit asks for."""
    visitor.ask("GET", "/_stcore/health")
    token = visitor.cookies["_streamlit_xsrf"]
    body = '--b\r\nContent-Disposition: form-data; name="file"; filename="pain.csv"\r\n\r\na,b\r\n--b--\r\n'
    connection = http.client.HTTPConnection(urlsplit(visitor.address).netloc)
    headers = {"Cookie": visitor.cookie, "X-Xsrftoken": token, "Content-Type": "multipart/form-data; boundary=b"}
    connection.request(method, f"/_stcore/upload_file/{window}/{uuid.UUID(int=7)}", body=body, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_file_is_taken_for_ones_own_window_only(clinic: Clinic) -> None:
    """The id of a window stands in the addresses of uploads, so in a proxy's log: it must not let others replace or delete what was sent."""
    theo, tess = clinic.theo(), clinic.tess()
    with theo.window() as his, tess.window() as hers:
        his.show("import-runs")
        hers.show("import-runs")
        assert _put(theo, his.streamlit_session) == 204
        assert [_put(tess, his.streamlit_session, method) for method in ("PUT", "DELETE", "POST")] == [404, 404, 404]
        assert _put(tess, f"/{his.streamlit_session}") == 404
        assert _put(tess, str(uuid.UUID(int=1))) == 404  # one that never was looks the same
        assert _put(Visitor(clinic.address), his.streamlit_session) == 401
        assert _put(tess, hers.streamlit_session) == 204


def test_no_page_around_ours_may_command_it(clinic: Clinic) -> None:
    assert '"allowedOrigins":[]' in clinic.theo().ask("GET", "/_stcore/host-config").text


def test_only_the_gate_can_say_who_is_there() -> None:
    assert web.IDENTITY_HEADER == "x-still-running-session"
