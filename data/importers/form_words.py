"""
The words of a questionnaire on pain in English, German, Spanish, French, Polish, Italian, Portuguese and Dutch: moments, sides, answers.

“How much did your hip hurt during the run?” names a moment; “8 - very bad”, “8/10” and “8 von 10” are scores.
"""

import re

from data.importers.local_forms import is_missing, plain
from data.importers.written import LineRefused
from models import NPRS_MAX, NPRS_MIN, PainMoment, RestMoment, Side

_YES = frozenset(["yes", "y", "ja", "j", "si", "oui", "o", "tak", "sim", "s", "true", "1", "x"])
_NO = frozenset(["no", "n", "nein", "non", "nie", "nao", "nee", "false", "0"])
# The first that fits decides: the morning after a run is not "after", lying at night is not rest at night.
_MOMENTS: tuple[tuple[PainMoment | RestMoment, re.Pattern[str]], ...] = (
    (PainMoment.NEXT_MORNING, re.compile(r"morning|morgen\b(?! lauf)|manana|matin\b|lendemain|\brano\b|mattin|manha|ochtend")),
    (PainMoment.NIGHT_LYING, re.compile(r"lying|on (the|your) (sore |painful )?side|liegen|seitenlage|acostad|tumbad|couche|allonge|lezac|lezeni|sdraiat|coricat|deitad|liggen|lig je")),
    (RestMoment.NIGHT_REST, re.compile(r"\bnight|nachts|in der nacht|\bnoche|\bnuit|\bnoc\b|\bnocy|\bnotte|\bnoite|\bnacht")),
    (RestMoment.REST, re.compile(r"at rest|resting|in ruhe|ruheschmerz|reposo|au repos|spoczynk|riposo|repouso|in rust|rustpijn")),
    (PainMoment.DURING, re.compile(r"during|while running|while you ran|wahrend|beim lauf|durante|pendant|podczas|w trakcie|tijdens")),
    (PainMoment.BEFORE, re.compile(r"before|\bvor(her)?\b|\bantes\b|\bavant\b|\bprzed\b|\bprima\b|\bvoor(af)?\b")),
    (PainMoment.AFTER, re.compile(r"after|\bnach(her)?\b|danach|despues|apres|\bpo\b|\bdopo\b|depois|\bapos\b|\bna\b|afterwards|nadien|erna")),
)  # fmt: skip
_LEFT = re.compile(r"\b(left|links?|linker|linke[snr]?|izquierd\w*|gauche|lew\w{1,3}|sinistr\w*|esquerd\w*|l)\b")
_RIGHT = re.compile(r"\b(right|rechts?|rechter|rechte[snr]?|derech\w*|droite?|praw\w{1,3}|destr\w*|direit\w*|r)\b")
_BOTH = re.compile(r"\b(both|beide\w*|amb[oa]s|les deux|obie|oba|entramb\w+)\b")
_SCORE = re.compile(
    r"(\d{1,3})(?:[.,]0+)?\s*(?:(?:/|von|out of|of|de|em|sur|na|z|su|van|op)\s*10\b)?\s*(?:$|\D.*)", re.IGNORECASE | re.ASCII | re.DOTALL
)
_SCORE_LAST = re.compile(r"\D*\(\s*(\d{1,3})\s*(?:/\s*10)?\s*\)\s*", re.ASCII)
_SECOND_NUMBER = re.compile(
    r"^\s*\d+(?:\s+|\s*(?:[-–—/]|to|bis|a|à|do|tot)\s*)(?!10\b)\d|^\s*\d+\s*[.,]\s*0*[1-9]", re.IGNORECASE | re.ASCII
)
PAIN_WORDS = re.compile(r"pain|schmerz|dolor|douleur|\bbol|dolore|\bdor\b|pijn|nprs|\bscore|hurt|\bweh|duele|\bmal\b|sore|fa male|doi\b")
SIDE_WORDS = re.compile(
    r"^(side|seite|lado|cote|strona|lato|zijde|kant)\b|which (side|hip|leg)|welche (seite|hufte)|que lado|quel cote|ktora strona|quale lato|welke (kant|zijde|heup)"
)
RAN_WORDS = re.compile(
    r"did you run|have you run|bist du .*gelaufen|sind sie .*gelaufen|has corrido|avez vous couru|as tu couru|biegal|hai corso|correu|heb je .*gelopen|hardgelopen"
)


def moment_of(words: str) -> PainMoment | RestMoment | None:
    """
    Tell which moment a question asks for.

    >>> moment_of("How much did your hip hurt during the run?"), moment_of("Schmerz am Morgen danach"), moment_of("Weather")
    (<PainMoment.DURING: 'during'>, <PainMoment.NEXT_MORNING: 'next_morning'>, None)
    """
    text = plain(words)
    return next((moment for moment, pattern in _MOMENTS if pattern.search(text)), None)


def sides_of(words: str) -> tuple[Side, ...]:
    """
    Tell which sides an answer or a question names, left first.

    >>> sides_of("Left hip"), sides_of("Beide"), sides_of("Links, Rechts"), sides_of("")
    ((<Side.LEFT: 'left'>,), (<Side.LEFT: 'left'>, <Side.RIGHT: 'right'>), (<Side.LEFT: 'left'>, <Side.RIGHT: 'right'>), ())
    """
    text = plain(words)
    both = bool(_BOTH.search(text))
    return tuple(side for side, pattern in ((Side.LEFT, _LEFT), (Side.RIGHT, _RIGHT)) if both or pattern.search(text))


def score_in(text: str) -> int | None:
    """
    Read a score with the words around it.

    Returns
    -------
    int or None
        None if there is no answer.

    Raises
    ------
    LineRefused
        If it is no whole number from 0 to 10, or two numbers.

    Examples
    --------
    >>> score_in("8 - very bad"), score_in("8/10"), score_in("8 von 10"), score_in("No pain (0)"), score_in("")
    (8, 8, 8, 0, None)
    """
    if is_missing(text):
        return None
    found = None if _SECOND_NUMBER.match(text) else _SCORE.fullmatch(text.strip()) or _SCORE_LAST.fullmatch(text)
    if found is None or not NPRS_MIN <= int(found[1]) <= NPRS_MAX:
        raise LineRefused(f"a pain score is one whole number from 0 to 10, not “{text[:30]}”. Leave it empty if there was no answer.")
    return int(found[1])


def answer_in(text: str) -> bool | None:
    """
    Read a yes or no in any of the languages; None if there is no answer.

    Raises
    ------
    LineRefused
        If it is neither.

    Examples
    --------
    >>> answer_in("Ja"), answer_in("Não"), answer_in("Yes, a little"), answer_in("")
    (True, False, True, None)
    """
    if is_missing(text):
        return None
    first = (plain(text).split() or [""])[0]
    if first in _YES or first in _NO:
        return first in _YES
    raise LineRefused(f"“{text[:30]}” is neither yes nor no.")
