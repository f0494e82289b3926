"""Which column of a stranger's table means what, as somebody of the clinic said: remembered by the table's header, for the next file."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from data import audit, permissions
from data.database import reading
from data.permissions import Act, Thing
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
