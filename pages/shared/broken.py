"""What a person sees when a page broke."""

import streamlit as st

from access import logs
from access.web import BROKEN


def show(error: Exception) -> bool:
    """Say that the page broke, with the number under which it stands in the log, and nothing of what happened. Streamlit adds nothing."""
    st.error(
        f"{BROKEN} Its number in the log is {logs.number_of(error)}. Reload the page; if it stays so, tell who looks after the computer."
    )
    return True
