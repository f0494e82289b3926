"""The text of a visit for a record system: plain, short, of the same facts as the screen."""

from collections.abc import Callable
from dataclasses import dataclass

from models import DistanceUnit
from rehab.bands import Band, band_words
from rehab.plan import PlanWeek, plan_difference
from rehab.screen import ScreenStanding
from rehab.since_visit import SinceFact

NOTE_MAX_CHARACTERS = 1_199  # stories: under 1,200; on the limit it fits
CUT_MIN_CHARACTERS = 40  # a text that would be cut shorter is left out whole
WITHHELD = "Plan: being checked. Nothing is told for next week while the red-flag screen is open or unanswered."
CUE_WITHHELD = "Gait cue: given, its words are left out while the red-flag screen is open or unanswered"


@dataclass(frozen=True)
class VisitDone:
    """What was done and written at a visit; empty where nothing was. `strength` has one exercise in words each."""

    hands_on: str = ""
    strength: tuple[str, ...] = ()
    gait_cue: str = ""
    education: str = ""
    note: str = ""


@dataclass(frozen=True)
class ConfirmedPlan:
    """
    A version of the plan that a therapist confirmed.

    Attributes
    ----------
    new : PlanWeek
        The version.
    old : PlanWeek or None
        The one before it; None for the first.
    state : str
        The state of the decision table that its author was shown; "" if nothing was suggested.
    band : Band or None
        The band that its author was shown.
    outside_band : bool
        True if the plan lies outside that band.
    """

    new: PlanWeek
    old: PlanWeek | None = None
    state: str = ""
    band: Band | None = None
    outside_band: bool = False


@dataclass
class _Part:
    """A part of the text: how it is called when it was shortened, its words, and what is left of it if it has to be shorter."""

    name: str
    words: str
    shorter: Callable[[int], str]
    line: Callable[[str], str]

    @property
    def written(self) -> str:
        return self.line(self.words) if self.words else ""


def note_text(
    *,
    visit: str,
    since: str,
    facts: tuple[SinceFact, ...],
    screen: ScreenStanding,
    plan: ConfirmedPlan | None,
    done: VisitDone,
    unit: DistanceUnit,
) -> str:
    """
    Write what happened at a visit as plain text.

    While the red-flag screen is open or unanswered, neither the plan nor a decision nor the words of a cue stand in it. A decision stands in
    it only as part of a plan that a therapist confirmed.

    What is too long is shortened in this order, each as far as need be before the next: the note, education, hands-on care, the reason
    of the plan, the exercises (then they are counted), what the plan changes (counted), the changes of the facts (left out), the
    sentence of the screen (counted). The last line says what was shortened. Only if that is not enough is the end cut off.

    Parameters
    ----------
    visit : str
        Day, kind and site in words.
    since : str
        What the facts are held against.
    facts : tuple of SinceFact
        The numbers of `rehab.since_visit.since_visit`.
    screen : ScreenStanding
        As it stands now.
    plan : ConfirmedPlan or None
        The version confirmed at the visit; None if there was none.
    done : VisitDone
        What was done.
    unit : DistanceUnit
        The patient's.

    Returns
    -------
    str
        At most NOTE_MAX_CHARACTERS characters.
    """
    parts = _parts(visit, since, facts, screen, plan, done, unit)
    order = ("note", "education", "hands-on care", "reason", "exercises", "plan change", "changes", "red flags")
    by_name = {part.name: part for part in parts if part.name}
    shortened: list[str] = []
    for name in order:
        over = len(_joined(parts, shortened)) - NOTE_MAX_CHARACTERS
        if over <= 0:
            break
        part = by_name.get(name)
        if part is None or not part.words:
            continue
        said = len(_joined(parts, [*shortened, name])) - len(_joined(parts, shortened))
        shorter = part.shorter(max(0, len(part.words) - over - said))
        if len(shorter) < len(part.words):
            part.words = shorter
            shortened.append(name)
    text = _joined(parts, shortened)
    if len(text) <= NOTE_MAX_CHARACTERS:
        return text
    end = "\n… The end is cut off."
    return text[: NOTE_MAX_CHARACTERS - len(end)].rstrip() + end


