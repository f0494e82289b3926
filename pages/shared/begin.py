"""How every page begins: nobody sees anything before it is known who they are."""

import streamlit as st

from access import accounts
from models import Viewer


def signed_in() -> Viewer | None:
    """Give who is signed in, read anew; None if nobody is."""
    person_id = st.session_state.get("person_id")
    return None if person_id is None else accounts.viewer(person_id)


def begin() -> Viewer:
    """Give who is signed in; a page that is run by nobody stops here and shows nothing."""
    viewer = signed_in()
    if viewer is None:
        st.info("Please sign in first.")
        st.stop()
    return viewer
