"""
Strava's activities.csv, the list in the archive that Strava sends on request, in any language and any of its header versions.

Its columns stand in a fixed order from the second “Elapsed Time” on, whatever their names: the account's language changes the names, one
version has HTML in them. The first “Distance” and “Elapsed Time” are for reading, the second ones are metres and seconds. Times are UTC.
“Average Cadence” counts strides of one leg and is doubled because the list says so, never because the number is small.
"""

import re
from dataclasses import dataclass
from datetime import UTC

from data.importers import sports
from data.importers.base import FileRefused, ReadFile, ReadRun
from data.importers.listed import Listed, RunList, run_of
from data.importers.local_forms import DateOrder, is_missing, local_moment, local_number, plain
from data.importers.settled import settled_order
from data.importers.table import Line, Table, table_importer, table_of
from data.importers.written import LineRefused
from models import CadenceRule, ImportOutcome

# The first columns are the same in every version: id, date, name, type, description, elapsed time, distance.
DATE, TYPE, ELAPSED, DISTANCE = 1, 3, 5, 6
MOVING_AFTER, DISTANCE_AFTER, CADENCE_AFTER = 1, 2, 14  # after the second elapsed time
_ID_WORDS = re.compile(r"\b(id|identificador|identifiant|identyfikator)\b")
_FILE_WORDS = frozenset(
    {"filename", "dateiname", "nombre de archivo", "nombre del archivo", "nom du fichier", "nome do arquivo", "nome do ficheiro", "nome file", "nome del file", "bestandsnaam", "nazwa pliku", "file name"}
)  # fmt: skip
_IS_ID, _IS_FILE = re.compile(r"\d{6,20}", re.ASCII), re.compile(r"activities/[^/\s]{1,100}")
_LOOKED_AT = 20  # lines that are looked at when the header is in a language that is not known here


@dataclass(frozen=True)
class StravaRow:
    """A run of the list, and the file of the archive that holds its recording (`activities/….fit.gz`; empty if there is none)."""

    file_name: str
    run: ReadRun


@dataclass(frozen=True)
class _Columns:
    """Names of the columns; None for what this version does not have."""

    date: str
    sport: str
    elapsed: str
    distance: str  # as it is shown: kilometres
    file_name: str | None
    elapsed_s: str | None
    moving_s: str | None
    distance_m: str | None
    cadence: str | None

    def all(self) -> list[str]:
        return [name for name in vars(self).values() if name]


def knows(table: Table) -> bool:
    """Tell by the shape: an activity id first, and a column of file names or two columns that come twice."""
    if len(table.columns) <= DISTANCE or not _ID_WORDS.search(plain(table.header[0]).replace("_", " ")):
        return False
    has_file = any(plain(cell) in _FILE_WORDS for cell in table.written)
    return has_file or _comes_twice(table, ELAPSED) is not None or _file_column(table) is not None


def _comes_twice(table: Table, index: int) -> int | None:
    """Give where the name of a column stands a second time."""
    again = [place for place, name in enumerate(table.header) if name == table.header[index] and place > index]
    return again[0] if table.header[index] and again else None


def _file_column(table: Table) -> str | None:
    named = next((name for name, cell in zip(table.columns, table.written, strict=True) if plain(cell) in _FILE_WORDS), None)
    if named:
        return named
    for _, line in zip(range(_LOOKED_AT), table.lines(), strict=False):
        if isinstance(line, Line):
            for name, value in line.values.items():
                if _IS_FILE.fullmatch(value):
                    return name
    return None


def _columns(table: Table) -> _Columns:
    names = table.columns
    second = _comes_twice(table, ELAPSED)
    exact = second is not None and second + DISTANCE_AFTER < len(names) and table.header[second + DISTANCE_AFTER] == table.header[DISTANCE]

    def at(offset: int) -> str | None:
        place = second + offset if exact and second is not None else len(names)
        return names[place] or None if place < len(names) else None

    return _Columns(
        date=names[DATE],
        sport=names[TYPE],
        elapsed=names[ELAPSED],
        distance=names[DISTANCE],
        file_name=_file_column(table),
        elapsed_s=at(0),
        moving_s=at(MOVING_AFTER),
        distance_m=at(DISTANCE_AFTER),
        cadence=at(CADENCE_AFTER),
    )


def rows(content: bytes) -> list[StravaRow]:
    """
    Read the runs of an activities.csv with the names of their files.

    Parameters
    ----------
    content : bytes
        The list as it lies in the archive.

    Returns
    -------
    list of StravaRow
        In the order of the list. Lines that cannot be read and other sports are left out; `read` names them.

    Raises
    ------
    FileRefused
        If it is no list of Strava's, or holds no run.
    """
    table = table_of(content)
    if table is None or not knows(table):
        raise FileRefused(ImportOutcome.UNREADABLE, "This is not the list of activities that Strava exports.")
    found, files, _ = _read(table)
    return [StravaRow(file_name, run) for file_name, run in zip(files, found.runs, strict=True)]


def read_table(table: Table) -> ReadFile:
    """
    Read the runs of an activities.csv.

    Raises
    ------
    FileRefused
        If no line is a run that can be kept.
    """
    found, _, note = _read(table)
    return found.read_file(note)


def _read(table: Table) -> tuple[RunList, list[str], str]:
    columns = _columns(table)
    lines = list(table.lines(columns.all()))
    order = settled_order(line.text(columns.date) for line in lines if isinstance(line, Line))
    found, files = RunList(), list[str]()
    for line in lines:
        sport = line.text(columns.sport) if isinstance(line, Line) else ""
        if found.take(line, sport, lambda line: _run(line, columns, order)) is not None and isinstance(line, Line):
            files.append(line.text(columns.file_name))
    shown = columns.distance_m is None and found.runs
    return (
        found,
        files,
        "The list has no distance in metres; the one that it has was taken as kilometres, as Strava writes it." if shown else "",
    )


def _run(line: Line, columns: _Columns, order: DateOrder | None) -> ReadRun:
    started, known = local_moment(line.text(columns.date), order)
    distance_m = _number(line, columns.distance_m, "distance")
    if distance_m is None:
        shown_km = _number(line, columns.distance, "distance")
        if shown_km is None:
            raise LineRefused("the distance is missing.")
        distance_m = 1000 * shown_km
    elapsed_s = _number(line, columns.elapsed_s, "elapsed time") or _number(line, columns.elapsed, "elapsed time")
    moving_s = _number(line, columns.moving_s, "moving time") or elapsed_s
    if not moving_s:
        raise LineRefused("its time is missing.")
    strides = _number(line, columns.cadence, "cadence")
    return run_of(
        Listed(
            started_at=(started if started.tzinfo else started.replace(tzinfo=UTC)).astimezone(UTC),
            clock_is_local=False,
            start_is_known=known,
            distance_m=distance_m,
            moving_time_s=moving_s,
            elapsed_time_s=elapsed_s,
            cadence_spm=None if strides is None else 2 * strides,
            cadence_rule=CadenceRule.STRAVA_STRIDES_DOUBLED,
            surface=sports.surface_of(line.text(columns.sport)),
        )
    )


def _number(line: Line, column: str | None, what: str) -> float | None:
    text = line.text(column)
    if is_missing(text):
        return None
    value = local_number(text, "," if re.fullmatch(r"\d+,\d+", text, re.ASCII) else ".", what)
    return value if value >= 0 else None


STRAVA_CSV = table_importer("strava_csv", "Strava list (activities.csv)", knows, read_table)
read = STRAVA_CSV.read
