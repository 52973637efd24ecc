"""Connections to endpoints: idle ones kept, new ones made on demand, a bounded number at once."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Final

from auriga_router.endpoint import Address, Endpoint, Kept
from auriga_router.ports import CoarseClock, Connector, UpstreamUser
from auriga_router.wire.lookups import Lookups
from auriga_router.wire.proxy import connect
from auriga_router.wire.upstream import Keeper, UpstreamConnection

_MAX_CONNECTING: Final = 64
"""Connections being made to one endpoint at once. More would overflow its listen backlog (often 128), and a dropped
SYN is sent again only after a second."""
_MAX_IDLE_SECONDS: Final = 60.0


class _Pool(Kept, Keeper):
    """The connections to one address."""

    __slots__ = ("_address", "_clock", "_closed", "_connecting", "_idle", "_last", "_lookups", "_tls", "_waiting")

    def __init__(self, address: Address, tls: ssl.SSLContext | None, clock: CoarseClock, lookups: Lookups) -> None:
        self._address = address
        self._lookups = lookups
        self._tls = tls
        self._clock = clock
        self._closed = False
        self._last: UpstreamConnection | None = None
        """The idle one that was used last: the likeliest to be alive. Not in ``_idle``, so that where hundreds of
        endpoints are asked in turn, their connections one at a time, no more memory than that is touched."""
        self._idle: dict[UpstreamConnection, None] = {}
        """The others, in order of return."""
        self._waiting: deque[UpstreamUser] = deque()
        self._connecting: set[asyncio.Task[None]] = set()

    def acquire(self, user: UpstreamUser, *, fresh: bool) -> UpstreamConnection | None:
        connection = None if fresh else self._pop()
        while connection is not None:
            if self._clock.now - connection.idle_since < _MAX_IDLE_SECONDS:
                connection.user = user
                return connection
            connection.abort()
            connection = self._pop()
        self._waiting.append(user)
        self._connect_if_needed()
        return None

    def _pop(self) -> UpstreamConnection | None:
        """The idle connection that was used last, which is not idle any more."""
        connection = self._last
        if connection is not None:
            self._last = None
        elif self._idle:
            connection, _ = self._idle.popitem()
        return connection

    def forget(self, user: UpstreamUser) -> None:
        if user in self._waiting:
            self._waiting.remove(user)
        while len(self._connecting) > len(self._waiting):
            self._connecting.pop().cancel()

    @property
    def waited_for(self) -> bool:
        """Does anybody wait for a connection?"""
        return bool(self._waiting)

    def leave(self) -> None:
        """Close what is idle. What is in use closes when its exchange ends.

        Who waits still gets a connection: an endpoint that leaves answers those who came before.
        """
        self._closed = True
        while (connection := self._pop()) is not None:
            connection.abort()

    def close(self) -> None:
        """Leave, and give up connecting."""
        self.leave()
        for task in self._connecting:
            task.cancel()
        self._connecting.clear()
        while self._waiting:
            _refuse(self._waiting.popleft())

    def _connect_if_needed(self) -> None:
        if len(self._connecting) < min(len(self._waiting), _MAX_CONNECTING):
            task = asyncio.get_running_loop().create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self) -> None:
        try:
            # No lambda: compiled, it and the coroutine would hold each other until the collector comes.
            connection: UpstreamConnection | None = await connect(
                self._address, self._tls, partial(UpstreamConnection, self), self._lookups
            )
        except (OSError, ValueError):  # ValueError: a name that cannot be looked up at all
            connection = None
        self._connecting.discard(asyncio.current_task())
        if connection is not None:
            self.on_idle(connection)
        elif self._waiting:
            _refuse(self._waiting.popleft())
        self._connect_if_needed()

    def on_idle(self, connection: UpstreamConnection) -> None:
        """See ``upstream.Keeper``."""
        if self._waiting:
            user = connection.user = self._waiting.popleft()
            try:
                user.on_connected(connection)
            except Exception:
                user.on_bug()
        elif self._closed:
            connection.abort()
        else:
            connection.idle_since = self._clock.now
            if self._last is not None:
                self._idle[self._last] = None
            self._last = connection

    def on_lost(self, connection: UpstreamConnection) -> None:
        """See ``upstream.Keeper``."""
        if connection is self._last:
            self._last = None
        else:
            self._idle.pop(connection, None)


def _refuse(user: UpstreamUser) -> None:
    try:
        user.on_connect_failed()
    except Exception:
        user.on_bug()


class Pools(Connector):
    """The connections to every endpoint."""

    def __init__(self, clock: CoarseClock, ca_file: str = "") -> None:
        """``ca_file``: PEM file of authorities that are trusted besides the system's. Raises OSError."""
        self._clock = clock
        self._lookups = Lookups()
        self._pools: dict[Endpoint, _Pool] = {}
        self._leaving: list[_Pool] = []
        """Those that were dropped while somebody waited for a connection."""
        self._tls = _context(ca_file) if ca_file else None

    def acquire(self, endpoint: Endpoint, user: UpstreamUser, *, fresh: bool = False) -> UpstreamConnection | None:
        """See ``ports.Connector``."""
        pool = endpoint.kept
        return (pool if isinstance(pool, _Pool) else self._open(endpoint)).acquire(user, fresh=fresh)

    def _open(self, endpoint: Endpoint) -> _Pool:
        address = endpoint.address
        pool = endpoint.kept = _Pool(address, self._context() if address.tls else None, self._clock, self._lookups)
        self._pools[endpoint] = pool
        return pool

    def forget(self, endpoint: Endpoint, user: UpstreamUser) -> None:
        """See ``ports.Connector``."""
        pool = self._pools.get(endpoint)
        for each in self._leaving if pool is None else (pool, *self._leaving):
            each.forget(user)

    def drop(self, endpoints: Iterable[Endpoint]) -> None:
        """Close idle connections to endpoints that leave."""
        self._leaving = [pool for pool in self._leaving if pool.waited_for]
        for endpoint in endpoints:
            pool = self._pools.pop(endpoint, None)
            if pool is not None:
                endpoint.kept = None
                pool.leave()
                if pool.waited_for:
                    self._leaving.append(pool)

    def close(self) -> None:
        """Close all idle connections, and give up connecting."""
        for pool in (*self._pools.values(), *self._leaving):
            pool.close()
        for endpoint in self._pools:
            endpoint.kept = None
        self._pools.clear()
        self._leaving.clear()

    def _context(self) -> ssl.SSLContext:
        self._tls = self._tls or _context("")
        return self._tls


def _context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file:
        context.load_verify_locations(ca_file)
    return context
