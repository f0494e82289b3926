"""Whether the plan was kept: on time, shifted, missed, unplanned, over the ceiling."""

import itertools
import math
import random
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehab.adherence import KEPT_RUN_COLUMNS, PLACE_COLUMNS, RULE, Adherence, adherence
from rehab.days import Coverage
from tests.rehab_scenes import MONDAY, random_runs, runs_frame, week_starts
from tests.test_rehab_plan import plans

EVERYTHING = Coverage(MONDAY - timedelta(days=60), MONDAY + timedelta(days=120))


def day_of(number: int) -> date:
    return MONDAY + timedelta(days=number)


def run(day: int, distance_m: int = 8_000, hour: int = 12) -> dict[str, Any]:
    return {
        "run_date": day_of(day),
        "distance_m": distance_m,
        "started_at_utc": pd.Timestamp(day_of(day), tz="UTC") + pd.Timedelta(hours=hour),
    }


def sessions(*planned: int | tuple[int, float | None]) -> pd.DataFrame:
    pairs = [each if isinstance(each, tuple) else (each, None) for each in planned]
    return pd.DataFrame(
        {"planned_on": pd.to_datetime([day_of(day) for day, _ in pairs]), "distance_m": [distance for _, distance in pairs]}
    ).astype({"distance_m": "float64"})


def put_side_by_side(
    runs: list[dict[str, Any]], plan: pd.DataFrame, planned: pd.DataFrame | None = None, *, as_of: int = 60, **more: Any
) -> Adherence:
    more = {"coverage": EVERYTHING, "week_start": 0, **more}
    return adherence(runs_frame(runs), plan, as_of=day_of(as_of), planned_sessions=planned, **more)


def fits(*args: Any, **more: Any) -> tuple[list[str], list[str]]:
    kept = put_side_by_side(*args, **more)
    return kept.runs["fit"].tolist(), kept.places["fit"].tolist()


# --------------------------------------------------------------------------------------------------------------------
# Planned days
# --------------------------------------------------------------------------------------------------------------------

# Ada's two weeks. Planned: Tuesday 5 km, Thursday 5 km, Sunday 8 km; no run over 10 km. (Day 0 is a Monday.)
PLANNED = sessions((1, 5_000), (3, 5_000), (6, 8_000), (8, 5_000), (10, 5_000), (13, 8_000))
TABLE = [
    # day, metres, fit, keeps the session of day
    (1, 5_100, "on time", 1),
    (4, 5_000, "shifted", 3),  # Friday for Thursday
    (6, 12_000, "over the ceiling", 6),  # Sunday, and too far
    (7, 4_000, "shifted", 8),  # Monday for Tuesday, in the second week
    (12, 8_000, "shifted", 13),  # Saturday for Sunday
    (14, 3_000, "unplanned", None),  # Monday after; Sunday is kept already
]


def test_each_run_and_each_planned_day_is_what_the_hand_made_table_says() -> None:
    kept = put_side_by_side(
        [run(day, distance) for day, distance, _, _ in TABLE],
        plans({"run_ceiling_m": 10_000}),
        pd.concat([PLANNED, sessions(16)]),
        as_of=30,
    )
    assert kept.runs["fit"].tolist() == [fit for _, _, fit, _ in TABLE]
    planned_on = [None if math.isnan(place) else kept.places["planned_on"][int(place)].date() for place in kept.runs["place"]]
    assert planned_on == [None if day is None else day_of(day) for _, _, _, day in TABLE]
    # Thursday of the second week and Wednesday of the third
    assert kept.places["fit"].tolist() == ["on time", "shifted", "on time", "shifted", "missed", "shifted", "missed"]
    assert kept.counts() == {"on time": 1, "shifted": 3, "missed": 2, "unplanned": 1, "over the ceiling": 1}
    assert kept.counts(since=day_of(7)) == {"on time": 0, "shifted": 2, "missed": 2, "unplanned": 1, "over the ceiling": 0}
    assert kept.runs["shift_days"].fillna(99).tolist() == [0, 1, 0, -1, -1, 99]
    assert kept.runs["over_ceiling"].tolist() == [False, False, True, False, False, False]
    assert list(kept.runs.columns) == list(KEPT_RUN_COLUMNS)
    assert list(kept.places.columns) == list(PLACE_COLUMNS)


