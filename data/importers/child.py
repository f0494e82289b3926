"""
The process in which files of strangers are read: no new files, no children, no network where the system allows it, little memory.

It is started by data/reading.py, which speaks with it over one socket: a file in, JSON out, and the minutes of its runs as bare numbers. What
it says is checked again there.
"""

import contextlib
import ctypes
import itertools
import resource
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from data.importers.apple_health import APPLE_HEALTH, read_stream
from data.importers.archive import STREAMED_MAX_BYTES, members
from data.importers.base import FileRefused, Importer, ReadFile, read_bytes
from data.importers.mapping import Mapping, first_lines, header_key, read_with, suggested, tables_in
from data.importers.table import Table
from models import ImportOutcome

MEMORY_MAX_BYTES = 1024 * 1024 * 1024
OPEN_FILES_MAX = 32
REQUEST = struct.Struct("!HQIB")  # bytes of the name, of the content and of a mapping, and what is asked
READ, READ_LARGE, READ_MAPPED, LOOK = range(4)  # a file; one inside an open archive that comes along; as a person said; only the columns
ANSWER = struct.Struct("!QQ")  # bytes of the JSON, and of the minutes of all runs
MINUTES = np.dtype("<f8")  # run by run, and in it one array after the other, in the order of `MinuteSeries`
NAME_BYTES_MAX = 4_096
LINES_SHOWN = 3  # of a table whose columns somebody is asked about
READY = b"."
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000  # of unshare(2)


def main() -> None:
    """Answer one file after the other until the socket closes."""
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        confine(int(sys.argv[2]))
        channel.sendall(READY)
        for request in _requests(channel):
            answer, minutes = _answer(request)
            said = orjson.dumps(answer)
            channel.sendall(b"".join((ANSWER.pack(len(said), len(minutes)), said, minutes)))


@dataclass(frozen=True)
class Request:
    """What is asked: a file by its name and bytes, and what its columns mean; or an open archive, and a place in it as `content`."""

    asked: int
    name: str
    content: bytes
    mapping: bytes
    archive: int | None


def confine(memory_max_bytes: int = MEMORY_MAX_BYTES) -> None:
    """Give up what reading a file does not need, for good."""
    with contextlib.suppress(OSError, AttributeError):  # Linux, where unprivileged name spaces are allowed
        ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER | _NEW_NETWORK)
    for limit, value in (
        (resource.RLIMIT_AS, memory_max_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
    ):
        with contextlib.suppress(OSError, ValueError):  # what a system does not have, it does not have
            resource.setrlimit(limit, (value, value))


def _requests(channel: socket.socket) -> Iterator[Request]:
    while True:
        head, handles, _, _ = socket.recv_fds(channel, REQUEST.size, 1)
        if head and len(head) < REQUEST.size:
            head += received(channel, REQUEST.size - len(head)) or b""
        if len(head) < REQUEST.size:
            return
        name_bytes, content_bytes, mapping_bytes, asked = REQUEST.unpack(head)
        name, mapping, content = (received(channel, size) or b"" for size in (name_bytes, mapping_bytes, content_bytes))
        yield Request(asked, name.decode("utf-8", "replace"), content, mapping, handles[0] if handles else None)


def received(channel: socket.socket, size: int) -> bytes | None:
    """Take so many bytes off a socket; None if it closed before."""
    first = channel.recv(size, socket.MSG_WAITALL) if size else b""
    if len(first) == size or not first:  # nearly always: all at once
        return first if len(first) == size else None
    content = bytearray(first) + bytearray(size - len(first))
    view, got = memoryview(content), len(first)
    while got < size:
        more = channel.recv_into(view[got:], size - got)
        if not more:
            return None
        got += more
    return bytes(content)


def _answer(request: Request) -> tuple[dict[str, Any], bytes]:
    try:
        if request.asked == LOOK:
            return {"tables": [_seen(table) for table in tables_in(request.content)]}, b""
        if request.asked == READ_MAPPED:
            return _told("", read_with(request.content, Mapping.from_dict(orjson.loads(request.mapping))))
        if request.archive is not None:
            importer, file = _read_large(request.archive, int(request.content))
        else:
            importer, file = read_bytes(request.content, request.name)
    except FileRefused as refusal:
        return {"outcome": refusal.outcome.value, "reason": refusal.reason}, b""
    except MemoryError:
        reason = "Reading the file takes more memory than any recording of a run needs."
        return {"outcome": ImportOutcome.UNREADABLE.value, "reason": reason}, b""
    return _told(importer.name, file)


def _told(importer: str, file: ReadFile) -> tuple[dict[str, Any], bytes]:
    """Give what was read; instead of the minutes of each run how many there are, and their numbers beside it."""
    series = [run.minutes for run in file.runs]
    counts = [None if minutes is None else len(minutes.speed_m_s) for minutes in series]
    numbers = [np.ascontiguousarray(column, MINUTES).tobytes() for minutes in series if minutes for column in vars(minutes).values()]
    runs = [vars(run) | {"minutes": None} for run in file.runs]
    return {"importer": importer, "file": vars(file) | {"runs": runs}, "minutes": counts}, b"".join(numbers)


def _seen(table: Table) -> dict[str, Any]:
    lines = first_lines(table)
    mapping = suggested(table.written, lines)
    return {
        "key": header_key(table.written),
        "columns": [[name, written] for name, written in zip(table.columns, table.written, strict=True) if name],
        "lines": [[text for name, text in zip(table.columns, line, strict=True) if name] for line in lines[:LINES_SHOWN]],
        "suggested": None if mapping is None else mapping.as_dict(),
    }


def _read_large(archive: int, index: int) -> tuple[Importer, ReadFile]:
    """Read the export of Apple Health at a place of an archive, as a stream."""
    with open(archive, "rb") as file:
        member = next(itertools.islice(members(file, ""), index, None))
        if isinstance(member, FileRefused):
            raise member
        return APPLE_HEALTH, read_stream(lambda: member.open(STREAMED_MAX_BYTES))
