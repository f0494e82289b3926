"""The short look that spares the long one never hides a run that the long one would find."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from data.matching import FAR_S, is_same, likeness, too_far_apart
from data.merging import identity_of
from data.run_copies import TOLD_FIELDS, Copy
from models import DistanceRule

START = datetime(2025, 3, 4, 12, tzinfo=UTC)


def copy(number: int, *, after_s: float = 0, offset_s: int = 0, distance_m: int = 8_000, time_s: int = 2_900, known: bool = True) -> Copy:
    started = START + timedelta(seconds=after_s)
    told = {
        "started_at_utc": started, "run_date": (started + timedelta(seconds=offset_s)).date(), "utc_offset_s": offset_s,
        "distance_m": distance_m, "moving_time_s": time_s, "elapsed_time_s": time_s, "distance_rule": DistanceRule.GPS,
    }  # fmt: skip
    fields = dict.fromkeys(TOLD_FIELDS) | told
    made = Copy(number, number, None, number, fields, None, START, None, source="fit", start_is_known=known)
    made.identity = identity_of(fields)
    return made


copies = st.builds(
    copy,
    st.just(2),
    after_s=st.one_of(st.floats(-200_000, 200_000), st.integers(-15, 15).map(lambda hours: hours * 3600.0)),
    offset_s=st.sampled_from([-43_200, 0, 3_600, 50_400]),
    distance_m=st.integers(7_500, 8_500),
    time_s=st.integers(2_700, 3_100),
    known=st.booleans(),
)


@given(copies, st.booleans())
def test_what_is_too_far_apart_is_neither_the_same_nor_alike(other: Copy, known: bool) -> None:
    one = copy(1, known=known)
    assert too_far_apart(one, other) == too_far_apart(other, one)
    if too_far_apart(one, other):
        assert not is_same(one, other)
        assert likeness(one, other) == ""


def test_fourteen_hours_and_two_minutes_are_near_enough_and_a_second_more_is_not() -> None:
    assert FAR_S == 14 * 3600 + 120
    one = copy(1)
    assert [too_far_apart(one, copy(2, after_s=FAR_S + more)) for more in (-1, 0, 1)] == [False, False, True]
    assert likeness(one, copy(2, after_s=FAR_S)).startswith("Same distance and time, 14 hours apart")


def test_on_one_day_nothing_is_too_far_apart() -> None:
    assert not too_far_apart(copy(1, after_s=-43_200), copy(2, after_s=43_199))  # one day from its first to its last second
