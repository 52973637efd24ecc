"""The load of all workers of a router, for whoever follows one of them. Listens to each while somebody follows."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

from auriga_api.load import LoadError, read_report
from auriga_router.loads import LoadReader
from auriga_router.ports import Clock
from auriga_router.wire.request import LOAD
from auriga_router.workers.merged_loads import MergedLoads
from auriga_router.workers.peers import LIMIT, NoAnswer, Peers

_log = logging.getLogger(__name__)

_PAUSE = 0.1
"""Seconds until a worker is listened to again."""


class GroupLoads:
    """Follows the workers, this one among them, from the first reader to the last."""

    def __init__(self, peers: Peers, name: str, now: Clock) -> None:
        self._peers = peers
        self._name = name
        self._now = now
        self._merged: MergedLoads | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._tried: set[int] = set()
        self._all_tried = asyncio.Event()

    @property
    def name(self) -> str:
        """Another one for each time of listening: what was counted then cannot be compared."""
        return self._merged.name if self._merged is not None else self._name

    def reader(self, on_change: Callable[[], None]) -> LoadReader:
        """A new one."""
        if self._merged is None:
            self._merged = MergedLoads(f"{self._name}-{secrets.token_hex(4)}", self._now, self.close)
            self._tried.clear()
            self._all_tried.clear()
            self._tasks = [
                asyncio.create_task(self._follow(self._merged, number)) for number in self._peers.group.numbers
            ]
        return self._merged.reader(on_change)

    async def known(self) -> None:
        """Wait until every worker has told its load, or cannot."""
        try:
            async with asyncio.timeout(LIMIT):
                await self._all_tried.wait()
        except TimeoutError:
            missing = sorted(set(self._peers.group.numbers) - self._tried)
            _log.warning("the load is told without that of workers %s, which do not answer", missing)

    def close(self) -> None:
        """Listen no more."""
        self._merged = None
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def _follow(self, merged: MergedLoads, number: int) -> None:
        heard = True
        while True:
            why = "it has ended the stream"
            try:
                async for line in self._peers.lines(number, LOAD):
                    merged.told(number, read_report(line))
                    self._try(number)
                    heard = True
            except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, LoadError, NoAnswer) as error:
                why = str(error) or type(error).__name__
            if heard:
                _log.warning("the load of worker %d: %s: trying on", number, why)
            heard = False
            merged.ended(number)
            self._try(number)
            await asyncio.sleep(_PAUSE)

    def _try(self, number: int) -> None:
        self._tried.add(number)
        if len(self._tried) == self._peers.group.count:
            self._all_tried.set()
