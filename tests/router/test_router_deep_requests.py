"""Requests that nest deeper than they can be written anew: an answer or a 400, and nothing of them stays behind."""

from __future__ import annotations

import asyncio

import pytest

from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_router import Running, role
from support.messages_scripts import anthropic
from support.upstreams import Script, Upstream

DEEP = '{"a":' * 300 + "1" + "}" * 300
"""More than orjson writes (254), less than it reads (1024)."""
HI = '"messages": [{"role": "user", "content": "hi"}]'
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
TOOLS = f'"tools": [{{"type": "function", "function": {{"name": "f", "parameters": {DEEP}}}}}]'
PARTS = f'"messages": [{{"role": "user", "content": [{{"type": "text", "text": "hi", "x": {DEEP}}}]}}]'


async def ask(running: Running, *fields: str, path: str = CHAT) -> Reply:
    async with running.client() as client:
        await client.post(f'{{"model": "role", {", ".join(fields)}}}'.encode(), path)
        return await client.reply()


@pytest.mark.parametrize("fields", [(HI, TOOLS), (PARTS,)], ids=["tools", "parts"])
async def test_a_break_behind_it_ends_as_any_other(fields: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    seen = asyncio.Event()
    seen.set()
    async with (
        Upstream(scripts.cut(3, "fin", seen)) as first,
        Upstream(scripts.status(500)) as second,
        role(first.address, second.address, model_spec={"timeouts": {"stall": "1s"}}) as running,
    ):
        reply = await ask(running, '"stream": true', *fields)
        assert reply.status == 400 or b"stream_interrupted" in reply.body
        assert [outcome for _, outcome in running.outcomes].count("Connect") == 0
        for backend in running.router._front.table.backends.values():
            assert (backend.slots.in_flight, [each.in_flight for each in backend.endpoints]) == (0, [0])
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(("path", "script"), [(CHAT, scripts.ok), (MESSAGES, anthropic)])
async def test_inside_it_is_answered_or_refused(path: str, script: Script) -> None:
    async with Upstream(script) as upstream, role(upstream.address, streaming={"inside": True}) as running:
        assert (await ask(running, '"max_tokens": 50', HI, TOOLS, path=path)).status in (200, 400)


@pytest.mark.parametrize("where", [PARTS, PARTS.replace('"user"', '"system"')], ids=["user", "system"])
async def test_with_two_endpoints_it_is_answered_or_refused(where: str) -> None:
    async with (
        Upstream(scripts.ok) as one,
        Upstream(scripts.ok) as two,
        role([one.address, two.address]) as running,
    ):
        assert (await ask(running, where)).status in (200, 400)
