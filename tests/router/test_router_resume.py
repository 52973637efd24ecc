"""A stream that breaks goes on elsewhere, in whatever way the endpoint there can: the client sees one stream."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from support import grammar_chat
from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_router import Running, chain, model, role, routing, snapshot
from support.messages_scripts import KEYS, external
from support.simulation_answers import TURN
from support.upstreams import Script, Upstream, Visit

HELD = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
START = "".join(scripts.WORDS[:2])
"""What the client has when it breaks: after the third event."""
REST = scripts.TEXT.removeprefix(START)


def provider(upstream: Upstream, kind: str = "openaiCompatible", **more: Any) -> dict[str, Any]:
    return {"external": {"provider": kind, "model": "m", "baseURL": f"http://{upstream.address}/v1"}, **more}


def says(*texts: str) -> Script:
    """A stream of these words, whatever was asked."""
    return scripts.streams([*map(scripts.chunk, scripts.events(texts)), b"0\r\n\r\n"])


async def continues(visit: Visit) -> None:
    """As llama-server does."""
    path = visit.head.split(b" ", 2)[1].decode()
    if path == "/apply-template":
        last = visit.json["messages"][-1]
        prompt = f"user says hi {TURN}{last['content']}"
        await visit.send(scripts.reply(200, json.dumps({"prompt": prompt}).encode()))
    elif path == "/v1/completions":
        assert visit.json["prompt"].endswith(TURN + START)
        words = [{"index": 0, "text": REST, "finish_reason": None}, {"index": 0, "text": "", "finish_reason": "stop"}]
        chunks = [b"data: %s\n\n" % json.dumps({"id": "other", "choices": [word]}).encode() for word in words]
        usage = b'data: {"id":"other","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}\n\n'
        await scripts.streams([*map(scripts.chunk, [*chunks, usage, scripts.DONE]), b"0\r\n\r\n"])(visit)
    else:
        assert visit.json["messages"][-1]["content"] == START
        await says(REST)(visit)


async def broken(running: Running, seen: asyncio.Event, **more: Any) -> grammar_chat.ChatGrammar:
    """The reply to a request whose first stream breaks after three events."""
    return grammar_chat.read((await _reply(running, seen, **more)).body)


async def _reply(running: Running, seen: asyncio.Event, **more: Any) -> Reply:
    async with running.client() as client:
        await client.post({"model": "role", **HELD, **more})
        await client.body_until(scripts.events()[2])
        seen.set()
        return await client.reply()


def _whole(stream: grammar_chat.ChatGrammar) -> str:
    assert stream.done
    assert stream.head is not None
    assert stream.head[0] == "chatcmpl-1"
    return stream.choices[0].texts["content"]


SHORT = {"timeouts": {"stall": "300ms"}}


@pytest.mark.parametrize("how", ["fin", "rst", "stall", "error", "end"])
async def test_the_next_member_goes_on(how: str) -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, how, seen)) as first,
        Upstream(continues) as second,
        role(first.address, second.address, members_spec=[SHORT, {}]) as running,
    ):
        stream = await broken(running, seen, max_tokens=50, stream_options={"include_usage": True})
        assert _whole(stream) == scripts.TEXT
        assert running.outcomes == [("m1", "Stall" if how == "stall" else "Cut"), ("m2", "Ok")]
        template, completion = second.visits
        assert [message["role"] for message in template.json["messages"]] == ["user", "assistant"]
        assert completion.json["max_tokens"] == 48  # two words have been said
        assert stream.usage is not None
        assert (stream.usage["prompt_tokens"], stream.usage["completion_tokens"]) == (7, 6)


async def test_whole_numbers_may_be_written_with_a_fraction() -> None:
    """As JavaScript's and Go's numbers sometimes are; OpenAI and llama-server take them."""
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen)) as first,
        Upstream(continues) as second,
        role(first.address, second.address) as running,
    ):
        assert _whole(await broken(running, seen, max_tokens=50.0, n=1.0)) == scripts.TEXT
        assert second.visits[1].json["max_tokens"] == 48


async def test_the_callers_own_start_may_be_a_part_of_text() -> None:
    seen = asyncio.Event()
    start = {"role": "assistant", "content": [{"type": "text", "text": "So: "}]}
    async with (
        Upstream(scripts.cut(3, "rst", seen)) as first,
        Upstream(says(REST)) as second,
        role(first.address, second.address) as running,
    ):
        assert _whole(await broken(running, seen, messages=[*HELD["messages"], start])) == scripts.TEXT
        assert second.visits[-1].json["messages"][-1] == {"role": "assistant", "content": "So: " + START}


@pytest.mark.parametrize("kind", ["openaiCompatible", "anthropic"])
@pytest.mark.parametrize("status", [400, 404, 413, 422, 429, 500])
async def test_who_rejects_the_prefill_has_failed_and_the_next_member_goes_on(status: int, kind: str) -> None:
    """As the newest of Anthropic's do, with a 400. It is nobody's answer, and no fault of the caller's."""
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen)) as first,
        Upstream(scripts.status(status, body=scripts.error_body("prefilling is not supported"))) as refuses,
        Upstream(continues) as last,
    ):
        rejecting = external("claude-4-5", kind, refuses.address, "" if kind == "anthropic" else "/v1")
        objects = [model("m1"), rejecting, model("m3"), chain("role", "m1", "claude-4-5", "m3")]
        endpoints = {"m1": first.address, "m3": last.address}
        async with routing(snapshot(*objects, endpoints=endpoints, secrets=KEYS)) as running:
            assert _whole(await broken(running, seen, max_tokens=50)) == scripts.TEXT
            assert [name for name, _ in running.outcomes] == ["m1", "claude-4-5", "m3"]
            assert running.outcomes[1][1] not in ("Ok", "Malformed")
            assert refuses.visits[0].json["messages"][-1]["role"] == "assistant"


