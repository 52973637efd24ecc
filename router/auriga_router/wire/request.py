"""Requests out of a client's bytes. llhttp judges the framing; callbacks only note what they see.

An exception inside an httptools callback would look like a framing error, so nothing is decided here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import httptools

MAX_HEAD: Final = 65536
"""Bytes of a request's head; and of what else is no body: trailers, and what chunks have beside their data."""
_A_CHUNK: Final = 8
"""Bytes around a chunk of one byte, and a few more."""
_MOST_PIECES: Final = 64
"""Pieces of a body that are kept apart: each is an object, 33 bytes and more beside its own."""

LOAD: Final = b"/load"
"""Where the router tells its load."""
_KEPT: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"content-encoding", b"expect",
                   b"connection", b"x-request-id", b"traceparent", b"tracestate", b"anthropic-version",
                   b"anthropic-beta", b"origin"})  # fmt: skip
"""The request's headers that anyone asks for. The caller's credentials are not among them, so they cannot leak."""
_FRAMING: Final = (b"content-length", b"transfer-encoding")
_ONCE: Final = frozenset({b"host", b"transfer-encoding"})
"""What must not be repeated: two readers of such a request might each heed another one. llhttp counts the lengths."""
_SECRET: Final = b"authorization"
_UNUSUAL: Final = frozenset({b"transfer-encoding", b"content-encoding", b"expect"})
_SPELLINGS: Final[dict[bytes, bytes]] = {}
"""Names of headers as they were written -> in lower case, or empty for one that nobody asks for. Clients write few."""
_MAX_SPELLINGS: Final = 1024
_OTHER_WORDS: Final = {b"proxy-connection": b"connection"}
"""What llhttp heeds as if it were that."""
_LONGEST: Final = max(map(len, _KEPT))


def _learnt(name: bytes) -> bytes:
    if len(name) > _LONGEST:
        return b""
    if len(_SPELLINGS) >= _MAX_SPELLINGS:
        _SPELLINGS.clear()  # somebody makes names up
    lower = _OTHER_WORDS.get(name.lower(), name.lower())
    _SPELLINGS[name] = known = lower if lower in _KEPT or lower == _SECRET else b""
    return known


class Refusal(NamedTuple):
    """Why a request is not even looked at. It ends the connection, whose framing cannot be trusted any more."""

    status: int
    message: str
    target: bytes = b""
    """What was asked for, if that is known."""
    origin: bytes = b""
    """Of the page that asked, if one did."""


class Request:
    """One request of a client."""

    __slots__ = (
        "beside",
        "has_head",
        "head_size",
        "headers",
        "http10",
        "joined",
        "keep_alive",
        "method",
        "pieces",
        "repeats",
        "size",
        "target",
        "unknown_version",
        "unusual",
    )

    def __init__(self) -> None:
        self.method = b""
        self.target = b""
        self.headers: dict[bytes, bytes] = {}
        self.http10 = False
        self.unknown_version = False
        """Neither HTTP/1.0 nor HTTP/1.1, although llhttp can read it."""
        self.keep_alive = True
        self.unusual = False
        """It has one of the headers that few requests have, and that not every server understands."""
        self.repeats = b""
        """A header that came twice although it must not."""
        self.has_head = False
        self.head_size = 0
        """Bytes of the head so far, about."""
        self.size = 0
        """Bytes of the body so far."""
        self.beside = 0
        """Bytes after the head that are no body, about."""
        self.pieces: list[bytes] = []
        """Of the body. Past the limit nothing is kept."""
        self.joined: bytearray | None = None
        """The pieces before those, of a body that comes in many."""

    @property
    def body(self) -> bytes:
        """The whole body."""
        if self.joined is not None:
            return b"".join((self.joined, *self.pieces))
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    def join(self) -> None:
        """Make one of many pieces."""
        if self.joined is None:
            self.joined = bytearray()
        self.joined += b"".join(self.pieces)
        self.pieces.clear()

    def drop(self) -> None:
        """What came of the body: it will be refused."""
        self.joined = None
        self.pieces.clear()


