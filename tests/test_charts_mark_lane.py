"""The texts of visits and changes above the panels: none covers another, the rare ones come first."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models import ChangeKind
from rehab.charts.mark_lane import GLYPH_PX, LETTER_PX, PlacedMark, placed_marks
from rehab.episode import Mark

FIRST = date(2025, 3, 3)
LAST = FIRST + timedelta(days=90)
PLOT_PX = 910.0  # 10 px a day
BEYOND_PX = 100.0


def lane(*marks: Mark, rows: int = 3, longest: int = 30) -> list[PlacedMark]:
    return placed_marks(marks, first=FIRST, last=LAST, plot_px=PLOT_PX, beyond_px=BEYOND_PX, rows=rows, longest=longest)


def on(day: int, kind: str = "visit", label: str = "") -> Mark:
    return Mark(FIRST + timedelta(days=day), kind, label)


def test_each_day_with_marks_has_one_line() -> None:
    marks = lane(on(3, label="strength tested"), on(3, "plan", "12 mi"), on(40), on(200))
    assert [(mark.day, mark.kind, mark.text) for mark in marks] == [
        (FIRST + timedelta(days=3), "plan", "12 mi · strength tested"),
        (FIRST + timedelta(days=40), "visit", "Visit"),
    ]


def test_texts_far_apart_stand_beside_their_signs() -> None:
    assert [(mark.row, mark.to_the_left) for mark in lane(on(10, label="first visit"), on(60, label="second visit"))] == [
        (0, False),
        (0, False),
    ]


def test_a_text_that_would_cover_its_neighbour_goes_to_the_other_side_or_up() -> None:
    early, late = lane(on(40, label="side plank 30 s"), on(43, label="stairs without pain"))
    assert (late.row, late.to_the_left) == (0, False)
    assert (early.row, early.to_the_left) == (0, True)
    early, late = lane(on(2, label="side plank 30 s"), on(5, label="stairs without pain"))
    assert (late.row, late.to_the_left) == (0, False)
    assert (early.row, early.to_the_left) == (1, False)  # no room left of it


def test_a_text_near_the_end_may_run_into_the_margin_and_no_further() -> None:
    (short,) = lane(on(90, label="x" * 15))  # 905 + 9 + 15 × 5.5 = 996.5 px, of 1010
    assert not short.to_the_left
    (long,) = lane(on(90, label="x" * 25))  # 1051.5 px
    assert long.to_the_left


def test_a_rare_change_comes_before_a_plan_and_a_plan_before_a_visit() -> None:
    crowd = [on(day, "visit", "hip strength tested") for day in (44, 45, 47, 48)]
    marks = lane(*crowd, on(46, ChangeKind.CADENCE_CUE, "metronome at 168"), rows=1)
    assert [mark.text for mark in marks if mark.kind == ChangeKind.CADENCE_CUE] == [""]  # signs all around, one row: no room
    marks = lane(*crowd, on(46, ChangeKind.CADENCE_CUE, "metronome at 168"), on(49, "plan", "12 mi"), rows=2)
    told = {mark.kind: mark.text for mark in marks if mark.text}
    assert told[ChangeKind.CADENCE_CUE] == "metronome at 168"


def test_a_long_text_is_cut_with_a_sign_that_it_goes_on() -> None:
    (mark,) = lane(on(10, label="sore mornings, so back to twelve miles"), longest=20)
    assert mark.text == "sore mornings, so b…"
    assert len(mark.text) == 20


def test_where_the_text_has_no_room_the_word_of_its_kind_may_have() -> None:
    marks = lane(on(40, label="a"), on(44, "plan", "up to sixteen miles a week"), on(52, label="b"), rows=1)
    assert marks[1].text == "Plan"


days = st.lists(st.integers(0, 90), min_size=1, max_size=40, unique=True)
labels = st.text(alphabet="abc ", max_size=40)


@given(days, st.data(), st.integers(1, 3))
def test_no_text_is_covered_by_a_text_a_sign_or_a_line(days: list[int], data: st.DataObject, rows: int) -> None:
    marks = [on(day, data.draw(st.sampled_from(["visit", "plan", *ChangeKind])), data.draw(labels)) for day in days]
    placed = lane(*marks, rows=rows)
    assert [mark.day for mark in placed] == sorted(mark.day for mark in marks)

    def span(mark: PlacedMark) -> tuple[float, float, float]:
        at, width = (mark.day - FIRST).days * 10 + 5, len(mark.text) * LETTER_PX
        return (at, at - GLYPH_PX - width, at - GLYPH_PX / 2) if mark.to_the_left else (at, at + GLYPH_PX / 2, at + GLYPH_PX + width)

    for one in (mark for mark in placed if mark.text):
        _, left, right = span(one)
        assert left >= 0
        assert right <= PLOT_PX + BEYOND_PX
        assert one.row < rows
        for other in (mark for mark in placed if mark is not one):
            other_at, other_left, other_right = span(other)
            if other.text and other.row == one.row:
                assert right <= other_left or other_right <= left
            if other.row > one.row or one.row == 0:  # its line, or its sign, passes here
                assert not left < other_at < right
