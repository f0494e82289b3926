"""
The process in which files of strangers are read: no new files, no children, no network where the system allows it, little memory.

It is started by data/reading.py, which speaks with it over one socket: a file in, JSON out. What it says is checked again there.
"""

import contextlib
import ctypes
import itertools
import resource
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import orjson

from data.importers.apple_health import APPLE_HEALTH, read_stream
from data.importers.archive import STREAMED_MAX_BYTES, members
from data.importers.base import FileRefused, Importer, ReadFile, read_bytes
from models import ImportOutcome

MEMORY_MAX_BYTES = 1024 * 1024 * 1024
OPEN_FILES_MAX = 32
REQUEST = struct.Struct("!HQ?")  # bytes of the name, bytes of the content, whether an open archive comes along
ANSWER = struct.Struct("!Q")
NAME_BYTES_MAX = 4_096
READY = b"."
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000  # of unshare(2)


def main() -> None:
    """Answer one file after the other until the socket closes."""
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        confine(int(sys.argv[2]))
        channel.sendall(READY)
        for name, content, archive in _requests(channel):
            answer = orjson.dumps(_answer(name, content, archive), option=orjson.OPT_SERIALIZE_NUMPY)
            channel.sendall(ANSWER.pack(len(answer)) + answer)


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


def _requests(channel: socket.socket) -> Iterator[tuple[str, bytes, int | None]]:
    while True:
        head, handles, _, _ = socket.recv_fds(channel, REQUEST.size, 1)
        if head and len(head) < REQUEST.size:
            head += received(channel, REQUEST.size - len(head)) or b""
        if len(head) < REQUEST.size:
            return
        name_bytes, content_bytes, has_archive = REQUEST.unpack(head)
        name = received(channel, name_bytes) or b""
        content = received(channel, content_bytes) if content_bytes else b""
        yield name.decode("utf-8", "replace"), content or b"", handles[0] if has_archive and handles else None


def received(channel: socket.socket, size: int) -> bytes | None:
    """Take so many bytes off a socket; None if it closed before."""
    content = bytearray(size)
    view, got = memoryview(content), 0
    while got < size:
        more = channel.recv_into(view[got:], size - got)
        if not more:
            return None
        got += more
    return bytes(content)


def _answer(name: str, content: bytes, archive: int | None) -> dict[str, Any]:
    try:
        importer, file = read_bytes(content, name) if archive is None else _read_large(archive, int(content))
    except FileRefused as refusal:
        return {"outcome": refusal.outcome.value, "reason": refusal.reason}
    except MemoryError:
        return {
            "outcome": ImportOutcome.UNREADABLE.value,
            "reason": "Reading the file takes more memory than any recording of a run needs.",
        }
    return {"importer": importer.name, "file": asdict(file)}


def _read_large(archive: int, index: int) -> tuple[Importer, ReadFile]:
    """Read the export of Apple Health at a place of an archive, as a stream."""
    with open(archive, "rb") as file:
        member = next(itertools.islice(members(file, ""), index, None))
        if isinstance(member, FileRefused):
            raise member
        return APPLE_HEALTH, read_stream(lambda: member.open(STREAMED_MAX_BYTES))
