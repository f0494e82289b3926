"""The red-flag screen of a visit: the twelve questions, what is open, and how it is closed."""

from functools import partial

import streamlit as st

from clinic import screening
from clinic.screening import Question
from clinic.visits import VisitPage, VisitRow
from models import ScreenAnswer, ScreenItem, Viewer
from pages.shared.plain import plain
from pages.shared.saved import next_turn, saving, say_saved, turn


def screen_standing(page: VisitPage) -> None:
    """Say where the screen stands; nothing is suggested while it withholds."""
    if page.screen.withholds:
        st.warning(plain(page.screen.sentence), icon=":material/stethoscope:")
    else:
        st.success(f"{page.screen.sentence} {screening.valid_words(page)}".strip(), icon=":material/verified_user:")


def screen_form(viewer: Viewer, page: VisitPage, held: VisitRow) -> None:
    """Ask the twelve questions. Nothing is chosen beforehand: what was not answered stands as not asked."""
    say_saved("screen")
    _open(viewer, page)
    name = f"screen_{held.key}"
    st.subheader("The twelve questions")
    st.caption("Nothing is chosen beforehand. A question without an answer stands as not asked, and an unanswered screen counts as open.")
    answers: dict[ScreenItem, ScreenAnswer | None] = {}
    for pair in screening.in_pairs(screening.questions(viewer, page)):  # row by row, so that a phone and a screen reader keep the order
        for column, question in zip(st.columns(2, gap="medium"), pair, strict=True):
            with column, st.container(border=True, height="stretch"):
                answers[question.item] = _ask(question, f"{name}_{question.item}_{turn(name)}")
    left = screening.unanswered_words(answers)
    if left:
        st.caption(left)
    if st.button("Save the answers", icon=":material/check:", type="primary", key=f"save_{name}"):

        def save() -> None:
            screening.save_screen(viewer, page, held.key, held.visit_date, answers)
            next_turn(name)

        saving(save, "The answers are saved.", where="screen")


def _ask(question: Question, key: str) -> ScreenAnswer | None:
    """Ask one question; a yes says at once what it makes one think of."""
    answer = st.segmented_control(
        plain(question.asked.question), list(screening.ANSWERS), format_func=screening.ANSWER_WORDS.__getitem__, key=key
    )
    if answer is ScreenAnswer.YES:
        st.markdown(f"**{plain(question.asked.title)}.** {plain(screening.yes_words(question.asked))}")
    st.caption(f"Last answer: {plain(question.last)}." if question.last else "Not answered yet.")
    return answer


def _open(viewer: Viewer, page: VisitPage) -> None:
    """Show what is open, with the form that closes it."""
    for each in screening.open_yes(viewer, page):
        with st.container(border=True):
            st.markdown(f"**Open: {plain(screening.open_words(each))}**")
            st.write(plain(screening.yes_words(each.asked)))
            if each.answer_id is None:
                st.caption("It was told in the diary: ask the question below. A no answers it; a yes is then closed here.")
                continue
            with st.form(f"close_{each.answer_id}", border=False):
                note = st.text_area(
                    "What was found and done",
                    max_chars=2_000,
                    key=f"closing_note_{each.answer_id}",
                    help="Without a note nothing is closed.",
                )
                closed = st.form_submit_button("Close this item", icon=":material/task_alt:", key=f"close_save_{each.answer_id}")
            if closed:
                saving(partial(screening.close, viewer, page, each, note), "Closed, with your note.", where="screen")
    lines = screening.closed_lines(viewer, page)
    if lines:
        with st.expander("What was closed, and why", icon=":material/history:"):
            st.dataframe(lines, hide_index=True, alt="Closed red-flag items with the day, who closed them and the note, newest first.")
