"""A stream of a plain completion that breaks goes on elsewhere, with what was said after the prompt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_router import Running, role
from support.upstreams import Script, Upstream

WORDS = ["one ", "two ", "three ", "four"]
PROMPT = "count: "
START, REST = "".join(WORDS[:2]), "".join(WORDS[2:])


def event(text: str, reason: str | None = None, name: str = "cmpl-1", **more: Any) -> bytes:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
    whole = {"id": name, "object": "text_completion", "created": 1, "model": "m", "choices": [choice], **more}
    return scripts.chunk(b"data: %s\n\n" % json.dumps(whole).encode())


BEGUN = scripts.SSE_HEAD + b"".join(map(event, WORDS[:2]))
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
GOES_ON = scripts.sends(
    scripts.SSE_HEAD
    + b"".join(event(word, name="other") for word in WORDS[2:])
    + event("", "stop", name="other", usage=USAGE)
    + scripts.chunk(scripts.DONE)
    + b"0\r\n\r\n"
)
BREAKS: dict[str, Script] = {
    "cut": scripts.closes_after(BEGUN),
    "stall": scripts.sends(BEGUN),
    "error": scripts.sends(BEGUN + scripts.chunk(b'data: {"error": {"message": "no"}}\n\n')),
    "no end mark": scripts.sends(BEGUN + b"0\r\n\r\n"),
}
SHORT = {"timeouts": {"stall": "300ms"}}


async def complete(running: Running, **more: Any) -> Reply:
    async with running.client() as client:
        await client.post({"model": "role", "prompt": PROMPT, "stream": True, **more}, "/v1/completions")
        return await client.reply()


def read(reply: Reply) -> tuple[str, list[dict[str, Any]]]:
    """The text and the chunks of a stream that ends as it should."""
    assert (reply.status, reply.whole) == (200, True)
    *events, end = reply.body.decode().removesuffix("\n\n").split("\n\n")
    assert end == "data: [DONE]"
    chunks = [json.loads(each.removeprefix("data: ")) for each in events]
    return "".join(choice["text"] for chunk in chunks for choice in chunk["choices"]), chunks


@pytest.mark.parametrize("how", BREAKS)
async def test_the_next_member_goes_on_and_the_client_sees_one_stream(how: str) -> None:
    async with (
        Upstream(BREAKS[how]) as first,
        Upstream(GOES_ON) as second,
        role(first.address, second.address, members_spec=[SHORT, {}]) as running,
    ):
        text, chunks = read(await complete(running, max_tokens=20, temperature=0))
        assert text == START + REST
        assert {(chunk["id"], chunk["object"], chunk["created"], chunk["model"]) for chunk in chunks} == {
            ("cmpl-1", "text_completion", 1, "m")
        }
        assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
        # What was prompt the second time was answer the first time.
        usage = {name: chunks[-1]["usage"][name] for name in USAGE}
        assert usage == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        asked = second.visits[0].json
        assert asked == {
            "model": "m2", "prompt": PROMPT + START, "stream": True, "max_tokens": 18, "temperature": 0,
        }  # fmt: skip
        assert running.outcomes == [("m1", "Stall" if how == "stall" else "Cut"), ("m2", "Ok")]


async def test_what_was_all_that_the_limit_allows_is_whole() -> None:
    async with (
        Upstream(BREAKS["cut"]) as first,
        Upstream(GOES_ON) as second,
        role(first.address, second.address) as running,
    ):
        text, chunks = read(await complete(running, max_tokens=2))
        assert (text, chunks[-1]["choices"][0]["finish_reason"]) == (START, "length")
        assert not second.visits


def provider(upstream: Upstream) -> dict[str, Any]:
    external = {"provider": "openaiCompatible", "model": "m", "baseURL": f"http://{upstream.address}/v1"}
    return {"external": external, "capabilities": ["completions"]}


@pytest.mark.parametrize("limit", [{"max_tokens": 20}, {}], ids=["limit", "no limit"])
async def test_a_provider_goes_on_where_it_is_known_what_is_left(limit: dict[str, int]) -> None:
    """It need not take the start of a chat's answer for that."""
    async with (
        Upstream(BREAKS["cut"]) as first,
        Upstream(GOES_ON) as second,
        role(first.address, (), members_spec=[{}, provider(second)], fallback={"maxAttempts": 2}) as running,
    ):
        reply = await complete(running, **limit)
        if limit:
            assert read(reply)[0] == START + REST
        else:
            assert b"stream_interrupted" in reply.body
            assert not second.visits


OTHERWISE: list[dict[str, Any]] = [
    {"echo": True},
    {"suffix": "the end"},
    {"logprobs": 1},
    {"n": 2},
    {"best_of": 2},
    {"grammar": "root ::= [a-z ]+"},
    {"json_schema": {"type": "object"}},
    {"prompt": ["a", "b"]},
    {"prompt": [1, 2]},
]


@pytest.mark.parametrize("more", OTHERWISE, ids=str)
async def test_what_is_more_than_the_words_after_a_prompt_ends_with_an_error(more: dict[str, Any]) -> None:
    async with (
        Upstream(BREAKS["cut"]) as first,
        Upstream(GOES_ON) as second,
        role(first.address, second.address) as running,
    ):
        reply = await complete(running, **more)
        assert (reply.status, reply.whole) == (200, False)
        assert reply.body.count(b"data: ") == 3
        assert b'"code":"stream_interrupted"' in reply.body
        assert not second.visits
