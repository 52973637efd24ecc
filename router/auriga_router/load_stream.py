"""``GET /load``: the load of all Models as lines of JSON, as it changes. For the operator; asks for its token.

One line with everything, then what has changed: at once after a quiet time, else ten times a second at most.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from auriga_api.load import END, LoadReport, write_head, write_models, write_report
from auriga_router.dialects import Problem, openai
from auriga_router.loads import LoadReader
from auriga_router.wire.http import LAST_CHUNK, chunk, reply
from auriga_router.wire.request import Request
from auriga_router.wire.server import ServerConnection

_log = logging.getLogger(__name__)

PAUSE = 0.1
"""Seconds between two reports."""
_MODELS = 128
"""In one line at most: a line takes a millisecond or two, and streams wait for it."""
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ncache-control: no-cache\r\n%s\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"


class Followed(Protocol):
    """The load of this process, or of all workers."""

    @property
    def name(self) -> str:
        """How the router calls itself, as of the newest reader."""

    def reader(self, on_change: Callable[[], None]) -> LoadReader:
        """A new one."""

    async def known(self) -> None:
        """Wait until there is something to read."""


class LoadStreams:
    """All who follow the load of this router."""

    def __init__(self, loads: Followed, token_file: str) -> None:
        self._loads = loads
        self._token_file = token_file
        self._open: set[LoadStream] = set()

    def answer(self, request: Request, client: ServerConnection) -> LoadStream | None:
        """Begin a stream, or say why not."""
        problem = self._refusal(request)
        if problem is None:
            return self.begin(request, client)
        headers = b"www-authenticate: Bearer\r\n" if problem.status == 401 else b""
        body = openai.DIALECT.error(problem)
        client.write(reply(problem.status, headers, body, close=not request.keep_alive))
        client.done(keep_alive=request.keep_alive)
        return None

    def begin(self, request: Request, client: ServerConnection) -> LoadStream:
        """Begin a stream for one who may follow."""
        stream = LoadStream(self._loads, client, self._open, chunked=not request.http10)
        stream.start()
        return stream

    def close(self) -> None:
        """End all streams: the router stops."""
        for stream in list(self._open):
            stream.end()

    def _refusal(self, request: Request) -> Problem | None:
        if not self._token_file:
            return Problem(404, "not_found", "there is nothing at this path")
        try:
            token = Path(self._token_file).read_bytes().strip()  # each time: it may be replaced while we run
        except OSError as error:
            token = b""
            _log.warning("load token file %s cannot be read: %s", self._token_file, error.strerror)
        if not token:
            return Problem(503, "unavailable", "the load token cannot be read")
        scheme, _, given = request.headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), token):
            return Problem(401, "unauthorized", "this is for the operator: send its token as Authorization: Bearer")
        return None if request.method == b"GET" else Problem(405, "method_not_allowed", "use GET")


class LoadStream:
    """One who follows. Implements ``wire.server.Listener``."""

    def __init__(self, loads: Followed, client: ServerConnection, among: set[LoadStream], *, chunked: bool) -> None:
        self._loads = loads
        self._client = client
        self._among = among
        self._chunked = chunked
        self._changed, self._writable = asyncio.Event(), asyncio.Event()
        self._writable.set()
        self._between_lines = True
        self._reader: LoadReader = loads.reader(self._changed.set)
        self._name = loads.name
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell."""
        self._among.add(self)
        # Whoever follows the load does so until the end: draining does not wait for that.
        self._client.leave_hub()
        self._client.write(_HEAD % (_CHUNKED if self._chunked else b"connection: close\r\n"))
        self._task = asyncio.create_task(self._tell())
        self._task.add_done_callback(self._told)

    def end(self) -> None:
        """The stream is whole: there will be no more."""
        for _ in range(2):  # a peak, and what it fell to
            if self._between_lines and self._writable.is_set() and self._reader.begun and self._reader.behind:
                self._client.write(self._framed(write_report(self._reader.take())))
        self._stop()
        if self._chunked:
            self._client.write(LAST_CHUNK)
        self._client.done(keep_alive=False)

    def client_gone(self) -> None:
        """See Listener."""
        self._stop()

    def client_paused(self) -> None:
        """See Listener. What changes meanwhile is told together."""
        self._writable.clear()

    def client_resumed(self) -> None:
        """See Listener."""
        self._writable.set()

    def router_stops(self) -> None:
        """See Listener."""
        self.end()

    def _stop(self) -> None:
        self._reader.close()
        self._among.discard(self)
        if self._task is not None:
            self._task.cancel()

    def _told(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a stream of the load broke off", exc_info=error)  # a bug of ours; the reader comes again
            self._client.abort()

    async def _tell(self) -> None:
        await self._loads.known()
        while True:
            if self._reader.begun:
                await self._tell_changes()
            else:
                await self._tell_all()
            await asyncio.sleep(PAUSE)
            while not self._reader.behind:
                self._changed.clear()
                await self._changed.wait()

    async def _tell_all(self) -> None:
        """In pieces: of ten thousand Models it is a megabyte or two."""
        before = write_head(self._name, full=True)
        self._between_lines = False
        for models in self._reader.begin():
            if models:
                await self._send(before + write_models(models))
                before = b","
            await asyncio.sleep(0)
        await self._send(END if before == b"," else before + END)
        self._between_lines = True

    async def _tell_changes(self) -> None:
        """What there is now to tell of, and not what is new until that is told."""
        left = self._reader.behind
        while left > 0 and self._reader.begun:
            report: LoadReport = self._reader.take(min(left, _MODELS))
            left -= _MODELS
            if report.models:
                await self._send(write_report(report))
            await asyncio.sleep(0)

    async def _send(self, data: bytes) -> None:
        await self._writable.wait()
        self._client.write(self._framed(data))

    def _framed(self, data: bytes) -> bytes:
        return chunk(data) if self._chunked else data
