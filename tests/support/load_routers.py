"""Routers that only tell a load, as a test says: a real server in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from auriga_api.load import LoadReport, ModelLoad, merge, write_report

T = TypeVar("T")
TOKEN = "load-token-of-a-test"


def own_address() -> str:
    """An address of this machine that an EndpointSlice may have: not of its loopback. Nothing is sent for that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("198.51.100.1", 9))
        return str(probe.getsockname()[0])


class LoadRouter:
    """A router of that name; ``with`` starts and ends it. It tells its whole load first, then what changes."""

    def __init__(self, name: str = "router", host: str = "127.0.0.1", token: str = TOKEN) -> None:
        self.name = name
        self.host = host
        self.token = token
        self.port = 0
        self.refused = 0
        self._models: dict[str, ModelLoad] = {}
        self._followers: set[asyncio.Queue[bytes | None]] = set()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def tell(self, **models: ModelLoad | None) -> None:
        """From now on that is the load of those Models (``namespace__name``); None: it knows no such Model."""
        self.tell_all({name.replace("__", "/"): load for name, load in models.items()})

    def tell_all(self, models: dict[str, ModelLoad | None]) -> None:
        """The same with names as they are told."""
        self._do(self._tell(models))

    def cut(self) -> None:
        """End all streams; whoever comes again is welcome."""
        self._do(self._cut())

    def followed(self, streams: int = 1, seconds: float = 20) -> None:
        """Wait until so many follow its load."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._followers) == streams, seconds), len(self._followers)

    def refuses(self, times: int, seconds: float = 20) -> None:
        """Wait until it has refused so many who came with another token."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.refused >= times, seconds), self.refused

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(timeout=20)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/load", self._load)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # aiohttp tells it nowhere else

    async def _stop(self) -> None:
        await self._cut()
        await self._runner.cleanup()

    async def _tell(self, models: dict[str, ModelLoad | None]) -> None:
        report = LoadReport(self.name, models)
        self._models = merge(self._models, report)
        for follower in self._followers:
            follower.put_nowait(write_report(report))

    async def _cut(self) -> None:
        for follower in self._followers:
            follower.put_nowait(None)

    async def _load(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            with self._changed:
                self.refused += 1
                self._changed.notify_all()
            return web.Response(status=401)
        response = web.StreamResponse(headers={"content-type": "application/x-ndjson"})
        await response.prepare(request)
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        lines.put_nowait(write_report(LoadReport(self.name, self._models, full=True)))
        self._note(lines, there=True)
        try:
            with contextlib.suppress(ConnectionError):
                while (line := await lines.get()) is not None:
                    await response.write(line)
        finally:
            self._note(lines, there=False)
        return response

    def _note(self, follower: asyncio.Queue[bytes | None], *, there: bool) -> None:
        with self._changed:
            (self._followers.add if there else self._followers.discard)(follower)
            self._changed.notify_all()
