"""Events of a stream <-> a whole answer. Pure.

For a caller that wants an answer whole from an endpoint that streams it, and the reverse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from auriga_router.translate.answer import Answer, AnswerPart, Stop, Usage, later
from auriga_router.translate.canonical import Json, Reasoning, RedactedReasoning, Refusal, Text, ToolCall
from auriga_router.translate.events import (
    BlockEnded,
    Event,
    Failed,
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
from auriga_router.translate.failure import Failure, Kind


class _Block:
    """A part that is not whole yet."""

    __slots__ = ("pieces", "signature", "start", "type")

    def __init__(self, kind: type[AnswerPart], start: ToolStarted | None = None) -> None:
        self.type = kind
        self.start = start
        self.pieces: list[str] = []
        self.signature = ""

    def part(self) -> AnswerPart:
        text = "".join(self.pieces)
        if self.start is not None:
            return ToolCall(self.start.id, self.start.name, text or "{}", self.start.signature)
        if self.type is Reasoning:
            return Reasoning(text, self.signature)
        return Text(text) if self.type is Text else Refusal(text)


class Fold:
    """Takes events, gives the answer. It grows with the answer."""

    __slots__ = ("_block", "_finished", "_logprobs", "_parts", "_started", "_usage", "failure")

    def __init__(self) -> None:
        self._started = Started("", "")
        self._parts: list[AnswerPart] = []
        self._block: _Block | None = None
        self._logprobs: list[Json] | None = None
        self._finished = Finished(Stop.END)
        self._usage: Usage | None = None
        self.failure: Failure | None = Failure(Kind.INTERRUPTED)
        """Why there is no answer; None once it is whole."""

    def feed(self, events: Iterable[Event]) -> None:
        """More of the stream."""
        for event in events:
            if isinstance(event, TextDelta | RefusalDelta | ReasoningDelta | ToolArguments):
                self._delta(event)
            elif isinstance(event, ToolStarted):
                self._open(ToolCall, event)
            elif isinstance(event, ReasoningSigned):
                self._need(Reasoning).signature = event.signature
            elif isinstance(event, ReasoningRedacted):
                self._close()
                self._parts.append(RedactedReasoning(event.data))
            elif isinstance(event, BlockEnded):
                self._close()
            else:
                self._frame(event)

    def answer(self) -> Answer:
        """The answer so far."""
        parts = [*self._parts, self._block.part()] if self._block else self._parts
        return Answer(
            id=self._started.id,
            model=self._started.model,
            created=self._started.created,
            content=tuple(parts),
            stop=self._finished.stop,
            stop_sequence=self._finished.stop_sequence,
            usage=self._usage,
            logprobs=None if self._logprobs is None else tuple(self._logprobs),
        )

    def _delta(self, event: TextDelta | RefusalDelta | ReasoningDelta | ToolArguments) -> None:
        if isinstance(event, TextDelta):
            block = self._need(Text)
            if event.logprobs is not None:
                self._logprobs = [*(self._logprobs or ()), *event.logprobs]
        elif isinstance(event, RefusalDelta):
            block = self._need(Refusal)
        else:
            block = self._need(Reasoning if isinstance(event, ReasoningDelta) else ToolCall)
        block.pieces.append(event.text)

    def _frame(self, event: Event) -> None:
        if isinstance(event, Started):
            self._started = event
            self._usage = event.usage
        elif isinstance(event, Finished):
            self._close()
            self._finished = event
            self._usage = later(self._usage, event.usage)
            self.failure = None
        elif isinstance(event, Failed):
            self.failure = event.failure

    def _need(self, kind: type[AnswerPart]) -> _Block:
        if self._block is not None and self._block.type is kind:
            return self._block
        return self._open(kind)

    def _open(self, kind: type[AnswerPart], start: ToolStarted | None = None) -> _Block:
        self._close()
        self._block = _Block(kind, start)
        return self._block

    def _close(self) -> None:
        if self._block is not None:
            self._parts.append(self._block.part())
            self._block = None


def unfold(answer: Answer) -> Iterator[Event]:
    """The answer as a stream that says each part in one piece."""
    yield Started(answer.id, answer.model, answer.created)
    logprobs = None if answer.logprobs is None else list(answer.logprobs)
    for part in answer.content:
        if isinstance(part, Text):
            yield TextDelta(part.text, logprobs)
            logprobs = None
        else:
            yield from _unfold_part(part)
        yield BlockEnded()
    yield Finished(answer.stop, answer.stop_sequence, answer.usage)


def _unfold_part(part: Refusal | Reasoning | RedactedReasoning | ToolCall) -> Iterator[Event]:
    if isinstance(part, Refusal):
        yield RefusalDelta(part.text)
    elif isinstance(part, RedactedReasoning):
        yield ReasoningRedacted(part.data)
    elif isinstance(part, ToolCall):
        yield ToolStarted(part.id, part.name, part.signature)
        yield ToolArguments(part.arguments)
    else:
        if part.text:
            yield ReasoningDelta(part.text)
        if part.signature:
            yield ReasoningSigned(part.signature)
