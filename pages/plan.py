"""The plan: chart and editor side by side, what is suggested and why, what would follow, what was kept."""

from datetime import date

import streamlit as st

from clinic import AlreadyThere, plan_desk, plans
from clinic.charts import main_chart
from clinic.plan_desk import Desk
from clinic.plan_fields import SURFACE_WORDS, SURFACES, Draft, TypedPlan, TypedWeek
from clinic.plans import Meanwhile
from clinic.suggested import Choice, SuggestionWords
from models import EntryRefused, Viewer
from pages.shared.begin import begin
from pages.shared.chosen import another_runner, chosen_episode
from pages.shared.look import PLOTLY_CONFIG, Span, scheme
from pages.shared.plain import plain

WEEKS = (1, 2, 3, 4)


def _lines(said: tuple[str, ...]) -> str:
    return "\n".join(f"- {plain(line)}" for line in said)


def _suggested(shown: Desk, told: SuggestionWords) -> None:
    st.subheader("Suggested for next week", anchor=False)
    if told.withheld:
        st.warning(plain(told.withheld), icon=":material/stethoscope:")
        st.markdown(_lines(told.why))
        return
    st.markdown(f"**{plain(told.band)}**  \n{plain(told.title)}. {plain(' '.join(told.why))}")
    further = tuple(line for line in (told.cue, told.strength_line) if line)
    if further:
        st.markdown("  \n".join(plain(line) for line in further))
    key = _key(shown, "choice")
    places = list(range(len(told.choices)))
    st.radio(
        "Your choice; none is made for you",
        places,
        format_func=lambda place: plain(told.choices[place].words),
        index=None,
        key=key,
        on_change=_fill_in,
        args=(key, told.choices, _key(shown, "distance_0"), _confirmed_distance(shown)),
        help="A distance is filled in at the lower end of its band, to be changed as you like. “No change” puts the confirmed plan's back.",
    )
    st.caption(f"**Rule {plain(told.rule)}.** {plain(told.strength)}")
    st.caption("**Made from**\n" + _lines(told.inputs))
    if told.sources:
        st.caption("**Sources**\n" + _lines(told.sources))
    if told.missing:
        st.caption(plain("Not known: " + "; ".join(told.missing) + "."))
    with st.expander("What the rule says, its limits, what speaks against it"):
        st.markdown(plain(told.says))
        st.markdown(_lines(told.limits))
        st.markdown(plain(told.criticism))


def _confirmed_distance(shown: Desk) -> str:
    return plans.fields(shown, shown.newest_number).weeks[0].distance


def _fill_in(key: str, choices: tuple[Choice, ...], field: str, confirmed: str) -> None:
    picked = st.session_state[key]
    if picked is None:
        return
    # the last one is always "no change"
    filled = confirmed if choices[picked] is choices[-1] else choices[picked].distance
    if filled:
        st.session_state[field] = filled


def _key(shown: Desk, name: str) -> str:
    return f"plan_{name}_{shown.episode.row.key}"


def _begun_from(shown: Desk) -> int:
    """Fill the fields when the page is opened; say from which version. What was typed since stays, whatever is saved meanwhile."""
    kept, anew = _key(shown, "begun_from"), _key(shown, "anew")
    if st.session_state.pop(anew, False) or _key(shown, "weeks") not in st.session_state:
        st.session_state[kept] = shown.newest_number
        _fill(shown, plans.fields(shown, shown.newest_number))
    number: int = st.session_state[kept]
    return number


def _fill(shown: Desk, typed: TypedPlan) -> None:
    listed = (*typed.weeks, *(TypedWeek() for _ in WEEKS))[: len(WEEKS)]
    values = {
        "weeks": len(typed.weeks),
        "from": shown.first_days[1],
        "ceiling": typed.ceiling,
        "run_part": typed.run_part,
        "walk_part": typed.walk_part,
        "cadence_low": typed.cadence_low_spm,
        "cadence_high": typed.cadence_high_spm,
        "surface": typed.surface,
        "fastest_pace": typed.fastest_pace,
        "strength": typed.strength_sessions,
        "reason": typed.reason,
        "choice": None,
    }
    for number, week in enumerate(listed):
        values |= {f"distance_{number}": week.distance, f"runs_{number}": week.runs, f"longest_{number}": week.longest}
    for name, value in values.items():
        st.session_state[_key(shown, name)] = value


