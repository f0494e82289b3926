"""Scores of outcome measures. Numbers: evidence 11, vector 14."""

import pytest

from rehab.outcomes import hoos_12


def test_the_hoos_12_of_the_vector() -> None:
    scored = hoos_12([1, 2, 1, 2], [1, 1, 2, 3], [2, 2, 1, 3])
    assert (scored.pain, scored.function, scored.quality_of_life, scored.summary) == (62.5, 56.25, 50, 56.25)


def test_a_missing_answer_is_left_out_and_never_0() -> None:
    # 2, 2 and 3: 100 − 25 × 7/3
    scored = hoos_12([1, 2, 1, 2], [1, 1, 2, 3], [2, 2, None, 3])
    assert scored.quality_of_life == pytest.approx(41.667, abs=1e-3)
    assert scored.summary == pytest.approx((62.5 + 56.25 + 41.667) / 3, abs=1e-3)


def test_two_answers_of_a_scale_are_enough_and_one_is_not() -> None:
    assert hoos_12([4, None, 2, None], [0] * 4, [4] * 4).pain == 25
    scored = hoos_12([4, None, None, None], [0] * 4, [4] * 4)
    assert (scored.pain, scored.function, scored.quality_of_life, scored.summary) == (None, 100, 0, None)


@pytest.mark.parametrize("answers", [[1, 2, 3], [1, 2, 3, 4, 4], [0, 0, 0, 5], [0, 0, 0, -1], []])
def test_what_cannot_be_an_answer_is_refused(answers: list[int]) -> None:
    with pytest.raises(ValueError, match="answer"):
        hoos_12(answers, [0] * 4, [0] * 4)
