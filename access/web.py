"""
The gate: the one way in, for HTTP and WebSocket alike, and the pages that come before it.

It stands in front of Streamlit. Nobody without a session reaches Streamlit at all; for who has one it sets a header that Streamlit is
told to trust (`server.trustedUserHeaders` in .streamlit/config.toml) and that no client can set. Each rerun looks the session up again.
"""

import base64
import functools
import gc
import hashlib
import html
import importlib.util
import logging
import re
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import anyio
import anyio.to_thread
import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from access import accounts, sessions
from data import queries
from data.database import DatabaseUnusable, engine

Result = TypeVar("Result")

IDENTITY_HEADER = "x-still-running-session"
COOKIE, SECURE_COOKIE = "still_running", "__Host-still_running"
PUBLIC_PATHS = frozenset({"/login", "/logout", "/healthz", "/_stcore/health"})
PUBLIC_FOLDERS = ("/static/", "/set-passphrase/")
FORM_BYTES_MAX = 20_000
UNSAFE_IN_PATH = re.compile(r"[\x00-\x20\x7f\\]")
ROOT = Path(__file__).resolve().parent.parent
COMMON_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # no-referrer would send the forms with "Origin: null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """
    Take all that is loaded by now out of the garbage collector's sight.

    Without it each full collection walks all of pandas and plotly again.
    """
    logging.getLogger("uvicorn.access").disabled = True  # addresses stay out of logs, whoever starts the server
    app_policy()
    gc.collect()
    gc.freeze()
    yield


# --------------------------------------------------------------------------------------------------------------------
# What a browser may do with our pages
# --------------------------------------------------------------------------------------------------------------------


@functools.cache
def _index() -> str:
    """Give Streamlit's own page, in which the whole app runs."""
    found = importlib.util.find_spec("streamlit")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("streamlit is not installed")
    return (Path(found.submodule_search_locations[0]) / "static" / "index.html").read_text(encoding="utf-8")


@functools.cache
def app_policy() -> str:
    """
    Give the content security policy of the app: scripts from here only, and the one that Streamlit writes into its page, by its hash.

    Styles are written into the page by Streamlit, charts and tables alike: there 'unsafe-inline' cannot be left out.
    """
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", _index(), re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in inline)
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; frame-src 'none'; "
        "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
    )


# The pages that come before: no script at all.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; font-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)


# --------------------------------------------------------------------------------------------------------------------
# The gate
# --------------------------------------------------------------------------------------------------------------------


class Gate:
    """ASGI middleware before everything else: no session, no Streamlit."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        # whoever sends it, it is not theirs to say
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name.lower() != IDENTITY_HEADER.encode()]
        send = self._with_headers(scope, send) if scope["type"] == "http" else send
        if _is_public(scope):
            await self.app(scope, receive, send)
            return
        try:
            found = await session_of(scope)
        except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
            await _refuse(scope, receive, send, _unusable(error))
            return
        if found is None:
            await _refuse(scope, receive, send, _no_session(scope))
            return
        scope["headers"].append((IDENTITY_HEADER.encode(), found.key.encode()))
        await self.app(scope, receive, send)

    @staticmethod
    def _with_headers(scope: Scope, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in COMMON_HEADERS.items():
                    headers[name] = value
                headers.setdefault("content-security-policy", app_policy())
                if not scope["path"].startswith("/static/"):
                    headers["cache-control"] = "no-store"
                if _is_secure(scope):
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        return sending


def _is_public(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    path = scope["path"]
    if path in PUBLIC_PATHS:
        return True
    return path.startswith(PUBLIC_FOLDERS) and ".." not in path and "//" not in path and not UNSAFE_IN_PATH.search(path)


def _is_secure(scope: Scope) -> bool:
    return scope.get("scheme") in {"https", "wss"}


def _token(scope: Scope) -> str | None:
    """Give the cookie's token. Behind TLS only the cookie counts that a plain-HTTP neighbour cannot set."""
    cookies: SimpleCookie = SimpleCookie()
    try:
        for value in Headers(scope=scope).getlist("cookie"):
            cookies.load(value)
    except CookieError:
        return None
    found = cookies.get(SECURE_COOKIE if _is_secure(scope) else COOKIE)
    return found.value if found and found.value else None


async def session_of(scope: Scope) -> sessions.SignedIn | None:
    """Give the session of a request; None if it has none. A request by itself is no activity: reruns are."""
    token = _token(scope)
    if token is None:
        return None
    return await run_in_threadpool(lambda: sessions.find(engine(), sessions.key_of(token), touch=False))


def _no_session(scope: Scope) -> Response:
    headers = Headers(scope=scope)
    if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"} and "text/html" in headers.get("accept", ""):
        query = scope["query_string"].decode("latin-1")
        wanted = quote(scope["path"]) + (f"?{query}" if query else "")
        return RedirectResponse(f"/login?next={quote(wanted, safe='')}", status_code=303)
    return PlainTextResponse("Please sign in first.", status_code=401)


