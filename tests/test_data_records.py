"""Writes: whole or absent, nothing overwritten, each score at the run it follows."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from data import queries, records, runs, weeks
from data.records import AlreadyThere
from data.runs import retire_run
from models import (
    ChangeKind,
    EntryRefused,
    NoRunEntry,
    PainMoment,
    RestEntry,
    RestMoment,
    Side,
    SiteKind,
    VisitStatus,
    day_of,
)
from tests.clinic_scene import CHICAGO, TODAY, Scene, new_scene, noon, run_on, score_on

SATURDAY, SUNDAY, MONDAY, TUESDAY = date(2025, 3, 1), date(2025, 3, 2), date(2025, 3, 3), date(2025, 3, 4)
LATER = datetime(2025, 4, 2, 9, 30, tzinfo=UTC)
DURING, AFTER, NEXT_MORNING = PainMoment.DURING, PainMoment.AFTER, PainMoment.NEXT_MORNING


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


def links(scene: Scene) -> list[tuple[str, int, int | None, date, date]]:
    """Give each current score: moment, value, run, day on which it stands, first day of its week."""
    return [
        (row["moment"], row["nprs"], row["run_id"], row["counted_date"], day_of(row["week"]))
        for row in scene.rows("pain_score", retired_at_utc=None)
    ]


def run_weeks(scene: Scene) -> dict[date, tuple[int, int]]:
    return {day_of(row["week"]): (row["runs"], row["distance_m"]) for row in scene.rows("patient_week")}


def pain_weeks(scene: Scene) -> dict[tuple[date, str], list[int]]:
    """Give the scores of each week and moment, from the counts."""
    return {
        (day_of(row["week"]), row["moment"]): [score for score in range(11) for _ in range(row[f"n{score}"])]
        for row in scene.rows("pain_week")
    }


# --------------------------------------------------------------------------------------------------------------------
# Whole or absent
# --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def written(scene: Scene) -> dict[str, Any]:
    """Give a patient with an episode, a run and a score, by name."""
    patient = scene.patient("ADA")
    episode = scene.episode(patient)
    run = scene.run(patient, run_on(SUNDAY))
    scene.score(patient, score_on(MONDAY, 4))
    rested = date(2025, 3, 6)
    records.add_day_without_run(scene.engine, scene.tess, patient, NoRunEntry.checked(today=TODAY, day=rested))
    return {"patient": patient, "episode": episode, "run": run, "score": scene.only_score_id(patient), "day without a run": rested}


WRITES: dict[str, tuple[str, Callable[[Scene, dict[str, Any]], object]]] = {
    # what it does: the last step of it, the write
    "add_episode": ("mark_changed", lambda scene, at: scene.episode(at["patient"])),
    "add_pain_scores": ("mark_changed", lambda scene, at: scene.score(at["patient"], score_on(TUESDAY, 2), score_on(SUNDAY, 1, DURING))),
    "add_diary_day": (
        "refresh_coverage",
        lambda scene, at: records.add_diary_day(
            scene.engine, scene.tess, at["patient"], scores=[score_on(TUESDAY, 2)], without_run=NoRunEntry.checked(today=TODAY, day=TUESDAY)
        ),
    ),
    "add_rest_answer": (
        "mark_changed",
        lambda scene, at: records.add_rest_answer(scene.engine, scene.tess, at["patient"], rest_on(TUESDAY, answer=True)),
    ),
    "add_day_without_run": (
        "mark_changed",
        lambda scene, at: records.add_day_without_run(
            scene.engine, scene.tess, at["patient"], NoRunEntry.checked(today=TODAY, day=TUESDAY)
        ),
    ),
    "retire_day_without_run": (
        "mark_changed",
        lambda scene, at: records.retire_day_without_run(scene.engine, scene.tess, at["patient"], at["day without a run"]),
    ),
    "correct_pain_score": ("mark_changed", lambda scene, at: records.correct_pain_score(scene.engine, scene.tess, at["score"], 7)),
    "add_run": ("refresh_weeks", lambda scene, at: scene.run(at["patient"], run_on(TUESDAY))),
    "retire_run": ("refresh_weeks", lambda scene, at: retire_run(scene.engine, scene.tess, at["run"])),
    "add_visit": (
        "mark_changed",
        lambda scene, at: records.add_visit(
            scene.engine, scene.tess, at["episode"], visit_date=MONDAY, kind=SiteKind.VIRTUAL, status=VisitStatus.ARRIVED
        ),
    ),
    "add_change": (
        "mark_changed",
        lambda scene, at: records.add_change(scene.engine, scene.tess, at["episode"], day=MONDAY, kind=ChangeKind.SHOE, label="New shoes"),
    ),
    "set_week_start": ("renumber_weeks", lambda scene, at: records.set_week_start(scene.engine, scene.olga, 6)),
}


def rest_on(day: date, *, answer: bool, moment: RestMoment = RestMoment.NIGHT_REST) -> RestEntry:
    return RestEntry.checked(today=TODAY, moment=moment, side=Side.LEFT, answer=answer, for_date=day)


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_whole_or_absent(scene: Scene, written: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    last_step, write = WRITES[name]
    before = scene.everything()
    with monkeypatch.context() as broken:
        done = getattr(weeks, last_step)

        def breaks_off(*given: Any) -> None:
            done(*given)
            raise RuntimeError("the power is gone")

        broken.setattr(weeks, last_step, breaks_off)
        with pytest.raises(RuntimeError, match="the power is gone"):
            write(scene, written)
    assert scene.everything() == before
    write(scene, written)
    changed = scene.everything()
    assert changed != before
    assert changed["patient"][0]["changed_seq"] > before["patient"][0]["changed_seq"]  # whoever keeps these facts asks again


def test_every_write_is_tried_for_wholeness() -> None:
    functions = {name for module in (records, runs) for name in vars(module) if name.startswith(("add_", "correct_", "retire_", "set_"))}
    single_rows = {"add_patient", "add_site", "set_sign_in_rules", "set_therapists_see_site"}
    assert functions - single_rows == set(WRITES)


# --------------------------------------------------------------------------------------------------------------------
# Patients and episodes
# --------------------------------------------------------------------------------------------------------------------


def test_a_patient_code_is_taken_once(scene: Scene) -> None:
    scene.patient("ADA")
    with pytest.raises(AlreadyThere, match="The patient code ADA is taken"):
        scene.patient("ADA", scene.theo)
    assert len(scene.rows("patient")) == 1


def test_an_episode_of_a_site_that_is_gone_is_refused_in_words(scene: Scene) -> None:
    patient = scene.patient("ADA")
    for field, words in (("site_id", "That site is not"), ("therapist_id", "That therapist is not")):
        with pytest.raises(EntryRefused, match=words):
            scene.episode(patient, **{field: 4711})
    assert scene.rows("episode_of_care") == []


def test_scores_without_a_side_get_the_side_of_the_first_episode(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.score(patient, score_on(MONDAY, 4, side=Side.UNSPECIFIED))
    assert [row["side"] for row in scene.rows("pain_week")] == ["unspecified"]
    scene.episode(patient, side=Side.RIGHT)
    assert [row["side"] for row in scene.rows("pain_score")] == ["right"]
    assert [(row["side"], row["n4"]) for row in scene.rows("pain_week")] == [("right", 1)]
    scene.score(patient, score_on(TUESDAY, 2, side=Side.UNSPECIFIED))
    scene.episode(patient, side=Side.LEFT)  # the second one takes nothing
    assert [row["side"] for row in scene.rows("pain_score")] == ["right", "unspecified"]


def test_an_episode_takes_scores_without_a_side_where_its_side_has_none(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.score(patient, score_on(MONDAY, 4, side=Side.UNSPECIFIED), score_on(TUESDAY, 5, side=Side.UNSPECIFIED))
    scene.score(patient, score_on(MONDAY, 2, side=Side.LEFT))
    scene.episode(patient, side=Side.LEFT)
    assert [(row["side"], row["nprs"]) for row in scene.rows("pain_score")] == [("unspecified", 4), ("left", 5), ("left", 2)]


def test_an_episode_takes_scores_without_a_side_of_its_own_time_only(scene: Scene) -> None:
    patient = scene.patient("ADA")
    days = [date(2025, 2, 3), date(2025, 2, 4), MONDAY]  # March 4 less 28 days is February 4
    scene.score(patient, *(score_on(day, 4, side=Side.UNSPECIFIED) for day in days))
    scene.episode(patient, side=Side.LEFT, started_on=TUESDAY)
    assert [row["side"] for row in scene.rows("pain_score")] == ["unspecified", "left", "left"]


# --------------------------------------------------------------------------------------------------------------------
# Scores: said again, corrected, taken back
# --------------------------------------------------------------------------------------------------------------------


def test_the_same_score_again_adds_nothing(scene: Scene) -> None:
    patient = scene.patient("ADA")
    assert scene.score(patient, score_on(MONDAY, 4), score_on(TUESDAY, 0)) == 2
    before = scene.everything()
    assert scene.score(patient, score_on(MONDAY, 4), now=LATER) == 0
    assert scene.everything() == before


def test_another_value_for_the_same_moment_is_refused_and_nothing_of_the_rest_is_stored(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.score(patient, score_on(MONDAY, 4))
    with pytest.raises(AlreadyThere, match=r"For 2025-03-03 \(next morning\) the score 4 is stored. Correct that one"):
        scene.score(patient, score_on(TUESDAY, 2), score_on(MONDAY, 5))
    assert [row["nprs"] for row in scene.rows("pain_score")] == [4]
    assert scene.score(patient, score_on(MONDAY, 5, side=Side.RIGHT), score_on(MONDAY, 5, AFTER)) == 2


def test_0_is_a_score(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.score(patient, score_on(MONDAY, 0))
    assert queries.scores(scene.engine, scene.tess, patient)["nprs"].tolist() == [0]
    assert pain_weeks(scene) == {(MONDAY, "next_morning"): [0]}


def test_a_correction_keeps_the_old_value_with_who_and_when(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.episode(patient, site_id=scene.harbour)  # Theo works there
    scene.score(patient, score_on(MONDAY, 4), now=noon(MONDAY))
    wrong = scene.only_score_id(patient)
    right = records.correct_pain_score(scene.engine, scene.theo, wrong, 7, now=LATER)
    old, new = scene.rows("pain_score")
    assert (old["id"], old["nprs"], old["recorded_by_id"], old["recorded_at_utc"]) == (wrong, 4, scene.tess.person_id, noon(MONDAY))
    assert (old["retired_by_id"], old["retired_at_utc"]) == (scene.theo.person_id, LATER)
    assert (new["id"], new["nprs"], new["corrects_id"], new["recorded_by_id"], new["recorded_at_utc"]) == (
        right,
        7,
        wrong,
        scene.theo.person_id,
        LATER,
    )
    assert new["retired_at_utc"] is None
    assert queries.scores(scene.engine, scene.tess, patient)["nprs"].tolist() == [7]
    assert pain_weeks(scene) == {(MONDAY, "next_morning"): [7]}
    history = queries.score_history(scene.engine, scene.tess, patient, since=MONDAY)
    assert history[["nprs", "recorded_by", "retired_by"]].to_numpy().tolist() == [[7, "Theo", ""], [4, "Tess", "Theo"]]


def test_a_score_that_was_corrected_meanwhile_is_not_corrected_again(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.score(patient, score_on(MONDAY, 4))
    first = scene.only_score_id(patient)
    records.correct_pain_score(scene.engine, scene.tess, first, 5)
    with pytest.raises(AlreadyThere, match="Somebody has corrected this score meanwhile"):
        records.correct_pain_score(scene.engine, scene.tess, first, 6)
    assert queries.scores(scene.engine, scene.tess, patient)["nprs"].tolist() == [5]


def test_a_correction_to_the_same_value_changes_nothing(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.score(patient, score_on(MONDAY, 4))
    before = scene.everything()
    score = scene.only_score_id(patient)
    assert records.correct_pain_score(scene.engine, scene.tess, score, 4) == score
    assert scene.everything() == before


@pytest.mark.parametrize("nprs", [-1, 11, True])
def test_a_correction_to_what_cannot_be_is_refused(scene: Scene, nprs: int) -> None:
    patient = scene.patient("ADA")
    scene.score(patient, score_on(MONDAY, 4))
    before = scene.everything()
    with pytest.raises(EntryRefused):
        records.correct_pain_score(scene.engine, scene.tess, scene.only_score_id(patient), nprs)
    assert scene.everything() == before


def test_a_score_taken_back_counts_no_more_and_stays(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.score(patient, score_on(MONDAY, 4))
    assert records.correct_pain_score(scene.engine, scene.tess, scene.only_score_id(patient), None, now=LATER) is None
    assert queries.scores(scene.engine, scene.tess, patient).empty
    assert pain_weeks(scene) == {}
    assert [(row["nprs"], row["retired_at_utc"], row["retired_by_id"]) for row in scene.rows("pain_score")] == [
        (4, LATER, scene.tess.person_id)
    ]
    assert scene.score(patient, score_on(MONDAY, 6)) == 1  # and the place is free again


def test_a_score_told_before_the_second_run_of_the_day_is_not_stored_twice(scene: Scene) -> None:
    patient = scene.patient("ADA")
    morning = scene.run(patient, run_on(MONDAY, "07:00"))
    scene.score(patient, score_on(MONDAY, 7, DURING))
    evening = scene.run(patient, run_on(MONDAY, "18:00"))
    assert links(scene) == [("during", 7, None, MONDAY, MONDAY)]  # of which of the two nobody said
    assert scene.score(patient, score_on(MONDAY, 7, DURING, run_id=morning)) == 0
    assert links(scene) == [("during", 7, morning, MONDAY, MONDAY)]
    assert pain_weeks(scene) == {(MONDAY, "during"): [7]}
    assert scene.score(patient, score_on(MONDAY, 7, DURING, run_id=evening)) == 1  # the other run's own
    assert pain_weeks(scene) == {(MONDAY, "during"): [7, 7]}


def test_another_value_for_a_run_of_the_day_is_a_correction(scene: Scene) -> None:
    patient = scene.patient("ADA")
    morning = scene.run(patient, run_on(MONDAY, "07:00"))
    scene.score(patient, score_on(MONDAY, 7, DURING))
    scene.run(patient, run_on(MONDAY, "18:00"))
    with pytest.raises(AlreadyThere, match=r"For 2025-03-03 \(during\) the score 7 is stored"):
        scene.score(patient, score_on(MONDAY, 5, DURING, run_id=morning))
    assert links(scene) == [("during", 7, None, MONDAY, MONDAY)]
    assert scene.score(patient, score_on(MONDAY, 5, AFTER, run_id=morning)) == 1
    assert scene.score(patient, score_on(MONDAY, 5, DURING, side=Side.RIGHT, run_id=morning)) == 1


def did_not_run(scene: Scene, patient: str, day: date, *entries: Any) -> int:
    return records.add_diary_day(
        scene.engine, scene.tess, patient, scores=entries, without_run=NoRunEntry.checked(today=TODAY, day=day), now=noon(day)
    )


def test_who_ran_cannot_say_that_they_did_not(scene: Scene) -> None:
    patient = scene.patient("ADA")
    run = scene.run(patient, run_on(SUNDAY))
    with pytest.raises(EntryRefused, match="“Did not run” does not fit 2025-03-02: a run of that day is stored"):
        did_not_run(scene, patient, SUNDAY, score_on(SUNDAY, 3))
    assert (scene.rows("day_without_run"), scene.rows("pain_score")) == ([], [])
    assert did_not_run(scene, patient, MONDAY, score_on(MONDAY, 3)) == 2  # the day after it is another day
    retire_run(scene.engine, scene.tess, run)
    assert did_not_run(scene, patient, SUNDAY) == 1


@pytest.mark.parametrize("moment", [PainMoment.BEFORE, DURING, AFTER])
@pytest.mark.parametrize("together", [True, False])
def test_a_score_of_a_run_and_no_run_do_not_go_together(scene: Scene, moment: PainMoment, together: bool) -> None:
    patient = scene.patient("ADA")
    entry = score_on(MONDAY, 3, moment)
    if not together:
        scene.score(patient, entry)
    with pytest.raises(EntryRefused, match=f"that day has a pain score {moment.value} a run"):
        did_not_run(scene, patient, MONDAY, *([entry] if together else []))
    assert len(scene.rows("pain_score")) == int(not together)
    assert did_not_run(scene, patient, TUESDAY, score_on(TUESDAY, 3), score_on(TUESDAY, 2, PainMoment.NIGHT_LYING)) == 3


def test_a_day_without_a_run_can_be_taken_back(scene: Scene) -> None:
    patient = scene.patient("ADA")
    did_not_run(scene, patient, MONDAY)
    assert queries.coverage(scene.engine, scene.tess, patient) == (MONDAY, MONDAY)
    records.retire_day_without_run(scene.engine, scene.tess, patient, MONDAY)
    assert (scene.rows("day_without_run"), queries.coverage(scene.engine, scene.tess, patient)) == ([], None)
    with pytest.raises(LookupError, match="no such day without a run"):
        records.retire_day_without_run(scene.engine, scene.tess, patient, MONDAY)


def test_a_run_takes_back_that_nobody_ran(scene: Scene) -> None:
    patient = scene.patient("ADA")
    did_not_run(scene, patient, MONDAY)
    did_not_run(scene, patient, TUESDAY)
    scene.run(patient, run_on(MONDAY))
    assert [row["day"] for row in scene.rows("day_without_run")] == [TUESDAY]


@pytest.mark.parametrize(("told_on", "recalled"), [(MONDAY, False), (TUESDAY, False), (date(2025, 3, 5), True)])
def test_a_score_told_days_later_is_marked(scene: Scene, told_on: date, recalled: bool) -> None:
    patient = scene.patient("ADA")
    scene.score(patient, score_on(MONDAY, 4, today=told_on))
    assert scene.rows("pain_score")[0]["recalled"] is recalled


def test_a_later_answer_about_rest_retires_the_earlier_one(scene: Scene) -> None:
    patient = scene.patient("ADA")
    records.add_rest_answer(scene.engine, scene.tess, patient, rest_on(MONDAY, answer=False), now=noon(MONDAY))
    records.add_rest_answer(scene.engine, scene.tess, patient, rest_on(MONDAY, answer=False), now=noon(TUESDAY))  # the same again
    assert len(scene.rows("rest_answer")) == 1
    records.add_rest_answer(scene.engine, scene.tess, patient, rest_on(MONDAY, answer=True), now=LATER)
    old, new = scene.rows("rest_answer")
    assert (old["answer"], old["retired_at_utc"], old["retired_by_id"]) == (False, LATER, scene.tess.person_id)
    assert (new["answer"], new["retired_at_utc"], new["corrects_id"]) == (True, None, old["id"])
    frame = queries.rest_answers(scene.engine, scene.tess, patient)
    assert frame["answer"].tolist() == [True]


# --------------------------------------------------------------------------------------------------------------------
# Which run a score follows
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("score_first", [False, True])
def test_a_next_morning_score_counts_to_the_week_of_the_run_before(scene: Scene, score_first: bool) -> None:
    patient = scene.patient("ADA")
    if score_first:  # the file came later
        scene.score(patient, score_on(MONDAY, 6))
        assert links(scene) == [("next_morning", 6, None, MONDAY, MONDAY)]
        assert pain_weeks(scene) == {(MONDAY, "next_morning"): [6]}
    run = scene.run(patient, run_on(SUNDAY, "18:00"))
    if not score_first:
        scene.score(patient, score_on(MONDAY, 6))
    assert links(scene) == [("next_morning", 6, run, SUNDAY, date(2025, 2, 24))]
    assert pain_weeks(scene) == {(date(2025, 2, 24), "next_morning"): [6]}
    frame = queries.scores(scene.engine, scene.tess, patient)
    assert (frame["for_date"].dt.date.item(), frame["counted_date"].dt.date.item()) == (MONDAY, SUNDAY)


def test_a_next_morning_score_follows_the_last_run_of_the_day_before(scene: Scene) -> None:
    patient = scene.patient("ADA")
    evening = scene.run(patient, run_on(SUNDAY, "18:00"))
    scene.score(patient, score_on(MONDAY, 6))
    scene.run(patient, run_on(SUNDAY, "06:00"))  # stored later, run earlier
    scene.run(patient, run_on(SATURDAY, "20:00"))
    scene.run(patient, run_on(MONDAY, "05:00"))
    assert links(scene) == [("next_morning", 6, evening, SUNDAY, date(2025, 2, 24))]


def test_a_run_taken_away_gives_its_score_to_the_run_before_it_or_to_none(scene: Scene) -> None:
    patient = scene.patient("ADA")
    morning, evening = (scene.run(patient, run_on(SUNDAY, at)) for at in ("06:00", "18:00"))
    scene.score(patient, score_on(MONDAY, 6))
    retire_run(scene.engine, scene.tess, evening, now=LATER)
    assert links(scene) == [("next_morning", 6, morning, SUNDAY, date(2025, 2, 24))]
    assert run_weeks(scene) == {date(2025, 2, 24): (1, 8_000)}
    retire_run(scene.engine, scene.tess, morning, now=LATER)
    assert links(scene) == [("next_morning", 6, None, MONDAY, MONDAY)]
    assert run_weeks(scene) == {}
    assert pain_weeks(scene) == {(MONDAY, "next_morning"): [6]}


def test_a_retired_run_stays_with_who_and_when(scene: Scene) -> None:
    patient = scene.patient("ADA")
    run = scene.run(patient, run_on(SUNDAY))
    retire_run(scene.engine, scene.tess, run, now=LATER)
    retire_run(scene.engine, scene.tess, run, now=LATER + timedelta(days=1))
    row = scene.rows("run")[0]
    assert (row["id"], row["distance_m"], row["retired_at_utc"], row["retired_by_id"]) == (run, 8_000, LATER, scene.tess.person_id)
    assert queries.runs(scene.engine, scene.tess, patient).empty
    assert scene.run(patient, run_on(SUNDAY)) != run  # the same run can be stored again


def test_the_same_run_twice_is_refused_in_words(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.run(patient, run_on(SUNDAY))
    with pytest.raises(AlreadyThere, match="This run is stored already"):
        scene.run(patient, run_on(SUNDAY, device="another watch"))
    scene.run(patient, run_on(SUNDAY, "07:20"))  # twenty minutes later is another run
    assert len(scene.rows("run")) == 2


def test_a_score_of_the_run_follows_the_only_run_of_its_day(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.score(patient, score_on(SUNDAY, 2, DURING))
    assert links(scene) == [("during", 2, None, SUNDAY, date(2025, 2, 24))]
    only = scene.run(patient, run_on(SUNDAY, "06:00"))
    assert links(scene) == [("during", 2, only, SUNDAY, date(2025, 2, 24))]
    scene.run(patient, run_on(SUNDAY, "18:00"))  # now nobody knows which
    assert links(scene) == [("during", 2, None, SUNDAY, date(2025, 2, 24))]


def test_each_of_two_runs_of_a_day_has_its_own_scores(scene: Scene) -> None:
    patient = scene.patient("ADA")
    morning, evening = (scene.run(patient, run_on(SUNDAY, at)) for at in ("06:00", "18:00"))
    assert scene.score(patient, score_on(SUNDAY, 2, DURING, run_id=morning), score_on(SUNDAY, 5, DURING, run_id=evening)) == 2
    assert scene.score(patient, score_on(SUNDAY, 5, DURING, run_id=evening)) == 0
    with pytest.raises(AlreadyThere):
        scene.score(patient, score_on(SUNDAY, 6, DURING, run_id=evening))
    assert [(nprs, run) for _, nprs, run, *_ in links(scene)] == [(2, morning), (5, evening)]
    assert pain_weeks(scene) == {(date(2025, 2, 24), "during"): [2, 5]}


def test_a_score_that_names_a_run_keeps_it_when_others_come(scene: Scene) -> None:
    patient = scene.patient("ADA")
    morning = scene.run(patient, run_on(SUNDAY, "06:00"))
    scene.score(patient, score_on(SUNDAY, 2, DURING, run_id=morning))
    scene.run(patient, run_on(SUNDAY, "18:00"))
    assert [(nprs, run) for _, nprs, run, *_ in links(scene)] == [(2, morning)]


def test_a_run_of_another_day_or_patient_cannot_be_named(scene: Scene) -> None:
    ada, ben = scene.patient("ADA"), scene.patient("BEN")
    of_ada, of_ben = scene.run(ada, run_on(SUNDAY)), scene.run(ben, run_on(MONDAY))
    for run_id, said in ((of_ben, "not there any more"), (4711, "not there any more"), (of_ada, "of another day, 2025-03-02")):
        with pytest.raises(EntryRefused, match=said):
            scene.score(ada, score_on(MONDAY, 2, DURING, run_id=run_id))
    retire_run(scene.engine, scene.tess, of_ada)
    with pytest.raises(EntryRefused, match="not there any more"):
        scene.score(ada, score_on(SUNDAY, 2, DURING, run_id=of_ada))
    assert scene.rows("pain_score") == []


def score_of_a_run_that_went(scene: Scene, patient: str, nprs: int) -> None:
    """Leave a score of Sunday that follows no run, beside those that are named with one."""
    noon_run = scene.run(patient, run_on(SUNDAY, "12:00"))
    scene.score(patient, score_on(SUNDAY, nprs, DURING, run_id=noon_run))
    retire_run(scene.engine, scene.tess, noon_run)


def test_scores_of_runs_that_go_keep_out_of_each_others_place(scene: Scene) -> None:
    """One without a run, one named with the morning's: when the morning's run goes, the first takes the evening's, the second none."""
    patient = scene.patient("ADA")
    morning, evening = (scene.run(patient, run_on(SUNDAY, at)) for at in ("06:00", "18:00"))
    scene.score(patient, score_on(SUNDAY, 2, DURING, run_id=morning))
    score_of_a_run_that_went(scene, patient, 1)
    retire_run(scene.engine, scene.tess, morning)
    assert [(nprs, run) for _, nprs, run, *_ in links(scene)] == [(2, None), (1, evening)]
    assert pain_weeks(scene) == {(date(2025, 2, 24), "during"): [1, 2]}


