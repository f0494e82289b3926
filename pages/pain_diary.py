"""The pain diary: enter what a patient told, correct what was wrong."""

import streamlit as st

from clinic import AlreadyThere, EpisodeRow, diary, register
from models import STRENGTH_A_DAY_MAX, EntryRefused, PainMoment, RestMoment, Viewer
from pages.shared.begin import begin
from pages.shared.chosen import another_runner, chosen_episode
from pages.shared.plain import plain

SCORES = list(range(11))
SESSIONS = list(range(STRENGTH_A_DAY_MAX + 1))
ASKED = (PainMoment.NEXT_MORNING, PainMoment.DURING, PainMoment.AFTER, PainMoment.BEFORE, PainMoment.NIGHT_LYING)


def _entry(viewer: Viewer, row: EpisodeRow) -> None:
    today = diary.patient_today(row)
    day = st.date_input("Day", value=today, max_value=today, key=f"diary_day_{row.key}", width=200, help="The day on which it was felt.")
    runs = diary.runs_on(viewer, row, day)
    # one form for each runner and day: what was chosen for one never stands in another's
    one = f"{row.key}_{day.isoformat()}"
    with st.form(f"diary_{one}", clear_on_submit=True, border=True):
        st.write("Pain from 0 (none) to 10 (worst you can imagine). Leave open what was not answered: no answer is not 0.")
        scores = {moment: st.segmented_control(diary.MOMENT_WORDS[moment], SCORES, key=f"score_{moment}_{one}") for moment in ASKED}
        rest = {moment: st.segmented_control(diary.REST_WORDS[moment], ["no", "yes"], key=f"rest_{moment}_{one}") for moment in RestMoment}
        run_id = None
        if len(runs) > 1:
            run_id = st.selectbox("Which run of that day?", list(runs), format_func=runs.__getitem__, index=None, key=f"diary_run_{one}")
        did_not_run = not runs and st.checkbox("Did not run on this day", key=f"diary_no_run_{one}")
        if not st.form_submit_button("Save", icon=":material/check:", type="primary", key=f"diary_save_{one}"):
            return
    try:
        added = diary.add_entries(
            viewer,
            row,
            day=day,
            scores=scores,
            rest={moment: None if answer is None else answer == "yes" for moment, answer in rest.items()},
            did_not_run=did_not_run,
            run_id=run_id,
        )
    except (EntryRefused, AlreadyThere) as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
        return
    if added:
        st.success(f"Saved: {added} {'answer' if added == 1 else 'answers'} for {day.isoformat()}.", icon=":material/check:")
    else:
        st.info("Nothing new to save. Choose at least one answer.", icon=":material/info:")


def _strength(viewer: Viewer, row: EpisodeRow) -> None:
    """Say how many strength sessions were done on a day: one click for the day, one to save."""
    st.subheader("Strength sessions")
    if said := st.session_state.pop("strength_saved", ""):
        st.success(said, icon=":material/check:")
    today = diary.patient_today(row)
    day = st.date_input("Day of the sessions", value=today, max_value=today, key=f"strength_day_{row.key}", width=200)
    one = f"{row.key}_{day.isoformat()}"
    known = diary.sessions_on(viewer, row, day)
    with st.form(f"strength_{one}", border=True):
        sessions = st.segmented_control(
            "How many were done on that day?", SESSIONS, default=known if known else None, key=f"sessions_{one}_{known}"
        )
        st.caption("0 takes back what was told. A day of which nothing is told is not 0.")
        saved = st.form_submit_button("Save the sessions", icon=":material/check:", key=f"strength_save_{one}")
    if saved and sessions is None:
        st.info("Choose how many sessions were done.", icon=":material/info:")
    elif saved and sessions is not None:
        try:
            diary.set_sessions(viewer, row, day, sessions)
        except EntryRefused as refusal:
            st.error(plain(str(refusal)), icon=":material/error:")
        else:
            st.session_state["strength_saved"] = f"Saved: strength sessions on {day.isoformat()}: {sessions}."
            st.rerun()
    lines = diary.strength_days(viewer, row)
    if lines:
        with st.expander("Strength sessions of the last six weeks", icon=":material/fitness_center:"):
            st.dataframe(lines, hide_index=True, alt="Days with strength sessions in the last six weeks, newest first, with who told them.")


def _look_back(viewer: Viewer, row: EpisodeRow) -> None:
    st.subheader("The last six weeks")
    lines = diary.history(viewer, row)
    if not lines:
        st.info("No score in the last six weeks.", icon=":material/edit_note:")
        return
    st.dataframe(
        [diary.shown(line) for line in lines],
        hide_index=True,
        height=320,
        alt="Pain scores of the last six weeks, newest first, with corrections.",
    )
    with st.popover("Correct a score", icon=":material/edit:"):
        current = {line.score_id: line for line in lines if line.is_current}
        score_id = st.selectbox(
            "Which score is wrong?", list(current), format_func=lambda key: current[key].label, index=None, key=f"correct_which_{row.key}"
        )
        if score_id is not None and (before := diary.earlier_values(lines, score_id)):
            st.dataframe(before, hide_index=True, alt="What this score was before, newest first, with who told and who replaced it.")
        value = st.segmented_control("What it should be", [*SCORES, "take it back"], key=f"correct_value_{row.key}")
        st.caption("The old value stays in the history, with who changed it and when.")
        if (
            st.button("Save the correction", disabled=score_id is None or value is None, key=f"correct_save_{row.key}")
            and score_id is not None
        ):
            try:
                diary.correct(viewer, score_id, value if isinstance(value, int) else None)
            except (EntryRefused, AlreadyThere) as refusal:
                st.error(plain(str(refusal)), icon=":material/error:")
            else:
                st.toast("Corrected. The chart follows.", icon=":material/check:")
                st.rerun()


viewer = begin()
row = chosen_episode(viewer, register.episode, what_for="to write the diary of")
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    st.title(f"Pain diary: {plain(row.patient_name)}", anchor=False)
    another_runner(viewer)
entry, back = st.columns(2, gap="large")
with entry:
    _entry(viewer, row)
with back:
    _look_back(viewer, row)
    _strength(viewer, row)
