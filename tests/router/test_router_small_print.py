"""Small print of the contract: who stops, who has begun to ask, and what is written of it."""

from __future__ import annotations

import asyncio
import json
import socket

from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_router import role
from support.upstreams import Upstream

HI = [{"role": "user", "content": "hi"}]
BODY = json.dumps({"model": "role", "messages": HI}).encode()


def post(body: bytes, headers: str = "", version: str = "1.1") -> bytes:
    head = f"POST /v1/chat/completions HTTP/{version}\r\nHost: a\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_a_client_of_http_1_0_is_sent_no_100_continue() -> None:
    """RFC 9110, 10.1.1: it would take that for its answer."""
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running, running.client() as client:
        head, _, body = post(BODY, "Expect: 100-continue\r\n", "1.0").partition(b"\r\n\r\n")
        await client.send(head + b"\r\n\r\n")
        await asyncio.sleep(0.1)  # so that head and body come in two reads
        await client.send(body)
        assert (await client.closed()).startswith(b"HTTP/1.1 200 ")


async def test_an_endpoint_that_fails_to_go_on_has_failed_by_its_own_word() -> None:
    """llama-server's 500 may be the caller's own mistake, but not where it says nothing of the kind."""
    seen = asyncio.Event()
    seen.set()
    async with (
        Upstream(scripts.cut(3, "fin", seen)) as first,
        Upstream(scripts.status(500)) as second,
        role(first.address, second.address, fallback={"maxAttempts": 2}) as running,
    ):
        await running.chat(stream=True)
        assert running.outcomes == [("m1", "Cut"), ("m2", "ServerError")]


async def test_a_router_that_stops_does_not_say_that_it_is_ready() -> None:
    release = asyncio.Event()
    async with (
        Upstream(scripts.waits_for(release)) as upstream,
        role(upstream.address) as running,
        running.client() as busy,
        running.client() as kept,
    ):
        assert (await kept.get("/readyz")).json["ready"] is True
        await busy.send(post(BODY))
        await upstream.visited()
        closing = asyncio.create_task(running.router.close(drain=10))
        await asyncio.sleep(0)
        reply = await kept.get("/readyz")
        assert (reply.status, reply.json["ready"]) == (503, False)
        release.set()
        await busy.reply()
        await closing


async def test_a_connection_that_is_not_accepted_yet_when_the_router_begins_to_drain_is_answered() -> None:
    """The kernel has told its client that it stands: to close the listening socket resets it, with the request."""
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        with socket.create_connection(("127.0.0.1", running.port)) as late:  # the event loop stands still meanwhile
            late.sendall(post(BODY))
            await running.router.close(drain=10)
            late.settimeout(10)
            assert late.recv(65536).startswith(b"HTTP/1.1 200 ")


async def test_half_a_head_does_not_hold_the_end_of_the_router() -> None:
    """Nor does one that has begun before it drains, nor one that begins then: a living client takes less time."""
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running, running.client() as client:
        async with running.client() as later:
            assert (await later.get("/healthz")).status == 200
            await client.send(b"POST /v1/chat/comp")
            await until(lambda: any(connection.busy for connection in running.router._hub.connections))
            closing = asyncio.create_task(running.router.close(drain=600))
            await asyncio.sleep(0)
            await later.send(b"POST /v1/chat/comp")
            async with asyncio.timeout(60):
                assert (await client.closed()).startswith(b"HTTP/1.1 408 ")
                assert (await later.closed()).startswith(b"HTTP/1.1 408 ")
        client.writer.close()
        async with asyncio.timeout(60):
            await closing
