"""
From files to rows: every file gets one outcome, whole files only, and nothing is counted twice.

Files are read a chunk at a time and each chunk is one transaction: what was committed stays if the import is cancelled or killed, and the
same files again complete it.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from io import SEEK_END
from operator import itemgetter
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import col

from data import audit, mappings, originals, permissions, records
from data.database import next_ids, reading, writing
from data.import_placing import Placed, Placing
from data.import_reports import FileReport, ImportedRun, ImportReport, RunReport, runs_of_files, stored_report
from data.importers.base import FILE_MAX_BYTES, FileRefused, Importer, ReadFile, unpacked
from data.many_rows import insert_rows, update_rows
from data.merging import Ledger, read_ledger
from data.permissions import Act
from data.reading import Reader
from data.sources import Source, sources_in, sources_of, sources_of_open
from models import AuditAction, ImportBatch, ImportFile, ImportOutcome, PainScore, Run, RunFile, RunStanding, Viewer, plain_text, utc_now

__all__ = [
    "FileReport",
    "ImportReport",
    "ImportedRun",
    "RunReport",
    "Source",
    "import_files",
    "may_import",
    "sources_in",
    "sources_of",
    "sources_of_open",
]

# A chunk ends with whichever comes first: what one transaction holds, and what is lost if the power goes.
CHUNK_FILES, CHUNK_BYTES, CHUNK_SECONDS = 400, 32_000_000, 5.0
HASHED_AT_ONCE_BYTES = 1_048_576
MAPPED = "mapped"  # the source of a table that was read as a person said
ReadBytes = Callable[[bytes, str], tuple[Importer, ReadFile]]
FILE = ImportFile.metadata.tables["import_file"]
_OF_FILE = ("id", "batch_id", "patient_id", "file_name", "size_bytes", "stored_sha256", "content_sha256", "file_format")
_OF_REPORT = ("detail", "runs_added", "entries_added", "complete", "outcome", "reason")
_REPORTED = itemgetter(*_OF_REPORT)


def may_import(engine: sa.Engine, viewer: Viewer, patient_key: str) -> None:
    """
    Ask whether somebody may import for a patient, before a large archive is taken in; a refusal is written down.

    Raises
    ------
    NotFound
        If there is no such patient for this viewer.
    """
    with audit.noting_refusals(engine, viewer, "patient", patient_key), reading(engine) as connection:
        permissions.patient_row(connection, viewer, key=patient_key, act=Act.WRITE)


def import_files(
    engine: sa.Engine,
    viewer: Viewer,
    patient_key: str,
    sources: Sequence[Source],
    *,
    via: str,
    on_progress: Callable[[int, int, str], None] | None = None,
    on_stored: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    reader: ReadBytes | None = None,
) -> ImportReport:
    """
    Import files of one patient, a chunk of whole files in one transaction.

    Parameters
    ----------
    patient_key : str
    sources : sequence of Source
        See `sources_in` and `sources_of`.
    via : str
        'app' or 'command line', kept with the batch.
    on_progress : callable, optional
        Called with (files read, files in all, name of the next file) before each file, and once at the end.
    on_stored : callable, optional
        Called with the number of files that are stored after each chunk: whatever happens now, these stay.
    cancelled : callable, optional
        Asked before each file; once it says True, no more files are read. Those that were read are stored.
    reader : callable, optional
        Reads the unpacked bytes of a file, as `data.importers.base.read_bytes` does; else they are read in a process of their own.

    Returns
    -------
    ImportReport
        One `FileReport` per source that was read, in their order.
    """
    with audit.changing(engine, viewer, "patient", patient_key) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key, act=Act.WRITE)
        batch_id: int = connection.execute(
            sa.insert(ImportBatch)
            .values(patient_id=patient.id, person_id=viewer.person_id, via=via, started_at_utc=utc_now())
            .returning(ImportBatch.metadata.tables["import_batch"].c.id)
        ).scalar_one()
    with Reader() as apart:
        batch = _Batch(
            engine,
            viewer,
            patient,
            batch_id,
            deque(sources),
            len(sources),
            on_progress,
            on_stored,
            cancelled or (lambda: False),
            reader or apart.read,
            apart,
        )
        batch.run()
    with writing(engine) as connection:
        connection.execute(sa.update(ImportBatch).where(col(ImportBatch.id) == batch_id).values(finished_at_utc=utc_now()))
    if on_progress:
        on_progress(len(batch.reports), len(sources), "")
    return ImportReport(tuple(batch.reports), batch_id=batch_id, left_out=len(sources) - len(batch.reports))


@dataclass
class Taken:
    """One file on its way in: its bytes, and what became known of it."""

    name: str
    content: bytes = b""
    inflated: bytes = b""
    stored_sha256: str = ""
    content_sha256: str = ""
    file_format: str = ""
    read: ReadFile | None = None
    refusal: FileRefused | None = None
    known: "Known | None" = None
    repeats: bool = False  # the same content came a moment ago
    original: originals.Original | None = None
    size_bytes: int = 0
    is_set_aside: bool = False
    large: tuple[BinaryIO, int] | None = None


@dataclass(frozen=True)
class Known:
    """Files with the same bytes that were imported before and whose facts are still here."""

    content_sha256: str
    on: date
    file_ids: tuple[int, ...]


@dataclass
class _Batch:
    """The files of one import, read and stored chunk by chunk."""

    engine: sa.Engine
    viewer: Viewer
    patient: sa.Row[*tuple[Any, ...]]
    batch_id: int
    sources: deque[Source]
    total: int
    on_progress: Callable[[int, int, str], None] | None
    on_stored: Callable[[int], None] | None
    cancelled: Callable[[], bool]
    reader: ReadBytes
    apart: Reader
    reports: list[FileReport] = field(default_factory=list)
    broken: BaseException | None = None
    _ledger: tuple[int, Ledger] | None = None  # with the counter of changes that it is true for
    _first: dict[str, FileReport | None] = field(default_factory=dict)  # what became of a content in this batch; None: not stored yet

    def run(self) -> None:
        """Read and store everything, or up to where it is cancelled or breaks off."""
        taken: deque[Taken] = deque()
        while (taken or self.sources) and self.broken is None:
            if not taken:
                taken.extend(self._take_some())
            ready: list[Taken] = []
            until = time.monotonic() + CHUNK_SECONDS
            try:
                while taken and time.monotonic() < until and not self.cancelled():
                    if self.on_progress:
                        self.on_progress(len(self.reports) + len(ready), self.total, taken[0].name)
                    ready.append(self._read(taken.popleft()))
            finally:
                self._store(ready)
            if self.cancelled():
                return
        if self.broken is not None:
            raise self.broken

    # -- reading ----------------------------------------------------------------------------------------------------

    def _take_some(self) -> list[Taken]:
        """Read the bytes of the next files, and see which of them are here already: before anything is unpacked, then after."""
        taken: list[Taken] = []
        size = 0
        try:
            while self.sources and len(taken) < CHUNK_FILES and size < CHUNK_BYTES:
                source = self.sources[0]
                taken.append(_taken(source))
                self.sources.popleft()
                size += len(taken[-1].content)
        except BaseException as error:  # noqa: BLE001 - those before it are stored first, then it goes on its way
            self.broken = error
        with reading(self.engine) as connection:
            self._look_up(connection, "stored_sha256", taken)
            kept = 0
            for file in taken:
                if file.known is None and file.refusal is None and file.large is None:
                    inflated = _unpack(file)
                    if kept + len(inflated) <= CHUNK_BYTES:  # else it is unpacked again when its turn comes
                        file.inflated, kept = inflated, kept + len(inflated)
            self._look_up(connection, "content_sha256", [file for file in taken if file.known is None])
        return taken

    def _look_up(self, connection: sa.Connection, name: str, taken: Sequence[Taken]) -> None:
        wanted = {getattr(file, name) for file in taken} - {""}
        known = dict(_known(connection, self.patient, name, wanted)) if wanted else {}
        for file in taken:
            file.known = known.get(getattr(file, name))
            if file.known is not None:
                file.content_sha256 = file.known.content_sha256

    def _read(self, file: Taken) -> Taken:
        if file.known is not None or file.refusal is not None:
            return file
        digest = file.content_sha256
        if digest in self._first:
            file.repeats = True
            return file
        self._first[digest] = None
        if file.large is not None:
            return self._read_large(file, file.large)
        inflated = file.inflated or unpacked(file.content)
        file.inflated = b""
        try:
            importer, file.read = self.reader(inflated, file.name)
            file.file_format = importer.name
        except FileRefused as refusal:
            file.refusal = refusal
            if refusal.outcome is ImportOutcome.NEEDS_MAPPING:
                self._read_as_said(file, inflated)
        if file.refusal is None or file.refusal.outcome is ImportOutcome.NEEDS_MAPPING:
            file.original = originals.packed_original(digest, file.content, inflated)
        return file

    def _read_large(self, file: Taken, large: tuple[BinaryIO, int]) -> Taken:
        try:
            importer, file.read = self.apart.read_large(*large)
            file.file_format = importer.name
        except FileRefused as refusal:
            file.refusal = refusal
        return file

    def _read_as_said(self, file: Taken, inflated: bytes) -> None:
        try:
            file.read = mappings.read_as_said(self.engine, self.viewer, self.apart, inflated)
        except FileRefused as refusal:
            file.refusal = refusal
        if file.read is not None:
            file.file_format, file.refusal = MAPPED, None

    # -- storing ----------------------------------------------------------------------------------------------------

    def _store(self, ready: Sequence[Taken]) -> None:
        if not ready:
            return
        try:
            reports = self._store_once(ready)
        except sa.exc.IntegrityError:  # somebody else imported the same run in this very moment
            self._ledger = None
            reports = self._store_once(ready)
        except BaseException:
            self._ledger = None
            raise
        for file, report in zip(ready, reports, strict=False):
            if self._first.get(file.content_sha256, report) is None:
                self._first[file.content_sha256] = report
        self.reports += reports
        if self.on_stored:
            self.on_stored(len(self.reports))

    def _store_once(self, ready: Sequence[Taken]) -> list[FileReport]:
        now = utc_now()
        with writing(self.engine) as connection:
            patient = permissions.patient_row(connection, self.viewer, key=self.patient.key, act=Act.WRITE)
            undone = sa.select(col(ImportBatch.undone_at_utc)).where(col(ImportBatch.id) == self.batch_id)
            if connection.execute(undone).scalar() is not None:  # somebody undid this import while it ran
                self.cancelled = lambda: True
                return []
            given = self._given(connection, ready)
            ids = self._insert_files(connection, ready, given)
            placed: list[Placed | None] = [None] * len(ready)
            if any(file.read is not None for file in ready):
                seq, ledger = self._ledger or (None, None)
                if ledger is None or seq != patient.changed_seq:
                    ledger = read_ledger(connection, patient.id)
                placing = Placing(connection, self.viewer, patient, ledger, records.week_start(connection), now)
                for index, (file, file_id) in enumerate(zip(ready, ids, strict=True)):
                    if file.read is not None:
                        placed[index] = placing.place(file.name, file_id, file.read, file.file_format)
                placing.finish()
                self._ledger = (patient.changed_seq + placing.touched, ledger)
            reports: list[FileReport] = []
            for file, answer, one in zip(ready, given, placed, strict=True):
                reports.append(one.report() if one else answer or self._repeated(file, ready, reports, now))
            _keep_reports(
                connection, [(file_id, report) for file_id, report, answer in zip(ids, reports, given, strict=True) if answer is None]
            )
            kept = [
                file.original
                for file, report in zip(ready, reports, strict=True)
                if file.original and originals.is_worth_keeping(report.outcome)
            ]
            originals.keep(connection, kept, now)
            events = [
                _event(file_id, patient.id, file.content_sha256, report, one)
                for file_id, file, report, one in zip(ids, ready, reports, placed, strict=True)
            ]
            audit.record_each(connection, self.viewer, AuditAction.IMPORT, events)
        return reports

    def _given(self, connection: sa.Connection, ready: Sequence[Taken]) -> list[FileReport | None]:
        """Answer for the files that are here already, and for those that cannot be read."""
        wanted = {file_id for file in ready if file.known is not None for file_id in file.known.file_ids}
        runs = runs_of_files(connection, self.patient.id, wanted) if wanted else {}
        given: list[FileReport | None] = []
        for file in ready:
            if file.known is not None:
                theirs = {run.id: run for file_id in file.known.file_ids for run in runs.get(file_id, ())}
                reason = f"This very file was imported on {file.known.on.isoformat()}. Nothing was added."
                found = tuple(sorted(theirs.values(), key=lambda run: (run.started_at_utc, run.id)))
                given.append(FileReport(file.name, ImportOutcome.DUPLICATE, reason, runs=found))
            elif file.refusal is not None:
                given.append(FileReport(file.name, file.refusal.outcome, file.refusal.reason, complete=file.is_set_aside))
            else:
                given.append(None)
        return given

    def _repeated(self, file: Taken, ready: Sequence[Taken], reports: Sequence[FileReport], now: datetime) -> FileReport:
        """Answer for a file whose very bytes came a moment ago in this import."""
        first = self._first.get(file.content_sha256)
        if first is None:
            first = next(report for other, report in zip(ready, reports, strict=False) if other.content_sha256 == file.content_sha256)
        if first.runs or first.entries_added:
            day = now.astimezone(ZoneInfo(self.patient.time_zone)).date().isoformat()
            reason = f"This very file was imported on {day}. Nothing was added."
            return FileReport(file.name, ImportOutcome.DUPLICATE, reason, runs=first.runs)
        return FileReport(file.name, first.outcome, first.reason, complete=first.complete)

    def _insert_files(self, connection: sa.Connection, ready: Sequence[Taken], given: Sequence[FileReport | None]) -> list[int]:
        ids = next_ids(connection, FILE, len(ready))
        not_yet = ("", 0, 0, True, ImportOutcome.NO_DATA.value, "")
        rows = [
            (
                *(file_id, self.batch_id, self.patient.id, file.name, file.size_bytes, file.stored_sha256, file.content_sha256),
                file.file_format,
                *(_REPORTED(stored_report(answer)) if answer else not_yet),
            )
            for file_id, file, answer in zip(ids, ready, given, strict=True)
        ]
        insert_rows(connection, FILE, (*_OF_FILE, *_OF_REPORT), rows)
        return ids


def _taken(source: Source) -> Taken:
    """Read the bytes of a file."""
    name = plain_text(source.name)
    if source.set_aside:
        aside = _refused(name, b"", source.set_aside, ImportOutcome.NO_DATA)
        aside.is_set_aside = True
        return aside
    try:
        if source.large is not None:
            return _taken_large(name, source.large)
        content = source.read()
    except FileRefused as refusal:
        return _refused(name, b"", refusal.reason, refusal.outcome)
    except OSError as error:
        return _refused(name, b"", f"The file could not be opened: {error.strerror or 'unknown reason'}.")
    if len(content) > FILE_MAX_BYTES:
        too_large = f"The file is larger than {FILE_MAX_BYTES // 1_000_000} MB. A single run is never that large: send the runs one by one."
        return _refused(name, content, too_large)
    return Taken(name, content, stored_sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def _taken_large(name: str, large: tuple[BinaryIO, int]) -> Taken:
    """Name a file that is read as a stream by the bytes of its archive and its place in it, so that the same archive is known again."""
    archive, place = large
    digest, size_bytes = hashlib.sha256(), archive.seek(0, SEEK_END)
    archive.seek(0)
    while piece := archive.read(HASHED_AT_ONCE_BYTES):
        digest.update(piece)
    digest.update(b"/%d" % place)
    named = digest.hexdigest()
    return Taken(name, stored_sha256=named, content_sha256=named, size_bytes=size_bytes, large=large)


def _refused(name: str, content: bytes, reason: str, outcome: ImportOutcome = ImportOutcome.UNREADABLE) -> Taken:
    digest = hashlib.sha256(content).hexdigest()
    return Taken(name, content, stored_sha256=digest, content_sha256=digest, refusal=FileRefused(outcome, reason), size_bytes=len(content))


def _unpack(file: Taken) -> bytes:
    """Unpack a file and name its content; gives nothing if it is refused."""
    file.content_sha256 = file.stored_sha256
    try:
        inflated = unpacked(file.content)
    except FileRefused as refusal:
        file.refusal = refusal
        return b""
    if inflated is not file.content:
        file.content_sha256 = hashlib.sha256(inflated).hexdigest()
    return inflated


def _known(connection: sa.Connection, patient: sa.Row[*tuple[Any, ...]], name: str, hashes: set[str]) -> Iterator[tuple[str, Known]]:
    """Find the files with some hashes that were imported before, if what they gave is still here and their import was not undone."""
    found: dict[str, list[sa.Row[*tuple[Any, ...]]]] = {}
    wanted = sorted(hashes)
    for start in range(0, len(wanted), 400):
        statement = (
            sa.select(FILE.c[name].label("hash"), FILE.c.id, FILE.c.content_sha256, col(ImportBatch.started_at_utc).label("at"))
            .join(ImportBatch, col(ImportBatch.id) == FILE.c.batch_id)
            .where(FILE.c.patient_id == patient.id, FILE.c[name].in_(wanted[start : start + 400]), col(ImportBatch.undone_at_utc).is_(None))
            .order_by(FILE.c.id)
        )
        for row in connection.execute(statement):
            found.setdefault(row.hash, []).append(row)
    here = _with_runs(connection, {row.id for rows in found.values() for row in rows})
    with_scores = _with_scores(connection, {row.id for rows in found.values() for row in rows} - here)
    of_patient = sa.select(sa.func.max(col(ImportBatch.undone_at_utc))).where(col(ImportBatch.patient_id) == patient.id)
    undone_at = connection.execute(of_patient).scalar() if with_scores else None
    for digest, rows in found.items():
        ids = tuple(row.id for row in rows)
        # an undone import may have taken along a score that this file told too: then it is read again
        told_since = with_scores if undone_at is None or rows[-1].at > undone_at else set()
        if (here | told_since) & set(ids):
            yield digest, Known(rows[0].content_sha256, rows[0].at.astimezone(ZoneInfo(patient.time_zone)).date(), ids)


def _with_runs(connection: sa.Connection, file_ids: set[int]) -> set[int]:
    """Give those of some files that told of a run that nobody took out."""
    here: set[int] = set()
    ids = sorted(file_ids)
    not_taken_out = sa.or_(col(Run.retired_at_utc).is_(None), col(Run.standing) != RunStanding.COUNTED)
    for start in range(0, len(ids), 400):
        runs = sa.select(col(RunFile.import_file_id)).join(Run, col(Run.id) == col(RunFile.run_id))
        here |= set(connection.execute(runs.where(col(RunFile.import_file_id).in_(ids[start : start + 400]), not_taken_out)).scalars())
    return here


def _with_scores(connection: sa.Connection, file_ids: set[int]) -> set[int]:
    """Give those of some files that brought a score that still stands."""
    here: set[int] = set()
    ids = sorted(file_ids)
    for start in range(0, len(ids), 400):
        of_files = sa.and_(col(PainScore.import_file_id).in_(ids[start : start + 400]), col(PainScore.retired_at_utc).is_(None))
        found = connection.execute(sa.select(col(PainScore.import_file_id)).where(of_files)).scalars()
        here |= {file_id for file_id in found if file_id is not None}
    return here


def _keep_reports(connection: sa.Connection, reports: Sequence[tuple[int, FileReport]]) -> None:
    update_rows(connection, FILE, _OF_REPORT, [(*_REPORTED(stored_report(report)), file_id) for file_id, report in reports])


def _event(file_id: int, patient_id: int, digest: str, report: FileReport, placed: Placed | None) -> audit.Told:
    """Tell the audit of a file; its name may be a patient's, so it is known by its bytes."""
    new = {"content_sha256": digest, "outcome": report.outcome, "entries_added": report.entries_added, "runs_added": []}
    old: dict[str, Any] = {}
    if placed is not None:
        new |= placed.told_new()
        old = placed.told_old()
    return audit.Told(kind="import_file", key=file_id, patient_id=patient_id, old=old or None, new=new)
