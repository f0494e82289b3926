"""
Archives on their way in: held in files without a name until they are imported.

Such a file stands in no folder, so nothing but this process reaches it, and it is gone with the process, however that ends. It lies in a
private folder beside the database, so that a large archive fills that disk and not the memory. What arrived is known by a random id and
given only to the session that sent it, for the patient it was sent for.
"""

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ARCHIVE_MAX_BYTES = 2_000_000_000  # docs/importing.md; on the limit is let in
# Of one person, all that is announced, on its way or waiting for its import.
HELD_MAX = 10
HELD_MAX_BYTES = 4_000_000_000
AT_ONCE_MAX = 2  # on their way in the same moment
DISK_LEFT_BYTES = 1_000_000_000  # stays free, because the database must go on being written
WAITS_S = 900.0  # what nothing happened to for so long is dropped
NAME_MAX = 200
PREFIX = "archive-"
ZIP_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")  # with files in it, and empty (APPNOTE.TXT 4.3.7, 4.3.16)

NO_ARCHIVE = "This is no .zip archive. Drop single files, and folders, into the field for files."
TOO_LARGE = f"The archive is larger than {ARCHIVE_MAX_BYTES // 10**9} GB. Take out what is no run, or send it in parts."
EMPTY = "The archive is empty. Download or copy it again."
TOO_MANY = f"More than {HELD_MAX} archives, or {HELD_MAX_BYTES // 10**9} GB, are on their way already. Wait until they are imported, then send this one."
AT_ONCE = f"{AT_ONCE_MAX} archives are on their way already. Wait until one has arrived, then send this one."
NO_ROOM = "There is no room for this archive on the disk of the server. Whoever runs the app can make room."
LONGER = "More came than was announced. Choose the archive again."
GONE = "This upload is no longer waited for. Choose the archive again."


