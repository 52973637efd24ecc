"""Follows one kind of objects: list, watch, go on where the watch ended, and list again now and then.

A watch alone is not enough: what is deleted while it is interrupted for long is never told. What comes is told as
events of the cache; while the API server is away nothing is told, and so nothing is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import orjson

from auriga_router.sources.kubernetes.cache import Event, Gone, Only, Put
from auriga_router.sources.kubernetes.http import Api, Refused, Unreachable
from auriga_router.sources.kubernetes.objects import Kind, key_of

_log = logging.getLogger(__name__)

_PAGE = "250"
"""Objects per page of a list: parsing more at once would hold up requests."""
_PIECE = 20
"""Objects taken in without a pause: about a millisecond."""
_SILENCE = 90.0
"""The server sends a bookmark every minute: a stream that is silent for longer has died unnoticed."""
_LASTED = 1.0
"""Seconds after which a stream counts as one that worked."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 3.0

Tell = Callable[[Sequence[Event]], None]
Random = Callable[[], float]
"""From 0 to 1."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects: of a kind, in a namespace (empty: in all)."""

    kind: Kind
    namespace: str = ""

    @property
    def path(self) -> str:
        return self.kind.path(self.namespace)

    @property
    def parameters(self) -> dict[str, str]:
        return {"labelSelector": self.kind.selector} if self.kind.selector else {}

    def __str__(self) -> str:
        return f"{self.kind.name}s of {f'namespace {self.namespace}' if self.namespace else 'all namespaces'}"


@dataclass(frozen=True, slots=True)
class Batch:
    """What some lines of a watch say."""

    events: tuple[Event, ...]
    since: str
    """The version that everything is known up to; empty if they do not say."""
    refusal: Refused | None = None
    """How the stream ended, if it was refused to go on."""


def read_lines(kind: Kind, lines: Sequence[bytes]) -> Batch:
    """Pure. Raises ValueError or KeyError for what no API server sends."""
    events: list[Event] = []
    since = ""
    for line in filter(None, lines):
        event = orjson.loads(line)
        what, item = event["type"], event["object"]
        if what == "ERROR":
            return Batch(tuple(events), since, Refused(item.get("code", 500), item.get("message", "")))
        since = item["metadata"]["resourceVersion"]
        if what == "DELETED":
            events.append(Gone(kind, key_of(item)))
        elif what != "BOOKMARK":
            events.append(Put(kind, item))
    return Batch(tuple(events), since)


def backoff(failures: int, random: float) -> float:
    """Seconds until the next try after so many failures in a row. Spread, so that many routers do not come at once."""
    return float(min(_FIRST_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE) * (0.5 + random / 2))


class Follower:
    """Follows one scope until it is cancelled."""

    def __init__(self, api: Api, scope: Scope, tell: Tell, every: float, random: Random) -> None:
        self._api = api
        self._scope = scope
        self._tell = tell
        self._every = every
        self._random = random
        self._since = ""
        self._due = 0.0
        self._failures = 0
        self._lost_at: float | None = None
        self.synced = False
        """Whether a full list was told."""
        self.troubled = False
        """Whether anything has failed."""

    async def run(self) -> None:
        """For ever."""
        while True:
            pause = 0.0
            try:
                await self._turn()
            except Unreachable as error:
                pause = self._failed(error)
            except Refused as error:
                self._since = ""
                pause = self._failed(error)
            await asyncio.sleep(pause)

    async def _turn(self) -> None:
        """A list if one is due, and a watch until the next one is, or until the stream ends."""
        now = asyncio.get_running_loop().time
        if not self._since or now() >= self._due:
            self._since = await self._list()
            self._due = now() + self._every * (0.8 + 0.4 * self._random())
            self._found()
            self.synced = True
        await self._watch(self._due - now())

    async def _list(self) -> str:
        """Everything there is; gives the version of the list."""
        keys: set[str] = set()
        parameters = {**self._scope.parameters, "limit": _PAGE}
        while True:
            page = await self._api.get(self._scope.path, parameters)
            items = page.get("items") or []
            keys.update(map(key_of, items))
            await self._take([Put(self._scope.kind, item) for item in items])
            if not page["metadata"].get("continue"):
                break
            parameters["continue"] = page["metadata"]["continue"]
        self._tell([Only(self._scope.kind, self._scope.namespace, frozenset(keys))])
        return str(page["metadata"]["resourceVersion"])

    async def _watch(self, seconds: float) -> None:
        opened = asyncio.get_running_loop().time()
        parameters = {
            **self._scope.parameters,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._since,
            "timeoutSeconds": str(max(1, int(seconds))),
        }
        try:
            async with aclosing(self._api.lines(self._scope.path, parameters, _SILENCE)) as batches:
                async for lines in batches:
                    self._found()
                    await self._told(read_lines(self._scope.kind, lines))
        finally:
            if asyncio.get_running_loop().time() - opened >= _LASTED:
                self._failures = 0
        if asyncio.get_running_loop().time() - opened < min(_LASTED, seconds):
            raise Unreachable("the watch ended at once")

    async def _take(self, events: Sequence[Event]) -> None:
        """In pieces: what is new must be validated, and requests come first."""
        for start in range(0, len(events), _PIECE):
            self._tell(events[start : start + _PIECE])
            await asyncio.sleep(0)

    async def _told(self, batch: Batch) -> None:
        await self._take(batch.events)
        self._since = batch.since or self._since
        if batch.refusal:
            raise batch.refusal

    def _failed(self, error: Refused | Unreachable) -> float:
        """Gives the pause before the next try."""
        status = error.status if isinstance(error, Refused) else 0
        asked = error.retry_after if isinstance(error, Refused) else 0.0
        if self._lost_at is None and status != 410:
            self._lost_at = asyncio.get_running_loop().time()
            advice = " (are Auriga's CustomResourceDefinitions installed?)" if status == 404 else ""
            _log.warning("following %s: %s%s: routing goes on with what is known", self._scope, error, advice)
        self.troubled = True
        self._tell([])
        self._failures += 1
        return max(backoff(self._failures, self._random()), min(asked, _LONGEST_PAUSE))

    def _found(self) -> None:
        if self._lost_at is not None:
            _log.info(
                "following %s again, %.0f s later", self._scope, asyncio.get_running_loop().time() - self._lost_at
            )
            self._lost_at = None
