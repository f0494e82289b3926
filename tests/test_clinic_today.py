"""The list of the day: seen from where each patient lives, and honest about what was not logged."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from clinic.today import TodayLine, today_list
from data import records
from data.permissions import COMMAND_LINE
from data.runs import add_run
from models import Clinic, EpisodeEntry, NoRunEntry, PainEntry, PatientEntry, RestEntry, RunEntry

MONDAY = date(2026, 3, 2)


@pytest.fixture
def clinic_engine(engine: sa.Engine) -> sa.Engine:
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.insert(Clinic).values(id=1, name="Test", time_zone="America/Chicago", week_start=0, is_demo=False))
    return engine


def ada(engine: sa.Engine, *, time_zone: str = "America/Chicago", started_on: date = date(2026, 2, 1), side: str = "left") -> str:
    """Register Ada with one episode; gives her key."""
    today = date(2026, 3, 8)
    entry = PatientEntry.checked(today=today, code="ADA", given_name="Ada", family_name="Steady", time_zone=time_zone)
    key = records.add_patient(engine, COMMAND_LINE, entry)
    episode = EpisodeEntry.checked(today=today, problem="Hip", side=side, diagnosis_class="tendon", started_on=started_on)
    records.add_episode(engine, COMMAND_LINE, key, episode)
    return key


def morning(engine: sa.Engine, key: str, day: date, nprs: int, at: datetime, side: str = "left") -> None:
    entry = PainEntry.checked(today=day, moment="next_morning", side=side, nprs=nprs, for_date=day)
    records.add_pain_scores(engine, COMMAND_LINE, key, [entry], now=at)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(18), UTC)  # noon in Chicago


def line(engine: sa.Engine, today: date) -> TodayLine:
    (only,) = today_list(COMMAND_LINE, today=today, database=engine)
    return only


def test_a_patient_on_the_other_side_of_the_world_is_seen_on_their_own_day(clinic_engine: sa.Engine) -> None:
    """At 20:00 UTC on Sunday, March 1 it is Sunday in Chicago and already Monday in Auckland: a new week, and a score of today."""
    key = ada(clinic_engine, time_zone="Pacific/Auckland")
    now = datetime(2026, 3, 1, 20, tzinfo=UTC)
    morning(clinic_engine, key, date(2026, 3, 1), 2, now - timedelta(days=1))
    morning(clinic_engine, key, MONDAY, 9, now)
    run = RunEntry.checked(
        today=MONDAY,
        run_date=MONDAY,
        started_at_utc=now - timedelta(hours=1),
        utc_offset_s=46800,
        distance_m=8047,
        moving_time_s=3000,
        elapsed_time_s=3000,
    )
    add_run(clinic_engine, COMMAND_LINE, key, run, now=now)
    with time_machine.travel(now, tick=False):
        (only,) = today_list(COMMAND_LINE, database=clinic_engine)
    assert (only.last_pain, only.week, only.last_log) == ("9 of 10 next morning, today", "5.0 mi in 1 run", "today")


@pytest.mark.parametrize(
    ("looked_at", "said"), [(MONDAY, "no run so far"), (date(2026, 3, 3), "not known yet"), (date(2026, 3, 7), "not known yet")]
)
def test_a_week_without_a_run_is_none_only_as_long_as_it_was_logged(clinic_engine: sa.Engine, looked_at: date, said: str) -> None:
    key = ada(clinic_engine)
    morning(clinic_engine, key, date(2026, 2, 20), 3, noon(date(2026, 2, 20)))
    records.add_day_without_run(clinic_engine, COMMAND_LINE, key, NoRunEntry.checked(today=MONDAY, day=MONDAY), now=noon(MONDAY))
    assert line(clinic_engine, looked_at).week == said


@pytest.mark.parametrize(("days_before", "shown"), [(27, True), (28, True), (29, False)])
def test_a_yes_about_pain_at_rest_counts_from_four_weeks_before_care_began(clinic_engine: sa.Engine, days_before: int, shown: bool) -> None:
    key = ada(clinic_engine, started_on=MONDAY)
    day = MONDAY - timedelta(days=days_before)
    yes = RestEntry.checked(today=MONDAY, moment="night_rest", side="left", answer=True, for_date=day)
    records.add_rest_answer(clinic_engine, COMMAND_LINE, key, yes, now=noon(day))
    assert bool(line(clinic_engine, MONDAY).rest_pain) is shown


def test_a_score_without_a_side_says_so(clinic_engine: sa.Engine) -> None:
    key = ada(clinic_engine)
    morning(clinic_engine, key, MONDAY, 8, noon(MONDAY), side="unspecified")
    assert line(clinic_engine, MONDAY).last_pain == "8 of 10 next morning, today, side not told"


def test_a_score_of_the_other_side_is_not_this_hips_pain(clinic_engine: sa.Engine) -> None:
    key = ada(clinic_engine)
    morning(clinic_engine, key, MONDAY, 8, noon(MONDAY), side="right")
    assert line(clinic_engine, MONDAY).last_pain == "no score"
