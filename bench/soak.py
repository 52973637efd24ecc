"""Does the router's memory stay flat under mixed faults? `.venv/bin/python bench/soak.py [--minutes 20]`.

One router process; endpoints that answer, stream, refuse, reset, cut, hang, limit and talk nonsense in turn; callers of
which some hang up. Prints resident memory every half minute. Ends with status 1 if it grew, or if a reply was no HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from routerbench import procfs
from routerbench.peers import Site, auriga, auriga_pure
from routerbench.processes import ending_on_signals, free_port, running
from routerbench.programs import BENCH

EVERY = 30.0
ALLOWED = 4.0
"""MiB that the last readings may be above those after the first third."""
CALLERS = 24
MODELS = 4
MANIFEST = """\
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {{name: m{number}}}
spec:
  external: {{provider: openaiCompatible, baseURL: "http://127.0.0.1:{port}/v1", model: m{number}}}
  timeouts: {{connect: 1s, firstToken: 300ms, stall: 300ms, total: 5s}}
---
"""
CHAIN = """\
apiVersion: auriga.dev/v1alpha1
kind: RoleChain
metadata: {name: mock}
spec:
  members: [%s]
  breaker: {failures: 50, window: 1s, cooldown: 1s}
"""
ANSWER = b'{"choices":[{"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}]}' % (b"x" * 300)
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n'
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LIMITED = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\n{}"
FAULTS = {
    b"error": b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\n{}",
    b"nonsense": b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
    b"no HTTP": b"what?\r\n\r\n",
    b"reset": b"",
    b"cut": STREAM + b"".join(b"%x\r\n%s\r\n" % (len(EVENT), EVENT) for _ in range(20)),
}


async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Mostly answers; one request in ten meets a fault."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
            body = await reader.readexactly(length)
            dice = random.random()
            if dice < 0.005:
                await asyncio.sleep(1)  # hangs
                break
            if dice < 0.0055:
                writer.write(LIMITED)  # rarely: it keeps everybody from this endpoint for a second
                break
            if dice < 0.1:
                writer.write(random.choice(list(FAULTS.values())))
                break
            await (_stream(writer) if b'"stream": true' in body else _whole(writer))
    writer.transport.abort() if random.random() < 0.5 else writer.close()


async def _whole(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER))
    writer.write(ANSWER)
    await writer.drain()


async def _stream(writer: asyncio.StreamWriter) -> None:
    writer.write(STREAM)
    for number in range(random.randint(1, 200)):
        writer.write(b"%x\r\n%s\r\n" % (len(EVENT), EVENT))
        if number % 20 == 0:
            await writer.drain()
    writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    await writer.drain()


async def caller(port: int, until: float, seen: Counter[str]) -> None:
    """Asks again and again, on a new connection now and then; hangs up on one stream in ten."""
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            for _ in range(random.randint(1, 50)):
                await _ask(reader, writer, seen)
        writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Counter[str]) -> None:
    stream = random.random() < 0.5
    prompt = "word " * random.choice((5, 50, 2000))
    body = json.dumps({"model": "mock", "stream": stream, "messages": [{"role": "user", "content": prompt}]}).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    head = await reader.readuntil(b"\r\n\r\n")
    seen[head[:12].decode("latin-1")] += 1
    if b" 200 " not in head[:14]:
        await asyncio.sleep(0.05)
    if stream and random.random() < 0.1:
        raise ConnectionResetError  # this caller hangs up
    if b"transfer-encoding: chunked" in head:
        await reader.readuntil(b"\r\n0\r\n\r\n")
    else:
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))


async def soak(port: int, upstreams: list[int], pid: int, minutes: float) -> tuple[list[float], Counter[str]]:
    """Readings of resident memory, MiB, and the replies by status."""
    servers = [await asyncio.start_server(endpoint, "127.0.0.1", upstream) for upstream in upstreams]
    began = time.monotonic()
    until = began + minutes * 60
    seen: Counter[str] = Counter()
    callers = [asyncio.create_task(caller(port, until, seen)) for _ in range(CALLERS)]
    readings: list[float] = []
    step = min(EVERY, minutes * 60 / 12)
    while time.monotonic() < until:
        await asyncio.sleep(step)
        readings.append(procfs.resident_mib(pid))
        print(f"{time.monotonic() - began:5.0f} s  {readings[-1]:6.1f} MiB  {dict(seen)}", flush=True)
    await asyncio.wait_for(asyncio.gather(*callers), 60)
    for server in servers:
        server.close()
    return readings, seen


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--compiled", type=Path, help="the unpacked wheel to measure, instead of this checkout")
    options = parser.parse_args()
    ports = [free_port() for _ in range(MODELS + 1)]
    with ending_on_signals(), tempfile.TemporaryDirectory(prefix="auriga-soak-") as name:
        program = options.compiled.absolute() if options.compiled else BENCH.parent
        launch = (auriga if options.compiled else auriga_pure)(Site(program, free_port(), ports[0], Path(name)))
        members = ", ".join(f"{{model: m{number}}}" for number in range(MODELS + 1))
        # Nobody listens at the last one.
        models = "".join(MANIFEST.format(number=number, port=port) for number, port in enumerate(ports))
        (Path(name) / "auriga.yaml").write_text(models + CHAIN % members)
        port = int(launch.argv[-1])
        with running(launch.argv, launch.env, Path(name) / "output.log") as process:
            asyncio.run(_listening(port))
            readings, seen = asyncio.run(soak(port, ports[:-1], process.pid, options.minutes))
            if process.poll() is not None:
                print(f"the router ended with status {process.returncode}")
                return 1
    return verdict(readings, seen)


async def _listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.1)


def verdict(readings: list[float], seen: Counter[str]) -> int:
    """The exit status: 0 if memory is flat and every reply was HTTP."""
    third = max(1, len(readings) // 3)
    early, late = statistics.median(readings[third : 2 * third]), statistics.median(readings[-third:])
    print(f"{early:.1f} MiB in the second third, {late:.1f} MiB in the last; {sum(seen.values())} replies")
    wrong = [line for line in seen if not line.startswith("HTTP/1.1 ")]
    return 1 if late > early + ALLOWED or wrong or not seen["HTTP/1.1 200"] else 0


if __name__ == "__main__":
    sys.exit(main())
