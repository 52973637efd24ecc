"""Canonical events -> the stream of a message. Pure; holds a few flags, however long the answer is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from auriga_router.translate.answer import Usage, later
from auriga_router.translate.canonical import Json
from auriga_router.translate.events import (
    BlockEnded,
    Event,
    Finished,
    Ping,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningSigned,
    RefusalDelta,
    Started,
    TextDelta,
    ToolArguments,
    ToolStarted,
)
from auriga_router.translate.failure import Failure
from auriga_router.translate.messages.errors import error_document
from auriga_router.translate.messages.usage import STOP_REASONS, write_usage
from auriga_router.translate.messages.write_answer import tool_id
from auriga_router.translate.reply import MESSAGE_ID, Identity

_DELTA = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":%s}}\n\n'
)
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'


class MessagesEncoder:
    """One stream to one client, even where it comes from several endpoints in turn."""

    __slots__ = ("_identity", "_index", "_open", "_started", "_usage")

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._started = False
        self._open = ""
        """Kind of the open block; empty: none is open."""
        self._index = -1
        """Of the last block."""
        self._usage: Usage | None = None

    def encode(self, events: Iterable[Event]) -> bytes:
        """What to send for these events. Failed is not for here: see ``fail``."""
        return b"".join([_WRITE[type(event)](self, event) for event in events if type(event) in _WRITE])

    def fail(self, failure: Failure) -> bytes:
        """The event after which there is nothing more: no block ends, no ``message_stop``."""
        return _event(b"error", error_document(failure))

    def _text(self, event: TextDelta) -> bytes:
        return self._words("text", event.text)

    def _refusal(self, event: RefusalDelta) -> bytes:
        return self._words("refusal", event.text)

    def _words(self, kind: str, text: str) -> bytes:
        """There is no block for refusals: they are words in a block of their own."""
        opened = b"" if self._open == kind else self._begin(kind, {"type": "text", "text": ""})
        return opened + _DELTA % (self._index, b"text_delta", b"text", orjson.dumps(text))

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        return self._think() + _DELTA % (self._index, b"thinking_delta", b"thinking", orjson.dumps(event.text))

    def _signed(self, event: ReasoningSigned) -> bytes:
        return self._think() + _DELTA % (self._index, b"signature_delta", b"signature", orjson.dumps(event.signature))

    def _think(self) -> bytes:
        if self._open == "thinking":
            return b""
        return self._begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})

    def _redacted(self, event: ReasoningRedacted) -> bytes:
        return self._begin("redacted_thinking", {"type": "redacted_thinking", "data": event.data}) + self._end(event)

    def _tool(self, event: ToolStarted) -> bytes:
        block = {"type": "tool_use", "id": tool_id(event.id, event.signature), "name": event.name, "input": {}}
        return self._begin("tool_use", block)

    def _arguments(self, event: ToolArguments) -> bytes:
        return _DELTA % (self._index, b"input_json_delta", b"partial_json", orjson.dumps(event.text))

    def _begin(self, kind: str, block: Json) -> bytes:
        closed = self._end(None)
        self._open = kind
        self._index += 1
        start = {"type": "content_block_start", "index": self._index, "content_block": block}
        return closed + _event(b"content_block_start", start)

    def _end(self, _: object) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _STOP % self._index

    def _start(self, event: Started) -> bytes:
        self._usage = later(self._usage, event.usage)
        if self._started:
            return b""
        self._started = True
        message: Json = {
            "id": self._identity.reply_id(MESSAGE_ID, event.id),
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": event.model,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(event.usage or Usage()),
        }
        return _event(b"message_start", {"type": "message_start", "message": message})

    def _finish(self, event: Finished) -> bytes:
        usage = later(self._usage, event.usage) or Usage()
        delta = {
            "type": "message_delta",
            "delta": {"stop_reason": STOP_REASONS[event.stop], "stop_sequence": event.stop_sequence},
            "usage": write_usage(usage),
        }
        end = _event(b"message_stop", {"type": "message_stop"})
        return self._end(event) + _event(b"message_delta", delta) + end

    def _ping(self, _: Ping) -> bytes:
        return _event(b"ping", {"type": "ping"}) if self._started else b""


def _event(name: bytes, document: Json) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name, orjson.dumps(document))


_WRITE: dict[type, Callable[[MessagesEncoder, Any], bytes]] = {
    TextDelta: MessagesEncoder._text,
    RefusalDelta: MessagesEncoder._refusal,
    ReasoningDelta: MessagesEncoder._reasoning,
    ReasoningSigned: MessagesEncoder._signed,
    ReasoningRedacted: MessagesEncoder._redacted,
    ToolStarted: MessagesEncoder._tool,
    ToolArguments: MessagesEncoder._arguments,
    BlockEnded: MessagesEncoder._end,
    Started: MessagesEncoder._start,
    Finished: MessagesEncoder._finish,
    Ping: MessagesEncoder._ping,
}
