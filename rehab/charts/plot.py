"""A small plot of its own beside the main chart: its scales, words and ground."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rehab.charts.base import chart_text
from rehab.charts.drawing import Figure, key, tidy_step
from rehab.charts.theme import FONT_FAMILY, Palette

LETTER_PX, SMALL_LETTER_PX = 14, 12
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 46, 96, 30, 46
NARROW_RIGHT_PX, NARROW_TOP_PX = 64, 64
DOT_PX = 9


@dataclass(frozen=True)
class Series:
    """Dots that mean the same: name, sign in the key, shape, colour, and each dot's place and words."""

    name: str
    sign: str
    symbol: str
    colour: str
    x: Sequence[float]
    y: Sequence[float]
    said: Sequence[str]


@dataclass
class Plot:
    """A plot in the making: what is drawn, what lies under it, what is written on it."""

    colours: Palette
    narrow: bool
    height: int
    data: list[Figure] = field(default_factory=list)
    shapes: list[Figure] = field(default_factory=list)
    annotations: list[Figure] = field(default_factory=list)
    axes: dict[str, Figure] = field(default_factory=dict)

    def words(self, text: str, **place: Any) -> None:
        """Set words somewhere. `text` is already safe."""
        font = {"size": SMALL_LETTER_PX, "color": self.colours.quiet_ink} | place.pop("font", {})
        self.annotations.append({"text": text, "showarrow": False, "align": "left", "font": font} | place)

    def title(self, name: str, keys: Sequence[str], axis: str = "y") -> None:
        """Name what goes upwards, with its unit, above the left edge; the keys beside it, on a telephone below it."""
        head = f'<span style="color:{self.colours.ink};font-size:{LETTER_PX}px"><b>{name}</b></span>'
        text = "<br>".join([head, "  ".join(keys[:2]), "  ".join(keys[2:])]) if self.narrow else "   ".join([head, *keys])
        place = {"xref": "paper", "x": 0, "xanchor": "left", "xshift": -LEFT_PX + 6, "yanchor": "bottom", "yshift": 5}
        self.words(text, yref=f"{axis} domain", y=1, **place)

    def words_at_right(self, text: str, at: float) -> None:
        """Set words beside the plot at a height."""
        self.words(text, xref="paper", x=1, xanchor="left", xshift=6, yref="y", y=at, yanchor="middle")

    def words_inside(self, text: str, axis: str = "y") -> None:
        """Say in the middle why there is nothing. `text` may come from anywhere."""
        place = {"xref": "paper", "x": 0.5, "xanchor": "center", "yref": f"{axis} domain", "y": 0.5, "yanchor": "middle"}
        self.words(chart_text(text), font={"size": LETTER_PX}, **place)

    def ground(self, low: float, high: float, colour: str) -> None:
        """Fill the ground between two heights."""
        band = {"type": "rect", "layer": "below", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": low, "y1": high}
        self.shapes.append(band | {"fillcolor": colour, "line": {"width": 0}})

    def level(self, at: float) -> None:
        """Draw a thin line at a height."""
        line = {"type": "line", "layer": "below", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": at, "y1": at}
        self.shapes.append(line | {"line": {"color": self.colours.mark_line, "width": 1}})

    def upright(self, at: float, words: str) -> None:
        """Draw a dashed upright line with words at its foot."""
        line = {"type": "line", "layer": "below", "xref": "x", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1}
        self.shapes.append(line | {"line": {"color": self.colours.mark_line, "width": 1, "dash": "dash"}})
        self.words(words, xref="x", x=at, xanchor="left", xshift=4, yref="paper", y=1, yanchor="top")

    def dots(self, series: Series) -> None:
        """Draw dots; each tells its run when pointed at."""
        marker = {"symbol": series.symbol, "color": series.colour, "size": DOT_PX, "opacity": 0.85}
        marker["line"] = {"width": 1.6 if series.symbol.endswith("-open") else 1, "color": series.colour}
        if not series.symbol.endswith(("-open", "-thin")):
            marker["line"] = {"width": 1, "color": self.colours.ground}
        self.data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": series.name,
                "x": list(series.x) or [None],
                "y": list(series.y) or [None],
                "text": [chart_text(words) for words in series.said] or [""],
                "marker": marker,
                "hovertemplate": "%{text}<extra></extra>",
            }
        )

    def keys(self, series: Sequence[Series]) -> list[str]:
        """Explain the signs of the series that have dots."""
        return [key(one.sign, one.name, one.colour) for one in series if len(one.x)]

    def scale(self, name: str, low: float, high: float, *, ticks: dict[float, str] | None = None, title: str = "") -> None:
        """Give an axis its scale: tidy ticks, or the ones told."""
        if ticks is None:
            step = tidy_step(max(high - low, 1e-6), 5 if self.narrow else 8)
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            ticks = {round(place * step, 6): f"{round(place * step, 6):g}" for place in range(first, last + 1)}
        self.axes[name] = {
            "range": [low, high],
            "tickvals": list(ticks),
            "ticktext": list(ticks.values()),
            "tickfont": {"size": SMALL_LETTER_PX, "color": self.colours.quiet_ink},
            "tickangle": 0,
            "gridcolor": self.colours.rule,
            "showgrid": name.startswith("yaxis"),
            "zeroline": False,
            "ticks": "",
            "fixedrange": True,
            **({"title": {"text": title, "font": {"size": SMALL_LETTER_PX, "color": self.colours.ink}, "standoff": 8}} if title else {}),
        }

    def figure(self, **more: Any) -> Figure:
        """Bring all together."""
        colours = self.colours
        margin = {"l": LEFT_PX, "r": RIGHT_PX, "t": TOP_PX, "b": BOTTOM_PX, "pad": 0}
        if self.narrow:
            margin |= {"r": NARROW_RIGHT_PX, "t": NARROW_TOP_PX}
        layout = {
            "template": {},
            "height": self.height + (NARROW_TOP_PX - TOP_PX if self.narrow else 0),
            "margin": margin,
            "paper_bgcolor": colours.ground,
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT_FAMILY, "size": SMALL_LETTER_PX, "color": colours.ink},
            "showlegend": False,
            "dragmode": False,
            "hovermode": "closest",
            "hoverlabel": {
                "align": "left",
                "bgcolor": colours.raised,
                "bordercolor": colours.mark_line,
                "font": {"family": FONT_FAMILY, "size": 13, "color": colours.ink},
            },
            **self.axes,
            "shapes": self.shapes,
            "annotations": self.annotations,
            **more,
        }
        return {"data": self.data, "layout": layout}
