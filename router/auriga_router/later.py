"""A page that takes a moment, because it is long or others are asked for it first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from auriga_router.page import let_go
from auriga_router.ports import Client
from auriga_router.wire.http import reply

_log = logging.getLogger(__name__)

_PATIENCE = 30.0
"""Seconds that a client may take no more of a page."""


class Sending:
    """Sends a client what it takes, in pieces. Implements ``wire.server.Listener``."""

    def __init__(self, client: Client, sent: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """``sent``: does the sending."""
        self._client = client
        self._writable = asyncio.Event()
        self._writable.set()
        self._task = asyncio.ensure_future(sent())

    async def _send(self, piece: bytes) -> None:
        """Raises TimeoutError."""
        if not self._writable.is_set():
            async with asyncio.timeout(_PATIENCE):
                await self._writable.wait()
        self._client.write(piece)

    def client_gone(self) -> None:
        """See Listener."""
        self._task.cancel()

    def client_paused(self) -> None:
        """See Listener."""
        self._writable.clear()

    def client_resumed(self) -> None:
        """See Listener."""
        self._writable.set()

    def router_stops(self) -> None:
        """See Listener. It has its own limit, which is short."""


class Later(Sending):
    """Answers a request when there is an answer."""

    def __init__(self, client: Client, page: Awaitable[list[bytes]], *, keep_alive: bool) -> None:
        """``page``: the whole reply, in pieces that leave one by one. The list is its own."""
        super().__init__(client, self._answer)
        self._page = page
        self._keep_alive = keep_alive

    async def _answer(self) -> None:
        try:
            pieces = await self._page
        except Exception:
            _log.exception("a page could not be made")  # a bug of ours: it must not cost more than this request
            pieces, self._keep_alive = [reply(500, b"", b"", close=True)], False
        try:
            for number, piece in enumerate(pieces):
                if number:
                    await asyncio.sleep(0)
                await self._send(piece)
        except TimeoutError:
            self._keep_alive = False
        finally:
            await let_go(pieces)
        self._client.done(keep_alive=self._keep_alive)
