"""The load of all Models, told again as far as it has changed. Knows no sockets.

A Model that changes is noted once, whatever happens to it until somebody looks: with ten thousand Models only those are
looked at that have changed. Peaks are kept for each reader until it has read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Protocol

from auriga_api.load import EndpointLoad, LoadReport, ModelLoad
from auriga_router.endpoint import Endpoint
from auriga_router.ports import Clock
from auriga_router.slots import Slots
from auriga_router.table import Backend, RoutingTable

Leaving = Callable[[str], Iterable[Endpoint]]
"""Endpoints of a Model (its key) that take no new requests, and still have some under way."""


class Told(Protocol):
    """What a reader reads: the load of one router."""

    @property
    def name(self) -> str:
        """How the router calls itself."""

    @property
    def models(self) -> int:
        """How many there are."""

    @property
    def changed(self) -> int:
        """Models that nobody has looked at since they have changed."""

    def collect(self, most: int | None = None) -> None:
        """Look at them, or at so many of them, for every reader."""

    def of(self, model: str) -> ModelLoad | None:
        """The load of a Model now; None: there is no such, or it is a provider's."""

    def all(self) -> Iterator[Mapping[str, ModelLoad]]:
        """The load of all Models that were ever asked; a few at a time, because looking at all takes a while."""

    def leave(self, reader: LoadReader) -> None:
        """It reads no more."""


class Loads:
    """What the Models of a router have to do, without those of providers."""

    def __init__(self, name: str, table: Callable[[], RoutingTable], leaving: Leaving, now: Clock) -> None:
        """``name``: how the router calls itself."""
        self.name = name
        self._table = table
        self._leaving = leaving
        self._now = now
        self._changed: dict[Slots, None] = {}
        self._readers: set[LoadReader] = set()

    def follow(self, backend: Backend) -> None:
        """This Model is there, perhaps since just now."""
        slots = backend.slots
        if backend.external:
            self.forget(backend)  # if it has been one of ours
        elif slots.changes is None:
            slots.changes = self
            if slots.changed:
                self.note(slots)

    def forget(self, backend: Backend) -> None:
        """This Model is gone: that is told, and no more of what its last requests do."""
        slots = backend.slots
        self._changed.pop(slots, None)
        if slots.changes is not None and slots.requests:
            for reader in self._readers:
                reader.add(slots.model, slots.most_in_flight, slots.most_waiting)
                reader.on_change()
        slots.changes = None

    def note(self, slots: Slots) -> None:
        """See ``slots.Changes``."""
        first = not self._changed
        self._changed[slots] = None
        if first:
            for reader in self._readers:
                reader.on_change()

    def reader(self, on_change: Callable[[], None]) -> LoadReader:
        """A new one. ``on_change`` is called, at any time, when there is something to take."""
        if not self._readers:
            self.collect()  # peaks that nobody waited for
        reader = LoadReader(self, on_change)
        self._readers.add(reader)
        return reader

    async def known(self) -> None:
        """It always is."""

    def leave(self, reader: LoadReader) -> None:
        """It reads no more."""
        self._readers.discard(reader)

    @property
    def models(self) -> int:
        """How many there are."""
        return len(self._table().backends)

    @property
    def changed(self) -> int:
        """Models that nobody has looked at since they have changed."""
        return len(self._changed)

    def collect(self, most: int | None = None) -> None:
        """Look at them, or at so many of them, for every reader."""
        for slots in list(islice(self._changed, most)):
            del self._changed[slots]
            slots.changed = False
            for reader in self._readers:
                reader.add(slots.model, slots.most_in_flight, slots.most_waiting)
            slots.most_in_flight, slots.most_waiting = slots.in_flight, slots.waiting

    def of(self, model: str) -> ModelLoad | None:
        """The load of a Model now; None: there is no such, or it is a provider's."""
        backend = self._table().backends.get(model)
        return None if backend is None or backend.external else self._load(backend)

    def all(self) -> Iterator[Mapping[str, ModelLoad]]:
        """The load of all Models that were ever asked; a few at a time, because looking at all takes a while."""
        keys = iter(list(self._table().backends))
        while piece := list(islice(keys, _PIECE)):
            backends = [self._table().backends.get(key) for key in piece]
            yield {each.key: self._load(each) for each in backends if each and not each.external and _has_load(each)}

    def _load(self, backend: Backend) -> ModelLoad:
        slots, now = backend.slots, self._now()
        endpoints = {
            endpoint.name: EndpointLoad(endpoint.in_flight, _idle(endpoint.asked_at, now))
            for endpoint in (*backend.endpoints, *self._leaving(backend.key))
        }
        idle = _idle(slots.asked_at, now)
        return ModelLoad(slots.in_flight, slots.waiting, slots.requests, backend.capacity, idle, endpoints)


_PIECE = 32
_FORGETFUL = 1000
"""Models that have gone, of which a reader that does not read is told one by one."""


class LoadReader:
    """Somebody who follows the load: ``take`` again and again. Local mode does so in its own process.

    However seldom it takes, it costs no more than two numbers for each Model, and no peak is lost: a report tells the
    highest counts since the last one, and the next report what they have fallen to.
    """

    def __init__(self, loads: Told, on_change: Callable[[], None]) -> None:
        self._loads = loads
        self.on_change = on_change
        self._begun = False
        self._pending: dict[str, tuple[int, int]] = {}
        """Models to tell of, with the peaks of in flight and queued."""

    @property
    def begun(self) -> bool:
        """Whether the next report is about changes. Else it is the first one, again if too much was not taken."""
        return self._begun

    @property
    def behind(self) -> int:
        """Models that there is something to tell of, about."""
        return (0 if self._begun else 1) + len(self._pending) + self._loads.changed

    def take(self, most: int | None = None) -> LoadReport:
        """What is new: the first time all there is, then what has changed, of at most so many Models."""
        if not self._begun:
            models: dict[str, ModelLoad | None] = {}
            for piece in self.begin():
                models.update(piece)
            return LoadReport(self._loads.name, models, full=True)
        self._loads.collect(most)
        taken = list(islice(self._pending, most))
        return LoadReport(self._loads.name, {model: self._tell(model, *self._pending.pop(model)) for model in taken})

    def begin(self) -> Iterator[Mapping[str, ModelLoad]]:
        """The first report, a few Models at a time. What changes meanwhile is in the next one."""
        self._begun = True
        self._pending.clear()
        return self._loads.all()

    def close(self) -> None:
        """Read no more."""
        self._loads.leave(self)

    def add(self, model: str, in_flight: int, queued: int) -> None:
        """For ``Told``: this Model has changed, and had so much to do when that was most."""
        if len(self._pending) >= _FORGETFUL + 2 * self._loads.models:
            self._begun = False  # most of them are gone: it is less to tell everything
            self._pending.clear()
        self._pending[model] = max((in_flight, queued), self._pending.get(model, (0, 0)), key=sum)

    def _tell(self, model: str, in_flight: int, queued: int) -> ModelLoad | None:
        load = self._loads.of(model)
        if load is not None and not (load.requests or load.queued):
            return None  # one that went and came again, and that nobody has asked since: when it goes, nobody is told
        if load is None or in_flight + queued <= load.in_flight + load.queued:
            return load
        self._pending[model] = (load.in_flight, load.queued)  # that it has fallen is for the next time
        return replace(load, in_flight=in_flight, queued=queued)


def _has_load(backend: Backend) -> bool:
    slots = backend.slots
    return bool(slots.requests or slots.in_flight or slots.waiting)


def _idle(asked_at: float, now: float) -> float | None:
    return now - asked_at if asked_at else None
