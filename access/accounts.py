"""
Who may sign in, and how they prove who they are.

In the demo clinic people choose a name. In a real clinic they have a login name and a passphrase, of which only an argon2id hash is
kept; the first one is set by a link that works once.
"""

import functools
import hashlib
import secrets
import threading
import unicodedata
from datetime import UTC, datetime, timedelta

import argon2
import sqlalchemy as sa
from sqlmodel import col
from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from access import sessions
from data import queries
from data.database import DatabaseUnusable, engine, writing
from models import Account, AttemptsOf, FailedSignIn, Person, Role, SetPasswordLink, Viewer, plain_text, utc_now

ROLE_WORDS = {Role.OWNER: "owner", Role.THERAPIST: "therapist", Role.FRONT_DESK: "front desk"}
PASSPHRASE_MIN, PASSPHRASE_MAX = 12, 256
LOGIN_NAME_MAX = 100
# How hard to guess a passphrase must be, 0 to 4 as zxcvbn has it: 2 withstands about 100,000,000 guesses, far beyond the throttle.
STRENGTH_MIN = 2
STRENGTH_READ_MAX = 72  # zxcvbn reads no more
ACCOUNT_TRIES, ACCOUNT_WINDOW = 5, timedelta(minutes=15)
ADDRESS_TRIES, ADDRESS_WINDOW = 60, timedelta(minutes=1)
LINK_HOLDS = timedelta(hours=48)

_hasher = argon2.PasswordHasher()  # argon2id by RFC 9106's low-memory profile: 64 MiB, 3 passes, 4 lanes
_hashing = threading.BoundedSemaphore(2)  # 64 MiB each: a crowd at the door must not eat the memory of those inside


class SignInRefused(Exception):
    """Name and passphrase do not fit. It does not say which."""

    def __init__(self) -> None:
        super().__init__("This name and passphrase do not fit together.")


