"""One episode of care as facts for the eye: what was logged, how the hip answered, what the clinic changed."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from models import DistanceUnit, Side
from rehab.cadence import EqualSpeedCadence
from rehab.pain import Trend


@dataclass(frozen=True)
class PainZones:
    """The patient's own zones: comfortable up to and including the first, OK if it settles up to and including the second."""

    comfortable_max: int
    acceptable_max: int


@dataclass(frozen=True)
class Coverage:
    """First and last day of logging, both inside. Outside it nothing is known."""

    first_day: date
    last_day: date


@dataclass(frozen=True)
class Mark:
    """Something the clinic or the runner changed, for a vertical mark. `kind` is 'visit', 'plan' or a ChangeKind."""

    day: date
    kind: str
    label: str


@dataclass(frozen=True)
class EpisodeFacts:
    """
    What is known about one episode, as `clinic/` hands it in.

    The frames have the columns that models.py names (RUN_COLUMNS, PAIN_COLUMNS, PLAN_COLUMNS); `runs` and `scores` hold the whole
    history of the patient, of all sides, in any order.
    """

    side: Side
    started_on: date
    ended_on: date | None
    distance_unit: DistanceUnit
    week_start: int
    zones: PainZones
    coverage: Coverage | None
    runs: pd.DataFrame
    scores: pd.DataFrame
    plans: pd.DataFrame
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class EpisodeSummary:
    """
    One episode, summarised as of a day.

    Attributes
    ----------
    weeks : DataFrame
        One row per calendar week from the first covered week to the week of `as_of`, columns WEEK_COLUMNS.
    runs : DataFrame
        RUN_COLUMNS plus `week_start` (datetime64), `speed_m_s` (float), `cadence_at_equal_speed_spm` (float, NaN where it cannot be
        told) and the response columns `r24` (float), `r24_reference` (str), `response` (settled, unsettled, slow, unknown).
        Ordered by start.
    scores : DataFrame
        PAIN_COLUMNS, of the episode's side only, ordered by counted day.
    """

    as_of: date
    facts: EpisodeFacts
    weeks: pd.DataFrame
    runs: pd.DataFrame
    scores: pd.DataFrame
    rolling_7_day_distance: pd.Series
    equal_speed: EqualSpeedCadence
    trend: Trend


WEEK_COLUMNS = (
    "week_start",  # datetime64, first day
    "logged",  # bool: the whole week (up to as_of) lies inside the coverage, or it has a run
    "days_logged",  # int 0-7: days of the week inside the coverage
    "so_far",  # bool: the week of as_of, not yet over
    "distance_m",  # float, NaN if not logged
    "runs",  # float, NaN if not logged
    "longest_run_m",  # float, NaN if not logged or no run
    "planned_distance_m",  # float, NaN without a plan
    "running_cadence_spm",  # float, time-weighted mean, NaN if no run has it
    "cadence_at_equal_speed_spm",  # float, median of the runs, NaN if none
    "pain_next_morning_median",  # float, NaN without a score
    "pain_next_morning_max",  # float, NaN without a score
    "pain_scores",  # int, next-morning scores of the episode's side
)


def summarise_episode(facts: EpisodeFacts, *, as_of: date) -> EpisodeSummary:
    raise NotImplementedError
