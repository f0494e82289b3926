"""Comfortable weeks, and up to which distance weeks and runs were well borne so far."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import DistanceUnit, PainMoment, Side
from rehab import comfortable_weeks as comfortable
from rehab import tolerance
from rehab.comfortable_weeks import comfortable_weeks
from rehab.rules import Strength
from rehab.tolerance import Tolerance, run_tolerance, week_tolerance
from tests.rehab_scenes import METRES_PER_MILE, MONDAY, random_runs, random_scores, runs_frame, scores_frame, week_of, week_starts

SUNDAY = MONDAY + timedelta(days=6)


def judged(
    scores: Sequence[dict[str, Any]], runs: Sequence[dict[str, Any]] = (), *, responses: Sequence[str] = (), **more: Any
) -> list[dict[str, Any]]:
    """Weeks as dicts; the responses of the runs are "settled" unless told."""
    frame = runs_frame(runs).assign(response=[*responses, *["settled"] * (len(runs) - len(responses))])
    options: dict[str, Any] = {"side": Side.LEFT, "week_start": 0, "as_of": SUNDAY, "comfortable_max": 3, **more}
    return comfortable_weeks(frame, scores_frame(scores), **options).to_dict("records")


def on(day: int, nprs: int, moment: PainMoment = PainMoment.NEXT_MORNING, **more: Any) -> dict[str, Any]:
    return {"for_date": MONDAY + timedelta(days=day), "nprs": nprs, "moment": moment.value, **more}


def verdict(scores: Sequence[dict[str, Any]], runs: Sequence[dict[str, Any]] = ({"run_date": MONDAY},), **more: Any) -> str:
    (week,) = judged(scores, runs, **more)
    return str(week["verdict"])


THREE = [on(1, 2), on(3, 3), on(5, 1)]


# A comfortable week


@pytest.mark.parametrize(("count", "expected"), [(2, "not counted"), (3, "ok"), (4, "ok")])
def test_three_mornings_are_counted_and_fewer_are_not(count: int, expected: str) -> None:
    assert verdict([on(day, 1) for day in range(1, 1 + count)]) == expected


@pytest.mark.parametrize(("worst", "expected"), [(2, "ok"), (3, "ok"), (4, "not ok")])
def test_pain_up_to_the_limit_is_comfortable(worst: int, expected: str) -> None:
    assert verdict([on(1, 1), on(2, worst), on(3, 0)]) == expected


def test_the_limit_is_the_patients_own() -> None:
    assert verdict([*THREE, on(2, 4)], comfortable_max=4) == "ok"
    assert verdict(THREE, comfortable_max=2) == "not ok"


@pytest.mark.parametrize(("response", "expected"), [("settled", "ok"), ("unknown", "ok"), ("unsettled", "not ok"), ("slow", "not ok")])
def test_a_run_that_did_not_settle_makes_the_week_not_comfortable(response: str, expected: str) -> None:
    assert verdict(THREE, responses=[response]) == expected


@pytest.mark.parametrize(("during", "expected"), [(6, "ok"), (7, "not ok"), (8, "not ok")])
def test_pain_of_seven_during_a_run_is_a_flare(during: int, expected: str) -> None:
    assert verdict([*THREE, on(0, during, PainMoment.DURING)]) == expected


def test_limping_is_a_flare() -> None:
    limped = pd.Series(pd.to_datetime([MONDAY + timedelta(days=2)]))
    assert verdict(THREE, limping_days=limped) == "not ok"
    assert verdict(THREE, limping_days=limped + pd.Timedelta(days=7)) == "ok"


def test_with_too_few_scores_even_a_bad_week_is_not_counted_and_never_comfortable() -> None:
    assert verdict([on(1, 9), on(2, 9)], responses=["slow"]) == "not counted"


def test_two_scores_of_one_morning_are_one_morning_and_the_worse_counts() -> None:
    assert verdict([on(1, 2), on(1, 2), on(2, 2)]) == "not counted"
    assert verdict([*THREE, on(1, 8)]) == "not ok"


def test_other_sides_and_moments_are_no_mornings() -> None:
    assert verdict([on(1, 2), on(2, 2), on(3, 2, side="right"), on(4, 2, PainMoment.AFTER), on(5, 2, side="unspecified")]) == "not counted"


def test_the_morning_after_sundays_run_belongs_to_the_week_of_the_run() -> None:
    runs = [{"run_date": MONDAY}, {"run_date": SUNDAY}]
    after = on(7, 6, run_id=2, counted_date=SUNDAY)
    (week,) = judged([*THREE, after], runs, as_of=SUNDAY + timedelta(days=1))
    assert (week["verdict"], week["mornings"]) == ("not ok", 4)
    (week,) = judged([*THREE, after], runs, as_of=SUNDAY)  # on Sunday it is not felt yet
    assert (week["verdict"], week["mornings"]) == ("ok", 3)


def test_a_week_is_judged_when_it_is_over() -> None:
    assert judged(THREE, [{"run_date": MONDAY}], as_of=SUNDAY - timedelta(days=1)) == []
    (week,) = judged(THREE, [{"run_date": MONDAY, "distance_m": 4000}, {"run_date": SUNDAY, "distance_m": 6000}])
    assert week == {"week_start": pd.Timestamp(MONDAY), "runs": 2, "distance_m": 10_000.0, "mornings": 3, "verdict": "ok"}


def test_nothing_recorded_gives_no_weeks() -> None:
    assert judged([]) == []


@settings(max_examples=60)
@given(random_runs, random_scores, week_starts, st.randoms(use_true_random=False))
def test_each_whole_week_has_one_verdict_whatever_the_order(runs: Any, scores: Any, week_start: int, rng: random.Random) -> None:
    as_of = MONDAY + timedelta(days=20)
    frame = runs_frame(runs).assign(response="settled")
    options: dict[str, Any] = {"side": Side.LEFT, "week_start": week_start, "as_of": as_of, "comfortable_max": 3}
    weeks = comfortable_weeks(frame, scores_frame(scores), **options)
    seed = rng.randrange(1000)
    again = comfortable_weeks(frame.sample(frac=1, random_state=seed), scores_frame(scores).sample(frac=1, random_state=seed), **options)
    pd.testing.assert_frame_equal(weeks, again)
    starts = [stamp.date() for stamp in weeks["week_start"]]
    assert starts == sorted(set(starts))
    assert all(start.weekday() == week_start and start + timedelta(days=6) <= as_of for start in starts)
    for row in weeks.to_dict("records"):
        of_week = [
            run["distance_m"]
            for run in runs
            if run["run_date"] <= as_of and week_of(run["run_date"], week_start) == row["week_start"].date()
        ]
        assert (row["runs"], row["distance_m"]) == (len(of_week), sum(of_week))
        assert (row["verdict"] == "not counted") == (row["mornings"] < 3)


# Weeks


def weeks_of(marks: str, *, first_miles: float = 10, step: float = 1, order: Sequence[int] | None = None) -> pd.DataFrame:
    """One week a mark (o comfortable, x not, ? not counted), a mile more each, before MONDAY; `order` says which week comes when."""
    verdicts = {"o": "ok", "x": "not ok", "?": "not counted"}
    places = order or range(len(marks))
    return pd.DataFrame(
        {
            "week_start": pd.to_datetime([MONDAY - timedelta(weeks=len(marks) - place) for place in places]),
            "runs": 3,
            "distance_m": [(first_miles + step * number) * METRES_PER_MILE for number in range(len(marks))],
            "mornings": [0 if mark == "?" else 5 for mark in marks],
            "verdict": [verdicts[mark] for mark in marks],
        }
    ).astype({"week_start": "datetime64[s]"})


def borne(weeks: pd.DataFrame, **more: Any) -> Tolerance:
    options: dict[str, Any] = {"as_of": MONDAY, "week_start": 0, "comfortable_max": 3, "distance_unit": DistanceUnit.MILE, **more}
    return week_tolerance(weeks, **options)


def miles(distance_m: float | None) -> float | None:
    return None if distance_m is None else round(distance_m / METRES_PER_MILE, 3)


@pytest.mark.parametrize(
    ("marks", "t80"),
    [
        ("oooooooooxxx", 18),  # 10 … 21 miles; 19 miles and below would do, but from 19 on there are three weeks only
        ("ooooooooxxxx", 17),
        ("oooooooxxxxx", 16),
        ("oooooxoooxxx", 14),  # 15 is pooled with 16, 17 and 18: three of four
    ],
)
def test_t80_is_the_largest_week_with_four_of_five_comfortable_and_four_weeks_at_or_above(marks: str, t80: float) -> None:
    assert miles(borne(weeks_of(marks)).t80_m) == t80


def test_exactly_four_of_five_is_enough_and_three_of_four_is_not() -> None:
    # 12 miles was not comfortable; isotonic pools it with the comfortable weeks after it: 4 of 5, and 3 of 4
    assert miles(borne(weeks_of("ooxooooxxxx")).t80_m) == 16
    assert miles(borne(weeks_of("ooxoooxxxx")).t80_m) == 11
    shown = borne(weeks_of("xoooxxxxx"))
    assert (shown.t80_m, shown.t80_low_m, shown.t80_high_m, shown.patient) == (None, None, None, None)
    assert "No level to tell: at no distance were 80 % comfortable with 4 counted weeks at or above it" in shown.therapist


@pytest.mark.parametrize(("marks", "found"), [("ooooxxx", False), ("ooooxxxx", True), ("oooooxxxx", True)])
def test_an_estimate_takes_eight_counted_weeks(marks: str, found: bool) -> None:
    shown = borne(weeks_of(marks + "????"))
    assert (shown.t80_m is not None) is found
    assert ("7 counted weeks so far, and it takes 8." in shown.therapist) is not found


@pytest.mark.parametrize(("marks", "found"), [("ooooooooox", False), ("ooooooooxx", True), ("oooooooxxx", True)])
def test_an_estimate_takes_two_weeks_that_were_not_comfortable(marks: str, found: bool) -> None:
    shown = borne(weeks_of(marks))
    assert (shown.t80_m is not None) is found
    assert ("1 of 10 counted weeks was not comfortable, and it takes 2." in shown.therapist) is not found


def test_no_limit_seen_is_not_the_longest_week() -> None:
    shown = borne(weeks_of("oooooooooo"))
    assert (shown.t80_m, shown.t80_low_m, shown.t80_high_m, shown.limit_seen, shown.patient) == (None, None, None, False, None)
    assert shown.therapist == (
        "No upper limit seen yet: 0 of 10 counted weeks were not comfortable, and it takes 2. In 10 of 10 counted weeks up to 19.0 mi next-morning "
        "pain stayed ≤3 and every run settled (plausible 72–100 %). 0 weeks not counted. Observational; weeks were chosen partly because of pain."
    )


def test_a_found_distance_is_told_to_both_with_its_figures() -> None:
    # evidence 11, vector 12: 7 of 8 is 53-98 %. 11 miles was not comfortable and is pooled with 12 … 18: 7 of 8
    shown = borne(weeks_of("xooooooo" + "xxxx", first_miles=11))
    assert (shown.share.ok, shown.share.counted) == (7, 8)
    assert miles(shown.t80_m) == 18
    assert shown.t80_low_m is not None
    assert shown.t80_high_m is not None
    assert 11 * METRES_PER_MILE <= shown.t80_low_m <= 18 * METRES_PER_MILE <= shown.t80_high_m <= 22 * METRES_PER_MILE
    assert shown.therapist.startswith(
        "In 7 of 8 counted weeks up to 18.0 mi next-morning pain stayed ≤3 and every run settled (plausible 53–98 %)."
    )
    assert shown.therapist.endswith("0 weeks not counted. Observational; weeks were chosen partly because of pain.")
    assert shown.patient == (
        "So far, weeks up to about 18 miles have usually been fine the next morning. We will use that as a starting point and keep checking."
    )
    assert shown.limit_seen


def test_if_the_longest_weeks_were_fine_too_no_limit_was_seen() -> None:
    shown = borne(weeks_of("xoxooooooooo"))
    assert miles(shown.t80_m) == 18  # 10 of 12 throughout; four weeks at or above
    assert not shown.limit_seen
    assert "no upper limit seen yet, the longest was 21.0 mi." in shown.therapist


def test_weeks_that_were_not_counted_are_told_and_enter_nothing() -> None:
    plain = borne(weeks_of("ooooooxx"))
    shown = borne(weeks_of("ooooooxx" + "???", step=1))
    assert (shown.t80_m, shown.share, shown.bands, shown.not_counted) == (plain.t80_m, plain.share, plain.bands, 3)
    assert "3 weeks not counted." in shown.therapist
    assert "1 week not counted." in borne(weeks_of("ooooooxx?")).therapist


def test_a_week_without_a_run_says_nothing_of_distance() -> None:
    weeks = weeks_of("ooooooxx")
    weeks.loc[0, ["runs", "distance_m"]] = 0
    assert borne(weeks).share.counted == 7


def test_only_the_last_twelve_whole_weeks_count() -> None:
    assert borne(weeks_of("x" + "o" * 12)).share.counted == 12
    weeks = weeks_of("o" * 12)
    assert borne(weeks, as_of=SUNDAY - timedelta(days=1)).share.counted == 12
    assert borne(weeks, as_of=SUNDAY).share.counted == 11  # the week that began on MONDAY is over now


def test_a_week_that_is_not_over_on_the_day_does_not_count_yet() -> None:
    weeks = weeks_of("oo").assign(week_start=lambda rows: rows["week_start"] + pd.Timedelta(days=7))  # the second begins on MONDAY
    assert [borne(weeks, as_of=SUNDAY - timedelta(days=early)).share.counted for early in (1, 0)] == [1, 2]


def test_nothing_counted_says_what_it_takes() -> None:
    shown = borne(weeks_of("??"))
    assert (shown.bands, shown.share.counted, shown.up_to_m, shown.patient) == ((), 0, None, None)
    assert shown.therapist == (
        "No upper limit seen yet: none of the last 12 weeks has a run and 3 next-morning scores to count. 2 weeks not counted."
    )


def test_bands_are_fixed_and_a_border_belongs_to_the_upper_one() -> None:
    shown = borne(weeks_of("oooxoxxo", first_miles=9.9, step=0.1).assign(distance_m=lambda weeks: weeks["distance_m"].round()))
    assert [(miles(band.low_m), miles(band.high_m), band.share.ok, band.share.counted) for band in shown.bands] == [
        (5, 10, 1, 1),
        (10, 15, 4, 7),
    ]
    assert shown.bands[1].share.low < 4 / 7 < shown.bands[1].share.high
    kilometres = borne(weeks_of("oo", first_miles=5, step=5), distance_unit=DistanceUnit.KILOMETRE)
    assert [(band.low_m, band.high_m) for band in kilometres.bands] == [(8000, 16000), (16000, 24000)]


def test_words_in_kilometres_round_down_and_never_go_beyond_what_was_run() -> None:
    shown = borne(weeks_of("oooooooooxxx"), distance_unit=DistanceUnit.KILOMETRE)
    assert miles(shown.t80_m) == 18  # 28.968 km
    assert "up to 28.9 km" in shown.therapist
    assert shown.patient is not None
    assert "about 28.5 km" in shown.patient


@given(st.text(alphabet="ox?", max_size=14), st.permutations(range(14)))
def test_the_distance_and_its_band_are_shown_both_or_neither_and_never_beyond_what_was_run(marks: str, order: list[int]) -> None:
    places = [place for place in order if place < len(marks)]
    weeks = weeks_of(marks, order=places)
    shown = borne(weeks)
    assert repr(shown) == repr(borne(weeks.iloc[::-1]))
    assert (shown.t80_m is None) == (shown.t80_low_m is None) == (shown.t80_high_m is None)
    assert (shown.patient is None) == (shown.t80_m is None)
    assert shown.therapist.endswith(".")
    counted = weeks[weeks["verdict"] != "not counted"]["distance_m"]
    if shown.t80_m is not None and shown.t80_low_m is not None and shown.t80_high_m is not None:
        assert counted.min() <= shown.t80_low_m <= shown.t80_m <= shown.t80_high_m <= counted.max()
        assert shown.t80_m in set(counted)
        assert (counted >= shown.t80_m).sum() >= 4
    assert sum(band.share.counted for band in shown.bands) <= len(counted)


# Single runs


def runs_of(marks: str, *, first_miles: float = 3, day: date = MONDAY - timedelta(days=1)) -> pd.DataFrame:
    responses = {"o": "settled", "x": "unsettled", "s": "slow", "?": "unknown"}
    runs = [
        {"run_date": day - timedelta(days=2 * (len(marks) - number - 1)), "distance_m": round((first_miles + number) * METRES_PER_MILE)}
        for number in range(len(marks))
    ]
    return runs_frame(runs).assign(response=[responses[mark] for mark in marks])


def borne_runs(runs: pd.DataFrame, **more: Any) -> Tolerance:
    return run_tolerance(runs, **{"as_of": MONDAY, "week_start": 0, "distance_unit": DistanceUnit.MILE, **more})


def test_single_runs_are_read_the_same_way() -> None:
    shown = borne_runs(runs_of("oooooxxsx?"))
    assert miles(shown.t80_m) == pytest.approx(7, abs=0.001)
    assert (shown.share.ok, shown.share.counted, shown.not_counted) == (5, 5, 1)
    assert shown.therapist.startswith("5 of 5 counted runs up to 7.0 mi settled by the next morning (plausible 57–100 %).")
    assert "1 run not counted. Observational; distances were chosen partly because of pain." in shown.therapist
    assert shown.patient == "So far, runs up to about 7 miles have usually settled by the next morning. We will keep checking."


def test_an_unknown_response_is_never_counted_as_settled() -> None:
    shown = borne_runs(runs_of("????????"))
    assert (shown.share.counted, shown.not_counted, shown.t80_m) == (0, 8, None)
    assert "none of the last 12 weeks has a run with a known response" in shown.therapist


@pytest.mark.parametrize(
    ("marks", "lacking"), [("oooooxx", "7 runs with a known response so far, and it takes 8."), ("ooooooox", "1 of 8")]
)
def test_single_runs_take_as_many_as_weeks(marks: str, lacking: str) -> None:
    shown = borne_runs(runs_of(marks))
    assert (shown.t80_m, shown.patient) == (None, None)
    assert lacking in shown.therapist


def test_runs_before_the_twelve_weeks_and_after_the_day_do_not_count() -> None:
    first = MONDAY - timedelta(weeks=12)
    for day, counted in ((first - timedelta(days=1), 0), (first, 1), (MONDAY, 1), (MONDAY + timedelta(days=1), 0)):
        assert borne_runs(runs_of("o", day=day)).share.counted == counted


def test_the_rules_are_a_choice_of_this_project_and_name_their_limits() -> None:
    rules = comfortable.RULE, tolerance.RULE
    assert all(rule.strength is Strength.CLINIC and rule.criticism and rule.may_not_say for rule in rules)
    assert [limit.value for limit in rules[0].limits] == [3, 3, 2, 7]
    assert [limit.value for limit in rules[1].limits] == [8, 2, 0.80, 4, 12]
