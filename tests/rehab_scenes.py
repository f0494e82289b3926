"""Frames as data/ gives them, made by hand or drawn at random, for the tests of rehab/."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from models import PAIN_COLUMNS, PLAN_COLUMNS, RUN_COLUMNS, DistanceUnit, PainMoment, Side, day_number
from rehab.episode import Coverage, EpisodeFacts, Mark, PainZones

MONDAY = date(2025, 3, 3)
METRES_PER_MILE = 1609.344

_RUN: dict[str, Any] = {
    "utc_offset_s": 0,
    "surface": "road",
    "distance_m": 5000,
    "distance_rule": "device_total",
    "moving_time_s": 1800,
    "elapsed_time_s": 1900,
    "cadence_spm": None,
    "running_cadence_spm": None,
    "device_cadence_spm": None,
    "cadence_rule": "steps_as_given",
    "running_time_s": None,
    "running_speed_m_s": None,
    "grade_abs_mean": None,
    "ground_contact_time_ms": None,
    "session_rpe": None,
    "device": "watch",
}
_RUN_FLOATS = [name for name, value in _RUN.items() if value is None]


def runs_frame(runs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Runs with RUN_COLUMNS; each needs a `run_date`, the rest is filled in. Ids count from 1."""
    rows = []
    for number, run in enumerate(runs, start=1):
        started = pd.Timestamp(run["run_date"], tz="UTC") + pd.Timedelta(hours=12)
        rows.append({"run_id": number, "started_at_utc": started, **_RUN, **run})
    frame = pd.DataFrame(rows, columns=list(RUN_COLUMNS))
    frame["run_date"] = pd.to_datetime(frame["run_date"])
    frame["started_at_utc"] = pd.to_datetime(frame["started_at_utc"], utc=True)
    return frame.astype(dict.fromkeys(_RUN_FLOATS, "float64"))


def scores_frame(scores: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Scores with PAIN_COLUMNS; each needs `for_date` and `nprs`; next morning, left, and counted on its own day unless told."""
    rows = [
        {
            "score_id": number,
            "moment": PainMoment.NEXT_MORNING.value,
            "side": Side.LEFT.value,
            "run_id": None,
            "counted_date": score["for_date"],
            "recalled": False,
            **score,
        }
        for number, score in enumerate(scores, start=1)
    ]
    frame = pd.DataFrame(rows, columns=list(PAIN_COLUMNS))
    frame["for_date"] = pd.to_datetime(frame["for_date"])
    frame["counted_date"] = pd.to_datetime(frame["counted_date"])
    return frame.astype({"run_id": "float64"})


def mornings(first: date, nprs: Sequence[int | None], **more: Any) -> list[dict[str, Any]]:
    """One morning score a day from `first` on; None is a day without an answer."""
    return [{"for_date": first + timedelta(days=day), "nprs": value, **more} for day, value in enumerate(nprs) if value is not None]


def plans_frame(plans: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Versions of a plan with PLAN_COLUMNS."""
    frame = pd.DataFrame(list(plans), columns=list(PLAN_COLUMNS))
    frame["valid_from"] = pd.to_datetime(frame["valid_from"])
    return frame.astype({"weekly_distance_m": "float64"})


def facts_of(
    runs: Sequence[Mapping[str, Any]] = (),
    scores: Sequence[Mapping[str, Any]] = (),
    *,
    coverage: Coverage | None = None,
    plans: Sequence[Mapping[str, Any]] = (),
    marks: Sequence[Mark] = (),
    week_start: int = 0,
    ended_on: date | None = None,
) -> EpisodeFacts:
    """Facts of one episode on the left side."""
    return EpisodeFacts(
        side=Side.LEFT,
        started_on=MONDAY,
        ended_on=ended_on,
        distance_unit=DistanceUnit.MILE,
        week_start=week_start,
        zones=PainZones(3, 5),
        coverage=coverage,
        runs=runs_frame(runs),
        scores=scores_frame(scores),
        plans=plans_frame(plans),
        marks=tuple(marks),
    )


# A patient's log at random: ten weeks around MONDAY.

days = st.integers(-21, 49).map(lambda offset: MONDAY + timedelta(days=offset))
week_starts = st.integers(0, 6)
random_runs = st.lists(
    st.fixed_dictionaries(
        {
            "run_date": days,
            "distance_m": st.integers(1, 42_195),
            "moving_time_s": st.integers(600, 14_400),
            "elapsed_time_s": st.just(14_400),
            "running_cadence_spm": st.none() | st.integers(1400, 1900).map(lambda tenths: tenths / 10),
            "running_time_s": st.none() | st.integers(0, 7200),
            "running_speed_m_s": st.none() | st.integers(190, 450).map(lambda hundredths: hundredths / 100),
            "grade_abs_mean": st.none() | st.sampled_from([0.0, 0.01, 0.02, 0.03]),
            "surface": st.sampled_from(["road", "trail", "treadmill"]),
            "device": st.sampled_from(["", "watch", "phone"]),
        }
    ),
    max_size=25,
)


@st.composite
def _score(draw: st.DrawFn) -> dict[str, Any]:
    day = draw(days)
    moment = draw(st.sampled_from([moment.value for moment in PainMoment]))
    follows = moment == PainMoment.NEXT_MORNING.value and draw(st.booleans())
    return {
        "for_date": day,
        "counted_date": day - timedelta(days=1) if follows else day,
        "moment": moment,
        "side": draw(st.sampled_from([side.value for side in Side])),
        "nprs": draw(st.integers(0, 10)),
    }


random_scores = st.lists(_score(), max_size=40)


def coverage_of(runs: Sequence[Mapping[str, Any]], scores: Sequence[Mapping[str, Any]], more_days: int = 0) -> Coverage | None:
    """From the first log to the last, and `more_days` of logging without anything to tell."""
    logged = [run["run_date"] for run in runs] + [score["for_date"] for score in scores]
    return Coverage(min(logged), max(logged) + timedelta(days=more_days)) if logged else None


def week_of(day: date, week_start: int) -> date:
    """First day of the week, found by walking back: deliberately not the way the code does it."""
    while day.weekday() != week_start:
        day -= timedelta(days=1)
    return day


def number_of(day: date) -> int:
    return day_number(day)
