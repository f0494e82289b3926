"""Writes: each function is one transaction, whole or absent, and leaves the maintained weeks true."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions, weeks
from data.permissions import Act, Thing
from models import (
    IDLE_MINUTES_RANGE,
    NAME_MAX_CHARACTERS,
    SESSION_HOURS_RANGE,
    AuditAction,
    Change,
    ChangeKind,
    Clinic,
    DayWithoutRun,
    Entry,
    EntryRefused,
    EpisodeEntry,
    EpisodeOfCare,
    NoRunEntry,
    PainEntry,
    PainMoment,
    PainScore,
    Patient,
    PatientEntry,
    Person,
    RestAnswer,
    RestEntry,
    Role,
    Run,
    Side,
    Site,
    SiteKind,
    Viewer,
    Visit,
    VisitStatus,
    new_key,
    plain_text,
    utc_now,
    week_number,
)

# What says who somebody is: never in the audit.
NAMES_OF_PATIENTS = frozenset({"code", "given_name", "family_name", "birth_date"})
# A score without a side belongs to an episode from this long before it started: pain comes before the first visit.
EPISODE_REACHES_BACK = timedelta(days=28)


class AlreadyThere(ValueError):
    """Something with the same identity is stored; the text says what to do."""


def week_start(connection: sa.Connection) -> int:
    """Read the clinic's first day of the week: 0 Monday … 6 Sunday."""
    return connection.execute(sa.select(col(Clinic.week_start))).scalar() or 0


def local_today(time_zone: str, now: datetime | None = None) -> date:
    """Say which day it is where the patient lives."""
    return (now or datetime.now(UTC)).astimezone(ZoneInfo(time_zone)).date()


def _fields(entry: Entry) -> dict[str, Any]:
    return entry.model_dump(exclude={"today"})


def add_patient(engine: sa.Engine, viewer: Viewer, entry: PatientEntry) -> str:
    """
    Register a patient.

    Returns
    -------
    str
        The patient's random key, for web addresses.

    Raises
    ------
    AlreadyThere
        If the code is taken.
    """
    key = new_key()
    with audit.changing(engine, viewer, "patient", None) as connection:
        permissions.require(viewer, Thing.REGISTER, Act.WRITE)
        taken = AlreadyThere(f"The patient code {entry.code} is taken. Choose another one.")
        if connection.execute(sa.select(col(Patient.id)).where(col(Patient.code) == entry.code)).first():
            raise taken
        try:
            inserted = sa.insert(Patient).values(key=key, created_by_id=viewer.person_id, **_fields(entry))
            patient_id: int = connection.execute(inserted.returning(Patient.metadata.tables["patient"].c.id)).scalar_one()
        except sa.exc.IntegrityError:  # somebody else took it in this very moment
            raise taken from None
        kept = {name: value for name, value in _fields(entry).items() if name not in NAMES_OF_PATIENTS}
        audit.record(connection, viewer, AuditAction.CREATE, kind="patient", key=key, patient_id=patient_id, new=kept)
    return key


def add_episode(engine: sa.Engine, viewer: Viewer, patient_key: str, entry: EpisodeEntry) -> str:
    """
    Open an episode of care.

    Pain scores of its time that came without a side belong to its side from now on, if no other side is treated at that time.

    Returns
    -------
    str
        The episode's random key.

    Raises
    ------
    EntryRefused
        If its site or therapist is not one of the clinic's.
    """
    key = new_key()
    with audit.changing(engine, viewer, "patient", patient_key) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key, act=Act.WRITE)
        for what, table, wanted in (("site", Site, entry.site_id), ("therapist", Person, entry.therapist_id)):
            if wanted is not None and connection.execute(sa.select(col(table.id)).where(col(table.id) == wanted)).first() is None:
                raise EntryRefused([f"That {what} is not one of the clinic's any more. Choose the {what} again."])
        connection.execute(
            sa.insert(EpisodeOfCare).values(key=key, patient_id=patient.id, created_by_id=viewer.person_id, **_fields(entry))
        )
        sided = 0
        if entry.side != Side.UNSPECIFIED:
            sided = _give_side(connection, patient.id, entry.side)
            weeks.rebuild_weeks(connection, patient.id)
        weeks.mark_changed(connection, patient.id)
        new = {**_fields(entry), **({"answers_given_this_side": sided} if sided else {})}
        audit.record(connection, viewer, AuditAction.CREATE, kind="episode_of_care", key=key, patient_id=patient.id, new=new)
    return key


