"""A caller's connection: requests in, replies out, one at a time and in order. Decides framing, never routing."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sys
import termios
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

import httptools

from auriga_router.ports import Client, CoarseClock
from auriga_router.wire.request import Refusal, Request, RequestReader, check, is_too_large, refused

_HEAD_SECONDS: Final = 30.0
_BODY_SECONDS: Final = 300.0
_IDLE_SECONDS: Final = 75.0
_LAST_IDLE_SECONDS: Final = 0.5
"""The same while the router drains."""
_LAST_HEAD_SECONDS: Final = 2.0
"""For a request that has begun to come while the router drains: what comes from a living client takes less."""
_LINGER_SECONDS: Final = 2.0
"""How long a refused client may be silent before it is cut off. Closing at once would reset the connection, and the
reset can overtake the refusal."""
_LONGEST_LINGER: Final = 30.0
"""How long it may go on sending. Many clients look for a reply only when they have sent all."""
_MOST_BODIES: Final = 8
"""Bodies of the largest size that are being received at once. What they hold counts, however many they are."""
_SMALL: Final = 32
"""One that is smaller by this factor is received in any case: nobody who is slow keeps usual requests out."""
_MAX_PIPELINED: Final = 32
_MAX_PIPELINED_BYTES: Final = 1024 * 1024


class Listener(Protocol):
    """Who is told how the client does while its request is being answered."""

    def client_gone(self) -> None: ...

    def client_paused(self) -> None: ...

    def client_resumed(self) -> None: ...

    def router_stops(self) -> None: ...


@dataclass(slots=True)
class Hub:
    """What all connections of a router share."""

    handle: Callable[[Request, ServerConnection], Listener | None]
    """Answers a request, now or later."""
    refuse: Callable[[Refusal], bytes]
    """The reply to what is not HTTP, or too much of it."""
    clock: CoarseClock
    body_limit: int
    connections: set[ServerConnection] = field(default_factory=set)
    receiving: int = 0
    """Bytes of bodies that are not whole yet."""
    draining: bool = False
    on_empty: Callable[[], None] | None = None
    """Called when the last connection is gone."""


class _Phase:
    OPEN: Final = 0
    LINGERING: Final = 1
    CLOSED: Final = 2


class ServerConnection(asyncio.Protocol, Client):
    """An HTTP/1.1 server connection."""

    __slots__ = (
        "_advancing", "_answering", "_counted", "_hub", "_in_body", "_lingers_until", "_listener", "_paused", "_phase",
        "_reader", "_reading", "_refusal", "_transport", "_unsent", "_watched", "expires",
    )  # fmt: skip

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._transport: asyncio.Transport
        self._reader = RequestReader(hub.body_limit)
        self._phase: int = _Phase.OPEN
        self._answering = False
        self._advancing = False
        self._listener: Listener | None = None
        self._paused = False
        self._reading = True
        self._refusal: Refusal | None = None
        """What ends the connection once the requests before it are answered."""
        self._watched: Request | None = None
        self._in_body = False
        self._unsent = 0
        """Bytes of answers that the client had not taken when it was last looked at."""
        self._lingers_until = 0.0
        self._counted = 0
        """Bytes of its own in ``Hub.receiving``."""
        self.expires = 0.0

    # --- for whoever answers

    def write(self, data: bytes) -> None:
        """Send bytes; silently nothing if the client is gone."""
        try:
            self._transport.write(data)
        except RuntimeError:
            return  # uvloop raises on a closed transport; connection_lost is on its way

    def retract(self) -> bool:
        """Forget what was written? It has left."""
        return False

    def done(self, *, keep_alive: bool) -> None:
        """The reply is out."""
        self._answering = False
        self._listener = None
        if not keep_alive:
            self._phase = _Phase.CLOSED
            self._transport.close()
            return
        self.expires = self._hub.clock.now + (_LAST_IDLE_SECONDS if self._hub.draining else _IDLE_SECONDS)
        if not self._advancing and (self._reader.whole or self._refusal is not None or not self._reading):
            self._advance()

    def leave_hub(self) -> None:
        """Its request is answered for as long as the router runs: nobody is to wait for its end."""
        self._hub.connections.discard(self)

    # --- for the router

    @property
    def busy(self) -> bool:
        """Is a request being received or answered?"""
        return self._answering or self._reader.current is not None or bool(self._reader.whole)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def cut(self) -> None:
        """Close now: a reply under way ends with an error that says so."""
        if self._listener is not None:
            self._listener.router_stops()
        else:
            self.abort()

    def wind_down(self) -> None:
        """The router drains. A client that comes again is told to leave by its reply; one that does not is left soon.

        To close an idle connection at once would reset the request that may be on its way, and lose it.
        """
        coming = self._reader.current
        if not self.busy:
            self.expires = min(self.expires, self._hub.clock.now + _LAST_IDLE_SECONDS)
        elif coming is not None and not coming.has_head:
            self.expires = min(self.expires, self._hub.clock.now + _LAST_HEAD_SECONDS)

    def on_expired(self, now: float) -> None:
        """The client took too long to send, or to come again."""
        if self._answering:
            return
        if self._phase == _Phase.OPEN and self._reader.current is not None:
            self._refuse(refused(self._reader.current, 408, "the request did not arrive in time"))
        elif self._still_reads():
            self.expires = now + (_LAST_IDLE_SECONDS if self._hub.draining else _IDLE_SECONDS)
        else:
            self._transport.abort()

    def _still_reads(self) -> bool:
        """Is an answer on its way to a client that takes it, however slowly? While draining, that is waited for."""
        before, self._unsent = self._unsent, _unsent(self._transport)
        return self._unsent > 0 and (self._hub.draining or self._unsent != before)

    # --- for the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = transport  # type: ignore[assignment]  # a TCP transport reads and writes
        self._hub.connections.add(self)
        self.expires = self._hub.clock.now + _HEAD_SECONDS

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop."""
        self._phase = _Phase.CLOSED
        hub = self._hub
        hub.connections.discard(self)
        if not hub.connections and hub.on_empty is not None:
            hub.on_empty()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.client_gone()
        self._reader.close()
        self._count(0)

    def pause_writing(self) -> None:
        """Called by the event loop: the client does not keep up."""
        self._paused = True
        if self._listener is not None:
            self._listener.client_paused()

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self._paused = False
        if self._listener is not None:
            self._listener.client_resumed()
        elif not self._advancing:
            self._advance()

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if self._phase != _Phase.OPEN or self._refusal is not None:
            self._linger()
            return
        reader = self._reader
        try:
            reader.feed(data)
        except httptools.HttpParserError as error:
            if not reader.whole or reader.whole[-1].keep_alive:  # else: bytes after the last request, not read
                self._refusal = Refusal(400, f"this is not HTTP/1.1: {error}")
        if reader.current is not None and self._refusal is None:
            self._watch(reader.current)
        if not self._advancing:
            self._advance()

    def _watch(self, request: Request) -> None:
        """Time limits on a request that is still being received, and an early look at its head."""
        if self._watched is not request:
            self._watched = request
            self._in_body = False
            self._count(0)
            self.expires = self._hub.clock.now + (_LAST_HEAD_SECONDS if self._hub.draining else _HEAD_SECONDS)
        if request.has_head and not self._in_body:
            self._in_body = True
            self.expires = self._hub.clock.now + _BODY_SECONDS
            self._refusal = check(request, self._hub.body_limit)
            is_next = not self._answering and not self._reader.whole
            if is_next and self._refusal is None and b"expect" in request.headers and not request.http10:
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif is_too_large(request, self._hub.body_limit):
            self._refusal = check(request, self._hub.body_limit)
        self._count(request.size)
        if self._refusal is None and self._is_one_too_many(request):
            self._refusal = refused(request, 503, "too much of other requests is being received; ask again")

    def _count(self, size: int) -> None:
        self._hub.receiving += size - self._counted
        self._counted = size

    def _is_one_too_many(self, request: Request) -> bool:
        limit = self._hub.body_limit
        return self._hub.receiving > _MOST_BODIES * limit and request.size * _SMALL > limit

    def _advance(self) -> None:
        """Have the next whole request answered; pipelined ones wait, and behind too many nothing more is read."""
        self._advancing = True
        whole = self._reader.whole
        while whole and not self._answering and not self._paused and self._phase == _Phase.OPEN:
            self._begin(whole.pop(0))
        self._advancing = False
        if self._phase != _Phase.OPEN:
            return
        if self._refusal is not None and not self._answering and not whole:
            self._refuse(self._refusal)
        elif self._reading and whole and _too_many(whole):
            self._reading = False
            self._transport.pause_reading()
        elif not self._reading and not whole:
            self._reading = True
            self._transport.resume_reading()

    def _begin(self, request: Request) -> None:
        refusal = check(request, self._hub.body_limit)
        if refusal is not None:
            self._refusal = refusal
            self._reader.whole.clear()
            return
        if self._watched is request:
            self._watched = None
            self._in_body = False
            self._count(0)
        if self._hub.draining and not self._reader.whole:
            request.keep_alive = False
        self._answering = True
        listener = self._hub.handle(request, self)
        if self._answering:
            self._listener = listener

    def _refuse(self, refusal: Refusal) -> None:
        self._phase = _Phase.LINGERING
        self.expires = self._hub.clock.now + _LINGER_SECONDS
        self._lingers_until = self._hub.clock.now + _LONGEST_LINGER
        if self._reader.current is not None:
            self._reader.current.drop()
        self._count(0)
        self.write(self._hub.refuse(refusal))
        if not self._transport.is_closing():
            self._transport.write_eof()

    def _linger(self) -> None:
        """A client that was refused still sends."""
        if self._phase == _Phase.LINGERING and not self._hub.draining:
            self.expires = min(self._hub.clock.now + _LINGER_SECONDS, self._lingers_until)


def _too_many(waiting: Iterable[Request]) -> bool:
    """Is it better to stop reading, although that hides it if the client goes away?"""
    sizes = [request.size for request in waiting]
    return len(sizes) > _MAX_PIPELINED or sum(sizes) > _MAX_PIPELINED_BYTES


def _unsent(transport: asyncio.Transport) -> int:
    """Bytes that were written and not taken yet; 0 if none of them waits in this process."""
    waiting = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    if waiting and sock is not None:
        # The kernel takes more only when a third of its own queue is free: through a thin line that is minutes.
        with contextlib.suppress(OSError):
            queued = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
            waiting += int.from_bytes(queued, sys.byteorder)
    return waiting