def test_the_score_of_a_run_that_stays_is_not_pushed_away(scene: Scene) -> None:
    patient = scene.patient("ADA")
    morning, evening = (scene.run(patient, run_on(SUNDAY, at)) for at in ("06:00", "18:00"))
    scene.score(patient, score_on(SUNDAY, 2, DURING, run_id=morning), score_on(SUNDAY, 5, DURING, run_id=evening))
    retire_run(scene.engine, scene.tess, morning)
    assert [(nprs, run) for _, nprs, run, *_ in links(scene)] == [(2, None), (5, evening)]


def test_all_runs_of_a_day_with_three_scores_can_go(scene: Scene) -> None:
    patient = scene.patient("ADA")
    morning, evening = (scene.run(patient, run_on(SUNDAY, at)) for at in ("06:00", "18:00"))
    scene.score(patient, score_on(SUNDAY, 2, DURING, run_id=morning), score_on(SUNDAY, 5, DURING, run_id=evening))
    score_of_a_run_that_went(scene, patient, 1)
    for run in (morning, evening):
        retire_run(scene.engine, scene.tess, run)
    assert run_weeks(scene) == {}
    assert pain_weeks(scene) == {(date(2025, 2, 24), "during"): [1, 2, 5]}
    again = scene.run(patient, run_on(SUNDAY, "06:00"))
    assert again in [run for _, _, run, *_ in links(scene)]


