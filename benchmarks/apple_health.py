"""
An export of Apple Health of one gigabyte, out of its zip: how much slower than unpacking alone, and in how much memory.

    python -m benchmarks.apple_health [MEGABYTES]

Goal: at most 1.6 times unpacking alone, at most 100 MB of memory beside what the program takes by itself.
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

RECORDS_A_WORKOUT = 2_000
GOAL_RATIO, GOAL_MEGABYTES = 1.6, 100
START = datetime(2016, 1, 1, 7, tzinfo=UTC)


def pieces(megabytes: int, *, seed: int = 7) -> Iterator[bytes]:
    """Write an export as a watch and a telephone fill it: heart rates, steps and energy, a run now and then."""
    chance, written, number = random.Random(seed), 0, 0
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE HealthData [\n<!ELEMENT HealthData (Record|Workout)*>\n]>\n<HealthData locale="en_US">\n'
    yield head
    while written < megabytes * 1_000_000:
        day = START + timedelta(days=number)
        lines = []
        for second in range(RECORDS_A_WORKOUT):
            at = day + timedelta(seconds=40 * second)
            until = at + timedelta(seconds=chance.randint(5, 40))
            kind, unit, value = chance.choice(
                (("HeartRate", "count/min", 60), ("StepCount", "count", 10), ("ActiveEnergyBurned", "kcal", 1))
            )
            lines.append(
                f' <Record type="HKQuantityTypeIdentifier{kind}" sourceName="Watch of X" sourceVersion="10.1" device="&lt;&lt;HKDevice: '
                f'0x{chance.getrandbits(36):x}&gt;, name:Apple Watch, manufacturer:Apple Inc., model:Watch, hardware:Watch6,7&gt;" unit="{unit}" '
                f'creationDate="{until:%Y-%m-%d %H:%M:%S} +0000" startDate="{at:%Y-%m-%d %H:%M:%S} +0000" endDate="{until:%Y-%m-%d %H:%M:%S} +0000" '
                f'value="{value + chance.randint(0, 90)}"/>'
            )
        metres = chance.randint(3_000, 12_000)
        lines.append(
            f' <Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="{metres / 165:.3f}" durationUnit="min" sourceName="Watch of X" '
            f'startDate="{day:%Y-%m-%d %H:%M:%S} +0000" endDate="{day + timedelta(seconds=metres / 2.7):%Y-%m-%d %H:%M:%S} +0000">\n'
            f'  <WorkoutStatistics type="HKQuantityTypeIdentifierDistanceWalkingRunning" sum="{metres / 1000}" unit="km"/>\n'
            f'  <WorkoutStatistics type="HKQuantityTypeIdentifierStepCount" sum="{metres}" unit="count"/>\n </Workout>'
        )
        text = ("\n".join(lines) + "\n").encode()
        written, number = written + len(text), number + 1
        yield text
    yield b"</HealthData>\n"


def make(path: Path, megabytes: int) -> int:
    """Write the zip; gives how many runs are in it."""
    runs = 0
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made,
        made.open("apple_health_export/export.xml", "w", force_zip64=True) as out,
    ):
        for piece in pieces(megabytes):
            runs += piece.count(b"<Workout ")
            out.write(piece)
    return runs


UNPACK = """
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as file, file.open("apple_health_export/export.xml") as stream:
    while stream.read(1 << 20):
        pass
"""
READ = """
import sys
from data.importers.apple_health import read_stream
from data.importers.archive import STREAMED_MAX_BYTES, Budget, members
with open(sys.argv[1], "rb") as file:
    (member,) = members(file, "export.zip")
    print(len(read_stream(lambda: member.open(STREAMED_MAX_BYTES)).runs))
"""
NOTHING = "from data.importers import apple_health, archive"


def measured(program: str, *arguments: str) -> tuple[float, float, str]:
    """Run a program; gives its CPU seconds, its peak memory in MB, and what it printed."""
    wrapped = (
        f"import resource\n{program}\nused = resource.getrusage(resource.RUSAGE_SELF)\nprint(used.ru_utime + used.ru_stime, used.ru_maxrss)"
    )
    said = subprocess.run([sys.executable, "-c", wrapped, *arguments], check=True, capture_output=True, text=True).stdout.split()
    kilobyte = 1 if sys.platform != "darwin" else 1024
    return float(said[-2]), int(said[-1]) / kilobyte / 1000, " ".join(said[:-2])


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.zip"
        begun = time.monotonic()
        runs = make(path, megabytes)
        print(f"{megabytes} MB with {runs} runs, {path.stat().st_size / 1e6:.0f} MB packed, made in {time.monotonic() - begun:.0f} s")
        rounds = [(measured(UNPACK, str(path)), measured(READ, str(path))) for _ in range(3)]
        alone, _, _ = measured(NOTHING)
        _, base, _ = measured(NOTHING)
    floor = sorted(unpack[0] for unpack, _ in rounds)[1]
    cost = sorted(read[0] for _, read in rounds)[1] - alone
    memory = max(read[1] for _, read in rounds)
    found = {read[2] for _, read in rounds}
    print(f"unpacking alone {floor:.2f} s CPU, reading {cost:.2f} s: {cost / floor:.2f} times (goal {GOAL_RATIO})")
    print(f"memory {memory:.0f} MB, {memory - base:.0f} MB more than the program alone (goal {GOAL_MEGABYTES} in all)")
    print(f"runs found: {', '.join(found)} of {runs}")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