async def test_where_everybody_rejects_the_prefill_the_stream_ends_with_an_error() -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen), scripts.status(400)) as first,
        Upstream(scripts.status(400)) as second,
        role((), (), members_spec=[provider(first), provider(second)]) as running,
    ):
        stream = await broken(running, seen)
        assert stream.error is not None
        assert "broke off (Cut)" in stream.error["message"]
        assert stream.choices[0].texts["content"] == START
        assert [outcome for _, outcome in running.outcomes] == ["Cut", "ClientError", "ClientError"]


async def test_an_endpoint_that_was_cut_may_go_on_itself_if_nobody_else_can() -> None:
    seen = asyncio.Event()
    async with Upstream(scripts.cut(3, "rst", seen), continues) as only, role(only.address) as running:
        assert _whole(await broken(running, seen)) == scripts.TEXT
        assert running.outcomes == [("m1", "Cut"), ("m1", "Ok")]


async def test_on_break_error_keeps_to_an_error() -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen)) as first,
        Upstream(continues) as second,
        role(first.address, second.address, streaming={"onBreak": "Error"}) as running,
    ):
        stream = await broken(running, seen)
        assert stream.error is not None
        assert stream.choices[0].texts["content"] == START
        assert not second.visits


PROVIDERS: dict[str, tuple[Script, bool]] = {
    "goes on": (says(REST), True),
    "goes on word by word": (says(*scripts.WORDS[2:]), True),
    "answers something else": (says("ONE TWO THREE"), True),
    "has nothing to add": (says(""), True),
    "rejects it": (scripts.status(400), False),
    "does not know it": (scripts.status(404), False),
    "fails": (scripts.status(500), False),
    "is cut at once": (scripts.closes_after(scripts.SSE_HEAD + scripts.chunk(scripts.ROLE)), False),
    "fails in the stream": (scripts.ERROR_EVENT_FIRST, False),
}


@pytest.mark.parametrize("what", PROVIDERS)
async def test_a_provider_is_given_the_text_as_its_last_turn(what: str) -> None:
    """One that cannot go on is a failed attempt, not the end."""
    script, good = PROVIDERS[what]
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen)) as first,
        Upstream(script) as second,
        Upstream(continues) as third,
        role((), (), third.address, members_spec=[provider(first), provider(second), {}]) as running,
    ):
        text = _whole(await broken(running, seen))
        said = {"answers something else": "ONE TWO THREE", "has nothing to add": ""}.get(what, REST)
        assert text == START + said
        assert running.outcomes[-1] == ("m2" if good else "m3", "Ok")
        assert second.visits[0].json["messages"][-1] == {"role": "assistant", "content": START}


