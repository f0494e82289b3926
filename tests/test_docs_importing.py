"""The page on importing is true: its tables can be imported as they stand, and it names every column."""

import re
from pathlib import Path

import pytest

from data.importers.base import read_bytes
from data.importers.pain_csv import MOMENTS
from data.importers.runs_csv import COLUMNS

PAGE = (Path(__file__).parent.parent / "docs" / "importing.md").read_text(encoding="utf-8")
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
