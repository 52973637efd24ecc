"""However a stream is cut into chunks and reads, the client gets its events: exactly, in order, and only whole ones."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auriga_router.dialects import Dialect, anthropic, openai
from auriga_router.held import HeldStream
from auriga_router.journal import Journal
from auriga_router.relay import Relay
from auriga_router.routing.outcome import Outcome
from auriga_router.wire.http import ResponseHead, unchunk

HEADS = {
    True: ResponseHead(
        200, b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    ),
    False: ResponseHead(200, b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"),
}
WORDS = st.lists(
    st.one_of(st.text(max_size=6), st.sampled_from(['"error"', "[DONE]", "\n\n", "data: [DONE]"])), max_size=8
)

PLACES = st.lists(st.integers(0, 5000), max_size=12)
CUTS = st.tuples(PLACES, PLACES)
"""Of the stream into chunks, and of those into reads."""
Cuts = tuple[list[int], list[int]]
FRAMING = st.tuples(st.booleans(), st.booleans())
"""Has the endpoint's body chunks, and does the client take them?"""


def _chat(word: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": word}, "finish_reason": finish}
    return b"data: %s\n\n" % json.dumps({"choices": [choice]}).encode()


def _messages(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | fields)}\n\n".encode()


def _events(dialect: Dialect, words: list[str]) -> list[bytes]:
    """A whole stream. Its last event is the end mark, and the one before it says that the answer is whole."""
    if dialect is openai.DIALECT:
        return [_chat("first"), *map(_chat, words), _chat("", "stop"), b"data: [DONE]\n\n"]
    deltas = [{"type": "text_delta", "text": word} for word in ["first", *words]]
    return [
        *(_messages("content_block_delta", index=0, delta=delta) for delta in deltas),
        _messages("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1}),
        _messages("message_stop"),
    ]


DIALECTS = pytest.mark.parametrize("dialect", [openai.DIALECT, anthropic.DIALECT], ids=lambda dialect: dialect.name)


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _relayed(
    dialect: Dialect, reads: list[bytes], *, chunked: bool, client_chunked: bool, complete: bool
) -> tuple[bytes, Relay]:
    """What the client gets, without chunks, and the relay in its last state."""
    held = HeldStream(dialect, HEADS[chunked], 1 << 20, lambda: False)
    relay = Relay(dialect, Journal(), chunked=chunked, client_chunked=client_chunked, single=True)
    out, flowing = b"", False
    for number, read in enumerate(reads):
        last = complete and number == len(reads) - 1
        if flowing:
            out += relay.feed(read, complete=last)
        elif held.feed(read, complete=last) is Outcome.OK:
            flowing = True
            out += relay.feed(b"".join(held.raw), complete=last)
    assert relay.sent() == out
    return (unchunk(out) if client_chunked else out), relay


@DIALECTS
@given(words=WORDS, cuts=CUTS, framing=FRAMING, crlf=st.booleans())
def test_a_whole_stream_is_relayed_exactly(
    dialect: Dialect, words: list[str], cuts: Cuts, framing: tuple[bool, bool], crlf: bool
) -> None:
    (chunks, reads), (chunked, client_chunked) = cuts, framing
    stream = b"".join(_events(dialect, words))
    if crlf:
        stream = stream.replace(b"\n", b"\r\n")
    data = b"".join(map(_chunk, _cut(stream, chunks))) + b"0\r\n\r\n" if chunked else stream
    out, relay = _relayed(dialect, _cut(data, reads), chunked=chunked, client_chunked=client_chunked, complete=True)
    assert (out, relay.broken) == (stream, False)


@DIALECTS
@given(words=WORDS, cuts=CUTS, framing=FRAMING, cut=st.integers(0, 5000))
def test_a_stream_cut_anywhere_is_a_prefix_of_whole_events_and_known_to_be_cut(
    dialect: Dialect, words: list[str], cuts: Cuts, framing: tuple[bool, bool], cut: int
) -> None:
    (chunks, reads), (chunked, client_chunked) = cuts, framing
    events = _events(dialect, words)
    stream = b"".join(events)
    data = b"".join(map(_chunk, _cut(stream, chunks))) + b"0\r\n\r\n" if chunked else stream
    data = data[: cut % len(data)]
    out, relay = _relayed(dialect, _cut(data, reads), chunked=chunked, client_chunked=client_chunked, complete=False)
    whole = [b"".join(events[:count]) for count in range(len(events) + 1)]
    assert out in whole
    said_all = whole.index(out) >= len(events) - 1
    assert (relay.end() is not None) == said_all