LONG = ["This is the beginning ", "of an answer ", "and this is its end."]


@pytest.mark.parametrize(
    ("texts", "good"),
    [
        (["".join(LONG)], True),
        (LONG, True),
        (list("".join(LONG)), True),
        (LONG[2:], True),
        (["This is it"], True),
        (["This is the beginning of another answer"], False),
        (["This is the beginning ", "of something else"], False),
    ],
)
async def test_what_a_provider_repeats_is_not_said_twice(texts: list[str], good: bool) -> None:
    """The whole start again is left out; a part of it, and then something else, is no continuation."""
    release = asyncio.Event()

    async def begins(visit: Visit) -> None:
        started = [scripts.ROLE, *(scripts.event({"content": text}) for text in LONG[:2])]
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, started)))
        await release.wait()
        visit.close()

    async with (
        Upstream(begins, scripts.status(500)) as first,
        Upstream(says(*texts)) as second,
        role((), (), members_spec=[provider(first), provider(second)]) as running,
        running.client() as client,
    ):
        await client.post({"model": "role", **HELD})
        await client.body_until(b"of an answer")
        release.set()
        stream = grammar_chat.read((await client.reply()).body)
        expected = LONG[:2] + (LONG[2:] if texts[0] != "This is it" else texts)
        assert stream.choices[0].texts["content"] == "".join(expected if good else LONG[:2])
        assert (stream.error is None) is good


async def test_openai_is_not_asked_to_go_on() -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen), scripts.status(500)) as first,
        Upstream(scripts.ok) as second,
        role(first.address, (), members_spec=[{}, provider(second, "openai")]) as running,
    ):
        assert (await broken(running, seen)).error is not None
        assert not second.visits


CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a'}}


async def test_a_tool_call_is_never_spliced() -> None:
    release = asyncio.Event()

    async def calls(visit: Visit) -> None:
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, scripts.events()[:3])))
        await visit.send(scripts.chunk(scripts.event({"tool_calls": [CALL]})))
        await release.wait()
        visit.reset()

    async with (
        Upstream(calls) as first,
        Upstream(continues) as second,
        role(first.address, second.address) as running,
        running.client() as client,
    ):
        await client.post({"model": "role", **HELD})
        await client.body_until(b"call_1")
        release.set()
        stream = grammar_chat.read((await client.reply()).body)
        assert stream.error is not None
        assert stream.error["code"] == "stream_interrupted"
        assert not second.visits


async def test_where_the_limit_was_reached_nobody_is_asked() -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen)) as first,
        Upstream(continues) as second,
        role(first.address, second.address) as running,
    ):
        stream = await broken(running, seen, max_tokens=2)
        assert (_whole(stream), stream.choices[0].finish) == (START, "length")
        assert not second.visits


def _template(status: int, *, thinks: bool = False, counts: int = 0) -> Script:
    """A server whose template does not take the start of an answer. ``counts``: tokens it finds in what was said."""

    async def script(visit: Visit) -> None:
        if visit.head.startswith(b"POST /apply-template "):
            if visit.json["messages"][-1]["role"] == "assistant":
                await scripts.status(status)(visit)
            elif thinks:
                await visit.send(scripts.reply(200, json.dumps({"prompt": f"user says hi {TURN}<think>\n"}).encode()))
            else:
                await visit.send(scripts.reply(200, json.dumps({"prompt": f"user says hi {TURN}"}).encode()))
        elif visit.head.startswith(b"POST /tokenize "):
            assert visit.json == {"content": f"well\n</think>\n\n{START}", "parse_special": True}
            found = scripts.reply(200, json.dumps({"tokens": [7] * counts}).encode())
            await (scripts.sends(found) if counts else scripts.status(404))(visit)
        elif visit.head.startswith(b"POST /v1/completions ") and thinks:
            assert visit.json["prompt"].endswith(f"{TURN}<think>\nwell\n</think>\n\n{START}")
            await continues_text(visit)
        else:
            await continues(visit)

    return script


