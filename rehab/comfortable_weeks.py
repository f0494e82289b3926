"""Weeks in which the hip was comfortable throughout, as far as enough was answered to tell."""

from datetime import date

import numpy as np
import pandas as pd

from models import PAIN_COMFORTABLE_MAX, PainMoment, Side, day_number
from rehab.days import Days, Floats, day_numbers, floats, timestamps, week_numbers
from rehab.pain import scores_of
from rehab.response import SLOW, UNSETTLED, UNSETTLED_MIN
from rehab.rules import Limit, Rule, Strength

WEEK_MIN_MORNINGS = 3  # on the limit a week is counted
FLARE_DURING_MIN = 7  # pain during a run from which on it is a flare

OK, NOT_OK, NOT_COUNTED = "ok", "not ok", "not counted"

RULE = Rule(
    name="comfortable_week",
    title="Comfortable week",
    says=(
        "A week with at least 3 next-morning scores, all within the patient's comfortable limit, in which no run was followed by 2 points "
        "more (unsettled or slow) and there was no flare (pain during a run of 7 or more, a slow response, or limping). With fewer scores "
        "it is not counted, neither way. A next-morning score belongs to the week of its run."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit("mornings scored in the week", WEEK_MIN_MORNINGS, "mornings", ">= 3; below it the week is not counted"),
        Limit("next-morning pain", PAIN_COMFORTABLE_MAX, "of 10", "<= 3 unless set otherwise for the patient"),
        Limit("R24", UNSETTLED_MIN, "points", ">= 2 is not comfortable"),
        Limit("pain during a run", FLARE_DURING_MIN, "of 10", ">= 7 is a flare"),
    ),
    criticism="A week with few scores may have been a bad one: what is not counted is told beside what is.",
    may_say="So many of the counted weeks were comfortable.",
    may_not_say="That a comfortable week shows the tendon to be well, or that an uncounted one was comfortable.",
)


def comfortable_weeks(
    runs: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    side: Side,
    week_start: int,
    as_of: date,
    comfortable_max: int,
    limping_days: pd.Series | None = None,
) -> pd.DataFrame:
    """
    Judge each whole week that has a run or a score: comfortable, not comfortable, or not counted.

    Parameters
    ----------
    runs : DataFrame
        `run_date`, `distance_m` and `response` (of `run_responses`), in any order.
    scores : DataFrame
        PAIN_COLUMNS, in any order, of any side and moment. Several scores of one morning are one morning, the worst counts.
    side : Side
        The episode's side.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    as_of : date
        What is later is not known; the week of this day counts only if it is its last day.
    comfortable_max : int
        The patient's limit of comfortable pain, 0-10: on it is comfortable.
    limping_days : Series or None
        datetime64 days on which the runner said that they limped, of the episode's side.

    Returns
    -------
    DataFrame
        One row a week with a run or a score, ascending: `week_start` (datetime64), `runs` (int), `distance_m` (float), `mornings` (int, mornings
        scored), `verdict` ("ok", "not ok", "not counted").
    """
    last = day_number(as_of)
    run_days = day_numbers(runs["run_date"])
    felt = scores[day_numbers(scores["for_date"]) <= last]
    mornings, during = (scores_of(felt, moment, side) for moment in (PainMoment.NEXT_MORNING, PainMoment.DURING))
    morning_week, during_week = (week_numbers(day_numbers(rows["counted_date"]), week_start) for rows in (mornings, during))
    run_week = week_numbers(run_days, week_start)
    limping_week = week_numbers(np.empty(0, np.int64) if limping_days is None else day_numbers(limping_days), week_start)

    whole = last - 6  # the latest first day of a week that is over
    known = run_days <= last
    weeks = np.unique(np.concatenate([run_week[known], morning_week, during_week]))
    weeks = weeks[weeks <= whole]
    pairs = np.unique(np.stack([morning_week, day_numbers(mornings["for_date"])], axis=1), axis=0)
    scored = _count(pairs[:, 0], weeks)
    response = runs["response"].to_numpy(dtype=object)
    bad = (
        _count(morning_week[floats(mornings["nprs"]) > comfortable_max], weeks)
        + _count(run_week[known & np.isin(response, (UNSETTLED, SLOW))], weeks)
        + _count(during_week[floats(during["nprs"]) >= FLARE_DURING_MIN], weeks)
        + _count(limping_week, weeks)
    )
    verdict = np.select([scored < WEEK_MIN_MORNINGS, bad > 0], [NOT_COUNTED, NOT_OK], OK)
    return pd.DataFrame(
        {
            "week_start": timestamps(weeks),
            "runs": _count(run_week[known], weeks),
            "distance_m": _count(run_week[known], weeks, floats(runs["distance_m"])[known]),
            "mornings": scored,
            "verdict": verdict.astype(object),
        }
    ).astype({"runs": "int64", "mornings": "int64"})


def _count(rows: Days, weeks: Days, weights: Floats | None = None) -> Floats:
    """Count rows, or add up weights, for each of the weeks."""
    if not weeks.size:
        return np.empty(0)
    at = np.searchsorted(weeks, rows)
    inside = at < weeks.size
    inside[inside] = weeks[at[inside]] == rows[inside]
    return np.bincount(at[inside], weights=None if weights is None else weights[inside], minlength=weeks.size).astype(np.float64)
