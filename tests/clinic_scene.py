"""A small clinic for the tests of data/: two sites, who works there, and runs and scores in few words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from access import accounts
from access import people as access_people
from data import people, plans, queries, records, runs
from data.database import reading, writing
from data.permissions import COMMAND_LINE
from models import (
    Account,
    Clinic,
    DiagnosisClass,
    EpisodeEntry,
    PainEntry,
    PainMoment,
    PatientEntry,
    Person,
    PersonRole,
    PersonSite,
    PlanEntry,
    Role,
    RunEntry,
    Side,
    Site,
    Table,
    Viewer,
)

CHICAGO = "America/Chicago"
TODAY = date(2025, 3, 31)  # a Monday
# An argon2id hash whose passphrase nobody knows: Olga can sign in as far as the clinic knows, so that it counts as set up.
NOBODYS_HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZSBzYWx0IG9mIGE$u1sXxnLqJ0S5dS3uQj3o8Qb1yq0f9mVJrV0m2pVt3mE"
WRITTEN_AT = datetime(2025, 3, 31, 18, 0, tzinfo=UTC)  # 13:00 in Chicago


@dataclass(frozen=True)
class Scene:
    """Tess treats at Lakeside, Theo at Harbour, Olga owns the clinic, Fred has its front desk."""

    engine: sa.Engine
    lakeside: int
    harbour: int
    tess: Viewer
    theo: Viewer
    olga: Viewer
    fred: Viewer

    def patient(self, code: str = "ADA", viewer: Viewer | None = None, **fields: Any) -> str:
        """Register a patient; gives the key."""
        entry = PatientEntry.checked(**{"today": TODAY, "code": code, "time_zone": CHICAGO, **fields})
        return records.add_patient(self.engine, viewer or self.tess, entry)

    def episode(self, patient_key: str, viewer: Viewer | None = None, *, side: Side = Side.LEFT, **fields: Any) -> str:
        """Open an episode of care of the viewer; gives the key."""
        viewer = viewer or self.tess
        given = {
            "today": TODAY,
            "problem": "Lateral hip pain",
            "diagnosis_class": DiagnosisClass.TENDON,
            "started_on": date(2025, 1, 6),
            "therapist_id": viewer.person_id,
        }
        return records.add_episode(self.engine, viewer, patient_key, EpisodeEntry.checked(side=side, **{**given, **fields}))

    def run(self, patient_key: str, entry: RunEntry, *, now: datetime = WRITTEN_AT, viewer: Viewer | None = None) -> int:
        """Store a run; gives its id."""
        return runs.add_run(self.engine, viewer or self.tess, patient_key, entry, now=now)

    def score(self, patient_key: str, *entries: PainEntry, now: datetime = WRITTEN_AT, viewer: Viewer | None = None) -> int:
        """Store scores; gives how many were new."""
        return records.add_pain_scores(self.engine, viewer or self.tess, patient_key, entries, now=now)

    def plan(self, episode_key: str, first_day: date, viewer: Viewer | None = None, **fields: Any) -> int:
        """Store the next version of a plan, from the first day of a week on, written on that day; gives its number."""
        viewer = viewer or self.tess
        known = queries.plans(self.engine, viewer, episode_key)["version"]
        entry = PlanEntry.checked(**{"today": first_day, "valid_from": first_day, "reason": "Build up", **fields})
        return plans.add_plan_version(self.engine, viewer, episode_key, entry, based_on_version=int(known.max()) if len(known) else 0)

    def account(self, who: Viewer, login_name: str) -> str:
        """Give somebody a login name; gives the token of the link with which they set their passphrase."""
        assert who.person_id is not None
        add_account(self.engine, who.person_id, login_name)
        return new_link(self.engine, who.person_id)

    def only_score_id(self, patient_key: str) -> int:
        """Give the id of the patient's only current score."""
        return int(queries.scores(self.engine, self.tess, patient_key)["score_id"].item())

    def rows(self, table: str, **equal: Any) -> list[dict[str, Any]]:
        """Read a table as it is, ordered by its key."""
        columns = Table.metadata.tables[table]
        statement = sa.select(columns).filter_by(**equal).order_by(*columns.primary_key.columns)
        with reading(self.engine) as connection:
            return [dict(row._mapping) for row in connection.execute(statement)]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Read all rows of all tables but the audit."""
        return {name: self.rows(name) for name in Table.metadata.tables if name != "audit_event"}


def made_anew(connection: sa.Connection, *, is_demo: bool) -> None:
    """Make the clinic anew, as a demo or a real one: the database refuses to turn one into the other."""
    table = Clinic.metadata.tables["clinic"]
    row = dict(connection.execute(sa.select(table)).one()._mapping)
    connection.execute(sa.delete(table))
    connection.execute(sa.insert(table).values({**row, "is_demo": is_demo}))


def new_scene(engine: sa.Engine, *, week_start: int = 0) -> Scene:
    """Fill an empty database with the clinic and its people."""
    tables = Table.metadata.tables
    with writing(engine) as connection:

        def added(table: type[Any], **values: Any) -> int:
            inserted = sa.insert(table).values(**values).returning(tables[table.__tablename__].c.id)
            return int(connection.execute(inserted).scalar_one())

        connection.execute(
            sa.insert(Clinic).values(id=1, name="Two Rivers", time_zone=CHICAGO, week_start=week_start, therapists_see_site=True)
        )
        sites = {name: added(Site, name=name) for name in ("Lakeside", "Harbour")}
        viewers = {}
        for name, role, site in (
            ("Tess", Role.THERAPIST, "Lakeside"),
            ("Theo", Role.THERAPIST, "Harbour"),
            ("Olga", Role.OWNER, "Lakeside"),
            ("Fred", Role.FRONT_DESK, "Lakeside"),
        ):
            person_id = added(Person, name=name)
            connection.execute(sa.insert(PersonRole).values(person_id=person_id, role=role))
            connection.execute(sa.insert(PersonSite).values(person_id=person_id, site_id=sites[site]))
            if role is Role.OWNER:
                connection.execute(
                    sa.insert(Account).values(
                        person_id=person_id, login_name="olga", passphrase_hash=NOBODYS_HASH, must_set_passphrase=False
                    )
                )
            viewers[name] = Viewer(person_id=person_id, name=name, roles=frozenset({role}), site_ids=frozenset({sites[site]}))
    return Scene(engine, sites["Lakeside"], sites["Harbour"], viewers["Tess"], viewers["Theo"], viewers["Olga"], viewers["Fred"])


def add_account(engine: sa.Engine, person_id: int, login_name: str) -> None:
    """Give a person a login name, as the command line does."""
    people.set_account(engine, COMMAND_LINE, key_of(engine, person_id), accounts.checked_login_name(login_name))


def new_link(engine: sa.Engine, person_id: int, *, now: datetime | None = None) -> str:
    """Make the token of a link with which a person sets their passphrase, as the command line does."""
    link = access_people.new_link(COMMAND_LINE, key_of(engine, person_id), database=engine, now=now)
    return link.path.removeprefix(access_people.LINK_PATH)


def key_of(engine: sa.Engine, person_id: int | None) -> str:
    """Give a person's key."""
    return next(row.key for row in people.everybody(engine, COMMAND_LINE) if row.person_id == person_id)


