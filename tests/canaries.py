"""A clinic in which every text and day of every patient is found nowhere else, so that one look says whose fact stands somewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from access import sessions
from access.cookies import COOKIE
from data import imports, records, runs
from data.database import writing
from data.permissions import COMMAND_LINE
from models import (
    ChangeKind,
    DiagnosisClass,
    EpisodeEntry,
    PainMoment,
    PatientEntry,
    Person,
    PersonRole,
    PersonSite,
    Role,
    Side,
    SiteKind,
    Viewer,
    VisitStatus,
)
from tests.clinic_scene import CHICAGO, TODAY, Scene, new_scene, run_on, score_on
from tests.visiting import Visitor

MONDAY, TUESDAY = date(2025, 3, 3), date(2025, 3, 4)
# Of the register, and of care: the front desk reads the former only.
REGISTER = ("given", "family", "code", "born")
FACTS = ("problem", "goal", "label", "reason", "summary", "note", "change", "device", "file", "content")


@dataclass(frozen=True)
class Canary:
    """One patient: the keys that reach them, and every text that is theirs alone, by what it is."""

    patient: str
    episode: str
    run: int
    score: int
    texts: Mapping[str, str] = field(repr=False)

    def of(self, *fields: str) -> list[str]:
        return [self.texts[name] for name in fields]

    @property
    def name(self) -> str:
        return f"{self.texts['given']} {self.texts['family']}"


def texts_of(word: str, number: int) -> dict[str, str]:
    """
    Give the texts of one patient. The words are made up and in no dictionary; `content` is a column head of a file that cannot be read.

    >>> texts_of("own", 3)["family"], texts_of("own", 3)["born"]
    ('Qxfamilyown', '1931-04-07')
    """
    born = date(1931, 4, 4 + number).isoformat()
    texts = {name: f"Qx{name}{word}" for name in (*REGISTER, *FACTS) if name != "born"}
    return {**texts, "born": born, "file": f"Qxfile{word}.csv"}


def add_canary(scene: Scene, word: str, number: int, by: Viewer, site_id: int, *, discharged: bool = False) -> Canary:
    """Register a patient with an episode and something in every field that a therapist or a file can fill."""
    texts, engine = texts_of(word, number), scene.engine
    patient = records.add_patient(
        engine,
        COMMAND_LINE,
        PatientEntry.checked(
            today=TODAY,
            code=texts["code"],
            given_name=texts["given"],
            family_name=texts["family"],
            birth_date=date.fromisoformat(texts["born"]),
            time_zone=CHICAGO,
        ),
    )
    episode = records.add_episode(
        engine,
        COMMAND_LINE,
        patient,
        EpisodeEntry.checked(
            today=TODAY,
            problem=texts["problem"],
            side=Side.LEFT,
            diagnosis_class=DiagnosisClass.TENDON,
            diagnosis_label=texts["label"],
            started_on=date(2025, 1, 6),
            goal=texts["goal"],
            site_id=site_id,
            therapist_id=by.person_id,
        ),
    )
    run = runs.add_run(engine, COMMAND_LINE, patient, run_on(MONDAY, device=texts["device"]), now=None)
    lately = records.local_today(CHICAGO) - timedelta(days=3)  # the diary offers what is not older than six weeks for correction
    for day in (MONDAY, TUESDAY, lately):
        records.add_pain_scores(engine, COMMAND_LINE, patient, [score_on(day, 3), score_on(day, 4, moment=PainMoment.AFTER)])
    records.add_visit(
        engine,
        COMMAND_LINE,
        episode,
        visit_date=TUESDAY,
        kind=SiteKind.IN_PERSON,
        status=VisitStatus.ARRIVED,
        site_id=site_id,
        summary=texts["summary"],
    )
    scene.plan(episode, MONDAY, COMMAND_LINE, reason=texts["reason"], weekly_distance_m=30_000)
    records.add_change(engine, COMMAND_LINE, episode, day=TUESDAY, kind=ChangeKind.SHOE, label=texts["change"])
    broken = f"{texts['content']},what\n1,2\n".encode()
    imports.import_files(engine, COMMAND_LINE, patient, [imports.Source(texts["file"], lambda: broken)], via="app")
    patient_id = scene.rows("patient", key=patient)[0]["id"]
    with writing(engine) as connection:
        connection.exec_driver_sql(
            "UPDATE visit SET note = ? WHERE episode_id = (SELECT id FROM episode_of_care WHERE key = ?)", (texts["note"], episode)
        )
        if discharged:
            connection.exec_driver_sql(
                "UPDATE episode_of_care SET status = 'discharged', ended_on = '2025-03-20' WHERE key = ?",
                (episode,),
            )
    return Canary(patient, episode, run, scene.rows("pain_score", patient_id=patient_id)[0]["id"], texts)


def add_person(engine: sa.Engine, name: str, roles: Iterable[Role], site_ids: Iterable[int] = ()) -> Viewer:
    """Add somebody who works in the clinic."""
    given, sites = frozenset(roles), frozenset(site_ids)
    with writing(engine) as connection:
        person_id = int(connection.execute(sa.insert(Person).values(name=name).returning(sa.column("id"))).scalar_one())
        for role in given:
            connection.execute(sa.insert(PersonRole).values(person_id=person_id, role=role))
        for site_id in sites:
            connection.execute(sa.insert(PersonSite).values(person_id=person_id, site_id=site_id))
    return Viewer(person_id=person_id, name=name, roles=given, site_ids=sites)


def signed_in(engine: sa.Engine, address: str, who: Viewer) -> Visitor:
    """Give somebody's browser after they signed in."""
    assert who.person_id is not None
    return Visitor(address, {COOKIE: sessions.start(engine, who.person_id)})


def new_clinic(engine: sa.Engine) -> tuple[Scene, dict[str, Canary]]:
    """
    Fill an empty database: five patients and who reaches them.

    Tess reaches `own` and `site`; Theo `site`, `foreign` and `discharged`; Owen, owner and therapist at Lakeside, those of Lakeside and
    `owens`.
    """
    scene = new_scene(engine)
    owen = add_person(engine, "Owen", {Role.OWNER, Role.THERAPIST}, [scene.lakeside])
    whose: dict[str, tuple[Viewer, int, dict[str, Any]]] = {
        "own": (scene.tess, scene.lakeside, {}),
        "site": (scene.theo, scene.lakeside, {}),
        "foreign": (scene.theo, scene.harbour, {}),
        "discharged": (scene.theo, scene.harbour, {"discharged": True}),
        "owens": (owen, scene.harbour, {}),
    }
    canaries = {word: add_canary(scene, word, number, by, site, **more) for number, (word, (by, site, more)) in enumerate(whose.items())}
    return scene, canaries
