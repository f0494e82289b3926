"""Runs of a table whose columns a person named: any spreadsheet, and lists whose units or dates nothing in them tells."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from data.importers import sports
from data.importers.base import ReadFile, ReadRun, RefusedLine
from data.importers.column_words import METRES_IN, distance_unit
from data.importers.form_words import answer_in
from data.importers.listed import Listed, RunList, run_of
from data.importers.local_forms import DateOrder, decimal_mark, is_missing, local_duration_s, local_moment, local_number
from data.importers.mapping import ONE_FOOT, Mapping
from data.importers.settled import settled_order, settled_time_s
from data.importers.table import Line, Table
from data.importers.written import LineRefused
from models import CadenceRule

SECONDS_IN = {"clock": 0.0, "seconds": 1.0, "minutes": 60.0, "hours": 3600.0}


@dataclass(frozen=True)
class _Reading:
    mapping: Mapping
    order: DateOrder | None
    mark: str | None

    def number(self, line: Line, column: str | None, what: str) -> float | None:
        text = line.text(column)
        return None if is_missing(text) else local_number(text, self.mark, what)

    def time_s(self, text: str, what: str) -> float | None:
        """Read 45:10 as it stands, and a plain number by the unit that was said."""
        if is_missing(text):
            return None
        factor = SECONDS_IN[self.mapping.time_unit or "clock"]
        if not factor or re.search(r"[:hms]", text):
            return local_duration_s(text, what)
        return factor * local_number(text, self.mark, what)


def read_runs(table: Table, mapping: Mapping) -> ReadFile:
    """
    Read runs as a person said.

    Parameters
    ----------
    table : Table
    mapping : Mapping
        Of runs, without open questions.

    Returns
    -------
    ReadFile
        Runs, days without a run, refused lines. Two lines alike without a time of day are two runs.

    Raises
    ------
    FileRefused
        If no line gives anything, or the dates can be two days and nothing tells which.
    """
    lines = list(table.lines(mapping.columns))
    rows = [line for line in lines if isinstance(line, Line)]
    order = mapping.date_order or settled_order(line.text(mapping.date) for line in rows)
    numbers = [line.text(column) for line in rows for column in (mapping.distance, mapping.cadence)]
    reading = _Reading(mapping, order, decimal_mark(re.sub(r"\s*[A-Za-z]+\.?$", "", text) for text in numbers))
    found = RunList()
    for line in lines:
        if isinstance(line, Line) and _without_run(line, reading, found):
            continue
        sport = line.text(mapping.sport) if isinstance(line, Line) and mapping.sport else None
        found.take(line, sport, lambda line: found.apart(_run(line, reading)))
    doubled = "Cadence was said to count one foot: it was doubled." if mapping.cadence and mapping.cadence_counts == ONE_FOOT else ""
    return found.read_file(doubled)


def _without_run(line: Line, reading: _Reading, found: RunList) -> bool:
    """Keep a line that says that there was no run on its day."""
    mapping = reading.mapping
    try:
        ran, did_not = answer_in(line.text(mapping.ran)), answer_in(line.text(mapping.did_not_run))
        if ran is not False and not did_not:
            return False
        found.days.append(local_moment(line.text(mapping.date), reading.order)[0].date())
    except LineRefused as refusal:
        found.refused.append(RefusedLine(line.number, str(refusal)))
    return True


def _run(line: Line, reading: _Reading) -> ReadRun:
    mapping = reading.mapping
    started, known, is_local, offset_s = _start(line, reading)
    distance, unit = _distance(line, reading)
    text = line.text(mapping.moving_time)
    if is_missing(text):
        raise LineRefused("the time is missing.")
    note = ""
    if mapping.time_unit == "clock":
        time_s, note = settled_time_s(text, line.text(mapping.pace), distance)
    else:
        time_s = reading.time_s(text, "time") or 0.0
    cadence = reading.number(line, mapping.cadence, "cadence")
    return run_of(
        Listed(
            started_at=started,
            start_is_known=known,
            clock_is_local=is_local,
            utc_offset_s=offset_s,
            distance_m=distance * METRES_IN[unit],
            moving_time_s=time_s,
            elapsed_time_s=reading.time_s(line.text(mapping.elapsed_time), "elapsed time"),
            cadence_spm=None if cadence is None else cadence * (2 if mapping.cadence_counts == ONE_FOOT else 1),
            cadence_rule=CadenceRule.STEPS_AS_GIVEN,
            ground_contact_time_ms=reading.number(line, mapping.ground_contact_time, "ground contact time"),
            surface=sports.surface_of(line.text(mapping.sport)),
            notes=(note,) if note else (),
        )
    )


def _start(line: Line, reading: _Reading) -> tuple[datetime, bool, bool, int | None]:
    """Start in UTC, whether its time of day is known, whether it is a local clock's reading, and its offset."""
    begun, known = local_moment(line.text(reading.mapping.date), reading.order)
    clock = line.text(reading.mapping.start_time)
    if not known and not is_missing(clock):
        at, known = local_moment(f"2000-01-01 {clock}", None)
        begun = datetime.combine(begun.date(), at.time())
    zone = begun.utcoffset()
    if zone is None:
        return begun.replace(tzinfo=UTC), known, True, 0
    try:
        return begun.astimezone(UTC), known, False, int(zone / timedelta(seconds=1)) or None
    except OverflowError:
        raise LineRefused("the start is out of any calendar.") from None


def _distance(line: Line, reading: _Reading) -> tuple[float, str]:
    """Give the distance with its unit: the one that the cell names itself, else the one that was said."""
    text = line.text(reading.mapping.distance)
    if is_missing(text):
        raise LineRefused("the distance is missing.")
    bare = re.fullmatch(r"(.*?\d)\s*([A-Za-z]{1,10})\.?", text, re.ASCII)
    unit = distance_unit(bare[2]) if bare else reading.mapping.distance_unit
    if unit is None:
        raise LineRefused(f"“{text[:30]}” is no distance.")
    return local_number(bare[1] if bare else text, reading.mark, "distance"), unit
