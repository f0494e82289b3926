"""The maintained weeks: what the caseload and the trends read instead of the whole history.

Whatever changes a run or a score recomputes the touched weeks from the base rows, in the same transaction. So a maintained week is
always what a fresh computation gives, also after edits and deletes (a maximum cannot be un-added).
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import col

from models import (
    NPRS_COUNT_COLUMNS,
    DayWithoutRun,
    LogCoverage,
    PainMoment,
    PainScore,
    PainWeek,
    Patient,
    PatientWeek,
    RestAnswer,
    Run,
    week_number,
)

# A sign of logging given on a day counts up to that day only if what it tells is at most this old.
SIGN_REACHES_DAYS = 7
# A first log that stands further than this before the next one does not open the coverage: it may be a wrong year.
FIRST_SIGN_WITHIN_DAYS = 60
CHUNK = 400


def _rounded(number: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """Round a number that is not negative, halves up: databases differ in what round() and CAST make of a half."""
    cut = sa.cast(number + 0.5, sa.Integer)
    return cut - sa.case((cut > number + 0.5, 1), else_=0)


def _run_weeks(where: Iterable[sa.ColumnElement[bool]]) -> sa.Select[*tuple[Any, ...]]:
    has_cadence = sa.and_(col(Run.running_cadence_spm).is_not(None), col(Run.running_time_s).is_not(None))
    steps = _rounded(col(Run.running_cadence_spm) * col(Run.running_time_s) / 60.0)
    return (
        sa.select(
            col(Run.patient_id),
            col(Run.week),
            sa.func.count(),
            sa.func.sum(col(Run.distance_m)),
            sa.func.max(col(Run.distance_m)),
            sa.func.sum(col(Run.moving_time_s)),
            sa.func.sum(sa.case((has_cadence, 1), else_=0)),
            sa.func.sum(sa.case((has_cadence, col(Run.running_time_s)), else_=0)),
            sa.func.sum(sa.case((has_cadence, steps), else_=0)),
            sa.func.max(col(Run.run_date)),
        )
        .where(col(Run.retired_at_utc).is_(None), *where)
        .group_by(col(Run.patient_id), col(Run.week))
    )


def _pain_weeks(where: Iterable[sa.ColumnElement[bool]]) -> sa.Select[*tuple[Any, ...]]:
    score = col(PainScore.nprs)
    keys = (col(PainScore.patient_id), col(PainScore.week), col(PainScore.moment), col(PainScore.side))
    counts = [sa.func.sum(sa.case((score == value, 1), else_=0)) for value in range(len(NPRS_COUNT_COLUMNS))]
    return (
        sa.select(*keys, *counts, sa.func.max(col(PainScore.for_date)))
        .where(col(PainScore.retired_at_utc).is_(None), *where)
        .group_by(*keys)
    )


# maintained table, what it is computed from
_MAINTAINED: tuple[tuple[type[Any], type[Any], Any], ...] = ((PatientWeek, Run, _run_weeks), (PainWeek, PainScore, _pain_weeks))


def _columns(table: type[Any]) -> list[str]:
    return [column.name for column in table.metadata.tables[table.__tablename__].columns]


def refresh_weeks(connection: sa.Connection, patient_id: int, weeks: Iterable[int]) -> None:
    """
    Recompute the maintained weeks of one patient from the base rows.

    Parameters
    ----------
    connection : Connection
        The writing transaction that changed the base rows.
    patient_id : int
    weeks : iterable of int
        Week numbers that a change touched; weeks left without a row lose theirs.
    """
    touched = sorted(set(weeks))
    for start in range(0, len(touched), CHUNK):
        some = touched[start : start + CHUNK]
        for table, base, select in _MAINTAINED:
            connection.execute(sa.delete(table).where(col(table.patient_id) == patient_id, col(table.week).in_(some)))
            fresh = select([col(base.patient_id) == patient_id, col(base.week).in_(some)])
            connection.execute(sa.insert(table).from_select(_columns(table), fresh))


def rebuild_weeks(connection: sa.Connection, patient_id: int | None = None) -> None:
    """Recompute all maintained weeks of one patient or, without one, of everybody."""
    for table, base, select in _MAINTAINED:
        mine = [] if patient_id is None else [col(table.patient_id) == patient_id]
        theirs = [] if patient_id is None else [col(base.patient_id) == patient_id]
        connection.execute(sa.delete(table).where(*mine))
        connection.execute(sa.insert(table).from_select(_columns(table), select(theirs)))


def renumber_weeks(connection: sa.Connection, week_start: int) -> None:
    """Give each run and score its week for a new first day of the week, and rebuild the maintained weeks."""
    for table, column in ((Run, Run.run_date), (PainScore, PainScore.counted_date)):
        day = sa.cast(sa.extract("epoch", col(column)), sa.BigInteger) // 86_400
        # as models.week_number: day 0 was a Thursday, weekday 3; 7 more keep the remainder from being negative
        connection.execute(sa.update(table).values(week=day - (day + 3 - week_start + 7) % 7))
    rebuild_weeks(connection)


def link_scores(connection: sa.Connection, patient_id: int, days: Iterable[date], week_start: int) -> set[int]:
    """
    Let each score stand at the run it follows, after runs or scores of some days changed.

    A next-morning score follows the last run of the day before. A score of another moment follows the only run of its day, or the run
    that was named with it. A score that follows no run stands at its own day.

    Returns
    -------
    set of int
        Week numbers whose scores moved, the old and the new ones.
    """
    touched_days = set(days)
    if not touched_days:
        return set()
    score_days = touched_days | {day + timedelta(days=1) for day in touched_days}
    run_days = score_days | {day - timedelta(days=1) for day in score_days}
    ordered_runs: dict[date, list[int]] = {}
    for run_id, day in connection.execute(
        sa.select(Run.metadata.tables["run"].c.id, col(Run.run_date))
        .where(col(Run.patient_id) == patient_id, col(Run.retired_at_utc).is_(None), _in_days(Run.run_date, run_days))
        .order_by(col(Run.started_at_utc), col(Run.id))
    ):
        ordered_runs.setdefault(day, []).append(run_id)
    scores = connection.execute(
        sa.select(*PainScore.metadata.tables["pain_score"].columns).where(
            col(PainScore.patient_id) == patient_id, col(PainScore.retired_at_utc).is_(None), _in_days(PainScore.for_date, score_days)
        )
    ).all()
    moved: set[int] = set()
    updates = []
    for score, run_id, counted in _placed(scores, ordered_runs):
        week = week_number(counted, week_start)
        named = score.run_named and run_id == score.run_id
        if (run_id, named, counted, week) != (score.run_id, score.run_named, score.counted_date, score.week):
            updates.append({"score": score.id, "run_id": run_id, "run_named": named, "counted_date": counted, "week": week})
            moved |= {score.week, week}
    if updates:
        table = PainScore.metadata.tables["pain_score"]
        names = ("run_id", "run_named", "counted_date", "week")
        connection.execute(
            sa.update(table).where(table.c.id == sa.bindparam("score")).values({name: sa.bindparam(name) for name in names}), updates
        )
    return moved


def _placed(
    scores: Sequence[sa.Row[*tuple[Any, ...]]], ordered_runs: dict[date, list[int]]
) -> list[tuple[sa.Row[*tuple[Any, ...]], int | None, date]]:
    """
    Give each score the run that it follows, if any, and the day at which it stands.

    One run has one score of a day, moment and side, and so has "no run". Who would be the second stays where it was; so those who are
    right where they are come first, then those who stand at no run (a place that the others may need). In this order they can be
    moved one by one.
    """

    def priority(score: sa.Row[*tuple[Any, ...]]) -> tuple[bool, bool, bool, int]:
        stays = _followed_run(score, ordered_runs)[0] == score.run_id
        return (not (stays and score.run_named), not stays, score.run_id is not None, score.id)

    placed: list[tuple[sa.Row[*tuple[Any, ...]], int | None, date]] = []
    taken: set[tuple[Any, ...]] = set()
    for score in sorted(scores, key=priority):
        place = (score.for_date, score.moment, score.side)
        choices = (_followed_run(score, ordered_runs), (None, score.for_date), (score.run_id, score.counted_date))
        run_id, counted = next(choice for choice in choices if (*place, choice[0]) not in taken)
        taken.add((*place, run_id))
        placed.append((score, run_id, counted))
    return placed


def _in_days(column: Any, days: set[date]) -> sa.ColumnElement[bool]:
    low, high = min(days), max(days)
    return col(column).between(low, high) if (high - low).days < 3 * len(days) else col(column).in_(sorted(days))


def _followed_run(score: sa.Row[*tuple[Any, ...]], ordered_runs: dict[date, list[int]]) -> tuple[int | None, date]:
    if score.moment == PainMoment.NEXT_MORNING:
        before = score.for_date - timedelta(days=1)
        runs = ordered_runs.get(before, [])
        return (runs[-1], before) if runs else (None, score.for_date)
    runs = ordered_runs.get(score.for_date, [])
    if score.run_named and score.run_id in runs:
        return score.run_id, score.for_date
    return (runs[0] if len(runs) == 1 else None), score.for_date


def refresh_coverage(connection: sa.Connection, patient_id: int) -> None:
    """
    Recompute from when to when a patient logged.

    The coverage runs from the first log to the last sign of logging (docs/decisions/0005-log-coverage.md). A first day with logs that
    stands alone, more than `FIRST_SIGN_WITHIN_DAYS` before the next one, does not open it. A sign counts up to the
    day on which it was given if what it tells is at most `SIGN_REACHES_DAYS` old, else only for the day that it tells of. What was
    corrected still was a sign on the day on which it was first told; what was taken back was none.
    """
    zone = ZoneInfo(connection.execute(sa.select(col(Patient.time_zone)).where(col(Patient.id) == patient_id)).scalar_one())
    sources: tuple[tuple[Any, Any, Any, Any], ...] = (
        (Run, Run.run_date, Run.recorded_at_utc, Run.retired_at_utc),
        (PainScore, PainScore.for_date, PainScore.recorded_at_utc, PainScore.retired_at_utc),
        (RestAnswer, RestAnswer.for_date, RestAnswer.recorded_at_utc, RestAnswer.retired_at_utc),
        (DayWithoutRun, DayWithoutRun.day, DayWithoutRun.recorded_at_utc, None),
    )
    spans = []
    for table, day, _, retired in sources:
        current = [] if retired is None else [col(retired).is_(None)]
        statement = sa.select(sa.func.min(col(day)), sa.func.max(col(day))).where(col(table.patient_id) == patient_id, *current)
        low, high = connection.execute(statement).one()
        if low is not None:
            spans.append((low, high))
    connection.execute(sa.delete(LogCoverage).where(col(LogCoverage.patient_id) == patient_id))
    if not spans:
        return
    first, last = min(low for low, _ in spans), max(high for _, high in spans)
    following = _next_log_day(connection, patient_id, sources, first)
    if following is not None and (following - first).days > FIRST_SIGN_WITHIN_DAYS:
        first = following
    # only a log younger than this can reach past the newest log
    young = last - timedelta(days=SIGN_REACHES_DAYS)
    for table, day, recorded, retired in sources:
        for log_day, recorded_at in _told(connection, table, day, recorded, retired, patient_id, since=young):
            given_on = recorded_at.astimezone(zone).date()
            if (given_on - log_day).days <= SIGN_REACHES_DAYS:
                last = max(last, given_on)
    connection.execute(sa.insert(LogCoverage).values(patient_id=patient_id, first_day=first, last_day=last))


def _next_log_day(connection: sa.Connection, patient_id: int, sources: Sequence[tuple[Any, Any, Any, Any]], after: date) -> date | None:
    """Give the first day after another one with a current log."""
    found = []
    for table, day, _, retired in sources:
        current = [] if retired is None else [col(retired).is_(None)]
        statement = sa.select(sa.func.min(col(day))).where(col(table.patient_id) == patient_id, col(day) > after, *current)
        found.append(connection.execute(statement).scalar())
    return min((day for day in found if day is not None), default=None)


def _told(
    connection: sa.Connection, table: Any, day: Any, recorded: Any, retired: Any, patient_id: int, *, since: date
) -> list[tuple[date, datetime]]:
    """Give day and time of telling of each current log from a day on, also of the earlier ones that it corrects."""
    columns = table.metadata.tables[table.__tablename__].c
    corrects = columns.get("corrects_id")
    rows = connection.execute(
        sa.select(
            columns.id,
            col(day),
            col(recorded),
            sa.literal(None) if corrects is None else corrects,
            sa.true() if retired is None else col(retired).is_(None),
        ).where(columns.patient_id == patient_id, col(day) >= since)
    ).all()
    by_id = {row[0]: row for row in rows}
    told = []
    for row in rows:
        earlier = row if row[4] else None
        while earlier is not None:
            told.append((earlier[1], earlier[2]))
            earlier = by_id.get(earlier[3])
    return told


def mark_changed(connection: sa.Connection, patient_id: int) -> None:
    """Count the change, so that whatever caches this patient's facts asks again."""
    connection.execute(sa.update(Patient).where(col(Patient.id) == patient_id).values(changed_seq=col(Patient.changed_seq) + 1))
