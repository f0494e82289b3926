"""A patient's weeks for who asks: from the maintained rows, and the last one from its runs and scores up to the day asked for."""

from datetime import date

import pandas as pd
import sqlalchemy as sa

from clinic.episodes import change_marks
from data import queries
from data.database import engine
from data.records import local_today
from models import Side, Viewer, day_of, week_number
from rehab.cadence import cadence_at_equal_speed
from rehab.days import Coverage
from rehab.episode import CADENCE_BREAKS, break_days
from rehab.pain import weekly_pain
from rehab.weekly import week_table_from_rows, weekly_runs

EXPORT_COLUMNS = (
    "week_start",
    "logged",
    "distance_m",
    "runs",
    "longest_run_m",
    "running_cadence_spm",
    "cadence_at_equal_speed_spm",
    "pain_next_morning_median",
    "pain_next_morning_max",
    "pain_scores",
)


def patient_weeks(viewer: Viewer, patient_key: str, *, as_of: date | None = None, database: sa.Engine | None = None) -> pd.DataFrame:
    """
    Give the calendar weeks of one patient, from the first that is known to that of `as_of`, as they stood on that day.

    Parameters
    ----------
    viewer : Viewer
        Who asks.
    patient_key : str
        The patient's random key.
    as_of : date, optional
        Runs and scores of later days do not count, in its own week neither. Default today where the patient lives.
    database : Engine, optional
        Default the process's own.

    Returns
    -------
    DataFrame
        `rehab.weekly.WEEK_COLUMNS`; pain is that of the side of the patient's newest active episode, else of the newest one, else of
        scores without a side.

    Raises
    ------
    NotFound
        If there is no such patient for this viewer.
    """
    database = database or engine()
    patient = queries.patient(database, viewer, patient_key)
    day = as_of or local_today(patient.time_zone)
    starts_on = queries.clinic(database).week_start
    episodes = queries.episodes(database, viewer, patient_key=patient_key)
    newest = max(episodes, key=lambda row: (row.status == "active", row.started_on), default=None)
    covered = queries.coverage(database, viewer, patient_key)
    runs = queries.runs(database, viewer, patient_key)
    runs = runs[runs["run_date"].dt.date <= day]
    marks = change_marks(database, viewer, newest.key) if newest else []
    at_equal_speed = cadence_at_equal_speed(runs, break_days=break_days((mark for mark in marks if mark.day <= day), CADENCE_BREAKS))
    run_weeks, pain_weeks = _weeks_until(database, viewer, patient_key, runs, day=day, starts_on=starts_on)
    return week_table_from_rows(
        run_weeks,
        pain_weeks,
        side=newest.side if newest else Side.UNSPECIFIED,
        week_start=starts_on,
        as_of=day,
        coverage=None if covered is None else Coverage(*covered),
        plans=queries.plans(database, viewer, newest.key) if newest else None,
        ended_on=newest.ended_on if newest else None,
        equal_speed=pd.Series(at_equal_speed.adjusted.to_numpy(), index=runs["run_date"].to_numpy()),
    )


def _weeks_until(
    database: sa.Engine, viewer: Viewer, patient_key: str, runs: pd.DataFrame, *, day: date, starts_on: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the maintained rows of the weeks before that of `day`, and rows made afresh for its own week: what is later does not count."""
    last_week = week_number(day, starts_on)
    run_weeks, pain_weeks = queries.weeks(database, viewer, patient_key, low=week_number(date.min, 0), high=last_week - 7)
    scores = queries.scores(database, viewer, patient_key)
    scores = scores[(scores["for_date"].dt.date <= day) & (scores["counted_date"].dt.date >= day_of(last_week))]
    runs = runs[runs["run_date"].dt.date >= day_of(last_week)]
    return (
        pd.concat([run_weeks, weekly_runs(runs, week_start=starts_on)], ignore_index=True),
        pd.concat([pain_weeks, weekly_pain(scores, week_start=starts_on)], ignore_index=True),
    )
