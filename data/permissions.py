"""The lock: who may see or write which patient. Every function of data/ that touches a patient asks here."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from models import EpisodeOfCare, Patient, Role, Viewer

COMMAND_LINE = Viewer(person_id=None, name="command line", roles=frozenset(Role), reaches_all=True)


class NotFound(LookupError):
    """There is no such thing for this viewer. What is not there and what is not theirs look alike."""

    def __init__(self, what: str = "patient") -> None:
        super().__init__(f"There is no such {what} here.")


def reachable(viewer: Viewer) -> sa.ColumnElement[bool]:
    """
    Say which patients a viewer may see, as a condition on `patient`.

    A therapist reaches the patients of episodes that are theirs or of their sites, and those whom they registered and who have no
    episode yet. The other roles reach no patient's facts.
    """
    if viewer.reaches_all:
        return sa.true()
    if Role.THERAPIST not in viewer.roles or viewer.person_id is None:
        return sa.false()
    episode = sa.select(col(EpisodeOfCare.id)).where(col(EpisodeOfCare.patient_id) == col(Patient.id)).correlate(Patient)
    theirs = sa.or_(col(EpisodeOfCare.therapist_id) == viewer.person_id, col(EpisodeOfCare.site_id).in_(sorted(viewer.site_ids)))
    return sa.or_(
        sa.exists(episode.where(theirs)),
        sa.and_(col(Patient.created_by_id) == viewer.person_id, ~sa.exists(episode)),
    )


def require_clinical(viewer: Viewer) -> None:
    """
    Refuse who may not register patients or write facts.

    Raises
    ------
    NotFound
        If the viewer is no therapist.
    """
    if not (viewer.reaches_all or Role.THERAPIST in viewer.roles):
        raise NotFound()


def held(statement: sa.Select[*tuple[Any, ...]], connection: sa.Connection) -> sa.Select[*tuple[Any, ...]]:
    """
    Hold the patients that a statement reads until the transaction ends, if it writes.

    So two writers of one patient come one after the other, and neither counts weeks without the other's rows. (SQLite has one writer
    at a time anyway and leaves this out.)
    """
    return statement.with_for_update(of=Patient) if connection.get_execution_options().get("writes") else statement


def patient_row(connection: sa.Connection, viewer: Viewer, *, key: str | None = None, code: str | None = None) -> sa.Row[*tuple[Any, ...]]:
    """
    Find one patient by key or code, if the viewer may see them. A writing transaction holds the patient until its end.

    Raises
    ------
    NotFound
        If there is none for this viewer.
    """
    wanted = col(Patient.key) == key if key is not None else col(Patient.code) == code
    statement = sa.select(*Patient.metadata.tables["patient"].columns).where(wanted, reachable(viewer))
    row = connection.execute(held(statement, connection)).one_or_none()
    if row is None:
        raise NotFound()
    return row


def episode_row(connection: sa.Connection, viewer: Viewer, key: str) -> sa.Row[*tuple[Any, ...]]:
    """
    Find one episode by key, if the viewer may see its patient. A writing transaction holds the patient until its end.

    Raises
    ------
    NotFound
        If there is none for this viewer.
    """
    statement = (
        sa.select(*EpisodeOfCare.metadata.tables["episode_of_care"].columns)
        .join(Patient, col(Patient.id) == col(EpisodeOfCare.patient_id))
        .where(col(EpisodeOfCare.key) == key, reachable(viewer))
    )
    row = connection.execute(held(statement, connection)).one_or_none()
    if row is None:
        raise NotFound("episode")
    return row
