"""Are longer runs followed by sorer mornings? One runner's own runs, pre-set, with drift removed; and how much may be said of it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import pandas as pd

from models import DistanceUnit, PainMoment, Side, day_number
from rehab.days import Days, Floats, day_numbers
from rehab.pain import daily_worst, scores_of
from rehab.rank_correlation import CLAIM_MAX_P, RankCorrelation, holm_adjusted, rank_correlation, residuals
from rehab.rules import Limit, Rule, Source, Strength
from rehab.scored_run_days import WINDOW_WEEKS, ScoredRunDays, scored_run_days, value_on
from rehab.units import distance_in, distance_text, signed_text
from rehab.wording import (
    CHARTS_ONLY,
    EXPLORATORY,
    FULL_LACKING,
    HARDLY_VARIED,
    LESS_AFTER_LONGER,
    MORE_AFTER_LONGER,
    NOT_CLEAR,
    ONLY_DRIFTED,
    PATIENT_MORE_AFTER_LONGER,
    SAME_RESPONSE,
)

# The least that may be said something of: on the limit is enough.
DIRECTION_MIN_WEEKS, DIRECTION_MIN_RUNS = 8, 10
FULL_MIN_WEEKS, FULL_MIN_RUNS, FULL_MIN_LEVELS = 16, 20, 3
# Below this share of the mean an exposure hardly varied; on the limit it varied.
VARIED_MIN_SHARE = 0.10
# The same beside drift: a distance that only rises steadily says nothing that time does not say too.
VARIED_BESIDE_DRIFT_MIN_SHARE = 0.05

RULE = Rule(
    name="run_response_association",
    title="Run distance and the next morning",
    says=(
        "Correlates, by ranks, the distance of each run day with the change to the next morning. That pair was chosen beforehand; "
        "all else is exploratory and adjusted for how many were looked at. Change over time, pain before the run and the distance of "
        "the run day before are taken out first. A direction is told only if the 95 % interval leaves out 0, which happens in about 5 "
        "of 100 runners without any link."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit("weeks with a scored run, for direction words", DIRECTION_MIN_WEEKS, "weeks", ">= 8; below it charts only"),
        Limit("scored run days, for direction words", DIRECTION_MIN_RUNS, "runs", ">= 10; below it charts only"),
        Limit("weeks with a scored run, for the full reading", FULL_MIN_WEEKS, "weeks", ">= 16"),
        Limit("scored run days, for the full reading", FULL_MIN_RUNS, "runs", ">= 20"),
        Limit("distances, to a whole mile or kilometre, for the full reading", FULL_MIN_LEVELS, "levels", ">= 3"),
        Limit("standard deviation of distance against its mean", VARIED_MIN_SHARE, "", "< 0.10 cannot tell; on the limit it varied"),
        Limit("the same beside drift", VARIED_BESIDE_DRIFT_MIN_SHARE, "", "< 0.05 cannot tell; on the limit it varied"),
        Limit("p of the block permutation", CLAIM_MAX_P, "", "<= 0.05 tells a direction"),
        Limit("window", WINDOW_WEEKS, "weeks", "the last 26 weeks, with that of the day"),
    ),
    sources=(
        Source("Lin 2016, 10.1111/bmsp.12071", "Serial correlation breaks the usual tests of one person's series.", Strength.LABORATORY),
        Source(
            "Tang & Landes 2020, 10.1371/journal.pone.0228077",
            "Serial correlation breaks the usual tests of one person's series.",
            Strength.LABORATORY,
        ),
    ),
    criticism=(
        "Observational: runs are chosen partly because of pain, and weather, sleep or work may move both. The limits and the lag are a "
        "choice; no study was found that measures the lag from a run to lateral hip pain."
    ),
    may_say="Sorer mornings often followed longer runs; it may not be the only reason.",
    may_not_say="That distance brings the pain on, that more miles help, or what the next run will do. No p and no interval to the patient.",
)


class Level(StrEnum):
    """How much may be said."""

    CHARTS_ONLY = "charts only"
    CANNOT_TELL = "cannot tell"
    DIRECTION = "direction"
    FULL = "full"


class Exposure(StrEnum):
    """What of a run is held against the pain after it."""

    DISTANCE = "run distance"
    SESSION_RATIO = "session ratio"
    CADENCE_DEVIATION = "cadence deviation"


LAG_WORDS = {0: "the same evening", 1: "the next morning", 2: "the second morning"}


@dataclass(frozen=True)
class Exploratory:
    """
    A link that was not pre-set, for the therapist alone.

    Attributes
    ----------
    exposure : Exposure
    lag_days : int
        0 the same evening, 1 the next morning, 2 the second morning.
    tau, low, high : float
        Kendall's tau-b and its 95 % interval, not adjusted.
    p : float
        Adjusted (Holm) over all that were looked at, the pre-set one included.
    n_runs : int
    sentence : str
    """

    exposure: Exposure
    lag_days: int
    tau: float
    low: float
    high: float
    p: float
    n_runs: int
    sentence: str


@dataclass(frozen=True)
class Association:
    """
    Run distance against the change to the next morning.

    Attributes
    ----------
    level : Level
    tau, low, high : float or None
        Kendall's tau-b and its 95 % interval, from "direction" on.
    p : float or None
        For the therapist alone, and only at "full".
    direction : int
        1 sorer after longer runs, −1 easier, 0 not clear or nothing said.
    n_runs, n_weeks : int
        Run days with a known R24, and the weeks they lie in.
    therapist : str
        Always a sentence; it says what is lacking.
    patient : str or None
        None where nothing may be said.
    exploratory : tuple of Exploratory
        Only at "full".
    """

    level: Level
    tau: float | None
    low: float | None
    high: float | None
    p: float | None
    direction: int
    n_runs: int
    n_weeks: int
    therapist: str
    patient: str | None
    exploratory: tuple[Exploratory, ...] = ()


def run_association(
    runs: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    side: Side,
    as_of: date,
    week_start: int,
    distance_unit: DistanceUnit,
    second_exposure: tuple[Exposure, pd.Series] | None = None,
) -> Association:
    """
    Tell whether sorer mornings follow longer runs, as far as this runner's own runs can tell.

    Runs of one day share one next morning: they are one run day, their distances added. Before ranks are compared, four things are taken
    out of both distance and R24: the mean, a straight line in time, the pain before the run (the reference of R24: a low one comes back up by
    itself, and long runs are run on easy days), and the distance of the run day before (distances follow one another, and so does pain). The
    pain of the whole week before beside it changed nothing in simulated series; without the distance before, up to 7 of 100
    without any link were told a direction. How often it is now: benchmarks/association.py.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order. The last 26 calendar weeks up to `as_of` count.
    scores : DataFrame
        PAIN_COLUMNS, in any order, of any side and moment.
    side : Side
        The episode's side.
    as_of : date
        Last day that is known.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday. Weeks are the blocks of the test.
    distance_unit : DistanceUnit
        For words, and for the levels of distance: whole miles or kilometres.
    second_exposure : tuple or None
        A second exposure for the exploratory part and its value by `run_id` (NaN or absent: not known): the session ratio or the cadence
        deviation. Of several runs on one day the highest counts.

    Returns
    -------
    Association
        At every level with a sentence for the therapist.

    References
    ----------
    Kendall MG (1945), Biometrika 33:239. Limits and lag are a choice of this project; see `RULE`.
    """
    second = None if second_exposure is None else second_exposure[1]
    days = scored_run_days(runs, scores, side=side, as_of=as_of, week_start=week_start, second=second)
    n_runs, n_weeks = days.day.size, np.unique(days.week).size
    counted = f"{n_runs} scored {_plural('run', n_runs)} in {n_weeks} {_plural('week', n_weeks)}"

    def nothing_told(level: Level, sentence: str) -> Association:
        return Association(level, None, None, None, None, 0, n_runs, n_weeks, sentence, None)

    if n_weeks < DIRECTION_MIN_WEEKS or n_runs < DIRECTION_MIN_RUNS:
        needed = {"runs_needed": str(DIRECTION_MIN_RUNS), "weeks_needed": str(DIRECTION_MIN_WEEKS)}
        return nothing_told(Level.CHARTS_ONLY, CHARTS_ONLY.filled(counted=counted, **needed))
    mean, spread = float(days.distance_m.mean()), float(days.distance_m.std(ddof=1))
    if spread < VARIED_MIN_SHARE * mean or mean == 0:
        told = (distance_text(metres, distance_unit, places=1) for metres in (mean, spread))
        return nothing_told(Level.CANNOT_TELL, HARDLY_VARIED.filled(counted=counted, mean=next(told), spread=next(told)))
    next_morning = days.pain_before + days.r24
    if np.ptp(days.r24) == 0 or np.ptp(next_morning) == 0:
        same = f"change, {signed_text(float(days.r24[0]))}" if np.ptp(days.r24) == 0 else f"next morning, {next_morning[0]:g} of 10"
        return nothing_told(Level.CANNOT_TELL, SAME_RESPONSE.filled(counted=counted, same=same))
    link = _link(days.distance_m, days.distance_before_m, days.r24, days)
    if link is None:
        return nothing_told(Level.CANNOT_TELL, ONLY_DRIFTED.filled(counted=counted))

    levels = np.unique(np.floor(distance_in(1.0, distance_unit) * days.distance_m + 0.5)).size
    full = n_weeks >= FULL_MIN_WEEKS and n_runs >= FULL_MIN_RUNS and levels >= FULL_MIN_LEVELS
    lacking = "" if full else " " + _lacking(counted, levels)
    explored: tuple[Exploratory, ...] = ()
    if full:
        felt, run_days = scores[day_numbers(scores["for_date"]) <= day_number(as_of)], day_numbers(runs["run_date"])
        explored = _exploratory(days, link, felt, side, run_days=run_days, second=second_exposure)
    template = {1: MORE_AFTER_LONGER, -1: LESS_AFTER_LONGER, 0: NOT_CLEAR}[link.sign]
    sentence = template.filled(
        **_figures(link), counted=counted, test=f" p = {link.p:.3f}, block permutation." if full else "", lacking=lacking
    )
    return Association(
        level=Level.FULL if full else Level.DIRECTION,
        tau=link.tau,
        low=link.low,
        high=link.high,
        p=link.p if full else None,
        direction=link.sign,
        n_runs=n_runs,
        n_weeks=n_weeks,
        therapist=sentence,
        patient=PATIENT_MORE_AFTER_LONGER.filled() if link.sign > 0 else None,
        exploratory=explored,
    )


def _link(exposure: Floats, exposure_before: Floats, outcome: Floats, days: ScoredRunDays) -> RankCorrelation | None:
    """Correlate on the run days where all is known; None if the exposure hardly varies beside the drift."""
    known = ~np.isnan(exposure) & ~np.isnan(outcome)
    x = exposure[known]
    before = exposure_before[known]
    before = np.where(np.isnan(before), x.mean(), before)  # the first run has none before it: a value that says nothing
    covariates = np.column_stack([days.day[known], days.pain_before[known], before]).astype(np.float64)
    left = residuals(x, covariates)
    free = max(1, x.size - covariates.shape[1] - 1)
    if np.sqrt(np.sum(left**2) / free) < VARIED_BESIDE_DRIFT_MIN_SHARE * abs(x.mean()):
        return None
    return rank_correlation(x, outcome[known], covariates, days.week[known])


def _exploratory(
    days: ScoredRunDays,
    primary: RankCorrelation,
    felt: pd.DataFrame,
    side: Side,
    *,
    run_days: Days,
    second: tuple[Exposure, pd.Series] | None,
) -> tuple[Exploratory, ...]:
    """Look at the other lags, and at the second exposure, on the same run days; each where it has the runs and weeks of a full reading."""
    evenings, mornings = (daily_worst(scores_of(felt, moment, side)) for moment in (PainMoment.AFTER, PainMoment.NEXT_MORNING))
    # The second morning counts only if the next run has not come.
    second_morning = np.where(np.isin(days.day + 1, run_days), np.nan, value_on(mornings, days.day + 2))
    outcomes = {0: value_on(evenings, days.day) - days.pain_before, 1: days.r24, 2: second_morning - days.pain_before}
    exposures = {Exposure.DISTANCE: (days.distance_m, days.distance_before_m)}
    if second is not None:
        exposures[second[0]] = (days.second, days.second_before)
    found: list[tuple[Exposure, int, int, RankCorrelation]] = []
    for exposure, (values, before) in exposures.items():
        for lag, outcome in outcomes.items():
            known = ~np.isnan(values) & ~np.isnan(outcome)
            enough = known.sum() >= FULL_MIN_RUNS and np.unique(days.week[known]).size >= FULL_MIN_WEEKS
            if (exposure, lag) == (Exposure.DISTANCE, 1) or not enough:
                continue
            link = _link(values, before, outcome, days)
            if link is not None:
                found.append((exposure, lag, int(known.sum()), link))
    adjusted = holm_adjusted([primary.p, *(link.p for *_, link in found)])[1:]
    return tuple(
        Exploratory(
            exposure,
            lag,
            link.tau,
            link.low,
            link.high,
            p,
            runs,
            EXPLORATORY.filled(
                **_figures(link),
                exposure=exposure.value,
                outcome=LAG_WORDS[lag],
                runs=str(runs),
                p=f"{p:.3f}",
                family=str(len(found) + 1),
            ),
        )
        for (exposure, lag, runs, link), p in zip(found, adjusted, strict=True)
    )


def _figures(link: RankCorrelation) -> dict[str, str]:
    return {name: signed_text(value, 2) for name, value in (("tau", link.tau), ("low", link.low), ("high", link.high))}


def _lacking(counted: str, levels: int) -> str:
    return FULL_LACKING.filled(
        runs_needed=str(FULL_MIN_RUNS),
        weeks_needed=str(FULL_MIN_WEEKS),
        levels_needed=str(FULL_MIN_LEVELS),
        counted=counted,
        levels=str(levels),
    )


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
