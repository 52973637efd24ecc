"""The stream of a message -> canonical events. Pure; holds a few flags, however long the answer is."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from auriga_router import sse
from auriga_router.translate.answer import Stop, Usage, later, settle
from auriga_router.translate.canonical import Json
from auriga_router.translate.event_reader import EventReader
from auriga_router.translate.events import (
    BlockEnded,
    Event,
    Failed,
    Finished,
    Ping,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningSigned,
    Started,
    TextDelta,
    ToolArguments,
    ToolStarted,
)
from auriga_router.translate.failure import Failure, Kind
from auriga_router.translate.fields import to_json
from auriga_router.translate.messages.usage import STOPS, read_usage
from auriga_router.translate.numbers import word
from auriga_router.translate.problems import AnswerError, RequestError
from auriga_router.translate.read_failure import failure_of


class MessagesDecoder:
    """One stream. Never raises: what cannot be read is a Failed event, and after it nothing comes."""

    __slots__ = (
        "_arguments", "_called", "_ended", "_index", "_is_signed", "_kind", "_reader", "_sequence", "_started", "_stop",
        "_usage",
        "dropped",
    )  # fmt: skip

    def __init__(self) -> None:
        self._reader = EventReader()
        self._started = False
        self._ended = False
        self._index: object = None
        """Of the open block."""
        self._kind = ""
        """Of the open block; empty: none is open."""
        self._arguments = False
        """The open tool call has arguments."""
        self._is_signed = False
        """The open block's thoughts are."""
        self._called = False
        self._stop: Stop | None = None
        self._sequence: str | None = None
        self._usage: Usage | None = None
        self.dropped: set[str] = set()
        """What the answer held that has no place in any other dialect."""

    def feed(self, data: bytes) -> list[Event]:
        """What these bytes say, as soon as they say it."""
        events: list[Event] = []
        for message in self._reader.feed(data):
            if self._ended:
                break
            self._message(message, events)
        if self._reader.too_long and not self._ended:
            self._fail(Failure(Kind.MALFORMED), events)
        return events

    def end(self) -> list[Event]:
        """The connection has ended. An answer with its reason to stop is whole, even without ``message_stop``."""
        events: list[Event] = []
        for message in self._reader.end():
            if not self._ended:
                self._message(message, events)
        if self._ended:
            return events
        if self._stop is None or self._kind:
            self._fail(Failure(Kind.INTERRUPTED), events)
        else:
            self._message_stop({}, events)
        return events

    def _message(self, message: sse.Event, events: list[Event]) -> None:
        if not message.data:
            events.append(Ping())
            return
        try:
            document = orjson.loads(message.data)
            if not isinstance(document, dict):
                raise AnswerError("an event is an object")
            read = _READ.get(word(document, "type"))
            if read is not None:  # new types may come at any time, the documentation says
                read(self, document, events)
            elif message.name == b"error" or document.get("error"):
                self._fail(failure_of(0, document), events)
        except (orjson.JSONDecodeError, AnswerError, RequestError):
            self._fail(Failure(Kind.MALFORMED), events)

    def _delta(self, document: Json, events: list[Event]) -> None:
        delta = document.get("delta")
        if not isinstance(delta, dict) or not self._kind or document.get("index") != self._index:
            raise AnswerError("a delta of no open block")
        if self._kind == "skipped":
            return
        kind = delta.get("type")
        if kind == "text_delta":
            self._append(TextDelta, word(delta, "text"), "text", events)
        elif kind == "input_json_delta":
            self._append(ToolArguments, word(delta, "partial_json"), "tool_use", events)
        elif kind == "thinking_delta" and not self._is_signed:
            self._append(ReasoningDelta, word(delta, "thinking"), "thinking", events)
        elif kind == "signature_delta":
            self._append(ReasoningSigned, word(delta, "signature"), "thinking", events)
            self._is_signed = True
        elif kind == "thinking_delta":
            raise AnswerError("thoughts after their signature")
        else:
            self.dropped.add("citations" if kind == "citations_delta" else "delta")

    def _append(self, make: Callable[[str], Event], text: str, kind: str, events: list[Event]) -> None:
        if self._kind != kind:
            raise AnswerError("a delta of another block's type")
        if text:
            self._arguments = True
            events.append(make(text))

    def _message_start(self, document: Json, events: list[Event]) -> None:
        message = document.get("message")
        if self._started or not isinstance(message, dict):
            raise AnswerError("not the start of a message")
        self._started = True
        self._usage = read_usage(message.get("usage"))
        events.append(Started(word(message, "id"), word(message, "model"), usage=self._usage))

    def _block_start(self, document: Json, events: list[Event]) -> None:
        block = document.get("content_block")
        if not self._started or self._kind or not isinstance(block, dict):
            raise AnswerError("a block in the wrong place")
        self._index = document.get("index")
        self._kind = kind = word(block, "type")
        self._arguments = False
        self._is_signed = bool(word(block, "signature"))
        if kind == "tool_use":
            self._tool(block, events)
        elif kind == "text":
            self._append(TextDelta, word(block, "text"), kind, events)
        elif kind == "thinking":
            self._append(ReasoningDelta, word(block, "thinking"), kind, events)
            self._append(ReasoningSigned, word(block, "signature"), kind, events)
        elif kind == "redacted_thinking":
            events.append(ReasoningRedacted(word(block, "data")))
        else:
            self._kind = "skipped"
            self.dropped.add("block")

    def _tool(self, block: Json, events: list[Event]) -> None:
        if not word(block, "id") or not word(block, "name"):
            raise AnswerError("a tool call has an id and a name")
        self._called = True
        events.append(ToolStarted(word(block, "id"), word(block, "name")))
        given = block.get("input")
        if given and isinstance(given, dict):
            self._append(ToolArguments, to_json(given).decode(), "tool_use", events)

    def _block_stop(self, document: Json, events: list[Event]) -> None:
        if not self._kind or document.get("index") != self._index:
            raise AnswerError("the end of no open block")
        if self._kind == "tool_use" and not self._arguments:
            events.append(ToolArguments("{}"))
        if self._kind != "skipped":
            events.append(BlockEnded())
        self._kind = ""

    def _message_delta(self, document: Json, events: list[Event]) -> None:
        if not self._started:
            raise AnswerError("a message that did not start")
        self._usage = later(self._usage, read_usage(document.get("usage")))
        delta = document.get("delta")
        reason = word(delta, "stop_reason")
        if reason:
            self._stop = STOPS.get(reason, Stop.END)
            self._sequence = word(delta, "stop_sequence") or None

    def _message_stop(self, _: Json, events: list[Event]) -> None:
        if not self._started or self._kind:
            raise AnswerError("the end of no message")
        self._ended = True
        stop = settle(self._stop or Stop.END, self._sequence, called=self._called)
        events.append(Finished(*stop, self._usage, self._stop is not None))

    def _ping(self, _: Json, events: list[Event]) -> None:
        events.append(Ping())

    def _error(self, document: Json, events: list[Event]) -> None:
        self._fail(failure_of(0, document), events)

    def _fail(self, failure: Failure, events: list[Event]) -> None:
        if not self._ended:
            self._ended = True
            events.append(Failed(failure))


_READ: dict[str, Callable[[MessagesDecoder, Json, list[Event]], None]] = {
    "content_block_delta": MessagesDecoder._delta,
    "content_block_start": MessagesDecoder._block_start,
    "content_block_stop": MessagesDecoder._block_stop,
    "message_start": MessagesDecoder._message_start,
    "message_delta": MessagesDecoder._message_delta,
    "message_stop": MessagesDecoder._message_stop,
    "ping": MessagesDecoder._ping,
    "error": MessagesDecoder._error,
}
