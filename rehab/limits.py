"""The limits of one patient, which a therapist may change."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """
    What is comfortable, what is acceptable and how long a step may be, for one patient.

    Attributes
    ----------
    comfortable_max, acceptable_max : int
        The pain zones: comfortable up to and including the first, OK if it settles up to and including the second.
    settled_max : float
        A next morning up to and including this much above the reference is settled.
    max_step_ratio : float
        One run may be this many times the longest run of the 30 days before.
    no_suggestions : bool
        Nothing is suggested for this patient.
    reason : str
        Why.
    """

    comfortable_max: int = 3
    acceptable_max: int = 5
    settled_max: float = 1
    max_step_ratio: float = 1.10
    no_suggestions: bool = False
    reason: str = ""
