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

from models import PAIN_COLUMNS, RUN_COLUMNS, DiagnosisClass, DistanceUnit, ScreenItem
from rehab.cadence_change import cadence_change
from rehab.decision import BEING_CHECKED, Decision
from rehab.episode import Coverage, EpisodeFacts, EpisodeSummary, Mark, answered_sentence, summarise_episode
from rehab.limits import Limits
from rehab.rules import Strength
from rehab.states import Choice
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


# The join: what a summary suggests, and what it must not


def screen_of(
    answer: str, asked_on: date, *, closed_on: date | None = None, items: tuple[ScreenItem, ...] = tuple(ScreenItem)
) -> pd.DataFrame:
    """Give one answer for each of the items; those that are left out were answered no on that day."""
    rows = [
        (number, item.value, answer if item in items else "no", asked_on, closed_on if item in items else None)
        for number, item in enumerate(ScreenItem)
    ]
    frame = pd.DataFrame(rows, columns=["answer_id", "item", "answer", "asked_on", "closed_on"])
    return frame.astype({"asked_on": "datetime64[us]", "closed_on": "datetime64[us]"})


GREEN_UNTIL = MONDAY + timedelta(days=27)
GROIN = (ScreenItem.GROIN_PAIN_WITH_RUNNING,)
ASKED = screen_of("no", MONDAY + timedelta(days=20))


def green(**other: Any) -> EpisodeFacts:
    """Eight weeks of 5 km every second day, pain 2 during, 1 each morning: all of it logged; the screen is clear."""
    first = MONDAY - timedelta(days=28)
    runs = [{"run_date": first + timedelta(days=back)} for back in range(0, 55, 2)]
    during = [{"for_date": each["run_date"], "nprs": 2, "moment": "during", "run_id": number} for number, each in enumerate(runs, start=1)]
    facts = facts_of(runs, [*mornings(first, [1] * 56), *during], coverage=Coverage(first, GREEN_UNTIL))
    return replace(facts, started_on=first, **{"screen": ASKED, **other})


def decided(**other: Any) -> Decision:
    return summarise_episode(green(**other), as_of=GREEN_UNTIL).decision


def suggests_nothing(decision: Decision) -> bool:
    return (decision.band, decision.before_rounding_m, decision.cap_m, decision.cue, decision.strength_line, decision.options) == (
        None, None, None, "", "", ()
    )  # fmt: skip


@pytest.mark.parametrize(
    "screen",
    [
        screen_of("yes", MONDAY + timedelta(days=20), items=GROIN),
        screen_of("not_asked", MONDAY + timedelta(days=20), items=GROIN),
        screen_of("no", GREEN_UNTIL - timedelta(days=29)),  # valid for 28 days
        screen_of("yes", MONDAY, closed_on=GREEN_UNTIL + timedelta(days=1)),
        screen_of("no", MONDAY).iloc[:0],
    ],
    ids=["open", "not asked", "too long ago", "closed tomorrow", "never"],
)
def test_nothing_is_suggested_while_the_screen_is_open_or_unanswered(screen: pd.DataFrame) -> None:
    decision = decided(screen=screen)
    assert decision.state.code == "S0"
    assert suggests_nothing(decision)
    assert decision.withheld == BEING_CHECKED
    assert decision.patient_sentence


def test_a_clear_screen_gives_a_band_with_its_rule_and_its_source() -> None:
    decision = decided()
    assert decision.state.code == "S8"
    # B3 is the median of 15, 20 and 15 km, the newest block 15 km: base 15 km, and green goes up to a mile more or 1.10 times that
    assert decision.band is not None
    assert decision.before_rounding_m is not None
    assert decision.before_rounding_m[1] == 15_000 + 1609.344
    assert decision.rule.name
    assert decision.rule.limits
    assert decision.rule.sources or decision.rule.strength >= Strength.CONSENSUS
    assert [option.choice for option in decision.options][-1] is Choice.NO_CHANGE
    assert len(decision.options) >= 2


