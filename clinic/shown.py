"""What a patient is shown in the visit mode and handed on paper, joined for who asks."""

import hashlib
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from clinic.episodes import Episode, episode
from data import audit, plans, queries
from data.database import engine
from data.exports import Taken
from data.permissions import NotFound
from models import AuditAction, Viewer
from rehab.charts.theme import Scheme, palette
from rehab.handout import PAPER_WORDS, Handout, Paper, handout_pdf, handout_pictures, paper_of
from rehab.handout_chart import HandoutChart, handout_chart
from rehab.handout_weeks import next_weeks
from rehab.handout_words import Part, Story, story
from rehab.since_visit import last_visit_of, since_visit

__all__ = ["PAPER_WORDS", "Paper", "Part", "Shown", "printed", "printed_as", "shown"]

PDF = "application/pdf"
KIND = "handout"  # as the audit calls it


@dataclass(frozen=True)
class Shown:
    """One episode as its patient sees it: no note, no flag, nobody else."""

    episode: Episode
    handout: Handout

    @property
    def key(self) -> str:
        return self.episode.row.key

    @property
    def story(self) -> Story:
        """Give the words of the screens. What is withheld is not in them."""
        made = self.handout
        return story(made.summary, facts=made.facts, last_visit=made.last_visit, planned=made.planned)

    @property
    def paper(self) -> Paper:
        """Give the paper that is usual where the patient's unit is."""
        return paper_of(self.handout.summary.facts.distance_unit)

    def chart(self, scheme: Scheme, *, narrow: bool) -> HandoutChart:
        """Give the small chart for the screen."""
        return handout_chart(self.handout.summary, palette=palette(scheme), on_screen=True, narrow=narrow)

    def pictures(self, paper: Paper) -> tuple[bytes, ...]:
        """Give the pages of the hand-out as pictures."""
        return handout_pictures(self.handout, paper)


def shown(viewer: Viewer, episode_key: str, *, as_of: date | None = None, database: sa.Engine | None = None) -> Shown:
    """
    Join what a patient may see of their episode. That somebody opens it is written down first.

    Parameters
    ----------
    viewer : Viewer
        Who asks; the data layer refuses what is not theirs.
    episode_key : str
        The episode's random key.
    as_of : date, optional
        The day to look from; default today where the patient lives.
    database : Engine, optional
        Default the process's own.

    Raises
    ------
    NotFound
        If there is no such episode for this viewer.
    """
    database = database or engine()
    audit.viewed(database, viewer, "visit mode", episode_key=episode_key)
    return _shown(viewer, episode_key, as_of, database)


def printed(viewer: Viewer, episode_key: str, paper: Paper, *, as_of: date | None = None, database: sa.Engine | None = None) -> Taken:
    """
    Make the hand-out as a file. That it was printed is written down before it is given: no audit, no paper.

    Raises
    ------
    NotFound
        If there is no such episode for this viewer.
    """
    database = database or engine()
    made = _shown(viewer, episode_key, as_of, database)
    patient_key = made.episode.row.patient_key
    audit.may_take_away(database, viewer, patient_key)
    content = handout_pdf(made.handout, paper)
    sha256 = hashlib.sha256(content).hexdigest()
    audit.taken_away(database, viewer, patient_key, KIND, rows=1, sha256=sha256, action=AuditAction.PRINT)
    return Taken(f"{KIND}-{made.handout.summary.as_of.isoformat()}-{paper.value}.pdf", PDF, content)


def printed_as(viewer: Viewer, episode_key: str, paper: str) -> Taken:
    """Make the hand-out for a paper by its name in an address; one that is not offered is not found."""
    if paper not in {one.value for one in Paper}:
        raise NotFound("file")
    return printed(viewer, episode_key, Paper(paper))


def _shown(viewer: Viewer, episode_key: str, as_of: date | None, database: sa.Engine) -> Shown:
    found = episode(viewer, episode_key, as_of=as_of, database=database)
    summary, clinic = found.summary, queries.clinic(database)
    last_visit = last_visit_of(summary)
    planned = next_weeks(
        queries.plans(database, viewer, episode_key),
        plans.plan_weeks(database, viewer, episode_key),
        as_of=summary.as_of,
        week_start=clinic.week_start,
        ended_on=found.row.ended_on,
    )
    handout = Handout(
        for_whom=found.row.patient_name,
        clinic=clinic.name,
        summary=summary,
        facts=since_visit(summary, last_visit=last_visit),
        last_visit=last_visit,
        planned=() if summary.screen.withholds else planned,
        colours=palette("light"),
    )
    return Shown(found, handout)
