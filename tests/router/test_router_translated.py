"""Providers, each in its own words: how it is asked, what its errors and limits mean, and what the caller is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from support import grammar_chat, grammar_messages, grammar_responses
from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_grammar import error_object
from support.http_router import Running, chain, model, routing, snapshot
from support.messages_scripts import KEYS, anthropic, ask, error, events, external, message, messages
from support.upstreams import Script, Upstream, Visit

VERSION = {"anthropic": "", "openai": "/v1", "gemini": "/v1beta/openai", "ollama": "", "openaiCompatible": "/v1"}
ASKED_AT = {
    "anthropic": b"/v1/messages",
    "openai": b"/v1/chat/completions",
    "gemini": b"/v1beta/openai/chat/completions",
    "ollama": b"/v1/chat/completions",
    "openaiCompatible": b"/v1/chat/completions",
}
GRAMMAR = {
    "/v1/chat/completions": grammar_chat,
    "/v1/messages": grammar_messages,
    "/v1/responses": grammar_responses,
}
TURNS = [{"role": "user", "content": "hi"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": TURNS},
    "/v1/messages": {"messages": TURNS, "max_tokens": 9},
    "/v1/responses": {"input": "hi"},
}
OPERATIONS = sorted(BODIES)


def good(provider: str) -> Script:
    return anthropic if provider == "anthropic" else scripts.ok


async def said(running: Running, path: str, name: str = "role", *, stream: bool = False, **more: Any) -> Reply:
    return await ask(running, path, {"model": name, "stream": stream, **BODIES[path], **more})


def text_of(path: str, reply: Reply) -> str:
    if path == "/v1/messages":
        return str(reply.json["content"][0]["text"])
    if path == "/v1/responses":
        return str(reply.json["output"][0]["content"][0]["text"])
    return str(reply.json["choices"][0]["message"]["content"])


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("provider", VERSION)
async def test_every_operation_at_every_provider(provider: str, path: str) -> None:
    async with Upstream(good(provider)) as upstream:
        cloud = external("cloud", provider, upstream.address, VERSION[provider])
        async with routing(snapshot(cloud, chain("role", "cloud"), secrets=KEYS)) as running:
            whole = await said(running, path)
            assert text_of(path, whole) in (scripts.TEXT, "Hello there")
            streamed = await said(running, path, stream=True)
            assert GRAMMAR[path].violation(streamed.body) is None
            assert (whole.status, streamed.status, streamed.whole) == (200, 200, True)
            assert [visit.head.split()[1] for visit in upstream.visits] == [ASKED_AT[provider]] * 2
            assert {visit.json["model"] for visit in upstream.visits} == {"cloud-model"}
            header = "x-api-key" if provider == "anthropic" else "authorization"
            assert "sk-provider-key" in (upstream.visits[0].header(header) or "")
            assert b"sk-provider-key" not in whole.body + streamed.body


GEMINI_WAIT = json.dumps([{"error": {
    "code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota",
    "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "40.5s"}],
}}]).encode()  # fmt: skip
GEMINI_KEY = json.dumps([{"error": {
    "code": 400, "status": "INVALID_ARGUMENT", "message": "API key not valid. Please pass a valid API key.",
}}]).encode()  # fmt: skip
NO_CREDIT = scripts.error_body("You exceeded your current quota", "insufficient_quota", "insufficient_quota")
FAILURES: dict[str, tuple[str, int, str, bytes | None, str, float]] = {
    "anthropic overloaded": ("anthropic", 529, "", error("overloaded_error", "Overloaded"), "ServerError", 0),
    "anthropic limit": ("anthropic", 429, "Retry-After: 40\r\n", error("rate_limit_error", "no"), "RateLimited", 40),
    "anthropic no credit": ("anthropic", 402, "", error("billing_error", "no"), "Unauthorized", 0),
    "anthropic key": ("anthropic", 401, "", error("authentication_error", "invalid x-api-key"), "Unauthorized", 0),
    "anthropic model": ("anthropic", 404, "", error("not_found_error", "model: x"), "Unsupported", 0),
    "openai limit": ("openai", 429, "retry-after-ms: 40250\r\nretry-after: 41\r\n", None, "RateLimited", 40.25),
    "openai no credit": ("openai", 429, "", NO_CREDIT, "Unauthorized", 0),
    "gemini limit": ("gemini", 429, "", GEMINI_WAIT, "RateLimited", 40.5),
    "gemini key": ("gemini", 400, "", GEMINI_KEY, "Unauthorized", 0),
    "ollama loading": ("ollama", 503, "", None, "ServerError", 0),
}


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("what", FAILURES)
async def test_a_providers_failure_leads_to_the_next_member(what: str, path: str) -> None:
    provider, status, headers, body, outcome, seconds = FAILURES[what]
    async with Upstream(scripts.status(status, headers, body)) as bad, Upstream(scripts.ok) as other:
        cloud = external("cloud", provider, bad.address, VERSION[provider])
        gpt = external("gpt", "openaiCompatible", other.address, "/v1")
        async with routing(snapshot(cloud, gpt, chain("role", "cloud", "gpt"), secrets=KEYS)) as running:
            reply = await said(running, path)
            assert (reply.status, reply.headers["x-auriga-model"]) == (200, "gpt")
            assert running.outcomes == [("cloud", outcome), ("gpt", "Ok")]
            if seconds:
                alone = await said(running, path, "cloud")
                assert alone.status == 503
                assert seconds - 10 < int(alone.headers["retry-after"]) <= seconds + 1


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_the_failure_of_an_endpoint_that_is_served_here_leads_to_the_next_member(
    status: int, stream: bool, path: str
) -> None:
    async with Upstream(scripts.status(status)) as bad, Upstream(anthropic) as other:
        cloud = external("cloud", "anthropic", other.address)
        state = snapshot(model("m1"), cloud, chain("role", "m1", "cloud"), endpoints={"m1": bad.address}, secrets=KEYS)
        async with routing(state) as running:
            reply = await said(running, path, stream=stream)
            assert (reply.status, reply.headers["x-auriga-model"]) == (200, "cloud")
            assert running.outcomes == [("m1", "ServerError"), ("cloud", "Ok")]


@pytest.mark.parametrize("path", OPERATIONS)
async def test_the_callers_mistake_comes_back_in_the_callers_dialect(path: str) -> None:
    wrong = error("invalid_request_error", "max_tokens: must be at most 8192, key sk-provider-key")
    async with Upstream(scripts.status(400, body=wrong)) as upstream:
        cloud = external("cloud", "anthropic", upstream.address)
        async with routing(snapshot(cloud, secrets=KEYS)) as running:
            for stream in (False, True):
                reply = await said(running, path, "cloud", stream=stream)
                assert reply.status == 400
                assert b"max_tokens" in reply.body
                assert b"sk-provider-key" not in reply.body
                found = grammar_messages.error_object(reply.json) if "messages" in path else error_object(reply.json)
                assert found["type"] == "invalid_request_error"
            assert running.outcomes == [("cloud", "ClientError")] * 2


BEFORE_CONTENT = scripts.SSE_HEAD + scripts.chunk(events()[0]) + scripts.chunk(events()[1])
STARTS: dict[str, tuple[bytes, str]] = {
    "an error event": (
        BEFORE_CONTENT + scripts.chunk(b"event: error\ndata: " + error("overloaded_error", "no") + b"\n\n"),
        "ServerError",
    ),
    "not an event": (BEFORE_CONTENT + scripts.chunk(b"data: {broken\n\n"), "Malformed"),
    "nothing said": (
        scripts.SSE_HEAD + b"".join(scripts.chunk(part) for part in events(())) + b"0\r\n\r\n",
        "Empty",
    ),
    "not framed": (BEFORE_CONTENT + b"zz\r\n", "Malformed"),
}


@pytest.mark.parametrize("what", STARTS)
async def test_a_translated_stream_that_fails_before_its_content_is_tried_elsewhere(what: str) -> None:
    start, outcome = STARTS[what]
    async with Upstream(scripts.sends(start)) as bad, Upstream(scripts.ok) as other:
        cloud = external("cloud", "anthropic", bad.address)
        state = snapshot(cloud, model("m1"), chain("role", "cloud", "m1"), endpoints={"m1": other.address},
                         secrets=KEYS)  # fmt: skip
        async with routing(state) as running:
            reply = await running.chat(stream=True)
            assert grammar_chat.violation(reply.body) is None
            assert running.outcomes == [("cloud", outcome), ("m1", "Ok")]


NO_ANSWERS: dict[str, tuple[bytes, str]] = {
    "a web page": (b"<html>Welcome</html>", "Malformed"),
    "half an answer": (message()[:-9], "Malformed"),
    "another dialect's answer": (scripts.answer(), "Malformed"),
    "an error behind a 200": (error("api_error", "no"), "Malformed"),
    "an overflow behind a 200": (error("invalid_request_error", "prompt is too long: 9 > 8"), "ContextOverflow"),
    "nothing": (b"", "Empty"),
    "an answer that says nothing": (message(content=[]), "Empty"),
    "an empty text": (message(""), "Empty"),
}


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("what", NO_ANSWERS)
async def test_what_is_no_answer_leads_to_the_next_member(what: str, path: str) -> None:
    body, outcome = NO_ANSWERS[what]
    async with Upstream(scripts.sends(scripts.reply(200, body))) as bad, Upstream(scripts.ok) as other:
        cloud = external("cloud", "anthropic", bad.address)
        gpt = external("gpt", "openaiCompatible", other.address, "/v1")
        async with routing(snapshot(cloud, gpt, chain("role", "cloud", "gpt"), secrets=KEYS)) as running:
            assert text_of(path, await said(running, path)) == scripts.TEXT
            # Messages are passed through to Anthropic; an answer of OpenAI's has no `content` there, either.
            assert running.outcomes == [("cloud", outcome), ("gpt", "Ok")]


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("how", ["fin", "error", "framing"])
async def test_a_translated_stream_that_breaks_ends_with_the_callers_own_error(how: str, path: str) -> None:
    seen = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, events()[:4])))
        await seen.wait()
        if how == "error":
            broken = b"event: error\ndata: " + error("overloaded_error", "sk-provider-key") + b"\n\n"
            await visit.send(scripts.chunk(broken))
        elif how == "framing":
            await visit.send(b"zz\r\n")
        visit.close()

    async with Upstream(script) as upstream:
        cloud = external("cloud", "anthropic", upstream.address)
        state = snapshot(cloud, chain("role", "cloud", streaming={"onBreak": "Error"}), secrets=KEYS)
        async with routing(state) as running, running.client() as client:
            await client.post({"model": "role", "stream": True, **BODIES[path]}, path)
            await client.body_until(b"Hello ")
            seen.set()
            reply = await client.reply()
            assert GRAMMAR[path].read(reply.body).error is not None
            assert b"sk-provider-key" not in reply.body
            assert running.outcomes == [("cloud", "Cut")]


async def test_a_translated_stream_arrives_token_by_token() -> None:
    async def script(visit: Any) -> None:
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, events()[:4])))
        await visit.gone.wait()

    async with Upstream(script) as upstream:
        cloud = external("cloud", "anthropic", upstream.address)
        async with routing(snapshot(cloud, secrets=KEYS)) as running, running.client() as client:
            await client.post({"model": "cloud", "stream": True, "messages": TURNS})
            assert b'{"content":"Hello "}' in await client.body_until(b'"Hello "')
            client.reset()
            await upstream.visits[0].gone.wait()


CALL = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]


async def test_tools_go_there_and_back() -> None:
    async def script(visit: Any) -> None:
        assert visit.json["tools"][0]["name"] == "add"
        await visit.send(scripts.reply(200, message(content=[CALL], stop_reason="tool_use")))

    async with Upstream(script) as upstream:
        cloud = external("cloud", "anthropic", upstream.address)
        async with routing(snapshot(cloud, secrets=KEYS)) as running:
            reply = await running.chat("cloud", tools=TOOLS)
            choice = reply.json["choices"][0]
            assert choice["finish_reason"] == "tool_calls"
            call = choice["message"]["tool_calls"][0]
            assert (call["id"], call["function"]) == ("toolu_1", {"name": "add", "arguments": '{"a":1}'})
            turns = [*TURNS, choice["message"], {"role": "tool", "tool_call_id": "toolu_1", "content": "1"}]
            assert (await running.chat("cloud", messages=turns, tools=TOOLS)).status == 200
            result = upstream.visits[1].json["messages"][-1]["content"][0]
            assert (result["type"], result["tool_use_id"]) == ("tool_result", "toolu_1")


AUDIO = {"type": "input_audio", "input_audio": {"data": "aaaa", "format": "wav"}}


async def test_what_cannot_be_said_to_a_member_is_said_to_the_next_or_refused() -> None:
    async with Upstream(anthropic) as deaf, Upstream(scripts.ok) as hears:
        cloud = external("cloud", "anthropic", deaf.address)
        state = snapshot(cloud, model("m1"), chain("role", "cloud", "m1"), endpoints={"m1": hears.address},
                         secrets=KEYS)  # fmt: skip
        async with routing(state) as running:
            turns = [{"role": "user", "content": [AUDIO]}]
            assert (await running.chat(messages=turns)).headers["x-auriga-model"] == "m1"
            reply = await running.chat("cloud", messages=turns)
            found = error_object(reply.json)
            assert (reply.status, found["param"]) == (400, "messages[0].content[0]")
            assert not deaf.visits


async def test_fields_that_nobody_else_knows_are_left_out() -> None:
    async with Upstream(scripts.ok) as upstream:
        cloud = external("cloud", "openai", upstream.address, "/v1")
        async with routing(snapshot(cloud, secrets=KEYS)) as running:
            reply = await messages(running, "cloud", context_management={"edits": []}, top_k=4)
            assert (reply.status, reply.headers["x-auriga-dropped"]) == (200, "context_management, top_k")
            assert not {"context_management", "top_k"} & upstream.visits[0].json.keys()
            reply = await running.chat("cloud", some_field=1)
            assert (reply.status, "x-auriga-dropped" in reply.headers) == (200, False)
            assert upstream.visits[1].json["some_field"] == 1


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"background": True}, "background"),
        ({"input": None}, "input"),
        ({"input": 7}, "input"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"input": [{"type": "function_call_output", "call_id": "no", "output": "1"}]}, "input[0]"),
        ({"text": {"format": {"type": "odd"}}}, "text.format.type"),
    ],
)
async def test_bad_responses_requests_are_refused_with_the_field_at_fault(more: dict[str, Any], param: str) -> None:
    async with Upstream(scripts.ok) as upstream:
        state = snapshot(model("m1"), chain("role", "m1"), endpoints={"m1": upstream.address})
        async with routing(state) as running:
            reply = await said(running, "/v1/responses", **more)
            found = error_object(reply.json)
            assert (reply.status, found["type"], found["param"]) == (400, "invalid_request_error", param)
            assert not upstream.visits
