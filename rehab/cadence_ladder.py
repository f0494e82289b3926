"""Where a cadence target starts, and when the next small step is offered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models import day_number
from rehab.cadence import EqualSpeedCadence, usable_runs
from rehab.days import Floats, day_numbers, floats
from rehab.rules import Limit, Rule, Source, Strength
from rehab.units import cadence_text, round_half_up

BASELINE_DAYS, BASELINE_MIN_RUNS = 14, 3
EASY_FASTER_MAX_M_S = 0.3  # up to this much above the usual easy speed a run is easy; on the limit it is
STEP_FACTORS = (1.05, 1.075, 1.10)
NO_MORE_FROM_SPM = 185.0  # on the limit no step is offered
ON_TARGET_SPM = 3.0  # on the limit it is on target
ADVANCE_MIN_SHARE = 0.70  # on the limit is enough
ADVANCE_MAX_RPE_RISE = 1.0  # on the limit is still fine
STEP_DAYS = 14

RULE = Rule(
    name="cadence_ladder",
    title="Steps of a cadence target",
    says=(
        "The start is the middle cadence of easy, level runs of the last 14 days at equal speed. Targets are 5 %, then 7.5 %, then at most 10 % above it, two weeks "
        "or more each. The next step is offered when most running minutes were on target, effort did not rise, and the hip answered well. "
        "Not in a week in which the distance rises."
    ),
    strength=Strength.CONSENSUS,
    limits=(
        Limit("easy level runs of 10 minutes or more in 14 days", BASELINE_MIN_RUNS, "runs", "≥ 3; fewer: no start yet"),
        Limit("first, second and last step", 1.10, "× the start", "1.05, 1.075, 1.10; never above 1.10"),
        Limit("share of running minutes on target", ADVANCE_MIN_SHARE, "", "≥ 0.70 advances"),
        Limit("on target", ON_TARGET_SPM, "steps/min", "within ± 3, on the limit counts"),
        Limit("rise of session RPE", ADVANCE_MAX_RPE_RISE, "points", "> 1 holds"),
        Limit("start from which no step is offered", NO_MORE_FROM_SPM, "steps/min", "≥ 185"),
    ),
    sources=(
        Source(
            "Heiderscheit BC et al. (2011), Med Sci Sports Exerc 10.1249/MSS.0b013e3181ebedf4",
            "45 runners on a treadmill: at +5 % the knee absorbs less; hip energy absorption, peak hip adduction and its moment fall only at +10 %.",
            Strength.LABORATORY,
        ),
        Source(
            "Musgjerd T et al. (2021), Int J Sports Phys Ther 10.26603/001c.25166",
            "15 runners outdoors: a cue of +10 % gave +7.3 %, and 5.6 % less peak force.",
            Strength.LABORATORY,
        ),
        Source(
            "Esculier JF et al. (2018), Br J Sports Med 10.1136/bjsports-2016-096988",
            "69 runners with knee pain: education about load did as well as education with gait retraining.",
            Strength.TRIAL,
        ),
    ),
    criticism=(
        "No trial of cadence for gluteal tendinopathy was found. More steps have a price for calf, Achilles tendon and hip flexors. 180 is not a target."
    ),
    may_say="Shorter, quicker steps usually lower the load on the hip with each step.",
    may_not_say="That a higher cadence heals, protects, or lowers the load of a whole mile.",
)


@dataclass(frozen=True)
class CadenceBaseline:
    """Where a ladder starts: steps per minute at the usual easy speed, from how many runs; None if there are too few."""

    cadence_spm: float | None
    runs_used: int
    sentence: str


@dataclass(frozen=True)
class CadenceStep:
    """One step of the ladder: its number, its factor, and the whole steps per minute aimed at."""

    number: int
    factor: float
    target_spm: int

    @property
    def low_spm(self) -> float:
        """Lower end of what counts as on target."""
        return self.target_spm - ON_TARGET_SPM

    @property
    def high_spm(self) -> float:
        """Upper end of what counts as on target."""
        return self.target_spm + ON_TARGET_SPM


@dataclass(frozen=True)
class StepAdvice:
    """
    Whether a next step may be offered.

    Attributes
    ----------
    offered : CadenceStep or None
        The step; None if none is offered.
    holding : tuple of str
        Why not, each a plain sentence; also what is not known.
    sentence : str
        For the therapist.
    """

    offered: CadenceStep | None
    holding: tuple[str, ...]
    sentence: str


def cadence_baseline(runs: pd.DataFrame, equal_speed: EqualSpeedCadence, *, as_of: date) -> CadenceBaseline:
    """
    Give the cadence that a ladder starts from.

    The median cadence at equal speed of the easy, level runs of 10 minutes or more of the last 14 days. Easy: at most 0.3 m/s above the usual
    easy speed (a choice of this project).

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order.
    equal_speed : EqualSpeedCadence
        Of the same runs.
    as_of : date
        Last of the 14 days; of a ladder that has begun, the day before its first cue.

    Returns
    -------
    CadenceBaseline
        None with fewer than 3 runs.
    """
    age = day_number(as_of) - day_numbers(runs["run_date"])
    reference = equal_speed.reference_speed_m_s
    easy = np.zeros(len(runs), dtype=bool) if reference is None else floats(runs["running_speed_m_s"]) <= reference + EASY_FASTER_MAX_M_S
    used = usable_runs(runs) & easy & (age >= 0) & (age < BASELINE_DAYS)
    count = int(used.sum())
    if count < BASELINE_MIN_RUNS:
        sentence = f"No cadence to start from yet: {count} easy level {'run' if count == 1 else 'runs'} in {BASELINE_DAYS} days; it takes {BASELINE_MIN_RUNS}."
        return CadenceBaseline(None, count, sentence)
    cadence = float(np.median(equal_speed.adjusted.reindex(runs["run_id"]).to_numpy()[used]))
    return CadenceBaseline(cadence, count, f"{cadence_text(cadence)} at the usual easy speed, from {count} easy level runs.")


def ladder(baseline_spm: float) -> tuple[CadenceStep, ...]:
    """
    Give the steps of a ladder; a target is rounded half up and never above 10 %.

    Examples
    --------
    >>> [step.target_spm for step in ladder(163)]  # 171.15, 175.225, and 179.3 at most
    [171, 175, 179]
    """
    cap = int(np.floor(round(baseline_spm * STEP_FACTORS[-1], 6)))
    targets = (min(round_half_up(round(baseline_spm * factor, 6)), cap) for factor in STEP_FACTORS)
    return tuple(CadenceStep(number, STEP_FACTORS[number - 1], target) for number, target in enumerate(targets, start=1))


def share_on_target(cadence_spm: Floats, *, target_spm: float) -> float | None:
    """
    Share of running minutes within 3 steps of the target.

    Parameters
    ----------
    cadence_spm : ndarray of float64
        One value a running minute; NaN where it was not measured, which does not count.
    target_spm : float
        Steps per minute.

    Returns
    -------
    float or None
        0 to 1; None without a measured minute.

    Examples
    --------
    >>> share_on_target(np.array([168.0, 171, 174, 174.5, np.nan]), target_spm=171)
    0.75
    """
    measured = cadence_spm[~np.isnan(cadence_spm)]
    if not measured.size:
        return None
    return float(np.mean(np.abs(measured - target_spm) <= ON_TARGET_SPM))


def next_step(
    baseline: CadenceBaseline,
    *,
    current: int,
    days_on_step: int | None,
    share: float | None,
    rpe_rise: float | None,
    pain_is_green: bool | None,
    new_pain: bool | None,
    volume_rises: bool,
    elsewhere: Sequence[str] = (),
) -> StepAdvice:
    """
    Tell whether the next step of a cadence target may be offered.

    What is not known holds: a step is offered only on what was seen. The rise of session RPE is the exception, as many runners give none: then it is said.

    Parameters
    ----------
    baseline : CadenceBaseline
        Where the ladder starts.
    current : int
        Number of the step being run, 0 for none yet.
    days_on_step : int or None
        Days since it began; None before the first.
    share : float or None
        Of running minutes on target (`share_on_target`); needed from the first step on.
    rpe_rise : float or None
        Median session RPE on this step less before it.
    pain_is_green, new_pain : bool or None
        Whether the pain rules are all green; whether calf, foot or hip flexor hurt newly.
    volume_rises : bool
        Whether next week's distance goes up: never both at once.
    elsewhere : sequence of str
        Further reasons to hold, as plain sentences.

    Returns
    -------
    StepAdvice
    """
    holding = list(elsewhere)
    if baseline.cadence_spm is None:
        holding.append(baseline.sentence)
        return StepAdvice(None, tuple(holding), "No cadence step is offered. " + " ".join(holding))
    steps = ladder(baseline.cadence_spm)
    if baseline.cadence_spm >= NO_MORE_FROM_SPM:
        holding.append(f"The runner already takes {cadence_text(baseline.cadence_spm)}.")
    if current >= len(steps):
        holding.append("The last step, 10 % above the start, is reached.")
    if volume_rises:
        holding.append("The distance rises this week: one change at a time.")
    if pain_is_green is not True:
        holding.append(
            "The pain rules are not all green." if pain_is_green is False else "It is not known how the hip answered the last runs."
        )
    if new_pain is not False:
        holding.append(
            "There is new pain in calf, foot or hip flexor: go back one step."
            if new_pain
            else "Ask for new pain in calf, foot or hip flexor."
        )
    if current > 0:
        if days_on_step is None or days_on_step < STEP_DAYS:
            holding.append(f"A step takes {STEP_DAYS} days or more.")
        if share is None:
            holding.append("No running minutes with cadence on this step yet.")
        elif round_half_up(100 * share) < round_half_up(100 * ADVANCE_MIN_SHARE):  # compared as shown
            holding.append(f"{round_half_up(100 * share)} % of running minutes were on target; it takes 70 %.")
        if rpe_rise is not None and rpe_rise > ADVANCE_MAX_RPE_RISE:
            holding.append(f"Runs feel harder by {rpe_rise:g} points.")
    if holding:
        return StepAdvice(None, tuple(holding), "No cadence step is offered. " + " ".join(holding))
    step = steps[current]
    unknown = " Session RPE is not known." if current > 0 and rpe_rise is None else ""
    percent = f"{100 * (step.factor - 1):.1f}".removesuffix(".0")
    sentence = f"Step {step.number}: {step.target_spm} steps/min at easy pace, {percent} % above this runner's own {cadence_text(baseline.cadence_spm)}.{unknown}"
    return StepAdvice(step, (), sentence)
