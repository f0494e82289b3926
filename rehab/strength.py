"""Strength sessions done against those prescribed."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models import day_number
from rehab.days import day_numbers, week_numbers
from rehab.plan import plan_weeks
from rehab.rules import Limit, Rule, Strength

STRENGTH_DAYS = 14
STRENGTH_KEPT_PERCENT = 70  # on the limit it is kept

RULE = Rule(
    name="strength_kept",
    title="Strength sessions done",
    says="Sessions done in 14 days, divided by those prescribed for them. Nothing prescribed counts as kept.",
    strength=Strength.CLINIC,
    limits=(Limit("kept", STRENGTH_KEPT_PERCENT / 100, "", "≥ 0.70; on the limit is kept"),),
    criticism="What was done but not told is not counted.",
    may_say="How many sessions were told of those prescribed.",
    may_not_say="That somebody failed.",
)


@dataclass(frozen=True)
class StrengthKept:
    """
    Strength sessions of 14 days.

    Attributes
    ----------
    done : int
        Sessions told on days for which some were prescribed.
    prescribed : float
        Sessions prescribed for these days; 0 if none.
    share : float or None
        `done` by `prescribed`; None if nothing was prescribed.
    is_kept : bool
        70 % or more, or nothing prescribed.
    """

    done: int
    prescribed: float
    share: float | None
    is_kept: bool


def strength_kept(
    strength: pd.DataFrame, plans: pd.DataFrame, *, week_start: int, as_of: date, ended_on: date | None = None, days: int = STRENGTH_DAYS
) -> StrengthKept:
    """
    Compare strength sessions done with those prescribed, over the last 14 days.

    Each day asks for a seventh of what the plan of its week prescribes; a session counts on the days that ask for some.

    Parameters
    ----------
    strength : DataFrame
        STRENGTH_COLUMNS, in any order: one row a session, `done_on` (datetime64).
    plans : DataFrame
        PLAN_COLUMNS, in any order.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    as_of : date
        Last of the days.
    ended_on : date or None
        Last day of the episode: later days ask for nothing.
    days : int
        How many.

    Returns
    -------
    StrengthKept
        `share` is None where nothing was prescribed, which counts as kept.
    """
    last = day_number(as_of)
    asked = np.arange(last - days + 1, last + 1)
    weeks = week_numbers(asked, week_start)
    a_week = [each.strength_sessions_per_week if each else None for each in plan_weeks(plans, weeks, ended_on=ended_on)]
    sevenths = np.array([each or 0 for each in a_week], dtype=np.float64)
    valid_from = day_numbers(plans["valid_from"])
    begun = asked >= (valid_from.min() if valid_from.size else last + 1)  # a first plan may begin within a week
    running = np.ones(days, dtype=bool) if ended_on is None else asked <= day_number(ended_on)
    sevenths = np.where(begun & running, sevenths, 0.0)
    total = float(sevenths.sum())
    done = int(np.isin(day_numbers(strength["done_on"]), asked[sevenths > 0]).sum())
    if total == 0:
        return StrengthKept(done, 0.0, None, True)
    return StrengthKept(done, total / 7, 7 * done / total, 100 * 7 * done >= STRENGTH_KEPT_PERCENT * total)
