"""Our table of pain scores: moments and sides are never mixed, and an empty score is no score."""

from datetime import date

import pytest

from data.importers.base import FileRefused, ReadRest, ReadScore
from data.importers.pain_csv import read, recognises
from models import ImportOutcome, PainMoment, RestMoment, Side

LONG = "date,moment,side,nprs"
WIDE = "date,side,before,during,after,next_morning,night_lying,rest,night_rest,did_not_run"
DAY = date(2025, 3, 2)


def table(*lines: str, header: str = LONG) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def refused(line: str) -> str:
    """Read the bad line in line 3, between two good ones: both good ones are kept."""
    found = read(table("2025-01-01,before,left,1", line, "2025-01-02,before,left,1"))
    assert len(found.scores) == 2
    assert [refusal.line for refusal in found.refused_lines] == [3]
    return found.refused_lines[0].reason


def test_one_line_is_one_score() -> None:
    found = read(table("2025-03-02,during,left,3", "2025-03-03,next_morning,right,0"))
    assert found.scores == (
        ReadScore(DAY, PainMoment.DURING, Side.LEFT, 3, 2),
        ReadScore(date(2025, 3, 3), PainMoment.NEXT_MORNING, Side.RIGHT, 0, 3),
    )


def test_an_empty_score_is_no_score_and_never_0() -> None:
    found = read(table("2025-03-02,during,left,", "2025-03-02,after,left,0"))
    assert [(score.moment, score.nprs) for score in found.scores] == [(PainMoment.AFTER, 0)]
    assert found.refused_lines == ()


def test_one_line_a_day_has_a_column_a_moment() -> None:
    found = read(table("2025-03-02,left,1,3,2,,4,no,yes,", header=WIDE))
    assert [(score.moment.value, score.nprs) for score in found.scores] == [("before", 1), ("during", 3), ("after", 2), ("night_lying", 4)]
    assert found.rest_answers == (
        ReadRest(DAY, RestMoment.REST, Side.LEFT, answer=False, line=2),
        ReadRest(DAY, RestMoment.NIGHT_REST, Side.LEFT, answer=True, line=2),
    )


def test_a_table_without_sides_leaves_the_side_open() -> None:
    assert read(table("2025-03-02,3", header="date,during")).scores == (ReadScore(DAY, PainMoment.DURING, None, 3, 2),)


def test_not_having_run_is_said_in_either_form() -> None:
    assert read(table("2025-03-02,did_not_run,,", "2025-03-03,did not run,,yes")).days_without_run == (DAY, date(2025, 3, 3))
    assert read(table("2025-03-02,left,,,,2,,,,yes", "2025-03-03,left,,,,2,,,,no", header=WIDE)).days_without_run == (DAY,)


def test_words_may_be_written_as_people_write_them() -> None:
    found = read(table("2025-03-02,Next Morning,L,3", "2025-03-02,night-lying,Right,2"))
    assert [(score.moment.value, score.side) for score in found.scores] == [("next_morning", "left"), ("night_lying", "right")]


@pytest.mark.parametrize(("text", "nprs"), [("0", 0), ("10", 10), ("3.0", 3), ("3,0", 3)])
def test_whole_numbers_from_0_to_10_are_scores(text: str, nprs: int) -> None:
    content = table(f"2025-03-02;during;left;{text}", header=LONG.replace(",", ";"))
    assert read(content).scores[0].nprs == nprs


@pytest.mark.parametrize("text", ["-1", "11", "3.5", "mild", "3-4", "٣", "NaN"])
def test_anything_else_is_no_score(text: str) -> None:
    assert "whole number from 0 to 10" in refused(f"2025-03-02,during,left,{text}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("03/04/2025,during,left,3", "day and month could be swapped"),
        ("2025-03-02,sometimes,left,3", "is no moment"),
        ("2025-03-02,during,both,3", "one line for each"),
        ("2025-03-02,rest,left,3", "neither yes nor no"),
        ("2025-03-02,during,left,3,4", "5 values"),
        (",during,left,3", "date is missing"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_the_others_are_kept(line: str, said: str) -> None:
    assert said in refused(line)


def test_two_scores_for_one_moment_are_not_chosen_between() -> None:
    found = read(table("2025-03-02,during,left,3", "2025-03-02,during,right,4", "2025-03-02,during,left,5"))
    assert [score.nprs for score in found.scores] == [3, 4]
    assert found.refused_lines[0].line == 4
    assert "line 2 already" in found.refused_lines[0].reason


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_spreadsheet_s_encoding_is_read(encoding: str) -> None:
    content = "date;moment;side;nprs\r\n2025-03-02;after;left;2\r\n".encode(encoding)
    assert recognises(content)
    assert read(content).scores[0].nprs == 2


def test_a_table_without_a_single_score_gives_nothing() -> None:
    with pytest.raises(FileRefused) as found:
        read(table("2025-03-02,during,left,"))
    assert found.value.outcome is ImportOutcome.NO_DATA
    with pytest.raises(FileRefused) as bad:
        read(table("2025-03-02,during,left,11"))
    assert bad.value.outcome is ImportOutcome.UNREADABLE


def test_columns_that_mean_nothing_here_are_named() -> None:
    assert read(table("2025-03-02,3,sunny", header="date,during,weather")).notes == ("Columns that were not read: weather.",)
