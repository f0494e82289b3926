"""From files to rows: every file gets one outcome, one transaction, and nothing is counted twice."""

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions, records, series
from data.database import reading, writing
from data.importers.base import FILE_MAX_BYTES, FileRefused, ReadFile, ReadRun, read_bytes, unpacked
from data.permissions import Act
from models import (
    NAME_MAX_CHARACTERS,
    RUN_MEASURES,
    AuditAction,
    DayWithoutRun,
    EntryRefused,
    ImportBatch,
    ImportFile,
    ImportOutcome,
    NoRunEntry,
    PainEntry,
    PainScore,
    RestAnswer,
    RestEntry,
    Run,
    RunEntry,
    RunFile,
    Side,
    Viewer,
    plain_text,
    utc_now,
)

_TAKEN_BACK = "was taken back"


@dataclass(frozen=True)
class Source:
    """A file to import: the name that people see, and how to get its bytes."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class ImportedRun:
    """A run as the import report shows it."""

    id: int
    started_at_utc: datetime
    run_date: date
    distance_m: int
    moving_time_s: int
    elapsed_time_s: int
    cadence_spm: float | None
    running_cadence_spm: float | None
    device_cadence_spm: float | None
    cadence_rule: str
    ground_contact_time_ms: float | None
    has_gps: bool


@dataclass(frozen=True)
class FileReport:
    """
    What became of one file.

    Attributes
    ----------
    reason : str
        Plain sentences: what was done, or what is wrong, where, and how to mend it.
    runs : tuple of ImportedRun
        The runs that the file stands for, new ones and ones that were here.
    runs_added, entries_added : int
        New runs; new scores, answers and days without a run.
    complete : bool
        False if a part of the file was refused.
    """

    file: str
    outcome: ImportOutcome
    reason: str
    runs: tuple[ImportedRun, ...] = ()
    runs_added: int = 0
    entries_added: int = 0
    complete: bool = True


@dataclass(frozen=True)
class ImportReport:
    files: tuple[FileReport, ...]
    runs_added: int = field(init=False)
    entries_added: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs_added", sum(file.runs_added for file in self.files))
        object.__setattr__(self, "entries_added", sum(file.entries_added for file in self.files))


def sources_in(paths: Iterable[Path]) -> list[Source]:
    """
    Find the files under some paths, folders searched through, in a stable order; hidden files are left out.

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
            found += [Source(item.relative_to(path.parent).as_posix(), _reader(item)) for item in shown]
        elif path.is_file():
            found.append(Source(path.name, _reader(path)))
        else:
            raise FileNotFoundError(f"There is no file or folder {path}.")
    return found


def _reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(FILE_MAX_BYTES + 1)

    return read


def import_files(
    engine: sa.Engine,
    viewer: Viewer,
    patient_key: str,
    sources: Sequence[Source],
    *,
    via: str,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> ImportReport:
    """
    Import files of one patient, each in one transaction of its own.

    Parameters
    ----------
    patient_key : str
    sources : sequence of Source
    via : str
        'app' or 'command line', kept with the batch.
    on_progress : callable, optional
        Called with (files done, files in all, name of the next file) before each file, and once at the end.

    Returns
    -------
    ImportReport
        One `FileReport` per source, in their order.
    """
    with audit.changing(engine, viewer, "patient", patient_key) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key, act=Act.WRITE)
        batch_id: int = connection.execute(
            sa.insert(ImportBatch)
            .values(patient_id=patient.id, person_id=viewer.person_id, via=via, started_at_utc=utc_now())
            .returning(ImportBatch.metadata.tables["import_batch"].c.id)
        ).scalar_one()
    reports = []
    for index, source in enumerate(sources):
        name = plain_text(source.name)
        if on_progress:
            on_progress(index, len(sources), name)
        importing = _Importing(engine, viewer, patient, batch_id, Source(name, source.read))
        try:
            reports.append(importing.report())
        except sa.exc.IntegrityError:  # somebody else imported the same run in this very moment
            reports.append(importing.report())
    with writing(engine) as connection:
        connection.execute(sa.update(ImportBatch).where(col(ImportBatch.id) == batch_id).values(finished_at_utc=utc_now()))
    if on_progress:
        on_progress(len(sources), len(sources), "")
    return ImportReport(tuple(reports))


