"""One patient's weeks in a large clinic: the product's read against the same finished rows read by the bare driver."""

import os
import statistics
import time
from dataclasses import dataclass

import sqlalchemy as sa

from benchmarks.clinics import WEEK_START, ClinicFile
from benchmarks.figures import PAIRS, Figure, cpu_pairs, milliseconds
from data import queries
from data.database import make_engine
from models import RUN_WEEK_COLUMNS, day_number, week_number

GOAL, FLOOR = 4.0, 1.0
COLD_GOAL_MS = 5.0
TIMES = 50
COLD_READS = 15


@dataclass(frozen=True)
class ColdReads:
    """Wall time of trends reads from a file that the system holds nothing of, each by a new connection. In ms."""

    median_ms: float
    slowest_ms: float

    @property
    def line(self) -> str:
        """Give it as one line of the output."""
        verdict = "kept" if self.median_ms <= COLD_GOAL_MS else "MISSED"
        return (
            f"  cold wall of the trends read: median {self.median_ms:.1f} ms of {COLD_READS} patients, slowest {self.slowest_ms:.1f} ms "
            f"(goal <= {COLD_GOAL_MS:.0f} ms)  {verdict}"
        )


def trends_figure(clinic: ClinicFile, *, patient_id: int = 1, pairs: int = PAIRS) -> Figure:
    """
    Compare `queries.trend_rows` over all weeks of a patient with a plain SELECT of the same rows, both on one warm connection.

    Raises
    ------
    RuntimeError
        If the two do not give the same rows.
    """
    low, high = 0, week_number(clinic.through, WEEK_START)
    select = f"SELECT {', '.join(RUN_WEEK_COLUMNS)} FROM patient_week WHERE patient_id = ? AND week >= ? AND week <= ? ORDER BY week"
    engine = make_engine(clinic.url)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        if raw is None:
            raise RuntimeError("The connection is closed.")

        def by_product() -> list[tuple[object, ...]]:
            return [tuple(row) for row in queries.trend_rows(connection, patient_id, low, high)]

        def bare() -> list[tuple[object, ...]]:
            rows: list[tuple[object, ...]] = raw.execute(select, (patient_id, low, high)).fetchall()
            return rows

        weeks = len(bare())
        if by_product() != bare():
            raise RuntimeError("The product's trends read and the bare SELECT give different rows.")
        pair = cpu_pairs(lambda: queries.trend_rows(connection, patient_id, low, high), bare, pairs=pairs, times=TIMES)
        connection.rollback()
    engine.dispose()
    return Figure(
        f"CPU: trends query / raw SELECT of the same {weeks} weeks",
        pair.ratio,
        GOAL,
        FLOOR,
        f"{milliseconds(pair.subject_s)} / {milliseconds(pair.floor_s)}",
    )


def cold_reads(clinic: ClinicFile, *, reads: int = COLD_READS) -> ColdReads | None:
    """Measure trends reads of different patients from a cold file; None where the system cannot be told to let go of a file."""
    if not hasattr(os, "posix_fadvise"):
        return None
    high = day_number(clinic.through)
    took = []
    for read in range(reads + 1):
        descriptor = os.open(clinic.path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
        engine = make_engine(clinic.url)
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
            before = time.perf_counter()
            queries.trend_rows(connection, 1 + read * (clinic.patients // (reads + 1)), 0, high)
            took.append((time.perf_counter() - before) * 1e3)
            connection.rollback()
        engine.dispose()
    return ColdReads(statistics.median(took[1:]), max(took[1:]))  # the first one compiles the statement
