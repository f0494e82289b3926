"""What is suggested for next week, in words; or why nothing is."""

from dataclasses import dataclass

from clinic.plan_fields import typed_distance
from models import DistanceUnit
from rehab.bands import band_words
from rehab.decision import Decision
from rehab.decision_words import input_words, limit_words, source_words, strength_words
from rehab.states import is_red_flag
from rehab.units import distance_text


@dataclass(frozen=True)
class Choice:
    """One option in words, and the week's distance that stands for it in a field; "" for none."""

    words: str
    distance: str


@dataclass(frozen=True)
class SuggestionWords:
    """
    What is suggested, in words. `withheld` says why nothing is; then all but `why` is empty.

    Attributes
    ----------
    title : str
        State and its name.
    why : tuple of str
        For the therapist.
    band : str
        Next week's distance and the longest run.
    cue, strength_line : str
    choices : tuple of Choice
        At least two, none picked.
    rule, says, strength, criticism : str
        The rule by its title, what it says, how well that is known, what is known against it.
    inputs, sources, limits, missing : tuple of str
    """

    withheld: str
    why: tuple[str, ...]
    title: str = ""
    band: str = ""
    cue: str = ""
    strength_line: str = ""
    choices: tuple[Choice, ...] = ()
    rule: str = ""
    says: str = ""
    strength: str = ""
    criticism: str = ""
    inputs: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def suggestion_words(decision: Decision, unit: DistanceUnit) -> SuggestionWords:
    """
    Put a decision into words.

    While a red flag is open or unanswered only what the screen says is told; where the patient's limits forbid suggestions only that.
    """
    if decision.withheld:
        flagged = (decision.state.why(decision.inputs),) if is_red_flag(decision.inputs) else ()
        return SuggestionWords(decision.withheld, (*flagged, *decision.second_look))
    rule = decision.rule
    said = [] if decision.band is None else [f"Next week: {band_words(decision.band, unit)}"]
    if decision.cap_m is not None:
        said.append(f"no single run over {distance_text(decision.cap_m, unit, places=1)}")
    band = "; ".join(said)
    return SuggestionWords(
        withheld="",
        title=f"{decision.state.code} · {decision.state.title}",
        why=tuple(
            sentence for sentence in decision.sentences if not sentence.startswith(("Suggested for next week:", "No single run over"))
        ),
        band=f"{band[:1].upper()}{band[1:]}" or "No distance is suggested",
        cue=decision.cue,
        strength_line=decision.strength_line,
        choices=tuple(
            Choice(option.words, typed_distance(None if option.band is None else option.band.low_m, unit)) for option in decision.options
        ),
        rule=rule.title,
        says=rule.says,
        strength=strength_words(rule),
        criticism=rule.criticism,
        inputs=input_words(decision),
        sources=tuple(source_words(source) for source in rule.sources),
        limits=limit_words(rule),
        missing=decision.missing,
    )
