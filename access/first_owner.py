"""
How a real clinic begins: the first owner is made by a link that the server prints where it was started. There is no default passphrase.

Until there is an owner who can sign in, the app answers nothing else.
"""

import html
import sys
import weakref
from datetime import timedelta

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from access import accounts, passphrases, sessions, steps
from access.page import comes_from_here, form_of, page, paragraph, refused_form, unusable
from data import people, queries
from data.database import DatabaseUnusable, engine
from data.records import AlreadyThere
from models import EntryRefused, SignInStepKind

FOLDER = "/set-up/"
LINK_HOLDS = timedelta(hours=24)
# Databases whose clinic was seen to have an owner. It never goes back: the last one cannot be taken away (data/people.py).
_owned: weakref.WeakSet[sa.Engine] = weakref.WeakSet()


# --------------------------------------------------------------------------------------------------------------------
# Is there an owner
# --------------------------------------------------------------------------------------------------------------------


async def is_missing() -> bool:
    """Say whether this clinic has no owner yet who could sign in. Once there is one, this asks no database."""
    if _owned and engine() in _owned:
        return False
    return await run_in_threadpool(_is_missing)


def _is_missing() -> bool:
    database = engine()
    if database not in _owned and people.has_owner(database):
        _owned.add(database)
    return database not in _owned


def not_set_up() -> Response:
    """Answer in a clinic that has no owner yet."""
    return page(
        "Not set up yet · Still Running",
        "<h1>Not set up yet</h1><p>This clinic has no owner who can sign in. The server printed a link for the first one where it was started; "
        f"it works once, within {_hours()} hours. Starting the server again prints a new one.</p>"
        '<p class="quiet">An owner can also be added on the server: <code>python -m data user add --help</code></p>',
        status=503,
    )


def announce() -> None:
    """Print a new link for the first owner where the server was started, if the clinic needs one. Links that were printed before end."""
    try:
        if not _is_missing():
            return
        token = new_link(engine())
    except (DatabaseUnusable, sa.exc.SQLAlchemyError):
        return  # the pages say what is the matter
    # standard output and not the log: it lets in who reads it
    sys.stdout.write(
        "\nThis clinic has no owner yet. To make the first one, open the address of the app followed by\n\n"
        f"    {FOLDER}{token}\n\n"
        f"It works once, within {_hours()} hours. Starting the app again prints a new one, and this one ends.\n\n"
    )
    sys.stdout.flush()


def new_link(database: sa.Engine) -> str:
    """Make the link's token; one that was made before ends."""
    steps.end_all(database, SignInStepKind.FIRST_OWNER)
    return steps.begin(database, SignInStepKind.FIRST_OWNER, holds=LINK_HOLDS)


def _hours() -> int:
    return int(LINK_HOLDS.total_seconds() // 3600)


# --------------------------------------------------------------------------------------------------------------------
# The page
# --------------------------------------------------------------------------------------------------------------------


async def set_up(request: Request) -> Response:
    """Make the first owner from what was typed. Whoever holds no link that holds, or comes too late, finds nothing here."""
    token = request.path_params["token"]
    try:
        if not await run_in_threadpool(_holds, token):
            return _nothing_here()
        if request.method != "POST":
            return await run_in_threadpool(_form, {})
        form = await form_of(request) if comes_from_here(request) else None
        if form is None:
            return refused_form()
        source = request.client.host if request.client else "app"
        return await run_in_threadpool(_made, token, form, source)
    except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
        return unusable(error)


def _holds(token: str) -> bool:
    return _is_missing() and steps.find(engine(), SignInStepKind.FIRST_OWNER, token) is not None


def _nothing_here() -> Response:
    return page(
        "Nothing here",
        f"<h1>Nothing here</h1>{paragraph('This link was used already or has expired, or there never was one.')}",
        status=404,
    )


def _made(token: str, form: dict[str, str], source: str) -> Response:
    name, passphrase = form.get("name", ""), form.get("passphrase", "")
    try:
        login_name = accounts.checked_login_name(form.get("login_name", ""))
        if passphrase != form.get("again", ""):
            raise EntryRefused(["The two passphrases are not the same."])
        passphrases.check_passphrase(passphrase, (login_name, name, queries.clinic(engine()).name))
        made = people.add_first_owner(
            engine(),
            step_sha256=sessions.key_of(token),
            name=name,
            login_name=login_name,
            passphrase_hash=passphrases.hashed(passphrase),
            also_treats="also_treats" in form,
            source=source,
        )
    except (EntryRefused, AlreadyThere, passphrases.PassphraseRefused) as refused:
        return _form(form, str(refused), status=422)
    return _nothing_here() if made is None else RedirectResponse("/login", status_code=303)


def _form(typed: dict[str, str], refused: str = "", *, status: int = 200) -> Response:
    """Ask for the first owner; what was typed stands there again, a passphrase does not."""
    name, login_name = (html.escape(typed.get(field, "")) for field in ("name", "login_name"))
    checked = " checked" if "also_treats" in typed else ""
    return page(
        "Set up · Still Running",
        f"<h1>Set up {html.escape(queries.clinic(engine()).name)}</h1>"
        "<p>You are the first owner: you say who works here and what they may do. Patients you see only if you also treat them.</p>"
        f'{paragraph(refused, "refused")}<form method="post">'
        f'<label for="name">Your name</label><input id="name" name="name" value="{name}" autocomplete="name" maxlength="200" required autofocus>'
        f'<label for="login_name">Login name</label><input id="login_name" name="login_name" value="{login_name}" autocomplete="username" '
        f'autocapitalize="none" spellcheck="false" maxlength="{accounts.LOGIN_NAME_MAX}" required>'
        '<label for="passphrase">Passphrase</label>'
        '<input id="passphrase" name="passphrase" type="password" autocomplete="new-password" aria-describedby="how_long" required>'
        f'<p class="quiet" id="how_long">At least {passphrases.PASSPHRASE_MIN} characters. Four or five words that do not belong together are good.</p>'
        '<label for="again">The same again</label><input id="again" name="again" type="password" autocomplete="new-password" required>'
        f'<label class="choice"><input name="also_treats" type="checkbox" value="yes"{checked}> I also treat patients</label>'
        '<button class="first">Make me the owner</button></form>',
        status=status,
    )


ROUTES = (Route(f"{FOLDER}{{token:path}}", set_up, methods=["GET", "POST"]),)