def test_a_night_score_follows_the_run_of_its_day(scene: Scene) -> None:
    patient = scene.patient("ADA")
    run = scene.run(patient, run_on(SUNDAY))
    scene.score(patient, score_on(SUNDAY, 3, PainMoment.NIGHT_LYING), score_on(SUNDAY, 1, PainMoment.BEFORE))
    assert [(moment, run_id) for moment, _, run_id, *_ in links(scene)] == [("night_lying", run), ("before", run)]


# --------------------------------------------------------------------------------------------------------------------
# Weeks
# --------------------------------------------------------------------------------------------------------------------


def test_weeks_add_up_what_was_run(scene: Scene) -> None:
    patient = scene.patient("ADA")
    cadence = {"running_cadence_spm": 170.5, "running_time_s": 1_801}  # 170.5 × 1,801 s ÷ 60 = 5,117.84 steps
    scene.run(patient, run_on(MONDAY, distance_m=5_000, **cadence))
    scene.run(patient, run_on(TUESDAY, distance_m=9_001, running_cadence_spm=150.0, running_time_s=181))  # 452.5: a half goes up
    scene.run(patient, run_on(date(2025, 3, 9), distance_m=3_000))
    scene.run(patient, run_on(SUNDAY, distance_m=4_000))
    first, second = scene.rows("patient_week")
    assert (day_of(first["week"]), first["runs"], first["distance_m"], first["last_run_date"]) == (date(2025, 2, 24), 1, 4_000, SUNDAY)
    assert {name: second[name] for name in second if name not in ("patient_id", "week")} == {
        "runs": 3,
        "distance_m": 17_001,
        "longest_run_m": 9_001,
        "moving_time_s": 1_800 + 3_240 + 1_080,
        "runs_with_cadence": 2,
        "running_time_s": 1_982,
        "running_steps": 5_118 + 453,
        "last_run_date": date(2025, 3, 9),
    }


