"""The maintained weeks computed afresh in plain Python: base rows in, weeks out, nothing shared with the product."""

import math
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from models import PainMoment
from tests.clinic_scene import Scene


def first_day_of_week(day: date, week_start: int) -> date:
    while day.weekday() != week_start:
        day -= timedelta(days=1)
    return day


def weeks_afresh(scene: Scene) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Compute run weeks and pain weeks from runs and scores."""
    week_start = scene.rows("clinic")[0]["week_start"]
    runs_of: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    runs_on: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for run in scene.rows("run"):
        if run["retired_at_utc"] is None:
            runs_of[run["patient_id"], first_day_of_week(run["run_date"], week_start)].append(run)
            runs_on[run["patient_id"], run["run_date"]].append(run)
    run_weeks = {}
    for key, runs in runs_of.items():
        with_cadence = [run for run in runs if run["running_cadence_spm"] is not None and run["running_time_s"] is not None]
        run_weeks[key] = (
            len(runs),
            sum(run["distance_m"] for run in runs),
            max(run["distance_m"] for run in runs),
            sum(run["moving_time_s"] for run in runs),
            len(with_cadence),
            sum(run["running_time_s"] for run in with_cadence),
            sum(math.floor(run["running_cadence_spm"] * run["running_time_s"] / 60.0 + 0.5) for run in with_cadence),
            max(run["run_date"] for run in runs),
        )
    counts: dict[Any, list[int]] = defaultdict(lambda: [0] * 11)
    newest: dict[Any, date] = {}
    for score in scene.rows("pain_score"):
        if score["retired_at_utc"] is not None:
            continue
        stands_on = score["for_date"]
        yesterday = stands_on - timedelta(days=1)
        if score["moment"] == PainMoment.NEXT_MORNING and runs_on[score["patient_id"], yesterday]:
            stands_on = yesterday
        key = (score["patient_id"], first_day_of_week(stands_on, week_start), score["moment"], score["side"])
        counts[key][score["nprs"]] += 1
        newest[key] = max(newest.get(key, score["for_date"]), score["for_date"])
    return run_weeks, {key: (tuple(values), newest[key]) for key, values in counts.items()}


def weeks_kept(scene: Scene) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Read the maintained weeks in the same shape."""
    epoch = date(1970, 1, 1)
    runs = {
        (row["patient_id"], epoch + timedelta(days=row["week"])): tuple(
            row[name]
            for name in (
                "runs",
                "distance_m",
                "longest_run_m",
                "moving_time_s",
                "runs_with_cadence",
                "running_time_s",
                "running_steps",
                "last_run_date",
            )
        )
        for row in scene.rows("patient_week")
    }
    pain = {
        (row["patient_id"], epoch + timedelta(days=row["week"]), row["moment"], row["side"]): (
            tuple(row[f"n{score}"] for score in range(11)),
            row["last_for_date"],
        )
        for row in scene.rows("pain_week")
    }
    return runs, pain
