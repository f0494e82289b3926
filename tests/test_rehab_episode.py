"""One episode, summarised as of a day."""

import random
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import PAIN_COLUMNS, RUN_COLUMNS
from rehab.cadence_change import cadence_change
from rehab.episode import Coverage, EpisodeSummary, Mark, answered_sentence, summarise_episode
from rehab.weekly import WEEK_COLUMNS
from tests.rehab_scenes import MONDAY, coverage_of, days, facts_of, mornings, random_runs, random_scores

ANSWERS = ("r24", "r24_reference", "response", "same_evening", "second_morning", "flare", "flare_because")
RATIOS = ("longest_30_days_m", "session_ratio", "session_ratio_band")
ADDED_TO_RUNS = ("week_start", "speed_m_s", "cadence_at_equal_speed_spm", *ANSWERS, *RATIOS)
# evidence 9: words that make people feel broken or blamed, and claims that the numbers cannot carry
AVOID = re.compile(r"damage|tear|degenerat|weak|risk|danger|failed|compliant|bad |caused|predict|safe", re.IGNORECASE)


def run(day: int, **more: Any) -> dict[str, Any]:
    return {"run_date": MONDAY + timedelta(days=day), **more}


def same(one: EpisodeSummary, other: EpisodeSummary) -> None:
    for frame in ("weeks", "runs", "scores"):
        pd.testing.assert_frame_equal(getattr(one, frame), getattr(other, frame), check_exact=True)
    pd.testing.assert_series_equal(one.rolling_7_day_distance, other.rolling_7_day_distance)
    pd.testing.assert_series_equal(one.equal_speed.adjusted.sort_index(), other.equal_speed.adjusted.sort_index())
    assert (one.trend, one.level_shift, one.as_of) == (other.trend, other.level_shift, other.as_of)
    assert one.equal_speed.sentence == other.equal_speed.sentence
    assert (one.facts.coverage, one.facts.marks, one.facts.ended_on) == (other.facts.coverage, other.facts.marks, other.facts.ended_on)


def test_a_patient_with_nothing_recorded_has_an_empty_summary() -> None:
    dev = summarise_episode(facts_of(), as_of=MONDAY)
    assert dev.weeks.empty
    assert dev.runs.empty
    assert dev.scores.empty
    assert dev.rolling_7_day_distance.empty
    assert tuple(dev.weeks.columns) == WEEK_COLUMNS
    assert tuple(dev.runs.columns) == RUN_COLUMNS + ADDED_TO_RUNS
    assert tuple(dev.scores.columns) == PAIN_COLUMNS
    assert dev.trend.direction == "not enough entries"
    assert dev.level_shift is None
    assert answered_sentence(dev) == "Nothing recorded yet."


def test_every_run_carries_its_speed_its_week_and_its_response() -> None:
    runs = [run(2, distance_m=6000, moving_time_s=2400), run(0, distance_m=5000, moving_time_s=2000), run(3, distance_m=0, moving_time_s=0)]
    cleo = summarise_episode(
        facts_of(runs, mornings(MONDAY, [2, 3, None, 4]), coverage=Coverage(MONDAY, MONDAY + timedelta(days=6))),
        as_of=MONDAY + timedelta(days=6),
    )
    assert cleo.runs["run_id"].tolist() == [2, 1, 3]
    assert cleo.runs["speed_m_s"].iloc[:2].tolist() == [2.5, 2.5]
    assert cleo.runs["speed_m_s"].isna().tolist() == [False, False, True]
    assert cleo.runs["week_start"].eq(pd.Timestamp(MONDAY)).all()
    # reference of the second run: no morning of its own day, so the median of 2 and 3
    assert cleo.runs["response"].tolist() == ["settled", "unknown", "unknown"]
    assert cleo.runs["r24"].iloc[:2].tolist() == [1, 1.5]


