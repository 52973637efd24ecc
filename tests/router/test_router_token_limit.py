"""``limits.tokensPerMinute``: what answers have used counts, and who has used it up is passed over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auriga_router import usage
from auriga_router.routing.pace import Pace
from support import upstreams_scripts as scripts
from support.http_router import Running, role
from support.upstreams import Script, Upstream


def limit(tokens: int) -> list[dict[str, Any]]:
    return [{"limits": {"tokensPerMinute": tokens}}, {}]


def whole(prompt: int, answer: int) -> Script:
    counts = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
    return scripts.sends(scripts.reply(200, json.dumps(json.loads(scripts.answer()) | {"usage": counts}).encode()))


def streamed(prompt: int, answer: int) -> Script:
    counts = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
    last = b"data: %s\n\n" % json.dumps({"id": "chatcmpl-1", "choices": [], "usage": counts}).encode()
    *events, done = scripts.events()
    return scripts.sends(scripts.SSE_HEAD + b"".join(map(scripts.chunk, [*events, last, done])) + b"0\r\n\r\n")


async def who(running: Running, **more: Any) -> str:
    return (await running.chat(**more)).headers["x-auriga-model"]


LONG = {"messages": [{"role": "user", "content": "word " * 1000}]}
"""Thought to be 1,250 tokens."""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("taken", "asked"), [(600, ["m1", "m1", "m2"]), (1200, ["m1", "m2", "m2"])])
async def test_what_the_answer_says_it_took_counts(stream: bool, taken: int, asked: list[str]) -> None:
    script = (streamed if stream else whole)(taken - 50, 50)
    async with (
        Upstream(script) as first,
        Upstream(scripts.ok) as second,
        role(first.address, second.address, members_spec=limit(1000)) as running,
    ):
        assert [await who(running, stream=stream) for _ in asked] == asked
        reply = await running.chat("m1")
        assert reply.status == 503
        assert 1 <= int(reply.headers["retry-after"]) <= 60
        assert b"m1 not asked (Limited: limits.tokensPerMinute (1000) is used up)" in reply.body


async def test_without_a_word_of_usage_the_events_of_a_stream_count() -> None:
    async with (
        Upstream(scripts.ok) as first,
        Upstream(scripts.ok) as second,
        # The prompt alone is thought to be 20, and each event counts as one.
        role(first.address, second.address, members_spec=limit(24), streaming={"onBreak": "Error"}) as running,
    ):
        assert [await who(running, stream=True) for _ in range(2)] == ["m1", "m2"]


async def test_a_prompt_counts_as_soon_as_it_is_sent_and_not_any_more_if_it_was_refused() -> None:
    async with (
        Upstream(scripts.status(500), scripts.hangs) as first,
        Upstream(scripts.ok) as second,
        role(first.address, second.address, members_spec=limit(1000)) as running,
    ):
        assert await who(running, **LONG) == "m2"
        assert running.outcomes == [("m1", "ServerError"), ("m2", "Ok")]
        async with running.client() as client:
            await client.post({"model": "role", **LONG})
            await first.visited(2)
            assert await who(running) == "m2"
            assert len(first.visits) == 2
        while len(running.outcomes) < 4:  # the client is gone: what was computed for it counts
            await running.get("/healthz")
        assert await who(running) == "m2"
        assert len(first.visits) == 2, "it was asked again"


async def test_a_translated_stream_counts_what_its_endpoint_said() -> None:
    async with Upstream(streamed(900, 200)) as first, Upstream(streamed(1, 1)) as second:
        spec = [
            {"external": {"provider": "openaiCompatible", "model": "m", "baseURL": f"http://{each.address}/v1"}, **more}
            for each, more in zip((first, second), limit(1000), strict=True)
        ]
        async with role((), (), members_spec=spec) as running, running.client() as client:
            answered = []
            for _ in range(2):
                await client.post({"model": "role", "max_tokens": 9, "stream": True, **LONG}, "/v1/messages")
                answered.append((await client.reply()).headers["x-auriga-model"])
            assert answered == ["m1", "m2"]


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        (b'{"usage":{"prompt_tokens":3,"completion_tokens": 4,"total_tokens":7}}', 7),
        (b'{"data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}', 3),
        (b'{"usage":{"input_tokens":3,"cache_read_input_tokens":10,"output_tokens":4}}', 17),
        (
            (
                b'data: {"message":{"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
                b'data: {"usage":{"output_tokens":9}}\n\n'
            ),
            12,
        ),
        (b'data: {"a": 1}\n\ndata: {"a": 2}\n\ndata: [DONE]\n\n', 102),
        (b'{"content":"\\"prompt_tokens\\": 7, \\"completion_tokens\\": 7"}', 100),
        (b'{"usage":{"prompt_tokens":3,"completion_tokens":4},"x":"' + b"x" * 100_000 + b'"}', 7),
        (b"", 100),
    ],
)
def test_tokens_are_read_in_any_dialect(said: bytes, tokens: int) -> None:
    assert usage.of_answer(said, 100) == tokens


def test_what_is_used_up_becomes_due_again() -> None:
    pace = Pace()
    pace.limit(0, 60)
    assert pace.wait(100.0) <= 0
    pace.spend(60, 100.0)
    assert pace.wait(100.0) == pytest.approx(1)
    assert pace.wait(101.0) <= 0
    pace.spend(120, 100.0)
    assert pace.wait(100.0) == pytest.approx(121)
    pace.spend(-150, 100.0)
    assert pace.wait(100.0) <= 0


def test_whatever_an_endpoint_claims_closes_its_model_for_an_hour_at_most() -> None:
    pace = Pace()
    pace.limit(0, 60)
    pace.spend(10**12, 100.0)
    assert 3000 < pace.wait(100.0) <= 3600
    assert pace.wait(3800.0) <= 0
