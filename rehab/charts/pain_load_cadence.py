"""
The main chart: pain, weekly distance and cadence in three panels over one time axis, with what the clinic changed as lines through all.

No second y axis over the same ground, nothing interpolated, no missing value drawn as 0 (evidence §4.1). An unseen layer over all
panels carries the hover, one text a week.
"""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from models import ChangeKind, DistanceUnit, PainMoment, day_of
from rehab.charts.base import Chart, ChartKind, Span, chart_text, span_days
from rehab.charts.drawing import BOTTOM_PX, DAY_MS, NARROW, TOP_PX, WIDE, Drawing, Figure, at_hour, iso, key, tidy_step
from rehab.charts.mark_lane import PlacedMark, placed_marks
from rehab.charts.theme import Scheme, palette
from rehab.charts.week_words import WeekWords, chart_sentence, day_label, shown_weeks, week_table, week_words
from rehab.days import Floats, day_numbers, floats
from rehab.episode import CADENCE_BREAKS, PAIN_BREAKS, EpisodeSummary, break_days
from rehab.units import distance_text, metres_per, pace_text, round_half_up
from rehab.weekly import plan_of_weeks


@dataclass(frozen=True)
class _Moment:
    """How a moment of pain is drawn. The hour orders the moments within the day of their run."""

    moment: PainMoment
    words: str
    colour: str  # name of a colour of the palette
    symbol: str
    sign: str
    hour: int


# In the order they are drawn, the main one last and on top.
MOMENTS = (
    _Moment(PainMoment.BEFORE, "before", "before", "circle-open", "○", 4),
    _Moment(PainMoment.NIGHT_LYING, "lying on it at night", "night", "triangle-down", "▼", 22),
    _Moment(PainMoment.AFTER, "after", "after", "square", "■", 14),
    _Moment(PainMoment.DURING, "during", "during", "diamond", "◆", 9),
    _Moment(PainMoment.NEXT_MORNING, "next morning", "next_morning", "circle", "●", 19),
)
HOUR_WITHOUT_RUN = 7  # a next-morning score that follows no run stands on its own morning
MARK_SIGNS = {
    "visit": ("triangle-down", "▼", "visit"),
    "plan": ("square", "■", "plan"),
    "red_flag": ("x", "✖", "red flag"),
    ChangeKind.CADENCE_CUE: ("triangle-right", "▶", "cadence cue"),
}
OTHER_SIGN = ("diamond", "◆", "other change")
MOST_MARKS_IN_HOVER = 4
CADENCE_LINE_BREAKS = CADENCE_BREAKS - {ChangeKind.CADENCE_CUE.value}  # what a cue did is to be seen


def pain_load_cadence(summary: EpisodeSummary, *, span: Span, scheme: Scheme, narrow: bool = False) -> Chart:
    """
    Draw pain, weekly distance and cadence over one time axis.

    Parameters
    ----------
    summary : EpisodeSummary
        One episode, as of its own `as_of`.
    span : Span
        How much time to show.
    scheme : {"light", "dark"}
        Which colours.
    narrow : bool
        For a telephone: fewer words, keys on a line of their own.

    Returns
    -------
    Chart
        The figure is for `st.plotly_chart(…, theme=None, config=PLOTLY_CONFIG, alt=sentence)`. A week without a value has no point
        and breaks its line; a panel with nothing to show says so in words.
    """
    facts = summary.facts
    first, last = span_days(span, facts, as_of=summary.as_of)
    weeks = shown_weeks(summary.weeks, first, last, has_ended=facts.ended_on is not None)
    drawing = Drawing(weeks, first, last, palette(scheme), NARROW if narrow else WIDE)
    measures = drawing.measures
    lane = placed_marks(
        facts.marks,
        first=first,
        last=last,
        plot_px=measures.plot_width,
        beyond_px=measures.right - 4,
        rows=measures.lane_rows,
        longest=measures.longest_mark,
    )
    anything = [_pain_panel(drawing, summary), _load_panel(drawing, facts.distance_unit), _cadence_panel(drawing, summary)]
    height = _stack(drawing, lane)
    _marks(drawing, lane)
    said = week_words(weeks, facts.marks, unit=facts.distance_unit, as_of=summary.as_of)
    _hover(drawing, said)

    is_empty = not any(anything) and not lane
    nothing = f"Nothing is recorded since {day_label(first)}, {first.year}."
    return Chart(
        figure={"data": drawing.data, "layout": drawing.layout(height)},
        sentence=nothing if is_empty else chart_sentence(summary, weeks, first=first, last=last),
        is_empty=is_empty,
        tabulate=partial(week_table, weeks, said, unit=facts.distance_unit),
    )


