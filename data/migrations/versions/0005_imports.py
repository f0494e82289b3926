"""More sources of runs; what each source told of a run, and what persons decided about it; originals; column mappings

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CADENCE_RULES = (
    "'fit_strides_doubled', 'tcx_strides_doubled', 'gpx_strides_doubled', 'strava_strides_doubled', 'polar_strides_doubled', 'steps_counted', "
    "'steps_as_given', 'entered_by_hand', 'none'"
)
STANDINGS = "'counted', 'proposed', 'held_back', 'merged'"
# table, column, what it refers to
REFERENCES = (
    ("import_batch", "undone_by_id", "person"),
    ("run", "other_run_id", "run"),
    ("pain_score", "named_run_id", "run"),
    ("rest_answer", "import_file_id", "import_file"),
    ("day_without_run", "import_file_id", "import_file"),
)
INDEXES = (
    ("ix_import_file_stored", "import_file", ["patient_id", "stored_sha256"]),
    ("ix_pain_score_named_run_id", "pain_score", ["named_run_id"]),
    ("ix_rest_answer_import_file_id", "rest_answer", ["import_file_id"]),
    ("ix_day_without_run_import_file_id", "day_without_run", ["import_file_id"]),
)
TEXT, MOMENT = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime


def _reference(table: str, column: str, to: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=ondelete)


def _renew_indexes() -> None:
    """A rebuilt table has its indexes in another order, and without statistics SQLite takes the newest of equal ones: these answer the caseload."""
    for name, table, columns, where_sqlite, where_postgresql in (
        ("ix_rest_answer_yes", "rest_answer", ["patient_id", "for_date"], "answer IS 1", "answer IS true"),
        ("ix_pain_score_side_day", "pain_score", ["patient_id", "side", "for_date"], None, None),
    ):
        op.drop_index(name, table)
        current = "retired_at_utc IS NULL"
        op.create_index(
            name,
            table,
            columns,
            sqlite_where=sa.text(f"{where_sqlite} AND {current}" if where_sqlite else current),
            postgresql_where=sa.text(f"{where_postgresql} AND {current}" if where_postgresql else current),
        )


def upgrade() -> None:
    with op.batch_alter_table("run", schema=None) as run:
        run.drop_constraint(op.f("ck_run_cadence_rule_word"), type_="check")
        run.create_check_constraint(op.f("ck_run_cadence_rule_word"), f"cadence_rule IN ({CADENCE_RULES})")
        run.add_column(sa.Column("standing", TEXT(), nullable=False, server_default="counted"))
        run.add_column(sa.Column("standing_reason", TEXT(), nullable=False, server_default=""))
        run.create_check_constraint(op.f("ck_run_standing_word"), f"standing IN ({STANDINGS})")
        run.create_check_constraint(op.f("ck_run_standing_retired"), "standing = 'counted' OR retired_at_utc IS NOT NULL")
    for table, column, to in REFERENCES:
        with op.batch_alter_table(table, schema=None) as changed:
            changed.add_column(sa.Column(column, sa.Integer(), nullable=True))
            changed.create_foreign_key(op.f(f"fk_{table}_{column}_{to}"), to, [column], ["id"], ondelete="SET NULL")
    _renew_indexes()
    op.add_column("import_batch", sa.Column("undone_at_utc", MOMENT(), nullable=True))
    op.add_column("import_file", sa.Column("runs_added", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("import_file", sa.Column("entries_added", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("import_file", sa.Column("complete", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("import_file", sa.Column("detail", TEXT(), nullable=False, server_default=""))
    for name, table, columns in INDEXES:
        op.create_index(op.f(name), table, columns, unique=False)
    op.create_table(
        "import_original",
        sa.Column("content_sha256", TEXT(), nullable=False),
        sa.Column("packing", TEXT(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at_utc", MOMENT(), nullable=False),
        sa.CheckConstraint("packing IN ('zlib', 'gzip')", name=op.f("ck_import_original_packing_word")),
        sa.PrimaryKeyConstraint("content_sha256", name=op.f("pk_import_original")),
    )
    op.create_table(
        "column_mapping",
        sa.Column("header_key", TEXT(), nullable=False),
        sa.Column("mapping", TEXT(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("changed_at_utc", MOMENT(), nullable=False),
        _reference("column_mapping", "person_id", "person", "SET NULL"),
        sa.PrimaryKeyConstraint("header_key", name=op.f("pk_column_mapping")),
    )
    op.create_table(
        "run_copy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("home_run_id", sa.Integer(), nullable=True),
        sa.Column("import_file_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("told", TEXT(), nullable=False),
        sa.Column("minutes", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at_utc", MOMENT(), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        _reference("run_copy", "patient_id", "patient", "CASCADE"),
        _reference("run_copy", "run_id", "run", "CASCADE"),
        _reference("run_copy", "home_run_id", "run", "SET NULL"),
        _reference("run_copy", "import_file_id", "import_file", "CASCADE"),
        _reference("run_copy", "recorded_by_id", "person", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_copy")),
    )
    op.create_table(
        "run_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=False),
        sa.Column("act_key", TEXT(), nullable=False),
        sa.Column("verdict", TEXT(), nullable=False),
        sa.Column("copy_id", sa.Integer(), nullable=False),
        sa.Column("other_copy_id", sa.Integer(), nullable=True),
        sa.Column("decided_at_utc", MOMENT(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("undone_at_utc", MOMENT(), nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("verdict IN ('same_run', 'two_runs', 'accepted')", name=op.f("ck_run_decision_verdict_word")),
        _reference("run_decision", "patient_id", "patient", "CASCADE"),
        _reference("run_decision", "copy_id", "run_copy", "CASCADE"),
        _reference("run_decision", "other_copy_id", "run_copy", "CASCADE"),
        _reference("run_decision", "decided_by_id", "person", "SET NULL"),
        _reference("run_decision", "undone_by_id", "person", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_decision")),
    )
    op.create_table(
        "dropped_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("recorded_at_utc", MOMENT(), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("import_file_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("day >= '1970-01-01'", name=op.f("ck_dropped_day_day_range")),
        _reference("dropped_day", "patient_id", "patient", "CASCADE"),
        _reference("dropped_day", "recorded_by_id", "person", "SET NULL"),
        _reference("dropped_day", "import_file_id", "import_file", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dropped_day")),
        sa.UniqueConstraint("patient_id", "day", name=op.f("uq_dropped_day_patient_id_day")),
    )
    for table, columns in (
        ("run_copy", ("patient_id", "run_id", "home_run_id", "import_file_id")),
        ("run_decision", ("patient_id", "act_key", "copy_id", "other_copy_id")),
        ("dropped_day", ("import_file_id",)),
    ):
        for column in columns:
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
