"""Plans in full, red-flag screens, what was done at visits, outcomes, strength sessions, limits of patients, review marks

Revision ID: 0006
Revises: 0005

A later migration must not rebuild `plan`, `plan_week`, `visit_note` or `limit_change` in batch mode on SQLite without making their
triggers again: a rebuilt table has none.
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT, MOMENT = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime
REST_MOMENTS = "'rest', 'night_rest', 'limping'"
SURFACES = "'', 'road', 'trail', 'track', 'treadmill', 'unknown'"
LIMIT_NAMES = "'comfortable_max', 'acceptable_max', 'settled_max', 'max_step_ratio', 'no_suggestions', 'no_suggestions_reason'"
ITEMS = (
    "'groin_pain_with_running', 'cannot_bear_weight', 'rest_or_night_pain', 'buttock_or_pubic_pain', 'low_energy', 'fragile_bone', "
    "'infection_signs', 'cancer_signs', 'nerve_signs', 'clot_signs', 'under_18_limp', 'locking_or_trauma'"
)
TOTALS = {
    "nprs": (0, 10),
    "psfs": (0, 10),
    "groc": (-5, 5),
    "uwri": (0, 36),
    "visa_g": (0, 100),
    "ihot_12": (0, 100),
    "hoos_12": (0, 100),
    "lefs": (0, 80),
    "ostrc": (0, 100),
    "tsk_11": (11, 44),
    "pseq": (0, 60),
    "pseq_2": (0, 12),
}
# column of `plan`, type, lowest and highest value
PLAN_NUMBERS = (
    ("runs_per_week", sa.Integer(), 1, 14),
    ("run_part_s", sa.Integer(), 10, 7_200),
    ("walk_part_s", sa.Integer(), 10, 7_200),
    ("speed_limit_m_s", sa.Float(), 0.5, 12.0),
    ("strength_sessions_per_week", sa.Integer(), 0, 21),
    ("band_low_m", sa.Integer(), 1, 500_000),
    ("band_high_m", sa.Integer(), 1, 500_000),
    ("suggested_ceiling_m", sa.Integer(), 1, 500_000),
)
# What is written once. Who wrote it may be emptied when that person's row goes; nothing else.
WRITTEN_ONCE = {
    "plan": (
        "episode_id, version, valid_from, weekly_distance_m, run_ceiling_m, cadence_target_low_spm, cadence_target_high_spm, reason, "
        "created_at_utc, runs_per_week, run_part_s, walk_part_s, surface_limit, speed_limit_m_s, strength_sessions_per_week, outside_band, "
        "suggestion_state, band_low_m, band_high_m, suggested_ceiling_m"
    ),
    "plan_week": "plan_id, number, distance_m, runs, longest_run_m",
    "visit_note": "visit_id, note, written_at_utc, replaced_at_utc",
    "limit_change": "patient_id, limit_name, old_value, new_value, changed_at_utc",
}
SAID = "This is written once: a change is a new row"


def _reference(table: str, column: str, to: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=ondelete)


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _within(column: str, low: float, high: float) -> str:
    return f"{column} IS NULL OR ({column} >= {low} AND {column} <= {high})"


def _range(table: str, column: str, low: float, high: float) -> sa.CheckConstraint:
    return _check(table, f"{column}_range", _within(column, low, high))


def _from_1970(table: str, column: str) -> sa.CheckConstraint:
    return _check(table, f"{column}_range", f"{column} >= '1970-01-01'")


def _recorded(table: str, *, retirable: bool = True) -> list[sa.Column | sa.ForeignKeyConstraint]:
    given = [
        sa.Column("recorded_at_utc", MOMENT(), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        _reference(table, "recorded_by_id", "person", "SET NULL"),
    ]
    retired = [
        sa.Column("retired_at_utc", MOMENT(), nullable=True),
        sa.Column("retired_by_id", sa.Integer(), nullable=True),
        _reference(table, "retired_by_id", "person", "SET NULL"),
    ]
    return given + (retired if retirable else [])


def _current_only(name: str, table: str, columns: list[str]) -> None:
    current = sa.text("retired_at_utc IS NULL")
    op.create_index(name, table, columns, unique=True, sqlite_where=current, postgresql_where=current)


def _change_old_tables() -> None:
    with op.batch_alter_table("patient", schema=None) as patient:
        patient.add_column(sa.Column("settled_max", sa.Integer(), nullable=False, server_default="1"))
        patient.add_column(sa.Column("max_step_ratio", sa.Float(), nullable=False, server_default="1.1"))
        patient.add_column(sa.Column("no_suggestions", sa.Boolean(), nullable=False, server_default=sa.false()))
        patient.add_column(sa.Column("no_suggestions_reason", TEXT(), nullable=False, server_default=""))
        patient.create_check_constraint(op.f("ck_patient_settled_max_range"), _within("settled_max", 0, 3))
        patient.create_check_constraint(op.f("ck_patient_max_step_ratio_range"), _within("max_step_ratio", 1.0, 2.0))
        patient.create_check_constraint(op.f("ck_patient_no_suggestions_why"), "no_suggestions IS FALSE OR no_suggestions_reason <> ''")
    with op.batch_alter_table("rest_answer", schema=None) as answer:
        answer.drop_constraint(op.f("ck_rest_answer_moment_word"), type_="check")
        answer.create_check_constraint(op.f("ck_rest_answer_moment_word"), f"moment IN ({REST_MOMENTS})")
    # as in 0005: a rebuilt table has its indexes in another order, and this one answers the caseload
    op.drop_index("ix_rest_answer_yes", "rest_answer")
    op.create_index(
        "ix_rest_answer_yes",
        "rest_answer",
        ["patient_id", "for_date"],
        sqlite_where=sa.text("answer IS 1 AND retired_at_utc IS NULL"),
        postgresql_where=sa.text("answer IS true AND retired_at_utc IS NULL"),
    )
    with op.batch_alter_table("visit", schema=None) as visit:
        visit.add_column(sa.Column("hands_on", TEXT(), nullable=False, server_default=""))
        visit.add_column(sa.Column("education", TEXT(), nullable=False, server_default=""))
        visit.add_column(sa.Column("note_written_at_utc", MOMENT(), nullable=True))
        visit.add_column(sa.Column("note_written_by_id", sa.Integer(), nullable=True))
        visit.create_foreign_key(op.f("fk_visit_note_written_by_id_person"), "person", ["note_written_by_id"], ["id"], ondelete="SET NULL")
    with op.batch_alter_table("change", schema=None) as change:
        change.add_column(sa.Column("visit_id", sa.Integer(), nullable=True))
        change.create_foreign_key(op.f("fk_change_visit_id_visit"), "visit", ["visit_id"], ["id"], ondelete="SET NULL")
    op.create_index(op.f("ix_change_visit_id"), "change", ["visit_id"], unique=False)
    with op.batch_alter_table("plan", schema=None) as plan:
        for column, kind, low, high in PLAN_NUMBERS:
            plan.add_column(sa.Column(column, kind, nullable=True))
            plan.create_check_constraint(op.f(f"ck_plan_{column}_range"), _within(column, low, high))
        plan.add_column(sa.Column("surface_limit", TEXT(), nullable=False, server_default=""))
        plan.add_column(sa.Column("outside_band", sa.Boolean(), nullable=False, server_default=sa.false()))
        plan.add_column(sa.Column("suggestion_state", TEXT(), nullable=False, server_default=""))
        plan.create_check_constraint(op.f("ck_plan_surface_limit_word"), f"surface_limit IN ({SURFACES})")
        plan.create_check_constraint(op.f("ck_plan_run_walk_parts"), "(run_part_s IS NULL) = (walk_part_s IS NULL)")
        plan.create_check_constraint(op.f("ck_plan_outside_band_why"), "outside_band IS FALSE OR reason <> ''")
        plan.create_check_constraint(
            op.f("ck_plan_band_order"),
            "(band_low_m IS NULL) = (band_high_m IS NULL) AND (band_high_m IS NULL OR band_high_m >= band_low_m)",
        )


def _make_new_tables() -> None:
    op.create_table(
        "limit_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=False),
        sa.Column("limit_name", TEXT(), nullable=False),
        sa.Column("old_value", TEXT(), nullable=False),
        sa.Column("new_value", TEXT(), nullable=False),
        sa.Column("changed_at_utc", MOMENT(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        _check("limit_change", "limit_name_word", f"limit_name IN ({LIMIT_NAMES})"),
        _reference("limit_change", "patient_id", "patient", "CASCADE"),
        _reference("limit_change", "changed_by_id", "person", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limit_change")),
    )
    op.create_index(op.f("ix_limit_change_patient_id"), "limit_change", ["patient_id"], unique=False)
    op.create_table(
        "plan_week",
        sa.Column("plan_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=True),
        sa.Column("longest_run_m", sa.Integer(), nullable=True),
        _range("plan_week", "number", 0, 3),
        _range("plan_week", "distance_m", 1, 500_000),
        _range("plan_week", "runs", 1, 14),
        _range("plan_week", "longest_run_m", 1, 500_000),
        _reference("plan_week", "plan_id", "plan", "CASCADE"),
        sa.PrimaryKeyConstraint("plan_id", "number", name=op.f("pk_plan_week")),
    )
    op.create_table(
        "visit_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("note", TEXT(), nullable=False),
        sa.Column("written_at_utc", MOMENT(), nullable=True),
        sa.Column("written_by_id", sa.Integer(), nullable=True),
        sa.Column("replaced_at_utc", MOMENT(), nullable=False),
        sa.Column("replaced_by_id", sa.Integer(), nullable=True),
        _reference("visit_note", "visit_id", "visit", "CASCADE"),
        _reference("visit_note", "written_by_id", "person", "SET NULL"),
        _reference("visit_note", "replaced_by_id", "person", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_note")),
    )
    op.create_index(op.f("ix_visit_note_visit_id"), "visit_note", ["visit_id"], unique=False)
    op.create_table(
        "strength_given",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("exercise", TEXT(), nullable=False),
        sa.Column("sets", sa.Integer(), nullable=True),
        sa.Column("reps", sa.Integer(), nullable=True),
        sa.Column("hold_s", sa.Integer(), nullable=True),
        _range("strength_given", "sets", 1, 20),
        _range("strength_given", "reps", 1, 200),
        _range("strength_given", "hold_s", 1, 600),
        _reference("strength_given", "visit_id", "visit", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strength_given")),
        sa.UniqueConstraint("visit_id", "number", name=op.f("uq_strength_given_visit_id_number")),
    )
    op.create_table(
        "red_flag_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("episode_id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("item", TEXT(), nullable=False),
        sa.Column("answer", TEXT(), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closed_at_utc", MOMENT(), nullable=True),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.Column("closing_note", TEXT(), nullable=False),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        *_recorded("red_flag_answer"),
        _check("red_flag_answer", "item_word", f"item IN ({ITEMS})"),
        _check("red_flag_answer", "answer_word", "answer IN ('yes', 'no', 'not_asked')"),
        _from_1970("red_flag_answer", "asked_on"),
        _check(
            "red_flag_answer",
            "closed_with_note",
            "closed_on IS NULL OR (answer = 'yes' AND closing_note <> '' AND closed_on >= asked_on)",
        ),
        _check("red_flag_answer", "closed_when", "(closed_on IS NULL) = (closed_at_utc IS NULL)"),
        _check("red_flag_answer", "yes_stays", "answer <> 'yes' OR retired_at_utc IS NULL"),
        _reference("red_flag_answer", "episode_id", "episode_of_care", "CASCADE"),
        _reference("red_flag_answer", "visit_id", "visit", "SET NULL"),
        _reference("red_flag_answer", "closed_by_id", "person", "SET NULL"),
        _reference("red_flag_answer", "corrects_id", "red_flag_answer", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_red_flag_answer")),
    )
    op.create_index("ix_red_flag_answer_episode_day", "red_flag_answer", ["episode_id", "asked_on"], unique=False)
    op.create_index(op.f("ix_red_flag_answer_visit_id"), "red_flag_answer", ["visit_id"], unique=False)
    totals = " OR ".join(f"(instrument = '{name}' AND total >= {low} AND total <= {high})" for name, (low, high) in TOTALS.items())
    op.create_table(
        "outcome_score",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("episode_id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("instrument", TEXT(), nullable=False),
        sa.Column("total", sa.Float(), nullable=True),
        sa.Column("details", TEXT(), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        *_recorded("outcome_score"),
        _check("outcome_score", "instrument_word", f"instrument IN ({', '.join(repr(name) for name in TOTALS)})"),
        _check("outcome_score", "total_range", f"total IS NULL OR {totals}"),
        _from_1970("outcome_score", "taken_on"),
        _reference("outcome_score", "episode_id", "episode_of_care", "CASCADE"),
        _reference("outcome_score", "visit_id", "visit", "SET NULL"),
        _reference("outcome_score", "corrects_id", "outcome_score", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_score")),
    )
    op.create_index("ix_outcome_score_episode_day", "outcome_score", ["episode_id", "taken_on"], unique=False)
    op.create_index(op.f("ix_outcome_score_visit_id"), "outcome_score", ["visit_id"], unique=False)
    _current_only("uq_outcome_score_current", "outcome_score", ["episode_id", "instrument", "taken_on"])
    op.create_table(
        "strength_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("episode_id", sa.Integer(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        *_recorded("strength_session"),
        _range("strength_session", "number", 1, 4),
        _from_1970("strength_session", "done_on"),
        _reference("strength_session", "episode_id", "episode_of_care", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strength_session")),
    )
    _current_only("uq_strength_session_current", "strength_session", ["episode_id", "done_on", "number"])
    op.create_table(
        "review_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("episode_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("marked_at_utc", MOMENT(), nullable=False),
        sa.Column("undone_at_utc", MOMENT(), nullable=True),
        _reference("review_mark", "episode_id", "episode_of_care", "CASCADE"),
        _reference("review_mark", "person_id", "person", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_mark")),
    )
    op.create_index("ix_review_mark_episode", "review_mark", ["episode_id", "marked_at_utc"], unique=False)


def _hold_what_is_written_once() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(f"CREATE FUNCTION written_once_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{SAID}'; END $$")
    for table, columns in WRITTEN_ONCE.items():
        begun = f"CREATE TRIGGER {table}_written_once BEFORE UPDATE OF {columns} ON {table}"
        refused = f"BEGIN SELECT RAISE(ABORT, '{SAID}'); END" if sqlite else "FOR EACH ROW EXECUTE FUNCTION written_once_refuse()"
        op.execute(f"{begun} {refused}")


def upgrade() -> None:
    _change_old_tables()
    _make_new_tables()
    _hold_what_is_written_once()
