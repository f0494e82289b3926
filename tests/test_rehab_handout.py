"""The patient's hand-out: what stands on it, what never does, and that it is made without network and fits two pages."""

import dataclasses
import io
import re
import subprocess
import sys
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from pypdf import PdfReader

from models import PLAN_WEEK_COLUMNS, ChangeKind, DistanceUnit, ScreenItem
from rehab.charts.theme import LIGHT
from rehab.days import Coverage
from rehab.episode import Mark, summarise_episode
from rehab.handout import PAGES_MAX, Handout, Paper, handout_pdf, handout_pictures
from rehab.handout_chart import handout_chart
from rehab.handout_template import TEMPLATE
from rehab.handout_weeks import next_weeks
from rehab.handout_words import BEING_CHECKED, Story, story, zones
from rehab.limits import Limits
from rehab.screen import PATIENT_SENTENCE
from rehab.since_visit import last_visit_of, since_visit
from tests.rehab_scenes import METRES_PER_MILE, MONDAY, facts_of, mornings, plans_frame
from tests.serving import ROOT
from tests.test_rehab_wording import FORBIDDEN, GRADE_MAX, SENTENCE_WORDS_MAX, STATISTICS, grade

AS_OF = MONDAY + timedelta(days=61)  # a Saturday; the next week begins on May 5
VISIT = MONDAY + timedelta(days=47)
MILE = METRES_PER_MILE
LONGEST_PLAN = {
    "weekly_distance_m": 14 * MILE, "run_ceiling_m": round(5.6 * MILE), "cadence_target_low_spm": 168, "cadence_target_high_spm": 172,
    "runs_per_week": 3, "run_part_s": 270, "walk_part_s": 45, "surface_limit": "treadmill", "speed_limit_m_s": 2.8,
    "strength_sessions_per_week": 3,
}  # fmt: skip


def listed(*weeks: tuple[int, date, float, float, float]) -> pd.DataFrame:
    frame = pd.DataFrame(weeks, columns=list(PLAN_WEEK_COLUMNS))
    return frame.assign(week_start=pd.to_datetime(frame["week_start"])).astype(
        dict.fromkeys(("distance_m", "runs", "longest_run_m"), float)
    )


