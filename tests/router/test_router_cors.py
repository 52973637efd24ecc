"""Web pages of other origins may ask a router where that is enabled, and only there."""

from __future__ import annotations

import pytest

from auriga_router.settings import RouterSettings
from support import upstreams_scripts as scripts
from support.http_client import RawClient, Reply
from support.http_router import chain, model, routing, snapshot
from support.upstreams import Upstream

PAGE = "https://app.example.org"
ORIGIN = f"Origin: {PAGE}\r\n"
ALLOWS = "access-control-allow-origin"
HI = {"model": "role", "messages": [{"role": "user", "content": "hi"}]}


async def ask(client: RawClient, method: str, path: str, origin: str) -> Reply:
    headers = f"Host: a\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\n"
    await client.send(f"{method} {path} HTTP/1.1\r\n{headers}\r\n".encode())
    return await client.reply(method)


@pytest.mark.parametrize("enabled", [PAGE, f"https://other.example.org, {PAGE}", "*"])
async def test_where_it_is_enabled_a_page_may_ask_and_read_all_replies(enabled: str) -> None:
    async with Upstream(scripts.ok) as upstream:
        state = snapshot(model("m1"), chain("role", "m1"), endpoints={"m1": upstream.address})
        async with routing(state, RouterSettings(cors_origins=enabled)) as running, running.client() as client:
            asked = await ask(client, "OPTIONS", "/v1/chat/completions", PAGE)
            assert (asked.status, asked.body, asked.headers[ALLOWS]) == (200, b"", PAGE)
            assert "POST" in asked.headers["access-control-allow-methods"]
            assert asked.headers["access-control-allow-headers"] == "authorization, *"
            for body, status in ((HI, 200), (HI | {"stream": True}, 200), (HI | {"model": "no"}, 404)):
                await client.post(body, headers=ORIGIN)
                reply = await client.reply()
                assert (reply.status, reply.headers[ALLOWS], reply.headers["vary"]) == (status, PAGE, "origin")
                assert "x-auriga-model" in reply.headers["access-control-expose-headers"]
            assert (await ask(client, "GET", "/v1/models", PAGE)).headers[ALLOWS] == PAGE
            assert ALLOWS not in (await client.get("/v1/models")).headers
            assert len(upstream.visits) == 2
            assert upstream.visits[0].header("origin") is None


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [("Content-Length: 2000\r\n", "", 413), ("Content-Length: 1\r\nExpect: x\r\n", "{", 417)],
)
@pytest.mark.parametrize("enabled", [PAGE, ""])
async def test_a_page_reads_why_its_request_is_not_even_looked_at(
    enabled: str, headers: str, body: str, status: int
) -> None:
    settings = RouterSettings(cors_origins=enabled, body_limit=1000)
    async with routing(snapshot(model("m1")), settings) as running, running.client() as client:
        await client.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n{ORIGIN}{headers}\r\n{body}".encode())
        reply = await client.reply()
        assert (reply.status, reply.headers.get(ALLOWS)) == (status, enabled or None)


@pytest.mark.parametrize("enabled", ["", "https://other.example.org"])
async def test_elsewhere_it_may_not(enabled: str) -> None:
    async with Upstream(scripts.ok) as upstream:
        state = snapshot(model("m1"), chain("role", "m1"), endpoints={"m1": upstream.address})
        async with routing(state, RouterSettings(cors_origins=enabled)) as running, running.client() as client:
            asked = await ask(client, "OPTIONS", "/v1/chat/completions", PAGE)
            assert (asked.status, ALLOWS in asked.headers) == (405, False)
            await client.post(HI, headers=ORIGIN)
            reply = await client.reply()
            assert (reply.status, ALLOWS in reply.headers) == (200, False)


async def test_an_answer_that_was_folded_from_a_stream_may_be_read_too() -> None:
    async with Upstream(scripts.ok) as upstream:
        chained = chain("role", "m1", streaming={"inside": True})
        state = snapshot(model("m1"), chained, endpoints={"m1": upstream.address})
        async with routing(state, RouterSettings(cors_origins="*")) as running, running.client() as client:
            await client.post(HI, headers=ORIGIN)
            reply = await client.reply()
            assert (reply.status, reply.headers[ALLOWS]) == (200, PAGE)
            assert reply.json["choices"][0]["message"]["content"] == scripts.TEXT
