"""A patient's facts as a file to take away, for who asks: the one maker behind the page's links and the command line."""

import hashlib
from datetime import date

import pandas as pd
import sqlalchemy as sa

from clinic.weeks import EXPORT_COLUMNS, patient_weeks
from data import audit, queries
from data.database import engine
from data.excel import workbook
from data.exports import MEDIA_TYPES, ExportFormat, ExportTable, Taken, csv_text, json_text
from data.records import local_today
from models import Viewer

TABLE_WORDS = {ExportTable.RUNS: "Runs", ExportTable.PAIN: "Pain scores", ExportTable.WEEKS: "Weeks"}
FORMAT_WORDS = {ExportFormat.CSV: "CSV", ExportFormat.XLSX: "Excel"}  # as the app offers them; JSON is for programs


def patient_table(
    viewer: Viewer,
    patient_key: str,
    table: ExportTable,
    written_as: ExportFormat,
    *,
    through: date | None = None,
    database: sa.Engine | None = None,
) -> Taken:
    """
    Make a file of a patient's facts. That it was taken away is written down before it is given: no audit, no file.

    Parameters
    ----------
    viewer : Viewer
        Who asks; a refusal is written down too.
    through : date, optional
        Last day to look at, for weeks; default today where the patient lives.
    database : Engine, optional
        Default the process's own.

    Raises
    ------
    NotFound
        If there is no such patient for this viewer.
    """
    database = database or engine()
    audit.may_take_away(database, viewer, patient_key)
    frame = _frame(database, viewer, patient_key, table, through)
    content = _written(frame, table, written_as)
    audit.taken_away(database, viewer, patient_key, table.value, rows=len(frame), sha256=hashlib.sha256(content).hexdigest())
    day = local_today(queries.clinic(database).time_zone)
    return Taken(f"{table.value}-{day.isoformat()}.{written_as.value}", MEDIA_TYPES[written_as], content)


def _frame(database: sa.Engine, viewer: Viewer, patient_key: str, table: ExportTable, through: date | None) -> pd.DataFrame:
    if table is ExportTable.RUNS:
        return queries.runs(database, viewer, patient_key)
    if table is ExportTable.PAIN:
        return queries.scores(database, viewer, patient_key)
    return patient_weeks(viewer, patient_key, as_of=through, database=database)[list(EXPORT_COLUMNS)]


def _written(frame: pd.DataFrame, table: ExportTable, written_as: ExportFormat) -> bytes:
    if written_as is ExportFormat.XLSX:
        return workbook(frame, title=TABLE_WORDS[table])
    text = csv_text(frame) if written_as is ExportFormat.CSV else json_text(frame) + "\n"
    return text.encode()
