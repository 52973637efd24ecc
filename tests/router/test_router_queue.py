"""Admission: a Model works on as many requests as it has slots; the others wait in order, go elsewhere, or are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from auriga_api.model import ModelStatus
from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_router import Running, chain, model, role, routing, snapshot
from support.upstreams import Upstream

ONE = {"limits": {"maxInFlight": 1}}


class Held:
    """An endpoint that answers when it is told to: one request for each release."""

    def __init__(self) -> None:
        self.permits = asyncio.Semaphore(0)
        self.upstream = Upstream(self._script)

    async def _script(self, visit: Any) -> None:
        await self.permits.acquire()
        await scripts.ok(visit)

    @property
    def asked(self) -> list[str]:
        """What the requests that came asked."""
        return [visit.json["messages"][0]["content"] for visit in self.upstream.visits]


async def ask(running: Running, content: str, name: str = "role", **more: Any) -> tuple[int, str]:
    async with running.client() as client:
        await client.post({"model": name, "messages": [{"role": "user", "content": content}], **more})
        reply = await client.reply()
        return reply.status, reply.headers.get("x-auriga-model", "")


async def depth(running: Running) -> int:
    for line in (await running.get("/metrics")).body.decode().splitlines():
        if line.startswith("auriga_queue_depth{"):
            return int(float(line.rpartition(" ")[2]))
    return 0


async def deep(running: Running, wanted: int) -> None:
    async def is_deep() -> bool:
        return await depth(running) == wanted

    await until(is_deep)


@asynccontextmanager
async def full(**spec: Any) -> AsyncIterator[tuple[Held, Held, Running, asyncio.Task[tuple[int, str]]]]:
    """m1 of one slot, which is taken by the task's request; m2 behind it."""
    model_spec = spec.pop("model_spec", ONE)
    first, second = Held(), Held()
    async with (
        first.upstream,
        second.upstream,
        role(first.upstream.address, second.upstream.address, model_spec=model_spec, **spec) as running,
    ):
        task = asyncio.create_task(ask(running, "0"))
        await first.upstream.visited(1)
        yield first, second, running, task


async def test_requests_wait_in_order_and_no_more_than_the_limit_are_asked() -> None:
    async with full() as (first, _, running, task):
        tasks = [task]
        for number in range(1, 5):
            tasks.append(asyncio.create_task(ask(running, str(number))))
            await deep(running, number)
        assert first.asked == ["0"]
        assert [each["queued"] for each in (await running.get("/status")).json["models"]] == [4, 0]
        for number in range(1, 5):
            first.permits.release()
            await first.upstream.visited(number + 1)
            assert len(first.asked) == number + 1
        first.permits.release()
        assert await asyncio.gather(*tasks) == [(200, "m1")] * 5
        assert first.asked == ["0", "1", "2", "3", "4"]
        assert 'auriga_queue_time_seconds_count{gen_ai_response_model="m1",namespace="default"} 4.0' in (
            (await running.get("/metrics")).body.decode()
        )


async def test_without_a_limit_the_slots_of_the_endpoints_count() -> None:
    async with full(model_spec={"engine": {"parallel": 2}}) as (first, _, running, task):
        tasks = [task, *(asyncio.create_task(ask(running, str(number))) for number in range(1, 4))]
        await deep(running, 2)
        assert len(first.asked) == 2
        for _ in tasks:
            first.permits.release()
        assert await asyncio.gather(*tasks) == [(200, "m1")] * 4


async def test_a_client_that_leaves_the_queue_frees_its_place_at_once() -> None:
    async with full(model_spec={"limits": {"maxInFlight": 1, "maxQueued": 1}}) as (first, second, running, task):
        async with running.client() as client:
            await client.post({"model": "m1", "messages": [{"role": "user", "content": "left"}]})
            await deep(running, 1)
            assert (await ask(running, "x", "m1"))[0] == 503
        await deep(running, 0)
        last = asyncio.create_task(ask(running, "last", "m1"))
        await deep(running, 1)
        first.permits.release()
        first.permits.release()
        assert await asyncio.gather(task, last) == [(200, "m1")] * 2
        assert (first.asked, second.asked) == (["0", "last"], [])


