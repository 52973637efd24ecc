"""A tool call may take its time between two pieces of its arguments: whoever sends pings meanwhile has not stalled."""

from __future__ import annotations

import asyncio

import pytest

from support import grammar_chat, grammar_messages
from support import messages_scripts as messages
from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_router import role, routing, snapshot
from support.messages_scripts import KEYS, external
from support.upstreams import Upstream, Visit

STALL = 2.0
PINGS = 12
"""A quarter of a second apart: in all half as long again as what is a stall."""
SHORT = {"timeouts": {"stall": "2s"}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {}}
DELTA = {"type": "content_block_delta", "index": 0}


def piece(text: str) -> bytes:
    return messages.event(DELTA | {"delta": {"type": "input_json_delta", "partial_json": text}})


def pauses(*, pings: bool) -> scripts.Script:
    async def script(visit: Visit) -> None:
        begun = [
            messages.events()[0],
            messages.event({"type": "content_block_start", "index": 0, "content_block": CALL}),
        ]
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, [*begun, piece('{"query": ')])))
        for _ in range(PINGS):
            await asyncio.sleep(1.5 * STALL / PINGS)
            if pings:
                await visit.send(scripts.chunk(messages.event({"type": "ping"})))
        stop = {"stop_reason": "tool_use", "stop_sequence": None}
        ended = [
            piece('"cats"}'),
            messages.event({"type": "content_block_stop", "index": 0}),
            messages.event({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 9}}),
            messages.event({"type": "message_stop"}),
        ]
        await visit.send(b"".join(map(scripts.chunk, ended)) + b"0\r\n\r\n")

    return script


@pytest.mark.parametrize("pings", [True, False], ids=["pings", "silence"])
async def test_a_call_that_pauses_is_no_stall_while_its_provider_sends_pings(pings: bool) -> None:
    async with (
        Upstream(pauses(pings=pings)) as upstream,
        role(upstream.address, model_spec=SHORT) as running,
        running.client() as client,
    ):
        body = {"model": "role", "max_tokens": 99, "stream": True, "messages": [{"role": "user", "content": "cats?"}]}
        await client.post(body, "/v1/messages")
        reply: Reply = await client.reply()
        stream = grammar_messages.read(reply.body)
        assert running.outcomes == [("m1", "Ok" if pings else "Stall")]
        assert (stream.stop_reason, stream.error is None) == (("tool_use", True) if pings else (None, False))


async def test_nor_is_it_one_where_the_pings_are_not_passed_on() -> None:
    """OpenAI's dialect has none."""
    async with Upstream(pauses(pings=True)) as upstream:
        provider = external("m1", "anthropic", upstream.address, **SHORT)
        async with routing(snapshot(provider, secrets=KEYS)) as running, running.client() as client:
            body = {"model": "m1", "stream": True, "messages": [{"role": "user", "content": "cats?"}]}
            await client.post(body)
            stream = grammar_chat.read((await client.reply()).body)
            assert running.outcomes == [("m1", "Ok")]
            assert stream.done
            assert [call["arguments"] for call in stream.choices[0].calls] == ['{"query": "cats"}']
