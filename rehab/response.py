"""How the hip answered each run: over the next day (the 24-hour response), that evening, on the second morning, and whether it flared."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from models import PainMoment, Side
from rehab.days import Days, Floats, day_numbers, floats
from rehab.pain import daily_worst, scores_of
from rehab.rules import Limit, Rule, Source, Strength

# Settled up to and including +1 (one step of the scale is noise), unsettled from +2 on. Between the two, which only a
# reference of half a point can give, the rule says nothing: unknown.
SETTLED_MAX, UNSETTLED_MIN = 1.0, 2.0
REFERENCE_DAYS = 7
FLARE_DURING_MIN = 7  # on the limit it is a flare

SETTLED, UNSETTLED, SLOW, UNKNOWN = "settled", "unsettled", "slow", "unknown"
RUN_DAY_MORNING, BEFORE_RUN, WEEK_BEFORE, NO_REFERENCE = "morning of the run day", "before the run", "median of the 7 mornings before", ""
FLARE, NO_FLARE, FLARE_NOT_KNOWN = "flare", "no flare", "not known"

# A trial in the Achilles tendon: for the hip it is expert opinion.
_SILBERNAGEL = Source(
    "Silbernagel 2007, Am J Sports Med 35:897, doi 10.1177/0363546506298279",
    "Trial of 38 people with Achilles tendinopathy: running and jumping on under pain rules was no different from 6 weeks without (VISA-A-S 57 to 85 and 57 to 91).",
    Strength.CONSENSUS,
)
RULES = (
    Rule(
        name="twenty_four_hour_response",
        title="Response over 24 hours",
        says=(
            "Next-morning pain less the reference from before the run: the run day's own morning, else the score before the run, else the median of the "
            "seven mornings before. Settled up to +1, unsettled from +2 on, slow if still so on the second morning. A missing score is "
            "unknown, never settled."
        ),
        strength=Strength.CONSENSUS,
        limits=(
            Limit("settled", SETTLED_MAX, "points", "≤ 1; on the limit is settled"),
            Limit("unsettled", UNSETTLED_MIN, "points", "≥ 2; on the limit is unsettled"),
            Limit("slow", UNSETTLED_MIN, "points", "≥ 2 on both mornings, with no run on the day between"),
        ),
        sources=(_SILBERNAGEL,),
        criticism=(
            "Tested in the Achilles tendon, not in the hip, and not for bone stress injury. The tolerance of one point is a choice of this project. "
            "Scores drift back to the middle by themselves, and the answers to runs close together overlap."
        ),
        may_say="Whether the hip had settled by the next morning, within the agreed range.",
        may_not_say="That nothing was harmed; that a run without an answer was fine.",
    ),
    Rule(
        name="latency",
        title="When pain answers a run",
        says=(
            "The next morning is the answer that counts. The same evening and the second morning stand beside it; the second only if there was no run on the "
            "day between. The one that looks best is never picked."
        ),
        strength=Strength.CLINIC,
        sources=(
            Source(
                "Magnusson 2010, Nat Rev Rheumatol, doi 10.1038/nrrheum.2010.43",
                "Collagen synthesis of tendon peaks about 24 hours after loading and stays raised for about 3 days.",
                Strength.LABORATORY,
            ),
        ),
        criticism="No study was found that measures the lag from a run to pain at the side of the hip.",
        may_say="What was told that evening and on both mornings.",
        may_not_say="That this runner's hip answers after so many days.",
    ),
    Rule(
        name="flare",
        title="Flare",
        says="Pain during the run of 7 or more, or slow to settle, or limping told on the day of the run or the next.",
        strength=Strength.CONSENSUS,
        limits=(Limit("pain during the run", FLARE_DURING_MIN, "of 10", "≥ 7; on the limit is a flare"),),
        criticism="The cut-off is a convention. What was not asked is not known to be absent.",
        may_say="That a run was followed by a flare, and by which sign of it.",
        may_not_say="That there was none when no one answered.",
    ),
)


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
    run_ids = runs["run_id"].to_numpy(dtype=np.int64)
    reference, reference_name = _references(runs, scores, side)
    first, second = _morning_answers(runs, scores, side)
    r24, second = first - reference, second - reference
    return pd.DataFrame(
        {"r24": r24, "r24_reference": reference_name, "response": _responses(r24, second)},
        index=pd.Index(run_ids, name="run_id"),
    )


def response_latencies(runs: pd.DataFrame, scores: pd.DataFrame, *, side: Side) -> pd.DataFrame:
    """
    Put what was told on the evening of each run and on the two mornings after beside each other, against the same reference.

    The next morning is the answer that counts (`r24`, as `run_responses` gives it); the other two stand beside it and are never picked
    instead. The second morning says something only when there was no run on the day between; being a morning, it comes before a run of its own day.
    The evening is a score of another moment than the mornings: it is compared with a run's own reference, and its series is not mixed with theirs.
    One that names a run but was felt on a later day is not of that evening.

    Parameters
    ----------
    runs, scores, side
        As for `run_responses`. Of several evening scores of one day the run's own count, else those that name no run; the worst of them.

    Returns
    -------
    DataFrame
        Indexed by `run_id` in the order of `runs`, points against the reference, NaN where a score is missing or does not count:
        `same_evening`, `r24`, `second_morning` (float).

    References
    ----------
    Magnusson SP et al. (2010), doi 10.1038/nrrheum.2010.43, on collagen synthesis. The lag to pain at the hip has not been measured.
    """
    reference, _ = _references(runs, scores, side)
    first, second = _morning_answers(runs, scores, side)
    evenings = scores_of(scores, PainMoment.AFTER, side)
    of_run_day = day_numbers(evenings["for_date"]) == day_numbers(evenings["counted_date"])
    evening = _worst_of_run(evenings[of_run_day], runs)
    return pd.DataFrame(
        {"same_evening": evening - reference, "r24": first - reference, "second_morning": second - reference},
        index=pd.Index(runs["run_id"].to_numpy(dtype=np.int64), name="run_id"),
    )


def run_flares(runs: pd.DataFrame, scores: pd.DataFrame, *, side: Side, limping_days: pd.Series | None = None) -> pd.DataFrame:
    """
    Tell which runs were followed by a flare, and what is not known about the others.

    A flare is pain of 7 or more during the run, a slow response, or limping told on the day of the run or the day after. What was not asked is
    not known: such a run is not a flare, but it is not told to be free of one either. Days without a word about limping are taken as that, not
    as a "no": they do not make a run unknown.

    Parameters
    ----------
    runs, scores, side
        As for `run_responses`. Of several scores during the runs of one day the run's own count, else those that name no run; the worst
        of them.
    limping_days : Series or None
        datetime64 days on which the runner said that they limped on the episode's side, in any order.

    Returns
    -------
    DataFrame
        Indexed by `run_id` in the order of `runs`: `flare` (flare, "no flare", "not known") and `flare_because` (str: the signs of a flare,
        or what is missing; "" for "no flare").

    Examples
    --------
    >>> day = pd.Timestamp("2025-03-04")
    >>> runs = pd.DataFrame({"run_id": [7], "run_date": [day]})
    >>> scores = pd.DataFrame({"moment": ["during"], "side": ["left"], "nprs": [7], "run_id": [7], "for_date": [day]})
    >>> run_flares(runs, scores, side=Side.LEFT).to_dict("records")
    [{'flare': 'flare', 'flare_because': 'pain of 7 during the run'}]
    """
    run_days = day_numbers(runs["run_date"])
    reference, _ = _references(runs, scores, side)
    first, second = _morning_answers(runs, scores, side)
    r24, second = first - reference, second - reference
    during = _worst_of_run(scores_of(scores, PainMoment.DURING, side), runs)
    limped = np.empty(0, np.int64) if limping_days is None else day_numbers(limping_days)
    limping = np.isin(run_days, limped) | np.isin(run_days + 1, limped)
    slow = _responses(r24, second) == SLOW
    # a first morning that is not unsettled cannot turn out slow; an unsettled one can, as long as the second is not known
    slow_not_known = np.isnan(r24) | ((r24 >= UNSETTLED_MIN) & np.isnan(second))

    told, because = [], []
    for nprs, is_slow, limps, unclear in zip(during.tolist(), slow.tolist(), limping.tolist(), slow_not_known.tolist(), strict=True):
        signs = [f"pain of {nprs:g} during the run"] if nprs >= FLARE_DURING_MIN else []
        signs += ["slow to settle"] if is_slow else []
        signs += ["limping"] if limps else []
        missing = ["no score during the run"] if np.isnan(nprs) else []
        missing += ["settling by the second morning not known"] if unclear else []
        told.append(FLARE if signs else FLARE_NOT_KNOWN if missing else NO_FLARE)
        because.append("; ".join(signs or missing))
    return pd.DataFrame(
        {"flare": np.array(told, dtype=object), "flare_because": np.array(because, dtype=object)},
        index=pd.Index(runs["run_id"].to_numpy(dtype=np.int64), name="run_id"),
    )


def _references(runs: pd.DataFrame, scores: pd.DataFrame, side: Side) -> tuple[Floats, npt.NDArray[np.object_]]:
    """Reference of each run, NaN without one, and where it comes from."""
    run_days = day_numbers(runs["run_date"])
    mornings = daily_worst(scores_of(scores, PainMoment.NEXT_MORNING, side))
    own_morning = _score_on(mornings, run_days)
    before = _score_before(scores_of(scores, PainMoment.BEFORE, side), runs["run_id"].to_numpy(dtype=np.int64), run_days)
    week = _median_of_week_before(mornings, run_days)
    choices = [~np.isnan(own_morning), ~np.isnan(before), ~np.isnan(week)]
    names = np.select(choices, [RUN_DAY_MORNING, BEFORE_RUN, WEEK_BEFORE], NO_REFERENCE)
    return np.select(choices, [own_morning, before, week], np.nan), names.astype(object)


def _morning_answers(runs: pd.DataFrame, scores: pd.DataFrame, side: Side) -> tuple[Floats, Floats]:
    """Score of the next morning, and of the second one where no run came between."""
    run_days = day_numbers(runs["run_date"])
    mornings = daily_worst(scores_of(scores, PainMoment.NEXT_MORNING, side))
    second = _score_on(mornings, run_days + 2)
    second[np.isin(run_days + 1, run_days)] = np.nan
    return _score_on(mornings, run_days + 1), second


def _responses(r24: Floats, second: Floats) -> npt.NDArray[np.object_]:
    unsettled = r24 >= UNSETTLED_MIN
    named = np.select([unsettled & (second >= UNSETTLED_MIN), unsettled, r24 <= SETTLED_MAX], [SLOW, UNSETTLED, SETTLED], UNKNOWN)
    return named.astype(object)


def _worst_of_run(scores: pd.DataFrame, runs: pd.DataFrame) -> Floats:
    """Worst score of each run: of those that name it, else of its day's scores that name no run."""
    days, nprs, linked = day_numbers(scores["for_date"]), floats(scores["nprs"]), floats(scores["run_id"])
    by_run: dict[int, float] = {}
    by_day: dict[int, float] = {}
    for row in np.argsort(nprs, kind="stable").tolist():  # of several under one key the last, so the worst, stays
        if np.isnan(linked[row]):
            by_day[int(days[row])] = nprs[row]
        else:
            by_run[int(linked[row])] = nprs[row]
    run_days, run_ids = day_numbers(runs["run_date"]).tolist(), runs["run_id"].to_numpy(dtype=np.int64).tolist()
    return np.array([by_run.get(run, by_day.get(day, np.nan)) for run, day in zip(run_ids, run_days, strict=True)], dtype=np.float64)


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
