"""Today's visits for the front desk: who comes, who has arrived; nothing of what is said there."""

import streamlit as st

from clinic import NotFound, visits
from models import Viewer, VisitStatus
from pages.shared.plain import plain

OFFERED = (VisitStatus.ARRIVED, VisitStatus.NO_SHOW, VisitStatus.CANCELLED)


def appointments(viewer: Viewer) -> None:
    """List the visits of today, each with what the front desk may say of it."""
    rows = visits.appointments(viewer)
    if not rows:
        st.info("No visit of today is known. Therapists begin visits on this page.", icon=":material/event:")
        return
    st.caption(f"{len(rows)} {'visit' if len(rows) == 1 else 'visits'} today, by name.")
    for row in rows:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap=None, width="stretch"):
                st.write(plain(visits.appointment_words(row)))
                st.caption(f"Now: {visits.STATUS_WORDS[row.status]}")
            say_status(viewer, row.key, row.status, OFFERED)


def say_status(viewer: Viewer, visit_key: str, now: VisitStatus, offered: tuple[VisitStatus, ...]) -> None:
    """Offer what may have become of a visit, one button each."""
    with st.container(horizontal=True, width="content"):
        for status in offered:
            if not st.button(visits.STATUS_WORDS[status].capitalize(), disabled=now is status, key=f"{status}_{visit_key}"):
                continue
            try:
                visits.set_status(viewer, visit_key, status)
            except NotFound:
                st.error("There is no such visit any more.", icon=":material/error:")
            else:
                st.rerun()