@pytest.mark.parametrize(
    ("day", "tolerance", "fit"),
    [
        (10, 0, "on time"),
        (11, 0, "unplanned"),
        (11, 1, "shifted"),
        (9, 1, "shifted"),
        (12, 1, "unplanned"),
        (12, 2, "shifted"),
        (8, 1, "unplanned"),
    ],
)
def test_a_run_within_the_tolerance_is_shifted_and_beyond_it_unplanned(day: int, tolerance: int, fit: str) -> None:
    runs, places = fits([run(day)], plans({}), sessions(10), tolerance_days=tolerance)
    assert runs == [fit]
    assert places == ["missed" if fit == "unplanned" else fit]


def test_a_run_on_its_day_is_never_given_away_to_keep_more_days() -> None:
    # Tuesday and Wednesday planned, Wednesday and Thursday run: Wednesday is on time, Thursday does not stand in for it
    assert fits([run(2), run(3)], plans({}), sessions(1, 2)) == (["on time", "unplanned"], ["missed", "on time"])


def test_as_many_days_as_possible_are_kept_by_the_runs_near_them() -> None:
    # Tuesday and Thursday planned, Wednesday and Friday run: giving Thursday the Wednesday would leave Tuesday missed
    assert fits([run(2), run(4)], plans({}), sessions(1, 3)) == (["shifted"] * 2, ["shifted"] * 2)
    # with three days of tolerance the pairs with the fewest days are taken
    kept = put_side_by_side([run(4), run(9)], plans({}), sessions(1, 6, 10), tolerance_days=3)
    assert kept.places["run_id"].fillna(0).tolist() == [0, 1, 2]


def test_of_two_runs_as_near_the_earlier_one_is_taken_and_of_two_days_the_earlier_one() -> None:
    assert fits([run(1), run(3)], plans({}), sessions(2))[0] == ["shifted", "unplanned"]
    assert fits([run(2)], plans({}), sessions(1, 3))[1] == ["shifted", "missed"]


def test_of_two_runs_of_a_day_the_one_nearest_to_what_was_planned_is_on_time() -> None:
    assert fits([run(1, 9_000), run(1, 5_200, 18)], plans({}), sessions((1, 5_000)))[0] == ["unplanned", "on time"]
    assert fits([run(1, 4_000), run(1, 5_200, 18)], plans({}), sessions(1))[0] == ["unplanned", "on time"]
    assert fits([run(1, 5_000), run(1, 5_000, 18)], plans({}), sessions(1))[0] == ["on time", "unplanned"]


def test_two_sessions_of_one_day_take_two_runs_the_longer_first() -> None:
    kept = put_side_by_side([run(1, 3_000), run(1, 9_000, 18)], plans({}), sessions((1, 2_000), (1, 8_000)))
    assert kept.runs["fit"].tolist() == ["on time", "on time"]
    one = put_side_by_side([run(1, 5_000)], plans({}), sessions((1, 2_000), (1, 8_000)))
    assert one.counts()["missed"] == 1


def test_a_run_over_the_ceiling_keeps_its_day_but_is_told_as_too_far() -> None:
    plan = plans({"run_ceiling_m": 8_000})
    for distance, fit in ((7_999, "on time"), (8_000, "on time"), (8_001, "over the ceiling")):
        assert fits([run(1, distance)], plan, sessions(1)) == ([fit], ["on time"])
    assert fits([run(2, 8_001)], plan, sessions(1)) == (["over the ceiling"], ["shifted"])
    assert fits([run(4, 8_001)], plan, sessions(1)) == (["over the ceiling"], ["missed"])


