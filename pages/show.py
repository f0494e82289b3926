"""Visit mode: three screens to turn to the patient, in large type, and the hand-out. Nothing of the clinic stands around them."""

import base64
import html

import streamlit as st

from access import downloads
from clinic.shown import PAPER_WORDS, Paper, Part, Shown, shown
from pages.shared.begin import ask_again, begin, is_proved
from pages.shared.chosen import chosen_episode
from pages.shared.look import is_narrow, scheme
from pages.shared.plain import plain

SCREENS = 3
# The frame of the app goes: its menu, who is there, who else is in care. Large type, one thought at a time.
STYLE = """<style>
[data-testid="stHeader"], [data-testid="stSidebar"], [data-testid="stExpandSidebarButton"], .st-key-who_is_there { display: none !important; }
.stMainBlockContainer { max-width: 62rem; padding-top: 2.5rem; }
.told h1 { font-size: clamp(1.9rem, 4.5vw, 3rem); line-height: 1.15; margin: 0 0 0.5rem; padding: 0; }
.told .beside { font-size: 1.15rem; opacity: 0.8; margin: 0 0 1.25rem; }
.told .sentence { font-size: clamp(1.5rem, 3.4vw, 2.25rem); line-height: 1.35; margin: 0 0 1.5rem; text-wrap: balance; }
.told ul { font-size: clamp(1.15rem, 2.2vw, 1.45rem); line-height: 1.6; margin: 0 0 1rem; padding-left: 1.3em; }
.told li { margin: 0.15rem 0; }
.told img { width: 100%; height: auto; margin: 0.5rem 0 1rem; }
.told .weeks { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: 1.25rem; }
.told .week { border: 1px solid color-mix(in srgb, currentColor 18%, transparent); border-radius: 0.6rem; padding: 1.1rem 1.4rem; }
.told .week h2 { font-size: 1.35rem; margin: 0 0 0.5rem; padding: 0; }
.told .week ul { font-size: 1.2rem; margin: 0; }
.st-key-steps button { padding: 0.55rem 1.1rem; }
.st-key-steps button p { font-size: 1.1rem; }
.take-away a { color: inherit; text-decoration: none; border: 1px solid color-mix(in srgb, currentColor 30%, transparent);
  border-radius: 0.375rem; padding: 0.35rem 0.9rem; margin-right: 0.6rem; }
.take-away a:hover, .take-away a:focus-visible { border-color: currentColor; }
</style>"""


def _told(part: Part, below: str = "") -> None:
    beside = f'<p class="beside">{html.escape(part.beside)}</p>' if part.beside else ""
    sentence = f'<p class="sentence">{html.escape(part.sentence)}</p>'
    st.html(f'<div class="told"><h1>{html.escape(part.title)}</h1>{beside}{sentence}{_list(part.lines)}{below}</div>')


def _list(lines: tuple[str, ...]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>" if lines else ""


def _picture(found: Shown) -> str:
    chart = found.chart(scheme(), narrow=is_narrow())
    if not chart.svg:
        return ""
    data = base64.b64encode(chart.svg.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{html.escape(chart.words)}">'


def _weeks(found: Shown) -> str:
    weeks = found.story.weeks
    boxes = "".join(f'<section class="week"><h2>{html.escape(week.title)}</h2>{_list(week.lines)}</section>' for week in weeks)
    return f'<div class="weeks">{boxes}</div>' if boxes else ""


def _place(episode_key: str) -> str:
    """Name what keeps which screen is shown: another patient begins with the first."""
    return f"screen_{episode_key}"


def _step(episode_key: str, by: int) -> None:
    st.session_state[_place(episode_key)] = min(max(st.session_state.get(_place(episode_key), 1) + by, 1), SCREENS)


@st.dialog("Close the visit screens?")
def _leave(episode_key: str) -> None:
    begin()
    st.write("For your therapist: this opens the patient page again.")
    if st.button("Close and open the patient page", key="leave_surely", type="primary"):
        st.session_state.pop(_place(episode_key), None)
        st.switch_page("pages/patient.py", query_params={"episode": episode_key})


@st.dialog("The hand-out", width="large")
def _handout(episode_key: str) -> None:
    found = shown(begin(), episode_key)
    papers = list(PAPER_WORDS)
    chosen = st.segmented_control("Paper", papers, format_func=PAPER_WORDS.__getitem__, default=found.paper, key="paper", required=True)
    paper = Paper(chosen or found.paper)
    if is_proved():
        address = html.escape(downloads.handout_address(episode_key, paper.value))
        st.html(f'<div class="take-away"><a href="{address}">Download the PDF for {PAPER_WORDS[paper]}</a></div>')
        st.caption("Each hand-out that is downloaded is written down, with who and when.")
    else:
        ask_again("Taking facts away asks for your passphrase again.")
    for number, picture in enumerate(found.pictures(paper), start=1):
        st.image(picture, caption=f"Page {number}", width="stretch")


viewer = begin()
here = chosen_episode(viewer, shown, what_for="to show")
st.html(STYLE)
screen = st.session_state.setdefault(_place(here.key), 1)
told = here.story

if screen == 1:
    _told(told.where, _picture(here))
elif screen == 2:
    _told(told.changed)
else:
    _told(told.ahead, _weeks(here))

with st.container(horizontal=True, vertical_alignment="center", key="steps"):
    st.button(
        "Back", icon=":material/arrow_back:", on_click=_step, args=(here.key, -1), disabled=screen == 1, shortcut="Left", key="screen_back"
    )
    st.button(
        "Next",
        icon=":material/arrow_forward:",
        on_click=_step,
        args=(here.key, 1),
        disabled=screen == SCREENS,
        shortcut="Right",
        type="secondary" if screen == SCREENS else "primary",
        key="screen_next",
    )
    st.markdown(plain(f"{screen} of {SCREENS}"), width="content")
    st.space("stretch")
    if st.button("Hand-out", icon=":material/print:", key="handout"):
        _handout(here.key)
    if st.button("Close", icon=":material/lock:", key="leave"):
        _leave(here.key)