class UploadRefused(Exception):
    """An archive is not taken; the text says why and what to do, `status` says it to a program."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


@dataclass(eq=False)
class Arrival:
    """
    One archive on its way.

    Attributes
    ----------
    id : str
        Random; opens nothing by itself.
    size_bytes : int
        As it was announced; `come_bytes` is what has come until now.
    """

    id: str
    session_key: str
    person_id: int
    patient_key: str
    name: str
    size_bytes: int
    file: IO[bytes]
    come_bytes: int = 0
    is_coming: bool = False
    is_gone: bool = False
    moved_s: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, piece: bytes) -> None:
        """
        Keep the next piece.

        Raises
        ------
        UploadRefused
            If it is no archive, more than was announced, there is no room for it, or nobody waits for it any more.
        """
        with self.lock:
            if self.is_gone:
                raise UploadRefused(410, GONE)
            if self.come_bytes == 0 and not piece.startswith(ZIP_BEGINNINGS):
                raise UploadRefused(415, NO_ARCHIVE)
            if self.come_bytes + len(piece) > self.size_bytes:
                raise UploadRefused(413, LONGER)
            try:
                left = memoryview(piece)
                while left:
                    left = left[self.file.write(left) :]
            except OSError as error:
                raise UploadRefused(507, NO_ROOM) from error
            self.come_bytes += len(piece)
            self.moved_s = time.monotonic()

    def drop(self) -> None:
        """Let go of what has come: it is gone."""
        with self.lock:
            self.is_gone = True
            self.file.close()


class Arrivals:
    """All archives on their way into this process. Each function may be called from any thread."""

    def __init__(self) -> None:
        self._held: dict[str, Arrival] = {}
        self._lock = threading.Lock()

    def announce(self, folder: Path, *, session_key: str, person_id: int, patient_key: str, name: str, size_bytes: int) -> Arrival:
        """
        Make room for an archive of which nothing has come yet.

        Parameters
        ----------
        folder : Path
            Where it will lie; made, for this program's eyes only, if it is not there.

        Raises
        ------
        UploadRefused
            If it is too large or empty, its person has too much on the way, or the disk has no room for it.
        """
        if size_bytes <= 0:
            raise UploadRefused(400, EMPTY)
        if size_bytes > ARCHIVE_MAX_BYTES:
            raise UploadRefused(413, TOO_LARGE)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock:
            theirs = [one for one in self._held.values() if one.person_id == person_id]
            if len(theirs) >= HELD_MAX or sum(one.size_bytes for one in theirs) + size_bytes > HELD_MAX_BYTES:
                raise UploadRefused(429, TOO_MANY)
            promised = sum(one.size_bytes - one.come_bytes for one in self._held.values())
            if free_bytes(folder) - promised - size_bytes < DISK_LEFT_BYTES:
                raise UploadRefused(507, NO_ROOM)
            # unbuffered, so that closing it on a full disk has nothing left to write and to fail at
            file = tempfile.TemporaryFile(dir=folder, prefix=PREFIX, buffering=0)  # noqa: SIM115 - closed by `drop`, or by who takes it
            made = Arrival(secrets.token_urlsafe(16), session_key, person_id, patient_key, name[:NAME_MAX], size_bytes, file)
            self._held[made.id] = made
            return made

    def begin(self, key: str, *, session_key: str, patient_key: str) -> Arrival:
        """
        Give the archive that was announced, for its bytes to come; once only.

        Raises
        ------
        UploadRefused
            If this session announced no such archive for this patient, or too many of its person come at once.
        """
        with self._lock:
            found = self._held.get(key)
            if found is None or (found.session_key, found.patient_key) != (session_key, patient_key) or found.is_coming or found.come_bytes:
                raise UploadRefused(410, GONE)
            if sum(one.is_coming for one in self._held.values() if one.person_id == found.person_id) >= AT_ONCE_MAX:
                raise UploadRefused(429, AT_ONCE)
            found.is_coming = True
            return found

    def arrived(self, arrival: Arrival) -> None:
        """
        Keep an archive that has come for its import.

        Raises
        ------
        UploadRefused
            If something of it is missing.
        """
        with self._lock:
            arrival.is_coming = False
            if arrival.is_gone or arrival.come_bytes != arrival.size_bytes:
                raise UploadRefused(410, GONE)

    def forget(self, arrival: Arrival) -> None:
        """Drop an archive that did not come whole."""
        with self._lock:
            self._held.pop(arrival.id, None)
        arrival.drop()

    def take(self, keys: Iterable[str], *, session_key: str, patient_key: str) -> list[Arrival]:
        """Give away, in their order, those archives that have come whole from this session for this patient. Who takes them drops them."""
        taken = []
        with self._lock:
            for key in dict.fromkeys(keys):
                found = self._held.get(key)
                is_theirs = found is not None and (found.session_key, found.patient_key) == (session_key, patient_key)
                if found is not None and is_theirs and not found.is_coming and found.come_bytes == found.size_bytes:
                    taken.append(self._held.pop(key))
        return taken

    def drop_of(self, session_keys: Collection[str]) -> None:
        """Drop all that sessions which have ended sent, also what is still coming."""
        self._drop([one for one in self._all() if one.session_key in session_keys])

    def drop_old(self, *, now_s: float | None = None) -> None:
        """Drop what nothing happened to for `WAITS_S`."""
        now_s = time.monotonic() if now_s is None else now_s
        self._drop([one for one in self._all() if now_s - one.moved_s >= WAITS_S])

    def session_keys(self) -> set[str]:
        """Give the sessions of which something is held."""
        return {one.session_key for one in self._all()}

    def _all(self) -> list[Arrival]:
        with self._lock:
            return list(self._held.values())

    def _drop(self, arrivals: Iterable[Arrival]) -> None:
        for arrival in arrivals:
            self.forget(arrival)


def free_bytes(folder: Path) -> int:
    """Say how much room the disk of a folder has."""
    return shutil.disk_usage(folder).free


def clear(folder: Path) -> None:
    """Empty the folder when the app starts: where files without a name do not exist, one may have kept its name in a power cut."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name.startswith(PREFIX) and path.is_file():
                path.unlink()


HERE = Arrivals()
