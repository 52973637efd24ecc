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
from auriga_router.translate.event_reader import LONGEST_EVENT
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
CUTS = st.tuples(st.one_of(st.none(), st.integers(1, 3), PLACES), PLACES)
"""Of the stream into chunks (so many events in each, as endpoints send them, or anywhere), and of those into reads."""
Cuts = tuple[int | list[int] | None, list[int]]
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


def _sent(events: list[bytes], chunks: int | list[int] | None, *, chunked: bool) -> bytes:
    """The body as it comes from the endpoint."""
    if not chunked:
        return b"".join(events)
    if isinstance(chunks, list):
        pieces = _cut(b"".join(events), chunks)
    else:
        each = chunks or 1
        pieces = [b"".join(events[start : start + each]) for start in range(0, len(events), each)]
    return b"".join(map(_chunk, pieces)) + b"0\r\n\r\n"


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
    events = _events(dialect, words)
    if crlf:
        events = [event.replace(b"\n", b"\r\n") for event in events]
    stream, data = b"".join(events), _sent(events, chunks, chunked=chunked)
    out, relay = _relayed(dialect, _cut(data, reads), chunked=chunked, client_chunked=client_chunked, complete=True)
    assert (out, relay.broken) == (stream, False)


@DIALECTS
@given(words=WORDS, cuts=CUTS, framing=FRAMING, cut=st.integers(0, 5000))
def test_a_stream_cut_anywhere_is_a_prefix_of_whole_events_and_known_to_be_cut(
    dialect: Dialect, words: list[str], cuts: Cuts, framing: tuple[bool, bool], cut: int
) -> None:
    (chunks, reads), (chunked, client_chunked) = cuts, framing
    events = _events(dialect, words)
    data = _sent(events, chunks, chunked=chunked)
    data = data[: cut % len(data)]
    out, relay = _relayed(dialect, _cut(data, reads), chunked=chunked, client_chunked=client_chunked, complete=False)
    whole = [b"".join(events[:count]) for count in range(len(events) + 1)]
    assert out in whole
    assert relay.unsent() == b""
    said_all = whole.index(out) >= len(events) - 1
    assert (relay.end() is not None) == said_all


def _flowing(dialect: Dialect, *, chunked: bool) -> Relay:
    relay = Relay(dialect, Journal(), chunked=chunked, client_chunked=True, single=True)
    relay.feed(_sent(_events(dialect, [])[:1], 1, chunked=chunked).removesuffix(b"0\r\n\r\n"), complete=False)
    return relay


@DIALECTS
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [60_000, 300_000])
def test_an_event_that_is_larger_than_any_read_arrives_whole(dialect: Dialect, chunked: bool, size: int) -> None:
    events = _events(dialect, ["x" * size])[1:]
    relay, data = _flowing(dialect, chunked=chunked), _sent(events, 1, chunked=chunked)
    out = [
        relay.feed(data[start : start + 9000], complete=start + 9000 >= len(data))
        for start in range(0, len(data), 9000)
    ]
    assert (unchunk(b"".join(out)), relay.broken) == (b"".join(events), False)


@DIALECTS
@pytest.mark.parametrize("chunked", [False, True])
def test_an_event_without_end_is_a_break_and_not_all_of_the_memory(dialect: Dialect, chunked: bool) -> None:
    relay = _flowing(dialect, chunked=chunked)
    out, fed, read = b"", 0, b"a" * 200_000
    relay.feed(b"ffffffff\r\n" if chunked else b"data: ", complete=False)
    while not relay.broken:
        assert fed < 2 * LONGEST_EVENT
        out += relay.feed(read, complete=False)
        fed += len(read)
    assert out == b""


@pytest.mark.parametrize(("single", "whole"), [(True, True), (False, False)])
def test_one_finished_choice_is_the_end_only_of_an_answer_with_one(single: bool, whole: bool) -> None:
    relay = Relay(openai.DIALECT, Journal(), chunked=True, client_chunked=True, single=single)
    relay.feed(_sent([_chat("first"), _chat("", "stop")], 1, chunked=True).removesuffix(b"0\r\n\r\n"), complete=False)
    assert (relay.end() is not None) is whole
