"""The audit in words: for the owner who searches it, and for the therapist who asks who opened a chart."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from clinic.today import folded
from data import audit, audit_check, audit_search, permissions, queries
from data.audit_search import NOBODY, AuditLine
from data.database import engine
from data.permissions import Act, Reach, Thing
from models import AuditAction, Viewer

ROWS_A_PAGE = 50
OPENINGS_SHOWN = 200
PROGRESS_AFTER_S = 1.0  # a check that is done sooner shows none

ACTION_WORDS = {
    AuditAction.SIGN_IN: "Signing in",
    AuditAction.SIGN_IN_FAILED: "Sign-in that failed",
    AuditAction.SIGN_OUT: "Signing out",
    AuditAction.VIEW: "Looking",
    AuditAction.CREATE: "Adding",
    AuditAction.CHANGE: "Changing",
    AuditAction.RETIRE: "Taking back",
    AuditAction.IMPORT: "Importing",
    AuditAction.EXPORT: "Taking away",
    AuditAction.PRINT: "Printing",
    AuditAction.PERMISSION_CHANGE: "Who may do what",
    AuditAction.SETTINGS_CHANGE: "Settings",
    AuditAction.REFUSED: "Refused",
}
_DONE = {
    AuditAction.SIGN_IN: "Signed in",
    AuditAction.SIGN_IN_FAILED: "Tried to sign in; it failed",
    AuditAction.SIGN_OUT: "Signed out",
    AuditAction.VIEW: "Looked at",
    AuditAction.CREATE: "Added",
    AuditAction.CHANGE: "Changed",
    AuditAction.RETIRE: "Took back",
    AuditAction.IMPORT: "Imported",
    AuditAction.EXPORT: "Took away",
    AuditAction.PRINT: "Printed",
    AuditAction.PERMISSION_CHANGE: "Changed who may do what",
    AuditAction.SETTINGS_CHANGE: "Changed the settings",
    AuditAction.REFUSED: "Asked for what is not theirs or not there",
}
# What it was done to: tables, screens, tables that were taken away. A kind that is missing here is shown as it is called.
KIND_WORDS = {
    "patient": "a patient",
    "episode_of_care": "an episode of care",
    "run": "a run",
    "pain_score": "a pain score",
    "diary": "answers in the pain diary",
    "day_without_run": "a day without a run",
    "plan": "a plan",
    "change": "a dated change, such as new shoes",
    "visit": "a visit",
    "screen": "answers to red-flag questions",
    "red_flag_answer": "an answer to a red-flag question",
    "outcome_score": "an outcome",
    "strength_session": "strength sessions that were done",
    "limits": "a patient's limits",
    "review_mark": "the mark “reviewed”",
    "clinic": "the clinic's settings",
    "site": "a site",
    "person": "a person who works here",
    "account": "how somebody signs in",
    "external_identity": "an identity for single sign-on",
    "import_file": "a file",
    "import_batch": "an import",
    "run_decision": "a decision about two runs",
    "run_copy": "what files told of runs, read again",
    "column_mapping": "what the columns of a table mean",
    "audit_event": "the audit",
    "episode": "the patient page",
    "visit page": "the visit page",
    "appointments": "the visits of a day",
    "plan page": "the plan page",
    "pain diary": "the pain diary",
    "register": "the register",
    "today": "the list of runners",
    "import": "the import page",
    "audit": "the audit",
    "who opened": "who opened this chart",
    "runs": "the table of runs",
    "pain": "the table of pain scores",
    "weeks": "the table of weeks",
    "visit mode": "the visit mode",
    "handout": "the hand-out",
}
SOURCE_WORDS = {"app": "in the app", "command line": "at the command line"}
OPENED = (AuditAction.VIEW, AuditAction.EXPORT, AuditAction.PRINT, AuditAction.REFUSED)


@dataclass(frozen=True)
class AuditWanted:
    """
    What is searched for; what is None or empty is not asked.

    Attributes
    ----------
    person_id : int, optional
        `NOBODY` for what was done without anybody signed in.
    patient : str
        A random key; a part of a name or code where the viewer may know the register.
    first_day, last_day : datetime.date, optional
        Both included, where the clinic is.
    older_than, newer_than : int, optional
        Rows next to this number, for paging.
    """

    person_id: int | None = None
    action: AuditAction | None = None
    patient: str = ""
    first_day: date | None = None
    last_day: date | None = None
    older_than: int | None = None
    newer_than: int | None = None


@dataclass(frozen=True)
class AuditPage:
    """Some rows in words, a sentence on them, and the numbers from which to go on; None where there is nothing further."""

    lines: list[dict[str, Any]]
    sentence: str
    older_than: int | None
    newer_than: int | None


def page_of(viewer: Viewer, wanted: AuditWanted) -> AuditPage:
    """
    Give one page of the audit, newest first. That somebody reads it is written down first.

    Raises
    ------
    NotFound
        If this viewer may not read all of it.
    """
    audit_search.newest_number(engine(), viewer)  # who may not read it is refused before a look is written down
    audit.viewed(engine(), viewer, "audit")
    zone_name = queries.clinic(engine()).time_zone
    zone = ZoneInfo(zone_name)
    found = audit_search.search(
        engine(),
        viewer,
        patient_keys=_patient_keys(viewer, wanted.patient),
        person_id=wanted.person_id,
        actions=() if wanted.action is None else (wanted.action,),
        since=None if wanted.first_day is None else _midnight(wanted.first_day, zone),
        before=None if wanted.last_day is None else _midnight(wanted.last_day + timedelta(days=1), zone),
        before_seq=wanted.older_than,
        after_seq=wanted.newer_than,
        limit=ROWS_A_PAGE + 1,
    )
    rows = audit_search.newest_number(engine(), viewer)
    if wanted.newer_than is not None and len(found) <= ROWS_A_PAGE:  # the newest ones: a whole page of them
        return page_of(viewer, AuditWanted(**{**vars(wanted), "newer_than": None}))
    more = len(found) > ROWS_A_PAGE
    shown = (found[1:] if wanted.newer_than is not None else found[:-1]) if more else found
    has_older = more or wanted.newer_than is not None
    has_newer = wanted.older_than is not None or wanted.newer_than is not None
    return AuditPage(
        lines=[_line(row, zone) for row in shown],
        sentence=_sentence([row.seq for row in shown], rows, zone_name),
        older_than=shown[-1].seq if shown and has_older else None,
        newer_than=shown[0].seq if shown and has_newer else None,
    )


def _patient_keys(viewer: Viewer, wanted: str) -> list[str] | None:
    if not wanted.strip():
        return None
    known = queries.patients(engine(), viewer)  # nobody, for who may not know the register
    return [wanted.strip(), *(row.key for row in known if folded(wanted) in folded(f"{row.name} {row.code}"))]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _sentence(numbers: list[int], rows: int, zone_name: str) -> str:
    if not numbers:
        return f"No row fits. The audit has {rows:,} rows in all."
    which = f"Row {numbers[0]:,}" if len(numbers) == 1 else f"{len(numbers)} rows, from {numbers[0]:,} back to {numbers[-1]:,}"
    return f"{which}, of {rows:,} in all. Times are those of {zone_name}."


def may_know_names(viewer: Viewer) -> bool:
    """Say whether any patient's name is theirs to know; else they search by random keys alone."""
    return permissions.reach(viewer, Thing.REGISTER, Act.SEE) is not Reach.NONE


