"""Requests wait at an endpoint that leaves the snapshot: one that drains is left alone, one that is gone is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from auriga_router.snapshot import Snapshot
from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_router import Running, chain, model, routing, snapshot
from support.upstreams import Script, Upstream, Visit

LONG_BEFORE = 9000
"""Milliseconds. Without any reason for doubt the first look at an endpoint's health comes after ten seconds."""


def answers_when(told: asyncio.Event, health: Script) -> Script:
    """Works on its request until the event is set."""

    async def script(visit: Visit) -> None:
        if visit.head.startswith(b"GET /health "):
            await health(visit)
            told.set()
        else:
            await told.wait()
            await scripts.ok(visit)

    return script


class World:
    """A request under way at the first of two Models, whose endpoint can leave."""

    def __init__(self, running: Running, state: Snapshot, first: Upstream, asking: asyncio.Task[Reply]) -> None:
        self.running = running
        self.asking = asking
        self._state = state
        self._first = first

    def leaves(self, *, draining: bool) -> None:
        terminating = {"default/m1": (self._first.address,)} if draining else {}
        rest = {key: value for key, value in self._state.endpoints.items() if key != "default/m1"}
        self.running.router.apply(replace(self._state, endpoints=rest, terminating=terminating))

    async def answered_by(self) -> str:
        async with asyncio.timeout(60):
            return (await self.asking).headers["x-auriga-model"]


@asynccontextmanager
async def waiting(first: Upstream, second: Upstream, *, stream: bool = False) -> AsyncIterator[World]:
    endpoints = {"m1": first.address, "m2": second.address}
    state = snapshot(model("m1"), model("m2"), chain("role", "m1", "m2"), endpoints=endpoints)
    async with routing(state) as running:
        asking = asyncio.create_task(running.chat(stream=stream))
        await first.visited()
        yield World(running, state, first, asking)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("how", ["refuses", "is silent"])
async def test_one_that_is_gone_is_left_at_once(how: str, stream: bool) -> None:
    async with (
        Upstream(scripts.hangs) as gone,
        Upstream(scripts.ok) as other,
        waiting(gone, other, stream=stream) as world,
    ):
        if how == "refuses":
            gone.stop_listening()
        world.leaves(draining=False)
        assert await world.answered_by() == "m2"
        assert world.running.outcomes == [("m1", "Timeout"), ("m2", "Ok")]
        assert world.running.attempts[0].milliseconds < LONG_BEFORE


async def test_one_that_drains_is_left_alone_until_it_is_gone() -> None:
    async with (
        Upstream(scripts.hangs) as draining,
        Upstream(scripts.ok) as other,
        waiting(draining, other) as world,
    ):
        world.leaves(draining=True)
        assert (await world.running.get("/healthz")).status == 200
        assert draining.connections == 1  # it was not asked for its health
        draining.stop_listening()
        world.leaves(draining=False)
        assert await world.answered_by() == "m2"


async def test_one_that_is_gone_from_the_snapshot_but_alive_may_finish() -> None:
    told = asyncio.Event()
    script = answers_when(told, scripts.sends(scripts.reply(200, b"{}")))
    async with Upstream(script) as alive, Upstream(scripts.ok) as other, waiting(alive, other) as world:
        world.leaves(draining=False)
        assert await world.answered_by() == "m1"
        world.leaves(draining=False)
        assert [visit.head.split(b" ")[0] for visit in alive.visits] == [b"POST", b"GET"]
        assert world.running.attempts[0].milliseconds < LONG_BEFORE
        assert not other.visits
