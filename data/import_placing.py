"""Each run of a file to its place among the runs that are here: new, a part of one, waiting for a decision, or taken back before."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from data import matching, records, series
from data.dropped_days import settle_days
from data.import_entries import store_entries
from data.import_reports import RUN_FIELDS, FileReport, ImportedRun, RunReport
from data.import_rows import CADENCE_WORDS, DISTANCE_WORDS, TAKEN_BACK, day_written, run_entry, stays_away, zone_words
from data.importers.base import ReadFile, ReadRun
from data.matching import Group
from data.merging import Changed, Ledger, Settled
from data.run_copies import PREFERENCES, Copy
from data.runs import changes_told, told_of
from models import EntryRefused, ImportFile, ImportOutcome, RunEntry, RunStanding, Viewer


@dataclass
class Placed:
    """One file whose runs and entries have their place; `report` is true once all was written."""

    name: str
    file_id: int
    source: str
    read: ReadFile
    ledger: Ledger
    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    details: list[tuple[RunReport, Copy | None]] = field(default_factory=list)
    more_counted: int = 0
    entries_added: int = 0
    doubtful: bool = False
    touched: set[int] = field(default_factory=set)  # stored runs that it may have changed
    changed: list[Changed] = field(default_factory=list)
    dropped: list[dict[str, Any]] = field(default_factory=list)

    def became(self, outcome: ImportOutcome) -> int:
        """Count the runs of which that became."""
        return sum(run.became is outcome for run, _ in self.details)

    def report(self) -> FileReport:
        """Say what became of the file."""
        outcome = self._outcome()
        if outcome == ImportOutcome.DUPLICATE and not self.copies and not any(TAKEN_BACK in words for words in self.said):
            self.said.insert(0, "All of its entries were here already.")
        ids = dict.fromkeys(copy.run_id for copy in self.copies)
        runs = [ImportedRun(run_id, *(self.ledger.runs[run_id].wanted[name] for name in RUN_FIELDS[1:])) for run_id in ids]
        return FileReport(
            self.name,
            outcome,
            self._reason(outcome),
            tuple(sorted(runs, key=lambda run: (run.started_at_utc, run.id))),
            max(self.more_counted, 0),
            self.entries_added,
            complete=not self.refused and not self.read.partial,
            details=tuple(replace(run, run_id=copy.run_id) if copy is not None else run for run, copy in self.details),
        )

    def _outcome(self) -> ImportOutcome:
        news = self.entries_added + sum(self.became(word) for word in (ImportOutcome.ADDED, *_CHANGES))
        if news and (self.refused or self.read.partial):
            return ImportOutcome.PARTIAL
        if self.became(ImportOutcome.PROPOSED):
            return ImportOutcome.PROPOSED
        if news and (self.doubtful or self.became(ImportOutcome.DOUBTFUL)):
            return ImportOutcome.DOUBTFUL
        if news:
            return ImportOutcome.ADDED if self.became(ImportOutcome.ADDED) or self.entries_added else ImportOutcome.MERGED
        if self.refused:  # what was read and stored before disagrees, or nothing could be right
            return ImportOutcome.DOUBTFUL if self.copies or self.read.scores or self.read.rest_answers else ImportOutcome.UNREADABLE
        told = self.details or self.read.scores or self.read.rest_answers or self.read.days_without_run
        return ImportOutcome.DUPLICATE if told else ImportOutcome.NO_DATA

    def _reason(self, outcome: ImportOutcome) -> str:
        parts = []
        if added := self.became(ImportOutcome.ADDED):
            parts.append(f"{added} run{'s' if added != 1 else ''} added.")
        if known := sum(run.became is ImportOutcome.DUPLICATE for run, copy in self.details if copy is not None):
            parts.append(f"{known} run{'s were' if known != 1 else ' was'} here already (same start, distance and time).")
        if self.entries_added:
            parts.append(f"{self.entries_added} diary entr{'ies' if self.entries_added != 1 else 'y'} added.")
        if outcome == ImportOutcome.NO_DATA:
            parts.append("The file holds no run and no diary entry.")
        return " ".join([*parts, *dict.fromkeys(self.said), *self.refused])

    def told_new(self) -> dict[str, Any]:
        """Give what the audit keeps of the runs after it."""
        kinds = {"runs_added": ImportOutcome.ADDED, "runs_merged": ImportOutcome.MERGED, "runs_proposed": ImportOutcome.PROPOSED}
        ids = {name: [copy.run_id for run, copy in self.details if copy and run.became is word] for name, word in kinds.items()}
        return {name: found for name, found in ids.items() if found or name == "runs_added"} | changes_told(self.changed, after=True)

    def told_old(self) -> dict[str, Any]:
        """Give what the audit keeps of what was before."""
        return changes_told(self.changed) | ({"days_without_run": self.dropped} if self.dropped else {})


_CHANGES = (ImportOutcome.MERGED, ImportOutcome.PROPOSED, ImportOutcome.DOUBTFUL)


class Placing:
    """Files on their way into the ledger of a patient, inside one writing transaction. `finish` brings everything else in line."""

    def __init__(
        self, connection: sa.Connection, viewer: Viewer, patient: sa.Row[*tuple[Any, ...]], ledger: Ledger, starts_on: int, now: datetime
    ) -> None:
        self.connection, self.viewer, self.patient = connection, viewer, patient
        self.ledger, self.starts_on, self.now = ledger, starts_on, now
        self.touched = 0  # how often the patient's counter of changes went up
        self._files: list[Placed] = []
        self._names: dict[int, str] = {}
        self._days: set[date] = set()
        self._news = False

    def place(self, name: str, file_id: int, read: ReadFile, source: str) -> Placed:
        """Give each run and entry of a file its place."""
        placed = Placed(name, file_id, source, read, self.ledger, said=list(read.notes))
        placed.refused = [f"Line {line.line}: {line.reason}" for line in read.refused_lines]
        self._files.append(placed)
        self._names[file_id] = name
        for number, run in enumerate(read.runs):
            self._place_run(placed, run, number)
        if read.scores or read.rest_answers or read.days_without_run:
            self._write()  # what is said about days is held against the runs of those days
            stored = store_entries(self.connection, self.patient, self.viewer, read, file_id, starts_on=self.starts_on, now=self.now)
            placed.entries_added = stored.added
            placed.refused += stored.refused
            placed.said += stored.said
            self._days |= stored.days
            self._news |= bool(stored.added)
        return placed

    def finish(self) -> None:
        """Write what is left, and bring days, links of scores, weeks and coverage in line, once for all files."""
        self._write()
        if self._news:
            records.touch_runs(self.connection, self.patient.id, self._days, self.starts_on)
            self.touched += 1

    def _write(self) -> None:
        written = self.ledger.write(self.connection, self.starts_on, now=self.now)
        dropped = {row["day"]: row for row in settle_days(self.connection, self.patient.id, written.days)}
        for placed in reversed(self._files):  # whoever came last brought it about
            placed.changed += [change for change in written.changed if change.run_id in placed.touched]
            written.changed = [change for change in written.changed if change.run_id not in placed.touched]
        for placed in self._files:
            for copy in placed.copies:
                day = self.ledger.runs[copy.run_id].wanted["run_date"]
                if day in dropped:
                    placed.dropped.append(dropped.pop(day))
                    placed.said.append(f"“Did not run” was taken back for {day.isoformat()}: there is a run.")
        self._days |= written.days

    def _place_run(self, placed: Placed, run: ReadRun, number: int) -> None:
        try:
            entry, left_out = run_entry(run, now=self.now, time_zone=self.patient.time_zone)
        except EntryRefused as refusal:
            day = run.started_at_utc.date()
            placed.refused.append(f"Run of {day.isoformat()}: {refusal}")
            placed.details.append((_refused_run(run, day, str(refusal)), None))
            return
        copy = self.ledger.draft(
            file_id=placed.file_id,
            fields=told_of(entry),
            minutes=None if run.minutes is None else series.packed(run.minutes),
            recorded_at_utc=self.now,
            recorded_by_id=self.viewer.person_id,
            source=placed.source,
            start_is_known=run.start_is_known,
            held_back=" ".join(run.notes) if run.held_back else "",
            number=number,
        )
        notes = [*run.notes, *left_out]
        if (taken_back := self._taken_back(copy)) is not None:
            words = stays_away(f"The run of {_run_words(entry)},", taken_back, self.patient.time_zone)
            placed.said.append(words)
            placed.details.append((_run_report(entry, run, ImportOutcome.DUPLICATE, words), None))
            return
        was_here = {other.id for other in self.ledger.identical(copy.identity)}
        settled = self.ledger.settle([self.ledger.add(copy)])
        group = settled.group_of(copy)
        became, why = self._became(copy, entry, settled, group, was_here)
        placed.said += [*why, *notes]
        placed.copies.append(copy)
        placed.details.append((_run_report(entry, run, became, " ".join([*why, *notes])), copy))
        placed.more_counted += settled.more_counted
        placed.doubtful |= became is ImportOutcome.ADDED and (run.doubtful or bool(left_out))
        placed.touched |= {other.run_id for each in settled.groups for other in each.copies} | set(settled.before)
        self._news = True

    def _taken_back(self, copy: Copy) -> datetime | None:
        """Say when the very run was taken out by a person, if nothing current is the same."""
        out = [other for other in self.ledger.identical(copy.identity) if self.ledger.is_taken_out(other.run_id)]
        if not out:
            return None
        current = (other for other in self.ledger.near(copy) if not self.ledger.is_taken_out(other.run_id))
        if any(matching.is_same(copy, other) for other in current):
            return None
        return max(self.ledger.runs[other.run_id].retired[0] or self.now for other in out)

    def _became(self, copy: Copy, entry: RunEntry, settled: Settled, group: Group, was_here: set[int]) -> tuple[ImportOutcome, list[str]]:
        others = [other for other in group.copies if other is not copy]
        waiting = [each for each in settled.groups if each.other is group]
        if group.standing is RunStanding.HELD_BACK:
            return ImportOutcome.DOUBTFUL, [f"The run of {_run_words(entry)}, does not count until somebody accepts it."]
        if not others and group.other is not None:
            return ImportOutcome.PROPOSED, [self._proposed(entry, group.other, group.reason)]
        if waiting and not others:
            said = [
                f"The run of {_group_words(each)}, that is here looks like this one ({self._told_by(each.copies)}). {each.reason}"
                for each in waiting
            ]
            return ImportOutcome.PROPOSED, [f"{words} This one counts; the other one waits for your decision." for words in said]
        if not others:
            return ImportOutcome.ADDED, []
        before = [settled.before[run_id] for run_id in dict.fromkeys(settled.before) if _was_part(settled.before[run_id], others)]
        taken_over = [words for words, giver in group.made.given_by.items() if giver is copy and _differs(group, before, words)]
        if was_here and not taken_over:
            return ImportOutcome.DUPLICATE, []
        which = f"This is the run of {_group_words(group)}, that is here already ({self._told_by(others)}): it is counted once."
        gives = f"This file gives: {'; '.join(taken_over)}." if taken_over else "Nothing is taken over from this file."
        return ImportOutcome.MERGED, [f"{which} {gives}"]

    def _proposed(self, entry: RunEntry, other: Group | int, reason: str) -> str:
        copies = other.copies if isinstance(other, Group) else self.ledger.copies_of(other)
        was = ", that was taken out" if isinstance(other, int) else ""
        words = _copies_words(copies)
        return (
            f"The run of {_run_words(entry)}, looks like the one of {words} ({self._told_by(copies)}){was}. {reason} "
            "It does not count until you decide: the same run, or two runs."
        )

    def _told_by(self, copies: Sequence[Copy]) -> str:
        names = dict.fromkeys(self._name(copy.file_id) for copy in copies)
        files = [name for name in names if name]
        return " and ".join([*(["entered by hand"] if "" in names else []), *([f"from {', '.join(files)}"] if files else [])])

    def _name(self, file_id: int | None) -> str:
        if file_id is None:
            return ""
        if file_id not in self._names:
            name = self.connection.execute(sa.select(col(ImportFile.file_name)).where(col(ImportFile.id) == file_id)).scalar()
            self._names[file_id] = name or ""
        return self._names[file_id]


def _was_part(values: dict[str, Any], others: Sequence[Copy]) -> bool:
    return any(values["identity_sha256"] == other.identity for other in others)


def _differs(group: Group, before: Sequence[dict[str, Any]], words: str) -> bool:
    """Say whether the run has other values now than any of the runs that it was before."""
    names = next(preference.fields for preference in PREFERENCES if preference.words == words)
    return all(any(values[name] != group.made.fields[name] for name in names) for values in before) if before else True


def _run_words(entry: RunEntry) -> str:
    return f"{day_written(entry.run_date)}, {entry.distance_m / 1000:.2f} km"


def _group_words(group: Group) -> str:
    return _copies_words(group.copies)


def _copies_words(copies: Sequence[Copy]) -> str:
    first = min(copies, key=lambda copy: (copy.recorded_at_utc, copy.id < 0, abs(copy.id)))
    return f"{day_written(first.fields['run_date'])}, {first.fields['distance_m'] / 1000:.2f} km"


def _run_report(entry: RunEntry, run: ReadRun, became: ImportOutcome, why: str) -> RunReport:
    return RunReport(
        day=entry.run_date,
        distance_m=entry.distance_m,
        moving_time_s=entry.moving_time_s,
        became=became,
        why=why or "A run like no other one here.",
        distance_rule=DISTANCE_WORDS[run.distance_rule],
        cadence_rule=CADENCE_WORDS[run.cadence_rule],
        day_rule=zone_words(run),
    )


def _refused_run(run: ReadRun, day: date, why: str) -> RunReport:
    rules = (DISTANCE_WORDS[run.distance_rule], CADENCE_WORDS[run.cadence_rule], zone_words(run))
    return RunReport(day, 0, 0, ImportOutcome.UNREADABLE, why, *rules)
