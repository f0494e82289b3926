"""How the demo clinic's rows are made: in bulk, with keys and times that are the same each time."""

import base64
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

from models import Table

TIME_ZONE = "America/Chicago"
SEED = 20_240_513
MEND_AFTER = timedelta(minutes=2)  # a slip is corrected at once


def made_key(*what: int) -> str:
    """Give a key like models.new_key, but the same each time. Only for people who do not exist."""
    return base64.urlsafe_b64encode(np.random.default_rng([SEED, 2, *what]).bytes(12)).decode("ascii")


def noon(day: date) -> datetime:
    """Give noon of a day where the clinic is."""
    return datetime.combine(day, time(12), ZoneInfo(TIME_ZONE)).astimezone(UTC)


def inserted_ids(connection: sa.Connection, table: Any, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows and give their ids in the same order."""
    if not rows:
        return []
    return list(connection.execute(sa.insert(table).returning(table.id, sort_by_parameter_order=True), rows).scalars())


def insert_rows(connection: sa.Connection, table: type[Table], rows: list[dict[str, Any]]) -> None:
    """Insert rows, if there are any."""
    if rows:
        connection.execute(sa.insert(table), rows)
