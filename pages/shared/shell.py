"""The frame around every page: who is there, where one can go."""

from pathlib import Path

import streamlit as st

from access import accounts
from clinic import COULD_NOT_BE_READ, DatabaseUnusable
from models import Viewer
from pages.shared.begin import signed_in
from pages.shared.look import palette, scheme
from pages.shared.plain import plain

PAGES = (
    ("pages/today.py", "Today", "today"),
    ("pages/patient.py", "Patient", "patient"),
    ("pages/pain_diary.py", "Pain diary", "pain-diary"),
    ("pages/import_runs.py", "Import runs", "import-runs"),
    ("pages/patients.py", "Patients", "patients"),
)
# A file of ours: an icon by name would be fetched from outside the clinic.
ICON = Path(__file__).with_name("icon.png")
# Who is there stands in the bar of the pages, so that a page begins at the top; on a phone it stands under it. Streamlit writes white
# on the accent in both schemes and captions too faintly to read well.
STYLE = """<style>
[data-testid="stCaptionContainer"] {{ color: inherit; opacity: 0.8; }}
[data-testid^="stBaseButton-primary"], [data-testid^="stBaseButton-primary"] * {{ color: {ground} !important; }}
.stMainBlockContainer {{ padding-top: 3.75rem; padding-bottom: 3rem; }}
@media (min-width: 900px) {{
  .st-key-who_is_there {{ position: fixed; top: 0.7rem; right: 1.5rem; width: auto; z-index: 999991; }}
}}
</style>"""


def show() -> None:
    """Draw the frame and the page that was asked for."""
    st.set_page_config(page_title="Still Running", page_icon=ICON, layout="wide", initial_sidebar_state="collapsed")
    st.html(STYLE.format(ground=palette(scheme()).ground))
    pages = [st.Page(path, title=title, url_path=url, default=path == "pages/today.py") for path, title, url in PAGES]
    try:
        viewer = signed_in()
        page = st.navigation(pages, position="hidden" if viewer is None else "top")
        if viewer is None:
            _choose_a_name()
            return
        _who_is_there(viewer)
        page.run()
    except DatabaseUnusable as unusable:
        st.error(str(unusable), icon=":material/database_off:")
    except COULD_NOT_BE_READ:
        st.error(
            "This page could not be read from the database. Nothing was changed. Reload the page; if it stays so, the disk may be full or "
            "the database in use by another program: `python -m data --help` says what can be done.",
            icon=":material/database_off:",
        )


def _who_is_there(viewer: Viewer) -> None:
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small", key="who_is_there"):
        st.badge("Demo clinic: all people are made up", icon=":material/science:", color="orange")
        st.caption(f"{plain(viewer.name)}, {accounts.role_words(viewer)}", width="content")
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
                f"{plain(person.name)}, {accounts.role_words(person)}",
                key=f"person_{person.person_id}",
                icon=":material/person:",
                width="stretch",
            )
            if chosen:
                st.session_state["person_id"] = person.person_id
                st.rerun()
        st.caption("In the demo clinic you sign in by choosing a name. A real clinic starts empty, with nobody in it.")
