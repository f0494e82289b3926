"""
Sessions on the server: who is signed in, in which browser, until when.

The browser's cookie holds a random token and nothing else; the database holds its SHA-256. That digest is also what the gate tells
Streamlit, and what each rerun looks up again. So a session ends the moment its row says so, whatever the browser still holds.
"""

import functools
import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from access import arrivals, open_windows
from data import audit
from data.database import reading, writing
from models import AuditAction, Clinic, Person, PersonRole, Role, SignInSession, SignInStep, Viewer, utc_now

TOKEN_BYTES = 32
# A click within this time of the last one is not written down again: not each rerun costs a write.
TOUCH_EVERY = timedelta(seconds=20)
FORGOTTEN_AFTER = timedelta(days=30)
PROOF_HOLDS = timedelta(minutes=10)  # then what is delicate asks for the passphrase again


@dataclass(frozen=True)
class SignedIn:
    """
    A session that holds.

    Attributes
    ----------
    key : str
        SHA-256 of the token, hexadecimal: names the session and opens nothing.
    idle_left : datetime.timedelta
        Time until it locks itself if nothing is clicked.
    proved_left: datetime.timedelta
        Time for which what is delicate may be done without asking for the passphrase again; not above zero: ask.
    """

    key: str
    person_id: int
    idle_left: timedelta
    proved_left: timedelta


