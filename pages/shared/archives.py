"""
The field for large archives: a script of ours sends them to our own route, past Streamlit, which would keep them in memory.

It is the one script of our own in the app (docs/decisions/0007-archives-have-their-own-way-in.md). It is served from here like Streamlit's,
so the content security policy stays as it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from access import arrivals, uploads
from clinic import PatientRow
from pages.shared.begin import session_key

_PACKAGE, _FIELD = "still_running", "archive_drop"
_NAME = f"{_PACKAGE}.{_FIELD}"


def archive_drop(patient: PatientRow) -> list[str]:
    """Draw the field; give the ids of archives that have just arrived, once."""
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(_NAME) is None:  # Streamlit looks for such folders in installed packages only
        manager.register_from_manifest(ComponentManifest(_PACKAGE, "1", [ComponentConfig(_FIELD, _FIELD)]), Path(__file__).parent)
    field = st.components.v2.component(_NAME, js="archive_drop.js", css="archive_drop.css")
    told = field(
        key=field_key(patient),
        data={"address": uploads.address(patient.key), "largest": arrivals.ARCHIVE_MAX_BYTES},
        on_arrived_change=lambda: None,
    )
    found = told.get("arrived")
    return [key for key in found if isinstance(key, str)] if isinstance(found, list) else []


def field_key(patient: PatientRow) -> str:
    """Name the field of a patient in hexadecimal: a random key may hold "__", which Streamlit refuses in a component's name."""
    return f"archives_{patient.key.encode().hex()}"


@contextmanager
def arrived_archives(patient: PatientRow, ids: list[str]) -> Iterator[list[tuple[str, BinaryIO]]]:
    """Give archives that have arrived, by name, as open files; they are gone at the end, whatever happens meanwhile."""
    taken = arrivals.HERE.take(ids, session_key=session_key() or "", patient_key=patient.key)
    try:
        yield [(one.name, one.file) for one in taken]  # type: ignore[misc]
    finally:
        for one in taken:
            one.drop()
