"""Everything that is not inference: health, readiness, status, metrics, the list of models.

What grows with the number of Models is made in steps; the rest is answered at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import unquote_to_bytes

import orjson

from auriga_router.admission import unknown_model
from auriga_router.dialects import Dialect, Problem, anthropic
from auriga_router.dialects.paths import OPERATIONS, plain
from auriga_router.exposition import CONTENT_TYPE
from auriga_router.listing import anthropic_object, anthropic_steps, model_object, model_steps
from auriga_router.page import Answer, Page, answer
from auriga_router.ports import Clock
from auriga_router.snapshot import Snapshot
from auriga_router.status import is_usable, readiness_steps, roles, status_steps
from auriga_router.table import RoutingTable
from auriga_router.wire.http import head
from auriga_router.wire.request import Request

_MODELS = b"/v1/models"
_NOTHING = "there is nothing at this path; there is /v1/models, " + ", ".join(
    sorted(path.decode() for path in OPERATIONS if plain(path) == path)
)


class Admin:
    """The pages beside inference."""

    def __init__(self, now: Clock, table: Callable[[], RoutingTable], metrics: Callable[[], Iterator[bytes]]) -> None:
        """``metrics``: the steps of their page."""
        self._now = now
        self._table = table
        self.snapshot = Snapshot()
        self.draining = False
        self._pages: dict[bytes, Callable[[RoutingTable], Answer]] = {
            b"/healthz": lambda table: Answer(200, b'{"status":"ok"}'),
        }
        self.long: dict[bytes, Callable[[], Awaitable[Answer]]] = {
            b"/readyz": Page(self._readyz),
            b"/status": Page(lambda: answer(status_steps(self.snapshot, table(), now()))),
            b"/metrics": Page(lambda: answer(metrics(), CONTENT_TYPE)),
            _MODELS: Page(lambda: answer(model_steps(table()))),
        }
        """Pages that take a while, or that several workers make together."""
        self._anthropic_models = Page(lambda: answer(anthropic_steps(table())))

    def answer(self, request: Request, path: bytes, table: RoutingTable, dialect: Dialect, request_id: bytes) -> bytes:
        """The whole reply. ``path``: without the alias of a dialect."""
        return b"".join(_whole(request, self._page(request, path, table, dialect), dialect, request_id))

    def later(
        self, request: Request, path: bytes, dialect: Dialect, request_id: bytes
    ) -> Awaitable[list[bytes]] | None:
        """The whole reply in pieces, if it takes a while."""
        models = path == _MODELS and dialect is anthropic.DIALECT
        page = self._anthropic_models if models else self.long.get(path)
        if page is None or request.method not in (b"GET", b"HEAD"):
            return None

        async def whole() -> list[bytes]:
            return _whole(request, await page(), dialect, request_id)

        return whole()

    @property
    def is_ready(self) -> bool:
        """Whether to send requests here."""
        return is_usable(self._table()) and not self.draining

    def _page(self, request: Request, path: bytes, table: RoutingTable, dialect: Dialect) -> Answer:
        page = self._pages.get(path)
        name = path.removeprefix(_MODELS + b"/")
        if page is None and name == path and path not in self.long:
            return _problem(dialect, Problem(404, "not_found", _NOTHING))
        if request.method not in (b"GET", b"HEAD"):
            return _problem(dialect, Problem(405, "method_not_allowed", "use GET"), b"allow: GET, HEAD\r\n")
        if page is not None:
            return page(table)
        return _model(dialect, table, name)

    async def _readyz(self) -> Answer:
        ready = self.is_ready
        page = await answer(readiness_steps(ready, roles(self._table(), self._now())))
        return page if ready else page._replace(status=503)


def _whole(request: Request, answer: Answer, dialect: Dialect, request_id: bytes) -> list[bytes]:
    headers = dialect.id_headers(request_id) + answer.headers
    length = len(answer.body) + sum(map(len, answer.more))
    begin = head(answer.status, headers, length, content_type=answer.content_type, close=not request.keep_alive)
    return [begin] if request.method == b"HEAD" else [begin + answer.body, *answer.more]


def _model(dialect: Dialect, table: RoutingTable, name: bytes) -> Answer:
    text = unquote_to_bytes(name).decode("utf-8", "replace")
    chain = table.names.get(text)
    if chain is None:
        return _problem(dialect, unknown_model(text, table))
    write = anthropic_object if dialect is anthropic.DIALECT else model_object
    return Answer(200, orjson.dumps(write(text, chain)))


def _problem(dialect: Dialect, problem: Problem, headers: bytes = b"") -> Answer:
    return Answer(problem.status, dialect.error(problem), headers=headers)
