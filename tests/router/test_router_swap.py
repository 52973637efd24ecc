"""A new snapshot changes what the next request does, and nothing about those under way. Closing drains."""

from __future__ import annotations

import asyncio
import socket
import weakref

from auriga_router.snapshot import Snapshot
from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_grammar import chat_stream
from support.http_router import Running, chain, model, role, routing, snapshot
from support.upstreams import Script, Upstream, Visit

EVENTS = scripts.events()
LAST = b"0\r\n\r\n"


def halves(release: asyncio.Event) -> Script:
    """A stream whose second half comes when the event is set."""

    async def script(visit: Visit) -> None:
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, EVENTS[:3])))
        await release.wait()
        await visit.send(b"".join(map(scripts.chunk, EVENTS[3:])) + LAST)

    return script


async def _stream(running: Running, flowing: asyncio.Semaphore) -> str:
    async with running.client() as client:
        await client.post({"model": "role", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        await client.body_until(EVENTS[2])
        flowing.release()
        reply = await client.reply()
        return chat_stream(reply.body, whole=reply.whole).text


async def test_streams_go_on_while_their_chain_model_and_endpoint_change_and_vanish() -> None:
    release, flowing = asyncio.Event(), asyncio.Semaphore(0)
    async with Upstream(halves(release)) as old, Upstream(scripts.ok) as new, role(old.address) as running:
        streams = [asyncio.create_task(_stream(running, flowing)) for _ in range(20)]
        for _ in streams:
            await flowing.acquire()
        moved = snapshot(model("m2"), chain("role", "m2"), endpoints={"m2": new.address})
        states = [moved, snapshot(), moved]
        for state in states:
            running.router.apply(state)
            assert running.router.load("default/m1", old.address) == 20
        assert (await running.chat()).headers["x-auriga-model"] == "m2"
        release.set()
        assert await asyncio.gather(*streams) == [scripts.TEXT] * 20
        assert running.router.load("default/m1", old.address) == 0
        assert len(new.visits) == 1


async def test_counters_breakers_and_connections_outlive_a_swap() -> None:
    async with Upstream(scripts.status(500)) as bad, Upstream(scripts.ok) as good:
        objects = [model("m1"), model("m2"), chain("role", "m1", "m2", breaker={"failures": 2, "cooldown": "10m"})]
        state = snapshot(*objects, endpoints={"m1": bad.address, "m2": good.address})
        async with routing(state) as running:
            for _ in range(6):
                running.router.apply(state)
                assert (await running.chat()).status == 200
            assert (len(bad.visits), good.connections) == (2, 1)
            assert b'outcome="ServerError"} 2.0' in (await running.get("/metrics")).body


async def test_a_large_change_is_taken_in_steps_between_which_requests_are_answered() -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        many = snapshot(
            *(model(f"m{number}") for number in range(2000)), chain("role", "m9"), endpoints={"m9": upstream.address}
        )
        taking = asyncio.create_task(running.router.apply_in_steps(many))
        answered = 0
        while not taking.done():
            assert (await running.chat()).status == 200
            answered += 1
        assert answered > 1
        assert (await running.get("/v1/models/m1999")).status == 200


async def test_after_a_large_change_nothing_is_left_of_what_was_before() -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:

        def many(path: str) -> Snapshot:
            source = {"file": {"path": path}}
            models = [model(f"m{number}", source=source) for number in range(300)]
            return snapshot(*models, chain("role", "m9"), endpoints={"m9": upstream.address})

        first = many("one.gguf")
        assert await running.router.apply_in_steps(first) == 301
        remembered = weakref.ref(first.models["default/m7"])
        del first
        assert await running.router.apply_in_steps(many("two.gguf")) == 300
        assert remembered() is None
        assert (await running.chat()).status == 200


async def test_of_two_changes_at_once_none_is_lost() -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        many = snapshot(*(model(f"m{number}") for number in range(100)))
        taking = asyncio.create_task(running.router.apply_in_steps(many))
        await asyncio.sleep(0)
        running.router.apply(snapshot(model("m3", suspended=True)))
        await taking
        assert (await running.get("/v1/models/role")).status == 404
        assert (await running.get("/v1/models/m99")).status == 200
        assert b"NoEndpoints" in (await running.chat("m3")).body


async def test_idle_connections_to_endpoints_that_are_gone_are_closed() -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        assert (await running.chat()).status == 200
        running.router.apply(snapshot())
        async with asyncio.timeout(20):
            await upstream.visits[0].gone.wait()


async def test_a_request_that_waits_for_a_connection_to_an_endpoint_that_vanishes_goes_on_elsewhere() -> None:
    """The first endpoint accepts no connection: its queue of one is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        address = f"127.0.0.1:{full.getsockname()[1]}"
        async with Upstream(scripts.ok) as good, role(address, good.address) as running:
            task = asyncio.create_task(running.chat())
            await until(lambda: running.router.load("default/m1", address) == 1)
            running.router.apply(snapshot(model("m2"), chain("role", "m2"), endpoints={"m2": good.address}))
            reply = await task
            assert (reply.status, reply.headers["x-auriga-model"]) == (200, "m2")
        for filler in fillers:
            filler.close()


async def test_closing_lets_streams_finish_and_refuses_new_connections() -> None:
    release, flowing = asyncio.Event(), asyncio.Semaphore(0)
    async with (
        Upstream(halves(release)) as upstream,
        role(upstream.address) as running,
        running.client() as idle,
    ):
        stream = asyncio.create_task(_stream(running, flowing))
        await flowing.acquire()
        closing = asyncio.create_task(running.router.close(drain=30))
        assert await idle.closed() == b""
        assert not closing.done()
        try:
            await running.chat()
            raise AssertionError("a draining router took a connection")
        except ConnectionError:
            release.set()
        assert await stream == scripts.TEXT
        await closing


async def test_what_does_not_finish_in_time_is_cut() -> None:
    flowing = asyncio.Semaphore(0)
    async with (
        Upstream(halves(asyncio.Event())) as upstream,
        role(upstream.address) as running,
        running.client() as client,
    ):
        await client.post({"model": "role", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        await client.body_until(EVENTS[2])
        flowing.release()
        await running.router.close(drain=0.1)
        reply = await client.reply()
        assert not reply.whole
        async with asyncio.timeout(20):
            await upstream.visits[0].gone.wait()


async def test_a_request_that_is_on_its_way_when_the_router_begins_to_drain_is_answered() -> None:
    """Kept alive, or new: a rollout would lose it where idle connections are closed at once."""
    async with (
        Upstream(scripts.ok) as upstream,
        role(upstream.address) as running,
        running.client() as kept,
        running.client() as new,
    ):
        body = {"model": "role", "messages": [{"role": "user", "content": "hi"}]}
        await kept.post(body)
        assert (await kept.reply()).headers.get("connection") is None
        closing = asyncio.create_task(running.router.close(drain=30))
        await asyncio.sleep(0)
        for client in (kept, new):
            await client.post(body)
            reply = await client.reply()
            assert (reply.status, reply.headers["connection"]) == (200, "close")
            assert await client.closed() == b""
        await closing


async def test_a_kept_alive_client_is_told_to_close_when_draining() -> None:
    release = asyncio.Event()
    async with (
        Upstream(scripts.waits_for(release)) as upstream,
        role(upstream.address) as running,
        running.client() as client,
    ):
        await client.post({"model": "role", "messages": [{"role": "user", "content": "hi"}]})
        await upstream.visited()
        closing = asyncio.create_task(running.router.close(drain=30))
        await asyncio.sleep(0)
        release.set()
        assert (await client.reply()).status == 200
        assert await client.closed() == b""
        await closing
