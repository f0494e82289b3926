"""Open windows: they draw the locked page and are closed when their session ends, whoever ended it."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col
from starlette.types import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus

from access import open_windows, sessions, watch
from access.cookies import COOKIE
from access.open_windows import Window
from data import queries
from data.database import make_engine, writing
from models import Person, PersonRole, Role, SignInSession, Viewer, utc_now
from pages.shared.window_language import LOCKED_TITLE, StreamlitLanguage
from tests.clinic_scene import add_account, new_link, new_scene
from tests.visiting import FROM_OUR_PAGE, Visitor
from tests.visiting import Window as OpenPage

# --------------------------------------------------------------------------------------------------------------------
# As served: raw WebSockets of the demo clinic
# --------------------------------------------------------------------------------------------------------------------


class Demo:
    """A copy of the demo clinic as served, with two of its therapists."""

    def __init__(self, url: str, address: str) -> None:
        self.engine, self.address = make_engine(url), address
        self.alice, self.bob = [person for person in queries.people(self.engine) if person.roles == {Role.THERAPIST}][:2]
        self.runner = next(row for row in queries.episodes(self.engine, self.alice) if row.status == "active")

    def visitor(self, who: Viewer) -> Visitor:
        visitor = Visitor(self.address)
        assert visitor.sign_in(person=who.person_id).status == 303
        return visitor

    def change(self, statement: sa.Executable) -> None:
        with writing(self.engine) as connection:
            connection.execute(statement)

    def show(self, window: OpenPage) -> str:
        seen = window.show("patient", f"episode={self.runner.key}")
        assert self.runner.patient_name in seen
        return seen

    def assert_locked(self, window: OpenPage) -> None:
        """The locked page is the last that is drawn; then the server closes."""
        code, seen = window.until_closed()
        assert code == 1008
        assert LOCKED_TITLE in seen
        assert self.runner.patient_name not in seen
        assert self.alice.name not in seen


@pytest.fixture
def demo(demo_url: str, serve: Callable[..., str]) -> Iterator[Demo]:
    served_demo = Demo(demo_url, serve(demo_url))
    yield served_demo
    served_demo.engine.dispose()


def test_signing_out_closes_every_window_of_that_session_and_no_other(demo: Demo) -> None:
    alice, bob = demo.visitor(demo.alice), demo.visitor(demo.bob)
    again = demo.visitor(demo.alice)  # another browser of hers
    with alice.window() as one, alice.window() as two, again.window() as elsewhere, bob.window() as his:
        for window in (one, two, elsewhere):
            demo.show(window)
        his.show()
        alice.ask("POST", "/logout", headers=FROM_OUR_PAGE)
        demo.assert_locked(one)
        demo.assert_locked(two)
        demo.show(elsewhere)
        assert demo.bob.name in his.show()
    with pytest.raises(InvalidStatus), Visitor(demo.address, {COOKIE: "gone"}).window():
        pass


def test_signing_in_anew_in_the_same_browser_closes_the_windows_of_before(demo: Demo) -> None:
    visitor = demo.visitor(demo.alice)
    with visitor.window() as window:
        demo.show(window)
        visitor.sign_in(person=demo.bob.person_id)
        demo.assert_locked(window)


def test_a_window_that_was_opened_and_asked_for_nothing_is_closed_too(demo: Demo) -> None:
    visitor = demo.visitor(demo.alice)
    with visitor.window() as window:
        visitor.ask("POST", "/logout", headers=FROM_OUR_PAGE)
        code, seen = window.until_closed()
    assert code == 1008
    assert demo.alice.name not in seen


def test_what_another_process_did_is_noticed_and_the_window_closed(demo: Demo) -> None:
    """Each way in a window of its own, all at once: nobody clicks, and the server looks every 15 seconds."""
    roles = sa.update(PersonRole).where(col(PersonRole.person_id) == demo.bob.person_id).values(role=Role.FRONT_DESK)
    visitors = [demo.visitor(demo.alice) for _ in range(3)]
    keys = [sessions.key_of(visitor.cookies[COOKIE]) for visitor in visitors]
    with visitors[0].window() as ended, visitors[1].window() as idle, visitors[2].window() as old, demo.visitor(demo.bob).window() as his:
        for window in (ended, idle, old):
            demo.show(window)
        his.show()
        of = col(SignInSession.token_sha256)
        demo.change(sa.update(SignInSession).where(of == keys[0]).values(ended_at_utc=utc_now()))
        demo.change(sa.update(SignInSession).where(of == keys[1]).values(last_seen_at_utc=utc_now() - timedelta(minutes=15)))
        demo.change(sa.update(SignInSession).where(of == keys[2]).values(created_at_utc=utc_now() - timedelta(hours=12)))
        demo.change(roles)
        for window in (ended, idle, old):
            demo.assert_locked(window)
        assert his.until_closed()[0] == 1008
    with demo.engine.connect() as connection:
        still = sa.select(sa.func.count()).where(
            col(SignInSession.person_id) == demo.bob.person_id, col(SignInSession.ended_at_utc).is_(None)
        )
        assert connection.execute(still).scalar_one() == 0  # new roles, new session


def test_the_window_of_somebody_who_was_switched_off_is_closed(demo: Demo) -> None:
    with demo.visitor(demo.alice).window() as window, demo.visitor(demo.bob).window() as his:
        demo.show(window)
        his.show()
        demo.change(sa.update(Person).where(col(Person.id) == demo.alice.person_id).values(is_active=False))
        demo.assert_locked(window)
        assert demo.bob.name in his.show()


def test_a_new_passphrase_by_a_link_closes_the_windows_at_once(sqlite_url: str, serve: Callable[..., str]) -> None:
    scene = new_scene(make_engine(sqlite_url))
    tess = scene.tess.person_id or 0
    add_account(scene.engine, tess, "tess")
    visitor = Visitor(serve(sqlite_url), {COOKIE: sessions.start(scene.engine, tess)})
    link = new_link(scene.engine, tess)
    with visitor.window() as window:
        assert "Tess" in window.show()
        form = {"passphrase": "orange kettle morning", "again": "orange kettle morning"}
        assert visitor.ask("POST", f"/set-passphrase/{link}", form=form, headers=FROM_OUR_PAGE).status == 303
        assert window.until_closed()[0] == 1008


# --------------------------------------------------------------------------------------------------------------------
# One window by itself
# --------------------------------------------------------------------------------------------------------------------


class Line:
    """What lies between a browser and the server: what the browser will say, and what it was sent."""

    def __init__(self, *said: Message) -> None:
        self.said, self.sent, self.silent = list(said), [], asyncio.Event()

    async def receive(self) -> Message:
        if self.said:
            return self.said.pop(0)
        await self.silent.wait()
        return {"type": "websocket.disconnect", "code": 1005}

    async def send(self, message: Message) -> None:
        self.sent.append(message)


CONNECT, ACCEPT = {"type": "websocket.connect"}, {"type": "websocket.accept"}
CLOSED = {"type": "websocket.close", "code": 1008}


def _said(**asked: str) -> Message:
    message = BackMsg()
    message.rerun_script.query_string = asked.get("query", "")
    message.rerun_script.page_script_hash = asked.get("page", "")
    message.rerun_script.context_info.url = "http://clinic.example/patient"
    typed = message.rerun_script.widget_states.widgets.add()
    typed.id, typed.string_value = "note", "typed into a form"
    return {"type": "websocket.receive", "bytes": message.SerializeToString()}


def _sent(message: ForwardMsg) -> Message:
    return {"type": "websocket.send", "bytes": message.SerializeToString()}


def _drawn(title: str) -> Message:
    message = ForwardMsg()
    message.delta.new_element.heading.body = title
    return _sent(message)


def _status(*, is_running: bool) -> Message:
    message = ForwardMsg()
    message.session_status_changed.script_is_running = is_running
    return _sent(message)


BUSY, DONE, FINISHED = (
    _status(is_running=True),
    _status(is_running=False),
    _sent(ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)),
)


def test_a_locked_window_asks_for_its_page_without_what_was_typed_and_closes_once_it_is_drawn() -> None:
    async def story() -> None:
        line = Line(CONNECT, _said(query="episode=abc", page="p1"))
        window = Window(line.receive, line.send, StreamlitLanguage())
        assert await window.receive() == CONNECT
        await window.send(ACCEPT)
        await window.receive()
        await window.send(_drawn("Ada"))
        line.said.append(_said(query="episode=other"))
        window.lock()
        asked = BackMsg.FromString((await window.receive())["bytes"]).rerun_script
        assert (asked.query_string, asked.page_script_hash, asked.context_info.url) == (
            "episode=abc",
            "p1",
            "http://clinic.example/patient",
        )
        assert not asked.widget_states.widgets
        for message in (FINISHED, _drawn("Ada"), DONE):  # of the run that was under way
            await window.send(message)
        assert CLOSED not in line.sent
        for message in (BUSY, _drawn(LOCKED_TITLE), FINISHED):
            await window.send(message)
        assert CLOSED not in line.sent
        await window.send(DONE)
        assert line.sent[-1] == CLOSED
        await window.send(_drawn("Ada"))
        assert line.sent[-1] == CLOSED
        assert (await window.receive())["type"] == "websocket.disconnect"  # and what the browser said meanwhile is not heard
        window.leave()

    asyncio.run(story())


@pytest.mark.parametrize("has_asked", [True, False], ids=["is stuck", "has asked for nothing"])
def test_a_window_that_draws_nothing_is_closed_all_the_same(monkeypatch: pytest.MonkeyPatch, has_asked: bool) -> None:
    monkeypatch.setattr(open_windows, "DRAWS_WITHIN_S", 0)

    async def story() -> None:
        line = Line(*([_said()] if has_asked else []))
        window = Window(line.receive, line.send, StreamlitLanguage())
        await window.send(ACCEPT)
        if has_asked:
            await window.receive()
        waiting = asyncio.ensure_future(window.receive())
        window.lock()
        if has_asked:
            assert (await waiting)["type"] == "websocket.receive"
            waiting = asyncio.ensure_future(window.receive())
        assert (await waiting)["type"] == "websocket.disconnect"
        assert line.sent == [ACCEPT, CLOSED]
        window.leave()

    asyncio.run(story())


def test_a_window_that_is_locked_before_it_is_open_is_closed_when_it_opens() -> None:
    async def story() -> None:
        line = Line(CONNECT)
        window = Window(line.receive, line.send, StreamlitLanguage())
        window.lock()
        assert await window.receive() == CONNECT
        await window.send(ACCEPT)
        assert (await window.receive())["type"] == "websocket.disconnect"
        assert line.sent == [ACCEPT, CLOSED]
        window.leave()

    asyncio.run(story())


def test_what_is_no_message_of_streamlit_asks_for_no_page() -> None:
    language = StreamlitLanguage()
    other = BackMsg()
    other.stop_script = True
    assert [language.asks_for_page(said) for said in (b"\xff\xff", b"", other.SerializeToString())] == [None] * 3


def test_all_open_windows_are_looked_at_by_one_query(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine(demo_url)
    monkeypatch.setattr(watch, "engine", lambda: engine)
    people = queries.people(engine)
    keys = [sessions.key_of(sessions.start(engine, person.person_id or 0)) for person in people]
    asked: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda _connection, _cursor, statement, *_: asked.append(statement))

    async def story() -> None:
        line = Line()
        await watch._look_at({key: [Window(line.receive, line.send), Window(line.receive, line.send)] for key in keys})

    asyncio.run(story())
    engine.dispose()
    assert len(people) > 2
    assert len([statement for statement in asked if not statement.startswith("BEGIN")]) == 1
