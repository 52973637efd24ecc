"""What a client has been sent can be read again, however long it is; past a limit nothing is kept."""

from __future__ import annotations

import tracemalloc
from random import Random

from auriga_router.dialects.openai import DIALECT
from auriga_router.journal import Journal
from auriga_router.relay import Relay
from support import upstreams_scripts as scripts


def _sent(journal: Journal | None, events: int) -> tuple[bytes, bytes | None]:
    relay = Relay(DIALECT, journal, chunked=True, client_chunked=True, single=True)
    pieces = [scripts.chunk(scripts.event({"content": f"word{number} "})) for number in range(events)]
    return b"".join(relay.feed(piece, complete=False) for piece in pieces), relay.sent()


def test_a_long_stream_is_kept_whole() -> None:
    for events in (0, 1, 256, 257, 1000):
        out, kept = _sent(Journal(), events)
        assert kept == out
        assert out.count(b"\n\n") == events


def test_large_pieces_are_packed_at_once() -> None:
    relay = Relay(DIALECT, Journal(), chunked=True, client_chunked=True, single=True)
    piece = scripts.chunk(scripts.event({"content": "x" * 20_000}))
    out = b"".join(relay.feed(piece, complete=False) for _ in range(50))
    assert relay.sent() == out


def test_past_its_limit_nothing_is_kept() -> None:
    assert _sent(Journal(limit=1000), 10_000)[1] is None


def test_nor_held_in_memory() -> None:
    random = Random(0)
    tracemalloc.start()
    try:
        journal = Journal(limit=50_000)
        for _ in range(20):
            journal.append(random.randbytes(10_000))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 30_000
    assert journal.read() is None


def test_without_a_journal_nothing_is_kept() -> None:
    assert _sent(None, 10_000)[1] is None


def test_what_is_kept_is_all_that_is_held() -> None:
    """A compressor that waits for more holds 190 KB: with a thousand streams open that is most of the memory."""
    events = b"".join(scripts.chunk(scripts.event({"content": f"word{number} "})) for number in range(256))
    tracemalloc.start()
    try:
        journal = Journal()
        journal.append(events)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < len(events) / 4
    assert journal.read() == events
