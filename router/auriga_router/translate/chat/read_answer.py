"""A whole chat completion -> canonical. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from auriga_router.translate.answer import Answer, AnswerPart, settle
from auriga_router.translate.canonical import Json, Reasoning, RedactedReasoning, Refusal, Text, ToolCall
from auriga_router.translate.chat.calls import MOST_CALLS, arguments_text, call_id, thought_signature
from auriga_router.translate.chat.delta import said, thoughts
from auriga_router.translate.chat.logprobs import read_logprobs
from auriga_router.translate.chat.usage import read_stop, read_usage
from auriga_router.translate.numbers import count, word
from auriga_router.translate.problems import AnswerError


def read_answer(document: Json, fallback_id: str) -> Answer:
    """The first choice. Raises AnswerError. ``fallback_id``: for ids of calls, where there is no other id at all."""
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise AnswerError("a chat completion has choices, and a choice a message")
    identifier = word(document, "id")
    content = tuple(_parts(message, identifier or fallback_id))
    stop, sequence = settle(*read_stop(choice), called=any(isinstance(part, ToolCall) for part in content))
    logprobs = read_logprobs(choice)
    return Answer(
        id=identifier,
        model=word(document, "model"),
        created=count(document, "created"),
        content=content,
        stop=stop,
        stop_sequence=sequence,
        usage=read_usage(document.get("usage")),
        logprobs=None if logprobs is None else tuple(logprobs),
    )


def _parts(message: Json, identifier: str) -> Iterator[AnswerPart]:
    thought, text = said(message)
    blocks = list(_blocks(message))
    yield from blocks
    thought = thoughts(message) + thought
    if thought and not blocks:
        yield Reasoning(thought)
    if text:
        yield Text(text)
    if word(message, "refusal"):
        yield Refusal(word(message, "refusal"))
    calls = message.get("tool_calls")
    for number, call in enumerate(calls[:MOST_CALLS] if isinstance(calls, list) else ()):
        yield _call(call, identifier, number)


def _blocks(message: Json) -> Iterator[Reasoning | RedactedReasoning]:
    """``thinking_blocks``, which LiteLLM gives and so do we."""
    blocks = message.get("thinking_blocks")
    for block in blocks if isinstance(blocks, list) else ():
        if word(block, "type") == "redacted_thinking" and word(block, "data"):
            yield RedactedReasoning(word(block, "data"))
        elif word(block, "thinking") or word(block, "signature"):
            yield Reasoning(word(block, "thinking"), word(block, "signature"))


def _call(call: object, identifier: str, number: int) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    name = word(function, "name")
    if not isinstance(call, dict) or not isinstance(function, dict) or not name:
        raise AnswerError("a tool call has a function, and a function a name")
    arguments = arguments_text(function)
    return ToolCall(word(call, "id") or call_id(identifier, number), name, arguments or "{}", thought_signature(call))
