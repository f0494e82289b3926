"""A visitor of the served app without a browser: plain HTTP, and the raw WebSocket that a browser's page would open."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
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
    """An open page."""

    socket: ClientConnection
    streamlit_session: str = ""

    def show(self, page: str = "", query: str = "") -> str:
        """Ask for a page; give all that the server sends for it, as text."""
        asked = BackMsg()
        asked.rerun_script.query_string = query
        asked.rerun_script.page_name = page
        self.socket.send(asked.SerializeToString())
        seen = []
        while True:
            received = self.socket.recv(timeout=PATIENCE_S)
            message = ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.streamlit_session = message.new_session.initialize.session_id or self.streamlit_session
            seen.append(str(message))
            if kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return "\n".join(seen)

    def until_closed(self) -> tuple[int, str]:
        """Wait until the server closes; gives the code it closed with, and all that it sent before, as text."""
        seen = []
        while True:
            try:
                received = self.socket.recv(timeout=PATIENCE_S)
            except ConnectionClosed as closed:
                return (closed.rcvd.code if closed.rcvd else 0), "\n".join(seen)
            seen.append(str(ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())))
