"""
The patient's hand-out: at most two pages of PDF, typeset without network, tagged for screen readers (docs/decisions/0008-handout-typesetter.md).

The typesetter gets the words as data: no text of a person is ever read as its markup.
"""

import functools
import json
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import typst
from fontpkg_source_sans_3 import FAMILY, ROOT

from models import DistanceUnit
from rehab.days import day_words
from rehab.episode import EpisodeSummary
from rehab.handout_chart import Colours, handout_chart
from rehab.handout_template import TEMPLATE
from rehab.handout_weeks import PlannedWeek
from rehab.handout_words import Part, story
from rehab.since_visit import SinceFact

PAGES_MAX = 2
PREVIEW_PIXELS_PER_INCH = 110


class Paper(StrEnum):
    """Size of the paper, as the address says it."""

    LETTER = "letter"
    A4 = "a4"


PAPER_WORDS = {Paper.LETTER: "Letter", Paper.A4: "A4"}
_TYPST_NAMES = {Paper.LETTER: "us-letter", Paper.A4: "a4"}


@dataclass(frozen=True)
class Handout:
    """
    What a hand-out is made from.

    Attributes
    ----------
    for_whom : str
        The patient's name, so that no paper goes to another.
    clinic : str
        The clinic's name.
    summary : EpisodeSummary
        One episode.
    facts : tuple of SinceFact
        As `rehab.since_visit.since_visit` gives them.
    last_visit : date or None
        The visit since which they are.
    planned : tuple of PlannedWeek
        The next weeks of the confirmed plan.
    colours : Colours
        Those of paper.
    """

    for_whom: str
    clinic: str
    summary: EpisodeSummary
    facts: tuple[SinceFact, ...]
    last_visit: date | None
    planned: tuple[PlannedWeek, ...]
    colours: Colours


def paper_of(unit: DistanceUnit) -> Paper:
    """
    Give the paper that is usual where a unit is.

    >>> paper_of(DistanceUnit.MILE), paper_of(DistanceUnit.KILOMETRE)
    (<Paper.LETTER: 'letter'>, <Paper.A4: 'a4'>)
    """
    return Paper.LETTER if unit is DistanceUnit.MILE else Paper.A4


def handout_pdf(handout: Handout, paper: Paper) -> bytes:
    """
    Typeset a hand-out. The same facts give the same bytes.

    Returns
    -------
    bytes
        PDF/UA-1, fonts embedded. With letters that our font does not have: tagged too, but not held to the standard.
    """
    inputs = _inputs(handout, paper)
    try:
        made = _compiler(_own_fonts()).compile(TEMPLATE.encode(), sys_inputs=inputs, pdf_standards=["ua-1"])
    except typst.TypstError:  # a name in letters that our font does not have: the standard refuses it, the patient still gets the paper
        made = _compiler(_all_fonts()).compile(TEMPLATE.encode(), sys_inputs=inputs)
    assert isinstance(made, bytes)
    return made


def handout_pictures(handout: Handout, paper: Paper) -> tuple[bytes, ...]:
    """Give each page as PNG, to look at before it is printed."""
    inputs = _inputs(handout, paper)
    made = _compiler(_all_fonts()).compile(TEMPLATE.encode(), sys_inputs=inputs, format="png", ppi=PREVIEW_PIXELS_PER_INCH)
    return (made,) if isinstance(made, bytes) else tuple(made or ())


@functools.cache
def _own_fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(ROOT / "files")])


@functools.cache
def _all_fonts() -> typst.Fonts:
    """Give our font and, for letters that it does not have, those of the machine."""
    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=False, font_paths=[str(ROOT / "files")])


def _compiler(fonts: typst.Fonts) -> typst.Compiler:
    # a new one each time: two threads never share one
    return typst.Compiler(font_paths=fonts)


def _seen(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


def _inputs(handout: Handout, paper: Paper) -> dict[str, str]:
    summary = handout.summary
    told = story(summary, facts=handout.facts, last_visit=handout.last_visit, planned=handout.planned)
    chart = handout_chart(summary, palette=handout.colours)
    content = {
        "family": FAMILY,
        "paper": _TYPST_NAMES[paper],
        "title": "Your running",
        "for_whom": _seen(handout.for_whom),
        "clinic": _seen(handout.clinic),
        "day": day_words(summary.as_of),
        "where": _part(told.where),
        "changed": _part(told.changed),
        "ahead": _part(told.ahead),
        "facts": [{"label": fact.label, "value": fact.value, "change": fact.change} for fact in handout.facts],
        "chart": chart.svg,
        "chart_words": chart.words,
        "weeks": [{"title": week.title, "lines": list(week.lines)} for week in told.weeks],
        "zones": [{"name": zone.name, "scores": zone.scores, "says": zone.says} for zone in told.zones],
        "settled": told.settled,
        "ink": handout.colours.ink,
        "quiet": handout.colours.quiet_ink,
        "rule": handout.colours.rule,
        "raised": handout.colours.raised,
        "accent": handout.colours.accent,
    }
    return {"content": json.dumps(content)}


def _part(part: Part) -> dict[str, object]:
    return {"title": part.title, "beside": part.beside, "sentence": part.sentence, "lines": list(part.lines)}
