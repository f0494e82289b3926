"""
What the page benchmark serves: the product's own app, with two things more to ask for in the address.

`?show=nothing` draws nothing: the empty page, from the same server, with the product's lifespan and options. `?show=kept` draws the page
from what was read and worked out the first time: what is left is Streamlit's own work for the page's elements.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from access import accounts
from clinic import charts, episodes, register
from dashboard import app
from pages.shared import shell

__all__ = ["app"]

_shown_by_the_product = shell.show
_kept: dict[tuple[Any, ...], Any] = {}


def _show() -> None:
    if st.query_params.get("show") == "nothing":
        return
    _shown_by_the_product()


def _kept_if_asked(function: Callable[..., Any]) -> Callable[..., Any]:
    def kept(*given: Any, **named: Any) -> Any:
        if st.query_params.get("show") != "kept":
            return function(*given, **named)
        key = (function, *(getattr(one, "version", one) for one in given), *sorted(named.items()))
        if key not in _kept:
            _kept[key] = function(*given, **named)
        return _kept[key]

    return kept


shell.show = _show
for _room, _name in ((accounts, "viewer"), (register, "episode"), (episodes, "episode"), (charts, "main_chart")):
    setattr(_room, _name, _kept_if_asked(getattr(_room, _name)))
