"""Between visits: outcomes, strength sessions, limping, a patient's limits, the mark "reviewed"."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from data import limits, outcomes, queries, records, reviews, strength
from data.database import writing
from data.records import AlreadyThere
from models import (
    LIMIT_CHANGE_COLUMNS,
    OUTCOME_COLUMNS,
    STRENGTH_COLUMNS,
    EntryRefused,
    Instrument,
    LimitsEntry,
    OutcomeActivity,
    OutcomeEntry,
    RestEntry,
    RestMoment,
    Side,
    StrengthEntry,
)
from tests.clinic_scene import TODAY, Scene, new_scene

MONDAY, TUESDAY = date(2025, 3, 3), date(2025, 3, 4)
NOON = datetime(2025, 3, 4, 18, 0, tzinfo=UTC)  # in Chicago


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def episode(scene: Scene) -> str:
    return scene.episode(scene.patient())


# --------------------------------------------------------------------------------------------------------------------
# Outcomes
# --------------------------------------------------------------------------------------------------------------------


def outcome(**fields: Any) -> OutcomeEntry:
    return OutcomeEntry.checked(**{"today": TODAY, "taken_on": MONDAY, "instrument": Instrument.UWRI, **fields})


def own(*abilities: int | None) -> tuple[OutcomeActivity, ...]:
    return tuple(OutcomeActivity(activity=f"Activity {number}", ability=ability) for number, ability in enumerate(abilities))


def totals(scene: Scene, episode: str) -> dict[str, float | None]:
    frame = outcomes.outcomes(scene.engine, scene.tess, episode)
    assert tuple(frame.columns) == OUTCOME_COLUMNS
    return {row["instrument"]: None if row["total"] != row["total"] else row["total"] for row in frame.to_dict("records")}


def test_an_outcome_is_stored_with_its_total_and_one_that_was_not_finished_without(scene: Scene, episode: str) -> None:
    for entry in (
        outcome(total=23),
        outcome(instrument=Instrument.IHOT_12, items_answered=7),
        outcome(instrument=Instrument.PSFS, activities=own(4, 6, 9)),
        outcome(instrument=Instrument.GROC, total=-2),
    ):
        outcomes.add_outcome(scene.engine, scene.tess, episode, entry, now=NOON)
    # the mean of 4, 6 and 9
    assert totals(scene, episode) == {"uwri": 23, "ihot_12": None, "psfs": pytest.approx(19 / 3), "groc": -2}
    details = {row["instrument"]: row["details"] for row in scene.rows("outcome_score")}
    assert (details["uwri"], json.loads(details["ihot_12"])) == ("", {"items_answered": 7})
    assert json.loads(details["psfs"])["activities"][1] == {"activity": "Activity 1", "ability": 6}


def test_one_activity_without_a_value_leaves_the_psfs_incomplete_and_0_is_a_value(scene: Scene, episode: str) -> None:
    assert outcome(instrument=Instrument.PSFS, activities=own(4, None, 9)).kept_total is None
    assert outcome(instrument=Instrument.PSFS, activities=own(4, 0)).kept_total == 2
    outcomes.add_outcome(scene.engine, scene.tess, episode, outcome(instrument=Instrument.PSFS, activities=own(4, None)))
    assert totals(scene, episode) == {"psfs": None}


def test_another_value_of_the_day_is_a_correction_and_the_old_one_stays(scene: Scene, episode: str) -> None:
    first = outcomes.add_outcome(scene.engine, scene.tess, episode, outcome(total=23))
    assert outcomes.add_outcome(scene.engine, scene.tess, episode, outcome(total=23)) == first
    with pytest.raises(AlreadyThere, match="For 2025-03-03 another value is stored"):
        outcomes.add_outcome(scene.engine, scene.tess, episode, outcome(total=24))
    with pytest.raises(EntryRefused, match="of the same instrument and day"):
        outcomes.correct_outcome(scene.engine, scene.tess, first, outcome(total=24, taken_on=TUESDAY))
    second = outcomes.correct_outcome(scene.engine, scene.tess, first, outcome(total=24), now=NOON)
    assert second is not None
    assert totals(scene, episode) == {"uwri": 24}
    with pytest.raises(AlreadyThere, match="corrected this value meanwhile"):
        outcomes.correct_outcome(scene.engine, scene.tess, first, outcome(total=25))
    assert outcomes.correct_outcome(scene.engine, scene.tess, second, None) is None
    assert totals(scene, episode) == {}
    assert [(row["total"], row["corrects_id"], row["retired_by_id"]) for row in scene.rows("outcome_score")] == [
        (23, None, scene.tess.person_id),
        (24, first, scene.tess.person_id),
    ]


# by hand: instrument, lowest and highest total, two outside, whether only whole numbers
@pytest.mark.parametrize(
    ("instrument", "low", "high", "whole"),
    [
        ("nprs", 0, 10, True),
        ("groc", -5, 5, True),
        ("uwri", 0, 36, True),
        ("visa_g", 0, 100, True),
        ("ihot_12", 0, 100, False),
        ("hoos_12", 0, 100, False),
        ("lefs", 0, 80, True),
        ("ostrc", 0, 100, True),
        ("tsk_11", 11, 44, True),
        ("pseq", 0, 60, True),
        ("pseq_2", 0, 12, True),
    ],
)
def test_a_total_lies_within_its_instrument(instrument: str, low: int, high: int, whole: bool) -> None:
    for total in (low, high):
        assert outcome(instrument=instrument, total=total).kept_total == total
    for total in (low - 1, high + 1):
        with pytest.raises(EntryRefused, match=f"must be between {low} and {high}"):
            outcome(instrument=instrument, total=total)
    if whole:
        with pytest.raises(EntryRefused, match="is a whole number"):
            outcome(instrument=instrument, total=low + 0.5)
    else:
        assert outcome(instrument=instrument, total=56.25).kept_total == 56.25


def test_own_activities_are_of_the_psfs_alone() -> None:
    for fields, said in (
        ({"instrument": "psfs", "total": 5}, "For the PSFS tell one to 5 activities"),
        ({"instrument": "psfs", "activities": own(*range(6))}, "For the PSFS tell one to 5 activities"),
        ({"instrument": "uwri", "activities": own(5)}, "The UWRI has no activities of the patient's own"),
    ):
        with pytest.raises(EntryRefused, match=said):
            outcome(**fields)
    with pytest.raises(EntryRefused, match="must be between 0 and 10, not 11"):
        OutcomeActivity.checked(activity="Stairs", ability=11)


# --------------------------------------------------------------------------------------------------------------------
# Strength sessions
# --------------------------------------------------------------------------------------------------------------------


def did(scene: Scene, episode: str, sessions: int = 1, day: date = MONDAY) -> None:
    entry = StrengthEntry.checked(today=TODAY, done_on=day, sessions=sessions)
    strength.set_strength_sessions(scene.engine, scene.tess, episode, entry, now=NOON)


def test_sessions_are_counted_once_however_often_they_are_told(scene: Scene, episode: str) -> None:
    for _ in range(2):
        did(scene, episode, 2)
        did(scene, episode, day=TUESDAY)
    frame = strength.strength_sessions(scene.engine, scene.tess, episode)
    assert tuple(frame.columns) == STRENGTH_COLUMNS
    assert frame["done_on"].dt.date.tolist() == [MONDAY, MONDAY, TUESDAY]
    assert set(frame["recorded_by"]) == {"Tess"}


@pytest.mark.parametrize(("then", "retired"), [(0, 2), (1, 1), (3, 0)])
def test_what_was_told_too_much_is_retired_and_stays(scene: Scene, episode: str, then: int, retired: int) -> None:
    did(scene, episode, 2)
    did(scene, episode, then)
    assert len(strength.strength_sessions(scene.engine, scene.tess, episode)) == then
    rows = scene.rows("strength_session")
    assert sum(row["retired_by_id"] == scene.tess.person_id for row in rows) == retired
    did(scene, episode, 2)
    assert len(strength.strength_sessions(scene.engine, scene.tess, episode)) == 2


def test_a_strength_session_says_nothing_of_runs(scene: Scene, episode: str) -> None:
    did(scene, episode)
    assert queries.coverage(scene.engine, scene.tess, scene.rows("patient")[0]["key"]) is None


def test_sessions_of_tomorrow_or_too_many_are_refused() -> None:
    for fields, said in (
        ({"done_on": TODAY + timedelta(days=1)}, "is in the future"),
        ({"done_on": MONDAY, "sessions": 5}, "between 0 and 4"),
    ):
        with pytest.raises(EntryRefused, match=said):
            StrengthEntry.checked(today=TODAY, **fields)


# --------------------------------------------------------------------------------------------------------------------
# Limping
# --------------------------------------------------------------------------------------------------------------------


def test_limping_is_answered_as_pain_at_rest_is_and_is_none(scene: Scene) -> None:
    patient = scene.patient()
    scene.episode(patient, started_on=date(2025, 1, 6))
    for day, moment in ((MONDAY, RestMoment.REST), (TUESDAY, RestMoment.LIMPING)):
        told = RestEntry.checked(today=TODAY, moment=moment, side=Side.LEFT, answer=True, for_date=day)
        records.add_rest_answer(scene.engine, scene.tess, patient, told)
    answers = queries.rest_answers(scene.engine, scene.tess, patient)
    assert list(zip(answers["for_date"].dt.date, answers["moment"], answers["answer"], strict=True)) == [
        (TUESDAY, "limping", True),
        (MONDAY, "rest", True),
    ]
    # the day on the caseload is that of the pain, not of the later limping
    assert [row.rest_pain_on for row in queries.caseload(scene.engine, scene.tess, today=TODAY)] == [MONDAY]


# --------------------------------------------------------------------------------------------------------------------
# Limits
# --------------------------------------------------------------------------------------------------------------------


def test_a_changed_limit_is_kept_with_its_old_value_who_and_when(scene: Scene, episode: str) -> None:
    patient = scene.rows("patient")[0]["key"]
    row = queries.episode(scene.engine, scene.tess, episode)
    assert (row.pain_comfortable_max, row.pain_acceptable_max, row.settled_max, row.max_step_ratio) == (3, 5, 1, 1.1)
    assert (row.no_suggestions, row.no_suggestions_reason) == (False, "")
    limits.set_limits(scene.engine, scene.tess, patient, LimitsEntry.checked(comfortable_max=2, max_step_ratio=1.05), now=NOON)
    pregnant = {"no_suggestions": True, "no_suggestions_reason": "Pregnant"}
    later = NOON + timedelta(days=1)
    limits.set_limits(scene.engine, scene.tess, patient, LimitsEntry.checked(comfortable_max=2, max_step_ratio=1.05, **pregnant), now=later)
    row = queries.episode(scene.engine, scene.tess, episode)
    assert (row.pain_comfortable_max, row.max_step_ratio, row.no_suggestions, row.no_suggestions_reason) == (2, 1.05, True, "Pregnant")
    frame = limits.limit_history(scene.engine, scene.tess, patient)
    assert tuple(frame.columns) == LIMIT_CHANGE_COLUMNS
    assert [tuple(row.values()) for row in frame.to_dict("records")] == [
        (later, "no_suggestions_reason", "", "Pregnant", "Tess"),
        (later, "no_suggestions", "no", "yes", "Tess"),
        (NOON, "max_step_ratio", "1.1", "1.05", "Tess"),
        (NOON, "comfortable_max", "3", "2", "Tess"),
    ]


def test_the_same_limits_again_change_nothing(scene: Scene, episode: str) -> None:
    before = scene.everything()
    limits.set_limits(scene.engine, scene.tess, scene.rows("patient")[0]["key"], LimitsEntry.checked())
    assert scene.everything() == before


def test_the_history_of_limits_is_not_edited(scene: Scene, episode: str) -> None:
    limits.set_limits(scene.engine, scene.tess, scene.rows("patient")[0]["key"], LimitsEntry.checked(settled_max=2))
    with pytest.raises(sa.exc.DatabaseError, match="written once"), writing(scene.engine) as connection:
        connection.exec_driver_sql("UPDATE limit_change SET old_value = '3'")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"comfortable_max": 5}, "The comfortable zone must end below"),
        ({"acceptable_max": 11}, "The comfortable zone must end below"),
        ({"settled_max": 4}, "must be between 0 and 3, not 4"),
        ({"max_step_ratio": 0.99}, "must be between 1 and 2, not 0.99"),
        ({"max_step_ratio": 2.01}, "must be between 1 and 2, not 2.01"),
        ({"no_suggestions": True}, "Switching suggestions off needs a reason, and only that does."),
        ({"no_suggestions_reason": "Pregnant"}, "Switching suggestions off needs a reason, and only that does."),
    ],
)
def test_limits_that_contradict_each_other_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(EntryRefused) as caught:
        LimitsEntry.checked(**fields)
    assert said in str(caught.value)


# --------------------------------------------------------------------------------------------------------------------
# Reviewed
# --------------------------------------------------------------------------------------------------------------------


def test_who_marked_it_takes_it_back_on_the_same_day_and_both_stand_in_the_audit(scene: Scene, episode: str) -> None:
    reviews.mark_reviewed(scene.engine, scene.tess, episode, now=NOON)
    reviews.mark_reviewed(scene.engine, scene.tess, episode, now=NOON + timedelta(hours=1))  # once is enough
    newest = reviews.newest_reviews(scene.engine, scene.tess)[episode]
    assert (newest.person, newest.person_id, newest.marked_at_utc) == ("Tess", scene.tess.person_id, NOON)
    reviews.undo_review(scene.engine, scene.tess, episode, now=NOON + timedelta(hours=2))
    assert reviews.newest_reviews(scene.engine, scene.tess) == {}
    (row,) = reviews.reviews(scene.engine, scene.tess, episode).to_dict("records")
    assert (row["marked_at_utc"], row["person"], row["undone_at_utc"]) == (NOON, "Tess", NOON + timedelta(hours=2))
    told = scene.rows("audit_event", object_kind="review_mark")
    assert [(row["action"], row["actor"]) for row in told] == [("create", "Tess"), ("retire", "Tess")]


def test_nobody_else_takes_it_back_and_nobody_on_another_day(scene: Scene) -> None:
    episode = scene.episode(scene.patient("ADA", scene.theo), scene.theo, therapist_id=scene.theo.person_id, site_id=scene.lakeside)
    reviews.mark_reviewed(scene.engine, scene.tess, episode, now=NOON)
    last_minute, midnight = datetime(2025, 3, 5, 5, 59, tzinfo=UTC), datetime(2025, 3, 5, 6, 0, tzinfo=UTC)  # in Chicago
    for who, at in ((scene.theo, NOON), (scene.tess, midnight)):
        with pytest.raises(EntryRefused, match="only on the same day"):
            reviews.undo_review(scene.engine, who, episode, now=at)
    reviews.undo_review(scene.engine, scene.tess, episode, now=last_minute)
    with pytest.raises(EntryRefused):
        reviews.undo_review(scene.engine, scene.tess, episode, now=last_minute)


def test_the_newest_review_counts_whoever_made_it(scene: Scene) -> None:
    episode = scene.episode(scene.patient("ADA", scene.theo), scene.theo, therapist_id=scene.theo.person_id, site_id=scene.lakeside)
    reviews.mark_reviewed(scene.engine, scene.theo, episode, now=NOON)
    reviews.mark_reviewed(scene.engine, scene.tess, episode, now=NOON + timedelta(days=1))
    assert reviews.newest_reviews(scene.engine, scene.theo)[episode].person == "Tess"
    reviews.undo_review(scene.engine, scene.tess, episode, now=NOON + timedelta(days=1))
    assert reviews.newest_reviews(scene.engine, scene.theo)[episode].person == "Theo"
