"""The visit: who arrived, the red-flag screen, what was done, outcome measures, the note and its text."""

import streamlit as st

from clinic import AlreadyThere, register, visits
from clinic.visits import VisitPage
from models import EntryRefused, Role, SiteKind, Viewer, VisitStatus
from pages.shared.appointments import appointments, say_status
from pages.shared.begin import begin
from pages.shared.chosen import another_runner, chosen_episode
from pages.shared.plain import plain
from pages.shared.visit_done import done_form
from pages.shared.visit_note import note_form, text_to_copy
from pages.shared.visit_outcomes import outcome_forms
from pages.shared.visit_screen import screen_form, screen_standing

NEW = ""


def _which_visit(page: VisitPage) -> str:
    """Let a visit be chosen; today's stands first, else a new one."""
    key = f"which_visit_{page.row.key}"
    if made := st.session_state.pop(f"made_{key}", None):
        st.session_state[key] = made
    options = [*page.choices, NEW]
    if st.session_state.get(key) not in options:  # none chosen yet, or the day has passed
        st.session_state[key] = page.todays_key or NEW
    return st.selectbox("Which visit?", options, format_func=lambda chosen: page.choices.get(chosen, "A new visit"), key=key, width=420)


def _arrival(viewer: Viewer, page: VisitPage, visit_key: str) -> None:
    """Say when and how the patient came. What is written belongs to a visit at which they did."""
    known = visits.visit(viewer, visit_key) if visit_key else None
    sites = register.sites()
    one = f"{page.row.key}_{visit_key}"
    with st.form(f"arrival_{one}", border=True):
        left, middle, right = st.columns(3)
        day = left.date_input("Day", value=known.visit_date if known else page.today, max_value=page.today, key=f"visit_day_{one}")
        kind = middle.segmented_control(
            "How",
            list(SiteKind),
            default=known.kind if known else None,
            format_func=visits.KIND_WORDS.__getitem__,
            key=f"visit_kind_{one}",
        )
        site = right.selectbox(
            "Site",
            list(sites),
            index=list(sites).index(known.site_id) if known and known.site_id in sites else None,
            format_func=sites.__getitem__,
            placeholder="None, or choose",
            key=f"visit_site_{one}",
        )
        label = "Save day and place" if known and visits.is_held(known) else "The patient has arrived"
        if not st.form_submit_button(label, icon=":material/how_to_reg:", type="primary", key=f"visit_arrived_{one}"):
            return
    if kind is None:
        st.error("Choose whether the visit is in person or virtual.", icon=":material/error:")
        return
    try:
        made = visits.arrive(viewer, page, visit_key, day=day, kind=kind, site_id=site)
    except (EntryRefused, AlreadyThere) as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
        return
    st.session_state[f"made_which_visit_{page.row.key}"] = made
    st.rerun()


viewer = begin()
if Role.THERAPIST not in viewer.roles:
    st.title("Visits of today", anchor=False)
    appointments(viewer)
    st.stop()

page = chosen_episode(viewer, visits.visit_page, what_for="who is here")
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    with st.container(gap=None, width="stretch"):
        st.title(f"Visit: {plain(page.row.patient_name)}", anchor=False)
        st.caption(plain(page.episode.header))
    another_runner(viewer)
screen_standing(page)

visit_key = _which_visit(page)
held = visits.visit(viewer, visit_key) if visit_key else None
if held is None or not visits.is_held(held):
    _arrival(viewer, page, visit_key)
    if held is not None:
        say_status(viewer, held.key, held.status, (VisitStatus.NO_SHOW, VisitStatus.CANCELLED))
    st.info("Once the patient has arrived, the screen, what was done, outcomes and the note stand here.", icon=":material/event_available:")
    st.stop()

with st.expander("Day and place of this visit", icon=":material/edit_calendar:"):
    _arrival(viewer, page, visit_key)
screen, done, outcome, note = st.tabs(["Red-flag screen", "What was done", "Outcome measures", "Note and text to copy"])
with screen:
    screen_form(viewer, page, held)
with done:
    done_form(viewer, page, held)
with outcome:
    outcome_forms(viewer, page, held)
with note:
    left, right = st.columns(2, gap="large")
    with left:
        note_form(viewer, page, held)
    with right:
        text_to_copy(viewer, page, held)
