"""The charts, one file each. To add one: a new file and a line here."""

from rehab.charts.base import PLOTLY_CONFIG, SPAN_LABELS, Chart, ChartKind, Span, span_days
from rehab.charts.cadence_pain import CHART as CADENCE_PAIN
from rehab.charts.pain_load_cadence import CHART as PAIN_LOAD_CADENCE
from rehab.charts.run_response import CHART as RUN_RESPONSE
from rehab.charts.tolerance_so_far import CHART as TOLERANCE

CHARTS: tuple[ChartKind, ...] = (PAIN_LOAD_CADENCE, RUN_RESPONSE, CADENCE_PAIN, TOLERANCE)

__all__ = [
    "CADENCE_PAIN",
    "CHARTS",
    "PAIN_LOAD_CADENCE",
    "PLOTLY_CONFIG",
    "RUN_RESPONSE",
    "SPAN_LABELS",
    "TOLERANCE",
    "Chart",
    "ChartKind",
    "Span",
    "span_days",
]
