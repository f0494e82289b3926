"""
Runs as rows of a list: the totals that an app writes down of each activity. Garmin, Strava, Runkeeper, Excel and our own table share it.

A list has no samples, so nothing is measured here: what a row says is checked and kept.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from data.importers import sports
from data.importers.base import FileRefused, ReadFile, ReadRun, RefusedLine
from data.importers.local_forms import DateOrder, date_order, is_missing, is_two_days, local_duration_s
from data.importers.recording import CADENCE_PLAUSIBLE_MAX_SPM, RIDE_LIKE_M_S, SHORT_RUN_M, SHORT_RUN_S, is_walking
from data.importers.table import Bad, Line
from data.importers.written import LineRefused
from models import (
    CADENCE_MIN_SPM,
    DISTANCE_MAX_M,
    ELAPSED_MAX_S,
    GROUND_CONTACT_MAX_MS,
    GROUND_CONTACT_MIN_MS,
    SPEED_MAX_M_S,
    VERTICAL_OSCILLATION_MAX_MM,
    VERTICAL_OSCILLATION_MIN_MM,
    CadenceRule,
    DistanceRule,
    ImportOutcome,
    Surface,
)

PACE_MAX_S = 3600.0  # an hour for a kilometre or a mile is slower than anyone walks
PACE_AGREES_WITHIN = 0.05
LIST_LINES_MAX = 50_000  # three activities a day for 45 years


@dataclass(frozen=True)
class Listed:
    """
    A run as a row tells it: metres, seconds, steps per minute of both feet.

    None is what the row does not say. `clock_is_local`, `start_is_known`, `notes` and `doubts` are as in `ReadRun`; one of the doubts
    makes the run doubtful.
    """

    started_at: datetime
    distance_m: float
    moving_time_s: float
    elapsed_time_s: float | None = None
    cadence_spm: float | None = None
    cadence_rule: CadenceRule = CadenceRule.STEPS_AS_GIVEN
    ground_contact_time_ms: float | None = None
    vertical_oscillation_mm: float | None = None
    surface: Surface = Surface.UNKNOWN
    utc_offset_s: int | None = None
    clock_is_local: bool = True
    start_is_known: bool = True
    session_rpe: int | None = None
    device: str = ""
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def run_of(listed: Listed) -> ReadRun:
    """
    Check a row and make a run of it.

    Returns
    -------
    ReadRun
        Without minutes. A cadence that cannot be right is left out, with a doubt.

    Raises
    ------
    LineRefused
        If it lasts no time, or more than a week, or is faster than anyone runs.
    """
    distance_m, moving_s = listed.distance_m, listed.moving_time_s
    notes, doubts = list(listed.notes), list(listed.doubts)
    if not 0 < moving_s <= ELAPSED_MAX_S:
        raise LineRefused("its time is missing, or longer than a week.")
    if not 0 <= distance_m <= DISTANCE_MAX_M:
        raise LineRefused(f"a distance of {distance_m / 1000:.0f} km cannot be right.")
    if distance_m > SPEED_MAX_M_S * moving_s:
        raise LineRefused(f"{distance_m / 1000:.1f} km in {moving_s / 60:.1f} min is faster than anyone runs. It may be a ride or a drive.")
    if distance_m > RIDE_LIKE_M_S * moving_s:
        doubts.append(f"The mean speed of {_named(listed)} is above 6.5 m/s: this may be a ride.")
    if distance_m < SHORT_RUN_M or moving_s < SHORT_RUN_S:
        doubts.append(
            f"The run of {listed.started_at.date().isoformat()} has only {distance_m:.0f} m in {moving_s:.0f} s: perhaps started by mistake."
        )
    elapsed_s = max(listed.elapsed_time_s or 0.0, moving_s)
    if elapsed_s > ELAPSED_MAX_S:
        notes.append(f"The elapsed time of {_named(listed)} is longer than a week; its moving time stands for it.")
        elapsed_s = moving_s
    cadence = listed.cadence_spm or None  # 0 is how some apps write that nothing was counted
    if cadence is not None and not CADENCE_MIN_SPM <= cadence <= CADENCE_PLAUSIBLE_MAX_SPM:
        doubts.append(f"The cadence of {_named(listed)} was left out: it would be {cadence:.0f} steps per minute.")
        cadence = None
    speed_m_s = distance_m / moving_s
    walked = is_walking(speed_m_s, cadence)
    return ReadRun(
        started_at_utc=listed.started_at,
        utc_offset_s=0 if listed.clock_is_local else listed.utc_offset_s,
        surface=listed.surface,
        distance_m=distance_m,
        distance_rule=DistanceRule.AS_GIVEN,
        moving_time_s=moving_s,
        elapsed_time_s=elapsed_s,
        cadence_spm=cadence,
        running_cadence_spm=None if walked else cadence,
        device_cadence_spm=cadence,
        cadence_rule=CadenceRule.NONE if cadence is None else listed.cadence_rule,
        running_time_s=None if walked else moving_s,
        running_speed_m_s=None if walked else speed_m_s,
        grade_abs_mean=None,
        ground_contact_time_ms=_within(listed.ground_contact_time_ms, GROUND_CONTACT_MIN_MS, GROUND_CONTACT_MAX_MS),
        vertical_oscillation_mm=_within(listed.vertical_oscillation_mm, VERTICAL_OSCILLATION_MIN_MM, VERTICAL_OSCILLATION_MAX_MM),
        has_gps=False,
        device=listed.device,
        session_rpe=listed.session_rpe,
        minutes=None,
        notes=tuple(notes + doubts),
        doubtful=bool(doubts),
        clock_is_local=listed.clock_is_local,
        start_is_known=listed.start_is_known,
    )


def _named(listed: Listed) -> str:
    return f"the run of {listed.started_at.date().isoformat()}"


def _within(value: float | None, low: float, high: float) -> float | None:
    """Leave out what cannot be true; 0 is how apps write that nothing was measured."""
    return value if value is not None and low <= value <= high else None


class RunList:
    """What was read of a list so far: runs are kept, other sports counted, a line that cannot be read spoils no other."""

    def __init__(self) -> None:
        self.runs: list[ReadRun] = []
        self.refused: list[RefusedLine] = []
        self.others: Counter[str] = Counter()

    def take(self, line: Line | Bad, sport: str | None, run: Callable[[Line], ReadRun]) -> ReadRun | None:
        """
        Take one line.

        Parameters
        ----------
        line : Line or tuple of int and str
        sport : str or None
            As it is written; None if the list has no column for it, then every line is a run.
        run : callable
            Reads the line; may raise `LineRefused`.

        Returns
        -------
        ReadRun or None
            None if the line gives no run.
        """
        if not isinstance(line, Line):
            self.refused.append(RefusedLine(*line))
            return None
        if line.number > LIST_LINES_MAX:
            raise FileRefused(
                ImportOutcome.UNREADABLE, f"The list has more than {LIST_LINES_MAX:,} lines. Send it in parts, with the header in each."
            )
        if sport is not None and not sports.is_run(sport):
            self.others[sports.named(sport)] += 1
            return None
        try:
            found = run(line)
        except LineRefused as refusal:
            self.refused.append(RefusedLine(line.number, str(refusal)))
            return None
        self.runs.append(found)
        return found

    def read_file(self, *notes: str) -> ReadFile:
        """
        Close the list.

        Raises
        ------
        FileRefused
            If no line gave a run.
        """
        if not self.runs:
            if self.refused:
                first = self.refused[0]
                raise FileRefused(ImportOutcome.UNREADABLE, f"No line could be read. Line {first.line}: {first.reason}")
            if self.others:
                raise FileRefused(ImportOutcome.NOT_A_RUN, f"The list holds no run, only {self._others()}. Nothing was taken from it.")
            raise FileRefused(ImportOutcome.NO_DATA, "The list has a header and no lines.")
        said = [note for note in notes if note]
        if self.others:
            said.append(f"Other sports in the list were left out: {self._others()}.")
        return ReadFile(runs=tuple(self.runs), refused_lines=tuple(self.refused), notes=tuple(said))

    def _others(self) -> str:
        return ", ".join(f"{name} ({count})" for name, count in self.others.most_common(20))


def settled_order(dates: Iterable[str]) -> DateOrder | None:
    """
    Tell whether the day or the month comes first in a column of dates.

    Returns
    -------
    DateOrder or None
        None if the dates need no order (2026-03-04, 4 March 2026).

    Raises
    ------
    FileRefused
        `needs_mapping`, with the question, if a date can be two days and no other one tells which.
    """
    written = list(dates)
    order, open_date = date_order(written), next((text for text in written if is_two_days(text)), None)
    if order is None and open_date is not None:
        raise FileRefused(
            ImportOutcome.NEEDS_MAPPING,
            f"A date such as {open_date[:20]} can be two days: which comes first in this table, the day or the month?",
        )
    return order


def utc_reading(clock: datetime) -> datetime:
    """Write a local clock's reading as if it were UTC, as `ReadRun` wants it; a zone that is named is left out."""
    return clock.replace(tzinfo=UTC)


def settled_time_s(text: str, pace_text: str, distance: float) -> tuple[float, str]:
    """
    Read the time of a run that a spreadsheet may have changed: 26:42 becomes 26:42:00, hours instead of minutes.

    Parameters
    ----------
    text : str
        The time.
    pace_text : str
        The mean pace as it is written, which went through the same hands; may be missing.
    distance : float
        In the unit of the pace.

    Returns
    -------
    tuple of float and str
        Seconds, and a sentence if it was not read as it is written.

    Raises
    ------
    LineRefused
        If it is no time.
    """
    if is_missing(text):
        raise LineRefused("the time is missing.")
    time_s = local_duration_s(text, "time")
    if not re.fullmatch(r"\d+:\d\d:00", text.strip()) or distance <= 0:
        return time_s, ""
    pace_s = time_s / distance if is_missing(pace_text) else local_duration_s(pace_text, "pace")
    expected_s = distance * (pace_s / 60 if pace_s > PACE_MAX_S else pace_s)
    if abs(time_s / 60 - expected_s) > PACE_AGREES_WITHIN * expected_s:
        return time_s, ""
    return time_s / 60, f"The time {text} was read as minutes and seconds: as hours it would be slower than anyone walks."