def people(viewer: Viewer) -> dict[int, str]:
    """Give whose doings can be searched for, by id; raises NotFound for who may not read all of the audit."""
    named = {person_id: name if active else f"{name} (switched off)" for person_id, name, active in audit_search.people(engine(), viewer)}
    return {**named, NOBODY: "Nobody signed in"}


def checked(viewer: Viewer, *, on_progress: Callable[[float, str], object]) -> tuple[bool, list[str]]:
    """
    Run the check of the chain.

    Parameters
    ----------
    on_progress : callable
        Is told the share that is done and a sentence, if it takes over a second.

    Returns
    -------
    tuple of (bool, list of str)
        Whether all is as it was written, and what to say: one sentence for each fault.
    """
    rows = audit_search.newest_number(engine(), viewer)
    begun = time.monotonic()

    def told(number: int) -> None:
        if time.monotonic() - begun >= PROGRESS_AFTER_S:
            on_progress(min(1.0, number / max(rows, 1)), f"{number:,} of {rows:,} rows checked")

    faults = audit_check.check(engine(), viewer, on_progress=told)
    if not faults:
        return True, [f"The audit is as it was written: {rows:,} row{'' if rows == 1 else 's'} checked, none changed, removed or moved."]
    return False, [fault.sentence for fault in faults]


