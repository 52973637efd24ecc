"""``compile(snapshot) -> RoutingTable``: what the resources mean to a request. Pure.

Only what is not as it was is compiled anew, and counters of endpoints and members are taken over from the table
before: a swap forgets nothing and costs what has changed. Sources keep unchanged objects the very same for that.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from auriga_router.backends import compile_backend
from auriga_router.chains import compile_chain, compile_direct
from auriga_router.endpoint import Address, Endpoint
from auriga_router.naming import copied, renamed
from auriga_router.snapshot import Snapshot
from auriga_router.table import Backend, Chain, Names, RoutingTable

Leaving = Mapping[tuple[str, Address], Endpoint]
"""Endpoints that left the table with requests under way, by key of the Model and address."""

_NOTHING = RoutingTable()
_NOBODY: Leaving = MappingProxyType({})
_STEP = 8
"""Objects compiled at a time: well below a millisecond."""
_T = TypeVar("_T")


def compile(  # noqa: A001 - the design's word
    snapshot: Snapshot,
    previous: RoutingTable = _NOTHING,
    default_namespace: str = "default",
    leaving: Leaving = _NOBODY,
) -> RoutingTable:
    """The routing table of this snapshot."""
    steps = compile_in_steps(snapshot, previous, default_namespace, leaving)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            table: RoutingTable = end.value
            return table


def compile_in_steps(
    snapshot: Snapshot, previous: RoutingTable, default_namespace: str = "default", leaving: Leaving = _NOBODY
) -> Generator[None, None, RoutingTable]:
    """As ``compile``, but pauses after every few objects, so that requests can be served in between."""
    models = yield from _changed_models(snapshot, previous)
    compiler = _Compiler(snapshot, previous, leaving)
    yield from _paced(compiler.take_models(models))
    edited = yield from _paced(_different(snapshot.chains, previous.snapshot.chains))
    yield
    yield from _paced(compiler.take_chains(edited | _chains_of(models, previous)))
    names = previous.naming
    if names.default_namespace != default_namespace:
        names = yield from _paced(renamed(Names(default_namespace), (), previous.all_chains))
    names = yield from _paced(renamed(names, compiler.gone, compiler.new))
    return RoutingTable(
        names.meant, compiler.chains, compiler.directs, compiler.backends, names, snapshot,
        frozenset(models), frozenset(edited), tuple(compiler.left),
    )  # fmt: skip


class _Compiler:
    """The parts of a table that is being made."""

    def __init__(self, snapshot: Snapshot, previous: RoutingTable, leaving: Leaving) -> None:
        self._snapshot = snapshot
        self._leaving = leaving
        self.backends = copied(previous.backends)
        self.chains = copied(previous.chains)
        self.directs = copied(previous.directs)
        self.gone: list[Chain] = []
        self.new: list[Chain] = []
        self.left: list[Endpoint] = []

    def take_models(self, keys: Iterable[str]) -> Generator[None, None, None]:
        """They have changed, or come, or gone. Pauses after each."""
        for key in keys:
            self._take_model(key)
            yield

    def take_chains(self, keys: Iterable[str]) -> Generator[None, None, None]:
        """They, or Models of theirs, have changed, or come, or gone. Pauses after each."""
        for key in keys:
            self._take_chain(key)
            yield

    def _take_model(self, key: str) -> None:
        model = self._snapshot.models.get(key)
        known, direct = self.backends.get(key), self.directs.get(key)
        self._replaced(direct)
        staying: tuple[Endpoint, ...] = ()
        if model is None:
            self.backends.pop(key, None)
            self.directs.pop(key, None)
        else:
            backend = compile_backend(model, self._snapshot, self._endpoint(key, known), known)
            self.backends[key] = backend
            chain = self.directs[key] = compile_direct(backend, direct)
            self.new.append(chain)
            staying = backend.endpoints
        if known is not None and known.endpoints != staying:
            kept = frozenset(staying)
            self.left += [endpoint for endpoint in known.endpoints if endpoint not in kept]

    def _take_chain(self, key: str) -> None:
        resource = self._snapshot.chains.get(key)
        known = self.chains.get(key)
        self._replaced(known)
        if resource is None:
            self.chains.pop(key, None)
        else:
            chain = self.chains[key] = compile_chain(resource, self.backends, known)
            self.new.append(chain)

    def _replaced(self, chain: Chain | None) -> None:
        if chain is not None:
            self.gone.append(chain)

    def _endpoint(self, key: str, known: Backend | None) -> Callable[[Address], Endpoint]:
        """Gives the state of an address: what is known of it wherever something is."""
        states = {endpoint.address: endpoint for endpoint in known.endpoints} if known is not None else {}
        leaving = self._leaving

        def find(address: Address) -> Endpoint:
            return states.get(address) or leaving.get((key, address)) or Endpoint(key, address)

        return find


def _changed_models(snapshot: Snapshot, previous: RoutingTable) -> Generator[None, None, set[str]]:
    """Keys of the Models that have come, gone or changed, or have other endpoints or another Secret."""
    before = previous.snapshot
    changed = yield from _paced(_different(snapshot.models, before.models))
    yield  # looking through ten thousand objects takes a millisecond or two
    moved = yield from _paced(_different(snapshot.endpoints, before.endpoints))
    changed.update(key for key in moved if key in snapshot.models)
    secrets = yield from _paced(_different(snapshot.secrets, before.secrets))
    yield
    if secrets:
        changed.update(key for key, backend in previous.backends.items() if backend.secret in secrets)
    return changed


def _chains_of(models: set[str], previous: RoutingTable) -> set[str]:
    """Keys of the RoleChains that have one of these Models as a member."""
    if not models:
        return set()
    return {key for key, chain in previous.chains.items() if not chain.models.isdisjoint(models)}


def _different(now: Mapping[str, object], before: Mapping[str, object]) -> Generator[None, None, set[str]]:
    """Keys whose values are neither the same object nor equal. Pauses after each that is not the same."""
    if now is before:
        return set()
    known = map(before.get, now)
    others = [(key, value, old) for key, value, old in zip(now, now.values(), known, strict=True) if value is not old]
    changed: set[str] = set()
    for key, value, old in others:
        if value != old:
            changed.add(key)
        yield
    came = sum(key not in before for key in changed)
    return changed if len(now) - came == len(before) else changed | (before.keys() - now.keys())


def _paced(work: Generator[None, None, _T]) -> Generator[None, None, _T]:
    """One pause for a few pieces of work."""
    done = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: _T = end.value
            return result
        done += 1
        if not done % _STEP:
            yield
