"""
`python -m benchmarks.import_speed`: goal 6, a Strava archive of 1,000 runs, new and known, beside unzipping and gunzipping its recordings.

All CPU time counts: of this process and of the one that reads the files, its start too. What belongs to the floor is read, unzip and
gunzip alone; we also hash twice, read, check, place, store with the minutes and the originals, refresh the weeks and write the audit.
Beside it, told and not a goal: the same recordings as a folder, fitdecode, and GarminDB where an interpreter that has it is named.

With `--read-before` the recordings are read beforehand, so that only the database's half is measured. `--profile` tells where it goes.
"""

import argparse
import cProfile
import gzip
import pstats
import resource
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from benchmarks.figures import HEADINGS, Figure
from benchmarks.fit_reading import RECORDS, recording
from data import audit, imports, records
from data.database import make_engine, migrate, new_key_file, writing
from data.import_reports import ImportReport
from data.importers.base import FileRefused, Importer, ReadFile, read_bytes
from data.importers.fit_messages import parts_by_fitdecode
from data.imports import ReadBytes
from data.permissions import COMMAND_LINE
from data.reading import Reader
from models import Clinic, PatientEntry
from tests.table_files import strava_list, strava_row

FILES = 1_000  # about 80 KB each, 52 KB packed, as a Strava archive holds them
NEW_GOAL, KNOWN_GOAL = 2.5, 0.3  # with the minutes of each run; 2.0 would be without them
PEER_FILES = 20
NOTED = 30  # lines of a profile
FIRST = datetime(2022, 1, 3, 12, 0, tzinfo=UTC)
# What GarminDB does with a folder of FIT files, by its own classes; prints files, CPU seconds and records.
GARMINDB = """
import logging, resource, sys, tempfile
logging.disable(logging.CRITICAL)
from idbutils import DbParams
from garmindb import ActivityFitFileProcessor, PluginManager
from garmindb.fit_data import FitData
from garmindb.garmindb import ActivitiesDb, ActivityRecords
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
with tempfile.TemporaryDirectory() as made:
    where = DbParams(db_type="sqlite", db_path=made)
    files = FitData(sys.argv[1], 0)
    before = spent()
    files.process_files(ActivityFitFileProcessor(where, plugin_manager=PluginManager(made, where)))
    cost = spent() - before
    with ActivitiesDb(where).managed_session() as session:
        print(files.file_count(), cost, session.query(ActivityRecords).count())
"""


@dataclass(frozen=True)
class Sent:
    """The archive, and the same recordings in a folder."""

    archive: Path
    folder: Path
    names: tuple[str, ...]

    @classmethod
    def made(cls, root: Path, files: int) -> "Sent":
        """Make both, one run a day, each with a line in the list; what lies there from before is taken."""
        folder, archive = root / f"recordings-{files}", root / f"export-{files}.zip"
        names = tuple(f"{number:04d}.fit.gz" for number in range(files))
        if not archive.exists():
            root.mkdir(parents=True, exist_ok=True)
            folder.mkdir(exist_ok=True)
            lines = []
            for number, name in enumerate(names):
                content = recording(number, first=FIRST)
                (folder / name).write_bytes(gzip.compress(content, 6, mtime=0))
                lines.append(_line(number, name, content))
            half = archive.with_suffix(".part")
            with zipfile.ZipFile(half, "w") as written:  # what is packed already is stored as it is
                written.writestr("activities.csv", strava_list(*lines), zipfile.ZIP_DEFLATED)
                for name in names:
                    written.write(folder / name, f"activities/{name}")
            half.rename(archive)
        return cls(archive, folder, names)

    def unpack(self) -> int:
        """Do what the floor is: unzip and gunzip every recording; gives the bytes."""
        with zipfile.ZipFile(self.archive) as opened:
            return sum(len(gzip.decompress(opened.read(f"activities/{name}"))) for name in self.names)

    def unpack_folder(self) -> int:
        """Do the same for the folder."""
        return sum(len(gzip.decompress((self.folder / name).read_bytes())) for name in self.names)

    def some(self, count: int) -> list[bytes]:
        """Give the first recordings, unpacked."""
        return [gzip.decompress((self.folder / name).read_bytes()) for name in self.names[:count]]


