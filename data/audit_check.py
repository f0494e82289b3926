"""The check of the audit: every row, their order and their end. What it finds and what it cannot find is said in docs/audit.md."""

import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from data import permissions
from data.audit import noting_refusals
from data.audit_key import EVENT, NOTHING_BEFORE, Head, head_file, read_head, remember_head, row_mac, secret_of
from data.database import reading
from data.permissions import Act, Thing
from models import Viewer


class FaultKind(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    MOVED = "moved"
    INSERTED = "inserted"
    CUT_OFF = "cut off"
    HEAD = "head"
    UNGUARDED = "unguarded"


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it was written: rows `first` to `last`, and what happened to them."""

    kind: FaultKind
    first: int | None
    last: int | None
    sentence: str


GUARDS = {
    "sqlite": {"audit_event_no_update", "audit_event_no_delete", "audit_event_in_order"},
    "postgresql": {"audit_event_no_change", "audit_event_no_truncate", "audit_event_in_order"},
}
TOLD_EVERY_ROWS = 2_000
LOOKED_AT_CLOSELY = 1_000  # bad rows whose place is searched for among each other


def check(engine: sa.Engine, viewer: Viewer, *, on_progress: Callable[[int], None] | None = None) -> list[Fault]:
    """
    Check the audit for who may read all of it, see `verify`.

    Raises
    ------
    NotFound
        If this viewer may not; that is written down.
    """
    with noting_refusals(engine, viewer, "audit_event", None):
        permissions.require(viewer, Thing.AUDIT, Act.SEE)
    return verify(engine, on_progress=on_progress)


def verify(engine: sa.Engine, *, renew_head: bool = False, on_progress: Callable[[int], None] | None = None) -> list[Fault]:
    """
    Check every row, their order and their end.

    Parameters
    ----------
    renew_head : bool
        Accept the newest row as the end, after a backup was restored on purpose: `audit.head` is written anew.
    on_progress : callable, optional
        Is told now and then how many rows have been looked at.

    Returns
    -------
    list of Fault
        Empty if all is as it was written.

    Raises
    ------
    DatabaseUnusable
        If there are rows but no key.
    """
    path = head_file(engine)
    text = path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table("audit_event"):
            return [Fault(FaultKind.REMOVED, None, None, "The table of the audit is not there.")]
        faults = _guards_missing(connection)
        secret = secret_of(connection)
        head = read_head(text, secret)
        chain = _Chain(secret, head)
        for number, row in enumerate(_raw_rows(connection), start=1):
            chain.add(row)
            if on_progress is not None and number % TOLD_EVERY_ROWS == 0:
                on_progress(number)
        faults += chain.faults()
        newest = chain.newest
    if renew_head and newest is not None:
        remember_head(engine, secret, newest, even_if_older=True)
    elif head is None and text:
        faults.append(Fault(FaultKind.HEAD, None, None, f"{path} was changed: whether the end was cut off cannot be said."))
    elif head is None and newest is not None:
        faults.append(Fault(FaultKind.HEAD, None, None, f"{path} is not there: whether the end was cut off cannot be said."))
    else:
        faults += chain.end_faults()
        if not faults and newest is not None:
            remember_head(engine, secret, newest)
    return faults


def _guards_missing(connection: sa.Connection) -> list[Fault]:
    name = connection.dialect.name
    asked = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_event'"
        if name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_event'::regclass AND tgenabled <> 'D'"
    )
    missing = sorted(GUARDS[name] - set(connection.exec_driver_sql(asked).scalars()))
    return [Fault(FaultKind.UNGUARDED, None, None, f"The database does not guard the audit: no trigger {guard}.") for guard in missing]


def _raw_rows(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    """Give the rows as they are stored, also where a value is of no kind that the program would write."""
    on_sqlite = connection.dialect.name == "sqlite"
    columns = [sa.type_coerce(column, sa.types.NullType()).label(column.name) if on_sqlite else column for column in EVENT.columns]
    order = [EVENT.c.seq, sa.literal_column("rowid")] if on_sqlite else [EVENT.c.seq]
    found = connection.execution_options(yield_per=2_000).execute(sa.select(*columns).select_from(EVENT).order_by(*order))
    for row in found:
        values = dict(row._mapping)
        at = values["at_utc"]
        if isinstance(at, str):
            try:
                moment = datetime.fromisoformat(at)
                values["at_utc"] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            except ValueError:
                pass  # it stays what it is, and the hash will not fit
        yield values


class _Chain:
    """The rows one after the other: what fits, and what became of what does not."""

    def __init__(self, key: bytes, head: Head | None) -> None:
        self.newest: Head | None = None
        self._key, self._head = key, head
        self._expected = 1
        self._previous: dict[str, Any] | None = None
        self._previous_fits = True
        self._shift = 0
        self._gaps: list[tuple[int, int]] = []
        self._moved: list[tuple[int, int]] = []  # stands at, belongs at
        self._bad: list[tuple[dict[str, Any], str | None]] = []  # the row, and the hash of the one before it
        self._follows: dict[int, object] = {}  # bad row: what the next one says its predecessor's hash is
        self._unlinked: list[int] = []
        self._more_bad: list[int] = []
        self._head_seen = False

    def add(self, row: dict[str, Any]) -> None:
        seq, mac = row["seq"], row["mac"]
        before = self._previous["mac"] if self._previous else NOTHING_BEFORE
        if self._bad and self._previous is self._bad[-1][0]:
            self._follows[len(self._bad) - 1] = row["previous_mac"]
        if not isinstance(seq, int) or seq < self._expected:
            self._bad.append((row, before))
            self._previous, self._previous_fits = row, False
            return
        gap = seq > self._expected
        if gap:
            self._gaps.append((self._expected, seq - 1))
        fits = self._fits(row)
        if fits and not gap and self._previous_fits and row["previous_mac"] != before:
            self._unlinked.append(seq)
        if not fits:
            self._set_aside(row, before)
        self._head_seen |= self._head is not None and (seq, mac) == (self._head.seq, self._head.mac)
        self._expected, self._previous, self._previous_fits = seq + 1, row, fits
        self.newest = Head(seq, str(mac))

    def _fits(self, row: dict[str, Any], **elsewhere: object) -> bool:
        try:
            return isinstance(row["mac"], str) and hmac.compare_digest(row_mac(self._key, row, **elsewhere), row["mac"])
        except (TypeError, ValueError):
            return False

    def _set_aside(self, row: dict[str, Any], before: str | None) -> None:
        seq = row["seq"]
        for shift in dict.fromkeys((self._shift, -1, 1)):
            if shift and self._fits(row, seq=seq + shift):
                self._shift = shift
                self._moved.append((seq, seq + shift))
                return
        if len(self._bad) < LOOKED_AT_CLOSELY:
            self._bad.append((row, before))
        else:
            self._more_bad.append(seq)

    def faults(self) -> list[Fault]:
        """Say what became of the rows that do not fit."""
        changed, inserted = list(self._more_bad), []
        places = [(row["seq"], row["previous_mac"], row["mac"]) for row, _ in self._bad]
        for number, (row, before) in enumerate(self._bad):
            belongs = self._belongs(row, places)
            if belongs is not None:
                self._moved.append((row["seq"], belongs))
            elif self._is_inserted(number, row, before):
                inserted.append(row["seq"])
            else:
                changed.append(row["seq"])
        found = [
            *(Fault(FaultKind.CHANGED, first, last, f"{_rows(first, last)} changed.") for first, last in _ranges(changed)),
            *(Fault(FaultKind.INSERTED, first, last, f"{_rows(first, last)} inserted.") for first, last in _ranges(inserted)),
            *(
                Fault(FaultKind.CHANGED, seq, seq, f"Row {seq} does not follow the row before it: one of the two was replaced.")
                for seq in self._unlinked
            ),
        ]
        found += self._moves()
        there = {belongs for _, belongs in self._moved}
        # a place is empty if its row stands elsewhere and no other one belongs there; after the last that moved nothing is missing
        empty = ({at for at, _ in self._moved} | {seq for seq in inserted if isinstance(seq, int)}) - there - set(changed)
        missing = [seq for seq in empty if seq <= max(there, default=0)]
        for first, last in self._gaps:
            whole = last - first > LOOKED_AT_CLOSELY
            missing += [first, last] if whole else [seq for seq in range(first, last + 1) if seq not in there]
        found += [Fault(FaultKind.REMOVED, first, last, f"{_rows(first, last)} removed.") for first, last in _ranges(missing)]
        return sorted(found, key=lambda fault: fault.first or 0)

    def _belongs(self, row: dict[str, Any], places: list[tuple[Any, Any, Any]]) -> int | None:
        """Find the place at which a row fits: as a whole, or only what it tells."""
        for seq, previous_mac, mac in places:
            if seq == row["seq"] or not isinstance(seq, int):
                continue
            if self._fits(row, seq=seq) or self._fits({**row, "mac": mac}, seq=seq, previous_mac=previous_mac):
                return seq
        return None

    def _is_inserted(self, number: int, row: dict[str, Any], before: str | None) -> bool:
        seq = row["seq"]
        if not isinstance(seq, int) or any(seq == other["seq"] for index, (other, _) in enumerate(self._bad) if index < number):
            return True
        if number in self._follows:
            return self._follows[number] == before
        return self._head is not None and seq > self._head.seq

    def _moves(self) -> list[Fault]:
        runs: list[list[int]] = []  # from, to, shift
        for at, belongs in sorted(self._moved):
            if runs and at == runs[-1][1] + 1 and belongs - at == runs[-1][2]:
                runs[-1][1] = at
            else:
                runs.append([at, at, belongs - at])
        return [
            Fault(FaultKind.MOVED, first, last, f"{_rows(first, last)} moved: in truth {_rows(first + shift, last + shift, noun=False)}.")
            for first, last, shift in runs
        ]

    def end_faults(self) -> list[Fault]:
        """Compare the newest row with what was remembered outside the database."""
        if self._head is None or self._head_seen or self._head.seq in {belongs for _, belongs in self._moved}:
            return []
        first = self._expected
        if first <= self._head.seq:
            return [
                Fault(
                    FaultKind.CUT_OFF,
                    first,
                    self._head.seq,
                    f"{_rows(first, self._head.seq)} cut off: row {self._head.seq} had been stored, and the audit ends before it.",
                )
            ]
        return [Fault(FaultKind.HEAD, self._head.seq, self._head.seq, f"Row {self._head.seq} is not the one that had been stored.")]


def _ranges(numbers: Sequence[Any]) -> list[tuple[int, int]]:
    """
    Write numbers as ranges.

    >>> _ranges([3, 1, 2, 7])
    [(1, 3), (7, 7)]
    """
    found: list[tuple[int, int]] = []
    for number in sorted({number for number in numbers if isinstance(number, int)}):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _rows(first: int, last: int, *, noun: bool = True) -> str:
    if first == last:
        return f"Row {first} was" if noun else f"row {first}"
    return f"Rows {first} to {last} were" if noun else f"rows {first} to {last}"
