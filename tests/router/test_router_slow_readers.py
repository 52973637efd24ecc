"""Who reads slowly gets all of its answer: also when the router stops, and however long that takes."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from auriga_router.wire import server
from support import upstreams_scripts as scripts
from support.http_router import Running, role
from support.upstreams import Upstream

SIZE = 12_000_000
"""More than the kernel keeps for a connection on loopback."""
ASKED = json.dumps({"model": "role", "messages": [{"role": "user", "content": "hi"}]}).encode()


async def _read_slowly(running: Running, headers: str, *, stop: bool) -> tuple[int, asyncio.Task[None] | None]:
    """How many bytes came, a little at a time, over two seconds or so; ``stop``: the router drains meanwhile."""
    loop, closing, got = asyncio.get_running_loop(), None, 0
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", running.port))
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: {len(ASKED)}\r\n\r\n"
        await loop.sock_sendall(sock, head.encode() + ASKED)
        async with asyncio.timeout(60):
            while got < SIZE:
                data = await loop.sock_recv(sock, 200_000)
                if not data:
                    break
                got += len(data)
                if closing is None and stop:
                    closing = asyncio.create_task(running.router.close(drain=60))
                await asyncio.sleep(0.03)
    return got, closing


@pytest.mark.parametrize("headers", ["", "Connection: close\r\n"], ids=["kept", "closed"])
async def test_while_the_router_drains(headers: str) -> None:
    async with (
        Upstream(scripts.sends(scripts.reply(200, scripts.answer("x" * SIZE)))) as upstream,
        role(upstream.address) as running,
    ):
        got, closing = await _read_slowly(running, headers, stop=True)
        assert got >= SIZE
        assert closing is not None
        await closing


@pytest.mark.parametrize("headers", ["", "Connection: close\r\n"], ids=["kept", "closed"])
async def test_for_longer_than_a_connection_may_be_idle(headers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not idle: the answer is on its way. With a time that is shorter than 75 s, to see it sooner."""
    monkeypatch.setattr(server, "_IDLE_SECONDS", 0.5)
    monkeypatch.setattr(server, "_HEAD_SECONDS", 0.5)
    async with (
        Upstream(scripts.sends(scripts.reply(200, scripts.answer("x" * SIZE)))) as upstream,
        role(upstream.address) as running,
    ):
        got, _ = await _read_slowly(running, headers, stop=False)
        assert got >= SIZE
