"""
`python -m benchmarks.fuzz_readers --inputs 100000 --seed N`: changed files of every kind, against the readers and against a whole import.

Each is read in a process of its own kind, as an import reads it, with 10 s and 300 MB for a file: it must be read or refused in words.
Three quarters of the files are changed from whole ones, a quarter from files that took the readers a new way (`Ways`), which is traced.
Then some are imported into a database (fuzz_imports.py). What fails is written to a folder. Exit code 1 if anything failed.
"""

import argparse
import functools
import json
import mmap
import os
import random
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from data.importers.child import confine
from data.reading import ENVIRONMENT
from tests.fuzz_kinds import TooMuchMemory, kinds, tried
from tests.serving import ROOT

INPUTS, IMPORTED, SEED = 100_000, 2_000, 1
SECONDS_MAX, MEMORY_MAX_BYTES = 10.0, 300_000_000
SILENT_SECONDS_MAX = (
    120.0  # without a word: it waits for something that never comes; of other programs' doing on a loaded machine it is not
)
SHARED_BYTES = 64 * 1024 * 1024  # the file that is being read, to be kept if the process dies of it
TRACED_SHARE = 0.25  # a traced one takes four times as long
PART = 8_000
KEPT_MAX, KEPT_MAX_BYTES = 2_000, 20_000
PROGRAM = ("-m", "benchmarks.fuzz_readers", "--read")
_WATCHED = ("/data/importers/", "/data/sources.py", "/zipfile")


class Ways:
    """
    Which files took the readers a new way: coverage by pairs of lines, without a tool that has to be compiled.

    Attributes
    ----------
    kept : list of bytes
        Whole files, and those that went from a line to another as none before.
    """

    def __init__(self, seeds: tuple[bytes, ...]) -> None:
        self.kept = list(seeds)
        self.seen: set[tuple[CodeType, int, int]] = set()
        self._is_watched = functools.cache(lambda path: any(part in path for part in _WATCHED))

    def traced(self, content: bytes, work: Callable[[], object]) -> None:
        """Do some work; keep the content if it led to somewhere new."""
        before = len(self.seen)
        last: dict[FrameType, int] = {}

        def in_line(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                self.seen.add((frame.f_code, last.get(frame, 0), frame.f_lineno))
                last[frame] = frame.f_lineno
            else:
                last.pop(frame, None)
            return in_line

        sys.settrace(lambda frame, *_: in_line if self._is_watched(frame.f_code.co_filename) else None)
        try:
            work()
        finally:
            sys.settrace(None)
            if len(self.seen) > before and len(self.kept) < KEPT_MAX and len(content) <= KEPT_MAX_BYTES:
                self.kept.append(content)


# -- in the process that reads ------------------------------------------------------------------------------------------


def read_some(name: str, seed: int, first: int, count: int, shared: Path) -> None:
    """Read so many files of a kind and say of each, in a line of JSON, what became of it; a file that takes too long ends the process."""
    kind = kinds()[name]
    ways = Ways(kind.seeds)
    with shared.open("r+b") as file:
        place = mmap.mmap(file.fileno(), SHARED_BYTES)
    for content in kind.seeds:
        tried(kind.file_name, content)  # what is loaded once is no memory of a file
    warnings.simplefilter("ignore")
    told = os.fdopen(os.dup(1), "w")
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # openpyxl prints what it cannot read
    confine(_address_bytes() + MEMORY_MAX_BYTES)
    base_kb = _peak_kb()
    for number in range(first, first + count):
        sure = random.Random(f"{seed}/{name}/{number}")
        is_traced = sure.random() < TRACED_SHARE
        content = kind.made(sure, ways.kept if is_traced else None)
        place[: 8 + len(content)] = len(content).to_bytes(8, "little") + content
        said: dict[str, Any] = {"number": number, "outcomes": []}

        def work(content: bytes = content, said: dict[str, Any] = said) -> None:
            said["outcomes"] = tried(kind.file_name, content)

        begun = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS_MAX)  # of CPU; nobody waits for the signal: it ends the process
        try:
            if is_traced:
                ways.traced(content, work)
            else:
                work()
        except (MemoryError, TooMuchMemory):
            said["fault"] = "memory"
        except Exception:  # noqa: BLE001 - that is what is looked for
            said["fault"] = traceback.format_exc()
        signal.setitimer(signal.ITIMER_PROF, 0)
        said |= {"seconds": time.process_time() - begun, "grown_kb": _peak_kb() - base_kb, "kept": len(ways.kept), "lines": len(ways.seen)}
        print(json.dumps(said), file=told, flush=True)


