"""The pages of a router with several workers: whichever is asked tells of all of them.

Made in steps, between which requests are served: what this one has to tell, what others tell, and adding up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple, Protocol

from auriga_router.exposition import CONTENT_TYPE, in_steps
from auriga_router.load_stream import LoadStreams
from auriga_router.loads import Loads
from auriga_router.page import Answer, Page, answer
from auriga_router.wire.http import reply
from auriga_router.wire.request import LOAD, Request
from auriga_router.wire.server import Listener, ServerConnection
from auriga_router.workers import lines, merged_metrics
from auriga_router.workers.group_loads import GroupLoads
from auriga_router.workers.merged_status import Readiness, Status
from auriga_router.workers.peers import LIMIT, Peers
from auriga_router.workers.telling import Telling

_METRICS, _STATUS, _READYZ = b"/metrics", b"/status", b"/readyz"
_SILENCE = 3.0
"""Seconds without a word after which another worker is not waited for. Less than Prometheus waits."""
_BEAT = 1.0

Lines = Callable[[], Iterator[bytes]]


class Told(NamedTuple):
    """What one worker has to tell, in lines."""

    metrics: Lines
    status: Lines
    readiness: Lines


class _Merged(Protocol):
    def add(self, worker: int, line: lines.Line | None) -> None: ...


class Together:
    """One worker's part in them."""

    def __init__(self, peers: Peers, own: Told, loads: Loads) -> None:
        self.loads = GroupLoads(peers, socket.gethostname(), time.monotonic)
        """The load of all workers."""
        self._peers = peers
        self._group, self._worker = peers.group, peers.worker
        self._load = LoadStreams(loads, "")
        self._own: Mapping[bytes, Lines] = {
            _METRICS: lambda: self._kept(chain(own.metrics(), self._before)),
            _STATUS: own.status,
            _READYZ: own.readiness,
        }
        self._before: list[bytes] = []
        """What its predecessors have counted and told."""
        self._keeping = False
        self._beating: asyncio.Task[None] | None = None
        self.pages: Mapping[bytes, Callable[[], Awaitable[Answer]]] = {
            _METRICS: Page(self._all_metrics),
            _STATUS: Page(self._all_status),
            _READYZ: Page(self._all_ready),
        }

    async def start(self) -> None:
        """Answer the others from now on."""
        self._beating = asyncio.create_task(self._beat())
        sums = merged_metrics.Sums()
        for line in lines.read(self._group.kept(self._worker)):
            sums.add(line, gone=True)
            await asyncio.sleep(0)
        self._before = await _taken(sums.lines())
        await self._peers.start(self._handle)

    def close(self) -> None:
        """Answer them no more."""
        self._load.close()
        self._peers.close()
        if self._beating is not None:
            self._beating.cancel()

    def _handle(self, request: Request, client: ServerConnection) -> Listener | None:
        if request.target == LOAD:
            return self._load.begin(request, client)
        own = self._own.get(request.target)
        if own is not None:
            return Telling(client, own())
        client.write(reply(404, b"", b"", close=True))
        client.done(keep_alive=False)
        return None

    async def _beat(self) -> None:
        """Tell the parent that this process does not hang."""
        while True:
            self._group.beat(self._worker)
            await asyncio.sleep(_BEAT)

    def _kept(self, told: Iterator[bytes]) -> Iterator[bytes]:
        """The same, and kept in the end: whoever has heard of it must not hear of less when this worker is dead."""
        whole: list[bytes] = []
        for line in told:
            whole.append(line)
            yield line
        if self._keeping:
            return  # what somebody else is being told is as new
        self._keeping = True
        try:
            for _ in self._group.keep(self._worker, whole):
                yield b""
        finally:
            self._keeping = False

    async def _all_metrics(self) -> Answer:
        told = await self._everybody(_METRICS, _SILENCE)
        up = {number: pieces is not None for number, pieces in told.items()}
        restarts = {number: self._group.restarts(number) for number in told}
        sums = merged_metrics.Sums()
        async with _letting_go(sums.let_go()):
            for number, pieces in told.items():
                for line in lines.read(self._group.kept(number) if pieces is None else pieces):
                    sums.add(line, gone=pieces is None)
                    await asyncio.sleep(0)
            workers = merged_metrics.workers(up, restarts)
            return await answer(in_steps(chain(sums.collect(), workers)), CONTENT_TYPE)

    async def _all_status(self) -> Answer:
        status = Status()
        async with _letting_go(status.let_go()):
            await self._add_up(status, _STATUS, _SILENCE)
            return await answer(status.steps())

    async def _all_ready(self) -> Answer:
        readiness = Readiness()
        await self._add_up(readiness, _READYZ, LIMIT)
        page = await answer(readiness.steps())
        return page if readiness.ready else page._replace(status=503)

    async def _add_up(self, merged: _Merged, target: bytes, silence: float) -> None:
        for number, pieces in (await self._everybody(target, silence)).items():
            for line in [None] if pieces is None else lines.read(pieces):
                merged.add(number, line)
                await asyncio.sleep(0)

    async def _everybody(self, target: bytes, silence: float) -> dict[int, list[bytes] | None]:
        """What each worker tells, in their order; None of one that does not answer."""
        own, others = await asyncio.gather(_taken(self._own[target]()), self._peers.ask(target, silence))
        return dict(sorted({self._worker: own, **others}.items()))


async def _taken(steps: Iterator[bytes]) -> list[bytes]:
    told: list[bytes] = []
    for step in steps:
        told.append(step)
        await asyncio.sleep(0)
    return told


@contextlib.asynccontextmanager
async def _letting_go(steps: Iterator[None]) -> AsyncIterator[None]:
    """In the end what is left is freed in steps, also if nobody waits for it any more."""
    try:
        yield
    finally:
        for _ in steps:
            await asyncio.sleep(0)
