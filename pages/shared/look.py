"""How charts are shown: which scheme, how wide, how much time."""

import streamlit as st

from rehab.charts.base import PLOTLY_CONFIG, SPAN_LABELS, Span
from rehab.charts.theme import Scheme

__all__ = ["DEFAULT_SPAN", "PLOTLY_CONFIG", "SPANS", "Span", "is_narrow", "scheme", "span_label"]

SPANS = tuple(Span)
DEFAULT_SPAN = Span.EPISODE
span_label = SPAN_LABELS.__getitem__


def scheme() -> Scheme:
    """Say whether the window is light or dark."""
    return "dark" if st.context.theme.type == "dark" else "light"


def is_narrow() -> bool:
    """Say whether this is a phone: the server does not learn how wide a window is, but phones say what they are."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")
