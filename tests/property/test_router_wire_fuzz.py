"""Bytes of all kinds at the door: whatever comes, replies are HTTP, nothing raises, and the next caller is served.

Seeds are heads and bodies that broke HTTP servers before; Hypothesis cuts, joins and spoils them. What it finds, it
keeps in .hypothesis and tries first the next time.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import httptools
from hypothesis import given, settings
from hypothesis import strategies as st

from auriga_router.ports import CoarseClock
from auriga_router.wire.http import reply
from auriga_router.wire.request import Refusal, Request
from auriga_router.wire.server import Hub, ServerConnection

LIMIT = 4096
REFUSED = (400, 413, 415, 417, 431, 501, 505)
GOOD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
PIECES = [
    b"POST / HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\n", b"HEAD / HTTP/1.0\r\n", b"CONNECT a:1 HTTP/1.1\r\n",
    b"PRI * HTTP/2.0\r\n", b"GET / HTTP/2.0\r\n", b"Host: a\r\n", b"Host: b\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n",
    b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Length: 5, 5\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: \x0bchunked\r\n",
    b"Expect: 100-continue\r\n", b"Expect: tea\r\n", b"Connection: close\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    b"X: " + b"y" * 70_000 + b"\r\n", b" folded\r\n", b"X : y\r\n", b"\r\n", b"\n", b"\r", b"\0", b"hello",
    b"5\r\nhello\r\n", b"0\r\n\r\n", b"0x5\r\n", b"fffffffffffffffff\r\n", b"-1\r\n", b"x" * 5000, GOOD,
]  # fmt: skip
PARTS = st.one_of(st.sampled_from(PIECES), st.binary(max_size=12))
INPUTS = st.lists(PARTS, min_size=1, max_size=12).map(b"".join)


class Socket(asyncio.Transport):
    """Remembers what was written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def write_eof(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def connect() -> tuple[ServerConnection, Socket, list[Request]]:
    """A connection whose requests are all answered at once with 200."""
    requests: list[Request] = []

    def handle(request: Request, client: ServerConnection) -> None:
        requests.append(request)
        client.write(reply(200, b"", b"" if request.method == b"HEAD" else request.body))
        client.done(keep_alive=request.keep_alive)

    def refuse(refusal: Refusal) -> bytes:
        return reply(refusal.status, b"", refusal.message.encode(), close=True)

    connection, socket = ServerConnection(Hub(handle, refuse, CoarseClock(0.0), LIMIT)), Socket()
    connection.connection_made(socket)
    return connection, socket, requests


def receive(connection: ServerConnection, socket: Socket, data: bytes, cuts: list[int]) -> None:
    """The bytes, in these pieces."""
    bounds = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, stop in pairwise(bounds):
        if not socket.closed:
            connection.data_received(data[start:stop])


class Replies:
    """What httptools, as a client, makes of the replies."""

    def __init__(self, sent: bytes) -> None:
        self.statuses: list[int] = []
        self._parser = httptools.HttpResponseParser(self)
        self._parser.feed_data(sent)

    def on_headers_complete(self) -> None:
        self.statuses.append(self._parser.get_status_code())


@settings(max_examples=400, deadline=None)
@given(INPUTS, st.lists(st.integers(0, 100_000), max_size=6))
def test_whatever_comes_the_replies_are_http(data: bytes, cuts: list[int]) -> None:
    connection, socket, requests = connect()
    receive(connection, socket, data, cuts)
    final = [status for status in Replies(socket.sent).statuses if status != 100]
    refused = [status for status in final if status != 200]
    assert len(final) - len(refused) == len(requests)
    assert len(refused) <= 1
    assert not refused or (
        final[-1] == refused[0] and socket.closed and refused[0] in (400, 413, 415, 417, 431, 501, 505)
    )
    assert all(request.size <= LIMIT for request in requests)


@settings(max_examples=400, deadline=None)
@given(INPUTS, st.lists(st.integers(0, 100_000), max_size=6))
def test_how_the_bytes_are_cut_changes_no_request(data: bytes, cuts: list[int]) -> None:
    """A request that depends on where TCP cut it is a request that two readers understand differently."""
    seen = []
    for places in ([], cuts):
        connection, socket, requests = connect()
        receive(connection, socket, data, places)
        seen.append([(request.method, request.target, request.body, request.headers) for request in requests])
    assert seen[0] == seen[1]


@given(INPUTS)
def test_the_next_connection_is_served(data: bytes) -> None:
    connection, socket, _ = connect()
    receive(connection, socket, data, [])
    connection, socket, requests = connect()
    receive(connection, socket, GOOD, [])
    assert socket.sent.startswith(b"HTTP/1.1 200")
    assert requests[0].body == b"{}"
