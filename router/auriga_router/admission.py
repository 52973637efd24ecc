"""From a request to a call: reads the body, resolves the name. What cannot become a call is a Problem. Pure."""

from __future__ import annotations

from auriga_router.body import BodyError, parse
from auriga_router.bulk import LARGE, excess
from auriga_router.call import Call
from auriga_router.conversation import key_of
from auriga_router.dialects import Operation, Problem
from auriga_router.dialects.anthropic import COUNT_TOKENS
from auriga_router.naming import near
from auriga_router.shape import survey
from auriga_router.size import LONG, least_tokens
from auriga_router.table import Chain, RoutingTable
from auriga_router.wire.request import Request

_FORWARDED = (b"traceparent", b"tracestate")


def admit(request: Request, operation: Operation, table: RoutingTable, request_id: bytes) -> Call | Problem:
    """The call that this request makes, or what is wrong with it."""
    body = request.body
    if request.size > LARGE and (much := excess(body)):
        return Problem(413, "request_too_large", f"the body has {much}")
    try:
        model, stream, single, span, document = parse(body)
        needs = survey(operation, document)
    except BodyError as bad:
        return Problem(400, "invalid_request", bad.message, bad.param)
    chain = table.names.get(model)
    if chain is None:
        return unknown_model(model, table)
    if not able(chain, needs) and operation is not COUNT_TOKENS:  # those can be estimated
        return _incapable(chain, needs)
    least = least_tokens(operation, document, len(body), chain) if len(body) >= LONG else 0
    if least and not _fits(chain, needs, least):
        return _too_long(chain, needs, least)
    call = Call(request_id, operation, needs, chain, body, span, stream, single, request.keep_alive, not request.http10)
    call.least_tokens = least
    if chain.balanced and "embeddings" not in needs:
        call.key = key_of(document)
    if b"traceparent" in request.headers:
        call.forwarded = _lines(request.headers, _FORWARDED)
    if operation.forwards:
        call.native = _lines(request.headers, operation.forwards)
    return call


def unknown_model(name: str, table: RoutingTable) -> Problem:
    """404, with names that look like it."""
    shown = name[:128]
    if name in table.ambiguous:
        choices = ", ".join(table.ambiguous[name])
        message = f"several namespaces have {shown!r}: write one of {choices}"
    else:
        similar = near(name, table.names)
        meant = f"did you mean {' or '.join(repr(known) for known in similar)}?" if similar else ""
        message = f"there is no role, synonym or Model {shown!r}; {meant or 'GET /v1/models lists them'}"
    return Problem(404, "model_not_found", message, "model")


def _lines(headers: dict[bytes, bytes], names: tuple[bytes, ...]) -> bytes:
    return b"".join(b"%s: %s\r\n" % (name, headers[name]) for name in names if name in headers)


def able(chain: Chain, needs: frozenset[str]) -> bool:
    """Is there a member that can do all of it?"""
    if not needs <= chain.capabilities:
        return False
    return len(chain.members) == 1 or any(needs <= member.backend.capabilities for member in chain.members)


def _fits(chain: Chain, needs: frozenset[str], tokens: int) -> bool:
    """Is there a member that can do it, and whose context may be large enough?"""
    able = [member.backend for member in chain.members if needs <= member.backend.capabilities]
    return any(not 0 < backend.context_length <= tokens for backend in able)


def _too_long(chain: Chain, needs: frozenset[str], tokens: int) -> Problem:
    """In words that clients and gateways know."""
    most = max(member.backend.context_length for member in chain.members if needs <= member.backend.capabilities)
    message = f"prompt is too long: at least {tokens} tokens > {most} maximum, the largest context of {chain.role}"
    return Problem(400, "context_length_exceeded", message)


def _incapable(chain: Chain, needs: frozenset[str]) -> Problem:
    names = ", ".join(member.backend.name for member in chain.members)
    lacking = " and ".join(sorted(needs - chain.capabilities or needs))
    message = f"{chain.role} has no {lacking}: none of {names} declares it in spec.capabilities"
    return Problem(400, "unsupported_operation", message, "model")
