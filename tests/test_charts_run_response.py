"""Each run against the next morning: what is not known is in a lane of its own, and the words say what the dots say."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from models import ChangeKind
from rehab.charts import CADENCE_PAIN, RUN_RESPONSE, TOLERANCE, Chart, Span
from rehab.charts.run_response import By
from rehab.episode import Coverage, EpisodeFacts, Mark, summarise_episode
from tests.rehab_scenes import METRES_PER_MILE, MONDAY, coverage_of, facts_of, random_runs, random_scores

TODAY = MONDAY + timedelta(days=27)


def on(day: int, miles: float = 3.0, **more: Any) -> dict[str, Any]:
    """A run so many days after the first Monday."""
    return {"run_date": MONDAY + timedelta(days=day), "distance_m": round(miles * METRES_PER_MILE), **more}


def morning(day: int, nprs: int) -> dict[str, Any]:
    return {"for_date": MONDAY + timedelta(days=day), "nprs": nprs}


def facts(runs: list[dict[str, Any]], scores: list[dict[str, Any]], marks: tuple[Mark, ...] = ()) -> EpisodeFacts:
    return facts_of(runs, scores, coverage=Coverage(MONDAY, TODAY), marks=marks)


def drawn(kind: Any, of: EpisodeFacts, **options: Any) -> Chart:
    chart: Chart = kind.draw(summarise_episode(of, as_of=TODAY), span=Span.SIX_WEEKS, **{"scheme": "light", **options})
    return chart


def dots(chart: Chart, name: str) -> list[tuple[float, float]]:
    (found,) = [trace for trace in chart.figure["data"] if trace["name"] == name]
    return [(x, y) for x, y in zip(found["x"], found["y"], strict=True) if x is not None]


# Settled by +1, not settled by +2, slow (+3 and +2 on the second morning), not known.
RUNS = [on(0, 3.0), on(5, 4.0), on(10, 6.0), on(20, 5.0)]
SCORES = [morning(0, 2), morning(1, 3), morning(5, 2), morning(6, 4), morning(7, 2), morning(10, 1), morning(11, 4), morning(12, 3)]


def test_each_run_stands_at_its_distance_and_its_change() -> None:
    chart = drawn(RUN_RESPONSE, facts(RUNS, SCORES))
    assert dots(chart, "settled") == [(3.0, 1.0)]
    assert dots(chart, "not settled") == [(4.0, 2.0)]
    assert dots(chart, "slow to settle") == [(6.0, 3.0)]
    assert dots(chart, "not known") == [(5.0, -3.6)]  # in the lane under −3
    told = "4 runs shown; the change to the next morning is known of 3: 1 settled, 1 not settled, 1 slow to settle. "
    assert chart.sentence.startswith(told)


def test_how_the_hip_answered_is_told_by_shape_as_well_as_by_colour() -> None:
    traces = drawn(RUN_RESPONSE, facts(RUNS, SCORES)).figure["data"]
    assert len({trace["marker"]["symbol"] for trace in traces}) == len({trace["marker"]["color"] for trace in traces}) == len(traces)


def test_by_the_session_ratio_a_run_without_one_before_is_not_drawn_and_counted() -> None:
    chart = drawn(RUN_RESPONSE, facts(RUNS, SCORES), by=By.SESSION_RATIO)
    assert dots(chart, "settled") == []  # the first run has none before it
    assert dots(chart, "not settled") == [(1.333, 2.0)]
    assert dots(chart, "slow to settle") == [(1.5, 3.0)]
    assert dots(chart, "not known") == [(0.833, -3.6)]
    assert "1 run without another one in the 30 days before: not drawn." in chart.sentence


def test_what_may_be_said_of_few_runs_is_said_in_the_sentence() -> None:
    summary = summarise_episode(facts(RUNS, SCORES), as_of=TODAY)
    assert drawn(RUN_RESPONSE, facts(RUNS, SCORES)).sentence.endswith(summary.association.therapist)
    assert "3 scored runs" in summary.association.therapist


def test_the_table_tells_each_run_newest_first() -> None:
    table = drawn(RUN_RESPONSE, facts(RUNS, SCORES)).table
    assert table["Day"].tolist() == ["Mar 23, 2025", "Mar 13, 2025", "Mar 8, 2025", "Mar 3, 2025"]
    assert table["Change to the next morning"].tolist() == ["not known", "+3 of 10", "+2 of 10", "+1 of 10"]
    assert table["Against the longest of 30 days"].tolist() == ["0.83 times", "1.50 times", "1.33 times", "no run in 30 days"]
    assert table["The hip"].tolist() == ["not known", "slow to settle", "not settled", "settled"]


def with_cadence(day: int, spm: float) -> dict[str, Any]:
    return on(day, running_cadence_spm=spm, running_time_s=1800, running_speed_m_s=2.7)


def test_runs_before_and_from_the_cue_on_are_apart_and_few_runs_are_not_compared() -> None:
    cue = Mark(MONDAY + timedelta(days=7), ChangeKind.CADENCE_CUE.value, "+5 %")
    runs = [with_cadence(0, 160), with_cadence(7, 168), on(9)]
    chart = drawn(CADENCE_PAIN, facts(runs, [morning(1, 4), morning(8, 2)], (cue,)))
    assert dots(chart, "before the cue") == [(160.0, 4.0)]
    assert dots(chart, "from the cue on") == [(168.0, 2.0)]
    assert "Not enough runs to compare cadence at equal speed" in chart.sentence
    assert "Middle next-morning pain of the runs shown: 4 of 10 before, 2 of 10 from that day on." in chart.sentence
    assert chart.table["Cadence cue"].tolist() == ["from the cue on", "from the cue on", "before"]
    assert chart.table["Pain next morning"].tolist() == ["not known", "2 of 10", "4 of 10"]


def test_what_is_known_of_one_of_cadence_and_pain_stands_in_a_lane() -> None:
    chart = drawn(CADENCE_PAIN, facts([with_cadence(0, 160), on(9)], [morning(10, 3)]))
    (alone, in_lane) = dots(chart, "each run")
    assert alone == (160.0, -1.1)  # its pain is not known: under 0
    assert in_lane[1] == 3.0
    assert in_lane[0] < chart.figure["layout"]["xaxis"]["tickvals"][1]
    assert "No cadence cue is recorded" in chart.sentence


def test_tolerance_counts_weeks_and_runs_by_distance_and_those_without_answers_apart() -> None:
    chart = drawn(TOLERANCE, facts(RUNS, SCORES))
    told = {(trace["yaxis"], trace["name"]): list(zip(trace["x"], trace["y"], strict=True)) for trace in chart.figure["data"]}
    # Runs: 3 mi settled; 4 and 6 mi did not; the one of 5 mi has no answer.
    assert sum(count or 0 for _, count in told["y2", "settled"]) == 1
    assert sum(count or 0 for _, count in told["y2", "not settled"]) == 2
    assert told["y2", "not counted"] == [("not counted", 1)]
    summary = summarise_episode(facts(RUNS, SCORES), as_of=TODAY)
    assert chart.sentence == f"{summary.week_tolerance.therapist} {summary.run_tolerance.therapist}"


@pytest.mark.parametrize("kind", [RUN_RESPONSE, CADENCE_PAIN, TOLERANCE], ids=lambda kind: kind.name)
@given(runs=random_runs, scores=random_scores)
def test_each_run_of_the_time_shown_has_a_line_in_the_table(kind: Any, runs: list[dict[str, Any]], scores: list[dict[str, Any]]) -> None:
    chart = drawn(kind, facts_of(runs, scores, coverage=coverage_of(runs, scores)), narrow=True)
    assert chart.sentence.endswith(".")
    assert "nan" not in chart.sentence
    if kind is not TOLERANCE:
        first, last = TODAY - timedelta(days=41), TODAY
        assert len(chart.table) == sum(first <= run["run_date"] <= last for run in runs)