def chart_openings(viewer: Viewer, patient_key: str) -> tuple[list[dict[str, Any]], str]:
    """
    Say who opened a patient's chart or took something of it away, newest first. Asking is written down too.

    Returns
    -------
    tuple of (list of dict, str)
        The rows in words, and a sentence on them.

    Raises
    ------
    NotFound
        If the patient is not theirs.
    """
    audit.viewed(engine(), viewer, "who opened", patient_key=patient_key)
    zone_name = queries.clinic(engine()).time_zone
    found = audit_search.search(engine(), viewer, patient_key=patient_key, actions=OPENED, limit=OPENINGS_SHOWN + 1)
    zone = ZoneInfo(zone_name)
    lines = [
        {
            "When": f"{row.at_utc.astimezone(zone):%Y-%m-%d %H:%M}",
            **{name: _line(row, zone)[name] for name in ("Who", "What", "From where")},
        }
        for row in found[:OPENINGS_SHOWN]
    ]
    which = f"The newest {OPENINGS_SHOWN} rows" if len(found) > OPENINGS_SHOWN else "All there are"
    return lines, f"{which}: one for each person, screen and five minutes. Times are those of {zone_name}."


def _line(row: AuditLine, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "Row": row.seq,
        "When": f"{row.at_utc.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        "Who": row.actor or "nobody signed in",
        "What": done_words(row.action, row.object_kind, row.object_key),
        "Patient": patient_words(row),
        "Old and new": told_words(row.detail),
        "From where": SOURCE_WORDS.get(row.source, row.source),
    }


def done_words(action: AuditAction, kind: str, key: str) -> str:
    """
    Say what was done, to what.

    >>> done_words(AuditAction.CHANGE, "pain_score", "17"), done_words(AuditAction.VIEW, "episode", "k3y")
    ('Changed a pain score (17)', 'Looked at the patient page')
    """
    done, what = _DONE[action], KIND_WORDS.get(kind, kind.replace("_", " "))
    if not what or (action is AuditAction.SETTINGS_CHANGE and kind == "clinic"):
        return done
    numbered = f" ({key})" if re.fullmatch(r"[0-9]{1,18}|[0-9]{4}-[0-9]{2}-[0-9]{2}", key) else ""
    joined = ": " if action in {AuditAction.PERMISSION_CHANGE, AuditAction.SETTINGS_CHANGE, AuditAction.REFUSED} else " "
    return f"{done}{joined}{what}{numbered}"


def patient_words(row: AuditLine) -> str:
    """Name the patient as far as the reader may: by name and code, else by the random key, else that there was one."""
    if row.patient_id is None:
        return ""
    if row.patient_code:
        return f"{row.patient_name} · {row.patient_code}" if row.patient_name else row.patient_code
    return row.patient_key or f"no. {row.patient_id}, no longer here"


def told_words(detail: str) -> str:
    """
    Write old and new values in words.

    >>> told_words('{"old": {"nprs": 3}, "new": {"nprs": 5}}')
    'nprs: 3 → 5'
    """
    if not detail:
        return ""
    told = json.loads(detail)
    old, new = told.get("old") or {}, told.get("new") or {}
    return " · ".join(
        f"{name.replace('_', ' ')}: {_change_words(old, new, name)}"
        for name in dict.fromkeys([*new, *old])
        if not (name in old and name in new and old[name] == new[name])
    )


def _change_words(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> str:
    if name not in old:
        return _value_words(new[name])
    return f"{_value_words(old[name])} → {_value_words(new[name]) if name in new else 'taken back'}"


def _value_words(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(map(_value_words, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_value_words(part)}" for name, part in value.items())
    return str(value)
