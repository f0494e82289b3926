"""
Reading files of strangers in a process of its own, so that a file that breaks its reader breaks nothing else.

One process serves a whole batch. If it dies, hangs or answers nonsense, that file is refused in words and the next one gets a new process.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from io import UnsupportedOperation
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

import numpy as np
import orjson
from pydantic import TypeAdapter, ValidationError

from data.importers.base import FileRefused, Floats, Importer, MinuteSeries, ReadFile
from data.importers.child import (
    ANSWER,
    LOOK,
    MEMORY_MAX_BYTES,
    MINUTES,
    NAME_BYTES_MAX,
    READ,
    READ_LARGE,
    READ_MAPPED,
    READY,
    REQUEST,
    received,
)
from data.importers.mapping import Mapping
from data.series import MINUTES_MAX
from models import ImportOutcome

ROOT = Path(__file__).resolve().parent.parent
FILE_SECONDS_MAX = 30.0
LARGE_SECONDS_MAX = 600.0
START_SECONDS_MAX = 60.0
ANSWER_BYTES_MAX = 200_000_000
# Numerical libraries would start threads, and each one reserves memory.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from data.importers.child import main; main()"
_CHANNELS = fields(MinuteSeries)
_NO_NUMBERS = np.zeros(0)
Understood = TypeVar("Understood")


@dataclass(frozen=True)
class SeenTable:
    """
    A table that no importer knows: what somebody has to see to say what its columns mean.

    Attributes
    ----------
    key : str
        Of its header: see `data.importers.mapping.header_key`.
    columns : tuple of tuples of str
        Each column as a `Mapping` names it, and as it is written.
    lines : tuple of tuples of str
        The first few, one text a column.
    suggested : Mapping or None
    """

    key: str
    columns: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, ...], ...]
    suggested: Mapping | None


class Reader:
    """
    A process that reads files, started when the first one comes. Use it in a `with` block.

    Parameters
    ----------
    seconds_max : float
        How long one file may take.
    memory_max_bytes : int
        What the process may use in all.
    """

    def __init__(self, *, seconds_max: float = FILE_SECONDS_MAX, memory_max_bytes: int = MEMORY_MAX_BYTES) -> None:
        self._seconds_max, self._memory_max_bytes = seconds_max, memory_max_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def read(self, content: bytes, file_name: str) -> tuple[Importer, ReadFile]:
        """
        Read a file as `data.importers.base.read_bytes` does, in the other process.

        Parameters
        ----------
        content : bytes
            The unpacked file.
        file_name : str

        Returns
        -------
        tuple of Importer and ReadFile

        Raises
        ------
        FileRefused
            If its importer refuses it, or reading it took too long, too much memory, or broke the reader.
        """
        return self._understood(self._asked(READ, content, file_name), _file_of)

    def read_large(self, archive: BinaryIO, index: int) -> tuple[Importer, ReadFile]:
        """
        Read the export of Apple Health inside an archive as a stream; see `data.importers.apple_health.read_stream`.

        Parameters
        ----------
        archive : binary file
        index : int
            Its place among `data.importers.archive.members`.

        Raises
        ------
        FileRefused
        """
        with _as_file(archive) as file:
            return self._understood(self._asked(READ_LARGE, str(index).encode(), archive=file, seconds_max=LARGE_SECONDS_MAX), _file_of)

    def read_with(self, content: bytes, mapping: Mapping) -> ReadFile:
        """
        Read a table as a person said; see `data.importers.mapping.read_with`.

        Raises
        ------
        FileRefused
        """
        return self._understood(self._asked(READ_MAPPED, content, mapping=orjson.dumps(mapping.as_dict())), _read_of)

    def tables(self, content: bytes) -> list[SeenTable]:
        """
        Look at the tables of a file that no importer knows; empty if there are none.

        Raises
        ------
        FileRefused
            If it is too large or damaged.
        """
        return self._understood(self._asked(LOOK, content), _tables_of)

    def _understood(self, answer: dict[str, Any], what: Callable[[dict[str, Any]], Understood]) -> Understood:
        if "reason" in answer:
            raise FileRefused(ImportOutcome(answer["outcome"]), str(answer["reason"])[:2_000])
        try:
            return what(answer)
        except (ValueError, KeyError, TypeError, ValidationError):
            self.stop()
            raise _broke() from None

    def _asked(
        self,
        asked: int,
        content: bytes,
        file_name: str = "",
        *,
        mapping: bytes = b"",
        archive: BinaryIO | None = None,
        seconds_max: float | None = None,
    ) -> dict[str, Any]:
        name = file_name.encode("utf-8", "replace")[:NAME_BYTES_MAX]
        seconds_max = self._seconds_max if seconds_max is None else seconds_max
        channel = self._started()
        channel.settimeout(seconds_max)
        try:
            handles = [] if archive is None else [archive.fileno()]
            said = [REQUEST.pack(len(name), len(content), len(mapping), asked), name, mapping, content]
            gone = socket.send_fds(channel, said, handles)
            if gone < sum(map(len, said)):
                channel.sendall(memoryview(b"".join(said))[gone:])
            head = received(channel, ANSWER.size)
            size, minutes_size = ANSWER.unpack(head) if head else (0, 0)
            answer = received(channel, size + minutes_size) if 0 < size <= ANSWER_BYTES_MAX - minutes_size else None
        except TimeoutError:
            self.stop()
            raise FileRefused(
                ImportOutcome.UNREADABLE,
                f"Reading the file took longer than {seconds_max:.0f} seconds and was stopped. Export the run again.",
            ) from None
        except OSError:
            answer = None
        if answer is None:
            self.stop()
            raise _broke()
        try:
            understood = dict(orjson.loads(memoryview(answer)[:size]))
            return understood | {"numbers": np.frombuffer(answer, MINUTES, offset=size)} if minutes_size else understood
        except (ValueError, TypeError):
            self.stop()
            raise _broke() from None

    def stop(self) -> None:
        """End the process; the next file starts a new one."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.kill()
            self._process.wait()
            self._process = None

    def _started(self) -> socket.socket:
        if self._process is not None and self._process.poll() is not None:
            self.stop()  # somebody ended it between two files
        if self._channel is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - our own program, nothing of the file
                    [sys.executable, "-I", "-c", _START, str(ROOT), str(theirs.fileno()), str(self._memory_max_bytes)],
                    pass_fds=(theirs.fileno(),),
                    env=ENVIRONMENT,
                    cwd=os.sep,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            self._channel = ours
            ours.settimeout(START_SECONDS_MAX)
            if received(ours, len(READY)) != READY:
                self.stop()
                raise RuntimeError("the process that reads files does not start")
        return self._channel


