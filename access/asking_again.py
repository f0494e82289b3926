"""Asking again who is there: the passphrase before something delicate, and the old one before a new one."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col

from access import accounts, passphrases, sessions, throttle
from data import audit, queries
from data.database import reading, writing
from models import Account, AttemptsOf, AuditAction, Person, Viewer, utc_now


def has_passphrase(database: sa.Engine, person_id: int) -> bool:
    """Say whether there is a passphrase to ask a person for. In the demo clinic, and with single sign-on alone, there is none."""
    return _row(database, person_id).passphrase_hash is not None


def login_name(database: sa.Engine, person_id: int) -> str | None:
    """Give the name by which a person signs in; None if they have no account."""
    found: str | None = _row(database, person_id).login_name
    return found


def _row(database: sa.Engine, person_id: int) -> sa.Row[*tuple[str, str | None, str | None]]:
    with reading(database) as connection:
        return connection.execute(
            sa.select(col(Person.name), col(Account.login_name), col(Account.passphrase_hash))
            .outerjoin(Account, col(Account.person_id) == col(Person.id))
            .where(col(Person.id) == person_id)
        ).one()


def check_passphrase(database: sa.Engine, person_id: int, passphrase: str, *, now: datetime | None = None) -> None:
    """
    Compare the passphrase of a person who is signed in already.

    Raises
    ------
    SignInRefused
        If it does not fit, or there is none.
    TooManyTries
        After 5 tries within 15 minutes that did not fit. Then nothing was compared.
    """
    now, subject = now or utc_now(), throttle.Subject(AttemptsOf.CONFIRMATION, str(person_id))
    throttle.count_try(database, subject, now=now)
    stored = _row(database, person_id).passphrase_hash
    if not passphrases.fits(stored or passphrases.hash_of_nobody(), passphrase) or stored is None:
        raise accounts.SignInRefused()
    with writing(database) as connection:
        throttle.forget_tries(connection, subject)


def change_passphrase(
    database: sa.Engine, signed_in: sessions.SignedIn, old: str, new: str, *, source: str = "app", now: datetime | None = None
) -> None:
    """
    Give a person who is signed in a new passphrase. Whoever was signed in by the old one elsewhere is out; this session goes on.

    Raises
    ------
    SignInRefused
        If the old one does not fit.
    PassphraseRefused
        If the new one is too short, too long or too easy to guess. Nothing was changed then.
    TooManyTries
    """
    now, person_id = now or utc_now(), signed_in.person_id
    check_passphrase(database, person_id, old, now=now)
    row = _row(database, person_id)
    passphrases.check_passphrase(new, (row.login_name, row.name, queries.clinic(database).name))
    stored = passphrases.hashed(new)
    with writing(database) as connection:
        connection.execute(sa.update(Account).where(col(Account.person_id) == person_id).values(passphrase_hash=stored))
        who = Viewer(person_id=person_id, name=row.name, roles=frozenset(), source=source)
        told = {"passphrase": "changed"}
        audit.record(connection, who, AuditAction.PERMISSION_CHANGE, kind="account", key=person_id, new=told, now=now)
    sessions.end_all_of(database, person_id, but=signed_in.key, source=source, now=now)
    sessions.prove(database, signed_in.key, now=now)
