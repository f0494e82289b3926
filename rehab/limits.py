"""The limits of one patient, which a therapist may change."""

from dataclasses import dataclass, replace
from datetime import date

from models import NPRS_MAX, NPRS_MIN

STEP_RATIO_MIN, STEP_RATIO_MAX = 1.0, 2.0  # what may be typed; both ends are allowed
ADULT_YEARS = 18  # nothing is suggested below (a choice of this project)


@dataclass(frozen=True)
class Limits:
    """
    What is comfortable, what is acceptable and how long a step may be, for one patient.

    Attributes
    ----------
    comfortable_max : int
        Pain during a run up to and including this is comfortable (green).
    acceptable_max : int
        Up to and including this it is OK if it settles (amber); above it is too much.
    settled_max : float
        A next morning up to and including this much above the reference is settled.
    max_step_ratio : float
        One run may be this many times the longest run of the 30 days before; more is a spike. Compared with two decimals.
    no_suggestions : bool
        True where the app suggests nothing: under 18 years, pregnancy, or as the therapist says.
    no_suggestions_reason : str
        Why nothing is suggested.

    Raises
    ------
    ValueError
        If the numbers contradict each other, or nothing is suggested without a reason.
    """

    comfortable_max: int = 3
    acceptable_max: int = 5
    settled_max: float = 1
    max_step_ratio: float = 1.10
    no_suggestions: bool = False
    no_suggestions_reason: str = ""

    def __post_init__(self) -> None:
        if not NPRS_MIN <= self.comfortable_max <= self.acceptable_max <= NPRS_MAX:
            raise ValueError("Comfortable may not lie above acceptable, and both lie between 0 and 10.")
        if self.settled_max < 0:
            raise ValueError("What counts as settled may not be below the reference.")
        if not STEP_RATIO_MIN <= self.max_step_ratio <= STEP_RATIO_MAX:
            raise ValueError(f"The longest step lies between {STEP_RATIO_MIN:g} and {STEP_RATIO_MAX:g} times the longest run.")
        if self.no_suggestions and not self.no_suggestions_reason.strip():
            raise ValueError("Say why nothing is to be suggested.")

    def is_over_step(self, distance_m: float, longest_m: float) -> bool:
        """
        Tell whether a run is longer than the step allows; on the limit it is not. In whole hundredths, so 6.82 of 6.2 is on it.

        Examples
        --------
        >>> Limits().is_over_step(6820, 6200), Limits().is_over_step(6821, 6200)
        (False, True)
        """
        return 100 * distance_m > round(100 * self.max_step_ratio) * longest_m

    def on(self, day: date, birth_date: date | None) -> "Limits":
        """
        Give the limits as they hold on a day: of who is under 18 nothing is suggested.

        Examples
        --------
        >>> Limits().on(date(2026, 3, 3), date(2008, 3, 4)).no_suggestions_reason
        'under 18 years'
        >>> Limits().on(date(2026, 3, 4), date(2008, 3, 4)).no_suggestions
        False
        """
        if birth_date is None or self.no_suggestions:
            return self
        age = day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
        return replace(self, no_suggestions=True, no_suggestions_reason="under 18 years") if age < ADULT_YEARS else self
