"""Anthropic's dialect at the door: passed through where the endpoint speaks it, translated where it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support import grammar_chat, grammar_messages
from support import upstreams_scripts as scripts
from support.http_router import chain, model, role, routing, snapshot
from support.messages_scripts import KEYS, anthropic, ask, error, events, external, message, messages
from support.upstreams import Refusing, Upstream

TURNS = [{"role": "user", "content": "hi"}]
GPT = "openaiCompatible"


async def test_messages_pass_through_to_llama_server_as_they_are() -> None:
    async with Upstream(anthropic) as upstream, role(upstream.address) as running:
        reply = await messages(running, unknown={"field": 1})
        assert reply.json == json.loads(message())
        assert upstream.visits[0].head.startswith(b"POST /v1/messages HTTP/1.1")
        assert upstream.visits[0].json["unknown"] == {"field": 1}
        assert reply.headers["request-id"] == reply.headers["x-request-id"]
        assert reply.headers["x-auriga-model"] == reply.headers["x-auriga-attempts"] == "m1"
        streamed = await messages(running, stream=True)
        assert (streamed.whole, streamed.body) == (True, b"".join(events()))


async def test_a_messages_client_and_a_chat_client_are_answered_alike_by_anthropic() -> None:
    async with Upstream(anthropic) as upstream:
        claude = external("claude", "anthropic", upstream.address)
        async with routing(snapshot(claude, chain("role", "claude"), secrets=KEYS)) as running:
            assert (await messages(running)).json["content"][0]["text"] == "Hello there"
            assert (await running.chat()).json["choices"][0]["message"]["content"] == "Hello there"
            assert grammar_chat.violation((await running.chat(stream=True)).body) is None
            assert grammar_messages.violation((await messages(running, stream=True)).body) is None
        for visit in upstream.visits:
            assert visit.head.startswith(b"POST /v1/messages HTTP/1.1")
            assert (visit.header("x-api-key"), visit.header("anthropic-version")) == ("sk-provider-key", "2023-06-01")
            assert visit.header("authorization") is None
            assert visit.json["model"] == "claude-model"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_messages_client_is_answered_by_a_server_that_speaks_openai(stream: bool) -> None:
    async with Upstream(scripts.ok) as upstream:
        gpt = external("gpt", GPT, upstream.address, "/v1")
        async with routing(snapshot(gpt, chain("role", "gpt"), secrets=KEYS)) as running:
            reply = await messages(running, stream=stream)
            assert (reply.status, upstream.visits[0].head.split()[1]) == (200, b"/v1/chat/completions")
            if stream:
                assert grammar_messages.violation(reply.body) is None
                assert grammar_messages.read(reply.body).blocks[0]["text_of_deltas"] == scripts.TEXT
            else:
                assert reply.json["content"] == [{"type": "text", "text": scripts.TEXT}]
                assert reply.json["stop_reason"] == "end_turn"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_local_then_anthropic_then_openai_answers_both_clients(stream: bool) -> None:
    overloaded = scripts.status(529, body=error("overloaded_error", "Overloaded"))
    async with Upstream(overloaded) as busy, Upstream(scripts.ok) as good:
        with Refusing() as refusing:
            state = snapshot(
                model("local"),
                external("claude", "anthropic", busy.address),
                external("gpt", "openai", good.address, "/v1"),
                chain("role", "local", "claude", "gpt"),
                endpoints={"local": refusing},
                secrets=KEYS,
            )
            async with routing(state) as running:
                chat = await running.chat(stream=stream)
                said = await messages(running, stream=stream)
                for reply in (chat, said):
                    assert (reply.status, reply.headers["x-auriga-model"]) == (200, "gpt")
                tried = [("local", "Connect"), ("claude", "ServerError"), ("gpt", "Ok")]
                assert running.outcomes == tried * 2
                if stream:
                    assert grammar_chat.violation(chat.body) is None
                    assert grammar_messages.violation(said.body) is None


async def test_beta_headers_go_to_endpoints_of_the_dialect_alone() -> None:
    async with Upstream(anthropic) as claude, Upstream(scripts.ok) as gpt:
        state = snapshot(
            external("claude", "anthropic", claude.address), external("gpt", GPT, gpt.address, "/v1"), secrets=KEYS
        )
        async with routing(state) as running:
            for name in ("claude", "gpt"):
                body = {"model": name, "max_tokens": 1, "messages": TURNS}
                assert (await ask(running, "/v1/messages", body, "anthropic-beta: some-2026\r\n")).status == 200
            assert claude.visits[0].header("anthropic-beta") == "some-2026"
            assert gpt.visits[0].header("anthropic-beta") is None


async def test_tokens_are_counted_by_the_endpoint_or_estimated() -> None:
    async with Upstream(anthropic) as upstream, Upstream(scripts.ok) as gpt:
        state = snapshot(model("local"), external("gpt", GPT, gpt.address, "/v1"),
                         chain("both", "gpt", "local"), chain("cloud", "gpt"),
                         endpoints={"local": upstream.address}, secrets=KEYS)  # fmt: skip
        async with routing(state) as running:
            for name in ("local", "both"):
                reply = await ask(running, "/v1/messages/count_tokens", {"model": name, "messages": TURNS})
                assert (reply.json, reply.headers["x-auriga-model"]) == ({"input_tokens": 7}, "local")
            long = [{"role": "user", "content": "word " * 100}]
            reply = await ask(running, "/v1/messages/count_tokens", {"model": "cloud", "messages": long})
            assert 100 <= reply.json["input_tokens"] <= 150
            assert reply.headers["x-auriga-estimated"] == "true"
            assert not gpt.visits
            reply = await ask(running, "/v1/messages/count_tokens", {"model": "cloud", "messages": [{"role": "x"}]})
            assert (reply.status, reply.json["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("turn", [{"role": "observation", "content": "hi"}, {"role": "user", "content": ["hi"]}])
async def test_what_a_template_may_know_is_refused_where_it_must_be_translated(turn: dict[str, Any]) -> None:
    async with Upstream(anthropic) as upstream:
        claude = external("claude", "anthropic", upstream.address)
        async with routing(snapshot(claude, chain("role", "claude"), secrets=KEYS)) as running:
            reply = await ask(running, "/v1/chat/completions", {"model": "role", "messages": [turn]})
    assert (reply.status, reply.json["error"]["type"]) == (400, "invalid_request_error")
    assert not upstream.visits


async def test_tokens_are_estimated_where_nobody_did_count() -> None:
    with Refusing() as refusing:
        async with role(refusing) as running:
            reply = await ask(running, "/v1/messages/count_tokens", {"model": "role", "messages": TURNS})
            assert (reply.status, reply.headers["x-auriga-estimated"]) == (200, "true")
            assert reply.json["input_tokens"] > 0
            assert reply.headers["x-auriga-attempts"].startswith("m1;outcome=Connect")


async def test_models_in_anthropics_shape_for_whoever_speaks_anthropics() -> None:
    state = snapshot(model("m1"), chain("role", "m1"), endpoints={"m1": "127.0.0.1:1"})
    async with routing(state) as running, running.client() as client:
        listed = (await client.get("/api/anthropic/v1/models")).json
        assert [entry["id"] for entry in listed["data"]] == ["role", "m1"]
        assert (listed["first_id"], listed["last_id"], listed["has_more"]) == ("role", "m1", False)
        assert all(entry["type"] == "model" for entry in listed["data"])
        await client.send(b"GET /v1/models/role HTTP/1.1\r\nHost: a\r\nanthropic-version: 2023-06-01\r\n\r\n")
        assert (await client.reply("GET")).json["display_name"] == "role"
        await client.send(b"GET /v1/models/no HTTP/1.1\r\nHost: a\r\nanthropic-version: 2023-06-01\r\n\r\n")
        missing = await client.reply("GET")
        assert (missing.status, grammar_messages.error_object(missing.json)["type"]) == (404, "not_found_error")
        for path in ("/v1/models", "/models", "/v1/v1/models", "/api/openai/v1/models", "/api/openai/models"):
            assert (await client.get(path)).json["object"] == "list"


CHAT = ("chat/completions", {"messages": TURNS})
MESSAGES = ("messages", {"messages": TURNS, "max_tokens": 4})
BASES = {
    "/v1/": (CHAT, MESSAGES),
    "/": (CHAT, MESSAGES),
    "/v1/v1/": (CHAT, MESSAGES),
    "/api/openai/v1/": (CHAT,),
    "/api/openai/": (CHAT,),
    "/api/anthropic/v1/": (MESSAGES,),
    "/api/anthropic/": (MESSAGES,),
    "/api/anthropic/v1/v1/": (MESSAGES,),
}
"""What precedes an operation in the paths that clients make of base URLs with ``/v1`` and without."""


@pytest.mark.parametrize(("base", "operation"), [(base, each) for base, all_of in BASES.items() for each in all_of])
async def test_a_base_url_may_end_in_v1_or_not(base: str, operation: tuple[str, dict[str, Any]]) -> None:
    path, body = operation
    async with Upstream(anthropic if path == "messages" else scripts.ok) as upstream, role(upstream.address) as running:
        assert (await ask(running, base + path, {"model": "role", **body})).status == 200
        assert upstream.visits[0].head.split()[1] == b"/v1/" + path.encode()
        async with running.client() as client:
            assert (await client.get(base + path)).headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/chat", "/v1/v1/v1/chat/completions", "/api/openai/v1/messages"])
async def test_where_there_is_nothing_the_reply_names_what_there_is(path: str) -> None:
    async with routing(snapshot()) as running:
        reply = await ask(running, path, {"model": "role", "messages": TURNS})
        assert (reply.status, reply.json["error"]["code"]) == (404, "not_found")
        assert "/v1/chat/completions, " in reply.json["error"]["message"]


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aaaa"}}
BAD = {
    "unknown model": ({"model": "no"}, 404, "not_found_error"),
    "no messages": ({"messages": None}, 400, "invalid_request_error"),
    "no max_tokens": ({"max_tokens": None}, 400, "invalid_request_error"),
    "messages of the wrong type": ({"messages": "hi"}, 400, "invalid_request_error"),
    "no role": ({"messages": [{"content": "hi"}]}, 400, "invalid_request_error"),
    "tools of the wrong type": ({"tools": {}}, 400, "invalid_request_error"),
    "stream of the wrong type": ({"stream": "yes"}, 400, "invalid_request_error"),
    "a result without its call": (
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "no", "content": "1"}]}]},
        400,
        "invalid_request_error",
    ),
    "an image nobody can see": ({"messages": [{"role": "user", "content": [IMAGE]}]}, 400, "invalid_request_error"),
}


RESULT = BAD["a result without its call"][0]["messages"]


async def test_a_result_without_its_call_is_the_endpoints_to_judge_unless_it_must_be_translated() -> None:
    """llama-server takes it. Who cannot be told is passed over."""
    chatted = {"model": "role", "messages": [{"role": "tool", "tool_call_id": "no", "content": "1"}]}
    async with Upstream(anthropic) as theirs, Upstream(scripts.ok) as other:
        cloud = external("cloud", GPT, other.address, "/v1")
        members = chain("role", "cloud", "local")
        state = snapshot(model("local"), cloud, members, endpoints={"local": theirs.address}, secrets=KEYS)
        async with routing(state) as running:
            reply = await messages(running, messages=RESULT)
            assert (reply.status, reply.headers["x-auriga-model"]) == (200, "local")
            assert theirs.visits[0].json["messages"] == RESULT
            assert not other.visits
            reply = await ask(running, "/v1/chat/completions", chatted)
            assert (reply.status, reply.headers["x-auriga-model"]) == (200, "cloud"), "the provider's to judge"


@pytest.mark.parametrize(
    ("what", "provider"),
    [
        (what, each)
        for what in BAD
        for each in ("local", "cloud")
        if (what, each) != ("a result without its call", "local")
    ],
)
async def test_bad_requests_get_anthropics_errors_before_anybody_is_asked(what: str, provider: str) -> None:
    more, status, kind = BAD[what]
    async with Upstream(anthropic) as upstream:
        cloud = external("cloud", GPT, upstream.address, "/v1")
        state = snapshot(model("local"), cloud, endpoints={"local": upstream.address}, secrets=KEYS)
        async with routing(state) as running:
            reply = await messages(running, **{"model": provider, **more})
            found = grammar_messages.error_object(reply.json)
            assert (reply.status, found["type"]) == (status, kind)
            assert reply.headers["request-id"]
            assert not upstream.visits


@pytest.mark.parametrize(
    "asked",
    [{"messages": [{"role": "user", "content": [IMAGE]}]}, {"tools": [{"name": "f", "input_schema": {}}]}],
    ids=["image", "tools"],
)
async def test_a_member_that_cannot_is_skipped(asked: dict[str, Any]) -> None:
    async with Upstream(anthropic) as blind, Upstream(anthropic) as able:
        spec = [{"capabilities": ["chat"]}, {"capabilities": ["chat", "vision", "tools"]}]
        async with role(blind.address, able.address, members_spec=spec) as running:
            reply = await messages(running, **asked)
            assert (reply.status, reply.headers["x-auriga-attempts"]) == (200, "m2")


async def test_what_is_too_large_is_told_in_the_dialect_of_the_path() -> None:
    async with Upstream(anthropic) as upstream, role(upstream.address) as running, running.client() as client:
        await client.send(b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n")
        reply = await client.reply()
        found = grammar_messages.error_object(reply.json)
        assert (reply.status, found["type"]) == (413, "request_too_large")


OVERFLOWS = {
    "anthropic": error("invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"),
    "llama-server": scripts.LLAMA_OVERFLOW,
    "openai": scripts.OPENAI_OVERFLOW,
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("shape", OVERFLOWS)
async def test_a_prompt_that_is_too_long_everywhere(shape: str, stream: bool) -> None:
    async with Upstream(scripts.overflow(OVERFLOWS[shape])) as upstream:
        cloud = external("cloud", "anthropic", upstream.address)
        state = snapshot(model("local"), cloud, chain("role", "local", "cloud"),
                         endpoints={"local": upstream.address}, secrets=KEYS)  # fmt: skip
        async with routing(state) as running:
            said = await messages(running, stream=stream)
            assert said.status == 400
            assert grammar_messages.error_object(said.json)["type"] == "invalid_request_error"
            chat = await running.chat(stream=stream)
            assert chat.status == 400
            assert grammar_chat.error_object(chat.json)
            assert {outcome for _, outcome in running.outcomes} == {"ContextOverflow"}


async def test_a_chain_that_failed_is_told_in_anthropics_shape() -> None:
    with Refusing() as refusing:
        async with role(refusing) as running:
            reply = await messages(running)
            found = grammar_messages.error_object(reply.json)
            assert (reply.status, found["type"]) == (502, "api_error")
            assert found["attempts"][0]["outcome"] == "Connect"


@pytest.mark.parametrize("how", ["fin", "error"])
async def test_a_stream_that_breaks_ends_with_anthropics_error(how: str) -> None:
    half = b"".join(map(scripts.chunk, events()[:4]))
    rest = b"" if how == "fin" else scripts.chunk(b"event: error\ndata: " + error("overloaded_error", "no") + b"\n\n")
    async with (
        Upstream(scripts.closes_after(scripts.SSE_HEAD + half + rest)) as upstream,
        role(upstream.address, streaming={"onBreak": "Error"}) as running,
    ):
        reply = await messages(running, stream=True)
        grammar = grammar_messages.read(reply.body)
        assert grammar.error is not None
        assert not grammar.stopped
        assert running.outcomes == [("m1", "Cut")]