@dataclass
class _Importing:
    """One file on its way in."""

    engine: sa.Engine
    viewer: Viewer
    patient: sa.Row[*tuple[Any, ...]]
    batch_id: int
    source: Source

    def report(self) -> FileReport:
        try:
            content = self.source.read()
        except OSError as error:
            return self._refused(b"", b"", ImportOutcome.UNREADABLE, f"The file could not be opened: {error.strerror or 'unknown reason'}.")
        if len(content) > FILE_MAX_BYTES:
            return self._refused(
                content,
                content,
                ImportOutcome.UNREADABLE,
                f"The file is larger than {FILE_MAX_BYTES // 1_000_000} MB. A single run is never that large: send the runs one by one.",
            )
        inflated = content
        try:
            inflated = unpacked(content)
            known = self._known(content, inflated)
            if known is not None:
                return known
            importer, read = read_bytes(inflated, self.source.name)
        except FileRefused as refusal:
            return self._refused(content, inflated, refusal.outcome, refusal.reason)
        return self._stored(content, inflated, importer.name, read)

    # -- what is here already ---------------------------------------------------------------------------------------

    def _known(self, content: bytes, inflated: bytes) -> FileReport | None:
        """Report a file whose very bytes were imported before, if what it gave is still here."""
        digest = hashlib.sha256(inflated).hexdigest()
        file = ImportFile.metadata.tables["import_file"]
        with reading(self.engine) as connection:
            earlier = connection.execute(
                sa.select(file.c.id, col(ImportBatch.started_at_utc))
                .join(ImportBatch, col(ImportBatch.id) == file.c.batch_id)
                .where(file.c.patient_id == self.patient.id, file.c.content_sha256 == digest)
                .order_by(file.c.id.desc())
            ).all()
            ids = [row[0] for row in earlier]
            runs = _reported_runs(connection, self.patient.id, col(RunFile.import_file_id).in_(ids))
            current_score = sa.select(col(PainScore.id)).where(
                col(PainScore.import_file_id).in_(ids), col(PainScore.retired_at_utc).is_(None)
            )
            if not runs and connection.execute(current_score.limit(1)).first() is None:
                return None
        day = earlier[-1][1].astimezone(ZoneInfo(self.patient.time_zone)).date().isoformat()
        reason = f"This very file was imported on {day}. Nothing was added."
        self._file_row(content, digest, "", ImportOutcome.DUPLICATE, reason)
        return FileReport(self.source.name, ImportOutcome.DUPLICATE, reason, runs=runs)

    def _refused(self, content: bytes, inflated: bytes, outcome: ImportOutcome, reason: str) -> FileReport:
        self._file_row(content, hashlib.sha256(inflated).hexdigest(), "", outcome, reason)
        return FileReport(self.source.name, outcome, reason, complete=False)

    def _file_row(self, content: bytes, digest: str, file_format: str, outcome: ImportOutcome, reason: str) -> None:
        with writing(self.engine) as connection:
            file_id = self._insert_file(connection, content, digest, file_format, outcome, reason)
            self._record(connection, file_id, digest, outcome, [], 0)

    def _record(
        self,
        connection: sa.Connection,
        file_id: int,
        digest: str,
        outcome: ImportOutcome,
        run_ids: list[int],
        entries_added: int,
        dropped: Sequence[dict[str, Any]] = (),
    ) -> None:
        """
        Append the file's row to the audit; its name may be a patient's, so it is known by its bytes.

        `dropped` are the days without a run that its runs took back: they are stored nowhere else any more.
        """
        new = {"content_sha256": digest, "outcome": outcome, "runs_added": run_ids, "entries_added": entries_added}
        old = {"days_without_run": list(dropped)} if dropped else None
        what = {"kind": "import_file", "key": file_id, "patient_id": self.patient.id}
        audit.record(connection, self.viewer, AuditAction.IMPORT, **what, old=old, new=new)

    def _insert_file(
        self, connection: sa.Connection, content: bytes, digest: str, file_format: str, outcome: ImportOutcome, reason: str
    ) -> int:
        values = {
            "batch_id": self.batch_id,
            "patient_id": self.patient.id,
            "file_name": self.source.name,
            "size_bytes": len(content),
            "stored_sha256": hashlib.sha256(content).hexdigest(),
            "content_sha256": digest,
            "file_format": file_format,
            "outcome": outcome,
            "reason": reason,
        }
        inserted: int = connection.execute(
            sa.insert(ImportFile).values(values).returning(ImportFile.metadata.tables["import_file"].c.id)
        ).scalar_one()
        return inserted

    # -- what is new ------------------------------------------------------------------------------------------------

    def _stored(self, content: bytes, inflated: bytes, file_format: str, read: ReadFile) -> FileReport:
        now = utc_now()
        today = records.local_today(self.patient.time_zone, now)
        said = list(read.notes)
        refused = [f"Line {line.line}: {line.reason}" for line in read.refused_lines]
        with writing(self.engine) as connection:
            permissions.patient_row(connection, self.viewer, key=self.patient.key, act=Act.WRITE)
            starts_on = records.week_start(connection)
            digest = hashlib.sha256(inflated).hexdigest()
            file_id = self._insert_file(connection, content, digest, file_format, ImportOutcome.NO_DATA, "")
            days: set[date] = set()
            run_ids, new_ids, dropped = list[int](), list[int](), list[dict[str, Any]]()
            runs_found, runs_known, doubtful = 0, 0, False
            for run in read.runs:
                try:
                    entry, left_out = run_entry(run, now=now, time_zone=self.patient.time_zone)
                except EntryRefused as refusal:
                    refused.append(f"Run of {run.started_at_utc.date().isoformat()}: {refusal}")
                    continue
                runs_found += 1
                row = records.run_row(
                    entry, self.patient.id, starts_on, import_file_id=file_id, recorded_at_utc=now, recorded_by_id=self.viewer.person_id
                )
                run_id = records.same_run(connection, row)
                lookalike = records.lookalike_run(connection, row) if run_id is None and run.start_is_known else None
                if run_id is not None:
                    runs_known += 1
                elif lookalike is not None:
                    run_id = lookalike.id
                    said.append(_not_counted_twice(connection, lookalike))
                elif (taken_back := records.run_taken_back(connection, row)) is not None:
                    words = f"The run of {_day_words(entry.run_date)}, {entry.distance_m / 1000:.2f} km,"
                    said.append(self._stays_away(words, taken_back))
                    continue
                else:
                    without_run = records.drop_day_without_run(connection, self.patient.id, entry.run_date)
                    if without_run is not None:
                        dropped.append(without_run)
                        said.append(f"“Did not run” was taken back for {entry.run_date.isoformat()}: there is a run.")
                    run_id = records.insert_run(connection, row, None if run.minutes is None else series.packed(run.minutes))
                    new_ids.append(run_id)
                    doubtful |= run.doubtful or bool(left_out)
                    days.add(entry.run_date)
                said += [*run.notes, *left_out]
                run_ids.append(run_id)
                link = {"run_id": run_id, "import_file_id": file_id}
                if connection.execute(sa.select(col(RunFile.run_id)).filter_by(**link)).first() is None:
                    connection.execute(sa.insert(RunFile).values(link))
            added, entry_days, clashes, more = self._entries(connection, read, file_id, today, starts_on, now)
            refused += clashes
            said += more
            runs_added = len(new_ids)
            if runs_added or added:
                records.touch_runs(connection, self.patient.id, days | entry_days, starts_on)
            outcome = _outcome(read, runs_added + added, runs_found, doubtful=doubtful, refused=bool(refused))
            if outcome == ImportOutcome.DUPLICATE and not runs_found and not any(_TAKEN_BACK in words for words in said):
                said.insert(0, "All of its entries were here already.")
            reason = _reason(outcome, runs_known, runs_added, added, said, refused)
            connection.execute(sa.update(ImportFile).where(col(ImportFile.id) == file_id).values(outcome=outcome, reason=reason))
            runs = _reported_runs(connection, self.patient.id, col(RunFile.import_file_id) == file_id)
            self._record(connection, file_id, digest, outcome, new_ids, added, dropped)
        complete = not refused and not read.partial
        return FileReport(self.source.name, outcome, reason, runs, runs_added, added, complete)

    def _entries(
        self, connection: sa.Connection, read: ReadFile, file_id: int, today: date, starts_on: int, now: datetime
    ) -> tuple[int, set[date], list[str], list[str]]:
        """Store what a file says about pain and days without a run; gives (added, days, refusals, sentences)."""
        if not (read.scores or read.rest_answers or read.days_without_run):
            return 0, set(), [], []
        sides_on = records.open_sides(connection, self.patient.id)
        without_episode = {PainScore: 0, RestAnswer: 0}
        kept = {"patient_id": self.patient.id, "recorded_at_utc": now, "recorded_by_id": self.viewer.person_id}
        added, days, refused, said = 0, set[date](), list[str](), list[str]()
        seen_before = self._stored_before(connection, file_id) if read.days_without_run else False
        for score in read.scores:
            try:
                entry = PainEntry.checked(
                    today=today,
                    moment=score.moment,
                    side=score.side or records.only_side(sides_on(score.for_date)),
                    nprs=score.nprs,
                    for_date=score.for_date,
                )
            except EntryRefused as refusal:
                refused.append(f"Line {score.line}: {refusal}")
                continue
            known = records.same_scores(connection, self.patient.id, entry)
            if known is not None and known.nprs != entry.nprs:
                refused.append(
                    f"Line {score.line}: for {entry.for_date.isoformat()} ({entry.moment.value.replace('_', ' ')}) the score {known.nprs} is stored, "
                    f"the file says {entry.nprs}. Correct it in the pain diary if the file is right."
                )
            taken_back = records.score_taken_back(connection, self.patient.id, entry) if known is None else None
            if taken_back is not None:
                words = (
                    f"Line {score.line}: the score {entry.nprs} of {entry.for_date.isoformat()} ({entry.moment.value.replace('_', ' ')})"
                )
                said.append(self._stays_away(words, taken_back))
            elif known is None:
                more = {"import_file_id": file_id, "recorded_at_utc": now, "recorded_by_id": self.viewer.person_id}
                connection.execute(sa.insert(PainScore).values(records.pain_row(entry, self.patient.id, starts_on, **more)))
                added += 1
                days.add(entry.for_date)
                without_episode[PainScore] += entry.side == Side.UNSPECIFIED and Side.UNSPECIFIED not in sides_on(entry.for_date)
        for answer in read.rest_answers:
            try:
                rest = RestEntry.checked(
                    today=today,
                    moment=answer.moment,
                    side=answer.side or records.only_side(sides_on(answer.for_date)),
                    answer=answer.answer,
                    for_date=answer.for_date,
                )
            except EntryRefused as refusal:
                refused.append(f"Line {answer.line}: {refusal}")
                continue
            same = {
                "patient_id": self.patient.id,
                "moment": rest.moment,
                "side": rest.side,
                "for_date": rest.for_date,
                "retired_at_utc": None,
            }
            known_answer = connection.execute(sa.select(col(RestAnswer.answer)).filter_by(**same).limit(1)).scalar()
            if known_answer is None:
                connection.execute(
                    sa.insert(RestAnswer).values(moment=rest.moment, side=rest.side, answer=rest.answer, for_date=rest.for_date, **kept)
                )
                added += 1
                days.add(rest.for_date)
                without_episode[RestAnswer] += rest.side == Side.UNSPECIFIED and Side.UNSPECIFIED not in sides_on(rest.for_date)
            elif known_answer != rest.answer:
                refused.append(
                    f"Line {answer.line}: another answer is stored for {rest.for_date.isoformat()}. Correct it in the pain diary if the file is right."
                )
        for day in read.days_without_run:
            there = sa.select(col(DayWithoutRun.id)).where(col(DayWithoutRun.patient_id) == self.patient.id, col(DayWithoutRun.day) == day)
            if connection.execute(there).first() is not None:
                continue
            if seen_before:
                said.append(f"“Did not run” on {day.isoformat()} {_TAKEN_BACK} and is not added again.")
                continue
            try:
                without = NoRunEntry.checked(today=today, day=day)
                given = {"recorded_at_utc": now, "recorded_by_id": self.viewer.person_id}
                new = records.insert_day_without_run(connection, self.patient.id, without, given)
            except EntryRefused as refusal:
                refused.append(str(refusal))
                continue
            if new:
                added += 1
                days.add(without.day)
        return added, days, refused, [*said, *_on_no_chart(*without_episode.values())]

    def _stored_before(self, connection: sa.Connection, file_id: int) -> bool:
        """Say whether something of the same bytes was stored by an earlier import."""
        file = ImportFile.metadata.tables["import_file"]
        this = sa.select(file.c.content_sha256).where(file.c.id == file_id).scalar_subquery()
        kept = (ImportOutcome.ADDED, ImportOutcome.PARTIAL, ImportOutcome.DOUBTFUL)
        earlier = sa.select(file.c.id).where(
            file.c.patient_id == self.patient.id, file.c.id < file_id, file.c.content_sha256 == this, file.c.outcome.in_(kept)
        )
        return connection.execute(earlier.limit(1)).first() is not None

    def _stays_away(self, what: str, taken_back: datetime) -> str:
        day = taken_back.astimezone(ZoneInfo(self.patient.time_zone)).date()
        return f"{what} {_TAKEN_BACK} on {_day_words(day)} and is not added again."


