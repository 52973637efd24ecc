"""Connections to endpoints are kept and used again, and never when that could mix up two answers."""

from __future__ import annotations

import asyncio
import json
from typing import cast

import pytest

from auriga_router.endpoint import Endpoint, parse_address
from auriga_router.ports import CoarseClock, UpstreamUser
from auriga_router.wire.pool import Pools
from auriga_router.wire.upstream import UpstreamConnection
from support import upstreams_scripts as scripts
from support.http_grammar import chat_stream
from support.http_router import role
from support.upstreams import Script, Upstream, Visit


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_connection_is_used_again(stream: bool) -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        for _ in range(20):
            assert (await running.chat(stream=stream)).status == 200
        assert upstream.connections == 1


async def test_a_connection_is_used_again_after_an_error_that_was_read_whole() -> None:
    async with Upstream(scripts.status(400)) as upstream, role(upstream.address) as running:
        for _ in range(5):
            assert (await running.chat()).status == 400
        assert upstream.connections == 1


NOT_AGAIN: dict[str, Script] = {
    "connection close": scripts.sends(scripts.reply(200, scripts.answer(), headers="Connection: close\r\n")),
    "HTTP/1.0": scripts.sends(scripts.reply(200, scripts.answer()).replace(b"HTTP/1.1", b"HTTP/1.0")),
    "bytes after the answer": scripts.sends(scripts.reply(200, scripts.answer()) + scripts.reply(200, b"smuggled")),
    "junk after the answer": scripts.sends(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + scripts.chunk(scripts.answer()) + b"0\r\n\r\njunk"
    ),
}


@pytest.mark.parametrize("kind", NOT_AGAIN)
async def test_a_connection_is_not_used_again(kind: str) -> None:
    async with (
        Upstream(NOT_AGAIN[kind]) as upstream,
        Upstream(scripts.ok) as other,
        role(upstream.address, other.address) as running,
    ):
        for number in range(3):
            reply = await running.chat()
            assert reply.json["choices"][0]["message"]["content"] == scripts.TEXT
            assert b"smuggled" not in reply.body
            assert upstream.connections == number + 1


async def test_bytes_on_an_idle_connection_are_never_taken_for_an_answer() -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        assert (await running.chat()).status == 200
        visit = upstream.visits[0]
        await visit.send(scripts.reply(200, b'{"smuggled": true}'))
        await visit.gone.wait()
        assert (await running.chat()).json["choices"][0]["message"]["content"] == scripts.TEXT
        assert upstream.connections == 2


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_kept_connection_that_closes_under_a_request_is_no_failure(how: str, stream: bool) -> None:
    """The endpoint closes idle connections just as the request arrives: it is sent again on a fresh one."""

    async def hang_up(visit: Visit) -> None:
        visit.reset() if how == "rst" else visit.close()

    async with Upstream(scripts.ok, hang_up, scripts.ok) as upstream, role(upstream.address) as running:
        assert (await running.chat(stream=stream)).status == 200
        reply = await running.chat(stream=stream)
        assert (reply.status, reply.headers["x-auriga-attempts"]) == (200, "m1")
        assert running.outcomes == [("m1", "Ok")] * 2
        assert (len(upstream.visits), upstream.connections) == (3, 2)


async def test_but_only_once() -> None:
    async def hang_up(visit: Visit) -> None:
        visit.close()

    async with (
        Upstream(scripts.ok, hang_up) as upstream,
        role(upstream.address, fallback={"maxAttempts": 1}) as running,
    ):
        assert (await running.chat()).status == 200
        assert (await running.chat()).status == 502
        assert running.outcomes == [("m1", "Ok"), ("m1", "Connect")]
        assert len(upstream.visits) == 3


