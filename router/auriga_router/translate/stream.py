"""A stream on its way through a translation: the endpoint's bytes in, the caller's bytes out. Pure.

    decoder (one for each endpoint) -> canonical events -> encoder (one for the caller)

Whoever moves the bytes decides when to commit, to go on elsewhere or to give up; this tells what has been seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from auriga_router.translate.answer import Stop, Usage
from auriga_router.translate.canonical import Request
from auriga_router.translate.estimate import estimate
from auriga_router.translate.events import CONTENT, Event, Failed, Finished
from auriga_router.translate.failure import Failure, Kind
from auriga_router.translate.resume import Resumed, Start, Tape


class Decoder(Protocol):
    """Reads one endpoint's stream."""

    dropped: set[str]

    def feed(self, data: bytes) -> list[Event]:
        """What these bytes say."""

    def end(self) -> list[Event]:
        """What the end of the stream says."""


class Encoder(Protocol):
    """Writes one caller's stream."""

    def encode(self, events: Iterable[Event]) -> bytes:
        """What to send for these events."""

    def fail(self, failure: Failure) -> bytes:
        """What to send when it cannot go on; the connection closes after it."""


class Translation:
    """One caller's stream."""

    __slots__ = (
        "_asked", "_decoder", "_encoder", "_resumed", "_usage", "content", "failure", "finished", "reasoned", "tape",
    )  # fmt: skip

    def __init__(
        self, decoder: Decoder, encoder: Encoder, tape: Tape | None = None, asked: Request | None = None
    ) -> None:
        """``asked``: with a tape, to estimate usage by where the endpoint tells none."""
        self._asked = asked
        self._decoder = decoder
        self._encoder = encoder
        self._resumed: Resumed | None = None
        self._usage: Usage | None = None
        self.tape = tape
        """Remembers what was said, if a break shall be mended."""
        self.content = False
        """Something of an answer has come: the moment to commit."""
        self.finished = False
        """The answer is whole, and so is what ``feed`` and ``end`` gave for it."""
        self.reasoned = False
        """Its end had a reason."""
        self.failure: Failure | None = None
        """Why the endpoint's stream will not go on. Nothing was written for it: resume, or ``fail``."""

    def feed(self, data: bytes) -> bytes:
        """What to send for these bytes of the endpoint's stream (HTTP framing removed)."""
        return self._write(self._decoder.feed(data))

    def end(self) -> bytes:
        """What to send when the endpoint's stream has ended, well or badly: ``finished`` or ``failure`` tells which."""
        return self._write(self._decoder.end())

    def fail(self, failure: Failure) -> bytes:
        """What to send when nobody can go on."""
        return self._encoder.fail(failure)

    @property
    def resumable(self) -> bool:
        """Can another endpoint go on with it?"""
        return self.tape is not None and self.tape.resumable and not self.finished

    @property
    def resumed(self) -> bool:
        """Is it the rest of an answer that comes?"""
        return self._resumed is not None

    def tokens(self, prompt: int) -> int:
        """That the answer and its prompt took. ``prompt``: where the endpoint does not say so, its part."""
        if self._usage is not None:
            return self._usage.input + self._usage.output
        return prompt + (self.tape.tokens if self.tape is not None else 0)

    def resume(self, decoder: Decoder, start: Start) -> None:
        """Go on with another endpoint's stream, which was given ``start`` of what ``tape`` holds."""
        self._decoder = decoder
        self._resumed = Resumed(self.tape or Tape(), start)
        self.content = False
        self.failure = None

    def finish(self, stop: Stop) -> bytes:
        """What to send when it is whole as it is."""
        return self._write([Finished(stop)])

    def _write(self, events: list[Event]) -> bytes:
        if self.failure is not None:
            return b""
        if self._resumed is not None:
            events = self._resumed.filter(events)
        for event in events:
            self._note(event)
        if self.tape is not None:
            self.tape.record(events)
            if self.finished and self._usage is None:
                self._estimate(events, self.tape)
        out = self._encoder.encode(events)
        if getattr(self._encoder, "too_long", False):
            self.failure = Failure(Kind.MALFORMED)
        return out

    def _estimate(self, events: list[Event], tape: Tape) -> None:
        """It was lost before it could, or never does; zero, as Messages would have it, is further from the truth."""
        for place, event in enumerate(events):
            if isinstance(event, Finished) and self._asked is not None:
                counted = Usage(input=estimate(self._asked), output=tape.tokens, reasoning=tape.thought_tokens)
                events[place] = replace(event, usage=counted)

    def _note(self, event: Event) -> None:
        if type(event) in CONTENT:
            self.content = True
        elif isinstance(event, Finished):
            self.finished, self.reasoned = True, event.reasoned
            self._usage = event.usage
            self.content = self.content or event.stop is not Stop.END  # a reason to end early is an answer, too
        elif isinstance(event, Failed):
            self.failure = event.failure