def test_only_scores_of_the_episodes_side_are_kept() -> None:
    scores = mornings(MONDAY, [1]) + mornings(MONDAY, [9], side="right") + mornings(MONDAY, [9], side="unspecified")
    summary = summarise_episode(facts_of([], scores, coverage=Coverage(MONDAY, MONDAY)), as_of=MONDAY)
    assert summary.scores["nprs"].tolist() == [1]


def test_a_cadence_cue_among_the_marks_keeps_the_slope_apart() -> None:
    before, after = [2.8 + step / 20 for step in range(6)], [2.4 + step / 20 for step in range(6)]
    runs = [
        run(day, running_speed_m_s=speed, running_cadence_spm=(140 if day < 6 else 150) + 8 * speed, running_time_s=1800)
        for day, speed in enumerate([*before, *after])
    ]
    covered = Coverage(MONDAY, MONDAY + timedelta(days=11))
    cue = Mark(MONDAY + timedelta(days=6), "cadence_cue", "metronome at 168")
    told = summarise_episode(facts_of(runs, coverage=covered, marks=[cue]), as_of=covered.last_day)
    untold = summarise_episode(facts_of(runs, coverage=covered), as_of=covered.last_day)
    assert told.equal_speed.slope_spm_per_m_s == pytest.approx(8)
    assert untold.equal_speed.slope_spm_per_m_s < 4


def test_a_mark_is_known_from_its_own_day_on() -> None:
    facts = facts_of([run(0)], coverage=Coverage(MONDAY, MONDAY), marks=[Mark(MONDAY, "visit", "first visit")])
    assert summarise_episode(facts, as_of=MONDAY).facts.marks == facts.marks
    assert summarise_episode(facts, as_of=MONDAY - timedelta(days=1)).facts.marks == ()


def test_logging_after_the_day_asked_for_is_not_known_yet() -> None:
    facts = facts_of([run(0)], coverage=Coverage(MONDAY, MONDAY + timedelta(days=9)))
    assert summarise_episode(facts, as_of=MONDAY + timedelta(days=2)).facts.coverage == Coverage(MONDAY, MONDAY + timedelta(days=2))
    assert summarise_episode(facts, as_of=MONDAY - timedelta(days=1)).facts.coverage is None


def test_an_injection_among_the_marks_begins_the_trend_anew() -> None:
    scores = mornings(MONDAY, [8] * 7 + [2] * 21)
    covered = Coverage(MONDAY, MONDAY + timedelta(days=27))
    injected = facts_of([], scores, coverage=covered, marks=[Mark(MONDAY + timedelta(days=6), "injection", "injection")])
    assert summarise_episode(injected, as_of=covered.last_day).trend.scores_used == 21


random_facts = st.builds(
    lambda runs, scores, more_days, marked, week_start, ended: facts_of(
        runs,
        scores,
        coverage=coverage_of(runs, scores, more_days),
        marks=[Mark(day, kind, kind) for day, kind in marked],
        plans=[{"version": 1, "valid_from": MONDAY, "weekly_distance_m": 20_000}],
        week_start=week_start,
        ended_on=ended,
    ),
    random_runs,
    random_scores,
    st.integers(0, 10),
    st.lists(st.tuples(days, st.sampled_from(["visit", "plan", "cadence_cue", "injection", "device"])), max_size=4),
    st.integers(0, 6),
    st.none() | days,
)


@given(random_facts, days)
def test_what_is_later_than_the_day_asked_for_changes_nothing(facts: Any, as_of: date) -> None:
    asked = pd.Timestamp(as_of)
    earlier = replace(
        facts,
        runs=facts.runs[facts.runs["run_date"] <= asked],
        scores=facts.scores[facts.scores["for_date"] <= asked],
        marks=tuple(mark for mark in facts.marks if mark.day <= as_of),
        ended_on=facts.ended_on if facts.ended_on and facts.ended_on <= as_of else None,
    )
    same(summarise_episode(facts, as_of=as_of), summarise_episode(earlier, as_of=as_of))


