"""Pain, weekly distance and cadence on one time axis: nothing missing becomes 0, a gap stays a gap, and the words say what the picture says."""

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ChangeKind, DistanceUnit, PainMoment, Side
from rehab.charts import PAIN_LOAD_CADENCE, PLOTLY_CONFIG, SPAN_LABELS, Chart, Span, span_days
from rehab.charts.theme import DARK, LIGHT
from rehab.episode import Coverage, EpisodeFacts, Mark, PainZones, summarise_episode
from tests.rehab_scenes import (
    METRES_PER_MILE,
    MONDAY,
    coverage_of,
    facts_of,
    plans_frame,
    random_runs,
    random_scores,
    runs_frame,
    scores_frame,
)

draw = PAIN_LOAD_CADENCE.draw
SUNDAY_6 = MONDAY + timedelta(days=41)  # last day of the sixth week


def day(week: int, weekday: int = 0) -> date:
    """A day by its week (1 is the first) and its weekday (0 is Monday)."""
    return MONDAY + timedelta(days=7 * (week - 1) + weekday)


def run(on: date, miles: float = 3.0, **more: Any) -> dict[str, Any]:
    """A level run at 2.7 m/s; cadence only when given."""
    distance_m = round(miles * METRES_PER_MILE)
    seconds = round(distance_m / 2.7)
    known = {"running_time_s": seconds, "running_speed_m_s": 2.7, "grade_abs_mean": 0.0, "elapsed_time_s": seconds}
    return {"run_date": on, "distance_m": distance_m, "moving_time_s": seconds, **known, **more}


def morning(after: date, nprs: int, run_id: int | None = 1) -> dict[str, Any]:
    """A next-morning score that follows a run of the day before."""
    return {"for_date": after + timedelta(days=1), "counted_date": after, "nprs": nprs, "run_id": run_id}


def chart(facts: EpisodeFacts, as_of: date = SUNDAY_6, span: Span = Span.SIX_WEEKS, **options: Any) -> Chart:
    return draw(summarise_episode(facts, as_of=as_of), span=span, **{"scheme": "light", **options})


def logged(last: date, first: date = MONDAY) -> Coverage:
    return Coverage(first, last)


def trace(drawn: Chart, name: str, axis: str = "") -> dict[str, Any]:
    (found,) = [item for item in drawn.figure["data"] if item["name"] == name and item["yaxis"].startswith(axis)]
    return dict(found)


def names(drawn: Chart) -> list[str]:
    return [item["name"] for item in drawn.figure["data"]]


