"""Keeps a store in step with the objects of one resource: list, then watch, then list again.

A watch alone is not enough: what is deleted while it is interrupted for long is never told. Each new list is compared
with what was known, so that nothing gone stays. Knows no Models: `Sink` is all it tells.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from auriga_operator.errors import ApiError, Unreachable
from auriga_operator.kube import Kube
from auriga_operator.resources import Key, Object, Resource, key_of

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_LONGEST_REFUSAL = 60.0
"""Longest pause after a refusal: somebody has to grant a right first, and each try lists everything."""


class Sink(Protocol):
    """What is told."""

    def put(self, item: Object) -> None:
        """The object is like this now."""

    def remove(self, item: Object) -> None:
        """The object is gone; ``item`` is its last state."""

    def keep(self, resource: Resource, namespace: str, names: AbstractSet[Key], version: int) -> None:
        """At that version there were no others of the resource (in that namespace; empty: in all)."""

    def recovered(self) -> None:
        """The API server answers again, after it did not."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects: of a resource, in a namespace (empty: in all), with labels, with values of fields."""

    resource: Resource
    namespace: str = ""
    labels: str = ""
    fields: str = ""
    metadata_only: bool = False
    """Only names and versions, never the content: for Secrets."""

    @property
    def selectors(self) -> Mapping[str, str]:
        given = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {name: value for name, value in given.items() if value}

    def __str__(self) -> str:
        return f"{self.resource.plural} of {self.namespace or 'all namespaces'}"


@dataclass(slots=True)
class Trouble:
    """How often something has gone wrong in a row."""

    pause: float = 0.0
    """Seconds before the next try."""
    away: bool = False
    """The API server gave no answer, or none of use."""

    def after(self, error: ApiError | Unreachable, held: float) -> str:
        """One more, after ``held`` seconds without; what is to be said, if that is news.

        A list that succeeds before a watch that is refused is no end of the trouble.
        """
        if held > _LONGEST_PAUSE:
            self.pause = 0.0
        news = not self.pause
        refused = isinstance(error, ApiError) and error.refused
        self.pause = min(max(self.pause * 2, _FIRST_PAUSE), _LONGEST_REFUSAL if refused else _LONGEST_PAUSE)
        if isinstance(error, ApiError) and error.status == 410:
            return ""
        self.away = self.away or not refused
        if not news:
            return ""
        return "grant list and watch in the operator's role; trying on" if refused else "trying on"


class Follower:
    """Follows one scope until it is cancelled. ``synced`` is set once the first list is in the sink."""

    def __init__(self, kube: Kube, scope: Scope, sink: Sink, every: float) -> None:
        self._kube = kube
        self._scope = scope
        self._sink = sink
        self._every = every
        self.synced = asyncio.Event()
        self.stale = asyncio.Event()
        """Set it to have everything listed anew soon."""

    async def run(self, *, watch: bool = True) -> None:
        """List and watch for ever, with a new list every ``every`` seconds. Without ``watch`` only the lists."""
        trouble = Trouble()
        while True:
            begun = asyncio.get_running_loop().time()
            try:
                since = await self.list()
                if trouble.away:
                    trouble.away = False
                    _log.info("following %s again", self._scope)
                    self._sink.recovered()
                await (self._watch(since) if watch else self._rest())
                trouble = Trouble()
            except (ApiError, Unreachable) as error:
                if advice := trouble.after(error, asyncio.get_running_loop().time() - begun):
                    _log.warning("following %s: %s: %s", self._scope, error, advice)
                await asyncio.sleep(trouble.pause)

    async def list(self) -> str:
        """One full list into the sink; its resource version."""
        scope = self._scope
        names: set[Key] = set()
        version = ""
        pages = self._kube.pages(scope.resource, scope.namespace, scope.selectors, metadata_only=scope.metadata_only)
        async for page, version in pages:  # noqa: B007 - the last one counts
            for item in page:
                names.add(key_of(item))
                self._sink.put(item)
        self._sink.keep(scope.resource, scope.namespace, names, int(version))
        self.synced.set()
        return version

    async def _rest(self) -> None:
        """Until the next list is due or asked for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await self.stale.wait()
        self.stale.clear()

    async def _watch(self, since: str) -> None:
        """Until the next list is due; a stream that the server ends earlier is taken up where it ended."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._every
        while (left := until - loop.time()) > 0:
            since = await self._stream(since, left)
            # A server that ends streams at once must not be asked without end.
            await asyncio.sleep(_FIRST_PAUSE)

    async def _stream(self, since: str, seconds: float) -> str:
        scope = self._scope
        stream = self._kube.watch(
            scope.resource,
            scope.namespace,
            scope.selectors,
            since=since,
            seconds=seconds,
            metadata_only=scope.metadata_only,
        )
        async for kind, item in stream:
            since = item["metadata"]["resourceVersion"]
            if kind == "DELETED":
                self._sink.remove(item)
            elif kind != "BOOKMARK":
                self._sink.put(item)
        return since