def test_the_ceiling_is_that_of_the_runs_own_week() -> None:
    plan = plans({"run_ceiling_m": 8_000}, {"run_ceiling_m": 9_000, "valid_from": day_of(7)})
    assert fits([run(6, 8_500), run(7, 8_500)], plan, sessions(6, 7))[0] == ["over the ceiling", "on time"]


@pytest.mark.parametrize(("as_of", "place"), [(9, "open"), (10, "open"), (11, "open"), (12, "missed")])
def test_a_day_is_missed_only_when_the_tolerance_after_it_is_over(as_of: int, place: str) -> None:
    assert fits([], plans({}), sessions(10), as_of=as_of)[1] == [place]


@pytest.mark.parametrize(
    ("first", "last", "place"), [(10, 11, "missed"), (11, 20, "not known"), (0, 10, "not known"), (20, 30, "not known"), (0, 11, "missed")]
)
def test_a_day_that_was_not_logged_is_never_missed(first: int, last: int, place: str) -> None:
    assert fits([], plans({}), sessions(10), coverage=Coverage(day_of(first), day_of(last)))[1] == [place]
    assert fits([], plans({}), sessions(10), coverage=None)[1] == ["not known"]


def test_days_after_the_episode_and_in_later_weeks_are_no_part_of_it() -> None:
    kept = put_side_by_side([], plans({}), sessions(1, 3, 8), ended_on=day_of(2))
    assert kept.places["planned_on"].tolist() == [pd.Timestamp(day_of(1))]
    assert len(put_side_by_side([], plans({}), sessions(1, 6, 7), as_of=2).places) == 2


# --------------------------------------------------------------------------------------------------------------------
# A number of runs
# --------------------------------------------------------------------------------------------------------------------

THREE = plans({"runs_per_week": 3.0, "run_ceiling_m": 10_000.0})


def test_where_only_a_number_is_planned_any_day_of_the_week_is_on_time() -> None:
    assert fits([run(0), run(1), run(6)], THREE, as_of=6) == (["on time"] * 3, ["on time"] * 3)


def test_more_runs_than_planned_are_unplanned_the_last_ones() -> None:
    assert fits([run(0), run(2), run(3, 10_001), run(4), run(5)], THREE, as_of=6)[0] == [
        "on time",
        "on time",
        "over the ceiling",
        "unplanned",
        "unplanned",
    ]


@pytest.mark.parametrize(("as_of", "place"), [(6, "open"), (7, "open"), (8, "missed")])
def test_a_run_of_the_week_is_missed_only_when_the_week_and_the_tolerance_are_over(as_of: int, place: str) -> None:
    shown = fits([run(0), run(2)], THREE, as_of=as_of)[1]
    assert shown[:3] == ["on time", "on time", place]


def test_what_one_week_has_too_many_its_neighbour_may_take_over_the_border() -> None:
    # two runs in the first week, four in the second, one of them on its Monday
    assert fits([run(1), run(3), run(7), run(9), run(11), run(12)], THREE, as_of=15)[0] == [
        "on time",
        "on time",
        "shifted",
        "on time",
        "on time",
        "on time",
    ]
    # four in the first week, one of them on its Sunday, two in the second
    assert fits([run(0), run(1), run(3), run(6), run(9), run(11)], THREE, as_of=15)[0] == ["on time"] * 3 + ["shifted"] + ["on time"] * 2


