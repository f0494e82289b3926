"""How every page begins: nobody sees anything before it is known who they are."""

import streamlit as st

from access import accounts
from access.sessions import SignedIn
from models import Viewer


def session_key() -> str | None:
    """
    Give the session's name, as the gate told Streamlit; None if there was no gate or it let nobody in.

    It is worth nothing by itself: who is there is read from the session's row, at every rerun.
    """
    key = st.user.get("session")
    return key if isinstance(key, str) and key else None


def signed_in() -> Viewer | None:
    """Give who is signed in, read anew; None if nobody is. Counts as something that the person did."""
    key = session_key()
    return None if key is None else accounts.viewer(key, touch=True)


def session() -> SignedIn | None:
    """Give the session if it holds. Does not count as something that the person did."""
    key = session_key()
    return None if key is None else accounts.session(key)


def begin() -> Viewer:
    """Give who is signed in; a page that is run by nobody stops here and shows nothing. Each fragment and dialog begins so as well."""
    viewer = signed_in()
    if viewer is None:
        st.info("Please sign in first.")
        st.stop()
    return viewer
