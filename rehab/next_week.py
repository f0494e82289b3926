"""The decision for next week as a therapist reads it: what, why, from what, how well known, and what is missing."""

from dataclasses import dataclass

from rehab.bands import band_words
from rehab.decision import Decision
from rehab.decision_inputs import STRENGTH_DAYS, DecisionInputs
from rehab.decision_words import source_words
from rehab.run_list import RESPONSE_WORDS
from rehab.screen import CLEAR, OPEN
from rehab.units import NOT_KNOWN, distance_in, distance_text

NO_RUN = "no run"
LEAST_SHOWN = 0.05  # with one decimal less would read 0.0


@dataclass(frozen=True)
class NextWeek:
    """
    A decision in words. Of what is withheld nothing is in it.

    Attributes
    ----------
    title : str
        State and its code.
    why : str
        In the runner's own numbers.
    withheld : str
        Why nothing is suggested; "" if something is.
    suggested : tuple of (str, str)
        Name and words of each thing suggested: distance, longest run, cadence and surface, strength. Empty where withheld.
    beside : tuple of str
        What to look at besides: re-assess, review.
    evidence : str
        How strong the evidence behind the rule is, in words.
    rule, criticism, may_not_say : str
        What the rule says, what is known against it, and what it must not be used to claim.
    sources : tuple of str
        Where it was read; empty where none is claimed.
    inputs : tuple of (str, str)
        What it was decided from.
    missing : tuple of str
        What would say more.
    options : tuple of str
        To choose from on the plan; none is picked.
    """

    title: str
    why: str
    withheld: str
    suggested: tuple[tuple[str, str], ...]
    beside: tuple[str, ...]
    evidence: str
    rule: str
    criticism: str
    may_not_say: str
    sources: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    options: tuple[str, ...]


def next_week(decision: Decision) -> NextWeek:
    """
    Put a decision into words for the therapist.

    Parameters
    ----------
    decision : Decision
        As `rehab.decision.decide` gives it.

    Returns
    -------
    NextWeek
        While suggestions are withheld without distance, cap, cue, strength line and options.
    """
    state, inputs, rule = decision.state, decision.inputs, decision.rule
    return NextWeek(
        title=f"{state.title} ({state.code})",
        why=state.why(inputs),
        withheld=decision.withheld,
        suggested=_suggested(decision),
        beside=decision.second_look,
        evidence=f"{rule.strength.words[:1].upper()}{rule.strength.words[1:]} ({rule.strength})",
        rule=f"{rule.title}. {rule.says}",
        criticism=rule.criticism,
        may_not_say=rule.may_not_say,
        sources=tuple(source_words(source) for source in rule.sources),
        inputs=_inputs(decision),
        missing=decision.missing,
        options=tuple(option.words for option in decision.options),
    )


def _suggested(decision: Decision) -> tuple[tuple[str, str], ...]:
    if decision.withheld:
        return ()
    unit = decision.inputs.distance_unit
    band = "" if decision.band is None else band_words(decision.band, unit)
    cap = "" if decision.cap_m is None else f"up to {distance_text(decision.cap_m, unit, places=1)}"
    named = (("Distance", band), ("Longest run", cap), ("How to run", decision.cue), ("Strength", decision.strength_line))
    return tuple((name, words) for name, words in named if words)


def _inputs(decision: Decision) -> tuple[tuple[str, str], ...]:
    inputs = decision.inputs
    limits = inputs.limits
    named = [
        ("Red-flag screen", _screen(inputs)),
        ("Last block of 7 days", _metres(inputs, inputs.blocks.w7_m)),
        ("Middle of three blocks", _metres(inputs, inputs.blocks.b3_m)),
        ("Longest run of 30 days", _metres(inputs, inputs.longest_m)),
        ("Last scored runs", _scored_runs(inputs)),
        ("Mornings scored", f"{inputs.morning_scores or 'none'} in {inputs.window_days} days"),
        ("Direction of pain", inputs.trend),
        ("Since the last run", _days(inputs.days_without_run)),
        ("Since the last log", _days(inputs.days_without_log)),
        ("Strength sessions", _strength(inputs)),
        (
            "This runner's limits",
            f"comfortable to {limits.comfortable_max}, OK if it settles to {limits.acceptable_max}, settled to +{limits.settled_max:g}, "
            f"one run to {limits.max_step_ratio:.2f} times the longest of 30 days",
        ),
    ]
    if decision.before_rounding_m is not None:
        low, high = decision.before_rounding_m
        unit = inputs.distance_unit
        named.append(("Distance before rounding", f"{distance_in(low, unit):.2f} to {distance_text(high, unit)}"))
    return tuple(named)


def _screen(inputs: DecisionInputs) -> str:
    screen = inputs.screen
    if screen.standing == CLEAR:
        return "clear" if screen.valid_until is None else f"clear, valid until {screen.valid_until.isoformat()}"
    if screen.standing == OPEN:
        return "open: " + "; ".join([*(["diagnosis of the bone"] if screen.bone else []), *(item.title for item in screen.open_items)])
    return f"unanswered: {len(screen.unanswered_items)} items"


def _metres(inputs: DecisionInputs, metres: float | None) -> str:
    if metres == 0:
        return NO_RUN
    if metres is not None and distance_in(metres, inputs.distance_unit) < LEAST_SHOWN:
        return f"under 0.1 {inputs.distance_unit.value}"
    return distance_text(metres, inputs.distance_unit, places=1)


def _scored_runs(inputs: DecisionInputs) -> str:
    if not inputs.scored_runs:
        return f"none in {inputs.window_days} days"
    told = [
        f"{run.day.isoformat()}: {run.during} of 10 during, {RESPONSE_WORDS.get(run.response, NOT_KNOWN)}" for run in inputs.scored_runs
    ]
    return "; ".join(told)


def _days(number: int | None) -> str:
    return NOT_KNOWN if number is None else "today" if number == 0 else f"{number} day{'' if number == 1 else 's'}"


def _strength(inputs: DecisionInputs) -> str:
    if inputs.strength_prescribed is None:
        return "none prescribed"
    return f"{inputs.strength_done or 'none'} of {inputs.strength_prescribed} in {STRENGTH_DAYS} days"
