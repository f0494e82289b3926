"""The app as `make run` serves it, on a free port, for tests, screenshots and benchmarks."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
START_PATIENCE_S = 60.0
QUIETLY = ("--no-access-log", "--log-level", "warning")


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def environment_for(database_url: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give this process's environment with that database, without a key unless `extra` brings one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STILL_RUNNING_")}
    return {**kept, "DATABASE_URL": database_url, **(extra or {})}


@contextmanager
def served(
    database_url: str,
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    root: Path = ROOT,
    port: int | None = None,
    command: Sequence[str] = ("-m", "uvicorn", "dashboard:app", "--host", "127.0.0.1", "--port", "{port}", *QUIETLY),
) -> Iterator[str]:
    """
    Serve the app until the block ends.

    Parameters
    ----------
    database_url : str
        What the app reads and writes.
    log : Path
        File for what the server says.
    environment : mapping, optional
        Further environment variables.
    root : Path
        The folder that holds dashboard.py.
    port : int, optional
        Default a free one.
    command : sequence of str
        What Python is started with; `{port}` stands for the port.

    Yields
    ------
    str
        Its address, without a slash at the end.

    Raises
    ------
    RuntimeError
        If it does not answer within a minute; the text holds its log.
    """
    port = port or free_port()
    address = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, *(part.format(port=port) for part in command)],
            cwd=root,
            env=environment_for(database_url, environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_healthy(server, address, log)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_until_healthy(server: subprocess.Popen[bytes], address: str, log: Path, *, patience_s: float = START_PATIENCE_S) -> None:
    """
    Wait for a starting server to answer.

    Raises
    ------
    RuntimeError
        If it ends, or stays silent for longer than `patience_s`; the text holds its log.
    """
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        try:
            with urlopen(f"{address}/_stcore/health", timeout=5):
                return
        except (URLError, OSError):
            pass
        try:
            server.wait(0.05)  # the pause between two tries
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError(f"The app did not start at {address}:\n{log.read_text(errors='replace')}")
