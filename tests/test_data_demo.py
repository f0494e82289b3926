"""The demo clinic: the same each time, true to the rules that hold for real facts, and worth looking at."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from sqlmodel import col

from data import demo, demo_cast, queries, records, run_copies, series, weeks
from data.database import DatabaseUnusable, make_engine, reading, writing
from data.demo_history import History
from data.permissions import COMMAND_LINE
from data.runs import add_run
from models import (
    RUN_COLUMNS,
    CadenceRule,
    Clinic,
    DistanceRule,
    DistanceUnit,
    EpisodeStatus,
    PainMoment,
    PlanEntry,
    RestMoment,
    Role,
    Run,
    RunEntry,
    RunSeries,
    Side,
    Surface,
    Table,
    VisitStatus,
    day_of,
)
from rehab.cadence_change import cadence_change
from rehab.diagnoses import DIAGNOSES

AS_OF = date(2025, 6, 12)  # a Thursday
TABLES = {table.name: table for table in Table.metadata.sorted_tables if table.name != "audit_event"}  # that one only ever grows
# What follows from the other rows.
DERIVED = {"patient_week", "pain_week"}


def rows(engine: sa.Engine, name: str) -> list[tuple[Any, ...]]:
    table = TABLES[name]
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))]


def records_of(engine: sa.Engine, name: str) -> list[dict[str, Any]]:
    columns = [column.name for column in TABLES[name].columns]
    return [dict(zip(columns, row, strict=True)) for row in rows(engine, name)]


@pytest.fixture(scope="module")
def filling(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sa.Engine, demo.Made, float]]:
    """Give the demo clinic, what `fill` said of it, and how long the processor worked on it. Only to look at."""
    path = tmp_path_factory.mktemp("demo") / "clinic.db"
    shutil.copyfile(sqlite_template, path)
    engine = make_engine(f"sqlite:///{path}")
    begun = time.process_time()
    made = demo.fill(engine, as_of=AS_OF)
    yield engine, made, time.process_time() - begun
    engine.dispose()


@pytest.fixture(scope="module")
def clinic(filling: tuple[sa.Engine, demo.Made, float]) -> sa.Engine:
    return filling[0]


def code_of(family_name: str) -> str:
    parts = demo_cast.cast(demo.SEED)
    return next(code for code, part in zip(demo.codes(), parts, strict=True) if part.family_name == family_name)


def key_of(engine: sa.Engine, family_name: str) -> str:
    return queries.patient_key(engine, COMMAND_LINE, code_of(family_name))


def runs_of(engine: sa.Engine, family_name: str) -> pd.DataFrame:
    return queries.runs(engine, COMMAND_LINE, key_of(engine, family_name))


def course_of(family_name: str, as_of: date = AS_OF) -> History:
    parts = demo_cast.cast(demo.SEED)
    number = next(number for number, part in enumerate(parts) if part.family_name == family_name)
    return demo._course_of(parts[number], number, as_of)


def mornings(course: History, first: date, last: date) -> list[int]:
    return [
        score.entry.nprs
        for score in course.scores
        if score.entry.moment is PainMoment.NEXT_MORNING and first <= score.entry.for_date <= last
    ]


# --------------------------------------------------------------------------------------------------------------------
# What is in it
# --------------------------------------------------------------------------------------------------------------------


def test_the_clinic_has_two_sites_and_virtual_five_therapists_an_owner_and_a_front_desk(clinic: sa.Engine) -> None:
    assert queries.clinic(clinic) == queries.ClinicRow("Still Running Demo Clinic", "America/Chicago", 0, True, therapists_see_site=True)
    assert [(name, kind) for _, name, kind in queries.sites(clinic)] == [
        ("Minneapolis", "in_person"),
        ("Edina", "in_person"),
        ("Virtual", "virtual"),
    ]
    people = queries.people(clinic)
    roles = sorted(role.value for person in people for role in person.roles)
    assert roles == ["front_desk", "owner"] + ["therapist"] * 5
    assert all(person.site_ids for person in people)


def test_it_says_how_much_it_holds(filling: tuple[sa.Engine, demo.Made, float]) -> None:
    engine, made, _ = filling
    assert made.patients == len(rows(engine, "patient")) == 80
    assert made.runs == len(rows(engine, "run"))
    assert made.scores == sum(score["retired_at_utc"] is None for score in records_of(engine, "pain_score"))
    assert 4_000 < made.runs < 8_000
    assert 9_000 < made.scores < 18_000


def test_filling_takes_under_15_seconds_of_work(filling: tuple[sa.Engine, demo.Made, float]) -> None:
    assert filling[2] < 15


def test_most_episodes_are_active_and_the_others_were_discharged_over_the_18_months(clinic: sa.Engine) -> None:
    episodes = records_of(clinic, "episode_of_care")
    active = [episode for episode in episodes if episode["status"] == EpisodeStatus.ACTIVE]
    ended = sorted(episode["ended_on"] for episode in episodes if episode["status"] == EpisodeStatus.DISCHARGED)
    assert 45 <= len(active) <= 55
    assert len(active) + len(ended) == 80
    assert all(episode["ended_on"] is None for episode in active)
    assert ended[0] < AS_OF - timedelta(days=365)
    assert AS_OF - timedelta(days=14) < ended[-1] < AS_OF
    first_run = min(run["run_date"] for run in records_of(clinic, "run"))
    assert AS_OF - timedelta(days=548) <= first_run < AS_OF - timedelta(days=365)


def test_each_therapist_has_patients_and_everybody_is_at_a_site_of_their_therapist(clinic: sa.Engine) -> None:
    sites_of = {person.person_id: person.site_ids for person in queries.people(clinic)}
    therapists = {person.person_id for person in queries.people(clinic) if Role.THERAPIST in person.roles}
    episodes = records_of(clinic, "episode_of_care")
    assert {episode["therapist_id"] for episode in episodes} == therapists
    assert all(episode["site_id"] in sites_of[episode["therapist_id"]] for episode in episodes)


def test_diagnoses_are_those_one_can_choose_with_the_code_of_the_side(clinic: sa.Engine) -> None:
    known = {(item.label, item.diagnosis_class.value, item.icd10_code(side), side.value) for item in DIAGNOSES for side in Side}
    episodes = records_of(clinic, "episode_of_care")
    assert {(e["diagnosis_label"], e["diagnosis_class"], e["icd10_code"], e["side"]) for e in episodes} <= known
    assert {e["side"] for e in episodes} == {"left", "right"}
    gluteal = sum(e["diagnosis_label"] == "Gluteal tendinopathy" for e in episodes)
    assert gluteal > 25


def test_distances_are_mostly_in_miles_and_zones_mostly_the_clinics(clinic: sa.Engine) -> None:
    patients = records_of(clinic, "patient")
    kilometres = sum(patient["distance_unit"] == DistanceUnit.KILOMETRE for patient in patients)
    at_home = sum(patient["time_zone"] == "America/Chicago" for patient in patients)
    assert 3 <= kilometres <= 20
    assert 60 <= at_home < 80


def test_the_patients_with_a_story_come_first_by_name(clinic: sa.Engine) -> None:
    by_name = [row.code for row in queries.patients(clinic, COMMAND_LINE)]
    assert by_name[:18] == demo.codes()[:18]
    assert by_name[0] == demo.HERO_CODE


# --------------------------------------------------------------------------------------------------------------------
# The same rules as for real facts
# --------------------------------------------------------------------------------------------------------------------


def test_nothing_was_logged_after_the_morning_of_the_last_day(clinic: sa.Engine) -> None:
    zones = {patient["id"]: ZoneInfo(patient["time_zone"]) for patient in records_of(clinic, "patient")}
    for name, day in (("run", "run_date"), ("pain_score", "for_date"), ("rest_answer", "for_date"), ("day_without_run", "day")):
        for row in records_of(clinic, name):
            recorded = row["recorded_at_utc"].astimezone(zones[row["patient_id"]])
            assert row[day] <= recorded.date() <= AS_OF
            assert recorded < datetime(AS_OF.year, AS_OF.month, AS_OF.day, 9, 5, tzinfo=recorded.tzinfo)


def test_only_booked_visits_lie_after_the_last_day(clinic: sa.Engine) -> None:
    for visit in records_of(clinic, "visit"):
        assert (visit["status"] == VisitStatus.BOOKED) == (visit["visit_date"] >= AS_OF)
        assert visit["visit_date"].weekday() < 5
    last_moment = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 23, 59, tzinfo=UTC)
    assert all(plan["valid_from"] <= AS_OF for plan in records_of(clinic, "plan"))
    assert all(change["day"] <= AS_OF for change in records_of(clinic, "change"))
    for name in TABLES:
        made = [row["created_at_utc"] for row in records_of(clinic, name) if "created_at_utc" in row]
        assert all(moment <= last_moment for moment in made), name


def test_each_run_passes_the_checks_of_an_entry(clinic: sa.Engine) -> None:
    with_series = {run_id for run_id, _ in rows(clinic, "run_series")}
    for run in records_of(clinic, "run"):
        entry = RunEntry.checked(today=AS_OF, **{name: run[name] for name in RunEntry.model_fields if name != "today"})
        assert run["identity_sha256"] == run_copies.run_identity(entry.started_at_utc, entry.distance_m, entry.moving_time_s)
        local = entry.started_at_utc + timedelta(seconds=entry.utc_offset_s)
        assert local.date() == run["run_date"]
        assert (run["id"] in with_series) == (entry.distance_rule is not DistanceRule.ENTERED_BY_HAND)
        assert (entry.running_cadence_spm is None) == (entry.cadence_rule is CadenceRule.NONE)


def test_linking_the_scores_again_moves_none(clinic: sa.Engine, tmp_path: Path) -> None:
    engine = _own_copy(clinic, tmp_path)
    before = rows(engine, "pain_score")
    with writing(engine) as connection:
        for patient in records_of(clinic, "patient"):
            days = {AS_OF - timedelta(days=number) for number in range(600)}
            assert weeks.link_scores(connection, patient["id"], days, 0) == set()
    assert rows(engine, "pain_score") == before
    linked = [score for score in records_of(clinic, "pain_score") if score["run_id"] is not None]
    assert len(linked) > 0.6 * len(before)
    engine.dispose()


def test_counting_the_weeks_and_the_coverage_again_changes_nothing(clinic: sa.Engine, tmp_path: Path) -> None:
    engine = _own_copy(clinic, tmp_path)
    with writing(engine) as connection:
        weeks.rebuild_weeks(connection)
        for patient in records_of(clinic, "patient"):
            weeks.refresh_coverage(connection, patient["id"])
    for name in (*DERIVED, "log_coverage"):
        assert rows(engine, name) == rows(clinic, name)
        assert rows(clinic, name)
    engine.dispose()


def _own_copy(engine: sa.Engine, folder: Path) -> sa.Engine:
    """Copy a database with a connection of its own, so that nothing is left in the write-ahead log."""
    path = folder / "copy.db"
    with engine.connect() as connection:
        connection.rollback()
        connection.connection.driver_connection.execute("VACUUM INTO ?", (str(path),))  # type: ignore[union-attr]
    return make_engine(f"sqlite:///{path}")


def test_the_run_says_what_its_minutes_say(clinic: sa.Engine) -> None:
    runs = {run["id"]: run for run in records_of(clinic, "run")}
    with reading(clinic) as connection:
        stored = connection.execute(sa.select(col(RunSeries.run_id), col(RunSeries.minutes))).all()
    for run_id, content in stored[::25]:
        run, minutes = runs[run_id], series.unpacked_minutes(content)
        moving = ~np.isnan(minutes.speed_m_s)
        running = moving & ~((minutes.speed_m_s < 1.9) & ~(minutes.cadence_spm >= 140))
        # the last minute is only part of one, and pauses stand as minutes without speed
        seconds = np.full(int(moving.sum()), 60.0)
        seconds[-1] = run["moving_time_s"] - seconds[:-1].sum()
        assert -1 < seconds[-1] <= 60
        assert (~moving).sum() * 60 == run["elapsed_time_s"] - run["moving_time_s"]
        assert (minutes.speed_m_s[moving] * seconds).sum() == pytest.approx(run["distance_m"], abs=5)
        if run["cadence_rule"] != CadenceRule.NONE:
            weights = seconds * running[moving]
            assert weights.sum() == pytest.approx(run["running_time_s"], abs=1)
            assert np.average(minutes.cadence_spm[moving], weights=weights) == pytest.approx(run["running_cadence_spm"], abs=0.1)
            assert np.average(minutes.speed_m_s[moving], weights=weights) == pytest.approx(run["running_speed_m_s"], abs=0.005)


def test_plans_are_numbered_and_step_by_at_most_a_tenth_or_are_cut_by_a_quarter(clinic: sa.Engine) -> None:
    patients = {patient["id"]: patient for patient in records_of(clinic, "patient")}
    units = {e["id"]: patients[e["patient_id"]]["distance_unit"] for e in records_of(clinic, "episode_of_care")}
    plans: dict[int, list[dict[str, Any]]] = {}
    for plan in records_of(clinic, "plan"):
        plans.setdefault(plan["episode_id"], []).append(plan)
    steps = []
    for episode, versions in plans.items():
        assert [plan["version"] for plan in versions] == list(range(1, len(versions) + 1))
        assert all(earlier["valid_from"] <= later["valid_from"] for earlier, later in pairwise(versions))
        assert all(plan["reason"] and plan["run_ceiling_m"] <= plan["weekly_distance_m"] for plan in versions)
        unit_m = 1609.344 if units[episode] == DistanceUnit.MILE else 1000.0
        for earlier, later in pairwise(versions):
            before, after = earlier["weekly_distance_m"], later["weekly_distance_m"]
            small = before < 10 * unit_m and after - before <= 0.5 * unit_m + 1
            steps.append(after / before)
            assert after == before or 1.0499 <= after / before <= 1.1001 or small or 0.7 <= after / before <= 0.8
    assert sum(step > 1 for step in steps) > 100
    assert sum(step < 1 for step in steps) > 5


def test_a_plan_begins_with_a_week_and_says_what_was_suggested(clinic: sa.Engine) -> None:
    plans = records_of(clinic, "plan")
    assert {plan["valid_from"].weekday() for plan in plans} == {0}
    assert all(plan["strength_sessions_per_week"] == 3 and plan["runs_per_week"] >= 3 for plan in plans)
    assert all((plan["suggestion_state"] == "") == (plan["version"] == 1) == (plan["band_low_m"] is None) for plan in plans)
    outside = [plan for plan in plans if plan["outside_band"]]
    assert 3 <= len(outside) <= 20
    for plan in plans:
        if plan["version"] > 1:
            assert (not plan["band_low_m"] <= plan["weekly_distance_m"] <= plan["band_high_m"]) == plan["outside_band"]
    assert {plan["surface_limit"] for plan in plans} == {"", "treadmill"}
    assert any(plan["run_part_s"] == 240 and plan["walk_part_s"] == 60 for plan in plans)
    weeks = records_of(clinic, "plan_week")
    newest = {plan["episode_id"]: plan for plan in plans}
    active = {episode["id"] for episode in records_of(clinic, "episode_of_care") if episode["status"] == EpisodeStatus.ACTIVE}
    assert {week["plan_id"] for week in weeks} == {plan["id"] for episode, plan in newest.items() if episode in active}
    first = {week["plan_id"]: week["distance_m"] for week in weeks if week["number"] == 0}
    assert all(first[plan["id"]] == plan["weekly_distance_m"] for plan in newest.values() if plan["id"] in first)


def test_each_held_visit_has_a_screen_and_one_yes_is_open_and_one_closed_with_a_note(clinic: sa.Engine) -> None:
    held = {visit["id"] for visit in records_of(clinic, "visit") if visit["status"] == VisitStatus.ARRIVED}
    answers = records_of(clinic, "red_flag_answer")
    assert {answer["visit_id"] for answer in answers} == {*held, None}
    assert len(answers) == 12 * (len(held) + 1)
    yes = [answer for answer in answers if answer["answer"] == "yes"]
    assert [(answer["item"], answer["closed_on"] is None, bool(answer["closing_note"])) for answer in yes] == [
        ("rest_or_night_pain", True, False),
        ("fragile_bone", False, True),
    ]
    episodes = {episode["id"]: episode["patient_id"] for episode in records_of(clinic, "episode_of_care")}
    codes = {patient["id"]: patient["code"] for patient in records_of(clinic, "patient")}
    assert [codes[episodes[answer["episode_id"]]] for answer in yes] == [code_of("Acharya"), code_of("Arneson")]
    assert sum(answer["answer"] == "not_asked" for answer in answers) > 20


def test_what_was_done_at_visits_is_written_and_cues_belong_to_theirs(clinic: sa.Engine) -> None:
    visits = {visit["id"]: visit for visit in records_of(clinic, "visit")}
    for visit in visits.values():
        held = visit["status"] == VisitStatus.ARRIVED
        assert bool(visit["note"]) == bool(visit["education"]) == held
        assert (visit["note_written_at_utc"] is not None) == held
    given = records_of(clinic, "strength_given")
    assert {row["visit_id"] for row in given} == {key for key, visit in visits.items() if visit["status"] == VisitStatus.ARRIVED}
    notes = records_of(clinic, "visit_note")
    assert 3 <= len(notes) <= 30
    assert all(visits[row["visit_id"]]["note"] != row["note"] for row in notes)
    cues = [change for change in records_of(clinic, "change") if change["kind"] == "cadence_cue"]
    assert len(cues) > 10
    assert all(visits[cue["visit_id"]]["visit_date"] == cue["day"] for cue in cues)


def test_outcomes_are_taken_at_the_start_and_every_four_weeks_and_some_are_incomplete(clinic: sa.Engine) -> None:
    outcomes = records_of(clinic, "outcome_score")
    started = {episode["id"]: episode["started_on"] for episode in records_of(clinic, "episode_of_care")}
    of_episode: dict[int, list[date]] = {}
    for row in outcomes:
        if row["instrument"] == "uwri":
            of_episode.setdefault(row["episode_id"], []).append(row["taken_on"])
    assert {episode: days[0] for episode, days in of_episode.items()} == started
    assert all(later - earlier >= timedelta(days=28) for days in of_episode.values() for earlier, later in pairwise(days))
    unfinished = [row for row in outcomes if row["total"] is None]
    assert 3 < len(unfinished) < 60
    assert {row["instrument"] for row in outcomes} == {"nprs", "uwri", "psfs", "visa_g", "ihot_12", "groc"}


def test_strength_limping_and_reviews_are_logged(clinic: sa.Engine) -> None:
    sessions = records_of(clinic, "strength_session")
    assert 1_500 < len(sessions) < 6_000
    assert all(row["done_on"] <= row["recorded_at_utc"].date() <= AS_OF for row in sessions)
    limped = [row for row in records_of(clinic, "rest_answer") if row["moment"] == RestMoment.LIMPING and row["answer"]]
    assert 3 <= len(limped) <= 40
    marks = records_of(clinic, "review_mark")
    newest = {mark["episode_id"]: mark["marked_at_utc"] for mark in marks}
    assert all(moment.date() <= AS_OF for moment in newest.values())
    assert {(AS_OF - moment.date()).days > 7 for moment in newest.values()} == {True, False}
    assert any(mark["undone_at_utc"] is not None for mark in marks)
    active = sum(episode["status"] == EpisodeStatus.ACTIVE for episode in records_of(clinic, "episode_of_care"))
    assert len(newest) < active  # a few were never reviewed
    assert {row["limit_name"] for row in records_of(clinic, "limit_change")} == {"comfortable_max", "acceptable_max"}


def test_what_was_planned_in_the_demo_is_what_a_page_may_save(clinic: sa.Engine) -> None:
    for plan in records_of(clinic, "plan")[::7]:
        fields = {name: plan[name] for name in ("valid_from", "weekly_distance_m", "run_ceiling_m", "reason", "outside_band")}
        PlanEntry.checked(today=plan["created_at_utc"].date(), **fields)


# --------------------------------------------------------------------------------------------------------------------
# Courses
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("later_days", range(7))
def test_the_first_patient_has_a_spike_a_flare_a_cut_a_cue_and_recovers_on_whatever_day_one_looks(later_days: int) -> None:
    as_of = AS_OF + timedelta(days=later_days)
    course = course_of("Abbott", as_of)
    runs = [(logged.run.entry.run_date, logged.run.entry.distance_m) for logged in course.runs]
    spike_day, spike_m = max((run for run in runs if run[0] < as_of - timedelta(days=100)), key=lambda run: run[1])
    before = max(metres for day, metres in runs if spike_day - timedelta(days=30) <= day < spike_day)
    assert spike_m > 1.3 * before
    usual = np.median(mornings(course, spike_day - timedelta(days=14), spike_day))
    assert max(mornings(course, spike_day, spike_day + timedelta(days=3))) >= max(6, usual + 3)
    cuts = [later for earlier, later in pairwise(course.plans) if later.weekly_distance_m < earlier.weekly_distance_m]
    assert [0 < (cut.day - spike_day).days <= 7 for cut in cuts] == [True]
    cue = course.changes[0].day
    assert 14 <= (cue - cuts[0].day).days <= 42
    at_cue = np.median(mornings(course, cue - timedelta(days=14), cue))
    now = np.median(mornings(course, as_of - timedelta(days=27), as_of))
    assert at_cue >= 3
    assert now <= 1
    assert course.plans[-1].weekly_distance_m > 1.4 * cuts[0].weekly_distance_m
    assert course.plans[-1].cadence_target_spm is not None


@pytest.mark.parametrize(("family_name", "planted"), [("Abbott", 5.5), ("Alder", 5.5), ("Balogun", 6.0), ("Nováková", 5.5)])
def test_the_planted_change_of_cadence_is_found_at_equal_speed(clinic: sa.Engine, family_name: str, planted: float) -> None:
    cue = next(change.day for change in course_of(family_name).changes if change.kind == "cadence_cue")
    change = cadence_change(runs_of(clinic, family_name), since=cue)
    assert change.change_percent == pytest.approx(planted, abs=1)


def test_pain_falls_while_miles_rise_without_any_cue(clinic: sa.Engine) -> None:
    course = course_of("Aldana")
    assert course.changes == ()
    first, last = course.started_on, AS_OF
    assert np.median(mornings(course, first, first + timedelta(days=14))) >= 4
    assert np.median(mornings(course, last - timedelta(days=14), last)) <= 2
    assert course.plans[-1].weekly_distance_m > 1.4 * course.plans[0].weekly_distance_m


def test_one_patient_has_a_plan_and_no_data_at_all(clinic: sa.Engine) -> None:
    key = key_of(clinic, "Allred")
    assert queries.coverage(clinic, COMMAND_LINE, key) is None
    assert runs_of(clinic, "Allred").empty
    assert queries.scores(clinic, COMMAND_LINE, key).empty
    (episode,) = queries.episodes(clinic, COMMAND_LINE, patient_key=key)
    assert len(queries.plans(clinic, COMMAND_LINE, episode.key)) == 1


def test_one_patient_answered_yes_to_night_pain_at_rest_this_week(clinic: sa.Engine) -> None:
    yes = [row for row in records_of(clinic, "rest_answer") if row["answer"] and row["moment"] != RestMoment.LIMPING]
    assert [(row["moment"], row["for_date"]) for row in yes] == [("night_rest", AS_OF - timedelta(days=2))]
    caseload = {row.patient_code: row.rest_pain_on for row in queries.caseload(clinic, COMMAND_LINE, today=AS_OF)}
    assert caseload[code_of("Acharya")] == AS_OF - timedelta(days=2)


def test_one_patient_stopped_logging_three_weeks_ago_and_has_no_visit_booked(clinic: sa.Engine) -> None:
    coverage = queries.coverage(clinic, COMMAND_LINE, key_of(clinic, "Anselm"))
    assert coverage is not None
    assert 21 <= (AS_OF - coverage[1]).days <= 25
    assert all(visit.status is not VisitStatus.BOOKED for visit in course_of("Anselm").visits)


def test_one_patient_runs_late_on_sunday_at_utc_plus_13_and_it_counts_for_that_week(clinic: sa.Engine) -> None:
    runs = runs_of(clinic, "Amituanai")
    sundays = runs[runs["run_date"].dt.day_of_week == 6]
    assert len(sundays) > 10
    assert (runs["utc_offset_s"] == 13 * 3600).all()
    local = sundays["started_at_utc"] + pd.Timedelta(hours=13)
    assert (local.dt.hour >= 22).all()
    assert (local.dt.day_of_week == 6).all()
    with reading(clinic) as connection:
        stored = connection.execute(sa.select(col(Run.run_date), col(Run.week)).where(col(Run.id).in_(sundays["run_id"].tolist()))).all()
    assert all(day_of(week) == day - timedelta(days=6) for day, week in stored)


def test_a_treadmill_runner_has_distance_time_and_cadence_and_no_position(clinic: sa.Engine) -> None:
    runs = runs_of(clinic, "Alder")
    assert set(runs["surface"]) == {Surface.TREADMILL}
    assert runs["running_cadence_spm"].notna().all()
    assert runs["grade_abs_mean"].isna().all()
    with reading(clinic) as connection:
        gps = connection.execute(sa.select(col(Run.has_gps)).where(col(Run.id).in_(runs["run_id"].tolist()))).scalars()
        assert not any(gps)


def test_an_old_watch_gives_runs_without_cadence(clinic: sa.Engine) -> None:
    runs = runs_of(clinic, "Arneson")
    assert len(runs) > 20
    assert runs["running_cadence_spm"].isna().all()
    assert set(runs["cadence_rule"]) == {CadenceRule.NONE}


def test_a_new_patient_has_two_weeks_with_walking_breaks(clinic: sa.Engine) -> None:
    coverage = queries.coverage(clinic, COMMAND_LINE, key_of(clinic, "Aranda"))
    assert coverage is not None
    assert 12 <= (coverage[1] - coverage[0]).days <= 18
    runs = runs_of(clinic, "Aranda")
    walked = runs["running_time_s"] < runs["moving_time_s"]
    assert walked.any()
    assert (runs.loc[walked, "cadence_spm"] < runs.loc[walked, "running_cadence_spm"]).all()


def test_one_patient_has_an_injection_and_new_shoes_marked(clinic: sa.Engine) -> None:
    assert [change.kind.value for change in course_of("Asano").changes] == ["injection", "shoe"]


def test_one_patient_does_not_get_better_in_a_year(clinic: sa.Engine) -> None:
    course = course_of("Appel")
    early = np.median(mornings(course, course.started_on, course.started_on + timedelta(days=60)))
    late = np.median(mornings(course, AS_OF - timedelta(days=60), AS_OF))
    assert (AS_OF - course.started_on).days > 365
    assert abs(early - late) <= 0.5


def test_one_patient_logs_half_of_the_runs_and_on_sundays_only(clinic: sa.Engine) -> None:
    course = course_of("Babcock")
    zone = ZoneInfo("America/Denver")
    in_care = [logged for logged in course.runs if logged.run.entry.run_date > course.started_on]
    assert {logged.recorded_at_utc.astimezone(zone).weekday() for logged in in_care} == {6}
    assert sum(logged.entry.today - logged.entry.for_date > timedelta(days=1) for logged in course.scores) > 5
    weeks_in_care = (AS_OF - course.started_on).days / 7
    assert len(in_care) < 3 * weeks_in_care


def test_a_bone_injury_has_pain_scores_and_no_runs(clinic: sa.Engine) -> None:
    assert runs_of(clinic, "Bachmann").empty
    assert len(queries.scores(clinic, COMMAND_LINE, key_of(clinic, "Bachmann"))) > 10


def test_one_patient_ran_too_far_this_week_and_flared(clinic: sa.Engine) -> None:
    course = course_of("Aguilar")
    spike = AS_OF - timedelta(days=4)
    by_day = {logged.run.entry.run_date: logged.run.entry.distance_m for logged in course.runs}
    before = max(metres for day, metres in by_day.items() if spike - timedelta(days=30) <= day < spike)
    assert by_day[spike] > 1.3 * before
    assert max(mornings(course, spike, AS_OF)) >= 6


def test_some_scores_were_corrected_and_the_wrong_value_stays(clinic: sa.Engine) -> None:
    scores = {score["id"]: score for score in records_of(clinic, "pain_score")}
    corrections = [score for score in scores.values() if score["corrects_id"] is not None]
    assert len(corrections) > 5
    for right in corrections:
        wrong = scores[right["corrects_id"]]
        assert wrong["retired_at_utc"] == right["recorded_at_utc"] > wrong["recorded_at_utc"]
        assert (wrong["patient_id"], wrong["for_date"], wrong["moment"]) == (right["patient_id"], right["for_date"], right["moment"])
        assert wrong["nprs"] != right["nprs"]
        assert right["retired_at_utc"] is None


def test_names_may_be_long_and_need_not_be_ascii(clinic: sa.Engine) -> None:
    names = [row.name for row in queries.patients(clinic, COMMAND_LINE)]
    assert "Žofia Nováková" in names
    assert max(len(name) for name in names) > 50
    assert len(set(names)) == 80


# --------------------------------------------------------------------------------------------------------------------
# Made and removed
# --------------------------------------------------------------------------------------------------------------------


def test_filled_again_it_is_the_same_on_either_database_and_goes_on_from_there(engine: sa.Engine, clinic: sa.Engine) -> None:
    made = demo.fill(engine, as_of=AS_OF)
    assert made.patients == 80
    for name in TABLES:
        assert rows(engine, name) == rows(clinic, name), name
    key = key_of(engine, "Abbott")
    start = datetime(2025, 6, 12, 20, tzinfo=UTC)
    entry = RunEntry.checked(today=AS_OF, run_date=AS_OF, started_at_utc=start, distance_m=5_000, moving_time_s=1_800, elapsed_time_s=1_800)
    before = queries.runs(engine, COMMAND_LINE, key)
    add_run(engine, COMMAND_LINE, key, entry, now=start + timedelta(hours=1))
    assert len(queries.runs(engine, COMMAND_LINE, key)) == len(before) + 1
    assert tuple(before.columns) == RUN_COLUMNS

    demo.remove(engine)
    assert {name: rows(engine, name) for name in TABLES} == {name: [] for name in TABLES}


@pytest.fixture
def three_patients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the cast be short: quick to fill."""
    first = demo_cast.WITH_A_STORY[:3]
    monkeypatch.setattr(demo_cast, "cast", lambda seed: first)


