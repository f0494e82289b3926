"""More sources of runs

Revision ID: 0005
Revises: 0004
"""

from alembic import op


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CADENCE_RULES = (
    "'fit_strides_doubled', 'tcx_strides_doubled', 'gpx_strides_doubled', 'strava_strides_doubled', 'polar_strides_doubled', 'steps_counted', "
    "'steps_as_given', 'entered_by_hand', 'none'"
)


def upgrade() -> None:
    with op.batch_alter_table("run", schema=None) as run:
        run.drop_constraint(op.f("ck_run_cadence_rule_word"), type_="check")
        run.create_check_constraint(op.f("ck_run_cadence_rule_word"), f"cadence_rule IN ({CADENCE_RULES})")
