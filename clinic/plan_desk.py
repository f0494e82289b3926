"""All that the plan page shows of an episode: its facts, and the versions of its plan as they were saved."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from clinic import episodes
from clinic.episodes import Episode
from data import audit, plans, queries
from data.database import engine
from data.records import local_today
from models import DistanceUnit, Viewer
from rehab.decision import Decision
from rehab.plan import PlanWeek, plan_on
from rehab.plan_draft import DraftWeek

WEEKS_AHEAD = 4  # in how many weeks a plan may begin, this one included


@dataclass(frozen=True)
class Version:
    """A version of the plan as it was saved. `weeks` are those that it lists."""

    plan: PlanWeek
    weeks: tuple[DraftWeek, ...]
    saved_at: datetime
    outside_band: bool

    @property
    def number(self) -> int:
        """Give its number, from 1."""
        return self.plan.version

    @property
    def saved_words(self) -> str:
        """Say who saved it and when."""
        return f"{self.plan.author or 'somebody who is not known any more'}, {self.saved_at:%Y-%m-%d %H:%M}"


@dataclass(frozen=True)
class Desk:
    """All that the plan page shows of an episode. `versions` are the newest first, those for later weeks among them."""

    episode: Episode
    today: date
    week_start: int
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version | None:
        """Give the newest version; None without one."""
        return self.versions[0] if self.versions else None

    @property
    def newest_number(self) -> int:
        """Give its number; 0 without one."""
        return self.newest.number if self.newest else 0

    @property
    def unit(self) -> DistanceUnit:
        """Give the patient's unit."""
        return self.episode.row.distance_unit

    @property
    def decision(self) -> Decision:
        """Give the state and what follows from it."""
        return self.episode.summary.decision

    @property
    def first_days(self) -> tuple[date, ...]:
        """Give the weeks that a plan can begin with, this one first."""
        this_week = self.today - timedelta(days=(self.today.weekday() - self.week_start) % 7)
        return tuple(this_week + timedelta(days=7 * number) for number in range(WEEKS_AHEAD))

    def version(self, number: int) -> Version | None:
        """Give a version by its number; None if there is none."""
        return next((each for each in self.versions if each.number == number), None)


def desk(viewer: Viewer, key: str) -> Desk:
    """
    Read an episode with all versions of its plan. That somebody looks is written down first.

    Raises
    ------
    NotFound
        If there is no such episode for this viewer.
    """
    audit.viewed(engine(), viewer, "plan page", episode_key=key)
    shown = episodes.episode(viewer, key)
    week_start = queries.clinic(engine()).week_start
    rows = queries.plans(engine(), viewer, key)
    listed = plans.plan_weeks(engine(), viewer, key)
    zone = ZoneInfo(shown.row.time_zone)
    versions = [
        Version(
            _plan_of(rows, int(row["version"]), row["valid_from"].date(), week_start),
            _weeks_of(listed, int(row["version"])),
            row["created_at_utc"].astimezone(zone),
            bool(row["outside_band"]),
        )
        for row in rows.to_dict("records")
    ]
    return Desk(shown, local_today(shown.row.time_zone), week_start, tuple(reversed(versions)))


def _plan_of(rows: pd.DataFrame, number: int, valid_from: date, week_start: int) -> PlanWeek:
    found = plan_on(rows[rows["version"] == number], valid_from, week_start=week_start, ended_on=None)
    assert found is not None  # a version counts in its own first week
    return found


def _weeks_of(listed: pd.DataFrame, number: int) -> tuple[DraftWeek, ...]:
    rows = listed[listed["version"] == number].to_dict("records")
    return tuple(
        DraftWeek(row["week_start"].date(), int(row["distance_m"]), _whole(row["runs"]), _whole(row["longest_run_m"])) for row in rows
    )


def _whole(value: float) -> int | None:
    return None if pd.isna(value) else int(value)
