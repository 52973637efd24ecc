"""The cluster as a source of snapshots: followers and the reader of Secrets feed one cache, and this tells its changes.

Knows no routing. While the API server is away nothing is told, and the router goes on with what it has.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from auriga_router.snapshot import Snapshot
from auriga_router.sources.kubernetes.cache import Cache, Event, Put
from auriga_router.sources.kubernetes.credentials import SecretReader
from auriga_router.sources.kubernetes.follow import Follower, Scope
from auriga_router.sources.kubernetes.http import Api
from auriga_router.sources.kubernetes.objects import CHAINS, MODELS, SLICES, key_of
from auriga_router.sources.kubernetes.saved import Saved

_log = logging.getLogger(__name__)

_PATIENCE = 3.0
"""Seconds that the API server gets to answer before a saved snapshot counts."""
_REST = 1.0
"""After a change was taken in for some time, rest so many times that long: requests come first."""
_LONGEST_REST = 0.5


class KubernetesSource:
    """Snapshots of a cluster, or of some of its namespaces. ``async with`` it, then follow ``snapshots``.

    ``resync``: seconds between two full lists. ``state``: the folder of the saved snapshot, if there is one.
    """

    def __init__(
        self, api: Api, namespaces: Sequence[str] = (), *, resync: float = 300.0, state: Path | None = None
    ) -> None:
        self._saved = Saved(state) if state else None
        found = self._saved.load() if self._saved else None
        self._has_saved = found is not None
        self._cache = Cache(found or Snapshot())
        self._changed = asyncio.Event()
        self._told_unreadable: dict[tuple[str, str], str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._followers = [
            Follower(api, Scope(kind, namespace), self._tell, resync, random.random)
            for namespace in namespaces or ("",)
            for kind in (MODELS, CHAINS, SLICES)
        ]
        self._secrets = SecretReader(api, lambda: self._cache.needed, self._tell, random.random)

    async def __aenter__(self) -> Self:
        for follower in self._followers:
            self._begin(follower.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._saved:
            await self._saved.flush()

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """The first one when it is whole, or the saved one when the API server does not answer; then every change."""
        await self._first()
        self._begin(self._secrets.run())
        if self._saved:
            self._begin(self._saved.run())
        clock = asyncio.get_running_loop().time
        last: Snapshot | None = None
        while True:
            self._changed.clear()
            snapshot = self._cache.snapshot()
            if snapshot is not last:
                last, began = snapshot, clock()
                yield snapshot
                if self._saved and self._whole:
                    self._saved.save(snapshot)
                # Changes that come meanwhile are taken in together.
                await asyncio.sleep(min((clock() - began) * _REST, _LONGEST_REST))
            await self._changed.wait()
            self._check()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._changed.set())
        self._tasks.append(task)

    def _check(self) -> None:
        """None of them ever ends by itself; if one does, nobody shall wait for news that cannot come."""
        for task in self._tasks:
            if task.done():
                task.result()

    @property
    def _whole(self) -> bool:
        return all(follower.synced for follower in self._followers)

    async def _first(self) -> None:
        """Wait for something to route by."""
        until = asyncio.get_running_loop().time() + _PATIENCE
        while not self._whole:
            left = until - asyncio.get_running_loop().time() if self._has_saved else None
            troubled = any(follower.troubled for follower in self._followers)
            if left is not None and (left <= 0 or troubled):
                _log.warning("the API server does not answer: starting from the saved snapshot")
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()
            self._changed.clear()
            self._check()
        await self._secrets.read_all()

    def _tell(self, events: Sequence[Event]) -> None:
        self._cache.fold(events)
        for event in events:
            if isinstance(event, Put) and event.kind == MODELS:
                secret = self._cache.secret_of(key_of(event.item))
                if secret:
                    self._secrets.hurry(secret)
        self._changed.set()
        self._tell_unreadable()

    def _tell_unreadable(self) -> None:
        for (kind, key), why in self._cache.unreadable.items():
            if self._told_unreadable.get((kind, key)) != why:
                _log.warning("%s %s cannot be read: %s", kind, key, why)
        self._told_unreadable = dict(self._cache.unreadable)
