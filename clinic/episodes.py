"""One episode for who asks: its facts read, its meaning worked out."""

import functools
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from clinic.today import counts_for, side_words
from data import audit, queries, screens, strength
from data.database import engine
from data.records import local_today
from models import PAIN_AT_REST, RestMoment, ScreenAnswer, Side, Viewer, VisitStatus
from rehab.days import day_words
from rehab.episode import Coverage, EpisodeFacts, EpisodeSummary, Mark, PainZones, answered_sentence, summarise_episode
from rehab.limits import Limits
from rehab.next_week import NextWeek, next_week
from rehab.now import Fact, facts_now, now_sentence
from rehab.red_flags import ITEMS
from rehab.run_list import run_list
from rehab.since_visit import SinceFact, last_visit_of, since_sentence, since_visit

__all__ = ["Episode", "Meaning", "NextWeek", "change_marks", "episode"]

SUMMARIES_KEPT = 256
RED_FLAG_MARK = "red_flag"
RED_FLAG_TITLES = {item.name: item.title for item in ITEMS}


@dataclass(frozen=True)
class Meaning:
    """What an episode's facts mean, kept for each version of them; what pages show of it is worked out when first asked for."""

    summary: EpisodeSummary
    rest_pain_on: date | None
    no_rest_pain_since: date | None

    @functools.cached_property
    def facts_now(self) -> tuple[Fact, ...]:
        """Give the few numbers that say where the runner stands now."""
        return facts_now(self.summary)

    @functools.cached_property
    def since_visit(self) -> tuple[SinceFact, ...]:
        """Give what changed since the last visit before this day."""
        return since_visit(self.summary, last_visit=last_visit_of(self.summary))

    @functools.cached_property
    def since_sentence(self) -> str:
        """Say which days that holds against which."""
        return since_sentence(self.summary, last_visit=last_visit_of(self.summary))

    @functools.cached_property
    def next_week(self) -> NextWeek | None:
        """Give the decision for next week in words; None of an episode that has ended."""
        return None if self.summary.facts.ended_on is not None else next_week(self.summary.decision)

    @functools.cached_property
    def sentences(self) -> tuple[str, ...]:
        """Say what stands under the chart: how much was answered, where pain goes, how cadence was compared."""
        summary = self.summary
        ended = () if summary.facts.ended_on is None else (f"As of {day_words(summary.as_of)}, the last day of this episode.",)
        return *ended, answered_sentence(summary), summary.trend.sentence, summary.equal_speed.sentence, *_sideless(summary)

    @functools.cached_property
    def run_list(self) -> pd.DataFrame:
        """Give the runs in words, newest first."""
        return run_list(self.summary)