def test_the_longest_run_of_a_week_goes_when_it_is_retired(scene: Scene) -> None:
    patient = scene.patient("ADA")
    scene.run(patient, run_on(MONDAY, distance_m=5_000))
    longest = scene.run(patient, run_on(TUESDAY, distance_m=12_000))
    retire_run(scene.engine, scene.tess, longest)
    assert scene.rows("patient_week")[0]["longest_run_m"] == 5_000


@pytest.mark.parametrize(
    ("starts_on", "week_of_sunday", "week_of_monday"),
    [
        (0, date(2025, 2, 24), date(2025, 3, 3)),
        (6, date(2025, 3, 2), date(2025, 3, 2)),
        (2, date(2025, 2, 26), date(2025, 2, 26)),
    ],
)
def test_a_new_first_day_of_the_week_rebuilds_runs_and_pain(
    scene: Scene, starts_on: int, week_of_sunday: date, week_of_monday: date
) -> None:
    patient = scene.patient("ADA")
    scene.run(patient, run_on(SUNDAY, distance_m=4_000))
    scene.run(patient, run_on(MONDAY, distance_m=5_000))
    scene.score(patient, score_on(MONDAY, 6), score_on(MONDAY, 2, DURING))  # the first follows Sunday's run
    records.set_week_start(scene.engine, scene.olga, 3)
    records.set_week_start(scene.engine, scene.olga, starts_on)
    expected: dict[date, tuple[int, int]] = {week_of_sunday: (1, 4_000)}
    expected[week_of_monday] = (2, 9_000) if week_of_monday == week_of_sunday else (1, 5_000)
    assert run_weeks(scene) == expected
    assert pain_weeks(scene) == {(week_of_sunday, "next_morning"): [6], (week_of_monday, "during"): [2]}
    assert queries.clinic(scene.engine).week_start == starts_on


