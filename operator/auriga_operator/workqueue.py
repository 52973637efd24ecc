"""A queue of keys: each at most once, each worked on by one worker at a time, failures again after a growing pause.

Knows neither Kubernetes nor what a key means.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

_log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 300.0
"""Seconds between tries of a key that fails: doubled each time."""


class Failed(Exception):  # noqa: N818 - an outcome
    """The work on a key failed and is to be tried again. ``after``: not before so many seconds."""

    def __init__(self, after: float = 0.0) -> None:
        super().__init__()
        self.after = after


class WorkQueue(Generic[K]):
    """Runs ``work(key)`` for each added key.

    ``work`` returns the seconds after which it wants to be run again even if nobody adds the key, or None; Failed
    means again after a pause. A key that is added while it is worked on is worked on once more afterwards.
    """

    def __init__(self, work: Callable[[K], Awaitable[float | None]], workers: int) -> None:
        self._work = work
        self._workers = workers
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._waiting: dict[K, float] = {}
        self._running: dict[K, float] = {}
        self._again: set[K] = set()
        self._idle: dict[K, None] = {}
        self._later: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}

    def add(self, key: K) -> None:
        """Work on it as soon as a worker is free."""
        self._cancel_later(key)
        if key in self._running:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().time()
            self._ready.put_nowait(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Work on it in ``seconds``, or sooner if it is added sooner."""
        loop = asyncio.get_running_loop()
        planned = self._later.get(key)
        if planned and planned.when() <= loop.time() + seconds:
            return
        self._cancel_later(key)
        self._later[key] = loop.call_later(seconds, self.add, key)

    def add_when_idle(self, key: K) -> None:
        """Work on it once nothing else waits, unless it is worked on before."""
        if key not in self._waiting:
            self._idle[key] = None

    def retry_failed(self) -> None:
        """Try at once what has failed and waits for its next try."""
        for key in tuple(self._failures):
            self.add(key)

    async def run(self) -> None:
        """Work until cancelled. What is being worked on then is cancelled too."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._worker())
        finally:
            for key in tuple(self._later):
                self._cancel_later(key)

    @property
    def depth(self) -> int:
        """Keys that wait or are worked on."""
        return len(self._waiting) + len(self._running)

    def oldest(self) -> float:
        """Seconds since the oldest of those was added, or its work began."""
        since = [*self._waiting.values(), *self._running.values()]
        return asyncio.get_running_loop().time() - min(since) if since else 0.0

    async def _worker(self) -> None:
        while True:
            key = await self._ready.get()
            del self._waiting[key]
            self._idle.pop(key, None)
            self._running[key] = asyncio.get_running_loop().time()
            try:
                await self._once(key)
            finally:
                del self._running[key]
            if key in self._again:
                self._again.discard(key)
                self.add(key)
            if self._idle and not self._waiting:
                self.add(next(iter(self._idle)))

    async def _once(self, key: K) -> None:
        try:
            after = await self._work(key)
        except Failed as failed:
            self._fail(key, failed.after)
        except Exception:
            # One object that nobody thought of must not stop the work on all others.
            _log.exception("%s: unexpected", key)
            self._fail(key, 0.0)
        else:
            self._failures.pop(key, None)
            if after is not None:
                self.add_after(key, after)

    def _fail(self, key: K, after: float) -> None:
        tries = self._failures[key] = self._failures.get(key, 0) + 1
        pause: float = min(FIRST_PAUSE * 2 ** min(tries - 1, 32), LONGEST_PAUSE)
        self.add_after(key, max(after, pause))

    def _cancel_later(self, key: K) -> None:
        handle = self._later.pop(key, None)
        if handle:
            handle.cancel()