@dataclass(frozen=True)
class Episode:
    """
    An episode as pages show it. `version` changes with every write of the patient's facts and with the day.

    One that has ended stands as of its last day: what came later belongs to no episode or to the next.
    """

    row: queries.EpisodeRow
    meaning: Meaning

    @property
    def summary(self) -> EpisodeSummary:
        """Give the episode summarised as of the day, or as of its last day if it has ended."""
        return self.meaning.summary

    @property
    def header(self) -> str:
        """Say in one line what the episode is."""
        row = self.row
        parts = [
            f"{side_words(row.side)}{row.problem}",
            row.diagnosis_label + (f" ({row.icd10_code})" if row.icd10_code else ""),
            f"in care since {day_words(row.started_on)}" + (f", discharged {day_words(row.ended_on)}" if row.ended_on else ""),
            row.therapist,
            row.site,
        ]
        return " · ".join(part for part in parts if part)

    @property
    def rest_pain_words(self) -> str:
        """Say that a question about pain at rest was answered yes; empty if not."""
        yes_on = self.meaning.rest_pain_on
        if yes_on is None:
            return ""
        no_since = self.meaning.no_rest_pain_since
        later = f", then no for {day_words(no_since)}" if no_since else ""
        return f"Pain at rest or at night, whatever the position: answered yes for {day_words(yes_on)}{later}. Look at this first."

    @property
    def facts_now(self) -> tuple[Fact, ...]:
        """Give the few numbers that say where the runner stands now."""
        return self.meaning.facts_now

    @property
    def now_sentence(self) -> str:
        """Say those numbers in one line."""
        return now_sentence(self.facts_now)

    @property
    def since_visit(self) -> tuple[SinceFact, ...]:
        """Give what changed since the last visit."""
        return self.meaning.since_visit

    @property
    def since_sentence(self) -> str:
        """Say which days that holds against which."""
        return self.meaning.since_sentence

    @property
    def next_week(self) -> NextWeek | None:
        """Give the decision for next week in words; None of an episode that has ended."""
        return self.meaning.next_week

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say what stands under the chart: how much was answered, where pain goes, how cadence was compared."""
        return self.meaning.sentences

    @property
    def run_list(self) -> pd.DataFrame:
        """Give the runs in words, newest first."""
        return self.meaning.run_list

    @property
    def version(self) -> tuple[str, int, date]:
        return self.row.key, self.row.changed_seq, self.summary.as_of


def _sideless(summary: EpisodeSummary) -> tuple[str, ...]:
    """Say how many scores of the episode's time came without a side, so that nobody believes they are drawn."""
    scores = summary.facts.scores
    since = pd.Timestamp(summary.facts.started_on)
    number = int(((scores["side"] == Side.UNSPECIFIED.value) & (scores["for_date"] >= since)).sum())
    if not number:
        return ()
    what = "1 pain score has no side: it is" if number == 1 else f"{number} pain scores have no side: they are"
    return (f"{what} in the diary, but on no chart.",)


