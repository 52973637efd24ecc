"""What requests leave behind is freed at once: the collector looks for garbage only every few minutes (``garbage``)."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable, Iterator

import pytest

from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_router import Running, chain, model, routing, snapshot
from support.upstreams import Upstream

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


async def answered(running: Running) -> None:
    assert (await running.chat()).status == 200


async def streamed(running: Running) -> None:
    assert (await running.chat(stream=True)).status == 200


async def translated(running: Running) -> None:
    async with running.client() as client:
        await client.post({"model": "role", "stream": True, "input": "hi"}, path="/v1/responses")
        assert (await client.reply()).status == 200


async def malformed(running: Running) -> None:
    async with running.client() as client:
        await client.send(HEAD.replace(b"1000000", b"x"))
        assert (await client.reply()).status == 400


async def hung_up_within_its_body(running: Running) -> None:
    async with running.client() as client:
        await client.send(HEAD + b"x" * 100_000)
        await until(lambda: any(each.busy for each in running.router._hub.connections))


@pytest.mark.parametrize("ask", [answered, streamed, translated, malformed, hung_up_within_its_body])
async def test_no_connection_waits_for_the_collector(ask: Callable[[Running], Awaitable[None]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        dead = f"127.0.0.1:{sock.getsockname()[1]}"
    async with Upstream(scripts.ok) as upstream:
        state = snapshot(
            model("m1"), model("m2"), chain("role", "m1", "m2", breaker={"failures": 50}),
            endpoints={"m1": dead, "m2": upstream.address},
        )  # fmt: skip
        async with routing(state) as running:
            gc.collect()
            for _ in range(5):
                await ask(running)
            await until(lambda: not running.router._hub.connections)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            modules = [(type(each).__module__, type(each).__qualname__) for each in gc.garbage]
            assert not [each for each in modules if each[0].startswith(("auriga", "httptools"))]


async def test_nor_does_one_that_nobody_waits_for_any_more() -> None:
    """A task that was cancelled keeps its exception, that the frame, and a frame that knew its task would keep that."""
    accepted = asyncio.Event()
    server = await asyncio.start_server(lambda _reader, _writer: accepted.set(), "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"  # its handshake gets no answer
    there = model("m1", external={"provider": "openaiCompatible", "model": "m", "baseURL": url})
    async with routing(snapshot(there, chain("role", "m1"))) as running:
        before = asyncio.all_tasks()
        async with running.client() as client:
            await client.post({"model": "role", "messages": [{"role": "user", "content": "hi"}]})
            await accepted.wait()
            assert asyncio.all_tasks() > before
        await until(lambda: asyncio.all_tasks() <= before)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        assert not [each for each in gc.garbage if isinstance(each, asyncio.Task)]
    server.close()
