"""Import what a patient sent: many files at once, one outcome each; what waits for a decision; earlier imports, each with its undo."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from clinic import NotFound, PatientRow, imports
from models import EntryRefused, Viewer
from pages.shared.archives import archive_drop, arrived_archives
from pages.shared.begin import begin
from pages.shared.chosen import chosen_patient
from pages.shared.column_meanings import SHOWN, column_meanings
from pages.shared.plain import plain
from pages.shared.run_decisions import by_hand, waiting_runs
from pages.shared.windows import taken_out

# In the session: an import under way (patient, files done, files in all).
UNDER_WAY = "import_under_way"


def _uploads(viewer: Viewer, patient: PatientRow) -> None:
    with st.form(f"import_{patient.key}", clear_on_submit=True, border=True):
        uploads = st.file_uploader(
            f"Files and folders of {plain(patient.name)}",
            accept_multiple_files=True,
            help=f"Read: {imports.accepted_formats()}. A .gz or .zip file is fine. A file that was here already adds nothing.",
            key=f"run_files_{patient.key}",
        )
        asked = st.form_submit_button("Import", icon=":material/upload_file:", type="primary", key=f"import_now_{patient.key}")
    with st.container(border=True):
        arrived = archive_drop(patient)
    if asked and not uploads:
        st.info("Choose one or more files first.", icon=":material/upload_file:")
    elif asked and uploads:
        _import(patient, partial(imports.import_uploads, viewer, patient.key, taken_out(uploads)))
    elif arrived:
        with arrived_archives(patient, arrived) as archives:
            if archives:
                _import(patient, partial(imports.import_archives, viewer, patient.key, archives))
            else:
                st.warning(
                    "What was sent is no longer here: this window was locked meanwhile, or left. Send it again.", icon=":material/error:"
                )


def _import(patient: PatientRow, importing: Callable[..., imports.Report]) -> None:
    progress = imports.Progress()
    bar = st.progress(0.0, "Reading the files")
    stop = st.empty()
    stop.button("Stop after this file", key=f"stop_{patient.key}", help="Files that were read until then stay imported.")

    def show_progress(done: int, total: int, name: str) -> None:
        st.session_state[UNDER_WAY] = (patient.key, done, total)
        bar.progress(done / total, progress.words(done, total, plain(name)))  # a click on Stop ends the import here

    report = importing(progress=progress, on_progress=show_progress)
    st.session_state.pop(UNDER_WAY, None)
    bar.empty()
    stop.empty()
    st.session_state[SHOWN] = (patient.key, report.batch_id)


def _stopped(patient: PatientRow) -> bool:
    kept_for, done, total = st.session_state.pop(UNDER_WAY, (None, 0, 0))
    if kept_for != patient.key:
        return False
    st.warning(
        f"Stopped after {done} of {total} files. What was read until then is imported and stays; its report is under “Earlier imports”. "
        "Import the same files again to complete it: nothing is added twice.",
        icon=":material/pan_tool:",
    )
    return True


def _cut_off(viewer: Viewer, patient: PatientRow) -> None:
    said = imports.cut_off_words(viewer, patient.key, patient.time_zone)
    if said:
        st.warning(plain(said), icon=":material/pan_tool:")


def _report(viewer: Viewer, patient: PatientRow, batch_id: int) -> None:
    report = imports.batch_report(viewer, patient.key, batch_id)
    st.write(imports.summary_sentence(report))
    only = st.toggle("Only what needs a look", key=f"problems_{batch_id}")
    lines = imports.file_lines(report, only_problems=only)
    if lines:
        st.dataframe(
            lines,
            hide_index=True,
            height="content" if len(lines) <= 12 else 460,
            column_config={"Why": st.column_config.TextColumn(width="large")},
            alt="What became of each file, and why.",
        )
    elif only:
        st.caption("Nothing needs a look.")
    if imports.asks_for_columns(report):
        column_meanings(viewer, patient, batch_id)
    details = imports.detail_lines(report, patient.distance_unit, only_problems=only)
    if details:
        with st.expander(f"Run by run ({len(details)})", icon=":material/list:"):
            st.dataframe(details, hide_index=True, alt="What became of each run, why, and by which rules it was read.")
    runs = imports.run_lines(report, patient.distance_unit)
    if runs:
        with st.expander(f"Runs in these files, as they stand now ({len(runs)})", icon=":material/directions_run:"):
            st.dataframe(runs, hide_index=True, alt="The runs that these files hold.")
    with st.expander("The report as CSV, to copy", icon=":material/content_copy:"):
        st.code(imports.report_csv(report), language=None, height=240)


def _earlier(viewer: Viewer, patient: PatientRow) -> None:
    batches = {batch.id: batch for batch in imports.batches(viewer, patient.key, patient.time_zone)}
    if not batches:
        st.caption("After an import a report stands here: each file with what became of it and why.")
        return
    st.subheader("Report")
    kept_for, shown = st.session_state.get(SHOWN, (None, None))
    ids = list(batches)
    version = f"{ids[0]}_{sum(batch.is_undone for batch in batches.values())}"  # other labels, another widget
    batch_id = st.selectbox(
        "Earlier imports",
        ids,
        index=ids.index(shown) if kept_for == patient.key and shown in batches else 0,
        format_func=lambda one: batches[one].label,
        key=f"batch_{patient.key}_{version}",
    )
    _report(viewer, patient, batch_id)
    if batches[batch_id].is_undone:
        return
    with st.popover("Undo this import", icon=":material/undo:"):
        st.write(
            "Its runs, and what its files told of other runs, scores and days go. What it was merged into is as before. The report stays."
        )
        if st.button("Undo it", type="primary", key=f"undo_{batch_id}"):
            try:
                said = imports.undo(viewer, patient.key, batch_id)
            except (EntryRefused, NotFound) as refusal:
                st.error(plain(str(refusal)), icon=":material/error:")
            else:
                st.toast(said, icon=":material/undo:")
                st.rerun()


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
was_stopped = _stopped(patient)
_uploads(viewer, patient)
if not was_stopped:
    _cut_off(viewer, patient)
waiting_runs(viewer, patient)
_earlier(viewer, patient)
by_hand(viewer, patient)
