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
            for status in OFFERED:
                label = visits.STATUS_WORDS[status].capitalize()
                if st.button(
                    label,
                    disabled=row.status is status,
                    key=f"{status}_{row.key}",
                    help=f"{label}: {plain(row.patient_name)}",
                    width="content",
                ):
                    try:
                        visits.set_status(viewer, row.key, status)
                    except NotFound:
                        st.error("There is no such visit any more.", icon=":material/error:")
                    else:
                        st.rerun()
