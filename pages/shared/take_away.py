"""Taking a patient's tables away: links to our own route, which writes each one down."""

import html

import streamlit as st

from access import downloads
from clinic.exports import FORMAT_WORDS, TABLE_WORDS
from pages.shared.begin import ask_again, is_proved

_STYLE = """<style>
.take-away { display: grid; grid-template-columns: 1fr auto auto; gap: 0.5rem; align-items: center; }
.take-away a { color: inherit; text-decoration: none; text-align: center; border: 1px solid color-mix(in srgb, currentColor 30%, transparent);
  border-radius: 0.375rem; padding: 0.25rem 0.75rem; }
.take-away a:hover, .take-away a:focus-visible { border-color: currentColor; }
</style>"""


def take_away(patient_key: str) -> None:
    """Offer a patient's tables as files, the links drawn only when it is opened."""
    with st.popover("Take away", icon=":material/download:", on_change="rerun", key="take_away") as opened:
        if not opened.open:
            return
        if not is_proved():
            ask_again("Taking facts away asks for your passphrase again.")
            return
        st.html(f'{_STYLE}<div class="take-away">{_links(patient_key)}</div>')
        st.caption("Each file that is taken away is written down, with who and when.")


def _links(patient_key: str) -> str:
    cells = []
    for table, named in TABLE_WORDS.items():
        cells.append(f"<span>{html.escape(named)}</span>")
        for written_as, called in FORMAT_WORDS.items():
            address = html.escape(downloads.address(patient_key, table, written_as))
            cells.append(f'<a href="{address}" aria-label="{html.escape(f"{named} as {called}")}">{html.escape(called)}</a>')
    return "".join(cells)
