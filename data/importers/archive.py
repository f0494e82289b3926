"""
Archives: the files inside a zip, zips inside it too, under limits that hold whatever its directory claims.

Names of members are for showing only; nothing is ever unpacked to a place that they name.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import SEEK_CUR, SEEK_END, BytesIO, RawIOBase
from typing import IO, BinaryIO, cast

from isal import isal_zlib

from data.importers.base import FILE_MAX_BYTES, GZIP_RATIO_FROM_BYTES, GZIP_RATIO_MAX, FileRefused
from models import ImportOutcome

ARCHIVE_MAX_BYTES = 2_000_000_000  # as it comes
UNPACKED_MAX_BYTES = 4_000_000_000  # all that is read of one archive, archives inside it included
UNPACKED_RATIO_MAX = 40  # of the whole; an export of Apple Health packs about 20 to 1
UNPACKED_FROM_BYTES = 200_000_000  # below this the ratio says nothing
STREAMED_MAX_BYTES = 4_000_000_000  # one member that is read as a stream: Apple Health's export.xml
MEMBERS_MAX = 20_000
DEPTH_MAX = 3
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_WORKBOOK_PARTS = ("xl/workbook.xml", "xl/workbook.bin")
_MEMBER_MAGIC = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")  # before each member: mark, flags, how it is packed, bytes of its name and of what follows it
_UTF8_NAME = 0x800
_HARMLESS = _UTF8_NAME | 0x08 | 0x06  # flags: name in UTF-8, sizes stand behind the member, how hard it was packed
_DIRECTORY_END = b"PK\x05\x06"
_DIRECTORY_END_BYTES = 22
_COMMENT_MAX_BYTES = 65_535
_ENTRY_MIN_BYTES = 46  # of one file in the directory of a zip
# What computers put beside files by themselves.
_LEFT_OUT = ("__MACOSX", ".", "Thumbs.db", "desktop.ini")


@dataclass
class Budget:
    """How many bytes may still be read of an archive and all inside it; shared by its members."""

    left: int = UNPACKED_MAX_BYTES

    @classmethod
    def for_archive(cls, size_bytes: int) -> "Budget":
        """Give what an archive of a size may unpack to."""
        return cls(min(UNPACKED_MAX_BYTES, max(UNPACKED_FROM_BYTES, UNPACKED_RATIO_MAX * size_bytes)))


@dataclass(frozen=True)
class Member:
    """
    One file inside an archive.

    Attributes
    ----------
    name : str
        The way to it, as shown to people.
    stated_bytes : int
        What the directory claims; the limits count what really comes.
    open : callable
        Gives a stream that ends with `FileRefused` at a limit.
    plain : callable
        Gives the bytes at once if they lie in the archive as they are and are whole; else None, and `open` says more.
    """

    name: str
    stated_bytes: int
    open: Callable[[int], BinaryIO] = field(repr=False)
    plain: Callable[[], bytes | None] = field(repr=False, default=lambda: None)

    def read(self) -> bytes:
        """
        Read it whole.

        Raises
        ------
        FileRefused
            If it is larger than a file may be, packed too densely, encrypted or damaged.
        """
        content = self.plain()
        if content is not None:
            return content
        with self.open(FILE_MAX_BYTES) as stream:
            return stream.read()


def is_archive(file: BinaryIO) -> bool:
    """Say whether a file is a zip that holds files, and not an Excel workbook (a zip as well)."""
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    if head not in _ZIP_MAGIC:
        return False
    try:
        names = set(_directory(file, "archive").NameToInfo)
    except FileRefused:
        return True  # it says so itself when it is opened
    return not names & set(_WORKBOOK_PARTS)


def members(file: BinaryIO, name: str, *, budget: Budget | None = None, depth: int = 1) -> Iterator[Member | FileRefused]:
    """
    Give the files of an archive in the order of its directory; those of archives inside it in their place.

    Parameters
    ----------
    file : binary file
        Seekable. Must stay open while members are read.
    name : str
        Of the archive, for the names of its members.

    Yields
    ------
    Member or FileRefused
        A refusal stands for an archive inside that cannot be opened; its text names it.

    Raises
    ------
    FileRefused
        If the archive itself cannot be opened or is over a limit.
    """
    directory = _directory(file, name)
    budget = budget or Budget.for_archive(file.seek(0, SEEK_END))
    for info in directory.infolist():
        if info.is_dir() or _is_left_out(info.filename):
            continue
        charged = [0]
        shown = f"{name} › {shown_name(info.filename)}"
        member = Member(shown, info.file_size, _opener(directory, info, budget, charged), _plain_reader(file, info, budget, charged))
        if not info.filename.lower().endswith(".zip"):
            yield member
            continue
        if depth >= DEPTH_MAX:
            yield FileRefused(
                ImportOutcome.UNREADABLE, f"{member.name}: archives inside archives are opened {DEPTH_MAX} deep. Unpack it first."
            )
            continue
        try:
            inner = BytesIO(member.read())
            yield from members(inner, member.name, budget=budget, depth=depth + 1)
        except FileRefused as refusal:
            yield FileRefused(refusal.outcome, f"{member.name}: {refusal.reason}")


def shown_name(name: str) -> str:
    """
    Write a member's name as people may see it: no way up, no drive, no backslash.

    >>> shown_name("../../etc/passwd"), shown_name("C:\\\\runs\\\\a.fit")
    ('etc/passwd', 'runs/a.fit')
    """
    parts = name.replace("\\", "/").split("/")
    return "/".join([part for part in parts if part not in {"", "..", "."} and not part.endswith(":")]) or "file"


def _is_left_out(name: str) -> bool:
    return any(part.startswith(_LEFT_OUT) for part in name.split("/") if part not in {"..", "."})


def _directory(file: BinaryIO, name: str) -> zipfile.ZipFile:
    size = file.seek(0, SEEK_END)
    if size > ARCHIVE_MAX_BYTES:
        raise FileRefused(
            ImportOutcome.UNREADABLE,
            f"The archive is larger than {ARCHIVE_MAX_BYTES // 10**9} GB. Take out what is no run, or send it in parts.",
        )
    if _directory_bytes(file, size) > MEMBERS_MAX * 1_000:
        raise _too_many()
    try:
        directory = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise FileRefused(ImportOutcome.UNREADABLE, "The archive is damaged or cut off. Download or copy it again.") from error
    if len(directory.infolist()) > MEMBERS_MAX:
        raise _too_many()
    if sum(info.compress_size for info in directory.infolist()) > size:  # members that share their bytes
        raise FileRefused(ImportOutcome.UNREADABLE, "The archive claims to hold more than there is in it. Make it anew.")
    return directory


def _too_many() -> FileRefused:
    return FileRefused(ImportOutcome.UNREADABLE, f"The archive holds more than {MEMBERS_MAX:,} files. Send it in parts.")


def _directory_bytes(file: BinaryIO, size: int) -> int:
    """Read how large the directory claims to be, before it is loaded; a claim beyond 4 GB (zip64) counts by its place."""
    file.seek(max(0, size - _COMMENT_MAX_BYTES - _DIRECTORY_END_BYTES))
    tail = file.read()
    at = tail.rfind(_DIRECTORY_END)
    if at < 0 or at + _DIRECTORY_END_BYTES > len(tail):
        return 0
    stated = int.from_bytes(tail[at + 12 : at + 16], "little")
    start = int.from_bytes(tail[at + 16 : at + 20], "little")
    return max(0, size - start) if stated == 0xFFFFFFFF != start else 0 if stated == 0xFFFFFFFF else stated


def _plain_reader(file: BinaryIO, info: zipfile.ZipInfo, budget: Budget, charged: list[int]) -> Callable[[], bytes | None]:
    """Read what is stored as it is by its place: an archive of recordings holds a thousand files that are packed already."""
    size = info.file_size
    is_plain = info.compress_type == zipfile.ZIP_STORED and info.compress_size == size <= FILE_MAX_BYTES and not info.flag_bits & ~_HARMLESS

    def read() -> bytes | None:
        if not is_plain or size - charged[0] > budget.left:
            return None
        file.seek(info.header_offset)
        head = file.read(_LOCAL_HEADER.size)
        if len(head) < _LOCAL_HEADER.size:
            return None
        magic, flags, packed_as, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(head)
        encoding = "utf-8" if flags & _UTF8_NAME else "cp437"
        is_it = magic == _MEMBER_MAGIC and packed_as == zipfile.ZIP_STORED and flags == info.flag_bits
        if not is_it or file.read(name_bytes).decode(encoding, "replace") != info.orig_filename:
            return None
        file.seek(extra_bytes, SEEK_CUR)
        content = file.read(size)
        if len(content) < size or isal_zlib.crc32(content) != info.CRC:
            return None
        budget.left -= max(0, size - charged[0])
        charged[0] = max(charged[0], size)
        return content

    return read


def _opener(directory: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget, charged: list[int]) -> Callable[[int], BinaryIO]:
    """Open a member as a stream. `charged`: what the budget was charged for it before, as who reads it twice pays once."""

    def opened(largest: int) -> BinaryIO:
        if info.flag_bits & 1:
            raise FileRefused(ImportOutcome.UNREADABLE, "The file is locked with a password. Unpack the archive and send what is in it.")
        if info.file_size > largest:
            raise _too_large(largest)
        try:
            stream = directory.open(info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
            raise _damaged() from error
        cap = min(largest, max(GZIP_RATIO_FROM_BYTES, GZIP_RATIO_MAX * info.compress_size))
        return cast(BinaryIO, _Capped(stream, cap, largest, budget, charged))

    return opened


def _damaged() -> FileRefused:
    return FileRefused(ImportOutcome.UNREADABLE, "The file is damaged inside the archive. Download or copy the archive again.")


def _too_large(largest: int) -> FileRefused:
    return FileRefused(
        ImportOutcome.UNREADABLE,
        f"The file is larger than {largest // 10**6:,} MB when unpacked, or packed more than {GZIP_RATIO_MAX} to 1. A recording of a run is smaller.",
    )


class _Capped(RawIOBase):
    """A member's stream: counts what really comes, whatever the directory says, and turns damage into a refusal."""

    def __init__(self, stream: IO[bytes], cap: int, largest: int, budget: Budget, charged: list[int]) -> None:
        self._stream, self._cap, self._largest, self._budget, self._charged = stream, cap, largest, budget, charged
        self._read = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = self._cap - self._read + 1
        try:
            piece: bytes = self._stream.read(left if size is None or size < 0 else min(size, left))
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError, RuntimeError) as error:
            raise _damaged() from error
        self._read += len(piece)
        self._budget.left -= max(0, self._read - self._charged[0])
        self._charged[0] = max(self._charged[0], self._read)
        if self._read > self._cap:
            raise _too_large(self._largest)
        if self._budget.left < 0:
            raise FileRefused(ImportOutcome.UNREADABLE, "The archive unpacks to far more than its size. Send what is in it in parts.")
        return piece

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
