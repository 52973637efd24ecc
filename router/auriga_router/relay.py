"""A committed stream on its way from the endpoint to the client. Pure.

Mostly the endpoint's own bytes go on, chunk framing included, up to the last whole event, so that a break never leaves
half an event at the client. What is unusual (no chunks, events across chunks, an error, the end) goes event by event.
"""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError

from auriga_router import sse
from auriga_router.dialects import Dialect, Problem, Sign
from auriga_router.journal import Journal
from auriga_router.stages import Stream
from auriga_router.translate.event_reader import EventReader
from auriga_router.wire.http import LAST_CHUNK, Decoder, chunk, decoder, unchunk

_ERROR_KEY: Final = b'"error"'
"""Inside a JSON string these bytes cannot occur (the quotes would be escaped): a hit is a key, or a whole string."""
_LAST_EVENTS: Final = 4
"""Content, finish, usage, end mark: what must be read to know whether the answer is whole."""

_MOST_PENDING: Final = 65536
"""Bytes of an event that is not whole."""
_MANY: Final = 256
_LARGE: Final = 16384
"""Pieces, or bytes in one of them, from which on what was sent is packed."""


class Relay(Stream):
    """The rest of a stream, on its way to the client."""

    __slots__ = (
        "_chunked", "_decoder", "_dialect", "_ended", "_finished", "_journal", "_pending", "_reader", "_sent",
        "_single", "broken",
    )  # fmt: skip

    def __init__(
        self, dialect: Dialect, journal: Journal | None, *, chunked: bool, client_chunked: bool, single: bool
    ) -> None:
        self._dialect = dialect
        self._journal = journal
        """Keeps what was sent; None: it need not be kept."""
        self._chunked = client_chunked
        self._single = single
        """One choice was asked for: when it is finished, so is the answer."""
        self._decoder: Decoder | None = None if chunked and client_chunked else decoder(chunked=chunked)
        self._pending = b""
        """Bytes after the last place where the stream may be cut; it begins between two chunks."""
        self._sent: list[bytes] = []
        """What was sent last."""
        self._reader: EventReader | None = None
        """Of a stream that goes event by event."""
        self._finished = False
        self._ended = False
        self.broken = False
        """The endpoint reported an error, or ended before the answer did. What ``feed`` gave is still to be sent."""

    def feed(self, data: bytes, *, complete: bool) -> bytes:
        """What to send to the client for these bytes of the response."""
        plain = self._decoder is None and not (complete or self._pending) and data.endswith(sse.EVENT_AND_CHUNK_END)
        if not plain or data.rfind(_ERROR_KEY) >= 0:  # which nearly no read is; from behind CPython searches faster
            data = self._forward(data, complete=complete)
        sent = self._sent
        sent.append(data)
        if len(sent) > _MANY or len(data) > _LARGE:
            self._pack()
        return data

    @property
    def ended(self) -> bool:
        """Has the dialect's end mark been sent?"""
        return self._ended

    def sent(self) -> bytes | None:
        """All that was sent to the client; None if it was not kept, or was too much."""
        packed = None if self._journal is None else self._journal.read()
        return None if packed is None else packed + b"".join(self._sent)

    def _pack(self) -> None:
        if self._journal is not None:
            self._journal.append(b"".join(self._sent[:-_LAST_EVENTS]))
        del self._sent[:-_LAST_EVENTS]

    def _forward(self, data: bytes, *, complete: bool) -> bytes:
        if self._decoder is not None:
            return self._by_events(self._decoder, data, complete=complete)
        if self._pending:
            data = self._pending + data
            self._pending = b""
        if complete:
            return self._look_closer(data, _last_events(data), complete=True)
        if _ERROR_KEY in data:
            return self._look_closer(data, sse.cut_before(data, data.index(_ERROR_KEY)), complete=False)
        if not data.endswith(sse.EVENT_AND_CHUNK_END):
            cut = sse.cut_before(data, len(data))
            rest = data[cut:]
            if b"\n\n" in rest or b"\r\n\r\n" in rest or len(rest) > _MOST_PENDING:
                # A whole event that does not end where its chunk does: to wait until they fall together would delay it.
                # Or a large one: it would be looked through from its beginning with every read.
                return self._look_closer(data, cut, complete=False)
            self._pending = rest
            data = data[:cut]
        return data

    def end(self) -> bytes | None:
        """The end of a reply whose endpoint broke off or fell silent after the answer was whole; else None."""
        if self._decoder is None:
            self._look_back()
        if not (self._ended or (self._finished and self._single)):
            return None
        tail = b"" if self._ended else self.frame(self._dialect.end_event)
        return tail + (LAST_CHUNK if self._chunked else b"")

    def unsent(self) -> bytes:
        """What is still to be sent after a break: nothing, half an event is worth nothing."""
        return b""

    def fail(self, problem: Problem) -> bytes:
        """The event that ends a stream which cannot go on."""
        return self.frame(self._dialect.error_event(problem))

    def frame(self, event: bytes) -> bytes:
        """``event`` as it goes to the client."""
        return chunk(event) if self._chunked else event

    def _look_closer(self, data: bytes, start: int, *, complete: bool) -> bytes:
        """From ``start``, which is between two chunks, go event by event."""
        self._look_back(data[:start])
        self._decoder = decoder(chunked=True)
        return data[:start] + self._by_events(self._decoder, data[start:], complete=complete)

    def _look_back(self, data: bytes = b"") -> None:
        """Note what the last events that were forwarded unread have shown."""
        recent = b"".join((*self._sent[-_LAST_EVENTS:], data))
        try:
            events, _ = sse.split(unchunk(recent[_last_events(recent) :]))
        except HttpParserError:
            return  # what looked like the end of a chunk was none: then nothing is known
        for event in events:
            self._note(self._dialect.look(sse.parse(event)))

    def _note(self, sign: int) -> None:
        self._finished = self._finished or bool(sign & Sign.FINISH)
        self._ended = self._ended or bool(sign & Sign.END)

    def _by_events(self, decoder: Decoder, data: bytes, *, complete: bool) -> bytes:
        reader = self._reader = self._reader or EventReader()
        try:
            events = reader.whole(decoder.feed(data))
        except HttpParserError:
            self.broken = True
            return b""
        if complete and (rest := reader.rest().rstrip()):
            events.append(rest + b"\n\n")  # some servers leave out the last blank line
        sent: list[bytes] = []
        for event in events:
            sign = self._dialect.look(sse.parse(event))
            if sign & (Sign.ERROR | Sign.BROKEN):
                self.broken = True
                break
            if not self._ended:
                sent.append(event)
            self._note(sign)
        out = self.frame(b"".join(sent))
        self.broken = self.broken or reader.too_long
        if not complete or self.broken:
            return out
        end = self.end()
        self.broken = end is None
        return out + (end or b"")


def _last_events(data: bytes) -> int:
    """Where the last few events begin."""
    start = len(data)
    for _ in range(_LAST_EVENTS + 1):
        start = sse.cut_before(data, start - 1)
        if start <= 0:
            return 0
    return start
