"""Today: the active episodes, each one click away."""

import streamlit as st

from clinic.today import today_list
from pages.shared.begin import begin
from pages.shared.chosen import remember
from pages.shared.plain import plain

viewer = begin()
st.title("Today")

lines = today_list(viewer)
if not lines:
    st.info(
        "No runner is in your care right now. Runners with an active episode at your sites stand here; add one on the page Patients.",
        icon=":material/person_add:",
    )
    st.stop()

wanted = st.text_input("Find a runner", key="find_runner", placeholder="Name, problem or therapist", icon=":material/search:", width=420)
shown = [line for line in lines if line.matches(wanted)]
st.caption(f"{len(shown)} of {len(lines)} active episodes, by name. Click a row to open the runner.")

if not shown:
    st.info(f"Nobody fits “{plain(wanted)}”.", icon=":material/search_off:")
    st.stop()

table = st.dataframe(
    [line.shown() for line in shown],
    hide_index=True,
    on_select="rerun",
    selection_mode="single-cell",
    key="today_list",
    height="content",
    alt=f"{len(shown)} active episodes with last pain score, miles this week and last log.",
)
cells = table["selection"]["cells"]
if cells:
    key = shown[cells[0][0]].key
    remember(key)
    st.switch_page("pages/patient.py", query_params={"episode": key})
