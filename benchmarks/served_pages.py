"""
What the page benchmark serves: the product's own app, except that it draws nothing when asked to (`?show=nothing`).

So the empty page and the patient page come from one server, with the product's lifespan and options. `BENCHMARK_PERSON_ID` says who
is signed in.
"""

import os

import streamlit as st

from dashboard import app
from pages.shared import shell

__all__ = ["app"]

_shown_by_the_product = shell.show


def _show() -> None:
    if st.query_params.get("show") == "nothing":
        return
    st.session_state["person_id"] = int(os.environ["BENCHMARK_PERSON_ID"])
    _shown_by_the_product()


shell.show = _show
