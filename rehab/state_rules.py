"""The clinical rules behind the decision table, with their limits and sources."""

from dataclasses import dataclass

from rehab.blocks import SPIKE_MEAN_FROM_M, SPIKE_MORE_M, SPIKE_RATIO
from rehab.decision_inputs import LIMPING_DAYS, SCORED_RUNS, STRENGTH_DAYS, WIDE_UP_TO_RUNS, WIDE_WINDOW_DAYS, WINDOW_DAYS
from rehab.limits import Limits
from rehab.red_flags import RULE as SCREEN_RULE
from rehab.red_flags import VALID_DAYS
from rehab.rules import Limit, Rule, Strength
from rehab.sources import (
    HIP_AT_TEN_PERCENT,
    ISOMETRIC,
    LOAD_EDUCATION,
    PAIN_MONITORING,
    RUN_WALK,
    SINGLE_SESSION,
    TEN_PERCENT,
    TENDON_ADVICE,
)
from rehab.units import METRES_PER_MILE

FLARE_DURING_MIN = 7
GAP_DAYS = 10
NO_LOG_DAYS = 7
MORNINGS_NEEDED = 2
UNSETTLED_RUNS_MIN = 2
GREEN_DAYS = 7
STRENGTH_KEPT_PERCENT = 70
REVIEW_WEEKS = 8


@dataclass(frozen=True)
class Share:
    """
    A band as shares of a known distance (`of`), with the cap for one run as a share of a longest run (`cap_of`).

    Below `small_below_m` the band is that distance plus `small_plus_m` instead.
    """

    of: str
    low: float
    high: float
    cap: float
    cap_of: str = "longest"
    small_below_m: float = 0.0
    small_plus_m: tuple[float, float] = (0.0, 0.0)


FLARE_BAND = Share("low", 0.70, 0.80, 0.70)
GAP_BAND = Share("before_gap", 0.50, 0.70, 0.50, "before_gap")
UNSETTLED_BAND = Share("low", 0.80, 0.90, 0.80)
SPIKE_BAND = Share("base", 0.95, 1.05, 1.00, "before_spike")
HOLD_BAND = Share("base", 0.95, 1.05, 1.00)
GREEN_BAND = Share("base", 1.05, 1.10, 1.10, "longest", 10 * METRES_PER_MILE, (0.5 * METRES_PER_MILE, METRES_PER_MILE))
NO_DATA_CAP = 1.00

_BASIS = {"low": "of Low", "base": "of Base", "before_gap": "of B3 before the gap"}
_LONGEST = {
    "longest": "of the longest run",
    "before_spike": "of the longest run before the spike",
    "before_gap": "of the longest run before the gap",
}


def _limits_of(share: Share) -> tuple[Limit, ...]:
    high = "rounded down; never more than was run" if share.of == "low" else "rounded down"
    return (
        Limit("band from", share.low, _BASIS[share.of], "rounded up"),
        Limit("band to", share.high, _BASIS[share.of], high),
        Limit("cap", share.cap, _LONGEST[share.cap_of], "rounded down; never over the patient's own step"),
    )


_DEFAULT = Limits()
_NOT_TESTED = "The percentages are a clinic rule: nobody has tested them in runners with hip pain."
_NOT_SAFE = "that this much is safe, or that less or more would change the pain"

