"""The start of a response, of which the client has seen nothing yet: is it an answer? Pure.

Each ``feed`` gives OK as soon as there is an answer worth committing to, another outcome as soon as there will be none,
and None while that is open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from httptools import HttpParserError

from auriga_router import sse
from auriga_router.dialects import Dialect, Operation, Sign
from auriga_router.routing.outcome import Outcome
from auriga_router.stages import Held
from auriga_router.translate import Kind, read_failure
from auriga_router.translate.failure import OF_THE_CALLERS_MAKING
from auriga_router.wire.http import JSON, ResponseHead, decoder, unchunk

REFUSALS: Final = {
    Kind.CONTEXT_OVERFLOW: Outcome.CONTEXT_OVERFLOW,
    Kind.RATE_LIMIT: Outcome.RATE_LIMITED,
    Kind.AUTHENTICATION: Outcome.UNAUTHORIZED,
    Kind.PERMISSION: Outcome.UNAUTHORIZED,
    Kind.BILLING: Outcome.UNAUTHORIZED,
    Kind.NOT_FOUND: Outcome.UNSUPPORTED,
}
"""What an error's body says, whatever its status: Gemini tells of a wrong key by 400, OpenAI of no credit by 429."""
_WITHOUT_BODY: Final = (204, 205)
_EMPTY: Final = Outcome.EMPTY


def of_silence(reasoned: bool, explained: Callable[[], bool]) -> Outcome:
    """What an answer is worth that says nothing. ``reasoned``: it says why it ended; ``explained``: may a right one?"""
    return Outcome.OK if reasoned and explained() else Outcome.EMPTY


class HeldStream(Held):
    """The start of a streamed answer: held until it says something."""

    __slots__ = (
        "_decoder", "_dialect", "_explained", "_finished", "_limit", "_rest", "_seen_event", "_size", "chunked", "raw",
    )  # fmt: skip

    def __init__(self, dialect: Dialect, head: ResponseHead, limit: int, explained: Callable[[], bool]) -> None:
        """``explained``: may a right answer say nothing?"""
        self._dialect = dialect
        self._explained = explained
        self.chunked = head.chunked
        self._decoder = decoder(chunked=head.chunked)
        self._limit = limit
        self._size = 0
        self._rest = b""
        self._seen_event = False
        self._finished = False
        self.raw: list[bytes] = []
        """All that came, as it came: what the relay starts with."""

    def feed(self, data: bytes, *, complete: bool) -> Outcome | None:
        """OK at the first content; an error is no answer, nor is the end before any content unless it is explained."""
        self.raw.append(data)
        self._size += len(data)
        start = 0
        while start < len(data):  # event by event, because mostly the second one already says something
            cut = data.find(sse.EVENT_AND_CHUNK_END, start)
            stop = cut + len(sse.EVENT_AND_CHUNK_END) if cut >= 0 else len(data)
            outcome = self._read(data[start:stop])
            if outcome is not None:
                return outcome
            start = stop
        if complete:
            return Outcome.MALFORMED if self._rest.strip() and not self._seen_event else Outcome.EMPTY
        return Outcome.MALFORMED if self._size > self._limit else None

    def _read(self, data: bytes) -> Outcome | None:
        try:
            events, self._rest = sse.split(self._rest + self._decoder.feed(data))
        except HttpParserError:
            return Outcome.MALFORMED
        for event in events:
            self._seen_event = True
            outcome = self._weigh(self._dialect.look(sse.parse(event)))
            if outcome is not None:
                return outcome
        return None

    def _weigh(self, sign: int) -> Outcome | None:
        if sign & Sign.ERROR:
            return Outcome.CONTEXT_OVERFLOW if sign & Sign.OVERFLOW else Outcome.MALFORMED
        if sign & Sign.BROKEN:
            return Outcome.MALFORMED
        if sign & Sign.CONTENT:
            return Outcome.OK
        self._finished = self._finished or bool(sign & Sign.FINISH)
        if not sign & Sign.END:
            return None
        return of_silence(self._finished, self._explained)


class HeldWhole:
    """A response that is read to its end: an answer that is not streamed, or an error that may be the caller's."""

    __slots__ = (
        "_explained", "_limit", "_operation", "_pieces", "_size", "body", "content_type", "head", "status", "wait",
    )  # fmt: skip

    def __init__(self, operation: Operation, head: ResponseHead, limit: int, explained: Callable[[], bool]) -> None:
        """``explained``: may a right answer say nothing?"""
        self._operation = operation
        self._explained = explained
        self._limit = limit
        self._size = 0
        self._pieces: list[bytes] = []
        self.head = head
        self.status = head.status
        """What the caller is answered with."""
        self.content_type = JSON if head.status == 200 else head.content_type or JSON
        self.body = b""
        """The whole body, once ``feed`` has given an outcome."""
        self.wait: float | None = None
        """Seconds for which the body asks to be left alone."""

    def feed(self, data: bytes, *, complete: bool) -> Outcome | None:
        """OK for an answer; CLIENT_ERROR for an error that is the caller's."""
        self._size += len(data)
        if self._size > self._limit:
            return Outcome.MALFORMED
        if not complete:
            self._pieces.append(data)
            return None
        raw = b"".join((*self._pieces, data)) if self._pieces else data
        self.body = unchunk(raw) if self.head.chunked else raw
        # Bytes after a head that has no body are somebody's mistake; with them the caller would be out of step.
        return Outcome.EMPTY if self.status in _WITHOUT_BODY else self._judge()

    def _judge(self) -> Outcome:
        dialect = self._operation.dialect
        if self.status < 300:
            outcome = dialect.judge(self._operation, self.body)
            return self._of_silence(dialect, self.body) if outcome is _EMPTY else outcome
        failure = read_failure(self.status, self.body)
        self.wait = failure.wait
        restated = dialect.restate(self.status, self.body)
        if restated is not self.body:
            self.body, self.content_type = restated, JSON
        if self.status >= 500 and failure.kind in OF_THE_CALLERS_MAKING:
            self.status = 400
        return REFUSALS.get(failure.kind, Outcome.SERVER_ERROR if self.status >= 500 else Outcome.CLIENT_ERROR)

    def _of_silence(self, dialect: Dialect, answer: bytes) -> Outcome:
        return of_silence(dialect.gives_reason(answer), self._explained)