def open_sides(connection: sa.Connection, patient_id: int) -> Callable[[date], frozenset[Side]]:
    """
    Read which sides are treated when.

    Returns
    -------
    callable
        From a day to the sides that have an episode open on it, `EPISODE_REACHES_BACK` before its start included.
    """
    episodes = connection.execute(
        sa.select(col(EpisodeOfCare.side), col(EpisodeOfCare.started_on), col(EpisodeOfCare.ended_on)).where(
            col(EpisodeOfCare.patient_id) == patient_id
        )
    ).all()

    def sides_on(day: date) -> frozenset[Side]:
        return frozenset(
            Side(side)
            for side, started_on, ended_on in episodes
            if started_on - EPISODE_REACHES_BACK <= day and (ended_on is None or day <= ended_on)
        )

    return sides_on


def only_side(sides: frozenset[Side]) -> Side:
    """Say which side a score without one belongs to: the only one that is treated, else unspecified."""
    return next(iter(sides)) if len(sides) == 1 else Side.UNSPECIFIED


def _give_side(connection: sa.Connection, patient_id: int, side: Side) -> int:
    """
    Let what came without a side belong to a side on the days when that is the only one treated and nothing stands there yet.

    Gives how many scores and answers that were.
    """
    given = 0
    sides_on = open_sides(connection, patient_id)
    tables: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
        (PainScore, ("for_date", "moment", "run_id", "retired_at_utc")),
        (RestAnswer, ("for_date", "moment", "retired_at_utc")),
    )
    for table, place in tables:
        columns = table.metadata.tables[table.__tablename__].c
        rows = connection.execute(
            sa.select(columns.id, columns.side, *(columns[name] for name in place)).where(
                columns.patient_id == patient_id, columns.side.in_([side, Side.UNSPECIFIED])
            )
        ).all()
        taken = {row[2:] for row in rows if row.side == side and row.retired_at_utc is None}
        theirs = [
            row.id for row in rows if row.side == Side.UNSPECIFIED and only_side(sides_on(row.for_date)) == side and row[2:] not in taken
        ]
        for start in range(0, len(theirs), weeks.CHUNK):
            connection.execute(sa.update(table).where(columns.id.in_(theirs[start : start + weeks.CHUNK])).values(side=side))
        given += len(theirs)
    return given


def pain_row(entry: PainEntry, patient_id: int, starts_on: int, **more: Any) -> dict[str, Any]:
    """Make the row of a pain score, standing at its own day until it is linked to a run."""
    fields = entry.model_dump(exclude={"today", "run_id"})
    return {
        **fields,
        "patient_id": patient_id,
        "run_id": entry.run_id,
        "run_named": entry.run_id is not None and entry.moment != PainMoment.NEXT_MORNING,
        "counted_date": entry.for_date,
        "week": week_number(entry.for_date, starts_on),
        "recalled": (entry.today - entry.for_date).days > 1,
        **more,
    }


def _touch(connection: sa.Connection, patient_id: int, days: Iterable[date], starts_on: int, extra_weeks: Iterable[int] = ()) -> None:
    days = set(days)
    touched = {week_number(day, starts_on) for day in days} | set(extra_weeks)
    touched |= weeks.link_scores(connection, patient_id, days, starts_on)
    weeks.refresh_weeks(connection, patient_id, touched)
    weeks.refresh_coverage(connection, patient_id)
    weeks.mark_changed(connection, patient_id)


