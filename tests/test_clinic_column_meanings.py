"""A table of a stranger on the import page: what is suggested, what is asked, and that agreeing reads it."""

import pytest
import sqlalchemy as sa

from clinic import column_meanings as asking
from clinic.imports import asks_for_columns
from data.importers.local_forms import DateOrder
from data.importers.mapping import Mapping, ScoreColumn
from data.imports import import_files, sources_of
from models import EntryRefused, PainMoment, Side
from tests.clinic_scene import Scene, new_scene

MILES = b"Date,Miles,Minutes,Cadence\n2025-03-02,3.1,31,120\n"


@pytest.fixture
def scene(sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(asking, "engine", lambda: sqlite_engine)
    return new_scene(sqlite_engine)


def waiting(scene: Scene, ada: str, content: bytes = MILES) -> asking.AskedTable:
    report = import_files(scene.engine, scene.tess, ada, sources_of([("list.csv", content)]), via="app")
    assert asks_for_columns(report)
    (table,) = asking.asked_tables(scene.tess, ada, report.batch_id)
    return table


def chosen(table: asking.AskedTable, **changes: str | None) -> dict[str, str | None]:
    return {column.name: column.meaning for column in table.columns} | changes


def test_the_suggestion_is_shown_column_by_column_and_an_open_unit_is_asked(scene: Scene) -> None:
    table = waiting(scene, scene.patient("ADA"))
    assert {column.written: column.meaning for column in table.columns} == {
        "Date": "date",
        "Miles": "distance/mi",
        "Minutes": "moving_time/minutes",
        "Cadence": None,
    }
    assert table.questions == ("Does the cadence count the steps of both feet or of one?",)
    assert (table.columns[1].examples, table.is_said) == ("3.1", False)
    with pytest.raises(EntryRefused, match=r"Say what the column “Cadence” means\."):
        asking.meaning_of(table, chosen(table), None)


def test_agreeing_reads_the_file_and_is_remembered(scene: Scene) -> None:
    ada = scene.patient("ADA")
    table = waiting(scene, ada)
    meaning = asking.meaning_of(table, chosen(table, cadence="cadence/both_feet"), None)
    assert meaning == Mapping(
        "runs",
        "date",
        distance="miles",
        distance_unit="mi",
        moving_time="minutes",
        time_unit="minutes",
        cadence="cadence",
        cadence_counts="both_feet",
    )
    assert asking.remember_and_read(scene.tess, ada, table, meaning).runs_added == 1
    (run,) = scene.rows("run")
    assert (run["distance_m"], run["moving_time_s"], run["cadence_spm"]) == (4_989, 1_860, 120)  # 3.1 x 1609.344 m
    batch_id = scene.rows("import_batch")[0]["id"]
    (again,) = asking.asked_tables(scene.tess, ada, batch_id)
    assert (again.is_said, again.columns[3].meaning) == (True, "cadence/both_feet")


def test_what_is_chosen_wrongly_is_said(scene: Scene) -> None:
    table = waiting(scene, scene.patient("ADA"))
    with pytest.raises(EntryRefused, match=r"Two columns are called “Date”\. Leave one of them out\."):
        asking.meaning_of(table, chosen(table, cadence="date"), None)
    with pytest.raises(EntryRefused, match=r"Which column is the distance\?"):
        asking.meaning_of(table, chosen(table, miles="", cadence=""), None)


def test_scores_are_chosen_by_their_moment_and_keep_the_side_of_their_words(scene: Scene) -> None:
    table = waiting(scene, scene.patient("ADA"), b"When,Left knee\n2025-03-02,3\n")
    base = Mapping("pain", "when", scores=(ScoreColumn("left_knee", PainMoment.AFTER, Side.LEFT),))
    table = asking.AskedTable(table.key, table.files, table.columns, base, is_said=False)
    meaning = asking.meaning_of(table, {"when": "date", "left_knee": "scores/during"}, DateOrder.DAY_FIRST)
    assert meaning == Mapping("pain", "when", DateOrder.DAY_FIRST, scores=(ScoreColumn("left_knee", PainMoment.DURING, Side.LEFT),))


def test_every_meaning_is_a_field_of_a_mapping() -> None:
    fields = {key.partition("/")[0] for key in asking.MEANINGS} - {""}
    assert fields <= set(Mapping.__dataclass_fields__)
