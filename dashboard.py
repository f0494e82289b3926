"""The entry: builds the app, asks who is there, hands over to a page."""

import streamlit as st
from streamlit import runtime
from streamlit.runtime.pages_manager import PagesManager

# Streamlit would run pages/x.py by its URL without this file (docs/decisions/0002-pages-do-not-run-by-themselves.md).
PagesManager.uses_pages_directory = False

if runtime.exists():
    from pages.shared import shell

    shell.show()
else:
    from starlette.middleware import Middleware

    from access import web
    from pages.shared import (
        broken,
        loaded,  # noqa: F401
        windows,
    )

    app = st.App(
        __file__,
        routes=web.ROUTES,
        middleware=[Middleware(web.Gate, allowed_hosts=lambda: st.get_option("server.allowedHosts"), is_window_of=windows.is_window_of)],
        lifespan=web.lifespan,
        on_script_error=broken.show,
        exception_handlers={Exception: web.broken},
    )
