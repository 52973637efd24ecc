"""Wire formats that callers and endpoints speak. Each is one module; this one says what a dialect must tell the router.

Pure: bytes and values in, bytes and values out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from auriga_router.attempts import Tried
from auriga_router.routing.outcome import Outcome
from auriga_router.sse import Event
from auriga_router.translate import Wire


class Sign:
    """What an event of a stream shows, as bits. One event may show several."""

    CONTENT: Final = 1
    """Something of the answer: text, reasoning, a tool call, or a reason why there is none."""
    FINISH: Final = 2
    """The answer is whole."""
    END: Final = 4
    """The dialect's end mark."""
    ERROR: Final = 8
    OVERFLOW: Final = 16
    """An error: the prompt does not fit the context."""
    BROKEN: Final = 32
    """Not an event of the dialect."""


class Skipped(NamedTuple):
    """A member that was not asked, and why."""

    member: str
    reason: str
    message: str = ""
    """What there is to say more."""

    @property
    def document(self) -> Document:
        """As error bodies have it."""
        said = {"member": self.member, "reason": self.reason}
        return said | {"message": self.message} if self.message else said


@dataclass(frozen=True, slots=True)
class Problem:
    """What a caller is told when there is no answer. Never holds a provider's words, a key or a prompt."""

    status: int
    code: str
    message: str
    param: str | None = None
    attempts: Sequence[Tried] | None = None
    """Given where a chain was tried, even if nobody could be asked."""
    skipped: Sequence[Skipped] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that callers ask for: an HTTP path of a dialect."""

    name: str
    """As OpenTelemetry's ``gen_ai.operation.name`` calls it."""
    path: bytes
    """Appended to the endpoint's base path (``/v1``)."""
    needs: frozenset[str]
    """What a member must be capable of: words of ``Model.spec.capabilities``, and COUNTS_TOKENS."""
    dialect: Dialect
    wire: Wire | None = None
    """What it is translated from for endpoints that do not know it; None: only its own endpoints can be asked."""
    required: tuple[str, ...] = ()
    """Fields without which nobody can answer."""
    resumes: bool = False
    """A stream that breaks can be read again, and be gone on with elsewhere."""
    forwards: tuple[bytes, ...] = ()
    """Headers of the caller that go on to endpoints that speak its dialect."""


COUNTS_TOKENS = "count_tokens"
"""Capability of endpoints that count tokens themselves. Nobody declares it: it follows from the provider."""


class Dialect(Protocol):
    """What the router must know of a wire format."""

    name: str
    """As in ``Attempt.dialect``."""
    end_event: bytes
    """The event that ends every whole stream."""

    def look(self, event: Event) -> int:
        """What this event of a stream shows (``Sign`` bits)."""

    def judge(self, operation: Operation, answer: bytes) -> Outcome:
        """What a whole answer is worth: OK, EMPTY, MALFORMED, or CONTEXT_OVERFLOW for such an error behind a 200."""

    def gives_reason(self, answer: bytes) -> bool:
        """Does a whole answer, which is EMPTY, tell why it ended?"""

    def overflows(self, error: bytes) -> bool:
        """Does this error body say that the prompt does not fit the context?"""

    def restate(self, status: int, error: bytes) -> bytes:
        """An endpoint's error body, in this dialect's shape if it is in another's."""

    def error(self, problem: Problem) -> bytes:
        """The body of an error reply."""

    def error_event(self, problem: Problem) -> bytes:
        """The event that ends a stream which cannot go on."""

    def id_headers(self, request_id: bytes) -> bytes:
        """The header lines of a reply that tell the request's id, each ending in CRLF."""


Document = dict[str, Any]
