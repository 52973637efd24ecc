"""A connection to an endpoint: one request at a time, kept for the next one if the framing allows it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, Protocol

import httptools

from auriga_router.ports import Upstream, UpstreamUser
from auriga_router.wire.http import ResponseHead

_MAX_HEAD: Final = 65536
_HEAD_END: Final = b"\r\n\r\n"
_FIRST: Final = ord("H")
"""Of every response. llhttp lets line ends pass before it, which would be taken for the end of its head here."""
_JOIN_BELOW: Final = 65536
"""Bytes up to which copying into one buffer is cheaper than two writes."""


class Keeper(Protocol):
    """Who keeps connections while nobody uses them."""

    __slots__ = ()

    def on_idle(self, connection: UpstreamConnection) -> None:
        """It is there, and nobody uses it."""

    def on_lost(self, connection: UpstreamConnection) -> None:
        """It is gone, whether somebody used it or not."""


class UpstreamConnection(asyncio.Protocol, Upstream):
    """An HTTP/1.1 client connection. Reports to its ``user``; belongs to the pool while it has none."""

    # It takes notes of what llhttp sees by itself: one object less to fetch for each request. It has neither
    # ``on_header`` nor ``on_body``, so httptools builds nothing.
    __slots__ = (
        "_complete", "_extra", "_head", "_interim", "_keep_alive", "_keeper", "_parser", "_paused", "_response",
        "_silent", "_status", "_transport", "idle_since", "reused", "user",
    )  # fmt: skip
    __deletable__ = ["_parser"]

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._transport: asyncio.Transport
        self._parser: httptools.HttpResponseParser
        self._status = 0
        self._interim = 0
        self._complete = False
        self._keep_alive = False
        self._extra = False
        self._head = b""
        """Bytes of a head that is not whole yet."""
        self._response: ResponseHead | None = None
        self._silent = True
        self._paused = False
        self.user: UpstreamUser | None = None
        self.reused = False
        self.idle_since = 0.0

    # --- for the exchange

    def send(self, head: bytes, body: bytes) -> None:
        """Send a request."""
        self._status = 0
        self._interim = 0
        self._complete = False
        self._extra = False
        self._head = b""
        self._response = None
        self._silent = True
        try:
            if len(body) < _JOIN_BELOW:
                self._transport.write(head + body)
            else:
                self._transport.writelines((head, body))
        except RuntimeError:
            return  # uvloop raises on a closed transport; connection_lost is on its way and tells the user

    def release(self) -> None:
        """The response came whole: keep the connection if both sides may."""
        if not self._complete or not self._keep_alive or self._extra or self._transport.is_closing():
            self.abort()
            return
        if self._paused:
            self.resume()
        self.user = None
        self.reused = True
        self._keeper.on_idle(self)

    def abort(self) -> None:
        """Close at once."""
        self.user = None
        self._transport.abort()

    def pause(self) -> None:
        """Stop reading."""
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    # --- for the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = transport  # type: ignore[assignment]  # TCP and TLS transports both read and write
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        user = self.user
        if user is None:
            self.abort()  # nobody asked: whatever this is, it must not be taken for the next answer
            return
        self._silent = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._complete or not self._is_chunked(data):
                self._break(framing=True)
                return
            self._extra = True
        try:
            if self._response is not None:
                user.on_data(data, self._complete)
            else:
                self._read_head(user, self._head + data if self._head else data)
        except Exception:
            user.on_bug()  # else asyncio would end this connection, and the user would hear of a break that is none

    def _is_chunked(self, data: bytes) -> bool:
        """Does the response say itself where it ends? Of one with a wrong length nobody knows what belongs to it."""
        if self._response is not None:
            return self._response.chunked
        lines = self._head + data
        start = 0
        for _ in range(self._interim):
            start = lines.index(_HEAD_END, start) + 4
        return ResponseHead(self._status, lines[start : lines.index(_HEAD_END, start) + 4]).chunked

    def _read_head(self, user: UpstreamUser, data: bytes) -> None:
        if not self._status:
            self._head = data
            if len(data) > _MAX_HEAD:
                self._break(framing=True)
            return
        if data[0] != _FIRST:
            self._break(framing=True)
            return
        start = 0
        while self._interim:
            self._interim -= 1
            start = data.index(_HEAD_END, start) + 4
        end = data.index(_HEAD_END, start) + 4
        self._head = b""
        self._response = response = ResponseHead(self._status, data[start:end])
        if response.other_coding:
            self._break(framing=True)
        else:
            user.on_response(response, data[end:], self._complete)

    def on_message_begin(self) -> None:
        """Called by httptools."""
        self._extra = self._complete

    def on_headers_complete(self) -> None:
        """Called by httptools."""
        if self._complete:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._interim += 1
        else:
            self._status = status

    def on_message_complete(self) -> None:
        """Called by httptools."""
        if self._status and not self._complete:
            self._complete = True
            # Right only inside this callback: after feed_data the flags are gone and nothing looks reusable.
            self._keep_alive = self._parser.should_keep_alive()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop."""
        self._keeper.on_lost(self)
        # The parser holds this object: they would wait for the collector.
        with contextlib.suppress(AttributeError):  # one that is lost during TLS's handshake through a proxy
            del self._parser
        user, response = self.user, self._response
        if user is None:
            return
        self.user = None
        try:
            if error is None and response is not None and response.ends_with_connection:
                user.on_data(b"", True)
            else:
                user.on_broken(framing=False, silent=self._silent)
        except Exception:
            user.on_bug()

    def _break(self, *, framing: bool) -> None:
        user = self.user
        self.abort()
        if user is None:
            return
        try:
            user.on_broken(framing=framing, silent=False)
        except Exception:
            user.on_bug()
