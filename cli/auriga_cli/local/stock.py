"""The fetches of weights: one for each distinct request, shared by the Models that want it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from auriga_cli.local.backoff import failed
from auriga_cli.local.state import Fetch, Limits, WeightsRequest
from auriga_cli.local.weights import Fetcher


class Stock:
    """What weights are here, and what is on its way."""

    def __init__(self, cache: Path, limits: Limits, now: Callable[[], float], wake: Callable[[], None]) -> None:
        self._cache = cache
        self._limits = limits
        self._now = now
        self._wake = wake
        self._fetches: dict[str, Fetch] = {}
        self._running: dict[str, tuple[Fetcher, asyncio.Task[None]]] = {}

    def fetches(self) -> dict[str, Fetch]:
        """Every fetch by its id, as it is now."""
        # It has said that it is done, or why not, a moment before it has ended and its failure has been counted.
        running = {number: replace(each.fetch, state="Running") for number, (each, _) in self._running.items()}
        return self._fetches | running

    def start(self, request: WeightsRequest) -> None:
        """Starts a fetch."""
        before = self._fetches.get(request.id)
        # What it failed for before stays true until this try has come further.
        fetch = replace(before, state="Running") if before else Fetch(request.id, "Running")
        fetcher = Fetcher(request, fetch, self._cache, self._wake)
        self._running[request.id] = (fetcher, asyncio.create_task(self._run(request.id, fetcher)))

    def stop(self, number: str) -> asyncio.Task[None]:
        """Stops and forgets a fetch; what has come so far stays in the cache."""
        fetcher, task = self._running.pop(number)
        self._fetches.pop(number, None)
        return asyncio.create_task(self._stop(fetcher, task))

    def forget(self, number: str) -> None:
        """Forgets a finished fetch: what it brought is gone, or what it failed for may have changed."""
        self._fetches.pop(number, None)

    async def close(self) -> None:
        """Stops every fetch."""
        await asyncio.gather(*(self.stop(number) for number in list(self._running)))

    def kill(self) -> None:
        """Stops every fetch at once."""
        for fetcher, _ in self._running.values():
            fetcher.kill()

    async def _run(self, number: str, fetcher: Fetcher) -> None:
        await fetcher.run(self._now)
        if self._running.get(number, (None, None))[0] is not fetcher:
            return  # stopped, and perhaps started anew since
        del self._running[number]
        fetch = fetcher.fetch
        failure = failed(fetch.failure, self._now(), self._limits) if fetch.state == "Failed" else None
        self._fetches[number] = replace(fetch, failure=failure)
        self._wake()

    async def _stop(self, fetcher: Fetcher, task: asyncio.Task[None]) -> None:
        await fetcher.stop()
        await task
