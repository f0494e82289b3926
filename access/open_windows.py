"""
Windows that are open now: the WebSocket of each, by the session it belongs to.

The gate sees a WebSocket only when it opens. So each is kept here, and when its session ends its window is first made to draw the locked
page and then closed: a browser that is merely cut off goes on showing what it showed last.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, Protocol

from starlette.types import Message, Receive, Send

from models import Role

DRAWS_WITHIN_S = 5.0  # then a window is closed, whether or not it has drawn the locked page
NOT_ALLOWED = 1008  # the code that a WebSocket is closed with


class Language(Protocol):
    """What a window and Streamlit say to each other, as far as locking needs to know it."""

    def asks_for_page(self, said: bytes) -> bytes | None:
        """Give what has the page of a window drawn anew, without what was typed there; None if `said` asks for no page."""

    def is_locked_page(self, drawn: bytes) -> bool:
        """Say whether what is sent to a window is part of the locked page."""

    def is_end(self, drawn: bytes) -> bool:
        """Say whether what is sent to a window says that all is drawn."""


class Window:
    """One open WebSocket; stands between the server's `receive` and `send` and Streamlit's."""

    def __init__(self, receive: Receive, send: Send, language: Language | None = None) -> None:
        self.roles: frozenset[Role] | None = None  # as they were when it opened
        self._from_browser, self._to_browser, self._language = receive, send, language
        self._page: bytes | None = None  # asks for the page that is shown
        self._coming: asyncio.Future[Message] | None = None
        self._closing: asyncio.Future[None] | None = None
        self._turn = asyncio.Event()  # something changed that `receive` waits for
        self._is_open = self._is_locked = self._is_asked = self._is_locked_drawn = self._is_closed = False

    def lock(self) -> None:
        """Have the locked page drawn, then close. To be called where the window's loop runs."""
        if not self._is_locked:
            self._is_locked = True
            if self._is_open:
                self._begin_to_lock()

    def _begin_to_lock(self) -> None:
        self._turn.set()
        self._closing = asyncio.ensure_future(self._close_at_last(DRAWS_WITHIN_S if self._page else 0))

    async def _close_at_last(self, within_s: float) -> None:
        await asyncio.sleep(within_s)
        await self._close()

    async def receive(self) -> Message:
        """Give what the browser says; of a locked window only that its page is to be drawn anew."""
        while not self._is_closed:
            if self._is_locked and self._page and not self._is_asked:
                self._is_asked = True
                return {"type": "websocket.receive", "bytes": self._page}
            message = await self._next()
            if message is None:
                continue
            said = message.get("bytes") if message["type"] == "websocket.receive" else None
            if said and self._is_locked:
                continue
            if said and self._language:
                self._page = self._language.asks_for_page(said) or self._page
            return message
        return {"type": "websocket.disconnect", "code": NOT_ALLOWED}

    async def _next(self) -> Message | None:
        """Wait for what the browser says next; None if there is a reason to look around before."""
        self._coming = self._coming or asyncio.ensure_future(self._from_browser())
        turn = asyncio.ensure_future(self._turn.wait())
        either: set[asyncio.Future[Any]] = {self._coming, turn}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        turn.cancel()
        self._turn.clear()
        if not self._coming.done():
            return None
        message, self._coming = self._coming.result(), None
        return message

    async def send(self, message: Message) -> None:
        """Pass on what Streamlit sends; close once a locked window has drawn the locked page."""
        if self._is_closed:
            return
        self._is_closed = message["type"] == "websocket.close"
        await self._to_browser(message)
        if message["type"] == "websocket.accept":
            self._is_open = True
            if self._is_locked:
                self._begin_to_lock()
        drawn = message.get("bytes") if message["type"] == "websocket.send" else None
        if self._is_asked and drawn and self._language:
            self._is_locked_drawn = self._is_locked_drawn or self._language.is_locked_page(drawn)
            if self._is_locked_drawn and self._language.is_end(drawn):
                await self._close()

    async def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            with contextlib.suppress(OSError, RuntimeError):  # the browser was faster
                await self._to_browser({"type": "websocket.close", "code": NOT_ALLOWED})
            self._turn.set()

    def leave(self) -> None:
        """Wait for nothing any more."""
        for waiting in (self._coming, self._closing):
            if waiting is not None:
                waiting.cancel()


class _Open:
    """All windows of this process. They are looked at only where their loop runs."""

    def __init__(self) -> None:
        self.windows: dict[str, set[Window]] = {}
        self.loop: asyncio.AbstractEventLoop | None = None


_open = _Open()


def add(key: str, window: Window) -> None:
    """Keep a window of a session until `remove`."""
    _open.loop = asyncio.get_running_loop()
    _open.windows.setdefault(key, set()).add(window)


def remove(key: str, window: Window) -> None:
    """Forget a window that was closed."""
    window.leave()
    windows = _open.windows.get(key, set())
    windows.discard(window)
    if not windows:
        _open.windows.pop(key, None)


def by_session() -> dict[str, list[Window]]:
    """Give the open windows by the key of their session."""
    return {key: list(windows) for key, windows in _open.windows.items()}


def lock(keys: Iterable[str]) -> None:
    """Lock the windows of sessions that have ended. May be called from any thread, and where there are no windows."""
    wanted = frozenset(keys)

    def here() -> None:
        for key in wanted:
            for window in _open.windows.get(key, ()):
                window.lock()

    if _open.loop is not None and not _open.loop.is_closed():
        _open.loop.call_soon_threadsafe(here)
