"""
Many rows of one table written in one go: what SQLAlchemy does for each row is done once for all of them.

The statement, the types of its columns and the refusals are SQLAlchemy's; only the values go to SQLite's driver as they lie here. On
PostgreSQL its own way for many rows is as quick.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

Write = Callable[[Any], Any]
_ID = "_id"  # of a row that changes


def insert_rows(connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """
    Insert rows inside a writing transaction.

    Parameters
    ----------
    connection : Connection
    table : Table
    columns : sequence of str
        Those that are given, at least all that have no default in the schema itself.
    rows : sequence of sequences
        The values of each row, in the order of `columns`.
    """
    _write(connection, table, tuple(columns), rows)


def update_rows(connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """
    Change rows by their number inside a writing transaction.

    Parameters
    ----------
    columns : sequence of str
        Those that change.
    rows : sequence of sequences
        The new values of each row, in the order of `columns`, and at the end its `id`.
    """
    _write(connection, table, (*columns, _ID), rows)


def _write(connection: sa.Connection, table: sa.Table, names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(_statement(table, names), [dict(zip(names, row, strict=True)) for row in rows])
        return
    text, order, writers = _compiled(connection.dialect, table, names)
    columns = list(zip(*rows, strict=True))
    for index, write in writers:
        columns[index] = _written(write, columns[index])
    connection.exec_driver_sql(text, list(zip(*(columns[index] for index in order), strict=True)))


def _written(write: Write, values: Sequence[Any]) -> tuple[Any, ...]:
    first = values[0]
    if all(value is first for value in values):  # such as the moment at which all of them came
        return (write(first),) * len(values)
    return tuple(map(write, values))


def _statement(table: sa.Table, names: tuple[str, ...]) -> Any:
    if names[-1] != _ID:
        return sa.insert(table)
    return sa.update(table).where(table.c.id == sa.bindparam(_ID)).values({name: sa.bindparam(name) for name in names[:-1]})


@lru_cache(maxsize=64)
def _compiled(dialect: sa.Dialect, table: sa.Table, names: tuple[str, ...]) -> tuple[str, tuple[int, ...], tuple[tuple[int, Write], ...]]:
    """Give the statement, which of the names stands at each of its places, and how values of some become what the driver takes."""
    compiled: Any = _statement(table, names).compile(dialect=dialect, column_keys=names)
    writers = [(index, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for index, name in enumerate(names) if name != _ID]
    order = tuple(names.index(name) for name in compiled.positiontup)
    return str(compiled), order, tuple((index, write) for index, write in writers if write is not None)