def _pain_panel(drawing: Drawing, summary: EpisodeSummary) -> bool:
    weeks, colours = drawing.weeks, drawing.colours
    zones = summary.facts.zones
    limits = (-0.5, zones.comfortable_max + 0.5, zones.acceptable_max + 0.5, 10.5)
    fills = (colours.zone_comfortable, colours.zone_acceptable, colours.zone_ease_back)
    names = ("Comfortable", "OK if it<br>settles" if drawing.narrow else "OK if it settles", "Ease back")
    for (low, high), fill, name in zip(pairwise(limits), fills, names, strict=True):
        if low < high:
            drawing.band("y", low, high, fill)
            drawing.words_at_right(name, "y", (low + high) / 2, colours.quiet_ink)

    scores = summary.scores
    days = day_numbers(scores["counted_date"])
    shown = drawing.within(days)
    moments = scores["moment"].to_numpy(dtype=object)
    nprs = floats(scores["nprs"])
    alone = np.isnan(floats(scores["run_id"])) & (moments == PainMoment.NEXT_MORNING)
    keys: list[str] = []
    for moment in MOMENTS:
        of_moment = shown & (moments == moment.moment)
        if of_moment.any() or moment.moment is PainMoment.NEXT_MORNING:
            x = at_hour(days[of_moment & ~alone], moment.hour) + at_hour(days[of_moment & alone], HOUR_WITHOUT_RUN)
            y = [*nprs[of_moment & ~alone].astype(int).tolist(), *nprs[of_moment & alone].astype(int).tolist()]
            colour = getattr(colours, moment.colour)
            drawing.dots("y", moment.words, x, y, symbol=moment.symbol, colour=colour, opacity=0.55)
            if of_moment.any():
                keys.insert(0, key(moment.sign, moment.words, colour))
    answered = bool((~np.isnan(weeks.pain_median)).any())
    if answered:
        line = drawing.weekly_line("y", "weekly median", weeks.pain_median, colours.next_morning, new_from=_new_pain_from(summary))
        line["error_y"] = _up_to_worst(drawing, line)
        keys = [key("●━", "next-morning median of the week", colours.next_morning), key("┬", "worst", colours.next_morning), *keys]
    if not answered and not shown.any():
        drawing.words_in_panel("No pain scores in this time.", "y")
    split = (2 if answered else 0) if drawing.narrow else len(keys)
    drawing.axis("yaxis", -0.5, 10.5, 2)
    drawing.title("y", "Pain", ", 0–10", keys[:split], keys[split:])
    return answered or bool(shown.any())


def _new_pain_from(summary: EpisodeSummary) -> list[date]:
    """Give the days after an injection or a new diagnosis: as in the trend, scores of the day itself belong to what was before."""
    return [day + timedelta(days=1) for day in break_days(summary.facts.marks, PAIN_BREAKS)]


def _up_to_worst(drawing: Drawing, line: Figure) -> Figure:
    """Draw a whisker from each week's median to its worst score."""
    above = drawing.weeks.pain_max - drawing.weeks.pain_median
    rest = iter(above[~np.isnan(above)].tolist())
    reach = [0.0 if value is None else next(rest) for value in line["y"]]
    cap_px = 4 if drawing.px_per_week > 11 else 0
    return {
        "type": "data",
        "symmetric": False,
        "array": reach,
        "arrayminus": [0] * len(reach),
        "thickness": 1.2,
        "width": cap_px,
        "color": drawing.colours.next_morning,
    }


