"""What is measured: one table. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from routerbench import payloads

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One load. `chunks` > 0: the answers are streams of that many events. `rate` > 0: open loop, requests a second."""

    name: str
    title: str
    bodies: tuple[str, ...]
    connections: int
    chunks: int = 0
    rate: float = 0
    length: float = 1.0
    """Times the seconds of a slice."""
    path: str = CHAT
    end: str = "data: [DONE]"
    """What a stream ends with."""


JSON = Scenario("json", "small JSON, 32 connections", tuple(payloads.small()), 32)
VARY = Scenario("vary", "every request another text and length, 32 connections", tuple(payloads.varied()), 32)
LARGE = Scenario("large", "100 KB prompts, 32 connections", tuple(payloads.large()), 32)
STREAM = Scenario("stream", "streams of 64 chunks, 32 connections", tuple(payloads.stream()), 32, payloads.CHUNKS)
PACED = Scenario(
    "paced", "a chunk each 10 ms, 200 streams", tuple(payloads.paced(64, 10)), 200, payloads.CHUNKS, length=2.5
)
ONE_JSON = Scenario("one-json", "small JSON, 1 connection", tuple(payloads.small()), 1)
# Two chunks, the second a moment later: else the mock, still sending, keeps the reader of the first from its core.
ONE_STREAM = Scenario("one-stream", "first byte of a stream, 1 connection", tuple(payloads.paced(2, 1)), 1, 2)
FIXED_RATE = Scenario(
    "fixed-rate", "small JSON, 2,000 a second over 32 connections", tuple(payloads.small()), 32, rate=2000
)
MESSAGES = Scenario(
    "messages", "streams of 64 chunks, for a caller of Messages", tuple(payloads.messages()), 32, payloads.CHUNKS,
    path="/v1/messages", end="event: message_stop",
)  # fmt: skip

SCENARIOS = (JSON, VARY, LARGE, STREAM, PACED, ONE_JSON, ONE_STREAM, FIXED_RATE)


def held(chunks: int, milliseconds: int, streams: int) -> Scenario:
    """Streams that stay open together, for their memory: `chunks` events, `milliseconds` apart."""
    return Scenario("held", f"{streams} open streams", tuple(payloads.paced(chunks, milliseconds)), streams, chunks)
