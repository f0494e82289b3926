"""Each run of the time shown as a dot: how long it was against how much the pain had changed by the next morning."""

from enum import StrEnum
from functools import partial

import numpy as np
import pandas as pd

from models import day_number
from rehab.charts.base import Chart, ChartKind, Span, span_days
from rehab.charts.plot import Plot, Series
from rehab.charts.theme import Palette, Scheme, palette
from rehab.charts.week_words import counted, day_label
from rehab.days import Floats, day_numbers, floats
from rehab.episode import EpisodeSummary
from rehab.response import SETTLED, SLOW, UNKNOWN, UNSETTLED, UNSETTLED_MIN
from rehab.run_list import RESPONSE_WORDS
from rehab.units import NOT_KNOWN, distance_in, distance_text, signed_text

HEIGHT_PX = 330
# Change upwards, and where runs stand whose next morning is not known.
LOWEST, HIGHEST = -3.0, 4.0
LANE_BELOW = 1.2
UNCLEAR = "unclear"


class By(StrEnum):
    """What of a run is held against the morning after it; the value stands in the page's address."""

    DISTANCE = "distance"
    SESSION_RATIO = "ratio"


BY_LABELS = {By.DISTANCE: "Distance", By.SESSION_RATIO: "Against the longest of 30 days"}


def run_response(summary: EpisodeSummary, *, span: Span, scheme: Scheme, narrow: bool = False, by: By = By.DISTANCE) -> Chart:
    """
    Draw runs against the change of pain to the next morning (R24).

    Parameters
    ----------
    summary : EpisodeSummary
        One episode, as of its own `as_of`.
    span : Span
        Which runs are shown. What the sentence reads from them is told of the last 26 weeks, whatever is shown.
    scheme : {"light", "dark"}
        Which colours.
    narrow : bool
        For a telephone.
    by : By
        Distance, or the session ratio: the distance against the longest run of the 30 days before. Runs without such a run have none.

    Returns
    -------
    Chart
        Colour and shape tell how the hip answered. Runs with an unknown next morning stand in a lane at the foot, never at 0.
    """
    facts = summary.facts
    first, last = span_days(span, facts, as_of=summary.as_of)
    days = day_numbers(summary.runs["run_date"])
    runs = summary.runs[(days >= day_number(first)) & (days <= day_number(last))]
    plot = Plot(palette(scheme), narrow, HEIGHT_PX)
    ratio = by is By.SESSION_RATIO
    across = floats(runs["session_ratio"]) if ratio else distance_in(1.0, facts.distance_unit) * floats(runs["distance_m"])
    change = floats(runs["r24"])
    answered, has_place = change[~np.isnan(change)], ~np.isnan(across)
    low = min([LOWEST, *(answered - 0.5).tolist()])
    high = max([HIGHEST, *(answered + 0.5).tolist()])
    lane = low - LANE_BELOW / 2
    series = _series(summary, runs, across, change, lane, plot.colours)
    settled_max = facts.limits.settled_max
    plot.ground(low, settled_max + 0.5, plot.colours.zone_comfortable)
    plot.ground(settled_max + 0.5, high, plot.colours.zone_ease_back)
    plot.words_at_right(f"up to {signed_text(settled_max)}:<br>settled", (low + settled_max) / 2)
    plot.words_at_right(f"{signed_text(UNSETTLED_MIN)} or more:<br>not settled", (max(settled_max + 0.5, UNSETTLED_MIN) + high) / 2)
    plot.words_at_right("not known", lane)
    plot.level(0)
    for one in series:
        plot.dots(one)
    if not has_place.any():
        plot.words_inside(_nothing(len(runs), ratio=ratio))
    most = float(np.nanmax(across)) if has_place.any() else 2.0 if ratio else 5.0
    least = min(0.0, most) if not ratio else max(0.0, float(np.nanmin(across)) - 0.1) if has_place.any() else 0.0
    if ratio:
        step = facts.limits.max_step_ratio
        plot.upright(step, f"{step:.2f}: this runner's step")
        most = max(most, step)
    unit_words = {"mi": "miles", "km": "kilometers"}[facts.distance_unit.value]
    title = "Run distance / longest run of the 30 days before (1 is as long)" if ratio else f"Run distance, {unit_words}"
    plot.scale("xaxis", least, most * 1.06, title=title)
    ticks = {float(at): signed_text(float(at)) for at in range(int(np.ceil(low)), int(np.floor(high)) + 1)}
    plot.scale("yaxis", low - LANE_BELOW, high, ticks=ticks)
    plot.title("Change to the next morning" + ("" if narrow else ", points of 0–10"), plot.keys(series))
    if narrow:
        plot.words("points of 0–10", xref="paper", x=0, xanchor="left", xshift=2, yref="paper", y=1, yanchor="top")
    is_empty = not len(runs)
    sentence = f"No run since {day_label(first)}, {first.year}." if is_empty else _sentence(summary, runs, across, ratio=ratio)
    return Chart(plot.figure(), sentence, is_empty, partial(_table, summary, runs))


