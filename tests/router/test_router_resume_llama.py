"""Real llama-servers are killed in the middle of an answer, and the caller gets that answer: exactly, and once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import grammar_chat, grammar_messages
from support.gguf_files import tiny_gguf
from support.http_client import Reply
from support.http_router import Running, chain, model, routing, snapshot
from support.llama_servers import Breaks, Gate, gated

DEMO = Path(__file__).parents[2] / "examples" / "demo-model" / "demo.gguf"
THINKS = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.role == 'assistant' and message.reasoning_content %}"
    "<think>{{ message.reasoning_content }}</think>{% endif %}"
    "{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% else %}<think>{% endif %}"
    "{% endif %}"
)
"""What a model says with it comes back exactly as it was when it is put into a conversation."""
ASKED = {"messages": [{"role": "user", "content": "What is a Model?"}], "temperature": 0, "stream": True}
USAGE = {"stream_options": {"include_usage": True}}


async def _directly(gate: Gate, body: dict[str, Any]) -> grammar_chat.ChatGrammar:
    async with httpx.AsyncClient(base_url=f"http://{gate.server.address}", timeout=60) as client:
        return _read((await client.post("/v1/chat/completions", json=body)).content)


def _read(body: bytes) -> grammar_chat.ChatGrammar:
    """llama-server's own stream has the current second in each chunk."""
    return grammar_chat.read(re.sub(rb'"created":\d+', b'"created":1', body))


async def _killing(running: Running, gates: Iterable[Gate], body: dict[str, Any]) -> grammar_chat.ChatGrammar:
    return _read((await _reply_killing(running, gates, body)).body)


async def _reply_killing(
    running: Running, gates: Iterable[Gate], body: dict[str, Any], path: str = "/v1/chat/completions"
) -> Reply:
    """The answer while every server that is held at its gate is killed there."""

    async def kill(gate: Gate) -> None:
        await gate.held.wait()
        await asyncio.to_thread(gate.server.kill)

    killers = [asyncio.create_task(kill(gate)) for gate in gates]
    try:
        async with running.client() as client:
            await client.post({"model": "role"} | body, path)
            reply = await client.reply()
    finally:
        for killer in killers:
            killer.cancel()
    assert (reply.status, reply.whole) == (200, True), reply.body[-500:]
    return reply


class Servers(list[Gate]):
    """Some that are killed in the middle of an answer, whichever are asked first, and one more."""

    def __init__(self, gates: Iterable[Gate], breaks: Breaks) -> None:
        super().__init__(gates)
        self.breaks = breaks

    @property
    def last(self) -> Gate:
        """The one that lives."""
        (alive,) = (gate for gate in self if not gate.held.is_set())
        return alive


@asynccontextmanager
async def _servers(weights: Path, kills: int) -> AsyncIterator[Servers]:
    breaks = Breaks()
    async with gated(weights, kills + 1, breaks) as gates:
        breaks.left, breaks.events = kills, 7
        yield Servers(gates, breaks)


@pytest.fixture(params=[1, 2], ids=["once", "twice"])
async def servers(request: pytest.FixtureRequest) -> AsyncIterator[Servers]:
    async with _servers(DEMO, request.param) as opened:
        yield opened


def _one_model(servers: Servers) -> Any:
    return snapshot(model("m1"), chain("role", "m1"), endpoints={"m1": [gate.address for gate in servers]})


def _same(said: grammar_chat.ChatGrammar, wanted: grammar_chat.ChatGrammar) -> None:
    assert said.choices[0].texts == wanted.choices[0].texts
    assert said.choices[0].finish == wanted.choices[0].finish
    assert said.usage is not None
    assert wanted.usage is not None
    for count in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert said.usage[count] == wanted.usage[count]


@pytest.mark.parametrize("limit", [{}, {"max_tokens": 18}, {"max_completion_tokens": 20}], ids=str)
async def test_an_answer_goes_on_at_another_endpoint_exactly(servers: Servers, limit: dict[str, int]) -> None:
    body = ASKED | USAGE | limit
    wanted = await _directly(servers[-1], body)
    async with routing(_one_model(servers)) as running:
        _same(await _killing(running, servers, body), wanted)
        assert running.outcomes == [("m1", "Cut")] * (len(servers) - 1) + [("m1", "Ok")]
    assert servers.last.requests == ["/apply-template", "/v1/completions"]


async def test_an_answer_goes_on_at_the_next_member(servers: Servers) -> None:
    body = ASKED | USAGE
    wanted = await _directly(servers[-1], body)
    names = [f"m{number}" for number, _ in enumerate(servers)]
    endpoints = {name: gate.address for name, gate in zip(names, servers, strict=True)}
    state = snapshot(*map(model, names), chain("role", *names), endpoints=endpoints)
    async with routing(state) as running:
        _same(await _killing(running, servers, body), wanted)
        assert running.outcomes == [*((name, "Cut") for name in names[:-1]), (names[-1], "Ok")]


