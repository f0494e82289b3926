"""How the hip answered each run: over the next day (the 24-hour response), that evening, on the second morning, and whether it flared."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from models import PainMoment, Side
from rehab.days import Columns, Days, Floats, day_numbers, floats
from rehab.rules import Limit, Rule, Source, Strength

# Settled up to and including +1 (one step of the scale is noise), unsettled from +2 on. Between the two, which only a
# reference of half a point can give, the rule says nothing: unknown.
SETTLED_MAX, UNSETTLED_MIN = 1.0, 2.0
REFERENCE_DAYS = 7
FLARE_DURING_MIN = 7  # on the limit it is a flare
_NO_SCORE = -1.0  # only within this file: NaN is equal to nothing

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
        title="Flare after a run",
        says="Pain during the run of 7 or more, or slow to settle, or limping told on the day of the run or the next.",
        strength=Strength.CONSENSUS,
        limits=(Limit("pain during the run", FLARE_DURING_MIN, "of 10", "≥ 7; on the limit is a flare"),),
        criticism="The cut-off is a convention. What was not asked is not known to be absent.",
        may_say="That a run was followed by a flare, and by which sign of it.",
        may_not_say="That there was none when no one answered.",
    ),
)


def run_responses(runs: pd.DataFrame, scores: pd.DataFrame, *, side: Side, settled_max: float = SETTLED_MAX) -> pd.DataFrame:
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
    settled_max : float
        Points above the reference that are still settled: 1, or the patient's own limit. One point more is unsettled.

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
    return run_answers(runs, scores, side=side, settled_max=settled_max)[["r24", "r24_reference", "response"]]


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
    return run_answers(runs, scores, side=side)[["same_evening", "r24", "second_morning"]]


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
    return run_answers(runs, scores, side=side, limping_days=limping_days)[["flare", "flare_because"]]


def run_answers(
    runs: pd.DataFrame, scores: pd.DataFrame, *, side: Side, limping_days: pd.Series | None = None, settled_max: float = SETTLED_MAX
) -> pd.DataFrame:
    """
    Give the columns of `run_responses`, `response_latencies` and `run_flares`, which tell what they mean, in one go.

    Returns
    -------
    DataFrame
        Indexed by `run_id` in the order of `runs`: `r24`, `r24_reference`, `response`, `same_evening`, `second_morning`, `flare`,
        `flare_because`.
    """
    run_days, run_ids = day_numbers(runs["run_date"]), runs["run_id"].to_numpy(dtype=np.int64)
    before, during, after, mornings = _told(scores, side)
    rated = _rated(run_ids, run_days, before, mornings, settled_max)
    r24, second, unsettled, slow = rated.r24, rated.second, rated.unsettled, rated.slow

    worst_during = during.of_runs(run_ids, run_days, worst=True)
    limped = np.empty(0, np.int64) if limping_days is None else day_numbers(limping_days)
    limping = np.isin(run_days, limped) | np.isin(run_days + 1, limped)
    # a first morning that is not unsettled cannot turn out slow; an unsettled one can, as long as the second is not known
    slow_not_known = np.isnan(r24) | (unsettled & np.isnan(second))
    # few different kinds of runs: put each into words once
    kind = ((np.nan_to_num(worst_during, nan=_NO_SCORE).astype(np.int64) * 2 + slow) * 2 + limping) * 2 + slow_not_known
    _, row, of_kind = np.unique(kind, return_index=True, return_inverse=True)
    told = [_flare(worst_during[at], bool(slow[at]), bool(limping[at]), bool(slow_not_known[at])) for at in row.tolist()]
    flare, because = np.array(told, dtype=object).reshape(-1, 2)[of_kind].T
    return pd.DataFrame(
        {
            "r24": r24,
            "r24_reference": np.select(rated.choices, [RUN_DAY_MORNING, BEFORE_RUN, WEEK_BEFORE], NO_REFERENCE).astype(object),
            "response": rated.response,
            "same_evening": after.of_runs(run_ids, run_days, worst=True, on_their_day=True) - rated.reference,
            "second_morning": second,
            "flare": flare,
            "flare_because": because,
        },
        index=pd.Index(run_ids, name="run_id"),
    )


def responses_alone(runs: Columns, scores: Columns, *, side: Side, settled_max: float = SETTLED_MAX) -> npt.NDArray[np.object_]:
    """
    Give the column `response` of `run_responses` and nothing else, for who looks at many patients.

    Returns
    -------
    ndarray of str
        settled, unsettled, slow or unknown, in the order of `runs`.
    """
    before, _, _, mornings = _told(scores, side)
    run_ids = runs["run_id"].to_numpy(dtype=np.int64)
    return _rated(run_ids, day_numbers(runs["run_date"]), before, mornings, settled_max).response


@dataclass(frozen=True)
class _Rated:
    """Runs against their reference; `choices` says which of the three kinds of reference are known."""

    choices: list[npt.NDArray[np.bool_]]
    reference: Floats
    r24: Floats
    second: Floats
    unsettled: npt.NDArray[np.bool_]
    slow: npt.NDArray[np.bool_]
    response: npt.NDArray[np.object_]


def _rated(run_ids: Days, run_days: Days, before: "_Told", mornings: "_Told", settled_max: float) -> _Rated:
    by_day = mornings.by_day()
    own_morning, before_run = _score_on(by_day, run_days), before.of_runs(run_ids, run_days, worst=False)
    week = _median_of_week_before(by_day, run_days)
    choices = [~np.isnan(own_morning), ~np.isnan(before_run), ~np.isnan(week)]
    reference = np.select(choices, [own_morning, before_run, week], np.nan)

    r24 = _score_on(by_day, run_days + 1) - reference
    second = _score_on(by_day, run_days + 2) - reference
    second[np.isin(run_days + 1, run_days)] = np.nan
    unsettled_min = settled_max + (UNSETTLED_MIN - SETTLED_MAX)
    unsettled = r24 >= unsettled_min
    slow = unsettled & (second >= unsettled_min)
    response = np.select([slow, unsettled, r24 <= settled_max], [SLOW, UNSETTLED, SETTLED], UNKNOWN)
    return _Rated(choices, reference, r24, second, unsettled, slow, response.astype(object))


@dataclass(frozen=True)
class _Told:
    """Scores of one moment and one side, mildest first."""

    days: Days
    nprs: Floats
    linked: Floats  # the run it names, NaN if none

    def by_day(self) -> tuple[Days, Floats]:
        """Days, ascending, and the worst score of each."""
        return _last_of_each(self.days, self.nprs)

    def of_runs(self, run_ids: Days, run_days: Days, *, worst: bool, on_their_day: bool = False) -> Floats:
        """
        Score of each run: of those that name it, else of its day, the worst or the mildest.

        Of the day's scores the worst is looked for among those that name no run: pain in one run is not pain in the other. The mildest is a
        reference, and any score of the day may be one. `on_their_day` leaves out what names a run but was felt on another day.
        """
        names_one = ~np.isnan(self.linked)
        naming, of_day = names_one, ~names_one if worst else np.ones(self.days.size, dtype=bool)
        if on_their_day:
            order = np.argsort(run_ids)
            naming = names_one & (_score_on((run_ids[order], run_days[order].astype(np.float64)), self.linked) == self.days)
        last = slice(None) if worst else slice(None, None, -1)  # of several under one key the last one stays
        own = _score_on(_last_of_each(self.linked[naming][last].astype(np.int64), self.nprs[naming][last]), run_ids)
        return np.where(np.isnan(own), _score_on(_last_of_each(self.days[of_day][last], self.nprs[of_day][last]), run_days), own)


def _told(scores: Columns, side: Side) -> tuple[_Told, _Told, _Told, _Told]:
    """Scores before and during the run, on its evening, and in the mornings."""
    of_side = np.flatnonzero(scores["side"].to_numpy(dtype=object) == side.value)
    nprs = floats(scores["nprs"])
    order = of_side[np.argsort(nprs[of_side], kind="stable")]
    moment, nprs = scores["moment"].to_numpy(dtype=object)[order], nprs[order]
    days, linked = day_numbers(scores["for_date"])[order], floats(scores["run_id"])[order]
    moments = (PainMoment.BEFORE, PainMoment.DURING, PainMoment.AFTER, PainMoment.NEXT_MORNING)
    before, during, after, mornings = (_Told(days[at], nprs[at], linked[at]) for at in (moment == each.value for each in moments))
    return before, during, after, mornings


def _last_of_each(keys: Days, values: Floats) -> tuple[Days, Floats]:
    """Keys, ascending, and the last value that each has."""
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    last = np.ones(keys.size, dtype=bool)
    last[:-1] = keys[1:] != keys[:-1]
    return keys[last], values[last]


def _flare(during: float, slow: bool, limping: bool, slow_not_known: bool) -> tuple[str, str]:
    signs = [f"pain of {during:g} during the run"] if during >= FLARE_DURING_MIN else []
    signs += ["slow to settle"] if slow else []
    signs += ["limping"] if limping else []
    if signs:
        return FLARE, "; ".join(signs)
    missing = ["no score during the run"] if np.isnan(during) else []
    missing += ["settling by the second morning not known"] if slow_not_known else []
    return FLARE_NOT_KNOWN if missing else NO_FLARE, "; ".join(missing)


def _score_on(series: tuple[Days, Floats], wanted: Days | Floats) -> Floats:
    days, nprs = series
    if not days.size:
        return np.full(wanted.size, np.nan)
    at = np.minimum(np.searchsorted(days, wanted), days.size - 1)
    return np.where(days[at] == wanted, nprs[at], np.nan)


def _median_of_week_before(series: tuple[Days, Floats], run_days: Days) -> Floats:
    week = np.stack([_score_on(series, run_days - back) for back in range(1, REFERENCE_DAYS + 1)], axis=1)
    week.sort(axis=1)  # NaN goes last
    given = np.count_nonzero(~np.isnan(week), axis=1)
    row = np.arange(run_days.size)
    median = (week[row, np.maximum(given - 1, 0) // 2] + week[row, given // 2 * (given > 0)]) / 2
    return np.where(given > 0, median, np.nan)
