"""The stream of a chat completion -> canonical events. Pure; holds a few flags, however long the answer is."""

from __future__ import annotations

import orjson

from auriga_router import sse
from auriga_router.translate.answer import Stop, Usage, settle
from auriga_router.translate.canonical import Json
from auriga_router.translate.chat.calls import Calls
from auriga_router.translate.chat.delta import said, thoughts
from auriga_router.translate.chat.logprobs import read_logprobs
from auriga_router.translate.chat.usage import read_stop, read_usage
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
    RefusalDelta,
    Started,
    TextDelta,
)
from auriga_router.translate.failure import Failure, Kind
from auriga_router.translate.numbers import count, word
from auriga_router.translate.problems import AnswerError
from auriga_router.translate.read_failure import failure_of, is_failure

_MOST_WAITING = 4096


class ChatDecoder:
    """One stream. Never raises: what cannot be read is a Failed event, and after it nothing comes."""

    __slots__ = (
        "_calls", "_ended", "_fallback_id", "_id", "_is_signed", "_reader", "_started", "_stop", "_thought", "_usage",
        "_waiting",
        "dropped",
    )  # fmt: skip

    def __init__(self, fallback_id: str) -> None:
        """``fallback_id``: for ids of calls, where the endpoint gives none to the answer either."""
        self._fallback_id = fallback_id
        self._reader = EventReader()
        self._calls = Calls()
        self._id = ""
        self._started = False
        self._ended = False
        self._stop: tuple[Stop, str | None] | None = None
        self._usage: Usage | None = None
        self._thought = -1
        """Index of the last of ``thinking_blocks``."""
        self._is_signed = False
        """It is."""
        self._waiting: list[Event] = []
        """What was said in the middle of a call's arguments: it comes after them."""
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
        """The connection has ended. A whole answer without ``[DONE]`` is a whole answer."""
        events: list[Event] = []
        for message in self._reader.end():
            if not self._ended:
                self._message(message, events)
        if self._ended:
            return events
        if self._stop is None:
            self._fail(Failure(Kind.INTERRUPTED), events)
        else:
            self._finish(events)
        return events

    def _message(self, message: sse.Event, events: list[Event]) -> None:
        data = message.data
        if data == b"[DONE]":
            self._finish(events)
            return
        if not data and message.name != b"error":
            events.append(Ping())
            return
        try:
            document = orjson.loads(data)
            if not isinstance(document, dict):
                raise AnswerError("a chunk is an object")
            if message.name == b"error" or is_failure(document):
                self._fail(failure_of(0, document), events)
            else:
                self._chunk(document, events)
        except (orjson.JSONDecodeError, AnswerError):
            self._fail(Failure(Kind.SERVER if message.name == b"error" else Kind.MALFORMED), events)

    def _chunk(self, chunk: Json, events: list[Event]) -> None:
        if not self._started:
            self._started = True
            self._id = word(chunk, "id")
            events.append(Started(self._id, word(chunk, "model"), count(chunk, "created")))
        usage = chunk.get("usage")
        if usage:
            self._usage = read_usage(usage)
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and not choice.get("index"):  # only the first choice was asked for
                self._choice(choice, events)

    def _choice(self, choice: Json, events: list[Event]) -> None:
        delta = choice.get("delta")
        if delta and isinstance(delta, dict):
            content = delta.get("content")
            if len(delta) == 1 and content and isinstance(content, str) and not (self._calls or "logprobs" in choice):
                events.append(TextDelta(content))  # nearly every chunk of nearly every stream
            else:
                self._delta(delta, choice, events)
        text = choice.get("text")  # of a plain completion, which may continue a chat
        if text and isinstance(text, str):
            events.append(TextDelta(text))
        reason = choice.get("finish_reason")
        if reason == "error":
            self._fail(Failure(Kind.SERVER), events)
        elif reason:  # kept to the end: Gemini has sent one with every chunk
            self._stop = read_stop(choice)

    def _delta(self, delta: Json, choice: Json, events: list[Event]) -> None:
        """Thoughts, words, then calls: a chunk may hold them all, and that is their order in every dialect."""
        spoken: list[Event] = []
        thought, text = said(delta)
        if delta.get("thinking_blocks"):
            self._thinking_blocks(delta["thinking_blocks"], spoken)
        elif thought := thoughts(delta) + thought:
            spoken.append(ReasoningDelta(thought))
        if text:
            spoken.append(TextDelta(text, read_logprobs(choice)))
        refusal = word(delta, "refusal")
        if refusal:
            spoken.append(RefusalDelta(refusal))
        self._say(spoken, events)
        if delta.get("tool_calls"):
            self._calls.feed(delta["tool_calls"], self._id or self._fallback_id, events)
            if self._waiting:
                self._say([], events)

    def _say(self, spoken: list[Event], events: list[Event]) -> None:
        if not (spoken or self._waiting):
            return
        if self._calls and not self._calls.settle(events):
            self._waiting.extend(spoken)
            if len(self._waiting) > _MOST_WAITING:
                raise AnswerError("too much was said in the middle of a tool call")
            return
        events.extend(self._waiting)
        self._waiting.clear()
        events.extend(spoken)

    def _thinking_blocks(self, blocks: object, events: list[Event]) -> None:
        for block in blocks if isinstance(blocks, list) else ():
            index = count(block, "index")
            if index != self._thought >= 0 or self._is_signed:
                events.append(BlockEnded())
            self._thought = index
            self._is_signed = bool(word(block, "signature"))
            if word(block, "thinking"):
                events.append(ReasoningDelta(word(block, "thinking")))
            if word(block, "signature"):
                events.append(ReasoningSigned(word(block, "signature")))
            if word(block, "data"):
                events.append(ReasoningRedacted(word(block, "data")))

    def _finish(self, events: list[Event]) -> None:
        try:
            self._calls.finish(events)
            events.extend(self._waiting)
        except AnswerError:
            self._fail(Failure(Kind.MALFORMED), events)
            return
        self._ended = True
        stop, sequence = self._stop or (Stop.END, None)
        if not self._started:
            self._started = True
            events.append(Started("", ""))
        events.append(Finished(*settle(stop, sequence, called=bool(self._calls)), self._usage, self._stop is not None))

    def _fail(self, failure: Failure, events: list[Event]) -> None:
        if not self._ended:
            self._ended = True
            events.append(Failed(failure))