def _unusable(error: Exception) -> Response:
    said = str(error) if isinstance(error, DatabaseUnusable) else "The database cannot be read at present. Nothing was changed."
    return _page("Still Running cannot start", f"<h1>Not ready</h1>{_paragraph(said)}", status=503)


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    if scope["type"] == "websocket":  # before it was accepted: the browser sees a plain 403
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    await answer(scope, receive, send)


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
    return wanted if ours and parts.path not in PUBLIC_PATHS and not parts.path.startswith("/_stcore") else "/"


def comes_from_here(request: Request) -> bool:
    """Say whether a form was sent by one of our own pages. Who says nothing about it is not believed."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return bool(origin) and urlsplit(origin or "").netloc == request.headers.get("host")


# --------------------------------------------------------------------------------------------------------------------
# The pages before the gate
# --------------------------------------------------------------------------------------------------------------------


@functools.cache
def _style() -> str:
    """Write the look of the app, as .streamlit/config.toml has it, for pages without Streamlit."""
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]

    def colours(scheme: dict[str, str]) -> str:
        return (
            f"--ground: {scheme['backgroundColor']}; --raised: {scheme['secondaryBackgroundColor']}; --ink: {scheme['textColor']}; "
            f"--quiet: {scheme['grayTextColor']}; --rule: {scheme['borderColor']}; --accent: {scheme['primaryColor']};"
        )

    font = re.search(r'href="\.(/static/media/SourceSansVF-Upright[^"]+)"', _index())
    face = f'@font-face {{ font-family: "Source Sans"; src: url("{font[1]}") format("woff2"); font-weight: 200 900; }}' if font else ""
    return f"""{face}
:root {{ color-scheme: light dark; {colours(theme["light"])} }}
@media (prefers-color-scheme: dark) {{ :root {{ {colours(theme["dark"])} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 400 1rem/1.6 "Source Sans", "Segoe UI", Arial, sans-serif; }}
main {{ max-width: 35rem; margin: 0 auto; padding: 3.75rem 1rem 3rem; }}
h1 {{ font-size: 1.75rem; font-weight: 600; line-height: 1.2; margin: 0 0 0.5rem; }}
h2 {{ font-size: 1.375rem; font-weight: 600; line-height: 1.2; margin: 1.5rem 0 0.75rem; }}
p {{ margin: 0.5rem 0; }}
a {{ color: var(--accent); }}
.quiet {{ color: var(--quiet); }}
.demo {{ border: 2px solid var(--accent); border-radius: 0.375rem; padding: 0.5rem 0.75rem; font-weight: 600; margin: 1rem 0; }}
.refused {{ border-left: 4px solid var(--accent); background: var(--raised); padding: 0.5rem 0.75rem; }}
label {{ display: block; font-weight: 600; margin: 1rem 0 0.25rem; }}
input {{ width: 100%; font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--quiet); border-radius: 0.375rem; padding: 0.5rem 0.75rem; }}
button {{ font: inherit; width: 100%; min-height: 2.75rem; margin: 0.25rem 0; padding: 0.4rem 0.75rem; border-radius: 0.375rem; cursor: pointer;
  color: inherit; background: var(--ground); border: 1px solid var(--rule); }}
button:hover {{ border-color: var(--accent); }}
button.first {{ color: var(--ground); background: var(--accent); border-color: var(--accent); font-weight: 600; margin-top: 1.25rem; }}
:focus-visible {{ outline: 3px solid var(--accent); outline-offset: 2px; }}"""


def _page(title: str, body: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return HTMLResponse(
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{html.escape(title)}</title><link rel="icon" href="data:,"><style>{_style()}</style></head><body><main>{body}</main></body></html>',
        status_code=status,
        headers={"content-security-policy": PAGE_POLICY, **(headers or {})},
    )


def _paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}"{" role=alert" if kind == "refused" else ""}>{html.escape(text)}</p>' if text else ""


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{html.escape(value)}">'


DEMO_SAID = "Demo clinic: all people are made up. Whoever opens this page can sign in as anybody."


def _login_page(wanted: str, refused: str = "", *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    clinic = queries.clinic(engine())
    if clinic.is_demo:
        buttons = "".join(
            f'<button name="person" value="{person.person_id}">{html.escape(f"{person.name}, {accounts.role_words(person)}")}</button>'
            for person in accounts.demo_people()
        )
        asked = (
            f'<p class="demo">{html.escape(DEMO_SAID)}</p>{_paragraph(refused, "refused")}<h2>Who are you today?</h2>'
            f'<form method="post" action="/login">{_hidden("next", wanted)}{buttons}</form>'
            '<p class="quiet">In the demo clinic you sign in by choosing a name. A real clinic starts empty, with nobody in it.</p>'
        )
    else:
        asked = (
            f"<h2>{html.escape(clinic.name)}</h2>{_paragraph(refused, 'refused')}"
            f'<form method="post" action="/login">{_hidden("next", wanted)}'
            '<label for="name">Name</label><input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus>'
            '<label for="passphrase">Passphrase</label>'
            '<input id="passphrase" name="passphrase" type="password" autocomplete="current-password" required>'
            '<button class="first">Sign in</button></form>'
        )
    body = f"<h1>Still Running</h1><p>Calm the load down, build it up again, and keep the runner running.</p>{asked}"
    return _page("Sign in · Still Running", body, status=status, headers=headers)


async def _form(request: Request) -> dict[str, str] | None:
    """Read a small form; None if it is too large or not one of ours."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > FORM_BYTES_MAX:
            return None
    try:
        fields = parse_qs(content.decode("ascii"), keep_blank_values=True, max_num_fields=10, errors="strict")
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}