@pytest.mark.parametrize("starts_on", [-1, 7])
def test_a_week_has_seven_days_to_start_on(scene: Scene, starts_on: int) -> None:
    with pytest.raises(EntryRefused, match="from 0"):
        records.set_week_start(scene.engine, scene.olga, starts_on)


def test_late_on_sunday_at_utc_plus_13_is_sunday(scene: Scene) -> None:
    patient = scene.patient("KIRI", time_zone="Pacific/Auckland")
    # in UTC this is Sunday 10:30, and Monday's run began when Sunday in UTC was not over
    scene.run(patient, run_on(SUNDAY, "23:30", zone="Pacific/Auckland", distance_m=10_000, moving_time_s=3_600))
    scene.run(patient, run_on(MONDAY, "00:30", zone="Pacific/Auckland", distance_m=5_000))
    scene.score(patient, score_on(MONDAY, 3))
    assert [row["started_at_utc"].date() for row in scene.rows("run")] == [SUNDAY, SUNDAY]
    assert run_weeks(scene) == {date(2025, 2, 24): (1, 10_000), MONDAY: (1, 5_000)}
    assert pain_weeks(scene) == {(date(2025, 2, 24), "next_morning"): [3]}
    runs = queries.runs(scene.engine, scene.tess, patient)
    totals = runs.groupby(runs["run_date"].dt.to_period("W-SUN").dt.start_time)["distance_m"].sum()
    assert {week.date(): metres for week, metres in totals.items()} == {week: metres for week, (_, metres) in run_weeks(scene).items()}


@pytest.mark.parametrize(
    ("now", "zone", "day"),
    [
        (datetime(2025, 3, 2, 10, 59, tzinfo=UTC), "Pacific/Auckland", SUNDAY),
        (datetime(2025, 3, 2, 11, 0, tzinfo=UTC), "Pacific/Auckland", MONDAY),
        (datetime(2025, 3, 3, 5, 59, tzinfo=UTC), CHICAGO, SUNDAY),
        (datetime(2025, 3, 3, 6, 0, tzinfo=UTC), CHICAGO, MONDAY),
        (datetime(2025, 3, 10, 4, 59, tzinfo=UTC), CHICAGO, date(2025, 3, 9)),  # summer time since 9 March
        (datetime(2025, 3, 10, 5, 0, tzinfo=UTC), CHICAGO, date(2025, 3, 10)),
    ],
)
def test_today_is_the_day_where_the_patient_lives(now: datetime, zone: str, day: date) -> None:
    assert records.local_today(zone, now) == day
