"""
The gate: the one way in, for HTTP and WebSocket alike.

It stands in front of Streamlit. Nobody without a session reaches Streamlit at all; for who has one it sets a header that Streamlit is
told to trust (`server.trustedUserHeaders` in .streamlit/config.toml) and that no client can set. Each rerun looks the session up again.
"""

import asyncio
import base64
import contextlib
import functools
import gc
import hashlib
import logging
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from access import (
    account_pages,
    arrivals,
    first_owner,
    hosts,
    identity_provider,
    logs,
    passphrases,
    second_factor_pages,
    sign_in,
    single_sign_on_routes,
    uploads,
    watch,
)
from access.cookies import is_secure, session_of
from access.open_windows import Language
from access.page import page, paragraph, streamlit_page, unusable
from access.single_sign_on_settings import SingleSignOnUnusable
from data import queries
from data.database import DatabaseUnusable, engine, uploads_folder

IDENTITY_HEADER = "x-still-running-session"
PUBLIC_PATHS = frozenset({"/login", "/logout", "/healthz", "/_stcore/health", "/sso/start", "/sso/back", *second_factor_pages.PATHS})
PUBLIC_FOLDERS = ("/static/", "/set-passphrase/", first_owner.FOLDER)
# What answers in a clinic that has no owner yet: how the first one comes in, and nothing else.
BEFORE_THE_FIRST_OWNER = frozenset({"/healthz", "/_stcore/health"})
WINDOW_MAX_BYTES = 500_000_000  # of small uploads that one window may hold in memory at once; on the limit is let in
UPLOAD = re.compile(r"/+_stcore/+upload_file/+([^/]*)")  # then the id of a window
COMMON_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # no-referrer would send the forms with "Origin: null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


OTHER_HOST = "This app is not known by that name. Whoever runs it can add the name to server.allowedHosts in .streamlit/config.toml."
WINDOW_FULL = "This window holds as many files as it can. Import them, then choose the others; or send them as one archive."
BROKEN = "This is a fault of the program, not yours. What was saved before is kept."


@contextlib.asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """
    Take the words out of the logs, all that is loaded by now out of the garbage collector's sight, and watch the open windows.

    Without the second each full collection walks all of pandas and plotly again.
    """
    logs.install()
    logging.getLogger("uvicorn.access").disabled = True  # addresses stay out of logs, whoever starts the server
    app_policy()
    passphrases.hash_of_nobody()  # else the first name that is not there would take longer
    try:
        identity_provider.provider()
    except SingleSignOnUnusable as unusable_settings:  # they stop the start; to who started it and not to the log, which says no words
        sys.stderr.write(f"{unusable_settings}\n")
        raise
    first_owner.announce()
    with contextlib.suppress(DatabaseUnusable, sa.exc.SQLAlchemyError):  # the pages say what is the matter
        arrivals.clear(uploads_folder(engine()))
    gc.collect()
    gc.freeze()
    watching = asyncio.create_task(watch.look_forever())
    yield
    watching.cancel()


@functools.cache
def app_policy() -> str:
    """
    Give the content security policy of the app: scripts from here only, and the one that Streamlit writes into its page, by its hash.

    Styles are written into the page by Streamlit, charts and tables alike: there 'unsafe-inline' cannot be left out.
    """
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", streamlit_page(), re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in inline)
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; frame-src 'none'; "
        "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
    )


