"""A row of the caseload from an episode's decision and what stands beside it."""

from rehab.decision import Decision
from rehab.flags.base import CaseloadRow
from rehab.pain import LevelShift, Trend


def caseload_row(
    decision: Decision,
    *,
    trend: Trend,
    level_shift: LevelShift | None = None,
    run_m: float | None = None,
    run_ceiling_m: float | None = None,
    week_m: float | None = None,
    week_planned_m: float | None = None,
    days_since_score: int | None = None,
    days_since_review: int | None = None,
    days_since_start: int | None = None,
) -> CaseloadRow:
    """
    Take from a decision what the flags look at.

    Parameters
    ----------
    decision : Decision
        Of the episode, as of the day of the caseload.
    trend : Trend
    level_shift : LevelShift or None
        Of pain, as of that day.
    run_m, run_ceiling_m : float or None
        The run of the last 7 days that is furthest over its plan's ceiling, and the ceiling.
    week_m, week_planned_m : float or None
        The newest week that is furthest over its plan, and the plan.
    days_since_score, days_since_review, days_since_start : int or None
        None if there never was one.
    """
    inputs = decision.inputs
    screen = inputs.screen
    return CaseloadRow(
        state=decision.state.code,
        open_items=len(screen.open_items),
        unanswered_items=len(screen.unanswered_items),
        first_open_item=screen.open_items[0].title if screen.open_items else "",
        bone=screen.bone,
        median_during=inputs.median_during,
        worst_during=max((run.during for run in inputs.scored_runs), default=None),
        slow_runs=inputs.slow_runs,
        limping_days=inputs.limping_days,
        unsettled_runs=inputs.unsettled_runs,
        scored_runs=len(inputs.scored_runs),
        trend=trend.direction,
        trend_per_week=trend.slope_per_week,
        shift=None if level_shift is None else level_shift.change,
        shift_from=None if level_shift is None else level_shift.baseline,
        spike_m=inputs.spike_m,
        spike_longest_m=inputs.spike_longest_m,
        max_step_ratio=inputs.limits.max_step_ratio,
        run_m=run_m,
        run_ceiling_m=run_ceiling_m,
        week_m=week_m,
        week_planned_m=week_planned_m,
        days_since_log=inputs.days_without_log,
        days_since_score=days_since_score,
        days_since_review=days_since_review,
        days_since_start=days_since_start,
        distance_unit=inputs.distance_unit,
    )
