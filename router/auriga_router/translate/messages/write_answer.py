"""Canonical answer -> a whole message. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson
from pydantic_core import from_json

from auriga_router.translate import thought_ids
from auriga_router.translate.answer import Answer, AnswerPart, Stop, Usage
from auriga_router.translate.canonical import Json, Reasoning, RedactedReasoning, ToolCall
from auriga_router.translate.messages.usage import STOP_REASONS, write_usage
from auriga_router.translate.problems import AnswerError
from auriga_router.translate.reply import MESSAGE_ID, Identity

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def write_answer(answer: Answer, identity: Identity) -> Json:
    """The message. Raises AnswerError where a call's arguments are no JSON object."""
    return {
        "id": identity.reply_id(MESSAGE_ID, answer.id),
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": list(_blocks(answer)),
        "stop_reason": STOP_REASONS[answer.stop],
        "stop_sequence": answer.stop_sequence,
        "usage": write_usage(answer.usage or Usage()),
    }


def tool_id(call_id: str, signature: str) -> str:
    """An id that Anthropic takes back (Kimi's have dots and colons), with the signature that Gemini wants back."""
    return thought_ids.join(_NOT_IN_IDS.sub("_", call_id), signature)


def _blocks(answer: Answer) -> Iterator[Json]:
    for part in answer.content:
        yield _block(part, cut=answer.stop in (Stop.LENGTH, Stop.CONTEXT))


def _block(part: AnswerPart, *, cut: bool) -> Json:
    if isinstance(part, Reasoning):
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    if isinstance(part, RedactedReasoning):
        return {"type": "redacted_thinking", "data": part.data}
    if isinstance(part, ToolCall):
        arguments = orjson.Fragment(_arguments(part, cut=cut))
        return {"type": "tool_use", "id": tool_id(part.id, part.signature), "name": part.name, "input": arguments}
    return {"type": "text", "text": part.text}


def _arguments(call: ToolCall, *, cut: bool) -> str | bytes:
    """What was cut off by ``max_tokens`` is given as far as it came, as Anthropic's SDK reads it from a stream."""
    try:
        parsed = orjson.loads(call.arguments)
    except orjson.JSONDecodeError:
        if not cut:
            raise AnswerError("the arguments of a tool call are not JSON") from None
        return _as_far_as_it_came(call.arguments)
    if parsed is None:
        return "{}"
    if not isinstance(parsed, dict):
        raise AnswerError("the arguments of a tool call are no JSON object")
    return call.arguments


def _as_far_as_it_came(arguments: str) -> bytes:
    try:
        partial = from_json(arguments, allow_partial=True)
        return orjson.dumps(partial if isinstance(partial, dict) else {})
    except (ValueError, TypeError):  # no JSON even so far, or too deep to write
        return b"{}"
