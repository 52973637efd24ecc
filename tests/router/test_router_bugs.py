"""A bug of ours costs the request that met it and nothing else: it ends once, with an error, and is recorded once."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_router import Running, role
from support.upstreams import Upstream


def raises(*_: object, **__: object) -> Any:
    raise ZeroDivisionError


def nothing_is_left(running: Running) -> bool:
    backends = running.router._front.table.backends.values()
    in_flight = [(backend.slots.in_flight, *(each.in_flight for each in backend.endpoints)) for backend in backends]
    return not running.router._world.timed and not any(map(any, in_flight))


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


async def test_before_anything_has_left(caplog: pytest.LogCaptureFixture) -> None:
    async with Upstream(scripts.status(503)) as upstream, role(upstream.address) as running:
        running.router._world.wall_now = raises  # asked for when an endpoint wants to be left alone
        reply = await running.chat()
        assert (reply.status, reply.json["error"]["code"]) == (500, "internal_error")
        assert running.outcomes == [("m1", "Cancelled")]
        assert nothing_is_left(running)
    assert told(caplog) == ["a request could not be answered"]


async def test_in_a_stream_behind_its_break(caplog: pytest.LogCaptureFixture) -> None:
    seen = asyncio.Event()
    seen.set()
    async with Upstream(scripts.cut(3, "fin", seen)) as upstream, role(upstream.address) as running:
        running.router._world.renew = raises  # asked when nobody is left
        reply = await running.chat(stream=True)
        assert reply.status == 200
        assert b"internal_error" in reply.body
        assert not reply.whole
        assert running.outcomes == [("m1", "Cut"), ("m1", "Malformed")]  # it was asked for the rest, too
        assert nothing_is_left(running)
    assert told(caplog) == ["a request could not be answered"]


async def test_of_one_that_waits_at_the_end_of_another(caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()
    async with (
        Upstream(scripts.waits_for(release)) as upstream,
        role(upstream.address, model_spec={"limits": {"maxInFlight": 1, "maxQueued": 1}}) as running,
    ):
        first = asyncio.create_task(running.chat())
        await upstream.visited()
        second = asyncio.create_task(running.chat())
        slots = running.router._front.table.backends["default/m1"].slots
        await until(lambda: slots.waiting == 1)
        running.router._world.renew = raises  # asked when it is its turn
        release.set()
        assert [(await first).status, (await second).status] == [200, 500]
        assert running.outcomes == [("m1", "Ok")]
        assert nothing_is_left(running)
    assert told(caplog) == ["a request could not be answered"]


class Broken:
    """A connector that cannot even fail."""

    acquire = raises
    forget = staticmethod(lambda *_: None)


async def test_where_the_first_attempt_begins(caplog: pytest.LogCaptureFixture) -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        world = running.router._world
        whole, world.connector = world.connector, cast("Any", Broken())
        assert (await running.chat()).status == 500
        world.connector = whole
        assert running.outcomes == [("m1", "Cancelled")]
        assert nothing_is_left(running)
        assert (await running.chat()).status == 200
    assert told(caplog) == ["a request could not be answered"]
