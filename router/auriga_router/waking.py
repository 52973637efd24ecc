"""Who waits for a Model to start: what its stream's caller is told meanwhile, and when waiting is in vain. Pure."""

from __future__ import annotations

from typing import Final

import orjson

from auriga_router import replies
from auriga_router.attempts import Tried
from auriga_router.call import Call
from auriga_router.ports import Client
from auriga_router.routing.stuck import is_stuck
from auriga_router.slots import Slots
from auriga_router.table import Backend
from auriga_router.translate import Wire
from auriga_router.wire.http import chunk

LOOK_AGAIN: Final = 5.0
"""Seconds between two looks at what is waited for."""
_PING: Final = b'event: ping\ndata: {"type": "ping"}\n\n'


class Waiting:
    """A request that waits for a Model to start: since when, and when its client last heard of it."""

    __slots__ = ("_every", "_kept", "_looks_at", "_speaks_at")

    def __init__(self, now: float, every: float) -> None:
        """``every`` so many seconds the client hears of it; infinity: it must not."""
        self._every = every
        self._speaks_at = now + every
        self._looks_at = now + LOOK_AGAIN
        self._kept: KeptAlive | None = None

    @property
    def expires(self) -> float:
        """When to look again."""
        return min(self._speaks_at, self._looks_at)

    def is_in_vain(self, queue: Slots, backend: Backend | None, now: float) -> bool:
        """Is the Model of this queue gone, or has something been in the way of its start for too long?"""
        if now < self._looks_at:
            return False
        self._looks_at = now + LOOK_AGAIN
        return backend is None or backend.slots is not queue or is_stuck(backend, now)

    def is_silent_since_long(self, now: float) -> bool:
        """Is it time for a word? Then the next one is due a while later."""
        if now < self._speaks_at:
            return False
        self._speaks_at = now + self._every
        return True

    def tell(
        self, client: Client, call: Call, failed: list[Tried], backend: Backend | None, *, begun: bool = False
    ) -> Client:
        """Say how far the Model is; whom to reply to from now on. ``begun``: a part of the answer has left."""
        if self._kept is None:
            self._kept = KeptAlive(client, call, b"" if begun else replies.begin_stream(call, None, failed))
        self._kept.say(backend)
        return self._kept


def progress_of(backend: Backend | None) -> bytes:
    """A line for people: the Model, its phase, the bytes that are here."""
    if backend is None:
        return b"waiting"
    progress = backend.progress
    if progress is None:
        return b"%s waiting for a slot" % backend.name.encode()
    loaded = b" %d/%d bytes" % (progress.done, progress.total) if progress.total else b""
    left = b", %d s left" % progress.left if progress.left else b""
    return b"%s %s%s%s" % (backend.name.encode(), progress.phase.encode(), loaded, left)


class KeptAlive:
    """Stands between an exchange and its client, whose stream has begun before there is an answer. Implements
    ``ports.Client``.

    The status is out, or a part of the answer: what the exchange then writes loses its head, and an error becomes one
    in the stream.
    """

    __slots__ = ("_answered", "_call", "_client", "_failed")

    def __init__(self, client: Client, call: Call, head: bytes) -> None:
        self._client = client
        self._call = call
        self._answered = not head
        self._failed = False
        if head:
            client.write(head)

    def say(self, backend: Backend | None) -> None:
        """Tell how far the Model is: by a comment, which clients pass over, and by the dialect's own sign of life."""
        ping = _PING if self._call.operation.wire is Wire.MESSAGES else b"\n"
        self._client.write(self._framed(b": %s\n%s" % (progress_of(backend), ping)))

    def write(self, data: bytes) -> None:
        """The reply, its head first."""
        if not self._answered:
            self._answered = True
            head, _, data = data.partition(b"\r\n\r\n")
            if b"text/event-stream" not in head:
                self._failed = True
                data = self._framed(self._event(data))
        if data:
            self._client.write(data)

    def retract(self) -> bool:
        """Forget what was written: no, it has left."""
        return self._client.retract()

    def done(self, *, keep_alive: bool) -> None:
        """The reply is out. After an error there is no clean end."""
        self._client.done(keep_alive=keep_alive and not self._failed)

    def _event(self, error: bytes) -> bytes:
        """An error body, which may be an endpoint's own, as the event that ends a stream."""
        wire = self._call.operation.wire
        try:
            document = orjson.loads(error)
        except orjson.JSONDecodeError:
            document = {"error": {"message": "the request failed", "type": "server_error"}}
        if wire is Wire.RESPONSES:
            document = {"type": "error"} | document
        named = b"event: error\n" if wire in (Wire.MESSAGES, Wire.RESPONSES) else b""
        return b"%sdata: %s\n\n" % (named, orjson.dumps(document))

    def _framed(self, event: bytes) -> bytes:
        return chunk(event) if self._call.chunked else event
