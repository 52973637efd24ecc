"""Bytes of a stream, in whatever pieces they come -> whole server-sent events. Pure.

Looks at each byte once, however small the pieces are, and holds no more than one event.
"""

from __future__ import annotations

from typing import Final

from auriga_router import sse

LONGEST_EVENT: Final = 16 * 1024 * 1024
"""Bytes. Whole tool calls and pictures may come in one event; more than this is nobody's answer."""
_OVERLAP: Final = 3
"""A blank line may begin this many bytes before the end of a piece: ``\\r\\n\\r`` and then ``\\n``."""


class EventReader:
    """One stream."""

    __slots__ = ("_limit", "_pieces", "_size", "_tail", "too_long")

    def __init__(self, limit: int = LONGEST_EVENT) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._tail = b""
        self.too_long = False
        """An event was longer than the limit. Nothing more comes out."""

    def feed(self, data: bytes) -> list[sse.Event]:
        """The events that these bytes make whole."""
        return [sse.parse(event) for event in self.whole(data)]

    def whole(self, data: bytes) -> list[bytes]:
        """The same as they came, each with the blank line that ends it."""
        if self.too_long:
            return []
        edge = self._tail + data
        if b"\n\n" not in edge and b"\n\r\n" not in edge:
            self._keep(data, edge)
            return []
        buffer = b"".join((*self._pieces, data)) if self._pieces else data
        self._pieces = []
        self._size = 0
        if b"\r" in buffer:
            events, rest = sse.split(buffer)
        else:
            *lines, rest = buffer.split(b"\n\n")  # the same for what all servers send, at a third of the time
            events = [line + b"\n\n" for line in lines]
        self._keep(rest, rest)
        return events

    def end(self) -> list[sse.Event]:
        """The last event, for servers that leave out the last blank line."""
        rest = self.rest()
        return [sse.parse(rest)] if rest.strip() else []

    def rest(self) -> bytes:
        """What came of an event that is not whole. It is not kept."""
        rest = b"".join(self._pieces)
        self._pieces = []
        return rest

    def _keep(self, data: bytes, edge: bytes) -> None:
        if data:
            self._pieces.append(data)
            self._size += len(data)
            self.too_long = self._size > self._limit
        self._tail = edge[-_OVERLAP:]