async def test_a_full_queue_sends_on_to_the_next_member_and_else_says_when_to_come_again() -> None:
    spec = {"limits": {"maxInFlight": 1, "maxQueued": 0}}
    async with full(model_spec=spec) as (first, second, running, task):
        second.permits.release()
        assert await ask(running, "1") == (200, "m2")
        reply = await running.chat("m1")
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert b"m1 not asked (Busy)" in reply.body
        first.permits.release()
        await task


async def test_spill_goes_to_the_next_member_and_waits_when_all_are_busy() -> None:
    async with full(fallback={"onBusy": "Spill"}) as (first, second, running, task):
        spilt = asyncio.create_task(ask(running, "1"))
        await second.upstream.visited(1)
        waiting = asyncio.create_task(ask(running, "2"))
        await deep(running, 1)
        first.permits.release()
        first.permits.release()
        second.permits.release()
        assert await asyncio.gather(task, spilt, waiting) == [(200, "m1"), (200, "m2"), (200, "m1")]


async def test_waiting_is_bounded_by_the_deadline() -> None:
    async with full(fallback={"deadline": "300ms"}) as (first, _, running, task):
        first.permits.release()
        assert await task == (200, "m1")
        held = asyncio.create_task(ask(running, "1", "m1"))  # its deadline is ten minutes
        await first.upstream.visited(2)
        reply = await running.chat()
        assert (reply.status, reply.json["error"]["code"]) == (503, "unavailable")
        assert int(reply.headers["retry-after"]) >= 1
        assert await depth(running) == 0
        first.permits.release()
        await held


async def test_who_fails_goes_on_and_the_next_one_in_the_queue_takes_its_slot() -> None:
    async with full(breaker={"failures": 1}) as (first, second, running, task):
        first.upstream.scripts = (scripts.status(500),)
        waiting = asyncio.create_task(ask(running, "1"))
        await deep(running, 1)
        for upstream in (first, second):
            upstream.permits.release()
        second.permits.release()
        first.permits.release()
        assert (await task)[0] == 200
        assert await waiting == (200, "m2")


async def test_who_waits_is_served_by_an_endpoint_that_comes() -> None:
    held = Held()
    async with held.upstream, Upstream(scripts.ok) as more:
        served = model("m1", engine={"parallel": 1})
        state = snapshot(served, chain("role", "m1"), endpoints={"m1": held.upstream.address})
        async with routing(state) as running:
            tasks = [asyncio.create_task(ask(running, "0"))]
            await held.upstream.visited(1)
            tasks += [asyncio.create_task(ask(running, "1")), asyncio.create_task(ask(running, "2"))]
            await deep(running, 2)
            running.router.apply(replace(state, endpoints={"default/m1": (held.upstream.address, more.address)}))
            assert [await task for task in tasks[1:]] == [(200, "m1")] * 2
            held.permits.release()
            await tasks[0]
            assert len(more.visits) == 2


@pytest.mark.parametrize("name", ["role", "m1"])
async def test_a_model_that_goes_lets_those_that_wait_for_it_go(name: str) -> None:
    held = Held()
    async with held.upstream, Upstream(scripts.ok) as other:
        state = snapshot(
            *(model("m1", **ONE), model("m2")),
            chain("role", "m1", "m2"),
            endpoints={"m1": held.upstream.address, "m2": other.address},
        )
        async with routing(state) as running:
            task = asyncio.create_task(ask(running, "0"))
            await held.upstream.visited(1)
            waiting = asyncio.create_task(ask(running, "1", name))
            await deep(running, 1)
            without = {key: item for key, item in state.models.items() if key != "default/m1"}
            running.router.apply(replace(state, models=without, endpoints={"default/m2": (other.address,)}))
            held.permits.release()
            # Called by its own name it is served by what it was: the Model is gone, its endpoint is not.
            held.permits.release()
            assert (await waiting) == ((200, "m2") if name == "role" else (200, "m1"))
            assert await task == (200, "m1")