RED_FLAG_RULE = Rule(
    name="s0_red_flag",
    title="S0 Red flag",
    says=(
        "With an item of the screen open or unanswered, or a diagnosis of the class bone, no band, no cap, no cue, no strength line and no "
        "what-if is shown, to nobody. The confirmed plan stays visible with “being checked”."
    ),
    strength=Strength.CONSENSUS,
    limits=(Limit("age of an answer", VALID_DAYS, "days", "> 28 is unanswered; on the limit it still counts"),),
    sources=SCREEN_RULE.sources,
    criticism=SCREEN_RULE.criticism,
    may_say="We'd like to check this before you run again.",
    may_not_say="a number for next week, however small",
)
FLARE_RULE = Rule(
    name="s3_flare",
    title="S3 Flare",
    says=(
        f"Median pain during the last {SCORED_RUNS} scored runs above what is acceptable, any of them 7 or more, a run slow to settle, or limping in the last "
        f"{LIMPING_DAYS} days: next week 0.70 to 0.80 of Low, one run at most 0.70 of the longest of 30 days. It counts with whatever is recorded; without three logged "
        "weeks there is no band. Two such weeks in a row (S3 or S4): re-assess."
    ),
    strength=Strength.CONSENSUS,
    limits=(
        Limit("median pain during", _DEFAULT.acceptable_max + 1, "of 10", "≥ 6, or one above the patient's acceptable pain"),
        Limit("pain during one run", FLARE_DURING_MIN, "of 10", "≥ 7"),
        Limit("days of limping in 7", 1, "days", "≥ 1"),
        *_limits_of(FLARE_BAND),
    ),
    sources=(PAIN_MONITORING, TENDON_ADVICE),
    criticism=f"{_NOT_TESTED} The pain rules were tried in the Achilles tendon, not in the hip, and not for bone stress injury.",
    may_say="Let's ease back this week and keep you running.",
    may_not_say=_NOT_SAFE,
)
GAP_RULE = Rule(
    name="s1_gap",
    title="S1 Gap",
    says=(
        f"{GAP_DAYS} logged days or more without a run, or no run in the newest block and in two of the newest three: restart with 0.50 to 0.70 of the volume before, one run "
        "at most half of the longest then, as run-walk. Days that nobody logged are no gap: then it is S2, “ask”. The volume before must be known."
    ),
    strength=Strength.CONSENSUS,
    limits=(
        Limit("days without a run", GAP_DAYS, "days", "≥ 10, all logged"),
        *_limits_of(GAP_BAND),
    ),
    sources=(RUN_WALK,),
    criticism=_NOT_TESTED,
    may_not_say=_NOT_SAFE,
)
NO_DATA_RULE = Rule(
    name="s2_not_enough_data",
    title="S2 Not enough data",
    says=(
        f"Fewer than {SCORED_RUNS} runs scored or fewer than {MORNINGS_NEEDED} mornings in {WINDOW_DAYS} days ({WIDE_WINDOW_DAYS} for who runs once a week or less), fewer than three "
        "weeks logged whole, no log for 7 days, or no run ever: no band; ask for logs."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit("scored runs", SCORED_RUNS, "runs", "< 3"),
        Limit("next-morning scores", MORNINGS_NEEDED, "mornings", "< 2"),
        Limit("days without a log", NO_LOG_DAYS, "days", "≥ 7"),
        Limit("runs in 28 days for the wide window", WIDE_UP_TO_RUNS, "runs", "≤ 4"),
        Limit("cap", NO_DATA_CAP, "of the longest run", "rounded down"),
    ),
    may_say="what is missing",
    may_not_say="that nothing was run, or that the hip was calm, because nothing was logged",
)
UNSETTLED_RULE = Rule(
    name="s4_unsettled",
    title="S4 Unsettled",
    says=(
        "Two of three runs not settled the next morning, pain rising over four weeks, or amber pain during runs with a run that did not settle: next week 0.80 to 0.90 of Low, one run "
        "at most 0.80 of the longest of 30 days. Two such weeks in a row (S3 or S4): re-assess."
    ),
    strength=Strength.CONSENSUS,
    limits=(
        Limit("runs not settled", UNSETTLED_RUNS_MIN, "of 3 runs", "≥ 2; ≥ 1 with amber pain"),
        *_limits_of(UNSETTLED_BAND),
    ),
    sources=(PAIN_MONITORING, TENDON_ADVICE),
    criticism=f"{_NOT_TESTED} A morning can be sore for other reasons than the run before.",
    may_say="a bit much this week",
    may_not_say=_NOT_SAFE,
)
SPIKE_RULE = Rule(
    name="s5_spike",
    title="S5 Spike, pain OK",
    says=(
        "A run of the last 7 days longer than the step allows against the longest of the 30 days before it, or 7 days that are 1.30 times the mean of up to three "
        "blocks before (where that is under 5 miles: more than 2 miles above it): hold 0.95 to 1.05 of Base, one run at most the longest before the spike."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit(
            "one run", _DEFAULT.max_step_ratio, "of the longest of 30 days", "> 1.10, or the patient's own step; on the limit is no spike"
        ),
        Limit("seven days", SPIKE_RATIO, "of the mean before", "≥ 1.30"),
        Limit("mean from which the ratio counts", round(SPIKE_MEAN_FROM_M / METRES_PER_MILE, 6), "mi", "≥ 5"),
        Limit("seven days after a small mean", round(SPIKE_MORE_M / METRES_PER_MILE, 6), "mi above it", "> 2"),
        *_limits_of(SPIKE_BAND),
    ),
    sources=(SINGLE_SESSION,),
    criticism="Observational, in uninjured runners, mostly men; says nothing about pain in rehabilitation. The same study found no link for the ratio from week to week.",
    may_say="longer than anything in the last 30 days by so many per cent",
    may_not_say="an injury risk in per cent, or a safe zone",
)
AMBER_RULE = Rule(
    name="s6_amber_stable",
    title="S6 Amber, stable",
    says="Median pain during runs above comfortable and within acceptable, all three runs known to have settled, pain not rising: hold 0.95 to 1.05 of Base; offer the next cadence step.",
    strength=Strength.CONSENSUS,
    limits=(
        Limit("median pain during", _DEFAULT.comfortable_max, "of 10", "> 3, or the patient's comfortable pain"),
        Limit("median pain during", _DEFAULT.acceptable_max, "of 10", "≤ 5, or the patient's acceptable pain"),
        *_limits_of(HOLD_BAND),
    ),
    sources=(PAIN_MONITORING, HIP_AT_TEN_PERCENT),
    criticism=f"{_NOT_TESTED} No trial of cadence for gluteal tendinopathy was found.",
    may_say="within the agreed pain range",
    may_not_say=_NOT_SAFE,
)
HOLD_RULE = Rule(
    name="s7_hold",
    title="S7 Hold",
    says=(
        f"Not green for {GREEN_DAYS} days yet, a response not known, one run that did not settle, or less than {STRENGTH_KEPT_PERCENT} % of the strength sessions: hold 0.95 to 1.05 of Base, no cadence "
        "step. What is missing is said; it never counts as settled."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit("days green", GREEN_DAYS, "days", "< 7, counted from the last run that was amber, not settled or not known"),
        Limit("strength sessions", STRENGTH_KEPT_PERCENT, f"% of {STRENGTH_DAYS} days", "< 70; not prescribed counts as kept"),
        *_limits_of(HOLD_BAND),
    ),
    criticism="On the day of a run its response is not known yet, so a green patient reads “hold” until the next morning is answered.",
    may_not_say=_NOT_SAFE,
)
GREEN_RULE = Rule(
    name="s8_green",
    title="S8 Green",
    says=(
        f"Median pain during runs comfortable, three of three settled, pain not rising (or not known), {GREEN_DAYS} days of it, strength kept: 1.05 to 1.10 of Base, under 10 miles Base + 0.5 to + 1.0 mile; one run at most "
        "1.10 of the longest. Or a cadence step, not both. The band stays under what would be a spike next week, and the cap refers to runs that still count then."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit("median pain during", _DEFAULT.comfortable_max, "of 10", "≤ 3, or the patient's comfortable pain"),
        Limit("runs settled", SCORED_RUNS, "of 3 runs", "all"),
        Limit("days green", GREEN_DAYS, "days", "≥ 7"),
        Limit("strength sessions", STRENGTH_KEPT_PERCENT, f"% of {STRENGTH_DAYS} days", "≥ 70; not prescribed counts as kept"),
        *_limits_of(GREEN_BAND),
        Limit("small base", round(GREEN_BAND.small_below_m / METRES_PER_MILE, 6), "mi", "< 10: Base + 0.5 to Base + 1.0 mi instead"),
    ),
    sources=(TEN_PERCENT, SINGLE_SESSION, LOAD_EDUCATION),
    criticism="No rule of progression has proof in a trial; the 10 % rule made no difference in one. It punishes who starts low, hence the half mile.",
    may_say="ready for more; common convention",
    may_not_say=_NOT_SAFE,
)
REVIEW_RULE = Rule(
    name="second_look",
    title="Re-assess and review",
    says=(
        "S3 or S4 in two weeks in a row: re-assess diagnosis and plan. No meaningful fall of next-morning pain after 8 weeks (the last two weeks against the first two): review. Both stand "
        "beside the state and change no band."
    ),
    strength=Strength.CLINIC,
    limits=(Limit("weeks in care", REVIEW_WEEKS, "weeks", "≥ 8; a course takes 8 to 12"),),
    sources=(ISOMETRIC,),
    criticism="Pain of the first two weeks is a noisy start, and it falls by itself from a bad spell (regression to the mean).",
    may_not_say="that the treatment failed",
)
STATE_RULES = (
    RED_FLAG_RULE,
    FLARE_RULE,
    GAP_RULE,
    NO_DATA_RULE,
    UNSETTLED_RULE,
    SPIKE_RULE,
    AMBER_RULE,
    HOLD_RULE,
    GREEN_RULE,
    REVIEW_RULE,
)
