"""Everything that is not inference: health, readiness, status, metrics, the list of models. Answered at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import orjson

from auriga_router.admission import unknown_model
from auriga_router.dialects import Problem
from auriga_router.dialects.openai import DIALECT
from auriga_router.listing import model_list, model_object
from auriga_router.ports import Clock
from auriga_router.snapshot import Snapshot
from auriga_router.status import readiness, status_document
from auriga_router.table import RoutingTable
from auriga_router.wire.http import JSON, reply
from auriga_router.wire.request import Request


class Answer(NamedTuple):
    """What a page says."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: bytes = b""


class Admin:
    """The pages beside inference."""

    def __init__(self, now: Clock, metrics: Callable[[], tuple[bytes, bytes]]) -> None:
        self._now = now
        self._metrics = metrics
        self.snapshot = Snapshot()
        self.draining = False
        self._pages: dict[bytes, Callable[[RoutingTable], Answer]] = {
            b"/healthz": lambda table: Answer(200, b'{"status":"ok"}'),
            b"/readyz": self._readyz,
            b"/status": lambda table: Answer(200, orjson.dumps(status_document(self.snapshot, table, self._now()))),
            b"/metrics": lambda table: Answer(200, *self._metrics()),
            b"/v1/models": lambda table: Answer(200, orjson.dumps(model_list(table))),
        }

    def answer(self, request: Request, path: bytes, table: RoutingTable, request_id: bytes) -> bytes:
        """The whole reply."""
        answer = self._page(request, path, table)
        headers = b"x-request-id: %s\r\n%s" % (request_id, answer.headers)
        whole = reply(
            answer.status, headers, answer.body, content_type=answer.content_type, close=not request.keep_alive
        )
        return whole[: whole.index(b"\r\n\r\n") + 4] if request.method == b"HEAD" else whole

    def _page(self, request: Request, path: bytes, table: RoutingTable) -> Answer:
        page = self._pages.get(path)
        name = path.removeprefix(b"/v1/models/")
        if page is None and name == path:
            return _problem(Problem(404, "not_found", "there is nothing at this path"))
        if request.method not in (b"GET", b"HEAD"):
            return _problem(Problem(405, "method_not_allowed", "use GET"), b"allow: GET, HEAD\r\n")
        return page(table) if page is not None else _model(table, name)

    def _readyz(self, table: RoutingTable) -> Answer:
        ready, document = readiness(table, self._now())
        return Answer(200 if ready and not self.draining else 503, orjson.dumps(document))


def _model(table: RoutingTable, name: bytes) -> Answer:
    text = unquote_to_bytes(name).decode("utf-8", "replace")
    chain = table.names.get(text)
    if chain is None:
        return _problem(unknown_model(text, table))
    return Answer(200, orjson.dumps(model_object(text, chain)))


def _problem(problem: Problem, headers: bytes = b"") -> Answer:
    return Answer(problem.status, DIALECT.error(problem), headers=headers)
