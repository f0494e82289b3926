"""What was saved is said once, after the page has been drawn anew with it."""

from collections.abc import Callable

import streamlit as st

from clinic import AlreadyThere
from models import EntryRefused
from pages.shared.plain import plain


def saving(write: Callable[[], object], said: str, *, where: str) -> bool:
    """
    Write, and draw the page anew; a refusal is shown in words and nothing is written.

    Parameters
    ----------
    write : callable
        Writes all of it in one go or refuses with EntryRefused or AlreadyThere.
    said : str
        What is said when it is saved.
    where : str
        Which part of the page says it: `say_saved` of the same name.
    """
    try:
        write()
    except (EntryRefused, AlreadyThere) as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
        return False
    st.session_state[f"saved_{where}"] = said
    st.rerun()
    return True


def say_saved(where: str) -> None:
    """Say what was saved a moment ago, if anything was."""
    if said := st.session_state.pop(f"saved_{where}", ""):
        st.success(said, icon=":material/check:")


def turn(name: str) -> int:
    """Give how often a form was emptied: its number in the names of its fields."""
    return int(st.session_state.get(f"turn_{name}", 0))


def next_turn(name: str) -> None:
    """Empty a form: its fields get new names."""
    st.session_state[f"turn_{name}"] = turn(name) + 1