def _on_no_chart(scores: int, answers: int) -> list[str]:
    """Say that entries are kept but belong to no side that is treated."""
    parts = [f"{scores} score{'s' if scores != 1 else ''}"] if scores else []
    parts += [f"{answers} answer{'s' if answers != 1 else ''} about rest"] if answers else []
    one = scores + answers == 1
    words = f"{' and '.join(parts)} {'has' if one else 'have'} no side and {'belongs' if one else 'belong'} to no episode: "
    return (
        [f"{words}{'it stands' if one else 'they stand'} on no chart. Write left or right under side and import the table again."]
        if parts
        else []
    )


CLOCKS_APART = timedelta(minutes=15)  # a watch may be fast


def run_entry(run: ReadRun, *, now: datetime, time_zone: str) -> tuple[RunEntry, list[str]]:
    """
    Make the checked entry of a run that was read from a file.

    The local day follows the file's own offset where it states one, else the patient's time zone; a day that is tomorrow for the patient
    is right only where the file states its offset and the run has started. A measure that cannot be right, such
    as a ground contact time of 5 ms, is left out: the run still was run.

    Returns
    -------
    tuple of RunEntry and list of str
        The entry, and a sentence for each measure that was left out.

    Raises
    ------
    EntryRefused
        If day, distance or time cannot be right.
    """
    if not all(math.isfinite(value) for value in (run.distance_m, run.moving_time_s, run.elapsed_time_s)):
        raise EntryRefused(["Its distance or time is not a number."])
    started, offset = run.started_at_utc.astimezone(UTC), run.utc_offset_s
    if run.clock_is_local:
        started, offset = started.replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC), None
    today = records.local_today(time_zone, now)
    if offset is not None and started <= now + CLOCKS_APART:  # it may be tomorrow already where the patient ran
        today = max(today, (started + timedelta(seconds=offset)).date())
    if offset is None:
        local_offset = started.astimezone(ZoneInfo(time_zone)).utcoffset()
        offset = int(local_offset.total_seconds()) if local_offset else 0
    moving = round(run.moving_time_s)
    measures, left_out = {}, []
    for measure, words, unit, low, high in RUN_MEASURES:
        value = getattr(run, measure)
        if value is not None and not low <= value <= high:
            left_out.append(f"{words} was left out: {value:g} {unit} cannot be right.")
            value = None
        measures[measure] = round(value) if value is not None and measure == "running_time_s" else value
    entry = RunEntry.checked(
        today=today,
        started_at_utc=started,
        utc_offset_s=offset,
        run_date=(started + timedelta(seconds=offset)).date(),
        surface=run.surface,
        distance_m=round(run.distance_m),
        distance_rule=run.distance_rule,
        moving_time_s=moving,
        elapsed_time_s=max(moving, round(run.elapsed_time_s)),
        cadence_rule=run.cadence_rule,
        has_gps=run.has_gps,
        device=plain_text(run.device)[:NAME_MAX_CHARACTERS],
        **measures,
    )
    return entry, left_out


