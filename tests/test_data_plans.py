"""Plans: a change is a new version with who, when and why; what was stays as it was; nobody's work is overwritten unseen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from data import plans, queries, records
from data.database import writing
from data.plans import PlanSuperseded, add_plan_version
from models import PLAN_COLUMNS, PLAN_WEEK_COLUMNS, EntryRefused, PlanEntry, PlanWeekEntry, SuggestionShown, Surface
from tests.clinic_scene import Scene, new_scene

MONDAY, SUNDAY = date(2025, 3, 3), date(2025, 3, 2)
NOON = datetime(2025, 3, 3, 18, 0, tzinfo=UTC)  # in Chicago
WHOLE: dict[str, Any] = {
    "weekly_distance_m": 20_000,
    "runs_per_week": 4,
    "run_ceiling_m": 7_000,
    "run_part_s": 240,
    "walk_part_s": 60,
    "cadence_target_low_spm": 168.0,
    "cadence_target_high_spm": 174.0,
    "surface_limit": Surface.ROAD,
    "speed_limit_m_s": 3.2,
    "strength_sessions_per_week": 3,
    "reason": "She has a race and knows what it may cost",
    "outside_band": True,
    "suggestion": SuggestionShown(state="S5", band_low_m=17_000, band_high_m=18_500, ceiling_m=6_500),
}


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


def planned(**fields: Any) -> PlanEntry:
    return PlanEntry.checked(**{"today": MONDAY, "valid_from": MONDAY, "weekly_distance_m": 20_000, **fields})


def add(scene: Scene, episode: str, entry: PlanEntry, based_on: int = 0) -> int:
    return add_plan_version(scene.engine, scene.tess, episode, entry, based_on_version=based_on, now=NOON)


def test_a_version_keeps_all_that_was_planned_and_what_was_suggested_then(scene: Scene) -> None:
    episode = scene.episode(scene.patient())
    assert add(scene, episode, planned(**WHOLE)) == 1
    (row,) = queries.plans(scene.engine, scene.tess, episode).to_dict("records")
    assert tuple(row) == PLAN_COLUMNS
    assert row == {
        **{name: value for name, value in WHOLE.items() if name not in ("suggestion", "surface_limit")},
        "version": 1,
        "valid_from": pd.Timestamp(MONDAY),
        "author": "Tess",
        "created_at_utc": pd.Timestamp(NOON),
        "surface_limit": "road",
        "suggestion_state": "S5",
        "band_low_m": 17_000,
        "band_high_m": 18_500,
        "suggested_ceiling_m": 6_500,
    }


def test_what_is_not_set_is_missing_and_not_0(scene: Scene) -> None:
    episode = scene.episode(scene.patient())
    add(scene, episode, planned(weekly_distance_m=None, reason="No running until the picture is back"))
    (row,) = queries.plans(scene.engine, scene.tess, episode).to_dict("records")
    numbers = ("weekly_distance_m", "run_ceiling_m", "runs_per_week", "run_part_s", "speed_limit_m_s", "strength_sessions_per_week")
    assert all(pd.isna(row[name]) for name in (*numbers, "band_low_m", "suggested_ceiling_m"))
    assert (row["surface_limit"], row["suggestion_state"], row["outside_band"]) == ("", "", False)


def test_a_change_is_the_next_version_and_the_old_one_is_as_it_was(scene: Scene) -> None:
    episode = scene.episode(scene.patient())
    add(scene, episode, planned(**WHOLE))
    before = scene.rows("plan")
    assert add(scene, episode, planned(weekly_distance_m=22_000), based_on=1) == 2
    assert scene.rows("plan")[:1] == before
    assert queries.plans(scene.engine, scene.tess, episode)["weekly_distance_m"].tolist() == [20_000, 22_000]


def test_who_saw_an_older_version_is_told_whose_is_newer_and_nothing_is_lost(scene: Scene) -> None:
    episode = scene.episode(scene.patient(), site_id=scene.harbour)
    add(scene, episode, planned())
    add_plan_version(scene.engine, scene.theo, episode, planned(weekly_distance_m=15_000), based_on_version=1, now=NOON)
    before = scene.everything()
    for seen in (0, 1):
        with pytest.raises(PlanSuperseded) as caught:
            add(scene, episode, planned(weekly_distance_m=22_000), based_on=seen)
        assert (caught.value.version, caught.value.author, caught.value.created_at_utc) == (2, "Theo", NOON)
        assert str(caught.value) == (
            "Theo saved version 2 of this plan at 2025-03-03 12:00, while you were writing. "
            "Yours is not stored yet: look at theirs, then save yours as the next one."
        )
    assert scene.everything() == before
    assert add(scene, episode, planned(weekly_distance_m=22_000), based_on=2) == 3


def test_of_eight_who_save_at_once_one_is_stored_and_seven_are_told(scene: Scene) -> None:
    episode = scene.episode(scene.patient())

    def save(number: int) -> str:
        try:
            return str(add(scene, episode, planned(weekly_distance_m=20_000 + number)))
        except PlanSuperseded as refusal:
            return f"told of {refusal.version}"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(save, range(8))) == ["1", *["told of 1"] * 7]
    assert len(scene.rows("plan")) == 1


def test_a_plan_begins_on_the_first_day_of_the_clinics_week(scene: Scene) -> None:
    episode = scene.episode(scene.patient())
    records.set_week_start(scene.engine, scene.olga, 6)
    with pytest.raises(EntryRefused, match="the first day of a week, a Sunday, not on 2025-03-03"):
        add(scene, episode, planned())
    assert add(scene, episode, planned(valid_from=SUNDAY)) == 1


def test_the_next_weeks_stand_beside_their_version(scene: Scene) -> None:
    episode = scene.episode(scene.patient())
    weeks = (PlanWeekEntry(distance_m=20_000, runs=4, longest_run_m=6_000), PlanWeekEntry(distance_m=21_500))
    add(scene, episode, planned(weekly_distance_m=None, weeks=weeks))
    add(scene, episode, planned(weeks=weeks[:1]), based_on=1)
    frame = plans.plan_weeks(scene.engine, scene.tess, episode)
    assert tuple(frame.columns) == PLAN_WEEK_COLUMNS
    assert frame["week_start"].dt.date.tolist() == [MONDAY, date(2025, 3, 10), MONDAY]
    assert frame[["version", "distance_m"]].to_numpy().tolist() == [[1, 20_000], [1, 21_500], [2, 20_000]]
    assert frame["runs"].isna().tolist() == [False, True, False]
    # the first listed week is the version's own
    assert queries.plans(scene.engine, scene.tess, episode)["weekly_distance_m"].tolist() == [20_000, 20_000]


def test_the_audit_tells_what_changed_in_a_plan(scene: Scene) -> None:
    episode = scene.episode(scene.patient())
    add(scene, episode, planned())
    add(scene, episode, planned(weekly_distance_m=22_000, reason="Settled"), based_on=1)
    told = scene.rows("audit_event", object_kind="plan")
    assert [row["action"] for row in told] == ["create", "change"]
    assert '"weekly_distance_m": 20000' in told[1]["detail"]
    assert '"weekly_distance_m": 22000' in told[1]["detail"]


@pytest.mark.parametrize(
    ("table", "write"),
    [
        ("plan", lambda table: sa.update(table).values(weekly_distance_m=1)),
        ("plan", lambda table: sa.update(table).values(reason="")),
        ("plan_week", lambda table: sa.update(table).values(distance_m=1)),
    ],
)
def test_the_database_itself_refuses_to_edit_a_version(scene: Scene, table: str, write: Callable[[sa.Table], sa.Update]) -> None:
    episode = scene.episode(scene.patient())
    add(scene, episode, planned(weeks=(PlanWeekEntry(distance_m=20_000),)))
    before = scene.rows(table)
    with pytest.raises(sa.exc.DatabaseError, match="written once"), writing(scene.engine) as connection:
        connection.execute(write(sa.table(table, sa.column("weekly_distance_m"), sa.column("reason"), sa.column("distance_m"))))  # type: ignore[arg-type]
    assert scene.rows(table) == before


def test_versions_go_with_their_patient(scene: Scene) -> None:
    episode = scene.episode(scene.patient())
    add(scene, episode, planned(weeks=(PlanWeekEntry(distance_m=20_000),)))
    with writing(scene.engine) as connection:
        connection.exec_driver_sql("DELETE FROM patient")
    assert scene.rows("plan") == scene.rows("plan_week") == []


# field, values that are right, values that are not, what is said
LIMITS: tuple[tuple[str, list[Any], list[Any], str], ...] = (
    ("weekly_distance_m", [None, 1, 500_000], [0], "A week of 0 is no plan. Leave the distance empty"),
    ("weekly_distance_m", [1], [-1, 500_001], "cannot be right. It must be above 0 and up to 500 km."),
    ("run_ceiling_m", [1, 500_000], [0], "A longest run of 0 is no plan"),
    ("runs_per_week", [1, 14], [0, 15], "The runs of a week must be between 1 and 14"),
    ("speed_limit_m_s", [0.5, 12.0], [0.4, 12.1], "The highest speed, in m/s, must be between 0.5 and 12"),
    ("strength_sessions_per_week", [0, 21], [-1, 22], "The strength sessions of a week must be between 0 and 21"),
    ("cadence_target_low_spm", [20.0, 174.0], [19.0], "The cadence aimed at, in steps per minute of both feet, must be between 20 and 300"),
    (
        "valid_from",
        [date(2025, 2, 25), date(2025, 9, 1)],
        [date(2025, 2, 24), date(2025, 9, 2)],
        "A plan begins this week or in the next 26",
    ),
    ("surface_limit", [None, "trail"], ["sand"], "Surface limit: "),
)


@pytest.mark.parametrize(("field", "right", "wrong", "said"), LIMITS)
def test_a_plan_that_cannot_be_right_is_refused_in_words(field: str, right: list[Any], wrong: list[Any], said: str) -> None:
    for value in right:
        PlanEntry.checked(**{"today": MONDAY, "valid_from": MONDAY, "reason": "x", field: value})
    for value in wrong:
        with pytest.raises(EntryRefused) as caught:
            PlanEntry.checked(**{"today": MONDAY, "valid_from": MONDAY, "reason": "x", field: value})
        assert said in caught.value.reasons[0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"weekly_distance_m": None}, "Nothing is planned yet."),
        ({"outside_band": True}, "This is outside the suggested band. Say why in a few words."),
        ({"run_part_s": 240}, "Running and walking by turns needs both times"),
        ({"cadence_target_low_spm": 175.0, "cadence_target_high_spm": 174.0}, "from a lower to a higher number of steps"),
        ({"weeks": (PlanWeekEntry(distance_m=21_000),)}, "The plan's weekly distance is that of its first week."),
        ({"weeks": (PlanWeekEntry(distance_m=20_000),) * 5}, "A plan lists at most 4 weeks."),
    ],
)
def test_fields_that_do_not_go_together_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(EntryRefused) as caught:
        planned(**fields)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("week", "said"),
    [
        ({"distance_m": 0}, "A week of 0 is no plan."),
        ({"distance_m": 5_000, "longest_run_m": 5_001}, "not longer than the week"),
        ({"distance_m": 12_001, "runs": 2, "longest_run_m": 6_000}, "2 runs of at most 6.0 km make less than the week's 12.0 km."),
    ],
)
def test_a_week_that_cannot_be_run_is_refused(week: dict[str, int], said: str) -> None:
    with pytest.raises(EntryRefused) as caught:
        PlanWeekEntry.checked(**week)
    assert said in str(caught.value)
    PlanWeekEntry.checked(distance_m=12_000, runs=2, longest_run_m=6_000)


def test_a_suggestion_that_was_withheld_has_a_state_and_no_band() -> None:
    assert SuggestionShown.checked(state="S0").band_low_m is None
    for wrong in ({"state": ""}, {"state": "S8", "band_low_m": 5_000}, {"state": "S8", "band_low_m": 5_001, "band_high_m": 5_000}):
        with pytest.raises(EntryRefused):
            SuggestionShown.checked(**wrong)
