"""Runs that a person enters, takes out, merges, splits or accepts. Each act is one transaction and leaves runs and weeks true."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions
from data.dropped_days import settle_days
from data.merging import DECISION, RUN, Changed, Ledger, read_ledger
from data.permissions import Act
from data.records import AlreadyThere, drop_day_without_run, touch_runs, week_start
from data.run_copies import TOLD_FIELDS, Copy, run_identity
from models import AuditAction, EntryRefused, Patient, RunEntry, RunStanding, RunVerdict, Viewer, new_key, utc_now, week_number

# What the audit keeps of a run that is taken out.
KEPT = ("run_date", "started_at_utc", "distance_m", "moving_time_s")


def told_of(entry: RunEntry) -> dict[str, Any]:
    """Give what an entry tells of a run: `TOLD_FIELDS`."""
    return {name: getattr(entry, name) for name in TOLD_FIELDS}


def run_row(entry: RunEntry, patient_id: int, starts_on: int, **more: Any) -> dict[str, Any]:
    """Make the row of a run that has no other source than an entry."""
    return {
        **told_of(entry),
        "patient_id": patient_id,
        "week": week_number(entry.run_date, starts_on),
        "identity_sha256": run_identity(entry.started_at_utc, entry.distance_m, entry.moving_time_s),
        **more,
    }


def add_run(engine: sa.Engine, viewer: Viewer, patient_key: str, entry: RunEntry, *, now: datetime | None = None) -> int:
    """
    Store a run that was typed in by hand. It is a run of its own, however much it looks like another one: who means that enters it.

    Raises
    ------
    AlreadyThere
        If the same run is stored.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "patient", patient_key) as connection:
        patient = permissions.patient_row(connection, viewer, key=patient_key, act=Act.WRITE)
        starts_on = week_start(connection)
        ledger = read_ledger(connection, patient.id)
        copy = ledger.draft(file_id=None, fields=told_of(entry), minutes=None, recorded_at_utc=moment, recorded_by_id=viewer.person_id)
        if any(not ledger.is_taken_out(other.run_id) for other in ledger.identical(copy.identity)):
            raise AlreadyThere("This run is stored already: same start, distance and time.")
        ledger.add(copy)
        alike = [other for other in ledger.near(copy) if ledger.linked(copy, other)]
        for other in alike:
            ledger.verdicts[frozenset({copy.id, other.id})] = RunVerdict.TWO_RUNS
        ledger.settle([copy])
        written = ledger.write(connection, starts_on, now=moment)
        run_id = copy.run_id
        _decide(connection, viewer, patient.id, RunVerdict.TWO_RUNS, [(copy, other) for other in alike], moment)
        dropped = drop_day_without_run(connection, patient.id, entry.run_date)  # the run proves otherwise
        touch_runs(connection, patient.id, [entry.run_date, *written.days], starts_on)
        new = {name: value for name, value in told_of(entry).items() if value is not None}
        old = {"day_without_run": dropped} if dropped else None
        audit.record(connection, viewer, AuditAction.CREATE, kind="run", key=run_id, patient_id=patient.id, old=old, new=new)
    return run_id


def _run_of(connection: sa.Connection, viewer: Viewer, run_id: int) -> sa.Row[*tuple[Any, ...]]:
    """Find a run that the viewer may change, and hold its patient."""
    statement = (
        sa.select(*(RUN.c[name] for name in ("id", "patient_id", "retired_at_utc", "standing", "standing_reason", "other_run_id", *KEPT)))
        .join(Patient, col(Patient.id) == RUN.c.patient_id)
        .where(RUN.c.id == run_id, permissions.reachable(viewer, act=Act.WRITE))
    )
    run = connection.execute(permissions.held(statement, connection)).one_or_none()
    if run is None:
        raise permissions.NotFound("run")
    return run


def retire_run(engine: sa.Engine, viewer: Viewer, run_id: int, *, now: datetime | None = None) -> None:
    """
    Take a run out of every count; it stays stored, with who and when. One that waits for a decision is turned down by this.

    Raises
    ------
    NotFound
        If there is no such run for this viewer.
    """
    with audit.changing(engine, viewer, "run", run_id) as connection:
        run = _run_of(connection, viewer, run_id)
        if run.standing == RunStanding.MERGED or (run.standing == RunStanding.COUNTED and run.retired_at_utc is not None):
            return
        connection.execute(
            sa.update(RUN)
            .where(RUN.c.id == run_id)
            .values(
                retired_at_utc=now or utc_now(),
                retired_by_id=viewer.person_id,
                standing=RunStanding.COUNTED,
                standing_reason="",
                other_run_id=None,
            )
        )
        touch_runs(connection, run.patient_id, [run.run_date], week_start(connection))
        old = {name: getattr(run, name) for name in KEPT} | ({} if run.standing == RunStanding.COUNTED else {"standing": run.standing})
        audit.record(connection, viewer, AuditAction.RETIRE, kind="run", key=run_id, patient_id=run.patient_id, old=old)


