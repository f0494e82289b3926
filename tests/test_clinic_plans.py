"""Plans for who asks: what is typed is read, what leaves the suggestion is kept with it, nothing is suggested while it is withheld."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

import data.database
from clinic import NotFound, plan_desk, plans
from clinic.plan_fields import Draft, TypedPlan, TypedWeek, read_plan, typed_plan
from clinic.suggested import SuggestionWords, suggestion_words
from data import queries, screens
from data.database import make_engine
from data.plans import PlanSuperseded
from models import DistanceUnit, EntryRefused, ScreenAnswer, ScreenEntry, ScreenItem
from rehab.bands import Band
from rehab.decision import Decision, decide
from rehab.limits import Limits
from rehab.plan import PlanWeek
from rehab.plan_draft import DraftWeek, ceiling_refusals, outside_words, week_refusals
from tests.clinic_scene import CHICAGO, Scene, new_scene, run_on
from tests.decision_scenes import inputs as green

MONDAY = date(2025, 3, 3)
MILE = 1609.344
FIRST = DraftWeek(MONDAY, 16_093, 3, 6_437)


@pytest.fixture
def scene(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    data.database.engine.cache_clear()
    made = make_engine(sqlite_url)
    yield new_scene(made)
    made.dispose()
    data.database.engine().dispose()
    data.database.engine.cache_clear()


def _draft(**fields: object) -> Draft:
    plan = PlanWeek(0, MONDAY, 16_093, 3.0, 6_437, reason="Why not")
    return Draft(replace(plan, **fields), (FIRST,))  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------------------------------
# What is typed
# --------------------------------------------------------------------------------------------------------------------


def test_a_plan_written_into_the_fields_is_read_back_to_the_metre() -> None:
    plan = PlanWeek(4, MONDAY, 16_097, 3.0, 6_441, 240.0, 60.0, 168.0, 174.0, 2.871, "road", 2.0, "Earlier")
    weeks = (DraftWeek(MONDAY, 16_097, 3, 6_441), DraftWeek(MONDAY + timedelta(days=7), 17_701, None, None))
    for unit in DistanceUnit:
        typed = typed_plan(plan, weeks, unit)
        read = read_plan(typed, valid_from=MONDAY, unit=unit, before=plan, weeks_before=weeks)
        assert read.weeks == weeks
        assert read.plan == replace(plan, reason="")
        assert read.unreadable == {}


def test_each_field_that_cannot_be_read_has_its_own_sentence() -> None:
    typed = TypedPlan((TypedWeek("6,200", 3, "long"),), "x", "4:75", "-1", fastest_pace="9:30 /km")
    read = read_plan(typed, valid_from=MONDAY, unit=DistanceUnit.MILE, before=None, weeks_before=())
    assert list(read.unreadable) == ["distance_0", "longest_0", "ceiling", "run_part", "walk_part", "fastest_pace"]
    assert read.unreadable["run_part"] == "'4:75' is not a time. Write minutes and seconds, such as 4:30."
    assert read.unreadable["fastest_pace"].startswith("This runner's pace is for one mi.")
    assert read.plan.run_ceiling_m is None


def test_a_distance_may_be_typed_in_the_other_unit() -> None:
    typed = TypedPlan((TypedWeek("10 km"),))
    read = read_plan(typed, valid_from=MONDAY, unit=DistanceUnit.MILE, before=None, weeks_before=())
    assert read.plan.weekly_distance_m == 10_000


# --------------------------------------------------------------------------------------------------------------------
# Outside what is suggested, and withheld
# --------------------------------------------------------------------------------------------------------------------


def _decision(*, band: Band | None, cap_m: float | None) -> Decision:
    return replace(decide(green()), band=band, cap_m=cap_m)


@pytest.mark.parametrize(
    ("distance_m", "said"),
    [
        (16_092, ("10.0 mi is outside the suggested 10.0 to 11.0 mi.",)),
        (16_093, ()),  # ten miles, as they are stored
        (17_703, ()),
        (17_704, ("11.0 mi is outside the suggested 10.0 to 11.0 mi.",)),
    ],
)
def test_a_week_on_an_end_of_the_band_is_inside_it(distance_m: int, said: tuple[str, ...]) -> None:
    decision = _decision(band=Band(10 * MILE, 11 * MILE), cap_m=None)
    assert outside_words(decision, PlanWeek(0, MONDAY), [DraftWeek(MONDAY, distance_m)]) == said


@pytest.mark.parametrize(("longest_m", "number"), [(6_437, 0), (6_438, 0), (6_439, 1)])
def test_a_run_on_the_suggested_cap_is_inside_it(longest_m: int, number: int) -> None:
    decision = _decision(band=None, cap_m=6_437.6)
    for plan, weeks in (
        (PlanWeek(0, MONDAY, run_ceiling_m=longest_m), []),
        (PlanWeek(0, MONDAY), [DraftWeek(MONDAY, 20_000, None, longest_m)]),
    ):
        assert len(outside_words(decision, plan, weeks)) == number


def test_while_the_screen_is_not_clear_the_words_hold_nothing_of_a_suggestion(scene: Scene) -> None:
    patient = scene.patient(birth_date=date(1980, 5, 5))
    key = scene.episode(patient)
    shown = plan_desk.desk(scene.tess, key)
    told = plans.suggestion(shown)
    assert told == SuggestionWords(told.withheld, told.why)
    assert told.withheld.startswith("Being checked")
    assert "not asked in the last 28 days" in told.why[0]


def test_where_the_limits_forbid_suggestions_neither_state_nor_rule_is_named() -> None:
    forbidden = green(limits=Limits(no_suggestions=True, no_suggestions_reason="pregnancy"))
    told = suggestion_words(decide(forbidden), DistanceUnit.MILE)
    assert told == SuggestionWords("Nothing is suggested for this patient: pregnancy.", told.why)
    assert told.why == ()


def test_beside_the_band_stand_rule_inputs_and_strength(scene: Scene) -> None:
    told = suggestion_words(decide(green()), DistanceUnit.MILE)
    assert told.title.startswith("S8")
    assert told.band.startswith("Next week: ")
    assert told.strength.startswith("Strength of evidence ")
    assert any("Longest run of the last 30 days" in line for line in told.inputs)
    assert any("Band before rounding" in line for line in told.inputs)
    assert len(told.choices) >= 2
    assert told.choices[-1].words == "No change: the confirmed plan stays"
    assert told.choices[-1].distance == ""


# --------------------------------------------------------------------------------------------------------------------
# What must be mended
# --------------------------------------------------------------------------------------------------------------------


def test_each_listed_week_needs_a_distance_and_keeps_the_rules_of_a_plan() -> None:
    weeks = [
        FIRST,
        DraftWeek(MONDAY + timedelta(days=7)),
        DraftWeek(MONDAY + timedelta(days=14), 10_000, 1, 8_000),
        DraftWeek(MONDAY + timedelta(days=21), 0),
    ]
    wrong = week_refusals(weeks, as_of=MONDAY, week_start=0, ended_on=None)
    assert wrong[0] == "Week of March 10, 2025: write its distance, or list fewer weeks."
    assert wrong[1].startswith("Week of March 17, 2025: The runs of the week, each as long as allowed")
    assert "0 is never planned" in wrong[2]
    assert len(wrong) == 3


def test_a_longest_run_on_the_ceiling_is_allowed_and_one_over_it_is_not() -> None:
    assert ceiling_refusals(PlanWeek(0, MONDAY, run_ceiling_m=6_437), [FIRST]) == ()
    assert len(ceiling_refusals(PlanWeek(0, MONDAY, run_ceiling_m=6_436), [FIRST])) == 1


# --------------------------------------------------------------------------------------------------------------------
# Saved
# --------------------------------------------------------------------------------------------------------------------


def _here(shown: plan_desk.Desk, **fields: object) -> Draft:
    first = shown.first_days[0]
    draft = _draft(valid_from=first, **fields)
    week = replace(FIRST, week_start=first, distance_m=draft.plan.weekly_distance_m, longest_run_m=draft.plan.run_ceiling_m)
    return Draft(draft.plan, (week,))


def test_a_plan_is_saved_with_the_state_that_was_shown_and_the_old_one_stays(scene: Scene) -> None:
    key = scene.episode(scene.patient(time_zone=CHICAGO))
    shown = plan_desk.desk(scene.tess, key)
    assert plans.save(scene.tess, shown, _here(shown), based_on=0) == 1
    shown = plan_desk.desk(scene.tess, key)
    assert plans.save(scene.tess, shown, _here(shown, weekly_distance_m=17_703), based_on=1) == 2
    rows = queries.plans(scene.engine, scene.tess, key)
    assert rows["weekly_distance_m"].tolist() == [16_093, 17_703]
    assert rows["suggestion_state"].tolist() == ["S0", "S0"]  # never screened
    assert rows["band_low_m"].isna().all()
    shown = plan_desk.desk(scene.tess, key)
    assert [version.number for version in shown.versions] == [2, 1]
    assert plans.version_list(shown)[0]["Different from the one before"] == "week's distance 10.0 mi → 11.0 mi"
    assert plans.go_back(scene.tess, shown, 1, based_on=2) == 3
    newest, _, oldest = plan_desk.desk(scene.tess, key).versions
    assert replace(newest.plan, version=1, reason=oldest.plan.reason) == oldest.plan
    assert newest.weeks == oldest.weeks


def test_a_plan_over_the_suggested_cap_is_kept_with_what_was_suggested(scene: Scene) -> None:
    patient = scene.patient()
    key = scene.episode(patient)
    today = plan_desk.desk(scene.tess, key).today
    for days in (2, 5):
        scene.run(patient, run_on(today - timedelta(days=days), distance_m=8_000))
    answers = dict.fromkeys(ScreenItem, ScreenAnswer.NO)
    screens.add_screen(scene.engine, scene.tess, key, ScreenEntry.checked(today=today, asked_on=today, answers=answers))
    shown = plan_desk.desk(scene.tess, key)
    cap_m = shown.decision.cap_m
    assert cap_m is not None
    over = _here(shown, weekly_distance_m=30_000, run_ceiling_m=12_000)
    assert plans.outside(shown, over)
    with pytest.raises(EntryRefused, match="Say in a few words why"):
        plans.save(scene.tess, shown, replace(over, plan=replace(over.plan, reason=" ")), based_on=0)
    plans.save(scene.tess, shown, over, based_on=0)
    row = queries.plans(scene.engine, scene.tess, key).iloc[-1]
    assert bool(row["outside_band"])
    assert row["suggested_ceiling_m"] == pytest.approx(cap_m, abs=0.5)
    assert row["suggestion_state"] == shown.decision.state.code
    assert "(outside what was suggested)" in plans.version_list(plan_desk.desk(scene.tess, key))[0]["Why"]


def test_who_saves_on_an_older_version_is_refused_and_told(scene: Scene) -> None:
    key = scene.episode(scene.patient())
    mine = plan_desk.desk(scene.tess, key)
    scene.plan(key, mine.first_days[0], weekly_distance_m=12_000)
    with pytest.raises(PlanSuperseded, match="Tess saved version 1 of this plan"):
        plans.save(scene.tess, mine, _here(mine), based_on=0)
    newer = plans.meanwhile(plan_desk.desk(scene.tess, key), 0)
    assert newer is not None
    assert "Tess, " in newer.sentence
    assert newer.difference == ("week's distance 7.5 mi",)
    assert plans.meanwhile(plan_desk.desk(scene.tess, key), 1) is None


def test_moving_the_same_plan_to_an_earlier_week_is_a_change_and_keeping_it_is_none(scene: Scene) -> None:
    key = scene.episode(scene.patient())
    shown = plan_desk.desk(scene.tess, key)
    later = _here(shown)
    later = Draft(replace(later.plan, valid_from=shown.first_days[2]), (replace(later.weeks[0], week_start=shown.first_days[2]),))
    plans.save(scene.tess, shown, later, based_on=0)
    shown = plan_desk.desk(scene.tess, key)
    assert "Nothing is different from the plan as it is." in plans.refusals(shown, later, finished=True)
    assert plans.refusals(shown, _here(shown), finished=True) == ()


def test_who_does_not_treat_the_patient_finds_no_plan(scene: Scene) -> None:
    key = scene.episode(scene.patient())
    for stranger in (scene.olga, scene.fred, scene.theo):
        with pytest.raises(NotFound):
            plan_desk.desk(stranger, key)