class _Kept:
    """Meanings of this process by version. Whether a viewer may see an episode is asked before each look into it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: OrderedDict[tuple[object, ...], Meaning] = OrderedDict()

    def get(self, version: tuple[object, ...]) -> Meaning | None:
        with self._lock:
            if version in self._items:
                self._items.move_to_end(version)
            return self._items.get(version)

    def put(self, version: tuple[object, ...], item: Meaning) -> None:
        with self._lock:
            self._items[version] = item
            while len(self._items) > SUMMARIES_KEPT:
                self._items.popitem(last=False)


_KEPT = _Kept()


def episode(viewer: Viewer, key: str, *, as_of: date | None = None, database: sa.Engine | None = None) -> Episode:
    """
    Join the facts of an episode with their meaning. That somebody looks is written down first.

    Parameters
    ----------
    viewer : Viewer
        Who asks; the data layer refuses what is not theirs.
    key : str
        The episode's random key.
    as_of : date, optional
        The day to look from; default today where the patient lives. After the last day of an ended episode it is that day.
    database : Engine, optional
        Default the process's own.

    Raises
    ------
    NotFound
        If there is no such episode for this viewer.
    """
    database = database or engine()
    audit.viewed(database, viewer, "episode", episode_key=key)
    row = queries.episode(database, viewer, key)
    asked = as_of or local_today(row.time_zone)
    day = min(asked, row.ended_on or asked)
    settings = queries.clinic(database)
    version = (str(database.url), row.key, row.changed_seq, day, settings.week_start)
    kept = _KEPT.get(version)
    if kept is None:
        answers = queries.rest_answers(database, viewer, row.patient_key)
        at_rest = answers[answers["moment"].isin(PAIN_AT_REST)]
        answered = [(answer["for_date"].date(), bool(answer["answer"])) for answer in at_rest.to_dict("records")]
        yes_days = tuple(sorted(told for told, yes in answered if yes and counts_for(told, row.started_on)))
        facts = replace(_facts(database, viewer, row, settings.week_start, answers), rest_pain_days=yes_days)
        yes_on = max(yes_days, default=None)
        no_since = max((told for told, yes in answered if not yes and yes_on is not None and told > yes_on), default=None)
        kept = Meaning(summarise_episode(facts, as_of=day), yes_on, no_since)
        _KEPT.put(version, kept)
    return Episode(row, kept)


def _facts(database: sa.Engine, viewer: Viewer, row: queries.EpisodeRow, week_start: int, answers: pd.DataFrame) -> EpisodeFacts:
    covered = queries.coverage(database, viewer, row.patient_key)
    plans = queries.plans(database, viewer, row.key)
    screen = screens.screen_answers(database, viewer, row.key)
    return EpisodeFacts(
        side=row.side,
        started_on=row.started_on,
        ended_on=row.ended_on,
        distance_unit=row.distance_unit,
        week_start=week_start,
        zones=PainZones(row.pain_comfortable_max, row.pain_acceptable_max),
        coverage=None if covered is None else Coverage(*covered),
        runs=queries.runs(database, viewer, row.patient_key),
        scores=queries.scores(database, viewer, row.patient_key),
        plans=plans,
        marks=_marks(database, viewer, row, plans, screen),
        screen=screen,
        strength=strength.strength_sessions(database, viewer, row.key),
        limping_days=_limping_days(answers, row.side),
        diagnosis_class=row.diagnosis_class,
        limits=Limits(
            comfortable_max=row.pain_comfortable_max,
            acceptable_max=row.pain_acceptable_max,
            settled_max=row.settled_max,
            max_step_ratio=row.max_step_ratio,
            no_suggestions=row.no_suggestions,
            no_suggestions_reason=row.no_suggestions_reason,
        ),
        birth_date=row.birth_date,
    )


def _limping_days(answers: pd.DataFrame, side: Side) -> pd.Series:
    """Give the days of which the runner said that they limped on a side."""
    limped = (answers["moment"] == RestMoment.LIMPING) & answers["answer"] & (answers["side"] == side)
    return answers.loc[limped, "for_date"].sort_values(ignore_index=True)


def _plan_day(valid_from: date, written_on: date) -> date:
    """Say on which day a plan is marked: on that on which it was written if its first week had begun, else on the first day of that week."""
    return written_on if timedelta(0) <= written_on - valid_from < timedelta(days=7) else valid_from


def _marks(database: sa.Engine, viewer: Viewer, episode: queries.EpisodeRow, plans: pd.DataFrame, screen: pd.DataFrame) -> tuple[Mark, ...]:
    zone = ZoneInfo(episode.time_zone)
    visits = queries.visits(database, viewer, episode.key)
    held = visits[visits["status"] == VisitStatus.ARRIVED]
    marks = [Mark(row["visit_date"].date(), "visit", row["summary"] or "Visit") for row in held.to_dict("records")]
    for row in plans.to_dict("records"):
        day = _plan_day(row["valid_from"].date(), row["created_at_utc"].astimezone(zone).date())
        marks.append(Mark(day, "plan", row["reason"] or f"Plan {row['version']}"))
    marks += [*change_marks(database, viewer, episode.key), *_red_flag_marks(screen)]
    return tuple(sorted(marks, key=lambda mark: (mark.day, mark.kind)))


def _red_flag_marks(screen: pd.DataFrame) -> list[Mark]:
    """Give the days on which red flags were opened and closed. What patients are shown has none of them."""
    marks = []
    for answer in screen[screen["answer"] == ScreenAnswer.YES].to_dict("records"):
        title = RED_FLAG_TITLES[answer["item"]]
        marks.append(Mark(answer["asked_on"].date(), RED_FLAG_MARK, f"Red flag opened: {title}"))
        if not pd.isna(answer["closed_on"]):
            marks.append(Mark(answer["closed_on"].date(), RED_FLAG_MARK, f"Red flag closed: {title}"))
    return marks


def change_marks(database: sa.Engine, viewer: Viewer, episode_key: str) -> list[Mark]:
    """Give the dated changes of an episode, such as a cue or new shoes, as marks, oldest first."""
    changes = queries.changes(database, viewer, episode_key)
    return [Mark(row["day"].date(), row["kind"], row["label"]) for row in changes.to_dict("records")]
