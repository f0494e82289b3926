"""The vocabulary in code: tables, validated entries and the names of frame columns.

Storage is SI: metres, seconds, steps per minute (both feet), metres per second. Miles are labels. A missing score
is no row, never 0. Every range that an entry class refuses is also a CHECK constraint in the schema, because a table
class does not validate on construction.
"""

import re
import secrets
import unicodedata
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, Self, TypeVar
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Strict, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import registry
from sqlmodel import AutoString, Field, SQLModel

# --------------------------------------------------------------------------------------------------------------------
# Words
# --------------------------------------------------------------------------------------------------------------------


class Side(StrEnum):
    """Side of the body. `unspecified` is for scores that came without one; they are never mixed with a side."""

    LEFT = "left"
    RIGHT = "right"
    UNSPECIFIED = "unspecified"


class PainMoment(StrEnum):
    """When a pain score (NPRS, 0-10) was felt. A series never mixes moments."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"
    NEXT_MORNING = "next_morning"
    NIGHT_LYING = "night_lying"


class RestMoment(StrEnum):
    """
    What is answered yes or no for a day: pain at rest, pain at rest in the night, limping.

    Unlike `night_lying`, pain at rest does not come from lying on the sore side. Limping is no pain at rest: who asks for that asks for
    `PAIN_AT_REST`.
    """

    REST = "rest"
    NIGHT_REST = "night_rest"
    LIMPING = "limping"


PAIN_AT_REST = (RestMoment.REST, RestMoment.NIGHT_REST)


class Role(StrEnum):
    OWNER = "owner"
    THERAPIST = "therapist"
    FRONT_DESK = "front_desk"


class SiteKind(StrEnum):
    IN_PERSON = "in_person"
    VIRTUAL = "virtual"


class DistanceUnit(StrEnum):
    MILE = "mi"
    KILOMETRE = "km"


class EpisodeStatus(StrEnum):
    ACTIVE = "active"
    DISCHARGED = "discharged"


class DiagnosisClass(StrEnum):
    """Classes of diagnosis; a class never changes a limit by itself."""

    TENDON = "tendon"
    BURSA = "bursa"
    LATERAL_UNCLEAR = "lateral_unclear"
    ITB = "itb"
    ANTERIOR_TENDON = "anterior_tendon"
    POSTERIOR = "posterior"
    INTRA_ARTICULAR = "intra_articular"
    BONE = "bone"
    MUSCLE_OTHER = "muscle_other"


class VisitStatus(StrEnum):
    BOOKED = "booked"
    ARRIVED = "arrived"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class ChangeKind(StrEnum):
    """A change by the clinic or the runner that may alter what the numbers mean."""

    CADENCE_CUE = "cadence_cue"
    SHOE = "shoe"
    DEVICE = "device"
    INJECTION = "injection"
    DIAGNOSIS = "diagnosis"
    OTHER = "other"


class Surface(StrEnum):
    ROAD = "road"
    TRAIL = "trail"
    TRACK = "track"
    TREADMILL = "treadmill"
    UNKNOWN = "unknown"


class ScreenItem(StrEnum):
    """What the red-flag screen asks, in its order. The words that are spoken stand in rehab/."""

    GROIN_PAIN_WITH_RUNNING = "groin_pain_with_running"
    CANNOT_BEAR_WEIGHT = "cannot_bear_weight"
    REST_OR_NIGHT_PAIN = "rest_or_night_pain"
    BUTTOCK_OR_PUBIC_PAIN = "buttock_or_pubic_pain"
    LOW_ENERGY = "low_energy"
    FRAGILE_BONE = "fragile_bone"
    INFECTION_SIGNS = "infection_signs"
    CANCER_SIGNS = "cancer_signs"
    NERVE_SIGNS = "nerve_signs"
    CLOT_SIGNS = "clot_signs"
    UNDER_18_LIMP = "under_18_limp"
    LOCKING_OR_TRAUMA = "locking_or_trauma"


class ScreenAnswer(StrEnum):
    """What was answered. Not asked is an answer of its own: it is no "no"."""

    YES = "yes"
    NO = "no"
    NOT_ASKED = "not_asked"


class Instrument(StrEnum):
    """What measures an outcome. Of the named questionnaires only totals are kept: their items are their owners'."""

    NPRS = "nprs"
    PSFS = "psfs"
    GROC = "groc"
    UWRI = "uwri"
    VISA_G = "visa_g"
    IHOT_12 = "ihot_12"
    HOOS_12 = "hoos_12"
    LEFS = "lefs"
    OSTRC = "ostrc"
    TSK_11 = "tsk_11"
    PSEQ = "pseq"
    PSEQ_2 = "pseq_2"


class LimitName(StrEnum):
    """A patient's own limits, as the history of their changes calls them."""

    COMFORTABLE_MAX = "comfortable_max"
    ACCEPTABLE_MAX = "acceptable_max"
    SETTLED_MAX = "settled_max"
    MAX_STEP_RATIO = "max_step_ratio"
    NO_SUGGESTIONS = "no_suggestions"
    NO_SUGGESTIONS_REASON = "no_suggestions_reason"


class CadenceRule(StrEnum):
    """How the steps per minute of a run were obtained: by the format of the source, never by the size of the number."""

    FIT_STRIDES_DOUBLED = "fit_strides_doubled"
    TCX_STRIDES_DOUBLED = "tcx_strides_doubled"
    GPX_STRIDES_DOUBLED = "gpx_strides_doubled"
    STRAVA_STRIDES_DOUBLED = "strava_strides_doubled"
    POLAR_STRIDES_DOUBLED = "polar_strides_doubled"
    STEPS_COUNTED = "steps_counted"
    STEPS_AS_GIVEN = "steps_as_given"
    ENTERED_BY_HAND = "entered_by_hand"
    NONE = "none"


class DistanceRule(StrEnum):
    """Where the distance of a run comes from."""

    DEVICE_TOTAL = "device_total"
    RECORDS = "records"
    GPS = "gps"
    AS_GIVEN = "as_given"
    ENTERED_BY_HAND = "entered_by_hand"


class AttemptsOf(StrEnum):
    """What tries are counted by: the name that was typed, the network address they came from, or the person who proves something more."""

    ACCOUNT = "account"
    ADDRESS = "address"
    SECOND_FACTOR = "second_factor"
    CONFIRMATION = "confirmation"


class SignInStepKind(StrEnum):
    """What stands between somebody and a session: a second factor, one that must be set up first, single sign-on, the first owner."""

    SECOND_FACTOR = "second_factor"
    ENROL = "enrol"
    SINGLE_SIGN_ON = "single_sign_on"
    FIRST_OWNER = "first_owner"


class ImportOutcome(StrEnum):
    """What became of a file. Each file of a batch has exactly one."""

    ADDED = "added"
    MERGED = "merged"
    PROPOSED = "proposed"
    DUPLICATE = "duplicate"
    PARTIAL = "partial"
    DOUBTFUL = "doubtful"
    NEEDS_MAPPING = "needs_mapping"
    NOT_A_RUN = "not_a_run"
    UNREADABLE = "unreadable"
    NO_DATA = "no_data"


class RunStanding(StrEnum):
    """
    Whether a stored run counts. What does not is out of every sum, chart and export, as a run that was taken out is.

    Proposed: it may be a run that is here already, and a person decides. Held back: a total would be wrong if it were none, and a person
    accepts it. Merged: another run stands for it.
    """

    COUNTED = "counted"
    PROPOSED = "proposed"
    HELD_BACK = "held_back"
    MERGED = "merged"


class RunVerdict(StrEnum):
    """What a person said about two copies of runs, or about one that was held back."""

    SAME_RUN = "same_run"
    TWO_RUNS = "two_runs"
    ACCEPTED = "accepted"


class Packing(StrEnum):
    """How the bytes of a file are kept: packed by us, or by gzip as they came."""

    ZLIB = "zlib"
    GZIP = "gzip"


