"""What a caller is sent, as bytes: an answer, the head of a stream, the error of a failed chain. Pure."""

from __future__ import annotations

from auriga_router.attempts import Tried
from auriga_router.call import Call
from auriga_router.dialects import Problem
from auriga_router.dialects.anthropic import COUNT_TOKENS
from auriga_router.held import HeldWhole
from auriga_router.routing.choose import retry_after, skipped
from auriga_router.routing.verdict import failure
from auriga_router.table import Backend, Member
from auriga_router.translate import RequestError, Wire, estimate_tokens, write_request_error
from auriga_router.wire.http import reply, stream_head


def answer(call: Call, member: Member | None, failed: list[Tried], held: HeldWhole) -> bytes:
    """An endpoint's whole answer, or the error that it returned. ``member`` is None if it is nobody's answer."""
    headers = call.reply_headers(member, failed)
    return reply(held.status, headers, held.body, content_type=held.content_type, close=not call.keep_alive)


def without_key(body: bytes, backend: Backend) -> bytes:
    """A provider's error may repeat the headers of our request, and those hold its key: no caller may see it."""
    return body.replace(backend.credential, b"[key removed]") if backend.credential else body


def refused(call: Call, error: RequestError, failed: list[Tried]) -> tuple[int, bytes]:
    """Status and reply when the request cannot be said to any of those who could be asked."""
    status, body = write_request_error(call.operation.wire or Wire.CHAT, error)
    return status, reply(status, call.reply_headers(None, failed), body, close=not call.keep_alive)


def estimate(call: Call, failed: list[Tried]) -> tuple[int, bytes]:
    """Status and reply to a count of tokens where no member can count, or none did: stated as an estimate."""
    try:
        tokens = estimate_tokens(call.body)
    except RequestError as error:
        return refused(call, error, failed)
    headers = call.reply_headers(None, failed) + b"x-auriga-estimated: true\r\n"
    return 200, reply(200, headers, b'{"input_tokens":%d}' % tokens, close=not call.keep_alive)


def begin_stream(call: Call, member: Member | None, failed: list[Tried]) -> bytes:
    """The head of a stream. ``member`` is None while nobody knows who will answer."""
    return stream_head(call.reply_headers(member, failed), chunked=call.chunked, close=not call.keep_alive)


def error(call: Call, problem: Problem, failed: list[Tried]) -> bytes:
    """An error of the router's own; the connection closes after it."""
    return reply(problem.status, call.reply_headers(None, failed), call.operation.dialect.error(problem), close=True)


def gone(call: Call) -> bytes:
    """The reply (404) to who has waited for what has been deleted meanwhile."""
    kind = "RoleChain" if call.chain.is_role else "Model"
    message = f"{call.chain.role} is gone: {kind} {call.chain.key} was deleted or renamed while this request waited"
    body = call.operation.dialect.error(Problem(404, "model_not_found", message, attempts=()))
    return reply(404, call.reply_headers(None, []), body, close=not call.keep_alive)


def chain_failed(call: Call, failed: list[Tried], now: float, *, deadline_passed: bool) -> tuple[int, bytes]:
    """Status and reply when nobody could answer."""
    if call.operation is COUNT_TOKENS:
        return estimate(call, failed)
    left_out = skipped(call.chain, call.needs, {tried.member for tried in failed}, now, call.least_tokens)
    problem = failure(call.chain.role, failed, left_out, deadline_passed=deadline_passed)
    headers = call.reply_headers(None, failed)
    wait = retry_after(call.chain, call.needs, now, call.least_tokens) if problem.status == 503 else None
    if wait is not None:
        headers += b"retry-after: %d\r\n" % wait
    body = call.operation.dialect.error(problem)
    return problem.status, reply(problem.status, headers, body, close=not call.keep_alive)