async def test_a_caller_of_anthropics_dialect_sees_one_message(servers: Servers) -> None:
    body = ASKED | {"max_tokens": 100, "model": "any"}
    async with httpx.AsyncClient(base_url=f"http://{servers[-1].server.address}", timeout=60) as client:
        wanted = grammar_messages.read((await client.post("/v1/messages", json=body)).content)
    async with routing(_one_model(servers)) as running:
        reply = await _reply_killing(running, servers, body | {"model": "role"}, "/v1/messages")
        said = grammar_messages.read(reply.body)
    assert [block["text_of_deltas"] for block in said.blocks] == [block["text_of_deltas"] for block in wanted.blocks]
    assert said.stop_reason == wanted.stop_reason


TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]


async def test_with_tools_the_server_goes_on_with_a_begun_answer(servers: Servers) -> None:
    """Its chat endpoint must go on parsing, for the rest may be a call."""
    body = ASKED | USAGE | {"tools": TOOLS, "tool_choice": "auto"}
    wanted = await _directly(servers[-1], body)
    async with routing(_one_model(servers)) as running:
        said = await _killing(running, servers, body)
        assert said.choices[0].texts == wanted.choices[0].texts
    assert servers.last.requests == ["/v1/chat/completions"]


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf(tmp_path_factory.mktemp("thinker") / "thinker.gguf", chat_template=THINKS)


async def test_thoughts_go_on_exactly(thinker: Path) -> None:
    async with _servers(thinker, 2) as servers:
        body = ASKED | USAGE | {"max_tokens": 24}
        wanted = await _directly(servers[-1], body)
        assert len(wanted.choices[0].texts["reasoning_content"]) == 24
        async with routing(_one_model(servers)) as running:
            _same(await _killing(running, servers, body), wanted)


async def test_an_answer_after_thoughts_goes_on_exactly(thinker: Path) -> None:
    async with _servers(thinker, 1) as servers:
        servers.breaks.events = 12
        body = ASKED | USAGE | {"max_tokens": 40, "reasoning_budget_tokens": 5}
        wanted = await _directly(servers[-1], body)
        assert len(wanted.choices[0].texts["reasoning_content"]) in range(1, 6)
        assert len(wanted.choices[0].texts["content"]) > 10
        async with routing(_one_model(servers)) as running:
            # The tokens of the closing tag are in no event: the server is asked for them, and they count, too.
            _same(await _killing(running, servers, body), wanted)
        assert servers.last.requests == ["/apply-template", "/tokenize", "/v1/completions"]


async def test_inside_a_killed_server_costs_the_caller_nothing(servers: Servers) -> None:
    body = {**ASKED, "stream": False}
    async with httpx.AsyncClient(base_url=f"http://{servers[-1].server.address}", timeout=60) as client:
        wanted = (await client.post("/v1/chat/completions", json=body)).json()
    state = snapshot(
        model("m1"),
        chain("role", "m1", streaming={"inside": True}),
        endpoints={"m1": [gate.address for gate in servers]},
    )
    async with routing(state) as running:
        said = (await _reply_killing(running, servers, body)).json
        for field in ("content", "role"):
            assert said["choices"][0]["message"][field] == wanted["choices"][0]["message"][field]
        assert said["choices"][0]["finish_reason"] == wanted["choices"][0]["finish_reason"]
        assert said["usage"]["total_tokens"] == wanted["usage"]["total_tokens"]


def _plain(body: bytes) -> tuple[str, str, dict[str, int]]:
    """Text, finish reason and usage of the stream of a plain completion, whose every rule is checked on the way."""
    *events, end = body.decode().removesuffix("\n\n").split("\n\n")
    assert end == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert {(chunk["id"], chunk["object"], chunk["model"]) for chunk in chunks} == {
        (chunks[0]["id"], "text_completion", chunks[0]["model"])
    }
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    reasons = [choice["finish_reason"] for choice in choices]
    assert reasons[-1] is not None
    assert set(reasons[:-1]) == {None}
    (usage,) = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
    return "".join(choice["text"] for choice in choices), reasons[-1], usage


@pytest.mark.parametrize("limit", [{}, {"max_tokens": 18}], ids=str)
async def test_a_plain_completion_goes_on_exactly(servers: Servers, limit: dict[str, int]) -> None:
    turn = "<|im_start|>user\nWhat is a Model?<|im_end|>\n<|im_start|>assistant\n"
    body = {"prompt": turn, "temperature": 0, "stream": True, **USAGE, **limit}
    async with httpx.AsyncClient(base_url=f"http://{servers[-1].server.address}", timeout=60) as client:
        wanted, reason, usage = _plain((await client.post("/v1/completions", json=body)).content)
    assert len(wanted) > 20
    async with routing(_one_model(servers)) as running:
        said = _plain((await _reply_killing(running, servers, body, "/v1/completions")).body)
        assert said[:2] == (wanted, reason)
        for count in ("prompt_tokens", "completion_tokens", "total_tokens"):
            assert said[2][count] == usage[count]
        assert running.outcomes == [("m1", "Cut")] * (len(servers) - 1) + [("m1", "Ok")]
    assert servers.last.requests == ["/v1/completions"]