# --------------------------------------------------------------------------------------------------------------------
# One run or two
# --------------------------------------------------------------------------------------------------------------------


def merge_runs(engine: sa.Engine, viewer: Viewer, run_id: int, other_run_id: int, *, now: datetime | None = None) -> str:
    """
    Say that two runs of one patient are the same run: it counts once, each field from the source that knows it best.

    Returns
    -------
    str
        The key of this act, for `undo_act`.

    Raises
    ------
    EntryRefused
        If they are one run already, of two patients, or one of them was taken out.
    """
    with audit.changing(engine, viewer, "run", run_id) as connection:
        run, other = _run_of(connection, viewer, run_id), _run_of(connection, viewer, other_run_id)
        if run.patient_id != other.patient_id or run_id == other_run_id:
            raise EntryRefused(["Choose two different runs of one patient."])
        ledger = read_ledger(connection, run.patient_id)
        copies = [_parts(ledger, which) for which in (run, other)]
        pairs = [(copy, other_copy) for copy in copies[0] for other_copy in copies[1]]
        return _decided(connection, viewer, ledger, RunVerdict.SAME_RUN, pairs, run_id, now or utc_now())


def split_run(engine: sa.Engine, viewer: Viewer, run_id: int, copy_id: int, *, now: datetime | None = None) -> str:
    """
    Say that what one file told of a run is a run of its own: both count, each as it was told.

    Parameters
    ----------
    copy_id : int
        The copy to take off; see `run_sources.copies_of_run`.

    Returns
    -------
    str
        The key of this act, for `undo_act`.

    Raises
    ------
    EntryRefused
        If the run has only one copy, or that one is not its.
    """
    with audit.changing(engine, viewer, "run", run_id) as connection:
        run = _run_of(connection, viewer, run_id)
        ledger = read_ledger(connection, run.patient_id)
        copies = _parts(ledger, run)
        apart = [copy for copy in copies if copy.id == copy_id]
        if not apart or len(copies) == 1:
            raise EntryRefused(["This run has only one source, or that source is not its. Look at its sources again."])
        pairs = [(apart[0], copy) for copy in copies if copy is not apart[0]]
        return _decided(connection, viewer, ledger, RunVerdict.TWO_RUNS, pairs, run_id, now or utc_now())


def call_two_runs(engine: sa.Engine, viewer: Viewer, run_id: int, *, now: datetime | None = None) -> str:
    """
    Say that a proposed run is not the one that it looks like: it counts from now on.

    Returns
    -------
    str
        The key of this act, for `undo_act`.

    Raises
    ------
    EntryRefused
        If the run does not wait for that decision any more.
    """
    with audit.changing(engine, viewer, "run", run_id) as connection:
        run = _run_of(connection, viewer, run_id)
        if run.standing != RunStanding.PROPOSED or run.other_run_id is None:
            raise EntryRefused(["This run does not wait for a decision any more. Look at the list again."])
        ledger = read_ledger(connection, run.patient_id)
        pairs = [(copy, other) for copy in ledger.copies_of(run_id) for other in ledger.copies_of(run.other_run_id)]
        return _decided(connection, viewer, ledger, RunVerdict.TWO_RUNS, pairs, run_id, now or utc_now())


def accept_run(engine: sa.Engine, viewer: Viewer, run_id: int, *, now: datetime | None = None) -> str:
    """
    Say that a run that was held back is right as it stands: it counts from now on. `retire_run` turns it down.

    Returns
    -------
    str
        The key of this act, for `undo_act`.

    Raises
    ------
    EntryRefused
        If the run is not held back any more.
    """
    with audit.changing(engine, viewer, "run", run_id) as connection:
        run = _run_of(connection, viewer, run_id)
        if run.standing != RunStanding.HELD_BACK:
            raise EntryRefused(["This run is not held back any more. Look at the list again."])
        ledger = read_ledger(connection, run.patient_id)
        pairs = [(copy, None) for copy in ledger.copies_of(run_id)]
        return _decided(connection, viewer, ledger, RunVerdict.ACCEPTED, pairs, run_id, now or utc_now())


