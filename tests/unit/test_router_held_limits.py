"""An endpoint that says much but nothing of its answer is given up before it fills the memory: held or translated."""

from __future__ import annotations

import pytest

from auriga_router.dialects.openai import CHAT, DIALECT
from auriga_router.held import HeldStream, HeldWhole
from auriga_router.routing.outcome import Outcome
from auriga_router.stages import Held
from auriga_router.translate import Identity, Reply, Translation, Wire, decoder, encoder
from auriga_router.translated import TranslatedStream
from auriga_router.wire.http import ResponseHead
from support import upstreams_scripts as scripts

LIMIT = 10_000
STREAM = ResponseHead(200, scripts.SSE_HEAD.lower())
WHOLE = ResponseHead(200, b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
IDENTITY = Identity("1", 0)


def held(kind: str) -> Held | HeldWhole:
    if kind == "whole":
        return HeldWhole(CHAT, WHOLE, LIMIT, lambda: False)
    if kind == "stream":
        return HeldStream(DIALECT, STREAM, LIMIT, lambda: False)
    translation = Translation(decoder(Wire.CHAT, IDENTITY), encoder(Wire.MESSAGES, IDENTITY, Reply()))
    return TranslatedStream(translation, STREAM, LIMIT, lambda: False)


@pytest.mark.parametrize("kind", ["whole", "stream", "translated"])
@pytest.mark.parametrize("piece", [scripts.chunk(scripts.ROLE), scripts.chunk(b": still loading\n\n")])
def test_what_says_nothing_is_held_up_to_the_limit(kind: str, piece: bytes) -> None:
    start = held(kind)
    for _ in range(LIMIT // len(piece)):
        assert start.feed(piece, complete=False) is None
    assert start.feed(piece, complete=False) is Outcome.MALFORMED


@pytest.mark.parametrize("kind", ["stream", "translated"])
def test_content_within_it_is_an_answer(kind: str) -> None:
    start, piece = held(kind), scripts.chunk(scripts.ROLE)
    for _ in range(LIMIT // len(piece) - 2):
        assert start.feed(piece, complete=False) is None
    assert start.feed(scripts.chunk(scripts.event({"content": "word"})), complete=False) is Outcome.OK
