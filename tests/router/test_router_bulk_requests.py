"""Large requests: too many values are refused before they are parsed, a long listing is answered."""

from __future__ import annotations

from support import upstreams_scripts as scripts
from support.http_router import role
from support.upstreams import Upstream

HI = b'"messages": [{"role": "user", "content": "hi"}]'


async def test_a_body_of_lists_is_refused_in_the_callers_dialect() -> None:
    body = b'{"model": "role", %s, "x": [%s0]}' % (HI, b"[]," * 200_000)
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running, running.client() as client:
        for path in ("/v1/chat/completions", "/v1/messages"):
            await client.post(body, path)
            reply = await client.reply()
            assert reply.status == 413
            assert reply.json["error"]["message"] == "the body has more than 100000 objects and lists"
        assert (await running.chat()).status == 200
        assert len(upstream.visits) == 1


async def test_a_long_listing_of_code_is_answered() -> None:
    body = b'{"model": "role", "messages": [{"role": "user", "content": "%s"}]}' % (b"a[0], {b}, c[1]\\n" * 100_000)
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running, running.client() as client:
        await client.post(body)
        assert (await client.reply()).status == 200
