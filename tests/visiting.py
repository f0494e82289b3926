"""A visitor of the served app without a browser: plain HTTP, and the raw WebSocket that a browser's page would open."""

import http.client
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

PATIENCE_S = 60.0
HTML = {"Accept": "text/html,application/xhtml+xml"}
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: http.client.HTTPMessage
    text: str
    content: bytes = b""

    @property
    def location(self) -> str:
        return self.headers.get("location", "")


@dataclass
class Visitor:
    """Somebody at the door: keeps cookies as a browser does, and follows nothing by itself."""

    address: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, *, form: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=PATIENCE_S)
        sent = {**({"Cookie": self.cookie} if self.cookies else {}), **(headers or {})}
        body = None
        if form is not None:
            body = urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body=body, headers=sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        for value in answer.headers.get_all("set-cookie", []):
            for name, morsel in SimpleCookie(value).items():
                if morsel.value and morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
        return Answer(answer.status, answer.headers, content.decode("utf-8", "replace"), content)

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def sign_in(self, *, person: int | None = None, name: str = "", passphrase: str = "", wanted: str = "/") -> Answer:
        """Send the form of /login: by choosing a person of the demo clinic, or by name and passphrase."""
        who = {"name": name, "passphrase": passphrase} if person is None else {"person": str(person)}
        return self.ask("POST", "/login", form={"next": wanted, **who}, headers=FROM_OUR_PAGE)

    @contextmanager
    def window(self, *, streamlit_session: str = "", headers: dict[str, str] | None = None) -> Iterator["Window"]:
        """Open what a browser's page would open; `streamlit_session` asks to go on with a session that was there before."""
        protocols = [Subprotocol(name) for name in ("streamlit", "no-token", streamlit_session) if name]
        sent = {**({"Cookie": self.cookie} if self.cookies else {}), **(headers or {})}
        url = self.address.replace("http://", "ws://") + "/_stcore/stream"
        with connect(url, subprotocols=protocols, additional_headers=sent, max_size=None, open_timeout=PATIENCE_S) as socket:
            yield Window(socket)


@dataclass
class Window:
    """
    An open page.

    Attributes
    ----------
    frames : bytes
        All that the server sent for the page that was shown last, as it came: texts stand in it as UTF-8, those of tables too.
    """

    socket: ClientConnection
    streamlit_session: str = ""
    frames: bytes = b""
    messages: list[ForwardMsg] = field(default_factory=list)

    def ask(self, page: str = "", query: str = "", *, widgets: Iterable[WidgetState] = ()) -> None:
        """Ask for a page, its widgets set as a browser would tell them; what comes is taken in by `take_in`."""
        asked = BackMsg()
        asked.rerun_script.query_string = query
        asked.rerun_script.page_name = page
        asked.rerun_script.widget_states.widgets.extend(widgets)
        self.socket.send(asked.SerializeToString())

    def take_in(self) -> bytes:
        """Wait until the page is whole; give the frames."""
        parts, self.messages = list[bytes](), []
        while True:
            received = self.socket.recv(timeout=PATIENCE_S)
            parts.append(received if isinstance(received, bytes) else received.encode())
            message = ForwardMsg.FromString(parts[-1])
            self.messages.append(message)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.streamlit_session = message.new_session.initialize.session_id or self.streamlit_session
            if kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                self.frames = b"".join(parts)
                return self.frames

    def until_closed(self) -> tuple[int, str]:
        """Wait until the server closes; gives the code it closed with, and all that it sent before, as text."""
        seen = []
        while True:
            try:
                received = self.socket.recv(timeout=PATIENCE_S)
            except ConnectionClosed as closed:
                return (closed.rcvd.code if closed.rcvd else 0), "\n".join(seen)
            seen.append(str(ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())))

    def show(self, page: str = "", query: str = "", *, widgets: Iterable[WidgetState] = ()) -> str:
        """Ask for a page; give all that the server sends for it, as text."""
        self.ask(page, query, widgets=widgets)
        self.take_in()
        return "\n".join(str(message) for message in self.messages)

    def widget_ids(self) -> list[str]:
        """Give the ids of the widgets of the page that was shown last."""
        told = "\n".join(str(message.delta) for message in self.messages if message.WhichOneof("type") == "delta")
        return sorted(set(re.findall(r'\bid: "(\$\$ID-[^"]+)"', told)))
