"""Where the texts of visits and changes stand above the panels, so that none covers another."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from rehab.charts.week_words import MARK_WORDS
from rehab.episode import Mark

LETTER_PX = 5.5  # mean width of a letter of Source Sans at 12 px, a little generous
GLYPH_PX = 9.0
MOST_TEXTS = 24


@dataclass(frozen=True)
class PlacedMark:
    """
    All marks of one day as one line.

    Attributes
    ----------
    day : date
    kind : str
        The kind whose sign stands on the line: a rare change before a plan, a plan before a visit.
    text : str
        Empty where there is no room; the whole text is in the hover and the table.
    row : int
        0 is beside the sign, higher rows stand above.
    to_the_left : bool
        Whether the text ends at the line and does not start there.
    """

    day: date
    kind: str
    text: str
    row: int
    to_the_left: bool


@dataclass(frozen=True)
class _Text:
    at: float
    left: float
    right: float
    row: int


def placed_marks(
    marks: Sequence[Mark], *, first: date, last: date, plot_px: float, beyond_px: float, rows: int, longest: int
) -> list[PlacedMark]:
    """
    Give each day with marks a line and, where there is room, a text.

    Rare changes come before plans, plans before visits, and the newest first. A text that does not fit is tried shorter and
    shorter, then as the bare word of its kind, then left out.

    Parameters
    ----------
    marks : sequence of Mark
        Any order; those outside the time shown are left out.
    first, last : date
        The time shown.
    plot_px, beyond_px : float
        Assumed width of the plot, and of the free margin right of it.
    rows : int
        How many rows of text there may be.
    longest : int
        Letters after which a text is cut even where there is room; half as many where there are more days than MOST_TEXTS.

    Returns
    -------
    list of PlacedMark
        In order of day.
    """
    inside = sorted((mark for mark in marks if first <= mark.day <= last), key=lambda mark: (mark.day, _rank(mark)))
    days = [list(of_day) for _, of_day in groupby(inside, key=lambda mark: mark.day)]
    px_per_day = plot_px / ((last - first).days + 1)
    at = [(of_day[0].day - first).days * px_per_day + px_per_day / 2 for of_day in days]
    by_weight = sorted(range(len(days)), key=lambda place: (_rank(days[place][0]), -place))
    room = _Room(at, plot_px + beyond_px, rows)
    found: dict[int, tuple[str, _Text]] = {}
    for place in by_weight[:MOST_TEXTS]:
        for text in _wordings(days[place], longest if len(days) <= MOST_TEXTS else longest // 2):
            placed = room.place(at[place], len(text) * LETTER_PX)
            if placed is not None:
                found[place] = (text, placed)
                break
    return [
        PlacedMark(of_day[0].day, of_day[0].kind, found[place][0], found[place][1].row, found[place][1].left < at[place] - GLYPH_PX)
        if place in found
        else PlacedMark(of_day[0].day, of_day[0].kind, "", 0, False)
        for place, of_day in enumerate(days)
    ]


def _rank(mark: Mark) -> int:
    return {"visit": 2, "plan": 1}.get(mark.kind, 0)


def _wordings(of_day: Sequence[Mark], longest: int) -> list[str]:
    whole = " · ".join(" ".join(mark.label.split()) or MARK_WORDS.get(mark.kind, "Change") for mark in of_day)
    kind = MARK_WORDS.get(of_day[0].kind, "Change")
    lengths = [length for length in (longest, longest // 2) if length > len(kind)]
    cuts = [whole if len(whole) <= length else whole[: length - 1].rstrip(" ·:,") + "…" for length in lengths]
    return [*dict.fromkeys(cuts), *([kind] if len(kind) < len(cuts[-1]) else [])]


@dataclass
class _Room:
    """The lane while it fills: where the signs stand, its right edge, and the texts placed so far."""

    signs: Sequence[float]
    edge: float
    rows: int
    taken: list[_Text] = field(default_factory=list)

    def place(self, at: float, width: float) -> _Text | None:
        for row in range(self.rows):
            for left, right in ((at - GLYPH_PX / 2, at + GLYPH_PX + width), (at - GLYPH_PX - width, at + GLYPH_PX / 2)):
                text = _Text(at, left, right, row)
                beside = bisect_right(self.signs, right + GLYPH_PX) - bisect_left(self.signs, left - GLYPH_PX) > 1
                if left < 0 or right > self.edge or (row == 0 and beside) or any(_clash(text, other) for other in self.taken):
                    continue
                self.taken.append(text)
                return text
        return None


def _clash(one: _Text, other: _Text) -> bool:
    if one.row == other.row:
        return one.left < other.right + GLYPH_PX and other.left < one.right + GLYPH_PX
    lower, upper = (one, other) if one.row < other.row else (other, one)
    return lower.left - 3 <= upper.at <= lower.right + 3  # the upper one's line would run through the lower text
