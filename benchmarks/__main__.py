"""`python -m benchmarks`: print each speed goal beside what was measured. Timings never fail a build; the steps of SQLite are tests."""

import argparse
import os
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime

from benchmarks.clinics import FOLDER, clinic_file
from benchmarks.figures import HEADINGS, PAIRS, Figure
from benchmarks.fit_reading import fit_figures
from benchmarks.flatness import flatness
from benchmarks.patient_page import page_figures
from benchmarks.summaries import summary_figures
from benchmarks.trends import cold_reads, trends_figure

PATIENTS, YEARS = 10_000, 3
FLAT_PATIENTS, FLAT_YEARS_SHORT, FLAT_YEARS_LONG = 500, 1, 12
FLAT_THROUGH = date(2026, 6, 30)  # always the same rows, so always the same steps


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed as ratios, each beside its goal and its floor.")
    parser.add_argument("--patients", type=int, default=PATIENTS, help=f"size of the large clinic (the goals are for {PATIENTS:,})")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"turns of each measurement, default {PAIRS}, at least 5")
    options = parser.parse_args()
    if options.patients < 1 or options.pairs < 5:
        parser.error("at least 1 patient and 5 pairs")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"Still Running, speed as ratios. {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, ", end="")
    print(f"{os.cpu_count()} cores, load {load:.1f}. CPU time, medians of {options.pairs} pairs taken in turns.")
    if options.patients != PATIENTS:
        print(f"SMALLER THAN THE GOALS SAY: {options.patients:,} patients instead of {PATIENTS:,}.")

    flat = min(FLAT_PATIENTS, options.patients)
    short = clinic_file(flat, FLAT_YEARS_SHORT, through=FLAT_THROUGH)
    long = clinic_file(flat, FLAT_YEARS_LONG, through=FLAT_THROUGH)
    print("\nGoal 4: a long history costs nothing")
    print(f"  {short.words}\n  {long.words}")
    _print(flatness(short, long, pairs=options.pairs))

    large = clinic_file(options.patients, YEARS)
    print("\nGoal 5: one patient of three years in a large clinic")
    print(f"  {large.words}, in {FOLDER}")
    _print([trends_figure(large, pairs=options.pairs)])
    cold = cold_reads(large)
    print(cold.line if cold else "  cold wall of the trends read: not measured, this system does not let go of a file when told")
    page = page_figures(large, pairs=options.pairs)
    _print(page.figures)
    print("\n".join(page.told))

    print("\nSummaries: one episode of three years, and the caseload's rows of a thousand")
    _print(summary_figures(pairs=options.pairs))

    print("\nGoal 6, as far as it is reading: FIT files to runs")
    _print(fit_figures(pairs=options.pairs))


def _print(figures: Iterable[Figure]) -> None:
    print(HEADINGS)
    for figure in figures:
        print(figure.line)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