async def test_a_cold_member_is_waited_for_where_the_chain_says_so() -> None:
    async with Upstream(scripts.ok) as warm, Upstream(scripts.ok) as other:
        loading = model("m1").model_copy(update={"status": ModelStatus(phase="Loading")})
        state = snapshot(
            *(loading, model("m2")),
            chain("role", "m1", "m2", fallback={"onCold": "Wait"}),
            chain("spill", "m1", "m2"),
            endpoints={"m2": other.address},
        )
        async with routing(state) as running:
            waiting = [asyncio.create_task(ask(running, str(number))) for number in range(3)]
            await deep(running, 3)
            assert await ask(running, "x", "spill") == (200, "m2")
            still = loading.model_copy(update={"status": ModelStatus(phase="Loading", replicas=1)})
            running.router.apply(replace(state, models={**state.models, "default/m1": still}))
            assert await depth(running) == 3
            endpoints = {**state.endpoints, "default/m1": (warm.address,)}
            running.router.apply(replace(state, endpoints=endpoints))
            assert [await task for task in waiting] == [(200, "m1")] * 3


async def test_a_cold_member_that_fails_lets_those_that_wait_go_to_the_next() -> None:
    async with Upstream(scripts.ok) as other:
        loading = model("m1").model_copy(update={"status": ModelStatus(phase="Loading")})
        state = snapshot(
            *(loading, model("m2")),
            chain("role", "m1", "m2", fallback={"onCold": "Wait"}),
            endpoints={"m2": other.address},
        )
        async with routing(state) as running:
            waiting = asyncio.create_task(ask(running, "0"))
            await deep(running, 1)
            failed = loading.model_copy(update={"status": ModelStatus(phase="Failed")})
            running.router.apply(replace(state, models={**state.models, "default/m1": failed}))
            assert await waiting == (200, "m2")


async def test_requests_per_minute_are_a_gate_of_the_model() -> None:
    async with (
        Upstream(scripts.ok) as first,
        Upstream(scripts.ok) as second,
        role(first.address, second.address, members_spec=[{"limits": {"requestsPerMinute": 2}}, {}]) as running,
    ):
        assert [(await ask(running, "x"))[1] for _ in range(4)] == ["m1", "m1", "m2", "m2"]
        reply = await running.chat("m1")
        assert reply.status == 503
        assert 1 <= int(reply.headers["retry-after"]) <= 30
        assert b"m1 not asked (Limited: limits.requestsPerMinute (2) is used up)" in reply.body


async def test_stopping_ends_what_waits_with_an_error() -> None:
    async with full() as (_, _, running, task):
        waiting = asyncio.create_task(running.chat())
        await deep(running, 1)
        await running.router.close(drain=0)
        reply = await waiting
        assert (reply.status, reply.json["error"]["code"]) == (503, "shutting_down")
        assert (await task)[0] == 503


async def test_requests_whose_time_passes_together_get_one_answer_each() -> None:
    """The first of them frees its slot as it ends, for others that end at the same moment."""
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    async with full(fallback={"deadline": "300ms"}) as (_, _, running, task):
        replies = await asyncio.gather(*(running.chat() for _ in range(12)))
        assert {reply.status for reply in replies} <= {503, 504}
        await task
        assert await depth(running) == 0
    assert not errors


async def test_who_waits_keeps_to_the_member_that_was_drawn() -> None:
    """Weights hold also where one member is busy: who waits for it is not drawn again."""
    first, second = Held(), Upstream(scripts.ok)
    models = [model("m1", **ONE), model("m2")]
    weighted = chain("role", "m1", "m2", strategy="Weighted")
    async with first.upstream, second:
        state = snapshot(*models, weighted, endpoints={"m1": first.upstream.address, "m2": second.address})
        async with routing(state) as running:
            asked = [asyncio.create_task(ask(running, str(number))) for number in range(30)]

            async def settled() -> bool:
                answered = sum(task.done() for task in asked)
                return answered + await depth(running) + len(first.upstream.visits) == len(asked)

            await until(settled)
            drawn = sum(not task.done() for task in asked)
            for _ in range(drawn):
                first.permits.release()
            answers = [name for _, name in await asyncio.gather(*asked)]
            assert (answers.count("m1"), len(second.visits)) == (drawn, len(asked) - drawn)
