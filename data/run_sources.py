"""Which sources a run has, and which of them gives which of its fields; and what waits for a decision."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import col

from data import permissions
from data.database import reading
from data.merging import RUN, read_copies
from data.run_copies import composed
from models import ImportFile, Patient, Person, RunDecision, RunStanding, RunVerdict, Viewer

DECISION = RunDecision.metadata.tables["run_decision"]


@dataclass(frozen=True)
class RunSource:
    """What one file, or a person, told of a run. `file` is empty if it was entered by hand; `gives` names the fields it gives."""

    copy_id: int
    file: str
    started_at_utc: datetime
    distance_m: int
    moving_time_s: int
    gives: tuple[str, ...]


@dataclass(frozen=True)
class WaitingRun:
    """A run that does not count before somebody decides: proposed to be another one, or held back as doubtful."""

    run_id: int
    standing: RunStanding
    reason: str
    run_date: date
    started_at_utc: datetime
    utc_offset_s: int
    distance_m: int
    moving_time_s: int
    files: tuple[str, ...]
    other_run_id: int | None
    start_is_known: bool  # False: noon stands for it
    other: "WaitingRun | None" = None


@dataclass(frozen=True)
class Decision:
    """What somebody decided about runs in one step, and may undo."""

    act_key: str
    verdict: RunVerdict
    decided_at_utc: datetime
    by: str
    run_dates: tuple[date, ...]


def run_sources(engine: sa.Engine, viewer: Viewer, run_id: int) -> list[RunSource]:
    """
    Read what each source told of a run, oldest first, and what it gives to it.

    Raises
    ------
    NotFound
        If there is no such run for this viewer.
    """
    with reading(engine) as connection:
        patient_id = connection.execute(
            sa.select(RUN.c.patient_id)
            .join(Patient, col(Patient.id) == RUN.c.patient_id)
            .where(RUN.c.id == run_id, permissions.reachable(viewer))
        ).scalar()
        if patient_id is None:
            raise permissions.NotFound("run")
        copies = [copy for copy in read_copies(connection, patient_id) if copy.run_id == run_id]
        names = _file_names(connection, [copy.file_id for copy in copies if copy.file_id is not None])
    given_by = composed(copies).given_by if copies else {}
    return [
        RunSource(
            copy.id,
            names.get(copy.file_id or 0, ""),
            copy.fields["started_at_utc"],
            copy.fields["distance_m"],
            copy.fields["moving_time_s"],
            tuple(words for words, giver in given_by.items() if giver is copy),
        )
        for copy in copies
    ]


def _file_names(connection: sa.Connection, ids: list[int]) -> dict[int, str]:
    table = ImportFile.metadata.tables["import_file"]
    wanted = sa.select(table.c.id, table.c.file_name).where(table.c.id.in_(ids))
    return {row.id: row.file_name for row in connection.execute(wanted)} if ids else {}


def waiting_runs(engine: sa.Engine, viewer: Viewer, patient_key: str) -> list[WaitingRun]:
    """Read the runs of a patient that wait for a decision, newest first; proposed ones with the run that they may be."""
    with reading(engine) as connection:
        patient_id = permissions.patient_row(connection, viewer, key=patient_key).id
        rows = connection.execute(
            sa.select(RUN).where(RUN.c.patient_id == patient_id).order_by(RUN.c.started_at_utc.desc(), RUN.c.id)
        ).all()
        copies = read_copies(connection, patient_id)
        names = _file_names(connection, [copy.file_id for copy in copies if copy.file_id is not None])
    files: dict[int, list[str]] = {}
    for copy in copies:
        files.setdefault(copy.run_id, []).append(names.get(copy.file_id or 0, ""))
    by_id = {row.id: row for row in rows}
    start_known = {copy.run_id for copy in copies if copy.start_is_known}

    def waiting(row: "sa.Row[tuple[object, ...]]", other: WaitingRun | None = None) -> WaitingRun:
        fields = row._mapping
        return WaitingRun(
            run_id=fields["id"],
            standing=RunStanding(fields["standing"]),
            reason=fields["standing_reason"],
            files=tuple(name for name in files.get(fields["id"], []) if name),
            other=other,
            start_is_known=fields["id"] in start_known,
            **{
                name: fields[name] for name in ("run_date", "started_at_utc", "utc_offset_s", "distance_m", "moving_time_s", "other_run_id")
            },
        )

    return [
        waiting(row, waiting(by_id[row.other_run_id]) if row.other_run_id in by_id else None)
        for row in rows
        if row.standing in (RunStanding.PROPOSED, RunStanding.HELD_BACK)
    ]


def decisions(engine: sa.Engine, viewer: Viewer, patient_key: str) -> list[Decision]:
    """Read what persons decided about a patient's runs and nobody undid, newest first."""
    with reading(engine) as connection:
        patient_id = permissions.patient_row(connection, viewer, key=patient_key).id
        days = {copy.id: copy.fields["run_date"] for copy in read_copies(connection, patient_id)}
        rows = connection.execute(
            sa.select(DECISION, col(Person.name).label("by"))
            .outerjoin(Person, col(Person.id) == DECISION.c.decided_by_id)
            .where(DECISION.c.patient_id == patient_id, DECISION.c.undone_at_utc.is_(None))
            .order_by(DECISION.c.id.desc())
        ).all()
    acts: dict[str, Decision] = {}
    for row in rows:
        of_row = [days[number] for number in (row.copy_id, row.other_copy_id) if number in days]
        dates = {*acts[row.act_key].run_dates, *of_row} if row.act_key in acts else set(of_row)
        acts[row.act_key] = Decision(row.act_key, RunVerdict(row.verdict), row.decided_at_utc, row.by or "", tuple(sorted(dates)))
    return list(acts.values())