def _line(number: int, name: str, content: bytes) -> list[str]:
    (run,) = read_bytes(content, name)[1].runs
    row = strava_row(date=f"{run.started_at_utc:%b %-d, %Y, %-I:%M:%S %p}", file=f"activities/{name}", cadence="")
    elapsed, moving, metres = f"{run.elapsed_time_s:.1f}", f"{run.moving_time_s:.1f}", f"{run.distance_m:.1f}"
    at = row.index(f"activities/{name}")
    return [
        f"{number + 10**10}",
        *row[1:5],
        f"{run.elapsed_time_s:.0f}",
        f"{run.distance_m / 1000:.2f}",
        *row[7 : at + 1],
        elapsed,
        moving,
        metres,
        *row[at + 4 :],
    ]


def read_before(sent: Sent) -> Callable[[bytes, str], tuple[Importer, ReadFile]]:
    """Read one recording, and give each file a reading like it on its own day; the list is read as it is."""
    importer, read = read_bytes(*sent.some(1), "0000.fit")

    def reader(content: bytes, name: str) -> tuple[Importer, ReadFile]:
        if ".fit" not in name:
            return read_bytes(content, name)
        day = timedelta(days=int(name.rpartition("/")[2][:4]))
        return importer, replace(read, runs=tuple(replace(run, started_at_utc=run.started_at_utc + day) for run in read.runs))

    return reader


def new_clinic(root: Path, number: int, *, encrypted: bool = True) -> tuple[sa.Engine, str]:
    """Make a clinic with one patient; gives the engine and the patient's key."""
    database_key = new_key_file(root / f"clinic-{number}.key") if encrypted else None
    engine = make_engine(f"sqlite:///{root / f'clinic-{number}.db'}", database_key)
    migrate(engine)
    audit.make_key(engine)
    with writing(engine) as connection:
        connection.execute(sa.insert(Clinic).values(id=1, name="Bench", time_zone="America/Chicago", week_start=0))
    entry = PatientEntry.checked(today=datetime.now(UTC).date(), code="ADA", time_zone="America/Chicago")
    return engine, records.add_patient(engine, COMMAND_LINE, entry)


def cpu_seconds() -> float:
    """Give the CPU time of this process, and of those that it started and that have ended."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def spent(work: Callable[[], object]) -> float:
    """Measure a piece of work; a process that it starts must have ended when it returns."""
    before = cpu_seconds()
    work()
    return cpu_seconds() - before


def reader_start() -> float:
    """Measure what it costs that the files are read in a process of its own, before the first one."""

    def start() -> None:
        with Reader() as reader, suppress(FileRefused):
            reader.read(b"", "nothing")

    return spent(start)


def measured(
    root: Path,
    handed_in: Path,
    floor: Callable[[], object],
    *,
    pairs: int,
    reader: ReadBytes | None = None,
    profiled: bool = False,
    encrypted: bool = True,
) -> dict[str, list[tuple[float, float, float]]]:
    """Import into new clinics, each time new and again; gives for both ratio, CPU seconds and the floor's, smallest ratio first."""
    found: dict[str, list[tuple[float, float, float]]] = {"new": [], "known": []}
    for number in range(pairs):
        with tempfile.TemporaryDirectory(dir=root) as place:
            engine, key = new_clinic(Path(place), number, encrypted=encrypted)
            for which, turns in found.items():

                def bring(engine: sa.Engine = engine, key: str = key) -> ImportReport:
                    with ExitStack() as held:
                        sources = imports.sources_in([handed_in], held)
                        return imports.import_files(engine, COMMAND_LINE, key, sources, via="command line", reader=reader)

                least_s = spent(floor)
                profile = cProfile.Profile(time.process_time) if profiled and number == 0 else None
                reports: list[ImportReport] = []
                spent_s = spent(lambda: reports.append(profile.runcall(bring) if profile else bring()))  # noqa: B023 - called at once
                if profile:
                    print(f"\n{which}:")
                    pstats.Stats(profile).sort_stats("tottime").print_stats(NOTED)
                turns.append((spent_s / least_s, spent_s, least_s))
                added = reports[0].runs_added
                if (added == 0) is not (which == "known"):
                    raise RuntimeError(f"{added} runs were added by an import that is {which}.")
            engine.dispose()
    return {which: sorted(turns) for which, turns in found.items()}