def same_scores(connection: sa.Connection, patient_id: int, entry: PainEntry) -> sa.Row[*tuple[Any, ...]] | None:
    """
    Find the current score (id, nprs, run_id) with the same day, moment, side and named run, if there is one.

    Where the named run has none, it is the one that follows no run: of a day with several runs, whose run was not said. Of several
    scores, one with the same value comes first.
    """
    statement = sa.select(PainScore.metadata.tables["pain_score"].c.id, col(PainScore.nprs), col(PainScore.run_id)).where(
        col(PainScore.patient_id) == patient_id,
        col(PainScore.retired_at_utc).is_(None),
        col(PainScore.for_date) == entry.for_date,
        col(PainScore.moment) == entry.moment,
        col(PainScore.side) == entry.side,
    )
    if entry.run_id is not None and entry.moment != PainMoment.NEXT_MORNING:
        of_run = sa.or_(col(PainScore.run_id) == entry.run_id, col(PainScore.run_id).is_(None))
        statement = statement.where(of_run).order_by(col(PainScore.run_id).is_(None))
    other_value = sa.case((col(PainScore.nprs) == entry.nprs, 0), else_=1)
    return connection.execute(statement.order_by(other_value, col(PainScore.id)).limit(1)).one_or_none()


def score_taken_back(connection: sa.Connection, patient_id: int, entry: PainEntry) -> datetime | None:
    """Say when a score with the same day, moment, side and value was last taken back or corrected, if it was."""
    return connection.execute(
        sa.select(col(PainScore.retired_at_utc))
        .where(
            col(PainScore.patient_id) == patient_id,
            col(PainScore.for_date) == entry.for_date,
            col(PainScore.moment) == entry.moment,
            col(PainScore.side) == entry.side,
            col(PainScore.nprs) == entry.nprs,
            col(PainScore.retired_at_utc).is_not(None),
        )
        .order_by(col(PainScore.retired_at_utc).desc())
        .limit(1)
    ).scalar()


def add_pain_scores(
    engine: sa.Engine, viewer: Viewer, patient_key: str, entries: Sequence[PainEntry], *, now: datetime | None = None
) -> int:
    """Store pain scores, all of them or none; `add_diary_day` with nothing else."""
    return add_diary_day(engine, viewer, patient_key, scores=entries, now=now)


def add_diary_day(
    engine: sa.Engine,
    viewer: Viewer,
    patient_key: str,
    *,
    scores: Sequence[PainEntry] = (),
    rest: Sequence[RestEntry] = (),
    without_run: NoRunEntry | None = None,
    now: datetime | None = None,
) -> int:
    """
    Store diary answers, all of them or none.

    Returns
    -------
    int
        How many were new; an answer that says the same again adds nothing.

    Raises
    ------
    AlreadyThere
        If another score is stored for the same day, moment and side: it is corrected, not overwritten.
    EntryRefused
        If a named run is not this patient's, or a run or the scores of that day say that the patient did run.
    """
    given = {"recorded_by_id": viewer.person_id, "recorded_at_utc": now or utc_now()}
    with audit.changing(engine, viewer, "patient", patient_key) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key, act=Act.WRITE)
        starts_on = week_start(connection)
        told: dict[str, list[Any]] = {"scores": [], "rest": [], "without_run": []}
        before: dict[str, list[Any]] = {"rest": [], "runs_named": []}
        for entry in scores:
            if _insert_score(connection, patient.id, entry, starts_on, given):
                told["scores"].append(_fields(entry))
        for answer in rest:
            old = _insert_rest_answer(connection, patient.id, answer, given)
            if old != answer.answer:
                told["rest"].append(_fields(answer))
                before["rest"] += [] if old is None else [{**_fields(answer), "answer": old}]
        if without_run is not None and insert_day_without_run(connection, patient.id, without_run, given):
            told["without_run"].append(without_run.day)
        added = sum(map(len, told.values()))
        named = [(_name_run(connection, patient.id, entry), entry.run_id) for entry in scores]
        told["runs_named"] = [{"id": score_id, "run_id": run_id} for score_id, run_id in named if score_id is not None]
        before["runs_named"] = [{**row, "run_id": None} for row in told["runs_named"]]
        if any(told.values()):
            _touch(connection, patient.id, {entry.for_date for entry in scores}, starts_on)
            what = {"kind": "diary", "key": patient_key, "patient_id": patient.id}
            old_values, new_values = ({name: rows for name, rows in values.items() if rows} for values in (before, told))
            action = AuditAction.CHANGE if old_values else AuditAction.CREATE
            audit.record(connection, viewer, action, **what, old=old_values or None, new=new_values)
    return added


