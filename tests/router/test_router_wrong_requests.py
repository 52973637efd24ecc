"""Requests that nobody can answer get the dialect's own 400, with the field at fault, before any model is asked."""

from __future__ import annotations

from typing import Any

import pytest

from support import grammar_messages, http_grammar
from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_router import Running, role
from support.upstreams import Upstream

HI = [{"role": "user", "content": "hi"}]
CHAT, COMPLETIONS, EMBEDDINGS, MESSAGES, RESPONSES = (
    "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages", "/v1/responses",
)  # fmt: skip
RIGHT: dict[str, dict[str, Any]] = {
    CHAT: {"messages": HI},
    COMPLETIONS: {"prompt": "hi"},
    EMBEDDINGS: {"input": "hi"},
    MESSAGES: {"messages": HI, "max_tokens": 9},
    RESPONSES: {"input": "hi"},
}
SHARED: list[tuple[dict[str, Any], str]] = [
    ({"temperature": "hot"}, "temperature"),
    ({"max_tokens": True}, "max_tokens"),
    ({"n": False}, "n"),
    ({"top_p": {}}, "top_p"),
    ({"stream": "yes"}, "stream"),
]
TURNS: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages"),
    ({"messages": None}, "messages"),
    ({"messages": "hi"}, "messages"),
    ({"messages": {}}, "messages"),
    ({"messages": [*HI, "hi"]}, "messages[1]"),
    ({"messages": [{"content": "hi"}]}, "messages[0].role"),
    ({"messages": [*HI, {"role": 7, "content": "hi"}]}, "messages[1].role"),
    ({"messages": [*HI, {"role": "", "content": "hi"}]}, "messages[1].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": {"text": "hi"}}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": ["hi", 5]}]}, "messages[0].content[1]"),
    ({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "messages[0].content[0].text"),
    ({"max_tokens": -5}, "max_tokens"),
    ({"max_tokens": "9"}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
]
WRONG: dict[str, list[tuple[dict[str, Any], str]]] = {
    CHAT: [*TURNS, ({"max_tokens": 0}, "max_tokens"), ({"max_completion_tokens": -2}, "max_completion_tokens"),
           ({"n": "two"}, "n"), ({"seed": "x"}, "seed")],
    COMPLETIONS: [({"prompt": None}, "prompt"), ({"prompt": []}, "prompt"), ({"prompt": 5}, "prompt"),
                  ({"max_tokens": -2}, "max_tokens"), ({"max_tokens": []}, "max_tokens")],
    EMBEDDINGS: [({"input": None}, "input"), ({"input": []}, "input"), ({"input": 5}, "input")],
    MESSAGES: [*TURNS, ({"max_tokens": None}, "max_tokens"), ({"top_k": "x"}, "top_k")],
    RESPONSES: [({"input": None}, "input"), ({"input": []}, "input"), ({"input": 5}, "input"),
                ({"input": [{"role": "wizard", "content": "hi"}]}, "input[0].role"),
                ({"max_output_tokens": 0}, "max_output_tokens"), ({"max_output_tokens": "x"}, "max_output_tokens")],
}  # fmt: skip
FIELDS_OF_NOBODY = {EMBEDDINGS: ("temperature", "top_p")}
CASES = [
    (path, body, field) for path, cases in WRONG.items() for body, field in [*cases, *SHARED]
    if field not in FIELDS_OF_NOBODY.get(path, ())
]  # fmt: skip
ABLE = {"capabilities": ["chat", "completions", "embeddings", "tools", "vision"]}


async def _ask(running: Running, path: str, body: dict[str, Any]) -> Reply:
    async with running.client() as client:
        await client.post({"model": "role", **RIGHT[path], **body}, path)
        return await client.reply()


async def test_no_tokens_at_all_are_refused_where_the_dialect_refuses_them() -> None:
    """OpenAI: at least 1 in chats, 16 in Responses, 0 in plain completions (scoring); Anthropic: 0 warms a cache."""
    async with Upstream(scripts.ok) as upstream, role(upstream.address, model_spec=ABLE) as running:
        reply = await _ask(running, CHAT, {"max_completion_tokens": 0})
        said = "max_completion_tokens: must be at least 1: leave it out for no limit"
        assert (reply.status, reply.json["error"]["message"]) == (400, said)
        assert (await _ask(running, RESPONSES, {"max_output_tokens": 0})).status == 400
        assert not upstream.visits
        for path in (COMPLETIONS, MESSAGES):
            await _ask(running, path, {"max_tokens": 0})
            assert upstream.visits[-1].json["max_tokens"] == 0


@pytest.mark.parametrize(("path", "body", "field"), CASES, ids=[f"{path[4:]} {body}" for path, body, _ in CASES])
async def test_what_is_wrong_is_told_and_nobody_is_asked(path: str, body: dict[str, Any], field: str) -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address, model_spec=ABLE) as running:
        reply = await _ask(running, path, body)
        assert reply.status == 400
        if path == MESSAGES:
            found = grammar_messages.error_object(reply.json)
            assert found["type"] == "invalid_request_error"
        else:
            found = http_grammar.error_object(reply.json)
            assert (found["type"], found["code"], found["param"]) == ("invalid_request_error", "invalid_request", field)
        assert found["message"].startswith(f"{field}: ")
        assert not upstream.visits