class RequestReader:
    """Feeds a client's bytes to llhttp and collects whole requests. One for each connection."""

    __slots__ = ("_continued", "_counts", "_head_bytes", "_headers", "_limit", "_parser", "current", "whole")
    __deletable__ = ["_parser"]

    def __init__(self, body_limit: int) -> None:
        self._limit = body_limit
        self._counts = False
        """A head could be too large that lies in the bytes at hand; in fewer none can by itself."""
        self._head_bytes = 0
        self._headers: dict[bytes, bytes] = {}
        self.current: Request | None = None
        """The request that is being received."""
        self.whole: list[Request] = []
        self._continued: Request | None = None
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        """Take in bytes. Raises httptools.HttpParserError."""
        before = self.current
        size = 0 if before is None else before.size
        self._counts = len(data) > MAX_HEAD
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        request = self.current
        if request is None:
            return
        if request.size > self._limit:
            request.drop()
        elif len(request.pieces) > _MOST_PIECES:
            request.join()
        if request is not before:
            if not request.has_head:
                # Behind pipelined requests a part of these bytes was theirs: then what comes next counts.
                request.head_size = self._head_bytes if self._counts or self.whole else len(data)
        elif request.has_head:
            request.beside += len(data) - (request.size - size)
        else:
            request.head_size += len(data)  # all of it was head, though of an endless header httptools tells nothing

    def close(self) -> None:
        """There will be no more bytes. Parser and reader hold each other: together they would wait for the collector,

        and with them whatever was received of a body, long after the client has gone.
        """
        del self._parser
        self.current = None

    def _ignore_upgrade(self, rest: bytes) -> None:
        """RFC 9110 lets a server be deaf to an upgrade; llhttp does not: it ends the request at its head.

        Java's client asks for h2c with every first request, so the body is read on by a new parser.
        """
        request = self.whole.pop()
        if request.method == b"CONNECT":
            raise httptools.HttpParserError("this server is no proxy")
        framing = [b"%s: %s\r\n" % (name, request.headers[name]) for name in _FRAMING if name in request.headers]
        self._continued = request
        self._parser = httptools.HttpRequestParser(self)
        self.feed(b"POST / HTTP/1.1\r\n%s\r\n%s" % (b"".join(framing), rest))

    def on_message_begin(self) -> None:
        """Called by httptools."""
        if self._continued is not None:
            self.current = self._continued
            self._headers = {}  # its own head has been read
        else:
            self.current = Request()
            self._headers = self.current.headers
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Called by httptools; in pieces when the URL comes in pieces."""
        if self.current is not None and self._continued is None:
            self.current.target += url
            if self._counts:
                self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by httptools."""
        if self._counts:
            self._head_bytes += len(name) + len(value) + 4  # colon, space and CRLF
        known = _SPELLINGS.get(name)
        if known is None:
            known = _learnt(name)
        if not known:
            return
        request = self.current
        if request is None or (known == _SECRET and request.target != LOAD):
            return  # a secret is kept only where it is our own operator's, and never forwarded
        headers = self._headers
        if known in _UNUSUAL:
            request.unusual = True
        if known in headers and known in _ONCE:
            request.repeats = known
        headers[known] = value

    def on_headers_complete(self) -> None:
        """Called by httptools."""
        self._headers = {}  # trailers, which come as headers too, must not change what the head said
        request = self.current
        if self._continued is not None:
            self._continued = None
        elif request is not None:
            request.has_head = True
            if self._counts:
                request.head_size = max(request.head_size, self._head_bytes)
            parser = self._parser
            request.method = parser.get_method()
            request.keep_alive = parser.should_keep_alive()
            if not request.keep_alive or b"connection" in request.headers:
                version = parser.get_http_version()
                request.http10 = version == "1.0"
                request.unknown_version = not request.http10 and version != "1.1"
                request.keep_alive = request.keep_alive and not request.http10

    def on_body(self, piece: bytes) -> None:
        """Called by httptools."""
        request = self.current
        if request is not None:
            request.size += len(piece)
            if request.size <= self._limit:
                request.pieces.append(piece)
            else:
                request.pieces.clear()  # it will be refused

    def on_message_complete(self) -> None:
        """Called by httptools."""
        request = self.current
        if request is not None:
            self.whole.append(request)
            self.current = None


def is_too_large(request: Request, body_limit: int) -> bool:
    """Has it outgrown a limit, although its framing is right so far?"""
    return request.size > body_limit or request.head_size > MAX_HEAD or _is_mostly_framing(request)


def _is_mostly_framing(request: Request) -> bool:
    return request.beside > MAX_HEAD and request.beside > MAX_HEAD + _A_CHUNK * request.size


def check(request: Request, body_limit: int) -> Refusal | None:
    """What llhttp lets pass and we do not, in a request whose head is here."""
    headers = request.headers
    if (  # the usual case, without another call
        0 < request.size <= body_limit
        and request.head_size <= MAX_HEAD
        and request.beside <= MAX_HEAD
        and not request.repeats
        and not request.unknown_version
        and not request.unusual
        and b"host" in headers
    ):
        return None
    return _too_large(request, body_limit) or _wrong(request)


def refused(request: Request, status: int, message: str) -> Refusal:
    """Why this request is not even looked at."""
    return Refusal(status, message, request.target, request.headers.get(b"origin", b""))


def _too_large(request: Request, body_limit: int) -> Refusal | None:
    length = request.headers.get(b"content-length")
    if request.head_size > MAX_HEAD:
        return refused(request, 431, f"the head of the request is larger than {MAX_HEAD} bytes")
    if request.size > body_limit or (length is not None and not request.size and int(length) > body_limit):
        return refused(request, 413, f"the body is larger than {body_limit} bytes")
    if _is_mostly_framing(request):
        return refused(request, 431, "the trailers, or the extensions of chunks, are too large")
    return None


def _wrong(request: Request) -> Refusal | None:
    headers = request.headers
    if request.unknown_version:
        return refused(request, 505, "the only versions understood are HTTP/1.1 and HTTP/1.0")
    if request.repeats:
        return refused(request, 400, f"there is more than one {request.repeats.decode('ascii')} header")
    if b"transfer-encoding" in headers and request.http10:
        return refused(request, 400, "HTTP/1.0 has no Transfer-Encoding")
    if b"host" not in headers and not request.http10:
        return refused(request, 400, "the Host header is missing")
    return _unsupported(request) if request.unusual else None


def _unsupported(request: Request) -> Refusal | None:
    headers = request.headers
    if headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        return refused(request, 501, "the only transfer coding understood is chunked")
    if headers.get(b"expect", b"100-continue").lower() != b"100-continue":
        return refused(request, 417, "the only expectation understood is 100-continue")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return refused(request, 415, "the body must not be compressed")
    return None
