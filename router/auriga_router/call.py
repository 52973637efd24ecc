"""What a caller asked for, as far as routing needs it. Pure."""

from __future__ import annotations

from auriga_router import completions, silence
from auriga_router.attempts import Tried, reply_headers
from auriga_router.body import splice
from auriga_router.dialects import Operation
from auriga_router.endpoint import Endpoint
from auriga_router.table import Backend, Chain, Member
from auriga_router.translate import Asked, RequestError, Wire, read_request


class Call:
    """One request for an answer."""

    __slots__ = (
        "_asked", "arranged_from", "body", "chain", "chunked", "folded", "forwarded", "keep_alive", "key",
        "least_tokens", "left_out", "model_span", "native", "needs", "operation", "request_id", "single", "stream",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - made in one place, for every request
        self,
        request_id: bytes,
        operation: Operation,
        needs: frozenset[str],
        chain: Chain,
        body: bytes,
        model_span: tuple[int, int],
        stream: bool,
        single: bool,
        keep_alive: bool,
        chunked: bool,
    ) -> None:
        self.request_id = request_id
        self.operation = operation
        self.needs = needs
        """What a member must be capable of: what the operation needs, and what the request holds."""
        self.chain = chain
        self.body = body
        self.model_span = model_span
        """Where in the body the caller's model stands."""
        self.stream = stream
        self.single = single
        """One choice is asked for."""
        self.keep_alive = keep_alive
        self.chunked = chunked
        """The client takes chunks (HTTP/1.1)."""
        self.forwarded = b""
        """Header lines that go on to the endpoint, each ending in CRLF."""
        self.arranged_from: Chain | None = None
        """The chain as written, if ``chain`` has its members in another order: drawn once, kept while it waits."""
        self.key = 0
        """Of the conversation; 0 if nothing depends on it."""
        self.least_tokens = 0
        """That the prompt has, if some member's context is too small for them; else 0."""
        self.folded = False
        """The answer is put together from a stream: its caller has not asked for one."""
        self.native = b""
        """Header lines that go on to an endpoint of the caller's own dialect."""
        self.left_out = b""
        """Header line of the reply: fields that the endpoint was not sent; its dialect has no place for them."""
        self._asked: Asked | None = None

    @property
    def wire(self) -> Wire:
        """What the caller speaks, as translations call it. Raises RequestError if it cannot be translated."""
        if self.operation.wire is None:
            raise RequestError(f"{self.operation.name} cannot be translated")
        return self.operation.wire

    @property
    def asked(self) -> Asked:
        """The request in the form that translations start from. Raises RequestError."""
        if self._asked is None:
            self._asked = read_request(self.wire, self.body)
        return self._asked

    @property
    def token_limit(self) -> int | None:
        """Tokens that the caller lets the answer have, if any are said. Raises RequestError."""
        return completions.token_limit(self.body) if self.operation.wire is None else self.asked.request.max_tokens

    def explains_silence(self) -> bool:
        """Is an answer in which nothing is said what this request may have led to?"""
        return silence.explained(self.operation, self.body)

    def body_for(self, backend: Backend) -> bytes:
        """The caller's own bytes, with the name that the model has there."""
        return splice(self.body, self.model_span, backend.model_json)

    def head(self, backend: Backend, endpoint: Endpoint, path: bytes, size: int, extra: bytes = b"") -> bytes:
        """Head of a request with a body of ``size`` bytes. ``path`` is what the backend's own is followed by."""
        return (
            b"POST %s%s HTTP/1.1\r\nhost: %s\r\n%scontent-type: application/json\r\naccept-encoding: identity\r\n"
            b"user-agent: auriga\r\nx-request-id: %s\r\n%s%scontent-length: %d\r\n\r\n"
        ) % (
            backend.path, path, endpoint.authority, backend.headers,
            self.request_id, self.forwarded, extra, size,
        )  # fmt: skip

    def reply_headers(self, answered: Member | None, failed: list[Tried]) -> bytes:
        """The reply's own header lines."""
        if answered is not None and not failed:
            told = answered.reply_headers + self.left_out
        else:
            told = reply_headers(None if answered is None else answered.backend.name, failed) + self.left_out
        return self.operation.dialect.id_headers(self.request_id) + told
