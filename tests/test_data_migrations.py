"""The schema: from nothing to the newest version, whole or not at all."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from data.database import MIGRATIONS, DatabaseUnusable, make_engine, migrate, migrations_config, ready_engine, schema_revision, writing
from models import Table
from tests.clinic_scene import new_scene, run_on
from tests.serving import ROOT

NEXT = """
import os
import signal

import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("patient", sa.Column("shoe_size", sa.Float(), nullable=True))
    {then}
"""
HEAD = str(ScriptDirectory.from_config(migrations_config()).get_current_head())
MONDAY = date(2025, 3, 3)
KILLED = "os.kill(os.getpid(), signal.SIGKILL)"
FAILED = 'raise RuntimeError("the disk of the migration is full")'
# What batch mode does on SQLite: make the table anew, copy, drop the old one.
REBUILT = """with op.batch_alter_table("patient") as batch:
        batch.alter_column("shoe_size", existing_type=sa.Float(), server_default="42")"""
ORPHANED = 'op.execute("DELETE FROM patient")'


def scripts_with(folder: Path, then: str) -> Path:
    """Copy the migrations and add one more: a new column, then what is said."""
    scripts = folder / "migrations"
    shutil.copytree(MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9000_shoe_size.py").write_text(NEXT.format(then=then, head=HEAD), encoding="utf-8")
    return scripts


def schema_of(engine: sa.Engine) -> dict[str, set[str]]:
    """Give the columns of each table that is there."""
    inspector = sa.inspect(engine)
    return {table: {str(column["name"]) for column in inspector.get_columns(table)} for table in inspector.get_table_names()}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a database without a schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    url_of: Callable[[str], sa.URL] = request.getfixturevalue("postgresql_server")
    server = sa.create_engine(url_of("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE without_schema")
    yield url_of("without_schema").render_as_string()
    with server.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE without_schema WITH (FORCE)")


def test_a_database_comes_from_nothing_to_the_newest_version_and_equals_the_models(empty_url: str) -> None:
    engine = make_engine(empty_url)
    assert schema_revision(engine) is None
    assert migrate(engine) == HEAD
    assert set(schema_of(engine)) == {*Table.metadata.tables, "alembic_version"}
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Table.metadata) == []
    engine.dispose()


def test_migrating_again_does_nothing(engine: sa.Engine) -> None:
    scene = new_scene(engine)
    scene.patient("ADA")
    before, schema = scene.everything(), schema_of(engine)
    assert migrate(engine) == HEAD
    assert (scene.everything(), schema_of(engine)) == (before, schema)


# What stood in a database of version 0005, written as that version wrote it.
ROWS_OF_0005 = (
    "INSERT INTO person (id, key, name, is_active, created_at_utc) VALUES (1, 'p', 'Tess', true, '2025-03-03 12:00:00')",
    "INSERT INTO patient (id, key, code, given_name, family_name, time_zone, distance_unit, pain_comfortable_max, pain_acceptable_max, "
    "changed_seq, created_at_utc) VALUES (1, 'a', 'ADA', '', '', 'UTC', 'mi', 2, 4, 7, '2025-03-03 12:00:00')",
    "INSERT INTO episode_of_care (id, key, patient_id, problem, side, diagnosis_class, diagnosis_label, started_on, goal, status, created_at_utc) "
    "VALUES (1, 'e', 1, 'Hip', 'left', 'tendon', '', '2025-01-06', '', 'active', '2025-03-03 12:00:00')",
    "INSERT INTO rest_answer (id, patient_id, side, moment, answer, for_date, recorded_at_utc) "
    "VALUES (1, 1, 'left', 'night_rest', true, '2025-03-03', '2025-03-03 12:00:00')",
    "INSERT INTO visit (id, key, episode_id, visit_date, kind, status, therapist_id, summary, note, created_at_utc) "
    "VALUES (1, 'v', 1, '2025-03-03', 'in_person', 'arrived', 1, 'First', 'Calm today', '2025-03-03 12:00:00')",
    "INSERT INTO plan (id, episode_id, version, valid_from, weekly_distance_m, reason, author_id, created_at_utc) "
    "VALUES (1, 1, 1, '2025-03-05', 20000, '', 1, '2025-03-03 12:00:00')",
    "INSERT INTO change (id, episode_id, day, kind, label, author_id, created_at_utc) "
    "VALUES (1, 1, '2025-03-03', 'cadence_cue', 'Quicker steps', 1, '2025-03-03 12:00:00')",
)


def test_what_was_stored_before_plans_were_whole_is_there_after_it(empty_url: str, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(MIGRATIONS, older, ignore=shutil.ignore_patterns("__pycache__", "0006_*"))
    engine = make_engine(empty_url)
    assert migrate(engine, scripts=older) == "0005"
    tables = ("person", "patient", "episode_of_care", "rest_answer", "visit", "plan", "change")
    with writing(engine) as connection:
        for statement in ROWS_OF_0005:
            connection.exec_driver_sql(statement)

    def stored() -> dict[str, list[dict[str, object]]]:
        with engine.connect() as connection:
            return {name: [dict(row._mapping) for row in connection.exec_driver_sql(f"SELECT * FROM {name}")] for name in tables}

    before = stored()
    migrate(engine)
    after = stored()
    new = {
        "patient": {"settled_max": 1, "max_step_ratio": 1.1, "no_suggestions": False, "no_suggestions_reason": ""},
        "visit": {"hands_on": "", "education": "", "note_written_at_utc": None, "note_written_by_id": None},
        "plan": {
            **dict.fromkeys(("runs_per_week", "run_part_s", "walk_part_s", "speed_limit_m_s", "strength_sessions_per_week")),
            **dict.fromkeys(("band_low_m", "band_high_m", "suggested_ceiling_m")),
            "surface_limit": "",
            "outside_band": False,
            "suggestion_state": "",
        },
        "change": {"visit_id": None},
    }
    for name in tables:
        assert [len(before[name]), len(after[name])] == [1, 1], name
        assert after[name] == [{**before[name][0], **new.get(name, {})}], name
    with writing(engine) as connection:  # a moment that was not known before
        connection.exec_driver_sql("UPDATE rest_answer SET moment = 'limping'")
    with pytest.raises(sa.exc.DatabaseError, match="written once"), writing(engine) as connection:
        connection.exec_driver_sql("UPDATE plan SET weekly_distance_m = 1")
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM patient")
    with engine.connect() as connection:
        assert [connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() for name in ("plan", "visit", "change")] == [0, 0, 0]
    engine.dispose()


def test_a_newer_database_is_refused_in_words_and_stays(engine: sa.Engine, database_url: str) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusable, match="made by a newer version of Still Running"):
        migrate(engine)
    with pytest.raises(DatabaseUnusable):
        ready_engine(database_url)
    assert schema_revision(engine) == "9999"


def test_a_database_without_a_schema_is_not_ready(empty_url: str) -> None:
    with pytest.raises(DatabaseUnusable, match="python -m data"):
        ready_engine(empty_url)


@pytest.mark.parametrize("then", [KILLED, FAILED], ids=["killed", "failed"])
def test_a_migration_that_breaks_off_leaves_the_old_schema_whole(engine: sa.Engine, database_url: str, tmp_path: Path, then: str) -> None:
    scene = new_scene(engine)
    scene.run(scene.patient("ADA"), run_on(MONDAY))
    before, schema = scene.everything(), schema_of(engine)
    engine.dispose()
    program = "import sys; from pathlib import Path; from data.database import make_engine, migrate; migrate(make_engine(sys.argv[1]), scripts=Path(sys.argv[2]))"
    child = subprocess.run(
        [sys.executable, "-c", program, database_url, str(scripts_with(tmp_path / "broken", then))],
        cwd=ROOT,
        env=dict(os.environ),
        check=False,
        capture_output=True,
        text=True,
    )
    assert child.returncode == (-signal.SIGKILL if then == KILLED else 1)
    assert then == KILLED or "the disk of the migration is full" in child.stderr

    assert schema_revision(engine) == HEAD
    assert (schema_of(engine), scene.everything()) == (schema, before)
    assert migrate(engine, scripts=scripts_with(tmp_path / "mended", "pass")) == "9000"
    assert schema_of(engine)["patient"] - schema["patient"] == {"shoe_size"}
    assert scene.everything() == before


def test_rebuilding_a_parent_table_keeps_its_children(engine: sa.Engine, tmp_path: Path) -> None:
    scene = new_scene(engine)
    patient = scene.patient("ADA")
    scene.episode(patient)
    scene.run(patient, run_on(MONDAY))
    before = scene.everything()
    assert len(before["run"]) == len(before["episode_of_care"]) == 1
    migrate(engine, scripts=scripts_with(tmp_path, REBUILT))
    assert scene.everything() == before
    with writing(engine) as connection:  # and they are its children still
        connection.exec_driver_sql("DELETE FROM patient")
    assert not scene.rows("run")


def test_a_migration_that_would_leave_orphans_is_undone(sqlite_engine: sa.Engine, tmp_path: Path) -> None:
    scene = new_scene(sqlite_engine)
    scene.run(scene.patient("ADA"), run_on(MONDAY))
    before = scene.everything()
    with pytest.raises(DatabaseUnusable, match="rows without their parent; nothing was changed"):
        migrate(sqlite_engine, scripts=scripts_with(tmp_path, ORPHANED))
    assert (schema_revision(sqlite_engine), scene.everything()) == (HEAD, before)