class TooManyTries(Exception):
    """Somebody tried too often. The text says how long to wait."""

    def __init__(self, wait: timedelta) -> None:
        self.wait_s = max(1, int(wait.total_seconds()) + 1)
        minutes = -(-self.wait_s // 60)
        super().__init__(f"Too many tries. Please wait {minutes} minute{'s' if minutes > 1 else ''}, then try again.")


class PassphraseRefused(ValueError):
    """The passphrase cannot be taken; the text says why."""


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
    _count_try(database, name, address, now)
    with database.connect() as connection:
        row = connection.execute(
            sa.select(col(Account.person_id), col(Account.passphrase_hash))
            .join(Person, col(Person.id) == col(Account.person_id))
            .where(col(Account.login_name) == name, col(Person.is_active).is_(True), col(Account.must_set_passphrase).is_(False))
        ).one_or_none()
        connection.rollback()
    known = row is not None and row.passphrase_hash is not None
    stored = row.passphrase_hash if row is not None and known else _hash_of_nobody()
    fits = _fits(stored, passphrase)
    if row is None or not known or not fits:
        raise SignInRefused()
    with writing(database) as connection:
        _forget_tries(connection, name, address)
        if _hasher.check_needs_rehash(stored):
            connection.execute(sa.update(Account).where(col(Account.person_id) == row.person_id).values(passphrase_hash=_hash(passphrase)))
    return int(row.person_id)


@functools.cache
def _hash_of_nobody() -> str:
    return _hash(secrets.token_urlsafe(24))


def _hash(passphrase: str) -> str:
    with _hashing:
        return _hasher.hash(unicodedata.normalize("NFC", passphrase))


def _fits(stored: str, passphrase: str) -> bool:
    """Compare by hashing. One that is too long to be any is hashed short, so that the answer takes the same time, and never fits."""
    too_long = len(passphrase) > PASSPHRASE_MAX
    with _hashing:
        try:
            _hasher.verify(stored, unicodedata.normalize("NFC", passphrase[:PASSPHRASE_MAX]).encode("utf-8", "surrogatepass"))
        except argon2.exceptions.VerifyMismatchError:
            return False
    return not too_long


# --------------------------------------------------------------------------------------------------------------------
# The throttle: counted before comparing, so that tries at the same time are counted too
# --------------------------------------------------------------------------------------------------------------------


def _subjects(name: str, address: str) -> tuple[tuple[AttemptsOf, str, int, timedelta], ...]:
    return (
        (AttemptsOf.ACCOUNT, _digest(name), ACCOUNT_TRIES, ACCOUNT_WINDOW),
        (AttemptsOf.ADDRESS, _digest(address), ADDRESS_TRIES, ADDRESS_WINDOW),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _count_try(database: sa.Engine, name: str, address: str, now: datetime) -> None:
    table = FailedSignIn.metadata.tables["failed_sign_in"]
    waits = []
    with writing(database) as connection:
        connection.execute(sa.delete(table).where(table.c.window_started_at_utc <= now - max(ACCOUNT_WINDOW, ADDRESS_WINDOW)))
        for attempts_of, subject, limit, window in _subjects(name, address):
            same = (table.c.attempts_of == attempts_of.value, table.c.subject_sha256 == subject)
            row = connection.execute(sa.select(table).where(*same).with_for_update()).one_or_none()
            started = None if row is None else row.window_started_at_utc.replace(tzinfo=UTC)
            if row is not None and started is not None and now - started < window:
                if row.tries >= limit:
                    waits.append(window - (now - started))
                connection.execute(sa.update(table).where(*same).values(tries=row.tries + 1))
                continue
            connection.execute(sa.delete(table).where(*same))
            connection.execute(
                sa.insert(table).values(attempts_of=attempts_of.value, subject_sha256=subject, window_started_at_utc=now, tries=1)
            )
    if waits:
        raise TooManyTries(max(waits))


def _forget_tries(connection: sa.Connection, name: str, address: str) -> None:
    """A try that fitted was no failed one: the name starts anew, the address gets its try back."""
    table = FailedSignIn.metadata.tables["failed_sign_in"]
    (of_name, name_digest, *_), (of_address, address_digest, *_) = _subjects(name, address)
    connection.execute(sa.delete(table).where(table.c.attempts_of == of_name.value, table.c.subject_sha256 == name_digest))
    connection.execute(
        sa.update(table)
        .where(table.c.attempts_of == of_address.value, table.c.subject_sha256 == address_digest, table.c.tries > 0)
        .values(tries=table.c.tries - 1)
    )


# --------------------------------------------------------------------------------------------------------------------
# Accounts and passphrases
# --------------------------------------------------------------------------------------------------------------------


def add_account(database: sa.Engine, person_id: int, login_name: str) -> None:
    """
    Give a person a login name. They cannot sign in before they have set a passphrase, see `new_link`.

    Raises
    ------
    ValueError
        If the name is empty, too long or taken.
    """
    name = login_name_of(plain_text(login_name))
    if not 1 <= len(name) <= LOGIN_NAME_MAX:
        raise ValueError(f"A login name has 1 to {LOGIN_NAME_MAX} characters.")
    with writing(database) as connection:
        if connection.execute(sa.select(col(Account.person_id)).where(col(Account.login_name) == name)).first() is not None:
            raise ValueError(f"The login name {name} is taken.")
        connection.execute(sa.insert(Account).values(person_id=person_id, login_name=name, must_set_passphrase=True))


def new_link(database: sa.Engine, person_id: int, *, now: datetime | None = None) -> str:
    """
    Make a link's token with which a person sets their passphrase, once and within `LINK_HOLDS`. Older links of theirs end.

    Returns
    -------
    str
        The token; only its SHA-256 is stored.
    """
    token, now = secrets.token_urlsafe(sessions.TOKEN_BYTES), now or utc_now()
    with writing(database) as connection:
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


def _link_row(connection: sa.Connection, token: str, now: datetime) -> sa.Row[*tuple[int, str, str]] | None:
    return connection.execute(
        sa.select(col(SetPasswordLink.person_id), col(Account.login_name), col(Person.name))
        .join(Account, col(Account.person_id) == col(SetPasswordLink.person_id))
        .join(Person, col(Person.id) == col(SetPasswordLink.person_id))
        .where(
            col(SetPasswordLink.token_sha256) == sessions.key_of(token),
            col(SetPasswordLink.used_at_utc).is_(None),
            col(SetPasswordLink.expires_at_utc) > now,
            col(Person.is_active).is_(True),
        )
    ).one_or_none()


def set_passphrase(database: sa.Engine, token: str, passphrase: str, *, now: datetime | None = None) -> int:
    """
    Set a passphrase by a link. The link is used up, and whoever was signed in by the old passphrase is out.

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
    person_id, login_name, name = row
    check_passphrase(passphrase, (login_name, name, queries.clinic(database).name))
    hashed = _hash(passphrase)
    with writing(database) as connection:
        used = connection.execute(
            sa.update(SetPasswordLink)
            .where(col(SetPasswordLink.token_sha256) == sessions.key_of(token), col(SetPasswordLink.used_at_utc).is_(None))
            .values(used_at_utc=now)
        )
        if used.rowcount != 1:
            raise LinkRefused()
        connection.execute(
            sa.update(Account).where(col(Account.person_id) == person_id).values(passphrase_hash=hashed, must_set_passphrase=False)
        )
    sessions.end_all_of(database, person_id, now=now)
    return int(person_id)


def check_passphrase(passphrase: str, known_about_them: tuple[str, ...] = ()) -> None:
    """
    Refuse a passphrase that others would guess. No rules on kinds of characters: length and rarity count.

    The list of common passwords and the estimate are zxcvbn's (https://pypi.org/project/zxcvbn/); it ships 30,000 of them.

    Raises
    ------
    PassphraseRefused
        With the reason.
    """
    text = unicodedata.normalize("NFC", passphrase)
    if len(text) < PASSPHRASE_MIN:
        raise PassphraseRefused(f"A passphrase has at least {PASSPHRASE_MIN} characters. Four or five words are good.")
    if len(text) > PASSPHRASE_MAX:
        raise PassphraseRefused(f"A passphrase has at most {PASSPHRASE_MAX} characters.")
    if text.casefold() in _common():
        raise PassphraseRefused("This passphrase is on lists of common ones. Choose another.")
    words = [word for about in known_about_them for word in (about, *about.split()) if word]
    if zxcvbn(text[:STRENGTH_READ_MAX], user_inputs=words)["score"] < STRENGTH_MIN:
        raise PassphraseRefused(
            "This passphrase is easy to guess: it repeats, counts, or is built from names and common words. Choose another."
        )


@functools.cache
def _common() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])
