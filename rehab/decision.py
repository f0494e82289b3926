"""What the app suggests for next week, with its reason: a therapist decides."""

from dataclasses import dataclass

from rehab.bands import Band, band_words, rounded_band, rounded_cap
from rehab.days import day_words
from rehab.decision_inputs import DecisionInputs
from rehab.pain import is_meaningful_change
from rehab.response import UNKNOWN
from rehab.rules import Rule
from rehab.screen import PATIENT_SENTENCE
from rehab.state_rules import HOLD_BAND, NO_DATA_CAP, REVIEW_WEEKS, STATE_RULES, Share
from rehab.states import Choice, State, is_fresh, is_red_flag, lacks, state_of
from rehab.units import distance_text, signed_text

RULES = STATE_RULES
SECOND_LOOK_STATES = frozenset({"S3", "S4"})  # two weeks of these in a row ask for a second look
BEING_CHECKED = (
    "Being checked: nothing is suggested while the red-flag screen is open or unanswered. "
    "The confirmed plan stays as it is until you change it."
)


@dataclass(frozen=True)
class Option:
    """One thing to choose: its words, and the band that it stands for, if any."""

    choice: Choice
    words: str
    band: Band | None = None


@dataclass(frozen=True)
class Decision:
    """
    The state of an episode and what follows from it for next week.

    Attributes
    ----------
    state : State
        The row of the table that fits.
    inputs : DecisionInputs
        What it was decided from.
    band : Band or None
        Next week's distance, rounded in the patient's unit; None where none is shown.
    before_rounding_m : tuple of two floats, or None
        The band before rounding, in metres.
    cap_m : float or None
        For one run; None where none is known.
    cue, strength_line : str
        "" for none.
    options : tuple of Option
        At least two, "no change" the last of them, none picked; empty where suggestions are withheld.
    missing : tuple of str
        What is not known and would say more.
    sentences : tuple of str
        For the therapist: why, what is suggested, and what to look at beside it.
    withheld : str
        Why nothing is suggested; "" if something may be.
    second_look : tuple of str
        "Re-assess" and "review" sentences; they change no band.
    """

    state: State
    inputs: DecisionInputs
    band: Band | None
    before_rounding_m: tuple[float, float] | None
    cap_m: float | None
    cue: str
    strength_line: str
    options: tuple[Option, ...]
    missing: tuple[str, ...]
    sentences: tuple[str, ...]
    withheld: str
    second_look: tuple[str, ...]

    @property
    def rule(self) -> Rule:
        """The rule, with its limits, its sources and their strength."""
        return self.state.rule

    @property
    def patient_sentence(self) -> str:
        """What the patient reads while a red flag is checked; "" otherwise: a patient sees only what was confirmed."""
        return PATIENT_SENTENCE if is_red_flag(self.inputs) else ""


def decide(inputs: DecisionInputs) -> Decision:
    """
    Find the state and what follows from it.

    Nothing is suggested while a red flag is open or unanswered, or where the patient's limits say so: band, cap, cue, strength line and
    options are then empty.

    Parameters
    ----------
    inputs : DecisionInputs
        Of one episode, from `rehab.decision_inputs.decision_inputs`.

    Returns
    -------
    Decision
        Every input gives exactly one state. No band is ever 0.
    """
    state = state_of(inputs)
    withheld = _withheld(inputs)
    why = state.why(inputs)
    second_look = _second_look(state, inputs)
    if withheld:
        return Decision(state, inputs, None, None, None, "", "", (), (), (why, withheld, *second_look), withheld, second_look)
    raw = _raw_band(state.band, inputs)
    band = _rounded(state.band, raw, state, inputs)
    cap_m = rounded_cap(_raw_cap(state.band, inputs), inputs.distance_unit)
    sentences = (why, *_suggested(band, cap_m, inputs), *_held_back(state, raw, inputs), *second_look)
    options = _options(state, band, inputs)
    return Decision(
        state,
        inputs,
        band,
        raw if band else None,
        cap_m,
        state.cue,
        state.strength_line,
        options,
        _missing(state, band, inputs),
        sentences,
        "",
        second_look,
    )


def _withheld(inputs: DecisionInputs) -> str:
    if is_red_flag(inputs):
        return BEING_CHECKED
    if inputs.limits.no_suggestions:
        return f"Nothing is suggested for this patient: {inputs.limits.no_suggestions_reason.strip().rstrip('.')}."
    return ""


def _volume(share: Share, inputs: DecisionInputs) -> float | None:
    return {"base": inputs.blocks.base_m, "low": inputs.blocks.low_m, "before_gap": inputs.before_gap.b3_m}[share.of]


def _raw_band(share: Share | None, inputs: DecisionInputs) -> tuple[float, float] | None:
    """Shares of a distance that is known and fresh, in metres."""
    if share is None or not is_fresh(inputs):
        return None
    volume = _volume(share, inputs)
    if not volume:
        return None
    if volume < share.small_below_m:
        return volume + share.small_plus_m[0], volume + share.small_plus_m[1]
    return share.low * volume, share.high * volume


