"""The browser's cookie: a random token and nothing else. Which session it stands for, the database says."""

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from access import sessions
from data.database import engine

COOKIE, SECURE_COOKIE = "still_running", "__Host-still_running"


def is_secure(scope: Scope) -> bool:
    """Say whether the browser speaks TLS to us, or to the proxy on this computer."""
    return scope.get("scheme") in {"https", "wss"}


def token_of(scope: Scope) -> str | None:
    """Give the cookie's token. Behind TLS only the cookie counts that a plain-HTTP neighbour cannot set."""
    # as browsers write it: a neighbour's cookie that no standard knows must not hide ours
    cookies = cookie_parser("; ".join(Headers(scope=scope).getlist("cookie")))
    return cookies.get(SECURE_COOKIE if is_secure(scope) else COOKIE) or None


async def session_of(scope: Scope) -> sessions.SignedIn | None:
    """Give the session of a request; None if it has none. A request by itself is no activity: reruns are."""
    token = token_of(scope)
    if token is None:
        return None
    return await run_in_threadpool(lambda: sessions.find(engine(), sessions.key_of(token), touch=False))