def points(item: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(zip(item["x"], item["y"], strict=True))


def texts(drawn: Chart) -> str:
    return " | ".join(re.sub(r"<[^>]+>", " ", item["text"]) for item in drawn.figure["layout"]["annotations"])


def hover(drawn: Chart, week: int) -> list[str]:
    layer = trace(drawn, "week")
    return [f"Week of {layer['customdata'][week - 1]}", *layer["text"][week - 1].split("<br>")]


# ---- pain -----------------------------------------------------------------------------------------------------------


def test_a_next_morning_score_stands_at_the_run_it_follows() -> None:
    sunday = day(1, 6)
    drawn = chart(facts_of([run(sunday)], [morning(sunday, 4)], coverage=logged(SUNDAY_6)))
    assert points(trace(drawn, "next morning")) == [(f"{sunday.isoformat()} 19", 4)]
    assert points(trace(drawn, "weekly median", "y")) == [(f"{day(1, 3).isoformat()} 12", 4.0)]  # in the run's week, not in Monday's


def test_a_next_morning_score_without_a_run_stands_on_its_own_morning() -> None:
    drawn = chart(facts_of([], [{"for_date": day(2), "nprs": 1}], coverage=logged(SUNDAY_6)))
    assert points(trace(drawn, "next morning")) == [(f"{day(2).isoformat()} 07", 1)]


def test_each_moment_has_its_own_shape_and_colour_and_none_is_mixed() -> None:
    scores = [{"for_date": day(3), "nprs": number, "moment": moment.value} for number, moment in enumerate(PainMoment)]
    drawn = chart(facts_of([run(day(3))], scores, coverage=logged(SUNDAY_6)))
    dots = [item for item in drawn.figure["data"] if item["yaxis"] == "y" and item["mode"] == "markers"]
    assert sorted(item["y"][0] for item in dots) == [0, 1, 2, 3, 4]
    assert len({item["marker"]["symbol"] for item in dots}) == len({item["marker"]["color"] for item in dots}) == len(PainMoment)
    (median,) = [item for item in drawn.figure["data"] if item["yaxis"] == "y" and item["mode"] == "lines+markers"]
    assert median["y"] == [3.0]  # of the one next-morning score


def test_a_week_without_answers_has_no_pain_point_and_breaks_the_line() -> None:
    scores = [morning(day(1), 2), morning(day(2), 4), morning(day(4), 1), morning(day(4, 2), 3)]
    drawn = chart(facts_of([run(day(1))], scores, coverage=logged(SUNDAY_6)))
    line = trace(drawn, "weekly median", "y")
    assert line["y"] == [2.0, 4.0, None, 2.0]
    assert [moment[:10] for moment, value in points(line) if value is not None] == [day(week, 3).isoformat() for week in (1, 2, 4)]
    assert line["connectgaps"] is False
    assert line["error_y"]["array"] == [0.0, 0.0, 0.0, 1.0]  # week 4: median 2, worst 3


def test_two_answered_weeks_side_by_side_are_joined() -> None:
    drawn = chart(facts_of([], [morning(day(1), 2, None), morning(day(2), 4, None)], coverage=logged(SUNDAY_6)))
    assert None not in trace(drawn, "weekly median", "y")["y"]


def test_the_zones_are_the_patients_own_and_carry_their_words() -> None:
    facts = replace(facts_of([run(day(1))], coverage=logged(SUNDAY_6)), zones=PainZones(2, 4))
    bands = [
        (shape["y0"], shape["y1"], shape["fillcolor"]) for shape in chart(facts).figure["layout"]["shapes"] if shape.get("yref") == "y"
    ]
    assert bands == [(-0.5, 2.5, LIGHT.zone_comfortable), (2.5, 4.5, LIGHT.zone_acceptable), (4.5, 10.5, LIGHT.zone_ease_back)]
    for words in ("Comfortable", "OK if it settles", "Ease back"):
        assert words in texts(chart(facts))


def test_the_other_side_is_not_drawn() -> None:
    drawn = chart(facts_of([run(day(1))], [{"for_date": day(1), "nprs": 9, "side": Side.RIGHT.value}], coverage=logged(SUNDAY_6)))
    assert trace(drawn, "next morning")["y"] == [None]
    assert "No pain scores in this time." in texts(drawn)


# ---- distance -------------------------------------------------------------------------------------------------------


def test_a_logged_week_without_runs_is_a_visible_0_and_an_unlogged_one_is_unknown() -> None:
    drawn = chart(facts_of([run(day(2)), run(day(4), 5.0)], coverage=Coverage(day(2), day(4, 6))))
    bars, ground = trace(drawn, "distance"), trace(drawn, "no log")
    assert points(bars) == [(day(2).isoformat(), 3.0), (day(3).isoformat(), 0.0), (day(4).isoformat(), 5.0)]
    assert bars["text"][1] == "0"
    week_ms = 7 * 86_400_000
    assert ground["x"] == [day(1).isoformat(), day(5).isoformat()]
    assert ground["width"] == [week_ms, 2 * week_ms]
    assert ground["text"] == ["no log", "no log"]
    assert "no log: not known, not 0" in texts(drawn)
    assert hover(drawn, 3)[1] == "0 mi, no run"
    assert hover(drawn, 5)[1] == "Not logged"


def test_a_bar_is_the_sum_of_its_weeks_runs_in_the_patients_unit() -> None:
    facts = facts_of([run(day(1), 3.1), run(day(1, 6), 4.2), run(day(2), 1)], coverage=logged(SUNDAY_6))
    assert trace(chart(facts), "distance")["y"][:2] == [pytest.approx(7.3, abs=0.001), pytest.approx(1, abs=0.001)]
    kilometres = chart(replace(facts, distance_unit=DistanceUnit.KILOMETRE))
    assert trace(kilometres, "distance")["y"][0] == pytest.approx(7.3 * 1.609344, abs=0.001)
    assert "Kilometers a week" in re.sub(" +", " ", texts(kilometres))
    assert hover(kilometres, 1)[1] == "11.7 km in 2 runs, longest 6.8 km"  # 7.3 and 4.2 mi


def test_only_the_running_week_is_hatched_and_called_so_far() -> None:
    facts = facts_of([run(day(5)), run(day(6))], coverage=logged(day(6, 2)))
    running = trace(chart(facts, as_of=day(6, 2)), "distance")
    assert running["marker"]["pattern"]["shape"] == ["", "", "", "", "", "/"]
    assert [text.split("<br>")[-1] for text in running["text"]][-2:] == ["3.0", "so far"]
    assert hover(chart(facts, as_of=day(6, 2)), 6)[1] == "3.0 mi in 1 run, so far"
    over = trace(chart(facts_of([run(day(6))], coverage=logged(SUNDAY_6))), "distance")  # read on its last day
    assert over["marker"]["pattern"]["shape"] == [""] * 6


def test_the_last_week_of_an_ended_episode_goes_to_discharge() -> None:
    drawn = chart(facts_of([run(day(6))], coverage=logged(SUNDAY_6), ended_on=day(6, 2)), as_of=day(6, 2))
    assert trace(drawn, "distance")["text"][-1] == "3.0<br>to discharge"
    assert hover(drawn, 6)[1] == "3.0 mi in 1 run, to discharge"
    assert drawn.table.iloc[0, 1] == "3.00 mi to discharge"
    assert "so far" not in drawn.sentence


def test_the_plan_is_a_level_line_over_its_weeks() -> None:
    plans = [
        {"version": 1, "valid_from": day(2), "weekly_distance_m": 10 * METRES_PER_MILE},
        {"version": 2, "valid_from": day(5), "weekly_distance_m": 12 * METRES_PER_MILE},
    ]
    drawn = chart(facts_of([run(day(1))], coverage=logged(SUNDAY_6), plans=plans))
    assert points(trace(drawn, "plan")) == [
        (day(2).isoformat(), 10),
        (day(5).isoformat(), 10),
        (day(5).isoformat(), 12),
        (day(7).isoformat(), 12),
    ]
    assert "plan 12.0 mi" in texts(drawn)
    assert "Plan 10.0 mi" in hover(drawn, 2)
    assert not [line for line in hover(drawn, 1) if line.startswith("Plan")]


# ---- cadence --------------------------------------------------------------------------------------------------------


def with_cadence() -> list[dict[str, Any]]:
    """Ten runs at one speed: 164 in weeks 1 and 2, none in week 3, 170 in weeks 4 and 5."""
    return [run(day(week, weekday), running_cadence_spm=164.0 if week < 3 else 170.0) for week in (1, 2, 4, 5) for weekday in (0, 3)] + [
        run(day(5, 5), running_cadence_spm=171.0),
        run(day(6), running_cadence_spm=None),
    ]


def test_each_run_is_a_dot_and_the_weekly_median_breaks_at_a_gap() -> None:
    drawn = chart(facts_of(with_cadence(), coverage=logged(SUNDAY_6)))
    assert trace(drawn, "each run")["y"] == [164.0] * 4 + [170.0] * 4 + [171.0]
    assert trace(drawn, "weekly median", "y3")["y"] == [164.0, 164.0, None, 170.0, 170.0]
    assert "at equal speed (9:56 /mi)" in texts(drawn)  # 1609.344 m at 2.7 m/s: 596 s
    assert hover(drawn, 5)[-1] == "Cadence: 170 steps/min at equal speed"
    assert hover(drawn, 6)[-1] == "Cadence: not known"
    assert "1 run without running cadence." in drawn.sentence


def test_where_equal_speed_cannot_be_told_the_panel_says_so_in_words() -> None:
    summary = summarise_episode(facts_of([run(day(1))], coverage=logged(SUNDAY_6)), as_of=SUNDAY_6)
    drawn = draw(summary, span=Span.SIX_WEEKS, scheme="light")
    assert trace(drawn, "each run")["y"] == [None]
    assert summary.equal_speed.sentence in texts(drawn)
    assert drawn.figure["layout"]["yaxis3"]["tickvals"] == []  # no scale is made up
    assert "Cadence at equal speed is not known." in drawn.sentence


def test_the_target_band_lasts_from_its_plan_to_the_next() -> None:
    plans = [
        {"version": 1, "valid_from": day(1)},
        {"version": 2, "valid_from": day(3), "cadence_target_low_spm": 168.0, "cadence_target_high_spm": 174.0},
        {"version": 3, "valid_from": day(5), "cadence_target_low_spm": 170.0},
    ]
    drawn = chart(facts_of(with_cadence(), coverage=logged(SUNDAY_6), plans=plans))
    bands = [shape for shape in drawn.figure["layout"]["shapes"] if shape.get("yref") == "y3"]
    assert [(band["y0"], band["y1"]) for band in bands] == [(168.0, 174.0), (170.0, 170.0)]
    assert [(band["x0"], band["x1"]) for band in bands] == [pytest.approx((2 / 6, 4 / 6), abs=1e-4), pytest.approx((4 / 6, 1), abs=1e-4)]
    assert "target 170" in texts(drawn)


def test_a_corrected_plan_that_begins_earlier_counts_in_both_panels() -> None:
    plans = [
        {"version": 1, "valid_from": day(4), "weekly_distance_m": 20 * METRES_PER_MILE, "cadence_target_low_spm": 175.0},
        {"version": 2, "valid_from": day(3), "weekly_distance_m": 10 * METRES_PER_MILE, "cadence_target_low_spm": 165.0},
    ]
    drawn = chart(facts_of(with_cadence(), coverage=logged(SUNDAY_6), plans=plans))
    assert points(trace(drawn, "plan")) == [(day(3).isoformat(), 10), (day(7).isoformat(), 10)]
    (band,) = [shape for shape in drawn.figure["layout"]["shapes"] if shape.get("yref") == "y3"]
    assert (band["y0"], band["x0"], band["x1"]) == (165.0, pytest.approx(2 / 6, abs=1e-4), 1)
    assert "target 165" in texts(drawn)
    assert "target 175" not in texts(drawn)


@pytest.mark.parametrize(("valid_from", "first_week"), [(day(3, 6), 3), (day(4), 4)])
def test_a_plan_counts_from_the_week_in_whose_days_it_begins(valid_from: date, first_week: int) -> None:
    plans = [{"version": 1, "valid_from": valid_from, "weekly_distance_m": 10 * METRES_PER_MILE, "cadence_target_low_spm": 165.0}]
    drawn = chart(facts_of(with_cadence(), coverage=logged(SUNDAY_6), plans=plans))
    (band,) = [shape for shape in drawn.figure["layout"]["shapes"] if shape.get("yref") == "y3"]
    assert points(trace(drawn, "plan"))[0] == (day(first_week).isoformat(), 10)
    assert band["x0"] == pytest.approx((first_week - 1) / 6, abs=1e-4)


def test_no_target_outlives_the_episode() -> None:
    plans = [{"version": 1, "valid_from": day(1), "cadence_target_low_spm": 165.0}]
    drawn = chart(facts_of(with_cadence(), coverage=logged(SUNDAY_6), plans=plans, ended_on=day(4, 2)))
    (band,) = [shape for shape in drawn.figure["layout"]["shapes"] if shape.get("yref") == "y3"]
    assert (band["x0"], band["x1"]) == (0, pytest.approx(24 / 42, abs=1e-4))  # three weeks and three days of six weeks


# ---- what breaks a line ----------------------------------------------------------------------------------------------


def steady(weeks: int = 6) -> EpisodeFacts:
    """A run with cadence each Wednesday, and a score of its next morning."""
    runs = [run(day(week, 2), running_cadence_spm=160.0 + week) for week in range(1, weeks + 1)]
    return facts_of(runs, [morning(day(week, 2), week, week) for week in range(1, weeks + 1)], coverage=logged(SUNDAY_6))


def lines(mark: Mark) -> tuple[list[Any], list[Any]]:
    """The weekly lines of pain and of cadence with one mark; None is a break."""
    drawn = chart(replace(steady(), marks=(mark,)))
    pain, cadence = (item["y"] for item in drawn.figure["data"] if item["name"] == "weekly median")
    return pain, [None if value is None else round(value - 160) for value in cadence]


WHOLE = [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("on", "broken"),
    [
        (day(3, 6), [1, 2, None, 3, None, 4, 5, 6]),  # Sunday of week 3: its value mixes both
        (day(4), [1, 2, 3, None, 4, 5, 6]),  # Monday of week 4: the whole week is after it
        (day(4, 1), [1, 2, 3, None, 4, None, 5, 6]),
        (day(1), WHOLE),
        (day(6, 6), [1, 2, 3, 4, 5, None, 6]),
        (day(0, 6), WHOLE),  # before the time shown
    ],
)
@pytest.mark.parametrize("kind", [ChangeKind.DEVICE, ChangeKind.SHOE])
def test_a_new_device_or_shoe_breaks_the_line_of_cadence(kind: ChangeKind, on: date, broken: list[int | None]) -> None:
    assert lines(Mark(on, kind, "")) == (WHOLE, broken)


@pytest.mark.parametrize(
    ("on", "broken"),
    [
        (day(3, 6), [1, 2, 3, None, 4, 5, 6]),  # Sunday of week 3: what follows it is week 4
        (day(4), [1, 2, 3, None, 4, None, 5, 6]),
        (day(3, 5), [1, 2, None, 3, None, 4, 5, 6]),
        (day(6, 6), WHOLE),
    ],
)
@pytest.mark.parametrize("kind", [ChangeKind.INJECTION, ChangeKind.DIAGNOSIS])
def test_an_injection_or_a_new_diagnosis_breaks_the_line_of_pain(kind: ChangeKind, on: date, broken: list[int | None]) -> None:
    assert lines(Mark(on, kind, "")) == (broken, WHOLE)


@pytest.mark.parametrize("kind", ["visit", "plan", ChangeKind.CADENCE_CUE, ChangeKind.OTHER])
def test_other_marks_break_no_line(kind: str) -> None:
    assert lines(Mark(day(4), kind, "")) == (WHOLE, WHOLE)


def test_the_whisker_to_the_worst_score_stays_with_its_week_across_a_break() -> None:
    facts = replace(steady(), marks=(Mark(day(3, 6), ChangeKind.INJECTION, ""),))
    line, _ = (item for item in chart(facts).figure["data"] if item["name"] == "weekly median")
    assert line["y"] == [1, 2, 3, None, 4, 5, 6]
    assert len(line["error_y"]["array"]) == 7


# ---- visits and changes ---------------------------------------------------------------------------------------------


def test_every_visit_and_change_has_its_line_through_all_panels_and_its_text() -> None:
    marks = [
        Mark(day(2), "visit", "hip strength tested"),
        Mark(day(4), "plan", "back to 12 mi"),
        Mark(day(5), ChangeKind.CADENCE_CUE, "metronome at 168"),
        Mark(day(6), ChangeKind.SHOE, ""),
    ]
    drawn = chart(facts_of([run(day(1))], coverage=logged(SUNDAY_6), marks=marks))
    signs = trace(drawn, "visits and changes")
    assert {x[:10] for x in signs["x"]} == {mark.day.isoformat() for mark in marks}
    assert [text.strip("\u00a0") for text in signs["text"] if text] == ["hip strength tested", "back to 12 mi", "metronome at 168", "Shoes"]
    (lines,) = [shape for shape in drawn.figure["layout"]["shapes"] if shape["type"] == "path"]
    starts = [float(start) for start in re.findall(r"M([\d.]+),0V", lines["path"])]
    assert starts == pytest.approx([(7 * week + 0.5) / 42 for week in (1, 3, 4, 5)], abs=1e-5)  # noon of Mondays 2, 4, 5 and 6
    assert min(float(top) for top in re.findall(r"V([\d.]+)", lines["path"])) > drawn.figure["layout"]["yaxis"]["domain"][1]
    assert hover(drawn, 4)[-1] == "Mar 24 Plan: back to 12 mi"
    assert drawn.table["Visits and changes"].tolist()[::-1][5] == "Apr 7 Shoes"


def test_two_marks_of_one_day_share_a_line() -> None:
    marks = [Mark(day(2), "visit", "sore"), Mark(day(2), "plan", "8 mi")]
    drawn = chart(facts_of([run(day(1))], coverage=logged(SUNDAY_6), marks=marks))
    assert trace(drawn, "visits and changes")["text"] == ["8 mi · sore"]
    assert hover(drawn, 2)[-2:] == ["Mar 10 Visit: sore", "Mar 10 Plan: 8 mi"]


def test_text_of_a_patient_or_a_file_never_becomes_markup() -> None:
    label = '<a href="javascript:x">5 < 6</a> &lt;b&gt;'
    drawn = chart(facts_of([run(day(1))], coverage=logged(SUNDAY_6), marks=[Mark(day(2), "visit", label)]))
    (shown,) = [text for text in trace(drawn, "visits and changes")["text"] if text]
    for text in (shown, "".join(hover(drawn, 2)[1:])):
        assert "<a" not in text
        assert "&lt;a href" in text
    assert label in drawn.table["Visits and changes"].tolist()[4]  # a table is not markup


# ---- the whole ------------------------------------------------------------------------------------------------------


def test_three_panels_share_one_time_axis_and_none_lies_over_another() -> None:
    layout = chart(facts_of(with_cadence(), [morning(day(1), 2)], coverage=logged(SUNDAY_6))).figure["layout"]
    assert [name for name in layout if name.startswith("xaxis")] == ["xaxis"]
    cadence, load, pain = (layout[name]["domain"] for name in ("yaxis3", "yaxis2", "yaxis"))
    assert 0 == cadence[0] < cadence[1] < load[0] < load[1] < pain[0] < pain[1] <= 1
    assert "overlaying" not in json.dumps(layout)
    assert layout["xaxis"]["range"] == [MONDAY.isoformat(), day(7).isoformat()]
    assert 520 <= layout["height"] <= 620


def test_the_hover_tells_the_whole_week() -> None:
    runs = [run(day(1, weekday), miles, running_cadence_spm=168.0) for weekday, miles in ((0, 2.0), (2, 3.1), (4, 4.0), (6, 5.1))]
    scores = [morning(day(1, weekday), nprs) for weekday, nprs in ((0, 2), (2, 3), (4, 4), (6, 3))]
    drawn = chart(facts_of(runs, [*scores, morning(day(1, 1), 3, None)], coverage=logged(SUNDAY_6)))
    assert hover(drawn, 1) == [
        "Week of Mar 3, 2025",
        "14.2 mi in 4 runs, longest 5.1 mi",
        "Next-morning pain: median 3, worst 4 (5 answers)",
        "Cadence: 168 steps/min at equal speed",
    ]
    assert hover(drawn, 2)[1:] == ["0 mi, no run", "Next-morning pain: no answer", "Cadence: no run"]
    for item in drawn.figure["data"]:
        assert item["name"] == "week" or item["hoverinfo"] == "skip"


def test_a_week_known_in_part_says_how_much() -> None:
    drawn = chart(facts_of([run(day(2, 4))], coverage=Coverage(day(2, 4), day(4, 1))))
    assert hover(drawn, 2)[1] == "3.0 mi in 1 run (3 of 7 days logged)"
    assert hover(drawn, 4)[1] == "Not logged, but for 2 days without a run"
    assert "3 weeks not logged." not in drawn.sentence
    assert "4 weeks not logged." in drawn.sentence  # 1, 4, 5 and 6


def test_the_sentence_tells_last_values_and_their_change() -> None:
    runs = [run(day(1), 8.0, running_cadence_spm=163.0), run(day(5), 14.24, running_cadence_spm=168.4), run(day(6), 2.0)]
    scores = [morning(day(1), 4), morning(day(5), 2)]
    drawn = chart(facts_of(runs, scores, coverage=logged(day(6, 2))), as_of=day(6, 2))
    assert drawn.sentence == (
        "Middle next-morning pain was 2 of 10 in the week of Mar 31, down 2 since the week of Mar 3. "
        "Distance was 14.2 mi in the week of Mar 31, up 6.2 mi since the week of Mar 3. "
        "Cadence at equal speed was 168 steps/min in the week of Mar 31, up 5 since the week of Mar 3. "
        "Distance in the last week, so far, is 2.0 mi. "
        "Next-morning pain was answered on 2 of 38 logged days. "
        "1 run without running cadence. "
        "Shown: 6 weeks, Mar 3, 2025 to Apr 9, 2025."
    )


def test_a_change_of_nothing_is_unchanged() -> None:
    drawn = chart(facts_of([run(day(1)), run(day(6))], [morning(day(1), 3), morning(day(6), 3)], coverage=logged(SUNDAY_6)))
    assert drawn.sentence.startswith(
        "Middle next-morning pain was 3 of 10 in the week of Apr 7, unchanged since the week of Mar 3. "
        "Distance was 3.0 mi in the week of Apr 7, unchanged since the week of Mar 3. "
    )


def test_a_value_of_one_week_is_compared_with_nothing() -> None:
    drawn = chart(facts_of([run(day(6))], [morning(day(6), 3)], coverage=logged(day(6, 2), day(6))), as_of=day(6, 2))
    assert drawn.sentence.startswith(
        "Middle next-morning pain was 3 of 10 in the week of Apr 7. "
        "Distance in the last week, so far, is 3.0 mi. "
        "Cadence at equal speed is not known. "
    )


@given(random_runs, random_scores)
def test_the_first_three_sentences_are_of_pain_distance_and_cadence(runs: list[dict[str, Any]], scores: list[dict[str, Any]]) -> None:
    drawn = chart(facts_of(runs, scores, coverage=coverage_of(runs, scores)))
    if not drawn.is_empty:
        pain, distance, cadence, *_ = re.split(r"(?<=[a-z\d])\. ", drawn.sentence)
        assert "next-morning pain" in pain
        assert re.match(r"Distance |No week is logged", distance)
        assert cadence.startswith("Cadence at equal speed ")


@given(random_runs, random_scores)
def test_sentences_are_short(runs: list[dict[str, Any]], scores: list[dict[str, Any]]) -> None:
    sentence = chart(facts_of(runs, scores, coverage=coverage_of(runs, scores))).sentence
    for part in re.split(r"(?<=[a-z\d])\. ", sentence):
        assert len(part.split()) <= 21
    assert not re.search(r"damage|risk|danger|failed|bad |caused|predict|safe", sentence)


def test_the_table_says_the_same_as_the_picture() -> None:
    runs = [run(day(1), 8.0, running_cadence_spm=163.0), run(day(3), 2.5)]
    plans = [{"version": 1, "valid_from": day(6), "weekly_distance_m": 16093.44}]
    table = chart(facts_of(runs, [morning(day(1), 4)], coverage=logged(day(6, 2)), plans=plans), as_of=day(6, 2)).table
    assert table["Week of"].tolist() == [f"{words}, 2025" for words in ("Apr 7", "Mar 31", "Mar 24", "Mar 17", "Mar 10", "Mar 3")]
    newest, oldest = table.iloc[0].tolist(), table.iloc[-1].tolist()
    assert newest[1:] == ["0.00 mi so far", "0", "no run", "10.00 mi", "no answer", "no run", ""]
    assert oldest[1:] == ["8.00 mi", "1", "8.00 mi", "no plan", "4 (1 answer)", "163 steps/min at equal speed", ""]


def test_a_telephone_gets_fewer_words_in_the_same_chart() -> None:
    facts = facts_of(with_cadence(), [morning(day(1), 2)], coverage=logged(SUNDAY_6))
    wide, narrow = chart(facts), chart(facts, narrow=True)
    assert names(wide) == names(narrow)
    assert len(narrow.figure["layout"]["xaxis"]["tickvals"]) < len(wide.figure["layout"]["xaxis"]["tickvals"])
    assert (wide.sentence, wide.table.to_dict()) == (narrow.sentence, narrow.table.to_dict())


def test_light_and_dark_differ_in_colours_only() -> None:
    facts = facts_of(with_cadence(), [morning(day(1), 2)], coverage=logged(SUNDAY_6))
    light, dark = (chart(facts, scheme=scheme).figure for scheme in ("light", "dark"))

    def pale(figure: dict[str, Any]) -> str:
        return re.sub(r"#[0-9a-f]{6}", "#", json.dumps(figure))

    assert light["layout"]["paper_bgcolor"] == LIGHT.ground
    assert dark["layout"]["paper_bgcolor"] == DARK.ground
    assert pale(light) == pale(dark)


def test_nothing_leaves_the_chart_for_elsewhere() -> None:
    assert PLOTLY_CONFIG["showSendToCloud"] is False
    assert PLOTLY_CONFIG["displaylogo"] is False
    assert PLOTLY_CONFIG["displayModeBar"] is False


def test_three_years_stay_small() -> None:
    days = [MONDAY + timedelta(days=offset) for offset in range(0, 3 * 364, 2)]
    runs = [run(on, running_cadence_spm=165.0) for on in days]
    scores = [morning(on, number % 5, None) for number, on in enumerate(days)]
    scores += [{"for_date": on, "nprs": 2, "moment": moment.value} for on in days for moment in (PainMoment.DURING, PainMoment.AFTER)]
    marks = [Mark(on, "visit", "hip strength tested again") for on in days[::10]]
    facts = facts_of(runs, scores, coverage=logged(days[-1]), marks=marks)
    drawn = chart(facts, as_of=days[-1], span=Span.ALL)
    assert len(drawn.figure["data"]) < 15
    assert len(json.dumps(drawn.figure, separators=(",", ":"))) < 150_000
    assert len(drawn.table) == 156


@given(random_runs, random_scores, st.sampled_from(Span), st.integers(0, 6))
def test_no_missing_value_is_drawn_and_no_known_one_is_lost(
    runs: list[dict[str, Any]], scores: list[dict[str, Any]], span: Span, week_start: int
) -> None:
    summary = summarise_episode(facts_of(runs, scores, coverage=coverage_of(runs, scores), week_start=week_start), as_of=SUNDAY_6)
    drawn = draw(summary, span=span, scheme="dark")
    json.dumps(drawn.figure, allow_nan=False)
    first, last = span_days(span, summary.facts, as_of=SUNDAY_6)
    weeks = summary.weeks[(summary.weeks["week_start"].dt.date >= first) & (summary.weeks["week_start"].dt.date <= last)]

    def values(name: str, axis: str) -> list[float]:
        return [
            value
            for item in drawn.figure["data"]
            if (item["name"], item["yaxis"]) == (name, axis)
            for value in item["y"]
            if value is not None
        ]

    known = weeks[weeks["logged"]]
    assert values("distance", "y2") == pytest.approx((known["distance_m"] / METRES_PER_MILE).tolist(), abs=0.001)
    assert values("weekly median", "y") == pytest.approx(weeks["pain_next_morning_median"].dropna().tolist(), abs=0.01)
    assert values("weekly median", "y3") == pytest.approx(weeks["cadence_at_equal_speed_spm"].dropna().tolist(), abs=0.01)
    shown = summary.scores[(summary.scores["counted_date"].dt.date >= first) & (summary.scores["counted_date"].dt.date <= last)]
    dots = [
        value
        for item in drawn.figure["data"]
        if item["yaxis"] == "y" and item["mode"] == "markers"
        for value in item["y"]
        if value is not None
    ]
    assert sorted(dots) == sorted(shown["nprs"].tolist())
    unknown = sum(trace(drawn, "no log")["width"]) // (7 * 86_400_000) if "no log" in names(drawn) else 0
    assert unknown + len(known) == ((last - first).days + 1) // 7  # each week is a bar or unknown


# ---- spans ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        (Span.SIX_WEEKS, date(2025, 4, 7), date(2025, 5, 18)),
        (Span.THREE_MONTHS, date(2025, 2, 17), date(2025, 5, 18)),
        (Span.YEAR, date(2024, 5, 20), date(2025, 5, 18)),
        (Span.EPISODE, date(2025, 3, 3), date(2025, 5, 18)),
        (Span.ALL, date(2025, 1, 6), date(2025, 5, 18)),
    ],
)
def test_a_span_is_whole_weeks_up_to_the_running_one(span: Span, first: date, last: date) -> None:
    facts = facts_of(coverage=Coverage(date(2025, 1, 8), date(2025, 5, 1)))
    assert span_days(span, facts, as_of=date(2025, 5, 14)) == (first, last)


