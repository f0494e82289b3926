"""Read the kept originals again with today's readers: show what would change, and then do it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from data import audit, mappings, originals, permissions, series
from data.dropped_days import settle_days
from data.import_rows import run_entry
from data.importers.base import FileRefused, Importer, ReadFile, ReadRun
from data.merging import Ledger, read_ledger
from data.permissions import Act
from data.reading import Reader
from data.records import touch_runs, week_start
from data.run_copies import TOLD_FIELDS, Copy
from data.runs import changes_told, told_of
from models import AuditAction, EntryRefused, ImportFile, ImportOutcome, Viewer, utc_now

FILE = ImportFile.metadata.tables["import_file"]


@dataclass(frozen=True)
class Difference:
    """What another reading of a run gives: field by field the old value and the new one. `said` where it cannot be compared."""

    file: str
    run_date: date | None
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    said: str = ""

    @property
    def lines(self) -> list[str]:
        """Give it as lines to print: one a field."""
        what = f"{self.file}, {self.run_date.isoformat()}" if self.run_date else self.file
        return [
            *([f"{what}: {self.said}"] if self.said else []),
            *(f"{what}: {name} {old} → {new}" for name, (old, new) in self.changes.items()),
        ]


def reread(
    engine: sa.Engine,
    viewer: Viewer,
    patient_key: str,
    *,
    apply: bool = False,
    reader: Callable[[bytes, str], tuple[Importer, ReadFile]] | None = None,
    now: datetime | None = None,
) -> list[Difference]:
    """
    Read a patient's kept originals again and compare with what was read from them before.

    Runs that a person took out are left alone, and so are scores: a person may have corrected them.

    Parameters
    ----------
    apply : bool
        Store the new values, in one transaction, with old and new in the audit; else nothing is changed.
    reader : callable, optional
        As in `data.imports.import_files`.

    Returns
    -------
    list of Difference
        One for each run that differs, in the order of the files.
    """
    moment = now or utc_now()
    with Reader() as apart, audit.changing(engine, viewer, "patient", patient_key) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key, act=Act.WRITE)
        ledger = read_ledger(connection, patient.id)
        found: list[Difference] = []
        retold: list[tuple[Copy, Copy]] = []
        for row in connection.execute(
            sa.select(FILE.c.id, FILE.c.file_name, FILE.c.content_sha256)
            .where(FILE.c.id.in_(sorted({copy.file_id for copy in ledger.copies.values() if copy.file_id is not None})))
            .order_by(FILE.c.id)
        ).all():
            content = originals.kept_bytes(connection, row.content_sha256)
            if content is None:
                continue
            try:
                read = _read(engine, viewer, reader or apart.read, apart, content, row.file_name)
            except FileRefused as refusal:
                found.append(
                    Difference(row.file_name, None, said=f"It cannot be read any more, and stays as it was read. {refusal.reason}")
                )
                continue
            for copy in [copy for copy in ledger.copies.values() if copy.file_id == row.id and not ledger.is_taken_out(copy.run_id)]:
                difference, again = _compared(row.file_name, copy, read, patient.time_zone, moment)
                found += [difference] if difference is not None else []
                retold += [(copy, again)] if again is not None else []
        if apply and retold:
            _store(connection, viewer, patient, ledger, retold, moment)
    return found


def _read(
    engine: sa.Engine,
    viewer: Viewer,
    reader: Callable[[bytes, str], tuple[Importer, ReadFile]],
    apart: Reader,
    content: bytes,
    name: str,
) -> ReadFile:
    try:
        return reader(content, name)[1]
    except FileRefused as refusal:
        said = mappings.read_as_said(engine, viewer, apart, content) if refusal.outcome is ImportOutcome.NEEDS_MAPPING else None
        if said is None:
            raise
        return said


def _compared(name: str, copy: Copy, read: ReadFile, time_zone: str, now: datetime) -> tuple[Difference | None, Copy | None]:
    run_date = copy.fields["run_date"]
    if copy.number >= len(read.runs):
        return Difference(name, run_date, said="This run is not in the file any more, and stays as it was read."), None
    run = read.runs[copy.number]
    try:
        entry, _ = run_entry(run, now=now, time_zone=time_zone)
    except EntryRefused as refusal:
        return Difference(name, run_date, said=f"This run would be refused, and stays as it was read. {refusal}"), None
    again = _read_again(copy, told_of(entry), run)
    changes = {
        field_name: (copy.fields[field_name], again.fields[field_name])
        for field_name in TOLD_FIELDS
        if copy.fields[field_name] != again.fields[field_name]
    }
    if copy.minutes != again.minutes:
        changes["minutes"] = ("as they were", "read anew")
    if bool(copy.held_back) != bool(again.held_back):
        changes["held_back"] = (copy.held_back or "no", again.held_back or "no")
    return (Difference(name, run_date, changes), again) if changes else (None, None)


def _read_again(copy: Copy, fields: dict[str, Any], run: ReadRun) -> Copy:
    return Copy(
        id=copy.id,
        run_id=copy.run_id,
        home_run_id=copy.home_run_id,
        file_id=copy.file_id,
        fields=fields,
        minutes=None if run.minutes is None else series.packed(run.minutes),
        recorded_at_utc=copy.recorded_at_utc,
        recorded_by_id=copy.recorded_by_id,
        source=copy.source,
        start_is_known=run.start_is_known,
        held_back=" ".join(run.notes) if run.held_back else "",
        number=copy.number,
    )


def _store(
    connection: sa.Connection,
    viewer: Viewer,
    patient: sa.Row[*tuple[Any, ...]],
    ledger: Ledger,
    retold: list[tuple[Copy, Copy]],
    moment: datetime,
) -> None:
    seeds = {other.id for copy, _ in retold for other in ledger.around([copy])}
    for copy, again in retold:
        ledger.retell(copy, again)
    ledger.settle([ledger.copies[copy_id] for copy_id in sorted(seeds)])
    starts_on = week_start(connection)
    written = ledger.write(connection, starts_on, now=moment)
    settle_days(connection, patient.id, written.days)
    touch_runs(connection, patient.id, written.days, starts_on)
    old = {"copies": {str(copy.id): copy.told for copy, _ in retold}, **changes_told(written.changed)}
    new = {"copies": {str(again.id): again.told for _, again in retold}, **changes_told(written.changed, after=True)}
    audit.record(connection, viewer, AuditAction.CHANGE, kind="run_copy", key=patient.key, patient_id=patient.id, old=old, new=new)