def key_of(token: str) -> str:
    """Give the session's name for a cookie's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def start(engine: sa.Engine, person_id: int, *, source: str = "app", proved: bool = True, now: datetime | None = None) -> str:
    """
    Start a session for somebody who has proved who they are. It stands in the audit, or there is none.

    Parameters
    ----------
    source : str
        Where they signed in from, as the audit keeps it.
    proved : bool
        False if they gave no secret just now: a provider may let somebody in whom its browser remembers. What is delicate asks them.

    Returns
    -------
    str
        The token for the cookie. It is stored nowhere else.
    """
    token, now = secrets.token_urlsafe(TOKEN_BYTES), now or utc_now()
    with writing(engine) as connection:
        connection.execute(sa.delete(SignInSession).where(col(SignInSession.created_at_utc) < now - FORGOTTEN_AFTER))
        connection.execute(
            sa.insert(SignInSession).values(
                token_sha256=key_of(token),
                person_id=person_id,
                created_at_utc=now,
                last_seen_at_utc=now,
                proved_at_utc=now if proved else None,
            )
        )
        audit.record(connection, _who(connection, person_id, source), AuditAction.SIGN_IN, now=now)
    return token


def _who(connection: sa.Connection, person_id: int, source: str) -> Viewer:
    name = connection.execute(sa.select(col(Person.name)).where(col(Person.id) == person_id)).scalar_one()
    return Viewer(person_id=person_id, name=name, roles=frozenset(), source=source)


@functools.cache
def _one() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            col(SignInSession.person_id),
            col(SignInSession.created_at_utc),
            col(SignInSession.last_seen_at_utc),
            col(SignInSession.proved_at_utc),
            col(Clinic.is_demo),
            col(Clinic.idle_minutes),
            col(Clinic.session_hours),
        )
        .join(Person, col(Person.id) == col(SignInSession.person_id))
        .join(Clinic, sa.true())
        .where(
            col(SignInSession.token_sha256) == sa.bindparam("key"),
            col(SignInSession.ended_at_utc).is_(None),
            col(Person.is_active).is_(True),
        )
    )


def find(engine: sa.Engine, key: str, *, touch: bool, now: datetime | None = None) -> SignedIn | None:
    """
    Look up a session; None if there is none, or it was ended, or it idled too long, or is too old, or its person was switched off.

    Parameters
    ----------
    key : str
        As `key_of` gives it.
    touch : bool
        True if a person did something. What a window does by itself is no activity.
    """
    now = now or utc_now()
    with reading(engine) as connection:
        row = connection.execute(_one(), {"key": key}).one_or_none()
    if row is None:
        return None
    last_seen, created = _utc(row.last_seen_at_utc), _utc(row.created_at_utc)
    idle_left = timedelta(minutes=row.idle_minutes) - (now - last_seen)
    if idle_left <= timedelta() or now - created >= timedelta(hours=row.session_hours):
        return None
    if touch and now - last_seen >= TOUCH_EVERY:
        with writing(engine) as connection:
            connection.execute(
                sa.update(SignInSession)
                .where(col(SignInSession.token_sha256) == key, col(SignInSession.ended_at_utc).is_(None))
                .values(last_seen_at_utc=now)
            )
        idle_left = timedelta(minutes=row.idle_minutes)
    # in the demo clinic there is no passphrase to ask for
    proved = now if row.is_demo else None if row.proved_at_utc is None else _utc(row.proved_at_utc)
    return SignedIn(key, row.person_id, idle_left, timedelta() if proved is None else PROOF_HOLDS - (now - proved))


def holding(engine: sa.Engine, keys: Collection[str], *, now: datetime | None = None) -> dict[str, frozenset[Role]]:
    """Look many sessions up at once, without keeping them alive: those that hold, each with the roles of its person."""
    now = now or utc_now()
    with reading(engine) as connection:
        rows = connection.execute(_many(), {"keys": list(keys)}).all()
    roles: dict[str, set[Role]] = {}
    for row in rows:
        idle, age = now - _utc(row.last_seen_at_utc), now - _utc(row.created_at_utc)
        if idle < timedelta(minutes=row.idle_minutes) and age < timedelta(hours=row.session_hours):
            roles.setdefault(row.token_sha256, set()).update({Role(row.role)} if row.role else ())
    return {key: frozenset(found) for key, found in roles.items()}


@functools.cache
def _many() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            col(SignInSession.token_sha256),
            col(SignInSession.created_at_utc),
            col(SignInSession.last_seen_at_utc),
            col(Clinic.idle_minutes),
            col(Clinic.session_hours),
            col(PersonRole.role),
        )
        .join(Person, col(Person.id) == col(SignInSession.person_id))
        .join(Clinic, sa.true())
        .outerjoin(PersonRole, col(PersonRole.person_id) == col(Person.id))
        .where(
            col(SignInSession.token_sha256).in_(sa.bindparam("keys", expanding=True)),
            col(SignInSession.ended_at_utc).is_(None),
            col(Person.is_active).is_(True),
        )
    )


def prove(engine: sa.Engine, key: str, *, now: datetime | None = None) -> None:
    """Note that the person of a session has just proved again who they are."""
    with writing(engine) as connection:
        connection.execute(
            sa.update(SignInSession)
            .where(col(SignInSession.token_sha256) == key, col(SignInSession.ended_at_utc).is_(None))
            .values(proved_at_utc=now or utc_now())
        )


def end(engine: sa.Engine, key: str, *, source: str = "app", now: datetime | None = None) -> bool:
    """End a session for good, and lock its windows; says whether there was one to end."""
    with writing(engine) as connection:
        return _end(connection, col(SignInSession.token_sha256) == key, source, now)


def end_all_of(engine: sa.Engine, person_id: int, *, but: str | None = None, source: str = "app", now: datetime | None = None) -> bool:
    """
    End every session of a person, and every sign-in that is not whole yet: their passphrase or roles changed, or they left.

    Parameters
    ----------
    but : str, optional
        The key of the one session that goes on.
    """
    with writing(engine) as connection:
        connection.execute(sa.delete(SignInStep).where(col(SignInStep.person_id) == person_id))
        of_them = col(SignInSession.person_id) == person_id
        return _end(connection, of_them if but is None else of_them & (col(SignInSession.token_sha256) != but), source, now)


def _end(connection: sa.Connection, which: sa.ColumnElement[bool], source: str, now: datetime | None) -> bool:
    open_ones = (which, col(SignInSession.ended_at_utc).is_(None))
    rows = connection.execute(
        sa.select(col(SignInSession.token_sha256), col(SignInSession.person_id)).where(*open_ones).with_for_update()
    ).all()
    if rows:
        connection.execute(sa.update(SignInSession).where(*open_ones).values(ended_at_utc=now or utc_now()))
        keys = frozenset(row.token_sha256 for row in rows)
        connection.get_execution_options()["after_commit"].append(lambda: open_windows.lock(keys))
        connection.get_execution_options()["after_commit"].append(lambda: arrivals.HERE.drop_of(keys))
    for row in rows:
        audit.record(connection, _who(connection, row.person_id, source), AuditAction.SIGN_OUT, now=now)
    return bool(rows)


def note_failed_sign_in(engine: sa.Engine, *, source: str, person_id: int | None = None, now: datetime | None = None) -> None:
    """
    Write a try that failed into the audit. The name that was typed is left out: it may be a passphrase.

    Parameters
    ----------
    person_id : int, optional
        Who it is, where an earlier step has said so: somebody knows their passphrase, but not the code.
    """
    with writing(engine) as connection:
        nobody = Viewer(person_id=None, name="", roles=frozenset(), source=source)
        who = nobody if person_id is None else _who(connection, person_id, source)
        audit.record(connection, who, AuditAction.SIGN_IN_FAILED, now=now)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
