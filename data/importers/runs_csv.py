"""
Our own table of runs: one line a run. Cadence is in steps per minute of both feet and is never doubled. See docs/importing.md.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from data.importers.base import FileRefused, ReadFile, ReadRun, RefusedLine
from data.importers.recording import WALKING_BELOW_M_S, is_walking
from data.importers.table import Line, Table, table_importer
from data.importers.written import LineRefused, clock_time, duration_s, iso_date, iso_moment, number, yes_or_no
from models import (
    CADENCE_MAX_SPM,
    CADENCE_MIN_SPM,
    DISTANCE_MAX_M,
    ELAPSED_MAX_S,
    GROUND_CONTACT_MAX_MS,
    GROUND_CONTACT_MIN_MS,
    SPEED_MAX_M_S,
    CadenceRule,
    DistanceRule,
    ImportOutcome,
    Surface,
)

METRES_IN = {"distance_m": 1.0, "distance_km": 1000.0, "distance_mi": 1609.344}
DAY_COLUMNS = ("date", "started_at")
TIME_COLUMNS = ("moving_time", "moving_time_s")
COLUMNS = frozenset(
    {
        *METRES_IN, *DAY_COLUMNS, *TIME_COLUMNS, "start_time", "elapsed_time", "elapsed_time_s", "cadence_spm", "running_cadence_spm",
        "ground_contact_time_ms", "vertical_oscillation_mm", "session_rpe", "surface", "device", "did_not_run",
    }
)  # fmt: skip
ONE_FOOT_SPM = (65.0, 110.0)  # who runs takes 130 to 220 steps a minute with both feet
NOON = time(12)  # stands for an unknown time of day


def knows(table: Table) -> bool:
    """Tell by the header: a day, a distance with its unit and a time."""
    header = set(table.header)
    return bool(header & set(DAY_COLUMNS)) and bool(header & set(METRES_IN)) and bool(header & set(TIME_COLUMNS))


def read_table(table: Table) -> ReadFile:
    """
    Read a table of runs.

    Returns
    -------
    ReadFile
        Runs, days without a run, and the lines that were refused.

    Raises
    ------
    FileRefused
        If no line gives anything.
    """
    table.refuse_repeats()
    runs: list[ReadRun] = []
    days: list[date] = []
    refused: list[RefusedLine] = []
    repeats: Counter[tuple[datetime, int, int]] = Counter()
    for line in table.lines():
        if not isinstance(line, Line):
            refused.append(RefusedLine(*line))
            continue
        try:
            if line.text("did_not_run") and yes_or_no(line.text("did_not_run"), "did_not_run"):
                days.append(_day_without_run(line))
            else:
                runs.append(_numbered(_run(line), repeats))
        except LineRefused as refusal:
            refused.append(RefusedLine(line.number, str(refusal)))
    if not runs and not days:
        if refused:
            raise FileRefused(ImportOutcome.UNREADABLE, f"No line could be read. Line {refused[0].line}: {refused[0].reason}")
        raise FileRefused(ImportOutcome.NO_DATA, "The table has a header and no lines.")
    ignored = [name for name in table.header if name and name not in COLUMNS]
    notes = (f"Columns that were not read: {', '.join(ignored)[:200]}.",) if ignored else ()
    return ReadFile(runs=tuple(runs), days_without_run=tuple(dict.fromkeys(days)), refused_lines=tuple(refused), notes=notes)


def _numbered(run: ReadRun, repeats: Counter[tuple[datetime, int, int]]) -> ReadRun:
    """Tell runs apart that one table gives alike, without a time of day: the second begins a second after noon, and so on."""
    if run.start_is_known:
        return run
    alike = run.started_at_utc, round(run.distance_m), round(run.moving_time_s)
    repeats[alike] += 1
    return replace(run, started_at_utc=run.started_at_utc + timedelta(seconds=repeats[alike] - 1))


def _day_without_run(line: Line) -> date:
    if any(line.text(name) for name in (*METRES_IN, *TIME_COLUMNS)):
        raise LineRefused("it says did_not_run and gives a distance or a time as well. Keep one of them.")
    return iso_moment(line.text("started_at")).date() if line.text("started_at") and not line.text("date") else iso_date(line.text("date"))


def _run(line: Line) -> ReadRun:
    begun, offset_s, clock_is_local = _start(line)
    distance_m = _distance(line)
    moving_s = _time(line, TIME_COLUMNS, "moving time")
    if moving_s is None or moving_s <= 0:
        raise LineRefused("the moving time is missing. Write 45:10 under moving_time.")
    elapsed_s = _time(line, ("elapsed_time", "elapsed_time_s"), "elapsed time") or moving_s
    if not moving_s <= elapsed_s <= ELAPSED_MAX_S:
        raise LineRefused("the elapsed time must be at least the moving time, and not more than a week.")
    speed_m_s = distance_m / moving_s
    if speed_m_s > SPEED_MAX_M_S:
        raise LineRefused(f"{distance_m / 1000:.1f} km in {moving_s / 60:.0f} min is faster than anyone runs. Check distance and time.")
    cadence = _within(line, "cadence_spm", CADENCE_MIN_SPM, CADENCE_MAX_SPM)
    running = _within(line, "running_cadence_spm", CADENCE_MIN_SPM, CADENCE_MAX_SPM)
    if running is None and not is_walking(speed_m_s, cadence):
        running = cadence
    one_foot = sorted({value for value in (cadence, running) if value is not None and _counts_one_foot(speed_m_s, value)})
    ran = running is not None or not is_walking(speed_m_s, cadence)
    return ReadRun(
        started_at_utc=begun,
        utc_offset_s=offset_s,
        surface=_surface(line),
        distance_m=distance_m,
        distance_rule=DistanceRule.AS_GIVEN,
        moving_time_s=moving_s,
        elapsed_time_s=elapsed_s,
        cadence_spm=cadence,
        running_cadence_spm=running,
        device_cadence_spm=cadence,
        cadence_rule=CadenceRule.NONE if cadence is None and running is None else CadenceRule.STEPS_AS_GIVEN,
        running_time_s=moving_s if ran else None,
        running_speed_m_s=speed_m_s if ran else None,
        grade_abs_mean=None,
        ground_contact_time_ms=_within(line, "ground_contact_time_ms", GROUND_CONTACT_MIN_MS, GROUND_CONTACT_MAX_MS),
        vertical_oscillation_mm=_within(line, "vertical_oscillation_mm", 10.0, 300.0),
        has_gps=False,
        device=line.text("device")[:120],
        session_rpe=_effort(line),
        minutes=None,
        notes=tuple(f"Cadence: {value:g} looks like one foot; the table wants both feet. It is kept as given." for value in one_foot),
        doubtful=bool(one_foot),
        clock_is_local=clock_is_local,
        start_is_known=bool(line.text("started_at") or line.text("start_time")),
    )


def _counts_one_foot(speed_m_s: float, cadence_spm: float) -> bool:
    low, high = ONE_FOOT_SPM
    return speed_m_s > WALKING_BELOW_M_S and low <= cadence_spm <= high


def _start(line: Line) -> tuple[datetime, int | None, bool]:
    """Start in UTC, its offset, and whether it is a local clock's reading."""
    if line.text("started_at"):
        begun = iso_moment(line.text("started_at"))
        if line.text("date") and iso_date(line.text("date")) != begun.date():
            raise LineRefused(f"the date {line.text('date')} is not the day of {line.text('started_at')}. Keep one of them.")
        zone = begun.utcoffset()
        if zone is None:
            return begun.replace(tzinfo=UTC), 0, True
        try:
            return begun.astimezone(UTC), int(zone.total_seconds()) or None, False
        except OverflowError:
            raise LineRefused("the start is out of any calendar.") from None
    day = iso_date(line.text("date"))
    at = clock_time(line.text("start_time")) if line.text("start_time") else NOON
    return datetime.combine(day, at, UTC), 0, True


