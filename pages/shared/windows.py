"""Whose a window is, and what was uploaded into it: Streamlit keeps that in memory until the window closes, unless it is told to let go."""

from collections.abc import Iterable
from typing import Protocol

from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx


class Upload(Protocol):
    """A file as Streamlit's field for files gives it."""

    name: str
    file_id: str

    def getvalue(self) -> bytes:
        """Give its bytes."""


def is_window_of(window: str, session_key: str) -> bool:
    """
    Say whether a window that is open was opened by a session.

    Streamlit takes an upload for any window whose id is named, and that id stands in the addresses of uploads.

    Parameters
    ----------
    window : str
        Streamlit's id of it.
    session_key : str
        The key of the session, see access/sessions.py.
    """
    found = runtime.get_instance()._session_mgr.get_active_session_info(window)
    return found is not None and found.session.matches_user_info({"session": session_key})


def held_bytes(window: str) -> int:
    """Say how much a window holds of what was uploaded into it."""
    held = runtime.get_instance().uploaded_file_mgr
    files = held.file_storage.get(window, {}) if isinstance(held, MemoryUploadedFileManager) else {}
    return sum(len(file.data) for file in list(files.values()))


def taken_out(uploads: Iterable[Upload]) -> list[tuple[str, bytes]]:
    """Give the files of this window by name, and have Streamlit let go of them: emptying its field alone does not."""
    context = get_script_run_ctx()
    files = []
    for upload in uploads:
        files.append((upload.name, upload.getvalue()))
        if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
            context.uploaded_file_mgr.remove_file(context.session_id, upload.file_id)
    return files