async def test_many_at_once_all_get_their_own_answer() -> None:
    async def echo(visit: Visit) -> None:
        word = visit.json["messages"][0]["content"]
        events = scripts.events([f"{word} "] * 3)
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, events)) + b"0\r\n\r\n")

    async with Upstream(echo) as upstream, role(upstream.address) as running:

        async def ask(number: int) -> None:
            async with running.client() as client:
                for turn in range(3):
                    word = f"{number}-{turn}"
                    message = {"role": "user", "content": word}
                    await client.post({"model": "role", "stream": True, "messages": [message]})
                    reply = await client.reply()
                    assert chat_stream(reply.body, whole=reply.whole).text == f"{word} " * 3

        await asyncio.gather(*(ask(number) for number in range(200)))
        assert len(upstream.visits) == 600
        assert upstream.connections <= 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_large_bodies_both_ways(chunked: bool) -> None:
    answer = scripts.answer("y" * 3_000_000)

    async def large(visit: Visit) -> None:
        assert len(visit.json["messages"][0]["content"]) == 3_000_000
        if chunked:
            await visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(answer), 100_000):
                await visit.send(scripts.chunk(answer[start : start + 100_000]))
            await visit.send(b"0\r\n\r\n")
        else:
            await visit.send(scripts.reply(200, answer))

    async with Upstream(large) as upstream, role(upstream.address) as running, running.client() as client:
        for _ in range(2):
            await client.post({"model": "role", "messages": [{"role": "user", "content": "x" * 3_000_000}]})
            assert json.loads((await client.reply()).body) == json.loads(answer)
        assert upstream.connections == 1


class Caller:
    """Waits for a connection, and notes what comes. A user by its methods alone: the compiled one has no heirs."""

    def __init__(self) -> None:
        self.connected: asyncio.Future[UpstreamConnection | None] = asyncio.get_running_loop().create_future()
        self.answered = asyncio.Event()

    @property
    def user(self) -> UpstreamUser:
        return cast("UpstreamUser", self)

    def on_connected(self, upstream: UpstreamConnection) -> None:
        self.connected.set_result(upstream)

    def on_connect_failed(self) -> None:
        self.connected.set_result(None)

    def on_response(self, head: object, data: bytes, complete: bool) -> None:
        assert complete
        self.answered.set()


async def test_who_connects_to_an_endpoint_that_leaves_still_gets_there() -> None:
    async with Upstream(scripts.ok) as upstream:
        pools, endpoint = Pools(CoarseClock(0.0)), Endpoint("default/m", parse_address(upstream.address))
        first, gone = Caller(), Caller()
        assert pools.acquire(endpoint, first.user) is None
        assert pools.acquire(endpoint, gone.user) is None
        pools.drop([endpoint])
        pools.forget(endpoint, gone.user)
        async with asyncio.timeout(30):
            connection = await first.connected
        assert connection is not None
        assert not gone.connected.done()
        pools.close()


async def test_a_router_that_closes_gives_up_connecting() -> None:
    async with Upstream(scripts.ok) as upstream:
        pools, endpoint = Pools(CoarseClock(0.0)), Endpoint("default/m", parse_address(upstream.address))
        leaving, staying = Caller(), Caller()
        assert pools.acquire(endpoint, leaving.user) is None
        pools.drop([endpoint])
        assert pools.acquire(endpoint, staying.user) is None
        pools.close()
        assert [await each.connected for each in (leaving, staying)] == [None, None]


@pytest.mark.parametrize(("seconds", "again"), [(59.0, True), (61.0, False)])
async def test_a_connection_that_was_idle_for_a_minute_is_not_used_again(seconds: float, again: bool) -> None:
    """Many endpoints close theirs after that, and some forget them without a word."""
    clock = CoarseClock(0.0)
    async with Upstream(scripts.status(400)) as upstream, asyncio.timeout(30):
        pools, endpoint = Pools(clock), Endpoint("default/m", parse_address(upstream.address))
        first, second = Caller(), Caller()
        pools.acquire(endpoint, first.user)
        connection = await first.connected
        assert connection is not None
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"")
        await first.answered.wait()
        connection.release()
        clock.now += seconds
        assert (pools.acquire(endpoint, second.user) is connection) is again
        pools.close()
