"""Responses of an endpoint that speaks otherwise than the caller: held, then relayed. Pure.

The twins of ``held`` and ``relay``: the same methods, but every byte goes through a translation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from httptools import HttpParserError

from auriga_router.call import Call
from auriga_router.dialects import Problem, anthropic, openai
from auriga_router.held import REFUSALS, HeldWhole, of_silence
from auriga_router.routing.outcome import Outcome
from auriga_router.stages import Held, Stream
from auriga_router.translate import (
    AnswerError,
    Dropped,
    Failure,
    Identity,
    Kind,
    Translation,
    Wire,
    read_answer,
    read_failure,
    says_something,
    write_answer,
    write_failure,
)
from auriga_router.translate.problems import openai_path
from auriga_router.wire.http import JSON, LAST_CHUNK, Decoder, ResponseHead, chunk, decoder

_OUTCOME = REFUSALS | {
    Kind.OVERLOADED: Outcome.SERVER_ERROR,
    Kind.SERVER: Outcome.SERVER_ERROR,
    Kind.TIMEOUT: Outcome.TIMEOUT,
}
"""Of errors that are told with a status of success."""
_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,80}")
_MOST_NAMES = 16


def left_out(dropped: Iterable[Dropped]) -> bytes:
    """The header line that tells which fields of a request went no further; empty if all did."""
    names = dict.fromkeys(openai_path(field.path) for field in dropped)
    told = [name for name in names if _NAME.fullmatch(name)][:_MOST_NAMES]
    return b"x-auriga-dropped: %s\r\n" % ", ".join(told).encode("ascii") if told else b""


class TranslatedWhole(HeldWhole):
    """A response that is read to its end, in the caller's dialect."""

    __slots__ = ("_call", "_identity", "_wire")

    def __init__(self, call: Call, wire: Wire, identity: Identity, head: ResponseHead, limit: int) -> None:
        super().__init__(call.operation, head, limit, call.explains_silence)
        self._call = call
        self._wire = wire
        self._identity = identity
        self.content_type = JSON

    def _judge(self) -> Outcome:
        if self.status >= 300:
            kind = self._failure()  # the status is what the error means, from here on
            return REFUSALS.get(kind, Outcome.SERVER_ERROR if self.status >= 500 else Outcome.CLIENT_ERROR)
        answered = self.body
        try:
            answer = read_answer(self._wire, answered, self._identity)
            self.body = write_answer(self._call.wire, answer, self._identity, self._call.asked.reply)
        except AnswerError:
            return REFUSALS.get(self._failure(), Outcome.MALFORMED) if self.body.strip() else Outcome.EMPTY
        if says_something(answer):
            return Outcome.OK
        theirs = anthropic.DIALECT if self._wire is Wire.MESSAGES else openai.DIALECT
        return self._of_silence(theirs, answered)

    def _failure(self) -> Kind:
        failure = read_failure(self.status, self.body)
        self.wait = failure.wait
        self.status, self.body = write_failure(self._call.wire, failure)
        return failure.kind


class TranslatedStream(Held):
    """The start of a streamed answer: held until it says something."""

    __slots__ = ("_explained", "_limit", "_size", "decoder", "out", "translation")

    def __init__(self, translation: Translation, head: ResponseHead, limit: int, explained: Callable[[], bool]) -> None:
        """``explained``: may a right answer say nothing?"""
        self._explained = explained
        self.decoder = decoder(chunked=head.chunked)
        self.translation = translation
        self._limit = limit
        self._size = 0
        self.out: list[bytes] = []
        """What the caller will see first."""

    def feed(self, data: bytes, *, complete: bool) -> Outcome | None:
        """OK at the first content; an error is no answer, nor is the end before any content unless it is explained."""
        self._size += len(data)
        try:
            self.out.append(self.translation.feed(self.decoder.feed(data)))
        except HttpParserError:
            return Outcome.MALFORMED
        if complete:
            self.out.append(self.translation.end())
        outcome = self._judge()
        return Outcome.MALFORMED if outcome is None and self._size > self._limit else outcome

    def _judge(self) -> Outcome | None:
        translation = self.translation
        if translation.content:
            return Outcome.OK
        if translation.failure is not None:
            return _OUTCOME.get(translation.failure.kind, Outcome.MALFORMED)
        if not translation.finished:
            return None
        if translation.resumed:
            return Outcome.OK  # of the rest of an answer, there may have been nothing left to say
        return of_silence(translation.reasoned, self._explained)


class TranslatedRelay(Stream):
    """The rest of a stream, on its way to the client."""

    __slots__ = ("_chunked", "_decoder", "_start", "_translation", "_unsent", "broken")

    def __init__(self, held: TranslatedStream, *, client_chunked: bool) -> None:
        self._decoder: Decoder = held.decoder
        self._translation = held.translation
        self._start = b"".join(held.out)
        self._unsent = b""
        self._chunked = client_chunked
        self.broken = False

    def start(self, *, complete: bool) -> bytes:
        """What was held. ``complete``: there is no more."""
        start, self._start = self._start, b""
        return self._send(start, complete=complete)

    def feed(self, data: bytes, *, complete: bool) -> bytes:
        """What to send to the client for these bytes of the response."""
        try:
            return self._send(self._translation.feed(self._decoder.feed(data)), complete=complete)
        except HttpParserError:
            self.broken = True
            return b""

    def end(self) -> bytes | None:
        """The end of a reply whose endpoint broke off or fell silent after the answer was whole; else None."""
        out = self._translation.end()
        if not self._translation.finished:
            self._unsent = self.frame(out)
            return None
        return self.frame(out) + (LAST_CHUNK if self._chunked else b"")

    def unsent(self) -> bytes:
        """What is still to be sent after a break, because ``end`` found it."""
        return self._unsent

    def fail(self, problem: Problem) -> bytes:
        """What ends a stream that cannot go on."""
        return self.frame(self._translation.fail(Failure(Kind.INTERRUPTED, problem.message, ours=True)))

    def frame(self, event: bytes) -> bytes:
        """``event`` as it goes to the client."""
        return chunk(event) if self._chunked else event

    def _send(self, out: bytes, *, complete: bool) -> bytes:
        translation = self._translation
        if complete:
            out += translation.end()
        self.broken = translation.failure is not None
        sent = self.frame(out)
        return sent + LAST_CHUNK if complete and self._chunked and not self.broken else sent
