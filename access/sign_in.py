"""Signing in, signing out, and setting a passphrase by a link."""

import html
import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from access import accounts, halfway, passphrases, second_factor, sessions, throttle
from access.cookies import COOKIE, SECURE_COOKIE, is_secure, session_of, token_of
from access.identity_provider import provider
from access.page import comes_from_here, form_of, hidden, page, paragraph, refused_form, unusable
from data import queries
from data.database import DatabaseUnusable, engine

Result = TypeVar("Result")
UNSAFE_IN_PATH = re.compile(r"[\x00-\x20\x7f\\]")
NOT_A_PLACE = frozenset({"/login", "/logout", "/healthz", "/confirm", "/sso/start", "/sso/back"})  # nowhere to arrive after signing in


def safe_next(wanted: str | None) -> str:
    """
    Give where to go after signing in: a page of ours, or the first one.

    >>> safe_next("/patient?episode=abc"), safe_next("//evil.example"), safe_next("/\\\\evil.example"), safe_next("https://evil.example")
    ('/patient?episode=abc', '/', '/', '/')
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith("//") or UNSAFE_IN_PATH.search(wanted):
        return "/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    ours = not parts.scheme and not parts.netloc and "//" not in parts.path
    return wanted if ours and parts.path not in NOT_A_PLACE and not parts.path.startswith(("/_stcore", halfway.PATH)) else "/"


DEMO_SAID = "Demo clinic: all people are made up. Whoever opens this page can sign in as anybody."


def _login_page(wanted: str, refused: str = "", *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    clinic = queries.clinic(engine())
    if clinic.is_demo:
        buttons = "".join(
            f'<button name="person" value="{person.person_id}">{html.escape(f"{person.name}, {accounts.role_words(person)}")}</button>'
            for person in accounts.demo_people()
        )
        asked = (
            f'<p class="demo">{html.escape(DEMO_SAID)}</p>{paragraph(refused, "refused")}<h2>Who are you today?</h2>'
            f'<form method="post" action="/login">{hidden("next", wanted)}{buttons}</form>'
            '<p class="quiet">In the demo clinic you sign in by choosing a name. A real clinic starts empty, with nobody in it.</p>'
        )
    else:
        asked = (
            f"<h2>{html.escape(clinic.name)}</h2>{paragraph(refused, 'refused')}"
            f'<form method="post" action="/login">{hidden("next", wanted)}'
            '<label for="name">Name</label><input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus>'
            '<label for="passphrase">Passphrase</label>'
            '<input id="passphrase" name="passphrase" type="password" autocomplete="current-password" required>'
            f'<button class="first">Sign in</button></form>{_single_sign_on(wanted)}'
        )
    body = f"<h1>Still Running</h1><p>Calm the load down, build it up again, and keep the runner running.</p>{asked}"
    return page("Sign in · Still Running", body, status=status, headers=headers)


def _single_sign_on(wanted: str) -> str:
    """Write the button that leads to the identity provider; nothing if there is none."""
    there = provider()
    if there is None:
        return ""
    said = html.escape(f"Sign in with {there.settings.name}")
    return f'<form method="post" action="/sso/start">{hidden("next", wanted)}<button>{said}</button></form>'


_at_the_door = anyio.CapacityLimiter(2)  # who signs in takes no thread from those who work


async def slowly(work: Callable[[], Result]) -> Result:
    """Do what takes long because a passphrase is hashed."""
    return await anyio.to_thread.run_sync(work, limiter=_at_the_door)


async def login(request: Request) -> Response:
    """Show who can sign in (GET), or sign somebody in (POST)."""
    try:
        if request.method != "POST":
            wanted = safe_next(request.query_params.get("next"))
            if await session_of(request.scope) is not None:
                return RedirectResponse(wanted, status_code=303)
            return await run_in_threadpool(_login_page, wanted)
        form = await form_of(request) if comes_from_here(request) else None
        if form is None:
            return refused_form()
        wanted = safe_next(form.get("next"))
        try:
            person_id = await _person_who_signs_in(request, form)
        except accounts.SignInRefused as refused:
            await run_in_threadpool(lambda: sessions.note_failed_sign_in(engine(), source=address_of(request)))
            return await run_in_threadpool(_login_page, wanted, str(refused), status=401)
        except throttle.TooManyTries as refused:  # its first tries stand in the audit: a flood must not fill it
            return await run_in_threadpool(_login_page, wanted, str(refused), status=429, headers=refused.headers)
        return await run_in_threadpool(arrived, request, person_id, wanted)
    except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
        return unusable(error)


async def _person_who_signs_in(request: Request, form: dict[str, str]) -> int:
    if "person" in form:

        def chosen() -> int:
            people = accounts.demo_people() if accounts.is_demo() else []
            for person in people:
                if str(person.person_id) == form["person"] and person.person_id is not None:
                    return person.person_id
            raise accounts.SignInRefused()

        return await run_in_threadpool(chosen)
    name, passphrase = form.get("name", ""), form.get("passphrase", "")
    return await slowly(lambda: accounts.sign_in(engine(), name, passphrase, address=address_of(request)))


def address_of(request: Request) -> str:
    """Give where a request came from, as the audit keeps it."""
    return request.client.host if request.client else "app"


def arrived(request: Request, person_id: int, wanted: str, *, second_factor_done: bool = False) -> Response:
    """
    End every way of signing in: ask for what is still missing, or start the session.

    Parameters
    ----------
    person_id : int
        Who has proved who they are, by whatever they signed in with.
    wanted : str
        Where to go then, as `safe_next` gives it.
    second_factor_done : bool
        True if more than one thing was proved already.
    """
    asked = None if second_factor_done else second_factor.asked_of(engine(), person_id)
    return session_begun(request, person_id, wanted) if asked is None else halfway.begun(request, person_id, wanted, asked)


def session_begun(request: Request, person_id: int, wanted: str, answer: Response | None = None) -> Response:
    """Start a new session, never one that was there before, and end the one this browser had. `answer` carries the cookie, else a redirect."""
    if (before := token_of(request.scope)) is not None:
        sessions.end(engine(), sessions.key_of(before), source=address_of(request))
    answer = answer or RedirectResponse(wanted, status_code=303)
    secure = is_secure(request.scope)
    answer.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        sessions.start(engine(), person_id, source=address_of(request)),
        httponly=True,
        secure=secure,
        samesite="lax",
        path="/",
    )
    return answer


async def logout(request: Request) -> Response:
    """End the session, here and in every other window that shares it."""
    if not comes_from_here(request):
        return refused_form()
    token = token_of(request.scope)
    try:
        if token is not None:
            await run_in_threadpool(lambda: sessions.end(engine(), sessions.key_of(token), source=address_of(request)))
    except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
        return unusable(error)
    answer = RedirectResponse("/login", status_code=303)
    secure = is_secure(request.scope)
    answer.delete_cookie(SECURE_COOKIE if secure else COOKIE, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


def _set_passphrase_page(token: str, refused: str = "", *, status: int = 200) -> Response:
    if not accounts.link_holds(engine(), token):
        return page("Link ended", f"<h1>Still Running</h1>{paragraph(str(accounts.LinkRefused()))}", status=404)
    return page(
        "Set your passphrase · Still Running",
        f"<h1>Set your passphrase</h1><p>At least {passphrases.PASSPHRASE_MIN} characters. Four or five words that do not belong together are good.</p>"
        f'{paragraph(refused, "refused")}<form method="post">'
        '<label for="passphrase">New passphrase</label>'
        '<input id="passphrase" name="passphrase" type="password" autocomplete="new-password" required autofocus>'
        '<label for="again">The same again</label>'
        '<input id="again" name="again" type="password" autocomplete="new-password" required>'
        '<button class="first">Set passphrase</button></form>',
        status=status,
    )


async def set_passphrase(request: Request) -> Response:
    """Let somebody who holds a link set their passphrase, once."""
    token = request.path_params["token"]
    try:
        if request.method != "POST":
            return await run_in_threadpool(_set_passphrase_page, token)
        form = await form_of(request) if comes_from_here(request) else None
        if form is None:
            return refused_form()
        passphrase = form.get("passphrase", "")
        if passphrase != form.get("again", ""):
            return await run_in_threadpool(_set_passphrase_page, token, "The two are not the same.", status=422)
        try:
            await slowly(lambda: accounts.set_passphrase(engine(), token, passphrase, source=address_of(request)))
        except passphrases.PassphraseRefused as refused:
            return await run_in_threadpool(_set_passphrase_page, token, str(refused), status=422)
        except accounts.LinkRefused:
            return await run_in_threadpool(_set_passphrase_page, token)
        return RedirectResponse("/login", status_code=303)
    except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
        return unusable(error)


ROUTES = (
    Route("/login", login, methods=["GET", "POST"]),
    Route("/logout", logout, methods=["POST"]),
    Route("/set-passphrase/{token}", set_passphrase, methods=["GET", "POST"]),
)
