"""One time axis, panels stacked on it, and the words around them: what a chart over the weeks of an episode is drawn with."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from models import day_number, day_of
from rehab.charts.base import chart_text
from rehab.charts.theme import FONT_FAMILY, Palette
from rehab.charts.week_words import MONTHS, ShownWeeks, day_label
from rehab.days import Days, Floats

Figure = dict[str, Any]

DAY_MS = 86_400_000
TOP_PX, BOTTOM_PX = 4, 42


@dataclass(frozen=True)
class Measures:
    """
    Pixels. `plot_width` is an assumption, on the small side: the server does not know the window.

    A letter of the small size is taken as half as wide as high.
    """

    plot_width: int
    left: int
    right: int
    lane_title: int
    titles: tuple[int, int, int]
    gap: int
    panels: tuple[int, int, int]
    lane_row: int
    lane_rows: int
    longest_mark: int
    letter: int
    small_letter: int


WIDE = Measures(780, 34, 106, 21, (24, 24, 24), 13, (174, 104, 110), 16, 3, 54, 14, 12)
NARROW = Measures(258, 26, 72, 21, (39, 24, 39), 13, (170, 100, 108), 15, 2, 28, 13, 11)


@dataclass
class Drawing:
    """A chart in the making: panels add their traces, shapes, words and axes to it."""

    weeks: ShownWeeks
    first: date
    last: date
    colours: Palette
    measures: Measures
    data: list[Figure] = field(default_factory=list)
    shapes: list[Figure] = field(default_factory=list)
    annotations: list[Figure] = field(default_factory=list)
    axes: dict[str, Figure] = field(default_factory=dict)

    @property
    def narrow(self) -> bool:
        """Whether it is for a telephone."""
        return self.measures is NARROW

    @property
    def px_per_week(self) -> float:
        """How wide a week is, about."""
        return self.measures.plot_width / len(self.weeks.first_days)

    @property
    def dot_px(self) -> float:
        """Width of a dot: smaller where more of them stand."""
        return 6.5 if self.px_per_week > 45 else 5.0 if self.px_per_week > 11 else 3.5

    def within(self, days: Days) -> npt.NDArray[np.bool_]:
        """Tell which day numbers lie in the time shown."""
        return (days >= day_number(self.first)) & (days <= day_number(self.last))

    def words(self, text: str, **place: Any) -> None:
        """Set words somewhere. `text` is already safe."""
        font = {"size": self.measures.small_letter, "color": self.colours.quiet_ink} | place.pop("font", {})
        self.annotations.append({"text": text, "showarrow": False, "align": "left", "font": font} | place)

    def title(self, axis: str, name: str, more: str, keys: Sequence[str], keys_below: Sequence[str] = ()) -> None:
        """Put a panel's name and its keys above its left edge; on a telephone `keys_below` come on a second line."""
        lines = ["   ".join([f"<b>{name}</b>{more}", *keys])]
        if keys_below:
            lines.append("  ".join(keys_below))
        shown = [
            lines[0].replace(
                f"<b>{name}</b>", f'<span style="color:{self.colours.ink};font-size:{self.measures.letter}px"><b>{name}</b></span>'
            )
        ]
        place = {"xref": "paper", "x": 0, "xanchor": "left", "xshift": -self.measures.left, "yanchor": "bottom", "yshift": 1}
        self.words("<br>".join(shown + lines[1:]), yref=f"{axis} domain", y=1, bgcolor=self.colours.ground, borderpad=1, **place)

    def words_at_right(self, text: str, axis: str, at: float, colour: str) -> None:
        """Set words beside the plot, at a height of a panel's axis."""
        place = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 6, "yref": axis, "y": at, "yanchor": "middle"}
        self.words(text, font={"color": colour}, **place)

    def words_in_panel(self, text: str, axis: str) -> None:
        """Say in the middle of a panel why it is empty. `text` may come from anywhere."""
        lines = textwrap.wrap(text, max(20, int(self.measures.plot_width / 7)))
        place = {"xref": "paper", "x": 0.5, "xanchor": "center", "yref": f"{axis} domain", "y": 0.5, "yanchor": "middle"}
        safe = "<br>".join(chart_text(line) for line in lines)
        self.words(safe, font={"size": self.measures.letter}, bgcolor=self.colours.ground, borderpad=4, **(place | {"align": "center"}))

    def band(self, axis: str, low: float, high: float, colour: str, *, start: date | None = None, end: date | None = None) -> None:
        """Fill the ground between two heights; over the whole width unless told days."""
        band: Figure = {"type": "rect", "layer": "below", "xref": "paper", "x0": 0, "x1": 1, "yref": axis, "y0": low, "y1": high}
        if start is not None and end is not None:
            band |= {"x0": self.share(start), "x1": self.share(end)}
        self.shapes.append(band | {"fillcolor": colour, "line": {"width": 0} if high > low else {"color": colour, "width": 2}})

    def share(self, day: date, hours: int = 0) -> float:
        """Tell where a moment stands on the time axis: 0 at its left end, 1 at its right."""
        return round(((day - self.first).days + hours / 24) / ((self.last - self.first).days + 1), 5)

    def dots(self, axis: str, name: str, x: list[str], y: list[Any], *, symbol: str, colour: str, opacity: float) -> None:
        """
        Draw single values, quiet: quieter where weeks are thin.

        A panel always has its dots, be they none: an axis without a trace would lose its place.
        """
        marker = {
            "symbol": symbol,
            "color": colour,
            "size": self.dot_px,
            "opacity": opacity if self.px_per_week > 11 else 0.7 * opacity,
            "line": {"width": 1.3 if symbol.endswith("-open") else 0},
        }
        values = {"x": x or [self.first.isoformat()], "y": y or [None]}
        self.data.append(
            {"type": "scatter", "mode": "markers", "name": name, **values, "yaxis": axis, "marker": marker, "hoverinfo": "skip"}
        )

    def weekly_line(self, axis: str, name: str, values: Floats, colour: str, *, new_from: Sequence[date] = ()) -> Figure:
        """
        Draw one value a week at the middle of the week, with a break at each week without one.

        The line breaks too where the values begin to mean something else, on the days `new_from`: before the week that begins with such
        a day, and on both sides of a week that holds one later in it, since its value mixes both.
        """
        places = np.flatnonzero(~np.isnan(values))
        changed = [divmod(day_number(day) - int(self.weeks.first_days[0]), 7) for day in new_from]
        apart_from_the_one_before = {week + later for week, weekday in changed for later in ((0, 1) if weekday else (0,))}
        x: list[str] = []
        y: list[float | None] = []
        for before, place in zip([None, *places.tolist()], places.tolist(), strict=False):
            middle = f"{day_of(int(self.weeks.first_days[place]) + 3).isoformat()} 12"
            if before is not None and (place != before + 1 or place in apart_from_the_one_before):
                x.append(middle)
                y.append(None)
            x.append(middle)
            y.append(round(float(values[place]), 2))
        size = 8 if self.px_per_week > 45 else 6 if self.px_per_week > 11 else 3 if self.px_per_week > 3 else 2
        marker = {
            "symbol": "circle",
            "size": size,
            "color": colour,
            "line": {"color": self.colours.ground, "width": 1.2 if size > 3 else 0},
        }
        line = {"color": colour, "width": 2.2 if size > 3 else size / 2, "shape": "linear"}
        self.data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": x,
                "y": y,
                "yaxis": axis,
                "marker": marker,
                "line": line,
                "connectgaps": False,
                "hoverinfo": "skip",
            }
        )
        return self.data[-1]

    def axis(self, name: str, low: float, high: float, step: float = math.inf) -> None:
        """Give a panel its scale: ticks at multiples of `step`, none without it, and none so high that it would touch the panel's title."""
        highest = high - 0.04 * (high - low)
        ticks = (
            np.arange(np.ceil(low / step), np.floor(highest / step) + 1) * step + 0.0 if step < math.inf else np.empty(0)
        )  # + 0.0: no -0
        self.axes[name] = {
            "anchor": "x",
            "range": [low, high],
            "tickvals": [round(float(tick), 6) for tick in ticks],
            "ticktext": [f"{tick:g}" for tick in np.round(ticks, 6).tolist()],
            "tickfont": {"size": self.measures.small_letter, "color": self.colours.quiet_ink},
            "gridcolor": self.colours.rule,
            "gridwidth": 1,
            "zeroline": False,
            "showline": False,
            "ticks": "",
            "fixedrange": True,
        }

    def time_axis(self) -> Figure:
        """Give the shared axis: ticks at the first days of weeks, or of months where weeks are too many."""
        days, texts = _time_ticks(self.first, self.last, self.px_per_week, narrow=self.narrow)
        return {
            "anchor": "y3",
            "type": "date",
            "range": [self.first.isoformat(), (self.last + timedelta(days=1)).isoformat()],
            "tickvals": [day.isoformat() for day in days],
            "ticktext": texts,
            "tickfont": {"size": self.measures.small_letter, "color": self.colours.quiet_ink},
            "tickangle": 0,
            "ticks": "outside",
            "ticklen": 4,
            "tickcolor": self.colours.mark_line,
            "showgrid": False,
            "zeroline": False,
            "showline": True,
            "linecolor": self.colours.mark_line,
            "fixedrange": True,
            "showspikes": True,
            "spikemode": "across",
            "spikesnap": "hovered data",
            "spikethickness": 1,
            "spikedash": "solid",
            "spikecolor": self.colours.quiet_ink,
        }

    def layout(self, height: int) -> Figure:
        """Bring all together. The empty template keeps a default one of the process away."""
        measures, colours = self.measures, self.colours
        return {
            "template": {},
            "height": height,
            "margin": {"l": measures.left, "r": measures.right, "t": TOP_PX, "b": BOTTOM_PX, "pad": 0},
            "paper_bgcolor": colours.ground,
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT_FAMILY, "size": measures.small_letter, "color": colours.ink},
            "showlegend": False,
            "barmode": "overlay",
            "dragmode": False,
            "hovermode": "closest",
            "hoverdistance": -1,
            "spikedistance": -1,
            "hoverlabel": {
                "align": "left",
                "bgcolor": colours.raised,
                "bordercolor": colours.mark_line,
                "font": {"family": FONT_FAMILY, "size": 13, "color": colours.ink},
            },
            "xaxis": self.time_axis(),
            **self.axes,
            "shapes": self.shapes,
            "annotations": self.annotations,
        }


