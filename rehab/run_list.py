"""The runs of an episode in words: what each number is and how it was obtained."""

import numpy as np
import pandas as pd

from models import CadenceRule, DistanceRule
from rehab.episode import EpisodeSummary
from rehab.response import SETTLED, SLOW, UNKNOWN, UNSETTLED
from rehab.units import cadence_text, distance_text, pace_text, signed_text

CADENCE_RULE_WORDS = {
    CadenceRule.FIT_STRIDES_DOUBLED: "FIT counts one leg: doubled",
    CadenceRule.TCX_STRIDES_DOUBLED: "TCX counts one leg: doubled",
    CadenceRule.GPX_STRIDES_DOUBLED: "GPX counts one leg: doubled",
    CadenceRule.STRAVA_STRIDES_DOUBLED: "Strava's list counts one leg: doubled",
    CadenceRule.POLAR_STRIDES_DOUBLED: "Polar counts one leg: doubled",
    CadenceRule.STEPS_COUNTED: "steps counted over the run",
    CadenceRule.STEPS_AS_GIVEN: "given in steps/min: as it is",
    CadenceRule.ENTERED_BY_HAND: "typed in",
    CadenceRule.NONE: "no cadence in the file",
}
DISTANCE_RULE_WORDS = {
    DistanceRule.DEVICE_TOTAL: "the device's total",
    DistanceRule.RECORDS: "the device's records",
    DistanceRule.GPS: "from GPS points",
    DistanceRule.AS_GIVEN: "as given",
    DistanceRule.ENTERED_BY_HAND: "typed in",
}
RESPONSE_WORDS = {SETTLED: "settled", UNSETTLED: "not settled", SLOW: "slow to settle", UNKNOWN: "not known"}


def run_list(summary: EpisodeSummary, *, first: pd.Timestamp | None = None) -> pd.DataFrame:
    """
    Write the runs as a table, newest first.

    Parameters
    ----------
    summary : EpisodeSummary
        One episode.
    first : Timestamp, optional
        Leave out runs before this local day.

    Returns
    -------
    DataFrame
        All columns str except `Day` (datetime64); distances in the patient's unit, every cadence in steps/min of both feet.
    """
    unit = summary.facts.distance_unit
    runs = summary.runs if first is None else summary.runs[summary.runs["run_date"] >= first]
    runs = runs.iloc[::-1]
    change = runs["r24"].to_numpy(dtype=np.float64)
    return pd.DataFrame(
        {
            "Day": runs["run_date"].to_numpy(),
            "Distance": [distance_text(value, unit) for value in runs["distance_m"]],
            "Distance from": [DISTANCE_RULE_WORDS[DistanceRule(rule)] for rule in runs["distance_rule"]],
            "Moving time": [duration_text(value) for value in runs["moving_time_s"]],
            "Pace": [pace_text(value, unit) for value in runs["speed_m_s"]],
            "Running cadence": [cadence_text(value) for value in runs["running_cadence_spm"]],
            "At equal speed": [cadence_text(value) for value in runs["cadence_at_equal_speed_spm"]],
            "Cadence from": [CADENCE_RULE_WORDS[CadenceRule(rule)] for rule in runs["cadence_rule"]],
            "Next morning": [_next_morning(state, value) for state, value in zip(runs["response"], change, strict=True)],
            "Surface": [str(surface) for surface in runs["surface"]],
        }
    )


def _next_morning(response: str, change: float) -> str:
    if np.isnan(change):
        return RESPONSE_WORDS[response]
    words = "unclear" if response == UNKNOWN else RESPONSE_WORDS[response]  # between +1 and +2 the rule says nothing
    return f"{words} ({signed_text(change)} {'point' if abs(change) == 1 else 'points'})"


def duration_text(seconds: float) -> str:
    """
    Write a duration as hours, minutes and seconds.

    Examples
    --------
    >>> duration_text(59), duration_text(3725)
    ('0:59', '1:02:05')
    """
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