def _distance(line: Line) -> float:
    given = [(name, line.text(name)) for name in METRES_IN if line.text(name)]
    if not given:
        raise LineRefused("the distance is missing. For a day without a run write yes under did_not_run.")
    if len(given) > 1:
        raise LineRefused(f"it gives the distance twice, as {' and '.join(name for name, _ in given)}. Keep one of them.")
    name, text = given[0]
    distance_m = number(text, line.separator, "distance") * METRES_IN[name]
    if not 0 < distance_m <= DISTANCE_MAX_M:
        raise LineRefused(
            f"a distance of {text} under {name} cannot be right. For a day without a run leave it empty and write yes under did_not_run."
        )
    return distance_m


def _time(line: Line, names: tuple[str, ...], what: str) -> float | None:
    text = next((line.text(name) for name in names if line.text(name)), "")
    return duration_s(text, line.separator, what) if text else None


def _within(line: Line, name: str, low: float, high: float) -> float | None:
    text = line.text(name)
    if not text:
        return None
    value = number(text, line.separator, name)
    if not low <= value <= high:
        raise LineRefused(f"{name} of {text} cannot be right: it lies between {low:.0f} and {high:.0f}. Cadence counts both feet.")
    return value


def _surface(line: Line) -> Surface:
    text = line.text("surface").casefold()
    if text and text not in set(Surface):
        raise LineRefused(f"“{text[:30]}” is no surface. Write one of {', '.join(Surface)}.")
    return Surface(text) if text else Surface.UNKNOWN


def _effort(line: Line) -> int | None:
    text = line.text("session_rpe")
    if not text:
        return None
    value = number(text, line.separator, "effort")
    if value not in range(11):
        raise LineRefused(f"effort (session_rpe) is a whole number from 0 to 10, not {text}.")
    return int(value)


RUNS_CSV = table_importer("runs_csv", "Table of runs (CSV)", knows, read_table)
read, recognises = RUNS_CSV.read, RUNS_CSV.recognises
