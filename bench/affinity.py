"""What keeping a conversation at one endpoint saves: `.venv/bin/python bench/affinity.py`.

Two real llama.cpp servers with the demo model behind one router, conversations of several turns that take turns.
Counted are the prompt tokens that the servers computed instead of finding them in their caches (llama.cpp's own
`timings`), once with the router as it is and once with a router that knows no conversations. Prints a table and writes
bench/results/affinity.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from auriga_api import Model
from auriga_router.router import Router
from auriga_router.snapshot import Snapshot

BENCH = Path(__file__).parent
DEMO = BENCH.parent / "examples" / "demo-model" / "demo.gguf"
RESULTS = BENCH / "results" / "affinity.json"
SLOTS = 4
SERVER = """
import sys, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.n_ctx, parameters.n_parallel = sys.argv[1], int(sys.argv[3]), int(sys.argv[2])
parameters.port, parameters.hostnames, parameters.cpuparams.n_threads = 0, ["127.0.0.1"], 1
server = xllamacpp.Server(parameters)
print("listening", server.listening_address, flush=True)
sys.stdin.read()
"""
WORDS = [
    "router",
    "model",
    "chain",
    "member",
    "endpoint",
    "stream",
    "answer",
    "prompt",
    "token",
    "slot",
    "cache",
    "queue",
    "breaker",
    "role",
    "weight",
    "cluster",
]


@dataclass
class Outcome:
    """Tokens of all prompts of a run."""

    sent: int = 0
    computed: int = 0
    new: int = 0
    """Tokens that no earlier turn of the conversation had: somebody has to compute these."""
    seconds: float = 0.0

    @property
    def again(self) -> int:
        return self.computed - self.new

    def add(self, reply: dict[str, Any], known: int) -> int:
        """``known``: tokens of the turn before. Gives those of this one."""
        timings = reply["timings"]
        size = int(timings["prompt_n"] + timings["cache_n"])
        self.sent += size
        self.computed += timings["prompt_n"]
        self.new += size - known
        return size


def main() -> None:
    options = parse()
    record: list[dict[str, Any]] = []
    print("| requests at once | affinity | prompt tokens | of them new | computed | computed again |")
    print("|---|---|---|---|---|---|")
    for at_once in options.at_once:
        both = [
            [asyncio.run(once(options, at_once, affinity=which)) for which in (True, False)]
            for _ in range(options.rounds)
        ]
        for name, runs in zip(("on", "off"), zip(*both, strict=True), strict=True):
            run = sorted(runs, key=lambda run: run.computed)[len(runs) // 2]
            record += [{"at_once": at_once, "affinity": name, **asdict(run)} for run in runs]
            print(f"| {at_once} | {name} | {run.sent:,} | {run.new:,} | {run.computed:,} | {run.again:,} |")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"options": vars(options), "runs": record}, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--conversations", type=int, default=32)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--at-once", type=int, nargs="+", default=[2, 4, 6, 8], help="requests at the same time")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


async def once(options: argparse.Namespace, at_once: int, *, affinity: bool) -> Outcome:
    """Fresh servers, a fresh router, all conversations."""
    with ExitStack() as stack:
        addresses = tuple(stack.enter_context(llama()) for _ in range(2))
        if not affinity:
            stack.enter_context(patch("auriga_router.admission.key_of", lambda document: 0))
        router, sock = Router(), socket.create_server(("127.0.0.1", 0))
        router.apply(snapshot(addresses))
        await router.start(sock)
        try:
            return await converse(f"http://127.0.0.1:{sock.getsockname()[1]}", options, at_once)
        finally:
            await router.close(drain=0)


async def converse(url: str, options: argparse.Namespace, at_once: int) -> Outcome:
    outcome, limit, began = Outcome(), asyncio.Semaphore(at_once), time.perf_counter()
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:

        async def conversation(number: int) -> None:
            # Texts are the same in every run, whoever comes first.
            draw = random.Random(number)
            messages = [{"role": "system", "content": words(draw, 40)}]
            size = 0
            for _ in range(options.turns):
                messages.append({"role": "user", "content": words(draw, 12)})
                body = {"model": "demo", "messages": messages, "max_tokens": 8, "temperature": 0}
                async with limit:
                    reply = (await client.post("/v1/chat/completions", json=body)).raise_for_status().json()
                size = outcome.add(reply, size)
                messages.append({"role": "assistant", "content": words(draw, 8)})

        await asyncio.gather(*(conversation(number) for number in range(options.conversations)))
    outcome.seconds = time.perf_counter() - began
    return outcome


def words(draw: random.Random, count: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(count))


def snapshot(addresses: tuple[str, ...]) -> Snapshot:
    spec = {"source": {"file": {"path": str(DEMO)}}, "engine": {"parallel": SLOTS}}
    demo = Model.model_validate({"metadata": {"name": "demo"}, "spec": spec})
    return Snapshot(models={"default/demo": demo}, endpoints={"default/demo": addresses})


@contextmanager
def llama() -> Iterator[str]:
    """``host:port`` of a llama-server with the demo model."""
    command = [sys.executable, "-c", SERVER, str(DEMO), str(SLOTS), str(SLOTS * 1024)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[1].removeprefix("http://")
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    main()
