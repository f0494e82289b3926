"""The note of a visit with what it said before, and the text for a record system."""

import streamlit as st

from clinic import visits
from clinic.visits import VisitPage, VisitRow
from models import TEXT_MAX_CHARACTERS, Viewer
from pages.shared.saved import next_turn, saving, say_saved, turn


def note_form(viewer: Viewer, page: VisitPage, held: VisitRow) -> None:
    """Write the note; what it said before stays."""
    say_saved("note")
    name = f"note_{held.key}"
    one = f"{name}_{turn(name)}"
    seen = st.session_state.setdefault(f"seen_{one}", held.note)
    with st.form(one, border=True):
        note = st.text_area("Note", held.note, max_chars=TEXT_MAX_CHARACTERS, height=220, key=f"text_{one}")
        if held.note_written_at_utc is not None:
            st.caption(visits.note_written(page, held))
        saved = st.form_submit_button("Save the note", icon=":material/check:", type="primary", key=f"save_{one}")
    if saved:

        def write() -> None:
            visits.write_note(viewer, held.key, note, seen=seen)
            next_turn(name)

        saving(write, "The note is saved.", where="note")
    if held.note != seen:
        st.warning("Somebody has changed this note since you began. Theirs is stored:", icon=":material/sync_problem:")
        st.code(held.note, language=None, wrap_lines=True)
        if st.button("Go on from theirs, and drop mine", key=f"theirs_{one}"):
            next_turn(name)
            st.rerun()
    versions = visits.note_versions(viewer, page, held.key)
    if versions:
        with st.expander(f"What it said before ({len(versions)})", icon=":material/history:"):
            st.dataframe(versions, hide_index=True, alt="Earlier versions of this note with who wrote and who replaced them, newest first.")


def text_to_copy(viewer: Viewer, page: VisitPage, held: VisitRow) -> None:
    """Show the text for the record system: the button copies it, and it can be marked by hand."""
    text = visits.text_of(viewer, page, held)
    st.write("Text for your record system")
    st.code(text, language=None, wrap_lines=True)
    st.caption(f"{len(text):,} of at most {visits.NOTE_MAX_CHARACTERS:,} characters, of what is saved. The button at its corner copies it.")
