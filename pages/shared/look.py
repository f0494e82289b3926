"""How charts are shown: which scheme, how wide, how much time."""

import streamlit as st

from rehab.charts.base import PLOTLY_CONFIG, SPAN_LABELS, Span
from rehab.charts.theme import Scheme, palette

__all__ = ["PLOTLY_CONFIG", "SPANS", "Span", "is_narrow", "kept_in_address", "palette", "scheme", "span_in_address", "span_label"]

SPANS = tuple(Span)
DEFAULT_SPAN = Span.EPISODE
span_label = SPAN_LABELS.__getitem__


def span_in_address() -> Span:
    """Give the time to show as the address says it, else as it was chosen last, else the whole episode."""
    codes = {span.value: span for span in SPANS}
    kept: Span = st.session_state.get("span", DEFAULT_SPAN)
    return codes.get(st.query_params.get("range", ""), kept)


def kept_in_address(span: Span | None) -> Span:
    """Keep the chosen time and put its short code into the address, so that a link or a reload shows the same."""
    chosen = span or DEFAULT_SPAN
    st.session_state["span"] = chosen
    if st.query_params.get("range") != chosen.value:
        st.query_params["range"] = chosen.value
    return chosen


def scheme() -> Scheme:
    """Say whether the window is light or dark."""
    return "dark" if st.context.theme.type == "dark" else "light"


def is_narrow() -> bool:
    """Say whether this is a phone: the server does not learn how wide a window is, but phones say what they are."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")
