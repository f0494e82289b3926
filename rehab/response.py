"""How the hip answered each run over the next day: the 24-hour response."""

import numpy as np
import pandas as pd

from models import PainMoment, Side
from rehab.days import Days, Floats, day_numbers, floats
from rehab.pain import daily_worst, scores_of

# Settled up to and including +1 (one step of the scale is noise), unsettled from +2 on. Between the two, which only a
# reference of half a point can give, the rule says nothing: unknown.
SETTLED_MAX, UNSETTLED_MIN = 1.0, 2.0
REFERENCE_DAYS = 7

SETTLED, UNSETTLED, SLOW, UNKNOWN = "settled", "unsettled", "slow", "unknown"
RUN_DAY_MORNING, BEFORE_RUN, WEEK_BEFORE, NO_REFERENCE = "morning of the run day", "before the run", "median of the 7 mornings before", ""


def run_responses(runs: pd.DataFrame, scores: pd.DataFrame, *, side: Side) -> pd.DataFrame:
    """
    Rate each run by the pain of the next morning against a reference from before it.

    `r24` is the score of the morning after less the reference: the score of the run day's own morning; else the one just before
    the run; else the median of the seven mornings before. A missing score makes the response unknown, never settled.

    A run is slow if it is unsettled and still 2 or more above the reference on the second morning; that morning counts only when
    there was no run on the day between (a morning score comes before that day's own run).

    Parameters
    ----------
    runs : DataFrame
        `run_id` and `run_date`, in any order.
    scores : DataFrame
        PAIN_COLUMNS, in any order, of any side and moment. Mornings go by `for_date`; several on one morning count as the worst. Of
        several scores before runs of one day the run's own counts, else the lowest.
    side : Side
        The episode's side: scores of no other enter.

    Returns
    -------
    DataFrame
        Indexed by `run_id` in the order of `runs`: `r24` (float, NaN if unknown), `r24_reference` (str, "" without one), `response`
        (settled, unsettled, slow, unknown).

    References
    ----------
    Rule (b) of the pain-monitoring model: Silbernagel KG et al. (2007), Am J Sports Med 35:897. The tolerance of one step is a choice of this project.

    Examples
    --------
    >>> day = pd.Timestamp("2025-03-04")
    >>> runs = pd.DataFrame({"run_id": [7], "run_date": [day]})
    >>> scores = pd.DataFrame({"moment": ["next_morning"] * 2, "side": ["left"] * 2, "nprs": [2, 4], "run_id": [None, 7],
    ...                        "for_date": [day, day + pd.Timedelta(days=1)]})
    >>> run_responses(runs, scores, side=Side.LEFT).to_dict("records")
    [{'r24': 2.0, 'r24_reference': 'morning of the run day', 'response': 'unsettled'}]
    """
    run_days = day_numbers(runs["run_date"])
    run_ids = runs["run_id"].to_numpy(dtype=np.int64)
    mornings = daily_worst(scores_of(scores, PainMoment.NEXT_MORNING, side))

    own_morning = _score_on(mornings, run_days)
    before = _score_before(scores_of(scores, PainMoment.BEFORE, side), run_ids, run_days)
    week = _median_of_week_before(mornings, run_days)
    choices = [~np.isnan(own_morning), ~np.isnan(before), ~np.isnan(week)]
    reference = np.select(choices, [own_morning, before, week], np.nan)
    reference_name = np.select(choices, [RUN_DAY_MORNING, BEFORE_RUN, WEEK_BEFORE], NO_REFERENCE)

    r24 = _score_on(mornings, run_days + 1) - reference
    second = _score_on(mornings, run_days + 2) - reference
    second[np.isin(run_days + 1, run_days)] = np.nan
    unsettled = r24 >= UNSETTLED_MIN
    response = np.select([unsettled & (second >= UNSETTLED_MIN), unsettled, r24 <= SETTLED_MAX], [SLOW, UNSETTLED, SETTLED], UNKNOWN)
    return pd.DataFrame(
        {"r24": r24, "r24_reference": reference_name.astype(object), "response": response.astype(object)},
        index=pd.Index(run_ids, name="run_id"),
    )


def _score_on(series: tuple[Days, Floats], wanted: Days) -> Floats:
    days, nprs = series
    if not days.size:
        return np.full(wanted.size, np.nan)
    at = np.minimum(np.searchsorted(days, wanted), days.size - 1)
    return np.where(days[at] == wanted, nprs[at], np.nan)


def _score_before(scores: pd.DataFrame, run_ids: Days, run_days: Days) -> Floats:
    days, nprs, linked = day_numbers(scores["for_date"]), floats(scores["nprs"]), floats(scores["run_id"])
    highest_first = np.argsort(-nprs, kind="stable")  # of several entries under one key the last, so the lowest, stays
    by_run = {int(linked[row]): nprs[row] for row in highest_first if not np.isnan(linked[row])}
    by_day = {int(days[row]): nprs[row] for row in highest_first}
    return np.array(
        [by_run.get(run, by_day.get(day, np.nan)) for run, day in zip(run_ids.tolist(), run_days.tolist(), strict=True)], dtype=np.float64
    )


def _median_of_week_before(series: tuple[Days, Floats], run_days: Days) -> Floats:
    week = np.stack([_score_on(series, run_days - back) for back in range(1, REFERENCE_DAYS + 1)], axis=1)
    week.sort(axis=1)  # NaN goes last
    given = np.count_nonzero(~np.isnan(week), axis=1)
    row = np.arange(run_days.size)
    median = (week[row, np.maximum(given - 1, 0) // 2] + week[row, given // 2 * (given > 0)]) / 2
    return np.where(given > 0, median, np.nan)
