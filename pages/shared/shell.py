"""The frame around every page: who is there, where one can go."""

import html
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import streamlit as st

from access import accounts, logs
from clinic import COULD_NOT_BE_READ, DatabaseUnusable
from models import Role, Viewer
from pages.shared.begin import here, session, signed_in
from pages.shared.look import palette, scheme
from pages.shared.window_language import LOCKED_TITLE


@dataclass(frozen=True)
class Page:
    """One page of the app: its file, its name, its address, and who has it in their list (nobody named: everybody)."""

    path: str
    title: str
    url: str
    roles: frozenset[Role] = frozenset()

    def is_for(self, viewer: Viewer) -> bool:
        """Say whether the page stands in somebody's list. What it shows them is the data layer's say."""
        return not self.roles or bool(self.roles & viewer.roles)


OWNER = frozenset({Role.OWNER})
THERAPIST = frozenset({Role.THERAPIST})
PAGES = (
    Page("pages/today.py", "Today", "today"),
    Page("pages/patient.py", "Patient", "patient"),
    Page("pages/plan.py", "Plan", "plan", THERAPIST),
    Page("pages/visit.py", "Visit", "visit"),
    Page("pages/show.py", "Visit mode", "show"),
    Page("pages/pain_diary.py", "Pain diary", "pain-diary"),
    Page("pages/import_runs.py", "Import runs", "import-runs"),
    Page("pages/patients.py", "Patients", "patients"),
    Page("pages/people.py", "People", "people", OWNER),
    Page("pages/audit.py", "Audit", "audit", OWNER),
)
# A file of ours: an icon by name would be fetched from outside the clinic.
ICON = Path(__file__).with_name("icon.png")
WATCH_EVERY = timedelta(seconds=15)
WARN_BEFORE = timedelta(minutes=1)
# Who is there stands in the bar of the pages, so that a page begins at the top; on a phone it stands under it. Streamlit writes white
# on the accent in both schemes and captions too faintly to read well.
STYLE = """<style>
[data-testid="stCaptionContainer"] {{ color: inherit; opacity: 0.8; }}
[data-testid^="stBaseButton-primary"], [data-testid^="stBaseButton-primary"] * {{ color: {ground} !important; }}
form.door button {{ font: inherit; color: inherit; background: none; border: 1px solid currentColor; border-radius: 0.375rem;
  padding: 0.2rem 0.7rem; cursor: pointer; }}
a.me {{ color: inherit; opacity: 0.8; font-size: 0.875rem; text-decoration: none; }}
a.me:hover, a.me:focus-visible {{ text-decoration: underline; }}
.stMainBlockContainer {{ padding-top: 3.75rem; padding-bottom: 3rem; }}
@media (min-width: 900px) {{
  .st-key-who_is_there {{ position: fixed; top: 0.7rem; right: 1.5rem; width: auto; z-index: 999991; }}
}}
</style>"""
# A window that lost the server cannot be told to lock itself, so it blanks. Streamlit marks the state of its connection.
BLANK_AFTER = timedelta(minutes=1)
LOST = "html:has([data-testid='stApp']:not([data-test-connection-state='CONNECTED']))"
BLANK_STYLE = """<style>
html::before {{ content: "No connection to Still Running. Once it answers again, reload this page."; position: fixed; inset: 0; padding: 3.75rem 1rem;
  text-align: center; font: 1rem "Source Sans", sans-serif; color: {ink}; opacity: 0; pointer-events: none; }}
{lost} body {{ opacity: 0; transition: opacity 0s linear {after_s}s !important; }}
{lost}::before {{ opacity: 1; transition: opacity 0s linear {after_s}s !important; }}
</style>"""


def show() -> None:
    """Draw the frame and the page that was asked for."""
    st.set_page_config(page_title="Still Running", page_icon=ICON, layout="wide", initial_sidebar_state="collapsed")
    st.html(STYLE.format(ground=palette(scheme()).ground))
    try:
        viewer = signed_in()
        pages = [
            st.Page(page.path, title=page.title, url_path=page.url, default=page.path == "pages/today.py")
            for page in PAGES
            if viewer is None or page.is_for(viewer)
        ]
        page = st.navigation(pages, position="hidden" if viewer is None else "top")
        if viewer is None:
            _locked()
            return
        st.html(BLANK_STYLE.format(ink=palette(scheme()).ink, lost=LOST, after_s=int(BLANK_AFTER.total_seconds())))
        _watch()
        _who_is_there(viewer)
        page.run()
    except DatabaseUnusable as unusable:
        logs.broke(unusable)
        st.error(str(unusable), icon=":material/database_off:")
    except COULD_NOT_BE_READ as error:
        logs.broke(error)
        st.error(
            "This page could not be read from the database. Nothing was changed. Reload the page; if it stays so, the disk may be full or "
            "the database in use by another program: `python -m data --help` says what can be done.",
            icon=":material/database_off:",
        )


def _who_is_there(viewer: Viewer) -> None:
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small", key="who_is_there"):
        if accounts.is_demo():
            st.badge("Demo clinic: all people are made up", icon=":material/science:", color="orange")
        who = html.escape(f"{viewer.name}, {accounts.role_words(viewer)}")
        st.html(f'<a class="me" href="/account" title="Your account">{who}</a>', width="content")
        st.html('<form class="door" method="post" action="/logout"><button>Sign out</button></form>', width="content")


@st.fragment(run_every=WATCH_EVERY)
def _watch() -> None:
    """Look every now and then whether the session still holds. This is the window's own doing and keeps no session alive."""
    held = session()
    if held is None:
        st.rerun()
    elif held.idle_left <= WARN_BEFORE:
        st.warning("Nothing was clicked for a while. This window locks itself within a minute.", icon=":material/lock_clock:")
        if st.button("Stay signed in", key="stay_signed_in", type="primary"):
            signed_in()
            st.rerun()


def _locked() -> None:
    """Show nothing of the clinic, and the way back to where the person was."""
    st.session_state.clear()
    wanted = html.escape(here())
    st.title(LOCKED_TITLE)
    st.write(
        "This window was locked: you signed out, nothing was clicked for a while, or your working day here is over. What you saved is kept."
    )
    st.html(
        f'<form class="door" method="get" action="/login"><input type="hidden" name="next" value="{wanted}"><button>Sign in</button></form>'
    )
