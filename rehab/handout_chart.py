"""The patient's small chart as a vector picture: weekly distance as bars, next-morning pain as numbered dots. It reads in grey too."""

import itertools
import math
from dataclasses import dataclass
from html import escape
from typing import Protocol

import pandas as pd

from models import NPRS_MAX
from rehab.days import floats
from rehab.episode import EpisodeSummary
from rehab.units import distance_in

WEEKS_DRAWN, WEEKS_DRAWN_NARROW = 8, 5
FONT = "Source Sans 3"  # as the paper has it
FONTS_ON_SCREEN = "'Source Sans', 'Source Sans 3', 'Segoe UI', Arial, sans-serif"
WIDTH, WIDTH_NARROW, HEIGHT = 640, 340, 250
LEFT, RIGHT = 8, 8
PAIN_TOP, PAIN_BOTTOM = 34, 104
BARS_TOP, BARS_BOTTOM = 148, 222


class Colours(Protocol):
    """The colours of a picture or paper, as `#rrggbb`; what `rehab.charts.theme.palette` gives has them all."""

    @property
    def ground(self) -> str: ...

    @property
    def raised(self) -> str: ...

    @property
    def ink(self) -> str: ...

    @property
    def quiet_ink(self) -> str: ...

    @property
    def rule(self) -> str: ...

    @property
    def accent(self) -> str: ...

    @property
    def next_morning(self) -> str: ...

    @property
    def zone_comfortable(self) -> str: ...

    @property
    def distance(self) -> str: ...

    @property
    def mark_line(self) -> str: ...


@dataclass(frozen=True)
class HandoutChart:
    """The picture as SVG text, and the same in words; `svg` is empty where there is nothing to draw."""

    svg: str
    words: str


@dataclass(frozen=True)
class _Week:
    label: str
    distance_m: float  # NaN if not logged
    pain: float  # NaN without a score
    so_far: bool


def handout_chart(summary: EpisodeSummary, *, palette: Colours, on_screen: bool = False, narrow: bool = False) -> HandoutChart:
    """
    Draw the last eight weeks of a summary, five where there is little room.

    Parameters
    ----------
    summary : EpisodeSummary
        One episode.
    palette : Colours
        Colours; the shapes and the written numbers carry the meaning.
    on_screen : bool
        With the fonts of a browser instead of the paper's.
    narrow : bool
        For a phone.

    Returns
    -------
    HandoutChart
        A week that was not logged is drawn as such, never as 0.
    """
    weeks = _weeks(summary, WEEKS_DRAWN_NARROW if narrow else WEEKS_DRAWN)
    width = WIDTH_NARROW if narrow else WIDTH
    if all(math.isnan(week.distance_m) and math.isnan(week.pain) for week in weeks):
        return HandoutChart("", "No week is logged yet.")
    unit = summary.facts.distance_unit
    distances = [distance_in(week.distance_m, unit) for week in weeks]
    top = max((distance for distance in distances if not math.isnan(distance)), default=0.0) or 1.0
    slot = (width - LEFT - RIGHT) / len(weeks)
    centres = [LEFT + slot * (place + 0.5) for place in range(len(weeks))]
    family = FONTS_ON_SCREEN if on_screen else FONT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
        f'font-family="{family}" font-size="12.5" fill="{palette.ink}">',
        _text(LEFT, 14, "Pain next morning" if narrow else "Pain next morning, 0 to 10", palette.ink, anchor="start", weight=600),
        *_zones(summary, width, palette, narrow=narrow),
        *_pain(weeks, centres, palette),
        _text(LEFT, BARS_TOP - 18, f"{'Miles' if unit.value == 'mi' else 'Kilometres'} each week", palette.ink, anchor="start", weight=600),
        f'<line x1="{LEFT}" x2="{width - RIGHT}" y1="{BARS_BOTTOM}" y2="{BARS_BOTTOM}" stroke="{palette.mark_line}"/>',
    ]
    for week, distance, centre in zip(weeks, distances, centres, strict=True):
        parts += _bar(week, distance, centre, slot, top, palette)
        parts.append(_text(centre, BARS_BOTTOM + 17, week.label, palette.quiet_ink))
    return HandoutChart("".join([*parts, "</svg>"]), _words(weeks, distances, unit.value))


