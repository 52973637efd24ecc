"""What the router itself works for one request: `.venv/bin/python bench/router_work.py [--profile SCENARIO]`.

No sockets and no event loop: the whole router runs on transports that only hand on what is written, so that neither the
kernel nor uvloop is in the figures. Each figure is the fastest of many short rounds, which a busy machine hardly
changes: so a change of a few per cent in the code can be seen where load tells nothing.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import platform
import pstats
import time
from collections.abc import Callable
from dataclasses import dataclass

from routerbench import payloads
from routerbench.bare import Bare, router

import auriga_router.exchange

ROUND_SECONDS = 0.0005
"""Short enough that many rounds run without an interruption on any machine."""
ANSWER = (
    b'{"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,"model":"mock","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":16,"completion_tokens":64,"total_tokens":80}}'
) % (b"The quick brown fox jumps over the lazy dog. " * 6)
WHOLE = [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)]
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
EVENT = (
    b'data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,"model":"mock",'
    b'"choices":[{"index":0,"delta":{%s"content":"t%04d "},"finish_reason":%s}]}\n\n'
)
STREAM_END = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something to repeat; its figure is for one of the `units` things that a call of `once` does."""

    title: str
    once: Callable[[], None]
    units: int = 1


def main() -> int:
    options = parse()
    with router(models=options.models, endpoints=options.endpoints) as bare:
        table = scenarios(bare, f"role-{options.models // 2}")
        if options.profile:
            profile(table[options.profile])
            return 0
        build = "interpreted" if auriga_router.exchange.__file__.endswith(".py") else "compiled"
        print(f"{build}, Python {platform.python_version()}, {options.models} Models x {options.endpoints} endpoints")
        for name, scenario in table.items():
            if not options.only or name in options.only:
                print(f"{name:7} {scenario.title:46} {fastest(scenario, options.rounds, bare.tidy):8.2f} us")
    return 0


def scenarios(bare: Bare, role: str) -> dict[str, Scenario]:
    """All that is measured; the router has answered each once."""
    small, streamed = request(payloads.small()[0], role), request(payloads.stream()[0], role)
    varied, large = ([request(body, role) for body in bodies] for bodies in (payloads.varied(), payloads.large()))
    for each in (small, *varied, *large):
        bare.connect(each, WHOLE, ANSWER)
    bare.connect(streamed, short, b"[DONE]")
    varying, larger = itertools.cycle(varied), itertools.cycle(large)
    return {
        "json": Scenario("small JSON request", lambda: bare.exchange(small, WHOLE)),
        "vary": Scenario("request of another text and length each time", lambda: bare.exchange(next(varying), WHOLE)),
        "large": Scenario("100 KB prompt", lambda: bare.exchange(next(larger), WHOLE)),
        "stream": Scenario("stream of 64 events in a read each", lambda: bare.exchange(streamed, short)),
        "event": Scenario("one event of a long stream", lambda: bare.exchange(streamed, long), len(long)),
    }


def request(body: str, role: str) -> bytes:
    """As an SDK sends it."""
    data = body.replace('"mock"', f'"{role}"', 1).encode()
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer none\r\nAccept: */*\r\nUser-Agent: bench\r\nContent-Length: %d\r\n\r\n%s"
    ) % (len(data), data)


def events(count: int) -> list[bytes]:
    """A stream as it comes from a socket that is read after each event."""
    texts = [
        EVENT % (b"" if n else b'"role":"assistant",', n, b"null" if n < count - 1 else b'"stop"') for n in range(count)
    ]
    return [STREAM_HEAD, *(b"%x\r\n%s\r\n" % (len(text), text) for text in texts), STREAM_END]


short, long = events(64), events(2048)


def fastest(scenario: Scenario, rounds: int, between: Callable[[], None]) -> float:
    """Microseconds a unit in the fastest round."""
    once, clock = scenario.once, time.perf_counter
    began = clock()
    once()
    repeats = max(1, round(ROUND_SECONDS / (clock() - began)))
    best = float("inf")
    for number in range(rounds):
        if number % 50 == 0:
            between()
        began = clock()
        for _ in range(repeats):
            once()
        best = min(best, (clock() - began) / repeats)
    return best / scenario.units * 1e6


def profile(scenario: Scenario) -> None:
    """Where the time of a scenario goes, by function."""
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(max(1, 20_000 // scenario.units)):
        scenario.once()
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(40)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="SCENARIO")
    parser.add_argument("--profile", metavar="SCENARIO", help="where its time goes, by function")
    parser.add_argument("--rounds", type=int, default=1000, help="short rounds, of which the fastest counts")
    parser.add_argument("--models", type=int, default=1, help="Models and RoleChains in the routing table")
    parser.add_argument("--endpoints", type=int, default=1, help="endpoints of each Model")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