def _insert_score(connection: sa.Connection, patient_id: int, entry: PainEntry, starts_on: int, given: dict[str, Any]) -> int:
    _require_own_run(connection, patient_id, entry)
    known = same_scores(connection, patient_id, entry)
    if known is not None and known.nprs != entry.nprs:
        raise AlreadyThere(
            f"For {entry.for_date.isoformat()} ({entry.moment.value.replace('_', ' ')}) the score {known.nprs} is stored. "
            "Correct that one instead of adding a second."
        )
    if known is None:
        connection.execute(sa.insert(PainScore).values(pain_row(entry, patient_id, starts_on, **given)))
    return int(known is None)


def _name_run(connection: sa.Connection, patient_id: int, entry: PainEntry) -> int | None:
    """Let the score that was told for a day follow the run that is named now; gives its id, None if nothing changed."""
    if entry.run_id is None or entry.moment == PainMoment.NEXT_MORNING:
        return None
    known = same_scores(connection, patient_id, entry)
    if known is None or known.run_id is not None:
        return None
    connection.execute(sa.update(PainScore).where(col(PainScore.id) == known.id).values(run_id=entry.run_id, run_named=True))
    known_id: int = known.id
    return known_id


def _insert_rest_answer(connection: sa.Connection, patient_id: int, entry: RestEntry, given: dict[str, Any]) -> bool | None:
    """Store an answer unless it says the same again; gives the one that was there."""
    same = sa.and_(
        col(RestAnswer.patient_id) == patient_id,
        col(RestAnswer.retired_at_utc).is_(None),
        col(RestAnswer.for_date) == entry.for_date,
        col(RestAnswer.moment) == entry.moment,
        col(RestAnswer.side) == entry.side,
    )
    old = connection.execute(sa.select(col(RestAnswer.id), col(RestAnswer.answer)).where(same)).one_or_none()
    if old is not None and old.answer == entry.answer:
        return entry.answer
    retired = {"retired_at_utc": given["recorded_at_utc"], "retired_by_id": given["recorded_by_id"]}
    connection.execute(sa.update(RestAnswer).where(same).values(retired))
    row = {**_fields(entry), "patient_id": patient_id, "corrects_id": old.id if old else None, **given}
    connection.execute(sa.insert(RestAnswer).values(row))
    return old.answer if old else None


def insert_day_without_run(connection: sa.Connection, patient_id: int, entry: NoRunEntry, given: dict[str, Any]) -> int:
    """
    Insert "did not run" inside a writing transaction, after the runs and scores that are told with it; gives how many are new.

    Raises
    ------
    EntryRefused
        If a run of that day is stored, or a score that goes with one.
    """
    run = sa.select(col(Run.id)).where(col(Run.patient_id) == patient_id, col(Run.run_date) == entry.day, col(Run.retired_at_utc).is_(None))
    if connection.execute(run.limit(1)).first() is not None:
        raise EntryRefused(
            [f"“Did not run” does not fit {entry.day.isoformat()}: a run of that day is stored. Take that one out if it is wrong."]
        )
    score = sa.select(col(PainScore.moment)).where(
        col(PainScore.patient_id) == patient_id,
        col(PainScore.for_date) == entry.day,
        col(PainScore.moment).in_([PainMoment.BEFORE, PainMoment.DURING, PainMoment.AFTER]),
        col(PainScore.retired_at_utc).is_(None),
    )
    moment = connection.execute(score.limit(1)).scalar()
    if moment is not None:
        raise EntryRefused(
            [f"“Did not run” does not fit {entry.day.isoformat()}: that day has a pain score {moment} a run. Keep one of the two."]
        )
    same = sa.select(col(DayWithoutRun.id)).where(col(DayWithoutRun.patient_id) == patient_id, col(DayWithoutRun.day) == entry.day)
    if connection.execute(same).first() is not None:
        return 0
    connection.execute(sa.insert(DayWithoutRun).values(patient_id=patient_id, day=entry.day, **given))
    return 1


