"""How a caller's operation meets a backend: passed through where it speaks the same, else translated. Pure.

The one place that knows which of the two it is. An exchange makes an adapter for each attempt, and asks it for the
request, and for whatever reads the response: both kinds have the same methods.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import orjson
from httptools import HttpParserError

from auriga_router import completions, usage
from auriga_router.call import Call
from auriga_router.endpoint import Endpoint
from auriga_router.held import HeldStream, HeldWhole
from auriga_router.journal import Journal
from auriga_router.relay import Relay
from auriga_router.stages import Held, Stream
from auriga_router.table import Backend
from auriga_router.translate import (
    Identity,
    RequestError,
    Tape,
    Translation,
    Wire,
    decoder,
    encoder,
    write_request,
)
from auriga_router.translate.completion_encoder import CompletionEncoder
from auriga_router.translate.stream import Decoder, Encoder
from auriga_router.translated import TranslatedRelay, TranslatedStream, TranslatedWhole, left_out
from auriga_router.unsaid import usage_event
from auriga_router.wire.http import ResponseHead, unchunk


class Adapter(Protocol):
    """One attempt's way there and back."""

    __slots__ = ()

    def request(self, endpoint: Endpoint) -> tuple[bytes, bytes]:
        """Head and body of the request."""

    def hold_whole(self, head: ResponseHead, limit: int) -> HeldWhole:
        """For a response that is read to its end: an answer that is not streamed, or an error."""

    def hold_stream(self, head: ResponseHead, limit: int) -> Held:
        """For a streamed answer."""

    def commit(self, *, complete: bool) -> tuple[Stream, bytes]:
        """What ``hold_stream`` held becomes visible: the stream from here on, and its start."""

    def take(self, step: HeldWhole) -> bool:
        """Does this reply, which is no stream, lead to another request of the same attempt?"""

    def tokens(self, prompt: int) -> int:
        """How many a committed stream took, prompt included. ``prompt``: where nobody says so, this was its part."""

    def unsaid(self) -> bytes:
        """What the endpoint was to say between the end of the answer and the end of its stream, and has not."""

    def translation(self) -> Translation | None:
        """After a break: the caller's stream so far, for another endpoint to go on with; None if that cannot be."""


def adapter(call: Call, backend: Backend, wall_now: Callable[[], float]) -> Adapter:
    """For one attempt at one of this backend's endpoints. Raises RequestError if the request cannot be said to it.

    ``wall_now``: seconds since the epoch.
    """
    if call.operation.path in backend.speaks:
        call.left_out = b""
        return PassThrough(call, backend)
    return Translated(call, backend, int(wall_now()))


def _wires(call: Call, identity: Identity) -> tuple[Decoder, Encoder]:
    """What reads the stream that the caller was sent, and writes it on. Raises RequestError if nothing does."""
    if call.operation.wire is None:
        completions.check(orjson.loads(call.body))
        return decoder(Wire.CHAT, identity), CompletionEncoder(identity)
    return decoder(call.wire, identity), encoder(call.wire, identity, call.asked.reply)


