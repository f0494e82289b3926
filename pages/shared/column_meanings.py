"""A table whose columns are not known: a select box for each of them, as a part of the import page."""

import streamlit as st

from clinic import NotFound, PatientRow, imports
from clinic import column_meanings as asking
from models import EntryRefused, Viewer
from pages.shared.plain import plain

SHOWN = "import_report"  # in the session: which report is shown (patient, import)


def column_meanings(viewer: Viewer, patient: PatientRow, batch_id: int) -> None:
    """Ask what the columns of an import's unknown tables mean; nothing is read before somebody has agreed."""
    for table in asking.asked_tables(viewer, patient.key, batch_id):
        names = ", ".join(name for name, _ in table.files)
        with st.expander(f"What do the columns mean? {plain(names)}", icon=":material/view_column:", expanded=not table.is_said):
            _asked(viewer, patient, batch_id, table)


def _asked(viewer: Viewer, patient: PatientRow, batch_id: int, table: asking.AskedTable) -> None:
    if table.is_said:
        st.caption("This was said before. Files with this header are read like that.")
    else:
        st.caption("This is a suggestion. Nothing is read before you agree; it is remembered for every table with this header.")
        for question in table.questions:
            st.markdown(f"- {plain(question)}")
    keys = list(asking.MEANINGS)
    with st.form(f"columns_{batch_id}_{table.key}", border=False):
        chosen = {
            column.name: st.selectbox(
                plain(column.written) or f"Column {number}",
                keys,
                index=None if column.meaning is None else keys.index(column.meaning),
                format_func=asking.MEANINGS.__getitem__,
                placeholder="Say which",
                help=f"For example: {plain(column.examples)}" if column.examples else None,
                key=f"column_{batch_id}_{table.key}_{number}",
            )
            for number, column in enumerate(table.columns, 1)
        }
        orders = list(asking.DATE_ORDERS)
        order = st.selectbox(
            "Dates are written with",
            orders,
            index=orders.index(table.base.date_order if table.base else None),
            format_func=asking.DATE_ORDERS.__getitem__,
            key=f"date_order_{batch_id}_{table.key}",
        )
        agreed = st.form_submit_button("Remember and read", type="primary", key=f"remember_{batch_id}_{table.key}")
    if not agreed:
        return
    try:
        report = asking.remember_and_read(viewer, patient.key, table, asking.meaning_of(table, chosen, order))
    except (EntryRefused, NotFound) as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
    else:
        st.session_state[SHOWN] = (patient.key, report.batch_id)
        st.toast(plain(imports.summary_sentence(report)), icon=":material/view_column:")
        st.rerun()
