"""
What an importer gives, and how it says no.

An importer turns the bytes of one file into runs and scores. It knows neither the patient nor the database. The error tree has one
branch: `FileRefused`, with the outcome that stands in the import report and a reason that says what, where and how to mend it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import PurePath
from typing import ClassVar

import numpy as np
from isal import isal_zlib  # inflating is most of what an import costs; zlib takes twice as long
from numpy.typing import NDArray
from pydantic import ConfigDict

from models import CadenceRule, DistanceRule, ImportOutcome, PainMoment, RestMoment, Side, Surface

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FILE_MAX_BYTES = 50_000_000
GZIP_RATIO_MAX = 100  # real TCX files pack about 20 to 1
GZIP_RATIO_FROM_BYTES = 1024 * 1024  # below this size the ratio says nothing
_GZIP_STEP_BYTES = 256 * 1024
_GZIP_MAGIC = b"\x1f\x8b"


class FileRefused(Exception):
    """
    A file that gives no run and no score.

    Attributes
    ----------
    outcome : ImportOutcome
        `not_a_run`, `unreadable`, `no_data` or `needs_mapping`.
    reason : str
        Plain sentences: what is wrong, where, how to mend it.
    """

    def __init__(self, outcome: ImportOutcome, reason: str) -> None:
        self.outcome = outcome
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class MinuteSeries:
    """
    A run, one value a minute of elapsed time since its start. NaN: not known, or not moving in that minute.

    Attributes
    ----------
    speed_m_s, cadence_spm, ground_contact_time_ms : ndarray of float64
        Time-weighted means of the moving part of the minute; cadence counts both feet and leaves zeros out.
    grade : ndarray of float64
        Rise over run, 0.02 is two metres up in a hundred.
    """

    __pydantic_config__: ClassVar = ConfigDict(arbitrary_types_allowed=True)  # arrays, where data/reading.py checks an answer
    speed_m_s: Floats
    cadence_spm: Floats
    ground_contact_time_ms: Floats
    grade: Floats


@dataclass(frozen=True)
class ReadRun:
    """
    One run as a file tells it. SI units; cadence in steps per minute of both feet.

    Attributes
    ----------
    started_at_utc : datetime
        Aware. If `clock_is_local`, it is the reading of a local clock written as if it were UTC.
    utc_offset_s : int or None
        Local time minus UTC, if the file states it.
    cadence_spm, running_cadence_spm, device_cadence_spm : float or None
        Mean of the moving samples above 0; the same over running minutes only; what the file itself states.
    running_time_s, running_speed_m_s, grade_abs_mean : float or None
        Over the minutes that are running and not walking, the same ones as `running_cadence_spm`.
    minutes : MinuteSeries or None
        None if the file has no samples.
    notes : tuple of str
        Plain sentences on what was done or is doubtful.
    doubtful : bool
        True if somebody should look at the run: one of the notes says why.
    held_back : bool
        True if it would falsify a total in case it is no run, or not that long: it does not count until a person accepts it. Such a run
        is doubtful too.
    clock_is_local : bool
        True if the file gives a clock time without a zone; the patient's time zone then tells the true UTC. `utc_offset_s` is 0 then, so
        that the day is right in any case.
    start_is_known : bool
        False if the file gives a day without a time of day; noon stands for it then.
    """

    started_at_utc: datetime
    utc_offset_s: int | None
    surface: Surface
    distance_m: float
    distance_rule: DistanceRule
    moving_time_s: float
    elapsed_time_s: float
    cadence_spm: float | None
    running_cadence_spm: float | None
    device_cadence_spm: float | None
    cadence_rule: CadenceRule
    running_time_s: float | None
    running_speed_m_s: float | None
    grade_abs_mean: float | None
    ground_contact_time_ms: float | None
    vertical_oscillation_mm: float | None
    has_gps: bool
    device: str
    session_rpe: int | None
    minutes: MinuteSeries | None
    notes: tuple[str, ...]
    doubtful: bool = False
    held_back: bool = False
    clock_is_local: bool = False
    start_is_known: bool = True


@dataclass(frozen=True)
class ReadScore:
    """One pain score, 0 to 10. `for_date` is the day on which it was felt; `side` is None if the file names none."""

    for_date: date
    moment: PainMoment
    side: Side | None
    nprs: int
    line: int


@dataclass(frozen=True)
class ReadRest:
    """A yes or no about pain at rest."""

    for_date: date
    moment: RestMoment
    side: Side | None
    answer: bool
    line: int


@dataclass(frozen=True)
class RefusedLine:
    """A line of a table that was left out. Lines count from 1, the header included."""

    line: int
    reason: str


@dataclass(frozen=True)
class ReadFile:
    """Everything one file gave. `partial`: it is damaged, and only the part before the break was read."""

    runs: tuple[ReadRun, ...] = ()
    scores: tuple[ReadScore, ...] = ()
    rest_answers: tuple[ReadRest, ...] = ()
    days_without_run: tuple[date, ...] = ()
    refused_lines: tuple[RefusedLine, ...] = ()
    partial: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Importer:
    """
    One source.

    `recognises` looks at the content, never at the name; `read` raises `FileRefused` and nothing else. Where `is_sure` says so of a
    content, nobody else is asked: it cannot be anything else.
    """

    name: str
    label: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[bytes], ReadFile]
    is_sure: Callable[[bytes], bool] | None = field(default=None, kw_only=True)


def unpacked(content: bytes) -> bytes:
    """
    Take the gzip wrapping off, if there is one.

    Parameters
    ----------
    content : bytes
        A file as it came, at most 50 MB.

    Returns
    -------
    bytes
        The inner file; the same bytes if it was not wrapped. Of a damaged wrapping, the part before the break, if the inner format
        notices by itself that its end is missing (FIT and XML do, a table does not).

    Raises
    ------
    FileRefused
        If the file is too large, grows more than a hundredfold, or is damaged at its start.
    """
    if len(content) > FILE_MAX_BYTES:
        raise _too_large()
    if not content.startswith(_GZIP_MAGIC):
        return content
    cap = min(FILE_MAX_BYTES, max(GZIP_RATIO_FROM_BYTES, GZIP_RATIO_MAX * len(content)))
    inner, rest, whole = bytearray(), content, True
    while whole and rest.startswith(_GZIP_MAGIC):  # a gzip file may hold several members
        member = isal_zlib.decompressobj(wbits=31)
        try:
            while not member.eof:
                piece = member.decompress(rest, _GZIP_STEP_BYTES)
                if member.eof and not inner and not member.unused_data and len(piece) <= cap:
                    return piece  # nearly always: one member, in one step
                rest = member.unconsumed_tail
                inner += piece
                if len(inner) > cap:
                    raise _too_large()
                if not piece and not rest and not member.eof:
                    whole = False
                    break
        except isal_zlib.error:  # type: ignore[misc]  # its stub calls the class an instance
            whole = False
        rest = member.unused_data
    if not whole and not _notices_its_break(inner):
        raise FileRefused(ImportOutcome.UNREADABLE, "The .gz file is damaged or cut off. Export or copy it again.")
    return bytes(inner)


def _too_large() -> FileRefused:
    return FileRefused(
        ImportOutcome.UNREADABLE,
        f"The file is larger than {FILE_MAX_BYTES // 1_000_000} MB when unpacked, or packed more than {GZIP_RATIO_MAX} to 1. "
        "A recording of a run is smaller. Export the run again.",
    )


def _notices_its_break(inner: bytearray) -> bool:
    return inner[8:12] == b".FIT" or inner.lstrip()[:1] == b"<"


def read_bytes(content: bytes, file_name: str) -> tuple[Importer, ReadFile]:
    """
    Read a file with the importer that recognises its content.

    Parameters
    ----------
    content : bytes
        The unpacked file (see `unpacked`).
    file_name : str
        Only its ending is used, and only if two importers recognise the content.

    Returns
    -------
    tuple of Importer and ReadFile
        Which source it is, and what it gave.

    Raises
    ------
    FileRefused
        If nobody recognises it, or the one who does finds no run and no score.
    """
    from data.importers import IMPORTERS  # the tuple names the importers, which are made of the classes above

    if len(content) > FILE_MAX_BYTES:
        raise _too_large()
    if not content.strip(b"\0\t\n\r "):
        raise FileRefused(ImportOutcome.NO_DATA, "The file is empty.")
    ending = PurePath(file_name.lower().removesuffix(".gz")).suffix
    sure = next((importer for importer in IMPORTERS if importer.is_sure is not None and importer.is_sure(content)), None)
    candidates = [sure] if sure else [importer for importer in IMPORTERS if importer.recognises(content)]
    candidates.sort(key=lambda importer: ending not in importer.suffixes)
    if not candidates:
        raise _unrecognised(content, ending)
    return candidates[0], candidates[0].read(content)


def _unrecognised(content: bytes, ending: str) -> FileRefused:
    from data.importers.json_text import is_json
    from data.importers.table import header_of
    from data.importers.xml_stream import root_name

    if content.startswith(b"PK\x03\x04"):
        return FileRefused(ImportOutcome.UNREADABLE, "This is an archive or a workbook (zip). Unpack it, or save the sheet as CSV.")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return FileRefused(
            ImportOutcome.UNREADABLE,
            "This is an old Excel workbook (.xls), or one with a password. Save it as .xlsx without a password, or as CSV.",
        )
    root = root_name(content)
    if root is not None:
        return FileRefused(ImportOutcome.UNREADABLE, f"This is an XML file that begins with <{root[:40]}>: neither TCX nor GPX.")
    header = None if is_json(content) else header_of(content)
    if header is not None:
        return FileRefused(
            ImportOutcome.NEEDS_MAPPING,
            f"This is a table, but its columns are not the ones of our forms for runs or pain scores: {', '.join(header)[:200]}. "
            "Say on the import page what they mean, or rename them as docs/importing.md shows.",
        )
    if is_json(content):
        return FileRefused(
            ImportOutcome.UNREADABLE,
            "This is a JSON file, but no training of Polar's or GoldenCheetah's. Export the run as FIT, TCX or GPX.",
        )
    hint = f" although its name ends in {ending[:10]}" if ending else ""
    return FileRefused(ImportOutcome.UNREADABLE, f"This is no FIT, TCX or GPX file and no table{hint}. Export the run again.")
