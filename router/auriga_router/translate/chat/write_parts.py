"""Canonical turns -> messages of a chat completion. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auriga_router.translate.canonical import (
    Audio,
    Document,
    Image,
    Json,
    Message,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from auriga_router.translate.media import data_url
from auriga_router.translate.problems import Dropped, RequestError
from auriga_router.translate.target import Target

UNSIGNED = "skip_thought_signature_validator"
"""What Gemini takes for calls that another model made (https://ai.google.dev/gemini-api/docs/thought-signatures)."""


def write_messages(messages: Sequence[Message], target: Target, notes: list[Dropped]) -> list[Json]:
    """All messages. A turn with tool results becomes one message a result, and one for the rest."""
    written: list[Json] = []
    for message in messages:
        if message.role == "assistant":
            written.append(_assistant(message.content, target, notes))
        elif message.role == "system":
            written.append({"role": "system", "content": _content(message.content)})
        else:
            written.extend(_user(message.content))
    return written


def _user(parts: Sequence[Part]) -> Iterator[Json]:
    """Results first: they must follow the calls at once. Their pictures go into the user's words after them."""
    rest: list[Part] = []
    for part in parts:
        if isinstance(part, ToolResult):
            words = [item.text for item in part.content if not isinstance(item, Image) and item.text]
            media = [item for item in part.content if isinstance(item, Image) or not item.text]
            yield {"role": "tool", "tool_call_id": part.call_id, "content": _result(words, part, bool(media))}
            rest.extend(media)
        else:
            rest.append(part)
    if rest:
        yield {"role": "user", "content": _content(rest)}


def _result(words: list[str], result: ToolResult, media: bool) -> str | list[Json]:
    """There is no mark for an error here, so it is said."""
    if result.is_error:
        words = ["Error: " + words[0], *words[1:]] if words else ["Error"]
    elif media and not words:
        words = ["The result is in the next message."]
    if len(words) == 1:
        return words[0]
    return [{"type": "text", "text": text} for text in words] if words else ""


def _content(parts: Sequence[Part]) -> str | list[Json]:
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_part(part) for part in parts]


def _part(part: Part) -> Json:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Refusal():
            return {"type": "refusal", "refusal": part.text}
        case Image():
            url = part.url or data_url(part.media_type, part.data)
            return {"type": "image_url", "image_url": {"url": url, **({"detail": part.detail} if part.detail else {})}}
        case Audio():
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
        case Document():
            return _document(part)
    raise RequestError("cannot be expressed as a chat message", part.at)


def _document(part: Document) -> Json:
    if part.text:
        return {"type": "text", "text": f"{part.title}\n\n{part.text}" if part.title else part.text}
    if part.url:
        raise RequestError("a document by URL cannot be expressed as a chat message: send its data", part.at)
    file = {"filename": part.title or "document", "file_data": data_url(part.media_type, part.data)}
    return {"type": "file", "file": file}


def _assistant(parts: Sequence[Part], target: Target, notes: list[Dropped]) -> Json:
    message: Json = {"role": "assistant"}
    said = [part for part in parts if isinstance(part, Text | Refusal)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    thoughts = [part.text for part in parts if isinstance(part, Reasoning) and part.text]
    if len(said) == 1 and isinstance(said[0], Refusal):
        message |= {"content": None, "refusal": said[0].text}
    else:
        message["content"] = _content(said) if said else None
    if calls:
        message["tool_calls"] = [_call(call, target, first=call is calls[0]) for call in calls]
    if thoughts and target.reads_reasoning:
        message["reasoning_content"] = "".join(thoughts)
    for part in parts:
        signed = isinstance(part, Reasoning) and part.signature
        if (
            signed
            or isinstance(part, RedactedReasoning)
            or (isinstance(part, Reasoning) and not target.reads_reasoning)
        ):
            notes.append(Dropped(part.at, "only the model that thought it can read it"))
    return message


def _call(call: ToolCall, target: Target, *, first: bool) -> Json:
    written: Json = {
        "id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments},
    }  # fmt: skip
    if target.thought_signatures and (call.signature or first):
        written["extra_content"] = {"google": {"thought_signature": call.signature or UNSIGNED}}
    return written
