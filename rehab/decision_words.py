"""What a decision was made from, and how well its rule is known, in words."""

from rehab.days import day_words
from rehab.decision import Decision
from rehab.decision_inputs import SCORED_RUNS, STRENGTH_DAYS, WIDE_WINDOW_DAYS, DecisionInputs
from rehab.response import SETTLED, SLOW, UNKNOWN, UNSETTLED
from rehab.rules import Rule, Source
from rehab.units import distance_text

_RESPONSE_WORDS = {SETTLED: "settled", UNSETTLED: "not settled", SLOW: "slow to settle", UNKNOWN: "response not known"}


def input_words(decision: Decision) -> tuple[str, ...]:
    """
    Say what a suggestion was made from, one thing a line.

    Parameters
    ----------
    decision : Decision
        Of one episode.

    Returns
    -------
    tuple of str
        Empty where suggestions are withheld: nothing of a suggestion is said then. What is not known is said to be not known.
    """
    if decision.withheld:
        return ()
    inputs = decision.inputs
    said = [_volume(inputs), _longest(inputs), _scored(inputs)]
    if inputs.median_during is not None:
        limits = inputs.limits
        said.append(
            f"Median pain during them {inputs.median_during:g} of 10; comfortable up to {limits.comfortable_max}, acceptable up to {limits.acceptable_max}."
        )
    said.append(
        f"Next mornings scored: {inputs.morning_scores} in {inputs.window_days} days. Pain over {WIDE_WINDOW_DAYS} days: {inputs.trend}."
    )
    if inputs.green_days is not None:
        said.append(f"Green for {inputs.green_days} {'day' if inputs.green_days == 1 else 'days'}.")
    if inputs.strength_prescribed is not None:
        said.append(f"Strength: {inputs.strength_done or 0} of {inputs.strength_prescribed} sessions in {STRENGTH_DAYS} days.")
    if decision.before_rounding_m is not None:
        low, high = (distance_text(end, inputs.distance_unit) for end in decision.before_rounding_m)
        said.append(f"Band before rounding: {low} to {high}.")
    return tuple(said)


def strength_words(rule: Rule) -> str:
    """
    Say how strong the evidence behind a rule is.

    Examples
    --------
    >>> from rehab.bands import RULE
    >>> strength_words(RULE)
    'Strength of evidence E: a choice of this project; no evidence claimed.'
    """
    return f"Strength of evidence {rule.strength}: {rule.strength.words}."


def source_words(source: Source) -> str:
    """Say what was found where, and how strong it is for this use."""
    part = ", read in part" if source.read_in_part else ""
    return f"{source.citation} ({source.strength}{part}): {source.finding}"


def limit_words(rule: Rule) -> tuple[str, ...]:
    """Say each number that decides, and which side counts."""
    return tuple(f"{limit.name}: {limit.counts}{f' ({limit.unit})' if limit.unit else ''}" for limit in rule.limits)


def _volume(inputs: DecisionInputs) -> str:
    blocks, unit = inputs.blocks, inputs.distance_unit
    if blocks.w7_m is None:
        return "Distance of 7 days: not known, fewer than three 7-day blocks were logged without a break."
    newest, middle, base = (distance_text(value, unit, places=1) for value in (blocks.w7_m, blocks.b3_m, blocks.base_m))
    return f"Newest 7 days {newest}; middle of the newest three {middle}; counted from {base}."


def _longest(inputs: DecisionInputs) -> str:
    return f"Longest run of the last 30 days: {distance_text(inputs.longest_m, inputs.distance_unit, places=1)}."


def _scored(inputs: DecisionInputs) -> str:
    if not inputs.scored_runs:
        return f"Runs with a pain score: none in {inputs.window_days} days."
    told = "; ".join(
        f"{day_words(run.day)}, {run.during} of 10, {_RESPONSE_WORDS.get(run.response, run.response)}" for run in inputs.scored_runs
    )
    return f"Runs with a pain score, {len(inputs.scored_runs)} of {SCORED_RUNS}: {told}."
