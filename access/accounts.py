"""
Who may sign in, and how they prove who they are.

In the demo clinic people choose a name. In a real clinic they have a login name and a passphrase, of which only an argon2id hash is
kept; the first one is set by a link that works once.
"""

import secrets
import unicodedata
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

from access import passphrases, sessions, throttle
from data import audit, queries
from data.database import DatabaseUnusable, engine, writing
from models import Account, AttemptsOf, AuditAction, EntryRefused, Person, Role, SetPasswordLink, Viewer, plain_text, utc_now

ROLE_WORDS = {Role.OWNER: "owner", Role.THERAPIST: "therapist", Role.FRONT_DESK: "front desk"}
LOGIN_NAME_MAX = 100
LINK_HOLDS = timedelta(hours=48)


class SignInRefused(Exception):
    """Name and passphrase do not fit. It does not say which."""

    def __init__(self) -> None:
        super().__init__("This name and passphrase do not fit together.")


class LinkRefused(LookupError):
    """The link was used, has expired, or never was."""

    def __init__(self) -> None:
        super().__init__("This link was used already or has expired. Ask for a new one.")


# --------------------------------------------------------------------------------------------------------------------
# Who is there
# --------------------------------------------------------------------------------------------------------------------


def demo_people() -> list[Viewer]:
    """
    List the people of the demo clinic to choose from, therapists first.

    Raises
    ------
    DatabaseUnusable
        If this is a real clinic: nobody signs in there by choosing a name.
    """
    if not is_demo():
        raise DatabaseUnusable("This is a real clinic: people sign in by name and passphrase.")
    return sorted(queries.people(engine()), key=lambda person: (Role.THERAPIST not in person.roles, person.name))


def is_demo() -> bool:
    """Say whether this is the demo clinic."""
    return queries.clinic(engine()).is_demo


def session(key: str) -> sessions.SignedIn | None:
    """Look whether a session holds, without keeping it alive."""
    return sessions.find(engine(), key, touch=False)


def viewer(key: str, *, touch: bool) -> Viewer | None:
    """
    Read who is signed in by a session; None if it does not hold any more.

    Read anew for each rerun, so that a role that was taken away is gone at the next action.

    Parameters
    ----------
    key : str
        The session's, see `sessions.key_of`.
    touch : bool
        True if a person did something.
    """
    found = sessions.find(engine(), key, touch=touch)
    return None if found is None else next(iter(queries.people(engine(), person_id=found.person_id)), None)


def role_words(person: Viewer) -> str:
    """Name a person's roles."""
    return ", ".join(word for role, word in ROLE_WORDS.items() if role in person.roles)


# --------------------------------------------------------------------------------------------------------------------
# Signing in
# --------------------------------------------------------------------------------------------------------------------


def login_name_of(typed: str) -> str:
    """
    Fold a login name as it is stored and looked up.

    >>> login_name_of("  Tess.Lake ") == login_name_of("tess.lake")
    True
    """
    return unicodedata.normalize("NFKC", typed).strip().casefold()


def sign_in(database: sa.Engine, login_name: str, passphrase: str, *, address: str, now: datetime | None = None) -> int:
    """
    Check a login name and a passphrase. A name that is not there takes as long and is answered alike.

    Parameters
    ----------
    address : str
        The network address that the try came from.

    Returns
    -------
    int
        The person's id.

    Raises
    ------
    SignInRefused
        If they do not fit together, whatever the reason.
    TooManyTries
        If this name was tried too often lately, or too many tries came from this address. Then nothing was compared.
    """
    now, name = now or utc_now(), login_name_of(login_name)[:LOGIN_NAME_MAX]
    of_name, of_address = throttle.Subject(AttemptsOf.ACCOUNT, name), throttle.Subject(AttemptsOf.ADDRESS, address)
    throttle.count_try(database, of_name, of_address, now=now)
    with database.connect() as connection:
        row = connection.execute(
            sa.select(col(Account.person_id), col(Account.passphrase_hash))
            .join(Person, col(Person.id) == col(Account.person_id))
            .where(col(Account.login_name) == name, col(Person.is_active).is_(True), col(Account.must_set_passphrase).is_(False))
        ).one_or_none()
        connection.rollback()
    known = row is not None and row.passphrase_hash is not None
    stored = row.passphrase_hash if row is not None and known else passphrases.hash_of_nobody()
    fits = passphrases.fits(stored, passphrase)
    if row is None or not known or not fits:
        raise SignInRefused()
    with writing(database) as connection:
        throttle.forget_tries(connection, of_name)
        throttle.give_back(connection, of_address)
        if passphrases.is_outdated(stored):
            connection.execute(
                sa.update(Account).where(col(Account.person_id) == row.person_id).values(passphrase_hash=passphrases.hashed(passphrase))
            )
    return int(row.person_id)


