"""Sign-in: accounts, links to set a passphrase, sessions, failed tries

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, default, low, high in (("idle_minutes", "15", 5, 30), ("session_hours", "12", 1, 24)):
        within = sa.CheckConstraint(f"{name} IS NULL OR ({name} >= {low} AND {name} <= {high})", name=op.f(f"ck_clinic_{name}_range"))
        op.add_column("clinic", sa.Column(name, sa.Integer(), within, server_default=default, nullable=False))
    op.create_table(
        "account",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("login_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("passphrase_hash", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("must_set_passphrase", sa.Boolean(), nullable=False),
        sa.Column("created_at_utc", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_account_person_id_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_account")),
        sa.UniqueConstraint("login_name", name=op.f("uq_account_login_name")),
    )
    op.create_table(
        "failed_sign_in",
        sa.Column("attempts_of", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject_sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("window_started_at_utc", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.CheckConstraint("attempts_of IN ('account', 'address')", name=op.f("ck_failed_sign_in_attempts_of_word")),
        sa.PrimaryKeyConstraint("attempts_of", "subject_sha256", name=op.f("pk_failed_sign_in")),
    )
    op.create_table(
        "set_password_link",
        sa.Column("token_sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at_utc", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at_utc", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("used_at_utc", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_set_password_link_person_id_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_set_password_link")),
    )
    with op.batch_alter_table("set_password_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_set_password_link_person_id"), ["person_id"], unique=False)
    op.create_table(
        "sign_in_session",
        sa.Column("token_sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at_utc", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("last_seen_at_utc", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ended_at_utc", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sign_in_session_person_id_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_sign_in_session")),
    )
    with op.batch_alter_table("sign_in_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_session_person_id"), ["person_id"], unique=False)
