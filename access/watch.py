"""What ends a session without saying so here: another process, the database itself, the clock. So one looks every now and then."""

import asyncio

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from access import arrivals, open_windows, sessions
from access.open_windows import Language, Window
from data.database import DatabaseUnusable, engine

LOOK_EVERY_S = 15.0


async def keep_window(app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, key: str, language: Language | None) -> None:
    """Serve a WebSocket of a session, and keep it where it can be locked and closed."""
    window = Window(receive, send, language)
    open_windows.add(key, window)
    try:
        await _look_at({key: [window]})  # the session may have ended since it was found, before the window was kept
        await app(scope, window.receive, window.send)
    finally:
        open_windows.remove(key, window)


async def look_forever() -> None:
    """Look every `LOOK_EVERY_S` whether the sessions of all open windows and of all archives on their way hold."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        await _look_at(open_windows.by_session())
        await look_at_arrivals()


async def look_at_arrivals() -> None:
    """Drop what has waited too long for its import, and what sessions sent that have ended."""
    arrivals.HERE.drop_old()
    keys = arrivals.HERE.session_keys()
    if not keys:
        return
    try:
        holding = await run_in_threadpool(lambda: sessions.holding(engine(), keys))
    except (DatabaseUnusable, sa.exc.SQLAlchemyError):  # nothing is given away without the database either
        return
    arrivals.HERE.drop_of(keys - holding.keys())


async def _look_at(windows: dict[str, list[Window]]) -> None:
    if not windows:
        return
    try:
        holding = await run_in_threadpool(lambda: sessions.holding(engine(), windows.keys()))
        for key, of_session in windows.items():
            if key not in holding:
                open_windows.lock({key})
                continue
            roles = holding[key]
            if any(window.roles not in {None, roles} for window in of_session):  # what is on the screen may be theirs no more
                await run_in_threadpool(sessions.end, engine(), key)
            for window in of_session:
                window.roles = roles
    except (DatabaseUnusable, sa.exc.SQLAlchemyError):  # each rerun says so itself; what is open is looked at again
        return
