"""The page on importing is true: its tables can be imported as they stand, and it names every column."""

import re
from pathlib import Path

import pytest

from benchmarks import fuzz_imports, fuzz_readers
from data.importers import archive
from data.importers.base import FILE_MAX_BYTES, GZIP_RATIO_MAX, read_bytes
from data.importers.pain_csv import MOMENTS
from data.importers.runs_csv import COLUMNS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    ("example", "importer", "runs", "scores", "answers", "days"),
    [(0, "runs_csv", 2, 0, 0, 1), (1, "runs_csv", 1, 0, 0, 0), (2, "pain_csv", 0, 3, 1, 1), (3, "pain_csv", 0, 4, 2, 1)],
)
def test_each_example_imports_whole(example: int, importer: str, runs: int, scores: int, answers: int, days: int) -> None:
    assert len(EXAMPLES) == 4
    source, found = read_bytes(EXAMPLES[example].encode(), "example.csv")
    assert source.name == importer
    assert (found.refused_lines, found.notes) == ((), ())
    assert (len(found.runs), len(found.scores), len(found.rest_answers), len(found.days_without_run)) == (runs, scores, answers, days)


def test_the_page_names_every_column_and_moment() -> None:
    assert [name for name in sorted(COLUMNS | MOMENTS) if f"`{name}`" not in PAGE] == []


def test_the_programs_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"python -m ((?:benchmarks|tests)\.\w+)", PAGE)) | set(re.findall(r"\btests/\w+\.py", PAGE))
    assert {"benchmarks.fuzz_readers", "benchmarks.import_speed", "benchmarks.apple_health", "tests.fuzz_readers"} < named
    assert [name for name in sorted(named) if not (ROOT / f"{name.removesuffix('.py').replace('.', '/')}.py").is_file()] == []


def test_the_page_has_the_limits_of_archives_and_of_the_fuzz_program() -> None:
    for number in (
        f"{archive.ARCHIVE_MAX_BYTES // 10**9} GB and {archive.MEMBERS_MAX:,} files",
        f"{archive.INNER_MAX_BYTES // 10**6} MB together",
        f"{FILE_MAX_BYTES // 10**6} MB a file, {GZIP_RATIO_MAX} to 1",
        f"{archive.UNPACKED_RATIO_MAX} to 1 in all",
        f"{fuzz_readers.SECONDS_MAX:.0f} s and {fuzz_readers.MEMORY_MAX_BYTES // 10**6} MB",
        f"--inputs {fuzz_readers.INPUTS} --seed {fuzz_readers.SEED}",
        f"{fuzz_readers.IMPORTED:,} more go into a database",
    ):
        assert number in " ".join(PAGE.split()), number
    assert archive.DEPTH_MAX == 3  # "three deep"
    assert fuzz_readers.TRACED_SHARE == 0.25  # "a quarter"
    assert fuzz_imports.FILES_AT_ONCE == 100  # "after every hundred"
