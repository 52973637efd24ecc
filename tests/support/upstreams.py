"""A scripted endpoint: speaks OpenAI's dialect on a loopback port, well or badly, as each test says.

Every request is answered by a script: an async function of the ``Visit``. Scripts are in ``upstreams_scripts``.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self, cast


@dataclass(eq=False)
class Visit:
    """One request that came in, and the way to answer it."""

    head: bytes
    body: bytes
    connection: _Connection
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the peer has closed the connection."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def stream(self) -> bool:
        return bool(self.json.get("stream"))

    def header(self, name: str) -> str | None:
        match = re.search(rf"\r\n{name}:[ \t]*([^\r\n]*)".encode(), self.head, re.IGNORECASE)
        return match[1].decode() if match else None

    async def send(self, data: bytes) -> None:
        """Send; waits while the peer does not keep up."""
        if self.connection.transport.is_closing():
            await asyncio.Event().wait()  # the script ends here: it is cancelled when the connection is lost
        self.connection.transport.write(data)
        await self.connection.writable.wait()

    def reset(self) -> None:
        """Close so that the peer gets a RST."""
        sock = self.connection.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.transport.abort()

    def close(self) -> None:
        """Close so that the peer gets a FIN."""
        self.connection.transport.close()


Script = Callable[[Visit], Awaitable[None]]


class Upstream:
    """Answers the first request with the first script, and so on; the last script answers all the rest."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = scripts
        self.visits: list[Visit] = []
        self.open: set[_Connection] = set()
        self.connections = 0
        """How many were made in all."""
        self.tasks: set[asyncio.Task[None]] = set()
        self.tls: ssl.SSLContext | None = None
        self._arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, ssl=self.tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.open):
            connection.transport.abort()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def stop_listening(self) -> None:
        """Refuse new connections; those that are open stay so."""
        assert self._server is not None
        self._server.close()

    async def visited(self, count: int = 1) -> Visit:
        """Wait until so many requests have come; gives the last of them."""
        async with asyncio.timeout(30), self._arrived:
            await self._arrived.wait_for(lambda: len(self.visits) >= count)
        return self.visits[count - 1]

    async def answer(self, visit: Visit) -> None:
        self.visits.append(visit)
        async with self._arrived:
            self._arrived.notify_all()
        await self.scripts[min(self.visits.index(visit), len(self.scripts) - 1)](visit)


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._buffer = b""
        self._visit: Visit | None = None
        self._task: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport
        self.writable = asyncio.Event()
        self.writable.set()
        self.stuck = asyncio.Event()
        """Set once the peer did not keep up."""

    @property
    def address(self) -> str:
        return self._upstream.address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses of it
        self._upstream.connections += 1
        self._upstream.open.add(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        size = int(length[1]) if length else 0
        if not end or len(rest) < size or self._task is not None or self.transport.is_closing():
            return
        self._buffer = rest[size:]
        self._visit = Visit(head + end, rest[:size], self)
        self._task = asyncio.get_running_loop().create_task(self._upstream.answer(self._visit))
        self._upstream.tasks.add(self._task)
        self._task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._upstream.tasks.discard(task)
        if not task.cancelled():
            task.result()
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._upstream.open.discard(self)
        self.writable.set()
        if self._visit is not None:
            self._visit.gone.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self.writable.clear()
        self.stuck.set()

    def resume_writing(self) -> None:
        self.writable.set()


class Refusing:
    """An address that refuses connections while it is open: bound, never listening."""

    def __enter__(self) -> str:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._socket.close()
