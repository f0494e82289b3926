"""Outcome measures of a visit: pain, own activities and change in our words, of the others the total."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from clinic import outcomes
from clinic.visits import VisitPage, VisitRow
from models import NAME_MAX_CHARACTERS, PSFS_ACTIVITIES_MAX, Instrument, Viewer
from pages.shared.saved import next_turn, saving, say_saved, turn

SCORES = list(range(11))


def outcome_forms(viewer: Viewer, page: VisitPage, held: VisitRow) -> None:
    """Ask for outcomes, one form each, and show those that are stored."""
    say_saved("outcomes")
    left, right = st.columns(2, gap="large")
    with left:
        _pain(viewer, page, held)
        _change(viewer, page, held)
        _by_number(viewer, page, held)
    with right:
        _own_activities(viewer, page, held)
    _stored(viewer, page)


def _pain(viewer: Viewer, page: VisitPage, held: VisitRow) -> None:
    instrument = Instrument.NPRS
    with _form(instrument, held) as one:
        value = st.segmented_control(outcomes.PROMPTS[instrument], SCORES, key=f"value_{one}")
        saved = st.form_submit_button("Save the pain", icon=":material/check:", key=f"save_{one}")
    if saved:
        _save_chosen(viewer, page, held, instrument, value)


def _change(viewer: Viewer, page: VisitPage, held: VisitRow) -> None:
    instrument = Instrument.GROC
    with _form(instrument, held) as one:
        value = st.selectbox(
            outcomes.PROMPTS[instrument],
            list(outcomes.GROC_WORDS),
            index=None,
            format_func=outcomes.signed_groc,
            placeholder="Choose",
            key=f"value_{one}",
        )
        saved = st.form_submit_button("Save the change", icon=":material/check:", key=f"save_{one}")
    if saved:
        _save_chosen(viewer, page, held, instrument, value)


@contextmanager
def _form(instrument: Instrument, held: VisitRow) -> Iterator[str]:
    """Open the form of an instrument under its name; gives what its fields are called by."""
    name = f"{instrument}_{held.key}"
    one = f"{name}_{turn(name)}"
    with st.form(one, border=True):
        st.markdown(f"**{outcomes.NAMES[instrument]}**")
        yield one


def _save_chosen(viewer: Viewer, page: VisitPage, held: VisitRow, instrument: Instrument, value: int | None) -> None:
    if value is None:
        st.info("Choose a value first.", icon=":material/info:")
    else:
        _save(viewer, page, held, instrument, total=value)


def _own_activities(viewer: Viewer, page: VisitPage, held: VisitRow) -> None:
    """Ask for the patient's own activities; those named last stand there, without a value."""
    instrument = Instrument.PSFS
    known = outcomes.own_activities(viewer, page)
    with _form(instrument, held) as one:
        st.caption(outcomes.PROMPTS[instrument])
        told = []
        for number in range(PSFS_ACTIVITIES_MAX):
            words = st.text_input(
                f"Activity {number + 1}",
                known[number] if number < len(known) else "",
                max_chars=NAME_MAX_CHARACTERS,
                key=f"activity_{number}_{one}",
            )
            told.append((words, st.segmented_control(f"How well does activity {number + 1} go?", SCORES, key=f"ability_{number}_{one}")))
        saved = st.form_submit_button("Save the activities", icon=":material/check:", key=f"save_{one}")
    if saved:
        _save(viewer, page, held, instrument, activities=told)


def _by_number(viewer: Viewer, page: VisitPage, held: VisitRow) -> None:
    """Ask for the total of a questionnaire that is filled in elsewhere: its questions are its owner's."""
    with st.container(border=True):
        st.markdown("**Another questionnaire, as a number**")
        instrument = st.selectbox(
            "Which one?",
            list(outcomes.BY_NUMBER),
            index=None,
            format_func=outcomes.NAMES.__getitem__,
            placeholder="Choose",
            key=f"instrument_{held.key}",
        )
        if instrument is None:
            return
        name = f"{instrument}_{held.key}"
        one = f"{name}_{turn(name)}"
        low, high, step = outcomes.number_range(instrument)
        with st.form(one, border=False):
            total = st.number_input(
                f"Total of the {outcomes.NAMES[instrument]}: {outcomes.range_words(instrument)}",
                min_value=low,
                max_value=high,
                value=None,
                step=step,
                key=f"value_{one}",
                format="%g",
            )
            answered = st.number_input(
                "If it was not finished: how many items were answered?",
                min_value=0,
                max_value=100,
                value=None,
                step=1,
                key=f"answered_{one}",
            )
            st.caption("Without a total it is kept as incomplete. Nothing is filled up with 0.")
            saved = st.form_submit_button("Save", icon=":material/check:", key=f"save_{one}")
    if saved and total is None and answered is None:
        st.info("Enter the total, or how many items were answered.", icon=":material/info:")
    elif saved:
        _save(viewer, page, held, instrument, total=total, items_answered=answered)


def _save(viewer: Viewer, page: VisitPage, held: VisitRow, instrument: Instrument, **told: object) -> None:
    def write() -> None:
        outcomes.save_outcome(viewer, page, held.key, held.visit_date, instrument, **told)
        next_turn(f"{instrument}_{held.key}")

    saving(write, f"{outcomes.NAMES[instrument]}: saved.", where="outcomes")


def _stored(viewer: Viewer, page: VisitPage) -> None:
    lines = outcomes.outcome_lines(viewer, page)
    st.subheader("Stored so far")
    if not lines:
        st.info("No outcome of this episode is stored yet.", icon=":material/monitoring:")
        return
    st.dataframe(list(lines.values()), hide_index=True, alt="Outcomes of this episode, newest first, with what was told and by whom.")
    with st.popover("Take one back", icon=":material/undo:"):
        chosen = st.selectbox(
            "Which one is wrong?",
            list(lines),
            index=None,
            format_func=lambda number: f"{lines[number]['Day']} · {lines[number]['What']} · {lines[number]['Total']}",
            key=f"outcome_wrong_{page.row.key}",
        )
        st.caption("It stays in the history, with who took it back and when. Then enter the right one.")
        if st.button("Take it back", disabled=chosen is None, key=f"outcome_back_{page.row.key}") and chosen is not None:
            saving(lambda: outcomes.take_back(viewer, chosen), "Taken back.", where="outcomes")
