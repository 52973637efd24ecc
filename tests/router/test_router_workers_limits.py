"""``limits`` of a Model hold for all workers together, and whoever has the callers has what there is."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from auriga_router.router import Router
from auriga_router.workers.group import Group, Seat
from support import upstreams_scripts as scripts
from support.http_client import RawClient, until
from support.http_router import model, snapshot
from support.upstreams import Upstream, Visit
from support.worker_groups import QUESTION, callers, group

CHAT = "/v1/chat/completions"
RARE, NARROW = QUESTION | {"model": "rare"}, QUESTION | {"model": "narrow"}


async def test_what_one_worker_lets_through_in_a_minute_the_other_does_not(tmp_path: Path) -> None:
    async with Upstream(scripts.ok) as upstream, group(tmp_path, upstream.address) as (_, url), callers(url) as both:
        assert (await both[0].post(CHAT, json=RARE)).status_code == 200
        for caller in both:
            refused = await caller.post(CHAT, json=RARE)
            assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        assert len(upstream.visits) == 1


async def test_no_more_than_may_be_are_in_flight_and_a_dead_worker_has_none(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with (
        Upstream(scripts.waits_for(release)) as upstream,
        group(tmp_path, upstream.address) as (running, url),
        callers(url) as one,
        callers(url) as other,
        callers(url) as watching,
    ):

        async def waiting() -> int:
            models = (await watching[0].get("/status")).json()["models"]
            return sum(model["queued"] for model in models)

        asked = []
        for caller in one:  # one in each worker, and then another one
            asked.append(asyncio.create_task(caller.post(CHAT, json=NARROW)))
            await upstream.visited(len(asked))

        async def two_wait() -> bool:
            return await waiting() == 2

        asked += [asyncio.create_task(caller.post(CHAT, json=NARROW)) for caller in other]
        await until(two_wait)
        assert len(upstream.visits) == 2
        os.kill((await running.workers())[0], signal.SIGKILL)
        await upstream.visited(3)
        release.set()
        replies = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(not isinstance(reply, BaseException) and reply.status_code == 200 for reply in replies) == 2


class Pair:
    """Two workers in this process, each with a port of its own."""

    def __init__(self, ports: list[int], upstream: Upstream, releases: list[asyncio.Event]) -> None:
        self._ports = ports
        self._releases = releases
        self.upstream = upstream
        self.routers: list[Router] = []

    def ask(self, worker: int) -> asyncio.Task[int]:
        """The status of the reply."""

        async def asked() -> int:
            async with RawClient(self._ports[worker - 1]) as client:
                await client.post({"model": "m", "messages": [{"role": "user", "content": f"worker {worker}"}]})
                return (await client.reply()).status

        return asyncio.create_task(asked())

    def answer(self, number: int) -> None:
        """The request that came as the so manieth."""
        self._releases[number - 1].set()

    async def waits(self, *numbers: int) -> None:
        """So many in each."""
        await until(
            lambda: (
                [router._front.table.backends["default/m"].slots.waiting for router in self.routers] == list(numbers)
            )
        )

    async def came(self, number: int) -> str:
        """What was asked by the request that came as the so manieth."""
        visit = await self.upstream.visited(number)
        assert len(self.upstream.visits) == number
        return str(visit.json["messages"][0]["content"])


@asynccontextmanager
async def pair(**limits: Any) -> AsyncIterator[Pair]:
    releases = [asyncio.Event() for _ in range(16)]

    async def script(visit: Visit) -> None:
        await releases[upstream.visits.index(visit)].wait()
        await scripts.ok(visit)

    workers = Group(2)
    upstream = Upstream(script)
    async with upstream:
        pair = Pair([], upstream, releases)
        state = snapshot(
            model(
                "m",
                external={"provider": "openaiCompatible", "baseURL": f"http://{upstream.address}/v1"},
                limits=limits,
            )
        )
        for number in workers.numbers:
            router = Router(seat=Seat(workers, number))
            sock = socket.create_server(("127.0.0.1", 0))
            pair._ports.append(sock.getsockname()[1])
            await router.join()
            router.apply(state)
            await router.start(sock)
            pair.routers.append(router)
        try:
            yield pair
        finally:
            for router in pair.routers:
                await router.close(0)
            workers.close()


async def test_one_that_has_all_the_callers_has_all_the_room() -> None:
    async with pair(maxInFlight=3) as two:
        asked = []
        for number in (1, 2, 3):
            asked.append(two.ask(1))
            assert await two.came(number) == "worker 1"
        asked.append(two.ask(2))
        await two.waits(0, 1)
        two.answer(2)
        assert await two.came(4) == "worker 2"
        for number in (1, 3, 4):
            two.answer(number)
        assert [await each for each in asked] == [200] * 4


async def test_first_come_first_served_among_all_of_them() -> None:
    async with pair(maxInFlight=1) as two:
        asked = [two.ask(1)]
        await two.came(1)
        asked.append(two.ask(2))
        await two.waits(0, 1)
        asked.append(two.ask(1))
        await two.waits(1, 1)
        asked.append(two.ask(2))
        await two.waits(1, 2)
        for number, who in ((2, 2), (3, 1), (4, 2)):
            two.answer(number - 1)
            assert await two.came(number) == f"worker {who}"
        two.answer(4)
        assert [await each for each in asked] == [200] * 4


async def test_what_may_wait_is_what_waits_in_all_of_them() -> None:
    async with pair(maxInFlight=1, maxQueued=2) as two:
        asked = [two.ask(1)]
        await two.came(1)
        asked += [two.ask(1), two.ask(1)]
        await two.waits(2, 0)
        assert [await two.ask(worker) for worker in (1, 2)] == [503, 503]
        for number in (1, 2, 3):
            two.answer(number)
        assert [await each for each in asked] == [200] * 3


async def test_a_limit_that_is_raised_or_taken_away_lets_those_go_that_wait() -> None:
    async with pair(maxInFlight=1) as two:
        asked = [two.ask(1)]
        await two.came(1)
        asked += [two.ask(worker) for worker in (1, 2, 1)]
        await until(lambda: sum(r._front.table.backends["default/m"].slots.waiting for r in two.routers) == 3)
        external = {"provider": "openaiCompatible", "baseURL": f"http://{two.upstream.address}/v1"}
        for router in two.routers:
            router.apply(snapshot(model("m", external=external, limits={"maxInFlight": 2})))
        await two.came(2)
        for router in two.routers:
            router.apply(snapshot(model("m", external=external)))
        await two.upstream.visited(4)
        for number in range(1, 5):
            two.answer(number)
        assert [await each for each in asked] == [200] * 4


async def test_a_word_that_gets_lost_costs_a_moment() -> None:
    async with pair(maxInFlight=1) as two:
        for router in two.routers:
            assert router._places is not None
            asyncio.get_running_loop().remove_reader(router._places._group.heard(router._places._worker))
        asked = [two.ask(1)]
        await two.came(1)
        asked.append(two.ask(2))
        await two.waits(0, 1)
        two.answer(1)
        assert await two.came(2) == "worker 2"
        two.answer(2)
        assert [await each for each in asked] == [200, 200]
