"""docs/vocabulary.md explains every word that models.py uses: a new column or value without an explanation fails here."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

import models
from rehab.episode import WEEK_COLUMNS

TEXT = (Path(__file__).parent.parent / "docs" / "vocabulary.md").read_text(encoding="utf-8")
EXPLAINED = set(re.findall(r"`([^`]+)`", TEXT))
WORDS = [item for item in vars(models).values() if isinstance(item, type) and issubclass(item, StrEnum) and item is not StrEnum]
FRAMES = {name: columns for name, columns in vars(models).items() if name.endswith("_COLUMNS")} | {"WEEK_COLUMNS": WEEK_COLUMNS}
UNITS = re.compile(r"_(m|s|ms|mm|m_s|spm|au)$")
THE_FIELDS_WORDS = """
    patient episode_of_care episode run visit plan weekly_distance_m distance_m moving_time_s speed_m_s cadence_spm ground_contact_time_ms
    vertical_oscillation_mm step_length_m nprs pain_moment before during after next_morning night_lying rest night_rest session_rpe
    session_load_au run_date started_at_utc as_of flag rule limit viewer log_coverage week_start
"""


def unexplained(words: set[str]) -> set[str]:
    counts = set(models.NPRS_COUNT_COLUMNS) if {"n0", "n10"} <= EXPLAINED else set()
    return words - EXPLAINED - counts


def test_the_words_of_the_field_are_explained() -> None:
    assert unexplained(set(THE_FIELDS_WORDS.split())) == set()


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.__name__)
def test_a_class_of_words_is_explained_with_exactly_its_values(words: type[StrEnum]) -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith(f"| `{words.__name__}` |")]
    assert len(rows) == 1
    assert re.findall(r"`([^`]+)`", rows[0])[1:] == [word.value for word in words]


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_each_column_of_a_frame_is_explained(name: str) -> None:
    assert unexplained(set(FRAMES[name])) == set()


def test_each_table_and_each_column_with_a_unit_is_explained() -> None:
    tables = models.Table.metadata.tables
    columns = {column.name for table in tables.values() for column in table.columns if UNITS.search(column.name)}
    assert unexplained(set(tables) | columns) == set()


def test_a_word_that_nobody_explained_is_noticed() -> None:
    assert unexplained({"stride_rate_hz", "distance_m", "n7"}) == {"stride_rate_hz"}
