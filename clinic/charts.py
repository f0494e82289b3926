"""Charts of an episode, drawn once for each version of its facts."""

import functools
from typing import Any

import plotly.graph_objects as go

from clinic.episodes import Episode
from rehab.charts.base import Chart, Span
from rehab.charts.pain_load_cadence import pain_load_cadence
from rehab.charts.theme import Scheme

CHARTS_KEPT = 256


class _Drawing:
    """A chart to draw, known by the version of its facts."""

    def __init__(self, episode: Episode, span: Span, scheme: Scheme, narrow: bool) -> None:
        self.episode = episode
        self.span, self.scheme, self.narrow = span, scheme, narrow
        self._key = (episode.version, span, scheme, narrow)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Drawing) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@functools.lru_cache(maxsize=CHARTS_KEPT)
def _drawn(drawing: _Drawing) -> tuple[Chart, Any]:
    chart = pain_load_cadence(drawing.episode.summary, span=drawing.span, scheme=drawing.scheme, narrow=drawing.narrow)
    return chart, go.Figure(chart.figure)


def main_chart(episode: Episode, *, span: Span, scheme: Scheme, narrow: bool = False) -> tuple[Chart, Any]:
    """
    Draw pain against weekly mileage and cadence.

    Parameters
    ----------
    episode : Episode
        As `clinic.episodes.episode` gave it to this viewer: whoever holds it may see the chart.
    span : Span
        How much time to show.
    scheme : {'light', 'dark'}
    narrow : bool
        Drawn for a phone.

    Returns
    -------
    tuple of (Chart, Figure)
        The chart in its three forms, and its figure as plotly's object, checked once.
    """
    return _drawn(_Drawing(episode, span, scheme, narrow))
