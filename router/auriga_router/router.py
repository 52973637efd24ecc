"""The router as its users see it: apply a snapshot, serve on a socket, close."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, cast

from auriga_router.admin import Admin
from auriga_router.compile import compile as compile_table
from auriga_router.compile import compile_in_steps
from auriga_router.endpoint import Address, Endpoint, parse_address
from auriga_router.exchange import Exchange
from auriga_router.exposition import in_steps
from auriga_router.front import Front
from auriga_router.load_stream import LoadStreams
from auriga_router.loads import LoadReader, Loads
from auriga_router.metrics import Metrics
from auriga_router.ports import CoarseClock, OnAttempt, OnReply, Timed
from auriga_router.queues import call_beside, call_edited, resize
from auriga_router.settings import RouterSettings
from auriga_router.snapshot import Snapshot
from auriga_router.status import status_document
from auriga_router.sweep import Sweep
from auriga_router.table import Backend, RoutingTable
from auriga_router.wire.pool import Pools
from auriga_router.wire.server import Hub, ServerConnection
from auriga_router.workers import merged_metrics, merged_status
from auriga_router.workers.group import Seat
from auriga_router.workers.pages import Together, Told
from auriga_router.workers.peers import Peers
from auriga_router.workers.places import Places
from auriga_router.workers.shares import ALONE, Shares
from auriga_router.world import World

_BACKLOG = 2048
_PIECE = 64
_LAST_WORDS = 1.0
"""Seconds that clients get to read why their reply ends."""
_DEFAULTS = RouterSettings()


class Router:
    """Sends each request to its role's Models in order, and falls back when one fails.

    ``on_attempt`` is called after every attempt, ``on_reply`` after a request's last one; they must be quick and must
    not raise. ``seat``: the place of this process, if there are several.
    """

    def __init__(
        self,
        settings: RouterSettings = _DEFAULTS,
        *,
        on_attempt: OnAttempt | None = None,
        on_reply: OnReply | None = None,
        seat: Seat | None = None,
    ) -> None:
        now = time.monotonic
        self._settings = settings
        coarse = CoarseClock(now())
        self._pools = Pools(coarse, settings.ca_file)
        self._world = World(
            connector=self._pools,
            now=now,
            coarse=coarse,
            wall_now=time.time,
            timed=set(),
            on_attempt=on_attempt,
            on_reply=on_reply,
            hold_limit=settings.hold_limit,
            answer_limit=settings.answer_limit,
            keep_alive=settings.keep_alive,
        )
        self._metrics = Metrics(
            lambda: self._front.table, lambda: self._front.refused, lambda: len(self._hub.connections), now
        )
        self._admin = Admin(now, lambda: self._front.table, lambda: in_steps(self._metrics.collect()))
        name = socket.gethostname() if seat is None else f"{socket.gethostname()}-{seat.worker}-{os.getpid()}"
        self._loads = Loads(name, lambda: self._front.table, self._leaving_of, now)
        self._shares = ALONE
        self._together: Together | None = None
        self._places: Places | None = None
        if seat is not None:
            self._places = Places(seat, now)
            self._shares = Shares(seat.worker, seat.group.count, seat.group.moments.of, self._places.of)
            self._together = Together(Peers(*seat, coarse), self._told(), self._loads)
        followed = self._loads if self._together is None else self._together.loads
        self._load_streams = LoadStreams(followed, settings.load_token_file)
        self._admin.long |= {} if self._together is None else self._together.pages
        self._front = Front(self._world, self._admin, self._load_streams.answer, secrets.token_hex(8), random.random)
        self._front.share_with(settings.cors_origins)
        self._world.renew, self._world.backend = self._front.renew, self._front.backend
        self._hub = Hub(self._front.handle, self._front.refuse, coarse, settings.body_limit)
        self._sweep = Sweep(now, coarse, self._world.timed, cast("set[Timed]", self._hub.connections))
        self._servers: list[asyncio.Server] = []
        self._leaving: dict[tuple[str, Address], Endpoint] = {}
        """Endpoints that are in no table any more but still have requests under way."""
        self._doubtful: set[Endpoint] = set()
        """Those of them that do not drain, as far as is known."""

    def status(self) -> dict[str, Any]:
        """What ``/status`` tells."""
        return status_document(self._admin.snapshot, self._front.table, time.monotonic())

    def _told(self) -> Told:
        """What this worker has to tell the others."""
        admin, now = self._admin, self._world.now
        return Told(
            lambda: merged_metrics.told(self._metrics.view()),
            lambda: merged_status.told(admin.snapshot, self._front.table, now()),
            lambda: merged_status.told_readiness(admin.is_ready, self._front.table, now()),
        )

    def apply(self, snapshot: Snapshot) -> None:
        """Route by this snapshot from now on. Requests under way go on as they began; no stream is cut."""
        before = self._front.table
        self._take(compile_table(snapshot, before, self._settings.default_namespace, self._leaving))
        for _ in self._resized(before):
            pass

    async def apply_in_steps(self, snapshot: Snapshot) -> int:
        """As ``apply``, but serves requests in between if much has changed: then it takes a while.

        Gives how many Models and RoleChains have changed.
        """
        while True:
            before = self._front.table
            steps = compile_in_steps(snapshot, before, self._settings.default_namespace, self._leaving)
            table = await _served_between(steps)
            if self._front.table is before:  # else: somebody has applied another one meanwhile
                break
        self._take(table)
        for _ in self._resized(before):
            await asyncio.sleep(0)
        changed = len(table.changed) + len(table.edited)
        if changed > _PIECE:
            parts = before.parts()
            del before, snapshot, steps
            while parts:
                del parts[-_PIECE:]  # not all at once: to free ten thousand Models takes 50 ms
                await asyncio.sleep(0)
        return changed

    def _take(self, table: RoutingTable) -> None:
        self._front.table = table
        self._admin.snapshot = table.snapshot
        # Again those that left earlier: a request under way may have connected to one anew.
        earlier = [each for each in self._leaving.values() if each not in _endpoints(table, each.model)]
        gone = [*table.left, *earlier]
        self._leaving = {(endpoint.model, endpoint.address): endpoint for endpoint in gone if endpoint.in_flight}
        self._pools.drop(gone)
        self._doubt(table.snapshot)

    def _doubt(self, snapshot: Snapshot) -> None:
        """An endpoint that left without draining may be gone without a word: requests that wait there find out."""
        doubtful = {
            endpoint
            for endpoint in self._leaving.values()
            if endpoint.name not in snapshot.terminating.get(endpoint.model, ())
        }
        new, self._doubtful = doubtful - self._doubtful, doubtful
        if new:
            for timed in list(self._world.timed):
                if isinstance(timed, Exchange):
                    timed.endpoint_left(new)

    def _resized(self, before: RoutingTable) -> Iterator[None]:
        """Tells the queues of Models that have changed since. Pauses after every few."""
        table = self._front.table  # while this pauses, there may come another one
        for number, key in enumerate(table.changed):
            self._resize(key, before.backends.get(key), self._front.table.backends.get(key))
            if not number % _PIECE:
                yield
        call_edited(before, table, self._world.now())

    def _resize(self, key: str, before: Backend | None, backend: Backend | None) -> None:
        if backend is not None:
            self._loads.follow(backend)
        resize(before, backend, self._world.now(), self._shares)
        if before is not None and before.asleep and backend is not None and not backend.asleep:
            call_beside(self._front.table, key, self._world.now())
        if backend is None and before is not None:
            self._loads.forget(before)

    def _leaving_of(self, model: str) -> list[Endpoint]:
        return [endpoint for (key, _), endpoint in self._leaving.items() if key == model and endpoint.in_flight]

    def follow_load(self, on_change: Callable[[], None]) -> LoadReader:
        """Somebody in this process who follows the load of all Models, as the operator does by ``GET /load``.

        Take its reports again and again: the first tells everything, the others what has changed. ``on_change`` is
        called while requests are served, when there is something to take: it must be quick and must not raise, such as
        ``asyncio.Event.set``. Close it in the end.
        """
        return self._loads.reader(on_change)

    def load(self, model: str, address: str) -> int:
        """Requests under way at an endpoint (key of the Model, ``host:port``), also after it left the snapshot."""
        place = parse_address(address)
        found = [endpoint for endpoint in _endpoints(self._front.table, model) if endpoint.address == place]
        return sum(endpoint.in_flight for endpoint in found or filter(None, [self._leaving.get((model, place))]))

    async def start(self, sock: socket.socket) -> None:
        """Serve on a bound socket. May be called for several."""
        loop = asyncio.get_running_loop()
        if not self._servers:
            self._sweep.start()
        self._servers.append(await loop.create_server(lambda: ServerConnection(self._hub), sock=sock, backlog=_BACKLOG))

    async def join(self) -> None:
        """Answer the other workers, if there are any; also while there is nothing to serve yet."""
        if self._places is not None:
            self._places.start()
        if self._together is not None:
            await self._together.start()

    async def close(self, drain: float = 30.0) -> None:
        """Stop accepting, let requests under way finish for up to ``drain`` seconds, then cut what is left."""
        self._admin.draining = self._hub.draining = True
        await self._stop_listening()
        for connection in list(self._hub.connections):
            connection.wind_down()
        await self._drained(drain)
        for connection in list(self._hub.connections):
            connection.cut()
        await self._drained(_LAST_WORDS)
        for connection in list(self._hub.connections):
            connection.abort()
        self._load_streams.close()
        if self._together is not None:
            self._together.close()
        if self._places is not None:
            self._places.close()
        self._sweep.stop()
        self._pools.close()

    async def _stop_listening(self) -> None:
        """Answer whom the kernel has told already that it is connected: to close the socket would reset it."""
        loop = asyncio.get_running_loop()
        listening = [socket.socket(fileno=os.dup(each.fileno())) for server in self._servers for each in server.sockets]
        for server in self._servers:
            server.close()
        late = [accepted for each in listening for accepted in _accept_all(each)]
        for accepted in late:
            with contextlib.suppress(OSError):  # it has gone again
                await loop.connect_accepted_socket(lambda: ServerConnection(self._hub), accepted)

    async def _drained(self, drain: float) -> None:
        """Wait until the last connection is closed, but not longer than ``drain`` seconds."""
        if not self._hub.connections:
            return
        empty = asyncio.Event()
        self._hub.on_empty = empty.set
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(drain):
                await empty.wait()


def _accept_all(listening: socket.socket) -> list[socket.socket]:
    """Every connection that waits; then nobody listens any more."""
    accepted: list[socket.socket] = []
    with listening, contextlib.suppress(OSError):  # BlockingIOError: there are no more
        listening.setblocking(False)
        while len(accepted) < _BACKLOG:
            accepted.append(listening.accept()[0])
            accepted[-1].setblocking(False)
    return accepted


def _endpoints(table: RoutingTable, model: str) -> tuple[Endpoint, ...]:
    backend = table.backends.get(model)
    return backend.endpoints if backend is not None else ()


async def _served_between(steps: Generator[None, None, RoutingTable]) -> RoutingTable:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            table: RoutingTable = end.value
            return table
        await asyncio.sleep(0)
