"""Each run of the time shown as a dot: cadence at equal speed against the pain of the next morning, before and after a cadence cue."""

from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from models import ChangeKind, PainMoment, day_number
from rehab.charts.base import Chart, ChartKind, Span, span_days
from rehab.charts.plot import Plot, Series
from rehab.charts.theme import Scheme, palette
from rehab.charts.week_words import counted, day_label
from rehab.days import Floats, day_numbers, day_words, floats
from rehab.episode import EpisodeSummary, break_days
from rehab.pain import daily_worst, scores_of
from rehab.scored_run_days import value_on
from rehab.units import NOT_KNOWN, cadence_text

HEIGHT_PX = 330
LANE_BELOW = 1.2
NARROWEST_SPM = 12.0


def cadence_pain(summary: EpisodeSummary, *, span: Span, scheme: Scheme, narrow: bool = False) -> Chart:
    """
    Draw cadence at equal speed against next-morning pain.

    Parameters
    ----------
    summary : EpisodeSummary
        One episode, as of its own `as_of`.
    span : Span
        Which runs are shown. What a cue did is told from the runs around it, whatever is shown.
    scheme : {"light", "dark"}
        Which colours.
    narrow : bool
        For a telephone.

    Returns
    -------
    Chart
        Runs before and after the newest cue differ in colour and shape. What is not known stands in a lane at the left or at the foot.
        Several runs of one day share one next morning.
    """
    facts = summary.facts
    first, last = span_days(span, facts, as_of=summary.as_of)
    days = day_numbers(summary.runs["run_date"])
    shown = (days >= day_number(first)) & (days <= day_number(last))
    runs, days = summary.runs[shown], days[shown]
    pain = value_on(daily_worst(scores_of(summary.scores, PainMoment.NEXT_MORNING, facts.side)), days + 1)
    cadence = floats(runs["cadence_at_equal_speed_spm"])
    cue = max(break_days(facts.marks, frozenset({ChangeKind.CADENCE_CUE.value})), default=None)

    plot = Plot(palette(scheme), narrow, HEIGHT_PX)
    known = cadence[~np.isnan(cadence)]
    low, high = (float(known.min()) - 2, float(known.max()) + 2) if known.size else (160.0, 180.0)
    widen = max(0.0, NARROWEST_SPM - (high - low)) / 2
    low, high = low - widen, high + widen
    lane_width = (high - low) / 8
    drawn = ~np.isnan(cadence) | ~np.isnan(pain)
    series = _series(summary, runs, np.where(np.isnan(cadence), low - lane_width / 2, cadence), pain, drawn, cue, plot)
    zones = facts.zones
    plot.ground(-0.5, zones.comfortable_max + 0.5, plot.colours.zone_comfortable)
    plot.ground(zones.comfortable_max + 0.5, zones.acceptable_max + 0.5, plot.colours.zone_acceptable)
    plot.ground(zones.acceptable_max + 0.5, 10.5, plot.colours.zone_ease_back)
    plot.words_at_right("Comfortable", zones.comfortable_max / 2)
    plot.words_at_right("OK if it<br>settles", (zones.comfortable_max + zones.acceptable_max + 1) / 2)
    plot.words_at_right("Ease back", (zones.acceptable_max + 11) / 2)
    plot.words_at_right("not known", -0.5 - LANE_BELOW / 2)
    for one in series:
        plot.dots(one)
    if not drawn.any():
        plot.words_inside("No run in this time." if not len(runs) else "No cadence and no next-morning score of these runs.")
    step = 5 if high - low <= 40 else 10
    ticks = {low - lane_width / 2: "not<br>known"} if (np.isnan(cadence) & drawn).any() else {}
    ticks |= {float(at): f"{at}" for at in range(int(np.ceil(low / step)) * step, int(high) + 1, step)}
    plot.scale("xaxis", low - lane_width, high, ticks=ticks, title="Cadence at equal speed, steps/min of both feet")
    plot.scale("yaxis", -0.5 - LANE_BELOW, 10.5, ticks={float(at): f"{at}" for at in range(0, 11, 2)})
    plot.title("Pain next morning, 0–10", plot.keys(series))
    is_empty = not len(runs)
    sentence = f"No run since {day_label(first)}, {first.year}." if is_empty else _sentence(summary, days, cadence, pain, cue)
    return Chart(plot.figure(), sentence, is_empty, partial(_table, runs, pain, cue))


def _series(
    summary: EpisodeSummary, runs: pd.DataFrame, x: Floats, pain: Floats, drawn: np.ndarray, cue: date | None, plot: Plot
) -> list[Series]:
    colours = plot.colours
    days = day_numbers(runs["run_date"])
    after = np.zeros(len(runs), dtype=bool) if cue is None else days >= day_number(cue)
    said = [" · ".join(words) for words in zip(*_words(runs, pain, cue).values(), strict=True)]
    looks = [("each run" if cue is None else "before the cue", "○", "circle-open", colours.before, ~after)]
    if cue is not None:
        looks.append(("from the cue on", "▶", "triangle-right", colours.cadence, after))
    found = []
    for name, sign, symbol, colour, of_these in looks:
        at = np.flatnonzero(of_these & drawn).tolist()
        heights = [-0.5 - LANE_BELOW / 2 if np.isnan(pain[place]) else float(pain[place]) for place in at]
        found.append(
            Series(name, sign, symbol, colour, [round(float(x[place]), 1) for place in at], heights, [said[place] for place in at])
        )
    return found


def _sentence(summary: EpisodeSummary, days: np.ndarray, cadence: Floats, pain: Floats, cue: date | None) -> str:
    both = ~np.isnan(cadence) & ~np.isnan(pain)
    told = int(both.sum())
    said = f"{counted(len(days), 'run')} shown; cadence and next-morning pain are both known of {told or 'none'}."
    if cue is None or summary.cue_change is None:
        return f"{said} No cadence cue is recorded, so there is no before and after. {summary.equal_speed.sentence}"
    after = days >= day_number(cue)
    middles = [
        f"{np.median(pain[of_these]):g} of 10 {words}"
        for of_these, words in ((~after & ~np.isnan(pain), "before"), (after & ~np.isnan(pain), "from that day on"))
        if of_these.any()
    ]
    middle = f" Middle next-morning pain of the runs shown: {', '.join(middles)}." if middles else ""
    caution = " Other things changed meanwhile too: it does not tell that one brought the other." if len(middles) == 2 else ""
    return f"{said} Newest cadence cue: {day_words(cue)}. {summary.cue_change.sentence}{middle}{caution}"


def _words(runs: pd.DataFrame, pain: Floats, cue: date | None) -> dict[str, list[str]]:
    days = list(runs["run_date"].dt.date)
    words = {
        "Day": [f"{day_label(day)}, {day.year}" for day in days],
        "Cadence at equal speed": [cadence_text(value) for value in runs["cadence_at_equal_speed_spm"]],
        "Pain next morning": [NOT_KNOWN if np.isnan(value) else f"{value:g} of 10" for value in pain],
    }
    if cue is not None:
        words["Cadence cue"] = ["before" if day < cue else "from the cue on" for day in days]
    return words


def _table(runs: pd.DataFrame, pain: Floats, cue: date | None) -> pd.DataFrame:
    return pd.DataFrame(_words(runs.iloc[::-1], pain[::-1], cue), dtype="str")


CHART = ChartKind("cadence_pain", "Cadence and pain", cadence_pain)
