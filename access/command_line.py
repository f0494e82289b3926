"""`python -m data user …` and `python -m data site …`: who works here, from a terminal. Imported by data/__main__.py."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
import typer

from data import queries, records
from data.database import ready_engine
from data.permissions import COMMAND_LINE
from models import EntryRefused, Role, SiteKind

if TYPE_CHECKING:
    from access.people import Colleague, Link

user_app = typer.Typer(help="Who works here: people, roles, accounts.", no_args_is_help=True)
site_app = typer.Typer(help="Where the clinic works.", no_args_is_help=True)

Login = Annotated[str, typer.Argument(metavar="LOGIN", help="The person's login name.")]
Roles = Annotated[list[Role], typer.Option("--role", help="What they may do; several are fine.")]


@user_app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How the person is called.")],
    role: Roles,
    login: Annotated[str, typer.Option(metavar="LOGIN", help="The name they sign in with; not in the demo clinic.")] = "",
    site: Annotated[list[str] | None, typer.Option(metavar="SITE", help="Where they work, by the site's name; several are fine.")] = None,
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="Links them with single sign-on, where that is used.")] = "",
) -> None:
    """Add somebody who works here; prints the link with which they set their passphrase."""
    from access import people  # brings the lists of common passphrases: only who needs accounts waits for it

    engine = ready_engine()
    at = _site_ids(engine, site or [])
    link = people.add(COMMAND_LINE, name=name, roles=role, site_ids=at, login_name=login, email=email, database=engine)
    typer.echo(f"{name} works here now: {people.role_words(role)}.")
    if link is None:
        typer.echo("This is the demo clinic: they sign in by choosing their name.")
    else:
        _show(link)


@user_app.command("list")
def list_() -> None:
    """List the people, those who are switched off last."""
    from access import people

    engine = ready_engine()
    sites = people.sites(database=engine)
    for one in people.colleagues(COMMAND_LINE, database=engine):
        typer.echo("  |  ".join(f"{what}: {said}" if what != "Name" else said for what, said in people.shown(one, sites).items()))


@user_app.command()
def link(login: Login) -> None:
    """Make a new link with which a person sets their passphrase. Older ones end."""
    from access import people

    engine = ready_engine()
    _show(people.new_link(COMMAND_LINE, _person(engine, login).key, database=engine))


@user_app.command()
def off(login: Login) -> None:
    """Switch a person off: they are out at once. What they wrote stays."""
    _switch(login, active=False)


@user_app.command()
def on(login: Login) -> None:
    """Switch a person on again."""
    _switch(login, active=True)


def _switch(login: str, *, active: bool) -> None:
    from access import people

    engine = ready_engine()
    one = _person(engine, login)
    people.set_active(COMMAND_LINE, one.key, active, database=engine)
    typer.echo(f"{one.person.name} is switched {'on' if active else 'off'}.")


@user_app.command()
def role(login: Login, role: Roles) -> None:
    """Give a person these roles and no others. Who is signed in as them is out."""
    from access import people

    engine = ready_engine()
    one = _person(engine, login)
    people.set_roles(COMMAND_LINE, one.key, role, database=engine)
    typer.echo(f"{one.person.name} is {people.role_words(role)} now.")


@user_app.command()
def unlock(login: Login) -> None:
    """Let a person try again at once after too many tries."""
    from access import people

    engine = ready_engine()
    one = _person(engine, login)
    people.unlock(COMMAND_LINE, one.key, database=engine)
    typer.echo(f"{one.person.name} can try again.")


@user_app.command("reset-second-factor")
def reset_second_factor(login: Login) -> None:
    """Take a person's second factor and recovery codes away: the telephone is lost."""
    from access import people

    engine = ready_engine()
    one = _person(engine, login)
    people.reset_second_factor(COMMAND_LINE, one.key, database=engine)
    typer.echo(f"{one.person.name} has no second factor any more.")


@site_app.command("add")
def add_site(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How the site is called.")],
    kind: Annotated[SiteKind, typer.Option(help="Whether people come there.")] = SiteKind.IN_PERSON,
) -> None:
    """Add a site."""
    records.add_site(ready_engine(), COMMAND_LINE, name, kind)
    typer.echo(f"{name} is a site of the clinic now.")


@site_app.command("list")
def list_sites() -> None:
    """List the clinic's sites."""
    for _, name, kind in queries.sites(ready_engine()):
        typer.echo(f"{name}  |  {kind}")


def _person(engine: sa.Engine, login: str) -> "Colleague":
    from access import people

    found = people.by_login_name(COMMAND_LINE, login, database=engine)
    if found is None:
        raise EntryRefused([f"There is nobody with the login name {login}."])
    return found


def _site_ids(engine: sa.Engine, names: Sequence[str]) -> list[int]:
    known = {name: site_id for site_id, name, _ in queries.sites(engine)}
    unknown = [name for name in names if name not in known]
    if unknown:
        there = f"The sites are: {', '.join(known)}." if known else "There is none yet: `python -m data site add NAME`."
        raise EntryRefused([f"There is no site called {', '.join(unknown)}. {there}"])
    return [known[name] for name in names]


def _show(link: "Link") -> None:
    until = f"{link.holds_until:%Y-%m-%d %H:%M}"
    typer.echo(f"With this link they set their passphrase, once, until {until}. Hand it over after the app's address:\n  {link.path}")
