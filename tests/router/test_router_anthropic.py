"""Anthropic's dialect at the door: passed through where the endpoint speaks it, translated where it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auriga_api import Model
from support import grammar_chat, grammar_messages
from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_router import Running, chain, model, routing, snapshot
from support.upstreams import Upstream, Visit

KEYS = {"default/keys": {"api": b"sk-ant"}}
REFERENCE = {"name": "keys", "key": "api"}


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


def events(words: list[str]) -> list[bytes]:
    start = json.loads(message()) | {"content": [], "stop_reason": None}
    delta = {"type": "content_block_delta", "index": 0}
    return [
        event({"type": "message_start", "message": start}),
        event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        event({"type": "ping"}),
        *(event(delta | {"delta": {"type": "text_delta", "text": word}}) for word in words),
        event({"type": "content_block_stop", "index": 0}),
        event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}),
        event({"type": "message_stop"}),
    ]


async def anthropic(visit: Visit) -> None:
    """An endpoint that speaks Messages, as Anthropic and llama-server do."""
    if visit.stream:
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, events(["Hello ", "there"]))) + b"0\r\n\r\n")
    else:
        await visit.send(scripts.reply(200, message()))


async def messages(running: Running, model: str = "role", path: str = "/v1/messages", **more: Any) -> Reply:
    asked = {"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}], **more}
    async with running.client() as client:
        await client.post(asked, path)
        return await client.reply()


def claude(address: str, name: str = "claude") -> Model:
    where = {"provider": "anthropic", "baseURL": f"http://{address}", "credentialsSecretRef": REFERENCE}
    return model(name, external=where | {"model": "claude-sonnet-4-5"})


async def test_messages_pass_through_to_llama_server_as_they_are() -> None:
    async with Upstream(anthropic) as upstream:
        state = snapshot(model("m1"), chain("role", "m1"), endpoints={"m1": upstream.address})
        async with routing(state) as running:
            reply = await messages(running, unknown={"field": 1})
            assert reply.json == json.loads(message())
            assert upstream.visits[0].head.startswith(b"POST /v1/messages HTTP/1.1")
            assert upstream.visits[0].json["unknown"] == {"field": 1}
            assert reply.headers["request-id"] == reply.headers["x-request-id"]
            assert reply.headers["x-auriga-model"] == "m1"
            streamed = await messages(running, stream=True)
            assert streamed.whole
            assert streamed.body == b"".join(events(["Hello ", "there"]))


async def test_a_messages_client_and_a_chat_client_are_answered_alike_by_anthropic() -> None:
    async with Upstream(anthropic) as upstream:
        async with routing(snapshot(claude(upstream.address), chain("role", "claude"), secrets=KEYS)) as running:
            assert (await messages(running)).json["content"][0]["text"] == "Hello there"
            whole = await running.chat()
            assert whole.json["choices"][0]["message"]["content"] == "Hello there"
            streamed = await running.chat(stream=True)
            assert grammar_chat.violation(streamed.body) is None
            assert grammar_messages.violation((await messages(running, stream=True)).body) is None
        for visit in upstream.visits:
            assert visit.head.startswith(b"POST /v1/messages HTTP/1.1")
            assert (visit.header("x-api-key"), visit.header("anthropic-version")) == ("sk-ant", "2023-06-01")
            assert visit.header("authorization") is None
            assert visit.json["model"] == "claude-sonnet-4-5"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_messages_client_is_answered_by_a_server_that_speaks_openai(stream: bool) -> None:
    async with Upstream(scripts.ok) as upstream:
        state = snapshot(
            model("gpt", external={"provider": "openaiCompatible", "baseURL": f"http://{upstream.address}/v1"}),
            chain("role", "gpt"),
        )
        async with routing(state) as running:
            reply = await messages(running, stream=stream)
            assert (reply.status, upstream.visits[0].head.split()[1]) == (200, b"/v1/chat/completions")
            if stream:
                assert grammar_messages.violation(reply.body) is None
                assert grammar_messages.read(reply.body).blocks[0]["text_of_deltas"] == scripts.TEXT
            else:
                assert reply.json["content"] == [{"type": "text", "text": scripts.TEXT}]
                assert reply.json["stop_reason"] == "end_turn"
