"""
The runs of one patient as what their copies make of them.

A run that counts is the best of its copies (`run_copies`), put together by numbers and by what persons decided (`matching`). Whatever
adds or removes copies or decisions settles the copies around them anew and brings the stored runs in line, in the same transaction.
So the stored runs are always what a fresh look at all copies and decisions gives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from data import matching
from data.database import next_ids
from data.many_rows import insert_rows, update_rows
from data.matching import Group
from data.run_copies import BY_HAND, TOLD_FIELDS, Copy, run_identity, told_fields
from models import (
    DistanceRule,
    PainScore,
    Run,
    RunCopy,
    RunDecision,
    RunFile,
    RunSeries,
    RunStanding,
    RunVerdict,
    utc_now,
    week_number,
)

RUN = Run.metadata.tables["run"]
COPY = RunCopy.metadata.tables["run_copy"]
DECISION = RunDecision.metadata.tables["run_decision"]
LINK = RunFile.metadata.tables["run_file"]
SERIES = RunSeries.metadata.tables["run_series"]
SCORE = PainScore.metadata.tables["pain_score"]
NEAR_DAYS = 2  # two copies that have to do with each other start at most 14 h and 2 min apart, or on one local day
NOON = "12:00"
# What a run row says beside its id and patient, and what follows from them.
_STATE = (
    *TOLD_FIELDS,
    "identity_sha256",
    "import_file_id",
    "recorded_at_utc",
    "recorded_by_id",
    "standing",
    "standing_reason",
    "other_run_id",
)

_OF_COPY = (
    *("id", "patient_id", "run_id", "home_run_id", "import_file_id", "number", "told", "minutes"),
    *("recorded_at_utc", "recorded_by_id"),
)


def _state(values: dict[str, Any]) -> tuple[Any, ...]:
    """Give what a new run row says; a run that is not stored yet cannot be named in it."""
    return tuple(_stored(values[name]) if name == "other_run_id" else values[name] for name in _STATE)


@dataclass(eq=False)
class _RunState:
    """A run row: as it is stored, and as it should be."""

    id: int
    stored: dict[str, Any] | None  # None: not yet
    wanted: dict[str, Any]
    minutes_of: Copy | None = None
    retired: tuple[datetime | None, int | None] = (None, None)

    @property
    def taken_out(self) -> bool:
        """Say whether a person took it out."""
        return self.stored is not None and self.retired[0] is not None and bool(self.stored["standing"] == RunStanding.COUNTED)


@dataclass(frozen=True)
class Changed:
    """A stored run that is not as it was: the values that changed, before and after."""

    run_id: int
    old: dict[str, Any]
    new: dict[str, Any]


@dataclass
class Written:
    """What `Ledger.write` did. `days` are those whose runs changed; `run_ids` leads from a number of the ledger to the stored one."""

    days: set[date] = field(default_factory=set)
    added: list[int] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    run_ids: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Settled:
    """What `Ledger.settle` found: the groups, and the runs around as they were wanted before."""

    groups: list[Group]
    before: dict[int, dict[str, Any]]

    def group_of(self, copy: Copy) -> Group:
        """Give the group that a copy is in."""
        return next(group for group in self.groups if copy in group.copies)

    @property
    def more_counted(self) -> int:
        """Say how many more runs count than before; negative if fewer do."""
        counted = sum(group.standing is RunStanding.COUNTED for group in self.groups)
        return counted - sum(1 for values in self.before.values() if values["standing"] == RunStanding.COUNTED)


class Ledger:
    """All copies and runs of one patient, in memory. Made inside a writing transaction that holds the patient (`read_ledger`)."""

    def __init__(self, patient_id: int) -> None:
        self.patient_id = patient_id
        self.copies: dict[int, Copy] = {}
        self.runs: dict[int, _RunState] = {}
        self.verdicts: dict[frozenset[int], RunVerdict] = {}
        self.accepted: set[int] = set()
        self._out: set[int] = set()  # runs that a person took out; none becomes one while the ledger lives
        self._by_day: dict[int, set[int]] = {}
        self._of_run: dict[int, set[int]] = {}
        self._by_identity: dict[str, set[int]] = {}
        self._new_copies: list[Copy] = []
        self._retold: list[Copy] = []
        self._removed: list[int] = []
        self._removed_runs: list[int] = []
        self._touched: dict[int, None] = {}  # runs to write, in order
        self._next = -1

    # -- what is in it ----------------------------------------------------------------------------------------------

    def put(self, copy: Copy) -> None:
        """Take a stored copy in."""
        copy.identity = copy.identity or identity_of(copy.fields)
        self.copies[copy.id] = copy
        self._by_day.setdefault(_utc_day(copy), set()).add(copy.id)
        self._of_run.setdefault(copy.run_id, set()).add(copy.id)
        self._by_identity.setdefault(copy.identity, set()).add(copy.id)

    def copies_of(self, run_id: int) -> list[Copy]:
        """Give the copies that make a run."""
        return [self.copies[copy_id] for copy_id in sorted(self._of_run.get(run_id, ()))]

    def is_taken_out(self, run_id: int) -> bool:
        """Say whether a person took a run out."""
        return run_id in self._out and run_id in self.runs and self.runs[run_id].taken_out

    def note_taken_out(self) -> None:
        """Remember which of the runs that were read a person took out."""
        self._out = {run_id for run_id, row in self.runs.items() if row.taken_out}

    def identical(self, identity: str) -> list[Copy]:
        """Give the copies with the very start, distance and time."""
        return [self.copies[copy_id] for copy_id in sorted(self._by_identity.get(identity, ()))]

    def near(self, copy: Copy) -> list[Copy]:
        """Give the copies that may have to do with one, itself not included."""
        return [self.copies[copy_id] for copy_id in sorted(self._near_ids(copy) - {copy.id})]

    def _near_ids(self, copy: Copy) -> set[int]:
        day, by_day = _utc_day(copy), self._by_day
        return set().union(*[by_day[other] for other in range(day - NEAR_DAYS, day + NEAR_DAYS + 1) if other in by_day])

    def linked(self, copy: Copy, other: Copy) -> bool:
        """Say whether two copies have to do with each other."""
        return (
            copy.run_id == other.run_id
            or (bool(self.verdicts) and frozenset({copy.id, other.id}) in self.verdicts)
            or (not matching.too_far_apart(copy, other) and (matching.is_same(copy, other) or bool(matching.likeness(copy, other))))
        )

    def around(self, seeds: Iterable[Copy]) -> list[Copy]:
        """Give all copies that have to do with some, directly or through others; those of runs that were taken out stay outside."""
        found: dict[int, Copy] = {}
        waiting = [copy for copy in seeds if not self.is_taken_out(copy.run_id)]
        while waiting:
            copy = waiting.pop()
            if copy.id in found:
                continue
            found[copy.id] = copy
            others = self._near_ids(copy) | self._of_run.get(copy.run_id, set())
            if self.verdicts:
                others |= {other for pair in self.verdicts if copy.id in pair for other in pair}
            for other in map(self.copies.__getitem__, others - found.keys()):
                if self.linked(copy, other) and not self.is_taken_out(other.run_id):
                    waiting.append(other)
        return [found[copy_id] for copy_id in sorted(found, key=lambda number: (number < 0, abs(number)))]

    def adopt(self, copy: Copy, run_id: int) -> None:
        """Let a copy belong to the stored run that was made for it."""
        self._of_run[copy.run_id].discard(copy.id)
        copy.run_id = copy.home_run_id = run_id
        self._of_run.setdefault(run_id, set()).add(copy.id)

    # -- changes ----------------------------------------------------------------------------------------------------

    def draft(self, **told: Any) -> Copy:
        """Make a copy that nobody knows yet: `add` takes it in."""
        self._next -= 1
        return Copy(id=self._next, run_id=self._next, home_run_id=None, identity=identity_of(told["fields"]), **told)

    def add(self, copy: Copy) -> Copy:
        """Take a drafted copy in, to be stored with the next `write`; it belongs to no run until it is settled."""
        self.put(copy)
        self._new_copies.append(copy)
        return copy

    def remove(self, copies: Sequence[Copy]) -> None:
        """Take copies out, and with them runs that nothing else tells of; settle what was around them afterwards."""
        for copy in copies:
            del self.copies[copy.id]
            self._by_day[_utc_day(copy)].discard(copy.id)
            self._by_identity[copy.identity].discard(copy.id)
            self._of_run[copy.run_id].discard(copy.id)
            self.verdicts = {pair: verdict for pair, verdict in self.verdicts.items() if copy.id not in pair}
            self.accepted.discard(copy.id)
            self._removed.append(copy.id)
        for copy in copies:
            home = copy.home_run_id
            if home is None or home not in self.runs:
                continue
            heirs = [other for other in self.copies_of(copy.run_id) if other.home_run_id is None] if home == copy.run_id else []
            if heirs:
                heirs[0].home_run_id = home
            else:
                del self.runs[home]
                self._removed_runs.append(home)

    def retell(self, copy: Copy, again: Copy) -> None:
        """Put another reading in the place of a stored copy; settle what was around both afterwards."""
        self._by_day[_utc_day(copy)].discard(copy.id)
        self._by_identity[copy.identity].discard(copy.id)
        self.put(again)
        self._retold.append(again)

    def settle(self, seeds: Sequence[Copy]) -> "Settled":
        """Group what is around some copies anew, say what counts, and remember the runs that this changes."""
        around = self.around(seeds)
        before = {copy.run_id: dict(self.runs[copy.run_id].wanted) for copy in around if copy.run_id in self.runs}
        walls = self._walls(around)
        alone = len(around) == 1 and around[0].home_run_id is None  # the usual case: a run like no other one
        groups = [Group(around)] if alone else matching.grouped(around, self.verdicts)
        settled = matching.settle(groups, self.verdicts, frozenset(self.accepted), walls, self._counts_already)
        homes = {id(group): self._home(group) for group in settled}
        for group in settled:
            self._apply(group, homes)
        return Settled(settled, before)

    def _walls(self, around: Sequence[Copy]) -> dict[int, list[Copy]]:
        if not self._out:
            return {}
        ids = {other.run_id for copy in around for other in self.near(copy) if self.is_taken_out(other.run_id)}
        return {run_id: self.copies_of(run_id) for run_id in sorted(ids)}

    def _counts_already(self, group: Group) -> bool:
        rows = [self.runs[copy.run_id] for copy in group.copies if copy.run_id in self.runs]
        return any(row.stored is not None and row.stored["standing"] == RunStanding.COUNTED for row in rows)

    def _home(self, group: Group) -> int:
        """Say which run row a group takes: the oldest that was made for one of its copies, else a new one."""
        homes = [copy.home_run_id for copy in group.copies if copy.home_run_id is not None]
        if homes:
            return min(homes, key=lambda number: (number < 0, abs(number)))
        first = min(group.copies, key=lambda copy: (copy.id < 0, abs(copy.id)))
        self._next -= 1
        first.home_run_id = self._next
        self.runs[self._next] = _RunState(self._next, None, {})
        return self._next

    def _apply(self, group: Group, homes: dict[int, int]) -> None:
        run_id = homes[id(group)]
        for copy in group.copies:
            if copy.run_id != run_id:
                self._of_run.get(copy.run_id, set()).discard(copy.id)
                copy.run_id = run_id
                self._of_run.setdefault(run_id, set()).add(copy.id)
            if copy.home_run_id is None or copy.home_run_id == run_id:
                continue
            if self.runs[copy.home_run_id].stored is None:  # two that were new a moment ago
                del self.runs[copy.home_run_id]
                self._touched.pop(copy.home_run_id, None)
                copy.home_run_id = None
            else:
                self._want(copy.home_run_id, {"standing": RunStanding.MERGED, "standing_reason": "", "other_run_id": run_id})
        other = group.other if isinstance(group.other, int) else homes[id(group.other)] if group.other is not None else None
        first_told = min(group.copies, key=lambda copy: (copy.recorded_at_utc, copy.id < 0, abs(copy.id)))
        lead = group.made.lead
        self._want(
            run_id,
            {
                **group.made.fields,
                "identity_sha256": lead.identity,
                "import_file_id": lead.file_id,
                "recorded_at_utc": first_told.recorded_at_utc,
                "recorded_by_id": first_told.recorded_by_id,
                "standing": group.standing,
                "standing_reason": group.reason,
                "other_run_id": other,
            },
            group,
        )

    def _want(self, run_id: int, values: dict[str, Any], group: Group | None = None) -> None:
        row = self.runs[run_id]
        row.wanted = {**row.wanted, **values}
        if group is not None:
            row.minutes_of = next((copy for copy in group.copies if copy.minutes is not None and copy.minutes == group.made.minutes), None)
        self._touched[run_id] = None

    # -- into the database ------------------------------------------------------------------------------------------

    def write(self, connection: sa.Connection, starts_on: int, *, now: datetime | None = None) -> Written:
        """Bring the stored runs, copies and links in line with the ledger. The caller then brings weeks and links of scores in line."""
        moment = now or utc_now()
        done = Written()
        gone = self._let_go(connection, done)
        rows = [self.runs[run_id] for run_id in self._touched if run_id in self.runs]
        new, kept = [row for row in rows if row.stored is None], [row for row in rows if row.stored is not None]
        self._tell_identities_apart(rows)
        self._free_identities(connection, kept)
        if new:
            done.run_ids = self._insert_runs(connection, new, starts_on, moment, done)
            self._renumber(done.run_ids)
            for row in new:  # the run that it may be was new itself
                if row.stored is not None and row.stored["other_run_id"] != row.wanted["other_run_id"]:
                    row.stored["other_run_id"] = row.wanted["other_run_id"]
                    connection.execute(sa.update(RUN).where(RUN.c.id == row.id).values(other_run_id=row.wanted["other_run_id"]))
        self.store_copies(connection)
        self._update_runs(connection, kept, starts_on, moment, done)
        for ids in _some(gone):
            connection.execute(sa.delete(RUN).where(RUN.c.id.in_(ids)))
        self._touched = {}
        return done

    def _let_go(self, connection: sa.Connection, done: Written) -> list[int]:
        """Delete the copies that were removed; gives the runs that go at the end, when nothing is a part of them any more."""
        for copy in self._retold:
            connection.execute(sa.update(COPY).where(COPY.c.id == copy.id).values(told=copy.told, minutes=copy.minutes))
        self._retold = []
        for ids in _some(self._removed):
            connection.execute(sa.delete(COPY).where(COPY.c.id.in_(ids)))
        gone, self._removed, self._removed_runs = self._removed_runs, [], []
        for ids in _some(gone):
            of_runs = RUN.c.id.in_(ids)
            done.days |= set(connection.execute(sa.select(RUN.c.run_date).where(of_runs)).scalars())
            freed = {"identity_sha256": sa.literal("gone-") + sa.cast(RUN.c.id, sa.String)}
            connection.execute(sa.update(RUN).where(of_runs).values(freed))
        return gone

    def _tell_identities_apart(self, rows: Sequence[_RunState]) -> None:
        """Two runs that a person told apart may have the very start, distance and time: the newer row's name gets its number."""
        for row in rows:
            identity = row.wanted["identity_sha256"]
            others = {copy.run_id for copy in self.identical(identity)} - {row.id}
            older = [self.runs[other] for other in others if other in self.runs and (other < 0, abs(other)) < (row.id < 0, abs(row.id))]
            clash = [other for other in older if self.counts(other) and other.wanted["identity_sha256"] == identity]
            if clash and self.counts(row):
                row.wanted["identity_sha256"] = f"{identity}-{len(clash) + 1}"

    @staticmethod
    def counts(row: _RunState) -> bool:
        """Say whether a run is in the sums, as it is wanted now."""
        return row.wanted["standing"] == RunStanding.COUNTED and not row.taken_out

    def _free_identities(self, connection: sa.Connection, kept: Sequence[_RunState]) -> None:
        """Let go of the identities that others may take in this step: a current run has one of its own."""
        for row in kept:
            assert row.stored is not None
            if row.stored["identity_sha256"] != row.wanted["identity_sha256"] or not self.counts(row):
                row.stored["identity_sha256"] = f"changing-{row.id}"
                connection.execute(sa.update(RUN).where(RUN.c.id == row.id).values(identity_sha256=row.stored["identity_sha256"]))

    def _insert_runs(
        self, connection: sa.Connection, new: Sequence[_RunState], starts_on: int, moment: datetime, done: Written
    ) -> dict[int, int]:
        ids = next_ids(connection, RUN, len(new))
        standings = [row.wanted["standing"] == RunStanding.COUNTED for row in new]
        insert_rows(
            connection,
            RUN,
            ("id", "patient_id", "week", "retired_at_utc", "retired_by_id", *_STATE),
            [
                (
                    number,
                    self.patient_id,
                    week_number(row.wanted["run_date"], starts_on),
                    None if counts else moment,
                    None,
                    *_state(row.wanted),
                )
                for number, row, counts in zip(ids, new, standings, strict=True)
            ],
        )
        numbers = {row.id: number for row, number in zip(new, ids, strict=True)}
        series = [(numbers[row.id], row.minutes_of.minutes) for row in new if row.minutes_of is not None]
        insert_rows(connection, SERIES, ("run_id", "minutes"), series)
        for row, counts in zip(new, standings, strict=True):
            row.stored = {name: row.wanted[name] for name in _STATE} | {"other_run_id": _stored(row.wanted["other_run_id"])}
            row.retired = (None if counts else moment, None)
            if counts:
                done.days.add(row.wanted["run_date"])
                done.added.append(numbers[row.id])
        return numbers

    def _renumber(self, numbers: dict[int, int]) -> None:
        for old, number in numbers.items():
            row = self.runs.pop(old)
            row.id = number
            self.runs[number] = row
            self._of_run[number] = self._of_run.pop(old, set())
            for copy_id in self._of_run[number]:
                self.copies[copy_id].run_id = number
            del self._touched[old]
            self._touched[number] = None
        for copy in self._new_copies:
            copy.home_run_id = numbers.get(copy.home_run_id or 0, copy.home_run_id)
        for run_id in self._touched:
            if run_id in self.runs:
                wanted = self.runs[run_id].wanted
                wanted["other_run_id"] = numbers.get(wanted["other_run_id"] or 0, wanted["other_run_id"])
        for number in numbers.values():  # a copy that was stored before may have got a new home by a split
            for copy in self.copies_of(number):
                copy.home_run_id = numbers.get(copy.home_run_id or 0, copy.home_run_id)

    def store_copies(self, connection: sa.Connection, *, linked: bool = False) -> None:
        """Insert the new copies, and the links of their runs to their files unless those are there (`linked`)."""
        if not self._new_copies:
            return
        ids = next_ids(connection, COPY, len(self._new_copies))
        rows = [
            (
                *(number, self.patient_id, copy.run_id, copy.home_run_id, copy.file_id, copy.number, copy.told, copy.minutes),
                *(copy.recorded_at_utc, copy.recorded_by_id),
            )
            for number, copy in zip(ids, self._new_copies, strict=True)
        ]
        insert_rows(connection, COPY, _OF_COPY, rows)
        for copy, number in zip(self._new_copies, ids, strict=True):
            self._rename(copy, number)
        links = {(copy.run_id, copy.file_id): None for copy in self._new_copies if copy.file_id is not None}
        self._new_copies = []
        if links and not linked:
            insert_rows(connection, LINK, ("run_id", "import_file_id"), list(links))

    def _rename(self, copy: Copy, number: int) -> None:
        for index, key in ((self._by_day, _utc_day(copy)), (self._of_run, copy.run_id), (self._by_identity, copy.identity)):
            index[key].discard(copy.id)  # type: ignore[index]
            index[key].add(number)  # type: ignore[index]
        del self.copies[copy.id]
        copy.id = number
        self.copies[number] = copy

    def _update_runs(self, connection: sa.Connection, rows: Sequence[_RunState], starts_on: int, moment: datetime, done: Written) -> None:
        self._rewrite_links(connection, [row.id for row in rows])
        minutes = {row.run_id: row.minutes for row in _read(connection, sa.select(SERIES), SERIES.c.run_id, [row.id for row in rows])}
        # those that stop counting first: another one may take their identity
        for row in sorted(rows, key=lambda row: (row.wanted["standing"] == RunStanding.COUNTED, row.id)):
            assert row.stored is not None
            before = {name: row.stored[name] for name in _STATE if row.stored[name] != row.wanted[name]}
            after = {name: row.wanted[name] for name in before}
            new_minutes = row.minutes_of.minutes if row.minutes_of is not None else None
            if minutes.get(row.id) != new_minutes:
                connection.execute(sa.delete(SERIES).where(SERIES.c.run_id == row.id))
                if new_minutes is not None:
                    connection.execute(sa.insert(SERIES).values(run_id=row.id, minutes=new_minutes))
            if not before:
                continue
            values = dict(after)
            if "run_date" in after:
                values["week"] = week_number(after["run_date"], starts_on)
            if "standing" in after:
                counts = after["standing"] == RunStanding.COUNTED
                values |= {"retired_at_utc": None if counts else moment, "retired_by_id": None}  # nobody took it out
                row.retired = (values["retired_at_utc"], None)
                if not counts:
                    _stash_names(connection, row.id, row.wanted["other_run_id"] if after["standing"] == RunStanding.MERGED else None)
            connection.execute(sa.update(RUN).where(RUN.c.id == row.id).values(values))
            if "standing" in after and after["standing"] == RunStanding.COUNTED:
                _restore_names(connection, row.id)
            done.days |= {row.stored["run_date"], row.wanted["run_date"]}
            told = [name for name in before if name != "identity_sha256"]
            if told:
                done.changed.append(Changed(row.id, {name: before[name] for name in told}, {name: after[name] for name in told}))
            row.stored = {**row.stored, **after}

    def _rewrite_links(self, connection: sa.Connection, run_ids: Sequence[int]) -> None:
        """Bring the copies of stored runs, and the lists of their files, in line."""
        copies = [copy for run_id in run_ids for copy in self.copies_of(run_id)]
        stored = _read(connection, sa.select(COPY.c.id, COPY.c.run_id, COPY.c.home_run_id), COPY.c.id, [copy.id for copy in copies])
        moved = [
            (copy.run_id, copy.home_run_id, number)
            for number, *belonged in stored
            if ((copy := self.copies[number]).run_id, copy.home_run_id) != tuple(belonged)
        ]
        update_rows(connection, COPY, ("run_id", "home_run_id"), moved)
        wanted = {(copy.run_id, copy.file_id) for copy in copies if copy.file_id is not None}
        there = {(row.run_id, row.import_file_id) for row in _read(connection, sa.select(LINK), LINK.c.run_id, run_ids)}
        for run_id, file_id in sorted(there - wanted):
            connection.execute(sa.delete(LINK).where(LINK.c.run_id == run_id, LINK.c.import_file_id == file_id))
        insert_rows(connection, LINK, ("run_id", "import_file_id"), sorted(wanted - there))


