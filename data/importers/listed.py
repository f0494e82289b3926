"""
Runs as rows of a list: the totals that an app writes down of each activity. Garmin, Strava, Runkeeper, Excel and our own table share it.

A list has no samples, so nothing is measured here: what a row says is checked and kept.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from data.importers import sports
from data.importers.base import FileRefused, ReadFile, ReadRun, RefusedLine
from data.importers.doubts import doubts_about, holds_back
from data.importers.recording import CADENCE_PLAUSIBLE_MAX_SPM, is_walking
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
    started = listed.started_at if listed.started_at.tzinfo else listed.started_at.replace(tzinfo=UTC)
    about = doubts_about(distance_m=distance_m, moving_time_s=moving_s, stood_s=0.0, started_at_utc=started)
    doubts += [f"{_named(listed).capitalize()}: {sentence}" for sentence in about]
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
        held_back=holds_back(distance_m=distance_m, moving_time_s=moving_s, started_at_utc=started),
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
        self.days: list[date] = []
        self.refused: list[RefusedLine] = []
        self._alike: Counter[tuple[datetime, int, int]] = Counter()
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

    def apart(self, run: ReadRun) -> ReadRun:
        """Tell runs apart that one table gives alike, without a time of day: the second begins a second after noon, and so on."""
        if run.start_is_known:
            return run
        alike = run.started_at_utc, round(run.distance_m), round(run.moving_time_s)
        self._alike[alike] += 1
        return replace(run, started_at_utc=run.started_at_utc + timedelta(seconds=self._alike[alike] - 1))

    def read_file(self, *notes: str) -> ReadFile:
        """
        Close the list.

        Raises
        ------
        FileRefused
            If no line gave a run.
        """
        if not self.runs and not self.days:
            if self.refused:
                first = self.refused[0]
                raise FileRefused(ImportOutcome.UNREADABLE, f"No line could be read. Line {first.line}: {first.reason}")
            if self.others:
                raise FileRefused(ImportOutcome.NOT_A_RUN, f"The list holds no run, only {self._others()}. Nothing was taken from it.")
            raise FileRefused(ImportOutcome.NO_DATA, "The list has a header and no lines.")
        said = [note for note in notes if note]
        if self.others:
            said.append(f"Other sports in the list were left out: {self._others()}.")
        days = tuple(dict.fromkeys(self.days))
        return ReadFile(runs=tuple(self.runs), days_without_run=days, refused_lines=tuple(self.refused), notes=tuple(said))

    def _others(self) -> str:
        return ", ".join(f"{name} ({count})" for name, count in self.others.most_common(20))
