"""The register: who is in care, a new patient, a new episode."""

import streamlit as st

from clinic import AlreadyThere, register
from models import DistanceUnit, EntryRefused, Side, Viewer
from pages.shared.begin import begin
from pages.shared.chosen import chosen_patient, remember
from pages.shared.plain import plain


def _register(viewer: Viewer) -> None:
    lines = register.register_lines(viewer)
    if not lines:
        st.info("No patient yet. Add the first one under “New patient”.", icon=":material/person_add:")
        return
    wanted = st.text_input("Find a patient", placeholder="Name or code", icon=":material/search:", key="find_patient", width=420)
    shown = register.matching(lines, wanted)
    st.caption(f"{len(shown)} of {len(lines)} patients, by name.")
    st.dataframe(shown, hide_index=True, alt=f"{len(shown)} patients with code, age, unit, time zone and number of episodes.")


def _new_patient(viewer: Viewer) -> None:
    zones = register.time_zones()
    with st.form("new_patient", border=True):
        left, right = st.columns(2)
        given = left.text_input("First name", max_chars=200, key="given_name")
        family = right.text_input("Last name", max_chars=200, key="family_name")
        code = left.text_input(
            "Patient code", max_chars=40, key="code", help="Letters, digits, dots, dashes. It stands on no screen of another patient."
        )
        born = right.date_input("Date of birth", value=None, min_value="1900-01-01", max_value=register.today(), key="birth_date")
        zone = left.selectbox(
            "Time zone", zones, index=zones.index(register.clinic().time_zone), key="time_zone", help="Says which day a run belongs to."
        )
        unit = right.segmented_control(
            "Distances in",
            list(DistanceUnit),
            default=DistanceUnit.MILE,
            format_func=register.UNIT_WORDS.__getitem__,
            key="unit",
            required=True,
        )
        if not st.form_submit_button("Add the patient", icon=":material/person_add:", type="primary", key="add_patient"):
            return
    try:
        register.add_patient(viewer, given_name=given, family_name=family, code=code, birth_date=born, time_zone=zone, distance_unit=unit)
    except (EntryRefused, AlreadyThere) as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
    else:
        st.success(f"{plain(register.full_name(given, family, code))} is in the register. Open an episode next.", icon=":material/check:")


def _new_episode(viewer: Viewer) -> None:
    patient = chosen_patient(viewer, what_for="to open an episode for")
    if patient is None:
        return
    sites, diagnoses = register.sites(), register.diagnoses()
    with st.form("new_episode", border=True):
        left, right = st.columns(2)
        problem = left.text_input("Problem, in a few words", max_chars=200, key="problem", placeholder="Outer hip pain on long runs")
        side = right.segmented_control("Side", [Side.LEFT, Side.RIGHT], format_func=str.capitalize, key="side")
        diagnosis = left.selectbox("Diagnosis", diagnoses, format_func=lambda one: one.label, key="diagnosis")
        site = right.selectbox("Site", list(sites), format_func=sites.__getitem__, key="site")
        started = left.date_input("Care starts on", value=register.today(), max_value=register.today(), key="started_on")
        onset = right.date_input("Problem began on (if known)", value=None, max_value=register.today(), key="onset_date")
        goal = st.text_input("Goal, in the runner's words", max_chars=200, key="goal")
        st.caption("The ICD-10-CM code follows from diagnosis and side where it is known; a coder confirms it.")
        if not st.form_submit_button("Open the episode", icon=":material/add:", type="primary", key="add_episode"):
            return
    if side is None:
        st.error("Choose the side. Pain is charted for one side at a time.", icon=":material/error:")
        return
    try:
        key = register.add_episode(
            viewer,
            patient.key,
            diagnosis=diagnosis,
            side=side,
            problem=problem,
            started_on=started,
            onset_date=onset,
            goal=goal,
            site_id=site,
        )
    except (EntryRefused, AlreadyThere) as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
    else:
        remember(key)
        st.success(f"The episode of {plain(patient.name)} is open. Import runs or write the diary next.", icon=":material/check:")


viewer = begin()
st.title("Patients")
everybody, new_patient, new_episode = st.tabs(["All patients", "New patient", "New episode"])
with everybody:
    _register(viewer)
with new_patient:
    _new_patient(viewer)
with new_episode:
    _new_episode(viewer)
