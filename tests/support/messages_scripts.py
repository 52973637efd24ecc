"""Scripted endpoints that speak Anthropic's Messages, and how to ask in that dialect."""

from __future__ import annotations

import json
from typing import Any

from auriga_api import Model
from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_router import Running, model
from support.upstreams import Visit

KEYS = {"default/keys": {"api": b"sk-provider-key"}}
REFERENCE = {"name": "keys", "key": "api"}
WORDS = ("Hello ", "there")


def message(text: str = "Hello there", **fields: Any) -> bytes:
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    return json.dumps(whole | fields).encode()


def event(document: dict[str, Any]) -> bytes:
    return f"event: {document['type']}\ndata: {json.dumps(document)}\n\n".encode()


def events(words: tuple[str, ...] = WORDS) -> list[bytes]:
    """A whole stream."""
    start = json.loads(message()) | {"content": [], "stop_reason": None}
    delta = {"type": "content_block_delta", "index": 0}
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        event({"type": "message_start", "message": start}),
        event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        event({"type": "ping"}),
        *(event(delta | {"delta": {"type": "text_delta", "text": word}}) for word in words),
        event({"type": "content_block_stop", "index": 0}),
        event({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 2}}),
        event({"type": "message_stop"}),
    ]


def error(kind: str, text: str) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}).encode()


async def anthropic(visit: Visit) -> None:
    """An endpoint that speaks Messages, as Anthropic and llama-server do."""
    if visit.head.startswith(b"POST /v1/messages/count_tokens "):
        await visit.send(scripts.reply(200, b'{"input_tokens":7}'))
    elif visit.stream:
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, events())) + b"0\r\n\r\n")
    else:
        await visit.send(scripts.reply(200, message()))


def external(name: str, provider: str, address: str, version: str = "", **spec: Any) -> Model:
    """A Model of a provider at this address, with a key."""
    where = {"provider": provider, "baseURL": f"http://{address}{version}", "credentialsSecretRef": REFERENCE}
    return model(name, external=where | {"model": f"{name}-model"}, **spec)


async def ask(running: Running, path: str, body: object, headers: str = "") -> Reply:
    """One request on a connection of its own."""
    async with running.client() as client:
        await client.post(body, path, headers)
        return await client.reply()


async def messages(running: Running, model: str = "role", **more: Any) -> Reply:
    """One Messages request."""
    asked = {"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}], **more}
    return await ask(running, "/v1/messages", asked)