class PassThrough(Adapter):
    """The caller's own bytes, with the model's name replaced; and the endpoint's own bytes back."""

    __slots__ = ("_backend", "_call", "_held", "_relay")
    __deletable__ = ["_held"]  # mypyc wants to know

    def __init__(self, call: Call, backend: Backend) -> None:
        self._call = call
        self._backend = backend
        self._held: HeldStream
        self._relay: Relay

    def request(self, endpoint: Endpoint) -> tuple[bytes, bytes]:
        """See Adapter."""
        body = self._call.body_for(self._backend)
        call = self._call
        return call.head(self._backend, endpoint, call.operation.path, len(body), call.native), body

    def hold_whole(self, head: ResponseHead, limit: int) -> HeldWhole:
        """See Adapter."""
        return HeldWhole(self._call.operation, head, limit, self._call.explains_silence)

    def hold_stream(self, head: ResponseHead, limit: int) -> Held:
        """See Adapter."""
        self._held = HeldStream(self._call.operation.dialect, head, limit, self._call.explains_silence)
        return self._held

    def commit(self, *, complete: bool) -> tuple[Stream, bytes]:
        """See Adapter."""
        call, held = self._call, self._held
        del self._held
        kept = self._resumes or self._backend.tokens_per_minute > 0
        self._relay = Relay(
            call.operation.dialect,
            Journal() if kept else None,
            chunked=held.chunked,
            client_chunked=call.chunked,
            single=call.single,
        )
        return self._relay, self._relay.feed(b"".join(held.raw), complete=complete)

    def take(self, step: HeldWhole) -> bool:
        """See Adapter."""
        return False

    @property
    def _resumes(self) -> bool:
        call = self._call
        return call.chain.resume and call.single and call.operation.resumes

    def tokens(self, prompt: int) -> int:
        """See Adapter."""
        return usage.of_answer(self._relay.sent() or b"", prompt)

    def unsaid(self) -> bytes:
        """See Adapter."""
        sent = None if self._relay.ended else self._relay.sent()
        return b"" if sent is None else usage_event(self._call, unchunk(sent) if self._call.chunked else sent)

    def translation(self) -> Translation | None:
        """See Adapter. What was forwarded is read again, into an encoder that then stands where the caller does."""
        call = self._call
        sent = self._relay.sent() if self._resumes else None
        if sent is None:
            return None
        identity = Identity(call.request_id.decode("ascii"), 0, verbatim=True)
        try:
            asked = None if call.operation.wire is None else call.asked.request
            translation = Translation(*_wires(call, identity), Tape(), asked)
            translation.feed(unchunk(sent) if call.chunked else sent)
        except (RequestError, HttpParserError):
            return None
        return translation if translation.resumable and translation.failure is None else None


class Translated(Adapter):
    """The request and its answer through the canonical form."""

    __slots__ = ("_backend", "_body", "_call", "_held", "identity")
    __deletable__ = ["_held"]

    def __init__(self, call: Call, backend: Backend, created: int) -> None:
        written = write_request(backend.wire, call.asked.request, backend.target)
        self._call = call
        self._backend = backend
        self._body = written.body
        self._held: TranslatedStream
        call.left_out = left_out((*call.asked.dropped, *written.dropped))
        self.identity = Identity(call.request_id.decode("ascii"), created)

    def request(self, endpoint: Endpoint) -> tuple[bytes, bytes]:
        """See Adapter."""
        body = self._body
        return self._call.head(self._backend, endpoint, self._backend.wire.value, len(body)), body

    def hold_whole(self, head: ResponseHead, limit: int) -> HeldWhole:
        """See Adapter."""
        return TranslatedWhole(self._call, self._backend.wire, self.identity, head, limit)

    def hold_stream(self, head: ResponseHead, limit: int) -> Held:
        """See Adapter."""
        call = self._call
        write = encoder(call.wire, self.identity, call.asked.reply)
        tape = Tape() if call.chain.resume else None
        translation = Translation(decoder(self._backend.wire, self.identity), write, tape, call.asked.request)
        self._held = TranslatedStream(translation, head, limit, call.explains_silence)
        return self._held

    def commit(self, *, complete: bool) -> tuple[Stream, bytes]:
        """See Adapter."""
        relay = TranslatedRelay(self._held, client_chunked=self._call.chunked)
        return relay, relay.start(complete=complete)

    def take(self, step: HeldWhole) -> bool:
        """See Adapter."""
        return False

    def tokens(self, prompt: int) -> int:
        """See Adapter."""
        return self._held.translation.tokens(prompt)

    def unsaid(self) -> bytes:
        """See Adapter. A translation ends with what there is to say."""
        return b""

    def translation(self) -> Translation | None:
        """See Adapter."""
        translation = self._held.translation
        return translation if translation.resumable else None