def _weeks(summary: EpisodeSummary, count: int) -> list[_Week]:
    rows = summary.weeks.iloc[-count:]
    starts = pd.DatetimeIndex(rows["week_start"])
    return [
        _Week(f"{start:%b} {start.day}", float(distance), float(pain), bool(so_far))
        for start, distance, pain, so_far in zip(
            starts, floats(rows["distance_m"]), floats(rows["pain_next_morning_median"]), rows["so_far"], strict=True
        )
    ]


def _text(x: float, y: float, words: str, colour: str, *, anchor: str = "middle", weight: int = 500) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'


def _height_of(pain: float) -> float:
    return PAIN_BOTTOM - (PAIN_BOTTOM - PAIN_TOP) * pain / NPRS_MAX


def _zones(summary: EpisodeSummary, width: int, palette: Colours, *, narrow: bool) -> list[str]:
    dashed = "– – comfortable to" if narrow else "dashed line: comfortable up to"
    edge = _height_of(summary.limits.comfortable_max)
    return [
        f'<rect x="{LEFT}" y="{edge:.1f}" width="{width - LEFT - RIGHT}" height="{PAIN_BOTTOM - edge:.1f}" fill="{palette.zone_comfortable}"/>',
        f'<line x1="{LEFT}" x2="{width - RIGHT}" y1="{edge:.1f}" y2="{edge:.1f}" stroke="{palette.mark_line}" stroke-dasharray="3 3"/>',
        f'<line x1="{LEFT}" x2="{width - RIGHT}" y1="{PAIN_BOTTOM}" y2="{PAIN_BOTTOM}" stroke="{palette.mark_line}"/>',
        _text(width - RIGHT, 14, f"{dashed} {summary.limits.comfortable_max}", palette.quiet_ink, anchor="end"),
    ]


def _pain(weeks: list[_Week], centres: list[float], palette: Colours) -> list[str]:
    points = [None if math.isnan(week.pain) else (x, _height_of(week.pain)) for week, x in zip(weeks, centres, strict=True)]
    parts = [
        f'<line x1="{one[0]:.1f}" y1="{one[1]:.1f}" x2="{two[0]:.1f}" y2="{two[1]:.1f}" stroke="{palette.next_morning}" stroke-width="1.5"/>'
        for one, two in itertools.pairwise(points)
        if one is not None and two is not None
    ]
    for week, point in zip(weeks, points, strict=True):
        if point is None:
            continue
        x, y = point
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{palette.next_morning}" stroke="{palette.ground}" stroke-width="1.5"/>'
        )
        parts.append(_text(x, y - 10, f"{week.pain:g}", palette.ink, weight=600))
    return parts


def _bar(week: _Week, distance: float, centre: float, slot: float, top: float, palette: Colours) -> list[str]:
    width = min(slot * 0.62, 52)
    left = centre - width / 2
    if math.isnan(distance):
        height = BARS_BOTTOM - BARS_TOP
        return [
            f'<rect x="{left:.1f}" y="{BARS_TOP}" width="{width:.1f}" height="{height}" fill="none" stroke="{palette.mark_line}" '
            'stroke-dasharray="2 4"/>',
            _text(centre, (BARS_TOP + BARS_BOTTOM) / 2, "not", palette.quiet_ink),
            _text(centre, (BARS_TOP + BARS_BOTTOM) / 2 + 14, "logged", palette.quiet_ink),
        ]
    if not distance:
        return [_text(centre, BARS_BOTTOM - 6, "no run", palette.quiet_ink)]
    height_of_bar = max((BARS_BOTTOM - BARS_TOP) * distance / top, 1.5)
    y = BARS_BOTTOM - height_of_bar
    shape = f'<rect x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height_of_bar:.1f}"'
    if week.so_far:
        parts = [f'{shape} fill="none" stroke="{palette.distance}" stroke-width="1.5" stroke-dasharray="5 3"/>']
    else:
        parts = [f'{shape} fill="{palette.distance}"/>']
    label = f"{distance:.1f} so far" if week.so_far else f"{distance:.1f}"
    return [*parts, _text(centre, y - 5, label, palette.ink, weight=600)]


def _words(weeks: list[_Week], distances: list[float], unit: str) -> str:
    told = []
    for week, distance in zip(weeks, distances, strict=True):
        ran = "not logged" if math.isnan(distance) else "no run" if not distance else f"{distance:.1f} {unit}"
        pain = "" if math.isnan(week.pain) else f", morning pain {week.pain:g}"
        told.append(f"{week.label}{' so far' if week.so_far else ''}: {ran}{pain}.")
    return " ".join(["Week by week.", *told])
