"""How many weeks, and how many single runs, of each distance were well borne so far."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from models import DistanceUnit
from rehab.charts.base import Chart, ChartKind, Span
from rehab.charts.drawing import key
from rehab.charts.plot import SMALL_LETTER_PX, Plot
from rehab.charts.theme import Scheme, palette
from rehab.charts.week_words import counted
from rehab.episode import EpisodeSummary
from rehab.tolerance import Band, Tolerance
from rehab.units import distance_in

HEIGHT_PX = 350
NOT_COUNTED = "not counted"


def tolerance_so_far(summary: EpisodeSummary, *, span: Span, scheme: Scheme, narrow: bool = False) -> Chart:
    """
    Draw how many weeks were comfortable and how many runs settled, by distance.

    Parameters
    ----------
    summary : EpisodeSummary
        One episode, as of its own `as_of`.
    span : Span
        Any: tolerance is always told of the last 12 weeks.
    scheme : {"light", "dark"}
        Which colours.
    narrow : bool
        For a telephone.

    Returns
    -------
    Chart
        Bars of what was well borne, with what was not on top; weeks and runs without enough answers stand apart.
    """
    weeks, runs, unit = summary.week_tolerance, summary.run_tolerance, summary.facts.distance_unit
    plot = Plot(palette(scheme), narrow, HEIGHT_PX)
    colours = plot.colours
    per = "mi" if unit is DistanceUnit.MILE else "km"
    _panel(plot, weeks, unit, "", words=("comfortable", "not comfortable"), title=f"Weeks, by {per} a week", nothing="No week to count.")
    _panel(plot, runs, unit, "2", words=("settled", "not settled"), title=f"Runs, by {per} a run", nothing="No run to count.")
    is_empty = not (weeks.bands or runs.bands or weeks.not_counted or runs.not_counted)
    gap = {"xaxis": plot.axes["xaxis"] | {"anchor": "y"}, "xaxis2": plot.axes["xaxis2"] | {"anchor": "y2"}}
    gap |= {
        "yaxis": plot.axes["yaxis"] | {"anchor": "x", "domain": [0.64, 1.0]},
        "yaxis2": plot.axes["yaxis2"] | {"anchor": "x2", "domain": [0.0, 0.36]},
    }
    figure = plot.figure(**gap, barmode="stack", uniformtext={"mode": "show", "minsize": SMALL_LETTER_PX - 2}, bargap=0.35)
    figure["layout"]["font"]["color"] = colours.ink
    nothing = "Nothing to tell tolerance from in the last 12 weeks."
    return Chart(figure, nothing if is_empty else f"{weeks.therapist} {runs.therapist}", is_empty, partial(_table, weeks, runs, unit))


def _panel(plot: Plot, told: Tolerance, unit: DistanceUnit, number: str, *, words: tuple[str, str], title: str, nothing: str) -> None:
    colours = plot.colours
    names = [_band_words(band, unit) for band in told.bands]
    good = [band.share.ok for band in told.bands]
    bad = [band.share.counted - band.share.ok for band in told.bands]
    _bars(plot, number, words[0], names, good, colours.cadence, "")
    _bars(plot, number, words[1], names, bad, colours.during, "/")
    _bars(plot, number, NOT_COUNTED, [NOT_COUNTED], [told.not_counted], colours.before, ".")
    most = max([*(band.share.counted for band in told.bands), told.not_counted, 1])
    columns = [*names, *([NOT_COUNTED] if told.not_counted else [])]
    plot.scale(f"xaxis{number}", -0.5, max(len(columns), 1) - 0.5, ticks={})
    plot.axes[f"xaxis{number}"] |= {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": columns,
        "tickvals": columns,
        "ticktext": columns,
    }
    step = max(1, round(most / 4))
    plot.scale(f"yaxis{number}", 0, most * 1.15, ticks={float(at): f"{at}" for at in range(0, most + 1, step)})
    keys = [
        key(sign, name, colour)
        for sign, name, colour, of_these in (
            ("■", words[0], colours.cadence, good),
            ("▨", words[1], colours.during, bad),
            ("▒", f"{NOT_COUNTED}: too few answers", colours.before, [told.not_counted]),
        )
        if any(of_these)
    ]
    plot.title(title, keys, axis=f"y{number}")
    if not columns:
        plot.words_inside(nothing, axis=f"y{number}")


def _bars(plot: Plot, number: str, name: str, x: Sequence[str], counts: Sequence[int], colour: str, shape: str) -> None:
    some = [(words, count) for words, count in zip(x, counts, strict=True) if count]
    pattern = {"shape": shape, "bgcolor": plot.colours.ground, "fgcolor": colour, "fillmode": "replace", "size": 6, "solidity": 0.4}
    plot.data.append(
        {
            "type": "bar",
            "name": name,
            "x": [words for words, _ in some] or [None],
            "y": [count for _, count in some] or [None],
            "xaxis": f"x{number}",
            "yaxis": f"y{number}",
            "marker": {"color": colour, "line": {"color": colour, "width": 1}, "pattern": pattern},
            "hovertemplate": f"%{{x}}: %{{y}} {name}<extra></extra>",
        }
    )


def _band_words(band: Band, unit: DistanceUnit) -> str:
    return f"{distance_in(band.low_m, unit):g}–{distance_in(band.high_m, unit):g} {unit.value}"


def _table(weeks: Tolerance, runs: Tolerance, unit: DistanceUnit) -> pd.DataFrame:
    rows = []
    for noun, told, good in (("week", weeks, "comfortable"), ("run", runs, "settled")):
        for band in told.bands:
            of_all = band.share
            rows.append(
                (
                    f"{noun.capitalize()}s of {_band_words(band, unit)}",
                    counted(of_all.counted, noun),
                    f"{of_all.ok} {good}" if of_all.ok else f"none {good}",
                    f"{100 * of_all.low:.0f} to {100 * of_all.high:.0f} %",
                )
            )
        rows.append((f"{noun.capitalize()}s {NOT_COUNTED}", counted(told.not_counted, noun) if told.not_counted else "none", "", ""))
    return pd.DataFrame(rows, columns=["Distance", "Counted", "Well borne", "Plausible share"], dtype="str")


CHART = ChartKind("tolerance", "Tolerance so far", tolerance_so_far)
