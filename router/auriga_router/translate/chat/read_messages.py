"""Messages of a chat completion -> canonical turns. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from auriga_router.translate.canonical import (
    Message,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
    join_turns,
)
from auriga_router.translate.chat.read_parts import read_content, read_texts
from auriga_router.translate.fields import Fields, to_json

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def read_messages(request: Fields) -> tuple[Message, ...]:
    """All turns. Raises RequestError."""
    if not request.raw("messages"):
        raise request.error("is required, with at least one message", "messages")
    return join_turns([_turn(message) for message in request.objects("messages")])


def _turn(message: Fields) -> tuple[Role, list[Part]]:
    role = message.word("role", *_ROLES)
    if role in ("system", "developer"):
        turn: tuple[Role, list[Part]] = ("system", list(read_texts(message)))
    elif role == "user":
        turn = ("user", read_content(message))
    elif role == "assistant":
        turn = ("assistant", _assistant(message))
    elif role == "tool":
        call_id = message.need_text("tool_call_id")
        turn = ("user", [ToolResult(call_id, tuple(read_texts(message)), at=message.path)])
    elif role == "function":
        raise message.error("function messages cannot be translated: use role tool", "role")
    else:
        raise message.error("is required", "role")
    message.end()
    return turn


def _assistant(message: Fields) -> list[Part]:
    parts: list[Part] = [*_reasoning(message), *read_content(message)]
    for part in parts:
        if not isinstance(part, Text | Refusal | Reasoning | RedactedReasoning):
            raise message.error("an assistant's content can only be text", "content")
    refusal = message.text("refusal")
    if refusal:
        parts.append(Refusal(refusal, message.at("refusal")))
    if message.raw("function_call") is not None:
        raise message.error("cannot be translated: use tool_calls", "function_call")
    if message.raw("audio") is not None:
        raise message.error("audio of an earlier answer cannot be translated", "audio")
    parts.extend(_call(call) for call in message.objects("tool_calls"))
    return parts


def _reasoning(message: Fields) -> Iterator[Part]:
    """``thinking_blocks`` are ours (and LiteLLM's): Anthropic's blocks as they were, for the way back to Anthropic."""
    plain = message.text("reasoning_content") or message.text("reasoning")
    blocks = list(message.objects("thinking_blocks"))
    if not blocks and plain:
        yield Reasoning(plain, at=message.at("reasoning_content"))
    for block in blocks:
        block.raw("index")
        if block.word("type", "thinking", "redacted_thinking") == "redacted_thinking":
            yield RedactedReasoning(block.need_text("data"), block.path)
        elif block.raw("thinking") or block.raw("signature"):
            yield Reasoning(block.text("thinking") or "", block.text("signature") or "", block.path)
        block.end()


def _call(call: Fields) -> ToolCall:
    if call.word("type", "function", "custom") == "custom":
        raise call.error("custom tools cannot be translated: use function tools", "type")
    function = call.need_object("function")
    arguments = function.raw("arguments")
    if isinstance(arguments, dict):  # some frameworks give back what they parsed
        arguments = to_json(arguments).decode()
    elif arguments is not None and not isinstance(arguments, str):
        raise function.error("must be a string", "arguments")
    call.raw("index")
    read = ToolCall(
        call.need_text("id"), function.need_text("name"), arguments or "{}", _thought_signature(call), call.path
    )
    function.end()
    call.end()
    return read


def _thought_signature(call: Fields) -> str:
    """Gemini's, where its OpenAI-compatible endpoint puts it."""
    extra = call.object("extra_content")
    google = None if extra is None else extra.object("google")
    return "" if google is None else google.text("thought_signature") or ""