@pytest.mark.parametrize(
    ("first_week", "second_week", "shifted"),
    [
        ((1,), (7, 7, 10, 11), [7]),  # two lacking, one to spare, two near: the earlier of the two
        ((1, 2), (7, 7, 9, 10, 11), [7]),  # one lacking, two to spare, two near
        ((1,), (7, 9, 10, 11, 12), [7]),  # two lacking, two to spare, one near
        ((0, 0, 2, 6, 6), (8, 9), [6]),  # two near before: one is lacking
        ((0, 2, 6, 6), (9,), [6]),  # one to spare before: two are lacking
    ],
)
def test_no_more_is_shifted_than_is_lacking_to_spare_and_near(
    first_week: tuple[int, ...], second_week: tuple[int, ...], shifted: list[int]
) -> None:
    days = [*first_week, *second_week]
    kept = put_side_by_side([run(day, hour=6 + at) for at, day in enumerate(days)], THREE, as_of=15)
    assert [day for day, fit in zip(days, kept.runs["fit"], strict=True) if fit == "shifted"] == shifted
    before = kept.runs["fit"].tolist()[: len(first_week)]
    if 6 in shifted:
        assert before[-1] == "shifted"  # the latest of that day
    else:
        assert kept.runs["fit"].tolist()[len(first_week)] == "shifted"  # the earliest of that day


def test_of_the_week_before_and_the_week_after_the_one_before_gives_first() -> None:
    # four, two, four: the Sunday before and the Monday after could both be taken
    days = [0, 1, 2, 6, 8, 9, 14, 15, 16, 17]
    kept = put_side_by_side([run(day) for day in days], THREE, as_of=23)
    assert [day for day, fit in zip(days, kept.runs["fit"], strict=True) if fit == "shifted"] == [6]
    assert [day for day, fit in zip(days, kept.runs["fit"], strict=True) if fit == "unplanned"] == [17]


def test_beyond_the_tolerance_or_without_one_too_many_nothing_is_shifted() -> None:
    assert fits([run(1), run(3), run(8), run(9), run(11), run(12)], THREE, as_of=15)[0][2:] == ["on time"] * 3 + ["unplanned"]
    exact = put_side_by_side([run(1), run(3), run(7), run(9), run(11)], THREE, as_of=20)
    assert exact.runs["fit"].tolist() == ["on time"] * 5
    assert exact.counts(since=day_of(0))["missed"] == 1


def test_shifted_runs_say_by_how_many_days() -> None:
    kept = put_side_by_side([run(1), run(8), run(9), run(10), run(11), run(12)], THREE, as_of=15, tolerance_days=2)
    assert kept.runs["fit"].tolist()[:2] == ["on time", "shifted"]
    assert kept.runs["shift_days"].tolist()[:2] == [0, 2]
    early = put_side_by_side([run(0), run(1), run(2), run(6), run(9), run(11)], THREE, as_of=15)
    assert early.runs["shift_days"].tolist()[3] == -1


def test_a_week_that_was_not_logged_whole_has_no_missed_run() -> None:
    for covered in (Coverage(day_of(1), day_of(30)), Coverage(day_of(-9), day_of(6)), None):
        kept = put_side_by_side([run(2)], THREE, as_of=8, coverage=covered)
        assert kept.places["fit"].tolist()[:3] == ["on time", "not known", "not known"]


def test_the_week_in_which_the_episode_ended_asks_for_no_more() -> None:
    assert fits([run(0)], THREE, as_of=30, ended_on=day_of(2))[1] == ["on time", "not known", "not known"]
    assert fits([run(0)], THREE, as_of=30, ended_on=day_of(5))[1] == ["on time", "not known", "not known"]
    assert fits([run(0)], THREE, as_of=30, ended_on=day_of(6))[1] == ["on time", "missed", "missed"]


def test_without_a_plan_a_run_is_not_called_unplanned() -> None:
    assert fits([run(-5), run(1)], plans({"run_ceiling_m": 5_000}))[0] == ["no plan", "over the ceiling"]
    assert fits([run(1)], plans())[0] == ["no plan"]


def test_planned_days_go_before_the_number_and_share_no_run_with_it() -> None:
    # the first week names its days, the second only a number; Monday of the second week keeps the first week's Sunday
    runs, places = fits([run(1), run(7), run(9), run(10), run(11)], THREE, sessions(1, 6), as_of=15)
    assert runs == ["on time", "shifted", "on time", "on time", "on time"]
    assert places[:5] == ["on time", "shifted", "on time", "on time", "on time"]


