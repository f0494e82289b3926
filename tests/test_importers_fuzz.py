"""Whatever the bytes: a file is read or refused with a reason, and nothing else happens. A share of benchmarks/fuzz_readers.py."""

import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import fuzz_imports, fuzz_readers
from data.database import writing
from data.importers import IMPORTERS
from data.importers.base import FileRefused, read_bytes, unpacked
from tests.fuzz_kinds import FIT_SEEDS, GPX_SEEDS, TABLE_SEEDS, TCX_SEEDS, believable, kinds, tried
from tests.test_importers_fit_columns import many

SEEDS = (*FIT_SEEDS, *TCX_SEEDS, *GPX_SEEDS, *TABLE_SEEDS)  # small, so that many changes can be tried in little time
CHANGED_OF_A_KIND = 60  # in an ordinary test run; the nightly profile takes 40 times as many


def checked(content: bytes) -> None:
    """Read as an import does; what comes out is finite and in order."""
    try:
        _, found = read_bytes(unpacked(content), "x")
    except FileRefused as refusal:
        reason = refusal.reason
    else:
        reason = "read"
        believable(found)
    assert reason


@given(st.binary(max_size=400))
def test_random_bytes_are_refused(content: bytes) -> None:
    checked(content)
    checked(b"\x0e\x20\x54\x08\x40\x00\x00\x00.FIT" + content)
    checked(b"\x1f\x8b\x08" + content)
    for importer in IMPORTERS:
        with contextlib.suppress(FileRefused):
            believable(importer.read(content))


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
    st.floats(0.2, 1),
)
def test_changed_and_cut_files_are_read_or_refused(seed: bytes, changes: list[tuple[float, int]], kept: float) -> None:
    content = bytearray(seed)
    for place, byte in changes:
        content[int(place * len(content))] = byte
    checked(bytes(content))
    checked(bytes(content[: int(kept * len(content))]))


@given(
    st.sampled_from((*TCX_SEEDS, *GPX_SEEDS)),
    st.sampled_from(["1e999", "-1", "NaN", "9" * 400, "", "0x10", "١٢", "-0.0", "1e-320"]),
    st.integers(0, 400),
)
def test_odd_numbers_in_xml_are_left_out(seed: bytes, odd: str, index: int) -> None:
    pieces = seed.decode().split(">")
    values = [place for place, piece in enumerate(pieces) if piece[:1].isdigit() and "<" in piece]
    place = values[index % len(values)]
    pieces[place] = odd + pieces[place][pieces[place].index("<") :]
    checked(">".join(pieces).encode())


@pytest.mark.parametrize("name", kinds())
def test_changed_files_of_each_kind_are_read_or_refused(name: str) -> None:
    kind = kinds()[name]

    @many(CHANGED_OF_A_KIND)
    @given(st.integers(0, 2**64))
    def check(seed: int) -> None:
        tried(kind.file_name, kind.made(random.Random(seed)))

    check()


@pytest.mark.parametrize("name", kinds())
def test_what_the_changes_begin_with_is_read(name: str) -> None:
    """A change of a file that is refused anyhow would try nothing."""
    kind = kinds()[name]
    outcomes = [tried(kind.file_name, seed) for seed in kind.seeds]
    assert all("read" in found or found == ["set aside"] for found in outcomes)
    assert outcomes.count(["set aside"]) == (1 if name == "zip" else 0)  # the empty archive


# -- the programs that try more ----------------------------------------------------------------------------------------


def test_changed_files_go_through_an_import_and_nothing_is_half_written(tmp_path: Path) -> None:
    brought = fuzz_imports.imported(66, 1, tmp_path)
    assert brought.complaints == []
    assert brought.files == 66
    assert brought.runs + brought.entries > 5


def test_a_database_that_is_half_written_is_noticed(tmp_path: Path) -> None:
    engine, patient = fuzz_imports.new_clinic(tmp_path, 0)
    report = fuzz_imports.brought_in(engine, patient, [("a.fit", FIT_SEEDS[0]), ("a.csv", TABLE_SEEDS[1]), ("b.csv", b"name,price\n1,2\n")])
    assert fuzz_imports.wrong(engine, report, 3) == []
    assert fuzz_imports.wrong(engine, report, 4) == ["4 files gave 3 outcomes"]
    with writing(engine) as connection:
        for statement in (
            "UPDATE patient_week SET distance_m = 1",
            "DELETE FROM run_file",
            "UPDATE pain_score SET import_file_id = (SELECT max(id) FROM import_file)",
            "UPDATE import_batch SET finished_at_utc = NULL",
        ):
            connection.exec_driver_sql(statement)
    found = " ".join(fuzz_imports.wrong(engine, report, 3))
    for complaint in ("a run without a file", "refused has rows in pain_score", "import that is not over", "patient_week is not what"):
        assert complaint in found
    engine.dispose()


def test_the_fuzz_program_reads_in_another_process_and_counts(tmp_path: Path) -> None:
    told = fuzz_readers.told_of("csv", 6, 1, tmp_path)
    assert (told.inputs, told.faults, sum(told.outcomes.values())) == (6, 0, 6)
    assert told.lines > 100
    assert "6 inputs: 0 tracebacks, 0 hangs, 0 over memory, 0 crashes" in told.line


DYING = """
import json, os, signal, sys
_, name, seed, first, count, shared = sys.argv
for number in range(int(first), int(first) + int(count)):
    if number in (1, 2):
        open(shared, "r+b").write((4).to_bytes(8, "little") + b"evil")
        os.kill(os.getpid(), signal.SIGPROF if number == 1 else signal.SIGSEGV)
    fault = {3: {"fault": "Traceback\\nKeyError: 1"}, 4: {"fault": "memory"}}.get(number, {})
    print(json.dumps({"number": number, "outcomes": ["read"], "seconds": 0.1, "grown_kb": 400_000 if number == 5 else 0, "kept": 1, "lines": 1, **fault}), flush=True)
"""


def test_the_fuzz_program_tells_hangs_crashes_tracebacks_and_memory_apart_and_goes_on(tmp_path: Path) -> None:
    told = fuzz_readers.told_of("csv", 7, 1, tmp_path, program=("-c", DYING))
    assert (told.inputs, told.hangs, told.crashes, told.tracebacks, told.breaches) == (7, 1, 1, 1, 2)
    assert (tmp_path / "csv-1.bin").read_bytes() == (tmp_path / "csv-2.bin").read_bytes() == b"evil"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["csv-1.bin", "csv-2.bin", "csv-3.txt", "csv-4.txt", "csv-5.txt"]


def test_a_file_that_takes_the_readers_a_new_way_is_kept() -> None:
    ways = fuzz_readers.Ways((TABLE_SEEDS[0],))
    for content in (TABLE_SEEDS[0], TABLE_SEEDS[0], TABLE_SEEDS[1]):
        ways.traced(content, lambda content=content: tried("a.csv", content))
    assert ways.kept == [TABLE_SEEDS[0], TABLE_SEEDS[0], TABLE_SEEDS[1]]  # the seed, and what was new: once each
