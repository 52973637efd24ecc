"""Tool calls of a streamed chat completion, put into order. Pure.

OpenAI sends one call after the other. Others send all names first and then all arguments, whole calls without an index
or all with index 0 (Gemini), no id (Gemini), or arguments as an object. What comes out is in order whatever came in:
a call begins, its arguments follow, and only then the next begins. Arguments of the call that is open go on at once;
those of later calls wait until it is whole.
"""

from __future__ import annotations

import re
from collections import deque

from auriga_router.translate.canonical import Json
from auriga_router.translate.events import BlockEnded, Event, ToolArguments, ToolStarted
from auriga_router.translate.fields import to_json
from auriga_router.translate.json_text import Completeness
from auriga_router.translate.numbers import word
from auriga_router.translate.problems import AnswerError, RequestError

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_ID = 24
MOST_CALLS = 256
_MOST_HELD = 4 * 1024 * 1024
"""Characters of arguments that wait."""


class _Call:
    """One call."""

    __slots__ = ("held", "id", "json", "name", "number", "signature", "started")

    def __init__(self, number: int) -> None:
        self.number = number
        self.id = ""
        self.name = ""
        self.signature = ""
        self.started = False
        self.held: list[str] = []
        self.json = Completeness()


class Calls:
    """The calls of one answer."""

    __slots__ = ("_answer_id", "_by_index", "_count", "_held", "_last", "_queue")

    def __init__(self) -> None:
        self._answer_id = ""
        self._queue: deque[_Call] = deque()
        """The open call, and those that wait."""
        self._by_index: dict[int, _Call] = {}
        self._last: _Call | None = None
        self._count = 0
        self._held = 0

    def __bool__(self) -> bool:
        """Was there any call?"""
        return self._count > 0

    def feed(self, deltas: object, answer_id: str, events: list[Event]) -> None:
        """The ``tool_calls`` of one chunk. Raises AnswerError."""
        self._answer_id = answer_id
        for delta in deltas if isinstance(deltas, list) else ():
            if not isinstance(delta, dict):
                raise AnswerError("a tool call is not an object")
            self._take(delta)
            self._pump(events)

    def settle(self, events: list[Event]) -> bool:
        """Something else wants to be said: end the open call if it is whole. False: it is not, so that must wait."""
        if len(self._queue) == 1 and self._queue[0].json.whole:
            self._close(events)
        return not self._queue

    def finish(self, events: list[Event]) -> None:
        """The answer is over: whatever waits goes out."""
        while self._queue:
            if not self._queue[0].name:
                raise AnswerError("a tool call has no name")
            self._advance(self._queue[0], events)
            self._close(events)

    def _take(self, delta: Json) -> None:
        function = delta.get("function")
        function = function if isinstance(function, dict) else {}
        call = self._find(delta, function)
        if not call.started:
            call.name = call.name or word(function, "name")
            call.id = call.id or word(delta, "id")
            call.signature = call.signature or thought_signature(delta)
        arguments = arguments_text(function)
        if not arguments:
            return
        if call not in self._queue:
            if arguments.strip():
                raise AnswerError("arguments for a tool call that was whole")
            return
        self._held += len(arguments)
        if self._held > _MOST_HELD:
            raise AnswerError("too many arguments of tool calls out of order")
        call.held.append(arguments)

    def _find(self, delta: Json, function: Json) -> _Call:
        index = delta.get("index")
        named = bool(word(function, "name"))
        if isinstance(index, int) and not isinstance(index, bool):
            known = self._by_index.get(index)
        else:
            known, index = self._last, self._count
            if known is not None and word(delta, "id") not in ("", known.id):
                known = None
        if known is not None and named and (_other(word(delta, "id"), known) or known.json.whole):
            known = None  # Gemini: every call has index 0
        if known is None:
            known = self._new()
            self._by_index[index] = known
        self._last = known
        return known

    def _new(self) -> _Call:
        if self._count >= MOST_CALLS:
            raise AnswerError(f"more than {MOST_CALLS} tool calls")
        call = _Call(self._count)
        self._count += 1
        self._queue.append(call)
        return call

    def _pump(self, events: list[Event]) -> None:
        while self._queue and self._queue[0].name:
            call = self._queue[0]
            self._advance(call, events)
            if not call.json.whole or len(self._queue) == 1:
                return
            self._close(events)

    def _advance(self, call: _Call, events: list[Event]) -> None:
        if not call.started:
            call.started = True
            call.id = call.id or call_id(self._answer_id, call.number)
            events.append(ToolStarted(call.id, call.name, call.signature))
        for text in call.held:
            self._held -= len(text)
            call.json.feed(text)
            events.append(ToolArguments(text))
        call.held.clear()

    def _close(self, events: list[Event]) -> None:
        call = self._queue.popleft()
        if not call.json.begun:
            events.append(ToolArguments("{}"))
        events.append(BlockEnded())


def _other(identifier: str, known: _Call) -> bool:
    return bool(identifier) and bool(known.id) and identifier != known.id


def call_id(answer_id: str, number: int) -> str:
    """An id for a call that came without one: within the 40 characters that OpenAI takes back."""
    return f"call_{_NOT_IN_IDS.sub('', answer_id)[-_LONGEST_ID:]}_{number}"


def thought_signature(call: Json) -> str:
    """Gemini's, if it is there."""
    extra = call.get("extra_content")
    return word(extra.get("google"), "thought_signature") if isinstance(extra, dict) else ""


def arguments_text(function: Json) -> str:
    """``arguments``, which some servers give as an object."""
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        try:
            return to_json(arguments).decode()
        except RequestError as error:
            raise AnswerError("arguments nested too deeply") from error
    return arguments if isinstance(arguments, str) else ""