def test_a_closed_item_gives_the_band_back_and_the_last_day_of_an_answer_still_counts() -> None:
    closed = screen_of("yes", MONDAY + timedelta(days=10), closed_on=MONDAY + timedelta(days=20), items=GROIN)
    assert decided(screen=closed).band == decided().band
    assert decided(screen=screen_of("no", GREEN_UNTIL - timedelta(days=28))).band == decided().band


def test_a_yes_to_pain_at_rest_in_the_diary_withholds_what_was_suggested() -> None:
    assert suggests_nothing(decided(rest_pain_days=(GREEN_UNTIL,)))
    assert decided(rest_pain_days=(GREEN_UNTIL + timedelta(days=1),)).band is not None


def test_a_diagnosis_of_the_bone_withholds_for_the_whole_episode() -> None:
    assert suggests_nothing(decided(diagnosis_class=DiagnosisClass.BONE))
    assert decided(diagnosis_class=DiagnosisClass.TENDON).band is not None


def test_under_18_years_nothing_is_suggested_until_the_birthday() -> None:
    birthday = date(GREEN_UNTIL.year - 18, GREEN_UNTIL.month, GREEN_UNTIL.day)
    younger = decided(birth_date=birthday + timedelta(days=1))
    assert suggests_nothing(younger)
    assert "under 18 years" in younger.withheld
    assert decided(birth_date=birthday).band == decided().band


def test_the_patients_own_limit_decides_what_has_settled() -> None:
    runs = [run(0)]
    scores = mornings(MONDAY, [1, 3])
    facts = facts_of(runs, scores, coverage=Coverage(MONDAY, MONDAY + timedelta(days=1)))
    as_of = MONDAY + timedelta(days=1)
    assert summarise_episode(facts, as_of=as_of).runs["response"].tolist() == ["unsettled"]
    own = replace(facts, limits=Limits(settled_max=2))
    assert summarise_episode(own, as_of=as_of).runs["response"].tolist() == ["settled"]


def test_order_another_import_and_the_unit_change_no_state() -> None:
    facts = green()
    decision = summarise_episode(facts, as_of=GREEN_UNTIL).decision
    again = replace(
        facts,
        runs=facts.runs.assign(run_id=1000 - facts.runs["run_id"]).iloc[::-1],
        scores=facts.scores.assign(score_id=facts.scores["score_id"] + 5000, run_id=1000 - facts.scores["run_id"]).sample(
            frac=1, random_state=1
        ),
        screen=facts.screen.iloc[::-1],
    )
    assert summarise_episode(again, as_of=GREEN_UNTIL).decision == decision
    in_km = summarise_episode(replace(facts, distance_unit=DistanceUnit.KILOMETRE), as_of=GREEN_UNTIL).decision
    assert (in_km.state, in_km.before_rounding_m) == (decision.state, decision.before_rounding_m)


@given(random_facts, days, st.randoms(use_true_random=False))
def test_order_ids_and_unit_change_no_state_of_anybody(facts: Any, as_of: date, shuffle: random.Random) -> None:
    seed = shuffle.randrange(2**32)
    facts = replace(facts, screen=screen_of("no", as_of))
    other = replace(
        facts,
        runs=facts.runs.assign(run_id=facts.runs["run_id"] + 700).sample(frac=1, random_state=seed),
        scores=facts.scores.assign(score_id=facts.scores["score_id"] + 900, run_id=facts.scores["run_id"] + 700).sample(
            frac=1, random_state=seed
        ),
        distance_unit=DistanceUnit.KILOMETRE,
    )
    one, two = (summarise_episode(each, as_of=as_of).decision for each in (facts, other))
    assert one.state == two.state
    assert replace(one.inputs, distance_unit=DistanceUnit.KILOMETRE) == two.inputs
