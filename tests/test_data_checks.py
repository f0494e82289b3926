"""What an entry class refuses, the schema refuses too: raw inserts below, on and above every limit."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa

from data.database import writing
from models import (
    AttemptsOf,
    AuditAction,
    CadenceRule,
    ChangeKind,
    DiagnosisClass,
    DistanceRule,
    DistanceUnit,
    EpisodeStatus,
    ImportOutcome,
    Instrument,
    LimitName,
    Packing,
    PainMoment,
    RestMoment,
    Role,
    RunStanding,
    RunVerdict,
    ScreenAnswer,
    ScreenItem,
    Side,
    SignInStepKind,
    SiteKind,
    Surface,
    Table,
    VisitStatus,
)

TABLES = Table.metadata.tables
NOW = datetime(2025, 3, 3, 12, tzinfo=UTC)
DAY = date(2025, 3, 3)

# A row of each table that nothing is wrong with; what it belongs to is there (see `parents`).
ROWS: dict[str, dict[str, Any]] = {
    "clinic": {"id": 1, "name": "Two Rivers", "time_zone": "America/Chicago", "week_start": 0, "is_demo": False, "created_at_utc": NOW},
    "site": {"name": "Harbour", "kind": "in_person"},
    "person_role": {"person_id": 1, "role": "owner"},
    "patient": {
        "key": "k2",
        "code": "BEN",
        "given_name": "",
        "family_name": "",
        "height_m": 1.7,
        "time_zone": "America/Chicago",
        "distance_unit": "mi",
        "pain_comfortable_max": 3,
        "pain_acceptable_max": 5,
        "changed_seq": 0,
        "created_at_utc": NOW,
    },
    "episode_of_care": {
        "key": "k2",
        "patient_id": 1,
        "problem": "Hip",
        "side": "left",
        "diagnosis_class": "tendon",
        "diagnosis_label": "",
        "started_on": DAY,
        "goal": "",
        "status": "active",
        "ended_on": None,
        "created_at_utc": NOW,
    },
    "audit_event": {
        "seq": 1,
        "at_utc": NOW,
        "actor": "Tess",
        "source": "app",
        "action": "view",
        "object_kind": "episode",
        "object_key": "k",
        "detail": "",
        "previous_mac": "0",
        "mac": "0",
    },
    "failed_sign_in": {"attempts_of": "account", "subject_sha256": "0", "window_started_at_utc": NOW, "tries": 1},
    "sign_in_step": {"token_sha256": "0", "kind": "enrol", "person_id": 1, "payload": "", "created_at_utc": NOW, "expires_at_utc": NOW},
    "import_file": {
        "batch_id": 1,
        "patient_id": 1,
        "file_name": "run.fit",
        "size_bytes": 1,
        "stored_sha256": "",
        "content_sha256": "",
        "file_format": "",
        "outcome": "added",
        "reason": "",
    },
    "run": {
        "patient_id": 1,
        "run_date": DAY,
        "week": 20_150,
        "started_at_utc": NOW,
        "utc_offset_s": -21_600,
        "surface": "road",
        "distance_m": 8_000,
        "distance_rule": "records",
        "moving_time_s": 2_880,
        "elapsed_time_s": 3_000,
        "cadence_spm": 168.0,
        "running_cadence_spm": 170.0,
        "device_cadence_spm": 167.0,
        "cadence_rule": "fit_strides_doubled",
        "running_time_s": 2_800,
        "running_speed_m_s": 2.8,
        "grade_abs_mean": 0.02,
        "ground_contact_time_ms": 250.0,
        "vertical_oscillation_mm": 90.0,
        "session_rpe": 4,
        "has_gps": True,
        "device": "",
        "identity_sha256": "00",
        "recorded_at_utc": NOW,
    },
    "pain_score": {
        "patient_id": 1,
        "side": "left",
        "moment": "next_morning",
        "nprs": 3,
        "for_date": DAY,
        "run_named": False,
        "counted_date": DAY,
        "week": 20_150,
        "recalled": False,
        "recorded_at_utc": NOW,
    },
    "import_original": {"content_sha256": "0", "packing": "zlib", "size_bytes": 1, "packed": b"x", "kept_at_utc": NOW},
    "run_decision": {"patient_id": 1, "act_key": "k", "verdict": "accepted", "copy_id": 1, "decided_at_utc": NOW},
    "dropped_day": {"patient_id": 1, "day": DAY, "recorded_at_utc": NOW},
    "rest_answer": {"patient_id": 1, "side": "left", "moment": "rest", "answer": True, "for_date": DAY, "recorded_at_utc": NOW},
    "day_without_run": {"patient_id": 1, "day": DAY, "recorded_at_utc": NOW},
    "visit": {
        "key": "k",
        "episode_id": 1,
        "visit_date": DAY,
        "kind": "in_person",
        "status": "arrived",
        "summary": "",
        "note": "",
        "created_at_utc": NOW,
    },
    "plan": {
        "episode_id": 1,
        "version": 1,
        "valid_from": DAY,
        "weekly_distance_m": 20_000,
        "run_ceiling_m": 8_000,
        "cadence_target_low_spm": 170.0,
        "cadence_target_high_spm": 180.0,
        "reason": "",
        "created_at_utc": NOW,
    },
    "plan_week": {"plan_id": 1, "number": 3, "distance_m": 20_000, "runs": 3, "longest_run_m": 8_000},
    "limit_change": {"patient_id": 1, "limit_name": "settled_max", "old_value": "1", "new_value": "2", "changed_at_utc": NOW},
    "strength_given": {"visit_id": 1, "number": 1, "exercise": "Bridge", "sets": 2, "reps": 8, "hold_s": 10},
    "red_flag_answer": {"episode_id": 1, "item": "low_energy", "answer": "no", "asked_on": DAY, "recorded_at_utc": NOW, "closing_note": ""},
    "outcome_score": {"episode_id": 1, "instrument": "uwri", "total": 20, "details": "", "taken_on": DAY, "recorded_at_utc": NOW},
    "strength_session": {"episode_id": 1, "done_on": DAY, "number": 1, "recorded_at_utc": NOW},
    "change": {"episode_id": 1, "day": DAY, "kind": "shoe", "label": "New shoes", "created_at_utc": NOW},
    "log_coverage": {"patient_id": 1, "first_day": DAY, "last_day": DAY},
    "pain_week": {
        "patient_id": 1,
        "week": 20_150,
        "moment": "next_morning",
        "side": "left",
        **{f"n{score}": 0 for score in range(11)},
        "last_for_date": DAY,
    },
}

WORDS: tuple[tuple[str, str, type[StrEnum]], ...] = (
    ("site", "kind", SiteKind),
    ("person_role", "role", Role),
    ("patient", "distance_unit", DistanceUnit),
    ("episode_of_care", "side", Side),
    ("episode_of_care", "status", EpisodeStatus),
    ("episode_of_care", "diagnosis_class", DiagnosisClass),
    ("audit_event", "action", AuditAction),
    ("failed_sign_in", "attempts_of", AttemptsOf),
    ("sign_in_step", "kind", SignInStepKind),
    ("import_file", "outcome", ImportOutcome),
    ("import_original", "packing", Packing),
    ("run_decision", "verdict", RunVerdict),
    ("run", "surface", Surface),
    ("run", "cadence_rule", CadenceRule),
    ("run", "distance_rule", DistanceRule),
    ("pain_score", "moment", PainMoment),
    ("pain_score", "side", Side),
    ("rest_answer", "moment", RestMoment),
    ("rest_answer", "side", Side),
    ("visit", "kind", SiteKind),
    ("visit", "status", VisitStatus),
    ("change", "kind", ChangeKind),
    ("limit_change", "limit_name", LimitName),
    ("red_flag_answer", "item", ScreenItem),
    ("pain_week", "moment", PainMoment),
    ("pain_week", "side", Side),
)
EPOCH, EVE = date(1970, 1, 1), date(1969, 12, 31)
# table, column, values that are right, values that are not (written by hand, not from the constants of models.py)
RANGES: tuple[tuple[str, str, tuple[Any, ...], tuple[Any, ...]], ...] = (
    ("clinic", "idle_minutes", (5, 30), (4, 31)),
    ("clinic", "session_hours", (1, 24), (0, 25)),
    ("clinic", "week_start", (0, 6), (-1, 7)),
    ("patient", "height_m", (None, 0.5, 2.6), (0.49, 2.61, 170.0)),
    ("patient", "pain_comfortable_max", (0, 4), (-1,)),
    ("run", "run_date", (EPOCH,), (EVE,)),
    ("dropped_day", "day", (EPOCH,), (EVE,)),
    ("run", "utc_offset_s", (-50_400, 0, 50_400), (-50_401, 50_401)),
    ("run", "distance_m", (0, 8_000), (-1,)),
    ("run", "cadence_spm", (None, 20.0, 300.0), (0.0, 19.9, 300.1)),
    ("run", "running_cadence_spm", (None, 20.0, 300.0), (0.0, 19.9, 300.1)),
    ("run", "device_cadence_spm", (None, 20.0, 300.0), (0.0, 19.9, 300.1)),
    ("run", "running_time_s", (None, 0, 604_800), (-1, 604_801)),
    ("run", "running_speed_m_s", (None, 0.0, 12.0), (-0.1, 12.1)),
    ("run", "grade_abs_mean", (None, 0.0, 1.0), (-0.01, 1.01)),
    ("run", "ground_contact_time_ms", (None, 80.0, 600.0), (0.0, 79.9, 600.1)),
    ("run", "vertical_oscillation_mm", (None, 10.0, 300.0), (0.0, 9.9, 300.1)),
    ("run", "session_rpe", (None, 0, 10), (-1, 11)),
    ("pain_score", "nprs", tuple(range(11)), (-1, 11, 99)),
    ("pain_score", "for_date", (EPOCH,), (EVE,)),
    ("rest_answer", "for_date", (EPOCH,), (EVE,)),
    ("day_without_run", "day", (EPOCH,), (EVE,)),
    ("plan", "version", (1, 2), (0, -1)),
    ("plan", "weekly_distance_m", (None, 1, 500_000), (0, -1, 500_001)),
    ("plan", "run_ceiling_m", (None, 1, 500_000), (0, 500_001)),
    ("plan", "runs_per_week", (None, 1, 14), (0, 15)),
    ("plan", "speed_limit_m_s", (None, 0.5, 12.0), (0.49, 12.1)),
    ("plan", "strength_sessions_per_week", (None, 0, 21), (-1, 22)),
    ("plan", "suggested_ceiling_m", (None, 1, 500_000), (0, 500_001)),
    ("plan_week", "number", (0, 3), (-1, 4)),
    ("plan_week", "distance_m", (1, 500_000), (0, 500_001)),
    ("plan_week", "runs", (None, 1, 14), (0, 15)),
    ("plan_week", "longest_run_m", (None, 1, 500_000), (0, 500_001)),
    ("patient", "settled_max", (0, 3), (-1, 4)),
    ("patient", "max_step_ratio", (1.0, 2.0), (0.99, 2.01)),
    ("strength_given", "sets", (None, 1, 20), (0, 21)),
    ("strength_given", "reps", (None, 1, 200), (0, 201)),
    ("strength_given", "hold_s", (None, 1, 600), (0, 601)),
    ("strength_session", "number", (1, 4), (0, 5)),
    ("strength_session", "done_on", (EPOCH,), (EVE,)),
    ("red_flag_answer", "asked_on", (EPOCH,), (EVE,)),
    ("outcome_score", "taken_on", (EPOCH,), (EVE,)),
    ("plan", "cadence_target_low_spm", (None, 20.0, 180.0), (19.9,)),
    ("plan", "cadence_target_high_spm", (None, 170.0, 300.0), (300.1,)),
)
WEEK_S = 604_800
CLOSED = {"closed_on": DAY, "closed_at_utc": NOW, "closing_note": "Seen by the GP"}
# lowest and highest total of each instrument, by hand
TOTALS = (
    ("nprs", 0, 10),
    ("psfs", 0, 10),
    ("groc", -5, 5),
    ("uwri", 0, 36),
    ("visa_g", 0, 100),
    ("ihot_12", 0, 100),
    ("hoos_12", 0, 100),
    ("lefs", 0, 80),
    ("ostrc", 0, 100),
    ("tsk_11", 11, 44),
    ("pseq", 0, 60),
    ("pseq_2", 0, 12),
)
# constraint, rows that are right, rows that are not
TOGETHER: tuple[tuple[str, str, tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]], ...] = (
    ("clinic", "one_row", ({"id": 1},), ({"id": 2}, {"id": 0})),
    (
        "patient",
        "pain_zones",
        ({"pain_comfortable_max": 4, "pain_acceptable_max": 5}, {"pain_comfortable_max": 9, "pain_acceptable_max": 10}),
        ({"pain_comfortable_max": 5, "pain_acceptable_max": 5}, {"pain_comfortable_max": 9, "pain_acceptable_max": 11}),
    ),
    (
        "episode_of_care",
        "ended_after_start",
        ({"ended_on": DAY}, {"ended_on": date(2025, 3, 4)}),
        ({"ended_on": date(2025, 3, 2)},),
    ),
    (
        "run",
        "elapsed_time_s_range",
        ({"moving_time_s": 2_880, "elapsed_time_s": 2_880}, {"elapsed_time_s": WEEK_S}),
        ({"moving_time_s": 2_880, "elapsed_time_s": 2_879}, {"elapsed_time_s": WEEK_S + 1}),
    ),
    (
        "run",
        "moving_time_s_range",
        ({"moving_time_s": WEEK_S, "elapsed_time_s": WEEK_S},),
        ({"moving_time_s": -1}, {"moving_time_s": WEEK_S + 1}),
    ),
    (
        "run",
        "distance_m_range",
        ({"distance_m": 500_000, "moving_time_s": WEEK_S, "elapsed_time_s": WEEK_S},),
        ({"distance_m": 500_001, "moving_time_s": WEEK_S, "elapsed_time_s": WEEK_S},),
    ),
    (
        "run",
        "standing_word",
        tuple({"standing": word.value, "retired_at_utc": NOW} for word in RunStanding),
        ({"standing": "nonsense", "retired_at_utc": NOW}, {"standing": "", "retired_at_utc": NOW}),
    ),
    (
        "run",
        "standing_retired",  # what does not count is out of every sum, as what was taken out is
        ({"standing": "counted", "retired_at_utc": None}, {"standing": "counted", "retired_at_utc": NOW}),
        tuple({"standing": word, "retired_at_utc": None} for word in ("proposed", "held_back", "merged")),
    ),
    (
        "run",
        "speed_range",  # 12 m/s
        ({"distance_m": 1_200, "moving_time_s": 100}, {"distance_m": 0, "moving_time_s": 0}),
        ({"distance_m": 1_201, "moving_time_s": 100}, {"distance_m": 1, "moving_time_s": 0}),
    ),
    (
        "plan",
        "cadence_target_high_spm_range",
        ({"cadence_target_low_spm": None, "cadence_target_high_spm": 20.0},),
        ({"cadence_target_low_spm": None, "cadence_target_high_spm": 19.9},),
    ),
    (
        "plan",
        "cadence_target_low_spm_range",
        ({"cadence_target_low_spm": 300.0, "cadence_target_high_spm": None},),
        ({"cadence_target_low_spm": 300.1, "cadence_target_high_spm": None},),
    ),
    (
        "plan",
        "cadence_target_order",
        ({"cadence_target_low_spm": 175.0, "cadence_target_high_spm": 175.0},),
        ({"cadence_target_low_spm": 175.1, "cadence_target_high_spm": 175.0},),
    ),
    ("log_coverage", "order", ({"last_day": DAY},), ({"last_day": date(2025, 3, 2)},)),
    (
        "patient",
        "no_suggestions_why",
        ({"no_suggestions": True, "no_suggestions_reason": "Pregnant"}, {"no_suggestions": False, "no_suggestions_reason": ""}),
        ({"no_suggestions": True, "no_suggestions_reason": ""},),
    ),
    (
        "plan",
        "run_part_s_range",
        tuple({"run_part_s": seconds, "walk_part_s": 60} for seconds in (10, 7_200)),
        tuple({"run_part_s": seconds, "walk_part_s": 60} for seconds in (9, 7_201)),
    ),
    (
        "plan",
        "walk_part_s_range",
        tuple({"run_part_s": 240, "walk_part_s": seconds} for seconds in (10, 7_200)),
        tuple({"run_part_s": 240, "walk_part_s": seconds} for seconds in (9, 7_201)),
    ),
    (
        "plan",
        "run_walk_parts",
        ({"run_part_s": None, "walk_part_s": None}, {"run_part_s": 240, "walk_part_s": 60}),
        ({"run_part_s": 240, "walk_part_s": None}, {"run_part_s": None, "walk_part_s": 60}),
    ),
    (
        "plan",
        "surface_limit_word",
        ({"surface_limit": ""}, *({"surface_limit": word.value} for word in Surface)),
        ({"surface_limit": "sand"}, {"surface_limit": "ROAD"}),
    ),
    (
        "plan",
        "outside_band_why",
        ({"outside_band": True, "reason": "Race on Sunday"}, {"outside_band": False, "reason": ""}),
        ({"outside_band": True, "reason": ""},),
    ),
    (
        "plan",
        "band_low_m_range",
        ({"band_low_m": 1, "band_high_m": 500_000},),
        ({"band_low_m": 0, "band_high_m": 500_000},),
    ),
    (
        "plan",
        "band_high_m_range",
        ({"band_low_m": 1, "band_high_m": 500_000},),
        ({"band_low_m": 1, "band_high_m": 500_001},),
    ),
    (
        "plan",
        "band_order",
        ({"band_low_m": None, "band_high_m": None}, {"band_low_m": 20_000, "band_high_m": 20_000}),
        (
            {"band_low_m": 20_001, "band_high_m": 20_000},
            {"band_low_m": 20_000, "band_high_m": None},
            {"band_low_m": None, "band_high_m": 20_000},
        ),
    ),
    (
        "red_flag_answer",
        "answer_word",
        tuple({"answer": word.value} for word in ScreenAnswer),
        ({"answer": "maybe"}, {"answer": ""}),
    ),
    (
        "red_flag_answer",
        "closed_with_note",
        ({"answer": "yes", **CLOSED}, {"answer": "yes"}),
        (
            {"answer": "yes", **CLOSED, "closing_note": ""},
            {"answer": "no", **CLOSED},
            {"answer": "yes", **CLOSED, "closed_on": date(2025, 3, 2)},
        ),
    ),
    (
        "red_flag_answer",
        "closed_when",
        ({"answer": "yes", **CLOSED},),
        ({"answer": "yes", **CLOSED, "closed_at_utc": None}, {"answer": "yes", "closed_at_utc": NOW}),
    ),
    (
        "red_flag_answer",
        "yes_stays",
        ({"answer": "no", "retired_at_utc": NOW}, {"answer": "yes", "retired_at_utc": None}),
        ({"answer": "yes", "retired_at_utc": NOW},),
    ),
    (
        "outcome_score",
        "instrument_word",
        tuple({"instrument": word.value, "total": None} for word in Instrument),
        ({"instrument": "koos", "total": None}, {"instrument": "", "total": None}),
    ),
    (
        "outcome_score",
        "total_range",
        tuple({"instrument": name, "total": total} for name, low, high in TOTALS for total in (None, low, high)),
        tuple({"instrument": name, "total": total} for name, low, high in TOTALS for total in (low - 0.1, high + 0.1)),
    ),
)
# What this one refuses, the checks of distance or elapsed time refuse as well: which of them speaks is up to the database.
IMPLIED = {"moving_time_s_range"}


def cases() -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    """Give table, constraint, what to change in its row, whether that is right."""
    for table, column, words in WORDS:
        for value in (*words, "nonsense", "", words(next(iter(words))).upper()):
            yield table, f"{column}_word", {column: str(value)}, value in set(words)
    for table, column, right, wrong in RANGES:
        for value in (*right, *wrong):
            yield table, f"{column}_range", {column: value}, value in right
    for table, constraint, right_rows, wrong_rows in TOGETHER:
        for row in (*right_rows, *wrong_rows):
            yield table, constraint, row, row in right_rows


CASES = list(cases())


@pytest.fixture
def parents(engine: sa.Engine) -> sa.Engine:
    """Give a database with what the rows belong to."""
    with writing(engine) as connection:
        for statement in (
            sa.insert(TABLES["person"]).values(id=1, key="k", name="Tess", is_active=True, created_at_utc=NOW),
            sa.insert(TABLES["patient"]).values({**ROWS["patient"], "id": 1, "key": "k", "code": "ADA"}),
            sa.insert(TABLES["episode_of_care"]).values({**ROWS["episode_of_care"], "id": 1, "key": "k"}),
            sa.insert(TABLES["import_batch"]).values(id=1, patient_id=1, started_at_utc=NOW, via="app"),
            sa.insert(TABLES["run"]).values({**ROWS["run"], "id": 1, "identity_sha256": "01"}),
            sa.insert(TABLES["run_copy"]).values(id=1, patient_id=1, run_id=1, number=0, told="{}", recorded_at_utc=NOW),
            sa.insert(TABLES["visit"]).values({**ROWS["visit"], "id": 1, "key": "k1"}),
            sa.insert(TABLES["plan"]).values({**ROWS["plan"], "id": 1, "version": 9}),
        ):
            connection.execute(statement)
        if engine.dialect.name == "postgresql":  # explicit ids do not move its counters
            for table in ("person", "patient", "episode_of_care", "import_batch", "run", "run_copy", "visit", "plan"):
                connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1)")
    return engine


@pytest.mark.parametrize("table", list(ROWS))
def test_the_schema_holds_every_limit(parents: sa.Engine, table: str) -> None:
    with parents.connect() as connection:

        def answer(change: dict[str, Any]) -> str:
            savepoint = connection.begin_nested()
            try:
                connection.execute(sa.insert(TABLES[table]).values({**ROWS[table], **change}))
            except sa.exc.DBAPIError as error:
                return str(error.orig)
            finally:
                savepoint.rollback()
            return "stored"

        assert answer({}) == "stored"
        for of_table, constraint, change, is_right in CASES:
            if of_table == table:
                said = answer(change)
                expected = f"ck_{table}_" if constraint in IMPLIED else f"ck_{table}_{constraint}"
                assert (said == "stored") if is_right else (expected in said), (change, said)


def test_every_check_of_the_schema_is_tried_on_both_sides() -> None:
    checks = {
        f"{table.name}.{str(constraint.name).removeprefix(f'ck_{table.name}_')}"
        for table in TABLES.values()
        for constraint in table.constraints
        if isinstance(constraint, sa.CheckConstraint)
    }
    for is_right in (True, False):
        assert {f"{table}.{constraint}" for table, constraint, _, right in CASES if right is is_right} == checks


def test_one_current_score_of_a_day_moment_and_side(parents: sa.Engine) -> None:
    score = TABLES["pain_score"]
    with writing(parents) as connection:
        connection.execute(sa.insert(score).values(ROWS["pain_score"]))
        connection.execute(sa.insert(score).values({**ROWS["pain_score"], "side": "right"}))
        connection.execute(sa.insert(score).values({**ROWS["pain_score"], "nprs": 7, "retired_at_utc": NOW}))
    with pytest.raises(sa.exc.IntegrityError), writing(parents) as connection:
        connection.execute(sa.insert(score).values({**ROWS["pain_score"], "nprs": 4}))


def test_one_current_answer_about_rest_of_a_day_moment_and_side(parents: sa.Engine) -> None:
    answer = TABLES["rest_answer"]
    with writing(parents) as connection:
        connection.execute(sa.insert(answer).values(ROWS["rest_answer"]))
        connection.execute(sa.insert(answer).values({**ROWS["rest_answer"], "moment": "night_rest"}))
        connection.execute(sa.insert(answer).values({**ROWS["rest_answer"], "retired_at_utc": NOW}))
    with pytest.raises(sa.exc.IntegrityError), writing(parents) as connection:
        connection.execute(sa.insert(answer).values({**ROWS["rest_answer"], "answer": False}))


def test_one_current_run_of_a_start_distance_and_time(parents: sa.Engine) -> None:
    run = TABLES["run"]
    with writing(parents) as connection:
        connection.execute(sa.insert(run).values(ROWS["run"]))
        connection.execute(sa.insert(run).values({**ROWS["run"], "retired_at_utc": NOW}))
    with pytest.raises(sa.exc.IntegrityError), writing(parents) as connection:
        connection.execute(sa.insert(run).values(ROWS["run"]))


@pytest.mark.parametrize(("made_as", "then"), [(False, True), (True, False)], ids=["real to demo", "demo to real"])
def test_a_clinic_stays_what_it_was_made_as(engine: sa.Engine, made_as: bool, then: bool) -> None:
    clinic = TABLES["clinic"]
    with writing(engine) as connection:
        connection.execute(sa.insert(clinic).values(**{**ROWS["clinic"], "is_demo": made_as}))
    with pytest.raises(sa.exc.DatabaseError, match="stays what it was made as"), writing(engine) as connection:
        connection.execute(sa.update(clinic).values(is_demo=then))
    with writing(engine) as connection:
        connection.execute(sa.update(clinic).values(is_demo=made_as, name="Another name"))
        assert connection.execute(sa.select(clinic.c.is_demo, clinic.c.name)).one() == (made_as, "Another name")
