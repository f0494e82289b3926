"""
Episodes summarised: one of three years, and the rows of a thousand in one go.

    python -m benchmarks.summaries

The floor of one is the same rows put in order and grouped by week once with plain pandas; that of the thousand is the same for each of them.
"""

import argparse
from datetime import date, timedelta

import numpy as np
import pandas as pd

from benchmarks.figures import HEADINGS, PAIRS, Figure, cpu_pairs, milliseconds
from models import (
    PAIN_COLUMNS,
    PLAN_COLUMNS,
    RUN_COLUMNS,
    SCREEN_COLUMNS,
    CadenceRule,
    DistanceRule,
    DistanceUnit,
    PainMoment,
    ScreenItem,
    Side,
)
from rehab.caseload import caseload_rows, summary_row
from rehab.days import Coverage
from rehab.episode import EpisodeFacts, EpisodeSummary, PainZones, summarise_episode

SEED = 20250304
LAST_DAY = date(2026, 6, 28)  # a Sunday
WEEKS, EPISODES = 156, 1000
ONE_GOAL_MS, MANY_GOAL_S = 25.0, 3.0
RUN_WEEKDAYS = (0, 2, 4, 6)
MORNING_SHARE, DURING_SHARE = 0.85, 0.75  # of days, of runs
EVENING_SHARE = 0.6  # of runs
RISING = (0.0, 0.0, 0.0, -0.6, 0.6)  # points a week over the last eight weeks, by turns: some trends need the resampling


def facts_of_years(number: int, *, weeks: int = WEEKS, last_day: date = LAST_DAY) -> EpisodeFacts:
    """
    Make one synthetic episode: four runs a week, about twelve scores, the same each time for the same number.

    Parameters
    ----------
    number : int
        Of the patient.
    weeks : int
        How long it has lasted.
    last_day : date
        Of logging.
    """
    rng = np.random.default_rng([SEED, number])
    days = np.datetime64(last_day, "s") - np.arange(7 * weeks - 1, -1, -1).astype("timedelta64[D]")
    at = np.flatnonzero(np.isin(np.arange(days.size) % 7, RUN_WEEKDAYS))
    runs = _runs(days[at], rng)
    rise = RISING[number % len(RISING)] * np.maximum(0, np.arange(days.size) / 7 - (weeks - 8))
    felt = np.clip(np.round(2.5 + rise + rng.normal(0, 0.9, days.size)), 0, 10).astype(np.int64)
    first = last_day - timedelta(days=7 * weeks - 1)
    asked = pd.Timestamp(last_day - timedelta(days=10))
    return EpisodeFacts(
        side=Side.LEFT,
        started_on=first,
        ended_on=None,
        distance_unit=DistanceUnit.MILE,
        week_start=0,
        zones=PainZones(3, 5),
        coverage=Coverage(first, last_day),
        runs=runs,
        scores=_scores(days, felt, at, rng),
        plans=_plans(first, weeks),
        marks=(),
        screen=pd.DataFrame(
            {"answer_id": range(len(ScreenItem)), "item": [item.value for item in ScreenItem], "answer": "no", "asked_on": asked, "closed_on": pd.NaT}
        ).astype({"closed_on": "datetime64[us]"})[list(SCREEN_COLUMNS)],
    )  # fmt: skip