def _refused_form() -> Response:
    return _page(
        "Not accepted", "<h1>Not accepted</h1><p>This form did not come from this page.</p><p><a href='/'>Begin again</a></p>", status=403
    )


_at_the_door = anyio.CapacityLimiter(2)  # who signs in takes no thread from those who work


async def _slowly(work: Callable[[], Result]) -> Result:
    return await anyio.to_thread.run_sync(work, limiter=_at_the_door)


async def login(request: Request) -> Response:
    """Show who can sign in (GET), or sign somebody in (POST)."""
    try:
        if request.method != "POST":
            wanted = safe_next(request.query_params.get("next"))
            if await session_of(request.scope) is not None:
                return RedirectResponse(wanted, status_code=303)
            return await run_in_threadpool(_login_page, wanted)
        form = await _form(request) if comes_from_here(request) else None
        if form is None:
            return _refused_form()
        wanted = safe_next(form.get("next"))
        try:
            person_id = await _person_who_signs_in(request, form)
        except accounts.SignInRefused as refused:
            await run_in_threadpool(lambda: sessions.note_failed_sign_in(engine(), source=_address(request)))
            return await run_in_threadpool(_login_page, wanted, str(refused), status=401)
        except accounts.TooManyTries as refused:  # its first tries stand in the audit: a flood must not fill it
            wait = {"retry-after": str(refused.wait_s)}
            return await run_in_threadpool(_login_page, wanted, str(refused), status=429, headers=wait)
        return await run_in_threadpool(_signed_in, request, person_id, wanted)
    except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
        return _unusable(error)


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
    return await _slowly(lambda: accounts.sign_in(engine(), name, passphrase, address=_address(request)))


def _address(request: Request) -> str:
    return request.client.host if request.client else "app"


def _signed_in(request: Request, person_id: int, wanted: str) -> Response:
    """Start a new session, never one that was there before, and end the one this browser had."""
    if (before := _token(request.scope)) is not None:
        sessions.end(engine(), sessions.key_of(before), source=_address(request))
    answer = RedirectResponse(wanted, status_code=303)
    secure = _is_secure(request.scope)
    answer.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        sessions.start(engine(), person_id, source=_address(request)),
        httponly=True,
        secure=secure,
        samesite="lax",
        path="/",
    )
    return answer


async def logout(request: Request) -> Response:
    """End the session, here and in every other window that shares it."""
    if not comes_from_here(request):
        return _refused_form()
    token = _token(request.scope)
    try:
        if token is not None:
            await run_in_threadpool(lambda: sessions.end(engine(), sessions.key_of(token), source=_address(request)))
    except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
        return _unusable(error)
    answer = RedirectResponse("/login", status_code=303)
    secure = _is_secure(request.scope)
    answer.delete_cookie(SECURE_COOKIE if secure else COOKIE, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


def _set_passphrase_page(token: str, refused: str = "", *, status: int = 200) -> Response:
    if not accounts.link_holds(engine(), token):
        return _page("Link ended", f"<h1>Still Running</h1>{_paragraph(str(accounts.LinkRefused()))}", status=404)
    return _page(
        "Set your passphrase · Still Running",
        f"<h1>Set your passphrase</h1><p>At least {accounts.PASSPHRASE_MIN} characters. Four or five words that do not belong together are good.</p>"
        f'{_paragraph(refused, "refused")}<form method="post">'
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
        form = await _form(request) if comes_from_here(request) else None
        if form is None:
            return _refused_form()
        passphrase = form.get("passphrase", "")
        if passphrase != form.get("again", ""):
            return await run_in_threadpool(_set_passphrase_page, token, "The two are not the same.", status=422)
        try:
            await _slowly(lambda: accounts.set_passphrase(engine(), token, passphrase))
        except accounts.PassphraseRefused as refused:
            return await run_in_threadpool(_set_passphrase_page, token, str(refused), status=422)
        except accounts.LinkRefused:
            return await run_in_threadpool(_set_passphrase_page, token)
        return RedirectResponse("/login", status_code=303)
    except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
        return _unusable(error)


async def healthz(_request: Request) -> Response:
    """Say whether the app and its database answer; nothing else."""
    try:
        await run_in_threadpool(lambda: queries.clinic(engine()))
    except (DatabaseUnusable, sa.exc.SQLAlchemyError):
        return JSONResponse({"ok": False}, status_code=503)
    return JSONResponse({"ok": True})


ROUTES = (
    Route("/login", login, methods=["GET", "POST"]),
    Route("/logout", logout, methods=["POST"]),
    Route("/set-passphrase/{token}", set_passphrase, methods=["GET", "POST"]),
    Route("/healthz", healthz, methods=["GET"]),
)
