"""What a caller is sent, as bytes: an answer, the head of a stream, the error of a failed chain. Pure."""

from __future__ import annotations

from auriga_router.attempts import Tried
from auriga_router.call import Call
from auriga_router.dialects import Problem
from auriga_router.held import HeldWhole
from auriga_router.routing.choose import retry_after, skipped
from auriga_router.routing.verdict import failure
from auriga_router.table import Member
from auriga_router.wire.http import JSON, reply, stream_head


def answer(call: Call, member: Member | None, failed: list[Tried], held: HeldWhole) -> bytes:
    """An endpoint's whole answer, or the error that it returned. ``member`` is None if it is nobody's answer."""
    content_type = JSON if held.head.status == 200 else held.head.content_type or JSON
    headers = call.reply_headers(member, failed)
    return reply(held.head.status, headers, held.body, content_type=content_type, close=not call.keep_alive)


def without_key(body: bytes, headers: bytes) -> bytes:
    """A provider's error may repeat the headers of our request, and those hold its key: no caller may see it."""
    for line in headers.split(b"\r\n"):
        scheme, _, key = line.removeprefix(b"authorization: ").partition(b" ")
        if line.startswith(b"authorization: ") and key:
            return body.replace(key, b"[%s key removed]" % scheme)
    return body


def begin_stream(call: Call, member: Member, failed: list[Tried]) -> bytes:
    """The head of a stream."""
    return stream_head(call.reply_headers(member, failed), chunked=call.chunked, close=not call.keep_alive)


def error(call: Call, problem: Problem, failed: list[Tried]) -> bytes:
    """An error of the router's own; the connection closes after it."""
    return reply(problem.status, call.reply_headers(None, failed), call.operation.dialect.error(problem), close=True)


def chain_failed(call: Call, failed: list[Tried], now: float, *, deadline_passed: bool) -> tuple[int, bytes]:
    """Status and reply when nobody could answer."""
    capability = call.operation.capability
    left_out = skipped(call.chain, capability, {tried.member for tried in failed}, now)
    problem = failure(call.chain.role, failed, left_out, deadline_passed=deadline_passed)
    headers = call.reply_headers(None, failed)
    if problem.status == 503:
        headers += b"retry-after: %d\r\n" % retry_after(call.chain, capability, now)
    body = call.operation.dialect.error(problem)
    return problem.status, reply(problem.status, headers, body, close=not call.keep_alive)