def _typed(shown: Desk) -> tuple[TypedPlan, date]:
    """Draw the fields; give what stands in them, and the first day."""
    unit = shown.unit.value
    first, number = st.columns([3, 2], vertical_alignment="bottom")
    with first:
        valid_from = st.selectbox("From the week of", shown.first_days, format_func=plans.first_day_words, key=_key(shown, "from"))
    with number:
        count = st.segmented_control("Weeks listed", WEEKS, key=_key(shown, "weeks"), required=True) or 1
    weeks = []
    for place, words in enumerate(plans.week_labels(valid_from, count)):
        distance, runs, longest = st.columns(3)
        with distance:
            far = st.text_input(f"{words}: distance, {unit}", key=_key(shown, f"distance_{place}"), placeholder="not set")
        with runs:
            often = st.number_input(f"{words}: runs", 1, 14, None, 1, key=_key(shown, f"runs_{place}"), placeholder="not set")
        with longest:
            once = st.text_input(f"{words}: longest run, {unit}", key=_key(shown, f"longest_{place}"), placeholder="not set")
        weeks.append(TypedWeek(far, often, once))
    # row by row, so that the tab key and a phone go through them in the order in which they are read
    one, two, three = st.columns(3)
    with one:
        ceiling = st.text_input(f"No run over, {unit}", key=_key(shown, "ceiling"), placeholder="not set")
    with two:
        run_part = st.text_input("Run for, min:s", key=_key(shown, "run_part"), placeholder="no walking")
    with three:
        walk_part = st.text_input("then walk for, min:s", key=_key(shown, "walk_part"), placeholder="no walking")
    one, two, three = st.columns(3)
    with one:
        low = _spm("Cadence from, steps/min", _key(shown, "cadence_low"))
    with two:
        high = _spm("Cadence to, steps/min", _key(shown, "cadence_high"))
    with three:
        pace = st.text_input(f"No faster than, min:s per {unit}", key=_key(shown, "fastest_pace"), placeholder="not set")
    one, two = st.columns([1, 2])
    with one:
        surface = st.selectbox("Surface", SURFACES, format_func=SURFACE_WORDS.__getitem__, key=_key(shown, "surface"))
    with two:
        strength = st.number_input("Strength sessions a week", 0, 21, None, 1, key=_key(shown, "strength"), placeholder="not set")
    reason = st.text_input("Why", key=_key(shown, "reason"), placeholder="a few words, for the mark on the chart and for the next reader")
    return TypedPlan(tuple(weeks), ceiling, run_part, walk_part, low, high, surface, pace, strength, reason), valid_from


def _spm(label: str, key: str) -> float | None:
    return st.number_input(label, 20.0, 300.0, None, 1.0, format="%g", key=key, placeholder="not set")


def _editor(viewer: Viewer, shown: Desk, begun_from: int) -> None:
    st.subheader("Next weeks", anchor=False)
    newer = plans.meanwhile(shown, begun_from)
    if newer:
        _told_of_newer(shown, newer)
    typed, valid_from = _typed(shown)
    draft = plans.read(shown, typed, valid_from=valid_from, based_on=begun_from)
    for sentence in plans.refusals(shown, draft, finished=False):
        st.error(plain(sentence), icon=":material/edit:")
    with st.container(border=True):
        st.markdown("**What follows**")
        st.markdown("\n".join(f"- **{plain(each.label)}:** {plain(each.value)}" for each in plans.follows(shown, draft)))
    outside = plans.outside(shown, draft)
    if outside:
        st.info(plain(" ".join(outside) + " You may: say why, and it is kept with what was suggested."), icon=":material/info:")
    if newer:
        if st.button(
            f"Save mine on top of version {newer.number}",
            icon=":material/check:",
            type="primary",
            key=_key(shown, f"save_on_{newer.number}"),
        ):
            _save(viewer, shown, draft, newer.number)
    elif st.button("Save the plan", icon=":material/check:", type="primary", key=_key(shown, "save")):
        _save(viewer, shown, draft, begun_from)


