"""A stream that began in one dialect goes on in another: llama.cpp and Anthropic, whatever the caller speaks."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from support import grammar_chat, grammar_messages, grammar_responses
from support import upstreams_scripts as scripts
from support.http_router import chain, model, routing, snapshot
from support.messages_scripts import KEYS, events, external
from support.upstreams import Script, Upstream, Visit

START, REST = ("one ", "two "), ("three ", "four")
TEXT = "".join(START + REST)
CLAUDE = "claude-3-5-haiku"
"""One that goes on where a last turn ends: the newest refuse to."""
TURNS = [{"role": "user", "content": "hi"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": TURNS, "stream_options": {"include_usage": True}},
    "/v1/messages": {"messages": TURNS, "max_tokens": 50},
    "/v1/responses": {"input": "hi"},
}


def text_of(path: str, body: bytes) -> str:
    """The words of a stream that obeys its grammar and is whole."""
    if path == "/v1/messages":
        said = grammar_messages.read(body)
        assert said.stopped
        return "".join(block["text_of_deltas"] for block in said.blocks)
    if path == "/v1/responses":
        response = grammar_responses.read(body).response
        assert response["status"] == "completed"
        return "".join(part["text"] for item in response["output"] for part in item["content"])
    chat = grammar_chat.read(body)
    assert chat.done
    return chat.choices[0].texts["content"]


def breaks_off(seen: asyncio.Event) -> Script:
    """Two words, in the dialect of the request; then the connection is lost."""

    async def script(visit: Visit) -> None:
        native = visit.head.startswith(b"POST /v1/messages ")
        begun = events(START)[:5] if native else scripts.events(START)[:3]
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, begun)))
        await seen.wait()
        visit.reset()

    return script


async def goes_on(visit: Visit) -> None:
    """The rest alone, in whichever way it is asked for it."""
    path = visit.head.split(b" ", 2)[1]
    if path == b"/apply-template":
        prompt = "hi|" + visit.json["messages"][-1]["content"]
        await visit.send(scripts.reply(200, json.dumps({"prompt": prompt}).encode()))
        return
    if path == b"/v1/completions":
        assert visit.json["prompt"].rstrip().endswith("one two")
        pieces = [{"index": 0, "text": word, "finish_reason": None} for word in REST]
        pieces.append({"index": 0, "text": "", "finish_reason": "stop"})
        rest = [b"data: %s\n\n" % json.dumps({"id": "c", "choices": [piece]}).encode() for piece in pieces]
        rest.append(scripts.DONE)
    else:
        content = visit.json["messages"][-1]["content"]
        assert "one two" in (content if isinstance(content, str) else content[0]["text"])
        rest = events(REST) if path == b"/v1/messages" else scripts.events(REST)
    await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, rest)) + b"0\r\n\r\n")


@pytest.mark.parametrize("path", sorted(BODIES))
@pytest.mark.parametrize("first", ["llama", CLAUDE])
async def test_what_began_in_one_dialect_goes_on_in_the_other(first: str, path: str) -> None:
    seen = asyncio.Event()
    order = ["llama", CLAUDE] if first == "llama" else [CLAUDE, "llama"]
    async with Upstream(breaks_off(seen)) as breaking, Upstream(goes_on) as other:
        where = dict(zip(order, (breaking.address, other.address), strict=True))
        models = [model("llama"), external(CLAUDE, "anthropic", where[CLAUDE])]
        state = snapshot(*models, chain("role", *order), endpoints={"llama": where["llama"]}, secrets=KEYS)
        async with routing(state) as running, running.client() as client:
            await client.post({"model": "role", "stream": True, **BODIES[path]}, path)
            await client.body_until(b"two ")
            seen.set()
            body = (await client.reply()).body
            assert text_of(path, body) == TEXT
            assert running.outcomes == [(order[0], "Cut"), (order[1], "Ok")]
