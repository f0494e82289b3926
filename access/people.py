"""
Who works here and how they sign in, for the page of the owner and for the command line.

Whoever is no owner finds nobody here (data/people.py asks). Each change leaves one row in the audit, without a login name in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import col

from access import accounts, second_factor, single_sign_on, throttle
from data import people, queries, records
from data.database import engine, reading
from data.people import LastOwner, PersonRow
from models import Account, AttemptsOf, EntryRefused, ExternalIdentity, Role, SetPasswordLink, SiteKind, Viewer, utc_now

__all__ = ["Colleague", "LastOwner", "Link", "PersonRow"]

LINK_PATH = "/set-passphrase/"
SITE_KIND_WORDS = {SiteKind.IN_PERSON: "in person", SiteKind.VIRTUAL: "virtual"}


@dataclass(frozen=True)
class Colleague:
    """Somebody who works here, and how it stands with their signing in."""

    person: PersonRow
    is_locked: bool  # tried too often: by name, with a code, or when asked again
    link_holds_until: datetime | None  # a link to set a passphrase waits for them

    @property
    def key(self) -> str:
        """Give the person's key."""
        return self.person.key


@dataclass(frozen=True)
class Link:
    """A link with which a person sets their passphrase. It is given once and stored nowhere."""

    path: str
    holds_until: datetime  # by the clinic's clock


# --------------------------------------------------------------------------------------------------------------------
# Who is there
# --------------------------------------------------------------------------------------------------------------------


def colleagues(viewer: Viewer, *, database: sa.Engine | None = None, now: datetime | None = None) -> list[Colleague]:
    """
    List the people of the clinic, those who are active first, by name.

    Raises
    ------
    NotFound
        If the viewer is not an owner.
    """
    database, now = database or engine(), now or utc_now()
    rows = people.everybody(database, viewer)
    with reading(database) as connection:
        waiting = sa.select(col(SetPasswordLink.person_id), col(SetPasswordLink.expires_at_utc)).where(
            col(SetPasswordLink.used_at_utc).is_(None), col(SetPasswordLink.expires_at_utc) > now
        )
        links: dict[int, datetime] = {row[0]: row[1] for row in connection.execute(waiting)}
        return [
            Colleague(row, any(throttle.is_locked(connection, subject, now=now) for subject in _subjects_of(row)), links.get(row.person_id))
            for row in rows
        ]


def by_login_name(viewer: Viewer, login_name: str, *, database: sa.Engine | None = None) -> Colleague | None:
    """Find somebody by their login name, as it was typed."""
    wanted = accounts.login_name_of(login_name)
    return next((one for one in colleagues(viewer, database=database) if wanted and one.person.login_name == wanted), None)


def sites(*, database: sa.Engine | None = None) -> dict[int, str]:
    """Give the clinic's sites by number."""
    return {site_id: name for site_id, name, _ in queries.sites(database or engine())}


def sign_in_rules(*, database: sa.Engine | None = None) -> queries.ClinicRow:
    """Give the clinic's settings; those of signing in are among them."""
    return queries.clinic(database or engine())


def role_word(role: Role) -> str:
    """Name one role."""
    return accounts.ROLE_WORDS[role]


def role_words(roles: Iterable[Role]) -> str:
    """
    Name roles in one order.

    >>> role_words({Role.THERAPIST, Role.OWNER})
    'owner, therapist'
    """
    given = set(roles)
    return ", ".join(word for role, word in accounts.ROLE_WORDS.items() if role in given)


def state(one: Colleague) -> str:
    """Say in a few words whether somebody can sign in."""
    if not one.person.is_active:
        return "switched off"
    if one.is_locked:
        return "locked: too many tries"
    if one.person.login_name and not one.person.can_sign_in:
        return "passphrase not set yet" if one.link_holds_until else "passphrase not set, link ended"
    return "active"


def shown(one: Colleague, sites: Mapping[int, str]) -> dict[str, str]:
    """Give a line of the list of people: column and text."""
    person = one.person
    return {
        "Name": person.name,
        "Roles": role_words(person.roles) or "none",
        "Sites": ", ".join(sites[site_id] for site_id in sorted(person.site_ids)) or "none",
        "State": state(one),
        "Login name": person.login_name or "none",
        "Second factor": "yes" if person.has_second_factor else "no",
        "Single sign-on": "linked" if person.has_single_sign_on else "no",
    }


def _subjects_of(person: PersonRow) -> list[throttle.Subject]:
    number = str(person.person_id)
    return [
        *([throttle.Subject(AttemptsOf.ACCOUNT, person.login_name)] if person.login_name else []),
        throttle.Subject(AttemptsOf.SECOND_FACTOR, number),
        throttle.Subject(AttemptsOf.CONFIRMATION, number),
    ]


# --------------------------------------------------------------------------------------------------------------------
# Somebody new, and their account
# --------------------------------------------------------------------------------------------------------------------


def _email_of(typed: str) -> str:
    folded = single_sign_on.email_of(typed) if typed.strip() else ""
    if folded is None:
        raise EntryRefused(
            ["This is not an e-mail address of plain letters, such as tess@clinic.example. Leave it empty if single sign-on is not used."]
        )
    return folded


def add(
    viewer: Viewer,
    *,
    name: str,
    roles: Iterable[Role],
    site_ids: Iterable[int] = (),
    login_name: str = "",
    email: str = "",
    database: sa.Engine | None = None,
) -> Link | None:
    """
    Add somebody who works here.

    Returns
    -------
    Link, optional
        With which they set their passphrase; None in the demo clinic, where there are none.

    Raises
    ------
    EntryRefused
        With what to mend; in the demo clinic also if a login name is given, in a real one if none is.
    AlreadyThere
        If the login name or the e-mail address is somebody else's.
    """
    database = database or engine()
    by_name = queries.clinic(database).is_demo and not login_name.strip()
    key = people.add_person(
        database,
        viewer,
        name=name,
        roles=roles,
        site_ids=site_ids,
        login_name="" if by_name else accounts.checked_login_name(login_name),
        email=_email_of(email),
    )
    return None if by_name else new_link(viewer, key, database=database)


