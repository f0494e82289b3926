"""Does a read cost more when the history is longer? Counted in steps of SQLite's virtual machine, which no other work disturbs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from benchmarks.clinics import WEEK_START, ClinicFile
from benchmarks.figures import PAIRS, Figure, Pairs, cpu_pairs, milliseconds
from data import queries
from data.database import make_engine
from data.permissions import COMMAND_LINE
from models import week_number

STEPS_GOAL, CPU_GOAL, FLOOR = 1.03, 1.15, 1.00
TREND_WEEKS = 26
TIMES = 3

Work = Callable[[], Sequence[Any]]


@dataclass(frozen=True)
class Reads:
    """The two reads that must stay flat, on one open connection."""

    connection: sa.Connection
    clinic: ClinicFile

    def caseload(self) -> Sequence[Any]:
        """Read the caseload of the whole clinic."""
        statement = queries.caseload_statement(self.connection, COMMAND_LINE, self.clinic.through)
        return self.connection.execute(statement).all()

    def trends(self) -> Sequence[Any]:
        """Read the last half year of every patient, one after the other."""
        high = week_number(self.clinic.through, WEEK_START)
        low = week_number(self.clinic.through - timedelta(weeks=TREND_WEEKS - 1), WEEK_START)
        rows: list[Any] = []
        for patient_id in range(1, self.clinic.patients + 1):
            rows += queries.trend_rows(self.connection, patient_id, low, high)
        return rows


@contextmanager
def opened(clinic: ClinicFile, *, analysed: bool) -> Iterator[Reads]:
    """
    Open a clinic for reading.

    Parameters
    ----------
    analysed : bool
        False lets SQLite plan without statistics, as it does in a clinic where nobody ever ran ANALYZE. (They are taken out in a
        transaction that is undone in the end.)
    """
    engine = make_engine(clinic.url)
    with engine.connect().execution_options(writes=not analysed) as connection:
        if not analysed:
            for statement in ("DELETE FROM sqlite_stat1", "DELETE FROM sqlite_stat4", "ANALYZE sqlite_schema"):
                connection.exec_driver_sql(statement)
        yield Reads(connection, clinic)
        connection.rollback()
    engine.dispose()


def vm_steps(connection: sa.Connection, work: Work) -> int:
    """Count the steps of SQLite's virtual machine that some reads take."""
    raw: Any = connection.connection.driver_connection
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    raw.set_progress_handler(step, 1)
    work()
    raw.set_progress_handler(None, 1)
    return steps


def flatness(short: ClinicFile, long: ClinicFile, *, pairs: int = PAIRS) -> list[Figure]:
    """
    Compare the reads of a clinic with a long history to those of the same clinic with a short one.

    Returns
    -------
    list of Figure
        Steps and CPU of the caseload and of the trends read, without and with statistics for SQLite's planner.

    Raises
    ------
    RuntimeError
        If the two do not give equally many rows.
    """
    figures = []
    for analysed in (False, True):
        state = "after ANALYZE" if analysed else "no ANALYZE"
        with opened(short, analysed=analysed) as few, opened(long, analysed=analysed) as many:
            for name, of_few, of_many in (("caseload", few.caseload, many.caseload), ("trends", few.trends, many.trends)):
                rows = len(of_many())
                if rows != len(of_few()):
                    raise RuntimeError(f"{name}: {rows} rows from {long.years} years, {len(of_few())} from {short.years}.")
                what = f"{name}, {long.years} y / {short.years} y ({state})"
                figures.append(_steps_figure(what, rows, vm_steps(many.connection, of_many), vm_steps(few.connection, of_few)))
                figures.append(_cpu_figure(what, cpu_pairs(of_many, of_few, pairs=pairs, times=TIMES)))
    return figures


def _steps_figure(what: str, rows: int, steps_many: int, steps_few: int) -> Figure:
    return Figure(f"VM steps: {what}", steps_many / steps_few, STEPS_GOAL, FLOOR, f"{steps_many:,} / {steps_few:,} for {rows:,} rows")


def _cpu_figure(what: str, pairs: Pairs) -> Figure:
    return Figure(f"CPU: {what}", pairs.ratio, CPU_GOAL, FLOOR, f"{milliseconds(pairs.subject_s)} / {milliseconds(pairs.floor_s)}")
