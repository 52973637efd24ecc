"""A whole message -> canonical. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from auriga_router.translate.answer import Answer, AnswerPart, Stop, settle
from auriga_router.translate.canonical import Json, Reasoning, RedactedReasoning, Text, ToolCall
from auriga_router.translate.fields import to_json
from auriga_router.translate.messages.usage import STOPS, read_usage
from auriga_router.translate.numbers import word
from auriga_router.translate.problems import AnswerError, RequestError


def read_answer(document: Json) -> Answer:
    """The answer. Raises AnswerError."""
    content = document.get("content")
    if document.get("type") != "message" or not isinstance(content, list):
        raise AnswerError("a message has a type and content")
    parts = tuple(part for block in content for part in _parts(block))
    reason = STOPS.get(word(document, "stop_reason"), Stop.END)
    called = any(isinstance(part, ToolCall) for part in parts)
    stop, sequence = settle(reason, word(document, "stop_sequence") or None, called=called)
    return Answer(
        id=word(document, "id"),
        model=word(document, "model"),
        created=0,
        content=parts,
        stop=stop,
        stop_sequence=sequence,
        usage=read_usage(document.get("usage")),
    )


def _parts(block: object) -> Iterator[AnswerPart]:
    """Blocks of types that no other dialect has are left out."""
    kind = word(block, "type")
    if kind == "text" and word(block, "text"):
        yield Text(word(block, "text"))
    elif kind == "thinking" and (word(block, "thinking") or word(block, "signature")):
        yield Reasoning(word(block, "thinking"), word(block, "signature"))
    elif kind == "redacted_thinking":
        yield RedactedReasoning(word(block, "data"))
    elif kind == "tool_use":
        yield _call(block)


def _call(block: object) -> ToolCall:
    given = block.get("input") if isinstance(block, dict) else None
    if not word(block, "id") or not word(block, "name") or not isinstance(given, dict):
        raise AnswerError("a tool call has an id, a name and input")
    try:
        return ToolCall(word(block, "id"), word(block, "name"), to_json(given).decode())
    except RequestError as error:
        raise AnswerError("arguments nested too deeply") from error
