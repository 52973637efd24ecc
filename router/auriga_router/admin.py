"""Everything that is not inference: health, readiness, status, metrics, the list of models. Answered at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import orjson

from auriga_router.admission import unknown_model
from auriga_router.dialects import Dialect, Problem, anthropic
from auriga_router.dialects.paths import OPERATIONS, plain
from auriga_router.listing import anthropic_list, anthropic_object, model_list, model_object
from auriga_router.ports import Clock
from auriga_router.snapshot import Snapshot
from auriga_router.status import readiness, status_document
from auriga_router.table import RoutingTable
from auriga_router.wire.http import JSON, reply
from auriga_router.wire.request import Request

_MODELS = b"/v1/models"
_NOTHING = "there is nothing at this path; there is /v1/models, " + ", ".join(
    sorted(path.decode() for path in OPERATIONS if plain(path) == path)
)


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
        self.together: Mapping[bytes, Callable[[], Awaitable[Answer]]] = {}
        """Pages that several workers make together."""
        self.snapshot = Snapshot()
        self.draining = False
        self._pages: dict[bytes, Callable[[RoutingTable], Answer]] = {
            b"/healthz": lambda table: Answer(200, b'{"status":"ok"}'),
            b"/readyz": self._readyz,
            b"/status": lambda table: Answer(200, orjson.dumps(status_document(self.snapshot, table, self._now()))),
            b"/metrics": lambda table: Answer(200, *self._metrics()),
        }

    def answer(self, request: Request, path: bytes, table: RoutingTable, dialect: Dialect, request_id: bytes) -> bytes:
        """The whole reply. ``path``: without the alias of a dialect."""
        return self._whole(request, self._page(request, path, table, dialect), dialect, request_id)

    def later(self, request: Request, path: bytes, dialect: Dialect, request_id: bytes) -> Awaitable[bytes] | None:
        """The whole reply, if others are to be asked for it first."""
        page = self.together.get(path)
        if page is None or request.method not in (b"GET", b"HEAD"):
            return None

        async def whole() -> bytes:
            return self._whole(request, await page(), dialect, request_id)

        return whole()

    def ready(self, table: RoutingTable) -> tuple[bool, dict[str, Any]]:
        """Whether to send requests here, and what would answer."""
        ready, document = readiness(table, self._now())
        return ready and not self.draining, document

    def _whole(self, request: Request, answer: Answer, dialect: Dialect, request_id: bytes) -> bytes:
        headers = dialect.id_headers(request_id) + answer.headers
        whole = reply(
            answer.status, headers, answer.body, content_type=answer.content_type, close=not request.keep_alive
        )
        return whole[: whole.index(b"\r\n\r\n") + 4] if request.method == b"HEAD" else whole

    def _page(self, request: Request, path: bytes, table: RoutingTable, dialect: Dialect) -> Answer:
        page = self._pages.get(path)
        if page is None and path != _MODELS and not path.startswith(_MODELS + b"/"):
            return _problem(dialect, Problem(404, "not_found", _NOTHING))
        if request.method not in (b"GET", b"HEAD"):
            return _problem(dialect, Problem(405, "method_not_allowed", "use GET"), b"allow: GET, HEAD\r\n")
        if page is not None:
            return page(table)
        name = path.removeprefix(_MODELS).removeprefix(b"/")
        return _model(dialect, table, name) if name else _models(dialect, table)

    def _readyz(self, table: RoutingTable) -> Answer:
        ready, document = self.ready(table)
        return Answer(200 if ready else 503, orjson.dumps(document))


def _models(dialect: Dialect, table: RoutingTable) -> Answer:
    return Answer(200, orjson.dumps((anthropic_list if dialect is anthropic.DIALECT else model_list)(table)))


def _model(dialect: Dialect, table: RoutingTable, name: bytes) -> Answer:
    text = unquote_to_bytes(name).decode("utf-8", "replace")
    chain = table.names.get(text)
    if chain is None:
        return _problem(dialect, unknown_model(text, table))
    write = anthropic_object if dialect is anthropic.DIALECT else model_object
    return Answer(200, orjson.dumps(write(text, chain)))


def _problem(dialect: Dialect, problem: Problem, headers: bytes = b"") -> Answer:
    return Answer(problem.status, dialect.error(problem), headers=headers)