def iso(days: Days) -> npt.NDArray[np.str_]:
    """Write day numbers as ISO dates."""
    return days.astype("datetime64[D]").astype(np.str_)


def at_hour(days: Days, hour: int) -> list[str]:
    """Write day numbers as ISO dates with an hour, which places a dot within its day."""
    return [f"{day} {hour:02d}" for day in iso(days).tolist()]


def key(sign: str, words: str, colour: str) -> str:
    """Explain a sign in a panel's title."""
    return f'<span style="color:{colour}">{sign}</span> {words}'


def tidy_step(most: float, ticks: int) -> float:
    """
    Choose a step of 1, 2 or 5 times a power of ten that gives at most so many ticks above 0.

    Examples
    --------
    >>> tidy_step(23, 4), tidy_step(4, 4), tidy_step(0.7, 4)
    (10.0, 1.0, 0.2)
    """
    power = 10.0 ** np.floor(np.log10(most / ticks))
    return next(float(round(times * power, 9)) for times in (1, 2, 5, 10) if most / (times * power) <= ticks + 1e-9)


def _time_ticks(first: date, last: date, px_per_week: float, *, narrow: bool) -> tuple[list[date], list[str]]:
    weeks = ((last - first).days + 1) // 7
    for step in (1, 2, 4):
        if weeks <= 16 and step * px_per_week >= (46 if not narrow else 52):
            days = [first + timedelta(days=7 * place) for place in range(0, weeks, step)]
            return days, _with_years(days, [day_label(day) for day in days])
    for months in (1, 2, 3, 6, 12, 24, 60):
        if months * 4.35 * px_per_week >= (38 if narrow else 52):
            break
    days = [
        date(year, month, 1) for year in range(first.year, last.year + 1) for month in range(1, 13) if (12 * year + month - 1) % months == 0
    ]
    days = [day for day in days if first <= day <= last]
    return days, _with_years(days, [MONTHS[day.month - 1] for day in days])


def _with_years(days: Sequence[date], texts: Sequence[str]) -> list[str]:
    before = [None, *(day.year for day in days)]
    return [text if day.year == year else f"{text}<br>{day.year}" for day, text, year in zip(days, texts, before, strict=False)]
