"""Canonical answer -> a whole chat completion. Pure."""

from __future__ import annotations

from auriga_router.translate.answer import Answer
from auriga_router.translate.canonical import Json, Reasoning, RedactedReasoning, Refusal, Text, ToolCall
from auriga_router.translate.chat.usage import FINISH_REASONS, write_usage
from auriga_router.translate.reply import CHAT_ID, Identity


def write_answer(answer: Answer, identity: Identity) -> Json:
    """The completion, with one choice."""
    choice: Json = {"index": 0, "message": _message(answer), "finish_reason": FINISH_REASONS[answer.stop]}
    if answer.logprobs is not None:
        choice["logprobs"] = {"content": list(answer.logprobs), "refusal": None}
    document: Json = {
        "id": identity.reply_id(CHAT_ID, answer.id),
        "object": "chat.completion",
        "created": answer.created or identity.created,
        "model": answer.model,
        "choices": [choice],
    }
    if answer.usage is not None:
        document["usage"] = write_usage(answer.usage)
    return document


def write_call(call_id: str, name: str, arguments: str, signature: str) -> Json:
    """A tool call; Gemini's signature stands where Gemini puts it."""
    call: Json = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    if signature:
        call["extra_content"] = {"google": {"thought_signature": signature}}
    return call


def _message(answer: Answer) -> Json:
    text = "".join(part.text for part in answer.content if isinstance(part, Text))
    refusal = "".join(part.text for part in answer.content if isinstance(part, Refusal))
    thoughts = "".join(part.text for part in answer.content if isinstance(part, Reasoning))
    blocks = [block for part in answer.content for block in _thinking_block(part)]
    nothing = (
        None if any(not isinstance(part, Text) for part in answer.content) else ""
    )  # clients take no null for text
    message: Json = {"role": "assistant", "content": text or nothing, "refusal": refusal or None}
    if thoughts:
        message["reasoning_content"] = thoughts
    if blocks:
        message["thinking_blocks"] = blocks
    calls = [
        write_call(part.id, part.name, part.arguments, part.signature)
        for part in answer.content
        if isinstance(part, ToolCall)
    ]
    if calls:
        message["tool_calls"] = calls
    return message


def _thinking_block(part: object) -> list[Json]:
    if isinstance(part, Reasoning):
        signed = {"signature": part.signature} if part.signature else {}
        return [{"type": "thinking", "thinking": part.text, **signed}]
    return [{"type": "redacted_thinking", "data": part.data}] if isinstance(part, RedactedReasoning) else []
