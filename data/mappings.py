"""Which column of a stranger's table means what, as somebody of the clinic said: remembered by the table's header, for the next file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from data import audit, originals, permissions
from data.database import reading
from data.importers.base import FileRefused, ReadFile
from data.importers.mapping import Mapping as Meaning
from data.permissions import Act, Thing
from data.reading import Reader, SeenTable
from models import AuditAction, ColumnMapping, ImportFile, ImportOutcome, Viewer, utc_now

MAPPING = ColumnMapping.metadata.tables["column_mapping"]
FILE = ImportFile.metadata.tables["import_file"]


def mapping(engine: sa.Engine, viewer: Viewer, header_key: str) -> dict[str, Any] | None:
    """
    Read what was said about tables with that header; None if nobody said anything yet.

    Raises
    ------
    NotFound
        If the viewer may not import.
    """
    permissions.require(viewer, Thing.MAPPINGS, Act.SEE)
    with reading(engine) as connection:
        text = connection.execute(sa.select(MAPPING.c.mapping).where(MAPPING.c.header_key == header_key)).scalar()
    return None if text is None else dict(json.loads(text))


@dataclass(frozen=True)
class WaitingTable:
    """A table whose columns nobody explained when it came: what is seen of it, what was said since, and the files that have it."""

    seen: SeenTable
    said: Meaning | None
    files: tuple[tuple[str, bytes], ...]


def tables_waiting(engine: sa.Engine, viewer: Viewer, patient_key: str, batch_id: int) -> list[WaitingTable]:
    """
    Give the tables of an import that were not read because nobody had said what their columns mean, once for each header.

    Raises
    ------
    NotFound
        If the patient is not there for this viewer.
    """
    with reading(engine) as connection:
        patient_id = permissions.patient_row(connection, viewer, key=patient_key).id
        rows = connection.execute(
            sa.select(FILE.c.file_name, FILE.c.content_sha256)
            .where(FILE.c.batch_id == batch_id, FILE.c.patient_id == patient_id, FILE.c.outcome == ImportOutcome.NEEDS_MAPPING)
            .order_by(FILE.c.id)
        ).all()
        kept = [(row.file_name, originals.kept_bytes(connection, row.content_sha256)) for row in rows]
    found: dict[str, tuple[SeenTable, list[tuple[str, bytes]]]] = {}
    with Reader() as reader:
        for name, content in kept:
            for table in _seen(reader, content):
                found.setdefault(table.key, (table, []))[1].append((name, content or b""))
    waiting = []
    for key, (table, files) in found.items():
        said = mapping(engine, viewer, key)
        waiting.append(WaitingTable(table, None if said is None else Meaning.from_dict(said), tuple(files)))
    return waiting


def _seen(reader: Reader, content: bytes | None) -> list[SeenTable]:
    if content is None:  # its import was undone
        return []
    try:
        return reader.tables(content)
    except FileRefused:
        return []


def read_as_said(engine: sa.Engine, viewer: Viewer, reader: Reader, content: bytes) -> ReadFile | None:
    """
    Read a table that no importer knows as somebody said before about tables with its header; None if nobody did.

    Raises
    ------
    FileRefused
        If it cannot be read like that.
    """
    for table in reader.tables(content):
        said = mapping(engine, viewer, table.key)
        if said is not None:
            read = reader.read_with(content, Meaning.from_dict(said))
            return replace(read, notes=("Its columns were read as it was said here before.", *read.notes))
    return None


def remember(engine: sa.Engine, viewer: Viewer, header_key: str, meaning: Mapping[str, Any]) -> None:
    """
    Keep what the columns of tables with that header mean, in the place of what was said before.

    Parameters
    ----------
    header_key : str
        See `data.importers.mapping.header_key`.
    meaning : mapping
        Plain values, as JSON can hold them.
    """
    with audit.changing(engine, viewer, "column_mapping", header_key) as connection:
        permissions.require(viewer, Thing.MAPPINGS, Act.WRITE)
        text = json.dumps(dict(meaning), ensure_ascii=False, sort_keys=True)
        before = connection.execute(sa.select(MAPPING.c.mapping).where(MAPPING.c.header_key == header_key)).scalar()
        if before == text:
            return
        values = {"mapping": text, "person_id": viewer.person_id, "changed_at_utc": utc_now()}
        if before is None:
            connection.execute(sa.insert(MAPPING).values(header_key=header_key, **values))
        else:
            connection.execute(sa.update(MAPPING).where(MAPPING.c.header_key == header_key).values(values))
        action = AuditAction.CREATE if before is None else AuditAction.CHANGE
        old = None if before is None else json.loads(before)
        audit.record(connection, viewer, action, kind="column_mapping", key=header_key, old=old, new=dict(meaning))
