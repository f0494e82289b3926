"""The register: patients and episodes of care, for who asks."""

from datetime import date
from zoneinfo import available_timezones

from clinic.today import age_years, folded
from data import audit, queries, records
from data.database import engine
from models import DistanceUnit, EpisodeEntry, PatientEntry, Side, Viewer
from rehab.diagnoses import DIAGNOSES, Diagnosis

UNIT_WORDS = {DistanceUnit.MILE: "miles", DistanceUnit.KILOMETRE: "kilometres"}


def clinic() -> queries.ClinicRow:
    """Give the clinic's settings."""
    return queries.clinic(engine())


def today() -> date:
    """Say which day it is where the clinic is."""
    return records.local_today(clinic().time_zone)


def time_zones() -> list[str]:
    """List the names of time zones, ordered, without the short-hand ones."""
    return sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix", "right")))


def sites() -> dict[int, str]:
    """Give the clinic's sites by id."""
    return {site_id: name for site_id, name, _ in queries.sites(engine())}


def patients(viewer: Viewer) -> list[queries.PatientRow]:
    """List the patients that a viewer may see. That somebody looks is written down first."""
    audit.viewed(engine(), viewer, "register")
    return queries.patients(engine(), viewer)


def episodes(viewer: Viewer, *, patient_key: str | None = None) -> list[queries.EpisodeRow]:
    """List the episodes that a viewer may see, active ones first. That somebody looks is written down first."""
    audit.viewed(engine(), viewer, "today")
    return queries.episodes(engine(), viewer, patient_key=patient_key)


def episode(viewer: Viewer, key: str) -> queries.EpisodeRow:
    """Give one episode; raises NotFound."""
    return queries.episode(engine(), viewer, key)


def add_patient(viewer: Viewer, **fields: object) -> str:
    """Register a patient from what was typed; gives the key, raises EntryRefused or AlreadyThere."""
    return records.add_patient(engine(), viewer, PatientEntry.checked(today=today(), **fields))


def add_episode(viewer: Viewer, patient_key: str, *, diagnosis: Diagnosis, side: Side, **fields: object) -> str:
    """
    Open an episode of care from what was typed.

    Its therapist is the viewer. The code follows from diagnosis and side where it is known.

    Returns
    -------
    str
        The episode's key.
    """
    entry = EpisodeEntry.checked(
        today=today(),
        side=side,
        diagnosis_class=diagnosis.diagnosis_class,
        diagnosis_label=diagnosis.label,
        icd10_code=diagnosis.icd10_code(side),
        therapist_id=viewer.person_id,
        **fields,
    )
    return records.add_episode(engine(), viewer, patient_key, entry)


def diagnoses() -> tuple[Diagnosis, ...]:
    """List the diagnoses to choose from."""
    return DIAGNOSES


def full_name(given_name: str, family_name: str, code: str) -> str:
    """Write a patient's name; the code where there is none."""
    return f"{given_name} {family_name}".strip() or code


def register_lines(viewer: Viewer) -> list[dict[str, str]]:
    """Give the register in words, by name."""
    day = today()
    return [
        {
            "Name": patient.name,
            "Code": patient.code,
            "Age": str(age_years(patient.birth_date, day)) if patient.birth_date else "not known",
            "Distances in": UNIT_WORDS[patient.distance_unit],
            "Time zone": patient.time_zone,
            "Episodes": str(patient.episodes) if patient.episodes else "none yet",
        }
        for patient in patients(viewer)
    ]


def matching(lines: list[dict[str, str]], wanted: str) -> list[dict[str, str]]:
    """Keep the lines in whose name or code the searched text stands; accents and case do not matter."""
    return [line for line in lines if folded(wanted) in folded(f"{line['Name']} {line['Code']}")]
