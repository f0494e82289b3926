"""Questionnaires: one row a submission, questions as headers; moments and sides are never mixed, a blank is never 0."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from data.importers.base import FileRefused, ReadFile
from data.importers.form_words import answer_in, moment_of, score_in, sides_of
from data.importers.local_forms import DateOrder
from data.importers.mapping import Mapping, ScoreColumn, first_lines, read_with, suggested, tables_in, with_order
from data.importers.written import LineRefused
from models import ImportOutcome, PainMoment, RestMoment, Side
from tests.table_files import table, workbook

GOOGLE = [
    "Timestamp",
    "How much did your hip hurt before the run?",
    "How much did your hip hurt during the run?",
    "And the next morning?",
    "Which hip?",
    "Remarks",
]
MAR_4, MAR_5 = date(2026, 3, 4), date(2026, 3, 5)


def mapping_of(content: bytes) -> Mapping:
    (found,) = tables_in(content)
    mapping = suggested(found.written, first_lines(found))
    assert mapping is not None
    return mapping


def read(content: bytes) -> ReadFile:
    mapping = mapping_of(content)
    assert mapping.questions == ()
    return read_with(content, mapping)


def scores(found: ReadFile) -> list[tuple[date, PainMoment, Side | None, int]]:
    return [(score.for_date, score.moment, score.side, score.nprs) for score in found.scores]


def test_google_forms() -> None:
    found = read(
        table(
            GOOGLE,
            ["2026/03/04 8:12:33 PM GMT+1", "2", "8 - very bad", "", "Left", "rain"],
            ["2026/03/05 7:02:00 AM GMT+1", "", "", "3/10", "Left", ""],
        )
    )
    assert scores(found) == [
        (MAR_4, PainMoment.BEFORE, Side.LEFT, 2),
        (MAR_4, PainMoment.DURING, Side.LEFT, 8),
        (MAR_5, PainMoment.NEXT_MORNING, Side.LEFT, 3),
    ]
    assert found.notes == ("Columns that were not read: Remarks.",)


def test_microsoft_forms_in_german_from_excel() -> None:
    header = [
        "ID",
        "Startzeit",
        "Fertigstellungszeit",
        "E-Mail",
        "Name",
        "Schmerz während des Laufs (links)",
        "Schmerz am nächsten Morgen (rechts)",
        "Nächtlicher Schmerz in Ruhe?",
        "Hat dich der Schmerz nachts geweckt?",
    ]
    at = datetime(2026, 3, 4, 20, 12, 33)
    found = read(workbook(header, [1, at, at, "anonymous", None, "8 von 10", 0, None, "Nein"]))
    assert scores(found) == [(MAR_4, PainMoment.DURING, Side.LEFT, 8), (MAR_4, PainMoment.NEXT_MORNING, Side.RIGHT, 0)]
    assert [(rest.moment, rest.answer) for rest in found.rest_answers] == [(RestMoment.NIGHT_REST, False)]


def test_jotform_with_the_day_of_the_run_puts_the_next_morning_on_the_day_after() -> None:
    header = ["Submission Date", "Date of run", "Side", "Moment", "Pain score"]
    found = read(
        table(
            header,
            ["Mar 9, 2026", "Mar 4, 2026", "right", "during the run", "5"],
            ["Mar 9, 2026", "Mar 4, 2026", "right", "next morning", "2"],
        )
    )
    assert scores(found) == [(MAR_4, PainMoment.DURING, Side.RIGHT, 5), (MAR_5, PainMoment.NEXT_MORNING, Side.RIGHT, 2)]
    assert "day after" in found.notes[0]


def test_a_blank_is_no_score_and_a_zero_is_one() -> None:
    found = read(table(["Date", "Pain before", "Pain during"], ["2026-03-04", "", "0"], ["2026-03-05", "--", "1"]))
    assert scores(found) == [(MAR_4, PainMoment.DURING, None, 0), (MAR_5, PainMoment.DURING, None, 1)]


def test_an_answer_for_both_sides_stands_for_each() -> None:
    found = read(
        table(
            ["Date", "Pain during", "Which side?"], ["2026-03-04", "4", "Both"], ["2026-03-05", "3", "Left, Right"], ["2026-03-06", "3", ""]
        )
    )
    assert [(side, nprs) for _, _, side, nprs in scores(found)] == [
        (Side.LEFT, 4), (Side.RIGHT, 4), (Side.LEFT, 3), (Side.RIGHT, 3), (None, 3),
    ]  # fmt: skip
    assert "both sides" in found.notes[0]


def test_what_cannot_be_read_is_named_and_the_rest_of_the_line_is_kept() -> None:
    content = table(
        ["Date", "Pain before", "Pain during", "Side"],
        ["2026-03-04", "2", "3", "left"],
        ["2026-03-05", "2-3", "3", "left"],
        ["soon", "1", "1", "left"],
        ["2026-03-06", "1", "1", "middle"],
    )
    columns = (ScoreColumn("pain_before", PainMoment.BEFORE), ScoreColumn("pain_during", PainMoment.DURING))
    found = read_with(content, Mapping("pain", "date", side="side", scores=columns))
    assert len(found.scores) == 3
    assert [line.line for line in found.refused_lines] == [3, 4, 5]


def test_two_answers_for_one_moment_are_not_chosen_between() -> None:
    found = read(table(["Date", "Pain during"], ["2026-03-04 08:00", "2"], ["2026-03-04 20:00", "5"]))
    assert [score.nprs for score in found.scores] == [2]
    assert [line.line for line in found.refused_lines] == [3]


def test_dates_that_can_be_two_days_are_asked_about_unless_another_row_tells() -> None:
    header = ["Timestamp", "Pain during"]
    open_dates = table(header, ["03/04/2026 08:12:33", "3"], ["05/04/2026 08:12:33", "4"])
    mapping = mapping_of(open_dates)
    with pytest.raises(FileRefused) as refusal:
        read_with(open_dates, mapping)
    assert (refusal.value.outcome, "the day or the month" in refusal.value.reason) == (ImportOutcome.NEEDS_MAPPING, True)
    assert [score.for_date for score in read_with(open_dates, with_order(mapping, DateOrder.MONTH_FIRST)).scores] == [
        MAR_4,
        date(2026, 5, 4),
    ]
    told = read(table(header, ["03/04/2026 08:12:33", "3"], ["03/14/2026 08:12:33", "4"]))
    assert [score.for_date for score in told.scores] == [MAR_4, date(2026, 3, 14)]


def test_did_you_run_answered_with_no_is_a_day_without_a_run() -> None:
    content = table(
        ["Date", "Did you run today?", "Pain the next morning"],
        ["2026-03-04", "No", "2"],
        ["2026-03-05", "Yes", ""],
        ["2026-03-06", "", "1"],
    )
    found = read(content)
    assert found.days_without_run == (MAR_4,)
    assert len(found.scores) == 2


def test_a_form_without_answers_holds_nothing() -> None:
    with pytest.raises(FileRefused) as refusal:
        read(table(["Date", "Pain during"], ["2026-03-04", ""]))
    assert refusal.value.outcome is ImportOutcome.NO_DATA


def test_a_form_without_columns_for_scores_asks() -> None:
    mapping = replace(mapping_of(table(["Date", "Pain during"], ["2026-03-04", "3"])), scores=())
    assert mapping.questions == ("Which columns are pain scores, and for which moment?",)


MOMENTS = {
    PainMoment.BEFORE: ("before the run", "vor dem Lauf", "antes de correr", "avant la course", "przed biegiem", "prima della corsa", "antes da corrida", "voor het lopen"),
    PainMoment.DURING: ("during the run", "während des Laufs", "durante la carrera", "pendant la course", "podczas biegu", "durante la corsa", "durante a corrida", "tijdens het lopen"),
    PainMoment.AFTER: ("after the run", "nach dem Lauf", "después de correr", "après la course", "po biegu", "dopo la corsa", "depois da corrida", "na het lopen"),
    PainMoment.NEXT_MORNING: ("the morning after the run", "am Morgen nach dem Lauf", "a la mañana siguiente", "le lendemain matin", "następnego dnia rano", "la mattina dopo", "na manhã seguinte", "de volgende ochtend"),
    PainMoment.NIGHT_LYING: ("at night, lying on the sore side", "nachts beim Liegen auf der Seite", "de noche acostado", "la nuit, couché", "w nocy podczas leżenia", "di notte, sdraiato", "à noite, deitado", "'s nachts bij liggen"),
    RestMoment.REST: ("at rest", "in Ruhe", "en reposo", "au repos", "w spoczynku", "a riposo", "em repouso", "in rust"),
    RestMoment.NIGHT_REST: ("at night", "nachts", "por la noche", "la nuit", "w nocy", "di notte", "à noite", "'s nachts"),
}  # fmt: skip


@pytest.mark.parametrize(("moment", "words"), [(moment, words) for moment, all_words in MOMENTS.items() for words in all_words])
def test_a_moment_is_known_by_its_words(moment: PainMoment | RestMoment, words: str) -> None:
    assert moment_of(words) is moment


@pytest.mark.parametrize(
    ("text", "nprs"),
    [
        ("8", 8), ("8 - very bad", 8), ("8 – sehr stark", 8), ("8/10", 8), ("8 / 10", 8), ("8 von 10", 8), ("8 out of 10", 8), ("8 sur 10", 8),
        ("8 de 10", 8), ("8 na 10", 8), ("8 su 10", 8), ("8 van 10", 8), ("10 (worst)", 10), ("0 - kein Schmerz", 0), ("No pain (0)", 0),
        ("8.0", 8), ("8,0", 8), ("10/10", 10), ("", None), ("--", None),
    ],
)  # fmt: skip
def test_a_score_with_the_words_around_it(text: str, nprs: int | None) -> None:
    assert score_in(text) == nprs


@pytest.mark.parametrize(
    "text", ["11", "-1", "7.5", "7,5", "3-4", "3 – 4", "3 to 4", "2 bis 3", "8/5", "very bad", "85/100", "eight", "3 4"]
)
def test_what_is_no_whole_score_is_refused(text: str) -> None:
    with pytest.raises(LineRefused):
        score_in(text)


def test_sides_and_answers_in_each_language() -> None:
    for left, right in (
        ("left", "right"),
        ("links", "rechts"),
        ("izquierda", "derecha"),
        ("gauche", "droite"),
        ("lewa", "prawa"),
        ("sinistra", "destra"),
        ("esquerda", "direita"),
        ("linker heup", "rechter heup"),
    ):
        assert sides_of(left) == (Side.LEFT,)
        assert sides_of(right) == (Side.RIGHT,)
    assert [answer_in(text) for text in ("Yes", "Ja", "Sí", "Oui", "Tak", "Sì", "Sim")] == [True] * 7
    assert [answer_in(text) for text in ("No", "Nein", "Non", "Nie", "Não", "Nee")] == [False] * 6
    with pytest.raises(LineRefused):
        answer_in("sometimes")
