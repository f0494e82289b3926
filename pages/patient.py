"""One episode: pain against weekly mileage and cadence, on one time axis."""

import streamlit as st

from clinic.audit_words import chart_openings
from clinic.charts import main_chart
from clinic.episodes import episode
from pages.shared.begin import begin
from pages.shared.chosen import another_runner, chosen_episode
from pages.shared.look import PLOTLY_CONFIG, SPANS, Span, is_narrow, kept_in_address, scheme, span_in_address, span_label
from pages.shared.plain import plain
from pages.shared.take_away import take_away


def _span() -> Span:
    chosen = st.segmented_control("Time shown", list(SPANS), format_func=span_label, default=span_in_address(), key="range", required=True)
    return kept_in_address(chosen)


viewer = begin()
shown = chosen_episode(viewer, episode, what_for="to look at")

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    with st.container(gap=None, width="stretch"):
        st.title(plain(shown.row.patient_name), anchor=False)
        st.caption(plain(shown.header))
    with st.container(horizontal=True, width="content"):
        take_away(shown.row.patient_key)
        another_runner(viewer)

if shown.rest_pain_words:
    st.warning(shown.rest_pain_words, icon=":material/stethoscope:")

narrow = is_narrow()
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    for fact in shown.facts_now:
        st.metric(fact.label, fact.value, fact.beside, delta_color="off", delta_arrow="off", help=fact.help, width="content")
    if not narrow:
        st.space("stretch")
        span = _span()
if narrow:
    span = _span()

chart, figure = main_chart(shown, span=span, scheme=scheme(), narrow=narrow)
if chart.is_empty:
    st.info(chart.sentence, icon=":material/edit_note:")
st.plotly_chart(figure, config=PLOTLY_CONFIG, theme=None, key="main_chart", alt=chart.sentence)
if not chart.is_empty:
    st.write(chart.sentence)
st.caption("  \n".join(shown.sentences))

weeks, runs, openings = st.tabs(
    ["Weeks as a table", "Runs and how each number was obtained", "Who opened this chart"], on_change="rerun", key="tables"
)
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
with openings:
    if openings.open:
        opened, said = chart_openings(viewer, shown.row.patient_key)
        st.dataframe(opened, hide_index=True, alt="Who opened this chart or took something of it away, newest first.")
        st.caption(said)
