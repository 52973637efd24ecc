"""An answer in which nothing is said: right where the request explains it, else somebody else is asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from support import grammar_chat, grammar_messages, grammar_responses
from support import upstreams_scripts as scripts
from support.http_router import Running, chain, role, routing, snapshot
from support.messages_scripts import KEYS, ask, event, events, external, message
from support.upstreams import Upstream

TURNS = [{"role": "user", "content": "hi"}]
CHAT, MESSAGES, RESPONSES, PLAIN = "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions"
SAYS_NOTHING: dict[str, dict[str, Any]] = {
    CHAT: {"messages": TURNS, "stop": ["The"]},
    MESSAGES: {"messages": TURNS, "max_tokens": 9, "stop_sequences": ["The"]},
    RESPONSES: {"input": "hi", "max_output_tokens": 1},
    PLAIN: {"prompt": "hi"},
}
UNEXPLAINED: dict[str, dict[str, Any]] = {
    CHAT: {"messages": TURNS},
    MESSAGES: {"messages": TURNS, "max_tokens": 9},
    RESPONSES: {"input": "hi"},
}
GRAMMAR = {CHAT: grammar_chat, MESSAGES: grammar_messages, RESPONSES: grammar_responses}
PROVIDERS = ["openaiCompatible", "anthropic"]
WAYS = [(path, provider) for path in SAYS_NOTHING for provider in PROVIDERS if (path, provider) != (PLAIN, "anthropic")]
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def streamed(parts: list[bytes]) -> bytes:
    return scripts.SSE_HEAD + b"".join(map(scripts.chunk, parts)) + b"0\r\n\r\n"


def completion(reason: str | None) -> bytes:
    return json.dumps({"id": "c", "choices": [{"index": 0, "text": "", "finish_reason": reason}]}).encode()


MESSAGE = [events()[0], *events()[-2:]]
"""As llama-server writes it: not even a block."""
ENDED = {
    "openaiCompatible": scripts.EMPTY_ANSWER,
    "anthropic": scripts.by_kind(streamed(MESSAGE), scripts.reply(200, message(content=[]))),
    PLAIN: scripts.by_kind(
        streamed([b"data: %s\n\n" % completion("stop"), scripts.DONE]), scripts.reply(200, completion("stop"))
    ),
}
NO_REASON = {
    "openaiCompatible": scripts.by_kind(
        streamed([scripts.ROLE, scripts.DONE]),
        scripts.reply(200, b'{"choices":[{"index":0,"message":{"role":"assistant","content":""}}]}'),
    ),
    "anthropic": scripts.by_kind(
        streamed([events()[0], event({"type": "message_stop"})]),
        scripts.reply(200, message(content=[], stop_reason=None)),
    ),
    PLAIN: scripts.by_kind(
        streamed([b"data: %s\n\n" % completion(None), scripts.DONE]), scripts.reply(200, completion(None))
    ),
}


@asynccontextmanager
async def cloud_then_other(script: scripts.Script, provider: str) -> AsyncIterator[Running]:
    async with Upstream(script) as upstream, Upstream(scripts.ok) as good:
        cloud = external("cloud", provider, upstream.address, "" if provider == "anthropic" else "/v1")
        other = external("other", "openaiCompatible", good.address, "/v1")
        async with routing(snapshot(cloud, other, chain("role", "cloud", "other"), secrets=KEYS)) as running:
            yield running


@STREAM
@pytest.mark.parametrize(("path", "provider"), WAYS)
async def test_an_answer_that_says_nothing_because_it_was_asked_to_is_an_answer(
    path: str, provider: str, stream: bool
) -> None:
    async with cloud_then_other(ENDED[path if path == PLAIN else provider], provider) as running:
        reply = await ask(running, path, {"model": "role", "stream": stream, **SAYS_NOTHING[path]})
        assert (reply.status, reply.whole, reply.headers["x-auriga-attempts"]) == (200, True, "cloud")
        assert running.outcomes == [("cloud", "Ok")]
        if stream and path in GRAMMAR:
            assert GRAMMAR[path].violation(reply.body) is None
        assert scripts.TEXT.encode() not in reply.body


@STREAM
@pytest.mark.parametrize(("path", "provider"), WAYS)
async def test_without_a_reason_to_end_nothing_is_no_answer(path: str, provider: str, stream: bool) -> None:
    async with cloud_then_other(NO_REASON[path if path == PLAIN else provider], provider) as running:
        await ask(running, path, {"model": "role", "stream": stream, **SAYS_NOTHING[path]})
        assert running.outcomes == [("cloud", "Empty"), ("other", "Ok")]


@STREAM
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("path", UNEXPLAINED)
async def test_what_the_request_does_not_explain_leads_to_the_next_member(
    path: str, provider: str, stream: bool
) -> None:
    async with cloud_then_other(ENDED[provider], provider) as running:
        reply = await ask(running, path, {"model": "role", "stream": stream, **UNEXPLAINED[path]})
        assert (reply.status, reply.headers["x-auriga-model"]) == (200, "other")
        assert running.outcomes == [("cloud", "Empty"), ("other", "Ok")]


async def test_an_answer_put_together_from_a_stream_may_say_nothing_too() -> None:
    async with Upstream(scripts.EMPTY_ANSWER) as upstream:
        cloud = external("cloud", "openaiCompatible", upstream.address, "/v1")
        state = snapshot(cloud, chain("role", "cloud", streaming={"inside": True}), secrets=KEYS)
        async with routing(state) as running:
            reply = await ask(running, CHAT, {"model": "role", **SAYS_NOTHING[CHAT]})
            choice = reply.json["choices"][0]
            assert (reply.status, choice["finish_reason"], choice["message"]["content"]) == (200, "stop", "")
            assert running.outcomes == [("cloud", "Ok")]


async def test_the_breaker_opens_also_where_nobody_else_can_answer_and_every_request_is_its_probe() -> None:
    async with Upstream(scripts.EMPTY_ANSWER) as upstream, role(upstream.address) as running:
        for _ in range(7):
            assert (await running.chat()).status == 502
        assert len(upstream.visits) == 7
        status = (await running.get("/status")).json["roleChains"][0]
        assert status["members"][0]["reason"] == "Open"


async def test_unexplained_empty_answers_in_a_row_open_the_breaker() -> None:
    async with cloud_then_other(scripts.EMPTY_ANSWER, "openaiCompatible") as running:
        for _ in range(7):
            assert (await running.chat()).headers["x-auriga-model"] == "other"
        asked = [name for name, outcome in running.outcomes if outcome == "Empty"]
        assert asked == ["cloud"] * 5
