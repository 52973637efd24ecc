"""A request that is not streamed, answered from a stream (``streaming.inside``).

The endpoint is asked for a stream, and the caller gets it as one answer when it is whole. So the endpoint's first token
and its stalls can be seen, and what breaks is continued elsewhere, or begun anew, because nothing has left yet.
"""

from __future__ import annotations

import re

import orjson

from auriga_router.body import locate
from auriga_router.call import Call
from auriga_router.ports import Client
from auriga_router.translate import (
    AnswerError,
    Failure,
    Identity,
    Kind,
    TranslationError,
    Wire,
    decoder,
    write_answer,
    write_failure,
)
from auriga_router.translate.fold import Fold
from auriga_router.wire.http import reply, unchunk

_WIRES = (Wire.CHAT, Wire.MESSAGES)
_OURS = re.compile(rb"(?:x-auriga-[a-z]+|x-request-id|request-id): [^\r\n]*\r\n")
_STREAM = b"\r\ncontent-type: text/event-stream\r\n"


def streamed(call: Call) -> bool:
    """Make the call one for a stream, if it can be answered from one."""
    if call.stream or not call.single or call.operation.wire not in _WIRES:
        return False
    document = orjson.loads(call.body) | {"stream": True}
    if call.operation.wire is Wire.CHAT:
        document["stream_options"] = {"include_usage": True}
    try:
        call.body = orjson.dumps(document)
    except orjson.JSONEncodeError:
        return False  # nested deeper than orjson writes (254)
    call.model_span = locate(call.body)
    call.stream = call.folded = True
    return True


class Folding(Client):
    """Stands between an exchange, which streams, and its client, which does not."""

    __slots__ = ("_call", "_client", "_left", "_pieces")

    def __init__(self, client: Client, call: Call, limit: int) -> None:
        """``limit``: bytes of a stream that are kept."""
        self._client = client
        self._call = call
        self._left = limit
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep it."""
        self._left -= len(data)
        if self._left >= 0:
            self._pieces.append(data)

    def retract(self) -> bool:
        """Forget what was written: it has not left."""
        self._left += sum(map(len, self._pieces))
        self._pieces.clear()
        return True

    def done(self, *, keep_alive: bool) -> None:
        """Send it, as one answer."""
        written = b"".join(self._pieces)
        head, _, body = written.partition(b"\r\n\r\n")
        if _STREAM in head + b"\r\n":
            written = self._folded(b"".join(_OURS.findall(head + b"\r\n")), body)
            keep_alive = self._call.keep_alive
        self._client.write(written)
        self._client.done(keep_alive=keep_alive)

    def _folded(self, headers: bytes, body: bytes) -> bytes:
        status = 200
        try:
            answer = self._answer(unchunk(body) if self._call.chunked else body)
        except TranslationError:
            status, answer = write_failure(self._call.wire, Failure(Kind.INTERRUPTED))
        return reply(status, headers, answer, close=not self._call.keep_alive)

    def _answer(self, stream: bytes) -> bytes:
        """Raises TranslationError."""
        call, fold = self._call, Fold()
        if self._left < 0:
            raise AnswerError("too long")
        identity = Identity(call.request_id.decode("ascii"), 0, verbatim=True)
        read = decoder(call.wire, identity)
        fold.feed(read.feed(stream))
        fold.feed(read.end())
        if fold.failure is not None:
            raise AnswerError("not whole")
        return write_answer(call.wire, fold.answer(), identity, call.asked.reply)
