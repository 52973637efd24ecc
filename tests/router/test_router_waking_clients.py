"""The official clients while they wait for a Model that starts: what keeps their connections alive is no part of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anthropic
import openai
import pytest

from auriga_api.model import ModelStatus
from auriga_router.settings import RouterSettings
from auriga_router.snapshot import Snapshot
from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_router import Running, chain, model, routing, snapshot
from support.messages_scripts import event, message
from support.upstreams import Upstream, Visit

QUESTION: list[Any] = [{"role": "user", "content": "hi"}]
WORDS = RouterSettings(keep_alive=0.05)


async def both(visit: Visit) -> None:
    """As llama-server does: each dialect on its own path."""
    if b"/v1/messages" not in visit.head.split(b"\r\n", 1)[0]:
        await scripts.ok(visit)
        return
    start = json.loads(message()) | {"content": [], "stop_reason": None}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": scripts.TEXT}}
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    told = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        delta,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 6}},
        {"type": "message_stop"},
    ]
    await visit.send(scripts.SSE_HEAD + b"".join(scripts.chunk(event(one)) for one in told) + b"0\r\n\r\n")


@dataclass
class Cold:
    """A router whose Model sleeps."""

    running: Running
    state: Snapshot
    upstream: Upstream

    def wake(self) -> None:
        self.running.router.apply(replace(self.state, endpoints={"default/m1": (self.upstream.address,)}))

    def fail(self) -> None:
        ready = {"type": "Ready", "status": "False", "reason": "WeightsInvalid", "message": "the weights are broken"}
        failed = ModelStatus.model_validate({"phase": "Failed", "conditions": [ready]})
        sleeping = self.state.models["default/m1"]
        models = {"default/m1": sleeping.model_copy(update={"status": failed})}
        self.running.router.apply(replace(self.state, models=models))

    async def waiting(self, count: int) -> None:
        async def there() -> bool:
            page = (await self.running.get("/metrics")).body.decode()
            lines = [line for line in page.splitlines() if line.startswith("auriga_model_queued{")]
            return sum(int(float(line.rpartition(" ")[2])) for line in lines) == count

        await until(there)


@pytest.fixture
async def cold() -> AsyncIterator[Cold]:
    loading = {"bytes": 5, "totalBytes": 10, "percent": 50, "eta": "30s"}
    status = ModelStatus.model_validate({"phase": "Downloading", "download": loading})
    sleeping = model("m1", autoscaling={"maxReplicas": 1}).model_copy(update={"status": status})
    async with Upstream(both) as upstream:
        state = snapshot(sleeping)
        async with routing(state, WORDS) as running:
            yield Cold(running, state, upstream)


Ask = Callable[[Running], Any]


@asynccontextmanager
async def chats(running: Running) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0) as client:
        stream = await client.chat.completions.create(model="m1", messages=QUESTION, stream=True)

        async def read() -> str:
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

        yield read


@asynccontextmanager
async def completes(running: Running) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0) as client:
        asked: Any = {"model": "m1", "input": "hi", "stream": True}
        stream = await client.responses.create(**asked)

        async def read() -> str:
            return "".join([each.delta async for each in stream if each.type == "response.output_text.delta"])

        yield read


@asynccontextmanager
async def messages(running: Running) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    async with (
        anthropic.AsyncAnthropic(base_url=running.url, api_key="none", max_retries=0) as client,
        client.messages.stream(model="m1", max_tokens=9, messages=QUESTION) as stream,
    ):

        async def read() -> str:
            return "".join([part async for part in stream.text_stream])

        yield read


CLIENTS: dict[str, Ask] = {"chat": chats, "responses": completes, "messages": messages}


@pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)
async def test_a_client_that_is_told_to_wait_gets_its_answer(cold: Cold, ask: Ask) -> None:
    async with ask(cold.running) as read:  # the client has its 200 before there is anybody to answer
        await cold.waiting(1)
        cold.wake()
        assert await read() == scripts.TEXT


@pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)
async def test_a_client_that_was_told_to_wait_raises_when_the_start_fails(cold: Cold, ask: Ask) -> None:
    async with ask(cold.running) as read:
        await cold.waiting(1)
        cold.fail()
        with pytest.raises((openai.APIError, anthropic.APIError), match="the weights are broken"):
            await read()


async def test_what_is_told_meanwhile(cold: Cold) -> None:
    async with cold.running.client() as client:
        await client.post({"model": "m1", "stream": True, "messages": QUESTION})
        await client.body_until(b": m1 Downloading 5/10 bytes, 30 s left\n\n")
        cold.wake()
        reply = await client.reply()
    assert "x-auriga-model" not in reply.headers, "nobody knew who would answer"
    assert reply.headers["x-request-id"]
    assert reply.body.endswith(scripts.DONE)


async def test_who_waits_for_a_model_that_is_deleted_is_told_so(cold: Cold) -> None:
    async with cold.running.client() as client:
        await client.post({"model": "m1", "messages": QUESTION})
        await cold.waiting(1)
        cold.running.router.apply(snapshot())
        reply = await client.reply()
    assert (reply.status, reply.json["error"]["code"]) == (404, "model_not_found")
    assert "Model default/m1 was deleted" in reply.json["error"]["message"]


async def test_a_chain_that_is_edited_leads_those_who_wait_elsewhere(cold: Cold) -> None:
    sleeping, warm = cold.state.models["default/m1"], model("m2")
    endpoints = {"m2": cold.upstream.address}
    cold.running.router.apply(snapshot(sleeping, warm, chain("role", "m1"), endpoints=endpoints))
    async with cold.running.client() as client:
        await client.post({"model": "role", "messages": QUESTION})
        await cold.waiting(1)
        cold.running.router.apply(snapshot(sleeping, warm, chain("role", "m2"), endpoints=endpoints))
        reply = await client.reply()
    assert (reply.status, reply.headers["x-auriga-model"]) == (200, "m2")


async def test_who_goes_while_told_to_wait_leaves_the_queue_at_once(cold: Cold) -> None:
    async with cold.running.client() as client:
        await client.post({"model": "m1", "stream": True, "messages": QUESTION})
        await client.body_until(b": m1 Downloading")
        await cold.waiting(1)
    await cold.waiting(0)
    cold.wake()
    assert (await cold.running.chat("m1")).status == 200
    assert len(cold.upstream.visits) == 1


async def test_a_router_that_stops_tells_those_who_wait(cold: Cold) -> None:
    async with chats(cold.running) as read:
        await cold.waiting(1)
        closing = asyncio.create_task(cold.running.router.close(drain=0))
        with pytest.raises(openai.APIError, match="router is stopping"):
            await read()
        await closing


async def test_a_router_whose_models_all_sleep_is_ready_to_be_asked(cold: Cold) -> None:
    assert (await cold.running.get("/readyz")).status == 200
    cold.fail()
    assert (await cold.running.get("/readyz")).status == 503
