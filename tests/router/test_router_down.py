"""A pod that goes, as its router sees it: no new request, what it has ends well, and what is cut goes on elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from support import grammar_chat
from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_router import Running, model, routing, snapshot
from support.simulation_answers import TURN
from support.upstreams import Upstream, Visit

HALF = 3
"""Events that are sent before the pod's grace ends."""


class Pod:
    """Streams a half, waits to be told, and ends its streams or is killed. Goes on with those of others."""

    def __init__(self) -> None:
        self.may_end, self.killed = asyncio.Event(), asyncio.Event()
        self.upstream = Upstream(self._serve)
        self.answers = 0
        """Streams that it was asked for from their beginning."""

    async def _serve(self, visit: Visit) -> None:
        path = visit.head.split(b" ", 2)[1].decode()
        if path == "/apply-template":
            prompt = f"user says hi {TURN}{visit.json['messages'][-1]['content']}"
            await visit.send(scripts.reply(200, json.dumps({"prompt": prompt}).encode()))
        elif path == "/v1/completions":
            rest = scripts.TEXT.removeprefix(visit.json["prompt"].rpartition(TURN)[2])
            words: list[Any] = [{"index": 0, "text": rest, "finish_reason": None}]
            words.append({"index": 0, "text": "", "finish_reason": "stop"})
            told = [b"data: %s\n\n" % json.dumps({"id": "other", "choices": [word]}).encode() for word in words]
            await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, [*told, scripts.DONE])) + b"0\r\n\r\n")
        else:
            await self._answer(visit)

    async def _answer(self, visit: Visit) -> None:
        self.answers += 1
        told = list(map(scripts.chunk, scripts.events()))
        await visit.send(scripts.SSE_HEAD + b"".join(told[:HALF]))
        waits = [asyncio.ensure_future(each.wait()) for each in (self.may_end, self.killed)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self.killed.is_set():
            visit.reset()
        else:
            await visit.send(b"".join(told[HALF:]) + b"0\r\n\r\n")


class Load:
    """Callers that ask for one stream after the other until they are told to stop."""

    def __init__(self, running: Running, callers: int) -> None:
        self._running = running
        self._stop = asyncio.Event()
        self.texts: list[str] = []
        self.begun = 0
        self._tasks = [asyncio.create_task(self._ask()) for _ in range(callers)]

    async def _ask(self) -> None:
        while not self._stop.is_set():
            async with self._running.client() as client:
                await client.post({"model": "m1", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
                await client.body_until(scripts.events()[HALF - 1])
                self.begun += 1
                read = grammar_chat.read((await client.reply()).body)
                assert read.error is None, read.error
                assert read.done
                self.texts.append(read.choices[0].texts["content"])

    async def finish(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)


@contextlib.asynccontextmanager
async def one_of_two_pods_goes() -> AsyncIterator[tuple[Running, Load, Pod, Pod]]:
    """Under a load of 40 streams, all of them half-way, at both pods: the router, the load, who goes, who stays."""
    going, staying = Pod(), Pod()
    async with going.upstream, staying.upstream:
        both = snapshot(model("m1"), endpoints={"m1": (going.upstream.address, staying.upstream.address)})
        async with routing(both) as running:
            load = Load(running, 40)
            await until(lambda: load.begun == 40)
            staying.may_end.set()
            running.router.apply(replace(both, endpoints={"default/m1": (staying.upstream.address,)}))
            yield running, load, going, staying


async def test_a_pod_that_goes_gets_no_new_request_and_ends_what_it_has() -> None:
    async with one_of_two_pods_goes() as (running, load, going, staying):
        stayed = staying.answers
        # None of its streams has ended: these are all that it was ever asked for, some perhaps still on their way.
        under_way = running.router.load("default/m1", going.upstream.address)
        assert under_way >= 10
        await until(lambda: staying.answers >= stayed + 200)  # the load goes on
        assert going.answers == under_way
        assert running.router.load("default/m1", going.upstream.address) == under_way
        going.may_end.set()
        await until(lambda: running.router.load("default/m1", going.upstream.address) == 0)
        await load.finish()
        assert set(load.texts) == {scripts.TEXT}
        assert going.answers == under_way
        assert {outcome for _, outcome in running.outcomes} == {"Ok"}


async def test_streams_that_outlive_their_pods_grace_go_on_at_another() -> None:
    async with one_of_two_pods_goes() as (running, load, going, _):
        under_way = running.router.load("default/m1", going.upstream.address)
        going.killed.set()
        await until(lambda: running.router.load("default/m1", going.upstream.address) == 0)
        await load.finish()
        assert set(load.texts) == {scripts.TEXT}
        assert going.answers <= under_way
        assert sum(outcome != "Ok" for _, outcome in running.outcomes) == under_way >= 10