def _told_of_newer(shown: Desk, newer: Meanwhile) -> None:
    st.warning(
        plain(
            f"{newer.sentence} Nothing of yours is lost: it still stands in the fields. Look at theirs before you save yours on top of it."
        ),
        icon=":material/group:",
    )
    st.markdown(_lines(newer.difference or ("The numbers are the same.",)))
    st.button("Drop mine and begin from theirs", key=_key(shown, f"begin_from_{newer.number}"), on_click=_begin_anew, args=(shown,))


def _begin_anew(shown: Desk) -> None:
    st.session_state[_key(shown, "anew")] = True


def _save(viewer: Viewer, shown: Desk, draft: Draft, based_on: int) -> None:
    try:
        number = plans.save(viewer, shown, draft, based_on=based_on)
    except EntryRefused as refusal:
        for sentence in refusal.reasons:
            st.error(plain(sentence), icon=":material/error:")
    except AlreadyThere as newer:
        st.error(plain(str(newer)), icon=":material/group:")
    else:
        _saved(shown, plans.saved_words(shown, number, draft))


def _saved(shown: Desk, words: str) -> None:
    _begin_anew(shown)
    st.session_state[_key(shown, "saved")] = words
    st.rerun()


def _versions(viewer: Viewer, shown: Desk) -> None:
    st.subheader("Versions", anchor=False)
    if not shown.versions:
        st.info("No plan yet.", icon=":material/edit_note:")
        return
    st.dataframe(
        plans.version_list(shown), hide_index=True, alt="The versions of the plan with who, when, why and what each changed, newest first."
    )
    numbers = [version.number for version in shown.versions[1:]]
    if not numbers:
        return
    with st.popover("Go back to a version", icon=":material/undo:"):
        number = st.selectbox("Which one", numbers, index=None, key=_key(shown, "back_to"), placeholder="Choose a version")
        if number:
            st.markdown(_lines(plans.back_words(shown, number)))
        st.caption("It is saved as a new version; none is taken away.")
        if st.button("Go back", disabled=number is None, key=_key(shown, "go_back")) and number is not None:
            try:
                saved = plans.go_back(viewer, shown, number, based_on=shown.newest_number)
            except (EntryRefused, AlreadyThere) as refusal:
                st.error(plain(str(refusal)), icon=":material/error:")
            else:
                _saved(shown, f"Version {saved} is saved: as version {number} was.")


def _kept(shown: Desk) -> None:
    st.subheader("Was the plan kept", anchor=False)
    table, sentence = plans.kept(shown)
    if not len(table):
        st.info("No run and no planned run in the last weeks.", icon=":material/edit_note:")
        return
    st.write(sentence)
    st.dataframe(table, hide_index=True, height=300, alt="Runs and missed runs of the last weeks against the plan, newest first.")


viewer = begin()
shown = chosen_episode(viewer, plan_desk.desk, what_for="to plan for")
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    with st.container(gap=None, width="stretch"):
        st.title(f"Plan: {plain(shown.episode.row.patient_name)}", anchor=False)
        st.caption(plain(shown.episode.header))
    another_runner(viewer)
said = st.session_state.pop(_key(shown, "saved"), "")
if said:
    st.success(plain(said), icon=":material/check:")

begun_from = _begun_from(shown)
told = plans.suggestion(shown)
left, right = st.columns(2, gap="large")
with left:
    chart, figure = main_chart(shown.episode, span=Span.THREE_MONTHS, scheme=scheme(), narrow=True)  # half a window is as wide as a phone
    st.plotly_chart(figure, config=PLOTLY_CONFIG, theme=None, key="plan_chart", alt=chart.sentence)
    st.caption(chart.sentence)
    _suggested(shown, told)
with right:
    if told.withheld and shown.newest:
        st.info(plain("The confirmed plan is being checked: " + "; ".join(plans.confirmed(shown)) + "."), icon=":material/hourglass_empty:")
    _editor(viewer, shown, begun_from)
_versions(viewer, shown)
_kept(shown)
