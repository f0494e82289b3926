"""Import what a patient sent: many files at once, one outcome each."""

import streamlit as st

from clinic import NotFound, imports
from pages.shared.begin import begin
from pages.shared.chosen import chosen_patient
from pages.shared.plain import plain

viewer = begin()
st.title("Import runs")
patient = chosen_patient(viewer, what_for="whose files these are")
if patient is None:
    st.stop()
try:
    imports.opened_for(viewer, patient.key)
except NotFound:
    st.info("Runs are imported by those who treat this patient.", icon=":material/lock:")
    st.stop()

with st.form(f"import_{patient.key}", clear_on_submit=True, border=True):
    uploads = st.file_uploader(
        f"Files of {plain(patient.name)}",
        accept_multiple_files=True,
        type=imports.accepted_suffixes(),
        help=f"Read: {imports.accepted_formats()}. A .gz file is fine. A file that was here already adds nothing.",
        key=f"run_files_{patient.key}",
    )
    asked = st.form_submit_button("Import", icon=":material/upload_file:", type="primary", key=f"import_now_{patient.key}")

if asked and not uploads:
    st.info("Choose one or more files first.", icon=":material/upload_file:")
elif asked and uploads:
    bar = st.progress(0.0, "Reading the files")

    def show_progress(done: int, total: int, name: str) -> None:
        bar.progress(done / total, f"{done} of {total} files done. {plain(name)}")

    report = imports.import_uploads(
        viewer,
        patient.key,
        [(upload.name, upload.getvalue()) for upload in uploads],
        on_progress=show_progress,
    )
    bar.empty()
    st.session_state["import_report"] = (patient.key, report)

kept_for, report = st.session_state.get("import_report", (None, None))
if report is None or kept_for != patient.key:
    st.caption("After an import a report stands here: each file with what became of it and why.")
    st.stop()

st.subheader("Report")
st.write(imports.summary_sentence(report))
st.dataframe(
    imports.file_lines(report),
    hide_index=True,
    height="content",
    column_config={"Why": st.column_config.TextColumn(width="large")},
    alt="What became of each file, and why.",
)
runs = imports.run_lines(report, patient.distance_unit)
if runs:
    st.subheader("Runs in these files")
    st.dataframe(runs, hide_index=True, height="content", alt="The runs that these files hold.")
