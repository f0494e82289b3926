"""The runs that a plan asks for, and which run fills which: the pairing behind `rehab.adherence`, where its rules are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models import day_number, week_number
from rehab.days import day_numbers, floats, week_numbers


@dataclass(frozen=True)
class StartedRun:
    """A run, by what decides which place it fills."""

    run_id: int
    day: int
    week: int
    distance_m: int


@dataclass(frozen=True)
class Session:
    """A run planned on a day; `distance_m` is NaN if none is planned."""

    day: int
    week: int
    distance_m: float


@dataclass(frozen=True)
class Place:
    """One planned run: its week, its day (None: any of the week), the days on which it is on time, and the run that fills it, by place."""

    week: int
    day: int | None
    first_day: int
    last_day: int
    run: int | None

    def shift_days(self, runs: Sequence[StartedRun]) -> int:
        """Days after the last or before the first day on which it would have been on time; 0 if on time or without a run."""
        day = self.first_day if self.run is None else runs[self.run].day
        return min(day - self.first_day, 0) + max(day - self.last_day, 0)


def runs_by_start(runs: pd.DataFrame, week_start: int, as_of: date) -> list[StartedRun]:
    """Put the runs up to a day in the order of their start; of those that start together the lower number goes first."""
    days, ids = day_numbers(runs["run_date"]), runs["run_id"].to_numpy(dtype=np.int64)
    order = np.lexsort((ids, runs["started_at_utc"].to_numpy(dtype="datetime64[us]"), days))
    order = order[days[order] <= day_number(as_of)]
    distance = runs["distance_m"].to_numpy(dtype=np.int64)
    columns = (ids[order], days[order], week_numbers(days[order], week_start), distance[order])
    return [StartedRun(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def sessions_by_day(planned: pd.DataFrame | None, week_start: int, as_of: date, ended_on: date | None) -> list[Session]:
    """Planned days by day, the longest of a day first."""
    if planned is None or planned.empty:
        return []
    days = day_numbers(planned["planned_on"])
    weeks, distance = week_numbers(days, week_start), floats(planned["distance_m"])
    inside = weeks <= week_number(as_of, week_start)
    if ended_on is not None:
        inside &= days <= day_number(ended_on)
    order = np.lexsort((-distance, days))  # NaN goes last
    order = order[inside[order]]
    return [Session(*row) for row in zip(days[order].tolist(), weeks[order].tolist(), distance[order].tolist(), strict=True)]


def on_their_day(sessions: Sequence[Session], runs: Sequence[StartedRun]) -> dict[int, int]:
    """Sessions that a run of their own day keeps, and the run."""
    of_day: dict[int, list[int]] = {}
    for place, run in enumerate(runs):
        of_day.setdefault(run.day, []).append(place)
    kept = {}
    for at, session in enumerate(sessions):
        free = of_day.get(session.day)
        if free:
            wanted = session.distance_m
            best = min(free, key=lambda run: -runs[run].distance_m if np.isnan(wanted) else abs(runs[run].distance_m - wanted))
            free.remove(best)
            kept[at] = best
    return kept


def near_their_day(sessions: Sequence[Session], runs: Sequence[StartedRun], kept: dict[int, int], tolerance_days: int) -> dict[int, int]:
    """Of the sessions and runs that are left: as many pairs as possible, with the smallest sum of days, the earlier first."""
    taken = set(kept.values())
    left = [(session.day, 0, at) for at, session in enumerate(sessions) if at not in kept]
    left += [(run.day, 1, at) for at, run in enumerate(runs) if at not in taken]
    pairs: dict[int, int] = {}
    group: tuple[list[int], list[int]] = ([], [])
    last = None
    for day, kind, at in sorted(left):
        if last is not None and day - last > tolerance_days:  # no pair reaches over such a gap
            pairs |= _paired(sessions, runs, group, tolerance_days)
            group = ([], [])
        group[kind].append(at)
        last = day
    return pairs | _paired(sessions, runs, group, tolerance_days)


def _paired(
    sessions: Sequence[Session], runs: Sequence[StartedRun], group: tuple[list[int], list[int]], tolerance_days: int
) -> dict[int, int]:
    """
    Pair two rows of days in order. Pairs that cross can be uncrossed without more days, so only those in order are looked at.

    `best[i][j]` is what the sessions from i on and the runs from j on can give: pairs, then fewest days (as a negative number).
    """
    places, free = group
    if not places or not free:
        return {}
    best = [[(0, 0)] * (len(free) + 1) for _ in range(len(places) + 1)]

    def with_pair(i: int, j: int) -> tuple[int, int]:
        days = abs(sessions[places[i]].day - runs[free[j]].day)
        pairs, shift = best[i + 1][j + 1]
        return (pairs + 1, shift - days) if days <= tolerance_days else (-1, 0)

    for i in range(len(places) - 1, -1, -1):
        for j in range(len(free) - 1, -1, -1):
            best[i][j] = max(with_pair(i, j), best[i + 1][j], best[i][j + 1])
    pairs, i, j = {}, 0, 0
    while i < len(places) and j < len(free):
        if best[i][j] == with_pair(i, j):
            pairs[places[i]] = free[j]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def places_by_number(numbers: dict[int, int], runs: Sequence[StartedRun], taken: set[int], tolerance_days: int) -> list[Place]:
    """Places of the weeks that plan a number of runs, each with the run that fills it."""
    free: dict[int, list[int]] = {week: [] for week in numbers}
    for place, run in enumerate(runs):
        if place not in taken and run.week in free:
            free[run.week].append(place)
    spare = {week: len(free[week]) - number for week, number in numbers.items()}
    moved: dict[int, list[int]] = {week: [] for week in numbers}
    for week in sorted(numbers):
        lacking = -spare[week]
        for neighbour in (week - 7, week + 7):
            if lacking <= 0 or spare.get(neighbour, 0) <= 0:
                continue
            near = [run for run in free[neighbour] if -tolerance_days <= runs[run].day - week <= 6 + tolerance_days]
            number = min(lacking, spare[neighbour], len(near))
            chosen = near[len(near) - number :] if neighbour < week else near[:number]
            free[neighbour] = [run for run in free[neighbour] if run not in chosen]
            spare[neighbour] -= number
            lacking -= number
            moved[week] += chosen
    places = []
    for week, number in numbers.items():
        fills = [*free[week], *moved[week]][:number]
        places += [Place(week, None, week, week + 6, run) for run in [*fills, *[None] * (number - len(fills))]]
    return places
