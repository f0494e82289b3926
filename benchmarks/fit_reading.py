"""FIT files to runs: the product's importer against the bare unpacking of the same files, and its reader against fitdecode's."""

import gzip
import hashlib
import io
import zipfile
from datetime import datetime, timedelta

import numpy as np

from benchmarks.figures import PAIRS, Figure, cpu_pairs, milliseconds
from data.importers.base import ReadFile, unpacked
from data.importers.fit import read
from data.importers.fit_columns import parts_of
from data.importers.fit_messages import parts_by_fitdecode
from tests.run_files import START, FitRun, activity_message, file_id, fit_file

GOAL, FLOOR = 2.5, 1.0  # goal 6 with the per-minute series; the database, about 0.1 of the floor, comes on top
RECORDS = 2_800  # 80 KB
FILES, FITDECODE_PAIRS = 20, 5


def recording(number: int, *, records: int = RECORDS, first: datetime = START) -> bytes:
    """
    Make a run as a watch would record it, a record a second with place, altitude, cadence, heart rate and running dynamics.

    Its values wander like real ones do, so that it packs no better than a real file. The same number gives the same bytes.
    It is of as many days after the first one.
    """
    sure = np.random.default_rng(number)
    run = FitRun(start=first + timedelta(days=number), seconds=records - 1)

    def wandering(around: float, by: float, within: float) -> list[float]:
        steps = np.cumsum(sure.normal(0, by, records))
        return np.clip(
            around + steps - np.linspace(0, steps[-1], records) + sure.normal(0, by, records), around - within, around + within
        ).tolist()

    speed, cadence, east = wandering(3.0, 0.08, 1.0), wandering(85.0, 0.5, 8.0), wandering(-87.6, 2e-5, 0.02)
    altitude, heart, contact, bounce = wandering(180, 0.3, 40), wandering(150, 0.7, 30), wandering(250, 2.0, 40), wandering(90, 1.0, 20)
    way = np.cumsum(speed).tolist()
    messages = [
        run.record(
            second, distance=way[second], speed=speed[second], cadence=int(cadence[second]), fractional_cadence=cadence[second] % 1,
            altitude=altitude[second], heart_rate=heart[second], stance_time=contact[second], vertical_oscillation=bounce[second],
            position_lat=41.9 + way[second] / 111_195 + sure.normal(0, 1e-5), position_long=east[second],
        )
        for second in range(records)
    ]  # fmt: skip
    summary = "session", run.summary()[1] | {"total_distance": way[-1]}
    return fit_file([file_id(), *messages, summary, activity_message(run.start + timedelta(seconds=records), timedelta(hours=-6))])


def fit_figures(*, pairs: int = PAIRS, files: int = FILES, records: int = RECORDS, fitdecode_pairs: int = FITDECODE_PAIRS) -> list[Figure]:
    """
    Compare reading with unpacking, part by part.

    Returns
    -------
    list of Figure
        A Strava-like zip of .fit.gz files to runs, by the importer's own steps (unpacking, both hashes, reading), without the database;
        the steps of one file; fitdecode beside the fast reader.

    Raises
    ------
    RuntimeError
        If a file does not give its one run, or the fast reader steps aside.
    """
    contents = [recording(number, records=records) for number in range(files)]
    packed = [gzip.compress(content, mtime=0) for content in contents]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        for number, content in enumerate(packed):
            written.writestr(f"activities/{number}.fit.gz", content)

    def floor() -> int:
        with zipfile.ZipFile(archive) as opened:
            return sum(len(gzip.decompress(opened.read(name))) for name in opened.namelist())

    def imported() -> list[ReadFile]:
        found = []
        with zipfile.ZipFile(archive) as opened:
            for name in opened.namelist():
                stored = opened.read(name)
                hashlib.sha256(stored).digest()
                content = unpacked(stored)
                hashlib.sha256(content).digest()
                found.append(read(content))
        return found

    if any(len(file.runs) != 1 or file.partial for file in imported()) or parts_of(contents[0]) is None:
        raise RuntimeError("A made FIT file does not give its run, or is not read fast.")
    one, one_packed = contents[0], packed[0]
    size = f"{len(one) / 1000:.0f} KB, {records:,} records"

    def unpacking() -> None:
        hashlib.sha256(gzip.decompress(one_packed)).digest()

    whole = cpu_pairs(imported, floor, pairs=pairs)
    reading = cpu_pairs(lambda: read(one), unpacking, pairs=pairs, times=10)
    columns = cpu_pairs(lambda: parts_of(one), unpacking, pairs=pairs, times=10)
    theirs = cpu_pairs(lambda: parts_by_fitdecode(one), lambda: parts_of(one), pairs=fitdecode_pairs)
    per_file = f"{milliseconds(whole.subject_s / files)} / {milliseconds(whole.floor_s / files)} a file of {size}, database not counted"
    return [
        Figure(f"CPU: zip of {files} .fit.gz to runs / unzip + gunzip only", whole.ratio, GOAL, FLOOR, per_file),
        Figure(
            "CPU: bytes of one FIT to its run / gunzip + sha256", reading.ratio, None, FLOOR, _beside(reading.subject_s, reading.floor_s)
        ),
        Figure("CPU: of that, decoding / gunzip + sha256", columns.ratio, None, FLOOR, _beside(columns.subject_s, columns.floor_s)),
        Figure("CPU: decoding by fitdecode / by us", theirs.ratio, None, FLOOR, _beside(theirs.subject_s, theirs.floor_s)),
    ]


def _beside(subject_s: float, floor_s: float) -> str:
    return f"{milliseconds(subject_s)} / {milliseconds(floor_s)}"
