"""HTTP/1.1 messages as bytes: replies, chunks, heads of responses, bodies without their chunks. Pure; no transports.

Framing is judged by llhttp (httptools) alone; what is read by hand here has passed it.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final, Protocol

import httptools

_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_CHUNKED_HEAD: Final = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
_CODED: Final = b"\r\ntransfer-encoding:"
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n")
_CONTENT_TYPE: Final = re.compile(rb"\r\ncontent-type:[ \t]*([^\r\n]*)")
_RETRY_AFTER: Final = re.compile(rb"\r\nretry-after:[ \t]*([^\r\n]*)")
_RETRY_AFTER_MS: Final = re.compile(rb"\r\nretry-after-ms:[ \t]*([^\r\n]*)")

LAST_CHUNK: Final = b"0\r\n\r\n"
JSON: Final = b"application/json"


def status_line(status: int) -> bytes:
    """The first line of a reply."""
    return _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode()


def reply(status: int, headers: bytes, body: bytes, *, content_type: bytes = JSON, close: bool = False) -> bytes:
    """A whole reply, ready for one write. ``headers`` are lines that end in CRLF."""
    return b"%scontent-type: %s\r\n%s%scontent-length: %d\r\n\r\n%s" % (
        _STATUS_LINES.get(status) or status_line(status), content_type, headers,
        b"connection: close\r\n" if close else b"", len(body), body,
    )  # fmt: skip


def head(status: int, headers: bytes, length: int, *, content_type: bytes = JSON, close: bool = False) -> bytes:
    """The head of a reply whose body of ``length`` bytes follows in pieces."""
    return b"%scontent-type: %s\r\n%s%scontent-length: %d\r\n\r\n" % (
        status_line(status), content_type, headers, b"connection: close\r\n" if close else b"", length,
    )  # fmt: skip


def stream_head(headers: bytes, *, chunked: bool, close: bool) -> bytes:
    """The head of a stream of events. Without chunks the stream ends where the connection does."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n%s%s%s\r\n" % (
        headers,
        b"transfer-encoding: chunked\r\n" if chunked else b"",
        b"connection: close\r\n" if close else b"",
    )


def chunk(data: bytes) -> bytes:
    """``data`` as one chunk; nothing for nothing, because an empty chunk would end the body."""
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


class ResponseHead:
    """The head of a response that llhttp accepted: status, framing, and the few headers that anyone asks for."""

    __slots__ = ("_lines", "chunked", "other_coding", "status")

    def __init__(self, status: int, raw: bytes) -> None:
        self.status = status
        self._lines = lines = raw.lower()
        # From behind: in so few bytes CPython's search from the front takes five times as long.
        coded = lines.rfind(_CODED) >= 0
        self.chunked = coded and _CHUNKED.search(lines) is not None
        self.other_coding = coded and not self.chunked
        """The body is coded in a way that nobody asked for. llhttp would read it to the end of the connection."""

    @property
    def ends_with_connection(self) -> bool:
        """Nothing but the end of the connection ends the body."""
        return not self.chunked and b"\r\ncontent-length:" not in self._lines

    @property
    def content_type(self) -> bytes:
        """In lower case; empty if absent."""
        match = _CONTENT_TYPE.search(self._lines)
        return match[1].strip() if match else b""

    @property
    def is_event_stream(self) -> bool:
        """Is a stream of events to follow?"""
        return b"text/event-stream" in self._lines and self.content_type.startswith(b"text/event-stream")

    @property
    def retry_after(self) -> bytes:
        """As it was written; empty if absent."""
        match = _RETRY_AFTER.search(self._lines)
        return match[1].strip() if match else b""

    @property
    def retry_after_ms(self) -> bytes:
        """OpenAI's own: the same in milliseconds; empty if absent."""
        match = _RETRY_AFTER_MS.search(self._lines)
        return match[1].strip() if match else b""


class Decoder(Protocol):
    """Takes the chunk framing off a body, piece by piece."""

    __slots__ = ()

    def feed(self, data: bytes) -> bytes:
        """What ``data`` adds to the body. Raises httptools.HttpParserError."""


class _Plain(Decoder):
    """The decoder of a body without chunks."""

    __slots__ = ()

    def feed(self, data: bytes) -> bytes:
        return data


class _Pieces:
    """What llhttp finds between chunk heads. Not the decoder itself: it and its parser would hold each other, and wait
    for the collector.
    """

    __slots__ = ("complete", "found")

    def __init__(self) -> None:
        self.found: list[bytes] = []
        self.complete = False

    def on_body(self, piece: bytes) -> None:
        """Called by httptools."""
        self.found.append(piece)

    def on_message_complete(self) -> None:
        """Called by httptools."""
        self.complete = True


class _Unchunker(Decoder):
    """A body without its chunks, piece by piece. Starts at the first byte after a head, or between two chunks."""

    __slots__ = ("_parser", "_pieces")

    def __init__(self) -> None:
        self._pieces = _Pieces()
        self._parser = httptools.HttpResponseParser(self._pieces)
        self._parser.feed_data(_CHUNKED_HEAD)

    def feed(self, data: bytes) -> bytes:
        """Bytes after the body's end are dropped."""
        pieces = self._pieces
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if not pieces.complete:
                raise
        body = b"".join(pieces.found)
        pieces.found.clear()
        return body


def unchunk(data: bytes) -> bytes:
    """The body in these chunks, as far as they go."""
    return _Unchunker().feed(data)


def decoder(*, chunked: bool) -> Decoder:
    """For a body that starts here, or between two chunks."""
    return _Unchunker() if chunked else _Plain()
