"""Who saw or changed what: append-only; and whether therapists see the patients of their sites

Revision ID: 0002
Revises: 0001

A later migration must not rebuild `audit_event` in batch mode: its triggers would be gone.
"""

# ruff: noqa: S608
import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ACTIONS = (
    "'sign_in', 'sign_in_failed', 'sign_out', 'view', 'create', 'change', 'retire', 'import', 'export', 'print', "
    "'permission_change', 'settings_change', 'refused'"
)
SAID = "The audit is append-only"
# Also for INSERT: on SQLite, INSERT OR REPLACE would take the old row out without a word.
SQLITE_TRIGGERS = (
    f"CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event BEGIN SELECT RAISE(ABORT, '{SAID}'); END",
    f"CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event BEGIN SELECT RAISE(ABORT, '{SAID}'); END",
    "CREATE TRIGGER audit_event_in_order BEFORE INSERT ON audit_event "
    "WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_event) "
    f"BEGIN SELECT RAISE(ABORT, '{SAID}'); END",
)
POSTGRESQL_TRIGGERS = (
    f"CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{SAID}'; END $$",
    "CREATE FUNCTION audit_event_check_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM audit_event) THEN "
    f"RAISE EXCEPTION '{SAID}'; END IF; RETURN NEW; END $$",
    "CREATE TRIGGER audit_event_no_change BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()",
    "CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()",
    "CREATE TRIGGER audit_event_in_order BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_event_check_order()",
)


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_utc", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("action", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("object_kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("object_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=True),
        sa.Column("detail", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("previous_mac", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("mac", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.CheckConstraint(f"action IN ({ACTIONS})", name=op.f("ck_audit_event_action_word")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_patient", "audit_event", ["patient_id", "seq"], unique=False)
    op.create_index("ix_audit_event_person", "audit_event", ["person_id", "seq"], unique=False)
    for statement in SQLITE_TRIGGERS if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_TRIGGERS:
        op.execute(statement)
    op.add_column("clinic", sa.Column("therapists_see_site", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE clinic SET therapists_see_site = is_demo")
