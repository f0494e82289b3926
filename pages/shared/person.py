"""A person who works here: added, changed, switched off. What was done, and a link to hand over, are said once."""

from collections.abc import Callable, Sequence
from urllib.parse import urljoin

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from access import people
from clinic import AlreadyThere
from models import EntryRefused, Role, Viewer
from pages.shared.plain import plain

IN_THE_DEMO = "This is the demo clinic: people sign in by choosing a name, so there are no login names, passphrases or second factors here."


def done(text: str, link: people.Link | None = None) -> None:
    """Begin the page again and say at its top what was done, once."""
    st.session_state["people_done"] = (text, link)
    st.session_state["people_forms"] = st.session_state.get("people_forms", 0) + 1
    st.rerun()


def said() -> None:
    """Say what was done just now. A link stands here this one time and nowhere else."""
    text, link = st.session_state.pop("people_done", ("", None))
    if text:
        st.success(text, icon=":material/check:")
    if link is not None:
        with st.container(border=True):
            st.write(
                f"Hand this link over, on paper or in person: no mail is sent. It works once, until {link.holds_until:%Y-%m-%d %H:%M} "
                "(48 hours), and is not shown again. With it they set their passphrase."
            )
            st.code(urljoin(st.context.url or "", link.path), language=None, wrap_lines=True)


def _tried(act: Callable[[], people.Link | None], text: str) -> None:
    try:
        link = act()
    except (EntryRefused, AlreadyThere) as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
    else:
        done(text, link)


def new_person(viewer: Viewer, sites: dict[int, str], *, in_the_demo: bool) -> None:
    """Ask for somebody new; a real clinic gives them a login name, and shows the link."""
    form = st.session_state.get("people_forms", 0)  # a new number empties the fields
    with st.form("new_person", border=True):
        left, right = st.columns(2)
        name = left.text_input("Name", max_chars=200, key=f"new_name_{form}")
        login_name = email = ""
        if in_the_demo:
            st.caption(IN_THE_DEMO)
        else:
            login_name = right.text_input("Login name", max_chars=100, key=f"new_login_{form}", help="What they type to sign in.")
            email = right.text_input("E-mail, if single sign-on is used", max_chars=254, key=f"new_email_{form}")
        roles = left.pills("Roles", list(Role), selection_mode="multi", format_func=people.role_word, key=f"new_roles_{form}")
        at = _sites_asked(right if in_the_demo else left, sites, key=f"new_sites_{form}")
        if not st.form_submit_button("Add the person", icon=":material/person_add:", type="primary", key="add_person"):
            return
    _tried(
        lambda: people.add(viewer, name=name, roles=roles, site_ids=at, login_name=login_name, email=email),
        f"{plain(name)} works here now.",
    )


def one_person(viewer: Viewer, colleagues: list[people.Colleague], sites: dict[int, str], *, in_the_demo: bool) -> None:
    """Let one person be chosen, and all be changed that can be."""
    by_key = {one.key: one for one in colleagues}
    key = st.selectbox(
        "Choose a person",
        list(by_key),
        index=None,
        format_func=lambda key: by_key[key].person.name,
        placeholder="Type a name",
        key="chosen_person",
        width=420,
    )
    if key is None:
        return
    one = by_key[key]
    st.caption(f"{plain(one.person.name)}: {people.state(one)}.")
    _roles_and_sites(viewer, one, sites)
    if in_the_demo:
        st.caption(IN_THE_DEMO)
    else:
        _account(viewer, one)
    _switches(viewer, one)


def _roles_and_sites(viewer: Viewer, one: people.Colleague, sites: dict[int, str]) -> None:
    person = one.person
    with st.form(f"roles_and_sites_{one.key}", border=True):
        left, right = st.columns(2)
        roles = left.pills(
            "Roles",
            list(Role),
            default=sorted(person.roles),
            selection_mode="multi",
            format_func=people.role_word,
            key=f"roles_{one.key}",
        )
        at = _sites_asked(right, sites, sorted(person.site_ids), key=f"sites_{one.key}")
        st.caption(
            "These are your own roles: changing them signs you out."
            if person.person_id == viewer.person_id
            else "Changed roles sign them out at once; changed sites count from their next action."
        )
        if not st.form_submit_button("Save roles and sites", icon=":material/check:", key="save_roles"):
            return

    def save() -> None:
        people.set_roles(viewer, one.key, roles)  # first: it may be refused
        people.set_sites(viewer, one.key, at)

    _tried(save, f"Roles and sites of {plain(person.name)} are saved.")


def _sites_asked(column: DeltaGenerator, sites: dict[int, str], given: Sequence[int] = (), *, key: str) -> list[int]:
    if not sites:
        column.caption("There is no site yet: add one under “Sites”.")
        return []
    return column.pills("Sites", list(sites), default=given, selection_mode="multi", format_func=sites.__getitem__, key=key)


def _account(viewer: Viewer, one: people.Colleague) -> None:
    person = one.person
    with st.form(f"account_{one.key}", border=True):
        left, right = st.columns(2)
        login_name = left.text_input("Login name", person.login_name, max_chars=100, key=f"login_{one.key}")
        email = right.text_input("E-mail, if single sign-on is used", person.email, max_chars=254, key=f"email_{one.key}")
        if st.form_submit_button("Save login name and e-mail", icon=":material/check:", key="save_account"):
            _tried(
                lambda: people.give_account(viewer, one.key, login_name, email=email),
                f"Login name and e-mail of {plain(person.name)} are saved.",
            )


def _switches(viewer: Viewer, one: people.Colleague) -> None:
    """Offer what is done by one button. What cannot be taken back is asked twice."""
    person, name = one.person, plain(one.person.name)
    with st.container(horizontal=True):
        if person.login_name and person.is_active:
            _asked_twice(
                "New link",
                "Older links of theirs end. The passphrase they have works until the new link is used.",
                lambda: people.new_link(viewer, one.key),
                f"A new link for {name}.",
            )
        if one.is_locked and st.button("Unlock", icon=":material/lock_open:", key="unlock"):
            _tried(lambda: people.unlock(viewer, one.key), f"{name} can try again.")
        if person.has_second_factor:
            _asked_twice(
                "Reset the second factor",
                "Their telephone and their recovery codes do not work any more, and they are signed out. This cannot be taken back.",
                lambda: people.reset_second_factor(viewer, one.key),
                f"{name} has no second factor any more.",
            )
        if person.has_single_sign_on:
            _asked_twice(
                "Unlink single sign-on",
                "Their identity at the provider opens this account no more, their e-mail is taken out, and they are signed out. Set the e-mail anew to link again.",
                lambda: people.unlink(viewer, one.key),
                f"{name} has no single sign-on any more.",
            )
        if person.is_active:
            _asked_twice(
                "Sign out everywhere",
                "Every window of theirs locks itself. What was typed there and not saved is lost.",
                lambda: people.end_sessions(viewer, one.key),
                f"{name} is signed out everywhere.",
            )
            _asked_twice(
                "Switch off",
                "They are out at once and cannot sign in; links to set a passphrase end. What they wrote stays, and you can switch them on again.",
                lambda: people.set_active(viewer, one.key, False),
                f"{name} is switched off.",
            )
        elif st.button("Switch on", icon=":material/toggle_on:", key="switch_on"):
            _tried(lambda: people.set_active(viewer, one.key, True), f"{name} is switched on.")


def _asked_twice(what: str, means: str, act: Callable[[], people.Link | None], text: str) -> None:
    with st.popover(what):
        st.write(means)
        if st.button(f"Yes: {what[:1].lower()}{what[1:]}", type="primary", key=what):
            _tried(act, text)
