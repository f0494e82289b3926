"""The list of the day: active episodes in words, for who asks."""

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeGuard

import sqlalchemy as sa

from data import audit, queries
from data.database import engine
from data.records import local_today
from models import Side, Viewer
from rehab.units import distance_text

SCREEN_VALID_DAYS = 28  # docs: an answer to a red-flag question is valid for four weeks


@dataclass(frozen=True)
class TodayLine:
    """One active episode as the list shows it; `key` opens it, `days_since_log` is None if nothing was ever logged."""

    key: str
    runner: str
    problem: str
    last_pain: str
    week: str
    last_log: str
    days_since_log: int | None
    site: str
    therapist: str
    rest_pain: str

    def matches(self, wanted: str) -> bool:
        """Say whether what is searched for stands in the line; accents and case do not matter."""
        return folded(wanted) in folded(" ".join((self.runner, self.problem, self.therapist, self.site)))

    def shown(self) -> dict[str, str]:
        """Give the columns of the list, without the key."""
        return {
            "Runner": self.runner,
            "Last pain": self.last_pain,
            "This week": self.week,
            "Last log": self.last_log,
            "Pain at rest": self.rest_pain,
            "Problem": self.problem,
            "Site": self.site,
            "Therapist": self.therapist,
        }


def today_list(viewer: Viewer, *, today: date | None = None, database: sa.Engine | None = None) -> list[TodayLine]:
    """
    Give the active episodes that a viewer may see, by name.

    Parameters
    ----------
    viewer : Viewer
        Who asks.
    today : date, optional
        The day for everybody; default today where each patient lives.
    database : Engine, optional
        Default the process's own.
    """
    database = database or engine()
    audit.viewed(database, viewer, "today")
    if today is not None:
        return [_line(row) for row in queries.caseload(database, viewer, today=today)]
    days = {zone: local_today(zone) for zone in queries.time_zones(database, viewer)}
    return [
        _line(row) for row in queries.caseload(database, viewer, today=local_today(queries.clinic(database).time_zone), local_days=days)
    ]


def _line(row: queries.CaseloadRow) -> TodayLine:
    today = row.today
    age = f", {age_years(row.birth_date, today)}" if row.birth_date else ""
    return TodayLine(
        key=row.episode_key,
        runner=f"{row.patient_name}{age}",
        problem=f"{side_words(row.side)}{row.problem}",
        last_pain=_pain_words(row),
        week=_week_words(row),
        last_log=days_ago_words(row.last_log_on, today) if row.last_log_on else "never",
        days_since_log=(today - row.last_log_on).days if row.last_log_on else None,
        site=row.site,
        therapist=row.therapist,
        rest_pain=f"yes, {days_ago_words(row.rest_pain_on, today)}" if counts_for(row.rest_pain_on, row.started_on) else "",
    )


def counts_for(rest_pain_on: date | None, started_on: date) -> TypeGuard[date]:
    """
    Say whether a yes about pain at rest concerns an episode: an answer is valid for 28 days, so those before its start count too.

    >>> counts_for(date(2026, 3, 1), date(2026, 3, 29)), counts_for(date(2026, 3, 1), date(2026, 3, 30))
    (True, False)
    """
    return rest_pain_on is not None and rest_pain_on >= started_on - timedelta(days=SCREEN_VALID_DAYS)


def _pain_words(row: queries.CaseloadRow) -> str:
    if row.last_pain is None or row.last_pain_moment is None or row.last_pain_on is None:
        return "no score"
    side = ", side not told" if row.last_pain_side != row.side else ""
    return f"{row.last_pain} of 10 {row.last_pain_moment.replace('_', ' ')}, {days_ago_words(row.last_pain_on, row.today)}{side}"


def _week_words(row: queries.CaseloadRow) -> str:
    if row.week_distance_m is None:
        return "not known yet"
    if not row.week_runs:
        return "no run so far"
    runs = f"{row.week_runs} run{'' if row.week_runs == 1 else 's'}"
    return f"{distance_text(row.week_distance_m, row.distance_unit, places=1)} in {runs}"


def folded(text: str) -> str:
    """
    Fold case and accents away, for a search.

    >>> folded("José  ÅSA")
    'jose asa'
    """
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(bare.casefold().split())


def days_ago_words(day: date, today: date) -> str:
    """
    Say how long ago a day was.

    >>> days_ago_words(date(2026, 3, 1), date(2026, 3, 3))
    '2 days ago'
    """
    days = (today - day).days
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")


def age_years(birth_date: date, today: date) -> int:
    """
    Count whole years of age.

    >>> age_years(date(1980, 3, 2), date(2026, 3, 1)), age_years(date(1980, 3, 2), date(2026, 3, 2))
    (45, 46)
    """
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))


def side_words(side: Side) -> str:
    """Name a side before a problem; nothing if it is not known."""
    return "" if side == Side.UNSPECIFIED else f"{side.value.capitalize()} side: "