def undo_act(engine: sa.Engine, viewer: Viewer, act_key: str, *, now: datetime | None = None) -> None:
    """
    Take back what was decided in one step: the runs are what the copies and the other decisions make of them.

    Raises
    ------
    NotFound
        If there is no such act for this viewer, or it was undone.
    """
    moment = now or utc_now()
    with audit.changing(engine, viewer, "run_decision", act_key) as connection:
        statement = (
            sa.select(DECISION)
            .join(Patient, col(Patient.id) == DECISION.c.patient_id)
            .where(DECISION.c.act_key == act_key, DECISION.c.undone_at_utc.is_(None), permissions.reachable(viewer, act=Act.WRITE))
        )
        rows = connection.execute(permissions.held(statement, connection)).all()
        if not rows:
            raise permissions.NotFound("decision")
        before = read_ledger(connection, rows[0].patient_id)
        seeds = [before.copies[number] for row in rows for number in (row.copy_id, row.other_copy_id) if number is not None]
        around = {copy.id for copy in before.around(seeds)}
        connection.execute(
            sa.update(DECISION).where(DECISION.c.act_key == act_key).values(undone_at_utc=moment, undone_by_id=viewer.person_id)
        )
        ledger = read_ledger(connection, rows[0].patient_id)
        _settled(
            connection, viewer, ledger, [ledger.copies[number] for number in sorted(around)], moment, "undone", rows[0].verdict, act_key
        )


def _parts(ledger: Ledger, run: sa.Row[*tuple[Any, ...]]) -> list[Copy]:
    copies = ledger.copies_of(run.id)
    if not copies or ledger.is_taken_out(run.id):
        raise EntryRefused(["One of the runs was taken out or merged meanwhile. Look at the list again."])
    return copies


def _decide(
    connection: sa.Connection,
    viewer: Viewer,
    patient_id: int,
    verdict: RunVerdict,
    pairs: Sequence[tuple[Copy, Copy | None]],
    moment: datetime,
) -> str:
    """Store a person's word on pairs of copies; gives the key of the act."""
    key = new_key()
    if pairs:
        given = {"patient_id": patient_id, "act_key": key, "verdict": verdict, "decided_at_utc": moment, "decided_by_id": viewer.person_id}
        rows = [{**given, "copy_id": copy.id, "other_copy_id": other.id if other else None} for copy, other in pairs]
        connection.execute(sa.insert(DECISION), rows)
    return key


def _decided(
    connection: sa.Connection,
    viewer: Viewer,
    ledger: Ledger,
    verdict: RunVerdict,
    pairs: Sequence[tuple[Copy, Copy | None]],
    run_id: int,
    moment: datetime,
) -> str:
    """Store a decision and bring the runs in line with it."""
    key = _decide(connection, viewer, ledger.patient_id, verdict, pairs, moment)
    seeds = [copy for pair in pairs for copy in pair if copy is not None]
    around = {copy.id for copy in ledger.around(seeds)}
    for copy, other in pairs:
        if other is None:
            ledger.accepted.add(copy.id)
        else:
            ledger.verdicts[frozenset({copy.id, other.id})] = verdict
    _settled(connection, viewer, ledger, [ledger.copies[number] for number in sorted(around)], moment, "decided", verdict, run_id)
    return key


def _settled(
    connection: sa.Connection,
    viewer: Viewer,
    ledger: Ledger,
    seeds: Sequence[Copy],
    moment: datetime,
    what: str,
    verdict: str,
    key: object,
) -> None:
    starts_on = week_start(connection)
    ledger.settle(seeds)
    written = ledger.write(connection, starts_on, now=moment)
    dropped = settle_days(connection, ledger.patient_id, written.days)
    touch_runs(connection, ledger.patient_id, written.days, starts_on)
    kind = "run" if what == "decided" else "run_decision"
    old, new = changes_told(written.changed), {**changes_told(written.changed, after=True), what: str(verdict)}
    if written.added:
        new["runs_added"] = written.added
    if dropped:
        old["days_without_run"] = dropped
    audit.record(connection, viewer, AuditAction.CHANGE, kind=kind, key=key, patient_id=ledger.patient_id, old=old, new=new)


def changes_told(changed: Iterable[Changed], *, after: bool = False) -> dict[str, Any]:
    """Write changed runs as the audit keeps them: run by run, the values before or after."""
    runs = {str(change.run_id): change.new if after else change.old for change in changed}
    return {"runs": {run_id: {name: _plain(value) for name, value in values.items()} for run_id, values in runs.items()}} if runs else {}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
