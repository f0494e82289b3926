"""
From what was handed in to single files: folders and archives are opened, in an order in which the better source comes first.

Recordings come before lists: a list then fills in what a recording leaves open. Files that belong to an archive of Strava or Apple Health and
hold no run are named as that, so that nothing is left out in silence.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from data.importers.archive import Member, is_archive, members
from data.importers.base import FILE_MAX_BYTES, FileRefused

RECORDINGS = (".fit", ".tcx", ".gpx", ".xml")
APPLE_EXPORT, APPLE_FOLDER = "export.xml", "apple_health_export"
STRAVA_LIST = "activities.csv"
STRAVA_RECORDINGS = "activities"


@dataclass(frozen=True)
class Source:
    """
    A file to import.

    Attributes
    ----------
    name : str
        As people see it; of a file in an archive with the way to it.
    read : callable
        Gives its bytes; raises FileRefused at a limit, OSError if it cannot be opened.
    set_aside : str
        A sentence why it is not even read; empty for a file that is.
    large : tuple, optional
        The open archive and the place in it of a file that is read as a stream (Apple Health's export.xml).
    """

    name: str
    read: Callable[[], bytes]
    set_aside: str = ""
    large: tuple[BinaryIO, int] | None = None


def sources_in(paths: Iterable[Path], held: ExitStack) -> list[Source]:
    """
    Find the files under some paths, in folders and archives too, in the order in which they are imported; hidden files are left out.

    Parameters
    ----------
    paths : iterable of Path
    held : ExitStack
        Keeps archives open; close it after the import.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    """
    found: list[Source] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(item for item in path.rglob("*") if item.is_file())
            shown = [item for item in inside if not any(part.startswith(".") for part in item.relative_to(path).parts)]
            found += [source for item in shown for source in _of_path(item, item.relative_to(path.parent).as_posix(), held)]
        elif path.is_file():
            found += _of_path(path, path.name, held)
        else:
            raise FileNotFoundError(f"There is no file or folder {path}.")
    return in_order(found)


def sources_of(files: Iterable[tuple[str, bytes]]) -> list[Source]:
    """Give what was handed in as bytes, archives opened, in the order in which it is imported."""
    found: list[Source] = []
    for name, content in files:
        file, read = BytesIO(content), lambda content=content: content
        found += _opened(name, file, read) if is_archive(file) else [Source(name, read)]
    return in_order(found)


def sources_of_open(files: Iterable[tuple[str, BinaryIO]]) -> list[Source]:
    """Give what was handed in as open files, which must stay open during the import: archives opened, nothing read whole into memory."""

    def whole(file: BinaryIO) -> bytes:
        file.seek(0)
        return file.read(FILE_MAX_BYTES + 1)

    found: list[Source] = []
    for name, file in files:
        read = partial(whole, file)
        found += _opened(name, file, read) if is_archive(file) else [Source(name, read)]
    return in_order(found)


def in_order(sources: Iterable[Source]) -> list[Source]:
    """
    Put recordings before lists, each in the order in which they came.

    >>> [source.name for source in in_order([Source("a.csv", bytes), Source("b.fit.gz", bytes), Source("c.GPX", bytes)])]
    ['b.fit.gz', 'c.GPX', 'a.csv']
    """
    return sorted(sources, key=lambda source: not source.name.lower().removesuffix(".gz").endswith(RECORDINGS))


def _of_path(path: Path, name: str, held: ExitStack) -> Iterator[Source]:
    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(FILE_MAX_BYTES + 1)

    try:
        file = held.enter_context(path.open("rb"))
        if is_archive(file):
            yield from _opened(name, file, read)
            return
        file.close()
    except OSError:
        pass  # reading it says why
    yield Source(name, read)


def _opened(name: str, file: BinaryIO, read: Callable[[], bytes]) -> Iterator[Source]:
    """Give what is in an archive, or why it cannot be opened."""
    try:
        inside = list(members(file, name))
    except FileRefused as refusal:
        yield Source(name, _refusing(refusal))
        return
    if not inside:
        yield Source(name, read, set_aside="The archive is empty.")
    paths = [member.path for member in inside if isinstance(member, Member)]
    is_apple = any(_parts(one)[-1] == APPLE_EXPORT and APPLE_FOLDER in _parts(one) for one in paths)
    is_strava = any(_parts(one)[-1] == STRAVA_LIST for one in paths) and any(STRAVA_RECORDINGS in _parts(one)[:-1] for one in paths)
    for index, member in enumerate(inside):
        if isinstance(member, FileRefused):
            inner, _, reason = member.reason.rpartition(": ")  # the name may have one too
            yield Source(inner, _refusing(FileRefused(member.outcome, reason)))
        elif is_apple and _parts(member.path)[-1] == APPLE_EXPORT:
            yield Source(member.name, member.read, large=(file, index))
        else:
            yield Source(member.name, member.read, set_aside=_beside(member.path, is_apple=is_apple, is_strava=is_strava))


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def _beside(path: str, *, is_apple: bool, is_strava: bool) -> str:
    """Say what a file of an archive is that holds no run of its own."""
    parts = _parts(path)
    if is_apple and APPLE_FOLDER in parts:
        return "It belongs to the export of Apple Health; the workouts are read from its export.xml."
    if is_strava and parts[-1] != STRAVA_LIST and STRAVA_RECORDINGS not in parts[:-1]:
        return "It belongs to Strava's archive and holds no run."
    return ""


def _refusing(refusal: FileRefused) -> Callable[[], bytes]:
    def read() -> bytes:
        raise refusal

    return read
