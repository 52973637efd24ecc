"""The reply to one caller once content has left for it: from one endpoint or, after a break, from several in turn.

Knows no sockets. A break is told as an outcome; who goes on is decided elsewhere.
"""

from __future__ import annotations

from auriga_router.adapter import Adapter
from auriga_router.call import Call
from auriga_router.dialects import Problem
from auriga_router.ports import Client
from auriga_router.routing.outcome import Outcome
from auriga_router.stages import Stream
from auriga_router.translate import Stop, Translation
from auriga_router.wire.http import LAST_CHUNK


class Flow:
    """A committed stream."""

    __slots__ = ("_adapter", "_call", "_client", "_stream", "rest")

    def __init__(self, client: Client, call: Call) -> None:
        self._client = client
        self._call = call
        self._adapter: Adapter
        self._stream: Stream
        self.rest: Translation | None = None
        """After a break: what another endpoint can go on with."""

    def go_on(self, adapter: Adapter, head: bytes, *, complete: bool) -> Outcome | None:
        """What this adapter held becomes visible, after ``head``. Gives what ``feed`` gives."""
        self._adapter = adapter
        self._stream, start = adapter.commit(complete=complete)
        if head or start:
            self._client.write(head + start)
        if self._stream.broken:
            return Outcome.CUT
        return Outcome.OK if complete else None

    def feed(self, data: bytes, *, complete: bool) -> Outcome | None:
        """More of the endpoint's response. OK: the reply is whole; CUT: it broke; None: it goes on."""
        stream = self._stream
        out = stream.feed(data, complete=complete)
        if out:
            self._client.write(out)
        if stream.broken:
            return Outcome.CUT
        return Outcome.OK if complete else None

    def end(self) -> bool:
        """The endpoint is gone. Was the answer whole anyway? Then its end is sent; else ``rest`` may be set."""
        end = self._stream.end()
        if end is None:
            self._client.write(self._stream.unsent())
            self.rest = self._adapter.translation()
            if self.rest is None or not self._spent(self.rest):
                return False
            end = self._stream.frame(self.rest.finish(Stop.LENGTH)) + (LAST_CHUNK if self._call.chunked else b"")
        elif unsaid := self._adapter.unsaid():
            self._client.write(self._stream.frame(unsaid))
        self._client.write(end)
        return True

    def _spent(self, rest: Translation) -> bool:
        """Has all been said that the caller's limit of tokens allows?"""
        limit = self._call.token_limit
        return limit is not None and rest.tape is not None and rest.tape.tokens >= limit

    def fail(self, problem: Problem) -> None:
        """Nobody can go on: say so in the stream."""
        self._client.write(self._stream.fail(problem))
