"""Who did what: the owner searches the audit and has it checked."""

import streamlit as st

from clinic import NotFound, audit_words
from clinic.audit_words import ACTION_WORDS, AuditPage, AuditWanted
from models import Viewer
from pages.shared.begin import begin_proved
from pages.shared.plain import plain


def _wanted(viewer: Viewer) -> AuditWanted:
    people = audit_words.people(viewer)
    who, what, whom, since, until = st.columns([3, 2, 3, 2, 2])
    person = who.selectbox("Person", list(people), format_func=people.__getitem__, index=None, placeholder="Anybody", key="audit_person")
    action = what.selectbox(
        "Action", list(ACTION_WORDS), format_func=ACTION_WORDS.__getitem__, index=None, placeholder="Any", key="audit_action"
    )
    known = audit_words.may_know_names(viewer)
    patient = whom.text_input(
        "Patient",
        placeholder="Name, code or key" if known else "Random key, as it stands below",
        help=None if known else "You know patients by their random key only: names are for those who treat them.",
        key="audit_patient",
    )
    first = since.date_input("From", value=None, key="audit_since")
    last = until.date_input("To", value=None, key="audit_until")
    asked = (person, action, patient, first, last)
    if st.session_state.get("audit_asked") != asked:  # another question begins at its newest row
        st.session_state["audit_asked"] = asked
        _go()
    return AuditWanted(*asked, **st.session_state["audit_at"])


def _go(**at: int | None) -> None:
    st.session_state["audit_at"] = at


def _turn(shown: AuditPage) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(shown.sentence, width="stretch")
        newer, older = {"newer_than": shown.newer_than}, {"older_than": shown.older_than}
        st.button("Newer", icon=":material/arrow_upward:", disabled=shown.newer_than is None, on_click=_go, kwargs=newer, key="audit_newer")
        st.button(
            "Older", icon=":material/arrow_downward:", disabled=shown.older_than is None, on_click=_go, kwargs=older, key="audit_older"
        )


def _check(viewer: Viewer) -> None:
    if not st.button("Check that nothing was changed", icon=":material/fact_check:", key="audit_check"):
        return
    place = st.empty()
    whole, said = audit_words.checked(viewer, on_progress=place.progress)
    place.empty()
    if whole:
        st.success(said[0], icon=":material/check:")
        return
    st.error("\n".join(f"- {plain(sentence)}" for sentence in said), icon=":material/error:")
    st.write("Keep the computer as it is and tell whoever looks after it: docs/audit.md says what each of these means.")


viewer = begin_proved()
st.title("Audit", anchor=False)
try:
    wanted = _wanted(viewer)
    shown = audit_words.page_of(viewer, wanted)
except NotFound:
    st.info("There is nothing here for you.", icon=":material/lock:")
    st.stop()
_turn(shown)
if shown.lines:
    st.dataframe(shown.lines, hide_index=True, height="content", alt="Rows of the audit, newest first: when, who, what, of which patient.")
_check(viewer)
