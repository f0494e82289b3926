"""
Whose account an identity at the provider opens.

By issuer and subject, which never change hands. A verified e-mail counts once, to link the two for the first time.
"""

import re
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from access.id_token import Identity
from data import audit
from data.database import reading, writing
from models import Account, AuditAction, ExternalIdentity, Person, Viewer, utc_now

EMAIL_MAX = 254  # RFC 5321, 4.5.3.1.3
# Plain characters only: other scripts have signs that fold into these, and one address would pass for another.
EMAIL = re.compile(r"[!-?A-~]+@[a-z0-9-]+(\.[a-z0-9-]+)+")


class NotLinked(Exception):
    """
    The identity opens no account.

    Parameters
    ----------
    reason : str
        The class of error, for the log.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def email_of(typed: str) -> str | None:
    """
    Fold an e-mail address as it is stored and compared; None if it is none.

    >>> email_of(" Tess@Clinic.Example "), email_of("tess"), email_of("te\\u017f\\u017f@clinic.example")
    ('tess@clinic.example', None, None)
    """
    folded = typed.strip()
    folded = folded.lower() if folded.isascii() else folded
    return folded if len(folded) <= EMAIL_MAX and EMAIL.fullmatch(folded) else None


def person_of(database: sa.Engine, identity: Identity) -> int:
    """
    Find the person to whom an identity is linked.

    Raises
    ------
    NotLinked
        If there is none, or they were switched off.
    """
    with reading(database) as connection:
        return _linked(connection, identity, unknown="unknown_subject")


def _linked(connection: sa.Connection, identity: Identity, *, unknown: str) -> int:
    row = connection.execute(
        sa.select(col(Person.id), col(Person.is_active))
        .join(ExternalIdentity, col(ExternalIdentity.person_id) == col(Person.id))
        .where(col(ExternalIdentity.issuer) == identity.issuer, col(ExternalIdentity.subject) == identity.subject)
    ).one_or_none()
    if row is None:
        raise NotLinked(unknown)
    if not row.is_active:
        raise NotLinked("switched_off")
    return int(row.id)


def person_who_signs_in(database: sa.Engine, identity: Identity, *, source: str = "app", now: datetime | None = None) -> int:
    """
    Find the person to whom an identity is linked; link it now if it is new and its verified e-mail is that of one account.

    An account that is linked at this issuer already takes no second identity: who gets the e-mail of somebody who left gets nothing.

    Parameters
    ----------
    source : str
        Where they sign in from, as the audit keeps it.

    Raises
    ------
    NotLinked
    """
    try:
        return person_of(database, identity)
    except NotLinked as refused:
        if refused.reason != "unknown_subject":
            raise
    email = None if identity.email is None else email_of(identity.email)
    if email is None:
        raise NotLinked("no_verified_email")
    with writing(database) as connection:
        found = connection.execute(
            sa.select(col(Person.id), col(Person.name))
            .join(Account, col(Account.person_id) == col(Person.id))
            .where(col(Account.email) == email, col(Person.is_active).is_(True))
            .with_for_update(of=Account)
        ).all()
        if len(found) != 1:
            raise NotLinked("unknown_email")
        person_id, name = int(found[0].id), str(found[0].name)
        at_issuer = (col(ExternalIdentity.issuer) == identity.issuer, col(ExternalIdentity.person_id) == person_id)
        if connection.execute(sa.select(col(ExternalIdentity.subject)).where(*at_issuer)).first() is not None:
            return _linked(connection, identity, unknown="linked_to_another_subject")  # by a sign-in of the same moment, or not at all
        connection.execute(
            sa.insert(ExternalIdentity).values(
                issuer=identity.issuer, subject=identity.subject, person_id=person_id, linked_at_utc=now or utc_now()
            )
        )
        themselves = Viewer(person_id=person_id, name=name, roles=frozenset(), source=source)
        audit.record(
            connection,
            themselves,
            AuditAction.PERMISSION_CHANGE,
            kind="external_identity",
            key=person_id,
            new={"issuer": identity.issuer},
            now=now,
        )
    return person_id


def is_linked(database: sa.Engine, person_id: int) -> bool:
    """Say whether somebody's account is linked to an identity."""
    with reading(database) as connection:
        statement = sa.select(col(ExternalIdentity.subject)).where(col(ExternalIdentity.person_id) == person_id)
        return connection.execute(statement).first() is not None
