"""
`python -m benchmarks.audit_tampering`: rows of the audit are changed, deleted, swapped, inserted and cut off behind the program's back.

Each trial takes the guards of the database away, tampers with the file by the raw driver, puts the guards back and asks `audit_check.verify`. It
counts only if the rows that were touched are named. Prints the figures, and what one append costs.
"""

import argparse
import hashlib
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlcipher

from data import audit, audit_check, audit_key
from data.database import make_engine, migrate, writing
from models import AuditAction, Role, Viewer

TRIALS, ROWS, APPENDS, CHECKED_ROWS = 2_000, 40, 500, 20_000
BEGAN = datetime(2025, 3, 3, 12, tzinfo=UTC)
COLUMNS = (
    "seq",
    "at_utc",
    "person_id",
    "actor",
    "source",
    "action",
    "object_kind",
    "object_key",
    "patient_id",
    "detail",
    "previous_mac",
    "mac",
)
CONTENT = COLUMNS[1:-2]


def filled(folder: Path, rows: int = ROWS) -> Path:
    """Make a database whose audit has some rows, with its key and head beside it."""
    path = folder / "clinic.db"
    engine = make_engine(f"sqlite:///{path}")
    migrate(engine)
    actions = list(AuditAction)
    with writing(engine) as connection:
        for number in range(rows):
            viewer = Viewer(person_id=number % 5 + 1, name=f"Therapist {number % 5}", roles=frozenset({Role.THERAPIST}))
            audit.record(
                connection,
                viewer,
                actions[number % len(actions)],
                kind="pain_score",
                key=number,
                patient_id=number % 7 + 1,
                old={"nprs": number % 10},
                new={"nprs": (number + 1) % 10},
                now=BEGAN + timedelta(minutes=number),
            )
    engine.dispose()
    return path


@dataclass(frozen=True)
class Trial:
    """What was done, and the rows that must be named."""

    what: str
    rows: tuple[int, ...]


def _row(raw: Any, seq: int) -> dict[str, Any]:
    found = raw.execute(f"SELECT {', '.join(COLUMNS)} FROM audit_event WHERE seq = ?", (seq,)).fetchone()
    return dict(zip(COLUMNS, found, strict=True))


def _put(raw: Any, row: dict[str, Any]) -> None:
    raw.execute(f"INSERT INTO audit_event ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})", [row[name] for name in COLUMNS])


def _shift(raw: Any, first: int, by: int) -> None:
    raw.execute("UPDATE audit_event SET seq = -seq WHERE seq >= ?", (first,))
    raw.execute("UPDATE audit_event SET seq = -seq + ? WHERE seq < 0", (by,))


def _other(chance: random.Random, name: str, value: Any) -> Any:
    if name == "at_utc":
        return str(value).replace("2025", "2024")
    if name == "action":
        return chance.choice([action.value for action in AuditAction if action.value != value])
    if name in {"person_id", "patient_id"}:
        return chance.choice([None, value + 1, 4711])
    if name in {"mac", "previous_mac"}:
        return hashlib.sha256(str(value).encode()).hexdigest()
    return chance.choice([f"{value} ", "", str(value)[:-1] + "9"]) if value else "x"


def change(raw: Any, chance: random.Random) -> Trial:
    """Give a column of a row another value."""
    seq, name = chance.randint(1, ROWS), chance.choice(COLUMNS[1:])
    old = _row(raw, seq)[name]
    new = _other(chance, name, old)
    while new == old:
        new = _other(chance, name, old)
    raw.execute(f"UPDATE audit_event SET {name} = ? WHERE seq = ?", (new, seq))
    return Trial("change", (seq,))


def rehash(raw: Any, chance: random.Random) -> Trial:
    """Change a row and give it a hash again, made without the key."""
    seq = chance.randint(1, ROWS)
    row = _row(raw, seq)
    text = "".join(str(row[name]) for name in COLUMNS[:-1])
    raw.execute("UPDATE audit_event SET actor = 'nobody', mac = ? WHERE seq = ?", (hashlib.sha256(text.encode()).hexdigest(), seq))
    return Trial("change with a new hash", (seq,))


def delete(raw: Any, chance: random.Random) -> Trial:
    """Take rows out of the middle; sometimes the later ones move up."""
    first = chance.randint(1, ROWS - 1)
    last = min(ROWS - 1, first + chance.choice([0, 0, 0, 1, 5]))
    raw.execute("DELETE FROM audit_event WHERE seq BETWEEN ? AND ?", (first, last))
    if last == first and chance.random() < 0.5:
        _shift(raw, last + 1, -1)
        return Trial("delete and move up", (first,))
    return Trial("delete", (first, last))