class AuditAction(StrEnum):
    """What somebody did, as the audit keeps it."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_OUT = "sign_out"
    VIEW = "view"
    CREATE = "create"
    CHANGE = "change"
    RETIRE = "retire"
    IMPORT = "import"
    EXPORT = "export"
    PRINT = "print"
    PERMISSION_CHANGE = "permission_change"
    SETTINGS_CHANGE = "settings_change"
    REFUSED = "refused"


# Outcomes that a person should look at: the command line ends with exit code 1 when a file has one of these.
REFUSED_OUTCOMES = frozenset({ImportOutcome.NEEDS_MAPPING, ImportOutcome.NOT_A_RUN, ImportOutcome.UNREADABLE, ImportOutcome.NO_DATA})

NPRS_MIN, NPRS_MAX = 0, 10
# Default zones of the pain-monitoring model (evidence: randomised trial in Achilles, expert opinion for the hip).
PAIN_COMFORTABLE_MAX, PAIN_ACCEPTABLE_MAX = 3, 5
# A run has settled while the next morning is at most so much above the morning before (evidence: one step of the scale is noise).
SETTLED_MAX, SETTLED_MAX_RANGE = 1, (0, 3)
# One run is at most so many times the longest of the 30 days before (Frandsen 2025: up to 1.10 is the reference).
MAX_STEP_RATIO, MAX_STEP_RATIO_RANGE = 1.10, (1.0, 2.0)
DISTANCE_MAX_M = 500_000
SPEED_MAX_M_S = 12.0  # faster than any human over a whole run
ELAPSED_MAX_S = 7 * 24 * 3600
CADENCE_MIN_SPM, CADENCE_MAX_SPM = 20.0, 300.0
GROUND_CONTACT_MIN_MS, GROUND_CONTACT_MAX_MS = 80.0, 600.0
VERTICAL_OSCILLATION_MIN_MM, VERTICAL_OSCILLATION_MAX_MM = 10.0, 300.0
GRADE_ABS_MEAN_MAX = 1.0  # 45 degrees
UTC_OFFSET_MAX_S = 14 * 3600  # Kiritimati; no place is further from UTC
SESSION_RPE_MAX = 10
IDLE_MINUTES_RANGE = (5, 30)
SESSION_HOURS_RANGE = (1, 24)
PLAN_WEEKS_MAX = 4
PLAN_AHEAD_MAX_DAYS = 26 * 7
RUNS_A_WEEK_RANGE = (1, 14)
RUN_WALK_PART_RANGE_S = (10, 7_200)
SPEED_LIMIT_MIN_M_S = 0.5
STRENGTH_A_WEEK_MAX, STRENGTH_A_DAY_MAX = 21, 4
EXERCISE_SETS_RANGE, EXERCISE_REPS_RANGE, EXERCISE_HOLD_RANGE_S = (1, 20), (1, 200), (1, 600)
PSFS_ACTIVITIES_MAX = 5
EARLIEST_DAY = date(1970, 1, 1)
NAME_MAX_CHARACTERS, TEXT_MAX_CHARACTERS = 200, 2_000
WHOLE_NUMBER_MAX = 2**31 - 1  # of an integer column

# What a run may carry besides day, distance and time: field, words, unit, lowest and highest value that can be right.
RUN_MEASURES = (
    ("cadence_spm", "Cadence (both feet)", "steps per minute", CADENCE_MIN_SPM, CADENCE_MAX_SPM),
    ("running_cadence_spm", "Running cadence (both feet)", "steps per minute", CADENCE_MIN_SPM, CADENCE_MAX_SPM),
    ("device_cadence_spm", "The device's cadence (both feet)", "steps per minute", CADENCE_MIN_SPM, CADENCE_MAX_SPM),
    ("running_time_s", "Running time", "s", 0, ELAPSED_MAX_S),
    ("running_speed_m_s", "Running speed", "m/s", 0, SPEED_MAX_M_S),
    ("grade_abs_mean", "Mean slope", "metres up or down in one", 0, GRADE_ABS_MEAN_MAX),
    ("ground_contact_time_ms", "Ground contact time", "ms", GROUND_CONTACT_MIN_MS, GROUND_CONTACT_MAX_MS),
    ("vertical_oscillation_mm", "Vertical oscillation", "mm", VERTICAL_OSCILLATION_MIN_MM, VERTICAL_OSCILLATION_MAX_MM),
    ("session_rpe", "Effort (session RPE)", "on the scale", 0, SESSION_RPE_MAX),
)

# Lowest and highest total of each instrument (Nelson 2019 for the UWRI, Binkley 1999 for the LEFS, koos.nu for the HOOS-12).
INSTRUMENT_RANGES: dict[Instrument, tuple[float, float]] = {
    Instrument.NPRS: (NPRS_MIN, NPRS_MAX),
    Instrument.PSFS: (0, 10),
    Instrument.GROC: (-5, 5),
    Instrument.UWRI: (0, 36),
    Instrument.VISA_G: (0, 100),
    Instrument.IHOT_12: (0, 100),
    Instrument.HOOS_12: (0, 100),
    Instrument.LEFS: (0, 80),
    Instrument.OSTRC: (0, 100),
    Instrument.TSK_11: (11, 44),
    Instrument.PSEQ: (0, 60),
    Instrument.PSEQ_2: (0, 12),
}
# Those whose total is a sum of whole numbers.
WHOLE_TOTALS = frozenset(
    {Instrument.NPRS, Instrument.GROC, Instrument.UWRI, Instrument.VISA_G, Instrument.LEFS, Instrument.OSTRC, Instrument.TSK_11}
    | {Instrument.PSEQ, Instrument.PSEQ_2}
)


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def new_key() -> str:
    """Random id for web addresses (96 bits): it says nothing about whom it stands for."""
    return secrets.token_urlsafe(12)


def day_number(day: date) -> int:
    """
    Count days since 1970-01-01.

    >>> day_number(date(1970, 1, 2))
    1
    """
    return day.toordinal() - EARLIEST_DAY.toordinal()


def day_of(number: int) -> date:
    """
    Turn a day number into its date.

    >>> day_of(1)
    datetime.date(1970, 1, 2)
    """
    return EARLIEST_DAY + timedelta(days=number)


def week_number(day: date, week_start: int) -> int:
    """
    Name the week of a day by the day number of the week's first day.

    Parameters
    ----------
    day : date
        The patient's local day.
    week_start : int
        First day of the week as in `date.weekday()`: 0 Monday … 6 Sunday.

    Returns
    -------
    int
        Day number of the first day of the week that holds `day`.

    Examples
    --------
    >>> day_of(week_number(date(2025, 3, 2), 0)), day_of(week_number(date(2025, 3, 2), 6))
    (datetime.date(2025, 2, 24), datetime.date(2025, 3, 2))
    """
    return day_number(day) - (day.weekday() - week_start) % 7


# --------------------------------------------------------------------------------------------------------------------
# Tables
# --------------------------------------------------------------------------------------------------------------------

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMING))):
    """Base of every table. It has a registry of its own, so that importing this module again never clashes."""

    __abstract__ = True
    model_config = {"defer_build": True}


def _one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_word")


def _between(column: str, low: float, high: float) -> CheckConstraint:
    return CheckConstraint(f"{column} IS NULL OR ({column} >= {low} AND {column} <= {high})", name=f"{column}_range")


def _from_1970(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} >= '{EARLIEST_DAY.isoformat()}'", name=f"{column}_range")


def _owned_by(table: str, *, nullable: bool = False, index: bool = False, ondelete: str = "CASCADE") -> Any:
    column = Column(Integer, ForeignKey(f"{table}.id", ondelete=ondelete), nullable=nullable, index=index)
    return Field(default=None, sa_column=column) if nullable else Field(sa_column=column)


def _word(default: StrEnum | None = None) -> Any:
    return Field(sa_type=AutoString) if default is None else Field(default=default, sa_type=AutoString)


def _text_since(default: str = "") -> Any:
    """Give a text column that a later version added: rows from before it have the default."""
    return Field(default=default, sa_column_kwargs={"server_default": default})


def _current_only(name: str, *columns: str) -> Index:
    """Let a place be taken once, whatever was there before and was retired."""
    current = text("retired_at_utc IS NULL")
    return Index(name, *columns, unique=True, sqlite_where=current, postgresql_where=current)


class Clinic(Table, table=True):
    """The clinic and its settings: one row."""

    __tablename__: ClassVar[Any] = "clinic"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        _between("week_start", 0, 6),
        _between("idle_minutes", *IDLE_MINUTES_RANGE),
        _between("session_hours", *SESSION_HOURS_RANGE),
    )
    id: int = Field(default=1, primary_key=True)
    name: str
    time_zone: str
    week_start: int = 0
    is_demo: bool = False
    therapists_see_site: bool = False  # a therapist also reaches the patients of their sites, not only their own
    created_at_utc: datetime = Field(default_factory=utc_now)
    idle_minutes: int = Field(default=15, sa_column_kwargs={"server_default": "15"})  # without a click, then the window locks itself
    session_hours: int = Field(default=12, sa_column_kwargs={"server_default": "12"})  # then one signs in again, whatever was clicked
    require_second_factor: bool = Field(default=False, sa_column_kwargs={"server_default": false()})  # of everybody who signs in here


class Site(Table, table=True):
    __tablename__: ClassVar[Any] = "site"
    __table_args__ = (_one_of("kind", SiteKind),)
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    kind: SiteKind = _word(SiteKind.IN_PERSON)


class Person(Table, table=True):
    """Somebody who works at the clinic."""

    __tablename__: ClassVar[Any] = "person"
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(default_factory=new_key, unique=True)
    name: str
    is_active: bool = True
    created_at_utc: datetime = Field(default_factory=utc_now)


class PersonRole(Table, table=True):
    __tablename__: ClassVar[Any] = "person_role"
    __table_args__ = (_one_of("role", Role),)
    person_id: int = Field(foreign_key="person.id", primary_key=True, ondelete="CASCADE")
    role: Role = Field(sa_type=AutoString, primary_key=True)


class PersonSite(Table, table=True):
    __tablename__: ClassVar[Any] = "person_site"
    person_id: int = Field(foreign_key="person.id", primary_key=True, ondelete="CASCADE")
    site_id: int = Field(foreign_key="site.id", primary_key=True, ondelete="CASCADE")


class Patient(Table, table=True):
    __tablename__: ClassVar[Any] = "patient"
    __table_args__ = (
        _one_of("distance_unit", DistanceUnit),
        _between("pain_comfortable_max", 0, 9),
        CheckConstraint("pain_comfortable_max < pain_acceptable_max AND pain_acceptable_max <= 10", name="pain_zones"),
        _between("height_m", 0.5, 2.6),
        _between("settled_max", *SETTLED_MAX_RANGE),
        _between("max_step_ratio", *MAX_STEP_RATIO_RANGE),
        CheckConstraint("no_suggestions IS FALSE OR no_suggestions_reason <> ''", name="no_suggestions_why"),
    )
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(default_factory=new_key, unique=True)
    code: str = Field(unique=True)
    given_name: str = ""
    family_name: str = ""
    birth_date: date | None = None
    height_m: float | None = None
    time_zone: str
    distance_unit: DistanceUnit = _word(DistanceUnit.MILE)
    pain_comfortable_max: int = PAIN_COMFORTABLE_MAX
    pain_acceptable_max: int = PAIN_ACCEPTABLE_MAX
    changed_seq: int = 0  # goes up with every write of this patient's facts: what a process cache is keyed by
    created_at_utc: datetime = Field(default_factory=utc_now)
    created_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    settled_max: int = Field(default=SETTLED_MAX, sa_column_kwargs={"server_default": str(SETTLED_MAX)})
    max_step_ratio: float = Field(default=MAX_STEP_RATIO, sa_column_kwargs={"server_default": str(MAX_STEP_RATIO)})
    no_suggestions: bool = Field(default=False, sa_column_kwargs={"server_default": false()})  # no band, cap or cue is suggested
    no_suggestions_reason: str = _text_since()


class LimitChange(Table, table=True):
    """One limit of a patient that somebody set to another value. Never changed: the history of the limits."""

    __tablename__: ClassVar[Any] = "limit_change"
    __table_args__ = (_one_of("limit_name", LimitName),)
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int = _owned_by("patient", index=True)
    limit_name: LimitName = _word()
    old_value: str
    new_value: str
    changed_at_utc: datetime = Field(default_factory=utc_now)
    changed_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")


class EpisodeOfCare(Table, table=True):
    """One problem of one patient from start to discharge: the unit of care."""

    __tablename__: ClassVar[Any] = "episode_of_care"
    __table_args__ = (
        _one_of("side", Side),
        _one_of("status", EpisodeStatus),
        _one_of("diagnosis_class", DiagnosisClass),
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ended_after_start"),
        Index("ix_episode_of_care_status", "status", "therapist_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(default_factory=new_key, unique=True)
    patient_id: int = _owned_by("patient", index=True)
    site_id: int | None = _owned_by("site", nullable=True, ondelete="SET NULL")
    therapist_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    problem: str
    side: Side = _word()
    diagnosis_class: DiagnosisClass = _word()
    diagnosis_label: str = ""
    icd10_code: str | None = None
    onset_date: date | None = None
    started_on: date
    goal: str = ""
    status: EpisodeStatus = _word(EpisodeStatus.ACTIVE)
    ended_on: date | None = None
    created_at_utc: datetime = Field(default_factory=utc_now)
    created_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")


class ImportBatch(Table, table=True):
    __tablename__: ClassVar[Any] = "import_batch"
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int = _owned_by("patient", index=True)
    started_at_utc: datetime = Field(default_factory=utc_now)
    finished_at_utc: datetime | None = None
    person_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    via: str = "app"
    undone_at_utc: datetime | None = None  # all that it brought was taken out again; its report stays
    undone_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")


class ImportFile(Table, table=True):
    """A file that was handed in, and what became of it."""

    __tablename__: ClassVar[Any] = "import_file"
    __table_args__ = (
        _one_of("outcome", ImportOutcome),
        Index("ix_import_file_content", "patient_id", "content_sha256"),
        Index("ix_import_file_stored", "patient_id", "stored_sha256"),
    )
    id: int | None = Field(default=None, primary_key=True)
    batch_id: int = _owned_by("import_batch", index=True)
    patient_id: int = _owned_by("patient")
    file_name: str
    size_bytes: int
    stored_sha256: str  # of the bytes as they came
    content_sha256: str  # of the bytes after un-gzipping
    file_format: str = ""
    outcome: ImportOutcome = _word()
    reason: str = ""
    runs_added: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    entries_added: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    complete: bool = Field(default=True, sa_column_kwargs={"server_default": true()})  # False if a part of it was refused
    detail: str = Field(default="", sa_column_kwargs={"server_default": ""})  # JSON: what became of each of its runs, and by which rules


class ImportOriginal(Table, table=True):
    """The bytes of files as they came, once for each content, so that a better reader can read them again."""

    __tablename__: ClassVar[Any] = "import_original"
    __table_args__ = (_one_of("packing", Packing),)
    content_sha256: str = Field(primary_key=True)
    packing: Packing = _word()
    size_bytes: int  # unpacked
    packed: bytes = Field(sa_type=LargeBinary)
    kept_at_utc: datetime = Field(default_factory=utc_now)


class ColumnMapping(Table, table=True):
    """Which column of a stranger's table means what, as somebody here said; known again by its header."""

    __tablename__: ClassVar[Any] = "column_mapping"
    header_key: str = Field(primary_key=True)
    mapping: str  # JSON
    person_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    changed_at_utc: datetime = Field(default_factory=utc_now)


