"""What the official clients ask: llama.cpp with the demo model, and scripted providers where that cannot serve."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support import upstreams_scripts as scripts
from support.http_router import Running, chain, model, routing, snapshot
from support.messages_scripts import KEYS, event, external, message
from support.upstreams import Refusing, Upstream, Visit

DEMO = Path(__file__).parents[2] / "examples" / "demo-model" / "demo.gguf"
ARGUMENTS = {"city": "Paris"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": json.dumps(ARGUMENTS)}}
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return scripts.chunk(scripts.event(delta, finish))


async def openais(visit: Visit) -> None:
    """A server with OpenAI's API that calls a tool, and then says what came of it. It embeds, too."""
    asked = visit.json
    if visit.head.startswith(b"POST /v1/embeddings"):
        rows = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]
        body = {"object": "list", "data": rows, "model": "e", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        await visit.send(scripts.reply(200, json.dumps(body).encode()))
    elif asked["messages"][-1]["role"] == "tool":
        await scripts.ok(visit)
    elif visit.stream:
        begun = {"index": 0, **CALL, "function": {"name": "weather", "arguments": ""}}
        parts = [{"index": 0, "function": {"arguments": part}} for part in ('{"city": ', '"Paris"}')]
        deltas = [chunk({"tool_calls": [call]}) for call in (begun, *parts)]
        end = chunk({}, "tool_calls") + scripts.chunk(scripts.DONE) + b"0\r\n\r\n"
        await visit.send(scripts.SSE_HEAD + chunk({"role": "assistant", "content": None}) + b"".join(deltas) + end)
    else:
        choice = {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [CALL]}}
        whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE}
        whole |= {"choices": [choice | {"finish_reason": "tool_calls"}]}
        await visit.send(scripts.reply(200, json.dumps(whole).encode()))


async def claudes(visit: Visit) -> None:
    """Anthropic, which thinks, and calls a tool."""
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": ARGUMENTS}
    if not visit.stream:
        await visit.send(scripts.reply(200, message(content=[thought, call], stop_reason="tool_use")))
        return
    start = json.loads(message()) | {"content": [], "stop_reason": None}
    blocks = [
        ({"type": "thinking", "thinking": "", "signature": ""}, [
            {"type": "thinking_delta", "thinking": "Hm."}, {"type": "signature_delta", "signature": "c2ln"},
        ]),
        (call | {"input": {}}, [{"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS)}]),
    ]  # fmt: skip
    told = [event({"type": "message_start", "message": start})]
    for index, (block, deltas) in enumerate(blocks):
        told.append(event({"type": "content_block_start", "index": index, "content_block": block}))
        told += [event({"type": "content_block_delta", "index": index, "delta": delta}) for delta in deltas]
        told.append(event({"type": "content_block_stop", "index": index}))
    stop = {"stop_reason": "tool_use", "stop_sequence": None}
    told.append(event({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 9}}))
    told.append(event({"type": "message_stop"}))
    await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, told)) + b"0\r\n\r\n")


@asynccontextmanager
async def world(llama: str) -> AsyncIterator[Running]:
    """Roles: ``assistant`` (dead, then the demo model); Models: ``demo``, ``gpt``, ``claude``."""
    async with Upstream(openais) as gpt, Upstream(claudes) as claude:
        with Refusing() as refusing:
            state = snapshot(
                model("dead"),
                model("demo"),
                external("gpt", "openaiCompatible", gpt.address, "/v1", capabilities=["chat", "tools", "embeddings"]),
                external("claude", "anthropic", claude.address),
                chain("assistant", "dead", "demo"),
                endpoints={"dead": refusing, "demo": llama},
                secrets=KEYS,
            )
            async with routing(state) as router:
                yield router
