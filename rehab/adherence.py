"""Whether the plan was kept, doing too much included: each run, and each run that was planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models import day_number, week_number
from rehab.days import Coverage, coverage_until, timestamps
from rehab.plan import PlanWeek, is_over_ceiling, plan_weeks
from rehab.plan_places import Place, StartedRun, near_their_day, on_their_day, places_by_number, runs_by_start, sessions_by_day
from rehab.rules import Limit, Rule, Strength

TOLERANCE_DAYS = 1

ON_TIME, SHIFTED, MISSED, UNPLANNED, OVER_CEILING = "on time", "shifted", "missed", "unplanned", "over the ceiling"
OPEN, NOT_KNOWN, NO_PLAN = "open", "not known", "no plan"

KEPT_RUN_COLUMNS = (
    "week_start",  # datetime64, first day of the run's own week
    "fit",  # on time, shifted, unplanned, over the ceiling, "no plan"
    "place",  # float, row of `places` that the run fills, NaN if none
    "shift_days",  # float, days after the planned day or week (before it: negative), NaN if it fills no place
    "over_ceiling",  # bool
)
PLACE_COLUMNS = (
    "week_start",  # datetime64, first day of the week that planned it
    "planned_on",  # datetime64, NaT if only the number of runs was planned
    "fit",  # on time, shifted, missed, open, "not known"
    "run_id",  # float, NaN if no run fills it
)

RULE = Rule(
    name="adherence",
    title="Was the plan kept",
    says=(
        "Each run is on time, shifted, unplanned or over the ceiling, each planned run without one is missed. A planned day is kept by a run on that day, or, "
        "shifted, by one at most the tolerance away. Where only a number of runs a week is planned, any day of the week is on time."
    ),
    strength=Strength.CLINIC,
    limits=(Limit("tolerance", TOLERANCE_DAYS, "day", "≤ 1 (a setting); on the limit is shifted"),),
    criticism="A plan may be left for good reasons, pain among them.",
    may_say="What was run of what was planned, and what was run besides.",
    may_not_say="That somebody failed. A day that was not logged is not a run missed.",
)


@dataclass(frozen=True)
class Adherence:
    """
    Runs and plan put side by side.

    Attributes
    ----------
    runs : DataFrame
        KEPT_RUN_COLUMNS, indexed by `run_id`, by start.
    places : DataFrame
        PLACE_COLUMNS, one row for each planned run, by week and day.
    """

    runs: pd.DataFrame
    places: pd.DataFrame

    def counts(self, *, since: date | None = None) -> dict[str, int]:
        """
        Count on time, shifted, missed, unplanned and over the ceiling, in this order.

        Parameters
        ----------
        since : date or None
            First day of the first week that enters; None for all.
        """
        first = pd.Timestamp.min if since is None else pd.Timestamp(since)
        runs = self.runs["fit"][self.runs["week_start"] >= first]
        places = self.places["fit"][self.places["week_start"] >= first]
        return {
            fit: int((places == fit).sum()) if fit == MISSED else int((runs == fit).sum())
            for fit in (ON_TIME, SHIFTED, MISSED, UNPLANNED, OVER_CEILING)
        }


def adherence(
    runs: pd.DataFrame,
    plans: pd.DataFrame,
    *,
    week_start: int,
    as_of: date,
    coverage: Coverage | None,
    ended_on: date | None = None,
    planned_sessions: pd.DataFrame | None = None,
    tolerance_days: int = TOLERANCE_DAYS,
) -> Adherence:
    """
    Put each run into on time, shifted, unplanned or over the ceiling, and each planned run into kept or missed.

    *Planned days* (a week with rows in `planned_sessions`):

    1. A run on a planned day is on time. Of several runs of that day it is the one whose distance is nearest to the planned one, or the longest
       if none is planned; of several sessions of a day each takes one run, the longest session first.
    2. Of what is left, as many sessions as possible are kept by a run at most `tolerance_days` away, each run once, with the smallest sum of
       days; where that can be done in several ways, earlier runs go to earlier sessions. These runs are shifted. They may lie in the week
       before or after.

    *A number of runs* (`runs_per_week`, no planned days in the week): any day of the week is on time.

    3. A week with fewer runs than the plan says takes, in the order of the weeks, what its neighbours of this kind have more than their number: from
       the week before, of its last `tolerance_days` days, the latest runs; then from the week after, of its first `tolerance_days` days, the
       earliest. These runs are shifted. Runs that keep a planned day are not counted here.
    4. Of the runs that are left, as many as the plan says are on time, the first ones of the week.

    *The rest*: a run that keeps no place is unplanned; in a week without planned days and without a number of runs it is "no plan". A run over the
    plan's ceiling (that of its own week) is "over the ceiling" instead, whatever place it keeps. A place without a run is missed once its day
    or week and the tolerance after it are over; before that it is open. If not all of these days were logged,
    or the episode ended before they were over, it is not known, never missed.

    Parameters
    ----------
    runs : DataFrame
        RUN_COLUMNS, in any order; those after `as_of` are ignored. Of runs that start together the lower `run_id` is the earlier one.
    plans : DataFrame
        PLAN_COLUMNS, in any order. The version that counts in a week is that of `rehab.weekly.plan_of_weeks`.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    as_of : date
        The patient's local day.
    coverage : Coverage or None
        First and last day of logging.
    ended_on : date or None
        Last day of the episode: weeks that begin later have no plan, planned days after it none either.
    planned_sessions : DataFrame or None
        One row for each planned run, in any order: `planned_on` (datetime64) and `distance_m` (float, NaN if none is planned).
        Those of weeks later than that of `as_of` are left out.
    tolerance_days : int
        How many days away from its day or week a run still keeps a place, 0 to 6.

    Returns
    -------
    Adherence
        Of all runs up to `as_of`, and of all planned places.

    Raises
    ------
    ValueError
        If the tolerance is below 0 or above 6 days.
    """
    if not 0 <= tolerance_days <= 6:
        raise ValueError(f"A tolerance of {tolerance_days} days cannot be used. It is 0 to 6 days.")
    known = runs_by_start(runs, week_start, as_of)
    sessions = sessions_by_day(planned_sessions, week_start, as_of, ended_on)
    first_plan = [week_number(plans["valid_from"].min().date(), week_start)] if len(plans) else []
    first = min([*(run.week for run in known), *(session.week for session in sessions), *first_plan], default=None)
    weeks = np.empty(0, np.int64) if first is None else np.arange(first, week_number(as_of, week_start) + 1, 7)
    plan = dict(zip(weeks.tolist(), plan_weeks(plans, weeks, ended_on=ended_on), strict=True))
    with_days = {session.week for session in sessions}
    numbers = {week: int(each.runs_per_week) for week, each in plan.items() if each and each.runs_per_week and week not in with_days}

    kept = on_their_day(sessions, known)
    kept |= near_their_day(sessions, known, kept, tolerance_days)
    places = [Place(each.week, each.day, each.day, each.day, kept.get(at)) for at, each in enumerate(sessions)]
    places += places_by_number(numbers, known, set(kept.values()), tolerance_days)
    places.sort(key=lambda place: (place.week, place.first_day, len(known) if place.run is None else place.run))
    return Adherence(
        _kept_runs(known, places, plan, with_days | set(numbers)), _kept_places(known, places, tolerance_days, as_of, coverage, ended_on)
    )


def _kept_runs(runs: Sequence[StartedRun], places: Sequence[Place], plan: dict[int, PlanWeek | None], planned: set[int]) -> pd.DataFrame:
    filled = {place.run: row for row, place in enumerate(places) if place.run is not None}
    rows = []
    for at, run in enumerate(runs):
        row = filled.get(at)
        shift = np.nan if row is None else places[row].shift_days(runs)
        over = is_over_ceiling(run.distance_m, plan[run.week])
        if over:
            fit = OVER_CEILING
        elif row is None:
            fit = UNPLANNED if run.week in planned else NO_PLAN
        else:
            fit = SHIFTED if shift else ON_TIME
        rows.append((run.week, fit, np.nan if row is None else row, shift, over))
    weeks, fits, filling, shifts, overs = zip(*rows, strict=True) if rows else ((),) * len(KEPT_RUN_COLUMNS)
    columns = [
        timestamps(np.array(weeks, dtype=np.int64)),
        np.array(fits, dtype=object),
        np.array(filling, dtype=np.float64),
        np.array(shifts, dtype=np.float64),
        np.array(overs, dtype=bool),
    ]
    index = pd.Index(np.array([run.run_id for run in runs], dtype=np.int64), name="run_id")
    return pd.DataFrame(dict(zip(KEPT_RUN_COLUMNS, columns, strict=True)), index=index)


def _kept_places(
    runs: Sequence[StartedRun], places: Sequence[Place], tolerance_days: int, as_of: date, coverage: Coverage | None, ended_on: date | None
) -> pd.DataFrame:
    known = coverage_until(coverage, as_of)

    def fit(place: Place) -> str:
        if place.run is not None:
            return SHIFTED if place.shift_days(runs) else ON_TIME
        until = place.last_day + tolerance_days
        if until >= day_number(as_of):
            return OPEN
        ended = ended_on is not None and place.last_day > day_number(ended_on)
        if ended or known is None or place.first_day < day_number(known.first_day) or until > day_number(known.last_day):
            return NOT_KNOWN
        return MISSED

    days = [np.datetime64("NaT", "s") if place.day is None else np.datetime64(place.day, "D").astype("datetime64[s]") for place in places]
    columns = [
        timestamps(np.array([place.week for place in places], dtype=np.int64)),
        pd.DatetimeIndex(np.array(days, dtype="datetime64[s]")),
        np.array([fit(place) for place in places], dtype=object),
        np.array([np.nan if place.run is None else runs[place.run].run_id for place in places], dtype=np.float64),
    ]
    return pd.DataFrame(dict(zip(PLACE_COLUMNS, columns, strict=True)))
