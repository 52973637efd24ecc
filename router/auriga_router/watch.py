"""Looks after an endpoint that has been silent for long, while a request waits there for its whole answer.

A llama-server that computes still answers ``/health``; one that hangs, or whose node is gone, does not. Without this
the request would wait for it until its deadline, although its connection looks well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Protocol

from auriga_router.endpoint import Endpoint
from auriga_router.ports import Clock, Connector, Timed, Upstream, UpstreamUser
from auriga_router.wire.http import ResponseHead

EVERY: Final = 10.0
"""Seconds between two looks."""
IN_DOUBT: Final = 1.0
"""Seconds at most for a look at an endpoint that has left the snapshot."""
_PATIENCE: Final = 2
"""Looks in a row that must fail: a machine under load may miss one."""


class World(Protocol):
    """What a watch needs of an exchange's world."""

    @property
    def connector(self) -> Connector: ...

    @property
    def now(self) -> Clock: ...

    @property
    def timed(self) -> set[Timed]: ...


class Watch(UpstreamUser):
    """Asks the endpoint for its health again and again, and tells when it has none."""

    __slots__ = ("_endpoint", "_failed", "_limit", "_on_dead", "_upstream", "_waiting", "_world", "expires")

    def __init__(self, world: World, endpoint: Endpoint, limit: float, on_dead: Callable[[], None]) -> None:
        """``limit``: seconds for connection and reply of one look."""
        self._world = world
        self._endpoint = endpoint
        self._limit = limit
        self._on_dead = on_dead
        self._failed = 0
        self._waiting = False
        self._upstream: Upstream | None = None
        self.expires = math.inf
        world.timed.add(self)
        self._look()

    def hurry(self) -> None:
        """There is reason for doubt: look now."""
        if not self._waiting:
            self.expires = 0.0

    def stop(self) -> None:
        """Nobody waits any more."""
        self._world.timed.discard(self)
        self._let_go()

    def _look(self) -> None:
        self._waiting = True
        self.expires = self._world.now() + self._limit
        upstream = self._world.connector.acquire(self._endpoint, self, fresh=True)
        if upstream is not None:
            self.on_connected(upstream)

    def _let_go(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()
        elif self._waiting:
            self._world.connector.forget(self._endpoint, self)
        self._waiting = False

    def _seen(self, *, alive: bool) -> None:
        self._let_go()
        self._failed = 0 if alive else self._failed + 1
        if self._failed == _PATIENCE:
            self._world.timed.discard(self)
            self._on_dead()
        else:
            self.expires = self._world.now() + (EVERY if alive else self._limit)

    def on_expired(self, now: float) -> None:
        """Called by the sweep: time for a look, or the last one took too long."""
        if self._waiting:
            self._seen(alive=False)
        else:
            self._look()

    def on_connected(self, upstream: Upstream) -> None:
        """See UpstreamUser."""
        self._upstream = upstream
        upstream.send(b"GET /health HTTP/1.1\r\nhost: %s\r\n\r\n" % self._endpoint.authority, b"")

    def on_connect_failed(self) -> None:
        """See UpstreamUser."""
        self._seen(alive=False)

    def on_response(self, head: ResponseHead, data: bytes, complete: bool) -> None:
        """See UpstreamUser. Whatever it says, it lives."""
        self._seen(alive=True)

    def on_data(self, data: bytes, complete: bool) -> None:
        """See UpstreamUser. Never called: the connection was closed at the head."""

    def on_broken(self, *, framing: bool, silent: bool) -> None:
        """See UpstreamUser."""
        self._upstream = None
        self._waiting = False
        self._seen(alive=False)

    def on_bug(self) -> None:
        """See UpstreamUser. Whoever waits has its own limits."""
        self.stop()
