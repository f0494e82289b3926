"""What every chart gives, the time it can show, and how patient text gets onto it."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

import pandas as pd

from models import day_of, week_number
from rehab.episode import EpisodeFacts


class Span(StrEnum):
    """How much time a chart shows; the value stands in the page's address."""

    SIX_WEEKS = "6w"
    THREE_MONTHS = "3m"
    YEAR = "1y"
    EPISODE = "episode"
    ALL = "all"


SPAN_LABELS = {
    Span.SIX_WEEKS: "6 weeks",
    Span.THREE_MONTHS: "3 months",
    Span.YEAR: "1 year",
    Span.EPISODE: "This episode",
    Span.ALL: "All",
}
SPAN_WEEKS = {Span.SIX_WEEKS: 6, Span.THREE_MONTHS: 13, Span.YEAR: 52}
SHORTEST_SPAN_WEEKS = 6

# What st.plotly_chart is told: no tools, nothing that could send a patient's chart away.
PLOTLY_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "displayModeBar": False,
    "scrollZoom": False,
    "doubleClick": False,
    "showTips": False,
    "responsive": True,
}


@dataclass(frozen=True)
class Chart:
    """
    A chart in its three forms, which say the same.

    Attributes
    ----------
    figure : dict
        Plotly's `data` and `layout`, of plain lists, numbers and strings. With nothing recorded its panels say so in words.
    sentence : str
        What one sees, true and plain: the text alternative and the line above the chart. Holds no text of a patient or a file.
    is_empty : bool
        Whether nothing at all is recorded in the time shown.
    tabulate : callable
        Makes `table`.
    """

    figure: dict[str, Any]
    sentence: str
    is_empty: bool
    tabulate: Callable[[], pd.DataFrame]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The same facts as words with their units: all columns str, newest first, not escaped. Made when asked for."""
        return self.tabulate()


@dataclass(frozen=True)
class ChartKind:
    """One kind of chart: its name in addresses, its title on a page, and the function that draws it."""

    name: str
    title: str
    draw: Callable[..., Chart]


def span_days(span: Span, facts: EpisodeFacts, *, as_of: date) -> tuple[date, date]:
    """
    First and last day that a span shows: whole weeks, the last one that of `as_of`.

    Parameters
    ----------
    span : Span
        Six weeks, 13 weeks and 52 weeks count the running week. `episode` goes from the week care started to the week it ended or to
        `as_of`; `all` starts with the first day of logging. Both show six weeks at least.
    facts : EpisodeFacts
        Gives the first day of the week, of care and of logging.
    as_of : date
        The day the chart is read on. Passed in, never read from the clock.

    Returns
    -------
    tuple of date
        A week's first day and a week's last day.
    """
    last_week = week_number(as_of, facts.week_start)
    if span in SPAN_WEEKS:
        first_week = last_week - 7 * (SPAN_WEEKS[span] - 1)
    elif span is Span.EPISODE:
        if facts.ended_on is not None:
            last_week = min(last_week, week_number(facts.ended_on, facts.week_start))
        first_week = week_number(facts.started_on, facts.week_start)
    else:
        first_day = facts.started_on if facts.coverage is None else min(facts.coverage.first_day, facts.started_on)
        first_week = week_number(first_day, facts.week_start)
    first_week = min(first_week, last_week - 7 * (SHORTEST_SPAN_WEEKS - 1))
    return day_of(first_week), day_of(last_week) + timedelta(days=6)


def chart_text(text: str) -> str:
    """
    Make a text safe for a chart's labels, which read pseudo-HTML.

    Examples
    --------
    >>> chart_text('5 < 6 & <a href="x">go</a>')
    '5 &lt; 6 &amp; &lt;a href="x"&gt;go&lt;/a&gt;'
    """
    return html.escape(" ".join(text.split()), quote=False)
