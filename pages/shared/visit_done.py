"""What was done at a visit: hands-on care, strength, a gait cue, education."""

import streamlit as st

from clinic import visits
from clinic.visits import VisitPage, VisitRow
from models import EXERCISE_HOLD_RANGE_S, EXERCISE_REPS_RANGE, EXERCISE_SETS_RANGE, NAME_MAX_CHARACTERS, TEXT_MAX_CHARACTERS, Viewer
from pages.shared.saved import next_turn, saving, say_saved, turn

ROWS_AT_FIRST = 3
Row = tuple[str, int | None, int | None, int | None]


def done_form(viewer: Viewer, page: VisitPage, held: VisitRow) -> None:
    """Ask what was done; all of it is saved together or not at all."""
    say_saved("done")
    name = f"done_{held.key}"
    one = f"{name}_{turn(name)}"
    seen = st.session_state.setdefault(f"seen_{one}", visits.done_at(held))
    rows = st.session_state.setdefault(f"rows_{one}", max(ROWS_AT_FIRST, len(held.strength)))
    with st.form(one, border=True):
        left, right = st.columns(2, gap="large")
        with left:
            told = {
                "summary": st.text_input(
                    "In a few words",
                    held.summary,
                    max_chars=NAME_MAX_CHARACTERS,
                    key=f"summary_{one}",
                    help="Stands at the mark on the chart.",
                ),
                "hands_on": st.text_area("Hands-on care", held.hands_on, max_chars=TEXT_MAX_CHARACTERS, key=f"hands_on_{one}"),
                "gait_cue": st.text_input(
                    "Gait cue",
                    held.gait_cue,
                    max_chars=NAME_MAX_CHARACTERS,
                    key=f"gait_cue_{one}",
                    help="In the words that the runner took home. It becomes a dated mark on the chart; cadence before and after is compared there.",
                ),
                "education": st.text_area("Education", held.education, max_chars=TEXT_MAX_CHARACTERS, key=f"education_{one}"),
            }
        with right:
            st.write("Strength")
            strength = [_exercise(held, number, one) for number in range(rows)]
            more = st.form_submit_button("One more exercise", icon=":material/add:", key=f"more_{one}")
        save = st.form_submit_button("Save what was done", icon=":material/check:", type="primary", key=f"save_{one}")
    if more:
        st.session_state[f"rows_{one}"] = visits.one_more(rows)
        st.rerun()
    if save:

        def write() -> None:
            visits.record_done(viewer, page, held.key, seen=seen, strength=strength, **told)
            next_turn(name)

        saving(write, "What was done is saved.", where="done")
    if visits.done_at(held) != seen:
        st.warning("Somebody has changed what was done at this visit since you began. Theirs is stored.", icon=":material/sync_problem:")
        if st.button("Show theirs, and drop mine", key=f"theirs_{one}"):
            next_turn(name)
            st.rerun()


def _exercise(held: VisitRow, number: int, one: str) -> Row:
    """Ask for one exercise: its name, sets, repetitions, seconds to hold."""
    known = held.strength[number] if number < len(held.strength) else None
    nth = f"{number}_{one}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):  # breaks into two lines on a phone
        return (
            st.text_input(f"Exercise {number + 1}", known.exercise if known else "", max_chars=NAME_MAX_CHARACTERS, key=f"exercise_{nth}"),
            _number("Sets", known.sets if known else None, EXERCISE_SETS_RANGE, f"sets_{nth}"),
            _number("Reps", known.reps if known else None, EXERCISE_REPS_RANGE, f"reps_{nth}"),
            _number("Hold, s", known.hold_s if known else None, EXERCISE_HOLD_RANGE_S, f"hold_{nth}"),
        )


def _number(label: str, value: int | None, between: tuple[int, int], key: str) -> int | None:
    return st.number_input(label, min_value=between[0], max_value=between[1], value=value, step=1, key=key, width=88)