def test_nothing_run_and_nothing_planned_gives_empty_frames() -> None:
    kept = put_side_by_side([], plans())
    assert (len(kept.runs), len(kept.places)) == (0, 0)
    assert set(kept.counts().values()) == {0}


@pytest.mark.parametrize("tolerance", [-1, 7])
def test_a_tolerance_of_a_week_or_below_none_is_refused(tolerance: int) -> None:
    with pytest.raises(ValueError, match="0 to 6 days"):
        put_side_by_side([], THREE, tolerance_days=tolerance)


def test_the_rule_names_its_tolerance() -> None:
    assert [limit.value for limit in RULE.limits] == [1]


# --------------------------------------------------------------------------------------------------------------------
# Properties
# --------------------------------------------------------------------------------------------------------------------

planned_days = st.lists(st.tuples(st.integers(-21, 49), st.none() | st.integers(1_000, 20_000).map(float)), max_size=15)


@given(random_runs, planned_days, st.none() | st.integers(1, 5), week_starts, st.integers(0, 6), st.randoms(use_true_random=False))
def test_every_place_and_every_run_is_counted_once_in_any_order(
    runs: list[Any], planned: list[Any], number: int | None, week_start: int, tolerance: int, shuffle: random.Random
) -> None:
    plan = plans({"runs_per_week": number, "valid_from": day_of(-30)})
    seed = shuffle.randrange(2**32)
    frames = runs_frame(runs), sessions(*planned)
    kept, again = (
        adherence(one, plan, week_start=week_start, as_of=day_of(60), coverage=EVERYTHING, planned_sessions=other, tolerance_days=tolerance)
        for one, other in (frames, tuple(frame.sample(frac=1, random_state=seed) for frame in frames))
    )
    pd.testing.assert_frame_equal(again.runs, kept.runs)
    pd.testing.assert_frame_equal(again.places, kept.places)
    assert sorted(kept.runs.index) == list(range(1, len(runs) + 1))
    filled = kept.places["run_id"].dropna()
    assert filled.is_unique
    assert kept.runs["place"].notna().sum() == len(filled)
    assert kept.runs["shift_days"].abs().max() <= tolerance or kept.runs["place"].isna().all()
    assert kept.places["fit"].isin(["missed", "open"]).sum() + len(filled) == len(kept.places)


def most_pairs(session_days: list[int], run_days: list[int], tolerance: int) -> tuple[int, int]:
    """Try every way of pairing what is left after the runs on their day: the most pairs, then the fewest days."""
    session_days, run_days = list(session_days), list(run_days)
    on_time = 0
    for day in list(session_days):
        if day in run_days:
            session_days.remove(day)
            run_days.remove(day)
            on_time += 1
    best = (0, 0)
    short, long = sorted((session_days, run_days), key=len)
    for chosen in itertools.permutations(long, len(short)):
        near = [abs(one - other) for one, other in zip(short, chosen, strict=True) if abs(one - other) <= tolerance]
        best = max(best, (len(near), -sum(near)))
    return on_time + best[0], -best[1]


@given(
    st.lists(st.integers(0, 13), max_size=5, unique=True),
    st.lists(st.integers(0, 13), max_size=5),
    st.integers(0, 4),
)
def test_no_other_pairing_keeps_more_days_or_as_many_with_less_shifting(planned: list[int], run_days: list[int], tolerance: int) -> None:
    kept = put_side_by_side([run(day) for day in run_days], plans({}), sessions(*planned), tolerance_days=tolerance)
    pairs = int(kept.places["run_id"].notna().sum()) if len(kept.places) else 0
    assert (pairs, kept.runs["shift_days"].abs().sum()) == most_pairs(planned, run_days, tolerance)
