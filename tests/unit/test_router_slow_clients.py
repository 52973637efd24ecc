"""A client gets 30 seconds for a head and 300 for a body, however it trickles; and is cut off if it says nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from auriga_router.ports import CoarseClock
from auriga_router.sweep import expire
from auriga_router.wire.http import reply
from auriga_router.wire.request import Refusal, Request
from auriga_router.wire.server import Hub, ServerConnection

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n"


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

    def is_closing(self) -> bool:
        return bool(self.ended)


class Client:
    """Sends to a connection whose clock is the test's."""

    def __init__(self) -> None:
        self.clock = CoarseClock(100.0)
        self.socket = Socket()
        self.hub = Hub(self._answer, self._refuse, self.clock, 1000)
        self._connection = ServerConnection(self.hub)
        self._connection.connection_made(self.socket)

    def _answer(self, request: Request, client: ServerConnection) -> None:
        client.write(reply(200, b"", request.body))
        client.done(keep_alive=True)

    def _refuse(self, refusal: Refusal) -> bytes:
        return reply(refusal.status, b"", refusal.message.encode(), close=True)

    def trickles(self, data: bytes, seconds: float) -> None:
        """One byte at a time, over so many seconds."""
        for byte in data:
            self.waits(seconds / len(data))
            if not self.socket.ended:
                self._connection.data_received(bytes([byte]))

    def waits(self, seconds: float) -> None:
        self.clock.now += seconds
        expire(list(self.hub.connections), self.clock.now)

    @property
    def status(self) -> bytes:
        return self.socket.sent[9:12]


@pytest.mark.parametrize(("seconds", "status"), [(29, b""), (31, b"408")])
def test_a_head_that_trickles_is_bounded_as_a_whole(seconds: float, status: bytes) -> None:
    client = Client()
    client.trickles(HEAD, seconds)
    assert (client.status, bool(client.socket.ended)) == (status, bool(status))


@pytest.mark.parametrize(("seconds", "status"), [(299, b"200"), (301, b"408")])
def test_so_is_a_body(seconds: float, status: bytes) -> None:
    client = Client()
    client.trickles(HEAD + b"\r\n", 10)
    client.trickles(b"x" * 400, seconds)
    assert client.status == status


def test_who_was_refused_and_does_not_go_is_cut_off() -> None:
    client = Client()
    client.trickles(HEAD, 31)
    assert client.socket.ended == "eof"
    client.waits(3)
    assert client.socket.ended == "abort"


def test_who_says_nothing_is_cut_off_at_first_and_between_two_requests() -> None:
    for said, patience in ((b"", 30), (HEAD + b"\r\n" + b"x" * 400, 75)):
        client = Client()
        if said:
            client.trickles(said, 1)
        client.waits(patience - 1)
        assert not client.socket.ended
        client.waits(2)
        assert client.socket.ended == "abort"
