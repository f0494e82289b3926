"""Rows of the database as frames, with the same kinds of columns whether there are rows or not."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from models import NPRS_COUNT_COLUMNS, RUN_WEEK_COLUMNS

# What is not named here or by the caller is text.
_WHOLE_NUMBERS = frozenset(
    {
        "run_id",
        "score_id",
        "answer_id",
        "session_id",
        "outcome_id",
        "utc_offset_s",
        "elapsed_time_s",
        "nprs",
        "version",
        *RUN_WEEK_COLUMNS,
        *NPRS_COUNT_COLUMNS,
    }
)
_YES_OR_NO = frozenset({"recalled", "answer", "outside_band"})


def frame(
    rows: Sequence[Sequence[Any]],
    columns: Sequence[str],
    *,
    days: Sequence[str] = (),
    floats: Sequence[str] = (),
    texts: Sequence[str] = (),
) -> pd.DataFrame:
    """
    Make a frame of rows.

    Parameters
    ----------
    rows : sequence of sequences
        In the order of `columns`.
    days : sequence of str
        Columns of days without a zone; a missing one is NaT.
    floats : sequence of str
        Columns of numbers of which some may be missing: NaN.
    texts : sequence of str
        Columns of words, whatever else their name says in another frame.

    Returns
    -------
    DataFrame
        Columns that end in `_at_utc` are moments in UTC, NaT where missing.

    Examples
    --------
    >>> frame([], ["version", "reason"]).dtypes.astype(str).tolist()
    ['int64', 'str']
    """
    made = pd.DataFrame.from_records([tuple(row) for row in rows], columns=list(columns))
    for name in columns:
        if name in days:
            made[name] = pd.to_datetime(made[name]).astype("datetime64[us]")
        elif name.endswith("_at_utc"):
            made[name] = pd.to_datetime(made[name], utc=True).astype("datetime64[us, UTC]")
        elif name in floats:
            made[name] = made[name].astype("float64")
        elif name in texts:
            made[name] = made[name].astype("str")
        else:
            made[name] = made[name].astype("int64" if name in _WHOLE_NUMBERS else "bool" if name in _YES_OR_NO else "str")
    return made
