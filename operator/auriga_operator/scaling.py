"""Keeps what was decided of each Model's replicas, and decides anew whenever its load changes. No I/O.

A load that changes ten times a second must not mean as many reconciles: a Model is woken only when its number of
replicas changes, or the reason for it, or when time alone may change them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from auriga_api.model import Autoscaling
from auriga_operator.autoscale import Decision, Facts, State, begin, decide
from auriga_operator.conditions import stamp
from auriga_operator.load_book import LoadBook
from auriga_operator.resources import MODELS, Key
from auriga_operator.snapshot import ModelSnapshot, Scale

_NO_SIGNAL = "the load is not known: set routerService and loadTokenFile of the operator"

Wake = Callable[[Key, float], None]
"""Work on that Model in so many seconds."""


@dataclass(slots=True)
class _Entry:
    """One Model that follows its load."""

    spec: Autoscaling
    facts: Facts
    state: State
    since: str
    told: tuple[int, str] = (-1, "")


class Scaling:
    """The replicas of all Models with ``autoscaling``. Two clocks: one for what passes, one for what is written down.

    Without a ``book`` nothing is known of any load, and each Model has its least, but one.
    """

    def __init__(
        self, book: LoadBook | None, wake: Wake, *, clock: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._book = book
        self._wake = wake
        self._clock = clock
        self._wall = wall
        self._models: dict[Key, _Entry] = {}

    def scale(self, seen: ModelSnapshot) -> tuple[Scale | None, float | None]:
        """What is decided of that Model now; seconds after which to look again."""
        key = Key(MODELS.kind, seen.model.metadata.namespace, seen.model.metadata.name)
        spec = seen.model.spec.autoscaling
        if spec is None or seen.model.spec.suspended:
            self.forget(key)
            return None, None
        if self._book is None:
            return Scale(max(1, spec.min_replicas), _NO_SIGNAL), None
        entry = self._models.get(key) or self._begin(key, spec, seen)
        entry.spec, entry.facts = spec, _facts(seen)
        decision = self._decide(key, entry)
        entry.told = (decision.desired, decision.reason)
        load = self._book.load(_name(key), self._clock())
        return Scale(*entry.told, entry.since, load.endpoints if load else {}), decision.look_again

    def changed(self, models: Iterable[str]) -> None:
        """The load of those Models (``namespace/name``) is another one."""
        for name in models:
            namespace, _, model = name.partition("/")
            self._look(Key(MODELS.kind, namespace, model))

    def whole(self) -> None:
        """The load has become known as a whole, or is so no more."""
        for key in tuple(self._models):
            self._look(key)

    def forget(self, key: Key) -> None:
        """The Model is gone, or does not follow its load any more."""
        self._models.pop(key, None)
        if self._book:
            self._book.forget(_name(key))

    def clear(self) -> None:
        """Somebody else may have decided meanwhile: what counts is what is there."""
        self._models.clear()

    def _begin(self, key: Key, spec: Autoscaling, seen: ModelSnapshot) -> _Entry:
        before = seen.model.status.autoscaling if seen.model.status else None
        live = seen.deployment.wanted if seen.deployment else before.desired if before else spec.min_replicas
        same = before is not None and before.desired == live
        state = begin(live, self._clock(), reason=before.reason if before and same else "")
        entry = self._models[key] = _Entry(spec, Facts(), state, before.last_scale_time if before else "")
        return entry

    def _look(self, key: Key) -> None:
        entry = self._models.get(key)
        if entry is None:
            self.forget(key)  # what is still told of one that is gone would be kept for ever
            return
        decision = self._decide(key, entry)
        if (decision.desired, decision.reason) != entry.told:
            self._wake(key, 0.0)
        elif decision.look_again is not None:
            self._wake(key, decision.look_again)

    def _decide(self, key: Key, entry: _Entry) -> Decision:
        assert self._book is not None  # noqa: S101 - nobody follows a load that nobody tells
        now = self._clock()
        facts = replace(entry.facts, complete=self._book.complete)
        decision = decide(entry.spec, self._book.load(_name(key), now), entry.state, facts, now)
        if decision.desired != entry.state.desired:
            entry.since = stamp(self._wall())
        entry.state = decision.state
        return decision


def _facts(seen: ModelSnapshot) -> Facts:
    """What the pods say. One that could not even be made finds no room, either."""
    revision = seen.deployment.revision if seen.deployment else ""
    waiting = sum(bool(pod.unscheduled) and pod.revision == revision for pod in seen.engines)
    refused = bool(seen.deployment and seen.deployment.failure)
    return Facts(sum(pod.ready for pod in seen.engines), waiting + refused)


def _name(key: Key) -> str:
    return f"{key.namespace}/{key.name}"