def _load_panel(drawing: Drawing, unit: DistanceUnit) -> bool:
    weeks, colours = drawing.weeks, drawing.colours
    distance, planned = weeks.distance_m / metres_per(unit), weeks.planned_distance_m / metres_per(unit)
    most = float(np.nanmax([*distance.tolist(), *planned.tolist(), 0.0])) or 10.0
    top = most * 1.3
    keys: list[str] = []
    known = weeks.logged & ~np.isnan(distance)
    if not known.all():
        _unknown_ground(drawing, ~known, top)
    if known.any():
        running = weeks.so_far[known].tolist()
        values = distance[known].tolist()
        drawing.data.append(
            {
                "type": "bar",
                "name": "distance",
                "x": iso(weeks.first_days[known]).tolist(),
                "y": [round(value, 3) for value in values],
                "yaxis": "y2",
                "offset": DAY_MS // 2,
                "width": 6 * DAY_MS,
                "text": [
                    _bar_words(drawing, value, weeks.unfinished_words if so_far else "")
                    for value, so_far in zip(values, running, strict=True)
                ],
                "textposition": "outside",
                "textangle": 0,
                "constraintext": "none",
                "cliponaxis": False,
                "textfont": {"size": 11 if drawing.px_per_week > 14 else 9, "color": colours.quiet_ink},
                "marker": {
                    "color": colours.distance,
                    "line": {
                        "color": colours.distance,
                        "width": [1 if so_far or value == 0 else 0 for value, so_far in zip(values, running, strict=True)],
                    },
                    "pattern": {
                        "shape": ["/" if so_far else "" for so_far in running],
                        "bgcolor": colours.ground,
                        "fgcolor": colours.distance,
                        "fillmode": "replace",
                        "size": 6,
                        "solidity": 0.35,
                    },
                },
                "hoverinfo": "skip",
            }
        )
    if not np.isnan(planned).all():
        drawing.data.append(_plan_steps(drawing, planned))
        if np.isnan(planned[-1]):
            keys.append(key("━", "plan", colours.plan))
        else:
            text = distance_text(float(weeks.planned_distance_m[-1]), unit, places=1)
            drawing.words_at_right(f"plan<br>{text}" if drawing.narrow else f"plan {text}", "y2", float(planned[-1]), colours.plan)
    if not known.all():
        keys.append(key("▨", "no log" if drawing.narrow else "no log: not known, not 0", colours.quiet_ink))
    drawing.axis("yaxis2", 0, top, tidy_step(most, 4) if known.any() or not np.isnan(planned).all() else math.inf)
    drawing.title("y2", "Miles" if unit is DistanceUnit.MILE else "Kilometers", " a week", keys)
    return bool(known.any())


def _bar_words(drawing: Drawing, value: float, unfinished_words: str) -> str:
    number = "0" if value == 0 else f"{value:.1f}" if drawing.px_per_week > 32 else ""
    return "<br>".join(words for words in (number, unfinished_words) if words)


def _unknown_ground(drawing: Drawing, unknown: npt.NDArray[np.bool_], top: float) -> None:
    """Hatch the ground of each spell of weeks of which the distance is not known."""
    weeks, colours = drawing.weeks, drawing.colours
    places = np.flatnonzero(unknown)
    spells = np.split(places, np.flatnonzero(np.diff(places) != 1) + 1)
    widths_px = [len(spell) * drawing.px_per_week for spell in spells]
    drawing.data.append(
        {
            "type": "bar",
            "name": "no log",
            "x": iso(weeks.first_days[[spell[0] for spell in spells]]).tolist(),
            "y": [round(top, 3)] * len(spells),
            "yaxis": "y2",
            "offset": 0,
            "width": [len(spell) * 7 * DAY_MS for spell in spells],
            "text": ["no log" if px > 40 else "?" if px > 9 else "" for px in widths_px],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "constraintext": "none",
            "textfont": {"size": drawing.measures.small_letter, "color": colours.quiet_ink},
            "marker": {
                "color": colours.unknown,
                "line": {"width": 0},
                "pattern": {
                    "shape": "/",
                    "bgcolor": colours.ground,
                    "fgcolor": colours.unknown,
                    "fillmode": "replace",
                    "size": 8,
                    "solidity": 0.15,
                },
            },
            "hoverinfo": "skip",
        }
    )


def _plan_steps(drawing: Drawing, planned: Floats) -> Figure:
    """Draw the planned distance as a level line over each week, with a break where there was no plan."""
    x: list[str] = []
    y: list[float | None] = []
    for start, value in zip(drawing.weeks.first_days.tolist(), np.round(planned, 3).tolist(), strict=True):
        if math.isnan(value):
            continue
        begin, end = day_of(start).isoformat(), day_of(start + 7).isoformat()
        if x and x[-1] == begin and y[-1] == value:
            x[-1] = end
            continue
        if x and x[-1] != begin:
            x.append(x[-1])
            y.append(None)
        x += [begin, end]
        y += [value, value]
    line = {"color": drawing.colours.plan, "width": 2}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "plan",
        "x": x,
        "y": y,
        "yaxis": "y2",
        "line": line,
        "connectgaps": False,
        "hoverinfo": "skip",
    }


