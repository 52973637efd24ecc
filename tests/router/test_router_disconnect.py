"""A client that goes away frees the endpoint at once, whenever that happens."""

from __future__ import annotations

import asyncio

import pytest

from support import upstreams_scripts as scripts
from support.http_grammar import chat_stream, error_object
from support.http_router import Running, role
from support.upstreams import Upstream, Visit

REQUEST = {"model": "role", "messages": [{"role": "user", "content": "hi"}]}


async def _gone(visit: Visit, running: Running) -> None:
    async with asyncio.timeout(20):
        await visit.gone.wait()
    assert running.outcomes == [("m1", "Cancelled")]
    assert running.router.load("default/m1", visit.connection.address) == 0


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_before_the_endpoint_says_anything(how: str, stream: bool) -> None:
    async with Upstream(scripts.hangs) as upstream, role(upstream.address) as running, running.client() as client:
        await client.post(REQUEST | {"stream": stream})
        visit = await upstream.visited()
        assert running.router.load("default/m1", upstream.address) == 1
        client.reset() if how == "rst" else client.writer.close()
        await _gone(visit, running)


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_in_the_middle_of_a_stream(how: str) -> None:
    never = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "stall", never)) as upstream,
        role(upstream.address) as running,
        running.client() as client,
    ):
        await client.post(REQUEST | {"stream": True})
        await client.body_until(scripts.events()[2])
        client.reset() if how == "rst" else client.writer.close()
        await _gone(await upstream.visited(), running)


async def test_in_the_middle_of_an_answer_that_is_not_streamed() -> None:
    async def half(visit: Visit) -> None:
        await visit.send(scripts.reply(200, scripts.answer())[:-10])
        await visit.gone.wait()

    async with Upstream(half) as upstream, role(upstream.address) as running, running.client() as client:
        await client.post(REQUEST)
        visit = await upstream.visited()
        client.writer.close()
        await _gone(visit, running)


async def test_while_a_flood_is_held_back_for_a_client_that_reads_nothing() -> None:
    async def flood(visit: Visit) -> None:
        await visit.send(scripts.SSE_HEAD)
        while True:
            await visit.send(scripts.chunk(scripts.event({"content": "x" * 4000})))

    async with Upstream(flood) as upstream, role(upstream.address) as running, running.client() as client:
        client.writer.transport.pause_reading()
        await client.post(REQUEST | {"stream": True})
        visit = await upstream.visited()
        await visit.connection.stuck.wait()
        client.reset()
        await _gone(visit, running)


async def test_the_connection_is_not_used_for_anybody_else() -> None:
    async with Upstream(scripts.hangs, scripts.ok) as upstream, role(upstream.address) as running:
        async with running.client() as client:
            await client.post(REQUEST)
            visit = await upstream.visited()
        await _gone(visit, running)
        assert (await running.chat()).status == 200
        assert upstream.connections == 2


async def test_pipelined_requests_behind_it_are_never_begun() -> None:
    async with Upstream(scripts.hangs) as upstream, role(upstream.address) as running, running.client() as client:
        await client.post(REQUEST)
        await client.post(REQUEST)
        visit = await upstream.visited()
        client.reset()
        await _gone(visit, running)
        assert len(upstream.visits) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_when_the_time_to_finish_is_over_the_reply_ends_with_an_error(stream: bool) -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "stall", seen) if stream else scripts.hangs) as upstream,
        role(upstream.address) as running,
        running.client() as client,
    ):
        await client.post({"model": "role", "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
        visit = await upstream.visited()
        if stream:
            await client.body_until(scripts.events()[2])
        await running.router.close(drain=0)
        reply = await client.reply()
        if stream:
            error = chat_stream(reply.body, whole=reply.whole).error
        else:
            assert (reply.status, reply.headers["connection"]) == (503, "close")
            error = error_object(reply.json)
        assert error is not None
        assert error["code"] == "shutting_down"
        await visit.gone.wait()
        assert running.outcomes == [("m1", "Cancelled")]
