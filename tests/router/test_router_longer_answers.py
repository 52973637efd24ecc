"""An endpoint's answer that is longer than it said is no answer: nobody knows which of its bytes belong to it."""

from __future__ import annotations

import pytest

from support import upstreams_scripts as scripts
from support.http_router import role
from support.upstreams import Upstream, Visit


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 102 Processing\r\n\r\n"], ids=["at once", "after 102"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_is_longer_than_it_said_is_no_answer(stream: bool, before: bytes) -> None:
    answer = b"".join(scripts.events()) if stream else scripts.answer()
    kind = "text/event-stream" if stream else "application/json"
    told = before + f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 5\r\n\r\n".encode()
    async with (
        Upstream(scripts.sends(told + answer)) as longer,
        Upstream(scripts.ok) as good,
        role(longer.address, good.address) as running,
    ):
        reply = await running.chat(stream=stream)
        assert (reply.status, reply.headers["x-auriga-model"]) == (200, "m2")
        assert running.outcomes == [("m1", "Malformed"), ("m2", "Ok")]


async def test_what_comes_behind_the_last_chunk_is_dropped() -> None:
    async def script(visit: Visit) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        await visit.send(head + scripts.chunk(scripts.answer()) + b"0\r\n\r\nxyz")

    async with Upstream(script) as upstream, role(upstream.address) as running:
        for _ in range(2):  # on a connection each
            reply = await running.chat()
            assert (reply.status, reply.body) == (200, scripts.answer())


@pytest.mark.parametrize("before", [b"\r\n\r\n", b"\n\n", b"\r\n"])
async def test_a_response_begins_with_its_status_line(before: bytes) -> None:
    async with (
        Upstream(scripts.sends(before + scripts.reply(200, scripts.answer()))) as odd,
        Upstream(scripts.ok) as good,
        role(odd.address, good.address) as running,
    ):
        reply = await running.chat()
        assert (reply.status, reply.body) == (200, scripts.answer())
        assert running.outcomes == [("m1", "Malformed"), ("m2", "Ok")]