def _cadence_panel(drawing: Drawing, summary: EpisodeSummary) -> bool:
    weeks, colours = drawing.weeks, drawing.colours
    days = day_numbers(summary.runs["run_date"])
    ran = drawing.within(days)
    cadence = floats(summary.runs["cadence_at_equal_speed_spm"])
    shown = ran & ~np.isnan(cadence)
    targets = _targets(drawing, summary)
    seen = [*cadence[shown].tolist(), *(value for _, _, low, high in targets for value in (low, high))]
    keys: list[str] = []
    for start, end, low, high in targets:
        drawing.band("y3", low, high, colours.cadence_target, start=start, end=end)
    x, y = at_hour(days[shown], 12), np.round(cadence[shown], 1).tolist()
    drawing.dots("y3", "each run", x, y, symbol="circle", colour=colours.cadence, opacity=0.45)
    if shown.any():
        keys.append(key("●━", "weekly median", colours.cadence))
        keys.append(key("●", "each run", colours.cadence))
        new_from = break_days(summary.facts.marks, CADENCE_LINE_BREAKS)
        drawing.weekly_line("y3", "weekly median", weeks.cadence_at_equal_speed_spm, colours.cadence, new_from=new_from)
    else:
        drawing.words_in_panel(summary.equal_speed.sentence if ran.any() else "No runs in this time.", "y3")
    low, high = (min(seen) - 3, max(seen) + 3) if seen else (155.0, 185.0)
    widen = max(0.0, 16 - (high - low)) / 2
    drawing.axis("yaxis3", round(low - widen, 1), round(high + widen, 1), tidy_step(high - low + 2 * widen, 4) if seen else math.inf)
    for _, end, low, high in targets[-1:]:
        if end > summary.as_of:
            text = f"{round_half_up(low)}–{round_half_up(high)}" if high > low else f"{round_half_up(low)}"
            drawing.words_at_right(f"target<br>{text}" if drawing.narrow else f"target {text}", "y3", (low + high) / 2, colours.cadence)
        else:
            keys.append(key("▬", "target", colours.cadence_target))
    speed = summary.equal_speed.reference_speed_m_s
    at = f" ({pace_text(speed, summary.facts.distance_unit)})" if speed and shown.any() and not drawing.narrow else ""
    more = f", steps/min at equal speed{at}"
    drawing.title("y3", "Cadence", more, [] if drawing.narrow else keys, keys if drawing.narrow else [])
    return bool(shown.any())


def _targets(drawing: Drawing, summary: EpisodeSummary) -> list[tuple[date, date, float, float]]:
    """Give the cadence targets in the time shown: first day, day after the last, low, high. A week has the plan that its distance has."""
    plans, weeks, ended_on = summary.facts.plans, drawing.weeks.first_days, summary.facts.ended_on
    rows = plan_of_weeks(plans, weeks, ended_on=ended_on)
    lows, highs = floats(plans["cadence_target_low_spm"]), floats(plans["cadence_target_high_spm"])
    over = min(drawing.last, ended_on or drawing.last) + timedelta(days=1)
    changes = [0, *(np.flatnonzero(np.diff(rows)) + 1).tolist(), len(rows)]
    found = []
    for begin, end in pairwise(changes):
        row = int(rows[begin])
        if row < 0 or math.isnan(lows[row]):
            continue
        low, high = float(lows[row]), float(highs[row])
        until = min(day_of(int(weeks[end - 1]) + 7), over)
        found.append((day_of(int(weeks[begin])), until, low, low if math.isnan(high) else high))
    return found


def _stack(drawing: Drawing, lane: Sequence[PlacedMark]) -> int:
    """Stack lane and panels from the bottom up, set the axes' domains, and give the whole height in px."""
    measures = drawing.measures
    rows = max((mark.row for mark in lane), default=-1) + 1
    lane_px = measures.lane_title + rows * measures.lane_row + measures.gap if lane else 0
    plot_px = lane_px + sum(measures.panels) + sum(measures.titles) + 2 * measures.gap
    below = 0
    for name, panel_px, title_px in reversed(list(zip(("yaxis", "yaxis2", "yaxis3"), measures.panels, measures.titles, strict=True))):
        drawing.axes[name]["domain"] = [round(below / plot_px, 5), round((below + panel_px) / plot_px, 5)]
        below += panel_px + title_px + measures.gap
    drawing.axes["yaxis4"] = {"anchor": "x", "domain": [0, 1], "range": [0, plot_px], "visible": False, "fixedrange": True}
    return plot_px + TOP_PX + BOTTOM_PX


