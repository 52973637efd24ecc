"""A client of one server connection, without sockets: its bytes, its transport and its clock are the test's."""

from __future__ import annotations

import asyncio
from typing import Any

from auriga_router.ports import CoarseClock
from auriga_router.sweep import expire
from auriga_router.wire.http import reply
from auriga_router.wire.request import Refusal, Request
from auriga_router.wire.server import Hub, ServerConnection

LIMIT = 1000
"""Bytes of a body."""


class Socket(asyncio.Transport):
    """Remembers what was written, and how it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.ended = ""

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def write_eof(self) -> None:
        self.ended = "eof"

    def close(self) -> None:
        self.ended = "close"

    def abort(self) -> None:
        self.ended = "abort"

    def get_write_buffer_size(self) -> int:
        return 0  # it takes all at once

    def is_closing(self) -> bool:
        return bool(self.ended)


class Client:
    """Sends to a connection that answers each request with its own body: at once, or, if ``slow``, when told to."""

    def __init__(self, *, slow: bool = False) -> None:
        self.clock = CoarseClock(100.0)
        self.socket = Socket()
        self.hub = Hub(self._answer, self._refuse, self.clock, LIMIT)
        self.begun: list[Request] = []
        """Requests that are not answered yet."""
        self._slow = slow
        self.connection = ServerConnection(self.hub)
        self.connection.connection_made(self.socket)

    def _answer(self, request: Request, client: ServerConnection) -> None:
        self.begun.append(request)
        if not self._slow:
            self.answers()

    def answers(self) -> None:
        """The first of the requests that wait for it gets its answer."""
        self.connection.write(reply(200, b"", self.begun.pop(0).body))
        self.connection.done(keep_alive=True)

    def _refuse(self, refusal: Refusal) -> bytes:
        return reply(refusal.status, b"", refusal.message.encode(), close=True)

    def sends(self, data: bytes) -> None:
        """In one read."""
        self.connection.data_received(data)

    def trickles(self, data: bytes, seconds: float) -> None:
        """One byte at a time, over so many seconds."""
        for byte in data:
            self.waits(seconds / len(data))
            if not self.socket.ended:
                self.sends(bytes([byte]))

    def waits(self, seconds: float) -> None:
        self.clock.now += seconds
        expire(list(self.hub.connections), self.clock.now)

    @property
    def status(self) -> bytes:
        return self.socket.sent[9:12]
