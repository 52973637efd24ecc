"""What all routers tell of their load, added up. No I/O: whoever listens to routers puts in what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from auriga_api.load import LoadReport, ModelLoad, aged, grown, total

_JUST = 60.0
"""A router that nobody has listened to before may have been asked; what it was asked within this time is news."""
_REMEMBERED = 256
"""Routers whose counts are kept after they went: one that is only out of reach comes back with them."""
_NEVER = ModelLoad()


@dataclass(frozen=True, slots=True)
class _Told:
    """One Model's load as a router told it, and when."""

    load: ModelLoad
    at: float


class LoadBook:
    """The load of each Model over all routers. Models are named ``namespace/name``; times are of one clock, in seconds.

    Complete: every router that is listed as ready has told all it knows. What a router told that is not connected any
    more counts for nothing, because its requests are elsewhere now, or nowhere.
    """

    def __init__(self) -> None:
        self._listed: Mapping[str, bool] | None = None
        self._routers: dict[str, dict[str, _Told]] = {}
        self._counts: dict[str, dict[str, ModelLoad]] = {}
        """By the name that a router gives itself: what it last told, for what it is asked while it is out of reach."""
        self._asked: Counter[str] = Counter()

    @property
    def complete(self) -> bool:
        """Whether this is the load of all routers."""
        if self._listed is None:
            return False
        return all(address in self._routers for address, ready in self._listed.items() if ready)

    def listed(self, addresses: Mapping[str, bool]) -> AbstractSet[str]:
        """There are these routers, and so ready they are. The load of no Model changes by that."""
        self._listed = dict(addresses)
        return frozenset()

    def told(self, address: str, report: LoadReport, now: float) -> AbstractSet[str]:
        """The router there says this; the Models that it is about. Before its first full line it says nothing."""
        known = self._routers.get(address)
        if known is None and not report.full:
            return frozenset()
        self._count(report, now)
        gone = set(known or ()) if report.full else set()
        router = self._routers[address] = {} if report.full or known is None else known
        for model, load in report.models.items():
            if load is None:
                router.pop(model, None)
            else:
                router[model] = _Told(load, now)
        return gone | report.models.keys()

    def ended(self, address: str) -> AbstractSet[str]:
        """The router there is not heard any more; the Models whose load that may change."""
        return frozenset(self._routers.pop(address, {}))

    def forget(self, model: str) -> None:
        """Nobody follows the requests of that Model; they are counted from zero again."""
        self._asked.pop(model, None)

    def clear(self) -> None:
        """Nobody is heard any more."""
        self._listed = None
        self._routers.clear()
        self._counts.clear()

    def load(self, model: str, now: float) -> ModelLoad | None:
        """The load of a Model as of now; ``requests`` counts since this book is kept. None while no router has told."""
        if not self._routers and not self.complete:
            return None
        told = [router[model] for router in self._routers.values() if model in router]
        return replace(total(aged(each.load, now - each.at) for each in told), requests=self._asked[model])

    def _count(self, report: LoadReport, now: float) -> None:
        before = self._counts.pop(report.router, None)
        counts = self._counts[report.router] = before or {}
        # Whoever is deleted and made anew is counted from zero by the router, too.
        for model in counts.keys() - report.models.keys() if report.full else ():
            del counts[model]
        for model, load in report.models.items():
            if load is None:
                counts.pop(model, None)
                continue
            if before is None:
                self._asked[model] += int(load.idle is not None and load.idle < _JUST)
            else:
                self._asked[model] += grown(counts.get(model, _NEVER), load)
            counts[model] = load
        while len(self._counts) > _REMEMBERED:
            del self._counts[next(iter(self._counts))]
