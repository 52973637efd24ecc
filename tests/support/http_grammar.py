"""What a caller of OpenAI's dialect may receive, as a grammar. What it does not allow raises GrammarError."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


class GrammarError(AssertionError):
    """The bytes are not what the dialect allows."""


@dataclass
class ChatStream:
    """A stream as it was received."""

    pieces: list[str] = field(default_factory=list)
    finish: str | None = None
    done: bool = False
    error: dict[str, Any] | None = None
    ids: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def _require(condition: object, what: str) -> None:
    if not condition:
        raise GrammarError(what)


def chat_stream(body: bytes, *, whole: bool) -> ChatStream:
    """``data:`` events only, each ended by a blank line; after ``[DONE]`` or an error nothing more.

    ``whole``: the HTTP message ended as its framing says. That and ``[DONE]`` go together; an error is no clean end.
    """
    stream = ChatStream()
    *events, rest = body.replace(b"\r\n", b"\n").split(b"\n\n")
    _require(rest == b"", f"half an event at the end: {rest!r}")
    for event in events:
        _event(stream, event)
    _require(whole == stream.done, f"framing whole: {whole}, [DONE]: {stream.done}")
    _require(stream.done != (stream.error is not None), f"[DONE]: {stream.done}, error: {stream.error}")
    _require(not stream.done or stream.finish, "[DONE] without a finish_reason")
    return stream


def _event(stream: ChatStream, event: bytes) -> None:
    _require(not stream.done and stream.error is None, f"after the end: {event!r}")
    _require(event.startswith(b"data: ") and b"\n" not in event, f"not one data line: {event!r}")
    data = event.removeprefix(b"data: ")
    if data == b"[DONE]":
        stream.done = True
        return
    document = json.loads(data)
    if document.get("error") is not None:
        stream.error = error_object(document)
        return
    stream.ids.add(document["id"])
    _require(document["object"] == "chat.completion.chunk", f"not a chunk: {event!r}")
    for choice in document["choices"]:
        stream.pieces.append(choice["delta"].get("content") or "")
        stream.finish = choice.get("finish_reason") or stream.finish


def error_object(document: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's error object."""
    _require(document.keys() == {"error"}, f"not an error: {document}")
    error = document["error"]
    _require({"message", "type", "code", "param"} <= error.keys(), f"fields are missing: {error}")
    _require(error["message"] and isinstance(error["message"], str), "no message")
    for attempt in error.get("attempts", ()):
        _require(attempt.keys() == {"member", "outcome", "ms"}, f"not an attempt: {attempt}")
        _require(isinstance(attempt["ms"], int) and attempt["ms"] >= 0, f"not milliseconds: {attempt}")
    return dict(error)


def attempts_header(value: str) -> list[tuple[str, dict[str, str]]]:
    """``x-auriga-attempts`` as (member, parameters): an RFC 9651 list of tokens or strings."""
    items = []
    for item in value.split(", ") if value else ():
        name, *parameters = item.split(";")
        items.append((name.strip('"'), dict(parameter.split("=", 1) for parameter in parameters)))
    return items
