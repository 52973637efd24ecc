"""Streams: a good one arrives exactly, however it is cut into bytes; a broken one never ends as if it were whole."""

from __future__ import annotations

import asyncio
import json

import pytest

from support import upstreams_scripts as scripts
from support.http_grammar import chat_stream
from support.http_router import Running, role
from support.upstreams import Script, Upstream

EVENTS = scripts.events()
CRLF_EVENTS = [event.replace(b"\n", b"\r\n") for event in EVENTS]
WHOLE = b"".join(EVENTS)
LAST = b"0\r\n\r\n"


def _sized(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _plain(body: bytes, headers: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{headers}\r\n".encode() + body


USAGE = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[],"usage":{"total_tokens":3}}\n\n'
NO_DONE = EVENTS[:-1]
GOOD: dict[str, Script] = {
    "one write": scripts.ok,
    "a write for each event": scripts.streams([*map(scripts.chunk, EVENTS), LAST]),
    "events over two chunks each": scripts.streams([*map(scripts.chunk, _sized(WHOLE, 50)), LAST]),
    "three-byte chunks": scripts.streams([*map(scripts.chunk, _sized(WHOLE, 3)), LAST]),
    "byte by byte": scripts.streams(_sized(b"".join(map(scripts.chunk, EVENTS)) + LAST, 1)),
    "one chunk for all": scripts.streams([scripts.chunk(WHOLE) + LAST]),
    "CRLF lines": scripts.streams([*map(scripts.chunk, CRLF_EVENTS), LAST]),
    "CRLF lines over chunks": scripts.streams([*map(scripts.chunk, _sized(b"".join(CRLF_EVENTS), 50)), LAST]),
    "comments between": scripts.streams([scripts.chunk(b": ping\n\n" + event) for event in EVENTS] + [LAST]),
    "trailers": scripts.streams([*map(scripts.chunk, EVENTS), b"0\r\nX-Trailer: 1\r\n\r\n"]),
    "with Content-Length": scripts.sends(_plain(WHOLE, f"Content-Length: {len(WHOLE)}\r\n")),
    "ended by the connection": scripts.closes_after(_plain(WHOLE, "")),
    "ended by the connection, said so": scripts.closes_after(_plain(WHOLE, "Connection: close\r\n")),
    "after 100 Continue": scripts.sends(
        b"HTTP/1.1 100 Continue\r\n\r\n" + scripts.SSE_HEAD + scripts.chunk(WHOLE) + LAST
    ),
    "no end mark": scripts.streams([*map(scripts.chunk, NO_DONE), LAST]),
    "no end mark, usage last": scripts.streams([*map(scripts.chunk, [*NO_DONE, USAGE]), LAST]),
    "no end mark, then FIN": scripts.closes_after(scripts.SSE_HEAD + b"".join(map(scripts.chunk, NO_DONE))),
    "end mark without blank line": scripts.streams([scripts.chunk(WHOLE[:-1]) + LAST]),
    "end mark, then FIN": scripts.closes_after(scripts.SSE_HEAD + b"".join(map(scripts.chunk, EVENTS))),
    "a key named error that is null": scripts.streams(
        [*(scripts.chunk(event.replace(b'"model"', b'"error": null, "model"')) for event in EVENTS), LAST]
    ),
    "bytes after the end": scripts.sends(
        scripts.SSE_HEAD
        + b"".join(map(scripts.chunk, EVENTS))
        + LAST
        + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmug!"
    ),
}


@pytest.mark.parametrize("kind", GOOD)
async def test_a_good_stream_arrives_exactly(kind: str) -> None:
    async with Upstream(GOOD[kind]) as upstream, role(upstream.address) as running:
        for _ in range(2):
            reply = await running.chat(stream=True)
            stream = chat_stream(_without_comments(reply.body), whole=reply.whole)
            assert (stream.text, stream.finish, stream.done) == (scripts.TEXT, "stop", True)
            assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream")
        assert running.outcomes == [("m1", "Ok")] * 2


@pytest.mark.parametrize("kind", GOOD)
async def test_a_client_of_http_1_0_gets_it_without_chunks(kind: str) -> None:
    async with Upstream(GOOD[kind]) as upstream, role(upstream.address) as running, running.client() as client:
        body = json.dumps({"model": "role", "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()
        await client.send(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        head, _, events = (await client.closed()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"transfer-encoding" not in head
        assert chat_stream(_without_comments(events), whole=True).text == scripts.TEXT


def _without_comments(body: bytes) -> bytes:
    return body.replace(b": ping\n\n", b"")


BREAKS = ["fin", "rst", "stall", "error", "end"]
SHORT_STALL = {"timeouts": {"stall": "400ms"}}


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("after", [2, 3, 6])
async def test_a_break_after_content_ends_with_an_error_never_cleanly(how: str, after: int) -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(after, how, seen)) as upstream,
        Upstream(scripts.ok) as other,
        role(upstream.address, other.address, model_spec=SHORT_STALL, streaming={"onBreak": "Error"}) as running,
        running.client() as client,
    ):
        await client.post({"model": "role", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        await client.body_until(EVENTS[after - 1])
        seen.set()
        reply = await client.reply()
        stream = chat_stream(reply.body, whole=reply.whole)
        assert stream.text == "".join(scripts.WORDS[: after - 1])
        assert stream.error is not None
        assert stream.error["code"] == "stream_interrupted"
        assert "out of memory" not in stream.error["message"]
        assert running.outcomes == [("m1", "Stall" if how == "stall" else "Cut")]
        assert not other.visits


async def test_total_bounds_a_stream_that_never_ends() -> None:
    async def endless(visit: scripts.Visit) -> None:
        await visit.send(scripts.SSE_HEAD)
        while True:
            await visit.send(scripts.chunk(EVENTS[1]))
            await asyncio.sleep(0.02)

    limits = {"timeouts": dict.fromkeys(("connect", "firstToken", "stall", "total"), "1s")}
    async with Upstream(endless) as upstream, role(upstream.address, model_spec=limits) as running:
        reply = await running.chat(stream=True)
        assert chat_stream(reply.body, whole=reply.whole).error is not None
        assert running.outcomes == [("m1", "Timeout")]


async def test_a_flowing_stream_outlives_the_chains_deadline() -> None:
    release = asyncio.Event()

    async def slow(visit: scripts.Visit) -> None:
        await visit.send(scripts.SSE_HEAD + b"".join(map(scripts.chunk, EVENTS[:2])))
        await release.wait()
        await visit.send(b"".join(map(scripts.chunk, EVENTS[2:])) + LAST)

    async with (
        Upstream(slow) as upstream,
        role(upstream.address, fallback={"deadline": "1s"}) as running,
        running.client() as client,
    ):
        await client.post({"model": "role", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        await client.body_until(EVENTS[1])
        await asyncio.sleep(1.2)  # the deadline itself is what must pass
        release.set()
        reply = await client.reply()
        assert chat_stream(reply.body, whole=reply.whole).text == scripts.TEXT


async def test_content_leaves_as_soon_as_it_comes() -> None:
    """Event by event: the endpoint sends the next one only when the client has the one before."""
    turn = asyncio.Semaphore(0)

    async def lockstep(visit: scripts.Visit) -> None:
        await visit.send(scripts.SSE_HEAD + scripts.chunk(EVENTS[0]))
        for event in EVENTS[1:]:
            await visit.send(scripts.chunk(event))
            await turn.acquire()
        await visit.send(LAST)

    async with Upstream(lockstep) as upstream, role(upstream.address) as running:
        await _in_lockstep(running, turn)


async def test_content_leaves_as_soon_as_it_comes_even_when_chunks_and_events_do_not_fall_together() -> None:
    """Each chunk ends in the middle of the next event."""
    turn = asyncio.Semaphore(0)

    async def lockstep(visit: scripts.Visit) -> None:
        await visit.send(scripts.SSE_HEAD + scripts.chunk(EVENTS[0]))
        ahead = b""
        for event, following in zip(EVENTS[1:], [*EVENTS[2:], b""], strict=True):
            await visit.send(scripts.chunk(event[len(ahead) :] + following[:9]))
            ahead = following[:9]
            await turn.acquire()
        await visit.send(LAST)

    async with Upstream(lockstep) as upstream, role(upstream.address) as running:
        await _in_lockstep(running, turn, lag=1)


async def _in_lockstep(running: Running, turn: asyncio.Semaphore, lag: int = 0) -> None:
    """``lag``: events that may be held back at first."""
    async with running.client() as client:
        await client.post({"model": "role", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        for number in range(1, len(EVENTS)):
            if number > lag:
                await client.body_until(EVENTS[number])
            turn.release()
        reply = await client.reply()
        assert chat_stream(reply.body, whole=reply.whole).text == scripts.TEXT


async def test_a_slow_client_slows_the_endpoint_and_is_no_stall() -> None:
    """The endpoint can send only what the client takes: what lies between is bounded."""
    event = scripts.event({"content": "x" * 4000})
    sent = 0

    async def flood(visit: scripts.Visit) -> None:
        nonlocal sent
        await visit.send(scripts.SSE_HEAD)
        for _ in range(4_000):
            await visit.send(scripts.chunk(event))
            sent += len(event)
        await visit.send(scripts.chunk(scripts.FINISH) + scripts.chunk(scripts.DONE) + LAST)

    async with (
        Upstream(flood) as upstream,
        role(upstream.address, model_spec=SHORT_STALL) as running,
        running.client() as client,
    ):
        client.writer.transport.pause_reading()
        await client.post({"model": "role", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        visit = await upstream.visited()
        await visit.connection.stuck.wait()
        await asyncio.sleep(0.8)  # longer than the stall limit
        assert not visit.connection.writable.is_set()
        assert sent < 16_000_000
        client.writer.transport.resume_reading()
        reply = await client.reply()
        assert len(chat_stream(reply.body, whole=reply.whole).text) == 16_000_000
        assert running.outcomes == [("m1", "Ok")]