async def continues_text(visit: Visit) -> None:
    words = [{"index": 0, "text": REST, "finish_reason": "stop"}]
    chunks = [b"data: %s\n\n" % json.dumps({"id": "other", "choices": [word]}).encode() for word in words]
    await scripts.streams([*map(scripts.chunk, [*chunks, scripts.DONE]), b"0\r\n\r\n"])(visit)


@pytest.mark.parametrize("status", [400, 404])
async def test_a_template_that_refuses_the_start_is_used_without_it(status: int) -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen)) as first,
        Upstream(_template(status)) as second,
        role(first.address, second.address) as running,
    ):
        assert _whole(await broken(running, seen)) == scripts.TEXT
        assert running.outcomes[-1] == ("m2", "Ok")


@pytest.mark.parametrize(("counts", "left"), [(0, 47), (9, 41), (2, 47), (70, 1)])
async def test_thoughts_are_put_back_where_the_template_opens_them(counts: int, left: int) -> None:
    """The tags around them are in no event; who can count them says how much is left of the limit."""
    release = asyncio.Event()

    async def thinks(visit: Visit) -> None:
        started = [scripts.ROLE, scripts.event({"reasoning_content": "well"}), *scripts.events()[1:3]]
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, started)))
        await release.wait()
        visit.reset()

    async with (
        Upstream(thinks) as first,
        Upstream(_template(400, thinks=True, counts=counts)) as second,
        role(first.address, second.address) as running,
        running.client() as client,
    ):
        await client.post({"model": "role", "max_tokens": 50, **HELD})
        await client.body_until(scripts.events()[2])
        release.set()
        stream = grammar_chat.read((await client.reply()).body)
        assert _whole(stream) == scripts.TEXT
        assert stream.choices[0].texts["reasoning_content"] == "well"
        assert second.visits[-1].json["max_tokens"] == left


async def test_a_server_without_templates_goes_on_with_a_last_turn() -> None:
    async def plain(visit: Visit) -> None:
        if visit.head.startswith(b"POST /v1/chat/completions "):
            await continues(visit)
        else:
            await scripts.status(404)(visit)

    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen)) as first,
        Upstream(plain) as second,
        role(first.address, second.address) as running,
    ):
        assert _whole(await broken(running, seen)) == scripts.TEXT
        assert len(second.visits) == 3


async def test_the_deadline_runs_on_while_a_break_is_mended() -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen)) as first,
        Upstream(scripts.hangs) as second,
        role(first.address, second.address, fallback={"deadline": "500ms"}) as running,
    ):
        stream = await broken(running, seen)
        assert stream.error is not None
        assert running.outcomes == [("m1", "Cut"), ("m2", "Timeout")]
        assert [attempt["member"] for attempt in stream.error["attempts"]] == ["m1", "m2"]


async def test_a_caller_who_leaves_while_a_break_is_mended_frees_the_endpoint() -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "rst", seen)) as first,
        Upstream(scripts.hangs) as second,
        role(first.address, second.address) as running,
    ):
        async with running.client() as client:
            await client.post({"model": "role", **HELD})
            await client.body_until(scripts.events()[2])
            seen.set()
            visit = await second.visited()
        await visit.gone.wait()
        assert running.outcomes == [("m1", "Cut"), ("m2", "Cancelled")]


async def test_five_hundred_streams_at_once_and_a_fifth_of_them_cut() -> None:
    count = 0

    async def flaky(visit: Visit) -> None:
        nonlocal count
        if visit.head.startswith(b"POST /v1/chat/completions "):
            count += 1
            if count % 5 == 0:
                await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, scripts.events()[:3])))
                visit.close()
                return
            await scripts.ok(visit)
        else:
            await continues(visit)

    async with (
        Upstream(flaky) as one,
        Upstream(flaky) as two,
        role((one.address, two.address), breaker={"failures": 1000}) as running,
    ):
        replies = await asyncio.gather(*(running.chat(stream=True) for _ in range(500)))
        assert {_whole(grammar_chat.read(reply.body)) for reply in replies} == {scripts.TEXT}
        assert running.outcomes.count(("m1", "Cut")) == 100