def cut(text: str, most: int) -> str:
    """
    Cut a text to a length, dots included; "" if hardly anything would be left.

    Examples
    --------
    >>> cut("Gluteal muscles, five minutes on each side, then the back", 45)
    'Gluteal muscles, five minutes on each side, …'
    >>> cut("Gluteal muscles, five minutes on each side, then the back", 39)
    ''
    """
    if len(text) <= most:
        return text
    return "" if most < CUT_MIN_CHARACTERS else f"{text[: most - 1]}…"


def _parts(
    visit: str,
    since: str,
    facts: tuple[SinceFact, ...],
    screen: ScreenStanding,
    plan: ConfirmedPlan | None,
    done: VisitDone,
    unit: DistanceUnit,
) -> list[_Part]:
    values, with_changes = (_fact_lines(facts, changes=changes) for changes in (False, True))
    return [
        _fixed(visit),
        _Part("red flags", screen.sentence, lambda _most: _counted_screen(screen), lambda words: words),
        _fixed(since),
        _Part("changes", with_changes, lambda _most: values, lambda words: words),
        *_plan_parts(screen, plan, unit),
        _free("hands-on care", "Hands-on care", done.hands_on),
        _Part(
            "exercises",
            "; ".join(done.strength),
            lambda _most: _count(len(done.strength), "exercise"),
            lambda words: f"Strength: {_ended(words)}",
        ),
        _fixed(_cue_line(done.gait_cue, screen)),
        _free("education", "Education", done.education),
        _free("note", "Note", done.note),
    ]


def _plan_parts(screen: ScreenStanding, plan: ConfirmedPlan | None, unit: DistanceUnit) -> list[_Part]:
    if screen.withholds:
        return [_fixed(WITHHELD)]
    if plan is None:
        return [_fixed("Plan: not changed at this visit.")]
    changes = plan_difference(plan.old, plan.new, unit)
    counted = _count(len(changes), "thing")
    return [
        _Part(
            "plan change",
            "; ".join(changes) or "nothing that is shown",
            lambda _most: f"{counted} changed",
            lambda words: f"Plan {plan.new.version}: {_ended(words)}",
        ),
        _free("reason", "Reason", plan.new.reason),
        _fixed(_decision_line(plan, unit)),
    ]


def _decision_line(plan: ConfirmedPlan, unit: DistanceUnit) -> str:
    if not plan.state:
        return ""
    shown = "no band" if plan.band is None else f"{band_words(plan.band, unit)} a week"
    verdict = "outside it, decided by the therapist" if plan.outside_band else "confirmed by the therapist"
    return f"Decision: rule {plan.state} suggested {shown}; {verdict}."


def _cue_line(gait_cue: str, screen: ScreenStanding) -> str:
    if not gait_cue:
        return ""
    return _ended(CUE_WITHHELD if screen.withholds else f"Gait cue: {gait_cue}")


def _fact_lines(facts: tuple[SinceFact, ...], *, changes: bool) -> str:
    return "\n".join(f"- {fact.label}: {fact.value}{f'; {fact.change}' if changes and fact.change else ''}" for fact in facts)


def _counted_screen(screen: ScreenStanding) -> str:
    if not screen.withholds:
        return screen.sentence
    said = ["bone stress injury"] if screen.bone else []
    said += [f"{len(screen.open_items)} open"] if screen.open_items else []
    said += [f"{len(screen.unanswered_items)} unanswered"] if screen.unanswered_items else []
    return f"Red-flag screen: {', '.join(said)}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _fixed(line: str) -> _Part:
    return _Part("", line, lambda _most: line, lambda words: words)


def _free(name: str, title: str, text: str) -> _Part:
    return _Part(name, text, lambda most: cut(text, most), lambda words: f"{title}: {_ended(words)}")


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _joined(parts: list[_Part], shortened: list[str]) -> str:
    lines = [part.written for part in parts if part.written]
    if shortened:
        lines.append(f"Shortened to fit: {', '.join(shortened)}.")
    return "\n".join(lines)