def drop_day_without_run(connection: sa.Connection, patient_id: int, day: date) -> dict[str, Any] | None:
    """
    Take "did not run" back for a day inside a writing transaction.

    Returns
    -------
    dict or None
        What was there: the caller writes it into the audit, the only place that keeps it. None if nobody said so.
    """
    theirs = sa.and_(col(DayWithoutRun.patient_id) == patient_id, col(DayWithoutRun.day) == day)
    kept = sa.select(col(DayWithoutRun.day), col(DayWithoutRun.recorded_by_id), col(DayWithoutRun.recorded_at_utc)).where(theirs)
    was = connection.execute(kept).one_or_none()
    if was is None:
        return None
    connection.execute(sa.delete(DayWithoutRun).where(theirs))
    return dict(was._mapping)


def retire_day_without_run(engine: sa.Engine, viewer: Viewer, patient_key: str, day: date) -> None:
    """
    Take "did not run" back for a day.

    Raises
    ------
    NotFound
        If nobody said so.
    """
    with audit.changing(engine, viewer, "patient", patient_key) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key, act=Act.WRITE)
        old = drop_day_without_run(connection, patient.id, day)
        if old is None:
            raise permissions.NotFound("day without a run")
        _touch(connection, patient.id, [], week_start(connection))
        audit.record(connection, viewer, AuditAction.RETIRE, kind="day_without_run", key=day, patient_id=patient.id, old=old)


def _require_own_run(connection: sa.Connection, patient_id: int, entry: PainEntry) -> None:
    if entry.run_id is None:
        return
    own = sa.select(col(Run.run_date)).where(
        col(Run.id) == entry.run_id, col(Run.patient_id) == patient_id, col(Run.retired_at_utc).is_(None)
    )
    run_date = connection.execute(own).scalar()
    if run_date is None:
        raise EntryRefused(["The run that this score belongs to is not there any more. Choose the run again."])
    if entry.moment != PainMoment.NEXT_MORNING and run_date != entry.for_date:
        raise EntryRefused([f"The run that this score belongs to is of another day, {run_date.isoformat()}. Choose a run of the same day."])


def _current_score(connection: sa.Connection, viewer: Viewer, score_id: int) -> sa.Row[*tuple[Any, ...]]:
    statement = (
        sa.select(*PainScore.metadata.tables["pain_score"].columns)
        .join(Patient, col(Patient.id) == col(PainScore.patient_id))
        .where(col(PainScore.id) == score_id, permissions.reachable(viewer, act=Act.WRITE))
    )
    row = connection.execute(permissions.held(statement, connection)).one_or_none()
    if row is not None:  # somebody may have corrected it while we waited for the patient
        row = connection.execute(statement).one_or_none()
    if row is None:
        raise permissions.NotFound("pain score")
    if row.retired_at_utc is not None:
        raise AlreadyThere("Somebody has corrected this score meanwhile. Look at the new value first.")
    return row


