"""How a scripted endpoint answers: each of these makes a script, or is one. Good answers first, then faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

from support.upstreams import Script, Visit

TEXT = "one two three four five six"
WORDS = [word + " " for word in TEXT.split()[:-1]] + [TEXT.rsplit(maxsplit=1)[-1]]
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    whole = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: %s\n\n" % json.dumps(whole).encode()


ROLE = event({"role": "assistant", "content": None})
FINISH = event({}, "stop")


def events(words: Iterable[str] = WORDS) -> list[bytes]:
    """A whole stream."""
    return [ROLE, *(event({"content": word}) for word in words), FINISH, DONE]


def answer(text: str = TEXT, finish: str = "stop") -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return json.dumps(whole | {"usage": usage}).encode()


def error_body(message: str = "no", code: object = None, kind: str = "error") -> bytes:
    return json.dumps({"error": {"message": message, "code": code, "type": kind, "param": None}}).encode()


def reply(status: int, body: bytes, content_type: str = "application/json", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


# --- good


async def ok(visit: Visit) -> None:
    """The whole text, streamed or not, as the request wants it."""
    if visit.stream:
        await visit.send(SSE_HEAD + b"".join(map(chunk, events())) + b"0\r\n\r\n")
    else:
        await visit.send(reply(200, answer()))


def streams(pieces: Iterable[bytes]) -> Script:
    """A stream sent in these pieces, chunk framing included, each on its own; then a request must not follow."""

    async def script(visit: Visit) -> None:
        await visit.send(SSE_HEAD)
        for piece in pieces:
            await visit.send(piece)
            await asyncio.sleep(0)  # lets the transport send it on its own

    return script


def sends(data: bytes) -> Script:
    """These bytes, whatever was asked; the connection stays open."""

    async def script(visit: Visit) -> None:
        await visit.send(data)

    return script


def closes_after(data: bytes) -> Script:
    """These bytes, then a FIN."""

    async def script(visit: Visit) -> None:
        await visit.send(data)
        visit.close()

    return script


def waits_for(release: asyncio.Event, then: Script = ok) -> Script:
    """Answers only when the event is set."""

    async def script(visit: Visit) -> None:
        await release.wait()
        await then(visit)

    return script


# --- faults before anything was said


def status(code: int, headers: str = "", body: bytes | None = None) -> Script:
    """This status with an error body."""
    return sends(reply(code, error_body() if body is None else body, headers=headers))


def resets() -> Script:
    """A RST as soon as the request is in."""

    async def script(visit: Visit) -> None:
        visit.reset()

    return script


async def hangs(visit: Visit) -> None:
    """Takes the request and never answers."""
    await visit.gone.wait()


def by_kind(streamed: bytes, whole: bytes) -> Script:
    """One set of bytes for a streamed request, another for the rest."""

    async def script(visit: Visit) -> None:
        await visit.send(streamed if visit.stream else whole)

    return script


def closes_by_kind(streamed: bytes, whole: bytes) -> Script:
    """The same, then a FIN."""

    async def script(visit: Visit) -> None:
        await visit.send(streamed if visit.stream else whole)
        visit.close()

    return script


HELD_CUT = closes_by_kind(SSE_HEAD + chunk(ROLE), reply(200, answer())[:-20])
HTML = by_kind(*[reply(200, b"<html><body>Welcome</body></html>", "text/html")] * 2)
BROKEN_JSON = by_kind(SSE_HEAD + chunk(b'data: {"choices": [{"del\n\n') + b"0\r\n\r\n", reply(200, answer()[:-9]))
EMPTY_BODY = by_kind(SSE_HEAD + b"0\r\n\r\n", reply(200, b""))
EMPTY_ANSWER = by_kind(SSE_HEAD + b"".join(map(chunk, [ROLE, FINISH, DONE])) + b"0\r\n\r\n", reply(200, answer("")))
ERROR_IN_200 = by_kind(*[reply(200, error_body())] * 2)
ERROR_EVENT_FIRST = by_kind(
    SSE_HEAD + chunk(ROLE) + chunk(b"data: %s\n\n" % error_body()) + chunk(DONE) + b"0\r\n\r\n",
    reply(200, error_body()),
)
BAD_CHUNK = by_kind(SSE_HEAD + b"0x5\r\nhello\r\n", SSE_HEAD + b"zz\r\n")
NOT_HTTP = by_kind(*[b"SSH-2.0-OpenSSH_9.2\r\n"] * 2)


def overflow(shape: bytes) -> Script:
    """A prompt that does not fit."""
    return sends(reply(400, shape))


LLAMA_OVERFLOW = error_body(
    "request (9000 tokens) exceeds the available context size", 400, "exceed_context_size_error"
)
OPENAI_OVERFLOW = error_body("This model's maximum context length is 10 tokens.", "context_length_exceeded")


# --- faults after content


def cut(after: int, how: str, seen: asyncio.Event) -> Script:
    """A stream that breaks after so many events, once the test has ``seen`` them arrive.

    By ``fin``, ``rst``, ``stall``, ``error`` (an error event) or ``end`` (a whole message without finish or end mark).
    """

    async def script(visit: Visit) -> None:
        await visit.send(SSE_HEAD + b"".join(map(chunk, events()[:after])))
        await seen.wait()  # a RST would discard what the peer has not read yet
        if how == "fin":
            visit.close()
        elif how == "rst":
            visit.reset()
        elif how == "stall":
            await visit.gone.wait()
        elif how == "error":
            await visit.send(chunk(b"data: %s\n\n" % error_body("out of memory")) + b"0\r\n\r\n")
        else:
            await visit.send(b"0\r\n\r\n")

    return script
