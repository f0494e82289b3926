"""The flags of the caseload, one file each, the most serious first. To add one: a new file and a line here."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rehab.flags.base import CaseloadColumns, CaseloadRow, Flag, FlagRule, FlagSettings, columns_of
from rehab.flags.flare import FLAG_RULE as FLARE
from rehab.flags.no_data import FLAG_RULE as NO_DATA
from rehab.flags.on_track import FLAG_RULE as ON_TRACK
from rehab.flags.over_plan import FLAG_RULE as OVER_PLAN
from rehab.flags.pain_rising import FLAG_RULE as PAIN_RISING
from rehab.flags.red_flag_open import FLAG_RULE as RED_FLAG_OPEN
from rehab.flags.review_due import FLAG_RULE as REVIEW_DUE
from rehab.flags.rows import caseload_row
from rehab.flags.run_spike import FLAG_RULE as RUN_SPIKE

RULES: tuple[FlagRule, ...] = (RED_FLAG_OPEN, FLARE, PAIN_RISING, RUN_SPIKE, OVER_PLAN, NO_DATA, REVIEW_DUE, ON_TRACK)
_DEFAULT = FlagSettings()


def buckets(columns: CaseloadColumns, settings: FlagSettings = _DEFAULT) -> npt.NDArray[np.int64]:
    """
    Put each episode into the most serious bucket that fits.

    Parameters
    ----------
    columns : CaseloadColumns
        A whole clinic, or a part of it.
    settings : FlagSettings
        The clinic's.

    Returns
    -------
    ndarray of int64
        For each episode the place of its rule in `RULES`. The last one takes all that is left, so each is in exactly one.
    """
    holding = np.stack([rule.holds(columns, settings) for rule in RULES])
    return np.asarray(holding.argmax(axis=0), dtype=np.int64)


def flags(rows: Sequence[CaseloadRow], settings: FlagSettings = _DEFAULT) -> tuple[Flag, ...]:
    """
    Name the bucket of each row, with its reason in words.

    Examples
    --------
    >>> [(flag.rule.name, flag.words) for flag in flags([CaseloadRow(days_since_review=7), CaseloadRow()])]
    [('review_due', 'Last reviewed 7 days ago.'), ('on_track', 'No rule asks for attention.')]
    """
    if not rows:
        return ()
    places = buckets(columns_of(rows), settings).tolist()
    return tuple(Flag(RULES[place], RULES[place].words(row, settings)) for row, place in zip(rows, places, strict=True))


__all__ = ["RULES", "CaseloadColumns", "CaseloadRow", "Flag", "FlagRule", "FlagSettings", "buckets", "caseload_row", "columns_of", "flags"]