def _address_bytes() -> int:
    """How much address space the process takes; 0 where a system does not tell, and there its limit is not kept either."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _peak_kb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


# -- outside ------------------------------------------------------------------------------------------------------------


@dataclass
class Told:
    """What became of the files of one kind."""

    kind: str
    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    tracebacks: int = 0
    hangs: int = 0
    breaches: int = 0
    crashes: int = 0
    slowest_s: float = 0.0
    grown_mb: float = 0.0
    kept: int = 0
    lines: int = 0

    @property
    def faults(self) -> int:
        return self.tracebacks + self.hangs + self.breaches + self.crashes

    @property
    def line(self) -> str:
        """Give the figures as a line."""
        words = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.most_common())
        return (
            f"  {self.kind:<19} {self.inputs:>7} inputs: {self.tracebacks} tracebacks, {self.hangs} hangs, {self.breaches} over memory, "
            f"{self.crashes} crashes; slowest {self.slowest_s:.2f} s, {self.grown_mb:.0f} MB; {self.lines} ways, {self.kept} files kept; {words}"
        )


def told_of(name: str, count: int, seed: int, folder: Path, *, first: int = 0, program: tuple[str, ...] = PROGRAM) -> Told:
    """Read so many files of a kind; a process that died is followed by another one, at the next file."""
    told, end = Told(name), first + count
    shared = folder / f"{name}-{first}.now"
    with shared.open("wb") as file:
        file.truncate(SHARED_BYTES)
    while first < end:
        command = [sys.executable, *program, name, str(seed), str(first), str(end - first), str(shared)]
        environment = {**os.environ, **ENVIRONMENT}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            for said in _said(process):
                first = said["number"] + 1
                _noted(told, said, folder, shared)
            process.wait()
            if first < end:
                if process.returncode == 1 and process.stderr is not None:  # ours, not a file's
                    raise RuntimeError(process.stderr.read().decode()[-2_000:])
                is_hang = -process.returncode in {signal.SIGPROF, signal.SIGKILL}
                told.hangs, told.crashes = told.hangs + is_hang, told.crashes + (not is_hang)
                told.inputs += 1
                _kept(folder, name, first, shared, f"ended by signal {-process.returncode}")
                first += 1
    shared.unlink()
    return told


def _said(process: "subprocess.Popen[bytes]") -> Iterator[dict[str, Any]]:
    """Give what a process says, line by line; one that says nothing for long is ended."""
    assert process.stdout is not None
    rest = b""
    while True:
        if not select.select([process.stdout], [], [], SILENT_SECONDS_MAX)[0]:
            process.kill()
        piece = os.read(process.stdout.fileno(), 65_536)
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        yield from map(json.loads, lines)


def _noted(told: Told, said: dict[str, Any], folder: Path, shared: Path) -> None:
    told.inputs += 1
    told.outcomes.update(said["outcomes"])
    told.slowest_s, told.grown_mb = max(told.slowest_s, said["seconds"]), max(told.grown_mb, said["grown_kb"] / 1000)
    told.kept, told.lines = said["kept"], said["lines"]
    fault = said.get("fault", "memory" if said["grown_kb"] * 1000 > MEMORY_MAX_BYTES else "")
    if fault:
        told.breaches, told.tracebacks = told.breaches + (fault == "memory"), told.tracebacks + (fault != "memory")
        (folder / f"{told.kind}-{said['number']}.txt").write_text(fault, encoding="utf-8")
        print(f"  {told.kind} {said['number']}: {fault.strip().splitlines()[-1][:200]}", file=sys.stderr, flush=True)


def _kept(folder: Path, name: str, number: int, shared: Path, why: str) -> None:
    content = shared.read_bytes()
    size = int.from_bytes(content[:8], "little")
    (folder / f"{name}-{number}.bin").write_bytes(content[8 : 8 + size])
    print(f"  {name} {number}: {why}", file=sys.stderr, flush=True)


def parts(inputs: int) -> list[tuple[str, int, int]]:
    """
    Cut the shares of all kinds into pieces that can be read at once: kind, first number, how many.

    >>> parts(100_000)[-3:]
    [('zip', 0, 8000), ('zip', 8000, 8000), ('zip', 16000, 7080)]
    """
    return [(name, first, min(PART, count - first)) for name, count in shares(inputs).items() for first in range(0, count, PART)]


def shares(inputs: int) -> dict[str, int]:
    """
    Spread so many files over all kinds, evenly; archives, which hold all others, get as many as three.

    >>> sum(shares(100_000).values()), shares(13)["zip"]
    (100000, 3)
    """
    weights = {name: 3 if name == "zip" else 1 for name in kinds()}
    total = sum(weights.values())
    found = {name: inputs * weight // total for name, weight in weights.items()}
    return {**found, "zip": found["zip"] + inputs - sum(found.values())}


def main() -> None:
    """Try, print the figures of each kind, and end with 1 if anything failed."""
    if sys.argv[1:2] == ["--read"]:
        name, seed, first, count, shared = sys.argv[2:]
        read_some(name, int(seed), int(first), int(count), Path(shared))
        return
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz_readers", description="Changed files of every kind, read and imported."
    )
    parser.add_argument("--inputs", type=int, default=INPUTS, help="files to read, spread over all kinds")
    parser.add_argument("--imported", type=int, default=IMPORTED, help="further files that go into a database")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-readers-"))
    print(f"{options.inputs:,} changed files, seed {options.seed}. What fails is written to {folder}.", flush=True)

    def part_told(part: tuple[str, int, int]) -> Told:
        name, first, count = part
        told = told_of(name, count, options.seed, folder, first=first)
        print(told.line, flush=True)
        return told

    with ThreadPoolExecutor(options.workers) as pool:
        found = list(pool.map(part_told, parts(options.inputs)))
    read_cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    inputs, faults = sum(told.inputs for told in found), sum(told.faults for told in found)
    print(
        f"{inputs:,} inputs read or refused in words: {sum(told.tracebacks for told in found)} tracebacks, {sum(told.hangs for told in found)} hangs "
        f"(over {SECONDS_MAX:.0f} s), {sum(told.breaches for told in found)} over {MEMORY_MAX_BYTES // 1_000_000} MB, "
        f"{sum(told.crashes for told in found)} crashes; {read_cpu.ru_utime + read_cpu.ru_stime:.0f} s CPU",
        flush=True,
    )
    from benchmarks.fuzz_imports import imported

    with tempfile.TemporaryDirectory(prefix="fuzz-imports-") as root:
        brought = imported(options.imported, options.seed, Path(root))
    print(brought.line)
    for complaint in brought.complaints[:20]:
        print(f"  {complaint}")
    if not any(folder.iterdir()):
        folder.rmdir()
    sys.exit(1 if faults or brought.complaints or inputs != options.inputs else 0)


if __name__ == "__main__":
    main()
