"""After any mix of edits, imports and deletes, the maintained weeks are what a fresh computation in plain Python gives."""

import contextlib
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import imports, records, weeks
from data.database import make_engine, writing
from data.runs import retire_run
from models import PainMoment, RunEntry, Side, Table
from tests.clinic_scene import TODAY, Scene, new_scene, run_on, score_on
from tests.fresh_weeks import first_day_of_week, weeks_afresh, weeks_kept

FIRST_DAY = date(2024, 12, 28)  # a Saturday: a Monday and a new year follow
DAYS = 5  # few, so that things meet
SIDES = (Side.LEFT, Side.RIGHT)


def day_at(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


def links_of(scene: Scene) -> set[tuple[Any, ...]]:
    """Give what each current score follows: the run by its start, not by its id."""
    starts = {run["id"]: run["started_at_utc"] for run in scene.rows("run")}
    return {
        (score["patient_id"], score["for_date"], score["moment"], score["side"], score["nprs"], starts.get(score["run_id"]), score["week"])
        for score in scene.rows("pain_score")
        if score["retired_at_utc"] is None
    }


# --------------------------------------------------------------------------------------------------------------------
# What may happen
# --------------------------------------------------------------------------------------------------------------------


class Clinic:
    """A clinic with two patients to which anything may happen."""

    def __init__(self, engine: sa.Engine) -> None:
        self.scene = new_scene(engine)
        self.patients = [self.scene.patient(code) for code in ("ADA", "BEN")]

    def _try(self, write: Callable[[], object]) -> None:
        with contextlib.suppress(records.AlreadyThere):  # chance said the same thing twice, or another value for it
            write()

    def add_run(self, who: int, day: int, hour: int, length: int, cadence: int) -> None:
        self._try(lambda: self.scene.run(self.patients[who], entry_of(day, hour, length, cadence)))

    def add_score(self, who: int, day: int, moment: PainMoment, side: Side, nprs: int, named: int | None) -> None:
        run_id = None
        if named is not None and moment != PainMoment.NEXT_MORNING:
            of_day = self._current("run", who, run_date=day_at(day))
            run_id = of_day[named % len(of_day)]["id"] if of_day else None
        entry = score_on(day_at(day), nprs, moment, side=side, run_id=run_id)
        self._try(lambda: self.scene.score(self.patients[who], entry))

    def correct(self, who: int, which: int, nprs: int | None) -> None:
        scores = self._current("pain_score", who)
        if scores:
            records.correct_pain_score(self.scene.engine, self.scene.tess, scores[which % len(scores)]["id"], nprs)

    def retire_run(self, who: int, which: int) -> None:
        runs = self._current("run", who)
        if runs:
            retire_run(self.scene.engine, self.scene.tess, runs[which % len(runs)]["id"])

    def set_week_start(self, starts_on: int) -> None:
        records.set_week_start(self.scene.engine, self.scene.olga, starts_on)

    def import_runs(self, who: int, lines: list[tuple[int, int, int]]) -> None:
        text = "started_at,distance_m,moving_time_s,running_cadence_spm\n" + "".join(
            f"{day_at(day)}T{6 + hour:02}:00:00-06:00,{2_000 + 1_500 * length},{1_000 + 500 * length},{160 + length}.5\n"
            for day, hour, length in lines
        )
        self._import(who, "runs.csv", text)

    def import_pain(self, who: int, lines: list[tuple[int, PainMoment, int]]) -> None:
        text = "date,moment,nprs,side\n" + "".join(f"{day_at(day)},{moment.value},{nprs},left\n" for day, moment, nprs in lines)
        self._import(who, "pain.csv", text)

    def _import(self, who: int, name: str, text: str) -> None:
        sources = [imports.Source(name, text.encode)]
        imports.import_files(self.scene.engine, self.scene.tess, self.patients[who], sources, via="app")

    def _current(self, table: str, who: int, **equal: Any) -> list[dict[str, Any]]:
        patient_id = self.scene.rows("patient", key=self.patients[who])[0]["id"]
        return self.scene.rows(table, patient_id=patient_id, retired_at_utc=None, **equal)

    def is_true(self) -> None:
        """Hold the maintained weeks against the fresh computation, and each stored week against its day."""
        assert weeks_kept(self.scene) == weeks_afresh(self.scene)
        week_start = self.scene.rows("clinic")[0]["week_start"]
        for table, day in (("run", "run_date"), ("pain_score", "counted_date")):
            for row in self.scene.rows(table, retired_at_utc=None):
                assert row["week"] == (first_day_of_week(row[day], week_start) - date(1970, 1, 1)).days


def entry_of(day: int, hour: int, length: int, cadence: int) -> RunEntry:
    has_cadence = cadence % 3 > 0
    return run_on(
        day_at(day),
        f"{6 + hour:02}:00",
        distance_m=3_000 + 1_000 * length,
        running_cadence_spm=160.0 + cadence / 4 if has_cadence else None,
        running_time_s=600 + cadence if cadence % 3 == 1 else None,
    )


WHO, DAY, HOUR, LENGTH = st.integers(0, 1), st.integers(0, DAYS - 1), st.integers(0, 2), st.integers(0, 3)
MOMENT, SIDE, NPRS = st.sampled_from(PainMoment), st.sampled_from(SIDES), st.integers(0, 10)
RUNS = st.tuples(st.just("add_run"), WHO, DAY, HOUR, LENGTH, st.integers(0, 80))
SCORES = st.tuples(st.just("add_score"), WHO, DAY, MOMENT, SIDE, NPRS, st.none() | st.integers(0, 2))
MORNINGS = st.tuples(st.just("add_score"), WHO, DAY, st.just(PainMoment.NEXT_MORNING), SIDE, NPRS, st.none())
HAPPENINGS = st.one_of(
    RUNS,
    SCORES,
    MORNINGS,
    st.tuples(st.just("correct"), WHO, st.integers(0, 9), st.none() | NPRS),
    st.tuples(st.just("retire_run"), WHO, st.integers(0, 9)),
    st.tuples(st.just("set_week_start"), st.integers(0, 6)),
    st.tuples(st.just("import_runs"), WHO, st.lists(st.tuples(DAY, HOUR, LENGTH), min_size=1, max_size=5)),
    st.tuples(st.just("import_pain"), WHO, st.lists(st.tuples(DAY, MOMENT, NPRS), min_size=1, max_size=5)),
)


@pytest.fixture
def fresh_clinic(tmp_path: Path, sqlite_template: Path) -> Iterator[Callable[[], Clinic]]:
    """Give a function that makes a clinic in a SQLite database of its own."""
    engines: list[sa.Engine] = []

    def make() -> Clinic:
        path = tmp_path / f"clinic-{len(engines)}.db"
        path.write_bytes(sqlite_template.read_bytes())
        engines.append(make_engine(f"sqlite:///{path}"))
        return Clinic(engines[-1])

    yield make
    for engine in engines:
        engine.dispose()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(happenings=st.lists(HAPPENINGS, min_size=4, max_size=25))
def test_maintained_weeks_equal_a_fresh_computation(fresh_clinic: Callable[[], Clinic], happenings: list[tuple[Any, ...]]) -> None:
    clinic = fresh_clinic()
    for name, *given_ in happenings:
        getattr(clinic, name)(*given_)
        clinic.is_true()


def some_happenings(chance: random.Random, count: int) -> Iterator[tuple[Any, ...]]:
    def who_day() -> tuple[int, int]:
        return chance.randrange(2), chance.randrange(DAYS)

    def moment() -> PainMoment:
        return chance.choice([*PainMoment, PainMoment.NEXT_MORNING, PainMoment.NEXT_MORNING])

    for _ in range(count):
        yield chance.choice(
            [
                ("add_run", *who_day(), chance.randrange(3), chance.randrange(4), chance.randrange(81)),
                ("add_run", *who_day(), chance.randrange(3), chance.randrange(4), chance.randrange(81)),
                ("add_score", *who_day(), moment(), chance.choice(SIDES), chance.randrange(11), chance.choice([None, 0, 1])),
                ("add_score", *who_day(), moment(), chance.choice(SIDES), chance.randrange(11), None),
                ("correct", chance.randrange(2), chance.randrange(10), chance.choice([None, 0, 5, 10])),
                ("retire_run", chance.randrange(2), chance.randrange(10)),
                ("set_week_start", chance.randrange(7)),
                (
                    "import_runs",
                    chance.randrange(2),
                    [(chance.randrange(DAYS), chance.randrange(3), chance.randrange(4)) for _ in range(3)],
                ),
                ("import_pain", chance.randrange(2), [(chance.randrange(DAYS), moment(), chance.randrange(11)) for _ in range(3)]),
            ]
        )


@pytest.mark.parametrize("seed", range(2))
def test_the_same_holds_on_both_databases(engine: sa.Engine, seed: int) -> None:
    clinic = Clinic(engine)
    for number, (name, *given_) in enumerate(some_happenings(random.Random(seed), 60)):
        getattr(clinic, name)(*given_)
        if number % 5 == 4:
            clinic.is_true()


# --------------------------------------------------------------------------------------------------------------------
# The order in which things are told does not matter
# --------------------------------------------------------------------------------------------------------------------

FACTS = st.lists(
    RUNS | st.tuples(st.just("add_score"), WHO, DAY, MOMENT, SIDE, NPRS, st.none()),
    min_size=2,
    max_size=14,
    unique_by=lambda fact: fact[:4] if fact[0] == "add_run" else fact[:5],  # one run an hour, one score of a day, moment and side
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(facts=FACTS, chance=st.randoms(use_true_random=False), starts_on=st.integers(0, 6))
def test_the_same_facts_in_any_order_give_the_same_weeks_and_links(
    fresh_clinic: Callable[[], Clinic], facts: list[tuple[Any, ...]], chance: random.Random, starts_on: int
) -> None:
    told, shuffled = fresh_clinic(), fresh_clinic()
    told.set_week_start(starts_on)
    for name, *given_ in facts:
        getattr(told, name)(*given_)
    reordered = list(facts)
    chance.shuffle(reordered)
    moment_of_change = chance.randrange(len(facts))
    for number, (name, *given_) in enumerate(reordered):
        if number == moment_of_change:
            shuffled.set_week_start(starts_on)
        getattr(shuffled, name)(*given_)
    assert weeks_kept(told.scene) == weeks_kept(shuffled.scene) == weeks_afresh(told.scene)
    assert links_of(told.scene) == links_of(shuffled.scene)


# --------------------------------------------------------------------------------------------------------------------
# The test can fail, and a rebuild mends
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "UPDATE patient_week SET distance_m = distance_m + 1",
        "UPDATE patient_week SET longest_run_m = 1",
        "UPDATE pain_week SET n3 = 2, n4 = 0",
        "DELETE FROM pain_week",
        "UPDATE run SET retired_at_utc = recorded_at_utc",
        "UPDATE run SET week = week - 7",
    ],
)
def test_a_wrong_week_is_noticed_and_a_rebuild_mends_it(engine: sa.Engine, fault: str) -> None:
    clinic = Clinic(engine)
    clinic.add_run(0, 3, 0, 2, 1)
    clinic.add_score(0, 4, PainMoment.NEXT_MORNING, Side.LEFT, 4, None)
    clinic.is_true()
    with writing(engine) as connection:
        connection.exec_driver_sql(fault)
    with pytest.raises(AssertionError):
        clinic.is_true()
    with writing(engine) as connection:
        patient_id = clinic.scene.rows("patient", key=clinic.patients[0])[0]["id"]
        weeks.link_scores(connection, patient_id, [day_at(3)], 0)
        weeks.renumber_weeks(connection, 0)
    clinic.is_true()


def test_a_rebuild_of_one_patient_leaves_the_others(engine: sa.Engine) -> None:
    clinic = Clinic(engine)
    for who in (0, 1):
        clinic.add_run(who, 3, 0, 2, 1)
    with writing(engine) as connection:
        connection.execute(sa.update(Table.metadata.tables["patient_week"]).values(runs=7))
        weeks.rebuild_weeks(connection, clinic.scene.rows("patient", key=clinic.patients[0])[0]["id"])
    assert sorted(row["runs"] for row in clinic.scene.rows("patient_week")) == [1, 7]


def test_many_weeks_are_refreshed_in_one_go(sqlite_engine: sa.Engine) -> None:
    """More weeks than one statement takes: a table of twelve years."""
    clinic = Clinic(sqlite_engine)
    text = "date,distance_km,moving_time_s\n" + "".join(f"{TODAY - timedelta(days=7 * week)},5,1800\n" for week in range(620))
    clinic._import(0, "runs.csv", text)
    assert len(clinic.scene.rows("patient_week")) == 620
    clinic.is_true()