TAKEN: list[tuple[str, dict[str, Any]]] = [
    (CHAT, {"temperature": None, "max_tokens": None, "n": None, "stream": None}),
    (CHAT, {"max_tokens": -1}),  # llama-server, LM Studio: no limit
    (CHAT, {"max_tokens": 7.0}),
    (CHAT, {"temperature": 0, "top_p": 1, "seed": -1}),
    (CHAT, {"temperature": -1}),
    (CHAT, {"messages": [{"role": "developer", "content": "be brief"}, *HI]}),
    (CHAT, {"messages": [{"role": "control", "content": "thinking"}, *HI]}),  # Granite's template
    (CHAT, {"messages": [*HI, {"role": "observation", "content": "22 degrees"}]}),  # GLM-4's
    (CHAT, {"messages": [{"role": "available_tools", "content": "[]"}, {"role": "wizard", "content": ["hi"]}]}),
    (CHAT, {"messages": [{"role": "user", "content": []}]}),
    (CHAT, {"messages": [*HI, {"role": "assistant", "content": None}]}),
    (CHAT, {"messages": [*HI, {"role": "assistant"}]}),
    (COMPLETIONS, {"max_tokens": 0, "echo": True, "logprobs": 1}),  # scoring
    (COMPLETIONS, {"prompt": ""}),
    (COMPLETIONS, {"prompt": [1, 2, 3]}),
    (COMPLETIONS, {"prompt": [1, "mixed"]}),
    (COMPLETIONS, {"prompt": {"prompt_string": "hi"}}),
    (MESSAGES, {"max_tokens": 0}),  # warms Anthropic's cache
    (MESSAGES, {"messages": [{"role": "system", "content": "be brief"}, *HI]}),
]


@pytest.mark.parametrize(("path", "body"), TAKEN, ids=[f"{path[4:]} {body}" for path, body in TAKEN])
async def test_what_some_endpoint_takes_is_asked(path: str, body: dict[str, Any]) -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address, model_spec=ABLE) as running:
        await _ask(running, path, body)
        assert {name: upstream.visits[0].json[name] for name in body} == body


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_slash_at_the_end_of_the_path_means_nothing(path: str) -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        async with running.client() as client:
            await client.post({"model": "role", **RIGHT[path]}, f"{path}/")
            await client.reply()
        assert upstream.visits[0].head.startswith(f"POST {path} HTTP/1.1\r\n".encode())
        assert (await running.get("/v1/models/")).json == (await running.get("/v1/models")).json
        assert (await running.get("/healthz/")).status == 200


async def test_what_is_too_large_has_a_code_of_its_own() -> None:
    async with role("127.0.0.1:1") as running, running.client() as client:
        await client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n")
        reply = await client.reply()
        assert (reply.status, http_grammar.error_object(reply.json)["code"]) == (413, "request_too_large")
        metrics = (await running.get("/metrics")).body.decode()
        assert 'auriga_refusals_total{code="request_too_large",status="413"} 1.0' in metrics