def _stored(run_id: int | None) -> int | None:
    return run_id if run_id is not None and run_id > 0 else None


def _some(ids: Sequence[int], size: int = 400) -> list[Sequence[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _read(connection: sa.Connection, what: Any, column: sa.ColumnElement[int], ids: Sequence[int]) -> list[Any]:
    """Read the rows whose number, or whose run's number, is one of some."""
    return [row for some in _some(ids) for row in connection.execute(what.where(column.in_(some)))]


def _utc_day(copy: Copy) -> int:
    return int(copy.start_s // 86_400)


def identity_of(fields: dict[str, Any]) -> str:
    """Name what was told of a run by its start, distance and time."""
    return run_identity(fields["started_at_utc"], fields["distance_m"], fields["moving_time_s"])


def _stash_names(connection: sa.Connection, run_id: int, merged_into: int | None) -> None:
    """Remember which scores were told of a run that does not count now; those of a merged one go with it."""
    named = sa.and_(SCORE.c.run_id == run_id, SCORE.c.run_named.is_(True), SCORE.c.retired_at_utc.is_(None))
    connection.execute(sa.update(SCORE).where(named, SCORE.c.named_run_id.is_(None)).values(named_run_id=run_id))
    if merged_into is None:
        return
    there = SCORE.alias()
    taken = sa.exists(
        sa.select(there.c.id).where(
            there.c.run_id == merged_into,
            there.c.retired_at_utc.is_(None),
            *(there.c[name] == SCORE.c[name] for name in ("patient_id", "for_date", "moment", "side")),
        )
    )
    connection.execute(sa.update(SCORE).where(named, ~taken).values(run_id=merged_into))


def _restore_names(connection: sa.Connection, run_id: int) -> None:
    """Give a run that counts again the scores that were told of it."""
    theirs = sa.and_(SCORE.c.named_run_id == run_id, SCORE.c.retired_at_utc.is_(None))
    connection.execute(sa.update(SCORE).where(theirs).values(run_id=run_id, run_named=True, named_run_id=None))


# --------------------------------------------------------------------------------------------------------------------
# Out of the database
# --------------------------------------------------------------------------------------------------------------------


def read_ledger(connection: sa.Connection, patient_id: int) -> Ledger:
    """Read all copies, runs and decisions of a patient inside a writing transaction that holds the patient."""
    ledger = Ledger(patient_id)
    for row in connection.execute(sa.select(RUN).where(RUN.c.patient_id == patient_id)):
        values = {name: getattr(row, name) for name in _STATE}
        ledger.runs[row.id] = _RunState(row.id, values, dict(values), retired=(row.retired_at_utc, row.retired_by_id))
    ledger.note_taken_out()
    homeless = set(ledger.runs)
    for copy in read_copies(connection, patient_id):
        ledger.put(copy)
        homeless.discard(copy.home_run_id or 0)
    if homeless:
        _make_copies(connection, ledger, sorted(homeless))
    newest_first = sa.select(DECISION).where(DECISION.c.patient_id == patient_id, DECISION.c.undone_at_utc.is_(None))
    for row in connection.execute(newest_first.order_by(DECISION.c.id)):
        if row.verdict == RunVerdict.ACCEPTED:
            ledger.accepted.add(row.copy_id)
        else:
            ledger.verdicts[frozenset({row.copy_id, row.other_copy_id})] = RunVerdict(row.verdict)
    return ledger


def read_copies(connection: sa.Connection, patient_id: int) -> list[Copy]:
    """Read what was told of a patient's runs, oldest first, inside a transaction whose caller asked the lock."""
    copies = []
    for row in connection.execute(sa.select(COPY).where(COPY.c.patient_id == patient_id).order_by(COPY.c.id)):
        fields, more = told_fields(row.told)
        copies.append(
            Copy(
                id=row.id,
                run_id=row.run_id,
                home_run_id=row.home_run_id,
                file_id=row.import_file_id,
                fields=fields,
                minutes=row.minutes,
                recorded_at_utc=row.recorded_at_utc,
                recorded_by_id=row.recorded_by_id,
                number=row.number,
                **more,
            )
        )
    return copies


def _make_copies(connection: sa.Connection, ledger: Ledger, run_ids: Sequence[int]) -> None:
    """Runs that were stored before copies were kept are their own copy."""
    of_patient = (
        sa.select(SERIES.c.run_id, SERIES.c.minutes).join(RUN, RUN.c.id == SERIES.c.run_id).where(RUN.c.patient_id == ledger.patient_id)
    )
    minutes = {row.run_id: row.minutes for row in connection.execute(of_patient)}
    for run_id in run_ids:
        row = ledger.runs[run_id].wanted
        local = row["started_at_utc"].timestamp() + row["utc_offset_s"]
        is_noon = 12 * 3600 <= local % 86_400 < 12 * 3600 + 60  # a list that gave a day alone; see runs_csv
        copy = ledger.draft(
            file_id=row["import_file_id"],
            fields={name: row[name] for name in TOLD_FIELDS},
            minutes=minutes.get(run_id),
            recorded_at_utc=row["recorded_at_utc"],
            recorded_by_id=row["recorded_by_id"],
            source=BY_HAND if row["import_file_id"] is None else "file",
            start_is_known=not (is_noon and row["distance_rule"] == DistanceRule.AS_GIVEN),
        )
        ledger.adopt(ledger.add(copy), run_id)
    ledger.store_copies(connection, linked=True)
