"""Going on with an answer that broke off: what was said so far, the request that asks for the rest, and the seam. Pure.

Only thoughts and text can be continued. Once a tool call has begun, nothing is spliced: ``Tape.resumable`` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from auriga_router.translate.canonical import Message, Request, Text
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

LONGEST_TAPE = 1024 * 1024
"""Characters that are kept for a continuation."""
_SURE = 16
"""Characters in common that are no accident."""


class Tape:
    """What a caller has been sent."""

    __slots__ = ("_limit", "_size", "_text", "_thoughts", "other", "other_tokens", "text_tokens", "thought_tokens")

    def __init__(self, limit: int = LONGEST_TAPE) -> None:
        self._limit = limit
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._size = 0
        self.text_tokens = 0
        """Pieces of text: with llama-server, tokens."""
        self.thought_tokens = 0
        self.other_tokens = 0
        """Of what cannot be continued."""
        self.other = False
        """Something has begun that cannot be continued: a tool call, a refusal, second thoughts."""

    @property
    def text(self) -> str:
        """The words so far."""
        return "".join(self._text)

    @property
    def thoughts(self) -> str:
        """The thoughts before them."""
        return "".join(self._thoughts)

    @property
    def thinking(self) -> bool:
        """Has nothing but thoughts been said?"""
        return bool(self._thoughts) and not self._text

    @property
    def tokens(self) -> int:
        """Of all that was said, about."""
        return self.text_tokens + self.thought_tokens + self.other_tokens

    @property
    def resumable(self) -> bool:
        """Is what was sent something that another model can go on with?"""
        return bool(self._text or self._thoughts) and not self.other and self._size <= self._limit

    def record(self, events: Iterable[Event]) -> None:
        """These were sent."""
        for event in events:
            if isinstance(event, TextDelta):
                self.text_tokens += 1
                self._keep(self._text, event.text)
            elif isinstance(event, ReasoningDelta):
                self.thought_tokens += 1
                self.other = self.other or bool(self._text)
                self._keep(self._thoughts, event.text)
            elif isinstance(event, ToolStarted | ToolArguments | RefusalDelta):
                self.other_tokens += 1
                self.other = True

    def _keep(self, pieces: list[str], text: str) -> None:
        self._size += len(text)
        if self._size <= self._limit:
            pieces.append(text)


@dataclass(frozen=True, slots=True, repr=False)
class Start:
    """How much of an answer an endpoint was given, to go on from there."""

    text: str
    tokens: int
    """Of the answer so far, those in its prompt."""
    repeats: bool = False
    """It may say the text again before it goes on."""
    thinks: bool = False
    """It goes on in the middle of thoughts."""


def continuation(request: Request, tape: Tape) -> tuple[Request, str]:
    """The same request with the text so far as the start of the answer, and that start as the endpoint sees it.

    White space at its end stays out: Anthropic refuses it. Thoughts stay out, too: only who thought them can go on.
    """
    left = None if request.max_tokens is None else max(request.max_tokens - tape.tokens, 1)
    if not tape.text:
        return replace(request, max_tokens=left), ""
    messages, before = request.messages, ""
    if messages and messages[-1].role == "assistant":  # the caller's own start, which some endpoints repeat
        before = "".join(part.text for part in messages[-1].content if isinstance(part, Text))
        messages = messages[:-1]
    start = (tape.text if tape.text.startswith(before) else before + tape.text).rstrip()
    spoken = Message("assistant", (Text(start),))
    return replace(request, messages=(*messages, spoken), max_tokens=left), start


class Resumed:
    """The seam: takes out of a continuation what the caller has already.

    Some endpoints repeat the start that they were given before they go on; others go on at once. A model that thinks
    first does so again. And one that starts all over has not understood: that is a failure, not a continuation.
    """

    __slots__ = ("_open", "_repeat", "_space", "_spoken", "_start", "_tokens")

    def __init__(self, tape: Tape, start: Start) -> None:
        self._start = start
        self._tokens = max(tape.tokens, start.tokens)
        self._repeat = start.text if start.repeats else ""
        self._space = tape.text[len(tape.text.rstrip()) :] if start.text and not start.text.endswith(tape.text) else ""
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
                if kept and isinstance(kept[-1], Failed):
                    break
            elif isinstance(event, _AGAIN) or (isinstance(event, ReasoningDelta) and not self._start.thinks):
                continue
            elif isinstance(event, BlockEnded) and self._open:
                continue  # of what is not told again
            else:
                if self._open and isinstance(event, _AFTER_TEXT):
                    self._text(kept, final=True)
                kept.append(self._finish(event) if isinstance(event, Finished) else event)
        return kept

    def _text(self, kept: list[Event], *, final: bool) -> None:
        spoken, repeat = self._spoken, self._repeat
        common = _common(spoken, repeat)
        if common == len(spoken) < len(repeat) and not final:
            return
        repeated = common == len(repeat)
        if repeat and repeated == (common < _SURE):  # too short to be sure that it is one; or it starts all over
            kept.append(Failed(Failure(Kind.MALFORMED)))
        else:
            self._rest(spoken[common:] if repeated else spoken, kept, final=final)

    def _rest(self, rest: str, kept: list[Event], *, final: bool) -> None:
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
            prompt = max(usage.input - self._start.tokens, 0)
            usage = replace(
                usage,
                input=prompt,
                cached=min(usage.cached, prompt),
                cache_written=0,
                output=usage.output + self._tokens,
            )
        return Finished(event.stop, event.stop_sequence, usage)


def _common(first: str, second: str) -> int:
    """Length of what both begin with."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


_AGAIN = (Started, ReasoningSigned, ReasoningRedacted)
_AFTER_TEXT = (Finished, ToolStarted, RefusalDelta)
