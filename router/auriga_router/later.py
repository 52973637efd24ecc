"""A page that takes a moment, because others are asked for it first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from auriga_router.ports import Client
from auriga_router.wire.http import reply

_log = logging.getLogger(__name__)


class Later:
    """Answers a request when there is an answer. Implements ``wire.server.Listener``."""

    def __init__(self, client: Client, page: Awaitable[bytes], *, keep_alive: bool) -> None:
        self._client = client
        self._page = page
        self._keep_alive = keep_alive
        self._task = asyncio.ensure_future(self._answer())

    async def _answer(self) -> None:
        try:
            whole = await self._page
        except Exception:
            _log.exception("a page could not be made")  # a bug of ours: it must not cost more than this request
            whole, self._keep_alive = reply(500, b"", b"", close=True), False
        self._client.write(whole)
        self._client.done(keep_alive=self._keep_alive)

    def client_gone(self) -> None:
        """See Listener."""
        self._task.cancel()

    def client_paused(self) -> None:
        """See Listener. It is one write."""

    def client_resumed(self) -> None:
        """See Listener."""

    def router_stops(self) -> None:
        """See Listener. It has its own limit, which is short."""
