"""Which column of a stranger's table means what, as somebody of the clinic said: remembered by the table's header, for the next file."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from data import audit, permissions
from data.database import reading
from data.importers.base import ReadFile
from data.importers.mapping import Mapping as Meaning
from data.permissions import Act, Thing
from data.reading import Reader
from models import AuditAction, ColumnMapping, Viewer, utc_now

MAPPING = ColumnMapping.metadata.tables["column_mapping"]


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
