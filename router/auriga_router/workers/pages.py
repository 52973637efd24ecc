"""The pages of a router with several workers: whichever is asked tells of all of them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import orjson
from prometheus_client.core import Metric

from auriga_router.exposition import CONTENT_TYPE, exposition
from auriga_router.load_stream import LoadStreams
from auriga_router.loads import Loads
from auriga_router.page import Answer, Page
from auriga_router.wire.http import reply
from auriga_router.wire.request import LOAD, Request
from auriga_router.wire.server import Listener, ServerConnection
from auriga_router.workers import merged_metrics, merged_status
from auriga_router.workers.group_loads import GroupLoads
from auriga_router.workers.peers import LIMIT, Peers

_METRICS, _STATUS, _READYZ = b"/metrics", b"/status", b"/readyz"
_PAGE_SECONDS = 3.0
"""That another worker gets for a long page. Less than Prometheus waits, and enough for ten thousand Models."""
_BEAT = 1.0

Document = dict[str, Any]


class Together:
    """One worker's part in them."""

    def __init__(
        self,
        peers: Peers,
        metrics: Callable[[], Iterable[Metric]],
        status: Callable[[], Document],
        readiness: Callable[[], Document],
        loads: Loads,
    ) -> None:
        """The others are what this worker alone has to tell."""
        self.loads = GroupLoads(peers, socket.gethostname(), time.monotonic)
        """The load of all workers."""
        self._peers = peers
        self._group, self._worker = peers.group, peers.worker
        self._metrics = metrics
        self._load = LoadStreams(loads, "")
        self._own: Mapping[bytes, Callable[[], bytes]] = {
            _METRICS: self._own_metrics,
            _STATUS: lambda: orjson.dumps(status()),
            _READYZ: lambda: orjson.dumps(readiness()),
        }
        self._before = merged_metrics.counted(merged_metrics.read(self._group.kept(self._worker)))
        """What its predecessors have counted and told."""
        self._beating: asyncio.Task[None] | None = None
        self.pages: Mapping[bytes, Callable[[], Awaitable[Answer]]] = {
            _METRICS: Page(self._all_metrics),
            _STATUS: Page(self._all_status),
            _READYZ: self._all_ready,
        }

    async def start(self) -> None:
        """Answer the others from now on."""
        await self._peers.start(self._handle)
        self._beating = asyncio.create_task(self._beat())

    def close(self) -> None:
        """Answer them no more."""
        self._load.close()
        self._peers.close()
        if self._beating is not None:
            self._beating.cancel()

    def _handle(self, request: Request, client: ServerConnection) -> Listener | None:
        if request.target == LOAD:
            return self._load.begin(request, client)
        page = self._own.get(request.target)
        client.write(reply(200, b"", page(), close=True) if page is not None else reply(404, b"", b"", close=True))
        client.done(keep_alive=False)
        return None

    async def _beat(self) -> None:
        """Tell the parent that this process does not hang."""
        while True:
            self._group.beat(self._worker)
            await asyncio.sleep(_BEAT)

    def _own_metrics(self) -> bytes:
        """With what its predecessors have counted."""
        told = exposition(self._metrics())
        if self._before:
            told = merged_metrics.write(merged_metrics.summed([merged_metrics.read(told), self._before]))
        self._group.keep(self._worker, told)
        return told

    async def _all_metrics(self) -> Answer:
        told = await self._everybody(_METRICS, _PAGE_SECONDS)
        kept = {number: self._group.kept(number) for number, data in told.items() if data is None}
        restarts = {number: self._group.restarts(number) for number in told}

        def page() -> bytes:
            pages: list[merged_metrics.Page] = [merged_metrics.read(data) for data in told.values() if data is not None]
            pages += [merged_metrics.counted(merged_metrics.read(data)) for data in kept.values()]
            up = {number: data is not None for number, data in told.items()}
            return merged_metrics.write(merged_metrics.summed(pages)) + exposition(merged_metrics.workers(up, restarts))

        return Answer(200, await asyncio.to_thread(page), CONTENT_TYPE)  # of 10,000 Models it is megabytes

    async def _all_status(self) -> Answer:
        told = await self._everybody(_STATUS, _PAGE_SECONDS)
        return Answer(200, await asyncio.to_thread(lambda: orjson.dumps(merged_status.status(_read(told)))))

    async def _all_ready(self) -> Answer:
        ready, document = merged_status.readiness(_read(await self._everybody(_READYZ, LIMIT)))
        return Answer(200 if ready else 503, orjson.dumps(document))

    async def _everybody(self, target: bytes, limit: float) -> dict[int, bytes | None]:
        """What each worker tells, in their order; None of one that does not answer."""
        told = {self._worker: self._own[target](), **await self._peers.ask(target, limit)}
        return dict(sorted(told.items()))


def _read(told: Mapping[int, bytes | None]) -> dict[int, Document | None]:
    return {number: orjson.loads(data) if data is not None else None for number, data in told.items()}
