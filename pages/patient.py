"""One episode: what changed since the last visit, next week, and pain against weekly mileage and cadence on one time axis."""

import streamlit as st

from clinic.audit_words import chart_openings
from clinic.charts import DrawnFigure, ShownChart, cadence_pain_chart, main_chart, run_response_chart, tolerance_chart
from clinic.episodes import Episode, NextWeek, episode
from pages.shared.begin import begin
from pages.shared.chosen import another_runner, chosen_episode
from pages.shared.look import PLOTLY_CONFIG, SPANS, Span, is_narrow, kept_in_address, scheme, span_in_address, span_label
from pages.shared.plain import plain
from pages.shared.take_away import take_away
from rehab.charts.run_response import BY_LABELS, By

VIEWS = (
    "Weeks as a table",
    "Runs and how each number was obtained",
    "Run and response",
    "Cadence and pain",
    "Tolerance so far",
    "Who opened this chart",
)
# Seven numbers in one row of a desk's window; their type is smaller than Streamlit's, and what changed is read in full.
STYLE = """<style>
.st-key-since [data-testid="stMetric"] { max-width: 10.1rem; }
.st-key-since [data-testid="stMetricValue"] { font-size: 1.15rem; line-height: 1.3; }
.st-key-since [data-testid="stMetricDelta"] { font-size: 0.78rem; line-height: 1.25; padding: 0; background: none; }
.st-key-since [data-testid="stMetricDelta"] > div, .st-key-since [data-testid="stMetricDelta"] p { white-space: normal; overflow: visible; }
.st-key-since { margin-top: -0.6rem; }
.st-key-who h1 { padding: 0 0 0.8rem; }
.st-key-next_week p { margin-bottom: 0.15rem; }
</style>"""


def _span() -> Span:
    chosen = st.segmented_control(
        "Time shown",
        list(SPANS),
        format_func=span_label,
        default=span_in_address(),
        key="range",
        required=True,
        label_visibility="collapsed",
    )
    return kept_in_address(chosen)


def _since_the_last_visit(shown: Episode) -> None:
    with st.container(horizontal=True, gap="small", key="since"):
        for fact in shown.since_visit:
            st.metric(fact.label, fact.value, fact.change, delta_color="off", delta_arrow="off", help=fact.help, width="content")


def _next_week(told: NextWeek) -> None:
    with st.container(border=True, gap="small", key="next_week"):
        st.markdown(f"**Next week: {plain(told.title)}**  \n{plain(told.why)}")
        if told.withheld:
            st.markdown(plain(told.withheld))
        if told.suggested:
            words = "  \n".join(f"{plain(name)}: **{plain(value)}**" for name, value in told.suggested)
            st.markdown(f"Suggested, for you to decide:  \n{words}")
        for sentence in told.beside:
            st.markdown(f":material/visibility: {plain(sentence)}")
        missing = f"  \nMissing: {plain('; '.join(told.missing))}." if told.missing else ""
        st.caption(f"Evidence: {plain(told.evidence)}.{missing}")
        with st.popover("Why, and from what", icon=":material/rule:", on_change="rerun", key="why_next_week", width="stretch") as opened:
            if opened.open:
                _why(told)


def _why(told: NextWeek) -> None:
    st.markdown(f"**The rule.** {plain(told.rule)}")
    st.markdown("\n".join(["**From what**", "", *(f"- {plain(name)}: {plain(value)}" for name, value in told.inputs)]))
    if told.options:
        st.markdown("\n".join(["**To choose from, none is picked**", "", *(f"- {plain(option)}" for option in told.options)]))
    st.markdown(f"**How well known.** {plain(told.evidence)}. {plain(told.criticism)}")
    if told.sources:
        st.markdown("\n".join(f"- {plain(source)}" for source in told.sources))
    if told.may_not_say:
        st.markdown(f"**Not to be read from it:** {plain(told.may_not_say)}")