def run_on(day: date, at: str = "07:00", *, zone: str = CHICAGO, distance_m: int = 8_000, **fields: Any) -> RunEntry:
    """Describe a run by the clock where the patient is: six minutes a kilometre if nothing else is said."""
    local = datetime.combine(day, time.fromisoformat(at), ZoneInfo(zone))
    offset = local.utcoffset()
    assert offset is not None
    moving = fields.pop("moving_time_s", distance_m * 360 // 1000)
    given = {
        "today": max(day, TODAY),
        "run_date": day,
        "started_at_utc": local.astimezone(UTC),
        "utc_offset_s": int(offset.total_seconds()),
        "distance_m": distance_m,
        "moving_time_s": moving,
        "elapsed_time_s": moving,
    }
    return RunEntry.checked(**{**given, **fields})


def score_on(day: date, nprs: int, moment: PainMoment = PainMoment.NEXT_MORNING, **fields: Any) -> PainEntry:
    """Describe a pain score of the left side."""
    return PainEntry.checked(**{"today": max(day, TODAY), "moment": moment, "side": Side.LEFT, "nprs": nprs, "for_date": day, **fields})


def noon(day: date) -> datetime:
    """Give noon in Chicago of a day, in UTC."""
    return datetime.combine(day, time(12), ZoneInfo(CHICAGO)).astimezone(UTC)


def days_from(first: date, count: int) -> Iterable[date]:
    """Give `count` days in a row."""
    return (first + timedelta(days=number) for number in range(count))
