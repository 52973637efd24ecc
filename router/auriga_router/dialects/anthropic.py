"""Anthropic's dialect: Messages, the count of their tokens, and the shape of its errors. Pure.

llama-server speaks it, too. Shapes: https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from auriga_router.dialects import COUNTS_TOKENS, Dialect, Document, Operation, Problem, Sign
from auriga_router.routing.outcome import Outcome
from auriga_router.sse import Event
from auriga_router.translate import Kind, Wire, read_failure, write_failure

_CONTENT_DELTAS = ("text", "thinking", "partial_json", "signature")
_WITHOUT_CONTENT = ("text", "thinking")
"""Blocks that say nothing by their beginning alone."""
_ANSWERED_WITHOUT_CONTENT = frozenset({
    "max_tokens", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded",
})  # fmt: skip
_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 503: "overloaded_error",
    504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip


class Anthropic(Dialect):
    """Anthropic's dialect."""

    name = "anthropic"
    end_event = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

    def look(self, event: Event) -> int:
        """What this event of a stream shows."""
        if not event.data and event.name != b"error":
            return 0
        document = _object(event.data)
        if document is None:
            return Sign.ERROR if event.name == b"error" else Sign.BROKEN
        kind = document.get("type")
        look = _LOOK.get(kind) if isinstance(kind, str) else None
        if look is not None:
            return look(document)
        if event.name == b"error" or document.get("error"):
            return Sign.ERROR | (Sign.OVERFLOW if self.overflows(event.data) else 0)
        return 0

    def judge(self, operation: Operation, answer: bytes) -> Outcome:
        """What a whole answer is worth."""
        document = _object(answer)
        if document is None:
            return Outcome.MALFORMED if answer.strip() else Outcome.EMPTY
        if document.get("error") or document.get("type") == "error":
            return Outcome.CONTEXT_OVERFLOW if self.overflows(answer) else Outcome.MALFORMED
        if operation is COUNT_TOKENS:
            return Outcome.OK if isinstance(document.get("input_tokens"), int) else Outcome.MALFORMED
        content = document.get("content")
        if not isinstance(content, list):
            return Outcome.MALFORMED
        says = any(_look_at_block(block) for block in content) or _look_at_reason(document) & Sign.CONTENT
        return Outcome.OK if says else Outcome.EMPTY

    def gives_reason(self, answer: bytes) -> bool:
        """See Dialect."""
        return bool(_look_at_reason(_object(answer)) & Sign.FINISH)

    def overflows(self, error: bytes) -> bool:
        """Does this error body say that the prompt does not fit the context?"""
        return read_failure(0, error).kind is Kind.CONTEXT_OVERFLOW

    def restate(self, status: int, error: bytes) -> bytes:
        """An endpoint's error in Anthropic's shape: llama-server has OpenAI's, and a proxy in between none."""
        document = _object(error)
        if document is not None and document.get("type") == "error" and isinstance(document.get("error"), dict):
            return error
        return write_failure(Wire.MESSAGES, read_failure(status, error)).body

    def error(self, problem: Problem) -> bytes:
        """The body of an error reply."""
        kind = _TYPES.get(problem.status) or ("api_error" if problem.status >= 500 else "invalid_request_error")
        error: Document = {"type": kind, "message": problem.message, "code": problem.code}
        if problem.attempts is not None:
            error["attempts"] = [
                {"member": tried.member, "outcome": tried.outcome.value, "ms": tried.milliseconds}
                for tried in problem.attempts
            ]
        if problem.skipped:
            error["skipped"] = [skipped.document for skipped in problem.skipped]
        return orjson.dumps({"type": "error", "error": error})

    def error_event(self, problem: Problem) -> bytes:
        """The event that ends a stream which cannot go on."""
        return b"event: error\ndata: %s\n\n" % self.error(problem)

    def id_headers(self, request_id: bytes) -> bytes:
        """The header lines of a reply that tell the request's id: Anthropic's clients read the first."""
        return b"request-id: %s\r\nx-request-id: %s\r\n" % (request_id, request_id)


def _object(text: bytes) -> Document | None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _says(part: object, fields: tuple[str, ...]) -> bool:
    return isinstance(part, dict) and any(part.get(name) for name in fields)


def _look_at_block(block: object) -> int:
    """Sign of a block's beginning, or of a whole block."""
    if not isinstance(block, dict):
        return 0
    return Sign.CONTENT if block.get("type") not in _WITHOUT_CONTENT or _says(block, _WITHOUT_CONTENT) else 0


def _look_at_delta(document: Document) -> int:
    return Sign.CONTENT if _says(document.get("delta"), _CONTENT_DELTAS) else 0


def _look_at_reason(document: object) -> int:
    reason = document.get("stop_reason") if isinstance(document, dict) else None
    if not reason:
        return 0
    return Sign.FINISH | (Sign.CONTENT if reason in _ANSWERED_WITHOUT_CONTENT else 0)


_LOOK: dict[object, Callable[[Document], int]] = {
    "content_block_delta": _look_at_delta,
    "content_block_start": lambda document: _look_at_block(document.get("content_block")),
    "message_delta": lambda document: _look_at_reason(document.get("delta")),
    "message_stop": lambda _: Sign.END,
}

DIALECT = Anthropic()
_BETA = (b"anthropic-beta",)
MESSAGES = Operation(
    "chat",
    b"/messages",
    frozenset({"chat"}),
    DIALECT,
    Wire.MESSAGES,
    ("messages", "max_tokens"),
    resumes=True,
    forwards=_BETA,
)
COUNT_TOKENS = Operation(
    "count_tokens", b"/messages/count_tokens", frozenset({COUNTS_TOKENS}), DIALECT, None, ("messages",), forwards=_BETA
)
