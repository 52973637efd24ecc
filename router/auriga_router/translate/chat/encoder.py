"""Canonical events -> the stream of a chat completion. Pure; holds a few flags, however long the answer is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from auriga_router.translate.answer import Usage, later
from auriga_router.translate.canonical import Json
from auriga_router.translate.chat.errors import error_document
from auriga_router.translate.chat.usage import FINISH_REASONS, write_usage
from auriga_router.translate.chat.write_answer import write_call
from auriga_router.translate.events import (
    BlockEnded,
    Event,
    Finished,
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
from auriga_router.translate.reply import CHAT_ID, Identity, Reply

_THOUGHT = b'{"reasoning_content":%s,"thinking_blocks":[{"index":%d,"type":"thinking","thinking":%s}]}'
_SIGNATURE = b'{"thinking_blocks":[{"index":%d,"type":"thinking","signature":%s}]}'
_REDACTED = b'{"thinking_blocks":[{"index":%d,"type":"redacted_thinking","data":%s}]}'
_ARGUMENTS = b'{"tool_calls":[{"index":%d,"function":{"arguments":%s}}]}'


class ChatEncoder:
    """One stream to one client, even where it comes from several endpoints in turn."""

    __slots__ = ("_call", "_head", "_identity", "_tail", "_thinking", "_thought", "_usage", "_with_usage")

    def __init__(self, identity: Identity, reply: Reply) -> None:
        self._identity = identity
        self._with_usage = reply.stream_usage
        self._tail = b"}],%s}\n\n" % b'"usage":null' if reply.stream_usage else b"}]}\n\n"
        self._head = b""
        """Of every chunk, up to its choices; empty before the first."""
        self._call = -1
        """Index of the last tool call."""
        self._thought = -1
        """Index of the last thinking block."""
        self._thinking = False
        """It is open."""
        self._usage: Usage | None = None

    def encode(self, events: Iterable[Event]) -> bytes:
        """What to send for these events. Failed is not for here: see ``fail``."""
        return b"".join([_WRITE[type(event)](self, event) for event in events if type(event) in _WRITE])

    def fail(self, failure: Failure) -> bytes:
        """The chunk after which there is nothing more, not even ``[DONE]``."""
        return b"data: %s\n\n" % orjson.dumps(error_document(failure))

    def _chunk(self, delta: bytes, logprobs: bytes = b"") -> bytes:
        self._thinking = False
        return b'%s[{"index":0,"delta":%s,%s"finish_reason":null%s' % (self._head, delta, logprobs, self._tail)

    def _text(self, event: TextDelta) -> bytes:
        logprobs = b""
        if event.logprobs is not None:
            logprobs = b'"logprobs":%s,' % orjson.dumps({"content": event.logprobs, "refusal": None})
        return self._chunk(b'{"content":%s}' % orjson.dumps(event.text), logprobs)

    def _refusal(self, event: RefusalDelta) -> bytes:
        return self._chunk(b'{"refusal":%s}' % orjson.dumps(event.text))

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        text = orjson.dumps(event.text)
        return self._think(_THOUGHT % (text, self._block(), text))

    def _signed(self, event: ReasoningSigned) -> bytes:
        return self._think(_SIGNATURE % (self._block(), orjson.dumps(event.signature)))

    def _redacted(self, event: ReasoningRedacted) -> bytes:
        self._thinking = False
        return self._chunk(_REDACTED % (self._block(), orjson.dumps(event.data)))

    def _think(self, delta: bytes) -> bytes:
        chunk = self._chunk(delta)
        self._thinking = True
        return chunk

    def _block(self) -> int:
        if not self._thinking:
            self._thought += 1
        return self._thought

    def _tool(self, event: ToolStarted) -> bytes:
        self._call += 1
        call = {"index": self._call} | write_call(event.id, event.name, "", event.signature)
        return self._chunk(orjson.dumps({"tool_calls": [call]}))

    def _arguments(self, event: ToolArguments) -> bytes:
        return self._chunk(_ARGUMENTS % (self._call, orjson.dumps(event.text)))

    def _end(self, _: BlockEnded) -> bytes:
        self._thinking = False
        return b""

    def _start(self, event: Started) -> bytes:
        self._usage = later(self._usage, event.usage)
        if self._head:
            return b""
        head: Json = {
            "id": self._identity.reply_id(CHAT_ID, event.id),
            "object": "chat.completion.chunk",
            "created": event.created or self._identity.created,
            "model": event.model,
        }
        self._head = b'data: %s,"choices":' % orjson.dumps(head)[:-1]
        return self._chunk(b'{"role":"assistant","content":null}')

    def _finish(self, event: Finished) -> bytes:
        reason = orjson.dumps(FINISH_REASONS[event.stop])
        last = b'%s[{"index":0,"delta":{},"finish_reason":%s%s' % (self._head, reason, self._tail)
        usage = later(self._usage, event.usage)
        if self._with_usage and usage is not None:
            last += b'%s[],"usage":%s}\n\n' % (self._head, orjson.dumps(write_usage(usage)))
        return last + b"data: [DONE]\n\n"


_WRITE: dict[type, Callable[[ChatEncoder, Any], bytes]] = {
    TextDelta: ChatEncoder._text,
    RefusalDelta: ChatEncoder._refusal,
    ReasoningDelta: ChatEncoder._reasoning,
    ReasoningSigned: ChatEncoder._signed,
    ReasoningRedacted: ChatEncoder._redacted,
    ToolStarted: ChatEncoder._tool,
    ToolArguments: ChatEncoder._arguments,
    BlockEnded: ChatEncoder._end,
    Started: ChatEncoder._start,
    Finished: ChatEncoder._finish,
}