def peers(sent: Sent, floor_s: float, garmindb: Path | None) -> list[str]:
    """Measure fitdecode, and GarminDB by an interpreter that has it, from a few files; gives a line each."""
    some = sent.some(PEER_FILES)
    scale = len(sent.names) / len(some)
    decoding_s = spent(lambda: [parts_by_fitdecode(content) for content in some]) * scale
    lines = [f"fitdecode, decoding alone: {decoding_s:.0f} s CPU, {decoding_s / floor_s:.0f} times (from {len(some)} files)"]
    if garmindb is None:
        return [*lines, "GarminDB: not in the environment (name an interpreter that has it by --garmindb)"]
    with tempfile.TemporaryDirectory() as place:
        for number, content in enumerate(some):
            (Path(place) / f"{1000 + number}.fit").write_bytes(content)
        said = subprocess.run([garmindb, "-c", GARMINDB, place], check=True, capture_output=True, text=True).stdout.split()
    theirs_s = float(said[-2]) * scale
    told = f"from {said[-3]} files; it stores each of the {int(said[-1]):,} records as a row, we do not"
    return [*lines, f"GarminDB: {theirs_s:.0f} s CPU, {theirs_s / floor_s:.0f} times ({told})"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_speed", description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--read-before", action="store_true", help="measure without reading the recordings")
    parser.add_argument("--folder", type=Path, help="where the recordings are made, or lie from before; default a temporary one")
    parser.add_argument("--profile", action="store_true", help="print where the time of a new and a known import goes")
    parser.add_argument("--garmindb", type=Path, help="an interpreter of an environment that has GarminDB")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="still-running-import-") as made:
        root = Path(made)
        sent = Sent.made(options.folder or root, options.files)
        reader = read_before(sent) if options.read_before else None
        of_archive = measured(root, sent.archive, sent.unpack, pairs=options.pairs, reader=reader, profiled=options.profile)
        of_folder = measured(root, sent.folder, sent.unpack_folder, pairs=options.pairs, reader=reader)
        of_open = measured(root, sent.archive, sent.unpack, pairs=options.pairs, reader=reader, encrypted=False)
        half = ", the database's half" if options.read_before else ""
        print(
            f"\nGoal 6: a Strava archive of {options.files} runs of {RECORDS:,} records as .fit.gz, with its list{half}; an encrypted clinic."
        )
        print(f"Floor: unzip + gunzip alone. CPU of all processes, median of {options.pairs} pairs.\n{HEADINGS}")
        for what, turns in (
            ("archive", of_archive),
            ("archive, clinic without encryption", of_open),
            ("same files as a folder", of_folder),
        ):
            for which, goal in (("new", NEW_GOAL), ("known", KNOWN_GOAL)):
                ratio, spent_s, least_s = turns[which][len(turns[which]) // 2]
                kept = goal if what == "archive" else None
                print(Figure(f"import of the {what}: all {which}", ratio, kept, 1.0, f"{spent_s:.2f} s CPU / {least_s:.2f} s").line)
        floor_s = of_archive["new"][len(of_archive["new"]) // 2][2]
        if not options.read_before:
            start_s = sorted(reader_start() for _ in range(options.pairs))[options.pairs // 2]
            told = f"{start_s:.2f} s CPU, once an import of anything new"
            print(Figure("of each new one: the start of the process that reads files", start_s / floor_s, None, 1.0, told).line)
            print("\n".join(peers(sent, floor_s, options.garmindb)))


if __name__ == "__main__":
    main()
