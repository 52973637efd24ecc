"""GET requests to the API server, whole and as streams of lines: all that the source does with sockets.

Over asyncio's streams and llhttp, which the router has in memory already: an HTTP library would cost a fifth of all the
memory that a router uses, for two kinds of requests. Each has a connection of its own: they are few and long.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httptools
import orjson

from auriga_router.sources.kubernetes.connection import Connection

Object = dict[str, Any]
"""An object as the API writes it."""

_CONNECT_SECONDS = 5.0
_REQUEST_SECONDS = 30.0
_GOODBYE = 1.0
"""Seconds that the server gets to agree to the end of a connection."""
_READ = 256 * 1024
_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""A peer that vanished without a word is noticed after half a minute."""


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """The API server answered with an error."""

    def __init__(self, status: int, message: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.retry_after = retry_after
        """Seconds that the server asks to wait; 0 when it does not say."""


class Unreachable(Exception):  # noqa: N818 - says it all
    """No answer from the API server, or half of one."""


class Api:
    """One API server. Errors: Refused, Unreachable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Object:
        """What is at the path."""
        body = bytearray()
        async with self._response(path, parameters or {}, _REQUEST_SECONDS) as response:
            async for part in response.parts():
                body += part
            answer: Object = orjson.loads(body)
        return answer

    async def lines(
        self, path: str, parameters: Mapping[str, str], silence: float
    ) -> AsyncGenerator[list[bytes], None]:
        """The lines of a long answer, as they come; Unreachable after ``silence`` seconds without any."""
        buffer = b""
        async with self._response(path, parameters, silence) as response:
            async for part in response.parts():
                *lines, buffer = (buffer + part).split(b"\n")
                if lines:
                    yield lines

    @asynccontextmanager
    async def _response(self, path: str, parameters: Mapping[str, str], silence: float) -> AsyncIterator[_Response]:
        target = self._connection.address.path + path + (f"?{urlencode(parameters)}" if parameters else "")
        writer: asyncio.StreamWriter | None = None
        try:
            reader, writer = await self._connect()
            writer.write(self._request(target))
            response = _Response(reader, silence)
            await response.head()
            if response.status >= 400:
                raise await response.refusal()
            yield response
        except (OSError, asyncio.IncompleteReadError, httptools.HttpParserError, orjson.JSONDecodeError) as error:
            raise Unreachable(f"GET {path}: {_told(error)}") from error
        finally:
            if writer is not None:
                writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address, tls = self._connection.address, self._connection.tls()
        host, port = address.hostname or "", address.port or (443 if tls else 80)
        name = (self._connection.server_name or host) if tls else None
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                host, port, ssl=tls, server_hostname=name, limit=_READ, ssl_shutdown_timeout=_GOODBYE if tls else None
            )
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        return reader, writer

    def _request(self, target: str) -> bytes:
        authorization = self._connection.identity.authorization()
        lines = [
            f"GET {target} HTTP/1.1",
            f"host: {self._connection.address.netloc}",
            "accept: application/json",
            "user-agent: auriga-router",
            "connection: close",
            *([f"authorization: {authorization}"] if authorization else []),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _told(error: Exception) -> str:
    known = {TimeoutError: "no answer in time", asyncio.IncompleteReadError: "the connection was cut"}
    return known.get(type(error)) or str(error) or type(error).__name__


class _Response:
    """Reads one response. The methods ``on_...`` are called by httptools."""

    def __init__(self, reader: asyncio.StreamReader, silence: float) -> None:
        self._reader = reader
        self._silence = silence
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._begun = self._complete = False
        self.status = 0
        self.retry_after = 0.0

    async def head(self) -> None:
        """Until the status and all headers are known."""
        while not self._begun:
            await self._more()

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while True:
            if self._parts:
                part = b"".join(self._parts)
                self._parts.clear()
                yield part
            if self._complete:
                return
            await self._more()

    async def refusal(self) -> Refused:
        """What the error says."""
        body = b"".join([part async for part in self.parts()])
        try:
            message = str(orjson.loads(body)["message"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            message = body.decode(errors="replace")[:300]
        return Refused(self.status, message, self.retry_after)

    async def _more(self) -> None:
        async with asyncio.timeout(self._silence):
            data = await self._reader.read(_READ)
        if not data:
            raise asyncio.IncompleteReadError(b"", None)
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after" and value.isdigit():
            self.retry_after = float(value)

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._begun = self.status >= 200

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        self._complete = self._begun
