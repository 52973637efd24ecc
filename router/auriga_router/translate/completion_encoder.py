"""Canonical events -> the stream of a plain completion, for one that goes on elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from auriga_router.translate.canonical import Json
from auriga_router.translate.chat.errors import error_document
from auriga_router.translate.chat.usage import FINISH_REASONS, write_usage
from auriga_router.translate.events import Event, Finished, Started, TextDelta
from auriga_router.translate.failure import Failure
from auriga_router.translate.reply import Identity


class CompletionEncoder:
    """One stream to one client, even where it comes from several endpoints in turn."""

    __slots__ = ("_head", "_identity")

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._head: Json = {}
        """Of every chunk; empty before the first."""

    def encode(self, events: Iterable[Event]) -> bytes:
        """What to send for these events. There are no others that a plain completion could say."""
        out = b""
        for event in events:
            if isinstance(event, Started) and not self._head:
                self._head = {
                    "id": event.id or self._identity.id,
                    "object": "text_completion",
                    "created": event.created,
                    "model": event.model,
                }
            elif isinstance(event, TextDelta):
                out += self._chunk(event.text, None)
            elif isinstance(event, Finished):
                usage = {} if event.usage is None else {"usage": write_usage(event.usage)}
                # llama-server gives it with the last chunk, whether or not it was asked for.
                out += self._chunk("", FINISH_REASONS[event.stop], usage) + b"data: [DONE]\n\n"
        return out

    def fail(self, failure: Failure) -> bytes:
        """The chunk after which there is nothing more, not even ``[DONE]``."""
        return b"data: %s\n\n" % orjson.dumps(error_document(failure))

    def _chunk(self, text: str, reason: str | None, more: Json | None = None) -> bytes:
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
        return b"data: %s\n\n" % orjson.dumps(self._head | {"choices": [choice]} | (more or {}))