# --------------------------------------------------------------------------------------------------------------------
# Accounts and passphrases
# --------------------------------------------------------------------------------------------------------------------


def checked_login_name(typed: str) -> str:
    """
    Fold a login name that somebody is to have.

    Raises
    ------
    EntryRefused
        If it is empty or too long.
    """
    name = login_name_of(plain_text(typed))
    if not 1 <= len(name) <= LOGIN_NAME_MAX:
        raise EntryRefused([f"A login name has 1 to {LOGIN_NAME_MAX} characters."])
    return name


def put_link(connection: sa.Connection, person_id: int, *, now: datetime) -> str:
    """
    Put down a link with which a person sets their passphrase, once and within `LINK_HOLDS`. Older links of theirs end.

    Returns
    -------
    str
        The token; only its SHA-256 is stored.
    """
    token = secrets.token_urlsafe(sessions.TOKEN_BYTES)
    connection.execute(sa.delete(SetPasswordLink).where(col(SetPasswordLink.person_id) == person_id))
    connection.execute(
        sa.insert(SetPasswordLink).values(
            token_sha256=sessions.key_of(token), person_id=person_id, created_at_utc=now, expires_at_utc=now + LINK_HOLDS
        )
    )
    return token


def link_holds(database: sa.Engine, token: str, *, now: datetime | None = None) -> bool:
    """Say whether a link can still be used."""
    with database.connect() as connection:
        found = _link_row(connection, token, now or utc_now())
        connection.rollback()
    return found is not None


def _link_row(connection: sa.Connection, token: str, now: datetime) -> sa.Row[*tuple[int, str, str, str]] | None:
    return connection.execute(
        sa.select(col(SetPasswordLink.person_id), col(Account.login_name), col(Person.name), col(Person.key))
        .join(Account, col(Account.person_id) == col(SetPasswordLink.person_id))
        .join(Person, col(Person.id) == col(SetPasswordLink.person_id))
        .where(
            col(SetPasswordLink.token_sha256) == sessions.key_of(token),
            col(SetPasswordLink.used_at_utc).is_(None),
            col(SetPasswordLink.expires_at_utc) > now,
            col(Person.is_active).is_(True),
        )
    ).one_or_none()


def set_passphrase(database: sa.Engine, token: str, passphrase: str, *, source: str = "app", now: datetime | None = None) -> int:
    """
    Set a passphrase by a link. The link is used up, and whoever was signed in by the old passphrase is out.

    Parameters
    ----------
    source : str
        Where they came from, as the audit keeps it.

    Returns
    -------
    int
        The person's id.

    Raises
    ------
    LinkRefused
        If the link does not hold.
    PassphraseRefused
        If the passphrase is too short, too long or too easy to guess. The link still holds then.
    """
    now = now or utc_now()
    with database.connect() as connection:
        row = _link_row(connection, token, now)
        connection.rollback()
    if row is None:
        raise LinkRefused()
    person_id, login_name, name, key = row
    passphrases.check_passphrase(passphrase, (login_name, name, queries.clinic(database).name))
    stored = passphrases.hashed(passphrase)
    with writing(database) as connection:
        used = connection.execute(
            sa.update(SetPasswordLink)
            .where(col(SetPasswordLink.token_sha256) == sessions.key_of(token), col(SetPasswordLink.used_at_utc).is_(None))
            .values(used_at_utc=now)
        )
        if used.rowcount != 1:
            raise LinkRefused()
        connection.execute(
            sa.update(Account).where(col(Account.person_id) == person_id).values(passphrase_hash=stored, must_set_passphrase=False)
        )
        who = Viewer(person_id=person_id, name=name, roles=frozenset(), source=source)
        audit.record(connection, who, AuditAction.PERMISSION_CHANGE, kind="person", key=key, new={"passphrase": "set"}, now=now)
    sessions.end_all_of(database, person_id, source=source, now=now)
    return int(person_id)
