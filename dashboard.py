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

    from access import downloads, web
    from clinic import exports
    from pages.shared import loaded  # noqa: F401
    from pages.shared.window_language import StreamlitLanguage

    gate = Middleware(web.Gate, language=StreamlitLanguage())
    routes = (*web.ROUTES, downloads.route(exports.patient_table))
    app = st.App(__file__, routes=routes, middleware=[gate], lifespan=web.lifespan)