@given(random_facts, days, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(facts: Any, as_of: date, shuffle: random.Random) -> None:
    seed = shuffle.randrange(2**32)
    shuffled = replace(
        facts,
        runs=facts.runs.sample(frac=1, random_state=seed),
        scores=facts.scores.sample(frac=1, random_state=seed),
        marks=facts.marks[::-1],
    )
    one, other = summarise_episode(facts, as_of=as_of), summarise_episode(shuffled, as_of=as_of)
    same(replace(one, facts=replace(one.facts, marks=())), replace(other, facts=replace(other.facts, marks=())))


@given(random_facts, days)
def test_silence_never_becomes_a_number(facts: Any, as_of: date) -> None:
    summary = summarise_episode(facts, as_of=as_of)
    weeks = summary.weeks
    assert weeks.loc[~weeks["logged"], ["distance_m", "runs"]].isna().all(axis=None)
    assert weeks.loc[weeks["pain_scores"] == 0, ["pain_next_morning_median", "pain_next_morning_max"]].isna().all(axis=None)
    assert (summary.runs.loc[summary.runs["r24"].isna(), "response"] == "unknown").all()
    assert summary.runs.loc[summary.runs["running_cadence_spm"].isna(), "cadence_at_equal_speed_spm"].isna().all()


@given(random_facts, days)
def test_the_words_blame_nobody_and_promise_nothing(facts: Any, as_of: date) -> None:
    summary = summarise_episode(facts, as_of=as_of)
    for sentence in (
        answered_sentence(summary),
        summary.trend.sentence,
        summary.equal_speed.sentence,
        cadence_change(summary.runs, since=MONDAY).sentence,
    ):
        assert not AVOID.search(sentence)
        assert sentence.endswith(".")


# The sentence under the chart


def sentence(runs: list[Any], scores: list[Any], *, logged_days: int = 30) -> str:
    as_of = MONDAY + timedelta(days=13)
    covered = Coverage(as_of - timedelta(days=logged_days - 1), as_of)
    return answered_sentence(summarise_episode(facts_of(runs, scores, coverage=covered), as_of=as_of))


def test_the_sentence_counts_answered_days_and_runs_without_cadence() -> None:
    runs = [run(day, running_cadence_spm=165 if day > 3 else None) for day in (0, 2, 5, 8, 11, 13)]
    scores = mornings(MONDAY, [2, 2, 2, None, 3, None, 3, None, 3, 3, None, 3, None, 3])
    assert sentence(runs, scores) == "Pain next morning answered on 9 of the last 14 days. 2 of 6 runs without running cadence."


def test_a_walked_run_has_a_cadence_but_no_running_cadence() -> None:
    walked = run(13, cadence_spm=110, cadence_rule="steps_as_given")
    assert sentence([walked], []) == "Pain next morning answered on 0 of the last 14 days. 1 of 1 run without running cadence."


def test_two_answers_on_one_day_are_one_answered_day() -> None:
    scores = mornings(MONDAY, [2, 2]) + mornings(MONDAY, [4], run_id=1) + mornings(MONDAY, [4], moment="during")
    assert sentence([], scores) == "Pain next morning answered on 2 of the last 14 days. No runs in that time."


def test_the_fifteenth_day_back_is_not_counted() -> None:
    runs = [run(-1), run(0, running_cadence_spm=165)]
    scores = mornings(MONDAY - timedelta(days=1), [2])
    assert sentence(runs, scores) == "Pain next morning answered on 0 of the last 14 days. The run has a running cadence."


def test_days_before_the_first_log_are_not_asked_for() -> None:
    runs = [run(day, running_cadence_spm=165) for day in (10, 12)]
    assert sentence(runs, mornings(MONDAY + timedelta(days=10), [2]), logged_days=5) == (
        "Pain next morning answered on 1 of the last 5 days. All 2 runs have a running cadence."
    )
