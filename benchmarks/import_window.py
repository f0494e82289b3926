"""The import page of a server that can be killed, driven without a browser: an archive is uploaded and imported by the raw WebSocket."""

import contextlib
import http.client
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed

from tests.serving import QUIETLY, ROOT, environment_for, free_port, wait_until_healthy
from tests.visiting import Visitor, Window

PATIENCE_S = 120.0
PROGRESS = re.compile(r"^(\d+) of (\d+) files read, (\d+) stored\.")


class PageUnexpected(Exception):
    """The app did not answer as a browser would expect."""


@dataclass
class Server:
    """The app as `make run` serves it, in a process group of its own."""

    address: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End the server and the process that reads, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(database_url: str, log: Path) -> Iterator[Server]:
    """Serve the app until the block ends or it is killed."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "dashboard:app", "--host", "127.0.0.1", "--port", str(port), *QUIETLY],
            cwd=ROOT,
            env=environment_for(database_url),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(address, process)
    try:
        wait_until_healthy(process, address, log)
        yield server
    finally:
        server.kill()


@dataclass
class Import:
    """The import page of one patient in one window."""

    visitor: Visitor
    window: Window
    patient: WidgetState
    shown: str
    read: int = -1  # not begun
    stored: int = 0
    is_over: bool = False

    def send(self, archive: bytes) -> None:
        """Upload an archive and press Import, as a browser does; what becomes of it is followed by `follow`."""
        asked = BackMsg()
        asked.file_urls_request.request_id = "one"
        asked.file_urls_request.file_names.append("sent.zip")
        asked.file_urls_request.session_id = self.window.streamlit_session
        self.window.socket.send(asked.SerializeToString())
        while True:
            message = _received(self.window, PATIENCE_S)
            if message.WhichOneof("type") == "file_urls_response":
                break
        urls = message.file_urls_response.file_urls[0]
        self._put(urls.upload_url, archive)
        uploader = WidgetState(id=self._widget("-run_files_"))
        info = uploader.file_uploader_state_value.uploaded_file_info.add(file_id=urls.file_id, name="sent.zip", size=len(archive))
        info.file_urls.CopyFrom(urls)
        pressed = WidgetState(id=self._widget("-import_now_"), trigger_value=True)
        self.window.ask("import-runs", widgets=[self.patient, uploader, pressed])

    def follow(self, seconds: float, *, until_read: float = math.inf) -> None:
        """Take in what the server says, until so many files are read, the import is over or the time is."""
        until = time.monotonic() + seconds
        while not self.is_over and self.read < until_read and (left := until - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                self._take_in(_received(self.window, left))

    def hear_the_last(self) -> None:
        """Take in what a server that is dead had sent before."""
        with contextlib.suppress(ConnectionClosed, ConnectionError):
            while True:
                self._take_in(_received(self.window, PATIENCE_S))

    def _take_in(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self.is_over = True
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            if found := PROGRESS.match(element.progress.text):
                self.read, self.stored = int(found[1]), int(found[3])
            elif element.WhichOneof("type") == "exception":
                raise PageUnexpected(f"the page shows an exception: {element.exception.type}")

    def _widget(self, part: str) -> str:
        return next(one for one in self.window.widget_ids() if part in one)

    def _put(self, path: str, archive: bytes) -> None:
        body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="sent.zip"\r\n\r\n' + archive + b"\r\n--b--\r\n"
        headers = {
            "Cookie": self.visitor.cookie,
            "X-Xsrftoken": self.visitor.cookies["_streamlit_xsrf"],
            "Content-Type": "multipart/form-data; boundary=b",
        }
        connection = http.client.HTTPConnection(urlsplit(self.visitor.address).netloc, timeout=PATIENCE_S)
        connection.request("PUT", path, body=body, headers=headers)
        status = connection.getresponse().status
        connection.close()
        if status != http.HTTPStatus.NO_CONTENT:
            raise PageUnexpected(f"the upload was answered with {status}")


def _received(window: Window, seconds: float) -> ForwardMsg:
    received = window.socket.recv(timeout=seconds)
    return ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())


@contextmanager
def import_page(address: str, cookies: dict[str, str], label: str) -> Iterator[Import]:
    """Open the import page and choose a patient."""
    visitor = Visitor(address, cookies)
    visitor.ask("GET", "/_stcore/health")  # brings the token that an upload needs
    with visitor.window() as window:
        window.show("import-runs")
        found = [one for one in window.widget_ids() if "-chosen_patient" in one]
        if not found:
            raise PageUnexpected(f"the import page offers no patient: {window.frames[-2_000:]!r}")
        patient = WidgetState(id=found[0], string_value=label)
        yield Import(visitor, window, patient, window.show("import-runs", widgets=[patient]))
