"""From a request to a call: reads the body, resolves the name. What cannot become a call is a Problem. Pure."""

from __future__ import annotations

from auriga_router.body import BodyError, parse
from auriga_router.call import Call
from auriga_router.dialects import Operation, Problem
from auriga_router.naming import near
from auriga_router.table import Chain, RoutingTable
from auriga_router.wire.request import Request

_FORWARDED = (b"traceparent", b"tracestate")


def admit(request: Request, operation: Operation, table: RoutingTable, request_id: bytes) -> Call | Problem:
    """The call that this request makes, or what is wrong with it."""
    body = request.body
    try:
        model, stream, single, span = parse(body)
    except BodyError as bad:
        return Problem(400, "invalid_request", bad.message, bad.param)
    chain = table.names.get(model)
    if chain is None:
        return unknown_model(model, table)
    needs = operation.needs
    if not needs <= chain.capabilities:
        return _incapable(chain, needs)
    call = Call(request_id, operation, needs, chain, body, span, stream, single, request.keep_alive, not request.http10)
    if b"traceparent" in request.headers:
        call.forwarded = _forwarded(request.headers)
    return call


def unknown_model(name: str, table: RoutingTable) -> Problem:
    """404, with names that look like it."""
    shown = name[:128]
    if name in table.ambiguous:
        choices = ", ".join(table.ambiguous[name])
        message = f"several namespaces have {shown!r}: write one of {choices}"
    else:
        similar = near(name, table.names)
        hint = f"; did you mean {' or '.join(repr(known) for known in similar)}?" if similar else ""
        message = f"there is no role, synonym or Model {shown!r}{hint}"
    return Problem(404, "model_not_found", message, "model")


def _forwarded(headers: dict[bytes, bytes]) -> bytes:
    return b"".join(b"%s: %s\r\n" % (name, headers[name]) for name in _FORWARDED if name in headers)


def _incapable(chain: Chain, needs: frozenset[str]) -> Problem:
    names = ", ".join(member.backend.name for member in chain.members)
    lacking = ", ".join(sorted(needs - chain.capabilities))
    message = f"{chain.role} has no {lacking}: none of {names} declares it in spec.capabilities"
    return Problem(400, "unsupported_operation", message, "model")
