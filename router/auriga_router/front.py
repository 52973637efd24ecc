"""The router's front: which request goes where. Inference becomes an exchange; everything else is answered at once."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from auriga_router.admin import Admin
from auriga_router.admission import able, admit
from auriga_router.call import Call
from auriga_router.cross_origin import Origins, Sharing, preflight
from auriga_router.dialects import Operation, Problem, anthropic
from auriga_router.dialects.anthropic import COUNT_TOKENS
from auriga_router.dialects.paths import OPERATIONS, dialect_of, plain
from auriga_router.exchange import Exchange
from auriga_router.inside import Folding, streamed
from auriga_router.later import Later
from auriga_router.ports import Client
from auriga_router.replies import estimate
from auriga_router.routing.order import Moment, arranged
from auriga_router.table import Backend, RoutingTable
from auriga_router.wire.http import reply
from auriga_router.wire.request import LOAD, Refusal, Request
from auriga_router.wire.server import Listener, ServerConnection
from auriga_router.world import World

_log = logging.getLogger(__name__)
Handle = Callable[[Request, ServerConnection], Listener | None]
"""Answers a request; gives whom to tell about its client, if there is somebody."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_CODES = {413: "request_too_large", 503: "unavailable"}
"""Of refusals, where a caller can do something about it."""
_ID: Final = b"x-request-id"
_ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)


class Front:
    """Dispatches requests. ``table`` is replaced whole when the world changes."""

    def __init__(self, world: World, admin: Admin, load: Handle, id_prefix: str, random: Callable[[], float]) -> None:
        self._world = world
        world.on_bug = _log.exception
        self._load = load
        self._random = random
        self._admin = admin
        self._count = 0
        self._id_prefix = f"{id_prefix}-".encode("ascii")
        self._origins: Origins | None = None
        self.table = RoutingTable()
        self.refused: Counter[tuple[int, str]] = Counter()
        """Requests that never came to a chain, by status and code."""

    def share_with(self, origins: str) -> None:
        """Pages of these origins may ask: separated by commas, ``*`` for all, empty for none."""
        self._origins = Origins(origins) if origins else None

    def handle(self, request: Request, client: ServerConnection) -> Listener | None:
        """Answer a request; gives whom to tell about its client."""
        operation = OPERATIONS.get(request.target)
        try:
            if operation is not None and request.method == b"POST" and self._origins is None:
                return self._infer(request, client, operation)
            return self._dispatch(request, client, operation)
        except Exception:
            _log.exception("a request could not be handled")  # a bug of ours: it must not cost more than this request
            refusal = Refusal(500, "internal error", request.target, request.headers.get(b"origin", b""))
            client.write(self.refuse(refusal))
            client.done(keep_alive=False)
            return None

    def _dispatch(self, request: Request, client: ServerConnection, operation: Operation | None) -> Listener | None:
        if self._origins is not None and b"origin" in request.headers and request.target != LOAD:
            return self._share(request, client, self._origins)
        if operation is not None and request.method == b"POST":
            return self._infer(request, client, operation)
        if request.target == LOAD:
            return self._load(request, client)
        return self._answer(request, client)

    def _answer(self, request: Request, client: Client) -> Listener | None:
        path = _path(request.target)
        operation = OPERATIONS.get(path)
        if operation is None:
            dialect = anthropic.DIALECT if b"anthropic-version" in request.headers else dialect_of(path)
            request_id = self._request_id(request.headers.get(_ID))
            later = self._admin.later(request, plain(path), dialect, request_id)
            if later is not None:
                return Later(client, later, keep_alive=request.keep_alive)
            client.write(self._admin.answer(request, plain(path), self.table, dialect, request_id))
        elif request.method == b"POST":
            return self._infer(request, client, operation)
        else:
            problem = Problem(405, "method_not_allowed", "use POST")
            request_id = self._request_id(request.headers.get(_ID))
            client.write(self._error(request, operation, problem, request_id, b"allow: POST\r\n"))
        client.done(keep_alive=request.keep_alive)
        return None

    def _share(self, request: Request, client: Client, origins: Origins) -> Listener | None:
        """Answer a page of another origin."""
        lines = origins.lines(request)
        asked = preflight(request, lines) if lines else None
        if asked is None:
            return self._answer(request, Sharing(client, lines) if lines else client)
        client.write(asked)
        client.done(keep_alive=request.keep_alive)
        return None

    def refuse(self, refusal: Refusal) -> bytes:
        """The reply to what is not HTTP, or too much of it."""
        code = _CODES.get(refusal.status, "bad_request")
        self.refused[refusal.status, code] += 1
        dialect = dialect_of(_path(refusal.target))
        body = dialect.error(Problem(refusal.status, code, refusal.message))
        headers = dialect.id_headers(self._request_id(None))
        if refusal.status == 503:
            headers += b"retry-after: 5\r\n"
        if self._origins is not None:
            headers += self._origins.lines_for(refusal.origin)
        return reply(refusal.status, headers, body, close=True)

    def _infer(self, request: Request, client: Client, operation: Operation) -> Exchange | None:
        request_id = self._request_id(request.headers.get(_ID))
        call = admit(request, operation, self.table, request_id)
        if isinstance(call, Call):
            if operation is COUNT_TOKENS and not able(call.chain, call.needs):
                client.write(estimate(call, [])[1])
                client.done(keep_alive=request.keep_alive)
                return None
            if not call.chain.as_written:
                self._arrange(call)
            asks: Client = client
            if call.chain.inside and streamed(call):
                asks = Folding(client, call, self._world.answer_limit)
            exchange = Exchange(self._world, asks, call)
            exchange.start()
            return exchange
        self.refused[call.status, call.code] += 1
        client.write(self._error(request, operation, call, request_id))
        client.done(keep_alive=request.keep_alive)
        return None

    def _error(
        self, request: Request, operation: Operation, problem: Problem, request_id: bytes, headers: bytes = b""
    ) -> bytes:
        headers = operation.dialect.id_headers(request_id) + headers
        whole = reply(problem.status, headers, operation.dialect.error(problem), close=not request.keep_alive)
        # What answers a HEAD has no body, or the client would read it as the start of its next reply.
        return whole[: whole.index(b"\r\n\r\n") + 4] if request.method == b"HEAD" else whole

    def backend(self, key: str) -> Backend | None:
        """The Model as it is now."""
        return self.table.backends.get(key)

    def renew(self, call: Call) -> bool:
        """The call has waited: for its chain as it is now. Gives whether there still is such a one."""
        chain = (self.table.chains if call.chain.is_role else self.table.directs).get(call.chain.key)
        if chain is None or chain.role != call.chain.role:
            return False
        if chain is not call.arranged_from:
            call.chain = chain
            if not chain.as_written:
                self._arrange(call)
        return True

    def _arrange(self, call: Call) -> None:
        """Put the members in the order in which this request tries them."""
        moment = Moment(self._world.now(), call.stream, self._random)
        call.arranged_from = call.chain
        call.chain = arranged(call.chain, call.needs, moment)

    def _request_id(self, given: bytes | None) -> bytes:
        """The caller's, if it is fit to be repeated in headers and logs; else a new one."""
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given
        self._count += 1
        return self._id_prefix + str(self._count).encode("ascii")


def _path(target: bytes) -> bytes:
    """Without the query and a slash at its end; and without scheme and host, which a request to a proxy has."""
    path = target.partition(b"?")[0].rstrip(b"/")
    return path if path.startswith(b"/") else _ABSOLUTE.sub(b"", path, count=1) or b"/"
