"""OpenAI's dialect: chat completions, completions and embeddings, and the shape of its errors. Pure.

llama-server, vLLM, Ollama and most providers speak it. Shapes: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from auriga_router.dialects import Dialect, Document, Operation, Problem, Sign
from auriga_router.routing.outcome import Outcome
from auriga_router.sse import Event
from auriga_router.translate import Kind, Wire, read_failure, write_failure

_loads: Final = orjson.loads
_OK: Final = Outcome.OK
_OTHER_CONTENT: Final = ("reasoning_content", "reasoning", "refusal", "tool_calls", "function_call", "audio")
_ANSWERED_WITHOUT_CONTENT: Final = ("length", "content_filter", "tool_calls", "function_call")
"""Reasons to finish that are an answer even when nothing was said; ``stop`` after nothing needs an explanation."""


class OpenAI(Dialect):
    """OpenAI's dialect."""

    name = "openai"
    end_event = b"data: [DONE]\n\n"

    def look(self, event: Event) -> int:
        """What this event of a stream shows."""
        if event.data == b"[DONE]":
            return Sign.END
        if not event.data and event.name != b"error":
            return 0
        document = _object(event.data)
        if document is None:
            return Sign.ERROR if event.name == b"error" else Sign.BROKEN
        if event.name == b"error" or document.get("error"):
            return Sign.ERROR | (Sign.OVERFLOW if self.overflows(event.data) else 0)
        return _look_at_choices(document.get("choices"))

    def judge(self, operation: Operation, answer: bytes) -> Outcome:
        """What a whole answer is worth."""
        try:
            document = _loads(answer)
        except orjson.JSONDecodeError:
            return Outcome.MALFORMED if answer.strip() else Outcome.EMPTY
        if operation is CHAT and _plainly_says(document):
            return _OK
        if not isinstance(document, dict):
            return Outcome.MALFORMED
        if document.get("error"):
            return Outcome.CONTEXT_OVERFLOW if self.overflows(answer) else Outcome.MALFORMED
        items = document.get("data" if operation is EMBEDDINGS else "choices")
        if not isinstance(items, list):
            return Outcome.MALFORMED
        says = bool(items) if operation is EMBEDDINGS else _look_at_choices(items) & Sign.CONTENT
        return Outcome.OK if says else Outcome.EMPTY

    def gives_reason(self, answer: bytes) -> bool:
        """See Dialect."""
        document = _object(answer)
        return document is not None and bool(_look_at_choices(document.get("choices")) & Sign.FINISH)

    def overflows(self, error: bytes) -> bool:
        """Does this error body say that the prompt does not fit the context?"""
        return read_failure(0, error).kind is Kind.CONTEXT_OVERFLOW

    def restate(self, status: int, error: bytes) -> bytes:
        """An endpoint's error as it is, in whatever variant of the shape; but Anthropic's in OpenAI's."""
        document = _object(error)
        if document is None or document.get("type") != "error":
            return error
        return write_failure(Wire.CHAT, read_failure(status, error)).body

    def error(self, problem: Problem) -> bytes:
        """The body of an error reply."""
        error: Document = {
            "message": problem.message,
            "type": "invalid_request_error" if problem.status < 500 else "server_error",
            "code": problem.code,
            "param": problem.param,
        }
        if problem.attempts is not None:
            error["attempts"] = [
                {"member": tried.member, "outcome": tried.outcome.value, "ms": tried.milliseconds}
                for tried in problem.attempts
            ]
        if problem.skipped:
            error["skipped"] = [skipped.document for skipped in problem.skipped]
        return orjson.dumps({"error": error})

    def error_event(self, problem: Problem) -> bytes:
        """The event that ends a stream which cannot go on."""
        return b"data: %s\n\n" % self.error(problem)

    def id_headers(self, request_id: bytes) -> bytes:
        """The header lines of a reply that tell the request's id."""
        return b"x-request-id: %s\r\n" % request_id


def _object(text: bytes) -> Document | None:
    try:
        document = _loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _plainly_says(document: Any) -> bool:  # noqa: ANN401 - whatever an endpoint answered
    """Is it a chat completion that begins with words? Most are, and need no closer look."""
    try:
        return bool(document["choices"][0]["message"]["content"]) and "error" not in document
    except (TypeError, LookupError):
        return False


def _look_at_choices(choices: object) -> int:
    """Sign of a stream's or a whole answer's ``choices``. Theirs is any JSON: nothing about it is taken for granted."""
    sign = 0
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        if _says(choice):
            sign |= Sign.CONTENT
        reason = choice.get("finish_reason")
        if reason:
            sign |= Sign.FINISH | (Sign.CONTENT if reason in _ANSWERED_WITHOUT_CONTENT else 0)
    return sign


def _says(choice: Document) -> bool:
    said = choice.get("delta") or choice.get("message")
    if not isinstance(said, dict):
        return bool(choice.get("text"))
    return bool(said.get("content")) or any(said.get(key) for key in _OTHER_CONTENT)


DIALECT = OpenAI()
CHAT = Operation("chat", b"/chat/completions", frozenset({"chat"}), DIALECT, Wire.CHAT, ("messages",), resumes=True)
COMPLETIONS = Operation(
    "text_completion", b"/completions", frozenset({"completions"}), DIALECT, required=("prompt",), resumes=True
)
EMBEDDINGS = Operation("embeddings", b"/embeddings", frozenset({"embeddings"}), DIALECT, required=("input",))
RESPONSES = Operation("chat", b"/responses", frozenset({"chat"}), DIALECT, Wire.RESPONSES, ("input",))
OPERATIONS = (CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES)
