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
MEMBERS_MAX = 20_000  # those of archives inside included
INNER_MAX_BYTES = 200_000_000  # of all archives inside together: they are held in memory
DEPTH_MAX = 3
DIRECTORY_MAX_BYTES = MEMBERS_MAX * 1_000
# What every computer writes. Of the other methods zipfile unpacks whole blocks at once: a hundred bytes can be 45 MB.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_WORKBOOK_PARTS = ("xl/workbook.xml", "xl/workbook.bin")
_MEMBER_MAGIC = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s2xHH16xHH")  # before each member: mark, flags, how it is packed, bytes of its name and of what follows it
_UTF8_NAME = 0x800
_HARMLESS = _UTF8_NAME | 0x08 | 0x06  # flags: name in UTF-8, sizes stand behind the member, how hard it was packed
_ENTRY = b"PK\x01\x02"  # begins each file in the directory of a zip
# What zipfile raises at damaged or hostile archives; OverflowError and IndexError are among them.
_DAMAGED = (ArithmeticError, EOFError, LookupError, OSError, RuntimeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error)
# What computers put beside files by themselves.
_LEFT_OUT = ("__MACOSX", ".", "Thumbs.db", "desktop.ini")


@dataclass
class Budget:
    """
    What may still come out of an archive and all inside it; shared by its members.

    Attributes
    ----------
    left : int
        Bytes that may still be read.
    members : int
        Files that may still be named.
    inner : int
        Bytes of archives inside that may still be held.
    """

    left: int = UNPACKED_MAX_BYTES
    members: int = field(default_factory=lambda: MEMBERS_MAX)
    inner: int = field(default_factory=lambda: INNER_MAX_BYTES)

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
    path : str
        The last part of that: in the archive that holds it.
    stated_bytes : int
        What the directory claims; the limits count what really comes.
    open : callable
        Gives a stream that ends with `FileRefused` at a limit.
    plain : callable
        Gives the bytes at once if they lie in the archive as they are and are whole; else None, and `open` says more.
    """

    name: str
    path: str
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
        names = set(directory_of(file).NameToInfo)
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
    if budget is not None and budget.members < 0:  # said of one archive inside, it holds for all after it
        raise _too_many()
    directory = directory_of(file)
    budget = budget or Budget.for_archive(file.seek(0, SEEK_END))
    budget.members -= len(directory.infolist())
    if budget.members < 0:
        raise _too_many()
    for info in directory.infolist():
        if info.filename.endswith("/") or _is_left_out(info.filename):  # is_dir() fails where there is no name
            continue
        path, charged = shown_name(info.filename), [0]
        opener, plain = _opener(directory, info, budget, charged), _plain_reader(file, info, budget, charged)
        member = Member(f"{name} › {path}", path, info.file_size, opener, plain)
        if not info.filename.lower().endswith(".zip"):
            yield member
            continue
        if depth >= DEPTH_MAX:
            yield FileRefused(
                ImportOutcome.UNREADABLE, f"{member.name}: archives inside archives are opened {DEPTH_MAX} deep. Unpack it first."
            )
            continue
        try:
            inner = member.read()
            budget.inner -= len(inner)
            if budget.inner < 0:
                raise FileRefused(
                    ImportOutcome.UNREADABLE,
                    f"The archives inside take more than {INNER_MAX_BYTES // 10**6} MB together. Unpack this one first, and send what is in it.",
                )
            yield from members(BytesIO(inner), member.name, budget=budget, depth=depth + 1)
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


def directory_of(file: BinaryIO) -> zipfile.ZipFile:
    """
    Load the directory of a zip, whatever size it claims to be.

    Parameters
    ----------
    file : binary file
        Seekable. Must stay open while members are read.

    Raises
    ------
    FileRefused
        If it is damaged, names too many files, or more bytes than there are.
    """
    size = file.seek(0, SEEK_END)
    if size > ARCHIVE_MAX_BYTES:
        raise FileRefused(
            ImportOutcome.UNREADABLE,
            f"The archive is larger than {ARCHIVE_MAX_BYTES // 10**9} GB. Take out what is no run, or send it in parts.",
        )
    looked_at = _Directory(file)
    try:
        directory = zipfile.ZipFile(cast(BinaryIO, looked_at))
    except _DAMAGED as error:
        raise FileRefused(ImportOutcome.UNREADABLE, "The archive is damaged or cut off. Download or copy it again.") from error
    looked_at.is_loaded = True
    if sum(info.compress_size for info in directory.infolist()) > size:  # members that share their bytes
        raise FileRefused(ImportOutcome.UNREADABLE, "The archive claims to hold more than there is in it. Make it anew.")
    return directory


class _Directory:
    """A zip while its directory is loaded, which zipfile reads in one piece of the size that the archive claims."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.is_loaded = False
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if not self.is_loaded and size > DIRECTORY_MAX_BYTES:
            raise _too_many()
        piece = self._file.read(size)
        if not self.is_loaded and piece.count(_ENTRY) > MEMBERS_MAX:
            raise _too_many()
        return piece

    def close(self) -> None:
        """Leave the file open: it belongs to who handed it in."""


def _too_many() -> FileRefused:
    return FileRefused(ImportOutcome.UNREADABLE, f"The archive holds more than {MEMBERS_MAX:,} files. Send it in parts.")


def _plain_reader(file: BinaryIO, info: zipfile.ZipInfo, budget: Budget, charged: list[int]) -> Callable[[], bytes | None]:
    """Read what is stored as it is by its place: an archive of recordings holds a thousand files that are packed already."""
    size = info.file_size
    is_plain = info.compress_type == zipfile.ZIP_STORED and info.compress_size == size <= FILE_MAX_BYTES and not info.flag_bits & ~_HARMLESS

    def read() -> bytes | None:
        if not is_plain or size - charged[0] > budget.left:
            return None
        try:
            file.seek(info.header_offset)
        except (ValueError, OverflowError, OSError):  # a place before the archive, or beyond what a file can have
            return None
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
        if info.compress_type not in METHODS:
            raise FileRefused(
                ImportOutcome.UNREADABLE, "The file is packed in a way that is not read here. Unpack the archive and send what is in it."
            )
        if info.file_size > largest:
            raise _too_large(largest)
        try:
            stream = directory.open(info)
        except _DAMAGED as error:
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
        except _DAMAGED as error:
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
