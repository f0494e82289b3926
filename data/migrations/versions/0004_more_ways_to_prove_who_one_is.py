"""Second factor, single sign-on, what asks again, and a throttle that waits longer each time

Revision ID: 0004
Revises: 0003

A later migration must not rebuild `clinic` in batch mode: its trigger would be gone.
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = "'second_factor', 'enrol', 'single_sign_on', 'first_owner'"

# A real clinic never becomes the demo one, nor the reverse: in the demo anybody signs in as anybody.
SAID = "A clinic stays what it was made as: a real one or the demo"
SQLITE_TRIGGER = (
    "CREATE TRIGGER clinic_stays_real_or_demo BEFORE UPDATE OF is_demo ON clinic WHEN NEW.is_demo IS NOT OLD.is_demo "
    f"BEGIN SELECT RAISE(ABORT, '{SAID}'); END"
)
POSTGRESQL_TRIGGERS = (
    f"CREATE FUNCTION clinic_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{SAID}'; END $$",
    "CREATE TRIGGER clinic_stays_real_or_demo BEFORE UPDATE ON clinic FOR EACH ROW WHEN (NEW.is_demo IS DISTINCT FROM OLD.is_demo) "
    "EXECUTE FUNCTION clinic_refuse()",
)


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime
    op.add_column("clinic", sa.Column("require_second_factor", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("account", schema=None) as account:
        account.add_column(sa.Column("email", text(), nullable=True))
        account.add_column(sa.Column("totp_secret", text(), nullable=True))
        account.add_column(sa.Column("totp_step", sa.Integer(), nullable=True))
        account.create_unique_constraint(op.f("uq_account_email"), ["email"])
    op.add_column("sign_in_session", sa.Column("proved_at_utc", moment(), nullable=True))
    with op.batch_alter_table("failed_sign_in", schema=None) as failed:
        failed.add_column(sa.Column("windows_filled", sa.Integer(), nullable=False, server_default="0"))
        failed.add_column(sa.Column("in_a_row", sa.Integer(), nullable=False, server_default="0"))
        failed.drop_constraint(op.f("ck_failed_sign_in_attempts_of_word"), type_="check")
        failed.create_check_constraint(
            op.f("ck_failed_sign_in_attempts_of_word"), "attempts_of IN ('account', 'address', 'second_factor', 'confirmation')"
        )
    op.create_table(
        "recovery_code",
        sa.Column("code_sha256", text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("used_at_utc", moment(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_recovery_code_person_id_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("code_sha256", name=op.f("pk_recovery_code")),
    )
    op.create_index(op.f("ix_recovery_code_person_id"), "recovery_code", ["person_id"], unique=False)
    op.create_table(
        "external_identity",
        sa.Column("issuer", text(), nullable=False),
        sa.Column("subject", text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("linked_at_utc", moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_external_identity_person_id_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_external_identity")),
    )
    op.create_index(op.f("ix_external_identity_person_id"), "external_identity", ["person_id"], unique=False)
    op.create_table(
        "sign_in_step",
        sa.Column("token_sha256", text(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("payload", text(), nullable=False),
        sa.Column("created_at_utc", moment(), nullable=False),
        sa.Column("expires_at_utc", moment(), nullable=False),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_sign_in_step_kind_word")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sign_in_step_person_id_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_sign_in_step")),
    )
    op.create_index(op.f("ix_sign_in_step_person_id"), "sign_in_step", ["person_id"], unique=False)
    for statement in (SQLITE_TRIGGER,) if op.get_bind().dialect.name == "sqlite" else POSTGRESQL_TRIGGERS:
        op.execute(statement)
