"""Runs that wait for a decision, decisions to undo, and merging and splitting by hand, as a part of a page."""

from collections.abc import Callable

import streamlit as st

from clinic import NotFound, PatientRow, run_decisions
from models import EntryRefused, Viewer
from pages.shared.plain import plain


def waiting_runs(viewer: Viewer, patient: PatientRow) -> None:
    """Show what waits, each with its two answers; none of them picked beforehand."""
    waiting = run_decisions.waiting(viewer, patient.key, patient.distance_unit)
    if not waiting:
        return
    st.subheader("Please decide")
    st.caption("These runs are stored and do not count, on no chart and in no week, until somebody decides.")
    for run in waiting:
        with st.container(border=True):
            _waiting_run(viewer, run)


def _waiting_run(viewer: Viewer, run: run_decisions.Waiting) -> None:
    other_run_id = run.other_run_id
    if run.is_proposed and other_run_id is not None:
        st.markdown(f"**{plain(run.words)}**  \nLooks like: {plain(run.other_words)}  \n{plain(run.reason)}")
        with st.container(horizontal=True):
            _act("The same run", f"same_{run.run_id}", lambda: run_decisions.same_run(viewer, run.run_id, other_run_id))
            _act("Two runs", f"two_{run.run_id}", lambda: run_decisions.two_runs(viewer, run.run_id))
            _act("No run: leave it out", f"out_{run.run_id}", lambda: run_decisions.take_out(viewer, run.run_id))
        return
    st.markdown(f"**{plain(run.words)}**  \n{plain(run.reason)}")
    with st.container(horizontal=True):
        _act("It is right: count it", f"accept_{run.run_id}", lambda: run_decisions.accept(viewer, run.run_id))
        _act("No run: leave it out", f"out_{run.run_id}", lambda: run_decisions.take_out(viewer, run.run_id))


def by_hand(viewer: Viewer, patient: PatientRow) -> None:
    """Offer to merge two runs, to split one, and to undo what was decided."""
    runs = run_decisions.current_runs(viewer, patient.key, patient.distance_unit)
    decided = run_decisions.decided(viewer, patient.key)
    if not runs and not decided:
        return
    version = f"{patient.key}_{len(runs)}_{decided[0].act_key if decided else ''}"  # other runs to choose from, other widgets
    with st.expander("Merge, split and undo decisions", icon=":material/call_merge:"):
        merge, split = st.columns(2, gap="large")
        with merge:
            one = st.selectbox("These two runs …", list(runs), format_func=runs.__getitem__, index=None, key=f"merge_one_{version}")
            others = [run_id for run_id in runs if run_id != one]
            two = st.selectbox("… are one", others, format_func=runs.__getitem__, index=None, key=f"merge_two_{version}")
            if one is not None and two is not None:
                _act("Merge them", f"merge_{patient.key}", lambda: run_decisions.same_run(viewer, one, two))
        with split:
            whole = st.selectbox("Sources of this run", list(runs), format_func=runs.__getitem__, index=None, key=f"split_{version}")
            if whole is not None:
                _sources(viewer, patient, whole)
        if decided:
            words = {act.act_key: act.label for act in decided}
            act_key = st.selectbox("Decisions", list(words), format_func=words.__getitem__, index=None, key=f"decisions_{version}")
            if act_key is not None:
                _act("Undo this decision", f"undo_act_{patient.key}", lambda: run_decisions.undo(viewer, act_key))


def _sources(viewer: Viewer, patient: PatientRow, run_id: int) -> None:
    sources = run_decisions.sources(viewer, run_id, patient.distance_unit)
    for words in sources.values():
        st.markdown(f"- {plain(words)}")
    if len(sources) > 1:
        apart = st.selectbox(
            "A run of its own is", list(sources), format_func=sources.__getitem__, index=None, key=f"apart_{run_id}_{len(sources)}"
        )
        if apart is not None:
            _act("Split it off", f"split_off_{run_id}", lambda: run_decisions.split(viewer, run_id, apart))


def _act(label: str, key: str, does: Callable[[], None]) -> None:
    if not st.button(label, key=key):
        return
    try:
        does()
    except (EntryRefused, NotFound) as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
    else:
        st.toast("Done. Weeks and charts follow.", icon=":material/check:")
        st.rerun()
