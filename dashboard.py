"""The entry: builds the app, asks who is there, hands over to a page."""

import streamlit as st
from streamlit import net_util, runtime
from streamlit.runtime.pages_manager import PagesManager

# Streamlit would run pages/x.py by its URL without this file (docs/decisions/0002-pages-do-not-run-by-themselves.md).
PagesManager.uses_pages_directory = False
# Streamlit asks a service outside for this computer's address, to know which pages are this computer's. Nothing is asked outside.
net_util.get_external_ip = lambda: None

if runtime.exists():
    from pages.shared import shell

    shell.show()
else:
    from starlette.middleware import Middleware

    from access import downloads, web
    from clinic import exports, shown
    from pages.shared import (
        broken,
        loaded,  # noqa: F401
        windows,
    )
    from pages.shared.window_language import StreamlitLanguage

    gate = Middleware(
        web.Gate,
        language=StreamlitLanguage(),
        allowed_hosts=lambda: st.get_option("server.allowedHosts"),
        is_window_of=windows.is_window_of,
        held_bytes=windows.held_bytes,
    )

    app = st.App(
        __file__,
        routes=(*web.ROUTES, downloads.route(exports.patient_table), downloads.handout_route(shown.printed_as)),
        middleware=[gate],
        lifespan=web.lifespan,
        on_script_error=broken.show,
        exception_handlers={Exception: web.broken},
    )
