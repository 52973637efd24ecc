"""An HTTP/1.1 client that hides nothing: raw bytes in, and replies read by h11, an independent strict parser."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

import h11


async def until(condition: Callable[[], bool | Awaitable[bool]], every: float = 0.02) -> None:
    """Wait until something is true that gives no event when it becomes so; look again ``every`` so many seconds."""
    async with asyncio.timeout(60):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(every)


@dataclass
class Reply:
    """A reply as it was received."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool
    """The message ended as its framing says; else the connection ended first."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class RawClient:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._h11 = h11.Connection(h11.CLIENT)
        self._received = b""

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Go away with a RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()

    async def post(self, body: object, path: str = "/v1/chat/completions", headers: str = "") -> None:
        """Send a request."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: auriga\r\n{headers}Content-Length: {len(data)}\r\n\r\n"
        await self.send(head.encode("latin-1") + data)

    async def get(self, path: str, method: str = "GET") -> Reply:
        await self.send(f"{method} {path} HTTP/1.1\r\nHost: auriga\r\n\r\n".encode())
        return await self.reply(method)

    async def reply(self, method: str = "POST") -> Reply:
        """The next reply, read to its end or to the connection's."""
        parser = self._parser(method)
        status, headers, pieces = 0, {}, []
        async with asyncio.timeout(60):
            while True:
                try:
                    event = parser.next_event()
                except h11.RemoteProtocolError:
                    return Reply(status, headers, b"".join(pieces), whole=False)
                if event is h11.NEED_DATA:
                    parser.receive_data(await self._read())
                elif isinstance(event, h11.Response):
                    status = event.status_code
                    headers = {name.decode(): value.decode() for name, value in event.headers}
                elif isinstance(event, h11.Data):
                    pieces.append(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    self._received = parser.trailing_data[0]
                    return Reply(status, headers, b"".join(pieces), whole=True)

    async def body_until(self, part: bytes) -> bytes:
        """Read raw bytes until ``part`` is among them; they stay there for ``reply``."""
        async with asyncio.timeout(30):
            while part not in self._received:
                data = await self.reader.read(65536)
                assert data, f"the connection ended before {part!r}"
                self._received += data
        return self._received

    async def closed(self) -> bytes:
        """Wait for the end of the connection; gives what came before it."""
        rest, self._received = self._received, b""
        async with asyncio.timeout(30):
            try:
                return rest + await self.reader.read()
            except ConnectionError:
                return rest

    async def _read(self) -> bytes:
        if self._received:
            data, self._received = self._received, b""
            return data
        try:
            return await self.reader.read(65536)
        except ConnectionError:
            return b""

    def _parser(self, method: str) -> h11.Connection:
        """A parser that expects the reply to ``method``: h11 must believe that it has sent the request."""
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("host", "auriga")]))
        parser.send(h11.EndOfMessage())
        return parser
