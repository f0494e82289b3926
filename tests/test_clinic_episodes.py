"""One episode with its meaning: as of today, or as of its last day."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from clinic.charts import main_chart
from clinic.episodes import Episode, episode
from data import limits, plans, records, screens, strength
from data.database import writing
from models import (
    SCREEN_COLUMNS,
    DiagnosisClass,
    EpisodeOfCare,
    EpisodeStatus,
    LimitsEntry,
    PlanEntry,
    RestEntry,
    RestMoment,
    ScreenAnswer,
    ScreenEntry,
    ScreenItem,
    Side,
    StrengthEntry,
)
from rehab.charts import Span
from rehab.limits import Limits
from tests.clinic_scene import TODAY, WRITTEN_AT, Scene, days_from, new_scene, noon, run_on, score_on

DISCHARGED_ON = date(2025, 2, 26)  # a Wednesday
ADDED_BESIDE = "; as of February 26, 2025"


@pytest.fixture
def scene(sqlite_engine: sa.Engine) -> Scene:
    return new_scene(sqlite_engine)


@pytest.fixture
def twice_in_care(scene: Scene) -> tuple[Scene, str, str]:
    """A left hip, at 1 when discharged; five weeks later it is back, at 6. A run of almost 5 km each Monday, and of 9 km now."""
    patient = scene.patient()
    first = scene.episode(patient)
    with writing(scene.engine) as connection:
        ended = {"status": EpisodeStatus.DISCHARGED, "ended_on": DISCHARGED_ON}
        connection.execute(sa.update(EpisodeOfCare).where(sa.column("key") == first).values(**ended))
    second = scene.episode(patient, started_on=TODAY - timedelta(days=7))
    scene.score(patient, *(score_on(day, 1) for day in days_from(DISCHARGED_ON - timedelta(days=29), 30)))
    scene.score(patient, *(score_on(day, 6) for day in days_from(TODAY - timedelta(days=9), 10)))
    for weeks in range(1, 5):
        scene.run(patient, run_on(DISCHARGED_ON - timedelta(days=7 * weeks - 5), distance_m=5_000 - 10 * weeks))
    scene.run(patient, run_on(TODAY - timedelta(days=1), distance_m=9_000))
    return scene, first, second


def shown(scene: Scene, key: str, as_of: date = TODAY) -> Episode:
    return episode(scene.tess, key, as_of=as_of, database=scene.engine)


def test_an_ended_episode_tells_its_own_last_days_and_not_those_of_the_next(twice_in_care: tuple[Scene, str, str]) -> None:
    scene, first, second = twice_in_care
    pain, distance, longest, _ = shown(scene, first).facts_now
    assert (pain.value, pain.beside) == ("1 of 10", f"worst 1 in 7 days, 7 answers{ADDED_BESIDE}")
    assert (distance.value, distance.beside) == ("3.1 mi", f"the 7 days before: 3.1 mi{ADDED_BESIDE}")
    assert (longest.value, longest.beside) == ("3.1 mi", f"on February 24, 2025{ADDED_BESIDE}")
    pain, _, longest, _ = shown(scene, second).facts_now
    assert (pain.value, pain.beside) == ("6 of 10", "worst 6 in 7 days, 7 answers")
    assert longest.value == "5.6 mi"


def test_an_ended_episode_says_as_of_which_day_its_sentences_are(twice_in_care: tuple[Scene, str, str]) -> None:
    scene, first, second = twice_in_care
    said = shown(scene, first).sentences
    assert said[0] == "As of February 26, 2025, the last day of this episode."
    assert said[1] == "Pain next morning answered on 14 of the last 14 days. 2 of 2 runs without running cadence."
    assert "answered on 28 of 28 days" in said[2]
    assert shown(scene, first).summary.trend.direction == "steady"
    assert not any("As of" in sentence for sentence in shown(scene, second).sentences)


@pytest.mark.parametrize(("asked", "told"), [(-1, -1), (0, 0), (1, 0), (33, 0)])
def test_an_episode_is_summarised_up_to_its_last_day(twice_in_care: tuple[Scene, str, str], asked: int, told: int) -> None:
    scene, first, _ = twice_in_care
    summary = shown(scene, first, DISCHARGED_ON + timedelta(days=asked)).summary
    assert summary.as_of == DISCHARGED_ON + timedelta(days=told)
    assert (summary.facts.ended_on is None) == (asked < 0)  # on the day before nobody knew


@pytest.mark.parametrize("span", Span)
def test_the_chart_of_an_ended_episode_ends_with_it(twice_in_care: tuple[Scene, str, str], span: Span) -> None:
    scene, first, _ = twice_in_care
    words, _ = main_chart(shown(scene, first), span=span, scheme="light")
    assert "to Feb 26, 2025." in words.sentence
    assert "6 of 10" not in words.sentence
    assert words.table["Week of"][0].as_py() == "Feb 24, 2025"


@pytest.mark.parametrize(("no_days_ago", "later"), [(2, ""), (0, ", then no for March 31, 2025")])
def test_a_yes_about_pain_at_rest_says_whether_a_no_came_later(scene: Scene, no_days_ago: int, later: str) -> None:
    patient = scene.patient()
    key = scene.episode(patient, started_on=TODAY)
    for days_ago, answer in ((1, True), (no_days_ago, False)):
        day = TODAY - timedelta(days=days_ago)
        told = RestEntry.checked(today=TODAY, moment=RestMoment.NIGHT_REST, side=Side.LEFT, answer=answer, for_date=day)
        records.add_rest_answer(scene.engine, scene.tess, patient, told)
    yes = "Pain at rest or at night, whatever the position: answered yes for March 30, 2025"
    assert shown(scene, key).rest_pain_words == f"{yes}{later}. Look at this first."


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (0, None),
        (1, "1 pain score has no side: it is in the diary, but on no chart."),
        (2, "2 pain scores have no side: they are in the diary, but on no chart."),
    ],
)
def test_scores_without_a_side_are_said_to_be_on_no_chart(scene: Scene, scores: int, said: str | None) -> None:
    patient = scene.patient()
    key = scene.episode(patient, started_on=TODAY - timedelta(days=5))
    scene.score(patient, score_on(TODAY - timedelta(days=6), 8, side=Side.UNSPECIFIED))  # before care began
    for days_ago in range(scores):
        scene.score(patient, score_on(TODAY - timedelta(days=days_ago), 8, side=Side.UNSPECIFIED))
    assert [sentence for sentence in shown(scene, key).sentences if "no side" in sentence] == ([] if said is None else [said])


# --------------------------------------------------------------------------------------------------------------------
# What the clinic decided and asked
# --------------------------------------------------------------------------------------------------------------------


def test_the_facts_hold_screen_strength_limping_class_limits_and_birth_date(scene: Scene) -> None:
    engine, tess, day = scene.engine, scene.tess, TODAY - timedelta(days=3)
    born = date(1979, 5, 14)
    patient = scene.patient(birth_date=born)
    key = scene.episode(patient)
    answers = {ScreenItem.LOW_ENERGY: ScreenAnswer.YES}
    screens.add_screen(engine, tess, key, ScreenEntry.checked(today=TODAY, asked_on=day, answers=answers))
    strength.set_strength_sessions(engine, tess, key, StrengthEntry.checked(today=TODAY, done_on=day, sessions=2))
    limits.set_limits(engine, tess, patient, LimitsEntry.checked(comfortable_max=2, no_suggestions=True, no_suggestions_reason="Pregnant"))
    for side, days_ago, answer in ((Side.LEFT, 1, True), (Side.LEFT, 2, True), (Side.LEFT, 3, False), (Side.RIGHT, 4, True)):
        told = {"moment": RestMoment.LIMPING, "side": side, "answer": answer, "for_date": TODAY - timedelta(days=days_ago)}
        records.add_rest_answer(engine, tess, patient, RestEntry.checked(today=TODAY, **told))

    shown_now = shown(scene, key)
    facts = shown_now.summary.facts
    assert tuple(facts.screen.columns) == SCREEN_COLUMNS
    assert len(facts.screen) == 12
    assert facts.screen.loc[facts.screen["answer"] == "yes", "item"].tolist() == ["low_energy"]
    assert facts.strength["done_on"].dt.date.tolist() == [day, day]
    assert facts.limping_days.dt.date.tolist() == [TODAY - timedelta(days=2), TODAY - timedelta(days=1)]
    assert (facts.diagnosis_class, facts.birth_date) == (DiagnosisClass.TENDON, born)
    assert facts.limits == Limits(comfortable_max=2, no_suggestions=True, no_suggestions_reason="Pregnant")
    assert shown_now.rest_pain_words == ""  # limping is no pain at rest


def test_a_summary_of_an_earlier_day_knows_nothing_of_what_was_asked_and_closed_later(scene: Scene) -> None:
    key = scene.episode(scene.patient())
    asked_on, closed_at = TODAY - timedelta(days=5), WRITTEN_AT - timedelta(days=2)
    answers = {ScreenItem.LOW_ENERGY: ScreenAnswer.YES}
    screens.add_screen(scene.engine, scene.tess, key, ScreenEntry.checked(today=TODAY, asked_on=asked_on, answers=answers))
    yes = next(row["id"] for row in scene.rows("red_flag_answer", answer="yes"))
    screens.close_screen_answer(scene.engine, scene.tess, yes, "Eats enough, seen by the GP", now=closed_at)
    did = StrengthEntry.checked(today=TODAY, done_on=TODAY - timedelta(days=3))
    strength.set_strength_sessions(scene.engine, scene.tess, key, did)
    seen = {}
    for days_ago in (6, 5, 3, 2):
        facts = shown(scene, key, TODAY - timedelta(days=days_ago)).summary.facts
        is_open = facts.screen.loc[facts.screen["answer"] == "yes", "closed_on"].isna().tolist()
        seen[days_ago] = (is_open, len(facts.strength))
    assert seen == {6: ([], 0), 5: ([True], 0), 3: ([True], 1), 2: ([False], 1)}


@pytest.mark.parametrize(("written", "marked"), [(-1, 0), (0, 0), (2, 2), (6, 6), (7, 0), (400, 0)])
def test_a_plan_is_marked_on_the_day_it_was_written_within_its_first_week_else_on_its_first_day(
    scene: Scene, written: int, marked: int
) -> None:
    monday = TODAY - timedelta(days=14)
    key = scene.episode(scene.patient())
    entry = PlanEntry.checked(today=monday, valid_from=monday, weekly_distance_m=20_000, reason="Build up")
    at = noon(monday + timedelta(days=written))
    plans.add_plan_version(scene.engine, scene.tess, key, entry, based_on_version=0, now=at)
    (mark,) = [mark for mark in shown(scene, key).summary.facts.marks if mark.kind == "plan"]
    assert (mark.day, mark.label) == (monday + timedelta(days=marked), "Build up")


def test_the_days_on_which_a_red_flag_was_opened_and_closed_are_marks(scene: Scene) -> None:
    engine, tess, asked_on = scene.engine, scene.tess, TODAY - timedelta(days=9)
    key = scene.episode(scene.patient())
    answers = {ScreenItem.LOW_ENERGY: ScreenAnswer.YES, ScreenItem.NERVE_SIGNS: ScreenAnswer.NO}
    screens.add_screen(engine, tess, key, ScreenEntry.checked(today=TODAY, asked_on=asked_on, answers=answers))

    def red_flags() -> list[tuple[date, str]]:
        return [(mark.day, mark.label) for mark in shown(scene, key).summary.facts.marks if mark.kind == "red_flag"]

    assert [day for day, _ in red_flags()] == [asked_on]
    history = screens.screen_answers(engine, tess, key)
    answer_id = int(history.loc[history["answer"] == "yes", "answer_id"].iloc[0])
    closed_at = noon(TODAY - timedelta(days=2))
    screens.close_screen_answer(engine, tess, answer_id, "Ferritin and periods are fine", now=closed_at)
    assert [day for day, _ in red_flags()] == [asked_on, TODAY - timedelta(days=2)]
    assert [label.split(":")[0] for _, label in red_flags()] == ["Red flag opened", "Red flag closed"]


def test_an_ended_episode_has_no_next_week(twice_in_care: tuple[Scene, str, str]) -> None:
    scene, first, second = twice_in_care
    assert shown(scene, first).next_week is None
    assert shown(scene, second).next_week is not None
    assert shown(scene, first).since_sentence.startswith("No earlier visit: ")
