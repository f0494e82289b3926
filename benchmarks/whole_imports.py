"""What has to hold of a clinic whose server was killed while it imported: nothing half-written, nothing lost, nothing twice."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.sent_runs import Sent, SentFile, runs_of
from data import audit_check, originals, weeks
from data.database import reading
from models import ImportOutcome
from tests.clinic_scene import Scene
from tests.fresh_weeks import weeks_afresh, weeks_kept

# Each gives rows that must not be there.
BROKEN = {
    "run without the link to its file": """SELECT id FROM run WHERE NOT EXISTS (
        SELECT 1 FROM run_file WHERE run_file.run_id = run.id AND run_file.import_file_id = run.import_file_id)""",
    "run without its copy": """SELECT id FROM run WHERE NOT EXISTS (
        SELECT 1 FROM run_copy WHERE run_copy.run_id = run.id AND run_copy.home_run_id = run.id
        AND run_copy.import_file_id = run.import_file_id)""",
    "run without its minutes": "SELECT id FROM run WHERE NOT EXISTS (SELECT 1 FROM run_series WHERE run_series.run_id = run.id)",
    "link to a file without its copy": """SELECT run_id FROM run_file WHERE NOT EXISTS (
        SELECT 1 FROM run_copy WHERE run_copy.run_id = run_file.run_id AND run_copy.import_file_id = run_file.import_file_id)""",
    "file without a reason": "SELECT id FROM import_file WHERE reason = '' OR outcome = 'no_data'",
    "file whose runs are not those of its report": """SELECT id FROM import_file WHERE runs_added <> (
        SELECT count(*) FROM run WHERE run.import_file_id = import_file.id AND run.retired_at_utc IS NULL)""",
    "file whose entries are not those of its report": """SELECT id FROM import_file WHERE entries_added <> (
        SELECT count(*) FROM pain_score WHERE pain_score.import_file_id = import_file.id)""",
    "file without its original": """SELECT id FROM import_file WHERE outcome NOT IN ('unreadable') AND NOT EXISTS (
        SELECT 1 FROM import_original WHERE import_original.content_sha256 = import_file.content_sha256)""",
    "original without a file": """SELECT content_sha256 FROM import_original WHERE NOT EXISTS (
        SELECT 1 FROM import_file WHERE import_file.content_sha256 = import_original.content_sha256)""",
    "file with another number of lines in the audit than one": """SELECT id FROM import_file WHERE 1 <> (
        SELECT count(*) FROM audit_event WHERE object_kind = 'import_file' AND object_key = CAST(import_file.id AS TEXT))""",
    "line in the audit of a file that is not there": """SELECT seq FROM audit_event WHERE object_kind = 'import_file' AND NOT EXISTS (
        SELECT 1 FROM import_file WHERE CAST(import_file.id AS TEXT) = object_key)""",
    "run twice": """SELECT max(id) FROM run WHERE retired_at_utc IS NULL GROUP BY patient_id, started_at_utc HAVING count(*) > 1""",
}


@dataclass
class Faults:
    """What is wrong, in words."""

    half_written: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        return self.half_written + self.lost + self.doubled

    def add(self, other: "Faults") -> None:
        self.half_written += other.half_written
        self.lost += other.lost
        self.doubled += other.doubled


def after_kill(scene: Scene, patient_key: str, sent: Sent, *, acknowledged: int) -> tuple[Faults, int]:
    """
    Look at the clinic after its server was killed in the first import of a patient.

    Parameters
    ----------
    acknowledged : int
        How many files the server had said were stored.

    Returns
    -------
    tuple of Faults and int
        What is wrong, and how many files are stored.
    """
    found = _everywhere(scene)
    patient_id = scene.rows("patient", key=patient_key)[0]["id"]
    rows = scene.rows("import_file", patient_id=patient_id)
    stored = [(_short(row["file_name"]), row["outcome"]) for row in rows]
    wanted = [(file.name, file.outcome) for file in sent.files[: len(stored)]]
    if stored != wanted:
        found.half_written.append(f"the stored files are {stored[-3:]} and not {wanted[-3:]}")
    if len(stored) < acknowledged:
        found.lost.append(f"{acknowledged} files were said to be stored, {len(stored)} are")
    found.half_written += _originals(scene, [row for row in rows if row["outcome"] != ImportOutcome.UNREADABLE])
    _held_against(found, scene, patient_id, sent, sent.files[: len(stored)])
    return found, len(stored)


def after_again(scene: Scene, patient_key: str, sent: Sent, *, stored_before: int) -> Faults:
    """Look at the clinic after the same files came again and were imported to the end."""
    found = _everywhere(scene)
    patient_id = scene.rows("patient", key=patient_key)[0]["id"]
    batch = scene.rows("import_batch", patient_id=patient_id)[-1]
    if batch["finished_at_utc"] is None:
        found.half_written.append("the second import is not finished")
    told = [(_short(row["file_name"]), row["outcome"]) for row in scene.rows("import_file", batch_id=batch["id"])]
    wanted = [(file.name, _again(file) if number < stored_before else file.outcome) for number, file in enumerate(sent.files)]
    if told != wanted:
        wrong = [pair for pair in zip(told, wanted, strict=False) if pair[0] != pair[1]]
        found.half_written.append(f"sent again, the outcomes are {wrong[:3]}, {len(told)} of {len(wanted)} files")
    _held_against(found, scene, patient_id, sent, sent.files)
    total = sum(week["distance_m"] for week in scene.rows("patient_week", patient_id=patient_id))
    if total != sent.distance_m:
        (found.lost if total < sent.distance_m else found.doubled).append(f"{total} m in the weeks and not {sent.distance_m}")
    return found


def _again(file: SentFile) -> ImportOutcome:
    return file.outcome if file.outcome is ImportOutcome.UNREADABLE else ImportOutcome.DUPLICATE


def _short(name: str) -> str:
    return name.rpartition(" › ")[2]


def _everywhere(scene: Scene) -> Faults:
    """Look for what must not be in any clinic."""
    found = Faults()
    with reading(scene.engine) as connection:
        whole = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check")]
        found.half_written += [f"integrity_check: {said}" for said in whole if said != "ok"]
        found.half_written += [f"foreign_key_check: {tuple(row)}" for row in connection.exec_driver_sql("PRAGMA foreign_key_check")]
        for what, statement in BROKEN.items():
            ids = [str(row[0]) for row in connection.exec_driver_sql(statement)]
            if ids:
                (found.doubled if what == "run twice" else found.half_written).append(f"{what}: {', '.join(ids[:5])} ({len(ids)})")
    if weeks_kept(scene) != weeks_afresh(scene):
        found.half_written.append("the maintained weeks are not those of a fresh computation")
    found.half_written += _coverage(scene)
    found.half_written += [f"audit: {fault.sentence}" for fault in audit_check.verify(scene.engine)]
    return found


def _coverage(scene: Scene) -> Iterator[str]:
    """Compare from when to when patients logged with a fresh computation, which is not kept."""
    kept = scene.rows("log_coverage")
    patients = [row["id"] for row in scene.rows("patient")]
    with scene.engine.execution_options(writes=True).connect() as connection:
        for patient_id in patients:
            weeks.refresh_coverage(connection, patient_id)
        fresh = [dict(row._mapping) for row in connection.exec_driver_sql("SELECT * FROM log_coverage ORDER BY patient_id")]
        connection.rollback()
    days = ("patient_id", "first_day", "last_day")
    if [[str(row[name]) for name in days] for row in kept] != [[str(row[name]) for name in days] for row in fresh]:
        yield "the time in which patients logged is not that of a fresh computation"


def _originals(scene: Scene, rows: list[dict[str, Any]]) -> Iterator[str]:
    with reading(scene.engine) as connection:
        for row in rows:
            content = originals.kept_bytes(connection, row["content_sha256"])
            if content is not None and hashlib.sha256(content).hexdigest() != row["content_sha256"]:
                yield f"the original of {row['file_name']} is not what came"


def _held_against(found: Faults, scene: Scene, patient_id: int, sent: Sent, files: tuple[SentFile, ...]) -> None:
    """Compare a patient's runs and scores with those that some files bring."""
    counted = [row for row in scene.rows("run", patient_id=patient_id) if row["retired_at_utc"] is None]
    here = Counter((row["run_date"], row["started_at_utc"].isoformat(), row["distance_m"]) for row in counted)
    wanted = Counter(runs_of(files))
    found.lost += [f"run of {day} with {metres} m" for day, _, metres in wanted - here]
    found.doubled += [f"run of {day} with {metres} m" for day, _, metres in here - wanted]
    scores = sum(row["retired_at_utc"] is None for row in scene.rows("pain_score", patient_id=patient_id))
    wanted_scores = len(sent.earlier_scores) + sum(file.entries for file in files)
    if scores != wanted_scores:
        (found.lost if scores < wanted_scores else found.doubled).append(f"{scores} scores and not {wanted_scores}")


def settled(scene: Scene, patients: dict[str, Sent]) -> Faults:
    """Look whether all that some patients had sent before is still here."""
    found = Faults()
    for key, sent in patients.items():
        _held_against(found, scene, scene.rows("patient", key=key)[0]["id"], sent, sent.files)
    return found
