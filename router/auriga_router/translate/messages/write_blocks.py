"""Canonical turns -> ``system`` and ``messages`` of a Messages request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import orjson

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
from auriga_router.translate.media import IMAGE_TYPES, PDF
from auriga_router.translate.problems import Dropped, RequestError
from auriga_router.translate.target import Target

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


class Turns:
    """Writes the turns of one request."""

    __slots__ = ("_ids", "_notes", "_taken", "_target")

    def __init__(self, target: Target, notes: list[Dropped]) -> None:
        self._target = target
        self._notes = notes
        self._ids: dict[str, str] = {}
        self._taken: set[str] = set()

    def write(self, messages: Sequence[Message]) -> tuple[list[Json], list[Json]]:
        """``system`` as blocks, and ``messages``."""
        system: list[Json] = []
        written: list[tuple[str, list[Json]]] = []
        for index, message in enumerate(messages):
            blocks = list(self._blocks(message.content))
            if message.role != "system":
                _append(written, message.role, blocks)
            elif self._inline(messages, index):
                _append(written, "system", blocks)
            else:
                if index:
                    self._notes.extend(Dropped(part.at, "moved to the top") for part in message.content)
                system.extend(blocks)
        for role, blocks in written:
            if role == "user":  # results must come first in their turn
                blocks.sort(key=lambda block: block["type"] != "tool_result")
        if written and written[-1][0] == "assistant":
            _trim(written[-1][1])
        return system, [{"role": role, "content": _short(blocks)} for role, blocks in written]

    def _inline(self, messages: Sequence[Message], index: int) -> bool:
        """Where Anthropic's newest models take a system turn: after a user's, before an assistant's or at the end."""
        follows_user = index > 0 and messages[index - 1].role == "user"
        before_user = index + 1 < len(messages) and messages[index + 1].role == "user"
        return self._target.inline_system and follows_user and not before_user

    def _blocks(self, parts: Sequence[Part]) -> Iterator[Json]:
        for part in parts:
            if isinstance(part, Text | Refusal):
                if part.text.strip():  # Anthropic refuses blocks of nothing but white space
                    yield {"type": "text", "text": part.text}
            elif isinstance(part, Reasoning):
                yield from self._thought(part)
            elif isinstance(part, RedactedReasoning):
                yield {"type": "redacted_thinking", "data": part.data}
            elif isinstance(part, ToolCall):
                yield {
                    "type": "tool_use",
                    "id": self._id(part.id),
                    "name": part.name,
                    "input": orjson.Fragment(_arguments(part)),
                }
            elif isinstance(part, ToolResult):
                yield self._result(part)
            else:
                yield _media(part)

    def _thought(self, part: Reasoning) -> Iterator[Json]:
        if part.signature:
            yield {"type": "thinking", "thinking": part.text, "signature": part.signature}
        else:
            self._notes.append(Dropped(part.at, "Anthropic takes only thoughts that it signed"))

    def _result(self, part: ToolResult) -> Json:
        result: Json = {"type": "tool_result", "tool_use_id": self._id(part.call_id)}
        content = list(self._blocks(part.content))
        if content:
            result["content"] = _short(content)
        if part.is_error:
            result["is_error"] = True
        return result

    def _id(self, given: str) -> str:
        """An id that Anthropic takes; the same one for a call and its result, and for no other call."""
        known = self._ids.get(given)
        if known is None:
            known = _NOT_IN_IDS.sub("_", given) or "call"
            while known in self._taken:
                known += "_"
            self._ids[given] = known
            self._taken.add(known)
        return known


def _append(written: list[tuple[str, list[Json]]], role: str, blocks: list[Json]) -> None:
    """A turn that lost its neighbour (a system turn, moved) joins the one before it."""
    if written and written[-1][0] == role:
        written[-1][1].extend(blocks)
    elif blocks:
        written.append((role, blocks))


def _trim(blocks: list[Json]) -> None:
    """White space at the end of what the model shall go on with is an error; it would be the first it says anyway."""
    if blocks[-1]["type"] == "text":
        blocks[-1] = blocks[-1] | {"text": blocks[-1]["text"].rstrip()}


def _short(blocks: list[Json]) -> str | list[Json]:
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    return blocks


def _arguments(call: ToolCall) -> str:
    """JSON text of an object; some models write ``null``, or nothing, where there are no arguments."""
    try:
        parsed = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError:
        parsed = ()
    if isinstance(parsed, dict):
        return call.arguments or "{}"
    if parsed is None:
        return "{}"
    raise RequestError("the arguments of a tool call must be a JSON object", call.at)


def _media(part: Image | Document | Audio) -> Json:
    if isinstance(part, Image):
        return {"type": "image", "source": _image_source(part)}
    if isinstance(part, Document):
        block: Json = {"type": "document", "source": _document_source(part)}
        if part.title:
            block["title"] = part.title
        return block
    raise RequestError("Anthropic's models do not listen: audio cannot be expressed", part.at)


def _image_source(part: Image) -> Json:
    if part.url:
        return {"type": "url", "url": part.url}
    if part.media_type not in IMAGE_TYPES:
        raise RequestError(f"an image for Anthropic must be one of {', '.join(IMAGE_TYPES)}", part.at)
    return {"type": "base64", "media_type": part.media_type, "data": part.data}


def _document_source(part: Document) -> Json:
    if part.text:
        return {"type": "text", "media_type": "text/plain", "data": part.text}
    if part.url:
        return {"type": "url", "url": part.url}
    if part.media_type != PDF:
        raise RequestError(f"a document for Anthropic must be {PDF}, or text", part.at)
    return {"type": "base64", "media_type": PDF, "data": part.data}