def screen(answer: str = "no", *, but: int | None = None) -> pd.DataFrame:
    rows = [
        {"answer_id": number, "item": item.value, "answer": "yes" if number == but else answer, "asked_on": AS_OF, "closed_on": None}
        for number, item in enumerate(ScreenItem)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(asked_on=pd.to_datetime(frame["asked_on"]), closed_on=pd.to_datetime(frame["closed_on"]))


def handout(
    asked: pd.DataFrame | None = None, *, unit: DistanceUnit = DistanceUnit.MILE, weeks_of_logs: int = 9, **changed: Any
) -> Handout:
    """Nine weeks of three runs of 2 miles, none in the fourth; the newest visit two weeks ago; a plan of 10 miles, then one of all things."""
    days = [MONDAY + timedelta(days=7 * week + day) for week in range(weeks_of_logs) if week != 3 for day in (0, 2, 5)]
    runs = [{"run_date": day, "distance_m": round(2 * MILE), "running_cadence_spm": 165.0, "running_time_s": 1500.0} for day in days]
    scores = [{"for_date": day + timedelta(days=1), "counted_date": day, "nprs": 2} for day in days]
    plans = plans_frame(
        [
            {"version": 1, "valid_from": MONDAY, "weekly_distance_m": 10 * MILE, "reason": "SECRET reason", "author": "SECRET"},
            {"version": 2, "valid_from": MONDAY + timedelta(days=63), "reason": "SECRET reason", "author": "SECRET", **LONGEST_PLAN},
        ]
    )
    marks = [
        Mark(VISIT, "visit", "SECRET visit"),
        *(Mark(VISIT + timedelta(days=1), kind.value, f"SECRET {kind}") for kind in ChangeKind),
    ]
    facts = facts_of(runs, scores, coverage=Coverage(MONDAY, AS_OF) if days else None, marks=marks)
    facts = dataclasses.replace(facts, plans=plans, distance_unit=unit, screen=screen() if asked is None else asked, **changed)
    summary = summarise_episode(facts, as_of=AS_OF)
    last_visit = last_visit_of(summary)
    planned = next_weeks(plans, listed(), as_of=AS_OF, week_start=0, ended_on=None)
    return Handout("Ada Steady", "Two Rivers", summary, since_visit(summary, last_visit=last_visit), last_visit, planned, LIGHT)


def told(made: Handout) -> Story:
    return story(made.summary, facts=made.facts, last_visit=made.last_visit, planned=made.planned)


def text_of(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def all_sentences(made: Story) -> list[str]:
    parts = (made.where, made.changed, made.ahead)
    return [
        *(sentence for part in parts for sentence in (part.sentence, *part.lines)),
        *(f"{line}." for week in made.weeks for line in week.lines),
        *(zone.says for zone in made.zones),
        *([made.settled] if made.settled else []),
    ]


# --------------------------------------------------------------------------------------------------------------------
# The paper
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paper", Paper)
@pytest.mark.parametrize("unit", DistanceUnit)
def test_the_text_of_the_paper_holds_the_numbers_of_the_strip(paper: Paper, unit: DistanceUnit) -> None:
    made = handout(unit=unit)
    text = text_of(handout_pdf(made, paper))
    assert len(made.facts) == 7
    for fact in made.facts:
        assert fact.label in text
        assert fact.value in text
        assert fact.change in text
    assert {fact.label: fact.value for fact in made.facts}["Distance"] == ("12.0 mi" if unit is DistanceUnit.MILE else "19.3 km")


@pytest.mark.parametrize(("paper", "size"), [(Paper.LETTER, (612, 792)), (Paper.A4, (595, 842))])
def test_the_longest_content_fits_two_pages(paper: Paper, size: tuple[int, int]) -> None:
    made = dataclasses.replace(handout(), for_whom="Maximiliane " * 5, clinic="Two Rivers Center for Running " * 3)
    assert len(told(made).weeks[0].lines) == 8
    assert len(told(made).changed.lines) == 11
    pages = PdfReader(io.BytesIO(handout_pdf(made, paper))).pages
    assert len(pages) <= PAGES_MAX
    assert [round(float(side)) for side in pages[0].mediabox[2:]] == list(size)
    assert len(handout_pictures(made, paper)) == len(pages)


def test_nothing_that_people_typed_for_each_other_stands_on_it() -> None:
    for made in (handout(), handout(screen(but=3)), handout(screen("not_asked"))):
        text = text_of(handout_pdf(made, Paper.LETTER))
        assert "SECRET" not in text
        assert not re.search(r"flag|flare|spike|S[0-8]\b|check-in|code", text, re.IGNORECASE)
        assert not FORBIDDEN.search(text)


def test_it_is_tagged_in_english_with_a_title_and_its_fonts_inside() -> None:
    made = handout()
    reader = PdfReader(io.BytesIO(handout_pdf(made, Paper.LETTER)))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert (root["/Lang"], reader.metadata and reader.metadata.title) == ("en-US", "Your running")
    assert b"pdfuaid" in root["/Metadata"].get_data()
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    inner = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"] for font in fonts]
    assert inner
    assert all({"/FontFile2", "/FontFile3"} & set(font.get_object()) for font in inner)
    assert {str(font["/BaseFont"]).split("+")[1].split("-")[0] for font in fonts} == {"SourceSans3"}


def test_the_chart_is_drawn_as_vectors_and_said_in_words() -> None:
    made = handout()
    pages = PdfReader(io.BytesIO(handout_pdf(made, Paper.LETTER))).pages
    assert [len(page.images) for page in pages] == [0] * len(pages)
    chart = handout_chart(made.summary, palette=LIGHT)
    assert chart.words.startswith("Week by week. Mar 10: 6.0 mi, morning pain 2. Mar 17: 6.0 mi")
    assert "Mar 24: no run." in chart.words
    assert ">0.0<" not in chart.svg


def test_the_same_facts_give_the_same_bytes() -> None:
    assert handout_pdf(handout(), Paper.A4) == handout_pdf(handout(), Paper.A4)


@pytest.mark.parametrize("name", ["李小龙", "Ana 😀", "a\x00b\u200b", "שלום", "#set page(width: 1cm) $x$ *b* ]", "Žofie Ødegård"])
def test_a_name_of_any_letters_is_printed_and_never_read_as_markup(name: str) -> None:
    pages = PdfReader(io.BytesIO(handout_pdf(dataclasses.replace(handout(), for_whom=name), Paper.A4))).pages
    assert len(pages) <= PAGES_MAX
    assert float(pages[0].mediabox.width) > 590


def test_a_patient_without_any_log_or_plan_gets_a_page_that_says_so() -> None:
    made = handout(weeks_of_logs=0)
    made = dataclasses.replace(made, planned=next_weeks(plans_frame([]), listed(), as_of=AS_OF, week_start=0, ended_on=None))
    text = text_of(handout_pdf(made, Paper.LETTER))
    assert "We have no runs from you for this time yet." in text
    assert "No plan is set for the next two weeks yet." in text
    assert not re.search(r"(?<![\d.])0(?:\.0)? (mi|km)", text)


WITHOUT_NETWORK = """
import socket
def refused(*_args, **_more):
    raise AssertionError("the network was asked for")
from rehab.handout import Paper, handout_pdf
from tests.test_rehab_handout import handout
socket.socket = socket.create_connection = socket.getaddrinfo = refused
print(len(handout_pdf(handout(), Paper.A4)))
"""


def test_it_is_made_with_the_network_blocked() -> None:
    made = subprocess.run([sys.executable, "-c", WITHOUT_NETWORK], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(made.stdout) > 10_000
    assert "@preview" not in TEMPLATE
    assert "http" not in TEMPLATE


# --------------------------------------------------------------------------------------------------------------------
# The words
# --------------------------------------------------------------------------------------------------------------------


def test_each_screen_says_one_sentence_in_the_patients_unit() -> None:
    said = told(handout())
    assert said.where.beside == "Since your visit on April 19, 2025"
    assert said.where.sentence == "You ran 12.0 mi in 6 runs, and morning pain was mostly 2 of 10."
    assert said.changed.sentence == "Your week goes from 10.0 mi to 14.0 mi."
    assert said.ahead.sentence == "Aim for 14.0 mi each week."
    assert [week.title for week in said.weeks] == ["Week of May 5", "Week of May 12"]
    assert said.weeks[0].lines == (
        "14.0 mi in the week",
        "3 runs in the week",
        "Longest run 5.6 mi",
        "Run 4:30 min, then walk 45 s",
        "Quick, short steps: 168 to 172 steps a minute",
        "No faster than 9:35 /mi",
        "Run on a treadmill",
        "Strength work 3 times",
    )


@pytest.mark.parametrize("asked", [screen(but=3), screen("not_asked")], ids=["open", "unanswered"])
def test_the_next_weeks_and_what_follows_from_them_are_left_out_while_something_is_checked(asked: pd.DataFrame) -> None:
    made = handout(asked)
    said = told(made)
    assert said.weeks == ()
    assert said.ahead.sentence == BEING_CHECKED
    text = text_of(handout_pdf(made, Paper.A4))
    assert "being checked" in text
    assert not re.search(r"14\.0 mi|168|5\.6 mi|treadmill|quicker", text)


def test_who_has_an_open_answer_is_told_to_talk_first_and_not_to_keep_to_the_plan() -> None:
    open_, unanswered = told(handout(screen(but=3))), told(handout(screen("not_asked")))
    assert open_.ahead.lines == (PATIENT_SENTENCE,)
    assert (open_.zones, open_.settled) == ((), "")
    assert PATIENT_SENTENCE not in all_sentences(unanswered)
    assert len(unanswered.zones) == 3


def test_no_screen_was_ever_asked_counts_as_unanswered() -> None:
    assert told(handout(screen().iloc[:0])).ahead.sentence == BEING_CHECKED


@pytest.mark.parametrize("unit", DistanceUnit)
@pytest.mark.parametrize("asked", [screen(), screen(but=3), screen("not_asked")], ids=["clear", "open", "unanswered"])
def test_the_words_are_short_and_of_the_sixth_grade(unit: DistanceUnit, asked: pd.DataFrame) -> None:
    sentences = all_sentences(told(handout(asked, unit=unit)))
    for sentence in sentences:
        assert FORBIDDEN.findall(sentence) == []
        assert STATISTICS.findall(sentence) == []
        for one in re.split(r"(?<=[a-z0-9][.!?])\s+", sentence):
            assert len(one.split()) <= SENTENCE_WORDS_MAX + 1, one
    assert grade(re.sub(r"(?<=\d)[.:](?=\d)", "", " ".join(sentences))) <= GRADE_MAX


@pytest.mark.parametrize(
    ("limits", "scores"),
    [
        (Limits(), ["0–3", "4–5", "6–10"]),
        (Limits(comfortable_max=0, acceptable_max=1), ["0", "1", "2–10"]),
        (Limits(comfortable_max=4, acceptable_max=4), ["0–4", "5–10"]),
        (Limits(comfortable_max=10, acceptable_max=10), ["0–10"]),
        (Limits(comfortable_max=3, acceptable_max=9), ["0–3", "4–9", "10"]),
    ],
)
def test_the_zones_are_the_patients_own_and_hold_each_score_once(limits: Limits, scores: list[str]) -> None:
    assert [zone.scores for zone in zones(limits)] == scores


# --------------------------------------------------------------------------------------------------------------------
# The weeks ahead
# --------------------------------------------------------------------------------------------------------------------

PLANS = plans_frame(
    [
        {"version": 1, "valid_from": MONDAY, "weekly_distance_m": 10_000, "run_ceiling_m": 4_000},
        {"version": 2, "valid_from": MONDAY + timedelta(days=14), "weekly_distance_m": 12_000, "run_ceiling_m": 5_000},
    ]
)


@pytest.mark.parametrize(("as_of", "first", "distances"), [(0, 0, [10_000, 10_000]), (1, 7, [10_000, 12_000]), (7, 7, [10_000, 12_000])])
def test_the_weeks_ahead_begin_on_the_day_or_after_it(as_of: int, first: int, distances: list[int]) -> None:
    weeks = next_weeks(PLANS, listed(), as_of=MONDAY + timedelta(days=as_of), week_start=0, ended_on=None)
    assert [week.first_day for week in weeks] == [MONDAY + timedelta(days=first), MONDAY + timedelta(days=first + 7)]
    assert [week.plan.weekly_distance_m for week in weeks if week.plan] == distances


def test_a_week_that_a_version_lists_goes_before_the_version() -> None:
    rows = listed(
        (1, MONDAY + timedelta(days=14), 1.0, 1.0, 1.0),  # of a version that does not count there
        (2, MONDAY + timedelta(days=21), 13_500.0, 4.0, float("nan")),
    )
    weeks = next_weeks(PLANS, rows, as_of=MONDAY + timedelta(days=14), week_start=0, ended_on=None)
    found = [(week.plan.weekly_distance_m, week.plan.runs_per_week, week.plan.run_ceiling_m) for week in weeks if week.plan]
    assert found == [(12_000, None, 5_000), (13_500, 4.0, 5_000)]


def test_after_the_last_day_of_an_episode_nothing_is_planned() -> None:
    weeks = next_weeks(PLANS, listed(), as_of=MONDAY + timedelta(days=8), week_start=0, ended_on=MONDAY + timedelta(days=8))
    assert [week.plan for week in weeks] == [None, None]


def test_a_week_outside_the_log_is_drawn_as_not_logged_and_never_as_zero() -> None:
    coverage = Coverage(MONDAY, MONDAY + timedelta(days=6))
    facts = facts_of([{"run_date": MONDAY, "distance_m": 5000}], mornings(MONDAY, [3]), coverage=coverage)
    chart = handout_chart(summarise_episode(facts, as_of=MONDAY + timedelta(days=13)), palette=LIGHT)
    assert chart.words.endswith("Mar 10: not logged.")
    assert ">logged<" in chart.svg
