"""A prompt that cannot possibly fit is not sent: to a larger member, or back to the caller in its own dialect."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_router.size import LONGEST_TOKEN
from support import grammar_messages, http_grammar
from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_router import Running, role
from support.upstreams import Upstream

SMALL = 1024
LONG = "x" * (SMALL * LONGEST_TOKEN)
"""At least as many tokens as the small context has."""
SIZES: dict[str, Any] = {"model_spec": {"engine": {"contextLength": SMALL}}}


def turns(text: str, kind: str = "user") -> list[dict[str, str]]:
    return [{"role": kind, "content": text}, {"role": "user", "content": "hi"}]


async def _ask(running: Running, path: str, body: dict[str, Any]) -> Reply:
    async with running.client() as client:
        await client.post({"model": "role", **body}, path)
        return await client.reply()


HUGE: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"messages": turns(LONG)}),
    "a stream": ("/v1/chat/completions", {"messages": turns(LONG), "stream": True}),
    "parts": ("/v1/chat/completions", {"messages": [
        {"role": "user", "content": [{"type": "text", "text": LONG[:-9]}, {"type": "text", "text": "x" * 9}]}]}),
    "instructions": ("/v1/messages", {"messages": turns("hi"), "max_tokens": 9, "system": [
        {"type": "text", "text": LONG}]}),
    "completion": ("/v1/completions", {"prompt": LONG}),
    "tokens": ("/v1/completions", {"prompt": [100000] * 20000}),
    "responses": ("/v1/responses", {"input": LONG}),
}  # fmt: skip


@pytest.mark.parametrize("what", HUGE)
async def test_a_prompt_that_cannot_fit_is_refused_at_once(what: str) -> None:
    path, body = HUGE[what]
    async with Upstream(scripts.ok) as upstream, role(upstream.address, **SIZES) as running:
        reply = await _ask(running, path, body)
        if path == "/v1/messages":
            error = grammar_messages.error_object(reply.json)
            assert error["type"] == "invalid_request_error"
        else:
            error = http_grammar.error_object(reply.json)
            assert (error["type"], error["code"]) == ("invalid_request_error", "context_length_exceeded")
        assert reply.status == 400
        assert error["message"].startswith("prompt is too long: at least ")
        assert "> 1024 maximum" in error["message"]
        assert not upstream.visits


async def test_it_goes_to_the_member_whose_context_may_be_large_enough() -> None:
    sizes = [{"engine": {"contextLength": size}} for size in (SMALL, 64 * SMALL)]
    async with (
        Upstream(scripts.ok) as small,
        Upstream(scripts.ok, scripts.status(500)) as large,
        role(small.address, large.address, members_spec=sizes) as running,
    ):
        assert (await running.chat(messages=turns(LONG))).headers["x-auriga-model"] == "m2"
        reply = await running.chat(messages=turns(LONG))
        assert reply.status == 502
        assert http_grammar.error_object(reply.json)["skipped"] == [{"member": "m1", "reason": "ContextOverflow"}]
        assert not small.visits


MAY_FIT: dict[str, tuple[str, dict[str, Any]]] = {
    "one token less": ("/v1/chat/completions", {"messages": turns(LONG[3:])}),
    "white space around it": ("/v1/chat/completions", {"messages": turns("x" + " " * len(LONG))}),
    "what the assistant said": ("/v1/chat/completions", {"messages": turns(LONG, "assistant")}),
    "a picture": ("/v1/chat/completions", {"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{LONG}"}}]}]}),
    "escapes": ("/v1/chat/completions", {"messages": turns("\u0001" * (len(LONG) // 3))}),
    "something to embed": ("/v1/embeddings", {"input": LONG}),
}  # fmt: skip


@pytest.mark.parametrize("what", MAY_FIT)
async def test_what_may_fit_is_the_endpoints_to_judge(what: str) -> None:
    path, body = MAY_FIT[what]
    spec = SIZES["model_spec"] | {"capabilities": ["chat", "vision", "embeddings"]}
    async with Upstream(scripts.ok) as upstream, role(upstream.address, model_spec=spec) as running:
        await _ask(running, path, body)
        assert len(upstream.visits) == 1


async def test_where_no_context_is_known_all_is_sent() -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        assert (await running.chat(messages=turns(LONG * 2))).status == 200
