"""Inputs of the decision table, made by hand or drawn at random."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from models import DistanceUnit
from rehab.blocks import Blocks, blocks_of
from rehab.decision_inputs import DecisionInputs, ScoredRun
from rehab.limits import Limits
from rehab.red_flags import ITEMS
from rehab.screen import CLEAR, NEVER_ASKED, OPEN, UNANSWERED, ScreenStanding
from tests.rehab_scenes import METRES_PER_MILE, MONDAY

CLEAR_SCREEN = ScreenStanding(CLEAR)


def miles(*newest_first: float) -> Blocks:
    return blocks_of([mile * METRES_PER_MILE for mile in newest_first])


def metres(mile: float) -> int:
    return round(mile * METRES_PER_MILE)


def scored(during: Sequence[int] = (2, 2, 2), responses: Sequence[str] = ("settled", "settled", "settled")) -> tuple[ScoredRun, ...]:
    """Runs of two, four, six … days ago, the newest first."""
    return tuple(
        ScoredRun(MONDAY - timedelta(days=2 * number), pain, response)
        for number, (pain, response) in enumerate(zip(during, responses, strict=True), start=1)
    )


def inputs(**other: Any) -> DecisionInputs:
    """Ada: green for three weeks, 17.5 miles a week, longest run 6.2 miles, all of it logged; `other` changes one thing."""
    ada: dict[str, Any] = {
        "as_of": MONDAY,
        "screen": CLEAR_SCREEN,
        "blocks": miles(17.5, 17.5, 17.5, 17.5),
        "before_gap": miles(17.5, 17.5, 17.5),
        "days_without_log": 0,
        "days_without_run": 2,
        "scored_runs": scored(),
        "morning_scores": 10,
        "trend": "steady",
        "spike_m": metres(6.2),
        "spike_longest_m": metres(6.2),
        "longest_m": metres(6.2),
        "longest_before_gap_m": metres(6.2),
        "longest_kept_m": metres(6.2),
        "green_days": 21,
        "strength_done": 6,
        "strength_prescribed": 6,
    }
    return DecisionInputs(**ada | other)


# Anything at all, whether it can happen or not.

counts = st.integers(0, 40)
distances = st.integers(1, 60_000)
screens = st.one_of(
    st.just(CLEAR_SCREEN),
    st.just(NEVER_ASKED),
    st.just(ScreenStanding(OPEN, ITEMS[:1])),
    st.just(ScreenStanding(OPEN, bone=True)),
    st.just(ScreenStanding(UNANSWERED, (), ITEMS[3:5])),
)
all_blocks = st.lists(st.one_of(st.just(0), st.integers(1, 3_000), st.integers(1, 120_000)), max_size=5).map(blocks_of)
scored_runs = st.lists(
    st.builds(ScoredRun, st.just(MONDAY), st.integers(0, 10), st.sampled_from(["settled", "unsettled", "slow", "unknown"])), max_size=3
).map(tuple)


@st.composite
def all_limits(draw: st.DrawFn) -> Limits:
    comfortable = draw(st.integers(0, 8))
    excluded = draw(st.integers(0, 9)) == 0
    return Limits(
        comfortable,
        draw(st.integers(comfortable, 10)),
        1,
        draw(st.integers(100, 200)) / 100,
        no_suggestions=excluded,
        no_suggestions_reason="under 18" if excluded else "",
    )


any_inputs = st.builds(
    DecisionInputs,
    as_of=st.just(MONDAY),
    screen=screens,
    limits=st.one_of(st.just(Limits()), all_limits()),
    distance_unit=st.sampled_from(list(DistanceUnit)),
    blocks=all_blocks,
    before_gap=all_blocks,
    days_without_log=st.none() | counts,
    days_without_run=st.none() | counts,
    scored_runs=scored_runs,
    morning_scores=st.integers(0, 14),
    window_days=st.sampled_from([14, 28]),
    slow_runs=st.integers(0, 2),
    limping_days=st.integers(0, 2),
    trend=st.sampled_from(["improving", "worsening", "steady", "not enough entries"]),
    spike_m=st.none() | distances,
    spike_longest_m=st.none() | distances,
    longest_m=st.none() | distances,
    longest_before_spike_m=st.none() | distances,
    longest_before_gap_m=st.none() | distances,
    longest_kept_m=st.none() | distances,
    green_days=st.none() | counts,
    strength_done=st.none() | st.integers(0, 14),
    strength_prescribed=st.none() | st.integers(1, 14),
    previous_state=st.none() | st.sampled_from([f"S{number}" for number in range(9)]),
    weeks_in_care=st.none() | st.integers(0, 60),
    pain_at_start=st.none() | st.integers(0, 20).map(lambda halves: halves / 2),
    pain_change=st.none() | st.integers(-20, 20).map(lambda halves: halves / 2),
)


@st.composite
def calm_inputs(draw: st.DrawFn) -> DecisionInputs:
    """Draw a patient with enough data and nothing sore, so that the lower rows of the table are reached often."""
    blocks = draw(
        st.lists(st.one_of(st.just(0), st.integers(1, 20_000), st.integers(5_000, 60_000)), min_size=3, max_size=5).map(blocks_of)
    )
    longest = draw(distances)
    return inputs(
        blocks=blocks,
        distance_unit=draw(st.sampled_from(list(DistanceUnit))),
        scored_runs=scored(
            [draw(st.integers(0, 5))] * 3, [draw(st.sampled_from(["settled", "settled", "settled", "unknown"])), "settled", "settled"]
        ),
        spike_m=None,
        longest_m=longest,
        longest_kept_m=draw(st.integers(1, longest)),
        green_days=draw(st.integers(5, 20)),
        strength_done=draw(st.integers(3, 6)),
    )
