"""Events become snapshots: what each of them changes, and what changes nothing."""

import pytest

from auriga_router.snapshot import Snapshot
from auriga_router.sources.kubernetes.cache import Cache, Event, Gone, Only, Put, SecretRead
from auriga_router.sources.kubernetes.objects import CHAINS, MODELS, SLICES
from support.kubernetes_objects import chain, endpoint_slice, model, provider


def after(*events: Event, saved: Snapshot | None = None) -> Cache:
    cache = Cache(saved or Snapshot())
    cache.fold(events)
    return cache


def test_models_chains_and_endpoints_become_a_snapshot() -> None:
    snapshot = after(
        Put(MODELS, model("m")),
        Put(CHAINS, chain("c", "m")),
        Put(SLICES, endpoint_slice("one", "m", "10.0.0.2")),
        Put(SLICES, endpoint_slice("two", "m", "10.0.0.1")),
    ).snapshot()
    assert set(snapshot.models) == {"default/m"}
    assert snapshot.chains["default/c"].role == "c"
    assert snapshot.endpoints == {"default/m": ("10.0.0.1:8080", "10.0.0.2:8080")}


def test_a_slice_that_moves_to_another_model_leaves_the_first() -> None:
    cache = after(Put(SLICES, endpoint_slice("s", "m", "10.0.0.1")))
    cache.fold([Put(SLICES, endpoint_slice("s", "n", "10.0.0.1", version=2))])
    assert cache.snapshot().endpoints == {"default/n": ("10.0.0.1:8080",)}


def test_a_model_without_a_ready_pod_has_no_endpoints() -> None:
    cache = after(Put(SLICES, endpoint_slice("s", "m")))
    assert cache.snapshot().endpoints == {"default/m": ()}
    cache.fold([Gone(SLICES, "default/s")])
    assert cache.snapshot().endpoints == {}


def test_a_pod_that_terminates_is_told_of_until_it_is_gone() -> None:
    going = {"addresses": ["10.0.0.1"], "conditions": {"ready": False, "terminating": True}}
    cache = after(Put(SLICES, endpoint_slice("s", "m", "10.0.0.1")))
    assert cache.snapshot().terminating == {}
    cache.fold([Put(SLICES, endpoint_slice("s", "m", going, version=2))])
    snapshot = cache.snapshot()
    assert (snapshot.endpoints, snapshot.terminating) == ({"default/m": ()}, {"default/m": ("10.0.0.1:8080",)})
    cache.fold([Put(SLICES, endpoint_slice("s", "m", version=3))])
    assert cache.snapshot().terminating == {}
    cache.fold([Put(SLICES, endpoint_slice("s", "m", going, version=4)), Gone(SLICES, "default/s")])
    assert cache.snapshot().terminating == {}


def test_what_a_full_list_does_not_name_is_gone() -> None:
    cache = after(Put(MODELS, model("a")), Put(MODELS, model("b")), Put(MODELS, model("a", namespace="other")))
    cache.fold([Only(MODELS, "default", frozenset({"default/a"}))])
    assert set(cache.snapshot().models) == {"default/a", "other/a"}
    cache.fold([Only(MODELS, "", frozenset({"default/a"}))])
    assert set(cache.snapshot().models) == {"default/a"}


def test_the_same_version_is_not_read_twice() -> None:
    cache = after(Put(MODELS, model("m", 5)))
    before = cache.snapshot()
    cache.fold([Put(MODELS, model("m", 5, tags=["unseen"])), Only(MODELS, "", frozenset({"default/m"}))])
    assert cache.snapshot() is before


def test_a_change_that_means_nothing_to_routing_leaves_the_snapshot_as_it_is() -> None:
    cache = after(Put(MODELS, model("m", 1)), Put(CHAINS, chain("c", "m")))
    before = cache.snapshot()
    again = chain("c", "m", version=2) | {"status": {"activeMember": "m"}}
    cache.fold([Put(MODELS, model("m", 2)), Put(CHAINS, again)])
    assert cache.snapshot() is before


