"""How long what a router does beside keeps requests waiting: `.venv/bin/python bench/pauses.py` (a minute).

A router with many Models and RoleChains takes in what a watch tells: that one Model is another, then that all are. Then
its long pages are asked for, when every Model has been asked and has all histograms. For each the longest turn of the
event loop is printed, in seconds of the processor, so that a busy machine shows the same: that is what a request waits
at the most. With `PYTHONPATH=dist/compiled`: the compiled router (`make compiled`). With `--workers 2`: the pages of a
router of so many processes, in the one that is asked and in the others.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import uvloop

from auriga_router.garbage import Garbage
from auriga_router.router import Router
from auriga_router.sources.kubernetes.cache import Cache, Event, Put
from auriga_router.sources.kubernetes.objects import CHAINS, MODEL_LABEL, MODELS, SLICES
from auriga_router.workers.group import Group, Seat

_CALLER = "import sys, urllib.request; print(len(urllib.request.urlopen(sys.argv[1]).read()))"
PIECE = 20
"""Objects that a source takes in at a time."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", type=int, default=10_000, help="and a third as many RoleChains")
    parser.add_argument("--workers", type=int, default=1, help="processes that are one router, for the pages")
    args = parser.parse_args()
    if args.workers > 1:
        several(args.models, args.workers)
    else:
        uvloop.run(measure(args.models))
    return 0


def several(models: int, workers: int) -> None:
    """Pages only. The first worker is asked."""
    group = Group(workers)
    for number in group.numbers:
        if not os.fork():
            os.close(group.held)
            uvloop.run(work(models, Seat(group, number)))
            os._exit(0)
    os.wait()  # the first; the others end when nobody is there any more
    os.close(group.held)
    for _ in range(workers - 1):
        os.wait()
    group.close()


async def work(models: int, seat: Seat) -> None:
    router, garbage, cache = Router(seat=seat), Garbage(), Cache()
    cache.fold(list(world(models, 0)))
    await router.apply_in_steps(cache.snapshot())
    ask(router, garbage)
    await router.join()
    if seat.worker == 1:
        while not all(seat.group.path(number).exists() for number in seat.group.numbers):  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.1)
        await pages(router)
        return
    over, turns = asyncio.Event(), Turns()
    asyncio.get_running_loop().add_reader(seat.group.alive, over.set)
    await over.wait()
    print(f"worker {seat.worker}, which was not asked itself: longest pause {turns.stop() * 1000:.1f} ms", flush=True)


async def measure(models: int) -> None:
    router, cache, garbage = Router(), Cache(), Garbage()

    async def take(events: list[Event]) -> None:
        for start in range(0, len(events), PIECE):
            cache.fold(events[start : start + PIECE])
            await asyncio.sleep(0)
        garbage.grew(await router.apply_in_steps(cache.snapshot()))

    await take(list(world(models, 0)))
    garbage.settle()
    for title, changed in (("one Model of them changes", 1), ("all of them change", models), ("again", models)):
        events = list(world(changed, time.monotonic_ns()))
        turns, began = Turns(), time.perf_counter()
        await take(events)
        took = time.perf_counter() - began
        print(f"{models:,} Models: {title}: {took * 1000:.0f} ms, longest pause {turns.stop() * 1000:.1f} ms")
    ask(router, garbage)
    await pages(router)


def ask(router: Router, garbage: Garbage) -> None:
    """As if every Model had been asked."""
    for chain in router._front.table.all_chains:
        for member in chain.members:
            tally, slots = member.tally, member.backend.slots
            tally.outcomes[0] = 1
            for histogram in (tally.duration, tally.first_token, slots.waited):
                histogram.add(0.1)
            slots.requests = 1
    garbage.settle()


async def pages(router: Router) -> None:
    """Each of the long pages, by a caller that runs in a process of its own."""
    sock = socket.create_server(("127.0.0.1", 0))
    await router.start(sock)
    for path in ("/metrics", "/status", "/readyz", "/v1/models"):
        url = f"http://127.0.0.1:{sock.getsockname()[1]}{path}"
        caller = await asyncio.create_subprocess_exec(sys.executable, "-c", _CALLER, url, stdout=subprocess.PIPE)
        turns, began, used = Turns(), time.perf_counter(), time.thread_time()  # not sooner: to fork takes a while
        size, _ = await caller.communicate()
        took, used = time.perf_counter() - began, time.thread_time() - used
        longest = turns.stop()
        print(
            f"{path}: {int(size) / 1e6:.1f} MB, {took:.1f} s, {used:.1f} s of the processor with the watching, "
            f"longest pause {longest * 1000:.1f} ms",
            flush=True,
        )
    await router.close(0)


def world(models: int, version: int) -> Iterator[Event]:
    """What lists and watches tell of so many Models, with an endpoint each, and of a third as many RoleChains."""
    for n in range(models):
        path = f"weights-{version}.gguf"
        yield Put(MODELS, item(f"model-{n}", version, spec={"source": {"file": {"path": path}}}))
        if not version:
            labels = {MODEL_LABEL: f"model-{n}"}
            ends = [{"addresses": [f"10.0.{n // 250}.{n % 250}"], "conditions": {"ready": True}}]
            yield Put(SLICES, item(f"model-{n}", version, labels, endpoints=ends, ports=[{"port": 8080}]))
    for n in range(0, models, 3):
        spec = {"members": [{"model": f"model-{n}"}], "synonyms": [f"name-{version}-{n}"]}
        yield Put(CHAINS, item(f"role-{n}", version, spec=spec))


def item(name: str, version: int, labels: dict[str, str] | None = None, **fields: object) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "resourceVersion": str(version + 1), "labels": labels or {}}
    return {"metadata": metadata, **fields}


class Turns:
    """The turns of the event loop, until it is stopped."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._last = time.thread_time()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0)
            self._note()

    def _note(self) -> None:
        now = time.thread_time()
        self._longest, self._last = max(self._longest, now - self._last), now

    def stop(self) -> float:
        """Seconds of the longest one."""
        self._note()
        self._task.cancel()
        return self._longest


if __name__ == "__main__":
    raise SystemExit(main())
