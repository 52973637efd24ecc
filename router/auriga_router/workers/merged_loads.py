"""What the workers of one router tell of their load, as one load. No I/O: whoever listens puts in what they say.

A worker that is not heard any more has nothing in flight; what it was asked counts on, so that no counter falls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from auriga_api.load import EndpointLoad, LoadReport, ModelLoad, aged, total
from auriga_router.loads import LoadReader
from auriga_router.ports import Clock

_PIECE = 32


@dataclass(frozen=True, slots=True)
class _Told:
    load: ModelLoad
    at: float


@dataclass(slots=True)
class _Worker:
    name: str = ""
    """Of the process: another one that takes its place has another name."""
    models: dict[str, _Told] = field(default_factory=dict)


class MergedLoads:
    """The load of all workers, for ``LoadReader``. Its reports are of a router called ``name``."""

    def __init__(self, name: str, now: Clock, on_unread: Callable[[], None]) -> None:
        """``on_unread``: called when the last reader has left."""
        self.name = name
        self._now = now
        self._on_unread = on_unread
        self._workers: dict[int, _Worker] = {}
        self._past: dict[str, _Told] = {}
        """What was told by processes in whose place there are others now."""
        self._readers: set[LoadReader] = set()

    # --- for whoever listens to the workers

    def told(self, number: int, report: LoadReport) -> None:
        """This worker says so."""
        worker = self._workers.setdefault(number, _Worker(report.router))
        changed = dict.fromkeys(report.models)
        if report.full:
            changed |= dict.fromkeys(worker.models)
            self._begin(worker, report.router)
        for model, load in report.models.items():
            if load is None:
                worker.models.pop(model, None)
                self._past.pop(model, None)
            else:
                worker.models[model] = _Told(load, self._now())
        self._note(changed)

    def ended(self, number: int) -> None:
        """This worker is not heard any more."""
        models = self._workers[number].models if number in self._workers else {}
        for model, told in models.items():
            models[model] = _Told(_quiet(told.load), told.at)
        self._note(models)

    def _begin(self, worker: _Worker, name: str) -> None:
        """It tells all it knows: what it told before is forgotten, unless that was another process."""
        if name != worker.name:
            for model, told in worker.models.items():
                before = [aged(self._past[model].load, told.at - self._past[model].at)] if model in self._past else []
                self._past[model] = _Told(total([*before, _quiet(told.load)]), told.at)
        worker.name, worker.models = name, {}

    def _note(self, models: Mapping[str, object]) -> None:
        for model in models:
            load = self.of(model) or ModelLoad()
            for reader in self._readers:
                reader.add(model, load.in_flight, load.queued)
        for reader in self._readers if models else ():
            reader.on_change()

    # --- for readers: see ``loads.Told``

    def reader(self, on_change: Callable[[], None]) -> LoadReader:
        """A new one."""
        reader = LoadReader(self, on_change)
        self._readers.add(reader)
        return reader

    def leave(self, reader: LoadReader) -> None:
        """See Told."""
        self._readers.discard(reader)
        if not self._readers:
            self._on_unread()

    @property
    def models(self) -> int:
        """See Told. At most: it is asked for at each change, and to know exactly takes looking at all."""
        return len(self._past) + sum(len(worker.models) for worker in self._workers.values())

    @property
    def changed(self) -> int:
        """See Told. Readers are told at once."""
        return 0

    def collect(self, most: int | None = None) -> None:
        """See Told."""

    def of(self, model: str) -> ModelLoad | None:
        """See Told."""
        told = [worker.models[model] for worker in self._workers.values() if model in worker.models]
        told += [self._past[model]] if model in self._past else []
        now = self._now()
        return total(aged(each.load, now - each.at) for each in told) if told else None

    def all(self) -> Iterator[Mapping[str, ModelLoad]]:
        """See Told."""
        keys = iter(self._known())
        while piece := list(islice(keys, _PIECE)):
            yield {key: load for key in piece if (load := self.of(key)) is not None}

    def _known(self) -> dict[str, object]:
        known: dict[str, object] = dict.fromkeys(self._past)
        for worker in self._workers.values():
            known |= dict.fromkeys(worker.models)
        return known


def _quiet(load: ModelLoad) -> ModelLoad:
    endpoints = {address: EndpointLoad(0, each.idle) for address, each in load.endpoints.items()}
    return replace(load, in_flight=0, queued=0, endpoints=endpoints)