def test_what_did_not_change_stays_the_very_object() -> None:
    cache = after(Put(MODELS, model("a")), Put(MODELS, model("b")), Put(CHAINS, chain("c", "a")))
    before = cache.snapshot()
    cache.fold([Put(MODELS, model("b", 2, suspended=True))])
    now = cache.snapshot()
    assert now is not before
    assert now.models["default/a"] is before.models["default/a"]
    assert now.chains is before.chains
    assert before.models["default/b"].spec.tags == []


def test_an_object_that_cannot_be_read_leaves_what_was_known_of_it() -> None:
    cache = after(Put(CHAINS, chain("c", "m")))
    cache.fold([Put(CHAINS, chain("c", "m", version=2, strategy="Clairvoyant"))])
    assert cache.snapshot().chains["default/c"].spec.strategy == "Ordered"
    assert "spec.strategy" in cache.unreadable["RoleChain", "default/c"]
    cache.fold([Put(CHAINS, chain("c", "m", version=3, strategy="Weighted"))])
    assert cache.snapshot().chains["default/c"].spec.strategy == "Weighted"
    assert not cache.unreadable


@pytest.mark.parametrize("last", [Gone(CHAINS, "default/c"), Only(CHAINS, "", frozenset())])
def test_an_unreadable_object_is_forgotten_when_it_is_gone(last: Event) -> None:
    cache = after(Put(CHAINS, chain("c", "m", strategy="Clairvoyant")), last)
    assert not cache.unreadable
    cache.fold([Put(CHAINS, chain("c", "m", strategy="Weighted"))])
    assert set(cache.snapshot().chains) == {"default/c"}


def test_of_secrets_only_what_models_name_gets_any_further() -> None:
    cache = after(
        Put(MODELS, provider("m", "key")),
        SecretRead("default/key", {"token": b"sk", "other": b"x"}),
        SecretRead("default/stranger", {"token": b"x"}),
    )
    assert cache.needed == {"default/key": {"token"}}
    assert cache.secret_of("default/m") == "default/key"
    assert cache.snapshot().secrets == {"default/key": {"token": b"sk"}}
    cache.fold([SecretRead("default/key", {"token": b"new"})])
    assert cache.snapshot().secrets == {"default/key": {"token": b"new"}}
    cache.fold([SecretRead("default/key", None)])
    assert cache.snapshot().secrets == {}


def test_a_secret_goes_with_the_last_model_that_named_it() -> None:
    cache = after(Put(MODELS, provider("m", "key")), SecretRead("default/key", {"token": b"sk"}))
    assert cache.snapshot().secrets
    cache.fold([Gone(MODELS, "default/m")])
    assert cache.snapshot().secrets == {}
    assert cache.secret_of("default/m") is None


def test_a_saved_snapshot_counts_until_lists_say_otherwise() -> None:
    saved = after(
        Put(MODELS, provider("p", "key")),
        Put(MODELS, model("m")),
        Put(SLICES, endpoint_slice("s", "m", "10.0.0.1")),
        SecretRead("default/key", {"token": b"sk"}),
    ).snapshot()
    cache = Cache(saved)
    assert cache.snapshot() == saved
    cache.fold([Put(MODELS, model("m", 9)), Only(MODELS, "", frozenset({"default/m"}))])
    assert (set(cache.snapshot().models), cache.snapshot().secrets) == ({"default/m"}, {})
    assert cache.snapshot().endpoints == {"default/m": ("10.0.0.1:8080",)}
    cache.fold([Put(SLICES, endpoint_slice("t", "m", "10.0.0.7")), Only(SLICES, "", frozenset({"default/t"}))])
    assert cache.snapshot().endpoints == {"default/m": ("10.0.0.7:8080",)}


def test_a_snapshot_shows_no_secret_in_its_repr() -> None:
    cache = after(Put(MODELS, provider("p", "key")), SecretRead("default/key", {"token": b"sk-hidden"}))
    assert "sk-hidden" not in repr(cache.snapshot())
