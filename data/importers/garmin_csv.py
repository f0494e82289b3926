"""
Garmin Connect's list of activities, in English, German, Spanish, French, Polish, Italian, Portuguese or Dutch.

The list names neither the unit of its distances nor the order of its dates, and Excel changes both times and numbers when it saves it.
What tells: the stride length times the cadence times the time is the distance; a day above 12 shows where the day stands. Where
nothing tells it, the list is not read before somebody says it. Cadence is steps per minute; the clock is the runner's local one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from data.importers import sports
from data.importers.base import FileRefused, ReadFile, ReadRun
from data.importers.column_words import METRES_IN, columns_by_role, distance_unit
from data.importers.listed import Listed, RunList, run_of
from data.importers.local_forms import (
    DateOrder,
    decimal_mark,
    is_missing,
    local_duration_s,
    local_moment,
    local_number,
)
from data.importers.settled import settled_order, settled_time_s, utc_reading
from data.importers.table import Bad, Line, Table, table_importer
from data.importers.written import LineRefused
from models import ImportOutcome

METRES_IN_A_FOOT = 0.3048
STRIDE_AGREES_WITHIN = 0.12  # km and miles are a factor of 1.6 apart, feet and metres one of 3.3; watches round the stride to 1 %
_LAP_WORDS = frozenset(
    [
        "lap",
        "laps",
        "runde",
        "runden",
        "vuelta",
        "vueltas",
        "circuit",
        "circuits",
        "okrążenie",
        "okrążenia",
        "giro",
        "giri",
        "volta",
        "voltas",
        "ronde",
        "ronden",
    ]
)
_READ = (
    "sport",
    "date",
    "distance",
    "time",
    "elapsed_time",
    "moving_time",
    "cadence",
    "stride",
    "pace",
    "ground_contact_time",
    "vertical_oscillation",
)
_NUMBERS = ("distance", "stride", "vertical_oscillation")


@dataclass(frozen=True)
class _Habits:
    """How this list writes: found once, from all of its runs."""

    columns: dict[str, str]
    mark: str | None
    order: DateOrder | None
    unit: str

    def number(self, line: Line, role: str) -> float | None:
        text = line.text(self.columns.get(role))
        return None if is_missing(text) else local_number(text, self.mark, role.replace("_", " "))


def knows(table: Table) -> bool:
    """Tell by the first columns, sport and date in any of the languages, or by laps."""
    if table.header[0] in _LAP_WORDS:
        return {"distance", "time", "pace"} <= set(columns_by_role(table.written, table.columns))
    columns = columns_by_role(table.written, table.columns)
    first = table.columns[0], table.columns[1]
    return (columns.get("sport"), columns.get("date")) == first and {"distance", "time", "title"} <= set(columns)


def read_table(table: Table) -> ReadFile:
    """
    Read a list of activities.

    Returns
    -------
    ReadFile
        The runs; other sports are named in the notes.

    Raises
    ------
    FileRefused
        `needs_mapping` if the unit of the distances or the order of the dates cannot be told; `no_data` for a table of laps, which
        names no day.
    """
    if table.header[0] in _LAP_WORDS:
        raise FileRefused(
            ImportOutcome.NO_DATA,
            "These are the laps of one run, and the table does not say on which day it was. Export the run itself from Garmin Connect "
            "(“Export original”), or the list of activities.",
        )
    columns = {role: name for role, name in columns_by_role(table.written, table.columns).items() if role in _READ}
    lines = list(table.lines(columns.values()))
    found = RunList()
    habits, why = _habits(table, columns, lines)
    for line in lines:
        found.take(line, line.text(columns["sport"]) if isinstance(line, Line) else "", lambda line: _run(line, habits))
    return found.read_file(why)


def _habits(table: Table, columns: dict[str, str], lines: Sequence[Line | Bad]) -> tuple[_Habits, str]:
    """Find how the list writes, and say what was concluded."""
    runs = [line for line in lines if isinstance(line, Line) and sports.is_run(line.text(columns["sport"]))]
    mark = decimal_mark(line.text(columns.get(role)) for line in runs for role in _NUMBERS)
    order = settled_order(line.text(columns["date"]) for line in runs)
    habits = _Habits(columns, mark, order, "")
    named = distance_unit(table.written[table.columns.index(columns["distance"])])
    units = Counter(unit for line in runs if (unit := _unit_by_stride(line, habits)) in {"km", "mi"})
    unit = named or next((unit for unit, count in units.most_common(1) if 2 * count > units.total()), None)
    if unit is None and runs:
        raise FileRefused(
            ImportOutcome.NEEDS_MAPPING,
            "Garmin's list does not say whether its distances are miles or kilometres, and has no stride length that would tell it. "
            "Say which they are.",
        )
    words = {"km": "kilometres", "mi": "miles", "m": "metres"}.get(unit or "", "")
    why = "" if named or not words else f"The list does not name its unit: by stride length, cadence and time its distances are {words}."
    return _Habits(columns, mark, order, unit or "km"), why


def _unit_by_stride(line: Line, habits: _Habits) -> str | None:
    """Tell the unit of one line's distance by the stride length times the steps."""
    try:
        distance, stride, cadence = (habits.number(line, role) for role in ("distance", "stride", "cadence"))
        time_s = local_duration_s(line.text(habits.columns["time"]), "time")
    except LineRefused:
        return None
    if not (distance and stride and cadence and time_s):
        return None
    ratio = stride * cadence * time_s / 60 / distance
    candidates = [(abs(ratio / metres - 1), unit) for unit, metres in METRES_IN.items()]
    candidates += [(abs(ratio * METRES_IN_A_FOOT / metres - 1), unit) for unit, metres in METRES_IN.items()]
    off, unit = min(candidates)
    return unit if off <= STRIDE_AGREES_WITHIN else None


def _run(line: Line, habits: _Habits) -> ReadRun:
    started, known = local_moment(line.text(habits.columns["date"]), habits.order)
    distance = habits.number(line, "distance")
    if distance is None:
        raise LineRefused("the distance is missing.")
    notes: tuple[str, ...] = ()
    unit = habits.unit
    if _unit_by_stride(line, habits) == "m":  # as Connect writes the distances of some sports
        unit, notes = "m", (f"The distance of {started.date().isoformat()} is in metres, by its stride length.",)
    time_s, time_note = settled_time_s(line.text(habits.columns["time"]), line.text(habits.columns.get("pace")), distance)
    notes += (time_note,) if time_note else ()
    oscillation = habits.number(line, "vertical_oscillation")
    return run_of(
        Listed(
            started_at=utc_reading(started),
            start_is_known=known,
            distance_m=distance * METRES_IN[unit],
            moving_time_s=time_s,
            elapsed_time_s=_elapsed_s(line.text(habits.columns.get("elapsed_time")), time_s),
            cadence_spm=habits.number(line, "cadence"),
            ground_contact_time_ms=habits.number(line, "ground_contact_time"),
            vertical_oscillation_mm=None if oscillation is None else 10 * oscillation,  # the list has centimetres
            surface=sports.surface_of(line.text(habits.columns["sport"])),
            notes=notes,
        )
    )


def _elapsed_s(text: str, time_s: float) -> float | None:
    if is_missing(text):
        return None
    elapsed_s = local_duration_s(text, "elapsed time")
    return elapsed_s / 60 if elapsed_s >= 30 * time_s else elapsed_s  # spoilt by a spreadsheet like the time beside it


GARMIN_CSV = table_importer("garmin_csv", "Garmin Connect list (CSV)", knows, read_table)