def _broke() -> FileRefused:
    return FileRefused(ImportOutcome.UNREADABLE, "The file breaks its reader: it is damaged, or no device wrote it. Export the run again.")


@cache
def _file_type() -> TypeAdapter[ReadFile]:
    return TypeAdapter(ReadFile)


def _file_of(answer: dict[str, Any]) -> tuple[Importer, ReadFile]:
    from data.importers import IMPORTERS

    importer = next((one for one in IMPORTERS if one.name == answer["importer"]), None)
    if importer is None:
        raise KeyError(answer["importer"])
    return importer, _read_of(answer)


def _read_of(answer: dict[str, Any]) -> ReadFile:
    file = answer["file"]
    runs, counts, numbers = file["runs"], answer["minutes"], answer.get("numbers", _NO_NUMBERS)
    if len(numbers) != len(_CHANNELS) * sum(_counted(count) for count in counts if count is not None):
        raise ValueError("as many minutes as were announced belong to each channel")
    known: Floats = np.where(np.isfinite(numbers), numbers, np.nan)
    at = 0
    for run, count in zip(runs, counts, strict=True):
        if run["minutes"] is not None:
            raise ValueError("minutes in an unknown form")
        if count is not None:
            following = at + len(_CHANNELS) * count
            run["minutes"] = MinuteSeries(*known[at:following].reshape(len(_CHANNELS), count))
            at = following
    return _file_type().validate_python(file)


def _counted(count: Any) -> int:
    if not isinstance(count, int) or not 0 <= count <= MINUTES_MAX:
        raise ValueError("no number of minutes")
    return count


def _tables_of(answer: dict[str, Any]) -> list[SeenTable]:
    return [
        SeenTable(
            str(table["key"]),
            tuple((str(name), str(written)) for name, written in table["columns"]),
            tuple(tuple(map(str, line)) for line in table["lines"]),
            None if table["suggested"] is None else Mapping.from_dict(table["suggested"]),
        )
        for table in answer["tables"]
    ]


@contextlib.contextmanager
def _as_file(archive: BinaryIO) -> Iterator[BinaryIO]:
    """Give an archive as a file that another process can read; one in memory stays in memory where the system can do that."""
    try:
        archive.fileno()
    except UnsupportedOperation:
        descriptor = os.memfd_create("archive") if hasattr(os, "memfd_create") else None
        with tempfile.TemporaryFile() if descriptor is None else os.fdopen(descriptor, "w+b") as file:
            archive.seek(0)
            shutil.copyfileobj(archive, file)
            file.flush()
            yield file
    else:
        yield archive