def swap(raw: Any, chance: random.Random) -> Trial:
    """Let two rows change places, or only what they tell."""
    one, other = sorted(chance.sample(range(1, ROWS + 1), 2))
    names = chance.choice([CONTENT, COLUMNS[1:]])
    first, second = _row(raw, one), _row(raw, other)
    for seq, row in ((one, second), (other, first)):
        raw.execute(
            f"UPDATE audit_event SET {', '.join(f'{name} = ?' for name in names)} WHERE seq = ?", [*(row[name] for name in names), seq]
        )
    return Trial("swap", (one, other))


def insert(raw: Any, chance: random.Random) -> Trial:
    """Put a made-up row in, or a copy of a true one."""
    at = chance.randint(1, ROWS + 1)
    copied = _row(raw, chance.choice([seq for seq in range(1, ROWS + 1) if seq != at]))  # at its own place it would be the true one
    before = _row(raw, at - 1)["mac"] if at > 1 else audit_key.NOTHING_BEFORE
    _shift(raw, at, 1)
    mac = chance.choice([hashlib.sha256(before.encode()).hexdigest(), copied["mac"]])
    _put(raw, {**copied, "seq": at, "previous_mac": before, "mac": mac})
    return Trial("insert", (at,))


def truncate(raw: Any, chance: random.Random) -> Trial:
    """Cut the end off, sometimes all of it."""
    first = chance.choice([1, chance.randint(1, ROWS), ROWS])
    raw.execute("DELETE FROM audit_event WHERE seq >= ?", (first,))
    return Trial("truncate", (first, ROWS))


TAMPERINGS: tuple[Callable[[Any, random.Random], Trial], ...] = (change, rehash, delete, swap, insert, truncate)


def tried(template: Path, folder: Path, chance: random.Random, tampering: Callable[[Any, random.Random], Trial]) -> tuple[Trial, bool, str]:
    """Tamper with a copy; gives what was done, whether just that was found, and what was said."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("clinic.db", "audit.key", "audit.head"):
        shutil.copyfile(template.with_name(name), folder / name)
    (folder / "audit.key").chmod(0o600)
    raw = sqlcipher.connect(str(folder / "clinic.db"), isolation_level=None)
    guards = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_event'").fetchall()
    for name, _ in guards:
        raw.execute(f"DROP TRIGGER {name}")
    trial = tampering(raw, chance)
    for _, sql in guards:
        raw.execute(sql)
    raw.close()
    engine = make_engine(f"sqlite:///{folder / 'clinic.db'}")
    faults = audit_check.verify(engine)
    engine.dispose()
    named = {seq for fault in faults if fault.first is not None for seq in range(fault.first, (fault.last or fault.first) + 1)}
    return trial, set(trial.rows) <= named, " ".join(fault.sentence for fault in faults)


def _costs(folder: Path) -> tuple[float, float, float]:
    """Give the median milliseconds of one append in a transaction of its own, of one within another, and the rows checked a second."""
    folder.mkdir()
    engine = make_engine(f"sqlite:///{filled(folder, CHECKED_ROWS)}")
    began = time.perf_counter()
    assert audit_check.verify(engine) == []
    checked = CHECKED_ROWS / (time.perf_counter() - began)
    viewer = Viewer(person_id=1, name="Therapist", roles=frozenset({Role.THERAPIST}))
    alone, within = [], []
    for _ in range(APPENDS):
        began = time.perf_counter()
        with writing(engine) as connection:
            audit.record(connection, viewer, AuditAction.VIEW, kind="episode", key="k", patient_id=1)
        alone.append(time.perf_counter() - began)
    with writing(engine) as connection:
        for _ in range(APPENDS):
            began = time.perf_counter()
            audit.record(connection, viewer, AuditAction.VIEW, kind="episode", key="k", patient_id=1)
            within.append(time.perf_counter() - began)
    engine.dispose()
    return statistics.median(alone) * 1000, statistics.median(within) * 1000, checked


def main() -> None:
    """Try and print; exit code 1 if a trial was not found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit_tampering", description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--seed", type=int, default=20_180_611)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    done, found = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "template").mkdir()
        template = filled(folder / "template")
        for number in range(options.trials):
            trial, is_found, said = tried(template, folder / str(number), chance, TAMPERINGS[number % len(TAMPERINGS)])
            shutil.rmtree(folder / str(number))
            done[trial.what] += 1
            found[trial.what] += is_found
            if not is_found:
                print(f"NOT FOUND: {trial}: {said or 'nothing was said'}")
        for what, count in done.items():
            print(f"  {what:<25} {found[what]:>5} of {count:>5} found, with the rows named")
        print(f"{found.total():,} of {done.total():,} tamperings found.")
        alone, within, checked = _costs(folder / "costs")
        print(f"One append: {alone:.2f} ms as a transaction of its own (synchronous=FULL), {within:.2f} ms within another one.")
        print(f"Checking: {checked:,.0f} rows a second.")
    sys.exit(0 if found == done else 1)


if __name__ == "__main__":
    main()
