"""The decision table: one row a state, tried from the top, the first that fits counts."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rehab.decision_inputs import SCORED_RUNS, WIDE_WINDOW_DAYS, WINDOW_DAYS, DecisionInputs
from rehab.response import UNKNOWN
from rehab.rules import Rule
from rehab.state_rules import (
    AMBER_RULE,
    FLARE_BAND,
    FLARE_DURING_MIN,
    FLARE_RULE,
    GAP_BAND,
    GAP_DAYS,
    GAP_RULE,
    GREEN_BAND,
    GREEN_DAYS,
    GREEN_RULE,
    HOLD_BAND,
    HOLD_RULE,
    MORNINGS_NEEDED,
    NO_DATA_RULE,
    NO_LOG_DAYS,
    RED_FLAG_RULE,
    SPIKE_BAND,
    SPIKE_RULE,
    STRENGTH_KEPT_PERCENT,
    UNSETTLED_BAND,
    UNSETTLED_RULE,
    UNSETTLED_RUNS_MIN,
    Share,
)
from rehab.units import distance_text


class Choice(StrEnum):
    """What a therapist may choose. None is picked beforehand, and `NO_CHANGE` is always among them."""

    BAND = "the suggested distance"
    CADENCE_STEP = "the next cadence step, distance held"
    ASK_FOR_LOGS = "ask for logs"
    NO_CHANGE = "no change"


@dataclass(frozen=True)
class State:
    """
    One row of the table.

    Attributes
    ----------
    code, title : str
        Such as "S4" and "Unsettled".
    test : callable
        Tells whether the inputs fit, given that no row above did.
    why : callable
        Says in words, with the patient's own numbers, why they fit.
    band : Share or None
        With the cap for one run; None: no band is shown.
    cue, strength_line : str
        "" for none.
    choices : tuple of Choice
        What a therapist may choose beside "no change".
    rule : Rule
    """

    code: str
    title: str
    test: Callable[[DecisionInputs], bool]
    why: Callable[[DecisionInputs], str]
    band: Share | None
    cue: str
    strength_line: str
    choices: tuple[Choice, ...]
    rule: Rule


# --------------------------------------------------------------------------------------------------------------------
# Tests: each is one function of the inputs
# --------------------------------------------------------------------------------------------------------------------


def is_red_flag(inputs: DecisionInputs) -> bool:
    """S0: an item is open or unanswered, or the diagnosis is of the bone."""
    return inputs.screen.withholds


def is_flare(inputs: DecisionInputs) -> bool:
    """S3: too much pain during runs, slow to settle, or limping. Whatever little is recorded counts."""
    too_much = inputs.median_during is not None and inputs.median_during >= inputs.limits.acceptable_max + 1
    worst = max((run.during for run in inputs.scored_runs), default=0)
    return too_much or worst >= FLARE_DURING_MIN or inputs.slow_runs > 0 or inputs.limping_days > 0


def is_gap(inputs: DecisionInputs) -> bool:
    """S1: ten logged days or more without a run, or two logged blocks of three without one; the volume before is known."""
    if inputs.days_without_run is None or not is_fresh(inputs) or inputs.before_gap.base_m is None:
        return False
    return inputs.days_without_run >= GAP_DAYS or (inputs.blocks.w7_m == 0 and inputs.blocks.b3_m == 0)


def lacks(inputs: DecisionInputs) -> tuple[str, ...]:
    """Say what is missing before anything can be said; empty if nothing is."""
    missing = []
    if inputs.days_without_log is None:
        missing.append("a first log")
    if inputs.days_without_run is None:
        missing.append("a first run")
    if inputs.days_without_log is not None and not is_fresh(inputs):
        missing.append(f"logs: none for {inputs.days_without_log} days, so ask")
    if inputs.blocks.w7_m is None:
        missing.append("three weeks logged without a break")
    elif inputs.blocks.base_m is None:
        missing.append("a volume to start from: no run in three logged weeks, and too little logged before")
    if len(inputs.scored_runs) < SCORED_RUNS:
        missing.append(f"pain during runs: {len(inputs.scored_runs)} of {SCORED_RUNS} runs scored in {inputs.window_days} days")
    if inputs.morning_scores < MORNINGS_NEEDED:
        missing.append(f"pain next morning: {inputs.morning_scores} of {MORNINGS_NEEDED} scores in {inputs.window_days} days")
    return tuple(missing)


def is_without_data(inputs: DecisionInputs) -> bool:
    """S2: something is missing before anything can be said."""
    return bool(lacks(inputs))


def is_unsettled(inputs: DecisionInputs) -> bool:
    """S4: two of three runs unsettled, pain rising, or amber with a run that did not settle."""
    return inputs.unsettled_runs >= UNSETTLED_RUNS_MIN or inputs.trend == "worsening" or (is_amber(inputs) and inputs.unsettled_runs >= 1)


def is_spike(inputs: DecisionInputs) -> bool:
    """S5: a run over the step, or a block much larger than the ones before."""
    return is_run_spike(inputs) or inputs.blocks.is_spike


def is_amber_stable(inputs: DecisionInputs) -> bool:
    """S6: amber, and all three responses known and settled."""
    return is_amber(inputs) and inputs.settled_runs == SCORED_RUNS


def is_held(inputs: DecisionInputs) -> bool:
    """S7: whatever keeps it from being green."""
    return bool(not_green_yet(inputs))


def is_green(inputs: DecisionInputs) -> bool:
    """S8: comfortable, three of three settled, a week of it, strength kept."""
    return not not_green_yet(inputs)


def is_fresh(inputs: DecisionInputs) -> bool:
    """Something was logged in the last week."""
    return inputs.days_without_log is not None and inputs.days_without_log < NO_LOG_DAYS


def is_amber(inputs: DecisionInputs) -> bool:
    """Median pain during the scored runs is above comfortable (and not too much: that is a flare)."""
    return inputs.median_during is not None and inputs.median_during > inputs.limits.comfortable_max


def is_run_spike(inputs: DecisionInputs) -> bool:
    """A run of the last week is over the step."""
    if inputs.spike_m is None or inputs.spike_longest_m is None:
        return False
    return inputs.limits.is_over_step(inputs.spike_m, inputs.spike_longest_m)


def not_green_yet(inputs: DecisionInputs) -> tuple[str, ...]:
    """Give each thing that keeps the patient from being green, in words; empty if green."""
    said = []
    unknown = sum(run.response == UNKNOWN for run in inputs.scored_runs)
    if is_amber(inputs):
        said.append(f"median pain during runs is {inputs.median_during:g} of 10")
    if unknown:
        said.append(f"the response to {unknown} of the last {len(inputs.scored_runs)} runs is not known")
    if inputs.unsettled_runs:
        said.append(f"{inputs.unsettled_runs} of the last {len(inputs.scored_runs)} runs had not settled the next morning")
    if inputs.settled_runs < SCORED_RUNS and not (unknown or inputs.unsettled_runs):
        said.append("fewer than three runs are known to have settled")
    if inputs.green_days is None:
        said.append("no run in the last four weeks tells for how long it has been green")
    elif inputs.green_days < GREEN_DAYS:
        said.append(f"green for {inputs.green_days} of {GREEN_DAYS} days, since the last run that was amber, not settled or not known")
    if not is_strength_kept(inputs):
        said.append(f"{inputs.strength_done or 0} of {inputs.strength_prescribed} strength sessions done in {WINDOW_DAYS} days")
    return tuple(said)


def is_strength_kept(inputs: DecisionInputs) -> bool:
    """At least 70 % of the sessions; on the limit is kept. Not prescribed counts as kept."""
    if not inputs.strength_prescribed:
        return True
    return 100 * (inputs.strength_done or 0) >= STRENGTH_KEPT_PERCENT * inputs.strength_prescribed


# --------------------------------------------------------------------------------------------------------------------
# Why, in words
# --------------------------------------------------------------------------------------------------------------------


def _why_red_flag(inputs: DecisionInputs) -> str:
    return inputs.screen.sentence


def _why_flare(inputs: DecisionInputs) -> str:
    said = []
    worst = max((run.during for run in inputs.scored_runs), default=0)
    if inputs.median_during is not None and inputs.median_during >= inputs.limits.acceptable_max + 1:
        said.append(f"median pain during runs is {inputs.median_during:g} of 10")
    if worst >= FLARE_DURING_MIN:
        said.append(f"pain during a run reached {worst} of 10")
    if inputs.slow_runs:
        said.append(f"{_counted(inputs.slow_runs, 'run')} still sore on the second morning")
    if inputs.limping_days:
        said.append(f"limping on {_counted(inputs.limping_days, 'day')} of the last 7")
    return _sentence(said)


def _why_gap(inputs: DecisionInputs) -> str:
    return f"No run on the last {inputs.days_without_run} logged days."


def _why_no_data(inputs: DecisionInputs) -> str:
    return f"Not enough data for a suggestion. Missing: {'; '.join(lacks(inputs))}."


def _why_unsettled(inputs: DecisionInputs) -> str:
    said = []
    if inputs.unsettled_runs:
        said.append(f"{inputs.unsettled_runs} of the last {len(inputs.scored_runs)} runs had not settled the next morning")
    if inputs.trend == "worsening":
        said.append(f"pain is rising over the last {WIDE_WINDOW_DAYS} days")
    if is_amber(inputs):
        said.append(f"median pain during runs is {inputs.median_during:g} of 10")
    return _sentence(said)


def _why_spike(inputs: DecisionInputs) -> str:
    said, unit = [], inputs.distance_unit
    if is_run_spike(inputs) and inputs.spike_m is not None and inputs.spike_longest_m is not None:
        more = round(100 * inputs.spike_m / inputs.spike_longest_m) - 100
        longest = distance_text(inputs.spike_longest_m, unit, places=1)
        said.append(
            f"a run of {distance_text(inputs.spike_m, unit, places=1)}, {more} % over the longest of the 30 days before ({longest})"
        )
    if inputs.blocks.is_spike:
        before = distance_text(inputs.blocks.before_m, unit, places=1)
        said.append(f"{distance_text(inputs.blocks.w7_m, unit, places=1)} in 7 days after a mean of {before} in the blocks before")
    return _sentence([*said, "pain is within the agreed range"])


def _why_amber(inputs: DecisionInputs) -> str:
    return _sentence([f"median pain during runs is {inputs.median_during:g} of 10", "all three runs settled by the next morning"])


def _why_held(inputs: DecisionInputs) -> str:
    return _sentence(list(not_green_yet(inputs)))


def _why_green(inputs: DecisionInputs) -> str:
    said = [
        f"median pain during runs is {inputs.median_during or 0:g} of 10",
        "three of three runs settled",
        f"green for {inputs.green_days} days",
    ]
    if inputs.trend == "not enough entries":
        said.append("the pain trend is not known yet")
    return _sentence(said)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _sentence(said: list[str]) -> str:
    whole = "; ".join(said)
    return f"{whole[:1].upper()}{whole[1:]}."


# --------------------------------------------------------------------------------------------------------------------
# The table
# --------------------------------------------------------------------------------------------------------------------

CONTINUE = "Continue the strength program as it is."

STATES = (
    State("S0", "Red flag", is_red_flag, _why_red_flag, None, "", "", (), RED_FLAG_RULE),
    State(
        "S3",
        "Flare",
        is_flare,
        _why_flare,
        FLARE_BAND,
        "Run-walk on flat ground; no fast running, no sloping road edge, no new cadence step.",
        "Isometric or low-load exercise daily.",
        (Choice.BAND,),
        FLARE_RULE,
    ),
    State(
        "S1",
        "Gap",
        is_gap,
        _why_gap,
        GAP_BAND,
        "Restart as run-walk on level ground, with a rest day between.",
        CONTINUE,
        (Choice.BAND,),
        GAP_RULE,
    ),
    State("S2", "Not enough data", is_without_data, _why_no_data, None, "", CONTINUE, (Choice.ASK_FOR_LOGS,), NO_DATA_RULE),
    State(
        "S4",
        "Unsettled",
        is_unsettled,
        _why_unsettled,
        UNSETTLED_BAND,
        "Easy pace; split the long run in two; stay at the current cadence step.",
        "Hold the dose; leave out exercises that bring the knee across the body and the pain on.",
        (Choice.BAND,),
        UNSETTLED_RULE,
    ),
    State("S5", "Spike, pain OK", is_spike, _why_spike, SPIKE_BAND, "", CONTINUE, (Choice.BAND,), SPIKE_RULE),
    State(
        "S6",
        "Amber, stable",
        is_amber_stable,
        _why_amber,
        HOLD_BAND,
        "Offer the next cadence step.",
        "Progress one variable.",
        (Choice.BAND, Choice.CADENCE_STEP),
        AMBER_RULE,
    ),
    State(
        "S7",
        "Hold",
        is_held,
        _why_held,
        HOLD_BAND,
        "No cadence step this week.",
        "Talk about keeping the exercises and the log.",
        (Choice.BAND,),
        HOLD_RULE,
    ),
    State(
        "S8",
        "Green",
        is_green,
        _why_green,
        GREEN_BAND,
        "More distance or a cadence step, not both in one week.",
        "Progress.",
        (Choice.BAND, Choice.CADENCE_STEP),
        GREEN_RULE,
    ),
)


def state_of(inputs: DecisionInputs) -> State:
    """Give the first row that fits. The last two are each other's opposite, so there always is exactly one."""
    return next(state for state in STATES if state.test(inputs))
