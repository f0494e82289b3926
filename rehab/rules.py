"""What a clinical rule is: what it says, where it comes from, how well that is known, and what it may not claim."""

from dataclasses import dataclass
from enum import StrEnum


class Strength(StrEnum):
    """How strong the evidence behind a rule is."""

    TRIAL = "A"
    COHORT = "B"
    LABORATORY = "C"
    CONSENSUS = "D"
    CLINIC = "E"

    @property
    def words(self) -> str:
        """Say it in words, as it stands on the screen beside a number."""
        return _STRENGTH_WORDS[self]


_STRENGTH_WORDS = {
    Strength.TRIAL: "randomised trial or systematic review",
    Strength.COHORT: "cohort study",
    Strength.LABORATORY: "laboratory or cross-sectional study, or a model",
    Strength.CONSENSUS: "expert opinion",
    Strength.CLINIC: "a choice of this project; no evidence claimed",
}


@dataclass(frozen=True)
class Source:
    """
    Where a fact was read.

    Only what was read in the source itself, or of which at least a part was read, is a source. What is known from general knowledge alone is
    none: such a rule has no source and is strength D or E.

    Attributes
    ----------
    citation : str
        Authors, year, journal or DOI.
    finding : str
        What was found there, in one sentence with its numbers.
    strength : Strength
        Of this source for this use.
    read_in_part : bool
        True if only its title or a part was read.
    """

    citation: str
    finding: str
    strength: Strength
    read_in_part: bool = False


@dataclass(frozen=True)
class Limit:
    """
    One number that decides something.

    Attributes
    ----------
    name : str
        What is compared.
    value : float
        The limit, in `unit`.
    unit : str
        "" for a plain ratio.
    counts : str
        Which side counts, such as "> 1.10; on the limit is silent".
    """

    name: str
    value: float
    unit: str
    counts: str


@dataclass(frozen=True)
class Rule:
    """
    A clinical rule as the screen and docs/rules.md show it.

    Attributes
    ----------
    name : str
        Its name in code and addresses, such as "single_session_ratio".
    title : str
        Its name for people.
    says : str
        What it does, in plain sentences.
    strength : Strength
        Of the rule as used here: never better than its best source.
    limits : tuple of Limit
    sources : tuple of Source
        May be empty for D and E only.
    criticism : str
        What is known against it.
    may_say : str
    may_not_say : str
        What it must never be used to claim.
    """

    name: str
    title: str
    says: str
    strength: Strength
    limits: tuple[Limit, ...] = ()
    sources: tuple[Source, ...] = ()
    criticism: str = ""
    may_say: str = ""
    may_not_say: str = ""

    def __post_init__(self) -> None:
        if not self.sources and self.strength < Strength.CONSENSUS:
            raise ValueError(f"{self.name} claims strength {self.strength} without a source")
        if self.sources and self.strength < min(source.strength for source in self.sources):
            raise ValueError(f"{self.name} claims more than its best source")
