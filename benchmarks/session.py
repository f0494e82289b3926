"""A browser's side of a Streamlit session, without the browser: asks for reruns and takes in what the server sends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Rerun:
    """What one rerun cost the server and what it sent. `charts` counts charts, sent again or known already; bytes before compression."""

    cpu_s: float
    wall_s: float
    sent_bytes: int
    elements: int
    charts: int


class PageBroken(Exception):
    """The page showed an exception or an error instead of itself."""


class Session:
    """
    One open session of a served app; `opened_session` gives it.

    It keeps large messages as a browser does, so that the server sends them once and refers to them afterwards.
    """

    def __init__(self, socket: ClientConnection, process_id: int, page_name: str) -> None:
        self._socket = socket
        self._clock = ~process_id << 3 | 2  # Linux: the CPU clock of that process, see clock_getcpuclockid(3)
        self._page_name, self._page_hash = page_name, ""
        self._kept: dict[str, bool] = {}  # hash of a large message: is it a chart

    def rerun(self, query_string: str = "") -> Rerun:
        """
        Ask for a rerun and wait for its end.

        Raises
        ------
        PageBroken
            If the page shows an exception or an error.
        """
        asked = BackMsg()
        asked.rerun_script.query_string = query_string
        asked.rerun_script.page_script_hash = self._page_hash
        if not self._page_hash:
            asked.rerun_script.page_name = self._page_name
        asked.rerun_script.cached_message_hashes.extend(self._kept)
        content = asked.SerializeToString()
        sent_bytes = elements = charts = 0
        cpu, wall = time.clock_gettime(self._clock), time.perf_counter()
        self._socket.send(content)
        while True:
            received = self._socket.recv(timeout=PATIENCE_S)
            cpu_now, wall_now = time.clock_gettime(self._clock), time.perf_counter()
            sent_bytes += len(received)
            message = ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                elements += 1
                is_chart = self._take_in(message)
                charts += is_chart
            elif kind == "ref_hash":
                elements += 1
                charts += self._kept[message.ref_hash]
            elif kind == "new_session":
                self._page_hash = message.new_session.page_script_hash or self._page_hash
            elif kind == "navigation":
                self._page_hash = message.navigation.page_script_hash or self._page_hash
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return Rerun(cpu_now - cpu, wall_now - wall, sent_bytes, elements, charts)

    def _take_in(self, message: ForwardMsg) -> bool:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise PageBroken(f"{element.exception.type}: {element.exception.message}")
        if kind == "alert" and element.alert.format == element.alert.ERROR:
            raise PageBroken(element.alert.body)
        if message.metadata.cacheable:
            self._kept[message.hash] = kind == "plotly_chart"
        return kind == "plotly_chart"


@contextmanager
def opened_session(address: str, process_id: int, page_name: str = "", *, cookie: str) -> Iterator[Session]:
    """
    Open a session of a served app until the block ends.

    Parameters
    ----------
    address : str
        Of the server, http://…
    process_id : int
        Of the server, for its CPU clock.
    page_name : str
        The page to open; empty for the first one.
    cookie : str
        What the gate knows the browser by.
    """
    url = address.replace("http://", "ws://") + "/_stcore/stream"
    with connect(
        url, subprotocols=[Subprotocol("streamlit")], additional_headers={"Cookie": cookie}, max_size=None, open_timeout=PATIENCE_S
    ) as socket:
        yield Session(socket, process_id, page_name)
