"""
Large synthetic clinics to measure on: made by this file, no real person in them.

About 4 runs, 6 pain scores and an answer about pain at rest a week and patient, with all columns filled as imports fill them, inserted in time order over all
patients, as life does it: the rows of one patient lie all over the file. The minutes of the runs (`run_series`) are left out; no read
measured here looks at them. All patients are in care (the worst case for a caseload), about 40 a therapist.

For every third patient the pain changes its side every 52 weeks, and for every tenth one the episode in care is about the side without
a score: reads that look for the newest score of a side must not walk through the others.

The weeks are made backwards from the last day with the same seed, so a clinic of 12 years ends with the very rows of one of 1 year.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data import weeks
from data.database import MIGRATIONS, VAR, make_engine, migrate, reading
from models import Clinic, Role, Viewer, day_number, day_of, week_number

FOLDER = VAR / "benchmarks"
MADE_AS = 2  # goes up when this file makes other rows
SEED = 20250304
PATIENTS_A_THERAPIST = 40
FRESH_DAYS = 28  # a clinic that the served app looks at must end about today
WEEK_START = 0
RUN_SHARE, MORNING_SHARE, DURING_SHARE = 4 / 7, 5 / 7, 1 / 4  # of days, of days, of runs
WITHOUT_SCORE_EVERY, TURNING_EVERY = 10, 3  # patients
REST_PAIN_SHARE = 0.02  # of answers
DEVICES = ("Forerunner 265", "Forerunner 55", "Apple Watch", "COROS PACE 3", "")
TIME_ZONE, UTC_OFFSET_S = "America/Chicago", -6 * 3600

# From the first to the last log, for everybody at once.
COVERAGE = """
INSERT INTO log_coverage SELECT patient_id, min(low), max(high) FROM (
    SELECT patient_id, min(run_date) AS low, max(run_date) AS high FROM run GROUP BY patient_id
    UNION ALL SELECT patient_id, min(for_date), max(for_date) FROM pain_score GROUP BY patient_id
) GROUP BY patient_id
"""

Columns = dict[str, Sequence[Any]]


@dataclass(frozen=True)
class ClinicFile:
    """A clinic that was made: where it lies, how large it is, its last day, and how long the making took (0: it was there)."""

    path: Path
    patients: int
    years: int
    through: date
    made_in_s: float

    @property
    def url(self) -> str:
        """The address for an engine."""
        return f"sqlite:///{self.path}"

    @property
    def words(self) -> str:
        """What it is, for the output."""
        made = f"made in {self.made_in_s:.0f} s" if self.made_in_s else "was there already"
        return f"{self.patients:,} patients × {self.years} y, {self.path.stat().st_size / 1e6:,.0f} MB, {made}"


def therapist() -> Viewer:
    """Give the one who looks: the first therapist, who reaches about 40 patients of the clinic and no whole site."""
    return Viewer(person_id=1, name="Therapist 1", roles=frozenset({Role.THERAPIST}))


def clinic_file(patients: int, years: int, *, through: date | None = None, folder: Path = FOLDER) -> ClinicFile:
    """
    Give a synthetic clinic, made now or found from an earlier run with the same schema.

    Parameters
    ----------
    patients, years : int
        Its size. Each patient's log begins within the first third of the years.
    through : date, optional
        The last day; without it today, and a clinic of the last four weeks will do.
    folder : Path
        Where it is kept.
    """
    until = "" if through is None else f"-{through.isoformat()}"
    stem = f"clinic-{patients}x{years}{until}-"
    path = folder / f"{stem}{_schema()}-{MADE_AS}.db"
    today = datetime.now(UTC).date() - timedelta(days=1)  # it has begun everywhere
    found = _last_day(path)
    if found is not None and (found == through or (through is None and 0 <= (today - found).days <= FRESH_DAYS)):
        return ClinicFile(path, patients, years, found, 0.0)
    folder.mkdir(parents=True, exist_ok=True)
    making = path.with_suffix(".making")
    _remove(making)
    started = time.monotonic()
    _make(making, patients, years, through or today)
    for old in folder.glob(f"{stem}????????-*.db"):
        _remove(old)
    making.rename(path)
    return ClinicFile(path, patients, years, through or today, time.monotonic() - started)


def _schema() -> str:
    """Name the schema by what stands in its migrations."""
    sources = sorted((MIGRATIONS / "versions").glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]


def _last_day(path: Path) -> date | None:
    """Give the last day of a whole file; it is written as the very last thing."""
    if not path.exists():
        return None
    engine = make_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        number = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    engine.dispose()
    return day_of(number) if number else None


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).unlink()


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _make(path: Path, patients: int, years: int, through: date) -> None:
    what = f"making {patients:,} patients × {years} y"
    engine = make_engine(f"sqlite:///{path}")
    migrate(engine)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        if raw is None:
            raise RuntimeError("The connection is closed.")
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "ignore_check_constraints = ON"):
            raw.execute(f"PRAGMA {pragma}")
        indexes = raw.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('run', 'pain_score', 'rest_answer', 'patient_week')"
        ).fetchall()
        for name, _ in indexes:
            raw.execute(f"DROP INDEX {name}")
        raw.execute("PRAGMA foreign_keys = OFF")  # a row may come before the one that it names
        raw.execute("BEGIN")
        course = _Course.of(patients, years, through)
        for table, rows in _register(course):
            _insert(raw, table, rows)
        course.write_days(raw, lambda done: _say(f"{what}: weeks written {done:.0%}"))
        raw.execute("COMMIT")
        _say(f"{what}: the maintained weeks")
        weeks.rebuild_weeks(connection)
        for name, statement in indexes:
            _say(f"{what}: {name}")
            raw.execute(statement)
        _say(f"{what}: coverage and statistics")
        raw.execute(COVERAGE)
        raw.execute("ANALYZE")
        raw.execute(f"PRAGMA user_version = {day_number(through)}")
        connection.commit()
    engine.dispose()
    _say("")


def _insert(raw: Any, table: str, columns: Columns) -> None:
    known = list(Clinic.metadata.tables[table].columns.keys())
    if missing := set(columns) - set(known):
        raise ValueError(f"{table} has no {sorted(missing)}")
    given = [name for name in known if name in columns]
    places = ", ".join("?" for _ in given)
    quoted = ", ".join(f'"{name}"' for name in given)
    raw.executemany(f'INSERT INTO "{table}" ({quoted}) VALUES ({places})', zip(*(columns[name] for name in given), strict=True))


def _moment(day: date, hour: int = 12) -> str:
    return f"{day.isoformat()} {hour:02d}:00:00.000000"


# --------------------------------------------------------------------------------------------------------------------
# Who is there
# --------------------------------------------------------------------------------------------------------------------


def _register(course: "_Course") -> Iterable[tuple[str, Columns]]:
    patients, first, through = course.patients, course.first_day, course.through
    ids = range(1, patients + 1)
    people = -(-patients // PATIENTS_A_THERAPIST)
    opened = _moment(first)
    yield (
        "clinic",
        {
            "id": [1],
            "name": ["Synthetic clinic"],
            "time_zone": [TIME_ZONE],
            "week_start": [WEEK_START],
            "is_demo": [1],
            "created_at_utc": [opened],
        },
    )
    yield "site", {"id": [1, 2, 3], "name": ["North", "South", "Virtual"], "kind": ["in_person", "in_person", "virtual"]}
    persons = range(1, people + 1)
    yield (
        "person",
        {
            "id": persons,
            "key": [f"person-{number:09d}" for number in persons],
            "name": [f"Therapist {number}" for number in persons],
            "is_active": [1] * people,
            "created_at_utc": [opened] * people,
        },
    )
    yield "person_role", {"person_id": persons, "role": ["therapist"] * people}
    yield (
        "patient",
        {
            "id": ids,
            "key": [f"patient-{number:08d}" for number in ids],
            "code": [f"S{number:06d}" for number in ids],
            "given_name": [f"Given{number % 997}" for number in ids],
            "family_name": [f"Family{number * 7919 % 10007}" for number in ids],
            "birth_date": [date(1955 + number % 50, 1 + number % 12, 1 + number % 28).isoformat() for number in ids],
            "height_m": [1.55 + number % 40 / 100 for number in ids],
            "time_zone": [TIME_ZONE] * patients,
            "distance_unit": ["mi"] * patients,
            "pain_comfortable_max": [3] * patients,
            "pain_acceptable_max": [5] * patients,
            "changed_seq": [1 + number % 9 for number in ids],
            "created_at_utc": [opened] * patients,
            "created_by_id": [course.therapist_of(number) for number in ids],
        },
    )
    yield (
        "import_batch",
        {
            "id": ids,
            "patient_id": ids,
            "started_at_utc": [opened] * patients,
            "finished_at_utc": [opened] * patients,
            "person_id": [course.therapist_of(number) for number in ids],
            "via": ["app"] * patients,
        },
    )
    yield (
        "import_file",
        {
            "id": ids,
            "batch_id": ids,
            "patient_id": ids,
            "file_name": ["runs.csv"] * patients,
            "size_bytes": [60_000] * patients,
            "stored_sha256": [f"{number:064x}" for number in ids],
            "content_sha256": [f"{number:064x}" for number in ids],
            "file_format": ["runs_csv"] * patients,
            "outcome": ["added"] * patients,
            "reason": [""] * patients,
        },
    )
    yield from _care(course, through)


def _care(course: "_Course", through: date) -> Iterable[tuple[str, Columns]]:
    """One episode a year, the last of half a year and active; a visit every 3 weeks, a plan every 4, a change every 10."""
    ends: list[date | None] = [through - timedelta(days=365 * year) for year in range(course.years - 1, 0, -1)]
    spans = [((ended or through) - timedelta(days=182), ended) for ended in [*ends, None]]
    cared = [(number, started, ended) for started, ended in spans for number in range(1, course.patients + 1)]
    by = [course.therapist_of(number) for number, _, _ in cared]
    yield (
        "episode_of_care",
        {
            "id": range(1, len(cared) + 1),
            "key": [f"episode-{episode:08d}" for episode in range(1, len(cared) + 1)],
            "patient_id": [number for number, _, _ in cared],
            "site_id": [1 + number % 3 for number, _, _ in cared],
            "therapist_id": by,
            "problem": ["Outer hip pain on long runs"] * len(cared),
            "side": [course.side_in_care(number, is_active=ended is None) for number, _, ended in cared],
            "diagnosis_class": ["tendon"] * len(cared),
            "diagnosis_label": ["Gluteal tendinopathy"] * len(cared),
            "onset_date": [started.isoformat() for _, started, _ in cared],
            "started_on": [started.isoformat() for _, started, _ in cared],
            "goal": ["Run 10 miles without pain"] * len(cared),
            "status": ["discharged" if ended else "active" for _, _, ended in cared],
            "ended_on": [ended and ended.isoformat() for _, _, ended in cared],
            "created_at_utc": [_moment(started) for _, started, _ in cared],
            "created_by_id": by,
        },
    )
    days = {every: [(row, day) for row in range(len(cared)) for day in range(every, 182, every)] for every in (21, 28, 70)}
    on = {every: [cared[row][1] + timedelta(days=day) for row, day in of] for every, of in days.items()}
    seen, planned, changed = days[21], days[28], days[70]
    yield (
        "visit",
        {
            "id": range(1, len(seen) + 1),
            "key": [f"visit-{visit:010d}" for visit in range(1, len(seen) + 1)],
            "episode_id": [row + 1 for row, _ in seen],
            "visit_date": [day.isoformat() for day in on[21]],
            "site_id": [1] * len(seen),
            "kind": ["in_person"] * len(seen),
            "status": ["arrived"] * len(seen),
            "therapist_id": [by[row] for row, _ in seen],
            "summary": ["Reviewed load and hip strength"] * len(seen),
            "note": [""] * len(seen),
            "created_at_utc": [_moment(day) for day in on[21]],
        },
    )
    yield (
        "plan",
        {
            "id": range(1, len(planned) + 1),
            "episode_id": [row + 1 for row, _ in planned],
            "version": [day // 28 for _, day in planned],
            "valid_from": [day.isoformat() for day in on[28]],
            "weekly_distance_m": [24_000 + 1_500 * (day // 28) for _, day in planned],
            "run_ceiling_m": [8_000 + 500 * (day // 28) for _, day in planned],
            "cadence_target_low_spm": [168.0] * len(planned),
            "cadence_target_high_spm": [174.0] * len(planned),
            "reason": ["Step up after a quiet week"] * len(planned),
            "author_id": [by[row] for row, _ in planned],
            "created_at_utc": [_moment(day) for day in on[28]],
        },
    )
    yield (
        "change",
        {
            "id": range(1, len(changed) + 1),
            "episode_id": [row + 1 for row, _ in changed],
            "day": [day.isoformat() for day in on[70]],
            "kind": ["cadence_cue"] * len(changed),
            "label": ["Metronome at 170"] * len(changed),
            "author_id": [by[row] for row, _ in changed],
            "created_at_utc": [_moment(day) for day in on[70]],
        },
    )


# --------------------------------------------------------------------------------------------------------------------
# What they logged
# --------------------------------------------------------------------------------------------------------------------

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass
class _Course:
    """The logs of all patients, written week by week."""

    patients: int
    years: int
    through: date
    weeks: int
    starts: Ints  # week index at which a patient begins to log

    @classmethod
    def of(cls, patients: int, years: int, through: date) -> "_Course":
        count = round(years * 365.25 / 7)
        starts = np.random.default_rng(SEED).integers(0, max(count // 3, 1), patients)
        starts[0] = 0  # the patient whose page is shown has all the years
        return cls(patients, years, through, count, starts)

    @property
    def first_day(self) -> date:
        return day_of(week_number(self.through, WEEK_START) - 7 * (self.weeks - 1))

    def therapist_of(self, number: int) -> int:
        return 1 + (number - 1) % -(-self.patients // PATIENTS_A_THERAPIST)

    def sides(self, weeks_back: int) -> npt.NDArray[np.object_]:
        """Give the side that each patient's scores are about."""
        numbers = np.arange(1, self.patients + 1)
        turns = np.where(numbers % TURNING_EVERY == 0, weeks_back // 52, 0)
        return np.where((numbers + turns) % 2 == 1, "left", "right").astype(object)

    def side_in_care(self, number: int, *, is_active: bool) -> str:
        is_left = number % 2 == 1
        if is_active and number % WITHOUT_SCORE_EVERY == 0:
            is_left = not is_left
        return "left" if is_left else "right"

    def write_days(self, raw: Any, on_progress: Callable[[float], None]) -> None:
        run_id, score_id, answer_id = 1, 1, 1
        run_of_yesterday = np.zeros(self.patients, np.int64)  # 0: no run
        for index in range(self.weeks):
            monday = day_number(self.first_day) + 7 * index
            sides = self.sides(self.weeks - 1 - index)
            rng = np.random.default_rng([SEED, self.weeks - index])  # counted back from the last week
            ran = rng.random((7, self.patients)) < RUN_SHARE
            told = rng.random((7, self.patients)) < MORNING_SHARE
            told_during = rng.random((7, self.patients)) < DURING_SHARE
            here = (self.starts <= index) & (monday + np.arange(7) <= day_number(self.through))[:, None]
            ran, told = ran & here, told & here
            run_ids = np.where(ran, (run_id + np.cumsum(ran) - 1).reshape(ran.shape), 0)
            before = np.vstack([run_of_yesterday, run_ids[:-1]])
            run_id += self._write_runs(raw, rng, monday, ran, run_id)
            score_id += self._write_scores(raw, rng, monday, told, ran & told_during, before, run_ids, score_id, sides)
            answer_id += self._write_rest_answers(raw, rng, monday, here[6], answer_id, sides)
            run_of_yesterday = run_ids[6]
            on_progress((index + 1) / self.weeks)

    def _write_runs(self, raw: Any, rng: np.random.Generator, monday: int, ran: Bools, first_id: int) -> int:
        day, patient = np.nonzero(ran)  # in time order over all patients
        count = len(day)
        if not count:
            return 0
        texts = [day_of(monday + offset).isoformat() for offset in range(7)]
        run_days = [texts[offset] for offset in day.tolist()]
        clock = [f" {minute // 60:02d}:{minute % 60:02d}:07.000000" for minute in range(24 * 60)]
        starts_at = rng.integers(11 * 60, 23 * 60, count).tolist()
        distance = rng.integers(3_000, 16_000, count)
        speed = 2.5 + 0.3 * (patient % 3) + rng.normal(0, 0.12, count)
        moving = (distance / speed).astype(np.int64)
        cadence = np.round(160 + patient % 14 + 8 * (speed - 2.8) + rng.normal(0, 1.5, count), 1)
        known = rng.random(count) > 0.1
        contact = rng.random(count) > 0.5
        digests = rng.bytes(32 * count).hex()
        numbers = (patient + 1).tolist()
        recorders = [self.therapist_of(number) for number in numbers]
        _insert(
            raw,
            "run",
            {
                "id": range(first_id, first_id + count),
                "patient_id": numbers,
                "run_date": run_days,
                "week": [monday] * count,
                "started_at_utc": [text + clock[minute] for text, minute in zip(run_days, starts_at, strict=True)],
                "utc_offset_s": [UTC_OFFSET_S] * count,
                "surface": ["road"] * count,
                "distance_m": distance.tolist(),
                "distance_rule": ["device_total"] * count,
                "moving_time_s": moving.tolist(),
                "elapsed_time_s": (moving + rng.integers(0, 600, count)).tolist(),
                "cadence_spm": _known(cadence, known),
                "running_cadence_spm": _known(cadence + 1.5, known),
                "device_cadence_spm": _known(cadence, known),
                "cadence_rule": ["fit_strides_doubled" if one else "none" for one in known.tolist()],
                "running_time_s": _known((moving * 0.97).astype(np.int64), known),
                "running_speed_m_s": _known(np.round(speed + 0.05, 3), known),
                "grade_abs_mean": np.round(rng.random(count) * 0.03, 4).tolist(),
                "ground_contact_time_ms": _known(np.round(rng.normal(255, 12, count), 1), contact),
                "vertical_oscillation_mm": _known(np.round(rng.normal(85, 6, count), 1), contact),
                "session_rpe": _known(rng.integers(3, 8, count), contact),
                "has_gps": [1] * count,
                "device": [DEVICES[number % len(DEVICES)] for number in numbers],
                "identity_sha256": [digests[start : start + 64] for start in range(0, 64 * count, 64)],
                "import_file_id": numbers,
                "recorded_at_utc": [text + " 23:30:00.000000" for text in run_days],
                "recorded_by_id": recorders,
                "retired_at_utc": [None] * count,
                "retired_by_id": [None] * count,
            },
        )
        return count

    def _write_scores(
        self,
        raw: Any,
        rng: np.random.Generator,
        monday: int,
        mornings: Bools,
        during: Bools,
        before: Ints,
        run_ids: Ints,
        first_id: int,
        sides: npt.NDArray[np.object_],
    ) -> int:
        day, patient = np.nonzero(mornings | during)
        both = mornings[day, patient] & during[day, patient]
        day, patient = np.repeat(day, 1 + both), np.repeat(patient, 1 + both)
        is_first = np.ones(len(day), dtype=bool)
        is_first[1:] = (day[1:] != day[:-1]) | (patient[1:] != patient[:-1])
        morning = mornings[day, patient] & is_first
        count = len(day)
        if not count:
            return 0
        run = np.where(morning, before[day, patient], run_ids[day, patient])
        counted = np.where(morning & (run > 0), day - 1, day)
        texts = [day_of(monday + offset).isoformat() for offset in range(-1, 7)]
        numbers = (patient + 1).tolist()
        nprs = np.clip(np.round(2 + patient % 3 + rng.normal(0, 1.2, count)), 0, 10).astype(np.int64)
        recorded = [texts[offset + 1] + " 23:45:00.000000" for offset in day.tolist()]
        _insert(
            raw,
            "pain_score",
            {
                "id": range(first_id, first_id + count),
                "patient_id": numbers,
                "side": sides[patient].tolist(),
                "moment": ["next_morning" if one else "during" for one in morning.tolist()],
                "nprs": nprs.tolist(),
                "for_date": [texts[offset + 1] for offset in day.tolist()],
                "run_id": [one or None for one in run.tolist()],
                "run_named": [0] * count,
                "counted_date": [texts[offset + 1] for offset in counted.tolist()],
                "week": np.where(counted < 0, monday - 7, monday).tolist(),
                "recalled": [0] * count,
                "import_file_id": numbers,
                "recorded_at_utc": recorded,
                "recorded_by_id": [self.therapist_of(number) for number in numbers],
                "corrects_id": [None] * count,
                "retired_at_utc": [None] * count,
                "retired_by_id": [None] * count,
            },
        )
        return count

    def _write_rest_answers(
        self, raw: Any, rng: np.random.Generator, monday: int, here: Bools, first_id: int, sides: npt.NDArray[np.object_]
    ) -> int:
        patient = np.flatnonzero(here)
        count, sunday = len(patient), day_of(monday + 6)
        _insert(
            raw,
            "rest_answer",
            {
                "id": range(first_id, first_id + count),
                "patient_id": (patient + 1).tolist(),
                "side": sides[patient].tolist(),
                "moment": ["night_rest"] * count,
                "answer": (rng.random(count) < REST_PAIN_SHARE).astype(int).tolist(),
                "for_date": [sunday.isoformat()] * count,
                "import_file_id": (patient + 1).tolist(),
                "recorded_at_utc": [_moment(sunday, 23)] * count,
                "recorded_by_id": [self.therapist_of(number) for number in (patient + 1).tolist()],
                "corrects_id": [None] * count,
                "retired_at_utc": [None] * count,
                "retired_by_id": [None] * count,
            },
        )
        return count


def _known(values: npt.NDArray[Any], known: Bools) -> list[Any]:
    return [value if one else None for value, one in zip(values.tolist(), known.tolist(), strict=True)]


def shown_episodes(clinic: ClinicFile) -> list[str]:
    """Give the keys of the therapist's active episodes, that of the patient with all the years first."""
    engine = make_engine(clinic.url)
    with reading(engine) as connection:
        rows = connection.exec_driver_sql(
            "SELECT key FROM episode_of_care WHERE status = 'active' AND therapist_id = ? ORDER BY patient_id", (therapist().person_id,)
        ).all()
    engine.dispose()
    return [row[0] for row in rows]
