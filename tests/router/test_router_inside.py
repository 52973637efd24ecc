"""``streaming.inside``: the endpoint streams, the caller gets one answer, and what can be seen of a stream is used."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from support import upstreams_scripts as scripts
from support.http_grammar import error_object
from support.http_router import role
from support.upstreams import Upstream, Visit

INSIDE = {"streaming": {"inside": True}}
USAGE = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":6,"total_tokens":9}}\n\n'
)


def streamed(*events: bytes) -> Any:
    return scripts.streams([*map(scripts.chunk, events), b"0\r\n\r\n"])


async def test_the_caller_gets_one_answer_of_what_was_streamed() -> None:
    *events, done = scripts.events()
    async with Upstream(streamed(*events, USAGE, done)) as upstream, role(upstream.address, **INSIDE) as running:
        reply = await running.chat(temperature=0.5)
        assert (reply.status, reply.headers["content-type"], reply.headers["x-auriga-model"]) == (
            200, "application/json", "m1",
        )  # fmt: skip
        (choice,) = reply.json["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == (scripts.TEXT, "stop")
        assert reply.json["object"] == "chat.completion"
        assert reply.json["id"] == "chatcmpl-1"
        assert (reply.json["usage"]["prompt_tokens"], reply.json["usage"]["completion_tokens"]) == (3, 6)
        asked = upstream.visits[0].json
        assert (asked["stream"], asked["stream_options"], asked["temperature"]) == (True, {"include_usage": True}, 0.5)
        assert asked["model"] == "m1"


async def test_calls_come_whole() -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a'}}
    rest = {"index": 0, "function": {"arguments": '": 1}'}}
    events = [
        scripts.ROLE, scripts.event({"tool_calls": [call]}), scripts.event({"tool_calls": [rest]}),
        scripts.event({}, "tool_calls"), scripts.DONE,
    ]  # fmt: skip
    async with Upstream(streamed(*events)) as upstream, role(upstream.address, **INSIDE) as running:
        message = (await running.chat()).json["choices"][0]["message"]
        assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}


async def test_a_call_that_breaks_is_asked_for_again_from_the_start() -> None:
    """It cannot be continued; but nothing of it has left."""
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a'}}
    async with (
        Upstream(
            scripts.closes_after(scripts.SSE_HEAD + scripts.chunk(scripts.event({"tool_calls": [call]})))
        ) as first,
        Upstream(scripts.ok) as second,
        role(first.address, second.address, **INSIDE) as running,
    ):
        reply = await running.chat()
        assert reply.json["choices"][0]["message"]["content"] == scripts.TEXT
        assert reply.headers["x-auriga-model"] == "m2"
        assert running.outcomes == [("m1", "Cut"), ("m2", "Ok")]


async def test_an_answer_that_nobody_can_give_is_an_error_with_a_status() -> None:
    cut = scripts.SSE_HEAD + b"".join(map(scripts.chunk, scripts.events()[:3]))
    async with Upstream(scripts.closes_after(cut)) as upstream, role(upstream.address, **INSIDE) as running:
        reply = await running.chat()
        assert (reply.status, reply.whole) == (502, True)
        assert error_object(reply.json)["code"] == "all_attempts_failed"


@pytest.mark.parametrize("code", [400, 422])
async def test_the_callers_own_error_is_returned_as_it_is(code: int) -> None:
    body = scripts.error_body("temperature must not be negative")
    async with Upstream(scripts.status(code, body=body)) as upstream, role(upstream.address, **INSIDE) as running:
        reply = await running.chat()
        assert (reply.status, reply.body) == (code, body)


async def test_several_choices_are_not_asked_for_as_a_stream() -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address, **INSIDE) as running:
        assert (await running.chat(n=2)).status == 200
        assert not upstream.visits[0].stream


async def test_a_stall_leads_on_and_a_caller_who_leaves_frees_the_endpoint() -> None:
    seen = asyncio.Event()
    seen.set()

    async def hangs(visit: Visit) -> None:
        if visit.head.startswith(b"POST /apply-template "):
            await visit.send(
                scripts.reply(200, json.dumps({"prompt": "x" + visit.json["messages"][-1]["content"]}).encode())
            )
        else:
            await visit.gone.wait()

    limits = {"timeouts": {"stall": "200ms"}}
    async with (
        Upstream(scripts.cut(3, "stall", seen)) as first,
        Upstream(hangs) as second,
        role(first.address, second.address, members_spec=[limits, {}], **INSIDE) as running,
    ):
        async with running.client() as client:
            await client.post({"model": "role", "messages": [{"role": "user", "content": "hi"}]})
            visit = await second.visited(2)
            assert visit.json["prompt"] == "xone two "
        await visit.gone.wait()
        assert running.outcomes == [("m1", "Stall"), ("m2", "Cancelled")]