def test_once_removed_it_can_be_made_anew_for_another_day(engine: sa.Engine, three_patients: None) -> None:
    demo.fill(engine, as_of=AS_OF)
    demo.remove(engine)
    later = AS_OF + timedelta(days=30)
    assert demo.fill(engine, as_of=later).patients == 3
    assert max(score["for_date"] for score in records_of(engine, "pain_score")) == later


def test_a_demo_clinic_is_not_filled_twice(sqlite_engine: sa.Engine, three_patients: None) -> None:
    demo.fill(sqlite_engine, as_of=AS_OF)
    with pytest.raises(DatabaseUnusable, match="already"):
        demo.fill(sqlite_engine, as_of=AS_OF)


def test_a_real_clinic_is_neither_filled_nor_removed(sqlite_engine: sa.Engine) -> None:
    with writing(sqlite_engine) as connection:
        connection.execute(sa.insert(Clinic).values(id=1, name="Real", time_zone="America/Chicago", is_demo=False))
    with pytest.raises(DatabaseUnusable, match="already"):
        demo.fill(sqlite_engine, as_of=AS_OF)
    with pytest.raises(DatabaseUnusable, match="not a demo"):
        demo.remove(sqlite_engine)
    assert len(rows(sqlite_engine, "clinic")) == 1
    assert rows(sqlite_engine, "person") == []


def test_a_database_without_a_clinic_is_not_removed(sqlite_engine: sa.Engine) -> None:
    with pytest.raises(DatabaseUnusable):
        demo.remove(sqlite_engine)


def test_without_a_day_the_history_ends_today_where_the_clinic_is(
    sqlite_engine: sa.Engine, three_patients: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "local_today", lambda zone, now=None: AS_OF if zone == "America/Chicago" else None)
    demo.fill(sqlite_engine)
    assert max(score["for_date"] for score in records_of(sqlite_engine, "pain_score")) == AS_OF
