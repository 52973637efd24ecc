"""What a caller asked for, as far as routing needs it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from auriga_router.attempts import Tried, reply_headers
from auriga_router.body import splice
from auriga_router.dialects import Operation
from auriga_router.endpoint import Endpoint
from auriga_router.table import Backend, Chain, Member


@dataclass(slots=True)
class Call:
    """One request for an answer."""

    request_id: bytes
    operation: Operation
    chain: Chain
    body: bytes = field(repr=False)
    model_span: tuple[int, int]
    """Where in the body the caller's model stands."""
    stream: bool
    single: bool
    """One choice is asked for."""
    keep_alive: bool
    chunked: bool
    """The client takes chunks (HTTP/1.1)."""
    forwarded: bytes = b""
    """Header lines that go on to the endpoint, each ending in CRLF."""

    def request(self, backend: Backend, endpoint: Endpoint) -> tuple[bytes, bytes]:
        """Head and body of the request to this endpoint."""
        body = splice(self.body, self.model_span, backend.model_json)
        head = (
            b"POST %s%s HTTP/1.1\r\nhost: %s\r\n%scontent-type: application/json\r\naccept-encoding: identity\r\n"
            b"user-agent: auriga\r\nx-request-id: %s\r\n%scontent-length: %d\r\n\r\n"
        ) % (
            backend.path, self.operation.path, endpoint.authority, backend.headers,
            self.request_id, self.forwarded, len(body),
        )  # fmt: skip
        return head, body

    def reply_headers(self, answered: Member | None, failed: list[Tried]) -> bytes:
        """The reply's own header lines."""
        if answered is not None and not failed:
            told = answered.reply_headers
        else:
            told = reply_headers(None if answered is None else answered.backend.name, failed)
        return b"x-request-id: %s\r\n%s" % (self.request_id, told)
