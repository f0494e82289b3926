"""Whose a window is: what was uploaded into one belongs to who is signed in there."""

from streamlit import runtime


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
