"""People: who works here, what they may do, how they sign in. For the clinic's owners."""

import streamlit as st

from access import people
from clinic import AlreadyThere, NotFound
from models import IDLE_MINUTES_RANGE, SESSION_HOURS_RANGE, EntryRefused, SiteKind, Viewer
from pages.shared import person
from pages.shared.begin import begin_proved
from pages.shared.plain import plain


def _everybody(colleagues: list[people.Colleague], sites: dict[int, str]) -> None:
    st.caption(f"{len(colleagues)} people, those who are switched off last.")
    st.dataframe(
        [people.shown(one, sites) for one in colleagues],
        hide_index=True,
        height="content",
        alt=f"{len(colleagues)} people with roles, sites, and how they sign in.",
    )


def _sites(viewer: Viewer, sites: dict[int, str]) -> None:
    st.write(f"Sites: {plain(', '.join(sites.values()))}." if sites else "There is no site yet. Add the places where you work.")
    with st.form("new_site", border=True):
        name = st.text_input("Name of a new site", max_chars=200, key="site_name")
        kind = st.segmented_control(
            "People see the therapist",
            list(SiteKind),
            default=SiteKind.IN_PERSON,
            format_func=people.SITE_KIND_WORDS.__getitem__,
            key="site_kind",
        )
        if not st.form_submit_button("Add the site", icon=":material/add_location:", key="add_site"):
            return
    try:
        people.add_site(viewer, name, kind or SiteKind.IN_PERSON)
    except (EntryRefused, AlreadyThere) as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
    else:
        person.done(f"{plain(name)} is a site of the clinic now.")


def _rules(viewer: Viewer) -> None:
    clinic = people.sign_in_rules()
    with st.form("rules", border=True):
        idle = st.slider(
            "Minutes without a click until a window locks itself", *IDLE_MINUTES_RANGE, clinic.idle_minutes, key="idle_minutes"
        )
        hours = st.slider("Hours until one signs in again in any case", *SESSION_HOURS_RANGE, clinic.session_hours, key="session_hours")
        second = st.toggle(
            "Everybody needs a second factor (a code from their telephone)",
            clinic.require_second_factor,
            key="require_second_factor",
            disabled=clinic.is_demo,
            help="Who has none sets one up at the next sign-in. The demo clinic has none."
            if clinic.is_demo
            else "Who has none sets one up at the next sign-in; who is signed in goes on until then.",
        )
        see_site = st.toggle(
            "Therapists also see the patients of their sites, not only their own", clinic.therapists_see_site, key="therapists_see_site"
        )
        if not st.form_submit_button("Save the rules", icon=":material/check:", type="primary", key="save_rules"):
            return
    people.set_rules(viewer, idle_minutes=idle, session_hours=hours, require_second_factor=second, therapists_see_site=see_site)
    person.done("The rules are saved. They hold from the next action on, in every window.")


viewer = begin_proved()
st.title("People")
try:
    colleagues = people.colleagues(viewer)
except NotFound:
    st.caption("This page is for the owners of the clinic.")
    st.stop()
sites = people.sites()
in_the_demo = people.sign_in_rules().is_demo
with st.container():  # always there, so that the tabs below stay where they are
    person.said()
everybody, new_person, one_person, at_sites, rules = st.tabs(
    ["Everybody", "New person", "Change a person", "Sites", "Rules of sign-in"], key="people_tabs"
)
with everybody:
    _everybody(colleagues, sites)
with new_person:
    person.new_person(viewer, sites, in_the_demo=in_the_demo)
with one_person:
    person.one_person(viewer, colleagues, sites, in_the_demo=in_the_demo)
with at_sites:
    _sites(viewer, sites)
with rules:
    _rules(viewer)