def _not_counted_twice(connection: sa.Connection, run: sa.Row[*tuple[Any, ...]]) -> str:
    name = connection.execute(sa.select(col(ImportFile.file_name)).where(col(ImportFile.id) == run.import_file_id)).scalar()
    return (
        f"This looks like the run of {_day_words(run.run_date)}, {run.distance_m / 1000:.2f} km, that is here already "
        f"({f'from {name}' if name else 'entered by hand'}); it was not counted twice. If it is another run, enter it by hand."
    )


def _day_words(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"


def _reported_runs(connection: sa.Connection, patient_id: int, of_files: sa.ColumnElement[bool]) -> tuple[ImportedRun, ...]:
    table = Run.metadata.tables["run"]
    statement = (
        sa.select(*(table.c[name] for name in ImportedRun.__dataclass_fields__))
        .join(RunFile, col(RunFile.run_id) == table.c.id)
        .where(of_files, table.c.patient_id == patient_id, table.c.retired_at_utc.is_(None))
        .distinct()
        .order_by(table.c.started_at_utc, table.c.id)
    )
    return tuple(ImportedRun(*row) for row in connection.execute(statement))


def _outcome(read: ReadFile, added: int, runs: int, *, doubtful: bool, refused: bool) -> ImportOutcome:
    if added and (refused or read.partial):
        return ImportOutcome.PARTIAL
    if added:
        return ImportOutcome.DOUBTFUL if doubtful else ImportOutcome.ADDED
    if refused:  # what was read and stored before disagrees, or nothing could be right
        return ImportOutcome.DOUBTFUL if runs or read.scores or read.rest_answers else ImportOutcome.UNREADABLE
    if runs or read.scores or read.rest_answers or read.days_without_run:
        return ImportOutcome.DUPLICATE
    return ImportOutcome.NO_DATA


def _reason(outcome: ImportOutcome, runs_known: int, runs_added: int, entries_added: int, said: list[str], refused: list[str]) -> str:
    parts = []
    if runs_added:
        parts.append(f"{runs_added} run{'s' if runs_added != 1 else ''} added.")
    if runs_known:
        parts.append(f"{runs_known} run{'s were' if runs_known != 1 else ' was'} here already (same start, distance and time).")
    if entries_added:
        parts.append(f"{entries_added} diary entr{'ies' if entries_added != 1 else 'y'} added.")
    if outcome == ImportOutcome.NO_DATA:
        parts.append("The file holds no run and no diary entry.")
    return " ".join([*parts, *dict.fromkeys(said), *refused])
