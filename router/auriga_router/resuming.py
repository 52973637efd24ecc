"""Going on with a committed stream at another endpoint: an adapter like the others, for the rest of an answer. Pure."""

from __future__ import annotations

from dataclasses import replace

from auriga_router.adapter import Adapter
from auriga_router.call import Call
from auriga_router.endpoint import Endpoint
from auriga_router.held import HeldWhole
from auriga_router.routing.outcome import Outcome
from auriga_router.stages import Held
from auriga_router.table import Backend
from auriga_router.translate import Tape, Translation, read_failure
from auriga_router.translate.failure import OF_THE_CALLERS_MAKING
from auriga_router.translated import TranslatedRelay, TranslatedStream
from auriga_router.ways import Way, way
from auriga_router.wire.http import ResponseHead

_OF_LLAMA_SERVER = (b"/apply-template", b"/tokenize")


class HeldStep(HeldWhole):
    """A reply that is no stream: what a step came to, or an error. Never the caller's."""

    __slots__ = ()

    def _judge(self) -> Outcome:
        if self.status == 200:
            return Outcome.OK
        if self.status < 500 or read_failure(self.status, self.body).kind in OF_THE_CALLERS_MAKING:
            return Outcome.CLIENT_ERROR
        return Outcome.SERVER_ERROR


class Unexpected(Held):
    """A stream where none was asked for."""

    __slots__ = ()

    def feed(self, data: bytes, *, complete: bool) -> Outcome | None:
        """See Held."""
        return Outcome.MALFORMED


class Resuming(Adapter):
    """One attempt to go on with ``translation``, the caller's stream so far."""

    __slots__ = ("_backend", "_call", "_held", "_translation", "_way")
    __deletable__ = ["_held"]

    def __init__(self, call: Call, backend: Backend, translation: Translation) -> None:
        """Raises RequestError if this backend cannot be asked to."""
        self._call = call
        self._backend = backend
        self._translation = translation
        self._way: Way = way(call, backend, translation.tape or Tape())
        self._held: TranslatedStream

    def request(self, endpoint: Endpoint) -> tuple[bytes, bytes]:
        """See Adapter."""
        path, body = self._way.step()
        backend = self._backend
        if path in _OF_LLAMA_SERVER:
            backend = replace(backend, path=b"")  # it has no version
        return self._call.head(backend, endpoint, path, len(body)), body

    def hold_whole(self, head: ResponseHead, limit: int) -> HeldWhole:
        """See Adapter."""
        return HeldStep(self._call.operation, head, limit, self._call.explains_silence)

    def take(self, step: HeldWhole) -> bool:
        """See Adapter."""
        following = self._way.take(step.status, step.body)
        if following is None:
            return False
        self._way = following
        return True

    def hold_stream(self, head: ResponseHead, limit: int) -> Held:
        """See Adapter."""
        if not self._way.streams:
            return Unexpected()
        self._translation.resume(self._way.decoder(), self._way.start)
        self._held = TranslatedStream(self._translation, head, limit, self._call.explains_silence)
        return self._held

    def commit(self, *, complete: bool) -> tuple[TranslatedRelay, bytes]:
        """See Adapter."""
        relay = TranslatedRelay(self._held, client_chunked=self._call.chunked)
        del self._held
        return relay, relay.start(complete=complete)

    def tokens(self, prompt: int) -> int:
        """See Adapter."""
        return self._translation.tokens(prompt)

    def unsaid(self) -> bytes:
        """See Adapter. A translation ends with what there is to say."""
        return b""

    def translation(self) -> Translation | None:
        """See Adapter."""
        return self._translation if self._translation.resumable else None
