"""
`python -m benchmarks.import_speed`: what a folder of recordings costs, new and known, beside reading, unpacking and hashing its bytes.

With `--read-before` the recordings are read beforehand, so that only the database's half is measured. `--profile` tells where it goes.
"""

import argparse
import cProfile
import gzip
import hashlib
import pstats
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from benchmarks.figures import HEADINGS, Figure
from data import audit, imports, records
from data.database import make_engine, migrate, writing
from data.importers.base import Importer, ReadFile, read_bytes
from data.permissions import COMMAND_LINE
from models import Clinic, PatientEntry
from tests.run_files import METRE_NORTH_DEG, FitRun, Message, fit_run

FILES, SECONDS = 1_000, 2_400  # about 80 KB each, as a Strava archive holds them
FIRST = datetime(2022, 1, 3, 12, 0, tzinfo=UTC)
NEW_GOAL, KNOWN_GOAL = 2.0, 0.3
NOTED = 30  # lines of a profile


class Noisy(FitRun):
    """A run whose values waver as real ones do, so that it packs as badly as a real file: about three to two."""

    def records(self) -> list[Message]:
        chance = random.Random(self.start.timestamp())
        place = 1e-5
        return [
            self.record(
                second,
                speed=3.0 + chance.gauss(0, 0.2),
                cadence=85 + chance.randint(-3, 3),
                fractional_cadence=chance.randint(0, 127) / 128,
                altitude=180 + chance.gauss(0, 2),
                stance_time=250 + chance.gauss(0, 8),
                position_lat=41.9 + 3.0 * second * METRE_NORTH_DEG + chance.gauss(0, place),
                position_long=-87.6 + chance.gauss(0, place),
            )
            for second in range(self.seconds + 1)
        ]


def folder_of(root: Path, files: int) -> Path:
    """Make the folder: one run a day, packed with gzip, each with some seconds of its own."""
    folder = root / "sent"
    if folder.exists():
        return folder
    folder.mkdir()
    for number in range(files):
        run = Noisy(start=FIRST + timedelta(days=number), seconds=SECONDS + number % 7)
        (folder / f"{number:04d}.fit.gz").write_bytes(gzip.compress(fit_run(run), 6, mtime=0))
    return folder


def floor(folder: Path) -> int:
    """Read, unpack and hash every file; gives the bytes."""
    size = 0
    for path in sorted(folder.iterdir()):
        content = gzip.decompress(path.read_bytes())
        hashlib.sha256(content).digest()
        size += len(content)
    return size


def read_before(folder: Path) -> Callable[[bytes, str], tuple[Importer, ReadFile]]:
    """Read one recording, and give each file a reading like it on its own day."""
    importer, read = read_bytes(gzip.decompress((folder / "0000.fit.gz").read_bytes()), "0000.fit")

    def reader(_content: bytes, name: str) -> tuple[Importer, ReadFile]:
        day = timedelta(days=int(name.rpartition("/")[2][:4]))
        return importer, replace(read, runs=tuple(replace(run, started_at_utc=run.started_at_utc + day) for run in read.runs))

    return reader


def new_clinic(root: Path, number: int) -> tuple[sa.Engine, str]:
    """Make a clinic with one patient; gives the engine and the patient's key."""
    engine = make_engine(f"sqlite:///{root / f'clinic-{number}.db'}")
    migrate(engine)
    audit.make_key(engine)
    with writing(engine) as connection:
        connection.execute(sa.insert(Clinic).values(id=1, name="Bench", time_zone="America/Chicago", week_start=0))
    entry = PatientEntry.checked(today=datetime.now(UTC).date(), code="ADA", time_zone="America/Chicago")
    return engine, records.add_patient(engine, COMMAND_LINE, entry)


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_speed", description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--read-before", action="store_true", help="measure without reading the recordings")
    parser.add_argument("--folder", type=Path, help="where the recordings are made, or lie from before; default a temporary one")
    parser.add_argument("--profile", action="store_true", help="print where the time of a new and a known import goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="still-running-import-") as made, ExitStack() as held:
        root = Path(made)
        folder = folder_of(options.folder or root, options.files)
        reader = read_before(folder) if options.read_before else read_bytes
        sources = imports.sources_in([folder], held)
        ratios: dict[str, list[tuple[float, float, float]]] = {"new": [], "known": []}
        for number in range(options.pairs):
            engine, key = new_clinic(root, number)

            def bring(engine: sa.Engine = engine, key: str = key) -> None:
                imports.import_files(engine, COMMAND_LINE, key, sources, via="command line", reader=reader)

            for which in ("new", "known"):
                least_s = _cpu(lambda: floor(folder))
                profile = cProfile.Profile(time.process_time) if options.profile and number == 0 else None
                spent_s = _cpu(lambda profile=profile, bring=bring: profile.runcall(bring) if profile else bring())  # type: ignore[misc]
                if profile:
                    print(f"\n{which}:")
                    pstats.Stats(profile).sort_stats("tottime").print_stats(NOTED)
                ratios[which].append((spent_s / least_s, spent_s, least_s))
            engine.dispose()
        half = ", the database's half" if options.read_before else ""
        print(
            f"\nGoal 6: {options.files} recordings of {SECONDS / 60:.0f} minutes as .fit.gz{half}. Floor: read + gunzip + SHA-256.\n{HEADINGS}"
        )
        for which, goal in (("new", NEW_GOAL), ("known", KNOWN_GOAL)):
            ratio, spent_s, least_s = sorted(ratios[which])[len(ratios[which]) // 2]
            print(Figure(f"import, all {which}", ratio, goal, 1.0, f"{spent_s:.2f} s CPU / {least_s:.2f} s").line)


if __name__ == "__main__":
    main()
