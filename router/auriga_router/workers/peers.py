"""How the workers of one router ask each other: HTTP on Unix sockets in a folder that is the user's alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from auriga_router.ports import CoarseClock
from auriga_router.wire.http import reply
from auriga_router.wire.request import Refusal, Request
from auriga_router.wire.server import Hub, Listener, ServerConnection
from auriga_router.workers import lines
from auriga_router.workers.group import Group

_log = logging.getLogger(__name__)

LIMIT = 1.0
"""Seconds that another worker gets to say something. Less than most who ask for readiness wait."""
_PIECE = 64 * 1024
_LONGEST_LINE = 64 * 1024 * 1024
_BODY_LIMIT = 1024
_ASK = b"GET %s HTTP/1.0\r\n\r\n"  # 1.0: the body is what comes until the end, without chunks


class NoAnswer(Exception):  # noqa: N818 - an outcome
    """The worker is there and answers, but not that."""


_USUAL = (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, NoAnswer)


class Peers:
    """The other workers, as one of them meets them."""

    def __init__(self, group: Group, worker: int, clock: CoarseClock) -> None:
        self.group = group
        self.worker = worker
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._hub: Hub | None = None

    async def start(self, handle: Callable[[Request, ServerConnection], Listener | None]) -> None:
        """Answer the others by ``handle``."""
        hub = self._hub = Hub(handle, _refuse, self._clock, _BODY_LIMIT)
        path = self.group.path(self.worker)
        path.unlink(missing_ok=True)  # of one that was killed
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: ServerConnection(hub), path=str(path))

    def close(self) -> None:
        """Answer no more."""
        if self._server is not None and self._hub is not None:
            self._server.close()
            for connection in list(self._hub.connections):
                connection.abort()
            self.group.leave(self.worker)

    async def ask(self, target: bytes, silence: float) -> dict[int, list[bytes] | None]:
        """The lines that each of the other workers answers with, cut anywhere; None for one that does not answer.

        ``silence``: seconds after which one that says nothing, or nothing more, is not waited for.
        """
        others = [number for number in self.group.numbers if number != self.worker]
        answers = await asyncio.gather(*(self._answer(number, target, silence) for number in others))
        return dict(zip(others, answers, strict=True))

    async def _answer(self, worker: int, target: bytes, silence: float) -> list[bytes] | None:
        try:
            async with asyncio.timeout(silence) as limit:
                reader, writer = await self._open(worker, target)
                with contextlib.closing(writer):
                    told: list[bytes] = []
                    while piece := await reader.read(_PIECE):
                        told.append(piece)
                        limit.reschedule(asyncio.get_running_loop().time() + silence)
                        await asyncio.sleep(0)  # what is there already is read without a pause
            if not lines.is_whole(told):
                raise NoAnswer("it broke off")
            return told
        except _USUAL as error:
            _log.warning("worker %d does not answer: %s", worker, str(error) or type(error).__name__)
            return None

    async def lines(self, worker: int, target: bytes) -> AsyncIterator[bytes]:
        """What a worker tells for as long as it lives. Raises OSError and its like."""
        async with asyncio.timeout(LIMIT):
            reader, writer = await self._open(worker, target)
        with contextlib.closing(writer):
            async for line in reader:
                yield line

    async def _open(self, worker: int, target: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The body that follows, read until its end."""
        reader, writer = await asyncio.open_unix_connection(str(self.group.path(worker)), limit=_LONGEST_LINE)
        try:
            writer.write(_ASK % target)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise NoAnswer(head.partition(b"\r\n")[0].decode("latin-1"))
        except BaseException:
            writer.close()
            raise
        return reader, writer


def _refuse(refusal: Refusal) -> bytes:
    return reply(refusal.status, b"", b"", close=True)