def _marks(drawing: Drawing, lane: Sequence[PlacedMark]) -> None:
    """Draw each day with visits or changes as a line through all panels, behind the data, with its sign and text on top."""
    if not lane:
        return
    measures, colours = drawing.measures, drawing.colours
    rows = max(mark.row for mark in lane) + 1
    _, top = drawing.axes["yaxis4"]["range"]
    beside = top - measures.lane_title - (rows - 0.5) * measures.lane_row
    crowded = len(lane) * 14 > measures.plot_width
    signs: list[tuple[str, float, str, str, str, int]] = []
    lines = []
    for mark in lane:
        day, side = f"{mark.day.isoformat()} 12", "middle left" if mark.to_the_left else "middle right"
        symbol = MARK_SIGNS.get(mark.kind, OTHER_SIGN)[0]
        text, level = chart_text(mark.text), beside + mark.row * measures.lane_row
        signs.append((day, beside, "" if mark.row else text, side, symbol, 5 if crowded else 8))
        if mark.row:
            signs.append((day, level, f"\u00a0{text}\u00a0", side, "line-ns", 0))
        lines.append(f"M{drawing.share(mark.day, 12)},0V{level / top:.4f}")
    x, y, texts, sides, symbols, sizes = (list(column) for column in zip(*signs, strict=True))
    stroke = {"color": colours.rule if crowded else colours.mark_line, "width": 1}
    drawing.shapes.append({"type": "path", "layer": "below", "xref": "paper", "yref": "paper", "path": "".join(lines), "line": stroke})
    drawing.data.append(
        {
            "type": "scatter",
            "mode": "markers+text",
            "name": "visits and changes",
            "x": x,
            "y": y,
            "text": texts,
            "textposition": sides,
            "yaxis": "y4",
            "marker": {"symbol": symbols, "size": sizes, "color": colours.mark, "opacity": 1},
            "textfont": {"size": measures.small_letter, "color": colours.ink},
            "cliponaxis": False,
            "hoverinfo": "skip",
        }
    )
    kinds = {mark.kind for mark in lane}
    keys = [key(shape, words, colours.mark) for kind, (_, shape, words) in MARK_SIGNS.items() if kind in kinds]
    if kinds - set(MARK_SIGNS):
        keys.append(key(OTHER_SIGN[1], OTHER_SIGN[2], colours.mark))
    place = {"xref": "paper", "x": 0, "xanchor": "left", "xshift": -measures.left, "yref": "paper", "y": 1, "yanchor": "top"}
    drawing.words("   ".join(["Visits and changes", *keys]) if not drawing.narrow else "  ".join(keys), **place)


def _hover(drawing: Drawing, said: Sequence[WeekWords]) -> None:
    """Lay one unseen point a week over the middle of all panels: the nearest one tells its week."""
    letters = 50 if drawing.narrow else 60
    texts = []
    for week in said:
        marks = list(week.marks[:MOST_MARKS_IN_HOVER])
        if len(week.marks) > MOST_MARKS_IN_HOVER:
            marks.append(f"and {len(week.marks) - MOST_MARKS_IN_HOVER} more")
        lines = [week.load, *filter(None, [week.plan]), f"Next-morning pain: {week.pain}", f"Cadence: {week.cadence}", *marks]
        parts = [part for line in lines for part in ((line,) if len(line) <= letters else textwrap.wrap(line, letters))]
        texts.append("<br>".join(chart_text(part) if "<" in part or "&" in part else part for part in parts))
    _, top = drawing.axes["yaxis4"]["range"]
    drawing.data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "week",
            "x": [f"{day_of(day + 3).isoformat()} 12" for day in drawing.weeks.first_days.tolist()],
            "y": [round(top * 0.5)] * len(said),
            "yaxis": "y4",
            "marker": {"opacity": 0, "size": 1},
            "customdata": [chart_text(week.title) for week in said],
            "text": texts,
            "hovertemplate": "<b>Week of %{customdata}</b><br>%{text}<extra></extra>",
        }
    )


CHART = ChartKind("pain_load_cadence", "Pain, load and cadence", pain_load_cadence)