class Gate:
    """
    ASGI middleware before everything else: no session, no Streamlit.

    Parameters
    ----------
    language : Language, optional
        What it needs to lock open windows.
    allowed_hosts : callable
        Gives the names by which the app may be asked for.
    is_window_of : callable
        Says whether a window, by Streamlit's id of it, belongs to a session, by its key.
    held_bytes : callable
        Says how many bytes of uploads a window holds, by Streamlit's id of it.
    """

    def __init__(
        self,
        app: ASGIApp,
        language: Language | None = None,
        allowed_hosts: Callable[[], Iterable[str]] = tuple,
        is_window_of: Callable[[str, str], bool] = lambda _window, _key: False,
        held_bytes: Callable[[str], int] = lambda _window: 0,
    ) -> None:
        self.app, self.language, self.allowed_hosts = app, language, allowed_hosts
        self.is_window_of, self.held_bytes = is_window_of, held_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        # whoever sends it, it is not theirs to say
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name.lower() != IDENTITY_HEADER.encode()]
        send = self._with_headers(scope, send) if scope["type"] == "http" else send
        if not all(hosts.is_ours(host, self.allowed_hosts()) for host in Headers(scope=scope).getlist("host")):
            await _refuse(scope, receive, send, PlainTextResponse(OTHER_HOST, status_code=421))
            return
        if scope["type"] == "websocket" and not _is_asked_by_our_page(scope):
            await _refuse(scope, receive, send, PlainTextResponse("This was asked by another site.", status_code=403))
            return
        public = _is_public(scope)
        try:
            if not (public and _answers_before_the_first_owner(scope["path"])) and await first_owner.is_missing():
                await _refuse(scope, receive, send, first_owner.not_set_up())
                return
            found = None if public else await session_of(scope)
        except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
            await _refuse(scope, receive, send, unusable(error))
            return
        if public:
            await self.app(scope, receive, send)
            return
        if found is None:
            await _refuse(scope, receive, send, _no_session(scope))
            return
        if (upload := UPLOAD.match(scope["path"])) and not self.is_window_of(upload[1], found.key):
            await _refuse(scope, receive, send, PlainTextResponse("There is no such window.", status_code=404))
            return
        if upload and scope["method"] == "PUT" and _announced_bytes(scope) > WINDOW_MAX_BYTES - self.held_bytes(upload[1]):
            await _refuse(scope, receive, send, PlainTextResponse(WINDOW_FULL, status_code=413))
            return
        scope["headers"].append((IDENTITY_HEADER.encode(), found.key.encode()))
        if scope["type"] == "websocket":
            await watch.keep_window(self.app, scope, receive, send, key=found.key, language=self.language)
            return
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
                if is_secure(scope):
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        return sending


def _announced_bytes(scope: Scope) -> int:
    """Say how much is about to come; who does not say it, as no browser does, sends too much."""
    announced = Headers(scope=scope).get("content-length", "")
    return int(announced[:20]) if announced.isascii() and announced.isdigit() else WINDOW_MAX_BYTES + 1


def _is_asked_by_our_page(scope: Scope) -> bool:
    """
    Say whether a WebSocket is opened by a page of ours, or by no browser at all.

    Streamlit would let in every page of this computer, and ask a service outside for the computer's address to know which ones those are.
    """
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    return all(hosts.is_own_origin(origin, host) for origin in headers.getlist("origin"))


def _is_public(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    path = scope["path"]
    if path in PUBLIC_PATHS:
        return True
    return path.startswith(PUBLIC_FOLDERS) and ".." not in path and "//" not in path and not sign_in.UNSAFE_IN_PATH.search(path)


def _answers_before_the_first_owner(path: str) -> bool:
    return path in BEFORE_THE_FIRST_OWNER or path.startswith(PUBLIC_FOLDERS)


# What a window asks before it connects again. One that was locked would get no further, and would lay an error over the way back in;
# told to wait for a token from around it, which nobody sends, it stays as it is. Nothing of Streamlit is asked.
WAIT_QUIETLY = {"allowedOrigins": [], "useExternalAuthToken": True, "blockErrorDialogs": True}


def _no_session(scope: Scope) -> Response:
    headers = Headers(scope=scope)
    is_get = scope["type"] == "http" and scope["method"] == "GET"
    if is_get and scope["path"] == "/_stcore/host-config" and headers.get("sec-fetch-site") == "same-origin":
        return JSONResponse(WAIT_QUIETLY)
    if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"} and "text/html" in headers.get("accept", ""):
        query = scope["query_string"].decode("latin-1")
        wanted = quote(scope["path"]) + (f"?{query}" if query else "")
        return RedirectResponse(f"/login?next={quote(wanted, safe='')}", status_code=303)
    return PlainTextResponse("Please sign in first.", status_code=401)


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    if scope["type"] == "websocket":  # before it was accepted: the browser sees a plain 403
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    await answer(scope, receive, send)


async def broken(_request: Request, error: Exception) -> Response:
    """Answer when the program itself broke: a number that stands in the log too, and nothing of what happened."""
    said = f"{BROKEN} Its number in the log is {logs.broke(error)}."
    return page(
        "Something broke · Still Running",
        f"<h1>Something broke</h1>{paragraph(said)}<p><a href='/'>Begin again</a></p>",
        status=500,
        headers={**COMMON_HEADERS, "cache-control": "no-store"},
    )


async def healthz(_request: Request) -> Response:
    """Say whether the app and its database answer; nothing else."""
    try:
        await run_in_threadpool(lambda: queries.clinic(engine()))
    except (DatabaseUnusable, sa.exc.SQLAlchemyError):
        return JSONResponse({"ok": False}, status_code=503)
    return JSONResponse({"ok": True})


ROUTES = (
    *sign_in.ROUTES,
    *second_factor_pages.ROUTES,
    *account_pages.ROUTES,
    *first_owner.ROUTES,
    *single_sign_on_routes.ROUTES,
    *uploads.ROUTES,
    Route("/healthz", healthz, methods=["GET"]),
)
