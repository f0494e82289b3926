"""
`python -m benchmarks.cadence_change`: how often a planted change of cadence is found, and how often its interval holds it.

Each series: 30 runs, one every other day, cadence = 140 + 8 · speed and +5 % from the sixteenth run on, with scatter. Ends with exit code 1 if an interval
holds the truth in fewer than 90 % or more than 98 % of series.
"""

import argparse
import sys
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from rehab.cadence_change import cadence_change
from tests.rehab_scenes import MONDAY, runs_frame

RUNS, PLANTED_PERCENT = 30, 5.0
COVERED_MIN, COVERED_MAX = 0.90, 0.98
SERIES, SEED = 1_000, 20261124


@dataclass(frozen=True)
class Scene:
    """How a series is made: scatter of cadence, what neighbours have in common, how much faster the runs after are."""

    scatter_spm: float
    neighbours: float
    faster_m_s: float


SCENES = (Scene(2, 0, 0), Scene(2, 0, 0.3), Scene(2, 0.3, 0), Scene(4, 0, 0.3))


@dataclass(frozen=True)
class Found:
    """What came out over all series of a scene."""

    median_percent: float
    within_one: float
    covered: float


def found(scene: Scene, *, series: int, seed: int) -> Found:
    """Make the series and look at each with the product's own function."""
    rng = np.random.default_rng(seed)
    changes, covered = np.empty(series), 0
    for number in range(series):
        scatter = rng.normal(0, scene.scatter_spm, RUNS)
        for later in range(1, RUNS):
            scatter[later] = scene.neighbours * scatter[later - 1] + np.sqrt(1 - scene.neighbours**2) * scatter[later]
        cued = np.arange(RUNS) >= RUNS // 2
        speed = rng.normal(2.7, 0.2, RUNS) + scene.faster_m_s * cued
        cadence = (140 + 8 * speed) * np.where(cued, 1 + PLANTED_PERCENT / 100, 1) + scatter
        runs = [
            {
                "run_date": MONDAY + timedelta(days=2 * run),
                "running_speed_m_s": speed[run],
                "running_cadence_spm": cadence[run],
                "running_time_s": 1800,
                "grade_abs_mean": 0.01,
            }
            for run in range(RUNS)
        ]
        shown = cadence_change(runs_frame(runs), since=MONDAY + timedelta(days=RUNS))
        if shown.change_percent is None or shown.low_percent is None or shown.high_percent is None:
            raise RuntimeError("30 runs are enough")
        changes[number] = shown.change_percent
        covered += shown.low_percent <= PLANTED_PERCENT <= shown.high_percent
    return Found(float(np.median(changes)), float(np.mean(np.abs(changes - PLANTED_PERCENT) <= 1)), covered / series)


def main() -> None:
    """Try every scene and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cadence_change", description=__doc__)
    parser.add_argument("--series", type=int, default=SERIES)
    options = parser.parse_args()
    holds = True
    for scene in SCENES:
        share = found(scene, series=options.series, seed=SEED)
        holds &= COVERED_MIN <= share.covered <= COVERED_MAX
        print(
            f"+5 % in {RUNS} runs, scatter {scene.scatter_spm:g} steps/min, neighbours {scene.neighbours:g}, {scene.faster_m_s:g} m/s faster after: found as "
            f"{share.median_percent:+.2f} % (middle of {options.series} series), within 1 in {100 * share.within_one:.1f} %, interval holds it in {100 * share.covered:.1f} %"
        )
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
