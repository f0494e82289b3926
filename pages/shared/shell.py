"""The frame around every page: who is there, where one can go."""

import streamlit as st

from access import accounts
from clinic import COULD_NOT_BE_READ, DatabaseUnusable
from models import Viewer
from pages.shared.begin import signed_in

PAGES = (
    ("pages/today.py", "Today", "today", ":material/today:"),
    ("pages/patient.py", "Patient", "patient", ":material/monitoring:"),
    ("pages/pain_diary.py", "Pain diary", "pain-diary", ":material/edit_note:"),
    ("pages/import_runs.py", "Import runs", "import-runs", ":material/upload_file:"),
    ("pages/patients.py", "Patients", "patients", ":material/groups:"),
)


def show() -> None:
    """Draw the frame and the page that was asked for."""
    st.set_page_config(page_title="Still Running", layout="wide", initial_sidebar_state="collapsed")
    try:
        viewer = signed_in()
        if viewer is None:
            _choose_a_name()
            return
    except DatabaseUnusable as unusable:
        st.title("Still Running")
        st.error(str(unusable), icon=":material/database_off:")
        return
    except COULD_NOT_BE_READ:
        st.title("Still Running")
        st.error("The database could not be read. Nothing was changed.", icon=":material/database_off:")
        return
    pages = [st.Page(path, title=title, url_path=url, icon=icon, default=path == "pages/today.py") for path, title, url, icon in PAGES]
    page = st.navigation(pages, position="top")
    _who_is_there(viewer)
    try:
        page.run()
    except COULD_NOT_BE_READ:
        st.error(
            "This page could not be read from the database. Nothing was changed. Reload the page; if it stays so, the disk may be full or "
            "the database in use by another program: `python -m data --help` says what can be done.",
            icon=":material/database_off:",
        )


def _who_is_there(viewer: Viewer) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
        st.badge("Demo clinic: all people are made up", icon=":material/science:", color="orange")
        with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
            st.caption(f"{viewer.name}, {accounts.role_words(viewer)}", width="content")
            if st.button("Sign out", key="sign_out", type="tertiary"):
                st.session_state.clear()
                st.rerun()


def _choose_a_name() -> None:
    people = accounts.demo_people()
    with st.container(horizontal_alignment="center"), st.container(width=560):
        st.title("Still Running")
        st.write("Calm the load down, build it up again, and keep the runner running.")
        st.badge("Demo clinic: all people are made up", icon=":material/science:", color="orange")
        st.subheader("Who are you today?")
        for person in people:
            chosen = st.button(
                person.name,
                key=f"person_{person.person_id}",
                help=f"Sign in as {person.name}, {accounts.role_words(person)}",
                icon=":material/person:",
                width="stretch",
            )
            if chosen:
                st.session_state["person_id"] = person.person_id
                st.rerun()
        st.caption("In the demo clinic you sign in by choosing a name. A real clinic starts empty, with nobody in it.")
