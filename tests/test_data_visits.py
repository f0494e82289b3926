"""Visits: what was done is written down once, what was written before is kept."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from data import queries, records, visits
from data.database import writing
from data.permissions import NotFound
from data.records import AlreadyThere
from models import (
    STRENGTH_GIVEN_COLUMNS,
    VISIT_COLUMNS,
    ChangeKind,
    EntryRefused,
    SiteKind,
    StrengthGivenEntry,
    VisitEntry,
    VisitStatus,
)
from tests.clinic_scene import TODAY, Scene, new_scene

MONDAY, TUESDAY = date(2025, 3, 3), date(2025, 3, 4)
NOON = datetime(2025, 3, 4, 18, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)
STRENGTH = (StrengthGivenEntry(exercise="Bridge", sets=2, reps=8), StrengthGivenEntry(exercise="Side plank", sets=1, hold_s=20))


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def episode(scene: Scene) -> str:
    return scene.episode(scene.patient())


def told(**fields: Any) -> VisitEntry:
    return VisitEntry.checked(**{"today": TODAY, "visit_date": TUESDAY, "kind": SiteKind.IN_PERSON, **fields})


def record(scene: Scene, episode: str, visit_key: str | None = None, **fields: Any) -> str:
    return visits.record_visit(scene.engine, scene.tess, episode, told(**fields), visit_key=visit_key, now=NOON)


def booked(scene: Scene, episode: str) -> str:
    arrives = {"visit_date": TUESDAY, "kind": SiteKind.IN_PERSON, "status": VisitStatus.BOOKED}
    return records.add_visit(scene.engine, scene.fred, episode, **arrives)  # type: ignore[arg-type]


def test_a_booked_visit_is_recorded_with_all_that_was_done(scene: Scene, episode: str) -> None:
    key = booked(scene, episode)
    done = {"summary": "Settled", "hands_on": "Gluteus medius, 5 min", "education": "Sleep with a pillow", "note": "Calm today."}
    cue = "Cadence +5 % at easy pace"
    assert record(scene, episode, key, site_id=scene.lakeside, strength=STRENGTH, gait_cue=cue, **done) == key
    visit = visits.visit(scene.engine, scene.tess, key)
    assert visit == visits.VisitRow(
        key=key,
        visit_date=TUESDAY,
        kind=SiteKind.IN_PERSON,
        status=VisitStatus.ARRIVED,
        site_id=scene.lakeside,
        site="Lakeside",
        therapist="Tess",
        strength=STRENGTH,
        gait_cue=cue,
        note_written_at_utc=NOON,
        note_written_by="Tess",
        **done,
    )
    (row,) = queries.visits(scene.engine, scene.tess, episode).to_dict("records")
    assert tuple(row) == VISIT_COLUMNS
    assert (row["visit_key"], row["hands_on"], row["education"]) == (key, done["hands_on"], done["education"])
    given = visits.strength_given(scene.engine, scene.tess, episode)
    assert tuple(given.columns) == STRENGTH_GIVEN_COLUMNS
    assert given[["exercise", "sets"]].to_numpy().tolist() == [["Bridge", 2], ["Side plank", 1]]
    assert given["reps"].isna().tolist() == given["hold_s"].notna().tolist() == [False, True]


def test_a_gait_cue_is_a_change_of_its_day_and_follows_its_visit(scene: Scene, episode: str) -> None:
    records.add_change(scene.engine, scene.tess, episode, day=MONDAY, kind=ChangeKind.CADENCE_CUE, label="Of another day")
    key = record(scene, episode, gait_cue="Quicker steps")

    def cues() -> list[tuple[date, str]]:
        changes = queries.changes(scene.engine, scene.tess, episode)
        return [(row["day"].date(), row["label"]) for row in changes[changes["kind"] == "cadence_cue"].to_dict("records")]

    assert cues() == [(MONDAY, "Of another day"), (TUESDAY, "Quicker steps")]
    record(scene, episode, key, gait_cue="Quicker, shorter steps", visit_date=MONDAY)
    assert cues() == [(MONDAY, "Of another day"), (MONDAY, "Quicker, shorter steps")]
    record(scene, episode, key)
    assert cues() == [(MONDAY, "Of another day")]
    assert '"gait_cue": "Quicker, shorter steps"' in scene.rows("audit_event")[-1]["detail"]


def test_a_note_that_is_changed_stays_with_who_and_when(scene: Scene, episode: str) -> None:
    key = record(scene, episode, note="Left hip better.")
    visits.write_note(scene.engine, scene.tess, key, "Right hip better.", instead_of="Left hip better.", now=LATER)
    visits.write_note(scene.engine, scene.tess, key, "Right hip better.", now=LATER + timedelta(hours=1))  # the same: no version
    visits.write_note(scene.engine, scene.tess, key, "", now=LATER + timedelta(hours=2))
    visit = visits.visit(scene.engine, scene.tess, key)
    assert (visit.note, visit.note_written_at_utc) == ("", LATER + timedelta(hours=2))
    earlier = visits.earlier_notes(scene.engine, scene.tess, key).to_dict("records")
    assert [(row["note"], row["written_at_utc"], row["written_by"], row["replaced_at_utc"], row["replaced_by"]) for row in earlier] == [
        ("Right hip better.", LATER, "Tess", LATER + timedelta(hours=2), "Tess"),
        ("Left hip better.", NOON, "Tess", LATER, "Tess"),
    ]
    with pytest.raises(sa.exc.DatabaseError, match="written once"), writing(scene.engine) as connection:
        connection.exec_driver_sql("UPDATE visit_note SET note = 'Better'")
    assert "hip better" not in "".join(row["detail"] for row in scene.rows("audit_event"))


def test_a_note_that_somebody_changed_meanwhile_is_not_overwritten(scene: Scene, episode: str) -> None:
    key = record(scene, episode, note="First")
    visits.write_note(scene.engine, scene.tess, key, "Second", instead_of="First")
    with pytest.raises(AlreadyThere, match="changed this note meanwhile"):
        visits.write_note(scene.engine, scene.tess, key, "Mine", instead_of="First")
    assert visits.visit(scene.engine, scene.tess, key).note == "Second"
    with pytest.raises(EntryRefused, match="at most 2,000 characters; this one has 2,001"):
        visits.write_note(scene.engine, scene.tess, key, "x" * 2_001)


def test_recorded_again_the_same_changes_nothing_and_something_else_is_told_with_old_and_new(scene: Scene, episode: str) -> None:
    fields: dict[str, Any] = {"strength": STRENGTH, "gait_cue": "Quicker steps", "note": "Calm", "summary": "Settled"}
    key = record(scene, episode, **fields)
    before, events = scene.everything(), len(scene.rows("audit_event"))
    record(scene, episode, key, **fields)
    assert (scene.everything(), len(scene.rows("audit_event"))) == (before, events)
    record(scene, episode, key, **{**fields, "strength": STRENGTH[:1]})
    assert visits.visit(scene.engine, scene.tess, key).strength == STRENGTH[:1]
    assert scene.rows("audit_event")[-1]["detail"].count("Side plank") == 1


def test_the_front_desk_says_who_arrived_and_sees_nothing_of_it(scene: Scene, episode: str) -> None:
    key = booked(scene, episode)
    visits.set_visit_status(scene.engine, scene.fred, key, VisitStatus.ARRIVED)
    assert scene.rows("visit")[0]["status"] == "arrived"
    with pytest.raises(NotFound):
        visits.visit(scene.engine, scene.fred, key)
    with pytest.raises(NotFound):
        visits.record_visit(scene.engine, scene.fred, episode, told())
    with pytest.raises(NotFound):
        visits.write_note(scene.engine, scene.fred, key, "Said to be well")


def test_a_visit_of_another_episode_is_not_found(scene: Scene, episode: str) -> None:
    other = scene.episode(scene.patient("BEN"))
    key = record(scene, other)
    with pytest.raises(NotFound, match="visit"):
        record(scene, episode, key)


def test_what_was_done_is_written_once_somebody_has_arrived() -> None:
    assert told(status=VisitStatus.BOOKED, visit_date=TODAY + timedelta(days=7)).note == ""
    for fields in ({"note": "Well"}, {"hands_on": "Hip"}, {"strength": STRENGTH}, {"gait_cue": "Quicker"}):
        with pytest.raises(EntryRefused, match="when the patient has arrived"):
            told(status=VisitStatus.NO_SHOW, **fields)
    with pytest.raises(EntryRefused, match="is in the future"):
        told(visit_date=TODAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"exercise": " "}, "Say which exercise it was."),
        ({"exercise": "Bridge", "sets": 0}, "The sets of Bridge must be between 1 and 20, not 0."),
        ({"exercise": "Bridge", "reps": 201}, "The repetitions of Bridge must be between 1 and 200, not 201."),
        ({"exercise": "Bridge", "hold_s": 601}, "The time to hold Bridge, in seconds, must be between 1 and 600, not 601."),
    ],
)
def test_an_exercise_that_cannot_be_right_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(EntryRefused) as caught:
        StrengthGivenEntry.checked(**fields)
    assert str(caught.value) == said


def test_a_site_that_is_gone_is_asked_for_again(scene: Scene, episode: str) -> None:
    with pytest.raises(EntryRefused, match="Choose the site again"):
        record(scene, episode, site_id=4711)
    assert scene.rows("visit") == []
