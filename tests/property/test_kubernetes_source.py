"""However lists, watches and gaps follow each other, what the router knows is what the cluster holds."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from auriga_api import Model, RoleChain
from auriga_api.manifests import parse
from auriga_api.manifests.documents import write
from auriga_router.snapshot import Snapshot
from auriga_router.sources.kubernetes.cache import Cache, Event, Gone, Only, Put
from auriga_router.sources.kubernetes.objects import CHAINS, MODELS, SLICES, Kind, key_of
from auriga_router.sources.kubernetes.saved import lines, read
from support import api_strategies
from support.kubernetes_objects import Object, chain, endpoint_slice, model

NAMES = st.sampled_from(["a", "b", "c"])
NAMESPACES = st.sampled_from(["one", "two"])


class Cluster(RuleBasedStateMachine):
    """Objects come, change and go; the router hears of it late, twice, in pieces, or only by its next list."""

    def __init__(self) -> None:
        super().__init__()
        self.version = 0
        self.objects: dict[tuple[Kind, str], Object] = {}
        self.unheard: list[Event] = []
        self.cache = Cache()
        self.lost = False

    @rule(name=NAMES, namespace=NAMESPACES, tag=NAMES)
    def put_model(self, name: str, namespace: str, tag: str) -> None:
        self.put(MODELS, model(name, self.next(), namespace, tags=[tag]))

    @rule(name=NAMES, namespace=NAMESPACES, member=NAMES)
    def put_chain(self, name: str, namespace: str, member: str) -> None:
        self.put(CHAINS, chain(name, member, version=self.next(), namespace=namespace))

    @rule(name=NAMES, namespace=NAMESPACES, of=NAMES, hosts=st.sets(st.integers(1, 4)))
    def put_slice(self, name: str, namespace: str, of: str, hosts: set[int]) -> None:
        addresses = (f"10.0.0.{host}" for host in hosts)
        self.put(SLICES, endpoint_slice(name, of, *addresses, version=self.next(), namespace=namespace))

    @rule(kind=st.sampled_from([MODELS, CHAINS, SLICES]), name=NAMES, namespace=NAMESPACES)
    def delete(self, kind: Kind, name: str, namespace: str) -> None:
        if self.objects.pop((kind, f"{namespace}/{name}"), None):
            self.next()
            self.unheard.append(Gone(kind, f"{namespace}/{name}"))

    @rule(count=st.integers(1, 5))
    def watch(self, count: int) -> None:
        """The next events arrive."""
        self.cache.fold(copy.deepcopy(self.unheard[:count]))
        del self.unheard[:count]

    @rule()
    def gap(self) -> None:
        """The watch breaks, and what it would have told is never told."""
        self.lost = self.lost or bool(self.unheard)
        self.unheard.clear()

    @rule(namespaced=st.booleans(), pieces=st.integers(1, 3))
    def list_all(self, namespaced: bool, pieces: int) -> None:
        """Full lists, page by page; the watch goes on from there."""
        for kind in (MODELS, CHAINS, SLICES):
            for namespace in ("one", "two") if namespaced else ("",):
                items = [
                    item
                    for (of, key), item in self.objects.items()
                    if of == kind and (not namespace or key.startswith(f"{namespace}/"))
                ]
                for start in range(0, len(items), pieces):
                    self.cache.fold([Put(kind, copy.deepcopy(item)) for item in items[start : start + pieces]])
                self.cache.fold([Only(kind, namespace, frozenset(map(key_of, items)))])
        self.unheard.clear()
        self.lost = False

    @invariant()
    def what_was_heard_is_known(self) -> None:
        if not self.unheard and not self.lost:
            assert self.cache.snapshot() == self.truth()

    def put(self, kind: Kind, item: Object) -> None:
        self.objects[kind, key_of(item)] = item
        self.unheard.append(Put(kind, item))

    def next(self) -> int:
        self.version += 1
        return self.version

    def truth(self) -> Snapshot:
        """What a router that has just started would see."""
        fresh = Cache()
        fresh.fold(Put(kind, item) for (kind, _), item in self.objects.items())
        return fresh.snapshot()


Cluster.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestCluster = Cluster.TestCase


@given(item=api_strategies.specs(Model) | api_strategies.specs(RoleChain))
@settings(max_examples=200, deadline=None)
def test_a_saved_snapshot_reads_as_it_was(item: Object) -> None:
    manifests = parse({"": write([item])})
    snapshot = Snapshot(
        models=manifests.models,
        chains=manifests.chains,
        secrets={"default/s": {"token": b"\x00\xff"}},
        endpoints={"default/m": ("10.0.0.1:8080", "[fd00::1]:1")},
    )
    assert read(lines(snapshot, secrets=True)) == snapshot
    assert read(lines(snapshot, secrets=False)).secrets == {}
