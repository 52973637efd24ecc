"""Going on with an answer that broke off: what was said so far, the request that asks for the rest, and the seam. Pure.

Only text can be continued. Once a tool call has begun, nothing is spliced: ``Tape.resumable`` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from auriga_router.translate.canonical import Message, Request, Text
from auriga_router.translate.events import (
    Event,
    Finished,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningSigned,
    RefusalDelta,
    Started,
    TextDelta,
    ToolStarted,
)

LONGEST_TAPE = 1024 * 1024
"""Characters of text that are kept for a continuation."""


class Tape:
    """What a caller has been sent."""

    __slots__ = ("_limit", "_pieces", "_size", "deltas", "other")

    def __init__(self, limit: int = LONGEST_TAPE) -> None:
        self._limit = limit
        self._pieces: list[str] = []
        self._size = 0
        self.deltas = 0
        """Pieces of text: with llama-server, tokens."""
        self.other = False
        """A tool call or a refusal has begun."""

    @property
    def text(self) -> str:
        """The words so far."""
        return "".join(self._pieces)

    @property
    def resumable(self) -> bool:
        """Is what was sent something that another model can go on with?"""
        return bool(self._pieces) and not self.other and self._size <= self._limit

    def record(self, events: Iterable[Event]) -> None:
        """These were sent."""
        for event in events:
            if isinstance(event, TextDelta):
                self.deltas += 1
                self._size += len(event.text)
                if self._size <= self._limit:
                    self._pieces.append(event.text)
            elif isinstance(event, ToolStarted | RefusalDelta):
                self.other = True


def continuation(request: Request, tape: Tape) -> tuple[Request, str]:
    """The same request with the text so far as the start of the answer, and that start as the endpoint sees it.

    White space at its end stays out: Anthropic refuses it.
    """
    left = None if request.max_tokens is None else max(request.max_tokens - tape.deltas, 1)
    messages, before = request.messages, ""
    if messages and messages[-1].role == "assistant":  # the caller's own start, which some endpoints repeat
        before = "".join(part.text for part in messages[-1].content if isinstance(part, Text))
        messages = messages[:-1]
    start = (tape.text if tape.text.startswith(before) else before + tape.text).rstrip()
    spoken = Message("assistant", (Text(start),))
    return replace(request, messages=(*messages, spoken), max_tokens=left), start


class Resumed:
    """The seam: takes out of a continuation what the caller has already.

    llama-server repeats the start that it was given before it goes on; others go on at once. And a model that thinks
    first does so again.
    """

    __slots__ = ("_deltas", "_open", "_repeat", "_space", "_spoken")

    def __init__(self, tape: Tape, repeat: str = "") -> None:
        self._deltas = tape.deltas
        self._repeat = repeat
        """What the endpoint will say again."""
        self._space = tape.text[len(tape.text.rstrip()) :]
        """White space that the request left out; the model is likely to say it first."""
        self._spoken = ""
        """Text that may be a repetition, and is held back while that is not clear."""
        self._open = bool(self._repeat or self._space)

    def filter(self, events: list[Event]) -> list[Event]:
        """What of these the caller has not seen."""
        kept: list[Event] = []
        for event in events:
            if isinstance(event, TextDelta) and self._open:
                self._spoken += event.text
                self._text(kept, final=False)
            elif isinstance(event, _AGAIN):
                continue
            else:
                if self._open and not isinstance(event, TextDelta):
                    self._text(kept, final=True)
                kept.append(self._finish(event) if isinstance(event, Finished) else event)
        return kept

    def _text(self, kept: list[Event], *, final: bool) -> None:
        spoken, repeat = self._spoken, self._repeat
        if repeat.startswith(spoken) and spoken != repeat and not final:
            return
        rest = spoken.removeprefix(repeat)
        common = _common(rest, self._space)
        if common == len(rest) < len(self._space) and not final:
            return
        self._open = False
        if rest[common:]:
            kept.append(TextDelta(rest[common:]))

    def _finish(self, event: Finished) -> Finished:
        """One usage for the whole answer: what was prompt the second time was answer the first time."""
        usage = event.usage
        if usage is not None:
            prompt = max(usage.input - self._deltas, 0)
            usage = replace(
                usage,
                input=prompt,
                cached=min(usage.cached, prompt),
                cache_written=0,
                output=usage.output + self._deltas,
            )
        return Finished(event.stop, event.stop_sequence, usage)


def _common(first: str, second: str) -> int:
    """Length of what both begin with."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


_AGAIN = (Started, ReasoningDelta, ReasoningSigned, ReasoningRedacted)
