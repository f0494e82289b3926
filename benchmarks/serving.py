"""An app served for a measurement, with its process at hand."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.serving import ROOT, environment_for, free_port, wait_until_healthy


@contextmanager
def running(database_url: str, app: str = "dashboard:app") -> Iterator[tuple[str, int]]:
    """Serve an app as `make run` does, until the block ends; gives its address and its process's number."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryDirectory(prefix="still-running-bench-") as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [*command, "--no-access-log", "--log-level", "warning"],
                cwd=ROOT,
                env=environment_for(database_url),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until_healthy(server, address, log)
            yield address, server.pid
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