def test_a_span_starts_on_the_clinics_day() -> None:
    assert span_days(Span.SIX_WEEKS, facts_of(week_start=6), as_of=date(2025, 5, 14)) == (date(2025, 4, 6), date(2025, 5, 17))


def test_an_episode_that_ended_ends_its_span() -> None:
    facts = facts_of(ended_on=date(2025, 4, 30))
    assert span_days(Span.EPISODE, facts, as_of=date(2025, 9, 1)) == (MONDAY, date(2025, 5, 4))


@pytest.mark.parametrize("span", [Span.EPISODE, Span.ALL])
def test_a_young_episode_still_gets_six_weeks(span: Span) -> None:
    first, last = span_days(span, facts_of(), as_of=MONDAY)
    assert (last - first).days + 1 == 42


def test_every_span_has_a_label_and_is_what_addresses_carry() -> None:
    assert set(SPAN_LABELS) == set(Span)
    assert [span.value for span in Span] == ["6w", "3m", "1y", "episode", "all"]


def test_frames_without_rows_are_drawn_too() -> None:
    empty = facts_of()
    assert (len(empty.runs), len(empty.scores), len(empty.plans)) == (0, 0, 0)
    drawn = chart(replace(empty, runs=runs_frame([]), scores=scores_frame([]), plans=plans_frame([])))
    assert drawn.is_empty
    assert drawn.sentence == "Nothing is recorded since Mar 3, 2025."
    for words in ("No pain scores in this time.", "No runs in this time."):
        assert words in texts(drawn)
    assert hover(drawn, 1) == ["Week of Mar 3, 2025", "Not logged", "Next-morning pain: no answer", "Cadence: not known"]