def grouped_by_week(facts: EpisodeFacts) -> int:
    """Do what cannot be avoided: sort the rows by day, and total runs and scores by week once. Gives how many groups there are."""
    runs, scores = facts.runs.sort_values("started_at_utc"), facts.scores.sort_values("for_date")
    weeks = runs.groupby((runs["run_date"] - pd.Timestamp(facts.started_on)).dt.days // 7)["distance_m"].sum()
    pain = scores.groupby([(scores["for_date"] - pd.Timestamp(facts.started_on)).dt.days // 7, "moment", "side"])["nprs"].median()
    return len(weeks) + len(pain)


def summary_figures(*, weeks: int = WEEKS, episodes: int = EPISODES, pairs: int = PAIRS) -> list[Figure]:
    """
    Measure one summary with its decision, and the rows of many, each beside the floor.

    Raises
    ------
    RuntimeError
        If the rows are not those of the summaries.
    """
    one = facts_of_years(4, weeks=weeks)  # of those whose pain rises: the dearest kind
    many = [facts_of_years(number, weeks=weeks) for number in range(min(episodes, 50))]
    many = (many * -(-episodes // len(many)))[:episodes]  # the frames may be the same: nothing is kept between them
    some = many[:5]
    if caseload_rows(some, as_of=LAST_DAY) != tuple(summary_row(summarise_episode(facts, as_of=LAST_DAY)) for facts in some):
        raise RuntimeError("The caseload's rows are not those of the summaries.")

    def summarised() -> EpisodeSummary:
        summary = summarise_episode(one, as_of=LAST_DAY)
        _ = summary.decision
        return summary

    alone = cpu_pairs(summarised, lambda: grouped_by_week(one), pairs=pairs, times=3)
    turns = max(1, pairs // 5)
    together = cpu_pairs(lambda: caseload_rows(many, as_of=LAST_DAY), lambda: [grouped_by_week(facts) for facts in many], pairs=turns)
    kept = {True: "kept", False: "MISSED"}
    size = f"{len(one.runs):,} runs and {len(one.scores):,} scores"
    return [
        Figure(
            f"CPU: summary and decision of {size} / the rows grouped once",
            alone.ratio,
            None,
            1.0,
            f"{milliseconds(alone.subject_s)} / {milliseconds(alone.floor_s)} (goal < {ONE_GOAL_MS:.0f} ms)  {kept[1e3 * alone.subject_s < ONE_GOAL_MS]}",
        ),
        Figure(
            f"CPU: caseload rows of {episodes:,} such episodes / the rows grouped once",
            together.ratio,
            None,
            1.0,
            f"{together.subject_s:.2f} s / {together.floor_s:.2f} s (goal < {MANY_GOAL_S:.0f} s)  {kept[together.subject_s < MANY_GOAL_S]}",
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.summaries", description="Episodes summarised, beside the floor.")
    parser.add_argument("--episodes", type=int, default=EPISODES, help=f"how many rows in one go, default {EPISODES:,}")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"turns of each measurement, default {PAIRS}")
    options = parser.parse_args()
    print(HEADINGS)
    for figure in summary_figures(episodes=options.episodes, pairs=options.pairs):
        print(figure.line)


def _runs(days: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    count = days.size
    distance, speed = rng.integers(4000, 9000, count), rng.uniform(2.4, 3.2, count)
    moving = np.round(distance / speed).astype(np.int64)
    cadence = np.where(rng.random(count) < 0.9, np.round(150 + 8 * speed + rng.normal(0, 2, count), 1), np.nan)
    unknown = np.full(count, np.nan)
    return pd.DataFrame(
        {
            "run_id": np.arange(1, count + 1),
            "run_date": days,
            "started_at_utc": pd.to_datetime(days + np.timedelta64(43_200, "s"), utc=True),
            "utc_offset_s": 0,
            "surface": "road",
            "distance_m": distance,
            "distance_rule": DistanceRule.DEVICE_TOTAL.value,
            "moving_time_s": moving,
            "elapsed_time_s": moving + 120,
            "cadence_spm": cadence,
            "running_cadence_spm": cadence,
            "device_cadence_spm": cadence,
            "cadence_rule": CadenceRule.FIT_STRIDES_DOUBLED.value,
            "running_time_s": moving.astype(np.float64),
            "running_speed_m_s": speed,
            "grade_abs_mean": 0.01,
            "ground_contact_time_ms": unknown,
            "session_rpe": unknown,
            "device": "Forerunner 265",
        }
    )[list(RUN_COLUMNS)]


def _scores(days: np.ndarray, felt: np.ndarray, runs_at: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    mornings = np.flatnonzero(rng.random(days.size) < MORNING_SHARE)
    place = np.full(days.size, np.nan)
    place[runs_at] = np.arange(1, runs_at.size + 1)
    yesterday = np.concatenate([[np.nan], place[:-1]])[mornings]  # the run that a morning follows
    parts = [(PainMoment.NEXT_MORNING, mornings, yesterday, np.where(np.isnan(yesterday), mornings, mornings - 1))]
    for moment, share in ((PainMoment.DURING, DURING_SHARE), (PainMoment.AFTER, EVENING_SHARE)):
        at = runs_at[rng.random(runs_at.size) < share]
        parts.append((moment, at, place[at], at))
    at, run_id, counted = (np.concatenate([part[field] for part in parts]) for field in (1, 2, 3))
    return pd.DataFrame(
        {
            "score_id": np.arange(1, at.size + 1),
            "moment": np.repeat([moment.value for moment, *_ in parts], [part[1].size for part in parts]),
            "side": Side.LEFT.value,
            "nprs": felt[at],
            "for_date": days[at],
            "run_id": run_id,
            "counted_date": days[counted],
            "recalled": False,
        }
    )[list(PAIN_COLUMNS)]


def _plans(first: date, weeks: int) -> pd.DataFrame:
    every = range(0, weeks, 12)
    frame = pd.DataFrame(
        {
            "version": range(1, len(every) + 1),
            "valid_from": pd.to_datetime([first + timedelta(days=7 * week) for week in every]),
            "weekly_distance_m": 26_000.0,
            "run_ceiling_m": 8500.0,
            "strength_sessions_per_week": 2.0,
        }
    )
    return frame.reindex(columns=list(PLAN_COLUMNS))


if __name__ == "__main__":
    main()