class Run(Table, table=True):
    """
    One run: the best of what its copies say (`RunCopy`), kept up to date with them as weeks are with runs.

    No person edits it in place: a wrong one is retired, with who and when, and stays. Only rows that are not retired count.
    """

    __tablename__: ClassVar[Any] = "run"
    __table_args__ = (
        _one_of("surface", Surface),
        _one_of("cadence_rule", CadenceRule),
        _one_of("distance_rule", DistanceRule),
        _between("distance_m", 0, DISTANCE_MAX_M),
        _between("moving_time_s", 0, ELAPSED_MAX_S),
        CheckConstraint(f"elapsed_time_s >= moving_time_s AND elapsed_time_s <= {ELAPSED_MAX_S}", name="elapsed_time_s_range"),
        CheckConstraint(f"distance_m <= {SPEED_MAX_M_S:.0f} * moving_time_s", name="speed_range"),
        _between("utc_offset_s", -UTC_OFFSET_MAX_S, UTC_OFFSET_MAX_S),
        _from_1970("run_date"),
        *(_between(measure, low, high) for measure, _, _, low, high in RUN_MEASURES),
        _one_of("standing", RunStanding),
        CheckConstraint("standing = 'counted' OR retired_at_utc IS NOT NULL", name="standing_retired"),
        Index("ix_run_patient_week", "patient_id", "week"),
        Index("ix_run_patient_day", "patient_id", "run_date"),
        Index(
            "uq_run_identity",
            "patient_id",
            "identity_sha256",
            unique=True,
            sqlite_where=text("retired_at_utc IS NULL"),
            postgresql_where=text("retired_at_utc IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int = _owned_by("patient")
    run_date: date  # the patient's local day
    week: int  # day number of the first day of the week of run_date
    started_at_utc: datetime
    utc_offset_s: int  # local time minus UTC at the start
    surface: Surface = _word(Surface.UNKNOWN)
    distance_m: int
    distance_rule: DistanceRule = _word()
    moving_time_s: int
    elapsed_time_s: int
    cadence_spm: float | None = None
    running_cadence_spm: float | None = None
    device_cadence_spm: float | None = None
    cadence_rule: CadenceRule = _word(CadenceRule.NONE)
    running_time_s: int | None = None  # time of the minutes that are running, not walking
    running_speed_m_s: float | None = None  # mean speed over running_time_s
    grade_abs_mean: float | None = None  # mean absolute slope (rise over run) of running minutes
    ground_contact_time_ms: float | None = None
    vertical_oscillation_mm: float | None = None
    session_rpe: int | None = None
    has_gps: bool = False
    device: str = ""
    identity_sha256: str
    import_file_id: int | None = _owned_by("import_file", nullable=True, ondelete="SET NULL")
    recorded_at_utc: datetime = Field(default_factory=utc_now)
    recorded_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    retired_at_utc: datetime | None = None
    retired_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    standing: RunStanding = Field(default=RunStanding.COUNTED, sa_type=AutoString, sa_column_kwargs={"server_default": "counted"})
    standing_reason: str = Field(default="", sa_column_kwargs={"server_default": ""})  # plain sentences: why it waits
    other_run_id: int | None = _owned_by("run", nullable=True, ondelete="SET NULL")  # which run it may be, or went into


class RunSeries(Table, table=True):
    """The minutes of a run, packed: one row a run (see data/series.py for the bytes)."""

    __tablename__: ClassVar[Any] = "run_series"
    run_id: int = Field(foreign_key="run.id", primary_key=True, ondelete="CASCADE")
    minutes: bytes = Field(sa_type=LargeBinary)


class RunFile(Table, table=True):
    """Which files a run came from."""

    __tablename__: ClassVar[Any] = "run_file"
    run_id: int = Field(foreign_key="run.id", primary_key=True, ondelete="CASCADE")
    import_file_id: int = Field(foreign_key="import_file.id", primary_key=True, ondelete="CASCADE", index=True)


class RunCopy(Table, table=True):
    """What one file, or a person, told of a run: never edited, so that a merged run can be split again."""

    __tablename__: ClassVar[Any] = "run_copy"
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int = _owned_by("patient", index=True)
    run_id: int = _owned_by("run", index=True)
    home_run_id: int | None = _owned_by("run", nullable=True, index=True, ondelete="SET NULL")  # the run that was made for it, if one was
    import_file_id: int | None = _owned_by("import_file", nullable=True, index=True)
    number: int = 0  # which run of its file, from 0
    told: str  # JSON: the fields of a run, and whether its time of day is known
    minutes: bytes | None = Field(default=None, sa_type=LargeBinary)
    recorded_at_utc: datetime = Field(default_factory=utc_now)
    recorded_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")


class RunDecision(Table, table=True):
    """A person's word on two copies (the same run, or two) or on one that was held back. The newest that was not undone holds."""

    __tablename__: ClassVar[Any] = "run_decision"
    __table_args__ = (_one_of("verdict", RunVerdict),)
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int = _owned_by("patient", index=True)
    act_key: str = Field(index=True)  # what was decided in one step, and is undone in one
    verdict: RunVerdict = _word()
    copy_id: int = _owned_by("run_copy", index=True)
    other_copy_id: int | None = _owned_by("run_copy", nullable=True, index=True)
    decided_at_utc: datetime = Field(default_factory=utc_now)
    decided_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    undone_at_utc: datetime | None = None
    undone_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")


class PainScore(Table, table=True):
    """One answer on the 0-10 scale. A correction is a new row; the old one is retired with who and when, and stays."""

    __tablename__: ClassVar[Any] = "pain_score"
    __table_args__ = (
        _one_of("moment", PainMoment),
        _one_of("side", Side),
        CheckConstraint(f"nprs >= {NPRS_MIN} AND nprs <= {NPRS_MAX}", name="nprs_range"),
        _from_1970("for_date"),
        Index("ix_pain_score_patient_week", "patient_id", "week", "moment", "side", "nprs"),
        Index("ix_pain_score_patient_day", "patient_id", "for_date"),
        Index(
            "ix_pain_score_side_day",  # the caseload asks for the newest one of a side, however many scores there are
            "patient_id",
            "side",
            "for_date",
            sqlite_where=text("retired_at_utc IS NULL"),
            postgresql_where=text("retired_at_utc IS NULL"),
        ),
        Index(
            "uq_pain_score_with_run",
            "patient_id",
            "for_date",
            "moment",
            "side",
            "run_id",
            unique=True,
            sqlite_where=text("retired_at_utc IS NULL AND run_id IS NOT NULL"),
            postgresql_where=text("retired_at_utc IS NULL AND run_id IS NOT NULL"),
        ),
        Index(
            "uq_pain_score_without_run",
            "patient_id",
            "for_date",
            "moment",
            "side",
            unique=True,
            sqlite_where=text("retired_at_utc IS NULL AND run_id IS NULL"),
            postgresql_where=text("retired_at_utc IS NULL AND run_id IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int = _owned_by("patient")
    side: Side = _word()
    moment: PainMoment = _word()
    nprs: int
    for_date: date  # the local day on which the pain was felt
    run_id: int | None = _owned_by("run", nullable=True, index=True, ondelete="SET NULL")
    run_named: bool = False  # the run was named by who told it; else the link follows from the days
    counted_date: date  # the day of the run it follows, else for_date: where it stands on the chart
    week: int  # of counted_date
    recalled: bool = False  # told more than 24 hours after the day it is about
    import_file_id: int | None = _owned_by("import_file", nullable=True, ondelete="SET NULL")
    recorded_at_utc: datetime = Field(default_factory=utc_now)
    recorded_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    corrects_id: int | None = _owned_by("pain_score", nullable=True, ondelete="SET NULL")
    retired_at_utc: datetime | None = None
    retired_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    named_run_id: int | None = _owned_by(
        "run", nullable=True, index=True, ondelete="SET NULL"
    )  # named, before that run was merged into another


class RestAnswer(Table, table=True):
    """A yes or no about pain at rest or limping. `night_rest` = yes is a red-flag item."""

    __tablename__: ClassVar[Any] = "rest_answer"
    __table_args__ = (
        _one_of("moment", RestMoment),
        _one_of("side", Side),
        _from_1970("for_date"),
        Index("ix_rest_answer_patient_day", "patient_id", "for_date"),
        Index(
            "ix_rest_answer_yes",  # the caseload asks for the newest one, however many answers there are
            "patient_id",
            "for_date",
            sqlite_where=text("answer IS 1 AND retired_at_utc IS NULL"),
            postgresql_where=text("answer IS true AND retired_at_utc IS NULL"),
        ),
        Index(
            "uq_rest_answer_current",
            "patient_id",
            "for_date",
            "moment",
            "side",
            unique=True,
            sqlite_where=text("retired_at_utc IS NULL"),
            postgresql_where=text("retired_at_utc IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int = _owned_by("patient")
    side: Side = _word()
    moment: RestMoment = _word()
    answer: bool
    for_date: date
    recorded_at_utc: datetime = Field(default_factory=utc_now)
    recorded_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    corrects_id: int | None = _owned_by("rest_answer", nullable=True, ondelete="SET NULL")
    retired_at_utc: datetime | None = None
    retired_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    import_file_id: int | None = _owned_by("import_file", nullable=True, index=True, ondelete="SET NULL")


class DayWithoutRun(Table, table=True):
    """The patient said: I did not run on this day. A sign of logging, so the day is a 0 and not unknown."""

    __tablename__: ClassVar[Any] = "day_without_run"
    __table_args__ = (UniqueConstraint("patient_id", "day"), _from_1970("day"))
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int = _owned_by("patient")
    day: date
    recorded_at_utc: datetime = Field(default_factory=utc_now)
    recorded_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    import_file_id: int | None = _owned_by("import_file", nullable=True, index=True, ondelete="SET NULL")


class DroppedDay(Table, table=True):
    """A day without a run that an imported run took back: it is back when that import is undone."""

    __tablename__: ClassVar[Any] = "dropped_day"
    __table_args__ = (UniqueConstraint("patient_id", "day"), _from_1970("day"))
    id: int | None = Field(default=None, primary_key=True)
    patient_id: int = _owned_by("patient")
    day: date
    recorded_at_utc: datetime
    recorded_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    import_file_id: int | None = _owned_by("import_file", nullable=True, index=True)  # which told the day


class Visit(Table, table=True):
    __tablename__: ClassVar[Any] = "visit"
    __table_args__ = (_one_of("status", VisitStatus), _one_of("kind", SiteKind), Index("ix_visit_episode_day", "episode_id", "visit_date"))
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(default_factory=new_key, unique=True)
    episode_id: int = _owned_by("episode_of_care")
    visit_date: date
    site_id: int | None = _owned_by("site", nullable=True, ondelete="SET NULL")
    kind: SiteKind = _word(SiteKind.IN_PERSON)
    status: VisitStatus = _word(VisitStatus.BOOKED)
    therapist_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    summary: str = ""  # a few words for the mark on the chart
    note: str = ""  # the therapist's free text, as it is now; what it was before stands in `visit_note`
    created_at_utc: datetime = Field(default_factory=utc_now)
    hands_on: str = _text_since()  # hands-on care that was given
    education: str = _text_since()  # what was explained
    note_written_at_utc: datetime | None = None
    note_written_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")


class VisitNote(Table, table=True):
    """What the note of a visit said before somebody changed it. Never changed."""

    __tablename__: ClassVar[Any] = "visit_note"
    id: int | None = Field(default=None, primary_key=True)
    visit_id: int = _owned_by("visit", index=True)
    note: str
    written_at_utc: datetime | None = None
    written_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    replaced_at_utc: datetime = Field(default_factory=utc_now)
    replaced_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")


class StrengthGiven(Table, table=True):
    """One exercise that was done or taught at a visit."""

    __tablename__: ClassVar[Any] = "strength_given"
    __table_args__ = (
        UniqueConstraint("visit_id", "number"),
        _between("sets", *EXERCISE_SETS_RANGE),
        _between("reps", *EXERCISE_REPS_RANGE),
        _between("hold_s", *EXERCISE_HOLD_RANGE_S),
    )
    id: int | None = Field(default=None, primary_key=True)
    visit_id: int = _owned_by("visit")
    number: int  # from 1, in the order in which they were told
    exercise: str
    sets: int | None = None
    reps: int | None = None
    hold_s: int | None = None


class RedFlagAnswer(Table, table=True):
    """
    One answer to one question of the red-flag screen.

    A yes is open until a therapist closes it with a note; it is neither corrected nor taken back. Another answer may be corrected: that is
    a new row, and the old one is retired with who and when, and stays.
    """

    __tablename__: ClassVar[Any] = "red_flag_answer"
    __table_args__ = (
        _one_of("item", ScreenItem),
        _one_of("answer", ScreenAnswer),
        _from_1970("asked_on"),
        CheckConstraint("closed_on IS NULL OR (answer = 'yes' AND closing_note <> '' AND closed_on >= asked_on)", name="closed_with_note"),
        CheckConstraint("(closed_on IS NULL) = (closed_at_utc IS NULL)", name="closed_when"),
        CheckConstraint("answer <> 'yes' OR retired_at_utc IS NULL", name="yes_stays"),
        Index("ix_red_flag_answer_episode_day", "episode_id", "asked_on"),
    )
    id: int | None = Field(default=None, primary_key=True)
    episode_id: int = _owned_by("episode_of_care")
    visit_id: int | None = _owned_by("visit", nullable=True, index=True, ondelete="SET NULL")
    item: ScreenItem = _word()
    answer: ScreenAnswer = _word()
    asked_on: date
    recorded_at_utc: datetime = Field(default_factory=utc_now)
    recorded_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    closed_on: date | None = None
    closed_at_utc: datetime | None = None
    closed_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    closing_note: str = ""
    corrects_id: int | None = _owned_by("red_flag_answer", nullable=True, ondelete="SET NULL")
    retired_at_utc: datetime | None = None
    retired_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")


def _total_ranges() -> CheckConstraint:
    each = (f"(instrument = '{name.value}' AND total >= {low} AND total <= {high})" for name, (low, high) in INSTRUMENT_RANGES.items())
    return CheckConstraint(f"total IS NULL OR {' OR '.join(each)}", name="total_range")


class OutcomeScore(Table, table=True):
    """An outcome measured at a day. A form that was not finished has no total: it is incomplete, never filled up with 0."""

    __tablename__: ClassVar[Any] = "outcome_score"
    __table_args__ = (
        _one_of("instrument", Instrument),
        _total_ranges(),
        _from_1970("taken_on"),
        Index("ix_outcome_score_episode_day", "episode_id", "taken_on"),
        _current_only("uq_outcome_score_current", "episode_id", "instrument", "taken_on"),
    )
    id: int | None = Field(default=None, primary_key=True)
    episode_id: int = _owned_by("episode_of_care")
    visit_id: int | None = _owned_by("visit", nullable=True, index=True, ondelete="SET NULL")
    instrument: Instrument = _word()
    total: float | None = None  # None: incomplete
    details: str = ""  # JSON: the patient's own activities (PSFS), how many items were answered
    taken_on: date
    recorded_at_utc: datetime = Field(default_factory=utc_now)
    recorded_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    corrects_id: int | None = _owned_by("outcome_score", nullable=True, ondelete="SET NULL")
    retired_at_utc: datetime | None = None
    retired_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")


class StrengthSession(Table, table=True):
    """One strength session that the runner did at home."""

    __tablename__: ClassVar[Any] = "strength_session"
    __table_args__ = (
        _between("number", 1, STRENGTH_A_DAY_MAX),
        _from_1970("done_on"),
        _current_only("uq_strength_session_current", "episode_id", "done_on", "number"),
    )
    id: int | None = Field(default=None, primary_key=True)
    episode_id: int = _owned_by("episode_of_care")
    done_on: date
    number: int = 1  # which session of that day
    recorded_at_utc: datetime = Field(default_factory=utc_now)
    recorded_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    retired_at_utc: datetime | None = None
    retired_by_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")


class ReviewMark(Table, table=True):
    """Somebody looked at an episode and marked it reviewed; the same person may take that back on the same day."""

    __tablename__: ClassVar[Any] = "review_mark"
    __table_args__ = (Index("ix_review_mark_episode", "episode_id", "marked_at_utc"),)
    id: int | None = Field(default=None, primary_key=True)
    episode_id: int = _owned_by("episode_of_care")
    person_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    marked_at_utc: datetime = Field(default_factory=utc_now)
    undone_at_utc: datetime | None = None


class Plan(Table, table=True):
    """One version of an episode's plan; never edited (a trigger holds that), a change is the next version."""

    __tablename__: ClassVar[Any] = "plan"
    __table_args__ = (
        UniqueConstraint("episode_id", "version"),
        CheckConstraint("version >= 1", name="version_range"),
        _between("weekly_distance_m", 1, DISTANCE_MAX_M),
        _between("run_ceiling_m", 1, DISTANCE_MAX_M),
        _between("cadence_target_low_spm", CADENCE_MIN_SPM, CADENCE_MAX_SPM),
        _between("cadence_target_high_spm", CADENCE_MIN_SPM, CADENCE_MAX_SPM),
        CheckConstraint(
            "cadence_target_high_spm IS NULL OR cadence_target_high_spm >= cadence_target_low_spm", name="cadence_target_order"
        ),
        _between("runs_per_week", *RUNS_A_WEEK_RANGE),
        _between("run_part_s", *RUN_WALK_PART_RANGE_S),
        _between("walk_part_s", *RUN_WALK_PART_RANGE_S),
        CheckConstraint("(run_part_s IS NULL) = (walk_part_s IS NULL)", name="run_walk_parts"),
        CheckConstraint(f"surface_limit IN ('', {', '.join(repr(word.value) for word in Surface)})", name="surface_limit_word"),
        _between("speed_limit_m_s", SPEED_LIMIT_MIN_M_S, SPEED_MAX_M_S),
        _between("strength_sessions_per_week", 0, STRENGTH_A_WEEK_MAX),
        CheckConstraint("outside_band IS FALSE OR reason <> ''", name="outside_band_why"),
        _between("band_low_m", 1, DISTANCE_MAX_M),
        _between("band_high_m", 1, DISTANCE_MAX_M),
        _between("suggested_ceiling_m", 1, DISTANCE_MAX_M),
        CheckConstraint(
            "(band_low_m IS NULL) = (band_high_m IS NULL) AND (band_high_m IS NULL OR band_high_m >= band_low_m)", name="band_order"
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    episode_id: int = _owned_by("episode_of_care", index=True)
    version: int
    valid_from: date  # first day of the first week it is for
    weekly_distance_m: int | None = None
    run_ceiling_m: int | None = None
    cadence_target_low_spm: float | None = None
    cadence_target_high_spm: float | None = None
    reason: str = ""
    author_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    created_at_utc: datetime = Field(default_factory=utc_now)
    runs_per_week: int | None = None
    run_part_s: int | None = None  # run so long, then walk so long, by turns
    walk_part_s: int | None = None
    surface_limit: str = _text_since()  # a Surface: run on this one only; empty: on any
    speed_limit_m_s: float | None = None
    strength_sessions_per_week: int | None = None
    outside_band: bool = Field(default=False, sa_column_kwargs={"server_default": false()})  # the author went outside what was suggested
    # what was suggested to the author then; empty if nothing was shown
    suggestion_state: str = _text_since()
    band_low_m: int | None = None
    band_high_m: int | None = None
    suggested_ceiling_m: int | None = None


class PlanWeek(Table, table=True):
    """One of the next weeks of a plan's version. Never edited, as the version is not."""

    __tablename__: ClassVar[Any] = "plan_week"
    __table_args__ = (
        _between("number", 0, PLAN_WEEKS_MAX - 1),
        _between("distance_m", 1, DISTANCE_MAX_M),
        _between("runs", *RUNS_A_WEEK_RANGE),
        _between("longest_run_m", 1, DISTANCE_MAX_M),
    )
    plan_id: int = Field(foreign_key="plan.id", primary_key=True, ondelete="CASCADE", sa_column_kwargs={"autoincrement": False})
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})  # 0 is the week that begins on the plan's valid_from
    distance_m: int
    runs: int | None = None
    longest_run_m: int | None = None


class Change(Table, table=True):
    """A dated change that is not a plan: a cadence cue, new shoes, an injection."""

    __tablename__: ClassVar[Any] = "change"
    __table_args__ = (_one_of("kind", ChangeKind), Index("ix_change_episode_day", "episode_id", "day"))
    id: int | None = Field(default=None, primary_key=True)
    episode_id: int = _owned_by("episode_of_care")
    day: date
    kind: ChangeKind = _word()
    label: str
    author_id: int | None = _owned_by("person", nullable=True, ondelete="SET NULL")
    created_at_utc: datetime = Field(default_factory=utc_now)
    visit_id: int | None = _owned_by("visit", nullable=True, index=True, ondelete="SET NULL")  # at which it was said


class LogCoverage(Table, table=True):
    """From the first log to the last sign of logging. Outside it nothing is known; it is not 0."""

    __tablename__: ClassVar[Any] = "log_coverage"
    __table_args__ = (CheckConstraint("last_day >= first_day", name="order"),)
    patient_id: int = Field(foreign_key="patient.id", primary_key=True, ondelete="CASCADE")
    first_day: date
    last_day: date


class PatientWeek(Table, table=True):
    """The runs of one patient in one week, kept with every write. Only weeks with a run have a row."""

    __tablename__: ClassVar[Any] = "patient_week"
    __table_args__ = (Index("ix_patient_week_week", "week", "patient_id"), {"sqlite_with_rowid": False})
    patient_id: int = Field(foreign_key="patient.id", primary_key=True, ondelete="CASCADE")
    week: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    runs: int
    distance_m: int
    longest_run_m: int
    moving_time_s: int
    runs_with_cadence: int
    running_time_s: int  # of the runs that have a running cadence
    running_steps: int  # steps of those running minutes, whole steps a run
    last_run_date: date


class PainWeek(Table, table=True):
    """How often each score was given, by patient, week, moment and side: median, worst and n follow from the counts."""

    __tablename__: ClassVar[Any] = "pain_week"
    __table_args__ = (_one_of("moment", PainMoment), _one_of("side", Side), {"sqlite_with_rowid": False})
    patient_id: int = Field(foreign_key="patient.id", primary_key=True, ondelete="CASCADE")
    week: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    moment: PainMoment = Field(sa_type=AutoString, primary_key=True)
    side: Side = Field(sa_type=AutoString, primary_key=True)
    n0: int = 0
    n1: int = 0
    n2: int = 0
    n3: int = 0
    n4: int = 0
    n5: int = 0
    n6: int = 0
    n7: int = 0
    n8: int = 0
    n9: int = 0
    n10: int = 0
    last_for_date: date


class Account(Table, table=True):
    """How a person signs in. Without a hash nobody can: a link to set the passphrase comes first."""

    __tablename__: ClassVar[Any] = "account"
    person_id: int = Field(foreign_key="person.id", primary_key=True, ondelete="CASCADE", sa_column_kwargs={"autoincrement": False})
    login_name: str = Field(unique=True)  # folded: see access/accounts.py
    passphrase_hash: str | None = None  # argon2id
    must_set_passphrase: bool = True
    created_at_utc: datetime = Field(default_factory=utc_now)
    email: str | None = Field(default=None, unique=True)  # folded; only for the first link with single sign-on
    totp_secret: str | None = None  # base32; set once the first code fitted
    totp_step: int | None = None  # the last 30-second step that was used: no code works twice


class RecoveryCode(Table, table=True):
    """A code that stands in for the second factor once. Only its SHA-256 is here."""

    __tablename__: ClassVar[Any] = "recovery_code"
    code_sha256: str = Field(primary_key=True)
    person_id: int = _owned_by("person", index=True)
    used_at_utc: datetime | None = None


class ExternalIdentity(Table, table=True):
    """Who somebody is at an identity provider: by issuer and subject, never by e-mail."""

    __tablename__: ClassVar[Any] = "external_identity"
    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    person_id: int = _owned_by("person", index=True)
    linked_at_utc: datetime = Field(default_factory=utc_now)


class SignInStep(Table, table=True):
    """A sign-in that is not whole yet. Its token opens the next step only; the SHA-256 of it is here."""

    __tablename__: ClassVar[Any] = "sign_in_step"
    __table_args__ = (_one_of("kind", SignInStepKind),)
    token_sha256: str = Field(primary_key=True)
    kind: SignInStepKind = _word()
    person_id: int | None = _owned_by("person", nullable=True, index=True)
    payload: str = ""  # JSON: what the next step needs
    created_at_utc: datetime = Field(default_factory=utc_now)
    expires_at_utc: datetime


class SetPasswordLink(Table, table=True):
    """A link that lets somebody set their passphrase once. Only its token's SHA-256 is here."""

    __tablename__: ClassVar[Any] = "set_password_link"
    token_sha256: str = Field(primary_key=True)
    person_id: int = _owned_by("person", index=True)
    created_at_utc: datetime = Field(default_factory=utc_now)
    expires_at_utc: datetime
    used_at_utc: datetime | None = None


class SignInSession(Table, table=True):
    """One sign-in of one person in one browser. The cookie holds the token; only its SHA-256 is here."""

    __tablename__: ClassVar[Any] = "sign_in_session"
    token_sha256: str = Field(primary_key=True)
    person_id: int = _owned_by("person", index=True)
    created_at_utc: datetime = Field(default_factory=utc_now)
    last_seen_at_utc: datetime = Field(default_factory=utc_now)
    ended_at_utc: datetime | None = None
    proved_at_utc: datetime | None = None  # when they last proved who they are, for what asks again


class FailedSignIn(Table, table=True):
    """How many tries failed in the present window, and since the last one that fitted. The subject is kept as its SHA-256 only."""

    __tablename__: ClassVar[Any] = "failed_sign_in"
    __table_args__ = (_one_of("attempts_of", AttemptsOf),)
    attempts_of: AttemptsOf = Field(sa_type=AutoString, primary_key=True)
    subject_sha256: str = Field(primary_key=True)
    window_started_at_utc: datetime
    tries: int
    windows_filled: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # one after the other: each one waits longer
    in_a_row: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # since the last that fitted


class AuditEvent(Table, table=True):
    """
    Who did what, when, from where, to which patient. Append-only: each row carries a keyed hash over itself and the one before.

    It points to people and patients by bare numbers, so that a row stays when they go. No name of a patient stands in it.
    """

    __tablename__: ClassVar[Any] = "audit_event"
    __table_args__ = (
        _one_of("action", AuditAction),
        Index("ix_audit_event_patient", "patient_id", "seq"),
        Index("ix_audit_event_person", "person_id", "seq"),
    )
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})  # 1, 2, 3 … without a gap
    at_utc: datetime
    person_id: int | None = None
    actor: str = ""  # how the person was called then, or "command line"
    source: str  # where from: "app", "command line" or an address
    action: AuditAction = _word()
    object_kind: str = ""  # a table, or a screen for a view
    object_key: str = ""  # its random key or its number
    patient_id: int | None = None
    detail: str = ""  # JSON with old and new values
    previous_mac: str
    mac: str


NPRS_COUNT_COLUMNS = tuple(f"n{score}" for score in range(NPRS_MIN, NPRS_MAX + 1))

# --------------------------------------------------------------------------------------------------------------------
# Frames: the columns that data/ gives and rehab/ takes. Days are datetime64 without a zone: the patient's local day.
# --------------------------------------------------------------------------------------------------------------------

RUN_COLUMNS = (
    "run_id",  # int
    "run_date",  # datetime64, local day
    "started_at_utc",  # datetime64 UTC
    "utc_offset_s",  # int
    "surface",  # Surface
    "distance_m",  # int
    "distance_rule",  # DistanceRule
    "moving_time_s",  # int
    "elapsed_time_s",  # int
    "cadence_spm",  # float, NaN if unknown
    "running_cadence_spm",  # float, NaN if unknown
    "device_cadence_spm",  # float, NaN if unknown
    "cadence_rule",  # CadenceRule
    "running_time_s",  # float, NaN if unknown
    "running_speed_m_s",  # float, NaN if unknown
    "grade_abs_mean",  # float, NaN if unknown
    "ground_contact_time_ms",  # float, NaN if unknown
    "session_rpe",  # float, NaN if unknown
    "device",  # str
)
PAIN_COLUMNS = (
    "score_id",  # int
    "moment",  # PainMoment
    "side",  # Side
    "nprs",  # int 0-10, none missing
    "for_date",  # datetime64, the day it was felt
    "run_id",  # float, NaN if it follows no run
    "counted_date",  # datetime64, the run's day if it follows one
    "recalled",  # bool
)
RUN_WEEK_COLUMNS = ("week", "runs", "distance_m", "longest_run_m", "moving_time_s", "runs_with_cadence", "running_time_s", "running_steps")
PAIN_WEEK_COLUMNS = ("week", "moment", "side", *NPRS_COUNT_COLUMNS)
PLAN_COLUMNS = (
    "version",  # int, from 1
    "valid_from",  # datetime64, first day of a week
    "weekly_distance_m",  # float, as all numbers below: NaN is not set
    "run_ceiling_m",
    "cadence_target_low_spm",
    "cadence_target_high_spm",
    "reason",
    "author",
    "created_at_utc",
    "runs_per_week",
    "run_part_s",
    "walk_part_s",
    "surface_limit",  # a Surface, or empty
    "speed_limit_m_s",
    "strength_sessions_per_week",
    "outside_band",  # bool
    "suggestion_state",  # as it was shown to the author; empty if nothing was
    "band_low_m",
    "band_high_m",
    "suggested_ceiling_m",
)
# One row a listed week of each version; `runs` and `longest_run_m` are NaN where not set.
PLAN_WEEK_COLUMNS = ("version", "week_start", "distance_m", "runs", "longest_run_m")
VISIT_COLUMNS = ("visit_key", "visit_date", "site", "kind", "status", "therapist", "summary", "hands_on", "education")
CHANGE_COLUMNS = ("day", "kind", "label", "author")
# One row a current answer. The newest one of an item says whether it was asked; a yes is open while `closed_on` is NaT.
SCREEN_COLUMNS = ("answer_id", "item", "answer", "asked_on", "closed_on")
SCREEN_HISTORY_COLUMNS = (
    *SCREEN_COLUMNS,
    "recorded_at_utc",
    "recorded_by",
    "closed_by",
    "closing_note",
    "corrects_id",  # float, NaN if it corrects none
    "retired_at_utc",
    "retired_by",
)
# One row a session that the runner did.
STRENGTH_COLUMNS = ("session_id", "done_on", "recorded_at_utc", "recorded_by")
# One row an exercise of a visit; `sets`, `reps` and `hold_s` are NaN where not told.
STRENGTH_GIVEN_COLUMNS = ("visit_key", "visit_date", "exercise", "sets", "reps", "hold_s")
# `total` is NaN for a form that was not finished; `details` is JSON.
OUTCOME_COLUMNS = ("outcome_id", "instrument", "total", "taken_on", "details", "recorded_at_utc", "recorded_by")
LIMIT_CHANGE_COLUMNS = ("changed_at_utc", "limit_name", "old_value", "new_value", "changed_by")
NOTE_COLUMNS = ("note", "written_at_utc", "written_by", "replaced_at_utc", "replaced_by")
REVIEW_COLUMNS = ("marked_at_utc", "person", "undone_at_utc")

# --------------------------------------------------------------------------------------------------------------------
# Who asks
# --------------------------------------------------------------------------------------------------------------------


class Viewer(BaseModel):
    """Who asks for facts or writes them. Every read and write of a patient's facts takes one."""

    model_config = ConfigDict(frozen=True)
    person_id: int | None  # None: the command line
    name: str
    roles: frozenset[Role]
    site_ids: frozenset[int] = frozenset()
    source: str = "app"  # where they ask from, as the audit keeps it: "app", "command line" or an address
    reaches_all: bool = False  # the command line: who holds the file and its key holds everything


# --------------------------------------------------------------------------------------------------------------------
# Entries: what a person or a file may say, checked before it becomes a row
# --------------------------------------------------------------------------------------------------------------------


class EntryRefused(ValueError):
    """
    An entry that cannot be right.

    Attributes
    ----------
    reasons : tuple of str
        One plain sentence for each thing to mend.
    """

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(reasons))


def _refuse(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("entry", "{sentence}", {"sentence": sentence})


# Invisible characters that turn the direction of writing: one of them makes a name read as another one.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def plain_text(text: str) -> str:
    """
    Write a text in one way only: composed characters (NFC), one line, nothing invisible that turns or hides it.

    >>> plain_text("Jose\u0301\\n\u202eRuiz\\x00")
    'José Ruiz'
    """
    if text.isprintable() and unicodedata.is_normalized("NFC", text):  # nothing to compose and nothing hidden
        return text.strip()
    spaced = "".join(" " if char in "\t\n\r\v\f\x85\u2028\u2029" else char for char in text)
    shown = (char for char in spaced if char not in _BIDI and unicodedata.category(char) not in {"Cc", "Cs"})
    return unicodedata.normalize("NFC", "".join(shown)).strip()


def _said_plainly(value: Any) -> Any:
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, int) and abs(value) > WHOLE_NUMBER_MAX:
        raise _refuse("One of the numbers is far too large. Check what was typed.")
    return value


_NOTHING_TO_SAY = frozenset({float, bool, type(None), date, datetime})  # most of what an entry is made of


class Entry(BaseModel):
    """Base of the entry classes: strict types (words may come as text), no unknown fields, text in one line and trimmed."""

    model_config = ConfigDict(
        frozen=True, defer_build=True, extra="forbid", strict=True, allow_inf_nan=False, str_max_length=TEXT_MAX_CHARACTERS
    )

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):  # a part of another entry, checked already
            return fields
        return {
            name: value if type(value) in _NOTHING_TO_SAY or isinstance(value, StrEnum) else _said_plainly(value)
            for name, value in fields.items()
        }

    @classmethod
    def checked(cls, **fields: Any) -> Self:
        """
        Validate and build.

        Raises
        ------
        EntryRefused
            With one sentence for each thing that is wrong.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise EntryRefused([_sentence(item) for item in error.errors(include_url=False)]) from None


def _sentence(item: Any) -> str:
    if item["type"] == "entry":
        return str(item["msg"])
    field = " ".join(str(part) for part in item["loc"]).replace("_", " ") or "entry"
    return f"{field[:1].upper()}{field[1:]}: {item['msg'].rstrip('.')}."


def _day_known(day: date, today: date, what: str, earliest: date = EARLIEST_DAY) -> None:
    if day > today:
        raise _refuse(f"{what} {day.isoformat()}, is in the future. Enter today or an earlier day.")
    if day < earliest:
        raise _refuse(f"{what} {day.isoformat()}, is before {earliest.year}. Check the year.")


_OneWord = TypeVar("_OneWord", bound=StrEnum)
Word = Annotated[_OneWord, Strict(False)]  # a word of one of the lists above, also as plain text
Name = Annotated[str, StringConstraints(max_length=NAME_MAX_CHARACTERS)]


class PainEntry(Entry):
    """One pain score, as it was told. `today` is the patient's local day at the time of telling."""

    today: date
    moment: Word[PainMoment]
    side: Word[Side]
    nprs: int
    for_date: date
    run_id: int | None = None

    @field_validator("nprs", mode="before")
    @classmethod
    def _whole_number(cls, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _refuse(f"A pain score is a whole number from 0 to 10, not {value!r:.40}. Leave it empty if there was no answer.")
        if not NPRS_MIN <= value <= NPRS_MAX:
            raise _refuse(f"A pain score is a whole number from 0 to 10, not {value}.")
        return value

    @model_validator(mode="after")
    def _not_in_future(self) -> "PainEntry":
        _day_known(self.for_date, self.today, "The day of a pain score,")
        return self


class RestEntry(Entry):
    """A yes or no about pain at rest or limping."""

    today: date
    moment: Word[RestMoment]
    side: Word[Side]
    answer: bool
    for_date: date

    @model_validator(mode="after")
    def _not_in_future(self) -> "RestEntry":
        _day_known(self.for_date, self.today, "The day of an answer,")
        return self


class RunEntry(Entry):
    """One run, typed in by hand or read from a file. `today` is the local day where it was run, at the time of telling."""

    today: date
    run_date: date
    started_at_utc: datetime
    utc_offset_s: int = 0
    surface: Word[Surface] = Surface.UNKNOWN
    distance_m: int
    distance_rule: Word[DistanceRule] = DistanceRule.ENTERED_BY_HAND
    moving_time_s: int
    elapsed_time_s: int
    cadence_spm: float | None = None
    running_cadence_spm: float | None = None
    device_cadence_spm: float | None = None
    cadence_rule: Word[CadenceRule] = CadenceRule.NONE
    running_time_s: int | None = None
    running_speed_m_s: float | None = None
    grade_abs_mean: float | None = None
    ground_contact_time_ms: float | None = None
    vertical_oscillation_mm: float | None = None
    session_rpe: int | None = None
    has_gps: bool = False
    device: Name = ""

    @model_validator(mode="after")
    def _plausible(self) -> "RunEntry":
        _day_known(self.run_date, self.today, "The day of the run,")
        if self.started_at_utc.utcoffset() is None:
            raise _refuse("The start of a run needs a time zone.")
        if abs(self.utc_offset_s) > UTC_OFFSET_MAX_S:
            raise _refuse("Local time is at most 14 hours from UTC. Check the time zone.")
        local_day = self.started_at_utc.date()
        if abs((local_day - self.run_date).days) <= 2:
            local_day = (self.started_at_utc.astimezone(UTC) + timedelta(seconds=self.utc_offset_s)).date()
        if local_day != self.run_date:
            raise _refuse(f"The run is dated {self.run_date.isoformat()}, but it started on {local_day.isoformat()}. Check day and time.")
        if not 0 <= self.distance_m <= DISTANCE_MAX_M:
            raise _refuse(
                f"A run of {self.distance_m / 1000:.1f} km cannot be right. It must be between 0 and {DISTANCE_MAX_M // 1000} km."
            )
        if not 0 <= self.moving_time_s <= self.elapsed_time_s <= ELAPSED_MAX_S:
            raise _refuse(
                f"Moving time ({self.moving_time_s} s) must not be longer than the time from start to end ({self.elapsed_time_s} s), and that not longer than a week."
            )
        if self.moving_time_s == 0 and self.distance_m > 0:
            raise _refuse("A run with a distance needs a time.")
        if self.moving_time_s and self.distance_m / self.moving_time_s > SPEED_MAX_M_S:
            raise _refuse(
                f"{self.distance_m / 1000:.1f} km in {self.moving_time_s // 60} min is faster than anyone runs. Check distance and time."
            )
        for measure, words, unit, low, high in RUN_MEASURES:
            value = getattr(self, measure)
            if value is not None and not low <= value <= high:
                raise _refuse(f"{words} of {value:g} {unit} cannot be right. It must be between {low:g} and {high:g}.")
        return self


class NoRunEntry(Entry):
    """The patient did not run on this day."""

    today: date
    day: date

    @model_validator(mode="after")
    def _not_in_future(self) -> "NoRunEntry":
        _day_known(self.day, self.today, "The day without a run,")
        return self


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())  # looks through hundreds of files


class PatientEntry(Entry):
    today: date
    code: str
    given_name: Name = ""
    family_name: Name = ""
    birth_date: date | None = None
    height_m: float | None = None
    time_zone: str
    distance_unit: Word[DistanceUnit] = DistanceUnit.MILE
    pain_comfortable_max: int = PAIN_COMFORTABLE_MAX
    pain_acceptable_max: int = PAIN_ACCEPTABLE_MAX

    @model_validator(mode="after")
    def _plausible(self) -> "PatientEntry":
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", self.code):
            raise _refuse("A patient code is 1 to 40 letters, digits, dots, dashes or underscores.")
        if self.birth_date is not None:
            _day_known(self.birth_date, self.today, "The birth date,", earliest=date(1900, 1, 1))
        if self.time_zone not in _time_zones():
            raise _refuse(f"{self.time_zone!r} is not a time zone. Use a name like America/Chicago.")
        if self.height_m is not None and not 0.5 <= self.height_m <= 2.6:
            raise _refuse("Height is in metres, between 0.5 and 2.6.")
        if not 0 <= self.pain_comfortable_max < self.pain_acceptable_max <= NPRS_MAX:
            raise _refuse("The comfortable zone must end below the zone that is OK if it settles, and both within 0 to 10.")
        return self


# ICD-10-CM: the character that names the side, by the start of the code (1 right, 2 left).
_SIDED_CODE = re.compile(r"(?:M76\.[0-3]|M70\.[67]|M25\.55|M76\.89|M24\.15|M25\.85|M16\.1)(\d)")


class EpisodeEntry(Entry):
    today: date
    problem: Name
    side: Word[Side]
    diagnosis_class: Word[DiagnosisClass]
    diagnosis_label: Name = ""
    icd10_code: str | None = None
    onset_date: date | None = None
    started_on: date
    goal: str = ""
    site_id: int | None = None
    therapist_id: int | None = None

    @model_validator(mode="after")
    def _plausible(self) -> "EpisodeEntry":
        if not self.problem:
            raise _refuse("Say in a few words what the problem is.")
        _day_known(self.started_on, self.today, "The start of the episode,")
        if self.onset_date is not None:
            _day_known(self.onset_date, self.today, "The onset of the problem,")
            if self.onset_date > self.started_on:
                raise _refuse("The problem began after the episode started. Check the two dates.")
        if self.icd10_code is not None:
            if not re.fullmatch(r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?", self.icd10_code):
                raise _refuse(f"{self.icd10_code!r} is not an ICD-10-CM code. It looks like M76.02.")
            sided = _SIDED_CODE.fullmatch(self.icd10_code)
            expected = {Side.RIGHT: "1", Side.LEFT: "2"}.get(self.side)
            if sided and expected and sided.group(1) != expected:
                raise _refuse(f"The code {self.icd10_code} is not for the {self.side.value} side: its last digit would be {expected}.")
        return self


def _distance_planned(distance_m: int | None, what: str) -> None:
    if distance_m == 0:
        raise _refuse(
            f"{what} of 0 is no plan. Leave the distance empty where none is set, or plan a short one with running and walking by turns."
        )
    if distance_m is not None and not 0 < distance_m <= DISTANCE_MAX_M:
        raise _refuse(f"{what} of {distance_m / 1000:.1f} km cannot be right. It must be above 0 and up to {DISTANCE_MAX_M // 1000} km.")


def _within(value: float | None, low: float, high: float, what: str) -> None:
    if value is not None and not low <= value <= high:
        raise _refuse(f"{what} must be between {low:g} and {high:g}, not {value:g}.")


class PlanWeekEntry(Entry):
    """One of the next weeks of a plan."""

    distance_m: int
    runs: int | None = None
    longest_run_m: int | None = None

    @model_validator(mode="after")
    def _plausible(self) -> "PlanWeekEntry":
        _distance_planned(self.distance_m, "A week")
        _distance_planned(self.longest_run_m, "A longest run")
        _within(self.runs, *RUNS_A_WEEK_RANGE, "The runs of a week")
        if self.longest_run_m is not None and self.longest_run_m > self.distance_m:
            raise _refuse("The longest run of a week is not longer than the week.")
        if self.longest_run_m is not None and self.runs is not None and self.runs * self.longest_run_m < self.distance_m:
            runs = "1 run" if self.runs == 1 else f"{self.runs} runs"
            raise _refuse(
                f"{runs} of at most {self.longest_run_m / 1000:.1f} km make less than the week's {self.distance_m / 1000:.1f} km."
            )
        return self


class SuggestionShown(Entry):
    """What was suggested to the author of a plan, as it stood on the screen. Without a band it was withheld."""

    state: Name
    band_low_m: int | None = None
    band_high_m: int | None = None
    ceiling_m: int | None = None

    @model_validator(mode="after")
    def _plausible(self) -> "SuggestionShown":
        if not self.state:
            raise _refuse("Say which state the suggestion was made in.")
        for value in (self.band_low_m, self.band_high_m, self.ceiling_m):
            _distance_planned(value, "A suggested distance")
        if (self.band_low_m is None) != (self.band_high_m is None):
            raise _refuse("A suggested band has two ends.")
        if self.band_low_m is not None and self.band_high_m is not None and self.band_low_m > self.band_high_m:
            raise _refuse("A suggested band goes from its lower to its upper end.")
        return self


class PlanEntry(Entry):
    """
    The next version of a plan. What is None is not set.

    `weeks` are the next one to four weeks from `valid_from` on; the first of them has the plan's weekly distance.
    """

    today: date
    valid_from: date
    weekly_distance_m: int | None = None
    runs_per_week: int | None = None
    run_ceiling_m: int | None = None
    run_part_s: int | None = None
    walk_part_s: int | None = None
    cadence_target_low_spm: float | None = None
    cadence_target_high_spm: float | None = None
    surface_limit: Word[Surface] | None = None
    speed_limit_m_s: float | None = None
    strength_sessions_per_week: int | None = None
    reason: str = ""
    outside_band: bool = False
    suggestion: SuggestionShown | None = None
    weeks: tuple[PlanWeekEntry, ...] = ()

    @model_validator(mode="after")
    def _plausible(self) -> "PlanEntry":
        if not -6 <= (self.valid_from - self.today).days <= PLAN_AHEAD_MAX_DAYS:
            raise _refuse(f"A plan begins this week or in the next {PLAN_AHEAD_MAX_DAYS // 7} weeks, not on {self.valid_from.isoformat()}.")
        _distance_planned(self.weekly_distance_m, "A week")
        _distance_planned(self.run_ceiling_m, "A longest run")
        _within(self.runs_per_week, *RUNS_A_WEEK_RANGE, "The runs of a week")
        _within(self.run_part_s, *RUN_WALK_PART_RANGE_S, "The running part, in seconds,")
        _within(self.walk_part_s, *RUN_WALK_PART_RANGE_S, "The walking part, in seconds,")
        if (self.run_part_s is None) != (self.walk_part_s is None):
            raise _refuse("Running and walking by turns needs both times: how long to run, how long to walk.")
        for target in (self.cadence_target_low_spm, self.cadence_target_high_spm):
            _within(target, CADENCE_MIN_SPM, CADENCE_MAX_SPM, "The cadence aimed at, in steps per minute of both feet,")
        low, high = self.cadence_target_low_spm, self.cadence_target_high_spm
        if low is not None and high is not None and low > high:
            raise _refuse("The cadence aimed at goes from a lower to a higher number of steps.")
        _within(self.speed_limit_m_s, SPEED_LIMIT_MIN_M_S, SPEED_MAX_M_S, "The highest speed, in m/s,")
        _within(self.strength_sessions_per_week, 0, STRENGTH_A_WEEK_MAX, "The strength sessions of a week")
        if self.outside_band and not self.reason:
            raise _refuse("This is outside the suggested band. Say why in a few words.")
        if len(self.weeks) > PLAN_WEEKS_MAX:
            raise _refuse(f"A plan lists at most {PLAN_WEEKS_MAX} weeks.")
        if self.weeks and self.weekly_distance_m not in {None, self.weeks[0].distance_m}:
            raise _refuse("The plan's weekly distance is that of its first week. Mend one of the two.")
        aims = self.model_dump(exclude={"today", "valid_from", "outside_band", "suggestion", "weeks", "reason"}).values()
        if not self.weeks and not self.reason and all(aim is None for aim in aims):
            raise _refuse("Nothing is planned yet. Fill in at least one of the fields.")
        return self


class ScreenEntry(Entry):
    """The answers to a red-flag screen. An item that is missing here was not asked."""

    today: date
    asked_on: date
    answers: dict[Word[ScreenItem], Word[ScreenAnswer]]

    @model_validator(mode="after")
    def _plausible(self) -> "ScreenEntry":
        _day_known(self.asked_on, self.today, "The day of the questions,")
        if not any(answer is not ScreenAnswer.NOT_ASKED for answer in self.answers.values()):
            raise _refuse("None of the questions was answered. Choose yes or no for those that were asked.")
        return self


class StrengthGivenEntry(Entry):
    """One exercise of a visit."""

    exercise: Name
    sets: int | None = None
    reps: int | None = None
    hold_s: int | None = None

    @model_validator(mode="after")
    def _plausible(self) -> "StrengthGivenEntry":
        if not self.exercise:
            raise _refuse("Say which exercise it was.")
        _within(self.sets, *EXERCISE_SETS_RANGE, f"The sets of {self.exercise}")
        _within(self.reps, *EXERCISE_REPS_RANGE, f"The repetitions of {self.exercise}")
        _within(self.hold_s, *EXERCISE_HOLD_RANGE_S, f"The time to hold {self.exercise}, in seconds,")
        return self


class VisitEntry(Entry):
    """What was done at a visit. A gait cue in words becomes a dated change on the chart."""

    today: date
    visit_date: date
    kind: Word[SiteKind]
    status: Word[VisitStatus] = VisitStatus.ARRIVED
    site_id: int | None = None
    summary: Name = ""
    hands_on: str = ""
    strength: tuple[StrengthGivenEntry, ...] = ()
    gait_cue: Name = ""
    education: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _plausible(self) -> "VisitEntry":
        done = (self.summary, self.hands_on, self.strength, self.gait_cue, self.education, self.note)
        if self.status is VisitStatus.ARRIVED:
            _day_known(self.visit_date, self.today, "The day of the visit,")
        elif any(done):
            raise _refuse("What was done at a visit is written down when the patient has arrived.")
        return self


class OutcomeActivity(Entry):
    """One of the patient's own activities and how well it goes: 0 not at all, 10 as before."""

    activity: Name
    ability: int | None = None

    @model_validator(mode="after")
    def _plausible(self) -> "OutcomeActivity":
        if not self.activity:
            raise _refuse("Say which activity it is, in the patient's own words.")
        _within(self.ability, *INSTRUMENT_RANGES[Instrument.PSFS], f"The value of “{self.activity}”")
        return self


class OutcomeEntry(Entry):
    """
    An outcome. Without a total it is incomplete, and stays so: nothing is filled up.

    For the PSFS the activities are told, and its total is their mean; one activity without a value leaves it incomplete.
    """

    today: date
    instrument: Word[Instrument]
    taken_on: date
    total: float | None = None
    activities: tuple[OutcomeActivity, ...] = ()
    items_answered: int | None = None

    @field_validator("total", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _plausible(self) -> "OutcomeEntry":
        _day_known(self.taken_on, self.today, "The day of the form,")
        name = self.instrument.value.upper().replace("_", "-")
        if self.instrument is Instrument.PSFS:
            if not 1 <= len(self.activities) <= PSFS_ACTIVITIES_MAX or self.total is not None:
                raise _refuse(f"For the PSFS tell one to {PSFS_ACTIVITIES_MAX} activities; the total follows from them.")
        elif self.activities:
            raise _refuse(f"The {name} has no activities of the patient's own. Enter its total.")
        if self.total is not None:
            _within(self.total, *INSTRUMENT_RANGES[self.instrument], f"The total of the {name}")
            if self.instrument in WHOLE_TOTALS and self.total != int(self.total):
                raise _refuse(f"The total of the {name} is a whole number.")
        _within(self.items_answered, 0, 100, "The number of answered items")
        return self

    @property
    def kept_total(self) -> float | None:
        """
        Give the total that is stored; None for a form that was not finished.

        >>> sitting = OutcomeActivity(activity="Sit through a film", ability=4)
        >>> running = OutcomeActivity(activity="Run 5 miles", ability=7)
        >>> day = date(2025, 3, 3)
        >>> OutcomeEntry(today=day, taken_on=day, instrument="psfs", activities=(sitting, running)).kept_total
        5.5
        """
        if self.instrument is not Instrument.PSFS:
            return self.total
        abilities = [activity.ability for activity in self.activities if activity.ability is not None]
        return sum(abilities) / len(abilities) if len(abilities) == len(self.activities) else None


class StrengthEntry(Entry):
    """How many strength sessions the runner did on a day; 0 takes back what was told."""

    today: date
    done_on: date
    sessions: int = 1

    @model_validator(mode="after")
    def _plausible(self) -> "StrengthEntry":
        _day_known(self.done_on, self.today, "The day of a strength session,")
        _within(self.sessions, 0, STRENGTH_A_DAY_MAX, "The strength sessions of a day")
        return self


class LimitsEntry(Entry):
    """A patient's own limits, all of them."""

    comfortable_max: int = PAIN_COMFORTABLE_MAX
    acceptable_max: int = PAIN_ACCEPTABLE_MAX
    settled_max: int = SETTLED_MAX
    max_step_ratio: float = MAX_STEP_RATIO
    no_suggestions: bool = False
    no_suggestions_reason: Name = ""

    @model_validator(mode="after")
    def _plausible(self) -> "LimitsEntry":
        if not 0 <= self.comfortable_max < self.acceptable_max <= NPRS_MAX:
            raise _refuse("The comfortable zone must end below the zone that is OK if it settles, and both within 0 to 10.")
        _within(self.settled_max, *SETTLED_MAX_RANGE, "The rise by next morning that counts as settled")
        _within(self.max_step_ratio, *MAX_STEP_RATIO_RANGE, "The largest step up, as a ratio,")
        if self.no_suggestions != bool(self.no_suggestions_reason):
            raise _refuse("Switching suggestions off needs a reason, and only that does.")
        return self