def give_account(viewer: Viewer, key: str, login_name: str, *, email: str = "", database: sa.Engine | None = None) -> None:
    """
    Give a person a login name, or another one, and an e-mail address for the first link with single sign-on.

    They cannot sign in before they have set a passphrase, see `new_link`.

    Raises
    ------
    EntryRefused
        If the login name is empty or too long, the address is none, or this is the demo clinic.
    AlreadyThere
        If one of the two is somebody else's.
    """
    people.set_account(database or engine(), viewer, key, accounts.checked_login_name(login_name), _email_of(email))


def new_link(viewer: Viewer, key: str, *, database: sa.Engine | None = None, now: datetime | None = None) -> Link:
    """
    Make the link with which a person sets their passphrase, once, within 48 hours. Older links of theirs end.

    The passphrase that they have works until the link is used.

    Raises
    ------
    EntryRefused
        If the person has no login name or is switched off, or this is the demo clinic.
    """
    database, now = database or engine(), now or utc_now()
    with people.changing(database, viewer, key, now=now) as change:
        change.only_in_a_real_clinic()
        if not change.person.is_active:
            raise EntryRefused(["This person is switched off. Switch them on first."])
        if not change.person.login_name:
            raise EntryRefused(["This person has no login name yet. Give them one first."])
        token = accounts.put_link(change.connection, change.person.person_id, now=now)
        change.tell("set_passphrase_link", "none or an older one", "made")
    return Link(f"{LINK_PATH}{token}", (now + accounts.LINK_HOLDS).astimezone(ZoneInfo(queries.clinic(database).time_zone)))


def unlock(viewer: Viewer, key: str, *, database: sa.Engine | None = None) -> None:
    """Let a person try again at once: at the door, with a code, and where the passphrase is asked again."""
    with people.changing(database or engine(), viewer, key) as change:
        change.only_in_a_real_clinic()
        forgotten = [throttle.forget_tries(change.connection, subject) for subject in _subjects_of(change.person)]
        if any(forgotten):
            change.tell("failed_tries", "counted", "forgotten")


def reset_second_factor(viewer: Viewer, key: str, *, database: sa.Engine | None = None) -> None:
    """Take a person's second factor and recovery codes away: the telephone is lost. Every sign-in of theirs ends, and those half done."""
    with people.changing(database or engine(), viewer, key) as change:
        change.only_in_a_real_clinic()
        if not second_factor.cleared(change.connection, change.person.person_id):
            return
        change.tell("second_factor", True, False)
        change.end_sessions()
        change.end_steps()


def unlink(viewer: Viewer, key: str, *, database: sa.Engine | None = None) -> None:
    """
    Take a person's identities at providers away, and sign them out everywhere.

    The e-mail goes too, or the next single sign-on would link again: set it anew for who is to come in by it.
    """
    with people.changing(database or engine(), viewer, key) as change:
        change.only_in_a_real_clinic()
        if not change.person.has_passphrase:  # nobody could come in any more who says who works here
            change.keep_an_owner()
        connection, person_id = change.connection, change.person.person_id
        taken = connection.execute(sa.delete(ExternalIdentity).where(col(ExternalIdentity.person_id) == person_id)).rowcount
        if not taken:
            return
        connection.execute(sa.update(Account).where(col(Account.person_id) == person_id).values(email=None))
        change.tell("single_sign_on", True, False)
        change.end_sessions()
        change.end_steps()


def end_sessions(viewer: Viewer, key: str, *, database: sa.Engine | None = None) -> None:
    """Sign a person out everywhere."""
    with people.changing(database or engine(), viewer, key) as change:
        change.end_sessions()
        change.end_steps()


# --------------------------------------------------------------------------------------------------------------------
# Roles, sites, rules: what data/ does, for the pages
# --------------------------------------------------------------------------------------------------------------------


def set_roles(viewer: Viewer, key: str, roles: Iterable[Role], *, database: sa.Engine | None = None) -> None:
    """Give a person these roles and no others; see `data.people.set_roles`."""
    people.set_roles(database or engine(), viewer, key, roles)


def set_sites(viewer: Viewer, key: str, site_ids: Iterable[int], *, database: sa.Engine | None = None) -> None:
    """Say where a person works; see `data.people.set_sites`."""
    people.set_sites(database or engine(), viewer, key, site_ids)


def set_active(viewer: Viewer, key: str, active: bool, *, database: sa.Engine | None = None) -> None:
    """Switch a person off or on; see `data.people.set_active`."""
    people.set_active(database or engine(), viewer, key, active)


def add_site(viewer: Viewer, name: str, kind: SiteKind, *, database: sa.Engine | None = None) -> None:
    """Add a site; see `data.records.add_site`."""
    records.add_site(database or engine(), viewer, name, kind)


def set_rules(
    viewer: Viewer,
    *,
    idle_minutes: int,
    session_hours: int,
    require_second_factor: bool,
    therapists_see_site: bool,
    database: sa.Engine | None = None,
) -> None:
    """Set the rules of signing in, and whether therapists see the patients of their sites."""
    database = database or engine()
    records.set_sign_in_rules(
        database, viewer, idle_minutes=idle_minutes, session_hours=session_hours, require_second_factor=require_second_factor
    )
    records.set_therapists_see_site(database, viewer, therapists_see_site)
