"""Which episode or patient a page is about: its random key stands in the address, never a name."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from clinic import NotFound, PatientRow, register
from models import Viewer

Read = TypeVar("Read")


def chosen_episode(viewer: Viewer, read: Callable[[Viewer, str], Read], *, what_for: str) -> Read:
    """
    Give the chosen episode as `read` reads it; where none is chosen, or it cannot be found, offer the choice and stop.

    Parameters
    ----------
    read : callable
        Takes the viewer and the episode's key, raises NotFound.
    what_for : str
        Completes "Choose a runner …".
    """
    key = st.query_params.get("episode") or st.session_state.get("episode")
    if key:
        try:
            episode = read(viewer, key)
        except NotFound:
            st.session_state.pop("episode", None)
            st.query_params.clear()
            st.warning("There is no such runner here. The link may be old, or the runner is in another therapist's care.")
        else:
            remember(key)
            return episode
    _offer(viewer, what_for)
    return st.stop()


def remember(key: str) -> None:
    """Keep the episode for the other pages and put its key into the address."""
    st.session_state["episode"] = key
    if st.query_params.get("episode") != key:
        st.query_params["episode"] = key


def _offer(viewer: Viewer, what_for: str) -> None:
    episodes = register.episodes(viewer)
    if not episodes:
        st.info("You have no runners yet. Add one on the page Patients.", icon=":material/person_add:")
        return
    by_key = {episode.key: f"{episode.patient_name} · {episode.problem}" for episode in episodes}
    key = st.selectbox(
        f"Choose a runner {what_for}",
        options=list(by_key),
        format_func=by_key.__getitem__,
        index=None,
        placeholder="Type a name",
        key="offered_episode",
    )
    if key:
        remember(key)
        st.rerun()


def another_runner(viewer: Viewer) -> None:
    """Offer to change to another runner, the list read only when it is opened."""
    with st.popover("Other runner", icon=":material/swap_horiz:", on_change="rerun", key="another_runner") as opened:
        if opened.open:
            _offer(viewer, "to change to")


def chosen_patient(viewer: Viewer, *, what_for: str) -> PatientRow | None:
    """Let a patient be chosen; the one of the chosen episode stands first. None until one is chosen."""
    patients = register.patients(viewer)
    if not patients:
        st.info("You have no patients yet. Add one on the page Patients.", icon=":material/person_add:")
        return None
    by_key = {patient.key: patient for patient in patients}
    preset = None
    if key := st.session_state.get("episode"):
        try:
            preset = register.episode(viewer, key).patient_key
        except NotFound:
            st.session_state.pop("episode", None)
    keys = list(by_key)
    picked = st.selectbox(
        f"Choose a patient {what_for}",
        options=keys,
        index=keys.index(preset) if preset in by_key else None,
        format_func=lambda key: f"{by_key[key].name} · {by_key[key].code}",
        placeholder="Type a name or a code",
        key="chosen_patient",
    )
    return by_key[picked] if picked else None
