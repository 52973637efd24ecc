"""An endpoint that is lost between its last word and its usage: the answer is whole, and tokens are told of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support import upstreams_scripts as scripts
from support.http_router import role
from support.upstreams import Upstream, Visit

NAMES = ("input_tokens", "prompt_tokens", "output_tokens", "completion_tokens")
HI = [{"role": "user", "content": "hi"}]
ASKS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HI, "stream_options": {"include_usage": True}},
    "/v1/completions": {"prompt": "hi", "stream_options": {"include_usage": True}},
    "/v1/messages": {"messages": HI, "max_tokens": 50},
    "/v1/responses": {"input": "hi"},
}


async def _lost(visit: Visit) -> None:
    """After the reason to finish, before usage and end mark."""
    await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, scripts.events()[:-1])))
    visit.close()


async def _ask(path: str, asked: dict[str, Any]) -> bytes:
    async with Upstream(_lost) as upstream:
        external = {"provider": "openaiCompatible", "model": "m", "baseURL": f"http://{upstream.address}/v1"}
        external_spec = {"external": external, "capabilities": ["chat", "completions"]}
        async with role(upstream.address, model_spec=external_spec) as running, running.client() as client:
            await client.post({"model": "role", "stream": True, **asked}, path)
            reply = await client.reply()
            assert (reply.status, reply.whole) == (200, True)
            return reply.body


def _numbers(body: bytes) -> list[int]:
    """Of the last usage: of the prompt and of the answer."""
    events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: {")]
    tellings = [found for event in events if (found := (event.get("response") or event).get("usage"))]
    return [tellings[-1][name] for name in NAMES if name in tellings[-1]]


@pytest.mark.parametrize("path", ASKS)
async def test_usage_is_told_by_the_pieces_that_came(path: str) -> None:
    pieces = sum(b'"content"' in event and b'"content": ""' not in event for event in scripts.events()[:-1])
    body = await _ask(path, ASKS[path])
    prompt, answer = _numbers(body)
    assert prompt > 0
    assert 1 <= answer <= pieces
    assert body.count(b"[DONE]") == path.endswith("completions")


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": False}}, {"stream_options": None}])
async def test_who_has_not_asked_is_told_nothing(options: dict[str, Any]) -> None:
    body = await _ask("/v1/chat/completions", {"messages": HI, **options})
    assert b"[DONE]" in body
    assert b"usage" not in body