def _small_chart(drawn: tuple[ShownChart, DrawnFigure], key: str) -> None:
    """Show a chart with its sentence above it and its table below."""
    chart, figure = drawn
    if chart.is_empty:
        st.info(chart.sentence, icon=":material/edit_note:")
    else:
        st.write(plain(chart.sentence))
    st.plotly_chart(figure, config=PLOTLY_CONFIG, theme=None, key=key, alt=chart.sentence)
    if not chart.is_empty:
        st.dataframe(chart.table, hide_index=True, height=260, alt="The same facts in words.")


def _response(shown: Episode, span: Span, *, narrow: bool) -> None:
    by = st.segmented_control(
        "Runs by", list(By), format_func=BY_LABELS.__getitem__, default=By.DISTANCE, key="runs_by", required=True, bind="query-params"
    )
    _small_chart(run_response_chart(shown, span=span, scheme=scheme(), narrow=narrow, by=by), "run_response")


viewer = begin()
shown = chosen_episode(viewer, episode, what_for="to look at")

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    with st.container(gap=None, width="stretch", key="who"):
        st.html(STYLE)
        st.title(plain(shown.row.patient_name), anchor=False)
        st.caption(plain(shown.header))
    with st.container(horizontal=True, width="content"):
        here = {"episode": shown.row.key}
        st.page_link("pages/plan.py", label="Plan", icon=":material/edit_calendar:", query_params=here)
        st.page_link("pages/visit.py", label="Visit", icon=":material/clinical_notes:", query_params=here)
        st.page_link("pages/show.py", label="Show the patient", icon=":material/co_present:", query_params=here)
        take_away(shown.row.patient_key)
        another_runner(viewer)

if shown.rest_pain_words:
    st.warning(shown.rest_pain_words, icon=":material/stethoscope:")

narrow = is_narrow()
with st.container(horizontal=True, vertical_alignment="center"):
    st.caption(shown.since_sentence, width="stretch")
    span = _span()
_since_the_last_visit(shown)

chart, figure = main_chart(shown, span=span, scheme=scheme(), narrow=narrow)
beside = shown.next_week
drawn, decided = st.columns([3, 1], gap="medium") if beside is not None else (st.container(), None)
with drawn:
    if chart.is_empty:
        st.info(chart.sentence, icon=":material/edit_note:")
    st.plotly_chart(figure, config=PLOTLY_CONFIG, theme=None, key="main_chart", alt=chart.sentence)
if decided is not None and beside is not None:
    with decided:
        _next_week(beside)
if not chart.is_empty:
    st.write(chart.sentence)
st.caption("  \n".join((shown.now_sentence, *shown.sentences)))

# Only the view that is open is worked out; which one it is stands in the address, so that a link or a reload shows the same.
weeks, runs, response, cadence, tolerance, openings = st.tabs(list(VIEWS), on_change="rerun", key="tables", bind="query-params")
with weeks:
    if weeks.open:
        st.dataframe(chart.table, hide_index=True, alt="The weeks of the chart in words, newest first.")
with runs:
    if runs.open:
        st.dataframe(
            shown.run_list,
            hide_index=True,
            column_config={"Day": st.column_config.DateColumn(format="YYYY-MM-DD")},
            alt="The runs of this patient with distance, time, pace, cadence and where each comes from, newest first.",
        )
with response:
    if response.open:
        _response(shown, span, narrow=narrow)
with cadence:
    if cadence.open:
        _small_chart(cadence_pain_chart(shown, span=span, scheme=scheme(), narrow=narrow), "cadence_pain")
with tolerance:
    if tolerance.open:
        _small_chart(tolerance_chart(shown, scheme=scheme(), narrow=narrow), "tolerance")
with openings:
    if openings.open:
        opened, said = chart_openings(viewer, shown.row.patient_key)
        st.dataframe(opened, hide_index=True, alt="Who opened this chart or took something of it away, newest first.")
        st.caption(said)