def _standing(response: str, change: float) -> str:
    """Name what a run's dot stands for: between the limits the rule says nothing."""
    return UNCLEAR if response == UNKNOWN and not np.isnan(change) else response


def _series(summary: EpisodeSummary, runs: pd.DataFrame, across: Floats, change: Floats, lane: float, colours: Palette) -> list[Series]:
    looks = {
        SETTLED: ("●", "circle", colours.cadence),
        UNSETTLED: ("◆", "diamond", colours.during),
        SLOW: ("■", "square", colours.next_morning),
        UNCLEAR: ("○", "circle-open", colours.before),
        UNKNOWN: ("×", "x-thin", colours.mark),
    }
    standing = [_standing(response, r24) for response, r24 in zip(runs["response"], change, strict=True)]
    said = [" · ".join(words) for words in zip(*_words(summary, runs).values(), strict=True)]
    found = []
    for name, (sign, symbol, colour) in looks.items():
        at = [place for place, one in enumerate(standing) if one == name and not np.isnan(across[place])]
        heights = [lane if np.isnan(change[place]) else float(change[place]) for place in at]
        x = [round(float(across[place]), 3) for place in at]
        found.append(Series(RESPONSE_WORDS.get(name, name), sign, symbol, colour, x, heights, [said[place] for place in at]))
    return found


def _nothing(runs: int, *, ratio: bool) -> str:
    return "No run with another one in the 30 days before it." if ratio and runs else "No run in this time."


def _sentence(summary: EpisodeSummary, runs: pd.DataFrame, across: Floats, *, ratio: bool) -> str:
    change = floats(runs["r24"])
    known = int((~np.isnan(change)).sum())
    standing = [_standing(response, r24) for response, r24 in zip(runs["response"], change, strict=True)]
    counts = [(standing.count(name), RESPONSE_WORDS.get(name, name)) for name in (SETTLED, UNSETTLED, SLOW, UNCLEAR)]
    split = ", ".join(f"{number} {words}" for number, words in counts if number)
    said = (
        f"{counted(len(runs), 'run')} shown; the change to the next morning is known of {known or 'none'}{f': {split}' if split else ''}."
    )
    without = int(np.isnan(across).sum())
    if ratio and without:
        said += f" {counted(without, 'run')} without another one in the 30 days before: not drawn."
    return f"{said} {summary.association.therapist}"


def _words(summary: EpisodeSummary, runs: pd.DataFrame) -> dict[str, list[str]]:
    unit = summary.facts.distance_unit
    change, ratio = floats(runs["r24"]), floats(runs["session_ratio"])
    return {
        "Day": [f"{day_label(day)}, {day.year}" for day in runs["run_date"].dt.date],
        "Distance": [distance_text(value, unit) for value in runs["distance_m"]],
        "Against the longest of 30 days": ["no run in 30 days" if np.isnan(value) else f"{value:.2f} times" for value in ratio],
        "Change to the next morning": [NOT_KNOWN if np.isnan(value) else f"{signed_text(value)} of 10" for value in change],
        "The hip": [RESPONSE_WORDS.get(_standing(response, r24), UNCLEAR) for response, r24 in zip(runs["response"], change, strict=True)],
    }


def _table(summary: EpisodeSummary, runs: pd.DataFrame) -> pd.DataFrame:
    newest_first = runs.iloc[::-1]
    words = _words(summary, newest_first)
    words["Held against"] = [str(reference) or NOT_KNOWN for reference in newest_first["r24_reference"]]
    return pd.DataFrame(words, dtype="str")


CHART = ChartKind("run_response", "Run and response", run_response)
