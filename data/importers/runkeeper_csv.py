"""
Runkeeper's cardioActivities.csv. Its header names the unit, miles or kilometres; it has no cadence; the clock is the runner's local one.
"""

from data.importers import sports
from data.importers.base import ReadFile, ReadRun
from data.importers.column_words import METRES_IN, columns_by_role, distance_unit
from data.importers.listed import Listed, RunList, run_of
from data.importers.local_forms import DateOrder, decimal_mark, is_missing, local_moment, local_number
from data.importers.settled import settled_order, settled_time_s, utc_reading
from data.importers.table import Line, Table, table_importer
from data.importers.written import LineRefused


def knows(table: Table) -> bool:
    """Tell by its columns: date, type, distance with its unit, duration and climb or the names of GPX files."""
    columns = columns_by_role(table.written, table.columns)
    own = {"gpx_file", "route_name"} & set(table.columns)
    return bool(own) and {"date", "sport", "distance", "time"} <= set(columns) and _unit(table, columns["distance"]) is not None


def _unit(table: Table, column: str) -> str | None:
    return distance_unit(table.written[table.columns.index(column)])


def read_table(table: Table) -> ReadFile:
    """
    Read a list of cardio activities.

    Raises
    ------
    FileRefused
        If no line is a run, or the order of the dates cannot be told.
    """
    columns = columns_by_role(table.written, table.columns)
    metres = METRES_IN[_unit(table, columns["distance"]) or "km"]
    lines = list(table.lines(columns[role] for role in ("date", "sport", "distance", "time", "pace") if role in columns))
    rows = [line for line in lines if isinstance(line, Line)]
    mark = decimal_mark(line.text(columns["distance"]) for line in rows)
    order = settled_order(line.text(columns["date"]) for line in rows)
    found = RunList()
    for line in lines:
        sport = line.text(columns["sport"]) if isinstance(line, Line) else ""
        found.take(line, sport, lambda line: _run(line, columns, metres, mark, order))
    return found.read_file()


def _run(line: Line, columns: dict[str, str], metres: float, mark: str | None, order: DateOrder | None) -> ReadRun:
    started, known = local_moment(line.text(columns["date"]), order)
    text = line.text(columns["distance"])
    if is_missing(text):
        raise LineRefused("the distance is missing.")
    distance = local_number(text, mark, "distance")
    time_s, note = settled_time_s(line.text(columns["time"]), line.text(columns.get("pace")), distance)
    return run_of(
        Listed(
            started_at=utc_reading(started),
            start_is_known=known,
            distance_m=distance * metres,
            moving_time_s=time_s,
            surface=sports.surface_of(line.text(columns["sport"])),
            notes=(note,) if note else (),
        )
    )


RUNKEEPER_CSV = table_importer("runkeeper_csv", "Runkeeper list (cardioActivities.csv)", knows, read_table)
