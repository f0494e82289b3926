"""Scores of outcome measures from the numbers of their answers. The wording of named instruments is not ours to ship: only their scoring."""

from collections.abc import Sequence
from dataclasses import dataclass

HOOS_12_ITEMS, HOOS_12_MIN_ANSWERED, HOOS_12_MAX_ANSWER = 4, 2, 4  # of each scale; on the limit is enough


@dataclass(frozen=True)
class Hoos12:
    """HOOS-12: pain, function and quality of life from 0 to 100, more is better; None where too little was answered."""

    pain: float | None
    function: float | None
    quality_of_life: float | None

    @property
    def summary(self) -> float | None:
        """Mean of the three scales; None unless all three are known."""
        scales = [self.pain, self.function, self.quality_of_life]
        known = [scale for scale in scales if scale is not None]
        return sum(known) / len(known) if len(known) == len(scales) else None


def hoos_12(pain: Sequence[int | None], function: Sequence[int | None], quality_of_life: Sequence[int | None]) -> Hoos12:
    """
    Score the HOOS-12.

    Parameters
    ----------
    pain, function, quality_of_life : sequence of four int or None
        Answers from 0 (best) to 4, None where none was given. A missing answer is left out, never counted as 0.

    Returns
    -------
    Hoos12
        A scale is 100 − 25 × the mean of its answers; it takes two of four.

    Raises
    ------
    ValueError
        If a scale has not four places, or an answer is not a whole number from 0 to 4.

    References
    ----------
    koos.nu, HOOS-12 scoring.

    Examples
    --------
    >>> hoos_12([1, 2, 1, 2], [1, 1, 2, 3], [2, 2, 1, 3]).summary
    56.25
    """
    return Hoos12(_scale(pain), _scale(function), _scale(quality_of_life))


def _scale(answers: Sequence[int | None]) -> float | None:
    if len(answers) != HOOS_12_ITEMS:
        raise ValueError(f"A scale has {HOOS_12_ITEMS} answers; leave one that was not given empty.")
    given = [answer for answer in answers if answer is not None]
    if any(answer not in range(HOOS_12_MAX_ANSWER + 1) for answer in given):
        raise ValueError(f"An answer is a whole number from 0 to {HOOS_12_MAX_ANSWER}.")
    return 100 - 25 * sum(given) / len(given) if len(given) >= HOOS_12_MIN_ANSWERED else None