def _rounded(share: Share | None, raw: tuple[float, float] | None, state: State, inputs: DecisionInputs) -> Band | None:
    if share is None or raw is None:
        return None
    blocks = inputs.before_gap if share.of == "before_gap" else inputs.blocks
    volume = _volume(share, inputs)
    if not volume:
        return None
    current = min(volume, blocks.w7_m or volume)
    not_above = None
    if share.of == "low":
        not_above = blocks.w7_m or volume
    elif state.code == "S8":
        not_above = blocks.next_week_below_spike_m
    return rounded_band(*raw, unit=inputs.distance_unit, current_m=current, not_above_m=not_above)


def _raw_cap(share: Share | None, inputs: DecisionInputs) -> float | None:
    """
    Give the cap of one run in metres.

    It never goes over the patient's own step against a run that still counts on each day of next week: the longest of 30 days may have
    left them by then.
    """
    factor, cap_of = (NO_DATA_CAP, "longest") if share is None else (share.cap, share.cap_of)
    longest = {
        "longest": inputs.longest_m,
        "before_spike": inputs.longest_m if inputs.longest_before_spike_m is None else inputs.longest_before_spike_m,
        "before_gap": inputs.longest_before_gap_m,
    }[cap_of]
    if longest is None:
        return None
    if inputs.longest_kept_m is None:
        return min(factor, 1.0) * longest
    return min(factor * longest, inputs.limits.max_step_ratio * inputs.longest_kept_m)


def _suggested(band: Band | None, cap_m: float | None, inputs: DecisionInputs) -> tuple[str, ...]:
    unit = inputs.distance_unit
    said = []
    if band is not None:
        in_all = "" if band.keep_current else " in all"
        said.append(f"Suggested for next week: {band_words(band, unit)}{in_all}.")
    if cap_m is not None:
        said.append(f"No single run over {distance_text(cap_m, unit, places=1)}.")
    return tuple(said)


def _held_back(state: State, raw: tuple[float, float] | None, inputs: DecisionInputs) -> tuple[str, ...]:
    below_spike = inputs.blocks.next_week_below_spike_m
    if state.code != "S8" or raw is None or below_spike is None or raw[1] <= below_spike:
        return ()
    most = distance_text(below_spike, inputs.distance_unit, places=1)
    return (f"The band is kept under {most}: more would be a spike against the last three weeks.",)


def _options(state: State, band: Band | None, inputs: DecisionInputs) -> tuple[Option, ...]:
    options, unit = [], inputs.distance_unit
    for choice in state.choices:
        if choice is Choice.BAND and band is not None:
            options.append(Option(choice, f"Next week: {band_words(band, unit)}", band))
        elif choice is Choice.BAND:
            options.append(Option(Choice.ASK_FOR_LOGS, "Ask for logs: too little is logged for a distance"))
        elif choice is Choice.CADENCE_STEP:
            held = _rounded(HOLD_BAND, _raw_band(HOLD_BAND, inputs), state, inputs)
            if held is not None:
                options.append(Option(choice, f"The next cadence step; distance: {band_words(held, unit)}", held))
        else:
            options.append(Option(choice, "Ask for logs"))
    return (*options, Option(Choice.NO_CHANGE, "No change: the confirmed plan stays"))


def _missing(state: State, band: Band | None, inputs: DecisionInputs) -> tuple[str, ...]:
    missing = list(lacks(inputs)) if state.code == "S2" or (band is None and state.band is not None) else []
    missing += [f"the response to the run of {day_words(run.day)}" for run in inputs.scored_runs if run.response == UNKNOWN]
    if inputs.trend == "not enough entries":
        missing.append("enough entries for a pain trend")
    if inputs.strength_prescribed is None:
        missing.append("a number of strength sessions in the plan")
    if inputs.longest_m is None and state.code != "S1":
        missing.append("a run in the last 30 days")
    return tuple(missing)


def _second_look(state: State, inputs: DecisionInputs) -> tuple[str, ...]:
    said = []
    if state.code in SECOND_LOOK_STATES and inputs.previous_state in SECOND_LOOK_STATES:
        said.append(
            f"Second week in a row of flare or unsettled runs ({inputs.previous_state}, {state.code}): re-assess diagnosis and plan."
        )
    change, start = inputs.pain_change, inputs.pain_at_start
    if change is not None and start is not None and (inputs.weeks_in_care or 0) >= REVIEW_WEEKS:
        better = change < 0 and is_meaningful_change(change, start)
        if not better:
            said.append(
                f"After {inputs.weeks_in_care} weeks next-morning pain has changed by {signed_text(change)} from {start:g} of 10, "
                "less than a fall people usually notice: review diagnosis and plan."
            )
    return tuple(said)
