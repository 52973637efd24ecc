"""What a translation adds to each token: the time from an endpoint's chunk to the caller's, in this process.

``.venv/bin/python bench/translation.py``. One event in each chunk, as servers send them; no sockets. Pass-through and
every pair of dialects. Prints microseconds: median, 99th percentile.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from auriga_router.dialects import Dialect, anthropic, openai
from auriga_router.relay import Relay
from auriga_router.translate import Identity, Reply, Translation, Wire, decoder, encoder
from auriga_router.translated import TranslatedRelay, TranslatedStream
from auriga_router.wire.http import ResponseHead
from support import upstreams_scripts as scripts
from support.messages_scripts import events

TOKENS = 20_000
HEAD = ResponseHead(200, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
IDENTITY = Identity("bench", 1)
WORDS = tuple(f"word{number % 100} " for number in range(TOKENS))
CHUNKS = {
    Wire.CHAT: [scripts.chunk(event) for event in scripts.events(WORDS)],
    Wire.MESSAGES: [scripts.chunk(event) for event in events(WORDS)],
}


def measure(feed: Callable[[bytes], bytes], chunks: list[bytes]) -> list[float]:
    """Microseconds for each."""
    taken = []
    for chunk in chunks:
        begun = time.perf_counter_ns()
        feed(chunk)
        taken.append((time.perf_counter_ns() - begun) / 1000)
    return taken


def passed(wire: Wire) -> list[float]:
    """Passed through."""
    dialect: Dialect = anthropic.DIALECT if wire is Wire.MESSAGES else openai.DIALECT
    relay = Relay(dialect, None, chunked=True, client_chunked=True, single=True)
    return measure(lambda data: relay.feed(data, complete=False), CHUNKS[wire])


def translated(source: Wire, caller: Wire) -> list[float]:
    """Translated."""
    stream = Translation(decoder(source, IDENTITY), encoder(caller, IDENTITY, Reply()))
    relay = TranslatedRelay(TranslatedStream(stream, HEAD, 1 << 20, lambda: False), client_chunked=True)
    return measure(lambda data: relay.feed(data, complete=False), CHUNKS[source])


def report(name: str, taken: list[float]) -> None:
    """One line."""
    cuts = statistics.quantiles(taken, n=100)
    print(f"{name:40} {statistics.median(taken):8.1f} {cuts[98]:8.1f}")


if __name__ == "__main__":
    print(f"{'microseconds a token':40} {'median':>8} {'p99':>8}")
    for source in CHUNKS:
        report(f"{source.name} passed through", passed(source))
        for caller in Wire:
            if caller is not source:
                report(f"{source.name} -> {caller.name}", translated(source, caller))
