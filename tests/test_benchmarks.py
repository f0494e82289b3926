"""The benchmarks measure something: a tiny clinic, no timing asserted. The steps of SQLite are counted, so those are held to their goal."""

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks import clinics, fifty_people, mutation, patient_page, proof, summaries, trends
from benchmarks.clinics import ClinicFile, clinic_file, shown_episodes
from benchmarks.figures import Figure, Pairs, cpu_pairs
from benchmarks.flatness import flatness, opened, vm_steps
from benchmarks.serving import running
from data import queries
from data.database import make_engine, writing
from models import PAIN_COLUMNS, RUN_COLUMNS, PainScore, RestAnswer, Run
from tests.serving import ROOT

PATIENTS, THROUGH = 20, date(2026, 6, 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clinics")


@pytest.fixture(scope="module")
def one_year(folder: Path) -> ClinicFile:
    return clinic_file(PATIENTS, 1, through=THROUGH, folder=folder)


@pytest.fixture(scope="module")
def four_years(folder: Path) -> ClinicFile:
    return clinic_file(PATIENTS, 4, through=THROUGH, folder=folder)


def rows(clinic: ClinicFile, statement: str) -> list[tuple[Any, ...]]:
    engine = make_engine(clinic.url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.exec_driver_sql(statement)]
    engine.dispose()
    return found


def test_a_synthetic_clinic_keeps_every_rule_of_the_schema(four_years: ClinicFile) -> None:
    assert rows(four_years, "PRAGMA integrity_check") == [("ok",)]  # CHECK constraints too
    assert rows(four_years, "PRAGMA foreign_key_check") == []


def test_a_synthetic_clinic_has_about_four_runs_and_six_scores_a_week(four_years: ClinicFile) -> None:
    [(weeks,)] = rows(four_years, "SELECT count(*) FROM patient_week")
    [(runs,)] = rows(four_years, "SELECT count(*) FROM run")
    [(scores,)] = rows(four_years, "SELECT count(*) FROM pain_score")
    assert runs / weeks == pytest.approx(4, abs=0.2)
    assert scores / weeks == pytest.approx(6, abs=0.3)


@pytest.mark.parametrize("table", [Run, PainScore, RestAnswer])
def test_rows_stand_in_time_order_over_all_patients_and_fill_the_columns(table: type, four_years: ClinicFile) -> None:
    name = table.__tablename__  # type: ignore[attr-defined]
    day = "run_date" if table is Run else "for_date"
    days = [row[0] for row in rows(four_years, f"SELECT {day} FROM {name} ORDER BY id")]
    assert days == sorted(days)
    never = {"retired_at_utc", "retired_by_id", "corrects_id"}
    never |= {"other_run_id", "named_run_id"}  # of runs that wait or were merged into another, which are always retired
    for column in set(table.metadata.tables[name].columns.keys()) - never:  # type: ignore[attr-defined]
        assert rows(four_years, f"SELECT count({column}) > 0 FROM {name}") == [(1,)], column


def test_a_long_clinic_ends_with_the_rows_of_a_short_one(one_year: ClinicFile, four_years: ClinicFile) -> None:
    last = "SELECT * FROM patient_week WHERE week >= 20454 ORDER BY patient_id, week"  # from 2026-01-01
    assert rows(one_year, last) == rows(four_years, last)
    assert len(rows(one_year, last)) > 20 * PATIENTS


def test_a_clinic_is_made_once_and_made_anew_when_the_schema_changes(
    one_year: ClinicFile, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = clinic_file(PATIENTS, 1, through=THROUGH, folder=folder)
    assert (one_year.made_in_s > 0, again.made_in_s, again.path) == (True, 0, one_year.path)
    monkeypatch.setattr(clinics, "_schema", lambda: "12345678")
    renewed = clinic_file(2, 1, through=THROUGH, folder=folder)
    assert renewed.made_in_s > 0
    assert "2 patients × 1 y" in renewed.words


def test_a_clinic_whose_making_was_broken_off_is_not_used(folder: Path) -> None:
    made = clinic_file(3, 1, through=THROUGH, folder=folder)
    engine = make_engine(made.url)
    with writing(engine) as connection:
        connection.exec_driver_sql("PRAGMA user_version = 0")  # what is written last is not there yet
    engine.dispose()
    assert clinic_file(3, 1, through=THROUGH, folder=folder).made_in_s > 0


def sane(figure: Figure) -> bool:
    return 0 < figure.ratio < 1_000 and figure.floor == 1 and figure.beside != "" and figure.name in figure.line


def test_the_reads_take_as_many_steps_after_four_years_as_after_one(one_year: ClinicFile, four_years: ClinicFile) -> None:
    figures = flatness(one_year, four_years, pairs=1)
    assert len(figures) == 8
    assert all(sane(figure) for figure in figures)
    steps = [figure for figure in figures if figure.name.startswith("VM steps")]
    assert len(steps) == 4
    assert [figure.line for figure in steps if figure.goal is None or figure.ratio > figure.goal] == []


def test_steps_grow_with_the_rows_that_are_read(one_year: ClinicFile) -> None:
    with opened(one_year, analysed=True) as reads:
        few = vm_steps(reads.connection, lambda: queries.trend_rows(reads.connection, 1, 20600, 20640))
        many = vm_steps(reads.connection, lambda: queries.trend_rows(reads.connection, 1, 20300, 20640))
    assert 0 < few < many


def test_a_clinic_without_statistics_has_them_back_afterwards(one_year: ClinicFile) -> None:
    count = "SELECT count(*) FROM sqlite_stat1"
    before = rows(one_year, count)
    with opened(one_year, analysed=False) as reads:
        assert reads.connection.exec_driver_sql(count).scalar() == 0
    assert rows(one_year, count) == before != [(0,)]


def test_the_trends_read_is_compared_with_the_same_rows(one_year: ClinicFile) -> None:
    figure = trends.trends_figure(one_year, pairs=1)
    assert sane(figure)
    cold = trends.cold_reads(one_year, reads=3)
    assert cold is None or 0 < cold.median_ms <= cold.slowest_ms


def test_summaries_are_compared_with_the_same_rows_grouped_once() -> None:
    facts = summaries.facts_of_years(4, weeks=10)
    assert (len(facts.runs), len(facts.runs.columns), len(facts.scores.columns)) == (40, len(RUN_COLUMNS), len(PAIN_COLUMNS))
    pd.testing.assert_frame_equal(facts.scores, summaries.facts_of_years(4, weeks=10).scores)
    assert summaries.grouped_by_week(facts) > 30  # 10 weeks of runs, and each moment of the scores
    figures = summaries.summary_figures(weeks=10, episodes=6, pairs=1)
    assert [sane(figure) and figure.ratio > 0 for figure in figures] == [True, True]
    assert ["6 such" in figure.name for figure in figures] == [False, True]


def test_the_therapist_looks_at_their_own_patients_only(one_year: ClinicFile) -> None:
    keys = shown_episodes(one_year)
    assert len(set(keys)) == PATIENTS  # one therapist has up to 40
    engine = make_engine(one_year.url)
    assert {row.episode_key for row in queries.caseload(engine, clinics.therapist(), today=THROUGH)} == set(keys)
    engine.dispose()


def test_the_patient_page_is_measured_as_served(folder: Path) -> None:
    measured = patient_page.page_figures(clinic_file(PATIENTS, 1, folder=folder), pairs=2, first_views=2)
    if not sys.platform.startswith("linux"):
        assert "not measured" in measured.told[0]
        return
    assert len(measured.figures) == 7
    assert all(sane(figure) and figure.ratio > 1 for figure in measured.figures if figure.name.startswith("CPU"))
    assert len(measured.told) == 3


def test_people_at_work_at_once_each_see_their_own_patient_only(tmp_path: Path) -> None:
    load = fifty_people.measured(tmp_path, 8, years=1, clicks=8, think_s=(0.0, 0.0))
    assert load.is_clean, load.lines
    assert load.interactions >= 8 * 8
    assert load.saved > 0
    assert "8 of 8" in load.lines[1]


def test_the_load_program_finds_who_is_shown_the_patient_of_another(tmp_path: Path) -> None:
    url, members = fifty_people.crowd(tmp_path, 2, years=1)
    swapped = [replace(member, token=other.token, episode=other.episode) for member, other in zip(members, members[::-1], strict=True)]
    with running(url) as (address, _):
        load = fifty_people.at_work(address, swapped, clicks=4, think_s=(0.0, 0.0))
    assert {said.split(" on ")[0] for said in load.wrong} == {"person 1 was sent something of 2", "person 2 was sent something of 1"}
    assert load.missing
    assert not load.is_clean


def test_a_proof_is_told_by_its_own_figures_and_one_that_fails_is_not_hidden() -> None:
    holds = proof.Proof("Three", "Three tries.", ("-c", "print('3 tries, 0 leaks'); print('noise')"), r"tries")
    fails = replace(holds, name="Failing", command=("-c", "print('1 tries'); raise SystemExit(1)"))
    outcomes = [proof.tried(holds), proof.tried(fails)]
    assert [(one.holds, one.lines) for one in outcomes] == [(True, ("3 tries, 0 leaks",)), (False, ("1 tries",))]
    page = proof.written(outcomes, commit="abc123", at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    assert "on 2026-01-02 03:04 UTC at commit abc123" in page
    assert "## Three\n\nThree tries.\n\n    3 tries, 0 leaks\n\nHolds." in page
    assert "    1 tries\n\n**DOES NOT HOLD**" in page


def test_every_proof_names_something_that_is_there() -> None:
    for one in proof.PROOFS:
        named = [part for part in one.command if part.startswith(("tests/", "benchmarks."))]
        assert named
        for part in named:
            assert (ROOT / (f"{part.replace('.', '/')}.py" if part.startswith("benchmarks.") else part)).is_file(), part


def test_pairs_give_the_median_of_their_ratios() -> None:
    assert Pairs.of([2.0, 9.0, 8.0], [1.0, 3.0, 2.0]) == Pairs(8.0, 2.0, 3.0)
    turns = cpu_pairs(lambda: sum(range(20_000)), lambda: sum(range(10_000)), pairs=3, times=2)
    assert turns.subject_s > 0
    assert turns.floor_s > 0


def test_a_figure_says_whether_its_goal_is_kept() -> None:
    assert " kept " in Figure("steps", 1.03, 1.03, 1.0, "x").line  # on the goal is kept
    assert " MISSED " in Figure("steps", 1.031, 1.03, 1.0, "x").line
    assert "kept" not in Figure("wall", 1.0, None, 1.0, "x").line


def test_a_mutation_that_no_test_reaches_counts_as_not_noticed() -> None:
    printed = [
        "    rehab.load.x_ratio__mutmut_1: killed",
        "    rehab.load.x_ratio__mutmut_2: timeout",
        "    rehab.load.x_ratio__mutmut_3: survived",
        "    rehab.load.x_ratio__mutmut_4: no tests",
        "    rehab.load.x_ratio__mutmut_5: not checked",
        "    rehab.charts.theme.xǁPaletteǁcolour__mutmut_1: killed",
        "something else",
    ]
    modules = mutation.counted(printed)
    assert {name: round(mutation.score(outcomes)) for name, outcomes in modules.items()} == {"rehab.load": 50, "rehab.charts.theme": 100}
