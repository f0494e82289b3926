"""The charts, one file each. To add one: a new file and a line here."""

from rehab.charts.base import PLOTLY_CONFIG, SPAN_LABELS, Chart, ChartKind, Span, span_days
from rehab.charts.pain_load_cadence import CHART as PAIN_LOAD_CADENCE

CHARTS: tuple[ChartKind, ...] = (PAIN_LOAD_CADENCE,)

__all__ = ["CHARTS", "PAIN_LOAD_CADENCE", "PLOTLY_CONFIG", "SPAN_LABELS", "Chart", "ChartKind", "Span", "span_days"]
