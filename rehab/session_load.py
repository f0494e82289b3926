"""What the runs of a week asked of the runner: effort as told (session RPE × minutes) and steps."""

from datetime import date

import numpy as np
import pandas as pd

from models import day_number
from rehab.days import Coverage, Floats, day_numbers, floats, timestamps, week_numbers
from rehab.rules import Rule, Source, Strength
from rehab.weekly import weekly_distance, weekly_runs

WEEKLY_LOAD_COLUMNS = (
    "runs",  # float, NaN if the week is not logged
    "session_load_au",  # float, NaN if not logged or no run told its effort
    "runs_with_session_load",  # int
    "running_steps",  # float, NaN if not logged or no run has a cadence
    "runs_with_cadence",  # int
)

RULES = (
    Rule(
        name="session_load",
        title="Effort × minutes",
        says=(
            "How hard a whole run felt, from 0 to 10, times its minutes, in an arbitrary unit. A run without the answer has no load and is not counted as 0."
        ),
        strength=Strength.LABORATORY,
        sources=(
            Source(
                "Foster 2001, doi 10.1519/00124278-200102000-00019",
                "Session RPE × minutes follows measures by heart rate within one person.",
                Strength.LABORATORY,
            ),
            Source(
                "J Athl Train 2020, 55:1285",
                "Session RPE with duration gives a more individual week-to-week picture in runners.",
                Strength.LABORATORY,
            ),
            Source("Wallace 2014, doi 10.1519/JSC.0000000000000416", "Varies by 28 % from test to test.", Strength.LABORATORY),
        ),
        criticism="It varies by 28 % from test to test. Nothing is known about pain in rehabilitation.",
        may_say="That a week felt harder than another of the same runner.",
        may_not_say="Anything between runners; that a load is too high.",
    ),
    Rule(
        name="weekly_steps",
        title="Steps of a week",
        says="Running cadence × running minutes, summed over the runs of a week that have both. How many have not is said beside it.",
        strength=Strength.CLINIC,
        criticism=(
            "Whether fewer, longer steps or more, shorter ones ask less of the hip depends on a weighting that nobody knows for the gluteal tendon."
        ),
        may_say="How many steps a week took, and what the same distance takes at another cadence.",
        may_not_say="A load on the hip: steps × load per step is the same at any cadence at one speed, and no score is made of it.",
    ),
)


def session_load_au(runs: pd.DataFrame) -> Floats:
    """
    Multiply how hard each run felt by its minutes.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS. Minutes are those of `moving_time_s`.

    Returns
    -------
    ndarray of float64
        Arbitrary units, one a run; NaN where effort or time was not told.

    References
    ----------
    Foster C et al. (2001), doi 10.1519/00124278-200102000-00019.

    Examples
    --------
    >>> session_load_au(pd.DataFrame({"session_rpe": [5.0, None], "moving_time_s": [2700, 2700]})).tolist()
    [225.0, nan]
    """
    minutes = floats(runs["moving_time_s"]) / 60
    return floats(runs["session_rpe"]) * np.where(minutes > 0, minutes, np.nan)


def weekly_load(runs: pd.DataFrame, *, week_start: int, as_of: date, coverage: Coverage | None) -> pd.DataFrame:
    """
    Total effort and steps of each calendar week, and say how many of its runs they come from.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order; those after `as_of` are ignored.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    as_of : date
        The last week is that of this day, as it stands.
    coverage : Coverage or None
        First and last day of logging: a week outside it is NaN, one inside it without a run 0.

    Returns
    -------
    DataFrame
        WEEKLY_LOAD_COLUMNS, indexed by `week_start` (datetime64). A sum of fewer runs than `runs` is a part, not the whole: say so
        where it is shown.
    """
    known = runs[day_numbers(runs["run_date"]) <= day_number(as_of)]
    weeks = weekly_distance(known, week_start=week_start, as_of=as_of, coverage=coverage)
    logged = ~np.isnan(floats(weeks))
    place = {int(week): row for row, week in enumerate(day_numbers(weeks.index.to_series()))}
    rows = weekly_runs(known, week_start=week_start)
    at = np.array([place[week] for week in rows["week"].tolist()], dtype=np.int64)

    def placed(column: str) -> Floats:
        values = np.zeros(len(weeks))
        values[at] = floats(rows[column])
        return values

    load = session_load_au(known)
    told = ~np.isnan(load)
    of_week = np.array([place[week] for week in week_numbers(day_numbers(known["run_date"]), week_start).tolist()], dtype=np.int64)
    with_load = np.bincount(of_week[told], minlength=len(weeks))
    total = np.bincount(of_week[told], weights=load[told], minlength=len(weeks))
    count, with_cadence = placed("runs"), placed("runs_with_cadence")
    columns = [
        np.where(logged, count, np.nan),
        np.where(logged & ((with_load > 0) | (count == 0)), total, np.nan),
        with_load.astype(np.int64),
        np.where(logged & ((with_cadence > 0) | (count == 0)), placed("running_steps"), np.nan),
        with_cadence.astype(np.int64),
    ]
    return pd.DataFrame(
        dict(zip(WEEKLY_LOAD_COLUMNS, columns, strict=True)), index=timestamps(day_numbers(weeks.index.to_series())).rename("week_start")
    )
