"""
Who works here: people, their roles, sites and accounts.

Each change is one transaction that holds the clinic's row, so that two owners cannot take each other's role in the same moment. It leaves
one row in the audit, and ends what has to end with it: a taken role never lives on in an open window.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from data import audit, permissions
from data.database import reading, writing
from data.permissions import Act, NotFound, Thing
from data.records import AlreadyThere
from models import (
    NAME_MAX_CHARACTERS,
    Account,
    AuditAction,
    Clinic,
    EntryRefused,
    ExternalIdentity,
    Person,
    PersonRole,
    PersonSite,
    Role,
    SetPasswordLink,
    SignInSession,
    SignInStep,
    SignInStepKind,
    Site,
    Viewer,
    new_key,
    plain_text,
    utc_now,
)

PERSON = Person.metadata.tables["person"]


IN_THE_DEMO = "In the demo clinic people sign in by choosing a name: nobody has a login name, a passphrase or a second factor there."


class LastOwner(EntryRefused):
    """Without this person nobody would be left who can change who works here."""

    def __init__(self) -> None:
        super().__init__(
            ["Without them the clinic would have no owner who can sign in. Somebody else must be an owner, and have signed in, first."]
        )


@dataclass(frozen=True)
class PersonRow:
    """Somebody who works here, or did. Nothing of their secrets: only whether there are any."""

    person_id: int
    key: str
    name: str
    is_active: bool
    roles: frozenset[Role]
    site_ids: frozenset[int]
    login_name: str  # empty: no account
    email: str  # for the first link with single sign-on
    has_passphrase: bool
    has_second_factor: bool
    has_single_sign_on: bool

    @property
    def can_sign_in(self) -> bool:
        """Say whether they have what a real clinic asks for at the door."""
        return self.has_passphrase or self.has_single_sign_on


# --------------------------------------------------------------------------------------------------------------------
# Reading
# --------------------------------------------------------------------------------------------------------------------


def everybody(engine: sa.Engine, viewer: Viewer) -> list[PersonRow]:
    """
    List the people of the clinic, those who are active first, by name.

    Raises
    ------
    NotFound
        If the viewer is not an owner.
    """
    with audit.noting_refusals(engine, viewer, "person", None), reading(engine) as connection:
        permissions.require(viewer, Thing.PEOPLE, Act.SEE, "person")
        return sorted(_rows(connection), key=lambda row: (not row.is_active, row.name.casefold(), row.person_id))


def has_owner(engine: sa.Engine) -> bool:
    """Say whether this clinic has an owner who can come in. The demo clinic has one: there everybody comes in by choosing a name."""
    with reading(engine) as connection:
        return _is_demo(connection) or _has_able_owner(_rows(connection))


def _is_demo(connection: sa.Connection) -> bool:
    return bool(connection.execute(sa.select(col(Clinic.is_demo))).scalar())


def _has_able_owner(rows: Iterable[PersonRow]) -> bool:
    return any(row.is_active and Role.OWNER in row.roles and row.can_sign_in for row in rows)


def _rows(connection: sa.Connection, *which: sa.ColumnElement[bool]) -> list[PersonRow]:
    linked = sa.exists(sa.select(col(ExternalIdentity.subject)).where(col(ExternalIdentity.person_id) == PERSON.c.id).correlate(PERSON))
    people = connection.execute(
        sa.select(
            *(PERSON.c[name] for name in ("id", "key", "name", "is_active")),
            col(Account.login_name),
            col(Account.email),
            sa.and_(col(Account.passphrase_hash).is_not(None), col(Account.must_set_passphrase).is_(False)).label("has_passphrase"),
            col(Account.totp_secret).is_not(None).label("has_second_factor"),
            linked.label("has_single_sign_on"),
        )
        .outerjoin(Account, col(Account.person_id) == PERSON.c.id)
        .where(*which)
    ).all()
    roles, sites = (
        _grouped(connection.execute(sa.select(col(table.person_id), column)).all())
        for table, column in ((PersonRole, col(PersonRole.role)), (PersonSite, col(PersonSite.site_id)))
    )
    return [
        PersonRow(
            person_id=row.id,
            key=row.key,
            name=row.name,
            is_active=row.is_active,
            roles=frozenset(map(Role, roles.get(row.id, ()))),
            site_ids=frozenset(sites.get(row.id, ())),
            login_name=row.login_name or "",
            email=row.email or "",
            has_passphrase=bool(row.has_passphrase),
            has_second_factor=row.has_second_factor,
            has_single_sign_on=row.has_single_sign_on,
        )
        for row in people
    ]


def _grouped(pairs: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for person_id, value in pairs:
        found.setdefault(person_id, []).append(value)
    return found


# --------------------------------------------------------------------------------------------------------------------
# Changing one person
# --------------------------------------------------------------------------------------------------------------------


@dataclass
class PersonChange:
    """What is being changed about one person; see `changing`."""

    connection: sa.Connection
    person: PersonRow
    now: datetime
    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)

    def tell(self, what: str, old: object, new: object) -> None:
        """Say for the audit what changed; what stayed the same is not said."""
        if old != new:
            self.old[what], self.new[what] = old, new

    def only_in_a_real_clinic(self) -> None:
        """Refuse what has no meaning where people sign in by choosing a name."""
        if _is_demo(self.connection):
            raise EntryRefused([IN_THE_DEMO])

    def end_sessions(self) -> None:
        """End every session of theirs, in this transaction."""
        mine = (col(SignInSession.person_id) == self.person.person_id, col(SignInSession.ended_at_utc).is_(None))
        ended = self.connection.execute(sa.update(SignInSession).where(*mine).values(ended_at_utc=self.now)).rowcount
        self.tell("open_sessions", ended, 0)

    def keep_an_owner(self) -> None:
        """
        Refuse if without this person nobody could say any more who works here.

        Raises
        ------
        LastOwner
        """
        _keep_an_owner(self)

    def end_steps(self) -> None:
        """Let nothing go on that they began at the door, nor by a link that is out."""
        self.connection.execute(sa.delete(SetPasswordLink).where(col(SetPasswordLink.person_id) == self.person.person_id))
        self.connection.execute(sa.delete(SignInStep).where(col(SignInStep.person_id) == self.person.person_id))


@contextmanager
def changing(engine: sa.Engine, viewer: Viewer, key: str, *, now: datetime | None = None) -> Iterator[PersonChange]:
    """
    Open one transaction in which something about a person is changed; what it tells becomes one row of the audit.

    Raises
    ------
    NotFound
        If the viewer is not an owner, or there is no such person.
    """
    with audit.changing(engine, viewer, "person", key) as connection:
        permissions.require(viewer, Thing.PEOPLE, Act.WRITE, "person")
        _hold_clinic(connection)
        found = _rows(connection, PERSON.c.key == key)
        if not found:
            raise NotFound("person")
        change = PersonChange(connection, found[0], now or utc_now())
        yield change
        if change.new:
            audit.record(
                connection, viewer, AuditAction.PERMISSION_CHANGE, kind="person", key=key, old=change.old, new=change.new, now=change.now
            )


def _hold_clinic(connection: sa.Connection) -> None:
    """Let one change after the other be made (SQLite has one writer anyway)."""
    connection.execute(sa.select(col(Clinic.id)).with_for_update())


def add_person(
    engine: sa.Engine,
    viewer: Viewer,
    *,
    name: str,
    roles: Iterable[Role],
    site_ids: Iterable[int] = (),
    login_name: str = "",
    email: str = "",
) -> str:
    """
    Add somebody who works here, with an account if a login name is given.

    Parameters
    ----------
    login_name, email : str
        Folded, as access/accounts.py does it; without a login name they cannot sign in.

    Returns
    -------
    str
        The person's random key.

    Raises
    ------
    EntryRefused
        If the name is missing or too long, no role is given, a site is not one of the clinic's, or the demo clinic is to have an account.
    AlreadyThere
        If the login name or the e-mail address is somebody else's.
    """
    key = new_key()
    with audit.changing(engine, viewer, "person", None) as connection:
        permissions.require(viewer, Thing.PEOPLE, Act.WRITE, "person")
        _hold_clinic(connection)
        given, at = _checked_roles(roles), _checked_sites(connection, site_ids)
        _insert(connection, key, name, given, at)
        if login_name:
            _store_account(connection, _rows(connection, PERSON.c.key == key)[0], login_name, email)
        told = {"roles": sorted(given), "site_ids": sorted(at), "account": bool(login_name), "email": bool(email)}
        audit.record(connection, viewer, AuditAction.CREATE, kind="person", key=key, new=told)
    return key


def _insert(connection: sa.Connection, key: str, name: str, roles: Iterable[Role], site_ids: Iterable[int]) -> int:
    said = plain_text(name)
    if not 1 <= len(said) <= NAME_MAX_CHARACTERS:
        raise EntryRefused([f"A name has 1 to {NAME_MAX_CHARACTERS} characters."])
    person_id = int(connection.execute(sa.insert(Person).values(key=key, name=said).returning(PERSON.c.id)).scalar_one())
    _store_roles(connection, person_id, roles)
    _store_sites(connection, person_id, site_ids)
    return person_id


def set_roles(engine: sa.Engine, viewer: Viewer, key: str, roles: Iterable[Role]) -> None:
    """
    Give a person these roles and no others. Whoever is signed in as them is out.

    Raises
    ------
    EntryRefused
        If no role is left.
    LastOwner
        If nobody else could change who works here any more.
    """
    given = _checked_roles(roles)
    with changing(engine, viewer, key) as change:
        if given == change.person.roles:
            return
        if Role.OWNER not in given:
            _keep_an_owner(change)
        connection, person_id = change.connection, change.person.person_id
        connection.execute(sa.delete(PersonRole).where(col(PersonRole.person_id) == person_id))
        _store_roles(connection, person_id, given)
        change.tell("roles", sorted(change.person.roles), sorted(given))
        change.end_sessions()
        change.end_steps()


def set_sites(engine: sa.Engine, viewer: Viewer, key: str, site_ids: Iterable[int]) -> None:
    """
    Say where a person works. It counts from their next action.

    Raises
    ------
    EntryRefused
        If one of them is not one of the clinic's.
    """
    with changing(engine, viewer, key) as change:
        connection, person_id = change.connection, change.person.person_id
        at = _checked_sites(connection, site_ids)
        connection.execute(sa.delete(PersonSite).where(col(PersonSite.person_id) == person_id))
        _store_sites(connection, person_id, at)
        change.tell("site_ids", sorted(change.person.site_ids), sorted(at))


def set_active(engine: sa.Engine, viewer: Viewer, key: str, active: bool) -> None:
    """
    Switch a person off or on. Off, they are out at once, and no link of theirs works any more; what they wrote stays.

    Raises
    ------
    LastOwner
        If nobody else could change who works here any more.
    """
    with changing(engine, viewer, key) as change:
        if change.person.is_active == active:
            return
        if not active:
            _keep_an_owner(change)
        connection, person_id = change.connection, change.person.person_id
        connection.execute(sa.update(Person).where(PERSON.c.id == person_id).values(is_active=active))
        change.tell("is_active", change.person.is_active, active)
        if not active:
            change.end_sessions()
            change.end_steps()


def set_account(engine: sa.Engine, viewer: Viewer, key: str, login_name: str, email: str = "") -> None:
    """
    Give a person a login name, or another one, and an e-mail address for the first link with single sign-on.

    Parameters
    ----------
    login_name, email : str
        Folded, as access/accounts.py does it.

    Raises
    ------
    EntryRefused
        In the demo clinic.
    AlreadyThere
        If one of the two is somebody else's.
    """
    with changing(engine, viewer, key) as change:
        person = change.person
        _store_account(change.connection, person, login_name, email)
        # the names themselves stay out of the audit
        change.tell("account", bool(person.login_name), True)
        if person.login_name not in ("", login_name):
            change.tell("login_name", "as before", "changed")
        if person.email != email:
            change.tell("email", "as before" if person.email else "none", "changed" if email else "none")


def _store_account(connection: sa.Connection, person: PersonRow, login_name: str, email: str) -> None:
    if _is_demo(connection):
        raise EntryRefused([IN_THE_DEMO])
    for column, value, what in ((col(Account.login_name), login_name, "login name"), (col(Account.email), email, "e-mail address")):
        others = sa.select(col(Account.person_id)).where(column == value, col(Account.person_id) != person.person_id)
        if value and connection.execute(others).first() is not None:
            raise AlreadyThere(f"The {what} {value} is taken. Choose another one.")
    given = {"login_name": login_name, "email": email or None}
    if person.login_name:
        connection.execute(sa.update(Account).where(col(Account.person_id) == person.person_id).values(given))
    else:
        connection.execute(sa.insert(Account).values(person_id=person.person_id, must_set_passphrase=True, **given))


def _keep_an_owner(change: PersonChange) -> None:
    """Refuse if the clinic would be left without an owner: without any, or without one who can sign in where there is one now."""
    person, rows = change.person, _rows(change.connection, PERSON.c.is_active.is_(True))
    if Role.OWNER not in person.roles or not person.is_active:
        return
    others = [row for row in rows if row.person_id != person.person_id and Role.OWNER in row.roles]
    by_name = _is_demo(change.connection)
    if not others or (person.can_sign_in and not by_name and not _has_able_owner(others)):
        raise LastOwner()


def _checked_roles(roles: Iterable[Role]) -> frozenset[Role]:
    given = frozenset(map(Role, roles))
    if not given:
        raise EntryRefused(["Choose at least one role. Who works here no more is switched off."])
    return given


def _checked_sites(connection: sa.Connection, site_ids: Iterable[int]) -> frozenset[int]:
    given = frozenset(site_ids)
    if not given <= set(connection.execute(sa.select(Site.metadata.tables["site"].c.id)).scalars()):
        raise EntryRefused(["One of the sites is not one of the clinic's any more. Choose the sites again."])
    return given


def _store_roles(connection: sa.Connection, person_id: int, roles: Iterable[Role]) -> None:
    for role in sorted(roles):
        connection.execute(sa.insert(PersonRole).values(person_id=person_id, role=role.value))


def _store_sites(connection: sa.Connection, person_id: int, site_ids: Iterable[int]) -> None:
    for site_id in sorted(site_ids):
        connection.execute(sa.insert(PersonSite).values(person_id=person_id, site_id=site_id))


# --------------------------------------------------------------------------------------------------------------------
# The first owner
# --------------------------------------------------------------------------------------------------------------------


def add_first_owner(
    engine: sa.Engine,
    *,
    step_sha256: str,
    name: str,
    login_name: str,
    passphrase_hash: str,
    also_treats: bool,
    source: str,
    now: datetime | None = None,
) -> int | None:
    """
    Make the owner of a clinic that has none, by the link that the server printed. The link is used up with it.

    Parameters
    ----------
    step_sha256 : str
        Of the link's token.
    login_name : str
        Folded, as access/accounts.py does it.
    source : str
        Where they came from, as the audit keeps it.

    Returns
    -------
    int, optional
        The person's id; None if the link does not hold or there is an owner already. Then nothing was changed.

    Raises
    ------
    EntryRefused
        If the name is missing or too long.
    AlreadyThere
        If the login name is somebody's.
    """
    now, key = now or utc_now(), new_key()
    roles = {Role.OWNER, Role.THERAPIST} if also_treats else {Role.OWNER}
    with writing(engine) as connection:
        _hold_clinic(connection)
        if _is_demo(connection) or _has_able_owner(_rows(connection)):
            return None
        the_link = (
            col(SignInStep.token_sha256) == step_sha256,
            col(SignInStep.kind) == SignInStepKind.FIRST_OWNER.value,
            col(SignInStep.expires_at_utc) > now,
        )
        if connection.execute(sa.delete(SignInStep).where(*the_link)).rowcount != 1:
            return None
        person_id = _insert(connection, key, name, roles, ())
        _store_account(connection, _rows(connection, PERSON.c.id == person_id)[0], login_name, "")
        connection.execute(
            sa.update(Account).where(col(Account.person_id) == person_id).values(passphrase_hash=passphrase_hash, must_set_passphrase=False)
        )
        owner = Viewer(person_id=person_id, name=plain_text(name), roles=frozenset(roles), source=source)
        told = {"roles": sorted(roles), "site_ids": [], "account": True, "email": False}
        audit.record(connection, owner, AuditAction.CREATE, kind="person", key=key, new=told, now=now)
    return person_id
