"""How every page begins: nobody sees anything before it is known who they are."""

import html
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

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


def begin_proved() -> Viewer:
    """Begin a page on which something delicate is done: who proved themselves too long ago is asked for the passphrase again."""
    viewer = begin()
    if not is_proved():
        ask_again("This page asks for your passphrase again, because what it does is delicate.")
        st.stop()
    return viewer


def is_proved() -> bool:
    """Say whether the person proved a short while ago who they are."""
    held = session()
    return held is not None and held.proved_left > timedelta()


def ask_again(why: str) -> None:
    """Say why the passphrase is asked for again, and lead there and back."""
    st.write(why)
    st.html(
        f'<form class="door" method="get" action="/confirm"><input type="hidden" name="next" value="{html.escape(here())}">'
        "<button>Enter the passphrase</button></form>"
    )


def here() -> str:
    """Give this page's own address, to come back to it."""
    query = urlencode(st.query_params.to_dict())
    return urlsplit(st.context.url or "/").path + (f"?{query}" if query else "")
