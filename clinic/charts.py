"""Charts of an episode, drawn once for each version of its facts."""

import functools
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa  # type: ignore[import-untyped]

from clinic.episodes import Episode
from rehab.charts import CADENCE_PAIN, PAIN_LOAD_CADENCE, RUN_RESPONSE, TOLERANCE, ChartKind, Span
from rehab.charts.run_response import By
from rehab.charts.theme import Scheme

CHARTS_KEPT = 256


class _Drawing:
    """A chart to draw, known by the version of its facts."""

    def __init__(self, episode: Episode, kind: ChartKind, span: Span, scheme: Scheme, narrow: bool, more: dict[str, Any]) -> None:
        self.episode, self.kind = episode, kind
        self.options: dict[str, Any] = {"span": span, "scheme": scheme, "narrow": narrow, **more}
        self._key = (episode.version, kind.name, tuple(self.options.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Drawing) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


class DrawnFigure(go.Figure):  # type: ignore[misc]
    """A checked figure that stays as it is: its plain form is made once. Plotly would copy all of it each time it is shown."""

    def __init__(self, figure: dict[str, Any]) -> None:
        super().__init__(figure)
        self._plain: dict[str, Any] = super().to_dict()

    def to_dict(self) -> dict[str, Any]:
        """Give the figure as plotly's plain dict; for showing, not for changing."""
        return self._plain


@dataclass(frozen=True)
class ShownChart:
    """A chart as a page shows it beside its figure: in a sentence and as a table in the form in which it goes to the browser."""

    sentence: str
    is_empty: bool
    table: pa.Table


@functools.lru_cache(maxsize=CHARTS_KEPT)
def _drawn(drawing: _Drawing) -> tuple[ShownChart, DrawnFigure]:
    chart = drawing.kind.draw(drawing.episode.summary, **drawing.options)
    table = pa.Table.from_pandas(chart.table, preserve_index=False)
    return ShownChart(chart.sentence, chart.is_empty, table), DrawnFigure(chart.figure)


def main_chart(episode: Episode, *, span: Span, scheme: Scheme, narrow: bool = False) -> tuple[ShownChart, DrawnFigure]:
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
    tuple of (ShownChart, DrawnFigure)
        The chart in words and as a table, and its figure as plotly's object, checked once.
    """
    return _drawn(_Drawing(episode, PAIN_LOAD_CADENCE, span, scheme, narrow, {}))


def run_response_chart(
    episode: Episode, *, span: Span, scheme: Scheme, narrow: bool = False, by: By = By.DISTANCE
) -> tuple[ShownChart, DrawnFigure]:
    """Draw each run against the change to the next morning, as `main_chart`; by distance or by session ratio."""
    return _drawn(_Drawing(episode, RUN_RESPONSE, span, scheme, narrow, {"by": by}))


def cadence_pain_chart(episode: Episode, *, span: Span, scheme: Scheme, narrow: bool = False) -> tuple[ShownChart, DrawnFigure]:
    """Draw cadence at equal speed against next-morning pain, before and after the newest cue, as `main_chart`."""
    return _drawn(_Drawing(episode, CADENCE_PAIN, span, scheme, narrow, {}))


def tolerance_chart(episode: Episode, *, scheme: Scheme, narrow: bool = False) -> tuple[ShownChart, DrawnFigure]:
    """Draw how weeks and single runs were borne by distance, of the last 12 weeks, as `main_chart`."""
    return _drawn(_Drawing(episode, TOLERANCE, Span.THREE_MONTHS, scheme, narrow, {}))