def correct_pain_score(engine: sa.Engine, viewer: Viewer, score_id: int, nprs: int | None, *, now: datetime | None = None) -> int | None:
    """
    Put a right value in the place of a wrong one; the old one stays, with who and when.

    Parameters
    ----------
    score_id : int
        The current score.
    nprs : int or None
        The right value; None takes the score back without another one.

    Returns
    -------
    int or None
        The id of the new score; None if it was taken back. The same value again changes nothing.

    Raises
    ------
    AlreadyThere
        If somebody has corrected it meanwhile.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "pain_score", score_id) as connection:
        old = _current_score(connection, viewer, score_id)
        if old.nprs == nprs:
            return score_id
        connection.execute(
            sa.update(PainScore).where(col(PainScore.id) == score_id).values(retired_at_utc=moment, retired_by_id=viewer.person_id)
        )
        new_id: int | None = None
        if nprs is not None:
            time_zone = connection.execute(sa.select(col(Patient.time_zone)).where(col(Patient.id) == old.patient_id)).scalar_one()
            entry = PainEntry.checked(
                today=local_today(time_zone, moment), moment=old.moment, side=old.side, nprs=nprs, for_date=old.for_date
            )
            row = pain_row(entry, old.patient_id, week_start(connection), recorded_by_id=viewer.person_id, recorded_at_utc=moment)
            kept = {name: getattr(old, name) for name in ("run_id", "run_named", "counted_date", "week", "recalled", "import_file_id")}
            inserted = connection.execute(sa.insert(PainScore).values({**row, **kept, "corrects_id": old.id}).returning(col(PainScore.id)))
            new_id = inserted.scalar_one()
        _touch(connection, old.patient_id, {old.for_date}, week_start(connection), {old.week})
        action = AuditAction.RETIRE if new_id is None else AuditAction.CHANGE
        before = {name: getattr(old, name) for name in ("id", "for_date", "moment", "side", "nprs")}
        after = None if new_id is None else {"id": new_id, "nprs": nprs}
        audit.record(connection, viewer, action, kind="pain_score", key=score_id, patient_id=old.patient_id, old=before, new=after)
    return new_id


def add_rest_answer(engine: sa.Engine, viewer: Viewer, patient_key: str, entry: RestEntry, *, now: datetime | None = None) -> None:
    """Store a yes or no about pain at rest; a later answer for the same day retires the earlier one, which stays."""
    add_diary_day(engine, viewer, patient_key, rest=[entry], now=now)


def add_day_without_run(engine: sa.Engine, viewer: Viewer, patient_key: str, entry: NoRunEntry, *, now: datetime | None = None) -> None:
    """Store that the patient did not run on a day: a sign of logging."""
    add_diary_day(engine, viewer, patient_key, without_run=entry, now=now)


def touch_runs(connection: sa.Connection, patient_id: int, run_dates: Iterable[date], starts_on: int) -> None:
    """Bring links, weeks, coverage and the change counter up to date after runs of some days changed."""
    _touch(connection, patient_id, run_dates, starts_on)


def add_visit(
    engine: sa.Engine,
    viewer: Viewer,
    episode_key: str,
    *,
    visit_date: date,
    kind: SiteKind,
    status: VisitStatus,
    site_id: int | None = None,
    summary: str = "",
) -> str:
    """
    Store a visit; returns its random key.

    Raises
    ------
    NotFound
        If there is no such episode for this viewer; the front desk books, but writes nothing of what was said.
    """
    key = new_key()
    with audit.changing(engine, viewer, "episode_of_care", episode_key) as connection:
        thing = Thing.FACTS if summary else Thing.BOOKING
        episode = permissions.episode_row(connection, viewer, episode_key, thing=thing, act=Act.WRITE)
        treats = viewer.reaches_all or Role.THERAPIST in viewer.roles
        new = {
            "visit_date": visit_date,
            "kind": kind,
            "status": status,
            "site_id": site_id,
            "therapist_id": viewer.person_id if treats else episode.therapist_id,
            "summary": summary,
        }
        connection.execute(sa.insert(Visit).values(key=key, episode_id=episode.id, **new))
        weeks.mark_changed(connection, episode.patient_id)
        audit.record(connection, viewer, AuditAction.CREATE, kind="visit", key=key, patient_id=episode.patient_id, new=new)
    return key


def add_change(engine: sa.Engine, viewer: Viewer, episode_key: str, *, day: date, kind: ChangeKind, label: str) -> None:
    """Store a dated change, such as a cadence cue or new shoes."""
    new = {"day": day, "kind": kind, "label": label}
    with audit.changing(engine, viewer, "episode_of_care", episode_key) as connection:
        episode = permissions.episode_row(connection, viewer, episode_key, act=Act.WRITE)
        connection.execute(sa.insert(Change).values(episode_id=episode.id, author_id=viewer.person_id, **new))
        weeks.mark_changed(connection, episode.patient_id)
        audit.record(connection, viewer, AuditAction.CREATE, kind="change", key=episode_key, patient_id=episode.patient_id, new=new)


def set_week_start(engine: sa.Engine, viewer: Viewer, starts_on: int) -> None:
    """
    Change the clinic's first day of the week and rebuild every maintained week.

    Parameters
    ----------
    starts_on : int
        0 Monday … 6 Sunday.
    """
    if not 0 <= starts_on <= 6:
        raise EntryRefused(["The first day of the week is a number from 0 (Monday) to 6 (Sunday)."])
    with audit.changing(engine, viewer, "clinic", None) as connection:
        permissions.require(viewer, Thing.SETTINGS, Act.WRITE)
        if connection.dialect.name == "postgresql":  # wait for whoever writes with the old one; SQLite has one writer anyway
            connection.exec_driver_sql("LOCK TABLE patient IN EXCLUSIVE MODE")
        old = week_start(connection)
        if old == starts_on:
            return
        connection.execute(sa.update(Clinic).values(week_start=starts_on))
        weeks.renumber_weeks(connection, starts_on)
        connection.execute(sa.update(Patient).values(changed_seq=col(Patient.changed_seq) + 1))
        _record_setting(connection, viewer, "week_start", old, starts_on)


def set_therapists_see_site(engine: sa.Engine, viewer: Viewer, see_site: bool) -> None:
    """Let therapists reach the patients of their sites, or only their own from now on."""
    with audit.changing(engine, viewer, "clinic", None) as connection:
        permissions.require(viewer, Thing.SETTINGS, Act.WRITE)
        old = connection.execute(sa.select(col(Clinic.therapists_see_site))).scalar()
        if old == see_site:
            return
        connection.execute(sa.update(Clinic).values(therapists_see_site=see_site))
        _record_setting(connection, viewer, "therapists_see_site", old, see_site)


def set_sign_in_rules(engine: sa.Engine, viewer: Viewer, *, idle_minutes: int, session_hours: int, require_second_factor: bool) -> None:
    """
    Set how long a sign-in holds, and whether everybody needs a second factor.

    Parameters
    ----------
    idle_minutes : int
        Without a click, then a window locks itself: 5 to 30.
    session_hours : int
        Then one signs in again in any case: 1 to 24.
    """
    reasons = [
        f"{what} {low} to {high}, not {value}."
        for what, value, (low, high) in (
            ("The minutes without a click until a window locks itself are", idle_minutes, IDLE_MINUTES_RANGE),
            ("The hours until one signs in again are", session_hours, SESSION_HOURS_RANGE),
        )
        if not low <= value <= high
    ]
    if reasons:
        raise EntryRefused(reasons)
    new = {"idle_minutes": idle_minutes, "session_hours": session_hours, "require_second_factor": require_second_factor}
    with audit.changing(engine, viewer, "clinic", None) as connection:
        permissions.require(viewer, Thing.SETTINGS, Act.WRITE)
        columns = Clinic.metadata.tables["clinic"].c
        row = connection.execute(sa.select(*(columns[name] for name in new)).with_for_update()).one()
        changed = {name: value for name, value in row._mapping.items() if value != new[name]}
        if not changed:
            return
        connection.execute(sa.update(Clinic).values(new))
        told = {name: new[name] for name in changed}
        audit.record(connection, viewer, AuditAction.SETTINGS_CHANGE, kind="clinic", old=changed, new=told)


def add_site(engine: sa.Engine, viewer: Viewer, name: str, kind: SiteKind) -> int:
    """
    Add a place where the clinic works, or a virtual one; gives its number.

    Raises
    ------
    EntryRefused
        If the name is missing or too long.
    AlreadyThere
        If there is one of that name.
    """
    said = plain_text(name)
    if not 1 <= len(said) <= NAME_MAX_CHARACTERS:
        raise EntryRefused([f"The name of a site has 1 to {NAME_MAX_CHARACTERS} characters."])
    with audit.changing(engine, viewer, "site", None) as connection:
        permissions.require(viewer, Thing.SETTINGS, Act.WRITE)
        columns = Site.metadata.tables["site"].c
        taken = AlreadyThere(f"There is a site called {said} already.")
        if connection.execute(sa.select(columns.id).where(columns.name == said)).first():
            raise taken
        try:
            site_id = int(connection.execute(sa.insert(Site).values(name=said, kind=kind.value).returning(columns.id)).scalar_one())
        except sa.exc.IntegrityError:  # somebody else added it in this very moment
            raise taken from None
        told = {"name": said, "kind": kind.value}
        audit.record(connection, viewer, AuditAction.SETTINGS_CHANGE, kind="site", key=site_id, new=told)
    return site_id


def _record_setting(connection: sa.Connection, viewer: Viewer, name: str, old: Any, new: Any) -> None:
    audit.record(connection, viewer, AuditAction.SETTINGS_CHANGE, kind="clinic", old={name: old}, new={name: new})
